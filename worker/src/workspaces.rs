//! Workspaces: list, create, open, hand over between tabs, rename, delete, export, import.

use js_sys::ArrayBuffer;
use protocol::{Access, Blob, Bytes, Fault, FaultCode, Opened, WorkspaceId, WorkspaceInfo};
use stdx::{Clock as _, SystemClock};

use crate::archive::{self, Archive, Exporter, Manifest};
use crate::caution::Caution;
use crate::chat;
use crate::convert::store_fault;
use crate::disk::{self, DiskError, Held};
use crate::engine::Engine;
use crate::event::Event;
use crate::files::check_room;
use crate::outside::Outside;
use crate::queue::Queue;
use crate::snapshot;
use crate::space::{MAX_STASH, Space, Stats};
use crate::texts::Texts;

/// Pause before this tab tries again to become the writer after it failed, milliseconds.
const TAKE_OVER_AGAIN_MS: u32 = 10_000;
/// Longest stretch of an export or import between two turns of the event loop, milliseconds.
const SLICE_MS: f64 = 50.0;
/// What an imported workspace is called until everything is in it.
const UNFINISHED: &str = " (import not finished)";
/// Setting of a workspace that an import has begun and not finished.
const IMPORTING: &str = "alcove.importing";
/// Longest name of a workspace in characters.
const MAX_NAME: usize = 200;

/// What every request gets that needs an open workspace when there is none.
pub(crate) fn none_open() -> Fault {
    Fault::new(
        FaultCode::NotOpen,
        "No workspace is open. Open a folder, some files or a kept workspace first.",
    )
}

fn disk_fault(err: &DiskError) -> Fault {
    let code = match err {
        DiskError::Unavailable => FaultCode::Unsupported,
        DiskError::HeldElsewhere => FaultCode::ReadOnly,
        DiskError::NotFound(_) => FaultCode::NotFound,
        DiskError::Failed(_) => FaultCode::Storage,
    };
    Fault::new(code, err.to_string())
}

fn lock_name(id: WorkspaceId) -> String {
    format!("alcove/workspace/{}", id.0)
}

fn clean_name(name: &str) -> String {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    if name.is_empty() { "Untitled".into() } else { name }
}

