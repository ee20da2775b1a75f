//! The open workspace: its files, its index and what still has to be done for it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Rc;

use index::{ChunkDoc, FileDoc, Index, NO_KEY, NO_KIND};
use protocol::{Access, ContentKind, FileInfo, SymbolKind, WorkspaceId};
use serde::{Deserialize, Serialize};
use store::{ContentHash, StoreError};
use syntax::{Analyser, Lang};
use web::Lock;

use crate::caution::Caution;
use crate::convert::{kind_from_syntax, kind_to_u8};
use crate::disk::Store;
use crate::outside::{Differs, Outside};
use crate::queue::{Key, Queue, Rank, Waiting};
use crate::texts::Texts;

/// Vectors without a chunk that are kept at most; about 8 MB.
pub(crate) const MAX_STASH: usize = 20_000;
/// Length of the vectors of the default embedder.
pub(crate) const DIM: usize = 384;

/// How far a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Not text: never indexed.
    NotIndexed,
    /// Known, in no layer.
    Known,
    /// In the lexical layer by lines.
    Lexical,
    /// Cut by lines for now, because its grammar could not be loaded; tried again at the next opening.
    ByLines,
    /// Parsed: chunks follow syntax, symbols are known.
    Parsed,
}

/// A definition as the engine keeps it; positions in UTF-16 are worked out when somebody asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Symbol {
    /// Its own name.
    pub(crate) name: Box<str>,
    /// Names of what contains it, joined by `.`.
    pub(crate) container: Box<str>,
    /// What it is.
    pub(crate) kind: SymbolKind,
    /// The whole definition, bytes.
    pub(crate) bytes: std::ops::Range<u32>,
    /// First byte of the name.
    pub(crate) name_byte: u32,
    /// Nesting depth.
    pub(crate) depth: u16,
}

impl Symbol {
    /// What of a definition just parsed is kept.
    pub(crate) fn new(symbol: &syntax::Symbol) -> Self {
        Self {
            name: symbol.name.as_str().into(),
            container: symbol.container.as_str().into(),
            kind: kind_from_syntax(symbol.kind),
            bytes: symbol.bytes.clone(),
            name_byte: symbol.name_bytes.start,
            depth: symbol.depth,
        }
    }
}

/// What is known of one file beside its content.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Language by name and first bytes.
    pub(crate) lang: Lang,
    /// What the bytes are.
    pub(crate) content: ContentKind,
    /// How far it has come.
    pub(crate) stage: Stage,
    /// Hash of the indexed content.
    pub(crate) hash: ContentHash,
    /// Definitions in order of position.
    pub(crate) symbols: Box<[Symbol]>,
}

/// Counters of this session.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) parsed_bytes: u64,
    pub(crate) parse_ms: f64,
    pub(crate) chunks_embedded: u32,
    pub(crate) chunks_reused: u32,
    pub(crate) lexical_ready_ms: f64,
    pub(crate) import_started_ms: Option<f64>,
}

/// The open workspace.
pub(crate) struct Space {
    pub(crate) id: WorkspaceId,
    pub(crate) name: String,
    pub(crate) access: Access,
    /// Held while this tab is the writer.
    pub(crate) lock: Option<Lock>,
    pub(crate) store: Store,
    pub(crate) index: Index,
    pub(crate) files: BTreeMap<String, Entry>,
    /// What the disk that they came from has of them.
    pub(crate) outside: Outside,
    pub(crate) texts: Texts,
    /// Files of the store that changed or are new since the index was saved.
    pub(crate) to_admit: VecDeque<String>,
    pub(crate) to_parse: VecDeque<String>,
    pub(crate) caution: Caution,
    pub(crate) to_embed: Queue,
    pub(crate) focus: Vec<String>,
    pub(crate) edited: Vec<String>,
    pub(crate) paused: bool,
    pub(crate) notices: Vec<String>,
    pub(crate) stats: Stats,
    /// The snapshot in the store is older than the index.
    pub(crate) snapshot_stale: bool,
    /// Something was written since the last commit.
    pub(crate) uncommitted: bool,
    /// Number for the next record of vectors.
    pub(crate) next_vector_record: u64,
    /// Encoded vectors that are not in the store yet.
    pub(crate) unsaved_vectors: Vec<(Key, Vec<u8>)>,
    /// Vectors whose chunks are not known (yet): the index is being built again, or a branch was left.
    pub(crate) stash: HashMap<Key, Vec<u8>>,
    /// When it is emptied: what was read back at the opening does not count against it.
    pub(crate) stash_limit: usize,
    /// Most of the stored vectors belong to no chunk any more.
    pub(crate) vectors_worn: bool,
    /// The model whose vectors these are; empty while there are none.
    pub(crate) model: String,
    /// Chunks that the model failed on too often.
    pub(crate) given_up: HashSet<Key>,
}

