//! One walk over a tree that finds symbols, the owner of each line, and where statements begin.
//!
//! The walk keeps its own stack, so a tree may be as deep as it likes.

use tree_sitter::{Node, Tree};

use crate::chunk::{ChunkKind, NO_UNIT, Unit, is_long};
use crate::grammar::Grammar;
use crate::lines::Lines;
use crate::names::{self, Named};
use crate::roles::{Def, Form, Naming, Role};
use crate::symbol::{Symbol, SymbolKind};

/// Definitions nested deeper are not recorded.
const MAX_SYMBOL_DEPTH: u16 = 32;
/// Keys of data nested deeper are not recorded.
const MAX_KEY_DEPTH: u16 = 3;
/// Definitions beyond this number are not recorded.
const MAX_SYMBOLS: usize = 20_000;
/// How often each line may be given to a definition on average. Definitions nest a few deep; thousands of headings that
/// each own the rest of the text would take minutes.
const MAX_OWNED: usize = 64;
/// From how many lines on a constant or an alias gets a chunk of its own.
const AUTO_LINES: u32 = 3;
/// The kind id of error nodes.
const ERROR: u16 = u16::MAX;

/// What the walk found.
#[derive(Debug)]
pub(crate) struct Found {
    pub symbols: Vec<Symbol>,
    /// Full paths of the symbols.
    pub paths: Vec<String>,
    /// Unit per line.
    pub owners: Vec<u32>,
    pub units: Vec<Unit>,
    /// Bytes in error nodes.
    pub error_bytes: usize,
}

/// Where a definition begins and ends, given what is wrapped around it.
#[derive(Clone, Copy, Debug)]
struct Extent {
    start: usize,
    end: usize,
    first_line: u32,
    last_line: u32,
}

/// A node whose children are walked.
#[derive(Clone, Copy, Debug)]
struct Level {
    is_body: bool,
    /// Number of bodies around its children.
    depth: u16,
    symbol: Option<u32>,
    /// Definitions inside get chunks of their own.
    may_own: bool,
    /// Values named inside are local.
    is_local: bool,
    in_error: bool,
    outer: Option<Extent>,
    /// First and last line of comments and attributes that may belong to the next definition.
    lead: Option<(u32, u32)>,
    /// Last line of the child before.
    last_line: Option<u32>,
}

impl Level {
    const ROOT: Self = Self {
        is_body: true,
        depth: 0,
        symbol: None,
        may_own: true,
        is_local: false,
        in_error: false,
        outer: None,
        lead: None,
        last_line: None,
    };

    /// The level below that changes nothing.
    fn below(&self) -> Self {
        Self {
            is_body: false,
            depth: self.depth.saturating_add(u16::from(self.is_body)),
            outer: None,
            lead: None,
            last_line: None,
            ..*self
        }
    }
}

struct Walk<'a> {
    grammar: &'a Grammar,
    text: &'a str,
    lines: &'a mut Lines,
    found: Found,
    /// Lines that definitions may still be given.
    lines_to_own: usize,
}

/// Walk over a tree.
pub(crate) fn walk(tree: &Tree, grammar: &Grammar, text: &str, lines: &mut Lines) -> Found {
    let found = Found {
        symbols: Vec::new(),
        paths: Vec::new(),
        owners: vec![NO_UNIT; lines.num() as usize],
        units: Vec::new(),
        error_bytes: 0,
    };
    let lines_to_own = MAX_OWNED * found.owners.len();
    let mut walk = Walk { grammar, text, lines, found, lines_to_own };
    let root = tree.root_node();
    if root.is_error() {
        walk.found.error_bytes = text.len();
    }
    let mut cursor = root.walk();
    let mut levels = vec![Level { in_error: root.is_error(), ..Level::ROOT }];
    if !cursor.goto_first_child() {
        return walk.found;
    }
    while let Some(level) = levels.last_mut() {
        if let Some(below) = walk.enter(cursor.node(), level)
            && cursor.goto_first_child()
        {
            levels.push(below);
            continue;
        }
        while !cursor.goto_next_sibling() {
            levels.pop();
            if levels.is_empty() || !cursor.goto_parent() {
                return walk.found;
            }
        }
    }
    walk.found
}

