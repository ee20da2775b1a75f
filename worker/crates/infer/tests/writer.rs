//! Interleavings of texts: who goes first, what ends, and that no text is mixed up with another.
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use infer::{Ended, FakeWriter, Host, Order, Purpose, Sampling, Writer};
use proptest::prelude::*;
use stdx::Cancel;

type Tag = usize;
type Fake = Writer<FakeWriter, Tag, At>;

/// What happened, in order.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Pushed(Tag),
    Cancelled(Tag),
    Token(Tag, u32),
    Ended(Tag, Ended),
}

/// Does what the script says for each turn and notes what happens.
#[derive(Default)]
struct Desk {
    writer: RefCell<Weak<Fake>>,
    script: RefCell<BTreeMap<usize, Vec<Do>>>,
    turn: RefCell<usize>,
    cancels: RefCell<BTreeMap<Tag, Cancel>>,
    seen: RefCell<Vec<Seen>>,
    /// Ends a text at so many tokens.
    enough: RefCell<BTreeMap<Tag, usize>>,
}

#[derive(Clone, Debug)]
enum Do {
    Push(Tag, Order),
    Cancel(Tag),
}

impl Desk {
    fn run(&self, what: Do) {
        match what {
            Do::Push(tag, order) => {
                self.seen.borrow_mut().push(Seen::Pushed(tag));
                self.cancels.borrow_mut().insert(tag, order.cancel.clone());
                self.writer.borrow().upgrade().unwrap().push(tag, order);
            }
            Do::Cancel(tag) => {
                if let Some(cancel) = self.cancels.borrow().get(&tag) {
                    self.seen.borrow_mut().push(Seen::Cancelled(tag));
                    cancel.cancel();
                }
            }
        }
    }
}

struct At(Rc<Desk>);

impl Host<Tag> for At {
    async fn turn(&self) {
        let turn = self.0.turn.replace_with(|turn| *turn + 1);
        let script = self.0.script.borrow_mut().remove(&turn);
        script.into_iter().flatten().for_each(|what| self.0.run(what));
    }
    fn token(&self, tag: &mut Tag, token: u32) -> bool {
        self.0.seen.borrow_mut().push(Seen::Token(*tag, token));
        let left = self.0.enough.borrow_mut();
        let written =
            self.0.seen.borrow().iter().filter(|seen| matches!(seen, Seen::Token(t, _) if t == tag)).count();
        left.get(tag).is_none_or(|most| written < *most)
    }
    fn ended(&self, tag: Tag, ended: Ended) {
        self.0.seen.borrow_mut().push(Seen::Ended(tag, ended));
    }
}

fn order(purpose: Purpose, client: u32, prompt: &[u32], max_new: usize) -> Order {
    let (prompt, end, cancel) = (prompt.to_vec(), vec![0, 1, 2], Cancel::new());
    Order { purpose, client, prompt, max_new, end, sampling: Sampling::GREEDY, form: None, cancel }
}

/// Run a script to its end; what comes after the last text has ended is pushed then.
fn play(script: Vec<(usize, Do)>, enough: &[(Tag, usize)]) -> (Rc<Desk>, Rc<Fake>) {
    let desk = Rc::new(Desk::default());
    let writer = Writer::new(FakeWriter::default(), FakeWriter::default(), At(desk.clone()));
    *desk.writer.borrow_mut() = Rc::downgrade(&writer);
    *desk.enough.borrow_mut() = enough.iter().copied().collect();
    for (turn, what) in script {
        desk.script.borrow_mut().entry(turn).or_default().push(what);
    }
    loop {
        let future = pin!(writer.clone().run());
        assert!(matches!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(())), "it hangs");
        let next = desk.script.borrow_mut().pop_first();
        let Some((_, script)) = next else { return (desk, writer) };
        script.into_iter().for_each(|what| desk.run(what));
    }
}

/// What the model writes when nothing is in its way.
fn alone(order: &Order) -> (Vec<u32>, Ended) {
    let mut tokens = order.prompt.clone();
    let written = |tokens: &[u32]| tokens[order.prompt.len()..].to_vec();
    loop {
        if tokens.len() - order.prompt.len() >= order.max_new || tokens.len() > FakeWriter::MAX_TOKENS {
            return (written(&tokens), Ended::Full);
        }
        let next = FakeWriter::token(&tokens);
        if order.end.contains(&next) {
            return (written(&tokens), Ended::Complete);
        }
        tokens.push(next);
    }
}

fn tokens_of(seen: &[Seen], tag: Tag) -> Vec<u32> {
    seen.iter()
        .filter_map(|seen| if let Seen::Token(t, id) = seen { (*t == tag).then_some(*id) } else { None })
        .collect()
}

fn end_of(seen: &[Seen], tag: Tag) -> Vec<Ended> {
    let ended =
        |seen: &Seen| if let Seen::Ended(t, how) = seen { (*t == tag).then(|| how.clone()) } else { None };
    seen.iter().filter_map(ended).collect()
}

