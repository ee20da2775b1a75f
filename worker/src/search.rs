//! Searches: words and meaning through the index, exact text through a scan that yields to other work.

use std::collections::{BTreeMap, HashMap};

use index::grep::Pattern;
use index::{Filter, Hit, Layers, Query};
use link::Reply;
use protocol::{Embed, Fault, FaultCode, Layer, SearchHit, SearchQuery, SearchReply, SymbolKind};
use stdx::{Clock as _, SystemClock};
use text::LineIndex;

use crate::convert;
use crate::embed::{Embedding, floats};
use crate::event::Event;
use crate::preview;
use crate::sender::Sender;
use crate::space::{Space, Stage, slice};

/// Bytes of a question that are looked at; MiniLM reads about as many.
const MAX_QUERY_BYTES: usize = 1024;
/// Most hits that one answer holds.
const MAX_K: usize = 1000;
/// Matching lines counted beyond those shown.
const MAX_COUNTED: u32 = 100_000;
/// Query embeddings kept, so that going back to a query costs nothing.
const KEPT_QUERIES: usize = 64;

/// A search that waits for the embedding of its query.
struct Waiting {
    reply: Reply,
    query: SearchQuery,
    filter: Filter,
    started_ms: f64,
}

/// A scan over the texts, a slice at a time.
struct Scan {
    reply: Reply,
    query: SearchQuery,
    pattern: Pattern,
    paths: Vec<String>,
    next: usize,
    hits: Vec<SearchHit>,
    num_more: u32,
    started_ms: f64,
    reported_ms: f64,
}

/// Searches that are not finished.
#[derive(Default)]
pub(crate) struct Searches {
    waiting: BTreeMap<u64, Waiting>,
    scans: Vec<Scan>,
    next_id: u64,
    vectors: HashMap<String, Vec<f32>>,
    clock: SystemClock,
}

impl Searches {
    /// A search was asked for.
    pub(crate) fn start(
        &mut self,
        space: &mut Space,
        embedding: &Embedding,
        events: &Sender,
        query: SearchQuery,
        reply: Reply,
    ) {
        let now_ms = self.clock.monotonic_ms();
        let filter = match convert::filter_to_index(&query.filter) {
            Ok(filter) => filter,
            Err(fault) => return reply.fault(fault),
        };
        if query.text.trim().is_empty() {
            return reply.done(&SearchReply { coverage: coverage(space), ..SearchReply::default() });
        }
        if let Some(mode) = convert::grep_mode(query.mode) {
            let pattern = match Pattern::new(&query.text, mode, query.case_sensitive) {
                Ok(pattern) => pattern,
                Err(err) => return reply.fault(Fault::new(FaultCode::Invalid, err.to_string())),
            };
            let paths = scan_order(space, &filter);
            self.scans.push(Scan {
                reply,
                query,
                pattern,
                paths,
                next: 0,
                hits: Vec::new(),
                num_more: 0,
                started_ms: now_ms,
                reported_ms: now_ms,
            });
            return;
        }
        self.smart(space, embedding, events, Waiting { reply, query, filter, started_ms: now_ms });
    }

