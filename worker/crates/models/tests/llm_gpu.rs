//! Language models on a GPU against the same models on the processor and against their references. Where there is no
//! GPU, not even one of software, nothing is run and that is said; with `ALCOVE_GPU` set it is a failure.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use infer::{Generate, GenerateError, Sampler, Sampling, Steps};
use models::gguf::{Header, Parsed};
use models::llm::gpu::{Gpu, GpuNetwork, GpuSession, OnGpu};
use models::llm::{Loader, Session};

const TINY: [&str; 5] = ["llama_plain", "llama_old", "llama_untied", "qwen2_old", "qwen2_large"];

fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return out;
        }
    }
}

fn gpu() -> Option<Arc<Gpu>> {
    match ready(Gpu::open()) {
        Ok(gpu) => Some(Arc::new(gpu)),
        Err(why) => {
            println!("not run: {why}");
            assert!(std::env::var_os("ALCOVE_GPU").is_none(), "ALCOVE_GPU says that there is one");
            None
        }
    }
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/llm/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn header(file: &[u8]) -> Header {
    match Header::parse(file, Some(file.len() as u64)).unwrap() {
        Parsed::Whole(header) => header,
        Parsed::NeedMore { at_least } => panic!("{at_least} bytes are wanted"),
    }
}

fn on_gpu(gpu: &Arc<Gpu>, file: &[u8]) -> Arc<GpuNetwork> {
    let mut loader = Loader::into_store(&header(file), OnGpu(gpu.clone())).unwrap();
    for piece in file[loader.at() as usize..].chunks(100_000) {
        loader.feed(piece).unwrap();
    }
    Arc::new(GpuNetwork::new(gpu.clone(), loader.finish().unwrap()).unwrap())
}

fn on_processor(file: &[u8]) -> Session {
    let mut loader = Loader::new(&header(file)).unwrap();
    loader.feed(&file[loader.at() as usize..]).unwrap();
    Session::new(Arc::new(loader.finish().unwrap()), 4096)
}

fn golden(name: &str) -> (Vec<u32>, Vec<Vec<f32>>) {
    let bytes = file(&format!("{name}.bin"));
    let words: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|&word| u32::from_le_bytes(word)).collect();
    let (num, vocab) = (words[0] as usize, words[1] as usize);
    let (tokens, rest) = words[2..].split_at(num);
    let logits: Vec<Vec<f32>> =
        rest.chunks(vocab).map(|row| row.iter().map(|&bits| f32::from_bits(bits)).collect()).collect();
    (tokens.to_vec(), logits)
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let off = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    off.fold(0.0, |most, x| if x > most || x.is_nan() { x } else { most })
}

// Two tests side by side: each model takes seconds on a GPU of software, which leaves a core idle.
#[test]
fn tiny_models_agree_with_their_references_token_by_token_and_as_one_prompt() {
    agree(&TINY[..TINY.len() / 2]);
}

#[test]
fn other_tiny_models_agree_with_their_references_token_by_token_and_as_one_prompt() {
    agree(&TINY[TINY.len() / 2..]);
}

fn agree(names: &[&str]) {
    let Some(gpu) = gpu() else { return };
    for name in names {
        let network = on_gpu(&gpu, &file(&format!("{name}.gguf")));
        let (tokens, expected) = golden(name);
        let mut session = GpuSession::new(network.clone(), 4096);
        for (i, expected) in expected.iter().enumerate() {
            let got = ready(session.logits(&tokens[..=i], &())).unwrap();
            let off = largest_difference(&got, expected);
            assert!(off <= 1e-3, "{name}, after token {i}: off by {off}");
        }
        let whole = ready(GpuSession::new(network, 4096).logits(&tokens, &())).unwrap();
        let off = largest_difference(&whole, &expected[tokens.len() - 1]);
        assert!(off <= 1e-3, "{name} as one prompt: off by {off}");
    }
}

/// Longer than some pieces of a prompt and than the first room of the cache, so that both are crossed.
#[test]
fn a_long_text_is_the_same_on_gpu_and_processor() {
    let Some(gpu) = gpu() else { return };
    let bytes = file("qwen2_large.gguf");
    let network = on_gpu(&gpu, &bytes);
    let (vocab, len) = (network.config().vocab as u32, network.config().context_length);
    let text: Vec<u32> = (0..len as u32).map(|i| (i * 7919 + 5) % vocab).collect();
    let mut processor = on_processor(&bytes);
    let mut session = GpuSession::with_sizes(network, 4096, 37, 48);
    assert!(len > 100);
    for len in [1, 40, 41, 100, len] {
        let expected = ready(processor.logits(&text[..len], &())).unwrap().to_vec();
        let got = ready(session.logits(&text[..len], &())).unwrap();
        let off = largest_difference(&got, &expected);
        assert!(off <= 5e-3, "{len} tokens: off by {off}");
    }
}

