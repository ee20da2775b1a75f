//! Byte pairs against the `tokenizers` crate on vocabularies made up here, and what must hold for any text.
#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use proptest::prelude::*;
use tokens::{Bpe, BpeSource, Marks, TokenError, TokenKind};

/// Byte-level names of the 256 bytes.
fn alphabet() -> Vec<String> {
    let mut next = 0x100..;
    let name = |byte: u8| match byte {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => char::from(byte),
        _ => char::from_u32(next.next().unwrap()).unwrap(),
    };
    (0..=255).map(name).map(String::from).collect()
}

struct Vocabulary {
    tokens: Vec<String>,
    kinds: Vec<TokenKind>,
    merges: Vec<(String, String)>,
}

const MARKS: [(&str, TokenKind); 6] = [
    ("<|im_end|>", TokenKind::Control),
    ("<|im_end|><|x|>", TokenKind::Control),
    ("<|x|>", TokenKind::Control),
    ("<tool>", TokenKind::UserDefined),
    ("é ", TokenKind::UserDefined),
    ("[PAD1]", TokenKind::Unused),
];

impl Vocabulary {
    /// Merge the pairs at these places, each of which may be about what was merged before.
    fn new(pairs: &[(usize, usize)]) -> Self {
        let mut tokens = alphabet();
        let mut merges: Vec<(String, String)> = Vec::new();
        for &(left, right) in pairs {
            let pair = (tokens[left % tokens.len()].clone(), tokens[right % tokens.len()].clone());
            let whole = format!("{}{}", pair.0, pair.1);
            if whole.len() < 24 && !merges.contains(&pair) {
                if !tokens.contains(&whole) {
                    tokens.push(whole);
                }
                merges.push(pair);
            }
        }
        let mut kinds = vec![TokenKind::Normal; tokens.len()];
        for (text, kind) in MARKS {
            tokens.push(text.to_owned());
            kinds.push(kind);
        }
        Self { tokens, kinds, merges }
    }

    /// What pairs come out of counting in some text.
    fn trained() -> Self {
        let text = "fn main() { let it's = \"I'll don't we've\"; }\n    return self.value  + 12345;\n\n\t\tif x == y:\n ééé 你好";
        let name = alphabet();
        let mut words: Vec<Vec<String>> = text
            .split_inclusive(char::is_whitespace)
            .map(|word| word.bytes().map(|byte| name[usize::from(byte)].clone()).collect())
            .collect();
        let mut merges: Vec<(String, String)> = Vec::new();
        let mut tokens = name;
        while merges.len() < 120 {
            let mut counts = std::collections::BTreeMap::<(String, String), usize>::new();
            for pair in words.iter().flat_map(|word| word.windows(2)) {
                *counts.entry((pair[0].clone(), pair[1].clone())).or_default() += 1;
            }
            let Some((pair, _)) = counts.into_iter().max_by_key(|&(_, count)| count) else { break };
            let whole = format!("{}{}", pair.0, pair.1);
            for word in &mut words {
                let mut i = 0;
                while i + 1 < word.len() {
                    if word[i] == pair.0 && word[i + 1] == pair.1 {
                        word[i] = whole.clone();
                        word.remove(i + 1);
                    }
                    i += 1;
                }
            }
            if !tokens.contains(&whole) {
                tokens.push(whole);
            }
            merges.push(pair);
        }
        let mut made = Self::new(&[]);
        let marks = made.tokens.split_off(256);
        made.kinds.splice(256..256, vec![TokenKind::Normal; tokens.len() - 256]);
        made.tokens = tokens;
        made.tokens.extend(marks);
        made.merges = merges;
        made
    }

    fn ours(&self, pre: &str) -> Result<Bpe, TokenError> {
        Bpe::new(BpeSource {
            tokens: self.tokens.iter().map(String::as_str),
            kinds: &self.kinds,
            merges: self.merges.iter().map(|(left, right)| (left.as_str(), right.as_str())),
            pre: Some(pre),
        })
    }

