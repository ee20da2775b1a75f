//! Writes the logits after each token of a text, for `tests/llm/reference.py`, which holds them against float32.
//!
//!     llm_logits MODEL.gguf IDS OUT
//!
//! IDS holds little-endian u32; each piece of 250 of them is a text of its own. OUT takes float32.

use std::fs::{File, read};
use std::future::Future;
use std::io::{BufWriter, Write};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use models::gguf::{Header, Parsed};
use models::llm::{Loader, Session};

/// Tokens of a text.
const TEXT: usize = 250;

/// Nothing here ever waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(out) => out,
        Poll::Pending => unreachable!("no step waits"),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, ids, out] = &args[..] else { return Err("name a model, ids, and where to write".into()) };
    let file = read(model)?;
    let Parsed::Whole(header) = Header::parse(&file, Some(file.len() as u64))? else {
        return Err("the file is cut short".into());
    };
    let mut loader = Loader::new(&header)?;
    loader.feed(&file[loader.at() as usize..])?;
    let network = Arc::new(loader.finish()?);
    let ids: Vec<u32> = read(ids)?.as_chunks::<4>().0.iter().map(|id| u32::from_le_bytes(*id)).collect();
    let mut out = BufWriter::new(File::create(out)?);
    for text in ids.chunks(TEXT) {
        let mut session = Session::new(network.clone(), TEXT);
        for end in 1..=text.len() {
            for logit in ready(session.logits(&text[..end], &()))? {
                out.write_all(&logit.to_le_bytes())?;
            }
        }
    }
    Ok(())
}
