//! Reads GGUF files, the container in which quantised language models are published, trusting nothing in them.
//!
//! A file is a header — metadata and a table of tensors — and then the tensors' data. Weights arrive from the network
//! or from storage in pieces and are never in memory as a whole, so [`Header::parse`] works on the start of a file and
//! says how much more it needs; where each tensor lies is then known as a range of bytes of the file.
//! [`Model::read`] makes of the header what an engine wants to know: the sizes of the network, its tokenizer, and one
//! checked place per tensor. [`dequantise`] turns stored blocks into numbers, exactly as the reference does.

mod config;
mod cursor;
mod dequantise;
mod dtype;
mod error;
mod head;
mod header;
mod tensors;
mod tokenizer;
mod value;

pub use config::{Arch, Config, RopePairs, RopeScaling};
pub use dequantise::{DequantiseError, dequantise};
pub(crate) use dequantise::{half, scale_and_offset};
pub use dtype::Dtype;
pub use error::GgufError;
pub(crate) use error::shown;
pub use head::Head;
pub use header::{Header, Parsed, TensorInfo};
pub use tensors::{Layer, Projection, Tensors};
pub use tokenizer::{FillTokens, TokenKind, Tokenizer, TokenizerModel};
pub use value::{Array, Strings, Value};

/// Longest header that is read. Vocabularies of 256,000 tokens with their merges take about 16 MB.
pub const MAX_HEADER_BYTES: u64 = 64 << 20;
/// Most pairs of metadata.
pub const MAX_PAIRS: u64 = 1 << 14;
/// Most tensors in the table.
pub const MAX_TENSORS: u64 = 1 << 16;
/// Longest single string: a key, a chat template, a token.
pub const MAX_STRING_BYTES: u64 = 1 << 20;
/// Longest name of a tensor, as the format itself says.
pub const MAX_NAME_BYTES: u64 = 64;
/// Most elements of one array.
pub const MAX_ARRAY: u64 = 1 << 22;
/// How deep arrays may lie in each other.
pub const MAX_DEPTH: u32 = 4;
/// Most arrays inside of other arrays, in the whole header.
pub const MAX_NESTED: u64 = 1 << 14;
/// Most dimensions of a tensor.
pub const MAX_DIMS: u32 = 4;
/// Most bytes of one tensor, and of all together: far above what a browser can hold, far below where sums overflow.
pub const MAX_DATA_BYTES: u64 = 1 << 44;

/// All that a header says, checked and made ready for an engine.
#[derive(Debug)]
pub struct Model<'h> {
    /// The sizes and constants of the network.
    pub config: Config,
    /// The vocabulary and its special tokens.
    pub tokenizer: Tokenizer<'h>,
    /// One place for every tensor of the architecture.
    pub tensors: Tensors<'h>,
}

impl<'h> Model<'h> {
    /// Check that the file is a language model that Alcove can run, with everything that belongs to it.
    ///
    /// # Errors
    /// What is missing, of the wrong shape or type, or what the file has that Alcove does not know how to compute.
    pub fn read(header: &'h Header) -> Result<Self, GgufError> {
        // The architecture first: for another one every later complaint would be beside the point.
        Arch::read(header)?;
        let tokenizer = Tokenizer::read(header)?;
        let config = Config::read(header, tokenizer.tokens.len())?;
        let tensors = Tensors::read(header, &config)?;
        Ok(Self { config, tokenizer, tensors })
    }
}
