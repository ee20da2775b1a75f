//! The index: files, their chunks, and the layers over them.

use rustc_hash::FxHashMap;
use std::ops::Range;

use crate::asked;
use crate::doc::{ChunkRef, FileDoc, Hit, Key, Layers, NO_KEY, Query, Waiting};
use crate::fuse::{self, Ranked};
use crate::lexical::{Lexical, Reader};
use crate::tuning::Tuning;
use crate::vectors::{Quantised, VectorErr, Vectors};

/// A file in the index.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct File {
    pub path: Box<str>,
    pub language: Box<str>,
    pub mtime_ms: u64,
    /// Numbers of its chunks, in the order in which they were given.
    pub chunks: Vec<u32>,
}

/// What is kept of a chunk beside its terms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chunk {
    pub file: u32,
    pub symbol: Box<str>,
    pub kind: u8,
    pub bytes: Range<u32>,
    pub lines: Range<u32>,
    pub key: Key,
}

/// Searches the chunks of a workspace. See the crate's head for what it can do.
pub struct Index {
    pub(crate) tuning: Tuning,
    pub(crate) files: Vec<Option<File>>,
    free_files: Vec<u32>,
    by_path: FxHashMap<Box<str>, u32>,
    /// By chunk number; what stands at numbers of dead chunks means nothing.
    pub(crate) chunks: Vec<Chunk>,
    by_key: FxHashMap<Key, Vec<u32>>,
    pub(crate) lexical: Lexical,
    pub(crate) vectors: Vectors,
    /// Encoded vectors whose last chunk went, until somebody takes them.
    released: Vec<(Key, Vec<u8>)>,
}

impl Index {
    /// An empty index for vectors of `dim` components.
    #[must_use]
    pub fn new(dim: usize) -> Self {
        Self::with_tuning(dim, Tuning::default())
    }

    /// An empty index with other weights than the evaluated ones; for the evaluation itself.
    #[must_use]
    pub fn with_tuning(dim: usize, tuning: Tuning) -> Self {
        Self {
            tuning,
            files: Vec::new(),
            free_files: Vec::new(),
            by_path: FxHashMap::default(),
            chunks: Vec::new(),
            by_key: FxHashMap::default(),
            lexical: Lexical::default(),
            vectors: Vectors::new(dim),
            released: Vec::new(),
        }
    }

    /// Change the ranking's weights.
    pub fn set_tuning(&mut self, tuning: Tuning) {
        self.tuning = tuning;
    }

    /// Index a file. A file already there under that path is replaced in one step: no search sees half of it, and
    /// vectors of chunks whose key stays are kept.
    pub fn put_file(&mut self, doc: &FileDoc<'_>) {
        let mut reader = Reader::default();
        let (mut path_terms, mut symbol_terms, mut body_terms) = (Vec::new(), Vec::new(), Vec::new());
        reader.read(&mut self.lexical, doc.path, &mut path_terms);
        let old = self.detach(doc.path);
        let file = self.free_file();
        let mut numbers = Vec::with_capacity(doc.chunks.len());
        for chunk in doc.chunks {
            symbol_terms.clear();
            body_terms.clear();
            reader.read(&mut self.lexical, chunk.symbol, &mut symbol_terms);
            reader.read(&mut self.lexical, slice(doc.text, &chunk.bytes), &mut body_terms);
            let number = self.lexical.add([&body_terms, &symbol_terms, &path_terms]);
            self.attach(
                number,
                Chunk {
                    file,
                    symbol: chunk.symbol.into(),
                    kind: chunk.kind,
                    bytes: chunk.bytes.clone(),
                    lines: chunk.lines.clone(),
                    key: chunk.key,
                },
            );
            numbers.push(number);
        }
        self.place(
            file,
            File {
                path: doc.path.into(),
                language: doc.language.into(),
                mtime_ms: doc.mtime_ms,
                chunks: numbers,
            },
        );
        self.release(&old);
        self.sweep_if_due();
    }

    /// Take a file out. Returns false when there is none under that path.
    pub fn remove_file(&mut self, path: &str) -> bool {
        if !self.by_path.contains_key(path) {
            return false;
        }
        let old = self.detach(path);
        self.release(&old);
        self.sweep_if_due();
        true
    }

