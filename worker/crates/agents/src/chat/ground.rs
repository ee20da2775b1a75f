//! Whether what was found has to do with the question at all.
//!
//! The numbers were chosen on questions that have an answer in a tree and questions that have none; how, and what they
//! get right, stands with the test `worker/src/chat/ground_tests.rs`, which fails when they are changed for the worse.

/// What the search says of how well a question is answered; the fields are those of `index::Evidence`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Share of the question's words, by rareness, that one found piece holds.
    pub words: f32,
    /// The same for the best pieces together.
    pub words_together: f32,
    /// Words that were weighed.
    pub num_words: u32,
    /// The question holds the name of something that is defined here.
    pub names_symbol: bool,
    /// Cosine of the question and the nearest piece; `None` when meaning was not compared.
    pub cosine: Option<f32>,
    /// Share of the pieces whose meaning is known, 0 to 1.
    pub covered: f32,
}

/// Below this share of compared pieces, that none is near says nothing.
const COVERS: f32 = 0.95;
/// Near enough to count without any word in common.
const NEAR: f32 = 0.46;
/// So far away that common words are chance.
const FAR: f32 = 0.2;
/// Words in common that count without meaning.
const WORDS_ALONE: f32 = 0.5;
/// What words and meaning must reach together.
const TOGETHER: f32 = 0.6;
/// Weight of meaning in that sum.
const WEIGHT_OF_MEANING: f32 = 1.0;

/// True when the question can be answered from what was found.
#[must_use]
pub fn is_grounded(evidence: &Evidence) -> bool {
    if evidence.names_symbol {
        return true;
    }
    let words = 0.5 * (evidence.words + evidence.words_together);
    // A single word in common is found in any large tree by chance less often than one of many.
    let by_words = words >= WORDS_ALONE;
    match evidence.cosine {
        Some(cosine) if cosine >= NEAR => true,
        Some(cosine) if evidence.covered >= COVERS => {
            cosine >= FAR && words + WEIGHT_OF_MEANING * cosine >= TOGETHER
        }
        _ => by_words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sign_counts_and_missing_vectors_veto_nothing() {
        let none = Evidence { num_words: 3, covered: 1.0, ..Evidence::default() };
        let all_words = Evidence { words: 1.0, words_together: 1.0, ..none };
        for (evidence, wanted) in [
            (none, false),
            (all_words, true),
            (Evidence { names_symbol: true, ..none }, true),
            (Evidence { cosine: Some(0.6), ..none }, true),
            (Evidence { cosine: Some(0.1), ..all_words }, false),
            (Evidence { cosine: Some(0.1), covered: 0.9, ..all_words }, true),
            (Evidence { cosine: Some(0.1), covered: 0.9, ..none }, false),
            (Evidence { cosine: Some(0.3), words: 0.1, words_together: 0.1, ..none }, false),
            (Evidence { cosine: Some(0.3), words: 0.4, words_together: 0.5, ..none }, true),
        ] {
            assert_eq!(is_grounded(&evidence), wanted, "{evidence:?}");
        }
    }
}
