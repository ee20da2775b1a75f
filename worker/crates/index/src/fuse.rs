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
    /// Share of all chunks that the layer could choose from, above 0 to 1.
    pub share: f32,
    pub list: Vec<(f32, u32)>,
}

/// Fuse ranked lists into `(score, chunk, layers that hold it)`, best first.
///
/// A place among a share of the chunks counts as the place that it can be expected to have among all of them. Otherwise
/// the nearest of the first few vectors would stand beside the best of all words, however far it is.
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
            let rank = (first.0 as f32 + 1.0) / ranked.share - 1.0;
            *sum += ranked.weight / (rrf_k + rank);
            *layers = layers.union(ranked.layer);
        }
    }
    let mut out: Vec<(f32, u32, Layers)> =
        sums.into_iter().map(|(chunk, (sum, layers))| (sum, chunk, layers)).collect();
    out.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(share: f32) -> Vec<(f32, u32, Layers)> {
        let words = Ranked {
            layer: Layers::LEXICAL,
            weight: 1.0,
            share: 1.0,
            list: (0..10).map(|n| (10.0 - n as f32, n)).collect(),
        };
        let near = Ranked { layer: Layers::VECTORS, weight: 1.0, share, list: vec![(0.2, 100), (0.1, 101)] };
        fuse(&[words, near], 10.0)
    }

    #[test]
    fn the_nearest_of_a_few_vectors_do_not_stand_beside_the_best_words() {
        let place = |share, chunk| vectors(share).iter().position(|hit| hit.1 == chunk).unwrap();
        assert_eq!(place(1.0, 100), 1, "with all vectors the nearest is as good as the best word");
        assert!(place(0.01, 100) > 9, "one of a hundredth says little");
        assert!(place(0.5, 100) < place(0.1, 100));
    }

    #[test]
    fn with_all_vectors_places_are_as_they_are() {
        let found = vectors(1.0);
        let score = |chunk| found.iter().find(|hit| hit.1 == chunk).unwrap().0;
        assert!((score(100) - 1.0 / 10.0).abs() < 1e-6);
        assert!((score(101) - 1.0 / 11.0).abs() < 1e-6);
    }
}
