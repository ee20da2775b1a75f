//! Lines of a text, and cutting long stretches of them where a reader would.

use std::ops::Range;

/// Stretches up to this many lines stay whole. The evaluation showed that whole functions are found better than halves.
const MAX_LINES: usize = 80;
/// Where a longer stretch is cut: the best place up to here.
const CUT_LINES: usize = 60;
/// A cut leaves at least this many lines before it.
const MIN_LINES: usize = 20;
/// Stretches up to this many bytes stay whole, however few lines they have.
const MAX_BYTES: usize = 16 * 1024;

/// Where the lines of a text begin.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<u32>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut starts = vec![0];
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            at += 1;
            if byte == b'\n' || (byte == b'\r' && bytes.get(at) != Some(&b'\n')) {
                starts.push(at as u32);
            }
        }
        if starts.last().copied() == Some(bytes.len() as u32) && starts.len() > 1 {
            starts.pop();
        }
        Self { text, starts }
    }

    /// Number of lines.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The line that holds a byte.
    pub(crate) fn of(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start as usize <= byte) - 1
    }

    /// Bytes of whole lines.
    pub(crate) fn bytes(&self, lines: &Range<usize>) -> Range<u32> {
        let end = self.starts.get(lines.end).copied().unwrap_or(self.text.len() as u32);
        self.starts.get(lines.start).copied().unwrap_or(end)..end
    }

    /// Text of one line.
    pub(crate) fn get(&self, line: usize) -> &'a str {
        let bytes = self.bytes(&(line..line + 1));
        &self.text[bytes.start as usize..bytes.end as usize]
    }

    /// True when nothing but white space stands in a line.
    pub(crate) fn is_blank(&self, line: usize) -> bool {
        self.get(line).trim().is_empty()
    }

    /// Columns before the first character; a tab counts as four.
    fn indent(&self, line: usize) -> usize {
        let blank = self.get(line).chars().take_while(|c| *c == ' ' || *c == '\t');
        blank.map(|c| if c == '\t' { 4 } else { 1 }).sum()
    }
}

/// Lines that close something or go on with it never begin a chunk.
fn continues(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(['}', ')', ']']) || ["end", "else", "elif", "except", "finally", "catch"].iter().any(|word| {
        line.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

/// Cut a stretch of lines into pieces that are not too long, without blank lines at their ends. A cut stands before a
/// line with as little indentation as possible, best after a blank one: between two statements of the body.
pub(crate) fn split(lines: &Lines<'_>, range: Range<usize>) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut rest = range;
    loop {
        while rest.start < rest.end && lines.is_blank(rest.start) {
            rest.start += 1;
        }
        while rest.start < rest.end && lines.is_blank(rest.end - 1) {
            rest.end -= 1;
        }
        if rest.is_empty() {
            return pieces;
        }
        let bytes = lines.bytes(&rest);
        let long = (bytes.end - bytes.start) as usize > MAX_BYTES && rest.len() > 1;
        if rest.len() <= MAX_LINES && !long {
            pieces.push(rest);
            return pieces;
        }
        let cut = best_cut(lines, &rest);
        let mut piece = rest.start..cut;
        while lines.is_blank(piece.end - 1) {
            piece.end -= 1;
        }
        pieces.push(piece);
        rest.start = cut;
    }
}

fn best_cut(lines: &Lines<'_>, range: &Range<usize>) -> usize {
    let mut last = (range.start + CUT_LINES).min(range.end - 1);
    while last > range.start + 1 {
        let bytes = lines.bytes(&(range.start..last));
        if (bytes.end - bytes.start) as usize <= MAX_BYTES {
            break;
        }
        last -= 1;
    }
    let first = (range.start + MIN_LINES).min(last);
    let cost = |line: &usize| {
        let line = *line;
        let after_blank = line > 0 && lines.is_blank(line - 1);
        let awkward = lines.is_blank(line) || continues(lines.get(line));
        (awkward, lines.indent(line) - usize::from(after_blank && lines.indent(line) > 0), !after_blank, last - line)
    };
    (first..=last).min_by_key(cost).unwrap_or(last)
}
