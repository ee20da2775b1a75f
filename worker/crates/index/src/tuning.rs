//! The numbers of the ranking, chosen on the tuning half of the evaluation set (see crate `bench`, binary `eval`).

/// Weights and constants of the ranking. [`Default`] holds what the evaluation chose.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// BM25 saturation.
    pub k1: f32,
    /// Weights of body, symbol path and file path in BM25F.
    pub field_weight: [f32; 3],
    /// Length normalisation of body, symbol path and file path, 0 to 1.
    pub field_b: [f32; 3],
    /// Weight of a name that two or three neighbouring words of the query make together.
    pub pair_weight: f32,
    /// Weight of a word that programmers use for a word of the query.
    pub related_weight: f32,
    /// Weight of a stand-in for a word that no chunk holds.
    pub stand_in_weight: f32,
    /// How much the share of the symbol path that the query names adds to a chunk's score, as a part of it.
    pub name_boost: f32,
    /// How much standing in a symbol at all adds to a chunk's score, as a part of it.
    pub definition_boost: f32,
    /// Rank constant of reciprocal rank fusion.
    pub rrf_k: f32,
    /// Weights of the lexical, symbol and vector lists in the fusion.
    pub layer_weight: [f32; 3],
    /// Candidates that each layer gives to the fusion.
    pub depth: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            k1: 1.6,
            field_weight: [1.0, 5.3, 1.3],
            field_b: [0.75, 0.65, 0.25],
            pair_weight: 0.25,
            related_weight: 0.3,
            stand_in_weight: 0.5,
            name_boost: 0.2,
            definition_boost: 0.0,
            rrf_k: 6.0,
            layer_weight: [1.0, 0.3, 0.8],
            depth: 100,
        }
    }
}
