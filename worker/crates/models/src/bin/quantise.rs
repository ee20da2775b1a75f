//! Prepares MiniLM for the browser: float32 safetensors in, int8 file and manifest out. Run once at set-up.
//!
//! usage: quantise MODEL_DIR OUT_DIR
//!
//! Reads `model.safetensors` and `tokenizer.json` from `MODEL_DIR`, writes `model.int8.bin` and `manifest.json` to
//! `OUT_DIR`. The same input gives the same bytes on every machine.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use models::manifest::{Manifest, ManifestFile};
use models::{Shape, Weights, encode_int8, input_ranges};

/// Text of the kinds that will be embedded; a fixed part of the method, since other text gives another file.
const CALIBRATION: &str = include_str!("../calibration.txt");
/// Tokens per calibration text.
const CALIBRATION_TOKENS: usize = 256;

fn main() -> ExitCode {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [from, to] = args.as_slice() else {
        eprintln!("usage: quantise MODEL_DIR OUT_DIR");
        return ExitCode::from(2);
    };
    match run(from, to) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("quantise: {err}");
            ExitCode::FAILURE
        }
    }
}

fn run(from: &std::path::Path, to: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let read = |name: &str| {
        let path = from.join(name);
        std::fs::read(&path).map_err(|err| format!("{} could not be read: {err}", path.display()))
    };
    let (float, tokenizer_file) = (read("model.safetensors")?, read("tokenizer.json")?);
    let weights = Weights::from_safetensors(&float, Shape::MINI_LM)?;
    let tokenizer = tokens::Tokenizer::from_json(&tokenizer_file, CALIBRATION_TOKENS)?;
    let texts = CALIBRATION
        .split("\n\n")
        .filter(|text| !text.trim().is_empty())
        .map(|text| tokenizer.encode(text))
        .collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    let ranges = input_ranges(weights.clone(), &texts)?;
    let int8 = encode_int8(&weights, &ranges);
    std::fs::create_dir_all(to)?;
    std::fs::write(to.join("model.int8.bin"), &int8)?;
    let manifest = Manifest {
        model: "all-MiniLM-L6-v2".into(),
        files: vec![
            ManifestFile::of("model.int8.bin", &int8),
            ManifestFile::of("model.safetensors", &float),
            ManifestFile::of("tokenizer.json", &tokenizer_file),
        ],
    };
    std::fs::write(to.join("manifest.json"), manifest.to_json()?)?;
    println!("{}: {:.1} MB", to.join("model.int8.bin").display(), int8.len() as f64 / 1e6);
    Ok(())
}
