//! The lines of a text with what splitting needs to know about each.

use std::ops::Range;

use text::LineIndex;

/// Depth of a line at which no statement begins.
pub(crate) const NO_BORDER: u16 = u16::MAX;

/// One line.
#[derive(Clone, Copy, Debug)]
struct Line {
    start: u32,
    end: u32,
    /// Bytes that are not white space in all lines before this one.
    weight_before: u32,
    /// Columns before the first byte that is not white space; tabs count four.
    indent: u16,
    /// Depth of the shallowest statement that begins here.
    border: u16,
}

/// The lines of one text.
#[derive(Debug)]
pub(crate) struct Lines {
    lines: Vec<Line>,
    weight: u32,
    index: LineIndex,
    /// Rows of tree-sitter (which ends rows at `\n` only) are lines.
    rows_are_lines: bool,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let index = LineIndex::new(text);
        let bytes = text.as_bytes();
        let num_lines = index.num_lines();
        let mut lines = Vec::with_capacity(num_lines as usize);
        let (mut weight, mut num_feeds) = (0, 0);
        for number in 0..num_lines {
            let range = index.line_range(number);
            let content = &bytes[range.clone()];
            let lead = content.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
            let indent = lead.fold(0_u16, |sum, byte| sum.saturating_add(if *byte == b'\t' { 4 } else { 1 }));
            lines.push(Line {
                start: range.start as u32,
                end: range.end as u32,
                weight_before: weight,
                indent,
                border: NO_BORDER,
            });
            weight += content.iter().filter(|byte| !byte.is_ascii_whitespace()).count() as u32;
            let next = index.line_range(number + 1).start;
            num_feeds += u32::from(next > range.end && bytes.get(next - 1) == Some(&b'\n'));
        }
        Self { lines, weight, index, rows_are_lines: num_feeds + 1 == num_lines }
    }

    pub(crate) fn num(&self) -> u32 {
        self.lines.len() as u32
    }

    /// The line of a place that tree-sitter names by byte and row.
    pub(crate) fn of(&self, byte: usize, row: usize) -> u32 {
        if self.rows_are_lines { (row as u32).min(self.num() - 1) } else { self.index.line_of(byte) }
    }

    /// Bytes from the begin of the first line to the end of the last, without its line end.
    pub(crate) fn bytes(&self, lines: &Range<u32>) -> Range<u32> {
        let first = self.lines.get(lines.start as usize).map_or(0, |line| line.start);
        let last = lines.end.checked_sub(1).and_then(|last| self.lines.get(last as usize));
        first..last.map_or(first, |line| line.end.max(first))
    }

    /// Number of bytes that are not white space.
    pub(crate) fn weight(&self, lines: &Range<u32>) -> u32 {
        let before = |line: u32| self.lines.get(line as usize).map_or(self.weight, |line| line.weight_before);
        before(lines.end).saturating_sub(before(lines.start))
    }

    pub(crate) fn is_blank(&self, line: u32) -> bool {
        self.weight(&(line..line + 1)) == 0
    }

    /// A statement begins on this line, at this depth.
    pub(crate) fn mark_border(&mut self, line: u32, depth: u16) {
        if let Some(line) = self.lines.get_mut(line as usize) {
            line.border = line.border.min(depth);
        }
    }

    /// Without the blank lines at both ends.
    pub(crate) fn trim(&self, mut lines: Range<u32>) -> Range<u32> {
        while lines.start < lines.end && self.is_blank(lines.start) {
            lines.start += 1;
        }
        while lines.start < lines.end && self.is_blank(lines.end - 1) {
            lines.end -= 1;
        }
        lines
    }

    /// Cut lines into pieces that are at most `max_lines` long and weigh at most `max_weight` (a single line may weigh
    /// more), at the shallowest statement or indentation, rather late than early.
    pub(crate) fn split(
        &self,
        lines: Range<u32>,
        max_lines: u32,
        max_weight: u32,
        emit: &mut dyn FnMut(Range<u32>),
    ) {
        let mut rest = self.trim(lines);
        while rest.start < rest.end {
            let mut fits = rest.start + 1;
            while fits < rest.end
                && fits - rest.start < max_lines
                && self.weight(&(rest.start..fits + 1)) <= max_weight
            {
                fits += 1;
            }
            let cut = if fits == rest.end { fits } else { self.best_cut(&rest, fits) };
            emit(self.trim(rest.start..cut));
            rest = self.trim(cut..rest.end);
        }
    }

    /// The best first line of the next piece, when the current one can hold the lines before `fits`.
    fn best_cut(&self, rest: &Range<u32>, fits: u32) -> u32 {
        // Not so early that pieces get tiny: at least 40 % of what fits.
        let earliest = rest.start + ((fits - rest.start) * 2 / 5).max(1);
        let cost = |line: &u32| {
            let at = self.lines[*line as usize];
            let after_blank = self.is_blank(line - 1);
            // A statement first (shallow before deep), then indentation; blank lines decide between equals.
            (at.border, at.indent / 2, !after_blank, u32::MAX - line)
        };
        (earliest..=fits).filter(|line| !self.is_blank(*line)).min_by_key(cost).unwrap_or(fits)
    }
}
