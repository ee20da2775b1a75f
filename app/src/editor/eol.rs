//! Line endings kept apart from the text, so that a file with mixed endings is written back as it was.
//!
//! The editor works on text whose lines all end in LF. What stood at the end of each line in the file is kept here:
//! one value when all are alike (nearly always), one per line when they are mixed.

use std::borrow::Cow;

/// One kind of line ending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Eol {
    /// `\n`
    #[default]
    Lf,
    /// `\r\n`
    CrLf,
    /// `\r`
    Cr,
}

impl Eol {
    /// The characters themselves.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
            Self::Cr => "\r",
        }
    }

    /// Name for the status bar.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lf => "LF",
            Self::CrLf => "CRLF",
            Self::Cr => "CR",
        }
    }
}

/// The endings of a text, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endings {
    /// All alike; also what a line added later gets.
    Uniform(Eol),
    /// One per line break, and what a line added later gets.
    Mixed {
        /// The most frequent one.
        usual: Eol,
        /// One per line break.
        each: Vec<Eol>,
    },
}

/// A replacement as the endings see it: at `line`, `removed` line breaks went and `added` came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Splice {
    /// Zero-based line in which the replaced range starts.
    pub line: usize,
    /// Line breaks inside the replaced range.
    pub removed: usize,
    /// Line breaks inside the new text.
    pub added: usize,
}

impl Endings {
    /// What a status bar shows.
    #[must_use]
    pub const fn usual(&self) -> Eol {
        match self {
            Self::Uniform(eol) | Self::Mixed { usual: eol, .. } => *eol,
        }
    }

    /// True when not all are alike.
    #[must_use]
    pub const fn is_mixed(&self) -> bool {
        matches!(self, Self::Mixed { .. })
    }

    /// Follow an edit of the text. Splices that reach past the end are cut to it.
    pub fn splice(&mut self, splice: Splice) {
        if let Self::Mixed { usual, each } = self {
            let from = splice.line.min(each.len());
            let to = from.saturating_add(splice.removed).min(each.len());
            each.splice(from..to, std::iter::repeat_n(*usual, splice.added));
        }
    }

    /// Follow an edit that is known only by the texts before and after it.
    pub fn follow(&mut self, before: &str, after: &str) {
        if self.is_mixed() {
            self.splice(difference(before, after));
        }
    }

    /// Put the endings back into a text whose lines end in LF.
    #[must_use]
    pub fn restore<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self {
            Self::Uniform(Eol::Lf) => Cow::Borrowed(text),
            Self::Uniform(eol) => Cow::Owned(text.replace('\n', eol.as_str())),
            Self::Mixed { usual, each } => {
                let mut out = String::with_capacity(text.len() + each.len());
                for (i, line) in text.split('\n').enumerate() {
                    if i > 0 {
                        out.push_str(each.get(i - 1).unwrap_or(usual).as_str());
                    }
                    out.push_str(line);
                }
                Cow::Owned(out)
            }
        }
    }
}

/// Separate a text from its line endings: the text with LF only, and what stood there.
#[must_use]
pub fn separate(text: &str) -> (Cow<'_, str>, Endings) {
    if !text.contains('\r') {
        return (Cow::Borrowed(text), Endings::Uniform(Eol::Lf));
    }
    let mut out = String::with_capacity(text.len());
    let mut each = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\r', '\n']) {
        out.push_str(&rest[..at]);
        out.push('\n');
        let (eol, len) = match &rest.as_bytes()[at..] {
            [b'\r', b'\n', ..] => (Eol::CrLf, 2),
            [b'\r', ..] => (Eol::Cr, 1),
            _ => (Eol::Lf, 1),
        };
        each.push(eol);
        rest = &rest[at + len..];
    }
    out.push_str(rest);
    let count = |eol| each.iter().filter(|&&e| e == eol).count();
    // The last of several maxima wins: LF when it is a draw.
    let usual = [Eol::Cr, Eol::CrLf, Eol::Lf].into_iter().max_by_key(|&eol| count(eol)).unwrap_or_default();
    let endings =
        if count(usual) == each.len() { Endings::Uniform(usual) } else { Endings::Mixed { usual, each } };
    (Cow::Owned(out), endings)
}

