//! What forms cost with the vocabularies of real models. These tests run where the files are: the variables SMOLLM2_GGUF
//! and QWEN_GGUF name them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::{Duration, Instant};

use models::gguf;
use tokens::{Bpe, BpeSource, Form, Forms, Marks, TokenKind};

fn bpe(variable: &str) -> Option<Bpe> {
    let Some(path) = std::env::var_os(variable) else {
        eprintln!("skipped: {variable} does not name a GGUF file");
        return None;
    };
    let mut bytes = std::fs::read(&path).unwrap_or_else(|err| panic!("{variable}, {path:?}: {err}"));
    bytes.truncate(32 << 20);
    let gguf::Parsed::Whole(header) = gguf::Header::parse(&bytes, None).unwrap() else {
        panic!("the header has more than 32 MiB")
    };
    let tokenizer = gguf::Model::read(&header).unwrap().tokenizer;
    let kind = |kind: &gguf::TokenKind| match kind {
        gguf::TokenKind::Control => TokenKind::Control,
        gguf::TokenKind::UserDefined => TokenKind::UserDefined,
        gguf::TokenKind::Normal => TokenKind::Normal,
        _ => TokenKind::Unused,
    };
    let kinds: Vec<TokenKind> = tokenizer.kinds.iter().map(kind).collect();
    let tokens = tokenizer.tokens.iter();
    Bpe::new(BpeSource { tokens, kinds: &kinds, merges: tokenizer.merges(), pre: tokenizer.pre }).ok()
}

const TOOL: &str = r#"{"type": "object", "properties": {
    "tool": {"enum": ["read", "edit", "search"]},
    "path": {"type": "string", "pattern": "^[a-z/._-]{1,80}$"},
    "line": {"type": "integer", "minimum": 1, "maximum": 99999},
    "edits": {"type": "array", "maxItems": 8, "items": {"type": "object", "properties": {
        "before": {"type": "string"}, "after": {"type": "string"}},
        "required": ["before", "after"], "additionalProperties": false}}},
    "required": ["tool", "path", "edits"], "additionalProperties": false}"#;

const ANSWER: &str = r#"{"tool": "edit", "path": "src/net/retry.rs", "edits": [{"before": "let wait = base * 2;",
"after": "let wait = base * 2_u32.pow(attempt).min(MAX); // „Grüße“, 你好 \t \n    self.sleep(wait);"}]}"#;

const LARK: &str = r#"start: "EDIT " path "\n" (line "\n")+ "END"
path: /[a-z\/._-]+/
line: "+" /[^\n]*/ | "-" /[^\n]*/"#;

const EDIT: &str =
    "EDIT src/net/retry.rs\n-    let wait = base * 2;\n+    let wait = base.min(MAX); // Grüße 你好\nEND";

fn check(bpe: &Bpe) {
    let end = bpe.mark("<|im_end|>").unwrap();
    let began = Instant::now();
    let forms = Forms::new(bpe, &[end]).unwrap();
    println!("{} tokens: prepared in {:?}", bpe.len(), began.elapsed());
    for (name, form, text) in [
        ("schema", Form::JsonSchema(TOOL), ANSWER),
        ("any JSON", Form::JsonSchema("{}"), ANSWER),
        ("grammar", Form::Lark(LARK), EDIT),
    ] {
        let began = Instant::now();
        let mut formed = forms.compile(form).unwrap();
        let compiled = began.elapsed();
        let ids = bpe.encode(text, Marks::Plain, 10_000).unwrap();
        // The second text of a form finds what the first one made the automaton do.
        for round in ["first", "again"] {
            let mut here = formed.clone();
            let mut each: Vec<Duration> = Vec::new();
            for &id in &ids {
                let began = Instant::now();
                let words = here.allowed().unwrap();
                let may = words[id as usize / 32] >> (id % 32) & 1 == 1;
                each.push(began.elapsed());
                assert!(may, "{name}: “{}” may not come", bpe.token_text(id));
                assert!(words[end as usize / 32] >> (end % 32) & 1 == 0);
                here.accept(id).unwrap();
            }
            assert!(here.is_done() || here.allowed().unwrap()[end as usize / 32] >> (end % 32) & 1 == 1);
            each.sort_unstable();
            let mean = each.iter().sum::<Duration>() / each.len() as u32;
            println!(
                "  {name}, {round}: compiled in {compiled:.1?}, {} tokens, mean {mean:.1?}, median {:.1?}, most {:.1?}",
                each.len(),
                each[each.len() / 2],
                each[each.len() - 1]
            );
        }
        formed.allowed().unwrap();
    }
}

#[test]
fn smollm2_follows_forms() {
    if let Some(bpe) = bpe("SMOLLM2_GGUF") {
        check(&bpe);
    }
}

#[test]
fn qwen_follows_forms() {
    if let Some(bpe) = bpe("QWEN_GGUF") {
        check(&bpe);
    }
}
