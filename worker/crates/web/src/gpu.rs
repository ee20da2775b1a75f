//! What WebGPU offers inside a worker, asked before anything is built on it.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// A graphics adapter as the browser describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuAdapter {
    /// Vendor, architecture and description, as far as the browser tells.
    pub name: String,
    /// It computes on the processor.
    pub is_software: bool,
    /// It has timestamp queries, which the GPU runtime cannot do without.
    pub has_timestamps: bool,
}

/// Ask for an adapter. `None` when the browser has no WebGPU in workers or gives no adapter.
pub async fn gpu_adapter() -> Option<GpuAdapter> {
    let gpu = get(&get(&js_sys::global(), "navigator")?, "gpu")?;
    let request: Function = get(&gpu, "requestAdapter")?.dyn_into().ok()?;
    let promise: Promise = request.call0(&gpu).ok()?.dyn_into().ok()?;
    let adapter = JsFuture::from(promise).await.ok().filter(|a| !a.is_null() && !a.is_undefined())?;
    let info = get(&adapter, "info").unwrap_or(JsValue::NULL);
    let text = |key| get(&info, key).and_then(|v| v.as_string()).unwrap_or_default();
    let parts = [text("vendor"), text("architecture"), text("description")];
    let name = parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ");
    let fallback = get(&info, "isFallbackAdapter").or_else(|| get(&adapter, "isFallbackAdapter"));
    let features = get(&adapter, "features");
    let has_timestamps = features.and_then(|features| {
        let has: Function = get(&features, "has")?.dyn_into().ok()?;
        Some(has.call1(&features, &"timestamp-query".into()).ok()?.is_truthy())
    });
    Some(GpuAdapter {
        name,
        is_software: fallback.is_some_and(|v| v.is_truthy()) || text("architecture") == "swiftshader",
        has_timestamps: has_timestamps == Some(true),
    })
}

fn get(target: &JsValue, key: &str) -> Option<JsValue> {
    Reflect::get(target, &key.into()).ok().filter(|v| !v.is_undefined() && !v.is_null())
}
