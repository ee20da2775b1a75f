//! Which passages of a project go into a prompt.

use std::ops::Range;

use super::signs::signs;

/// Shorter passages say nothing.
const MIN_BYTES: usize = 16;

/// Choose passages out of what was found, best first: `near` is what the prompt has anyway. Gives the place of each in
/// the list and the part of it that fits, at most `max_num` of them and `max_bytes` together, none over half of that.
#[must_use]
pub fn choose(
    found: &[&str],
    near: [&str; 2],
    max_num: usize,
    max_bytes: usize,
) -> Vec<(usize, Range<usize>)> {
    let mut chosen: Vec<(usize, Range<usize>)> = Vec::new();
    let mut left = max_bytes;
    for (i, text) in found.iter().enumerate() {
        if chosen.len() == max_num {
            break;
        }
        let part = first_lines(text, left.min(max_bytes / 2));
        let body = text[part.clone()].trim();
        let has = |other: &str| other.contains(body);
        if body.len() < MIN_BYTES
            || near.iter().any(|text| has(text))
            || chosen.iter().any(|(j, part)| has(&found[*j][part.clone()]))
        {
            continue;
        }
        left -= part.len();
        chosen.push((i, part));
    }
    chosen
}

/// The whole lines at the beginning of a text that fit, without empty ones around them.
fn first_lines(text: &str, max_bytes: usize) -> Range<usize> {
    let start = text.len() - text.trim_start_matches(['\n', '\r']).len();
    let mut end = text.len();
    if end - start > max_bytes {
        let most = text.floor_char_boundary(start + max_bytes);
        end = text[start..most].rfind('\n').map_or(start, |at| start + at);
    }
    start..start + text[start..end].trim_end().len()
}

/// A comment that says where a passage stands, for models that have no mark for it.
#[must_use]
pub fn path_comment(language: &str, path: &str) -> String {
    let signs = signs(language);
    let path = path.lines().next().unwrap_or_default();
    match (signs.line.first(), signs.block.first()) {
        (Some(sign), _) => format!("{sign} {path}\n"),
        (None, Some((from, to))) => format!("{from} {path} {to}\n"),
        (None, None) => format!("{path}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_there_or_chosen_already_is_left_out() {
        let a = "def alpha(x):\n    return x + 1\n";
        let b = "def bravo(x):\n    return x + 2\n";
        let long = "x = 'line of text'\n".repeat(50);
        let found = [a, a, b, "  \n", long.as_str()];
        let texts = |near| -> Vec<(usize, &str)> {
            choose(&found, near, 4, 200).into_iter().map(|(i, part)| (i, &found[i][part])).collect()
        };
        let line = "x = 'line of text'";
        let lines = [line; 5].join("\n");
        assert_eq!(texts(["", ""]), [(0, a.trim_end()), (2, b.trim_end()), (4, lines.as_str())]);
        assert_eq!(texts([a, ""])[0].0, 2);
    }

    #[test]
    fn a_path_is_said_in_a_comment() {
        let cases = [("python", "# a/b.py\n"), ("css", "/* a/b.py */\n"), ("plaintext", "a/b.py\n")];
        for (language, wanted) in cases {
            assert_eq!(path_comment(language, "a/b.py\nrm"), wanted);
        }
    }

    proptest! {
        #[test]
        fn the_budget_holds(found in prop::collection::vec("[a-zä\n ]{0,80}", 0..8), max in 0usize..200, num in 0usize..5) {
            let found: Vec<&str> = found.iter().map(String::as_str).collect();
            let chosen = choose(&found, ["", ""], num, max);
            prop_assert!(chosen.len() <= num);
            prop_assert!(chosen.iter().map(|(_, part)| part.len()).sum::<usize>() <= max);
            prop_assert!(chosen.iter().all(|(i, part)| part.len() <= max / 2 && found[*i].is_char_boundary(part.end)));
        }
    }
}
