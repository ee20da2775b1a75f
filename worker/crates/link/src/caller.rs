//! The calling end: open calls by id, their events and their one outcome.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_channel::oneshot;
use js_sys::ArrayBuffer;
use protocol::{Call, Fault, FaultCode, Frame, decode, encode};

use crate::Endpoint;

/// What becomes of open calls when the other side dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// They are sent again to the next instance; their buffers are therefore copied instead of given away.
    Replay,
    /// They fail; the caller decides.
    Fail,
}

/// Encoded reply with its buffers, or the fault.
pub type Outcome = Result<(Vec<u8>, Vec<ArrayBuffer>), Fault>;

/// Takes the encoded events of one call.
type OnEvent = Rc<RefCell<dyn FnMut(&[u8])>>;

/// Deaths of the other side that a call may see before it is taken for their cause.
const MAX_DEATHS: u32 = 2;

struct Open {
    body: Vec<u8>,
    /// Kept for a replay; empty under [`Policy::Fail`].
    blobs: Vec<ArrayBuffer>,
    on_event: Option<OnEvent>,
    /// The present other side was given it.
    sent: bool,
    /// Others that were given it and died before they answered.
    num_deaths: u32,
    done: oneshot::Sender<Outcome>,
}

struct Inner {
    policy: Policy,
    endpoint: RefCell<Option<Endpoint>>,
    next_id: Cell<u32>,
    open: RefCell<BTreeMap<u32, Open>>,
}

/// Makes calls over an endpoint that may be replaced while calls are open. Clones share the calls.
#[derive(Clone)]
pub struct Caller(Rc<Inner>);

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("num_open", &self.num_open()).finish()
    }
}

impl Caller {
    /// A caller without an endpoint: calls wait until [`Caller::attach`].
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self(Rc::new(Inner {
            policy,
            endpoint: RefCell::new(None),
            next_id: Cell::new(1),
            open: RefCell::new(BTreeMap::new()),
        }))
    }

    /// Use this endpoint from now on and send every open call to it, oldest first.
    pub fn attach(&self, endpoint: Endpoint) {
        *self.0.endpoint.borrow_mut() = Some(endpoint);
        let ids: Vec<u32> = self.0.open.borrow().keys().copied().collect();
        for id in ids {
            self.send(id);
        }
    }

    /// The other side is gone. Under [`Policy::Fail`] every open call ends with `fault`; under [`Policy::Replay`]
    /// they stay open for the next [`Caller::attach`], except those that two others died of, or beside: one of them may
    /// be what kills the other side, and would go on doing so for ever.
    pub fn detach(&self, fault: &Fault) {
        *self.0.endpoint.borrow_mut() = None;
        if self.0.policy == Policy::Fail {
            return self.fail_all(fault);
        }
        let mut given_up = Vec::new();
        for (id, call) in self.0.open.borrow_mut().iter_mut() {
            if std::mem::take(&mut call.sent) {
                call.num_deaths += 1;
            }
            if call.num_deaths >= MAX_DEATHS {
                given_up.push(*id);
            }
        }
        for id in given_up {
            let sentence = format!("{} It had been tried twice and is not tried again.", fault.sentence);
            self.finish(id, Err(Fault { sentence, ..fault.clone() }));
        }
    }

    /// End every open call with `fault`, whatever the policy: nobody will come back to answer.
    pub fn fail_all(&self, fault: &Fault) {
        let open = std::mem::take(&mut *self.0.open.borrow_mut());
        for call in open.into_values() {
            let _gone = call.done.send(Err(fault.clone()));
        }
    }

    /// Number of calls without an outcome.
    #[must_use]
    pub fn num_open(&self) -> usize {
        self.0.open.borrow().len()
    }

    /// Post a frame outside any call (a ping). Silently nothing without an endpoint.
    pub fn post(&self, frame: &Frame) {
        if let Some(endpoint) = self.0.endpoint.borrow().as_ref() {
            let _closed = endpoint.post(frame, &[]);
        }
    }

    /// Start a call; events go to `on_event` as they arrive.
    pub fn stream<C: Call>(
        &self,
        call: C,
        blobs: Vec<ArrayBuffer>,
        mut on_event: impl FnMut(C::Event) + 'static,
    ) -> Pending<C> {
        let handler = move |body: &[u8]| {
            if let Ok(event) = decode::<C::Event>(body) {
                on_event(event);
            }
        };
        self.start(call, blobs, Some(Rc::new(RefCell::new(handler))))
    }

    /// Start a call that has no events of interest.
    pub fn call<C: Call>(&self, call: C, blobs: Vec<ArrayBuffer>) -> Pending<C> {
        self.start(call, blobs, None)
    }

    fn start<C: Call>(&self, call: C, blobs: Vec<ArrayBuffer>, on_event: Option<OnEvent>) -> Pending<C> {
        let id = self.0.next_id.get();
        self.0.next_id.set(id.wrapping_add(1).max(1));
        let body = encode(&C::Request::from(call));
        let (done, outcome) = oneshot::channel();
        self.0.open.borrow_mut().insert(id, Open { body, blobs, on_event, sent: false, num_deaths: 0, done });
        self.send(id);
        Pending { caller: self.clone(), id, outcome, _call: PhantomData }
    }

    fn send(&self, id: u32) {
        let endpoint = self.0.endpoint.borrow().clone();
        let Some(endpoint) = endpoint else { return };
        let posted = {
            let mut open = self.0.open.borrow_mut();
            let Some(call) = open.get_mut(&id) else { return };
            let blobs = match self.0.policy {
                Policy::Replay => call.blobs.iter().map(|blob| blob.slice(0)).collect(),
                Policy::Fail => std::mem::take(&mut call.blobs),
            };
            call.sent = true;
            endpoint.post(&Frame::Request { id, body: call.body.clone() }, &blobs)
        };
        if posted.is_err() {
            let fault = Fault::new(FaultCode::Internal, "A message could not be sent to a worker.");
            self.finish(id, Err(fault));
        }
    }

    fn finish(&self, id: u32, outcome: Outcome) {
        let call = self.0.open.borrow_mut().remove(&id);
        if let Some(call) = call {
            let _gone = call.done.send(outcome);
        }
    }

    /// Take in a frame from the other side. Frames that are not part of a call are handed back.
    pub fn accept(&self, frame: Frame, blobs: Vec<ArrayBuffer>) -> Option<Frame> {
        match frame {
            Frame::Event { id, body } => {
                let handler = self.0.open.borrow().get(&id).and_then(|call| call.on_event.clone());
                if let Some(handler) = handler {
                    (handler.borrow_mut())(&body);
                }
                None
            }
            Frame::Done { id, body } => {
                self.finish(id, Ok((body, blobs)));
                None
            }
            Frame::Fault { id, fault } => {
                self.finish(id, Err(fault));
                None
            }
            other => Some(other),
        }
    }

    fn abandon(&self, id: u32) {
        if self.0.open.borrow_mut().remove(&id).is_some() {
            self.post(&Frame::Cancel { id });
        }
    }
}

