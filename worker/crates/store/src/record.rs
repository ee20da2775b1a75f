//! The bytes of one record.
//!
//! ```text
//! magic    u32   so that records can be found again behind damage
//! crc32c   u32   over everything that follows
//! len      u32   of what follows this field
//! op       u8
//! key_len  u16
//! key      key_len bytes
//! value    the rest
//! ```
//! All numbers are little-endian. The checksum covers `len`, so a damaged length is noticed before it is believed.
//! A commit record has its generation (u64) as key, and as value where its transaction begins (u64) and the crc32c
//! over the checksums of the records in it: leftovers of an earlier attempt can never pass as part of a later one.

/// First bytes of a record. Not valid UTF-8, so that it is rare in what people store.
pub(crate) const MAGIC: [u8; 4] = [0xa1, 0xc0, 0xfe, 0x5e];
/// Bytes before `op`.
pub(crate) const HEAD_BYTES: u64 = 12;
/// `op` and `key_len`.
const FIXED_BYTES: usize = 3;
/// Longest record after its head: one file of just under 2 GiB. More does not fit a wasm32 address space anyway.
pub(crate) const MAX_BODY_BYTES: u64 = i32::MAX as u64;

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Op {
    /// File `key` has this mtime (u64), hash (16 bytes) and content.
    PutFile = 1,
    /// File `key` is gone, and its unsaved edit.
    RemoveFile = 2,
    /// File `key` is now called like the value, and so is its unsaved edit.
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
    /// Says nothing; gives a transaction without content a first record.
    Note = 11,
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
            11 => Self::Note,
            _ => return None,
        })
    }
}

/// Generations beyond this are not believed; nobody commits so often.
pub(crate) const MAX_GENERATION: u64 = 1 << 62;

/// Encode a record; `None` when key or value are too long. The value may come in parts.
pub(crate) fn encode(op: Op, key: &[u8], value: &[&[u8]]) -> Option<Vec<u8>> {
    let key_len = u16::try_from(key.len()).ok()?;
    let value_len: usize = value.iter().map(|part| part.len()).sum();
    let len = u32::try_from(FIXED_BYTES + key.len() + value_len)
        .ok()
        .filter(|len| u64::from(*len) <= MAX_BODY_BYTES)?;
    let mut bytes = Vec::with_capacity(HEAD_BYTES as usize + len as usize);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.push(op as u8);
    bytes.extend_from_slice(&key_len.to_le_bytes());
    bytes.extend_from_slice(key);
    for part in value {
        bytes.extend_from_slice(part);
    }
    let crc = crc32c::crc32c(&bytes[8..]);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    Some(bytes)
}

/// A record as it stands in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) op: Op,
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) crc: u32,
}

/// Length of the body that a head announces, and the checksum; `None` when it cannot be one.
pub(crate) fn parse_head(head: [u8; HEAD_BYTES as usize]) -> Option<(u32, u64)> {
    let [m0, m1, m2, m3, c0, c1, c2, c3, l0, l1, l2, l3] = head;
    let len = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    let ok = [m0, m1, m2, m3] == MAGIC && (FIXED_BYTES as u64..=MAX_BODY_BYTES).contains(&len);
    ok.then_some((u32::from_le_bytes([c0, c1, c2, c3]), len))
}

/// Decode one whole record, head included; `None` when checksum or layout are wrong.
pub(crate) fn parse(bytes: &[u8]) -> Option<Record<'_>> {
    let (head, body) = bytes.split_first_chunk()?;
    let (crc, len) = parse_head(*head)?;
    if body.len() as u64 != len || crc32c::crc32c(&bytes[8..]) != crc {
        return None;
    }
    let ([op, k0, k1], rest) = body.split_first_chunk()?;
    let (key, value) = rest.split_at_checked(usize::from(u16::from_le_bytes([*k0, *k1])))?;
    Some(Record { op: Op::from_u8(*op)?, key, value, crc })
}

/// What a commit record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) generation: u64,
    /// Where the first record of the transaction begins.
    pub(crate) begin: u64,
    /// crc32c over the checksums of its records.
    pub(crate) chain: u32,
}

impl Marker {
    pub(crate) fn encode(self) -> Option<Vec<u8>> {
        let value: [&[u8]; 2] = [&self.begin.to_le_bytes(), &self.chain.to_le_bytes()];
        encode(Op::Commit, &self.generation.to_le_bytes(), &value)
    }

    /// `None` for every other record.
    pub(crate) fn of(record: &Record<'_>) -> Option<Self> {
        let (begin, chain) = record.value.split_first_chunk()?;
        Some(Self {
            generation: u64::from_le_bytes(record.key.try_into().ok()?),
            begin: u64::from_le_bytes(*begin),
            chain: u32::from_le_bytes(chain.try_into().ok()?),
        })
        .filter(|marker| record.op == Op::Commit && marker.generation <= MAX_GENERATION)
    }
}

/// The chain of a transaction with one more record in it.
pub(crate) fn extend_chain(chain: u32, crc: u32) -> u32 {
    crc32c::crc32c_append(chain, &crc.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_and_any_flipped_bit_is_noticed() {
        let bytes = encode(Op::PutFile, b"a/b", &[&7u64.to_le_bytes(), b"text"]).unwrap();
        let record = parse(&bytes).unwrap();
        assert_eq!((record.op, record.key), (Op::PutFile, b"a/b".as_slice()));
        assert_eq!(&record.value[8..], b"text");
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&damaged), None, "bit {bit}");
        }
    }

    #[test]
    fn lengths_over_the_limits_are_refused() {
        assert!(encode(Op::PutSetting, &vec![0; 65_536], &[]).is_none());
        assert_eq!(parse_head([0; 12]), None);
        let mut head = [0xff; 12];
        head[..4].copy_from_slice(&MAGIC);
        assert_eq!(parse_head(head), None);
    }

    #[test]
    fn only_a_commit_record_is_a_marker() {
        let marker = Marker { generation: 9, begin: 8192, chain: 77 };
        assert_eq!(Marker::of(&parse(&marker.encode().unwrap()).unwrap()), Some(marker));
        let other = encode(Op::PutDerived, &[0; 8], &[&[0; 12]]).unwrap();
        assert_eq!(Marker::of(&parse(&other).unwrap()), None);
    }
}
