//! The start of a file that arrives in pieces, until its header is whole.

use super::{GgufError, Header, Parsed};

/// Collects bytes until [`Header::parse`] has enough of them.
#[derive(Debug, Default)]
pub struct Head {
    prefix: Vec<u8>,
    /// Bytes without which it is not worth trying again.
    wanted: u64,
    file_bytes: Option<u64>,
}

impl Head {
    /// Nothing yet of a file that has so many bytes, where that is known.
    #[must_use]
    pub fn new(file_bytes: Option<u64>) -> Self {
        Self { prefix: Vec::new(), wanted: 0, file_bytes }
    }

    /// Take the bytes that follow those before. The header, once it is whole; then weights begin in
    /// [`Head::prefix`] already.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<Header>, GgufError> {
        self.prefix.extend_from_slice(bytes);
        if (self.prefix.len() as u64) < self.wanted {
            return Ok(None);
        }
        match Header::parse(&self.prefix, self.file_bytes)? {
            Parsed::Whole(header) => Ok(Some(header)),
            Parsed::NeedMore { at_least } => {
                // A vocabulary asks for a few bytes more at each token; reading it anew for each would take for ever.
                self.wanted = at_least.max(self.prefix.len() as u64 * 3 / 2);
                Ok(None)
            }
        }
    }

    /// The file is over: its header, if it is whole after all.
    ///
    /// # Errors
    /// What is wrong with the file, at the least that it is cut short.
    pub fn end(&self) -> Result<Header, GgufError> {
        let actual = self.prefix.len() as u64;
        match Header::parse(&self.prefix, Some(actual))? {
            Parsed::Whole(header) => Ok(header),
            Parsed::NeedMore { at_least: expected } => {
                Err(GgufError::Truncated { what: "its header".into(), expected, actual })
            }
        }
    }

    /// All bytes so far.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }
}
