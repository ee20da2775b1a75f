//! One after another: tasks that touch the same thing, in the order in which they came.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// Who waits for what. Clones share the queues.
#[derive(Clone, Default)]
pub struct Turns(Rc<RefCell<Queues>>);

#[derive(Default)]
struct Queues {
    next: u64,
    /// By key, the ticket that has its turn and those behind it.
    waiting: HashMap<String, VecDeque<(u64, Option<Waker>)>>,
}

/// A place in a queue; dropping it lets the next one in.
pub struct Turn {
    turns: Turns,
    key: String,
    ticket: u64,
}

impl Turns {
    /// Wait until nobody who came before holds `key`.
    pub async fn wait(&self, key: &str) -> Turn {
        let ticket = {
            let mut queues = self.0.borrow_mut();
            let ticket = queues.next;
            queues.next += 1;
            queues.waiting.entry(key.to_owned()).or_default().push_back((ticket, None));
            ticket
        };
        // Made before it is its turn, so that giving up leaves the queue as well.
        let turn = Turn { turns: self.clone(), key: key.to_owned(), ticket };
        poll_fn(|cx| {
            let mut queues = self.0.borrow_mut();
            let queue = queues.waiting.get_mut(key).into_iter().flatten();
            match queue.enumerate().find(|(_, (there, _))| *there == ticket) {
                Some((place, (_, waker))) if place > 0 => {
                    *waker = Some(cx.waker().clone());
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            }
        })
        .await;
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut queues = self.turns.0.borrow_mut();
        let Some(queue) = queues.waiting.get_mut(&self.key) else { return };
        queue.retain(|(ticket, _)| *ticket != self.ticket);
        let next = queue.front_mut().and_then(|(_, waker)| waker.take());
        if queue.is_empty() {
            queues.waiting.remove(&self.key);
        }
        drop(queues);
        if let Some(next) = next {
            next.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::Context;

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(out) => Some(out),
            Poll::Pending => None,
        }
    }

    #[test]
    fn turns_come_in_the_order_of_asking_and_each_key_has_its_own() {
        let turns = Turns::default();
        let (mut first, mut second, mut third, mut other) =
            (pin!(turns.wait("a")), pin!(turns.wait("a")), pin!(turns.wait("a")), pin!(turns.wait("b")));
        let held = poll(first.as_mut());
        assert!(held.is_some());
        assert!(poll(second.as_mut()).is_none() && poll(third.as_mut()).is_none());
        assert!(poll(other.as_mut()).is_some());
        drop(held);
        assert!(poll(third.as_mut()).is_none());
        let held = poll(second.as_mut());
        assert!(held.is_some());
        drop(held);
        assert!(poll(third.as_mut()).is_some());
        assert!(turns.0.borrow().waiting.is_empty());
    }

    #[test]
    fn who_gives_up_holds_up_nobody() {
        let turns = Turns::default();
        let mut first = pin!(turns.wait("a"));
        let held = poll(first.as_mut());
        let mut third = {
            let mut second = Box::pin(turns.wait("a"));
            assert!(poll(second.as_mut()).is_none());
            let mut third = Box::pin(turns.wait("a"));
            assert!(poll(third.as_mut()).is_none());
            third
        };
        drop(held);
        assert!(poll(third.as_mut()).is_some());
        assert!(turns.0.borrow().waiting.is_empty());
    }
}
