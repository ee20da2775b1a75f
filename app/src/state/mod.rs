//! What the page knows and can do, apart from how it looks.
//!
//! [`App`] is a bundle of signals and handles that copies freely; views read its signals and call its methods, and so
//! does `window.alcove`. Modules without signals ([`fuzzy`], [`keys`], [`layout`], [`runs`], [`tree`]) are plain data
//! with native tests.

pub mod abort;
mod chat;
mod conflicts;
pub mod dialog;
mod disk;
mod docs;
pub mod fit;
pub mod fuzzy;
mod imported;
mod kept;
pub mod keys;
mod language;
pub mod layout;
mod open;
mod parting;
mod paths;
pub mod runs;
mod saves;
mod search;
pub mod settings;
mod shelf;
mod show;
mod suggest;
mod switch;
mod theme;
pub mod toast;
pub mod tree;
mod turns;
mod view;
mod visit;
mod workspace;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use gloo_timers::callback::Timeout;
use js_sys::ArrayBuffer;
use leptos::prelude::*;
use protocol::{
    Access, Call, EngineRequest, EngineStatus, Fault, FaultCode, FileInfo, WatchStatus, WorkspaceId,
    WorkspaceInfo,
};

use crate::editor::{Cursor, Pane, Watch};
use crate::link::{Engine, Generator, GeneratorState, LinkState, ModelState, Models};

pub use chat::ChatState;
pub use conflicts::Conflict;
pub use docs::DocState;
pub use language::CatalogueEntry;
pub use search::{PAGE as SEARCH_PAGE, SearchState, Since};
pub use shelf::Shelf;
pub use workspace::Phase;

use dialog::Dialog;
use layout::Layout;
use settings::Settings;
use toast::{Toasts, Weight};
use tree::Tree;

/// Told while the engine is away; no longer true once it is known that none comes back.
const ENGINE_RESTARTS: &str =
    "The engine stopped and is being started again. Your files and unsaved edits are safe.";

/// Panels of the side bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Side {
    /// The file tree.
    #[default]
    Explorer,
    /// Search.
    Search,
    /// Symbols of the active file.
    Outline,
    /// Questions and answers.
    Chat,
}

/// Where a file is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the focused group, in a tab that stays.
    Here,
    /// In the focused group, in the tab that the next preview replaces.
    Preview,
    /// In the other group.
    Beside,
}

/// Everything. Copies are the same state.
#[derive(Clone, Copy)]
pub struct App {
    engine: StoredValue<Engine, LocalStorage>,
    models: StoredValue<Models, LocalStorage>,
    language: StoredValue<Generator, LocalStorage>,
    private: StoredValue<Private, LocalStorage>,
    /// Messages to the person.
    pub toasts: Toasts,
    /// The dialog that is open.
    pub dialog: RwSignal<Option<Dialog>>,
    /// Settings of the person.
    pub settings: RwSignal<Settings>,
    /// Which of the big screens shows.
    pub phase: RwSignal<Phase>,
    /// The open workspace.
    pub opened: RwSignal<Option<WorkspaceInfo>>,
    /// How it is held.
    pub access: RwSignal<Option<Access>>,
    /// Workspaces kept on this device, latest first; `None` until they are known.
    pub kept: RwSignal<Option<Vec<WorkspaceInfo>>>,
    /// Files of the open workspace, sorted by path.
    pub files: RwSignal<Arc<Vec<FileInfo>>>,
    /// The same as a tree.
    pub tree: RwSignal<Arc<Tree>>,
    /// Folders of the tree that are open.
    pub folders: RwSignal<HashSet<String>>,
    /// The row of the tree that has the keyboard, by its path.
    pub tree_focus: RwSignal<Option<String>>,
    /// The file of the editor that the tree has shown last.
    pub tree_followed: RwSignal<Option<String>>,
    /// Counts the unsaved texts that the engine took: what it makes of them can be asked anew.
    pub drafts_kept: RwSignal<u32>,
    /// State of the engine.
    pub status: RwSignal<EngineStatus>,
    /// The browser says that there is a network.
    pub online: RwSignal<bool>,
    /// Tabs.
    pub layout: RwSignal<Layout>,
    /// What became of reading the files that have tabs.
    pub docs: RwSignal<HashMap<String, DocState>>,
    /// Paths with unsaved changes.
    pub dirty: RwSignal<HashSet<String>>,
    /// Where the cursor of the focused editor stands.
    pub cursor: RwSignal<Option<Cursor>>,
    /// The panes of the groups.
    pub panes: [Pane; layout::MAX_GROUPS],
    /// Panel of the side bar.
    pub side: RwSignal<Side>,
    /// The side bar is shown.
    pub side_open: RwSignal<bool>,
    /// Width of the side bar in CSS pixels.
    pub side_width_px: RwSignal<f64>,
    /// A sentence while an import runs.
    pub importing: RwSignal<Option<String>>,
    /// The workspace came from a folder on disk that this page may ask to write to.
    pub has_folder: RwSignal<bool>,
    /// Files that changed both here and outside, until a person decides.
    pub conflicts: RwSignal<Vec<Conflict>>,
    /// Search panel.
    pub search: SearchState,
    /// Language models that Alcove knows of, the usual one first; empty until they are asked for.
    pub catalogue: RwSignal<Vec<CatalogueEntry>>,
    /// Files of language models.
    pub shelf: Shelf,
    /// Chat panel.
    pub chat: ChatState,
}

