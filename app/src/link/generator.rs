//! The worker with the language model: started when a model is asked for, loaded again when it dies, known to the engine.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use js_sys::{Function, Promise};
use leptos::prelude::*;
use link::{Endpoint, Pending, Policy, PortKind};
use protocol::{
    DestroyGpu, DeviceKind, Fault, FaultCode, Generate, GeneratedPiece, GeneratorInfo, GeneratorSummary,
    Hello, LoadGenerator, LoadProgress, UseGenerator,
};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::MessageChannel;

use super::engine::Engine;
use super::line::{Line, LinkState, NOT_FETCHED, Owner};
use super::probe::{self, Gpu};

/// State of the language model.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum GeneratorState {
    /// Not asked for.
    #[default]
    Off,
    /// On its way.
    Loading(LoadProgress),
    /// Ready to write.
    Ready(GeneratorInfo),
    /// It could not be loaded; the sentence says why and what to do.
    Failed(String),
}

/// Workers that may die while they load a model until it is given up.
const MAX_TRIES: u32 = 3;
/// Workers that may lose their GPU until the processor has to do.
const MAX_GPU_LOSSES: u32 = 2;
/// The engine knows ports of both kinds by one number; those of the embedders count from one.
const FIRST_PORT: u32 = 1 << 24;

/// Handle to the language model. Clones share it.
#[derive(Clone)]
pub struct Generator(Rc<Inner>);

struct Inner {
    me: Weak<Inner>,
    engine: Engine,
    /// A new one for each model: the memory of a worker never becomes smaller.
    line: RefCell<Option<Rc<Line>>>,
    /// What was asked for last, and the id that it goes by.
    want: RefCell<Option<(String, LoadGenerator)>>,
    state: RwSignal<GeneratorState>,
    /// Code of the fault behind [`GeneratorState::Failed`].
    failed: Cell<FaultCode>,
    tries: Cell<u32>,
    /// What the browser says of its GPU.
    gpu: RefCell<Option<Gpu>>,
    gpu_losses: Cell<u32>,
    /// Why the GPU was given up for this model.
    given_up: RefCell<Option<String>>,
    /// Counts what was asked for, so that a probe which comes late finds out.
    starts: Cell<u32>,
    next_port: Cell<u32>,
    /// Number of the port that the engine holds to the worker.
    port: Cell<Option<u32>>,
    /// Who waits for the end of loading.
    waiting: RefCell<Vec<Function>>,
}

impl std::fmt::Debug for Generator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generator").field("want", &self.0.want).finish()
    }
}

