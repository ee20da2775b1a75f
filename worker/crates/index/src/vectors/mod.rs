//! Vectors by key, stored as one signed byte a component with one scale a vector.

mod quant;

use rustc_hash::FxHashMap;

use crate::doc::Key;
pub(crate) use quant::Quantised;

/// Why a vector was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VectorErr {
    /// The vector has another length than the index's.
    #[error("The vector has {got} components where {wanted} are expected.")]
    Dim {
        /// Components given.
        got: usize,
        /// Components of this index.
        wanted: usize,
    },
    /// A component is infinite or not a number, or the encoded form is damaged.
    #[error("The vector is damaged: it holds values that are not finite numbers.")]
    NotFinite,
}

/// Encode a vector for storage: its scale as little-endian `f32`, then one byte a component.
#[must_use]
pub fn encode_vector(vector: &[f32]) -> Vec<u8> {
    Quantised::new(vector).encode()
}

/// All vectors of an index.
#[derive(Clone, Debug)]
pub(crate) struct Vectors {
    dim: usize,
    slots: FxHashMap<Key, u32>,
    keys: Vec<Key>,
    scales: Vec<f32>,
    data: Vec<i8>,
}

impl Vectors {
    pub fn new(dim: usize) -> Self {
        Self { dim, slots: FxHashMap::default(), keys: Vec::new(), scales: Vec::new(), data: Vec::new() }
    }

    pub fn dim(&self) -> usize {
        self.dim
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn contains(&self, key: &Key) -> bool {
        self.slots.contains_key(key)
    }

    /// Put or replace the vector of `key`.
    pub fn put(&mut self, key: Key, vector: &Quantised) -> Result<(), VectorErr> {
        if vector.values.len() != self.dim {
            return Err(VectorErr::Dim { got: vector.values.len(), wanted: self.dim });
        }
        if !vector.scale.is_finite() {
            return Err(VectorErr::NotFinite);
        }
        if let Some(&slot) = self.slots.get(&key) {
            let slot = slot as usize;
            self.scales[slot] = vector.scale;
            self.data[slot * self.dim..][..self.dim].copy_from_slice(&vector.values);
        } else {
            self.slots.insert(key, self.keys.len() as u32);
            self.keys.push(key);
            self.scales.push(vector.scale);
            self.data.extend_from_slice(&vector.values);
        }
        Ok(())
    }

    /// Drop the vector of `key`.
    pub fn remove(&mut self, key: &Key) {
        let Some(slot) = self.slots.remove(key) else { return };
        let (slot, last) = (slot as usize, self.keys.len() - 1);
        self.keys.swap_remove(slot);
        self.scales.swap_remove(slot);
        self.data.copy_within(last * self.dim.., slot * self.dim);
        self.data.truncate(last * self.dim);
        if slot < last {
            self.slots.insert(self.keys[slot], slot as u32);
        }
    }

    /// The `k` nearest keys that `pass` lets through, by falling inner product.
    pub fn nearest(&self, query: &[f32], k: usize, pass: impl Fn(&Key) -> bool) -> Vec<(Key, f32)> {
        if query.len() != self.dim || query.iter().any(|x| !x.is_finite()) {
            return Vec::new();
        }
        let query = Quantised::new(query);
        let mut found: Vec<(f32, u32)> = Vec::with_capacity(self.keys.len());
        for (slot, (row, &scale)) in self.data.chunks_exact(self.dim.max(1)).zip(&self.scales).enumerate() {
            let score = quant::dot(&query.values, row) as f32 * scale * query.scale;
            found.push((score, slot as u32));
        }
        found.retain(|&(_, slot)| pass(&self.keys[slot as usize]));
        crate::fuse::keep_best(&mut found, k);
        found.into_iter().map(|(score, slot)| (self.keys[slot as usize], score)).collect()
    }
}
