//! Chunks, symbols, and chunking without a grammar.

use std::ops::Range;

use crate::split::{Lines, split};

/// What a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChunkKind {
    /// A function or method with what belongs to it.
    Function,
    /// The part of a class, trait, module, … outside its functions.
    Container,
    /// Statements at the top level.
    TopLevel,
    /// A section of prose.
    Section,
    /// Lines, for want of a grammar.
    Lines,
}

/// A piece of a text that is found and embedded as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// What it is.
    pub kind: ChunkKind,
    /// Names from the outermost container to the symbol, joined by `.`; empty outside symbols.
    pub symbol: String,
    /// What the innermost of these names is.
    pub symbol_kind: Option<SymbolKind>,
    /// Bytes; begins and ends at line borders.
    pub bytes: Range<u32>,
    /// Lines, zero-based, half-open.
    pub lines: Range<u32>,
}

/// The kinds of symbols, after the kinds that editors know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum SymbolKind {
    Module,
    Class,
    Struct,
    Enum,
    Interface,
    Trait,
    Function,
    Method,
    Constructor,
    Property,
    Field,
    Variable,
    Constant,
    TypeAlias,
    Macro,
    Heading,
    Key,
    Other,
}

/// A definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its own name.
    pub name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// Names of what contains it, outermost first, joined by `.`; empty at the top level.
    pub container: String,
    /// The whole definition.
    pub bytes: Range<u32>,
    /// Its name.
    pub name_bytes: Range<u32>,
    /// Position of the symbol that contains it in the same list.
    pub parent: Option<u32>,
    /// Number of symbols around it.
    pub depth: u16,
}

/// Chunks of at most sixty lines, cut at blank lines where there are some. Blank stretches belong to no chunk.
#[must_use]
pub fn chunk_by_lines(text: &str) -> Vec<Chunk> {
    let lines = Lines::new(text);
    split(&lines, 0..lines.len())
        .into_iter()
        .map(|range| Chunk {
            kind: ChunkKind::Lines,
            symbol: String::new(),
            symbol_kind: None,
            bytes: lines.bytes(&range),
            lines: range.start as u32..range.end as u32,
        })
        .collect()
}
