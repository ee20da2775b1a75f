//! Frames, blobs and the tie between a request and its reply.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::Fault;

/// Bytes up to this length may stand inside a frame; longer ones travel as transferred [`Blob`]s.
pub const INLINE_BYTES: usize = 64 * 1024;

/// Index into the `ArrayBuffer`s that travel beside a frame, in the order of the transfer list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Blob(pub u32);

/// What a worker says of itself before anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Identifies the build; page and worker must agree.
    pub build: String,
    /// Optional abilities of the environment, for the status panel: `opfs`, `webgpu`, `relaxed-simd`, ….
    pub capabilities: Vec<String>,
}

/// Id of requests that belong to no call: their outcome is dropped, and they may be sent any number of times. Callers
/// count from 1.
pub const NO_CALL: u32 = 0;

/// One message between two sides. `body` is the postcard form of a request, event or reply of the call `id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Frame {
    /// First message of a worker.
    Hello(Hello),
    /// Start call `id`.
    Request {
        /// Chosen by the caller, counted upwards and never used twice on one channel, or [`NO_CALL`].
        id: u32,
        /// Encoded request enum of the addressed worker.
        body: Vec<u8>,
    },
    /// Ask for an early end of call `id`.
    Cancel {
        /// The call to end.
        id: u32,
    },
    /// Something on the way to the reply.
    Event {
        /// The call that this belongs to.
        id: u32,
        /// Encoded [`Call::Event`].
        body: Vec<u8>,
    },
    /// The reply; the last frame of this id.
    Done {
        /// The call that this ends.
        id: u32,
        /// Encoded [`Call::Reply`].
        body: Vec<u8>,
    },
    /// The failure; the last frame of this id.
    Fault {
        /// The call that this ends.
        id: u32,
        /// What went wrong, for the program and for the person.
        fault: Fault,
    },
    /// Liveness question; answered by [`Frame::Pong`] at the next turn of the event loop.
    Ping {
        /// Echoed in the answer.
        seq: u32,
    },
    /// Answer to [`Frame::Ping`].
    Pong {
        /// The `seq` of the question.
        seq: u32,
    },
}

/// A request type with the types of what comes back.
pub trait Call: Sized {
    /// The closed enum that the addressed worker decodes (`EngineRequest` or `ModelRequest`).
    type Request: Serialize + DeserializeOwned + From<Self>;
    /// The final answer.
    type Reply: Serialize + DeserializeOwned + 'static;
    /// What may come before the answer; `()` when nothing does.
    type Event: Serialize + DeserializeOwned + 'static;
}

/// Declares a worker's closed request enum from its request types, and ties each to its reply and event.
macro_rules! calls {
    ($(#[$meta:meta])* $request:ident { $($name:ident => $reply:ty $(, $event:ty)?;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[allow(missing_docs, clippy::large_enum_variant)]
        pub enum $request { $($name($name),)* }
        $(
            impl From<$name> for $request {
                fn from(call: $name) -> Self { Self::$name(call) }
            }
            impl crate::Call for $name {
                type Request = $request;
                type Reply = $reply;
                type Event = calls!(@event $($event)?);
            }
        )*
    };
    (@event) => { () };
    (@event $event:ty) => { $event };
}
pub(crate) use calls;
