//! One place that turns frames into JavaScript messages and back.

use js_sys::{Array, ArrayBuffer, Uint8Array};
use protocol::{Frame, decode, encode};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, MessagePort, Worker};

/// Something that messages can be posted to and come from.
#[derive(Clone, Debug)]
pub enum Endpoint {
    /// A worker, seen from the page.
    Worker(Worker),
    /// One side of a channel.
    Port(MessagePort),
    /// The page, seen from inside a worker.
    Scope(DedicatedWorkerGlobalScope),
}

/// What the model worker behind a port offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortKind {
    /// It embeds.
    Embedder,
    /// It holds a language model.
    Generator,
}

impl PortKind {
    /// The head of the message that brings a port.
    const fn tag(self) -> &'static str {
        match self {
            Self::Embedder => "port",
            Self::Generator => "generator",
        }
    }
}

/// What can arrive at an endpoint.
#[derive(Debug)]
pub enum Incoming {
    /// A frame and the buffers beside it.
    Frame(Frame, Vec<ArrayBuffer>),
    /// A port to the model worker with this number.
    Port(PortKind, u32, MessagePort),
    /// The worker's module could not be loaded; the sentence says why.
    BootFailed(String),
    /// Bytes that are no message of this protocol.
    Garbled(String),
}

/// Keeps a message handler registered; dropping it removes the handler.
#[derive(Debug)]
pub struct Listener {
    endpoint: Endpoint,
    _closure: Closure<dyn FnMut(MessageEvent)>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.endpoint.set_onmessage(None);
    }
}

impl Endpoint {
    /// Post a frame; the buffers are transferred, so this side loses them.
    ///
    /// # Errors
    /// What the browser threw, for instance because a buffer was already transferred.
    pub fn post(&self, frame: &Frame, blobs: &[ArrayBuffer]) -> Result<(), JsValue> {
        let bytes = Uint8Array::from(encode(frame).as_slice());
        let message = Array::of1(&bytes);
        let transfer = Array::of1(&bytes.buffer());
        for blob in blobs {
            message.push(blob);
            transfer.push(blob);
        }
        self.post_raw(&message, &transfer)
    }

    /// Hand over a port to the model worker `number`.
    ///
    /// # Errors
    /// What the browser threw.
    pub fn post_port(&self, kind: PortKind, number: u32, port: &MessagePort) -> Result<(), JsValue> {
        let message = Array::of3(&kind.tag().into(), &number.into(), port);
        self.post_raw(&message, &Array::of1(port))
    }

    fn post_raw(&self, message: &Array, transfer: &Array) -> Result<(), JsValue> {
        match self {
            Self::Worker(worker) => worker.post_message_with_transfer(message, transfer),
            Self::Port(port) => port.post_message_with_transferable(message, transfer),
            Self::Scope(scope) => scope.post_message_with_transfer(message, transfer),
        }
    }

    /// Call `handler` for whatever arrives, until the returned [`Listener`] is dropped.
    #[must_use]
    pub fn listen(&self, mut handler: impl FnMut(Incoming) + 'static) -> Listener {
        let closure = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            handler(parse(&event.data()));
        });
        self.set_onmessage(Some(closure.as_ref().unchecked_ref()));
        Listener { endpoint: self.clone(), _closure: closure }
    }

    fn set_onmessage(&self, handler: Option<&js_sys::Function>) {
        match self {
            Self::Worker(worker) => worker.set_onmessage(handler),
            Self::Port(port) => port.set_onmessage(handler),
            Self::Scope(scope) => scope.set_onmessage(handler),
        }
    }
}

fn parse(data: &JsValue) -> Incoming {
    let Some(message) = data.dyn_ref::<Array>() else {
        return Incoming::Garbled("a message was not an array".into());
    };
    let head = message.get(0);
    if let Some(tag) = head.as_string() {
        return match (tag.as_str(), message.get(1).as_f64(), message.get(2).dyn_into::<MessagePort>()) {
            ("port", Some(number), Ok(port)) => Incoming::Port(PortKind::Embedder, number as u32, port),
            ("generator", Some(number), Ok(port)) => Incoming::Port(PortKind::Generator, number as u32, port),
            ("boot-error", ..) => Incoming::BootFailed(
                message.get(1).as_string().unwrap_or_else(|| "A worker could not be loaded.".into()),
            ),
            _ => Incoming::Garbled(format!("an unknown message “{tag}” arrived")),
        };
    }
    let Some(bytes) = head.dyn_ref::<Uint8Array>() else {
        return Incoming::Garbled("a message did not start with a frame".into());
    };
    match decode::<Frame>(&bytes.to_vec()) {
        Ok(frame) => {
            let blobs = (1..message.length()).filter_map(|i| message.get(i).dyn_into().ok()).collect();
            Incoming::Frame(frame, blobs)
        }
        Err(err) => Incoming::Garbled(err.to_string()),
    }
}
