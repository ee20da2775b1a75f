//! Why a GGUF file is refused, each as a sentence that names what was wrong.

use std::fmt::Write as _;

use thiserror::Error;

/// Why bytes are not a model that Alcove can run.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum GgufError {
    /// Another kind of file altogether.
    #[error("this is not a GGUF file: it does not start with “GGUF”")]
    NotGguf,
    /// Written for machines of the other byte order.
    #[error("this GGUF file is big-endian, made for other machines: get the little-endian one")]
    BigEndian,
    /// Older or newer than what is read.
    #[error("this GGUF file has version {0} of the format: Alcove reads versions 2 and 3")]
    Version(u32),
    /// The file ends before something that its header announces.
    #[error("the model file is cut short: {what} ends at byte {expected}, but the file has {actual} bytes")]
    Truncated {
        /// What does not fit.
        what: String,
        /// Bytes that the file should have at least.
        expected: u64,
        /// Bytes that it has.
        actual: u64,
    },
    /// A number beyond every sound file.
    #[error("the model file is damaged: {what} is {value}, and more than {max} cannot be")]
    TooMuch {
        /// What was counted.
        what: String,
        /// What the file says.
        value: u64,
        /// What Alcove takes at most.
        max: u64,
    },
    /// A part that breaks the rules of the format.
    #[error("the model file is damaged: {what} {why}")]
    Malformed {
        /// The part.
        what: String,
        /// What is wrong with it, as the rest of the sentence.
        why: String,
    },
    /// A number format without code for it.
    #[error("{tensor} is stored as {dtype}, which Alcove does not read: take a file in Q4_K_M or Q8_0")]
    TensorType {
        /// The tensor.
        tensor: String,
        /// The format's name, or its number where it has none.
        dtype: String,
    },
    /// A network without code for it.
    #[error("the model's architecture is “{0}”: Alcove runs “llama” and “qwen2”")]
    Architecture(String),
    /// A network of a known family with a part that is not known.
    #[error("Alcove cannot run this model: {0}")]
    Unsupported(String),
    /// A piece of metadata that every file of the kind has.
    #[error("the model file lacks “{0}” in its metadata")]
    MissingKey(String),
    /// A piece of metadata of another type than it must have.
    #[error("“{key}” in the metadata of the model file is {found}, but must be {expected}")]
    WrongType {
        /// The key.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A piece of metadata whose value cannot be.
    #[error("“{key}” in the metadata of the model file {why}")]
    BadValue {
        /// The key.
        key: String,
        /// What is wrong with it, as the rest of the sentence.
        why: String,
    },
    /// A tensor that the architecture needs.
    #[error("the model file lacks the tensor “{0}”")]
    MissingTensor(String),
    /// A tensor of other dimensions than the metadata says, outermost first.
    #[error("the tensor “{tensor}” has the shape {found:?}, but the metadata asks for {expected:?}")]
    Shape {
        /// The tensor.
        tensor: String,
        /// What the metadata asks for.
        expected: Vec<u64>,
        /// What the table says.
        found: Vec<u64>,
    },
    /// A tensor that would have to take part in the computation, and no code knows how.
    #[error("Alcove cannot run this model: it does not know what the tensor “{0}” is for")]
    UnexpectedTensor(String),
}

/// A name out of a file, fit to be shown: without control characters and not endlessly long.
pub(crate) fn shown(name: &str) -> String {
    const MAX_CHARS: usize = 80;
    let mut text = String::new();
    for c in name.chars().take(MAX_CHARS) {
        // Direction marks and the like would turn the rest of the sentence around.
        let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
        if c.is_control() || hidden {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}", c.escape_unicode());
        } else {
            text.push(c);
        }
    }
    if name.chars().nth(MAX_CHARS).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn names_are_made_fit_to_be_shown() {
        assert_eq!(shown("blk.0.ffn_up.weight"), "blk.0.ffn_up.weight");
        assert_eq!(shown("a\n\u{202e}b"), "a\\u{a}\\u{202e}b");
        assert_eq!(shown(&"é".repeat(81)), format!("{}…", "é".repeat(80)));
    }
}
