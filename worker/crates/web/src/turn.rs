//! Giving the event loop a turn in the middle of long work.

use std::cell::RefCell;
use std::collections::VecDeque;

use futures_channel::oneshot;
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageChannel, MessagePort};

struct Turns {
    sender: MessagePort,
    _receiver: MessagePort,
    _closure: Closure<dyn FnMut()>,
}

thread_local! {
    static WAITING: RefCell<VecDeque<oneshot::Sender<()>>> = const { RefCell::new(VecDeque::new()) };
    static TURNS: RefCell<Option<Turns>> = const { RefCell::new(None) };
}

fn make() -> Option<Turns> {
    let channel = MessageChannel::new().ok()?;
    let closure = Closure::<dyn FnMut()>::new(|| {
        if let Some(waiter) = WAITING.with_borrow_mut(VecDeque::pop_front) {
            let _dropped = waiter.send(());
        }
    });
    let receiver = channel.port2();
    receiver.set_onmessage(Some(closure.as_ref().unchecked_ref()));
    Some(Turns { sender: channel.port1(), _receiver: receiver, _closure: closure })
}

/// Resolve in a later task of the event loop, after messages that already wait were delivered. Unlike a timer it is
/// not clamped to 4 ms and not throttled in hidden tabs.
pub async fn turn() {
    let posted = TURNS.with_borrow_mut(|turns| {
        if turns.is_none() {
            *turns = make();
        }
        turns.as_ref().is_some_and(|turns| turns.sender.post_message(&JsValue::NULL).is_ok())
    });
    if posted {
        let (waiter, done) = oneshot::channel();
        WAITING.with_borrow_mut(|waiting| waiting.push_back(waiter));
        let _sent = done.await;
    }
}

/// Resolve after at least `ms` milliseconds.
pub async fn sleep_ms(ms: u32) {
    let promise = Promise::new(&mut |resolve, _reject| {
        let global = js_sys::global();
        if let Ok(timeout) =
            Reflect::get(&global, &"setTimeout".into()).and_then(|f| f.dyn_into::<Function>())
        {
            let _timer = timeout.call2(&global, &resolve, &ms.into());
        }
    });
    let _never_rejects = JsFuture::from(promise).await;
}
