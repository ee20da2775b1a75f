//! Products of int16 activations and quantised weights, exact in integers up to the scale of each unit.
//!
//! A single row multiplies the weights as they are decoded. Several rows share the decoding: a stretch of a panel is
//! decoded once, lies in the first-level cache, and all rows pass it in register tiles.

use super::format::{Format, UNIT};
use super::input::{Input, tile_rows};
use crate::cpu::wide::{Kernel, LANES, Wide};

/// Columns that are decoded at a time: 16 KiB of int16, and few enough that scales fit beside them. A multiple of the
/// largest block.
const STRETCH: usize = 1024;

/// Pairs of columns between two looks at where the loop is.
const TOGETHER: usize = 4;

/// Decoded weights of a stretch of a panel.
#[derive(Debug, Default)]
pub struct Stretch {
    /// Int16 pairs of eight rows.
    codes: Vec<u8>,
    scales: Vec<f32>,
    leasts: Vec<f32>,
}

/// `out[m, n] = input[m, k] · weightsᵀ` for some panels of the weights.
pub struct Product<'a, F: Format> {
    /// Panels without gaps.
    pub panels: &'a [u8],
    /// Rows of the weights.
    pub n: usize,
    /// The left side.
    pub input: &'a Input,
    /// Row-major, `n` columns.
    pub out: &'a mut [f32],
    /// Reused between calls.
    pub stretch: &'a mut Stretch,
    /// The format of the weights.
    pub format: std::marker::PhantomData<F>,
}

impl<F: Format> Kernel for Product<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<W: Wide>(self) {
        let Self { panels, n, input, out, stretch, .. } = self;
        let (m, k) = (input.m, input.k);
        let block_len = UNIT * F::UNITS;
        let block_bytes = F::HEAD_BYTES + F::UNITS * F::UNIT_BYTES;
        let panel_bytes = k / block_len * block_bytes;
        assert!(k > 0 && k.is_multiple_of(block_len), "columns are whole blocks");
        assert!(panels.len() == n.div_ceil(LANES) * panel_bytes && out.len() == m * n, "shapes of a product");
        assert!(input.codes.len() == m * k && input.scales.len() == m * k / UNIT, "the input is quantised");
        assert!(input.sums.len() == m * k / UNIT, "the input is quantised");
        if m == 1 {
            for (panel, out) in panels.chunks_exact(panel_bytes).zip(out.chunks_mut(LANES)) {
                // SAFETY: the assertions above.
                let sums = unsafe { single::<W, F>(panel.as_ptr(), input) };
                out.copy_from_slice(&W::lanes(sums)[..out.len()]);
            }
            return;
        }
        stretch.codes.resize(STRETCH * 2 * LANES, 0);
        stretch.scales.resize(STRETCH / F::STEP * LANES, 0.0);
        stretch.leasts.resize(STRETCH / F::STEP * LANES, 0.0);
        for (index, panel) in panels.chunks_exact(panel_bytes).enumerate() {
            for first in (0..k).step_by(STRETCH) {
                let columns = STRETCH.min(k - first);
                let blocks = &panel[first / block_len * block_bytes..][..columns / block_len * block_bytes];
                // SAFETY: whole blocks, and a stretch has room for as many columns.
                unsafe { decode::<W, F>(blocks, stretch) };
                let mut tile = Tile {
                    stretch,
                    input,
                    steps: columns / F::STEP,
                    first,
                    row: 0,
                    n,
                    column: index * LANES,
                    out,
                };
                while tile.row < m {
                    let rows = tile_rows::<W>(m - tile.row);
                    match rows {
                        8 => tile.run::<W, F, 8>(),
                        4 => tile.run::<W, F, 4>(),
                        2 => tile.run::<W, F, 2>(),
                        _ => tile.run::<W, F, 1>(),
                    }
                    tile.row += rows;
                }
            }
        }
    }
}

/// One row times one panel.
///
/// # Safety
/// `panel` must be a panel with the columns of the input, which must be one quantised row.
#[inline(always)]
unsafe fn single<W: Wide, F: Format>(panel: *const u8, input: &Input) -> W::F {
    let (mut codes, scales, sums) = (input.codes.as_ptr(), input.scales.as_ptr(), input.sums.as_ptr());
    let mut total = W::splat(0.0);
    let mut block = panel;
    let mut at = 0;
    // SAFETY (all): the caller's promise.
    unsafe {
        while at < input.k / UNIT {
            let mut unit = block.add(F::HEAD_BYTES);
            for _ in 0..F::UNITS {
                let mut halves = [W::zero(); 2];
                for g in 0..4 {
                    let pairs = F::group::<W>(unit, g);
                    for (j, pair) in pairs.into_iter().enumerate() {
                        let x = W::load_pair(codes.add(2 * (4 * g + j)));
                        halves[g / 2] = W::dot(halves[g / 2], pair, x);
                    }
                }
                let step = W::splat(*scales.add(at));
                if F::STEP == UNIT {
                    let scale = W::mul(F::scale::<W>(block, unit, 0), step);
                    total = W::madd(W::to_float(W::add32(halves[0], halves[1])), scale, total);
                } else {
                    for (i, half) in halves.into_iter().enumerate() {
                        let scale = W::mul(F::scale::<W>(block, unit, i), step);
                        total = W::madd(W::to_float(half), scale, total);
                    }
                }
                if F::LEAST {
                    total = W::madd(F::least::<W>(block, unit), W::splat(*sums.add(at)), total);
                }
                unit = unit.add(F::UNIT_BYTES);
                codes = codes.add(UNIT);
                at += 1;
            }
            block = unit;
        }
    }
    total
}

