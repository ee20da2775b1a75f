//! A model for tests: its vectors depend on the tokens alone, so every mix-up shows.

use std::cell::{Cell, RefCell};

use crate::{Embed, EmbedError, Generate, GenerateError, Sampler, Steps, common_prefix};

/// Turns token ids into reproducible vectors of unit length, remembers its batches and fails when told to.
#[derive(Debug)]
pub struct FakeModel {
    dim: usize,
    fail_next: Cell<bool>,
    /// Lengths of the texts of every batch so far.
    pub batches: RefCell<Vec<Vec<usize>>>,
}

impl FakeModel {
    /// A model with vectors of length `dim`.
    #[must_use]
    pub fn new(dim: usize) -> Self {
        Self { dim, fail_next: Cell::new(false), batches: RefCell::default() }
    }

    /// The next batch fails as if the device were gone.
    pub fn fail_next(&self) {
        self.fail_next.set(true);
    }

    /// The vector of one text.
    #[must_use]
    pub fn vector(&self, ids: &[u32]) -> Vec<f32> {
        let mut state = 0x9E37_79B9_u32;
        for id in ids {
            state = (state ^ id).wrapping_mul(0x0100_0193).rotate_left(13);
        }
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let mut vector: Vec<f32> = (0..self.dim).map(|_| next()).collect();
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        vector.iter_mut().for_each(|x| *x /= length);
        vector
    }
}

impl Embed for FakeModel {
    fn dim(&self) -> usize {
        self.dim
    }

    async fn embed(&self, batch: &[&[u32]], steps: &impl Steps) -> Result<Vec<f32>, EmbedError> {
        self.batches.borrow_mut().push(batch.iter().map(|ids| ids.len()).collect());
        steps.next().await;
        if self.fail_next.take() {
            return Err(EmbedError::DeviceLost("the fake device was taken away".into()));
        }
        Ok(batch.iter().flat_map(|ids| self.vector(ids)).collect())
    }
}

/// Goes on from any text in a reproducible way, and counts what it computes. Of tokens that it may not choose the next
/// higher one is what it likes best, round and round.
#[derive(Debug, Default)]
pub struct FakeWriter {
    cached: Vec<u32>,
    /// Tokens that were computed, those of dropped futures included.
    pub num_computed: usize,
}

impl FakeWriter {
    /// Tokens that it knows.
    pub const VOCAB: usize = 50;
    /// Longest sequence.
    pub const MAX_TOKENS: usize = 64;

    /// The token that follows a sequence.
    #[must_use]
    pub fn token(sequence: &[u32]) -> u32 {
        sequence.iter().fold(7_u32, |state, id| (state ^ id).wrapping_mul(0x0100_0193).rotate_left(11))
            % Self::VOCAB as u32
    }
}

impl Generate for FakeWriter {
    fn vocab(&self) -> usize {
        Self::VOCAB
    }

    fn max_tokens(&self) -> usize {
        Self::MAX_TOKENS
    }

    fn cached(&self, sequence: &[u32]) -> usize {
        common_prefix(&self.cached, sequence).min(sequence.len().saturating_sub(1))
    }

    async fn next(
        &mut self,
        sequence: &[u32],
        sampler: &mut Sampler,
        steps: &impl Steps,
    ) -> Result<u32, GenerateError> {
        let len = sequence.len();
        if len > Self::MAX_TOKENS {
            return Err(GenerateError::TooLong { len, max: Self::MAX_TOKENS });
        }
        self.cached.truncate(self.cached(sequence));
        // A step for each token of the prompt.
        for &id in &sequence[self.cached.len()..] {
            self.num_computed += 1;
            steps.next().await;
            self.cached.push(id);
        }
        let best = Self::token(sequence) as usize;
        let behind = |id: usize| (id + Self::VOCAB - best) % Self::VOCAB;
        let logits: Vec<f32> = (0..Self::VOCAB).map(|id| -(behind(id) as f32)).collect();
        sampler.choose(&logits, sequence).ok_or(GenerateError::NotFinite)
    }
}
