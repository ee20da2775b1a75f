//! Ways in and out: folders, files, archives, exports, the clipboard.

use js_sys::ArrayBuffer;
use leptos::prelude::*;
use protocol::{
    Blob, ExportWorkspace, Fault, FaultCode, ImportWorkspace, Imported, ListWorkspaces, OpenWorkspace,
    WorkspaceId, WorkspaceInfo,
};
use wasm_bindgen_futures::JsFuture;

use super::toast::Weight;
use super::{App, Phase};
use crate::platform::{self, Ask, Folder, ImportOptions, Picked};

impl App {
    /// Let the person pick a folder, with permission to write back where the browser has a folder picker.
    pub fn open_folder(self) {
        self.act(async move {
            let picked = if platform::can_pick_folder() {
                platform::pick_folder()
                    .await
                    .map_err(|sentence| Fault::new(FaultCode::Unsupported, sentence))?
            } else {
                platform::pick_files(Ask::Folder).await
            };
            self.open_picked(picked).await
        });
    }

    /// Let the person choose files; they come into the open workspace, or into a new one.
    pub fn open_files(self) {
        self.act(async move {
            let picked = platform::pick_files(Ask::Files).await;
            self.open_picked(picked).await
        });
    }

    /// Let the person choose a zip archive.
    pub fn open_zip(self) {
        self.act(async move {
            let picked = platform::pick_files(Ask::One(".zip,application/zip")).await;
            self.open_picked(picked).await
        });
    }

    /// Open the project that comes with Alcove. Pressing the button again while that is under way does nothing: it
    /// would open the sample twice.
    pub fn open_sample(self) {
        let mut underway = true;
        self.private.update_value(|private| underway = std::mem::replace(&mut private.opening_sample, true));
        if underway {
            return;
        }
        self.act(async move {
            self.say_importing("Fetching the sample …");
            let outcome = async {
                let zip = platform::fetch_sample().await?;
                let id = self.create_workspace("Sample").await?;
                self.or_no_workspace(id, self.import_archive(id, zip, self.import_options())).await
            };
            let outcome = outcome.await;
            self.import_ended(&outcome);
            self.private.update_value(|private| private.opening_sample = false);
            outcome.map(|imported| self.report_import(&imported))
        });
    }

    /// Open what was dropped. Call it inside the event handler.
    pub fn open_dropped(self, transfer: &web_sys::DataTransfer) {
        let dropped = platform::dropped(transfer);
        self.act(async move {
            let picked = dropped.await;
            if picked.is_none() {
                self.toasts.say(
                    Weight::Info,
                    "There were no files in what you dropped. Drop a folder, files or a zip archive.",
                );
            }
            self.open_picked(picked).await
        });
    }

    /// Take in what a person picked: loose files join the open workspace, everything else gets a workspace of its own.
    async fn open_picked(self, picked: Option<Picked>) -> Result<(), Fault> {
        let Some(picked) = picked else { return Ok(()) };
        self.say_importing("Reading files …");
        let outcome = self.take_in(&picked).await;
        self.import_ended(&outcome);
        outcome.map(|imported| self.report_import(&imported))
    }

    async fn take_in(self, picked: &Picked) -> Result<Imported, Fault> {
        let archive = picked.archive().await;
        let is_loose = archive.is_none() && !picked.has_folder();
        let joins = is_loose && self.phase.get_untracked() == Phase::Open;
        let folder = picked.folder();
        let mut created = None;
        let id = if joins {
            self.here()?
        } else {
            let known = match &folder {
                Some(folder) => self.workspace_of(folder).await,
                None => None,
            };
            let reopened = match known {
                Some(info) => {
                    match self.switch(&info.name, OpenWorkspace { id: info.id }, Vec::new()).await {
                        // Another tab deleted it since the list was read.
                        Err(fault) if fault.code == FaultCode::NotFound => None,
                        outcome => Some(outcome?),
                    }
                }
                None => None,
            };
            let id = match reopened {
                Some(id) => id,
                None => {
                    let id = self.create_workspace(picked.name.trim_end_matches(".zip")).await?;
                    created = Some(id);
                    id
                }
            };
            if let Some(folder) = &folder {
                folder.remember(id).await;
                self.look_for_folder(id).await;
            }
            id
        };
        let options = ImportOptions { whole: !joins, ..self.import_options() };
        let import = async {
            match archive {
                Some(file) => self.import_archive(id, platform::read(&file).await?, options).await,
                None => self.import(id, picked, options).await,
            }
        };
        let imported = match created {
            Some(id) => self.or_no_workspace(id, import).await?,
            None => import.await?,
        };
        self.note_conflicts(&imported.conflicts, picked).await;
        // The answer changes nothing now; the browser may keep our storage longer when it says yes.
        let _kept_longer = platform::persist().await;
        Ok(imported)
    }

    /// Run the first import into workspace `id`, which was made for it a moment ago. When it fails and nothing came in,
    /// the workspace is deleted again: nobody wants to find it empty among the kept ones.
    ///
    /// # Errors
    /// That of the import.
    pub async fn or_no_workspace<T>(
        self,
        id: WorkspaceId,
        import: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let outcome = import.await;
        // What cannot be listed may well be full.
        let is_empty = outcome.is_err()
            && self
                .call(ListWorkspaces)
                .await
                .is_ok_and(|kept| kept.iter().any(|info| info.id == id && info.num_files == 0));
        if is_empty && let Err(fault) = self.delete_workspace(id).await {
            leptos::logging::warn!("an empty workspace stays: {}", fault.sentence);
        }
        outcome
    }

