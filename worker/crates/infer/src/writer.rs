//! Which text gets the next token.
//!
//! A [`Writer`] has one model instance for completions and one for chat, so that neither loses what the other computed.
//! A completion goes before a chat between two tokens and even in the middle of a long prompt: the chat's work is
//! dropped, and whole pieces of it that were finished stay in its instance. A newer completion of a client ends its
//! older one, which nobody looks at any more. Chats go in the order in which they came.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use stdx::Cancel;

use crate::{Constraint, Generate, GenerateError, Sampler, Sampling, Steps};

/// What a text is for. The lesser goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Somebody types and looks at where the text will stand.
    Completion,
    /// Somebody reads along.
    Chat,
}

/// A text to be written.
#[derive(Clone, Debug)]
pub struct Order {
    /// What it is for.
    pub purpose: Purpose,
    /// Who asked.
    pub client: u32,
    /// Token ids of what it goes on from.
    pub prompt: Vec<u32>,
    /// Most tokens.
    pub max_new: usize,
    /// Tokens that end it and do not belong to it.
    pub end: Vec<u32>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// What the text must be; `None` lets the model write what it likes. Ends with the tokens in `end`.
    pub form: Option<Box<dyn Constraint>>,
    /// Raised when nobody wants it any more.
    pub cancel: Cancel,
}

/// How a text ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The model said that it is complete, or by its form nothing can follow.
    Complete,
    /// It has as many tokens as were asked for, or as the model can see. One with a form is not complete then.
    Full,
    /// Its host has seen enough.
    Enough,
    /// It was cancelled, or a newer completion took its place.
    Cancelled,
    /// The model could not go on.
    Failed(GenerateError),
}

/// What a writer needs from where it runs.
pub trait Host<T> {
    /// Let waiting messages be delivered.
    fn turn(&self) -> impl Future<Output = ()>;
    /// A text is looked at for the first time; so many tokens of its prompt are known from before.
    fn began(&self, _tag: &mut T, _cached: usize) {}
    /// A text got a token. `false` ends the text.
    fn token(&self, tag: &mut T, token: u32) -> bool;
    /// A text has ended. Told once for each.
    fn ended(&self, tag: T, ended: Ended);
}

#[derive(Debug)]
struct Job<T> {
    tag: T,
    order: Order,
    has_begun: bool,
    /// The prompt and what was written since.
    tokens: Vec<u32>,
    sampler: Sampler,
}

/// Two instances of a model and the texts that they are to write.
#[derive(Debug)]
pub struct Writer<M, T, H> {
    /// `None` while it computes.
    completion: RefCell<Option<M>>,
    chat: RefCell<Option<M>>,
    host: H,
    waiting: RefCell<VecDeque<Job<T>>>,
    running: Cell<bool>,
}

impl<M: Generate, T, H: Host<T>> Writer<M, T, H> {
    /// A writer without texts.
    pub fn new(completion: M, chat: M, host: H) -> Rc<Self> {
        let (completion, chat) = (RefCell::new(Some(completion)), RefCell::new(Some(chat)));
        let (waiting, running) = (RefCell::default(), Cell::new(false));
        Rc::new(Self { completion, chat, host, waiting, running })
    }

    /// Queue a text. The caller sees to it that [`Writer::run`] is polled.
    pub fn push(&self, tag: T, mut order: Order) {
        let mut waiting = self.waiting.borrow_mut();
        if order.purpose == Purpose::Completion {
            for old in waiting.iter().map(|job| &job.order) {
                if old.purpose == Purpose::Completion && old.client == order.client {
                    old.cancel.cancel();
                }
            }
        }
        let sampler =
            Sampler::new(order.sampling).with_prompt(order.prompt.len()).with_form(order.form.take());
        let tokens = order.prompt.clone();
        waiting.push_back(Job { tag, order, has_begun: false, tokens, sampler });
    }

    /// Work until every text has ended. A second call while one is under way returns at once. The future is to be polled
    /// to its end: it holds the model while it computes.
    pub async fn run(self: Rc<Self>) {
        if self.running.replace(true) {
            return;
        }
        loop {
            self.end_cancelled();
            let Some(at) = self.first() else { break };
            self.advance(at).await;
            self.host.turn().await;
        }
        self.running.set(false);
    }

