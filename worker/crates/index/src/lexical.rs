//! Postings and BM25F.
//!
//! Each chunk keeps its own list of terms (the forward list), each term its list of chunks (the postings). Removal only
//! marks the chunk as dead and counts its terms down, which keeps an edit cheap; a sweep takes dead postings out later,
//! in steps, and only then is the chunk's number given out again.

use std::collections::BTreeMap;
use std::hash::BuildHasherDefault;
use std::ops::Range;

use indexmap::IndexSet;
use rustc_hash::{FxHashMap, FxHasher};

use crate::fuse;
use crate::terms;
use crate::tuning::Tuning;

/// Chunks that there are taken to be at least where it is asked how rare a word is.
const LEAST_FOR_RARENESS: u32 = 1000;

/// Body, symbol path, file path.
pub(crate) const NUM_FIELDS: usize = 3;

/// How often a term stands in each field of one chunk, saturating.
pub(crate) type Counts = [u8; NUM_FIELDS];

#[derive(Clone, Copy, Debug)]
struct Posting {
    chunk: u32,
    counts: Counts,
}

#[derive(Clone, Debug, Default)]
struct Term {
    postings: Vec<Posting>,
    /// Postings whose chunk is alive.
    num_live: u32,
}

/// The terms of one live chunk.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Forward {
    /// Term number and counts, by rising term number.
    pub terms: Box<[(u32, Counts)]>,
    /// Number of terms in each field, repetitions counted.
    pub len: [u32; NUM_FIELDS],
}

impl Forward {
    /// The same chunk under another path.
    pub fn with_path(&self, path_terms: &[u32]) -> Self {
        let mut all: BTreeMap<u32, Counts> = BTreeMap::new();
        for &(term, [body, symbol, _]) in &self.terms {
            if body > 0 || symbol > 0 {
                all.insert(term, [body, symbol, 0]);
            }
        }
        for &term in path_terms {
            let counts = all.entry(term).or_default();
            counts[2] = counts[2].saturating_add(1);
        }
        Self { terms: all.into_iter().collect(), len: [self.len[0], self.len[1], path_terms.len() as u32] }
    }
}

/// Term dictionary, postings and forward lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lexical {
    dict: IndexSet<Box<str>, BuildHasherDefault<FxHasher>>,
    terms: Vec<Term>,
    forward: Vec<Option<Forward>>,
    /// Numbers that may be given out.
    free: Vec<u32>,
    /// Numbers of dead chunks that a running sweep takes out.
    sweeping: Vec<u32>,
    /// Numbers of dead chunks that wait for the next sweep.
    dead: Vec<u32>,
    sweep_at: usize,
    num_live: u32,
    total_len: [u64; NUM_FIELDS],
}

/// Turns text into term numbers, remembering the words that it has seen: code repeats itself.
#[derive(Default)]
pub(crate) struct Reader<'a> {
    seen: FxHashMap<&'a str, Range<u32>>,
    arena: Vec<u32>,
    buf: String,
}

impl<'a> Reader<'a> {
    /// Append the term numbers of `text` to `out`, adding unknown terms to the dictionary.
    pub fn read(&mut self, lexical: &mut Lexical, text: &'a str, out: &mut Vec<u32>) {
        let Self { seen, arena, buf } = self;
        terms::for_each_word(text, |word| {
            let range = seen.entry(word).or_insert_with(|| {
                let start = arena.len() as u32;
                terms::for_each_term(word, buf, |term| arena.push(lexical.intern(term)));
                start..arena.len() as u32
            });
            out.extend_from_slice(&arena[range.start as usize..range.end as usize]);
        });
    }
}

impl Lexical {
    /// Number of the term, new if it was not known.
    pub fn intern(&mut self, term: &str) -> u32 {
        if let Some(at) = self.dict.get_index_of(term) {
            return at as u32;
        }
        self.terms.push(Term::default());
        self.dict.insert_full(term.into()).0 as u32
    }

    /// The term with that number.
    pub fn term(&self, number: u32) -> Option<&str> {
        self.dict.get_index(number as usize).map(|t| &**t)
    }

