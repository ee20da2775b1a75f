//! The search panel's state: what is asked, what was found, and when to ask again.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use protocol::{
    EmbedState, FaultCode, Layer, Search, SearchFilter, SearchMode, SearchQuery, SearchReply, SymbolKind,
};
use serde::{Deserialize, Serialize};

use super::App;
use super::abort;
use crate::link::ModelState;

/// Files changed since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Since {
    /// No bound.
    #[default]
    Ever,
    /// This many hours.
    Hours(u32),
}

/// Number of hits asked for at first, and added by "show more".
pub const PAGE: u32 = 50;
/// A search that replaces a running one waits this long, so that fast typing does not queue up work.
const BUSY_MS: u32 = 40;
/// What the first layers found is shown when the others take longer than this. Laying out a list takes as long, so one
/// that is replaced at once only delays what replaces it.
const INTERIM_MS: u32 = 30;

/// What was asked, as it is kept with the workspace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    text: String,
    mode: SearchMode,
    case_sensitive: bool,
    path_glob: String,
    language: String,
    kind: Option<SymbolKind>,
    since: Since,
}

/// What the panel shows and what its fields hold.
#[derive(Clone, Copy)]
pub struct SearchState {
    /// The query.
    pub text: RwSignal<String>,
    /// How it is read.
    pub mode: RwSignal<SearchMode>,
    /// Match case.
    pub case_sensitive: RwSignal<bool>,
    /// Path globs.
    pub path_glob: RwSignal<String>,
    /// Language id, empty for all.
    pub language: RwSignal<String>,
    /// Kind of symbol.
    pub kind: RwSignal<Option<SymbolKind>>,
    /// Changed since.
    pub since: RwSignal<Since>,
    /// Number of hits wanted.
    pub k: RwSignal<u32>,
    /// The latest answer, interim or final; `None` before the first and when the query is empty.
    pub reply: RwSignal<Option<Arc<SearchReply>>>,
    /// A search is on its way.
    pub running: RwSignal<bool>,
    /// Counts what was asked: one more for each change of the query or a filter.
    asked: RwSignal<u32>,
    /// What `reply` or `error` answers, as `asked` counts.
    answered: RwSignal<u32>,
    /// A sentence about the last search's failure.
    pub error: RwSignal<Option<String>>,
    /// The filters are shown.
    pub filters_open: RwSignal<bool>,
    /// Bumped to give the query field the keyboard.
    pub focus: RwSignal<u32>,
}

impl Default for SearchState {
    fn default() -> Self {
        Self {
            text: RwSignal::default(),
            mode: RwSignal::default(),
            case_sensitive: RwSignal::new(false),
            path_glob: RwSignal::default(),
            language: RwSignal::default(),
            kind: RwSignal::new(None),
            since: RwSignal::default(),
            k: RwSignal::new(PAGE),
            reply: RwSignal::new(None),
            running: RwSignal::new(false),
            asked: RwSignal::new(0),
            answered: RwSignal::new(0),
            error: RwSignal::new(None),
            filters_open: RwSignal::new(false),
            focus: RwSignal::new(0),
        }
    }
}

impl SearchState {
    /// Forget query, filters and answer: those of one workspace would only hide what another one has.
    pub fn clear(self) {
        self.text.set(String::new());
        self.mode.set(SearchMode::default());
        self.case_sensitive.set(false);
        self.path_glob.set(String::new());
        self.language.set(String::new());
        self.kind.set(None);
        self.since.set(Since::default());
        self.reply.set(None);
        self.running.set(false);
        self.answered.set(self.asked.get_untracked());
        self.error.set(None);
        self.k.set(PAGE);
    }

    /// What the fields hold, to be kept. Tracks them.
    pub(super) fn to_keep(self) -> Asked {
        Asked {
            text: self.text.get(),
            mode: self.mode.get(),
            case_sensitive: self.case_sensitive.get(),
            path_glob: self.path_glob.get(),
            language: self.language.get(),
            kind: self.kind.get(),
            since: self.since.get(),
        }
    }

    fn take(self, asked: Asked) {
        self.text.set(asked.text);
        self.mode.set(asked.mode);
        self.case_sensitive.set(asked.case_sensitive);
        self.path_glob.set(asked.path_glob);
        self.language.set(asked.language);
        self.kind.set(asked.kind);
        self.since.set(asked.since);
    }

    /// True when the answer on show, if there is one, belongs to what the fields hold.
    #[must_use]
    pub fn is_answered(self) -> bool {
        self.answered.get() == self.asked.get()
    }

    fn show(self, asked: u32, outcome: Result<SearchReply, String>) {
        let (reply, error) = match outcome {
            Ok(reply) => (Some(Arc::new(reply)), None),
            Err(sentence) => (None, Some(sentence)),
        };
        self.error.set(error);
        self.reply.set(reply);
        self.answered.set(asked);
    }

    /// True when some filter narrows the search.
    #[must_use]
    pub fn is_filtered(self) -> bool {
        !self.path_glob.with(String::is_empty)
            || !self.language.with(String::is_empty)
            || self.kind.get().is_some()
            || self.since.get() != Since::Ever
    }

