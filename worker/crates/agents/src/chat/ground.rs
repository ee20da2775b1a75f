//! Whether what was found has to do with the question at all.
//!
//! The share of words was chosen on 24 questions that this repository answers and 24 about other things, which the test
//! `worker/src/chat/ground_tests.rs` asks: the answered ones reach 0.52 and more, all foreign ones but one stay below
//! 0.44. The figures of meaning were set from what MiniLM gives questions and the code that answers them (0.35 to 0.6)
//! and unrelated code (below 0.3), and not chosen on a set.

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

/// From where on the signs count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Cosine that counts without any word in common.
    pub near: f32,
    /// Cosine below which common words are chance.
    pub far: f32,
    /// Share of words that counts where meaning was not compared.
    pub words_alone: f32,
    /// What the share of words and the cosine must reach together.
    pub together: f32,
}

impl Thresholds {
    /// Those that were chosen.
    pub const CHOSEN: Self = Self { near: 0.5, far: 0.2, words_alone: 0.5, together: 0.8 };

    /// True when the question can be answered from what was found.
    #[must_use]
    pub fn admit(&self, evidence: &Evidence) -> bool {
        if evidence.names_symbol {
            return true;
        }
        let words = 0.5 * (evidence.words + evidence.words_together);
        match evidence.cosine {
            Some(cosine) if cosine >= self.near => true,
            Some(cosine) if evidence.covered >= COVERS => {
                cosine >= self.far && words + cosine >= self.together
            }
            _ => words >= self.words_alone,
        }
    }
}

/// True when the question can be answered from what was found.
#[must_use]
pub fn is_grounded(evidence: &Evidence) -> bool {
    Thresholds::CHOSEN.admit(evidence)
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
            (Evidence { cosine: Some(0.4), words: 0.4, words_together: 0.5, ..none }, true),
        ] {
            assert_eq!(is_grounded(&evidence), wanted, "{evidence:?}");
        }
    }
}
