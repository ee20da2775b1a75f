//! Keeps the model workers busy: batches out, vectors in, progress into the store.

use std::collections::BTreeMap;

use link::{Caller, Endpoint, Incoming, Listener, Policy};
use protocol::{Access, Embed, EmbedState, Fault, FaultCode};
use web_sys::MessagePort;

use crate::event::Event;
use crate::pace::{Allowance, Pace};
use crate::queue::{Key, MAX_ATTEMPTS, Rank, Waiting};
use crate::rate::Rate;
use crate::sender::Sender;
use crate::space::{DIM, Space, slice};

/// Chunks of one batch: enough for the model to sort by length, few enough that a worker that dies loses little.
const BATCH: usize = 16;
/// Batches that wait at a model worker beside the one it works on, so that it never idles.
const BATCHES_PER_PORT: usize = 2;
/// Chunks of a batch that goes before the others because a person just saved them, or that goes while they are busy.
const SMALL_BATCH: usize = 4;
/// Vectors that are kept back until one record holds them.
pub(crate) const VECTORS_PER_RECORD: usize = 64;

/// A model worker as the engine sees it.
struct Port {
    caller: Caller,
    _listener: Listener,
    num_batches: usize,
}

struct Batch {
    port: u32,
    chunks: Vec<(Key, Waiting)>,
}

/// The model workers and what they are doing.
#[derive(Default)]
pub(crate) struct Embedding {
    ports: BTreeMap<u32, Port>,
    batches: BTreeMap<u64, Batch>,
    next_batch: u64,
    failure: Option<String>,
    /// How much may go out.
    pub(crate) pace: Pace,
    /// Of the last answers.
    rate: Rate,
}

/// Read little-endian float32 values.
pub(crate) fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

impl Embedding {
    /// A model worker is there.
    pub(crate) fn add_port(&mut self, number: u32, port: &MessagePort, space: Option<&mut Space>) {
        let caller = Caller::new(Policy::Fail);
        let endpoint = Endpoint::Port(port.clone());
        let here = caller.clone();
        let listener = endpoint.listen(move |incoming| {
            if let Incoming::Frame(frame, blobs) = incoming {
                here.accept(frame, blobs);
            }
        });
        caller.attach(endpoint);
        self.failure = None;
        if let Some(space) = space {
            // Another worker, perhaps another device: what failed before gets a new chance.
            space.given_up.clear();
        }
        self.ports.insert(number, Port { caller, _listener: listener, num_batches: 0 });
    }

    /// A model worker is gone; its batches wait again.
    pub(crate) fn remove_port(&mut self, number: u32, space: Option<&mut Space>) {
        if let Some(port) = self.ports.remove(&number) {
            port.caller.fail_all(&Fault::new(FaultCode::ModelGone, "The model worker stopped."));
        }
        let lost: Vec<u64> =
            self.batches.iter().filter(|(_, batch)| batch.port == number).map(|(id, _)| *id).collect();
        let batches: Vec<Batch> = lost.iter().filter_map(|id| self.batches.remove(id)).collect();
        if let Some(space) = space {
            for batch in batches {
                // One of them may be what killed it; the next attempt tries them one by one.
                put_back(space, batch.chunks, 1);
            }
        }
    }

    /// The caller to embed a query with: the least busy worker.
    pub(crate) fn caller(&self) -> Option<Caller> {
        self.ports.values().min_by_key(|port| port.num_batches).map(|port| port.caller.clone())
    }

    /// Forget the batches of a workspace that was closed; answers that still come find nothing.
    pub(crate) fn forget_batches(&mut self) {
        self.batches.clear();
        self.failure = None;
        for port in self.ports.values_mut() {
            port.num_batches = 0;
        }
    }

