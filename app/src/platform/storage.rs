//! The browser's promise about storage: whether it may throw our data away when space runs short.

use wasm_bindgen_futures::JsFuture;

/// Ask that what is stored here is kept until the person deletes it. True when the browser agrees; browsers decide by
/// how the site is used, some ask the person.
pub async fn persist() -> bool {
    let Some(window) = web_sys::window() else { return false };
    let Ok(promise) = window.navigator().storage().persist() else { return false };
    JsFuture::from(promise).await.is_ok_and(|granted| granted.is_truthy())
}
