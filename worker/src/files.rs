//! Files: read, write, rename, remove, drafts, settings.

use js_sys::ArrayBuffer;
use protocol::{Access, Blob, ContentKind, Fault, FaultCode, FileInfo, FileText, WriteFile, Written};
use stdx::Clock as _;
use store::{ContentHash, StoreError};

use crate::convert::store_fault;
use crate::engine::Engine;
use crate::space::Space;
use crate::workspaces::none_open;

/// Share of the browser's quota at which an import stops.
const QUOTA_SHARE: f64 = 0.8;

/// The open workspace, if this tab may change it.
pub(crate) fn writable(engine: &mut Engine) -> Result<&mut Space, Fault> {
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    if space.access == Access::Reader {
        return Err(Fault::new(
            FaultCode::ReadOnly,
            "This workspace is open for writing in another tab. Close that tab, then this one takes over.",
        ));
    }
    Ok(space)
}

fn bad_path(path: &str, err: &store::PathError) -> Fault {
    Fault::new(FaultCode::Invalid, format!("“{path}” cannot be a path in a workspace: {err}."))
}

/// A fault when a new file at `path` would need the name of a file as a folder, or the other way round.
fn check_way(space: &Space, path: &str) -> Result<(), Fault> {
    let Some(taken) = store::in_the_way(&space.files, path) else { return Ok(()) };
    let sentence = if taken == path {
        format!("There is already a folder called {path}. Choose another name.")
    } else {
        format!(
            "There is already a file called {taken}, so no folder can have that name. Choose another path than {path}."
        )
    };
    Err(Fault::new(FaultCode::Exists, sentence))
}

pub(crate) fn not_found(path: &str) -> Fault {
    Fault::new(FaultCode::NotFound, format!("There is no file {path} in this workspace."))
}

/// A quota fault when `more` bytes would go over the share that Alcove allows itself.
pub(crate) fn check_quota(quota: Option<(u64, u64)>, more: u64) -> Result<(), Fault> {
    let Some((used, allowed)) = quota else { return Ok(()) };
    if (used + more) as f64 > allowed as f64 * QUOTA_SHARE {
        return Err(Fault::new(
            FaultCode::Quota,
            format!(
                "Storage for this site is nearly full: {} of {} MB are used. Delete a workspace you no longer need, \
                 or leave large files out, and try again.",
                used / 1_000_000,
                allowed / 1_000_000
            ),
        ));
    }
    Ok(())
}

/// The file tree.
pub(crate) fn list(engine: &mut Engine) -> Result<Vec<FileInfo>, Fault> {
    let space = engine.space.as_ref().ok_or_else(none_open)?;
    Ok(space.files.keys().filter_map(|path| space.info(path)).collect())
}

/// A file with its unsaved edit.
pub(crate) fn read(engine: &mut Engine, path: &str) -> Result<(FileText, Vec<ArrayBuffer>), Fault> {
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    let info = space.info(path).ok_or_else(|| not_found(path))?;
    let bytes = space.store.read_file(path).map_err(|err| store_fault(&err))?;
    let hash = ContentHash::of(&bytes).0;
    let mut blobs = vec![link::to_buffer(&bytes)];
    let mut draft = None;
    if let Some(text) = space.store.draft(path).map_err(|err| store_fault(&err))? {
        draft = Some(Blob(1));
        blobs.push(link::to_buffer(&text));
    }
    Ok((FileText { info, blob: Blob(0), hash, draft }, blobs))
}

/// Save a file. The lexical layer and the symbols know the new text when this returns.
pub(crate) fn write(engine: &mut Engine, call: &WriteFile, bytes: &[u8]) -> Result<Written, Fault> {
    let started_ms = engine.clock.monotonic_ms();
    let quota = engine.quota;
    let now_unix_ms = engine.clock.unix_ms();
    let space = writable(engine)?;
    store::check_path(&call.path).map_err(|err| bad_path(&call.path, &err))?;
    check_quota(quota, bytes.len() as u64)?;
    if !space.files.contains_key(&call.path) {
        check_way(space, &call.path)?;
    }
    let hash = ContentHash::of(bytes);
    if let Some(entry) = space.files.get(&call.path) {
        // The same write may arrive twice: the page repeats open calls when this worker was restarted.
        let repeated = entry.hash == hash;
        if !repeated && call.expect.is_some_and(|expect| expect != entry.hash.0) {
            return Err(Fault::new(
                FaultCode::Conflict,
                format!(
                    "{} was changed elsewhere since it was opened. Compare the two, then save again.",
                    call.path
                ),
            ));
        }
        if entry.content == ContentKind::LossyText && !repeated {
            return Err(Fault::new(
                FaultCode::ReadOnly,
                format!(
                    "{} is not valid UTF-8. It is shown as well as possible, but saving would damage it.",
                    call.path
                ),
            ));
        }
    }
    save(space, &call.path, bytes, now_unix_ms).map_err(|err| store_fault(&err))?;
    space.edited.retain(|path| *path != call.path);
    space.edited.insert(0, call.path.clone());
    space.edited.truncate(50);
    let path = call.path.clone();
    engine.parse_now(&path);
    engine.touched();
    Ok(Written { hash: hash.0, lexical_fresh_ms: (engine.clock.monotonic_ms() - started_ms) as f32 })
}

