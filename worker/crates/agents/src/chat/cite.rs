//! References of an answer to places of the workspace.
//!
//! A reference is held to what it names: `[7]` among three passages, a file that is not there, a line behind the end of
//! a file stay plain text. Because small models cite badly, code that an answer quotes word for word from a passage is a
//! reference as well, to the lines where it stands.

use std::collections::BTreeSet;
use std::ops::Range;

use super::markdown::{Stretch, stretches};
use super::pack::Numbered;

/// Most references of one answer.
const MAX: usize = 200;
/// Longest code in a line that is looked up.
const MAX_QUOTED: usize = 200;
/// Words of languages, which stand everywhere and mean no place.
const EVERYWHERE: [&str; 46] = [
    "and",
    "any",
    "array",
    "async",
    "await",
    "bool",
    "boolean",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "def",
    "else",
    "enum",
    "err",
    "error",
    "false",
    "fn",
    "for",
    "from",
    "func",
    "function",
    "if",
    "import",
    "int",
    "let",
    "list",
    "map",
    "new",
    "none",
    "not",
    "null",
    "number",
    "object",
    "pub",
    "return",
    "self",
    "str",
    "string",
    "struct",
    "this",
    "true",
    "undefined",
    "var",
    "void",
];
/// Words before the name of what is being defined.
const DEFINES: [&str; 18] = [
    "fn",
    "def",
    "class",
    "struct",
    "enum",
    "trait",
    "interface",
    "type",
    "func",
    "function",
    "const",
    "let",
    "var",
    "static",
    "mod",
    "macro_rules!",
    "impl",
    "module",
];

/// A place that an answer rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cited {
    /// Bytes of the answer that are the reference.
    pub range: Range<usize>,
    /// The file.
    pub path: String,
    /// First line, zero-based.
    pub start_line: u32,
    /// Last line, zero-based, inclusive.
    pub end_line: u32,
}

/// Finds a file of the workspace by what an answer calls it: its path, and its number of lines. `None` when there is
/// none, or more than one.
pub type Lookup<'a> = dyn FnMut(&str) -> Option<(String, u32)> + 'a;

/// The references of an answer, in order, none over another.
#[must_use]
pub fn citations(answer: &str, passages: &[Numbered], file: &mut Lookup<'_>) -> Vec<Cited> {
    let mut found = Found { answer, passages, file, cited: Vec::new() };
    for stretch in stretches(answer) {
        if found.cited.len() >= MAX {
            break;
        }
        match stretch {
            Stretch::Text(range) => {
                found.numbers(range.clone());
                found.paths(range);
            }
            Stretch::Code(outer, inner) => {
                if !found.path_in_code(&outer, &inner) {
                    found.quoted(outer, inner);
                }
            }
            Stretch::Block(outer, inner) => found.block(outer, inner),
        }
    }
    let mut cited = found.cited;
    cited.sort_by_key(|cited| (cited.range.start, cited.range.end));
    let mut end = 0;
    cited.retain(|cited| {
        let is_free = cited.range.start >= end;
        end = if is_free { cited.range.end } else { end };
        is_free
    });
    cited.truncate(MAX);
    cited
}

struct Found<'a, 'f> {
    answer: &'a str,
    passages: &'a [Numbered],
    file: &'a mut Lookup<'f>,
    cited: Vec<Cited>,
}

