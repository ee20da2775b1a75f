//! Saves that also go to the folder on disk that the workspace came from.
//!
//! A browser asks the person before a page may write there. It is let ask once, from the key press or click that saved,
//! and nothing waits for the answer: the file is saved in Alcove by then, and what the disk lacks is remembered here
//! until permission comes. Whoever says no is told so once with a button that asks again; later saves only remind.

use std::collections::BTreeMap;

use leptos::prelude::*;
use protocol::{Fault, FaultCode, ReadFile, WorkspaceId};

use super::dialog::{Answer, Dialog, Question};
use super::toast::{Offer, Weight};
use super::{App, bytes_of};
use crate::editor;
use crate::platform::{self, Folder, MayWrite, OnDisk};

/// How far permission to write has been talked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Talk {
    #[default]
    NotYet,
    /// The browser is asking.
    Asking,
    /// The person was told that the disk is behind, and how to change that.
    Told,
}

/// What the folder on disk lacks.
#[derive(Debug, Default)]
pub(super) struct Behind {
    talk: Talk,
    /// Files that are saved in Alcove and not on disk, each with what the disk should still have.
    files: BTreeMap<String, Vec<u8>>,
}

impl App {
    /// A file was saved: write it to the folder on disk as well, where it came from one. Does not wait for a person.
    pub(super) async fn wrote(self, path: &str) -> Result<(), Fault> {
        // A file that is new here must not replace one that is on disk already.
        let before =
            editor::document(path).and_then(|document| document.bytes_before_save()).unwrap_or_default();
        let Some(id) = self.open_id() else { return Ok(()) };
        let Some(folder) = platform::folder_of(id).await else { return Ok(()) };
        self.private.update_value(|private| {
            // Of several saves that the disk missed, the first one's is still there.
            private.behind.files.entry(path.to_owned()).or_insert(before);
        });
        if folder.may_write().await == MayWrite::Yes {
            return self.catch_up(id, &folder).await.map(|_| ());
        }
        match self.private.with_value(|private| private.behind.talk) {
            Talk::NotYet if platform::has_gesture() => self.ask_to_write(id, folder, false),
            Talk::NotYet => self.tell_behind(id, &folder).await,
            Talk::Asking => {}
            Talk::Told => self.toasts.say(Weight::Info, format!("{path} is saved in Alcove, not on disk.")),
        }
        Ok(())
    }

    /// Let the browser ask for permission, and write what the disk lacks once it is given. `say` what was written when
    /// the person asked for nothing else.
    fn ask_to_write(self, id: WorkspaceId, folder: Folder, say: bool) {
        self.private.update_value(|private| private.behind.talk = Talk::Asking);
        self.act(async move {
            let answer = folder.ask_to_write().await;
            if self.open_id() != Some(id) {
                return Ok(());
            }
            self.private.update_value(|private| private.behind.talk = Talk::NotYet);
            if answer != MayWrite::Yes {
                self.tell_behind(id, &folder).await;
                return Ok(());
            }
            let num = self.catch_up(id, &folder).await?;
            if say && num > 0 {
                let files = if num == 1 { "1 file was".into() } else { format!("{num} files were") };
                self.toasts.say(Weight::Done, format!("{files} written to “{}” on disk.", folder.name()));
            }
            Ok(())
        });
    }

    /// Tell that the disk is behind, with a button that lets the browser ask again.
    async fn tell_behind(self, id: WorkspaceId, folder: &Folder) {
        let blocked = folder.may_write().await == MayWrite::Blocked;
        let mut what = String::new();
        self.private.update_value(|private| {
            private.behind.talk = Talk::Told;
            what = match private.behind.files.first_key_value() {
                Some((path, _)) if private.behind.files.len() == 1 => format!("{path} is"),
                _ => format!("{} files are", private.behind.files.len()),
            };
        });
        let name = folder.name();
        let mut sentence = format!(
            "{what} saved in Alcove, but not on disk: the browser has no permission to write to “{name}”."
        );
        if blocked {
            sentence.push_str(" Allow this page to edit files in the settings beside the address first.");
        }
        let folder = StoredValue::new_local(folder.clone());
        let run = std::sync::Arc::new(move |()| self.ask_to_write(id, folder.get_value(), true));
        let offer = Offer { label: "Write to disk".into(), run };
        self.toasts.offer(Weight::Warning, sentence, vec![offer]);
    }

    /// Write every file that the disk lacks. Gives their number.
    async fn catch_up(self, id: WorkspaceId, folder: &Folder) -> Result<u32, Fault> {
        let mut num = 0;
        for (path, before) in self.private.with_value(|private| private.behind.files.clone()) {
            let read =
                self.engine().call_with(ReadFile { workspace: id, path: path.clone() }, Vec::new()).await;
            if self.open_id() != Some(id) {
                // What was read may be another workspace's file of this name.
                return Ok(num);
            }
            let bytes = match read {
                Ok((file, blobs)) => blobs.get(file.blob.0 as usize).map(bytes_of),
                // Renamed or removed since.
                Err(fault) if fault.code == FaultCode::NotFound => None,
                Err(fault) => return Err(fault),
            };
            if let Some(bytes) = bytes {
                match folder.write(&path, Some(&before), &bytes).await? {
                    OnDisk::Written => num += 1,
                    OnDisk::ChangedThere => self.ask_disk(folder.clone(), &path, &bytes),
                }
            }
            self.private.update_value(|private| {
                private.behind.files.remove(&path);
            });
        }
        Ok(num)
    }

    fn ask_disk(self, folder: Folder, path: &str, bytes: &[u8]) {
        let (compared, compared_path) = (folder.clone(), path.to_owned());
        let after = String::from_utf8_lossy(bytes).into_owned();
        let compared = StoredValue::new_local(compared);
        let compare = move || {
            let (path, after) = (compared_path.clone(), after.clone());
            self.act(async move {
                let before = compared.get_value().read(&path).await?;
                let before = String::from_utf8_lossy(&before).into_owned();
                self.dialog.set(Some(Dialog::CompareTexts(path, before, after)));
                Ok(())
            });
        };
        let (folder, path, bytes) = (StoredValue::new_local(folder), path.to_owned(), bytes.to_vec());
        self.dialog.set(Some(Dialog::Question(Question {
            title: format!("{path} changed on disk"),
            body: "Your changes are saved in Alcove. The file on disk is not what it was when it was opened here, so it \
                   was left alone. Open the folder again to take the other version in instead."
                .into(),
            answers: vec![Answer::new("Compare", false, compare), Answer::new("Replace it on disk", true, move || {
                let (folder, path, bytes) = (folder.get_value(), path.clone(), bytes.clone());
                self.act(async move { folder.write(&path, None, &bytes).await.map(|_| ()) });
            })],
        })));
    }
}
