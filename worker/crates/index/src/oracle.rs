//! Random edits against brute force: whatever was put, replaced, renamed and removed on the way, the index answers like
//! a plain scan over what is there in the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;

use crate::{ChunkDoc, FileDoc, Filter, Hit, Index, Key, Layers, NO_KIND, Query, Tuning, terms};

const DIM: usize = 20;
const WORDS: [&str; 12] = [
    "parse",
    "HTTPServer",
    "send_request",
    "x",
    "x1",
    "größe",
    "parsing",
    "the",
    "Session",
    "close",
    "getUser",
    "retry",
];

#[derive(Clone, Debug)]
enum Op {
    Put(u8, Vec<Vec<u8>>),
    Remove(u8),
    Rename(u8, u8),
    Vector(u8, u8),
    Compact(usize),
    Segment(usize),
    Reload,
}

fn op() -> impl Strategy<Value = Op> {
    let chunk = prop::collection::vec(0..WORDS.len() as u8, 0..8);
    prop_oneof![
        5 => (0..6u8, prop::collection::vec(chunk, 0..5)).prop_map(|(f, c)| Op::Put(f, c)),
        2 => (0..6u8).prop_map(Op::Remove),
        2 => (0..6u8, 0..6u8).prop_map(|(a, b)| Op::Rename(a, b)),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(k, v)| Op::Vector(k, v)),
        1 => (1..60usize).prop_map(Op::Compact),
        1 => (1..6usize).prop_map(Op::Segment),
        1 => Just(Op::Reload),
    ]
}

fn path(number: u8) -> String {
    ["src/main.rs", "src/http_server.rs", "lib/Session.py", "a", "docs/größe.md", "lib/x1/retry.py"]
        [number as usize]
        .into()
}

/// Chunks with the same words have the same key and share a vector.
fn key(words: &[u8]) -> Key {
    let mut key = [0xfe; 16];
    for (i, &word) in words.iter().enumerate() {
        key[i] = word + 1;
    }
    key
}

fn vector(seed: u8) -> Vec<f32> {
    let mut state = u32::from(seed).wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let raw: Vec<f32> = (0..DIM).map(|_| next()).collect();
    let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.iter().map(|x| x / norm).collect()
}

/// What is there, without any index.
#[derive(Clone, Default)]
struct Model {
    files: BTreeMap<String, Vec<Vec<u8>>>,
    vectors: HashMap<Key, Vec<f32>>,
}

impl Model {
    fn chunks(&self) -> Vec<(String, usize, &Vec<u8>)> {
        let each = |(path, chunks): (&String, _)| {
            let chunks: &Vec<Vec<u8>> = chunks;
            let path = path.clone();
            chunks.iter().enumerate().map(|(i, c)| (path.clone(), i, c)).collect::<Vec<_>>()
        };
        self.files.iter().flat_map(each).collect()
    }

    fn drop_unused_vectors(&mut self) {
        let used: BTreeSet<Key> = self.chunks().iter().map(|c| key(c.2)).collect();
        self.vectors.retain(|key, _| used.contains(key));
    }

    /// BM25F by its formula, for each chunk: path, number in the file, score.
    fn scores(&self, query: &str, tuning: &Tuning) -> Vec<(String, usize, f64)> {
        let all: Vec<_> = self
            .chunks()
            .into_iter()
            .map(|(path, at, words)| {
                let fields = [split(&text_of(words)), split(&symbol_of(words)), split(&path)];
                (path, at, fields)
            })
            .collect();
        let num = all.len() as f64;
        let average = |field: usize| all.iter().map(|c| c.2[field].len()).sum::<usize>() as f64 / num;
        let asked: BTreeSet<String> = split(query).into_iter().filter(|t| !terms::is_stop(t)).collect();
        all.iter()
            .map(|(path, at, fields)| {
                let mut score = 0.0;
                for term in &asked {
                    let with = all.iter().filter(|c| c.2.iter().any(|f| f.contains(term))).count() as f64;
                    let idf = (1.0 + (num - with + 0.5) / (with + 0.5)).ln();
                    let mut tf = 0.0;
                    for (f, words) in fields.iter().enumerate() {
                        let count = words.iter().filter(|w| *w == term).count() as f64;
                        let b = f64::from(tuning.field_b[f]);
                        let norm = 1.0 - b + b * words.len() as f64 / average(f).max(1e-9);
                        tf += f64::from(tuning.field_weight[f]) * count / norm.max(1e-9);
                    }
                    score += idf * tf * (f64::from(tuning.k1) + 1.0) / (tf + f64::from(tuning.k1));
                }
                (path.clone(), *at, score)
            })
            .collect()
    }
}