    fn query(self) -> SearchQuery {
        let language = self.language.get_untracked();
        let changed_since_unix_ms = match self.since.get_untracked() {
            Since::Ever => None,
            Since::Hours(hours) => {
                Some((js_sys::Date::now() - f64::from(hours) * 3_600_000.0).max(0.0) as u64)
            }
        };
        SearchQuery {
            text: self.text.get_untracked(),
            mode: self.mode.get_untracked(),
            case_sensitive: self.case_sensitive.get_untracked(),
            k: self.k.get_untracked(),
            layers: Vec::new(),
            filter: SearchFilter {
                path_glob: self.path_glob.get_untracked(),
                languages: if language.is_empty() { Vec::new() } else { vec![language] },
                kinds: self.kind.get_untracked().into_iter().collect(),
                changed_since_unix_ms,
            },
        }
    }
}

impl App {
    /// The query or a filter changed: search at once when nothing runs, else as soon as typing pauses.
    pub fn search_soon(self) {
        self.search.asked.update(|asked| *asked += 1);
        if self.search.running.get_untracked() {
            self.search_later();
        } else {
            self.search_now();
        }
    }

    /// Ask again what was asked when the workspace was left, unless something was typed since.
    pub(super) fn ask_again(self, asked: Asked) {
        if self.search.text.with_untracked(String::is_empty) && asked != Asked::default() {
            self.search.take(asked);
            self.search_soon();
        }
    }

    fn search_later(self) {
        self.search.running.set(true);
        let timer = Timeout::new(BUSY_MS, move || self.search_now());
        self.private.update_value(|private| private.search_timer = Some(timer));
    }

    /// Search with what the fields hold; the answers before stay on show until new ones come.
    pub fn search_now(self) {
        let search = self.search;
        let query = search.query();
        let mut ended = None;
        self.private.update_value(|private| {
            private.search_timer = None;
            ended = private.search_task.take();
        });
        drop(ended);
        let asked = search.asked.get_untracked();
        if query.text.trim().is_empty() {
            search.reply.set(None);
            search.running.set(false);
            search.error.set(None);
            search.answered.set(asked);
            return;
        }
        let Some(workspace) = self.open_id() else { return };
        search.running.set(true);
        let engine = self.engine();
        let task = abort::spawn(async move {
            let first = Rc::new(RefCell::new(None));
            let later = first.clone();
            let interim = move |reply: SearchReply| {
                let timer = Timeout::new(INTERIM_MS, move || search.show(asked, Ok(reply)));
                later.replace(Some(timer));
            };
            let outcome = engine.stream(Search { workspace, query }, Vec::new(), interim).await;
            first.take();
            // What was typed meanwhile is asked next: nobody should take these results for its answer.
            search.running.set(self.private.with_value(|private| private.search_timer.is_some()));
            match outcome {
                Ok((reply, _)) => search.show(asked, Ok(reply)),
                // By the engine, as when this tab becomes the one that writes: the question still stands.
                Err(fault) if fault.code == FaultCode::Cancelled => self.search_later(),
                Err(fault) => search.show(asked, Err(fault.sentence)),
            }
        });
        self.private.update_value(|private| private.search_task = Some(task));
    }

    /// Layers, and the model, become ready while an answer is on show: ask again at each step that can change it.
    pub(super) fn watch_coverage(self) {
        let step = Memo::new(move |_| {
            let is_ready = matches!(self.model_state(), ModelState::Ready(..));
            self.status.with(|status| {
                // A model worker that is started again stays ready for the page; the engine knows better.
                let has_model = is_ready && status.embed != EmbedState::NoModel;
                let share = |p: protocol::Progress| (p.done * 10).checked_div(p.total).unwrap_or(0);
                // What a search found by words is embedded first, so the first vectors matter most: each doubling counts.
                let doublings = status.vectors.done.checked_ilog2().unwrap_or(0);
                (share(status.lexical), share(status.symbols), share(status.vectors) + doublings, has_model)
            })
        });
        Effect::new(move |before: Option<(u32, u32, u32, bool)>| {
            let now = step.get();
            let search = self.search;
            let wants_more = search.reply.with_untracked(|reply| {
                reply
                    .as_ref()
                    .is_some_and(|r| r.coverage.iter().any(|(layer, c)| *layer != Layer::Exact && *c < 1.0))
            });
            if before.is_some_and(|before| before != now) && wants_more && !search.running.get_untracked() {
                self.search_now();
            }
            now
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_filter_of_one_workspace_is_left_for_the_next() {
        let owner = Owner::new();
        owner.with(|| {
            let state = SearchState::default();
            let untouched = state.query();
            state.text.set("x".into());
            state.mode.set(SearchMode::Regex);
            state.case_sensitive.set(true);
            state.path_glob.set("oldproject/src/**".into());
            state.language.set("rust".into());
            state.kind.set(Some(SymbolKind::Function));
            state.k.set(2 * PAGE);
            assert_ne!(state.query(), untouched);
            let asked = state.to_keep();
            state.clear();
            assert_eq!(state.query(), untouched);
            let kept = serde_json::to_string(&asked).unwrap_or_default();
            state.take(serde_json::from_str(&kept).unwrap_or_default());
            assert_eq!(state.to_keep(), asked);
            assert_eq!(state.query().mode, SearchMode::Regex);
        });
    }
}
