//! Media queries: screen size, colour scheme, contrast, motion.

/// Does the query match now? False where there is no window.
#[must_use]
pub fn matches(query: &str) -> bool {
    web_sys::window()
        .and_then(|window| window.match_media(query).ok().flatten())
        .is_some_and(|list| list.matches())
}
