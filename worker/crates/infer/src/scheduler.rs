//! Which texts go into the next batch.
//!
//! Jobs come from several clients; each holds any number of texts as token ids. Batches hold texts of similar length
//! (a padded model wastes nothing, an unpadded one loses nothing) up to a number of tokens, so that a batch takes a
//! bounded time whatever the texts are. Urgent jobs go before all others. Among equals, clients take turns, and a
//! client's jobs go in the order in which they came, except that texts of one length class may be taken along early.

use std::collections::{BTreeMap, VecDeque};

use stdx::Cancel;

/// Names a job; unique within one scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u64);

/// How large a batch may be. One text always fits.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimit {
    /// Tokens, each text counted with the length of the longest one in the batch.
    pub tokens: usize,
    /// Texts.
    pub texts: usize,
}

/// Some texts of some jobs, to be embedded together.
#[derive(Debug)]
pub struct Batch {
    /// The token ids, in the order in which vectors must come back.
    pub texts: Vec<Vec<u32>>,
    /// Somebody waits for it.
    pub urgent: bool,
    places: Vec<(JobId, usize)>,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// All vectors, in the order of the job's texts.
    Vectors(Vec<f32>),
    /// Its batch failed with this sentence.
    Failed(String),
    /// It was cancelled before it was complete.
    Cancelled,
}

/// A job that left the scheduler, with whatever its owner attached to it.
#[derive(Debug)]
pub struct Finished<T> {
    /// Which.
    pub id: JobId,
    /// What the owner attached.
    pub tag: T,
    /// Tokens of its texts.
    pub num_tokens: usize,
    /// How it ended.
    pub outcome: Outcome,
}

#[derive(Debug)]
struct Job<T> {
    tag: T,
    client: u32,
    urgent: bool,
    cancel: Cancel,
    /// Texts that are in no batch yet.
    waiting: BTreeMap<usize, Vec<u32>>,
    vectors: Vec<f32>,
    /// Texts without a vector.
    num_open: usize,
    num_tokens: usize,
}

/// The queue of jobs. `T` is what the owner needs to answer a job.
#[derive(Debug)]
pub struct Scheduler<T> {
    dim: usize,
    limit: BatchLimit,
    next_id: u64,
    jobs: BTreeMap<JobId, Job<T>>,
    /// Clients with waiting jobs; the first one is next.
    turns: VecDeque<u32>,
}

/// Texts within one class may share a batch: 1–16 tokens, then steps of a quarter of the length.
fn length_class(len: usize) -> u32 {
    if len <= 16 {
        return 0;
    }
    let octave = (len - 1).ilog2();
    let quarter = ((len - 1) >> (octave - 2)) & 3;
    octave * 4 + quarter as u32
}

impl<T> Scheduler<T> {
    /// An empty queue for a model with vectors of length `dim`.
    #[must_use]
    pub fn new(dim: usize, limit: BatchLimit) -> Self {
        Self { dim, limit, next_id: 0, jobs: BTreeMap::new(), turns: VecDeque::new() }
    }

    /// Number of jobs that have not finished.
    #[must_use]
    pub fn num_jobs(&self) -> usize {
        self.jobs.len()
    }

    /// True when an urgent job has a text in no batch yet.
    #[must_use]
    pub fn has_urgent(&self) -> bool {
        self.jobs.values().any(|job| job.urgent && !job.waiting.is_empty() && !job.cancel.is_cancelled())
    }

    /// Queue a job. A job without texts comes back from the next [`Scheduler::sweep`].
    pub fn push(&mut self, tag: T, client: u32, urgent: bool, cancel: Cancel, texts: Vec<Vec<u32>>) -> JobId {
        let id = JobId(self.next_id);
        self.next_id += 1;
        let num_tokens = texts.iter().map(Vec::len).sum();
        let num_open = texts.len();
        let vectors = vec![0.0; num_open * self.dim];
        let waiting = texts.into_iter().enumerate().collect();
        self.jobs.insert(id, Job { tag, client, urgent, cancel, waiting, vectors, num_open, num_tokens });
        if !self.turns.contains(&client) {
            self.turns.push_back(client);
        }
        id
    }

    /// Take out jobs that need no batch any more: cancelled ones and empty ones.
    pub fn sweep(&mut self) -> Vec<Finished<T>> {
        let over = |job: &Job<T>| job.cancel.is_cancelled() || job.num_open == 0;
        let ids: Vec<JobId> = self.jobs.iter().filter(|(_, job)| over(job)).map(|(&id, _)| id).collect();
        ids.into_iter().filter_map(|id| self.take(id, None)).collect()
    }

