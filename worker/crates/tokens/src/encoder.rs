//! Text to the token ids of an embedder, from its `tokenizer.json`.
//!
//! A thin layer over the `tokenizers` crate that bounds what comes in and hides its error type.

use tokenizers::{Tokenizer as Inner, TruncationDirection, TruncationParams, TruncationStrategy};

use crate::TokenError;

/// Largest `tokenizer.json` that is looked at; those of the models used here have half a megabyte.
pub const MAX_FILE_BYTES: usize = 32 * 1024 * 1024;

/// Bytes of a text per token that are looked at, at most: everything behind is cut before tokenizing, because a text
/// of megabytes in one chunk would only be thrown away after costing seconds. A token of ordinary text has three to
/// four bytes, so nothing that the model could see is lost, except behind long runs of white space.
const MAX_BYTES_PER_TOKEN: usize = 64;

/// A tokenizer with a limit on the number of tokens per text.
#[derive(Debug)]
pub struct Tokenizer {
    inner: Inner,
    max_tokens: usize,
}

impl Tokenizer {
    /// Read `tokenizer.json`. Texts will be cut to `max_tokens`, special tokens included, and never padded.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn from_json(bytes: &[u8], max_tokens: usize) -> Result<Self, TokenError> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(TokenError::TooLarge(bytes.len()));
        }
        let mut inner = Inner::from_bytes(bytes).map_err(|err| TokenError::Malformed(err.to_string()))?;
        if max_tokens
            < 2 + inner.get_post_processor().map_or(0, |post| {
                use tokenizers::PostProcessor as _;
                post.added_tokens(false).saturating_sub(2)
            })
        {
            return Err(TokenError::LimitTooSmall(max_tokens));
        }
        inner
            .with_truncation(Some(TruncationParams {
                direction: TruncationDirection::Right,
                max_length: max_tokens,
                strategy: TruncationStrategy::LongestFirst,
                stride: 0,
            }))
            .map_err(|err| TokenError::Malformed(err.to_string()))?;
        inner.with_padding(None);
        Ok(Self { inner, max_tokens })
    }

    /// Longest result of [`Tokenizer::encode`].
    #[must_use]
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Number of known tokens, added ones included.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Token ids of `text` with the model's marks at both ends, cut to the limit.
    ///
    /// # Errors
    /// [`TokenError::Encode`] when the file asks for something that cannot be done to this text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenError> {
        let cut =
            text.floor_char_boundary(text.len().min(self.max_tokens.saturating_mul(MAX_BYTES_PER_TOKEN)));
        let encoding =
            self.inner.encode_fast(&text[..cut], true).map_err(|err| TokenError::Encode(err.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }
}
