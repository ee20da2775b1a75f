//! Exact text, whole words and regular expressions in one text.
//!
//! The `regex` crate matches in time linear in the text, so no pattern can hang a search; what is bounded here is the
//! size that a pattern may compile to. Literals go through the same engine, which hands them to `memchr`.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

/// Longest pattern in bytes.
const MAX_PATTERN: usize = 4096;
/// Largest compiled program and largest lazy automaton in bytes.
const SIZE_LIMIT: usize = 2 << 20;

/// How the pattern is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The text as it stands.
    Exact,
    /// The text as it stands, with no word character right before or after it.
    Word,
    /// A regular expression; `^` and `$` match at lines, `.` does not match a line end.
    Regex,
}

/// Why a pattern cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GrepErr {
    /// There is nothing to look for.
    #[error("The search text is empty. Type what to look for.")]
    Empty,
    /// The pattern is too long, or compiles to something too large.
    #[error("The pattern is too large. Shorten it or its repetition counts.")]
    TooLarge,
    /// The pattern is no regular expression.
    #[error("The regular expression cannot be read at character {}: {reason}.", .at + 1)]
    Syntax {
        /// Zero-based character of the pattern where reading failed.
        at: usize,
        /// What is wrong there, in lower case and without a full stop.
        reason: String,
    },
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
}

impl Pattern {
    /// Compile `pattern`.
    pub fn new(pattern: &str, mode: Mode, case_sensitive: bool) -> Result<Self, GrepErr> {
        if pattern.is_empty() {
            return Err(GrepErr::Empty);
        }
        if pattern.len() > MAX_PATTERN {
            return Err(GrepErr::TooLarge);
        }
        let source = match mode {
            Mode::Exact => regex::escape(pattern),
            // `\b{start-half}` and `\b{end-half}` ask only for the outer side, so that `->` can be a "word" too.
            Mode::Word => format!(r"\b{{start-half}}(?:{})\b{{end-half}}", regex::escape(pattern)),
            Mode::Regex => pattern.to_owned(),
        };
        if mode == Mode::Regex {
            check_syntax(pattern)?;
        }
        let regex = RegexBuilder::new(&source)
            .case_insensitive(!case_sensitive)
            .multi_line(true)
            .crlf(true)
            .size_limit(SIZE_LIMIT)
            .dfa_size_limit(SIZE_LIMIT)
            .build()
            .map_err(|err| match err {
                regex::Error::CompiledTooBig(_) => GrepErr::TooLarge,
                other => GrepErr::Syntax { at: 0, reason: last_line(&other.to_string()) },
            })?;
        Ok(Self { regex })
    }

    /// Byte ranges of up to `limit` matches that do not overlap, in order. Empty matches (`x*`) are left out.
    #[must_use]
    pub fn find(&self, text: &str, limit: usize) -> Vec<Range<usize>> {
        self.regex.find_iter(text).map(|m| m.range()).filter(|r| !r.is_empty()).take(limit).collect()
    }

    /// True when the text holds a match that is not empty.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.find_iter(text).any(|m| !m.range().is_empty())
    }
}

/// Parse once more by hand to learn where the error stands: `regex::Error` only tells it as a drawing.
fn check_syntax(pattern: &str) -> Result<(), GrepErr> {
    use regex_syntax::ast::parse::Parser;
    let err = match Parser::new().parse(pattern) {
        Err(err) => (err.span().start.offset, err.kind().to_string()),
        Ok(ast) => match regex_syntax::hir::translate::Translator::new().translate(pattern, &ast) {
            Err(err) => (err.span().start.offset, err.kind().to_string()),
            Ok(_) => return Ok(()),
        },
    };
    let at = pattern.get(..err.0).map_or(0, |before| before.chars().count());
    Err(GrepErr::Syntax { at, reason: err.1.trim_end_matches('.').to_owned() })
}

fn last_line(message: &str) -> String {
    let line = message.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(pattern: &str, mode: Mode, case: bool, text: &'a str) -> Vec<&'a str> {
        Pattern::new(pattern, mode, case).unwrap().find(text, 100).into_iter().map(|r| &text[r]).collect()
    }

    #[test]
    fn exact_word_and_regex() {
        assert_eq!(found("a.b", Mode::Exact, true, "a.b axb A.B"), ["a.b"]);
        assert_eq!(found("a.b", Mode::Exact, false, "a.b axb A.B"), ["a.b", "A.B"]);
        assert_eq!(found("get", Mode::Word, true, "get gets get_x (get)"), ["get", "get"]);
        assert_eq!(found("->", Mode::Word, true, "a -> b"), ["->"]);
        assert_eq!(found(r"^fn \w+", Mode::Regex, true, "fn a\r\nx\nfn bc"), ["fn a", "fn bc"]);
        assert_eq!(found("größe", Mode::Exact, false, "GRÖSSE Größe"), ["Größe"]);
        assert_eq!(found("x*", Mode::Regex, true, "abc"), Vec::<&str>::new());
    }

    #[test]
    fn bad_patterns_say_where_and_why() {
        let Err(GrepErr::Syntax { at, reason }) = Pattern::new("é(a", Mode::Regex, true) else {
            panic!("no error")
        };
        assert_eq!((at, reason.as_str()), (1, "unclosed group"));
        assert_eq!(Pattern::new("", Mode::Exact, true).unwrap_err(), GrepErr::Empty);
        assert_eq!(Pattern::new(r"\w{5000}{5000}", Mode::Regex, true).unwrap_err(), GrepErr::TooLarge);
        assert_eq!(Pattern::new(&"a".repeat(5000), Mode::Exact, true).unwrap_err(), GrepErr::TooLarge);
        assert!(matches!(Pattern::new(r"\p{Nope}", Mode::Regex, true), Err(GrepErr::Syntax { .. })));
    }

    #[test]
    fn patterns_that_hang_backtracking_engines_stay_linear() {
        let text = "a".repeat(20_000);
        assert!(Pattern::new("(a+)+$b", Mode::Regex, true).unwrap().find(&text, 10).is_empty());
    }
}
