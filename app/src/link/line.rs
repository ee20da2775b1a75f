//! One supervised worker: spawn, hello, signs of life, back-off.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_timers::callback::{Interval, Timeout};
use leptos::prelude::*;
use link::{Caller, Endpoint, Incoming, Listener, Policy, PortKind};
use protocol::{Fault, FaultCode, Frame, Hello};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, Event, Worker, WorkerOptions, WorkerType};

/// How a worker is doing, for the status bar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LinkState {
    /// Its module is loading.
    #[default]
    Starting,
    /// It said hello.
    Ready,
    /// It died and is being started again; the sentence says why.
    Restarting(String),
    /// It comes from another build than the page: only a reload helps.
    Stale,
    /// It could not be started several times in a row; the sentence says what happened.
    Failed(String),
}

/// What is said of a worker whose script or module the server does not give.
pub(super) const NOT_FETCHED: &str = "its module could not be loaded";
/// What `boot.js` reports in place of a worker when the server has another build than this page.
const STALE_BUILD: &str = "stale-build";
/// How often a sign of life is asked for.
const HEARTBEAT_MS: u32 = 1000;
/// Heartbeats without a word until a worker counts as dead. Counted in ticks of this page's timer and not in
/// wall-clock time, so that a tab that was frozen does not kill a healthy worker when it wakes up.
const MISSED_BEATS: u32 = 3;
/// The same where the browser tells of its end: it lives, then, and may wait for a GPU that is slow to take its data.
const MISSED_BEATS_ALIVE: u32 = 10;
/// Heartbeats without an answer until a worker that does tell of its work counts as stuck in it: it hears no cancel either.
const BUSY_BEATS: u32 = 30;
/// Heartbeats that a module may take to load: a first visit over a slow line.
const BOOT_BEATS: u32 = 120;
/// Deaths in a row without an answer between them until the supervisor gives up.
const MAX_FAILED_STARTS: u32 = 5;

/// What the owner of a line wants to know.
pub(super) trait Owner {
    /// A fresh instance said hello; `endpoint` is ready for requests. Must attach the caller.
    fn on_hello(&self, endpoint: Endpoint, hello: &Hello);
    /// The instance is gone; another follows unless the state is `Failed` or `Stale`.
    fn on_death(&self, reason: &str);
}

/// A worker that is started again whenever it dies.
pub(super) struct Line {
    name: &'static str,
    /// Which module to start; may change between two lives.
    pub(super) module: RefCell<&'static str>,
    /// The calls.
    pub(super) caller: Caller,
    /// For the status bar.
    pub(super) state: RwSignal<LinkState>,
    /// What the present instance said of itself.
    pub(super) hello: RefCell<Option<Hello>>,
    owner: RefCell<Option<Weak<dyn Owner>>>,
    life: RefCell<Option<Life>>,
    failed_starts: Cell<u32>,
    /// Instances that ended since the page was loaded; the next one is told.
    deaths: Cell<u32>,
    heartbeat: RefCell<Option<Interval>>,
    respawn: RefCell<Option<Timeout>>,
}

/// What belongs to one instance of the worker and ends with it.
struct Life {
    worker: Worker,
    /// The lock that it holds while it lives.
    alive: String,
    _listener: Listener,
    _onerror: Closure<dyn FnMut(Event)>,
    said_hello: bool,
    /// The browser will tell of its end.
    is_watched: bool,
    /// Heartbeats since its last word.
    silent: u32,
    /// Heartbeats since its last answer to one.
    unanswered: u32,
    next_seq: u32,
}

impl Line {
    pub(super) fn new(name: &'static str, module: &'static str, policy: Policy) -> Rc<Self> {
        Rc::new(Self {
            name,
            module: RefCell::new(module),
            caller: Caller::new(policy),
            state: RwSignal::new(LinkState::Starting),
            hello: RefCell::new(None),
            owner: RefCell::new(None),
            life: RefCell::new(None),
            failed_starts: Cell::new(0),
            deaths: Cell::new(0),
            heartbeat: RefCell::new(None),
            respawn: RefCell::new(None),
        })
    }

