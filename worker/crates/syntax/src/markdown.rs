//! Markdown by its headings, found line by line: a section begins at a heading and ends before the next.

use std::ops::Range;

use crate::chunk::{Chunk, ChunkKind, Symbol, SymbolKind};
use crate::split::{Lines, split};

struct Heading {
    level: usize,
    name: Range<usize>,
    line: usize,
}

/// Headings outside fenced code, `# like this` or underlined.
fn headings(lines: &Lines<'_>) -> Vec<Heading> {
    let mut found = Vec::new();
    let mut fence: Option<(u8, usize)> = None;
    for line in 0..lines.len() {
        let raw = lines.get(line);
        let trimmed = raw.trim();
        let mark = trimmed.bytes().next().filter(|byte| matches!(byte, b'`' | b'~'));
        let run = mark.map_or(0, |mark| trimmed.bytes().take_while(|byte| *byte == mark).count());
        match (fence, mark) {
            (Some((open, len)), Some(mark)) if mark == open && run >= len && trimmed.len() == run => fence = None,
            (None, Some(mark)) if run >= 3 => fence = Some((mark, run)),
            _ => {}
        }
        if fence.is_some() || run >= 3 {
            continue;
        }
        let start = lines.bytes(&(line..line + 1)).start as usize;
        let level = trimmed.bytes().take_while(|byte| *byte == b'#').count();
        let rest = &trimmed[level..];
        if (1..=6).contains(&level) && (rest.is_empty() || rest.starts_with([' ', '\t'])) {
            let name = rest.trim().trim_end_matches('#').trim_end();
            if !name.is_empty() {
                let at = start + raw.find(name).unwrap_or(0);
                found.push(Heading { level, name: at..at + name.len(), line });
            }
        } else if line > 0
            && !trimmed.is_empty()
            && (trimmed.bytes().all(|b| b == b'=') || (trimmed.len() > 1 && trimmed.bytes().all(|b| b == b'-')))
        {
            let above = lines.get(line - 1);
            let name = above.trim();
            let known = found.last().is_some_and(|heading: &Heading| heading.line + 1 >= line);
            if !name.is_empty() && !known && name.starts_with(|c: char| c.is_alphanumeric()) {
                let at = lines.bytes(&(line - 1..line)).start as usize + above.find(name).unwrap_or(0);
                let level = if trimmed.starts_with('=') { 1 } else { 2 };
                found.push(Heading { level, name: at..at + name.len(), line: line - 1 });
            }
        }
    }
    found
}

/// Chunks and symbols of a Markdown text.
pub(crate) fn analyse(text: &str) -> (Vec<Chunk>, Vec<Symbol>) {
    let lines = Lines::new(text);
    let headings = headings(&lines);
    let mut symbols: Vec<Symbol> = Vec::with_capacity(headings.len());
    let mut open: Vec<(usize, u32)> = Vec::new();
    let mut chunks = Vec::new();
    let mut push = |range: Range<usize>, symbol: &str, kind: Option<SymbolKind>| {
        for piece in split(&lines, range) {
            chunks.push(Chunk {
                kind: ChunkKind::Section,
                symbol: symbol.to_owned(),
                symbol_kind: kind,
                bytes: lines.bytes(&piece),
                lines: piece.start as u32..piece.end as u32,
            });
        }
    };
    push(0..headings.first().map_or(lines.len(), |heading| heading.line), "", None);
    for (number, heading) in headings.iter().enumerate() {
        while open.last().is_some_and(|(level, _)| *level >= heading.level) {
            open.pop();
        }
        let names: Vec<&str> = open.iter().map(|(_, at)| symbols[*at as usize].name.as_str()).collect();
        let container = names.join(".");
        let name = text[heading.name.clone()].to_owned();
        let next = headings.get(number + 1).map_or(lines.len(), |next| next.line);
        let end = headings[number + 1..].iter().find(|h| h.level <= heading.level).map_or(lines.len(), |h| h.line);
        let path = if container.is_empty() { name.clone() } else { format!("{container}.{name}") };
        push(heading.line..next, &path, Some(SymbolKind::Heading));
        symbols.push(Symbol {
            name,
            kind: SymbolKind::Heading,
            container,
            bytes: lines.bytes(&(heading.line..end)),
            name_bytes: heading.name.start as u32..heading.name.end as u32,
            parent: open.last().map(|(_, at)| *at),
            depth: open.len() as u16,
        });
        open.push((heading.level, number as u32));
    }
    (chunks, symbols)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_follow_headings_and_fences_hide_them() {
        let text = "intro\n\n# One\ntext\n```sh\n# no heading\n```\n## Two ##\nmore\n\nThree\n-----\nend\n";
        let (chunks, symbols) = analyse(text);
        let names: Vec<(&str, &str, u16)> =
            symbols.iter().map(|s| (s.name.as_str(), s.container.as_str(), s.depth)).collect();
        assert_eq!(names, [("One", "", 0), ("Two", "One", 1), ("Three", "One", 1)]);
        let lines: Vec<(u32, u32, &str)> =
            chunks.iter().map(|c| (c.lines.start, c.lines.end, c.symbol.as_str())).collect();
        assert_eq!(lines, [(0, 1, ""), (2, 7, "One"), (7, 9, "One.Two"), (10, 13, "One.Three")]);
        assert_eq!(&text[symbols[1].name_bytes.start as usize..symbols[1].name_bytes.end as usize], "Two");
    }
}
