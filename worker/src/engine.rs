//! The event loop and the routing of requests.

use std::collections::HashSet;

use futures_channel::mpsc::UnboundedReceiver;
use futures_util::StreamExt as _;
use js_sys::ArrayBuffer;
use link::{PortKind, Reply};
use protocol::{Blob, EngineRequest, Fault, FaultCode, decode};
use stdx::{Clock as _, SystemClock};
use store::StoreError;
use syntax::{Analyser, Lang};

use crate::embed::{Embedding, VECTORS_PER_RECORD};
use crate::event::Event;
use crate::generator::Generators;
use crate::grammars::{Grammars, Readiness};
use crate::search::Searches;
use crate::sender::Sender;
use crate::space::{Space, Stage, Symbol};
use crate::suggest::Suggestions;
use crate::{
    chat, files, guard, import, onto_disk, opening, snapshot, status, suggest, symbols, transfer, workspaces,
};

/// Longest unsaved text that is parsed, bytes: a tenth of a second's work.
const MAX_DRAFT_BYTES: usize = 400_000;
/// Longest stretch of background work between two looks at the queue, milliseconds.
const SLICE_MS: f64 = 12.0;
/// Vectors that one step of compaction may move.
const COMPACT_BUDGET: usize = 1024;
/// Pause between two ticks, milliseconds.
const TICK_MS: u32 = 100;
/// Ticks between two looks at the quota.
const TICKS_PER_QUOTA: u32 = 50;
/// Vectors wait at most this long until they are saved, milliseconds.
const VECTORS_DUE_MS: f64 = 2000.0;
/// Pause after a compaction that failed, milliseconds.
const COMPACT_AGAIN_MS: f64 = 600_000.0;
/// Derived data is saved when nothing was edited for this long, milliseconds.
const SNAPSHOT_IDLE_MS: f64 = 1500.0;

/// The state of the engine; only the loop touches it.
pub(crate) struct Engine {
    pub(crate) events: Sender,
    pub(crate) clock: SystemClock,
    pub(crate) space: Option<Space>,
    pub(crate) embedding: Embedding,
    pub(crate) generators: Generators,
    pub(crate) searches: Searches,
    pub(crate) suggestions: Suggestions,
    pub(crate) chats: chat::Chats,
    pub(crate) watchers: Vec<Reply>,
    pub(crate) import: import::Import,
    pub(crate) quota: Option<(u64, u64)>,
    pub(crate) last_status: Option<protocol::EngineStatus>,
    pub(crate) analyser: Analyser,
    grammars: Grammars,
    ticks: u32,
    last_write_ms: f64,
    last_vectors_ms: f64,
    compact_after_ms: f64,
}

/// Run until the worker ends.
pub(crate) async fn run(events: Sender, mut queue: UnboundedReceiver<Event>) {
    let mut engine = Engine {
        events: events.clone(),
        clock: SystemClock::default(),
        space: None,
        embedding: Embedding::default(),
        generators: Generators::default(),
        searches: Searches::default(),
        suggestions: Suggestions::default(),
        chats: chat::Chats::default(),
        watchers: Vec::new(),
        import: import::Import::default(),
        quota: None,
        last_status: None,
        analyser: Analyser::new(),
        grammars: Grammars::default(),
        ticks: 0,
        last_write_ms: 0.0,
        last_vectors_ms: 0.0,
        compact_after_ms: 0.0,
    };
    wasm_bindgen_futures::spawn_local(async move {
        loop {
            web::sleep_ms(TICK_MS).await;
            events.send(Event::Tick);
        }
    });
    loop {
        while let Ok(event) = queue.try_recv() {
            engine.handle(event).await;
        }
        if engine.step() {
            web::turn().await;
        } else if let Some(event) = queue.next().await {
            engine.handle(event).await;
        }
    }
}

/// The blob of a message as bytes.
pub(crate) fn bytes_of(blobs: &[ArrayBuffer], blob: Blob) -> Result<Vec<u8>, Fault> {
    blobs.get(blob.0 as usize).map(link::from_buffer).ok_or_else(|| {
        Fault::new(FaultCode::Invalid, "A request named data that it did not bring; please report this.")
    })
}

