//! One append-only log in two files, of which one is in use.
//!
//! ```text
//! 0      superblock      magic, version u32, generation u64, length u64, crc32c u32
//! 4096   superblock      the same; commits write the two in turn
//! 8192   records …       see `record`
//! ```
//! A commit appends a commit record, flushes, writes the superblock that is not the newest, and flushes again. On
//! opening, the superblock with the highest generation over both files wins; then whole commits that follow its length
//! are taken in, so that one damaged superblock loses nothing. What follows the last whole commit never happened.

use crate::disk::{Disk, FileId};
use crate::error::StoreError;
use crate::record::{self, HEAD_BYTES, Op, Record};

const MAGIC: [u8; 8] = *b"ALCOVLOG";
/// Version of the layout of superblocks and records.
pub(crate) const VERSION: u32 = 1;
const SUPERBLOCK_BYTES: usize = 32;
const SLOT_BYTES: u64 = 4096;
/// Where records begin.
pub(crate) const DATA_AT: u64 = 2 * SLOT_BYTES;
/// Bytes read ahead while scanning.
const READ_AHEAD: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Superblock {
    generation: u64,
    len: u64,
}

impl Superblock {
    fn encode(self) -> [u8; SUPERBLOCK_BYTES] {
        let mut bytes = [0; SUPERBLOCK_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.generation.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.len.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `Ok(None)` for anything that is not a whole superblock.
    fn decode(bytes: [u8; SUPERBLOCK_BYTES]) -> Result<Option<Self>, StoreError> {
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let u64_at = |at: usize| u64::from(u32_at(at)) | (u64::from(u32_at(at + 4)) << 32);
        if bytes[..8] != MAGIC || crc32c::crc32c(&bytes[..28]) != u32_at(28) {
            return Ok(None);
        }
        match u32_at(8) {
            VERSION => Ok(Some(Self { generation: u64_at(12), len: u64_at(20) })),
            found => Err(StoreError::Newer { found, known: VERSION }),
        }
    }
}

/// Where things stand in a log.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    files: [FileId; 2],
    active: usize,
    generation: u64,
    /// Bytes that belong to completed commits.
    committed: u64,
    /// Where the next record goes.
    tail: u64,
}

/// What opening found beside the records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Where records with a wrong checksum begin.
    pub(crate) records: Vec<u64>,
    /// The log could not be followed to its end.
    pub(crate) cut_short: bool,
}

impl Damage {
    pub(crate) fn is_none(&self) -> bool {
        self.records.is_empty() && !self.cut_short
    }
}