    /// The kept workspace that was opened from this very folder, so that opening it again only takes in what changed.
    async fn workspace_of(self, folder: &Folder) -> Option<WorkspaceInfo> {
        let kept = self.kept.get_untracked().unwrap_or_default();
        let ids: Vec<_> = kept.iter().map(|info| info.id).collect();
        let id = folder.workspace(&ids).await?;
        kept.into_iter().find(|info| info.id == id)
    }

    /// Put picked files into workspace `id`, which must be the open one.
    ///
    /// # Errors
    /// The engine's fault.
    pub async fn import(
        self,
        id: WorkspaceId,
        picked: &Picked,
        options: ImportOptions,
    ) -> Result<Imported, Fault> {
        let engine = self.engine();
        self.say_importing("Reading files …");
        let import = platform::import(&engine, id, picked, options, |progress| {
            self.say_importing(&format!(
                "Reading files: {} found, {} taken in ({}).",
                progress.num_found,
                progress.num_sent,
                crate::ui::bytes(progress.bytes_sent)
            ));
        });
        self.while_here(import).await
    }

    /// Run an import into the open workspace. It ends when that is left; what came in until then stays.
    async fn while_here<T>(self, import: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let name = self.opened.with_untracked(|o| o.as_ref().map(|o| o.name.clone()).unwrap_or_default());
        let visit = self.visit();
        let Some(imported) = visit.during(import).await else {
            let sentence = format!(
                "Reading files into “{name}” was stopped, because you left it. What was read until then is kept there."
            );
            self.toasts.say(Weight::Warning, sentence);
            return Err(Fault::new(FaultCode::Cancelled, "The import was stopped."));
        };
        if !visit.is_over() {
            self.refresh_files().await?;
            self.refresh_docs().await?;
        }
        imported
    }

    /// The import is over, unless it was stopped: then what is shown belongs to what came after it.
    pub(crate) fn import_ended<T>(self, outcome: &Result<T, Fault>) {
        if !outcome.as_ref().is_err_and(|fault| fault.code == FaultCode::Cancelled) {
            self.importing.set(None);
        }
    }

    /// Put the files of a zip archive into workspace `id`, which must be the open one.
    ///
    /// # Errors
    /// The engine's fault.
    pub async fn import_archive(
        self,
        id: WorkspaceId,
        zip: ArrayBuffer,
        options: ImportOptions,
    ) -> Result<Imported, Fault> {
        self.say_importing("Unpacking the archive …");
        self.while_here(platform::import_zip(&self.engine(), id, zip, options)).await
    }

    /// How the settings say that files are taken in.
    #[must_use]
    pub fn import_options(self) -> ImportOptions {
        self.settings.with_untracked(|settings| ImportOptions {
            honour_ignore: settings.honour_ignore,
            max_file_bytes: settings.max_file_bytes(),
            whole: true,
        })
    }

    fn say_importing(self, sentence: &str) {
        self.importing.set(Some(sentence.to_owned()));
    }

    /// Give the open workspace to the person as one file.
    pub fn export_workspace(self) {
        self.act(self.export_now());
    }

    async fn export_now(self) -> Result<(), Fault> {
        self.flush_drafts();
        let (bytes, blobs) =
            self.engine().call_with(ExportWorkspace { workspace: self.here()? }, Vec::new()).await?;
        let missing = || Fault::new(FaultCode::Internal, "The engine sent an export without its content.");
        let blob = blobs.get(bytes.blob.0 as usize).ok_or_else(missing)?;
        if platform::download(&bytes.name, blob) {
            self.toasts.say(Weight::Done, format!("{} is in your downloads.", bytes.name));
            Ok(())
        } else {
            let sentence =
                "The browser did not take the download. Allow downloads for this page, then try again.";
            Err(Fault::new(FaultCode::Unsupported, sentence))
        }
    }

    /// Give a kept workspace to the person as one file. It is opened for that, and what was open before afterwards,
    /// unless the person went elsewhere meanwhile.
    pub fn export_kept(self, info: &WorkspaceInfo) {
        let info = info.clone();
        self.act(async move {
            if self.open_id() == Some(info.id) {
                return self.export_now().await;
            }
            let before = self.opened.get_untracked();
            self.switch(&info.name, OpenWorkspace { id: info.id }, Vec::new()).await?;
            let visit = self.visit();
            let exported = self.export_now().await;
            match before {
                _ if visit.is_over() => {}
                Some(before) => {
                    self.switch(&before.name, OpenWorkspace { id: before.id }, Vec::new()).await?;
                }
                None => self.close_workspace(),
            }
            exported
        });
    }

    /// Make a workspace from a file that an export gave.
    pub fn import_workspace(self) {
        self.act(async move {
            let Some(picked) = platform::pick_files(Ask::One(".zip,.alcove")).await else { return Ok(()) };
            let Some(file) = picked.only_file().await else { return Ok(()) };
            let bytes = platform::read(&file).await?;
            let call = ImportWorkspace { id: super::kept::new_id(), blob: Blob(0), name: String::new() };
            self.switch(&file.name(), call, vec![bytes]).await.map(|_| ())
        });
    }

    /// Put a text on the clipboard.
    pub fn copy(self, text: &str) {
        let promise = window().navigator().clipboard().write_text(text);
        let text = text.to_owned();
        leptos::task::spawn_local(async move {
            match JsFuture::from(promise).await {
                Ok(_) => self.toasts.say(Weight::Done, format!("Copied {text}.")),
                Err(_) => self.toasts.say(
                    Weight::Failure,
                    "The browser did not allow copying. Select the text and copy it by hand.",
                ),
            }
        });
    }
}
