//! Importing files: in batches from a folder, or from an archive; what is left out and why.

use std::collections::BTreeMap;

use js_sys::ArrayBuffer;
use protocol::{Access, BatchOf, Fault, FaultCode, FileIn, Imported, PutFiles, PutZip, SkipReason};
use stdx::{Cancel, Clock as _};
use store::{ContentHash, StoreError};

use crate::archive::Archive;
use crate::convert::store_fault;
use crate::engine::{Engine, bytes_of};
use crate::files::{check_quota, writable};
use crate::outside::{Met, Verdict};
use crate::rules::{self, Rules};
use crate::space::Space;
use crate::workspaces::none_open;

/// Paths listed per reason for files that were left out.
const MAX_LISTED: usize = 100;
/// Bytes that one archive may unpack to, in storage and where there is only memory.
const MAX_UNPACKED: u64 = 2_000_000_000;
const MAX_UNPACKED_IN_MEMORY: u64 = 250_000_000;

/// An import that may span several requests.
#[derive(Default)]
pub(crate) struct Import {
    open: bool,
    rules: Rules,
    new_rules: bool,
    /// Files that this import brought. Ignore rules apply to these only: what a person made here stays.
    added: Vec<String>,
    /// What the folder has, when all of it comes.
    met: Option<Met>,
}

impl Import {
    /// True between the first and the last batch: background work waits, so that reading goes fast.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }
}

/// Collects what an import left out.
#[derive(Default)]
struct Skipped(BTreeMap<u8, (SkipReason, u32, Vec<String>)>);

impl Skipped {
    fn add(&mut self, reason: SkipReason, path: &str) {
        let (_, count, paths) = self.0.entry(reason as u8).or_insert((reason, 0, Vec::new()));
        *count += 1;
        if paths.len() < MAX_LISTED {
            paths.push(path.to_owned());
        }
    }

    fn into_vec(self) -> Vec<(SkipReason, u32, Vec<String>)> {
        self.0.into_values().collect()
    }
}

/// A fault when an archive that has brought `unpacked` bytes so far, `more` of them just now, is too much for this
/// device: a small archive can unpack to any size.
pub(crate) fn check_room(
    quota: Option<(u64, u64)>,
    access: Access,
    unpacked: u64,
    more: u64,
) -> Result<(), Fault> {
    let limit = if access == Access::Memory { MAX_UNPACKED_IN_MEMORY } else { MAX_UNPACKED };
    if unpacked > limit {
        return Err(Fault::new(
            FaultCode::TooLarge,
            format!(
                "This archive unpacks to more than {} MB and was stopped there. Unpack it on disk and open the \
                 folder instead.",
                limit / 1_000_000
            ),
        ));
    }
    // The estimate is renewed every few seconds and knows nothing of what came since.
    check_quota(quota, unpacked.max(more))
}

/// Put one file of an import where it belongs, unless what is stored must stay.
fn take_in(
    space: &mut Space,
    file: (&str, &[u8], u64),
    of: &BatchOf,
    imported: &mut Imported,
    added: &mut Vec<String>,
) -> Result<(), StoreError> {
    let (path, bytes, mtime_ms) = file;
    let before = space.store.file(path).map(|meta| meta.hash);
    let now = ContentHash::of(bytes);
    match space.outside.judge(path, before, now, of) {
        Verdict::Newer => {
            imported.num_newer += 1;
            return Ok(());
        }
        Verdict::Conflict => {
            imported.conflicts.push(path.to_owned());
            return Ok(());
        }
        Verdict::Add => {
            imported.num_added += 1;
            added.push(path.to_owned());
        }
        Verdict::Replace => imported.num_changed += 1,
        Verdict::Same => imported.num_unchanged += 1,
    }
    space.put(path, bytes, mtime_ms)?;
    space.outside.took(&mut space.store, path, of, before, now)
}

/// After the last batch: apply ignore files that came after the files they speak of, find case collisions and what the
/// folder has no more, commit.
fn finish(
    space: &mut Space,
    import: Import,
    now_ms: f64,
    imported: &mut Imported,
    skipped: &mut Skipped,
) -> Result<(), StoreError> {
    if import.new_rules {
        for path in import.added.iter().filter(|path| import.rules.ignores(path)) {
            space.remove(path)?;
            skipped.add(SkipReason::Ignored, path);
            imported.num_added = imported.num_added.saturating_sub(1);
        }
    }
    imported.case_collisions = store::case_collisions(space.files.keys().map(String::as_str));
    if let Some(met) = import.met {
        let missing = space.files.keys().filter(|path| !met.has(path) && space.is_unchanged(path));
        imported.missing = missing.cloned().collect();
    }
    space.store.commit_user()?;
    if let Some(started) = space.stats.import_started_ms.take() {
        space.stats.lexical_ready_ms = now_ms - started;
    }
    let focus = std::mem::take(&mut space.focus);
    space.set_focus(focus);
    Ok(())
}

/// Begin an import unless one is under way.
fn begin(engine: &mut Engine) -> Result<(), Fault> {
    let now_ms = engine.clock.monotonic_ms();
    let space = writable(engine)?;
    space.stats.import_started_ms.get_or_insert(now_ms);
    engine.import.open = true;
    engine.touched();
    Ok(())
}

/// The ignore files that are in the workspace already: from an earlier import, or from before this worker was restarted.
fn stored_rules(space: &Space) -> Rules {
    let mut rules = Rules::default();
    for path in space.files.keys().filter(|path| rules::is_ignore_file(path)) {
        if let Ok(bytes) = space.store.read_file(path) {
            rules.add(path, &String::from_utf8_lossy(&bytes));
        }
    }
    rules
}

