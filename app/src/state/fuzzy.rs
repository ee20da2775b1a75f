//! Subsequence matching for short lists that live in the page: commands, kept workspaces. Paths and symbols are
//! matched by the engine, which knows all of them.

/// What matched and how well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Higher is better; comparable for one needle only.
    pub score: i32,
    /// Matched positions as UTF-16 code units of the haystack, ascending.
    pub positions: Vec<u32>,
}

/// Match `needle` as a case-insensitive subsequence of `haystack`; blanks in the needle are ignored. Starts of words
/// and runs of neighbours score more. An empty needle matches everything with score 0.
#[must_use]
pub fn fuzzy(needle: &str, haystack: &str) -> Option<Match> {
    let wanted: Vec<char> =
        needle.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    let mut positions = Vec::with_capacity(wanted.len());
    let mut score = 0;
    let mut next = 0;
    let mut utf16 = 0u32;
    let mut previous: Option<char> = None;
    let mut last_hit: Option<u32> = None;
    for found in haystack.chars() {
        if next == wanted.len() {
            break;
        }
        if found.to_lowercase().next() == Some(wanted[next]) {
            let starts_word = previous.is_none_or(|p| !p.is_alphanumeric())
                || previous.is_some_and(char::is_lowercase) && found.is_uppercase();
            let neighbour = last_hit.is_some() && last_hit == utf16.checked_sub(1);
            score += 1 + if starts_word { 8 } else { 0 } + if neighbour { 5 } else { 0 };
            positions.push(utf16);
            last_hit = Some(utf16);
            next += 1;
        }
        utf16 += u32::try_from(found.len_utf16()).unwrap_or(1);
        previous = Some(found);
    }
    if next < wanted.len() {
        return None;
    }
    if let Some(first) = positions.first() {
        score -= i32::try_from(*first).unwrap_or(0).min(10);
    }
    Some(Match { score, positions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_needle_matches_everything() {
        assert_eq!(fuzzy("", "Save"), Some(Match { score: 0, positions: vec![] }));
    }

    #[test]
    fn word_starts_beat_scattered_letters() {
        let at_starts = fuzzy("ts", "Toggle Side bar").map(|m| m.score);
        let scattered = fuzzy("ts", "cut paths").map(|m| m.score);
        assert!(at_starts > scattered, "{at_starts:?} {scattered:?}");
    }

    #[test]
    fn missing_letter_does_not_match() {
        assert_eq!(fuzzy("saz", "Save"), None);
        assert_eq!(fuzzy("evas", "Save"), None);
    }

    #[test]
    fn positions_count_utf16_units() {
        let found = fuzzy("b", "😀b").map(|m| m.positions);
        assert_eq!(found, Some(vec![2]));
    }
}
