//! Edits of a text, and how to take them back.

use std::ops::Range;

use thiserror::Error;

/// Replace a range of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Bytes of the text before any of the edits.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

/// Why edits do not fit a text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EditError {
    /// A range lies outside the text or cuts a character.
    #[error("an edit at {start}..{end} does not fit the text")]
    Range {
        /// First byte.
        start: usize,
        /// First byte after.
        end: usize,
    },
    /// Two edits overlap or stand out of order.
    #[error("edits overlap or are out of order at byte {0}")]
    Order(usize),
}

/// Apply edits that are in order and do not overlap.
///
/// # Errors
/// See [`EditError`]; the text is not changed then.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for Edit { range, text: new } in edits {
        if range.start < at {
            return Err(EditError::Order(range.start));
        }
        let outside = EditError::Range { start: range.start, end: range.end };
        text.get(range.clone()).ok_or(outside)?;
        out.push_str(text.get(at..range.start).ok_or(outside)?);
        out.push_str(new);
        at = range.end;
    }
    out.push_str(&text[at..]);
    Ok(out)
}

/// The edits that turn `apply(text, edits)` back into `text`.
///
/// # Errors
/// As [`apply`].
pub fn invert(text: &str, edits: &[Edit]) -> Result<Vec<Edit>, EditError> {
    apply(text, edits)?;
    let (mut grown, mut shrunk) = (0, 0);
    Ok(edits
        .iter()
        .map(|edit| {
            let start = edit.range.start + grown - shrunk;
            grown += edit.text.len();
            shrunk += edit.range.len();
            Edit { range: start..start + edit.text.len(), text: text[edit.range.clone()].to_owned() }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn edits_that_do_not_fit_are_refused() {
        let edit = |range: Range<usize>| Edit { range, text: "x".into() };
        assert_eq!(apply("abc", &[edit(2..9)]), Err(EditError::Range { start: 2, end: 9 }));
        assert_eq!(apply("ä", &[edit(1..1)]), Err(EditError::Range { start: 1, end: 1 }));
        assert_eq!(apply("abc", &[edit(1..2), edit(0..1)]), Err(EditError::Order(0)));
    }

    proptest! {
        #[test]
        fn an_edit_can_be_taken_back(
            text in "[a-z\\u{e4}\\u{1f600}\\n]{0,30}",
            cuts in prop::collection::vec((0usize..40, 0usize..6, "[A-Z\\u{e4}]{0,4}"), 0..5),
        ) {
            let mut edits: Vec<Edit> = Vec::new();
            let mut cuts = cuts;
            cuts.sort();
            for (start, len, new) in cuts {
                let range = start..start + len;
                if text.get(range.clone()).is_some() && edits.last().is_none_or(|e| e.range.end <= start) {
                    edits.push(Edit { range, text: new });
                }
            }
            let edited = apply(&text, &edits).unwrap();
            let back = apply(&edited, &invert(&text, &edits).unwrap()).unwrap();
            prop_assert_eq!(back, text);
        }
    }
}
