//! Runs what the scheduler picks, one batch after the other, and lets an urgent one go first between two steps of a
//! batch. Knows neither messages nor the browser: its host answers jobs and gives the event loop its turns.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;

use infer::{Batch, BatchLimit, Embed, EmbedError, Finished, JobId, Scheduler, Steps};
use stdx::Cancel;

/// What the pump needs from where it runs.
pub trait Host<T> {
    /// Let waiting messages be delivered.
    fn turn(&self) -> impl Future<Output = ()>;
    /// A job has ended.
    fn answer(&self, job: Finished<T>);
    /// The device is gone; every job was answered with this sentence.
    fn lost(&self, why: &str);
}

/// A model with its queue.
#[derive(Debug)]
pub struct Pump<M, T, H> {
    model: M,
    host: H,
    queue: RefCell<Scheduler<T>>,
    running: Cell<bool>,
}

impl<M: Embed, T, H: Host<T>> Pump<M, T, H> {
    /// A pump with an empty queue.
    pub fn new(model: M, host: H, limit: BatchLimit) -> Rc<Self> {
        let queue = RefCell::new(Scheduler::new(model.dim(), limit));
        Rc::new(Self { model, host, queue, running: Cell::new(false) })
    }

    /// The model.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Queue a job. The caller sees to it that [`Pump::run`] is polled.
    pub fn push(&self, tag: T, client: u32, urgent: bool, cancel: Cancel, texts: Vec<Vec<u32>>) -> JobId {
        self.queue.borrow_mut().push(tag, client, urgent, cancel, texts)
    }

    /// Work until nothing waits. A second call while one is under way returns at once.
    pub async fn run(self: Rc<Self>) {
        if self.running.replace(true) {
            return;
        }
        loop {
            self.answer_all(|queue| queue.sweep());
            let batch = self.queue.borrow_mut().next_batch();
            let Some(batch) = batch else { break };
            self.embed(batch, &UrgentFirst(&self)).await;
            self.host.turn().await;
        }
        self.running.set(false);
    }

    async fn embed(&self, batch: Batch, steps: &impl Steps) {
        let texts: Vec<&[u32]> = batch.texts.iter().map(Vec::as_slice).collect();
        let result = self.model.embed(&texts, steps).await;
        if let Err(EmbedError::DeviceLost(why)) = &result {
            // Every job would meet the same end, so none waits for it.
            self.answer_all(|queue| queue.fail_all(why));
            self.host.lost(why);
            return;
        }
        self.answer_all(|queue| queue.complete(batch, result.map_err(|err| err.to_string())));
    }

    fn answer_all(&self, take: impl FnOnce(&mut Scheduler<T>) -> Vec<Finished<T>>) {
        // The queue is free again before anybody is told: an answer may bring the next job at once.
        let finished = take(&mut self.queue.borrow_mut());
        for job in finished {
            self.host.answer(job);
        }
    }
}

/// Gives the event loop a turn and then embeds urgent texts before the batch goes on.
struct UrgentFirst<'a, M, T, H>(&'a Pump<M, T, H>);

impl<M: Embed, T, H: Host<T>> Steps for UrgentFirst<'_, M, T, H> {
    async fn next(&self) {
        self.0.host.turn().await;
        loop {
            let batch = {
                let mut queue = self.0.queue.borrow_mut();
                if queue.has_urgent() { queue.next_batch() } else { None }
            };
            let Some(batch) = batch else { return };
            self.0.embed(batch, &()).await;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use infer::{FakeModel, Outcome};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    const LIMIT: BatchLimit = BatchLimit { tokens: 64, texts: 4 };

    /// Runs a script at each turn and notes the answers.
    #[derive(Default)]
    struct Desk {
        turns: RefCell<Vec<Box<dyn FnOnce()>>>,
        answers: RefCell<Vec<(&'static str, Outcome)>>,
        lost: RefCell<Option<String>>,
    }

    impl Host<&'static str> for Rc<Desk> {
        async fn turn(&self) {
            let script = self.turns.borrow_mut().pop();
            if let Some(script) = script {
                script();
            }
        }
        fn answer(&self, job: Finished<&'static str>) {
            self.answers.borrow_mut().push((job.tag, job.outcome));
        }
        fn lost(&self, why: &str) {
            *self.lost.borrow_mut() = Some(why.to_owned());
        }
    }

    fn run_to_end(pump: &Rc<Pump<FakeModel, &'static str, Rc<Desk>>>) {
        let future = pin!(pump.clone().run());
        assert!(matches!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(())));
    }

    #[test]
    fn an_urgent_text_goes_before_the_batch_that_is_under_way() {
        let desk = Rc::new(Desk::default());
        let pump = Pump::new(FakeModel::new(4), desk.clone(), LIMIT);
        pump.push("passages", 0, false, Cancel::new(), vec![vec![7; 60]; 3]);
        let late = pump.clone();
        desk.turns.borrow_mut().push(Box::new(move || {
            late.push("query", 1, true, Cancel::new(), vec![vec![9; 4]]);
        }));
        run_to_end(&pump);
        let answers = desk.answers.borrow();
        assert_eq!(answers.iter().map(|(tag, _)| *tag).collect::<Vec<_>>(), ["query", "passages"]);
        assert_eq!(answers[0].1, Outcome::Vectors(pump.model.vector(&[9; 4])));
    }

    #[test]
    fn a_cancelled_job_stops_between_batches() {
        let desk = Rc::new(Desk::default());
        let pump = Pump::new(FakeModel::new(4), desk.clone(), LIMIT);
        let cancel = Cancel::new();
        pump.push("long", 0, false, cancel.clone(), vec![vec![7; 60]; 20]);
        desk.turns.borrow_mut().push(Box::new(move || cancel.cancel()));
        run_to_end(&pump);
        assert_eq!(*desk.answers.borrow(), [("long", Outcome::Cancelled)]);
        assert_eq!(pump.model.batches.borrow().len(), 1);
    }

    #[test]
    fn a_lost_device_ends_every_job_once() {
        let desk = Rc::new(Desk::default());
        let pump = Pump::new(FakeModel::new(4), desk.clone(), LIMIT);
        pump.push("a", 0, false, Cancel::new(), vec![vec![7; 60]; 3]);
        pump.push("b", 1, true, Cancel::new(), vec![vec![7; 60]]);
        pump.model.fail_next();
        run_to_end(&pump);
        let answers = desk.answers.borrow();
        assert_eq!(answers.len(), 2);
        assert!(answers.iter().all(|(_, outcome)| matches!(outcome, Outcome::Failed(_))));
        assert!(desk.lost.borrow().is_some());
    }
}
