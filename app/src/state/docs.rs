//! Open files: reading them, keeping their unsaved text safe, saving, reverting.

use gloo_timers::callback::Timeout;
use js_sys::ArrayBuffer;
use leptos::prelude::*;
use protocol::{
    Blob, ContentKind, Fault, FaultCode, FileText, Outline, Pos, PutDraft, ReadFile, Span, SymbolInfo,
    WriteFile,
};

use super::dialog::{Answer, Dialog, Question};
use super::toast::Weight;
use super::tree::file_name;
use super::{App, Place, buffer, bytes_of};
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

const DRAFT_MS: u32 = 500;
/// Pause before an unsaved text is sent again that the engine did not take, milliseconds.
const DRAFT_AGAIN_MS: u32 = 2000;
const READER: &str = "Another tab of this browser writes to this workspace. Close it to edit here.";

impl App {
    /// Show a file, at a place in it if one is given.
    pub fn show(self, path: &str, span: Option<Span>, place: Place) {
        let is_narrow = crate::platform::media::matches("(max-width: 640px)");
        self.layout.update(|layout| match place {
            Place::Preview => layout.open(layout.focused, path, true),
            // A narrow window shows one group; what lies beside it would be out of reach.
            Place::Beside if !is_narrow => layout.open_beside(path),
            Place::Here | Place::Beside => layout.open(layout.focused, path, false),
        });
        // Reads it, and lets go of the preview that it took the place of.
        self.drop_closed();
        let pane = self.panes[self.layout.with_untracked(|layout| layout.focused)];
        if let Some(span) = span {
            self.reveal(pane, path, span);
        }
        if is_narrow {
            self.side_open.set(false);
        }
    }

    /// Show a file with the cursor at the start of a line, counted from zero.
    pub fn show_line(self, path: &str, line: u32, place: Place) {
        let pos = Pos { line, utf16: 0 };
        self.show(path, Some(Span { start: pos, end: pos }), place);
    }

    /// Reveal once the pane shows the path: now when it does, else after the file was read and the view has changed.
    fn reveal(self, pane: editor::Pane, path: &str, span: Span) {
        let path = path.to_owned();
        leptos::task::spawn_local(async move {
            for _ in 0..200 {
                gloo_timers::future::TimeoutFuture::new(0).await;
                let state = self.docs.with_untracked(|docs| docs.get(&path).cloned());
                match state {
                    Some(DocState::Ready) if pane.path().as_deref() == Some(&path) => {
                        pane.reveal(span);
                        // A place without extent is a line to go to, not a hit to mark.
                        let is_hit = span.start != span.end;
                        pane.mark(if is_hit { std::slice::from_ref(&span) } else { &[] });
                        return;
                    }
                    Some(DocState::Failed(_) | DocState::Binary(_)) => return,
                    _ => gloo_timers::future::TimeoutFuture::new(20).await,
                }
            }
        });
    }

    /// Somebody asks for the keyboard: who asked before and did not get it yet does without. Gives the number of asking.
    pub fn ask_for_keyboard(self) -> u64 {
        self.private.update_value(|private| private.asked_for_keyboard += 1);
        self.private.with_value(|private| private.asked_for_keyboard)
    }

    /// Give the query field the keyboard.
    pub fn focus_search(self) {
        self.ask_for_keyboard();
        self.search.focus.update(|n| *n += 1);
    }

    /// Give the focused editor the keyboard, as soon as it shows the active file.
    pub fn focus_editor(self) {
        let asked = self.ask_for_keyboard();
        let (group, active) = self.layout.with_untracked(|l| (l.focused, l.active().map(str::to_owned)));
        let pane = self.panes[group];
        // At once where it can be, for the next key may come right away.
        let is_on_show =
            active.is_some() && pane.path() == active && self.dialog.with_untracked(Option::is_none);
        if is_on_show {
            pane.focus();
        }
        leptos::task::spawn_local(async move {
            // And after the reveal of the same key press.
            gloo_timers::future::TimeoutFuture::new(30).await;
            let Some(path) = active else { return };
            for _ in 0..200 {
                let now = self.layout.with_untracked(|l| (l.focused, l.active().map(str::to_owned)));
                let is_late = self.private.with_value(|private| private.asked_for_keyboard != asked);
                if is_late
                    || now != (group, Some(path.clone()))
                    || self.dialog.with_untracked(Option::is_some)
                {
                    return;
                }
                match self.docs.with_untracked(|docs| docs.get(&path).cloned()) {
                    Some(DocState::Ready) if pane.path().as_deref() == Some(&path) => {
                        // What was opened inside the editor since, like its search, keeps the keyboard.
                        if !(is_on_show && pane.has_keyboard()) {
                            pane.focus();
                        }
                        return;
                    }
                    Some(DocState::Failed(_) | DocState::Binary(_)) => return,
                    _ => gloo_timers::future::TimeoutFuture::new(20).await,
                }
            }
        });
    }

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
                });
            }
        });
        self.private.update_value(|private| private.watch = Some(watch));
    }

    /// Send the unsaved text of a file to the engine, which keeps it through a reload.
    fn keep_draft(self, path: &str) {
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
                let again = Timeout::new(DRAFT_AGAIN_MS, move || self.keep_draft(&path));
                again.forget();
            }
            outcome.map(|_| ())
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

    /// Save a file.
    pub fn save(self, path: &str) {
        let path = path.to_owned();
        self.act(async move { self.save_now(&path, true).await });
    }

    /// Save every file with unsaved changes.
    pub fn save_all(self) {
        for path in editor::dirty_paths() {
            self.save(&path);
        }
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
        });
        document.mark_saved(&bytes);
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

    /// Close a tab. A file with unsaved changes that has no other tab is asked about first.
    pub fn close_tab(self, group: usize, path: &str) {
        let others = self.layout.with_untracked(|layout| {
            layout.groups.iter().enumerate().any(|(n, g)| n != group && g.tabs.iter().any(|p| p == path))
        });
        let dirty = self.dirty.with_untracked(|dirty| dirty.contains(path));
        if dirty && !others {
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

    fn forget_draft(self, path: &str) {
        self.private.update_value(|private| {
            private.draft_timers.remove(path);
            private.drafted.remove(path);
        });
        let Some(workspace) = self.open_id() else { return };
        let forgotten = self.call(PutDraft { workspace, path: path.to_owned(), blob: None });
        self.act(forgotten);
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
