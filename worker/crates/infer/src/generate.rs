//! What a language model offers.

use std::future::Future;

use thiserror::Error;

use crate::{Sampler, Steps};

/// Why there is no next token.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum GenerateError {
    /// These tokens cannot be continued; others can.
    #[error("{0}")]
    BadInput(String),
    /// The text has become as long as the model can see.
    #[error("the text of {len} tokens is longer than the {max} that the model can see at a time")]
    TooLong {
        /// Tokens of the text.
        len: usize,
        /// Most tokens.
        max: usize,
    },
    /// There is no memory left for what the model keeps of the text.
    #[error("there is not enough memory for a text of {len} tokens")]
    NoMemory {
        /// Tokens of the text.
        len: usize,
    },
    /// The model computed something that is no number: its file is damaged.
    #[error("the model computed no usable numbers; its file may be damaged")]
    NotFinite,
    /// What may come next by the form of the text could not be found out, or the model wrote something else.
    #[error("the text could not be kept in the form that was asked for: {0}")]
    Form(String),
    /// The device failed or is gone; the model must be loaded again, perhaps elsewhere.
    #[error("{0}")]
    DeviceLost(String),
}

/// A model that continues a sequence of token ids, with one text under way at a time.
pub trait Generate {
    /// Tokens that it knows.
    fn vocab(&self) -> usize;

    /// Longest sequence, in tokens.
    fn max_tokens(&self) -> usize;

    /// How many tokens at the start of `sequence` need not be computed again.
    fn cached(&self, sequence: &[u32]) -> usize;

    /// The token that follows `sequence`, chosen by `sampler`.
    ///
    /// The caller gives the whole sequence each time; what it shares with the one before is not computed again, so one
    /// more token costs one token, and an edited prompt what comes after the edit. Between two steps of its work, some
    /// tens of milliseconds apart at most, it awaits `steps`. Dropping the future cancels; whole pieces that were
    /// finished until then stay.
    ///
    /// # Errors
    /// See [`GenerateError`].
    fn next(
        &mut self,
        sequence: &[u32],
        sampler: &mut Sampler,
        steps: &impl Steps,
    ) -> impl Future<Output = Result<u32, GenerateError>>;
}

/// How many tokens two sequences share at their start.
#[must_use]
pub fn common_prefix(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
