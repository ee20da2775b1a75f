//! What callers hear, with a model that writes in a known way and a clock that is moved by hand.
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use infer::{FakeWriter, Order, Purpose, Sampling, Writer};
use models::gguf::Head;
use stdx::{Cancel, ManualClock};

use super::*;

/// Milliseconds that a step takes.
const STEP_MS: f64 = 5.0;

#[derive(Default)]
struct Heard {
    pieces: RefCell<Vec<(f64, GeneratedPiece)>>,
    outcome: RefCell<Option<Result<Generated, Fault>>>,
}

struct Ear(Rc<Heard>, Rc<ManualClock>);

impl Answer for Ear {
    fn piece(&self, piece: &GeneratedPiece) {
        self.0.pieces.borrow_mut().push((self.1.monotonic_ms(), piece.clone()));
    }

    fn settle(self, outcome: Result<Generated, Fault>) {
        assert!(self.0.outcome.replace(Some(outcome)).is_none(), "answered twice");
    }
}

fn language() -> Rc<Language> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tests/llm");
    let file = std::fs::read(format!("{folder}/llama_plain.gguf")).unwrap();
    Rc::new(Language::read(&Head::new(None).push(&file).unwrap().unwrap()).unwrap())
}

fn empty(num_prompt_tokens: usize) -> Generated {
    Generated {
        text: String::new(),
        finish: FinishReason::Complete,
        num_prompt_tokens: num_prompt_tokens as u32,
        num_cached_tokens: 0,
        num_new_tokens: 0,
        cut_prefix_bytes: 0,
        cut_suffix_bytes: 0,
        snippets: Vec::new(),
        first_token_ms: 0.0,
        decode_ms: 0.0,
    }
}

struct Ask {
    purpose: Purpose,
    prompt: Vec<u32>,
    max_new: usize,
    end: Vec<u32>,
    stop: Vec<String>,
    cancel: Cancel,
}

impl Ask {
    fn new(prompt: &[u32], max_new: usize) -> Self {
        let (end, stop) = (Vec::new(), Vec::new());
        Self { purpose: Purpose::Chat, prompt: prompt.to_vec(), max_new, end, stop, cancel: Cancel::new() }
    }
}

/// Ask all of these at once and let them be written to their ends.
fn hear(asks: Vec<Ask>) -> Vec<Rc<Heard>> {
    let (language, clock) = (language(), Rc::new(ManualClock::default()));
    let hand = clock.clone();
    let desk = Desk::new(clock.clone(), async move || hand.advance_ms(STEP_MS));
    let writer = Writer::new(FakeWriter::default(), FakeWriter::default(), desk);
    let heard = asks.into_iter().map(|ask| {
        let heard = Rc::new(Heard::default());
        let ear = Ear(heard.clone(), clock.clone());
        let job = Job::new(ear, language.clone(), ask.stop, empty(ask.prompt.len()), clock.monotonic_ms());
        let Ask { purpose, prompt, max_new, end, cancel, .. } = ask;
        let order = Order { purpose, client: 1, prompt, max_new, end, sampling: Sampling::GREEDY, cancel };
        writer.push(job, order);
        heard
    });
    let heard: Vec<_> = heard.collect();
    let run = pin!(writer.run());
    assert!(matches!(run.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(())));
    heard
}

/// The tokens that the model writes after a prompt.
fn written(prompt: &[u32], num: usize) -> Vec<u32> {
    let mut tokens = prompt.to_vec();
    for _ in 0..num {
        tokens.push(FakeWriter::token(&tokens));
    }
    tokens.split_off(prompt.len())
}

fn outcome(heard: &Heard) -> Result<Generated, Fault> {
    heard.outcome.borrow().clone().unwrap()
}

