//! Downloads of model files: streamed with progress, checked, and kept in the browser's storage.
//!
//! A kept file is named after the checksum that it must have, so a new version never meets an old file, and it is
//! checked each time it is read: a file that was torn by a crash is simply fetched again. Storage is a convenience
//! here. Where it is missing or full, the download is used all the same.

use js_sys::{ArrayBuffer, Function, Reflect, Uint8Array};
use thiserror::Error;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{FileSystemDirectoryHandle, ReadableStreamDefaultReader, Response};

use crate::opfs::{entries, file, folder, handle_of, root};
use crate::{OpfsError, wait_lock};

/// What a file must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// Name under which it is kept; a plain file name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 as 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// Why a file could not be had. Each is a sentence for a person, with the address that was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FetchError {
    /// No answer: offline, or the server is not running.
    #[error("{url} could not be reached ({why}). Check that the server is running, then try again.")]
    Unreachable {
        /// The address.
        url: String,
        /// What the browser said.
        why: String,
    },
    /// An answer that is not the file.
    #[error("The server answered {status} instead of {url}. Run the set-up again so that the file is there.")]
    Status {
        /// The address.
        url: String,
        /// HTTP status code.
        status: u16,
    },
    /// The file is longer than it may be.
    #[error("{url} is larger than the {limit} bytes that it may have.")]
    TooLarge {
        /// The address.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// The file is not the one that was announced, even when it came fresh from the server.
    #[error("{url} is not the file that was announced: {what} differs. Run the set-up again to replace it.")]
    Wrong {
        /// The address.
        url: String,
        /// `its length` or `its checksum`.
        what: &'static str,
    },
}

/// Fetch a small file whole. It is not kept.
///
/// # Errors
/// See [`FetchError`].
pub async fn fetch_small(url: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
    download(url, limit, &mut |_, _| {}).await.map(|data| data.to_vec())
}

/// Get a file: from storage where a good copy is kept, else from `url`, keeping it for the next time. Workers that
/// want the same file at the same time wait for one download. `on_progress` is told done and total bytes.
///
/// # Errors
/// See [`FetchError`].
pub async fn fetch_kept(
    url: &str,
    expect: &Expect,
    mut on_progress: impl FnMut(u64, u64),
) -> Result<Vec<u8>, FetchError> {
    let kept_as = format!("{}-{}", expect.name, expect.sha256.get(..16).unwrap_or_default());
    // Without Web Locks two workers may both download; nothing worse.
    let lock = wait_lock(&format!("alcove-model-{kept_as}")).await.ok();
    if let Ok(data) = read_kept(&kept_as, expect).await
        && check(&data, expect).await.is_ok()
    {
        on_progress(expect.bytes, expect.bytes);
        return Ok(data.to_vec());
    }
    let data = download(url, expect.bytes, &mut on_progress).await?;
    check(&data, expect).await.map_err(|what| FetchError::Wrong { url: url.to_owned(), what })?;
    let _not_kept = keep(&kept_as, expect, &data).await;
    drop(lock);
    Ok(data.to_vec())
}

async fn models_folder(create: bool) -> Result<FileSystemDirectoryHandle, OpfsError> {
    folder(&root(create).await?, "models", create).await
}

async fn read_kept(kept_as: &str, expect: &Expect) -> Result<Uint8Array, OpfsError> {
    let handle = file(&models_folder(false).await?, kept_as, false).await?;
    let failed = |err: JsValue| OpfsError::Failed(words(&err));
    let content: web_sys::File = JsFuture::from(handle.get_file()).await.map_err(failed)?.unchecked_into();
    if content.size() != expect.bytes as f64 {
        return Err(OpfsError::NotFound);
    }
    let buffer: ArrayBuffer = JsFuture::from(content.array_buffer()).await.map_err(failed)?.unchecked_into();
    Ok(Uint8Array::new(&buffer))
}

