//! The encoders against values computed elsewhere.
#![allow(clippy::unwrap_used)]

use models::cpu::F32Encoder;
use models::{Shape, Weights};

/// Folder with `model.safetensors`; the tests of the real model are skipped where it was not fetched.
fn model_dir() -> Option<std::path::PathBuf> {
    let dir = std::path::PathBuf::from(std::env::var_os("ALCOVE_MINILM")?);
    dir.join("model.safetensors").is_file().then_some(dir)
}

fn ids() -> Vec<u32> {
    let mut ids: Vec<u32> = (0..128).map(|i| 1000 + (i * 7919) % 28_000).collect();
    (ids[0], ids[127]) = (101, 102);
    ids
}

#[test]
fn float32_reproduces_known_values() {
    let Some(dir) = model_dir() else { return eprintln!("skipped: ALCOVE_MINILM is not set") };
    let bytes = std::fs::read(dir.join("model.safetensors")).unwrap();
    let encoder = F32Encoder::new(Weights::from_safetensors(&bytes, Shape::MINI_LM).unwrap());
    let got = encoder.embed_now(&[&ids()]).unwrap();
    let known = [0.04242, 0.03357, 0.01881, -0.02922, -0.08984, 0.07273];
    for (got, known) in got.iter().zip(known) {
        assert!((got - known).abs() <= 1e-5, "{got} is not {known}");
    }
    let start = std::time::Instant::now();
    let ids = ids();
    let _ = encoder.embed_now(&[ids.as_slice(); 8]).unwrap();
    eprintln!("{:.1} sequences/s", 8.0 / start.elapsed().as_secs_f64());
}
