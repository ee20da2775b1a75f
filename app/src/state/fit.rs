//! Whether a language model fits into this device and how fast it may be, said before it is loaded.

use protocol::ModelFile;

use super::CatalogueEntry;

/// Bytes that a page of WebAssembly can address, less what the program itself needs.
const MAX_MEMORY_BYTES: u64 = 3_800_000_000;
const NO_PAGE: &str = "It is larger than what a page of a browser can hold, so it is not loaded.";
const NO_MEMORY: &str = "This device has too little memory for it, so it is not loaded.";

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

/// Does a model that takes `need_bytes` fit into a device with so much memory, as far as the browser tells? It tells no more
/// than 8 GiB.
#[must_use]
pub fn fit(need_bytes: u64, device_gib: Option<f64>) -> Fit {
    if need_bytes > MAX_MEMORY_BYTES {
        return Fit::TooLarge(NO_PAGE);
    }
    match device_gib.map(|gib| need_bytes as f64 / (gib * 1_073_741_824.0)) {
        Some(share) if share > 0.75 => Fit::TooLarge(NO_MEMORY),
        Some(share) if share > 0.4 => {
            Fit::Tight("It takes much of this device’s memory. Close what you do not need.")
        }
        _ => Fit::Fits,
    }
}

/// Length of a model's file in bytes, where that can be told.
#[must_use]
pub fn length(offered: Option<&CatalogueEntry>, file: Option<&ModelFile>) -> Option<u64> {
    let kept = file.map(|file| file.bytes).filter(|&bytes| bytes > 0);
    kept.or(offered.map(|offered| offered.bytes)).filter(|&bytes| bytes > 0)
}

/// Memory that a model takes in bytes, where that can be told.
#[must_use]
pub fn need(offered: Option<&CatalogueEntry>, file: Option<&ModelFile>) -> Option<u64> {
    offered.map(|offered| offered.memory_bytes).or_else(|| length(None, file).map(need_bytes))
}

/// How fast a model of `bytes` should write where one before it went through `weights_per_s` bytes a second: each token
/// takes every weight once. A sentence, for this is no measurement of the model itself; nothing where none ran.
#[must_use]
pub fn pace(bytes: u64, weights_per_s: f64) -> Option<String> {
    let per_s = weights_per_s / bytes as f64;
    if !(per_s.is_finite() && per_s > 0.0) {
        return None;
    }
    let judged = "judged by the model that was loaded last";
    Some(match per_s {
        10.0.. => format!("It should write about {per_s:.0} tokens a second here, {judged}."),
        3.0.. => format!("It should write about {per_s:.1} tokens a second here, {judged}."),
        1.0.. => format!(
            "It should write only about {per_s:.1} tokens a second here, {judged}. That is too slow for completions."
        ),
        _ => format!(
            "A token should take it about {:.1} seconds here, {judged}. That is too slow for most things.",
            (1.0 / per_s).min(1000.0)
        ),
    })
}

/// Memory for a file of which only the length is known: its weights as they are, and room for the text and the work.
#[must_use]
pub fn need_bytes(bytes: u64) -> u64 {
    (bytes / 10).saturating_mul(11).saturating_add(200_000_000)
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
    fn how_fast_a_model_may_be_follows_from_its_size() {
        let says = |bytes, per_s, part: &str| {
            let sentence = pace(bytes, per_s).unwrap_or_default();
            assert!(sentence.contains(part), "{sentence}");
        };
        says(100_000_000, 5.0e9, "about 50 tokens a second");
        says(1_100_000_000, 2.0e9, "only about 1.8 tokens");
        says(4_000_000_000, 1.0e9, "about 4.0 seconds");
        says(u64::MAX, 1.0, "about 1000.0 seconds");
        for (bytes, per_s) in
            [(100, 0.0), (0, 0.0), (0, 5.0), (100, f64::NAN), (100, f64::INFINITY), (100, -1.0)]
        {
            assert_eq!(pace(bytes, per_s), None, "{bytes} {per_s}");
        }
    }

    #[test]
    fn what_would_crash_is_refused_before_it_is_loaded() {
        assert_eq!(fit(300_000_000, None), Fit::Fits);
        assert_eq!(fit(300_000_000, Some(8.0)), Fit::Fits);
        assert_eq!(fit(1_700_000_000, Some(2.0)), Fit::TooLarge(NO_MEMORY));
        assert!(matches!(fit(1_600_000_000, Some(3.0)), Fit::Tight(_)));
        assert_eq!(fit(4_200_000_000, Some(8.0)), Fit::TooLarge(NO_PAGE));
        assert_eq!(fit(4_200_000_000, None), Fit::TooLarge(NO_PAGE));
        assert_eq!(need_bytes(0), 200_000_000);
        assert_eq!(fit(need_bytes(u64::MAX), None), Fit::TooLarge(NO_PAGE));
    }
}
