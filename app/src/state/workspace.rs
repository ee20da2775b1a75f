//! Workspaces: opening, keeping, renaming, deleting; their files; what the page restores when one is opened again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use protocol::{
    Access, CreateWorkspace, DeleteWorkspace, Fault, FaultCode, GetSetting, ListFiles, ListWorkspaces,
    OpenWorkspace, Opened, PauseEmbedding, PutSetting, Reindex, RemovePath, RenamePath, RenameWorkspace,
    SetFocus, WorkspaceId, WorkspaceInfo,
};
use serde::{Deserialize, Serialize};

use super::dialog::{Answer, Dialog, Question};
use super::layout::Layout;
use super::search::Asked;
use super::settings::{last_workspace, set_last_workspace};
use super::toast::{Offer, Weight};
use super::tree::{Tree, ancestors, file_name};
use super::{App, DocState, Side};
use crate::editor;

/// Which of the big screens shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Looking for the workspace that was open last.
    Starting,
    /// No workspace is open.
    Start,
    /// This one is being opened.
    Opening(String),
    /// A workspace is open.
    Open,
}

/// What a workspace looked like, kept with it as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct View {
    pub(super) layout: Layout,
    pub(super) side: Side,
    pub(super) side_width_px: f64,
    pub(super) folders: Vec<String>,
    /// Line and column of the cursor in files with a tab, zero-based.
    #[serde(default)]
    pub(super) cursors: BTreeMap<String, (u32, u32)>,
    /// What the search panel held.
    pub(super) asked: Asked,
    /// What the chat panel wants back, in its own words.
    pub(super) chat: String,
}

const VIEW_KEY: &str = "view";
/// An id that no other tab chooses in the same millisecond.
pub(super) fn new_id() -> WorkspaceId {
    let (now_ms, apart) = (js_sys::Date::now(), js_sys::Math::random());
    WorkspaceId(now_ms as u64 * 1000 + (apart * 1000.0) as u64)
}

const QUOTA_SHARE: f64 = 0.8;

impl App {
    /// Show the workspace that was open last, or the start screen.
    pub(super) fn begin(self) {
        leptos::task::spawn_local(async move {
            let kept = match self.list_kept().await {
                Ok(kept) => kept,
                Err(fault) => {
                    self.toasts.fault(&fault);
                    Vec::new()
                }
            };
            // A person may have opened something by now.
            if self.phase.get_untracked() != Phase::Starting {
                return;
            }
            match last_workspace().and_then(|last| kept.iter().find(|info| info.id.0 == last)) {
                Some(info) => self.open_workspace(info),
                None => self.phase.set(Phase::Start),
            }
        });
    }

    async fn list_kept(self) -> Result<Vec<WorkspaceInfo>, Fault> {
        let mut kept = self.call(ListWorkspaces).await?;
        kept.sort_by_key(|info| std::cmp::Reverse(info.opened_unix_ms));
        self.kept.set(Some(kept.clone()));
        Ok(kept)
    }

    /// Ask the engine again which workspaces are kept.
    pub fn refresh_kept(self) {
        self.act(async move { self.list_kept().await.map(|_| ()) });
    }

    /// Open a kept workspace.
    pub fn open_workspace(self, info: &WorkspaceInfo) {
        let opening = self.switch(&info.name, OpenWorkspace { id: info.id }, Vec::new());
        self.act(async move { opening.await.map(|_| ()) });
    }

    /// Make an empty workspace and open it.
    ///
    /// # Errors
    /// The engine's fault.
    pub async fn create_workspace(self, name: &str) -> Result<WorkspaceId, Fault> {
        let id = new_id();
        let outcome = self.switch(name, CreateWorkspace { id, name: name.to_owned() }, Vec::new()).await;
        if outcome.as_ref().is_err_and(|fault| fault.code == FaultCode::Cancelled) {
            // It was made all the same, and nobody wants to find it empty among the kept ones.
            let _may_not_be_there = self.call(DeleteWorkspace { id }).await;
            self.refresh_kept();
        }
        outcome
    }

