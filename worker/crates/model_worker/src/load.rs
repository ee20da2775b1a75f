//! From a folder on the server to a model that runs: manifest, files, device, a check and a measurement.

use infer::Embed as _;
use models::cpu::F32Encoder;
use models::manifest::{MAX_MANIFEST_BYTES, Manifest};
use models::{INT8_VERSION, Int8Encoder, LoadError, Shape, Weights};
use protocol::{
    DeviceKind, DeviceReport, EmbedderInfo, Fault, FaultCode, LoadEmbedder, LoadProgress, Precision,
};
use stdx::{Clock as _, SystemClock};
use tokens::Tokenizer;
use web::{Expect, FetchError, fetch_kept, fetch_small};

use crate::device::Model;

/// The model was trained on texts up to this length; more is cut.
const MAX_TOKENS: usize = 256;

/// A first sequence that takes longer, compilation included, is not repeated for a better figure.
const SLOW_MS: f64 = 5000.0;

/// A loaded model with what belongs to it.
#[derive(Debug)]
pub struct Loaded {
    /// The model.
    pub model: Model,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// What is told about it.
    pub info: EmbedderInfo,
}

/// Load what `request` asks for.
pub async fn load(request: &LoadEmbedder, on_progress: impl Fn(LoadProgress)) -> Result<Loaded, Fault> {
    let folder = request.base_url.trim_end_matches('/');
    if cfg!(not(feature = "webgpu")) && request.device == DeviceKind::WebGpu {
        return Err(Fault::new(
            FaultCode::Unsupported,
            "This build of the model worker runs on the processor only.",
        ));
    }
    let manifest = fetch_small(&format!("{folder}/manifest.json"), MAX_MANIFEST_BYTES as u64).await;
    let manifest = Manifest::from_json(&manifest.map_err(network)?).ok_or_else(|| {
        bad("The list of model files could not be read. Run the set-up again to replace it.")
    })?;
    let get = async |name: &str, stage: &str| {
        let file = manifest
            .file(name)
            .ok_or_else(|| bad(format!("The list of model files has no {name}. Run the set-up again.")))?;
        let expect = Expect { name: name.to_owned(), bytes: file.bytes, sha256: file.sha256.clone() };
        let progress = |done_bytes, total_bytes| {
            on_progress(LoadProgress {
                stage: stage.to_owned(),
                done_bytes,
                total_bytes: file.bytes.max(total_bytes),
            });
        };
        fetch_kept(&format!("{folder}/{name}"), &expect, progress).await.map_err(network)
    };

    let tokenizer = Tokenizer::from_json(&get("tokenizer.json", "Fetching the tokenizer").await?, MAX_TOKENS)
        .map_err(|err| bad(format!("The tokenizer cannot be used: {err}.")))?;

    let (model, reason) = match (request.device, request.precision.unwrap_or(Precision::Int8)) {
        (DeviceKind::WebGpu, _) => {
            (gpu(async || get("model.safetensors", "Fetching the model").await).await?, "WebGPU.")
        }
        (DeviceKind::Cpu, Precision::Int8) => {
            let file = get("model.int8.bin", "Fetching the model").await?;
            let model = Model::Int8(Int8Encoder::decode(&file).map_err(|err| unusable(&err))?);
            (model, "int8 on the processor: nearly the same results as float32 in less than half the time.")
        }
        (DeviceKind::Cpu, Precision::F32) => {
            let file = get("model.safetensors", "Fetching the model").await?;
            let weights = Weights::from_safetensors(&file, Shape::MINI_LM).map_err(|err| unusable(&err))?;
            drop(file);
            (Model::Float(F32Encoder::new(weights)), "float32 on the processor, as asked.")
        }
    };
    on_progress(LoadProgress { stage: "Measuring the device".into(), done_bytes: 0, total_bytes: 0 });
    let sequences_per_s = measure(&model).await?;
    let info = EmbedderInfo {
        model: match model.precision() {
            Precision::Int8 => format!("{}/int8.{INT8_VERSION}", manifest.model),
            // The float32 paths agree to a millionth, so their vectors may stand side by side.
            Precision::F32 => format!("{}/f32", manifest.model),
        },
        dim: model.dim() as u32,
        max_tokens: MAX_TOKENS as u32,
        device: DeviceReport {
            device: model.device(),
            precision: model.precision(),
            // Why a GPU was chosen is known to the page, which puts that in its place.
            reason: reason.to_owned(),
            // The page asked the adapter for its name before it started this worker.
            adapter: String::new(),
            relaxed_simd: models::cpu::RELAXED_SIMD,
            sequences_per_s,
        },
    };
    Ok(Loaded { model, tokenizer, info })
}

