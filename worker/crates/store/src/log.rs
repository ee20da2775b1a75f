//! One append-only log in two files, of which one is in use.
//!
//! ```text
//! 0      superblock slot 0
//! 4096   superblock slot 1
//! 8192   records of transaction 1, its commit record, records of transaction 2, …
//! ```
//! A commit appends a commit record, flushes, writes the superblock slot that does not hold the last good superblock,
//! and flushes again. Bytes before the committed length are never written again.
//!
//! On opening, the superblock with the highest generation over both files wins. Whole transactions that follow its
//! length are taken in (their superblock was not written, or was damaged later); what follows the last whole one never
//! happened. Damage inside is skipped to the next record that carries a right checksum, and reported.
//!
//! Why leftovers never mislead: a transaction is only taken in when its commit record names the very next generation,
//! the place where the transaction begins, and a checksum over all of its records. At most one commit record is
//! written between two flushes, so one whose generation is two or more ahead proves that damage hides what lies between.

use crate::disk::{Disk, FileId};
use crate::error::StoreError;
use crate::record::{self, HEAD_BYTES, Marker, Op, Record, extend_chain};
use crate::scan::Scan;
use crate::superblock::{DATA_AT, Superblock};

/// Where a record stands and how it is divided, so that its value can be read and checked at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    at: u64,
    /// Length of the whole record.
    len: u32,
    key_len: u16,
}

impl Place {
    fn of(at: u64, record: &Record<'_>) -> Self {
        // Both fit: a record body is shorter than 2 GiB and a key shorter than 64 KiB.
        let len = HEAD_BYTES as u32 + 3 + record.key.len() as u32 + record.value.len() as u32;
        Self { at, len, key_len: record.key.len() as u16 }
    }

    /// Where the record begins.
    pub(crate) fn at(self) -> u64 {
        self.at
    }

    /// Bytes that the record takes.
    pub(crate) fn len(self) -> u64 {
        u64::from(self.len)
    }
}

/// Where things stand in a log.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    files: [FileId; 2],
    active: usize,
    /// Generation of the last commit record.
    generation: u64,
    /// End of what the superblock in `good_slot` covers.
    durable: u64,
    /// End of the last commit record that was flushed.
    flushed: u64,
    /// End of the last commit record; the open transaction begins here.
    sealed: u64,
    /// Where the next record goes.
    tail: u64,
    /// Checksum over the checksums of the open transaction.
    chain: u32,
    /// The slot that must not be touched.
    good_slot: u64,
    /// A compaction that failed may have left a superblock in the other file that would win.
    other_may_win: bool,
    /// The other file holds what a compaction left behind: room to give back after the next commit.
    other_is_stale: bool,
    /// The files must be emptied before anything else is written.
    must_reset: bool,
}

/// What opening found beside the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Stretches that held no record, and records that make no sense.
    pub(crate) num_spans: u64,
    /// The file is shorter than it was.
    pub(crate) cut_short: bool,
}

