//! Hashes of contents, and what kind of bytes they are.

use std::borrow::Cow;

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
    /// Valid UTF-8.
    Text,
    /// Text in another encoding, or with damaged places: shown as well as possible, never written back.
    LossyText,
    /// Anything else.
    Binary,
}

/// Bytes looked at for NUL, as git does.
const HEAD: usize = 8000;

/// Tell text from binary by git's rule: NUL in the first 8,000 bytes means binary. Files of the old one-byte encodings
/// hold none, whatever their share of other bytes. UTF-16 holds many and is told by its byte order mark instead.
#[must_use]
pub fn classify(bytes: &[u8]) -> ContentKind {
    if is_utf16(bytes) {
        return ContentKind::LossyText;
    }
    if bytes[..bytes.len().min(HEAD)].contains(&0) {
        return ContentKind::Binary;
    }
    if std::str::from_utf8(bytes).is_ok() { ContentKind::Text } else { ContentKind::LossyText }
}

/// The text of a file that is one: UTF-16 where a byte order mark says so, else UTF-8; U+FFFD stands for what is
/// neither. The editor reads files by the same rule, so that positions agree.
#[must_use]
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if is_utf16(bytes) {
        let chars = char::decode_utf16(utf16_units(bytes));
        return chars.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>().into();
    }
    String::from_utf8_lossy(bytes)
}

/// A UTF-16 byte order mark, an even length, and none of the NUL characters that UTF-32 or binary data would show.
fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
        && bytes.len().is_multiple_of(2)
        && !utf16_units(&bytes[..bytes.len().min(HEAD)]).any(|unit| unit == 0)
}

/// Code units after the byte order mark.
fn utf16_units(bytes: &[u8]) -> impl Iterator<Item = u16> {
    let little = bytes.first() == Some(&0xff);
    bytes.chunks_exact(2).skip(1).map(move |pair| {
        let pair = [pair[0], pair[1]];
        if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_told_apart() {
        let late_nul = [vec![b'x'; HEAD], vec![0]].concat();
        let early_nul = [vec![b'x'; HEAD - 1], vec![0]].concat();
        let table: [(&[u8], ContentKind); 21] = [
            (b"", ContentKind::Text),
            (b"x", ContentKind::Text),
            (b"fn main() {}\r\n", ContentKind::Text),
            ("grüße 😀".as_bytes(), ContentKind::Text),
            (b"\xef\xbb\xbfbom", ContentKind::Text),
            (b"\x1b[31mred\x1b[0m\x07", ContentKind::Text),
            (b"\0", ContentKind::Binary),
            (b"MZ\0\0", ContentKind::Binary),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0\xff\xfe\xff", ContentKind::Binary),
            (&early_nul, ContentKind::Binary),
            (&late_nul, ContentKind::Text),
            // Short files of the old encodings, in which a large share of the bytes is no UTF-8.
            (b"caf\xe9", ContentKind::LossyText),
            (b"\xe9", ContentKind::LossyText),
            (b"\xcf\xf0\xe8\xe2\xe5\xf2", ContentKind::LossyText),
            (b"\x93quoted\x94", ContentKind::LossyText),
            (b"a line of latin1 text: gr\xfc\xdfe, and then more of it to read", ContentKind::LossyText),
            (b"\xff\xfeh\0i\0", ContentKind::LossyText),
            (b"\xfe\xff\0h\0i", ContentKind::LossyText),
            // UTF-16 without a mark or cut in a character, and UTF-32.
            (b"h\0i\0", ContentKind::Binary),
            (b"\xff\xfeh\0i", ContentKind::Binary),
            (b"\xff\xfe\0\0h\0\0\0", ContentKind::Binary),
        ];
        for (bytes, kind) in table {
            assert_eq!(classify(bytes), kind, "{bytes:?}");
        }
    }

    #[test]
    fn texts_are_decoded_and_what_cannot_be_is_marked() {
        let table: [(&[u8], &str); 8] = [
            (b"", ""),
            (b"plain", "plain"),
            (b"\xef\xbb\xbfbom", "\u{feff}bom"),
            (b"caf\xe9", "caf\u{fffd}"),
            (b"\xff\xfe", ""),
            (b"\xff\xfeg\0\xfc\0\r\0\n\0", "gü\r\n"),
            (b"\xfe\xff\xd8\x3d\xde\x00\0!", "😀!"),
            (b"\xfe\xff\xd8\x3d\0!", "\u{fffd}!"),
        ];
        for (bytes, text) in table {
            assert_eq!(decode(bytes), text, "{bytes:?}");
        }
    }

    #[test]
    fn the_hash_is_the_first_half_of_blake3() {
        // BLAKE3's own test vector for the empty input begins with these bytes.
        assert_eq!(format!("{:?}", ContentHash::of(b"")), "af1349b9f5f9a1a6a0404dea36dcc949");
    }
}
