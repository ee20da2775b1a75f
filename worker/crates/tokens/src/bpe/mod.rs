//! Byte-level byte pair encoding, as GGUF files bring it.
//!
//! Written here although the `tokenizers` crate, which the embedder needs, could do it: from the tables of a GGUF file
//! that crate makes several hash maps of owned strings (see the commit for figures), it splits by backtracking regular
//! expressions that fail on some texts, and its vocabulary cannot be asked for the bytes of a token. Here a vocabulary
//! is one buffer and a few arrays, encoding cannot fail, and tests hold both to the same results.
//!
//! Text is not normalised, so that decoding gives back what was encoded: code must come out as it went in. (Qwen's own
//! pipeline composes characters first, which llama.cpp leaves out as well.)

mod alphabet;
mod letters;
mod merge;
mod split;
mod written;

use std::borrow::Cow;
use std::collections::HashMap;

use self::merge::{Merges, Scratch};
use self::split::Split;
use self::written::Written;
use crate::{TokenError, Utf8Stream};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Made of bytes by merging.
    Normal,
    /// A mark that means something to the model and is not text: begin of a turn, end of a text.
    Control,
    /// Text that is always this token where it is written.
    UserDefined,
    /// Never made: fills the vocabulary up.
    Unused,
}

/// What a [`Bpe`] is made from.
#[derive(Clone, Debug)]
pub struct BpeSource<'a, T, M> {
    /// Texts of the tokens in the alphabet of byte-level vocabularies; a token's id is its place.
    pub tokens: T,
    /// What each token is; as long as `tokens`.
    pub kinds: &'a [TokenKind],
    /// Pairs that are merged, best first.
    pub merges: M,
    /// `tokenizer.ggml.pre`: name of the way in which text is split before.
    pub pre: Option<&'a str>,
}

/// Whether control tokens that are written in a text are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// They are: the text is a prompt that a template made.
    Parse,
    /// They are text like any other: the text comes from a person or a file, and must not end its own turn.
    Plain,
}

/// A byte-level tokenizer.
#[derive(Debug)]
pub struct Bpe {
    /// Bytes of all tokens, one behind the other.
    bytes: Vec<u8>,
    /// Where each token's bytes end.
    ends: Vec<u32>,
    kinds: Vec<TokenKind>,
    /// Token of each byte; some vocabularies lack bytes that their authors never met.
    of_byte: Box<[Option<u32>; 256]>,
    merges: Merges,
    split: Split,
    /// Normal tokens by their bytes, where a piece that is a token is never merged; else empty.
    whole: Vec<u32>,
    parsed: Written,
    plain: Written,
}

fn bad(why: impl Into<String>) -> TokenError {
    TokenError::BadVocabulary(why.into())
}

/// The start of a text from a file, for a message.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

