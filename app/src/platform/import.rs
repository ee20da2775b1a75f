//! From what a person handed over to the engine: batches of a few megabytes, with progress, stopped by dropping.

use js_sys::{ArrayBuffer, Uint8Array};
use protocol::{
    BatchOf, Blob, Fault, FaultCode, FileIn, Imported, PutFiles, PutZip, SkipReason, WorkspaceId,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, Response};

use super::pick::{Picked, message};
use super::source::Source;
use super::walk::{Found, Walk, all};
use crate::link::Engine;

/// A batch is sent when it holds this many bytes …
const BATCH_BYTES: f64 = 4.0 * 1024.0 * 1024.0;
/// … or this many files.
const BATCH_FILES: usize = 500;
/// Paths kept as examples per reason.
const MAX_EXAMPLES: usize = 100;

/// How files are taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportOptions {
    /// Leave out what `.gitignore` files name.
    pub honour_ignore: bool,
    /// Leave out larger files.
    pub max_file_bytes: u64,
    /// It is all of what the workspace is of, and not some files that join it.
    pub whole: bool,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportProgress {
    /// Files found so far.
    pub num_found: u32,
    /// Files handed to the engine.
    pub num_sent: u32,
    /// Their bytes.
    pub bytes_sent: u64,
}

/// Put everything that was picked into `workspace`, which must be and stay the open one. A single zip archive is unpacked. Dropping the future
/// stops; what was sent until then stays.
///
/// # Errors
/// The engine's fault, or that an archive could not be read. Files that cannot be read are counted, not fatal.
pub async fn import(
    engine: &Engine,
    workspace: WorkspaceId,
    picked: &Picked,
    options: ImportOptions,
    on_progress: impl Fn(ImportProgress),
) -> Result<Imported, Fault> {
    if let Some(archive) = picked.archive().await {
        return import_zip(engine, workspace, read(&archive).await?, options).await;
    }
    let mut sender = Sender {
        engine,
        workspace,
        options,
        on_progress,
        files: Vec::new(),
        bytes: 0.0,
        total: Imported::default(),
        progress: ImportProgress::default(),
        num_batches: 0,
        left_out: Vec::new(),
    };
    let mut walk = Walk::new(picked, options.honour_ignore);
    while let Some(found) = walk.next().await {
        for found in found {
            match found {
                Found::Ignored(path) => sender.leave_out(SkipReason::Ignored, path),
                Found::Unreadable(path) => sender.leave_out(SkipReason::Unreadable, path),
                Found::Loop(path) => sender.leave_out(SkipReason::Loop, path),
                Found::TooMany(path) => sender.leave_out(SkipReason::TooMany, path),
                Found::File(path, file) => sender.take(path, file).await?,
            }
        }
        sender.tell();
    }
    sender.send(true).await?;
    Ok(sender.total)
}

/// Put one version of a file into `workspace` that a person chose over the one that is stored.
///
/// # Errors
/// The engine's fault.
pub async fn import_chosen(
    engine: &Engine,
    workspace: WorkspaceId,
    path: &str,
    bytes: &[u8],
    on_disk: bool,
) -> Result<(), Fault> {
    let call = PutFiles {
        workspace,
        files: vec![FileIn {
            path: path.to_owned(),
            blob: Blob(0),
            mtime_ms: js_sys::Date::now().max(0.0) as u64,
        }],
        honour_ignore: false,
        max_file_bytes: u64::MAX,
        last: true,
        of: BatchOf::Chosen { on_disk },
    };
    engine.call_with(call, vec![Uint8Array::from(bytes).buffer()]).await.map(|_| ())
}

/// Unpack an archive into `workspace`, which must be the open one.
///
/// # Errors
/// The engine's fault.
pub async fn import_zip(
    engine: &Engine,
    workspace: WorkspaceId,
    zip: ArrayBuffer,
    options: ImportOptions,
) -> Result<Imported, Fault> {
    let call = PutZip {
        workspace,
        blob: Blob(0),
        honour_ignore: options.honour_ignore,
        max_file_bytes: options.max_file_bytes,
    };
    engine.call_with(call, vec![zip]).await.map(|(imported, _)| imported)
}

/// The archive behind “Open sample”.
///
/// # Errors
/// [`FaultCode::Network`] when the address of this page cannot be reached.
pub async fn fetch_sample() -> Result<ArrayBuffer, Fault> {
    let failed = || {
        let sentence = "The sample could not be fetched. Check that the address of this page can still be reached, \
                        then try again.";
        Fault::new(FaultCode::Network, sentence).retry_after_ms(1000)
    };
    let window = web_sys::window().ok_or_else(failed)?;
    let response = JsFuture::from(window.fetch_with_str("/sample.zip")).await.map_err(|_| failed())?;
    let response: Response = response.dyn_into().map_err(|_| failed())?;
    if !response.ok() {
        return Err(failed());
    }
    let body = response.array_buffer().map_err(|_| failed())?;
    JsFuture::from(body).await.map_err(|_| failed())?.dyn_into().map_err(|_| failed())
}

/// All bytes of a file.
///
/// # Errors
/// [`FaultCode::BadFile`] when it went away, may not be read, or is larger than this tab can hold.
pub async fn read(file: &File) -> Result<ArrayBuffer, Fault> {
    let buffer = JsFuture::from(file.array_buffer()).await.and_then(JsCast::dyn_into);
    buffer.map_err(|err| {
        let sentence = format!(
            "{} could not be read ({}). It may have been moved or be too large for this tab; choose it again.",
            file.name(),
            message(&err)
        );
        Fault::new(FaultCode::BadFile, sentence)
    })
}

