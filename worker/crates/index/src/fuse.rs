//! Reciprocal rank fusion of ranked lists.

use rustc_hash::FxHashMap;

use crate::doc::Layers;

/// Keep the `k` best of `(score, number)`, best first; ties by the lower number, so that answers repeat.
pub(crate) fn keep_best(found: &mut Vec<(f32, u32)>, k: usize) {
    let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if k == 0 {
        found.clear();
        return;
    }
    if found.len() > k {
        found.select_nth_unstable_by(k - 1, order);
        found.truncate(k);
    }
    found.sort_unstable_by(order);
}

/// One layer's answer: `(score, chunk)`, best first.
pub(crate) struct Ranked {
    pub layer: Layers,
    pub weight: f32,
    pub list: Vec<(f32, u32)>,
}

/// Fuse ranked lists into `(score, chunk, layers that hold it)`, best first.
pub(crate) fn fuse(lists: &[Ranked], rrf_k: f32) -> Vec<(f32, u32, Layers)> {
    let mut sums: FxHashMap<u32, (f32, Layers)> = FxHashMap::default();
    for ranked in lists {
        let mut first = (0, f32::NAN);
        for (at, &(score, chunk)) in ranked.list.iter().enumerate() {
            // Equal scores share a rank, so that an answer does not depend on the order in which files came in.
            if score != first.1 {
                first = (at, score);
            }
            let (sum, layers) = sums.entry(chunk).or_default();
            *sum += ranked.weight / (rrf_k + first.0 as f32);
            *layers = layers.union(ranked.layer);
        }
    }
    let mut out: Vec<(f32, u32, Layers)> =
        sums.into_iter().map(|(chunk, (sum, layers))| (sum, chunk, layers)).collect();
    out.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    out
}
