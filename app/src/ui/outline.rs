//! The outline: definitions of the active file, nested as in the file.

use leptos::prelude::*;
use protocol::{Fault, Pos, SymbolInfo, SymbolKind};

use crate::state::{App, Place, app};

/// Letter, class and name of a kind of symbol.
pub const fn badge(kind: SymbolKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        SymbolKind::Module => ("M", "kind tint-violet", "module"),
        SymbolKind::Class => ("C", "kind tint-orange", "class"),
        SymbolKind::Struct => ("S", "kind tint-orange", "struct"),
        SymbolKind::Enum => ("E", "kind tint-orange", "enum"),
        SymbolKind::Interface => ("I", "kind tint-orange", "interface"),
        SymbolKind::Trait => ("T", "kind tint-orange", "trait"),
        SymbolKind::Function => ("ƒ", "kind tint-blue", "function"),
        SymbolKind::Method => ("m", "kind tint-blue", "method"),
        SymbolKind::Constructor => ("c", "kind tint-blue", "constructor"),
        SymbolKind::Property => ("p", "kind tint-green", "property"),
        SymbolKind::Field => ("f", "kind tint-green", "field"),
        SymbolKind::Variable => ("v", "kind tint-green", "variable"),
        SymbolKind::Constant => ("k", "kind tint-green", "constant"),
        SymbolKind::TypeAlias => ("t", "kind tint-orange", "type"),
        SymbolKind::Macro => ("!", "kind tint-red", "macro"),
        SymbolKind::Heading => ("#", "kind tint-violet", "heading"),
        SymbolKind::Key => ("·", "kind tint-yellow", "key"),
        SymbolKind::Other => ("•", "kind", "definition"),
    }
}

/// The badge of a kind.
pub fn kind_badge(kind: SymbolKind) -> impl IntoView {
    let (letter, class, name) = badge(kind);
    view! { <span class=class title=name aria-hidden="true">{letter}</span> }
}

/// The Outline panel.
#[component]
pub fn OutlinePanel() -> impl IntoView {
    let app = app();
    let filter = RwSignal::new(String::new());
    let active = Memo::new(move |_| app.layout.with(|layout| layout.active().map(str::to_owned)));
    // Asked again when what was typed rests a moment, and when the file was saved: its unsaved mark goes then.
    let dirty =
        Memo::new(move |_| active.get().is_some_and(|path| app.dirty.with(|dirty| dirty.contains(&path))));
    let parsed = Memo::new(move |_| app.status.with(|status| status.symbols.done == status.symbols.total));
    let symbols: RwSignal<Option<Result<Vec<SymbolInfo>, Fault>>> = RwSignal::new(None);
    Effect::new(move |_| {
        dirty.track();
        app.drafts_kept.track();
        parsed.track();
        let Some(path) = active.get() else {
            symbols.set(None);
            return;
        };
        leptos::task::spawn_local(async move {
            let found = app.outline(&path).await;
            let is_new =
                || symbols.try_with_untracked(|shown| shown.as_ref() != Some(&found)).unwrap_or_default();
            if active.try_get_untracked().flatten().as_deref() == Some(&path) && is_new() {
                symbols.set(Some(found));
            }
        });
    });
    let cursor_line = Memo::new(move |_| {
        let active = active.get();
        app.cursor.with(|c| c.as_ref().filter(|c| Some(&c.path) == active.as_ref()).map(|c| c.pos.line))
    });
    let inside = Memo::new(move |_| {
        let line = cursor_line.get()?;
        symbols.with(|symbols| {
            let Some(Ok(list)) = symbols else { return None };
            // The innermost definition around the cursor stands last in the order of the file.
            list.iter().rposition(|s| s.span.start.line <= line && line <= s.span.end.line)
        })
    });
    let matches = move |symbol: &SymbolInfo| {
        filter.with(|filter| symbol.name.to_lowercase().contains(&filter.to_lowercase()))
    };
    // Enter goes to the first line of the list.
    let go = move |event: web_sys::KeyboardEvent| {
        if event.key() != "Enter" || event.is_composing() {
            return;
        }
        event.prevent_default();
        let Some(Ok(found)) = symbols.get_untracked() else { return };
        let first = untrack(|| found.into_iter().find(&matches));
        // Until the list of a new file is there, that of the file before is on show.
        if let Some(symbol) = first.filter(|symbol| active.get_untracked().as_deref() == Some(&symbol.path)) {
            go_to(app, &symbol.path, symbol.name_pos);
        }
    };
    let list = move || match symbols.get() {
        None => view! { <p class="panel-empty">"Open a file to see its definitions here."</p> }.into_any(),
        Some(Err(fault)) => view! { <p class="panel-empty">{fault.sentence}</p> }.into_any(),
        Some(Ok(found)) if found.is_empty() => {
            view! { <p class="panel-empty">"No definitions were found in this file."</p> }.into_any()
        }
        Some(Ok(found)) => {
            let rows = found
                .into_iter()
                .enumerate()
                .filter(|(_, symbol)| matches(symbol))
                .map(|(at, symbol)| view! { <Line symbol at inside /> })
                .collect_view();
            view! { <ul class="outline" aria-label="Definitions">{rows}</ul> }.into_any()
        }
    };
    view! {
        <header class="panel-head"><h2>"Outline"</h2></header>
        <div class="panel-field">
            <input
                type="search"
                placeholder="Filter"
                aria-label="Filter the outline"
                prop:value=filter
                on:input=move |event| filter.set(event_target_value(&event))
                on:keydown=go
            />
        </div>
        <div class="panel-scroll" tabindex="0">{list}</div>
    }
}

fn go_to(app: App, path: &str, pos: Pos) {
    app.show(path, Some(protocol::Span { start: pos, end: pos }), Place::Preview);
    app.focus_editor();
}

#[component]
fn Line(symbol: SymbolInfo, at: usize, inside: Memo<Option<usize>>) -> impl IntoView {
    let app = app();
    let (_, _, kind_name) = badge(symbol.kind);
    let SymbolInfo { kind, name, path, depth, name_pos, .. } = symbol;
    let line = name_pos.line;
    view! {
        <li>
            <button
                type="button"
                class="outline-row"
                class:current=move || inside.get() == Some(at)
                style=format!("--depth:{depth}")
                on:click=move |_| go_to(app, &path, name_pos)
            >
                {kind_badge(kind)} <span class="sr-only">{kind_name}</span> <span class="outline-name">{name}</span>
                <span class="sr-only">"line"</span> <span class="muted">{line + 1}</span>
            </button>
        </li>
    }
}
