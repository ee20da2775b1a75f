//! Search results, grouped by file.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::{Layer, PreviewLine, SearchHit, SearchReply, SymbolKind};

use super::explorer::colour_of;
use super::icon::{Glyph, icon};
use super::outline::kind_badge;
use super::palette::marked;
use super::search::open_hit;
use crate::state::runs::{indent, near_first_mark, runs, without_indent};
use crate::state::tree::{file_name, folder_of};
use crate::state::{Place, SEARCH_PAGE, app};

/// An answer in the order in which it is shown: files by their best hit, hits of a file together.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The hits; the place of a hit here is its number for the keyboard.
    pub hits: Arc<Vec<SearchHit>>,
    /// Number of files among them.
    pub num_files: usize,
    /// As the engine said.
    pub coverage: Vec<(Layer, f32)>,
    /// As the engine said.
    pub num_more: u32,
    /// As the engine said.
    pub notice: String,
}

impl Found {
    /// Group an answer.
    pub fn new(reply: &SearchReply) -> Self {
        let mut files: Vec<&str> = Vec::new();
        for hit in &reply.hits {
            if !files.contains(&hit.path.as_str()) {
                files.push(&hit.path);
            }
        }
        let mut hits = Vec::with_capacity(reply.hits.len());
        for path in &files {
            hits.extend(reply.hits.iter().filter(|hit| hit.path == *path).cloned());
        }
        Self {
            hits: Arc::new(hits),
            num_files: files.len(),
            coverage: reply.coverage.clone(),
            num_more: reply.num_more,
            notice: reply.notice.clone(),
        }
    }

    /// Where the hit of another answer stands in this one.
    pub fn place_of(&self, hit: &SearchHit) -> Option<usize> {
        let lines = |hit: &SearchHit| (hit.start_line, hit.end_line);
        self.hits.iter().position(|other| other.path == hit.path && lines(other) == lines(hit))
    }
}

/// Which hit of an answer is the current one. A person's choice is kept as the hit itself, since in the next answer to
/// the same question others may stand above it.
#[derive(Clone, Copy)]
pub struct Choice {
    /// Its number in the answer on show.
    pub at: RwSignal<usize>,
    /// What a person chose; nothing before that.
    hit: StoredValue<Option<SearchHit>>,
    /// Bumped when the row of `at` is to be scrolled into view.
    pub seek: RwSignal<u32>,
}

impl Choice {
    /// Nothing is chosen, and the first hit is the current one.
    pub fn new() -> Self {
        Self { at: RwSignal::new(0), hit: StoredValue::new(None), seek: RwSignal::new(0) }
    }

    /// A person chose this one. `None` for a row of an answer that is about to be replaced: only its place counts.
    pub fn take(self, at: usize, hit: Option<SearchHit>) {
        self.hit.set_value(hit);
        self.at.set(at);
    }

    /// Bring the current row into view.
    pub fn show(self) {
        self.seek.update(|n| *n += 1);
    }

    /// Another question: back to the top.
    pub fn forget(self) {
        self.take(0, None);
        self.show();
    }

    /// Another answer to the same question: the choice stays on its hit, also when an answer in between lacks it.
    pub fn follow(self, found: &Found) {
        let before = self.at.get_untracked();
        let place = self.hit.with_value(|hit| hit.as_ref().and_then(|hit| found.place_of(hit)));
        let at = place.unwrap_or(before).min(found.hits.len().saturating_sub(1));
        if at != before {
            self.at.set(at);
        }
    }
}

/// Name of a layer for people.
pub const fn layer_name(layer: Layer) -> &'static str {
    match layer {
        Layer::Lexical => "words",
        Layer::Symbols => "symbols",
        Layer::Vectors => "meaning",
        Layer::Exact => "exact",
    }
}

