//! Keys and values of all tokens so far, laid out for the attention.
//!
//! Float32: half precision would need a conversion at every use, which costs more than the memory that it saves in the
//! contexts that fit a browser.

use crate::cpu::wide::LANES;
use crate::gguf::Config;

/// Fewest positions that room is made for.
const LEAST_POSITIONS: usize = 256;

/// What one head of a layer keeps.
#[derive(Debug, Default)]
pub struct Head {
    /// Panels of eight positions: for each number of the head those of all eight.
    pub keys: Vec<f32>,
    /// For each position the numbers of the head, filled up to whole vectors.
    pub values: Vec<f32>,
}

/// The cache of a text.
#[derive(Debug)]
pub struct Cache {
    heads: Vec<Head>,
    heads_per_layer: usize,
    head_dim: usize,
    positions: usize,
}

impl Cache {
    /// An empty one.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let num = config.block_count * config.head_count_kv;
        let heads = std::iter::repeat_with(Head::default).take(num).collect();
        Self { heads, heads_per_layer: config.head_count_kv, head_dim: config.head_dim, positions: 0 }
    }

    /// Bytes that a token takes in it; more than 32 bits count, where a file says so.
    #[must_use]
    pub fn token_bytes(config: &Config) -> u64 {
        let numbers = config.head_dim + config.head_dim.next_multiple_of(LANES);
        // Every size is far below 2^16.
        4 * config.block_count as u64 * config.head_count_kv as u64 * numbers as u64
    }

    /// Numbers per position in the values of a head.
    #[must_use]
    pub fn value_len(&self) -> usize {
        self.head_dim.next_multiple_of(LANES)
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.heads.iter().map(|head| 4 * (head.keys.capacity() + head.values.capacity())).sum()
    }

    /// Make room for so many positions, of at most `max`. False when there is no memory for them.
    pub fn reserve(&mut self, positions: usize, max: usize) -> bool {
        if positions <= self.positions {
            return true;
        }
        // Twice as many, so that copying what is there stays cheap for each single token.
        let room = positions.max(LEAST_POSITIONS).max((2 * self.positions).min(max)).next_multiple_of(LANES);
        let value_len = self.value_len();
        for head in &mut self.heads {
            for (numbers, len) in [(&mut head.keys, self.head_dim), (&mut head.values, value_len)] {
                let len = room * len;
                if numbers.try_reserve_exact(len.saturating_sub(numbers.len())).is_err() {
                    return false;
                }
                numbers.resize(len, 0.0);
            }
        }
        self.positions = room;
        true
    }

    /// A head of a layer.
    #[must_use]
    pub fn head(&self, layer: usize, head: usize) -> &Head {
        &self.heads[layer * self.heads_per_layer + head]
    }

    /// Write keys and values of consecutive positions, all heads of a position one after the other.
    pub fn put(&mut self, layer: usize, first: usize, keys: &[f32], values: &[f32]) {
        let (head_dim, value_len) = (self.head_dim, self.value_len());
        let heads = &mut self.heads[layer * self.heads_per_layer..][..self.heads_per_layer];
        let row_len = heads.len() * head_dim;
        let rows = keys.chunks_exact(row_len).zip(values.chunks_exact(row_len));
        for (position, (keys, values)) in (first..).zip(rows) {
            let parts = keys.chunks_exact(head_dim).zip(values.chunks_exact(head_dim));
            for (head, (keys, values)) in heads.iter_mut().zip(parts) {
                let panel = &mut head.keys[position / LANES * LANES * head_dim..][..LANES * head_dim];
                for (group, key) in panel.chunks_exact_mut(LANES).zip(keys) {
                    group[position % LANES] = *key;
                }
                head.values[position * value_len..][..head_dim].copy_from_slice(values);
            }
        }
    }
}