    /// The texts to embed next, `None` when nothing waits.
    pub fn next_batch(&mut self) -> Option<Batch> {
        let urgent = self.has_urgent();
        let first = self.first(urgent)?;
        let client = self.jobs.get(&first)?.client;
        let class = self.jobs.get(&first)?.waiting.values().next().map(|text| length_class(text.len()))?;
        let mut batch = Batch { texts: Vec::new(), urgent, places: Vec::new() };
        let mut longest = 0;
        // The first job fills the batch first; then the others of its client and at last other clients may use the
        // room that is left, oldest first.
        let mut order: Vec<JobId> = self.jobs.keys().copied().collect();
        order.sort_by_key(|id| (*id != first, self.jobs[id].client != client, *id));
        for id in order {
            let Some(job) = self.jobs.get_mut(&id) else { continue };
            if job.urgent != urgent || job.cancel.is_cancelled() {
                continue;
            }
            let fitting: Vec<usize> = job
                .waiting
                .iter()
                .filter(|(_, text)| length_class(text.len()) == class)
                .map(|(&index, _)| index)
                .collect();
            for index in fitting {
                let len = job.waiting.get(&index).map_or(0, Vec::len);
                let padded = longest.max(len) * (batch.texts.len() + 1);
                let full = batch.texts.len() >= self.limit.texts || padded > self.limit.tokens;
                if full && !batch.texts.is_empty() {
                    break;
                }
                let Some(text) = job.waiting.remove(&index) else { continue };
                longest = longest.max(len);
                batch.texts.push(text);
                batch.places.push((id, index));
            }
        }
        // The client had its turn, even where another one's texts filled up the batch.
        if let Some(at) = self.turns.iter().position(|&other| other == client) {
            self.turns.remove(at);
            self.turns.push_back(client);
        }
        Some(batch)
    }

    /// The oldest waiting job of the client whose turn it is.
    fn first(&self, urgent: bool) -> Option<JobId> {
        self.turns.iter().find_map(|&client| {
            let mut jobs = self.jobs.iter();
            let fits = |job: &Job<T>| {
                job.client == client
                    && job.urgent == urgent
                    && !job.waiting.is_empty()
                    && !job.cancel.is_cancelled()
            };
            jobs.find(|(_, job)| fits(job)).map(|(&id, _)| id)
        })
    }

    /// Take in the vectors of a batch (or the sentence that says why there are none) and hand back the jobs that are
    /// complete with it. Jobs that were taken out in the meantime are left alone.
    pub fn complete(&mut self, batch: Batch, result: Result<Vec<f32>, String>) -> Vec<Finished<T>> {
        let mut done = Vec::new();
        match result {
            Ok(vectors) if vectors.len() == batch.places.len() * self.dim => {
                for ((id, index), vector) in batch.places.into_iter().zip(vectors.chunks_exact(self.dim)) {
                    let Some(job) = self.jobs.get_mut(&id) else { continue };
                    job.vectors[index * self.dim..][..self.dim].copy_from_slice(vector);
                    job.num_open -= 1;
                    if job.num_open == 0 {
                        done.extend(self.take(id, None));
                    }
                }
            }
            result => {
                let why = result.err().unwrap_or_else(|| "the model gave the wrong number of vectors".into());
                for (id, _) in batch.places {
                    done.extend(self.take(id, Some(&why)));
                }
            }
        }
        done
    }

    /// Take every job out with the same failure: the model is gone.
    pub fn fail_all(&mut self, why: &str) -> Vec<Finished<T>> {
        let ids: Vec<JobId> = self.jobs.keys().copied().collect();
        ids.into_iter().filter_map(|id| self.take(id, Some(why))).collect()
    }

    fn take(&mut self, id: JobId, failure: Option<&str>) -> Option<Finished<T>> {
        let job = self.jobs.remove(&id)?;
        if !self.jobs.values().any(|other| other.client == job.client) {
            self.turns.retain(|&client| client != job.client);
        }
        let outcome = if job.cancel.is_cancelled() {
            Outcome::Cancelled
        } else if let Some(why) = failure {
            Outcome::Failed(why.to_owned())
        } else {
            Outcome::Vectors(job.vectors)
        };
        Some(Finished { id, tag: job.tag, num_tokens: job.num_tokens, outcome })
    }
}
