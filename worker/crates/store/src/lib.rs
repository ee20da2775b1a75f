//! Keeps what belongs to a person, and what was derived from it, through any crash.
//!
//! Two logs per workspace. The *user* log holds files, unsaved edits and settings: it is never dropped, and damage in
//! it is reported and walked around. The *derived* log holds what the index worked out: on any doubt it is thrown
//! away. Both are append-only, checksummed record by record, and become durable at [`Workspace::commit`]: data is
//! flushed first, then one of two superblocks is written and flushed, so that after a crash a log is exactly as it was
//! at the last completed commit, or at the one that was under way.
//!
//! The crate reaches storage only through [`Disk`], a handful of named files with synchronous reads and writes, which
//! is what OPFS gives a worker and what [`MemDisk`] imitates in memory.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod content;
#[cfg(test)]
mod crash;
mod disk;
mod error;
mod live;
mod log;
mod path;
mod record;
mod scan;
mod superblock;
mod workspace;

pub use content::{ContentHash, ContentKind, classify, decode};
pub use disk::{Disk, DiskFault, FileId, MemDisk};
pub use error::StoreError;
pub use live::FileMeta;
pub use path::{PathError, case_collisions, check_path, in_the_way};
pub use workspace::{Recovery, Workspace};
