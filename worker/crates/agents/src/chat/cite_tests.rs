//! What is a reference and what is not.

use proptest::prelude::*;

use super::*;
use crate::chat::pack::Piece;

fn passages() -> Vec<Numbered> {
    let passage = |number, path: &str, start_line, symbol: &str, text: &str| Numbered {
        number,
        piece: Piece { path: path.into(), start_line, symbol: symbol.into(), text: text.into(), score: 1.0 },
        num_tokens: 1,
        is_cut: false,
    };
    vec![
        passage(
            1,
            "src/net/http.py",
            9,
            "Session.send",
            "def send(self):\n    self.retry(3)\n\n    return back_off",
        ),
        passage(
            2,
            "src/retry.py",
            0,
            "",
            "import time\n\ndef retry(times):\n    for n in range(times):\n        wait(n)",
        ),
        passage(3, "app/retry.py", 3, "", "MAX = 4"),
    ]
}

/// Text of each reference with the place that it names, lines from one.
fn found(answer: &str) -> Vec<(String, String)> {
    let files = [
        ("src/net/http.py", 13),
        ("src/retry.py", 5),
        ("app/retry.py", 4),
        ("docs/a b.md", 9),
        ("Makefile", 30),
    ];
    let mut file = |name: &str| {
        files.iter().find(|(path, _)| *path == name).map(|(path, num)| ((*path).to_owned(), *num))
    };
    citations(answer, &passages(), &mut file)
        .into_iter()
        .map(|c| (answer[c.range].to_owned(), format!("{}:{}-{}", c.path, c.start_line + 1, c.end_line + 1)))
        .collect()
}

#[test]
fn references_link_to_the_lines_that_they_name() {
    for (answer, wanted) in [
        ("It retries [1].", &[("[1]", "src/net/http.py:10-13")][..]),
        ("Both [1, 2] do", &[("1", "src/net/http.py:10-13"), ("2", "src/retry.py:1-5")]),
        ("[1][2]", &[("[1]", "src/net/http.py:10-13"), ("[2]", "src/retry.py:1-5")]),
        ("See src/retry.py:3.", &[("src/retry.py:3", "src/retry.py:3-3")]),
        ("See (http.py:10-12)", &[("http.py:10-12", "src/net/http.py:10-12")]),
        ("`src/retry.py:3-4` waits", &[("`src/retry.py:3-4`", "src/retry.py:3-4")]),
        ("`src/retry.py` line 3 waits", &[("`src/retry.py` line 3", "src/retry.py:3-3")]),
        ("in ./src/retry.py, lines 3 to 5", &[("./src/retry.py, lines 3 to 5", "src/retry.py:3-5")]),
        ("src/retry.py#L2-L3", &[("src/retry.py#L2-L3", "src/retry.py:2-3")]),
        ("src/retry.py:3:7 is", &[("src/retry.py:3:7", "src/retry.py:3-3")]),
        ("Makefile:12", &[("Makefile:12", "Makefile:12-12")]),
        ("`src/retry.py`", &[("`src/retry.py`", "src/retry.py:1-5")]),
        ("It is in src/net/http.py.", &[("src/net/http.py", "src/net/http.py:10-13")]),
        ("src/retry.py has lines 3", &[("src/retry.py", "src/retry.py:1-5")]),
        ("(see http.py)", &[("http.py", "src/net/http.py:10-13")]),
        ("call `retry`", &[("`retry`", "src/retry.py:3-3")]),
        (
            "call `retry()` and `back_off`",
            &[("`retry()`", "src/retry.py:3-3"), ("`back_off`", "src/net/http.py:13-13")],
        ),
        ("`Session::send` does", &[("`Session::send`", "src/net/http.py:10-13")]),
        ("`self.retry(3)`", &[("`self.retry(3)`", "src/net/http.py:11-11")]),
        (
            "```py\nfor n in range(times):\n  wait(n)\n```",
            &[("```py\nfor n in range(times):\n  wait(n)\n```", "src/retry.py:4-5")],
        ),
        (
            "```\nself.retry(3)\nreturn back_off\n```\n",
            &[("```\nself.retry(3)\nreturn back_off\n```", "src/net/http.py:11-13")],
        ),
    ] {
        let wanted: Vec<(String, String)> = wanted.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        assert_eq!(found(answer), wanted, "{answer}");
    }
}

#[test]
fn what_is_made_up_stays_text() {
    for answer in [
        "[0] [4] [99999999999999999999] []",
        "items[1] and f()[2] and ![1] and [1](http://example.org)",
        "src/retry.py:0 src/retry.py:6 src/retry.py:4-9 src/retry.py:4-2",
        "src/none.py:1 retry.py:2",
        "http://localhost:80 12:30 1.5:2 a.rs:12px",
        "`made_up` `self` `fn` `n` `ret` `tries`",
        "`a[1]`",
        "```\nself.retry(4)\n```",
        "```\n[1] src/retry.py:3\n```",
        "",
    ] {
        assert_eq!(found(answer), [], "{answer}");
    }
}

proptest! {
    #[test]
    fn every_reference_is_to_lines_that_are_there(
        answer in "(\\[[0-4](, [0-4])?\\]|src/retry\\.py|app/retry\\.py|:[0-9]{1,2}(-[0-9]{1,2})?| line [0-9]|`|```\n|retry|MAX = 4|\n| |ä){0,14}",
    ) {
        let files = [("src/net/http.py", 13u32), ("src/retry.py", 5), ("app/retry.py", 4)];
        let mut file = |name: &str| files.iter().find(|f| f.0 == name).map(|f| (f.0.to_owned(), f.1));
        let mut end = 0;
        for cited in citations(&answer, &passages(), &mut file) {
            prop_assert!(answer.get(cited.range.clone()).is_some_and(|text| !text.is_empty()));
            prop_assert!(cited.range.start >= end);
            end = cited.range.end;
            let (_, num_lines) = files.iter().find(|f| f.0 == cited.path).unwrap();
            prop_assert!(cited.start_line <= cited.end_line && cited.end_line < *num_lines);
        }
    }

    #[test]
    fn any_text_is_read(answer in ".{0,200}") {
        let _ = found(&answer);
    }
}
