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
/// Share of its words that stand in the same order in an earlier paragraph, from which a paragraph says nothing new. With
/// one name changed both may be meant.
const SAME: f32 = 0.97;
/// Words from which a paragraph is long …
const LONG_WORDS: usize = 30;
/// … and share from which two long ones say the same: of so many words more than one name may change by accident.
const LONG_SAME: f32 = 0.85;
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
        let mut num_alike = 0;
        for other in &told {
            let common = common(other, &words) as f32;
            let share = common / other.len().max(words.len()) as f32;
            let is_same =
                common / words.len() as f32 >= SAME || words.len() >= LONG_WORDS && share >= LONG_SAME;
            num_alike += usize::from(share >= ALIKE);
            if is_same || num_alike >= 2 {
                return Some(at);
            }
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

/// Words that two texts have in common in the same order.
fn common(a: &[&str], b: &[&str]) -> usize {
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
    row[b.len()]
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
        // Nor does a part of what was said say anything new.
        let answer = format!("The retry logic is in `retry.py`. {FIRST}\n\n{CODE}\n\n{FIRST}\n\n{CODE}");
        assert_eq!(begins(&answer).unwrap(), format!("{FIRST}\n\n{CODE}"));
        // Of a long one a word may be another by accident.
        let long = format!(
            "{FIRST} it says how long to wait between two tries and grows with a power of two, up to 60 seconds."
        );
        let again = long.replace("60", "120");
        assert_eq!(begins(&format!("{long}\n\n{again}\n\n")).unwrap(), format!("{again}\n\n"));
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
