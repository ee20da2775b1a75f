//! Conversations about the workspace, as far as the page itself takes part: it makes the calls and changes the files.
//! What the panel looks like and what it remembers of a conversation is a module of its own (`app/js/chat`), fetched
//! when the panel is first shown, because the page is waited for and the panel is not.

use std::collections::HashMap;

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use protocol::{
    AnswerEvent, Ask, DeleteThread, Fault, FaultCode, FindSymbols, GetThread, ListThreads, Mention, Outline,
    QuickOpen, RenameThread, ThreadId, TurnId,
};
use serde::Serialize;

use super::dialog::{Answer, Dialog, Prompt, Question};
use super::toast::Weight;
use super::tree::file_name;
use super::visit::Visit;
use super::{App, DocState, Place, buffer};
use crate::editor;

/// Rows of a list of mentions.
const MENTIONS: u32 = 8;
/// Longest answer. A small model that has not come to the point by then will not.
const MAX_NEW_TOKENS: u32 = 768;
const NO_CARET: &str = "Open a file in the editor first and put the caret where the code belongs.";

/// What the page keeps for the panel.
#[derive(Clone, Copy)]
pub struct ChatState {
    /// What the panel wants back after a reload, in its own words.
    pub kept: RwSignal<String>,
    /// Bumped to give the question's field the keyboard.
    pub focus: RwSignal<u32>,
    /// Answers on their way by the id of their turn; ending the visit stops one.
    running: StoredValue<HashMap<String, Visit>, LocalStorage>,
}

impl Default for ChatState {
    fn default() -> Self {
        Self {
            kept: RwSignal::default(),
            focus: RwSignal::default(),
            running: StoredValue::new_local(HashMap::new()),
        }
    }
}

impl ChatState {
    /// Another workspace is opened.
    pub(super) fn clear(self) {
        self.kept.set(String::new());
        self.running.update_value(HashMap::clear);
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|err| Fault::new(FaultCode::Internal, err.to_string()))
}

/// What was pointed to: kind, name or path, and for lines the first, the last and their text. Not by way of JSON: reading
/// that would cost the page more than all of this file.
fn mention(parts: &[String]) -> Mention {
    let part = |at: usize| parts.get(at).cloned().unwrap_or_default();
    let line = |at: usize| part(at).parse().unwrap_or(0);
    match part(0).as_str() {
        "Lines" => Mention::Lines { path: part(1), start_line: line(2), end_line: line(3), text: part(4) },
        "Symbol" => Mention::Symbol(part(1)),
        _ => Mention::Path(part(1)),
    }
}

impl App {
    /// Ask about the workspace: id of the turn, conversation, turn that it follows or nothing, question, and five parts
    /// for each [`mention`]. What happens on the way is told by kind (`context`, `text`) and value; gives the turn in
    /// JSON.
    ///
    /// # Errors
    /// The engine's fault; [`FaultCode::Cancelled`] when it was stopped.
    pub async fn ask(self, parts: &[String], tell: impl Fn(&str, &str) + 'static) -> Result<String, Fault> {
        let [turn, thread, after, question, pointed @ ..] = parts else {
            return Err(Fault::new(FaultCode::Invalid, "There is no question."));
        };
        let ask = Ask {
            workspace: self.here()?,
            thread: ThreadId(thread.clone()),
            turn: TurnId(turn.clone()),
            after: Some(after.clone()).filter(|after| !after.is_empty()).map(TurnId),
            question: question.clone(),
            mentions: pointed.chunks_exact(5).map(mention).collect(),
            max_new_tokens: MAX_NEW_TOKENS,
        };
        let (turn, stop) = (turn.clone(), Visit::default());
        self.chat.running.update_value(|running| drop(running.insert(turn.clone(), stop.clone())));
        let answer = self.engine().stream(ask, Vec::new(), move |event| match event {
            AnswerEvent::Context(context) => tell("context", &json(&context).unwrap_or_default()),
            AnswerEvent::Text(text) => tell("text", &text),
        });
        let visit = self.visit();
        let answer = stop.during(visit.during(answer)).await.flatten();
        self.chat.running.update_value(|running| drop(running.remove(&turn)));
        let (answer, _) = answer.ok_or_else(|| Fault::new(FaultCode::Cancelled, "Stopped."))??;
        json(&answer)
    }