    /// Number of terms that were ever seen.
    pub fn num_terms(&self) -> usize {
        self.terms.len()
    }

    /// Number of live chunks.
    pub fn num_live(&self) -> u32 {
        self.num_live
    }

    /// One more than the highest chunk number in use.
    pub fn num_slots(&self) -> usize {
        self.forward.len()
    }

    /// Terms of a live chunk.
    pub fn forward(&self, chunk: u32) -> Option<&Forward> {
        self.forward.get(chunk as usize)?.as_ref()
    }

    /// Add a chunk with the terms of each field (in any order, with repetitions). Returns its number.
    pub fn add(&mut self, fields: [&[u32]; NUM_FIELDS]) -> u32 {
        let mut all: Vec<(u32, u8)> = Vec::with_capacity(fields.iter().map(|f| f.len()).sum());
        for (field, terms) in fields.iter().enumerate() {
            all.extend(terms.iter().map(|&t| (t, field as u8)));
        }
        all.sort_unstable();
        let mut terms: Vec<(u32, Counts)> = Vec::with_capacity(all.len());
        for (term, field) in all {
            match terms.last_mut() {
                Some((last, counts)) if *last == term => {
                    counts[field as usize] = counts[field as usize].saturating_add(1);
                }
                _ => {
                    let mut counts = [0; NUM_FIELDS];
                    counts[field as usize] = 1;
                    terms.push((term, counts));
                }
            }
        }
        self.add_forward(Forward { terms: terms.into(), len: fields.map(|f| f.len() as u32) })
    }

    /// Add a chunk whose terms are counted already. Returns its number.
    pub fn add_forward(&mut self, forward: Forward) -> u32 {
        let chunk = self.free.pop().unwrap_or_else(|| {
            self.forward.push(None);
            (self.forward.len() - 1) as u32
        });
        for &(term, counts) in &forward.terms {
            let term = &mut self.terms[term as usize];
            term.postings.push(Posting { chunk, counts });
            term.num_live += 1;
        }
        for (total, len) in self.total_len.iter_mut().zip(forward.len) {
            *total += u64::from(len);
        }
        self.num_live += 1;
        self.forward[chunk as usize] = Some(forward);
        chunk
    }

    /// Take a chunk out. Its postings stay until a sweep passes. Returns its terms.
    pub fn remove(&mut self, chunk: u32) -> Option<Forward> {
        let forward = self.forward.get_mut(chunk as usize)?.take()?;
        for &(term, _) in &forward.terms {
            self.terms[term as usize].num_live -= 1;
        }
        for (total, len) in self.total_len.iter_mut().zip(forward.len) {
            *total -= u64::from(len);
        }
        self.num_live -= 1;
        self.dead.push(chunk);
        Some(forward)
    }

    /// Number of dead chunks whose postings are still there.
    pub fn num_dead(&self) -> usize {
        self.dead.len() + self.sweeping.len()
    }

    /// Look at about `budget` postings and drop dead ones. Returns true while a sweep is unfinished.
    pub fn sweep(&mut self, budget: usize) -> bool {
        if self.sweeping.is_empty() {
            if self.dead.is_empty() {
                return false;
            }
            self.sweeping = std::mem::take(&mut self.dead);
            self.sweep_at = 0;
        }
        let mut looked = 0;
        while self.sweep_at < self.terms.len() && looked < budget {
            let term = &mut self.terms[self.sweep_at];
            looked += term.postings.len() + 1;
            if term.postings.len() != term.num_live as usize {
                let forward = &self.forward;
                // A number is given out again only after a whole sweep, so "has a forward list" is "is alive".
                term.postings.retain(|p| forward[p.chunk as usize].is_some());
                if term.postings.capacity() > 2 * term.postings.len() + 8 {
                    term.postings.shrink_to_fit();
                }
            }
            self.sweep_at += 1;
        }
        if self.sweep_at < self.terms.len() {
            return true;
        }
        self.free.append(&mut self.sweeping);
        !self.dead.is_empty()
    }

