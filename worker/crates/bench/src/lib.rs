//! Measures how well and how fast the engine crates do their work, natively.
//!
//! - [`set`] reads the evaluation set that `e2e/eval/make.py` writes, and judges answers.
//! - [`plain`] is the reference that a product's search has to beat: plain BM25, and its fusion with plain MiniLM.
//! - [`cache`] keeps vectors on disk by the text that they were made from, because embedding the set takes minutes.
//! - [`embed`] makes the vectors that the cache lacks, with the model worker's own kernels.
//! - [`language`] runs language models, and computes them plainly beside.
//! - [`ours`] indexes the set with the engine's own crates.
//! - [`report`] is the form in which figures leave.

pub mod args;
pub mod cache;
pub mod embed;
pub mod language;
pub mod ours;
pub mod plain;
pub mod report;
pub mod set;
