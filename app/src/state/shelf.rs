//! Language models that are kept on this device, on their way, or offered by the catalogue.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use js_sys::{Function, Promise};
use leptos::prelude::*;
use protocol::{
    BeginModelFile, Blob, DeleteModelFile, DownloadModel, EndModelFile, Fault, FaultCode, ListModelFiles,
    LoadProgress, ModelFile, PutModelPiece,
};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::File;

use super::CatalogueEntry;
use super::abort::{Task, spawn};
use crate::link::Keeper;

/// Bytes of a file that are read and handed over at a time.
const PIECE_BYTES: f64 = 8_388_608.0;
/// How often and in which steps it is asked whether the keeper has let go of a file.
const SETTLE_TRIES: u32 = 10;
const SETTLE_PAUSE_MS: u32 = 150;

/// The state of all of it. Copies are the same state.
#[derive(Clone, Copy)]
pub struct Shelf {
    keeper: StoredValue<Keeper, LocalStorage>,
    going: StoredValue<HashMap<String, Going>, LocalStorage>,
    catalogue: RwSignal<Vec<CatalogueEntry>>,
    /// Whether the keeper has said what is kept.
    listed: StoredValue<bool>,
    /// Files that are kept or on their way.
    pub files: RwSignal<Vec<ModelFile>>,
    /// How far this tab is with what it downloads or takes in, by id.
    pub progress: RwSignal<BTreeMap<String, LoadProgress>>,
    /// Why the last try of a model failed, by id.
    pub failed: RwSignal<BTreeMap<String, String>>,
}

/// Why something ended, once it has; `None` when it did what it should.
type Ended = Rc<RefCell<Option<Fault>>>;

/// Something that this tab downloads, or takes in.
struct Going {
    task: Task,
    ended: Promise,
    /// Settles `ended`.
    end: Option<Function>,
    fault: Ended,
}

/// Tells the keeper to throw away what came of a file, unless its id is taken out first.
struct GiveUp {
    keeper: Keeper,
    id: Option<String>,
}

impl Drop for GiveUp {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            let told = self.keeper.ask(EndModelFile { id, keep: false }, Vec::new());
            spawn_local(async move {
                // The keeper threw it away itself when it was no model.
                let _gone_anyway = told.await;
            });
        }
    }
}

impl Shelf {
    /// Nothing is known yet. What may be downloaded by its id stands in the catalogue.
    pub fn new(catalogue: RwSignal<Vec<CatalogueEntry>>) -> Self {
        Self {
            keeper: StoredValue::new_local(Keeper::new()),
            going: StoredValue::new_local(HashMap::new()),
            catalogue,
            listed: StoredValue::new(false),
            files: RwSignal::default(),
            progress: RwSignal::default(),
            failed: RwSignal::default(),
        }
    }

    /// Ask what is kept.
    ///
    /// # Errors
    /// The keeper's fault.
    pub async fn refresh(self) -> Result<(), Fault> {
        let keeper = self.keeper.get_value();
        let (files, _) = keeper.ask(ListModelFiles, Vec::new()).await?;
        self.listed.set_value(true);
        if self.files.with_untracked(|known| *known != files) {
            self.files.set(files);
        }
        Ok(())
    }

    /// Ask what is kept, unless that is known.
    ///
    /// # Errors
    /// The keeper's fault.
    pub async fn list_once(self) -> Result<(), Fault> {
        if self.listed.get_value() { Ok(()) } else { self.refresh().await }
    }

    /// The file of this id, if any of it is here.
    #[must_use]
    pub fn file(self, id: &str) -> Option<ModelFile> {
        self.files.with(|files| files.iter().find(|file| file.id == id).cloned())
    }

    /// End the keeper. For tests.
    pub fn kill_for_test(self) {
        self.keeper.with_value(Keeper::kill_for_test);
    }

