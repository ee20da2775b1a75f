//! Where an answer begins to go in circles.
//!
//! Small models answer, and then answer again: a paragraph for each passage, with other names in the same sentences.
//! What punishes tokens that come again does not end that, and spoils code that has to come again. So paragraphs are
//! compared as a whole, and the answer ends before the one that says nothing new.

use super::markdown::{Stretch, stretches};

/// Shorter paragraphs may be alike: items of a list, headings.
const MIN_WORDS: usize = 10;
/// Words of a paragraph beyond which it is not read on.
const MAX_WORDS: usize = 200;
/// Share of words in the same order from which two paragraphs say the same. With one name changed they may both be meant.
const SAME: f32 = 0.97;
/// Share from which they are alike. Two may be, of a thing and its counterpart; three are a circle.
const ALIKE: f32 = 0.6;

/// Where an answer, of which more may come, begins to say again what it said: the first byte of that paragraph, with the
/// code block that it belongs to. Only paragraphs with something behind them are looked at: the last one may still change.
#[must_use]
pub fn circle(answer: &str) -> Option<usize> {
    let mut told: Vec<Vec<&str>> = Vec::new();
    for (at, paragraph) in paragraphs(answer) {
        let words: Vec<&str> = paragraph.split_whitespace().take(MAX_WORDS).collect();
        if words.len() < MIN_WORDS {
            continue;
        }
        let shares: Vec<f32> = told.iter().map(|other| share(other, &words)).collect();
        let is_same = shares.iter().any(|share| *share >= SAME);
        if is_same || shares.iter().filter(|share| **share >= ALIKE).count() >= 2 {
            return Some(at);
        }
        told.push(words);
    }
    None
}

/// Whole paragraphs of text outside code blocks, with the byte at which each begins.
fn paragraphs(answer: &str) -> Vec<(usize, &str)> {
    let blocks: Vec<_> = stretches(answer)
        .into_iter()
        .filter_map(|stretch| match stretch {
            Stretch::Block(outer, _) => Some(outer),
            _ => None,
        })
        .collect();
    let mut out = Vec::new();
    let mut from = 0;
    let mut take = |range: std::ops::Range<usize>| {
        let mut at = range.start;
        for part in answer[range].split("\n\n") {
            if !part.trim().is_empty() {
                out.push((at + part.len() - part.trim_start().len(), part.trim()));
            }
            at += part.len() + 2;
        }
    };
    for block in blocks {
        take(from..block.start);
        from = block.end;
    }
    // What follows the last end of a paragraph is not whole yet.
    if let Some(end) = answer[from..].rfind("\n\n") {
        take(from..from + end);
    }
    out
}

/// Words that two texts have in common in the same order, as a share of the longer one.
fn share(a: &[&str], b: &[&str]) -> f32 {
    // Longest common subsequence, a row at a time.
    let mut row = vec![0_usize; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y { diagonal + 1 } else { above.max(row[j]) };
            diagonal = above;
        }
    }
    row[b.len()] as f32 / a.len().max(b.len()).max(1) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: &str =
        "You can change the back-off by setting the `backoff_factor` parameter in the `Retry` class:";
    const CODE: &str = "```python\nretry = Retry(\n    backoff_factor=0.5\n)\n```";

    #[test]
    fn an_answer_that_is_given_again_ends_before_that() {
        let other = FIRST.replace("backoff_factor", "backoff_max");
        let third = FIRST.replace("backoff_factor", "backoff_jitter");
        let begins = |answer: &str| circle(answer).map(|at| answer[at..].to_owned());
        // The same once more.
        let answer = format!("{FIRST}\n\n{CODE}\n\n{FIRST}\n\n{CODE}");
        assert_eq!(begins(&answer).unwrap(), format!("{FIRST}\n\n{CODE}"));
        // While the second is being written it may become another one.
        assert_eq!(begins(&format!("{FIRST}\n\n{FIRST}")), None);
        // Two that are alike may both be meant, a third one not.
        let two = format!("{FIRST}\n\n{CODE}\n\n{other}\n\n{CODE}\n\n");
        assert_eq!(begins(&two), None);
        assert_eq!(begins(&format!("{two}{third}\n\n{CODE}")).unwrap(), format!("{third}\n\n{CODE}"));
    }

    #[test]
    fn lists_code_and_different_paragraphs_are_no_circle() {
        for answer in [
            "- `total`: how many retries\n\n- `read`: how many retries\n\n- `connect`: how many retries\n\n",
            "```\na b c d e f g h i j k l\n\na b c d e f g h i j k l\n\n```\n\n",
            "The retry logic is in `Retry`, which counts what went wrong and raises when it was too often.\n\nThe back-off \
             is computed in `get_backoff_time` from the history of errors and grows with a power of two.\n\nBoth can be \
             given to `PoolManager(retries=…)`, which passes them on to each of its pools of connections.\n\n",
            "",
            "\n\n\n\n",
        ] {
            assert_eq!(circle(answer), None, "{answer}");
        }
    }

    proptest! {
        #[test]
        fn what_was_found_stays_found_and_begins_a_paragraph(
            parts in prop::collection::vec(prop::sample::select(vec![
                FIRST, CODE, "\n\n", "\n", "```", "word ", "ä ö ü ", "one two three four five six seven eight nine ten",
            ]), 0..14),
        ) {
            let answer = parts.concat();
            if let Some(at) = circle(&answer) {
                prop_assert!(at > 0 && answer.is_char_boundary(at));
                // More text changes nothing before it, as long as no fence is opened: then it is code.
                prop_assert_eq!(circle(&format!("{answer}\n\nmore\n\n")).is_some(), true);
            }
        }
    }
}
