//! Calls to a model worker, from the app (load, status) and from the engine worker (embed).

use serde::{Deserialize, Serialize};

use crate::call::calls;
use crate::*;

/// Where a model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeviceKind {
    /// WebAssembly SIMD on the processor.
    Cpu,
    /// WebGPU on a hardware adapter.
    WebGpu,
}

/// Number format of weights and activations on the CPU path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Precision {
    /// float32 throughout.
    F32,
    /// int8 weights and activations with float32 accumulation of scaled integer dot products.
    Int8,
}

/// What a model worker found out about where it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// Chosen device.
    pub device: DeviceKind,
    /// Chosen precision.
    pub precision: Precision,
    /// A sentence: what was probed and why this was chosen.
    pub reason: String,
    /// Name of the GPU adapter, empty without one.
    pub adapter: String,
    /// The module uses relaxed SIMD.
    pub relaxed_simd: bool,
    /// Measured at load: sequences of 128 tokens per second; 0 when not measured.
    pub sequences_per_s: f32,
}

/// Load the embedder. Progress events until it is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadEmbedder {
    /// Same-origin folder with `model.safetensors` (or the prepared int8 file) and `tokenizer.json`, e.g.
    /// `/models/minilm/`.
    pub base_url: String,
    /// On the processor; `None` is int8. A GPU computes in float32.
    pub precision: Option<Precision>,
    /// Where to run it; a worker that cannot refuses. The page plans, for it knows what a person asked for.
    pub device: DeviceKind,
}

/// Bytes of a download.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadProgress {
    /// What is being done, as a short phrase for a progress bar.
    pub stage: String,
    /// Done.
    pub done_bytes: u64,
    /// Known total, 0 when unknown.
    pub total_bytes: u64,
}

/// A loaded embedder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmbedderInfo {
    /// Stable id that goes into cache keys, e.g. `all-MiniLM-L6-v2/int8`.
    pub model: String,
    /// Length of a vector.
    pub dim: u32,
    /// Longest input in tokens; more is cut.
    pub max_tokens: u32,
    /// Where it runs.
    pub device: DeviceReport,
}

/// What is loaded, `None` when nothing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetEmbedder;

/// Embed texts. Sent by the engine worker; a query goes before passages that wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embed {
    /// The texts; the worker buckets them by length itself.
    pub texts: Vec<String>,
    /// A person is waiting for this one.
    pub urgent: bool,
}

/// Embeddings of the texts of [`Embed`], in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embedded {
    /// Model id, as in [`EmbedderInfo::model`].
    pub model: String,
    /// Length of a vector.
    pub dim: u32,
    /// `texts.len() * dim` float32 in little-endian order, each vector of unit length.
    pub vectors: Blob,
    /// Tokens that went through the model.
    pub num_tokens: u32,
}

/// Destroy the GPU device under a loaded model, which then sees what a driver reset shows it. For tests of what follows;
/// a model on the processor answers with [`crate::FaultCode::Unsupported`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestroyGpu;

calls! {
    /// Everything that may be asked of a model worker.
    ModelRequest {
        LoadEmbedder => EmbedderInfo, LoadProgress;
        GetEmbedder => Option<EmbedderInfo>;
        Embed => Embedded;
        DestroyGpu => ();
        LoadGenerator => GeneratorInfo, LoadProgress;
        GetGenerator => Option<GeneratorInfo>;
        Generate => Generated, GeneratedPiece;
        CountTokens => Vec<u32>;
        CountPrompt => u32;
        ListModelFiles => Vec<ModelFile>;
        DownloadModel => ModelFile, LoadProgress;
        BeginModelFile => ModelFileBegun;
        PutModelPiece => ();
        EndModelFile => Option<ModelFile>;
        DeleteModelFile => ();
    }
}
