//! Language models: the engine's own, and a slow one beside it that is right by being plain.
//!
//! - [`model`] reads a file into the engine, with its tokenizer.
//! - [`reference`] computes the same network in float32 on dequantised weights.
//! - [`options`] is what the programs are told.

pub mod model;
pub mod options;
pub mod reference;