    /// Stop an answer.
    pub fn stop_answer(self, turn: &str) {
        if let Some(stop) = self.chat.running.with_value(|running| running.get(turn).cloned()) {
            stop.end();
        }
    }

    /// Conversations of the workspace, in JSON.
    ///
    /// # Errors
    /// The engine's fault.
    pub async fn threads(self) -> Result<String, Fault> {
        json(&self.call(ListThreads { workspace: self.here()? }).await?)
    }

    /// The turns of a conversation, in JSON.
    ///
    /// # Errors
    /// The engine's fault.
    pub async fn thread(self, id: String) -> Result<String, Fault> {
        json(&self.call(GetThread { workspace: self.here()?, thread: ThreadId(id) }).await?)
    }

    /// Ask for another name of a conversation; `done` is called when it has it.
    pub fn rename_thread(self, id: String, title: String, done: impl Fn() + Clone + Send + Sync + 'static) {
        self.dialog.set(Some(Dialog::Prompt(Prompt {
            title: "Rename conversation".into(),
            label: "Name".into(),
            value: title,
            selected_utf16: (0, u32::MAX),
            action: "Rename".into(),
            run: std::sync::Arc::new(move |title| {
                let (thread, done) = (ThreadId(id.clone()), done.clone());
                self.act(async move {
                    self.call(RenameThread { workspace: self.here()?, thread, title }).await?;
                    done();
                    Ok(())
                });
            }),
        })));
    }

    /// Ask whether a conversation is to go; `done` is called when it has gone.
    pub fn delete_thread(self, id: String, title: &str, done: impl Fn() + Clone + Send + Sync + 'static) {
        self.dialog.set(Some(Dialog::Question(Question {
            title: format!("Delete “{title}”?"),
            body: "Its questions and answers are gone afterwards. Your files stay as they are.".into(),
            answers: vec![Answer::new("Delete", true, move || {
                let (thread, done) = (ThreadId(id.clone()), done.clone());
                self.act(async move {
                    self.call(DeleteThread { workspace: self.here()?, thread }).await?;
                    done();
                    Ok(())
                });
            })],
        })));
    }

    /// Files and definitions whose name matches, in JSON: pairs of kind and name with where it stands.
    ///
    /// # Errors
    /// The engine's fault.
    pub async fn mentionable(self, text: String) -> Result<String, Fault> {
        let workspace = self.here()?;
        let recent = self.layout.with_untracked(|layout| layout.paths());
        let files = self.call(QuickOpen { workspace, text: text.clone(), recent, k: MENTIONS });
        // Everything matches nothing: only files are worth offering then.
        let symbols = match text.is_empty() {
            true => Vec::new(),
            false => self.call(FindSymbols { workspace, text: text.clone(), k: MENTIONS }).await?,
        };
        let files = files.await?.into_iter().map(|file| {
            let rank = farness(&text, &file.path).min(farness(&text, file_name(&file.path)));
            (rank, ("Path", file.path, String::new()))
        });
        let symbols = symbols.into_iter().map(|symbol| {
            let dot = if symbol.container.is_empty() { "" } else { "." };
            let whole = [symbol.container.as_str(), dot, &symbol.name].concat();
            (farness(&text, &whole).min(farness(&text, &symbol.name)), ("Symbol", whole, symbol.path))
        });
        let mut found: Vec<_> = files.chain(symbols).collect();
        // A definition that begins so comes before a path that only has the letters somewhere.
        found.sort_by_key(|(rank, _)| *rank);
        json(&found.into_iter().map(|(_, row)| row).collect::<Vec<_>>())
    }

    /// The active file with the lines that are selected in it, as [`editor::Pane::selected_lines`] gives them; empty
    /// without a file.
    #[must_use]
    pub fn active_selection(self) -> [String; 2] {
        let (group, path) = self.layout.with_untracked(|l| (l.focused, l.active().map(str::to_owned)));
        let lines = path.as_ref().and_then(|_| self.panes[group].selected_lines());
        [path.unwrap_or_default(), lines.unwrap_or_default()]
    }

