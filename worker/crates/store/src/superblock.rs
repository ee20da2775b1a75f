//! The two slots at the head of a log file that say how far it is committed.
//!
//! ```text
//! magic       8 bytes
//! version     u32
//! generation  u64
//! length      u64   where the records of completed commits end
//! crc32c      u32   over the 28 bytes before
//! ```
//! These 32 bytes keep their layout in every later version, so that an older Alcove always recognises a newer one's
//! file and leaves it alone.

use crate::disk::{Disk, FileId};
use crate::error::StoreError;
use crate::record::MAX_GENERATION;

const MAGIC: [u8; 8] = *b"ALCOVLOG";
/// Version of the layout of everything else.
pub(crate) const VERSION: u32 = 1;
const BYTES: usize = 32;
/// Each slot has a 4096-byte page of its own: a torn write cannot reach the other.
pub(crate) const SLOT_BYTES: u64 = 4096;
/// Where records begin.
pub(crate) const DATA_AT: u64 = 2 * SLOT_BYTES;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Superblock {
    pub(crate) generation: u64,
    pub(crate) len: u64,
}

impl Superblock {
    fn encode(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.generation.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.len.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `Ok(None)` for anything that is not a whole superblock.
    fn decode(bytes: [u8; BYTES]) -> Result<Option<Self>, StoreError> {
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let u64_at = |at: usize| u64::from(u32_at(at)) | (u64::from(u32_at(at + 4)) << 32);
        if bytes[..8] != MAGIC || crc32c::crc32c(&bytes[..28]) != u32_at(28) {
            return Ok(None);
        }
        match u32_at(8) {
            VERSION => {
                let found = Self { generation: u64_at(12), len: u64_at(20) };
                Ok(Some(found).filter(|found| found.generation <= MAX_GENERATION))
            }
            found if found > VERSION => Err(StoreError::Newer { found, known: VERSION }),
            _ => Ok(None),
        }
    }

    /// Read a slot; `None` when no whole superblock is there.
    pub(crate) fn read<D: Disk>(disk: &D, file: FileId, slot: u64) -> Result<Option<Self>, StoreError> {
        let at = slot * SLOT_BYTES;
        if disk.len(file)? < at + BYTES as u64 {
            return Ok(None);
        }
        let mut bytes = [0; BYTES];
        disk.read(file, at, &mut bytes)?;
        Self::decode(bytes)
    }

    /// Write a slot; not durable before the next flush.
    pub(crate) fn write<D: Disk>(self, disk: &mut D, file: FileId, slot: u64) -> Result<(), StoreError> {
        Ok(disk.write(file, slot * SLOT_BYTES, &self.encode())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_superblock_reads_back_and_any_flipped_bit_is_noticed() {
        let superblock = Superblock { generation: 7, len: 1 << 40 };
        let bytes = superblock.encode();
        assert_eq!(Superblock::decode(bytes), Ok(Some(superblock)));
        for bit in 0..BYTES * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Superblock::decode(damaged), Ok(None), "bit {bit}");
        }
    }

    #[test]
    fn a_later_version_is_told_apart_from_damage() {
        let mut bytes = Superblock { generation: 7, len: 8192 }.encode();
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(Superblock::decode(bytes), Err(StoreError::Newer { found: 2, known: 1 }));
    }
}
