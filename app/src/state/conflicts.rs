//! What an import found: told in sentences, with the choices that only a person can make. Files that changed both here
//! and outside are listed until each is decided; files that went from the disk are removed when that is asked for.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::{Fault, FaultCode, Imported, ReadFile, RemoveUnchanged};

use super::dialog::{Answer, Dialog, Question};
use super::toast::{Offer, Weight};
use super::{App, bytes_of};
use crate::editor;
use crate::platform::{self, Picked};

/// Paths named in a question.
const MAX_NAMED: usize = 10;

/// A file of which there is another version than the one in the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Its path.
    pub path: String,
    /// What was brought; `None` when the other version is the one on disk.
    pub brought: Option<Arc<Vec<u8>>>,
}

impl App {
    /// Remember what an import did not take in because it changed here as well.
    pub(super) async fn note_conflicts(self, paths: &[String], picked: &Picked) {
        let mut found = Vec::new();
        for path in paths {
            let brought = picked.bytes(path).await.map(Arc::new);
            found.push(Conflict { path: path.clone(), brought });
        }
        self.add_conflicts(found);
    }

    /// Files changed on disk while they were changed here: ask about all of them at once.
    pub(super) fn tell_changed_on_disk(self, paths: Vec<String>) {
        if paths.is_empty() {
            return;
        }
        let sentence = format!("{} changed on disk, and was left alone there.", several(&paths));
        self.add_conflicts(paths.into_iter().map(|path| Conflict { path, brought: None }).collect());
        if self.dialog.with_untracked(Option::is_none) {
            self.dialog.set(Some(Dialog::Conflicts));
        } else {
            self.toasts.offer(Weight::Warning, sentence, vec![self.offer_to_choose()]);
        }
    }

    fn add_conflicts(self, found: Vec<Conflict>) {
        if found.is_empty() {
            return;
        }
        self.conflicts.update(|conflicts| {
            conflicts.retain(|known| !found.iter().any(|new| new.path == known.path));
            conflicts.extend(found);
        });
    }

    fn offer_to_choose(self) -> Offer {
        Offer {
            label: "Compare and choose…".into(),
            run: Arc::new(move |()| self.dialog.set(Some(Dialog::Conflicts))),
        }
    }

    /// A conflict is decided.
    fn settle(self, path: &str) {
        self.conflicts.update(|conflicts| conflicts.retain(|conflict| conflict.path != path));
        let shown = self.dialog.with_untracked(|dialog| matches!(dialog, Some(Dialog::Conflicts)));
        if shown && self.conflicts.with_untracked(Vec::is_empty) {
            self.dialog.set(None);
        }
    }

    async fn other_version(self, conflict: &Conflict) -> Result<Vec<u8>, Fault> {
        if let Some(brought) = &conflict.brought {
            return Ok(brought.to_vec());
        }
        let folder = match self.open_id() {
            Some(id) => platform::folder_of(id).await,
            None => None,
        };
        let bytes = match folder {
            Some(folder) => folder.read(&conflict.path).await?,
            None => None,
        };
        bytes.ok_or_else(|| {
            let sentence =
                format!("{} is not on disk any more. Alcove keeps what is saved here.", conflict.path);
            Fault::new(FaultCode::NotFound, sentence)
        })
    }

    /// Show both versions side by side.
    pub fn compare_conflict(self, conflict: Conflict) {
        self.act(async move {
            let other = self.other_version(&conflict).await?;
            let call = ReadFile { workspace: self.here()?, path: conflict.path.clone() };
            let (file, blobs) = self.engine().call_with(call, Vec::new()).await?;
            let mine = blobs.get(file.blob.0 as usize).map(bytes_of).unwrap_or_default();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            self.dialog.set(Some(Dialog::CompareTexts(conflict.path, text(&other), text(&mine))));
            Ok(())
        });
    }

