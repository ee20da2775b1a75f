//! The tokenizer of MiniLM against the Python package, and bad files.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use tokens::{TokenError, Tokenizer};

/// `tokenizer.json` of the fetched model; the tests that need it say so and stop where it was not fetched.
fn file() -> Option<Vec<u8>> {
    let file = std::env::var_os("ALCOVE_MINILM")
        .and_then(|dir| std::fs::read(std::path::PathBuf::from(dir).join("tokenizer.json")).ok());
    if file.is_none() {
        // Straight to the descriptor: what a passing test prints by `eprintln!` is kept back.
        let line = "NOT tested: ALCOVE_MINILM does not name the folder of the model.\n";
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    }
    file
}

#[derive(serde::Deserialize)]
struct Case {
    text: String,
    ids: Vec<u32>,
}

#[test]
fn agrees_with_the_python_package() {
    let Some(file) = file() else { return };
    let tokenizer = Tokenizer::from_json(&file, 256).unwrap();
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden.json")).unwrap();
    assert!(cases.len() > 20);
    for Case { text, ids } in cases {
        assert_eq!(tokenizer.encode(&text).unwrap(), ids, "{text:?}");
    }
}

#[test]
fn cuts_to_the_limit_and_keeps_both_marks() {
    let Some(file) = file() else { return };
    let tokenizer = Tokenizer::from_json(&file, 16).unwrap();
    let ids = tokenizer.encode(&"many words ".repeat(100_000)).unwrap();
    assert_eq!((ids.len(), ids[0], ids[15]), (16, 101, 102));
    assert_eq!(tokenizer.encode("").unwrap(), [101, 102]);
}

#[test]
fn any_text_gives_known_tokens() {
    let Some(file) = file() else { return };
    let tokenizer = Tokenizer::from_json(&file, 64).unwrap();
    let size = u32::try_from(tokenizer.vocabulary()).unwrap();
    proptest!(ProptestConfig::with_cases(500), |(text in any::<String>())| {
        let ids = tokenizer.encode(&text).unwrap();
        prop_assert!(ids.len() >= 2 && ids.len() <= 64);
        prop_assert!(ids.iter().all(|&id| id < size));
        // The same text twice gives the same tokens: there is no hidden state.
        prop_assert_eq!(&ids, &tokenizer.encode(&text).unwrap());
    });
}

#[test]
fn bad_files_are_errors() {
    let bad: [&[u8]; 6] =
        [b"", b"{}", b"null", b"[1,2", b"\xff\xfe", br#"{"version":"1.0","model":{"type":"Nope"}}"#];
    for bytes in bad {
        assert!(matches!(Tokenizer::from_json(bytes, 256), Err(TokenError::Malformed(_))), "{bytes:?}");
    }
    let huge = vec![b' '; tokens::MAX_FILE_BYTES + 1];
    assert_eq!(Tokenizer::from_json(&huge, 256).unwrap_err(), TokenError::TooLarge(huge.len()));
    if let Some(mut file) = file() {
        assert_eq!(Tokenizer::from_json(&file, 1).unwrap_err(), TokenError::LimitTooSmall(1));
        file.truncate(file.len() / 2);
        assert!(matches!(Tokenizer::from_json(&file, 256), Err(TokenError::Malformed(_))));
    }
}
