//! The list of language models, a file beside them.

use js_sys::JSON;
use protocol::{Fault, FaultCode};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// The list as JSON.
///
/// # Errors
/// [`FaultCode::Network`] when the address of this page cannot be reached.
pub async fn fetch_catalogue() -> Result<String, Fault> {
    let failed = || {
        let sentence = "The list of language models could not be fetched. Check that the address of this page can still \
                        be reached, then try again.";
        Fault::new(FaultCode::Network, sentence).retry_after_ms(1000)
    };
    let window = web_sys::window().ok_or_else(failed)?;
    let response = JsFuture::from(window.fetch_with_str("/models/catalogue.json")).await;
    let response: Response = response.and_then(|response| response.dyn_into()).map_err(|_| failed())?;
    if !response.ok() {
        return Err(failed());
    }
    let json = JsFuture::from(response.json().map_err(|_| failed())?).await.map_err(|_| failed())?;
    JSON::stringify(&json).ok().and_then(|json| json.as_string()).ok_or_else(failed)
}
