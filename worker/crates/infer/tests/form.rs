//! Texts with a form: only what the form allows comes out, whatever the model prefers and however it is chosen.
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use infer::{
    Constraint, Ended, FakeWriter, Generate, GenerateError, Host, Order, Purpose, Sampler, Sampling, Steps,
    Writer, allows,
};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use stdx::Cancel;

const END: u32 = 0;

/// At each place of the text one of some tokens, then the end.
#[derive(Clone, Debug)]
struct Places {
    places: Vec<BTreeSet<u32>>,
    at: usize,
    words: Vec<u32>,
    /// The text must be ended by the model.
    open: bool,
    /// Where it cannot say what comes next.
    stuck_at: Option<usize>,
}

fn places(places: Vec<BTreeSet<u32>>, open: bool) -> Places {
    Places { places, at: 0, words: vec![0; 2], open, stuck_at: None }
}

impl Constraint for Places {
    fn allowed(&mut self) -> Result<&[u32], String> {
        if self.stuck_at == Some(self.at) {
            return Err("it is stuck".into());
        }
        self.words.fill(0);
        let end = BTreeSet::from([END]);
        for id in self.places.get(self.at).unwrap_or(&end) {
            self.words[*id as usize / 32] |= 1 << (id % 32);
        }
        Ok(&self.words)
    }
    fn accept(&mut self, token: u32) -> Result<(), String> {
        match self.places.get(self.at).is_some_and(|place| place.contains(&token)) {
            true => self.at += 1,
            false => return Err(format!("{token} came")),
        }
        Ok(())
    }
    fn is_done(&self) -> bool {
        !self.open && self.at == self.places.len()
    }
    fn boxed_clone(&self) -> Box<dyn Constraint> {
        Box::new(self.clone())
    }
}

type Told = Rc<RefCell<Vec<(Vec<u32>, Option<Ended>)>>>;

struct Desk(Told);

impl Host<usize> for Desk {
    async fn turn(&self) {}
    fn token(&self, tag: &mut usize, token: u32) -> bool {
        self.0.borrow_mut()[*tag].0.push(token);
        true
    }
    fn ended(&self, tag: usize, ended: Ended) {
        assert_eq!(self.0.borrow_mut()[tag].1.replace(ended), None);
    }
}

/// Chooses by itself and never asks the sampler.
#[derive(Default)]
struct Wilful;

impl Generate for Wilful {
    fn vocab(&self) -> usize {
        FakeWriter::VOCAB
    }
    fn max_tokens(&self) -> usize {
        FakeWriter::MAX_TOKENS
    }
    fn cached(&self, _: &[u32]) -> usize {
        0
    }
    async fn next(&mut self, _: &[u32], _: &mut Sampler, _: &impl Steps) -> Result<u32, GenerateError> {
        Ok(7)
    }
}

fn order(purpose: Purpose, prompt: &[u32], max_new: usize, form: Option<Places>) -> Order {
    let form = form.map(|form| Box::new(form) as Box<dyn Constraint>);
    let (prompt, end, cancel) = (prompt.to_vec(), vec![END], Cancel::new());
    Order { purpose, client: 0, prompt, max_new, end, sampling: Sampling::GREEDY, form, cancel }
}

fn write<M: Generate>(models: (M, M), orders: Vec<Order>) -> Vec<(Vec<u32>, Ended)> {
    let told = Told::new(RefCell::new(vec![(Vec::new(), None); orders.len()]));
    let writer = Writer::new(models.0, models.1, Desk(told.clone()));
    orders.into_iter().enumerate().for_each(|(tag, order)| writer.push(tag, order));
    let future = pin!(writer.run());
    assert!(matches!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(())), "it hangs");
    let told = told.borrow();
    told.iter().map(|(tokens, ended)| (tokens.clone(), ended.clone().unwrap())).collect()
}

fn fakes() -> (FakeWriter, FakeWriter) {
    (FakeWriter::default(), FakeWriter::default())
}

fn some_places() -> impl Strategy<Value = Vec<BTreeSet<u32>>> {
    vec(btree_set(1..FakeWriter::VOCAB as u32, 1..6), 1..12)
}