    /// Number of a term that a living chunk holds.
    pub fn live_term(&self, term: &str) -> Option<u32> {
        let at = self.dict.get_index_of(term)?;
        (self.terms[at].num_live > 0).then_some(at as u32)
    }

    /// Stand-ins for a word that no chunk holds: up to four terms that begin with it, else up to four that are one slip
    /// of a letter away; the commonest first.
    pub fn stand_ins(&self, word: &str) -> Vec<u32> {
        if word.len() < 4 || word.len() > 24 {
            return Vec::new();
        }
        let live =
            || self.dict.iter().zip(&self.terms).enumerate().filter(|(_, (_, term))| term.num_live > 0);
        let mut found: Vec<(u32, u32)> = live()
            .filter(|(_, (name, _))| name.len() <= word.len() + 6 && name.starts_with(word))
            .map(|(at, (_, term))| (term.num_live, at as u32))
            .collect();
        if found.is_empty() {
            found = live()
                .filter(|(_, (name, _))| one_slip(name.as_bytes(), word.as_bytes()))
                .map(|(at, (_, term))| (term.num_live, at as u32))
                .collect();
        }
        found.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| self.term(a.1).cmp(&self.term(b.1))));
        found.into_iter().take(4).map(|(_, at)| at).collect()
    }

    /// Up to four terms that begin with a word that no chunk holds, the commonest first.
    pub fn longer_terms(&self, word: &str) -> Vec<u32> {
        let is_longer = |at: &u32| self.term(*at).is_some_and(|term| term.starts_with(word));
        self.stand_ins(word).into_iter().filter(is_longer).collect()
    }

    /// How rare a word is, `None` one that is nowhere, as if there were a thousand chunks at least:
    /// from fewer it cannot be told which words are rare, and a word that is not there would outweigh all that are.
    pub fn rareness(&self, term: Option<u32>) -> f32 {
        let num_live = f64::from(self.num_live.max(LEAST_FOR_RARENESS));
        let num = term.map_or(0.0, |term| f64::from(self.terms[term as usize].num_live));
        (1.0 + (num_live - num + 0.5) / (num + 0.5)).ln() as f32
    }

    /// Weight of a term: the rarer, the more.
    pub fn idf(&self, term: u32) -> f32 {
        let (num_live, num) = (f64::from(self.num_live), f64::from(self.terms[term as usize].num_live));
        (1.0 + (num_live - num + 0.5).max(0.0) / (num + 0.5)).ln() as f32
    }

    /// The `k` best living chunks that `pass` lets through, by BM25F over the `fields` that are 1, best first.
    ///
    /// The best candidates are weighed a second time by how much of their symbol path the query names: a chunk that is
    /// called what was asked for beats one that mentions it.
    pub fn rank(
        &self,
        query: &[(u32, f32)],
        tuning: &Tuning,
        fields: Counts,
        k: usize,
        pass: impl Fn(u32) -> bool,
    ) -> Vec<(f32, u32)> {
        let mut scores = vec![0.0; self.forward.len()];
        self.score(query, tuning, fields, &mut scores);
        let mut list: Vec<(f32, u32)> =
            (0..).zip(&scores).filter(|p| *p.1 > 0.0).map(|(c, &s)| (s, c)).collect();
        list.retain(|&(_, chunk)| pass(chunk));
        fuse::keep_best(&mut list, 3 * k);
        for (score, chunk) in &mut list {
            let Some(forward) = &self.forward[*chunk as usize] else { continue };
            // In f64, where these sums are exact, so that the order of the terms does not show.
            let (mut named, mut all) = (0.0f64, 0.0f64);
            for &(term, counts) in forward.terms.iter().filter(|(_, counts)| counts[1] > 0) {
                let idf = f64::from(self.idf(term)) * f64::from(counts[1]);
                all += idf;
                named += if query.iter().any(|&(t, _)| t == term) { idf } else { 0.0 };
            }
            if all > 0.0 {
                *score *= 1.0 + tuning.definition_boost + tuning.name_boost * (named / all) as f32;
            }
        }
        fuse::keep_best(&mut list, k);
        list
    }

    /// Add the BM25F score of every live chunk for `query` to `scores`, which has one place for each chunk number.
    fn score(&self, query: &[(u32, f32)], tuning: &Tuning, fields: Counts, scores: &mut [f32]) {
        let num_live = f64::from(self.num_live.max(1));
        let mut base_and_slope = [(0.0f32, 0.0f32); NUM_FIELDS];
        for (field, place) in base_and_slope.iter_mut().enumerate() {
            let average = (self.total_len[field] as f64 / num_live).max(1e-9) as f32;
            let weight = tuning.field_weight[field] * f32::from(fields[field]);
            let b = tuning.field_b[field];
            // One over the length norm, weighted: (1 - b + b * len / average) / weight.
            *place =
                if weight > 0.0 { ((1.0 - b) / weight, b / average / weight) } else { (f32::INFINITY, 0.0) };
        }
        let norm_of = |forward: &Forward| {
            let mut norm = [0.0; NUM_FIELDS];
            for ((norm, (base, slope)), &len) in norm.iter_mut().zip(base_and_slope).zip(&forward.len) {
                *norm = 1.0 / (base + slope * len as f32).max(1e-9);
            }
            norm
        };
        // Dead chunks get zeros, so that their postings add nothing.
        let norms: Vec<[f32; NUM_FIELDS]> =
            self.forward.iter().map(|f| f.as_ref().map_or([0.0; NUM_FIELDS], norm_of)).collect();
        for &(number, weight) in query {
            let Some(term) = self.terms.get(number as usize) else { continue };
            let idf = weight * self.idf(number);
            for posting in &term.postings {
                let norm = &norms[posting.chunk as usize];
                let tf: f32 =
                    posting.counts.iter().zip(norm).map(|(&count, norm)| f32::from(count) * norm).sum();
                scores[posting.chunk as usize] += idf * tf * (tuning.k1 + 1.0) / (tf + tuning.k1);
            }
        }
    }
}

