//! An editor group: its tabs, the path of the file, and the pane that shows it.

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use super::command::{hint, shown_keys};
use super::explorer::colour_of;
use super::format::bytes;
use super::icon::{Glyph, icon};
use super::menu::{Entry, Menu, Open};
use super::workbench::run;
use crate::editor::{Cursor, EditorView};
use crate::state::tree::{file_name, folder_of};
use crate::state::{App, DocState, Place, Side, app};

/// One of the groups side by side.
#[component]
pub fn EditorGroup(
    /// Which one.
    index: usize,
) -> impl IntoView {
    let app = app();
    let active = Memo::new(move |_| app.layout.with(|l| l.groups.get(index).and_then(|g| g.active.clone())));
    let focused =
        Memo::new(move |_| app.layout.with(|layout| layout.focused == index && layout.groups.len() > 1));
    let doc = Memo::new(move |_| {
        let path = active.get()?;
        app.docs.with(|docs| docs.get(&path).cloned())
    });
    let ready = Memo::new(move |_| if doc.get() == Some(DocState::Ready) { active.get() } else { None });
    let take_focus = move || {
        if app.layout.with_untracked(|layout| layout.focused != index && index < layout.groups.len()) {
            app.layout.update(|layout| layout.focused = index);
        }
    };
    let on_cursor = UnsyncCallback::new(move |cursor: Cursor| app.cursor_moved(cursor));
    let on_focus = UnsyncCallback::new(move |()| take_focus());
    let pane = app.panes[index];
    view! {
        <section
            class="group"
            class:focused=focused
            aria-label=format!("Editor {}", index + 1)
            on:mousedown=move |_| take_focus()
        >
            <Tabs index active />
            <Show when=move || active.get().is_some()>
                <Breadcrumbs path=active />
            </Show>
            <div class="pane">
                {move || match doc.get() {
                    None if active.get().is_none() => view! { <Welcome /> }.into_any(),
                    None | Some(DocState::Loading) => {
                        view! { <div class="pane-message" role="status"><span class="spinner"></span> "Reading the file…"</div> }
                            .into_any()
                    }
                    Some(DocState::Binary(size)) => {
                        let sentence = format!("This file is not text ({}), so it is neither shown nor searched.", bytes(size));
                        view! { <div class="pane-message">{icon(Glyph::Info)} <p>{sentence}</p></div> }.into_any()
                    }
                    Some(DocState::Failed(sentence)) => {
                        view! {
                            <div class="pane-message">
                                {icon(Glyph::Warning)} <p>{sentence}</p>
                                <button
                                    type="button"
                                    class="push-button"
                                    on:click=move |_| {
                                        if let Some(path) = active.get_untracked() {
                                            app.load(&path);
                                        }
                                    }
                                >
                                    "Try again"
                                </button>
                            </div>
                        }
                            .into_any()
                    }
                    Some(DocState::Ready) => ().into_any(),
                }}
                <div class="pane-editor" class:hidden=move || ready.get().is_none()>
                    <EditorView pane path=ready on_cursor on_focus />
                </div>
            </div>
        </section>
    }
}

