//! Positions in texts: bytes as the engine counts them, UTF-16 code units as editors count them.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod edit;
mod line_index;

pub use edit::{Edit, EditError, apply, invert};
pub use line_index::{LineIndex, Pos};
