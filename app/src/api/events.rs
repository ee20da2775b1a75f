//! `alcove.onEvent`: what happens in the workspace, told to scripts.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use js_sys::{Function, Object};
use leptos::prelude::*;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::shape::{StatusShape, WorkspaceShape};
use super::{set, tell, to_js};
use crate::editor;
use crate::state::App;

thread_local! {
    static LISTENERS: RefCell<BTreeMap<u32, Function>> = const { RefCell::new(BTreeMap::new()) };
    static NEXT: Cell<u32> = const { Cell::new(0) };
}

/// One event as scripts see it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Event {
    /// Progress of a layer, memory, device, ….
    Status { status: Box<StatusShape> },
    /// Another workspace is open, or none.
    Workspace { workspace: Option<WorkspaceShape> },
    /// The text of an open file was edited, saved or reverted.
    #[serde(rename_all = "camelCase")]
    Document { path: String, dirty: bool },
    /// Files came, went or changed their names.
    #[serde(rename_all = "camelCase")]
    Files { num_files: usize },
}

fn send(event: &Event) {
    let listeners: Vec<Function> = LISTENERS.with_borrow(|listeners| listeners.values().cloned().collect());
    if listeners.is_empty() {
        return;
    }
    if let Ok(value) = to_js(event) {
        for listener in listeners {
            tell(&listener, &value);
        }
    }
}

/// Add `onEvent` and start to listen to the page's state.
pub(super) fn install(app: App, api: &Object) {
    let on_event = Closure::<dyn Fn(Function) -> JsValue>::new(|listener: Function| {
        let id = NEXT.get();
        NEXT.set(id + 1);
        LISTENERS.with_borrow_mut(|listeners| listeners.insert(id, listener));
        Closure::<dyn Fn()>::new(move || {
            LISTENERS.with_borrow_mut(|listeners| listeners.remove(&id));
        })
        .into_js_value()
    });
    set(api, "onEvent", &on_event.into_js_value());

    Effect::new(move |_| {
        app.status.track();
        // Reads more than the status; only the status is followed.
        send(&Event::Status { status: Box::new(untrack(|| StatusShape::new(app))) });
    });
    Effect::new(move |_| {
        let workspace = app.opened.with(|opened| opened.as_ref().map(WorkspaceShape::from));
        send(&Event::Workspace { workspace });
    });
    let num_files = Memo::new(move |_| app.files.with(|files| files.len()));
    Effect::new(move |_| send(&Event::Files { num_files: num_files.get() }));
    let watch = editor::watch_documents(|change| {
        send(&Event::Document { path: change.path.clone(), dirty: change.dirty });
    });
    // For as long as the page lives.
    std::mem::forget(watch);
}
