//! The weights of an encoder as plain float32 arrays, whatever will run them.

use crate::{LoadError, Safetensors, Shape};

/// A dense layer: `[n, k]` row-major weights and `n` biases.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseWeights {
    /// Row-major, one row per output.
    pub weight: Vec<f32>,
    /// One per output.
    pub bias: Vec<f32>,
}

/// Scale and shift of a layer normalisation.
#[derive(Clone, Debug, PartialEq)]
pub struct NormWeights {
    /// Factor per channel.
    pub scale: Vec<f32>,
    /// Added per channel.
    pub shift: Vec<f32>,
}

/// One encoder layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeights {
    /// Queries, keys and values as one layer: `[3 * hidden, hidden]`.
    pub qkv: DenseWeights,
    /// What mixes the heads.
    pub mix: DenseWeights,
    /// After attention.
    pub attention_norm: NormWeights,
    /// First half of the feed-forward part: `[inner, hidden]`.
    pub expand: DenseWeights,
    /// Second half: `[hidden, inner]`.
    pub contract: DenseWeights,
    /// After the feed-forward part.
    pub output_norm: NormWeights,
}

/// A whole encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Its sizes.
    pub shape: Shape,
    /// `[vocabulary, hidden]`.
    pub words: Vec<f32>,
    /// `[positions, hidden]`, with the one token type that this project uses already added.
    pub positions: Vec<f32>,
    /// After the sum of both.
    pub embedding_norm: NormWeights,
    /// The layers, first one first.
    pub layers: Vec<LayerWeights>,
}

impl Weights {
    /// Take the weights of a BERT encoder of this shape out of a safetensors file (names as in `transformers`).
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn from_safetensors(bytes: &[u8], shape: Shape) -> Result<Self, LoadError> {
        if !shape.is_supported() {
            return Err(LoadError::Mismatch("its sizes are not supported".into()));
        }
        let file = Safetensors::parse(bytes)?;
        let Shape { vocabulary, positions, hidden, inner, .. } = shape;
        let norm = |name: &str| -> Result<NormWeights, LoadError> {
            Ok(NormWeights {
                scale: file.f32(&format!("{name}.weight"), &[hidden])?,
                shift: file.f32(&format!("{name}.bias"), &[hidden])?,
            })
        };
        let dense = |name: &str, n: usize, k: usize| -> Result<DenseWeights, LoadError> {
            Ok(DenseWeights {
                weight: file.f32(&format!("{name}.weight"), &[n, k])?,
                bias: file.f32(&format!("{name}.bias"), &[n])?,
            })
        };
        let token_types = file.f32("embeddings.token_type_embeddings.weight", &[2, hidden])?;
        let mut position_table = file.f32("embeddings.position_embeddings.weight", &[positions, hidden])?;
        for row in position_table.chunks_exact_mut(hidden) {
            for (x, first_type) in row.iter_mut().zip(&token_types) {
                *x += first_type;
            }
        }
        let layers = (0..shape.layers)
            .map(|index| {
                let at = format!("encoder.layer.{index}");
                let mut qkv = dense(&format!("{at}.attention.self.query"), hidden, hidden)?;
                for part in ["key", "value"] {
                    let more = dense(&format!("{at}.attention.self.{part}"), hidden, hidden)?;
                    qkv.weight.extend(more.weight);
                    qkv.bias.extend(more.bias);
                }
                Ok(LayerWeights {
                    qkv,
                    mix: dense(&format!("{at}.attention.output.dense"), hidden, hidden)?,
                    attention_norm: norm(&format!("{at}.attention.output.LayerNorm"))?,
                    expand: dense(&format!("{at}.intermediate.dense"), inner, hidden)?,
                    contract: dense(&format!("{at}.output.dense"), hidden, inner)?,
                    output_norm: norm(&format!("{at}.output.LayerNorm"))?,
                })
            })
            .collect::<Result<_, LoadError>>()?;
        Ok(Self {
            shape,
            words: file.f32("embeddings.word_embeddings.weight", &[vocabulary, hidden])?,
            positions: position_table,
            embedding_norm: norm("embeddings.LayerNorm")?,
            layers,
        })
    }
}
