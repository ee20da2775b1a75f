//! Tokens that are found in a text as they are written, before anything is split: marks of turns, of files, of gaps.

/// Longest token that is looked for; those of known models have at most thirty bytes.
const MAX_BYTES: usize = 256;

/// The tokens that are looked for, longest match first.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Texts and ids, sorted by text.
    tokens: Vec<(Box<[u8]>, u32)>,
    /// Whether a token begins with this byte.
    starts: Box<[bool]>,
}

impl Written {
    /// Look for these; texts that are empty or longer than any real one are left out.
    pub(super) fn new<'t>(tokens: impl Iterator<Item = (&'t str, u32)>) -> Self {
        let fits = |text: &str| (1..=MAX_BYTES).contains(&text.len());
        let mut tokens: Vec<(Box<[u8]>, u32)> =
            tokens.filter(|(text, _)| fits(text)).map(|(text, id)| (text.as_bytes().into(), id)).collect();
        tokens.sort_unstable();
        tokens.dedup_by(|a, b| a.0 == b.0);
        let mut starts = vec![false; 256];
        for (text, _) in &tokens {
            starts[usize::from(text[0])] = true;
        }
        Self { tokens, starts: starts.into() }
    }

    /// The first token in `text` from `from` on, the longest of those that begin there: its place, length and id.
    pub(super) fn find(&self, text: &str, from: usize) -> Option<(usize, usize, u32)> {
        if self.tokens.is_empty() {
            return None;
        }
        let bytes = text.as_bytes();
        let begins = |at: &usize| self.starts[usize::from(bytes[*at])];
        (from..bytes.len()).filter(begins).find_map(|at| {
            let (len, id) = self.longest(&bytes[at..])?;
            Some((at, len, id))
        })
    }

    /// The longest token that `bytes` begin with: the range of tokens that agree so far is narrowed byte by byte.
    fn longest(&self, bytes: &[u8]) -> Option<(usize, u32)> {
        let mut range = &self.tokens[..];
        let mut found = None;
        for (depth, &byte) in bytes.iter().enumerate() {
            let start = range.partition_point(|(text, _)| text.get(depth).is_none_or(|&b| b < byte));
            let end = range.partition_point(|(text, _)| text.get(depth).is_none_or(|&b| b <= byte));
            range = &range[start..end];
            match range.first() {
                None => break,
                Some((text, id)) if text.len() == depth + 1 => found = Some((depth + 1, *id)),
                Some(_) => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_there_the_longest_is_found() {
        let written = Written::new([("<a>", 1), ("<a><b>", 2), ("<b>", 3), ("", 4), ("é", 5)].into_iter());
        assert_eq!(written.find("x<a><b><a>", 0), Some((1, 6, 2)));
        assert_eq!(written.find("x<a><b><a>", 7), Some((7, 3, 1)));
        assert_eq!(written.find("<a<a><", 0), Some((2, 3, 1)));
        assert_eq!(written.find("caffé", 0), Some((4, 2, 5)));
        assert_eq!(written.find("< a>", 0), None);
    }
}
