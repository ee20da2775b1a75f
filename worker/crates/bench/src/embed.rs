//! Embeds natively what the cache lacks, with the kernels that the model worker runs in the browser.
//!
//! The int8 kernels compute the same integers on every machine, so these vectors are the product's own; the float32
//! ones differ from the browser's in the last bits only. A run that is ended early has kept what it made.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use models::cpu::F32Encoder;
use models::{INT8_VERSION, Int8Encoder, LoadError, RunError, Shape, Weights};
use rustc_hash::FxHashSet;
use tokens::{TokenError, Tokenizer};

use crate::cache::{DIM, VectorCache, key};

/// The model worker cuts texts at the same length.
const MAX_TOKENS: usize = 256;
/// Tokens of a batch: enough rows for the kernels to be quick, few enough to stay in the second-level cache.
const BATCH_TOKENS: usize = 512;
/// Vectors that are written to the cache at a time: what an interrupted run loses at most.
const WRITE_EVERY: usize = 256;
/// Seconds between two lines of progress.
const TELL_EVERY_S: f64 = 20.0;
/// Cached vectors that are made again before the cache is trusted.
const NUM_CHECKED: usize = 4;
/// Largest difference of a component between a cached vector and the same made again.
const MAX_DIFFERENCE: f32 = 1e-5;

/// Why texts cannot be embedded.
#[derive(Debug, thiserror::Error)]
pub enum EmbedErr {
    /// A file of the model or of the cache cannot be read or written.
    #[error("{0} cannot be used: {1}. Run .ci/models to fetch and prepare the model.")]
    File(PathBuf, io::Error),
    /// The model's file is damaged.
    #[error("{0} is no model that can be used: {1}. Remove it and run .ci/models.")]
    Model(PathBuf, LoadError),
    /// The tokenizer's file is damaged, or refuses a text.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The model refuses a batch.
    #[error(transparent)]
    Run(#[from] RunError),
}

enum Kind {
    Float(F32Encoder),
    Int8(Int8Encoder),
}

/// MiniLM in one precision with its tokenizer.
pub struct Model {
    name: String,
    kind: Kind,
    tokenizer: Tokenizer,
}

fn read(path: &Path) -> Result<Vec<u8>, EmbedErr> {
    std::fs::read(path).map_err(|err| EmbedErr::File(path.to_owned(), err))
}

/// Eight hexadecimal digits that change with the file.
fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..8].to_owned()
}

impl Model {
    /// The float32 model in `folder` (`model.safetensors`, `tokenizer.json`).
    pub fn float(folder: &Path) -> Result<Self, EmbedErr> {
        let path = folder.join("model.safetensors");
        let file = read(&path)?;
        let weights =
            Weights::from_safetensors(&file, Shape::MINI_LM).map_err(|err| EmbedErr::Model(path, err))?;
        let kind = Kind::Float(F32Encoder::new(weights));
        Self::with(format!("f32-{}", digest(&file)), kind, folder)
    }

    /// The prepared int8 model in the file `prepared`, with the tokenizer in `folder`.
    pub fn int8(prepared: &Path, folder: &Path) -> Result<Self, EmbedErr> {
        let file = read(prepared)?;
        let encoder = Int8Encoder::decode(&file).map_err(|err| EmbedErr::Model(prepared.to_owned(), err))?;
        Self::with(format!("int8.{INT8_VERSION}-{}", digest(&file)), Kind::Int8(encoder), folder)
    }

    fn with(name: String, kind: Kind, folder: &Path) -> Result<Self, EmbedErr> {
        let tokenizer = Tokenizer::from_json(&read(&folder.join("tokenizer.json"))?, MAX_TOKENS)?;
        Ok(Self { name, kind, tokenizer })
    }

    /// Precision and a digest of the weights.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn embed(&self, batch: &[&[u32]]) -> Result<Vec<f32>, RunError> {
        match &self.kind {
            Kind::Float(encoder) => encoder.embed_now(batch),
            Kind::Int8(encoder) => encoder.embed_now(batch),
        }
    }

    /// Open this model's cache in `folder` and make what it lacks of `texts`, on `num_threads` threads. A cache that
    /// does not hold what the model makes today is begun anew.
    pub fn fill<'a>(
        &self,
        folder: &Path,
        texts: impl Iterator<Item = &'a str>,
        num_threads: usize,
    ) -> Result<VectorCache, EmbedErr> {
        let maker = Maker {
            name: &self.name,
            encode: |text: &str| self.tokenizer.encode(text),
            embed: |batch: &[&[u32]]| self.embed(batch),
        };
        maker.fill(folder, texts, num_threads)
    }
}

