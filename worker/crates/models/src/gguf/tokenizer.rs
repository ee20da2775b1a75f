//! The vocabulary and its special tokens, as the metadata has them.
//!
//! Views into the header: a vocabulary is megabytes, and whoever builds a tokenizer from it makes its own tables.

use super::error::{GgufError, shown};
use super::header::missing;
use super::{Array, Header, Strings, Value};

/// How text becomes tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenizerModel {
    /// Byte pairs over bytes, `gpt2` in files: merges in order of rank.
    Bpe,
    /// Sentencepiece, `llama` in files: a score per token.
    Sentencepiece,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TokenKind {
    Undefined,
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

impl TokenKind {
    fn from_code(code: i64) -> Option<Self> {
        Some(match code {
            0 => Self::Undefined,
            1 => Self::Normal,
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => return None,
        })
    }
}

/// Tokens that mark the parts of a text whose middle is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillTokens {
    /// Before what stands before the gap.
    pub prefix: u32,
    /// Before what stands behind the gap.
    pub suffix: u32,
    /// Before what is to be written.
    pub middle: u32,
    /// Fills up short rows; also an end.
    pub pad: Option<u32>,
    /// Before the name of a repository.
    pub repo: Option<u32>,
    /// Before the path of another file.
    pub file: Option<u32>,
}

/// The tokenizer's part of the metadata. All ids lie inside the vocabulary.
#[derive(Clone, Debug)]
pub struct Tokenizer<'h> {
    /// How text becomes tokens.
    pub model: TokenizerModel,
    /// Name of the way in which text is split before.
    pub pre: Option<&'h str>,
    /// The vocabulary; a token's id is its place.
    pub tokens: &'h Strings,
    /// What each token is; as long as `tokens`.
    pub kinds: Vec<TokenKind>,
    /// Score of each token: as long as `tokens`, or empty where the model needs none.
    pub scores: &'h [f32],
    /// Pairs that are merged, best first; see [`Tokenizer::merges`].
    merges: Option<&'h Strings>,
    /// Begin of a text.
    pub bos: Option<u32>,
    /// End of a text.
    pub eos: Option<u32>,
    /// End of a turn.
    pub eot: Option<u32>,
    /// Fills up short rows.
    pub pad: Option<u32>,
    /// Stands for what has no token.
    pub unknown: Option<u32>,
    /// Tokens for filling a gap: named by the metadata, or else found by the texts that known families use.
    pub fill: Option<FillTokens>,
    /// Whether texts begin with `bos`; where the file says nothing it depends on the way of splitting.
    pub add_bos: Option<bool>,
    /// Whether texts end with `eos`.
    pub add_eos: Option<bool>,
    /// Whether a space is put before a text.
    pub add_space_prefix: Option<bool>,
    /// Template of conversations, in Jinja.
    pub chat_template: Option<&'h str>,
}

impl<'h> Tokenizer<'h> {
    /// Read and check the tokenizer of a file.
    ///
    /// # Errors
    /// What is missing, of the wrong length or type, or an id outside of the vocabulary.
    pub fn read(header: &'h Header) -> Result<Self, GgufError> {
        let model = match header.text("tokenizer.ggml.model")? {
            "gpt2" => TokenizerModel::Bpe,
            "llama" => TokenizerModel::Sentencepiece,
            other => {
                return Err(GgufError::Unsupported(format!("its tokenizer is of kind “{}”", shown(other))));
            }
        };
        let tokens = strings(header, "tokenizer.ggml.tokens")?;
        let tokens = tokens.ok_or_else(|| missing("tokenizer.ggml.tokens"))?;
        if tokens.is_empty() {
            return Err(bad("tokenizer.ggml.tokens", "has no tokens"));
        }
        let merges = strings(header, "tokenizer.ggml.merges")?;
        let scores = scores(header, tokens.len())?;
        match model {
            TokenizerModel::Bpe => check_merges(merges.ok_or_else(|| missing("tokenizer.ggml.merges"))?)?,
            TokenizerModel::Sentencepiece if scores.is_empty() => {
                return Err(missing("tokenizer.ggml.scores"));
            }
            TokenizerModel::Sentencepiece => {}
        }
        let id = |name: &str| id(header, name, tokens.len());
        let truth = |name: &str| header.truth_if_there(&format!("tokenizer.ggml.{name}"));
        Ok(Self {
            model,
            pre: header.text_if_there("tokenizer.ggml.pre")?,
            tokens,
            kinds: kinds(header, tokens.len())?,
            scores,
            merges,
            bos: id("bos_token_id")?,
            eos: id("eos_token_id")?,
            eot: id("eot_token_id")?,
            pad: id("padding_token_id")?,
            unknown: id("unknown_token_id")?,
            fill: fill_tokens(header, tokens)?,
            add_bos: truth("add_bos_token")?,
            add_eos: truth("add_eos_token")?,
            add_space_prefix: truth("add_space_prefix")?,
            chat_template: header.text_if_there("tokenizer.chat_template")?,
        })
    }

    /// Pairs that are merged, best first. Both sides are there.
    pub fn merges(&self) -> impl Iterator<Item = (&'h str, &'h str)> {
        self.merges.into_iter().flat_map(Strings::iter).filter_map(split_merge)
    }
}

fn bad(key: &str, why: impl Into<String>) -> GgufError {
    GgufError::BadValue { key: key.to_owned(), why: why.into() }
}