    /// Hand out batches until every model worker has enough to do, or as much as is allowed now.
    pub(crate) fn dispatch(&mut self, space: &mut Space, events: &Sender, now_ms: f64) {
        // A reader would do the work of the writer once more and could not keep it.
        if space.paused || space.access == Access::Reader {
            return;
        }
        // What was queued may have dropped out (its file changed) while another file has the same text.
        let missing = space.index.num_vectors() + space.given_up.len() < space.index.num_keys();
        if space.to_embed.len() == 0 && self.batches.is_empty() && space.to_parse.is_empty() && missing {
            crate::snapshot::queue_missing_vectors(space);
        }
        let allowance = self.pace.allowance(now_ms);
        for (number, port) in &mut self.ports {
            loop {
                // What was just saved does not wait behind the batches that are already at the worker.
                let urgent = matches!(space.to_embed.first_rank(), Some(Rank::Edited));
                let (allowed, size) = match allowance {
                    _ if urgent => (BATCHES_PER_PORT + 1, SMALL_BATCH),
                    Allowance::Full => (BATCHES_PER_PORT, BATCH),
                    Allowance::Portion => (1, SMALL_BATCH),
                    Allowance::Nothing => (0, 0),
                };
                if port.num_batches >= allowed {
                    break;
                }
                let chunks = space.to_embed.take(size);
                let chunks = one_suspect_at_a_time(space, chunks);
                if chunks.is_empty() {
                    return;
                }
                let (chunks, texts) = texts_of(space, chunks);
                if chunks.is_empty() {
                    continue;
                }
                let id = self.next_batch;
                self.next_batch += 1;
                port.num_batches += 1;
                if allowance == Allowance::Portion {
                    self.pace.portion_went(now_ms);
                }
                self.batches.insert(id, Batch { port: *number, chunks });
                let pending = port.caller.call(Embed { texts, urgent }, Vec::new());
                let events = events.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    let result = pending.await.map(|(embedded, blobs)| {
                        let bytes = blobs.first().map(link::from_buffer).unwrap_or_default();
                        (embedded, floats(&bytes))
                    });
                    events.send(Event::Embedded { batch: id, result });
                });
            }
        }
    }

    /// Take in an answer.
    pub(crate) fn accept(
        &mut self,
        space: &mut Space,
        batch: u64,
        result: Result<(protocol::Embedded, Vec<f32>), Fault>,
        now_ms: f64,
    ) {
        let Some(Batch { port, chunks }) = self.batches.remove(&batch) else { return };
        if let Some(port) = self.ports.get_mut(&port) {
            port.num_batches = port.num_batches.saturating_sub(1);
        }
        let (embedded, vectors) = match result {
            Ok((embedded, vectors))
                if embedded.dim as usize == DIM && vectors.len() == chunks.len() * DIM =>
            {
                (embedded, vectors)
            }
            Ok((embedded, vectors)) => {
                self.failure = Some(format!(
                    "The model answered with {} numbers of dimension {} for {} chunks; please report this.",
                    vectors.len(),
                    embedded.dim,
                    chunks.len()
                ));
                return put_back(space, chunks, 1);
            }
            Err(fault) => {
                if fault.code != FaultCode::ModelGone {
                    self.failure = Some(fault.sentence);
                }
                return put_back(space, chunks, 1);
            }
        };
        self.failure = None;
        if let Err(err) = crate::snapshot::use_model(space, &embedded.model) {
            space.notices.push(format!("The index could not be saved ({err})."));
        }
        let mut num = 0;
        for ((key, _), vector) in chunks.iter().zip(vectors.chunks_exact(DIM)) {
            if matches!(space.index.put_vector(*key, vector), Ok(true)) {
                if space.access == Access::Writer {
                    space.unsaved_vectors.push((*key, index::encode_vector(vector)));
                }
                num += 1;
            }
        }
        space.stats.chunks_embedded += num;
        self.rate.add(now_ms, num);
    }

    /// Chunks per second while nothing else is to be done; 0 while too little was seen to say.
    pub(crate) fn chunks_per_s(&mut self, now_ms: f64) -> f32 {
        self.rate.per_s(now_ms)
    }

    /// What the vector layer is doing, for the status bar.
    pub(crate) fn state(&self, space: &Space) -> EmbedState {
        if let Some(why) = &self.failure {
            EmbedState::Failed(why.clone())
        } else if space.paused {
            EmbedState::Paused
        } else if self.ports.is_empty() {
            EmbedState::NoModel
        } else if space.to_embed.len() == 0 && self.batches.is_empty() {
            EmbedState::Idle
        } else {
            EmbedState::Running
        }
    }
}

/// What the embedder reads for each chunk. Chunks whose file is gone or changed drop out: the change queued them anew.
fn texts_of(space: &mut Space, chunks: Vec<(Key, Waiting)>) -> (Vec<(Key, Waiting)>, Vec<String>) {
    let mut kept = Vec::with_capacity(chunks.len());
    let mut texts = Vec::with_capacity(chunks.len());
    for (key, waiting) in chunks {
        let Ok(Some(text)) = space.text(&waiting.path) else { continue };
        let body = slice(&text, &waiting.bytes);
        if crate::space::chunk_key(&waiting.symbol, body) != key || space.index.has_vector(&key) {
            continue;
        }
        let language = space.files.get(&waiting.path).map_or("plaintext", |entry| entry.lang.id());
        texts.push(index::embed_text(&waiting.path, language, &waiting.symbol, body));
        kept.push((key, waiting));
    }
    (kept, texts)
}

/// Chunks that were in a batch that failed go alone, so that the one at fault is found and the others are served.
fn one_suspect_at_a_time(space: &mut Space, chunks: Vec<(Key, Waiting)>) -> Vec<(Key, Waiting)> {
    let (mut suspects, mut others): (Vec<_>, Vec<_>) =
        chunks.into_iter().partition(|(_, waiting)| waiting.attempts > 0);
    if others.is_empty() && !suspects.is_empty() {
        others.push(suspects.swap_remove(0));
    }
    put_back(space, suspects, 0);
    others
}

fn put_back(space: &mut Space, chunks: Vec<(Key, Waiting)>, failed: u8) {
    for (key, mut waiting) in chunks {
        waiting.attempts += failed;
        if waiting.attempts >= MAX_ATTEMPTS {
            let notice =
                format!("A part of {} could not be embedded and is found by words only.", waiting.path);
            if !space.notices.contains(&notice) {
                space.notices.push(notice);
            }
            space.given_up.insert(key);
            continue;
        }
        let rank = space.rank(&waiting.path);
        space.to_embed.push(key, waiting, rank);
    }
}
