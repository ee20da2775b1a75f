//! The files that are open in the page: their saved bytes, their unsaved text, their undo stacks.
//!
//! A document is the same thing whether Monaco shows it, a plain text area does, or nothing does: the text lives here
//! until the editor module is loaded, and in a Monaco model from the first time that a pane shows it. All panes that
//! show one path share one document. Everything is looked up by path, so that signals carry plain strings.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use wasm_bindgen::prelude::*;

use super::eol::{Endings, Eol, Splice};
use super::monaco::{Model, Module};
use super::source::Source;

/// What a file needs in order to be opened.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// Its path in the workspace.
    pub path: &'a str,
    /// The saved bytes.
    pub bytes: &'a [u8],
    /// The unsaved edit that was kept, as [`Document::bytes`] gave it.
    pub draft: Option<&'a [u8]>,
    /// Language id.
    pub language: &'a str,
    /// A sentence that says why it cannot be edited; `None` when it can. Files that are not valid UTF-8 are read-only
    /// in any case.
    pub read_only: Option<String>,
}

enum Text {
    /// Nobody has shown it in the editor yet.
    Plain(String),
    Model {
        model: Model,
        saved_version: f64,
        _on_change: Closure<dyn Fn(Vec<u32>)>,
    },
}

struct Inner {
    path: RefCell<String>,
    language: RefCell<String>,
    read_only: RefCell<Option<String>>,
    /// The saved bytes are not valid UTF-8.
    lossy: Cell<bool>,
    /// As they are in the workspace.
    saved_bytes: RefCell<Vec<u8>>,
    /// The saved bytes as text with LF endings.
    saved_text: RefCell<String>,
    saved_endings: RefCell<Endings>,
    bom: Cell<bool>,
    endings: RefCell<Endings>,
    text: RefCell<Text>,
}

/// An open file. Clones are the same file.
#[derive(Clone)]
pub struct Document(Rc<Inner>);

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("path", &self.0.path).finish_non_exhaustive()
    }
}

/// Told after every change of an open document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which document.
    pub path: String,
    /// It now differs from what is saved.
    pub dirty: bool,
}

type Watcher = Rc<dyn Fn(&Change)>;

#[derive(Default)]
struct Registry {
    open: BTreeMap<String, Document>,
    watchers: BTreeMap<u32, Watcher>,
    next_watcher: u32,
}

thread_local! {
    static REGISTRY: RefCell<Registry> = RefCell::default();
}

/// Keeps a watcher registered; dropping it ends the watching.
#[derive(Debug)]
pub struct Watch(u32);

impl Drop for Watch {
    fn drop(&mut self) {
        REGISTRY.with_borrow_mut(|registry| registry.watchers.remove(&self.0));
    }
}

/// Call `watcher` after every change of any open document, saving and reverting included.
#[must_use]
pub fn watch_documents(watcher: impl Fn(&Change) + 'static) -> Watch {
    REGISTRY.with_borrow_mut(|registry| {
        let id = registry.next_watcher;
        registry.next_watcher += 1;
        registry.watchers.insert(id, Rc::new(watcher));
        Watch(id)
    })
}

/// Open a file, or give back the document of its path when it is open already (its unsaved text is kept then).
pub fn open_document(opening: &Opening<'_>) -> Document {
    if let Some(document) = document(opening.path) {
        return document;
    }
    let document = Document::new(opening);
    REGISTRY.with_borrow_mut(|registry| registry.open.insert(opening.path.to_owned(), document.clone()));
    super::pane::document_renamed(opening.path, opening.path);
    document.announce();
    document
}

/// The document of this path when it is open.
#[must_use]
pub fn document(path: &str) -> Option<Document> {
    REGISTRY.with_borrow(|registry| registry.open.get(path).cloned())
}

/// Every open document.
#[must_use]
pub fn documents() -> Vec<Document> {
    REGISTRY.with_borrow(|registry| registry.open.values().cloned().collect())
}

/// Paths of the documents with unsaved changes.
#[must_use]
pub fn dirty_paths() -> Vec<String> {
    documents().iter().filter(|document| document.is_dirty()).map(Document::path).collect()
}

