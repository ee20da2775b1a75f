//! Which dialog is open. One at a time; a question that must be answered is a [`Question`].

use std::sync::Arc;

/// Something to do later. Not a `Callback` of the view library: that one dies with the view that made it, and a dialog
/// is made by a menu or a key press that is gone when the answer comes.
pub type Run<T = ()> = Arc<dyn Fn(T) + Send + Sync>;

/// A dialog.
#[derive(Clone)]
pub enum Dialog {
    /// Commands, files, symbols, lines; the text says which by its first character.
    Palette(String),
    /// Settings.
    Settings,
    /// Language models.
    Models,
    /// Keyboard shortcuts.
    Keys,
    /// A question with a few answers.
    Question(Question),
    /// A question whose answer is a line of text.
    Prompt(Prompt),
    /// The saved and the unsaved text of a file side by side.
    Compare(String),
    /// Any two versions of a file side by side: path, the one on the left, the one on the right.
    CompareTexts(String, String, String),
    /// What a file would become: path, its text now, the proposed text, which can be taken.
    Proposal(String, String, String),
    /// Files that changed both here and outside, each with its choices.
    Conflicts,
    /// The workspaces kept on this device.
    Workspaces,
}

/// A question with buttons. Escape and the first button do nothing.
#[derive(Clone)]
pub struct Question {
    /// The question itself.
    pub title: String,
    /// What the answer means.
    pub body: String,
    /// Buttons after `Cancel`.
    pub answers: Vec<Answer>,
}

/// A button of a [`Question`].
#[derive(Clone)]
pub struct Answer {
    /// On the button.
    pub label: String,
    /// It destroys something.
    pub danger: bool,
    /// What it does.
    pub run: Run,
}

impl Answer {
    /// A button.
    pub fn new(label: &str, danger: bool, run: impl Fn() + Send + Sync + 'static) -> Self {
        Self { label: label.into(), danger, run: Arc::new(move |()| run()) }
    }
}

/// A question whose answer is a line of text.
#[derive(Clone)]
pub struct Prompt {
    /// Above the field.
    pub title: String,
    /// What to type.
    pub label: String,
    /// The text at first.
    pub value: String,
    /// Number of UTF-16 units of it that are selected at first.
    pub selected_utf16: (u32, u32),
    /// On the button.
    pub action: String,
    /// Gets the trimmed text, which is not empty.
    pub run: Run<String>,
}
