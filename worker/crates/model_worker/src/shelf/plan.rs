//! What to ask a server for, and what its answer means.

use super::mark::Mark;

/// The next request for a file of which some bytes are here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Everything, from the first byte on.
    Whole,
    /// What follows byte `at`, but only if the file is still the one that `if_range` names, where that can be asked.
    From {
        /// Bytes that are here.
        at: u64,
        /// The value of `If-Range`.
        if_range: Option<String>,
    },
    /// Nothing: all bytes are here.
    Nothing,
}

/// Plan how to go on. Bytes are only continued where it will be noticed that the file is another one by now: by what the
/// server says of its version, or by the checksum at the end. `is_own_server` allows for the header that another
/// server would have to permit first.
#[must_use]
pub fn next(mark: &Mark, here: u64, is_own_server: bool) -> Next {
    if here == 0 || mark.bytes != 0 && here > mark.bytes {
        return Next::Whole;
    }
    if here == mark.bytes {
        return Next::Nothing;
    }
    let strong = !mark.etag.is_empty() && !mark.etag.starts_with("W/");
    let version = if strong { &mark.etag } else { &mark.last_modified };
    if !version.is_empty() && is_own_server {
        return Next::From { at: here, if_range: Some(version.clone()) };
    }
    if strong || !mark.sha256.is_empty() {
        return Next::From { at: here, if_range: None };
    }
    Next::Whole
}

/// The head of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// `Content-Length`.
    pub content_length: Option<u64>,
    /// `Content-Range`.
    pub content_range: Option<String>,
    /// `Content-Encoding`: lengths count packed bytes then.
    pub is_packed: bool,
    /// `ETag`, empty without one.
    pub etag: String,
    /// `Last-Modified`, empty without one.
    pub last_modified: String,
}

/// What follows from an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its body continues what is here. The length of the whole file, 0 when unknown.
    Append(u64),
    /// Its body is the file from the first byte on. The length of it, 0 when unknown.
    StartOver(u64),
    /// The part that was asked for is not to be had: ask for the whole.
    AskWhole,
    /// Ask again in a while; it may be a passing trouble.
    Again,
    /// There is no such file.
    NoFile,
    /// The server does not give it.
    Refused,
    /// The file has another length than was announced.
    OtherLength(u64),
}

/// Judge an answer to `asked`. `mark` says what is known of the bytes that are here, `announced` how long the file has to
/// be, 0 when that is open.
#[must_use]
pub fn judge(asked: &Next, mark: &Mark, announced: u64, head: &Head) -> Verdict {
    let other = |total: u64| mark.bytes != 0 && total != 0 && total != mark.bytes;
    match (head.status, asked) {
        (200, _) => {
            let total = head.content_length.filter(|_| !head.is_packed).unwrap_or(0);
            if announced != 0 && total != 0 && total != announced {
                Verdict::OtherLength(total)
            } else {
                Verdict::StartOver(total)
            }
        }
        (206, Next::From { at, .. }) => {
            let differs = |known: &str, now: &str| !known.is_empty() && !now.is_empty() && known != now;
            if head.is_packed
                || differs(&mark.etag, &head.etag)
                || differs(&mark.last_modified, &head.last_modified)
            {
                return Verdict::AskWhole;
            }
            match head.content_range.as_deref().map(parse_range) {
                Some(Some((start, total))) if start == *at && !other(total) => {
                    Verdict::Append(if total == 0 { mark.bytes } else { total })
                }
                // Another server may hide the header; the checksum tells at the end.
                None if !mark.sha256.is_empty() && mark.bytes != 0 => Verdict::Append(mark.bytes),
                _ => Verdict::AskWhole,
            }
        }
        (416, Next::From { .. }) => Verdict::AskWhole,
        (404 | 410, _) => Verdict::NoFile,
        (408 | 425 | 429 | 500..=599, _) => Verdict::Again,
        _ => Verdict::Refused,
    }
}

/// `bytes 5-9/10` as (5, 10); the total is 0 where it is `*`.
fn parse_range(value: &str) -> Option<(u64, u64)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, end) = range.split_once('-')?;
    let (start, end) = (start.trim().parse::<u64>().ok()?, end.trim().parse::<u64>().ok()?);
    let total = match total.trim() {
        "*" => 0,
        total => total.parse().ok().filter(|&total: &u64| total > end)?,
    };
    (start <= end).then_some((start, total))
}

/// Bytes that stay free beside what is stored.
const SPARE_BYTES: u64 = 8 << 20;

/// Why `more` bytes do not fit into storage of which `used` of `allowed` bytes are taken: the bytes that are missing.
#[must_use]
pub fn missing_room(more: u64, used: u64, allowed: u64) -> Option<u64> {
    let free = allowed.saturating_sub(used);
    more.saturating_add(SPARE_BYTES).checked_sub(free).filter(|&missing| missing > 0)
}