#[component]
fn Tabs(index: usize, active: Memo<Option<String>>) -> impl IntoView {
    let app = app();
    let strip = NodeRef::<Div>::new();
    let menu = RwSignal::new(None::<Open>);
    let tabs = move || app.layout.with(|l| l.groups.get(index).map(|g| g.tabs.clone()).unwrap_or_default());
    // The active tab is brought into view when there are more than fit.
    Effect::new(move |_| {
        active.track();
        // What makes the strip narrower.
        app.layout.with(|layout| layout.groups.len());
        app.side_open.track();
        app.side_width_px.track();
        let Some(strip) = strip.get() else { return };
        leptos::prelude::request_animation_frame(move || {
            let Some(tab) = strip.query_selector(".tab.selected").ok().flatten() else { return };
            let (strip_rect, rect) = (strip.get_bounding_client_rect(), tab.get_bounding_client_rect());
            let too_far = rect.right() - strip_rect.right();
            if rect.left() < strip_rect.left() {
                strip.set_scroll_left(strip.scroll_left() - (strip_rect.left() - rect.left()) as i32);
            } else if too_far > 0.0 {
                strip.set_scroll_left(strip.scroll_left() + too_far.ceil() as i32);
            }
        });
    });
    let on_key = move |event: web_sys::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowRight" => 1,
            "ArrowLeft" => -1,
            _ => return,
        };
        event.prevent_default();
        let next = app.layout.with_untracked(|layout| layout.neighbour(step));
        if let Some(path) = next {
            app.show(&path, None, Place::Here);
            app.ask_for_keyboard();
            if let Some(strip) = strip.get_untracked() {
                leptos::prelude::request_animation_frame(move || {
                    let tab = strip.query_selector("[aria-selected=true]").ok().flatten();
                    if let Some(tab) = tab.and_then(|tab| tab.dyn_into::<web_sys::HtmlElement>().ok()) {
                        let _gone = tab.focus();
                    }
                });
            }
        }
    };
    view! {
        <div class="tab-bar" class:hidden=move || active.get().is_none()>
            <div
                node_ref=strip
                class="tabs"
                role="tablist"
                aria-label="Open files"
                on:keydown=on_key
                on:wheel=move |event| {
                    if let Some(strip) = strip.get_untracked() {
                        strip.set_scroll_left(strip.scroll_left() + event.delta_y() as i32);
                    }
                }
            >
                <For each=tabs key=Clone::clone let:path>
                    <Tab index path active menu />
                </For>
            </div>
            <button
                type="button"
                class="tool"
                aria-label="All open files"
                title="All open files"
                aria-haspopup="menu"
                on:click=move |event| {
                    let entries = app
                        .layout
                        .with_untracked(|l| l.groups.get(index).map(|g| g.tabs.clone()).unwrap_or_default())
                        .into_iter()
                        .map(|path| {
                            let label = path.clone();
                            Entry::new(Glyph::File, &label, move || {
                                app.layout.update(|layout| layout.open(index, &path, false));
                                app.load(&path);
                            })
                        })
                        .collect();
                    menu.set(Some(Open { x: f64::from(event.client_x()), y: f64::from(event.client_y()) + 12.0, entries }));
                }
            >
                {icon(Glyph::ChevronDown)}
            </button>
            <Menu open=menu />
        </div>
    }
}