/// Put the model on the GPU. What would crash the runtime is refused; that a software adapter is used only when a person
/// asks for it is the page's decision.
#[cfg(feature = "webgpu")]
async fn gpu<E: AsyncFnOnce() -> Result<Vec<u8>, Fault>>(weights: E) -> Result<Model, Fault> {
    let refuse = |why: &str| Err(Fault::new(FaultCode::Unsupported, format!("The GPU is not used: {why}.")));
    let Some(adapter) = web::gpu_adapter().await else { return refuse("the browser offers none") };
    if !adapter.has_timestamps {
        return refuse("it lacks timestamp queries, which the GPU runtime needs");
    }
    let file = weights().await?;
    let weights = Weights::from_safetensors(&file, Shape::MINI_LM).map_err(|err| unusable(&err))?;
    drop(file);
    match models::tensor::webgpu().await {
        Ok(gpu) => {
            let encoder = models::tensor::TensorEncoder::new(&weights, gpu.device.clone());
            Ok(Model::Gpu(encoder, gpu))
        }
        Err(why) => refuse(&why),
    }
}

#[cfg(not(feature = "webgpu"))]
async fn gpu<E: AsyncFnOnce() -> Result<Vec<u8>, Fault>>(_weights: E) -> Result<Model, Fault> {
    Err(Fault::new(FaultCode::Unsupported, "This build of the model worker runs on the processor."))
}

/// Sequences of 128 tokens per second, after a first run that lets the browser finish its compilation. The first run
/// also checks the outcome: a device that computes nonsense must not fill an index.
async fn measure(model: &Model) -> Result<f32, Fault> {
    let failed = |err: infer::EmbedError| {
        Fault::new(FaultCode::Unsupported, format!("The model does not run: {err}."))
    };
    let clock = SystemClock::default();
    let ids = models::golden::ids();
    let start = clock.monotonic_ms();
    let got = model.embed(&[&ids], &()).await.map_err(failed)?;
    if !models::golden::agrees(&got) {
        return Err(Fault::new(
            FaultCode::Unsupported,
            "This device computes the model wrongly, so it is not used for search by meaning.",
        ));
    }
    let first_ms = clock.monotonic_ms() - start;
    if first_ms > SLOW_MS {
        // Measuring more closely would only make a person wait for a device that is not worth it.
        return Ok((1000.0 / first_ms) as f32);
    }
    let mut best_ms = f64::MAX;
    for _ in 0..2 {
        let start = clock.monotonic_ms();
        model.embed(&[ids.as_slice(); 2], &()).await.map_err(failed)?;
        best_ms = best_ms.min(clock.monotonic_ms() - start);
        web::turn().await;
    }
    Ok((2000.0 / best_ms.max(0.1)) as f32)
}

fn network(err: FetchError) -> Fault {
    Fault::new(FaultCode::Network, err.to_string()).retry_after_ms(5000)
}

fn bad(sentence: impl Into<String>) -> Fault {
    Fault::new(FaultCode::BadFile, sentence)
}

fn unusable(err: &LoadError) -> Fault {
    bad(format!("The model cannot be used: {err}. Run the set-up again to replace it."))
}
