//! Neither a tokenizer file nor a text may bring the tokenizer down.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tokens::Tokenizer;

/// A WordPiece tokenizer with a handful of words, built like the one of MiniLM.
const SMALL: &str = r###"{"version":"1.0","truncation":null,"padding":null,
"added_tokens":[{"id":1,"content":"[CLS]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
"pre_tokenizer":{"type":"BertPreTokenizer"},
"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"[CLS]":{"id":"[CLS]","ids":[1],"tokens":["[CLS]"]},"[SEP]":{"id":"[SEP]","ids":[2],"tokens":["[SEP]"]}}},
"decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"a":3,"##a":4,"fn":5,"(":6,")":7,"the":8}}}"###;

fuzz_target!(|data: &[u8]| {
    static TOKENIZER: OnceLock<Option<Tokenizer>> = OnceLock::new();
    let tokenizer = TOKENIZER.get_or_init(|| Tokenizer::from_json(SMALL.as_bytes(), 32).ok());
    let Some(tokenizer) = tokenizer else { panic!("the small tokenizer is not valid") };
    let text = String::from_utf8_lossy(data);
    let Ok(ids) = tokenizer.encode(&text) else { panic!("a text was refused") };
    assert!((2..=32).contains(&ids.len()));
    let _ = Tokenizer::from_json(data, 32).map(|tokenizer| tokenizer.encode(&text));
});
