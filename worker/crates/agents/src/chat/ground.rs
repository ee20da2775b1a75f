//! Whether what was found has to do with the question at all.
//!
//! The program `ground` of crate `bench` asks 827 sentences about functions of four Python packages, each to the package that
//! has the function and to another one of the same trade. With vectors 98 % pass where the function is and 42 % where it is
//! not; with words alone 90 % and 44 %. The threshold was set by hand with all of them in view, and between what 34
//! questions that are answered reach (1.63 and more) and what 24 about other things reach (1.5 and less): 48 of those stand in
//! `worker/src/chat/ground_tests.rs`. None of it is a test on questions that were not known. Being told that nothing was found
//! where something is there is worse than passages that do not help, so the threshold lies near the low end.

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

/// How much more a cosine tells than a share of words: between 2 and 4 the choice hardly matters.
const MEANING: f32 = 3.0;

/// From where on the signs count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Share of words that counts where meaning was not compared.
    pub words_alone: f32,
    /// What the share of words in the best piece and three times the cosine must reach together.
    pub together: f32,
}

impl Thresholds {
    /// Those that were chosen.
    pub const CHOSEN: Self = Self { words_alone: 0.45, together: 1.55 };

    /// True when the question can be answered from what was found.
    #[must_use]
    pub fn admit(&self, evidence: &Evidence) -> bool {
        let by_words = 0.5 * (evidence.words + evidence.words_together) >= self.words_alone;
        let Evidence { words, names_symbol, cosine, covered, .. } = *evidence;
        let by_both = cosine.map(|cosine| words + MEANING * cosine >= self.together);
        match by_both {
            _ if names_symbol => true,
            Some(by_both) if covered >= COVERS => by_both,
            // The piece that answers may not have been compared yet.
            _ => by_words || by_both == Some(true),
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
            (Evidence { cosine: Some(0.4), words: 0.5, words_together: 0.5, ..none }, true),
            (Evidence { cosine: Some(0.4), words: 0.3, words_together: 1.0, ..none }, false),
            (Evidence { cosine: Some(0.6), covered: 0.1, ..none }, true),
        ] {
            assert_eq!(is_grounded(&evidence), wanted, "{evidence:?}");
        }
    }
}
