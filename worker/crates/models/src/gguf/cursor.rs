//! A place in the start of a file. Nothing is taken before it is known to be there.

use std::fmt;

use super::error::{GgufError, shown};
use super::{MAX_HEADER_BYTES, MAX_STRING_BYTES};

/// Why reading ended early: the bytes are not here yet, or they are wrong.
#[derive(Debug)]
pub(super) enum Stop {
    /// The first this many bytes of the file are needed, at least.
    More(u64),
    Bad(GgufError),
}

impl From<GgufError> for Stop {
    fn from(err: GgufError) -> Self {
        Self::Bad(err)
    }
}

/// What is being read, for messages: made into text only when it is needed.
#[derive(Clone, Copy, Debug)]
pub(super) enum What<'a> {
    Part(&'static str),
    Key(&'a str),
    Tensor(&'a str),
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(part) => f.write_str(part),
            Self::Key(key) => write!(f, "the value of “{}”", shown(key)),
            Self::Tensor(name) => write!(f, "the tensor “{}”", shown(name)),
        }
    }
}

impl What<'_> {
    pub(super) fn malformed(self, why: impl Into<String>) -> GgufError {
        GgufError::Malformed { what: self.to_string(), why: why.into() }
    }

    pub(super) fn at_most(self, counted: &str, value: u64, max: u64) -> Result<(), GgufError> {
        if value <= max {
            return Ok(());
        }
        Err(GgufError::TooMuch { what: format!("{counted} of {self}"), value, max })
    }
}

#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bytes of the whole file, where that is known.
    file_bytes: Option<u64>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], file_bytes: Option<u64>) -> Self {
        // Whoever has more bytes than the file was said to have knows better.
        let file_bytes = file_bytes.map(|len| len.max(bytes.len() as u64));
        Self { bytes, at: 0, file_bytes }
    }

    pub(super) fn at(&self) -> u64 {
        self.at as u64
    }

    pub(super) fn file_bytes(&self) -> Option<u64> {
        self.file_bytes
    }

    /// Make sure that `num` elements of at least `each` bytes follow, before space is made for them.
    pub(super) fn need(&self, num: u64, each: u64, what: What<'_>) -> Result<(), Stop> {
        let end = num.checked_mul(each).and_then(|len| len.checked_add(self.at()));
        let too_long = || what.malformed("is longer than any file");
        let end = end.ok_or_else(too_long)?;
        if let Some(actual) = self.file_bytes.filter(|&actual| end > actual) {
            return Err(GgufError::Truncated { what: what.to_string(), expected: end, actual }.into());
        }
        if end > MAX_HEADER_BYTES {
            return Err(what.at_most("the end", end, MAX_HEADER_BYTES).err().unwrap_or_else(too_long).into());
        }
        if end > self.bytes.len() as u64 { Err(Stop::More(end)) } else { Ok(()) }
    }

    /// The next `len` bytes.
    pub(super) fn take(&mut self, len: u64, what: What<'_>) -> Result<&'a [u8], Stop> {
        self.need(len, 1, what)?;
        // `need` has shown that the end lies inside the slice, so everything fits a usize.
        let end = self.at + len as usize;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: What<'_>) -> Result<[u8; N], Stop> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64, what)?);
        Ok(array)
    }

    pub(super) fn u32(&mut self, what: What<'_>) -> Result<u32, Stop> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u64(&mut self, what: What<'_>) -> Result<u64, Stop> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A string: its length, then UTF-8.
    pub(super) fn string(&mut self, max_bytes: u64, what: What<'_>) -> Result<&'a str, Stop> {
        let len = self.u64(what)?;
        what.at_most("the length", len, max_bytes.min(MAX_STRING_BYTES))?;
        let bytes = self.take(len, what)?;
        std::str::from_utf8(bytes).map_err(|_| what.malformed("is not valid UTF-8").into())
    }
}
