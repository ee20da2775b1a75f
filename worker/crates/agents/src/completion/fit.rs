//! From what a model wrote to what can stand at a place.

use super::balance::Around;
use super::place::{Place, Reach, is_word, line_around};
use super::repeats::{end_of_loop, lines_at, overlaps, says_prefix_again, start_of_suffix};
use super::scan::indent_of;

/// Why nothing of a text can stand at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dropped {
    /// It is nothing but white space.
    Empty,
    /// It says what stands behind the caret already.
    RepeatsSuffix,
    /// It says again what stands right before.
    RepeatsPrefix,
    /// It closes or opens a bracket that has no partner.
    Brackets,
    /// It goes in circles from its beginning.
    Loops,
}

/// Words that are the whole of what closes a block.
const CLOSING_WORDS: [&str; 4] = ["end", "fi", "done", "esac"];

/// Length of what closes a block at the beginning of a line: brackets with what ends a statement, or a word.
fn closing_len(line: &str) -> usize {
    let start = line.len() - line.trim_start().len();
    let code = &line[start..];
    let len = if code.starts_with([')', ']', '}']) {
        code.find(|c: char| !")]};,".contains(c)).unwrap_or(code.len())
    } else {
        let word = code.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(code.len());
        if CLOSING_WORDS.contains(&&code[..word]) { word } else { return 0 }
    };
    start + len
}

/// Where the place ends in what was written, and whether it was seen to end there.
fn reach_end(place: &Place, before: &str, behind: &str, written: &str) -> (usize, bool) {
    let Reach::Block { least } = place.reach else {
        let end = written.find('\n');
        return (end.unwrap_or(written.len()), end.is_some());
    };
    let (line, rest) = line_around(before, behind);
    let next = behind.split('\n').skip(1).find(|line| !line.trim().is_empty()).unwrap_or_default();
    for (at, own) in lines_at(written) {
        let is_first = at == 0;
        if own.trim().is_empty() || is_first && !line.trim().is_empty() {
            continue;
        }
        let indent = if is_first { indent_of(line) + indent_of(own) } else { indent_of(own) };
        if indent >= least {
            continue;
        }
        // What closes the block belongs to it, unless it is there already.
        let closing = closing_len(own);
        let is_there = rest.trim().is_empty()
            && closing > 0
            && next.starts_with(own[..closing].trim_end_matches([';', ',']));
        if place.opened_at == Some(indent) && closing > 0 && !is_first && !is_there {
            // A sign that belongs to it may still come.
            let is_whole = own.len() > closing || written.len() > at + own.len();
            return (at + closing, is_whole);
        }
        return (at, true);
    }
    (written.len(), false)
}

/// Whether what a model goes on to write can change nothing any more: it may be stopped.
#[must_use]
pub fn is_whole(place: &Place, before: &str, behind: &str, written: &str) -> bool {
    reach_end(place, before, behind, written).1
        || end_of_loop(written).is_some()
        || start_of_suffix(before, behind, &written[..written.rfind('\n').unwrap_or(0)]).is_some()
}

/// What of `written` can be inserted between `before` and `behind`: its beginning, or why nothing. `is_ended` says that
/// the model ended it, and was not stopped in the middle of a line.
///
/// # Errors
/// Why nothing of it is left.
pub(super) fn insertion(
    place: &Place,
    before: &str,
    behind: &str,
    written: &str,
    is_ended: bool,
) -> Result<String, Dropped> {
    let clean = written.find(['\r', '\0']).unwrap_or(written.len());
    let (end, ends_there) = reach_end(place, before, behind, &written[..clean]);
    let mut text = &written[..end];
    if text.trim().is_empty() {
        return Err(Dropped::Empty);
    }
    let is_block = place.reach != Reach::Line;
    let mut is_ended = is_ended || ends_there;
    if let Some(end) = end_of_loop(text) {
        // Half of a line may mean something else.
        let line = text[..end].rfind('\n').unwrap_or(0);
        (text, is_ended) = (text[..line].trim_end(), true);
        if text.is_empty() {
            return Err(Dropped::Loops);
        }
    }
    if let Some(end) = start_of_suffix(before, behind, text) {
        (text, is_ended) = (text[..end].trim_end(), true);
        if text.is_empty() {
            return Err(Dropped::RepeatsSuffix);
        }
    }
    // The last line of a block that was broken off is half of something.
    if is_block
        && !is_ended
        && let Some(end) = text.trim_end().rfind('\n')
    {
        text = &text[..end];
    }
    // And so may be the last word of a line.
    if !is_block && !is_ended {
        text = text.trim_end_matches(is_word);
        if text.trim().is_empty() {
            return Err(Dropped::Empty);
        }
    }
    let around = Around::new(place, before, behind);
    let rest = line_around(before, behind).1;
    let without_rest = |text: &'_ str| {
        let lengths = overlaps(text, rest);
        lengths.into_iter().map(|len| text.len() - len).find(|&end| around.ends_well(&text[..end]))
    };
    if let Some(0) = without_rest(text) {
        return Err(Dropped::RepeatsSuffix);
    }
    let even = around.even(text);
    if let Some(bad_at) = even.bad_at.filter(|_| without_rest(text).is_none()) {
        // Of a line that closes too much what stands before the bracket may hold; of a block, only whole lines.
        let line = text[..bad_at].rfind('\n').filter(|_| is_block);
        text = &text[..line.unwrap_or(bad_at)];
    }
    let mut held = without_rest(text).or(Some(text.len()).filter(|_| around.ends_well(text)));
    if is_block {
        let ends = || even.ends.iter().rev().copied().filter(|&end| end <= text.len());
        held = held.or_else(|| ends().find(|&end| around.ends_well(&text[..end])));
    }
    let held = held.map(|end| &text[..end]);
    let Some(mut text) = held else { return Err(Dropped::Brackets) };
    if rest.trim().is_empty() {
        text = text.trim_end();
    } else if is_block && text.trim_end_matches([' ', '\t']).ends_with(|c| c != '\n') {
        // The bracket behind the caret would stand at the end of the last line.
        return Err(Dropped::Brackets);
    }
    if text.trim().is_empty() {
        let why = if even.bad_at.is_some() { Dropped::Brackets } else { Dropped::RepeatsSuffix };
        return Err(why);
    }
    // What was cut off may have hidden it.
    if let Some(end) = start_of_suffix(before, behind, text) {
        text = text[..end].trim_end();
        if text.is_empty() {
            return Err(Dropped::RepeatsSuffix);
        }
        if !around.ends_well(text) {
            return Err(Dropped::Brackets);
        }
    }
    if says_prefix_again(before, text) {
        return Err(Dropped::RepeatsPrefix);
    }
    Ok(text.to_owned())
}

