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
            k1: 1.2,
            field_weight: [1.0, 2.0, 1.0],
            field_b: [0.75, 0.5, 0.5],
            rrf_k: 60.0,
            layer_weight: [1.0, 0.3, 1.0],
            depth: 100,
        }
    }
}