impl Damage {
    pub(crate) fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl Log {
    /// An empty log. With `must_reset`, whatever the files hold is thrown away before the first write.
    pub(crate) fn empty(files: [FileId; 2], must_reset: bool) -> Self {
        Self::at(files, 0, 1, Superblock { generation: 0, len: DATA_AT }, must_reset)
    }

    fn at(files: [FileId; 2], active: usize, good_slot: u64, base: Superblock, must_reset: bool) -> Self {
        let Superblock { generation, len } = base;
        Self {
            files,
            active,
            generation,
            durable: len,
            flushed: len,
            sealed: len,
            tail: len,
            chain: 0,
            good_slot,
            other_may_win: false,
            other_is_stale: false,
            must_reset,
        }
    }

    /// Open a log and hand every record of completed commits to `apply` with its place. `apply` says whether the record
    /// made sense. Nothing is written.
    pub(crate) fn open<D: Disk>(
        disk: &D,
        files: [FileId; 2],
        mut apply: impl FnMut(&Record<'_>, Place) -> bool,
    ) -> Result<(Self, Damage), StoreError> {
        let mut best: Option<Self> = None;
        let mut without = Vec::new();
        for (which, file) in files.into_iter().enumerate() {
            let mut has_superblock = false;
            for slot in 0..2 {
                let Some(found) = Superblock::read(disk, file, slot)? else { continue };
                has_superblock = true;
                if best.as_ref().is_none_or(|best| found.generation > best.generation) {
                    best = Some(Self::at(files, which, slot, found, false));
                }
            }
            if !has_superblock && disk.len(file)? > DATA_AT {
                without.push(which);
            }
        }
        // A file with records and no superblock: made in a crash before its first commit or while being compacted into,
        // unless it got further than that.
        let mut at_least = best.as_ref().map_or(1, |best| best.generation + 2);
        for which in without {
            let mut scout = Self::at(files, which, 1, Superblock { generation: 0, len: DATA_AT }, false);
            scout.replay(disk, |_, _| true)?;
            if scout.generation >= at_least {
                at_least = scout.generation + 1;
                best = Some(Self::at(files, which, 1, Superblock { generation: 0, len: DATA_AT }, false));
            }
        }
        let mut log = best.unwrap_or_else(|| Self::empty(files, false));
        let damage = log.replay(disk, &mut apply)?;
        log.other_is_stale = damage.is_none() && disk.len(log.files[1 - log.active])? > 0;
        Ok((log, damage))
    }

    fn replay<D: Disk>(
        &mut self,
        disk: &D,
        mut apply: impl FnMut(&Record<'_>, Place) -> bool,
    ) -> Result<Damage, StoreError> {
        let mut damage = Damage::default();
        let mut scan = Scan::new(disk, self.file(), DATA_AT)?;
        let file_len = scan.file_len();
        let covered = self.durable.clamp(DATA_AT, file_len.max(DATA_AT));
        let mut end = covered;
        damage.cut_short = covered != self.durable;
        replay_until(&mut scan, end, &mut apply, &mut damage)?;
        while let Some(next) = whole_transaction(&mut scan, end, self.generation + 1)? {
            scan.at = end;
            replay_until(&mut scan, next, &mut apply, &mut damage)?;
            self.generation += 1;
            end = next;
        }
        if let Some((far, generation)) = last_marker(&mut scan, end)?
            && generation >= self.generation.saturating_add(2)
        {
            scan.at = end;
            damage.num_spans += 1;
            replay_until(&mut scan, far, &mut apply, &mut damage)?;
            self.generation = generation;
            end = far;
        }
        // What no superblock covers yet gets one with the next commit, before anything builds on it.
        (self.durable, self.flushed, self.sealed, self.tail) = (covered, covered, end, end);
        Ok(damage)
    }

    /// The file in use.
    pub(crate) fn file(&self) -> FileId {
        self.files[self.active]
    }

    /// Bytes of records, live or not.
    pub(crate) fn num_record_bytes(&self) -> u64 {
        self.tail - DATA_AT
    }

    /// Append a record. Not durable until [`Log::commit`]. After an error the log is as before.
    pub(crate) fn append<D: Disk>(
        &mut self,
        disk: &mut D,
        op: Op,
        key: &[u8],
        value: &[&[u8]],
    ) -> Result<Place, StoreError> {
        self.reset_if_due(disk)?;
        let bytes = record::encode(op, key, value);
        let too_large = || StoreError::TooLarge {
            len: value.iter().map(|part| part.len() as u64).sum::<u64>() + key.len() as u64,
        };
        let bytes = bytes.ok_or_else(too_large)?;
        let len = u32::try_from(bytes.len()).map_err(|_| too_large())?;
        let key_len = u16::try_from(key.len()).map_err(|_| too_large())?;
        disk.write(self.file(), self.tail, &bytes)?;
        let place = Place { at: self.tail, len, key_len };
        self.chain = extend_chain(self.chain, u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]));
        self.tail += u64::from(len);
        Ok(place)
    }

    /// Value of a record, checked again.
    pub(crate) fn value<D: Disk>(&self, disk: &D, place: Place) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        let len = place.len as usize;
        bytes.try_reserve_exact(len).map_err(|_| StoreError::TooLarge { len: place.len() })?;
        bytes.resize(len, 0);
        disk.read(self.file(), place.at, &mut bytes)?;
        let value_at = HEAD_BYTES as usize + 3 + usize::from(place.key_len);
        match record::parse(&bytes) {
            Some(record) if record.key.len() == usize::from(place.key_len) => {
                bytes.drain(..value_at);
                Ok(bytes)
            }
            _ => Err(StoreError::Damaged { file: self.file(), at: place.at }),
        }
    }

