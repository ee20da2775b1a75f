//! How much of a question the index knows at all: figures that mean the same in every workspace, unlike fused scores.

use crate::doc::{Layers, Query};
use crate::fuse::Ranked;
use crate::index::Index;
use crate::terms;

/// Chunks that are looked at for the words of a question.
const NUM_LOOKED_AT: usize = 8;
/// What a word counts that is there in another form only: a longer word that begins with it.
const STAND_IN: f32 = 0.5;
/// Words in a question about code that say nothing of which code.
const COMMON: [&str; 154] = [
    "about",
    "add",
    "after",
    "again",
    "all",
    "always",
    "am",
    "any",
    "anything",
    "before",
    "beginner",
    "better",
    "briefly",
    "bug",
    "bugs",
    "can",
    "change",
    "changed",
    "changes",
    "code",
    "could",
    "create",
    "describe",
    "detail",
    "detailed",
    "details",
    "did",
    "different",
    "does",
    "doing",
    "done",
    "each",
    "else",
    "every",
    "everything",
    "exactly",
    "example",
    "examples",
    "explain",
    "fast",
    "file",
    "files",
    "find",
    "fix",
    "function",
    "get",
    "give",
    "good",
    "happen",
    "happened",
    "happens",
    "has",
    "have",
    "help",
    "here",
    "implement",
    "implemented",
    "important",
    "improve",
    "instead",
    "just",
    "kind",
    "know",
    "length",
    "let",
    "like",
    "line",
    "lines",
    "list",
    "long",
    "look",
    "make",
    "many",
    "maybe",
    "me",
    "mean",
    "mistake",
    "more",
    "most",
    "much",
    "my",
    "need",
    "new",
    "not",
    "now",
    "of",
    "once",
    "one",
    "only",
    "other",
    "our",
    "part",
    "please",
    "possible",
    "problem",
    "problems",
    "project",
    "really",
    "refactor",
    "rewrite",
    "right",
    "same",
    "say",
    "see",
    "short",
    "shorter",
    "shortly",
    "should",
    "show",
    "simple",
    "simply",
    "some",
    "something",
    "step",
    "steps",
    "such",
    "summarise",
    "summarize",
    "summary",
    "tell",
    "test",
    "tests",
    "than",
    "them",
    "then",
    "there",
    "they",
    "thing",
    "three",
    "time",
    "times",
    "twice",
    "two",
    "understand",
    "up",
    "use",
    "used",
    "uses",
    "very",
    "want",
    "was",
    "way",
    "ways",
    "who",
    "why",
    "will",
    "without",
    "work",
    "works",
    "write",
    "writes",
    "written",
    "wrong",
    "you",
];

/// What speaks for a question being about this workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Share of the question's words that the best of the found chunks holds, each weighted by how rare it is, 0 to 1.
    pub words: f32,
    /// The same for the best chunks together.
    pub words_together: f32,
    /// Words that were weighed.
    pub num_words: u32,
    /// A found chunk is of a definition all of whose name stands in the question.
    pub names_symbol: bool,
    /// Cosine of the question and the nearest chunk; `None` without vectors.
    pub cosine: Option<f32>,
}

/// A word of the question.
struct Word {
    weight: f32,
    /// Its terms, those of an identifier with several parts; empty when nothing is called so.
    terms: Vec<u32>,
    stand_ins: Vec<u32>,
}

impl Index {
    /// What speaks for the query being about what is indexed. Takes as long as a search.
    #[must_use]
    pub fn evidence(&self, query: &Query<'_>) -> Evidence {
        let ranked = self.ranked(query);
        let list = |layer: Layers| ranked.iter().find(|r: &&Ranked| r.layer == layer).map(|r| &*r.list);
        let words = self.words(query.text);
        let total: f32 = words.iter().map(|word| word.weight).sum();
        let cosine = list(Layers::VECTORS).and_then(|list| list.first()).map(|(score, _)| *score);
        let mut evidence = Evidence { num_words: words.len() as u32, cosine, ..Evidence::default() };
        let mut looked_at: Vec<u32> = Vec::new();
        for layer in [Layers::LEXICAL, Layers::VECTORS, Layers::SYMBOLS] {
            looked_at.extend(list(layer).unwrap_or_default().iter().take(NUM_LOOKED_AT).map(|(_, n)| *n));
        }
        let mut together = vec![0.0f32; words.len()];
        for number in looked_at {
            let Some(forward) = self.lexical.forward(number) else { continue };
            let has = |term: &u32| forward.terms.binary_search_by_key(term, |(t, _)| *t).is_ok();
            let mut held = 0.0;
            for (word, best) in words.iter().zip(&mut together) {
                let share = if !word.terms.is_empty() && word.terms.iter().all(has) {
                    1.0
                } else if word.stand_ins.iter().any(has) {
                    STAND_IN
                } else {
                    0.0
                };
                held += share * word.weight;
                *best = best.max(share);
            }
            evidence.words = evidence.words.max(held / total.max(f32::MIN_POSITIVE));
            evidence.names_symbol |= self.is_named(number, query.text);
        }
        let together: f32 = words.iter().zip(&together).map(|(word, share)| word.weight * share).sum();
        evidence.words_together = together / total.max(f32::MIN_POSITIVE);
        evidence
    }