/// True when one insertion, deletion, substitution or swap of neighbours turns `a` into `b`, and both begin alike.
fn one_slip(a: &[u8], b: &[u8]) -> bool {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    if long.len() - short.len() > 1 || long.first() != short.first() || long == short {
        return false;
    }
    let same = long.iter().zip(short).take_while(|(x, y)| x == y).count();
    if long.len() > short.len() {
        return long[same + 1..] == short[same..];
    }
    long[same + 1..] == short[same + 1..]
        || (same + 1 < long.len()
            && long[same] == short[same + 1]
            && long[same + 1] == short[same]
            && long[same + 2..] == short[same + 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips() {
        for (a, b, wanted) in [
            ("session", "sesion", true),
            ("session", "sessoin", true),
            ("session", "sessiom", true),
            ("session", "session", false),
            ("session", "sesin", false),
            ("session", "zession", false),
        ] {
            assert_eq!(one_slip(a.as_bytes(), b.as_bytes()), wanted, "{a} {b}");
            assert_eq!(one_slip(b.as_bytes(), a.as_bytes()), wanted, "{b} {a}");
        }
    }

    #[test]
    fn numbers_of_dead_chunks_come_back_after_a_sweep_only() {
        let mut lexical = Lexical::default();
        let (x, y) = (lexical.intern("x"), lexical.intern("y"));
        let first = lexical.add([&[x, y, x], &[], &[]]);
        lexical.remove(first);
        let second = lexical.add([&[x], &[], &[]]);
        assert_ne!(first, second);
        while lexical.sweep(1) {}
        assert_eq!(lexical.num_dead(), 0);
        assert_eq!(lexical.add([&[y], &[], &[]]), first);
        let found = lexical.rank(&[(y, 1.0)], &Tuning::default(), [1, 1, 1], 10, |_| true);
        assert_eq!(found.iter().map(|f| f.1).collect::<Vec<_>>(), [first]);
    }
}
