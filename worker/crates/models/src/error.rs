//! What can go wrong with a model before and while it runs.

use thiserror::Error;

/// Why bytes are not the model that was asked for. Every variant is a sentence that a person can act on: the remedy is
/// always to fetch the file again.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// Shorter than what its own header announces.
    #[error("the model file is cut short: it should have {expected} bytes and has {actual}")]
    Truncated {
        /// Bytes that the header asks for.
        expected: u64,
        /// Bytes that are there.
        actual: u64,
    },
    /// Not a file of this kind, or one that contradicts itself.
    #[error("the model file is damaged: {0}")]
    Malformed(String),
    /// A valid file of another model.
    #[error("the model file belongs to another model: {0}")]
    Mismatch(String),
    /// The checksum inside the file does not fit its content.
    #[error("the model file is damaged: its checksum does not fit its content")]
    Checksum,
}

/// Why a batch could not be embedded.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunError {
    /// A token id beyond the vocabulary: the tokenizer and the model do not belong together.
    #[error(
        "the tokenizer does not belong to the model: token {id} is beyond its vocabulary of {vocabulary}"
    )]
    UnknownToken {
        /// The id.
        id: u32,
        /// Number of tokens that the model knows.
        vocabulary: usize,
    },
    /// Longer than the model's positions.
    #[error("a text of {len} tokens is longer than the model's limit of {max}")]
    TooLong {
        /// Tokens of the text.
        len: usize,
        /// Tokens that the model can take.
        max: usize,
    },
    /// Nothing to embed: a text without a single token, which no tokenizer of this model makes.
    #[error("a text without any token cannot be embedded")]
    Empty,
    /// The graphics processor failed or was taken away.
    #[error("the graphics processor stopped: {0}")]
    Device(String),
}

impl From<RunError> for infer::EmbedError {
    fn from(err: RunError) -> Self {
        match err {
            RunError::Device(why) => Self::DeviceLost(why),
            other => Self::BadInput(other.to_string()),
        }
    }
}
