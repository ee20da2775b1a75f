//! What a model file says of text: its tokens, its template for conversations, and which tokens end what it writes.

use thiserror::Error;
use tokens::{Bpe, BpeSource, ChatTemplate, FillMarks, TokenError, TokenKind};

use crate::gguf::{self, GgufError, Header, TokenizerModel, Value, shown};

/// Why the text of a model cannot be read or written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LanguageError {
    /// The metadata do not hold a tokenizer that is known.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The vocabulary contradicts itself.
    #[error("the tokenizer of the model file cannot be used: {0}")]
    Tokens(#[from] TokenError),
}

/// Tokens that end a text in known families, beside those that the metadata name: the end of a text or of a turn, and the
/// beginning of a turn that is not the model's own.
const ENDS: [&str; 8] = [
    "<|im_end|>",
    "<|im_start|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<end_of_turn>",
    "</s>",
];
/// Marks that end what stands in a gap: the model goes on with another part or another file.
const GAP_ENDS: [&str; 17] = [
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
    "<fim_prefix>",
    "<fim_suffix>",
    "<fim_middle>",
    "<fim_pad>",
    "<fim-prefix>",
    "<fim-suffix>",
    "<fim-middle>",
    "<repo_name>",
    "<reponame>",
    "<file_sep>",
    "<filename>",
];

/// The language of a model.
#[derive(Debug)]
pub struct Language {
    /// Name of the model for people; empty where the file has none.
    pub name: String,
    /// Text to tokens and back.
    pub bpe: Bpe,
    /// The template of conversations, or a sentence that says why there is none.
    pub template: Result<ChatTemplate, String>,
    /// Marks of a gap in a text.
    pub marks: FillMarks,
    /// Put before a text that no template made.
    pub bos: Option<u32>,
    /// Tokens that end a text.
    pub ends: Vec<u32>,
    /// Tokens that end what stands in a gap; those of [`Language::ends`] are among them.
    pub gap_ends: Vec<u32>,
}

impl Language {
    /// Read the language of a file.
    ///
    /// # Errors
    /// See [`LanguageError`]. A template that cannot be used is none: the model can still go on from a text.
    pub fn read(header: &Header) -> Result<Self, LanguageError> {
        let tokenizer = gguf::Tokenizer::read(header)?;
        if tokenizer.model != TokenizerModel::Bpe {
            let why = "its tokenizer is a Sentencepiece one, and only byte-level tokenizers are known";
            return Err(GgufError::Unsupported(why.into()).into());
        }
        let kind = |kind: &gguf::TokenKind| match kind {
            gguf::TokenKind::Control => TokenKind::Control,
            gguf::TokenKind::UserDefined => TokenKind::UserDefined,
            gguf::TokenKind::Normal => TokenKind::Normal,
            _ => TokenKind::Unused,
        };
        let kinds: Vec<TokenKind> = tokenizer.kinds.iter().map(kind).collect();
        let bpe = Bpe::new(BpeSource {
            tokens: tokenizer.tokens.iter(),
            kinds: &kinds,
            merges: tokenizer.merges(),
            pre: tokenizer.pre,
        })?;
        let text = |id: Option<u32>| id.map(|id| bpe.token_text(id).into_owned()).unwrap_or_default();
        let template = match tokenizer.chat_template {
            Some(source) => ChatTemplate::new(source, &text(tokenizer.bos), &text(tokenizer.eos))
                .map_err(|err| format!("This model cannot hold a conversation: {err}.")),
            None => Err("This model cannot hold a conversation: its file has no chat template.".into()),
        };
        let known = |marks: &[&str]| marks.iter().filter_map(|mark| bpe.mark(mark)).collect::<Vec<u32>>();
        let mut ends = known(&ENDS);
        ends.extend([tokenizer.eos, tokenizer.eot].into_iter().flatten());
        let mut gap_ends = known(&GAP_ENDS);
        if let Some(fill) = tokenizer.fill {
            let optional = [fill.pad, fill.repo, fill.file].into_iter().flatten();
            gap_ends.extend([fill.prefix, fill.suffix, fill.middle].into_iter().chain(optional));
        }
        gap_ends.extend(&ends);
        for list in [&mut ends, &mut gap_ends] {
            list.sort_unstable();
            list.dedup();
        }
        let adds_bos = tokenizer.add_bos.unwrap_or_else(|| bpe.adds_bos_by_default());
        let name = match header.value("general.name") {
            Some(Value::String(name)) => shown(name.trim()),
            _ => String::new(),
        };
        let marks = FillMarks::find(&bpe);
        Ok(Self { name, template, marks, bos: tokenizer.bos.filter(|_| adds_bos), ends, gap_ends, bpe })
    }
}
