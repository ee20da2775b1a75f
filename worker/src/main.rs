//! The engine worker: everything that knows a person's files, behind one event loop.
//!
//! The loop takes one event at a time from one queue and otherwise spends its time on background work in slices of a
//! few milliseconds, so that a request never waits long: exact searches first, then parsing, then handing chunks to
//! the model workers, then saving what was derived. No state is shared between tasks; whatever is awaited elsewhere
//! (a model worker's answer, a lock) comes back as an [`event::Event`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod archive;
mod caution;
mod chat;
mod convert;
mod disk;
mod embed;
mod engine;
mod event;
mod files;
mod generator;
mod grammars;
mod guard;
mod import;
mod onto_disk;
mod opening;
mod outside;
mod pace;
mod preview;
mod queue;
mod rate;
mod rules;
mod search;
mod sender;
mod snapshot;
mod space;
mod status;
mod suggest;
mod suggest_known;
mod suggest_nearby;
mod suggest_write;
mod symbols;
mod texts;
mod transfer;
mod workspaces;

use link::Endpoint;
use protocol::Hello;
use wasm_bindgen_futures::spawn_local;

fn main() {
    console_error_panic_hook::set_once();
    let Some(scope) = web::scope() else { return };
    let (queue, events) = futures_channel::mpsc::unbounded();
    let sender = sender::Sender(queue);
    let endpoint = Endpoint::Scope(scope);
    let (requests, ports) = (sender.clone(), sender.clone());
    let hello = Hello { build: web::build_id(), capabilities: vec!["engine".into()] };
    let listener = link::serve(
        &endpoint,
        hello,
        move |request| requests.send(event::Event::Request(request)),
        move |kind, number, port| ports.send(event::Event::Port(kind, number, port)),
    );
    // The listener lives as long as the worker.
    std::mem::forget(listener);
    spawn_local(engine::run(sender, events));
}
