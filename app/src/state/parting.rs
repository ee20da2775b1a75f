//! Text that was typed a moment before the page went. A worker ends with its page, whatever was on its way to it, so
//! what the engine has not yet answered for would be lost by a reload. It is written to the browser's local storage as
//! the page goes, and given to the engine when the workspace is opened for writing next.

use std::collections::HashMap;

use leptos::prelude::*;
use protocol::{Blob, Fault, FaultCode, PutDraft, WorkspaceId};

use super::settings::storage;
use super::{App, buffer};
use crate::editor;

/// Bytes of text that local storage surely takes: browsers allow an origin about 5 Mi characters of it.
const MAX_BYTES: usize = 2 << 20;

/// Which files have text that the engine has not answered for yet, each with the number of its last change.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    last: u64,
    paths: HashMap<String, u64>,
}

impl Unanswered {
    /// A file's text changed.
    pub(super) fn changed(&mut self, path: &str) {
        self.last += 1;
        self.paths.insert(path.to_owned(), self.last);
    }

    /// The number of a file's last change, to be handed to [`Self::answered`] once what was sent now is kept.
    pub(super) fn mark(&self, path: &str) -> Option<u64> {
        self.paths.get(path).copied()
    }

    /// What a file had at this mark is kept. Later changes of it still wait.
    pub(super) fn answered(&mut self, path: &str, mark: Option<u64>) {
        if self.mark(path) == mark {
            self.paths.remove(path);
        }
    }

    /// Nothing waits any more. Marks that were given out stay without effect.
    pub(super) fn clear(&mut self) {
        self.paths.clear();
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.keys().map(String::as_str)
    }
}

impl App {
    /// Write down what the engine has not answered for, as the page goes. Only who writes the workspace does: what is
    /// typed in a tab beside it stays that tab's own.
    pub(super) fn write_down(self) {
        let (Some(workspace), Some(protocol::Access::Writer)) = (self.open_id(), self.access.get_untracked())
        else {
            return;
        };
        let texts = self.unanswered();
        if let (false, Some(storage), Ok(json)) = (texts.is_empty(), storage(), serde_json::to_string(&texts))
        {
            // Where it is full or forbidden, what was sent to the engine may still arrive.
            let _full = storage.set_item(&key(workspace), &json);
        }
    }

    /// There is more than can be written down as the page goes.
    pub(super) fn is_too_much_to_write_down(self) -> bool {
        self.unanswered().iter().map(|(_, text)| text.len()).sum::<usize>() > MAX_BYTES
    }

    /// Unsaved texts, each with its path.
    fn unanswered(self) -> Vec<(String, String)> {
        self.private.with_value(|private| {
            let dirty = |path: &str| editor::document(path).filter(editor::Document::is_dirty);
            let text = |path: &str| String::from_utf8(dirty(path)?.bytes()).ok();
            private.unanswered.paths().filter_map(|path| Some((path.to_owned(), text(path)?))).collect()
        })
    }

    /// Give the engine what was written down for this workspace, which it has just opened for writing.
    pub(super) async fn take_what_was_written_down(self, workspace: WorkspaceId) {
        let Some(json) = storage().and_then(|storage| storage.get_item(&key(workspace)).ok().flatten())
        else {
            return;
        };
        let texts: Vec<(String, String)> = serde_json::from_str(&json).unwrap_or_default();
        let visit = self.visit();
        for (path, text) in texts {
            let call = PutDraft { workspace, path, blob: Some(Blob(0)) };
            let outcome = self.engine().call_with(call, vec![buffer(text.as_bytes())]).await;
            if visit.is_over() {
                // The engine has another workspace open, and refuses what is for this one.
                return;
            }
            if let Err(fault) = outcome {
                if !is_final(&fault) {
                    // It stays where it is, for the next time that the workspace is opened.
                    return;
                }
                self.toasts.fault(&fault);
            }
        }
        forget(workspace);
    }
}

/// The engine will say the same however often it is asked.
fn is_final(fault: &Fault) -> bool {
    matches!(fault.code, FaultCode::Invalid | FaultCode::NotFound | FaultCode::TooLarge)
}

/// Forget what was written down for a workspace.
pub(super) fn forget(workspace: WorkspaceId) {
    if let Some(storage) = storage() {
        let _forbidden = storage.remove_item(&key(workspace));
    }
}

fn key(workspace: WorkspaceId) -> String {
    format!("alcove.parting.{}", workspace.0)
}

#[cfg(test)]
mod tests {
    use super::Unanswered;

    #[test]
    fn an_answer_to_an_earlier_text_leaves_the_later_one_waiting() {
        let mut unanswered = Unanswered::default();
        unanswered.changed("a");
        let first = unanswered.mark("a");
        unanswered.changed("a");
        unanswered.changed("b");
        unanswered.answered("a", first);
        let mut paths: Vec<_> = unanswered.paths().collect();
        paths.sort_unstable();
        assert_eq!(paths, ["a", "b"]);
        unanswered.answered("a", unanswered.mark("a"));
        assert_eq!(unanswered.paths().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn an_answer_for_a_file_that_did_not_change_changes_nothing() {
        let mut unanswered = Unanswered::default();
        unanswered.answered("a", None);
        unanswered.changed("a");
        unanswered.answered("a", None);
        assert_eq!(unanswered.paths().collect::<Vec<_>>(), ["a"]);
        let of_another_workspace = unanswered.mark("a");
        unanswered.clear();
        unanswered.changed("a");
        unanswered.answered("a", of_another_workspace);
        assert_eq!(unanswered.paths().collect::<Vec<_>>(), ["a"]);
    }
}
