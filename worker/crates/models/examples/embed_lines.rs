//! Embeds texts natively, for evaluations: one JSON string per line on standard input, raw little-endian float32 on
//! standard output, 384 per line.
//!
//! usage: embed_lines MODEL_DIR (float | PREPARED.int8.bin) < texts.jsonl > vectors.f32

use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;

use models::cpu::F32Encoder;
use models::{Int8Encoder, Shape, Weights};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [dir, kind] = args.as_slice() else {
        return Err("usage: embed_lines MODEL_DIR (float | PREPARED.int8.bin)".into());
    };
    let tokenizer = tokens::Tokenizer::from_json(&std::fs::read(dir.join("tokenizer.json"))?, 256)?;
    let embed: Box<dyn Fn(&[&[u32]]) -> Result<Vec<f32>, models::RunError>> = if kind.as_os_str() == "float" {
        let weights =
            Weights::from_safetensors(&std::fs::read(dir.join("model.safetensors"))?, Shape::MINI_LM)?;
        let encoder = F32Encoder::new(weights);
        Box::new(move |batch| encoder.embed_now(batch))
    } else {
        let encoder = Int8Encoder::decode(&std::fs::read(kind)?)?;
        Box::new(move |batch| encoder.embed_now(batch))
    };
    let mut out = std::io::stdout().lock();
    let start = std::time::Instant::now();
    let mut num = 0;
    for line in std::io::stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        let ids = tokenizer.encode(&text)?;
        for x in embed(&[&ids])? {
            out.write_all(&x.to_le_bytes())?;
        }
        num += 1;
    }
    eprintln!("{num} texts, {:.1} per second", f64::from(num) / start.elapsed().as_secs_f64());
    Ok(())
}
