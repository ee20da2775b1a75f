//! Open files: read into the editor, watched, read again, closed.

use gloo_timers::callback::Timeout;
use js_sys::ArrayBuffer;
use leptos::prelude::*;
use protocol::{Blob, ContentKind, Fault, FaultCode, FileText, Outline, Pos, ReadFile, Span, SymbolInfo};

use super::dialog::{Answer, Dialog, Question};
use super::saves::DRAFT_MS;
use super::tree::file_name;
use super::{App, bytes_of};
use crate::editor::{self, Opening};

/// What became of reading a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocState {
    /// On its way.
    Loading,
    /// The editor has it.
    Ready,
    /// Not a text; its size in bytes.
    Binary(u64),
    /// The sentence says why it cannot be shown.
    Failed(String),
}

const READER: &str = "Another tab of this browser writes to this workspace. Close it to edit here.";

impl App {
    /// Read a file into the editor unless it is there already.
    pub fn load(self, path: &str) {
        let known = self.docs.with_untracked(|docs| match docs.get(path) {
            Some(DocState::Failed(_)) | None => false,
            Some(_) => true,
        });
        if known {
            return;
        }
        let Some(workspace) = self.open_id() else { return };
        self.set_doc(path, DocState::Loading);
        let path = path.to_owned();
        let visit = self.visit();
        let reading = self.engine().call_with(ReadFile { workspace, path: path.clone() }, Vec::new());
        leptos::task::spawn_local(async move {
            let outcome = reading.await;
            // The workspace may have been left, the tab closed, the file renamed: then nobody waits for this text, and
            // a document of it would be found by whoever opens the path next.
            let waits = self.docs.with_untracked(|docs| docs.get(&path) == Some(&DocState::Loading));
            if visit.is_over() || !waits {
                return;
            }
            let state = outcome.and_then(|(file, blobs)| self.take_file(&path, &file, &blobs));
            self.set_doc(&path, state.unwrap_or_else(|fault| DocState::Failed(fault.sentence)));
        });
    }

    /// Read a file into the editor, unless it is there, for what is to be done with it at once.
    ///
    /// # Errors
    /// The engine's fault.
    pub(super) async fn read_now(self, path: &str) -> Result<(), Fault> {
        if editor::document(path).is_some() {
            return Ok(());
        }
        let (workspace, visit) = (self.here()?, self.visit());
        let call = ReadFile { workspace, path: path.to_owned() };
        let (file, blobs) = self.engine().call_with(call, Vec::new()).await?;
        if visit.is_over() || editor::document(path).is_some() {
            return Ok(());
        }
        let state = self.take_file(path, &file, &blobs)?;
        self.set_doc(path, state);
        Ok(())
    }

    /// Hand a file that was read to the editor.
    fn take_file(self, path: &str, file: &FileText, blobs: &[ArrayBuffer]) -> Result<DocState, Fault> {
        let missing = || Fault::new(FaultCode::Internal, "The engine sent a file without its content.");
        let at = |blob: Blob| blobs.get(blob.0 as usize).map(bytes_of).ok_or_else(missing);
        self.private.update_value(|private| {
            private.hashes.insert(path.to_owned(), file.hash);
            if file.draft.is_some() {
                private.drafted.insert(path.to_owned());
            }
        });
        if file.info.content == ContentKind::Binary {
            return Ok(DocState::Binary(file.info.bytes));
        }
        let bytes = at(file.blob)?;
        let draft = file.draft.map(at).transpose()?;
        let reader = self.access.get_untracked() == Some(protocol::Access::Reader);
        editor::open_document(&Opening {
            path,
            bytes: &bytes,
            draft: draft.as_deref(),
            language: &file.info.language,
            read_only: reader.then(|| READER.to_owned()),
        });
        Ok(DocState::Ready)
    }

