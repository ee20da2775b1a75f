//! The keeper: a model worker of its own that sees to the files of language models, so that a download goes on whatever
//! happens to the worker that computes. It is started when it is first needed.

use std::cell::Cell;
use std::rc::Rc;

use link::{Endpoint, Pending, Policy};
use protocol::{Call, Fault, FaultCode, Hello, LoadProgress, ModelRequest};

use super::line::{Line, LinkState, Owner};
use super::probe;
use leptos::prelude::GetUntracked as _;

/// Handle to the keeper. Clones share it.
#[derive(Clone)]
pub struct Keeper(Rc<Inner>);

struct Inner {
    line: Rc<Line>,
    started: Cell<bool>,
}

impl Owner for Inner {
    fn on_hello(&self, endpoint: Endpoint, _hello: &Hello) {
        // Calls that were open are sent again: a download goes on from where the keeper died.
        self.line.caller.attach(endpoint);
    }

    fn on_death(&self, reason: &str) {
        let sentence =
            format!("The worker that keeps models stopped: {reason}. What came is kept; try again.");
        self.line.caller.detach(&Fault::new(FaultCode::ModelGone, sentence));
    }
}

impl Keeper {
    /// A keeper that is not started yet.
    #[must_use]
    pub fn new() -> Self {
        // The module that the computing workers use, so that it is downloaded once.
        let module = if probe::has_relaxed_simd() { "model_relaxed" } else { "model_cpu" };
        Self(Rc::new(Inner { line: Line::new("keeper", module, Policy::Replay), started: Cell::new(false) }))
    }

    /// A call, with its buffers and what to do with its progress; on its way when this returns. Dropping the future
    /// cancels it.
    pub fn call<C: Call<Request = ModelRequest, Event = LoadProgress>>(
        &self,
        call: C,
        on_progress: impl FnMut(LoadProgress) + 'static,
    ) -> Pending<C> {
        self.start();
        self.0.line.caller.stream(call, Vec::new(), on_progress)
    }

    /// A call without progress.
    pub fn ask<C: Call<Request = ModelRequest>>(
        &self,
        call: C,
        blobs: Vec<js_sys::ArrayBuffer>,
    ) -> Pending<C> {
        self.start();
        self.0.line.caller.call(call, blobs)
    }

    /// End the keeper without telling the supervisor. For tests of the supervisor.
    pub fn kill_for_test(&self) {
        self.0.line.kill_silently();
    }

    fn start(&self) {
        if !self.0.started.replace(true) {
            let owner: Rc<dyn Owner> = self.0.clone();
            self.0.line.start(Rc::downgrade(&owner));
        } else if matches!(self.0.line.state.get_untracked(), LinkState::Failed(_)) {
            self.0.line.restart("it is needed again");
        }
    }
}