impl Log {
    /// Open a log and hand every record of completed commits to `apply`, with the position of its value.
    pub(crate) fn open<D: Disk>(
        disk: &D,
        files: [FileId; 2],
        mut apply: impl FnMut(&Record<'_>, u64),
    ) -> Result<(Self, Damage), StoreError> {
        let mut best: Option<(usize, Superblock)> = None;
        for (which, file) in files.iter().enumerate() {
            for slot in 0..2 {
                let found = read_superblock(disk, *file, slot)?;
                if let Some(found) = found
                    && best.is_none_or(|(_, best)| found.generation > best.generation)
                {
                    best = Some((which, found));
                }
            }
        }
        let (active, base) = best.unwrap_or((0, Superblock { generation: 0, len: DATA_AT }));
        let mut log =
            Self { files, active, generation: base.generation, committed: base.len, tail: base.len };
        let mut damage = Damage::default();
        let mut scan = Scan::new(disk, log.file(), DATA_AT)?;
        if base.len < DATA_AT || base.len > scan.file_len {
            damage.cut_short = true;
            log.committed = base.len.clamp(DATA_AT, scan.file_len.max(DATA_AT));
        }
        while scan.at < log.committed {
            let at = scan.at;
            match scan.next(log.committed)? {
                Step::Record(record) => apply(&record, at + record.value_at),
                Step::Damaged => damage.records.push(at),
                Step::Lost => {
                    damage.cut_short = true;
                    break;
                }
            }
        }
        log.roll_forward(&mut scan, &mut apply)?;
        log.tail = log.committed;
        Ok((log, damage))
    }

    /// Take in whole commits that follow the committed length: their superblock was not written or is damaged.
    fn roll_forward<D: Disk>(
        &mut self,
        scan: &mut Scan<'_, D>,
        apply: &mut impl FnMut(&Record<'_>, u64),
    ) -> Result<(), StoreError> {
        loop {
            scan.at = self.committed;
            let end = scan.file_len;
            let mut complete = None;
            while scan.at < end {
                match scan.next(end)? {
                    Step::Record(record) if record.op == Op::Commit => {
                        if record.key == (self.generation + 1).to_le_bytes() {
                            complete = Some(scan.at);
                        }
                        break;
                    }
                    Step::Record(_) => {}
                    Step::Damaged | Step::Lost => break,
                }
            }
            let Some(complete) = complete else { return Ok(()) };
            scan.at = self.committed;
            while scan.at < complete {
                let at = scan.at;
                if let Step::Record(record) = scan.next(complete)? {
                    apply(&record, at + record.value_at);
                }
            }
            self.generation += 1;
            self.committed = complete;
        }
    }

    /// The file in use.
    pub(crate) fn file(&self) -> FileId {
        self.files[self.active]
    }

    /// Length including what is not committed.
    pub(crate) fn len(&self) -> u64 {
        self.tail
    }

    /// True when records were appended since the last commit.
    pub(crate) fn is_dirty(&self) -> bool {
        self.tail != self.committed
    }

    /// Append a record; gives the position of its value. Not durable until [`Log::commit`].
    pub(crate) fn append<D: Disk>(
        &mut self,
        disk: &mut D,
        op: Op,
        key: &[u8],
        value: &[&[u8]],
    ) -> Result<u64, StoreError> {
        let bytes = record::encode(op, key, value).ok_or_else(|| StoreError::TooLarge {
            len: value.iter().map(|part| part.len() as u64).sum::<u64>() + key.len() as u64,
        })?;
        disk.write(self.file(), self.tail, &bytes)?;
        let value_at = self.tail + HEAD_BYTES + 3 + key.len() as u64;
        self.tail += bytes.len() as u64;
        Ok(value_at)
    }

    /// Make everything appended so far durable.
    pub(crate) fn commit<D: Disk>(&mut self, disk: &mut D) -> Result<(), StoreError> {
        if !self.is_dirty() {
            return Ok(());
        }
        let generation = self.generation + 1;
        let end = self.seal_data(disk, self.active, generation)?;
        // From here on the superblock may reach the disk even if the next step fails, so the commit record must stay
        // where it is and its generation must not be used again. Until a commit succeeds the log counts as dirty.
        self.generation = generation;
        self.tail = end;
        write_superblock(disk, self.file(), generation, end)?;
        self.committed = end;
        Ok(())
    }

    /// Append the commit record of `generation` to file `which` and flush; gives the end of the data.
    fn seal_data<D: Disk>(&mut self, disk: &mut D, which: usize, generation: u64) -> Result<u64, StoreError> {
        let file = self.files[which];
        let marker = record::encode(Op::Commit, &generation.to_le_bytes(), &[])
            .ok_or(StoreError::TooLarge { len: 0 })?;
        disk.write(file, self.tail, &marker)?;
        disk.flush(file)?;
        Ok(self.tail + marker.len() as u64)
    }

    /// Copy `live` values (op, key, position, length) into the other file and use that one from now on. Gives the new
    /// positions in the same order. On an error the old file stays in use, untouched.
    pub(crate) fn compact<D: Disk>(
        &mut self,
        disk: &mut D,
        live: &[(Op, Vec<u8>, u64, u64)],
    ) -> Result<Vec<u64>, StoreError> {
        self.commit(disk)?;
        let old = self.file();
        let other = 1 - self.active;
        disk.truncate(self.files[other], 0)?;
        let mut copy = Self { active: other, tail: DATA_AT, ..self.clone() };
        let mut positions = Vec::with_capacity(live.len());
        for (op, key, at, len) in live {
            let mut value = vec![0; usize::try_from(*len).map_err(|_| StoreError::TooLarge { len: *len })?];
            disk.read(old, *at, &mut value)?;
            positions.push(copy.append(disk, *op, key, &[&value])?);
        }
        let generation = self.generation + 1;
        let end = copy.seal_data(disk, other, generation)?;
        write_superblock(disk, self.files[other], generation, end)?;
        *self = Self { files: self.files, active: other, generation, committed: end, tail: end };
        // Only room is lost if this fails: the new file has the higher generation.
        let _room = disk.truncate(old, 0).and_then(|()| disk.flush(old));
        Ok(positions)
    }

    /// An empty log in place of whatever the files hold.
    pub(crate) fn fresh<D: Disk>(disk: &mut D, files: [FileId; 2]) -> Result<Self, StoreError> {
        let mut log = Self { files, active: 0, generation: 0, committed: DATA_AT, tail: DATA_AT };
        log.reset(disk)?;
        Ok(log)
    }

    /// Throw everything away.
    pub(crate) fn reset<D: Disk>(&mut self, disk: &mut D) -> Result<(), StoreError> {
        for file in self.files {
            disk.truncate(file, 0)?;
            disk.flush(file)?;
        }
        *self = Self { files: self.files, active: 0, generation: 0, committed: DATA_AT, tail: DATA_AT };
        Ok(())
    }
}

fn write_superblock<D: Disk>(
    disk: &mut D,
    file: FileId,
    generation: u64,
    len: u64,
) -> Result<(), StoreError> {
    let superblock = Superblock { generation, len }.encode();
    disk.write(file, (generation % 2) * SLOT_BYTES, &superblock)?;
    disk.flush(file)?;
    Ok(())
}

fn read_superblock<D: Disk>(disk: &D, file: FileId, slot: u64) -> Result<Option<Superblock>, StoreError> {
    let at = slot * SLOT_BYTES;
    if disk.len(file)? < at + SUPERBLOCK_BYTES as u64 {
        return Ok(None);
    }
    let mut bytes = [0; SUPERBLOCK_BYTES];
    disk.read(file, at, &mut bytes)?;
    Superblock::decode(bytes)
}

enum Step<'a> {
    Record(Record<'a>),
    /// A record whose checksum is wrong but whose length leads on.
    Damaged,
    /// Nothing that leads on.
    Lost,
}

/// Reads records one after the other through a buffer.
struct Scan<'d, D> {
    disk: &'d D,
    file: FileId,
    file_len: u64,
    at: u64,
    buf: Vec<u8>,
    buf_at: u64,
}

impl<'d, D: Disk> Scan<'d, D> {
    fn new(disk: &'d D, file: FileId, at: u64) -> Result<Self, StoreError> {
        Ok(Self { disk, file, file_len: disk.len(file)?, at, buf: Vec::new(), buf_at: 0 })
    }

