//! The page of Alcove: everything that a person sees, and the supervisor of the workers behind it.

mod api;
mod editor;
mod link;
mod platform;
mod state;
mod ui;

fn main() {
    console_error_panic_hook::set_once();
    // What `index.html` shows until now gives way to the page.
    if let Some(body) = leptos::prelude::document().body() {
        body.set_inner_html("");
    }
    leptos::mount::mount_to_body(ui::Page);
}
