//! Everything that can happen to the engine, as one closed list.

use link::PortKind;
use protocol::{Embedded, Fault, WorkspaceId};
use web::Lock;
use web_sys::MessagePort;

use crate::suggest_write::Written;

/// Something that the event loop reacts to.
pub(crate) enum Event {
    /// The page asks for something.
    Request(link::Request),
    /// The page hands over a port to the model worker with this number.
    Port(PortKind, u32, MessagePort),
    /// A model worker answered a batch.
    Embedded {
        /// Which batch.
        batch: u64,
        /// Its vectors as float32, or why there are none.
        result: Result<(Embedded, Vec<f32>), Fault>,
    },
    /// The embedding of a query is there (or will not come).
    QueryVector {
        /// Which search waits for it.
        search: u64,
        /// The vector, or why there is none.
        result: Result<Vec<f32>, Fault>,
    },
    /// The model wrote a completion.
    Suggested {
        /// Which completion.
        suggest: u64,
        /// The text, or why there is none.
        result: Result<Written, Fault>,
    },
    /// This tab may write to the workspace that it has been reading.
    LockGranted(WorkspaceId, Lock),
    /// The browser's estimate of used and allowed bytes.
    Quota(u64, u64),
    /// Something for an answer arrived.
    Chat(crate::chat::Came),
    /// A grammar was loaded, or could not be.
    Grammar {
        /// Name of its parser.
        name: &'static str,
        /// Nothing, or a sentence that says why not.
        result: Result<(), String>,
    },
    /// A tenth of a second has passed.
    Tick,
}
