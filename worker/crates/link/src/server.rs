//! The serving end: requests in, exactly one outcome out, whatever the handler does.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::ArrayBuffer;
use protocol::{Fault, FaultCode, Frame, Hello, NO_CALL, encode};
use serde::Serialize;
use stdx::Cancel;
use web_sys::MessagePort;

use crate::{Endpoint, Incoming, Listener, PortKind};

type OpenCalls = Rc<RefCell<HashMap<u32, Cancel>>>;

/// A request as it arrived: undecoded body, buffers, and the way to answer.
#[derive(Debug)]
pub struct Request {
    /// Encoded request enum of this worker.
    pub body: Vec<u8>,
    /// Buffers that a [`protocol::Blob`] in the body points to.
    pub blobs: Vec<ArrayBuffer>,
    /// How to answer.
    pub reply: Reply,
}

/// The one way to answer a call. Dropping it unanswered sends a fault, so that no caller ever hangs.
#[derive(Debug)]
pub struct Reply {
    endpoint: Endpoint,
    id: u32,
    cancel: Cancel,
    open: OpenCalls,
    finished: bool,
}

impl Reply {
    /// Raised when the caller has lost interest.
    #[must_use]
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Send something on the way to the reply.
    pub fn event<E: Serialize>(&self, event: &E) {
        if !self.cancel.is_cancelled() {
            let _closed = self.endpoint.post(&Frame::Event { id: self.id, body: encode(event) }, &[]);
        }
    }

    /// Answer without buffers.
    pub fn done<R: Serialize>(self, reply: &R) {
        self.done_with(reply, &[]);
    }

    /// Answer with buffers, which are transferred.
    pub fn done_with<R: Serialize>(mut self, reply: &R, blobs: &[ArrayBuffer]) {
        self.finish(&Frame::Done { id: self.id, body: encode(reply) }, blobs);
    }

    /// Answer with a failure.
    pub fn fault(mut self, fault: Fault) {
        self.finish(&Frame::Fault { id: self.id, fault }, &[]);
    }

    /// Answer with whatever came out.
    pub fn settle<R: Serialize>(self, result: Result<R, Fault>) {
        match result {
            Ok(reply) => self.done(&reply),
            Err(fault) => self.fault(fault),
        }
    }

    fn finish(&mut self, frame: &Frame, blobs: &[ArrayBuffer]) {
        self.finished = true;
        self.open.borrow_mut().remove(&self.id);
        let _closed = self.endpoint.post(frame, blobs);
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.finished {
            let fault = if self.cancel.is_cancelled() {
                Fault::new(FaultCode::Cancelled, "The request was cancelled.")
            } else {
                Fault::new(FaultCode::Internal, "A request ended without an answer; please report this.")
            };
            self.finish(&Frame::Fault { id: self.id, fault }, &[]);
        }
    }
}

/// Say hello on `endpoint` and hand every request to `on_request` until the [`Listener`] is dropped. Pings are
/// answered here, cancels raise the token of their call, ports go to `on_port`.
#[must_use]
pub fn serve(
    endpoint: &Endpoint,
    hello: Hello,
    mut on_request: impl FnMut(Request) + 'static,
    mut on_port: impl FnMut(PortKind, u32, MessagePort) + 'static,
) -> Listener {
    let open = OpenCalls::default();
    let mut last = 0;
    let here = endpoint.clone();
    let listener = endpoint.listen(move |incoming| match incoming {
        // What arrives twice is done once; the one answer ends the call.
        Incoming::Frame(Frame::Request { id, .. }, _) if !is_new(id, last) => {}
        Incoming::Frame(Frame::Request { id, body }, blobs) => {
            if id != NO_CALL {
                last = id;
            }
            let cancel = Cancel::new();
            open.borrow_mut().insert(id, cancel.clone());
            let reply = Reply { endpoint: here.clone(), id, cancel, open: open.clone(), finished: false };
            on_request(Request { body, blobs, reply });
        }
        Incoming::Frame(Frame::Cancel { id }, _) => {
            if let Some(cancel) = open.borrow().get(&id) {
                cancel.cancel();
            }
        }
        Incoming::Frame(Frame::Ping { seq }, _) => {
            let _closed = here.post(&Frame::Pong { seq }, &[]);
        }
        Incoming::Port(kind, number, port) => on_port(kind, number, port),
        // A caller never sends the other frames; there is nobody to tell about bytes that are no frame at all.
        Incoming::Frame(..) | Incoming::BootFailed(_) | Incoming::Garbled(_) => {}
    });
    let _closed = endpoint.post(&Frame::Hello(hello), &[]);
    listener
}

/// Whether a request with this id was not seen yet: a caller counts its calls upwards and begins anew after the largest
/// number. What belongs to no call may come at any time and any number of times.
const fn is_new(id: u32, last: u32) -> bool {
    id == NO_CALL || id.wrapping_sub(last).cast_signed() > 0
}

#[cfg(test)]
mod tests {
    use super::{NO_CALL, is_new};

    #[test]
    fn only_ids_that_were_not_used_yet_are_new() {
        for (id, last, expected) in [
            (1, 0, true),
            (1, 1, false),
            (NO_CALL, 0, true),
            (NO_CALL, 7, true),
            (7, 3, true),
            (3, 7, false),
            (1, u32::MAX, true),
            (u32::MAX, 1, false),
        ] {
            assert_eq!(is_new(id, last), expected, "{id} after {last}");
        }
    }
}
