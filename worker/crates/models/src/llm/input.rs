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
    /// Their codes, in tiles of [`tile_rows`]: for each pair of columns those of all rows of the tile, so that a kernel
    /// reads them one after the other. Empty where the columns are not whole units, because no quantised matrix has such
    /// rows.
    pub codes: Vec<i16>,
    /// Scale of each unit, for all rows of a tile.
    pub scales: Vec<f32>,
    /// Scale times the sum of the codes of each unit, for all rows of a tile.
    pub sums: Vec<f32>,
}

/// Rows of the next tile, when so many are left.
#[inline(always)]
pub fn tile_rows<W: Wide>(left: usize) -> usize {
    match left {
        8.. if W::ROWS >= 8 => 8,
        4.. if W::ROWS >= 4 => 4,
        2.. => 2,
        _ => left,
    }
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
        self.make_room();
        dispatch(Quantise { input: self });
    }

    /// The same for kernels that run with instructions that every processor has.
    #[cfg(test)]
    pub fn quantise_portable(&mut self) {
        self.make_room();
        crate::cpu::wide::dispatch_portable(Quantise { input: self });
    }

    fn make_room(&mut self) {
        let num = if self.k.is_multiple_of(UNIT) { self.m * self.k } else { 0 };
        self.codes.resize(num, 0);
        self.scales.resize(num / UNIT, 0.0);
        self.sums.resize(num / UNIT, 0.0);
    }
}

struct Quantise<'a> {
    input: &'a mut Input,
}

impl Kernel for Quantise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<W: Wide>(self) {
        let Input { m, k, floats, codes, scales, sums } = self.input;
        let (m, k) = (*m, *k);
        if codes.is_empty() {
            return;
        }
        let mut first = 0;
        while first < m {
            let rows = tile_rows::<W>(m - first);
            for row in 0..rows {
                let x = floats[(first + row) * k..][..k].as_chunks::<UNIT>().0;
                for (unit, x) in x.iter().enumerate() {
                    let mut row_codes = [0; UNIT];
                    let at = first * (k / UNIT) + unit * rows + row;
                    (scales[at], sums[at]) = quantise_unit::<W>(x, &mut row_codes);
                    let tile = &mut codes[first * k + unit * rows * UNIT..][..rows * UNIT];
                    for (group, pair) in tile.chunks_exact_mut(2 * rows).zip(row_codes.as_chunks::<2>().0) {
                        group[2 * row..][..2].copy_from_slice(pair);
                    }
                }
            }
            first += rows;
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

    /// First row and number of rows of the tile of each row.
    struct Tiles(usize);

    impl Kernel for Tiles {
        type Output = Vec<(usize, usize)>;

        #[inline(always)]
        fn run<W: Wide>(self) -> Vec<(usize, usize)> {
            let mut tiles = Vec::new();
            while tiles.len() < self.0 {
                let (first, rows) = (tiles.len(), tile_rows::<W>(self.0 - tiles.len()));
                tiles.extend(std::iter::repeat_n((first, rows), rows));
            }
            tiles
        }
    }

    proptest! {
        #[test]
        fn codes_are_within_half_a_step(x in prop::collection::vec(-1e3_f32..1e3, 1..30 * UNIT), factor in 1e-6_f32..1e6) {
            let m = x.len().div_ceil(UNIT);
            let mut input = Input::default();
            input.reset(m, UNIT);
            for (out, x) in input.floats.iter_mut().zip(&x) {
                *out = x * factor;
            }
            input.quantise();
            let tiles = dispatch(Tiles(m));
            for (row, (first, rows)) in (0..m).zip(tiles) {
                let (scale, row_sum) = (input.scales[row], input.sums[row]);
                let codes = input.codes[first * UNIT..].chunks_exact(2 * rows);
                let codes: Vec<i16> = codes.take(UNIT / 2).flat_map(|group| &group[2 * (row - first)..][..2]).copied().collect();
                for (code, x) in codes.iter().zip(&input.floats[row * UNIT..]) {
                    prop_assert!((f32::from(*code) * scale - x).abs() <= 0.51 * scale, "{code} * {scale} is not {x}");
                }
                let sum: f32 = codes.iter().map(|&code| f32::from(code)).sum();
                prop_assert!((sum * scale - row_sum).abs() <= 1e-3 * scale.abs() * sum.abs().max(1.0));
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