    /// Give a file another path; a file already there is replaced. Chunks, keys and vectors stay, only the words of the
    /// path are indexed anew. Returns false when there is no file under `from`.
    pub fn rename_file(&mut self, from: &str, to: &str) -> bool {
        let Some(&file) = self.by_path.get(from) else { return false };
        if from == to {
            return true;
        }
        let replaced = self.detach(to);
        self.release(&replaced);
        let mut path_terms = Vec::new();
        Reader::default().read(&mut self.lexical, to, &mut path_terms);
        self.by_path.remove(from);
        let Some(mut entry) = self.files[file as usize].take() else { return false };
        let mut old = Vec::new();
        for number in &mut entry.chunks {
            let chunk = self.chunks[*number as usize].clone();
            old.push((*number, chunk.key));
            let Some(forward) = self.lexical.forward(*number).cloned() else { continue };
            *number = self.lexical.add_forward(forward.with_path(&path_terms));
            self.attach(*number, chunk);
        }
        entry.path = to.into();
        self.place(file, entry);
        self.release(&old);
        self.sweep_if_due();
        true
    }

    /// Number of files.
    #[must_use]
    pub fn num_files(&self) -> usize {
        self.by_path.len()
    }

    /// Number of chunks.
    #[must_use]
    pub fn num_chunks(&self) -> usize {
        self.lexical.num_live() as usize
    }

    /// Number of keys in use, with or without a vector.
    #[must_use]
    pub fn num_keys(&self) -> usize {
        self.by_key.len()
    }

    /// Number of vectors.
    #[must_use]
    pub fn num_vectors(&self) -> usize {
        self.vectors.len()
    }

