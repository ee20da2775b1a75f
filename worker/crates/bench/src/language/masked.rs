//! Lines that are taken out of real files, for a model to write again.

use crate::set::Source;

/// Most lines out of one file, so that long files do not decide.
const PER_FILE: usize = 3;
/// Characters of a line without the space around it.
const LEN: std::ops::RangeInclusive<usize> = 10..=100;
/// Bytes that must stand before it.
const BEFORE: usize = 200;

/// A line that was taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked<'s> {
    /// The file.
    pub path: &'s str,
    /// Its place, from 1.
    pub line: usize,
    /// Everything before it, its indentation included.
    pub before: &'s str,
    /// The line without its indentation and the space at its end.
    pub expected: &'s str,
    /// Everything behind it, from the line break on.
    pub behind: &'s str,
}

impl Masked<'_> {
    /// The file with something else in the place of the line.
    #[must_use]
    pub fn with(&self, text: &str) -> String {
        format!("{}{text}{}", self.before, self.behind)
    }
}

/// Some lines of code, chosen by hashes, so that every machine takes the same. `is_usable` judges a whole file.
pub fn choose<'s>(
    files: &'s [Source],
    num: usize,
    mut is_usable: impl FnMut(&Source) -> bool,
) -> Vec<Masked<'s>> {
    let mut lines: Vec<([u8; 32], usize, Masked<'s>)> = Vec::new();
    for (file, source) in files.iter().enumerate() {
        for masked in lines_of(source) {
            let key = blake3::hash(format!("{}:{}", masked.path, masked.line).as_bytes());
            lines.push((*key.as_bytes(), file, masked));
        }
    }
    lines.sort_unstable_by_key(|line| line.0);
    let mut taken = vec![0; files.len()];
    let mut usable: Vec<Option<bool>> = vec![None; files.len()];
    let mut chosen = Vec::new();
    for (_, file, masked) in lines {
        if chosen.len() == num {
            break;
        }
        if taken[file] < PER_FILE && *usable[file].get_or_insert_with(|| is_usable(&files[file])) {
            taken[file] += 1;
            chosen.push(masked);
        }
    }
    chosen
}

fn lines_of(source: &Source) -> impl Iterator<Item = Masked<'_>> {
    let (path, text) = (source.path.as_str(), source.text.as_str());
    let mut at = 0;
    text.split_inclusive('\n').enumerate().filter_map(move |(i, line)| {
        let start = at;
        at += line.len();
        let expected = line.trim();
        let from = start + line.len() - line.trim_start().len();
        let is_comment = ["#", "//", "/*", "*", "\"", "'"].iter().any(|sign| expected.starts_with(sign));
        let is_code = expected.chars().filter(|c| c.is_alphanumeric()).count() * 2 > expected.len();
        let fits = LEN.contains(&expected.chars().count()) && from >= BEFORE;
        (fits && is_code && !is_comment).then(|| Masked {
            path,
            line: i + 1,
            before: &text[..from],
            expected,
            behind: &text[from + expected.len()..],
        })
    })
}

/// How alike two texts are: 1 for the same, 0 where every character must change.
#[must_use]
pub fn similarity(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let longer = a.len().max(b.len());
    if longer == 0 {
        return 1.0;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, right) in b.iter().enumerate() {
            let cost = (corner + usize::from(left != right)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    1.0 - row[b.len()] as f64 / longer as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_counts_edits() {
        for (a, b, wanted) in [
            ("", "", 1.0),
            ("abc", "abc", 1.0),
            ("abc", "", 0.0),
            ("kitten", "sitting", 1.0 - 3.0 / 7.0),
            ("aä", "ab", 0.5),
        ] {
            assert!((similarity(a, b) - wanted).abs() < 1e-9, "{a} {b}");
            assert!((similarity(b, a) - wanted).abs() < 1e-9, "{b} {a}");
        }
    }

    #[test]
    fn lines_are_code_and_put_together_again() {
        let head = "# nothing but a comment that is long enough\n".repeat(8);
        let text = format!(
            "{head}def f(x):\n    value = x + 1  \n    # why it is so, at length\n    )]}}\n    return value\n\n\ny = f(1)\n"
        );
        let file = |path: &str| Source { path: path.into(), text: text.clone() };
        let files = [file("a.py"), file("b.py"), file("broken.py")];
        let chosen = choose(&files, 100, |file| file.path != "broken.py");
        assert_eq!(chosen.len(), 4);
        for masked in &chosen {
            assert_eq!(masked.with(masked.expected), text);
            assert!(["value = x + 1", "return value"].contains(&masked.expected), "{}", masked.expected);
            assert!(
                masked.before.ends_with("    ") && masked.behind.trim_start_matches(' ').starts_with('\n')
            );
        }
        assert_eq!(choose(&files, 3, |file| file.path != "broken.py"), chosen[..3]);
    }
}
