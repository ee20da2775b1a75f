//! The worker's own global scope.

use js_sys::Reflect;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::DedicatedWorkerGlobalScope;

/// The global scope of the dedicated worker that this code runs in; `None` anywhere else.
#[must_use]
pub fn scope() -> Option<DedicatedWorkerGlobalScope> {
    js_sys::global().dyn_into().ok()
}

/// The build that started this worker: the `v` parameter of its address.
#[must_use]
pub fn build_id() -> String {
    parameter("v=").unwrap_or_else(|| "dev".to_owned())
}

/// How many workers of this kind have died since the page was loaded: the `deaths` parameter of its address.
#[must_use]
pub fn num_deaths() -> u32 {
    parameter("deaths=").and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// What follows `name=` in the address of this worker.
fn parameter(name: &str) -> Option<String> {
    let search = scope()?.location().search();
    search.trim_start_matches('?').split('&').find_map(|pair| pair.strip_prefix(name)).map(str::to_owned)
}

/// Size of this module's linear memory in bytes; it never shrinks.
#[must_use]
pub fn memory_bytes() -> u64 {
    let buffer = Reflect::get(&wasm_bindgen::memory(), &"buffer".into());
    let length = buffer.and_then(|buffer| Reflect::get(&buffer, &"byteLength".into()));
    length.ok().and_then(|length| length.as_f64()).unwrap_or(0.0) as u64
}

/// Memory of the device as the browser tells it: a rough figure of at most 8 GiB, or nothing.
#[must_use]
pub fn device_memory_bytes() -> Option<u64> {
    let gib = Reflect::get(&scope()?.navigator(), &"deviceMemory".into()).ok()?.as_f64()?;
    Some((gib * (1_u64 << 30) as f64) as u64)
}

/// Bytes that this site uses and may use, as the browser estimates them.
pub async fn quota() -> Option<(u64, u64)> {
    let storage = scope()?.navigator().storage();
    let estimate = JsFuture::from(storage.estimate().ok()?).await.ok()?;
    let number = |key: &str| Reflect::get(&estimate, &key.into()).ok()?.as_f64();
    Some((number("usage")? as u64, number("quota")? as u64))
}