/// Write a file for the next time and remove older versions of it.
async fn keep(kept_as: &str, expect: &Expect, data: &Uint8Array) -> Result<(), OpfsError> {
    let folder = models_folder(true).await?;
    let prefix = format!("{}-", expect.name);
    for name in entries(&folder).await? {
        if name != kept_as && name.starts_with(&prefix) {
            let _held_elsewhere = JsFuture::from(folder.remove_entry(&name)).await;
        }
    }
    let handle = handle_of(&file(&folder, kept_as, true).await?).await?;
    let written = handle
        .truncate_with_f64(0.0)
        .and_then(|()| handle.write_with_js_u8_array(data))
        .and_then(|_| handle.flush())
        .map_err(|err| OpfsError::Failed(words(&err)));
    handle.close();
    if written.is_err() {
        // Most likely the quota: give the room back.
        let _gone = JsFuture::from(folder.remove_entry(kept_as)).await;
    }
    written
}

/// Stream `url` into one buffer; never more than `limit` bytes.
async fn download(
    url: &str,
    limit: u64,
    on_progress: &mut impl FnMut(u64, u64),
) -> Result<Uint8Array, FetchError> {
    let unreachable = |err: JsValue| FetchError::Unreachable { url: url.to_owned(), why: words(&err) };
    let too_large = || FetchError::TooLarge { url: url.to_owned(), limit };
    let global = js_sys::global();
    let fetch: Function =
        Reflect::get(&global, &"fetch".into()).and_then(|f| f.dyn_into()).map_err(unreachable)?;
    let promise: js_sys::Promise =
        fetch.call1(&global, &url.into()).and_then(|p| p.dyn_into()).map_err(unreachable)?;
    let response: Response = JsFuture::from(promise).await.map_err(unreachable)?.unchecked_into();
    if !response.ok() {
        return Err(FetchError::Status { url: url.to_owned(), status: response.status() });
    }
    // The header may be missing, and counts compressed bytes where the server compresses; it is a hint only.
    let total = response.headers().get("content-length").ok().flatten().and_then(|n| n.parse::<u64>().ok());
    let total = total.filter(|&n| n <= limit).unwrap_or(0);
    let Some(body) = response.body() else { return Ok(Uint8Array::new_with_length(0)) };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let mut chunks: Vec<Uint8Array> = Vec::new();
    let mut done_bytes = 0_u64;
    loop {
        let step = JsFuture::from(reader.read()).await.map_err(unreachable)?;
        if Reflect::get(&step, &"done".into()).is_ok_and(|done| done.is_truthy()) {
            break;
        }
        let chunk: Uint8Array = Reflect::get(&step, &"value".into()).map_err(unreachable)?.unchecked_into();
        done_bytes += u64::from(chunk.length());
        if done_bytes > limit {
            let _cancelled = reader.cancel();
            return Err(too_large());
        }
        on_progress(done_bytes, total.max(done_bytes));
        chunks.push(chunk);
    }
    let length = u32::try_from(done_bytes).map_err(|_| too_large())?;
    let data = Uint8Array::new_with_length(length);
    let mut at = 0;
    for chunk in chunks {
        data.set(&chunk, at);
        at += chunk.length();
    }
    Ok(data)
}

/// Compare with what was announced; the error names what differs. Outside secure contexts browsers compute no
/// checksums, and the length has to do.
async fn check(data: &Uint8Array, expect: &Expect) -> Result<(), &'static str> {
    if u64::from(data.length()) != expect.bytes {
        return Err("its length");
    }
    match sha256(data).await {
        Some(hash) if hash != expect.sha256 => Err("its checksum"),
        _ => Ok(()),
    }
}

async fn sha256(data: &Uint8Array) -> Option<String> {
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into()).ok()?;
    let subtle = Reflect::get(&crypto, &"subtle".into()).ok()?;
    let digest: Function = Reflect::get(&subtle, &"digest".into()).ok()?.dyn_into().ok()?;
    let promise: js_sys::Promise = digest.call2(&subtle, &"SHA-256".into(), data).ok()?.dyn_into().ok()?;
    let hash: ArrayBuffer = JsFuture::from(promise).await.ok()?.dyn_into().ok()?;
    Some(Uint8Array::new(&hash).to_vec().iter().map(|byte| format!("{byte:02x}")).collect())
}

pub(crate) fn words(err: &JsValue) -> String {
    let message = Reflect::get(err, &"message".into()).ok().and_then(|m| m.as_string());
    message.unwrap_or_else(|| format!("{err:?}"))
}
