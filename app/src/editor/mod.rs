//! Editing text: open documents with their unsaved changes, and the panes that show them.
//!
//! Monaco is the editor on a screen with a keyboard. It is one JavaScript module that is fetched after the first
//! paint, so everything here works without it too: [`Document`] holds the text, and [`EditorView`] shows it plainly
//! until the module is there, on phones, and when it cannot be loaded. Text and bytes are kept apart ([`eol`],
//! [`source`]): a file that was not changed is written back byte for byte.
//!
//! How the rest of the page uses it: [`open_document`] after reading a file, `<EditorView pane path=…/>` to show it,
//! [`watch_documents`] for dirty marks and drafts, [`Document::bytes`] and [`Document::mark_saved`] to save, and
//! [`Pane::reveal`] to jump.

mod component;
mod diff;
mod document;
mod eol;
mod monaco;
mod pane;
mod settings;
mod source;
mod suggest;

pub use component::EditorView;
pub use diff::{DiffOf, DiffView};
pub use document::{
    Document, Opening, Watch, close_document, dirty_paths, document, documents, open_document,
    rename_document, watch_documents,
};
pub use eol::Eol;
pub use pane::{Cursor, Pane, focused_pane};
pub use settings::{Completions, EditorSettings, Theme, set_editor_settings};
pub use source::decode;
pub use suggest::{Asked, answer_suggestions};

/// Fetch the editor module now, without waiting: call it once after the first paint.
pub fn preload_editor() {
    wasm_bindgen_futures::spawn_local(async {
        // A failure is shown by the view that needs the editor, with a button to try again.
        let _shown_later = monaco::load().await;
    });
}