    /// The same as a `tokenizer.json`: one that parses control tokens and one that does not.
    fn theirs(&self, pre: &str) -> [tokenizers::Tokenizer; 2] {
        let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
        let modern = |digits: &str| {
            let pattern = format!(
                r"{contractions}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
            );
            serde_json::json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false})
        };
        let bytes = |regex: bool| serde_json::json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex});
        let steps = match pre {
            "gpt-2" => vec![bytes(true)],
            "smollm" => {
                vec![serde_json::json!({"type": "Digits", "individual_digits": true}), bytes(true)]
            }
            "qwen2" => vec![modern(""), bytes(false)],
            _ => vec![modern("{1,3}"), bytes(false)],
        };
        let vocab: serde_json::Map<_, _> =
            self.tokens.iter().enumerate().map(|(id, token)| (token.clone(), id.into())).collect();
        let added: Vec<_> = (0..self.tokens.len())
            .filter(|&id| matches!(self.kinds[id], TokenKind::Control | TokenKind::UserDefined))
            .map(|id| {
                serde_json::json!({"id": id, "content": self.tokens[id], "single_word": false, "lstrip": false,
                    "rstrip": false, "normalized": false, "special": self.kinds[id] == TokenKind::Control})
            })
            .collect();
        let json = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps}, "post_processor": null,
            "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                "ignore_merges": pre == "llama-bpe", "vocab": vocab, "merges": self.merges}
        });
        [false, true].map(|plain| {
            let mut theirs = tokenizers::Tokenizer::from_bytes(serde_json::to_vec(&json).unwrap()).unwrap();
            theirs.set_encode_special_tokens(plain);
            theirs
        })
    }
}

const PRES: [&str; 4] = ["gpt-2", "smollm", "qwen2", "llama-bpe"];

fn assert_same(ours: &Bpe, theirs: &[tokenizers::Tokenizer; 2], pre: &str, text: &str) {
    for (marks, theirs) in [Marks::Parse, Marks::Plain].into_iter().zip(theirs) {
        let expected = theirs.encode(text, false).unwrap();
        let ids = ours.encode(text, marks, usize::MAX).unwrap();
        assert_eq!(ids, expected.get_ids(), "{pre}, {marks:?}: {text:?}");
        assert_eq!(ours.decode(&ids), text, "{pre}, {marks:?}");
        assert_eq!(ours.count(text, marks, text.len()), ids.len());
    }
}

/// Text that is rich in what the splitting looks at.
fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => "[ab'stdlmrevSTLſ1²९ \t\r\n\u{a0}\u{3000}é.,=<|>]{0,8}",
        1 => any::<String>(),
        1 => proptest::sample::select(&MARKS[..]).prop_map(|(mark, _)| mark.to_owned()),
        1 => proptest::sample::select(&["self.value", " return", "don't", "\n\n    ", "12345", "你好", "<|im_end"][..])
            .prop_map(str::to_owned),
    ];
    proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

#[test]
fn trained_pairs_agree_with_the_library() {
    let vocabulary = Vocabulary::trained();
    assert!(vocabulary.merges.len() > 60);
    for pre in PRES {
        let ours = vocabulary.ours(pre).unwrap();
        let theirs = vocabulary.theirs(pre);
        assert!(ours.is_lossless());
        proptest!(ProptestConfig::with_cases(1000), |(text in texts())| {
            assert_same(&ours, &theirs, pre, &text);
        });
    }
}

#[test]
fn any_pairs_agree_with_the_library() {
    // Pairs of few bytes, so that most of what is merged can be merged again.
    let place = prop_oneof![
        2 => proptest::sample::select(&b"abst' "[..]).prop_map(usize::from),
        1 => 250..400_usize,
    ];
    let pairs = proptest::collection::vec((place.clone(), place), 0..60);
    let text = "[abst' ]{0,40}";
    proptest!(ProptestConfig::with_cases(300), |(pairs in pairs, texts in proptest::collection::vec(text, 10))| {
        let vocabulary = Vocabulary::new(&pairs);
        for pre in ["gpt-2", "llama-bpe"] {
            let ours = vocabulary.ours(pre).unwrap();
            let theirs = vocabulary.theirs(pre);
            for text in &texts {
                assert_same(&ours, &theirs, pre, text);
            }
        }
    });
}