/// The smallest run of whole lines in which two texts differ.
fn difference(before: &str, after: &str) -> Splice {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.split('\n').collect(), after.split('\n').collect());
    let shorter = old.len().min(new.len());
    let head = (0..shorter).take_while(|&i| old[i] == new[i]).count().min(shorter.saturating_sub(1));
    let tail = (0..shorter - head).take_while(|&i| old[old.len() - 1 - i] == new[new.len() - 1 - i]).count();
    // Breaks lie between lines: a run of n lines in the middle replaced by m lines changes n - m breaks.
    let (removed, added) = (old.len() - head - tail, new.len() - head - tail);
    let common = removed.min(added);
    Splice { line: head + common.saturating_sub(1), removed: removed - common, added: added - common }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> String {
        let (lf, endings) = separate(text);
        assert!(!lf.contains('\r'));
        endings.restore(&lf).into_owned()
    }

    #[test]
    fn every_text_comes_back_as_it_was() {
        for text in
            ["", "a", "\n", "\r", "\r\n", "a\r\nb\nc\rd", "\r\r\n\n\r", "a\r\nb\r\n", "é\r\n😀\n", "\n\r"]
        {
            assert_eq!(round(text), text, "{text:?}");
        }
    }

    #[test]
    fn a_windows_file_is_uniform() {
        let (_, endings) = separate("a\r\nb\r\n");
        assert_eq!(endings, Endings::Uniform(Eol::CrLf));
        assert_eq!(endings.restore("a\nb\nc\n"), "a\r\nb\r\nc\r\n");
    }

    #[test]
    fn an_edit_leaves_the_endings_of_other_lines_alone() {
        let (lf, mut endings) = separate("one\r\ntwo\nthree\r\nfour\r\n");
        assert_eq!(lf, "one\ntwo\nthree\nfour\n");
        // "two" is replaced by "2a\n2b": a break comes before the LF of that line.
        endings.splice(Splice { line: 1, removed: 0, added: 1 });
        assert_eq!(endings.restore("one\n2a\n2b\nthree\nfour\n"), "one\r\n2a\r\n2b\nthree\r\nfour\r\n");
        // Lines 1 to 2 are joined again.
        endings.splice(Splice { line: 1, removed: 1, added: 0 });
        assert_eq!(endings.restore("one\n2a2b\nthree\nfour\n"), "one\r\n2a2b\nthree\r\nfour\r\n");
    }

    #[test]
    fn a_splice_past_the_end_is_cut() {
        let (_, mut endings) = separate("a\r\nb\n");
        endings.splice(Splice { line: 99, removed: 99, added: 1 });
        assert_eq!(endings.restore("a\nb\nc\n"), "a\r\nb\nc\n");
    }

    #[test]
    fn a_whole_text_edit_is_followed() {
        let before = "a\nb\nc\nd";
        for (after, want) in [
            ("a\nb\nc\nd", "a\r\nb\nc\r\nd"),
            ("a\nB\nc\nd", "a\r\nB\nc\r\nd"),
            ("a\nb\nc\nx\nd", "a\r\nb\nc\r\nx\r\nd"),
            ("a\nc\nd", "a\r\nc\r\nd"),
            ("", ""),
            ("a\nb\nc\nd\ne", "a\r\nb\nc\r\nd\r\ne"),
        ] {
            let (_, mut endings) = separate("a\r\nb\nc\r\nd");
            endings.follow(before, after);
            let restored = endings.restore(after);
            assert_eq!(restored.replace("\r\n", "\n"), after);
            assert_eq!(restored, want, "{after:?}");
        }
    }
}