/// Forget a document with its unsaved text and undo stack. Panes that show it show nothing afterwards.
pub fn close_document(path: &str) {
    let document = REGISTRY.with_borrow_mut(|registry| registry.open.remove(path));
    if let Some(document) = document {
        super::pane::document_closed(path);
        if let Text::Model { model, .. } = &*document.0.text.borrow() {
            model.dispose();
        }
    }
}

/// A file got another name: its document keeps text and undo stack.
pub fn rename_document(from: &str, to: &str) {
    let document = REGISTRY.with_borrow_mut(|registry| registry.open.remove(from));
    if let Some(document) = document {
        to.clone_into(&mut document.0.path.borrow_mut());
        REGISTRY.with_borrow_mut(|registry| registry.open.insert(to.to_owned(), document.clone()));
        super::pane::document_renamed(from, to);
        document.announce();
    }
}

const LOSSY: &str = "This file is not valid UTF-8. It is shown as well as possible and cannot be edited, so that its \
                     bytes stay as they are. Convert it to UTF-8 on disk to edit it here.";

impl Document {
    fn new(opening: &Opening<'_>) -> Self {
        let saved = Source::decode(opening.bytes);
        let draft = opening.draft.map(Source::decode);
        let shown = draft.as_ref().unwrap_or(&saved);
        let inner = Inner {
            path: RefCell::new(opening.path.to_owned()),
            language: RefCell::new(opening.language.to_owned()),
            read_only: RefCell::new(opening.read_only.clone()),
            lossy: Cell::new(saved.lossy),
            saved_bytes: RefCell::new(opening.bytes.to_vec()),
            bom: Cell::new(saved.bom),
            endings: RefCell::new(shown.endings.clone()),
            text: RefCell::new(Text::Plain(shown.text.clone())),
            saved_text: RefCell::new(saved.text),
            saved_endings: RefCell::new(saved.endings),
        };
        Self(Rc::new(inner))
    }

    /// Where it is in the workspace.
    #[must_use]
    pub fn path(&self) -> String {
        self.0.path.borrow().clone()
    }

    /// Language id.
    #[must_use]
    pub fn language(&self) -> String {
        self.0.language.borrow().clone()
    }

    /// Why it cannot be edited, when it cannot.
    #[must_use]
    pub fn read_only(&self) -> Option<String> {
        if self.0.lossy.get() { Some(LOSSY.to_owned()) } else { self.0.read_only.borrow().clone() }
    }

    /// Allow or forbid editing; panes that show it follow. A file that is not valid UTF-8 stays read-only.
    pub fn set_read_only(&self, why: Option<String>) {
        *self.0.read_only.borrow_mut() = why;
        super::pane::document_renamed(&self.path(), &self.path());
    }