    fn smart(&mut self, space: &mut Space, embedding: &Embedding, events: &Sender, mut search: Waiting) {
        // A pasted log says what it is about in its first lines, and each word costs time.
        let text = &mut search.query.text;
        text.truncate(text.floor_char_boundary(MAX_QUERY_BYTES));
        let layers = convert::layers_to_index(&search.query.layers);
        let wants_vectors = layers.contains(Layers::VECTORS) && space.index.num_vectors() > 0;
        if let Some(vector) = self.vectors.get(&search.query.text).filter(|_| wants_vectors).cloned() {
            let reply = answer(space, &search, Some(&vector), &self.clock, "");
            return search.reply.done(&reply);
        }
        let Some(caller) = embedding.caller().filter(|_| wants_vectors) else {
            let only_vectors = layers == Layers::VECTORS;
            let notice = if only_vectors {
                "Search by meaning is not ready: no model is loaded yet or nothing is embedded yet."
            } else {
                ""
            };
            let mut reply = answer(space, &search, None, &self.clock, notice);
            without_vectors(&mut reply);
            return search.reply.done(&reply);
        };
        search.reply.event(&answer(space, &search, None, &self.clock, ""));
        let id = self.next_id;
        self.next_id += 1;
        let pending = caller.call(Embed { texts: vec![search.query.text.clone()], urgent: true }, Vec::new());
        self.waiting.insert(id, search);
        let events = events.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let result = pending.await.map(|(_, blobs)| {
                blobs.first().map(|blob| floats(&link::from_buffer(blob))).unwrap_or_default()
            });
            events.send(Event::QueryVector { search: id, result });
        });
    }

    /// The embedding of a query is there.
    pub(crate) fn vector(&mut self, space: Option<&mut Space>, id: u64, result: Result<Vec<f32>, Fault>) {
        let Some(search) = self.waiting.remove(&id) else { return };
        let Some(space) = space else {
            return search.reply.fault(Fault::new(FaultCode::Cancelled, "The workspace was closed."));
        };
        if search.reply.cancel().is_cancelled() {
            return;
        }
        match result {
            Ok(vector) if vector.len() == crate::space::DIM => {
                let reply = answer(space, &search, Some(&vector), &self.clock, "");
                if self.vectors.len() >= KEPT_QUERIES {
                    self.vectors.clear();
                }
                self.vectors.insert(search.query.text.clone(), vector);
                search.reply.done(&reply);
            }
            Ok(_) | Err(_) => {
                let notice = "Found by words only: the model could not read the query.";
                let mut reply = answer(space, &search, None, &self.clock, notice);
                without_vectors(&mut reply);
                search.reply.done(&reply);
            }
        }
    }

    /// The workspace is being closed: nothing of it will be found any more.
    pub(crate) fn abort_all(&mut self) {
        let fault = || Fault::new(FaultCode::Cancelled, "The workspace was closed while it was searched.");
        for search in std::mem::take(&mut self.waiting).into_values() {
            search.reply.fault(fault());
        }
        for scan in self.scans.drain(..) {
            scan.reply.fault(fault());
        }
    }

    /// True while a scan has files left.
    pub(crate) fn has_work(&self) -> bool {
        !self.scans.is_empty()
    }

    /// Scan for about `budget_ms`; the newest scan goes first, for it is the one that a person looks at.
    pub(crate) fn step(&mut self, space: &mut Space, budget_ms: f64) {
        let until_ms = self.clock.monotonic_ms() + budget_ms;
        while let Some(mut scan) = self.scans.pop() {
            if scan.reply.cancel().is_cancelled() {
                continue;
            }
            while scan.next < scan.paths.len() && self.clock.monotonic_ms() < until_ms {
                let path = scan.paths[scan.next].clone();
                scan.next += 1;
                scan_file(space, &mut scan, &path);
            }
            let now = self.clock.monotonic_ms();
            if scan.next == scan.paths.len() || scan.num_more >= MAX_COUNTED {
                let reply = scan_reply(&mut scan, now);
                scan.reply.done(&reply);
                continue;
            }
            if now - scan.reported_ms > 80.0 && !scan.hits.is_empty() {
                scan.reported_ms = now;
                let hits = scan.hits.clone();
                let so_far = scan_reply(&mut scan, now);
                scan.reply.event(&so_far);
                scan.hits = hits;
            }
            self.scans.push(scan);
            return;
        }
    }
}

fn scan_reply(scan: &mut Scan, now_ms: f64) -> SearchReply {
    SearchReply {
        hits: std::mem::take(&mut scan.hits),
        coverage: vec![(Layer::Exact, scan.next as f32 / scan.paths.len().max(1) as f32)],
        num_more: scan.num_more,
        took_ms: (now_ms - scan.started_ms) as f32,
        notice: if scan.num_more >= MAX_COUNTED {
            "There are very many matches; the search stopped counting. Narrow it down to see the rest.".into()
        } else {
            String::new()
        },
    }
}

/// Open files first, then the rest by path.
fn scan_order(space: &Space, filter: &Filter) -> Vec<String> {
    let passes = |path: &str| {
        let Some(entry) = space.files.get(path) else { return false };
        let mtime_ms = space.store.file(path).map_or(0, |meta| meta.mtime_ms);
        entry.stage != Stage::NotIndexed && filter.passes_file(path, entry.lang.id(), mtime_ms)
    };
    let mut paths: Vec<String> = space.focus.iter().filter(|path| passes(path)).cloned().collect();
    paths.extend(
        space.files.keys().filter(|path| !space.focus.iter().any(|f| f == *path) && passes(path)).cloned(),
    );
    paths
}

