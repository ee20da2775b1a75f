//! Forms of answers: what comes out parses and is what was asked for, whatever is preferred, and hostile forms are refused
//! soon.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokens::{Bpe, BpeSource, Form, FormError, Formed, Forms, MAX_FORM_BYTES, TokenKind};

const PIECES: [&str; 24] = [
    "\",", "\":", "\"}", "{\"", "[\"", "},", "],", "]}", "tr", "ue", "true", "fal", "null", "12", "345",
    ".5", "e+", "\\u", "\\n", "ab", "the", "é", "你好", "  ",
];
const END: &str = "<|im_end|>";

/// All bytes, some texts that lie across the parts of JSON, control tokens, one token twice and one that is none.
fn bpe() -> Bpe {
    let mut next = 0x100..;
    let name: Vec<String> = (0..=255_u8)
        .map(|byte| match byte {
            0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => char::from(byte),
            _ => char::from_u32(next.next().unwrap()).unwrap(),
        })
        .map(String::from)
        .collect();
    let mut tokens = name.clone();
    tokens.extend(PIECES.iter().map(|piece| piece.bytes().map(|byte| &*name[usize::from(byte)]).collect()));
    tokens.push("the".into());
    let mut kinds = vec![TokenKind::Normal; tokens.len()];
    for (text, kind) in [
        (END, TokenKind::Control),
        ("<|endoftext|>", TokenKind::Control),
        ("<|im_start|>", TokenKind::Control),
        ("<tool>", TokenKind::UserDefined),
        ("a", TokenKind::Unused),
    ] {
        tokens.push(text.into());
        kinds.push(kind);
    }
    let tokens = tokens.iter().map(String::as_str);
    Bpe::new(BpeSource { tokens, kinds: &kinds, merges: std::iter::empty(), pre: Some("gpt-2") }).unwrap()
}

struct Desk {
    bpe: Bpe,
    ends: [u32; 2],
    forms: Forms,
}

impl Desk {
    fn new() -> Self {
        let bpe = bpe();
        let ends = [END, "<|endoftext|>"].map(|text| bpe.mark(text).unwrap());
        let forms = Forms::new(&bpe, &ends).unwrap();
        Self { bpe, ends, forms }
    }

    fn schema(&self, schema: &Value) -> Result<Formed, FormError> {
        self.forms.compile(Form::JsonSchema(&schema.to_string()))
    }

    /// What comes out when `prefer` says how much each token is liked, until it ends or has `most` tokens, after which
    /// only what ends it soon is liked.
    fn write(&self, formed: &mut Formed, most: usize, mut prefer: impl FnMut(u32) -> u64) -> String {
        let mut ids = Vec::new();
        while !formed.is_done() {
            let words = formed.allowed().unwrap();
            let allowed = |id: &u32| words[*id as usize / 32] >> (id % 32) & 1 == 1;
            let all: Vec<u32> = (0..self.bpe.len() as u32).filter(allowed).collect();
            assert!((self.bpe.len()..words.len() * 32).all(|id| words[id / 32] >> (id % 32) & 1 == 0));
            let ends = all.iter().any(|id| self.ends.contains(id));
            let id = match () {
                () if ends && (ids.len() >= most || all.len() <= 2) => break,
                () if ids.len() < most => *all.iter().max_by_key(|id| prefer(**id)).unwrap(),
                () => *all.iter().min_by_key(|id| self.dullness(**id)).unwrap(),
            };
            if self.ends.contains(&id) {
                break;
            }
            assert!(matches!(self.bpe.kind(id), Some(TokenKind::Normal | TokenKind::UserDefined)), "{id}");
            formed.accept(id).unwrap();
            ids.push(id);
            assert!(ids.len() < most + 2000, "it does not end: {}", self.bpe.decode(&ids));
        }
        let bytes: Vec<u8> = ids.iter().flat_map(|&id| self.bpe.token_bytes(id).to_vec()).collect();
        String::from_utf8(bytes).unwrap()
    }

    fn dullness(&self, id: u32) -> usize {
        let close = ["\"", "}", "]", "\"}", "]}", "null", ",", "0", "5", "true"];
        let text = self.bpe.token_text(id).into_owned();
        close.iter().position(|close| *close == text).unwrap_or(match text.as_bytes() {
            [b' ' | b'\n' | b'\\' | 0x80.., ..] => 2000,
            _ => 100 + text.len(),
        })
    }
}