impl Generator {
    /// Nothing is started; [`Generator::load`] does.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        let inner = Rc::new_cyclic(|me: &Weak<Inner>| Inner {
            me: me.clone(),
            engine: engine.clone(),
            line: RefCell::default(),
            want: RefCell::default(),
            state: RwSignal::new(GeneratorState::Off),
            failed: Cell::new(FaultCode::ModelMissing),
            tries: Cell::new(0),
            gpu: RefCell::default(),
            gpu_losses: Cell::new(0),
            given_up: RefCell::default(),
            starts: Cell::new(0),
            next_port: Cell::new(FIRST_PORT),
            port: Cell::new(None),
            waiting: RefCell::default(),
        });
        let weak = Rc::downgrade(&inner);
        engine.on_instance(Rc::new(move || {
            if let Some(inner) = weak.upgrade() {
                inner.hand_over();
            }
        }));
        Self(inner)
    }

    /// How the model is doing.
    #[must_use]
    pub fn state(&self) -> ReadSignal<GeneratorState> {
        self.0.state.read_only()
    }

    /// Id of the model that was asked for last.
    #[must_use]
    pub fn wanted(&self) -> Option<String> {
        self.0.want.borrow().as_ref().map(|(id, _)| id.clone())
    }

    /// Load a model, from here on known as `id`, in the place of the present one. Nothing happens when this very one is there or on its way;
    /// [`Generator::ready`] waits for it.
    pub fn load(&self, id: String, request: LoadGenerator) {
        let runs =
            matches!(self.0.state.get_untracked(), GeneratorState::Loading(_) | GeneratorState::Ready(_));
        let is_it = |(was, had): &(String, LoadGenerator)| {
            // Who does not say how long texts may be takes what is there.
            let fits = request.max_tokens.is_none() || request.max_tokens == had.max_tokens;
            // Whether its file came from the server or from the copy of it on this device is all one by now.
            *was == id && had.device == request.device && fits
        };
        if runs && self.0.want.borrow().as_ref().is_some_and(is_it) {
            return;
        }
        self.0.end("Another language model is being loaded.");
        *self.0.want.borrow_mut() = Some((id, request));
        self.0.tries.set(0);
        self.0.gpu_losses.set(0);
        self.0.given_up.take();
        self.0.stage("Starting the language model");
        let (inner, start) = (self.0.clone(), self.0.starts.get());
        spawn_local(async move {
            let gpu = probe::gpu().await;
            // Unloaded, or another one asked for, while the browser looked for a GPU.
            if inner.starts.get() == start {
                *inner.gpu.borrow_mut() = gpu;
                inner.start();
            }
        });
    }

    /// End the worker; its memory goes back to the system.
    pub fn unload(&self) {
        self.0.end("The language model was unloaded.");
        self.0.settle(GeneratorState::Off);
    }

    /// Wait until the model that was asked for last is loaded, or is not.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn ready(&self) -> Result<GeneratorInfo, Fault> {
        loop {
            match self.0.state.get_untracked() {
                GeneratorState::Ready(info) => return Ok(info),
                GeneratorState::Failed(sentence) => return Err(Fault::new(self.0.failed.get(), sentence)),
                GeneratorState::Off => {
                    let sentence = "No language model is loaded. Choose one under “Models”.";
                    return Err(Fault::new(FaultCode::ModelMissing, sentence));
                }
                GeneratorState::Loading(_) => {
                    let settled = Promise::new(&mut |resolve, _| self.0.waiting.borrow_mut().push(resolve));
                    let _never_rejects = JsFuture::from(settled).await;
                }
            }
        }
    }

    /// Let the model write. Dropping what this gives ends the text.
    ///
    /// # Errors
    /// [`FaultCode::ModelMissing`] while none is ready.
    pub fn generate(
        &self,
        call: Generate,
        on_piece: impl FnMut(GeneratedPiece) + 'static,
    ) -> Result<Pending<Generate>, Fault> {
        match (&*self.0.line.borrow(), self.0.state.get_untracked()) {
            (Some(line), GeneratorState::Ready(_)) => Ok(line.caller.stream(call, Vec::new(), on_piece)),
            _ => {
                Err(Fault::new(FaultCode::ModelMissing, "The language model is not ready.")
                    .retry_after_ms(500))
            }
        }
    }

    /// Destroy the GPU device under the model. For tests of the supervisor.
    ///
    /// # Errors
    /// [`FaultCode::ModelMissing`] without a model, [`FaultCode::Unsupported`] when it runs on the processor.
    pub async fn destroy_gpu_for_test(&self) -> Result<(), Fault> {
        let line = self.0.line.borrow().clone();
        let missing = || Fault::new(FaultCode::ModelMissing, "No language model is loaded.");
        line.ok_or_else(missing)?.caller.call(DestroyGpu, Vec::new()).await.map(|_| ())
    }

    /// End the worker without telling the supervisor. For tests of the supervisor.
    pub fn kill_for_test(&self) {
        if let Some(line) = &*self.0.line.borrow() {
            line.kill_silently();
        }
    }
}

impl Inner {
    fn stage(&self, stage: &str) {
        self.state.set(GeneratorState::Loading(LoadProgress {
            stage: stage.into(),
            done_bytes: 0,
            total_bytes: 0,
        }));
    }

    /// A state in which nobody waits any more.
    fn settle(&self, state: GeneratorState) {
        self.state.set(state);
        for resolve in self.waiting.take() {
            let _never_throws = resolve.call0(&wasm_bindgen::JsValue::UNDEFINED);
        }
    }

    fn fail(&self, fault: Fault) {
        self.end(&fault.sentence);
        self.failed.set(fault.code);
        self.settle(GeneratorState::Failed(fault.sentence));
    }