fn scan_file(space: &mut Space, scan: &mut Scan, path: &str) {
    let Ok(Some(text)) = space.text(path) else { return };
    let found = scan.pattern.find(&text, 10_000);
    if found.is_empty() {
        return;
    }
    let lines = LineIndex::new(&text);
    let k = (scan.query.k as usize).clamp(1, MAX_K);
    let mut at = 0;
    while at < found.len() {
        let number = lines.line_of(found[at].start);
        let range = lines.line_range(number);
        let mut on_line = Vec::new();
        while at < found.len() && found[at].start < range.end.max(range.start + 1) {
            let end = found[at].end.min(range.end);
            on_line.push(found[at].start - range.start..end.saturating_sub(range.start));
            at += 1;
        }
        if on_line.is_empty() {
            at += 1;
            continue;
        }
        if scan.hits.len() >= k {
            scan.num_more += 1;
            continue;
        }
        let (symbol, kind) = enclosing(space, path, range.start as u32 + on_line[0].start as u32);
        scan.hits.push(SearchHit {
            path: path.to_owned(),
            language: space.files.get(path).map_or("plaintext", |entry| entry.lang.id()).to_owned(),
            start_line: number,
            end_line: number,
            symbol,
            kind,
            score: 1.0,
            layers: vec![Layer::Exact],
            preview: vec![preview::line(number, &text[range], &on_line)],
        });
    }
}

/// Symbol path and kind of the innermost definition around a byte.
fn enclosing(space: &Space, path: &str, byte: u32) -> (String, Option<SymbolKind>) {
    let symbols = space.files.get(path).map(|entry| &*entry.symbols).unwrap_or_default();
    let inner = symbols.iter().filter(|s| s.bytes.contains(&byte)).max_by_key(|s| s.depth);
    inner.map_or((String::new(), None), |s| {
        let name =
            if s.container.is_empty() { s.name.to_string() } else { format!("{}.{}", s.container, s.name) };
        (name, Some(s.kind))
    })
}

/// How much of the workspace each layer covers, 0 to 1.
pub(crate) fn coverage(space: &Space) -> Vec<(Layer, f32)> {
    let texts = space.files.values().filter(|e| e.stage != Stage::NotIndexed).count().max(1) as f32;
    let lexical = space.files.values().filter(|e| e.stage >= Stage::Lexical).count() as f32;
    let parsed = space.files.values().filter(|e| e.stage == Stage::Parsed).count() as f32;
    let chunks = space.index.num_keys().max(1) as f32;
    let embedded = space.index.num_vectors() as f32;
    vec![
        (Layer::Lexical, lexical / texts),
        (Layer::Symbols, parsed / texts),
        (Layer::Vectors, embedded / chunks),
    ]
}

/// What has vectors was not compared: whoever asks again once there is a model gets more.
fn without_vectors(reply: &mut SearchReply) {
    reply.coverage.retain(|(layer, _)| *layer != Layer::Vectors);
    reply.coverage.push((Layer::Vectors, 0.0));
}

fn answer(
    space: &mut Space,
    search: &Waiting,
    vector: Option<&[f32]>,
    clock: &SystemClock,
    notice: &str,
) -> SearchReply {
    let query = &search.query;
    let k = (query.k as usize).clamp(1, MAX_K);
    let layers = convert::layers_to_index(&query.layers);
    let asked = Query { text: &query.text, vector, k, layers, filter: &search.filter };
    let hits = space.index.search(&asked);
    if vector.is_none() {
        let keys: Vec<_> = hits.iter().map(|hit| hit.key).collect();
        space.found(&keys);
    }
    let words = preview::words(&query.text);
    let hits = hits.into_iter().map(|hit| to_search_hit(space, hit, &words)).collect();
    SearchReply {
        hits,
        coverage: coverage(space),
        num_more: 0,
        took_ms: (clock.monotonic_ms() - search.started_ms) as f32,
        notice: notice.to_owned(),
    }
}

fn to_search_hit(space: &mut Space, hit: Hit, words: &[String]) -> SearchHit {
    let text = space.text(&hit.path).ok().flatten();
    let preview = text
        .map(|text| preview::of_chunk(slice(&text, &hit.bytes), hit.lines.start, words))
        .unwrap_or_default();
    SearchHit {
        path: hit.path,
        language: hit.language,
        start_line: hit.lines.start,
        end_line: hit.lines.end.saturating_sub(1).max(hit.lines.start),
        symbol: hit.symbol,
        kind: convert::kind_from_u8(hit.kind),
        score: hit.score,
        layers: convert::layers_from_index(hit.layers),
        preview,
    }
}