impl Found<'_, '_> {
    /// `[2]`, `[1, 3]`.
    fn numbers(&mut self, range: Range<usize>) {
        let text = &self.answer[range.clone()];
        for (open, _) in text.match_indices('[') {
            let before = self.answer[..range.start + open].chars().next_back();
            // `items[1]` is code that lacks its backticks.
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ')' | '!')) {
                continue;
            }
            let Some(len) = text[open..].find(']').filter(|len| *len <= 40) else { continue };
            let inside = &text[open + 1..open + len];
            // A link of Markdown goes where it says.
            if text[open + len + 1..].starts_with('(') {
                continue;
            }
            let is_list = inside.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b';' | b' '))
                && inside.bytes().any(|b| b.is_ascii_digit());
            if !is_list {
                continue;
            }
            let base = range.start + open;
            let digits = |b: u8| b.is_ascii_digit();
            let mut parts = Vec::new();
            let mut at = 0;
            for part in inside.split(|c: char| !c.is_ascii_digit()) {
                if !part.is_empty() && part.bytes().all(digits) {
                    parts.push((at, part));
                }
                at += part.len() + 1;
            }
            let is_alone = parts.len() == 1;
            for (at, part) in parts {
                let number = part.parse::<u32>().ok();
                let Some(passage) = self.passages.iter().find(|p| Some(p.number) == number) else { continue };
                let range =
                    if is_alone { base..base + len + 1 } else { base + 1 + at..base + 1 + at + part.len() };
                self.cited.push(whole(range, passage));
            }
        }
    }

    /// `src/a.rs:12`, `src/a.rs:12-20`, `src/a.rs line 12`, and `src/a.rs` alone where lines of it were sent.
    fn paths(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            let Some(path) = next_path(&self.answer[..range.end], at) else { break };
            at = path.end;
            let name = &self.answer[path.clone()];
            let behind = line_behind(&self.answer[path.end..range.end]);
            let cited = match behind {
                Some((len, lines)) => self.place(name, lines, path.start..path.end + len),
                None => self.sent(name).map(|passage| whole(path, passage)),
            };
            if let Some(cited) = cited {
                at = cited.range.end;
                self.cited.push(cited);
            }
        }
    }

    /// Code in a line that is a path, with its lines inside or behind it. True when it was one.
    fn path_in_code(&mut self, outer: &Range<usize>, inner: &Range<usize>) -> bool {
        let text = &self.answer[inner.clone()];
        let Some(path) = next_path(text, 0) else { return false };
        // More than a path is code, in which a path may stand: that is not what it is about.
        if !text[..path.start].trim().is_empty() {
            return false;
        }
        let (name, rest) = (text[path.clone()].to_owned(), &text[path.end..]);
        let cited =
            if let Some((len, lines)) = line_behind(rest).filter(|(len, _)| rest[*len..].trim().is_empty()) {
                let _all_of_it = len;
                self.place(&name, lines, outer.clone())
            } else if !rest.trim().is_empty() {
                None
            } else if let Some((len, lines)) = line_behind(&self.answer[outer.end..]) {
                self.place(&name, lines, outer.start..outer.end + len)
            } else {
                self.sent(&name).map(|passage| whole(outer.clone(), passage))
            };
        let is_path = cited.is_some();
        self.cited.extend(cited);
        is_path
    }

    /// The first passage of a file: its path alone stands for what was sent of it.
    fn sent(&self, name: &str) -> Option<&Numbered> {
        self.passages.iter().find(|p| name.contains(['.', '/']) && is_called(&p.piece.path, name))
    }

    /// A file with its lines, when both are there.
    fn place(&mut self, name: &str, (start, end): (u32, u32), range: Range<usize>) -> Option<Cited> {
        let among: BTreeSet<&str> = self
            .passages
            .iter()
            .map(|p| p.piece.path.as_str())
            .filter(|path| is_called(path, name))
            .collect();
        let full = match among.first() {
            Some(path) if among.len() == 1 || among.contains(name) => {
                if among.contains(name) {
                    name.to_owned()
                } else {
                    (*path).to_owned()
                }
            }
            _ => name.trim_start_matches("./").to_owned(),
        };
        let (path, num_lines) = (self.file)(&full)?;
        let is_there = start >= 1 && start <= end && end <= num_lines;
        is_there.then(|| Cited { range, path, start_line: start - 1, end_line: end - 1 })
    }

    /// Code in a line that stands word for word in a passage.
    fn quoted(&mut self, outer: Range<usize>, inner: Range<usize>) {
        let code = self.answer[inner].trim();
        let name = code.strip_suffix("()").unwrap_or(code);
        let is_everywhere = EVERYWHERE.contains(&name.to_lowercase().as_str());
        if name.len() < 3 || name.len() > MAX_QUOTED || is_everywhere || !name.contains(char::is_alphabetic) {
            return;
        }
        let dotted = name.replace("::", ".");
        if let Some(passage) = self.passages.iter().find(|p| p.piece.symbol == dotted && !dotted.is_empty()) {
            return self.cited.push(whole(outer, passage));
        }
        let mut best: Option<(bool, &Numbered, u32)> = None;
        for passage in self.passages {
            for (line, text) in (passage.piece.start_line..).zip(passage.piece.text.split('\n')) {
                let Some(at) = stands_in(text, name) else { continue };
                let defines =
                    text[..at].split_whitespace().next_back().is_some_and(|word| DEFINES.contains(&word));
                if best.is_none_or(|(known, ..)| defines && !known) {
                    best = Some((defines, passage, line));
                }
            }
        }
        if let Some((_, passage, line)) = best {
            let path = passage.piece.path.clone();
            self.cited.push(Cited { range: outer, path, start_line: line, end_line: line });
        }
    }

    /// A block of code that stands in a passage, but for white space at the ends of lines and blank lines.
    fn block(&mut self, outer: Range<usize>, inner: Range<usize>) {
        let wanted: Vec<&str> =
            self.answer[inner].lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if wanted.iter().map(|line| line.len()).sum::<usize>() < 8 {
            return;
        }
        for passage in self.passages {
            let lines: Vec<(u32, &str)> = (passage.piece.start_line..)
                .zip(passage.piece.text.split('\n').map(str::trim))
                .filter(|(_, line)| !line.is_empty())
                .collect();
            let found =
                lines.windows(wanted.len()).find(|window| window.iter().map(|(_, line)| line).eq(&wanted));
            if let Some([(start_line, _), ..]) = found {
                let end_line = found.and_then(|window| window.last()).map_or(*start_line, |(line, _)| *line);
                let (path, start_line) = (passage.piece.path.clone(), *start_line);
                return self.cited.push(Cited { range: outer, path, start_line, end_line });
            }
        }
    }
}