/// Index files that the store has and the index lacks, for one slice. False when there are none.
fn admit_stored(space: &mut Space, clock: &SystemClock, until_ms: f64) -> bool {
    let mut any = false;
    while let Some(path) = space.to_admit.pop_front() {
        any = true;
        // A file that was saved or removed in between is known already.
        if space.files.get(&path).is_some_and(|entry| entry.stage == Stage::Known) {
            let Some((hash, mtime_ms)) = space.store.file(&path).map(|meta| (meta.hash, meta.mtime_ms))
            else {
                continue;
            };
            match space.store.read_file(&path) {
                Ok(bytes) => space.admit(&path, &bytes, mtime_ms, hash),
                Err(err) => space.notices.push(format!("{path} could not be read back: {err}")),
            }
        }
        if clock.monotonic_ms() > until_ms {
            break;
        }
    }
    any
}

fn may_parse(space: &mut Space, path: &str) -> bool {
    let Some(hash) = space.files.get(path).map(|entry| entry.hash.0) else { return false };
    if space.access != protocol::Access::Writer {
        return true;
    }
    match space.caution.allows(&mut space.store, &hash) {
        Ok(true) => true,
        Ok(false) => {
            space.notices.push(format!("{path} made the parser fail twice. It is searched by lines."));
            false
        }
        // Storage that fails tells so elsewhere; it is no reason to lose symbols.
        Err(_) => true,
    }
}

/// Parse one file, or put it off until the grammar of its language is there.
fn parse(space: &mut Space, path: &str, analyser: &mut Analyser, grammars: &mut Grammars, events: &Sender) {
    let Some(lang) = space.files.get(path).map(|entry| entry.lang) else { return };
    let analyser = match grammars.readiness(lang, path, events) {
        Readiness::Here if may_parse(space, path) => Some(analyser),
        Readiness::Here => None,
        Readiness::Loading => {
            if let Err(err) = space.show_lines(path) {
                space.notices.push(format!("{path} could not be read back: {err}"));
            }
            return;
        }
        Readiness::Missing => None,
    };
    match space.parse(path, analyser) {
        Ok(bytes) => space.stats.parsed_bytes += bytes as u64,
        Err(err) => space.notices.push(format!("{path} could not be read back: {err}")),
    }
}

impl Engine {
    async fn handle(&mut self, event: Event) {
        chat::sweep(self);
        match event {
            Event::Request(request) => self.request(request).await,
            Event::Port(PortKind::Embedder, number, port) => {
                self.embedding.add_port(number, &port, self.space.as_mut());
            }
            Event::Port(PortKind::Generator, number, port) => self.generators.add_port(number, port),
            Event::Embedded { batch, result } => {
                let now_ms = self.clock.monotonic_ms();
                if let Some(space) = &mut self.space {
                    self.embedding.accept(space, batch, result, now_ms);
                }
            }
            Event::QueryVector { search, result } => {
                self.searches.vector(self.space.as_mut(), search, result);
            }
            Event::Suggested { suggest, result } => suggest::accept(self, suggest, result),
            Event::Chat(came) => chat::came(self, came),
            Event::Grammar { name, result } => self.grammar(name, result),
            Event::LockGranted(id, lock) => opening::take_over(self, id, lock).await,
            Event::Quota(used, allowed) => self.quota = Some((used, allowed)),
            Event::Tick => self.tick(),
        }
    }