/// Whether a value is what a schema of those below asks for.
fn is_valid(value: &Value, schema: &Value) -> bool {
    if let Some(options) = schema.get("anyOf").and_then(Value::as_array) {
        return options.iter().any(|option| is_valid(value, option));
    }
    if let Some(options) = schema.get("enum").and_then(Value::as_array) {
        return options.contains(value);
    }
    let within = |len: usize, least: &str, most: &str| {
        schema.get(least).and_then(Value::as_u64).is_none_or(|least| len as u64 >= least)
            && schema.get(most).and_then(Value::as_u64).is_none_or(|most| len as u64 <= most)
    };
    match (schema.get("type").and_then(Value::as_str), value) {
        (None, _) | (Some("null"), Value::Null) | (Some("boolean"), Value::Bool(_)) => true,
        (Some("number"), Value::Number(_)) => true,
        (Some("integer"), Value::Number(number)) => {
            let least = schema.get("minimum").and_then(Value::as_f64).unwrap_or(f64::MIN);
            let most = schema.get("maximum").and_then(Value::as_f64).unwrap_or(f64::MAX);
            let number = number.as_f64().unwrap();
            number.fract() == 0.0 && (least..=most).contains(&number)
        }
        (Some("string"), Value::String(text)) => within(text.chars().count(), "minLength", "maxLength"),
        (Some("array"), Value::Array(items)) => {
            within(items.len(), "minItems", "maxItems")
                && items.iter().all(|item| is_valid(item, &schema["items"]))
        }
        (Some("object"), Value::Object(map)) => {
            let required = schema["required"].as_array().unwrap();
            let closed = schema["additionalProperties"] == false;
            required.iter().all(|name| map.contains_key(name.as_str().unwrap()))
                && map.iter().all(|(name, value)| match schema["properties"].get(name) {
                    Some(schema) => is_valid(value, schema),
                    None => !closed,
                })
        }
        _ => false,
    }
}

fn some_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!({"type": "null"})),
        Just(json!({"type": "boolean"})),
        Just(json!({"type": "number"})),
        (-500_i64..500, 0_i64..2000).prop_map(|(least, more)| {
            json!({"type": "integer", "minimum": least, "maximum": least + more})
        }),
        (0_usize..4, 0_usize..9).prop_map(|(least, more)| {
            json!({"type": "string", "minLength": least, "maxLength": least + more})
        }),
        prop::collection::vec("[a-c\"\\\\é]{0,5}", 1..4).prop_map(|values| json!({"enum": values})),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0_usize..3, 0_usize..3).prop_map(|(items, least, more)| {
                json!({"type": "array", "items": items, "minItems": least, "maxItems": least + more})
            }),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|options| json!({"anyOf": options})),
            (prop::collection::btree_map("[a-d\" ]{1,3}", (inner, any::<bool>()), 0..4), any::<bool>()).prop_map(
                |(properties, open)| {
                    let required: Vec<_> = properties.iter().filter(|(_, p)| p.1).map(|(name, _)| name).collect();
                    let map: serde_json::Map<String, Value> =
                        properties.iter().map(|(name, p)| (name.clone(), p.0.clone())).collect();
                    json!({"type": "object", "properties": map, "required": required, "additionalProperties": open})
                }
            ),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn what_comes_out_is_what_the_schema_asks_for(schema in some_schema(), seed in any::<u64>(), most in 0_usize..120) {
        let desk = Desk::new();
        let mut formed = desk.schema(&schema).unwrap_or_else(|err| panic!("{err}: {schema}"));
        let mut state = seed | 1;
        let text = desk.write(&mut formed, most, |id| {
            state = (state ^ u64::from(id)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
            state
        });
        // JSON knows no largest number; its readers do.
        let parsed: Result<Value, _> = serde_json::from_str(&text);
        prop_assume!(!parsed.as_ref().is_err_and(|err| err.to_string().contains("number out of range")));
        let value: Value = parsed.unwrap_or_else(|err| panic!("{err}: {text:?} for {schema}"));
        prop_assert!(is_valid(&value, &schema), "{} is not {}", text, schema);
    }
}

