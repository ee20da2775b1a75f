//! Prompts of every kind against the vocabulary of a tiny model.
#![allow(clippy::unwrap_used)]

use models::gguf::Head;
use protocol::{ContextSnippet, GeneratePurpose};

use super::*;

fn language() -> Language {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tests/llm");
    let file = std::fs::read(format!("{folder}/llama_plain.gguf")).unwrap();
    Language::read(&Head::new(None).push(&file).unwrap().unwrap()).unwrap()
}

fn call(prompt: GeneratePrompt) -> Generate {
    Generate {
        prompt,
        purpose: GeneratePurpose::Chat,
        max_new_tokens: 20,
        sampling: SamplingChoice::GREEDY,
        stop: Vec::new(),
        form: None,
    }
}

fn text(text: &str) -> Generate {
    call(GeneratePrompt::Text(text.into()))
}

#[test]
fn a_text_is_taken_as_it_is_and_marks_in_it_mean_nothing() {
    let language = language();
    let made = prompt(&language, &text("!\"<|end|>"), 128).unwrap();
    // This vocabulary has no tokens for what is between the brackets.
    assert_eq!(language.bpe.decode(&made.ids), "!\"<>");
    assert!(!made.ids.contains(&66), "the mark was made a token: {:?}", made.ids);
    assert_eq!(made.end, [66]);
}

#[test]
fn a_prompt_that_is_too_long_says_what_it_takes_and_what_fits() {
    let language = language();
    let fault = prompt(&language, &text(&"#".repeat(70)), 64).unwrap_err();
    assert_eq!(fault.code, FaultCode::TooLarge);
    for number in ["70 tokens", "63 fit", "by 7 tokens"] {
        assert!(fault.sentence.contains(number), "{number}: {fault}");
    }
    assert_eq!(prompt(&language, &text(&"#".repeat(63)), 64).unwrap().ids.len(), 63);
}

#[test]
fn what_makes_no_sense_is_refused_with_a_code() {
    let language = language();
    let said = |speaker| ChatMessage { speaker, text: "hello".into() };
    let many = |num| Generate { stop: vec!["a".into(); num], ..text("!") };
    for (call, code) in [
        (text(""), FaultCode::Invalid),
        (call(GeneratePrompt::Messages(vec![said(Speaker::User)])), FaultCode::Unsupported),
        (many(MAX_STOPS + 1), FaultCode::Invalid),
        (text(&"#".repeat(MAX_BYTES + 1)), FaultCode::TooLarge),
    ] {
        assert_eq!(prompt(&language, &call, 64).unwrap_err().code, code, "{:?}", call.purpose);
    }
    assert!(prompt(&language, &many(MAX_STOPS), 64).is_ok());
}

#[test]
fn a_gap_is_cut_at_its_far_ends_and_leaves_room_for_the_answer() {
    let language = language();
    let gap = |max_prompt_tokens, max_new_tokens| Generate {
        max_new_tokens,
        ..call(GeneratePrompt::Gap {
            path: "a.rs".into(),
            prefix: "#".repeat(500),
            suffix: "$".repeat(90),
            snippets: vec![ContextSnippet { path: "b.rs".into(), text: "%%%".into() }],
            max_prompt_tokens,
        })
    };
    let made = prompt(&language, &gap(1000, 40), 128).unwrap();
    assert!(made.ids.len() <= 88, "{}", made.ids.len());
    assert!(made.cut_prefix_bytes > 400, "{}", made.cut_prefix_bytes);
    // This model has no marks for gaps, so nothing of the suffix is in.
    assert_eq!((made.cut_suffix_bytes, made.snippets), (90, vec![0]));
    let short = prompt(&language, &gap(40, 40), 128).unwrap();
    assert!((2..=40).contains(&short.ids.len()) && short.ids.len() < made.ids.len(), "{}", short.ids.len());
    // Too few for any prompt.
    assert_eq!(prompt(&language, &gap(8, 40), 128).unwrap_err().code, FaultCode::Invalid);
}

#[test]
fn tokens_are_counted_as_they_are_made() {
    let language = language();
    let counts = count(&language, &["".into(), "!\"".into(), "#$%".into()]).unwrap();
    assert_eq!(counts, [0, 1, 3]);
    let many = vec![String::new(); MAX_TEXTS + 1];
    assert_eq!(count(&language, &many).unwrap_err().code, FaultCode::TooLarge);
}
