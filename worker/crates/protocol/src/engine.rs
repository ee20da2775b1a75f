//! Calls to the engine worker.
//!
//! Every call about what is in a workspace names the one it means. Calls wait in queues, and one workspace gives way to
//! another meanwhile: without the name, an import or an unsaved edit would land in whatever is open when it arrives.

use serde::{Deserialize, Serialize};

use crate::call::calls;
use crate::*;

/// List the workspaces kept on this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListWorkspaces;

/// Make an empty workspace and open it; when there is one with this id, open that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateWorkspace {
    /// Chosen by the page, so that the call can be repeated when the engine died of it or beside it.
    pub id: WorkspaceId,
    /// The name shown to the person.
    pub name: String,
}

/// Open a kept workspace, closing the one that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenWorkspace {
    /// Which.
    pub id: WorkspaceId,
}

/// Close a workspace when it is the open one: another tab may write to it then. No failure when it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseWorkspace {
    /// Which.
    pub id: WorkspaceId,
}

/// What was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Its entry in the list.
    pub info: WorkspaceInfo,
    /// How it is held.
    pub access: Access,
    /// Sentences about what recovery found, empty after a clean start.
    pub notices: Vec<String>,
}

/// Give a workspace another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenameWorkspace {
    /// Which.
    pub id: WorkspaceId,
    /// The new name.
    pub name: String,
}

/// Delete a workspace with everything in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteWorkspace {
    /// Which.
    pub id: WorkspaceId,
}

/// Everything that belongs to a person in the open workspace, as one file (a zip with a manifest).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportWorkspace {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
}

/// Bytes in the reply of [`ExportWorkspace`] and [`ReadFile`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// Where they travel.
    pub blob: Blob,
    /// Suggested file name.
    pub name: String,
}

/// Make a workspace from the file that [`ExportWorkspace`] gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportWorkspace {
    /// Chosen by the page, as for [`CreateWorkspace`].
    pub id: WorkspaceId,
    /// The file.
    pub blob: Blob,
    /// Name for the new workspace; the one in the file when empty.
    pub name: String,
}

/// Put files into the open workspace. A large import is sent in several of these; `last` ends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutFiles {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// The files of this batch.
    pub files: Vec<FileIn>,
    /// Apply `.gitignore` files found among the files so far and this batch.
    pub honour_ignore: bool,
    /// Size cap per file in bytes.
    pub max_file_bytes: u64,
    /// No more batches follow: commit and start to index.
    pub last: bool,
    /// Where the files come from.
    pub of: BatchOf,
}

/// Where the files of a [`PutFiles`] come from, which decides what they may replace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BatchOf {
    /// The folder that the workspace is of, walked as a whole. A file that was saved here since is not replaced.
    Folder {
        /// Counts the batches of one walk from zero.
        batch: u32,
        /// Paths that are there and do not come, since the last batch; folders end in `/`, and `/` alone is all.
        left_out: Vec<String>,
    },
    /// Somewhere else: what is stored then differs from what the folder has. A file that was saved here is not replaced.
    Loose,
    /// A person has seen both versions and chose these.
    Chosen {
        /// They are what the folder on disk has.
        on_disk: bool,
    },
}

/// Unpack a zip archive into the open workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutZip {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// The archive.
    pub blob: Blob,
    /// Apply `.gitignore` files found inside.
    pub honour_ignore: bool,
    /// Size cap per file in bytes.
    pub max_file_bytes: u64,
}

/// What became of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// New files taken in by this call.
    pub num_added: u32,
    /// Files that were there with another content, and have the new one now.
    pub num_changed: u32,
    /// Files whose content was already there.
    pub num_unchanged: u32,
    /// Files that were saved here and are on disk as they were before that: what was saved stays.
    pub num_newer: u32,
    /// Files that changed both here and where they come from: what is stored here stays until a person decides.
    pub conflicts: Vec<String>,
    /// After the last batch of a whole folder: files that came from it, are not in it any more and did not change here.
    pub missing: Vec<String>,
    /// Files left out, by reason, with up to a hundred paths each.
    pub skipped: Vec<(SkipReason, u32, Vec<String>)>,
    /// Pairs of paths that differ by case alone.
    pub case_collisions: Vec<(String, String)>,
}

/// The file tree of the open workspace, sorted by path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListFiles {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
}

/// Content of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadFile {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// Which.
    pub path: String,
}

/// A file as the editor needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileText {
    /// What stands in the tree for it.
    pub info: FileInfo,
    /// The saved bytes.
    pub blob: Blob,
    /// Hash of the saved bytes; give it to [`WriteFile`] to notice a change in between.
    pub hash: [u8; 16],
    /// The unsaved edit, when there is one.
    pub draft: Option<Blob>,
}

/// Save a file (create it when missing) and forget its unsaved edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteFile {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// Which.
    pub path: String,
    /// The new content, UTF-8.
    pub blob: Blob,
    /// Hash that the caller read; the write is refused with `Conflict` when the saved bytes differ.
    pub expect: Option<[u8; 16]>,
}

/// The saved state after a write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// Hash of the saved bytes.
    pub hash: [u8; 16],
    /// Milliseconds until the lexical layer knew the new text.
    pub lexical_fresh_ms: f32,
}

/// The files of a workspace that the folder on disk lacks or has another version of, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListBehind {
    /// The workspace that is meant.
    pub workspace: WorkspaceId,
}

