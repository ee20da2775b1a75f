//! Completions at a caret: how far one goes, and whether it fits where it is to stand.
//!
//! [`place`] says whether anything may be asked at a caret and how far the answer goes. [`fit`] cuts what a model wrote
//! to that place, or says why nothing of it can stand there. What it gives is always the beginning of what was written:
//! nothing is added and nothing is changed in the middle.

mod balance;
mod closing;
mod fit;
mod place;
mod query;
mod repeats;
mod scan;
mod signs;
mod snippets;

pub use closing::{Fitted, fit};
pub use fit::{Dropped, is_whole, shorter};
pub use place::{Place, Reach, place};
pub use query::words_near;
pub use snippets::{choose, path_comment};
