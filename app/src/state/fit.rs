//! Whether a language model fits into this device, said before it is loaded.

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
