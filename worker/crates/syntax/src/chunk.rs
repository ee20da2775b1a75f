//! Chunks: the pieces of a text that are searched and embedded.

use std::ops::Range;

use crate::lines::Lines;
use crate::symbol::SymbolKind;

/// A function of at most so many lines is one chunk.
const FUNCTION_LINES: u32 = 80;
/// ... unless it weighs more than this, bytes that are not white space.
const FUNCTION_WEIGHT: u32 = 6_000;
/// The pieces of a longer function, and everything that is not a function.
const PIECE_LINES: u32 = 48;
/// Weight of such pieces. The small embedding models read about 256 tokens, which is less than this.
const PIECE_WEIGHT: u32 = 1_500;

/// What a chunk was cut from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChunkKind {
    /// A function, method or macro, or a piece of a long one.
    Function,
    /// A type: all of it, or its head, or what stands between its methods.
    Type,
    /// A module, a section or an entry, without what has chunks of its own.
    Section,
    /// Code at the top level.
    Block,
    /// Lines of a text that was not parsed.
    Lines,
}

/// A piece of a text: whole lines, first and last not blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// What it was cut from.
    pub kind: ChunkKind,
    /// Path of the symbol it belongs to, e.g. `Session.request`; empty outside symbols.
    pub symbol: String,
    /// What that symbol is.
    pub symbol_kind: Option<SymbolKind>,
    /// From the begin of its first line to the end of its last, without the line end.
    pub bytes: Range<u32>,
    /// Its lines, from zero, half open.
    pub lines: Range<u32>,
}

/// The owner of lines that stand outside of all units.
pub(crate) const NO_UNIT: u32 = u32::MAX;

/// A definition that has chunks of its own. Later units take lines from earlier ones, so each line has one owner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    /// Place in the list of symbols.
    pub symbol: u32,
    pub symbol_kind: SymbolKind,
    pub kind: ChunkKind,
}

/// Chunks of a text that has no grammar, or whose grammar failed.
#[must_use]
pub fn chunk_by_lines(text: &str) -> Vec<Chunk> {
    by_lines(&Lines::new(text))
}

pub(crate) fn by_lines(lines: &Lines) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    lines.split(0..lines.num(), PIECE_LINES, PIECE_WEIGHT, &mut |piece| {
        chunks.push(Chunk {
            kind: ChunkKind::Lines,
            symbol: String::new(),
            symbol_kind: None,
            bytes: lines.bytes(&piece),
            lines: piece,
        });
    });
    chunks
}

/// Whether a function is too long for one chunk, so that functions inside it get their own.
pub(crate) fn is_long(lines: &Lines, range: &Range<u32>) -> bool {
    range.len() as u32 > FUNCTION_LINES || lines.weight(range) > FUNCTION_WEIGHT
}

/// Chunks from the owner of each line.
///
/// `paths` are the full paths of the symbols.
pub(crate) fn by_owner(
    text: &str,
    lines: &Lines,
    owners: &[u32],
    units: &[Unit],
    paths: &[String],
) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut start = 0;
    while start < owners.len() {
        let owner = owners[start];
        let len = owners[start..].iter().take_while(|other| **other == owner).count();
        let run = lines.trim(start as u32..(start + len) as u32);
        start += len;
        if run.is_empty() {
            continue;
        }
        if let Some(last) = chunks.last_mut()
            && is_slight(text, &lines.bytes(&run))
        {
            last.lines.end = run.end;
            last.bytes = lines.bytes(&last.lines);
            continue;
        }
        let unit = units.get(owner as usize);
        let path = unit.and_then(|unit| paths.get(unit.symbol as usize));
        let kind = unit.map_or(ChunkKind::Block, |unit| unit.kind);
        let mut push = |piece: Range<u32>| {
            chunks.push(Chunk {
                kind,
                symbol: path.cloned().unwrap_or_default(),
                symbol_kind: unit.map(|unit| unit.symbol_kind),
                bytes: lines.bytes(&piece),
                lines: piece,
            });
        };
        if kind == ChunkKind::Function && !is_long(lines, &run) {
            push(run);
        } else {
            lines.split(run, PIECE_LINES, PIECE_WEIGHT, &mut push);
        }
    }
    chunks
}

/// Only the end of something: `}`, `*/`, `end`. It belongs to what stands before it.
fn is_slight(text: &str, bytes: &Range<u32>) -> bool {
    let run = text.get(bytes.start as usize..bytes.end as usize).unwrap_or_default();
    run.split_whitespace().all(|word| word == "end" || !word.contains(char::is_alphanumeric))
}
