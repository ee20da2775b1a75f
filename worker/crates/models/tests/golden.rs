//! The encoders against values computed elsewhere, against each other, and against a plain float64 implementation.
#![allow(clippy::unwrap_used)]

use models::cpu::F32Encoder;
use models::{InputRanges, Int8Encoder, Shape, Weights, encode_int8, golden, synthetic};
use proptest::prelude::*;

const SMALL: Shape = Shape { vocabulary: 60, positions: 48, hidden: 64, inner: 128, heads: 4, layers: 2 };

/// The model, where it was fetched; the tests of the real model say so and stop where it was not.
fn model_file() -> Option<Vec<u8>> {
    let file = std::env::var_os("ALCOVE_MINILM")
        .and_then(|dir| std::fs::read(std::path::PathBuf::from(dir).join("model.safetensors")).ok());
    if file.is_none() {
        // Straight to the descriptor: what a passing test prints by `eprintln!` is kept back.
        let line = "NOT tested: ALCOVE_MINILM does not name the folder of the model.\n";
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    }
    file
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn minilm_gives_known_values() {
    let Some(file) = model_file() else { return };
    let weights = Weights::from_safetensors(&file, Shape::MINI_LM).unwrap();
    let int8 = Int8Encoder::decode(&encode_int8(&weights, &InputRanges::new())).unwrap();
    let float = F32Encoder::new(weights);
    let ids = golden::ids();
    let got = float.embed_now(&[&ids]).unwrap();
    let off = largest_difference(&got[..golden::FIRST.len()], &golden::FIRST);
    assert!(off <= 2e-6, "float32 is off by {off}");
    let quantised = int8.embed_now(&[&ids]).unwrap();
    assert!(golden::agrees(&quantised) && cosine(&got, &quantised) > 0.97, "{}", cosine(&got, &quantised));
    let start = std::time::Instant::now();
    float.embed_now(&[ids.as_slice(); 8]).unwrap();
    eprintln!("float32: {:.1} sequences/s", 8.0 / start.elapsed().as_secs_f64());
    let start = std::time::Instant::now();
    int8.embed_now(&[ids.as_slice(); 8]).unwrap();
    eprintln!("int8: {:.1} sequences/s", 8.0 / start.elapsed().as_secs_f64());
}

/// The encoder written down plainly, in float64, one token after the other.
fn plainly(weights: &Weights, ids: &[u32]) -> Vec<f32> {
    let Shape { hidden, heads, .. } = weights.shape;
    let norm = |row: &[f64], norm: &models::NormWeights| -> Vec<f64> {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / row.len() as f64;
        let scale = norm.scale.iter().zip(&norm.shift);
        row.iter()
            .zip(scale)
            .map(|(x, (a, b))| (x - mean) / (variance + 1e-12).sqrt() * f64::from(*a) + f64::from(*b))
            .collect()
    };
    let dense = |row: &[f64], dense: &models::DenseWeights| -> Vec<f64> {
        let rows = dense.weight.chunks_exact(row.len()).zip(&dense.bias);
        rows.map(|(w, b)| f64::from(*b) + w.iter().zip(row).map(|(w, x)| f64::from(*w) * x).sum::<f64>())
            .collect()
    };
    let erf = |x: f64| -> f64 {
        // The integral of the bell curve by Simpson's rule.
        let n = 2000;
        let f = |t: f64| (-t * t).exp();
        let h = x / f64::from(n);
        let inner: f64 = (1..n).map(|i| f(h * f64::from(i)) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
        (f(0.0) + inner + f(x)) * h / 3.0 * 2.0 / std::f64::consts::PI.sqrt()
    };
    let add = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
    let mut states: Vec<Vec<f64>> = ids
        .iter()
        .enumerate()
        .map(|(place, &id)| {
            let word = &weights.words[id as usize * hidden..][..hidden];
            let place = &weights.positions[place * hidden..][..hidden];
            let sum: Vec<f64> = word.iter().zip(place).map(|(a, b)| f64::from(*a) + f64::from(*b)).collect();
            norm(&sum, &weights.embedding_norm)
        })
        .collect();
    let size = hidden / heads;
    for layer in &weights.layers {
        let qkv: Vec<Vec<f64>> = states.iter().map(|x| dense(x, &layer.qkv)).collect();
        states = (0..states.len())
            .map(|token| {
                let mut context = Vec::new();
                for head in 0..heads {
                    let part = |token: usize, part: usize| &qkv[token][part * hidden + head * size..][..size];
                    let score = |other: usize| -> f64 {
                        part(token, 0).iter().zip(part(other, 1)).map(|(q, k)| q * k).sum::<f64>()
                            / (size as f64).sqrt()
                    };
                    let shares: Vec<f64> = (0..qkv.len()).map(|other| score(other).exp()).collect();
                    let total: f64 = shares.iter().sum();
                    context.extend((0..size).map(|i| {
                        shares
                            .iter()
                            .enumerate()
                            .map(|(other, share)| share / total * part(other, 2)[i])
                            .sum::<f64>()
                    }));
                }
                let after = norm(&add(&dense(&context, &layer.mix), &states[token]), &layer.attention_norm);
                let inner: Vec<f64> = dense(&after, &layer.expand)
                    .into_iter()
                    .map(|x| x * 0.5 * (1.0 + erf(x / std::f64::consts::SQRT_2)))
                    .collect();
                norm(&add(&dense(&inner, &layer.contract), &after), &layer.output_norm)
            })
            .collect();
    }
    let mean: Vec<f64> = (0..hidden).map(|i| states.iter().map(|x| x[i]).sum::<f64>()).collect();
    let length = mean.iter().map(|x| x * x).sum::<f64>().sqrt();
    mean.into_iter().map(|x| (x / length) as f32).collect()
}

fn text() -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec(0_u32..60, 1..=48)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn float32_computes_what_the_plain_one_does(ids in text(), seed in 0_u32..1000) {
        let weights = synthetic(SMALL, seed);
        let expected = plainly(&weights, &ids);
        let got = F32Encoder::new(weights).embed_now(&[&ids]).unwrap();
        prop_assert!(largest_difference(&got, &expected) <= 1e-5, "{}", largest_difference(&got, &expected));
    }

    #[test]
    fn a_batch_gives_what_its_texts_give_alone(texts in proptest::collection::vec(text(), 1..8), seed in 0_u32..1000) {
        let weights = synthetic(SMALL, seed);
        let int8 = Int8Encoder::decode(&encode_int8(&weights, &InputRanges::new())).unwrap();
        let float = F32Encoder::new(weights);
        let batch: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let together = float.embed_now(&batch).unwrap();
        let alone: Vec<f32> = batch.iter().flat_map(|ids| float.embed_now(&[ids]).unwrap()).collect();
        prop_assert_eq!(&together, &alone);
        let quantised = int8.embed_now(&batch).unwrap();
        let alone: Vec<f32> = batch.iter().flat_map(|ids| int8.embed_now(&[ids]).unwrap()).collect();
        prop_assert_eq!(&quantised, &alone);
        for (a, b) in together.chunks_exact(64).zip(quantised.chunks_exact(64)) {
            prop_assert!(cosine(a, b) > 0.97, "{}", cosine(a, b));
            prop_assert!((cosine(a, a) - 1.0).abs() < 1e-5 && (cosine(b, b) - 1.0).abs() < 1e-5);
        }
    }
}

#[test]
fn bad_batches_are_errors() {
    let encoder = F32Encoder::new(synthetic(SMALL, 1));
    assert!(encoder.embed_now(&[&[1], &[]]).is_err());
    assert!(encoder.embed_now(&[&[60]]).is_err());
    assert!(encoder.embed_now(&[&[1; 49]]).is_err());
    assert_eq!(encoder.embed_now(&[]).unwrap(), Vec::<f32>::new());
}

/// burn's own CPU backend runs the same architecture through entirely different kernels.
#[cfg(feature = "flex")]
#[test]
fn burn_agrees() {
    use infer::Embed as _;
    use models::tensor::TensorEncoder;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn now<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return out;
            }
        }
    }
    let device = burn::tensor::Device::flex();
    let small = synthetic(SMALL, 7);
    let texts: [&[u32]; 3] = [&[1, 2, 3], &[4; 40], &[5, 6]];
    let reference = now(TensorEncoder::new(&small, device.clone()).embed(&texts, &())).unwrap();
    let off = largest_difference(&F32Encoder::new(small).embed_now(&texts).unwrap(), &reference);
    assert!(off <= 1e-5, "small shapes are off by {off}");
    let Some(file) = model_file() else { return };
    let weights = Weights::from_safetensors(&file, Shape::MINI_LM).unwrap();
    let ids = golden::ids();
    let texts: [&[u32]; 3] = [&ids, &ids[..17], &ids[40..60]];
    let reference = now(TensorEncoder::new(&weights, device).embed(&texts, &())).unwrap();
    let off = largest_difference(&F32Encoder::new(weights).embed_now(&texts).unwrap(), &reference);
    eprintln!("MiniLM, largest difference to burn-flex: {off:e}");
    assert!(off <= 1e-4, "MiniLM is off by {off}");
}