/// The list, or a sentence where there is none.
#[component]
pub fn Results(
    /// The answer.
    found: Memo<Option<Found>>,
    /// The hit that has the keyboard.
    choice: Choice,
) -> impl IntoView {
    let app = app();
    let search = app.search;
    move || {
        match found.get() {
        None if search.error.with(Option::is_some) => ().into_any(),
        None => view! {
            <div class="panel-empty">
                <p>"Type what you look for: words, the name of a symbol, or what the code does."</p>
                <p class="muted">"Arrow keys move through the results, Enter opens, Shift+Enter opens beside."</p>
            </div>
        }
        .into_any(),
        Some(found) if found.hits.is_empty() => {
            let sentence = if search.is_filtered() {
                "Nothing matches with these filters. Remove some of them, or try other words."
            } else if search.running.get() {
                "Searching…"
            } else {
                "Nothing was found. Try other words, or another way to search."
            };
            view! { <p class="panel-empty">{sentence}</p> }.into_any()
        }
        Some(found) => {
            let mut last_path = "";
            let mut views = Vec::with_capacity(found.hits.len());
            for (at, hit) in found.hits.iter().enumerate() {
                let head = (hit.path != last_path).then(|| {
                    let count = found.hits[at..].iter().take_while(|other| other.path == hit.path).count();
                    file_head(&hit.path, count)
                });
                last_path = &hit.path;
                views.push(view! { {head} {hit_row(hit.clone(), at, choice)} });
            }
            views.into_any()
        }
    }
    }
}

/// The button below the list; outside of it, since a list of options holds nothing else.
#[component]
pub fn More(
    /// The answer.
    found: Memo<Option<Found>>,
) -> impl IntoView {
    let app = app();
    let search = app.search;
    let has_more = Memo::new(move |_| {
        found.with(|found| {
            found
                .as_ref()
                .is_some_and(|found| found.num_more > 0 || found.hits.len() as u32 >= search.k.get())
        })
    });
    view! {
        <Show when=move || has_more.get()>
            <button
                type="button"
                class="push-button more"
                on:click=move |_| {
                    search.k.update(|k| *k += SEARCH_PAGE);
                    app.search_now();
                }
            >
                "Show more"
            </button>
        </Show>
    }
}

fn file_head(path: &str, count: usize) -> impl IntoView {
    let (name, folder) = (file_name(path).to_owned(), folder_of(path).to_owned());
    let tint = colour_of(&name);
    view! {
        <div class="hit-file" role="presentation" title=path.to_owned()>
            <span class=format!("tree-file {tint}")>{icon(Glyph::File)}</span>
            <span class="hit-name">{name}</span>
            <span class="hit-folder">{folder}</span>
            <span class="count">{count}</span>
        </div>
    }
}

/// Blank lines at either end of a preview say nothing.
fn without_blank_ends(lines: &[PreviewLine]) -> &[PreviewLine] {
    let has_text = |line: &PreviewLine| indent(&line.text).is_some();
    match (lines.iter().position(has_text), lines.iter().rposition(has_text)) {
        (Some(first), Some(last)) => &lines[first..=last],
        _ => &[],
    }
}

/// The name of a hit's symbol and what it stands in. The name is shown first: the methods of one class would all begin
/// with the same letters, and in a narrow panel show no others.
fn name_of(hit: &SearchHit) -> Option<(&str, &str)> {
    // Titles and keys have dots of their own.
    let has_path =
        !matches!(hit.kind, None | Some(SymbolKind::Heading | SymbolKind::Key | SymbolKind::Other));
    match hit.symbol.rsplit_once('.') {
        Some((container, name)) if has_path && !name.is_empty() => Some((name, container)),
        _ => (!hit.symbol.is_empty()).then_some((hit.symbol.as_str(), "")),
    }
}

