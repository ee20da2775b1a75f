//! The header: metadata and the table of tensors.

use std::collections::BTreeMap;

use super::cursor::{Cursor, Stop, What};
use super::error::{GgufError, shown};
use super::{
    Dtype, MAX_DATA_BYTES, MAX_DIMS, MAX_NAME_BYTES, MAX_PAIRS, MAX_STRING_BYTES, MAX_TENSORS, Value,
};

const ALIGNMENT_KEY: &str = "general.alignment";
const DEFAULT_ALIGNMENT: u64 = 32;
const MAX_ALIGNMENT: u64 = 1 << 16;
/// Fewest bytes of a pair: the length of its key, a letter, its type, a value.
const PAIR_BYTES: u64 = 8 + 1 + 4 + 1;
/// Fewest bytes of a tensor's entry: the length of its name, a letter, one dimension, its type, its place.
const ENTRY_BYTES: u64 = 8 + 1 + 4 + 8 + 4 + 8;

/// Where a tensor lies in the file and what its bytes mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name, unique in the file.
    pub name: String,
    /// Its dimensions, outermost first: a matrix is `[rows, columns]`, and numbers of one row lie together. The file
    /// itself counts them the other way round.
    pub shape: Vec<u64>,
    /// How its numbers are stored.
    pub dtype: Dtype,
    /// First byte, counted from the start of the file.
    pub offset: u64,
    /// Bytes of its data, which end inside the file where the file's length was known.
    pub len_bytes: u64,
}

impl TensorInfo {
    /// How many numbers it has.
    pub fn numbers(&self) -> u64 {
        // `Header::parse` has shown that the product can be.
        self.shape.iter().product()
    }

    /// Bytes of one row, the innermost dimension.
    pub fn row_bytes(&self) -> u64 {
        self.shape.last().and_then(|&columns| self.dtype.bytes(columns)).unwrap_or(0)
    }
}

/// What came of reading the start of a file.
#[derive(Debug)]
pub enum Parsed {
    /// All of the header was there.
    Whole(Header),
    /// Call again with the first `at_least` bytes of the file or more. The header may turn out to be longer still.
    NeedMore {
        /// Bytes from the start of the file.
        at_least: u64,
    },
}

/// A checked header. Everything in it is consistent: see [`Header::parse`].
#[derive(Debug)]
pub struct Header {
    version: u32,
    metadata: BTreeMap<String, Value>,
    tensors: Vec<TensorInfo>,
    /// Places in `tensors`, sorted by name.
    by_name: Vec<u32>,
    header_bytes: u64,
    data_start: u64,
}

