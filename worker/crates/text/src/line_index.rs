//! From bytes to lines and UTF-16 columns and back.

use std::ops::Range;

/// A place in a text as editors count it, from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pos {
    /// Zero-based line.
    pub line: u32,
    /// Zero-based UTF-16 code unit in the line.
    pub utf16: u32,
}

/// A stretch of a line in which bytes and UTF-16 code units differ.
#[derive(Clone, Copy, Debug)]
struct Wide {
    /// First byte of a character that is not ASCII, in the text.
    at: u32,
    /// Its length in bytes.
    bytes: u8,
    /// Its length in UTF-16 code units.
    utf16: u8,
    /// How many more bytes than code units all characters before it have, in the whole text.
    saved: u32,
}

impl Wide {
    fn saved_after(&self) -> u32 {
        self.saved + u32::from(self.bytes - self.utf16)
    }
}

/// Where the lines of one text begin, and its characters outside ASCII.
///
/// Lines end after `\n`, `\r\n` or a lone `\r`, as in Monaco. Texts are at most 4 GiB long.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
    wide: Vec<Wide>,
    /// Per line: where its content ends, without the line end.
    ends: Vec<u32>,
}

impl LineIndex {
    /// Index a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let (mut starts, mut ends, mut wide) = (vec![0], Vec::new(), Vec::new());
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'\n' => {
                    ends.push(at as u32);
                    at += 1;
                    starts.push(at as u32);
                }
                b'\r' => {
                    ends.push(at as u32);
                    at += if bytes.get(at + 1) == Some(&b'\n') { 2 } else { 1 };
                    starts.push(at as u32);
                }
                byte if byte < 0x80 => at += 1,
                byte => {
                    let len = if byte >= 0xf0 {
                        4
                    } else if byte >= 0xe0 {
                        3
                    } else {
                        2
                    };
                    let saved = wide.last().map_or(0, Wide::saved_after);
                    wide.push(Wide { at: at as u32, bytes: len, utf16: if len == 4 { 2 } else { 1 }, saved });
                    at += usize::from(len);
                }
            }
        }
        ends.push(bytes.len() as u32);
        Self { starts, wide, ends }
    }

    /// Number of lines; an empty text has one.
    #[must_use]
    pub fn num_lines(&self) -> u32 {
        self.starts.len() as u32
    }

    /// The line that holds this byte; bytes of a line end belong to the line that they end.
    #[must_use]
    pub fn line_of(&self, byte: usize) -> u32 {
        let byte = u32::try_from(byte).unwrap_or(u32::MAX);
        (self.starts.partition_point(|start| *start <= byte) - 1) as u32
    }

    /// Bytes of a line without its line end; empty at the end of the text for a line that is not there.
    #[must_use]
    pub fn line_range(&self, line: u32) -> Range<usize> {
        let line = line as usize;
        match (self.starts.get(line), self.ends.get(line)) {
            (Some(start), Some(end)) => *start as usize..*end as usize,
            _ => self.len()..self.len(),
        }
    }

    fn len(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }

    /// Number of characters outside ASCII that begin before a byte.
    fn num_wide_before(&self, byte: u32) -> usize {
        self.wide.partition_point(|wide| wide.at < byte)
    }

    /// How many more bytes than code units those characters have.
    fn saved_by(&self, num_wide: usize) -> u32 {
        num_wide.checked_sub(1).map_or(0, |last| self.wide[last].saved_after())
    }

    /// Position of a byte. A byte inside a character counts as the character's first; one past the end as the end.
    #[must_use]
    pub fn pos(&self, byte: usize) -> Pos {
        let mut byte = byte.min(self.len()) as u32;
        let line = self.line_of(byte as usize);
        let start = self.starts[line as usize];
        let mut num_wide = self.num_wide_before(byte);
        if let Some(last) = num_wide.checked_sub(1).map(|last| self.wide[last])
            && last.at + u32::from(last.bytes) > byte
        {
            byte = last.at;
            num_wide -= 1;
        }
        let saved = self.saved_by(num_wide) - self.saved_by(self.num_wide_before(start));
        Pos { line, utf16: byte - start - saved }
    }

    /// Byte of a position, clamped to the end of its line and to the end of the text; a position inside a surrogate
    /// pair counts as the begin of the character.
    #[must_use]
    pub fn offset(&self, pos: Pos) -> usize {
        let range = self.line_range(pos.line);
        if pos.line >= self.num_lines() {
            return range.end;
        }
        let start = range.start as u32;
        let first = self.num_wide_before(start);
        let before = self.saved_by(first);
        // Where a character begins, in code units of the line: its bytes less what those before it save.
        let begins = |wide: &Wide| u64::from(wide.at - start - (wide.saved - before));
        let num = self.wide[first..].partition_point(|wide| begins(wide) < u64::from(pos.utf16));
        if let Some(last) = num.checked_sub(1).map(|last| self.wide[first + last])
            && begins(&last) + u64::from(last.utf16) > u64::from(pos.utf16)
        {
            return (last.at as usize).min(range.end);
        }
        let saved = self.saved_by(first + num) - before;
        let byte = u64::from(start) + u64::from(pos.utf16) + u64::from(saved);
        usize::try_from(byte).unwrap_or(usize::MAX).min(range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_end_like_in_monaco() {
        let index = LineIndex::new("a\r\nb\rc\n");
        let lines: Vec<Range<usize>> = (0..index.num_lines()).map(|line| index.line_range(line)).collect();
        assert_eq!(lines, [0..1, 3..4, 5..6, 7..7]);
        assert_eq!(LineIndex::new("").num_lines(), 1);
        assert_eq!(index.line_range(9), 7..7);
    }

    #[test]
    fn characters_outside_ascii_count_as_in_utf16() {
        let index = LineIndex::new("ä😀x\n\u{feff}b");
        assert_eq!(index.pos(2), Pos { line: 0, utf16: 1 });
        assert_eq!(index.pos(6), Pos { line: 0, utf16: 3 });
        assert_eq!(index.pos(4), Pos { line: 0, utf16: 1 }, "inside the emoji");
        assert_eq!(index.offset(Pos { line: 0, utf16: 2 }), 2, "inside the surrogate pair");
        assert_eq!(index.offset(Pos { line: 1, utf16: 1 }), 11);
        assert_eq!(index.offset(Pos { line: 0, utf16: 99 }), 7);
        assert_eq!(index.offset(Pos { line: 9, utf16: 0 }), 12);
    }

    proptest! {
        #[test]
        fn positions_agree_with_counting(text in "[a\\u{e4}\\u{4e2d}\\u{1f600}\\r\\n \\u{feff}]{0,40}") {
            let index = LineIndex::new(&text);
            for (byte, _) in text.char_indices().chain([(text.len(), ' ')]) {
                // Counting from scratch: the slow and obvious way.
                let (mut line, mut start) = (0, 0);
                let bytes = text.as_bytes();
                for at in 0..byte {
                    let ends = bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
                    if ends { line += 1; start = at + 1; }
                }
                let utf16 = text[start..byte].encode_utf16().count() as u32;
                prop_assert_eq!(index.pos(byte), Pos { line, utf16 });
                let inside_line_end = byte > index.line_range(line).end;
                if !inside_line_end {
                    prop_assert_eq!(index.offset(Pos { line, utf16 }), byte);
                }
            }
        }
    }
}