    /// Make `len` bytes at `at` available; false when the file ends before.
    fn fill(&mut self, at: u64, len: u64) -> Result<bool, StoreError> {
        let Some(end) = at.checked_add(len).filter(|end| *end <= self.file_len) else { return Ok(false) };
        let have = self.buf_at..self.buf_at + self.buf.len() as u64;
        if at >= have.start && end <= have.end {
            return Ok(true);
        }
        let want = len.max(READ_AHEAD as u64).min(self.file_len - at);
        let want = usize::try_from(want).map_err(|_| StoreError::TooLarge { len: want })?;
        self.buf.resize(want, 0);
        self.buf_at = at;
        self.disk.read(self.file, at, &mut self.buf)?;
        Ok(true)
    }

    fn bytes(&self, at: u64, len: u64) -> &[u8] {
        let start = (at - self.buf_at) as usize;
        &self.buf[start..start + len as usize]
    }

    /// The next record before `end`.
    fn next(&mut self, end: u64) -> Result<Step<'_>, StoreError> {
        let at = self.at;
        if at + HEAD_BYTES > end || !self.fill(at, HEAD_BYTES)? {
            return Ok(Step::Lost);
        }
        let mut head = [0; 8];
        head.copy_from_slice(self.bytes(at, HEAD_BYTES));
        let Some((_, len)) = record::parse_head(head) else { return Ok(Step::Lost) };
        if at + HEAD_BYTES + len > end || !self.fill(at, HEAD_BYTES + len)? {
            return Ok(Step::Lost);
        }
        self.at = at + HEAD_BYTES + len;
        Ok(match record::parse(head, self.bytes(at + HEAD_BYTES, len)) {
            Some(record) => Step::Record(record),
            None => Step::Damaged,
        })
    }
}
