//! The encoder on the processor, generic over how dense layers are computed.
//!
//! The tokens of all sequences of a batch stand one behind the other as rows: nothing is padded, so a batch costs what
//! its tokens cost, and no sequence can see another. A run goes layer by layer, so that its owner can let something
//! more urgent go first.

use infer::{Embed, EmbedError, Steps};

use super::attention::{Scratch, attention};
use super::gemm::{Finish, Packed, gemm};
use super::math::{gelu, layer_norm};
use super::simd::F4;
use crate::weights::{LayerWeights, NormWeights, Weights};
use crate::{LAYER_NORM_EPSILON, RunError, Shape};

/// A way to compute `x · weightsᵀ`.
pub trait Dense {
    /// Working memory between calls.
    type Scratch: Default + std::fmt::Debug;
    /// Attention may use fused operations, which differ in the last bit between browsers.
    const FUSED: bool;

    /// `out = finish(x · weightsᵀ)` for `m` rows.
    fn product(
        &self,
        x: &[f32],
        m: usize,
        out: &mut [f32],
        finish: &impl Finish,
        scratch: &mut Self::Scratch,
    );
}

/// A table of token embeddings.
pub trait Table {
    /// Add the row of token `id` to `row`.
    fn add_row(&self, id: usize, row: &mut [f32]);
}

impl Dense for Packed {
    type Scratch = ();
    const FUSED: bool = true;

    fn product(&self, x: &[f32], m: usize, out: &mut [f32], finish: &impl Finish, (): &mut ()) {
        gemm::<true>(x, m, self, out, finish);
    }
}

impl Table for Vec<f32> {
    fn add_row(&self, id: usize, row: &mut [f32]) {
        let start = id * row.len();
        for (x, word) in row.iter_mut().zip(&self[start..]) {
            *x += word;
        }
    }
}

/// A dense layer with its bias.
#[derive(Debug)]
pub struct Biased<D> {
    /// The weights.
    pub dense: D,
    /// One per output.
    pub bias: Vec<f32>,
}

/// One encoder layer; the fields are those of [`LayerWeights`].
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Layer<D> {
    pub qkv: Biased<D>,
    pub mix: Biased<D>,
    pub attention_norm: NormWeights,
    pub expand: Biased<D>,
    pub contract: Biased<D>,
    pub output_norm: NormWeights,
}

/// A whole encoder; the fields are those of [`Weights`].
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Encoder<D, T> {
    pub shape: Shape,
    pub words: T,
    pub positions: Vec<f32>,
    pub embedding_norm: NormWeights,
    pub layers: Vec<Layer<D>>,
}

/// The float32 encoder.
pub type F32Encoder = Encoder<Packed, Vec<f32>>;

impl F32Encoder {
    /// Pack the weights for the kernels.
    #[must_use]
    pub fn new(weights: Weights) -> Self {
        let Weights { shape, words, positions, embedding_norm, layers } = weights;
        let biased = |dense: crate::weights::DenseWeights| {
            let n = dense.bias.len();
            Biased { dense: Packed::new(&dense.weight, n, dense.weight.len() / n), bias: dense.bias }
        };
        let layers = layers
            .into_iter()
            .map(|layer| {
                let LayerWeights { qkv, mix, attention_norm, expand, contract, output_norm } = layer;
                Layer {
                    qkv: biased(qkv),
                    mix: biased(mix),
                    attention_norm,
                    expand: biased(expand),
                    contract: biased(contract),
                    output_norm,
                }
            })
            .collect();
        Self { shape, words, positions, embedding_norm, layers }
    }
}

/// A batch on its way through the layers.
#[derive(Debug)]
pub struct Run<S> {
    /// One row per token, sequence after sequence.
    hidden: Vec<f32>,
    /// Tokens of each sequence.
    lens: Vec<usize>,
    layer: usize,
    wide: Vec<f32>,
    context: Vec<f32>,
    attention: Scratch,
    scratch: S,
}

struct Bias<'a>(&'a [f32]);

impl Finish for Bias<'_> {
    #[inline(always)]
    fn finish(&self, _row: usize, column: usize, sums: F4) -> F4 {
        sums + F4::of(&self.0[column..])
    }
}

struct BiasGelu<'a>(&'a [f32]);

impl Finish for BiasGelu<'_> {
    #[inline(always)]
    fn finish(&self, _row: usize, column: usize, sums: F4) -> F4 {
        gelu(sums + F4::of(&self.0[column..]))
    }
}

/// Bias and the state before the layer.
struct BiasAdd<'a> {
    bias: &'a [f32],
    before: &'a [f32],
}

impl Finish for BiasAdd<'_> {
    #[inline(always)]
    fn finish(&self, row: usize, column: usize, sums: F4) -> F4 {
        sums + F4::of(&self.bias[column..]) + F4::of(&self.before[row * self.bias.len() + column..])
    }
}

