//! What this browser and device can do, found out before a module is chosen.

use js_sys::{Function, Promise, Reflect, Uint8Array, WebAssembly};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// A module with one function that uses `i8x16.relaxed_swizzle`: it validates exactly where relaxed SIMD is there.
const RELAXED_SIMD_MODULE: [u8; 36] = [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2,
    253, 15, 253, 128, 2, 11,
];

/// True when the browser accepts relaxed SIMD instructions.
pub(super) fn has_relaxed_simd() -> bool {
    WebAssembly::validate(&Uint8Array::from(RELAXED_SIMD_MODULE.as_slice())).unwrap_or(false)
}

/// A GPU as WebGPU describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gpu {
    /// Vendor, architecture and description, whatever is told.
    pub(super) name: String,
    /// Why it must not be used, when it must not.
    pub(super) unusable: Option<&'static str>,
}

/// Ask for an adapter. `None` when the browser has no WebGPU or gives no adapter.
pub(super) async fn gpu() -> Option<Gpu> {
    let navigator = web_sys::window()?.navigator();
    let gpu = get(&navigator, "gpu")?;
    let request: Function = get(&gpu, "requestAdapter")?.dyn_into().ok()?;
    let promise: Promise = request.call0(&gpu).ok()?.dyn_into().ok()?;
    let adapter = JsFuture::from(promise).await.ok().filter(|a| !a.is_null() && !a.is_undefined())?;
    let info = get(&adapter, "info").unwrap_or(JsValue::NULL);
    let text = |key| get(&info, key).and_then(|v| v.as_string()).unwrap_or_default();
    let name = [text("vendor"), text("architecture"), text("description")]
        .iter()
        .filter(|part| !part.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    let fallback = get(&info, "isFallbackAdapter").or_else(|| get(&adapter, "isFallbackAdapter"));
    let software = fallback.is_some_and(|v| v.is_truthy()) || text("architecture") == "swiftshader";
    let has_feature = |feature: &str| -> Option<bool> {
        let features = get(&adapter, "features")?;
        let has: Function = get(&features, "has")?.dyn_into().ok()?;
        Some(has.call1(&features, &feature.into()).ok()?.is_truthy())
    };
    let unusable = if software {
        Some("it is a software adapter, slower than the processor itself")
    } else if has_feature("timestamp-query") != Some(true) {
        Some("it lacks timestamp queries, which the GPU runtime needs")
    } else {
        None
    };
    Some(Gpu { name, unusable })
}

fn get(target: &JsValue, key: &str) -> Option<JsValue> {
    Reflect::get(target, &key.into()).ok().filter(|v| !v.is_undefined() && !v.is_null())
}