    /// Make everything appended so far durable. After an error nothing is lost from the open log, and the next commit
    /// goes on where this one stopped.
    pub(crate) fn commit<D: Disk>(&mut self, disk: &mut D) -> Result<(), StoreError> {
        self.reset_if_due(disk)?;
        if self.tail == self.durable {
            return Ok(());
        }
        if self.other_may_win {
            self.empty_other(disk)?;
        }
        self.flush_sealed(disk)?;
        self.seal(disk)?;
        self.flush_sealed(disk)?;
        let slot = 1 - self.good_slot;
        Superblock { generation: self.generation, len: self.sealed }.write(disk, self.file(), slot)?;
        disk.flush(self.file())?;
        self.good_slot = slot;
        self.durable = self.sealed;
        if self.other_is_stale {
            self.other_is_stale = false;
            let _costs_room = self.empty_other(disk);
        }
        Ok(())
    }

    fn flush_sealed<D: Disk>(&mut self, disk: &mut D) -> Result<(), StoreError> {
        if self.flushed != self.sealed {
            disk.flush(self.file())?;
            self.flushed = self.sealed;
        }
        Ok(())
    }

    /// End the open transaction with its commit record.
    fn seal<D: Disk>(&mut self, disk: &mut D) -> Result<(), StoreError> {
        if self.tail == self.sealed {
            return Ok(());
        }
        let marker = Marker { generation: self.generation + 1, begin: self.sealed, chain: self.chain };
        let bytes = marker.encode().ok_or(StoreError::TooLarge { len: 0 })?;
        disk.write(self.file(), self.tail, &bytes)?;
        // Once it is written it stays: it may reach the disk whatever happens next.
        self.generation = marker.generation;
        self.tail += bytes.len() as u64;
        self.sealed = self.tail;
        self.chain = 0;
        Ok(())
    }

    /// Copy the records at `live` (op, key, place) into the other file and use that one from now on. Gives the new places
    /// in the same order. After an error the old file stays in use, untouched.
    pub(crate) fn compact<'a, D: Disk>(
        &mut self,
        disk: &mut D,
        live: impl Iterator<Item = (Op, &'a [u8], Place)>,
    ) -> Result<Vec<Place>, StoreError> {
        self.commit(disk)?;
        if self.other_may_win {
            // A superblock of the failed attempt must not come to stand over the records of this one.
            self.empty_other(disk)?;
        }
        let (mut copy, places) = match self.copy(disk, live) {
            Ok(copied) => copied,
            Err(err) => {
                let _costs_room = self.empty_other(disk);
                return Err(err);
            }
        };
        self.other_may_win = true;
        if let Err(err) = copy.commit(disk) {
            // If this fails, the next commit tries again before it writes.
            let _tried_again = self.empty_other(disk);
            return Err(err);
        }
        // The second slot too, so that one damaged superblock loses nothing here either.
        let superblock = Superblock { generation: copy.generation, len: copy.sealed };
        let _only_more_safety = superblock
            .write(disk, copy.file(), 1 - copy.good_slot)
            .and_then(|()| Ok(disk.flush(copy.file())?));
        *self = copy;
        // Only room is lost if this fails: the new file has the higher generation.
        let _costs_room = self.empty_other(disk);
        Ok(places)
    }

