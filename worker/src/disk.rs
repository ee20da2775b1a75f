//! Which disk a workspace stands on, and the list of workspaces.

use protocol::{WorkspaceId, WorkspaceInfo};
use store::{Disk, DiskFault, FileId, MemDisk, Recovery, StoreError, Workspace};
use thiserror::Error;
use web::{OpfsDisk, OpfsError};

/// File with what the list of workspaces shows; it can be made again by opening each.
const REGISTRY: &str = "workspaces.json";

/// The store of the open workspace.
pub(crate) type Store = Workspace<AnyDisk>;

/// A disk of either kind.
pub(crate) enum AnyDisk {
    /// Gone with the tab.
    Memory(MemDisk),
    /// The browser's private file system.
    Opfs(OpfsDisk),
}

macro_rules! each {
    ($self:ident, $disk:ident => $call:expr) => {
        match $self {
            AnyDisk::Memory($disk) => $call,
            AnyDisk::Opfs($disk) => $call,
        }
    };
}

impl Disk for AnyDisk {
    fn len(&self, file: FileId) -> Result<u64, DiskFault> {
        each!(self, disk => disk.len(file))
    }

    fn read(&self, file: FileId, at: u64, buf: &mut [u8]) -> Result<(), DiskFault> {
        each!(self, disk => disk.read(file, at, buf))
    }

    fn write(&mut self, file: FileId, at: u64, bytes: &[u8]) -> Result<(), DiskFault> {
        each!(self, disk => disk.write(file, at, bytes))
    }

    fn flush(&mut self, file: FileId) -> Result<(), DiskFault> {
        each!(self, disk => disk.flush(file))
    }

    fn truncate(&mut self, file: FileId, len: u64) -> Result<(), DiskFault> {
        each!(self, disk => disk.truncate(file, len))
    }
}

/// Why a workspace cannot be opened, listed or deleted.
#[derive(Debug, Error)]
pub(crate) enum DiskError {
    /// No storage here.
    #[error("This browser gives Alcove no private storage here.")]
    Unavailable,
    /// Another tab writes to it.
    #[error("This workspace is open in another tab.")]
    HeldElsewhere,
    /// It is not there.
    #[error("{0}")]
    NotFound(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl From<OpfsError> for DiskError {
    fn from(err: OpfsError) -> Self {
        match err {
            OpfsError::Unavailable => Self::Unavailable,
            OpfsError::Held => Self::HeldElsewhere,
            OpfsError::NotFound => Self::NotFound(err.to_string()),
            OpfsError::Failed(_) => Self::Failed(err.to_string()),
        }
    }
}

impl From<StoreError> for DiskError {
    fn from(err: StoreError) -> Self {
        Self::Failed(format!("The workspace cannot be opened: {err}."))
    }
}

/// A store with what recovery said of it.
pub(crate) struct Held {
    pub(crate) store: Store,
    pub(crate) notices: Vec<String>,
    /// What was derived from the files was damaged, and is gone.
    pub(crate) derived_dropped: bool,
}

pub(crate) fn hold(disk: AnyDisk) -> Result<Held, DiskError> {
    let (store, Recovery { notices, derived_dropped, .. }) = Workspace::open(disk)?;
    Ok(Held { store, notices, derived_dropped })
}

/// Pause between two tries to get file handles that a closing tab may still hold, milliseconds.
const RETRY_MS: u32 = 100;
/// Tries before the handles count as held by somebody who keeps them.
const RETRIES: u32 = 20;

/// Open for writing. The caller holds the workspace's lock, so a held handle is one that is just being given back.
pub(crate) async fn open_writer(id: WorkspaceId) -> Result<Held, DiskError> {
    for _ in 0..RETRIES {
        match OpfsDisk::open(id.0).await {
            Ok(disk) => return hold(AnyDisk::Opfs(disk)),
            Err(OpfsError::Held) => web::sleep_ms(RETRY_MS).await,
            Err(err) => return Err(err.into()),
        }
    }
    Err(DiskError::HeldElsewhere)
}

/// Open a copy for reading.
pub(crate) async fn open_reader(id: WorkspaceId) -> Result<Held, DiskError> {
    hold(AnyDisk::Memory(web::open_snapshot(id.0).await?))
}

/// A store that is gone with the tab.
pub(crate) fn open_memory() -> Result<Held, DiskError> {
    hold(AnyDisk::Memory(MemDisk::new()))
}

/// Ids of the kept workspaces.
pub(crate) async fn list() -> Result<Vec<WorkspaceId>, DiskError> {
    Ok(web::list_workspaces().await?.into_iter().map(WorkspaceId).collect())
}

/// Delete a workspace that nobody has open.
pub(crate) async fn delete(id: WorkspaceId) -> Result<(), DiskError> {
    Ok(web::delete_workspace(id.0).await?)
}

/// What the list shows, as far as it is known.
pub(crate) async fn read_registry() -> Vec<WorkspaceInfo> {
    let text = web::read_text(REGISTRY).await;
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// Keep what the list shows. A failure costs names in the list and nothing else.
pub(crate) async fn write_registry(infos: &[WorkspaceInfo]) {
    if let Ok(text) = serde_json::to_string(infos) {
        let _costs_names_only = web::write_text(REGISTRY, &text).await;
    }
}