#[component]
fn Tab(
    index: usize,
    path: String,
    active: Memo<Option<String>>,
    menu: RwSignal<Option<Open>>,
) -> impl IntoView {
    let app = app();
    let name = file_name(&path).to_owned();
    let path = StoredValue::new(path);
    let is = move |other: &Option<String>| path.with_value(|path| other.as_ref() == Some(path));
    let selected = Memo::new(move |_| active.with(is));
    let dirty = Memo::new(move |_| path.with_value(|path| app.is_unsaved(path)));
    let preview =
        Memo::new(move |_| app.layout.with(|l| l.groups.get(index).is_some_and(|g| is(&g.preview))));
    // Two tabs of the same name say which folder they are from.
    let folder = Memo::new(move |_| {
        let same = app.layout.with(|l| {
            l.groups.get(index).map_or(0, |group| {
                path.with_value(|path| group.tabs.iter().filter(|p| file_name(p) == file_name(path)).count())
            })
        });
        if same > 1 { path.with_value(|path| folder_of(path).to_owned()) } else { String::new() }
    });
    let show = move |place: Place| {
        app.layout.update(|layout| layout.focused = index.min(layout.groups.len() - 1));
        path.with_value(|path| app.show(path, None, place));
    };
    let close = move || path.with_value(|path| app.close_tab(index, path));
    let tint = colour_of(&name);
    view! {
        <div
            role="presentation"
            class="tab"
            class:selected=selected
            class:preview=preview
            class:dirty=dirty
            on:auxclick=move |event| if event.button() == 1 { event.prevent_default(); close() }
            on:mousedown=move |event| if event.button() == 1 { event.prevent_default() }
            on:contextmenu=move |event| {
                event.prevent_default();
                let beside = path.get_value();
                let copied = path.get_value();
                let entries = vec![
                    Entry::new(Glyph::Close, "Close", close),
                    Entry::command(Glyph::Close, "tab.close-others"),
                    Entry::new(Glyph::Beside, "Open beside", move || app.show(&beside, None, Place::Beside)),
                    Entry::new(Glyph::Copy, "Copy path", move || app.copy(&copied)),
                    Entry::command(Glyph::Files, "file.reveal"),
                    Entry::command(Glyph::Pencil, "file.rename"),
                    Entry::command(Glyph::Split, "file.compare"),
                ];
                show(Place::Preview);
                menu.set(Some(Open { x: f64::from(event.client_x()), y: f64::from(event.client_y()), entries }));
            }
        >
            <button
                type="button"
                class="tab-name"
                role="tab"
                aria-selected=move || selected.get().to_string()
                tabindex=move || if selected.get() { "0" } else { "-1" }
                title=path.get_value()
                on:click=move |_| show(Place::Preview)
                on:dblclick=move |_| show(Place::Here)
            >
                <span class=format!("tab-icon {tint}")>{icon(Glyph::File)}</span>
                <span>{name}</span>
                <span class="tab-folder">{folder}</span>
                <Show when=move || dirty.get()><span class="sr-only">", unsaved changes"</span></Show>
            </button>
            // For the pointer only: a tab list holds nothing but tabs, and the keyboard has a command for this.
            <span class="tab-close" aria-hidden="true" title=hint("tab.close") on:click=move |_| close()>
                <span class="dot"></span>
                {icon(Glyph::Close)}
            </span>
        </div>
    }
}

#[component]
fn Breadcrumbs(path: Memo<Option<String>>) -> impl IntoView {
    let app = app();
    let parts = move || {
        let path = path.get().unwrap_or_default();
        let mut ends: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
        ends.push(path.len());
        let mut start = 0;
        let mut views = Vec::new();
        let last = ends.len() - 1;
        for (n, end) in ends.into_iter().enumerate() {
            let (name, whole) = (path[start..end].to_owned(), path[..end].to_owned());
            start = end + 1;
            views.push(view! {
                <li>
                    <button type="button" class:last=n == last on:click=move |_| reveal(app, &whole)>{name}</button>
                </li>
            });
        }
        views
    };
    let copy_label = "Copy the path";
    view! {
        <nav class="breadcrumbs" aria-label="Path of the file">
            <ol>{parts}</ol>
            <button
                type="button"
                class="tool"
                aria-label=copy_label
                title=copy_label
                on:click=move |_| if let Some(path) = path.get_untracked() { app.copy(&path) }
            >
                {icon(Glyph::Copy)}
            </button>
        </nav>
    }
}

fn reveal(app: App, path: &str) {
    app.unfold(path);
    app.side.set(Side::Explorer);
    app.side_open.set(true);
    app.tree_focus.set(Some(path.to_owned()));
}

/// What an empty group shows: where to begin.
#[component]
fn Welcome() -> impl IntoView {
    let app = app();
    let line = move |id: &'static str, text: &'static str| {
        view! {
            <li>
                <button type="button" class="welcome-line" on:click=move |_| run(app, id)>
                    <span>{text}</span> <kbd>{shown_keys(id)}</kbd>
                </button>
            </li>
        }
    };
    view! {
        <div class="welcome">
            <span class="logo">{icon(Glyph::Alcove)}</span>
            <ul>
                {line("search.focus", "Search by words and meaning")}
                {line("palette.files", "Go to file")}
                {line("palette.symbols", "Go to symbol")}
                {line("palette.commands", "All commands")}
                {line("app.keys", "Keyboard shortcuts")}
            </ul>
        </div>
    }
}