impl Bpe {
    /// Build the tables.
    ///
    /// # Errors
    /// [`TokenError::UnknownSplit`], and [`TokenError::BadVocabulary`] where a merge is not about tokens.
    pub fn new<'a>(
        source: BpeSource<'a, impl Iterator<Item = &'a str>, impl Iterator<Item = (&'a str, &'a str)>>,
    ) -> Result<Self, TokenError> {
        let BpeSource { tokens, kinds, merges, pre } = source;
        let split = Split::by_name(pre)?;
        let alphabet = alphabet::Bytes::new();
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(kinds.len()));
        let mut ids: HashMap<&str, u32> = HashMap::with_capacity(kinds.len());
        let mut special = Vec::new();
        for (id, text) in (0..u32::MAX).zip(tokens) {
            let Some(&kind) = kinds.get(id as usize) else {
                return Err(bad(format!("it has more tokens than the {} kinds of tokens", kinds.len())));
            };
            match kind {
                TokenKind::Normal => {
                    alphabet.read(text, &mut bytes);
                    // Of a text that is there twice the first counts.
                    ids.entry(text).or_insert(id);
                }
                TokenKind::Control | TokenKind::UserDefined => {
                    bytes.extend_from_slice(text.as_bytes());
                    special.push((text, id, kind));
                }
                TokenKind::Unused => bytes.extend_from_slice(text.as_bytes()),
            }
            ends.push(u32::try_from(bytes.len()).map_err(|_| bad("its tokens have more than 4 GiB"))?);
        }
        if ends.len() != kinds.len() {
            return Err(bad(format!("it has {} tokens and {} kinds of tokens", ends.len(), kinds.len())));
        }
        let triples = triples(&ids, merges)?;
        let mut text = [0; 4];
        let of_byte = alphabet::characters().map(|c| ids.get(&*c.encode_utf8(&mut text)).copied());
        let mut bpe = Self {
            bytes,
            kinds: kinds.to_vec(),
            of_byte: Box::new(of_byte),
            merges: Merges::new(ends.len(), &triples),
            ends,
            split,
            whole: Vec::new(),
            parsed: Written::new(special.iter().map(|&(text, id, _)| (text, id))),
            plain: Written::new(
                special
                    .iter()
                    .filter(|(_, _, kind)| *kind == TokenKind::UserDefined)
                    .map(|&(t, id, _)| (t, id)),
            ),
        };
        if split.keeps_whole() {
            let mut whole: Vec<u32> = ids.into_values().collect();
            whole.sort_unstable_by_key(|&id| (bpe.token_bytes(id), id));
            bpe.whole = whole;
        }
        Ok(bpe)
    }

    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no token at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes that a token stands for; a token may hold a part of a character. Empty for ids that are not there.
    #[must_use]
    pub fn token_bytes(&self, id: u32) -> &[u8] {
        let at = id as usize;
        let end = self.ends.get(at).copied().unwrap_or_default() as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.bytes.get(start as usize..end).unwrap_or_default()
    }

    /// A token for people to read; parts of characters become U+FFFD.
    #[must_use]
    pub fn token_text(&self, id: u32) -> Cow<'_, str> {
        String::from_utf8_lossy(self.token_bytes(id))
    }

    /// What a token is. `None` for ids that are not there.
    #[must_use]
    pub fn kind(&self, id: u32) -> Option<TokenKind> {
        self.kinds.get(id as usize).copied()
    }

    /// The control or user-defined token that is written so.
    #[must_use]
    pub fn mark(&self, text: &str) -> Option<u32> {
        let (at, len, id) = self.parsed.find(text, 0)?;
        (at == 0 && len == text.len()).then_some(id)
    }

    /// Whether a text begins with the begin token where the file does not say (`tokenizer.ggml.add_bos_token`).
    #[must_use]
    pub fn adds_bos_by_default(&self) -> bool {
        self.split.keeps_whole()
    }

    /// Whether every byte has a token, so that decoding gives back any text. Where not, the bytes that the vocabulary
    /// lacks (control characters, in those that are known) are left out.
    #[must_use]
    pub fn is_lossless(&self) -> bool {
        self.of_byte.iter().all(Option::is_some)
    }

    /// Token ids of `text`. Nothing is put before or behind.
    ///
    /// # Errors
    /// [`TokenError::TextTooLong`] where `text` has more than `max_bytes`.
    pub fn encode(&self, text: &str, marks: Marks, max_bytes: usize) -> Result<Vec<u32>, TokenError> {
        if text.len() > max_bytes {
            return Err(TokenError::TextTooLong { len_bytes: text.len(), max_bytes });
        }
        let mut out = Vec::with_capacity(text.len() / 3);
        self.encode_into(text, marks, &mut Scratch::default(), &mut out);
        Ok(out)
    }

    /// Number of tokens of `text`, of which at most `max_bytes` are looked at: for estimates of costs.
    #[must_use]
    pub fn count(&self, text: &str, marks: Marks, max_bytes: usize) -> usize {
        let cut = text.floor_char_boundary(text.len().min(max_bytes));
        self.encode(&text[..cut], marks, max_bytes).map_or(0, |ids| ids.len())
    }

    /// Break every control token that is written in `text` with `shield`, a character that `text` does not have.
    pub(crate) fn shield(&self, text: &str, shield: char) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        while let Some((at, _, id)) = self.parsed.find(text, from) {
            // Another may begin inside of it, so the search goes on behind its first character.
            let first = text[at..].chars().next().map_or(1, char::len_utf8);
            out.push_str(&text[from..at + first]);
            if self.kind(id) == Some(TokenKind::Control) {
                out.push(shield);
            }
            from = at + first;
        }
        out.push_str(&text[from..]);
        out
    }

    /// Encode a prompt, parts of which were given to [`Bpe::shield`].
    pub(crate) fn encode_shielded(&self, text: &str, shield: char) -> Vec<u32> {
        let (mut scratch, mut out) = (Scratch::default(), Vec::with_capacity(text.len() / 3));
        let mut from = 0;
        let between = |text: &str, scratch: &mut Scratch, out: &mut Vec<u32>| {
            self.encode_into(&text.replace(shield, ""), Marks::Plain, scratch, out);
        };
        while let Some((at, len, id)) = self.parsed.find(text, from) {
            between(&text[from..at], &mut scratch, &mut out);
            out.push(id);
            from = at + len;
        }
        between(&text[from..], &mut scratch, &mut out);
        out
    }

    fn encode_into(&self, text: &str, marks: Marks, scratch: &mut Scratch, out: &mut Vec<u32>) {
        let written = match marks {
            Marks::Parse => &self.parsed,
            Marks::Plain => &self.plain,
        };
        let mut from = 0;
        while let Some((at, len, id)) = written.find(text, from) {
            self.encode_between(&text[from..at], scratch, out);
            out.push(id);
            from = at + len;
        }
        self.encode_between(&text[from..], scratch, out);
    }

    fn encode_between(&self, text: &str, scratch: &mut Scratch, out: &mut Vec<u32>) {
        for piece in self.split.pieces(text) {
            let piece = piece.as_bytes();
            if let Ok(i) = self.whole.binary_search_by(|&id| self.token_bytes(id).cmp(piece)) {
                out.push(self.whole[i]);
                continue;
            }
            scratch.merge(&self.merges, piece.iter().filter_map(|&b| self.of_byte[usize::from(b)]), out);
        }
    }

    /// Text of tokens. Bytes that are no UTF-8 become U+FFFD.
    #[must_use]
    pub fn decode(&self, ids: &[u32]) -> String {
        let (mut stream, mut out) = (Utf8Stream::default(), String::new());
        for &id in ids {
            stream.push(self.token_bytes(id), &mut out);
        }
        stream.finish(&mut out);
        out
    }
}

/// Ids of the parts and of the whole of every merge.
fn triples<'a>(
    ids: &HashMap<&str, u32>,
    merges: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<[u32; 3]>, TokenError> {
    let mut whole = String::new();
    let mut triples = Vec::with_capacity(merges.size_hint().0);
    for (left, right) in merges {
        let id = |text: &str| {
            let missing = || bad(format!("a merge is about “{}”, which is no token", shown(text)));
            ids.get(text).copied().ok_or_else(missing)
        };
        whole.clear();
        whole.push_str(left);
        whole.push_str(right);
        triples.push([id(left)?, id(right)?, id(&whole)?]);
        if triples.len() > u32::MAX as usize / 2 {
            return Err(bad("it has more merges than can be counted"));
        }
    }
    Ok(triples)
}
