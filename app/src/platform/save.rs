//! Giving a file to the person as a download.

use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::JsCast as _;
use web_sys::{Blob, HtmlElement, Url};

/// Long enough for every browser to have taken the bytes.
const KEEP_MS: u32 = 60_000;

/// Offer `bytes` as a download called `name`. False when the browser cannot.
pub fn download(name: &str, bytes: &ArrayBuffer) -> bool {
    offer(name, bytes).is_some()
}

fn offer(name: &str, bytes: &ArrayBuffer) -> Option<()> {
    let blob = Blob::new_with_buffer_source_sequence(&Array::of1(bytes)).ok()?;
    let url = Url::create_object_url_with_blob(&blob).ok()?;
    let document = web_sys::window()?.document()?;
    let link: HtmlElement = document.create_element("a").ok()?.dyn_into().ok()?;
    link.set_attribute("href", &url).ok()?;
    link.set_attribute("download", name).ok()?;
    document.body()?.append_child(&link).ok()?;
    link.click();
    link.remove();
    gloo_timers::callback::Timeout::new(KEEP_MS, move || {
        // Only fails for an address that is none.
        let _always = Url::revoke_object_url(&url);
    })
    .forget();
    Some(())
}
