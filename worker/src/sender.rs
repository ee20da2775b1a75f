//! Where events are put so that the loop finds them.

use futures_channel::mpsc::UnboundedSender;

use crate::event::Event;

/// A handle to the event loop's queue. The queue is not bounded: what fills it is bounded at its source (open calls of
/// the page, batches per model worker, one tick at a time).
#[derive(Clone)]
pub(crate) struct Sender(pub(crate) UnboundedSender<Event>);

impl Sender {
    /// Put an event at the end of the queue.
    pub(crate) fn send(&self, event: Event) {
        // The receiver lives as long as the worker.
        let _closed = self.0.unbounded_send(event);
    }
}
