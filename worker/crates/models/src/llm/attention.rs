//! Attention of some new positions to all before them, one key-value head at a time.
//!
//! The queries that share a head are the rows of two small products, so that keys and values are read once for all of
//! them: scores are queries times panels of keys, and outputs are probabilities times values.

use super::cache::Head;
use super::plain::{F32, tile};
use super::{math, plain};
use crate::cpu::wide::{Kernel, LANES, Wide};

/// Rows whose scores are held at a time.
const MAX_ROWS: usize = 16;

/// Reused between calls.
#[derive(Debug, Default)]
pub struct Scratch {
    queries: Vec<f32>,
    scores: Vec<f32>,
}

/// One key-value head of one layer.
pub struct Attend<'a> {
    /// Its keys and values, those of the new positions among them.
    pub head: &'a Head,
    /// Numbers of a head.
    pub head_dim: usize,
    /// Queries of all heads, a row per new position; where the outputs go in the same order.
    pub queries: &'a [f32],
    /// See `queries`.
    pub out: &'a mut [f32],
    /// Numbers of a row.
    pub row_len: usize,
    /// The query heads that share this head: their first number in a row, and how many they are.
    pub first: usize,
    /// See `first`.
    pub group: usize,
    /// Position of the first row.
    pub position: usize,
    /// Reused between calls.
    pub scratch: &'a mut Scratch,
}

impl Kernel for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<W: Wide>(self) {
        let Self { head, head_dim, queries, out, row_len, first, group, position, scratch } = self;
        let (value_len, num) = (head_dim.next_multiple_of(LANES), queries.len() / row_len);
        let room = (position + num).next_multiple_of(LANES);
        assert!(head.keys.len() >= room * head_dim && head.values.len() >= (position + num) * value_len);
        let tokens = (MAX_ROWS / group).max(1);
        let scale = 1.0 / (head_dim as f32).sqrt();
        scratch.queries.resize(tokens * group * head_dim, 0.0);
        scratch.scores.resize(tokens * group * room, 0.0);
        for token in (0..num).step_by(tokens) {
            let tokens = tokens.min(num - token);
            let rows = tokens * group;
            let places = (token..token + tokens)
                .flat_map(|token| (0..group).map(move |i| token * row_len + first + i * head_dim));
            for (place, query) in places.clone().zip(scratch.queries.chunks_exact_mut(head_dim)) {
                for (out, x) in query.iter_mut().zip(&queries[place..place + head_dim]) {
                    *out = x * scale;
                }
            }
            let seen = position + token + tokens;
            let stride = seen.next_multiple_of(LANES);
            let scores = &mut scratch.scores[..rows * stride];
            for (panel, keys) in head.keys.chunks_exact(LANES * head_dim).take(stride / LANES).enumerate() {
                // SAFETY: whole panels, and rows of queries and scores.
                unsafe {
                    each::<W>(rows, &scratch.queries, head_dim, keys, LANES, head_dim, |row, x| {
                        W::store(scores[row * stride + panel * LANES..][..LANES].as_mut_ptr(), x);
                    });
                }
            }
            for (row, scores) in scores.chunks_exact_mut(stride).enumerate() {
                let (past, future) = scores.split_at_mut(position + token + row / group + 1);
                math::softmax::<W>(past);
                future.fill(0.0);
            }
            for column in (0..head_dim).step_by(LANES) {
                let lanes = LANES.min(head_dim - column);
                let values = &head.values[column..];
                // SAFETY: every position has whole vectors of values.
                unsafe {
                    each::<W>(rows, scores, stride, values, value_len, seen, |row, x| {
                        let place = (token + row / group) * row_len + first + row % group * head_dim + column;
                        out[place..place + lanes].copy_from_slice(&W::lanes(x)[..lanes]);
                    });
                }
            }
        }
    }
}

/// Rows of `x` times eight columns of `w`, in tiles of at most four rows.
///
/// # Safety
/// See [`plain::tile`].
#[inline(always)]
unsafe fn each<W: Wide>(
    rows: usize,
    x: &[f32],
    x_stride: usize,
    w: &[f32],
    w_stride: usize,
    k: usize,
    mut put: impl FnMut(usize, W::F),
) {
    assert!(x.len() >= (rows - 1) * x_stride + k && w.len() >= (k - 1) * w_stride + LANES);
    let mut row = 0;
    while row < rows {
        let (x, w) = (x[row * x_stride..].as_ptr(), w.as_ptr().cast::<u8>());
        macro_rules! tile {
            ($num:literal) => {{
                // SAFETY: the assertion.
                let sums = unsafe { tile::<W, F32, $num>(x, x_stride, w, 4 * w_stride, k) };
                for (i, sum) in sums.into_iter().enumerate() {
                    put(row + i, sum);
                }
                $num
            }};
        }
        row += match rows - row {
            4.. => tile!(4),
            3 => tile!(3),
            2 => tile!(2),
            _ => tile!(1),
        };
    }
}

const _: () = assert!(<F32 as plain::Plain>::BYTES == 4);