/// Content key of a chunk. The path is left out on purpose: after a rename or a move the vector still serves.
pub(crate) fn chunk_key(symbol: &str, text: &str) -> Key {
    let mut bytes = Vec::with_capacity(symbol.len() + 1 + text.len());
    bytes.extend_from_slice(symbol.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(text.trim_end().as_bytes());
    ContentHash::of(&bytes).0
}

impl Space {
    /// The text of a file, lossily decoded; `None` for what is not text.
    pub(crate) fn text(&mut self, path: &str) -> Result<Option<Rc<str>>, StoreError> {
        let Some(entry) = self.files.get(path) else { return Ok(None) };
        if entry.content == ContentKind::Binary {
            return Ok(None);
        }
        if let Some(text) = self.texts.get(path) {
            return Ok(Some(text));
        }
        let bytes = self.store.read_file(path)?;
        let text: Rc<str> = store::decode(&bytes).into();
        self.texts.put(path, text.clone());
        Ok(Some(text))
    }

    /// What the tree shows for a file.
    pub(crate) fn info(&self, path: &str) -> Option<FileInfo> {
        let entry = self.files.get(path)?;
        let meta = self.store.file(path)?;
        Some(FileInfo {
            path: path.to_owned(),
            bytes: meta.bytes,
            mtime_ms: meta.mtime_ms,
            content: entry.content,
            language: entry.lang.id().to_owned(),
            has_draft: self.store.has_draft(path),
        })
    }

    /// Put new bytes into the store and the lexical layer. Returns false when the content was there already.
    pub(crate) fn put(&mut self, path: &str, bytes: &[u8], mtime_ms: u64) -> Result<bool, StoreError> {
        let hash = ContentHash::of(bytes);
        let known =
            self.files.get(path).is_some_and(|entry| entry.hash == hash && entry.stage != Stage::Known);
        if known {
            return Ok(false);
        }
        self.store.put_file(path, bytes, mtime_ms)?;
        self.uncommitted = true;
        self.admit(path, bytes, mtime_ms, hash);
        Ok(true)
    }

    /// Index a file of the store by lines and queue it for parsing.
    pub(crate) fn admit(&mut self, path: &str, bytes: &[u8], mtime_ms: u64, hash: ContentHash) {
        let content = match store::classify(bytes) {
            store::ContentKind::Text => ContentKind::Text,
            store::ContentKind::LossyText => ContentKind::LossyText,
            store::ContentKind::Binary => ContentKind::Binary,
        };
        self.texts.remove(path);
        self.snapshot_stale = true;
        let mut entry = Entry {
            lang: Lang::detect(path, ""),
            content,
            stage: Stage::NotIndexed,
            hash,
            symbols: Box::default(),
        };
        if content == ContentKind::Binary {
            self.index.remove_file(path);
            self.files.insert(path.to_owned(), entry);
            return;
        }
        let text = store::decode(bytes);
        entry.lang = Lang::detect(path, head(&text));
        entry.stage = Stage::Lexical;
        let known =
            self.files.get(path).filter(|known| known.stage >= Stage::ByLines && known.lang == entry.lang);
        if let Some(known) = known {
            // The old chunks stay findable until the new ones replace them; chunks that stay keep their vectors.
            entry.symbols = known.symbols.clone();
            self.files.insert(path.to_owned(), entry);
            self.to_parse.push_front(path.to_owned());
            return;
        }
        self.index_lines(path, entry.lang, mtime_ms, &text);
        self.files.insert(path.to_owned(), entry);
        self.to_parse.push_back(path.to_owned());
    }

    /// Index a text by lines until it is parsed.
    fn index_lines(&mut self, path: &str, lang: Lang, mtime_ms: u64, text: &str) {
        let chunks = syntax::chunk_by_lines(text);
        let docs: Vec<ChunkDoc<'_>> = chunks
            .iter()
            .map(|chunk| ChunkDoc {
                symbol: "",
                kind: NO_KIND,
                bytes: chunk.bytes.clone(),
                lines: chunk.lines.clone(),
                key: NO_KEY,
            })
            .collect();
        self.index.put_file(&FileDoc { path, language: lang.id(), mtime_ms, text, chunks: &docs });
        self.keep_released();
    }

    /// The text of a saved file cannot be parsed yet: what search shows must be of the new text all the same.
    pub(crate) fn show_lines(&mut self, path: &str) -> Result<(), StoreError> {
        let Some(text) = self.text(path)? else { return Ok(()) };
        let mtime_ms = self.store.file(path).map_or(0, |meta| meta.mtime_ms);
        if let Some(entry) = self.files.get_mut(path)
            && entry.stage == Stage::Lexical
        {
            entry.symbols = Box::default();
            let lang = entry.lang;
            self.index_lines(path, lang, mtime_ms, &text);
        }
        Ok(())
    }

    /// Keep vectors that lost their chunks: the text may come back with an undo or another branch.
    fn keep_released(&mut self) {
        let released = self.index.take_released();
        if self.stash.len() + released.len() > self.stash_limit {
            self.stash.clear();
        }
        self.stash.extend(released.into_iter().take(MAX_STASH));
    }

    /// Parse one file: syntax chunks replace the line chunks, symbols become known, chunks queue for embedding.
    /// Without an analyser it is cut by lines. Returns the bytes parsed.
    pub(crate) fn parse(&mut self, path: &str, analyser: Option<&mut Analyser>) -> Result<usize, StoreError> {
        let Some(text) = self.text(path)? else { return Ok(0) };
        let mtime_ms = self.store.file(path).map_or(0, |meta| meta.mtime_ms);
        let Some(entry) = self.files.get_mut(path) else { return Ok(0) };
        let stage = if analyser.is_some() { Stage::Parsed } else { Stage::ByLines };
        let (chunks, symbols) = match analyser {
            Some(analyser) => {
                let analysis = analyser.analyse(entry.lang, &text);
                (analysis.chunks, analysis.symbols)
            }
            None => (syntax::chunk_by_lines(&text), Vec::new()),
        };
        let docs: Vec<ChunkDoc<'_>> = chunks
            .iter()
            .map(|chunk| ChunkDoc {
                symbol: &chunk.symbol,
                kind: chunk.symbol_kind.map_or(NO_KIND, |kind| kind_to_u8(kind_from_syntax(kind))),
                bytes: chunk.bytes.clone(),
                lines: chunk.lines.clone(),
                key: chunk_key(&chunk.symbol, slice(&text, &chunk.bytes)),
            })
            .collect();
        entry.stage = stage;
        entry.symbols = symbols.iter().map(Symbol::new).collect();
        let language = entry.lang.id();
        self.index.put_file(&FileDoc { path, language, mtime_ms, text: &text, chunks: &docs });
        self.keep_released();
        let rank = self.rank(path);
        for doc in &docs {
            let kept = self.stash.remove(&doc.key);
            let reused = self.index.has_vector(&doc.key)
                || kept.is_some_and(|bytes| matches!(self.index.put_encoded(doc.key, &bytes), Ok(true)));
            if reused {
                self.stats.chunks_reused += 1;
            } else {
                let waiting = Waiting {
                    path: path.to_owned(),
                    bytes: doc.bytes.clone(),
                    symbol: doc.symbol.to_owned(),
                    attempts: 0,
                };
                self.to_embed.push(doc.key, waiting, rank);
            }
        }
        self.snapshot_stale = true;
        Ok(text.len())
    }

    /// How soon the chunks of a file are wanted.
    pub(crate) fn rank(&self, path: &str) -> Rank {
        if self.edited.iter().any(|p| p == path) {
            return Rank::Edited;
        }
        if self.focus.iter().any(|p| p == path) {
            return Rank::Open;
        }
        match self.files.get(path).map(|entry| entry.lang.id()) {
            Some("json" | "plaintext" | "yaml" | "xml" | "ini" | "toml" | "csv") | None => Rank::Data,
            Some("markdown") => Rank::Prose,
            Some(_) => Rank::Code,
        }
    }

    /// Remove a file, or everything below a folder. Returns how many files went.
    pub(crate) fn remove(&mut self, path: &str) -> Result<u32, StoreError> {
        let mut removed = 0;
        for path in self.paths_under(path) {
            self.store.remove_file(&path)?;
            self.outside.set(&mut self.store, &path, None)?;
            self.uncommitted = true;
            self.forget(&path);
            removed += 1;
        }
        Ok(removed)
    }

    /// Keep an unsaved edit. The text of the file itself is none: the page may send it while that text is being saved.
    pub(crate) fn put_draft(&mut self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        if self.files.get(path).is_some_and(|entry| entry.hash == ContentHash::of(bytes)) {
            return self.store.remove_draft(path);
        }
        self.store.put_draft(path, bytes)
    }

    /// True when nothing was done to a file here that the disk lacks.
    pub(crate) fn is_unchanged(&self, path: &str) -> bool {
        self.outside.get(path).is_none() && !self.store.has_draft(path)
    }

    /// Forget a file everywhere but in the store.
    pub(crate) fn forget(&mut self, path: &str) {
        self.index.remove_file(path);
        self.files.remove(path);
        self.texts.remove(path);
        self.snapshot_stale = true;
        self.keep_released();
    }

    /// Rename a file, or move everything below a folder. Vectors stay valid.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<u32, StoreError> {
        let mut moved = 0;
        for old in self.paths_under(from) {
            let new = format!("{to}{}", old.strip_prefix(from).unwrap_or_default());
            self.store.rename_file(&old, &new)?;
            // The disk has it under its old name.
            let edited = self.outside.get(&old).is_some_and(|differs| differs.edited);
            self.outside.set(&mut self.store, &old, None)?;
            self.outside.set(&mut self.store, &new, Some(Differs { disk: None, edited }))?;
            self.uncommitted = true;
            self.snapshot_stale = true;
            self.texts.remove(&old);
            let same_language = Lang::detect(&new, "").id() == Lang::detect(&old, "").id();
            if same_language && let Some(entry) = self.files.remove(&old) {
                self.index.rename_file(&old, &new);
                if entry.stage == Stage::Lexical {
                    self.to_parse.push_back(new.clone());
                }
                self.files.insert(new, entry);
            } else {
                let bytes = self.store.read_file(&new)?;
                let (mtime_ms, hash) =
                    (self.store.file(&new).map_or(0, |m| m.mtime_ms), ContentHash::of(&bytes));
                self.forget(&old);
                self.admit(&new, &bytes, mtime_ms, hash);
            }
            moved += 1;
        }
        Ok(moved)
    }

    /// The file itself, or every file below the folder of that name.
    pub(crate) fn paths_under(&self, path: &str) -> Vec<String> {
        if self.files.contains_key(path) {
            return vec![path.to_owned()];
        }
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files
            .range(folder.clone()..)
            .map(|(p, _)| p)
            .take_while(|p| p.starts_with(&folder))
            .cloned()
            .collect()
    }

    /// A search found these chunks by words: their vectors are worth having next.
    pub(crate) fn found(&mut self, keys: &[Key]) {
        for key in keys {
            self.to_embed.promote(key, Rank::Found);
        }
    }

    /// Parse the open files first and embed their chunks first.
    pub(crate) fn set_focus(&mut self, paths: Vec<String>) {
        for path in paths.iter().rev() {
            if let Some(at) = self.to_parse.iter().position(|p| p == path) {
                self.to_parse.remove(at);
                self.to_parse.push_front(path.clone());
            }
            let keys: Vec<Key> = self.index.chunks_of(path).iter().map(|chunk| chunk.key).collect();
            for key in keys {
                self.to_embed.promote(&key, Rank::Open);
            }
        }
        self.focus = paths;
    }
}

