//! Merging the bytes of a piece, best pair first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What a pair becomes.
#[derive(Clone, Copy, Debug)]
struct Merge {
    right: u32,
    /// Lower goes first.
    rank: u32,
    /// The token of both together.
    id: u32,
}

/// All pairs that are merged: for each left token its merges by right token. Searched instead of hashed, so that it
/// takes the least room, and no file can be made up whose pairs collide.
#[derive(Debug)]
pub(super) struct Merges {
    /// Where the merges of each left token begin in `merges`; one more than there are tokens.
    starts: Vec<u32>,
    merges: Vec<Merge>,
}

impl Merges {
    /// From triples of left, right and merged token, best first.
    pub(super) fn new(num_tokens: usize, triples: &[[u32; 3]]) -> Self {
        let mut order: Vec<u32> = (0..triples.len() as u32).collect();
        order.sort_unstable_by_key(|&i| (triples[i as usize][0], triples[i as usize][1], i));
        // Of a pair that is there twice the better rank counts.
        order.dedup_by_key(|i| (triples[*i as usize][0], triples[*i as usize][1]));
        let mut starts = vec![0; num_tokens + 1];
        for &i in &order {
            starts[triples[i as usize][0] as usize + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let merge = |&i: &u32| {
            let [_, right, id] = triples[i as usize];
            Merge { right, rank: i, id }
        };
        Self { starts, merges: order.iter().map(merge).collect() }
    }

    fn find(&self, left: u32, right: u32) -> Option<Merge> {
        let [start, end] = [0, 1].map(|i| self.starts[left as usize + i] as usize);
        let row = &self.merges[start..end];
        row.binary_search_by_key(&right, |merge| merge.right).ok().map(|i| row[i])
    }
}

/// A token in the making.
#[derive(Clone, Copy, Debug)]
struct Symbol {
    id: u32,
    /// Neighbours by place; `NONE` at the ends.
    prev: u32,
    next: u32,
    alive: bool,
}

const NONE: u32 = u32::MAX;

/// Room that is used again for every piece.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    symbols: Vec<Symbol>,
    /// Merges that may be possible: rank, place of the left token, and token of both together.
    heap: BinaryHeap<Reverse<(u32, u32, u32)>>,
}

impl Scratch {
    /// Merge a piece, given as its bytes' tokens, and append the result.
    pub(super) fn merge(&mut self, merges: &Merges, bytes: impl Iterator<Item = u32>, out: &mut Vec<u32>) {
        self.symbols.clear();
        self.heap.clear();
        for id in bytes {
            let place = self.symbols.len() as u32;
            let prev = place.checked_sub(1).unwrap_or(NONE);
            if let Some(last) = self.symbols.last_mut() {
                last.next = place;
            }
            self.symbols.push(Symbol { id, prev, next: NONE, alive: true });
        }
        for left in 1..self.symbols.len() as u32 {
            self.offer(merges, left - 1, left);
        }
        while let Some(Reverse((rank, left, id))) = self.heap.pop() {
            let Symbol { id: left_id, next: right, alive, .. } = self.symbols[left as usize];
            if !alive || right == NONE {
                continue;
            }
            // One of the two may have become something else since.
            let found = merges.find(left_id, self.symbols[right as usize].id);
            if found.is_none_or(|merge| merge.rank != rank) {
                continue;
            }
            let next = self.symbols[right as usize].next;
            self.symbols[right as usize].alive = false;
            self.symbols[left as usize].id = id;
            self.symbols[left as usize].next = next;
            if next != NONE {
                self.symbols[next as usize].prev = left;
                self.offer(merges, left, next);
            }
            let prev = self.symbols[left as usize].prev;
            if prev != NONE {
                self.offer(merges, prev, left);
            }
        }
        out.extend(self.symbols.iter().filter(|symbol| symbol.alive).map(|symbol| symbol.id));
    }

    fn offer(&mut self, merges: &Merges, left: u32, right: u32) {
        let ids = [left, right].map(|place| self.symbols[place as usize].id);
        if let Some(merge) = merges.find(ids[0], ids[1]) {
            self.heap.push(Reverse((merge.rank, left, merge.id)));
        }
    }
}