    /// Download a model of the catalogue, or go on with one. Resolves when it is whole, paused or failed; whoever asks
    /// while it is on its way waits for the same.
    ///
    /// # Errors
    /// Why it did not come.
    pub async fn download(self, id: &str) -> Result<(), Fault> {
        let known = self.catalogue.with_untracked(|all| all.iter().find(|entry| entry.id == id).cloned());
        let call = match known {
            Some(CatalogueEntry { id, name, address, bytes, sha256, .. }) => {
                DownloadModel { id, name, address, bytes, sha256 }
            }
            None => {
                let file = untrack(|| self.file(id)).filter(|file| !file.address.is_empty());
                let missing = || {
                    let sentence = format!("The catalogue has no model “{id}”.");
                    Fault::new(FaultCode::NotFound, sentence)
                };
                let ModelFile { id, name, address, .. } = file.ok_or_else(missing)?;
                DownloadModel { id, name, address, bytes: 0, sha256: String::new() }
            }
        };
        self.download_from(call).await
    }

    /// Download a file from an address of this server.
    ///
    /// # Errors
    /// Why it did not come.
    pub async fn download_address(self, address: &str) -> Result<(), Fault> {
        let name =
            address.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or(address);
        let id: String = name.trim_end_matches(".gguf").to_ascii_lowercase();
        let id: String = id
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
            .take(80)
            .collect();
        let (name, address) = (name.to_owned(), address.to_owned());
        let id = id.trim_start_matches('.').to_owned();
        self.download_from(DownloadModel { id, name, address, bytes: 0, sha256: String::new() }).await
    }

    async fn download_from(self, call: DownloadModel) -> Result<(), Fault> {
        let under_way =
            self.going.with_value(|going| going.get(&call.id).map(|g| (g.ended.clone(), g.fault.clone())));
        let (ended, fault) = under_way.unwrap_or_else(|| self.begin(call));
        let _never_rejected = JsFuture::from(ended).await;
        let fault = fault.borrow().clone();
        fault.map_or(Ok(()), Err)
    }

    /// Start a download that goes on for as long as this tab lives, or until it is paused.
    fn begin(self, call: DownloadModel) -> (Promise, Ended) {
        let id = call.id.clone();
        let mut end = None;
        let ended = Promise::new(&mut |resolve, _| end = Some(resolve));
        let fault = Ended::default();
        self.failed.update(|failed| {
            failed.remove(&id);
        });
        let waiting = LoadProgress { stage: "Starting".into(), done_bytes: 0, total_bytes: call.bytes };
        self.note(&id, waiting);
        let of = id.clone();
        let pending = self.keeper.get_value().call(call, move |progress| self.note(&of, progress));
        let (of, outcome) = (id.clone(), fault.clone());
        let task = spawn(async move {
            let why = pending.await.err();
            if let Some(why) = why.as_ref().filter(|why| why.code != FaultCode::Cancelled) {
                self.failed.update(|failed| {
                    failed.insert(of.clone(), why.sentence.clone());
                });
            }
            *outcome.borrow_mut() = why;
            self.settle(&of, Some(&outcome)).await;
        });
        let going = Going { task, ended: ended.clone(), end, fault: fault.clone() };
        self.going.update_value(|all| {
            all.insert(id, going);
        });
        (ended, fault)
    }

    /// Stop a download; what came stays. Nothing happens when this tab has none.
    pub async fn pause(self, id: &str) {
        if let Some(Some(going)) = self.going.try_update_value(|going| going.remove(id)) {
            let paused = Fault::new(FaultCode::Cancelled, "The download is paused.");
            *going.fault.borrow_mut() = Some(paused);
            // Tells the keeper.
            drop(going.task);
            self.settle(id, None).await;
            let _told = going.end.map(|end| end.call0(&JsValue::NULL));
        }
    }

    /// Delete a file, or what came of it.
    ///
    /// # Errors
    /// [`FaultCode::Conflict`] while a tab uses it.
    pub async fn delete(self, id: &str) -> Result<(), Fault> {
        self.pause(id).await;
        self.keeper.get_value().ask(DeleteModelFile { id: id.into() }, Vec::new()).await?;
        self.failed.update(|failed| {
            failed.remove(id);
        });
        self.refresh().await
    }

