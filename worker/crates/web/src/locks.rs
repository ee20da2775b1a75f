//! Web Locks: one writer per workspace, whatever the number of tabs. The browser releases a lock when its worker dies.

use std::cell::RefCell;
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{Function, Object, Promise, Reflect};
use thiserror::Error;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;

/// Why a lock could not even be asked for.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LockError {
    /// The browser has no Web Locks.
    #[error("this browser has no Web Locks")]
    Unavailable,
    /// The browser refused the request, for instance in a context without storage.
    #[error("the browser refused a lock: {0}")]
    Refused(String),
}

/// A held lock; dropping it releases it.
#[derive(Debug)]
pub struct Lock {
    release: Function,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _released = self.release.call0(&JsValue::NULL);
    }
}

/// Take the exclusive lock `name` if nobody holds it. `None` when somebody does.
///
/// # Errors
/// See [`LockError`].
pub async fn try_lock(name: &str) -> Result<Option<Lock>, LockError> {
    let granted = request(name, "exclusive", true)?;
    granted.await.unwrap_or_else(|_| Err(LockError::Refused("the request was dropped".into())))
}

/// Take a share of the lock `name` if nobody has it alone. `None` when somebody does.
///
/// # Errors
/// See [`LockError`].
pub async fn share_lock(name: &str) -> Result<Option<Lock>, LockError> {
    let granted = request(name, "shared", true)?;
    granted.await.unwrap_or_else(|_| Err(LockError::Refused("the request was dropped".into())))
}

/// Wait for the exclusive lock `name`. Dropping the future gives up: a lock granted later is released at once.
///
/// # Errors
/// See [`LockError`].
pub async fn wait_lock(name: &str) -> Result<Lock, LockError> {
    let granted = request(name, "exclusive", false)?;
    match granted.await {
        Ok(Ok(Some(lock))) => Ok(lock),
        Ok(Err(err)) => Err(err),
        _ => Err(LockError::Refused("the request was aborted".into())),
    }
}

type Granted = Result<Option<Lock>, LockError>;

fn request(name: &str, mode: &str, if_available: bool) -> Result<oneshot::Receiver<Granted>, LockError> {
    let refused = |err: JsValue| LockError::Refused(format!("{err:?}"));
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).map_err(refused)?;
    let locks = Reflect::get(&navigator, &"locks".into()).map_err(refused)?;
    if locks.is_undefined() || locks.is_null() {
        return Err(LockError::Unavailable);
    }
    let ask: Function = Reflect::get(&locks, &"request".into())
        .and_then(|f| f.dyn_into())
        .map_err(|_| LockError::Unavailable)?;
    let options = Object::new();
    Reflect::set(&options, &"mode".into(), &mode.into()).map_err(refused)?;
    Reflect::set(&options, &"ifAvailable".into(), &if_available.into()).map_err(refused)?;

    let (sender, receiver) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let on_failure = sender.clone();
    // The lock is held for as long as the promise that this callback returns is pending.
    let callback = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        let Some(sender) = sender.borrow_mut().take() else { return JsValue::UNDEFINED };
        if lock.is_null() || lock.is_undefined() {
            let _gone = sender.send(Ok(None));
            return JsValue::UNDEFINED;
        }
        let mut release = None;
        let held = Promise::new(&mut |resolve, _reject| release = Some(resolve));
        if let Some(release) = release {
            // When nobody waits any more, the lock comes back here and is dropped, which releases it.
            let _gone = sender.send(Ok(Some(Lock { release })));
        }
        held.into()
    });
    let promise: Promise =
        ask.call3(&locks, &name.into(), &options, &callback).and_then(|p| p.dyn_into()).map_err(refused)?;
    let rejected = Closure::once_into_js(move |err: JsValue| {
        // Where the browser denies storage to a frame it denies locks too: that is not “somebody else holds it”.
        if let Some(sender) = on_failure.borrow_mut().take() {
            let _gone = sender.send(Err(refused(err)));
        }
    });
    if let Ok(catch) = Reflect::get(&promise, &"catch".into()).and_then(|f| f.dyn_into::<Function>()) {
        let _handled = catch.call1(&promise, &rejected);
    }
    Ok(receiver)
}