fn split(text: &str) -> Vec<String> {
    let (mut out, mut buf) = (Vec::new(), String::new());
    terms::for_each_word(text, |word| terms::for_each_term(word, &mut buf, |t| out.push(t.to_owned())));
    out
}

fn text_of(words: &[u8]) -> String {
    words.iter().map(|&w| WORDS[w as usize]).collect::<Vec<_>>().join(" ")
}

fn symbol_of(words: &[u8]) -> String {
    words.first().map_or(String::new(), |&w| format!("Thing.{}", WORDS[w as usize]))
}

fn put(index: &mut Index, path: &str, chunks: &[Vec<u8>]) {
    let symbols: Vec<String> = chunks.iter().map(|c| symbol_of(c)).collect();
    let mut text = String::new();
    let mut docs = Vec::new();
    for (at, words) in chunks.iter().enumerate() {
        let start = text.len() as u32;
        text.push_str(&text_of(words));
        let bytes = start..text.len() as u32;
        text.push('\n');
        let at = at as u32;
        docs.push(ChunkDoc {
            symbol: &symbols[at as usize],
            kind: NO_KIND,
            bytes,
            lines: at..at + 1,
            key: key(words),
        });
    }
    index.put_file(&FileDoc { path, language: "rust", mtime_ms: 7, text: &text, chunks: &docs });
}

/// Run the edits on both.
fn run(ops: &[Op], tuning: &Tuning) -> (Index, Model) {
    let (mut index, mut model) = (Index::with_tuning(DIM, tuning.clone()), Model::default());
    for op in ops {
        match op {
            Op::Put(file, chunks) => {
                put(&mut index, &path(*file), chunks);
                model.files.insert(path(*file), chunks.clone());
            }
            Op::Remove(file) => {
                assert_eq!(index.remove_file(&path(*file)), model.files.remove(&path(*file)).is_some());
            }
            Op::Rename(from, to) => {
                assert_eq!(
                    index.rename_file(&path(*from), &path(*to)),
                    model.files.contains_key(&path(*from))
                );
                if let Some(chunks) = model.files.remove(&path(*from)) {
                    model.files.insert(path(*to), chunks);
                }
            }
            Op::Vector(which, seed) => {
                let keys: Vec<Key> = model.chunks().iter().map(|c| key(c.2)).collect();
                if let Some(key) = keys.get(*which as usize % keys.len().max(1)) {
                    assert_eq!(index.put_vector(*key, &vector(*seed)), Ok(true));
                    model.vectors.insert(*key, vector(*seed));
                }
                assert_eq!(index.put_vector([0xff; 16], &vector(0)), Ok(false));
            }
            Op::Compact(budget) => {
                index.compact_step(*budget);
            }
            Op::Segment(size) => {
                index.build_segment(*size);
            }
            Op::Reload => {
                let bytes = index.encode();
                index = Index::decode(&bytes).expect("what was encoded decodes");
                assert_eq!(index.encode(), bytes);
                index.set_tuning(tuning.clone());
                for (key, vector) in &model.vectors {
                    assert_eq!(index.put_encoded(*key, &crate::encode_vector(vector)), Ok(true));
                }
            }
        }
        model.drop_unused_vectors();
    }
    (index, model)
}

fn search(index: &Index, text: &str, vector: Option<&[f32]>, layers: Layers) -> Vec<Hit> {
    index.search(&Query { text, vector, k: 100, layers, filter: &Filter::default() })
}

