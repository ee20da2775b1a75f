//! Forms from the call to the text, with the vocabulary of a tiny model.
#![allow(clippy::unwrap_used)]

use infer::{Sampler, Sampling, allows};
use models::gguf::Head;
use models::llm::Language;

use super::*;

fn language() -> Language {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tests/llm");
    let file = std::fs::read(format!("{folder}/llama_plain.gguf")).unwrap();
    Language::read(&Head::new(None).push(&file).unwrap().unwrap()).unwrap()
}

/// What comes out when the model likes the token behind the last one best.
fn write(language: &Language, form: &OutputForm) -> Result<String, Fault> {
    let compiler = Compiler::default();
    let form = compiler.compile(&language.bpe, &language.ends, form)?;
    let mut sampler = Sampler::new(Sampling::GREEDY).with_form(Some(form));
    let (mut ids, mut best) = (Vec::new(), 3);
    loop {
        let len = language.bpe.len();
        let logits: Vec<f32> = (0..len).map(|id| -(((id + len - best) % len) as f32)).collect();
        let token = sampler.choose(&logits, &ids).unwrap();
        if language.ends.contains(&token) {
            break;
        }
        let done = sampler.accept(token).unwrap();
        ids.push(token);
        best = token as usize + 1;
        if done {
            break;
        }
    }
    Ok(language.bpe.decode(&ids))
}

#[test]
fn a_text_is_what_the_grammar_says() {
    let language = language();
    let grammar = |text: &str| OutputForm::Grammar(text.into());
    // The vocabulary is the characters from “!” on, so the next one is what the model likes.
    assert_eq!(write(&language, &grammar(r#"start: "+" /[0-3]{3}/ "=""#)).unwrap(), "+012=");
    let bad = write(&language, &grammar("start: nothing")).unwrap_err();
    assert_eq!(bad.code, FaultCode::Invalid);
    assert!(bad.sentence.starts_with("The form of the answer cannot be used: "), "{bad}");
    assert!(bad.sentence.contains("nothing") && bad.sentence.ends_with('.'), "{bad}");
}

#[test]
fn what_cannot_be_kept_to_is_refused_with_a_code() {
    let language = language();
    for (form, code) in [
        (OutputForm::JsonSchema("{".into()), FaultCode::Invalid),
        (OutputForm::JsonSchema("[".repeat(100) + &"]".repeat(100)), FaultCode::TooLarge),
        (OutputForm::Grammar(" ".repeat(100_000)), FaultCode::TooLarge),
    ] {
        let fault = write(&language, &form).unwrap_err();
        assert_eq!(fault.code, code, "{fault}");
    }
    let compiler = Compiler::default();
    let form = OutputForm::Grammar("start: /[0-9]+/".into());
    let without_end = compiler.compile(&language.bpe, &[], &form).unwrap_err();
    assert_eq!(without_end.code, FaultCode::Unsupported);
    // Other ends are other masks.
    for end in [&language.ends[..], &[5], &language.ends[..]] {
        let mut form = compiler.compile(&language.bpe, end, &form).unwrap();
        let digit = (0..language.bpe.len() as u32).find(|&id| language.bpe.token_bytes(id) == b"7").unwrap();
        assert!(!allows(form.allowed().unwrap(), end[0]));
        form.accept(digit).unwrap();
        assert!(allows(form.allowed().unwrap(), end[0]) && allows(form.allowed().unwrap(), digit));
    }
}