    /// The same for a file that is open already: its text and its undo stack go, its place stays.
    fn take_file_anew(self, path: &str, file: &FileText, blobs: &[ArrayBuffer]) -> Result<DocState, Fault> {
        let place = self.private.with_value(|private| private.cursors.get(path).copied());
        let showing = self.panes.map(|pane| pane.path().as_deref() == Some(path));
        editor::close_document(path);
        let state = self.take_file(path, file, blobs)?;
        for (pane, _) in self.panes.into_iter().zip(showing).filter(|(_, shows)| *shows) {
            if let Some((line, utf16)) = place {
                let pos = Pos { line, utf16 };
                pane.begin_at(path, Span { start: pos, end: pos });
            }
            // For the view it is the same path as before, and nothing to do.
            pane.show(Some(path));
        }
        Ok(state)
    }

    fn set_doc(self, path: &str, state: DocState) {
        self.docs.update(|docs| {
            docs.insert(path.to_owned(), state);
        });
    }

    pub(super) fn watch_documents(self) {
        let watch = editor::watch_documents(move |change| {
            let known = self.dirty.with_untracked(|dirty| dirty.contains(&change.path));
            if known != change.dirty {
                self.dirty.update(|dirty| {
                    if change.dirty {
                        dirty.insert(change.path.clone());
                    } else {
                        dirty.remove(&change.path);
                    }
                });
            }
            if change.dirty {
                let is_preview = self
                    .layout
                    .with_untracked(|l| l.groups.iter().any(|g| g.preview.as_ref() == Some(&change.path)));
                if is_preview {
                    self.layout.update(|layout| layout.keep(&change.path));
                }
            }
            let drafted = self.private.with_value(|private| private.drafted.contains(&change.path));
            if change.dirty || drafted {
                let path = change.path.clone();
                let timer = Timeout::new(DRAFT_MS, move || self.keep_draft(&path));
                self.private.update_value(|private| {
                    private.draft_timers.insert(change.path.clone(), timer);
                    private.unanswered.changed(&change.path);
                });
            }
        });
        self.private.update_value(|private| private.watch = Some(watch));
    }

    /// Read a file anew, dropping unsaved changes.
    pub fn reload(self, path: &str) {
        if let Some(document) = editor::document(path) {
            document.revert();
        }
        let path = path.to_owned();
        self.act(async move { self.refresh_doc(&path).await });
    }

    /// Take over what is saved now, keeping unsaved changes.
    ///
    /// # Errors
    /// The engine's fault.
    pub async fn refresh_doc(self, path: &str) -> Result<(), Fault> {
        let (workspace, visit) = (self.here()?, self.visit());
        let call = ReadFile { workspace, path: path.to_owned() };
        let (file, blobs) = self.engine().call_with(call, Vec::new()).await?;
        if visit.is_over() {
            return Ok(());
        }
        let (Some(document), Some(blob)) = (editor::document(path), blobs.get(file.blob.0 as usize)) else {
            return Ok(());
        };
        self.private.update_value(|private| {
            private.hashes.insert(path.to_owned(), file.hash);
        });
        document.refresh(&bytes_of(blob));
        Ok(())
    }

