//! Builds a network from the data of a file that arrives in pieces, so that no more than a piece is there twice.

use thiserror::Error;

use super::cache::Cache;
use super::matrix::{NoMemory, OnProcessor, Store};
use super::network::{Block, Network, Projection};
use super::rope::Rope;
use crate::cpu::wide::LANES;
use crate::gguf::{Config, GgufError, Header, Model, TensorInfo, dequantise};

/// Why there is no network.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadLlmError {
    /// The header does not describe a model that can be run.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The weights do not fit.
    #[error("there is not enough memory for the model: {bytes} bytes more were wanted")]
    NoMemory {
        /// Bytes of what did not fit.
        bytes: usize,
    },
    /// The data ended early.
    #[error("the model file is cut short: its data ends at byte {actual} of {expected}")]
    Truncated {
        /// Bytes of the whole file.
        expected: u64,
        /// Bytes that came.
        actual: u64,
    },
}

impl From<NoMemory> for LoadLlmError {
    fn from(NoMemory(bytes): NoMemory) -> Self {
        Self::NoMemory { bytes }
    }
}

/// What a model will take of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Its weights.
    pub weight_bytes: u64,
    /// Each token of a text under way.
    pub token_bytes: u64,
    /// Longest text that it was trained for.
    pub max_tokens: u64,
}

/// What becomes of a tensor: an entry of one of the two lists.
#[derive(Clone, Copy, Debug)]
enum Part {
    Matrix(usize),
    Vector(usize),
}

/// A tensor in the order of the file.
#[derive(Debug)]
struct Place {
    offset: u64,
    len_bytes: u64,
    /// Bytes that are taken at a time: eight rows of a matrix, all of a vector.
    piece: usize,
    info: TensorInfo,
    part: Part,
}

/// Takes the data of a file from [`Loader::start`] on, in pieces of any length.
#[derive(Debug)]
pub struct Loader<S: Store = OnProcessor> {
    store: S,
    config: Config,
    places: Vec<Place>,
    next: usize,
    /// Bytes of the file so far.
    at: u64,
    end: u64,
    /// The beginning of a piece whose rest is still to come.
    pending: Vec<u8>,
    matrices: Vec<Option<S::Matrix>>,
    vectors: Vec<Vec<f32>>,
    has_factors: bool,
}

impl Loader {
    /// Check the header and plan what to take from the data.
    ///
    /// # Errors
    /// See [`LoadLlmError`].
    pub fn new(header: &Header) -> Result<Self, LoadLlmError> {
        Self::into_store(header, OnProcessor)
    }
}

impl<S: Store> Loader<S> {
    /// The same, with the weights put elsewhere.
    ///
    /// # Errors
    /// See [`LoadLlmError`].
    pub fn into_store(header: &Header, store: S) -> Result<Self, LoadLlmError> {
        let Model { config, tensors, .. } = Model::read(header)?;
        let (mut places, mut matrices, mut vectors) = (Vec::new(), 0, 0);
        let mut take = |info: &TensorInfo| {
            let is_matrix = info.shape.len() > 1;
            let num = if is_matrix { &mut matrices } else { &mut vectors };
            *num += 1;
            // Lengths of tensors that the configuration asks for fit memory, or reserving fails later.
            let len = usize::try_from(info.len_bytes).unwrap_or(usize::MAX);
            let rows = usize::try_from(info.row_bytes()).unwrap_or(usize::MAX).saturating_mul(LANES);
            places.push(Place {
                offset: info.offset,
                len_bytes: info.len_bytes,
                piece: if is_matrix { rows.min(len) } else { len },
                info: info.clone(),
                part: if is_matrix { Part::Matrix(*num - 1) } else { Part::Vector(*num - 1) },
            });
        };
        // The order in which `finish` takes them out again.
        take(tensors.embedding);
        if !config.tied_output {
            take(tensors.output);
        }
        for layer in &tensors.layers {
            let projections = [layer.query, layer.key, layer.value];
            let weights = projections.map(|projection| projection.weight);
            weights.into_iter().for_each(&mut take);
            [layer.attn_output, layer.gate, layer.up, layer.down].into_iter().for_each(&mut take);
            take(layer.attn_norm);
            take(layer.ffn_norm);
            projections.iter().filter_map(|projection| projection.bias).for_each(&mut take);
        }
        take(tensors.output_norm);
        if let Some(factors) = tensors.rope_factors {
            take(factors);
        }
        places.sort_by_key(|place| place.offset);
        Ok(Self {
            store,
            at: places.first().map_or(0, |place| place.offset),
            end: places.last().map_or(0, |place| place.offset + place.len_bytes),
            next: 0,
            pending: Vec::new(),
            matrices: std::iter::repeat_with(|| None).take(matrices).collect(),
            vectors: vec![Vec::new(); vectors],
            has_factors: tensors.rope_factors.is_some(),
            config,
            places,
        })
    }

