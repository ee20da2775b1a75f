//! The browser's private file system as a [`Disk`], and the folder of workspaces in it.
//!
//! Opening a file there is asynchronous, reading and writing through its sync access handle is not; so the few files
//! of a workspace are opened together beforehand. A handle is exclusive: a second tab cannot get one, and reads a copy
//! instead.

use js_sys::{Function, Reflect, Uint8Array};
use store::{Disk, DiskFault, FileId, MemDisk};
use thiserror::Error;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemReadWriteOptions, FileSystemRemoveOptions,
    FileSystemSyncAccessHandle,
};

use crate::turn::sleep_ms;

/// Folder of everything that Alcove keeps.
const ROOT: &str = "alcove";
/// Folder of the workspaces in it.
const WORKSPACES: &str = "workspaces";

/// Why the private file system did not do what was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OpfsError {
    /// The browser has none here: an old browser, a private window, a blocked frame.
    #[error("This browser gives Alcove no private storage here.")]
    Unavailable,
    /// Another tab or worker holds the file.
    #[error("This workspace is open in another tab.")]
    Held,
    /// There is no such workspace or file.
    #[error("This workspace is no longer kept on this device.")]
    NotFound,
    /// Anything else, in the browser's words.
    #[error("The browser's storage failed ({0}). Reload the page; if it goes on, free some disk space.")]
    Failed(String),
}

pub(crate) fn name_of(err: &JsValue) -> String {
    Reflect::get(err, &"name".into()).ok().and_then(|name| name.as_string()).unwrap_or_default()
}

pub(crate) fn words_of(err: &JsValue) -> String {
    let message = Reflect::get(err, &"message".into()).ok().and_then(|m| m.as_string());
    message.unwrap_or_else(|| format!("{err:?}"))
}

pub(crate) fn opfs_error(err: JsValue) -> OpfsError {
    match name_of(&err).as_str() {
        "NotFoundError" => OpfsError::NotFound,
        "NoModificationAllowedError" => OpfsError::Held,
        "SecurityError" | "NotAllowedError" => OpfsError::Unavailable,
        _ => OpfsError::Failed(words_of(&err)),
    }
}

fn disk_fault(err: JsValue) -> DiskFault {
    if name_of(&err) == "QuotaExceededError" { DiskFault::Quota } else { DiskFault::Io(words_of(&err)) }
}

pub(crate) async fn root(create: bool) -> Result<FileSystemDirectoryHandle, OpfsError> {
    let storage = Reflect::get(&js_sys::global(), &"navigator".into())
        .and_then(|navigator| Reflect::get(&navigator, &"storage".into()))
        .map_err(|_| OpfsError::Unavailable)?;
    // Asked for by name, since the method is missing where the context is not secure.
    let get: Function = Reflect::get(&storage, &"getDirectory".into())
        .and_then(|f| f.dyn_into())
        .map_err(|_| OpfsError::Unavailable)?;
    let promise: js_sys::Promise =
        get.call0(&storage).and_then(|p| p.dyn_into()).map_err(|_| OpfsError::Unavailable)?;
    let handle = JsFuture::from(promise).await.map_err(|_| OpfsError::Unavailable)?;
    folder(&handle.unchecked_into(), ROOT, create).await
}

pub(crate) async fn folder(
    parent: &FileSystemDirectoryHandle,
    name: &str,
    create: bool,
) -> Result<FileSystemDirectoryHandle, OpfsError> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(create);
    let handle = JsFuture::from(parent.get_directory_handle_with_options(name, &options)).await;
    handle.map(|handle| handle.unchecked_into()).map_err(opfs_error)
}

pub(crate) async fn file(
    parent: &FileSystemDirectoryHandle,
    name: &str,
    create: bool,
) -> Result<FileSystemFileHandle, OpfsError> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(create);
    let handle = JsFuture::from(parent.get_file_handle_with_options(name, &options)).await;
    handle.map(|handle| handle.unchecked_into()).map_err(opfs_error)
}

pub(crate) async fn handle_of(file: &FileSystemFileHandle) -> Result<FileSystemSyncAccessHandle, OpfsError> {
    let handle = JsFuture::from(file.create_sync_access_handle()).await;
    handle.map(|handle| handle.unchecked_into()).map_err(opfs_error)
}

