//! The encoder on the processor: kernels of our own for float32 and int8.
//!
//! A general framework spends most of its time in a browser on packing and on passes over memory; these kernels know
//! the few shapes that there are, keep weights packed from the start and finish bias, GELU and residual sums while a
//! tile is still in registers.

mod attention;
pub(crate) mod encoder;
pub(crate) mod gemm;
mod math;
pub(crate) mod quantised;
mod simd;
pub(crate) mod wide;

pub use encoder::{Dense, Encoder, F32Encoder, Run, Table, normalise_length};

/// True when this module uses relaxed SIMD instructions.
pub const RELAXED_SIMD: bool = cfg!(target_feature = "relaxed-simd");