    /// The unsaved text with LF line endings, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> String {
        match &*self.0.text.borrow() {
            Text::Plain(text) => text.clone(),
            Text::Model { model, .. } => model.text(),
        }
    }

    /// What saving must write. Without unsaved changes these are the very bytes that were read.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        if self.is_dirty() {
            Source::encode(self.0.bom.get(), &self.0.endings.borrow(), &self.text())
        } else {
            self.0.saved_bytes.borrow().clone()
        }
    }

    /// The saved text with LF line endings, for a comparison.
    #[must_use]
    pub fn saved_text(&self) -> String {
        self.0.saved_text.borrow().clone()
    }

    /// It differs from what is saved.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        let other_text = match &*self.0.text.borrow() {
            Text::Plain(text) => *text != *self.0.saved_text.borrow(),
            Text::Model { model, saved_version, .. } => !same_version(model.version(), *saved_version),
        };
        other_text || self.has_other_endings()
    }

    /// The saved text would be written with other line endings. Endings that are noted differently may come out the
    /// same, for instance where no line break is left.
    fn has_other_endings(&self) -> bool {
        let (endings, saved) = (self.0.endings.borrow(), self.0.saved_endings.borrow());
        *endings != *saved && {
            let text = self.0.saved_text.borrow();
            endings.restore(&text) != saved.restore(&text)
        }
    }

    /// The usual line ending, and whether others occur too.
    #[must_use]
    pub fn eol(&self) -> (Eol, bool) {
        let endings = self.0.endings.borrow();
        (endings.usual(), endings.is_mixed())
    }

    /// Give every line this ending when the file is saved.
    pub fn set_eol(&self, eol: Eol) {
        *self.0.endings.borrow_mut() = Endings::Uniform(eol);
        self.announce();
    }

    /// The file starts with a byte order mark.
    #[must_use]
    pub fn has_bom(&self) -> bool {
        self.0.bom.get()
    }

    /// Replace the unsaved text, as one step that can be undone in the editor.
    pub fn set_text(&self, text: &str) {
        let source = Source::decode(text.as_bytes());
        if matches!(&*self.0.text.borrow(), Text::Plain(_)) {
            let before = self.text();
            self.0.endings.borrow_mut().follow(&before, &source.text);
            *self.0.text.borrow_mut() = Text::Plain(source.text);
            self.announce();
        } else if let Some(model) = self.existing_model() {
            // The model's own event follows the endings and announces.
            model.replace(&source.text);
        }
    }

    /// The engine took these bytes, which [`Document::bytes`] gave: they are the saved state now. What was typed
    /// since then stays unsaved.
    pub fn mark_saved(&self, bytes: &[u8]) {
        let source = Source::decode(bytes);
        let text = self.text();
        let unchanged = text == source.text;
        if unchanged && self.0.endings.borrow().is_mixed() {
            // The edit may have left one kind.
            let same = self.0.endings.borrow().restore(&text) == source.endings.restore(&text);
            if same {
                *self.0.endings.borrow_mut() = source.endings.clone();
            }
        }
        if unchanged || !text.starts_with('\u{feff}') {
            self.0.bom.set(source.bom);
        }
        let other_encoding = self.0.lossy.replace(source.lossy) != source.lossy;
        self.0.saved_bytes.replace(bytes.to_vec());
        *self.0.saved_endings.borrow_mut() = source.endings;
        *self.0.saved_text.borrow_mut() = source.text;
        if let Text::Model { model, saved_version, .. } = &mut *self.0.text.borrow_mut() {
            // Without a border here, undo would jump over the saved state.
            model.boundary();
            *saved_version = if unchanged { model.version() } else { -1.0 };
        }
        if other_encoding {
            super::pane::document_renamed(&self.path(), &self.path());
        }
        self.announce();
    }

    /// Go back to the saved state; can be undone in the editor.
    pub fn revert(&self) {
        let saved = self.saved_text();
        self.set_text(&saved);
        *self.0.endings.borrow_mut() = self.0.saved_endings.borrow().clone();
        if let Text::Model { model, saved_version, .. } = &mut *self.0.text.borrow_mut() {
            *saved_version = model.version();
        }
        self.announce();
    }

    /// The file changed outside the editor: take the new bytes when nothing is unsaved, else keep the edit on top of
    /// the new saved state. Returns false in the second case.
    pub fn refresh(&self, bytes: &[u8]) -> bool {
        let clean = !self.is_dirty();
        self.mark_saved(bytes);
        if clean {
            self.revert();
        }
        clean
    }

    /// The Monaco model, made now when it is not there yet.
    pub(super) fn model(&self, module: &Module) -> Model {
        if let Some(model) = self.existing_model() {
            return model;
        }
        let weak = Rc::downgrade(&self.0);
        let on_change = Closure::<dyn Fn(Vec<u32>)>::new(move |changes: Vec<u32>| {
            model_changed(&weak, &changes);
        });
        let edited = self.text();
        let saved = self.saved_text();
        // Made from the saved text and then edited, so that undo leads back to what is saved. The endings of the
        // edit were followed when it was made and must not be followed twice.
        let endings = self.0.endings.borrow().clone();
        let model = module.create_model(&saved, &self.language(), &self.path(), &on_change);
        let saved_version = model.version();
        *self.0.text.borrow_mut() =
            Text::Model { model: model.clone(), saved_version, _on_change: on_change };
        if edited != saved {
            model.replace(&edited);
            *self.0.endings.borrow_mut() = endings;
        }
        model
    }

    /// Whether this is the document of an editor's model.
    pub(super) fn has_model(&self, model: &JsValue) -> bool {
        self.existing_model().is_some_and(|own| *own == *model)
    }

    fn existing_model(&self) -> Option<Model> {
        match &*self.0.text.borrow() {
            Text::Model { model, .. } => Some(model.clone()),
            Text::Plain(_) => None,
        }
    }

    fn announce(&self) {
        let change = Change { path: self.path(), dirty: self.is_dirty() };
        let watchers: Vec<Watcher> =
            REGISTRY.with_borrow(|registry| registry.watchers.values().cloned().collect());
        for watcher in watchers {
            watcher(&change);
        }
    }
}