    /// The words that say what is asked for; all words when none does.
    fn words(&self, text: &str) -> Vec<Word> {
        let mut lower: Vec<(String, &str)> = Vec::new();
        terms::for_each_word(text, |word| lower.push((word.to_lowercase(), word)));
        lower.sort();
        lower.dedup_by(|a, b| a.0 == b.0);
        let says = |low: &str| !terms::is_stop(low) && !COMMON.contains(&low) && low.len() > 1;
        let (telling, rest): (Vec<_>, Vec<_>) = lower.into_iter().partition(|(low, _)| says(low));
        let mut buf = String::new();
        let mut out = Vec::new();
        for (_, word) in if telling.is_empty() { rest } else { telling } {
            let (mut known, mut num, mut weight, mut stand_ins) = (Vec::new(), 0u32, 0.0f32, Vec::new());
            terms::for_each_term(word, &mut buf, |term| {
                num += 1;
                match self.lexical.live_term(term) {
                    Some(term) => {
                        weight = weight.max(self.lexical.rareness(Some(term)));
                        known.push(term);
                    }
                    None => {
                        weight = weight.max(self.lexical.rareness(None));
                        stand_ins.extend(self.lexical.longer_terms(term));
                    }
                }
            });
            if num == 0 {
                continue;
            }
            if known.len() < num as usize {
                known.clear();
            }
            out.push(Word { weight, terms: known, stand_ins });
        }
        out
    }

    /// Whether the question holds the whole own name of what a chunk is of, and that name is no everyday word.
    fn is_named(&self, number: u32, text: &str) -> bool {
        let Some(chunk) = self.chunks.get(number as usize) else { return false };
        let name = chunk.symbol.rsplit(['.', ' ']).next().unwrap_or_default();
        let mut num_parts = 0;
        terms::for_each_part(name, |_| num_parts += 1);
        if num_parts < 2 || name.len() < 5 {
            return false;
        }
        let mut found = false;
        terms::for_each_word(text, |word| found |= word.eq_ignore_ascii_case(name));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChunkDoc, FileDoc, Filter, NO_KEY, NO_KIND};

    fn index(files: &[(&str, &str, &str)]) -> Index {
        let mut index = Index::new(4);
        for (path, symbol, text) in files {
            let (bytes, lines) = (0..text.len() as u32, 0..text.lines().count() as u32);
            let chunks = [ChunkDoc { symbol, kind: NO_KIND, bytes, lines, key: NO_KEY }];
            index.put_file(&FileDoc { path, language: "rust", mtime_ms: 0, text, chunks: &chunks });
        }
        index
    }

    fn evidence(index: &Index, text: &str) -> Evidence {
        let filter = Filter::default();
        index.evidence(&Query { text, vector: None, k: 10, layers: Layers::ALL, filter: &filter })
    }

    #[test]
    fn rare_words_that_are_there_count_and_words_of_talk_do_not() {
        let index = index(&[
            ("net.rs", "retry_request", "fn retry_request() { backoff(); }"),
            ("draw.rs", "paint", "fn paint() { colour(); }"),
            ("io.rs", "read", "fn read() { bytes(); }"),
        ]);
        let all = evidence(&index, "Can you please explain how the retry of a request works?");
        assert!(all.words > 0.99, "{all:?}");
        let none = evidence(&index, "How do I bake sourdough bread?");
        assert_eq!((none.words, none.names_symbol, none.cosine), (0.0, false, None));
        let half = evidence(&index, "retry sourdough");
        assert!(half.words > 0.2 && half.words < 0.6, "{half:?}");
    }

    #[test]
    fn a_name_of_several_parts_in_the_question_is_a_name_and_an_everyday_word_is_not() {
        let index = index(&[
            ("net.rs", "Http.retry_request", "fn retry_request() {}"),
            ("io.rs", "read", "fn read() {}"),
        ]);
        assert!(evidence(&index, "what does retry_request do").names_symbol);
        assert!(!evidence(&index, "what should I read").names_symbol);
    }

    #[test]
    fn nothing_is_known_in_an_empty_index() {
        let evidence = evidence(&Index::new(4), "retry");
        assert_eq!((evidence.words, evidence.words_together, evidence.num_words), (0.0, 0.0, 1));
    }
}
