//! The network itself: what `llama` and `qwen2` compute.

use super::attention::{self, Attend};
use super::cache::Cache;
use super::input::Input;
use super::kernel::Stretch;
use super::math;
use super::matrix::Matrix;
use super::pace::Pace;
use super::rope::Rope;
use crate::cpu::wide::dispatch;
use crate::gguf::Config;
use infer::Steps;

/// A matrix with its bias, where the model has one.
#[derive(Debug)]
pub(super) struct Projection<M = Matrix> {
    pub weight: M,
    pub bias: Option<Vec<f32>>,
}

/// Weights of a layer.
#[derive(Debug)]
pub(super) struct Block<M = Matrix> {
    pub attn_norm: Vec<f32>,
    pub query: Projection<M>,
    pub key: Projection<M>,
    pub value: Projection<M>,
    pub attn_output: M,
    pub ffn_norm: Vec<f32>,
    pub gate: M,
    pub up: M,
    pub down: M,
}

/// Weights of a model, as they are stored.
#[derive(Debug)]
pub struct Network<M = Matrix> {
    pub(super) config: Config,
    pub(super) embedding: M,
    pub(super) blocks: Vec<Block<M>>,
    pub(super) output_norm: Vec<f32>,
    /// Nothing where the head is the embedding.
    pub(super) output: Option<M>,
    pub(super) rope: Rope,
}

/// Reused between calls.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    input: Input,
    stretch: Stretch,
    attention: attention::Scratch,
    /// The numbers between the layers.
    stream: Vec<f32>,
    angles: Vec<(f32, f32)>,
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    change: Vec<f32>,
    pub logits: Vec<f32>,
}

/// Room for `len` numbers.
fn room(numbers: &mut Vec<f32>, len: usize) -> &mut [f32] {
    numbers.resize(len, 0.0);
    numbers
}

impl Projection {
    fn product(&self, input: &Input, out: &mut Vec<f32>, stretch: &mut Stretch) {
        self.weight.product(input, room(out, input.m * self.weight.n()), stretch);
        if let Some(bias) = &self.bias {
            out.chunks_exact_mut(bias.len()).for_each(|row| math::add(row, bias));
        }
    }
}

impl<M> Network<M> {
    /// Sizes and constants.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// All matrices.
    pub(super) fn matrices(&self) -> impl Iterator<Item = &M> {
        let blocks = self.blocks.iter().flat_map(|block| {
            let Block { query, key, value, attn_output, gate, up, down, .. } = block;
            [&query.weight, &key.weight, &value.weight, attn_output, gate, up, down]
        });
        blocks.chain([&self.embedding]).chain(&self.output)
    }
}

impl Network {
    /// Bytes of all matrices.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.matrices().map(Matrix::bytes).sum()
    }

    /// Products of two numbers that a token costs in the layers, the attention aside.
    pub(super) fn work_per_layer(&self) -> usize {
        let (wide, config) = (self.config.embedding_length, &self.config);
        wide * (2 * config.q_len() + 2 * config.kv_len() + 3 * config.feed_forward_length)
    }

    /// Compute `tokens`, which come after `position` others whose keys and values are in the cache; their own are there
    /// afterwards. With `logits`, leave those that follow the last token in the scratch.
    pub(super) async fn forward<S: Steps>(
        &self,
        tokens: &[u32],
        position: usize,
        cache: &mut Cache,
        scratch: &mut Scratch,
        logits: bool,
        pace: &mut Pace<'_, S>,
    ) {
        let (config, num) = (&self.config, tokens.len());
        let wide = config.embedding_length;
        room(&mut scratch.stream, num * wide);
        for (&token, out) in tokens.iter().zip(scratch.stream.chunks_exact_mut(wide)) {
            self.embedding.row(token as usize, out);
        }
        scratch.angles.clear();
        (position..position + num).for_each(|position| self.rope.angles(position, &mut scratch.angles));
        for (i, block) in self.blocks.iter().enumerate() {
            let is_last = i + 1 == self.blocks.len();
            self.norm(&block.attn_norm, num, scratch);
            let Scratch { input, stretch, key, value, angles, .. } = scratch;
            block.key.product(input, key, stretch);
            block.value.product(input, value, stretch);
            self.rope.turn(key, config.kv_len(), angles);
            cache.put(i, position, key, value);
            // Behind the keys and values of the last layer, only what leads to logits matters.
            if is_last && !logits {
                break;
            }
            let rows = if is_last { 1 } else { num };
            if rows < num {
                scratch.stream.drain(..(num - 1) * wide);
                scratch.angles.drain(..(num - 1) * config.rope_dims / 2);
                self.norm(&block.attn_norm, 1, scratch);
            }
            let Scratch { input, stretch, query, angles, .. } = scratch;
            pace.worked(num * (block.key.weight.size() + block.value.weight.size())).await;
            block.query.product(input, query, stretch);
            self.rope.turn(query, config.q_len(), angles);
            let first = position + num - rows;
            self.attend(i, first, cache, scratch, pace).await;
            let Scratch { input, stretch, stream, change, .. } = scratch;
            input.quantise();
            block.attn_output.product(input, room(change, rows * wide), stretch);
            math::add(stream, change);
            pace.worked(rows * (block.query.weight.size() + block.attn_output.size())).await;

            self.norm(&block.ffn_norm, rows, scratch);
            let Scratch { input, stretch, gate, up, .. } = scratch;
            block.gate.product(input, room(gate, rows * block.gate.n()), stretch);
            pace.worked(rows * block.gate.size()).await;
            block.up.product(input, room(up, rows * block.up.n()), stretch);
            pace.worked(rows * block.up.size()).await;
            let Scratch { input, stretch, stream, gate, up, change, .. } = scratch;
            math::swiglu(gate, up, input.reset(rows, block.gate.n()));
            input.quantise();
            block.down.product(input, room(change, rows * wide), stretch);
            math::add(stream, change);
            pace.worked(rows * block.down.size()).await;
        }
        if logits {
            self.norm(&self.output_norm, 1, scratch);
            let Scratch { input, stretch, logits, .. } = scratch;
            self.output.as_ref().unwrap_or(&self.embedding).product(
                input,
                room(logits, config.vocab),
                stretch,
            );
        }
    }

    /// Norm of the stream as input of the next product.
    fn norm(&self, scale: &[f32], rows: usize, scratch: &mut Scratch) {
        let input = &mut scratch.input;
        let out = input.reset(rows, scale.len());
        math::rms_norm(&scratch.stream, scale, self.config.rms_epsilon, out);
        input.quantise();
    }

    /// Attention of the queries, as input of the next product.
    async fn attend<S: Steps>(
        &self,
        layer: usize,
        position: usize,
        cache: &Cache,
        scratch: &mut Scratch,
        pace: &mut Pace<'_, S>,
    ) {
        let config = &self.config;
        let (row_len, head_dim) = (config.q_len(), config.head_dim);
        let rows = scratch.query.len() / row_len;
        let group = config.head_count / config.head_count_kv;
        scratch.input.reset(rows, row_len);
        for head in 0..config.head_count_kv {
            let Scratch { input, query, attention, .. } = &mut *scratch;
            dispatch(Attend {
                head: cache.head(layer, head),
                head_dim,
                queries: query,
                out: &mut input.floats,
                row_len,
                first: head * group * head_dim,
                group,
                position,
                scratch: attention,
            });
            let work = (2 * rows * group * head_dim).saturating_mul(position + rows);
            pace.worked(work).await;
        }
    }
}
