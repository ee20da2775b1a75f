//! Language models: the engine's own, and a slow one beside it that is right by being plain.
//!
//! - [`masked`] takes lines out of files for a model to write again.
//! - [`model`] reads a file into the engine, with its tokenizer.
//! - [`reference`] computes the same network in float32 on dequantised weights.
//! - [`options`] is what the programs are told.

pub mod masked;
pub mod model;
pub mod options;
pub mod reference;
