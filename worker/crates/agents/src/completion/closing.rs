//! Closing signs that an editor put behind the caret: a text may leave them where they are, or close for itself and go on.

use super::fit::{Dropped, insertion};
use super::place::{Place, Reach, line_around};
use super::scan::Scanner;

/// A text that can stand at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// To insert at the caret.
    pub text: String,
    /// Bytes behind the caret that it stands in place of: all signs on the rest of the line, or none.
    pub replaces: usize,
}

/// What of `written` can stand between `before` and `behind`: its beginning, or why nothing. `is_ended` says that the
/// model ended it, and was not stopped in the middle of a line.
///
/// Who types `def area(self` has a bracket behind the caret that the editor closed. A model that writes `, other):` there
/// closes it itself: with the bracket left alone only `, other` could be shown, and of `):` nothing at all. So where the
/// rest of the line is nothing but closing signs, and a text says all of them and more, it takes their place.
///
/// Gives the longest first. A shorter one is for where that one breaks the file.
///
/// # Errors
/// Why nothing of it is left.
pub fn fit(
    place: &Place,
    before: &str,
    behind: &str,
    written: &str,
    is_ended: bool,
) -> Result<Vec<Fitted>, Dropped> {
    let inserted = insertion(place, before, behind, written, is_ended);
    let rest = line_around(before, behind).1.trim_end();
    let least = inserted.as_ref().map_or(0, String::len) + rest.len();
    let text = closing_itself(place, before, behind, written, is_ended);
    let longer = text.filter(|text| text.len() > least).map(|text| Fitted { text, replaces: rest.len() });
    let shorter = inserted.map(|text| Fitted { text, replaces: 0 });
    match (longer, shorter) {
        (None, Err(why)) => Err(why),
        (longer, shorter) => Ok(longer.into_iter().chain(shorter.ok()).collect()),
    }
}

/// What can stand in place of the rest of the line, where that only closes what a text closes as well.
fn closing_itself(
    place: &Place,
    before: &str,
    behind: &str,
    written: &str,
    is_ended: bool,
) -> Option<String> {
    let rest = line_around(before, behind).1.trim_end();
    let only_closes = rest.starts_with([')', ']', '}']) && rest.chars().all(|c| ")]};,".contains(c));
    if place.reach != Reach::Line || place.in_text || !only_closes {
        return None;
    }
    let text = insertion(place, before, &behind[rest.len()..], written, is_ended).ok()?;
    let closed = |text: &str| {
        let mut scanner = Scanner::new(place.signs);
        scanner.feed(text);
        scanner.lone.iter().map(|bracket| bracket.kind).collect::<Vec<_>>()
    };
    // The editor shows only what is new of it, which it finds by the old signs.
    let mut signs = text.chars();
    let says_all = rest.chars().all(|sign| signs.any(|own| own == sign));
    // What ends a statement or an element has to end it still.
    let ends = rest.trim_start_matches(|sign| !";,".contains(sign));
    (says_all && text.ends_with(ends) && closed(&text) == closed(rest)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::super::place;
    use super::*;
    use proptest::prelude::*;

    /// `|` is the caret.
    fn fitted(language: &str, text: &str, written: &str) -> Result<(String, usize), Dropped> {
        let (before, behind) = text.split_once('|').unwrap();
        let place = place(language, before, behind, false).unwrap();
        fit(&place, before, behind, written, true).map(|mut fits| {
            let first = fits.remove(0);
            (first.text, first.replaces)
        })
    }

    #[test]
    fn what_goes_on_behind_the_closing_signs_takes_their_place() {
        let cases = [
            ("python", "def area(self|)\n", "):\n        return 1", "):", 1),
            ("python", "def eq(self|)\n", ", other) -> bool:", ", other) -> bool:", 1),
            ("python", "x = len(|)\n", "a) + 1", "a) + 1", 1),
            ("javascript", "  on(x, (|));\n", "event) => emit(event));", "event) => emit(event));", 3),
            ("rust", "    let x = f(g(|))\n", "y)).unwrap();", "y)).unwrap();", 2),
            // Nothing more is said than that they are there.
            ("python", "print(|)\n", "a, b)", "a, b", 0),
            ("c", "f(|);\n", "a, b);", "a, b", 0),
            ("python", "print(|)\n", "a, b", "a, b", 0),
            // Not all of them are said.
            ("rust", "    let x = f(g(|))\n", "y)", "y", 0),
            ("c", "f(|);\n", "a) + g(b)", "a", 0),
            // What ends the statement or the element would be lost.
            ("c", "f(|);\n", "a); g(b)", "a", 0),
            ("rust", "    f(|),\n    g(1),\n", "a), h(b)", "a", 0),
            // The bracket is of another pair.
            ("python", "x = f(|)\n", "g(a)", "g(a)", 0),
            // A string is not left.
            ("python", "print(\"|\")\n", "a\") + 1", "a", 0),
        ];
        for (language, text, written, wanted, replaces) in cases {
            assert_eq!(
                fitted(language, text, written),
                Ok((wanted.to_owned(), replaces)),
                "{language}: {text:?} {written:?}"
            );
        }
        assert_eq!(fitted("c", "f(|);\n", ");"), Err(Dropped::RepeatsSuffix));
        let here = place("python", "print(", ")\n", false).unwrap();
        let texts: Vec<String> = fit(&here, "print(", ")\n", "a) if", true)
            .unwrap()
            .into_iter()
            .map(|fitted| fitted.text)
            .collect();
        assert_eq!(texts, ["a) if", "a"]);
    }

    proptest! {
        #[test]
        fn brackets_stay_as_even_as_they_were(written in "[a-c(), ;:\\[\\]]{0,16}", rest in "\\)|\\)\\)\\]?;?") {
            let before = "x = [f(g(a, b";
            let behind = format!("{rest}\n");
            let here = place("c", before, &behind, false).unwrap();
            let open = |text: &str| {
                let mut scanner = Scanner::new(here.signs);
                scanner.feed(text);
                (scanner.open.len(), scanner.lone.len())
            };
            for fitted in fit(&here, before, &behind, &written, true).unwrap_or_default() {
                prop_assert!(written.starts_with(&fitted.text));
                let whole = format!("{before}{}{}", fitted.text, &behind[fitted.replaces..]);
                prop_assert_eq!(open(&whole), open(&format!("{before}{behind}")), "{}", whole);
            }
        }
    }
}
