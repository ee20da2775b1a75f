//! Unsaved text, kept safe as it is typed; saving it, and letting go of it.

use std::sync::Arc;

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use protocol::{Blob, Fault, FaultCode, PutDraft, WriteFile};

use super::dialog::{Answer, Dialog, Question};
use super::docs::DocState;
use super::toast::Weight;
use super::tree::file_name;
use super::{App, buffer};
use crate::editor;

/// Pause after a key before the text is sent to be kept, milliseconds.
pub(super) const DRAFT_MS: u32 = 500;
/// Pause before an unsaved text is sent again that the engine did not take, milliseconds.
const DRAFT_AGAIN_MS: u32 = 2000;

impl App {
    /// Send the unsaved text of a file to the engine, which keeps it through a reload.
    pub(super) fn keep_draft(self, path: &str) {
        self.private.update_value(|private| {
            private.draft_timers.remove(path);
        });
        let (Some(document), Some(workspace)) = (editor::document(path), self.open_id()) else { return };
        let dirty = document.is_dirty();
        let is_reader = self.access.get_untracked() == Some(protocol::Access::Reader);
        // What was typed before its file became unreadable stays kept until it is dropped.
        if document.read_only().is_some() && (dirty || is_reader) {
            return;
        }
        self.private.update_value(|private| {
            if dirty {
                private.drafted.insert(path.to_owned());
            } else {
                private.drafted.remove(path);
            }
        });
        let mark = self.private.with_value(|private| private.unanswered.mark(path));
        let call = PutDraft { workspace, path: path.to_owned(), blob: dirty.then_some(Blob(0)) };
        let blobs = if dirty { vec![buffer(&document.bytes())] } else { Vec::new() };
        // On its way before anything that opens another workspace.
        let kept = self.engine().call_with(call, blobs);
        let (path, visit) = (path.to_owned(), self.visit());
        self.act(async move {
            let outcome = kept.await;
            let is_lost = outcome.as_ref().is_err_and(|fault| fault.code == FaultCode::EngineGone);
            if is_lost && !visit.is_over() {
                // Something beside it killed the engine. The text is still here, and goes to the next one.
                let path = path.clone();
                let again = Timeout::new(DRAFT_AGAIN_MS, move || self.keep_draft(&path));
                again.forget();
            }
            outcome?;
            if visit.is_over() {
                return Ok(());
            }
            self.private.update_value(|private| private.unanswered.answered(&path, mark));
            self.mark_draft(&path, dirty);
            self.drafts_kept.update(|kept| *kept += 1);
            Ok(())
        });
    }

    /// Send every unsaved text that still waits.
    pub fn flush_drafts(self) {
        let mut waiting = Vec::new();
        self.private.update_value(|private| waiting = private.draft_timers.drain().map(|(p, _)| p).collect());
        for path in waiting {
            self.keep_draft(&path);
        }
    }

    /// Note in the list of files whether the engine keeps an unsaved edit of one.
    fn mark_draft(self, path: &str, has_draft: bool) {
        let differs = self.files.with_untracked(|files| {
            let at = files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
            (files[at].has_draft != has_draft).then_some(at)
        });
        if let Some(at) = differs {
            self.files.update(|files| Arc::make_mut(files)[at].has_draft = has_draft);
        }
    }

    pub(super) fn forget_draft(self, path: &str) {
        self.private.update_value(|private| {
            private.draft_timers.remove(path);
            private.drafted.remove(path);
        });
        self.mark_draft(path, false);
        let Some(workspace) = self.open_id() else { return };
        let forgotten = self.call(PutDraft { workspace, path: path.to_owned(), blob: None });
        self.act(forgotten);
    }

    /// Save a file.
    pub fn save(self, path: &str) {
        let path = path.to_owned();
        self.act(async move { self.save_now(&path, true).await });
    }

    /// Save every file with unsaved changes.
    pub fn save_all(self) {
        let mut paths = editor::dirty_paths();
        let tabs = self
            .layout
            .with_untracked(|layout| layout.groups.iter().flat_map(|g| g.tabs.clone()).collect::<Vec<_>>());
        paths.extend(untrack(|| {
            tabs.into_iter().filter(|path| self.is_kept_unseen(path)).collect::<Vec<_>>()
        }));
        for path in paths {
            self.act(async move {
                self.read_now(&path).await?;
                self.save_now(&path, true).await
            });
        }
    }

