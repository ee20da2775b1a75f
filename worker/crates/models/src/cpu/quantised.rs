//! Integer matrix product: int8 activations, quantised per row while they run, times weights quantised per output.
//!
//! Every build computes the same integers, so a vector does not depend on the browser: with relaxed SIMD sixteen
//! products per instruction, otherwise eight. The relaxed instruction has one defined result only while its second
//! operand stays in 0 ..= 127, so activations have seven bits, from the least to the largest number of their row, and
//! weights keep all eight. The other way round was measured to lose more.

use super::encoder::Dense;
use super::gemm::{Finish, PANEL};
use super::simd::{F4, I4};
use crate::int8::QuantisedDense;

#[cfg(target_feature = "relaxed-simd")]
mod lane {
    //! int8 in groups of four.
    pub type Lane = i8;
    pub const GROUP: usize = 4;
    pub const ROWS: usize = 6;
}
#[cfg(not(target_feature = "relaxed-simd"))]
mod lane {
    //! int8 widened to int16 beforehand, in pairs.
    pub type Lane = i16;
    pub const GROUP: usize = 2;
    pub const ROWS: usize = 4;
}
use lane::{GROUP, Lane, ROWS};

/// Rows that pass all panels before the next rows do.
const BLOCK_ROWS: usize = 128;

/// Weights as panels of eight columns: for each, groups of `GROUP` numbers of every column.
#[derive(Debug)]
pub struct QuantisedPacked {
    n: usize,
    k: usize,
    panels: Vec<Lane>,
    /// Per output column.
    scales: Vec<f32>,
    /// Sum of the weights of each output column.
    sums: Vec<i32>,
    /// What activations are multiplied with before they are quantised, per input.
    input_factors: Vec<f32>,
}

/// The quantised activations of one product.
#[derive(Debug, Default)]
pub struct QuantisedRows {
    numbers: Vec<Lane>,
    rows: Vec<RowScale>,
}

/// Largest quantised activation; the smallest is 0.
const MAX_ACTIVATION: f32 = 127.0;

/// `x ≈ step * (q - zero)` for the numbers `q` of a row.
#[derive(Clone, Copy, Debug)]
struct RowScale {
    step: f32,
    zero: i32,
}

impl QuantisedPacked {
    /// Pack for the kernels of this build.
    #[must_use]
    pub fn new(dense: &QuantisedDense<'_>) -> Self {
        let (n, k) = (dense.scales.len(), dense.input_factors.len());
        let mut panels = vec![0; n.div_ceil(PANEL) * PANEL * k];
        let mut sums = vec![0; n];
        for ((column, row), sum) in dense.weights.chunks_exact(k).enumerate().zip(&mut sums) {
            let panel = &mut panels[column / PANEL * PANEL * k..];
            let groups = panel.chunks_exact_mut(PANEL * GROUP);
            for (group, weights) in groups.zip(row.chunks_exact(GROUP)) {
                let place = &mut group[column % PANEL * GROUP..][..GROUP];
                for (out, &weight) in place.iter_mut().zip(weights) {
                    *out = Lane::from(weight as i8);
                    *sum += i32::from(weight as i8);
                }
            }
        }
        Self { n, k, panels, scales: dense.scales.clone(), sums, input_factors: dense.input_factors.clone() }
    }
}

impl QuantisedRows {
    /// Quantise `m` rows of `factors.len()` numbers each.
    fn fill(&mut self, x: &[f32], m: usize, factors: &[f32]) {
        let k = factors.len();
        assert!(x.len() >= m * k && k.is_multiple_of(16), "shapes of activations");
        self.numbers.resize(m * k, 0);
        self.rows.clear();
        for (x, out) in x.chunks_exact(k).zip(self.numbers.chunks_exact_mut(k)).take(m) {
            self.rows.push(quantise_row(x, factors, out));
        }
    }
}

fn quantise_row(x: &[f32], factors: &[f32], out: &mut [Lane]) -> RowScale {
    let (mut low, mut high) = (F4::splat(0.0), F4::splat(0.0));
    for (x, factor) in x.chunks_exact(4).zip(factors.chunks_exact(4)) {
        let y = F4::of(x) * F4::of(factor);
        low = low.min(y);
        high = high.max(y);
    }
    let (low, high) = (low.smallest(), high.largest());
    // A row of zeros gets any step; it stays zero.
    let step = ((high - low) / MAX_ACTIVATION).max(f32::MIN_POSITIVE);
    let inverse = 1.0 / step;
    let zero = (-low * inverse + 0.5) as i32;
    // All numbers are positive after the shift, so truncation rounds to nearest.
    let (inverse, start) = (F4::splat(inverse), F4::splat(zero as f32 + 0.5));
    let (least, most) = (F4::splat(0.0), F4::splat(MAX_ACTIVATION));
    let chunks = x.chunks_exact(16).zip(factors.chunks_exact(16));
    for ((x, factor), out) in chunks.zip(out.chunks_exact_mut(16)) {
        let parts: [I4; 4] = core::array::from_fn(|i| {
            let y = F4::of(&x[4 * i..]) * F4::of(&factor[4 * i..]);
            (y * inverse + start).max(least).min(most).trunc()
        });
        let (a, b) = (parts[0].narrow_i16(parts[1]), parts[2].narrow_i16(parts[3]));
        // SAFETY: `out` holds sixteen lanes.
        #[cfg(target_feature = "relaxed-simd")]
        unsafe {
            a.narrow_i8(b).store(out.as_mut_ptr());
        }
        // SAFETY: `out` holds sixteen lanes of two bytes.
        #[cfg(not(target_feature = "relaxed-simd"))]
        unsafe {
            a.store(out.as_mut_ptr());
            b.store(out.as_mut_ptr().add(8));
        }
    }
    RowScale { step, zero }
}