impl<D: Dense, T: Table> Encoder<D, T> {
    /// Look up and normalise the embeddings of a batch of token id sequences.
    ///
    /// # Errors
    /// See [`RunError`]; nothing was computed then.
    pub fn start(&self, batch: &[&[u32]]) -> Result<Run<D::Scratch>, RunError> {
        let Shape { vocabulary, positions, hidden, .. } = self.shape;
        for ids in batch {
            if ids.is_empty() {
                return Err(RunError::Empty);
            }
            if ids.len() > positions {
                return Err(RunError::TooLong { len: ids.len(), max: positions });
            }
            if let Some(&id) = ids.iter().find(|&&id| id as usize >= vocabulary) {
                return Err(RunError::UnknownToken { id, vocabulary });
            }
        }
        let lens: Vec<usize> = batch.iter().map(|ids| ids.len()).collect();
        let mut states = vec![0.0; lens.iter().sum::<usize>() * hidden];
        let mut rows = states.chunks_exact_mut(hidden);
        for ids in batch {
            let positions = self.positions.chunks_exact(hidden);
            for ((&id, position), row) in ids.iter().zip(positions).zip(&mut rows) {
                row.copy_from_slice(position);
                self.words.add_row(id as usize, row);
                layer_norm(row, &self.embedding_norm.scale, &self.embedding_norm.shift, LAYER_NORM_EPSILON);
            }
        }
        Ok(Run {
            hidden: states,
            lens,
            layer: 0,
            wide: Vec::new(),
            context: Vec::new(),
            attention: Scratch::default(),
            scratch: D::Scratch::default(),
        })
    }

    /// Go through one more layer. False when there is none left and [`Run::finish`] can be called.
    pub fn step(&self, run: &mut Run<D::Scratch>) -> bool {
        let Some(layer) = self.layers.get(run.layer) else { return false };
        let Shape { hidden, inner, heads, .. } = self.shape;
        let rows = run.hidden.len() / hidden;
        run.wide.resize(rows * inner.max(3 * hidden), 0.0);
        run.context.resize(rows * hidden, 0.0);

        let qkv = &mut run.wide[..rows * 3 * hidden];
        layer.qkv.dense.product(&run.hidden, rows, qkv, &Bias(&layer.qkv.bias), &mut run.scratch);
        let mut first = 0;
        for &len in &run.lens {
            let sequence = &qkv[first * 3 * hidden..(first + len) * 3 * hidden];
            let out = &mut run.context[first * hidden..(first + len) * hidden];
            let size = hidden / heads;
            attention_of::<D>(sequence, len, heads, size, out, &mut run.attention);
            first += len;
        }
        // The state after attention takes the place of the queries, which nobody needs any more.
        let after = &mut run.wide[..rows * hidden];
        let finish = BiasAdd { bias: &layer.mix.bias, before: &run.hidden };
        layer.mix.dense.product(&run.context, rows, after, &finish, &mut run.scratch);
        run.hidden.copy_from_slice(after);
        normalise(&mut run.hidden, &layer.attention_norm);

        let expanded = &mut run.wide[..rows * inner];
        let finish = BiasGelu(&layer.expand.bias);
        layer.expand.dense.product(&run.hidden, rows, expanded, &finish, &mut run.scratch);
        let finish = BiasAdd { bias: &layer.contract.bias, before: &run.hidden };
        layer.contract.dense.product(expanded, rows, &mut run.context, &finish, &mut run.scratch);
        std::mem::swap(&mut run.hidden, &mut run.context);
        normalise(&mut run.hidden, &layer.output_norm);

        run.layer += 1;
        run.layer < self.layers.len()
    }

    /// Embed a batch without giving way: one vector of `hidden` numbers and unit length per sequence, one behind the other.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn embed_now(&self, batch: &[&[u32]]) -> Result<Vec<f32>, RunError> {
        let mut run = self.start(batch)?;
        while self.step(&mut run) {}
        Ok(run.finish(self.shape.hidden))
    }
}

impl<D: Dense, T: Table> Embed for Encoder<D, T> {
    fn dim(&self) -> usize {
        self.shape.hidden
    }

    async fn embed(&self, batch: &[&[u32]], steps: &impl Steps) -> Result<Vec<f32>, EmbedError> {
        let mut run = self.start(batch)?;
        while self.step(&mut run) {
            steps.next().await;
        }
        Ok(run.finish(self.shape.hidden))
    }
}

fn attention_of<D: Dense>(
    qkv: &[f32],
    len: usize,
    heads: usize,
    size: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) {
    if D::FUSED {
        attention::<true>(qkv, len, heads, size, out, scratch);
    } else {
        attention::<false>(qkv, len, heads, size, out, scratch);
    }
}

fn normalise(states: &mut [f32], norm: &NormWeights) {
    for row in states.chunks_exact_mut(norm.scale.len()) {
        layer_norm(row, &norm.scale, &norm.shift, LAYER_NORM_EPSILON);
    }
}

impl<S> Run<S> {
    /// The mean of each sequence's token states, scaled to unit length.
    #[must_use]
    pub fn finish(self, hidden: usize) -> Vec<f32> {
        let mut vectors = vec![0.0; self.lens.len() * hidden];
        let mut rows = self.hidden.chunks_exact(hidden);
        for (vector, &len) in vectors.chunks_exact_mut(hidden).zip(&self.lens) {
            for row in rows.by_ref().take(len) {
                for (sum, x) in vector.iter_mut().zip(row) {
                    *sum += x;
                }
            }
            normalise_length(vector);
        }
        vectors
    }
}

/// Scale to unit length. The sum of token states stands for their mean, which points the same way.
pub fn normalise_length(vector: &mut [f32]) {
    let mut squares = F4::splat(0.0);
    for x in vector.chunks_exact(4) {
        squares = squares + F4::of(x) * F4::of(x);
    }
    let length = squares.sum().sqrt().max(f32::MIN_POSITIVE);
    for x in vector {
        *x /= length;
    }
}
