//! Model architectures, weight formats and kernels.
//!
//! Named only by the model worker and by native tools. Knows nothing of the browser: bytes come in, vectors go out.

mod calibrate;
pub mod cpu;
mod error;
pub mod golden;
mod int8;
pub mod manifest;
mod safetensors;
mod shape;
mod weights;

pub use calibrate::input_ranges;
pub use error::{LoadError, RunError};
pub use int8::{INT8_VERSION, InputRanges, Int8Encoder, encode_int8};
pub use safetensors::{Dtype, Safetensors};
pub use shape::{LAYER_NORM_EPSILON, Shape};
pub use weights::{DenseWeights, LayerWeights, NormWeights, Weights};

#[cfg(feature = "webgpu")]
pub async fn smoke() -> f32 {
    use burn::tensor::{Device, Tensor};
    let _ = Device::wgpu_options().tasks_max(32).init_async().await;
    let d = Device::default();
    let t: Tensor<2> = Tensor::ones([4, 4], &d);
    t.clone().matmul(t).sum().into_scalar_async::<f32>().await.unwrap_or(0.0)
}
