//! What the catalogue of language models offers, and whether a model fits into this device.

use serde::Deserialize;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// Where the catalogue lies.
const CATALOGUE: &str = "/models/catalogue.json";
/// Bytes that a page of WebAssembly can address, less what the program itself needs.
const MAX_MEMORY_MB: u64 = 3800;

const NO_PAGE: &str = "It is larger than what a page of a browser can hold, so it is not loaded.";
const NO_MEMORY: &str = "This device has too little memory for it, so it is not loaded.";

/// An entry of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Offered {
    /// Names it.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Where its publisher keeps it.
    pub address: String,
    /// Its length.
    pub bytes: u64,
    /// Its checksum.
    pub sha256: String,
    /// Its licence.
    pub licence: String,
    /// Memory that it takes while it is loaded.
    pub memory_mb: u64,
    /// Longest text in tokens.
    pub context: u64,
    /// What it is good for, as a sentence.
    pub good_for: String,
}

/// The file that lists what there is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Catalogue {
    models: Vec<Offered>,
}

/// What the planner says of a model before it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It fits, as far as can be told.
    Fits,
    /// It may fit; the sentence says what to expect.
    Tight(&'static str),
    /// It would crash.
    TooLarge(&'static str),
}

/// Does a model that takes `need_mb` fit into a device with so much memory, as far as the browser tells? It tells no more
/// than 8 GiB.
#[must_use]
pub fn fit(need_mb: u64, device_gib: Option<f64>) -> Fit {
    if need_mb > MAX_MEMORY_MB {
        return Fit::TooLarge(NO_PAGE);
    }
    match device_gib.map(|gib| need_mb as f64 / (gib * 1074.0)) {
        Some(share) if share > 0.75 => Fit::TooLarge(NO_MEMORY),
        Some(share) if share > 0.4 => {
            Fit::Tight("It takes much of this device’s memory. Close what you do not need.")
        }
        _ => Fit::Fits,
    }
}

/// Memory for a file of which only the length is known: its weights as they are, and room for the text and the work.
#[must_use]
pub fn need_mb(bytes: u64) -> u64 {
    bytes / 1_000_000 * 11 / 10 + 200
}

/// The catalogue of this server; `None` when it has none that can be read.
pub async fn fetch_catalogue() -> Option<Vec<Offered>> {
    let answer = JsFuture::from(web_sys::window()?.fetch_with_str(CATALOGUE)).await.ok()?;
    let answer: Response = answer.unchecked_into();
    let text = JsFuture::from(answer.text().ok().filter(|_| answer.ok())?).await.ok()?.as_string()?;
    Some(serde_json::from_str::<Catalogue>(&text).ok()?.models)
}

/// Memory of this device in GiB, where the browser tells; 8 stands for that and more.
#[must_use]
pub fn device_gib() -> Option<f64> {
    let navigator = web_sys::window()?.navigator();
    js_sys::Reflect::get(&navigator, &"deviceMemory".into()).ok()?.as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_crash_is_refused_before_it_is_loaded() {
        assert_eq!(fit(300, None), Fit::Fits);
        assert_eq!(fit(300, Some(8.0)), Fit::Fits);
        assert_eq!(fit(1600, Some(2.0)), Fit::TooLarge(NO_MEMORY));
        assert!(matches!(fit(1600, Some(3.0)), Fit::Tight(_)));
        assert_eq!(fit(4200, Some(8.0)), Fit::TooLarge(NO_PAGE));
        assert_eq!(fit(4200, None), Fit::TooLarge(NO_PAGE));
        assert_eq!(need_mb(0), 200);
        assert_eq!(fit(need_mb(u64::MAX), None), Fit::TooLarge(NO_PAGE));
    }

    #[test]
    fn an_entry_may_lack_what_is_not_known() {
        let json = r#"{"models":[{"id":"a","bytes":5}],"more":1}"#;
        let models = serde_json::from_str::<Catalogue>(json).unwrap_or_default().models;
        assert_eq!(models, [Offered { id: "a".into(), bytes: 5, ..Offered::default() }]);
    }
}
