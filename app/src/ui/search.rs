//! The search panel: the query, how it is read, what narrows it, and the answer.

use leptos::html::{Div, Input};
use leptos::prelude::*;
use protocol::{Layer, SearchMode, SymbolKind};
use wasm_bindgen::JsCast as _;

use super::format::{count, several};
use super::icon::{Glyph, icon};
use super::outline::badge;
use super::palette::keep_in_view;
use super::results::{Choice, Found, More, Results, layer_name};
use crate::state::{App, Place, Since, app};

const MODES: [(SearchMode, &str, &str); 4] = [
    (SearchMode::Smart, "Smart", "Words, symbols and meaning together"),
    (SearchMode::Exact, "Exact", "The text as it stands"),
    (SearchMode::Word, "Word", "The text as whole words"),
    (SearchMode::Regex, "Regex", "A regular expression"),
];

const KINDS: [SymbolKind; 10] = [
    SymbolKind::Function,
    SymbolKind::Method,
    SymbolKind::Class,
    SymbolKind::Struct,
    SymbolKind::Enum,
    SymbolKind::Interface,
    SymbolKind::Trait,
    SymbolKind::Constant,
    SymbolKind::TypeAlias,
    SymbolKind::Heading,
];

const SINCE: [(Since, &str); 4] = [
    (Since::Ever, "At any time"),
    (Since::Hours(24), "In the last day"),
    (Since::Hours(24 * 7), "In the last week"),
    (Since::Hours(24 * 30), "In the last month"),
];