    /// Put code in the place of the selection of the active editor.
    pub fn insert_code(self, code: &str) {
        let group = self.layout.with_untracked(|layout| layout.focused);
        if !self.panes[group].insert(code) {
            self.toasts.say(Weight::Warning, NO_CARET);
        }
    }

    /// The text of a file as it stands in the editor, which shows it then.
    ///
    /// # Errors
    /// A sentence when it cannot be shown.
    pub async fn text_in_editor(self, path: &str) -> Result<String, Fault> {
        if editor::document(path).is_none() {
            self.show(path, None, Place::Here);
        }
        for _ in 0..200 {
            match self.docs.with_untracked(|docs| docs.get(path).cloned()) {
                Some(DocState::Failed(why)) => return Err(Fault::new(FaultCode::NotFound, why)),
                Some(DocState::Binary(_)) => break,
                _ => {}
            }
            if let Some(document) = editor::document(path) {
                return match document.read_only() {
                    Some(why) => Err(Fault::new(FaultCode::ReadOnly, why)),
                    None => Ok(document.text()),
                };
            }
            TimeoutFuture::new(20).await;
        }
        Err(Fault::new(FaultCode::NotFound, format!("{path} cannot be shown as a text here.")))
    }

    /// The definitions of a file as pairs of first and last line, zero-based and inclusive, in JSON.
    ///
    /// # Errors
    /// The engine's fault.
    pub async fn definitions(self, path: String) -> Result<String, Fault> {
        let symbols = self.call(Outline { workspace: self.here()?, path }).await?;
        json(&symbols.iter().map(|s| (s.span.start.line, s.span.end.line)).collect::<Vec<_>>())
    }

    /// Take a proposed text for a file, as one step that can be undone. Nothing happens when the file changed since.
    pub fn take_proposal(self, path: &str, before: &str, after: &str) {
        match editor::document(path).filter(|document| document.text() == before) {
            Some(document) => {
                self.show(path, None, Place::Here);
                document.set_text(after);
                self.focus_editor();
            }
            None => self.toasts.say(
                Weight::Warning,
                "The file changed since the comparison was made, so it was left as it is. Apply the code again.",
            ),
        }
    }

    /// Give the person a text as a download.
    pub fn save_text(self, name: &str, text: &str) {
        if !crate::platform::download(name, &buffer(text.as_bytes())) {
            self.toasts
                .say(Weight::Failure, "The browser did not allow a download. Copy the answers instead.");
        }
    }
}

/// How far a name is from what was typed: 0 when it begins so, 1 when it contains it, 2 when it only has the letters.
fn farness(typed: &str, name: &str) -> u8 {
    let (typed, name) = (typed.to_lowercase(), name.to_lowercase());
    match name.find(&typed) {
        Some(0) => 0,
        Some(_) => 1,
        None => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_panel_points_to_is_read() {
        let lines =
            Mention::Lines { path: "a.rs".into(), start_line: 3, end_line: 5, text: "x\n\ny\nz".into() };
        for (parts, wanted) in [
            (["Path", "src/", "", "", ""], Mention::Path("src/".into())),
            (["Symbol", "A.b", "", "", ""], Mention::Symbol("A.b".into())),
            (["Lines", "a.rs", "3", "5", "x\n\ny\nz"], lines),
        ] {
            assert_eq!(mention(&parts.map(str::to_owned)), wanted);
        }
        assert_eq!(mention(&[]), Mention::Path(String::new()));
    }

    #[test]
    fn what_begins_as_typed_is_nearer_than_what_has_the_letters() {
        for (typed, name, expected) in [
            ("commonPrefix", "commonPrefixLength", 0),
            ("commonprefix", "removeCommonPrefix", 1),
            ("commonPrefix", "common/model/bracketPairsTextModelPart/fixBrackets.js", 2),
            ("", "anything", 0),
        ] {
            assert_eq!(farness(typed, name), expected, "{typed} in {name}");
        }
    }
}
