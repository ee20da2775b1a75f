//! A schema or a grammar comes from whoever asks: whatever it is, it is refused or followed, the work has a limit, and
//! the library that does it does not panic, which would end the worker in a browser.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokens::{Bpe, BpeSource, Form, Forms, TokenKind};

/// Pieces of which schemas are made, one for each byte, so that the fuzzer need not spell them.
const SCHEMA: &[&str] = &[
    "{", "}", "[", "]", ",", ":", "\"type\":", "\"string\"", "\"object\"", "\"array\"", "\"integer\"", "\"number\"", "\"null\"",
    "\"boolean\"", "\"properties\":{", "\"a\":", "\"b\":{", "\"required\":[\"a\"]", "\"items\":{", "\"prefixItems\":[",
    "\"minItems\":", "\"maxItems\":", "\"minLength\":", "\"maxLength\":", "\"minimum\":", "\"maximum\":",
    "\"exclusiveMinimum\":", "\"exclusiveMaximum\":", "\"multipleOf\":", "\"pattern\":", "\"format\":", "\"date-time\"", "\"uuid\"",
    "\"enum\":[", "\"const\":", "\"anyOf\":[", "\"oneOf\":[", "\"allOf\":[", "\"not\":{", "\"$ref\":", "\"#\"", "\"#/$defs/a\"",
    "\"$defs\":{", "\"additionalProperties\":", "\"patternProperties\":{", "\"minProperties\":", "\"maxProperties\":", "false",
    "true", "null", "0", "1", "-1", "2.5", "99999999999", "1e300", "1e-300", "\"x\"", "\"[a-z]+\"", "\"(a|b)*\"", "\"a{9}\"",
    "\"^a$\"", "\"\\\\d\"", "\"\\u00e9\"", "\"dependentRequired\":{", "\"propertyNames\":{", "\"uniqueItems\":", "\"if\":{",
];

/// Likewise of grammars.
const GRAMMAR: &[&str] = &[
    "start: ", "a: ", "B: ", "\n", "a ", "B ", "start ", "\"x\" ", "\"\" ", "\"é\"i ", "/[a-z]+/ ", "/(a|b)*c/ ", "/\\d{2,3}/ ", "/./s ",
    "| ", "( ", ") ", "[ ", "] ", "* ", "+ ", "? ", "{2} ", "{0,9} ", "{3,} ", "~2 ", "& ", "~ ", "\"a\"..\"f\" ", "%ignore ",
    "%import common.INT\n", "%json {\"type\":\"string\"} ", "%json { ", "%regex {\"substring_chars\":\"abc\"} ", "%llguidance {} ",
    "%lark { ", "} ", "<|end|> ", "<[1-9]> ", "<[^1]> ", "[max_tokens=2]: ", "[stop=\"x\"]: ", "[lazy]: ", "[suffix=\"y\"]: ",
    "[capture]: ", "[temperature=0.5]: ", "-> n", ".1: ", "::", "// c\n",
];

fn bpe() -> Bpe {
    let mut next = 0x100;
    let mut tokens = Vec::new();
    for byte in 0..=u8::MAX {
        let mut c = char::from(byte);
        if !matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) {
            c = char::from_u32(next).unwrap_or(c);
            next += 1;
        }
        tokens.push(c.to_string());
    }
    tokens.extend(["\":", "{\"", "\",", "}]", "xy", "12", "true"].map(str::to_owned));
    let mut kinds = vec![TokenKind::Normal; tokens.len()];
    tokens.push("<|end|>".to_owned());
    kinds.push(TokenKind::Control);
    let tokens = tokens.iter().map(String::as_str);
    match Bpe::new(BpeSource { tokens, kinds: &kinds, merges: std::iter::empty(), pre: None }) {
        Ok(bpe) => bpe,
        Err(err) => panic!("a sound vocabulary was refused: {err}"),
    }
}

thread_local! {
    static FORMS: (Bpe, Forms) = {
        let bpe = bpe();
        match Forms::new(&bpe, &[bpe.len() as u32 - 1]) {
            Ok(forms) => (bpe, forms),
            Err(err) => panic!("a sound vocabulary was refused: {err}"),
        }
    };
}

fn told(err: &dyn std::error::Error) {
    let text = err.to_string();
    assert!(!text.contains("panic") && text.len() < 2000, "{text}");
}

/// Compile and write some tokens as `choices` say.
fn follow(form: Form<'_>, choices: &[u8]) {
    FORMS.with(|(bpe, forms)| {
        let end = bpe.len() as u32 - 1;
        let mut formed = match forms.compile(form) {
            Ok(formed) => formed,
            Err(err) => return told(&err),
        };
        for &choice in choices.iter().take(40) {
            let allowed: Vec<u32> = match formed.allowed() {
                Ok(words) => (0..words.len() as u32 * 32).filter(|id| words[*id as usize / 32] >> (id % 32) & 1 == 1).collect(),
                Err(err) => return told(&err),
            };
            assert!(!allowed.is_empty() && allowed.iter().all(|&id| id <= end));
            let id = allowed[usize::from(choice) % allowed.len()];
            if id == end {
                return;
            }
            if let Err(err) = formed.accept(id) {
                return told(&err);
            }
        }
    });
}

fuzz_target!(|data: &[u8]| {
    let [kind, rest @ ..] = data else { return };
    let (form, choices) = rest.split_at(rest.len() - rest.len() / 4);
    let made = |pieces: &[&str]| -> String {
        form.iter().take(200).map(|&byte| pieces[usize::from(byte) % pieces.len()]).collect()
    };
    let text = String::from_utf8_lossy(form);
    match kind % 4 {
        0 => follow(Form::JsonSchema(&text), choices),
        1 => follow(Form::Lark(&text), choices),
        2 => follow(Form::JsonSchema(&format!("{{{}}}", made(SCHEMA))), choices),
        _ => follow(Form::Lark(&format!("start: {}", made(GRAMMAR))), choices),
    }
});
