//! What a client asks for beside the path: an encoding, a part of the file, something newer than it has.

/// How the bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// gzip, beside the file with the ending `.gz`.
    Gzip,
    /// brotli, beside the file with the ending `.br`.
    Brotli,
}

impl Encoding {
    /// Name in `Content-Encoding`; `None` for unpacked bytes.
    #[must_use]
    pub fn token(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    /// Ending of the packed file; empty for unpacked bytes.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Gzip => ".gz",
            Self::Brotli => ".br",
        }
    }
}

/// The encoding that `accept` (the value of `Accept-Encoding`, if any) likes best among those in `there`; brotli
/// before gzip before plain where it likes them the same. A client that refuses all of them gets the plain bytes,
/// which RFC 9110 allows and which serves it better than an error.
#[must_use]
pub fn choose_encoding(accept: Option<&str>, there: &[Encoding]) -> Encoding {
    let Some(accept) = accept else { return Encoding::Identity };
    let mut best = (0u16, Encoding::Identity);
    for encoding in [Encoding::Brotli, Encoding::Gzip, Encoding::Identity] {
        if encoding != Encoding::Identity && !there.contains(&encoding) {
            continue;
        }
        let quality = quality_of(accept, encoding);
        if quality > best.0 {
            best = (quality, encoding);
        }
    }
    best.1
}

/// Weight of one encoding in thousandths.
fn quality_of(accept: &str, encoding: Encoding) -> u16 {
    let (mut named, mut rest) = (None, None);
    for item in accept.split(',') {
        let mut parts = item.split(';').map(str::trim);
        let token = parts.next().unwrap_or_default();
        let quality = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(1000, thousandths);
        let same = match encoding {
            Encoding::Identity => token.eq_ignore_ascii_case("identity"),
            Encoding::Gzip => token.eq_ignore_ascii_case("gzip") || token.eq_ignore_ascii_case("x-gzip"),
            Encoding::Brotli => token.eq_ignore_ascii_case("br"),
        };
        if same {
            named = Some(quality);
        } else if token == "*" {
            rest = Some(quality);
        }
    }
    // Plain bytes are acceptable unless they are refused by name or by `*`, but liked least.
    let unnamed = if encoding == Encoding::Identity { 1 } else { 0 };
    named.or(rest).unwrap_or(unnamed)
}

/// `0.25` → 250; nonsense is 0, so that it never wins.
fn thousandths(text: &str) -> u16 {
    match text.trim().parse::<f32>() {
        Ok(value) if (0.0..=1.0).contains(&value) => (value * 1000.0).round() as u16,
        _ => 0,
    }
}

/// What a `Range` header asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeAsked {
    /// Nothing, or something that may be ignored: another unit, several ranges, a malformed value.
    Whole,
    /// Bytes `start` to `end`, both included.
    Part {
        /// First byte.
        start: u64,
        /// Last byte.
        end: u64,
    },
    /// A range that begins behind the end.
    Unsatisfiable,
}

/// Read a `Range` header for a file of `len` bytes.
#[must_use]
pub fn parse_range(value: Option<&str>, len: u64) -> RangeAsked {
    let Some((first, last)) = value
        .and_then(|value| value.trim().strip_prefix("bytes="))
        .filter(|ranges| !ranges.contains(','))
        .and_then(|range| range.trim().split_once('-'))
    else {
        return RangeAsked::Whole;
    };
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (number(first), number(last)) {
        (Some(start), end) if end.is_some() || last.is_empty() => {
            let end = end.unwrap_or(u64::MAX);
            if end < start {
                RangeAsked::Whole
            } else if start >= len {
                RangeAsked::Unsatisfiable
            } else {
                RangeAsked::Part { start, end: end.min(len - 1) }
            }
        }
        (None, Some(suffix)) if first.is_empty() => {
            if suffix == 0 || len == 0 {
                RangeAsked::Unsatisfiable
            } else {
                RangeAsked::Part { start: len.saturating_sub(suffix), end: len - 1 }
            }
        }
        _ => RangeAsked::Whole,
    }
}

/// Whether the list in an `If-None-Match` header names `etag`, strong or weak.
pub(crate) fn names_etag(list: &str, etag: &str) -> bool {
    list.trim() == "*"
        || list.split(',').any(|item| {
            let item = item.trim();
            item.strip_prefix("W/").unwrap_or(item) == etag
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_chosen_by_weight_then_by_size() {
        use Encoding::{Brotli, Gzip, Identity};
        let both = [Brotli, Gzip];
        let table: [(Option<&str>, &[Encoding], Encoding); 14] = [
            (None, &both, Identity),
            (Some(""), &both, Identity),
            (Some("gzip, deflate, br, zstd"), &both, Brotli),
            (Some("gzip, deflate, br"), &[Gzip], Gzip),
            (Some("gzip, deflate, br"), &[], Identity),
            (Some("gzip;q=1.0, br;q=0.5"), &both, Gzip),
            (Some("br;q=0, gzip"), &both, Gzip),
            (Some("br;q=0, gzip;q=0"), &both, Identity),
            (Some("*"), &both, Brotli),
            (Some("*;q=0, gzip;q=0.1"), &both, Gzip),
            (Some("identity, br;q=0.9"), &both, Identity),
            (Some("BR"), &both, Brotli),
            (Some("br;q=nonsense, gzip;q=0.001"), &both, Gzip),
            (Some("identity;q=0, *;q=0"), &both, Identity),
        ];
        for (accept, there, expected) in table {
            assert_eq!(choose_encoding(accept, there), expected, "{accept:?}");
        }
    }

    #[test]
    fn ranges_follow_rfc_9110() {
        use RangeAsked::{Part, Unsatisfiable, Whole};
        let table = [
            (None, Whole),
            (Some("bytes=0-0"), Part { start: 0, end: 0 }),
            (Some("bytes=0-99"), Part { start: 0, end: 9 }),
            (Some("bytes=3-"), Part { start: 3, end: 9 }),
            (Some("bytes=-3"), Part { start: 7, end: 9 }),
            (Some("bytes=-99"), Part { start: 0, end: 9 }),
            (Some("bytes=-0"), Unsatisfiable),
            (Some("bytes=10-"), Unsatisfiable),
            (Some("bytes=10-20"), Unsatisfiable),
            (Some("bytes=99999999999999999999-"), Unsatisfiable),
            (Some("bytes=5-4"), Whole),
            (Some("bytes=0-1,3-4"), Whole),
            (Some("lines=0-1"), Whole),
            (Some("bytes=-"), Whole),
            (Some("bytes=+1-2"), Whole),
            (Some("bytes=1-x"), Whole),
        ];
        for (value, expected) in table {
            assert_eq!(parse_range(value, 10), expected, "{value:?}");
        }
        assert_eq!(parse_range(Some("bytes=0-"), 0), Unsatisfiable);
    }

    #[test]
    fn etags_match_weakly() {
        assert!(names_etag("\"a\", W/\"b\"", "\"b\""));
        assert!(names_etag("*", "\"b\""));
        assert!(!names_etag("\"bc\"", "\"b\""));
    }
}
