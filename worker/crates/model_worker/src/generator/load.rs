//! From a file that arrives in pieces to a model that writes: header, plan, weights, and a short measurement.

use std::sync::Arc;

use infer::{Generate as _, GenerateError, Sampler, Sampling, Steps};
use models::gguf::{Head, Header};
use models::llm::{Language, LoadLlmError, Loader, Network, OnProcessor, Store};
use protocol::{DeviceKind, Fault, FaultCode, GeneratorFile, GeneratorInfo, LoadGenerator, LoadProgress};
use stdx::{Clock, SystemClock};
use web::{KeptError, KeptFile, Stream};

use super::plan;
use super::weights::Weights;

/// Bytes of a kept file that are read at a time.
const PIECE_BYTES: u64 = 4 << 20;
/// Tokens of the prompt that is measured: a whole piece of the largest models, and little of the waiting.
const MEASURED_PROMPT: u32 = 32;
/// Tokens that are written to measure, at most, and after how long it is enough.
const MEASURED_NEW: u32 = 4;
const MEASURED_MS: f64 = 400.0;

/// A file as it arrives.
pub trait Source {
    /// Its length, where that is known.
    fn len(&self) -> Option<u64>;
    /// Replace `into` by the next bytes; none at the end.
    fn next(&mut self, into: &mut Vec<u8>) -> impl Future<Output = Result<(), Fault>>;
}

/// A file from where the page said.
enum Opened {
    Address(Stream),
    Kept(KeptFile, u64),
}

impl Source for Opened {
    fn len(&self) -> Option<u64> {
        match self {
            Self::Address(stream) => stream.num_bytes(),
            Self::Kept(file, _) => Some(file.len()),
        }
    }

    async fn next(&mut self, into: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::Address(stream) => stream
                .next(into)
                .await
                .map_err(|err| Fault::new(FaultCode::Network, err.to_string()).retry_after_ms(5000)),
            Self::Kept(file, at) => {
                let num = PIECE_BYTES.min(file.len().saturating_sub(*at));
                into.resize(num as usize, 0);
                let read = file.read_at(*at, into).await;
                *at += num;
                read.map_err(|err| kept(&err))
            }
        }
    }
}

fn kept(err: &KeptError) -> Fault {
    let code = match err {
        KeptError::NotFound => FaultCode::NotFound,
        _ => FaultCode::Storage,
    };
    Fault::new(code, err.to_string())
}

async fn open(file: &GeneratorFile) -> Result<Opened, Fault> {
    match file {
        GeneratorFile::Kept(id) => {
            let file = web::open_kept(id).await.map_err(|err| kept(&err))?;
            Ok(Opened::Kept(file, 0))
        }
        GeneratorFile::Address(address) => {
            let opened = Stream::open(address).await;
            opened
                .map(Opened::Address)
                .map_err(|err| Fault::new(FaultCode::Network, err.to_string()).retry_after_ms(5000))
        }
    }
}

/// A model in memory.
#[derive(Debug)]
pub struct Loaded {
    /// Its weights, shared by what writes with it.
    pub weights: Weights,
    /// Its tokens and templates.
    pub language: Language,
    /// What is told of it.
    pub info: GeneratorInfo,
    /// Keeps others from deleting the file while the model is used, so that it can be loaded again.
    pub _file: Option<KeptFile>,
}

/// Load what `request` asks for.
///
/// # Errors
/// A sentence for each of the many reasons.
pub async fn load(request: &LoadGenerator, on_progress: impl Fn(LoadProgress)) -> Result<Loaded, Fault> {
    let mut source = open(&request.file).await?;
    let room = plan::room_bytes(web::device_memory_bytes());
    let asked = request.max_tokens;
    let (weights, language, max_tokens) = if request.device == Some(DeviceKind::WebGpu) {
        on_gpu(&mut source, asked, room, &on_progress).await?
    } else {
        let (network, language, max_tokens) =
            build(OnProcessor, &mut source, asked, room, &on_progress).await?;
        (Weights::Processor(Arc::new(network)), language, max_tokens)
    };
    on_progress(LoadProgress { stage: "Measuring the device".into(), done_bytes: 0, total_bytes: 0 });
    let [prefill_per_s, decode_per_s] = measure(&weights, &SystemClock::default(), &Turns).await?;
    let model = match &request.file {
        GeneratorFile::Kept(id) => id,
        GeneratorFile::Address(address) => address,
    };
    let info = GeneratorInfo {
        model: model.clone(),
        name: language.name.clone(),
        architecture: weights.config().arch.name().into(),
        max_tokens: max_tokens as u32,
        vocab: weights.config().vocab as u32,
        fills_gaps: language.marks.gap.is_some(),
        chats: language.template.is_ok(),
        weight_bytes: weights.bytes(),
        // It never becomes smaller, so what it is now is the most that it was.
        load_peak_bytes: web::memory_bytes(),
        device: weights.device(),
        reason: weights.reason(),
        prefill_per_s,
        decode_per_s,
    };
    let file = match source {
        Opened::Kept(file, _) => Some(file),
        Opened::Address(_) => None,
    };
    Ok(Loaded { weights, language, info, _file: file })
}

