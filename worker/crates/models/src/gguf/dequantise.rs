//! Stored blocks → numbers, in the order of operations of the reference, so that results are equal bit for bit.
//!
//! Scales that are infinite or not a number go through the arithmetic like any other: a damaged block gives numbers
//! that are not finite and nothing worse.

use thiserror::Error;

use super::Dtype;

/// The lengths do not belong together: a mistake of the caller, not of a file.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{bytes} bytes of {dtype} are not {numbers} numbers")]
pub struct DequantiseError {
    /// The format.
    pub dtype: Dtype,
    /// Bytes given.
    pub bytes: usize,
    /// Numbers asked for.
    pub numbers: usize,
}

/// Write the numbers of whole blocks to `out`.
///
/// # Errors
/// [`DequantiseError`] when `blocks` are not whole blocks or `out` is not as long as the numbers in them.
pub fn dequantise(dtype: Dtype, blocks: &[u8], out: &mut [f32]) -> Result<(), DequantiseError> {
    if dtype.bytes(out.len() as u64) != Some(blocks.len() as u64) {
        return Err(DequantiseError { dtype, bytes: blocks.len(), numbers: out.len() });
    }
    match dtype {
        Dtype::F32 => each(blocks, out, |bytes: &[u8; 4], out: &mut [f32; 1]| {
            out[0] = f32::from_le_bytes(*bytes);
        }),
        Dtype::F16 => each(blocks, out, |bytes: &[u8; 2], out: &mut [f32; 1]| out[0] = half(*bytes)),
        Dtype::BF16 => each(blocks, out, |bytes: &[u8; 2], out: &mut [f32; 1]| {
            out[0] = f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
        }),
        Dtype::Q4_0 => each(blocks, out, q4_0),
        Dtype::Q4_1 => each(blocks, out, q4_1),
        Dtype::Q5_0 => each(blocks, out, q5_0),
        Dtype::Q5_1 => each(blocks, out, q5_1),
        Dtype::Q8_0 => each(blocks, out, q8_0),
        Dtype::Q4_K => each(blocks, out, q4_k),
        Dtype::Q5_K => each(blocks, out, q5_k),
        Dtype::Q6_K => each(blocks, out, q6_k),
    }
    Ok(())
}

/// Run `block` over every block; arrays of fixed length let the compiler drop the bounds checks inside.
fn each<const B: usize, const N: usize>(bytes: &[u8], out: &mut [f32], block: fn(&[u8; B], &mut [f32; N])) {
    let (blocks, _) = bytes.as_chunks::<B>();
    let (outs, _) = out.as_chunks_mut::<N>();
    for (bytes, out) in blocks.iter().zip(outs) {
        block(bytes, out);
    }
}

/// A half-precision number, exactly.
pub(crate) fn half(bytes: [u8; 2]) -> f32 {
    let bits = u32::from(u16::from_le_bytes(bytes));
    let sign = (bits & 0x8000) << 16;
    let exponent = (bits >> 10) & 0x1f;
    let fraction = bits & 0x3ff;
    let magnitude = match exponent {
        // Below the normal range the fraction counts steps of 2⁻²⁴.
        0 => (fraction as f32 * (1.0 / 16_777_216.0)).to_bits(),
        0x1f => 0x7f80_0000 | (fraction << 13),
        _ => ((exponent + 127 - 15) << 23) | (fraction << 13),
    };
    f32::from_bits(sign | magnitude)
}

/// The number of four bits at place `i` of 32: low halves of 16 bytes first, then the high halves.
fn nibble(bytes: &[u8], i: usize) -> u8 {
    (bytes[i % 16] >> (i / 16 * 4)) & 0x0f
}

fn q4_0(block: &[u8; 18], out: &mut [f32; 32]) {
    let scale = half([block[0], block[1]]);
    for (i, out) in out.iter_mut().enumerate() {
        *out = scale * f32::from(nibble(&block[2..], i) as i8 - 8);
    }
}

fn q4_1(block: &[u8; 20], out: &mut [f32; 32]) {
    let scale = half([block[0], block[1]]);
    let least = half([block[2], block[3]]);
    for (i, out) in out.iter_mut().enumerate() {
        *out = scale * f32::from(nibble(&block[4..], i)) + least;
    }
}

/// The number of five bits at place `i`: its highest bit stands apart, in a word of 32.
fn five_bits(high: &[u8], low: &[u8], i: usize) -> u8 {
    nibble(low, i) | (((high[i / 8] >> (i % 8)) & 1) << 4)
}

fn q5_0(block: &[u8; 22], out: &mut [f32; 32]) {
    let scale = half([block[0], block[1]]);
    for (i, out) in out.iter_mut().enumerate() {
        *out = scale * f32::from(five_bits(&block[2..6], &block[6..], i) as i8 - 16);
    }
}