#[test]
fn every_character_is_of_the_class_that_the_library_says() {
    // Between two letters a character shows its class by where the text is cut; no pairs are needed for that.
    let vocabulary = Vocabulary::new(&[(usize::from(b'a'), usize::from(b'a'))]);
    let ours = vocabulary.ours("qwen2").unwrap();
    let theirs = vocabulary.theirs("qwen2");
    let all: Vec<char> = (char::MIN..=char::MAX).collect();
    for chars in all.chunks(997) {
        // Two letters that become one token where nothing cuts between them.
        let text: String = chars.iter().flat_map(|&c| ['a', c, 'a', 'a', c, c, ' ', 'a', 'a']).collect();
        let ids = ours.encode(&text, Marks::Plain, usize::MAX).unwrap();
        assert_eq!(ids, theirs[1].encode(text.as_str(), false).unwrap().get_ids(), "{:?}", chars[0]);
    }
}

#[test]
fn marks_are_tokens_or_text() {
    let bpe = Vocabulary::trained().ours("smollm").unwrap();
    let mark = bpe.mark("<|im_end|>").unwrap();
    assert_eq!(
        (bpe.kind(mark), bpe.mark("<|im_end"), bpe.mark("[PAD1]")),
        (Some(TokenKind::Control), None, None)
    );
    assert_eq!(bpe.encode("<|im_end|>", Marks::Parse, 10), Ok(vec![mark]));
    assert!(!bpe.encode("<|im_end|>", Marks::Plain, 10).unwrap().contains(&mark));
    assert_eq!(bpe.encode("<tool>", Marks::Plain, 10), Ok(vec![bpe.mark("<tool>").unwrap()]));
    assert_eq!(bpe.decode(&[mark, mark]), "<|im_end|><|im_end|>");
    assert_eq!((bpe.token_text(0xe9), bpe.token_bytes(u32::MAX)), ("\u{fffd}".into(), &[][..]));
    assert_eq!(bpe.kind(bpe.len() as u32), None);
    assert_eq!(
        bpe.encode("12345678901", Marks::Plain, 10),
        Err(TokenError::TextTooLong { len_bytes: 11, max_bytes: 10 })
    );
    assert_eq!(bpe.count("ééééé", Marks::Plain, 3), 1, "cut before the second character");
}

#[test]
fn a_vocabulary_that_contradicts_itself_is_refused() {
    let sound = Vocabulary::trained;
    assert_eq!(sound().ours("nope").unwrap_err(), TokenError::UnknownSplit("nope".into()));
    let refused = |vocabulary: &Vocabulary, words: &str| {
        let err = vocabulary.ours("qwen2").unwrap_err();
        assert!(matches!(&err, TokenError::BadVocabulary(why) if why.contains(words)), "{err}");
    };
    let mut vocabulary = sound();
    vocabulary.merges.push(("nope".into(), "a".into()));
    refused(&vocabulary, "“nope”");
    let mut vocabulary = sound();
    vocabulary.merges.push(("Z".into(), "Q".into()));
    refused(&vocabulary, "“ZQ”");
    let mut vocabulary = sound();
    let kind = vocabulary.kinds.pop().unwrap();
    refused(&vocabulary, "kinds");
    vocabulary.kinds.extend([kind, kind]);
    refused(&vocabulary, "kinds");
}

#[test]
fn bytes_without_a_token_are_left_out() {
    let mut vocabulary = Vocabulary::new(&[(usize::from(b'a'), usize::from(b'b'))]);
    vocabulary.kinds[usize::from(b'-')] = TokenKind::Unused;
    let bpe = vocabulary.ours("gpt-2").unwrap();
    assert!(!bpe.is_lossless());
    assert_eq!(bpe.decode(&bpe.encode("x--y", Marks::Plain, 9).unwrap()), "xy");
}

/// A text that would take a quadratic algorithm minutes.
#[test]
fn one_long_piece_takes_no_time() {
    static TRAINED: LazyLock<Bpe> = LazyLock::new(|| Vocabulary::trained().ours("smollm").unwrap());
    for part in ["a", " ", "é", "self", "=", "<", "<|im_end"] {
        let text = part.repeat(1_000_000 / part.len());
        let ids = TRAINED.encode(&text, Marks::Parse, usize::MAX).unwrap();
        assert_eq!(TRAINED.decode(&ids), text);
    }
}