#[inline(always)]
fn dot(sum: I4, weights: I4, x: I4) -> I4 {
    #[cfg(target_feature = "relaxed-simd")]
    return sum.dot_i8_u7(weights, x);
    #[cfg(not(target_feature = "relaxed-simd"))]
    return sum.dot_i16(weights, x);
}

/// A register tile: `ROWS` rows of activations times one panel.
///
/// # Safety
/// `a` must be good for reading `ROWS * k` lanes, `panel` for `k * PANEL`; `k` is a multiple of `4 * GROUP`.
#[inline(always)]
unsafe fn tile<const ROWS: usize>(a: *const Lane, panel: *const Lane, k: usize) -> [[I4; 2]; ROWS] {
    let mut sums = [[I4::zero(); 2]; ROWS];
    let rows: [*const Lane; ROWS] = core::array::from_fn(|row| unsafe { a.add(row * k) });
    let mut at = 0;
    while at < k {
        for step in 0..4 {
            let at = at + step * GROUP;
            // SAFETY: `at` stays below `k`, and a group of eight columns is two times sixteen bytes.
            let group = unsafe { panel.add(at * PANEL) };
            let (low, high) = unsafe { (I4::load(group), I4::load(group.add(PANEL / 2 * GROUP))) };
            for row in 0..ROWS {
                let x = unsafe { I4::load_splat(rows[row].add(at)) };
                sums[row][0] = dot(sums[row][0], low, x);
                sums[row][1] = dot(sums[row][1], high, x);
            }
        }
        at += 4 * GROUP;
    }
    sums
}

impl Dense for QuantisedPacked {
    type Scratch = QuantisedRows;
    const FUSED: bool = false;

    fn product(
        &self,
        x: &[f32],
        m: usize,
        out: &mut [f32],
        finish: &impl Finish,
        scratch: &mut QuantisedRows,
    ) {
        let &Self { n, k, .. } = self;
        assert!(out.len() >= m * n && n.is_multiple_of(PANEL), "shapes of a matrix product");
        scratch.fill(x, m, &self.input_factors);
        for first in (0..m).step_by(BLOCK_ROWS) {
            let last = m.min(first + BLOCK_ROWS);
            for (index, panel) in self.panels.chunks_exact(PANEL * k).enumerate() {
                let column = index * PANEL;
                let mut row = first;
                while row < last {
                    let at = Place { row, column };
                    row += match last - row {
                        left if left >= ROWS => self.strip::<ROWS>(scratch, panel, out, at, finish),
                        5 => self.strip::<5>(scratch, panel, out, at, finish),
                        4 => self.strip::<4>(scratch, panel, out, at, finish),
                        3 => self.strip::<3>(scratch, panel, out, at, finish),
                        2 => self.strip::<2>(scratch, panel, out, at, finish),
                        _ => self.strip::<1>(scratch, panel, out, at, finish),
                    };
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Place {
    row: usize,
    column: usize,
}

impl QuantisedPacked {
    #[inline(always)]
    fn strip<const ROWS: usize>(
        &self,
        x: &QuantisedRows,
        panel: &[Lane],
        out: &mut [f32],
        Place { row, column }: Place,
        finish: &impl Finish,
    ) -> usize {
        let &Self { n, k, .. } = self;
        let a = &x.numbers[row * k..(row + ROWS) * k];
        assert!(panel.len() >= k * PANEL && k.is_multiple_of(4 * GROUP));
        // SAFETY: the slice holds the rows of the tile, the assertion covers the panel.
        let sums = unsafe { tile::<ROWS>(a.as_ptr(), panel.as_ptr(), k) };
        // SAFETY: four sums follow each index, the columns are a multiple of eight.
        let column_sums = &self.sums[column..column + PANEL];
        let column_sums = unsafe { [I4::load(column_sums.as_ptr()), I4::load(column_sums[4..].as_ptr())] };
        let scales = [F4::of(&self.scales[column..]), F4::of(&self.scales[column + 4..])];
        for (i, halves) in sums.into_iter().enumerate() {
            let RowScale { step, zero } = x.rows[row + i];
            let (shift, step) = (I4::splat(-zero), F4::splat(step));
            let out = &mut out[(row + i) * n + column..][..PANEL];
            for (half, sums) in halves.into_iter().enumerate() {
                let exact = sums + column_sums[half] * shift;
                let real = exact.to_f4() * (scales[half] * step);
                finish.finish(row + i, column + 4 * half, real).put(&mut out[4 * half..]);
            }
        }
        ROWS
    }
}
