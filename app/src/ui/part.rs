//! Views whose code is not in the page's first download. `wasm-split` takes everything that is reachable only from
//! a function marked with [`wasm_split`](wasm_split_helpers::wasm_split) out of the page's module, into a module beside
//! it that shares its memory. The parts are fetched as soon as the page is on show, so that nobody waits for them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use leptos::prelude::*;
use leptos::reactive::computed::ScopedFuture;
use wasm_split_helpers::SplitLoaderError;

/// What a marked function gives: its view, unless its code could not be fetched.
pub type Part = Result<AnyView, SplitLoaderError>;

/// The view that `make` gives: at once when its code is here, else as soon as it is. Where it cannot be fetched, a line
/// says so with a button that tries again. Until the view is there, `frame` gets what is shown in its place.
pub fn part<F>(make: impl Fn() -> F + 'static, frame: fn(AnyView) -> AnyView) -> AnyView
where
    F: Future<Output = Part> + 'static,
{
    let mut soon: Pin<Box<F>> = Box::pin(make());
    if let Poll::Ready(Ok(view)) = soon.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return view;
    }
    let owner = Owner::current();
    let came = RwSignal::new(0_u32);
    let slot = StoredValue::new_local(None::<Part>);
    let wait = move |soon: Pin<Box<F>>| {
        // Under the owner of the place where it will be shown, so that it ends together with that place.
        let future = ScopedFuture::new_untracked(async move {
            let made = soon.await;
            // The place may be gone by now.
            if slot.try_set_value(Some(made)).is_none() {
                came.try_update(|n| *n += 1);
            }
        });
        leptos::task::spawn_local(future);
    };
    wait(soon);
    let again = StoredValue::new_local(move || {
        let soon = Box::pin(make());
        slot.set_value(None);
        came.update(|n| *n += 1);
        match &owner {
            Some(owner) => owner.with(|| wait(soon)),
            None => wait(soon),
        }
    });
    let shown = move || {
        came.track();
        match slot.try_update_value(Option::take).flatten() {
            Some(Ok(view)) => view,
            Some(Err(_told_in_console)) => {
                frame(missing(move || again.with_value(|again| again())).into_any())
            }
            None => frame(view! { <p class="panel-empty" role="status">"Loading…"</p> }.into_any()),
        }
    };
    shown.into_any()
}

fn missing(again: impl Fn() + 'static) -> impl IntoView {
    view! {
        <div class="panel-empty" role="alert">
            <p>"This part of the page could not be loaded. Check that the address of this page can still be reached."</p>
            <button type="button" class="push-button" on:click=move |_| again()>"Try again"</button>
        </div>
    }
}