/// Decode whole blocks of a panel.
///
/// # Safety
/// The stretch must have room for their columns.
#[inline(always)]
unsafe fn decode<W: Wide, F: Format>(blocks: &[u8], stretch: &mut Stretch) {
    let mut codes = stretch.codes.as_mut_ptr();
    let (mut scales, mut leasts) = (stretch.scales.as_mut_ptr(), stretch.leasts.as_mut_ptr());
    for block in blocks.chunks_exact(F::HEAD_BYTES + F::UNITS * F::UNIT_BYTES) {
        for unit in block[F::HEAD_BYTES..].chunks_exact(F::UNIT_BYTES) {
            let (block, unit) = (block.as_ptr(), unit.as_ptr());
            // SAFETY: a unit of a block; the caller's promise.
            unsafe {
                for g in 0..4 {
                    for pair in F::group::<W>(unit, g) {
                        W::store_int(codes, pair);
                        codes = codes.add(4 * LANES);
                    }
                }
                for step in 0..UNIT / F::STEP {
                    W::store(scales, F::scale::<W>(block, unit, step));
                    scales = scales.add(LANES);
                }
                if F::LEAST {
                    W::store(leasts, F::least::<W>(block, unit));
                    leasts = leasts.add(LANES);
                }
            }
        }
    }
}

/// Rows of the input times a stretch of a panel.
struct Tile<'a> {
    stretch: &'a Stretch,
    input: &'a Input,
    steps: usize,
    /// First column of the stretch.
    first: usize,
    row: usize,
    n: usize,
    column: usize,
    out: &'a mut [f32],
}

impl Tile<'_> {
    #[inline(always)]
    fn run<W: Wide, F: Format, const R: usize>(&mut self) {
        let &mut Self { stretch, input, steps, first, row, n, column, .. } = self;
        let (k, units) = (input.k, input.k / UNIT);
        assert!(row + R <= input.m && first + steps * F::STEP <= k && steps * F::STEP <= STRETCH);
        let mut totals = [W::splat(0.0); R];
        // SAFETY: the assertion, and those of the caller about the lengths.
        unsafe {
            let mut weights = stretch.codes.as_ptr();
            let mut x = input.codes.as_ptr().add(row * k + first * R);
            for step in 0..steps {
                let mut sums = [W::zero(); R];
                for _ in 0..F::STEP / 2 / TOGETHER {
                    for pair in 0..TOGETHER {
                        let w = W::load_int(weights.add(pair * 4 * LANES));
                        for (r, sum) in sums.iter_mut().enumerate() {
                            *sum = W::dot(*sum, w, W::load_pair(x.add(2 * (pair * R + r))));
                        }
                    }
                    weights = weights.add(TOGETHER * 4 * LANES);
                    x = x.add(2 * TOGETHER * R);
                }
                let unit = row * units + (first + step * F::STEP) / UNIT * R;
                let scale = W::load(stretch.scales.as_ptr().add(step * LANES));
                let steps = input.scales.as_ptr().add(unit);
                for (r, total) in totals.iter_mut().enumerate() {
                    let scale = W::mul(scale, W::splat(*steps.add(r)));
                    *total = W::madd(W::to_float(sums[r]), scale, *total);
                }
                if F::LEAST {
                    let least = W::load(stretch.leasts.as_ptr().add(step * LANES));
                    let sums = input.sums.as_ptr().add(unit);
                    for (r, total) in totals.iter_mut().enumerate() {
                        *total = W::madd(least, W::splat(*sums.add(r)), *total);
                    }
                }
            }
        }
        let lanes = LANES.min(n - column);
        for (r, total) in totals.into_iter().enumerate() {
            let out = &mut self.out[(row + r) * n + column..][..lanes];
            for (out, lane) in out.iter_mut().zip(W::lanes(total)) {
                *out = if first == 0 { lane } else { *out + lane };
            }
        }
    }
}