#[derive(Default)]
struct Private {
    /// Ends when the open workspace is left.
    visit: visit::Visit,
    /// Saves of one file go one after another.
    saves: turns::Turns,
    /// Hash of the saved bytes of open files.
    hashes: HashMap<String, [u8; 16]>,
    /// Paths for which the engine keeps an unsaved edit.
    drafted: HashSet<String>,
    /// Id of the language model that was asked for last, unless it was unloaded since.
    model_asked: Option<String>,
    /// Paths with unsaved text of this tab's own while another tab writes.
    own_edits: HashSet<String>,
    /// Unsaved edits on their way to the engine.
    draft_timers: HashMap<String, Timeout>,
    /// Unsaved edits that the engine has not answered for.
    unanswered: parting::Unanswered,
    layout_timer: Option<Timeout>,
    /// Last line and column of each file that was shown, and when to write them down.
    cursors: BTreeMap<String, (u32, u32)>,
    /// How often the keyboard was asked for; what is late for it can tell by this.
    asked_for_keyboard: u64,
    cursor_timer: Option<Timeout>,
    search_timer: Option<Timeout>,
    search_task: Option<abort::Task>,
    watch: Option<Watch>,
    /// Sentences of the engine that were shown.
    told: HashSet<String>,
    quota_told: bool,
    opening_sample: bool,
    /// Saves that the folder on disk lacks.
    behind: disk::Behind,
}

impl App {
    /// Start the engine worker and set up the state. Call inside a reactive owner, once.
    #[must_use]
    pub fn start() -> Self {
        let engine = Engine::start();
        let models = Models::new(engine.clone());
        let language = Generator::new(engine.clone());
        let catalogue = RwSignal::default();
        let app = Self {
            engine: StoredValue::new_local(engine),
            models: StoredValue::new_local(models),
            language: StoredValue::new_local(language),
            private: StoredValue::new_local(Private::default()),
            toasts: Toasts::default(),
            dialog: RwSignal::new(None),
            settings: RwSignal::new(Settings::load()),
            phase: RwSignal::new(Phase::Starting),
            opened: RwSignal::new(None),
            access: RwSignal::new(None),
            kept: RwSignal::new(None),
            files: RwSignal::default(),
            tree: RwSignal::default(),
            folders: RwSignal::default(),
            tree_focus: RwSignal::new(None),
            tree_followed: RwSignal::new(None),
            drafts_kept: RwSignal::new(0),
            status: RwSignal::default(),
            online: RwSignal::new(window().navigator().on_line()),
            layout: RwSignal::default(),
            docs: RwSignal::default(),
            dirty: RwSignal::default(),
            cursor: RwSignal::new(None),
            panes: [Pane::new(), Pane::new()],
            side: RwSignal::default(),
            side_open: RwSignal::new(!crate::platform::media::matches("(max-width: 640px)")),
            side_width_px: RwSignal::new(280.0),
            importing: RwSignal::new(None),
            has_folder: RwSignal::new(false),
            conflicts: RwSignal::new(Vec::new()),
            search: SearchState::default(),
            catalogue,
            shelf: Shelf::new(catalogue),
            chat: ChatState::default(),
        };
        app.watch_settings();
        app.watch_suggestions();
        app.watch_status();
        app.watch_documents();
        app.watch_layout();
        app.watch_page();
        app.watch_coverage();
        app.watch_language();
        app.begin();
        app
    }

