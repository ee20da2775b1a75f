//! The start screen: what Alcove is, the ways to open something, and what is kept on this device.

use leptos::prelude::*;
use protocol::WorkspaceInfo;

use super::command::ask_workspace_name;
use super::format::{ago, bytes, several};
use super::icon::{Glyph, icon};
use crate::state::{App, app};

/// The start screen.
#[component]
pub fn Start() -> impl IntoView {
    let app = app();
    view! {
        <main class="start">
            <div class="start-column">
                <header class="start-head">
                    <span class="logo">{icon(Glyph::Alcove)}</span>
                    <h1>"Alcove"</h1>
                </header>
                <p class="start-lead">
                    "Open a project and find code by words, by symbols and by meaning. Everything happens in this tab, on \
                    this device: nothing is uploaded, and there is no account."
                </p>
                <section class="drop-card start-drop" aria-label="Open a project">
                    {icon(Glyph::FolderOpen)} <strong>"Drop a folder, files or a zip archive here"</strong>
                    <OpenButtons />
                    <Progress />
                </section>
                <section aria-labelledby="kept-title">
                    <h2 id="kept-title" class="start-title">"Kept on this device"</h2>
                    <Kept />
                </section>
                <footer class="start-foot">
                    <button type="button" class="link" on:click=move |_| app.import_workspace()>
                        "Import a workspace from a file"
                    </button>
                    <button
                        type="button"
                        class="link"
                        on:click=move |_| app.dialog.set(Some(crate::state::dialog::Dialog::Settings))
                    >
                        "Settings"
                    </button>
                    <button
                        type="button"
                        class="link"
                        on:click=move |_| app.dialog.set(Some(crate::state::dialog::Dialog::Keys))
                    >
                        "Keyboard shortcuts"
                    </button>
                </footer>
            </div>
        </main>
    }
}

/// The ways to open something.
#[component]
pub fn OpenButtons() -> impl IntoView {
    let app = app();
    let run = move |open: fn(App)| {
        move |_| {
            app.dialog.set(None);
            open(app);
        }
    };
    let note = if crate::state::can_pick_folder() {
        None
    } else {
        Some(
            "This browser cannot write back to a folder on your disk; changes stay in the workspace, from where you can export them.",
        )
    };
    view! {
        <div class="open-buttons">
            <button type="button" class="push-button primary" on:click=run(App::open_folder)>
                {icon(Glyph::Folder)} "Open folder"
            </button>
            <button type="button" class="push-button" on:click=run(App::open_files)>{icon(Glyph::Files)} "Open files"</button>
            <button type="button" class="push-button" on:click=run(App::open_zip)>{icon(Glyph::Archive)} "Open zip"</button>
            <button type="button" class="push-button" on:click=run(App::open_sample)>
                {icon(Glyph::Sample)} "Open sample"
            </button>
        </div>
        {note.map(|note| view! { <p class="muted">{note}</p> })}
    }
}

/// The sentence about a running import.
#[component]
pub fn Progress() -> impl IntoView {
    let app = app();
    view! {
        <div class="import-progress" role="status">
            {move || {
                app.importing.get().map(|sentence| view! {
                    <span class="spinner" aria-hidden="true"></span>
                    <span>{sentence}</span>
                })
            }}
        </div>
    }
}

/// The kept workspaces with what can be done with each.
#[component]
pub fn Kept() -> impl IntoView {
    let app = app();
    let list = move || {
        app.kept.get().map(|kept| {
            if kept.is_empty() {
                view! { <p class="muted">"Nothing yet. What you open is kept here until you delete it."</p> }
                    .into_any()
            } else {
                let rows = kept.into_iter().map(|info| view! { <KeptRow info /> }).collect_view();
                view! { <ul class="kept">{rows}</ul> }.into_any()
            }
        })
    };
    view! { {list} }
}

#[component]
fn KeptRow(info: WorkspaceInfo) -> impl IntoView {
    let app = app();
    let info = StoredValue::new(info);
    let (name, details, is_open) = info.with_value(|info| {
        let when = ago(info.opened_unix_ms as f64, js_sys::Date::now());
        let details =
            format!("{} · {} · {when}", several(u64::from(info.num_files), "file"), bytes(info.stored_bytes));
        let id = info.id;
        let is_open = Memo::new(move |_| app.opened.with(|o| o.as_ref().is_some_and(|o| o.id == id)));
        (info.name.clone(), details, is_open)
    });
    let act = move |run: fn(App, &WorkspaceInfo)| move |_| info.with_value(|info| run(app, info));
    let label = |what: &str| format!("{what} {name}");
    let (rename, export, delete) = (label("Rename"), label("Export"), label("Delete"));
    view! {
        <li class="kept-row">
            <button
                type="button"
                class="kept-open"
                on:click=act(|app, info| {
                    app.dialog.set(None);
                    app.open_workspace(info);
                })
            >
                <span class="kept-name">
                    {name} <Show when=move || is_open.get()><span class="badge">"open"</span></Show>
                </span>
                <span class="muted">{details}</span>
            </button>
            <button type="button" class="tool" title=rename.clone() aria-label=rename on:click=act(ask_workspace_name)>
                {icon(Glyph::Pencil)}
            </button>
            <button
                type="button"
                class="tool"
                title=export.clone()
                aria-label=export
                on:click=act(|app, info| app.export_kept(info))
            >
                {icon(Glyph::Download)}
            </button>
            <button
                type="button"
                class="tool"
                title=delete.clone()
                aria-label=delete
                on:click=act(|app, info| app.ask_delete_workspace(info))
            >
                {icon(Glyph::Trash)}
            </button>
        </li>
    }
}