/// Plain BM25F: what the oracle computes.
fn bare() -> Tuning {
    Tuning {
        pair_weight: 0.0,
        related_weight: 0.0,
        name_boost: 0.0,
        definition_boost: 0.0,
        ..Tuning::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn lexical_answers_are_those_of_a_plain_scan(
        ops in prop::collection::vec(op(), 1..25),
        asked in prop::collection::vec(0..WORDS.len(), 1..4),
    ) {
        let tuning = bare();
        let (index, model) = run(&ops, &tuning);
        let text = asked.iter().map(|&w| WORDS[w]).collect::<Vec<_>>().join(" ");
        // A query of words that nothing holds is answered by stand-ins, and one of stop words by those; no scan does that.
        let known: BTreeSet<String> = model.chunks().iter()
            .flat_map(|(p, _, w)| split(&format!("{p} {} {}", text_of(w), symbol_of(w)))).collect();
        prop_assume!(split(&text).iter().all(|t| known.contains(t) && !terms::is_stop(t)));
        let mut wanted: Vec<_> = model.scores(&text, &tuning).into_iter().filter(|s| s.2 > 0.0).collect();
        wanted.sort_by(|a, b| b.2.total_cmp(&a.2));
        let found = search(&index, &text, None, Layers::LEXICAL);
        let names = |path: &str, at: usize| format!("{path}:{at}");
        let found_set: BTreeSet<_> = found.iter().map(|h| names(&h.path, h.lines.start as usize)).collect();
        let wanted_set: BTreeSet<_> = wanted.iter().map(|w| names(&w.0, w.1)).collect();
        prop_assert_eq!(&found_set, &wanted_set);
        let by_name: HashMap<_, f64> = wanted.iter().map(|w| (names(&w.0, w.1), w.2)).collect();
        for pair in found.windows(2) {
            let score = |h: &Hit| by_name[&names(&h.path, h.lines.start as usize)];
            prop_assert!(score(&pair[0]) >= score(&pair[1]) - 1e-4, "{pair:?}");
        }
        prop_assert_eq!(index.num_chunks(), model.chunks().len());
        prop_assert_eq!(index.num_files(), model.files.len());
    }

    #[test]
    fn vector_answers_are_those_of_a_plain_scan(ops in prop::collection::vec(op(), 1..40), seed in any::<u8>()) {
        let (index, model) = run(&ops, &bare());
        prop_assert_eq!(index.num_vectors(), model.vectors.len());
        let waiting: BTreeSet<Key> = index.waiting().map(|w| w.key).collect();
        let missing: BTreeSet<Key> = model.chunks().iter().map(|c| key(c.2)).filter(|k| !model.vectors.contains_key(k)).collect();
        prop_assert_eq!(waiting, missing);
        let asked = vector(seed);
        let score = |key: &Key| model.vectors[key].iter().zip(&asked).map(|(x, y)| x * y).sum::<f32>();
        let found = search(&index, "", Some(&asked), Layers::VECTORS);
        let wanted = model.chunks().iter().filter(|c| model.vectors.contains_key(&key(c.2))).count();
        prop_assert_eq!(found.len(), wanted);
        for pair in found.windows(2) {
            // Quantising to one byte moves an inner product of unit vectors by less than this.
            prop_assert!(score(&pair[0].key) >= score(&pair[1].key) - 0.02);
        }
    }

    #[test]
    fn history_does_not_show(ops in prop::collection::vec(op(), 1..25), asked in prop::collection::vec(0..WORDS.len(), 0..4), seed in any::<u8>()) {
        let tuning = Tuning::default();
        let (index, model) = run(&ops, &tuning);
        let mut fresh = Index::with_tuning(DIM, tuning);
        for (path, chunks) in model.files.iter().rev() {
            put(&mut fresh, path, chunks);
        }
        for (key, vector) in &model.vectors {
            fresh.put_vector(*key, vector).unwrap();
        }
        let text = asked.iter().map(|&w| WORDS[w]).collect::<Vec<_>>().join(" ");
        let asked = vector(seed);
        prop_assert_eq!(search(&index, &text, Some(&asked), Layers::ALL), search(&fresh, &text, Some(&asked), Layers::ALL));
        prop_assert_eq!(index.encode(), fresh.encode());
    }

    #[test]
    fn damaged_snapshots_end_in_an_error(ops in prop::collection::vec(op(), 1..10), at in any::<prop::sample::Index>(), bit in 0..8u8, cut in any::<bool>()) {
        let (index, _) = run(&ops, &bare());
        let mut bytes = index.encode();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        prop_assert!(Index::decode(&bytes).is_err());
        // Behind the checksum too: what a forger writes must end in an error or an index, not in a panic.
        let body = bytes.get(8..).unwrap_or_default();
        if let Ok(index) = Index::decode_body(&body[..body.len().saturating_sub(4)]) {
            let _ = search(&index, "parse Session", Some(&vector(1)), Layers::ALL);
            let _ = index.encode();
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Index::decode(&bytes);
        let _ = Index::decode_body(&bytes);
    }
}