/// Load onto the GPU, whichever the browser offers: the page has looked at what it is.
#[cfg(feature = "webgpu")]
async fn on_gpu(
    source: &mut impl Source,
    asked_tokens: Option<u32>,
    room_bytes: u64,
    on_progress: &impl Fn(LoadProgress),
) -> Result<(Weights, Language, usize), Fault> {
    use models::llm::gpu::{Gpu, GpuNetwork, OnGpu};
    let refused = |why: &dyn std::fmt::Display| {
        Fault::new(FaultCode::Unsupported, format!("The model cannot be put on the GPU: {why}."))
    };
    let gpu = Arc::new(Gpu::open().await.map_err(|err| refused(&err))?);
    let store = OnGpu(gpu.clone());
    let built = build(store, source, asked_tokens, room_bytes, on_progress).await;
    let (network, language, max_tokens) = built.map_err(not_here)?;
    let network = GpuNetwork::new(gpu, network).map_err(|err| refused(&err))?;
    on_progress(LoadProgress { stage: "Checking the GPU".into(), done_bytes: 0, total_bytes: 0 });
    // A device that computes nonsense must not write it.
    network.check(&Turns).await.map_err(|err| refused(&err))?;
    Ok((Weights::Gpu(Arc::new(network)), language, max_tokens))
}

/// What is too large for a GPU, one of whose buffers must hold a whole matrix, may fit the processor: the page tries that
/// when a model is not supported here.
#[cfg(any(feature = "webgpu", test))]
fn not_here(fault: Fault) -> Fault {
    match fault.code {
        FaultCode::TooLarge => Fault::new(FaultCode::Unsupported, fault.sentence),
        _ => fault,
    }
}

#[cfg(not(feature = "webgpu"))]
async fn on_gpu(
    _source: &mut impl Source,
    _asked_tokens: Option<u32>,
    _room_bytes: u64,
    _on_progress: &impl Fn(LoadProgress),
) -> Result<(Weights, Language, usize), Fault> {
    let sentence = "This build of the model worker runs on the processor only.";
    Err(Fault::new(FaultCode::Unsupported, sentence))
}

/// Lets messages be delivered while a token is computed.
struct Turns;

impl Steps for Turns {
    async fn next(&self) {
        web::turn().await;
    }
}

/// Read the file into a network. No more of it than the header and one piece is there besides.
pub async fn build<S: Store>(
    store: S,
    source: &mut impl Source,
    asked_tokens: Option<u32>,
    room_bytes: u64,
    on_progress: &impl Fn(LoadProgress),
) -> Result<(Network<S::Matrix>, Language, usize), Fault> {
    let total = source.len();
    let mut head = Head::new(total);
    let mut piece = Vec::new();
    let mut done_bytes = 0;
    let mut progress = |num: usize| {
        done_bytes += num as u64;
        on_progress(LoadProgress {
            stage: "Loading the language model".into(),
            done_bytes,
            total_bytes: total.unwrap_or(0).max(done_bytes),
        });
    };
    let header: Header = loop {
        source.next(&mut piece).await?;
        if piece.is_empty() {
            break head.end().map_err(bad)?;
        }
        progress(piece.len());
        if let Some(header) = head.push(&piece).map_err(bad)? {
            break header;
        }
    };
    let mut loader = Loader::into_store(&header, store).map_err(unusable)?.from_start();
    let max_tokens = plan::max_tokens(&loader.needs(), asked_tokens, room_bytes)?;
    let language = Language::read(&header).map_err(bad)?;
    drop(header);
    loader.feed(head.prefix()).map_err(unusable)?;
    drop(head);
    while loader.at() < loader.end() {
        source.next(&mut piece).await?;
        if piece.is_empty() {
            break;
        }
        progress(piece.len());
        loader.feed(&piece).map_err(unusable)?;
    }
    let network = loader.finish().map_err(unusable)?;
    Ok((network, language, max_tokens))
}

/// Tokens of a prompt, and tokens written, per second. What is computed is looked at as well: a damaged file makes what
/// is no number.
async fn measure(weights: &Weights, clock: &impl Clock, steps: &impl Steps) -> Result<[f32; 2], Fault> {
    let vocab = weights.config().vocab as u32;
    let mut session = weights.text(2 * (MEASURED_PROMPT + MEASURED_NEW) as usize);
    let mut sampler = Sampler::new(Sampling::GREEDY);
    let num_prompt = MEASURED_PROMPT.min(session.max_tokens() as u32 / 2).max(1);
    let mut text: Vec<u32> = (0..num_prompt).map(|i| (i * 7919 + 1000) % vocab.max(1)).collect();
    let start = clock.monotonic_ms();
    text.push(session.next(&text, &mut sampler, steps).await.map_err(does_not_run)?);
    let prefill_ms = clock.monotonic_ms() - start;
    let start = clock.monotonic_ms();
    let (mut num_new, mut decode_ms) = (0, 0.0);
    while num_new < MEASURED_NEW && decode_ms < MEASURED_MS && text.len() < session.max_tokens() {
        text.push(session.next(&text, &mut sampler, steps).await.map_err(does_not_run)?);
        num_new += 1;
        decode_ms = clock.monotonic_ms() - start;
    }
    let per_s = |num: u32, ms: f64| (f64::from(num) * 1000.0 / ms.max(0.001)) as f32;
    Ok([per_s(num_prompt, prefill_ms), if num_new == 0 { 0.0 } else { per_s(num_new, decode_ms) }])
}

fn does_not_run(err: GenerateError) -> Fault {
    let code = match err {
        GenerateError::NoMemory { .. } => FaultCode::TooLarge,
        GenerateError::DeviceLost(_) => FaultCode::Unsupported,
        _ => FaultCode::BadFile,
    };
    Fault::new(code, format!("The model does not run: {err}."))
}

fn bad(err: impl std::fmt::Display) -> Fault {
    Fault::new(FaultCode::BadFile, format!("This model cannot be loaded: {err}."))
}

fn unusable(err: LoadLlmError) -> Fault {
    match err {
        LoadLlmError::NoMemory { .. } => {
            let sentence =
                format!("This model cannot be loaded: {err}. Close other tabs, or choose a smaller model.");
            Fault::new(FaultCode::TooLarge, sentence)
        }
        err => bad(err),
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
