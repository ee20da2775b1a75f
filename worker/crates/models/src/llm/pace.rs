//! When to give way: after so much work, not after so much time, because asking for the time costs a call into the host
//! and differs from run to run.

use infer::Steps;

/// Products of two numbers between two looks at what else is to be done: about ten milliseconds in a browser.
pub const SLICE: usize = 100_000_000;

/// Counts work and gives way.
#[derive(Debug)]
pub struct Pace<'s, S> {
    steps: &'s S,
    slice: usize,
    done: usize,
}

impl<'s, S: Steps> Pace<'s, S> {
    /// Gives way to what `steps` lets through after each `slice` of work.
    pub fn new(steps: &'s S, slice: usize) -> Self {
        Self { steps, slice, done: 0 }
    }

    /// So many products were computed.
    pub async fn worked(&mut self, products: usize) {
        self.done += products;
        if self.done >= self.slice {
            self.done = 0;
            self.steps.next().await;
        }
    }
}
