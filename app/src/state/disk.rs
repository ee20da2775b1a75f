//! Saves that also go to the folder on disk that the workspace came from.
//!
//! A browser asks the person before a page may write there. It is let ask once, from the key press or click that saved,
//! and nothing waits for the answer: the file is saved in Alcove by then, and what the disk lacks is known to the engine
//! until it is written. Whoever says no is told so once with a button that asks again; later saves only remind, and the
//! status bar shows what the disk lacks, after a reload as well.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;

use leptos::prelude::*;
use protocol::{
    Blob, CheckDisk, DiskCheck, DiskState, Fault, FaultCode, ListBehind, WorkspaceId, WroteToDisk,
};

use super::toast::{Offer, Weight};
use super::{App, buffer, bytes_of};
use crate::platform::{self, Folder, MayWrite};

/// How far permission to write has been talked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Talk {
    #[default]
    NotYet,
    /// The browser is asking, or what the person is to be told is being looked up.
    Asking,
    /// The person was told that the disk is behind, and how to change that.
    Told,
}

/// Writing what the disk lacks, for the workspace that is open.
#[derive(Debug, Default)]
pub(super) struct Behind {
    talk: Talk,
    run: Rc<Run>,
}

/// One run at a time, which looks again when something was saved meanwhile.
#[derive(Debug, Default)]
struct Run {
    is_running: Cell<bool>,
    again: Cell<bool>,
    /// Also what was not saved here, and what a person was asked about before.
    all: Cell<bool>,
    /// Files that changed on disk, of which a person was told.
    told: RefCell<HashSet<String>>,
}

/// What became of one file.
enum Outcome {
    Written,
    Nothing,
    ChangedThere,
}

impl App {
    /// Find out whether the open workspace came from a folder on disk.
    pub(super) async fn look_for_folder(self, id: WorkspaceId) {
        let has_folder = platform::folder_of(id).await.is_some();
        if self.open_id() == Some(id) {
            self.has_folder.set(has_folder);
        }
    }

    /// The workspace is left: what is known of its disk is no longer shown.
    pub(super) fn forget_disk(self) {
        self.has_folder.set(false);
        self.conflicts.set(Vec::new());
    }

    /// A file was saved: write it to the folder on disk as well, where it came from one. Does not wait for a person.
    pub(super) async fn wrote(self, path: &str) -> Result<(), Fault> {
        let Some(id) = self.open_id() else { return Ok(()) };
        let Some(folder) = platform::folder_of(id).await else { return Ok(()) };
        let may_write = folder.may_write().await;
        // Another workspace was opened meanwhile: what is said and kept there is not about this one.
        if self.open_id() != Some(id) {
            return Ok(());
        }
        self.private.with_value(|private| private.behind.run.told.borrow_mut().remove(path));
        if may_write == MayWrite::Yes {
            return self.catch_up(id, &folder, false).await.map(|_| ());
        }
        match self.private.with_value(|private| private.behind.talk) {
            Talk::NotYet if platform::has_gesture() => self.ask_to_write(id, folder, false),
            Talk::NotYet => self.tell_behind(id, &folder).await?,
            Talk::Asking => {}
            Talk::Told => self.toasts.say(Weight::Info, format!("{path} is saved in Alcove, not on disk.")),
        }
        Ok(())
    }

    /// Write everything that the disk lacks, as a person asked.
    pub fn write_to_disk(self) {
        if let Some(id) = self.open_id() {
            self.write_all_of(id);
        }
    }

    fn write_all_of(self, id: WorkspaceId) {
        self.act(async move {
            if self.open_id() != Some(id) {
                let sentence = "This is about a workspace that is not open any more. Open it again, and write from there.";
                return Err(Fault::new(FaultCode::NotOpen, sentence));
            }
            let folder = platform::folder_of(id).await;
            if let Some(folder) = folder.filter(|_| self.open_id() == Some(id)) {
                self.ask_to_write(id, folder, true);
            }
            Ok(())
        });
    }

    /// Let the browser ask for permission, and write what the disk lacks once it is given. `all` of it, and say what was
    /// written, when that is what the person asked for.
    fn ask_to_write(self, id: WorkspaceId, folder: Folder, all: bool) {
        self.private.update_value(|private| private.behind.talk = Talk::Asking);
        self.act(async move {
            let answer = folder.ask_to_write().await;
            if self.open_id() != Some(id) {
                return Ok(());
            }
            if answer != MayWrite::Yes {
                return self.tell_behind(id, &folder).await;
            }
            self.private.update_value(|private| private.behind.talk = Talk::NotYet);
            let num = self.catch_up(id, &folder, all).await?;
            if all && num > 0 {
                let files = if num == 1 { "1 file was".into() } else { format!("{num} files were") };
                self.toasts.say(Weight::Done, format!("{files} written to “{}” on disk.", folder.name()));
            }
            Ok(())
        });
    }

    /// Tell that the disk is behind, with a button that lets the browser ask again.
    async fn tell_behind(self, id: WorkspaceId, folder: &Folder) -> Result<(), Fault> {
        if self.open_id() != Some(id) {
            return Ok(());
        }
        // A file that is saved meanwhile must not make the browser ask over the answer that it just got.
        self.private.update_value(|private| private.behind.talk = Talk::Asking);
        let blocked = folder.may_write().await == MayWrite::Blocked;
        let behind = self.call(ListBehind { workspace: id }).await;
        if self.open_id() != Some(id) {
            return Ok(());
        }
        let is_behind = behind.as_ref().is_ok_and(|files| !files.is_empty());
        let talk = if is_behind { Talk::Told } else { Talk::NotYet };
        self.private.update_value(|private| private.behind.talk = talk);
        let behind = behind?;
        let what = match behind.as_slice() {
            [] => return Ok(()),
            [only] => format!("{} is", only.path),
            several => format!("{} files are", several.len()),
        };
        let name = folder.name();
        let mut sentence = format!(
            "{what} saved in Alcove, but not on disk: the browser has no permission to write to “{name}”."
        );
        if blocked {
            sentence.push_str(" Allow this page to edit files in the settings beside the address first.");
        }
        let run = std::sync::Arc::new(move |()| self.write_all_of(id));
        let offer = Offer { label: "Write to disk".into(), run };
        self.toasts.offer(Weight::Warning, sentence, vec![offer]);
        Ok(())
    }