    /// Take over what is saved now in every open file that exists still, for instance after an import.
    ///
    /// # Errors
    /// The engine's fault.
    pub(super) async fn refresh_docs(self) -> Result<(), Fault> {
        for path in self.docs.with_untracked(|docs| docs.keys().cloned().collect::<Vec<_>>()) {
            match self.refresh_doc(&path).await {
                Err(fault) if fault.code == FaultCode::NotFound => {}
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Read every open file as another tab left it, with its unsaved edit. Only what was typed in this tab stays.
    pub(super) async fn read_documents_again(self) {
        let visit = self.visit();
        for path in self.docs.with_untracked(|docs| docs.keys().cloned().collect::<Vec<_>>()) {
            let Some(workspace) = self.open_id() else { return };
            let call = ReadFile { workspace, path: path.clone() };
            let outcome = self.engine().call_with(call, Vec::new()).await;
            if visit.is_over() {
                return;
            }
            // Its tab was closed, or it is still being read: the answer comes from the engine that writes now.
            if self.docs.with_untracked(|docs| docs.get(&path).is_none_or(|s| *s == DocState::Loading)) {
                continue;
            }
            let own = self.private.with_value(|private| private.own_edits.contains(&path));
            let state = outcome.and_then(|(file, blobs)| {
                let saved = blobs.get(file.blob.0 as usize);
                match (editor::document(&path), saved) {
                    (Some(document), Some(saved))
                        if own || (file.draft.is_none() && !document.is_dirty()) =>
                    {
                        self.private.update_value(|private| {
                            private.hashes.insert(path.clone(), file.hash);
                        });
                        document.refresh(&bytes_of(saved));
                        Ok(DocState::Ready)
                    }
                    _ => self.take_file_anew(&path, &file, &blobs),
                }
            });
            let state = state.unwrap_or_else(|fault| {
                editor::close_document(&path);
                DocState::Failed(fault.sentence)
            });
            self.set_doc(&path, state);
        }
    }

    /// Close a tab. A file with unsaved changes that has no other tab is asked about first.
    pub fn close_tab(self, group: usize, path: &str) {
        let others = self.layout.with_untracked(|layout| {
            layout.groups.iter().enumerate().any(|(n, g)| n != group && g.tabs.iter().any(|p| p == path))
        });
        if untrack(|| self.is_unsaved(path)) && !others {
            let (save, drop) = (path.to_owned(), path.to_owned());
            self.dialog.set(Some(Dialog::Question(Question {
                title: format!("Save your changes to {}?", file_name(path)),
                body: "They are lost if you close the file without saving.".into(),
                answers: vec![
                    Answer::new("Don’t save", true, move || {
                        self.forget_draft(&drop);
                        self.close_now(group, &drop);
                    }),
                    Answer::new("Save", false, move || {
                        let path = save.clone();
                        self.act(async move {
                            self.read_now(&path).await?;
                            self.save_now(&path, true).await?;
                            if editor::document(&path).is_none_or(|document| !document.is_dirty()) {
                                self.close_now(group, &path);
                            }
                            Ok(())
                        });
                    }),
                ],
            })));
        } else {
            self.close_now(group, path);
        }
    }

    fn close_now(self, group: usize, path: &str) {
        self.layout.update(|layout| layout.close(group, path));
        // Opened anew, it is shown anew.
        if self.tree_followed.with_untracked(|followed| followed.as_deref() == Some(path)) {
            self.tree_followed.set(None);
        }
        self.drop_closed();
    }

    /// Forget documents that have no tab any more.
    pub(super) fn drop_closed(self) {
        let gone: Vec<String> = self.docs.with_untracked(|docs| {
            self.layout.with_untracked(|layout| docs.keys().filter(|p| !layout.has(p)).cloned().collect())
        });
        for path in &gone {
            editor::close_document(path);
        }
        if !gone.is_empty() {
            self.docs.update(|docs| docs.retain(|path, _| !gone.contains(path)));
            self.dirty.update(|dirty| dirty.retain(|path| !gone.contains(path)));
        }
        // A tab that was restored or came to the front may not have been read yet.
        for path in self
            .layout
            .with_untracked(|l| l.groups.iter().filter_map(|g| g.active.clone()).collect::<Vec<_>>())
        {
            self.load(&path);
        }
    }

    pub(super) fn set_documents_read_only(self, reader: bool) {
        for document in editor::documents() {
            document.set_read_only(reader.then(|| READER.to_owned()));
        }
    }

    /// Definitions in a file, for the outline and breadcrumbs.
    ///
    /// # Errors
    /// The engine's fault.
    pub async fn outline(self, path: &str) -> Result<Vec<SymbolInfo>, Fault> {
        self.call(Outline { workspace: self.here()?, path: path.to_owned() }).await
    }
}
