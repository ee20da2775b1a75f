//! What runs a model and in which order, without knowing any model or any host.
//!
//! [`Embed`] and [`Generate`] are what models offer, [`Sampler`] chooses among the tokens that a model proposes and a
//! [`Constraint`] allows,
//! [`Scheduler`] decides which texts go into the next batch and [`Writer`] which text gets the next token, [`FakeModel`]
//! stands in for a model in tests. Knows neither burn nor the browser nor the messages that ask for the work.

mod constraint;
mod embed;
mod fake;
mod generate;
mod sampling;
mod scheduler;
mod writer;

pub use constraint::{Constraint, allows};
pub use embed::{Embed, EmbedError, Steps};
pub use fake::{FakeModel, FakeWriter};
pub use generate::{Generate, GenerateError, common_prefix};
pub use sampling::{Sampler, Sampling};
pub use scheduler::{Batch, BatchLimit, Finished, JobId, Outcome, Scheduler};
pub use writer::{Ended, Host, Order, Purpose, Writer};
