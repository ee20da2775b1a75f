//! What goes into the index and what comes out of it.

use std::ops::Range;

use crate::filter::Filter;

/// Names the text that a vector was made from: a hash of it. Chunks with the same key share one vector.
pub type Key = [u8; 16];

/// Key of chunks that never get a vector, because they live until their file is parsed.
pub const NO_KEY: Key = [0; 16];

/// The `kind` of a chunk that belongs to no symbol.
pub const NO_KIND: u8 = u8::MAX;

/// One file to be indexed.
#[derive(Clone, Copy, Debug)]
pub struct FileDoc<'a> {
    /// Path in the workspace, `/` between folders.
    pub path: &'a str,
    /// Language id.
    pub language: &'a str,
    /// Time of the last change, milliseconds since 1970.
    pub mtime_ms: u64,
    /// The whole text; `bytes` of the chunks are ranges of it.
    pub text: &'a str,
    /// The chunks. They may overlap and need not cover the text; ranges outside the text are cut to it.
    pub chunks: &'a [ChunkDoc<'a>],
}

/// One chunk of a file.
#[derive(Clone, Debug)]
pub struct ChunkDoc<'a> {
    /// Symbol path, e.g. `Session.request`; empty outside symbols.
    pub symbol: &'a str,
    /// What the symbol is, in the caller's numbering; [`NO_KIND`] for none.
    pub kind: u8,
    /// Byte range in the text.
    pub bytes: Range<u32>,
    /// Lines, zero-based, half-open.
    pub lines: Range<u32>,
    /// Key of the text that is embedded for this chunk.
    pub key: Key,
}

/// A set of the layers of search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Layers(u8);

impl Layers {
    /// No layer.
    pub const NONE: Self = Self(0);
    /// BM25F over words of body, symbol path and file path.
    pub const LEXICAL: Self = Self(1);
    /// Names of definitions.
    pub const SYMBOLS: Self = Self(2);
    /// Nearest vectors.
    pub const VECTORS: Self = Self(4);
    /// Every layer.
    pub const ALL: Self = Self(7);

    /// True when every layer of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The layers of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True for the empty set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What is asked of [`crate::Index::search`].
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Words, a sentence, an identifier.
    pub text: &'a str,
    /// The text's embedding, of the index's dimension; without it the vector layer takes no part.
    pub vector: Option<&'a [f32]>,
    /// Most hits wanted.
    pub k: usize,
    /// Layers that may take part.
    pub layers: Layers,
    /// Narrowing; [`Filter::default`] lets everything pass.
    pub filter: &'a Filter,
}

/// One found chunk.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// File.
    pub path: String,
    /// Language id of the file.
    pub language: String,
    /// Lines, zero-based, half-open.
    pub lines: Range<u32>,
    /// Byte range in the text that was indexed.
    pub bytes: Range<u32>,
    /// Symbol path; empty outside symbols.
    pub symbol: String,
    /// Kind of the symbol in the caller's numbering; [`NO_KIND`] for none.
    pub kind: u8,
    /// Key of the chunk's vector.
    pub key: Key,
    /// Fused score, higher is better; comparable within one answer only.
    pub score: f32,
    /// The layers that found it among their best.
    pub layers: Layers,
}

/// A chunk as the index knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkRef<'a> {
    /// Symbol path; empty outside symbols.
    pub symbol: &'a str,
    /// Kind of the symbol; [`NO_KIND`] for none.
    pub kind: u8,
    /// Byte range in the text that was indexed.
    pub bytes: Range<u32>,
    /// Lines, zero-based, half-open.
    pub lines: Range<u32>,
    /// Key of the chunk's vector.
    pub key: Key,
}

/// A chunk that has no vector yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting<'a> {
    /// Key under which to put the vector.
    pub key: Key,
    /// File that the chunk stands in.
    pub path: &'a str,
    /// Language id of the file.
    pub language: &'a str,
    /// Symbol path; empty outside symbols.
    pub symbol: &'a str,
    /// Byte range in the text that was indexed.
    pub bytes: Range<u32>,
}
