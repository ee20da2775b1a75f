//! The text generator behind a handful of C functions, for the benchmark that holds it against wllama: the same kernels
//! as in the model worker, without tokenizer, messages and scheduling.
//!
//! Build: `cargo build -p models --example llm_bench --profile wasm --target wasm32-unknown-unknown`, once as it is and
//! once with `RUSTFLAGS="-Ctarget-feature=+simd128,+relaxed-simd"`. `llm_bench.mjs` beside this file runs it in Node.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use infer::{Generate, Sampler, Sampling};
use models::gguf::{Header, Parsed};
use models::llm::{Loader, Session};

thread_local! {
    static PIECE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static LOADER: RefCell<Option<Loader>> = const { RefCell::new(None) };
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
    static TEXT: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// Room for the next `len` bytes from the host.
#[unsafe(no_mangle)]
pub extern "C" fn piece(len: usize) -> *mut u8 {
    PIECE.with_borrow_mut(|piece| {
        piece.clear();
        piece.shrink_to(len);
        piece.resize(len, 0);
        piece.as_mut_ptr()
    })
}

/// Read the header from the piece: 0 when it is not one, 1 when it is whole, otherwise how many bytes it takes.
#[unsafe(no_mangle)]
pub extern "C" fn header() -> f64 {
    PIECE.with_borrow(|piece| match Header::parse(piece, None) {
        Ok(Parsed::Whole(header)) => {
            let loader = Loader::new(&header).ok();
            let done = loader.is_some();
            LOADER.set(loader);
            f64::from(u8::from(done))
        }
        Ok(Parsed::NeedMore { at_least }) => at_least as f64,
        Err(_) => 0.0,
    })
}

/// The first byte of the file that is wanted next.
#[unsafe(no_mangle)]
pub extern "C" fn wanted() -> f64 {
    LOADER.with_borrow(|loader| loader.as_ref().map_or(0.0, |loader| loader.at() as f64))
}

/// Take the piece as the next bytes; 1 when it worked.
#[unsafe(no_mangle)]
pub extern "C" fn feed() -> u32 {
    let fed = |loader: &mut Option<Loader>| {
        loader.as_mut().map(|loader| PIECE.with_borrow(|piece| loader.feed(piece)))
    };
    u32::from(matches!(LOADER.with_borrow_mut(fed), Some(Ok(()))))
}

/// Finish loading; the number of tokens that the model knows, or 0.
#[unsafe(no_mangle)]
pub extern "C" fn finish(max_tokens: usize) -> usize {
    PIECE.take();
    let Some(Ok(network)) = LOADER.take().map(Loader::finish) else { return 0 };
    let session = Session::new(Arc::new(network), max_tokens);
    let vocab = session.vocab();
    SESSION.set(Some(session));
    vocab
}

/// Begin the text with these tokens: little-endian ids in the piece.
#[unsafe(no_mangle)]
pub extern "C" fn begin() {
    let ids = PIECE
        .with_borrow(|piece| piece.as_chunks::<4>().0.iter().map(|id| u32::from_le_bytes(*id)).collect());
    TEXT.set(ids);
}

/// Add the likeliest token to the text; its id, or -1.
#[unsafe(no_mangle)]
pub extern "C" fn next() -> i32 {
    TEXT.with_borrow_mut(|text| {
        SESSION.with_borrow_mut(|session| {
            let Some(session) = session else { return -1 };
            let mut sampler = Sampler::new(Sampling::GREEDY);
            let polled = {
                let future = session.next(text, &mut sampler, &());
                pin!(future).poll(&mut Context::from_waker(Waker::noop()))
            };
            let Poll::Ready(Ok(id)) = polled else { return -1 };
            text.push(id);
            id as i32
        })
    })
}
