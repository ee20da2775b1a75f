//! The encoder behind a handful of C functions, for the benchmark page that holds it against onnxruntime-web: the same
//! kernels as in the model worker, without tokenizer, messages and scheduling, as the peer is measured too.
//!
//! Build: `cargo build -p models --example embed_bench --profile wasm --target wasm32-unknown-unknown`, once as it is
//! and once with `RUSTFLAGS="-Ctarget-feature=+simd128,+relaxed-simd"`.

use std::cell::RefCell;

use models::cpu::F32Encoder;
use models::{Int8Encoder, Shape, Weights};

thread_local! {
    static FLOAT: RefCell<Option<F32Encoder>> = const { RefCell::new(None) };
    static INT8: RefCell<Option<Int8Encoder>> = const { RefCell::new(None) };
    static OUT: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Memory for `len` bytes from the host, freed by the function that takes them.
#[unsafe(no_mangle)]
pub extern "C" fn take_bytes(len: usize) -> *mut u8 {
    Box::leak(vec![0u8; len].into_boxed_slice()).as_mut_ptr()
}

/// The bytes that were made by [`take_bytes`].
///
/// # Safety
/// `at` and `len` must come from one call of [`take_bytes`], used once.
unsafe fn bytes(at: *mut u8, len: usize) -> Box<[u8]> {
    // SAFETY: as above.
    unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(at, len)) }
}

/// Load `model.safetensors`; 1 when it worked.
///
/// # Safety
/// See [`bytes`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn load_float(at: *mut u8, len: usize) -> u32 {
    // SAFETY: passed on.
    let file = unsafe { bytes(at, len) };
    let encoder = Weights::from_safetensors(&file, Shape::MINI_LM).map(F32Encoder::new);
    let loaded = encoder.is_ok();
    FLOAT.set(encoder.ok());
    u32::from(loaded)
}

/// Load `model.int8.bin`; 1 when it worked.
///
/// # Safety
/// See [`bytes`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn load_int8(at: *mut u8, len: usize) -> u32 {
    // SAFETY: passed on.
    let file = unsafe { bytes(at, len) };
    let encoder = Int8Encoder::decode(&file);
    let loaded = encoder.is_ok();
    INT8.set(encoder.ok());
    u32::from(loaded)
}

/// Embed `num` sequences of `len` token ids (little-endian u32, one behind the other); the address of
/// `num * 384` float32, or 0 when it failed.
///
/// # Safety
/// See [`bytes`]: `at` holds `num * len * 4` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn embed(precision: u32, at: *mut u8, num: usize, len: usize) -> *const f32 {
    // SAFETY: passed on.
    let ids = unsafe { bytes(at, num * len * 4) };
    let ids: Vec<u32> = ids.as_chunks::<4>().0.iter().map(|id| u32::from_le_bytes(*id)).collect();
    let batch: Vec<&[u32]> = ids.chunks_exact(len).collect();
    let out = match precision {
        32 => {
            FLOAT.with_borrow(|encoder| encoder.as_ref().and_then(|encoder| encoder.embed_now(&batch).ok()))
        }
        8 => INT8.with_borrow(|encoder| encoder.as_ref().and_then(|encoder| encoder.embed_now(&batch).ok())),
        _ => None,
    };
    let Some(out) = out else { return std::ptr::null() };
    OUT.set(out);
    OUT.with_borrow(|out| out.as_ptr())
}