/// Versions are whole numbers that JavaScript keeps as floats.
fn same_version(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.5
}

/// Monaco's change event: triples of line, removed breaks and added breaks, from the bottom up.
fn model_changed(weak: &Weak<Inner>, changes: &[u32]) {
    let Some(inner) = weak.upgrade() else { return };
    for change in changes.chunks_exact(3) {
        inner.endings.borrow_mut().splice(Splice {
            line: change[0] as usize,
            removed: change[1] as usize,
            added: change[2] as usize,
        });
    }
    let back_at_saved = match &*inner.text.borrow() {
        Text::Model { model, saved_version, .. } => same_version(model.version(), *saved_version),
        Text::Plain(_) => false,
    };
    // Undo brings a joined line back with the usual ending; at the saved state the true ones are known.
    if back_at_saved && inner.endings.borrow().is_mixed() {
        let saved = inner.saved_endings.borrow().clone();
        *inner.endings.borrow_mut() = saved;
    }
    Document(inner).announce();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(bytes: &[u8], draft: Option<&[u8]>) -> Document {
        Document::new(&Opening { path: "a.txt", bytes, draft, language: "plaintext", read_only: None })
    }

    fn save(document: &Document) -> Vec<u8> {
        let bytes = document.bytes();
        document.mark_saved(&bytes);
        bytes
    }

    #[test]
    fn a_saved_file_is_saved_whatever_became_of_its_line_endings() {
        let joined = opened(b"a\r\nb", None);
        joined.set_text("ab");
        assert!(joined.is_dirty());
        assert_eq!(save(&joined), b"ab");
        assert!(!joined.is_dirty(), "no line break is left to be of another kind");
        // A line that is added later is as the lines were.
        joined.set_text("a\nb");
        assert_eq!(save(&joined), b"a\r\nb");

        let one_line = opened(b"one line", None);
        one_line.set_eol(Eol::CrLf);
        save(&one_line);
        assert!(!one_line.is_dirty());

        let mixed = opened(b"a\nb\r\nc\n", None);
        mixed.set_text("a\nbc\n");
        assert_eq!(save(&mixed), b"a\nbc\n");
        assert!(!mixed.is_dirty());
        assert_eq!(mixed.eol(), (Eol::Lf, false));
    }

    #[test]
    fn other_line_endings_are_a_change_and_saving_settles_it() {
        let document = opened(b"a\nb\n", None);
        document.set_eol(Eol::CrLf);
        assert!(document.is_dirty());
        assert_eq!(save(&document), b"a\r\nb\r\n");
        assert!(!document.is_dirty());
    }

    #[test]
    fn a_file_that_became_another_encoding_is_not_edited_until_it_is_mended() {
        let document = opened("café\n".as_bytes(), None);
        assert!(document.refresh(b"caf\xe9\n"));
        assert_eq!(document.read_only().as_deref(), Some(LOSSY));
        assert_eq!(document.bytes(), b"caf\xe9\n");
        document.set_read_only(None);
        assert_eq!(document.read_only().as_deref(), Some(LOSSY), "a tab that takes over does not mend it");
        assert!(document.refresh("café au lait\n".as_bytes()));
        assert_eq!((document.read_only(), document.text()), (None, "café au lait\n".to_owned()));
    }

    #[test]
    fn unsaved_text_is_shown_though_the_file_became_another_encoding() {
        let document = opened(b"caf\xe9\n", Some(b"typed\n"));
        assert_eq!((document.text(), document.is_dirty()), ("typed\n".to_owned(), true));
        assert_eq!(document.read_only().as_deref(), Some(LOSSY));
    }

    #[test]
    fn a_byte_order_mark_that_came_with_a_new_version_is_written_back() {
        let document = opened(b"a\n", None);
        assert!(document.refresh("\u{feff}a\n".as_bytes()));
        document.set_text("b\n");
        assert_eq!(save(&document), "\u{feff}b\n".as_bytes());
        assert!(!document.is_dirty());
    }
}
