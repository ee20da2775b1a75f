//! Both ends of the wire between the page and its workers, and between the workers.
//!
//! The page needs the calling end, a worker needs the serving end, and the engine worker needs both, so they live in
//! one crate that knows frames and JavaScript messages and nothing of what is asked. What to do when a worker dies
//! (replay or fail the open calls) is a [`Policy`] of the calling end; when to call it dead is the app's supervisor's
//! business.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod caller;
mod endpoint;
mod server;

pub use caller::{Caller, Outcome, Pending, Policy};
pub use endpoint::{Endpoint, Incoming, Listener, PortKind};
pub use server::{Reply, Request, serve};

use js_sys::{ArrayBuffer, Uint8Array};

/// A new JavaScript buffer with a copy of `bytes`, ready to be transferred.
#[must_use]
pub fn to_buffer(bytes: &[u8]) -> ArrayBuffer {
    Uint8Array::from(bytes).buffer()
}

/// The bytes of a received buffer, copied into this module's memory.
#[must_use]
pub fn from_buffer(buffer: &ArrayBuffer) -> Vec<u8> {
    Uint8Array::new(buffer).to_vec()
}
