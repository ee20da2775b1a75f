//! A file of the page's own server, piece by piece: what is too large to be in memory as a whole.

use js_sys::{Function, Object, Reflect, Uint8Array};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, Response};

use crate::FetchError;
use crate::fetch::words;

/// Most bytes that are given at a time.
const PIECE_BYTES: u32 = 4 << 20;

/// A download under way. Dropping it ends the download.
#[derive(Debug)]
pub struct Stream {
    url: String,
    reader: Option<ReadableStreamDefaultReader>,
    len: Option<u64>,
    /// What the browser gave and was not taken yet, and from where on.
    rest: Option<(Uint8Array, u32)>,
}

impl Stream {
    /// Ask for a file. Another server than the page's own is not asked, not even by way of a redirect.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn open(url: &str) -> Result<Self, FetchError> {
        let unreachable = |err: JsValue| FetchError::Unreachable { url: url.to_owned(), why: words(&err) };
        let global = js_sys::global();
        let fetch: Function =
            Reflect::get(&global, &"fetch".into()).and_then(|f| f.dyn_into()).map_err(unreachable)?;
        let options = Object::new();
        Reflect::set(&options, &"mode".into(), &"same-origin".into()).map_err(unreachable)?;
        let promise: js_sys::Promise =
            fetch.call2(&global, &url.into(), &options).and_then(|p| p.dyn_into()).map_err(unreachable)?;
        let response: Response = JsFuture::from(promise).await.map_err(unreachable)?.unchecked_into();
        if !response.ok() {
            return Err(FetchError::Status { url: url.to_owned(), status: response.status() });
        }
        let header = |name: &str| response.headers().get(name).ok().flatten();
        // Of a packed answer the header counts the packed bytes.
        let len = match header("content-encoding") {
            Some(_) => None,
            None => header("content-length").and_then(|len| len.parse().ok()),
        };
        let reader = response.body().map(|body| body.get_reader().unchecked_into());
        Ok(Self { url: url.to_owned(), reader, len, rest: None })
    }

    /// Its length, where the server told.
    #[must_use]
    pub fn num_bytes(&self) -> Option<u64> {
        self.len
    }

    /// Replace `into` by the next bytes, 4 MiB at most; none at the end.
    ///
    /// # Errors
    /// [`FetchError::Unreachable`] when the connection broke.
    pub async fn next(&mut self, into: &mut Vec<u8>) -> Result<(), FetchError> {
        into.clear();
        while self.rest.as_ref().is_none_or(|(chunk, at)| *at >= chunk.length()) {
            let Some(reader) = &self.reader else { return Ok(()) };
            let broken = |err: JsValue| FetchError::Unreachable { url: self.url.clone(), why: words(&err) };
            let step = JsFuture::from(reader.read()).await.map_err(broken)?;
            if Reflect::get(&step, &"done".into()).is_ok_and(|done| done.is_truthy()) {
                self.reader = None;
                return Ok(());
            }
            let chunk: Uint8Array = Reflect::get(&step, &"value".into()).map_err(broken)?.unchecked_into();
            self.rest = Some((chunk, 0));
        }
        if let Some((chunk, at)) = &mut self.rest {
            let end = chunk.length().min(*at + PIECE_BYTES);
            into.resize((end - *at) as usize, 0);
            chunk.subarray(*at, end).copy_to(into);
            *at = end;
        }
        Ok(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            let _cancelled = reader.cancel();
        }
    }
}
