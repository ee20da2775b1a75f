//! The sizes and constants of a network, read from the metadata and checked against each other.

use super::error::{GgufError, shown};
use super::{Header, MAX_ARRAY};

/// Families of networks that Alcove runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Arch {
    Llama,
    Qwen2,
}

impl Arch {
    /// The name by which files call it, which also begins its keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
        }
    }

    /// The architecture of a file.
    ///
    /// # Errors
    /// Another architecture, something else than a whole model, or no architecture at all.
    pub fn read(header: &Header) -> Result<Self, GgufError> {
        if let Some(kind) = header.text_if_there("general.type")?.filter(|&kind| kind != "model") {
            return Err(GgufError::Unsupported(format!("the file holds no model but “{}”", shown(kind))));
        }
        if let Some(parts) = header.number_if_there("split.count")?.filter(|&parts| parts > 1) {
            return Err(GgufError::Unsupported(format!(
                "the file is one of {parts} parts; take a whole one"
            )));
        }
        match header.text("general.architecture")? {
            "llama" => Ok(Self::Llama),
            "qwen2" => Ok(Self::Qwen2),
            other => Err(GgufError::Architecture(shown(other))),
        }
    }
}

/// Which two numbers of a head are turned together by the rotary position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RopePairs {
    /// Numbers 2i and 2i + 1: files of `llama` have their rows ordered for this.
    Adjacent,
    /// Numbers i and i + half of the rotary dimensions.
    Halves,
}

/// How rotary positions are stretched beyond the context of the training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// Positions are divided by `factor`.
    Linear {
        /// How many times longer the context became.
        factor: f32,
    },
    /// High frequencies stay, low ones are divided by `factor`, with a ramp between them.
    Yarn {
        /// How many times longer the context became.
        factor: f32,
        /// Context of the first training, in tokens.
        original_context: usize,
        /// Share of the ramp that is applied; 1 unless the file says otherwise.
        ext_factor: f32,
        /// What the attention is multiplied by besides.
        attn_factor: f32,
        /// Turns within the original context above which a frequency stays as it is.
        beta_fast: f32,
        /// Turns below which it is divided wholly.
        beta_slow: f32,
    },
}

/// Sizes and constants of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The family.
    pub arch: Arch,
    /// Tokens in the vocabulary.
    pub vocab: usize,
    /// Longest context of the training, in tokens.
    pub context_length: usize,
    /// Numbers per token between the layers.
    pub embedding_length: usize,
    /// Layers.
    pub block_count: usize,
    /// Numbers inside the feed-forward part.
    pub feed_forward_length: usize,
    /// Heads of the queries.
    pub head_count: usize,
    /// Heads of keys and values; divides `head_count`.
    pub head_count_kv: usize,
    /// Numbers per head.
    pub head_dim: usize,
    /// Base of the rotary frequencies.
    pub rope_base: f32,
    /// How many numbers of a head are turned; the rest stay. Even.
    pub rope_dims: usize,
    /// Which numbers are turned together.
    pub rope_pairs: RopePairs,
    /// Stretching of positions. A file may have factors per frequency besides, as a tensor.
    pub rope_scaling: RopeScaling,
    /// Added under the root of the norms.
    pub rms_epsilon: f32,
    /// Whether the output head is the embedding matrix.
    pub tied_output: bool,
    /// Whether queries, keys and values have biases.
    pub qkv_bias: bool,
}

/// Reads the keys of one architecture.
struct Keys<'h> {
    header: &'h Header,
    arch: Arch,
}

impl Keys<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.arch.name())
    }

    fn bad(&self, name: &str, why: impl Into<String>) -> GgufError {
        GgufError::BadValue { key: self.key(name), why: why.into() }
    }

    fn size_if_there(&self, name: &str, max: u64) -> Result<Option<usize>, GgufError> {
        let Some(size) = self.header.number_if_there(&self.key(name))? else { return Ok(None) };
        if size == 0 || size > max {
            return Err(self.bad(name, format!("is {size}, but must be from 1 to {max}")));
        }
        // Every `max` below fits 32 bits.
        Ok(Some(size as usize))
    }

    fn size(&self, name: &str, max: u64) -> Result<usize, GgufError> {
        self.size_if_there(name, max)?.ok_or_else(|| GgufError::MissingKey(self.key(name)))
    }

    fn float(&self, name: &str, default: f32) -> Result<f32, GgufError> {
        Ok(self.header.float_if_there(&self.key(name))?.unwrap_or(default))
    }

    fn positive(&self, name: &str, value: f32) -> Result<f32, GgufError> {
        if value > 0.0 { Ok(value) } else { Err(self.bad(name, format!("is {value}, but must be above 0"))) }
    }
}

