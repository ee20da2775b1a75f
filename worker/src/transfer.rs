//! A workspace as one file: exported, and made again from it.

use js_sys::ArrayBuffer;
use protocol::{Blob, Bytes, Fault, FaultCode, Opened, WorkspaceId};
use stdx::{Clock as _, SystemClock};

use crate::archive::{self, Archive, Exporter, Manifest};
use crate::convert::store_fault;
use crate::engine::Engine;
use crate::import::check_room;
use crate::outside::Outside;
use crate::workspaces::{IMPORTING, UNFINISHED, clean_name, delete, info, make, none_open, register};

/// Longest stretch of an export or import between two turns of the event loop, milliseconds.
const SLICE_MS: f64 = 50.0;

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
