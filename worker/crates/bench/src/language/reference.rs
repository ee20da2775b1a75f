//! The network of a model file in float32, on dequantised weights: what the engine's kernels are held against.
//!
//! Nothing here is shared with the engine but the reader of files: no kernel, no cache, no rotary table. All positions
//! of all texts pass a layer together, so that each matrix is dequantised once and no more than one is there in full.

use std::f64::consts::TAU;
use std::ops::Range;
use std::thread;

use models::gguf::{self, Config, Header, Projection, RopePairs, RopeScaling, TensorInfo, dequantise};

use super::model::{ModelErr, header};

/// Rows of the left side that stay in the cache of a core while a matrix passes.
const ROWS: usize = 16;
/// Numbers that are multiplied side by side.
const LANES: usize = 8;
/// Rows that share what was read of a matrix.
const TOGETHER: usize = 4;

/// A file, read anew for every pass.
#[derive(Debug)]
pub struct Reference {
    file: Vec<u8>,
    header: Header,
    threads: usize,
}

/// Rows of numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Numbers of a row.
    pub wide: usize,
    /// All of them.
    pub numbers: Vec<f32>,
}

impl Rows {
    /// One row.
    #[must_use]
    pub fn row(&self, at: usize) -> &[f32] {
        self.numbers.get(at * self.wide..(at + 1) * self.wide).unwrap_or_default()
    }

    /// Some rows.
    #[must_use]
    pub fn rows(&self, at: Range<usize>) -> Self {
        let numbers = self.numbers.get(at.start * self.wide..at.end * self.wide).unwrap_or_default();
        Self { wide: self.wide, numbers: numbers.to_vec() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len() / self.wide.max(1)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}

impl Reference {
    /// Take a file; `threads` compute.
    ///
    /// # Errors
    /// When it is no model, or one with a part that stands outside of this reference.
    pub fn new(file: Vec<u8>, threads: usize) -> Result<Self, ModelErr> {
        let header = header(&file)?;
        let reference = Self { file, header, threads: threads.max(1) };
        let model = gguf::Model::read(&reference.header)?;
        match model.config.rope_scaling {
            RopeScaling::None | RopeScaling::Linear { .. } => Ok(reference),
            RopeScaling::Yarn { .. } => Err(ModelErr::NotInReference("positions that YaRN stretches")),
        }
    }

    /// What the output head is multiplied with, for each position of each text, one text after the other.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn states(&self, texts: &[&[u32]]) -> Result<Rows, ModelErr> {
        let gguf::Model { config, tensors, .. } = gguf::Model::read(&self.header)?;
        let factors = tensors.rope_factors.map(|info| self.numbers(info)).transpose()?;
        let turns = turns(&config, factors.as_deref());
        let mut x = Rows { wide: config.embedding_length, numbers: Vec::new() };
        for &token in texts.iter().copied().flatten() {
            x.numbers.extend(self.row(tensors.embedding, token as usize)?);
        }
        for layer in &tensors.layers {
            let y = norm(&x, &self.numbers(layer.attn_norm)?, config.rms_epsilon);
            let (mut query, mut key) = (self.project(&y, layer.query)?, self.project(&y, layer.key)?);
            let value = self.project(&y, layer.value)?;
            let mut mixed = Rows { wide: config.q_len(), numbers: Vec::new() };
            let mut from = 0;
            for text in texts {
                let rows = from..from + text.len();
                rotate(&mut query, rows.clone(), &config, &turns);
                rotate(&mut key, rows.clone(), &config, &turns);
                mixed.numbers.extend(attend(&query, &key, &value, rows, &config));
                from += text.len();
            }
            add(&mut x, &self.product(&mixed, layer.attn_output)?);
            let y = norm(&x, &self.numbers(layer.ffn_norm)?, config.rms_epsilon);
            let (mut gate, up) = (self.product(&y, layer.gate)?, self.product(&y, layer.up)?);
            for (gate, up) in gate.numbers.iter_mut().zip(&up.numbers) {
                *gate = *gate / (1.0 + (-*gate).exp()) * up;
            }
            add(&mut x, &self.product(&gate, layer.down)?);
        }
        Ok(norm(&x, &self.numbers(tensors.output_norm)?, config.rms_epsilon))
    }

    /// The output head: a row per token.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn head(&self) -> Result<Rows, ModelErr> {
        let gguf::Model { config, tensors, .. } = gguf::Model::read(&self.header)?;
        Ok(Rows { wide: config.embedding_length, numbers: self.numbers(tensors.output)? })
    }

