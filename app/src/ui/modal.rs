//! The frame of every dialog: the browser's own modal `<dialog>`, which keeps the keyboard inside, closes on Escape
//! and makes everything behind it inert. Focus goes back to where it was.

use leptos::html::Dialog;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use crate::state::app;

/// A dialog around its children. Closes on Escape and on a press outside.
#[component]
pub fn Modal(
    /// Read to screen readers when it opens.
    #[prop(into)]
    label: String,
    /// Class that sets width and place.
    class: &'static str,
    children: Children,
) -> impl IntoView {
    let app = app();
    let node = NodeRef::<Dialog>::new();
    let before = StoredValue::new_local(None::<HtmlElement>);
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        if dialog.open() {
            // The element of the dialog that this one replaces. Closing it gives the focus back to where it was, and
            // only opening it anew brings the focus inside.
            dialog.close();
        }
        let active = document().active_element().and_then(|element| element.dyn_into::<HtmlElement>().ok());
        before.set_value(active);
        // Fails only when it is not in the page, and then nobody sees it.
        let _shown = dialog.show_modal();
    });
    on_cleanup(move || {
        let Some(Some(element)) = before.try_get_value() else { return };
        gloo_timers::callback::Timeout::new(0, move || {
            let nothing_has_focus = document()
                .active_element()
                .is_none_or(|active| active.tag_name().eq_ignore_ascii_case("body"));
            if nothing_has_focus && element.is_connected() {
                let _gone = element.focus();
            }
        })
        .forget();
    });
    let close = move || app.dialog.set(None);
    view! {
        <dialog
            node_ref=node
            class=format!("modal {class}")
            aria-label=label
            on:cancel=move |event: web_sys::Event| {
                event.prevent_default();
                close();
            }
            on:mousedown=move |event| {
                // A press on the dialog element itself is one on its backdrop: its content covers the rest.
                let on_backdrop = event.target().is_some_and(|target| {
                    target.dyn_ref::<web_sys::Element>().is_some_and(|e| e.tag_name().eq_ignore_ascii_case("dialog"))
                });
                if on_backdrop {
                    close();
                }
            }
        >
            <div class="modal-body">{children()}</div>
        </dialog>
    }
}
