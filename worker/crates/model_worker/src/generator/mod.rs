//! The language model of this worker: what answers the calls of `protocol::generate`.

mod desk;
mod form;
mod load;
mod plan;
mod prompt;
mod weights;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use infer::{Order, Purpose, Writer};
use link::Reply;
use models::llm::Language;
use protocol::{
    CountPrompt, CountTokens, Fault, FaultCode, FinishReason, Generate, GeneratePurpose, Generated,
    GeneratorInfo, LoadGenerator,
};
use stdx::{Cancel, Clock as _, SystemClock};
use wasm_bindgen_futures::spawn_local;

use self::desk::{Desk, Job};
use self::load::Loaded;
use self::weights::{Text, Weights};

/// The client that is the page itself.
const PAGE: u32 = 0;
/// More than an engine has under way.
const MAX_ASKED: usize = 64;

type Turn = fn() -> std::pin::Pin<Box<dyn Future<Output = ()>>>;
type Pen = Writer<Text, Job<Reply>, Desk<SystemClock, Turn>>;

/// A loaded model with everything that answers calls for it.
#[derive(Debug)]
struct Ready {
    writer: Rc<Pen>,
    language: Rc<Language>,
    forms: form::Compiler,
    weights: Weights,
    info: GeneratorInfo,
    _file: Option<web::KeptFile>,
}

/// The language model, or none yet.
#[derive(Debug, Default)]
pub struct Generator {
    ready: RefCell<Option<Ready>>,
    loading: Cell<bool>,
    /// The engine's port and what it asked last.
    engine: RefCell<(u32, VecDeque<Cancel>)>,
    clock: Rc<SystemClock>,
}

impl Generator {
    /// Load a model in the place of the one that is there.
    pub async fn load(&self, request: &LoadGenerator, reply: Reply) {
        if self.loading.replace(true) {
            let sentence = "A language model is being loaded already.";
            return reply.fault(Fault::new(FaultCode::Invalid, sentence).retry_after_ms(1000));
        }
        // First, because there may not be room for two.
        *self.ready.borrow_mut() = None;
        let loaded = load::load(request, |progress| reply.event(&progress)).await;
        self.loading.set(false);
        let info = loaded.map(|Loaded { weights, language, info, _file }| {
            let text = || weights.text(info.max_tokens as usize);
            let turn: Turn = || Box::pin(web::turn());
            let desk = Desk::new(self.clock.clone(), turn);
            let writer = Writer::new(text(), text(), desk);
            let language = Rc::new(language);
            let forms = form::Compiler::default();
            *self.ready.borrow_mut() =
                Some(Ready { writer, language, forms, weights, info: info.clone(), _file });
            info
        });
        reply.settle(info);
    }

    /// What is loaded.
    pub fn info(&self) -> Option<GeneratorInfo> {
        self.ready.borrow().as_ref().map(|ready| ready.info.clone())
    }

    /// Let the model write for `client`.
    pub fn generate(&self, client: u32, call: Generate, reply: Reply) {
        let came_ms = self.clock.monotonic_ms();
        let made = self.with(|ready| {
            let made = prompt::prompt(&ready.language, &call, ready.info.max_tokens as usize)?;
            let compile = |form| ready.forms.compile(&ready.language.bpe, &made.end, form);
            let form = call.form.as_ref().map(compile).transpose()?;
            Ok((made, form, ready.language.clone(), ready.writer.clone(), ready.weights.clone()))
        });
        let (made, form, language, writer, weights) = match made {
            Ok(made) => made,
            Err(fault) => return reply.fault(fault),
        };
        let generated = Generated {
            text: String::new(),
            finish: FinishReason::Length,
            num_prompt_tokens: made.ids.len() as u32,
            num_cached_tokens: 0,
            num_new_tokens: 0,
            cut_prefix_bytes: made.cut_prefix_bytes,
            cut_suffix_bytes: made.cut_suffix_bytes,
            snippets: made.snippets,
            first_token_ms: 0.0,
            decode_ms: 0.0,
        };
        self.engine_asks(client, reply.cancel());
        let order = Order {
            purpose: match call.purpose {
                GeneratePurpose::Completion => Purpose::Completion,
                GeneratePurpose::Chat => Purpose::Chat,
            },
            client,
            prompt: made.ids,
            max_new: call.max_new_tokens as usize,
            end: made.end,
            sampling: prompt::sampling(&call.sampling),
            form,
            cancel: reply.cancel().clone(),
        };
        writer.push(Job::new(reply, language, call.stop, generated, came_ms), order);
        spawn_local(async move {
            writer.run().await;
            // Ending this instance is the supervisor's sign to start the next one. Who still waits hears of it from the
            // page, and what was written until now has been sent.
            if let Some(why) = weights.lost() {
                crate::service::panic_with(&why);
            }
        });
    }

    /// An engine asks over a port of its own, and one that died has cancelled nothing: what it asked is for nobody.
    fn engine_asks(&self, client: u32, cancel: &Cancel) {
        if client == PAGE {
            return;
        }
        let mut engine = self.engine.borrow_mut();
        if engine.0 != client {
            engine.1.drain(..).for_each(|old| old.cancel());
            engine.0 = client;
        }
        if engine.1.len() == MAX_ASKED {
            engine.1.pop_front();
        }
        engine.1.push_back(cancel.clone());
    }

    /// Destroy the GPU device below the model. False when there is none.
    pub fn destroy_gpu(&self) -> bool {
        self.ready.borrow().as_ref().is_some_and(|ready| ready.weights.destroy_gpu())
    }

    /// Tokens of texts.
    pub fn count_tokens(&self, call: &CountTokens) -> Result<Vec<u32>, Fault> {
        self.with(|ready| prompt::count(&ready.language, &call.texts))
    }

    /// Tokens of a conversation.
    pub fn count_prompt(&self, call: &CountPrompt) -> Result<u32, Fault> {
        self.with(|ready| prompt::conversation(&ready.language, &call.messages).map(|ids| ids.len() as u32))
    }

    fn with<T>(&self, use_it: impl FnOnce(&Ready) -> Result<T, Fault>) -> Result<T, Fault> {
        let missing = || {
            let fault = Fault::new(FaultCode::ModelMissing, "No language model is loaded.");
            if self.loading.get() { fault.retry_after_ms(500) } else { fault }
        };
        self.ready.borrow().as_ref().map_or_else(|| Err(missing()), use_it)
    }
}
