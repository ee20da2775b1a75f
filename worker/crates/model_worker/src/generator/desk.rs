//! From tokens to what the caller hears: whole characters, stop texts, events that do not come too often, one answer.

use std::rc::Rc;

use infer::{Ended, GenerateError, Host};
use models::llm::Language;
use protocol::{Fault, FaultCode, FinishReason, Generated, GeneratedPiece};
use stdx::Clock;
use tokens::{StopMatcher, TokenKind, Utf8Stream};

/// Text is sent no more often than a screen shows it.
const EVENT_MS: f64 = 16.0;

/// Who asked for a text.
pub trait Answer {
    /// Some of it.
    fn piece(&self, piece: &GeneratedPiece);
    /// All of it, or why there is none.
    fn settle(self, outcome: Result<Generated, Fault>);
}

impl Answer for link::Reply {
    fn piece(&self, piece: &GeneratedPiece) {
        self.event(piece);
    }

    fn settle(self, outcome: Result<Generated, Fault>) {
        self.settle(outcome);
    }
}

/// A text being written, and for whom.
#[derive(Debug)]
pub struct Job<A> {
    answer: A,
    language: Rc<Language>,
    characters: Utf8Stream,
    stop: StopMatcher,
    /// What is told in the end; filled in on the way.
    generated: Generated,
    piece: GeneratedPiece,
    came_ms: f64,
    first_ms: f64,
    last_ms: f64,
    told_ms: f64,
}

impl<A: Answer> Job<A> {
    /// A text that was asked for at `came_ms`. What is known of the prompt is in `generated`.
    pub fn new(
        answer: A,
        language: Rc<Language>,
        stop: Vec<String>,
        generated: Generated,
        came_ms: f64,
    ) -> Self {
        Self {
            answer,
            language,
            characters: Utf8Stream::default(),
            stop: StopMatcher::new(stop),
            generated,
            piece: GeneratedPiece { text: String::new(), num_tokens: 0 },
            came_ms,
            first_ms: came_ms,
            last_ms: came_ms,
            told_ms: f64::NEG_INFINITY,
        }
    }

    fn tell(&mut self, now_ms: f64) {
        if self.piece.num_tokens == 0 && self.piece.text.is_empty() {
            return;
        }
        self.told_ms = now_ms;
        self.answer.piece(&self.piece);
        self.generated.text.push_str(&self.piece.text);
        self.piece = GeneratedPiece { text: String::new(), num_tokens: 0 };
    }

    /// Take a token; false when a stop text is complete.
    fn take(&mut self, token: u32, now_ms: f64) -> bool {
        if self.generated.num_new_tokens == 0 {
            self.first_ms = now_ms;
        }
        self.last_ms = now_ms;
        self.generated.num_new_tokens += 1;
        self.piece.num_tokens += 1;
        let mut text = String::new();
        // A mark that ends nothing is not text either.
        if self.language.bpe.kind(token) != Some(TokenKind::Control) {
            self.characters.push(self.language.bpe.token_bytes(token), &mut text);
        }
        let stopped = self.stop.push(&text);
        self.piece.text.push_str(&stopped.text);
        if now_ms - self.told_ms >= EVENT_MS {
            self.tell(now_ms);
        }
        stopped.stop.is_none()
    }

    fn finish(mut self, finish: FinishReason) {
        let mut text = String::new();
        self.characters.finish(&mut text);
        let stopped = self.stop.push(&text);
        self.piece.text.push_str(&stopped.text);
        self.generated.finish = if stopped.stop.is_some() {
            FinishReason::Stop
        } else {
            let held = self.stop.finish();
            self.piece.text.push_str(&held);
            finish
        };
        self.tell(self.last_ms);
        self.generated.first_token_ms = (self.first_ms - self.came_ms) as f32;
        self.generated.decode_ms = (self.last_ms - self.first_ms) as f32;
        self.answer.settle(Ok(self.generated));
    }
}

/// The host of the writer: time and turns of where it runs.
#[derive(Debug)]
pub struct Desk<C, T> {
    clock: Rc<C>,
    turn: T,
}

impl<C, T> Desk<C, T> {
    /// A desk with a clock, where `turn` lets messages be delivered.
    pub fn new(clock: Rc<C>, turn: T) -> Self {
        Self { clock, turn }
    }
}

impl<A: Answer, C: Clock, T: AsyncFn()> Host<Job<A>> for Desk<C, T> {
    async fn turn(&self) {
        (self.turn)().await;
    }

    fn began(&self, job: &mut Job<A>, cached: usize) {
        job.generated.num_cached_tokens = cached as u32;
    }

    fn token(&self, job: &mut Job<A>, token: u32) -> bool {
        job.take(token, self.clock.monotonic_ms())
    }

    fn ended(&self, job: Job<A>, ended: Ended) {
        match ended {
            Ended::Complete => job.finish(FinishReason::Complete),
            Ended::Full => job.finish(FinishReason::Length),
            Ended::Enough => job.finish(FinishReason::Stop),
            Ended::Cancelled => {
                let sentence = "The text was cancelled, or a newer completion took its place.";
                job.answer.settle(Err(Fault::new(FaultCode::Cancelled, sentence)));
            }
            Ended::Failed(err) => job.answer.settle(Err(failed(&err))),
        }
    }
}

fn failed(err: &GenerateError) -> Fault {
    let code = match err {
        GenerateError::TooLong { .. } | GenerateError::NoMemory { .. } => FaultCode::TooLarge,
        GenerateError::NotFinite => FaultCode::BadFile,
        GenerateError::DeviceLost(_) => FaultCode::ModelGone,
        _ => FaultCode::Invalid,
    };
    Fault::new(code, format!("The model could not go on: {err}."))
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
