//! Where a completion may be asked at all, and how far it goes.

use super::scan::{Mode, Scanner, indent_of};
use super::signs::{Signs, signs};

/// How far a completion goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the end of the line.
    Line,
    /// Over several lines, up to the first that is indented less than this.
    Block {
        /// Columns.
        least: usize,
    },
}

/// A place for a completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// How far.
    pub reach: Reach,
    /// Texts that end what is to be written.
    pub stop: Vec<String>,
    /// Indentation of what opened the block, `None` where it was opened further up.
    pub(super) opened_at: Option<usize>,
    /// The caret is in a comment or a string.
    pub(super) in_text: bool,
    pub(super) signs: &'static Signs,
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The line before the caret, and what stands behind it on the line.
pub(super) fn line_around<'b, 'a>(before: &'b str, behind: &'a str) -> (&'b str, &'a str) {
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (&before[start..], behind.split('\n').next().unwrap_or_default())
}

/// The last line with something on it, without the one of the caret.
fn line_above(before: &str) -> &str {
    let start = before.rfind('\n').unwrap_or(0);
    before[..start].lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// Whether a line opens a block: the next one stands deeper.
fn opens(signs: &Signs, line: &str) -> bool {
    // A comment behind does not change it. Signs in strings are seldom followed by an opening one.
    let cut = signs.line.iter().filter_map(|sign| line.rfind(&format!(" {sign}"))).min();
    let code = line[..cut.unwrap_or(line.len())].trim();
    let by_bracket = signs.brackets && code.ends_with(['{', '(', '[']);
    let by_word = |word: &&str| {
        code.strip_suffix(*word).is_some_and(|rest| rest.is_empty() || rest.ends_with(|c: char| !is_word(c)))
    };
    let by_first = |word: &&str| {
        code.strip_prefix(*word).is_some_and(|rest| rest.starts_with(' ')) && !code.ends_with(" end")
    };
    by_bracket
        || signs.colon && code.ends_with(':')
        || signs.last_words.iter().any(by_word)
        || signs.first_words.iter().any(by_first)
}

/// Whether something may be asked between these two texts, and how far it goes. `sees_behind` says whether the model
/// is given what stands behind the caret.
#[must_use]
pub fn place(language: &str, before: &str, behind: &str, sees_behind: bool) -> Option<Place> {
    let signs = signs(language);
    let (line, rest) = line_around(before, behind);
    if behind.starts_with(is_word) || before.trim().is_empty() {
        return None;
    }
    // A model that does not see them would write them again, or something else.
    let only_closes = rest.chars().all(|c| c.is_whitespace() || ")]}>\"'`;,:".contains(c));
    if !only_closes && !sees_behind {
        return None;
    }
    let mut scanner = Scanner::new(signs);
    scanner.feed(before);
    let in_text = scanner.mode != Mode::Code;
    let place = |reach, opened_at, stop: &[&str]| Place {
        reach,
        stop: stop.iter().map(|&text| text.to_owned()).collect(),
        opened_at,
        in_text,
        signs,
    };
    let to_line = || Some(place(Reach::Line, None, &["\n"]));
    let between_brackets = line.ends_with('{') && rest.trim_start().starts_with('}');
    if in_text || !rest.trim().is_empty() && !between_brackets {
        return to_line();
    }
    // More than one empty line ends everything.
    let stop = ["\n\n\n"];
    if line.trim().is_empty() {
        let above = line_above(before);
        let (indent, outer) = (indent_of(line), indent_of(above));
        return match opens(signs, above) {
            true if indent > outer => Some(place(Reach::Block { least: indent }, Some(outer), &stop)),
            // The indentation is still to be written.
            true if indent == 0 => Some(place(Reach::Block { least: outer + 1 }, Some(outer), &stop)),
            _ if indent > 0 => Some(place(Reach::Block { least: indent }, None, &stop)),
            _ => to_line(),
        };
    }
    if opens(signs, line) {
        let indent = indent_of(line);
        return Some(place(Reach::Block { least: indent + 1 }, Some(indent), &stop));
    }
    to_line()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` is the caret.
    fn reach(language: &str, text: &str) -> Option<Reach> {
        let (before, behind) = text.split_once('|').unwrap();
        place(language, before, behind, true).map(|place| place.reach)
    }

    #[test]
    fn how_far_it_goes_is_decided_by_the_place() {
        let block = |least| Some(Reach::Block { least });
        let cases = [
            ("python", "def f(x):|\n", block(1)),
            ("python", "def f(x):  # why|\n", Some(Reach::Line)),
            ("python", "def f(x):\n    |\n", block(4)),
            ("python", "def f(x):\n|\n", block(1)),
            ("python", "def f(x):\n    y = 1\n    |\n", block(4)),
            ("python", "def f(x):\n    y = |\n", Some(Reach::Line)),
            ("python", "def f(x):\n    y = 1\n\n|\n", Some(Reach::Line)),
            ("python", "d = {'a': 1}\nfor k in d|", Some(Reach::Line)),
            ("python", "x = \"a:|", Some(Reach::Line)),
            ("rust", "fn f() {|}\n", block(1)),
            ("rust", "fn f() {\n    |\n}\n", block(4)),
            ("rust", "    let x = f(|)\n", Some(Reach::Line)),
            ("javascript", "const f = () => {|\n", block(1)),
            ("ruby", "def f|\n", block(1)),
            ("ruby", "xs.each do\n  |\nend\n", block(2)),
            ("lua", "if x then|\n", block(1)),
            ("shell", "for f in *; do\n\t|\ndone\n", block(4)),
            ("yaml", "a:\n  |", block(2)),
            ("plaintext", "Dear|", Some(Reach::Line)),
        ];
        for (language, text, wanted) in cases {
            assert_eq!(reach(language, text), wanted, "{language}: {text:?}");
        }
    }

    #[test]
    fn nothing_is_asked_inside_a_word_or_in_an_empty_file() {
        for text in ["fo|o", "|foo()", "x = a|b", "|", "\n  |", "x.|y"] {
            assert_eq!(reach("python", text), None, "{text:?}");
        }
        for text in ["foo|", "foo|(x)", "x.| + y"] {
            assert!(reach("python", text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn a_model_that_sees_nothing_behind_is_asked_before_closing_signs_only() {
        let asked = |behind: &str| place("c", "x = f(a, ", behind, false).is_some();
        for behind in ["", ");\n}", ")", "  \nint y;", "\");"] {
            assert!(asked(behind), "{behind:?}");
        }
        for behind in [" + 1;", "(b)", "=="] {
            assert!(!asked(behind), "{behind:?}");
        }
    }
}
