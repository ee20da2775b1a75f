//! The likeliest tokens, found on the GPU: where chance chooses among a few dozen of a hundred thousand, only those are
//! read back.
//!
//! Logits are counted in narrow bins below the largest, the bins from the top on that hold enough are found, and what lies
//! in them is collected. Where the bins do not reach down far enough, or hold too many, all logits have to be read.

use super::device::{Gpu, section};
use super::network::GpuNetwork;
use super::plan::{BETWEEN, Grid, Room, Run};

/// Most tokens that are collected.
pub const MOST: usize = 256;
/// Bins, for 32 below the largest logit: what is less likely by e³² is chosen by nobody.
const BINS: usize = 1024;
const PER_BIN: f32 = BINS as f32 / 32.0;
/// Threads of a workgroup.
const THREADS: usize = 256;

/// The kernels, and what they leave.
#[derive(Debug)]
pub struct Few {
    bins: wgpu::Buffer,
    /// How many are wanted.
    wanted: wgpu::Buffer,
    /// How many there are and how many bins count; then tokens and logits.
    found: wgpu::Buffer,
    runs: [Run; 3],
}

impl Few {
    /// Bytes of what is read back.
    pub const BYTES: u64 = 8 + 8 * MOST as u64;

    /// Bound to the logits of `room`, of which the largest is known when these run.
    pub fn new(network: &GpuNetwork, room: &Room) -> Self {
        Self::of(&network.gpu, network.config().vocab, &room.logits, &room.chosen)
    }

    /// The same for any `vocab` logits.
    pub fn of(gpu: &Gpu, vocab: usize, logits: &wgpu::Buffer, chosen: &wgpu::Buffer) -> Self {
        use wgpu::BufferUsages as Use;
        let (bins, found) = (gpu.room(BINS), gpu.room(2 + 2 * MOST));
        let wanted = gpu.buffer(16, Use::UNIFORM | Use::COPY_DST);
        let constants = format!(
            "const LEN = {vocab}u;\nconst BINS = {BINS}u;\nconst PER_BIN = {PER_BIN:?};\nconst OWN = {}u;\n\
             const MOST = {MOST}u;\n{}",
            BINS / THREADS,
            section(BETWEEN, "bin")
        );
        let run = |name: &str, buffers: &[&wgpu::Buffer], groups: usize| {
            let kernel = gpu.kernel(super::plan::source(name, &constants));
            Run::new(gpu, kernel, buffers, Grid::Fixed(groups as u32))
        };
        let groups = vocab.div_ceil(THREADS);
        let runs = [
            run("count", &[logits, chosen, &bins], groups),
            run("reach", &[&bins, &wanted, &found], 1),
            run("collect", &[logits, chosen, &found], groups),
        ];
        Self { bins, wanted, found, runs }
    }

    /// Before the pass in which [`Few::encode`] is: begin with nothing, for so many tokens.
    pub fn begin(&self, gpu: &Gpu, encoder: &mut wgpu::CommandEncoder, wanted: usize) {
        gpu.queue.write_buffer(&self.wanted, 0, &(wanted as u32).to_le_bytes());
        encoder.clear_buffer(&self.bins, 0, None);
        encoder.clear_buffer(&self.found, 0, Some(8));
    }

    /// Behind the kernel that finds the largest.
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        self.runs.iter().for_each(|run| run.encode(pass, 1));
    }

    /// Where the [`Few::BYTES`] bytes are.
    pub fn found(&self) -> &wgpu::Buffer {
        &self.found
    }

    /// At least `wanted` likeliest tokens with their logits, in no order, from the bytes that were read; nothing where
    /// all logits have to be looked at.
    pub fn read(bytes: &[u8], wanted: usize) -> Option<Vec<(u32, f32)>> {
        let words: Vec<u32> = bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        let (&[num, _], found) = words.split_first_chunk()?;
        let num = num as usize;
        let found = found.as_chunks().0.iter().take(num).map(|&[id, logit]| (id, f32::from_bits(logit)));
        (wanted <= num && num <= MOST).then(|| found.collect())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::{gpu, ready};
    use super::*;

    /// What is collected of these logits.
    fn collected(gpu: &Gpu, logits: &[f32], wanted: usize) -> Option<Vec<(u32, f32)>> {
        let (all, chosen) = (gpu.room(logits.len()), gpu.room(2));
        let bytes: Vec<u8> = logits.iter().flat_map(|x| x.to_le_bytes()).collect();
        gpu.queue.write_buffer(&all, 0, &bytes);
        let constants = format!("const LEN = {}u;\n", logits.len());
        let largest = gpu.kernel(super::super::plan::source("largest", &constants));
        let largest = Run::new(gpu, largest, &[&all, &chosen], Grid::Fixed(1));
        let few = Few::of(gpu, logits.len(), &all, &chosen);
        let back = gpu.buffer(Few::BYTES, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        // Twice, because what the first left must not count.
        for _ in 0..2 {
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            few.begin(gpu, &mut encoder, wanted);
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                largest.encode(&mut pass, 1);
                few.encode(&mut pass);
            }
            encoder.copy_buffer_to_buffer(few.found(), 0, &back, 0, Few::BYTES);
            gpu.queue.submit([encoder.finish()]);
        }
        let read = ready(gpu.read(&back, Few::BYTES)).unwrap();
        Few::read(&read, wanted)
    }

    #[test]
    fn the_likeliest_are_collected_and_what_is_no_number_is_not() {
        let Some(gpu) = gpu() else { return };
        for (len, wanted) in [(1, 1), (300, 40), (5000, 1), (49_152, 104), (151_936, 40)] {
            let mut state = len as u64 | 1;
            let mut logits: Vec<f32> = (0..len)
                .map(|_| {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    // Few are likely, as in texts.
                    let x = (state >> 40) as f32 / (1 << 24) as f32;
                    20.0 * x.powi(12) - 12.0 + x
                })
                .collect();
            if len > 100 {
                (logits[3], logits[50], logits[99]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
                logits[7] = logits[8];
            }
            let mut all: Vec<(u32, f32)> =
                (0..).zip(logits.iter().copied()).filter(|x| x.1.is_finite()).collect();
            all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let mut few = collected(&gpu, &logits, wanted).unwrap();
            assert!(few.len() >= wanted && few.len() < wanted + 60, "{} for {wanted}", few.len());
            few.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            assert_eq!(few, all[..few.len()], "{len}");
        }
    }

    #[test]
    fn what_the_bins_cannot_tell_is_left_to_all_logits() {
        let Some(gpu) = gpu() else { return };
        // Too many alike, too few at all, too far away, none that is a number.
        assert_eq!(collected(&gpu, &[1.0; 5000], 40), None);
        assert_eq!(collected(&gpu, &[1.0; 30], 40), None);
        let far: Vec<f32> = (0..100).map(|i| -40.0 * i as f32).collect();
        assert_eq!(collected(&gpu, &far, 40), None);
        assert_eq!(collected(&gpu, &[f32::NAN; 100], 1), None);
    }
}