    /// The module that is to run the model: on the GPU where that was asked for, or where nothing was and it is fit.
    fn module(&self) -> &'static str {
        let asked = self.want.borrow().as_ref().and_then(|(_, request)| request.device);
        let is_fit = self.gpu.borrow().as_ref().is_some_and(|gpu| gpu.unusable.is_none());
        let device = asked.unwrap_or(if is_fit { DeviceKind::WebGpu } else { DeviceKind::Cpu });
        match device {
            DeviceKind::WebGpu if self.gpu_losses.get() < MAX_GPU_LOSSES => "model_gpu",
            _ if probe::has_relaxed_simd() => "model_relaxed",
            _ => "model_cpu",
        }
    }

    fn start(self: &Rc<Self>) {
        let line = Line::new("language model", self.module(), Policy::Fail);
        *self.line.borrow_mut() = Some(line.clone());
        let owner: Rc<dyn Owner> = self.clone();
        line.start(Rc::downgrade(&owner));
    }

    /// The GPU cannot run this model: go on without it.
    fn fall_back(&self, line: &Rc<Line>, reason: &str) {
        leptos::logging::warn!("The GPU is given up for the language model: {reason}");
        *self.given_up.borrow_mut() = Some(reason.to_owned());
        self.gpu_losses.set(MAX_GPU_LOSSES);
        *line.module.borrow_mut() = self.module();
        self.stage("Starting the language model on the processor");
        line.restart(reason);
    }

    /// End the worker and what was asked of it.
    fn end(&self, sentence: &str) {
        self.starts.set(self.starts.get() + 1);
        self.forget_port();
        let line = self.line.take();
        if let Some(line) = line {
            line.stop(&Fault::new(FaultCode::ModelGone, sentence));
        }
    }

    fn forget_port(&self) {
        if let Some(port) = self.port.take() {
            self.engine.forget_port(port);
        }
    }

    /// Have the model loaded by the instance behind `line`, which said hello just now.
    fn ask(&self, line: &Rc<Line>) {
        let want = self.want.borrow().clone();
        let (Some(inner), Some((id, mut request))) = (self.me.upgrade(), want) else { return };
        let is_gpu = *line.module.borrow() == "model_gpu";
        request.device = Some(if is_gpu { DeviceKind::WebGpu } else { DeviceKind::Cpu });
        let state = self.state;
        let loaded = line.caller.stream(request, Vec::new(), move |progress: LoadProgress| {
            state.set(GeneratorState::Loading(progress));
        });
        let line = Rc::downgrade(line);
        spawn_local(async move {
            let loaded = loaded.await;
            // Another model was asked for meanwhile.
            let is_present =
                inner.line.borrow().as_ref().is_some_and(|now| Weak::ptr_eq(&Rc::downgrade(now), &line));
            match loaded {
                _ if !is_present => {}
                Ok((mut info, _)) => {
                    info.model = id;
                    let unusable = inner.gpu.borrow().as_ref().and_then(|gpu| gpu.unusable);
                    let unusable = unusable.map(|why| format!("The GPU is not used: {why}."));
                    if let (false, Some(why)) = (is_gpu, inner.given_up.borrow().clone().or(unusable)) {
                        info.reason = format!("{} {why}", info.reason);
                    }
                    inner.tries.set(0);
                    inner.settle(GeneratorState::Ready(info));
                    inner.hand_over();
                }
                // The worker died while it loaded: the supervisor starts it again and asks anew.
                Err(fault) if fault.code == FaultCode::ModelGone => {}
                Err(fault) if is_gpu && fault.code == FaultCode::Unsupported => {
                    if let Some(line) = line.upgrade() {
                        inner.fall_back(&line, &fault.sentence);
                    }
                }
                Err(fault) => inner.fail(fault),
            }
        });
    }

    /// Connect the worker to the engine with a fresh channel, and have it used.
    fn hand_over(&self) {
        let GeneratorState::Ready(info) = self.state.get_untracked() else { return };
        let line = self.line.borrow().clone();
        let (Some(line), Ok(channel)) = (line, MessageChannel::new()) else { return };
        if self.engine.state().get_untracked() != LinkState::Ready {
            return;
        }
        let number = self.next_port.get();
        self.next_port.set(number + 1);
        self.port.set(Some(number));
        line.post_port(PortKind::Generator, number, &channel.port1());
        self.engine.give_port(PortKind::Generator, number, &channel.port2());
        let summary = GeneratorSummary {
            model: info.model,
            max_tokens: info.max_tokens,
            fills_gaps: info.fills_gaps,
            chats: info.chats,
        };
        let reads_per_s = info.prefill_per_s;
        let used = self.engine.call(UseGenerator { generator: Some((number, summary)), reads_per_s });
        spawn_local(async move {
            // An engine that died knows no ports; the next one is given its own.
            let _used = used.await;
        });
    }
}

impl Owner for Inner {
    fn on_hello(&self, endpoint: Endpoint, _hello: &Hello) {
        let line = self.line.borrow().clone();
        if let Some(line) = line {
            line.caller.attach(endpoint);
            self.ask(&line);
        }
    }

    fn on_death(&self, reason: &str) {
        self.forget_port();
        let line = self.line.borrow().clone();
        let Some(line) = line else { return };
        let was_loading = matches!(self.state.get_untracked(), GeneratorState::Loading(_));
        line.caller.detach(
            &Fault::new(FaultCode::ModelGone, format!("The language model stopped: {reason}."))
                .retry_after_ms(1000),
        );
        self.tries.set(self.tries.get() + u32::from(was_loading));
        if *line.module.borrow() == "model_gpu" {
            self.gpu_losses.set(self.gpu_losses.get() + 1);
            if self.gpu_losses.get() == MAX_GPU_LOSSES {
                let why = format!("The GPU is given up: its worker ended {MAX_GPU_LOSSES} times ({reason}).");
                *self.given_up.borrow_mut() = Some(why);
            }
            *line.module.borrow_mut() = self.module();
        }
        match line.state.get_untracked() {
            LinkState::Stale => self.fail(super::outgrown()),
            _ if self.tries.get() >= MAX_TRIES => self.fail(Fault::new(
                FaultCode::ModelGone,
                format!(
                    "The language model could not be loaded: its worker ended {MAX_TRIES} times ({reason}). {}",
                    if reason == NOT_FETCHED {
                        "Check that the address of this page can still be reached, then load it again."
                    } else {
                        "It may need more memory than there is; close other tabs, or choose a smaller model."
                    }
                ),
            )),
            _ => self.stage("Starting the language model again"),
        }
    }
}
