//! Hashes of contents, and what kind of bytes they are.

/// First half of a BLAKE3 hash: names a content. 128 bits keep accidental collisions out of reach.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 16]);

impl ContentHash {
    /// Hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
        Self(half)
    }
}

impl std::fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What the bytes of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentKind {
    /// Valid UTF-8 without NUL.
    Text,
    /// Mostly text with some invalid UTF-8.
    LossyText,
    /// Anything else.
    Binary,
}

/// Bytes looked at for NUL, as git does, and for the share of invalid UTF-8.
const HEAD: usize = 8000;

/// Tell text from binary: NUL in the first 8,000 bytes means binary (git's rule), valid UTF-8 means text, and at most
/// one invalid sequence in twenty bytes of the head is still shown as text.
#[must_use]
pub fn classify(bytes: &[u8]) -> ContentKind {
    let head = &bytes[..bytes.len().min(HEAD)];
    if head.contains(&0) {
        return ContentKind::Binary;
    }
    if std::str::from_utf8(bytes).is_ok() {
        return if bytes.contains(&0) { ContentKind::Binary } else { ContentKind::Text };
    }
    let num_invalid = head.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count();
    if num_invalid * 20 > head.len() { ContentKind::Binary } else { ContentKind::LossyText }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_told_apart() {
        let table: [(&[u8], ContentKind); 7] = [
            (b"", ContentKind::Text),
            (b"fn main() {}\r\n", ContentKind::Text),
            ("grüße 😀".as_bytes(), ContentKind::Text),
            (b"\xef\xbb\xbfbom", ContentKind::Text),
            (b"MZ\0\0", ContentKind::Binary),
            (b"a line of latin1 text: gr\xfc\xdfe, and then more of it to read", ContentKind::LossyText),
            (b"\xff\xd8\xff\xe0\x10JFIF\xff\xfe\xff", ContentKind::Binary),
        ];
        for (bytes, kind) in table {
            assert_eq!(classify(bytes), kind, "{bytes:?}");
        }
    }

    #[test]
    fn the_hash_is_the_first_half_of_blake3() {
        // BLAKE3's own test vector for the empty input begins with these bytes.
        assert_eq!(format!("{:?}", ContentHash::of(b"")), "af1349b9f5f9a1a6a0404dea36dcc949");
    }
}
