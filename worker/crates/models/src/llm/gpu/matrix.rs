//! A matrix of weights in GPU memory, in the format of its file, and the kernels that multiply with it.

use std::sync::Arc;

use super::device::{Gpu, section};
use crate::gguf::Dtype;
use crate::llm::{NoMemory, Store};

pub(super) const FORMATS: &str = include_str!("formats.wgsl");
pub(super) const PRODUCT: &str = include_str!("product.wgsl");

/// Rows that a tiled product makes at a time, and columns.
pub const TILE: u32 = 32;
/// Bytes that are gathered before they are sent to the GPU.
const PIECE_BYTES: usize = 1 << 20;

/// `n` rows of `k` columns. Each row begins at a whole word.
#[derive(Debug)]
pub struct GpuMatrix {
    gpu: Arc<Gpu>,
    dtype: Dtype,
    n: usize,
    k: usize,
    weights: wgpu::Buffer,
    /// Rows that are still to be sent, and the byte where they go.
    pending: Vec<u8>,
    sent_bytes: u64,
}

/// What becomes of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goes {
    /// The output is the product.
    Set,
    /// The product is added to the output.
    Add,
    /// Only the last row of the input is multiplied, and the output has one row.
    Last,
}

impl GpuMatrix {
    /// Bytes of a row in GPU memory.
    fn row_bytes(dtype: Dtype, k: usize) -> usize {
        (k / dtype.block_len() * dtype.block_bytes()).next_multiple_of(4)
    }

    /// The format of its numbers.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Rows.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> u64 {
        (self.n * Self::row_bytes(self.dtype, self.k)) as u64
    }

    /// Its buffer.
    pub fn weights(&self) -> &wgpu::Buffer {
        &self.weights
    }

    /// Add the next rows as they lie in the file.
    fn push(&mut self, rows: &[u8]) {
        let in_file = self.k / self.dtype.block_len() * self.dtype.block_bytes();
        for row in rows.chunks(in_file) {
            self.pending.extend_from_slice(row);
            self.pending.resize(self.pending.len().next_multiple_of(4), 0);
        }
        let is_all = self.sent_bytes + self.pending.len() as u64 >= self.bytes();
        if is_all || self.pending.len() >= PIECE_BYTES {
            self.gpu.queue.write_buffer(&self.weights, self.sent_bytes, &self.pending);
            self.sent_bytes += self.pending.len() as u64;
            self.pending.clear();
        }
        if is_all {
            self.pending = Vec::new();
        }
    }

    fn source(&self, sections: &[&str], has_bias: bool, goes: Goes) -> String {
        let (k, n, words) = (self.k, self.n, Self::row_bytes(self.dtype, self.k) / 4);
        let (adds, last) = (goes == Goes::Add, goes == Goes::Last);
        let mut source = format!(
            "const K = {k}u;\nconst N = {n}u;\nconst ROW_WORDS = {words}u;\nconst HAS_BIAS = {has_bias};\n\
             const ADDS = {adds};\nconst LAST = {last};\n"
        );
        let shared = FORMATS.split("//@ ").next().unwrap_or_default();
        source.push_str(shared);
        source.push_str(section(FORMATS, &self.dtype.to_string()));
        sections.iter().for_each(|name| source.push_str(section(PRODUCT, name)));
        source
    }

    /// The kernel for one row of input, with [`Goes::Last`] the last one.
    pub fn single(&self, has_bias: bool, goes: Goes) -> wgpu::ComputePipeline {
        self.gpu.kernel(self.source(&["product", "single"], has_bias, goes))
    }

    /// The kernel for many rows of input.
    pub fn tiled(&self, has_bias: bool, goes: Goes) -> wgpu::ComputePipeline {
        self.gpu.kernel(self.source(&["product", "tiled"], has_bias, goes))
    }

    /// The kernel that takes out rows.
    pub fn rows(&self) -> wgpu::ComputePipeline {
        self.gpu.kernel(self.source(&["rows"], false, Goes::Set))
    }
}

/// Puts weights on a GPU.
#[derive(Debug)]
pub struct OnGpu(pub Arc<Gpu>);

impl Store for OnGpu {
    type Matrix = GpuMatrix;

    fn bytes_of(dtype: Dtype, n: usize, k: usize) -> Option<usize> {
        n.checked_mul(GpuMatrix::row_bytes(dtype, k))
    }

    fn matrix(&self, dtype: Dtype, n: usize, k: usize) -> Result<GpuMatrix, NoMemory> {
        let bytes = Self::bytes_of(dtype, n, k).ok_or(NoMemory(usize::MAX))?;
        // Kernels count words in 32 bits, and rows of workgroups in 16.
        let too_many = bytes as u64 > self.0.max_buffer_bytes() || n > 4 * 65_535;
        if too_many || self.0.check().is_err() {
            return Err(NoMemory(bytes));
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
        let weights = self.0.buffer(bytes as u64, usage);
        let gpu = self.0.clone();
        Ok(GpuMatrix { gpu, dtype, n, k, weights, pending: Vec::new(), sent_bytes: 0 })
    }

    fn push(&self, matrix: &mut GpuMatrix, rows: &[u8]) {
        matrix.push(rows);
    }
}