    /// Show a workspace that the engine has just opened.
    pub(super) async fn adopt(self, opened: Opened) {
        let visit = self.visit();
        let id = opened.info.id;
        self.engine().set_current(Some(id));
        set_last_workspace(Some(id.0));
        self.opened.set(Some(opened.info));
        self.set_access(opened.access);
        self.look_for_folder(id).await;
        for notice in &opened.notices {
            self.tell_once(notice);
        }
        let listed = self.refresh_files().await;
        if visit.is_over() {
            return;
        }
        if let Err(fault) = listed {
            self.toasts.fault(&fault);
        }
        self.restore_view().await;
        if visit.is_over() {
            return;
        }
        self.phase.set(Phase::Open);
        self.start_models();
        self.refresh_kept();
        if !crate::platform::media::matches("(max-width: 640px)") {
            editor::preload_editor();
        }
    }

    /// Close what belongs to the open workspace; its unsaved edits were or are being kept by the engine.
    pub(super) fn leave(self) {
        self.flush_drafts();
        self.flush_view();
        self.visit().end();
        self.tree_followed.set(None);
        self.tree_focus.set(None);
        self.private.update_value(|private| {
            private.visit = super::visit::Visit::default();
            private.layout_timer = None;
            private.cursor_timer = None;
            private.cursors.clear();
            private.told.clear();
            private.hashes.clear();
            private.drafted.clear();
            private.own_edits.clear();
            private.search_timer = None;
            private.search_task = None;
            private.behind = super::disk::Behind::default();
        });
        self.forget_disk();
        self.opened.set(None);
        self.access.set(None);
        self.importing.set(None);
        self.layout.set(Layout::default());
        for path in self.docs.with_untracked(|docs| docs.keys().cloned().collect::<Vec<_>>()) {
            editor::close_document(&path);
        }
        self.docs.set(HashMap::new());
        self.dirty.update(std::collections::HashSet::clear);
        self.cursor.set(None);
        self.files.set(Arc::default());
        self.tree.set(Arc::default());
        self.folders.update(std::collections::HashSet::clear);
        self.search.clear();
        self.chat.clear();
    }

    pub(super) fn set_access(self, access: Access) {
        let before = self.access.get_untracked();
        if self.opened.with_untracked(Option::is_none) || before == Some(access) {
            return;
        }
        if before == Some(Access::Reader) && access == Access::Writer {
            return self.take_over();
        }
        if before == Some(Access::Writer) {
            // The engine was started again and another tab was faster: what was typed here is still here.
            let own = editor::dirty_paths().into_iter().collect();
            self.private.update_value(|private| private.own_edits = own);
        }
        self.access.set(Some(access));
        self.set_documents_read_only(access == Access::Reader);
    }

    /// The other tab was closed. What it left, unsaved edits included, is read before anything can be typed over it.
    fn take_over(self) {
        let visit = self.visit();
        self.act(async move {
            let listed = self.refresh_files().await;
            self.read_documents_again().await;
            if visit.is_over() {
                return Ok(());
            }
            self.access.set(Some(Access::Writer));
            self.set_documents_read_only(false);
            self.toasts.say(Weight::Done, "The other tab was closed. You can edit here now.");
            listed
        });
    }

    /// Ask the engine for the file tree.
    ///
    /// # Errors
    /// The engine's fault.
    pub async fn refresh_files(self) -> Result<(), Fault> {
        let (workspace, visit) = (self.here()?, self.visit());
        let files = self.call(ListFiles { workspace }).await?;
        if visit.is_over() {
            return Ok(());
        }
        let tree = Tree::new(&files);
        if let [only] = tree.top()
            && self.files.with_untracked(|files| files.is_empty())
            && let Some(node) = tree.node(*only)
        {
            // A lone folder at the top is not worth a click.
            self.folders.update(|folders| {
                folders.insert(node.path.clone());
            });
        }
        self.tree.set(Arc::new(tree));
        self.files.set(Arc::new(files));
        Ok(())
    }

