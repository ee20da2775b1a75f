//! Reads safetensors files, trusting nothing in them.
//!
//! A file is eight bytes of header length, a JSON header and the data. Everything that the header claims is checked
//! before the first tensor is handed out: bounds, overlaps, holes, the product of shapes, the end of the file.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};

use crate::LoadError;

/// Longest header that is looked at. The format itself allows no more.
const MAX_HEADER_BYTES: u64 = 100_000_000;
/// More tensors than any model of this project has by far.
const MAX_TENSORS: usize = 100_000;

/// Number formats that this project's models use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)]
pub enum Dtype {
    F32,
    F16,
    BF16,
    I64,
    I32,
    I8,
    U8,
}

impl Dtype {
    fn bytes(self) -> u64 {
        match self {
            Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::I8 | Self::U8 => 1,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Entry {
    dtype: Dtype,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// The checked directory of a file, borrowed from its bytes.
#[derive(Debug)]
pub struct Safetensors<'a> {
    entries: BTreeMap<String, Entry>,
    data: &'a [u8],
}

/// Tensors in the order of the file; a name that stands twice is an error, which a plain map would hide.
struct Header(BTreeMap<String, Entry>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = BTreeMap<String, Entry>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of tensors")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                use serde::de::Error as _;
                let mut entries = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<serde::de::IgnoredAny>()?;
                        continue;
                    }
                    if entries.len() >= MAX_TENSORS {
                        return Err(M::Error::custom("too many tensors"));
                    }
                    let entry = map.next_value()?;
                    if entries.insert(name.clone(), entry).is_some() {
                        return Err(M::Error::custom(format!("the tensor “{name}” stands twice")));
                    }
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Entries).map(Header)
    }
}

impl<'a> Safetensors<'a> {
    /// Read and check the header.
    ///
    /// # Errors
    /// [`LoadError::Truncated`] when the file ends too early, [`LoadError::Malformed`] for everything else.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, LoadError> {
        let malformed = |why: &str| LoadError::Malformed(why.to_owned());
        let truncated = |expected: u64| LoadError::Truncated { expected, actual: bytes.len() as u64 };
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(|| truncated(8))?;
        let header_bytes = u64::from_le_bytes(*length);
        if header_bytes > MAX_HEADER_BYTES {
            return Err(LoadError::Malformed(format!("its header claims {header_bytes} bytes")));
        }
        // The bound above makes the conversion safe on 32-bit machines.
        let header_len = header_bytes as usize;
        if rest.len() < header_len {
            return Err(truncated(8 + header_bytes));
        }
        let (header, data) = rest.split_at(header_len);
        let Header(entries) = serde_json::from_slice(header)
            .map_err(|err| LoadError::Malformed(format!("its header: {err}")))?;

        let mut ranges = Vec::with_capacity(entries.len());
        for (name, entry) in &entries {
            let [start, end] = entry.data_offsets;
            let bytes = entry
                .shape
                .iter()
                .try_fold(entry.dtype.bytes(), |product, &size| product.checked_mul(size))
                .ok_or_else(|| LoadError::Malformed(format!("the shape of “{name}” overflows")))?;
            if end.checked_sub(start) != Some(bytes) {
                return Err(LoadError::Malformed(format!("the size of “{name}” does not fit its shape")));
            }
            ranges.push((start, end));
        }
        ranges.sort_unstable();
        let mut at = 0;
        for (start, end) in ranges {
            if start != at {
                return Err(malformed(if start < at {
                    "two tensors overlap"
                } else {
                    "there is a hole in its data"
                }));
            }
            at = end;
        }
        if at > data.len() as u64 {
            return Err(truncated(8 + header_bytes + at));
        }
        if at < data.len() as u64 {
            return Err(malformed("there are bytes behind the last tensor"));
        }
        Ok(Self { entries, data })
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// A float32 tensor of exactly this shape, copied out.
    ///
    /// # Errors
    /// [`LoadError::Mismatch`] when it is missing or of another type or shape.
    pub fn f32(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, LoadError> {
        let entry =
            self.entries.get(name).ok_or_else(|| LoadError::Mismatch(format!("“{name}” is missing")))?;
        let same =
            entry.shape.len() == shape.len() && entry.shape.iter().zip(shape).all(|(&a, &b)| a == b as u64);
        if entry.dtype != Dtype::F32 || !same {
            return Err(LoadError::Mismatch(format!(
                "“{name}” is {:?} {:?} instead of F32 {shape:?}",
                entry.dtype, entry.shape
            )));
        }
        // `parse` has shown that the range lies inside the data, so it fits a usize.
        let [start, end] = entry.data_offsets.map(|at| at as usize);
        let numbers = self.data[start..end].chunks_exact(4);
        Ok(numbers.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }
}
