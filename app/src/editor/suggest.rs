//! Completions at the caret: the editor asks here, and whoever registered answers.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use js_sys::{Array, Promise};
use protocol::{Pos, Suggestion};
use wasm_bindgen::prelude::*;

use super::document::documents;
use super::monaco::Module;
use crate::state::abort;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The edited file.
    pub path: String,
    /// Its language.
    pub language: String,
    /// Its text as it stands, with LF line endings.
    pub text: String,
    /// The caret.
    pub pos: Pos,
    /// How many different texts are wanted.
    pub alternatives: u32,
}

type Answer = Pin<Box<dyn Future<Output = Vec<Suggestion>>>>;
type Answers = Rc<dyn Fn(Asked) -> Answer>;

thread_local! {
    static ANSWERS: RefCell<Option<Answers>> = const { RefCell::new(None) };
    /// The question that is open; a newer one ends it.
    static OPEN: RefCell<Option<abort::Task>> = const { RefCell::new(None) };
}

/// Answer what editors ask from now on. Dropping the answer half-way means that nobody waits for it any more.
pub fn answer_suggestions<F: Future<Output = Vec<Suggestion>> + 'static>(
    answer: impl Fn(Asked) -> F + 'static,
) {
    ANSWERS.set(Some(Rc::new(move |asked| Box::pin(answer(asked)))));
}

/// Let the editor module ask here.
pub(super) fn connect(module: &Module) {
    let on_ask = Closure::<dyn Fn(JsValue, u32, u32, u32) -> Promise>::new(ask);
    let on_cancel = Closure::<dyn Fn()>::new(|| drop(OPEN.take()));
    module.answer_with(&on_ask, &on_cancel);
    // The module lives as long as the page.
    on_ask.forget();
    on_cancel.forget();
}

fn ask(model: JsValue, line: u32, utf16: u32, alternatives: u32) -> Promise {
    let answers = ANSWERS.with_borrow(Clone::clone);
    let document = documents().into_iter().find(|document| document.has_model(&model));
    let (Some(answers), Some(document)) = (answers, document) else {
        return Promise::resolve(&JsValue::from(Array::new()));
    };
    let mut answer = Some(answers(Asked {
        path: document.path(),
        language: document.language(),
        text: document.text(),
        pos: Pos { line, utf16 },
        alternatives,
    }));
    Promise::new(&mut |resolve, _| {
        let Some(answer) = answer.take() else { return };
        // The editor does not wait for the promise of a question that it ended.
        let task = abort::spawn(async move {
            let pair =
                |suggestion: Suggestion| Array::of2(&suggestion.text.into(), &suggestion.replaces.into());
            let pairs: Array = answer.await.into_iter().map(pair).collect();
            let _always = resolve.call1(&JsValue::UNDEFINED, &pairs);
        });
        OPEN.set(Some(task));
    })
}
