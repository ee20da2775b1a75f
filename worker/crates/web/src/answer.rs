//! An answer of a server that is taken in piece by piece, with patience that ends.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use js_sys::{Function, Object, Promise, Reflect, Uint8Array};
use thiserror::Error;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, Response};

use crate::opfs::words_of;
use crate::turn::sleep_ms;

/// What is asked of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The address.
    pub address: String,
    /// Headers beside what the browser sends itself.
    pub headers: Vec<(&'static str, String)>,
}

/// No answer, or no more of it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct StreamError(pub String);

fn failed(err: JsValue) -> StreamError {
    StreamError(words_of(&err))
}

/// The head of an answer, whose body can be read on. Dropping it ends the request.
#[derive(Debug)]
pub struct Answer {
    response: Response,
    reader: Option<ReadableStreamDefaultReader>,
    /// A piece that was asked for and has not come yet.
    coming: Option<JsFuture>,
    abort: JsValue,
}

impl Drop for Answer {
    fn drop(&mut self) {
        end(&self.abort);
    }
}

fn end(controller: &JsValue) {
    if let Ok(abort) = Reflect::get(controller, &"abort".into()).and_then(|f| f.dyn_into::<Function>()) {
        let _ended = abort.call0(controller);
    }
}

/// Ask for an address, past the browser's cache. `None` when no head of an answer came while `wait` said to go on; it is
/// asked every `step_ms`.
///
/// # Errors
/// [`StreamError`] with the browser's words, which never tell a refusal by policy from a missing network.
pub async fn ask(
    asked: &Asked,
    step_ms: u32,
    mut wait: impl FnMut() -> bool,
) -> Result<Option<Answer>, StreamError> {
    let global = js_sys::global();
    let get = |target: &JsValue, key: &str| Reflect::get(target, &key.into()).map_err(failed);
    let controller: Function = get(&global, "AbortController")?.dyn_into().map_err(failed)?;
    let abort = Reflect::construct(&controller, &js_sys::Array::new()).map_err(failed)?;
    let headers = Object::new();
    for (name, value) in &asked.headers {
        Reflect::set(&headers, &(*name).into(), &value.into()).map_err(failed)?;
    }
    let options = Object::new();
    for (key, value) in [
        ("headers", headers.into()),
        ("signal", get(&abort, "signal")?),
        ("cache", "no-store".into()),
        ("credentials", "same-origin".into()),
    ] {
        Reflect::set(&options, &key.into(), &value).map_err(failed)?;
    }
    let fetch: Function = get(&global, "fetch")?.dyn_into().map_err(failed)?;
    let promise: Promise = fetch
        .call2(&global, &asked.address.as_str().into(), &options)
        .and_then(|promise| promise.dyn_into())
        .map_err(failed)?;
    let mut coming = JsFuture::from(promise);
    loop {
        match within(&mut coming, step_ms).await {
            Some(response) => {
                let response: Response = response.map_err(failed)?.unchecked_into();
                let reader = response.body().map(|body| body.get_reader().unchecked_into());
                return Ok(Some(Answer { response, reader, coming: None, abort }));
            }
            None if wait() => {}
            None => {
                end(&abort);
                return Ok(None);
            }
        }
    }
}

/// What became of waiting for a piece.
#[derive(Debug)]
pub enum Piece {
    /// The next bytes, never none.
    Bytes(Vec<u8>),
    /// The answer is over.
    End,
    /// Nothing came yet; ask again.
    NotYet,
}

impl Answer {
    /// HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status()
    }

    /// A header, where the browser lets it be seen.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.response.headers().get(name).ok().flatten()
    }

    /// The next piece, if it comes within `ms`.
    ///
    /// # Errors
    /// [`StreamError`] when the connection broke.
    pub async fn next(&mut self, ms: u32) -> Result<Piece, StreamError> {
        let Some(reader) = &self.reader else { return Ok(Piece::End) };
        let mut coming = self.coming.take().unwrap_or_else(|| JsFuture::from(reader.read()));
        let Some(step) = within(&mut coming, ms).await else {
            self.coming = Some(coming);
            return Ok(Piece::NotYet);
        };
        let step = step.map_err(failed)?;
        if Reflect::get(&step, &"done".into()).is_ok_and(|done| done.is_truthy()) {
            return Ok(Piece::End);
        }
        let value = Reflect::get(&step, &"value".into()).map_err(failed)?;
        let bytes = value.dyn_into::<Uint8Array>().map_err(failed)?.to_vec();
        Ok(if bytes.is_empty() { Piece::NotYet } else { Piece::Bytes(bytes) })
    }
}

/// What a promise becomes, if it does within `ms`.
async fn within(coming: &mut JsFuture, ms: u32) -> Option<Result<JsValue, JsValue>> {
    let mut timer = Box::pin(sleep_ms(ms));
    poll_fn(|cx| match Pin::new(&mut *coming).poll(cx) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
    })
    .await
}
