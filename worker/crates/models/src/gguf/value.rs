//! Values of the metadata.

use super::cursor::{Cursor, Stop, What};
use super::error::GgufError;
use super::{MAX_ARRAY, MAX_DEPTH, MAX_NESTED, MAX_STRING_BYTES};

/// Many strings in one piece of memory: a vocabulary has hundreds of thousands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The string at a place.
    pub fn get(&self, i: usize) -> Option<&str> {
        let end = *self.ends.get(i)?;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        self.text.get(start as usize..end as usize)
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|i| self.get(i))
    }

    /// Read `num` strings: once over the lengths, so that memory is asked for once and exactly, then once more.
    fn read(cursor: &mut Cursor<'_>, num: u64, what: What<'_>) -> Result<Self, Stop> {
        let mut ahead = cursor.clone();
        let mut total = 0;
        for _ in 0..num {
            let len = ahead.u64(what)?;
            what.at_most("the length of a string", len, MAX_STRING_BYTES)?;
            ahead.take(len, what)?;
            total += len as usize;
        }
        let mut strings = Self { text: String::with_capacity(total), ends: Vec::with_capacity(num as usize) };
        for _ in 0..num {
            strings.text.push_str(cursor.string(MAX_STRING_BYTES, what)?);
            // A header is far smaller than 4 GiB.
            strings.ends.push(strings.text.len() as u32);
        }
        Ok(strings)
    }
}

impl<S: AsRef<str>> FromIterator<S> for Strings {
    fn from_iter<T: IntoIterator<Item = S>>(strings: T) -> Self {
        let mut all = Self::default();
        for string in strings {
            all.text.push_str(string.as_ref());
            all.ends.push(all.text.len() as u32);
        }
        all
    }
}

/// A list of values of one type.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Array {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bool(Vec<bool>),
    Strings(Strings),
    Arrays(Vec<Array>),
}

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    U64(u64),
    I64(i64),
    F32(f32),
    F64(f64),
    Bool(bool),
    String(String),
    Array(Array),
}

impl Value {
    /// Any whole number that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::U8(n) => Some(n.into()),
            Self::U16(n) => Some(n.into()),
            Self::U32(n) => Some(n.into()),
            Self::U64(n) => Some(n),
            Self::I8(n) => n.try_into().ok(),
            Self::I16(n) => n.try_into().ok(),
            Self::I32(n) => n.try_into().ok(),
            Self::I64(n) => n.try_into().ok(),
            _ => None,
        }
    }

    /// A floating-point number.
    pub fn as_f32(&self) -> Option<f32> {
        match *self {
            Self::F32(x) => Some(x),
            Self::F64(x) => Some(x as f32),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::U8(_) | Self::U16(_) | Self::U32(_) | Self::U64(_) => "a whole number",
            Self::I8(_) | Self::I16(_) | Self::I32(_) | Self::I64(_) => "a whole number with a sign",
            Self::F32(_) | Self::F64(_) => "a fractional number",
            Self::Bool(_) => "yes or no",
            Self::String(_) => "a text",
            Self::Array(Array::Strings(_)) => "a list of texts",
            Self::Array(_) => "a list",
        }
    }

    /// Read one value, its type before it. `nested` counts the arrays inside of arrays so far.
    pub(super) fn read(cursor: &mut Cursor<'_>, nested: &mut u64, what: What<'_>) -> Result<Self, Stop> {
        let code = cursor.u32(what)?;
        if code == ARRAY {
            return Ok(Self::Array(Array::read(cursor, 1, nested, what)?));
        }
        if code == STRING {
            return Ok(Self::String(cursor.string(MAX_STRING_BYTES, what)?.to_owned()));
        }
        let bytes = cursor.take(width(code, what)?, what)?;
        Ok(match code {
            0 => Self::U8(number(bytes, u8::from_le_bytes)),
            1 => Self::I8(number(bytes, i8::from_le_bytes)),
            2 => Self::U16(number(bytes, u16::from_le_bytes)),
            3 => Self::I16(number(bytes, i16::from_le_bytes)),
            4 => Self::U32(number(bytes, u32::from_le_bytes)),
            5 => Self::I32(number(bytes, i32::from_le_bytes)),
            6 => Self::F32(number(bytes, f32::from_le_bytes)),
            7 => Self::Bool(truth(bytes[0], what)?),
            10 => Self::U64(number(bytes, u64::from_le_bytes)),
            11 => Self::I64(number(bytes, i64::from_le_bytes)),
            _ => Self::F64(number(bytes, f64::from_le_bytes)),
        })
    }
}

