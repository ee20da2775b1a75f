//! Language models on the processor: `llama` and `qwen2` files, computed with their weights as they are stored.
//!
//! A token costs reading every weight once, so weights stay in the few bits that they have; activations are quantised
//! to int16 beside them, and the kernels multiply integers. [`Loader`] builds a [`Network`] from a file that arrives in
//! pieces, and a [`Session`] continues a text on it.

mod attention;
mod cache;
mod format;
#[cfg(feature = "gpu")]
pub mod gpu;
mod input;
mod kernel;
mod language;
mod loader;
mod math;
mod matrix;
mod network;
mod pace;
mod pack;
mod plain;
mod rope;
mod session;

pub use language::{Language, LanguageError};
pub use loader::{LoadLlmError, Loader, Needs};
pub use matrix::{NoMemory, OnProcessor, Store};
pub use network::Network;
pub use session::Session;
