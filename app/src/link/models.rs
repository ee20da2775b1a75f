//! The model workers: which module, how many, loading, and hand-over of their ports to the engine.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::*;
use link::{Endpoint, Policy, PortKind};
use protocol::{
    DestroyGpu, DeviceKind, EmbedderInfo, Fault, FaultCode, Hello, LoadEmbedder, LoadProgress, Precision,
};
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageChannel;

use super::engine::Engine;
use super::line::{Line, LinkState, Owner};
use super::probe::{self, Gpu};

/// What the person may override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelsConfig {
    /// `None` lets the probe decide.
    pub device: Option<DeviceKind>,
    /// `None` takes int8 on the CPU and float32 on a GPU.
    pub precision: Option<Precision>,
    /// Number of CPU workers; `None` takes one less than the cores, at most four.
    pub num_workers: Option<u32>,
    /// Same-origin folder of the embedder's files.
    pub base_url: String,
}

impl Default for ModelsConfig {
    fn default() -> Self {
        Self { device: None, precision: None, num_workers: None, base_url: "/models/minilm/".into() }
    }
}

/// State of the embedder, for the status bar.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ModelState {
    /// Not asked for.
    #[default]
    Off,
    /// On its way; the first worker's progress.
    Loading(LoadProgress),
    /// Ready in this many workers.
    Ready(EmbedderInfo, u32),
    /// It could not be loaded; the sentence says why and what to do.
    Failed(String),
}

/// GPU losses after which the CPU takes over.
const MAX_GPU_LOSSES: u32 = 2;
/// More CPU workers than this compete for memory bandwidth instead of helping.
const MAX_CPU_WORKERS: u32 = 4;

/// Handle to the model workers. Clones share them.
#[derive(Clone)]
pub struct Models(Rc<Inner>);

struct Inner {
    engine: Engine,
    config: RefCell<ModelsConfig>,
    workers: RefCell<Vec<Rc<ModelWorker>>>,
    state: RwSignal<ModelState>,
    gpu: RefCell<Option<Gpu>>,
    gpu_losses: Cell<u32>,
    /// Why the GPU was given up, a sentence.
    given_up: RefCell<Option<String>>,
    /// Starts and stops so far: what was asked for before the last one is out of date.
    starts: Cell<u32>,
    next_port: Cell<u32>,
}

struct ModelWorker {
    line: Rc<Line>,
    pool: std::rc::Weak<Inner>,
    info: RefCell<Option<EmbedderInfo>>,
    /// Number of the port that the engine holds to this worker.
    port: Cell<Option<u32>>,
}

impl std::fmt::Debug for Models {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Models").field("num_workers", &self.0.workers.borrow().len()).finish()
    }
}

impl Models {
    /// A pool without workers; [`Models::start`] fills it.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        let inner = Rc::new(Inner {
            engine: engine.clone(),
            config: RefCell::default(),
            workers: RefCell::default(),
            state: RwSignal::new(ModelState::Off),
            gpu: RefCell::new(None),
            gpu_losses: Cell::new(0),
            given_up: RefCell::new(None),
            starts: Cell::new(0),
            next_port: Cell::new(1),
        });
        let weak = Rc::downgrade(&inner);
        engine.on_instance(Rc::new(move || {
            if let Some(inner) = weak.upgrade() {
                for worker in inner.workers.borrow().iter() {
                    worker.hand_over();
                }
            }
        }));
        Self(inner)
    }

    /// How the embedder is doing.
    #[must_use]
    pub fn state(&self) -> ReadSignal<ModelState> {
        self.0.state.read_only()
    }

    /// Start (or start again, with another configuration): probe, choose modules, load in every worker. Nothing
    /// happens when that is under way or done with this very configuration.
    pub fn start(&self, config: ModelsConfig) {
        let runs = matches!(self.0.state.get_untracked(), ModelState::Loading(_) | ModelState::Ready(..));
        if runs && *self.0.config.borrow() == config {
            return;
        }
        self.stop();
        *self.0.config.borrow_mut() = config;
        self.0.gpu_losses.set(0);
        *self.0.given_up.borrow_mut() = None;
        self.0.state.set(ModelState::Loading(LoadProgress {
            stage: "Looking at this device".into(),
            done_bytes: 0,
            total_bytes: 0,
        }));
        let (inner, start) = (self.0.clone(), self.0.starts.get());
        spawn_local(async move {
            let gpu = probe::gpu().await;
            // Stopped, or started again, while the browser looked for a GPU.
            if inner.starts.get() == start {
                *inner.gpu.borrow_mut() = gpu;
                inner.spawn_workers();
            }
        });
    }

    /// End every model worker; their memory goes back to the system.
    pub fn stop(&self) {
        self.0.starts.set(self.0.starts.get() + 1);
        let fault = Fault::new(FaultCode::ModelGone, "The model was unloaded.");
        for worker in self.0.workers.borrow_mut().drain(..) {
            worker.retire();
            worker.line.stop(&fault);
        }
        self.0.state.set(ModelState::Off);
    }

    /// End the first worker without telling the supervisor. For tests of the supervisor.
    pub fn kill_for_test(&self) {
        if let Some(worker) = self.0.workers.borrow().first() {
            worker.line.kill_silently();
        }
    }

    /// Destroy the GPU device under the first worker. For tests of the supervisor.
    ///
    /// # Errors
    /// [`FaultCode::ModelMissing`] without a worker, [`FaultCode::Unsupported`] when its model runs on the processor.
    pub async fn destroy_gpu_for_test(&self) -> Result<(), Fault> {
        let missing = || Fault::new(FaultCode::ModelMissing, "No model is loaded.");
        let caller = self.first_caller().ok_or_else(missing)?;
        caller.call(DestroyGpu, Vec::new()).await.map(|_| ())
    }

    /// Run a call on the first model worker, with its progress events. For benchmarks and the model panel.
    pub fn first_caller(&self) -> Option<link::Caller> {
        self.0.workers.borrow().first().map(|worker| worker.line.caller.clone())
    }
}