    /// Take in a file of the person's; its progress stands under its name. Dropping the future gives it up.
    ///
    /// # Errors
    /// Why it is not kept.
    pub async fn import(self, file: &File) -> Result<ModelFile, Fault> {
        let outcome = self.take_in(file).await;
        self.settle(&file.name(), None).await;
        outcome
    }

    /// The same in the background; [`Shelf::pause`] with its name gives it up.
    pub fn import_here(self, file: File, told: impl FnOnce(Result<ModelFile, Fault>) + 'static) {
        let name = file.name();
        if self.going.with_value(|all| all.contains_key(&name)) {
            let sentence = format!("“{name}” is being taken in already.");
            return told(Err(Fault::new(FaultCode::Exists, sentence)));
        }
        let fault = Ended::default();
        let own = fault.clone();
        let task = spawn(async move {
            let outcome = self.take_in(&file).await;
            self.settle(&file.name(), Some(&own)).await;
            told(outcome);
        });
        let going = Going { task, ended: Promise::resolve(&JsValue::NULL), end: None, fault };
        self.going.update_value(|all| {
            all.insert(name, going);
        });
    }

    async fn take_in(self, file: &File) -> Result<ModelFile, Fault> {
        let keeper = self.keeper.get_value();
        let (name, total) = (file.name(), file.size());
        let begin = BeginModelFile { name: name.clone(), bytes: total as u64 };
        let id = keeper.ask(begin, Vec::new()).await?.0.id;
        let mut given_up = GiveUp { keeper: keeper.clone(), id: Some(id.clone()) };
        let unreadable =
            |_| Fault::new(FaultCode::BadFile, "The browser cannot read this file. Choose it again.");
        let mut at = 0.0;
        while at < total {
            let (stage, done_bytes, total_bytes) = ("Copying".into(), at as u64, total as u64);
            self.note(&name, LoadProgress { stage, done_bytes, total_bytes });
            let end = (at + PIECE_BYTES).min(total);
            let slice = file.slice_with_f64_and_f64(at, end).map_err(unreadable)?;
            let buffer = JsFuture::from(slice.array_buffer()).await.map_err(unreadable)?;
            let piece = PutModelPiece { id: id.clone(), at: done_bytes, blob: Blob(0) };
            keeper.ask(piece, vec![buffer.unchecked_into()]).await?;
            at = end;
        }
        let kept = keeper.ask(EndModelFile { id, keep: true }, Vec::new()).await?.0;
        given_up.id = None;
        kept.ok_or_else(|| Fault::new(FaultCode::Internal, "A file was checked and not kept."))
    }

    fn note(self, id: &str, progress: LoadProgress) {
        self.progress.update(|all| {
            all.insert(id.to_owned(), progress);
        });
    }

    /// Something is over: what is kept is asked for anew, and no progress is shown any more. What goes on under this id
    /// is ended only where it is `own`: another may have begun meanwhile.
    async fn settle(self, id: &str, own: Option<&Ended>) {
        for _ in 0..SETTLE_TRIES {
            // A failure to list shows when the view asks.
            let _listed = self.refresh().await;
            if !untrack(|| self.file(id)).is_some_and(|file| file.is_busy) {
                break;
            }
            // The keeper puts away what it has in hand.
            gloo_timers::future::TimeoutFuture::new(SETTLE_PAUSE_MS).await;
        }
        let is_own = |going: &Going| own.is_some_and(|own| Rc::ptr_eq(own, &going.fault));
        if self.going.with_value(|all| all.get(id).is_some_and(|going| !is_own(going))) {
            return;
        }
        self.progress.update(|all| {
            all.remove(id);
        });
        let going = self.going.try_update_value(|all| all.remove(id)).flatten();
        if let Some(going) = going {
            let _told = going.end.map(|end| end.call0(&JsValue::NULL));
        }
    }
}