fn strings<'h>(header: &'h Header, key: &str) -> Result<Option<&'h Strings>, GgufError> {
    header.typed(key, "a list of texts", |value| match value {
        Value::Array(Array::Strings(strings)) => Some(strings),
        _ => None,
    })
}

/// Two tokens with a space between them; a token of one space may itself come first.
fn split_merge(merge: &str) -> Option<(&str, &str)> {
    let first = merge.chars().next()?.len_utf8();
    let at = first + merge[first..].find(' ')?;
    let (left, right) = (&merge[..at], &merge[at + 1..]);
    (!right.is_empty()).then_some((left, right))
}

fn check_merges(merges: &Strings) -> Result<(), GgufError> {
    match merges.iter().find(|merge| split_merge(merge).is_none()) {
        Some(merge) => {
            let why = format!("has “{}”, which is not two tokens with a space between", shown(merge));
            Err(bad("tokenizer.ggml.merges", why))
        }
        None => Ok(()),
    }
}

fn same_length(key: &str, found: usize, num_tokens: usize) -> Result<(), GgufError> {
    if found == num_tokens {
        return Ok(());
    }
    Err(bad(key, format!("has {found} entries for {num_tokens} tokens")))
}

fn scores(header: &Header, num_tokens: usize) -> Result<&[f32], GgufError> {
    let key = "tokenizer.ggml.scores";
    let scores = header.typed(key, "a list of fractional numbers", |value| match value {
        Value::Array(Array::F32(scores)) => Some(scores.as_slice()),
        _ => None,
    })?;
    let Some(scores) = scores else { return Ok(&[]) };
    same_length(key, scores.len(), num_tokens)?;
    if scores.iter().any(|score| score.is_nan()) {
        return Err(bad(key, "has a score that is not a number"));
    }
    Ok(scores)
}

fn kinds(header: &Header, num_tokens: usize) -> Result<Vec<TokenKind>, GgufError> {
    let key = "tokenizer.ggml.token_type";
    let codes: Option<Vec<i64>> = header.typed(key, "a list of whole numbers", |value| match value {
        Value::Array(Array::I32(codes)) => Some(codes.iter().map(|&code| code.into()).collect()),
        Value::Array(Array::U32(codes)) => Some(codes.iter().map(|&code| code.into()).collect()),
        _ => None,
    })?;
    let Some(codes) = codes else { return Ok(vec![TokenKind::Normal; num_tokens]) };
    same_length(key, codes.len(), num_tokens)?;
    let kind = |code| {
        TokenKind::from_code(code).ok_or_else(|| bad(key, format!("has the unknown kind of token {code}")))
    };
    codes.into_iter().map(kind).collect()
}

fn id(header: &Header, name: &str, num_tokens: usize) -> Result<Option<u32>, GgufError> {
    let key = format!("tokenizer.ggml.{name}");
    let Some(id) = header.number_if_there(&key)? else { return Ok(None) };
    if id >= num_tokens as u64 {
        return Err(bad(&key, format!("is {id}, but there are only {num_tokens} tokens")));
    }
    // There are far fewer tokens than 32 bits count.
    Ok(Some(id as u32))
}

/// Texts of the fill-in-the-middle tokens in known families: prefix, suffix, middle.
const FILL_TEXTS: [[&str; 3]; 7] = [
    ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
    ["<fim-prefix>", "<fim-suffix>", "<fim-middle>"],
    ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
    ["<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"],
    ["<PRE>", "<SUF>", "<MID>"],
    ["▁<PRE>", "▁<SUF>", "▁<MID>"],
];
const PAD_TEXTS: [&str; 3] = ["<|fim_pad|>", "<fim_pad>", "<fim-pad>"];
const REPO_TEXTS: [&str; 5] = ["<|fim_repo|>", "<|repo_name|>", "<repo_name>", "<reponame>", "<fim-repo>"];
const FILE_TEXTS: [&str; 2] = ["<|file_sep|>", "<file_sep>"];

fn fill_tokens(header: &Header, tokens: &Strings) -> Result<Option<FillTokens>, GgufError> {
    let id = |name: &str| id(header, &format!("{name}_token_id"), tokens.len());
    // The second name of each mark is that of older files.
    let prefix = id("fim_pre")?.or(id("prefix")?);
    let suffix = id("fim_suf")?.or(id("suffix")?);
    let middle = id("fim_mid")?.or(id("middle")?);
    let (pad, repo, file) = (id("fim_pad")?, id("fim_rep")?, id("fim_sep")?);
    let found = |texts: &[&str]| texts.iter().find_map(|&text| place(tokens, text));
    let marks = match (prefix, suffix, middle) {
        (Some(prefix), Some(suffix), Some(middle)) => Some([prefix, suffix, middle]),
        _ => FILL_TEXTS.iter().find_map(|texts| {
            let [prefix, suffix, middle] = texts.map(|text| place(tokens, text));
            Some([prefix?, suffix?, middle?])
        }),
    };
    Ok(marks.map(|[prefix, suffix, middle]| FillTokens {
        prefix,
        suffix,
        middle,
        pad: pad.or_else(|| found(&PAD_TEXTS)),
        repo: repo.or_else(|| found(&REPO_TEXTS)),
        file: file.or_else(|| found(&FILE_TEXTS)),
    }))
}

fn place(tokens: &Strings, text: &str) -> Option<u32> {
    tokens.iter().position(|token| token == text).map(|i| i as u32)
}