impl Walk<'_> {
    /// Look at one node; the level of its children when they are to be looked at.
    fn enter(&mut self, node: Node<'_>, level: &mut Level) -> Option<Level> {
        let kind_id = node.kind_id();
        let role = self.grammar.role(kind_id);
        if role == Role::Prune && !level.is_body {
            return None;
        }
        let mut extent = level.outer;
        if level.is_body {
            let own = self.extent(node);
            if role == Role::Lead {
                self.lead(own, level);
                return None;
            }
            let lead = level.lead.take().filter(|(_, last)| last + 1 >= own.first_line);
            level.last_line = Some(own.last_line);
            let first_line = lead.map_or(own.first_line, |(first, _)| first);
            if node.is_named() {
                self.lines.mark_border(first_line, level.depth);
            }
            extent = Some(Extent { first_line, ..own });
        }
        match role {
            Role::Prune | Role::Lead => None,
            Role::Through => Some(level.below()),
            Role::Closure => Some(Level { is_local: true, ..level.below() }),
            Role::Body => {
                let mut below = Level { is_body: true, ..level.below() };
                if kind_id == ERROR && !level.in_error {
                    self.found.error_bytes += node.byte_range().len();
                    below.in_error = true;
                }
                Some(below)
            }
            Role::Wrap => {
                Some(Level { outer: Some(extent.unwrap_or_else(|| self.extent(node))), ..level.below() })
            }
            Role::Group => {
                let outer =
                    (node.named_child_count() == 1).then(|| extent.unwrap_or_else(|| self.extent(node)));
                Some(Level { outer, ..level.below() })
            }
            Role::Def(def) => {
                let mut extent = extent.unwrap_or_else(|| self.extent(node));
                if def.naming == Naming::Underlined
                    && let Some(section) = node.parent()
                {
                    let Extent { end, last_line, .. } = self.extent(section);
                    extent = Extent { end, last_line, ..extent };
                }
                Some(self.define(def, node, extent, level))
            }
        }
    }

    fn extent(&self, node: Node<'_>) -> Extent {
        let (start, mut end) = (node.start_byte(), node.end_byte());
        let first_line = self.lines.of(start, node.start_position().row);
        let at = node.end_position();
        let mut last_line = self.lines.of(end, at.row);
        // A node that takes the line end with it does not stand on the next line.
        if at.column == 0 && last_line > first_line {
            last_line -= 1;
            end = self.lines.bytes(&(last_line..last_line + 1)).end as usize;
        }
        Extent { start, end: end.max(start), first_line, last_line }
    }

    fn lead(&mut self, own: Extent, level: &mut Level) {
        let trails = level.last_line == Some(own.first_line);
        level.lead = match level.lead {
            Some((first, last)) if last + 1 >= own.first_line => Some((first, own.last_line)),
            _ if trails => None,
            _ => Some((own.first_line, own.last_line)),
        };
        if level.lead.is_some_and(|(first, _)| first == own.first_line) {
            self.lines.mark_border(own.first_line, level.depth);
        }
    }

    /// Record a definition.
    fn define(&mut self, def: Def, node: Node<'_>, extent: Extent, level: &Level) -> Level {
        // These have their members as children, without a body between.
        let is_body = matches!(def.naming, Naming::First | Naming::Head | Naming::Heading | Naming::HtmlId);
        let below = Level { is_body, ..level.below() };
        let parent = level.symbol.and_then(|parent| self.found.symbols.get(parent as usize));
        let depth = parent.map_or(0, |parent| parent.depth + 1);
        let max_depth = if def.kind == SymbolKind::Key { MAX_KEY_DEPTH } else { MAX_SYMBOL_DEPTH };
        if depth >= max_depth || self.found.symbols.len() >= MAX_SYMBOLS {
            return below;
        }
        let Some(mut named) = names::name(def, node, self.text) else { return below };
        let parent_kind = parent.map(|parent| parent.kind);
        if named.kind.is_value() && (level.is_local || parent_kind.is_some_and(SymbolKind::has_locals)) {
            return below;
        }
        settle_kind(&mut named, parent_kind);
        let mut below =
            Level { symbol: Some(self.push_symbol(&named, extent, level.symbol, depth)), ..below };
        if level.may_own {
            self.own(&named, extent, &mut below);
        }
        below
    }

    fn push_symbol(&mut self, named: &Named, extent: Extent, parent: Option<u32>, depth: u16) -> u32 {
        let mut container =
            parent.and_then(|parent| self.found.paths.get(parent as usize)).cloned().unwrap_or_default();
        join(&mut container, &named.qualifier);
        let mut path = container.clone();
        join(&mut path, if named.segment.is_empty() { &named.name } else { &named.segment });
        let place = self.found.symbols.len() as u32;
        self.found.symbols.push(Symbol {
            name: named.name.clone(),
            kind: named.kind,
            container,
            bytes: extent.start as u32..extent.end as u32,
            name_bytes: named.bytes.start as u32..named.bytes.end as u32,
            parent,
            depth,
        });
        self.found.paths.push(path);
        place
    }

    /// Give a definition its lines, if its form says so.
    fn own(&mut self, named: &Named, extent: Extent, below: &mut Level) {
        let lines = extent.first_line..extent.last_line + 1;
        let is_leaf = match named.form {
            Form::Mark => return,
            Form::Auto if lines.len() < AUTO_LINES as usize => return,
            Form::Container => false,
            Form::Leaf | Form::Auto => true,
        };
        let unit = self.found.units.len() as u32;
        let Some(left) = self.lines_to_own.checked_sub(lines.len()) else { return };
        self.lines_to_own = left;
        let Some(owners) = self.found.owners.get_mut(lines.start as usize..lines.end as usize) else {
            return;
        };
        owners.fill(unit);
        self.found.units.push(Unit {
            symbol: below.symbol.unwrap_or_default(),
            symbol_kind: named.kind,
            kind: chunk_kind(named.kind),
        });
        below.may_own = !is_leaf || is_long(self.lines, &lines);
    }
}

