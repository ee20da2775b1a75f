//! The frame around an open workspace: title bar, activity bar, side bar, editor groups, status bar.

use leptos::prelude::*;
use protocol::Access;

use super::chat::chat_panel;
use super::command::{command, hint, shown_keys};
use super::explorer::Explorer;
use super::group::EditorGroup;
use super::icon::{Glyph, icon};
use super::menu::{Entry, Menu, Open};
use super::outline::OutlinePanel;
use super::part::part;
use super::search::SearchPanel;
use super::status::StatusBar;
use crate::state::{App, Side, app};

/// What shows while nothing can be shown: the same frame as in `index.html`, so that nothing jumps.
pub fn skeleton(sentence: &str) -> impl IntoView {
    let sentence = sentence.to_owned();
    view! {
        <main class="waiting">
            <span class="logo">{icon(Glyph::Alcove)}</span>
            <p role="status">{sentence}</p>
        </main>
    }
}

/// The workbench.
#[component]
pub fn Workbench() -> impl IntoView {
    let app = app();
    let num_groups = Memo::new(move |_| app.layout.with(|layout| layout.groups.len()));
    view! {
        <div class="workbench" class:side-hidden=move || !app.side_open.get()>
            <TitleBar />
            <Banner />
            <div class="main">
                <ActivityBar />
                <Show when=move || app.side_open.get()>
                    <SideBar />
                </Show>
                <main class="groups" aria-label="Editors">
                    <For each=move || 0..num_groups.get() key=|n| *n let:n>
                        <EditorGroup index=n />
                    </For>
                </main>
            </div>
            <StatusBar />
        </div>
    }
}

#[component]
fn TitleBar() -> impl IntoView {
    let app = app();
    let menu = RwSignal::new(None::<Open>);
    let show_menu = move |event: web_sys::MouseEvent| {
        let rect = event_target::<web_sys::Element>(&event).closest("button").ok().flatten();
        let rect = rect.map(|button| button.get_bounding_client_rect());
        let (x, y) = rect.map_or((8.0, 40.0), |rect| (rect.left(), rect.bottom() + 4.0));
        let entries = vec![
            Entry::command(Glyph::Folder, "open.folder"),
            Entry::command(Glyph::Files, "open.files"),
            Entry::command(Glyph::Archive, "open.zip"),
            Entry::command(Glyph::Sample, "open.sample"),
            Entry::command(Glyph::Alcove, "workspace.list"),
            Entry::command(Glyph::Pencil, "workspace.rename"),
            Entry::command(Glyph::Download, "workspace.export"),
            Entry::command(Glyph::Close, "workspace.close"),
        ];
        menu.set(Some(Open { x, y, entries }));
    };
    let name = move || app.opened.with(|opened| opened.as_ref().map(|o| o.name.clone()).unwrap_or_default());
    view! {
        <header class="title-bar">
            <h1 class="sr-only">"Alcove"</h1>
            <button
                type="button"
                class="workspace-button"
                aria-haspopup="menu"
                title="Workspace"
                on:click=show_menu
            >
                <span class="logo">{icon(Glyph::Alcove)}</span>
                <span class="workspace-name">{name}</span>
                {icon(Glyph::ChevronDown)}
            </button>
            <button type="button" class="command-center" on:click=move |_| run(app, "palette.files")>
                {icon(Glyph::Search)} <span>"Go to file, symbol or command"</span> <kbd>{shown_keys("palette.files")}</kbd>
            </button>
            <div class="title-tools">
                <Tool id="tab.split" glyph=Glyph::Split />
                <Tool id="app.settings" glyph=Glyph::Settings />
            </div>
            <Menu open=menu />
        </header>
    }
}

/// A button for a command.
#[component]
pub fn Tool(id: &'static str, glyph: Glyph) -> impl IntoView {
    let app = app();
    let label = command(id).map_or("", |command| command.title).trim_end_matches('…');
    view! {
        <button type="button" class="tool" title=hint(id) aria-label=label on:click=move |_| run(app, id)>
            {icon(glyph)}
        </button>
    }
}

