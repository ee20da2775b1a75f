//! What an embedding model offers.

use std::future::Future;

use thiserror::Error;

/// Why a batch was not embedded.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmbedError {
    /// The batch itself cannot be embedded; another one can.
    #[error("{0}")]
    BadInput(String),
    /// The device failed or is gone; the model must be loaded again, perhaps elsewhere.
    #[error("{0}")]
    DeviceLost(String),
}

/// Gives way to other work between two steps of a batch.
pub trait Steps {
    /// Resolves when the batch may go on.
    fn next(&self) -> impl Future<Output = ()>;
}

/// Never gives way: for tests and native tools.
impl Steps for () {
    async fn next(&self) {}
}

/// A model that turns sequences of token ids into vectors of unit length.
pub trait Embed {
    /// Length of a vector.
    fn dim(&self) -> usize;

    /// Embed a batch: `batch.len() * dim()` numbers, in the order of the batch. Between two steps of its work, some
    /// tens of milliseconds apart at most, it awaits `steps`, so that something more urgent can go first; several
    /// batches may therefore be under way at a time.
    ///
    /// # Errors
    /// See [`EmbedError`].
    fn embed(
        &self,
        batch: &[&[u32]],
        steps: &impl Steps,
    ) -> impl Future<Output = Result<Vec<f32>, EmbedError>>;
}
