//! What became of an import, as one sentence for the person.

use protocol::{Imported, SkipReason};

use super::toast::Weight;

/// The sentence, and how grave it is. `look_alike`: two paths that look the same and are not.
#[must_use]
pub fn sentence(imported: &Imported, look_alike: Option<&(String, String)>) -> (Weight, String) {
    let mut parts = Vec::new();
    let mut num_ignored = 0;
    for (reason, count, paths) in &imported.skipped {
        let why = match reason {
            SkipReason::Ignored => {
                num_ignored += count;
                continue;
            }
            SkipReason::TooLarge => "larger than the size limit in the settings",
            SkipReason::BadPath => "a path that cannot be used here",
            SkipReason::Unreadable => "not readable",
            SkipReason::Loop => "links that lead in a circle",
            SkipReason::TooMany => {
                parts.push(
                    "the rest was left out, because there are more than 1,000,000 files and folders".into(),
                );
                continue;
            }
        };
        let example =
            paths.first().map(|path| format!(", for example {}", shorten(path))).unwrap_or_default();
        parts.push(format!("{count} left out ({why}{example})"));
    }
    if let Some((one, other)) = imported.case_collisions.first() {
        parts.push(format!("{} and {} differ by upper and lower case alone", shorten(one), shorten(other)));
    }
    if let Some((one, other)) = look_alike {
        parts.push(format!(
            "there are two files {} and {} whose names look the same and are written with different characters",
            shorten(one),
            shorten(other)
        ));
    }
    let mut counts: Vec<String> = Vec::new();
    let mut count = |num: u32, one: &str, more: &str| {
        if num > 0 {
            let files = match (counts.is_empty(), num) {
                (true, 1) => "1 file ".to_owned(),
                (true, _) => format!("{num} files "),
                (false, _) => format!("{num} "),
            };
            counts.push(format!("{files}{}", if num == 1 { one } else { more }));
        }
    };
    count(imported.num_added, "was added", "were added");
    count(imported.num_changed, "was changed", "were changed");
    count(imported.num_newer, "is newer in Alcove and stays", "are newer in Alcove and stay");
    count(imported.num_unchanged, "is unchanged", "are unchanged");
    let nothing = counts.is_empty();
    let mut said = if !nothing {
        counts.join(", ")
    } else if num_ignored > 0 {
        "No file was added: ignore files such as .gitignore name everything that is in it, and the settings say to \
         leave that out"
            .to_owned()
    } else if parts.is_empty() {
        "No file was added, because there is none in what you opened".to_owned()
    } else {
        "No file was added".to_owned()
    };
    for part in &parts {
        said.push_str("; ");
        said.push_str(part);
    }
    said.push('.');
    (if parts.is_empty() && !nothing { Weight::Done } else { Weight::Warning }, said)
}

/// A path short enough for a sentence, with its control characters shown as what they are not.
fn shorten(path: &str) -> String {
    const MAX: usize = 100;
    let mut shown: String = path
        .chars()
        .take(MAX)
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    if shown.len() < path.len() && path.chars().nth(MAX).is_some() {
        shown.push('…');
    }
    if shown.is_empty() { "one without a name".into() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_a_sentence_that_says_what_happened() {
        let left = |reason, count, path: &str| vec![(reason, count, vec![path.to_owned()])];
        let pair = || ("a".to_owned(), "A".to_owned());
        let outcome = |num_added, num_unchanged, skipped, case_collisions| {
            sentence(
                &Imported { num_added, num_unchanged, skipped, case_collisions, ..Imported::default() },
                None,
            )
        };
        let table = [
            (outcome(1, 0, vec![], vec![]), Weight::Done, "1 file was added."),
            (outcome(7, 3, vec![], vec![]), Weight::Done, "7 files were added, 3 are unchanged."),
            (outcome(0, 1, vec![], vec![]), Weight::Done, "1 file is unchanged."),
            (outcome(0, 9, vec![], vec![]), Weight::Done, "9 files are unchanged."),
            (
                outcome(0, 0, vec![], vec![]),
                Weight::Warning,
                "No file was added, because there is none in what you opened.",
            ),
            (
                outcome(0, 0, left(SkipReason::Ignored, 4, "x.log"), vec![]),
                Weight::Warning,
                "No file was added: ignore files such as .gitignore name everything that is in it, and the settings say \
                 to leave that out.",
            ),
            (
                outcome(2, 0, left(SkipReason::Ignored, 4, "x.log"), vec![]),
                Weight::Done,
                "2 files were added.",
            ),
            (
                outcome(0, 0, left(SkipReason::TooLarge, 1, "big"), vec![]),
                Weight::Warning,
                "No file was added; 1 left out (larger than the size limit in the settings, for example big).",
            ),
            (
                outcome(2, 0, left(SkipReason::BadPath, 1, "a\nb"), vec![pair()]),
                Weight::Warning,
                "2 files were added; 1 left out (a path that cannot be used here, for example a\u{fffd}b); a and A differ \
                 by upper and lower case alone.",
            ),
            (
                outcome(1, 0, left(SkipReason::BadPath, 1, ""), vec![]),
                Weight::Warning,
                "1 file was added; 1 left out (a path that cannot be used here, for example one without a name).",
            ),
        ];
        for ((weight, said), wanted_weight, wanted) in table {
            assert_eq!((weight, said.as_str()), (wanted_weight, wanted));
        }
    }

    #[test]
    fn what_came_again_is_told_apart_from_what_is_new() {
        let again = Imported { num_changed: 1, num_newer: 1, num_unchanged: 2, ..Imported::default() };
        let skipped = vec![(SkipReason::TooMany, 1, vec!["/".into()])];
        let (weight, said) = sentence(&Imported { skipped, ..again }, None);
        assert_eq!(weight, Weight::Warning);
        assert_eq!(
            said,
            "1 file was changed, 1 is newer in Alcove and stays, 2 are unchanged; the rest was left out, because there \
             are more than 1,000,000 files and folders."
        );
    }

    #[test]
    fn a_path_of_any_length_leaves_the_sentence_readable() {
        let imported = Imported {
            skipped: vec![(SkipReason::BadPath, 1, vec!["ü".repeat(100_000)])],
            ..Imported::default()
        };
        let twins = ("é".to_owned(), "e\u{301}".to_owned());
        let (_, said) = sentence(&imported, Some(&twins));
        assert!(said.chars().count() < 400 && said.contains("look the same"), "{said}");
    }
}
