//! The chat panel's place in the side bar. The panel itself is a module of its own (`app/js/chat`); this brings it in
//! and answers what it asks for.

use std::cell::RefCell;

use js_sys::Promise;
use leptos::html::Div;
use leptos::prelude::*;
use protocol::{Fault, FaultCode};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{future_to_promise, spawn_local};
use wasm_split_helpers::wasm_split;
use web_sys::HtmlElement;

use super::part::Part;
use super::workbench::run;
use crate::link::GeneratorState;
use crate::platform::Script;
use crate::state::dialog::Dialog;
use crate::state::{App, Place};

#[wasm_bindgen]
extern "C" {
    type Module;

    /// Make the panel; once.
    #[wasm_bindgen(method)]
    fn create(this: &Module, ask: &JsValue) -> Panel;

    #[derive(Clone)]
    type Panel;

    /// Show the panel inside an element, for a workspace with what was kept for it.
    #[wasm_bindgen(method)]
    fn show(this: &Panel, host: &HtmlElement, workspace: f64, kept: &str);

    /// Something happened: to a turn, or to the panel.
    #[wasm_bindgen(method)]
    fn tell(this: &Panel, turn: &str, kind: &str, value: &str);
}

thread_local! {
    static SCRIPT: Script = Script::new("alcove-chat", "alcoveChat");
    static PANEL: RefCell<Option<Panel>> = const { RefCell::new(None) };
}

fn tell(turn: &str, kind: &str, value: &str) {
    if let Some(panel) = PANEL.with_borrow(Clone::clone) {
        panel.tell(turn, kind, value);
    }
}

/// The Chat panel.
#[wasm_split(chat, fallible)]
pub fn chat_panel(app: Box<App>) -> Part {
    let app = *app;
    let host = NodeRef::<Div>::new();
    let failed = RwSignal::new(false);
    let is_there = RwSignal::new(false);
    let start = move || {
        failed.set(false);
        spawn_local(async move {
            let module = SCRIPT.with(Clone::clone).load().await;
            // The panel may have been left by now.
            let Some(Some(host)) = host.try_get_untracked() else { return };
            let Ok(module) = module else { return failed.set(true) };
            let made = PANEL.with_borrow(Clone::clone);
            let panel = made.unwrap_or_else(|| module.unchecked_into::<Module>().create(&answers(app)));
            PANEL.set(Some(panel.clone()));
            let workspace = app.open_id().map_or(0.0, |id| id.0 as f64);
            panel.show(&host, workspace, &app.chat.kept.get_untracked());
            is_there.set(true);
        });
    };
    Effect::new(move |_| {
        if host.get().is_some() {
            start();
        }
    });
    Effect::new(move |_| {
        match (is_there.get(), app.language_state()) {
            // Which of the two it will be is not known yet.
            (false, _) | (_, GeneratorState::Loading(_)) => {}
            (true, GeneratorState::Ready(info)) => tell("", "model", &info.model),
            (true, GeneratorState::Off | GeneratorState::Failed(_)) => tell("", "model", ""),
        }
    });
    Effect::new(move |_| {
        if app.chat.focus.get() > 0 && is_there.get() {
            tell("", "focus", "");
        }
    });
    let shown = view! {
        <div node_ref=host class="chat-host">
            {move || (!is_there.get()).then(|| view! {
                <div class="panel-empty" role="status">
                    {if failed.get() {
                        view! {
                            <p>"The panel could not be loaded. Check that the address of this page can still be reached."</p>
                            <button type="button" class="push-button" on:click=move |_| start()>"Try again"</button>
                        }.into_any()
                    } else {
                        view! { <p>"Loading…"</p> }.into_any()
                    }}
                </div>
            })}
        </div>
    };
    Ok(shown.into_any())
}

/// What the panel may ask for: a function of a kind and its arguments that gives a promise of a text.
fn answers(app: App) -> JsValue {
    let function =
        Closure::<dyn Fn(String, Vec<String>) -> Promise>::new(move |kind: String, args: Vec<String>| {
            future_to_promise(async move {
                answer(app, &kind, args).await.map(JsValue::from).map_err(|fault| crate::api::error(&fault))
            })
        });
    function.into_js_value()
}

async fn answer(app: App, kind: &str, args: Vec<String>) -> Result<String, Fault> {
    if kind == "ask" {
        let turn = args.first().cloned().unwrap_or_default();
        return app.ask(&args, move |kind, value| tell(&turn, kind, value)).await;
    }
    let mut args = args.into_iter();
    let mut next = || args.next().unwrap_or_default();
    let (first, second, third) = (next(), next(), next());
    match kind {
        "threads" => return app.threads().await,
        "thread" => return app.thread(first).await,
        "stop" => app.stop_answer(&first),
        "rename" => app.rename_thread(first, second, || tell("", "threads", "")),
        "delete" => {
            let id = first.clone();
            app.delete_thread(first, &second, move || tell("", "deleted", &id));
        }
        "mentions" => return app.mentionable(first).await,
        "path" => return Ok(app.active_selection()[0].clone()),
        "selection" => return Ok(app.active_selection()[1].clone()),
        "open" => {
            app.show_line(&first, second.parse().unwrap_or(0), Place::Here);
            app.focus_editor();
        }
        "run" => run(app, &first),
        "insert" => app.insert_code(&first),
        "text" => return app.text_in_editor(&first).await,
        "definitions" => return app.definitions(first).await,
        "apply" => app.dialog.set(Some(Dialog::Proposal(first, second, third))),
        "save" => app.save_text(&first, &second),
        "keep" => {
            let open = untrack(|| app.open_id()).map(|id| id.0 as f64);
            if second.parse().ok() == open {
                app.chat.kept.set(first);
            }
        }
        "editor" => app.focus_editor(),
        _ => return Err(Fault::new(FaultCode::Invalid, kind)),
    }
    Ok(String::new())
}
