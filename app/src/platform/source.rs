//! A file on its way to the engine: one of the browser, or bytes of a script. Those are not made into a file first, since
//! the browser keeps the bytes of files in another process: 100,000 took more than a minute to go there and back.

use js_sys::{ArrayBuffer, JsString, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

#[wasm_bindgen]
extern "C" {
    /// A buffer or a view of one. A script may have given it away meanwhile: then all of these throw.
    type Bytes;
    #[wasm_bindgen(method, getter, catch, js_name = byteLength)]
    fn byte_length(this: &Bytes) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, getter, catch, js_name = byteOffset)]
    fn byte_offset(this: &Bytes) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, getter, catch)]
    fn buffer(this: &Bytes) -> Result<Bytes, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn slice(this: &Bytes, from: f64, to: f64) -> Result<ArrayBuffer, JsValue>;

    /// Encodes without a way through the memory of this module, which would never become smaller again.
    type TextEncoder;
    #[wasm_bindgen(constructor)]
    fn new() -> TextEncoder;
    #[wasm_bindgen(method, catch)]
    fn encode(this: &TextEncoder, text: &JsString) -> Result<Uint8Array, JsValue>;
}

/// A file that was found and not read yet.
#[derive(Clone, Debug)]
pub(super) enum Source {
    File(File),
    /// A string, buffer or view of a script, and its time of change, milliseconds since 1970.
    Bytes(JsValue, f64),
}

impl Source {
    /// In bytes; of a string, no more than it will have.
    pub(super) fn size(&self) -> f64 {
        match self {
            Self::File(file) => file.size(),
            Self::Bytes(content, _) => match content.dyn_ref::<JsString>() {
                Some(text) => f64::from(text.length()),
                None => content.unchecked_ref::<Bytes>().byte_length().unwrap_or(0.0),
            },
        }
    }

    /// Milliseconds since 1970.
    pub(super) fn last_modified(&self) -> f64 {
        match self {
            Self::File(file) => file.last_modified(),
            Self::Bytes(_, modified) => *modified,
        }
    }

    /// Of an [`ArrayBuffer`] with all bytes, which may be given away; rejected when it cannot be read.
    pub(super) fn array_buffer(&self) -> Promise {
        match self {
            Self::File(file) => file.array_buffer(),
            Self::Bytes(content, _) => match copy(content) {
                Ok(buffer) => Promise::resolve(&JsValue::from(buffer)),
                Err(err) => Promise::reject(&err),
            },
        }
    }

    /// What it says, without a mark of the byte order; `None` when it cannot be read.
    pub(super) async fn text(&self) -> Option<String> {
        match self {
            Self::File(file) => JsFuture::from(file.text()).await.ok()?.as_string(),
            Self::Bytes(content, _) => {
                let bytes = Uint8Array::new(&copy(content).ok()?.into()).to_vec();
                let text = String::from_utf8_lossy(&bytes);
                Some(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
            }
        }
    }
}

/// The bytes in a buffer of their own: a string as UTF-8, a buffer, or what a view shows of one.
fn copy(content: &JsValue) -> Result<ArrayBuffer, JsValue> {
    if let Some(text) = content.dyn_ref::<JsString>() {
        return Ok(TextEncoder::new().encode(text)?.buffer());
    }
    let bytes: &Bytes = content.unchecked_ref();
    let len = bytes.byte_length()?;
    if content.is_instance_of::<ArrayBuffer>() {
        return bytes.slice(0.0, len);
    }
    let from = bytes.byte_offset()?;
    bytes.buffer()?.slice(from, from + len)
}
