//! A disk whose unflushed writes may be lost, torn or reordered, and which fails on demand.

use crate::crash::Rng;
use crate::disk::{Disk, DiskFault, FileId, MemDisk};

/// A write or truncation that was not flushed yet.
#[derive(Clone, Debug)]
enum Pending {
    Write(FileId, u64, Vec<u8>),
    Truncate(FileId, u64),
}

impl Pending {
    fn file(&self) -> FileId {
        match self {
            Self::Write(file, ..) | Self::Truncate(file, _) => *file,
        }
    }
}

/// When and how the disk fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing works from the change with this number on, not even reading.
    PowerOff(u64),
    /// The change with this number fails, the ones after it do not.
    Once(u64, DiskFault),
    /// Changes fail from this number on until [`CrashDisk::repair`].
    Lasting(u64, DiskFault),
}

/// In-memory disk that remembers what is durable.
#[derive(Clone, Debug, Default)]
pub(crate) struct CrashDisk {
    now: MemDisk,
    durable: MemDisk,
    pending: Vec<Pending>,
    /// Number of writes, flushes and truncations so far.
    pub(crate) num_changes: u64,
    failure: Option<Failure>,
    torn: Option<Rng>,
}

impl CrashDisk {
    /// A disk that starts with what a crash left.
    pub(crate) fn new(image: MemDisk) -> Self {
        Self { now: image.clone(), durable: image, ..Self::default() }
    }

    /// Fail like this; numbers count from now. A failing write leaves a random part behind.
    pub(crate) fn fail(&mut self, failure: Failure, seed: u64) {
        self.num_changes = 0;
        self.failure = Some(failure);
        self.torn = Some(Rng::new(seed));
    }

    /// Work again.
    pub(crate) fn repair(&mut self) {
        self.failure = None;
    }

    /// What is on the disk after the machine stops now: everything flushed, and of the rest a random part, torn at
    /// sectors and applied in order or not.
    pub(crate) fn crash(&self, rng: &mut Rng) -> MemDisk {
        let keep_percent = [0, 10, 50, 90, 100][rng.below(5) as usize];
        let sector = if rng.chance(50) { 512 } else { 4096 };
        let mut kept = Vec::new();
        for pending in &self.pending {
            match pending {
                Pending::Write(file, at, bytes) => {
                    let mut from = 0;
                    while from < bytes.len() {
                        let to_border = sector - (at + from as u64) % sector;
                        let to = bytes.len().min(from + to_border as usize);
                        if rng.chance(keep_percent) {
                            kept.push(Pending::Write(*file, at + from as u64, bytes[from..to].to_vec()));
                        }
                        from = to;
                    }
                }
                Pending::Truncate(..) if rng.chance(keep_percent) => kept.push(pending.clone()),
                Pending::Truncate(..) => {}
            }
        }
        if rng.chance(30) && keep_percent < 100 {
            for i in (1..kept.len()).rev() {
                kept.swap(i, rng.below(i as u64 + 1) as usize);
            }
        }
        let mut image = self.durable.clone();
        for change in &kept {
            apply(&mut image, change);
        }
        image
    }

    /// What is on the disk after the program stops now and the machine goes on.
    pub(crate) fn stop(&self) -> MemDisk {
        self.now.clone()
    }

    fn change(&mut self, change: Pending) {
        apply(&mut self.now, &change);
        self.pending.push(change);
    }

    /// The failure of the change that is about to happen.
    fn next_failure(&mut self) -> Option<DiskFault> {
        let number = self.num_changes;
        self.num_changes += 1;
        match self.failure.as_ref()? {
            Failure::PowerOff(from) if number >= *from => Some(DiskFault::Io("the power is off".into())),
            Failure::Once(only, fault) if number == *only => Some(fault.clone()),
            Failure::Lasting(from, fault) if number >= *from => Some(fault.clone()),
            _ => None,
        }
    }

    fn is_off(&self) -> bool {
        matches!(self.failure, Some(Failure::PowerOff(from)) if self.num_changes > from)
    }
}

fn apply(disk: &mut MemDisk, change: &Pending) {
    match change {
        Pending::Write(file, at, bytes) => disk.write(*file, *at, bytes).unwrap(),
        Pending::Truncate(file, len) => disk.truncate(*file, *len).unwrap(),
    }
}

impl Disk for CrashDisk {
    fn len(&self, file: FileId) -> Result<u64, DiskFault> {
        self.now.len(file)
    }

    fn read(&self, file: FileId, at: u64, buf: &mut [u8]) -> Result<(), DiskFault> {
        if self.is_off() {
            return Err(DiskFault::Io("the power is off".into()));
        }
        self.now.read(file, at, buf)
    }

    fn write(&mut self, file: FileId, at: u64, bytes: &[u8]) -> Result<(), DiskFault> {
        let was_off = self.is_off();
        if let Some(fault) = self.next_failure() {
            if !was_off && let Some(rng) = &mut self.torn {
                let part = rng.below(bytes.len() as u64 + 1) as usize;
                self.change(Pending::Write(file, at, bytes[..part].to_vec()));
            }
            return Err(fault);
        }
        self.change(Pending::Write(file, at, bytes.to_vec()));
        Ok(())
    }

    fn flush(&mut self, file: FileId) -> Result<(), DiskFault> {
        if let Some(fault) = self.next_failure() {
            return Err(fault);
        }
        for change in self.pending.extract_if(.., |change| change.file() == file) {
            apply(&mut self.durable, &change);
        }
        Ok(())
    }

    fn truncate(&mut self, file: FileId, len: u64) -> Result<(), DiskFault> {
        if let Some(fault) = self.next_failure() {
            return Err(fault);
        }
        self.change(Pending::Truncate(file, len));
        Ok(())
    }
}

#[test]
fn what_was_flushed_survives_and_the_rest_may_not() {
    let mut disk = CrashDisk::default();
    disk.write(FileId::UserA, 0, b"kept").unwrap();
    disk.flush(FileId::UserA).unwrap();
    disk.write(FileId::UserA, 0, &[b'x'; 2000]).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let image = disk.crash(&mut Rng::new(seed));
        assert!(matches!(&image.get(FileId::UserA)[..4], b"kept" | b"xxxx"));
        seen.insert(image.get(FileId::UserA).to_vec());
    }
    // Four sectors of 512 bytes kept or not, and everything or nothing.
    assert!(seen.len() > 8, "{} outcomes", seen.len());
}