#[cfg(test)]
impl Space {
    /// An empty workspace in memory, or what `store` has.
    pub(crate) fn of(store: Store) -> Self {
        let mut space = Self {
            id: WorkspaceId(1),
            name: "Test".into(),
            access: Access::Memory,
            lock: None,
            outside: Outside::load(&store).unwrap(),
            store,
            index: Index::new(DIM),
            files: BTreeMap::new(),
            texts: Texts::default(),
            to_admit: VecDeque::new(),
            to_parse: VecDeque::new(),
            caution: Caution::default(),
            to_embed: Queue::default(),
            focus: Vec::new(),
            edited: Vec::new(),
            paused: false,
            notices: Vec::new(),
            stats: Stats::default(),
            snapshot_stale: false,
            uncommitted: false,
            next_vector_record: 0,
            unsaved_vectors: Vec::new(),
            stash: HashMap::new(),
            stash_limit: MAX_STASH,
            vectors_worn: false,
            model: String::new(),
            given_up: HashSet::new(),
        };
        crate::snapshot::reconcile(&mut space);
        space
    }
}

/// The part of a text that tells its language.
pub(crate) fn head(text: &str) -> &str {
    let mut end = text.len().min(256);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A byte range of a text, empty when it lies outside (the file changed in between).
pub(crate) fn slice<'a>(text: &'a str, bytes: &std::ops::Range<u32>) -> &'a str {
    text.get(bytes.start as usize..bytes.end as usize).unwrap_or("")
}

#[cfg(test)]
#[path = "space_tests.rs"]
mod tests;
