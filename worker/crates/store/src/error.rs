//! What can go wrong, once, in words for a person.

use thiserror::Error;

use crate::disk::{DiskFault, FileId};
use crate::path::PathError;

/// A failure of the store.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// The disk failed.
    #[error("{0}")]
    Disk(#[from] DiskFault),
    /// A path is not acceptable.
    #[error("{0}")]
    Path(#[from] PathError),
    /// There is no such file.
    #[error("there is no file {0}")]
    NotFound(String),
    /// Written by a later version of Alcove; nothing may be written over it.
    #[error("this workspace was written by a newer Alcove (format {found}, this one knows {known})")]
    Newer {
        /// Version in the file.
        found: u32,
        /// Latest version that this code reads.
        known: u32,
    },
    /// A record does not have the checksum that was written with it.
    #[error("a record at byte {at} of {} is damaged", .file.name())]
    Damaged {
        /// The file.
        file: FileId,
        /// Where the record begins.
        at: u64,
    },
    /// A key or value is longer than the format allows.
    #[error("{len} bytes are more than one record can hold")]
    TooLarge {
        /// Its length.
        len: u64,
    },
}

impl StoreError {
    /// The browser's quota is used up.
    #[must_use]
    pub fn is_quota(&self) -> bool {
        matches!(self, Self::Disk(DiskFault::Quota))
    }

    /// Only a newer Alcove may write here.
    #[must_use]
    pub fn is_newer_version(&self) -> bool {
        matches!(self, Self::Newer { .. })
    }

    /// Something that was named does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }
}