#[test]
fn a_text_ends_where_its_form_does_and_not_before() {
    let desk = Desk::new();
    let mut formed = desk
        .schema(&json!({"type": "object", "properties": {"a": {"type": "integer"}},
        "required": ["a"], "additionalProperties": false}))
        .unwrap();
    let may_end = |formed: &mut Formed| {
        let words = formed.allowed().unwrap();
        desk.ends.map(|id| words[id as usize / 32] >> (id % 32) & 1 == 1)
    };
    let id = |text: &str| (0..desk.bpe.len() as u32).find(|&id| desk.bpe.token_text(id) == text).unwrap();
    for text in ["{\"", "a", "\":", "12"] {
        assert_eq!(may_end(&mut formed), [false; 2], "before {text}");
        let other = formed.clone();
        assert!(matches!(formed.accept(id("<|im_start|>")), Err(FormError::Stuck(_))));
        assert!(matches!(formed.accept(desk.ends[0]), Err(FormError::Stuck(_))));
        assert!(matches!(formed.accept(u32::MAX), Err(FormError::Stuck(_))));
        formed.accept(id(text)).unwrap_or_else(|err| panic!("{err} at {text}"));
        drop(other);
    }
    assert!(!formed.is_done());
    formed.accept(id("}")).unwrap();
    assert_eq!((may_end(&mut formed), formed.is_done()), ([true; 2], true));

    // A grammar that may go on is not done, though it may end.
    let mut formed = desk.forms.compile(Form::Lark("start: /[ab]+/")).unwrap();
    assert_eq!(may_end(&mut formed), [false; 2]);
    formed.accept(id("ab")).unwrap();
    assert_eq!((may_end(&mut formed), formed.is_done()), ([true; 2], false));
}

