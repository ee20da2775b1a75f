//! Ways in and out: folders, files, archives, exports, the clipboard.

use leptos::prelude::*;
use protocol::{Fault, WorkspaceInfo};
use wasm_bindgen_futures::JsFuture;

use super::App;
use super::toast::Weight;

impl App {
    pub fn open_folder(self) {}
    pub fn open_files(self) {}
    pub fn open_zip(self) {}
    pub fn open_sample(self) {}
    pub fn open_dropped(self, _transfer: &web_sys::DataTransfer) {}
    pub fn export_workspace(self) {}
    pub fn export_kept(self, _info: &WorkspaceInfo) {}
    pub fn import_workspace(self) {}

    /// A file was saved: write it to the folder on disk as well, where it came from one.
    pub(super) async fn wrote(self, _path: &str, _bytes: &[u8]) -> Result<(), Fault> {
        Ok(())
    }

    /// Put a text on the clipboard.
    pub fn copy(self, text: &str) {
        let promise = window().navigator().clipboard().write_text(text);
        let text = text.to_owned();
        leptos::task::spawn_local(async move {
            match JsFuture::from(promise).await {
                Ok(_) => self.toasts.say(Weight::Done, format!("Copied {text}.")),
                Err(_) => self.toasts.say(
                    Weight::Failure,
                    "The browser did not allow copying. Select the text and copy it by hand.",
                ),
            }
        });
    }
}