    fn copy<'a, D: Disk>(
        &self,
        disk: &mut D,
        live: impl Iterator<Item = (Op, &'a [u8], Place)>,
    ) -> Result<(Self, Vec<Place>), StoreError> {
        let other = 1 - self.active;
        disk.truncate(self.files[other], 0)?;
        let base = Superblock { generation: self.generation, len: DATA_AT };
        let mut copy = Self::at(self.files, other, 1, base, false);
        let mut places = Vec::new();
        for (op, key, place) in live {
            let value = self.value(disk, place)?;
            places.push(copy.append(disk, op, key, &[&value])?);
        }
        if copy.tail == copy.sealed {
            // Nothing lives. An empty transaction would be no commit.
            copy.append(disk, Op::Note, b"", &[])?;
        }
        copy.seal(disk)?;
        copy.flush_sealed(disk)?;
        Ok((copy, places))
    }

    fn empty_other<D: Disk>(&mut self, disk: &mut D) -> Result<(), StoreError> {
        let other = self.files[1 - self.active];
        if self.other_may_win {
            // A superblock on its way to the disk must not arrive after the truncation.
            disk.flush(other)?;
        }
        disk.truncate(other, 0)?;
        disk.flush(other)?;
        self.other_may_win = false;
        Ok(())
    }

    /// Throw everything away. If this fails it is tried again before the next write.
    pub(crate) fn reset<D: Disk>(&mut self, disk: &mut D) -> Result<(), StoreError> {
        self.must_reset = true;
        // The file in use goes last: while it is there, it outranks the other one.
        for which in [1 - self.active, self.active] {
            // So that nothing on its way arrives after the truncation. It may fail for want of room, which truncating
            // gives back; at worst the next opening finds leftovers and drops them as well.
            let _best_effort = disk.flush(self.files[which]);
            disk.truncate(self.files[which], 0)?;
            disk.flush(self.files[which])?;
        }
        *self = Self::empty(self.files, false);
        Ok(())
    }

    fn reset_if_due<D: Disk>(&mut self, disk: &mut D) -> Result<(), StoreError> {
        if self.must_reset { self.reset(disk) } else { Ok(()) }
    }
}

/// Apply records up to `end`, around damage.
fn replay_until<D: Disk>(
    scan: &mut Scan<'_, D>,
    end: u64,
    apply: &mut impl FnMut(&Record<'_>, Place) -> bool,
    damage: &mut Damage,
) -> Result<(), StoreError> {
    while scan.at < end {
        let at = scan.at;
        let understood = match scan.next(end)? {
            Some(record) if matches!(record.op, Op::Commit | Op::Note) => true,
            Some(record) => apply(&record, Place::of(at, &record)),
            None => {
                scan.skip_damage(end)?;
                false
            }
        };
        damage.num_spans += u64::from(!understood);
    }
    Ok(())
}

/// End of the transaction that begins at `begin`, when it is whole and of `generation`.
fn whole_transaction<D: Disk>(
    scan: &mut Scan<'_, D>,
    begin: u64,
    generation: u64,
) -> Result<Option<u64>, StoreError> {
    scan.at = begin;
    let end = scan.file_len();
    let mut chain = 0;
    while let Some(record) = scan.next(end)? {
        if record.op == Op::Commit {
            let whole = Marker::of(&record) == Some(Marker { generation, begin, chain });
            return Ok(whole.then_some(scan.at));
        }
        chain = extend_chain(chain, record.crc);
    }
    Ok(None)
}

/// End and generation of the commit record with the highest generation behind `from`.
fn last_marker<D: Disk>(scan: &mut Scan<'_, D>, from: u64) -> Result<Option<(u64, u64)>, StoreError> {
    scan.at = from;
    let end = scan.file_len();
    let mut last: Option<(u64, u64)> = None;
    while scan.at < end {
        let marker = match scan.next(end)? {
            Some(record) => Marker::of(&record),
            None => {
                scan.skip_damage(end)?;
                None
            }
        };
        if let Some(marker) = marker
            && last.is_none_or(|(_, generation)| marker.generation > generation)
        {
            last = Some((scan.at, marker.generation));
        }
    }
    Ok(last)
}