impl Inner {
    fn choose(&self) -> (DeviceKind, &'static str, u32) {
        let config = self.config.borrow();
        let has_usable_gpu = self.gpu.borrow().as_ref().is_some_and(|gpu| gpu.unusable.is_none());
        if plan(config.device, has_usable_gpu, self.gpu_losses.get()) == DeviceKind::WebGpu {
            return (DeviceKind::WebGpu, "model_gpu", 1);
        }
        let module = if probe::has_relaxed_simd() { "model_relaxed" } else { "model_cpu" };
        let cores = web_sys::window().map_or(2.0, |w| w.navigator().hardware_concurrency()) as u32;
        let num = config.num_workers.unwrap_or_else(|| cores.saturating_sub(1)).clamp(1, MAX_CPU_WORKERS);
        (DeviceKind::Cpu, module, num)
    }

    fn spawn_workers(self: &Rc<Self>) {
        let (_, module, num) = self.choose();
        let running = self.workers.borrow().len();
        for _ in running..num as usize {
            let worker = Rc::new(ModelWorker {
                line: Line::new("model", module, Policy::Fail),
                pool: Rc::downgrade(self),
                info: RefCell::new(None),
                port: Cell::new(None),
            });
            let owner: Rc<dyn Owner> = worker.clone();
            worker.line.start(Rc::downgrade(&owner));
            self.workers.borrow_mut().push(worker);
        }
    }

    fn has_ready(&self) -> bool {
        self.workers.borrow().iter().any(|worker| worker.info.borrow().is_some())
    }

    fn publish(&self) {
        let workers = self.workers.borrow();
        let ready: Vec<EmbedderInfo> = workers.iter().filter_map(|w| w.info.borrow().clone()).collect();
        if let Some(first) = ready.first() {
            let count = u32::try_from(ready.len()).unwrap_or(u32::MAX);
            self.state.set(ModelState::Ready(first.clone(), count));
        }
    }
}

impl ModelWorker {
    fn load(self: &Rc<Self>, pool: &Rc<Inner>) {
        let (device, ..) = pool.choose();
        let config = pool.config.borrow();
        let request = LoadEmbedder { base_url: config.base_url.clone(), precision: config.precision, device };
        let asked_for = config.device;
        drop(config);
        let state = pool.state;
        let pending = self.line.caller.stream(request, Vec::new(), move |progress: LoadProgress| {
            if !matches!(state.get_untracked(), ModelState::Ready(..)) {
                state.set(ModelState::Loading(progress));
            }
        });
        let worker = self.clone();
        let pool = pool.clone();
        spawn_local(async move {
            match pending.await {
                Ok((mut info, _)) => {
                    if info.device.device == DeviceKind::WebGpu {
                        info.device.reason = why_webgpu(asked_for).to_owned();
                    }
                    if let Some(gpu) = pool.gpu.borrow().as_ref() {
                        info.device.adapter.clone_from(&gpu.name);
                        if let (DeviceKind::Cpu, Some(why)) = (info.device.device, gpu.unusable) {
                            info.device.reason =
                                format!("{} The GPU is not used: {why}.", info.device.reason);
                        }
                    }
                    if let (DeviceKind::Cpu, Some(why)) = (info.device.device, &*pool.given_up.borrow()) {
                        info.device.reason = format!("{} {why}", info.device.reason);
                    }
                    *worker.info.borrow_mut() = Some(info);
                    worker.hand_over();
                    pool.publish();
                }
                // The worker died while it loaded: the supervisor starts it again and this runs anew.
                Err(fault) if fault.code == FaultCode::ModelGone => {}
                Err(fault) if device == DeviceKind::WebGpu => worker.fall_back(&pool, &fault.sentence),
                // Others may have loaded: search by meaning works with one worker, too.
                Err(fault) if pool.has_ready() => {
                    leptos::logging::warn!("One of several model workers could not load: {}", fault.sentence);
                }
                Err(fault) => pool.state.set(ModelState::Failed(fault.sentence)),
            }
        });
    }

