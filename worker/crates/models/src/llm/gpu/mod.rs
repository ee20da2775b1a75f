//! Language models on a GPU: the same networks as on the processor, with their weights as they are stored, multiplied by
//! kernels in WGSL that decode the blocks where they need them.
//!
//! The device is our own and not that of a tensor library, because a token is some four hundred small kernels: bound once
//! and sent in one submission they cost little, while a library that looks at each of them anew would take longer than
//! the GPU. Prompts pass in pieces of many tokens, whose products are tiled; attention keeps a running maximum instead of
//! the scores.

mod check;
mod device;
mod few;
mod matrix;
mod network;
mod plan;
mod session;

pub use device::{Gpu, GpuError};
pub use matrix::{GpuMatrix, OnGpu};
pub use network::GpuNetwork;
pub use session::GpuSession;

#[cfg(test)]
mod tests;
