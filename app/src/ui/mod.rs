//! What a person sees. Views read the signals of [`App`](crate::state::App) and call its methods; they hold no state
//! of the product themselves.

mod chat;
mod command;
mod dialog;
mod drop;
mod explorer;
mod format;
mod group;
mod icon;
mod menu;
mod modal;
mod models;
mod outline;
mod palette;
mod part;
mod results;
mod search;
mod settings;
mod start;
mod status;
mod toasts;
mod window;
mod workbench;

use leptos::prelude::*;
use leptos::reactive::computed::ScopedFuture;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::Closure;

use crate::state::keys::Press;
use crate::state::{App, Phase};

pub use format::bytes;

/// The page.
#[component]
pub fn Page() -> impl IntoView {
    let app = App::start();
    provide_context(app);
    fetch_parts(app);
    listen_to_keys(app);
    let phase = Memo::new(move |_| app.phase.get());
    Effect::new(move |_| {
        let name = app.opened.with(|opened| opened.as_ref().map(|opened| opened.name.clone()));
        let file =
            app.layout.with(|layout| layout.active().map(|p| crate::state::tree::file_name(p).to_owned()));
        let parts: Vec<String> = file.into_iter().chain(name).chain(["Alcove".to_owned()]).collect();
        document().set_title(&parts.join(" – "));
    });
    view! {
        {move || match phase.get() {
            Phase::Starting => workbench::skeleton("Looking for your workspaces…").into_any(),
            Phase::Opening(name) => workbench::skeleton(&format!("Opening {name}…")).into_any(),
            Phase::Start => view! { <start::Start /> }.into_any(),
            Phase::Open => view! { <workbench::Workbench /> }.into_any(),
        }}
        <dialog::Dialogs />
        <toasts::ToastList />
        <drop::DropZone />
    }
}

/// Fetch what the page can begin without, now that it is on show: the dialogs first, which a key press may ask for.
fn fetch_parts(app: App) {
    // Under the page's owner, which what scripts listen to lives and dies with.
    let fetching = ScopedFuture::new_untracked(async move {
        // Both failures are in the console. A dialog says so itself and tries again; scripts find no `window.alcove`.
        let _told = dialog::fetch_dialogs().await;
        let _told = crate::api::install(Box::new(app)).await;
    });
    request_animation_frame(move || leptos::task::spawn_local(fetching));
}

/// One listener for every key of the page, before anything else sees it.
fn listen_to_keys(app: App) {
    let listener = Closure::<dyn FnMut(web_sys::KeyboardEvent)>::new(move |event: web_sys::KeyboardEvent| {
        if event.is_composing() || event.default_prevented() {
            return;
        }
        let (key, code) = (event.key(), event.code());
        let press = Press {
            ctrl: event.ctrl_key(),
            meta: event.meta_key(),
            shift: event.shift_key(),
            alt: event.alt_key(),
            key: &key,
            code: &code,
        };
        if command::handle_key(app, &press) {
            event.prevent_default();
            event.stop_propagation();
        }
    });
    let _always = leptos::prelude::window().add_event_listener_with_callback_and_bool(
        "keydown",
        listener.as_ref().unchecked_ref(),
        true,
    );
    listener.forget();
}
