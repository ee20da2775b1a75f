//! Requests in, answers out: the thin layer between the wire and the pump.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use infer::{Finished, Outcome};
use link::{Reply, Request};
use protocol::{Blob, Embedded, EmbedderInfo, Fault, FaultCode, LoadEmbedder, ModelRequest, decode};
use wasm_bindgen_futures::spawn_local;

use crate::device::Model;
use crate::generator::Generator;
use crate::load::{Loaded, load};
use crate::pump::{Host, Pump};
use crate::shelf::Shelf;

/// Texts of one request, at most; the engine sends a few dozen.
const MAX_TEXTS: usize = 4096;

/// What a job needs to be answered.
#[derive(Debug)]
struct Job {
    reply: Reply,
    model: String,
    dim: u32,
}

#[derive(Debug)]
struct Desk;

impl Host<Job> for Desk {
    async fn turn(&self) {
        web::turn().await;
    }

    fn answer(&self, Finished { tag: Job { reply, model, dim }, num_tokens, outcome, .. }: Finished<Job>) {
        match outcome {
            Outcome::Vectors(vectors) => {
                let bytes: Vec<u8> = vectors.iter().flat_map(|x| x.to_le_bytes()).collect();
                let num_tokens = u32::try_from(num_tokens).unwrap_or(u32::MAX);
                let answer = Embedded { model, dim, vectors: Blob(0), num_tokens };
                reply.done_with(&answer, &[link::to_buffer(&bytes)]);
            }
            Outcome::Failed(why) => {
                reply.fault(Fault::new(FaultCode::ModelGone, format!("Texts could not be embedded: {why}.")));
            }
            // A dropped reply tells a caller who cancelled so.
            Outcome::Cancelled => drop(reply),
        }
    }

    fn lost(&self, why: &str) {
        // Ending this instance is the supervisor's sign to start the next one, on the processor if need be.
        panic_with(why);
    }
}

/// End this instance: the error reaches the page, which replaces the worker.
#[allow(clippy::panic)]
pub(crate) fn panic_with(why: &str) -> ! {
    panic!("the device was lost: {why}")
}

/// A model with everything that answers requests for it.
#[derive(Debug)]
struct Ready {
    pump: Rc<Pump<Model, Job, Desk>>,
    tokenizer: tokens::Tokenizer,
    info: EmbedderInfo,
}

/// All state of the worker.
#[derive(Debug, Default)]
pub struct Service {
    ready: RefCell<Option<Rc<Ready>>>,
    loading: Cell<bool>,
    generator: Generator,
    shelf: Rc<Shelf>,
}

impl Service {
    /// Take in one request of `client`.
    pub fn accept(self: &Rc<Self>, client: u32, request: Request) {
        let Request { body, blobs, reply } = request;
        match decode::<ModelRequest>(&body) {
            Ok(ModelRequest::LoadEmbedder(request)) => {
                let service = self.clone();
                spawn_local(async move { service.load(&request, reply).await });
            }
            Ok(ModelRequest::GetEmbedder(_)) => {
                reply.done(&self.ready.borrow().as_ref().map(|ready| ready.info.clone()));
            }
            Ok(ModelRequest::Embed(request)) => self.embed(client, request, reply),
            Ok(ModelRequest::DestroyGpu(_)) => {
                let embedder =
                    self.ready.borrow().as_ref().is_some_and(|ready| ready.pump.model().destroy_gpu());
                let generator = self.generator.destroy_gpu();
                reply.settle(if embedder || generator {
                    Ok(())
                } else {
                    Err(Fault::new(FaultCode::Unsupported, "The model does not run on a GPU."))
                });
            }
            Ok(ModelRequest::LoadGenerator(request)) => {
                let service = self.clone();
                spawn_local(async move { service.generator.load(&request, reply).await });
            }
            Ok(ModelRequest::GetGenerator(_)) => reply.done(&self.generator.info()),
            Ok(ModelRequest::Generate(request)) => self.generator.generate(client, request, reply),
            Ok(ModelRequest::CountTokens(request)) => reply.settle(self.generator.count_tokens(&request)),
            Ok(ModelRequest::CountPrompt(request)) => reply.settle(self.generator.count_prompt(&request)),
            Ok(
                request @ (ModelRequest::ListModelFiles(_)
                | ModelRequest::DownloadModel(_)
                | ModelRequest::BeginModelFile(_)
                | ModelRequest::PutModelPiece(_)
                | ModelRequest::EndModelFile(_)
                | ModelRequest::DeleteModelFile(_)),
            ) => {
                let shelf = self.shelf.clone();
                spawn_local(async move { shelf.answer(request, &blobs, reply).await });
            }
            Err(err) => {
                reply.fault(Fault::new(FaultCode::Invalid, format!("A request could not be read: {err}.")))
            }
        }
    }

    async fn load(&self, request: &LoadEmbedder, reply: Reply) {
        if self.loading.replace(true) {
            reply.fault(
                Fault::new(FaultCode::Invalid, "The model is being loaded already.").retry_after_ms(1000),
            );
            return;
        }
        let loaded = load(request, |progress| reply.event(&progress)).await;
        self.loading.set(false);
        let info = loaded.map(|Loaded { model, tokenizer, info }| {
            let limit = model.batch_limit();
            let ready = Ready { pump: Pump::new(model, Desk, limit), tokenizer, info: info.clone() };
            // Jobs of a model that was loaded before hold on to it until they are done.
            *self.ready.borrow_mut() = Some(Rc::new(ready));
            info
        });
        reply.settle(info);
    }

    fn embed(&self, client: u32, request: protocol::Embed, reply: Reply) {
        let ready = self.ready.borrow().clone();
        let Some(ready) = ready else {
            let fault = Fault::new(FaultCode::ModelMissing, "No model is loaded yet.").retry_after_ms(500);
            return reply.fault(fault);
        };
        if request.texts.len() > MAX_TEXTS {
            let sentence =
                format!("One request may hold {MAX_TEXTS} texts; this one has {}.", request.texts.len());
            return reply.fault(Fault::new(FaultCode::TooLarge, sentence));
        }
        let tokens: Result<Vec<_>, _> =
            request.texts.iter().map(|text| ready.tokenizer.encode(text)).collect();
        match tokens {
            Ok(texts) => {
                let cancel = reply.cancel().clone();
                let job = Job { reply, model: ready.info.model.clone(), dim: ready.info.dim };
                ready.pump.push(job, client, request.urgent, cancel, texts);
                spawn_local(ready.pump.clone().run());
            }
            Err(err) => {
                reply.fault(Fault::new(FaultCode::Invalid, format!("A text could not be read: {err}.")))
            }
        }
    }
}