    async fn restore_view(self) {
        let (Some(workspace), visit) = (self.open_id(), self.visit()) else { return };
        let kept = self.call(GetSetting { workspace, key: VIEW_KEY.into() }).await;
        if visit.is_over() {
            return;
        }
        let Ok(kept) = kept else { return };
        let Some(kept) = kept else {
            // Whoever opens a project for the first time wants to see what is in it, whatever panel was left open or
            // put away in the one before.
            self.side.set(Side::default());
            if !crate::platform::media::matches("(max-width: 640px)") {
                self.side_open.set(true);
            }
            return;
        };
        let Ok(view) = serde_json::from_str::<View>(&kept) else { return };
        let files = self.files.get_untracked();
        let exists = |path: &str| files.binary_search_by(|file| file.path.as_str().cmp(path)).is_ok();
        self.side.set(view.side);
        if view.side_width_px >= 160.0 {
            self.side_width_px.set(view.side_width_px);
        }
        self.folders.update(|folders| folders.extend(view.folders));
        for (path, &(line, utf16)) in &view.cursors {
            let pos = protocol::Pos { line, utf16 };
            for pane in self.panes {
                pane.begin_at(path, protocol::Span { start: pos, end: pos });
            }
        }
        self.private.update_value(|private| private.cursors = view.cursors);
        self.layout.set(view.layout.repaired(exists));
        // The keyboard goes to the file in use, whose folders are open or closed as they were left. A tree that was
        // away has not followed to that file yet.
        if view.side == Side::Explorer && self.side_open.get_untracked() {
            let active = self.layout.with_untracked(|layout| layout.active().map(str::to_owned));
            self.tree_focus.set(active.clone());
            self.tree_followed.set(active);
        }
        self.drop_closed();
        self.ask_again(view.asked);
        self.chat.kept.set(view.chat);
    }

    fn view(self) -> View {
        let layout = self.layout.get_untracked();
        let mut cursors = self.private.with_value(|private| private.cursors.clone());
        cursors.retain(|path, _| layout.has(path));
        View {
            side: self.side.get_untracked(),
            side_width_px: self.side_width_px.get_untracked(),
            folders: self.folders.get_untracked().into_iter().collect(),
            layout,
            cursors,
            asked: untrack(|| self.search.to_keep()),
            chat: self.chat.kept.get_untracked(),
        }
    }

    /// Write down what stands where, once nothing changed for a moment.
    pub(super) fn keep_view(self) {
        let (Phase::Open, Some(workspace)) = (self.phase.get_untracked(), self.open_id()) else { return };
        let timer = Timeout::new(400, move || {
            self.private.update_value(|private| private.layout_timer = None);
            if self.open_id() != Some(workspace) {
                return;
            }
            self.write_view(workspace);
            let paths = self.layout.with_untracked(Layout::paths);
            let only_a_hint = self.call(SetFocus { workspace, paths });
            leptos::task::spawn_local(async move {
                let _told = only_a_hint.await;
            });
        });
        self.private.update_value(|private| private.layout_timer = Some(timer));
    }

    /// Write down a cursor or a layout that changed and would have waited.
    pub(super) fn flush_view(self) {
        let mut waited = false;
        self.private.update_value(|private| {
            let (cursor, layout) = (private.cursor_timer.take(), private.layout_timer.take());
            waited = cursor.is_some() || layout.is_some();
        });
        if let (true, Some(workspace)) = (waited, self.open_id()) {
            self.write_view(workspace);
        }
    }

    fn write_view(self, workspace: WorkspaceId) {
        let value = serde_json::to_string(&self.view()).ok();
        let written = self.call(PutSetting { workspace, key: VIEW_KEY.into(), value });
        leptos::task::spawn_local(async move {
            // A second tab may not write; then its view is simply not kept.
            let _read_only = written.await;
        });
    }

    /// The cursor of the focused editor moved: shown at once, written down when it rests.
    pub fn cursor_moved(self, cursor: crate::editor::Cursor) {
        let (path, place) = (cursor.path.clone(), (cursor.pos.line, cursor.pos.utf16));
        self.cursor.set(Some(cursor));
        if self.phase.get_untracked() != Phase::Open {
            return;
        }
        let timer = Timeout::new(2000, move || self.flush_view());
        self.private.update_value(|private| {
            private.cursors.insert(path, place);
            private.cursor_timer = Some(timer);
        });
    }

