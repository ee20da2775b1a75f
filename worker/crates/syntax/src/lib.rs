//! What a text is made of: its language, chunks that follow its syntax, and the symbols that it defines.
//!
//! One walk over a tree-sitter tree finds both chunks and symbols. The tree is dropped at once: only ranges leave this
//! crate. Whatever goes wrong in a grammar, a text still gets chunks, by lines.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod analyser;
mod chunk;
mod grammar;
mod lang;
mod lines;
mod names;
mod roles;
mod symbol;
mod walk;

pub use analyser::{Analyser, Analysis, Outcome};
pub use chunk::{Chunk, ChunkKind, chunk_by_lines};
pub use lang::Lang;
pub use symbol::{Symbol, SymbolKind};
