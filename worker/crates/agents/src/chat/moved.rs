//! Lines that are found again after a file was edited.

use std::collections::HashMap;

/// Remembers the lines of a place: a hash of each, without white space at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anchor(pub Vec<u64>);

/// Letters and digits that some line must have before it is looked for elsewhere: a lone brace stands everywhere.
const TELLING: usize = 6;

/// FNV-1a, which is small and the same in every build.
fn hash(line: &str) -> u64 {
    line.trim_end().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn says_something(line: &str) -> bool {
    line.chars().filter(|c| c.is_alphanumeric()).count() >= TELLING
}

impl Anchor {
    /// Remember these lines.
    #[must_use]
    pub fn of(lines: &[&str]) -> Self {
        Self(lines.iter().map(|line| hash(line)).collect())
    }

    /// The first line of where they stand in `text` now: at `start` when they are still there, else the place nearest to
    /// it. `None` when they stand nowhere any more, or say too little to be told from others.
    #[must_use]
    pub fn find(&self, text: &[&str], start: u32) -> Option<u32> {
        let first = *self.0.first()?;
        let now: Vec<u64> = text.iter().map(|line| hash(line)).collect();
        let stands_at = |at: usize| now.get(at..at + self.0.len()).is_some_and(|lines| lines == self.0);
        if stands_at(start as usize) {
            return Some(start);
        }
        let places = now.iter().enumerate().filter(|(_, hash)| **hash == first).map(|(at, _)| at);
        let found = places.filter(|at| stands_at(*at)).min_by_key(|at| at.abs_diff(start as usize))?;
        let lines = text.get(found..found + self.0.len())?;
        lines.iter().any(|line| says_something(line)).then_some(found as u32)
    }
}

/// Where lines that stood at `start` stand in an edited text, by what most of them that are left say. `None` when none
/// of them is left.
#[must_use]
pub fn align(lines: &[&str], start: u32, text: &[&str]) -> Option<u32> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, line) in text.iter().enumerate().filter(|(_, line)| says_something(line)) {
        places.entry(line.trim()).or_default().push(at);
    }
    let mut votes: HashMap<i64, u32> = HashMap::new();
    for (at, line) in lines.iter().enumerate() {
        // A line that stands in many places says nothing of which.
        for place in places.get(line.trim()).filter(|places| places.len() <= 8).into_iter().flatten() {
            *votes.entry(*place as i64 - at as i64).or_default() += 1;
        }
    }
    let away = |place: i64| (place - i64::from(start)).abs();
    let best = votes.into_iter().max_by_key(|(place, num)| (*num, -away(*place), -*place))?;
    Some(u32::try_from(best.0.max(0)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: [&str; 6] = ["use std::fs;", "", "fn retry() {", "    again();", "}", "}"];

    #[test]
    fn lines_are_found_where_they_went() {
        let anchor = Anchor::of(&TEXT[2..5]);
        assert_eq!(anchor.find(&TEXT, 2), Some(2));
        let mut longer = vec!["// new"; 40];
        longer.extend(TEXT);
        assert_eq!(anchor.find(&longer, 2), Some(42));
        let trailing: Vec<String> = TEXT.iter().map(|line| format!("{line}  ")).collect();
        assert_eq!(anchor.find(&trailing.iter().map(String::as_str).collect::<Vec<_>>(), 2), Some(2));
        let mut edited = TEXT;
        edited[3] = "    once();";
        assert_eq!(anchor.find(&edited, 2), None);
        assert_eq!(anchor.find(&[], 2), None);
        assert_eq!(Anchor::default().find(&TEXT, 0), None);
    }

    #[test]
    fn a_lone_brace_is_not_looked_for_elsewhere() {
        let anchor = Anchor::of(&["}"]);
        assert_eq!(anchor.find(&TEXT, 4), Some(4));
        assert_eq!(anchor.find(&TEXT, 0), None);
    }

    #[test]
    fn most_lines_tell_where_an_edited_piece_is() {
        let edited =
            ["// head of it", "use std::fs;", "", "fn retry_twice() {", "    again();", "    again();", "}"];
        assert_eq!(align(&TEXT, 0, &edited), Some(1));
        assert_eq!(align(&TEXT, 0, &["nothing of this"]), None);
        assert_eq!(align(&[], 0, &edited), None);
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_was_remembered(
            before in proptest::collection::vec("[a-c]{7,8}", 0..20),
            wanted in proptest::collection::vec("[a-c]{7,8}", 1..5),
            after in proptest::collection::vec("[a-c]{7,8}", 0..20),
            start in 0u32..60,
        ) {
            let text: Vec<&str> = before.iter().chain(&wanted).chain(&after).map(String::as_str).collect();
            let lines: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let found = Anchor::of(&lines).find(&text, start).unwrap() as usize;
            prop_assert_eq!(&text[found..found + lines.len()], &lines[..]);
        }
    }
}