    /// Give a kept workspace another name.
    pub fn rename_workspace(self, id: WorkspaceId, name: String) {
        self.act(async move {
            self.call(RenameWorkspace { id, name: name.clone() }).await?;
            self.opened.update(|opened| {
                if let Some(opened) = opened.as_mut().filter(|opened| opened.id == id) {
                    opened.name = name;
                }
            });
            self.list_kept().await.map(|_| ())
        });
    }

    /// Ask, then delete a kept workspace.
    pub fn ask_delete_workspace(self, info: &WorkspaceInfo) {
        let id = info.id;
        let files = if info.num_files == 1 { "1 file".into() } else { format!("{} files", info.num_files) };
        self.dialog.set(Some(Dialog::Question(Question {
            title: format!("Delete “{}”?", info.name),
            body: format!(
                "Its {files} and everything Alcove made from them are removed from this browser. The folder that they \
                 came from is not touched. This cannot be undone."
            ),
            answers: vec![Answer::new("Delete", true, move || {
                self.act(async move {
                    self.delete_workspace(id).await
                });
            })],
        })));
    }

    /// Delete a kept workspace with everything in it; when it is open it is closed first.
    ///
    /// # Errors
    /// The engine's fault.
    pub async fn delete_workspace(self, id: WorkspaceId) -> Result<(), Fault> {
        if self.opened.with_untracked(|opened| opened.as_ref().is_some_and(|o| o.id == id)) {
            self.close_workspace();
        }
        self.call(DeleteWorkspace { id }).await?;
        crate::platform::forget_folder(id).await;
        self.list_kept().await.map(|_| ())
    }

    /// Make an empty file.
    pub fn create_file(self, path: String) {
        self.act(async move {
            let exists = self
                .files
                .with_untracked(|files| files.binary_search_by(|f| f.path.as_str().cmp(&path)).is_ok());
            if exists {
                let sentence = format!("{path} is there already. Choose another name.");
                return Err(Fault::new(FaultCode::Exists, sentence));
            }
            let workspace = self.here()?;
            let call =
                protocol::WriteFile { workspace, path: path.clone(), blob: protocol::Blob(0), expect: None };
            let visit = self.visit();
            self.call_bytes(call, &[]).await?;
            if visit.is_over() {
                return Ok(());
            }
            self.wrote(&path).await?;
            self.refresh_files().await?;
            self.unfold(&path);
            self.show(&path, None, super::Place::Here);
            self.focus_editor();
            Ok(())
        });
    }

    /// Open every folder above a path in the tree.
    pub fn unfold(self, path: &str) {
        let above = ancestors(path);
        let missing = self.folders.with_untracked(|folders| above.iter().any(|f| !folders.contains(f)));
        if missing {
            self.folders.update(|folders| folders.extend(above));
        }
    }