/// The pause before try number `n` (from one) after one that failed; `None` to give up.
#[must_use]
pub fn pause_ms(n: u32) -> Option<u32> {
    [500, 1500, 4000, 10_000].get(n.saturating_sub(1) as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(bytes: u64, sha: &str, etag: &str) -> Mark {
        Mark { bytes, sha256: sha.into(), etag: etag.into(), ..Mark::default() }
    }

    #[test]
    fn only_what_can_be_checked_is_continued() {
        let from = |at, if_range: Option<&str>| Next::From { at, if_range: if_range.map(str::to_owned) };
        let dated = Mark { last_modified: "Sun".into(), ..Mark::default() };
        let cases = [
            (mark(10, "s", "\"e\""), 0, true, Next::Whole),
            (mark(10, "s", "\"e\""), 11, true, Next::Whole),
            (mark(10, "", ""), 10, true, Next::Nothing),
            (mark(10, "s", "\"e\""), 4, true, from(4, Some("\"e\""))),
            (mark(10, "s", "\"e\""), 4, false, from(4, None)),
            (mark(10, "", "\"e\""), 4, false, from(4, None)),
            (mark(10, "", "W/\"e\""), 4, true, Next::Whole),
            (mark(10, "s", "W/\"e\""), 4, true, from(4, None)),
            (mark(0, "", ""), 4, true, Next::Whole),
            (dated.clone(), 4, true, from(4, Some("Sun"))),
            (dated, 4, false, Next::Whole),
        ];
        for (mark, here, own, expected) in cases {
            assert_eq!(next(&mark, here, own), expected, "{mark:?} {here} {own}");
        }
    }

    #[test]
    fn answers_mean_what_the_protocol_says() {
        let part = Next::From { at: 4, if_range: None };
        let head = |status, range: Option<&str>, etag: &str| Head {
            status,
            content_length: Some(6),
            content_range: range.map(str::to_owned),
            etag: etag.into(),
            ..Head::default()
        };
        let known = mark(10, "s", "\"e\"");
        let anything = mark(0, "", "");
        let cases = [
            (&part, &known, head(206, Some("bytes 4-9/10"), "\"e\""), Verdict::Append(10)),
            (&part, &known, head(206, Some("bytes 4-9/*"), ""), Verdict::Append(10)),
            (&part, &known, head(206, None, ""), Verdict::Append(10)),
            (&part, &anything, head(206, None, ""), Verdict::AskWhole),
            (&part, &anything, head(206, Some("bytes 4-9/10"), ""), Verdict::Append(10)),
            // Another place, another length, another version, nonsense: never appended.
            (&part, &known, head(206, Some("bytes 0-9/10"), "\"e\""), Verdict::AskWhole),
            (&part, &known, head(206, Some("bytes 5-9/10"), "\"e\""), Verdict::AskWhole),
            (&part, &known, head(206, Some("bytes 4-9/11"), "\"e\""), Verdict::AskWhole),
            (&part, &known, head(206, Some("bytes 4-9/10"), "\"f\""), Verdict::AskWhole),
            (&part, &known, head(206, Some("bytes 9-4/10"), "\"e\""), Verdict::AskWhole),
            (&part, &known, head(206, Some("bytes 4-9/9"), "\"e\""), Verdict::AskWhole),
            (&part, &known, head(206, Some("lines 4-9/10"), "\"e\""), Verdict::AskWhole),
            (&part, &known, head(416, Some("bytes */4"), ""), Verdict::AskWhole),
            (&part, &mark(6, "s", ""), head(200, None, ""), Verdict::StartOver(6)),
            (&part, &known, head(200, None, "\"f\""), Verdict::OtherLength(6)),
            (&Next::Whole, &anything, head(200, None, ""), Verdict::StartOver(6)),
            (&Next::Whole, &known, head(404, None, ""), Verdict::NoFile),
            (&part, &known, head(410, None, ""), Verdict::NoFile),
            (&Next::Whole, &known, head(403, None, ""), Verdict::Refused),
            (&Next::Whole, &known, head(206, Some("bytes 4-9/10"), ""), Verdict::Refused),
            (&Next::Whole, &known, head(416, None, ""), Verdict::Refused),
            (&Next::Whole, &known, head(204, None, ""), Verdict::Refused),
            (&part, &known, head(503, None, ""), Verdict::Again),
            (&part, &known, head(429, None, ""), Verdict::Again),
        ];
        for (asked, mark, head, expected) in cases {
            assert_eq!(judge(asked, mark, mark.bytes, &head), expected, "{asked:?} {mark:?} {head:?}");
        }
        // Where nobody announced a length, a file that changed meanwhile simply starts over.
        assert_eq!(judge(&part, &known, 0, &head(200, None, "\"f\"")), Verdict::StartOver(6));
        let packed = Head { is_packed: true, ..head(200, None, "") };
        assert_eq!(judge(&Next::Whole, &known, 10, &packed), Verdict::StartOver(0));
        let packed = Head { is_packed: true, ..head(206, Some("bytes 4-9/10"), "") };
        assert_eq!(judge(&part, &known, 10, &packed), Verdict::AskWhole);
    }

    #[test]
    fn room_is_counted_without_overflow() {
        assert_eq!(missing_room(10, 0, SPARE_BYTES + 10), None);
        assert_eq!(missing_room(10, 1, SPARE_BYTES + 10), Some(1));
        assert_eq!(missing_room(10, 100, 50), Some(SPARE_BYTES + 10));
        assert_eq!(missing_room(u64::MAX, 0, u64::MAX), None);
        assert_eq!(missing_room(u64::MAX, 1, u64::MAX), Some(1));
    }

    #[test]
    fn tries_end() {
        assert_eq!((1..).map_while(pause_ms).count(), 4);
        assert_eq!(pause_ms(0), pause_ms(1));
    }
}
