//! A language model on whichever device it was loaded, and the texts under way on it.

use std::sync::Arc;

use infer::{Generate, GenerateError, Sampler, Steps};
use models::gguf::Config;
#[cfg(feature = "webgpu")]
use models::llm::gpu::{GpuNetwork, GpuSession};
use models::llm::{Network, Session};
use protocol::DeviceKind;

/// The weights of a model. Clones share them.
#[derive(Clone, Debug)]
pub enum Weights {
    /// In the memory of the module.
    Processor(Arc<Network>),
    /// In the memory of a GPU.
    #[cfg(feature = "webgpu")]
    Gpu(Arc<GpuNetwork>),
}

impl Weights {
    /// Sizes and constants.
    pub fn config(&self) -> &Config {
        match self {
            Self::Processor(network) => network.config(),
            #[cfg(feature = "webgpu")]
            Self::Gpu(network) => network.config(),
        }
    }

    /// Bytes that they take where they are.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Processor(network) => network.bytes() as u64,
            #[cfg(feature = "webgpu")]
            Self::Gpu(network) => network.bytes(),
        }
    }

    /// Where they are.
    pub fn device(&self) -> DeviceKind {
        match self {
            Self::Processor(_) => DeviceKind::Cpu,
            #[cfg(feature = "webgpu")]
            Self::Gpu(_) => DeviceKind::WebGpu,
        }
    }

    /// What a person is told of the device.
    pub fn reason(&self) -> String {
        match self {
            Self::Processor(_) => {
                let relaxed = if models::cpu::RELAXED_SIMD { " and relaxed SIMD" } else { "" };
                format!("On the processor with SIMD{relaxed}, in one thread.")
            }
            #[cfg(feature = "webgpu")]
            Self::Gpu(network) if network.gpu().is_software => {
                "On a GPU of software, as asked: slower than the processor itself.".into()
            }
            #[cfg(feature = "webgpu")]
            Self::Gpu(_) => "On the GPU.".into(),
        }
    }

    /// An empty text.
    pub fn text(&self, max_tokens: usize) -> Text {
        match self {
            Self::Processor(network) => Text::Processor(Session::new(network.clone(), max_tokens)),
            #[cfg(feature = "webgpu")]
            Self::Gpu(network) => Text::Gpu(GpuSession::new(network.clone(), max_tokens)),
        }
    }

    /// Why the device is gone, when it is.
    pub fn lost(&self) -> Option<String> {
        match self {
            Self::Processor(_) => None,
            #[cfg(feature = "webgpu")]
            Self::Gpu(network) => network.gpu().check().err().map(|why| why.to_string()),
        }
    }

    /// Destroy the GPU device below them. False when there is none.
    pub fn destroy_gpu(&self) -> bool {
        match self {
            Self::Processor(_) => false,
            #[cfg(feature = "webgpu")]
            Self::Gpu(network) => {
                network.gpu().destroy();
                true
            }
        }
    }
}

/// A text under way.
#[derive(Debug)]
pub enum Text {
    /// On the processor.
    Processor(Session),
    /// On a GPU.
    #[cfg(feature = "webgpu")]
    Gpu(GpuSession),
}

impl Generate for Text {
    fn vocab(&self) -> usize {
        match self {
            Self::Processor(text) => text.vocab(),
            #[cfg(feature = "webgpu")]
            Self::Gpu(text) => text.vocab(),
        }
    }

    fn max_tokens(&self) -> usize {
        match self {
            Self::Processor(text) => text.max_tokens(),
            #[cfg(feature = "webgpu")]
            Self::Gpu(text) => text.max_tokens(),
        }
    }

    fn cached(&self, sequence: &[u32]) -> usize {
        match self {
            Self::Processor(text) => text.cached(sequence),
            #[cfg(feature = "webgpu")]
            Self::Gpu(text) => text.cached(sequence),
        }
    }

    async fn next(
        &mut self,
        sequence: &[u32],
        sampler: &mut Sampler,
        steps: &impl Steps,
    ) -> Result<u32, GenerateError> {
        match self {
            Self::Processor(text) => text.next(sequence, sampler, steps).await,
            #[cfg(feature = "webgpu")]
            Self::Gpu(text) => text.next(sequence, sampler, steps).await,
        }
    }
}
