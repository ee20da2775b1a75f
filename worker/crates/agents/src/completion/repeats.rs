//! What a text says that was said already: by what surrounds it, or by itself.

use super::place::{is_word, line_around};

/// Lines above that a text is compared with.
const MAX_ABOVE: usize = 6;

/// Whether a line says enough for its return to be a repetition: `}` and `end` come back everywhere.
fn says_something(line: &str) -> bool {
    line.chars().filter(|c| is_word(*c)).count() >= 4
}

/// Lines with the byte at which each begins.
pub(super) fn lines_at(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split('\n').map(move |line| {
        let start = at;
        at += line.len() + 1;
        (start, line)
    })
}

/// Times that a part of a name comes back before it is a circle.
const NAME_ROUNDS: usize = 4;

/// Where a text begins to go in circles: before the second of three equal lines, or before a name that says a part of
/// itself over and over.
pub(super) fn end_of_loop(text: &str) -> Option<usize> {
    match (end_before_equal_lines(text), endless_name(text)) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Where the first name begins that says a part of itself [`NAME_ROUNDS`] times on end, as `assert_eq_eq_eq_eq` does.
/// Numbers may, and rows of one sign.
fn endless_name(text: &str) -> Option<usize> {
    let mut at = 0;
    for name in text.split_inclusive(|c| !is_word(c)) {
        let start = at;
        at += name.len();
        if !name.starts_with(|c: char| c.is_ascii_digit()) && is_endless(name.as_bytes()) {
            return Some(start);
        }
    }
    None
}

fn is_endless(name: &[u8]) -> bool {
    (2..=name.len() / NAME_ROUNDS).any(|period| {
        let mut run = 0;
        (period..name.len()).any(|i| {
            run = if name[i] == name[i - period] { run + 1 } else { 0 };
            let part = &name[i + 1 - period..=i];
            run >= (NAME_ROUNDS - 1) * period
                && part.iter().any(u8::is_ascii_alphabetic)
                && part.iter().any(|&byte| byte != part[0])
        })
    })
}

fn end_before_equal_lines(text: &str) -> Option<usize> {
    let lines: Vec<(usize, &str)> =
        lines_at(text).map(|(at, line)| (at, line.trim())).filter(|(_, line)| !line.is_empty()).collect();
    for (i, (_, line)) in lines.iter().enumerate() {
        let mut again = lines[i + 1..].iter().enumerate().filter(|(_, (_, other))| other == line);
        let (Some((first, &(at, _))), Some((second, _))) = (again.next(), again.next()) else { continue };
        if says_something(line) || (first, second) == (0, 1) {
            return Some(at);
        }
    }
    None
}

/// The first line behind the one of the caret that has something on it.
fn line_below(behind: &str) -> Option<&str> {
    behind.split('\n').skip(1).find(|line| !line.trim().is_empty())
}

/// Where a text begins to say what stands below the caret's line.
pub(super) fn start_of_suffix(before: &str, behind: &str, text: &str) -> Option<usize> {
    let below = line_below(behind).map(str::trim_end).filter(|line| says_something(line))?;
    let (line, rest) = line_around(before, behind);
    if !rest.trim().is_empty() {
        return None;
    }
    lines_at(text)
        .find(|&(at, own)| match at {
            0 => below.strip_prefix(line) == Some(own.trim_end()),
            _ => own.trim_end() == below,
        })
        .map(|(at, _)| at)
}

/// Whether a text says the lines right above again.
pub(super) fn says_prefix_again(before: &str, text: &str) -> bool {
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let whole = format!("{}{text}", &before[start..]);
    let filled = |line: &&str| !line.trim().is_empty();
    let mut above: Vec<&str> =
        before[..start].lines().rev().map(str::trim_end).filter(filled).take(MAX_ABOVE).collect();
    above.reverse();
    let own: Vec<&str> = whole.lines().map(str::trim_end).filter(filled).take(MAX_ABOVE).collect();
    // A line that was there before and only opens a block is none of the text's.
    let own = if text.starts_with('\n') { own.get(1..).unwrap_or_default() } else { &own[..] };
    let above = if text.starts_with('\n') && filled(&&before[start..]) {
        above.push(before[start..].trim_end());
        &above[..]
    } else {
        &above[..]
    };
    (1..=own.len().min(above.len()))
        .any(|n| own[..n] == above[above.len() - n..] && own[..n].iter().any(|line| says_something(line)))
}

/// Lengths of the ends of `text` that are also beginnings of `rest`, longest first, where that is no accident.
pub(super) fn overlaps(text: &str, rest: &str) -> Vec<usize> {
    let whole = rest.trim_end().len();
    rest.char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .filter(|&len| len <= whole && text.ends_with(&rest[..len]))
        .filter(|&len| {
            // Words are the same whole or not at all.
            let inside =
                |text: &str, at: usize| text[..at].ends_with(is_word) && text[at..].starts_with(is_word);
            !inside(rest, len) && !inside(text, text.len() - len)
        })
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect()
}
