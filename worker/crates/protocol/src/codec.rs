//! postcard with a bound on what is accepted.

use serde::{Serialize, de::DeserializeOwned};
use std::fmt;

/// Longest frame that [`decode`] looks at: the list of a million files fits. Contents travel as blobs.
pub const MAX_FRAME_BYTES: usize = 128 * 1024 * 1024;

/// Why bytes are not a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Longer than [`MAX_FRAME_BYTES`].
    TooLong {
        /// Length of what arrived.
        len: usize,
    },
    /// Not the encoding of the expected type.
    Malformed(String),
    /// A valid message followed by this many other bytes.
    Trailing(usize),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len } => {
                write!(f, "a message of {len} bytes is longer than the limit of {MAX_FRAME_BYTES}")
            }
            Self::Malformed(why) => write!(f, "a message could not be decoded: {why}"),
            Self::Trailing(n) => write!(f, "a message was followed by {n} unexpected bytes"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Encode any message. Plain data of this crate always encodes; the fallback is an empty frame, which no type but
/// `()` decodes, so a bug shows as a [`DecodeError`] on the other side and never as wrong data.
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).unwrap_or_default()
}

/// Decode a message and insist that nothing follows it.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.len() > MAX_FRAME_BYTES {
        return Err(DecodeError::TooLong { len: bytes.len() });
    }
    let (value, rest) =
        postcard::take_from_bytes(bytes).map_err(|err| DecodeError::Malformed(err.to_string()))?;
    if rest.is_empty() { Ok(value) } else { Err(DecodeError::Trailing(rest.len())) }
}
