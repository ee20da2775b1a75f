//! A text under way on a network in GPU memory. What was computed of it stays on the device, and only what is new is
//! computed; a token costs one submission and few bytes that are read back: the likeliest token, or where chance has to
//! choose, those that it can choose from.

use std::sync::Arc;

use infer::{Generate, GenerateError, Sampler, Steps, common_prefix};

use super::device::GpuError;
use super::few::{self, Few};
use super::network::GpuNetwork;
use super::plan::{Kept, Plan, Room};
use crate::llm::session::check;

/// Tokens that pass the network together, usually.
const ROWS: usize = 128;
/// Fewest positions that room is made for.
const LEAST_POSITIONS: usize = 512;

/// One text. Several may share a network.
#[derive(Debug)]
pub struct GpuSession {
    network: Arc<GpuNetwork>,
    /// Tokens whose keys and values are in the cache.
    tokens: Vec<u32>,
    max_tokens: usize,
    /// Tokens that pass the network together.
    rows: usize,
    room: Room,
    cache: Vec<Kept>,
    /// Positions that the cache has room for.
    positions: usize,
    plan: Plan,
    /// What is read back.
    back: wgpu::Buffer,
    angles: Vec<(f32, f32)>,
}

/// What is wanted behind the last token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Likeliest,
    /// So many of the likeliest.
    Few(usize),
    Logits,
}

impl From<GpuError> for GenerateError {
    fn from(err: GpuError) -> Self {
        Self::DeviceLost(err.to_string())
    }
}

impl GpuSession {
    /// An empty text of at most `max_tokens`, or as many as the network was trained for, where those are fewer.
    #[must_use]
    pub fn new(network: Arc<GpuNetwork>, max_tokens: usize) -> Self {
        Self::with_sizes(network, max_tokens, ROWS, LEAST_POSITIONS)
    }

    /// The same with pieces of so many tokens, and room for so many positions at first.
    #[must_use]
    pub fn with_sizes(network: Arc<GpuNetwork>, max_tokens: usize, rows: usize, positions: usize) -> Self {
        let max_tokens = max_tokens.min(network.config().context_length);
        let rows = rows.max(1);
        let room = Room::new(&network, rows);
        let positions = positions.clamp(1, max_tokens.max(1));
        let cache = cache(&network, positions);
        let plan = Plan::new(&network, &room, &cache);
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let back = network.gpu.buffer(Few::BYTES.max(4 * network.config().vocab as u64), usage);
        let (tokens, angles) = (Vec::new(), Vec::new());
        Self { network, tokens, max_tokens, rows, room, cache, positions, plan, back, angles }
    }

    /// The logits of all tokens that may follow `sequence`, reusing what was computed before.
    ///
    /// # Errors
    /// See [`GenerateError`].
    pub async fn logits(&mut self, sequence: &[u32], steps: &impl Steps) -> Result<Vec<f32>, GenerateError> {
        self.run(sequence, steps, Wanted::Logits).await.map(|read| floats(&read))
    }

    /// At least `num` of the likeliest tokens that may follow `sequence`, with their logits; nothing where all logits have
    /// to be looked at.
    pub(super) async fn few(
        &mut self,
        sequence: &[u32],
        num: usize,
        steps: &impl Steps,
    ) -> Result<Option<Vec<(u32, f32)>>, GenerateError> {
        let read = self.run(sequence, steps, Wanted::Few(num)).await?;
        let vocab = self.network.config().vocab;
        Ok(Few::read(&read, num).filter(|few| few.iter().all(|(id, _)| (*id as usize) < vocab)))
    }

    /// The logits behind what was computed last.
    async fn same_logits(&self) -> Result<Vec<f32>, GenerateError> {
        let (gpu, bytes) = (&self.network.gpu, self.logits_bytes());
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(&self.room.logits, 0, &self.back, 0, bytes);
        gpu.queue.submit([encoder.finish()]);
        Ok(floats(&gpu.read(&self.back, bytes).await?))
    }

    fn logits_bytes(&self) -> u64 {
        4 * self.network.config().vocab as u64
    }

    /// Compute what is new of `sequence`, and give the bytes of what is wanted.
    async fn run(
        &mut self,
        sequence: &[u32],
        steps: &impl Steps,
        wanted: Wanted,
    ) -> Result<Vec<u8>, GenerateError> {
        let len = sequence.len();
        check(sequence, self.max_tokens, self.network.config().vocab)?;
        self.network.gpu.check()?;
        // At least one token is computed, because its logits are wanted.
        self.tokens.truncate(self.cached(sequence));
        self.reserve(len)?;
        loop {
            let from = self.tokens.len();
            let to = len.min(from + self.rows);
            let wanted = if to == len { wanted } else { Wanted::Nothing };
            let bytes = self.submit(&sequence[from..to], wanted);
            let read = self.network.gpu.read(&self.back, bytes).await?;
            // Only now: what a dropped future left half done is computed again.
            self.tokens.extend_from_slice(&sequence[from..to]);
            steps.next().await;
            if to == len {
                return Ok(read);
            }
        }
    }

