//! Positions in texts: bytes as the engine counts them, UTF-16 code units as editors count them.

mod edit;
mod line_index;

pub use edit::{Edit, EditError, apply, invert};
pub use line_index::{LineIndex, Pos};
