//! What the status bar and `alcove.status()` show.

use serde::{Deserialize, Serialize};

use crate::{Access, WorkspaceId};

/// Progress of one layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Units done: files for lexical and symbols, chunks for vectors.
    pub done: u32,
    /// Units known.
    pub total: u32,
}

/// Why the vector layer does not move, when it does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EmbedState {
    /// No model worker has announced itself.
    #[default]
    NoModel,
    /// Work is going on.
    Running,
    /// A person paused it.
    Paused,
    /// Everything is embedded.
    Idle,
    /// The model failed; the sentence says why.
    Failed(String),
}

/// State of the engine worker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EngineStatus {
    /// The open workspace and its name.
    pub workspace: Option<(WorkspaceId, String)>,
    /// How it is held.
    pub access: Option<Access>,
    /// Files read into the workspace.
    pub num_files: u32,
    /// Sum of their bytes.
    pub file_bytes: u64,
    /// Files that were saved here and not written to the folder that the workspace came from.
    pub num_behind: u32,
    /// Chunks known.
    pub num_chunks: u32,
    /// Definitions known.
    pub num_symbols: u32,
    /// Files in the lexical layer.
    pub lexical: Progress,
    /// Files parsed.
    pub symbols: Progress,
    /// Chunks embedded.
    pub vectors: Progress,
    /// What the vector layer is doing.
    pub embed: EmbedState,
    /// Tokens still to embed, estimated from the bytes of the waiting chunks.
    pub tokens_waiting: u64,
    /// Chunks embedded per second over the last seconds.
    pub chunks_per_s: f32,
    /// Chunks whose vector was found by content hash instead of being computed, since the workspace was opened.
    pub chunks_reused: u32,
    /// Chunks whose vector was computed since the workspace was opened.
    pub chunks_embedded: u32,
    /// Bytes of linear memory of this worker.
    pub memory_bytes: u64,
    /// Bytes of this workspace in storage.
    pub stored_bytes: u64,
    /// Estimate of the browser: used and allowed bytes of this site.
    pub quota: Option<(u64, u64)>,
    /// Sentences that a person should see (recovered after a crash, files skipped, quota near, …).
    pub notices: Vec<String>,
    /// Milliseconds from the last file batch to a ready lexical layer.
    pub lexical_ready_ms: f32,
    /// Parse, chunk and symbol throughput of this session, megabytes per second.
    pub parse_mb_per_s: f32,
    /// Id of the language model that completions and answers are written with; `None` while there is none.
    pub generator: Option<String>,
}
