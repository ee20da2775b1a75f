//! What can be wrong with a tokenizer, a text or a template.

use thiserror::Error;

/// Why a tokenizer could not be made, or a text not be split.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// Larger than [`MAX_FILE_BYTES`].
    #[error("the tokenizer file has {0} bytes, which is more than any tokenizer needs")]
    TooLarge(usize),
    /// Not a tokenizer.
    #[error("the tokenizer file is damaged: {0}")]
    Malformed(String),
    /// A limit of fewer than two tokens leaves no room for the marks at both ends.
    #[error("a limit of {0} tokens leaves no room for any text")]
    LimitTooSmall(usize),
    /// The library refused a text; this should not happen with a valid file.
    #[error("a text could not be split into tokens: {0}")]
    Encode(String),
    /// The file names a way of splitting that is not known here.
    #[error("this model splits its text in a way that is not supported: “{0}”")]
    UnknownSplit(String),
    /// The vocabulary of a model file contradicts itself.
    #[error("the vocabulary of this model is damaged: {0}")]
    BadVocabulary(String),
    /// A text is longer than the caller allows.
    #[error("a text of {len_bytes} bytes is longer than the limit of {max_bytes}")]
    TextTooLong {
        /// Length of the text.
        len_bytes: usize,
        /// What was allowed.
        max_bytes: usize,
    },
}
