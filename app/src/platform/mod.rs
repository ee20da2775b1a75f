//! What the page needs from the browser beside the document tree: files in and out, storage, media queries.
//!
//! The rest of the app calls these functions and knows nothing of the interfaces behind them, some of which exist only
//! in some browsers. How a folder comes in: [`pick_folder`], [`pick_files`] or [`dropped`] give a [`Picked`], and
//! [`import`] walks it and hands its files to the engine. A [`Picked::folder`] can be remembered with the workspace
//! and be written to after a save. Web Locks are taken where they are needed, in the engine worker.

mod catalogue;
mod disk;
mod ffi;
mod idb;
mod ignore;
mod import;
pub mod media;
mod names;
mod pick;
mod save;
mod script;
mod source;
mod storage;
mod walk;

pub use catalogue::fetch_catalogue;
pub use disk::{Folder, MayWrite, folder_of, forget_folder, has_gesture};
pub use import::{ImportOptions, buffer_of, fetch_sample, import, import_chosen, import_zip, read};
pub use names::look_alike;
pub use pick::{Ask, Picked, can_pick_folder, dropped, pick_files, pick_folder};
pub use save::download;
pub use script::Script;
pub use storage::persist;

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

/// A JavaScript object from name and value pairs.
fn object(pairs: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in pairs {
        // A plain object takes any property.
        let _always = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}
