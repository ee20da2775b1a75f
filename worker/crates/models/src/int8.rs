//! The prepared int8 model file: what a browser downloads instead of 91 MB of float32.
//!
//! ```text
//! magic    8 bytes   "ALCVINT8"
//! version  u32       1
//! shape    6 × u32   vocabulary, positions, hidden, inner, heads, layers
//! checksum 32 bytes  BLAKE3 of everything behind it
//! words    vocabulary × f32 scales, vocabulary × hidden × i8
//! positions          positions × hidden × f32 (token type 0 added)
//! embedding norm     2 × hidden × f32
//! layers             each: qkv, mix, attention norm, expand, contract, output norm
//!   dense            k × f32 input factors, n × f32 scales, n × f32 biases, n × k × i8 row-major
//! ```
//! All numbers are little-endian. Sizes follow from the shape, so nothing in the file can ask for more memory than it
//! has bytes. The weights stand row-major; each build packs them for its own instructions while loading.

use crate::cpu::encoder::{Biased, Encoder, Layer, Table};
use crate::cpu::quantised::QuantisedPacked;
use crate::{DenseWeights, LoadError, NormWeights, Shape, Weights};

const MAGIC: &[u8; 8] = b"ALCVINT8";
/// Raised whenever the same float32 model would give other int8 vectors; part of the model's id.
pub const INT8_VERSION: u32 = 1;
const HEAD_BYTES: usize = 8 + 4 + 6 * 4 + 32;
/// Largest magnitude of a quantised weight; -128 is left out, so that the range is symmetric.
const MAX_WEIGHT: f32 = 127.0;

/// The int8 encoder.
pub type Int8Encoder = Encoder<QuantisedPacked, QuantisedTable>;

/// A dense layer in the file, weights still borrowed from it.
#[derive(Debug)]
pub struct QuantisedDense<'a> {
    /// `[n, k]` row-major, int8 as bytes.
    pub weights: &'a [u8],
    /// One per output.
    pub scales: Vec<f32>,
    /// One per input: what activations are multiplied with before they are quantised.
    pub input_factors: Vec<f32>,
    /// One per output.
    pub bias: Vec<f32>,
}

/// Token embeddings in int8 with one scale per token.
#[derive(Debug)]
pub struct QuantisedTable {
    scales: Vec<f32>,
    rows: Vec<u8>,
}

impl Table for QuantisedTable {
    fn add_row(&self, id: usize, row: &mut [f32]) {
        let (scale, start) = (self.scales[id], id * row.len());
        for (x, &q) in row.iter_mut().zip(&self.rows[start..]) {
            *x += f32::from(q as i8) * scale;
        }
    }
}

/// Largest magnitudes of the inputs of each dense layer, in the order of the file; see [`encode_int8`].
pub type InputRanges = Vec<Vec<f32>>;

/// Quantise an encoder into the bytes of a model file.
///
/// `ranges` holds the largest magnitude that each input of each dense layer took on typical text. An input that runs
/// far wider than the others would leave few steps to all of them, so part of its range moves into the weights. Empty
/// ranges move nothing.
#[must_use]
pub fn encode_int8(weights: &Weights, ranges: &InputRanges) -> Vec<u8> {
    let shape = weights.shape;
    let mut body = Vec::new();
    let floats = |body: &mut Vec<u8>, x: &[f32]| body.extend(x.iter().flat_map(|x| x.to_le_bytes()));
    let (scales, rows) = quantise_rows(&weights.words, shape.hidden, MAX_WEIGHT);
    floats(&mut body, &scales);
    body.extend(rows);
    floats(&mut body, &weights.positions);
    let norm = |body: &mut Vec<u8>, norm: &NormWeights| {
        floats(body, &norm.scale);
        floats(body, &norm.shift);
    };
    norm(&mut body, &weights.embedding_norm);
    let mut ranges = ranges.iter();
    for layer in &weights.layers {
        let mut dense = |body: &mut Vec<u8>, dense: &DenseWeights| {
            let k = dense.weight.len() / dense.bias.len();
            let factors = ranges.next().map_or_else(|| vec![1.0; k], |range| factors(&dense.weight, range));
            let mut scaled = dense.weight.clone();
            for row in scaled.chunks_exact_mut(k) {
                for (weight, factor) in row.iter_mut().zip(&factors) {
                    *weight /= factor;
                }
            }
            let (scales, rows) = quantise_rows(&scaled, k, MAX_WEIGHT);
            floats(body, &factors);
            floats(body, &scales);
            floats(body, &dense.bias);
            body.extend(rows);
        };
        dense(&mut body, &layer.qkv);
        dense(&mut body, &layer.mix);
        norm(&mut body, &layer.attention_norm);
        dense(&mut body, &layer.expand);
        dense(&mut body, &layer.contract);
        norm(&mut body, &layer.output_norm);
    }
    let mut file = Vec::with_capacity(HEAD_BYTES + body.len());
    file.extend(MAGIC);
    file.extend(INT8_VERSION.to_le_bytes());
    let Shape { vocabulary, positions, hidden, inner, heads, layers } = shape;
    for size in [vocabulary, positions, hidden, inner, heads, layers] {
        // Supported shapes are far below 2^32.
        file.extend((size as u32).to_le_bytes());
    }
    file.extend(blake3::hash(&body).as_bytes());
    file.extend(body);
    file
}

