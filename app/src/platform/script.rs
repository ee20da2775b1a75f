//! Bringing in a JavaScript module that the page does not begin with.
//!
//! Its address is in a `<meta>` element, so it can carry a content hash. It is brought in by a `<script type="module">`
//! element instead of `import()`, because a dynamic import would need a JavaScript snippet of its own, and evaluated
//! code is forbidden by the page's content security policy. The module leaves a promise of itself in a global name.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

/// A module, from before its first use on. Clones are the same module.
#[derive(Clone)]
pub struct Script(Rc<Inner>);

struct Inner {
    meta: &'static str,
    global: &'static str,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    loaded: Option<JsValue>,
    loading: Option<Promise>,
    attempts: u32,
}

impl Script {
    /// The module whose address is the content of `<meta name=…>`, and whose promise is `globalThis[global]`.
    #[must_use]
    pub fn new(meta: &'static str, global: &'static str) -> Self {
        Self(Rc::new(Inner { meta, global, state: RefCell::default() }))
    }

    /// The module when it is there already.
    pub fn loaded(&self) -> Option<JsValue> {
        self.0.state.borrow().loaded.clone()
    }

    /// Bring the module in, once; callers that come while it loads wait for the same one. A failure is forgotten, so
    /// that the next call tries again.
    ///
    /// # Errors
    /// Nothing that a person could read: what failed is in the console.
    pub async fn load(&self) -> Result<JsValue, JsValue> {
        if let Some(module) = self.loaded() {
            return Ok(module);
        }
        let loading = self.0.state.borrow().loading.clone();
        let promise = match loading {
            Some(promise) => promise,
            None => {
                let promise = self.start().ok_or(JsValue::UNDEFINED)?;
                self.0.state.borrow_mut().loading = Some(promise.clone());
                promise
            }
        };
        let outcome = JsFuture::from(promise).await;
        let ready = outcome.and_then(|_| Reflect::get(&js_sys::global(), &self.0.global.into()));
        let module = match ready.and_then(JsCast::dyn_into::<Promise>) {
            Ok(ready) => JsFuture::from(ready).await,
            Err(err) => Err(err),
        };
        let mut state = self.0.state.borrow_mut();
        state.loading = None;
        let module = module?;
        state.loaded = Some(module.clone());
        Ok(module)
    }

    /// Put the script element into the page; the promise settles when the script has run or failed.
    fn start(&self) -> Option<Promise> {
        let document = web_sys::window()?.document()?;
        let address = crate::link::meta(self.0.meta)?;
        let attempt = self.0.state.borrow().attempts;
        self.0.state.borrow_mut().attempts += 1;
        // Some browsers remember that a module failed to load; another query is another module to them.
        let address = if attempt == 0 { address } else { format!("{address}?attempt={attempt}") };
        let script = document.create_element("script").ok()?;
        script.set_attribute("type", "module").ok()?;
        script.set_attribute("src", &address).ok()?;
        let target = script.clone();
        let promise = Promise::new(&mut |resolve, reject| {
            let target: &HtmlElement = target.unchecked_ref();
            target.set_onload(Some(&resolve));
            target.set_onerror(Some(&reject));
        });
        document.head()?.append_child(&script).ok()?;
        Some(promise)
    }
}