    /// The engine worker.
    #[must_use]
    pub fn engine(self) -> Engine {
        self.engine.get_value()
    }

    /// The model workers.
    #[must_use]
    pub fn models(self) -> Models {
        self.models.get_value()
    }

    /// How the engine worker is doing.
    #[must_use]
    pub fn link_state(self) -> LinkState {
        self.engine.with_value(Engine::state).get()
    }

    /// How the embedder is doing.
    #[must_use]
    pub fn model_state(self) -> ModelState {
        self.models.with_value(Models::state).get()
    }

    /// The language model.
    #[must_use]
    pub fn language(self) -> Generator {
        self.language.get_value()
    }

    /// How the language model is doing.
    #[must_use]
    pub fn language_state(self) -> GeneratorState {
        self.language.with_value(Generator::state).get()
    }

    /// Call the engine. The call is on its way when this returns; its answer can be waited for later.
    ///
    /// # Errors
    /// The engine's fault.
    pub fn call<C: Call<Request = EngineRequest>>(
        self,
        call: C,
    ) -> impl Future<Output = Result<C::Reply, Fault>> + use<C> {
        self.engine().call(call)
    }

    /// Call the engine with one buffer made of `bytes`.
    ///
    /// # Errors
    /// The engine's fault.
    pub fn call_bytes<C: Call<Request = EngineRequest>>(
        self,
        call: C,
        bytes: &[u8],
    ) -> impl Future<Output = Result<C::Reply, Fault>> + use<C> {
        let pending = self.engine().call_with(call, vec![buffer(bytes)]);
        async move { pending.await.map(|(reply, _)| reply) }
    }

    /// Id of the open workspace.
    pub(crate) fn open_id(self) -> Option<WorkspaceId> {
        self.opened.with_untracked(|opened| opened.as_ref().map(|opened| opened.id))
    }

    /// Id of the open workspace, for calls about what is in it.
    ///
    /// # Errors
    /// [`FaultCode::NotOpen`] when none is.
    pub(crate) fn here(self) -> Result<WorkspaceId, Fault> {
        let sentence = "No workspace is open. Open a folder, some files or a kept workspace first.";
        self.open_id().ok_or_else(|| Fault::new(FaultCode::NotOpen, sentence))
    }

    /// Run an action in the background; a failure becomes a message.
    pub fn act(self, action: impl Future<Output = Result<(), Fault>> + 'static) {
        leptos::task::spawn_local(async move {
            if let Err(fault) = action.await {
                self.toasts.fault(&fault);
            }
        });
    }

    fn watch_status(self) {
        leptos::task::spawn_local(async move {
            loop {
                let status = self.status;
                let stream = self.engine().stream(WatchStatus, Vec::new(), move |now| status.set(now));
                let ended = stream.await;
                let pause_ms = ended.err().and_then(|fault| fault.retry_after_ms).unwrap_or(1000);
                gloo_timers::future::TimeoutFuture::new(pause_ms).await;
            }
        });
        let notices = Memo::new(move |_| self.status.with(|status| status.notices.clone()));
        Effect::new(move |_| {
            for sentence in notices.get() {
                self.tell_once(&sentence);
            }
        });
        let access = Memo::new(move |_| {
            self.status.with(|status| status.workspace.as_ref().map(|(id, _)| *id).zip(status.access))
        });
        Effect::new(move |_| {
            if let Some((id, access)) = access.get()
                && self.open_id() == Some(id)
            {
                self.set_access(access);
            }
        });
        Effect::new(move |_| match self.link_state() {
            LinkState::Restarting(reason) => {
                leptos::logging::log!("engine restarting: {reason}");
                self.toasts.say(Weight::Warning, ENGINE_RESTARTS);
            }
            // No engine comes any more that would keep what is typed.
            LinkState::Stale => {
                self.toasts.take_back(ENGINE_RESTARTS);
                self.toasts.fault(&crate::link::outgrown());
            }
            _ => {}
        });
        self.watch_quota();
    }

