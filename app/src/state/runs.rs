//! Cutting a text into marked and unmarked runs. Marks are UTF-16 positions, as the protocol and Monaco count them;
//! Rust strings are UTF-8, so this is the one place where the two meet in the page.

use protocol::Highlight;

/// UTF-16 units before a line's first mark that a narrow list has room for, and how many stay where there are more.
const MOST_BEFORE_MARK: u32 = 18;
const KEPT_BEFORE_MARK: u32 = 10;

/// A piece of a text and whether it is marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The piece; never empty.
    pub text: String,
    /// It lies inside a mark.
    pub marked: bool,
}

/// Cut `text` at the borders of `marks`. Marks may overlap, be out of order, lie outside the text or cut a surrogate
/// pair; a character is marked when any of its units is.
#[must_use]
pub fn runs(text: &str, marks: &[Highlight]) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::new();
    let mut utf16 = 0u32;
    for c in text.chars() {
        let end = utf16 + u32::try_from(c.len_utf16()).unwrap_or(1);
        let marked = marks.iter().any(|m| m.start_utf16 < end && utf16 < m.end_utf16);
        match out.last_mut() {
            Some(run) if run.marked == marked => run.text.push(c),
            _ => out.push(Run { text: c.to_string(), marked }),
        }
        utf16 = end;
    }
    out
}

/// The same for single marked positions, as fuzzy matching gives them.
#[must_use]
pub fn runs_at(text: &str, positions: &[u32]) -> Vec<Run> {
    let marks: Vec<Highlight> =
        positions.iter().map(|&p| Highlight { start_utf16: p, end_utf16: p + 1 }).collect();
    runs(text, &marks)
}

/// Drop the first `num_utf16` units (whole characters) of a text and move its marks accordingly.
#[must_use]
pub fn without_indent(text: &str, marks: &[Highlight], num_utf16: u32) -> (String, Vec<Highlight>) {
    let mut cut = 0u32;
    let mut bytes = 0;
    for c in text.chars() {
        if cut >= num_utf16 || !c.is_whitespace() {
            break;
        }
        cut += u32::try_from(c.len_utf16()).unwrap_or(1);
        bytes += c.len_utf8();
    }
    let marks = marks
        .iter()
        .filter(|m| m.end_utf16 > cut)
        .map(|m| Highlight { start_utf16: m.start_utf16.saturating_sub(cut), end_utf16: m.end_utf16 - cut })
        .collect();
    (text.get(bytes..).unwrap_or_default().to_owned(), marks)
}

/// A line whose first mark stands far to the right loses what is before it but for a few characters, so that a narrow
/// list still shows why the line is there.
#[must_use]
pub fn near_first_mark(text: String, marks: Vec<Highlight>) -> (String, Vec<Highlight>) {
    let first = marks.iter().map(|mark| mark.start_utf16).min().unwrap_or(0);
    if first <= MOST_BEFORE_MARK {
        return (text, marks);
    }
    let (mut cut, mut bytes) = (0u32, 0);
    for c in text.chars() {
        if cut + KEPT_BEFORE_MARK >= first {
            break;
        }
        cut += u32::try_from(c.len_utf16()).unwrap_or(1);
        bytes += c.len_utf8();
    }
    // The sign for what is left out takes one unit itself.
    let moved = |at: u32| at.saturating_sub(cut) + 1;
    let marks = marks
        .iter()
        .map(|mark| Highlight { start_utf16: moved(mark.start_utf16), end_utf16: moved(mark.end_utf16) })
        .collect();
    (format!("…{}", text.get(bytes..).unwrap_or_default()), marks)
}

/// Blank units at the start of a line; `None` for a blank line, which says nothing about indentation.
#[must_use]
pub fn indent(text: &str) -> Option<u32> {
    let mut count = 0;
    for c in text.chars() {
        if !c.is_whitespace() {
            return Some(count);
        }
        count += u32::try_from(c.len_utf16()).unwrap_or(1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(start_utf16: u32, end_utf16: u32) -> Highlight {
        Highlight { start_utf16, end_utf16 }
    }

    fn flat(runs: &[Run]) -> Vec<(&str, bool)> {
        runs.iter().map(|r| (r.text.as_str(), r.marked)).collect()
    }

    #[test]
    fn a_line_that_matches_far_on_begins_shortly_before() {
        let cut = |text: &str, marks: &[Highlight]| {
            let (text, marks) = near_first_mark(text.to_owned(), marks.to_vec());
            runs(&text, &marks).into_iter().map(|run| (run.text, run.marked)).collect::<Vec<_>>()
        };
        let far = format!("{}needle rest", "0123456789".repeat(5));
        let expected =
            [("…0123456789".to_owned(), false), ("needle".to_owned(), true), (" rest".to_owned(), false)];
        assert_eq!(cut(&far, &[mark(50, 56)]), expected);
        // A character of two units is kept whole, and the marks behind it stay on theirs.
        let wide = format!("{}needle", "\u{1f4be}".repeat(15));
        assert_eq!(
            cut(&wide, &[mark(30, 36)]),
            [("…".to_owned() + &"\u{1f4be}".repeat(5), false), ("needle".to_owned(), true)]
        );
        let near = "a needle here";
        assert_eq!(
            cut(near, &[mark(2, 8)]),
            [("a ".into(), false), ("needle".into(), true), (" here".into(), false)]
        );
        assert_eq!(cut(&far, &[]), [(far.clone(), false)]);
        assert_eq!(cut("short", &[mark(90, 95)]), [("…".into(), false)]);
    }

    #[test]
    fn splits_at_marks() {
        assert_eq!(
            flat(&runs("let x = 1;", &[mark(4, 5)])),
            [("let ", false), ("x", true), (" = 1;", false)]
        );
    }

    #[test]
    fn counts_utf16_and_keeps_surrogate_pairs_whole() {
        assert_eq!(flat(&runs("a😀b", &[mark(2, 3)])), [("a", false), ("😀", true), ("b", false)]);
        assert_eq!(flat(&runs("😀é", &[mark(2, 3)])), [("😀", false), ("é", true)]);
    }

    #[test]
    fn bad_marks_do_no_harm() {
        assert_eq!(flat(&runs("ab", &[mark(5, 9), mark(1, 1), mark(1, 0)])), [("ab", false)]);
        assert_eq!(flat(&runs("ab", &[mark(1, 9), mark(0, 1)])), [("ab", true)]);
        assert_eq!(runs("", &[mark(0, 1)]), []);
    }

    #[test]
    fn joined_runs_are_the_text() {
        let text = "fn größe() -> 😀 {}";
        for start in 0..20 {
            for end in 0..20 {
                let joined: String = runs(text, &[mark(start, end)]).into_iter().map(|r| r.text).collect();
                assert_eq!(joined, text);
            }
        }
    }

    #[test]
    fn indentation_is_cut_with_its_marks() {
        let (text, marks) = without_indent("    return x", &[mark(11, 12), mark(0, 2)], 4);
        assert_eq!((text.as_str(), marks), ("return x", vec![mark(7, 8)]));
        assert_eq!(without_indent("  x", &[], 4).0, "x");
        assert_eq!((indent("  x"), indent("  "), indent("")), (Some(2), None, None));
    }
}