struct Sender<'a, F> {
    engine: &'a Engine,
    workspace: WorkspaceId,
    options: ImportOptions,
    on_progress: F,
    files: Vec<(String, Source)>,
    bytes: f64,
    total: Imported,
    progress: ImportProgress,
    num_batches: u32,
    /// Since the last batch.
    left_out: Vec<String>,
}

impl<F: Fn(ImportProgress)> Sender<'_, F> {
    async fn take(&mut self, path: String, file: Source) -> Result<(), Fault> {
        self.progress.num_found += 1;
        if file.size() > self.options.max_file_bytes as f64 {
            self.leave_out(SkipReason::TooLarge, path);
            return Ok(());
        }
        if !self.files.is_empty()
            && (self.bytes + file.size() > BATCH_BYTES || self.files.len() >= BATCH_FILES)
        {
            self.send(false).await?;
        }
        self.bytes += file.size();
        self.files.push((path, file));
        Ok(())
    }

    async fn send(&mut self, last: bool) -> Result<(), Fault> {
        let files = std::mem::take(&mut self.files);
        self.bytes = 0.0;
        let buffers = all(files.iter().map(|(_, file)| Some(file.array_buffer()))).await;
        let (mut entries, mut blobs) = (Vec::with_capacity(files.len()), Vec::with_capacity(files.len()));
        let mut bytes = 0;
        for ((path, file), buffer) in files.into_iter().zip(buffers) {
            let Some(buffer) = buffer.and_then(|buffer| buffer.dyn_into::<ArrayBuffer>().ok()) else {
                self.leave_out(SkipReason::Unreadable, path);
                continue;
            };
            bytes += u64::from(buffer.byte_length());
            let blob = Blob(u32::try_from(blobs.len()).unwrap_or(u32::MAX));
            entries.push(FileIn { path, blob, mtime_ms: file.last_modified().max(0.0) as u64 });
            blobs.push(buffer);
        }
        let num_sent = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let call = PutFiles {
            workspace: self.workspace,
            files: entries,
            honour_ignore: self.options.honour_ignore,
            max_file_bytes: self.options.max_file_bytes,
            last,
            of: if self.options.whole {
                BatchOf::Folder { batch: self.num_batches, left_out: std::mem::take(&mut self.left_out) }
            } else {
                BatchOf::Loose
            },
        };
        self.num_batches += 1;
        let (imported, _) = self.engine.call_with(call, blobs).await?;
        merge(&mut self.total, imported);
        self.progress.num_sent += num_sent;
        self.progress.bytes_sent += bytes;
        self.tell();
        Ok(())
    }

    /// Say so, and that it is there: what is only left out did not go from the disk.
    fn leave_out(&mut self, reason: SkipReason, path: String) {
        self.left_out.push(path.clone());
        skip(&mut self.total, reason, 1, path);
    }

    fn tell(&self) {
        (self.on_progress)(self.progress);
    }
}

fn skip(total: &mut Imported, reason: SkipReason, count: u32, path: String) {
    merge_skipped(total, reason, count, vec![path]);
}

fn merge_skipped(total: &mut Imported, reason: SkipReason, count: u32, paths: Vec<String>) {
    match total.skipped.iter_mut().find(|(known, ..)| *known == reason) {
        Some((_, sum, examples)) => {
            *sum += count;
            let room = MAX_EXAMPLES.saturating_sub(examples.len());
            examples.extend(paths.into_iter().take(room));
        }
        None => total.skipped.push((reason, count, paths)),
    }
}

fn merge(total: &mut Imported, part: Imported) {
    total.num_added += part.num_added;
    total.num_changed += part.num_changed;
    total.num_unchanged += part.num_unchanged;
    total.num_newer += part.num_newer;
    total.conflicts.extend(part.conflicts);
    total.missing.extend(part.missing);
    for (reason, count, paths) in part.skipped {
        merge_skipped(total, reason, count, paths);
    }
    for pair in part.case_collisions {
        if !total.case_collisions.contains(&pair) {
            total.case_collisions.push(pair);
        }
    }
}

/// A copy of bytes as a buffer that can be transferred.
#[must_use]
pub fn buffer_of(bytes: &Uint8Array) -> ArrayBuffer {
    bytes.slice(0, bytes.length()).buffer()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_import_add_up() {
        let mut total = Imported::default();
        for i in 0..150 {
            skip(&mut total, SkipReason::Unreadable, 1, format!("{i}"));
        }
        let part = Imported {
            num_added: 2,
            num_unchanged: 1,
            conflicts: vec!["c".into()],
            skipped: vec![(SkipReason::Ignored, 7, vec!["a".into()]), (SkipReason::Unreadable, 1, vec![])],
            case_collisions: vec![("a".into(), "A".into())],
            ..Imported::default()
        };
        merge(&mut total, part.clone());
        merge(&mut total, part);
        assert_eq!((total.num_added, total.num_unchanged), (4, 2));
        assert_eq!((total.case_collisions.len(), total.conflicts.len()), (1, 2));
        let unreadable = &total.skipped[0];
        assert_eq!((unreadable.1, unreadable.2.len()), (152, 100));
        assert_eq!(total.skipped[1], (SkipReason::Ignored, 14, vec!["a".into(), "a".into()]));
    }
}