fn q5_1(block: &[u8; 24], out: &mut [f32; 32]) {
    let scale = half([block[0], block[1]]);
    let least = half([block[2], block[3]]);
    for (i, out) in out.iter_mut().enumerate() {
        *out = scale * f32::from(five_bits(&block[4..8], &block[8..], i)) + least;
    }
}

fn q8_0(block: &[u8; 34], out: &mut [f32; 32]) {
    let scale = half([block[0], block[1]]);
    for (out, &byte) in out.iter_mut().zip(&block[2..]) {
        *out = f32::from(byte as i8) * scale;
    }
}

/// Scale and offset, six bits each, of group `group` of eight. The first four groups have theirs in the low bits of
/// bytes 0–3 and 4–7; those of the others are put together from bytes 8–11 and the two bits that were left over.
pub(crate) fn scale_and_offset(packed: &[u8], group: usize) -> (u8, u8) {
    let i = group % 4;
    if group < 4 {
        return (packed[i] & 0x3f, packed[4 + i] & 0x3f);
    }
    let scale = (packed[8 + i] & 0x0f) | ((packed[i] >> 2) & 0x30);
    let offset = (packed[8 + i] >> 4) | ((packed[4 + i] >> 2) & 0x30);
    (scale, offset)
}

fn q4_k(block: &[u8; 144], out: &mut [f32; 256]) {
    let scale = half([block[0], block[1]]);
    let offset = half([block[2], block[3]]);
    for (group, out) in out.chunks_exact_mut(32).enumerate() {
        let (s, o) = scale_and_offset(&block[4..16], group);
        let (s, o) = (scale * f32::from(s), offset * f32::from(o));
        // Two groups share 32 bytes: one has the low halves, the other the high ones.
        let bytes = &block[16 + group / 2 * 32..][..32];
        for (out, byte) in out.iter_mut().zip(bytes) {
            *out = s * f32::from((byte >> (group % 2 * 4)) & 0x0f) - o;
        }
    }
}

fn q5_k(block: &[u8; 176], out: &mut [f32; 256]) {
    let scale = half([block[0], block[1]]);
    let offset = half([block[2], block[3]]);
    for (group, out) in out.chunks_exact_mut(32).enumerate() {
        let (s, o) = scale_and_offset(&block[4..16], group);
        let (s, o) = (scale * f32::from(s), offset * f32::from(o));
        let low = &block[48 + group / 2 * 32..][..32];
        for ((out, low), high) in out.iter_mut().zip(low).zip(&block[16..48]) {
            let number = ((low >> (group % 2 * 4)) & 0x0f) | (((high >> group) & 1) << 4);
            *out = s * f32::from(number) - o;
        }
    }
}

fn q6_k(block: &[u8; 210], out: &mut [f32; 256]) {
    let (low, rest) = block.split_at(128);
    let (high, rest) = rest.split_at(64);
    let (scales, scale) = rest.split_at(16);
    let scale = half([scale[0], scale[1]]);
    for (group, out) in out.chunks_exact_mut(32).enumerate() {
        // Each half of the block has four groups: two in the low and two in the high halves of its 64 bytes.
        let (part, quarter) = (group / 4, group % 4);
        let low = &low[part * 64 + quarter % 2 * 32..][..32];
        let high = &high[part * 32..][..32];
        for (i, (out, (low, high))) in out.iter_mut().zip(low.iter().zip(high)).enumerate() {
            let number = ((low >> (quarter / 2 * 4)) & 0x0f) | (((high >> (quarter * 2)) & 3) << 4);
            let scale = scale * f32::from(scales[group * 2 + i / 16] as i8);
            *out = scale * f32::from(number as i8 - 32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_is_exact() {
        for bits in 0..=u16::MAX {
            let got = half(bits.to_le_bytes());
            let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
            let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
            let expected = match (exponent, fraction == 0.0) {
                (31, true) => sign * f64::INFINITY,
                (31, false) => f64::NAN,
                (0, _) => sign * fraction * 2f64.powi(-24),
                _ => sign * (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
            };
            if expected.is_nan() {
                assert!(got.is_nan(), "{bits:#06x} gives {got}");
            } else {
                assert_eq!(f64::from(got).to_bits(), expected.to_bits(), "{bits:#06x} gives {got}");
            }
        }
    }

    #[test]
    fn lengths_must_belong_together() {
        for dtype in Dtype::ALL {
            let (bytes, numbers) = (dtype.block_bytes(), dtype.block_len());
            let run = |bytes: usize, numbers: usize| {
                dequantise(dtype, &vec![0; bytes], &mut vec![1.0; numbers]).map_err(|err| err.to_string())
            };
            assert_eq!(run(0, 0), Ok(()));
            assert_eq!(run(3 * bytes, 3 * numbers), Ok(()));
            for (bytes, numbers) in [(bytes, 0), (bytes - 1, numbers), (bytes + 1, numbers), (0, numbers)] {
                let expected = format!("{bytes} bytes of {dtype} are not {numbers} numbers");
                assert_eq!(run(bytes, numbers), Err(expected));
            }
        }
    }
}
