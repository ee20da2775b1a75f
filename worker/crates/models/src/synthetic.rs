//! Encoders with made-up weights of any size, for tests that need a model but no meaning.

use crate::{DenseWeights, LayerWeights, NormWeights, Shape, Weights};

/// Weights of about the spread of a trained model, the same for the same `seed`.
#[must_use]
pub fn synthetic(shape: Shape, seed: u32) -> Weights {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut numbers = |num: usize, spread: f32, middle: f32| -> Vec<f32> {
        let next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            middle + ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * spread
        };
        std::iter::repeat_with(next).take(num).collect()
    };
    let Shape { vocabulary, positions, hidden, inner, layers, .. } = shape;
    let words = numbers(vocabulary * hidden, 0.1, 0.0);
    let places = numbers(positions * hidden, 0.05, 0.0);
    let mut norm = || NormWeights { scale: numbers(hidden, 0.2, 1.0), shift: numbers(hidden, 0.1, 0.0) };
    let embedding_norm = norm();
    let norms: Vec<[NormWeights; 2]> = (0..layers).map(|_| [norm(), norm()]).collect();
    let mut dense = |n: usize, k: usize| DenseWeights {
        weight: numbers(n * k, 1.5 / (k as f32).sqrt(), 0.0),
        bias: numbers(n, 0.1, 0.0),
    };
    let layers = norms
        .into_iter()
        .map(|[attention_norm, output_norm]| LayerWeights {
            qkv: dense(3 * hidden, hidden),
            mix: dense(hidden, hidden),
            attention_norm,
            expand: dense(inner, hidden),
            contract: dense(hidden, inner),
            output_norm,
        })
        .collect();
    Weights { shape, words, positions: places, embedding_norm, layers }
}
