//! Writing to the folder of kept models: the file on its way, its mark, and the end of either. Whoever calls these has
//! the lock of the id, see [`crate::hold_kept`].

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::FileSystemSyncAccessHandle;

use crate::kept::{KeptError, KeptHold, kept_error, models_folder};
use crate::opfs::{at_option, bytes_of, entries, file, handle_of, len_of};
use crate::turn::sleep_ms;

/// Longest mark that is read.
const MAX_MARK_BYTES: usize = 64 * 1024;
/// Tries to change a file that was just closed, and the pause between them.
const CLOSE_TRIES: u32 = 20;
const CLOSE_PAUSE_MS: u32 = 50;

/// What is in the folder under one id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptEntry {
    /// The id.
    pub id: String,
    /// Length of the whole file, where there is one.
    pub whole_bytes: Option<u64>,
    /// Length of what came so far, where one is on its way.
    pub part_bytes: Option<u64>,
    /// There is a mark.
    pub has_mark: bool,
}

/// What is kept, by id.
///
/// # Errors
/// See [`KeptError`]; no folder yet is no error.
pub async fn list_kept() -> Result<Vec<KeptEntry>, KeptError> {
    let folder = match models_folder(false).await {
        Err(KeptError::NotFound) => return Ok(Vec::new()),
        folder => folder?,
    };
    let mut all: Vec<KeptEntry> = Vec::new();
    let mut names = entries(&folder).await?;
    names.sort_unstable();
    for name in names {
        let Some((id, ending)) = name.rsplit_once('.') else { continue };
        // A file that is moved or deleted at this moment is simply not there any more.
        let len = match ending {
            "json" => 0,
            _ => match file(&folder, &name, false).await {
                Ok(handle) => len_of(&handle).await.unwrap_or(0),
                Err(_) => continue,
            },
        };
        if all.last().is_none_or(|last| last.id != id) && !all.iter().any(|entry| entry.id == id) {
            all.push(KeptEntry { id: id.to_owned(), ..KeptEntry::default() });
        }
        let Some(entry) = all.iter_mut().find(|entry| entry.id == id) else { continue };
        match ending {
            "gguf" => entry.whole_bytes = Some(len),
            "part" => entry.part_bytes = Some(len),
            "json" => entry.has_mark = true,
            _ => {}
        }
    }
    all.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(all)
}

/// The mark of a file; `None` when there is none that could be one.
pub async fn read_mark(id: &str) -> Option<String> {
    let folder = models_folder(false).await.ok()?;
    let handle = file(&folder, &format!("{id}.json"), false).await.ok()?;
    if len_of(&handle).await.ok()? > MAX_MARK_BYTES as u64 {
        return None;
    }
    String::from_utf8(bytes_of(&handle).await.ok()?).ok()
}

/// Write the mark of a file. A crash in between leaves one that cannot be read, which means the same as none.
///
/// # Errors
/// See [`KeptError`].
pub async fn write_mark(id: &str, text: &str, _hold: &KeptHold) -> Result<(), KeptError> {
    let folder = models_folder(true).await?;
    let handle = handle_of(&file(&folder, &format!("{id}.json"), true).await?).await?;
    let written = handle
        .truncate_with_f64(0.0)
        .and_then(|()| handle.write_with_u8_array_and_options(text.as_bytes(), &at_option(0)))
        .and_then(|_| handle.flush());
    handle.close();
    written.map_err(kept_error)
}

/// Delete everything under `id`. The mark goes last: what is interrupted is seen, and can be deleted again.
///
/// # Errors
/// See [`KeptError`]; nothing there is no error.
pub async fn remove_kept(id: &str, _hold: &KeptHold) -> Result<(), KeptError> {
    let folder = match models_folder(false).await {
        Err(KeptError::NotFound) => return Ok(()),
        folder => folder?,
    };
    for ending in ["part", "gguf", "json"] {
        let name = format!("{id}.{ending}");
        match once_closed(|| Ok(folder.remove_entry(&name))).await {
            Ok(()) | Err(KeptError::NotFound) => {}
            Err(err) => return Err(err),
        }
    }
    Ok(())
}

