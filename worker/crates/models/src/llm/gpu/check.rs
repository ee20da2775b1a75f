//! Whether a device computes what the processor computes: nobody can tell from a text that it does not. A small network with the formats, the heads and the width of the model is filled by chance, and a text passes it
//! on both: every kernel that the model uses runs, at sizes that fill no tile. It takes some megabytes of each memory. It does not find everything: an error that
//! shows only at other sizes, or in attention whose maximum does not move in this text, passes.

use std::sync::Arc;

use infer::{Generate as _, GenerateError, Sampler, Sampling, Steps};

use super::device::{Gpu, GpuError};
use super::matrix::{GpuMatrix, OnGpu};
use super::network::GpuNetwork;
use super::session::GpuSession;
use crate::cpu::wide::LANES;
use crate::gguf::{Config, Dtype, dequantise};
use crate::llm::network::{Block, Network, Projection};
use crate::llm::rope::Rope;
use crate::llm::{NoMemory, OnProcessor, Session, Store};

/// Tokens of the text: many more than attention looks at together, and no whole number of tiles. One more passes alone.
const TOKENS: usize = 150;
/// Tokens that pass together, so that a piece follows another one.
const ROWS: usize = 60;
/// Of how many of the likeliest tokens it is looked at whether they are found.
const FEW: usize = 5;
/// Tokens that the network knows.
const VOCAB: usize = 75;
/// Most numbers inside a feed-forward part: whole blocks of every format, and more than one turn of the lanes.
const MOST_FEED_FORWARD: usize = 1024;
/// Most layers. Files mix formats in a few ways only.
const MOST_BLOCKS: usize = 4;
/// How far the logits may be off, as a share of the largest: a guess that leaves room for the processor's sixteen bits.
const TOLERANCE: f32 = 0.01;

/// What the network has in common with a model.
#[derive(Clone, Debug)]
struct Shape {
    config: Config,
    embedding: Dtype,
    output: Option<Dtype>,
    /// Formats of query, key, value, attention output, gate, up and down of each layer.
    blocks: Vec<[Dtype; 7]>,
}

impl Shape {
    fn of(model: &Network<GpuMatrix>) -> Self {
        let mut blocks: Vec<[Dtype; 7]> = Vec::new();
        for block in &model.blocks {
            let Block { query, key, value, attn_output, gate, up, down, .. } = block;
            let matrices = [&query.weight, &key.weight, &value.weight, attn_output, gate, up, down];
            let formats = matrices.map(GpuMatrix::dtype);
            if blocks.len() < MOST_BLOCKS && !blocks.contains(&formats) {
                blocks.push(formats);
            }
        }
        let output = model.output.as_ref().map(GpuMatrix::dtype);
        Self { config: model.config.clone(), embedding: model.embedding.dtype(), output, blocks }.small()
    }

    /// With the sizes cut down that no kernel depends on.
    fn small(mut self) -> Self {
        let config = &mut self.config;
        config.vocab = VOCAB;
        config.context_length = TOKENS + 1;
        config.block_count = self.blocks.len();
        config.feed_forward_length = config.feed_forward_length.min(MOST_FEED_FORWARD);
        self
    }

    /// The network, the same wherever it is put.
    fn network<S: Store>(&self, store: &S) -> Result<Network<S::Matrix>, NoMemory> {
        let (config, mut chance) = (&self.config, Chance(0x9e37_79b9_7f4a_7c15));
        let (wide, q_len, kv_len) = (config.embedding_length, config.q_len(), config.kv_len());
        let inner = config.feed_forward_length;
        let mut blocks = Vec::new();
        for &[query, key, value, attn_output, gate, up, down] in &self.blocks {
            let mut projection = |dtype, n| {
                let weight = chance.matrix(store, dtype, n, wide)?;
                let bias = config.qkv_bias.then(|| chance.vector(n, -0.5, 0.5));
                Ok::<_, NoMemory>(Projection { weight, bias })
            };
            let (query, key) = (projection(query, q_len)?, projection(key, kv_len)?);
            let value = projection(value, kv_len)?;
            blocks.push(Block {
                // Large, so that attention tells positions apart, and its maximum moves.
                attn_norm: chance.vector(wide, 1.5, 3.0),
                query,
                key,
                value,
                attn_output: chance.matrix(store, attn_output, wide, q_len)?,
                ffn_norm: chance.vector(wide, 0.5, 1.5),
                gate: chance.matrix(store, gate, inner, wide)?,
                up: chance.matrix(store, up, inner, wide)?,
                down: chance.matrix(store, down, wide, inner)?,
            });
        }
        let output = self.output.map(|dtype| chance.matrix(store, dtype, VOCAB, wide)).transpose()?;
        Ok(Network {
            embedding: chance.matrix(store, self.embedding, VOCAB, wide)?,
            blocks,
            output_norm: chance.vector(wide, 0.5, 1.5),
            output,
            rope: Rope::new(config, None),
            config: config.clone(),
        })
    }
}

