//! Conversations about a workspace: questions, answers with citations, and what is kept of them.

use serde::{Deserialize, Serialize};

use crate::{GeneratorSummary, WorkspaceId};

/// Names a conversation; chosen by the page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ThreadId(pub String);

/// Names one question with its answer; chosen by the page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TurnId(pub String);

/// Something that a person pointed to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mention {
    /// A file, or all files below a folder (a path that ends in `/`).
    Path(String),
    /// A definition by its name, perhaps behind that of what contains it.
    Symbol(String),
    /// Lines of a file, zero-based and inclusive, with the text that they have in the editor.
    Lines {
        /// The file.
        path: String,
        /// First line.
        start_line: u32,
        /// Last line.
        end_line: u32,
        /// What stands there now.
        text: String,
    },
}

/// Ask about the workspace. Events are [`AnswerEvent`]; cancel to stop, which keeps what was written: [`GetThread`] has it
/// when it is called after the cancel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// The conversation; it begins with its first question.
    pub thread: ThreadId,
    /// Names the turn that this makes. Asked again under the same id, it is answered anew in its place.
    pub turn: TurnId,
    /// The turn that this follows: `None` at the beginning. Two turns that follow the same one are branches.
    pub after: Option<TurnId>,
    /// What the person wants to know.
    pub question: String,
    /// What they pointed to. When empty, the whole workspace is searched.
    pub mentions: Vec<Mention>,
    /// Most tokens to write.
    pub max_new_tokens: u32,
}

/// A piece of the workspace that was sent to the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// Number by which the model cites it, from 1.
    pub number: u32,
    /// The file.
    pub path: String,
    /// First line, zero-based.
    pub start_line: u32,
    /// Last line, zero-based, inclusive.
    pub end_line: u32,
    /// Path of the symbol; empty outside symbols.
    pub symbol: String,
    /// What was sent.
    pub text: String,
    /// Tokens that it cost.
    pub num_tokens: u32,
    /// Not all of it fitted.
    pub is_cut: bool,
    /// Score of the search that found it; 0 when the person pointed to it.
    pub score: f32,
}

/// How sure the search was that the passages have to do with the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Grounding {
    /// The person pointed to them.
    Pointed,
    /// Above the calibrated score.
    Found,
    /// Below it: the model is not asked, and the panel says that nothing was found.
    NotFound,
}

/// All that was sent to the model for an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContextSent {
    /// How it was chosen.
    pub grounding: Grounding,
    /// The passages, best first.
    pub passages: Vec<Passage>,
    /// What did not fit: a sentence for each thing, for a person.
    pub left_out: Vec<String>,
    /// The messages as the template got them, in order: speaker and text.
    pub messages: Vec<crate::ChatMessage>,
    /// Tokens of all of it, template included.
    pub num_tokens: u32,
    /// Most tokens that the model can see.
    pub max_tokens: u32,
}

/// On the way to an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AnswerEvent {
    /// What was found and is being sent.
    Context(ContextSent),
    /// More text.
    Text(String),
}

/// A place in the workspace that an answer rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// Byte range of the answer's text that is the reference: what the model wrote (`[1]`, `a.rs:3`), or code in backticks
    /// or between fences, these included, that stands word for word in a passage. The code of a fenced block is its own
    /// reference; none lies inside another.
    pub start: u32,
    /// End of the range.
    pub end: u32,
    /// The file.
    pub path: String,
    /// First line, zero-based.
    pub start_line: u32,
    /// Last line, zero-based, inclusive.
    pub end_line: u32,
    /// The lines still say what they said when the answer was written.
    pub is_current: bool,
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnswerEnd {
    /// Complete.
    Complete,
    /// As long as was allowed.
    Length,
    /// The model began to say again what it had said; that is left out.
    Circle,
    /// The person stopped it, or the worker died.
    Stopped,
    /// Nothing was found, so the model was not asked.
    NothingFound,
    /// The sentence says why.
    Failed(String),
}

/// A question with its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Names it.
    pub id: TurnId,
    /// What it follows.
    pub after: Option<TurnId>,
    /// What was asked.
    pub question: String,
    /// What was pointed to.
    pub mentions: Vec<Mention>,
    /// What was sent.
    pub context: ContextSent,
    /// The answer, Markdown.
    pub answer: String,
    /// Places that it rests on, in order.
    pub citations: Vec<Citation>,
    /// How it ended.
    pub end: AnswerEnd,
    /// Which model wrote it.
    pub model: Option<GeneratorSummary>,
    /// When it was asked, milliseconds since 1970.
    pub asked_unix_ms: u64,
    /// It could not be kept; the sentence says why. Empty when it is kept.
    pub not_kept: String,
}

/// A conversation in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadInfo {
    /// Names it.
    pub id: ThreadId,
    /// Its first question, or what a person called it.
    pub title: String,
    /// Questions in it.
    pub num_turns: u32,
    /// When it was last asked, milliseconds since 1970.
    pub asked_unix_ms: u64,
}

/// Conversations of a workspace, latest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListThreads {
    /// The workspace that is meant.
    pub workspace: WorkspaceId,
}

/// All turns of a conversation, in the order in which they were asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetThread {
    /// The workspace that is meant.
    pub workspace: WorkspaceId,
    /// Which.
    pub thread: ThreadId,
}

/// Give a conversation a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenameThread {
    /// The workspace that is meant.
    pub workspace: WorkspaceId,
    /// Which.
    pub thread: ThreadId,
    /// The name.
    pub title: String,
}

/// Delete a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteThread {
    /// The workspace that is meant.
    pub workspace: WorkspaceId,
    /// Which.
    pub thread: ThreadId,
}