    /// Keep what is saved here, and write it over the other version where that is on disk.
    pub fn keep_mine(self, conflict: Conflict) {
        let Some(id) = self.open_id() else { return };
        self.act(async move {
            if conflict.brought.is_some() || self.replace_on_disk(id, &conflict.path).await? {
                self.settle(&conflict.path);
            } else if self.open_id() == Some(id) {
                // The message about it lies behind the dialog. Its button comes back to the conflict, which stays.
                self.dialog.set(None);
            }
            Ok(())
        });
    }

    /// Take the other version in. What is typed and not saved stays on top of it.
    pub fn take_other(self, conflict: Conflict) {
        let Some(id) = self.open_id() else { return };
        self.act(async move {
            let other = self.other_version(&conflict).await?;
            if self.open_id() != Some(id) {
                return Ok(());
            }
            let on_disk = conflict.brought.is_none();
            platform::import_chosen(&self.engine(), id, &conflict.path, &other, on_disk).await?;
            if self.open_id() != Some(id) {
                return Ok(());
            }
            self.settle(&conflict.path);
            if editor::document(&conflict.path).is_some() {
                self.refresh_doc(&conflict.path).await?;
            }
            self.refresh_files().await
        });
    }

    /// Say what became of an import.
    pub fn report_import(self, imported: &Imported) {
        let twins =
            self.files.with_untracked(|files| platform::look_alike(files.iter().map(|f| f.path.as_str())));
        let (weight, sentence) = super::imported::sentence(imported, twins.as_ref());
        self.toasts.say(weight, sentence);
        if !imported.conflicts.is_empty() {
            let sentence = format!(
                "{} changed both in Alcove and where it comes from. What is saved in Alcove was kept.",
                several(&imported.conflicts)
            );
            let can_choose = !self.conflicts.with_untracked(Vec::is_empty);
            let offers = if can_choose { vec![self.offer_to_choose()] } else { Vec::new() };
            self.toasts.offer(Weight::Warning, sentence, offers);
        }
        if let (Some(id), false) = (self.open_id(), imported.missing.is_empty()) {
            let paths = imported.missing.clone();
            let is = if paths.len() == 1 { "is" } else { "are" };
            let sentence =
                format!("{} {is} in Alcove and not in the folder on disk any more.", several(&paths));
            let run = Arc::new(move |()| self.ask_remove_missing(id, paths.clone()));
            let offer = Offer { label: "Remove from Alcove…".into(), run };
            self.toasts.offer(Weight::Warning, sentence, vec![offer]);
        }
    }

    fn ask_remove_missing(self, workspace: protocol::WorkspaceId, paths: Vec<String>) {
        let mut named = paths.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ");
        if paths.len() > MAX_NAMED {
            named.push_str(&format!(" and {} more", paths.len() - MAX_NAMED));
        }
        let files = if paths.len() == 1 { "1 file".into() } else { format!("{} files", paths.len()) };
        self.dialog.set(Some(Dialog::Question(Question {
            title: format!("Remove {files} from Alcove?"),
            body: format!(
                "The folder on disk does not have them any more: {named}. What you changed since in Alcove stays."
            ),
            answers: vec![Answer::new("Remove", true, move || {
                let call = RemoveUnchanged { workspace, paths: paths.clone() };
                self.act(async move {
                    self.call(call).await?;
                    self.refresh_files().await?;
                    let files = self.files.get_untracked();
                    let exists = |path: &str| files.binary_search_by(|f| f.path.as_str().cmp(path)).is_ok();
                    let dirty = self.dirty.get_untracked();
                    // What was typed a moment ago is worth more than a tidy list of tabs.
                    self.layout.update(|layout| layout.close_where(|p| !exists(p) && !dirty.contains(p)));
                    self.drop_closed();
                    Ok(())
                });
            })],
        })));
    }
}

/// `a.py`, or how many.
fn several(paths: &[String]) -> String {
    match paths {
        [only] => only.clone(),
        _ => format!("{} files", paths.len()),
    }
}