/// Run a command by its id if it can run.
pub fn run(app: App, id: &str) {
    if let Some(command) = command(id).filter(|command| command.can_run(app)) {
        (command.run)(app);
    }
}

#[component]
fn Banner() -> impl IntoView {
    let app = app();
    let text = move || match app.access.get() {
        Some(Access::Reader) => Some(
            "Read only: another tab of this browser writes to this workspace. This tab takes over when that one closes.",
        ),
        Some(Access::Memory) => Some(
            "This browser gives Alcove no storage here, perhaps because the window is private. Export what you want to \
             keep before you close this tab.",
        ),
        _ => None,
    };
    view! {
        <div class="banners" role="status">
            {move || text().map(|text| view! { <p class="banner">{icon(Glyph::Lock)} <span>{text}</span></p> })}
            {move || app.importing.get().map(|text| view! {
                <p class="banner banner-info"><span class="spinner" aria-hidden="true"></span> <span>{text}</span></p>
            })}
        </div>
    }
}

#[component]
fn ActivityBar() -> impl IntoView {
    let app = app();
    let item = move |side: Side, id: &'static str, glyph: Glyph, label: &'static str| {
        let on = move || app.side.get() == side && app.side_open.get();
        view! {
            <button
                type="button"
                class="activity"
                class:on=on
                aria-pressed=move || on().to_string()
                aria-label=label
                title=hint(id)
                on:click=move |_| {
                    if on() {
                        app.side_open.set(false);
                    } else {
                        app.side.set(side);
                        app.side_open.set(true);
                        match side {
                            Side::Search => app.focus_search(),
                            Side::Chat => app.chat.focus.update(|n| *n += 1),
                            _ => {}
                        }
                    }
                }
            >
                {icon(glyph)}
            </button>
        }
    };
    view! {
        <nav class="activity-bar" aria-label="Panels">
            {item(Side::Explorer, "side.explorer", Glyph::Files, "Files")}
            {item(Side::Search, "search.focus", Glyph::Search, "Search")}
            {item(Side::Outline, "side.outline", Glyph::Outline, "Outline")}
            {item(Side::Chat, "side.chat", Glyph::Chat, "Chat")}
            <span class="spacer"></span>
            <button
                type="button"
                class="activity"
                aria-label="Keyboard shortcuts"
                title=hint("app.keys")
                on:click=move |_| run(app, "app.keys")
            >
                {icon(Glyph::Keyboard)}
            </button>
        </nav>
    }
}

#[component]
fn SideBar() -> impl IntoView {
    let app = app();
    let dragging = RwSignal::new(false);
    let width = move || format!("width:{}px", app.side_width_px.get());
    let resize = move |x: f64| app.side_width_px.set((x - 44.0).clamp(180.0, 720.0));
    view! {
        <aside class="side-bar" style=width aria-label="Side bar">
            {move || match app.side.get() {
                Side::Explorer => view! { <Explorer /> }.into_any(),
                Side::Search => view! { <SearchPanel /> }.into_any(),
                Side::Outline => view! { <OutlinePanel /> }.into_any(),
                Side::Chat => part(move || chat_panel(Box::new(app)), |waiting| waiting),
            }}
        <div
            class="sash"
            class:dragging=dragging
            role="separator"
            aria-orientation="vertical"
            aria-label="Width of the side bar"
            aria-valuemin="180"
            aria-valuemax="720"
            aria-valuenow=move || app.side_width_px.get().round().to_string()
            tabindex="0"
            on:pointerdown=move |event| {
                dragging.set(true);
                let _gone = event_target::<web_sys::Element>(&event).set_pointer_capture(event.pointer_id());
            }
            on:pointermove=move |event| if dragging.get_untracked() { resize(f64::from(event.client_x())) }
            on:pointerup=move |_| dragging.set(false)
            on:keydown=move |event| {
                let step = match event.key().as_str() {
                    "ArrowLeft" => -16.0,
                    "ArrowRight" => 16.0,
                    _ => return,
                };
                event.prevent_default();
                app.side_width_px.update(|width| *width = (*width + step).clamp(180.0, 720.0));
            }
        ></div>
        </aside>
    }
}