    /// Write what the disk lacks until nothing is left that may be written: what was saved here, or `all`. Gives the
    /// number of files. When a run is under way that one goes on with what is new.
    async fn catch_up(self, id: WorkspaceId, folder: &Folder, all: bool) -> Result<u32, Fault> {
        let run = self.private.with_value(|private| private.behind.run.clone());
        run.again.set(true);
        if all {
            run.all.set(true);
        }
        if run.is_running.replace(true) {
            return Ok(0);
        }
        let mut changed = Vec::new();
        let outcome = self.run_catch_up(id, folder, &run, &mut changed).await;
        run.is_running.set(false);
        if self.open_id() == Some(id) {
            self.tell_changed_on_disk(changed);
        }
        outcome
    }

    async fn run_catch_up(
        self,
        id: WorkspaceId,
        folder: &Folder,
        run: &Run,
        changed: &mut Vec<String>,
    ) -> Result<u32, Fault> {
        let mut num = 0;
        let mut failed = None;
        'run: while run.again.replace(false) {
            let all = run.all.replace(false);
            if all {
                run.told.borrow_mut().clear();
            }
            let behind = match self.call(ListBehind { workspace: id }).await {
                // Another workspace was opened meanwhile; what this one's disk lacks is known when it is opened again.
                Err(fault) if fault.code == FaultCode::NotOpen && self.open_id() != Some(id) => break,
                behind => behind?,
            };
            for file in behind {
                if self.open_id() != Some(id) {
                    break 'run;
                }
                if !(file.edited || all) || run.told.borrow().contains(&file.path) {
                    continue;
                }
                match self.write_one(id, folder, &file.path).await {
                    Ok(Outcome::Written) => num += 1,
                    Ok(Outcome::Nothing) => {}
                    Ok(Outcome::ChangedThere) => {
                        run.told.borrow_mut().insert(file.path.clone());
                        changed.push(file.path);
                    }
                    // One that cannot be written is no reason to leave the others.
                    Err(fault) => failed = failed.or(Some(fault)),
                }
            }
        }
        failed.map_or(Ok(num), Err)
    }

    async fn write_one(self, id: WorkspaceId, folder: &Folder, path: &str) -> Result<Outcome, Fault> {
        let there = folder.read(path).await?;
        let (check, bytes) = match self.check_disk(id, path, there.as_deref()).await {
            // Renamed or removed since, or in another workspace by now.
            Err(fault) if matches!(fault.code, FaultCode::NotFound | FaultCode::NotOpen) => {
                return Ok(Outcome::Nothing);
            }
            outcome => outcome?,
        };
        if check.state == DiskState::Changed {
            return Ok(Outcome::ChangedThere);
        }
        if check.state == DiskState::Behind {
            folder.write(path, &bytes).await?;
        }
        self.note_written(id, path, check.hash).await?;
        Ok(if check.state == DiskState::Behind { Outcome::Written } else { Outcome::Nothing })
    }

    /// Let the engine know what the disk has. Where another workspace was opened meanwhile it finds that out later.
    async fn note_written(self, workspace: WorkspaceId, path: &str, hash: [u8; 16]) -> Result<(), Fault> {
        match self.call(WroteToDisk { workspace, path: path.to_owned(), hash }).await {
            Err(fault) if fault.code == FaultCode::NotOpen && self.open_id() != Some(workspace) => Ok(()),
            outcome => outcome,
        }
    }

    async fn check_disk(
        self,
        workspace: WorkspaceId,
        path: &str,
        there: Option<&[u8]>,
    ) -> Result<(DiskCheck, Vec<u8>), Fault> {
        let call = CheckDisk { workspace, path: path.to_owned(), there: there.map(|_| Blob(0)) };
        let (check, blobs) = self.engine().call_with(call, there.map(buffer).into_iter().collect()).await?;
        let missing = || Fault::new(FaultCode::Internal, "The engine sent a file without its content.");
        let bytes = blobs.get(check.blob.0 as usize).map(bytes_of).ok_or_else(missing)?;
        Ok((check, bytes))
    }

    /// Write a file over whatever the disk has, as a person chose. False when that was not allowed, or the workspace was
    /// left meanwhile.
    pub(super) async fn replace_on_disk(self, id: WorkspaceId, path: &str) -> Result<bool, Fault> {
        let Some(folder) = platform::folder_of(id).await else {
            let sentence = "The folder on disk is not known any more, so nothing was written. Open it again.";
            return Err(Fault::new(FaultCode::NotFound, sentence));
        };
        let answer = folder.ask_to_write().await;
        if self.open_id() != Some(id) {
            return Ok(false);
        }
        if answer != MayWrite::Yes {
            self.tell_behind(id, &folder).await?;
            return Ok(false);
        }
        let (check, bytes) = self.check_disk(id, path, None).await?;
        folder.write(path, &bytes).await?;
        self.note_written(id, path, check.hash).await?;
        Ok(self.open_id() == Some(id))
    }
}