/// A file on its way, open for writing. Dropping it closes it; what was written stays.
#[derive(Debug)]
pub struct PartFile {
    id: String,
    handle: FileSystemSyncAccessHandle,
}

impl Drop for PartFile {
    fn drop(&mut self) {
        self.handle.close();
    }
}

impl PartFile {
    /// Open what is on its way under `id`, or begin it.
    ///
    /// # Errors
    /// See [`KeptError`].
    pub async fn open(id: &str, _hold: &KeptHold) -> Result<Self, KeptError> {
        let folder = models_folder(true).await?;
        let handle = handle_of(&file(&folder, &format!("{id}.part"), true).await?).await?;
        Ok(Self { id: id.to_owned(), handle })
    }

    /// Its length.
    ///
    /// # Errors
    /// See [`KeptError`].
    pub fn size(&self) -> Result<u64, KeptError> {
        Ok(self.handle.get_size().map_err(kept_error)? as u64)
    }

    /// Read from `at` on; the number of bytes is smaller than the buffer at the end only.
    ///
    /// # Errors
    /// See [`KeptError`].
    pub fn read(&self, at: u64, buf: &mut [u8]) -> Result<usize, KeptError> {
        let read = self.handle.read_with_u8_array_and_options(buf, &at_option(at)).map_err(kept_error)?;
        Ok((read as usize).min(buf.len()))
    }

    /// Write all of `bytes` at `at`.
    ///
    /// # Errors
    /// [`KeptError::Quota`] when there is no more room; see [`KeptError`].
    pub fn write(&self, at: u64, bytes: &[u8]) -> Result<(), KeptError> {
        let written =
            self.handle.write_with_u8_array_and_options(bytes, &at_option(at)).map_err(kept_error)?;
        // A short write is how some browsers say that the quota is reached.
        if written as u64 == bytes.len() as u64 { Ok(()) } else { Err(KeptError::Quota) }
    }

    /// Cut to a length.
    ///
    /// # Errors
    /// See [`KeptError`].
    pub fn truncate(&self, len: u64) -> Result<(), KeptError> {
        self.handle.truncate_with_f64(len as f64).map_err(kept_error)
    }

    /// Have it on the disk.
    ///
    /// # Errors
    /// See [`KeptError`].
    pub fn flush(&self) -> Result<(), KeptError> {
        self.handle.flush().map_err(kept_error)
    }

    /// It is whole and checked: from now on it can be opened. One step of the browser, so that a crash leaves the file
    /// under one name or the other.
    ///
    /// # Errors
    /// See [`KeptError`].
    pub async fn finish(self) -> Result<(), KeptError> {
        self.flush()?;
        let id = self.id.clone();
        drop(self);
        let folder = models_folder(false).await?;
        let part = file(&folder, &format!("{id}.part"), false).await?;
        // Not in the bindings: every browser that has sync access handles has it, under this name.
        let rename: Function =
            Reflect::get(&part, &"move".into()).and_then(|f| f.dyn_into()).map_err(kept_error)?;
        let whole = format!("{id}.gguf").into();
        once_closed(|| rename.call1(&part, &whole).and_then(|promise| promise.dyn_into())).await
    }
}

/// Do something with a file that was open a moment ago: the browser may need another moment to notice.
async fn once_closed(act: impl Fn() -> Result<Promise, JsValue>) -> Result<(), KeptError> {
    for _ in 0..CLOSE_TRIES {
        match JsFuture::from(act().map_err(kept_error)?).await.map_err(kept_error) {
            Err(KeptError::Busy) => sleep_ms(CLOSE_PAUSE_MS).await,
            outcome => return outcome.map(|_| ()),
        }
    }
    Err(KeptError::Busy)
}
