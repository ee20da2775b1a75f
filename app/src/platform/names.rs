//! Names that only a browser's tables of Unicode can compare.

use std::collections::HashMap;

use js_sys::JsString;

/// Two paths that look the same because Unicode writes their characters in more than one way, for instance `é` as one
/// character and as `e` with an accent. On some systems the two are one file.
#[must_use]
pub fn look_alike<'a>(paths: impl Iterator<Item = &'a str>) -> Option<(String, String)> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    // Paths of ASCII alone have one form only, and they are nearly all.
    for path in paths.filter(|path| !path.is_ascii()) {
        let composed = String::from(JsString::from(path).normalize("NFC"));
        if let Some(first) = seen.insert(composed, path) {
            return Some((first.to_owned(), path.to_owned()));
        }
    }
    None
}
