//! Text to token ids and back, as the model was trained to see them, and the texts that models are asked with.
//!
//! Embedders bring a `tokenizer.json` ([`Tokenizer`]), generating models a vocabulary inside of their GGUF file
//! ([`Bpe`]). Around the latter lies what turns a wish into a prompt and a stream of tokens into text: [`ChatTemplate`],
//! [`fill_prompt`], [`Utf8Stream`], [`StopMatcher`], and the form that an answer is held to: [`Forms`]. The crate knows nothing of models and never touches the
//! network: all input comes from outside and is not trusted.

mod bpe;
mod chat;
mod encoder;
mod error;
mod fill;
mod form;
mod stop;
mod utf8;

pub use bpe::{Bpe, BpeSource, Marks, TokenKind};
pub use chat::{ChatTemplate, Message, Role, TemplateError};
pub use encoder::{MAX_FILE_BYTES, Tokenizer};
pub use error::TokenError;
pub use fill::{FillMarks, FillPrompt, Gap, Snippet, fill_prompt};
pub use form::{Form, FormError, Formed, Forms, MAX_FORM_BYTES};
pub use stop::{StopMatcher, Stopped};
pub use utf8::Utf8Stream;