#[test]
fn pieces_make_up_the_text_and_do_not_come_too_often() {
    let prompt = [9, 8, 7];
    let heard = hear(vec![Ask::new(&prompt, 30)]).remove(0);
    let generated = outcome(&heard).unwrap();
    assert_eq!(generated.text, language().bpe.decode(&written(&prompt, 30)));
    assert_eq!((generated.finish, generated.num_new_tokens), (FinishReason::Length, 30));
    let pieces = heard.pieces.borrow();
    let text: String = pieces.iter().map(|(_, piece)| piece.text.as_str()).collect();
    assert_eq!(text, generated.text);
    assert_eq!(pieces.iter().map(|(_, piece)| piece.num_tokens).sum::<u32>(), 30);
    // The last one is what was left, whenever that was.
    let times: Vec<f64> = pieces[..pieces.len() - 1].iter().map(|(at, _)| *at).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= EVENT_MS), "{times:?}");
    assert!(pieces.len() > 5, "the person sees it grow");
    // Three steps for the prompt, then one for each token and one between two.
    assert_eq!((generated.first_token_ms, generated.decode_ms > 0.0), (15.0, true));
}

#[test]
fn what_the_model_knew_is_counted_once() {
    let prompt: Vec<u32> = (3..20).collect();
    let heard = hear(vec![Ask::new(&prompt, 3), Ask::new(&prompt, 3)]);
    let cached = |i: usize| outcome(&heard[i]).unwrap().num_cached_tokens;
    assert_eq!((cached(0), cached(1)), (0, 16));
}

#[test]
fn a_stop_text_ends_it_and_is_not_part_of_it() {
    let prompt = [5, 6];
    let whole = language().bpe.decode(&written(&prompt, 20));
    let stop: String = whole.chars().skip(8).take(3).collect();
    let at = whole.find(&stop).unwrap();
    let heard = hear(vec![Ask { stop: vec![stop.clone()], ..Ask::new(&prompt, 20) }]).remove(0);
    let generated = outcome(&heard).unwrap();
    assert_eq!((generated.finish, generated.text.as_str()), (FinishReason::Stop, &whole[..at]));
    let told: String = heard.pieces.borrow().iter().map(|(_, piece)| piece.text.clone()).collect();
    assert_eq!(told, generated.text, "what may be a stop text was told");
}

#[test]
fn an_end_token_completes_it_and_what_was_held_back_is_text() {
    let prompt = [5, 6];
    let tokens = written(&prompt, 20);
    let end = tokens[10];
    let first = tokens.iter().position(|token| *token == end).unwrap();
    let text = language().bpe.decode(&tokens[..first]);
    // The text could be the beginning of this.
    let stop = format!("{text}and more");
    let heard = hear(vec![Ask { end: vec![end], stop: vec![stop], ..Ask::new(&prompt, 20) }]).remove(0);
    let generated = outcome(&heard).unwrap();
    assert_eq!((generated.finish, generated.text), (FinishReason::Complete, text));
}

#[test]
fn whoever_is_cancelled_or_replaced_hears_so() {
    let cancel = Cancel::new();
    cancel.cancel();
    let heard = hear(vec![
        Ask { cancel, ..Ask::new(&[4, 5], 10) },
        Ask { purpose: Purpose::Completion, ..Ask::new(&[6, 7], 10) },
        Ask { purpose: Purpose::Completion, ..Ask::new(&[6, 7, 8], 10) },
    ]);
    let codes: Vec<_> =
        heard.iter().map(|heard| outcome(heard).map_err(|fault| fault.code).map(|_| ())).collect();
    assert_eq!(codes, [Err(FaultCode::Cancelled), Err(FaultCode::Cancelled), Ok(())]);
}

#[test]
fn a_text_that_fills_the_context_ends_by_its_length() {
    let heard = hear(vec![Ask::new(&[9; 60], 100), Ask::new(&[9; 65], 5)]);
    let full = outcome(&heard[0]).unwrap();
    assert_eq!((full.finish, full.num_new_tokens), (FinishReason::Length, 5));
    assert_eq!(outcome(&heard[1]).unwrap_err().code, FaultCode::TooLarge);
}
