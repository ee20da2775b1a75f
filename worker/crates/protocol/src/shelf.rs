//! Calls about the files of language models that are kept on this device. Any model worker answers them; the page keeps
//! one for it, so that a download goes on whatever happens to the worker that computes.

use serde::{Deserialize, Serialize};

use crate::Blob;

/// A file of a language model that is kept, or on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// Names it: the id of its catalogue entry, or one made from a file's name.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Length of the whole file; 0 when unknown.
    pub bytes: u64,
    /// Bytes that are here; all of them when it is whole.
    pub done_bytes: u64,
    /// Whole, checked, and ready to be loaded.
    pub is_whole: bool,
    /// Lower-case hex; empty while it is not known.
    pub sha256: String,
    /// Where it comes from; empty for a person's own file.
    pub address: String,
    /// Somebody writes it at this moment, in this tab or in another one.
    pub is_busy: bool,
}

/// All files, by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListModelFiles;

/// Download a file, from where an earlier try of it stopped. Events are [`crate::LoadProgress`]; cancelling pauses: what
/// came stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadModel {
    /// Names it.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// An address of the page's own server, or of a host that the server's policy allows.
    pub address: String,
    /// Expected length; 0 when unknown.
    pub bytes: u64,
    /// Expected SHA-256 in hex; empty when unknown.
    pub sha256: String,
}

/// Begin to take in a file that the page reads; pieces follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginModelFile {
    /// Name of the file.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// What [`BeginModelFile`] answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFileBegun {
    /// Names the file in what follows.
    pub id: String,
}

/// The next piece of a file, of at most 16 MiB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutModelPiece {
    /// Which file.
    pub id: String,
    /// Where the piece belongs; pieces come in order.
    pub at: u64,
    /// The bytes.
    pub blob: Blob,
}

/// All pieces came: check the file and keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndModelFile {
    /// Which file.
    pub id: String,
    /// Keep it; `false` throws away what came.
    pub keep: bool,
}

/// Delete a file, or what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteModelFile {
    /// Which.
    pub id: String,
}
