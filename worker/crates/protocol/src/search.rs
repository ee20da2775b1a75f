//! Search: what is asked and what is found.

use serde::{Deserialize, Serialize};

use crate::SymbolKind;

/// How the query text is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SearchMode {
    /// Words and meaning: lexical, symbol and vector layers, fused.
    #[default]
    Smart,
    /// The exact text.
    Exact,
    /// The exact text at word borders.
    Word,
    /// A regular expression.
    Regex,
}

/// The layers of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Layer {
    /// BM25 over words, paths and symbols.
    Lexical,
    /// Names of definitions.
    Symbols,
    /// Embeddings.
    Vectors,
    /// Text or pattern found as it stands.
    Exact,
}

/// Narrows a search. Empty fields narrow nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchFilter {
    /// Glob on the path, e.g. `src/**/*.rs`; several are separated by commas, a leading `!` excludes.
    pub path_glob: String,
    /// Language ids.
    pub languages: Vec<String>,
    /// Kinds of symbol that the chunk must be or stand in.
    pub kinds: Vec<SymbolKind>,
    /// Only files changed at or after this time, milliseconds since 1970.
    pub changed_since_unix_ms: Option<u64>,
}

/// A search request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchQuery {
    /// What the person typed.
    pub text: String,
    /// How to read it.
    pub mode: SearchMode,
    /// Match case in `Exact`, `Word` and `Regex`.
    pub case_sensitive: bool,
    /// Number of hits wanted.
    pub k: u32,
    /// Layers to use; empty for all that are ready.
    pub layers: Vec<Layer>,
    /// Narrowing.
    pub filter: SearchFilter,
}

/// A marked run of a preview line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Highlight {
    /// First UTF-16 code unit.
    pub start_utf16: u32,
    /// First UTF-16 code unit after it.
    pub end_utf16: u32,
}

/// One line shown under a hit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewLine {
    /// Zero-based line in the file.
    pub line: u32,
    /// Where `text` begins in the line, in UTF-16 code units: a long line is cut to where it matches.
    pub start_utf16: u32,
    /// The line, cut to at most 400 UTF-16 code units.
    pub text: String,
    /// What matched; positions in `text`.
    pub highlights: Vec<Highlight>,
}

/// One found chunk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchHit {
    /// File.
    pub path: String,
    /// Language id.
    pub language: String,
    /// First line, zero-based.
    pub start_line: u32,
    /// Last line, zero-based, inclusive.
    pub end_line: u32,
    /// Symbol path of the chunk, e.g. `Session.request`; empty outside symbols.
    pub symbol: String,
    /// What the symbol is, when there is one.
    pub kind: Option<SymbolKind>,
    /// Fused score; higher is better; comparable within one answer only.
    pub score: f32,
    /// The layers that found it.
    pub layers: Vec<Layer>,
    /// Up to a few lines to show.
    pub preview: Vec<PreviewLine>,
}

/// What a search found so far, or in the end. Each replaces the one before it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchReply {
    /// Best first.
    pub hits: Vec<SearchHit>,
    /// Layers that took part, with the share of the workspace's chunks that each covers, 0 to 1.
    pub coverage: Vec<(Layer, f32)>,
    /// Number of matches beyond `k`, where the mode counts them.
    pub num_more: u32,
    /// Time in the engine, milliseconds.
    pub took_ms: f32,
    /// A sentence when something was left out or a layer could not take part; empty otherwise.
    pub notice: String,
}
