//! How a text is cut into pieces before byte pairs are merged inside of each.
//!
//! Models were trained with regular expressions for this. They are few, so each is written out as code that looks at
//! every character once or twice: a backtracking engine needs more room than all of this crate, takes longer than the
//! merging, and gives up on long runs of white space.

use super::letters::is_letter;
use crate::TokenError;

/// A way of cutting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    Gpt2,
    /// Every `\p{N}` alone, and what is between as [`Split::Gpt2`].
    Digits,
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,D}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
    /// \s+(?!\S)|\s+` with this number for D.
    Modern(u8),
}

impl Split {
    /// By the name that stands in the file. Files without one are older than the names and of GPT-2's kind.
    pub(super) fn by_name(name: Option<&str>) -> Result<Self, TokenError> {
        Ok(match name.unwrap_or("default") {
            "default" | "gpt-2" | "phi-2" | "mpt" | "olmo" => Self::Gpt2,
            "smollm" | "starcoder" | "refact" | "codeshell" => Self::Digits,
            "qwen2" | "deepseek-r1-qwen" | "stablelm2" => Self::Modern(1),
            "llama-bpe" | "llama3" | "llama-v3" | "falcon3" => Self::Modern(3),
            other => {
                return Err(TokenError::UnknownSplit(other.chars().take(80).collect()));
            }
        })
    }

    /// Whether a piece that is a token stays whole, whatever merging would make of it: the Llama 3 family.
    pub(super) fn keeps_whole(self) -> bool {
        self == Self::Modern(3)
    }

    /// Pieces of `text` in order; together they are `text`.
    pub(super) fn pieces(self, text: &str) -> Pieces<'_> {
        Pieces { split: self, rest: text, before_number: 0 }
    }
}

/// Iterator over the pieces of a text.
pub(super) struct Pieces<'t> {
    split: Split,
    rest: &'t str,
    /// Bytes of `rest` before the next number, for [`Split::Digits`]; 0 when not known.
    before_number: usize,
}

impl<'t> Iterator for Pieces<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let first = self.rest.chars().next()?;
        let len = match self.split {
            Split::Gpt2 => gpt2(self.rest, first),
            Split::Modern(digits) => modern(self.rest, first, digits.into()),
            Split::Digits if class(first) == Class::Number => first.len_utf8(),
            Split::Digits => {
                if self.before_number == 0 {
                    self.before_number = self.rest.find(char::is_numeric).unwrap_or(self.rest.len());
                }
                let len = gpt2(&self.rest[..self.before_number], first);
                self.before_number -= len;
                len
            }
        };
        let (piece, rest) = self.rest.split_at(len);
        self.rest = rest;
        Some(piece)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Number,
    Space,
    Other,
}

fn class(c: char) -> Class {
    if is_letter(c) {
        Class::Letter
    } else if c.is_numeric() {
        Class::Number
    } else if c.is_whitespace() {
        Class::Space
    } else {
        Class::Other
    }
}

fn class_at(text: &str, at: usize) -> Option<Class> {
    text[at..].chars().next().map(class)
}

/// End of the run of characters of one class from `from` on.
fn run(text: &str, from: usize, of: Class) -> usize {
    text[from..].find(|c| class(c) != of).map_or(text.len(), |len| from + len)
}

/// Length of the first piece of `text`, which begins with `first`.
fn gpt2(text: &str, first: char) -> usize {
    if let Some(len) = contraction(text, false) {
        return len;
    }
    let start = usize::from(first == ' ');
    match class_at(text, start) {
        None | Some(Class::Space) => white(text),
        Some(class) => run(text, start, class),
    }
}

fn modern(text: &str, first: char, digits: usize) -> usize {
    if let Some(len) = contraction(text, true) {
        return len;
    }
    let kind = class(first);
    if kind == Class::Number {
        let numbers = text.char_indices().take(digits).take_while(|&(_, c)| class(c) == Class::Number);
        return numbers.last().map_or(0, |(at, c)| at + c.len_utf8());
    }
    // One character that is no line end may stand before letters.
    let lead = if kind == Class::Letter { 0 } else { first.len_utf8() };
    if !matches!(first, '\r' | '\n') && class_at(text, lead) == Some(Class::Letter) {
        return run(text, lead, Class::Letter);
    }
    let start = usize::from(first == ' ');
    if class_at(text, start) == Some(Class::Other) {
        let end = run(text, start, Class::Other);
        return text[end..].find(|c| !matches!(c, '\r' | '\n')).map_or(text.len(), |len| end + len);
    }
    match text[..run(text, 0, Class::Space)].rfind(['\r', '\n']) {
        Some(last) => last + 1,
        None => white(text),
    }
}

/// White space; where something follows, its last character is left for that, unless it is all there is.
fn white(text: &str) -> usize {
    let end = run(text, 0, Class::Space);
    if end == text.len() {
        return end;
    }
    match text[..end].char_indices().next_back() {
        Some((last, _)) if last > 0 => last,
        _ => end,
    }
}

/// Length of an English contraction at the start: an apostrophe and s, t, m, d, re, ve or ll.
fn contraction(text: &str, any_case: bool) -> Option<usize> {
    let rest = text.strip_prefix('\'')?;
    let fold = |c: char| match c {
        // The one character beyond ASCII that is equal to one of these but for case.
        'ſ' if any_case => 's',
        _ if any_case => c.to_ascii_lowercase(),
        _ => c,
    };
    let mut chars = rest.chars();
    let (first, second) = (chars.next()?, chars.next());
    match (fold(first), second.map(fold)) {
        ('s' | 't' | 'm' | 'd', _) => Some(1 + first.len_utf8()),
        ('r' | 'v', Some('e')) | ('l', Some('l')) => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(split: Split, text: &str) -> Vec<&str> {
        split.pieces(text).collect()
    }

    #[test]
    fn pieces_are_those_of_the_expressions() {
        let text = "I'LL don't  x=12345;\r\n\r\n\t\tfoo  ";
        assert_eq!(
            cut(Split::Gpt2, text),
            ["I", "'", "LL", " don", "'t", " ", " x", "=", "12345", ";", "\r\n\r\n\t", "\t", "foo", "  "]
        );
        assert_eq!(
            cut(Split::Digits, text),
            [
                "I",
                "'",
                "LL",
                " don",
                "'t",
                " ",
                " x",
                "=",
                "1",
                "2",
                "3",
                "4",
                "5",
                ";",
                "\r\n\r\n\t",
                "\t",
                "foo",
                "  "
            ]
        );
        assert_eq!(
            cut(Split::Modern(3), text),
            ["I", "'LL", " don", "'t", " ", " x", "=", "123", "45", ";\r\n\r\n", "\t", "\tfoo", "  "]
        );
        assert_eq!(cut(Split::Digits, "a  1 "), ["a", "  ", "1", " "]);
        assert_eq!(cut(Split::Modern(1), " 12"), [" ", "1", "2"]);
    }

    #[test]
    fn names_that_are_not_known_are_named() {
        assert_eq!(Split::by_name(Some("smollm")), Ok(Split::Digits));
        assert_eq!(Split::by_name(None), Ok(Split::Gpt2));
        assert_eq!(Split::by_name(Some("tekken")), Err(TokenError::UnknownSplit("tekken".into())));
    }
}