    /// Connect this worker to the engine with a fresh channel.
    fn hand_over(&self) {
        let Some(pool) = self.pool.upgrade() else { return };
        if self.info.borrow().is_none() || pool.engine.state().get_untracked() != LinkState::Ready {
            return;
        }
        let Ok(channel) = MessageChannel::new() else { return };
        let number = pool.next_port.get();
        pool.next_port.set(number + 1);
        self.port.set(Some(number));
        self.line.post_port(PortKind::Embedder, number, &channel.port1());
        pool.engine.give_port(PortKind::Embedder, number, &channel.port2());
    }

    fn retire(&self) {
        self.info.borrow_mut().take();
        if let (Some(port), Some(pool)) = (self.port.take(), self.pool.upgrade()) {
            pool.engine.forget_port(port);
        }
    }

    fn fall_back(&self, pool: &Rc<Inner>, reason: &str) {
        leptos::logging::warn!("The GPU is given up: {reason}");
        *pool.given_up.borrow_mut() = Some(format!("The GPU is given up: {reason}"));
        pool.gpu_losses.set(MAX_GPU_LOSSES);
        let (_, module, _) = pool.choose();
        *self.line.module.borrow_mut() = module;
        self.line.restart(reason);
        pool.spawn_workers();
    }
}

/// Where to embed: what a person asked for, else a GPU where the probe found nothing against it. A GPU that was lost
/// [`MAX_GPU_LOSSES`] times is given up whatever was asked for.
fn plan(asked_for: Option<DeviceKind>, has_usable_gpu: bool, gpu_losses: u32) -> DeviceKind {
    let found = if has_usable_gpu { DeviceKind::WebGpu } else { DeviceKind::Cpu };
    match asked_for.unwrap_or(found) {
        DeviceKind::WebGpu if gpu_losses < MAX_GPU_LOSSES => DeviceKind::WebGpu,
        _ => DeviceKind::Cpu,
    }
}

const fn why_webgpu(asked_for: Option<DeviceKind>) -> &'static str {
    match asked_for {
        Some(_) => "WebGPU, as asked.",
        None => "WebGPU: a hardware GPU with what the model needs was found.",
    }
}

impl Owner for ModelWorker {
    fn on_hello(&self, endpoint: Endpoint, _hello: &Hello) {
        self.line.caller.attach(endpoint);
        let Some(pool) = self.pool.upgrade() else { return };
        let this = pool.workers.borrow().iter().find(|w| std::ptr::eq(&***w, self)).cloned();
        if let Some(this) = this {
            this.load(&pool);
        }
    }

    fn on_death(&self, reason: &str) {
        self.retire();
        self.line.caller.detach(
            &Fault::new(FaultCode::ModelGone, format!("The model stopped: {reason}.")).retry_after_ms(1000),
        );
        let Some(pool) = self.pool.upgrade() else { return };
        let state = self.line.state.get_untracked();
        if state == LinkState::Stale {
            // Another worker may go on with the model that it holds.
            if pool.has_ready() {
                pool.publish();
            } else {
                pool.state.set(ModelState::Failed(
                    "Search by meaning is off: Alcove was updated while this page was open. Words and symbols still \
                     work; reload the page for the rest."
                        .into(),
                ));
            }
            return;
        }
        if *self.line.module.borrow() == "model_gpu" {
            pool.gpu_losses.set(pool.gpu_losses.get() + 1);
            if pool.gpu_losses.get() == MAX_GPU_LOSSES {
                let why = format!("The GPU is given up: its worker ended {MAX_GPU_LOSSES} times ({reason}).");
                *pool.given_up.borrow_mut() = Some(why);
            }
            let (_, module, _) = pool.choose();
            *self.line.module.borrow_mut() = module;
            // One worker keeps a GPU busy; a processor may want more.
            pool.spawn_workers();
        }
        if pool.has_ready() {
            pool.publish();
        } else if let LinkState::Failed(why) = state {
            pool.state.set(ModelState::Failed(format!(
                "Search by meaning is off: the model worker could not be started ({why}). Words and symbols still work."
            )));
        } else {
            pool.state.set(ModelState::Loading(LoadProgress {
                stage: "Starting the model again".into(),
                done_bytes: 0,
                total_bytes: 0,
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_is_taken_where_it_is_asked_for_or_fit_until_it_was_lost_too_often() {
        use DeviceKind::{Cpu, WebGpu};
        for (asked_for, has_usable_gpu, gpu_losses, expected) in [
            (None, true, 0, WebGpu),
            (None, true, MAX_GPU_LOSSES - 1, WebGpu),
            (None, true, MAX_GPU_LOSSES, Cpu),
            (None, false, 0, Cpu),
            (Some(Cpu), true, 0, Cpu),
            (Some(WebGpu), false, 0, WebGpu),
            (Some(WebGpu), false, MAX_GPU_LOSSES, Cpu),
        ] {
            let planned = plan(asked_for, has_usable_gpu, gpu_losses);
            assert_eq!(planned, expected, "{asked_for:?}, {has_usable_gpu}, {gpu_losses} losses");
        }
    }

    #[test]
    fn only_what_a_person_asked_for_is_said_to_be_asked_for() {
        assert!(why_webgpu(Some(DeviceKind::WebGpu)).contains("asked"));
        assert!(!why_webgpu(None).contains("asked"));
    }
}
