//! From the bytes of a file to a text that can be edited, and back without changing what was not edited.

use std::borrow::Cow;

use super::eol::{Endings, separate};

const BOM: &str = "\u{feff}";

/// A file's text as the editor shows it, with what is needed to write the very same bytes again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The text with LF line endings and without a byte order mark.
    pub text: String,
    /// The file starts with a UTF-8 byte order mark.
    pub bom: bool,
    /// What stands at the ends of its lines.
    pub endings: Endings,
    /// The bytes were not valid UTF-8: `text` is UTF-16 read, or has replacement characters, and must never be written
    /// back.
    pub lossy: bool,
}

/// The text of bytes by the rule of the engine (`store::decode`), so that positions agree: UTF-16 where a byte order mark
/// says so, else UTF-8, with U+FFFD for what is neither. Borrowed only when the bytes are valid UTF-8.
#[must_use]
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let little = match bytes {
        [0xff, 0xfe, ..] => true,
        [0xfe, 0xff, ..] => false,
        _ => return String::from_utf8_lossy(bytes),
    };
    let (units, odd) = bytes.as_chunks::<2>();
    let units = units
        .iter()
        .skip(1)
        .map(|&pair| if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) });
    if !odd.is_empty() {
        return String::from_utf8_lossy(bytes);
    }
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>().into()
}

impl Source {
    /// Read bytes as [`decode`] does.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Self {
        let whole = decode(bytes);
        let lossy = matches!(whole, Cow::Owned(_));
        let (bom, rest) = whole.strip_prefix(BOM).map_or((false, &*whole), |rest| (true, rest));
        let (text, endings) = separate(rest);
        Self { text: text.into_owned(), bom, endings, lossy }
    }

    /// The bytes of `text` (LF only) in this file's form.
    #[must_use]
    pub fn encode(bom: bool, endings: &Endings, text: &str) -> Vec<u8> {
        let body = endings.restore(text);
        let mut out = Vec::with_capacity(body.len() + 3);
        if bom {
            out.extend_from_slice(BOM.as_bytes());
        }
        out.extend_from_slice(body.as_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(bytes: &[u8]) -> Vec<u8> {
        let source = Source::decode(bytes);
        Source::encode(source.bom, &source.endings, &source.text)
    }

    #[test]
    fn valid_files_come_back_byte_for_byte() {
        let cases: [&[u8]; 8] = [
            b"",
            b"\xef\xbb\xbf",
            b"\xef\xbb\xbfa\r\nb\r\n",
            b"a\rb\nc\r\n",
            "\u{feff}\u{feff}x".as_bytes(),
            "a\u{2028}b\u{85}c\u{b}d".as_bytes(),
            b"no newline at the end",
            "\u{1f468}\u{200d}\u{1f469}\n\u{202e}rtl".as_bytes(),
        ];
        for bytes in cases {
            assert!(!Source::decode(bytes).lossy);
            assert_eq!(round(bytes), bytes);
        }
    }

    #[test]
    fn invalid_bytes_are_marked() {
        let source = Source::decode(b"ok \xff\xfe end");
        assert!(source.lossy);
        assert!(source.text.starts_with("ok \u{fffd}"));
    }

    #[test]
    fn utf_16_is_read_and_never_written() {
        for bytes in [&b"\xff\xfeg\0\xfc\0\r\0\n\0"[..], b"\xfe\xff\0g\0\xfc\0\r\0\n"] {
            let source = Source::decode(bytes);
            assert_eq!((source.text.as_str(), source.lossy), ("gü\n", true));
        }
        assert!(Source::decode(b"\xff\xfe").lossy);
    }
}
