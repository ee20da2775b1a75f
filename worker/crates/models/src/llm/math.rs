//! What lies between the products: norms, the gate, softmax.

use crate::cpu::wide::{Kernel, LANES, Wide, dispatch, largest, sum};

/// Eight numbers of a slice, or fewer at its end with zeros behind them.
#[inline(always)]
fn load<W: Wide>(x: &[f32]) -> W::F {
    let mut padded = [0.0; LANES];
    if x.len() < LANES {
        padded[..x.len()].copy_from_slice(x);
    }
    let from = if x.len() < LANES { padded.as_ptr() } else { x.as_ptr() };
    // SAFETY: both have eight numbers.
    unsafe { W::load(from) }
}

#[inline(always)]
fn store<W: Wide>(out: &mut [f32], x: W::F) {
    if out.len() < LANES {
        out.iter_mut().zip(W::lanes(x)).for_each(|(out, x)| *out = x);
    } else {
        // SAFETY: there is room for eight numbers.
        unsafe { W::store(out.as_mut_ptr(), x) };
    }
}

/// `exp(x)` for `x <= 0`, within 2 units in the last place; below -87 it is the smallest normal number or so.
#[inline(always)]
fn exp_negative<W: Wide>(x: W::F) -> W::F {
    let c = |x: f32| W::splat(x);
    let x = W::max(x, c(-87.0));
    // Split x = n ln 2 + r with |r| <= ln 2 / 2; taking away 0.5 first makes truncation round to nearest.
    let n = W::to_int(W::sub(W::mul(x, c(std::f32::consts::LOG2_E)), c(0.5)));
    let whole = W::to_float(n);
    let r = W::madd(whole, c(-0.693_359_4), x);
    let r = W::madd(whole, c(2.121_944_4e-4), r);
    let mut p = c(1.987_569_1e-4);
    for factor in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = W::madd(p, r, c(factor));
    }
    let p = W::madd(p, W::mul(r, r), W::add(r, c(1.0)));
    W::mul(p, W::power_of_two(n))
}

/// `out = x / root(mean(x²) + epsilon) * scale`, row by row.
pub fn rms_norm(x: &[f32], scale: &[f32], epsilon: f32, out: &mut [f32]) {
    struct Norm<'a>(&'a [f32], &'a [f32], f32, &'a mut [f32]);
    impl Kernel for Norm<'_> {
        type Output = ();
        #[inline(always)]
        fn run<W: Wide>(self) {
            let Self(x, scale, epsilon, out) = self;
            for (x, out) in x.chunks_exact(scale.len()).zip(out.chunks_exact_mut(scale.len())) {
                let mut squares = W::splat(0.0);
                for x in x.chunks(LANES) {
                    let x = load::<W>(x);
                    squares = W::madd(x, x, squares);
                }
                let mean = sum::<W>(squares) / scale.len() as f32;
                let factor = W::splat(1.0 / (mean + epsilon).sqrt());
                for ((x, scale), out) in x.chunks(LANES).zip(scale.chunks(LANES)).zip(out.chunks_mut(LANES)) {
                    store::<W>(out, W::mul(W::mul(load::<W>(x), factor), load::<W>(scale)));
                }
            }
        }
    }
    dispatch(Norm(x, scale, epsilon, out));
}

/// `out = silu(gate) * up`, where `silu(x) = x / (1 + exp(-x))`.
pub fn swiglu(gate: &[f32], up: &[f32], out: &mut [f32]) {
    struct Gate<'a>(&'a [f32], &'a [f32], &'a mut [f32]);
    impl Kernel for Gate<'_> {
        type Output = ();
        #[inline(always)]
        fn run<W: Wide>(self) {
            let Self(gate, up, out) = self;
            let (zero, one) = (W::splat(0.0), W::splat(1.0));
            for ((x, up), out) in gate.chunks(LANES).zip(up.chunks(LANES)).zip(out.chunks_mut(LANES)) {
                let x = load::<W>(x);
                let below = W::min(x, W::sub(zero, x));
                // With e = exp(-|x|): x / (1 + e) above zero, x e / (1 + e) below.
                let e = exp_negative::<W>(below);
                let share = W::div(one, W::add(one, e));
                let low = W::mul(W::min(x, zero), W::mul(e, share));
                let high = W::mul(W::max(x, zero), share);
                store::<W>(out, W::mul(W::add(low, high), load::<W>(up)));
            }
        }
    }
    dispatch(Gate(gate, up, out));
}

