//! A vocabulary comes with a model and a text from a person: whatever they are, a tokenizer is refused or it encodes,
//! and what it encoded decodes to what it was.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tokens::{Bpe, BpeSource, Marks, StopMatcher, TokenKind, Utf8Stream};

const PRES: [&str; 4] = ["gpt-2", "smollm", "qwen2", "llama-bpe"];

/// Byte-level names of all bytes.
static ALPHABET: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut next = 0x100;
    let mut names = Vec::new();
    for byte in 0..=u8::MAX {
        let mut c = char::from(byte);
        if !matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) {
            c = char::from_u32(next).unwrap_or(c);
            next += 1;
        }
        names.push(c.to_string());
    }
    names
});

/// All bytes, the tokens that `pairs` merge, each of the tokens so far, and two marks.
fn sound(pairs: &[u8], pre: &str) -> Bpe {
    let mut tokens = ALPHABET.clone();
    let mut merges = Vec::new();
    for pair in pairs.chunks_exact(2) {
        // Low numbers are ASCII, high ones the latest tokens.
        let [left, right] = [pair[0], pair[1]].map(|at| match usize::from(at) {
            at @ 0..128 => tokens[at].clone(),
            at => tokens[tokens.len() - 1 - (at - 128) % tokens.len()].clone(),
        });
        let whole = format!("{left}{right}");
        if whole.len() < 64 {
            if !tokens.contains(&whole) {
                tokens.push(whole);
            }
            merges.push((left, right));
        }
    }
    let mut kinds = vec![TokenKind::Normal; tokens.len()];
    tokens.extend(["<|x|>".to_owned(), "<t>".to_owned()]);
    kinds.extend([TokenKind::Control, TokenKind::UserDefined]);
    let source = BpeSource {
        tokens: tokens.iter().map(String::as_str),
        kinds: &kinds,
        merges: merges.iter().map(|(left, right)| (left.as_str(), right.as_str())),
        pre: Some(pre),
    };
    match Bpe::new(source) {
        Ok(bpe) => bpe,
        Err(err) => panic!("a sound vocabulary was refused: {err}"),
    }
}

/// A vocabulary of any texts, most of which contradict themselves.
fn any(data: &[u8], pre: &str) -> Option<Bpe> {
    let text = String::from_utf8_lossy(data);
    let lines: Vec<&str> = text.split('\n').collect();
    let kind = |line: &&str| match line.len() % 7 {
        0 => TokenKind::Control,
        1 if line.len() > 1 => TokenKind::UserDefined,
        _ => TokenKind::Normal,
    };
    let kinds: Vec<TokenKind> = lines.iter().map(kind).collect();
    let merges = lines.iter().filter_map(|line| line.split_at_checked(line.len() / 2));
    let merges = merges.filter(|(left, right)| lines.contains(left) && lines.contains(right));
    Bpe::new(BpeSource { tokens: lines.iter().copied(), kinds: &kinds, merges, pre: Some(pre) }).ok()
}

fuzz_target!(|data: &[u8]| {
    let [pre, num_pairs, rest @ ..] = data else { return };
    let pre = PRES[usize::from(*pre) % PRES.len()];
    let (pairs, rest) = rest.split_at((2 * usize::from(*num_pairs)).min(rest.len()));
    let text = String::from_utf8_lossy(rest);
    let bpe = sound(pairs, pre);
    for marks in [Marks::Parse, Marks::Plain] {
        let Ok(ids) = bpe.encode(&text, marks, text.len()) else { panic!("a text was refused") };
        assert_eq!(bpe.decode(&ids), text);
        assert!(ids.iter().all(|&id| bpe.kind(id).is_some()));
    }
    if let Some(bpe) = any(rest, pre)
        && let Ok(ids) = bpe.encode(&text, Marks::Parse, text.len())
    {
        let _ = (bpe.decode(&ids), bpe.token_text(0), bpe.is_lossless());
    }
    // The same bytes in pieces of every size.
    let (mut stream, mut streamed) = (Utf8Stream::default(), String::new());
    let mut stops = StopMatcher::new(vec!["\n\n".to_owned(), text.chars().take(3).collect()]);
    for (i, part) in rest.chunks(1 + pairs.len() % 5).enumerate() {
        stream.push(part, &mut streamed);
        stops.push(&String::from_utf8_lossy(part)[..if i % 2 == 0 { 0 } else { 1.min(part[0].is_ascii().into()) }]);
    }
    stream.finish(&mut streamed);
    assert_eq!(streamed, text);
    stops.finish();
});
