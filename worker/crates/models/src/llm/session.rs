//! A text under way on a network: what was computed of it stays, and only what is new is computed.

use std::sync::Arc;

use infer::{Generate, GenerateError, Sampler, Steps, common_prefix};

use super::cache::Cache;
use super::network::{Network, Scratch};
use super::pace::{Pace, SLICE};

/// Most tokens that pass the network together. More share the decoding of the weights among them, and no longer gain by
/// it.
const MAX_TOGETHER: usize = 128;
/// Fewest, however large the network is.
const MIN_TOGETHER: usize = 32;

/// One text. Several may share a network.
#[derive(Debug)]
pub struct Session {
    network: Arc<Network>,
    /// Tokens whose keys and values are in the cache.
    tokens: Vec<u32>,
    cache: Cache,
    scratch: Scratch,
    max_tokens: usize,
    slice: usize,
}

impl Session {
    /// An empty text of at most `max_tokens`, or as many as the network was trained for, where those are fewer.
    #[must_use]
    pub fn new(network: Arc<Network>, max_tokens: usize) -> Self {
        let max_tokens = max_tokens.min(network.config().context_length);
        let cache = Cache::new(network.config());
        Self { network, tokens: Vec::new(), cache, scratch: Scratch::default(), max_tokens, slice: SLICE }
    }

    /// Give way after so many products of two numbers instead of some tens of millions.
    #[must_use]
    pub fn with_slice(mut self, products: usize) -> Self {
        self.slice = products.max(1);
        self
    }

    /// Bytes that its keys and values take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// The logits of all tokens that may follow `sequence`, reusing what was computed before.
    ///
    /// # Errors
    /// See [`GenerateError`].
    pub async fn logits(&mut self, sequence: &[u32], steps: &impl Steps) -> Result<&[f32], GenerateError> {
        let len = sequence.len();
        check(sequence, self.max_tokens, self.network.config().vocab)?;
        // At least one token is computed, because its logits are wanted.
        self.tokens.truncate(self.cached(sequence));
        if !self.cache.reserve(len, self.max_tokens) {
            return Err(GenerateError::NoMemory { len });
        }
        // The largest product of a layer is about a third of its work, and is not interrupted.
        let together = 3 * self.slice / self.network.work_per_layer().max(1);
        let together = together.clamp(MIN_TOGETHER, MAX_TOGETHER) / 8 * 8;
        let mut pace = Pace::new(steps, self.slice);
        while self.tokens.len() < len {
            let from = self.tokens.len();
            let to = len.min(from + together);
            let Self { network, cache, scratch, .. } = &mut *self;
            network.forward(&sequence[from..to], from, cache, scratch, to == len, &mut pace).await;
            // Only now: what a dropped future left half done is computed again.
            self.tokens.extend_from_slice(&sequence[from..to]);
        }
        Ok(&self.scratch.logits)
    }
}

/// Whether a model of `vocab` tokens can go on from `sequence`.
pub(super) fn check(sequence: &[u32], max_tokens: usize, vocab: usize) -> Result<(), GenerateError> {
    let len = sequence.len();
    if len == 0 {
        return Err(GenerateError::BadInput("there is no text to go on from".into()));
    }
    if len > max_tokens {
        return Err(GenerateError::TooLong { len, max: max_tokens });
    }
    if let Some(id) = sequence.iter().find(|&&id| id as usize >= vocab) {
        let why = format!("token {id} is beyond the {vocab} tokens that the model knows");
        return Err(GenerateError::BadInput(why));
    }
    Ok(())
}

impl Generate for Session {
    fn vocab(&self) -> usize {
        self.network.config().vocab
    }

    fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    fn cached(&self, sequence: &[u32]) -> usize {
        common_prefix(&self.tokens, sequence).min(sequence.len().saturating_sub(1))
    }

    async fn next(
        &mut self,
        sequence: &[u32],
        sampler: &mut Sampler,
        steps: &impl Steps,
    ) -> Result<u32, GenerateError> {
        let logits = self.logits(sequence, steps).await?;
        sampler.choose(logits, sequence).ok_or(GenerateError::NotFinite)
    }
}
