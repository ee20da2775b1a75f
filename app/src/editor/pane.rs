//! A pane: the place where a document is shown, and what can be told to it.
//!
//! [`Pane`] is a number, so that it can stand in signals and callbacks. What it stands for lives here while its
//! [`EditorView`](super::EditorView) is mounted; telling an unmounted pane something does nothing, except that a
//! [`Pane::reveal`] before the document is shown is remembered.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use protocol::{Pos, Span};
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

use super::document::document;
use super::monaco::{Module, View};

/// A place for one editor; two of them make a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pane(u32);

/// Where the cursor stands, for the status bar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The file.
    pub path: String,
    /// Zero-based position of the main cursor.
    pub pos: Pos,
    /// Number of cursors.
    pub num_cursors: u32,
    /// Selected UTF-16 code units, all selections together.
    pub selected_utf16: u32,
}

type OnCursor = Rc<dyn Fn(Cursor)>;
type OnFocus = Rc<dyn Fn()>;

/// The plain read view of a pane, told what to reveal.
pub(super) type OnPlainReveal = Rc<dyn Fn(Span)>;

#[derive(Default)]
struct State {
    view: RefCell<Option<Mounted>>,
    path: RefCell<Option<String>>,
    /// Scroll position, cursors and folds of the paths that were shown here.
    view_states: RefCell<BTreeMap<String, JsValue>>,
    /// Where to begin in paths that were not shown here yet.
    places: RefCell<BTreeMap<String, Span>>,
    pending: Cell<Option<Span>>,
    /// Give the editor the keyboard once it is there.
    wants_focus: Cell<bool>,
    marks: RefCell<Vec<Span>>,
    on_cursor: RefCell<Option<OnCursor>>,
    on_focus: RefCell<Option<OnFocus>>,
    plain: RefCell<Option<OnPlainReveal>>,
}

struct Mounted {
    view: View,
    _on_event: Closure<dyn Fn(String, JsValue)>,
}

thread_local! {
    static PANES: RefCell<BTreeMap<Pane, Rc<State>>> = RefCell::default();
    static NEXT: Cell<u32> = const { Cell::new(0) };
    static FOCUSED: Cell<Option<Pane>> = const { Cell::new(None) };
}

/// The pane that had the keyboard last.
#[must_use]
pub fn focused_pane() -> Option<Pane> {
    FOCUSED.get()
}

impl Default for Pane {
    fn default() -> Self {
        Self::new()
    }
}

impl Pane {
    /// A new pane.
    #[must_use]
    pub fn new() -> Self {
        let id = NEXT.get();
        NEXT.set(id + 1);
        let pane = Self(id);
        PANES.with_borrow_mut(|panes| panes.insert(pane, Rc::default()));
        pane
    }

    fn state(self) -> Option<Rc<State>> {
        PANES.with_borrow(|panes| panes.get(&self).cloned())
    }

    fn view(self) -> Option<View> {
        self.state()?.view.borrow().as_ref().map(|mounted| mounted.view.clone())
    }

    /// The path shown.
    #[must_use]
    pub fn path(self) -> Option<String> {
        self.state()?.path.borrow().clone()
    }

    /// Show the document of `path` (it must be open), or nothing. Keeps scroll position and cursors of the path that
    /// goes.
    pub fn show(self, path: Option<&str>) {
        let Some(state) = self.state() else { return };
        self.remember(&state);
        let before = state.path.replace(path.map(str::to_owned));
        if before.as_deref() != path {
            // They belong to the text that goes.
            state.marks.borrow_mut().clear();
        }
        self.present(&state);
    }

    fn remember(self, state: &State) {
        if let (Some(view), Some(path)) = (self.view(), state.path.borrow().clone()) {
            let view_state = view.state();
            if !view_state.is_null() {
                state.view_states.borrow_mut().insert(path, view_state);
            }
        }
    }

    /// Put the document of the pane's path into its view, when both are there.
    fn present(self, state: &State) {
        let (Some(view), Some(module)) = (self.view(), super::monaco::loaded()) else { return };
        let path = state.path.borrow().clone();
        let Some(document) = path.as_deref().and_then(document) else {
            view.show(None, &JsValue::NULL);
            return;
        };
        let saved = state.view_states.borrow().get(&document.path()).cloned().unwrap_or(JsValue::NULL);
        view.show(Some(&document.model(&module)), &saved);
        view.set_read_only(document.read_only().as_deref());
        self.draw_marks(state);
        let begin = state.places.borrow_mut().remove(&document.path()).filter(|_| saved.is_null());
        if let Some(span) = state.pending.take().or(begin) {
            self.reveal(span);
        }
    }

    /// Where to begin in a path that was not shown in this pane yet; used once.
    pub fn begin_at(self, path: &str, span: Span) {
        if let Some(state) = self.state() {
            state.places.borrow_mut().insert(path.to_owned(), span);
        }
    }

    /// Put the cursor on a range and scroll it into the middle. Remembered while the editor is not there yet.
    pub fn reveal(self, span: Span) {
        let Some(state) = self.state() else { return };
        if let Some(view) = self.view() {
            view.reveal(span.start.line, span.start.utf16, span.end.line, span.end.utf16);
        } else if let Some(plain) = state.plain.borrow().clone() {
            plain(span);
            state.pending.set(Some(span));
        } else {
            state.pending.set(Some(span));
        }
    }

    /// Mark search hits; replaces the marks before. Empty takes them away.
    pub fn mark(self, spans: &[Span]) {
        let Some(state) = self.state() else { return };
        *state.marks.borrow_mut() = spans.to_vec();
        self.draw_marks(&state);
    }

