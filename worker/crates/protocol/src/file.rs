//! Workspaces, files, symbols and positions as they cross a boundary.

use serde::{Deserialize, Serialize};

use crate::Blob;

/// Identifies a workspace on this device; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkspaceId(pub u64);

/// A place in a text as Monaco counts it, but from zero: line, then UTF-16 code units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pos {
    /// Zero-based line.
    pub line: u32,
    /// Zero-based UTF-16 code unit in the line.
    pub utf16: u32,
}

/// Half-open range between two positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First position inside.
    pub start: Pos,
    /// First position after.
    pub end: Pos,
}

/// One workspace in the list of those kept on this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceInfo {
    /// Its id.
    pub id: WorkspaceId,
    /// The name that a person gave it.
    pub name: String,
    /// Number of files in it.
    pub num_files: u32,
    /// Bytes that it takes in the browser's storage, index included.
    pub stored_bytes: u64,
    /// When it was last opened, milliseconds since 1970.
    pub opened_unix_ms: u64,
}

/// How this tab holds the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// This tab writes.
    Writer,
    /// Another tab writes; this one reads until that one closes.
    Reader,
    /// The browser gives no storage; everything is in memory and gone with the tab.
    Memory,
}

/// A file on its way into the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIn {
    /// Relative path with `/`; validated by the engine.
    pub path: String,
    /// The content, a blob of the same message.
    pub blob: Blob,
    /// Last change, milliseconds since 1970; 0 when unknown.
    pub mtime_ms: u64,
}

/// Why a file of a folder or archive was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SkipReason {
    /// A `.gitignore` (or `.ignore`) rule.
    Ignored,
    /// Larger than the size cap of the settings.
    TooLarge,
    /// The path leaves the workspace, is empty, too long or holds forbidden characters.
    BadPath,
    /// Reading it failed.
    Unreadable,
    /// A link that leads back to a folder above it.
    Loop,
    /// What a walk did not get to, because the folder holds too much.
    TooMany,
}

/// What stands in the file tree for one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Relative path with `/`.
    pub path: String,
    /// Length of the content.
    pub bytes: u64,
    /// Last change, milliseconds since 1970; 0 when unknown.
    pub mtime_ms: u64,
    /// What its bytes are.
    pub content: ContentKind,
    /// Language id as Monaco names it (`rust`, `typescript`, `plaintext`, …).
    pub language: String,
    /// An unsaved edit is kept for it.
    pub has_draft: bool,
}

/// What the bytes of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ContentKind {
    /// Valid UTF-8 without NUL.
    Text,
    /// Mostly text with invalid UTF-8: shown and indexed lossily, never written back changed.
    LossyText,
    /// Shown as a size, not indexed.
    Binary,
}

/// The kinds of symbols, after the kinds that editors know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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

/// A definition in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolInfo {
    /// Its own name.
    pub name: String,
    /// What it is.
    pub kind: SymbolKind,
    /// The file it stands in.
    pub path: String,
    /// Names of what contains it, outermost first, joined by `.`; empty at the top level.
    pub container: String,
    /// The whole definition.
    pub span: Span,
    /// Where its name stands.
    pub name_pos: Pos,
    /// Nesting depth in its file, 0 at the top level.
    pub depth: u16,
}