pub(crate) fn save(space: &mut Space, path: &str, bytes: &[u8], now_unix_ms: u64) -> Result<(), StoreError> {
    let before = space.store.file(path).map(|meta| meta.hash);
    space.put(path, bytes, now_unix_ms)?;
    space.outside.saved(&mut space.store, path, before, ContentHash::of(bytes))?;
    space.store.remove_draft(path)?;
    space.store.commit_user()
}

/// Remove a file or a folder.
pub(crate) fn remove(engine: &mut Engine, path: &str) -> Result<u32, Fault> {
    let space = writable(engine)?;
    // Nothing left to remove is no failure: the page repeats open calls when this worker was restarted.
    let removed = space.remove(path).map_err(|err| store_fault(&err))?;
    space.store.commit_user().map_err(|err| store_fault(&err))?;
    engine.touched();
    Ok(removed)
}

/// Rename or move a file or a folder.
pub(crate) fn rename(engine: &mut Engine, from: &str, to: &str) -> Result<u32, Fault> {
    let space = writable(engine)?;
    store::check_path(from).map_err(|err| bad_path(from, &err))?;
    store::check_path(to).map_err(|err| bad_path(to, &err))?;
    if space.paths_under(from).is_empty() && !space.paths_under(to).is_empty() {
        // A repeated call: see above.
        return Ok(0);
    }
    if !space.paths_under(to).is_empty() {
        return Err(Fault::new(FaultCode::Exists, format!("There is already something called {to}.")));
    }
    if to.starts_with(&format!("{from}/")) {
        return Err(Fault::new(FaultCode::Invalid, format!("{from} cannot be moved into itself.")));
    }
    check_way(space, to)?;
    let moved = space.rename(from, to).map_err(|err| store_fault(&err))?;
    if moved == 0 {
        return Err(not_found(from));
    }
    space.store.commit_user().map_err(|err| store_fault(&err))?;
    engine.touched();
    Ok(moved)
}

/// Keep or forget an unsaved edit.
pub(crate) fn put_draft(engine: &mut Engine, path: &str, bytes: Option<&[u8]>) -> Result<(), Fault> {
    let space = writable(engine)?;
    match bytes {
        Some(bytes) => space.put_draft(path, bytes),
        None => space.store.remove_draft(path),
    }
    .and_then(|()| space.store.commit_user())
    .map_err(|err| store_fault(&err))
}

/// A setting of the workspace.
pub(crate) fn get_setting(engine: &mut Engine, key: &str) -> Result<Option<String>, Fault> {
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    space.store.setting(key).map_err(|err| store_fault(&err))
}

/// Keep or remove a setting of the workspace.
pub(crate) fn put_setting(engine: &mut Engine, key: &str, value: Option<&str>) -> Result<(), Fault> {
    let space = writable(engine)?;
    space
        .store
        .put_setting(key, value)
        .and_then(|()| space.store.commit_user())
        .map_err(|err| store_fault(&err))
}

/// Throw the index away and build it again.
pub(crate) fn reindex(engine: &mut Engine) -> Result<(), Fault> {
    engine.embedding.forget_batches();
    let space = writable(engine)?;
    space.store.drop_derived().map_err(|err| store_fault(&err))?;
    space.index = index::Index::new(crate::space::DIM);
    space.files.clear();
    space.to_parse.clear();
    space.to_embed.clear();
    space.unsaved_vectors.clear();
    space.stash.clear();
    space.given_up.clear();
    space.to_admit.clear();
    crate::snapshot::reconcile(space);
    Ok(())
}