    /// Logits of some states: a row for each.
    #[must_use]
    pub fn logits(&self, states: &Rows, head: &Rows) -> Rows {
        multiply(states, head, self.threads)
    }

    fn numbers(&self, info: &TensorInfo) -> Result<Vec<f32>, ModelErr> {
        let mut out = vec![0.0; info.numbers() as usize];
        let bytes = self.file.get(info.offset as usize..(info.offset + info.len_bytes) as usize);
        dequantise(info.dtype, bytes.ok_or(ModelErr::Short)?, &mut out).map_err(|_| ModelErr::Short)?;
        Ok(out)
    }

    fn row(&self, info: &TensorInfo, at: usize) -> Result<Vec<f32>, ModelErr> {
        let len = info.row_bytes() as usize;
        let from = info.offset as usize + at * len;
        let mut out = vec![0.0; info.shape.last().copied().unwrap_or(0) as usize];
        let bytes = self.file.get(from..from + len).ok_or(ModelErr::Short)?;
        dequantise(info.dtype, bytes, &mut out).map_err(|_| ModelErr::Short)?;
        Ok(out)
    }

    fn product(&self, x: &Rows, info: &TensorInfo) -> Result<Rows, ModelErr> {
        let wide = info.shape.last().copied().unwrap_or(0) as usize;
        Ok(multiply(x, &Rows { wide, numbers: self.numbers(info)? }, self.threads))
    }

    fn project(&self, x: &Rows, of: Projection<'_>) -> Result<Rows, ModelErr> {
        let mut out = self.product(x, of.weight)?;
        if let Some(bias) = of.bias {
            let bias = self.numbers(bias)?;
            for row in out.numbers.chunks_exact_mut(bias.len()) {
                row.iter_mut().zip(&bias).for_each(|(x, bias)| *x += bias);
            }
        }
        Ok(out)
    }
}

fn add(x: &mut Rows, change: &Rows) {
    x.numbers.iter_mut().zip(&change.numbers).for_each(|(x, change)| *x += change);
}

fn norm(x: &Rows, scale: &[f32], epsilon: f32) -> Rows {
    let mut out = x.clone();
    for row in out.numbers.chunks_exact_mut(x.wide) {
        let mean = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / row.len() as f64;
        let factor = (1.0 / (mean + f64::from(epsilon)).sqrt()) as f32;
        row.iter_mut().zip(scale).for_each(|(x, scale)| *x *= factor * scale);
    }
    out
}

/// Radians that each pair turns from one position to the next.
fn turns(config: &Config, factors: Option<&[f32]>) -> Vec<f64> {
    let dims = config.rope_dims as f64;
    let stretch = match config.rope_scaling {
        RopeScaling::Linear { factor } => f64::from(factor),
        RopeScaling::None | RopeScaling::Yarn { .. } => 1.0,
    };
    let turn = |i: usize| f64::from(config.rope_base).powf(-2.0 * i as f64 / dims) / stretch;
    let factor = |i: usize| factors.and_then(|factors| factors.get(i)).map_or(1.0, |x| f64::from(*x));
    (0..config.rope_dims / 2).map(|i| turn(i) / factor(i)).collect()
}

fn rotate(x: &mut Rows, rows: Range<usize>, config: &Config, turns: &[f64]) {
    let text = x.numbers.get_mut(rows.start * x.wide..rows.end * x.wide).unwrap_or_default();
    for (position, row) in text.chunks_exact_mut(x.wide).enumerate() {
        for head in row.chunks_exact_mut(config.head_dim) {
            for (i, turn) in turns.iter().enumerate() {
                let (sin, cos) = (turn * position as f64 % TAU).sin_cos();
                let (a, b) = match config.rope_pairs {
                    RopePairs::Adjacent => (2 * i, 2 * i + 1),
                    RopePairs::Halves => (i, i + turns.len()),
                };
                let (left, right) = (f64::from(head[a]), f64::from(head[b]));
                head[a] = (left * cos - right * sin) as f32;
                head[b] = (left * sin + right * cos) as f32;
            }
        }
    }
}

