//! The models: what the catalogue offers and what is kept, each with its state and what can be done about it.

use gloo_timers::callback::Interval;
use leptos::prelude::*;
use protocol::{Fault, ModelFile};

use super::dialog::Head;
use super::format::{bytes, count};
use super::icon::{Glyph, icon};
use super::modal::Modal;
use crate::platform::{Ask, pick_files};
use crate::state::dialog::{Dialog, Prompt};
use crate::state::fit::{Fit, device_gib, fit, length, need, pace};
use crate::state::{App, CatalogueEntry, app};

/// How often other tabs' doings are looked at while the dialog is open.
const REFRESH_MS: u32 = 2000;

/// The dialog.
#[component]
pub fn ModelsDialog() -> impl IntoView {
    let app = app();
    let shelf = app.shelf;
    app.act(async move {
        shelf.refresh().await?;
        app.known_models().await.map(|_| ())
    });
    let again = StoredValue::new_local(Some(Interval::new(REFRESH_MS, move || {
        leptos::task::spawn_local(async move {
            // Told when the dialog was opened.
            let _told = shelf.refresh().await;
        });
    })));
    on_cleanup(move || again.dispose());
    // A row for each id: of the catalogue, in its order, then of what is kept besides, then of what is being copied.
    let ids = Memo::new(move |_| {
        let mut ids: Vec<String> =
            app.catalogue.with(|all| all.iter().map(|entry| entry.id.clone()).collect());
        let kept = shelf.files.with(|files| files.iter().map(|file| file.id.clone()).collect::<Vec<_>>());
        let going = shelf.progress.with(|all| all.keys().cloned().collect::<Vec<_>>());
        for id in kept.into_iter().chain(going) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    });
    let storage = move || {
        let kept = shelf.files.with(|files| files.iter().map(|file| file.done_bytes).sum::<u64>());
        let quota = app.status.with(|status| status.quota);
        let allowed = quota
            .map(|(used, allowed)| {
                format!(" Alcove uses {} of the {} that this browser allows.", bytes(used), bytes(allowed))
            })
            .unwrap_or_default();
        format!("Models take {} on this device.{allowed}", bytes(kept))
    };
    view! {
        <Modal label="Models" class="modal-medium">
            <Head title="Models" />
            <p class="muted">
                "Language models run on this device; nothing is sent anywhere. A model that you download is kept \
                 until you delete it."
            </p>
            <ul class="kept">
                <For each=move || ids.get() key=|id| id.clone() let:id>
                    <Row id />
                </For>
            </ul>
            <p class="muted" role="status">{storage}</p>
            <div class="modal-actions">
                <button type="button" class="push-button" on:click=move |_| ask_address(app)>"From an address…"</button>
                <button type="button" class="push-button" on:click=move |_| pick(app) title="Or drop a .gguf file here">
                    "Use a file…"
                </button>
            </div>
        </Modal>
    }
}

