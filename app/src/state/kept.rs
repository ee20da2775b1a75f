//! The workspaces that are kept on this device: listed, renamed, deleted.

use leptos::prelude::*;
use protocol::{DeleteWorkspace, Fault, ListWorkspaces, RenameWorkspace, WorkspaceId, WorkspaceInfo};

use super::App;
use super::dialog::{Answer, Dialog, Question};

/// An id that no other tab chooses in the same millisecond.
pub(super) fn new_id() -> WorkspaceId {
    let (now_ms, apart) = (js_sys::Date::now(), js_sys::Math::random());
    WorkspaceId(now_ms as u64 * 1000 + (apart * 1000.0) as u64)
}

impl App {
    pub(super) async fn list_kept(self) -> Result<Vec<WorkspaceInfo>, Fault> {
        let mut kept = self.call(ListWorkspaces).await?;
        kept.sort_by_key(|info| std::cmp::Reverse(info.opened_unix_ms));
        self.kept.set(Some(kept.clone()));
        Ok(kept)
    }

    /// Ask the engine again which workspaces are kept.
    pub fn refresh_kept(self) {
        self.act(async move { self.list_kept().await.map(|_| ()) });
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
        super::parting::forget(id);
        crate::platform::forget_folder(id).await;
        self.list_kept().await.map(|_| ())
    }
}