/// `x += y`.
pub fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

/// Probabilities in place of scores.
#[inline(always)]
pub fn softmax<W: Wide>(x: &mut [f32]) {
    let mut most = W::splat(f32::NEG_INFINITY);
    let (whole, rest) = x.as_chunks::<LANES>();
    for x in whole {
        most = W::max(most, load::<W>(x));
    }
    let most = rest.iter().copied().fold(largest::<W>(most), f32::max);
    let mut total = W::splat(0.0);
    let mut end = 0.0;
    for x in x.chunks_mut(LANES) {
        let e = exp_negative::<W>(W::sub(load::<W>(x), W::splat(most)));
        if x.len() == LANES {
            total = W::add(total, e);
        } else {
            end = W::lanes(e)[..x.len()].iter().sum();
        }
        store::<W>(x, e);
    }
    let factor = W::splat(1.0 / (sum::<W>(total) + end));
    for x in x.chunks_mut(LANES) {
        store::<W>(x, W::mul(load::<W>(x), factor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(num: usize, factor: f32) -> Vec<f32> {
        (0..num).map(|i| ((i * 7919 % 1000) as f32 / 500.0 - 1.0) * factor).collect()
    }

    #[test]
    fn norm_gate_and_softmax_are_those_of_float64() {
        for num in [1, 2, 7, 8, 9, 64, 577] {
            let (x, y) = (numbers(num, 30.0), numbers(num, 2.0));
            let mut out = vec![0.0; num];
            rms_norm(&x, &y, 1e-5, &mut out);
            let mean = x.iter().map(|x| f64::from(x * x)).sum::<f64>() / num as f64;
            for ((out, x), y) in out.iter().zip(&x).zip(&y) {
                let expected = f64::from(*x) / (mean + 1e-5).sqrt() * f64::from(*y);
                assert!(
                    (f64::from(*out) - expected).abs() <= 1e-5 * expected.abs().max(1e-3),
                    "{out} {expected}"
                );
            }
            swiglu(&x, &y, &mut out);
            for ((out, x), y) in out.iter().zip(&x).zip(&y) {
                let expected = f64::from(*x) / (1.0 + f64::from(-x).exp()) * f64::from(*y);
                assert!(
                    (f64::from(*out) - expected).abs() <= 1e-5 * expected.abs().max(1e-3),
                    "{out} {expected}"
                );
            }
            struct Soft<'a>(&'a mut [f32]);
            impl Kernel for Soft<'_> {
                type Output = ();
                #[inline(always)]
                fn run<W: Wide>(self) {
                    softmax::<W>(self.0);
                }
            }
            out.copy_from_slice(&x);
            dispatch(Soft(&mut out));
            let total: f64 = x.iter().map(|&x| f64::from(x).exp()).sum();
            for (out, x) in out.iter().zip(&x) {
                assert!((f64::from(*out) - f64::from(*x).exp() / total).abs() <= 1e-6, "{out}");
            }
        }
    }

    #[test]
    fn the_gate_holds_at_the_ends() {
        let mut out = [0.0; 4];
        swiglu(&[-1e4, 1e4, 0.0, -90.0], &[1.0; 4], &mut out);
        assert!(out[0].abs() < 1e-30 && out[1] == 1e4 && out[2] == 0.0 && out[3].abs() < 1e-30, "{out:?}");
    }
}