const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// Bytes of a number of this type, which is neither a string nor an array.
fn width(code: u32, what: What<'_>) -> Result<u64, GgufError> {
    match code {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        _ => Err(what.malformed(format!("is of the unknown type {code}"))),
    }
}

/// Exactly as many bytes as the number has, by the table above.
fn number<T, const N: usize>(bytes: &[u8], from: fn([u8; N]) -> T) -> T {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    from(array)
}

fn numbers<T, const N: usize>(bytes: &[u8], from: fn([u8; N]) -> T) -> Vec<T> {
    bytes.chunks_exact(N).map(|bytes| number(bytes, from)).collect()
}

fn truth(byte: u8, what: What<'_>) -> Result<bool, GgufError> {
    match byte {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(what.malformed(format!("is {byte}, which is neither yes nor no"))),
    }
}

impl Array {
    /// How many elements it has.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(all) => all.len(),
            Self::I8(all) => all.len(),
            Self::U16(all) => all.len(),
            Self::I16(all) => all.len(),
            Self::U32(all) => all.len(),
            Self::I32(all) => all.len(),
            Self::U64(all) => all.len(),
            Self::I64(all) => all.len(),
            Self::F32(all) => all.len(),
            Self::F64(all) => all.len(),
            Self::Bool(all) => all.len(),
            Self::Strings(all) => all.len(),
            Self::Arrays(all) => all.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn read(cursor: &mut Cursor<'_>, depth: u32, nested: &mut u64, what: What<'_>) -> Result<Self, Stop> {
        what.at_most("the depth", depth.into(), MAX_DEPTH.into())?;
        let code = cursor.u32(what)?;
        let num = cursor.u64(what)?;
        what.at_most("the number of elements", num, MAX_ARRAY)?;
        if code == STRING {
            cursor.need(num, 8, what)?;
            return Ok(Self::Strings(Strings::read(cursor, num, what)?));
        }
        if code == ARRAY {
            // Each has at least its type and its length.
            cursor.need(num, 12, what)?;
            *nested += num;
            what.at_most("the number of lists inside of lists up to the end", *nested, MAX_NESTED)?;
            let mut arrays = Vec::with_capacity(num as usize);
            for _ in 0..num {
                arrays.push(Self::read(cursor, depth + 1, nested, what)?);
            }
            return Ok(Self::Arrays(arrays));
        }
        let bytes = cursor.take(num * width(code, what)?, what)?;
        Ok(match code {
            0 => Self::U8(bytes.to_vec()),
            1 => Self::I8(numbers(bytes, i8::from_le_bytes)),
            2 => Self::U16(numbers(bytes, u16::from_le_bytes)),
            3 => Self::I16(numbers(bytes, i16::from_le_bytes)),
            4 => Self::U32(numbers(bytes, u32::from_le_bytes)),
            5 => Self::I32(numbers(bytes, i32::from_le_bytes)),
            6 => Self::F32(numbers(bytes, f32::from_le_bytes)),
            7 => Self::Bool(bytes.iter().map(|&byte| truth(byte, what)).collect::<Result<_, _>>()?),
            10 => Self::U64(numbers(bytes, u64::from_le_bytes)),
            11 => Self::I64(numbers(bytes, i64::from_le_bytes)),
            _ => Self::F64(numbers(bytes, f64::from_le_bytes)),
        })
    }
}
