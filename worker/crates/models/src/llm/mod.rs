//! Language models on the processor: `llama` and `qwen2` files, computed with their weights as they are stored.
//!
//! A token costs reading every weight once, so weights stay in the few bits that they have; activations are quantised
//! to int16 beside them, and the kernels of [`kernel`] multiply integers.

pub mod format;
pub mod input;
pub mod kernel;
pub mod matrix;
mod pack;
mod plain;
