//! The text that stands for a chunk when it is embedded.

/// Longest embedded text in bytes: about 256 tokens of a WordPiece vocabulary on code, which is what the model reads.
const MAX_BYTES: usize = 2048;

/// What is given to the embedder for a chunk: path, symbol path and the text, cut to what the model can read.
///
/// `language` is the language id of the file. The same arguments give the same text on every machine, so that a hash of
/// the result can serve as the chunk's key.
#[must_use]
pub fn embed_text(path: &str, _language: &str, symbol: &str, text: &str) -> String {
    let mut out = String::with_capacity(path.len() + symbol.len() + 2 + text.len().min(MAX_BYTES));
    out.push_str(path);
    out.push('\n');
    if !symbol.is_empty() {
        out.push_str(symbol);
        out.push('\n');
    }
    let mut end = text.len().min(MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    out.push_str(text[..end].trim_end());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let text = "ü".repeat(4000);
        let out = embed_text("a.py", "python", "f", &text);
        assert!(out.len() <= MAX_BYTES + 8);
        assert!(out.starts_with("a.py\nf\nü"));
    }
}
