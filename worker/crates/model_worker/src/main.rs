//! The model worker: hosts one embedding model, or one language model, and does what the engine worker and the app ask.
//!
//! Built three times: for SIMD, for relaxed SIMD, and with WebGPU. A panic ends the instance; the app notices, starts
//! another one and loads the model again, so nothing here tries to survive.

mod device;
mod generator;
mod load;
mod pump;
mod service;
mod shelf;

use std::rc::Rc;

use link::Endpoint;
use protocol::Hello;

use crate::service::Service;

#[cfg(target_arch = "wasm32")]
unsafe extern "C" {
    /// Constructors of the linked crates. The linker wraps every export with a call of it unless something refers to
    /// it; with thousands of constructors in the WebGPU build, each call from JavaScript would cost 0.2 ms.
    fn __wasm_call_ctors();
}

fn main() {
    // SAFETY: called once, before anything else; the constructors only fill registries.
    #[cfg(target_arch = "wasm32")]
    unsafe {
        __wasm_call_ctors();
    }
    console_error_panic_hook::set_once();
    let Some(scope) = web::scope() else { return };
    let service = Rc::new(Service::default());
    serve(&service, &Endpoint::Scope(scope), 0);
}

/// Answer requests from `endpoint` for as long as the worker lives.
fn serve(service: &Rc<Service>, endpoint: &Endpoint, client: u32) {
    let (on_request, on_port) = (service.clone(), service.clone());
    let listener = link::serve(
        endpoint,
        hello(),
        move |request| on_request.accept(client, request),
        // Port numbers start at 1 in the app, 0 is the app itself; several ports are several clients either way.
        move |_, number, port| serve(&on_port, &Endpoint::Port(port), number.saturating_add(1)),
    );
    // The listener lives as long as the worker.
    std::mem::forget(listener);
}

fn hello() -> Hello {
    let mut capabilities = vec!["model".to_owned(), "simd128".to_owned()];
    if models::cpu::RELAXED_SIMD {
        capabilities.push("relaxed-simd".to_owned());
    }
    if cfg!(feature = "webgpu") {
        capabilities.push("webgpu".to_owned());
    }
    Hello { build: web::build_id(), capabilities }
}
