//! A network whose weights are in GPU memory.

use std::sync::Arc;

use super::device::{Gpu, GpuError};
use super::matrix::GpuMatrix;
use crate::gguf::Config;
use crate::llm::Network;

/// What a layer has beside its matrices.
#[derive(Debug)]
pub(super) struct Vectors {
    pub attn_norm: wgpu::Buffer,
    pub ffn_norm: wgpu::Buffer,
    /// Of query, key and value; none where the model has none.
    pub biases: Vec<wgpu::Buffer>,
}

/// Weights of a model on a GPU. The bits are those of the file.
#[derive(Debug)]
pub struct GpuNetwork {
    pub(super) gpu: Arc<Gpu>,
    pub(super) network: Network<GpuMatrix>,
    pub(super) vectors: Vec<Vectors>,
    pub(super) output_norm: wgpu::Buffer,
}

impl GpuNetwork {
    /// A network that was loaded onto `gpu`.
    ///
    /// # Errors
    /// [`GpuError::Lost`] when the device had trouble while it was loaded, as when its memory was full.
    pub fn new(gpu: Arc<Gpu>, network: Network<GpuMatrix>) -> Result<Self, GpuError> {
        let vectors = network
            .blocks
            .iter()
            .map(|block| Vectors {
                attn_norm: gpu.numbers(&block.attn_norm),
                ffn_norm: gpu.numbers(&block.ffn_norm),
                biases: [&block.query, &block.key, &block.value]
                    .iter()
                    .filter_map(|projection| projection.bias.as_deref())
                    .map(|bias| gpu.numbers(bias))
                    .collect(),
            })
            .collect();
        let output_norm = gpu.numbers(&network.output_norm);
        gpu.check()?;
        Ok(Self { gpu, network, vectors, output_norm })
    }

    /// Sizes and constants.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.network.config()
    }

    /// Bytes of all matrices.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.network.matrices().map(GpuMatrix::bytes).sum()
    }

    /// The device.
    #[must_use]
    pub fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }
}
