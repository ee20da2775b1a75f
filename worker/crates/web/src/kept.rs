//! Files of language models in the browser's private storage: `<id>.gguf` is whole, `<id>.part` is on its way, and
//! `<id>.json` says where it comes from.
//!
//! A whole file is read through `File.slice`, not through a sync access handle: that needs no lock, so any number of
//! tabs load the same file at once, in every browser; handles that share reading exist in one engine only, and a handle
//! of the plain kind would shut the other tabs out. What a handle would save is one copy of each piece, which is little
//! beside the reading itself. A file on its way has one writer, which does hold a handle.
//!
//! That nobody takes a file away while it is used is seen to by Web Locks: readers share the lock of its id, and whoever
//! writes or deletes has it alone. The browser releases it when a tab or a worker dies.

use js_sys::{ArrayBuffer, Function, Promise, Reflect, Uint8Array};
use thiserror::Error;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, FileSystemDirectoryHandle, FileSystemSyncAccessHandle};

use crate::locks::{Lock, LockError, share_lock, try_lock};
use crate::opfs::{at_option, bytes_of, entries, file, folder, handle_of, name_of, root, words_of};
use crate::{OpfsError, opfs};

/// Folder of the files.
const FOLDER: &str = "language-models";
/// Longest id.
pub const MAX_KEPT_ID: usize = 96;

/// Why a kept file could not be read or written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeptError {
    /// The browser has no private storage here.
    #[error("This browser gives Alcove no private storage here, so models cannot be kept.")]
    Unavailable,
    /// It is not there, or was deleted meanwhile.
    #[error("This model is not kept on this device. Download it under “Models”.")]
    NotFound,
    /// Another tab, or another call of this one, has it.
    #[error("This model is being used, changed or downloaded at this moment, perhaps by another tab.")]
    Busy,
    /// There is no more room.
    #[error(
        "There is no more room for this model in the browser's storage. Delete something, then try again."
    )]
    Quota,
    /// Anything else, in the browser's words.
    #[error("The browser's storage failed ({0}). Reload the page; if it goes on, free some disk space.")]
    Failed(String),
}

impl From<OpfsError> for KeptError {
    fn from(err: OpfsError) -> Self {
        match err {
            OpfsError::Unavailable => Self::Unavailable,
            OpfsError::Held => Self::Busy,
            OpfsError::NotFound => Self::NotFound,
            OpfsError::Failed(why) => Self::Failed(why),
        }
    }
}

fn kept_error(err: JsValue) -> KeptError {
    if name_of(&err) == "QuotaExceededError" { KeptError::Quota } else { opfs::opfs_error(err).into() }
}

/// True for what may name a file: lower-case letters, digits, `-`, `_` and dots that are not in front.
#[must_use]
pub fn is_kept_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    (1..=MAX_KEPT_ID).contains(&id.len()) && !id.starts_with('.') && id.bytes().all(plain)
}

async fn models_folder(create: bool) -> Result<FileSystemDirectoryHandle, KeptError> {
    Ok(folder(&root(create).await?, FOLDER, create).await?)
}

fn lock_name(id: &str) -> String {
    format!("alcove-language-model-{id}")
}

/// Have the file `id` alone, to write or to delete it. `None` when somebody reads or writes it.
///
/// # Errors
/// [`KeptError::NotFound`] for what is no id. A browser without Web Locks has nobody to wait for.
pub async fn hold_kept(id: &str) -> Result<Option<KeptHold>, KeptError> {
    if !is_kept_id(id) {
        return Err(KeptError::NotFound);
    }
    match try_lock(&lock_name(id)).await {
        Ok(lock) => Ok(lock.map(|lock| KeptHold { _lock: Some(lock) })),
        Err(LockError::Unavailable) => Ok(Some(KeptHold { _lock: None })),
        Err(LockError::Refused(_)) => Err(KeptError::Unavailable),
    }
}

/// The right to change a kept file; dropping it gives it back.
#[derive(Debug)]
pub struct KeptHold {
    _lock: Option<Lock>,
}

/// A whole file, open for reading. Nobody deletes it until this is dropped: keep it for as long as the model is in use.
#[derive(Debug)]
pub struct KeptFile {
    file: File,
    _lock: Option<Lock>,
}

/// Open the file `id`.
///
/// # Errors
/// [`KeptError::Busy`] while it is being deleted or written; see [`KeptError`].
pub async fn open_kept(id: &str) -> Result<KeptFile, KeptError> {
    if !is_kept_id(id) {
        return Err(KeptError::NotFound);
    }
    let lock = match share_lock(&lock_name(id)).await {
        Ok(None) => return Err(KeptError::Busy),
        Ok(lock) => lock,
        Err(LockError::Unavailable) => None,
        Err(LockError::Refused(_)) => return Err(KeptError::Unavailable),
    };
    let handle = file(&models_folder(false).await?, &format!("{id}.gguf"), false).await?;
    let file = JsFuture::from(handle.get_file()).await.map_err(kept_error)?.unchecked_into();
    Ok(KeptFile { file, _lock: lock })
}

impl KeptFile {
    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.file.size() as u64
    }

    /// True for a file without content.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fill `buf` with the bytes from `at` on. Memory for one more copy of them is taken outside of this module's own.
    ///
    /// # Errors
    /// [`KeptError::Failed`] past the end, or when the file was changed in spite of its lock.
    pub async fn read_at(&self, at: u64, buf: &mut [u8]) -> Result<(), KeptError> {
        let end = at.saturating_add(buf.len() as u64);
        if end > self.len() {
            return Err(KeptError::Failed(format!("byte {end} of a file of {} was asked for", self.len())));
        }
        let slice = self.file.slice_with_f64_and_f64(at as f64, end as f64).map_err(kept_error)?;
        let buffer: ArrayBuffer =
            JsFuture::from(slice.array_buffer()).await.map_err(kept_error)?.unchecked_into();
        let bytes = Uint8Array::new(&buffer);
        if bytes.length() as usize != buf.len() {
            return Err(KeptError::Failed("the file became shorter while it was read".into()));
        }
        bytes.copy_to(buf);
        Ok(())
    }
}
