//! What an import found: told in sentences, with the choices that only a person can make. Files that changed both here
//! and outside are listed until each is decided; files that went from the disk are removed when that is asked for.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::{Fault, FaultCode, Imported, ReadFile, RemoveUnchanged, SkipReason};

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
            if conflict.brought.is_none() {
                self.replace_on_disk(id, &conflict.path).await?;
            }
            self.settle(&conflict.path);
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
            self.settle(&conflict.path);
            if editor::document(&conflict.path).is_some() {
                self.refresh_doc(&conflict.path).await?;
            }
            self.refresh_files().await
        });
    }

    /// Say what became of an import.
    pub fn report_import(self, imported: &Imported) {
        let (sentence, is_clean) = report(imported);
        self.toasts.say(if is_clean { Weight::Done } else { Weight::Warning }, sentence);
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

/// What became of an import, and whether all is well.
fn report(imported: &Imported) -> (String, bool) {
    let mut parts = Vec::new();
    let mut count = |num: u32, one: &str, more: &str| {
        if num > 0 {
            let files = match (parts.is_empty(), num) {
                (true, 1) => "1 file ".to_owned(),
                (true, _) => format!("{num} files "),
                (false, _) => format!("{num} "),
            };
            parts.push(format!("{files}{}", if num == 1 { one } else { more }));
        }
    };
    count(imported.num_added, "was added", "were added");
    count(imported.num_changed, "was changed", "were changed");
    count(imported.num_newer, "is newer in Alcove and stays", "are newer in Alcove and stay");
    count(imported.num_unchanged, "is unchanged", "are unchanged");
    if parts.is_empty() {
        parts.push("No files were added".into());
    }
    let mut sentence = parts.join(", ");
    let mut is_clean = true;
    let mut add = |part: String| {
        sentence.push_str("; ");
        sentence.push_str(&part);
        is_clean = false;
    };
    for (reason, count, paths) in &imported.skipped {
        let why = match reason {
            SkipReason::Ignored => continue,
            SkipReason::TooLarge => "larger than the size limit in the settings",
            SkipReason::BadPath => "a path that cannot be used here",
            SkipReason::Unreadable => "not readable",
            SkipReason::Loop => "links that lead in a circle",
            SkipReason::TooMany => {
                add("the rest was left out, because there are more than 1,000,000 files and folders".into());
                continue;
            }
        };
        let example = paths.first().map(|path| format!(", for example {path}")).unwrap_or_default();
        add(format!("{count} left out ({why}{example})"));
    }
    if let Some((one, other)) = imported.case_collisions.first() {
        add(format!("{one} and {other} differ by upper and lower case alone"));
    }
    sentence.push('.');
    (sentence, is_clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_told_as_it_was() {
        let told = |imported: Imported| report(&imported);
        assert_eq!(
            told(Imported { num_added: 1, ..Imported::default() }),
            ("1 file was added.".into(), true)
        );
        let again = Imported { num_changed: 2, num_unchanged: 1, ..Imported::default() };
        assert_eq!(told(again).0, "2 files were changed, 1 is unchanged.");
        assert_eq!(told(Imported { num_unchanged: 7, ..Imported::default() }).0, "7 files are unchanged.");
        assert_eq!(told(Imported::default()), ("No files were added.".into(), true));
        let skipped = vec![
            (SkipReason::Ignored, 3, vec!["x/".into()]),
            (SkipReason::TooLarge, 1, vec!["big".into()]),
            (SkipReason::TooMany, 1, vec!["/".into()]),
        ];
        let (sentence, is_clean) =
            told(Imported { num_added: 2, num_newer: 1, skipped, ..Imported::default() });
        assert!(!is_clean);
        assert_eq!(
            sentence,
            "2 files were added, 1 is newer in Alcove and stays; 1 left out (larger than the size limit in the \
             settings, for example big); the rest was left out, because there are more than 1,000,000 files and folders."
        );
    }
}