#[component]
fn Row(id: String) -> impl IntoView {
    let app = app();
    let shelf = app.shelf;
    let id = StoredValue::new(id);
    let with_id = move || id.get_value();
    let offered = Memo::new(move |_| {
        app.catalogue.with(|all| all.iter().find(|entry| id.with_value(|id| entry.id == *id)).cloned())
    });
    let file = Memo::new(move |_| id.with_value(|id| shelf.file(id)));
    let progress = Memo::new(move |_| shelf.progress.with(|all| id.with_value(|id| all.get(id).cloned())));
    let failed = move || shelf.failed.with(|all| id.with_value(|id| all.get(id).cloned()));
    let in_use = Memo::new(move |_| id.with_value(|id| app.model_in_use().as_ref() == Some(id)));
    let asking = RwSignal::new(false);
    let name = Memo::new(move |_| {
        let offered = offered.get().map(|offered| offered.name).filter(|name| !name.is_empty());
        offered.or_else(|| file.get().map(|file| file.name)).unwrap_or_else(with_id)
    });
    let fits = move || need(offered.get().as_ref(), file.get().as_ref()).map(|need| fit(need, device_gib()));
    let speed = move || {
        let known = app.settings.with(|settings| settings.weights_per_s);
        let length = length(offered.get().as_ref(), file.get().as_ref()).filter(|_| !in_use.get())?;
        pace(length, known)
    };
    let state = move || {
        match (progress.get(), file.get()) {
        (Some(progress), _) => {
            let total = if progress.total_bytes > 0 {
                format!(" of {}", bytes(progress.total_bytes))
            } else {
                String::new()
            };
            format!("{}: {}{total}", progress.stage, bytes(progress.done_bytes))
        }
        (None, Some(ModelFile { is_whole: true, .. })) if in_use.get() => "In use".into(),
        (None, Some(ModelFile { is_whole: true, .. })) => "Ready".into(),
        (None, Some(ModelFile { is_busy: true, .. })) => "On its way in another tab".into(),
        (None, Some(file)) => format!("Paused at {} of {}", bytes(file.done_bytes), bytes(file.bytes)),
        (None, None) if in_use.get() => "In use".into(),
        (None, None) if offered.get().is_some_and(|offered| offered.is_here()) => {
            "Comes with Alcove: its server is asked for it at each visit. A copy on this device needs no server.".into()
        }
        (None, None) => String::new(),
    }
    };
    let share = move || {
        let (done, total) = match (progress.get(), file.get()) {
            (Some(progress), _) => (progress.done_bytes, progress.total_bytes),
            (None, Some(file)) if !file.is_whole => (file.done_bytes, file.bytes),
            _ => return None,
        };
        (total > 0).then(|| (done.min(total) * 100 / total).to_string())
    };
    let button = move |text: &'static str, run: fn(App, String)| {
        view! {
            <button
                type="button"
                class="push-button"
                aria-label=move || format!("{text} {}", name.get())
                on:click=move |_| run(app, with_id())
            >
                {text}
            </button>
        }
        .into_any()
    };
    let actions = move || {
        let kept = file.get();
        let busy = kept.as_ref().is_some_and(|file| file.is_busy);
        let mut buttons = Vec::new();
        let is_there = kept.as_ref().is_some_and(|file| file.is_whole)
            || offered.get().is_some_and(|offered| offered.is_here());
        let too_large = matches!(fits(), Some(Fit::TooLarge(_)));
        if is_there && progress.get().is_none() && !in_use.get() && !too_large {
            buttons.push(button("Load", load));
        }
        match (&progress.get(), &kept) {
            (Some(progress), _) if progress.stage == "Copying" => buttons.push(button("Cancel", pause)),
            (Some(_), _) => buttons.push(button("Pause", pause)),
            (None, Some(file)) if file.is_whole || busy => {}
            (None, Some(_)) => buttons.push(button("Resume", download)),
            // It can be loaded as it is; a copy of one's own needs no server.
            (None, None) if is_there => buttons.push(button("Keep a copy", download)),
            (None, None) => buttons.push(button("Download", download)),
        }
        if asking.get() && kept.is_some() {
            buttons.push(button("Delete for good", delete));
            buttons.push(
                view! { <button type="button" class="push-button" on:click=move |_| asking.set(false)>"Keep"</button> }
                    .into_any(),
            );
        } else if kept.is_some() && !busy && progress.get().is_none() {
            buttons.push(
                view! {
                    <button
                        type="button"
                        class="tool"
                        title="Delete"
                        aria-label=move || format!("Delete {}", name.get())
                        on:click=move |_| asking.set(true)
                    >
                        {icon(Glyph::Trash)}
                    </button>
                }
                .into_any(),
            );
        }
        buttons
    };
    view! {
        <li class="kept-row">
            <div class="kept-open">
                <span class="kept-name">
                    {name} <Show when=move || in_use.get()><span class="badge">"in use"</span></Show>
                </span>
                <p class="muted">{move || details(offered.get().as_ref(), file.get().as_ref())}</p>
                <p class="muted">{move || offered.get().map(|offered| offered.good_for)}</p>
                {move || speed().map(|speed| view! { <p class="muted">{speed}</p> })}
                {move || match fits() {
                    Some(Fit::Tight(why) | Fit::TooLarge(why)) => Some(view! { <p class="muted">{why}</p> }),
                    _ => None,
                }}
                <p role="status">{state}</p>
                {move || share().map(|share| view! {
                    <span
                        class="meter model-meter"
                        role="progressbar"
                        aria-label="Download"
                        aria-valuemin="0"
                        aria-valuemax="100"
                        aria-valuenow=share.clone()
                    >
                        <span style=format!("width:{share}%")></span>
                    </span>
                })}
                <p class="error" role="alert">{failed}</p>
            </div>
            {actions}
        </li>
    }
}

fn details(offered: Option<&CatalogueEntry>, file: Option<&ModelFile>) -> String {
    let mut parts = Vec::new();
    parts.extend(length(offered, file).map(bytes));
    if let Some(need) = need(offered, file) {
        parts.push(format!("about {} of memory", bytes(need)));
    }
    if let Some(offered) = offered {
        parts.push(format!("{} tokens", count(u64::from(offered.context))));
        parts.push(offered.licence.clone());
    }
    parts.join(" · ")
}

fn download(app: App, id: String) {
    leptos::task::spawn_local(async move {
        // The row says why it failed.
        let _told = app.shelf.download(&id).await;
    });
}

fn pause(app: App, id: String) {
    leptos::task::spawn_local(async move { app.shelf.pause(&id).await });
}

fn delete(app: App, id: String) {
    app.act(async move { app.shelf.delete(&id).await });
}

fn load(app: App, id: String) {
    app.act(async move { app.load_model(&id, None).await.map(|_| ()) });
}

fn ask_address(app: App) {
    let run = move |address: String| {
        app.dialog.set(Some(Dialog::Models));
        app.act(async move { app.shelf.download_address(&address).await });
    };
    app.dialog.set(Some(Dialog::Prompt(Prompt {
        title: "Download a model".into(),
        label: "Address of a GGUF file on this server, or on a host that this server allows".into(),
        value: "/models/".into(),
        selected_utf16: (8, 8),
        action: "Download".into(),
        run: std::sync::Arc::new(run),
    })));
}

fn pick(app: App) {
    leptos::task::spawn_local(async move {
        if let Some(picked) = pick_files(Ask::One(".gguf")).await
            && let Some(file) = picked.only_file().await
        {
            app.import_model(file);
        }
    });
}

impl App {
    /// Take a file of the person's in as a model, in the background.
    pub fn import_model(self, file: web_sys::File) {
        self.shelf.import_here(file, move |outcome: Result<ModelFile, Fault>| {
            if let Err(fault) = outcome {
                self.toasts.fault(&fault);
            }
        });
    }

    /// Files were dropped while the models are shown: they are models. False when something else is shown.
    pub fn take_dropped_models(self, transfer: &web_sys::DataTransfer) -> bool {
        let shown = self.dialog.with_untracked(|dialog| matches!(dialog, Some(Dialog::Models)));
        if let Some(files) = transfer.files().filter(|_| shown) {
            (0..files.length()).filter_map(|at| files.get(at)).for_each(|file| self.import_model(file));
        }
        shown
    }
}