/// Numbers by chance, the same on each run (xorshift, Marsaglia 2003).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }

    fn number(&mut self, from: f32, to: f32) -> f32 {
        from + (to - from) * (self.next() >> 8) as f32 / (1 << 24) as f32
    }

    fn vector(&mut self, len: usize, from: f32, to: f32) -> Vec<f32> {
        (0..len).map(|_| self.number(from, to)).collect()
    }

    /// A matrix whose products are about as large as what they are made of, as far as its format has such scales.
    fn matrix<S: Store>(
        &mut self,
        store: &S,
        dtype: Dtype,
        n: usize,
        k: usize,
    ) -> Result<S::Matrix, NoMemory> {
        let mut matrix = store.matrix(dtype, n, k)?;
        let row_bytes = k / dtype.block_len() * dtype.block_bytes();
        let size = (1.0 / k as f32).sqrt();
        let exponent = self.exponent(dtype, k, size);
        // A panel at a time, as they come from a file.
        let mut rows = Vec::new();
        for first in (0..n).step_by(LANES) {
            rows.clear();
            rows.extend((0..LANES.min(n - first) * row_bytes).map(|_| self.next() as u8));
            for block in rows.chunks_exact_mut(dtype.block_bytes()) {
                if let Dtype::F32 | Dtype::BF16 = dtype {
                    // The first bytes of a number are the last of its bits.
                    let number = self.number(-size, size).to_le_bytes();
                    block.copy_from_slice(&number[4 - block.len()..]);
                }
                for &at in dtype.scales() {
                    let bits = (exponent << 10) | (self.next() as u16 & 0x83ff);
                    block[at..at + 2].copy_from_slice(&bits.to_le_bytes());
                }
            }
            store.push(&mut matrix, &rows);
        }
        Ok(matrix)
    }

    /// The exponent of half-precision scales that makes numbers of about that size, found with scales of one.
    fn exponent(&mut self, dtype: Dtype, k: usize, size: f32) -> u16 {
        let mut row: Vec<u8> =
            (0..k / dtype.block_len() * dtype.block_bytes()).map(|_| self.next() as u8).collect();
        for block in row.chunks_exact_mut(dtype.block_bytes()) {
            dtype.scales().iter().for_each(|&at| block[at..at + 2].copy_from_slice(&[0x00, 0x3c]));
        }
        let mut numbers = vec![0.0; k];
        // The lengths fit by construction.
        let _ = dequantise(dtype, &row, &mut numbers);
        let square = numbers.iter().map(|x| x * x).sum::<f32>() / k as f32;
        (15.0 + (size / square.sqrt().max(1e-9)).log2()).round().clamp(1.0, 30.0) as u16
    }
}

impl GpuNetwork {
    /// Whether the device computes what the processor computes, tried with a small network like this one.
    ///
    /// # Errors
    /// [`GpuError::Wrong`] when it does not, [`GpuError::Lost`] when it fails.
    pub async fn check(&self, steps: &impl Steps) -> Result<(), GpuError> {
        check(&self.gpu, &Shape::of(&self.network), steps).await
    }
}

