//! Failures as data.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Stable kinds of failure. Programs decide on this, never on the sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FaultCode {
    /// The caller asked for an early end.
    Cancelled,
    /// Page and worker come from different builds; a reload mends it.
    StaleBuild,
    /// The engine worker died while the call was open.
    EngineGone,
    /// The model worker died while the call was open.
    ModelGone,
    /// No model is loaded that could do this.
    ModelMissing,
    /// There is no such file, workspace or symbol.
    NotFound,
    /// The call is about a workspace that is not the open one, or not any more.
    NotOpen,
    /// The name is taken.
    Exists,
    /// The request makes no sense: bad pattern, bad path, bad bytes.
    Invalid,
    /// The bytes that were opened are not what they claim to be (zip, workspace file, model).
    BadFile,
    /// More than a stated limit.
    TooLarge,
    /// The browser's storage for this site is (nearly) full.
    Quota,
    /// Another tab writes to this workspace; this one may only read.
    ReadOnly,
    /// Storage failed or lost data; what is known stands in the sentence.
    Storage,
    /// A file changed since the caller read it.
    Conflict,
    /// The network could not give a file that is needed.
    Network,
    /// This device or browser lacks what the request needs.
    Unsupported,
    /// A bug of ours; the sentence says what to report.
    Internal,
}

/// A failure: a stable code for programs, a sentence for people, and whether trying again may help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind.
    pub code: FaultCode,
    /// A whole sentence: what happened and what to do.
    pub sentence: String,
    /// Try again after this many milliseconds; `None` when trying again cannot help.
    pub retry_after_ms: Option<u32>,
}

impl Fault {
    /// A fault that trying again does not mend.
    pub fn new(code: FaultCode, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into(), retry_after_ms: None }
    }

    /// The same fault with a hint that trying again may help.
    #[must_use]
    pub fn retry_after_ms(mut self, ms: u32) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Fault {}
