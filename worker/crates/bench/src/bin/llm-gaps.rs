//! What float32 would write at some places: the judge where two engines write different texts.
//!
//! usage: llm-gaps --model FILE.gguf [--threads N] < PLACES
//!
//! PLACES is a JSON list of {"prompt": text, "then": [ids], "other": id}: a text, tokens that follow it, and a token that
//! one of the engines went on with. The answer is a list of {"best": {"id", "text"}, "gap": …}: the likeliest token in
//! float32 on the dequantised weights, and how far its logit is above that of `other`, or above the second best where
//! `other` is the best.

use std::error::Error;
use std::path::Path;

use bench::language::model::{LanguageModel, argmax, read};
use bench::language::options::Options;
use bench::language::reference::Reference;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Place {
    prompt: String,
    then: Vec<u32>,
    other: Option<u32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read(&["--model", "--threads"])?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let path = Path::new(options.need("--model")?);
    let model = LanguageModel::load(path)?;
    let reference = Reference::new(read(path)?, options.number("--threads", cores)?)?;
    let places: Vec<Place> = serde_json::from_reader(std::io::stdin().lock())?;
    let mut texts = Vec::new();
    for place in &places {
        texts.push([model.ids(&place.prompt)?, place.then.clone()].concat());
    }
    let views: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    let (states, head) = (reference.states(&views)?, reference.head()?);
    let (mut end, mut answers) = (0, Vec::new());
    for (place, text) in places.iter().zip(&texts) {
        end += text.len();
        let logits = reference.logits(&states.rows(end - 1..end), &head);
        let logits = logits.row(0);
        let best = argmax(logits);
        let mut others = logits.to_vec();
        others[best] = f32::NEG_INFINITY;
        let other =
            place.other.map(|id| id as usize).filter(|id| *id != best).unwrap_or_else(|| argmax(&others));
        let gap = logits[best] - logits.get(other).copied().unwrap_or(f32::NAN);
        let text = model.language.bpe.token_text(best as u32);
        answers.push(json!({ "best": { "id": best, "text": text }, "gap": gap }));
    }
    println!("{}", serde_json::Value::from(answers));
    Ok(())
}
