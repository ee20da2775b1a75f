//! Holds the engine's logits against float32 on the dequantised weights (`logits_err`).
//!
//! usage: llm-logits --model FILE.gguf --name NAME --set SET_DIR [--positions N] [--threads N] [--json OUT.json]
//!
//!   --name       what the rows call the model
//!   --set        the evaluation set; the beginnings of its files are the texts
//!   --positions  2000 unless given, in texts of 250 tokens
//!   --threads    for the reference; all cores unless given
//!
//! Every position is computed twice by the engine: token by token, as it writes, and the end of each text in one go, as
//! it reads a prompt.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use bench::language::model::{LanguageModel, argmax, read, ready};
use bench::language::options::Options;
use bench::language::reference::Reference;
use bench::report::Row;
use bench::set::EvalSet;
use models::llm::Session;
use tokens::Marks;

/// Tokens of a text.
const TEXT: usize = 250;
/// Positions whose logits are there at a time: those of a large vocabulary have half a megabyte each.
const BATCH: usize = 32;

/// What is known of the differences so far.
#[derive(Debug, Default)]
struct Tally {
    most: f32,
    sum: f64,
    numbers: usize,
    positions: usize,
    same: usize,
}

impl Tally {
    /// Take in the logits of a position; says how far the best two of the reference are apart when the best differ.
    fn add(&mut self, got: &[f32], expected: &[f32]) -> Option<f32> {
        for (got, expected) in got.iter().zip(expected) {
            let off = (got - expected).abs();
            // `max` would drop what is no number.
            if off > self.most || off.is_nan() {
                self.most = off;
            }
            self.sum += f64::from(off);
        }
        self.numbers += got.len();
        self.positions += 1;
        let (ours, theirs) = (argmax(got), argmax(expected));
        self.same += usize::from(ours == theirs);
        (ours != theirs).then(|| expected[theirs] - expected[ours])
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read(&["--model", "--name", "--set", "--positions", "--threads", "--json"])?;
    let (path, name) = (Path::new(options.need("--model")?), options.need("--name")?);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (positions, threads) = (options.number("--positions", 2000)?, options.number("--threads", cores)?);
    let model = LanguageModel::load(path)?;
    let texts = texts(&model, &EvalSet::load(Path::new(options.need("--set")?))?, positions)?;
    let start = Instant::now();
    let reference = Reference::new(read(path)?, threads)?;
    let views: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    let (states, head) = (reference.states(&views)?, reference.head()?);
    println!("{name}: {} positions in float32 after {:.0} s", states.len(), start.elapsed().as_secs_f64());

    let (mut written, mut at_once) = (Tally::default(), Tally::default());
    let mut first = 0;
    for text in &texts {
        let mut session = Session::new(model.network.clone(), TEXT);
        for from in (0..text.len()).step_by(BATCH) {
            let to = text.len().min(from + BATCH);
            let expected = reference.logits(&states.rows(first + from..first + to), &head);
            for end in from + 1..=to {
                let expected = expected.row(end - 1 - from);
                let got = ready(session.logits(&text[..end], &()))?;
                if let Some(gap) = written.add(got, expected) {
                    println!(
                        "{name}: another token is best at position {end}; in float32 the two are {gap:.5} apart"
                    );
                }
                if end == text.len() {
                    let mut anew = Session::new(model.network.clone(), TEXT);
                    at_once.add(ready(anew.logits(text, &()))?, expected);
                }
            }
        }
        first += text.len();
    }
    let mean = written.sum / written.numbers.max(1) as f64;
    let most = f64::from(if at_once.most > written.most || at_once.most.is_nan() {
        at_once.most
    } else {
        written.most
    });
    let same = 100.0 * written.same as f64 / written.positions.max(1) as f64;
    println!(
        "{name}: off by {most:.5} at most ({:.5} in one go), {mean:.6} on average, top-1 equal on {same:.2} %",
        at_once.most
    );
    let num = written.positions;
    let rows = [
        Row::new("logits_err", format!("{name}, largest difference to float32"), most, "", "≤ 0.02", num),
        Row::new("logits_err", format!("{name}, mean difference to float32"), mean, "", "", num),
        Row::new("logits_err", format!("{name}, top-1 equal"), same, "%", "≥ 99.5", num),
    ];
    if let Some(out) = options.get("--json") {
        fs::write(out, serde_json::to_string_pretty(&rows)?)?;
    }
    Ok(())
}

/// Beginnings of files, chosen by the hashes of their paths.
fn texts(model: &LanguageModel, set: &EvalSet, positions: usize) -> Result<Vec<Vec<u32>>, Box<dyn Error>> {
    let mut files: Vec<_> = set.files.iter().collect();
    files.sort_by_key(|file| *blake3::hash(file.path.as_bytes()).as_bytes());
    let mut texts: Vec<Vec<u32>> = Vec::new();
    let mut left = positions;
    for file in files {
        if left == 0 {
            break;
        }
        let mut ids = model.language.bpe.encode(&file.text, Marks::Plain, usize::MAX)?;
        if ids.len() >= TEXT {
            ids.truncate(TEXT.min(left));
            left -= ids.len();
            texts.push(ids);
        }
    }
    if left > 0 {
        return Err(format!("The evaluation set has {left} tokens too few.").into());
    }
    Ok(texts)
}
