//! Properties of the scheduler, with a fake model behind it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use infer::{BatchLimit, Embed, FakeModel, Outcome, Scheduler};
use proptest::prelude::*;
use stdx::Cancel;

const LIMIT: BatchLimit = BatchLimit { tokens: 256, texts: 8 };

/// Poll once; nothing in these tests ever waits.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(out) => out,
        Poll::Pending => unreachable!("the fake model does not wait"),
    }
}

fn run(model: &FakeModel, texts: &[Vec<u32>]) -> Result<Vec<f32>, String> {
    let batch: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    now(model.embed(&batch, &())).map_err(|err| err.to_string())
}

fn text() -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec(0_u32..30_000, 1..300)
}

#[derive(Clone, Debug)]
struct Push {
    client: u32,
    urgent: bool,
    texts: Vec<Vec<u32>>,
    cancelled: bool,
}

fn push() -> impl Strategy<Value = Push> {
    (
        0_u32..3,
        proptest::bool::weighted(0.2),
        proptest::collection::vec(text(), 0..12),
        proptest::bool::weighted(0.2),
    )
        .prop_map(|(client, urgent, texts, cancelled)| Push { client, urgent, texts, cancelled })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_job_ends_once_with_its_own_vectors(pushes in proptest::collection::vec(push(), 1..12), fail_at in 0_usize..12) {
        let model = FakeModel::new(4);
        let mut scheduler = Scheduler::new(4, LIMIT);
        let mut jobs = BTreeMap::new();
        for push in &pushes {
            let cancel = Cancel::new();
            let id = scheduler.push((), push.client, push.urgent, cancel.clone(), push.texts.clone());
            if push.cancelled {
                cancel.cancel();
            }
            jobs.insert(id, push.clone());
        }
        let mut finished = scheduler.sweep();
        let mut num_batches = 0;
        let mut failed = 0;
        while let Some(batch) = scheduler.next_batch() {
            // An urgent text never waits for one that is not.
            if !batch.urgent {
                prop_assert!(!scheduler.has_urgent());
            }
            let longest = batch.texts.iter().map(Vec::len).max().unwrap();
            let shortest = batch.texts.iter().map(Vec::len).min().unwrap();
            prop_assert!(batch.texts.len() == 1 || longest * batch.texts.len() <= LIMIT.tokens);
            prop_assert!(batch.texts.len() <= LIMIT.texts);
            prop_assert!(longest <= 16 || longest * 3 <= shortest * 4 + 8, "{} and {}", shortest, longest);
            if num_batches == fail_at {
                model.fail_next();
            }
            let result = run(&model, &batch.texts);
            failed += usize::from(result.is_err());
            finished.extend(scheduler.complete(batch, result));
            num_batches += 1;
            prop_assert!(num_batches < 1000);
        }
        finished.extend(scheduler.sweep());
        prop_assert_eq!(scheduler.num_jobs(), 0);
        for job in finished {
            let push = jobs.remove(&job.id).unwrap();
            match job.outcome {
                Outcome::Cancelled => prop_assert!(push.cancelled),
                Outcome::Failed(_) => prop_assert!(failed > 0),
                Outcome::Vectors(vectors) => {
                    let expected: Vec<f32> = push.texts.iter().flat_map(|ids| model.vector(ids)).collect();
                    prop_assert_eq!(vectors, expected);
                    prop_assert_eq!(job.num_tokens, push.texts.iter().map(Vec::len).sum::<usize>());
                }
            }
        }
        prop_assert!(jobs.is_empty());
    }

    #[test]
    fn clients_take_turns(num in 2_u32..5, texts in 20_usize..40) {
        let mut scheduler = Scheduler::new(1, BatchLimit { tokens: 200, texts: 2 });
        for client in 0..num {
            // Each client has its own length class, so batches cannot mix.
            let len = 20 << client;
            scheduler.push(client, client, false, Cancel::new(), vec![vec![1; len]; texts]);
        }
        let mut served = BTreeMap::new();
        for _ in 0..num * 5 {
            let batch = scheduler.next_batch().unwrap();
            *served.entry(batch.texts[0].len()).or_insert(0) += 1;
        }
        prop_assert!(served.values().all(|&n| n == 5), "{:?}", served);
    }
}

#[test]
fn a_job_cancelled_in_a_batch_does_not_come_back_twice() {
    let mut scheduler = Scheduler::new(1, LIMIT);
    let cancel = Cancel::new();
    scheduler.push("a", 0, false, cancel.clone(), vec![vec![1; 5], vec![2; 200]]);
    let batch = scheduler.next_batch().unwrap();
    cancel.cancel();
    let swept = scheduler.sweep();
    assert_eq!((swept.len(), &swept[0].outcome), (1, &Outcome::Cancelled));
    assert!(scheduler.complete(batch, Ok(vec![1.0])).is_empty());
    assert!(scheduler.next_batch().is_none());
}

#[test]
fn a_wrong_number_of_vectors_is_a_failure() {
    let mut scheduler = Scheduler::new(2, LIMIT);
    scheduler.push((), 0, false, Cancel::new(), vec![vec![1; 5]]);
    let batch = scheduler.next_batch().unwrap();
    let done = scheduler.complete(batch, Ok(vec![1.0]));
    assert!(matches!(done[0].outcome, Outcome::Failed(_)));
}
