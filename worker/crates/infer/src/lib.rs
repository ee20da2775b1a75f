//! What runs a model and in which order, without knowing any model or any host.
//!
//! [`Embed`] is what a model offers, [`Scheduler`] decides which texts go into the next batch, [`FakeModel`] stands in
//! for a model in tests. Knows neither burn nor the browser nor the messages that ask for the work.

mod embed;
mod fake;
mod scheduler;

pub use embed::{Embed, EmbedError, Steps};
pub use fake::FakeModel;
pub use scheduler::{Batch, BatchLimit, Finished, JobId, Outcome, Scheduler};
