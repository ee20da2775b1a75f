//! Vectors by key, stored as one signed byte a component with one scale a vector.

mod quant;
mod segment;

use rustc_hash::FxHashMap;

use crate::doc::Key;
pub(crate) use quant::Quantised;
use segment::{Row, Segment};

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

/// Where a vector is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Flat(u32),
    /// Number of the segment and point in it.
    Segment(u32, u32),
}

/// All vectors of an index: a flat part that is scanned exactly, and immutable segments searched by their graphs.
///
/// The scan is the rule: in wasm it takes about 1 ms for 50,000 vectors of 384 components, no more than a graph of
/// `instant-distance` takes to search them, and such a graph takes a minute to build. Segments are therefore built only
/// when asked for, which pays for some hundred thousand vectors and more.
pub(crate) struct Vectors {
    dim: usize,
    places: FxHashMap<Key, Place>,
    keys: Vec<Key>,
    scales: Vec<f32>,
    data: Vec<i8>,
    /// By number; `None` once dissolved.
    segments: Vec<Option<Segment>>,
}

impl Vectors {
    pub fn new(dim: usize) -> Self {
        Self {
            dim,
            places: FxHashMap::default(),
            keys: Vec::new(),
            scales: Vec::new(),
            data: Vec::new(),
            segments: Vec::new(),
        }
    }

    pub fn dim(&self) -> usize {
        self.dim
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Number of vectors that are not in a segment.
    pub fn num_flat(&self) -> usize {
        self.keys.len()
    }

    pub fn contains(&self, key: &Key) -> bool {
        self.places.contains_key(key)
    }

    /// The vector of `key` as [`encode_vector`] writes it.
    pub fn encoded(&self, key: &Key) -> Option<Vec<u8>> {
        let (values, scale) = match *self.places.get(key)? {
            Place::Flat(slot) => {
                let slot = slot as usize;
                (self.data.get(slot * self.dim..)?.get(..self.dim)?.into(), *self.scales.get(slot)?)
            }
            Place::Segment(segment, point) => {
                let row = self.segments.get(segment as usize)?.as_ref()?.row(point)?;
                (row.values.clone(), row.scale)
            }
        };
        Some(Quantised { values, scale }.encode())
    }

    /// Put or replace the vector of `key`.
    pub fn put(&mut self, key: Key, vector: &Quantised) -> Result<(), VectorErr> {
        if vector.values.len() != self.dim {
            return Err(VectorErr::Dim { got: vector.values.len(), wanted: self.dim });
        }
        if !vector.scale.is_finite() {
            return Err(VectorErr::NotFinite);
        }
        if let Some(&Place::Flat(slot)) = self.places.get(&key) {
            let slot = slot as usize;
            self.scales[slot] = vector.scale;
            self.data[slot * self.dim..][..self.dim].copy_from_slice(&vector.values);
            return Ok(());
        }
        self.remove(&key);
        self.push(key, vector.scale, &vector.values);
        Ok(())
    }

    fn push(&mut self, key: Key, scale: f32, values: &[i8]) {
        self.places.insert(key, Place::Flat(self.keys.len() as u32));
        self.keys.push(key);
        self.scales.push(scale);
        self.data.extend_from_slice(values);
    }

    /// Drop the vector of `key`.
    pub fn remove(&mut self, key: &Key) {
        match self.places.remove(key) {
            None => {}
            Some(Place::Segment(segment, point)) => {
                if let Some(Some(segment)) = self.segments.get_mut(segment as usize) {
                    segment.remove(point);
                }
            }
            Some(Place::Flat(slot)) => {
                let (slot, last) = (slot as usize, self.keys.len() - 1);
                self.keys.swap_remove(slot);
                self.scales.swap_remove(slot);
                self.data.copy_within(last * self.dim.., slot * self.dim);
                self.data.truncate(last * self.dim);
                if slot < last {
                    self.places.insert(self.keys[slot], Place::Flat(slot as u32));
                }
            }
        }
    }

    /// Move the newest `size` flat vectors into a segment. Returns false when there are fewer.
    pub fn build_segment(&mut self, size: usize) -> bool {
        if size == 0 || self.keys.len() < size {
            return false;
        }
        let start = self.keys.len() - size;
        let keys = self.keys.split_off(start);
        let scales = self.scales.split_off(start);
        let data = self.data.split_off(start * self.dim);
        let rows =
            data.chunks_exact(self.dim).zip(scales).map(|(row, scale)| Row { values: row.into(), scale });
        let (segment, points) = Segment::build(rows.collect(), &keys);
        let number = self.segments.iter().position(Option::is_none).unwrap_or_else(|| {
            self.segments.push(None);
            self.segments.len() - 1
        });
        for (key, point) in keys.into_iter().zip(points) {
            self.places.insert(key, Place::Segment(number as u32, point));
        }
        self.segments[number] = Some(segment);
        true
    }

    /// Dissolve one worn segment: what lives in it becomes flat again. Returns true while there are more.
    pub fn compact_step(&mut self) -> bool {
        let worn = |s: &Option<Segment>| s.as_ref().is_some_and(Segment::is_worn);
        if let Some(number) = self.segments.iter().position(worn)
            && let Some(segment) = self.segments[number].take()
        {
            for (key, row) in segment.rows() {
                self.push(key, row.scale, &row.values);
            }
        }
        self.segments.iter().any(worn)
    }

    /// The `k` nearest keys that `pass` lets through, with their inner products, best first. With `is_narrowed` the
    /// segments are scanned too, because a graph may offer nothing that passes.
    pub fn nearest(
        &self,
        query: &[f32],
        k: usize,
        is_narrowed: bool,
        pass: impl Fn(&Key) -> bool,
    ) -> Vec<(Key, f32)> {
        if query.len() != self.dim || self.dim == 0 || query.iter().any(|x| !x.is_finite()) {
            return Vec::new();
        }
        let rough = Quantised::new(query);
        let mut found: Vec<(f32, u32)> = Vec::with_capacity(self.keys.len());
        for (slot, (row, &scale)) in self.data.chunks_exact(self.dim).zip(&self.scales).enumerate() {
            if !is_narrowed || pass(&self.keys[slot]) {
                found.push((quant::dot(&rough.values, row) as f32 * scale, slot as u32));
            }
        }
        // A few more than wanted, since the exact order may differ a little from that of the quantised query.
        crate::fuse::keep_best(&mut found, k + k / 4 + 4);
        let exact = |row: &[i8], scale: f32| quant::dot_exact(query, row) * scale;
        let mut best: Vec<(f32, Key)> = found
            .into_iter()
            .map(|(_, slot)| slot as usize)
            .map(|slot| {
                (exact(&self.data[slot * self.dim..][..self.dim], self.scales[slot]), self.keys[slot])
            })
            .collect();
        let query_row = Row { values: rough.values, scale: rough.scale };
        for segment in self.segments.iter().flatten() {
            if is_narrowed {
                let rows = segment.rows().filter(|(key, _)| pass(key));
                best.extend(rows.map(|(key, row)| (exact(&row.values, row.scale), key)));
            } else {
                let rows = segment.nearest(&query_row, k).into_iter();
                best.extend(rows.map(|(key, row)| (exact(&row.values, row.scale), key)));
            }
        }
        best.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        best.truncate(k);
        best.into_iter().map(|(score, key)| (key, score)).collect()
    }
}
