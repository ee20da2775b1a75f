//! The bytes of one record.
//!
//! ```text
//! crc32c   u32   over everything that follows
//! len      u32   of what follows this field
//! op       u8
//! key_len  u16
//! key      key_len bytes
//! value    the rest
//! ```
//! All numbers are little-endian. The checksum covers `len`, so a damaged length is noticed before it is believed.

/// Bytes before `op`.
pub(crate) const HEAD_BYTES: u64 = 8;
/// Longest record after its head: one file of just under 2 GiB. More does not fit a wasm32 address space anyway.
pub(crate) const MAX_BODY_BYTES: u64 = i32::MAX as u64;

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Op {
    /// File `key` has this mtime (u64) and content.
    PutFile = 1,
    /// File `key` is gone.
    RemoveFile = 2,
    /// File `key` is now called like the value.
    RenameFile = 3,
    /// Unsaved edit of `key`.
    PutDraft = 4,
    /// No unsaved edit of `key` any more.
    RemoveDraft = 5,
    /// Setting `key`.
    PutSetting = 6,
    /// No setting `key` any more.
    RemoveSetting = 7,
    /// Derived value `key`.
    PutDerived = 8,
    /// No derived value `key` any more.
    RemoveDerived = 9,
    /// Everything before belongs to the commit with the generation in the key.
    Commit = 10,
}

impl Op {
    pub(crate) fn from_u8(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::PutFile,
            2 => Self::RemoveFile,
            3 => Self::RenameFile,
            4 => Self::PutDraft,
            5 => Self::RemoveDraft,
            6 => Self::PutSetting,
            7 => Self::RemoveSetting,
            8 => Self::PutDerived,
            9 => Self::RemoveDerived,
            10 => Self::Commit,
            _ => return None,
        })
    }
}

/// Encode a record; `None` when key or value are too long. The value may come in parts.
pub(crate) fn encode(op: Op, key: &[u8], value: &[&[u8]]) -> Option<Vec<u8>> {
    let key_len = u16::try_from(key.len()).ok()?;
    let value_len: usize = value.iter().map(|part| part.len()).sum();
    let len = 3 + key.len() + value_len;
    if len as u64 > MAX_BODY_BYTES {
        return None;
    }
    let mut bytes = Vec::with_capacity(HEAD_BYTES as usize + len);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&(len as u32).to_le_bytes());
    bytes.push(op as u8);
    bytes.extend_from_slice(&key_len.to_le_bytes());
    bytes.extend_from_slice(key);
    for part in value {
        bytes.extend_from_slice(part);
    }
    let crc = crc32c::crc32c(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    Some(bytes)
}

/// A record as it stands in a log: what it says and where its value begins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) op: Op,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    /// Offset of the value from the begin of the record.
    pub(crate) value_at: u64,
}

/// Length of the body that a head announces, and the checksum; `None` when it cannot be one.
pub(crate) fn parse_head(head: [u8; 8]) -> Option<(u32, u64)> {
    let crc = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    let len = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
    (3..=MAX_BODY_BYTES).contains(&len).then_some((crc, len))
}

/// Decode the record that begins with `head` and goes on with `body`; `None` when the checksum or the layout is wrong.
pub(crate) fn parse(head: [u8; 8], body: &[u8]) -> Option<Record<'_>> {
    let (crc, len) = parse_head(head)?;
    if body.len() as u64 != len || crc32c::crc32c_append(crc32c::crc32c(&head[4..]), body) != crc {
        return None;
    }
    let op = Op::from_u8(body[0])?;
    let key_len = usize::from(u16::from_le_bytes([body[1], body[2]]));
    let (key, value) = body[3..].split_at_checked(key_len)?;
    Some(Record { op, key, value, value_at: HEAD_BYTES + 3 + key_len as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_and_any_flipped_bit_is_noticed() {
        let bytes = encode(Op::PutFile, b"a/b", &[&7u64.to_le_bytes(), b"text"]).unwrap();
        let read = |bytes: &[u8]| {
            let head: [u8; 8] = bytes[..8].try_into().unwrap();
            parse(head, &bytes[8..]).map(|r| (r.op, r.key.to_vec(), r.value.to_vec(), r.value_at))
        };
        let (op, key, value, at) = read(&bytes).unwrap();
        assert_eq!((op, key.as_slice(), at), (Op::PutFile, b"a/b".as_slice(), 14));
        assert_eq!(&value[8..], b"text");
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&damaged), None, "bit {bit}");
        }
    }

    #[test]
    fn lengths_over_the_limits_are_refused() {
        assert!(encode(Op::PutSetting, &vec![0; 65_536], &[]).is_none());
        assert_eq!(parse_head([0; 8]), None);
        assert_eq!(parse_head([0xff; 8]), None);
    }
}
