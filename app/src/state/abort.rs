//! Tasks on the page's event loop that can be dropped half-way. Dropping a task drops the pending calls inside it,
//! which cancels them in the worker.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

type Slot = Rc<RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>>;

/// Ends its task when it is dropped.
pub struct Task(Slot);

impl Drop for Task {
    fn drop(&mut self) {
        // Borrowed only while the task itself is running, and then it is its own last words that drop this.
        let ended = self.0.try_borrow_mut().ok().and_then(|mut slot| slot.take());
        drop(ended);
    }
}

/// Run a future until it ends or the handle is dropped.
#[must_use]
pub fn spawn(future: impl Future<Output = ()> + 'static) -> Task {
    let slot: Slot = Rc::new(RefCell::new(Some(Box::pin(future))));
    let running = slot.clone();
    wasm_bindgen_futures::spawn_local(poll_fn(move |cx| {
        let Ok(mut slot) = running.try_borrow_mut() else { return Poll::Ready(()) };
        let poll = slot.as_mut().map_or(Poll::Ready(()), |future| future.as_mut().poll(cx));
        if poll.is_ready() {
            *slot = None;
        }
        poll
    }));
    Task(slot)
}
