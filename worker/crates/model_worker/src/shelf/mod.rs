//! The shelf: files of language models that are kept on this device.

mod download;
#[cfg(test)]
mod hostile;
mod intake;
mod mark;
mod plan;
mod taker;

use std::cell::RefCell;
use std::collections::BTreeMap;

use js_sys::{ArrayBuffer, Uint8Array};
use link::Reply;
use protocol::{
    BeginModelFile, DownloadModel, EndModelFile, Fault, FaultCode, LoadProgress, ModelFile, ModelFileBegun,
    ModelRequest, PutModelPiece,
};
use stdx::Cancel;
use web::{KeptEntry, KeptHold, MAX_KEPT_ID, hold_kept, is_kept_held, is_kept_id, list_kept};

use self::download::{Wish, download, room_for};
use self::mark::{Mark, free_id, id_from, shown_name};
use self::taker::{Taker, describe, storage};

/// Largest piece that is taken at once.
const MAX_PIECE_BYTES: u32 = 16 << 20;
/// Files that are taken in from the page at the same time.
const MAX_IMPORTS: usize = 4;
/// Tries to get hold of a file, and the pause between them: whoever just let go of it may be a moment late.
const HOLD_TRIES: u32 = 15;
const HOLD_PAUSE_MS: u32 = 100;

/// All state: files that come from the page.
#[derive(Debug, Default)]
pub struct Shelf {
    imports: RefCell<BTreeMap<String, Taker>>,
    /// Files that a piece is being written of, and whether they were given up meanwhile.
    writing: RefCell<BTreeMap<String, bool>>,
}

impl Shelf {
    /// Answer a call about files.
    pub async fn answer(&self, request: ModelRequest, blobs: &[ArrayBuffer], reply: Reply) {
        match request {
            ModelRequest::ListModelFiles(_) => reply.settle(self.list().await),
            ModelRequest::DownloadModel(request) => {
                let outcome =
                    self.download(&request, reply.cancel(), |progress| reply.event(&progress)).await;
                reply.settle(outcome);
            }
            ModelRequest::BeginModelFile(request) => {
                let begun = self.begin(&request).await;
                if let (true, Ok(begun)) = (reply.cancel().is_cancelled(), &begun) {
                    // Who asked has given up and never learns the id.
                    self.imports.borrow_mut().remove(&begun.id);
                }
                reply.settle(begun);
            }
            ModelRequest::PutModelPiece(request) => reply.settle(self.put(&request, blobs).await),
            ModelRequest::EndModelFile(request) => reply.settle(self.end(&request).await),
            ModelRequest::DeleteModelFile(request) => reply.settle(self.delete(&request.id).await),
            // The service sends no others here; a reply that is dropped says so.
            _ => drop(reply),
        }
    }

    /// What is kept and what is on its way.
    async fn list(&self) -> Result<Vec<ModelFile>, Fault> {
        let mut files = Vec::new();
        for entry in entries().await? {
            let mark = mark_of(&entry).await;
            if let Some(bytes) = entry.whole_bytes {
                files.push(describe(&entry.id, &mark.unwrap_or_default(), bytes, true, false));
            } else if let Some(bytes) = entry.part_bytes {
                let is_busy = is_kept_held(&entry.id).await;
                match mark {
                    Some(mark) => files.push(describe(&entry.id, &mark, bytes, false, is_busy)),
                    None if is_busy => {}
                    // What a crash left of a file that nobody can go on with.
                    None => self.sweep(&entry.id).await,
                }
            }
        }
        Ok(files)
    }

    async fn sweep(&self, id: &str) {
        if let Ok(Some(hold)) = hold_kept(id).await {
            let is_whole = entry(id).await.is_ok_and(|entry| entry.whole_bytes.is_some());
            if !is_whole {
                let _tried = web::remove_kept(id, &hold).await;
            }
        }
    }

    /// Download a file; see [`DownloadModel`].
    async fn download(
        &self,
        request: &DownloadModel,
        cancel: &Cancel,
        on_progress: impl Fn(LoadProgress),
    ) -> Result<ModelFile, Fault> {
        let id = checked(&request.id)?;
        let origin = web::scope().map(|scope| scope.location().origin()).unwrap_or_default();
        let wish = Wish::new(request, &origin)?;
        let hold = hold(id, "It is on its way already, perhaps in another tab.").await?;
        let entry = entry(id).await?;
        let known = mark_of(&entry).await;
        let is_here = entry.whole_bytes.is_some() || entry.part_bytes.is_some();
        let is_other = |known: &Mark| request.sha256.is_empty() && known.address != wish.mark.address;
        if is_here && known.as_ref().is_some_and(is_other) {
            let sentence = format!("A file from elsewhere is kept as “{id}” already. Delete it first.");
            return Err(Fault::new(FaultCode::Exists, sentence));
        }
        if let Some(bytes) = entry.whole_bytes {
            let known = known.unwrap_or_default();
            if request.sha256.is_empty() || known.sha256.is_empty() || known.sha256 == request.sha256 {
                return Ok(describe(id, &known, bytes, true, false));
            }
            let sentence = format!("Another file is kept as “{id}” already. Delete it first.");
            return Err(Fault::new(FaultCode::Exists, sentence));
        }
        let here = entry.part_bytes.unwrap_or(0);
        let resumable = known.filter(|known| here > 0 && known.is_same_file(&wish.mark));
        if wish.mark.bytes != 0 {
            let here = if resumable.is_some() { here } else { 0 };
            room_for(wish.mark.bytes.saturating_sub(here)).await?;
        }
        let taker = match resumable {
            Some(known) => {
                let mark = Mark {
                    bytes: if wish.mark.bytes == 0 { known.bytes } else { wish.mark.bytes },
                    etag: known.etag,
                    last_modified: known.last_modified,
                    ..wish.mark.clone()
                };
                let total_bytes = mark.bytes;
                Taker::resume(id, hold, mark, cancel, |done_bytes| {
                    let stage = "Checking what is here".to_owned();
                    on_progress(LoadProgress { stage, done_bytes, total_bytes });
                })
                .await?
            }
            None => Taker::new(id, hold, wish.mark.clone()),
        };
        download(&wish, taker, cancel, &on_progress).await
    }

