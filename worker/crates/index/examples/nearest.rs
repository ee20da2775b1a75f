//! The engine's index behind a handful of C functions, so that `e2e/bench/nearest.mjs` can measure its vector search in
//! a browser: the same code as in the engine worker, without messages.
//!
//! Build: `cargo build -p index --example nearest --profile wasm-engine --target wasm32-unknown-unknown`.

use std::cell::RefCell;

use index::{ChunkDoc, FileDoc, Filter, Index, Key, Layers, NO_KIND, Query};

/// Chunks of one file.
const PER_FILE: usize = 50;

struct State {
    index: Index,
    num: usize,
    found: Vec<u32>,
}

thread_local! {
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// Memory for `len` numbers from the host, freed by the function that takes them.
#[unsafe(no_mangle)]
pub extern "C" fn take_floats(len: usize) -> *mut f32 {
    Box::leak(vec![0f32; len].into_boxed_slice()).as_mut_ptr()
}

/// The numbers that were made room for by [`take_floats`].
///
/// # Safety
/// `at` and `len` must come from one call of [`take_floats`], used once.
unsafe fn floats(at: *mut f32, len: usize) -> Box<[f32]> {
    // SAFETY: as above.
    unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(at, len)) }
}

/// Begin anew with an empty index.
#[unsafe(no_mangle)]
pub extern "C" fn begin(dim: usize) {
    STATE.set(Some(State { index: Index::new(dim), num: 0, found: Vec::new() }));
}

/// Add `num` vectors, numbered from how many there were; returns how many there are now.
///
/// # Safety
/// See [`floats`]: `at` holds `num` vectors of the index's dimension.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn put(at: *mut f32, num: usize) -> usize {
    STATE.with_borrow_mut(|state| {
        let Some(state) = state else { return 0 };
        let dim = state.index.dim();
        // SAFETY: passed on.
        let rows = unsafe { floats(at, num * dim) };
        for rows in rows.chunks(PER_FILE * dim) {
            let keys: Vec<Key> = (0..rows.len() / dim).map(|i| key(state.num + i)).collect();
            let chunk = |(i, key): (usize, &Key)| ChunkDoc {
                symbol: "",
                kind: NO_KIND,
                bytes: 0..0,
                lines: i as u32..i as u32 + 1,
                key: *key,
            };
            let chunks: Vec<ChunkDoc<'_>> = keys.iter().enumerate().map(chunk).collect();
            let path = format!("part/{}.txt", state.num);
            let file = FileDoc { path: &path, language: "text", mtime_ms: 0, text: "", chunks: &chunks };
            state.index.put_file(&file);
            for (key, row) in keys.iter().zip(rows.chunks_exact(dim)) {
                if state.index.put_vector(*key, row) == Ok(true) {
                    state.num += 1;
                }
            }
        }
        state.num
    })
}

/// Move `size` vectors into a segment with a graph; returns how many are still scanned.
#[unsafe(no_mangle)]
pub extern "C" fn build_segment(size: usize) -> usize {
    STATE.with_borrow_mut(|state| {
        let Some(state) = state else { return 0 };
        state.index.build_segment(size);
        state.index.num_flat_vectors()
    })
}

/// Search as the engine does, by vectors alone; the address of the numbers of the `k` nearest, `u32::MAX` where there
/// are fewer.
///
/// # Safety
/// See [`floats`]: `at` holds one vector of the index's dimension.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn search(at: *mut f32, k: usize) -> *const u32 {
    STATE.with_borrow_mut(|state| {
        let Some(state) = state else { return std::ptr::null() };
        // SAFETY: passed on.
        let vector = unsafe { floats(at, state.index.dim()) };
        let query =
            Query { text: "", vector: Some(&vector), k, layers: Layers::VECTORS, filter: &Filter::default() };
        let hits = state.index.search(&query);
        state.found.clear();
        state.found.extend(hits.iter().map(|hit| number(&hit.key)));
        state.found.resize(k, u32::MAX);
        state.found.as_ptr()
    })
}

/// A key that holds its number, and bits that differ all over, as those of hashes do.
fn key(number: usize) -> Key {
    let mut key = (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_le_bytes();
    key[..4].copy_from_slice(&(number as u32).to_le_bytes());
    key
}

fn number(key: &Key) -> u32 {
    u32::from_le_bytes([key[0], key[1], key[2], key[3]])
}
