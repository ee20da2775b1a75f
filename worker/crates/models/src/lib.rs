//! Model architectures, weight formats and kernels.
//!
//! Named only by the model worker and by native tools. Knows nothing of the browser: bytes come in, vectors go out.

mod calibrate;
pub mod cpu;
mod error;
pub mod gguf;
pub mod golden;
mod int8;
pub mod llm;
pub mod manifest;
mod safetensors;
mod shape;
mod synthetic;
#[cfg(any(feature = "webgpu", feature = "flex"))]
pub mod tensor;
mod weights;

pub use calibrate::input_ranges;
pub use error::{LoadError, RunError};
pub use int8::{INT8_VERSION, InputRanges, Int8Encoder, encode_int8};
pub use safetensors::{Dtype, Safetensors};
pub use shape::{LAYER_NORM_EPSILON, Shape};
pub use synthetic::synthetic;
pub use weights::{DenseWeights, LayerWeights, NormWeights, Weights};