    /// Send the work for `tokens`, which follow those in the cache, and what is wanted to where it is read; that many
    /// bytes.
    fn submit(&mut self, tokens: &[u32], wanted: Wanted) -> u64 {
        let (gpu, first) = (&self.network.gpu, self.tokens.len());
        self.angles.clear();
        for position in first..first + tokens.len() {
            self.network.network.rope.angles(position, &mut self.angles);
        }
        let angles = self.angles.iter().flat_map(|(cos, sin)| [cos.to_le_bytes(), sin.to_le_bytes()]);
        let write = |buffer: &wgpu::Buffer, bytes: Vec<u8>| gpu.queue.write_buffer(buffer, 0, &bytes);
        write(&self.room.angles, angles.flatten().collect());
        write(&self.room.tokens, tokens.iter().flat_map(|id| id.to_le_bytes()).collect());
        let state = [first as u32, tokens.len() as u32];
        write(&self.room.state, state.iter().flat_map(|word| word.to_le_bytes()).collect());
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let few = self.plan.few();
        if let Wanted::Few(num) = wanted {
            few.begin(gpu, &mut encoder, num);
        }
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            self.plan.encode(&mut pass, tokens.len() as u32, wanted != Wanted::Nothing);
            if let Wanted::Few(_) = wanted {
                few.encode(&mut pass);
            }
        }
        let (from, bytes) = match wanted {
            Wanted::Logits => (&self.room.logits, self.logits_bytes()),
            Wanted::Few(_) => (few.found(), Few::BYTES),
            // Reading anything waits for everything before it.
            Wanted::Likeliest | Wanted::Nothing => (&self.room.chosen, 8),
        };
        encoder.copy_buffer_to_buffer(from, 0, &self.back, 0, bytes);
        gpu.queue.submit([encoder.finish()]);
        bytes
    }

    /// Make room for so many positions, keeping what is in the cache.
    fn reserve(&mut self, positions: usize) -> Result<(), GenerateError> {
        if positions <= self.positions {
            return Ok(());
        }
        // Twice as many, so that copying what is there stays cheap for each single token.
        let room = positions.max((2 * self.positions).min(self.max_tokens));
        let (gpu, row_bytes) = (&self.network.gpu, 4 * self.network.config().kv_len() as u64);
        if room as u64 * row_bytes > gpu.max_buffer_bytes() {
            return Err(GenerateError::NoMemory { len: positions });
        }
        let larger = cache(&self.network, room);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let bytes = self.tokens.len() as u64 * row_bytes;
        if bytes > 0 {
            for (old, new) in self.cache.iter().zip(&larger) {
                encoder.copy_buffer_to_buffer(&old.keys, 0, &new.keys, 0, bytes);
                encoder.copy_buffer_to_buffer(&old.values, 0, &new.values, 0, bytes);
            }
        }
        gpu.queue.submit([encoder.finish()]);
        self.plan = Plan::new(&self.network, &self.room, &larger);
        (self.cache, self.positions) = (larger, room);
        Ok(())
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn cache(network: &GpuNetwork, positions: usize) -> Vec<Kept> {
    let config = network.config();
    let room = || network.gpu.room(positions * config.kv_len());
    (0..config.block_count).map(|_| Kept { keys: room(), values: room() }).collect()
}

impl Generate for GpuSession {
    fn vocab(&self) -> usize {
        self.network.config().vocab
    }

    fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    fn cached(&self, sequence: &[u32]) -> usize {
        common_prefix(&self.tokens, sequence).min(sequence.len().saturating_sub(1))
    }

    async fn next(
        &mut self,
        sequence: &[u32],
        sampler: &mut Sampler,
        steps: &impl Steps,
    ) -> Result<u32, GenerateError> {
        if !sampler.is_greedy() {
            let enough = sampler.enough(sequence).filter(|&num| num <= few::MOST);
            let logits = match enough {
                None => self.logits(sequence, steps).await?,
                Some(num) => match self.few(sequence, num, steps).await? {
                    Some(few) => {
                        return sampler.choose_among(&few, sequence).ok_or(GenerateError::NotFinite);
                    }
                    None => self.same_logits().await?,
                },
            };
            return sampler.choose(&logits, sequence).ok_or(GenerateError::NotFinite);
        }
        let read = self.run(sequence, steps, Wanted::Likeliest).await?;
        let token = read.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        token.filter(|token| (*token as usize) < self.vocab()).ok_or(GenerateError::NotFinite)
    }
}
