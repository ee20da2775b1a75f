//! Command palette and quick open: one field whose first character says what is looked for: `>` commands, `@` symbols,
//! `:` a line, anything else files.

use leptos::html::{Div, Input};
use leptos::prelude::*;
use protocol::{FindSymbols, Pos, QuickOpen, Span, SymbolKind};
use wasm_bindgen::JsCast as _;

use super::command::{COMMANDS, Command, shown_keys};
use super::explorer::colour_of;
use super::icon::{Glyph, icon};
use super::modal::Modal;
use super::outline::kind_badge;
use crate::state::fuzzy::fuzzy;
use crate::state::runs::{Run, runs_at};
use crate::state::tree::{file_name, folder_of};
use crate::state::{App, Phase, Place, abort, app};

const SHOWN: u32 = 60;

/// Something that can be chosen.
#[derive(Clone)]
enum Item {
    Command(&'static Command, Vec<u32>),
    File {
        path: String,
        positions: Vec<u32>,
        /// Counted from one, when it was given behind the name.
        line: Option<u32>,
    },
    Symbol {
        name: String,
        container: String,
        path: String,
        pos: Pos,
        kind: SymbolKind,
    },
    Line(u32),
    /// Cannot be chosen.
    Hint(String),
}

/// The palette.
#[component]
pub fn Palette(
    /// What stands in the field at first.
    text: String,
) -> impl IntoView {
    let app = app();
    // Without a workspace there are only commands.
    let no_files = app.phase.with_untracked(|phase| *phase != Phase::Open);
    let text = RwSignal::new(if no_files && !text.starts_with('>') { ">".to_owned() } else { text });
    let items = RwSignal::new(Vec::<Item>::new());
    let selected = RwSignal::new(0usize);
    let field = NodeRef::<Input>::new();
    let list = NodeRef::<Div>::new();
    // The request of the latest text; dropped, and so cancelled, when another letter is typed.
    let task = StoredValue::new_local(None::<abort::Task>);
    // A request is on its way, and what Enter asked for meanwhile: beside or not. Fast typists press it before the
    // matches of their last letter are there.
    let waiting = RwSignal::new(false);
    let wanted = RwSignal::new(None::<bool>);

    Effect::new(move |_| {
        let typed = text.get();
        let (found, pending) = look_up(app, &typed);
        task.set_value(None);
        waiting.set(pending.is_some());
        wanted.set(None);
        if let Some(found) = found {
            items.set(found);
            selected.set(0);
        }
        if let Some(pending) = pending {
            let request = abort::spawn(async move {
                let found = pending.await;
                // Closed in the meantime?
                if items.try_set(found).is_none() {
                    selected.set(0);
                    waiting.set(false);
                    if let Some(beside) = wanted.get_untracked() {
                        choose(app, items, 0, beside);
                    }
                }
            });
            task.set_value(Some(request));
        }
    });
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            let _gone = field.focus();
            let end = u32::try_from(text.with_untracked(|t| t.encode_utf16().count())).unwrap_or(0);
            let _not_text = field.set_selection_range(end, end);
        }
    });
    Effect::new(move |_| {
        let at = selected.get();
        items.track();
        let Some(list) = list.get() else { return };
        request_animation_frame(move || {
            let row = list.query_selector(&format!("#palette-{at}")).ok().flatten();
            if let Some(row) = row.and_then(|row| row.dyn_into::<web_sys::HtmlElement>().ok()) {
                keep_in_view(&list, &row, 0);
            }
        });
    });
    let on_key = move |event: web_sys::KeyboardEvent| {
        let len = items.with_untracked(Vec::len);
        let step = |delta: isize| {
            if len > 0 {
                let len = len as isize;
                selected.update(|at| *at = (*at as isize + delta).rem_euclid(len) as usize);
            }
        };
        match event.key().as_str() {
            "ArrowDown" => step(1),
            "ArrowUp" => step(-1),
            "PageDown" => selected.update(|at| *at = (*at + 10).min(len.saturating_sub(1))),
            "PageUp" => selected.update(|at| *at = at.saturating_sub(10)),
            "Enter" => {
                let beside = event.shift_key() || event.ctrl_key() || event.meta_key();
                if waiting.get_untracked() {
                    wanted.set(Some(beside));
                } else {
                    choose(app, items, selected.get_untracked(), beside);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let placeholder = "File name, or > command, @ symbol, : line";
    view! {
        <Modal label="Go to file, symbol or command" class="palette">
            <input
                node_ref=field
                class="palette-field"
                type="text"
                role="combobox"
                aria-label="Go to file, symbol or command"
                aria-expanded="true"
                aria-controls="palette-list"
                aria-activedescendant=move || format!("palette-{}", selected.get())
                autocomplete="off"
                spellcheck="false"
                placeholder=placeholder
                prop:value=text
                on:input=move |event| text.set(event_target_value(&event))
                on:keydown=on_key
            />
            <div node_ref=list id="palette-list" class="palette-list" role="listbox" aria-label="Matches">
                {move || {
                    items
                        .get()
                        .into_iter()
                        .enumerate()
                        .map(|(at, item)| {
                            let can_run = !matches!(item, Item::Hint(_));
                            view! {
                                <div
                                    id=format!("palette-{at}")
                                    class="palette-row"
                                    class:current=move || selected.get() == at && can_run
                                    role="option"
                                    aria-selected=move || (selected.get() == at).to_string()
                                    aria-disabled=(!can_run).then_some("true")
                                    on:mousedown=move |event| event.prevent_default()
                                    on:click=move |event| choose(app, items, at, event.ctrl_key() || event.meta_key())
                                >
                                    {content(item)}
                                </div>
                            }
                        })
                        .collect_view()
                }}
            </div>
        </Modal>
    }
}

fn choose(app: App, items: RwSignal<Vec<Item>>, at: usize, beside: bool) {
    let Some(item) = items.with_untracked(|items| items.get(at).cloned()) else { return };
    if !matches!(item, Item::Hint(_)) {
        app.dialog.set(None);
        run_item(app, &item, if beside { Place::Beside } else { Place::Here });
    }
}

/// Scroll a list by the least that shows one of its rows; `head_px` of its height are covered by a head that stays.
pub fn keep_in_view(list: &web_sys::HtmlElement, row: &web_sys::HtmlElement, head_px: i32) {
    let (list_rect, rect) = (list.get_bounding_client_rect(), row.get_bounding_client_rect());
    let top = list_rect.top() + f64::from(head_px);
    if rect.top() < top {
        list.set_scroll_top(list.scroll_top() - (top - rect.top()).ceil() as i32);
    } else if rect.bottom() > list_rect.bottom() {
        list.set_scroll_top(list.scroll_top() + (rect.bottom() - list_rect.bottom()) as i32);
    }
}

type Later = std::pin::Pin<Box<dyn Future<Output = Vec<Item>>>>;

/// What is known at once for the typed text, and what the engine must be asked for.
fn look_up(app: App, typed: &str) -> (Option<Vec<Item>>, Option<Later>) {
    if let Some(wanted) = typed.strip_prefix('>') {
        return (Some(commands(app, wanted.trim())), None);
    }
    if let Some(line) = typed.strip_prefix(':') {
        let item = match line.trim().parse::<u32>() {
            Ok(line) if line > 0 => Item::Line(line - 1),
            _ => Item::Hint("Type a line number.".into()),
        };
        return (Some(vec![item]), None);
    }
    if let Some(wanted) = typed.strip_prefix('@') {
        let workspace = match app.here() {
            Ok(workspace) => workspace,
            Err(fault) => return (Some(vec![Item::Hint(fault.sentence)]), None),
        };
        let wanted = wanted.trim().to_owned();
        let pending = async move {
            match app.call(FindSymbols { workspace, text: wanted, k: SHOWN }).await {
                Ok(found) if found.is_empty() => vec![Item::Hint("No symbol has this name.".into())],
                Ok(found) => found
                    .into_iter()
                    .map(|s| Item::Symbol {
                        name: s.name,
                        container: s.container,
                        path: s.path,
                        pos: s.name_pos,
                        kind: s.kind,
                    })
                    .collect(),
                Err(fault) => vec![Item::Hint(fault.sentence)],
            }
        };
        return (None, Some(Box::pin(pending)));
    }
    let (wanted, line) = match typed.rsplit_once(':') {
        Some((file, line)) => (file, line.trim().parse::<u32>().ok()),
        None => (typed, None),
    };
    let workspace = match app.here() {
        Ok(workspace) => workspace,
        Err(fault) => return (Some(vec![Item::Hint(fault.sentence)]), None),
    };
    let call = QuickOpen {
        workspace,
        text: wanted.trim().to_owned(),
        recent: app.layout.with_untracked(|l| l.paths()),
        k: SHOWN,
    };
    let pending = async move {
        match app.call(call).await {
            Ok(found) if found.is_empty() => vec![Item::Hint("No file has this name.".into())],
            Ok(found) => found
                .into_iter()
                .map(|file| Item::File { path: file.path, positions: file.positions, line })
                .collect(),
            Err(fault) => vec![Item::Hint(fault.sentence)],
        }
    };
    (None, Some(Box::pin(pending)))
}

fn commands(app: App, wanted: &str) -> Vec<Item> {
    let mut hits: Vec<(i32, Item)> = COMMANDS
        .iter()
        .filter(|command| command.can_run(app) && command.id != "palette.commands")
        .filter_map(|command| {
            if let Some(hit) = fuzzy(wanted, command.title) {
                return Some((hit.score, Item::Command(command, hit.positions)));
            }
            // Of another editor's name for it no letters are marked.
            let hit = command
                .other_names()
                .iter()
                .filter_map(|name| fuzzy(wanted, name))
                .map(|hit| hit.score)
                .max();
            hit.map(|score| (score, Item::Command(command, Vec::new())))
        })
        .collect();
    hits.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    if hits.is_empty() {
        return vec![Item::Hint("No command has this name.".into())];
    }
    hits.into_iter().map(|(_, item)| item).collect()
}

fn run_item(app: App, item: &Item, place: Place) {
    match item {
        Item::Command(command, _) => (command.run)(app),
        Item::File { path, line, .. } => {
            match line {
                Some(line) => app.show_line(path, line.saturating_sub(1), place),
                None => app.show(path, None, place),
            }
            app.focus_editor();
        }
        Item::Symbol { path, pos, .. } => {
            app.show(path, Some(Span { start: *pos, end: *pos }), place);
            app.focus_editor();
        }
        Item::Line(line) => {
            if let Some(path) = app.layout.with_untracked(|layout| layout.active().map(str::to_owned)) {
                app.show_line(&path, *line, Place::Preview);
                app.focus_editor();
            }
        }
        Item::Hint(_) => {}
    }
}

/// Marked and unmarked pieces of a text.
pub fn marked(runs: Vec<Run>) -> impl IntoView {
    runs.into_iter()
        .map(
            |run| {
                if run.marked { view! { <mark>{run.text}</mark> }.into_any() } else { run.text.into_any() }
            },
        )
        .collect_view()
}

fn content(item: Item) -> impl IntoView {
    match item {
        Item::Command(command, positions) => view! {
            <span class="palette-name">{marked(runs_at(command.title, &positions))}</span>
            <kbd>{shown_keys(command.id)}</kbd>
        }
        .into_any(),
        Item::File { path, positions, line } => {
            let folder = folder_of(&path).to_owned();
            let name = file_name(&path).to_owned();
            let line = line.map(|line| format!(":{line}"));
            let name_at =
                u32::try_from(path.encode_utf16().count() - name.encode_utf16().count()).unwrap_or(0);
            let in_name: Vec<u32> =
                positions.iter().filter(|&&p| p >= name_at).map(|p| p - name_at).collect();
            let in_folder: Vec<u32> = positions.into_iter().filter(|&p| p < name_at).collect();
            view! {
                <span class=format!("palette-icon {}", colour_of(&name))>{icon(Glyph::File)}</span>
                <span class="palette-name">{marked(runs_at(&name, &in_name))} {line}</span>
                <span class="palette-detail">{marked(runs_at(&folder, &in_folder))}</span>
            }
            .into_any()
        }
        Item::Symbol { name, container, path, kind, pos } => {
            let detail = format!("{path}:{}", pos.line + 1);
            view! {
                {kind_badge(kind)}
                <span class="palette-name">{name} " " <span class="muted">{container}</span></span>
                <span class="palette-detail">{detail}</span>
            }
            .into_any()
        }
        Item::Line(line) => {
            view! { <span class="palette-name">{format!("Go to line {}", line + 1)}</span> }.into_any()
        }
        Item::Hint(text) => view! { <span class="muted">{text}</span> }.into_any(),
    }
}