impl Config {
    /// Read the configuration of a file whose token list has `num_tokens` tokens.
    ///
    /// # Errors
    /// What is missing, out of bounds, contradictory, or not known to Alcove.
    pub fn read(header: &Header, num_tokens: usize) -> Result<Self, GgufError> {
        let arch = Arch::read(header)?;
        let keys = Keys { header, arch };
        refuse_unknown_parts(&keys)?;

        let vocab = keys.size_if_there("vocab_size", MAX_ARRAY)?.unwrap_or(num_tokens);
        if vocab != num_tokens {
            return Err(keys.bad("vocab_size", format!("is {vocab}, but the token list has {num_tokens}")));
        }
        let context_length = keys.size("context_length", 1 << 26)?;
        let embedding_length = keys.size("embedding_length", 1 << 17)?;
        let head_count = keys.size("attention.head_count", 1 << 12)?;
        let head_count_kv = keys.size_if_there("attention.head_count_kv", 1 << 12)?.unwrap_or(head_count);
        if !head_count.is_multiple_of(head_count_kv) {
            let why = format!("is {head_count_kv}, which does not divide the {head_count} heads");
            return Err(keys.bad("attention.head_count_kv", why));
        }
        let head_dim = head_dim(&keys, embedding_length, head_count)?;
        let rope_dims = keys.size_if_there("rope.dimension_count", 1 << 12)?.unwrap_or(head_dim);
        if rope_dims > head_dim || !rope_dims.is_multiple_of(2) {
            let why = format!("is {rope_dims}, but must be even and no more than the {head_dim} of a head");
            return Err(keys.bad("rope.dimension_count", why));
        }
        let epsilon = "attention.layer_norm_rms_epsilon";
        let rms_epsilon = header.float_if_there(&keys.key(epsilon))?;
        let rms_epsilon = rms_epsilon.ok_or_else(|| GgufError::MissingKey(keys.key(epsilon)))?;
        if !(rms_epsilon > 0.0 && rms_epsilon < 1.0) {
            return Err(keys.bad(epsilon, format!("is {rms_epsilon}, but must be between 0 and 1")));
        }
        Ok(Self {
            arch,
            vocab,
            context_length,
            embedding_length,
            block_count: keys.size("block_count", 1 << 10)?,
            feed_forward_length: keys.size("feed_forward_length", 1 << 20)?,
            head_count,
            head_count_kv,
            head_dim,
            rope_base: keys.positive("rope.freq_base", keys.float("rope.freq_base", 10_000.0)?)?,
            rope_dims,
            rope_pairs: match arch {
                Arch::Llama => RopePairs::Adjacent,
                Arch::Qwen2 => RopePairs::Halves,
            },
            rope_scaling: rope_scaling(&keys, context_length)?,
            rms_epsilon,
            tied_output: header.tensor("output.weight").is_none(),
            qkv_bias: arch == Arch::Qwen2 || header.tensor("blk.0.attn_q.bias").is_some(),
        })
    }

    /// Numbers of all queries of a token.
    pub fn q_len(&self) -> usize {
        self.head_count * self.head_dim
    }

    /// Numbers of all keys, or all values, of a token.
    pub fn kv_len(&self) -> usize {
        self.head_count_kv * self.head_dim
    }
}

/// What files of these families may have and the engine does not compute.
fn refuse_unknown_parts(keys: &Keys<'_>) -> Result<(), GgufError> {
    let experts = keys.header.number_if_there(&keys.key("expert_count"))?.unwrap_or(0);
    if experts > 0 {
        return Err(GgufError::Unsupported(format!("it is a mixture of {experts} experts")));
    }
    if keys.header.truth_if_there(&keys.key("attention.causal"))? == Some(false) {
        return Err(GgufError::Unsupported("it reads text and does not write any".into()));
    }
    Ok(())
}

fn head_dim(keys: &Keys<'_>, embedding_length: usize, head_count: usize) -> Result<usize, GgufError> {
    const MAX: u64 = 1 << 12;
    let key = keys.size_if_there("attention.key_length", MAX)?;
    let value = keys.size_if_there("attention.value_length", MAX)?;
    let from_embedding = || {
        if !embedding_length.is_multiple_of(head_count) {
            let why = format!("is {head_count}, which does not divide the embedding of {embedding_length}");
            return Err(keys.bad("attention.head_count", why));
        }
        Ok(embedding_length / head_count)
    };
    let head_dim = key.map_or_else(from_embedding, Ok)?;
    if value.unwrap_or(head_dim) != head_dim {
        return Err(GgufError::Unsupported("its keys and values are of different lengths".into()));
    }
    if !head_dim.is_multiple_of(2) || head_dim as u64 > MAX {
        let name = if key.is_some() { "attention.key_length" } else { "attention.head_count" };
        return Err(
            keys.bad(name, format!("gives heads of {head_dim}, which must be even and at most {MAX}"))
        );
    }
    Ok(head_dim)
}

fn rope_scaling(keys: &Keys<'_>, context_length: usize) -> Result<RopeScaling, GgufError> {
    // Old files have the factor alone, under another name, and mean the linear way.
    let kind = keys.header.text_if_there(&keys.key("rope.scaling.type"))?.unwrap_or("linear");
    let factor = match keys.float("rope.scaling.factor", 0.0)? {
        0.0 => ("rope.scale_linear", keys.float("rope.scale_linear", 0.0)?),
        factor => ("rope.scaling.factor", factor),
    };
    let factor = match factor {
        (_, 0.0) => 1.0,
        (name, factor) => keys.positive(name, factor)?,
    };
    match kind {
        "none" => Ok(RopeScaling::None),
        "linear" if factor == 1.0 => Ok(RopeScaling::None),
        "linear" => Ok(RopeScaling::Linear { factor }),
        "yarn" => {
            let original = keys.size_if_there("rope.scaling.original_context_length", 1 << 26)?;
            let attn_factor = keys.float("rope.scaling.attn_factor", 1.0)?;
            Ok(RopeScaling::Yarn {
                factor,
                original_context: original.unwrap_or(context_length),
                ext_factor: keys.float("rope.scaling.yarn_ext_factor", 1.0)?,
                attn_factor: keys.float("rope.scaling.yarn_attn_factor", attn_factor)?,
                beta_fast: keys.float("rope.scaling.yarn_beta_fast", 32.0)?,
                beta_slow: keys.float("rope.scaling.yarn_beta_slow", 1.0)?,
            })
        }
        other => Err(GgufError::Unsupported(format!("its positions are scaled by “{}”", shown(other)))),
    }
}