/// A call on its way; resolves to its reply and the buffers beside it. Dropping it cancels the call.
pub struct Pending<C: Call> {
    caller: Caller,
    id: u32,
    outcome: oneshot::Receiver<Outcome>,
    _call: PhantomData<fn() -> C>,
}

impl<C: Call> std::fmt::Debug for Pending<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("id", &self.id).finish()
    }
}

impl<C: Call> Future for Pending<C> {
    type Output = Result<(C::Reply, Vec<ArrayBuffer>), Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = std::task::ready!(Pin::new(&mut self.outcome).poll(cx));
        Poll::Ready(match outcome {
            Ok(Ok((body, blobs))) => decode(&body).map(|reply| (reply, blobs)).map_err(|err| {
                Fault::new(FaultCode::Internal, format!("An answer could not be read: {err}."))
            }),
            Ok(Err(fault)) => Err(fault),
            Err(oneshot::Canceled) => Err(Fault::new(FaultCode::Cancelled, "The call was dropped.")),
        })
    }
}

impl<C: Call> Drop for Pending<C> {
    fn drop(&mut self) {
        self.caller.abandon(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{GetStatus, ListWorkspaces};
    use std::pin::pin;
    use std::task::Waker;

    fn outcome<C: Call>(pending: Pin<&mut Pending<C>>) -> Option<Result<C::Reply, Fault>> {
        match pending.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Some(outcome.map(|(reply, _)| reply)),
            Poll::Pending => None,
        }
    }

    /// What [`Caller::send`] does with an endpoint, which no native test has.
    fn given_to_the_other_side(caller: &Caller) {
        caller.0.open.borrow_mut().values_mut().for_each(|call| call.sent = true);
    }

    #[test]
    fn a_call_is_repeated_after_one_death_and_fails_in_a_sentence_after_two() {
        let caller = Caller::new(Policy::Replay);
        let gone = Fault::new(FaultCode::EngineGone, "The engine stopped: why.");
        let mut first = pin!(caller.call(GetStatus, Vec::new()));
        given_to_the_other_side(&caller);
        caller.detach(&gone);
        assert!(outcome(first.as_mut()).is_none());
        let mut later = pin!(caller.call(ListWorkspaces, Vec::new()));
        given_to_the_other_side(&caller);
        caller.detach(&gone);
        let fault = outcome(first.as_mut()).unwrap().unwrap_err();
        assert_eq!(fault.code, FaultCode::EngineGone);
        assert!(fault.sentence.ends_with("It had been tried twice and is not tried again."), "{fault}");
        assert!(outcome(later.as_mut()).is_none());
        assert_eq!(caller.num_open(), 1);
    }

    #[test]
    fn deaths_before_a_call_was_sent_do_not_count_against_it() {
        let caller = Caller::new(Policy::Replay);
        let gone = Fault::new(FaultCode::EngineGone, "The engine stopped: why.");
        let mut waiting = pin!(caller.call(GetStatus, Vec::new()));
        for _ in 0..5 {
            caller.detach(&gone);
        }
        assert!(outcome(waiting.as_mut()).is_none());
        caller.fail_all(&gone);
        assert_eq!(outcome(waiting.as_mut()).unwrap().unwrap_err(), gone);
    }
}
