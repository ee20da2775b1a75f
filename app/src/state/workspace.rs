//! Workspaces: opening, adopting, leaving; who writes; the file tree; what is too much for the device.

use std::collections::HashMap;
use std::sync::Arc;

use leptos::prelude::*;
use protocol::{
    Access, CreateWorkspace, DeleteWorkspace, Fault, FaultCode, ListFiles, OpenWorkspace, Opened,
    PauseEmbedding, Reindex, WorkspaceId, WorkspaceInfo,
};

use super::App;
use super::dialog::Dialog;
use super::kept::new_id;
use super::layout::Layout;
use super::settings::{last_workspace, set_last_workspace};
use super::toast::{Offer, Weight};
use super::tree::Tree;
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
        if opened.access == Access::Writer {
            self.take_what_was_written_down(id).await;
        }
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
            private.unanswered.clear();
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
            if let Some(workspace) = self.open_id() {
                self.take_what_was_written_down(workspace).await;
            }
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