proptest! {
    #[test]
    fn a_text_keeps_to_its_form_and_ends_with_it(
        (a, b) in (some_places(), some_places()), open in any::<bool>(), most in 1_usize..14, seed in any::<u8>(),
    ) {
        let prompt = [seed.into(), 3];
        let chat = order(Purpose::Chat, &prompt, most, Some(places(a.clone(), open)));
        // Another one goes before and has its own form; a third has none.
        let completion = order(Purpose::Completion, &prompt, 20, Some(places(b.clone(), !open)));
        let free = order(Purpose::Chat, &prompt, 5, None);
        let told = write(fakes(), vec![chat, completion, free]);
        for (place, places, most) in [(0, &a, most), (1, &b, 20)] {
            let (tokens, ended) = &told[place];
            prop_assert_eq!(tokens.len(), places.len().min(most));
            prop_assert!(tokens.iter().zip(places).all(|(token, place)| place.contains(token)));
            // A model that must end the text itself gets no turn for that at the limit.
            let is_open = open == (place == 0);
            let whole = places.len() < most || (places.len() == most && !is_open);
            prop_assert_eq!(ended, if whole { &Ended::Complete } else { &Ended::Full });
        }
        prop_assert_eq!(told[2].0.first().copied().unwrap_or(END), FakeWriter::token(&prompt));
    }

    #[test]
    fn only_what_is_allowed_is_chosen(
        logits in vec(prop_oneof![4 => -9.0_f32..9.0, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)], 50),
        allowed in btree_set(0_u32..64, 1..9),
        temperature in 0.0_f32..2.0, top_k in 0_usize..5, top_p in 0.0_f32..1.1, min_p in 0.0_f32..1.1,
        repetition_penalty in 0.5_f32..2.0, seed in any::<u64>(),
    ) {
        let sampling = Sampling { temperature, top_k, top_p, min_p, repetition_penalty, repetition_window: 9, repeat_allowed: 0, seed };
        let form: Box<dyn Constraint> = Box::new(places(vec![allowed.clone()], false));
        let mut sampler = Sampler::new(sampling).with_form(Some(form));
        let usable = |id: &u32| logits.get(*id as usize).is_some_and(|logit| logit.is_finite());
        match sampler.choose(&logits, &[3, 4]) {
            Some(token) => prop_assert!(allowed.contains(&token) && usable(&token)),
            None => prop_assert!(!allowed.iter().any(usable)),
        }
        prop_assert_eq!(sampler.take_problem(), None);
    }
}

#[test]
fn the_likeliest_of_what_is_allowed_is_taken_and_may_be_taken_again() {
    let form: Box<dyn Constraint> = Box::new(places(vec![[1, 3].into(), [2].into()], false));
    let mut sampler = Sampler::new(Sampling::GREEDY).with_form(Some(form));
    assert!(!sampler.is_greedy(), "a device that only finds the largest logit would not see the form");
    let logits = [9.0, 1.0, 8.0, 2.0];
    assert_eq!(sampler.choose(&logits, &[]), Some(3));
    // The first choice was dropped: nothing was accepted.
    assert_eq!(sampler.choose(&logits, &[]), Some(3));
    let mut other = sampler.clone();
    assert_eq!(sampler.accept(3), Ok(false));
    assert_eq!(sampler.choose(&logits, &[3]), Some(2));
    assert_eq!(other.choose(&logits, &[]), Some(3), "a clone has a place of its own");
    assert_eq!(sampler.accept(2), Ok(true));
    assert!(sampler.accept(2).is_err());
    assert!(allows(&[0, 2], 33) && !allows(&[0, 2], 32) && !allows(&[0, 2], 64));
}

#[test]
fn a_penalty_needs_more_than_the_largest_logit() {
    for (penalty, alone) in [(1.0, true), (1.1, false), (0.0, true), (f32::NAN, true)] {
        let sampling = Sampling { repetition_penalty: penalty, ..Sampling::GREEDY };
        assert_eq!(Sampler::new(sampling).is_greedy(), alone, "{penalty}");
    }
}

#[test]
fn a_form_that_is_stuck_and_a_model_that_ignores_it_end_the_text_with_a_reason() {
    let mut stuck = places(vec![[5].into(), [6].into(), [7].into()], false);
    stuck.stuck_at = Some(2);
    let told = write(fakes(), vec![order(Purpose::Chat, &[1], 9, Some(stuck))]);
    let why = Ended::Failed(GenerateError::Form("it is stuck".into()));
    assert_eq!(told, [(vec![5, 6], why)]);

    let form = places(vec![[7].into(), [8].into()], false);
    let told = write((Wilful, Wilful), vec![order(Purpose::Chat, &[1], 9, Some(form))]);
    let why = Ended::Failed(GenerateError::Form("7 came".into()));
    assert_eq!(told, [(vec![7], why)], "the second one is not told");
}
