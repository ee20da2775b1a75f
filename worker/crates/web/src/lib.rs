//! Everything that touches the browser from inside a worker: the event loop, Web Locks, storage, downloads.
//!
//! Only mechanism lives here. What to store, when to yield and whom to tell is decided by the two worker binaries.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod fetch;
mod gpu;
mod kept;
mod locks;
mod opfs;
mod scope;
mod stream;
mod tables;
mod turn;

pub use fetch::{Expect, FetchError, fetch_kept, fetch_small};
pub use gpu::{GpuAdapter, gpu_adapter};
pub use kept::{KeptError, KeptFile, KeptHold, MAX_KEPT_ID, hold_kept, is_kept_id, open_kept};
pub use locks::{Lock, LockError, share_lock, try_lock, wait_lock};
pub use opfs::{
    OpfsDisk, OpfsError, delete_workspace, list_workspaces, open_snapshot, read_text, write_text,
};
pub use scope::{build_id, device_memory_bytes, memory_bytes, num_deaths, quota, scope};
pub use stream::Stream;
pub use tables::{TablesError, has_outside_tables, place_tables};
pub use turn::{sleep_ms, turn};
