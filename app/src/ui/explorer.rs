//! The file tree. Only the rows in view are in the page; the tree as a whole has the keyboard and names its current row
//! to screen readers (`aria-activedescendant`), since a row may not exist.

use std::sync::Arc;

use leptos::html::Div;
use leptos::prelude::*;
use protocol::{Access, ContentKind};
use web_sys::KeyboardEvent;

use super::command::{new_file, rename_path};
use super::icon::{Glyph, icon};
use super::menu::{Entry, Menu, Open};
use super::window::{scroll_to_row, visible_rows};
use super::workbench::Tool;
use crate::state::tree::{NodeId, NodeKind, Tree, folder_of};
use crate::state::{App, Place, app};

const ROW_PX: f64 = 24.0;

/// A row that is laid out.
#[derive(Clone, PartialEq)]
struct Row {
    at: usize,
    path: String,
    name: String,
    depth: u16,
    folder: bool,
    open: bool,
    binary: bool,
}

/// The Explorer panel.
#[component]
pub fn Explorer() -> impl IntoView {
    let app = app();
    view! {
        <header class="panel-head">
            <h2>"Files"</h2>
            <Tool id="file.new" glyph=Glyph::NewFile />
            <button
                type="button"
                class="tool"
                title="Close all folders"
                aria-label="Close all folders"
                on:click=move |_| app.folders.update(std::collections::HashSet::clear)
            >
                {icon(Glyph::Collapse)}
            </button>
        </header>
        <Show
            when=move || !app.tree.with(|tree| tree.is_empty())
            fallback=move || if app.importing.with(Option::is_some) {
                view! { <div class="panel-empty"><p role="status">"Reading the files…"</p></div> }.into_any()
            } else {
                view! {
                    <div class="panel-empty">
                        <p>"This workspace has no files yet. Drop some here, or make one."</p>
                        <super::start::OpenButtons />
                    </div>
                }
                .into_any()
            }
        >
            <TreeView />
        </Show>
    }
}

