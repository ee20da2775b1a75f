//! Messages in the corner.

use leptos::prelude::*;

use super::icon::{Glyph, icon};
use crate::state::app;
use crate::state::toast::{Toast, Weight};

/// The messages on show. The list is in the page from the start, so that screen readers notice what is added.
#[component]
pub fn ToastList() -> impl IntoView {
    let app = app();
    view! {
        <div class="toasts" role="log" aria-live="polite" aria-label="Messages">
            <For each=move || app.toasts.list.get() key=|toast| toast.id let:toast>
                <Message toast />
            </For>
        </div>
    }
}

#[component]
fn Message(toast: Toast) -> impl IntoView {
    let app = app();
    let (class, glyph) = match toast.weight {
        Weight::Info => ("toast", Glyph::Info),
        Weight::Done => ("toast toast-done", Glyph::Check),
        Weight::Warning => ("toast toast-warning", Glyph::Warning),
        Weight::Failure => ("toast toast-failure", Glyph::Failure),
    };
    let id = toast.id;
    let offers = toast
        .offers
        .into_iter()
        .map(|offer| {
            view! {
                <button
                    type="button"
                    class="push-button"
                    on:click=move |_| {
                        app.toasts.dismiss(id);
                        (offer.run)(());
                    }
                >
                    {offer.label}
                </button>
            }
        })
        .collect_view();
    view! {
        <div class=class>
            {icon(glyph)}
            <div class="toast-text">
                <p>{toast.sentence}</p>
                <div class="toast-offers">{offers}</div>
            </div>
            <button
                type="button"
                class="tool"
                aria-label="Dismiss this message"
                on:click=move |_| app.toasts.dismiss(id)
            >
                {icon(Glyph::Close)}
            </button>
        </div>
    }
}
