//! One parse, one walk, chunks and symbols.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use stdx::{Clock as _, SystemClock};
use tree_sitter::{Node, ParseOptions, Parser, TreeCursor};

use crate::chunk::{Chunk, ChunkKind, Symbol, SymbolKind, chunk_by_lines};
use crate::lang::Lang;
use crate::markdown;
use crate::rules::{self, Def, NameAt, Role};
use crate::split::{Lines, split};

/// Longer texts are data, whatever their name says: parsing them would block the worker.
const MAX_PARSE_BYTES: usize = 4 << 20;
/// Parsing gives up after this long.
const MAX_PARSE_MS: f64 = 1500.0;
/// Longest name of a symbol in bytes; selectors and keys can be of any length.
const MAX_NAME_BYTES: usize = 120;
/// Most symbols of one file; data files have no bound of their own.
const MAX_SYMBOLS: usize = 20_000;

/// How a text was taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// By its syntax.
    Parsed,
    /// By its syntax, though parts of it make no sense to the grammar.
    ParsedWithErrors,
    /// By lines: there is no grammar, or it gave up.
    ByLines,
}

/// Chunks and symbols of one text.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// In order; they cover every line that is not blank exactly once.
    pub chunks: Vec<Chunk>,
    /// In order of position.
    pub symbols: Vec<Symbol>,
    /// How they were found.
    pub outcome: Outcome,
}

struct Grammar {
    language: tree_sitter::Language,
    /// By node kind: position in `defs` plus one, 0 for nodes that define nothing.
    def_of: Vec<u8>,
    defs: &'static [Def],
    max_depth: u16,
}

/// Parses texts; keeps one parser and the tables of the grammars that it met.
pub struct Analyser {
    parser: Parser,
    grammars: HashMap<&'static str, Option<Grammar>>,
    clock: SystemClock,
}

impl Default for Analyser {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Analyser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analyser").field("num_grammars", &self.grammars.len()).finish()
    }
}

fn load(id: &'static str) -> Option<Grammar> {
    let (language, defs) = rules::of(id)?;
    let mut def_of = vec![0; language.node_kind_count()];
    for (number, def) in defs.iter().enumerate() {
        let kind = usize::from(language.id_for_node_kind(def.node, true));
        if kind != 0
            && let Some(slot) = def_of.get_mut(kind)
        {
            *slot = number as u8 + 1;
        }
    }
    Some(Grammar { language, def_of, defs, max_depth: rules::max_depth(id) })
}

impl Analyser {
    /// An analyser that has met no language yet.
    #[must_use]
    pub fn new() -> Self {
        Self { parser: Parser::new(), grammars: HashMap::new(), clock: SystemClock::default() }
    }

    /// Chunks and symbols of a text. Never fails: what cannot be parsed is chunked by lines.
    pub fn analyse(&mut self, lang: Lang, text: &str) -> Analysis {
        let by_lines = || Analysis { chunks: chunk_by_lines(text), symbols: Vec::new(), outcome: Outcome::ByLines };
        if text.len() > MAX_PARSE_BYTES {
            return by_lines();
        }
        if lang.grammar_id() == "markdown" {
            let (chunks, symbols) = markdown::analyse(text);
            return Analysis { chunks, symbols, outcome: Outcome::Parsed };
        }
        let Some(tree) = self.parse(lang, text) else { return by_lines() };
        let Some(Some(grammar)) = self.grammars.get(lang.grammar_id()) else { return by_lines() };
        let found = Walk::run(grammar, text, &tree);
        let has_error = tree.root_node().has_error();
        if found.symbols.is_empty() {
            let outcome = if has_error { Outcome::ByLines } else { Outcome::Parsed };
            return Analysis { outcome, ..by_lines() };
        }
        let chunks = chunks(text, &found);
        let outcome = if has_error { Outcome::ParsedWithErrors } else { Outcome::Parsed };
        Analysis { chunks, symbols: found.symbols, outcome }
    }

    /// True when a grammar knows the language and finds nothing wrong in the text; `None` without a grammar.
    pub fn is_valid(&mut self, lang: Lang, text: &str) -> Option<bool> {
        self.parse(lang, text).map(|tree| !tree.root_node().has_error())
    }