#[test]
fn a_completion_goes_before_the_rest_of_a_long_prompt() {
    let chat = order(Purpose::Chat, 0, &[9; 40], 3);
    let completion = order(Purpose::Completion, 0, &[8, 9], 2);
    let (desk, _) = play(vec![(0, Do::Push(0, chat.clone())), (20, Do::Push(1, completion.clone()))], &[]);
    let seen = desk.seen.borrow();
    let first = seen.iter().position(|seen| matches!(seen, Seen::Token(..))).unwrap();
    assert!(matches!(seen[first], Seen::Token(1, _)), "{seen:?}");
    for (tag, order) in [(0, &chat), (1, &completion)] {
        assert_eq!((tokens_of(&seen, tag), end_of(&seen, tag)), (alone(order).0, vec![alone(order).1]));
    }
    // Of the prompt's forty tokens one was computed twice: the one that was under way.
    assert!(*desk.turn.borrow() <= 40 + 1 + 2 + 2 * 6, "{} turns", desk.turn.borrow());
}

#[test]
fn a_newer_completion_ends_the_older_one_before_its_next_token() {
    let old = order(Purpose::Completion, 3, &[5], 50);
    let new = order(Purpose::Completion, 3, &[5, 6], 4);
    let (desk, _) = play(vec![(0, Do::Push(0, old)), (9, Do::Push(1, new))], &[]);
    let seen = desk.seen.borrow();
    let pushed = seen.iter().position(|seen| *seen == Seen::Pushed(1)).unwrap();
    assert!(tokens_of(&seen[pushed..], 0).is_empty());
    assert_eq!(end_of(&seen, 0), [Ended::Cancelled]);
}

#[test]
fn another_client_s_completion_is_left_alone() {
    let script =
        (0..3).map(|tag| (0, Do::Push(tag, order(Purpose::Completion, tag as u32, &[tag as u32 + 9], 3))));
    let (desk, _) = play(script.collect(), &[]);
    for tag in 0..3 {
        assert_ne!(end_of(&desk.seen.borrow(), tag), [Ended::Cancelled]);
    }
}

#[test]
fn a_host_that_has_seen_enough_and_a_prompt_that_is_too_long() {
    let script = vec![
        (0, Do::Push(0, order(Purpose::Chat, 0, &[9, 9], 30))),
        (0, Do::Push(1, order(Purpose::Chat, 0, &[9; FakeWriter::MAX_TOKENS + 1], 3))),
        (0, Do::Push(2, order(Purpose::Chat, 0, &[9, 9], 0))),
    ];
    let (desk, _) = play(script, &[(0, 2)]);
    let seen = desk.seen.borrow();
    assert_eq!((end_of(&seen, 0), tokens_of(&seen, 0).len()), (vec![Ended::Enough], 2));
    assert!(matches!(end_of(&seen, 1)[..], [Ended::Failed(_)]));
    assert_eq!((end_of(&seen, 2), tokens_of(&seen, 2).len()), (vec![Ended::Full], 0));
}

fn any_order() -> impl Strategy<Value = Order> {
    (any::<bool>(), 0..3_u32, proptest::collection::vec(3..50_u32, 1..30), 0..40_usize).prop_map(
        |(is_chat, client, prompt, max_new)| {
            order(if is_chat { Purpose::Chat } else { Purpose::Completion }, client, &prompt, max_new)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn every_text_ends_once_and_is_what_it_would_be_alone(
        orders in proptest::collection::vec((any_order(), 0..200_usize, proptest::option::of(0..300_usize)), 1..10),
    ) {
        let mut script = Vec::new();
        for (tag, (order, at, cancel)) in orders.iter().enumerate() {
            script.push((*at, Do::Push(tag, order.clone())));
            script.extend(cancel.map(|at| (at, Do::Cancel(tag))));
        }
        let (desk, _) = play(script, &[]);
        let seen = desk.seen.borrow();
        for (tag, (order, ..)) in orders.iter().enumerate() {
            let (tokens, ended) = (tokens_of(&seen, tag), end_of(&seen, tag));
            let (expected, how) = alone(order);
            prop_assert_eq!(ended.len(), 1, "{:?}", ended);
            if ended[0] == Ended::Cancelled {
                prop_assert!(expected.starts_with(&tokens), "{:?} of {:?}", tokens, expected);
            } else {
                prop_assert_eq!((&tokens, &ended[0]), (&expected, &how));
            }
            // Nothing after the end, nor after it was cancelled.
            let over = seen.iter().position(|seen| *seen == Seen::Cancelled(tag) || matches!(seen, Seen::Ended(t, _) if *t == tag));
            let pushed = seen.iter().position(|seen| *seen == Seen::Pushed(tag)).unwrap();
            if let Some(over) = over.filter(|over| *over > pushed) {
                prop_assert!(tokens_of(&seen[over..], tag).is_empty());
            }
        }
        // No chat gets a token while a completion that somebody wants is waiting.
        let mut open: Vec<Tag> = Vec::new();
        for seen in seen.iter() {
            match seen {
                Seen::Pushed(tag) => open.push(*tag),
                Seen::Cancelled(tag) | Seen::Ended(tag, _) => open.retain(|open| open != tag),
                Seen::Token(tag, _) if orders[*tag].0.purpose == Purpose::Chat => {
                    prop_assert!(open.iter().all(|open| orders[*open].0.purpose == Purpose::Chat));
                }
                Seen::Token(..) => {}
            }
        }
    }
}
