//! Element-wise functions on four lanes: exponential, GELU, layer normalisation.
//!
//! They are written with products and sums alone (no fused operations), so that every build gives the same bits.

use super::simd::{F4, I4};

/// Gives the same bits everywhere: no operation in it is fused.
const PLAIN: bool = false;

#[inline(always)]
fn polynomial<const N: usize>(x: F4, coefficients: [f32; N]) -> F4 {
    let mut sum = F4::splat(coefficients[0]);
    for &c in &coefficients[1..] {
        sum = sum.madd::<PLAIN>(x, F4::splat(c));
    }
    sum
}

/// `exp(x)` for `x <= 0`, within 2 units in the last place; below -87 it is the smallest normal number or so.
#[inline(always)]
pub fn exp_negative(x: F4) -> F4 {
    let x = x.max(F4::splat(-87.0));
    // Split x = n ln 2 + r with |r| <= ln 2 / 2; adding and taking away 0.5 first makes truncation round to nearest.
    let n = (x * F4::splat(std::f32::consts::LOG2_E) - F4::splat(0.5)).trunc();
    let whole = n.to_f4();
    let r = x - whole * F4::splat(0.693_359_4) - whole * F4::splat(-2.121_944_4e-4);
    let p =
        polynomial(r, [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5]);
    let p = p.madd::<PLAIN>(r * r, r + F4::splat(1.0));
    p * (n + I4::splat(127)).exponent()
}

/// The error function within 4 units in the last place: a rational fit on [-4, 4], where it reaches ±1.
#[inline(always)]
fn erf(x: F4) -> F4 {
    let x = x.max(F4::splat(-4.0)).min(F4::splat(4.0));
    let x2 = x * x;
    let above = polynomial(
        x2,
        [
            -2.726_142_4e-10,
            2.770_681_4e-8,
            -2.101_024e-6,
            -5.692_506_2e-5,
            -7.349_906_4e-4,
            -2.954_599_7e-3,
            -1.609_603_4e-2,
        ],
    );
    let below =
        polynomial(x2, [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329_3e-3, -1.426_473_9e-2]);
    x * above / below
}

/// The exact (error function) GELU that BERT uses.
#[inline(always)]
pub fn gelu(x: F4) -> F4 {
    let half = x * F4::splat(0.5);
    half + half * erf(x * F4::splat(std::f32::consts::FRAC_1_SQRT_2))
}

/// Normalise `row` to mean 0 and variance 1, then scale and shift, in place. The length is a multiple of four.
pub fn layer_norm(row: &mut [f32], scale: &[f32], shift: &[f32], epsilon: f32) {
    debug_assert!(row.len().is_multiple_of(4) && scale.len() == row.len() && shift.len() == row.len());
    let num = row.len() as f32;
    let mut sum = F4::splat(0.0);
    for x in row.chunks_exact(4) {
        sum = sum + F4::of(x);
    }
    let mean = F4::splat(sum.sum() / num);
    let mut squares = F4::splat(0.0);
    for x in row.chunks_exact(4) {
        let off = F4::of(x) - mean;
        squares = squares + off * off;
    }
    let factor = F4::splat(1.0 / (squares.sum() / num + epsilon).sqrt());
    for ((x, scale), shift) in row.chunks_exact_mut(4).zip(scale.chunks_exact(4)).zip(shift.chunks_exact(4)) {
        ((F4::of(x) - mean) * factor * F4::of(scale) + F4::of(shift)).put(x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error function by its series, in float64.
    fn erf_exact(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn exponential_is_close_everywhere() {
        for i in 0..=87_000 {
            let x = -(i as f32) / 1000.0;
            let [got, ..] = exp_negative(F4::splat(x)).lanes();
            let exact = f64::from(x).exp();
            assert!((f64::from(got) - exact).abs() <= exact * 3e-7, "exp({x}) = {got}, not {exact}");
        }
        assert!(exp_negative(F4::splat(-1e30)).lanes()[0] < 1e-37);
    }

    #[test]
    fn gelu_is_close_everywhere() {
        for i in -50_000..=50_000 {
            let x = i as f32 / 10_000.0;
            let [got, ..] = gelu(F4::splat(x)).lanes();
            let exact = f64::from(x) * 0.5 * (1.0 + erf_exact(f64::from(x) / std::f64::consts::SQRT_2));
            assert!(
                (f64::from(got) - exact).abs() <= 2e-6 * exact.abs().max(1.0),
                "gelu({x}) = {got}, not {exact}"
            );
        }
        assert!((gelu(F4::splat(30.0)).lanes()[0] - 30.0).abs() < 1e-5);
        assert!(gelu(F4::splat(-30.0)).lanes()[0].abs() < 1e-5);
    }

    #[test]
    fn layer_norm_has_mean_zero_and_variance_one() {
        let mut row: Vec<f32> = (0..384).map(|i| (i * 7919 % 1000) as f32 / 10.0 - 20.0).collect();
        let (ones, zeros) = (vec![1.0; 384], vec![0.0; 384]);
        layer_norm(&mut row, &ones, &zeros, 1e-12);
        let mean = row.iter().sum::<f32>() / 384.0;
        let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / 384.0;
        assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-5, "{mean} {variance}");
    }
}