/// Names of the entries of a folder.
pub(crate) async fn entries(folder: &FileSystemDirectoryHandle) -> Result<Vec<String>, OpfsError> {
    let keys = folder.keys();
    let mut names = Vec::new();
    loop {
        let promise = keys.next().map_err(opfs_error)?;
        let step = JsFuture::from(promise).await.map_err(opfs_error)?;
        let done = Reflect::get(&step, &"done".into()).is_ok_and(|done| done.is_truthy());
        if done {
            return Ok(names);
        }
        if let Some(name) = Reflect::get(&step, &"value".into()).ok().and_then(|value| value.as_string()) {
            names.push(name);
        }
    }
}

/// The files of one workspace, opened for writing. Dropping it closes them, so that another tab can have them.
#[derive(Debug)]
pub struct OpfsDisk {
    handles: Vec<FileSystemSyncAccessHandle>,
}

impl Drop for OpfsDisk {
    fn drop(&mut self) {
        for handle in &self.handles {
            handle.close();
        }
    }
}

impl OpfsDisk {
    /// Open (or make) the folder of workspace `id`.
    ///
    /// # Errors
    /// [`OpfsError::Held`] when another tab has it open for writing; see [`OpfsError`].
    pub async fn open(id: u64) -> Result<Self, OpfsError> {
        let workspaces = folder(&root(true).await?, WORKSPACES, true).await?;
        let folder = folder(&workspaces, &id.to_string(), true).await?;
        let mut disk = Self { handles: Vec::with_capacity(FileId::ALL.len()) };
        for id in FileId::ALL {
            disk.handles.push(handle_of(&file(&folder, id.name(), true).await?).await?);
        }
        Ok(disk)
    }

    fn handle(&self, file: FileId) -> &FileSystemSyncAccessHandle {
        &self.handles[file as usize]
    }
}

pub(crate) fn at_option(at: u64) -> FileSystemReadWriteOptions {
    let options = FileSystemReadWriteOptions::new();
    options.set_at(at as f64);
    options
}

impl Disk for OpfsDisk {
    fn len(&self, file: FileId) -> Result<u64, DiskFault> {
        Ok(self.handle(file).get_size().map_err(disk_fault)? as u64)
    }

    fn read(&self, file: FileId, at: u64, buf: &mut [u8]) -> Result<(), DiskFault> {
        let wanted = buf.len() as u64;
        let read =
            self.handle(file).read_with_u8_array_and_options(buf, &at_option(at)).map_err(disk_fault)?;
        if read as u64 == wanted {
            Ok(())
        } else {
            Err(DiskFault::PastEnd { at, wanted, len: self.len(file)? })
        }
    }

    fn write(&mut self, file: FileId, at: u64, bytes: &[u8]) -> Result<(), DiskFault> {
        let written =
            self.handle(file).write_with_u8_array_and_options(bytes, &at_option(at)).map_err(disk_fault)?;
        // A short write is how some browsers say that the quota is reached.
        if written as u64 == bytes.len() as u64 { Ok(()) } else { Err(DiskFault::Quota) }
    }

    fn flush(&mut self, file: FileId) -> Result<(), DiskFault> {
        self.handle(file).flush().map_err(disk_fault)
    }

    fn truncate(&mut self, file: FileId, len: u64) -> Result<(), DiskFault> {
        self.handle(file).truncate_with_f64(len as f64).map_err(disk_fault)
    }
}

/// Ids of the workspaces kept here, in no order.
///
/// # Errors
/// See [`OpfsError`]; no folder yet is no error.
pub async fn list_workspaces() -> Result<Vec<u64>, OpfsError> {
    let workspaces = match root(false).await {
        Ok(root) => folder(&root, WORKSPACES, false).await,
        Err(err) => Err(err),
    };
    match workspaces {
        Ok(workspaces) => {
            Ok(entries(&workspaces).await?.iter().filter_map(|name| name.parse().ok()).collect())
        }
        Err(OpfsError::NotFound) => Ok(Vec::new()),
        Err(err) => Err(err),
    }
}