    /// The place of the text that is next.
    fn first(&self) -> Option<usize> {
        let waiting = self.waiting.borrow();
        (0..waiting.len()).min_by_key(|&at| waiting.get(at).map(|job| job.order.purpose))
    }

    fn end_cancelled(&self) {
        loop {
            // The queue is free again before anybody is told: an answer may bring the next text at once.
            let job = {
                let mut waiting = self.waiting.borrow_mut();
                let at = waiting.iter().position(|job| job.order.cancel.is_cancelled());
                at.and_then(|at| waiting.remove(at))
            };
            let Some(job) = job else { return };
            self.host.ended(job.tag, Ended::Cancelled);
        }
    }

    /// Give the text at this place its next token, unless something goes before it meanwhile.
    async fn advance(&self, at: usize) {
        let Some(mut job) = self.waiting.borrow_mut().remove(at) else { return };
        let cell = match job.order.purpose {
            Purpose::Completion => &self.completion,
            Purpose::Chat => &self.chat,
        };
        let Some(mut model) = cell.take() else { return };
        if !std::mem::replace(&mut job.has_begun, true) {
            self.host.began(&mut job.tag, model.cached(&job.tokens));
        }
        let result = {
            if job.tokens.len() - job.order.prompt.len() >= job.order.max_new {
                Some(Err(Ended::Full))
            } else {
                let steps = Interrupt { writer: self, order: &job.order, fired: Cell::new(false) };
                let mut next = pin!(model.next(&job.tokens, &mut job.sampler, &steps));
                poll_fn(|cx| match next.as_mut().poll(cx) {
                    Poll::Ready(token) => Poll::Ready(Some(token.map_err(|err| match err {
                        GenerateError::TooLong { .. } if job.tokens.len() > job.order.prompt.len() => {
                            Ended::Full
                        }
                        err => Ended::Failed(err),
                    }))),
                    Poll::Pending if steps.fired.get() => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                })
                .await
            }
        };
        cell.replace(Some(model));
        let ended = match result {
            _ if self.is_outdated(&job.order) => Some(Ended::Cancelled),
            None => None,
            Some(Err(ended)) => Some(match job.sampler.take_problem() {
                // A model only sees that nothing was chosen.
                Some(why) => Ended::Failed(GenerateError::Form(why)),
                None => ended,
            }),
            Some(Ok(token)) if job.order.end.contains(&token) => Some(Ended::Complete),
            Some(Ok(token)) => match job.sampler.accept(token) {
                Err(why) => Some(Ended::Failed(GenerateError::Form(why))),
                Ok(done) => {
                    job.tokens.push(token);
                    let full = job.tokens.len() - job.order.prompt.len() >= job.order.max_new;
                    match self.host.token(&mut job.tag, token) {
                        false => Some(Ended::Enough),
                        true if done => Some(Ended::Complete),
                        true if full => Some(Ended::Full),
                        true => None,
                    }
                }
            },
        };
        match ended {
            Some(ended) => self.host.ended(job.tag, ended),
            // Before all that came after it.
            None => self.waiting.borrow_mut().push_front(job),
        }
    }

    /// Whether nobody wants the text that is being written.
    fn is_outdated(&self, order: &Order) -> bool {
        let newer =
            |job: &Job<T>| job.order.purpose == Purpose::Completion && job.order.client == order.client;
        order.cancel.is_cancelled()
            || (order.purpose == Purpose::Completion && self.waiting.borrow().iter().any(newer))
    }

    /// Whether the text that is being written must make room.
    fn must_stop(&self, order: &Order) -> bool {
        let is_urgent = |job: &Job<T>| job.order.purpose < order.purpose && !job.order.cancel.is_cancelled();
        self.is_outdated(order) || self.waiting.borrow().iter().any(is_urgent)
    }
}

/// Gives the event loop its turns in the middle of a token and stops where another text goes first.
struct Interrupt<'a, M, T, H> {
    writer: &'a Writer<M, T, H>,
    order: &'a Order,
    fired: Cell<bool>,
}

impl<M: Generate, T, H: Host<T>> Steps for Interrupt<'_, M, T, H> {
    async fn next(&self) {
        self.writer.host.turn().await;
        if self.writer.must_stop(self.order) {
            self.fired.set(true);
            // The future that waits for this is dropped.
            std::future::pending::<()>().await;
        }
    }
}