impl Header {
    /// Read the header from the start of a file, of which `prefix` may be a part or all.
    ///
    /// `file_bytes` is the length of the whole file where that is known; then everything that the header announces is
    /// checked against it, and a file that is too short is an error instead of a wish for more. Checked are: the
    /// limits of this module, text as UTF-8, names that stand twice, types, dimensions whose product overflows, rows
    /// that are not whole blocks, and that tensors follow each other in the data without holes or overlaps. Memory is
    /// only taken for what has been seen, so a short file cannot ask for much.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn parse(prefix: &[u8], file_bytes: Option<u64>) -> Result<Parsed, GgufError> {
        match Self::read(&mut Cursor::new(prefix, file_bytes)) {
            Ok(header) => Ok(Parsed::Whole(header)),
            Err(Stop::More(at_least)) => Ok(Parsed::NeedMore { at_least }),
            Err(Stop::Bad(err)) => Err(err),
        }
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Stop> {
        let head = What::Part("its header");
        if cursor.take(4, head)? != b"GGUF" {
            return Err(GgufError::NotGguf.into());
        }
        let version = cursor.u32(head)?;
        if !matches!(version, 2 | 3) {
            let swapped = matches!(version.swap_bytes(), 1..=3);
            return Err(if swapped { GgufError::BigEndian } else { GgufError::Version(version) }.into());
        }
        let num_tensors = cursor.u64(head)?;
        let num_pairs = cursor.u64(head)?;
        let (pairs, table) = (What::Part("the metadata"), What::Part("the table of tensors"));
        pairs.at_most("the length", num_pairs, MAX_PAIRS)?;
        table.at_most("the length", num_tensors, MAX_TENSORS)?;
        // The limits above keep this sum small.
        cursor.need(num_pairs * PAIR_BYTES + num_tensors * ENTRY_BYTES, 1, head)?;

        let mut metadata = BTreeMap::new();
        let mut nested = 0;
        for _ in 0..num_pairs {
            let key = cursor.string(MAX_STRING_BYTES, What::Part("a key of the metadata"))?;
            if key.is_empty() {
                return Err(What::Part("a key of the metadata").malformed("is empty").into());
            }
            let value = Value::read(cursor, &mut nested, What::Key(key))?;
            if metadata.insert(key.to_owned(), value).is_some() {
                return Err(What::Key(key).malformed("stands there twice").into());
            }
        }
        let alignment = alignment(metadata.get(ALIGNMENT_KEY))?;

        let mut tensors = Vec::with_capacity(num_tensors as usize);
        let mut end = 0;
        for _ in 0..num_tensors {
            let tensor = read_entry(cursor, end)?;
            end = tensor.offset + tensor.len_bytes.next_multiple_of(alignment);
            What::Tensor(&tensor.name).at_most("the end", end, MAX_DATA_BYTES)?;
            tensors.push(tensor);
        }
        let mut by_name: Vec<u32> = (0..tensors.len() as u32).collect();
        let name = |i: u32| tensors[i as usize].name.as_str();
        by_name.sort_unstable_by_key(|&i| name(i));
        if let Some(twice) = by_name.windows(2).find(|pair| name(pair[0]) == name(pair[1])) {
            return Err(What::Tensor(name(twice[0])).malformed("stands there twice").into());
        }

        let data_start = cursor.at().next_multiple_of(alignment);
        for tensor in &mut tensors {
            tensor.offset += data_start;
            let expected = tensor.offset + tensor.len_bytes;
            if let Some(actual) = cursor.file_bytes().filter(|&actual| expected > actual) {
                let what = What::Tensor(&tensor.name).to_string();
                return Err(GgufError::Truncated { what, expected, actual }.into());
            }
        }
        Ok(Self { version, metadata, tensors, by_name, header_bytes: cursor.at(), data_start })
    }

    /// Version of the format.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// A piece of metadata.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.metadata.get(key)
    }

    /// All metadata, sorted by key.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.metadata.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// All tensors in the order of their data.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The tensor of this name.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        let place = self.by_name.binary_search_by_key(&name, |&i| &self.tensors[i as usize].name).ok()?;
        self.tensors.get(self.by_name[place] as usize)
    }

    /// Bytes of the header, without padding behind it: what of the file may be dropped once it is parsed.
    pub fn header_bytes(&self) -> u64 {
        self.header_bytes
    }

    /// Where the data of the tensors begins, counted from the start of the file.
    pub fn data_start(&self) -> u64 {
        self.data_start
    }

    /// Bytes that the file must have: up to the end of the last tensor, without padding behind it.
    pub fn file_bytes(&self) -> u64 {
        self.tensors.last().map_or(self.header_bytes, |last| last.offset + last.len_bytes)
    }

    /// A whole number that is not negative.
    pub(super) fn number_if_there(&self, key: &str) -> Result<Option<u64>, GgufError> {
        self.typed(key, "a whole number from 0 on", Value::as_u64)
    }

    /// A finite fractional number.
    pub(super) fn float_if_there(&self, key: &str) -> Result<Option<f32>, GgufError> {
        let number = self.typed(key, "a fractional number", Value::as_f32)?;
        match number {
            Some(x) if !x.is_finite() => {
                Err(GgufError::BadValue { key: key.to_owned(), why: format!("is {x}") })
            }
            _ => Ok(number),
        }
    }

    pub(super) fn text_if_there(&self, key: &str) -> Result<Option<&str>, GgufError> {
        self.typed(key, "a text", |value| match value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        })
    }

    pub(super) fn text(&self, key: &str) -> Result<&str, GgufError> {
        self.text_if_there(key)?.ok_or_else(|| missing(key))
    }

    pub(super) fn truth_if_there(&self, key: &str) -> Result<Option<bool>, GgufError> {
        self.typed(key, "yes or no", |value| match value {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        })
    }

    pub(super) fn typed<'a, T>(
        &'a self,
        key: &str,
        expected: &'static str,
        take: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, GgufError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let wrong = || GgufError::WrongType { key: shown(key), expected, found: value.kind() };
        take(value).ok_or_else(wrong).map(Some)
    }
}