/// Delete the folder of a workspace.
///
/// # Errors
/// [`OpfsError::Held`] while a tab has it open; see [`OpfsError`].
pub async fn delete_workspace(id: u64) -> Result<(), OpfsError> {
    let workspaces = folder(&root(false).await?, WORKSPACES, false).await?;
    let options = FileSystemRemoveOptions::new();
    options.set_recursive(true);
    let removed = JsFuture::from(workspaces.remove_entry_with_options(&id.to_string(), &options)).await;
    removed.map(|_| ()).map_err(opfs_error)
}

/// Tries to copy a workspace while its writer goes on, and the pause between them in milliseconds. A writer may compact
/// again and again for seconds; who opens the second tab rather waits for it than is refused.
const SNAPSHOT_TRIES: u32 = 400;
const SNAPSHOT_PAUSE_MS: u32 = 20;

/// A copy of a workspace's files in memory, for a tab that may only read. The writer goes on meanwhile, so the copy is
/// made again when a compaction came in between.
///
/// # Errors
/// [`OpfsError::Failed`] when the writer never paused for long enough; see [`OpfsError`].
pub async fn open_snapshot(id: u64) -> Result<MemDisk, OpfsError> {
    let workspaces = folder(&root(false).await?, WORKSPACES, false).await?;
    let folder = folder(&workspaces, &id.to_string(), false).await?;
    for _ in 0..SNAPSHOT_TRIES {
        // Reading fails when the file changes underneath.
        if let Ok(disk) = copy_of(&folder).await
            && is_current(&folder, &disk).await
        {
            return Ok(disk);
        }
        sleep_ms(SNAPSHOT_PAUSE_MS).await;
    }
    Err(OpfsError::Failed("the tab that writes to this workspace is too busy to copy it".into()))
}

async fn copy_of(folder: &FileSystemDirectoryHandle) -> Result<MemDisk, OpfsError> {
    let mut disk = MemDisk::new();
    for id in FileId::ALL {
        match file(folder, id.name(), false).await {
            Ok(handle) => disk.set(id, bytes_of(&handle).await?),
            Err(OpfsError::NotFound) => {}
            Err(err) => return Err(err),
        }
    }
    Ok(disk)
}

/// True when no log has moved to its other file since the copy was made. Commits only append, so a copy in which some
/// of the later ones are missing, or only half there, still opens as a whole state.
async fn is_current(folder: &FileSystemDirectoryHandle, copy: &MemDisk) -> bool {
    for id in FileId::ALL {
        let len = copy.get(id).len();
        let now = match file(folder, id.name(), false).await {
            Ok(handle) => len_of(&handle).await,
            Err(OpfsError::NotFound) => Ok(0),
            Err(err) => Err(err),
        };
        if !now.is_ok_and(|now| now >= len as u64 && (now == 0) == (len == 0)) {
            return false;
        }
    }
    true
}

pub(crate) async fn len_of(handle: &FileSystemFileHandle) -> Result<u64, OpfsError> {
    let file: File = JsFuture::from(handle.get_file()).await.map_err(opfs_error)?.unchecked_into();
    Ok(file.size() as u64)
}

pub(crate) async fn bytes_of(handle: &FileSystemFileHandle) -> Result<Vec<u8>, OpfsError> {
    let file: File = JsFuture::from(handle.get_file()).await.map_err(opfs_error)?.unchecked_into();
    let buffer = JsFuture::from(file.array_buffer()).await.map_err(opfs_error)?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// A small text file beside the workspaces; `None` when it is not there or cannot be read.
pub async fn read_text(name: &str) -> Option<String> {
    let handle = file(&root(false).await.ok()?, name, false).await.ok()?;
    String::from_utf8(bytes_of(&handle).await.ok()?).ok()
}

/// Write a small text file beside the workspaces. It is not protected against a crash in between: only what can be
/// made again belongs there.
///
/// # Errors
/// See [`OpfsError`].
pub async fn write_text(name: &str, text: &str) -> Result<(), OpfsError> {
    let handle = handle_of(&file(&root(true).await?, name, true).await?).await?;
    let written = handle
        .truncate_with_f64(0.0)
        .and_then(|()| handle.write_with_u8_array_and_options(text.as_bytes(), &at_option(0)))
        .and_then(|_| handle.flush());
    handle.close();
    written.map_err(opfs_error)
}
