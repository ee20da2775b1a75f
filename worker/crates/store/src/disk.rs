//! The few files that a workspace is made of.

use thiserror::Error;

/// One of the files of a workspace. Each log has two, so that compaction writes into the one that is not in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileId {
    /// Files, unsaved edits, settings; first copy.
    UserA,
    /// Files, unsaved edits, settings; second copy.
    UserB,
    /// Derived data; first copy.
    DerivedA,
    /// Derived data; second copy.
    DerivedB,
}

impl FileId {
    /// Every file, in a fixed order.
    pub const ALL: [Self; 4] = [Self::UserA, Self::UserB, Self::DerivedA, Self::DerivedB];

    /// Name of the file in a folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserA => "user-a.log",
            Self::UserB => "user-b.log",
            Self::DerivedA => "derived-a.log",
            Self::DerivedB => "derived-b.log",
        }
    }
}

/// Why a disk did not do what was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DiskFault {
    /// No room: the browser's quota for this site is used up.
    #[error("there is no room left in the browser's storage for this site")]
    Quota,
    /// Reading past the end of a file.
    #[error("{wanted} bytes at {at} were asked of a file that has {len}")]
    PastEnd {
        /// First byte asked for.
        at: u64,
        /// Number of bytes asked for.
        wanted: u64,
        /// Length of the file.
        len: u64,
    },
    /// The host failed; its own words.
    #[error("the browser's storage failed: {0}")]
    Io(String),
}

/// Synchronous access to the files of one workspace.
///
/// Writes may be delayed, reordered and torn until [`Disk::flush`] of the same file returns; a flush promises that
/// everything written to that file before it survives a crash.
#[allow(clippy::len_without_is_empty, reason = "it is the length of one of several files")]
pub trait Disk {
    /// Length of a file in bytes; 0 for one that was never written.
    ///
    /// # Errors
    /// [`DiskFault::Io`].
    fn len(&self, file: FileId) -> Result<u64, DiskFault>;

    /// Fill `buf` from byte `at`.
    ///
    /// # Errors
    /// [`DiskFault::PastEnd`] when the file is shorter; [`DiskFault::Io`].
    fn read(&self, file: FileId, at: u64, buf: &mut [u8]) -> Result<(), DiskFault>;

    /// Write all of `bytes` at byte `at`, growing the file where needed; a gap reads as zeros.
    ///
    /// # Errors
    /// [`DiskFault::Quota`], after which any part of `bytes` may or may not have been written; [`DiskFault::Io`].
    fn write(&mut self, file: FileId, at: u64, bytes: &[u8]) -> Result<(), DiskFault>;

    /// Make everything written to `file` durable.
    ///
    /// # Errors
    /// [`DiskFault::Quota`], [`DiskFault::Io`].
    fn flush(&mut self, file: FileId) -> Result<(), DiskFault>;

    /// Cut or grow (with zeros) a file to `len` bytes.
    ///
    /// # Errors
    /// [`DiskFault::Quota`], [`DiskFault::Io`].
    fn truncate(&mut self, file: FileId, len: u64) -> Result<(), DiskFault>;
}

/// A disk in memory: for tests, and for browsers that give no storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemDisk {
    files: [Vec<u8>; 4],
    /// Longest that a file may grow; `None` for as long as there is memory.
    capacity: Option<usize>,
}

impl MemDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Let no file grow beyond this length from now on, for tests of full disks.
    pub fn set_capacity(&mut self, capacity: Option<usize>) {
        self.capacity = capacity;
    }

    /// Set the whole content of a file, for snapshots and for tests of damage.
    pub fn set(&mut self, file: FileId, bytes: Vec<u8>) {
        self.files[file as usize] = bytes;
    }

    /// The whole content of a file.
    #[must_use]
    pub fn get(&self, file: FileId) -> &[u8] {
        &self.files[file as usize]
    }
}

impl Disk for MemDisk {
    fn len(&self, file: FileId) -> Result<u64, DiskFault> {
        Ok(self.files[file as usize].len() as u64)
    }

    fn read(&self, file: FileId, at: u64, buf: &mut [u8]) -> Result<(), DiskFault> {
        let data = &self.files[file as usize];
        let past_end = DiskFault::PastEnd { at, wanted: buf.len() as u64, len: data.len() as u64 };
        let start = usize::try_from(at).map_err(|_| past_end.clone())?;
        let end = start.checked_add(buf.len()).ok_or_else(|| past_end.clone())?;
        buf.copy_from_slice(data.get(start..end).ok_or(past_end)?);
        Ok(())
    }

    fn write(&mut self, file: FileId, at: u64, bytes: &[u8]) -> Result<(), DiskFault> {
        let data = &mut self.files[file as usize];
        let start = usize::try_from(at).map_err(|_| DiskFault::Quota)?;
        let end = start.checked_add(bytes.len()).ok_or(DiskFault::Quota)?;
        if data.len() < end {
            if self.capacity.is_some_and(|capacity| end > capacity) {
                return Err(DiskFault::Quota);
            }
            data.resize(end, 0);
        }
        data[start..end].copy_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self, _file: FileId) -> Result<(), DiskFault> {
        Ok(())
    }

    fn truncate(&mut self, file: FileId, len: u64) -> Result<(), DiskFault> {
        let len = usize::try_from(len).map_err(|_| DiskFault::Quota)?;
        self.files[file as usize].resize(len, 0);
        Ok(())
    }
}
