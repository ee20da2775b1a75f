//! An immutable part of the vectors with a graph over it (HNSW, by `instant-distance`).

use instant_distance::{Builder, Heuristic, Hnsw, Point, Search};

use super::quant;
use crate::doc::Key;

/// Candidates kept while the graph is built and while it is searched. Searching more widely than the best ten need makes
/// up for points that turn out to be dead.
const EF_BUILD: usize = 100;
const EF_SEARCH: usize = 160;

/// A vector inside the graph.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub values: Box<[i8]>,
    pub scale: f32,
}

impl Point for Row {
    /// One minus the inner product, which orders normalised vectors like any other metric of theirs.
    fn distance(&self, other: &Self) -> f32 {
        1.0 - quant::dot(&self.values, &other.values) as f32 * self.scale * other.scale
    }
}

pub(super) struct Segment {
    graph: Hnsw<Row>,
    /// By point of the graph; `None` once dead.
    keys: Vec<Option<Key>>,
    num_dead: usize,
}

impl Segment {
    /// Build a graph in one go: it takes about a millisecond a vector in wasm, so this is no step for a busy worker.
    /// Also returns the point of each row.
    pub fn build(rows: Vec<Row>, keys: &[Key]) -> (Self, Vec<u32>) {
        let builder = Builder::default()
            .ef_construction(EF_BUILD)
            .ef_search(EF_SEARCH)
            .select_heuristic(Some(Heuristic::default()))
            .seed(0x0a1c_07e5);
        let (graph, points) = builder.build_hnsw(rows);
        let points: Vec<u32> = points.into_iter().map(|p| p.into_inner()).collect();
        let mut by_point = vec![None; keys.len()];
        for (&point, &key) in points.iter().zip(keys) {
            by_point[point as usize] = Some(key);
        }
        (Self { graph, keys: by_point, num_dead: 0 }, points)
    }

    /// Mark a point as dead.
    pub fn remove(&mut self, point: u32) {
        if let Some(place) = self.keys.get_mut(point as usize)
            && place.take().is_some()
        {
            self.num_dead += 1;
        }
    }

    /// True when so many points are dead that searching it is a waste.
    pub fn is_worn(&self) -> bool {
        self.num_dead * 3 > self.keys.len()
    }

    /// The living vectors.
    pub fn rows(&self) -> impl Iterator<Item = (Key, &Row)> {
        self.graph.iter().filter_map(|(point, row)| Some((self.keys[point.into_inner() as usize]?, row)))
    }

    /// The vector of a point.
    pub fn row(&self, point: u32) -> Option<&Row> {
        self.graph.iter().find(|(at, _)| at.into_inner() == point).map(|(_, row)| row)
    }

    /// Up to `k` living vectors near `query`, by falling inner product.
    pub fn nearest(&self, query: &Row, k: usize) -> Vec<(Key, &Row)> {
        let mut search = Search::default();
        let found = self.graph.search(query, &mut search);
        found
            .filter_map(|item| Some((self.keys[item.pid.into_inner() as usize]?, item.point)))
            .take(k)
            .collect()
    }
}
