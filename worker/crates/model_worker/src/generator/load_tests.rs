//! Tiny models from whole, cut and foreign files.
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use stdx::ManualClock;

use super::*;

/// A file in memory that comes in pieces, and how much of it was asked for.
struct Pieces<'a> {
    file: &'a [u8],
    len: Option<u64>,
    piece: usize,
    at: usize,
}

impl Source for Pieces<'_> {
    fn len(&self) -> Option<u64> {
        self.len
    }

    async fn next(&mut self, into: &mut Vec<u8>) -> Result<(), Fault> {
        let end = (self.at + self.piece).min(self.file.len());
        into.clear();
        into.extend_from_slice(&self.file[self.at..end]);
        self.at = end;
        Ok(())
    }
}

fn file() -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tests/llm");
    std::fs::read(format!("{folder}/llama_plain.gguf")).unwrap()
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(out) => out,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

type Built = Result<(Weights, Language, usize), Fault>;

fn load(source: &mut Pieces<'_>, room: u64) -> Built {
    let built = ready(build(OnProcessor, source, None, room, &|_| {}));
    built.map(|(network, language, max_tokens)| (Weights::Processor(Arc::new(network)), language, max_tokens))
}

#[test]
fn a_file_in_pieces_of_any_length_is_the_same_model() {
    let file = file();
    for piece in [1, 997, 1 << 20] {
        for len in [None, Some(file.len() as u64)] {
            let told = RefCell::new(Vec::new());
            let mut source = Pieces { file: &file, len, piece, at: 0 };
            let on_progress = |progress: LoadProgress| {
                told.borrow_mut().push((progress.done_bytes, progress.total_bytes));
            };
            let (network, language, max_tokens) =
                ready(build(OnProcessor, &mut source, None, plan::MAX_MEMORY_BYTES, &on_progress)).unwrap();
            assert_eq!((network.config().vocab, max_tokens), (67, 128));
            assert_eq!((language.ends.as_slice(), language.template.is_err()), (&[66][..], true));
            let told = told.into_inner();
            assert!(told.windows(2).all(|pair| pair[0].0 < pair[1].0), "{piece}");
            assert!(told.iter().all(|(done, total)| done <= total), "{piece}");
        }
    }
}

#[test]
fn a_file_that_is_cut_or_foreign_gives_a_sentence() {
    let file = file();
    let ends = [0, 3, 4, 100, file.len() / 2, file.len() - 64];
    for end in ends {
        for len in [None, Some(end as u64), Some(file.len() as u64)] {
            let mut source = Pieces { file: &file[..end], len, piece: 500, at: 0 };
            let fault = load(&mut source, plan::MAX_MEMORY_BYTES).unwrap_err();
            assert_eq!(fault.code, FaultCode::BadFile, "{end}: {fault}");
            assert!(fault.sentence.starts_with("This model cannot be loaded: "), "{fault}");
        }
    }
    let mut source = Pieces { file: b"<!doctype html><title>404</title>", len: None, piece: 10, at: 0 };
    let fault = load(&mut source, plan::MAX_MEMORY_BYTES).unwrap_err();
    assert!(fault.code == FaultCode::BadFile && fault.sentence.contains("not a GGUF file"), "{fault}");
}

#[test]
fn what_does_not_fit_a_gpu_is_tried_on_the_processor_and_a_damaged_file_is_not() {
    let code = |code| not_here(Fault::new(code, "Why.")).code;
    assert_eq!(code(FaultCode::TooLarge), FaultCode::Unsupported);
    assert_eq!(code(FaultCode::BadFile), FaultCode::BadFile);
}

#[test]
fn what_does_not_fit_is_refused_before_its_weights_are_read() {
    let file = file();
    let header = Head::new(None).push(&file).unwrap().unwrap().header_bytes() as usize;
    let mut source = Pieces { file: &file, len: None, piece: 256, at: 0 };
    let fault = load(&mut source, 1 << 20).unwrap_err();
    assert_eq!(fault.code, FaultCode::TooLarge);
    assert!(source.at < header + header / 2 + 512, "{} of a header of {header}", source.at);
}

#[test]
fn what_is_measured_is_a_speed_and_damaged_weights_show() {
    let bytes = file();
    let mut source = Pieces { file: &bytes, len: None, piece: 1 << 20, at: 0 };
    let (weights, ..) = load(&mut source, plan::MAX_MEMORY_BYTES).unwrap();
    /// A step takes a millisecond.
    struct Tick<'a>(&'a ManualClock);
    impl Steps for Tick<'_> {
        async fn next(&self) {
            self.0.advance_ms(1.0);
        }
    }
    let clock = ManualClock::default();
    let speeds = ready(measure(&weights, &clock, &Tick(&clock))).unwrap();
    assert!(speeds.iter().all(|speed| *speed > 0.0 && speed.is_finite()), "{speeds:?}");

    // The norm behind the last layer, as numbers that are none.
    let header = Head::new(None).push(&bytes).unwrap().unwrap();
    let norm = header.tensor("output_norm.weight").unwrap();
    let mut damaged = bytes.clone();
    let range = norm.offset as usize..(norm.offset + norm.len_bytes) as usize;
    damaged[range].fill(0xff);
    let mut source = Pieces { file: &damaged, len: None, piece: 1 << 20, at: 0 };
    let (weights, ..) = load(&mut source, plan::MAX_MEMORY_BYTES).unwrap();
    let fault = ready(measure(&weights, &clock, &Tick(&clock))).unwrap_err();
    assert_eq!(fault.code, FaultCode::BadFile, "{fault}");
}