#[test]
fn a_grammar_cannot_name_tokens_that_are_no_text() {
    let desk = Desk::new();
    for grammar in [
        r#"start: <|im_start|> "a""#,
        "start: <[283]>",
        "start: <[0-900]>",
        "start: <|none|>",
        "start: <|no|>",
    ] {
        if let Ok(mut formed) = desk.forms.compile(Form::Lark(grammar)) {
            desk.write(&mut formed, 3, u64::from);
        }
    }
    assert!(desk.forms.compile(Form::Lark(r#"start: <|im_start|> "a""#)).is_err());
}

#[test]
fn mistakes_are_named_with_their_place() {
    let desk = Desk::new();
    let said = |form| desk.forms.compile(form).unwrap_err().to_string();
    for (schema, part) in [
        ("{\"type\": \"object\",\n oops}", "line 2 column 2"),
        ("[]", "a schema is an object"),
        ("false", "a schema is an object"),
        (r#"{"type": "strin"}"#, "strin"),
        (r#"{"type": "string", "pattern": "(?=a)b"}"#, "look-around"),
        (r#"{"if": {}, "then": {}}"#, "if"),
        (r##"{"$ref": "#/$defs/none"}"##, "none"),
        (r#"{"$ref": "https://example.com/a.json"}"#, "example.com"),
        (r#"{"type": "integer", "minimum": 4, "maximum": 3}"#, "4"),
    ] {
        let said = said(Form::JsonSchema(schema));
        assert!(said.contains(part) && said.len() < 420 && !said.contains("panic"), "{schema}: {said}");
    }
    for (grammar, part) in [
        ("", "start"),
        ("start: a\n\nb: \"x\"", "a"),
        ("start: \"x\"\nb: (\"y\"", "2"),
        ("start: /[a/", "1"),
        ("%import os.path", "os"),
    ] {
        let said = said(Form::Lark(grammar));
        assert!(said.contains(part) && said.len() < 420 && !said.contains("panic"), "{grammar}: {said}");
    }
}

/// Definitions of which each leads to the next, as many as are allowed and more.
fn chain(num: usize) -> String {
    let link = |i: usize| {
        (format!("d{i}"), json!({"type": "array", "items": {"$ref": format!("#/$defs/d{}", i + 1)}}))
    };
    let defs: serde_json::Map<_, _> =
        (0..num).map(link).chain([(format!("d{num}"), json!({"type": "null"}))]).collect();
    json!({"$defs": defs, "$ref": "#/$defs/d0"}).to_string()
}

/// Rules of which each leads to the next.
fn rules(num: usize) -> String {
    (0..num).fold("start: r0\n".to_owned(), |all, i| format!("{all}r{i}: \"a\" r{}\n", i + 1))
        + &format!("r{num}: \"b\"")
}

/// The same of terminals.
fn terminals(num: usize) -> String {
    (0..num).fold("start: R0\n".to_owned(), |all, i| format!("{all}R{i}: \"a\" R{}\n", i + 1))
        + &format!("R{num}: \"b\"")
}

fn hostile() -> Vec<(&'static str, String)> {
    let nested = |n: usize| r#"{"items":"#.repeat(n) + "{}" + &"}".repeat(n);
    let refs = |n: usize| {
        let defs: serde_json::Map<_, _> = (0..n)
            .map(|i| (format!("d{i}"), json!({"anyOf": [{"$ref": format!("#/$defs/d{}", i + 1)}, {"$ref": format!("#/$defs/d{}", i + 1)}]})))
            .chain([(format!("d{n}"), json!({"type": "null"}))])
            .collect();
        json!({"$defs": defs, "$ref": "#/$defs/d0"}).to_string()
    };
    let words: Vec<String> = (0..5000).map(|i| format!("w{i:x}")).collect();
    let names: serde_json::Map<_, _> = (0..2000).map(|i| (format!("n{i}"), json!({}))).collect();
    let patterns: serde_json::Map<_, _> =
        (0..16).map(|i| (format!("(a|b)*a(a|b){{{i}}}"), json!({}))).collect();
    let two = json!({"anyOf": [{"type": "string"}, {"type": "object", "properties": {"a": {}}}]});
    vec![
        ("long", " ".repeat(MAX_FORM_BYTES + 1)),
        ("deep arrays", "[".repeat(60_000)),
        ("deep", nested(2000)),
        ("nested", nested(40)),
        ("calls itself", json!({"$ref": "#"}).to_string()),
        ("contains itself", json!({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}).to_string()),
        ("recursion without end", json!({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}).to_string()),
        ("doubling references", refs(20)),
        ("doubling references", refs(300)),
        ("references one behind the other", chain(60)),
        ("references one behind the other", chain(64)),
        ("references one behind the other", chain(900)),
        ("combinations", json!({"allOf": vec![two; 60]}).to_string()),
        ("copies", json!({"allOf": [{"anyOf": vec![json!({}); 5000]}, {"properties": names}]}).to_string()),
        ("many words", json!({"enum": words}).to_string()),
        ("many names", json!({"properties": names, "additionalProperties": false}).to_string()),
        ("many names in any order", json!({"properties": names, "minProperties": 1000}).to_string()),
        ("patterns", json!({"patternProperties": patterns}).to_string()),
        ("exponential pattern", json!({"type": "string", "pattern": "(a|b)*a(a|b){200}c"}).to_string()),
        ("nested repetition", json!({"type": "string", "pattern": "((((a{99}){99}){99}){99})*"}).to_string()),
        ("deep pattern", json!({"type": "string", "pattern": "(".repeat(20_000)}).to_string()),
        ("deep pattern", json!({"type": "string", "pattern": "(".repeat(200) + "a" + &")*".repeat(200)}).to_string()),
        ("many items", json!({"type": "array", "minItems": 1_000_000_000, "items": {}}).to_string()),
        ("many items", json!({"type": "array", "maxItems": 1_000_000_000, "items": {"type": "array", "maxItems": 1_000_000}}).to_string()),
        ("many items", json!({"type": "array", "minItems": u64::MAX}).to_string()),
        ("long string", json!({"type": "string", "minLength": 1_000_000_000}).to_string()),
        ("long string", json!({"type": "string", "minLength": 5000, "maxLength": 1_000_000}).to_string()),
        ("large number", r#"{"type": "integer", "minimum": -1e308, "maximum": 1e308}"#.into()),
        ("large number", r#"{"type": "number", "minimum": 1e-320, "exclusiveMaximum": 1e300}"#.into()),
        ("large number", r#"{"type": "integer", "minimum": 1e400}"#.into()),
        ("multiple", r#"{"type": "number", "multipleOf": 1e-300}"#.into()),
        ("multiple", r#"{"allOf": [{"type": "integer", "multipleOf": 1000003}, {"multipleOf": 999983}, {"multipleOf": 998244353}]}"#.into()),
        ("multiple", r#"{"type": "integer", "multipleOf": 0}"#.into()),
        ("options", r#"{"x-guidance": {"whitespace_pattern": "((((.{99}){99}){99}){99})"}}"#.into()),
    ]
}

fn hostile_grammars() -> Vec<(&'static str, String)> {
    vec![
        ("long", " ".repeat(MAX_FORM_BYTES + 1)),
        ("deep", format!("start: {}\"a\"{}", "(".repeat(9000), ")".repeat(9000))),
        ("rules one behind the other", rules(125)),
        ("rules one behind the other", rules(2500)),
        ("terminals one behind the other", terminals(125)),
        ("terminals one behind the other", terminals(2500)),
        ("left recursion", "start: start start | \"a\" | ".into()),
        ("empty recursion", "start: a\na: b\nb: a".into()),
        (
            "doubling",
            (0..40).fold("start: r0\n".to_owned(), |all, i| format!("{all}r{i}: r{} r{}\n", i + 1, i + 1))
                + "r40: \"a\"",
        ),
        (
            "doubling terminals",
            (0..40).fold("start: R0\n".to_owned(), |all, i| format!("{all}R{i}: R{} R{}\n", i + 1, i + 1))
                + "R40: \"a\"",
        ),
        ("terminals that contain themselves", "start: A\nA: B\nB: A \"x\"".into()),
        ("repetition", "start: a{1000000}\na: \"x\" | \"y\"".into()),
        ("nested repetition", "start: c{500}\nc: b{500}\nb: a{500}\na: \"x\" | \"y\"".into()),
        ("pattern", "start: /(a|b)*a(a|b){200}c/".into()),
        ("repetitions", format!("start: \"a\"{}", "*".repeat(9000))),
        ("alternatives", format!("start: {}", vec!["/[a-z]+/"; 3000].join(" | "))),
        ("ambiguous", "start: a*\na: \"x\"* | a a | \"x\" a \"x\"".into()),
        (
            "schema inside",
            format!("start: %json {}{}", "{\"items\":".repeat(40), "{}".to_owned() + &"}".repeat(40)),
        ),
        ("complement", "start: /a/ & ~/(.|\\n)*b(.|\\n){100}/".into()),
        ("substring", format!("start: %regex {{\"substring_chars\": \"{}\"}}", "ab".repeat(20_000))),
        ("no text", "start: /\\xff/".into()),
        ("unfinished", "start: \"".into()),
        ("unfinished", "start: %json {".into()),
        ("unfinished", "start: a[".into()),
        ("unfinished", "start[max_tokens=]: /a/".into()),
    ]
}

/// How long this thread has worked; others may use the machine as well. Where the system does not say, since when.
fn worked() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat");
    let told = told.ok().and_then(|text| text.split(' ').next()?.parse().ok().map(Duration::from_nanos));
    told.unwrap_or_else(|| BEGAN.elapsed())
}

/// Compile, and write some tokens that a generator of numbers chooses. On a stack as small as that of a browser.
#[test]
fn hostile_forms_are_refused_or_followed_in_bounded_time() {
    let check = || {
        let desk = Desk::new();
        let schemas = hostile().into_iter().map(|(name, text)| (name, text, true));
        let grammars = hostile_grammars().into_iter().map(|(name, text)| (name, text, false));
        let mut wrong = Vec::new();
        for (name, text, is_schema) in schemas.chain(grammars) {
            let form = if is_schema { Form::JsonSchema(&text) } else { Form::Lark(&text) };
            let began = worked();
            let compiled = desk.forms.compile(form);
            let took = worked() - began;
            let mut slowest = Duration::ZERO;
            let outcome = match compiled {
                Err(err) => err.to_string(),
                Ok(mut formed) => {
                    let mut state = 7_u32;
                    let mut end = String::from("followed");
                    for _ in 0..60 {
                        let began = worked();
                        let words = match formed.allowed() {
                            Ok(words) => words.to_vec(),
                            Err(err) => {
                                end = err.to_string();
                                break;
                            }
                        };
                        let allowed = |id: &u32| words[*id as usize / 32] >> (id % 32) & 1 == 1;
                        let all: Vec<u32> = (0..desk.bpe.len() as u32)
                            .filter(allowed)
                            .filter(|id| !desk.ends.contains(id))
                            .collect();
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        let Some(&id) = all.get((state >> 8) as usize % all.len().max(1)) else { break };
                        if let Err(err) = formed.accept(id) {
                            end = err.to_string();
                            break;
                        }
                        slowest = slowest.max(worked() - began);
                    }
                    end
                }
            };
            println!("{name}: {took:.1?}, slowest token {slowest:.1?}: {outcome}");
            if outcome.contains("panic")
                || outcome.len() > 420
                || took > Duration::from_secs(3)
                || slowest > Duration::from_secs(1)
            {
                wrong.push(format!("{name}: {took:.1?}, {slowest:.1?}, {outcome}"));
            }
        }
        wrong
    };
    let wrong = std::thread::Builder::new().stack_size(1 << 20).spawn(check).unwrap().join().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_vocabulary_that_contradicts_itself_is_refused() {
    let bpe = bpe();
    assert!(matches!(Forms::new(&bpe, &[]), Err(FormError::Vocabulary(_))));
    assert!(matches!(Forms::new(&bpe, &[bpe.len() as u32]), Err(FormError::Vocabulary(_))));
    let tokens: Vec<String> = (0..30_000).map(|i| format!("{i:0199}")).collect();
    let kinds = vec![TokenKind::Normal; tokens.len()];
    let source = BpeSource {
        tokens: tokens.iter().map(String::as_str),
        kinds: &kinds,
        merges: std::iter::empty(),
        pre: None,
    };
    let huge = Bpe::new(source).unwrap();
    assert!(matches!(Forms::new(&huge, &[0]), Err(FormError::Vocabulary(_))));
}
