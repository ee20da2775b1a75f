//! Browser interfaces that `web-sys` keeps behind an unstable flag or lacks: file system handles and dropped entries.
//!
//! Only what is used, typed as it is used. Everything that can throw does so as a `Result`.

use js_sys::{Array, Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

#[wasm_bindgen]
extern "C" {
    /// `window` where the folder picker may be.
    pub type PickerHost;

    #[wasm_bindgen(method, catch, js_name = showDirectoryPicker)]
    pub fn show_directory_picker(this: &PickerHost, options: &JsValue) -> Result<Promise, JsValue>;

    /// A `FileSystemDirectoryHandle` or `FileSystemFileHandle`.
    #[derive(Clone, Debug)]
    pub type Handle;

    #[wasm_bindgen(method, getter)]
    pub fn kind(this: &Handle) -> String;

    #[wasm_bindgen(method, getter)]
    pub fn name(this: &Handle) -> String;

    /// Async iterator over the handles in a folder.
    #[wasm_bindgen(method, catch)]
    pub fn values(this: &Handle) -> Result<AsyncIter, JsValue>;

    #[wasm_bindgen(method, catch, js_name = isSameEntry)]
    pub fn is_same_entry(this: &Handle, other: &Handle) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getFile)]
    pub fn get_file(this: &Handle) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getDirectoryHandle)]
    pub fn get_directory_handle(this: &Handle, name: &str, options: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getFileHandle)]
    pub fn get_file_handle(this: &Handle, name: &str, options: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = createWritable)]
    pub fn create_writable(this: &Handle) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = queryPermission)]
    pub fn query_permission(this: &Handle, options: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = requestPermission)]
    pub fn request_permission(this: &Handle, options: &JsValue) -> Result<Promise, JsValue>;

    /// A `FileSystemWritableFileStream`.
    pub type Writable;

    #[wasm_bindgen(method, catch)]
    pub fn write(this: &Writable, bytes: &js_sys::Uint8Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn close(this: &Writable) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn abort(this: &Writable) -> Result<Promise, JsValue>;

    pub type AsyncIter;

    #[wasm_bindgen(method, catch)]
    pub fn next(this: &AsyncIter) -> Result<Promise, JsValue>;

    pub type Step;

    #[wasm_bindgen(method, getter)]
    pub fn done(this: &Step) -> bool;

    #[wasm_bindgen(method, getter)]
    pub fn value(this: &Step) -> JsValue;

    /// A `DataTransferItem`.
    pub type DropItem;

    #[wasm_bindgen(method, getter, js_name = kind)]
    pub fn item_kind(this: &DropItem) -> String;

    #[wasm_bindgen(method, getter, js_name = getAsFileSystemHandle)]
    pub fn handle_function(this: &DropItem) -> Option<Function>;

    #[wasm_bindgen(method, catch, js_name = getAsFileSystemHandle)]
    pub fn get_as_handle(this: &DropItem) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, getter, js_name = webkitGetAsEntry)]
    pub fn entry_function(this: &DropItem) -> Option<Function>;

    #[wasm_bindgen(method, catch, js_name = webkitGetAsEntry)]
    pub fn get_as_entry(this: &DropItem) -> Result<Option<DropEntry>, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getAsFile)]
    pub fn get_as_file(this: &DropItem) -> Result<Option<File>, JsValue>;

    /// A `FileSystemEntry`, as older interfaces give it.
    #[derive(Clone, Debug)]
    pub type DropEntry;

    #[wasm_bindgen(method, getter, js_name = isDirectory)]
    pub fn is_directory(this: &DropEntry) -> bool;

    #[wasm_bindgen(method, getter, js_name = name)]
    pub fn entry_name(this: &DropEntry) -> String;

    #[wasm_bindgen(method, js_name = file)]
    pub fn entry_file(this: &DropEntry, ok: &Function, failed: &Function);

    #[wasm_bindgen(method, js_name = createReader)]
    pub fn create_reader(this: &DropEntry) -> DropReader;

    pub type DropReader;

    /// Gives at most a hundred entries; none when all were given.
    #[wasm_bindgen(method, js_name = readEntries)]
    pub fn read_entries(this: &DropReader, ok: &Function, failed: &Function);
}

/// Wait for what a function gave.
pub async fn wait(promise: Result<Promise, JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(promise?).await
}

impl Handle {
    /// True for a folder.
    pub fn is_directory_handle(&self) -> bool {
        self.kind() == "directory"
    }

    /// The file behind a file handle.
    pub async fn file(&self) -> Result<File, JsValue> {
        wait(self.get_file()).await?.dyn_into()
    }

    /// Everything in a folder. The part that could be read when reading fails midway, and then `true`.
    pub async fn children(&self) -> (Vec<Handle>, bool) {
        let mut out = Vec::new();
        let Ok(iter) = self.values() else { return (out, true) };
        loop {
            let Ok(step) = wait(iter.next()).await else { return (out, true) };
            let step: Step = step.unchecked_into();
            if step.done() {
                return (out, false);
            }
            out.push(step.value().unchecked_into());
        }
    }
}

impl DropEntry {
    /// The file of a file entry.
    pub async fn file(&self) -> Result<File, JsValue> {
        JsFuture::from(Promise::new(&mut |ok, failed| self.entry_file(&ok, &failed))).await?.dyn_into()
    }

    /// Everything in a folder, batch by batch. The part that could be read when reading fails midway, and `true`.
    pub async fn children(&self) -> (Vec<DropEntry>, bool) {
        let reader = self.create_reader();
        let mut out = Vec::new();
        loop {
            let batch =
                JsFuture::from(Promise::new(&mut |ok, failed| reader.read_entries(&ok, &failed))).await;
            let Some(batch) = batch.ok().and_then(|batch| batch.dyn_into::<Array>().ok()) else {
                return (out, true);
            };
            if batch.length() == 0 {
                return (out, false);
            }
            out.extend(batch.iter().map(JsCast::unchecked_into::<DropEntry>));
        }
    }
}
