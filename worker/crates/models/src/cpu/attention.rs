//! Self-attention of one sequence: scores, softmax and weighted values, a few rows at a time, so that the score matrix
//! never leaves the first-level cache. A sequence sees its own tokens only: there is no padding and so no mask.

use super::gemm::{PANEL, ROWS, tile};
use super::math::exp_negative;
use super::simd::F4;

/// Working memory for sequences up to the longest seen so far.
#[derive(Debug, Default)]
pub struct Scratch {
    keys: Vec<f32>,
    values: Vec<f32>,
    scores: Vec<f32>,
}

/// `out[t, :] = softmax(q kᵀ / √size) v`, head by head. `qkv` holds `num_tokens` rows of queries, keys and values, each
/// `heads * size` wide; `out` rows are `heads * size` wide.
///
/// # Panics
/// When a slice is shorter than the shapes say, or `size` is not a multiple of eight.
pub fn attention<const FUSED: bool>(
    qkv: &[f32],
    num_tokens: usize,
    heads: usize,
    size: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) {
    let width = heads * size;
    let stride = 3 * width;
    assert!(
        qkv.len() >= num_tokens * stride && out.len() >= num_tokens * width && size.is_multiple_of(PANEL)
    );
    // Keys become columns in panels of eight tokens; a last panel that is not full holds zeros, and its scores are
    // never looked at.
    let padded = num_tokens.div_ceil(PANEL) * PANEL;
    scratch.keys.clear();
    scratch.keys.resize(padded * size, 0.0);
    scratch.values.resize(num_tokens * size, 0.0);
    scratch.scores.resize(ROWS * padded, 0.0);
    let scale = 1.0 / (size as f32).sqrt();
    for head in 0..heads {
        let at = head * size;
        for token in 0..num_tokens {
            let row = &qkv[token * stride..(token + 1) * stride];
            let key = &row[width + at..width + at + size];
            let panel = &mut scratch.keys[token / PANEL * PANEL * size..];
            for (group, &x) in panel.chunks_exact_mut(PANEL).zip(key) {
                group[token % PANEL] = x;
            }
            let value = &row[2 * width + at..2 * width + at + size];
            for (index, x) in value.chunks_exact(PANEL).enumerate() {
                let start = (index * num_tokens + token) * PANEL;
                scratch.values[start..start + PANEL].copy_from_slice(x);
            }
        }
        let mut token = 0;
        while token < num_tokens {
            let queries = &qkv[token * stride + at..];
            let out = &mut out[token * width + at..];
            let shape = Shape { num_tokens, padded, stride, width, size, scale };
            token += match num_tokens - token {
                left if left >= ROWS => rows::<ROWS, FUSED>(queries, &shape, out, scratch),
                5 => rows::<5, FUSED>(queries, &shape, out, scratch),
                4 => rows::<4, FUSED>(queries, &shape, out, scratch),
                3 => rows::<3, FUSED>(queries, &shape, out, scratch),
                2 => rows::<2, FUSED>(queries, &shape, out, scratch),
                _ => rows::<1, FUSED>(queries, &shape, out, scratch),
            };
        }
    }
}

struct Shape {
    num_tokens: usize,
    padded: usize,
    stride: usize,
    width: usize,
    size: usize,
    scale: f32,
}

fn rows<const R: usize, const FUSED: bool>(
    queries: &[f32],
    shape: &Shape,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> usize {
    let &Shape { num_tokens, padded, stride, width, size, scale } = shape;
    assert!(queries.len() >= (R - 1) * stride + size);
    for (index, panel) in scratch.keys.chunks_exact(PANEL * size).enumerate() {
        // SAFETY: the assertion covers the query rows, the panel is `size` groups long.
        let sums = unsafe { tile::<R, FUSED>(queries.as_ptr(), stride, panel.as_ptr(), size) };
        for (row, [low, high]) in sums.into_iter().enumerate() {
            let scores = &mut scratch.scores[row * padded + index * PANEL..][..PANEL];
            low.put(scores);
            high.put(&mut scores[4..]);
        }
    }
    let mut factors = [0.0; R];
    for (row, factor) in factors.iter_mut().enumerate() {
        *factor = 1.0 / softmax(&mut scratch.scores[row * padded..(row + 1) * padded], num_tokens, scale);
    }
    assert!(scratch.scores.len() >= R * padded && padded >= num_tokens);
    for (index, panel) in scratch.values.chunks_exact(PANEL * num_tokens).take(size / PANEL).enumerate() {
        // SAFETY: the assertion covers the rows of scores, the panel is `num_tokens` groups long.
        let sums = unsafe { tile::<R, FUSED>(scratch.scores.as_ptr(), padded, panel.as_ptr(), num_tokens) };
        for (row, [low, high]) in sums.into_iter().enumerate() {
            let out = &mut out[row * width + index * PANEL..][..PANEL];
            (low * F4::splat(factors[row])).put(out);
            (high * F4::splat(factors[row])).put(&mut out[4..]);
        }
    }
    R
}

/// Replace scores by `exp((score - max) * scale)` and return their sum. Numbers from `num` on are padding.
fn softmax(scores: &mut [f32], num: usize, scale: f32) -> f32 {
    let whole = num / 4 * 4;
    let (body, tail) = scores.split_at_mut(whole);
    let tail = &mut tail[..num - whole];
    let mut max = F4::splat(f32::MIN);
    for x in body.chunks_exact(4) {
        max = max.max(F4::of(x));
    }
    let largest = tail.iter().fold(max.largest(), |max, &x| max.max(x));
    let (largest, scale) = (F4::splat(largest), F4::splat(scale));
    let mut sum = F4::splat(0.0);
    for x in body.chunks_exact_mut(4) {
        let e = exp_negative((F4::of(x) - largest) * scale);
        e.put(x);
        sum = sum + e;
    }
    let mut total = sum.sum();
    for x in tail {
        let [e, ..] = exp_negative((F4::splat(*x) - largest) * scale).lanes();
        *x = e;
        total += e;
    }
    total
}