/// What makes vectors: a model, or a stand-in for it in tests.
struct Maker<'a, E, F> {
    name: &'a str,
    encode: E,
    embed: F,
}

impl<E, F> Maker<'_, E, F>
where
    E: Fn(&str) -> Result<Vec<u32>, TokenError>,
    F: Fn(&[&[u32]]) -> Result<Vec<f32>, RunError> + Sync,
{
    fn fill<'t>(
        &self,
        folder: &Path,
        texts: impl Iterator<Item = &'t str>,
        num_threads: usize,
    ) -> Result<VectorCache, EmbedErr> {
        let path = folder.join(format!("{}.vectors", self.name));
        let fail = |err| EmbedErr::File(path.clone(), err);
        let mut cache = VectorCache::open(&path).map_err(fail)?;
        let mut seen = FxHashSet::default();
        let texts: Vec<&str> = texts.filter(|text| seen.insert(key(text))).collect();
        if !self.agrees(&cache, &texts)? {
            println!(
                "{}: the cached vectors are not what this model makes, so they are made anew",
                self.name
            );
            std::fs::remove_file(&path).map_err(fail)?;
            cache = VectorCache::open(&path).map_err(fail)?;
        }
        let missing: Vec<&str> = texts.into_iter().filter(|text| cache.get(text).is_none()).collect();
        if !missing.is_empty() {
            self.make(&missing, &mut cache, num_threads).map_err(|err| match err {
                EmbedErr::File(_, err) => fail(err),
                err => err,
            })?;
        }
        Ok(cache)
    }

    /// Whether some cached vectors are those that the model makes.
    fn agrees(&self, cache: &VectorCache, texts: &[&str]) -> Result<bool, EmbedErr> {
        let cached: Vec<&&str> = texts.iter().filter(|text| cache.get(text).is_some()).collect();
        for text in cached.iter().step_by((cached.len() / NUM_CHECKED).max(1)) {
            let made = (self.embed)(&[&(self.encode)(text)?])?;
            let kept = cache.get(text).unwrap_or_default();
            if made.iter().zip(kept).any(|(x, y)| (x - y).abs() > MAX_DIFFERENCE) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn make(&self, texts: &[&str], cache: &mut VectorCache, num_threads: usize) -> Result<(), EmbedErr> {
        let mut rows: Vec<([u8; 16], Vec<u32>)> = Vec::with_capacity(texts.len());
        for text in texts {
            rows.push((key(text), (self.encode)(text)?));
        }
        // Texts of similar length stand together, the longest first, so that both threads end at the same time.
        rows.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
        let batches = batches(&rows);
        let num_tokens: usize = rows.iter().map(|(_, ids)| ids.len()).sum();
        println!("{}: embedding {} texts, {num_tokens} tokens", self.name, rows.len());

        let start = Instant::now();
        let (next, done) = (AtomicUsize::new(0), mpsc::channel());
        let (sender, receiver) = done;
        std::thread::scope(|scope| {
            for _ in 0..num_threads.max(1) {
                let sender = sender.clone();
                let (next, batches, embed) = (&next, &batches, &self.embed);
                scope.spawn(move || {
                    while let Some(&batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let ids: Vec<&[u32]> = batch.iter().map(|(_, ids)| ids.as_slice()).collect();
                        if sender.send(embed(&ids).map(|made| (batch, made))).is_err() {
                            // Nobody listens any more: another batch failed.
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let (mut waiting, mut tokens_done, mut told_s) = (Vec::new(), 0, 0.0);
            for made in receiver {
                let (batch, vectors) = made?;
                tokens_done += batch.iter().map(|(_, ids)| ids.len()).sum::<usize>();
                let rows = batch.iter().zip(vectors.chunks_exact(DIM));
                waiting.extend(rows.map(|((key, _), vector)| (*key, vector.to_vec())));
                if waiting.len() >= WRITE_EVERY {
                    write(cache, &mut waiting)?;
                }
                let gone_s = start.elapsed().as_secs_f64();
                if gone_s - told_s >= TELL_EVERY_S {
                    told_s = gone_s;
                    let share = tokens_done as f64 / num_tokens as f64;
                    let left_s = gone_s / share - gone_s;
                    println!("{}: {:.0} %, {left_s:.0} s left", self.name, 100.0 * share);
                }
            }
            write(cache, &mut waiting)?;
            let gone_s = start.elapsed().as_secs_f64();
            println!("{}: done in {gone_s:.0} s, {:.0} tokens/s", self.name, num_tokens as f64 / gone_s);
            Ok(())
        })
    }
}

fn write(cache: &mut VectorCache, rows: &mut Vec<([u8; 16], Vec<f32>)>) -> Result<(), EmbedErr> {
    cache.add(std::mem::take(rows)).map_err(|err| EmbedErr::File(PathBuf::new(), err))
}

/// Cut into batches of at most [`BATCH_TOKENS`] tokens; one text always fits.
fn batches(mut rows: &[([u8; 16], Vec<u32>)]) -> Vec<&[([u8; 16], Vec<u32>)]> {
    let mut out = Vec::new();
    while !rows.is_empty() {
        let mut tokens = 0;
        let fitting = rows.iter().take_while(|(_, ids)| {
            tokens += ids.len();
            tokens <= BATCH_TOKENS
        });
        let (batch, rest) = rows.split_at(fitting.count().max(1));
        out.push(batch);
        rows = rest;
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Vectors that tell the text's length, plus `shift`; counts the texts.
    fn fill(folder: &Path, texts: &[&str], shift: f32, made: &AtomicUsize) -> VectorCache {
        let maker = Maker {
            name: "fake",
            encode: |text: &str| Ok(vec![7; text.len()]),
            embed: |batch: &[&[u32]]| {
                made.fetch_add(batch.len(), Ordering::Relaxed);
                Ok(batch.iter().flat_map(|ids| [ids.len() as f32 + shift; DIM]).collect())
            },
        };
        maker.fill(folder, texts.iter().copied(), 2).unwrap()
    }

    #[test]
    fn only_what_is_missing_is_made_and_another_models_vectors_are_not_trusted() {
        let folder = std::env::temp_dir().join(format!("alcove-bench-fill-{}", std::process::id()));
        let made = AtomicUsize::new(0);
        let texts: Vec<String> = (1..=700).map(|len| "x".repeat(len)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let counted = |cache: &VectorCache, texts: &[&str], shift: f32| {
            for text in texts {
                assert_eq!(cache.get(text).unwrap(), [text.len() as f32 + shift; DIM]);
            }
            made.swap(0, Ordering::Relaxed)
        };

        let cache = fill(&folder, &texts[..500], 0.0, &made);
        assert_eq!(counted(&cache, &texts[..500], 0.0), 500);
        // As after an interrupted run, with half a record at the end.
        let file = folder.join("fake.vectors");
        let whole = std::fs::metadata(&file).unwrap().len();
        std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(whole - 100).unwrap();
        let cache = fill(&folder, &texts, 0.0, &made);
        let num = counted(&cache, &texts, 0.0);
        assert!((201..=201 + NUM_CHECKED + 1).contains(&num), "{num} were made");
        // Nothing new: only the check. Text given twice counts once.
        let cache = fill(&folder, &[texts[0], texts[0]], 0.0, &made);
        assert_eq!(counted(&cache, &texts, 0.0), 1);
        let cache = fill(&folder, &texts, 0.5, &made);
        assert!(counted(&cache, &texts, 0.5) > 700);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn batches_keep_order_and_limit_and_lose_nothing() {
        let rows: Vec<([u8; 16], Vec<u32>)> =
            [600, 256, 256, 200, 5, 5].iter().map(|&len| ([0; 16], vec![7; len])).collect();
        let lens: Vec<Vec<usize>> =
            batches(&rows).iter().map(|batch| batch.iter().map(|(_, ids)| ids.len()).collect()).collect();
        assert_eq!(lens, [vec![600], vec![256, 256], vec![200, 5, 5]]);
    }
}
