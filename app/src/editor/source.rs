//! From the bytes of a file to a text that can be edited, and back without changing what was not edited.

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
    /// The bytes were not valid UTF-8: `text` has replacement characters and must never be written back.
    pub lossy: bool,
}

impl Source {
    /// Read bytes as UTF-8, showing what is invalid as U+FFFD.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Self {
        let whole = String::from_utf8_lossy(bytes);
        let lossy = matches!(whole, std::borrow::Cow::Owned(_));
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
}