/// What each query of a text makes of the values up to its own position.
fn attend(query: &Rows, key: &Rows, value: &Rows, rows: Range<usize>, config: &Config) -> Vec<f32> {
    let (dim, shared) = (config.head_dim, config.head_count / config.head_count_kv);
    let mut out = vec![0.0; rows.len() * query.wide];
    let scale = 1.0 / (dim as f64).sqrt();
    for (i, out) in out.chunks_exact_mut(query.wide).enumerate() {
        for (head, out) in out.chunks_exact_mut(dim).enumerate() {
            let part = |rows: &Rows, row: usize, head: usize| {
                rows.row(row).get(head * dim..(head + 1) * dim).unwrap_or_default().to_vec()
            };
            let q = part(query, rows.start + i, head);
            let mut weights: Vec<f64> = (0..=i)
                .map(|j| scale * f64::from(dot(&q, &part(key, rows.start + j, head / shared))))
                .collect();
            let most = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            weights.iter_mut().for_each(|weight| *weight = (*weight - most).exp());
            let sum: f64 = weights.iter().sum();
            for (j, weight) in weights.iter().enumerate() {
                let v = part(value, rows.start + j, head / shared);
                let weight = (weight / sum) as f32;
                out.iter_mut().zip(v).for_each(|(out, v)| *out += weight * v);
            }
        }
    }
    out
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `x · wᵀ`: a row for each of `x`, a number for each row of `w`.
fn multiply(x: &Rows, w: &Rows, threads: usize) -> Rows {
    let (k, n) = (x.wide, w.len());
    let mut out = Rows { wide: n, numbers: vec![0.0; x.len() * n] };
    let share = x.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        for (x, out) in x.numbers.chunks(share * k).zip(out.numbers.chunks_mut(share * n)) {
            scope.spawn(move || some_rows(x, &w.numbers, k, out, n));
        }
    });
    out
}

fn some_rows(x: &[f32], w: &[f32], k: usize, out: &mut [f32], n: usize) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { some_rows_fused(x, w, k, out, n) };
    }
    each_row::<false>(x, w, k, out, n);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn some_rows_fused(x: &[f32], w: &[f32], k: usize, out: &mut [f32], n: usize) {
    each_row::<true>(x, w, k, out, n);
}

#[inline(always)]
fn each_row<const FUSED: bool>(x: &[f32], w: &[f32], k: usize, out: &mut [f32], n: usize) {
    for (x, out) in x.chunks(ROWS * k).zip(out.chunks_mut(ROWS * n)) {
        for (column, w) in w.chunks_exact(k).enumerate() {
            let mut at = 0;
            let mut four = x.chunks_exact(TOGETHER * k);
            for rows in &mut four {
                let (a, rest) = rows.split_at(k);
                let (b, rest) = rest.split_at(k);
                let (c, d) = rest.split_at(k);
                for sum in dots::<FUSED, TOGETHER>([a, b, c, d], w) {
                    out[at * n + column] = sum;
                    at += 1;
                }
            }
            for row in four.remainder().chunks_exact(k) {
                let [sum] = dots::<FUSED, 1>([row], w);
                out[at * n + column] = sum;
                at += 1;
            }
        }
    }
}

/// Products of some rows with one row.
#[inline(always)]
fn dots<const FUSED: bool, const R: usize>(rows: [&[f32]; R], w: &[f32]) -> [f32; R] {
    let mut sums = [[0.0_f32; LANES]; R];
    let (w, rest) = w.as_chunks::<LANES>();
    let parts = rows.map(|row| row.as_chunks::<LANES>());
    for (i, w) in w.iter().enumerate() {
        for (sum, (x, _)) in sums.iter_mut().zip(&parts) {
            let x = &x[i];
            for lane in 0..LANES {
                sum[lane] =
                    if FUSED { x[lane].mul_add(w[lane], sum[lane]) } else { x[lane] * w[lane] + sum[lane] };
            }
        }
    }
    let mut out = [0.0; R];
    for ((out, sum), (_, x)) in out.iter_mut().zip(sums).zip(&parts) {
        *out = sum.iter().sum::<f32>() + dot(x, rest);
    }
    out
}
