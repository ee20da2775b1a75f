//! A file on its way to the engine: one of the browser, or bytes of a script. Those are not made into a file first, since
//! the browser keeps the bytes of files in another process: 100,000 took more than a minute to go there and back.

use js_sys::{ArrayBuffer, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

/// A file that was found and not read yet.
#[derive(Clone, Debug)]
pub(super) enum Source {
    File(File),
    /// Bytes and time of change, milliseconds since 1970.
    Bytes(ArrayBuffer, f64),
}

impl Source {
    /// In bytes.
    pub(super) fn size(&self) -> f64 {
        match self {
            Self::File(file) => file.size(),
            Self::Bytes(bytes, _) => f64::from(bytes.byte_length()),
        }
    }

    /// Milliseconds since 1970.
    pub(super) fn last_modified(&self) -> f64 {
        match self {
            Self::File(file) => file.last_modified(),
            Self::Bytes(_, modified) => *modified,
        }
    }

    /// Of an [`ArrayBuffer`] with all bytes, which may be given away.
    pub(super) fn array_buffer(&self) -> Promise {
        match self {
            Self::File(file) => file.array_buffer(),
            Self::Bytes(bytes, _) => Promise::resolve(&JsValue::from(bytes.clone())),
        }
    }

    /// What it says; `None` when it cannot be read.
    pub(super) async fn text(&self) -> Option<String> {
        match self {
            Self::File(file) => JsFuture::from(file.text()).await.ok()?.as_string(),
            Self::Bytes(bytes, _) => {
                Some(String::from_utf8_lossy(&Uint8Array::new(bytes).to_vec()).into_owned())
            }
        }
    }
}

/// The bytes of what a script gave, in a buffer of their own: a string as UTF-8, a buffer, or a view of one.
pub(super) fn buffer_of(content: &JsValue) -> ArrayBuffer {
    if let Some(text) = content.as_string() {
        return Uint8Array::from(text.as_bytes()).buffer();
    }
    if let Some(view) = content.dyn_ref::<js_sys::DataView>() {
        let (from, to) = (view.byte_offset() as u32, (view.byte_offset() + view.byte_length()) as u32);
        return view.buffer().slice_with_end(from, to);
    }
    if let Some(buffer) = content.dyn_ref::<ArrayBuffer>() {
        return buffer.slice(0);
    }
    // Typed arrays of every kind have these three, and only they are left.
    let view: &Uint8Array = content.unchecked_ref();
    view.buffer().slice_with_end(view.byte_offset(), view.byte_offset() + view.byte_length())
}
