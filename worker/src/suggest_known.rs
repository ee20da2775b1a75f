//! Completions that were found before: for places that come back, and for a person who types what one says.

use std::collections::VecDeque;

use protocol::{Suggested, Suggestion};

use crate::suggest::At;

/// Answers kept.
const MAX_ANSWERS: usize = 64;
/// Bytes around the caret that a place is known by, beside the lengths of all before and all behind.
const NEAR_BYTES: usize = 2 << 10;
/// Closing signs that the editor may have put behind the caret while somebody typed.
const CLOSING: &str = ")]}\"'`";
/// Most of those.
const MAX_CLOSING: usize = 3;

/// What was answered at a place.
pub(crate) struct Answer {
    model: String,
    path: String,
    before: String,
    before_len: usize,
    behind: String,
    behind_len: usize,
    wanted: u32,
    suggested: Suggested,
}

impl Answer {
    pub(crate) fn new(model: String, at: &At, wanted: u32, suggested: Suggested) -> Self {
        let (before, behind) = at.text.split_at(at.caret);
        let near = before.ceil_char_boundary(before.len().saturating_sub(NEAR_BYTES));
        Self {
            model,
            path: at.path.clone(),
            before: before[near..].to_owned(),
            before_len: before.len(),
            behind: behind[..behind.floor_char_boundary(NEAR_BYTES.min(behind.len()))].to_owned(),
            behind_len: behind.len(),
            wanted,
            suggested,
        }
    }

    /// What was typed since, and whether closing signs came behind it; `None` at another place.
    fn typed_since<'a>(&self, at: &'a At) -> Option<(&'a str, bool)> {
        let (before, behind) = at.text.split_at_checked(at.caret)?;
        let (old, typed) = before.split_at_checked(self.before_len)?;
        let more = behind.len().checked_sub(self.behind_len)?;
        let (closing, rest) = behind.split_at_checked(more)?;
        let is_here = at.path == self.path
            && more <= MAX_CLOSING
            && closing.chars().all(|c| CLOSING.contains(c))
            && old.ends_with(&self.before)
            && rest.starts_with(&self.behind);
        is_here.then_some((typed, more > 0))
    }
}

/// What is known of a place.
pub(crate) struct Found {
    /// The rest of what was answered there.
    pub(crate) answer: Suggested,
    /// Nothing was typed since.
    pub(crate) is_exact: bool,
    /// The editor put closing signs behind the caret since.
    pub(crate) is_closed_behind: bool,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Known(VecDeque<Answer>);

impl Known {
    pub(crate) fn put(&mut self, answer: Answer) {
        self.0.retain(|known| {
            (known.before_len, known.behind_len) != (answer.before_len, answer.behind_len)
                || (&known.path, &known.model) != (&answer.path, &answer.model)
                || (&known.before, &known.behind) != (&answer.before, &answer.behind)
        });
        self.0.push_front(answer);
        self.0.truncate(MAX_ANSWERS);
    }

    /// What was found at this place, or what is left of it after what was typed since. Answers to questions for fewer
    /// texts do not count.
    pub(crate) fn find(&self, model: &str, at: &At, wanted: u32) -> Option<Found> {
        self.0.iter().filter(|known| known.model == model && known.wanted >= wanted).find_map(|known| {
            let (typed, is_closed_behind) = known.typed_since(at)?;
            let is_exact = typed.is_empty() && !is_closed_behind;
            let mut answer = known.suggested.clone();
            if !is_exact {
                let left = |known: Suggestion| {
                    let text = known.text.strip_prefix(typed).filter(|text| !text.is_empty())?;
                    Some(Suggestion { text: text.to_owned(), ..known })
                };
                answer.texts = answer.texts.into_iter().filter_map(left).collect();
                if answer.texts.is_empty() {
                    return None;
                }
            }
            Some(Found { answer, is_exact, is_closed_behind })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` is the caret.
    fn at(path: &str, text: &str) -> At {
        let caret = text.find('|').unwrap();
        At::new(path.into(), "python".into(), text.replacen('|', "", 1), caret)
    }

    fn suggestion(text: &str) -> Suggestion {
        Suggestion { text: text.into(), replaces: 0 }
    }

    fn known(text: &str, wanted: u32, texts: &[&str]) -> Known {
        let texts = texts.iter().map(|&text| suggestion(text)).collect();
        let mut known = Known::default();
        let suggested = Suggested { texts, ..Suggested::default() };
        known.put(Answer::new("m".into(), &at("a.py", text), wanted, suggested));
        known
    }

    fn found(known: &Known, text: &str) -> Option<Vec<String>> {
        let texts = |found: Found| found.answer.texts.into_iter().map(|known| known.text).collect();
        known.find("m", &at("a.py", text), 1).map(texts)
    }

    #[test]
    fn who_types_what_is_suggested_keeps_the_rest() {
        let known = known("x = |\ny = 2", 2, &["call(a)", "count"]);
        assert_eq!(found(&known, "x = |\ny = 2").unwrap(), ["call(a)", "count"]);
        assert_eq!(found(&known, "x = c|\ny = 2").unwrap(), ["all(a)", "ount"]);
        assert_eq!(found(&known, "x = call(|\ny = 2").unwrap(), ["a)"]);
        // The editor closed the bracket.
        let closed = known.find("m", &at("a.py", "x = call(|)\ny = 2"), 1).unwrap();
        assert!(closed.is_closed_behind && !closed.is_exact);
    }

    #[test]
    fn another_place_another_file_and_another_model_know_nothing_of_it() {
        let known = known("x = |\ny = 2", 1, &["call(a)"]);
        for text in [
            "x = d|\ny = 2",
            "x = call(a)|\ny = 2",
            "z = |\ny = 2",
            "x = |\ny = 3",
            "x =| \ny = 2",
            "|",
            "x = |a\ny = 2",
        ] {
            assert_eq!(found(&known, text), None, "{text:?}");
        }
        assert!(known.find("m", &at("b.py", "x = |\ny = 2"), 1).is_none());
        assert!(known.find("n", &at("a.py", "x = |\ny = 2"), 1).is_none());
        assert!(known.find("m", &at("a.py", "x = |\ny = 2"), 2).is_none());
    }

    #[test]
    fn that_nothing_was_found_is_known_too_but_of_that_place_alone() {
        let known = known("x = |", 1, &[]);
        assert_eq!(found(&known, "x = |"), Some(Vec::new()));
        assert_eq!(found(&known, "x = a|"), None);
    }

    #[test]
    fn the_oldest_go_first_and_a_place_is_kept_once() {
        let mut known = Known::default();
        for round in 0..2 {
            for n in 0..MAX_ANSWERS + 5 {
                let suggested =
                    Suggested { texts: vec![suggestion(&round.to_string())], ..Suggested::default() };
                known.put(Answer::new("m".into(), &at("a.py", &format!("x{n} = |")), 1, suggested));
            }
        }
        assert_eq!(known.0.len(), MAX_ANSWERS);
        assert_eq!(found(&known, "x4 = |"), None);
        assert_eq!(found(&known, "x68 = |").unwrap(), ["1"]);
    }
}
