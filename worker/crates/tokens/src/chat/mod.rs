//! Conversations as the model was trained to read them, by the Jinja template in its file.
//!
//! A template is a program from a stranger: it has no files, counted steps and weighed values, and what it says against
//! a conversation reaches the person. A message is from a stranger as well: a control token that is written in it stays
//! text ([`ChatTemplate::prompt`]).

mod environment;
mod json;
mod meter;
mod operators;
mod program;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use minijinja::{AutoEscape, ErrorKind, Value};
use thiserror::Error;

use self::meter::Meter;
use crate::Bpe;

/// Longest template that is compiled; the longest known ones have 20,000 bytes.
const MAX_TEMPLATE_BYTES: usize = 128 * 1024;
/// Most text in a conversation: far more than any context holds.
const MAX_INPUT_BYTES: usize = 4 * 1024 * 1024;
/// Most messages in a conversation.
const MAX_MESSAGES: usize = 4096;
/// Steps for the template itself and for each message; known templates need some dozens per message.
const FUEL: [u64; 2] = [50_000, 2_000];
/// Most text of the template itself that all steps together could put out.
const MAX_RAW_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of values that may be made, beside sixteen times the conversation.
const VALUE_BYTES: u64 = 32 * 1024 * 1024;

/// Why a conversation cannot be written down.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// The template is too long.
    #[error("the chat template of this model has {0} bytes, which is more than any needs")]
    TooLong(usize),
    /// Not a template.
    #[error("the chat template of this model is damaged: {0}")]
    Syntax(String),
    /// It does what is not done here.
    #[error("the chat template of this model uses {0}, which is not supported")]
    Unsupported(String),
    /// It took too many steps.
    #[error("the chat template of this model does not come to an end")]
    Endless,
    /// It made too much text.
    #[error("the chat template of this model makes more text than any conversation needs")]
    TooMuch,
    /// It says that the conversation is not one for this model.
    #[error("this model cannot continue this conversation: {0}")]
    Refused(String),
    /// It failed otherwise.
    #[error("the chat template of this model failed: {0}")]
    Failed(String),
    /// There are too many messages or too much text in them.
    #[error("the conversation has {num_messages} messages of {bytes} bytes together, which is too much")]
    ConversationTooLong {
        /// Number of messages.
        num_messages: usize,
        /// Their text.
        bytes: usize,
    },
}

fn short(err: &minijinja::Error) -> String {
    err.to_string().chars().take(300).collect()
}

impl TemplateError {
    fn syntax(err: minijinja::Error) -> Self {
        Self::Syntax(short(&err))
    }
}

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The program: what the conversation is about.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// What a tool gave.
    Tool,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// The template of a model.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    /// As it is compiled; see [`program::opaque`].
    source: String,
    /// Tokens that templates put at the beginning and at the end.
    bos: String,
    eos: String,
}

impl ChatTemplate {
    /// Read and check a template. `bos` and `eos` are the texts of those tokens, empty where the model has none.
    ///
    /// # Errors
    /// [`TemplateError::TooLong`], [`TemplateError::Syntax`] or [`TemplateError::Unsupported`].
    pub fn new(source: &str, bos: &str, eos: &str) -> Result<Self, TemplateError> {
        if source.len() > MAX_TEMPLATE_BYTES {
            return Err(TemplateError::TooLong(source.len()));
        }
        let source = program::opaque(source).map_err(TemplateError::syntax)?;
        program::compile(&source)?;
        Ok(Self { source, bos: bos.to_owned(), eos: eos.to_owned() })
    }

    /// The conversation as one text, up to where the model goes on if `generate`, as `apply_chat_template` of the
    /// Python package writes it. To be used for showing it; [`ChatTemplate::prompt`] is what a model should get.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub fn render(&self, messages: &[Message], generate: bool) -> Result<String, TemplateError> {
        let bytes = messages.iter().map(|message| message.content.len()).sum();
        if messages.len() > MAX_MESSAGES || bytes > MAX_INPUT_BYTES {
            return Err(TemplateError::ConversationTooLong { num_messages: messages.len(), bytes });
        }
        let instructions = program::compile(&self.source)?;
        let fuel = FUEL[0] + FUEL[1] * messages.len() as u64;
        let fuel = fuel.min(MAX_RAW_BYTES / program::longest_text(&instructions).max(1));
        let meter = Arc::new(Meter::new(VALUE_BYTES + 16 * bytes as u64));
        let env = environment::environment(&meter, fuel);
        let message = |message: &Message| -> Value {
            map([
                ("role", Value::from(message.role.name())),
                ("content", Value::from(message.content.as_str())),
            ])
        };
        let root = map([
            ("messages", messages.iter().map(message).collect::<Vec<Value>>().into()),
            ("add_generation_prompt", Value::from(generate)),
            ("bos_token", Value::from(self.bos.as_str())),
            ("eos_token", Value::from(self.eos.as_str())),
        ]);
        let mut text = String::new();
        let mut out = minijinja::machinery::make_string_output(&mut text);
        let blocks = BTreeMap::new();
        let done = minijinja::machinery::eval(&env, &instructions, root, &blocks, &mut out, AutoEscape::None);
        match done {
            Ok(_) => Ok(text),
            Err(err) => Err(match (meter.raised(), err.kind()) {
                (Some(why), _) => TemplateError::Refused(why),
                (None, ErrorKind::OutOfFuel) => TemplateError::Endless,
                (None, _) if meter.is_spent() => TemplateError::TooMuch,
                (None, _) => TemplateError::Failed(short(&err)),
            }),
        }
    }

    /// The conversation as token ids. Control tokens come from the template alone: where a message has the text of
    /// one, it is encoded as text, so that nobody's file can end a turn or speak for the system. Where the template
    /// begins with the begin token it is there; it must not be put before once more.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub fn prompt(&self, bpe: &Bpe, messages: &[Message], generate: bool) -> Result<Vec<u32>, TemplateError> {
        let shield = unused_character(messages)
            .ok_or_else(|| TemplateError::Failed("the messages use every private character".into()))?;
        let shielded: Vec<Message> = messages
            .iter()
            .map(|message| Message { role: message.role, content: bpe.shield(&message.content, shield) })
            .collect();
        Ok(bpe.encode_shielded(&self.render(&shielded, generate)?, shield))
    }
}

fn map<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    let pairs = pairs.into_iter().map(|(key, value)| (Value::from(key), value));
    Value::from_object(pairs.collect::<BTreeMap<Value, Value>>())
}

/// A character without a meaning that stands in no message.
fn unused_character(messages: &[Message]) -> Option<char> {
    let mut private = ('\u{e000}'..='\u{f8ff}').chain('\u{f0000}'..='\u{ffffd}');
    let used: HashSet<char> =
        messages.iter().flat_map(|message| message.content.chars()).filter(|c| *c >= '\u{e000}').collect();
    private.find(|c| !used.contains(c))
}
