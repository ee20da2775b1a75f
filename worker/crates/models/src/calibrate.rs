//! Observes the inputs of every dense layer while a float32 encoder runs: what quantisation needs to know.

use std::cell::RefCell;

use crate::cpu::encoder::{Biased, Dense, Encoder, Layer};
use crate::cpu::gemm::{Finish, Packed, gemm};
use crate::{InputRanges, RunError, Weights};

/// A float32 layer that remembers the largest magnitude of each of its inputs.
#[derive(Debug)]
struct Observed {
    dense: Packed,
    range: RefCell<Vec<f32>>,
}

impl Dense for Observed {
    type Scratch = ();
    const FUSED: bool = false;

    fn product(&self, x: &[f32], m: usize, out: &mut [f32], finish: &impl Finish, (): &mut ()) {
        let mut range = self.range.borrow_mut();
        for row in x.chunks_exact(range.len()).take(m) {
            for (range, x) in range.iter_mut().zip(row) {
                *range = range.max(x.abs());
            }
        }
        gemm::<false>(x, m, &self.dense, out, finish);
    }
}

/// Run `texts` (token ids) through the encoder and report the ranges of all dense inputs, in the order of the file.
///
/// # Errors
/// See [`RunError`].
pub fn input_ranges(weights: Weights, texts: &[&[u32]]) -> Result<InputRanges, RunError> {
    let float = Encoder::new(weights);
    let observed = |Biased { dense, bias }: Biased<Packed>| {
        let range = RefCell::new(vec![0.0; dense.k]);
        Biased { dense: Observed { dense, range }, bias }
    };
    let layers = float
        .layers
        .into_iter()
        .map(|Layer { qkv, mix, attention_norm, expand, contract, output_norm }| Layer {
            qkv: observed(qkv),
            mix: observed(mix),
            attention_norm,
            expand: observed(expand),
            contract: observed(contract),
            output_norm,
        })
        .collect();
    let encoder = Encoder {
        shape: float.shape,
        words: float.words,
        positions: float.positions,
        embedding_norm: float.embedding_norm,
        layers,
    };
    for text in texts {
        encoder.embed_now(&[text])?;
    }
    let ranges = encoder.layers.into_iter().flat_map(|layer| {
        [layer.qkv, layer.mix, layer.expand, layer.contract].map(|biased| biased.dense.range.into_inner())
    });
    Ok(ranges.collect())
}