#[test]
fn what_is_shared_with_the_text_before_is_kept_and_edits_are_computed_again() {
    let Some(gpu) = gpu() else { return };
    let network = on_gpu(&gpu, &file("qwen2_large.gguf"));
    let mut session = GpuSession::new(network.clone(), 4096);
    let first: Vec<u32> = (0..40).map(|i| i % 20).collect();
    ready(session.logits(&first, &())).unwrap();
    assert_eq!(session.cached(&first), 39);
    let mut edited = first.clone();
    edited[25] = 19;
    assert_eq!(session.cached(&edited), 25);
    let got = ready(session.logits(&edited, &())).unwrap();
    let fresh = ready(GpuSession::new(network, 4096).logits(&edited, &())).unwrap();
    assert!(largest_difference(&got, &fresh) <= 1e-5);
}

#[test]
fn tokens_are_those_that_the_processor_chooses() {
    let Some(gpu) = gpu() else { return };
    let bytes = file("llama_plain.gguf");
    let network = on_gpu(&gpu, &bytes);
    let (mut session, mut processor) = (GpuSession::new(network, 4096), on_processor(&bytes));
    let hot = Sampling { seed: 7, ..Sampling::default() };
    // The likeliest one, few of them, and where all are looked at.
    for sampling in [
        Sampling::GREEDY,
        hot,
        Sampling { repetition_penalty: 1.3, top_k: 5, ..hot },
        Sampling { repetition_penalty: 1.3, ..Sampling::GREEDY },
        Sampling { top_k: 0, ..hot },
    ] {
        let (mut a, mut b) = (Sampler::new(sampling), Sampler::new(sampling));
        let mut text = vec![1, 2, 3];
        for _ in 0..12 {
            let got = ready(session.next(&text, &mut a, &())).unwrap();
            assert_eq!(
                got,
                ready(processor.next(&text, &mut b, &())).unwrap(),
                "{sampling:?} after {text:?}"
            );
            text.push(got);
        }
    }
}

#[test]
fn unusable_texts_are_refused() {
    let Some(gpu) = gpu() else { return };
    let network = on_gpu(&gpu, &file("llama_plain.gguf"));
    let vocab = network.config().vocab as u32;
    let mut session = GpuSession::new(network, 16);
    let refused = |session: &mut GpuSession, text: &[u32]| ready(session.logits(text, &())).unwrap_err();
    assert!(matches!(refused(&mut session, &[]), GenerateError::BadInput(_)));
    assert!(matches!(refused(&mut session, &[vocab]), GenerateError::BadInput(_)));
    assert_eq!(refused(&mut session, &[1; 17]), GenerateError::TooLong { len: 17, max: 16 });
    assert!(ready(session.logits(&[1; 16], &())).is_ok());
}

/// Stops the work after some steps, by never going on.
struct Stops(Cell<u32>);

impl Steps for Stops {
    async fn next(&self) {
        if self.0.get() == 0 {
            std::future::pending::<()>().await;
        }
        self.0.set(self.0.get() - 1);
    }
}

#[test]
fn a_dropped_future_leaves_a_text_that_can_be_gone_on_with() {
    let Some(gpu) = gpu() else { return };
    let network = on_gpu(&gpu, &file("qwen2_large.gguf"));
    let text: Vec<u32> = (0..100).map(|i| i % 23).collect();
    let expected = ready(GpuSession::new(network.clone(), 4096).logits(&text, &())).unwrap();
    let mut session = GpuSession::with_sizes(network, 4096, 40, 128);
    for steps in [0, 0] {
        let stops = Stops(Cell::new(steps));
        let mut under_way = pin!(session.logits(&text, &stops));
        assert!(under_way.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(session.cached(&text), 80, "whole pieces stay");
    assert!(largest_difference(&ready(session.logits(&text, &())).unwrap(), &expected) <= 1e-5);
}

#[test]
fn a_lost_device_is_told_and_nothing_hangs() {
    let Some(gpu) = gpu() else { return };
    let network = on_gpu(&gpu, &file("llama_plain.gguf"));
    let mut session = GpuSession::new(network, 64);
    ready(session.logits(&[1, 2], &())).unwrap();
    gpu.destroy();
    let lost = ready(session.logits(&[1, 2, 3], &())).unwrap_err();
    assert!(matches!(lost, GenerateError::DeviceLost(_)), "{lost:?}");
    let again = ready(session.logits(&[1, 2, 3], &())).unwrap_err();
    assert!(matches!(again, GenerateError::DeviceLost(_)), "{again:?}");
}

/// The real small model, where it has been fetched: the same tokens on both devices.
#[test]
fn smollm2_writes_the_same_on_gpu_and_processor() {
    let Some(gpu) = gpu() else { return };
    let Some(path) = std::env::var_os("ALCOVE_SMOLLM2") else {
        return println!("not run: ALCOVE_SMOLLM2 does not say where SmolLM2 is");
    };
    let bytes = std::fs::read(path).unwrap();
    let network = on_gpu(&gpu, &bytes);
    let (mut session, mut processor) = (GpuSession::new(network, 512), on_processor(&bytes));
    let mut text: Vec<u32> = vec![1604, 803, 79, 25994, 24, 74, 727, 198];
    for _ in 0..8 {
        let got = ready(session.next(&text, &mut Sampler::new(Sampling::GREEDY), &())).unwrap();
        let expected = ready(processor.next(&text, &mut Sampler::new(Sampling::GREEDY), &())).unwrap();
        assert_eq!(got, expected, "after {text:?}");
        text.push(got);
    }
}