/// Factors that share the range of each input between activation and weights.
fn factors(weight: &[f32], range: &[f32]) -> Vec<f32> {
    let mut widest = vec![0.0_f32; range.len()];
    for row in weight.chunks_exact(range.len()) {
        for (widest, x) in widest.iter_mut().zip(row) {
            *widest = widest.max(x.abs());
        }
    }
    // Square roots are exact to the last bit everywhere, unlike other powers.
    let share = |(range, widest): (&f32, f32)| (widest.max(1e-4) / range.max(1e-3)).sqrt();
    range.iter().zip(widest).map(share).collect()
}

/// Symmetric quantisation per row to `-limit ..= limit`.
fn quantise_rows(x: &[f32], width: usize, limit: f32) -> (Vec<f32>, Vec<u8>) {
    let mut scales = Vec::with_capacity(x.len() / width);
    let mut out = Vec::with_capacity(x.len());
    for row in x.chunks_exact(width) {
        let largest = row.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
        let scale = (largest / limit).max(f32::MIN_POSITIVE);
        scales.push(scale);
        out.extend(row.iter().map(|x| (x / scale).round().clamp(-limit, limit) as i8 as u8));
    }
    (scales, out)
}

/// Reads the body front to back; its length was checked before.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn bytes(&mut self, num: usize) -> Result<&'a [u8], LoadError> {
        let short = || LoadError::Malformed("it ends too early".into());
        let (taken, rest) = self.0.split_at_checked(num).ok_or_else(short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn floats(&mut self, num: usize) -> Result<Vec<f32>, LoadError> {
        let (numbers, _none) = self.bytes(num * 4)?.as_chunks::<4>();
        let numbers: Vec<f32> = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
        if numbers.iter().all(|x| x.is_finite()) {
            Ok(numbers)
        } else {
            Err(LoadError::Malformed("a number in it is not finite".into()))
        }
    }

    fn norm(&mut self, hidden: usize) -> Result<NormWeights, LoadError> {
        Ok(NormWeights { scale: self.floats(hidden)?, shift: self.floats(hidden)? })
    }

    fn dense(&mut self, n: usize, k: usize) -> Result<Biased<QuantisedPacked>, LoadError> {
        let dense = QuantisedDense {
            input_factors: self.floats(k)?,
            scales: self.floats(n)?,
            bias: self.floats(n)?,
            weights: self.bytes(n * k)?,
        };
        if dense.weights.iter().any(|&w| (w as i8).unsigned_abs() > MAX_WEIGHT as u8) {
            return Err(LoadError::Malformed("a weight in it is out of range".into()));
        }
        Ok(Biased { dense: QuantisedPacked::new(&dense), bias: dense.bias })
    }
}

/// Bytes behind the head for a supported shape.
fn body_bytes(shape: &Shape) -> u64 {
    let Shape { vocabulary, positions, hidden, inner, layers, .. } = *shape;
    let [vocabulary, positions, hidden, inner, layers] =
        [vocabulary, positions, hidden, inner, layers].map(|x| x as u64);
    let dense = |n: u64, k: u64| 4 * k + 8 * n + n * k;
    let norm = 8 * hidden;
    let layer = dense(3 * hidden, hidden)
        + dense(hidden, hidden)
        + dense(inner, hidden)
        + dense(hidden, inner)
        + 2 * norm;
    vocabulary * (4 + hidden) + positions * hidden * 4 + norm + layers * layer
}

impl Int8Encoder {
    /// Load a prepared file.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn decode(file: &[u8]) -> Result<Self, LoadError> {
        let actual = file.len() as u64;
        if file.len() < HEAD_BYTES {
            return Err(LoadError::Truncated { expected: HEAD_BYTES as u64, actual });
        }
        let (head, body) = file.split_at(HEAD_BYTES);
        if &head[..8] != MAGIC {
            return Err(LoadError::Malformed("it is not a prepared int8 model".into()));
        }
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        if number(8) != INT8_VERSION {
            return Err(LoadError::Mismatch(format!(
                "it has format {} instead of {INT8_VERSION}",
                number(8)
            )));
        }
        let [vocabulary, positions, hidden, inner, heads, layers] =
            [12, 16, 20, 24, 28, 32].map(|at| number(at) as usize);
        let shape = Shape { vocabulary, positions, hidden, inner, heads, layers };
        if !shape.is_supported() {
            return Err(LoadError::Malformed("its sizes make no sense".into()));
        }
        let expected = HEAD_BYTES as u64 + body_bytes(&shape);
        if actual < expected {
            return Err(LoadError::Truncated { expected, actual });
        }
        if actual > expected {
            return Err(LoadError::Malformed("there are bytes behind its end".into()));
        }
        if blake3::hash(body).as_bytes() != &head[36..68] {
            return Err(LoadError::Checksum);
        }
        let mut body = Cursor(body);
        let words = QuantisedTable {
            scales: body.floats(vocabulary)?,
            rows: body.bytes(vocabulary * hidden)?.to_vec(),
        };
        let positions = body.floats(positions * hidden)?;
        let embedding_norm = body.norm(hidden)?;
        let layers = (0..layers)
            .map(|_| {
                Ok(Layer {
                    qkv: body.dense(3 * hidden, hidden)?,
                    mix: body.dense(hidden, hidden)?,
                    attention_norm: body.norm(hidden)?,
                    expand: body.dense(inner, hidden)?,
                    contract: body.dense(hidden, inner)?,
                    output_norm: body.norm(hidden)?,
                })
            })
            .collect::<Result<_, LoadError>>()?;
        Ok(Self { shape, words, positions, embedding_norm, layers })
    }
}