fn join(path: &mut String, segment: &str) {
    if !path.is_empty() && !segment.is_empty() {
        path.push('.');
    }
    path.push_str(segment);
}

/// What a definition is depends on where it stands.
fn settle_kind(named: &mut Named, parent: Option<SymbolKind>) {
    let in_type = parent.is_some_and(SymbolKind::has_methods);
    if named.kind == SymbolKind::Function && (in_type || !named.qualifier.is_empty()) {
        named.kind = SymbolKind::Method;
    }
    if named.kind == SymbolKind::Variable && in_type {
        named.kind = SymbolKind::Field;
    }
    let constructs = matches!(named.name.as_str(), "__init__" | "constructor" | "__construct" | "initialize");
    if named.kind == SymbolKind::Method && constructs {
        named.kind = SymbolKind::Constructor;
    }
}

fn chunk_kind(kind: SymbolKind) -> ChunkKind {
    use SymbolKind as K;
    match kind {
        K::Function | K::Method | K::Constructor | K::Macro => ChunkKind::Function,
        K::Class | K::Struct | K::Enum | K::Interface | K::Trait | K::TypeAlias | K::Other => ChunkKind::Type,
        K::Module | K::Heading | K::Key => ChunkKind::Section,
        K::Property | K::Field | K::Variable | K::Constant => ChunkKind::Block,
    }
}
