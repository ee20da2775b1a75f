//! Small menus that open at a button or at the pointer.

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use super::icon::{Glyph, icon};

/// A line of a menu.
#[derive(Clone)]
pub struct Entry {
    /// What it says.
    pub label: String,
    /// Its keys, if any.
    pub keys: String,
    /// What it shows before the label.
    pub glyph: Glyph,
    /// What it does.
    pub run: crate::state::dialog::Run,
}

impl Entry {
    /// A line without keys.
    pub fn new(glyph: Glyph, label: &str, run: impl Fn() + Send + Sync + 'static) -> Self {
        Self { label: label.into(), keys: String::new(), glyph, run: std::sync::Arc::new(move |()| run()) }
    }

    /// A line for a command of the table.
    pub fn command(glyph: Glyph, id: &'static str) -> Self {
        let app = crate::state::app();
        let command = super::command::command(id);
        Self {
            label: command.map_or("", |command| command.title).to_owned(),
            keys: super::command::shown_keys(id),
            glyph,
            run: std::sync::Arc::new(move |()| {
                if let Some(command) = command {
                    (command.run)(app);
                }
            }),
        }
    }
}

/// A menu on show: where its corner is, in CSS pixels of the window, and its lines.
#[derive(Clone)]
pub struct Open {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// What is offered.
    pub entries: Vec<Entry>,
}

/// Shows a menu while `open` holds one. Arrow keys move, Enter and a click run, everything else closes.
#[component]
pub fn Menu(
    /// The menu on show.
    open: RwSignal<Option<Open>>,
) -> impl IntoView {
    move || open.get().map(|menu| view! { <List menu open /> })
}

#[component]
fn List(menu: Open, open: RwSignal<Option<Open>>) -> impl IntoView {
    let node = NodeRef::<Div>::new();
    let before = document().active_element();
    let before = StoredValue::new_local(before);
    let close = move || {
        if let Some(Some(element)) = before.try_get_value()
            && let Some(element) = element.dyn_ref::<web_sys::HtmlElement>()
        {
            let _gone = element.focus();
        }
        open.set(None);
    };
    let (x, y) = (menu.x, menu.y);
    let place = RwSignal::new(format!("left:{x}px;top:{y}px"));
    Effect::new(move |_| {
        let Some(list) = node.get() else { return };
        let rect = list.get_bounding_client_rect();
        let bound =
            |value: Result<wasm_bindgen::JsValue, _>| value.ok().and_then(|v| v.as_f64()).unwrap_or(1e6);
        let left = x.min(bound(window().inner_width()) - rect.width() - 8.0).max(4.0);
        let top = y.min(bound(window().inner_height()) - rect.height() - 8.0).max(4.0);
        place.set(format!("left:{left}px;top:{top}px"));
        move_focus(&list, 0, true);
    });
    let on_key = move |event: web_sys::KeyboardEvent| {
        let Some(list) = node.get_untracked() else { return };
        match event.key().as_str() {
            "ArrowDown" => move_focus(&list, 1, false),
            "ArrowUp" => move_focus(&list, -1, false),
            "Home" => move_focus(&list, 0, true),
            "End" => move_focus(&list, -1, true),
            "Escape" | "Tab" => close(),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let items = menu
        .entries
        .into_iter()
        .map(|entry| {
            view! {
                <button
                    type="button"
                    role="menuitem"
                    tabindex="-1"
                    class="menu-item"
                    on:click=move |_| {
                        close();
                        (entry.run)(());
                    }
                >
                    {icon(entry.glyph)} <span>{entry.label}</span> <kbd>{entry.keys}</kbd>
                </button>
            }
        })
        .collect_view();
    view! {
        <div class="menu-backdrop" on:mousedown=move |_| close() on:contextmenu=move |event| {
            event.prevent_default();
            close();
        }></div>
        <div node_ref=node class="menu" role="menu" style=place on:keydown=on_key>
            {items}
        </div>
    }
}

/// Focus the item `step` after the focused one, or the first (`absolute`, 0) or last (`absolute`, -1).
fn move_focus(list: &web_sys::Element, step: i32, absolute: bool) {
    let Ok(items) = list.query_selector_all("[role=menuitem]") else { return };
    let len = i32::try_from(items.length()).unwrap_or(0);
    if len == 0 {
        return;
    }
    let active = document().active_element();
    let now = (0..items.length()).find(|&at| {
        items
            .get(at)
            .is_some_and(|item| active.as_ref().is_some_and(|active| item.is_same_node(Some(active))))
    });
    let base = if absolute { 0 } else { now.and_then(|at| i32::try_from(at).ok()).unwrap_or(-1) };
    let next = u32::try_from((base + step).rem_euclid(len)).unwrap_or(0);
    if let Some(item) = items.get(next).and_then(|item| item.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _gone = item.focus();
    }
}
