//! Reading the records of a log one after the other, around damage where there is some.

use crate::disk::{Disk, FileId};
use crate::error::StoreError;
use crate::record::{self, HEAD_BYTES, MAGIC, Record};

/// Bytes read ahead.
const READ_AHEAD: u64 = 1 << 20;
/// Bytes looked through at once for the next record; small against the buffer, so that the file is read about once.
const SEARCH_WINDOW: u64 = 1 << 16;
/// Most bytes whose checksum is tried while looking for records behind damage, so that hostile bytes cost bounded time.
const SEARCH_BUDGET: u64 = 256 << 20;

/// A cursor over the records of one file.
pub(crate) struct Scan<'d, D> {
    disk: &'d D,
    file: FileId,
    file_len: u64,
    /// Where the next record should begin.
    pub(crate) at: u64,
    buf: Vec<u8>,
    buf_at: u64,
    budget: u64,
}

impl<'d, D: Disk> Scan<'d, D> {
    pub(crate) fn new(disk: &'d D, file: FileId, at: u64) -> Result<Self, StoreError> {
        let file_len = disk.len(file)?;
        Ok(Self { disk, file, file_len, at, buf: Vec::new(), buf_at: 0, budget: SEARCH_BUDGET })
    }

    pub(crate) fn file_len(&self) -> u64 {
        self.file_len
    }

    /// The bytes `at .. at + len`; `None` when the file ends before. The length is checked before memory is taken.
    fn bytes(&mut self, at: u64, len: u64) -> Result<Option<&[u8]>, StoreError> {
        let Some(end) = at.checked_add(len).filter(|end| *end <= self.file_len) else { return Ok(None) };
        if at < self.buf_at || end > self.buf_at + self.buf.len() as u64 {
            let want = len.max(READ_AHEAD).min(self.file_len - at);
            let want = usize::try_from(want).map_err(|_| StoreError::TooLarge { len: want })?;
            self.buf.clear();
            self.buf.try_reserve_exact(want).map_err(|_| StoreError::TooLarge { len: want as u64 })?;
            self.buf.resize(want, 0);
            self.buf_at = at;
            self.disk.read(self.file, at, &mut self.buf)?;
        }
        let start = (at - self.buf_at) as usize;
        Ok(self.buf.get(start..start + len as usize))
    }

    /// Length (head included) of the record that the head at `at` announces, when it ends by `end`. Its bytes are in
    /// the buffer then; its checksum was not looked at.
    fn announced(&mut self, at: u64, end: u64) -> Result<Option<u64>, StoreError> {
        if at.saturating_add(HEAD_BYTES) > end {
            return Ok(None);
        }
        let head = self.bytes(at, HEAD_BYTES)?.and_then(|head| head.try_into().ok());
        let Some((_, len)) = head.and_then(record::parse_head) else { return Ok(None) };
        let len = HEAD_BYTES + len;
        if at.saturating_add(len) > end {
            return Ok(None);
        }
        Ok(self.bytes(at, len)?.is_some().then_some(len))
    }

    /// The record at the cursor, which moves behind it; `None`, and the cursor stays, when no whole record ends by `end`.
    pub(crate) fn next(&mut self, end: u64) -> Result<Option<Record<'_>>, StoreError> {
        let Some(len) = self.announced(self.at, end)? else { return Ok(None) };
        let start = (self.at - self.buf_at) as usize;
        let bytes = self.buf.get(start..start + len as usize);
        let Some(record) = bytes.and_then(record::parse) else { return Ok(None) };
        self.at += len;
        Ok(Some(record))
    }

    fn is_record(&mut self, at: u64, end: u64) -> Result<bool, StoreError> {
        let Some(len) = self.announced(at, end)? else { return Ok(false) };
        self.budget = self.budget.saturating_sub(len);
        Ok(self.bytes(at, len)?.and_then(record::parse).is_some())
    }

    /// Move the cursor behind damage: to the next whole record, or to `end`.
    pub(crate) fn skip_damage(&mut self, end: u64) -> Result<(), StoreError> {
        // The announced length is not believed: one wrong bit in it could lead over good records.
        let mut at = self.at + 1;
        while at + HEAD_BYTES <= end && self.budget > 0 {
            let window = SEARCH_WINDOW.min(end - at);
            let Some(bytes) = self.bytes(at, window)? else { break };
            match bytes.windows(MAGIC.len()).position(|four| four == MAGIC) {
                None => at += window - (MAGIC.len() as u64 - 1),
                Some(offset) => {
                    at += offset as u64;
                    if self.is_record(at, end)? {
                        self.at = at;
                        return Ok(());
                    }
                    at += 1;
                }
            }
        }
        self.at = end;
        Ok(())
    }
}
