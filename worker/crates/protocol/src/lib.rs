//! Every message of Alcove: app ↔ engine worker, app ↔ model worker, engine worker ↔ model worker.
//!
//! The crate holds data and its codec and nothing else: no logic, no async, no web types, no engine types, so that
//! the app, the workers and the server can share it without pulling each other in.
//!
//! # On the wire
//! One `postMessage` carries a JavaScript array `[frame, blob, blob, …]`. `frame` is a `Uint8Array` with a postcard
//! encoded [`Frame`]; each `blob` is an `ArrayBuffer` in the transfer list. Bytes longer than [`INLINE_BYTES`] must
//! travel as blobs: the message then holds a [`Blob`] with the index into that list.
//!
//! # Life of a call
//! The caller picks an id that it has not used on this channel and sends [`Frame::Request`]. For that id come any
//! number of [`Frame::Event`]s and then exactly one [`Frame::Done`] or [`Frame::Fault`]. [`Frame::Cancel`] asks for
//! an early end, which still arrives as `Done` or as a `Fault` with [`FaultCode::Cancelled`].
//! Before anything else each worker sends [`Frame::Hello`]; a build id other than the app's own means that the page
//! and the worker come from two builds, and the app must reload instead of talking on.

mod call;
mod chat;
mod codec;
mod engine;
mod fault;
mod file;
mod generate;
mod model;
mod search;
mod shelf;
mod status;
mod suggest;

pub use call::{Blob, Call, Frame, Hello, INLINE_BYTES, NO_CALL};
pub use chat::*;
pub use codec::{DecodeError, MAX_FRAME_BYTES, decode, encode};
pub use engine::*;
pub use fault::{Fault, FaultCode};
pub use file::*;
pub use generate::*;
pub use model::*;
pub use search::*;
pub use shelf::*;
pub use status::*;
pub use suggest::*;
