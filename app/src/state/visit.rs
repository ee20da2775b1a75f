//! The time that one workspace is open in the page.
//!
//! Whatever waits for an answer must know afterwards whether the workspace that it asked for is still the one on
//! screen: its path may exist in the next one too, with another text.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// One visit to a workspace, or to the start screen. Clones are the same visit.
#[derive(Clone, Default)]
pub struct Visit(Rc<Inner>);

#[derive(Default)]
struct Inner {
    over: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

impl Visit {
    /// The workspace is left.
    pub fn end(&self) {
        self.0.over.set(true);
        for waker in self.0.waiting.take() {
            waker.wake();
        }
    }

    /// True once the workspace was left, even if it was opened again since.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.over.get()
    }

    /// Run a future until it is done or the visit is over, which drops it. `None` in the second case.
    pub async fn during<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if self.is_over() {
                return Poll::Ready(None);
            }
            if let Poll::Ready(out) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(out));
            }
            let mut waiting = self.0.waiting.borrow_mut();
            if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                waiting.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Wake};

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Says when it is dropped.
    struct Dropped<'a>(&'a Cell<bool>);

    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }

    #[test]
    fn what_is_done_in_time_comes_through() {
        let visit = Visit::default();
        let mut future = pin!(visit.during(std::future::ready(7)));
        assert_eq!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Some(7)));
        assert!(!visit.is_over());
    }

    #[test]
    fn leaving_wakes_what_waits_and_drops_it() {
        let (visit, woken, dropped) = (Visit::default(), Arc::new(Woken::default()), Cell::new(false));
        let waker = Waker::from(woken.clone());
        {
            let endless = async {
                let _held = Dropped(&dropped);
                std::future::pending::<()>().await;
            };
            let mut future = pin!(visit.during(endless));
            for _ in 0..3 {
                assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            }
            assert_eq!(woken.0.load(Ordering::Relaxed), 0);
            visit.clone().end();
            assert_eq!(woken.0.load(Ordering::Relaxed), 1);
            assert_eq!(future.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(None));
        }
        assert!(dropped.get());
        assert!(visit.is_over() && !Visit::default().is_over());
    }

    #[test]
    fn nothing_starts_after_the_end() {
        let visit = Visit::default();
        visit.end();
        let started = Cell::new(false);
        let mut future = pin!(visit.during(async { started.set(true) }));
        assert_eq!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(None));
        assert!(!started.get());
    }
}
