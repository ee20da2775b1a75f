//! Completions: what stands at a caret, and what could stand there.

use serde::{Deserialize, Serialize};

use crate::{Blob, Pos, WorkspaceId};

/// Use the language model behind a port for completions and answers; `None` for none. The port itself arrives as a bare
/// message, see [`crate::ForgetModel`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UseGenerator {
    /// Number that came with the port, and what its worker said of the model.
    pub generator: Option<(u32, GeneratorSummary)>,
    /// Tokens of a prompt that it read in a second when it was loaded; 0 where that is not known.
    pub reads_per_s: f32,
}

/// What the engine needs to know of a language model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratorSummary {
    /// Id, shown with what it wrote.
    pub model: String,
    /// Longest text in tokens.
    pub max_tokens: u32,
    /// It has marks for a gap in a text.
    pub fills_gaps: bool,
    /// It has a template for conversations.
    pub chats: bool,
}

/// Ask for what could stand at a caret. A newer call ends an older one. There are no events: what is shown was checked
/// as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggest {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// The edited file.
    pub path: String,
    /// Language id as Monaco names it.
    pub language: String,
    /// Its text as it stands in the editor, UTF-8.
    pub text: Blob,
    /// The caret.
    pub pos: Pos,
    /// How many different texts are wanted, at most three; the first is the likeliest one.
    pub alternatives: u32,
}

/// Why a suggestion was not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Dropped {
    /// The model wrote nothing but white space.
    Empty,
    /// It says what stands behind the caret already.
    RepeatsSuffix,
    /// It says again what stands right before.
    RepeatsPrefix,
    /// It closes or opens a bracket that has no partner.
    Brackets,
    /// The file was valid before and would not be with it.
    Syntax,
    /// It goes in circles from its beginning.
    Loops,
}

/// A text that could stand at the caret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// To insert at the caret.
    pub text: String,
    /// UTF-16 code units behind the caret that it stands in place of: closing signs that it says itself, mostly none.
    pub replaces: u32,
}

/// What could stand at the caret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Suggested {
    /// What could stand there, different from each other; empty when nothing held.
    pub texts: Vec<Suggestion>,
    /// How many were dropped, by reason.
    pub dropped: Vec<(Dropped, u32)>,
    /// Tokens of the prompt; 0 where the model was stopped as soon as enough was written.
    pub num_prompt_tokens: u32,
    /// Of those, known from before.
    pub num_cached_tokens: u32,
    /// Paths of the snippets in the prompt.
    pub snippets: Vec<String>,
    /// From the arrival of the call to its answer, milliseconds.
    pub took_ms: f32,
    /// Answered from what was asked before, without the model.
    pub from_cache: bool,
}
