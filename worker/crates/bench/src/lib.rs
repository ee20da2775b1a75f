//! Measures how well and how fast the engine crates do their work, natively.
//!
//! - [`set`] reads the evaluation set that `e2e/eval/make.py` writes, and judges answers.
//! - [`plain`] is the reference that a product's search has to beat: plain BM25, and its fusion with plain MiniLM.
//! - [`cache`] keeps vectors on disk by the text that they were made from, because embedding the set takes minutes.
//! - [`ours`] indexes the set with the engine's own crates.

pub mod cache;
pub mod ours;
pub mod plain;
pub mod set;
