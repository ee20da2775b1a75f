//! The engine worker as the app sees it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::ArrayBuffer;
use leptos::prelude::*;
use link::{Endpoint, Pending, Policy, PortKind};
use protocol::{
    Call, EngineRequest, Fault, FaultCode, ForgetModel, Frame, Hello, NO_CALL, OpenWorkspace, WorkspaceId,
    encode,
};

use super::line::{Line, LinkState, Owner};

/// Handle to the engine worker. Clones share the worker.
#[derive(Clone)]
pub struct Engine(Rc<Inner>);

struct Inner {
    line: Rc<Line>,
    /// Reopened before anything else when the worker is started again.
    current: Cell<Option<WorkspaceId>>,
    /// Told about every new instance, so that model ports can be handed over again.
    listeners: RefCell<Vec<Rc<dyn Fn()>>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("caller", &self.0.line.caller).finish()
    }
}

impl Owner for Inner {
    fn on_hello(&self, endpoint: Endpoint, _hello: &Hello) {
        if let Some(id) = self.current.get() {
            // The answer is dropped: calls that wait behind it see the workspace open or get a fault of their own.
            let body = encode(&EngineRequest::from(OpenWorkspace { id }));
            let _closed = endpoint.post(&Frame::Request { id: NO_CALL, body }, &[]);
        }
        self.line.caller.attach(endpoint);
        let listeners = self.listeners.borrow().clone();
        for listener in listeners {
            listener();
        }
    }

    fn on_death(&self, reason: &str) {
        self.line.caller.detach(&Fault::new(FaultCode::EngineGone, format!("The engine stopped: {reason}.")));
    }
}

impl Engine {
    /// Start the engine worker. Calls may be made at once; they wait for it.
    #[must_use]
    pub fn start() -> Self {
        let inner = Rc::new(Inner {
            line: Line::new("engine", "engine", Policy::Replay),
            current: Cell::new(None),
            listeners: RefCell::default(),
        });
        let owner: Rc<dyn Owner> = inner.clone();
        inner.line.start(Rc::downgrade(&owner));
        Self(inner)
    }

    /// How the worker is doing.
    #[must_use]
    pub fn state(&self) -> ReadSignal<LinkState> {
        self.0.line.state.read_only()
    }

    /// What the worker's environment can do, as it said in its hello; empty while it is not ready.
    #[must_use]
    pub fn capabilities(&self) -> Vec<String> {
        self.0.line.hello.borrow().as_ref().map(|hello| hello.capabilities.clone()).unwrap_or_default()
    }

    /// A call without buffers. It is on its way when this returns, so that calls arrive in the order in which they were
    /// made, whenever their answers are waited for.
    ///
    /// # Errors
    /// The fault that the engine answered with.
    pub fn call<C: Call<Request = EngineRequest>>(
        &self,
        call: C,
    ) -> impl Future<Output = Result<C::Reply, Fault>> + use<C> {
        let pending = self.call_with(call, Vec::new());
        async move { pending.await.map(|(reply, _)| reply) }
    }

    /// A call with buffers in either direction; on its way when this returns. Dropping the future cancels it.
    pub fn call_with<C: Call<Request = EngineRequest>>(
        &self,
        call: C,
        blobs: Vec<ArrayBuffer>,
    ) -> Pending<C> {
        self.0.line.caller.call(call, blobs)
    }

    /// A call with events; dropping the returned future cancels it.
    pub fn stream<C: Call<Request = EngineRequest>>(
        &self,
        call: C,
        blobs: Vec<ArrayBuffer>,
        on_event: impl FnMut(C::Event) + 'static,
    ) -> Pending<C> {
        self.0.line.caller.stream(call, blobs, on_event)
    }

    /// Say which workspace is open, so that a restarted engine opens it again. `None` after it was closed or deleted.
    pub fn set_current(&self, id: Option<WorkspaceId>) {
        self.0.current.set(id);
    }

    /// This workspace was closed; nothing when another was opened since.
    pub fn forget_current(&self, id: WorkspaceId) {
        if self.0.current.get() == Some(id) {
            self.0.current.set(None);
        }
    }

    /// Start the worker again, for instance after it failed.
    pub fn restart(&self) {
        self.0.line.restart("a restart was asked for");
    }

    /// End the worker without telling the supervisor. For tests of the supervisor.
    pub fn kill_for_test(&self) {
        self.0.line.kill_silently();
    }

    pub(super) fn on_instance(&self, listener: Rc<dyn Fn()>) {
        self.0.listeners.borrow_mut().push(listener);
    }

    pub(super) fn give_port(&self, kind: PortKind, number: u32, port: &web_sys::MessagePort) {
        self.0.line.post_port(kind, number, port);
    }

    pub(super) fn forget_port(&self, number: u32) {
        let call = self.0.line.caller.call(ForgetModel { port: number }, Vec::new());
        wasm_bindgen_futures::spawn_local(async move {
            // Nothing to do about a failure: an engine that is gone has forgotten the port anyway.
            let _forgotten = call.await;
        });
    }
}
