//! Float32 matrix product: row-major activations times weights packed in panels of eight columns.
//!
//! A tile of `ROWS` rows by eight columns stays in registers over the whole inner dimension; a panel (12 KiB at 384)
//! stays in the first-level cache while a block of rows passes it. Activations need no packing: the kernel broadcasts
//! single numbers out of their rows.

use super::simd::F4;

/// Columns of a panel.
pub const PANEL: usize = 8;

/// Rows that pass all panels before the next rows do, so that they stay in the second-level cache.
const BLOCK_ROWS: usize = 128;

/// Rows of a register tile. With more, the sums no longer fit the registers that browsers leave to a module.
pub const ROWS: usize = 4;

/// Weights of shape `[n, k]` as panels: for each eight columns, `k` groups of eight numbers.
#[derive(Clone, Debug)]
pub struct Packed {
    /// Output columns.
    pub n: usize,
    /// Inner dimension.
    pub k: usize,
    panels: Vec<f32>,
}

impl Packed {
    /// Pack row-major `[n, k]` weights; a last panel that is not full is filled with zeros.
    ///
    /// # Panics
    /// When `weights` does not hold `n * k` numbers.
    #[must_use]
    pub fn new(weights: &[f32], n: usize, k: usize) -> Self {
        assert_eq!(weights.len(), n * k, "weights must be [n, k]");
        let mut panels = vec![0.0; n.div_ceil(PANEL) * PANEL * k];
        for (column, row) in weights.chunks_exact(k).enumerate() {
            let panel = &mut panels[column / PANEL * PANEL * k..];
            for (group, &weight) in panel.chunks_exact_mut(PANEL).zip(row) {
                group[column % PANEL] = weight;
            }
        }
        Self { n, k, panels }
    }
}

/// What becomes of four finished sums before they are stored.
pub trait Finish {
    /// `sums` belong to `row` and the four columns from `column`.
    fn finish(&self, row: usize, column: usize, sums: F4) -> F4;
}

/// A register tile: `ROWS` rows of `a` (`stride` apart) times one panel.
///
/// # Safety
/// `a` must be good for reading `k` numbers at each of the rows, `panel` for `k * PANEL` numbers.
#[inline(always)]
pub unsafe fn tile<const ROWS: usize, const FUSED: bool>(
    a: *const f32,
    stride: usize,
    panel: *const f32,
    k: usize,
) -> [[F4; 2]; ROWS] {
    let mut sums = [[F4::splat(0.0); 2]; ROWS];
    let rows: [*const f32; ROWS] = core::array::from_fn(|row| unsafe { a.add(row * stride) });
    let mut at = 0;
    // SAFETY (all reads): `at` stays below `k`.
    while at + 4 <= k {
        for step in 0..4 {
            let group = unsafe { panel.add((at + step) * PANEL) };
            let (low, high) = unsafe { (F4::load(group), F4::load(group.add(4))) };
            for row in 0..ROWS {
                let x = unsafe { F4::load_splat(rows[row].add(at + step)) };
                sums[row][0] = x.madd::<FUSED>(low, sums[row][0]);
                sums[row][1] = x.madd::<FUSED>(high, sums[row][1]);
            }
        }
        at += 4;
    }
    while at < k {
        let group = unsafe { panel.add(at * PANEL) };
        let (low, high) = unsafe { (F4::load(group), F4::load(group.add(4))) };
        for row in 0..ROWS {
            let x = unsafe { F4::load_splat(rows[row].add(at)) };
            sums[row][0] = x.madd::<FUSED>(low, sums[row][0]);
            sums[row][1] = x.madd::<FUSED>(high, sums[row][1]);
        }
        at += 1;
    }
    sums
}

/// `out = finish(a · weightsᵀ)` for `m` rows of `a`, both row-major without gaps.
///
/// # Panics
/// When a slice is shorter than the shapes say, or `n` is not a multiple of eight.
pub fn gemm<const FUSED: bool>(a: &[f32], m: usize, weights: &Packed, out: &mut [f32], finish: &impl Finish) {
    let (n, k) = (weights.n, weights.k);
    assert!(a.len() >= m * k && out.len() >= m * n && n.is_multiple_of(PANEL), "shapes of a matrix product");
    for first in (0..m).step_by(BLOCK_ROWS) {
        let last = m.min(first + BLOCK_ROWS);
        for (index, panel) in weights.panels.chunks_exact(PANEL * k).enumerate() {
            let column = index * PANEL;
            let mut row = first;
            while row < last {
                let (a, out) = (&a[row * k..], &mut out[row * n + column..]);
                row += match last - row {
                    left if left >= ROWS => strip::<ROWS, FUSED>(a, panel, k, out, n, row, column, finish),
                    5 => strip::<5, FUSED>(a, panel, k, out, n, row, column, finish),
                    4 => strip::<4, FUSED>(a, panel, k, out, n, row, column, finish),
                    3 => strip::<3, FUSED>(a, panel, k, out, n, row, column, finish),
                    2 => strip::<2, FUSED>(a, panel, k, out, n, row, column, finish),
                    _ => strip::<1, FUSED>(a, panel, k, out, n, row, column, finish),
                };
            }
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn strip<const ROWS: usize, const FUSED: bool>(
    a: &[f32],
    panel: &[f32],
    k: usize,
    out: &mut [f32],
    n: usize,
    row: usize,
    column: usize,
    finish: &impl Finish,
) -> usize {
    assert!(a.len() >= ROWS * k && panel.len() >= k * PANEL && out.len() >= (ROWS - 1) * n + PANEL);
    // SAFETY: the assertion covers every row of the tile and the panel.
    let sums = unsafe { tile::<ROWS, FUSED>(a.as_ptr(), k, panel.as_ptr(), k) };
    for (i, [low, high]) in sums.into_iter().enumerate() {
        let out = &mut out[i * n..i * n + PANEL];
        finish.finish(row + i, column, low).put(out);
        finish.finish(row + i, column + 4, high).put(&mut out[4..]);
    }
    ROWS
}
