//! Definitions in a text.

use std::ops::Range;

/// What a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl SymbolKind {
    /// Functions inside are methods.
    pub(crate) fn has_methods(self) -> bool {
        matches!(self, Self::Class | Self::Struct | Self::Enum | Self::Interface | Self::Trait | Self::Other)
    }

    /// Names inside are local and tell nobody outside anything.
    pub(crate) fn has_locals(self) -> bool {
        matches!(self, Self::Function | Self::Method | Self::Constructor)
    }

    /// A value rather than code or a type.
    pub(crate) fn is_value(self) -> bool {
        matches!(self, Self::Variable | Self::Constant | Self::Field | Self::Property)
    }
}

/// One definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its own name, one line, at most 120 bytes.
    pub name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// Names of what contains it, outermost first, joined by `.`; empty at the top level.
    pub container: String,
    /// Bytes of the whole definition, with decorators and the keywords before it.
    pub bytes: Range<u32>,
    /// Bytes of its name.
    pub name_bytes: Range<u32>,
    /// Place in the list of the symbol that contains it; always before this one.
    pub parent: Option<u32>,
    /// Number of symbols around it.
    pub depth: u16,
}
