//! The model on whichever device it was loaded.

use infer::{BatchLimit, Embed, EmbedError, Steps};
use models::Int8Encoder;
use models::cpu::F32Encoder;
use protocol::{DeviceKind, Precision};

/// A loaded model.
#[derive(Debug)]
pub enum Model {
    /// float32 on the processor.
    Float(F32Encoder),
    /// int8 on the processor.
    Int8(Int8Encoder),
    /// float32 on WebGPU.
    #[cfg(feature = "webgpu")]
    Gpu(models::tensor::TensorEncoder, models::tensor::Gpu),
}

impl Model {
    /// Where it runs.
    pub fn device(&self) -> DeviceKind {
        match self {
            Self::Float(_) | Self::Int8(_) => DeviceKind::Cpu,
            #[cfg(feature = "webgpu")]
            Self::Gpu(..) => DeviceKind::WebGpu,
        }
    }

    /// Its number format.
    pub fn precision(&self) -> Precision {
        match self {
            Self::Int8(_) => Precision::Int8,
            _ => Precision::F32,
        }
    }

    /// Destroy the GPU device below it. False when there is none.
    pub fn destroy_gpu(&self) -> bool {
        match self {
            Self::Float(_) | Self::Int8(_) => false,
            #[cfg(feature = "webgpu")]
            Self::Gpu(_, gpu) => {
                gpu.destroy();
                true
            }
        }
    }

    /// Batches that keep the device busy and still end soon: on the processor a batch goes layer by layer, and one
    /// layer of 512 tokens takes 20 to 70 ms.
    pub fn batch_limit(&self) -> BatchLimit {
        match self {
            Self::Float(_) => BatchLimit { tokens: 256, texts: 32 },
            Self::Int8(_) => BatchLimit { tokens: 512, texts: 64 },
            #[cfg(feature = "webgpu")]
            Self::Gpu(..) => BatchLimit { tokens: 4096, texts: 64 },
        }
    }
}

impl Embed for Model {
    fn dim(&self) -> usize {
        match self {
            Self::Float(model) => model.dim(),
            Self::Int8(model) => model.dim(),
            #[cfg(feature = "webgpu")]
            Self::Gpu(model, _) => model.dim(),
        }
    }

    async fn embed(&self, batch: &[&[u32]], steps: &impl Steps) -> Result<Vec<f32>, EmbedError> {
        match self {
            Self::Float(model) => model.embed(batch, steps).await,
            Self::Int8(model) => model.embed(batch, steps).await,
            #[cfg(feature = "webgpu")]
            Self::Gpu(model, _) => model.embed(batch, steps).await,
        }
    }
}