pub(super) fn missing(key: &str) -> GgufError {
    GgufError::MissingKey(shown(key))
}

fn alignment(value: Option<&Value>) -> Result<u64, GgufError> {
    let malformed = |why: String| What::Key(ALIGNMENT_KEY).malformed(why);
    let alignment = match value {
        None => DEFAULT_ALIGNMENT,
        Some(Value::U32(alignment)) => u64::from(*alignment),
        Some(other) => return Err(malformed(format!("is {} instead of a u32", other.kind()))),
    };
    if !alignment.is_power_of_two() || alignment > MAX_ALIGNMENT {
        return Err(malformed(format!("is {alignment} instead of a power of two up to {MAX_ALIGNMENT}")));
    }
    Ok(alignment)
}

/// One entry of the table. Its data must begin at `expected`, counted from the start of the data, as the offset is.
fn read_entry(cursor: &mut Cursor<'_>, expected: u64) -> Result<TensorInfo, Stop> {
    let name = cursor.string(MAX_NAME_BYTES, What::Part("a name in the table of tensors"))?;
    let what = What::Tensor(name);
    if name.is_empty() {
        return Err(What::Part("a name in the table of tensors").malformed("is empty").into());
    }
    let num_dims = cursor.u32(what)?;
    what.at_most("the number of dimensions", num_dims.into(), MAX_DIMS.into())?;
    if num_dims == 0 {
        return Err(what.malformed("has no dimensions").into());
    }
    let mut shape = Vec::with_capacity(num_dims as usize);
    let mut numbers: u64 = 1;
    for _ in 0..num_dims {
        let size = cursor.u64(what)?;
        if size == 0 {
            return Err(what.malformed("has a dimension of 0").into());
        }
        let product = numbers.checked_mul(size).filter(|&product| product <= i64::MAX as u64);
        numbers = product.ok_or_else(|| what.malformed("has dimensions whose product overflows"))?;
        shape.push(size);
    }
    // The file has the innermost dimension first.
    let columns = shape[0];
    shape.reverse();
    let code = cursor.u32(what)?;
    let dtype =
        Dtype::from_code(code).map_err(|dtype| GgufError::TensorType { tensor: what.to_string(), dtype })?;
    let block = dtype.block_len() as u64;
    if !columns.is_multiple_of(block) {
        let why = format!("has rows of {columns} numbers, which are not whole blocks of {block} for {dtype}");
        return Err(what.malformed(why).into());
    }
    let len_bytes = dtype.bytes(numbers).ok_or_else(|| what.malformed("has a size that overflows"))?;
    what.at_most("the size", len_bytes, MAX_DATA_BYTES)?;
    let offset = cursor.u64(what)?;
    if offset != expected {
        let why = format!("begins at byte {offset} of the data, where byte {expected} is its place");
        return Err(what.malformed(why).into());
    }
    Ok(TensorInfo { name: name.to_owned(), shape, dtype, offset, len_bytes })
}