    fn parse(&mut self, lang: Lang, text: &str) -> Option<tree_sitter::Tree> {
        let id = lang.grammar_id();
        let grammar = self.grammars.entry(id).or_insert_with(|| load(id)).as_ref()?;
        self.parser.set_language(&grammar.language).ok()?;
        let deadline = self.clock.monotonic_ms() + MAX_PARSE_MS;
        let clock = &self.clock;
        let mut progress = |_: &tree_sitter::ParseState| {
            if clock.monotonic_ms() > deadline { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let bytes = text.as_bytes();
        let tree = self.parser.parse_with_options(
            &mut |at, _| bytes.get(at..).unwrap_or(&[]),
            None,
            Some(ParseOptions::new().progress_callback(&mut progress)),
        );
        if tree.is_none() {
            self.parser.reset();
        }
        tree
    }
}

/// A stretch that becomes one chunk, or the outside of one.
struct Block {
    bytes: Range<usize>,
    symbol: u32,
    role: Role,
}

#[derive(Default)]
struct Walk {
    symbols: Vec<Symbol>,
    blocks: Vec<Block>,
}

/// A symbol around the present node.
struct Open {
    symbol: u32,
    role: Role,
    level: u32,
}

impl Walk {
    /// Visit the tree without recursion: a nest of any depth costs memory of the heap only.
    fn run(grammar: &Grammar, text: &str, tree: &tree_sitter::Tree) -> Self {
        let mut walk = Self::default();
        let mut open: Vec<Open> = Vec::new();
        let mut cursor: TreeCursor<'_> = tree.walk();
        let mut level = 0;
        loop {
            let node = cursor.node();
            let def = grammar.def_of.get(usize::from(node.kind_id())).copied().unwrap_or(0);
            if def != 0
                && node.is_named()
                && let Some((symbol, role)) = walk.define(&grammar.defs[usize::from(def) - 1], grammar, node, text, &open)
            {
                open.push(Open { symbol, role, level });
            }
            if walk.symbols.len() >= MAX_SYMBOLS {
                return walk;
            }
            if cursor.goto_first_child() {
                level += 1;
                continue;
            }
            loop {
                if open.last().is_some_and(|open| open.level == level) {
                    open.pop();
                }
                if cursor.goto_next_sibling() {
                    break;
                }
                if !cursor.goto_parent() {
                    return walk;
                }
                level -= 1;
            }
        }
    }

    /// Take in a defining node; gives the number of its symbol and what it means for chunks.
    fn define(
        &mut self,
        def: &Def,
        grammar: &Grammar,
        node: Node<'_>,
        text: &str,
        open: &[Open],
    ) -> Option<(u32, Role)> {
        let depth = open.len() as u16;
        let inside_unit = open.iter().any(|open| open.role == Role::Unit);
        // Variables inside functions are no landmarks.
        if depth >= grammar.max_depth || (inside_unit && def.role == Role::Name) {
            return None;
        }
        let (mut kind, mut role) = (def.kind, def.role);
        let value = node.child_by_field_name("value");
        if kind == SymbolKind::Variable
            && let Some(value) = value
            && matches!(value.kind(), "arrow_function" | "function_expression" | "function" | "generator_function")
        {
            (kind, role) = (SymbolKind::Function, Role::Unit);
        }
        if def.node == "assignment" && (depth > 0 && open.iter().any(|o| o.role == Role::Unit)) {
            return None;
        }
        // `struct x y;` in C mentions a type and does not define it.
        if def.node.ends_with("_specifier") && node.child_by_field_name("body").is_none() {
            return None;
        }
        let name = name_node(def.name, node)?;
        let mut name_bytes = name.byte_range();
        if def.name == NameAt::Head {
            name_bytes = head_of(node, text);
        }
        let name = clean(text.get(name_bytes.clone())?)?;
        if kind == SymbolKind::Variable && name.chars().all(|c| c.is_uppercase() || c == '_' || c.is_ascii_digit()) {
            kind = SymbolKind::Constant;
        }
        let parent = open.last().map(|open| open.symbol);
        let parent_kind = parent.map(|at| self.symbols[at as usize].kind);
        if kind == SymbolKind::Function
            && parent_kind.is_some_and(|kind| {
                use SymbolKind as K;
                matches!(kind, K::Class | K::Struct | K::Trait | K::Interface | K::Enum) || (def.node.starts_with("function_") && kind == K::Other)
            })
        {
            kind = SymbolKind::Method;
        }
        let mut container = parent.map_or_else(String::new, |at| path_of(&self.symbols[at as usize]));
        if let Some(receiver) = node.child_by_field_name("receiver") {
            // Go writes the type that a method belongs to before its name.
            if let Some(receiver) = text.get(receiver.byte_range()).and_then(receiver_type) {
                container = receiver;
            }
        }
        let number = self.symbols.len() as u32;
        let bytes = node.byte_range();
        self.symbols.push(Symbol {
            name,
            kind,
            container,
            bytes: bytes.start as u32..bytes.end as u32,
            name_bytes: name_bytes.start as u32..name_bytes.end as u32,
            parent,
            depth,
        });
        if role != Role::Name && !inside_unit {
            self.blocks.push(Block { bytes, symbol: number, role });
        }
        Some((number, role))
    }
}

fn path_of(symbol: &Symbol) -> String {
    if symbol.container.is_empty() { symbol.name.clone() } else { format!("{}.{}", symbol.container, symbol.name) }
}

/// The part of a name that fits on a line; `None` when nothing is left.
fn clean(name: &str) -> Option<String> {
    let line = name.trim().lines().next()?.trim().trim_matches(['"', '\'']);
    let mut end = line.len().min(MAX_NAME_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    (end > 0).then(|| line[..end].trim_end().to_owned())
}

/// `(s *Session[T])` → `Session`.
fn receiver_type(receiver: &str) -> Option<String> {
    let inner = receiver.trim_matches(['(', ')']).rsplit([' ', '*']).next()?;
    let name = inner.split('[').next()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// From the begin of a node to its block.
fn head_of(node: Node<'_>, text: &str) -> Range<usize> {
    let range = node.byte_range();
    let source = text.get(range.clone()).unwrap_or("");
    range.start..range.start + source.find('{').unwrap_or(source.len())
}

fn name_node(at: NameAt, node: Node<'_>) -> Option<Node<'_>> {
    match at {
        NameAt::Field(field) => {
            let name = node.child_by_field_name(field)?;
            // `a, b = …`, `x[0] = …` and `self.x = …` define no name of their own.
            let plain = node.kind() != "assignment" || name.kind() == "identifier";
            plain.then_some(name)
        }
        NameAt::Head => Some(node),
        NameAt::Child => node.named_child(0),
        NameAt::Declarator => {
            let mut name = node.child_by_field_name("declarator")?;
            // Chains of pointer, array and function declarators are short; the bound keeps a broken tree from mattering.
            for _ in 0..32 {
                match name.child_by_field_name("declarator").or_else(|| name.child_by_field_name("name")) {
                    Some(inner) => name = inner,
                    None => break,
                }
            }
            (name.kind() != "parenthesized_declarator").then_some(name)
        }
    }
}

/// Lines directly above a definition that belong to it: comments, decorators, attributes.
fn with_lead(lines: &Lines<'_>, mut first: usize, floor: usize) -> usize {
    while first > floor {
        let above = lines.get(first - 1).trim_start();
        let leads = ["//", "#", "@", "/*", "*", "--", "\"\"\""].iter().any(|mark| above.starts_with(mark));
        let shebang = above.starts_with("#!") && first == 1;
        if !leads || shebang || above.starts_with("#include") {
            break;
        }
        first -= 1;
    }
    first
}

/// Units become chunks, what lies between them is cut up under the innermost container around it.
fn chunks(text: &str, found: &Walk) -> Vec<Chunk> {
    let lines = Lines::new(text);
    let mut chunks = Vec::new();
    let mut next = 0;
    let units = found.blocks.iter().filter(|block| block.role == Role::Unit);
    for unit in units {
        let first = lines.of(unit.bytes.start).max(next);
        let last = lines.of(unit.bytes.end.saturating_sub(1).max(unit.bytes.start));
        if last < next {
            continue;
        }
        let first = with_lead(&lines, first, next);
        gap(&lines, next..first, found, &mut chunks);
        let symbol = &found.symbols[unit.symbol as usize];
        push(&lines, first..last + 1, ChunkKind::Function, Some(symbol), &mut chunks);
        next = last + 1;
    }
    gap(&lines, next..lines.len(), found, &mut chunks);
    chunks
}

fn push(
    lines: &Lines<'_>,
    range: Range<usize>,
    kind: ChunkKind,
    symbol: Option<&Symbol>,
    chunks: &mut Vec<Chunk>,
) {
    for piece in split(lines, range) {
        chunks.push(Chunk {
            kind,
            symbol: symbol.map(path_of).unwrap_or_default(),
            symbol_kind: symbol.map(|symbol| symbol.kind),
            bytes: lines.bytes(&piece),
            lines: piece.start as u32..piece.end as u32,
        });
    }
}

/// Lines outside units: cut where a container begins or ends.
fn gap(lines: &Lines<'_>, range: Range<usize>, found: &Walk, chunks: &mut Vec<Chunk>) {
    if range.is_empty() {
        return;
    }
    let containers: Vec<(Range<usize>, &Block)> = found
        .blocks
        .iter()
        .filter(|block| block.role == Role::Container)
        .map(|block| {
            let first = with_lead(lines, lines.of(block.bytes.start), 0);
            (first..lines.of(block.bytes.end.saturating_sub(1).max(block.bytes.start)) + 1, block)
        })
        .filter(|(span, _)| span.start < range.end && range.start < span.end)
        .collect();
    let mut cuts: Vec<usize> = containers
        .iter()
        .flat_map(|(span, _)| [span.start, span.end])
        .filter(|cut| range.contains(cut))
        .chain([range.start, range.end])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    for pair in cuts.windows(2) {
        let around = containers.iter().filter(|(span, _)| span.contains(&pair[0]));
        let inner = around.min_by_key(|(span, _)| span.len());
        let symbol = inner.map(|(_, block)| &found.symbols[block.symbol as usize]);
        let kind = if symbol.is_some() { ChunkKind::Container } else { ChunkKind::TopLevel };
        push(lines, pair[0]..pair[1], kind, symbol, chunks);
    }
}