    async fn request(&mut self, link::Request { body, blobs, reply }: link::Request) {
        if reply.cancel().is_cancelled() {
            return;
        }
        let request = match decode::<EngineRequest>(&body) {
            Ok(request) => request,
            Err(err) => {
                return reply.fault(Fault::new(FaultCode::Invalid, format!("A request was refused: {err}.")));
            }
        };
        if let Err(fault) = guard::check(&request, self.space.as_ref().map(|space| space.id)) {
            return reply.fault(fault);
        }
        use EngineRequest as R;
        if matches!(
            request,
            R::Search(_)
                | R::QuickOpen(_)
                | R::FindSymbols(_)
                | R::Outline(_)
                | R::ReadFile(_)
                | R::WriteFile(_)
                | R::PutDraft(_)
                | R::Suggest(_)
        ) {
            self.embedding.pace.person_acted(self.clock.monotonic_ms());
        }
        match request {
            R::ListWorkspaces(_) => reply.settle(workspaces::list(self).await),
            R::CreateWorkspace(call) => reply.settle(workspaces::create(self, call.id, &call.name).await),
            R::OpenWorkspace(call) => reply.settle(workspaces::open(self, call.id).await),
            R::CloseWorkspace(call) => {
                if self.space.as_ref().is_some_and(|space| space.id == call.id) {
                    opening::close(self).await;
                }
                reply.done(&());
            }
            R::RenameWorkspace(call) => reply.settle(workspaces::rename(self, call.id, &call.name).await),
            R::DeleteWorkspace(call) => reply.settle(workspaces::delete(self, call.id).await),
            R::ExportWorkspace(_) => match transfer::export(self).await {
                Ok((bytes, blob)) => reply.done_with(&bytes, &[blob]),
                Err(fault) => reply.fault(fault),
            },
            R::ImportWorkspace(call) => match bytes_of(&blobs, call.blob) {
                Ok(bytes) => reply.settle(transfer::import(self, call.id, bytes, &call.name).await),
                Err(fault) => reply.fault(fault),
            },
            R::PutFiles(call) => reply.settle(import::put_files(self, &call, &blobs)),
            R::PutZip(call) => match bytes_of(&blobs, call.blob) {
                Ok(bytes) => {
                    let cancel = reply.cancel().clone();
                    reply.settle(import::put_zip(self, &call, bytes, &cancel).await);
                }
                Err(fault) => reply.fault(fault),
            },
            R::ListFiles(_) => reply.settle(files::list(self)),
            R::ReadFile(call) => match files::read(self, &call.path) {
                Ok((text, blobs)) => reply.done_with(&text, &blobs),
                Err(fault) => reply.fault(fault),
            },
            R::WriteFile(call) => match bytes_of(&blobs, call.blob) {
                Ok(bytes) => reply.settle(files::write(self, &call, &bytes)),
                Err(fault) => reply.fault(fault),
            },
            R::ListBehind(_) => reply.settle(onto_disk::list(self)),
            R::CheckDisk(call) => {
                let there = call.there.map(|blob| bytes_of(&blobs, blob)).transpose();
                match there.and_then(|there| onto_disk::check(self, &call, there.as_deref())) {
                    Ok((check, blob)) => reply.done_with(&check, &[blob]),
                    Err(fault) => reply.fault(fault),
                }
            }
            R::WroteToDisk(call) => reply.settle(onto_disk::wrote(self, &call)),
            R::RemoveUnchanged(call) => reply.settle(onto_disk::remove_unchanged(self, &call)),
            R::RemovePath(call) => reply.settle(files::remove(self, &call.path)),
            R::RenamePath(call) => reply.settle(files::rename(self, &call.from, &call.to)),
            R::PutDraft(call) => {
                let bytes = call.blob.map(|blob| bytes_of(&blobs, blob)).transpose();
                reply.settle(bytes.and_then(|bytes| files::put_draft(self, &call.path, bytes.as_deref())));
            }
            R::GetSetting(call) => reply.settle(files::get_setting(self, &call.key)),
            R::PutSetting(call) => reply.settle(files::put_setting(self, &call.key, call.value.as_deref())),
            R::Search(call) => match &mut self.space {
                Some(space) => {
                    self.searches.start(space, &self.embedding, &self.events, call.query, reply);
                }
                None => reply.fault(workspaces::none_open()),
            },
            R::QuickOpen(call) => reply.settle(symbols::quick_open(self, &call)),
            R::Outline(call) => reply.settle(symbols::outline(self, &call.path)),
            R::FindSymbols(call) => reply.settle(symbols::find(self, &call.text, call.k)),
            R::GetStatus(_) => {
                let now = status::status(self);
                reply.done(&now);
            }
            R::WatchStatus(_) => {
                reply.event(&status::status(self));
                self.watchers.push(reply);
            }
            R::SetFocus(call) => {
                if let Some(space) = &mut self.space {
                    space.set_focus(call.paths);
                }
                reply.done(&());
            }
            R::PauseEmbedding(call) => {
                if let Some(space) = &mut self.space {
                    space.paused = call.paused;
                }
                reply.done(&());
            }
            R::Reindex(_) => reply.settle(files::reindex(self)),
            R::BecomeWriter(_) => reply.settle(opening::become_writer(self).await),
            R::ForgetModel(call) => {
                self.embedding.remove_port(call.port, self.space.as_mut());
                self.generators.remove_port(call.port);
                reply.done(&());
            }
            R::UseGenerator(call) => reply.settle(self.generators.choose(call)),
            R::Suggest(call) => suggest::start(self, call, &blobs, reply),
            R::Ask(call) => chat::start(self, call, reply),
            R::ListThreads(_) => reply.settle(chat::list(self)),
            R::GetThread(call) => reply.settle(chat::get(self, &call.thread)),
            R::RenameThread(call) => reply.settle(chat::rename(self, &call)),
            R::DeleteThread(call) => reply.settle(chat::delete(self, &call)),
        }
    }