    /// Whether a file has text that is not saved: typed since its tab was looked at, or kept since before a reload.
    #[must_use]
    pub fn is_unsaved(self, path: &str) -> bool {
        self.dirty.with(|dirty| dirty.contains(path)) || self.is_kept_unseen(path)
    }

    /// Unsaved text was kept through a reload, and its document is opened only when it is looked at.
    fn is_kept_unseen(self, path: &str) -> bool {
        let is_open = self.docs.with(|docs| matches!(docs.get(path), Some(DocState::Ready)));
        let has_draft = |files: &[protocol::FileInfo]| {
            files.binary_search_by(|file| file.path.as_str().cmp(path)).is_ok_and(|at| files[at].has_draft)
        };
        !is_open && self.files.with(|files| has_draft(files))
    }

    /// What a person has typed into a file and not saved.
    ///
    /// # Errors
    /// The engine's fault.
    pub async fn unsaved_bytes(self, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        if untrack(|| self.is_kept_unseen(path)) {
            self.read_now(path).await?;
        }
        Ok(editor::document(path).filter(editor::Document::is_dirty).map(|document| document.bytes()))
    }

    /// Save a file; with `careful`, ask when somebody changed it meanwhile.
    ///
    /// # Errors
    /// The engine's fault, unless it became a question.
    pub async fn save_now(self, path: &str, careful: bool) -> Result<(), Fault> {
        let visit = self.visit();
        // The hash that a save is careful about comes with the answer to the one before it.
        let turn = self.private.with_value(|private| private.saves.clone()).wait(path).await;
        if visit.is_over() {
            return Ok(());
        }
        let Some(document) = editor::document(path) else { return Ok(()) };
        if let Some(why) = document.read_only() {
            return Err(Fault::new(FaultCode::ReadOnly, why));
        }
        if !document.is_dirty() {
            return Ok(());
        }
        let bytes = document.bytes();
        let mark = self.private.with_value(|private| private.unanswered.mark(path));
        let expect = self.private.with_value(|private| private.hashes.get(path).copied());
        let expect = expect.filter(|_| careful);
        let call = WriteFile { workspace: self.here()?, path: path.to_owned(), blob: Blob(0), expect };
        let written = match self.call_bytes(call, &bytes).await {
            Err(fault) if fault.code == FaultCode::Conflict && careful && !visit.is_over() => {
                self.ask_conflict(path);
                return Ok(());
            }
            outcome => outcome?,
        };
        if visit.is_over() {
            return Ok(());
        }
        self.private.update_value(|private| {
            private.hashes.insert(path.to_owned(), written.hash);
            private.drafted.remove(path);
            private.draft_timers.remove(path);
            private.unanswered.answered(path, mark);
        });
        document.mark_saved(&bytes);
        self.mark_draft(path, false);
        drop(turn);
        self.wrote(path).await
    }

    fn ask_conflict(self, path: &str) {
        let (overwrite, reload, compare) = (path.to_owned(), path.to_owned(), path.to_owned());
        self.dialog.set(Some(Dialog::Question(Question {
            title: format!("{} changed since you opened it", file_name(path)),
            body: "Somebody saved this file in the meantime. Saving now would replace what they wrote."
                .into(),
            answers: vec![
                Answer::new("Compare", false, move || {
                    self.dialog.set(Some(Dialog::Compare(compare.clone())))
                }),
                Answer::new("Drop my changes", true, move || self.reload(&reload)),
                Answer::new("Save over it", true, move || {
                    let path = overwrite.clone();
                    self.act(async move { self.save_now(&path, false).await });
                }),
            ],
        })));
    }

    /// Ask, then drop the unsaved changes of a file.
    pub fn revert(self, path: &str) {
        let Some(document) = editor::document(path).filter(editor::Document::is_dirty) else {
            self.toasts.say(Weight::Info, "There are no unsaved changes to drop in this file.");
            return;
        };
        let path = document.path();
        self.dialog.set(Some(Dialog::Question(Question {
            title: format!("Drop your changes to {}?", file_name(&path)),
            body: "The file goes back to how it was saved. In the editor, undo brings your changes back."
                .into(),
            answers: vec![Answer::new("Drop changes", true, move || {
                if let Some(document) = editor::document(&path) {
                    document.revert();
                }
            })],
        })));
    }
}