    pub(super) fn start(self: &Rc<Self>, owner: Weak<dyn Owner>) {
        *self.owner.borrow_mut() = Some(owner);
        let weak = Rc::downgrade(self);
        *self.heartbeat.borrow_mut() = Some(Interval::new(HEARTBEAT_MS, move || {
            if let Some(line) = weak.upgrade() {
                line.beat();
            }
        }));
        self.spawn();
    }

    /// Start again after [`LinkState::Failed`], or replace a living instance.
    pub(super) fn restart(self: &Rc<Self>, reason: &str) {
        self.failed_starts.set(0);
        self.died(reason);
    }

    /// End the worker for good.
    pub(super) fn stop(&self, fault: &Fault) {
        self.heartbeat.borrow_mut().take();
        self.respawn.borrow_mut().take();
        self.end_life();
        self.caller.fail_all(fault);
    }

    /// Terminate the instance without telling the supervisor, as a crash of the browser's process would. For tests,
    /// whose deaths in a row say nothing about whether the worker can be started.
    pub(super) fn kill_silently(&self) {
        self.failed_starts.set(0);
        if let Some(life) = self.life.borrow().as_ref() {
            life.worker.terminate();
        }
    }

    fn spawn(self: &Rc<Self>) {
        let (module, build, deaths) = (self.module.borrow(), super::build_id(), self.deaths.get());
        let alive = super::alive::new_name();
        let url = format!("/workers/boot.js?module={module}&v={build}&deaths={deaths}&alive={alive}");
        drop(module);
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name(self.name);
        let worker = match Worker::new_with_options(&url, &options) {
            Ok(worker) => worker,
            Err(err) => return self.died(&format!("it could not be created: {err:?}")),
        };
        let weak = Rc::downgrade(self);
        let listener = Endpoint::Worker(worker.clone()).listen(move |incoming| {
            if let Some(line) = weak.upgrade() {
                line.receive(incoming);
            }
        });
        let weak = Rc::downgrade(self);
        let onerror = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            event.prevent_default();
            // A script that cannot be fetched makes a plain event, which has no message to ask for.
            let message = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message);
            let reason = message.filter(|message| !message.is_empty()).unwrap_or_else(|| NOT_FETCHED.into());
            if let Some(line) = weak.upgrade() {
                line.died(&reason);
            }
        });
        worker.set_onerror(Some(onerror.as_ref().unchecked_ref()));
        *self.life.borrow_mut() = Some(Life {
            worker,
            alive,
            _listener: listener,
            _onerror: onerror,
            said_hello: false,
            is_watched: false,
            silent: 0,
            unanswered: 0,
            next_seq: 0,
        });
    }

    fn receive(self: &Rc<Self>, incoming: Incoming) {
        match incoming {
            Incoming::Frame(frame, blobs) => {
                // What it says shows that it lives; only an answer shows that it also listens.
                let is_answer = matches!(frame, Frame::Hello(_) | Frame::Pong { .. });
                if let Some(life) = self.life.borrow_mut().as_mut() {
                    life.silent = 0;
                    if is_answer {
                        life.unanswered = 0;
                    }
                }
                match self.caller.accept(frame, blobs) {
                    Some(Frame::Hello(hello)) => self.greet(hello),
                    Some(Frame::Pong { .. }) => self.failed_starts.set(0),
                    _ => {}
                }
            }
            Incoming::BootFailed(reason) if reason == STALE_BUILD => self.stale(),
            Incoming::BootFailed(reason) => self.died(&reason),
            Incoming::Garbled(reason) => leptos::logging::warn!("{}: {reason}", self.name),
            Incoming::Port(..) => {}
        }
    }

    fn greet(self: &Rc<Self>, hello: Hello) {
        if hello.build != super::build_id() {
            return self.stale();
        }
        let (worker, alive) = {
            let mut life = self.life.borrow_mut();
            let Some(life) = life.as_mut() else { return };
            life.said_hello = true;
            (life.worker.clone(), life.alive.clone())
        };
        let (weak, name) = (Rc::downgrade(self), alive.clone());
        let watched = move || {
            if let Some(line) = weak.upgrade()
                && let Some(life) = line.life.borrow_mut().as_mut().filter(|life| life.alive == name)
            {
                life.is_watched = true;
            }
        };
        let (weak, name) = (Rc::downgrade(self), alive.clone());
        let ended = move || {
            // An instance that the supervisor ended itself is not the present one any more.
            if let Some(line) = weak.upgrade()
                && line.life.borrow().as_ref().is_some_and(|life| life.alive == name)
            {
                line.died("it ended without a word");
            }
        };
        super::alive::when_gone(alive, watched, ended);
        self.state.set(LinkState::Ready);
        *self.hello.borrow_mut() = Some(hello.clone());
        if let Some(owner) = self.owner() {
            owner.on_hello(Endpoint::Worker(worker), &hello);
        }
    }

    /// The server has another build by now: no worker of this one will come any more.
    fn stale(&self) {
        self.state.set(LinkState::Stale);
        self.end_life();
        if let Some(owner) = self.owner() {
            owner.on_death("the server has another build by now");
        }
        self.fail_all_when_over();
    }

    /// Nobody will answer while no worker can be started, so nobody waits either.
    fn fail_all_when_over(&self) {
        match self.state.get_untracked() {
            LinkState::Stale => self.caller.fail_all(&super::outgrown()),
            LinkState::Failed(reason) => {
                let sentence = format!(
                    "The {} worker could not be started: {reason}. Try again or reload the page; if it happens again, please report it.",
                    self.name
                );
                self.caller.fail_all(&Fault::new(FaultCode::Internal, sentence));
            }
            LinkState::Starting | LinkState::Ready | LinkState::Restarting(_) => {}
        }
    }

    fn beat(self: &Rc<Self>) {
        // What was asked for since it was over.
        self.fail_all_when_over();
        let silent = {
            let mut life = self.life.borrow_mut();
            let Some(life) = life.as_mut() else { return };
            life.silent += 1;
            life.unanswered += 1;
            let (silent, unanswered) = match (life.said_hello, life.is_watched) {
                (false, _) => (BOOT_BEATS, BOOT_BEATS),
                (true, false) => (MISSED_BEATS, BUSY_BEATS),
                (true, true) => (MISSED_BEATS_ALIVE, BUSY_BEATS),
            };
            let is_dead = life.silent > silent || life.unanswered > unanswered;
            if !is_dead && life.said_hello {
                let seq = life.next_seq;
                life.next_seq = seq.wrapping_add(1);
                let _closed = Endpoint::Worker(life.worker.clone()).post(&Frame::Ping { seq }, &[]);
            }
            is_dead
        };
        if silent {
            self.died("it stopped answering");
        }
    }

    fn died(self: &Rc<Self>, reason: &str) {
        if self.life.borrow().is_none() && self.respawn.borrow().is_some() {
            return;
        }
        leptos::logging::warn!("The {} worker ended: {reason}.", self.name);
        self.end_life();
        let failed = self.failed_starts.get() + 1;
        self.failed_starts.set(failed);
        self.deaths.set(self.deaths.get() + 1);
        if failed > MAX_FAILED_STARTS {
            self.state.set(LinkState::Failed(reason.to_owned()));
        } else {
            self.state.set(LinkState::Restarting(reason.to_owned()));
        }
        if let Some(owner) = self.owner() {
            owner.on_death(reason);
        }
        self.fail_all_when_over();
        if failed > MAX_FAILED_STARTS {
            return;
        }
        let weak = Rc::downgrade(self);
        // A network that is away comes back in seconds rather than in tenths of them: the tries take twenty together.
        let first_ms = if reason == NOT_FETCHED { 300u32 } else { 100 };
        let delay_ms = first_ms << failed.min(6);
        *self.respawn.borrow_mut() = Some(Timeout::new(delay_ms, move || {
            if let Some(line) = weak.upgrade() {
                line.respawn.borrow_mut().take();
                line.spawn();
            }
        }));
    }

    fn end_life(&self) {
        self.hello.borrow_mut().take();
        if let Some(life) = self.life.borrow_mut().take() {
            life.worker.set_onerror(None);
            life.worker.terminate();
        }
    }

    /// Hand a port to the present instance; silently nothing when there is none.
    pub(super) fn post_port(&self, kind: PortKind, number: u32, port: &web_sys::MessagePort) {
        if let Some(life) = self.life.borrow().as_ref() {
            let _closed = Endpoint::Worker(life.worker.clone()).post_port(kind, number, port);
        }
    }

    fn owner(&self) -> Option<Rc<dyn Owner>> {
        self.owner.borrow().as_ref().and_then(Weak::upgrade)
    }
}
