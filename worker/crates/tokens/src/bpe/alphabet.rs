//! The alphabet of byte-level vocabularies: every byte is written as one printable character.
//!
//! Bytes that are printable in Latin-1 stand for themselves, the other 68 are written as the characters from U+0100 on.

/// Whether a byte is written as itself.
fn printable(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff)
}

/// Characters of all bytes, by byte.
pub(super) fn characters() -> [char; 256] {
    let mut next = 0x100;
    std::array::from_fn(|i| {
        let byte = i as u8;
        if printable(byte) {
            return char::from(byte);
        }
        next += 1;
        char::from_u32(next - 1).unwrap_or_default()
    })
}

/// Bytes of all characters below U+0144, by character.
pub(super) struct Bytes([Option<u8>; 0x144]);

impl Bytes {
    pub(super) fn new() -> Self {
        let mut bytes = [None; 0x144];
        for (byte, c) in (0..=u8::MAX).zip(characters()) {
            bytes[c as usize] = Some(byte);
        }
        Self(bytes)
    }

    /// Append the bytes that `text` is written for, or, where it has a character outside of the alphabet, its own.
    pub(super) fn read(&self, text: &str, out: &mut Vec<u8>) {
        let before = out.len();
        for c in text.chars() {
            match self.0.get(c as usize) {
                Some(&Some(byte)) => out.push(byte),
                _ => {
                    out.truncate(before);
                    out.extend_from_slice(text.as_bytes());
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_character_of_its_own() {
        let characters = characters();
        assert_eq!((characters[b'a' as usize], characters[b' ' as usize]), ('a', 'Ġ'));
        assert_eq!((characters[b'\n' as usize], characters[0xad]), ('Ċ', 'Ń'));
        let bytes = Bytes::new();
        let mut read = Vec::new();
        bytes.read(&characters.iter().collect::<String>(), &mut read);
        assert_eq!(read, (0..=255).collect::<Vec<u8>>());
        read.clear();
        bytes.read("a b", &mut read);
        assert_eq!(read, b"a b", "a space is not in the alphabet");
    }
}