    /// One slice of background work. False when there is none.
    fn step(&mut self) -> bool {
        let start = self.clock.monotonic_ms();
        let until_ms = start + SLICE_MS;
        if chat::step(self, until_ms) {
            return true;
        }
        let Some(space) = &mut self.space else { return false };
        if self.searches.has_work() {
            self.searches.step(space, SLICE_MS);
            return true;
        }
        if admit_stored(space, &self.clock, until_ms) {
            return true;
        }
        // A person waits for what a language model writes: embedding goes on when it is written.
        if !self.generators.is_writing() {
            self.embedding.dispatch(space, &self.events, start);
        }
        if !space.to_parse.is_empty() && !self.import.is_open() {
            while let Some(path) = space.to_parse.pop_front() {
                let before = self.clock.monotonic_ms();
                parse(space, &path, &mut self.analyser, &mut self.grammars, &self.events);
                let now = self.clock.monotonic_ms();
                space.stats.parse_ms += now - before;
                if now > until_ms {
                    break;
                }
            }
            self.last_write_ms = self.clock.monotonic_ms();
            return true;
        }
        space.index.compact_step(COMPACT_BUDGET)
    }

    /// Ticks since the start.
    pub(crate) fn ticks(&self) -> u32 {
        self.ticks
    }

    /// Note that a person just changed something, so that saving derived data waits.
    pub(crate) fn touched(&mut self) {
        self.last_write_ms = self.clock.monotonic_ms();
    }

    /// Parse one file now instead of in the background: it was just saved and a person looks at it.
    pub(crate) fn parse_now(&mut self, path: &str) {
        let Some(space) = &mut self.space else { return };
        space.to_parse.retain(|p| p != path);
        parse(space, path, &mut self.analyser, &mut self.grammars, &self.events);
    }

    /// The unsaved text of a file with its definitions; nothing when there is none, or when it cannot be parsed now. A
    /// long one is not parsed at every pause of who types, and none is once a worker has died: each key would make
    /// another text that may be deadly.
    ///
    /// # Errors
    /// Disk failures.
    pub(crate) fn parse_draft(&mut self, path: &str) -> Result<Option<(String, Vec<Symbol>)>, StoreError> {
        let Some(space) = &self.space else { return Ok(None) };
        let Some(lang) = space.files.get(path).map(|entry| entry.lang) else { return Ok(None) };
        let Some(draft) = space.store.draft(path)?.filter(|draft| draft.len() <= MAX_DRAFT_BYTES) else {
            return Ok(None);
        };
        if space.caution.is_careful() || !self.has_grammar(lang) {
            return Ok(None);
        }
        let text = store::decode(&draft).into_owned();
        let symbols = self.analyser.analyse(lang, &text).symbols;
        Ok(Some((text, symbols.iter().map(Symbol::new).collect())))
    }

