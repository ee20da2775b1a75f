//! What is asked for as tokens: prompts of every kind, within what the model can see.

use models::llm::Language;
use protocol::{ChatMessage, Fault, FaultCode, Generate, GeneratePrompt, SamplingChoice, Speaker};
use tokens::{Gap, Marks, Message, Role, Snippet, TokenError, fill_prompt};

/// Most text of a prompt: far more than any model sees.
const MAX_BYTES: usize = 4 << 20;
/// Most texts that are counted in one call.
const MAX_TEXTS: usize = 4096;
/// Most stop texts, and the longest.
const MAX_STOPS: usize = 64;
const MAX_STOP_BYTES: usize = 1024;
/// How many of the last tokens count as repeated.
const REPETITION_WINDOW: usize = 64;
/// Tokens of its own in a row that a text may repeat where repetition is punished at all. Blocks of code come again with a
/// line changed: with 10 allowed, Qwen wrote `respect_retry_after_HEADER` and `import_retry` the second time.
const REPEAT_ALLOWED: usize = 48;

/// What a text goes on from.
#[derive(Debug)]
pub struct Prompt {
    /// Its tokens.
    pub ids: Vec<u32>,
    /// Tokens that end the text.
    pub end: Vec<u32>,
    /// Bytes of the prefix of a gap that did not fit.
    pub cut_prefix_bytes: u64,
    /// Bytes of its suffix that did not fit.
    pub cut_suffix_bytes: u64,
    /// Snippets that are in.
    pub snippets: Vec<u32>,
}

/// Make the prompt of a call for a model that sees `max_tokens`.
///
/// # Errors
/// What the model cannot do, and a prompt that is empty or too long.
pub fn prompt(language: &Language, call: &Generate, max_tokens: usize) -> Result<Prompt, Fault> {
    if call.stop.len() > MAX_STOPS || call.stop.iter().any(|stop| stop.len() > MAX_STOP_BYTES) {
        let sentence =
            format!("At most {MAX_STOPS} stop texts of {MAX_STOP_BYTES} bytes each can be looked for.");
        return Err(Fault::new(FaultCode::Invalid, sentence));
    }
    let mut made = Prompt {
        ids: Vec::new(),
        end: language.ends.clone(),
        cut_prefix_bytes: 0,
        cut_suffix_bytes: 0,
        snippets: Vec::new(),
    };
    match &call.prompt {
        GeneratePrompt::Text(text) => {
            made.ids.extend(language.bos);
            made.ids.extend(language.bpe.encode(text, Marks::Plain, MAX_BYTES).map_err(invalid)?);
        }
        GeneratePrompt::Messages(messages) => made.ids = conversation(language, messages)?,
        GeneratePrompt::Gap { path, prefix, suffix, snippets, max_prompt_tokens } => {
            // At least half is left for what is asked for, if that needs it.
            let new = (call.max_new_tokens as usize).min(max_tokens / 2);
            let most = (*max_prompt_tokens as usize).min(max_tokens.saturating_sub(new));
            let snippets: Vec<Snippet<'_>> =
                snippets.iter().map(|snippet| Snippet { path: &snippet.path, text: &snippet.text }).collect();
            let gap = Gap { repo: "", path, snippets: &snippets, prefix, suffix };
            let bos = usize::from(language.bos.is_some());
            let filled = fill_prompt(&language.bpe, &language.marks, &gap, most.saturating_sub(bos));
            let filled = filled.map_err(invalid)?;
            made.ids.extend(language.bos);
            made.ids.extend(filled.ids);
            made.end.clone_from(&language.gap_ends);
            made.cut_prefix_bytes = filled.cut_prefix_bytes as u64;
            made.cut_suffix_bytes = filled.cut_suffix_bytes as u64;
            made.snippets = filled.snippets.into_iter().map(|place| place as u32).collect();
        }
    }
    if made.ids.is_empty() {
        return Err(Fault::new(FaultCode::Invalid, "The prompt is empty: there is nothing to go on from."));
    }
    // One more token must fit behind it.
    let (len, most) = (made.ids.len(), max_tokens.saturating_sub(1));
    if len > most {
        let sentence = format!(
            "The prompt takes {len} tokens, and {most} fit: this model sees {max_tokens} at a time, its answer included. \
             Shorten the prompt by {} tokens.",
            len - most
        );
        return Err(Fault::new(FaultCode::TooLarge, sentence));
    }
    Ok(made)
}

/// Tokens of a conversation up to where the model goes on.
///
/// # Errors
/// [`FaultCode::Unsupported`] where there is no template, [`FaultCode::Invalid`] where it refuses the conversation.
pub fn conversation(language: &Language, messages: &[ChatMessage]) -> Result<Vec<u32>, Fault> {
    let template = language
        .template
        .as_ref()
        .map_err(|sentence| Fault::new(FaultCode::Unsupported, sentence.as_str()))?;
    if messages.is_empty() {
        return Err(Fault::new(FaultCode::Invalid, "The conversation has no messages."));
    }
    let messages: Vec<Message> = messages
        .iter()
        .map(|message| Message {
            role: match message.speaker {
                Speaker::System => Role::System,
                Speaker::User => Role::User,
                Speaker::Assistant => Role::Assistant,
            },
            content: message.text.clone(),
        })
        .collect();
    template.prompt(&language.bpe, &messages, true).map_err(|err| {
        Fault::new(FaultCode::Invalid, format!("The conversation cannot be given to the model: {err}."))
    })
}

/// Tokens of each text, as part of a message.
///
/// # Errors
/// [`FaultCode::TooLarge`] for too much text.
pub fn count(language: &Language, texts: &[String]) -> Result<Vec<u32>, Fault> {
    let bytes: usize = texts.iter().map(String::len).sum();
    if texts.len() > MAX_TEXTS || bytes > MAX_BYTES {
        let sentence = format!(
            "Tokens of at most {MAX_TEXTS} texts of {MAX_BYTES} bytes together are counted at a time; these are {} of \
             {bytes} bytes.",
            texts.len()
        );
        return Err(Fault::new(FaultCode::TooLarge, sentence));
    }
    Ok(texts.iter().map(|text| language.bpe.count(text, Marks::Plain, MAX_BYTES) as u32).collect())
}

/// How tokens are chosen, for the sampler.
pub fn sampling(choice: &SamplingChoice) -> infer::Sampling {
    infer::Sampling {
        temperature: choice.temperature,
        top_k: choice.top_k as usize,
        top_p: choice.top_p,
        min_p: choice.min_p,
        repetition_penalty: choice.repetition_penalty,
        repetition_window: REPETITION_WINDOW,
        repeat_allowed: if choice.repetition_penalty > 1.0 { REPEAT_ALLOWED } else { 0 },
        seed: choice.seed,
    }
}

fn invalid(err: TokenError) -> Fault {
    let code = match err {
        TokenError::TextTooLong { .. } => FaultCode::TooLarge,
        _ => FaultCode::Invalid,
    };
    Fault::new(code, format!("The prompt cannot be used: {err}."))
}

#[cfg(test)]
#[path = "prompt_tests.rs"]
mod tests;
