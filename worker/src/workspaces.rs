//! Workspaces: list, create, open, rename, delete.

use protocol::{Access, Fault, FaultCode, Opened, WorkspaceId, WorkspaceInfo};
use stdx::Clock as _;

use crate::chat;
use crate::convert::store_fault;
use crate::disk::{self, DiskError, Held};
use crate::engine::Engine;
use crate::opening::{close, open_space};
use crate::space::Space;

/// What an imported workspace is called until everything is in it.
pub(crate) const UNFINISHED: &str = " (import not finished)";
/// Setting of a workspace that an import has begun and not finished.
pub(crate) const IMPORTING: &str = "alcove.importing";
/// Longest name of a workspace in characters.
const MAX_NAME: usize = 200;

/// What every request gets that needs an open workspace when there is none.
pub(crate) fn none_open() -> Fault {
    Fault::new(
        FaultCode::NotOpen,
        "No workspace is open. Open a folder, some files or a kept workspace first.",
    )
}

pub(crate) fn disk_fault(err: &DiskError) -> Fault {
    let code = match err {
        DiskError::Unavailable => FaultCode::Unsupported,
        DiskError::HeldElsewhere => FaultCode::ReadOnly,
        DiskError::NotFound(_) => FaultCode::NotFound,
        DiskError::Failed(_) => FaultCode::Storage,
    };
    Fault::new(code, err.to_string())
}

pub(crate) fn lock_name(id: WorkspaceId) -> String {
    format!("alcove/workspace/{}", id.0)
}

pub(crate) fn clean_name(name: &str) -> String {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    if name.is_empty() { "Untitled".into() } else { name }
}

pub(crate) fn info(space: &Space, opened_unix_ms: u64) -> WorkspaceInfo {
    WorkspaceInfo {
        id: space.id,
        name: space.name.clone(),
        num_files: space.files.len() as u32,
        stored_bytes: space.store.stored_bytes(),
        opened_unix_ms,
    }
}

/// The workspaces kept on this device, the one opened last first.
pub(crate) async fn list(engine: &mut Engine) -> Result<Vec<WorkspaceInfo>, Fault> {
    let mut ids = match disk::list().await {
        Ok(ids) => ids,
        Err(DiskError::Unavailable) => Vec::new(),
        Err(err) => return Err(disk_fault(&err)),
    };
    let known = disk::read_registry().await;
    clear_unfinished(engine, &known, &mut ids).await;
    let mut infos: Vec<WorkspaceInfo> = ids
        .into_iter()
        .map(|id| {
            known.iter().find(|info| info.id == id).cloned().unwrap_or_else(|| WorkspaceInfo {
                id,
                name: format!("Workspace {}", id.0),
                num_files: 0,
                stored_bytes: 0,
                opened_unix_ms: 0,
            })
        })
        .collect();
    if let Some(space) = &engine.space {
        let opened = infos.iter().find(|i| i.id == space.id).map_or(0, |i| i.opened_unix_ms);
        infos.retain(|i| i.id != space.id);
        infos.push(info(space, opened));
    }
    infos.sort_by_key(|info| (std::cmp::Reverse(info.opened_unix_ms), info.id));
    Ok(infos)
}

/// Delete what is left of imports whose tab was closed, or whose engine died of them.
async fn clear_unfinished(engine: &Engine, known: &[WorkspaceInfo], ids: &mut Vec<WorkspaceId>) {
    let open = engine.space.as_ref().map(|space| space.id);
    for info in known.iter().filter(|info| info.name.ends_with(UNFINISHED)) {
        if !ids.contains(&info.id) || open == Some(info.id) {
            continue;
        }
        // Whoever still imports, in another tab, holds the lock.
        let Ok(Some(lock)) = web::try_lock(&lock_name(info.id)).await else { continue };
        // A person may give that name to something that they want to keep.
        let is_rest = match disk::open_writer(info.id).await {
            Ok(Held { store, .. }) => matches!(store.setting(IMPORTING), Ok(Some(_))),
            Err(_) => false,
        };
        if is_rest && disk::delete(info.id).await.is_ok() {
            ids.retain(|id| *id != info.id);
        }
        drop(lock);
    }
}

/// Keep what the list shows, so that it can be shown without opening every workspace.
pub(crate) async fn register(changed: WorkspaceInfo) {
    let mut known = disk::read_registry().await;
    known.retain(|info| info.id != changed.id);
    known.push(changed);
    disk::write_registry(&known).await;
}

/// Make an empty workspace and open it. Without storage it lives in memory.
pub(crate) async fn create(engine: &mut Engine, id: WorkspaceId, name: &str) -> Result<Opened, Fault> {
    make(engine, id, clean_name(name), false).await
}

