//! A reader that knows, as far as the signs of a language tell, what is code and what is string or comment, and which
//! brackets are open.

use super::signs::{Signs, Tick};

/// Columns that a tab counts for where indentations are compared.
const TAB: usize = 4;

/// What the reader is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Code,
    /// A comment that the line ends.
    LineComment,
    /// A comment that this ends.
    Comment(&'static str),
    /// A string that this ends, or the line.
    Quote(u8),
    /// A string that only this ends.
    Long(&'static str),
}

/// A bracket with the place that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bracket {
    /// The opening one of its kind.
    pub kind: u8,
    /// Indentation of its line.
    pub indent: usize,
    /// Nothing stands before it on its line.
    pub is_first: bool,
    /// Byte in what was fed, all of it together.
    pub at: usize,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Scanner {
    signs: &'static Signs,
    pub mode: Mode,
    indent: usize,
    in_indent: bool,
    at: usize,
    /// Brackets that are open, outermost first.
    pub open: Vec<Bracket>,
    /// Closing ones without a partner in what was fed.
    pub lone: Vec<Bracket>,
    /// Strings that the end of a line broke off.
    pub num_broken: usize,
}

/// Width of the white space at the beginning of a line.
pub(super) fn indent_of(line: &str) -> usize {
    line.bytes().take_while(|b| matches!(b, b' ' | b'\t')).map(|b| if b == b'\t' { TAB } else { 1 }).sum()
}

fn opening(closing: u8) -> u8 {
    match closing {
        b')' => b'(',
        b']' => b'[',
        _ => b'{',
    }
}

impl Scanner {
    pub(super) fn new(signs: &'static Signs) -> Self {
        Self {
            signs,
            mode: Mode::Code,
            indent: 0,
            in_indent: true,
            at: 0,
            open: Vec::new(),
            lone: Vec::new(),
            num_broken: 0,
        }
    }

    /// The same place without what is open: a text that goes on from here is looked at for itself.
    pub(super) fn fresh(&self) -> Self {
        Self { at: 0, open: Vec::new(), lone: Vec::new(), num_broken: 0, ..self.clone() }
    }

    /// Read on. Stops behind the byte at which `until` says so; returns how much was read.
    pub(super) fn feed_until(&mut self, text: &str, mut until: impl FnMut(&Self) -> bool) -> usize {
        let bytes = text.as_bytes();
        let start = self.at;
        let mut i = 0;
        while let Some(&byte) = bytes.get(i) {
            self.at = start + i;
            i += self.step(&bytes[i..], byte);
            if until(self) {
                break;
            }
        }
        let read = i.min(bytes.len());
        self.at = start + read;
        read
    }

    pub(super) fn feed(&mut self, text: &str) {
        self.feed_until(text, |_| false);
    }

    /// Take one sign in; returns its length.
    fn step(&mut self, rest: &[u8], byte: u8) -> usize {
        if byte == b'\n' {
            match self.mode {
                Mode::LineComment => self.mode = Mode::Code,
                Mode::Quote(_) => {
                    self.mode = Mode::Code;
                    self.num_broken += 1;
                }
                _ => {}
            }
            (self.indent, self.in_indent) = (0, true);
            return 1;
        }
        if self.in_indent && matches!(byte, b' ' | b'\t') {
            self.indent += if byte == b'\t' { TAB } else { 1 };
            return 1;
        }
        let is_first = std::mem::take(&mut self.in_indent);
        match self.mode {
            Mode::Code => self.code(rest, byte, is_first),
            Mode::LineComment => 1,
            Mode::Comment(end) if rest.starts_with(end.as_bytes()) => {
                self.mode = Mode::Code;
                end.len()
            }
            Mode::Comment(_) => 1,
            Mode::Quote(_) | Mode::Long(_) if byte == b'\\' && rest.get(1) != Some(&b'\n') => 2,
            Mode::Quote(end) if byte == end => {
                self.mode = Mode::Code;
                1
            }
            Mode::Long(end) if rest.starts_with(end.as_bytes()) => {
                self.mode = Mode::Code;
                end.len()
            }
            Mode::Quote(_) | Mode::Long(_) => 1,
        }
    }

    fn code(&mut self, rest: &[u8], byte: u8, is_first: bool) -> usize {
        let signs = self.signs;
        if let Some((from, to)) = signs.block.iter().find(|(from, _)| rest.starts_with(from.as_bytes())) {
            self.mode = Mode::Comment(to);
            return from.len();
        }
        if let Some(sign) = signs.line.iter().find(|sign| rest.starts_with(sign.as_bytes())) {
            self.mode = Mode::LineComment;
            return sign.len();
        }
        if let Some(sign) = signs.long.iter().find(|sign| rest.starts_with(sign.as_bytes())) {
            self.mode = Mode::Long(sign);
            return sign.len();
        }
        match byte {
            b'"' if signs.double => self.mode = Mode::Quote(b'"'),
            b'\'' => match signs.tick {
                Tick::Quote => self.mode = Mode::Quote(b'\''),
                Tick::Character => return character(rest),
                Tick::Nothing => {}
            },
            b'(' | b'[' | b'{' if signs.brackets => {
                self.open.push(Bracket { kind: byte, indent: self.indent, is_first, at: self.at });
            }
            b')' | b']' | b'}' if signs.brackets => {
                let kind = opening(byte);
                if self.open.last().is_some_and(|open| open.kind == kind) {
                    self.open.pop();
                } else {
                    self.lone.push(Bracket { kind, indent: self.indent, is_first, at: self.at });
                }
            }
            _ => {}
        }
        1
    }
}

/// Length of what begins with `'`: a whole character in quotes, or the sign alone.
fn character(rest: &[u8]) -> usize {
    let inside = if rest.get(1) == Some(&b'\\') { 3 } else { 2 };
    // The longest is `'\u{10ffff}'`; a lifetime is followed by something else before that.
    match rest.iter().take(12).skip(inside).position(|&b| b == b'\'') {
        Some(at) if inside == 3 || at == 0 || rest.get(1).is_some_and(|b| !b.is_ascii()) && at < 4 => {
            inside + at + 1
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::signs::signs;
    use super::*;

    fn after(language: &str, text: &str) -> (String, String, Mode) {
        let mut scanner = Scanner::new(signs(language));
        scanner.feed(text);
        let kinds = |brackets: &[Bracket]| brackets.iter().map(|b| char::from(b.kind)).collect();
        (kinds(&scanner.open), kinds(&scanner.lone), scanner.mode)
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let cases = [
            ("python", "f(\"(\", '[', # {\n x", "(", "", Mode::Code),
            ("python", "x = '''(\n[", "", "", Mode::Long("'''")),
            ("python", "x = 'abc(", "", "", Mode::Quote(b'\'')),
            ("javascript", "f(`${a(`) /* ( */ + \"\\\"(\"", "", "", Mode::Code),
            ("rust", "fn f<'a>(x: &'a [u8]) { let c = '('; let d = '\\''; let e = 'ä';", "{", "", Mode::Code),
            ("rust", "let s = \"a (\n b", "", "", Mode::Long("\"")),
            ("c", "}) // (", "", "{(", Mode::LineComment),
            ("markdown", "a (b [c {", "", "", Mode::Code),
            ("yaml", "a: don't {", "{", "", Mode::Code),
            ("lua", "--[[ ( ]] f(", "(", "", Mode::Code),
        ];
        for (language, text, open, lone, mode) in cases {
            assert_eq!(after(language, text), (open.into(), lone.into(), mode), "{language}: {text}");
        }
    }

    #[test]
    fn a_string_ends_with_its_line() {
        let mut scanner = Scanner::new(signs("c"));
        scanner.feed("char *s = \"abc\nint x[");
        assert_eq!((scanner.num_broken, scanner.open.len()), (1, 1));
    }

    #[test]
    fn the_place_of_a_bracket_is_that_of_its_line() {
        let mut scanner = Scanner::new(signs("c"));
        scanner.feed("a {\n\t  b(\n  }");
        let shown: Vec<(usize, bool)> =
            scanner.open.iter().chain(&scanner.lone).map(|b| (b.indent, b.is_first)).collect();
        assert_eq!(shown, [(0, false), (6, false), (2, true)]);
    }
}