    /// Take the file from its first byte on, header and all.
    #[must_use]
    pub fn from_start(mut self) -> Self {
        self.at = 0;
        self
    }

    /// What the model will take, before any of it is there.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let bytes = |place: &Place| match (place.part, place.info.shape[..].as_ref()) {
            (Part::Matrix(_), &[n, k]) => {
                let [n, k] = [n, k].map(|size| usize::try_from(size).unwrap_or(usize::MAX));
                S::bytes_of(place.info.dtype, n, k).map_or(u64::MAX, |bytes| bytes as u64)
            }
            _ => place.info.numbers().saturating_mul(4),
        };
        Needs {
            weight_bytes: self.places.iter().map(bytes).fold(0, u64::saturating_add),
            token_bytes: Cache::token_bytes(&self.config),
            max_tokens: self.config.context_length as u64,
        }
    }

    /// The first byte of the file that it wants next.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Where the file may end.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Take the bytes that follow those before. What comes after the last tensor is ignored.
    ///
    /// # Errors
    /// When there is no memory for a tensor that begins here.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), LoadLlmError> {
        while let Some(place) = self.places.get(self.next) {
            if bytes.is_empty() {
                break;
            }
            // Padding between tensors.
            let gap = place.offset.saturating_sub(self.at);
            if gap > 0 {
                let skipped = bytes.len().min(usize::try_from(gap).unwrap_or(usize::MAX));
                bytes = &bytes[skipped..];
                self.at += skipped as u64;
                continue;
            }
            let taken = self.at - self.pending.len() as u64 - place.offset;
            let left = usize::try_from(place.len_bytes - taken).unwrap_or(usize::MAX);
            let wanted = place.piece.min(left);
            if self.pending.is_empty() && bytes.len() >= wanted {
                let (piece, rest) = bytes.split_at(wanted);
                self.take(piece)?;
                self.at += wanted as u64;
                bytes = rest;
            } else {
                let (more, rest) = bytes.split_at(bytes.len().min(wanted - self.pending.len()));
                self.pending.extend_from_slice(more);
                self.at += more.len() as u64;
                bytes = rest;
                if self.pending.len() < wanted {
                    continue;
                }
                let piece = std::mem::take(&mut self.pending);
                self.take(&piece)?;
                self.pending = piece;
                self.pending.clear();
            }
            if wanted == left {
                self.next += 1;
            }
        }
        Ok(())
    }

    /// Take a whole piece of the tensor under way.
    fn take(&mut self, piece: &[u8]) -> Result<(), LoadLlmError> {
        let Place { info, part, .. } = &self.places[self.next];
        match *part {
            Part::Matrix(index) => {
                let size = |i: usize| usize::try_from(info.shape[i]).unwrap_or(usize::MAX);
                let slot = &mut self.matrices[index];
                let matrix = match slot {
                    Some(matrix) => matrix,
                    None => slot.insert(self.store.matrix(info.dtype, size(0), size(1))?),
                };
                self.store.push(matrix, piece);
            }
            Part::Vector(index) => {
                let mut numbers = vec![0.0; piece.len() / info.dtype.block_bytes()];
                // The lengths fit by construction.
                let _ = dequantise(info.dtype, piece, &mut numbers);
                self.vectors[index] = numbers;
            }
        }
        Ok(())
    }

    /// The network.
    ///
    /// # Errors
    /// When not all of the data has come.
    pub fn finish(self) -> Result<Network<S::Matrix>, LoadLlmError> {
        let truncated = LoadLlmError::Truncated { expected: self.end, actual: self.at };
        if self.next < self.places.len() {
            return Err(truncated);
        }
        let Self { config, matrices, vectors, has_factors, .. } = self;
        let mut matrices = matrices.into_iter();
        let mut matrix = || matrices.next().flatten().ok_or_else(|| truncated.clone());
        let mut vectors = vectors.into_iter();
        let mut vector = || vectors.next().unwrap_or_default();
        let embedding = matrix()?;
        let output = if config.tied_output { None } else { Some(matrix()?) };
        let mut blocks = Vec::with_capacity(config.block_count);
        for _ in 0..config.block_count {
            let [query, key, value] = [matrix()?, matrix()?, matrix()?];
            let (attn_output, gate, up, down) = (matrix()?, matrix()?, matrix()?, matrix()?);
            let (attn_norm, ffn_norm) = (vector(), vector());
            let mut bias = |weight| Projection { weight, bias: config.qkv_bias.then(&mut vector) };
            let (query, key, value) = (bias(query), bias(key), bias(value));
            blocks.push(Block { attn_norm, query, key, value, attn_output, ffn_norm, gate, up, down });
        }
        let output_norm = vector();
        let factors = has_factors.then(vector);
        let rope = Rope::new(&config, factors.as_deref());
        Ok(Network { config, embedding, blocks, output_norm, output, rope })
    }
}