/// A file that the folder on disk lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// Which.
    pub path: String,
    /// It was saved here. Otherwise it was only brought or renamed here, and goes to the disk when a person asks.
    pub edited: bool,
}

/// Ask before a file is written to the folder on disk: may it be, and what is to be written?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckDisk {
    /// The workspace that is meant.
    pub workspace: WorkspaceId,
    /// Which file.
    pub path: String,
    /// What the disk has, `None` when it has no such file.
    pub there: Option<Blob>,
}

/// What a file on disk is to the one in the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiskState {
    /// Both are the same.
    Same,
    /// The disk has what it was known to have: it may be replaced.
    Behind,
    /// Another program changed it: ask a person.
    Changed,
}

/// The answer to [`CheckDisk`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskCheck {
    /// How the two compare.
    pub state: DiskState,
    /// The saved bytes.
    pub blob: Blob,
    /// Their hash, for [`WroteToDisk`].
    pub hash: [u8; 16],
}

/// The folder on disk has this content of a file now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WroteToDisk {
    /// The workspace that is meant.
    pub workspace: WorkspaceId,
    /// Which file.
    pub path: String,
    /// Hash of what was written, from [`DiskCheck`].
    pub hash: [u8; 16],
}

/// Remove those of these files that were not changed here, saved or not: their folder on disk has them no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveUnchanged {
    /// The workspace that is meant.
    pub workspace: WorkspaceId,
    /// Files, from [`Imported::missing`].
    pub paths: Vec<String>,
}

/// Remove a file, or every file below a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovePath {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// File or folder.
    pub path: String,
}

/// Rename or move a file or folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenamePath {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// Now.
    pub from: String,
    /// Then.
    pub to: String,
}

/// Keep an unsaved edit so that it survives a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutDraft {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// The edited file.
    pub path: String,
    /// The whole unsaved text, UTF-8; `None` forgets the draft.
    pub blob: Option<Blob>,
}

/// Read a setting or a piece of view state (open tabs, theme, …) of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetSetting {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// Its name.
    pub key: String,
}

/// Keep a setting with the workspace. JSON by convention; the engine does not look inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutSetting {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// Its name.
    pub key: String,
    /// The value; `None` removes it.
    pub value: Option<String>,
}

/// Search the open workspace. Events carry interim replies as layers answer; the last reply is complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// What to look for.
    pub query: SearchQuery,
}

/// Fuzzy file names for quick open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuickOpen {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// What the person typed.
    pub text: String,
    /// Paths opened lately, most recent first; they rank higher.
    pub recent: Vec<String>,
    /// Number wanted.
    pub k: u32,
}

/// A path found by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathMatch {
    /// The path.
    pub path: String,
    /// Higher is better.
    pub score: f32,
    /// Matched UTF-16 positions of the path.
    pub positions: Vec<u32>,
}

/// Definitions of one file in order, for the outline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// Which file.
    pub path: String,
}

/// Definitions of the workspace whose name matches, for `@symbol`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindSymbols {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// What the person typed.
    pub text: String,
    /// Number wanted.
    pub k: u32,
}

/// The present state; cheap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetStatus;

/// Stay open and send an event whenever the status changes, at most every 100 ms. Cancel to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchStatus;

/// Files that the person has open, most important first: they are embedded early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetFocus {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// Paths.
    pub paths: Vec<String>,
}

/// Pause or go on with embedding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseEmbedding {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
    /// True to pause.
    pub paused: bool,
}

/// Throw the derived index away and build it again from the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reindex {
    /// The workspace that is meant; another one may be open by the time this arrives.
    pub workspace: WorkspaceId,
}

/// Try to become the writer after the other tab closed. Sent by the app when it was given the Web Lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BecomeWriter;

/// Forget the model worker whose port has this number. The port itself arrives as a bare message `["port", number,
/// MessagePort]`, since a port cannot stand inside a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgetModel {
    /// Number that came with the port.
    pub port: u32,
}

calls! {
    /// Everything that the app may ask of the engine worker.
    EngineRequest {
        ListWorkspaces => Vec<WorkspaceInfo>;
        CreateWorkspace => Opened;
        OpenWorkspace => Opened;
        CloseWorkspace => ();
        RenameWorkspace => ();
        DeleteWorkspace => ();
        ExportWorkspace => Bytes;
        ImportWorkspace => Opened;
        PutFiles => Imported;
        PutZip => Imported;
        ListFiles => Vec<FileInfo>;
        ReadFile => FileText;
        WriteFile => Written;
        ListBehind => Vec<Behind>;
        CheckDisk => DiskCheck;
        WroteToDisk => ();
        RemoveUnchanged => u32;
        RemovePath => u32;
        RenamePath => u32;
        PutDraft => ();
        GetSetting => Option<String>;
        PutSetting => ();
        Search => SearchReply, SearchReply;
        QuickOpen => Vec<PathMatch>;
        Outline => Vec<SymbolInfo>;
        FindSymbols => Vec<SymbolInfo>;
        GetStatus => EngineStatus;
        WatchStatus => (), EngineStatus;
        SetFocus => ();
        PauseEmbedding => ();
        Reindex => ();
        BecomeWriter => Access;
        ForgetModel => ();
        UseGenerator => ();
        Suggest => Suggested;
        Ask => Turn, AnswerEvent;
        ListThreads => Vec<ThreadInfo>;
        GetThread => Vec<Turn>;
        RenameThread => ();
        DeleteThread => ();
    }
}