/// All lines of a passage.
fn whole(range: Range<usize>, passage: &Numbered) -> Cited {
    let piece = &passage.piece;
    Cited { range, path: piece.path.clone(), start_line: piece.start_line, end_line: piece.end_line() }
}

/// Whether a file may be called so: by its path, or by the end of it.
fn is_called(path: &str, name: &str) -> bool {
    let name = name.trim_start_matches("./");
    path == name || path.strip_suffix(name).is_some_and(|rest| rest.ends_with('/'))
}

fn is_path_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '/' | '_' | '-' | '@' | '+' | '~')
}

/// The next run of characters that may be a path: one with a dot or a slash in it.
fn next_path(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    while let Some(start) = text[at..].find(is_path_char).map(|start| at + start) {
        let end = text[start..].find(|c| !is_path_char(c)).map_or(text.len(), |len| start + len);
        // The full stop of a sentence belongs to no path.
        let name = text[start..end].trim_end_matches('.');
        if name.contains(['.', '/']) || text[start..end].chars().next().is_some_and(char::is_uppercase) {
            return Some(start..start + name.len().max(1));
        }
        at = end;
    }
    None
}

/// A number at the beginning, with its length.
fn number(text: &str) -> Option<(usize, u32)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((len, text.get(..len)?.parse().ok()?))
}

/// Lines that are named right behind a path, from one and inclusive, with the length of what names them.
fn line_behind(text: &str) -> Option<(usize, (u32, u32))> {
    let spoken = || {
        let rest = text.trim_start_matches(['`', ' ', ',', '(']);
        let skipped = text.len() - rest.len();
        let word = ["lines ", "line "]
            .into_iter()
            .find(|word| rest.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word)))?;
        (skipped > 0 && skipped <= 4).then_some(skipped + word.len())
    };
    let sign = [":L", ":", "#L"].into_iter().find(|sign| {
        text.strip_prefix(sign).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    let begin = sign.map(str::len).or_else(spoken)?;
    let (len, start) = number(&text[begin..])?;
    let mut at = begin + len;
    let to = ["-L", "–L", "-", "–", " to ", " - ", " – "].into_iter().find_map(|to| {
        let rest = text[at..].strip_prefix(to)?;
        let (len, end) = number(rest)?;
        Some((to.len() + len, end))
    });
    let mut end = start;
    if let Some((len, number)) = to {
        at += len;
        end = number;
    } else if let Some((len, _column)) = text[at..].strip_prefix(':').and_then(number) {
        at += 1 + len;
    }
    // `a.rs:12px` names no line.
    let follows = text[at..].chars().next();
    (!follows.is_some_and(|c| c.is_alphanumeric() || c == '_')).then_some((at, (start, end)))
}

/// Where a name stands in a line with no letter of another name beside it.
fn stands_in(line: &str, name: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let begins = name.starts_with(is_part);
    let ends = name.ends_with(is_part);
    line.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = line[..*at].chars().next_back().is_some_and(is_part);
        let after = line[*at + name.len()..].chars().next().is_some_and(is_part);
        !(begins && before || ends && after)
    })
}

#[cfg(test)]
#[path = "cite_tests.rs"]
mod tests;