/// One batch of an import.
pub(crate) fn put_files(
    engine: &mut Engine,
    call: &PutFiles,
    blobs: &[ArrayBuffer],
) -> Result<Imported, Fault> {
    begin(engine)?;
    let result = put_batch(engine, call, blobs);
    if result.is_err() {
        engine.import = Import::default();
    }
    result
}

fn put_batch(engine: &mut Engine, call: &PutFiles, blobs: &[ArrayBuffer]) -> Result<Imported, Fault> {
    let more: u64 = blobs.iter().map(|blob| u64::from(blob.byte_length())).sum();
    check_quota(engine.quota, more)?;
    let bytes = call.files.iter().map(|file| bytes_of(blobs, file.blob)).collect::<Result<Vec<_>, _>>()?;
    let now_ms = engine.clock.monotonic_ms();
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    let batch: Vec<(&FileIn, Vec<u8>)> = call.files.iter().zip(bytes).collect();
    take_batch(space, &mut engine.import, call, &batch, now_ms).map_err(|err| store_fault(&err))
}

fn take_batch(
    space: &mut Space,
    import: &mut Import,
    call: &PutFiles,
    batch: &[(&FileIn, Vec<u8>)],
    now_ms: f64,
) -> Result<Imported, StoreError> {
    let (mut imported, mut skipped) = (Imported::default(), Skipped::default());
    import.met = Met::follow(import.met.take(), &call.of, batch.iter().map(|(file, _)| file.path.as_str()));
    if call.honour_ignore && import.rules.is_empty() {
        import.rules = stored_rules(space);
    }
    for (file, bytes) in batch {
        if call.honour_ignore && rules::is_ignore_file(&file.path) {
            import.rules.add(&file.path, &String::from_utf8_lossy(bytes));
            import.new_rules = true;
        }
    }
    for (file, bytes) in batch {
        let Import { rules, added, .. } = &mut *import;
        if store::check_path(&file.path).is_err() {
            skipped.add(SkipReason::BadPath, &file.path);
        } else if call.honour_ignore && rules.ignores(&file.path) {
            skipped.add(SkipReason::Ignored, &file.path);
        } else if bytes.len() as u64 > call.max_file_bytes {
            skipped.add(SkipReason::TooLarge, &file.path);
        } else {
            take_in(space, (&file.path, bytes, file.mtime_ms), &call.of, &mut imported, added)?;
        }
    }
    if call.last {
        finish(space, std::mem::take(import), now_ms, &mut imported, &mut skipped)?;
    } else {
        // What is answered must outlive this worker.
        space.store.commit_user()?;
    }
    imported.skipped = skipped.into_vec();
    Ok(imported)
}

/// Unpack an archive. The event loop gets turns in between, so that the page stays informed.
pub(crate) async fn put_zip(
    engine: &mut Engine,
    call: &PutZip,
    bytes: Vec<u8>,
    cancel: &Cancel,
) -> Result<Imported, Fault> {
    begin(engine)?;
    let result = unpack(engine, call, bytes, cancel).await;
    if result.is_err() {
        engine.import = Import::default();
    }
    result
}

async fn unpack(
    engine: &mut Engine,
    call: &PutZip,
    bytes: Vec<u8>,
    cancel: &Cancel,
) -> Result<Imported, Fault> {
    let (mut imported, mut skipped) = (Imported::default(), Skipped::default());
    check_quota(engine.quota, bytes.len() as u64)?;
    let mut archive = Archive::open(bytes, call.max_file_bytes)
        .map_err(|err| Fault::new(FaultCode::BadFile, err.to_string()))?;
    let mut rules = Rules::default();
    if call.honour_ignore {
        for index in 0..archive.len() {
            if archive.path(index).is_some_and(|path| rules::is_ignore_file(&path))
                && let Some(entry) = archive.entry(index)
                && let Ok(bytes) = entry.content
            {
                rules.add(&entry.path, &String::from_utf8_lossy(&bytes));
            }
        }
    }
    let mut slice_started = engine.clock.monotonic_ms();
    let mut unpacked: u64 = 0;
    // An archive is unpacked into a workspace of its own, where nothing can be missing.
    let of = BatchOf::Folder { batch: 0, left_out: Vec::new() };
    for index in 0..archive.len() {
        let Some(path) = archive.path(index) else { continue };
        if path.ends_with('/') {
            continue;
        }
        if store::check_path(&path).is_err() {
            skipped.add(SkipReason::BadPath, &path);
            continue;
        }
        if call.honour_ignore && rules.ignores(&path) {
            skipped.add(SkipReason::Ignored, &path);
            continue;
        }
        let Some(entry) = archive.entry(index) else { continue };
        match entry.content {
            Ok(bytes) => {
                unpacked += bytes.len() as u64;
                let space = engine.space.as_mut().ok_or_else(none_open)?;
                check_room(engine.quota, space.access, unpacked, bytes.len() as u64)?;
                let (file, added) =
                    ((entry.path.as_str(), &bytes[..], entry.mtime_ms), &mut engine.import.added);
                take_in(space, file, &of, &mut imported, added).map_err(|err| store_fault(&err))?;
            }
            Err(reason) => skipped.add(reason, &entry.path),
        }
        if engine.clock.monotonic_ms() - slice_started > 50.0 {
            web::turn().await;
            if cancel.is_cancelled() {
                return Err(Fault::new(FaultCode::Cancelled, "The import was stopped."));
            }
            slice_started = engine.clock.monotonic_ms();
        }
    }
    engine.import.rules = rules;
    let now_ms = engine.clock.monotonic_ms();
    let import = std::mem::take(&mut engine.import);
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    finish(space, import, now_ms, &mut imported, &mut skipped).map_err(|err| store_fault(&err))?;
    imported.skipped = skipped.into_vec();
    Ok(imported)
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
