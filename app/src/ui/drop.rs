//! Files dropped anywhere on the window.

use leptos::ev;
use leptos::prelude::*;

use super::icon::{Glyph, icon};
use crate::state::app;

/// The overlay that shows while files are held over the window, and the listeners behind it.
#[component]
pub fn DropZone() -> impl IntoView {
    let app = app();
    // `dragenter` and `dragleave` come for every element that the pointer crosses; what counts is the balance.
    let depth = RwSignal::new(0i32);
    let has_files = |event: &web_sys::DragEvent| {
        event.data_transfer().is_some_and(|transfer| transfer.types().includes(&"Files".into(), 0))
    };
    let handles = [
        window_event_listener(ev::dragenter, move |event| {
            if has_files(&event) {
                event.prevent_default();
                depth.update(|depth| *depth += 1);
            }
        }),
        window_event_listener(ev::dragover, move |event| {
            if has_files(&event) {
                event.prevent_default();
                if let Some(transfer) = event.data_transfer() {
                    transfer.set_drop_effect("copy");
                }
            }
        }),
        window_event_listener(ev::dragleave, move |event| {
            if has_files(&event) {
                depth.update(|depth| *depth = (*depth - 1).max(0));
            }
        }),
        window_event_listener(ev::drop, move |event| {
            if has_files(&event) {
                event.prevent_default();
                depth.set(0);
                if let Some(transfer) = event.data_transfer()
                    && !app.take_dropped_models(&transfer)
                {
                    app.open_dropped(&transfer);
                }
            }
        }),
    ];
    on_cleanup(move || handles.into_iter().for_each(WindowListenerHandle::remove));
    view! {
        <Show when=move || { depth.get() > 0 }>
            <div class="drop-overlay" aria-hidden="true">
                <div class="drop-card">
                    {icon(Glyph::Download)} <strong>"Drop to open"</strong>
                    <span>"A folder, files or a zip archive. Nothing leaves this tab."</span>
                </div>
            </div>
        </Show>
    }
}