    /// Show a sentence of the engine unless it was shown since the workspace was opened.
    fn tell_once(self, sentence: &str) {
        let mut is_new = false;
        self.private.update_value(|private| is_new = private.told.insert(sentence.to_owned()));
        if is_new {
            self.toasts.say(Weight::Warning, sentence);
        }
    }

    /// The network is back, for want of which workers may have failed: they are tried again.
    fn start_what_failed(self) {
        if matches!(untrack(|| self.link_state()), LinkState::Failed(_)) {
            self.engine().restart();
        }
        if matches!(untrack(|| self.model_state()), ModelState::Failed(_)) {
            self.start_models();
        }
        let language = self.settings.with_untracked(|settings| settings.language.clone());
        if matches!(untrack(|| self.language_state()), GeneratorState::Failed(_)) && !language.is_empty() {
            self.act(async move { self.load_model(&language, None).await.map(|_| ()) });
        }
    }

    fn watch_page(self) {
        let online = self.online;
        for name in ["online", "offline"] {
            let handle = window_event_listener_untyped(name, move |_| {
                online.set(window().navigator().on_line());
                if online.get_untracked() {
                    self.start_what_failed();
                }
            });
            std::mem::forget(handle);
        }
        // Who presses somewhere wants the keyboard there, and not in an editor whose file is still being read.
        let handle = window_event_listener_untyped("pointerdown", move |_| {
            self.ask_for_keyboard();
        });
        std::mem::forget(handle);
        // Once the server has another build nothing keeps what is typed: the browser asks before it is given up. So it
        // does for a long text that is still on its way, which is kept while the person reads the question.
        let handle = window_event_listener_untyped("beforeunload", move |event| {
            self.flush_drafts();
            let is_stale = untrack(|| self.link_state()) == LinkState::Stale;
            if (is_stale && self.dirty.with_untracked(|dirty| !dirty.is_empty()))
                || self.is_too_much_to_write_down()
            {
                event.prevent_default();
            }
        });
        std::mem::forget(handle);
        // The last chance before a tab is frozen or closed: unsaved edits that wait for their timer go now.
        for name in ["pagehide", "blur"] {
            let handle = window_event_listener_untyped(name, move |_| {
                self.flush_drafts();
                self.flush_view();
                if name == "pagehide" {
                    self.write_down();
                }
            });
            std::mem::forget(handle);
        }
        // The page was kept and is shown again, its engine with it: what was written down gets there by itself. A page
        // that has just been loaded has the same event.
        let handle = window_event_listener(leptos::ev::pageshow, move |event| {
            if let (true, Some(workspace)) = (event.persisted(), self.open_id()) {
                parting::forget(workspace);
            }
        });
        std::mem::forget(handle);
    }

    fn watch_layout(self) {
        Effect::new(move |_| {
            self.layout.track();
            self.side.track();
            self.side_width_px.track();
            self.folders.track();
            let _tracked = self.search.to_keep();
            self.chat.kept.track();
            self.keep_view();
        });
    }
}

/// Can a folder on the disk be opened so that it can be written to?
#[must_use]
pub fn can_pick_folder() -> bool {
    js_sys::Reflect::has(&window(), &"showDirectoryPicker".into()).unwrap_or(false)
}

/// The state, from the context of the component tree.
#[must_use]
pub fn app() -> App {
    expect_context::<App>()
}

/// Bytes for a transfer list.
#[must_use]
pub fn buffer(bytes: &[u8]) -> ArrayBuffer {
    js_sys::Uint8Array::from(bytes).buffer()
}

/// Bytes out of a transferred buffer.
#[must_use]
pub fn bytes_of(buffer: &ArrayBuffer) -> Vec<u8> {
    js_sys::Uint8Array::new(buffer).to_vec()
}

/// True on Apple platforms, where Command takes the place of Control.
#[must_use]
pub fn is_mac() -> bool {
    let platform = window().navigator().platform().unwrap_or_default();
    platform.starts_with("Mac") || platform.starts_with("iP")
}