fn info(space: &Space, opened_unix_ms: u64) -> WorkspaceInfo {
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
async fn register(changed: WorkspaceInfo) {
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
async fn make(engine: &mut Engine, id: WorkspaceId, name: String, importing: bool) -> Result<Opened, Fault> {
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
        engine.import = crate::files::Import::default();
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

async fn open_space(engine: &mut Engine, id: WorkspaceId, create: bool) -> Result<Opened, Fault> {
    let (held, access, lock) = open_store(id, create).await?;
    if access == Access::Reader {
        wait_for_writer(engine, id, 0);
    }
    let notices = build(engine, id, held, access, lock);
    let opened_unix_ms = engine.clock.unix_ms();
    let space = engine.space.as_ref().ok_or_else(none_open)?;
    Ok(Opened { info: info(space, opened_unix_ms), access, notices })
}

async fn open_store(id: WorkspaceId, create: bool) -> Result<(Held, Access, Option<web::Lock>), Fault> {
    let lock = match web::try_lock(&lock_name(id)).await {
        Ok(Some(lock)) => Some(lock),
        Ok(None) => {
            let held = disk::open_reader(id).await.map_err(|err| disk_fault(&err))?;
            return Ok((held, Access::Reader, None));
        }
        // Without Web Locks the exclusive file handles still keep a second writer out.
        Err(_) => None,
    };
    match disk::open_writer(id).await {
        Ok(held) => Ok((held, Access::Writer, lock)),
        Err(DiskError::HeldElsewhere) => {
            let held = disk::open_reader(id).await.map_err(|err| disk_fault(&err))?;
            Ok((held, Access::Reader, None))
        }
        Err(DiskError::Unavailable) if create => {
            let mut held = disk::open_memory().map_err(|err| disk_fault(&err))?;
            let notice = "This browser gives Alcove no storage here (a private window or a blocked frame): \
                          everything is gone when the tab closes. Export the workspace to keep it.";
            held.notices.push(notice.into());
            Ok((held, Access::Memory, lock))
        }
        Err(err) => Err(disk_fault(&err)),
    }
}

/// Make the open workspace from an opened store. Gives what a person is to be told.
fn build(
    engine: &mut Engine,
    id: WorkspaceId,
    held: Held,
    access: Access,
    lock: Option<web::Lock>,
) -> Vec<String> {
    let Held { mut store, mut notices, derived_dropped } = held;
    let restored = snapshot::restore(&mut store, derived_dropped);
    if restored.damaged && store.files().next().is_some() {
        notices.push("The index of this workspace is being built again; its files are untouched.".into());
    }
    // Without it parsing is a little less safe, which is no reason not to open.
    let caution = Caution::restore(&mut store, web::num_deaths() > 0).unwrap_or_default();
    // What cannot be read back counts as unknown, like all that was stored before this was noted.
    let outside = Outside::load(&store).unwrap_or_default();
    let name = store.name().unwrap_or_default();
    let mut space = Space {
        id,
        name,
        access,
        lock,
        store,
        index: restored.index,
        files: restored.files,
        outside,
        texts: Texts::default(),
        to_admit: std::collections::VecDeque::new(),
        to_parse: std::collections::VecDeque::new(),
        caution,
        to_embed: Queue::default(),
        focus: Vec::new(),
        edited: Vec::new(),
        paused: false,
        notices: notices.clone(),
        stats: Stats::default(),
        snapshot_stale: false,
        uncommitted: false,
        next_vector_record: restored.next_vector_record,
        unsaved_vectors: Vec::new(),
        stash_limit: restored.stash.len() + MAX_STASH,
        stash: restored.stash,
        vectors_worn: restored.vectors_worn,
        model: restored.model,
        given_up: std::collections::HashSet::new(),
    };
    snapshot::reconcile(&mut space);
    space.stats.chunks_reused = space.index.num_vectors() as u32;
    engine.space = Some(space);
    engine.last_status = None;
    engine.fetch_grammars();
    notices
}

/// Ask for the writer's lock in the background; the answer comes as an event.
fn wait_for_writer(engine: &Engine, id: WorkspaceId, after_ms: u32) {
    let events = engine.events.clone();
    wasm_bindgen_futures::spawn_local(async move {
        web::sleep_ms(after_ms).await;
        if let Ok(lock) = web::wait_lock(&lock_name(id)).await {
            events.send(Event::LockGranted(id, lock));
        }
    });
}

/// The other tab closed: open the store again, now for writing.
pub(crate) async fn take_over(engine: &mut Engine, id: WorkspaceId, lock: web::Lock) {
    let waits = engine.space.as_ref().is_some_and(|s| s.id == id && s.access == Access::Reader);
    if !waits {
        return;
    }
    let sentence = match disk::open_writer(id).await {
        Ok(held) => {
            // What could not be kept until now is kept when it is asked for next: this tab writes from here on.
            chat::stop_all(engine);
            engine.searches.abort_all();
            engine.suggestions.forget();
            engine.embedding.forget_batches();
            // The engine's status tells it as well.
            let _notices = build(engine, id, held, Access::Writer, Some(lock));
            return;
        }
        Err(err) => err.to_string(),
    };
    // The next chance comes when this tab gets the lock again; a moment later, because nobody else may hold it.
    drop(lock);
    wait_for_writer(engine, id, TAKE_OVER_AGAIN_MS);
    if let Some(space) = &mut engine.space {
        space.notices.push(format!("The other tab closed, but this one could not take over: {sentence}"));
    }
}

/// The page asks whether this tab writes by now.
pub(crate) async fn become_writer(engine: &mut Engine) -> Result<Access, Fault> {
    let space = engine.space.as_ref().ok_or_else(none_open)?;
    let (id, access) = (space.id, space.access);
    if access == Access::Reader
        && let Ok(Some(lock)) = web::try_lock(&lock_name(id)).await
    {
        take_over(engine, id, lock).await;
    }
    engine.space.as_ref().map(|space| space.access).ok_or_else(none_open)
}

/// Close the open workspace: save what is known, settle what waits.
pub(crate) async fn close(engine: &mut Engine) {
    chat::close(engine);
    engine.searches.abort_all();
    engine.suggestions.forget();
    engine.embedding.forget_batches();
    engine.import = crate::files::Import::default();
    let Some(mut space) = engine.space.take() else { return };
    if space.access == Access::Writer {
        // Derived data may be lost without harm; the files were committed when they were written.
        let _derived = snapshot::save_vectors(&mut space);
        let _committed = space.store.commit();
        let opened_unix_ms = SystemClock::default().unix_ms();
        register(info(&space, opened_unix_ms)).await;
    }
    drop(space);
    // The browser gives a lock back a turn later; until then, opening it again would find it held by somebody.
    web::turn().await;
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

/// The open workspace as one file.
pub(crate) async fn export(engine: &mut Engine) -> Result<(Bytes, ArrayBuffer), Fault> {
    let mut turns = Turns::new();
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    let failed = |err: archive::ArchiveError| Fault::new(FaultCode::Internal, err.to_string());
    let settings = space.store.settings().map_err(|err| store_fault(&err))?;
    let mut exporter = Exporter::new(&space.name, settings);
    let files: Vec<(String, u64)> =
        space.store.files().map(|(path, meta)| (path.to_owned(), meta.mtime_ms)).collect();
    for (path, mtime_ms) in files {
        let bytes = space.store.read_file(&path).map_err(|err| store_fault(&err))?;
        exporter.file(&path, &bytes, mtime_ms).map_err(failed)?;
        turns.give().await;
    }
    let drafts: Vec<String> = space.store.drafts().map(str::to_owned).collect();
    for path in drafts {
        if let Some(bytes) = space.store.draft(&path).map_err(|err| store_fault(&err))? {
            exporter.draft(&path, &bytes).map_err(failed)?;
        }
    }
    let bytes = exporter.finish().map_err(failed)?;
    let name = format!("{}.alcove.zip", space.name.replace(['/', '\\', ':'], "_"));
    Ok((Bytes { blob: Blob(0), name }, link::to_buffer(&bytes)))
}

/// Make a workspace from an export. It bears a telling name until everything is in it, and goes when that fails.
pub(crate) async fn import(
    engine: &mut Engine,
    id: WorkspaceId,
    bytes: Vec<u8>,
    name: &str,
) -> Result<Opened, Fault> {
    let bad = |err: archive::ArchiveError| Fault::new(FaultCode::BadFile, err.to_string());
    let (mut archive, manifest) = archive::open_export(bytes).map_err(bad)?;
    let name = clean_name(if name.trim().is_empty() { &manifest.name } else { name });
    let opened = make(engine, id, format!("{name}{UNFINISHED}"), true).await?;
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    if space.store.setting(IMPORTING).map_err(|err| store_fault(&err))?.is_none() {
        // The first try was done, and only its answer was lost.
        return Ok(opened);
    }
    match fill(engine, &mut archive, &manifest, opened, &name).await {
        Ok(opened) => Ok(opened),
        Err(fault) => {
            // What was told to the person is why the import failed; that clearing up failed too adds nothing.
            let _cleared = delete(engine, id).await;
            Err(fault)
        }
    }
}

async fn fill(
    engine: &mut Engine,
    archive: &mut Archive,
    manifest: &Manifest,
    opened: Opened,
    name: &str,
) -> Result<Opened, Fault> {
    let mut turns = Turns::new();
    let quota = engine.quota;
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    let mtimes: std::collections::HashMap<&str, u64> =
        manifest.mtimes_ms.iter().map(|(path, ms)| (path.as_str(), *ms)).collect();
    let mut notices = opened.notices;
    let mut unpacked: u64 = 0;
    for index in 0..archive.len() {
        turns.give().await;
        let Some(entry) = archive.entry(index) else { continue };
        let (is_draft, path) = match (entry.path.strip_prefix("files/"), entry.path.strip_prefix("drafts/")) {
            (Some(path), _) => (false, path),
            (None, Some(path)) => (true, path),
            (None, None) => continue,
        };
        if let Err(err) = store::check_path(path) {
            notices.push(format!("“{path}” was left out: {err}."));
            continue;
        }
        let Ok(bytes) = entry.content else {
            return Err(Fault::new(
                FaultCode::BadFile,
                format!("This export is damaged: {path} cannot be unpacked. Nothing was imported."),
            ));
        };
        unpacked += bytes.len() as u64;
        check_room(quota, space.access, unpacked, bytes.len() as u64)?;
        let put = if is_draft {
            space.store.put_draft(path, &bytes)
        } else {
            space.put(path, &bytes, mtimes.get(path).copied().unwrap_or(0)).map(|_| ())
        };
        put.map_err(|err| store_fault(&err))?;
    }
    for (key, value) in &manifest.settings {
        space.store.put_setting(key, Some(value)).map_err(|err| store_fault(&err))?;
    }
    space.outside = Outside::load(&space.store).map_err(|err| store_fault(&err))?;
    let named = space.store.put_setting(IMPORTING, None).and_then(|()| space.store.set_name(name));
    named.and_then(|()| space.store.commit()).map_err(|err| store_fault(&err))?;
    name.clone_into(&mut space.name);
    let info = info(space, opened.info.opened_unix_ms);
    register(info.clone()).await;
    Ok(Opened { info, access: opened.access, notices })
}

/// Gives the event loop a turn now and then, so that a long task does not look like a dead worker.
struct Turns {
    clock: SystemClock,
    since_ms: f64,
}

impl Turns {
    fn new() -> Self {
        let clock = SystemClock::default();
        Self { since_ms: clock.monotonic_ms(), clock }
    }

    async fn give(&mut self) {
        if self.clock.monotonic_ms() - self.since_ms > SLICE_MS {
            web::turn().await;
            self.since_ms = self.clock.monotonic_ms();
        }
    }
}
