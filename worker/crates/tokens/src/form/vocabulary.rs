//! The tokens of a model as a tree of their bytes.
//!
//! The tree is built by recursion over lists and asserts that it stays below some sizes, and a vocabulary comes with a
//! stranger's file: what would be too large is refused or left out.

use std::collections::HashSet;

use llguidance::toktrie::{SimpleVob, TokRxInfo, TokTrie};

use super::FormError;
use crate::{Bpe, TokenKind};

/// Most tokens; known vocabularies have up to 260,000.
const MAX_TOKENS: usize = 1 << 20;
/// Most bytes of all tokens together, which bounds the nodes of the tree; known ones have up to two million.
const MAX_BYTES: usize = 3_500_000;
/// Longer tokens are left out: they are runs of blanks that can be written in shorter ones.
const MAX_TOKEN_BYTES: usize = 200;

/// The tree, and the tokens that may be written: those that are text, and those that end it.
pub(super) fn trie(bpe: &Bpe, end: &[u32]) -> Result<(TokTrie, SimpleVob), FormError> {
    let refused = |why: &str| Err(FormError::Vocabulary(why.to_owned()));
    let num = bpe.len();
    let Some(&first) = end.first() else { return refused("it has no token that ends a text") };
    if num >= MAX_TOKENS || end.iter().any(|&id| id as usize >= num) {
        return refused("its vocabulary contradicts itself, or is larger than any that is known");
    }
    let mut words: Vec<Vec<u8>> = Vec::with_capacity(num + 1);
    let mut seen: HashSet<&[u8]> = HashSet::with_capacity(num);
    let mut written = vec![false; num + 1];
    for id in 0..num as u32 {
        let bytes = bpe.token_bytes(id);
        let is_end = end.contains(&id);
        let word = match bpe.kind(id) {
            _ if bytes.is_empty() || bytes.len() > MAX_TOKEN_BYTES => Vec::new(),
            _ if is_end => marked(bytes),
            Some(TokenKind::Control) => marked(bytes),
            // Of two tokens for the same bytes the first is what the tokenizer makes. The byte that marks control
            // tokens stands in no text.
            Some(TokenKind::Normal | TokenKind::UserDefined)
                if bytes.first() != Some(&TokTrie::SPECIAL_TOKEN_MARKER) && seen.insert(bytes) =>
            {
                written[id as usize] = true;
                bytes.to_vec()
            }
            _ => Vec::new(),
        };
        words.push(word);
        written[id as usize] |= is_end;
    }
    // The library expects one control token at least. This one is no token of the model and can never be chosen.
    words.push(marked(b"<|none|>"));
    if words.iter().map(Vec::len).sum::<usize>() > MAX_BYTES {
        return refused("its tokens are longer than those of any known model");
    }
    let info = TokRxInfo::new(words.len() as u32, first);
    let trie = TokTrie::from(&info, &words).with_eos_tokens(end);
    let mut writable = trie.alloc_token_set();
    for id in (0..num as u32).filter(|&id| written[id as usize]) {
        writable.allow_token(id);
    }
    Ok((trie, writable))
}

fn marked(bytes: &[u8]) -> Vec<u8> {
    [&[TokTrie::SPECIAL_TOKEN_MARKER], bytes].concat()
}
