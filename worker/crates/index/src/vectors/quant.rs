//! One signed byte a component: the scale of each vector is its largest magnitude over 127.

use super::VectorErr;

/// A quantised vector: component `i` is about `values[i] * scale`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quantised {
    pub scale: f32,
    pub values: Box<[i8]>,
}

impl Quantised {
    /// Quantise. A vector with components that are not finite gets a scale that is not finite.
    pub fn new(vector: &[f32]) -> Self {
        let mut max = 0.0f32;
        for &x in vector {
            max = if x.is_finite() { max.max(x.abs()) } else { f32::INFINITY };
            if max.is_infinite() {
                break;
            }
        }
        let scale = max / 127.0;
        let back = if max > 0.0 { 127.0 / max } else { 0.0 };
        Self { scale, values: vector.iter().map(|&x| (x * back).round() as i8).collect() }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 + self.values.len());
        out.extend_from_slice(&self.scale.to_le_bytes());
        out.extend(self.values.iter().map(|&x| x as u8));
        out
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, VectorErr> {
        let (scale, values) = bytes.split_first_chunk::<4>().ok_or(VectorErr::NotFinite)?;
        let scale = f32::from_le_bytes(*scale);
        if !scale.is_finite() || scale < 0.0 {
            return Err(VectorErr::NotFinite);
        }
        Ok(Self { scale, values: values.iter().map(|&x| x as i8).collect() })
    }
}

/// Inner product of two byte vectors of the same length; exact for up to 130,000 components.
pub(crate) fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&x, &y)| i32::from(i16::from(x) * i16::from(y))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_is_close_and_bad_bytes_are_refused() {
        let vector = [0.5, -1.0, 0.25, 0.0];
        let quantised = Quantised::new(&vector);
        for (x, &q) in vector.iter().zip(quantised.values.iter()) {
            assert!((x - f32::from(q) * quantised.scale).abs() <= 0.5 * quantised.scale + 1e-7);
        }
        assert_eq!(Quantised::decode(&quantised.encode()).unwrap(), quantised);
        assert!(Quantised::decode(&[1, 2]).is_err());
        assert!(Quantised::decode(&f32::NAN.to_le_bytes()).is_err());
        assert!(!Quantised::new(&[1.0, f32::NAN]).scale.is_finite());
        assert_eq!(Quantised::new(&[0.0; 3]).values[..], [0, 0, 0]);
    }

    #[test]
    fn extremes_do_not_overflow() {
        assert_eq!(dot(&[-128; 384], &[-128; 384]), 384 * 16384);
    }
}
