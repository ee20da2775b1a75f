//! The evaluation set and the judging rule.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Why the set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SetErr {
    /// A file cannot be read.
    #[error("{0} cannot be read: {1}. Run e2e/eval/make.py to build the set.")]
    Read(PathBuf, std::io::Error),
    /// A file does not hold what it should.
    #[error("{0} is damaged: {1}. Remove the folder and run e2e/eval/make.py again.")]
    Parse(PathBuf, serde_json::Error),
}

/// A question whose answer is known.
#[derive(Clone, Debug, Deserialize)]
pub struct Question {
    /// What is asked.
    pub query: String,
    /// File of the answer.
    pub path: String,
    /// First line of the answer, 1-based.
    pub start: u32,
    /// Last line of the answer, 1-based, inclusive.
    pub end: u32,
}

/// A run of lines of a file.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Span {
    /// File.
    pub path: String,
    /// First line, 1-based.
    pub start: u32,
    /// Last line, 1-based, inclusive.
    pub end: u32,
    /// Symbol path, where known.
    #[serde(default)]
    pub symbol: String,
}

impl Question {
    /// An answer is right when it overlaps at least half of the asked function, or lies at least half in it.
    #[must_use]
    pub fn is_right(&self, found: &Span) -> bool {
        if found.path != self.path {
            return false;
        }
        let overlap = i64::from(found.end.min(self.end)) - i64::from(found.start.max(self.start)) + 1;
        let shorter = (self.end - self.start).min(found.end.saturating_sub(found.start)) + 1;
        2 * overlap >= i64::from(shorter)
    }

    /// Numbers are chosen on one half of the questions and reported on the other. True for the half to choose on.
    #[must_use]
    pub fn is_for_tuning(&self) -> bool {
        blake3::hash(self.query.as_bytes()).as_bytes()[0] & 1 == 0
    }
}

/// A file of the tree.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path from the root of the tree, `/` between folders.
    pub path: String,
    /// The text.
    pub text: String,
}

/// The tree and the questions.
#[derive(Clone, Debug)]
pub struct EvalSet {
    /// Files by rising path.
    pub files: Vec<Source>,
    /// Questions in the order of the file.
    pub questions: Vec<Question>,
    /// How the plain reference cuts the tree.
    pub plain_chunks: Vec<Span>,
}

impl EvalSet {
    /// Read the set in `folder`.
    pub fn load(folder: &Path) -> Result<Self, SetErr> {
        Ok(Self {
            files: read_tree(&folder.join("repo"))?,
            questions: read_rows(&folder.join("queries.jsonl"))?,
            plain_chunks: read_rows(&folder.join("chunks.jsonl"))?,
        })
    }
}

/// Every file below a folder that is text, by rising path.
pub fn read_tree(root: &Path) -> Result<Vec<Source>, SetErr> {
    let mut files = Vec::new();
    walk(root, root, &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(root: &Path, folder: &Path, out: &mut Vec<Source>) -> Result<(), SetErr> {
    let fail = |err| SetErr::Read(folder.to_owned(), err);
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.is_dir() {
            walk(root, &path, out)?;
        } else {
            let bytes = fs::read(&path).map_err(|err| SetErr::Read(path.clone(), err))?;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let relative = path.strip_prefix(root).unwrap_or(&path);
            out.push(Source { path: relative.to_string_lossy().replace('\\', "/"), text });
        }
    }
    Ok(())
}

/// Read a file of one JSON value a line.
pub fn read_rows<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Vec<T>, SetErr> {
    let text = fs::read_to_string(path).map_err(|err| SetErr::Read(path.to_owned(), err))?;
    text.lines()
        .map(|line| serde_json::from_str(line).map_err(|err| SetErr::Parse(path.to_owned(), err)))
        .collect()
}

/// Quality of ranked answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scores {
    /// Mean of one over the rank of the first right answer among ten; 0 where there is none.
    pub mrr10: f64,
    /// Share of questions whose first answer is right.
    pub recall1: f64,
    /// Share of questions with a right answer among ten.
    pub recall10: f64,
    /// Number of questions.
    pub num: usize,
}

/// Judge one ranked answer a question.
pub fn judge<'a>(questions: impl Iterator<Item = (&'a Question, &'a [Span])>) -> Scores {
    let mut scores = Scores::default();
    for (question, answers) in questions {
        scores.num += 1;
        if let Some(rank) = answers.iter().take(10).position(|found| question.is_right(found)) {
            scores.mrr10 += 1.0 / (rank + 1) as f64;
            scores.recall1 += f64::from(u8::from(rank == 0));
            scores.recall10 += 1.0;
        }
    }
    let num = scores.num.max(1) as f64;
    scores.mrr10 /= num;
    scores.recall1 /= num;
    scores.recall10 /= num;
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_shorter_one_is_enough() {
        let question = Question { query: String::new(), path: "a".into(), start: 11, end: 20 };
        let span = |path: &str, start, end| Span { path: path.into(), start, end, symbol: String::new() };
        for (found, wanted) in [
            (span("a", 11, 20), true),
            (span("b", 11, 20), false),
            (span("a", 1, 15), true),
            (span("a", 1, 14), false),
            (span("a", 15, 16), true),
            (span("a", 20, 21), true),
            (span("a", 21, 22), false),
            (span("a", 1, 10), false),
        ] {
            assert_eq!(question.is_right(&found), wanted, "{found:?}");
        }
    }
}