/// A block without its last line; `None` when there is only one.
#[must_use]
pub fn shorter(text: &str) -> Option<&str> {
    let end = text.trim_end().rfind('\n')?;
    Some(text[..end].trim_end()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::place;
    use super::*;
    use proptest::prelude::*;

    /// `|` is the caret.
    fn fitted(language: &str, text: &str, written: &str) -> Result<String, Dropped> {
        let (before, behind) = text.split_once('|').unwrap();
        let place = place(language, before, behind, true).unwrap();
        insertion(&place, before, behind, written, true)
    }

    #[test]
    fn what_is_written_is_cut_to_its_place() {
        let cases = [
            // To the end of the line.
            ("python", "x = |\n", "f(1)\ny = 2", "f(1)"),
            ("python", "x = |\n", "f(1)   ", "f(1)"),
            // To where the indentation falls below, with what closes the block.
            ("python", "def f(x):|\n", "\n    y = x\n    return y\n\ndef g():", "\n    y = x\n    return y"),
            ("python", "def f(x):\n    |\n", "y = x\n    return y\nprint(1)", "y = x\n    return y"),
            ("rust", "fn f() {|\n", "\n    g();\n}\n\nfn h() {", "\n    g();\n}"),
            ("rust", "fn f() {\n    |\n}\n", "g();\n    h();\n}\n\nfn k() {}", "g();\n    h();"),
            ("javascript", "const f = () => {|\n", "\n  g();\n};\nh();", "\n  g();\n};"),
            ("javascript", "  on(() => {|})", "\n    g();\n  })", "\n    g();\n  "),
            ("ruby", "def f|\n", "\n  1\nend\n\ndef g", "\n  1\nend"),
            ("ruby", "def f\n  |\nend\n", "1\nend\n\ndef g", "1"),
            // What stands behind is not said again.
            ("python", "print(|)\n", "a, b)", "a, b"),
            ("python", "print(|)\n", "g(a)", "g(a)"),
            ("python", "print(|)\n", "g(a))", "g(a)"),
            ("c", "f(|);\n", "a, b);", "a, b"),
            ("c", "s = \"|\";\n", "hello\";", "hello"),
            ("python", "def f():\n    |\n    return total\n", "total = 1\n    return total", "total = 1"),
            // Brackets.
            ("c", "int x = (|\n", "a + b));", "a + b)"),
            ("c", "if (x) {\n  |\n}\n", "f(\"(\");", "f(\"(\");"),
            ("python", "for x in y:\n    |\n", "f(x)\n    g(\n", "f(x)"),
            // Loops.
            (
                "python",
                "def f():\n    |\n",
                "a = 1\n    print(a)\n    print(a)\n    print(a)",
                "a = 1\n    print(a)",
            ),
            ("python", "def f():\n    |\n", "a = 1\n    return on_create_create_create_create_cr", "a = 1"),
            ("plaintext", "Dear |", "reader (you", "reader (you"),
        ];
        for (language, text, written, wanted) in cases {
            assert_eq!(
                fitted(language, text, written).as_deref(),
                Ok(wanted),
                "{language}: {text:?} {written:?}"
            );
        }
    }

    #[test]
    fn what_cannot_stand_there_says_why() {
        let cases = [
            ("python", "x = |\n", "  \n y", Dropped::Empty),
            ("python", "x = 1|\n", "\ny = 2", Dropped::Empty),
            ("python", "def f():\n    |\n    return total\n", "return total\n", Dropped::RepeatsSuffix),
            ("c", "f(|);\n", ");", Dropped::RepeatsSuffix),
            ("python", ")\n    |\n    return total\n", "return total)", Dropped::RepeatsSuffix),
            ("python", "print(alpha)\n|\n", "print(alpha)", Dropped::RepeatsPrefix),
            ("python", "alpha = 1\nbravo = 2\nalpha|\n", " = 1", Dropped::Brackets),
            ("c", "x = |;\n", "f(a", Dropped::Brackets),
            ("c", "s = \"|\";\n", "a\" + b", Dropped::Brackets),
            ("c", "f(a|);\n", "]", Dropped::Brackets),
            ("rust", "g();\n    |\n", "assert_eq_eq_eq_eq_eq_eq", Dropped::Loops),
            ("python", "def f(|\n", "x, on_create_create_create_create_cr", Dropped::Loops),
        ];
        for (language, text, written, why) in cases {
            let got = fitted(language, text, written);
            if text.starts_with("alpha") {
                // The line two above may come back; only what stands right above may not.
                assert_eq!(got.as_deref(), Ok(" = 1"));
            } else {
                assert_eq!(got, Err(why), "{language}: {text:?} {written:?}");
            }
        }
    }

    #[test]
    fn a_block_that_was_broken_off_ends_with_a_whole_line() {
        let (before, behind) = ("def f(x):\n    ", "\n");
        let here = place("python", before, behind, true).unwrap();
        let fit = |is_ended| insertion(&here, before, behind, "y = x\n    retu", is_ended);
        assert_eq!(fit(false).as_deref(), Ok("y = x"));
        assert_eq!(fit(true).as_deref(), Ok("y = x\n    retu"));
        let line = place("python", "x = ", "\n", true).unwrap();
        assert_eq!(insertion(&line, "x = ", "\n", "first + sec", false).as_deref(), Ok("first +"));
        assert_eq!(shorter("a\n  b\n"), Some("a"));
        assert_eq!(shorter("a\n"), None);
    }

    #[test]
    fn it_is_seen_when_nothing_can_change_any_more() {
        let (before, behind) = ("fn f() {", "\n");
        let here = place("rust", before, behind, true).unwrap();
        let whole = |written| is_whole(&here, before, behind, written);
        for written in ["", "\n    g();", "\n    g();\n", "\n    g();\n}"] {
            assert!(!whole(written), "{written:?}");
        }
        for written in ["\n    g();\n}\n", "\n    g();\n} e", "\n    g();\nx"] {
            assert!(whole(written), "{written:?}");
        }
    }

    fn code() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "\n",
            "\n    ",
            "\n        ",
            "(",
            ")",
            "{",
            "}",
            "[",
            "]",
            "\"",
            "'",
            "`",
            "// ",
            "# ",
            "foo",
            "return total",
            " = ",
            "ä",
            "😀",
            ";",
            ":",
            "end",
            "\r",
            "\\",
            "\t",
            "/*",
            "*/",
            "\"\"\"",
            ", ",
        ]);
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    fn language() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["python", "rust", "javascript", "ruby", "yaml", "markdown", "shell", "c"])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn nothing_is_added_and_nothing_left_out_in_the_middle(
            language in language(), before in code(), behind in code(), written in code(), is_ended: bool,
        ) {
            let Some(here) = place(language, &before, &behind, true) else { return Ok(()) };
            let _seen = is_whole(&here, &before, &behind, &written);
            if let Ok(text) = insertion(&here, &before, &behind, &written, is_ended) {
                prop_assert!(written.starts_with(&text));
                prop_assert!(!text.trim().is_empty());
                if here.reach == Reach::Line {
                    prop_assert!(!text.contains('\n'));
                }
            }
        }

        #[test]
        fn the_line_below_never_comes_twice(
            language in language(), before in code(), written in code(), behind in code(),
        ) {
            let behind = format!("\n    return total\n{behind}");
            let Some(here) = place(language, &before, &behind, true) else { return Ok(()) };
            if let Ok(text) = insertion(&here, &before, &behind, &written, true) {
                let whole = format!("{before}{text}");
                prop_assert_ne!(whole.rsplit('\n').next().map(str::trim_end), Some("    return total"));
            }
        }

        #[test]
        fn even_code_stays_even(language in prop::sample::select(vec!["c", "javascript"]), written in code()) {
            let (before, behind) = ("int f() {\n    ", "\n}\n");
            let here = place(language, before, behind, true).unwrap();
            if let Ok(text) = insertion(&here, before, behind, &written, true) {
                let mut scanner = super::super::scan::Scanner::new(here.signs);
                scanner.feed(&format!("{before}{text}{behind}"));
                prop_assert!(scanner.open.is_empty() && scanner.lone.is_empty(), "{:?}", text);
            }
        }
    }
}