async fn check(gpu: &Arc<Gpu>, shape: &Shape, steps: &impl Steps) -> Result<(), GpuError> {
    let failed = |err: GenerateError| match gpu.check() {
        Err(lost) => lost,
        Ok(()) => GpuError::Lost(err.to_string()),
    };
    let full =
        |NoMemory(bytes): NoMemory| GpuError::Missing(format!("{bytes} bytes to check it are not there"));
    let tokens: Vec<u32> = (0..=TOKENS).map(|i| (i * 31 % VOCAB) as u32).collect();
    let reference = shape.network(&OnProcessor).map_err(full)?;
    let mut reference = Session::new(Arc::new(reference), TOKENS + 1);
    steps.next().await;
    let network = GpuNetwork::new(gpu.clone(), shape.network(&OnGpu(gpu.clone())).map_err(full)?)?;
    steps.next().await;
    let mut session = GpuSession::with_sizes(Arc::new(network), TOKENS + 1, ROWS, ROWS);
    for len in [TOKENS, TOKENS + 1] {
        let text = &tokens[..len];
        let expected = reference.logits(text, steps).await.map_err(failed)?;
        let got = session.logits(text, steps).await.map_err(failed)?;
        let largest = expected.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let off = expected.iter().zip(&got).map(|(a, b)| (a - b).abs());
        let off = off.fold(0.0_f32, |most, x| if x > most || x.is_nan() { x } else { most });
        let is_near = |off: f32| off.is_finite() && off <= TOLERANCE * largest;
        if !is_near(off) {
            return Err(GpuError::Wrong(format!("off by {off} where the largest is {largest}")));
        }
        // What is chosen there and not here. The row is computed anew, so tokens that are as good may change places.
        let mut likeliest = got.clone();
        likeliest.sort_by(|a, b| b.total_cmp(a));
        let fits = |id: u32, rank: usize| {
            got.get(id as usize).is_some_and(|logit| is_near((likeliest[rank] - logit).max(0.0)))
        };
        let first = session.next(text, &mut Sampler::new(Sampling::GREEDY), steps).await.map_err(failed)?;
        let few = session.few(text, FEW, steps).await.map_err(failed)?.unwrap_or_default();
        let mut ids: Vec<u32> = few.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        let is_found = few.len() >= FEW && ids.len() == few.len();
        let at_hand =
            |&(id, logit): &(u32, f32)| got.get(id as usize).is_some_and(|x| is_near((x - logit).abs()));
        // As many as are found, none is worse than the last of that many.
        if !fits(first, 0)
            || !is_found
            || !few.iter().all(|found| at_hand(found) && fits(found.0, few.len() - 1))
        {
            return Err(GpuError::Wrong("the likeliest tokens are other ones".into()));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::matrix::{FORMATS, PRODUCT};
    use super::super::plan::BETWEEN;
    use super::super::tests::{gpu, ready};
    use super::*;
    use crate::gguf::{Arch, RopePairs, RopeScaling};

    /// A shape whose layers have these formats in turn.
    fn shape(dtypes: &[Dtype], wide: usize, blocks: usize, rope_pairs: RopePairs, qkv_bias: bool) -> Shape {
        let dtype = |i: usize| dtypes[i % dtypes.len()];
        Shape {
            config: Config {
                arch: Arch::Llama,
                vocab: 1000,
                context_length: 1000,
                embedding_length: wide,
                block_count: 9,
                feed_forward_length: wide.next_multiple_of(544),
                head_count: wide / 32,
                head_count_kv: wide / 64,
                head_dim: 32,
                rope_base: 10_000.0,
                rope_dims: 32,
                rope_pairs,
                rope_scaling: RopeScaling::None,
                rms_epsilon: 1e-5,
                tied_output: false,
                qkv_bias,
            },
            embedding: dtype(0),
            output: Some(dtype(1)),
            blocks: (0..blocks).map(|block| std::array::from_fn(|i| dtype(2 + 7 * block + i))).collect(),
        }
        .small()
    }

    #[test]
    fn a_device_that_computes_the_same_is_taken_with_every_format() {
        let Some(gpu) = gpu() else { return };
        let mut all = shape(&Dtype::ALL, 256, 2, RopePairs::Adjacent, true);
        all.config.feed_forward_length = 512;
        ready(check(&gpu, &all, &())).unwrap();
        let plain = shape(&[Dtype::F16, Dtype::Q8_0], 128, 1, RopePairs::Halves, false);
        ready(check(&gpu, &plain, &())).unwrap();
    }

    /// A device that computes wrongly is a kernel that says something else.
    #[test]
    fn a_device_that_computes_something_else_is_refused() {
        let Some(gpu) = gpu() else { return };
        let shape = shape(&[Dtype::Q8_0], 128, 1, RopePairs::Halves, true);
        for (is, becomes) in [
            ("x[a] = p * angle.x - q * angle.y", "x[a] = p * angle.x + q * angle.y"),
            ("let to = (state.position + row) * LEN + id.x;", "let to = row * LEN + id.x;"),
            ("total *= shrink;", ""),
            ("group.x / GROUP * HEAD", "0u"),
            ("1.0 + exp(-x)", "1.0 + exp(x)"),
            ("if (ADDS) { total", "if (false) { total"),
            ("unit += 16u", "unit += 32u"),
            ("let bits = logits[i];", "let bits = logits[LEN - 1u - i];"),
            ("0xffffu).x", "0xfffeu).x * 1.05"),
            ("atomicAdd(&bins[bin], 1u)", "atomicAdd(&bins[bin], 2u)"),
            ("atomicStore(&found[2u + 2u * at], id.x);", "atomicStore(&found[2u + 2u * at], id.x ^ 1u);"),
        ] {
            assert!([BETWEEN, PRODUCT, FORMATS].iter().any(|file| file.contains(is)), "{is} is in no kernel");
            gpu.spoil(Some((is, becomes)));
            let outcome = ready(check(&gpu, &shape, &()));
            assert!(matches!(outcome, Err(GpuError::Wrong(_))), "{is}: {outcome:?}");
        }
        gpu.spoil(None);
        ready(check(&gpu, &shape, &())).unwrap();
    }
}
