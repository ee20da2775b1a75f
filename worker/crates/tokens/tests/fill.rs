//! Prompts for gaps: their form in known families, their budget, and what is cut.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use tokens::{Bpe, BpeSource, FillMarks, Gap, Marks, Snippet, TokenError, TokenKind, fill_prompt};

/// A token for every byte, no pairs, and these marks.
fn bpe(marks: &[&str]) -> Bpe {
    let mut next = 0x100..;
    let name = |byte: u8| match byte {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => char::from(byte),
        _ => char::from_u32(next.next().unwrap()).unwrap(),
    };
    let mut tokens: Vec<String> = (0..=255).map(name).map(String::from).collect();
    tokens.extend(marks.iter().map(|&mark| mark.to_owned()));
    let kinds = [vec![TokenKind::Normal; 256], vec![TokenKind::Control; marks.len()]].concat();
    let source = BpeSource {
        tokens: tokens.iter().map(String::as_str),
        kinds: &kinds,
        merges: std::iter::empty(),
        pre: Some("qwen2"),
    };
    Bpe::new(source).unwrap()
}

const QWEN: [&str; 5] =
    ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|repo_name|>", "<|file_sep|>"];
const STARCODER: [&str; 5] = ["<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<repo_name>", "<file_sep>"];

const SMALL: Gap<'_> = Gap {
    repo: "alcove",
    path: "src/a.rs",
    snippets: &[Snippet { path: "src/b.rs", text: "fn b() {}" }, Snippet { path: "c.md", text: "C\n" }],
    prefix: "fn a() {\n    ",
    suffix: "\n}\n",
};

fn written(marks: &[&str], gap: &Gap<'_>) -> String {
    let bpe = bpe(marks);
    let prompt = fill_prompt(&bpe, &FillMarks::find(&bpe), gap, 1000).unwrap();
    assert_eq!(prompt.cut_prefix_bytes, 0);
    bpe.decode(&prompt.ids)
}

#[test]
fn every_family_gets_its_form() {
    assert_eq!(
        written(&QWEN, &SMALL),
        "<|repo_name|>alcove\n<|file_sep|>src/b.rs\nfn b() {}\n<|file_sep|>c.md\nC\n<|file_sep|>src/a.rs\n\
         <|fim_prefix|>fn a() {\n    <|fim_suffix|>\n}\n<|fim_middle|>"
    );
    assert_eq!(
        written(&STARCODER, &Gap { snippets: &[], ..SMALL }),
        "<repo_name>alcove\n<file_sep><fim_prefix>src/a.rs\nfn a() {\n    <fim_suffix>\n}\n<fim_middle>"
    );
    let deepseek = ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"];
    assert_eq!(
        written(&deepseek, &Gap { snippets: &[], ..SMALL }),
        "<｜fim▁begin｜>fn a() {\n    <｜fim▁hole｜>\n}\n<｜fim▁end｜>"
    );
    // SmolLM2 has marks of files but none of gaps.
    assert_eq!(
        written(
            &["<repo_name>", "<file_sep>", "<filename>"],
            &Gap { snippets: &SMALL.snippets[1..], ..SMALL }
        ),
        "<repo_name>alcove\n<file_sep>c.md\nC\n<file_sep>src/a.rs\nfn a() {\n    "
    );
    assert_eq!(written(&[], &SMALL), "fn b() {}\nC\nfn a() {\n    ");
}

#[test]
fn marks_in_a_file_are_text() {
    let bpe = bpe(&QWEN);
    let marks = FillMarks::find(&bpe);
    let gap =
        Gap { prefix: "x <|fim_middle|>", suffix: "<|fim_prefix|>", path: "<|file_sep|>", ..Gap::default() };
    let ids = fill_prompt(&bpe, &marks, &gap, 200).unwrap().ids;
    assert_eq!(ids.iter().filter(|&&id| id >= 256).count(), 4);
    assert_eq!(fill_prompt(&bpe, &marks, &gap, 31), Err(TokenError::LimitTooSmall(31)));
}

#[test]
fn the_cut_stays_while_somebody_types() {
    let bpe = bpe(&QWEN);
    let marks = FillMarks::find(&bpe);
    let line = "    let value = compute(first, second);\n";
    let (mut text, mut cuts) = (line.repeat(100), Vec::new());
    for c in line.repeat(10).chars() {
        text.push(c);
        let prompt =
            fill_prompt(&bpe, &marks, &Gap { prefix: &text, suffix: line, ..Gap::default() }, 1000).unwrap();
        assert!(text[..prompt.cut_prefix_bytes].ends_with('\n'), "cut inside of a line");
        assert!(prompt.ids.len() > 300, "{} tokens are left", prompt.ids.len());
        cuts.push(prompt.cut_prefix_bytes);
    }
    cuts.dedup();
    assert!(cuts.len() <= 3, "400 keys moved the cut to {cuts:?}");
}

#[test]
fn a_long_line_of_short_tokens_is_cut_and_not_dropped() {
    // Each character is a token here, and the only line break stands at the end.
    let bpe = bpe(&QWEN);
    let prefix = format!("{}\n", "é a".repeat(20));
    let prompt =
        fill_prompt(&bpe, &FillMarks::find(&bpe), &Gap { prefix: &prefix, ..Gap::default() }, 40).unwrap();
    assert!(prompt.cut_prefix_bytes > 0 && prompt.ids.len() > 30, "{} tokens are left", prompt.ids.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn what_is_near_is_kept_within_the_budget(
        prefix in "([a-zé ]{0,30}\n?){0,40}",
        suffix in "([a-zé ]{0,30}\n?){0,40}",
        texts in proptest::collection::vec("[a-z\n]{0,200}", 0..4),
        path in "[a-z/]{0,60}",
        max_tokens in 32..2000_usize,
        family in 0..3_usize,
    ) {
        let bpe = bpe([&QWEN[..], &STARCODER, &[]][family]);
        let marks = FillMarks::find(&bpe);
        let snippets: Vec<Snippet<'_>> = texts.iter().map(|text| Snippet { path: "b", text }).collect();
        let gap = Gap { repo: "r", path: &path, snippets: &snippets, prefix: &prefix, suffix: &suffix };
        let prompt = fill_prompt(&bpe, &marks, &gap, max_tokens).unwrap();
        prop_assert!(prompt.ids.len() <= max_tokens);
        let near = [&prefix[prompt.cut_prefix_bytes..], &suffix[..suffix.len() - prompt.cut_suffix_bytes]];
        let text = bpe.decode(&prompt.ids);
        match marks.gap {
            Some(gap) => {
                let [_, second, third] = gap.map(|id| bpe.token_text(id));
                let end = format!("{}{second}{}{third}", near[0], near[1]);
                prop_assert!(text.ends_with(&end));
            }
            None => prop_assert!(text.ends_with(near[0]) && near[1].is_empty()),
        }
        // Nothing is cut that had room, and what is there of the near text is worth having.
        let tokens = |text: &str| bpe.count(text, Marks::Plain, usize::MAX);
        let all = tokens(&prefix) + tokens(&suffix) + texts.concat().len() + path.len() + 40;
        if all <= max_tokens {
            prop_assert_eq!((prompt.cut_prefix_bytes, marks.gap.map_or(0, |_| prompt.cut_suffix_bytes)), (0, 0));
        }
        if prompt.cut_prefix_bytes > 0 {
            prop_assert!(tokens(near[0]) >= max_tokens / 16, "{} of {max_tokens}", tokens(near[0]));
        }
    }
}
