//! The plain reference: BM25 with a simple splitting of words, MiniLM on the chunk's path and text, and the reciprocal
//! rank fusion of both with equal weights. It stays as simple as it is, so that its figures stay comparable.

use rustc_hash::FxHashMap;

use crate::cache::{DIM, VectorCache};
use crate::set::{EvalSet, Span};

const STOP: &str = "a an the of to in for and or is are be with from by on at as if it its this that into when return \
                    returns given";

/// The reference over one set.
#[derive(Debug)]
pub struct Plain {
    spans: Vec<Span>,
    texts: Vec<String>,
    postings: FxHashMap<String, Vec<(u32, f32)>>,
    lens: Vec<f32>,
}

impl Plain {
    /// Index the set by the reference's own chunks.
    #[must_use]
    pub fn new(set: &EvalSet) -> Self {
        let lines: FxHashMap<&str, Vec<&str>> =
            set.files.iter().map(|f| (f.path.as_str(), f.text.split('\n').collect())).collect();
        let mut plain =
            Self { spans: Vec::new(), texts: Vec::new(), postings: FxHashMap::default(), lens: Vec::new() };
        for span in &set.plain_chunks {
            let Some(lines) = lines.get(span.path.as_str()) else { continue };
            let text = lines.get(span.start as usize - 1..span.end as usize).unwrap_or_default().join("\n");
            let at = plain.spans.len() as u32;
            let mut counts: FxHashMap<String, f32> = FxHashMap::default();
            let mut len = 0.0;
            for word in words(&span.path).into_iter().chain(words(&text)) {
                *counts.entry(word).or_default() += 1.0;
                len += 1.0;
            }
            for (word, count) in counts {
                plain.postings.entry(word).or_default().push((at, count));
            }
            plain.lens.push(len);
            plain.texts.push(format!("{}\n{text}", span.path));
            plain.spans.push(span.clone());
        }
        plain
    }

    /// What the reference embeds, chunk by chunk.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Number of chunks.
    #[must_use]
    pub fn num_chunks(&self) -> usize {
        self.spans.len()
    }

    /// The best 100 chunks by BM25.
    #[must_use]
    pub fn bm25(&self, query: &str) -> Vec<u32> {
        let num = self.lens.len() as f32;
        let average = self.lens.iter().sum::<f32>() / num;
        let mut scores = vec![0.0f32; self.lens.len()];
        let mut asked = words(query);
        asked.sort_unstable();
        asked.dedup();
        for word in &asked {
            let Some(list) = self.postings.get(word) else { continue };
            let idf = (1.0 + (num - list.len() as f32 + 0.5) / (list.len() as f32 + 0.5)).ln();
            for &(at, count) in list {
                let norm = 1.2 * (0.25 + 0.75 * self.lens[at as usize] / average);
                scores[at as usize] += idf * count * 2.2 / (count + norm);
            }
        }
        best(&scores, 0.0)
    }

    /// The vectors of all chunks, one after the other; `None` when one is missing.
    #[must_use]
    pub fn matrix(&self, vectors: &VectorCache) -> Option<Vec<f32>> {
        let mut matrix = Vec::with_capacity(self.texts.len() * DIM);
        for text in &self.texts {
            matrix.extend_from_slice(vectors.get(text)?);
        }
        Some(matrix)
    }

    /// The best 100 chunks by inner product of the query's vector with each row of [`Self::matrix`].
    #[must_use]
    pub fn minilm(&self, query: &[f32], matrix: &[f32]) -> Vec<u32> {
        let dot = |row: &[f32]| {
            let mut sums = [0.0f32; 8];
            for (x, y) in row.as_chunks::<8>().0.iter().zip(query.as_chunks::<8>().0) {
                for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
                    *sum += x * y;
                }
            }
            sums.iter().sum::<f32>()
        };
        best(&matrix.chunks_exact(DIM).map(dot).collect::<Vec<f32>>(), f32::NEG_INFINITY)
    }

    /// Reciprocal rank fusion of two lists.
    #[must_use]
    pub fn rrf(&self, lists: [&[u32]; 2]) -> Vec<u32> {
        let mut sums: FxHashMap<u32, f64> = FxHashMap::default();
        for list in lists {
            for (rank, &at) in list.iter().enumerate() {
                *sums.entry(at).or_default() += 1.0 / (60.0 + rank as f64);
            }
        }
        let mut order: Vec<(u32, f64)> = sums.into_iter().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        order.into_iter().map(|(at, _)| at).collect()
    }

    /// The lines of ten ranked chunks.
    #[must_use]
    pub fn spans(&self, ranked: &[u32]) -> Vec<Span> {
        ranked.iter().take(10).map(|&at| self.spans[at as usize].clone()).collect()
    }
}

fn best(scores: &[f32], above: f32) -> Vec<u32> {
    let mut order: Vec<u32> = (0..scores.len() as u32).filter(|&at| scores[at as usize] > above).collect();
    order.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]).then(a.cmp(&b)));
    order.truncate(100);
    order
}

/// Runs of letters split at capitals, runs of digits, and runs of letters as a whole where they have parts.
fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        if bytes[at].is_ascii_digit() {
            while at < bytes.len() && bytes[at].is_ascii_digit() {
                at += 1;
            }
            push(&text[start..at], &mut out);
        } else if bytes[at].is_ascii_alphabetic() {
            while at < bytes.len() && bytes[at].is_ascii_alphabetic() {
                at += 1;
            }
            let num_parts = parts(&text[start..at], &mut out);
            if num_parts > 1 {
                push(&text[start..at], &mut out);
            }
        } else {
            at += 1;
        }
    }
    out
}

/// `[A-Z]+(?![a-z])|[A-Z]?[a-z]+`, or all of the word when nothing fits.
fn parts(word: &str, out: &mut Vec<String>) -> usize {
    let bytes = word.as_bytes();
    let (mut at, mut num) = (0, 0);
    while at < bytes.len() {
        let start = at;
        while at < bytes.len() && bytes[at].is_ascii_uppercase() {
            at += 1;
        }
        if at > start && at < bytes.len() {
            // The last capital belongs to the small letters behind it.
            at -= 1;
        }
        if at == start {
            at += usize::from(bytes[at].is_ascii_uppercase());
            while at < bytes.len() && bytes[at].is_ascii_lowercase() {
                at += 1;
            }
        }
        push(&word[start..at], out);
        num += 1;
    }
    num
}

fn push(word: &str, out: &mut Vec<String>) {
    let word = word.to_ascii_lowercase();
    if STOP.split_whitespace().any(|stop| stop == word) {
        return;
    }
    let ending =
        ["ing", "ed", "es", "s"].into_iter().find(|e| word.ends_with(e) && word.len() - e.len() >= 3);
    out.push(word[..word.len() - ending.map_or(0, str::len)].to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_the_reference_does() {
        assert_eq!(
            words("parseHTTPRequests_2 of x"),
            ["parse", "http", "request", "parsehttprequest", "2", "x"]
        );
        assert_eq!(words("ABC AbC Strings"), ["abc", "ab", "c", "abc", "string"]);
    }
}
