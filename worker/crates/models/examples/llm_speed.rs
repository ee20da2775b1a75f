//! Tokens per second of a GGUF model on one thread, as medians, and the ids that it writes.
//!
//!     cargo run --profile bench -p models --example llm_speed -- MODEL.gguf [PROMPT_TOKENS [NEW_TOKENS [RUNS]]]

use std::cell::Cell;
use std::fs::File;
use std::future::Future;
use std::io::Read;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use infer::{Generate, Sampler, Sampling, Steps};
use models::gguf::Head;
use models::llm::{Loader, Session};

/// Nothing here ever waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(out) => out,
        Poll::Pending => unreachable!("no step waits"),
    }
}

/// Time of this program on the processor where the system tells it, so that others on the machine do not count.
fn now() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let busy = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let busy = busy.and_then(|text| text.split(' ').next()?.parse().ok());
    busy.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// The longest time between two steps: how late a cancel may be seen.
struct Gaps {
    last: Cell<Duration>,
    longest: Cell<Duration>,
}

impl Steps for Gaps {
    async fn next(&self) {
        let now = now();
        self.longest.set(self.longest.get().max(now - self.last.replace(now)));
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

type Failure = Box<dyn std::error::Error>;

fn load(path: &str) -> Result<models::llm::Network, Failure> {
    let mut file = File::open(path)?;
    let mut piece = vec![0; 4 << 20];
    let mut head = Head::new(Some(file.metadata()?.len()));
    let header = loop {
        match file.read(&mut piece)? {
            0 => break head.end()?,
            num => {
                if let Some(header) = head.push(&piece[..num])? {
                    break header;
                }
            }
        }
    };
    let mut loader = Loader::new(&header)?.from_start();
    loader.feed(head.prefix())?;
    loop {
        match file.read(&mut piece)? {
            0 => break,
            num => loader.feed(&piece[..num])?,
        }
    }
    Ok(loader.finish()?)
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let path = args.first().ok_or("name a model file")?;
    let number = |i: usize, default: usize| args.get(i).map_or(Ok(default), |arg| arg.parse());
    let (num_prompt, num_new, runs) = (number(1, 256)?, number(2, 64)?, number(3, 5)?);
    let start = Instant::now();
    let network = Arc::new(load(path)?);
    println!(
        "loaded in {:.2} s, {} MB of weights",
        start.elapsed().as_secs_f64(),
        network.bytes() / 1_000_000
    );
    let vocab = network.config().vocab;
    let prompt: Vec<u32> =
        (0..num_prompt).map(|i| (1000 + i * 7919) as u32 % (vocab as u32 - 2000)).collect();
    let (mut prefill, mut decode) = (Vec::new(), Vec::new());
    let mut written = Vec::new();
    let gaps = Gaps { last: Cell::default(), longest: Cell::default() };
    for _ in 0..runs {
        let mut session = Session::new(network.clone(), num_prompt + num_new + 1);
        let mut sampler = Sampler::new(Sampling::GREEDY);
        let mut text = prompt.clone();
        let start = now();
        gaps.last.set(start);
        text.push(ready(session.next(&text, &mut sampler, &gaps))?);
        ready(gaps.next());
        prefill.push(num_prompt as f64 / (now() - start).as_secs_f64());
        let start = now();
        for _ in 0..num_new {
            text.push(ready(session.next(&text, &mut sampler, &()))?);
        }
        decode.push(num_new as f64 / (now() - start).as_secs_f64());
        written = text[num_prompt..].to_vec();
    }
    println!(
        "prefill of {num_prompt}: {:.1} tokens/s, decode of {num_new}: {:.1} tokens/s",
        median(prefill),
        median(decode)
    );
    println!(
        "longest time between two steps of a prefill: {:.1} ms",
        gaps.longest.get().as_secs_f64() * 1000.0
    );
    println!("{written:?}");
    Ok(())
}