/// The Search panel.
#[component]
pub fn SearchPanel() -> impl IntoView {
    let app = app();
    let search = app.search;
    let field = NodeRef::<Input>::new();
    let list = NodeRef::<Div>::new();
    let choice = Choice::new();
    let found = Memo::new(move |_| search.reply.get().map(|reply| Found::new(&reply)));
    Effect::new(move |_| {
        // A panel that is only back after a reload leaves the keyboard to the editor.
        let was_asked_for = search.focus.get() > 0;
        if let (Some(field), true) = (field.get(), was_asked_for) {
            let _gone = field.focus();
            leptos::task::spawn_local(async move {
                // The view may be about to write the query into the field once more, which would undo the selection.
                leptos::task::tick().await;
                field.select();
            });
        }
    });
    // A new query starts at the top, where the best hit is.
    Effect::new(move |_| {
        search.text.track();
        search.mode.track();
        choice.forget();
    });
    Effect::new(move |_| {
        found.with(|found| {
            if let Some(found) = found {
                choice.follow(found);
            }
        });
    });
    Effect::new(move |_| {
        choice.seek.track();
        let at = choice.at.get_untracked();
        let Some(list) = list.get() else { return };
        request_animation_frame(move || {
            let element = |selector: &str| {
                let found = list.query_selector(selector).ok().flatten();
                found.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok())
            };
            if at == 0 {
                list.set_scroll_top(0);
            } else if let Some(row) = element(&format!("#hit-{at}")) {
                // The name of the file stays above its hits.
                keep_in_view(&list, &row, element(".hit-file").map_or(0, |head| head.offset_height()));
            }
        });
    });
    let open_selected = move |place| {
        found.with_untracked(|found| {
            let hit = found.as_ref().and_then(|found| found.hits.get(choice.at.get_untracked()));
            if let Some(hit) = hit {
                open_hit(app, hit, place);
                app.focus_editor();
            }
        });
    };
    // Where Enter asked to open a hit before there was an answer to what was typed. Fast typists press it at once, and
    // mean the query that they see in the field, not the list of the one before. The first answer will do, also where a
    // layer is still missing from it: it is what they would see and take.
    let wanted = StoredValue::new(None::<Place>);
    Effect::new(move |_| {
        if search.is_answered()
            && let Some(place) = wanted.try_update_value(Option::take).flatten()
        {
            open_selected(place);
        }
    });
    let has_hits = move || found.with(|found| found.as_ref().is_some_and(|found| !found.hits.is_empty()));
    let step = move |delta: isize, len: usize| {
        let at = choice.at.get_untracked().saturating_add_signed(delta).min(len - 1);
        // Of an answer to an earlier question only the place is meant.
        let is_answered = untrack(|| search.is_answered());
        let hit = found.with_untracked(|found| found.as_ref().and_then(|found| found.hits.get(at).cloned()));
        choice.take(at, hit.filter(|_| is_answered));
        choice.show();
    };
    let on_key = move |event: web_sys::KeyboardEvent| {
        let len = found.with_untracked(|found| found.as_ref().map_or(0, |found| found.hits.len()));
        match event.key().as_str() {
            "ArrowDown" if len > 0 => step(1, len),
            "ArrowUp" if len > 0 => step(-1, len),
            "PageDown" if len > 0 => step(8, len),
            "PageUp" if len > 0 => step(-8, len),
            "Enter" => {
                let place = if event.shift_key() { Place::Beside } else { Place::Here };
                if !untrack(|| search.is_answered()) {
                    wanted.set_value(Some(place));
                } else if len > 0 {
                    open_selected(place);
                } else {
                    app.search_now();
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    view! {
        <header class="panel-head">
            <h2>"Search"</h2>
            <button
                type="button"
                class="tool"
                class:on=move || search.filters_open.get() || search.is_filtered()
                title="Filters"
                aria-label="Filters"
                aria-expanded=move || search.filters_open.get().to_string()
                on:click=move |_| search.filters_open.update(|open| *open = !*open)
            >
                {icon(Glyph::Filter)}
            </button>
        </header>
        <div class="search-form" role="search">
            <div class="search-field">
                <input
                    node_ref=field
                    type="search"
                    role="combobox"
                    aria-label="Search the workspace"
                    aria-expanded=move || has_hits().to_string()
                    aria-controls="search-results"
                    aria-activedescendant=move || {
                        has_hits().then(|| format!("hit-{}", choice.at.get()))
                    }
                    autocomplete="off"
                    spellcheck="false"
                    placeholder="Words, symbols or meaning"
                    prop:value=search.text
                    on:input=move |event| {
                        wanted.set_value(None);
                        search.text.set(event_target_value(&event));
                        search.k.set(crate::state::SEARCH_PAGE);
                        app.search_soon();
                    }
                    on:keydown=on_key
                    on:blur=move |_| wanted.set_value(None)
                />
                <button
                    type="button"
                    class="tool case"
                    class:on=search.case_sensitive
                    class:hidden=move || search.mode.get() == SearchMode::Smart
                    aria-pressed=move || search.case_sensitive.get().to_string()
                    aria-label="Match case"
                    title="Match case"
                    on:click=move |_| {
                        search.case_sensitive.update(|on| *on = !*on);
                        app.search_soon();
                    }
                >
                    "Aa"
                </button>
            </div>
            <div class="modes" role="radiogroup" aria-label="How to search">
                {MODES
                    .map(|(mode, name, title)| {
                        let on = move || search.mode.get() == mode;
                        view! {
                            <button
                                type="button"
                                role="radio"
                                class="mode"
                                class:on=on
                                aria-checked=move || on().to_string()
                                title=title
                                on:click=move |_| {
                                    search.mode.set(mode);
                                    app.search_soon();
                                }
                            >
                                {name}
                            </button>
                        }
                    })
                    .collect_view()}
            </div>
            <Show when=move || search.filters_open.get()>
                <Filters />
            </Show>
        </div>
        <Summary found />
        <div node_ref=list class="panel-scroll results" tabindex="0">
            <div
                id="search-results"
                role=move || if has_hits() { "listbox" } else { "presentation" }
                aria-label=move || has_hits().then_some("Results")
                aria-busy=move || has_hits().then(|| search.running.get().to_string())
            >
                <Results found choice />
            </div>
            <More found />
        </div>
    }
}

/// Open a hit with its first matching line in view.
pub fn open_hit(app: App, hit: &protocol::SearchHit, place: Place) {
    let marked = hit.preview.iter().find(|line| !line.highlights.is_empty());
    let span = match marked.and_then(|line| Some((line, line.highlights.first()?))) {
        Some((line, mark)) => protocol::Span {
            start: protocol::Pos { line: line.line, utf16: line.start_utf16 + mark.start_utf16 },
            end: protocol::Pos { line: line.line, utf16: line.start_utf16 + mark.end_utf16 },
        },
        None => {
            let pos = protocol::Pos { line: hit.start_line, utf16: 0 };
            protocol::Span { start: pos, end: pos }
        }
    };
    app.show(&hit.path, Some(span), place);
}

#[component]
fn Filters() -> impl IntoView {
    let app = app();
    let search = app.search;
    let languages = Memo::new(move |_| {
        let mut ids: Vec<String> =
            app.files.with(|files| files.iter().map(|file| file.language.clone()).collect());
        ids.sort_unstable();
        ids.dedup();
        ids
    });
    let kind_id = |kind: SymbolKind| badge(kind).2;
    view! {
        <div class="filters">
            <label class="field">
                <span>"Files"</span>
                <input
                    type="text"
                    placeholder="src/**/*.rs, !**/tests/**"
                    spellcheck="false"
                    prop:value=search.path_glob
                    on:input=move |event| {
                        search.path_glob.set(event_target_value(&event));
                        app.search_soon();
                    }
                />
            </label>
            <label class="field">
                <span>"Language"</span>
                <select
                    prop:value=search.language
                    on:change=move |event| {
                        search.language.set(event_target_value(&event));
                        app.search_soon();
                    }
                >
                    <option value="">"All"</option>
                    {move || {
                        languages
                            .get()
                            .into_iter()
                            .map(|id| {
                                let on = search.language.with_untracked(|language| *language == id);
                                view! { <option value=id.clone() selected=on>{id.clone()}</option> }
                            })
                            .collect_view()
                    }}
                </select>
            </label>
            <label class="field">
                <span>"Kind"</span>
                <select on:change=move |event| {
                    let name = event_target_value(&event);
                    search.kind.set(KINDS.into_iter().find(|kind| kind_id(*kind) == name));
                    app.search_soon();
                }>
                    <option value="">"All"</option>
                    {KINDS
                        .map(|kind| {
                            let on = search.kind.get_untracked() == Some(kind);
                            view! { <option value=kind_id(kind) selected=on>{kind_id(kind)}</option> }
                        })
                        .collect_view()}
                </select>
            </label>
            <label class="field">
                <span>"Changed"</span>
                <select on:change=move |event| {
                    let name = event_target_value(&event);
                    let since = SINCE.into_iter().find(|(_, label)| *label == name).map(|(since, _)| since);
                    search.since.set(since.unwrap_or_default());
                    app.search_soon();
                }>
                    {SINCE
                        .map(|(since, label)| {
                            let on = search.since.get_untracked() == since;
                            view! { <option value=label selected=on>{label}</option> }
                        })
                        .collect_view()}
                </select>
            </label>
        </div>
    }
}

/// The line above the results: how many, how much was covered, and what was left out.
#[component]
fn Summary(found: Memo<Option<Found>>) -> impl IntoView {
    let search = app().search;
    let text = move || {
        if let Some(sentence) = search.error.get() {
            return sentence;
        }
        let Some(found) = found.get() else { return String::new() };
        let hits = found.hits.len() as u64;
        let mut text = if hits == 0 {
            String::new()
        } else {
            format!("{} in {}", several(hits, "result"), several(found.num_files as u64, "file"))
        };
        if found.num_more > 0 {
            text.push_str(&format!(", {} more", count(u64::from(found.num_more))));
        }
        for (layer, share) in &found.coverage {
            if *share < 1.0 && *layer != Layer::Exact {
                let percent = (f64::from(*share) * 100.0).floor();
                text.push_str(&format!(
                    "{}{} {percent} %",
                    if text.is_empty() { "" } else { " · " },
                    layer_name(*layer)
                ));
            }
        }
        text
    };
    let notice = move || {
        found.with(|found| found.as_ref().map(|found| found.notice.clone())).filter(|n| !n.is_empty())
    };
    view! {
        <div class="search-summary" class:error=move || search.error.with(Option::is_some) role="status">
            <span>{text}</span>
            {move || notice().map(|notice| view! { <span class="search-notice">{notice}</span> })}
        </div>
    }
}
