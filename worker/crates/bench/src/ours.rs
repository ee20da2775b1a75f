//! The engine's own crates over the evaluation set.

use std::path::Path;

use index::{ChunkDoc, FileDoc, Filter, Index, Key, Layers, NO_KIND, Query, embed_text};
use rustc_hash::FxHashMap;
use syntax::{Analyser, Chunk, Lang, chunk_by_lines};

use crate::cache::{self, DIM, VectorCache};
use crate::set::{EvalSet, Question, SetErr, Source, Span, read_rows};

/// A chunk before it is indexed.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Lines, 1-based and inclusive, and symbol.
    pub span: Span,
    /// Kind of the symbol, as the index numbers it.
    pub kind: u8,
    /// Byte range in the file.
    pub bytes: std::ops::Range<u32>,
    /// Key of its vector: symbol and text, without the path, so that a renamed file keeps its vectors.
    pub key: Key,
    /// What is embedded.
    pub embedded: String,
}

/// The set cut into chunks, file by file in the set's order.
#[derive(Debug)]
pub struct Cut {
    /// Chunks of each file.
    pub pieces: Vec<Vec<Piece>>,
}

impl Cut {
    /// Chunks by syntax, as the engine cuts.
    #[must_use]
    pub fn by_syntax(set: &EvalSet) -> Self {
        let mut analyser = Analyser::new();
        Self::by(set, |lang, text| analyser.analyse(lang, text).chunks)
    }

    /// Chunks by lines, as the engine cuts before it has parsed.
    #[must_use]
    pub fn by_lines(set: &EvalSet) -> Self {
        Self::by(set, |_, text| chunk_by_lines(text))
    }

    fn by(set: &EvalSet, mut chunks_of: impl FnMut(Lang, &str) -> Vec<Chunk>) -> Self {
        let pieces = set.files.iter().map(|file| {
            let lang = Lang::detect(&file.path, file.text.lines().next().unwrap_or_default());
            let chunks = chunks_of(lang, &file.text);
            let piece = |chunk: Chunk| {
                let text = &file.text[chunk.bytes.start as usize..chunk.bytes.end as usize];
                Piece {
                    key: key_of(&chunk.symbol, text),
                    embedded: embed_text(&file.path, lang.id(), &chunk.symbol, text),
                    kind: chunk.symbol_kind.map_or(NO_KIND, |kind| kind as u8),
                    bytes: chunk.bytes,
                    span: Span {
                        path: file.path.clone(),
                        start: chunk.lines.start + 1,
                        end: chunk.lines.end,
                        symbol: chunk.symbol,
                    },
                }
            };
            chunks.into_iter().map(piece).collect()
        });
        Self { pieces: pieces.collect() }
    }

    /// Chunks from a file of rows `{path, start, end, symbol}`.
    pub fn from_rows(set: &EvalSet, path: &Path) -> Result<Self, SetErr> {
        let mut by_path: FxHashMap<String, Vec<Span>> = FxHashMap::default();
        for span in read_rows::<Span>(path)? {
            by_path.entry(span.path.clone()).or_default().push(span);
        }
        let pieces = set.files.iter().map(|file| {
            let starts: Vec<u32> = line_starts(&file.text);
            let spans = by_path.remove(&file.path).unwrap_or_default();
            spans.into_iter().map(|span| piece(file, &starts, span)).collect()
        });
        Ok(Self { pieces: pieces.collect() })
    }

    /// Number of chunks.
    #[must_use]
    pub fn num_chunks(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }
}

fn key_of(symbol: &str, text: &str) -> Key {
    cache::key(&format!("{symbol}\0{text}"))
}

fn line_starts(text: &str) -> Vec<u32> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at as u32 + 1)).collect()
}

fn piece(file: &Source, starts: &[u32], span: Span) -> Piece {
    let end = starts.get(span.end as usize).copied().unwrap_or(file.text.len() as u32);
    let start = starts.get(span.start as usize - 1).copied().unwrap_or(end);
    let text = &file.text[start as usize..end as usize];
    let embedded = embed_text(&file.path, "python", &span.symbol, text);
    let key = key_of(&span.symbol, text);
    Piece { span, key, kind: NO_KIND, bytes: start..end, embedded }
}

/// Index the set; chunks whose text is in `vectors` get their vector.
#[must_use]
pub fn build(set: &EvalSet, cut: &Cut, vectors: &VectorCache) -> Index {
    let mut index = Index::new(DIM);
    for (file, pieces) in set.files.iter().zip(&cut.pieces) {
        let chunks: Vec<ChunkDoc<'_>> = pieces
            .iter()
            .map(|piece| ChunkDoc {
                symbol: &piece.span.symbol,
                kind: piece.kind,
                bytes: piece.bytes.clone(),
                lines: piece.span.start - 1..piece.span.end,
                key: piece.key,
            })
            .collect();
        index.put_file(&FileDoc {
            path: &file.path,
            language: "python",
            mtime_ms: 0,
            text: &file.text,
            chunks: &chunks,
        });
    }
    for piece in cut.pieces.iter().flatten() {
        if let Some(vector) = vectors.get(&piece.embedded) {
            // Vectors of the cache have the right length; a refusal would show as a missing vector.
            let _ = index.put_vector(piece.key, vector);
        }
    }
    index
}

/// Ten answers to a question.
#[must_use]
pub fn answers(index: &Index, question: &Question, layers: Layers, vectors: &VectorCache) -> Vec<Span> {
    let query = Query {
        text: &question.query,
        vector: vectors.get(&question.query),
        k: 10,
        layers,
        filter: &Filter::default(),
    };
    let hits = index.search(&query);
    let span = |hit: index::Hit| Span {
        path: hit.path,
        start: hit.lines.start + 1,
        end: hit.lines.end,
        symbol: hit.symbol,
    };
    hits.into_iter().map(span).collect()
}
