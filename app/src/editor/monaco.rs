//! The few functions of the lazily loaded editor module (`app/js/editor.js`).

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

use crate::platform::Script;

#[wasm_bindgen]
extern "C" {
    /// The editor module.
    #[derive(Clone, Debug)]
    pub type Module;

    #[wasm_bindgen(method, js_name = createModel)]
    pub fn create_model(
        this: &Module,
        text: &str,
        language: &str,
        path: &str,
        on_change: &Closure<dyn Fn(Vec<u32>)>,
    ) -> Model;

    #[wasm_bindgen(method, js_name = createView, catch)]
    pub fn create_view(
        this: &Module,
        host: &HtmlElement,
        on_event: &Closure<dyn Fn(String, JsValue)>,
    ) -> Result<View, JsValue>;

    #[wasm_bindgen(method, js_name = createDiff, catch)]
    pub fn create_diff(this: &Module, host: &HtmlElement) -> Result<Diff, JsValue>;

    /// Theme, font and behaviour of every view.
    #[wasm_bindgen(method)]
    pub fn configure(this: &Module, options: &JsValue);

    /// Whom to ask for completions, and whom to tell that none is waited for any more.
    #[wasm_bindgen(method, js_name = answerWith)]
    pub fn answer_with(
        this: &Module,
        ask: &Closure<dyn Fn(JsValue, u32, u32, u32) -> Promise>,
        cancel: &Closure<dyn Fn()>,
    );

    /// The text of one file with its undo stack; may be shown in several views.
    #[derive(Clone, Debug)]
    pub type Model;

    /// The text with LF line endings.
    #[wasm_bindgen(method)]
    pub fn text(this: &Model) -> String;

    /// Replace the text as one edit that can be undone.
    #[wasm_bindgen(method)]
    pub fn replace(this: &Model, text: &str);

    /// Number of the present state; undo brings an earlier number back.
    #[wasm_bindgen(method)]
    pub fn version(this: &Model) -> f64;

    /// What is typed from now on is undone separately.
    #[wasm_bindgen(method)]
    pub fn boundary(this: &Model);

    #[wasm_bindgen(method)]
    pub fn dispose(this: &Model);

    /// A pane that shows one model.
    #[derive(Clone, Debug)]
    pub type View;

    #[wasm_bindgen(method)]
    pub fn show(this: &View, model: Option<&Model>, state: &JsValue);

    /// Scroll position, cursors and folds, to be given to [`View::show`] later.
    #[wasm_bindgen(method)]
    pub fn state(this: &View) -> JsValue;

    #[wasm_bindgen(method)]
    pub fn reveal(this: &View, start_line: u32, start_utf16: u32, end_line: u32, end_utf16: u32);

    #[wasm_bindgen(method)]
    pub fn mark(this: &View, ranges: &[u32]);

    #[wasm_bindgen(method, js_name = setReadOnly)]
    pub fn set_read_only(this: &View, why: Option<&str>);

    #[wasm_bindgen(method)]
    pub fn run(this: &View, action: &str) -> bool;

    /// Whether what is selected is what a hit marked.
    #[wasm_bindgen(method, js_name = selectsHit)]
    pub fn selects_hit(this: &View) -> bool;

    #[wasm_bindgen(method, js_name = selectedText)]
    pub fn selected_text(this: &View) -> String;

    /// First line, last line and text of the lines that are selected; `undefined` without a text.
    #[wasm_bindgen(method, js_name = selectedLines)]
    pub fn selected_lines(this: &View) -> Option<String>;

    /// Put a text in the place of what is selected, as one edit that can be undone. False where nothing may be typed.
    #[wasm_bindgen(method)]
    pub fn insert(this: &View, text: &str) -> bool;

    #[wasm_bindgen(method)]
    pub fn focus(this: &View);

    /// Whether the text, or something opened inside the editor like its search, has the keyboard.
    #[wasm_bindgen(method, js_name = hasKeyboard)]
    pub fn has_keyboard(this: &View) -> bool;

    #[wasm_bindgen(method, js_name = dispose)]
    pub fn dispose_view(this: &View);

    /// Two texts side by side.
    #[derive(Clone, Debug)]
    pub type Diff;

    #[wasm_bindgen(method, js_name = setTexts)]
    pub fn set_texts(this: &Diff, before: &str, after: &str, language: &str);

    #[wasm_bindgen(method, js_name = showModel)]
    pub fn show_model(this: &Diff, before: &str, after: &Model, language: &str);

    #[wasm_bindgen(method, js_name = setInline)]
    pub fn set_inline(this: &Diff, inline: bool);

    #[wasm_bindgen(method)]
    pub fn next(this: &Diff, forward: bool);

    #[wasm_bindgen(method, js_name = dispose)]
    pub fn dispose_diff(this: &Diff);
}

thread_local! {
    static SCRIPT: Script = Script::new("alcove-monaco", "alcoveEditor");
}

const FAILED: &str = "The editor could not be loaded. Check that the address of this page can still be reached, then \
                      try again; until then files are shown as plain text and can be edited there.";

/// The module when it is there already.
#[must_use]
pub fn loaded() -> Option<Module> {
    SCRIPT.with(Script::loaded).map(JsCast::unchecked_into)
}

/// Bring the module in, once.
///
/// # Errors
/// A sentence for the person.
pub async fn load() -> Result<Module, String> {
    let is_new = loaded().is_none();
    let module = SCRIPT.with(Clone::clone).load().await;
    let module: Module = module.map_err(|_| FAILED)?.unchecked_into();
    if is_new {
        super::suggest::connect(&module);
    }
    Ok(module)
}

/// A JavaScript object from name and value pairs.
pub(super) fn object(pairs: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in pairs {
        // A plain object takes any property.
        let _always = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}
