//! Finds chunks of code by words, by names and by meaning, on the device.
//!
//! The crate never calls a model: it receives vectors as `&[f32]`, and says which chunks still wait for one. Everything
//! here is derived from files, so any doubt (a snapshot that does not decode) is answered by building it again.
//!
//! - [`Index`] holds files and chunks, the lexical postings and the vectors, and answers [`Query`] by fusing its layers.
//! - [`grep`] finds exact text, whole words and regular expressions in one text.
//! - [`names`] ranks file and symbol names for quick open.
//! - [`embed_text`] is what is given to the embedder for a chunk; hash it to get the chunk's [`Key`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod asked;
mod doc;
mod embed;
mod evidence;
mod filter;
mod fuse;
pub mod grep;
mod index;
mod lexical;
pub mod names;
#[cfg(test)]
mod oracle;
mod snapshot;
mod terms;
mod tuning;
mod vectors;

pub use doc::{ChunkDoc, ChunkRef, FileDoc, Hit, Key, Layers, NO_KEY, NO_KIND, Query, Waiting};
pub use embed::embed_text;
pub use evidence::Evidence;
pub use filter::{Filter, FilterErr};
pub use index::Index;
pub use snapshot::SnapshotErr;
pub use tuning::Tuning;
pub use vectors::{VectorErr, encode_vector};