/// Make the workspace `id`, or open it: the page repeats open calls when this worker was restarted, and the first try
/// may have come as far as that.
pub(crate) async fn make(
    engine: &mut Engine,
    id: WorkspaceId,
    name: String,
    importing: bool,
) -> Result<Opened, Fault> {
    let is_open = engine.space.as_ref().is_some_and(|space| space.id == id);
    let is_kept = is_open || disk::list().await.unwrap_or_default().contains(&id);
    let mut opened = if is_kept {
        open(engine, id).await?
    } else {
        close(engine).await;
        open_space(engine, id, true).await?
    };
    // It has its name from the moment on that it is whole.
    if let Some(space) = engine.space.as_mut().filter(|space| space.name.is_empty()) {
        if importing {
            space.store.put_setting(IMPORTING, Some("true")).map_err(|err| store_fault(&err))?;
        }
        space.store.set_name(&name).and_then(|()| space.store.commit()).map_err(|err| store_fault(&err))?;
        space.name.clone_from(&name);
        opened.info.name = name;
    }
    register(opened.info.clone()).await;
    Ok(opened)
}

/// Open a kept workspace.
pub(crate) async fn open(engine: &mut Engine, id: WorkspaceId) -> Result<Opened, Fault> {
    if let Some(space) = &engine.space
        && space.id == id
    {
        let opened_unix_ms = engine.clock.unix_ms();
        // Who opens it again has left it, and the import that ran there with it.
        engine.import = crate::import::Import::default();
        return Ok(Opened { info: info(space, opened_unix_ms), access: space.access, notices: Vec::new() });
    }
    if !disk::list().await.map_err(|err| disk_fault(&err))?.contains(&id) {
        return Err(Fault::new(FaultCode::NotFound, "This workspace is no longer kept on this device."));
    }
    close(engine).await;
    let opened = open_space(engine, id, false).await?;
    register(opened.info.clone()).await;
    Ok(opened)
}

/// Give a workspace another name.
pub(crate) async fn rename(engine: &mut Engine, id: WorkspaceId, name: &str) -> Result<(), Fault> {
    let name = clean_name(name);
    match &mut engine.space {
        Some(space) if space.id == id => {
            if space.access == Access::Reader {
                return Err(Fault::new(
                    FaultCode::ReadOnly,
                    "This workspace is open for writing in another tab.",
                ));
            }
            space
                .store
                .set_name(&name)
                .and_then(|()| space.store.commit())
                .map_err(|err| store_fault(&err))?;
            space.name.clone_from(&name);
        }
        _ => {
            if !disk::list().await.map_err(|err| disk_fault(&err))?.contains(&id) {
                return Err(Fault::new(
                    FaultCode::NotFound,
                    "This workspace is no longer kept on this device.",
                ));
            }
            let _lock = web::try_lock(&lock_name(id)).await.ok().flatten();
            let Held { mut store, .. } = disk::open_writer(id).await.map_err(|err| disk_fault(&err))?;
            store.set_name(&name).and_then(|()| store.commit()).map_err(|err| store_fault(&err))?;
        }
    }
    let mut known = disk::read_registry().await;
    match known.iter_mut().find(|info| info.id == id) {
        Some(info) => info.name = name,
        None => known.push(WorkspaceInfo { id, name, num_files: 0, stored_bytes: 0, opened_unix_ms: 0 }),
    }
    disk::write_registry(&known).await;
    Ok(())
}

/// Delete a workspace with everything in it.
pub(crate) async fn delete(engine: &mut Engine, id: WorkspaceId) -> Result<(), Fault> {
    let lock;
    match &engine.space {
        Some(space) if space.id == id => {
            if space.access == Access::Reader {
                return Err(Fault::new(
                    FaultCode::ReadOnly,
                    "This workspace is open in another tab. Close it there first.",
                ));
            }
            chat::close(engine);
            engine.searches.abort_all();
            engine.suggestions.forget();
            engine.embedding.forget_batches();
            // The file handles must close before the files can go; the lock is kept, so that no other tab takes over
            // what is about to be deleted.
            lock = engine.space.take().and_then(|space| space.lock);
        }
        _ => match web::try_lock(&lock_name(id)).await {
            Ok(None) => {
                return Err(Fault::new(
                    FaultCode::ReadOnly,
                    "This workspace is open in another tab. Close it there first.",
                ));
            }
            held => lock = held.ok().flatten(),
        },
    }
    disk::delete(id).await.map_err(|err| disk_fault(&err))?;
    drop(lock);
    let mut known = disk::read_registry().await;
    known.retain(|info| info.id != id);
    disk::write_registry(&known).await;
    Ok(())
}
