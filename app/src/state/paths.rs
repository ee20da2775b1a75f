//! Files and folders of the open workspace: made, renamed, removed.

use leptos::prelude::*;
use protocol::{Fault, FaultCode, RemovePath, RenamePath};

use super::dialog::{Answer, Dialog, Question};
use super::toast::Weight;
use super::tree::{ancestors, file_name};
use super::{App, DocState};
use crate::editor;

impl App {
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
}