    /// Rename or move a file or folder.
    pub fn rename_path(self, from: String, to: String) {
        if from == to {
            return;
        }
        self.act(async move {
            let visit = self.visit();
            self.flush_drafts();
            self.call(RenamePath { workspace: self.here()?, from: from.clone(), to: to.clone() }).await?;
            if visit.is_over() {
                return Ok(());
            }
            let below = format!("{from}/");
            let moved: Vec<(String, String)> = self.docs.with_untracked(|docs| {
                docs.keys()
                    .filter_map(|path| match path.strip_prefix(&below) {
                        Some(rest) => Some((path.clone(), format!("{to}/{rest}"))),
                        None => (*path == from).then(|| (path.clone(), to.clone())),
                    })
                    .collect()
            });
            for (old, new) in moved {
                editor::rename_document(&old, &new);
                self.private.update_value(|private| {
                    if let Some(hash) = private.hashes.remove(&old) {
                        private.hashes.insert(new.clone(), hash);
                    }
                    if private.drafted.remove(&old) {
                        private.drafted.insert(new.clone());
                    }
                });
                self.docs.update(|docs| {
                    // What is still being read under its old name is read again under the new one.
                    if let Some(state) = docs.remove(&old).filter(|state| *state != DocState::Loading) {
                        docs.insert(new.clone(), state);
                    }
                });
                self.dirty.update(|dirty| {
                    if dirty.remove(&old) {
                        dirty.insert(new.clone());
                    }
                });
                self.layout.update(|layout| layout.rename(&old, &new));
            }
            self.drop_closed();
            self.refresh_files().await?;
            self.unfold(&to);
            let id = self.opened.with_untracked(|opened| opened.as_ref().map(|opened| opened.id));
            if let Some(id) = id
                && let Some(folder) = crate::platform::folder_of(id).await
            {
                self.toasts.say(
                    Weight::Info,
                    format!(
                        "Renamed in Alcove. In “{}” on disk {from} keeps its name; saving writes a file {to} beside it.",
                        folder.name()
                    ),
                );
            }
            Ok(())
        });
    }

    /// Ask, then remove a file or folder from the workspace.
    pub fn ask_remove_path(self, path: String, is_folder: bool) {
        let what = if is_folder { "every file in it" } else { "its unsaved changes" };
        self.dialog.set(Some(Dialog::Question(Question {
            title: format!("Delete {}?", file_name(&path)),
            body: format!(
                "{path} and {what} are removed from this workspace. Files on your disk are not touched. This cannot be \
                 undone."
            ),
            answers: vec![Answer::new("Delete", true, move || {
                let path = path.clone();
                self.act(async move {
                    let visit = self.visit();
                    self.call(RemovePath { workspace: self.here()?, path: path.clone() }).await?;
                    if visit.is_over() {
                        return Ok(());
                    }
                    let below = format!("{path}/");
                    self.layout.update(|layout| layout.close_where(|p| p == path || p.starts_with(&below)));
                    self.drop_closed();
                    self.refresh_files().await
                });
            })],
        })));
    }

    /// Pause embedding, or go on.
    pub fn pause_embedding(self, paused: bool) {
        self.act(async move { self.call(PauseEmbedding { workspace: self.here()?, paused }).await });
    }

    /// Build the index again from the files.
    pub fn reindex(self) {
        self.act(async move {
            self.call(Reindex { workspace: self.here()? }).await?;
            self.toasts.say(Weight::Info, "The index is being built again from your files.");
            Ok(())
        });
    }

    /// Start the model workers as the settings say, or end them.
    pub fn start_models(self) {
        let settings = self.settings.get_untracked();
        if settings.embedding {
            self.models().start(settings.models());
        } else {
            self.models().stop();
        }
    }

    pub(super) fn watch_quota(self) {
        let near = Memo::new(move |_| {
            self.status.with(|status| {
                status
                    .quota
                    .is_some_and(|(used, allowed)| allowed > 0 && used as f64 / allowed as f64 >= QUOTA_SHARE)
            })
        });
        Effect::new(move |_| {
            let told = self.private.with_value(|private| private.quota_told);
            if near.get() && !told {
                self.private.update_value(|private| private.quota_told = true);
                let (used, allowed) = self.status.with_untracked(|status| status.quota).unwrap_or_default();
                self.toasts.offer(
                    Weight::Warning,
                    format!(
                        "Alcove uses {} of the {} that this browser allows. Delete a workspace that you no longer need, \
                         or pause embedding; your files are safe either way.",
                        crate::ui::bytes(used),
                        crate::ui::bytes(allowed)
                    ),
                    vec![
                        Offer {
                            label: "Choose workspaces".into(),
                            run: Arc::new(move |()| self.dialog.set(Some(Dialog::Workspaces))),
                        },
                        Offer {
                            label: "Pause embedding".into(),
                            run: Arc::new(move |()| self.pause_embedding(true)),
                        },
                    ],
                );
            } else if !near.get() {
                self.private.update_value(|private| private.quota_told = false);
            }
        });
    }
}
