//! Calls to a model worker that holds a language model: load it, let it write, count tokens.

use serde::{Deserialize, Serialize};

use crate::DeviceKind;

/// Where the file of a language model is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GeneratorFile {
    /// Kept on this device under this id; see [`crate::ModelFile`].
    Kept(String),
    /// An address of the page's own server, read without being kept.
    Address(String),
}

/// Load a language model. Events are [`crate::LoadProgress`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadGenerator {
    /// Its file, in GGUF.
    pub file: GeneratorFile,
    /// Longest text in tokens; less where the model or the memory cannot hold it. `None` lets the planner choose.
    pub max_tokens: Option<u32>,
    /// Where to run; `None` lets the planner choose.
    pub device: Option<DeviceKind>,
}

/// A loaded language model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeneratorInfo {
    /// Id of its file, or the address.
    pub model: String,
    /// What the file calls itself.
    pub name: String,
    /// Architecture as GGUF names it.
    pub architecture: String,
    /// Longest text in tokens, prompt included.
    pub max_tokens: u32,
    /// Tokens that it knows.
    pub vocab: u32,
    /// It has marks for a gap in a text.
    pub fills_gaps: bool,
    /// It has a template for conversations.
    pub chats: bool,
    /// Bytes of weights in memory.
    pub weight_bytes: u64,
    /// Largest linear memory while loading, in bytes.
    pub load_peak_bytes: u64,
    /// Where it runs.
    pub device: DeviceKind,
    /// A sentence: why there.
    pub reason: String,
    /// Measured at load: tokens of a prompt per second; 0 when not measured.
    pub prefill_per_s: f32,
    /// Measured at load: tokens written per second; 0 when not measured.
    pub decode_per_s: f32,
}

/// What is loaded, `None` when nothing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetGenerator;

/// Who says something in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Speaker {
    /// Instructions for the model.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// A part of a conversation as a model sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Whose it is.
    pub speaker: Speaker,
    /// What it says.
    pub text: String,
}

/// A piece of another file that a completion should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextSnippet {
    /// Where it stands.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// What a model is to go on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GeneratePrompt {
    /// Text as it is.
    Text(String),
    /// A conversation, put through the template of the model. One that is too long is refused, with what it takes.
    Messages(Vec<ChatMessage>),
    /// A gap in a file: prefix and suffix are cut at their far ends where they do not fit, snippets are left out.
    Gap {
        /// Path of the edited file.
        path: String,
        /// Text before the gap.
        prefix: String,
        /// Text behind it.
        suffix: String,
        /// What else to know, most relevant first.
        snippets: Vec<ContextSnippet>,
        /// Most tokens of the prompt.
        max_prompt_tokens: u32,
    },
}

/// How tokens are chosen; the fields are those of `infer::Sampling`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SamplingChoice {
    /// Zero takes the likeliest token always.
    pub temperature: f32,
    /// Only so many of the likeliest tokens; zero for all.
    pub top_k: u32,
    /// Only the likeliest tokens that together have this probability; one for all.
    pub top_p: f32,
    /// Only tokens with at least this share of the probability of the likeliest one; zero for all.
    pub min_p: f32,
    /// What logits of tokens that occurred are divided by; one for no penalty. Above one, long runs of tokens that the
    /// text itself repeats become less likely too.
    pub repetition_penalty: f32,
    /// Two runs with the same seed choose the same tokens.
    pub seed: u64,
}

impl SamplingChoice {
    /// The likeliest token, always.
    pub const GREEDY: Self =
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, repetition_penalty: 1.0, seed: 0 };
}

/// What a text is for, which decides what goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GeneratePurpose {
    /// A completion at a caret: before all else; a newer one of the same caller ends the older one.
    Completion,
    /// An answer that somebody reads along.
    Chat,
}

/// What an answer must be; the model can write nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputForm {
    /// JSON after a JSON schema, itself in JSON.
    JsonSchema(String),
    /// A grammar in Lark's notation, as far as `llguidance` knows it.
    Grammar(String),
}

/// Let the model write. Events are [`GeneratedPiece`]; cancel to end early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generate {
    /// What to go on from.
    pub prompt: GeneratePrompt,
    /// What for.
    pub purpose: GeneratePurpose,
    /// Most tokens to write.
    pub max_new_tokens: u32,
    /// How tokens are chosen.
    pub sampling: SamplingChoice,
    /// Texts that end it and are not part of it.
    pub stop: Vec<String>,
    /// `None` lets the model write what it likes.
    pub form: Option<OutputForm>,
}

/// Text that was written since the last event; several tokens together, at most every 16 ms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedPiece {
    /// The text.
    pub text: String,
    /// Its tokens.
    pub num_tokens: u32,
}

/// Why a text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FinishReason {
    /// The model said that it is complete.
    Complete,
    /// One of the stop texts came.
    Stop,
    /// As many tokens as were asked for, or as the model can see.
    Length,
}

/// A text that was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generated {
    /// All of it.
    pub text: String,
    /// Why it ended.
    pub finish: FinishReason,
    /// Tokens of the prompt.
    pub num_prompt_tokens: u32,
    /// Of those, what was known from an earlier prompt and not computed again.
    pub num_cached_tokens: u32,
    /// Tokens written.
    pub num_new_tokens: u32,
    /// Bytes of the prefix of a gap that did not fit.
    pub cut_prefix_bytes: u64,
    /// Bytes of the suffix of a gap that did not fit.
    pub cut_suffix_bytes: u64,
    /// Snippets of a gap that are in the prompt, by their place.
    pub snippets: Vec<u32>,
    /// From the arrival of the call to the first token, milliseconds.
    pub first_token_ms: f32,
    /// From the first token to the last, milliseconds.
    pub decode_ms: f32,
}

/// Count the tokens of texts, each as part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountTokens {
    /// The texts.
    pub texts: Vec<String>,
}

/// Count the tokens of a whole conversation, template included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountPrompt {
    /// The conversation.
    pub messages: Vec<ChatMessage>,
}
