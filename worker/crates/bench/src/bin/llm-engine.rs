//! The engine for other programs: takes commands on its standard input and answers on its standard output, one JSON
//! value a line. One thread, greedy.
//!
//! usage: llm-engine --model FILE.gguf [--context TOKENS]
//!
//!   {"do": "ids", "text": …}                     → {"ids": […]}
//!   {"do": "speed", "ids": […], "new": N}        → {"prefill_s": …, "decode_s": …, "ids": […]}: time on the processor
//!                                                  for the prompt with its first token, and for N more
//!   {"do": "write", "prompt": …, "new": N, "stop": […]} → {"text": …, "num_prompt": …, "num_new": …}; with "penalty" and
//!                                                  "repeat_allowed" as in `infer::Sampling`, where wanted
//!   {"do": "likeliest", "prompt": …, "num": N}   → {"tokens": [[text, logit], …]}
//!
//! What cannot be done is answered by {"error": sentence}.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;

use bench::language::model::{LanguageModel, ModelErr, busy, ready};
use bench::language::options::Options;
use infer::{Generate, Sampler, Sampling};
use models::llm::Session;
use serde::Deserialize;
use serde_json::{Value, json};

/// Last tokens that a penalty applies to, as in the app.
const PENALTY_WINDOW: usize = 64;

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Command {
    Ids {
        text: String,
    },
    Speed {
        ids: Vec<u32>,
        new: usize,
    },
    Write {
        prompt: String,
        new: usize,
        #[serde(default)]
        stop: Vec<String>,
        #[serde(default)]
        penalty: Option<f32>,
        #[serde(default)]
        repeat_allowed: usize,
    },
    Likeliest {
        prompt: String,
        num: usize,
    },
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read(&["--model", "--context"])?;
    let context = options.number("--context", 2048)?;
    let model = LanguageModel::load(Path::new(options.need("--model")?))?;
    // Kept between texts: a prompt that begins like the last one is not read again.
    let mut session = Session::new(model.network.clone(), context);
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?) {
            Ok(command) => answer(&model, &mut session, command)
                .unwrap_or_else(|err| json!({ "error": err.to_string() })),
            Err(err) => json!({ "error": format!("not a command: {err}") }),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(model: &LanguageModel, session: &mut Session, command: Command) -> Result<Value, ModelErr> {
    Ok(match command {
        Command::Ids { text } => json!({ "ids": model.ids(&text)? }),
        Command::Speed { ids, new } => {
            // Nothing is known of the prompt.
            let mut session = Session::new(model.network.clone(), ids.len() + new + 1);
            let mut sampler = Sampler::new(Sampling::GREEDY);
            let mut all = ids.clone();
            let start = busy();
            all.push(ready(session.next(&all, &mut sampler, &()))?);
            let read = busy();
            for _ in 0..new {
                all.push(ready(session.next(&all, &mut sampler, &()))?);
            }
            let (prefill, decode) = ((read - start).as_secs_f64(), (busy() - read).as_secs_f64());
            json!({ "prefill_s": prefill, "decode_s": decode, "ids": all[ids.len()..] })
        }
        Command::Write { prompt, new, stop, penalty, repeat_allowed } => {
            let sampling = Sampling {
                repetition_penalty: penalty.unwrap_or(1.0),
                repetition_window: PENALTY_WINDOW,
                repeat_allowed,
                ..Sampling::GREEDY
            };
            let written = model.write(session, &model.ids(&prompt)?, new, &stop, sampling)?;
            json!({ "text": written.text, "num_prompt": written.num_prompt, "num_new": written.num_new })
        }
        Command::Likeliest { prompt, num } => {
            let best = model.likeliest(session, &model.ids(&prompt)?, num)?;
            let tokens: Vec<_> =
                best.iter().map(|(id, logit)| (model.language.bpe.token_text(*id), logit)).collect();
            json!({ "tokens": tokens })
        }
    })
}
