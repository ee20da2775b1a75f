//! Requests about the folder on disk that a workspace came from: what it lacks, whether it may be written to, and what
//! happened there. The page reads and writes the disk; what is right is decided here, from [`crate::outside`].

use js_sys::ArrayBuffer;
use protocol::{Behind, Blob, CheckDisk, DiskCheck, DiskState, Fault, RemoveUnchanged, WroteToDisk};
use store::{ContentHash, StoreError};

use crate::convert::store_fault;
use crate::engine::Engine;
use crate::files::{not_found, writable};
use crate::space::Space;
use crate::workspaces::none_open;

/// The files that the disk lacks.
pub(crate) fn list(engine: &Engine) -> Result<Vec<Behind>, Fault> {
    let space = engine.space.as_ref().ok_or_else(none_open)?;
    let behind = |(path, edited): (&str, bool)| Behind { path: path.to_owned(), edited };
    Ok(space.outside.iter().map(behind).collect())
}

/// Compare a file on disk with the stored one, whose bytes go along.
pub(crate) fn check(
    engine: &Engine,
    call: &CheckDisk,
    there: Option<&[u8]>,
) -> Result<(DiskCheck, ArrayBuffer), Fault> {
    let space = engine.space.as_ref().ok_or_else(none_open)?;
    let (state, hash) = compare(space, &call.path, there).ok_or_else(|| not_found(&call.path))?;
    let bytes = space.store.read_file(&call.path).map_err(|err| store_fault(&err))?;
    Ok((DiskCheck { state, blob: Blob(0), hash: hash.0 }, link::to_buffer(&bytes)))
}

/// How a file on disk compares with the stored one, and the hash of that. `None` when none is stored.
pub(crate) fn compare(space: &Space, path: &str, there: Option<&[u8]>) -> Option<(DiskState, ContentHash)> {
    let stored = space.store.file(path)?.hash;
    Some((space.outside.compare(path, stored, there.map(ContentHash::of)), stored))
}

/// Note what was written to the disk.
pub(crate) fn wrote(engine: &mut Engine, call: &WroteToDisk) -> Result<(), Fault> {
    let space = writable(engine)?;
    note(space, &call.path, ContentHash(call.hash)).map_err(|err| store_fault(&err))
}

/// Note that the disk has this content.
pub(crate) fn note(space: &mut Space, path: &str, written: ContentHash) -> Result<(), StoreError> {
    // Renamed or removed since.
    let Some(stored) = space.store.file(path).map(|meta| meta.hash) else { return Ok(()) };
    space.outside.written(&mut space.store, path, stored, written)?;
    space.store.commit_user()
}

/// Remove files that are unchanged still.
pub(crate) fn remove_unchanged(engine: &mut Engine, call: &RemoveUnchanged) -> Result<u32, Fault> {
    let space = writable(engine)?;
    let removed = remove(space, &call.paths).map_err(|err| store_fault(&err))?;
    engine.touched();
    Ok(removed)
}

/// Remove those that nobody changed here.
pub(crate) fn remove(space: &mut Space, paths: &[String]) -> Result<u32, StoreError> {
    let mut removed = 0;
    for path in paths {
        if space.files.contains_key(path) && space.is_unchanged(path) {
            removed += space.remove(path)?;
        }
    }
    space.store.commit_user()?;
    Ok(removed)
}
