//! The lines shown under a hit, with what matched marked in UTF-16.

use std::ops::Range;

use protocol::{Highlight, PreviewLine};

/// Longest shown line in UTF-16 code units.
const MAX_UTF16: usize = 400;
/// Lines shown under a hit of the smart search.
const MAX_LINES: usize = 3;
/// Words that mark nothing.
const STOP: &[&str] = &[
    "a", "an", "and", "as", "at", "be", "by", "for", "from", "how", "in", "is", "it", "of", "on", "or",
    "that", "the", "this", "to", "what", "when", "where", "which", "with",
];

/// The query's words in lower case, without endings that code often lacks.
pub(crate) fn words(query: &str) -> Vec<String> {
    let mut words: Vec<String> = query
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() >= 2 && !STOP.contains(&word.as_str()))
        .map(|word| {
            let stem = ["ing", "ed", "es", "s"]
                .iter()
                .find_map(|end| word.strip_suffix(end).filter(|stem| stem.chars().count() >= 4));
            stem.map_or_else(|| word.clone(), str::to_owned)
        })
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Words shorter than this mark only what begins like them: `up` stands in `wake_up` and `wakeUp`, not in `super`.
const SHORT: usize = 4;

/// A word begins at `at`: behind what is no letter or digit, where the case rises, behind an acronym, or between letters
/// and digits.
fn begins_word(line: &str, at: usize) -> bool {
    let Some(before) = line[..at].chars().next_back() else { return true };
    let mut after = line[at..].chars();
    let (Some(first), second) = (after.next(), after.next()) else { return true };
    let ends_acronym = before.is_uppercase() && second.is_some_and(char::is_lowercase);
    !before.is_alphanumeric()
        || before.is_numeric() != first.is_numeric()
        || (first.is_uppercase() && (!before.is_uppercase() || ends_acronym))
}

/// Byte ranges of `line` where one of `words` stands, case folded.
fn matches(line: &str, words: &[String]) -> Vec<Range<usize>> {
    let folded = line.to_lowercase();
    // Folding may change lengths outside ASCII; then nothing is marked rather than something wrong.
    if folded.len() != line.len() {
        return Vec::new();
    }
    let mut found: Vec<Range<usize>> = words
        .iter()
        .flat_map(|word| folded.match_indices(word.as_str()).map(|(at, hit)| at..at + hit.len()))
        .filter(|range| line.is_char_boundary(range.start) && line.is_char_boundary(range.end))
        .filter(|range| range.len() >= SHORT || begins_word(line, range.start))
        .collect();
    found.sort_unstable_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// One line with marks at `ranges` (bytes of the line), cut to a window that shows the first mark.
pub(crate) fn line(number: u32, text: &str, ranges: &[Range<usize>]) -> PreviewLine {
    let text = text.trim_end();
    let mut start = 0;
    if text.len() > MAX_UTF16 {
        start = ranges.first().map_or(0, |range| range.start.saturating_sub(80));
        while !text.is_char_boundary(start) {
            start -= 1;
        }
    }
    let mut shown = String::new();
    let mut num_utf16 = 0;
    for c in text[start..].chars() {
        num_utf16 += c.len_utf16();
        if num_utf16 > MAX_UTF16 {
            break;
        }
        shown.push(c);
    }
    let end = start + shown.len();
    let to_utf16 = |byte: usize| text[start..byte].encode_utf16().count() as u32;
    let highlights = ranges
        .iter()
        .filter(|range| range.start >= start && range.start < end)
        .map(|range| Highlight {
            start_utf16: to_utf16(range.start),
            end_utf16: to_utf16(range.end.min(end)),
        })
        .collect();
    let start_utf16 = text[..start].encode_utf16().count() as u32;
    PreviewLine { line: number, start_utf16, text: shown, highlights }
}

/// The lines of a chunk that say most about the query: those with most of its words, in order; the first line that is
/// not blank when no word stands in the chunk.
pub(crate) fn of_chunk(chunk: &str, first_line: u32, words: &[String]) -> Vec<PreviewLine> {
    let mut best: Vec<(usize, u32, &str, Vec<Range<usize>>)> = Vec::new();
    let mut first_written: Option<(u32, &str)> = None;
    for (number, text) in (first_line..).zip(chunk.lines()) {
        if text.trim().is_empty() {
            continue;
        }
        first_written.get_or_insert((number, text));
        let ranges = matches(text, words);
        if ranges.is_empty() {
            continue;
        }
        let mut distinct: Vec<String> =
            ranges.iter().map(|range| text[range.clone()].to_lowercase()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        best.push((distinct.len(), number, text, ranges));
    }
    best.sort_by_key(|(num, number, ..)| (std::cmp::Reverse(*num), *number));
    best.truncate(MAX_LINES);
    best.sort_by_key(|(_, number, ..)| *number);
    if best.is_empty() {
        return first_written.map(|(number, text)| line(number, text, &[])).into_iter().collect();
    }
    best.iter().map(|(_, number, text, ranges)| line(*number, text, ranges)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_most_words_are_shown_in_order() {
        let chunk = "def connect(self):\n\n    retry = 3\n    # retries the connection\n    x = 1\n";
        let shown = of_chunk(chunk, 10, &words("how to retry connections"));
        let lines: Vec<u32> = shown.iter().map(|l| l.line).collect();
        assert_eq!(lines, [12, 13]);
        assert_eq!(shown[1].highlights.len(), 1);
    }

    #[test]
    fn short_words_mark_only_what_begins_like_them() {
        let marked = |line: &str, query: &str| -> Vec<Range<usize>> { matches(line, &words(query)) };
        assert_eq!(
            marked("pub(super) fn wake_up(cup: Up, keepUp: Uphill)", "up"),
            [19..21, 27..29, 35..37, 39..41]
        );
        assert_eq!(marked("reconnect(ReKey, donkey)", "connect key"), [2..9, 12..15]);
        assert_eq!(marked("épée né", "épée né"), [0..6, 7..10]);
        assert_eq!(marked("HTTPMap remap u16", "map 16"), [4..7, 15..17]);
    }

    #[test]
    fn without_a_match_the_first_written_line_is_shown() {
        let shown = of_chunk("\n\nfn main() {\n}", 0, &words("database"));
        assert_eq!((shown.len(), shown[0].line, shown[0].text.as_str()), (1, 2, "fn main() {"));
    }

    #[test]
    fn marks_are_counted_in_utf16_and_long_lines_are_cut_around_them() {
        let shown = line(0, "😀😀 key", std::slice::from_ref(&(9..12)));
        assert_eq!(shown.highlights, [Highlight { start_utf16: 5, end_utf16: 8 }]);
        let long = format!("{}needle{}", "ä".repeat(2000), "b".repeat(2000));
        let shown = line(0, &long, std::slice::from_ref(&(4000..4006)));
        let units: Vec<u16> = shown.text.encode_utf16().collect();
        assert!(units.len() <= MAX_UTF16);
        let mark = shown.highlights[0];
        let marked = String::from_utf16(&units[mark.start_utf16 as usize..mark.end_utf16 as usize]).unwrap();
        assert_eq!(marked, "needle");
    }

    #[test]
    fn folding_that_changes_length_marks_nothing() {
        assert!(matches("İstanbul", &words("istanbul")).is_empty());
    }
}
