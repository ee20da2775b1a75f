//! Noticing at once that a worker is gone: it holds a Web Lock for as long as it lives, and the browser gives that lock to
//! the page when the worker ends for whatever reason. The heartbeat remains for workers that live and do not answer,
//! and for browsers without Web Locks.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// A name that no other worker of this browser has.
pub(super) fn new_name() -> String {
    format!("alcove-alive-{:.0}", js_sys::Math::random() * 1e16)
}

/// Call `watched` when it is sure that the end of the worker that holds the lock `name` will be noticed, and `ended` at
/// its end. Neither is called when nobody holds it now: then nothing can be told from it.
pub(super) fn when_gone(name: String, watched: impl FnOnce() + 'static, ended: impl FnOnce() + 'static) {
    spawn_local(async move {
        if !request(&name, true).await.is_ok_and(|lock| !lock) {
            return;
        }
        watched();
        if request(&name, false).await.is_ok() {
            ended();
        }
    });
}

/// Ask for the lock and let go of it. True when it was given, which `if_available` makes the browser decide now.
async fn request(name: &str, if_available: bool) -> Result<bool, JsValue> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
    let locks = Reflect::get(&navigator, &"locks".into())?;
    let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &if_available.into())?;
    let given = Closure::once_into_js(|lock: JsValue| JsValue::from(!lock.is_null()));
    let promise: Promise = request.call3(&locks, &name.into(), &options, &given)?.dyn_into()?;
    Ok(JsFuture::from(promise).await?.is_truthy())
}
