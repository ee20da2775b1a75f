//! The left side of a matrix product: rows of float32, and the same as int16 with a scale per 32 columns.
//!
//! Sixteen bits cost what eight would wherever products of int16 pairs are the widest instruction, as in every browser,
//! and lose about as little as float32 does: logits stay within thousandths of the reference.

use super::format::UNIT;
use crate::cpu::wide::{Kernel, LANES, Wide, dispatch, largest};

/// Largest code; the smallest is its negative.
const MAX_CODE: f32 = 32_767.0;

/// Rows for [`super::matrix::Matrix::product`].
#[derive(Debug, Default)]
pub struct Input {
    /// Columns.
    pub k: usize,
    /// Rows.
    pub m: usize,
    /// The rows themselves.
    pub floats: Vec<f32>,
    /// Their codes. Empty where the columns are not whole units, because no quantised matrix has such rows.
    pub codes: Vec<i16>,
    /// Scale of each unit of each row.
    pub scales: Vec<f32>,
    /// Scale times the sum of the codes, of each unit of each row.
    pub sums: Vec<f32>,
}

impl Input {
    /// Make room for `m` rows of `k` columns, to be written to `floats`.
    pub fn reset(&mut self, m: usize, k: usize) -> &mut [f32] {
        (self.m, self.k) = (m, k);
        self.floats.resize(m * k, 0.0);
        &mut self.floats
    }

    /// Make the codes of what was written.
    pub fn quantise(&mut self) {
        let num = if self.k.is_multiple_of(UNIT) { self.m * self.k } else { 0 };
        self.codes.resize(num, 0);
        self.scales.resize(num / UNIT, 0.0);
        self.sums.resize(num / UNIT, 0.0);
        dispatch(Quantise { input: self });
    }
}

struct Quantise<'a> {
    input: &'a mut Input,
}

impl Kernel for Quantise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<W: Wide>(self) {
        let Input { floats, codes, scales, sums, .. } = self.input;
        let units = floats.as_chunks::<UNIT>().0.iter().zip(codes.as_chunks_mut::<UNIT>().0);
        for ((x, codes), (scale, sum)) in units.zip(scales.iter_mut().zip(sums.iter_mut())) {
            (*scale, *sum) = quantise_unit::<W>(x, codes);
        }
    }
}

/// Scale, and scale times the sum of the codes.
#[inline(always)]
fn quantise_unit<W: Wide>(x: &[f32; UNIT], codes: &mut [i16; UNIT]) -> (f32, f32) {
    let zero = W::splat(0.0);
    let (mut most, mut parts) = (zero, [zero; UNIT / LANES]);
    for (i, part) in parts.iter_mut().enumerate() {
        // SAFETY: 32 numbers are four times eight.
        *part = unsafe { W::load(x.as_ptr().add(LANES * i)) };
        most = W::max(most, W::max(*part, W::sub(zero, *part)));
    }
    // Units of zeros get any scale. What is not finite ends as zeros with a scale that is not finite.
    let scale = (largest::<W>(most) / MAX_CODE).max(f32::MIN_POSITIVE);
    let inverse = W::splat(1.0 / scale);
    // Above zero truncation rounds to nearest.
    let (up, down) = (W::splat(MAX_CODE + 1.5), MAX_CODE as i32 + 1);
    let mut sum = 0;
    for (part, codes) in parts.into_iter().zip(codes.as_chunks_mut::<LANES>().0) {
        let shifted = W::to_int(W::madd(part, inverse, up));
        let mut ints = [0_i32; LANES];
        // SAFETY: the array holds 32 bytes.
        unsafe { W::store_int(ints.as_mut_ptr().cast(), shifted) };
        for (int, code) in ints.into_iter().zip(codes) {
            let int = int.wrapping_sub(down);
            *code = int as i16;
            sum += i32::from(*code);
        }
    }
    (scale, scale * sum as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn codes_are_within_half_a_step(x in prop::collection::vec(-1e3_f32..1e3, 1..6 * UNIT), factor in 1e-6_f32..1e6) {
            let m = x.len().div_ceil(UNIT);
            let mut input = Input::default();
            input.reset(m, UNIT);
            for (out, x) in input.floats.iter_mut().zip(&x) {
                *out = x * factor;
            }
            input.quantise();
            for (unit, codes) in input.codes.chunks_exact(UNIT).enumerate() {
                let scale = input.scales[unit];
                for (code, x) in codes.iter().zip(&input.floats[unit * UNIT..]) {
                    prop_assert!((f32::from(*code) * scale - x).abs() <= 0.51 * scale, "{code} * {scale} is not {x}");
                }
                let sum: f32 = codes.iter().map(|&code| f32::from(code)).sum();
                prop_assert!((sum * scale - input.sums[unit]).abs() <= 1e-3 * scale.abs() * sum.abs().max(1.0));
            }
        }
    }

    #[test]
    fn rows_that_are_not_finite_do_not_panic() {
        let mut input = Input::default();
        for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, f32::MIN_POSITIVE / 2.0, f32::MAX] {
            input.reset(1, UNIT).fill(x);
            input.quantise();
        }
    }
}