    /// Begin to take in a file of the page.
    async fn begin(&self, request: &BeginModelFile) -> Result<ModelFileBegun, Fault> {
        let name = shown_name(&request.name);
        if request.bytes == 0 {
            return Err(Fault::new(FaultCode::BadFile, format!("“{name}” is empty.")));
        }
        if self.imports.borrow().len() >= MAX_IMPORTS {
            let sentence = format!("{MAX_IMPORTS} files are being taken in already. Wait for one of them.");
            return Err(Fault::new(FaultCode::TooLarge, sentence));
        }
        room_for(request.bytes).await?;
        let kept = entries().await?;
        let wanted = id_from(&name, MAX_KEPT_ID - 8);
        let id = free_id(&wanted, |id| {
            kept.iter().any(|entry| entry.id == id) || self.imports.borrow().contains_key(id)
        });
        let hold = hold(&id, "Another tab takes in a file of this name.").await?;
        let mark = Mark { name, bytes: request.bytes, ..Mark::default() };
        self.imports.borrow_mut().insert(id.clone(), Taker::new(&id, hold, mark));
        Ok(ModelFileBegun { id })
    }

    /// Take the next piece of a file of the page. What is refused is over, and leaves nothing behind.
    async fn put(&self, request: &PutModelPiece, blobs: &[ArrayBuffer]) -> Result<(), Fault> {
        let mut taker = self.import(&request.id)?;
        self.writing.borrow_mut().insert(request.id.clone(), false);
        let outcome = match blobs.get(request.blob.0 as usize) {
            Some(blob) if blob.byte_length() <= MAX_PIECE_BYTES && request.at == taker.len() => {
                taker.put(&Uint8Array::new(blob).to_vec()).await
            }
            _ => Err(Fault::new(FaultCode::Invalid, "A piece of a file came out of order or is too large.")),
        };
        let is_given_up = self.writing.borrow_mut().remove(&request.id).unwrap_or_default();
        match outcome {
            Ok(()) if !is_given_up => {
                self.imports.borrow_mut().insert(request.id.clone(), taker);
            }
            _ => taker.discard().await,
        }
        outcome
    }

    /// A file of the page is over.
    async fn end(&self, request: &EndModelFile) -> Result<Option<ModelFile>, Fault> {
        if !request.keep
            && let Some(is_given_up) = self.writing.borrow_mut().get_mut(&request.id)
        {
            // Whoever writes the piece takes it away.
            *is_given_up = true;
            return Ok(None);
        }
        let taker = self.import(&request.id)?;
        if request.keep {
            return taker.finish("").await.map(Some);
        }
        taker.discard().await;
        Ok(None)
    }

    /// Delete a file, or what came of it.
    async fn delete(&self, id: &str) -> Result<(), Fault> {
        let id = checked(id)?;
        let hold =
            hold(id, "It is in use or on its way, perhaps in another tab: unload or pause it there first.");
        let hold = hold.await?;
        web::remove_kept(id, &hold).await.map_err(|err| storage(&err))
    }

    fn import(&self, id: &str) -> Result<Taker, Fault> {
        let missing = || Fault::new(FaultCode::NotFound, "This file is not being taken in, or not any more.");
        self.imports.borrow_mut().remove(id).ok_or_else(missing)
    }
}

fn checked(id: &str) -> Result<&str, Fault> {
    let sentence = "A model's id has lower-case letters, digits, dots, “-” and “_” only.";
    if is_kept_id(id) { Ok(id) } else { Err(Fault::new(FaultCode::Invalid, sentence)) }
}

/// Have a file alone.
async fn hold(id: &str, otherwise: &str) -> Result<KeptHold, Fault> {
    for _ in 0..HOLD_TRIES {
        if let Some(hold) = hold_kept(id).await.map_err(|err| storage(&err))? {
            return Ok(hold);
        }
        web::sleep_ms(HOLD_PAUSE_MS).await;
    }
    let sentence = format!("Nothing can be done with the model “{id}” now. {otherwise}");
    Err(Fault::new(FaultCode::Conflict, sentence).retry_after_ms(2000))
}

async fn entries() -> Result<Vec<KeptEntry>, Fault> {
    list_kept().await.map_err(|err| storage(&err))
}

async fn entry(id: &str) -> Result<KeptEntry, Fault> {
    Ok(entries().await?.into_iter().find(|entry| entry.id == id).unwrap_or_default())
}

async fn mark_of(entry: &KeptEntry) -> Option<Mark> {
    if !entry.has_mark {
        return None;
    }
    Mark::from_json(&web::read_mark(&entry.id).await?)
}