    /// Components of a vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.vectors.dim()
    }

    /// Paths of all files, in no order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().flatten().map(|f| &*f.path)
    }

    /// Whether a file with that path is indexed.
    #[must_use]
    pub fn has_file(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// Time of change that a file was indexed with.
    #[must_use]
    pub fn mtime_ms(&self, path: &str) -> Option<u64> {
        Some(self.file(path)?.mtime_ms)
    }

    /// The chunks of one file in the order in which they were given; empty when there is no such file.
    #[must_use]
    pub fn chunks_of(&self, path: &str) -> Vec<ChunkRef<'_>> {
        let numbers = self.file(path).map_or(&[][..], |f| &f.chunks);
        numbers.iter().map(|&number| self.chunk_ref(number)).collect()
    }

    /// The chunks of one file that have no vector yet.
    pub fn waiting_in<'a>(&'a self, path: &str) -> impl Iterator<Item = Waiting<'a>> {
        self.file(path).into_iter().flat_map(|file| self.waiting_of(file))
    }

    /// Every chunk without a vector, file by file. Chunks with one key appear once each: skip keys already seen.
    pub fn waiting(&self) -> impl Iterator<Item = Waiting<'_>> {
        self.files.iter().flatten().flat_map(|file| self.waiting_of(file))
    }

    /// Put the vector of a key. Returns false when no chunk has that key (any more), and the vector is not kept.
    pub fn put_vector(&mut self, key: Key, vector: &[f32]) -> Result<bool, VectorErr> {
        self.put_quantised(key, &Quantised::new(vector))
    }

    /// Put a vector that [`crate::encode_vector`] made. Returns false when no chunk has that key.
    pub fn put_encoded(&mut self, key: Key, bytes: &[u8]) -> Result<bool, VectorErr> {
        self.put_quantised(key, &Quantised::decode(bytes)?)
    }

    /// Whether the key has a vector.
    #[must_use]
    pub fn has_vector(&self, key: &Key) -> bool {
        self.vectors.contains(key)
    }

    /// Every vector with its key, encoded as [`crate::encode_vector`] does, in no order.
    pub fn encoded_vectors(&self) -> impl Iterator<Item = (Key, Vec<u8>)> {
        self.by_key.keys().filter_map(|key| Some((*key, self.vectors.encoded(key)?)))
    }

    /// Vectors whose last chunk went since the last call, encoded. Text that comes back (an undo, another branch) can
    /// have its vector again with [`Self::put_encoded`].
    pub fn take_released(&mut self) -> Vec<(Key, Vec<u8>)> {
        std::mem::take(&mut self.released)
    }

    /// Drop every vector: they were made by another model.
    pub fn clear_vectors(&mut self) {
        self.vectors = Vectors::new(self.vectors.dim());
        self.released.clear();
    }

    /// Do about `budget` units of tidying (a unit is one posting or one vector looked at). Returns true while more is
    /// to do. Call it when idle; nothing depends on it but memory and speed.
    pub fn compact_step(&mut self, budget: usize) -> bool {
        let more = self.vectors.compact_step();
        self.lexical.sweep(budget) || more
    }

    /// Move the newest `size` vectors that are not in a segment into a new one, with a graph to search them by. Returns
    /// false when there are fewer than `size`.
    ///
    /// Without segments every vector is compared, which is exact and takes about 1 ms for 50,000 of them in wasm.
    /// Building a graph takes about a millisecond a vector there and cannot be interrupted: do it natively, or not at
    /// all below some hundred thousand vectors.
    pub fn build_segment(&mut self, size: usize) -> bool {
        self.vectors.build_segment(size)
    }

    /// Number of vectors that are not in a segment.
    #[must_use]
    pub fn num_flat_vectors(&self) -> usize {
        self.vectors.num_flat()
    }

    /// The best chunks for a query, best first.
    #[must_use]
    pub fn search(&self, query: &Query<'_>) -> Vec<Hit> {
        let mut fused = fuse::fuse(&self.ranked(query), self.tuning.rrf_k);
        let place = |number: u32| {
            let chunk = &self.chunks[number as usize];
            (self.files[chunk.file as usize].as_ref().map(|f| &f.path), chunk.bytes.start)
        };
        fused.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| place(a.1).cmp(&place(b.1))));
        fused.truncate(query.k);
        fused.into_iter().filter_map(|(score, number, layers)| self.hit(number, score, layers)).collect()
    }

    pub(crate) fn ranked(&self, query: &Query<'_>) -> Vec<Ranked> {
        let depth = self.tuning.depth.max(query.k);
        let passes = self.mask(query);
        let mut lists = Vec::new();
        let terms = asked::terms(&self.lexical, query.text, &self.tuning);
        let weights = self.tuning.layer_weight;
        for (layer, fields, weight) in
            [(Layers::LEXICAL, [1, 1, 1], weights[0]), (Layers::SYMBOLS, [0, 1, 0], weights[1])]
        {
            if query.layers.contains(layer) && !terms.is_empty() {
                let pass = |number: u32| passes.as_ref().is_none_or(|p| p[number as usize]);
                let list = self.lexical.rank(&terms, &self.tuning, fields, depth, pass);
                lists.push(Ranked { layer, weight, share: 1.0, list });
            }
        }
        if let (true, Some(vector)) = (query.layers.contains(Layers::VECTORS), query.vector) {
            let pass = |number: &&u32| passes.as_ref().is_none_or(|p| p[**number as usize]);
            let near = self.vectors.nearest(vector, depth, passes.is_some(), |key| {
                passes.is_none() || self.by_key.get(key).is_some_and(|all| all.iter().any(|n| pass(&n)))
            });
            let mut list = Vec::with_capacity(near.len());
            for (key, score) in near {
                list.extend(self.by_key.get(&key).into_iter().flatten().filter(pass).map(|&n| (score, n)));
            }
            fuse::keep_best(&mut list, depth);
            let share = self.num_vectors() as f32 / self.num_keys().max(1) as f32;
            // Keys go with their chunks, vectors a little later.
            let share = if share > 0.0 { share.min(1.0) } else { 1.0 };
            lists.push(Ranked { layer: Layers::VECTORS, weight: weights[2], share, list });
        }
        lists
    }

    /// Which chunk numbers pass the filter; `None` when all do.
    fn mask(&self, query: &Query<'_>) -> Option<Vec<bool>> {
        if query.filter.is_empty() {
            return None;
        }
        let mut passes = vec![false; self.lexical.num_slots()];
        for file in self.files.iter().flatten() {
            if query.filter.passes_file(&file.path, &file.language, file.mtime_ms) {
                for &number in &file.chunks {
                    passes[number as usize] = query.filter.passes_kind(self.chunks[number as usize].kind);
                }
            }
        }
        Some(passes)
    }

    fn hit(&self, number: u32, score: f32, layers: Layers) -> Option<Hit> {
        let chunk = self.chunks.get(number as usize)?;
        let file = self.files.get(chunk.file as usize)?.as_ref()?;
        Some(Hit {
            path: file.path.to_string(),
            language: file.language.to_string(),
            lines: chunk.lines.clone(),
            bytes: chunk.bytes.clone(),
            symbol: chunk.symbol.to_string(),
            kind: chunk.kind,
            key: chunk.key,
            score,
            layers,
        })
    }

    fn put_quantised(&mut self, key: Key, vector: &Quantised) -> Result<bool, VectorErr> {
        if !self.by_key.contains_key(&key) {
            return Ok(false);
        }
        self.vectors.put(key, vector)?;
        Ok(true)
    }

    fn file(&self, path: &str) -> Option<&File> {
        self.files[*self.by_path.get(path)? as usize].as_ref()
    }

    fn chunk_ref(&self, number: u32) -> ChunkRef<'_> {
        let chunk = &self.chunks[number as usize];
        ChunkRef {
            symbol: &chunk.symbol,
            kind: chunk.kind,
            bytes: chunk.bytes.clone(),
            lines: chunk.lines.clone(),
            key: chunk.key,
        }
    }

    fn waiting_of<'a>(&'a self, file: &'a File) -> impl Iterator<Item = Waiting<'a>> {
        file.chunks
            .iter()
            .map(|&number| &self.chunks[number as usize])
            .filter(|c| c.key != NO_KEY && !self.has_vector(&c.key))
            .map(|chunk| Waiting {
                key: chunk.key,
                path: &file.path,
                language: &file.language,
                symbol: &chunk.symbol,
                bytes: chunk.bytes.clone(),
            })
    }

    pub(crate) fn free_file(&mut self) -> u32 {
        self.free_files.pop().unwrap_or_else(|| {
            self.files.push(None);
            (self.files.len() - 1) as u32
        })
    }

    pub(crate) fn place(&mut self, at: u32, file: File) {
        self.by_path.insert(file.path.clone(), at);
        self.files[at as usize] = Some(file);
    }

    pub(crate) fn attach(&mut self, number: u32, chunk: Chunk) {
        if chunk.key != NO_KEY {
            self.by_key.entry(chunk.key).or_default().push(number);
        }
        if self.chunks.len() <= number as usize {
            self.chunks.resize_with(number as usize + 1, Chunk::default);
        }
        self.chunks[number as usize] = chunk;
    }

    /// Take a file out of the table of files; its chunks stay until [`Self::release`].
    fn detach(&mut self, path: &str) -> Vec<(u32, Key)> {
        let Some(at) = self.by_path.remove(path) else { return Vec::new() };
        self.free_files.push(at);
        let file = self.files[at as usize].take();
        file.into_iter().flat_map(|f| f.chunks).map(|n| (n, self.chunks[n as usize].key)).collect()
    }

    /// Take chunks out of the layers, and vectors that nobody uses any more with them.
    fn release(&mut self, old: &[(u32, Key)]) {
        for &(number, key) in old {
            self.lexical.remove(number);
            let Some(users) = self.by_key.get_mut(&key) else { continue };
            users.retain(|&n| n != number);
            if users.is_empty() {
                self.by_key.remove(&key);
                self.released.extend(self.vectors.encoded(&key).map(|bytes| (key, bytes)));
                self.vectors.remove(&key);
            }
        }
    }

    /// Sweep at once when the dead outnumber the living: otherwise a long run of edits without idle time would grow.
    fn sweep_if_due(&mut self) {
        if self.lexical.num_dead() > self.num_chunks() + 4096 {
            while self.lexical.sweep(usize::MAX) {}
        }
    }
}

/// The part of `text` in `bytes`, cut to the text and to character borders.
pub(crate) fn slice<'a>(text: &'a str, bytes: &Range<u32>) -> &'a str {
    let clamp = |at: u32| {
        let mut at = (at as usize).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    text.get(clamp(bytes.start)..clamp(bytes.end)).unwrap_or_default()
}
