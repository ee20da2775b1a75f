//! Which chunk is embedded next: what a person is looking for or at comes before the rest.

use std::collections::{BTreeSet, HashMap};

/// Content key of a chunk.
pub(crate) type Key = [u8; 16];

/// How soon a chunk is wanted; earlier variants first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// Its file was saved in this session.
    Edited,
    /// A search just found it by words.
    Found,
    /// Its file is open.
    Open,
    /// Code.
    Code,
    /// Prose.
    Prose,
    /// Data: lock files, JSON, minified text.
    Data,
}

/// Where the text of a waiting chunk stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// File.
    pub(crate) path: String,
    /// Bytes of the chunk in that file.
    pub(crate) bytes: std::ops::Range<u32>,
    /// Symbol path of the chunk.
    pub(crate) symbol: String,
    /// Failed attempts so far.
    pub(crate) attempts: u8,
}

/// A chunk is dropped after its model failed on it this often: it is what kills the model.
pub(crate) const MAX_ATTEMPTS: u8 = 3;

#[derive(Debug, Default)]
struct Slot {
    rank: Option<Rank>,
    seq: u32,
}

/// Chunks without a vector, each once, ordered by rank and then by arrival.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: HashMap<Key, (Waiting, Slot)>,
    order: BTreeSet<(Rank, u32, Key)>,
    next_seq: u32,
    bytes: u64,
}

impl Queue {
    /// Number of waiting chunks.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Sum of the lengths of the waiting texts.
    pub(crate) fn num_bytes(&self) -> u64 {
        self.bytes
    }

    /// Add a chunk, or give a known one this place and rank if that is sooner.
    pub(crate) fn push(&mut self, key: Key, waiting: Waiting, rank: Rank) {
        let len = u64::from(waiting.bytes.end - waiting.bytes.start);
        match self.waiting.get_mut(&key) {
            Some((known, slot)) => {
                self.bytes = self.bytes - u64::from(known.bytes.end - known.bytes.start) + len;
                let attempts = known.attempts.max(waiting.attempts);
                *known = Waiting { attempts, ..waiting };
                if slot.rank.is_some_and(|now| now <= rank) {
                    return;
                }
            }
            None => {
                self.bytes += len;
                self.waiting.insert(key, (waiting, Slot::default()));
            }
        }
        self.place(key, rank);
    }

    /// Move a waiting chunk forward; nothing when it does not wait or is wanted sooner already.
    pub(crate) fn promote(&mut self, key: &Key, rank: Rank) {
        if self.waiting.get(key).is_some_and(|(_, slot)| slot.rank.is_some_and(|now| now > rank)) {
            self.place(*key, rank);
        }
    }

    fn place(&mut self, key: Key, rank: Rank) {
        let Some((_, slot)) = self.waiting.get_mut(&key) else { return };
        if let Some(old) = slot.rank {
            self.order.remove(&(old, slot.seq, key));
        }
        *slot = Slot { rank: Some(rank), seq: self.next_seq };
        self.order.insert((rank, self.next_seq, key));
        self.next_seq = self.next_seq.wrapping_add(1);
    }

    /// Forget a chunk whose text is gone.
    pub(crate) fn remove(&mut self, key: &Key) -> Option<Waiting> {
        let (waiting, slot) = self.waiting.remove(key)?;
        self.bytes -= u64::from(waiting.bytes.end - waiting.bytes.start);
        if let Some(rank) = slot.rank {
            self.order.remove(&(rank, slot.seq, *key));
        }
        Some(waiting)
    }

    /// Take the `n` most wanted chunks out.
    pub(crate) fn take(&mut self, n: usize) -> Vec<(Key, Waiting)> {
        let keys: Vec<Key> = self.order.iter().take(n).map(|(.., key)| *key).collect();
        keys.into_iter().filter_map(|key| self.remove(&key).map(|waiting| (key, waiting))).collect()
    }

    /// Rank of the chunk that would be taken next.
    pub(crate) fn first_rank(&self) -> Option<Rank> {
        self.order.first().map(|(rank, ..)| *rank)
    }

    /// Forget everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(path: &str, len: u32) -> Waiting {
        Waiting { path: path.into(), bytes: 0..len, symbol: String::new(), attempts: 0 }
    }

    fn paths(taken: &[(Key, Waiting)]) -> Vec<&str> {
        taken.iter().map(|(_, w)| w.path.as_str()).collect()
    }

    #[test]
    fn sooner_ranks_come_first_then_arrival() {
        let mut queue = Queue::default();
        queue.push([1; 16], waiting("data", 10), Rank::Data);
        queue.push([2; 16], waiting("code1", 10), Rank::Code);
        queue.push([3; 16], waiting("code2", 10), Rank::Code);
        queue.push([4; 16], waiting("open", 10), Rank::Open);
        queue.promote(&[1; 16], Rank::Found);
        queue.promote(&[9; 16], Rank::Found);
        assert_eq!(queue.num_bytes(), 40);
        assert_eq!(paths(&queue.take(3)), ["data", "open", "code1"]);
        assert_eq!(queue.num_bytes(), 10);
        assert_eq!(paths(&queue.take(3)), ["code2"]);
        assert_eq!((queue.len(), queue.num_bytes()), (0, 0));
    }

    #[test]
    fn the_same_content_waits_once_at_its_soonest_rank() {
        let mut queue = Queue::default();
        queue.push([1; 16], waiting("a", 10), Rank::Code);
        queue.push([1; 16], waiting("b", 12), Rank::Data);
        queue.push([2; 16], waiting("c", 1), Rank::Edited);
        assert_eq!(queue.first_rank(), Some(Rank::Edited));
        assert_eq!((queue.len(), queue.num_bytes()), (2, 13));
        assert_eq!(paths(&queue.take(9)), ["c", "b"]);
    }

    #[test]
    fn a_removed_chunk_is_not_taken() {
        let mut queue = Queue::default();
        queue.push([1; 16], waiting("a", 10), Rank::Code);
        assert!(queue.remove(&[1; 16]).is_some());
        assert!(queue.remove(&[1; 16]).is_none());
        assert!(queue.take(1).is_empty());
    }
}