    fn draw_marks(self, state: &State) {
        if let Some(view) = self.view() {
            let spans = state.marks.borrow();
            let flat: Vec<u32> = spans
                .iter()
                .flat_map(|span| [span.start.line, span.start.utf16, span.end.line, span.end.utf16])
                .collect();
            view.mark(&flat);
        }
    }

    /// Give the pane the keyboard, now or when its editor has come.
    pub fn focus(self) {
        let Some(state) = self.state() else { return };
        let view = self.view();
        state.wants_focus.set(view.is_none());
        if let Some(view) = view {
            view.focus();
        }
    }

    /// Whether the editor, or something opened inside it, has the keyboard.
    #[must_use]
    pub fn has_keyboard(self) -> bool {
        self.view().is_some_and(|view| view.has_keyboard())
    }

    /// Run an action of the editor by its id; false when it does not know it or is not there.
    pub fn run(self, action: &str) -> bool {
        self.view().is_some_and(|view| view.run(action))
    }

    /// Open the find widget.
    pub fn find(self) -> bool {
        self.run("actions.find")
    }

    /// Open the find and replace widget.
    pub fn replace(self) -> bool {
        self.run("editor.action.startFindReplaceAction")
    }

    /// True while what is selected is what a search hit marked, and not what a person selected.
    #[must_use]
    pub fn selects_hit(self) -> bool {
        self.view().is_some_and(|view| view.selects_hit())
    }

    /// The selected text of the main cursor, empty without a selection or an editor.
    #[must_use]
    pub fn selected_text(self) -> String {
        self.view().map(|view| view.selected_text()).unwrap_or_default()
    }

    /// First line, last line (zero-based) and text of the lines that are selected, as JSON; `None` without an editor.
    #[must_use]
    pub fn selected_lines(self) -> Option<String> {
        self.view()?.selected_lines()
    }

    /// Put a text in the place of what is selected, as one edit that can be undone; false where that cannot be done.
    pub fn insert(self, text: &str) -> bool {
        self.view().is_some_and(|view| view.insert(text))
    }

    pub(super) fn listen(self, on_cursor: Option<OnCursor>, on_focus: Option<OnFocus>) {
        if let Some(state) = self.state() {
            *state.on_cursor.borrow_mut() = on_cursor;
            *state.on_focus.borrow_mut() = on_focus;
        }
    }

    pub(super) fn set_plain(self, plain: Option<OnPlainReveal>) {
        if let Some(state) = self.state() {
            let pending = state.pending.get();
            if let (Some(plain), Some(span)) = (&plain, pending) {
                plain(span);
            }
            *state.plain.borrow_mut() = plain;
        }
    }

    /// Make the editor inside `host`.
    pub(super) fn mount(self, module: &Module, host: &HtmlElement) -> Result<(), JsValue> {
        let Some(state) = self.state() else { return Ok(()) };
        self.unmount();
        let on_event = Closure::<dyn Fn(String, JsValue)>::new(move |kind: String, detail: JsValue| {
            self.on_event(&kind, &detail);
        });
        let view = module.create_view(host, &on_event)?;
        *state.view.borrow_mut() = Some(Mounted { view, _on_event: on_event });
        *state.plain.borrow_mut() = None;
        self.present(&state);
        let nothing_has_focus = leptos::prelude::document()
            .active_element()
            .is_none_or(|active| active.tag_name().eq_ignore_ascii_case("body"));
        if state.wants_focus.take() && nothing_has_focus {
            // The view is made visible in the same turn as this returns.
            gloo_timers::callback::Timeout::new(0, move || self.focus()).forget();
        }
        Ok(())
    }

    pub(super) fn unmount(self) {
        let Some(state) = self.state() else { return };
        self.remember(&state);
        let mounted = state.view.borrow_mut().take();
        if let Some(mounted) = mounted {
            mounted.view.dispose_view();
        }
    }

    fn on_event(self, kind: &str, detail: &JsValue) {
        let Some(state) = self.state() else { return };
        match kind {
            "focus" => {
                FOCUSED.set(Some(self));
                let on_focus = state.on_focus.borrow().clone();
                if let Some(on_focus) = on_focus {
                    on_focus();
                }
            }
            "cursor" => {
                let numbers = js_sys::Uint32Array::new(detail).to_vec();
                let (Some(path), &[line, utf16, num_cursors, selected_utf16]) =
                    (self.path(), numbers.as_slice())
                else {
                    return;
                };
                let on_cursor = state.on_cursor.borrow().clone();
                if let Some(on_cursor) = on_cursor {
                    on_cursor(Cursor { path, pos: Pos { line, utf16 }, num_cursors, selected_utf16 });
                }
            }
            _ => {}
        }
    }
}

fn all() -> Vec<(Pane, Rc<State>)> {
    PANES.with_borrow(|panes| panes.iter().map(|(&pane, state)| (pane, state.clone())).collect())
}

/// The document of `path` is about to go.
pub(super) fn document_closed(path: &str) {
    for (pane, state) in all() {
        state.view_states.borrow_mut().remove(path);
        let shown = state.path.borrow().as_deref() == Some(path);
        if shown {
            *state.path.borrow_mut() = None;
            pane.present(&state);
        }
    }
}

/// The document `from` is now called `to`, or (with equal names) something about it changed that panes show.
pub(super) fn document_renamed(from: &str, to: &str) {
    for (pane, state) in all() {
        pane.remember(&state);
        let kept = state.view_states.borrow_mut().remove(from);
        if let Some(kept) = kept {
            state.view_states.borrow_mut().insert(to.to_owned(), kept);
        }
        let shown = state.path.borrow().as_deref() == Some(from);
        if shown {
            *state.path.borrow_mut() = Some(to.to_owned());
            pane.present(&state);
        }
    }
}
