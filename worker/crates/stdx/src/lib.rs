//! What every engine crate needs and the standard library lacks on wasm: a cancel token and a clock.
//!
//! This crate depends on no other crate of the workspace, and it must not become a drawer for odds and ends:
//! something goes here only when two crates that do not know each other need the very same thing.

mod cancel;
mod clock;

pub use cancel::Cancel;
pub use clock::{Clock, ManualClock, SystemClock};