fn hit_row(hit: SearchHit, at: usize, choice: Choice) -> impl IntoView {
    let app = app();
    // All preview lines lose the indentation that they share.
    let shared = hit.preview.iter().filter_map(|line| indent(&line.text)).min().unwrap_or(0);
    let lines = without_blank_ends(&hit.preview)
        .iter()
        .map(|line| {
            let (text, marks) = without_indent(&line.text, &line.highlights, shared);
            let (text, marks) = near_first_mark(text, marks);
            view! {
                <div class="hit-line">
                    <span class="hit-number">{line.line + 1}</span>
                    <code>{marked(runs(&text, &marks))}</code>
                </div>
            }
        })
        .collect_view();
    let (name, container) = match name_of(&hit) {
        Some((name, container)) => (name.to_owned(), container.to_owned()),
        None => (String::new(), String::new()),
    };
    let badges = hit
        .layers
        .iter()
        .map(|&layer| {
            let name = layer_name(layer);
            view! { <span class=format!("layer-badge layer-{name}") title=format!("Found by {name}")>{name}</span> }
        })
        .collect_view();
    let range = if hit.start_line == hit.end_line {
        format!("line {}", hit.start_line + 1)
    } else {
        format!("lines {}–{}", hit.start_line + 1, hit.end_line + 1)
    };
    let place = format!("{}, {range}", hit.path);
    let kind = hit.kind;
    let hit = StoredValue::new(hit);
    let open = move |place: Place| {
        choice.take(at, Some(hit.get_value()));
        hit.with_value(|hit| open_hit(app, hit, place));
    };
    view! {
        <div
            id=format!("hit-{at}")
            class="hit"
            class:current=move || choice.at.get() == at
            role="option"
            aria-selected=move || (choice.at.get() == at).to_string()
            on:click=move |event| {
                let beside = event.shift_key() || event.ctrl_key() || event.meta_key();
                open(if beside { Place::Beside } else { Place::Preview });
            }
            on:dblclick=move |_| {
                open(Place::Here);
                app.focus_editor();
            }
        >
            <div class="hit-head">
                {kind.map(kind_badge)}
                <span class="sr-only">{place}</span>
                <span class="hit-symbol">
                    {if name.is_empty() { range.clone() } else { name }} " "
                    <span class="muted">{container}</span>
                </span>
                <span class="layer-badges">{badges}</span>
            </div>
            {lines}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(path: &str, score: f32) -> SearchHit {
        SearchHit {
            path: path.into(),
            language: "rust".into(),
            start_line: 0,
            end_line: 0,
            symbol: String::new(),
            kind: None,
            score,
            layers: vec![Layer::Lexical],
            preview: vec![],
        }
    }

    #[test]
    fn a_choice_outlives_answers_that_lack_it() {
        let owner = Owner::new();
        owner.with(|| {
            let answer = |paths: &[&str]| {
                let hits = paths.iter().map(|path| hit(path, 1.0)).collect();
                Found::new(&SearchReply { hits, ..SearchReply::default() })
            };
            let choice = Choice::new();
            choice.follow(&answer(&["a", "b", "c"]));
            assert_eq!(choice.at.get_untracked(), 0);
            choice.take(1, Some(hit("b", 1.0)));
            choice.follow(&answer(&["x", "y", "b"]));
            assert_eq!(choice.at.get_untracked(), 2);
            choice.follow(&answer(&["x"]));
            assert_eq!(choice.at.get_untracked(), 0);
            choice.follow(&answer(&[]));
            choice.follow(&answer(&["b", "x", "a"]));
            assert_eq!(choice.at.get_untracked(), 0);
            choice.follow(&answer(&["x", "b"]));
            assert_eq!(choice.at.get_untracked(), 1);
            choice.forget();
            choice.follow(&answer(&["x", "b"]));
            assert_eq!(choice.at.get_untracked(), 0);
        });
    }

    #[test]
    fn a_name_stands_apart_from_its_container() {
        let named = |symbol: &str, kind| SearchHit { symbol: symbol.into(), kind, ..hit("a", 1.0) };
        let names = |symbol: &str, kind| {
            name_of(&named(symbol, kind)).map(|(name, container)| (name.to_owned(), container.to_owned()))
        };
        let pair = |name: &str, container: &str| Some((name.to_owned(), container.to_owned()));
        assert_eq!(names("Pool.Conn.close", Some(SymbolKind::Method)), pair("close", "Pool.Conn"));
        assert_eq!(names("close", Some(SymbolKind::Function)), pair("close", ""));
        assert_eq!(names("Guide.Version 1.2", Some(SymbolKind::Heading)), pair("Guide.Version 1.2", ""));
        assert_eq!(names("odd.", Some(SymbolKind::Method)), pair("odd.", ""));
        assert_eq!(names("", None), None);
    }

    #[test]
    fn hits_of_a_file_stand_together_in_the_order_of_the_best() {
        let reply = SearchReply {
            hits: vec![hit("b", 5.0), hit("a", 4.0), hit("b", 3.0), hit("c", 2.0), hit("a", 1.0)],
            ..SearchReply::default()
        };
        let found = Found::new(&reply);
        let order: Vec<(&str, f32)> = found.hits.iter().map(|h| (h.path.as_str(), h.score)).collect();
        assert_eq!(order, [("b", 5.0), ("b", 3.0), ("a", 4.0), ("a", 1.0), ("c", 2.0)]);
        assert_eq!(found.num_files, 3);
    }
}