#[component]
fn TreeView() -> impl IntoView {
    let app = app();
    let node = NodeRef::<Div>::new();
    let scroll = RwSignal::new(0.0);
    let height = RwSignal::new(600.0);
    let menu = RwSignal::new(None::<Open>);
    let rows: Memo<Arc<Vec<NodeId>>> =
        Memo::new(move |_| Arc::new(app.tree.with(|tree| app.folders.with(|open| tree.rows(open)))));
    let range = Memo::new(move |_| visible_rows(scroll.get(), height.get(), ROW_PX, rows.with(|r| r.len())));
    // The row that has the keyboard, by path: ids change with every new file list.
    let current = app.tree_focus;
    let current_at = Memo::new(move |_| {
        let path = current.get()?;
        let rows = rows.get();
        app.tree.with(|tree| rows.iter().position(|&id| tree.node(id).is_some_and(|node| node.path == path)))
    });
    let shown = move || {
        let rows = rows.get();
        app.tree.with(|tree| {
            app.folders
                .with(|open| range.get().filter_map(|at| row(tree, open, at, rows[at])).collect::<Vec<_>>())
        })
    };
    let measure = move || {
        if let Some(list) = node.get_untracked() {
            height.set(f64::from(list.client_height()));
        }
    };
    Effect::new(move |_| {
        if node.get().is_some() {
            measure();
        }
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| measure());
    on_cleanup(move || resized.remove());
    // The current row is kept in view, also when something else moved it.
    Effect::new(move |_| {
        let (Some(at), Some(list)) = (current_at.get(), node.get()) else { return };
        if let Some(top) =
            scroll_to_row(at, f64::from(list.scroll_top()), f64::from(list.client_height()), ROW_PX)
        {
            list.set_scroll_top(top as i32);
        }
    });
    // The tree follows the editor, also to what was opened while another panel was on show. A file that it has shown is
    // not shown again: its folders may have been closed on purpose since.
    let active = Memo::new(move |_| app.layout.with(|layout| layout.active().map(str::to_owned)));
    Effect::new(move |_| {
        let now = active.get();
        if let Some(path) = &now
            && app.tree_followed.get_untracked() != now
        {
            app.unfold(path);
            current.set(Some(path.clone()));
            app.tree_followed.set(now);
        }
    });

    let step = move |from: Option<usize>, delta: isize| {
        let rows = rows.get_untracked();
        let last = rows.len().saturating_sub(1);
        let to = from.map_or(0, |from| from.saturating_add_signed(delta).min(last));
        let path =
            rows.get(to).and_then(|&id| app.tree.with_untracked(|t| t.node(id).map(|n| n.path.clone())));
        current.set(path);
    };
    let on_key = move |event: KeyboardEvent| {
        let at = current_at.get_untracked();
        let page = (height.get_untracked() / ROW_PX) as isize;
        let plain = !(event.ctrl_key() || event.meta_key() || event.alt_key());
        let key = event.key();
        match key.as_str() {
            "ArrowDown" if plain => step(at, 1),
            "ArrowUp" if plain => step(at, -1),
            "PageDown" if plain => step(at, page),
            "PageUp" if plain => step(at, -page),
            "Home" if plain => step(Some(0), 0),
            "End" if plain => step(Some(0), isize::MAX),
            _ => {
                let Some(path) = current.get_untracked() else { return };
                if !act_on(app, &event, &path, &key, plain) {
                    return;
                }
            }
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let show_menu = move |event: web_sys::MouseEvent, path: String, folder: bool| {
        event.prevent_default();
        current.set(Some(path.clone()));
        let entries = entries_for(app, &path, folder);
        menu.set(Some(Open { x: f64::from(event.client_x()), y: f64::from(event.client_y()), entries }));
    };
    view! {
        <div
            node_ref=node
            class="tree"
            role="tree"
            tabindex="0"
            aria-label="Files of the workspace"
            aria-activedescendant=move || current_at.get().map(|at| format!("tree-{at}"))
            on:scroll=move |_| {
                if let Some(list) = node.get_untracked() {
                    scroll.set(f64::from(list.scroll_top()));
                    height.set(f64::from(list.client_height()));
                }
            }
            on:focus=move |_| if current_at.get_untracked().is_none() { step(None, 0) }
            on:keydown=on_key
        >
            <div
                class="tree-rows"
                role="presentation"
                style=move || format!("height:{}px", rows.with(|r| r.len()) as f64 * ROW_PX)
            >
                <For each=shown key=|row| (row.at, row.path.clone(), row.open) let:row>
                    <TreeRow row current_at show_menu />
                </For>
            </div>
        </div>
        <Menu open=menu />
    }
}

fn row(tree: &Tree, open: &std::collections::HashSet<String>, at: usize, id: NodeId) -> Option<Row> {
    let node = tree.node(id)?;
    let binary = matches!(node.kind, NodeKind::File { content: ContentKind::Binary, .. });
    Some(Row {
        at,
        path: node.path.clone(),
        name: node.name().to_owned(),
        depth: node.depth,
        folder: node.is_folder(),
        open: node.is_folder() && open.contains(&node.path),
        binary,
    })
}

#[component]
fn TreeRow(
    row: Row,
    current_at: Memo<Option<usize>>,
    show_menu: impl Fn(web_sys::MouseEvent, String, bool) + Copy + 'static,
) -> impl IntoView {
    let app = app();
    let Row { at, path, name, depth, folder, open, binary } = row;
    let path = StoredValue::new(path);
    let is_active =
        Memo::new(move |_| app.layout.with(|l| path.with_value(|p| l.active() == Some(p.as_str()))));
    let is_dirty = Memo::new(move |_| !folder && path.with_value(|path| app.is_unsaved(path)));
    let glyph = if folder {
        let arrow = if open { Glyph::ChevronDown } else { Glyph::ChevronRight };
        view! { <span class="tree-arrow">{icon(arrow)}</span> }.into_any()
    } else {
        view! { <span class=format!("tree-file {}", colour_of(&name))>{icon(Glyph::File)}</span> }.into_any()
    };
    view! {
        <div
            id=format!("tree-{at}")
            class="tree-row"
            class:current=move || current_at.get() == Some(at)
            class:active=is_active
            class:binary=binary
            class:dirty=is_dirty
            role="treeitem"
            attr:aria-level=(depth + 1).to_string()
            aria-expanded=folder.then(|| open.to_string())
            aria-selected=move || (current_at.get() == Some(at)).to_string()
            title=path.get_value()
            style=format!("top:{}px;--depth:{depth}", at as f64 * ROW_PX)
            on:click=move |event| {
                app.tree_focus.set(Some(path.get_value()));
                path.with_value(|path| {
                    if folder {
                        toggle(app, path);
                    } else if event.detail() < 2 {
                        let beside = event.ctrl_key() || event.meta_key();
                        app.show(path, None, if beside { Place::Beside } else { Place::Preview });
                    }
                });
            }
            on:dblclick=move |_| if !folder {
                path.with_value(|path| app.show(path, None, Place::Here));
                app.focus_editor();
            }
            on:contextmenu=move |event| show_menu(event, path.get_value(), folder)
        >
            {glyph} <span class="tree-name">{name}</span>
            <Show when=move || is_dirty.get()><span class="sr-only">", unsaved changes"</span></Show>
        </div>
    }
}

fn toggle(app: App, path: &str) {
    app.folders.update(|folders| {
        if !folders.remove(path) {
            folders.insert(path.to_owned());
        }
    });
}

/// Keys that do something with the current row. False when the key means nothing here.
fn act_on(app: App, event: &KeyboardEvent, path: &str, key: &str, plain: bool) -> bool {
    let is_folder = app.tree.with_untracked(|tree| is_folder(tree, path));
    let is_open = app.folders.with_untracked(|folders| folders.contains(path));
    match key {
        "ArrowRight" if plain && is_folder && !is_open => toggle(app, path),
        "ArrowRight" if plain && is_folder => {
            let first = app.tree.with_untracked(|tree| first_child(tree, path));
            app.tree_focus.set(first);
        }
        "ArrowLeft" if plain && is_folder && is_open => toggle(app, path),
        "ArrowLeft" if plain => {
            let parent = folder_of(path);
            if !parent.is_empty() {
                app.tree_focus.set(Some(parent.to_owned()));
            }
        }
        "Enter" | " " if is_folder => toggle(app, path),
        "Enter" => {
            let place = if event.shift_key() || event.ctrl_key() || event.meta_key() {
                Place::Beside
            } else {
                Place::Here
            };
            app.show(path, None, place);
            app.focus_editor();
        }
        " " => app.show(path, None, Place::Preview),
        "F2" => rename_path(app, path),
        "Delete" => app.ask_remove_path(path.to_owned(), is_folder),
        _ if plain && key.chars().count() == 1 => return type_ahead(app, path, key),
        _ => return false,
    }
    true
}

fn find(tree: &Tree, path: &str) -> Option<NodeId> {
    let mut level = tree.top().to_vec();
    loop {
        let hit = level.iter().copied().find(|&id| {
            tree.node(id).is_some_and(|node| {
                path == node.path
                    || node.is_folder()
                        && path.strip_prefix(&node.path).is_some_and(|rest| rest.starts_with('/'))
            })
        })?;
        let node = tree.node(hit)?;
        if node.path == path {
            return Some(hit);
        }
        let NodeKind::Folder { children } = &node.kind else { return None };
        level.clone_from(children);
    }
}

fn is_folder(tree: &Tree, path: &str) -> bool {
    find(tree, path).and_then(|id| tree.node(id)).is_some_and(crate::state::tree::Node::is_folder)
}

fn first_child(tree: &Tree, path: &str) -> Option<String> {
    match &tree.node(find(tree, path)?)?.kind {
        NodeKind::Folder { children } => tree.node(*children.first()?).map(|node| node.path.clone()),
        NodeKind::File { .. } => None,
    }
}

/// Go to the next row whose name starts with the letter.
fn type_ahead(app: App, path: &str, key: &str) -> bool {
    let wanted = key.to_lowercase();
    let next = app.tree.with_untracked(|tree| {
        let rows = app.folders.with_untracked(|open| tree.rows(open));
        let at = rows.iter().position(|&id| tree.node(id).is_some_and(|node| node.path == path)).unwrap_or(0);
        let after = rows.iter().cycle().skip(at + 1).take(rows.len());
        after
            .filter_map(|&id| tree.node(id))
            .find(|node| node.name().to_lowercase().starts_with(&wanted))
            .map(|node| node.path.clone())
    });
    if let Some(next) = next {
        app.tree_focus.set(Some(next));
    }
    true
}

fn entries_for(app: App, path: &str, folder: bool) -> Vec<Entry> {
    let owned = |path: &str| path.to_owned();
    let mut entries = Vec::new();
    if !folder {
        let (here, beside) = (owned(path), owned(path));
        entries.push(Entry::new(Glyph::File, "Open", move || {
            app.show(&here, None, Place::Here);
            app.focus_editor();
        }));
        entries.push(Entry::new(Glyph::Beside, "Open beside", move || {
            app.show(&beside, None, Place::Beside);
            app.focus_editor();
        }));
    }
    let parent = if folder { owned(path) } else { owned(folder_of(path)) };
    if folder {
        let inside = owned(path);
        entries.push(Entry::new(Glyph::Search, "Search in this folder", move || {
            app.search.path_glob.set(format!("{inside}/**"));
            app.search.filters_open.set(true);
            app.side.set(crate::state::Side::Search);
            app.focus_search();
            app.search_soon();
        }));
    }
    let copied = owned(path);
    entries.push(Entry::new(Glyph::Copy, "Copy path", move || app.copy(&copied)));
    if app.access.get_untracked() != Some(Access::Reader) {
        let (renamed, removed) = (owned(path), owned(path));
        entries.push(Entry::new(Glyph::NewFile, "New file…", move || new_file(app, &parent)));
        entries.push(Entry::new(Glyph::Pencil, "Rename…", move || rename_path(app, &renamed)));
        entries.push(Entry::new(Glyph::Trash, "Delete…", move || {
            app.ask_remove_path(removed.clone(), folder)
        }));
    }
    entries
}

/// Class that tints a file's icon, by what kind of file its name says it is.
pub fn colour_of(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending {
        "rs" | "rb" | "java" | "kt" | "swift" | "scala" => "tint-orange",
        "ts" | "tsx" | "py" | "pyi" | "c" | "h" | "cpp" | "cc" | "hpp" | "go" | "cs" => "tint-blue",
        "js" | "jsx" | "mjs" | "cjs" | "json" | "sql" => "tint-yellow",
        "html" | "vue" | "svelte" | "xml" | "php" => "tint-red",
        "css" | "scss" | "less" | "md" | "mdx" | "txt" => "tint-violet",
        "toml" | "yaml" | "yml" | "sh" | "bash" | "lock" => "tint-green",
        _ => "",
    }
}