    /// Files of a language were waiting for its grammar: they go on, by lines where it could not be had.
    fn grammar(&mut self, name: &'static str, result: Result<(), String>) {
        let waiting = self.grammars.loaded(name, &result);
        let Some(space) = &mut self.space else { return };
        if let Err(why) = result {
            space.notices.push(format!(
                "The grammar of {name} could not be loaded ({why}). Its files are searched by lines until Alcove is \
                 opened again."
            ));
        }
        space.to_parse.extend(waiting);
    }

    /// Whether texts of a language can be parsed now; if not yet, its grammar is on its way.
    pub(crate) fn has_grammar(&mut self, lang: Lang) -> bool {
        // No file has the empty path: it comes back with the grammar and is passed over.
        lang.is_parsed() && self.grammars.readiness(lang, "", &self.events) == Readiness::Here
    }

    /// Fetch the grammars of the languages in the workspace before a file is saved that needs one.
    pub(crate) fn fetch_grammars(&mut self) {
        let Some(space) = &self.space else { return };
        let langs: HashSet<Lang> = space.files.values().map(|entry| entry.lang).collect();
        for lang in langs {
            self.grammars.fetch(lang, &self.events);
        }
    }

    fn tick(&mut self) {
        self.ticks = self.ticks.wrapping_add(1);
        chat::tick(self);
        if self.ticks % TICKS_PER_QUOTA == 1 {
            let events = self.events.clone();
            wasm_bindgen_futures::spawn_local(async move {
                if let Some((used, allowed)) = web::quota().await {
                    events.send(Event::Quota(used, allowed));
                }
            });
        }
        self.save();
        status::publish(self);
    }

    /// Save derived data that is due, and commit.
    fn save(&mut self) {
        let now_ms = self.clock.monotonic_ms();
        let idle = now_ms - self.last_write_ms > SNAPSHOT_IDLE_MS;
        let Some(space) = &mut self.space else { return };
        if space.access != protocol::Access::Writer {
            return;
        }
        let mut result = Ok(());
        if space.to_parse.is_empty() {
            result = space.caution.relax(&mut space.store);
        }
        let vectors_due = space.unsaved_vectors.len() >= VECTORS_PER_RECORD
            || (!space.unsaved_vectors.is_empty() && now_ms - self.last_vectors_ms > VECTORS_DUE_MS);
        if result.is_ok() && vectors_due {
            result = snapshot::save_vectors(space);
            self.last_vectors_ms = now_ms;
        }
        if result.is_ok()
            && idle
            && space.snapshot_stale
            && space.to_parse.is_empty()
            && space.to_admit.is_empty()
            && !self.import.is_open()
        {
            result = snapshot::save_lexical(space);
        }
        if result.is_ok() && space.uncommitted {
            result = space.store.commit();
            space.uncommitted = result.is_err();
        }
        if result.is_ok() && idle && space.vectors_worn {
            result = snapshot::rewrite_vectors(space);
        }
        let compacts =
            result.is_ok() && idle && now_ms > self.compact_after_ms && space.store.wants_compaction();
        if compacts && let Err(err) = space.store.compact() {
            // It only makes room, and needs some to do so: nothing is lost, and there is no use in hurrying.
            self.compact_after_ms = now_ms + COMPACT_AGAIN_MS;
            let sentence =
                format!("Storage could not be tidied ({err}). Nothing is lost; it is tried again later.");
            if !space.notices.contains(&sentence) {
                space.notices.push(sentence);
            }
        }
        if let Err(err) = result {
            // Derived data can be made again: say it once and go on in memory.
            let sentence =
                format!("The index could not be saved ({err}). Search works; a reload will index again.");
            if !space.notices.contains(&sentence) {
                space.notices.push(sentence);
            }
            space.snapshot_stale = false;
            space.unsaved_vectors.clear();
        }
    }
}
