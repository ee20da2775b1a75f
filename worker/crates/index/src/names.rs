//! Fuzzy ranking of names for quick open: files by path, definitions by symbol.

use std::cmp::Reverse;

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// One name that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameHit {
    /// Which of the given names, by position.
    pub at: usize,
    /// Higher is better.
    pub score: u32,
    /// Characters of the name that match, for highlighting: zero-based, rising, counted in `char`s.
    pub chars: Vec<u32>,
}

/// What kind of names are ranked: it decides which characters begin a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// Paths: a match in the file name counts more.
    Path,
    /// Names of definitions.
    Symbol,
}

/// The best `k` of `names` for what was typed, best first; ties by length, then by what `depth` says of a place (less
/// first), then by order. Case matters only when the typed text has capitals. An empty text fits everything equally, in
/// the given order.
pub fn rank<'a>(
    typed: &str,
    kind: NameKind,
    names: impl Iterator<Item = &'a str>,
    k: usize,
    depth: impl Fn(usize) -> usize,
) -> Vec<NameHit> {
    let config = match kind {
        NameKind::Path => Config::DEFAULT.match_paths(),
        NameKind::Symbol => Config::DEFAULT,
    };
    let mut matcher = Matcher::new(config);
    let typed: String = typed.chars().take(256).collect();
    let pattern = Pattern::new(&typed, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy);
    let mut buf = Vec::new();
    // Best first: score, then the shorter name, then the one that stands less deep, then the earlier one.
    let mut found: Vec<(Reverse<u32>, usize, usize, usize, &str)> = names
        .enumerate()
        .filter_map(|(at, name)| {
            let score = Reverse(pattern.score(Utf32Str::new(name, &mut buf), &mut matcher)?);
            let (len, depth) = if typed.is_empty() { (0, 0) } else { (name.len(), depth(at)) };
            Some((score, len, depth, at, name))
        })
        .collect();
    let order = Ord::cmp;
    if found.len() > k && k > 0 {
        found.select_nth_unstable_by(k - 1, order);
    }
    found.truncate(k);
    found.sort_unstable_by(order);
    found
        .into_iter()
        .map(|(Reverse(score), _, _, at, name)| {
            let mut chars = Vec::new();
            pattern.indices(Utf32Str::new(name, &mut buf), &mut matcher, &mut chars);
            chars.sort_unstable();
            chars.dedup();
            NameHit { at, score, chars }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_win_over_folders_and_positions_are_right() {
        let names = ["sessions/other.py", "requests/sessions.py", "docs/notes.md"];
        let hits = rank("sessions", NameKind::Path, names.iter().copied(), 10, |_| 0);
        assert_eq!(hits.len(), 2);
        let marked: String = names[hits[0].at]
            .chars()
            .enumerate()
            .filter(|(i, _)| hits[0].chars.contains(&(*i as u32)))
            .map(|(_, c)| c)
            .collect();
        assert_eq!(marked, "sessions");
        let hits = rank("rqses", NameKind::Path, names.iter().copied(), 10, |_| 0);
        assert_eq!(hits.iter().map(|h| h.at).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn what_stands_less_deep_comes_first_also_among_more_than_are_wanted() {
        let names = ["get"; 100];
        let hits = rank("get", NameKind::Symbol, names.iter().copied(), 3, |at| 99 - at);
        assert_eq!(hits.iter().map(|hit| hit.at).collect::<Vec<_>>(), [99, 98, 97]);
        let longer = ["get_all", "get"];
        let hits = rank("get", NameKind::Symbol, longer.iter().copied(), 1, |at| at);
        assert_eq!(hits[0].at, 1);
    }

    #[test]
    fn capitals_ask_for_capitals_and_nothing_typed_fits_all() {
        let names = ["getUser", "getuser", "größeÄndern"];
        assert_eq!(rank("gU", NameKind::Symbol, names.iter().copied(), 10, |_| 0).len(), 1);
        assert_eq!(rank("", NameKind::Symbol, names.iter().copied(), 2, |_| 0).len(), 2);
        assert_eq!(rank("grosse", NameKind::Symbol, names.iter().copied(), 0, |_| 0).len(), 0);
    }
}
