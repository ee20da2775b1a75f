//! The tensors of an architecture: each there, of the right shape, and none that nobody would compute with.

use std::collections::HashSet;

use super::config::{Arch, Config};
use super::error::{GgufError, shown};
use super::{Header, TensorInfo};

/// A matrix with its bias, where the model has one.
#[derive(Clone, Copy, Debug)]
pub struct Projection<'h> {
    /// `[outputs, inputs]`.
    pub weight: &'h TensorInfo,
    /// `[outputs]`.
    pub bias: Option<&'h TensorInfo>,
}

/// Tensors of one layer.
#[derive(Clone, Debug)]
pub struct Layer<'h> {
    /// Scale of the norm before the attention.
    pub attn_norm: &'h TensorInfo,
    /// Embedding → queries.
    pub query: Projection<'h>,
    /// Embedding → keys.
    pub key: Projection<'h>,
    /// Embedding → values.
    pub value: Projection<'h>,
    /// Heads → embedding.
    pub attn_output: &'h TensorInfo,
    /// Scale of the norm before the feed-forward part.
    pub ffn_norm: &'h TensorInfo,
    /// Embedding → the gate.
    pub gate: &'h TensorInfo,
    /// Embedding → what the gate multiplies.
    pub up: &'h TensorInfo,
    /// Back to the embedding.
    pub down: &'h TensorInfo,
}

/// All tensors of a model. Matrices may be of any format; norms, biases and factors are never in blocks.
#[derive(Clone, Debug)]
pub struct Tensors<'h> {
    /// One row per token.
    pub embedding: &'h TensorInfo,
    /// The layers in order.
    pub layers: Vec<Layer<'h>>,
    /// Scale of the norm behind the last layer.
    pub output_norm: &'h TensorInfo,
    /// One row per token: the embedding itself where the head is tied to it.
    pub output: &'h TensorInfo,
    /// What each rotary frequency is divided by besides, in newer `llama` files: half as many as rotary dimensions.
    pub rope_factors: Option<&'h TensorInfo>,
}

/// Hands out tensors and remembers which.
struct Picker<'h> {
    header: &'h Header,
    taken: HashSet<&'h str>,
}

impl<'h> Picker<'h> {
    fn take_if_there(&mut self, name: &str, shape: &[usize]) -> Result<Option<&'h TensorInfo>, GgufError> {
        let Some(tensor) = self.header.tensor(name) else { return Ok(None) };
        let expected: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
        if tensor.shape != expected {
            let found = tensor.shape.clone();
            return Err(GgufError::Shape { tensor: name.to_owned(), expected, found });
        }
        if shape.len() == 1 && !tensor.dtype.is_plain() {
            let why = format!("the tensor “{name}” is stored in blocks of {}", tensor.dtype);
            return Err(GgufError::Unsupported(why));
        }
        self.taken.insert(&tensor.name);
        Ok(Some(tensor))
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<&'h TensorInfo, GgufError> {
        self.take_if_there(name, shape)?.ok_or_else(|| GgufError::MissingTensor(name.to_owned()))
    }

    fn layer(&mut self, i: usize, config: &Config) -> Result<Layer<'h>, GgufError> {
        let name = |part: &str| format!("blk.{i}.{part}.weight");
        let (embedding, inner) = (config.embedding_length, config.feed_forward_length);
        let (q_len, kv_len) = (config.q_len(), config.kv_len());
        Ok(Layer {
            attn_norm: self.take(&name("attn_norm"), &[embedding])?,
            query: self.projection(i, "attn_q", q_len, config)?,
            key: self.projection(i, "attn_k", kv_len, config)?,
            value: self.projection(i, "attn_v", kv_len, config)?,
            attn_output: self.take(&name("attn_output"), &[embedding, q_len])?,
            ffn_norm: self.take(&name("ffn_norm"), &[embedding])?,
            gate: self.take(&name("ffn_gate"), &[inner, embedding])?,
            up: self.take(&name("ffn_up"), &[inner, embedding])?,
            down: self.take(&name("ffn_down"), &[embedding, inner])?,
        })
    }

    fn projection(
        &mut self,
        i: usize,
        part: &str,
        outputs: usize,
        config: &Config,
    ) -> Result<Projection<'h>, GgufError> {
        let weight = self.take(&format!("blk.{i}.{part}.weight"), &[outputs, config.embedding_length])?;
        let bias = format!("blk.{i}.{part}.bias");
        let bias = if config.qkv_bias { Some(self.take(&bias, &[outputs])?) } else { None };
        Ok(Projection { weight, bias })
    }
}

impl<'h> Tensors<'h> {
    /// Find every tensor that the configuration asks for.
    ///
    /// # Errors
    /// A tensor that is missing, has another shape, or is not known.
    pub fn read(header: &'h Header, config: &Config) -> Result<Self, GgufError> {
        let mut picker = Picker { header, taken: HashSet::new() };
        let table = [config.vocab, config.embedding_length];
        let embedding = picker.take("token_embd.weight", &table)?;
        let rope_factors = match config.arch {
            Arch::Llama => picker.take_if_there("rope_freqs.weight", &[config.rope_dims / 2])?,
            Arch::Qwen2 => None,
        };
        let layers = (0..config.block_count).map(|i| picker.layer(i, config)).collect::<Result<_, _>>()?;
        let output_norm = picker.take("output_norm.weight", &[config.embedding_length])?;
        let output = if config.tied_output { embedding } else { picker.take("output.weight", &table)? };
        // A tensor left over would have to take part somewhere: without it the answers would be quietly wrong.
        if let Some(left) = header.tensors().iter().find(|tensor| !picker.taken.contains(&*tensor.name)) {
            return Err(GgufError::UnexpectedTensor(shown(&left.name)));
        }
        Ok(Self { embedding, layers, output_norm, output, rope_factors })
    }
}
