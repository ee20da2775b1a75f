//! What is checked of a file while its bytes come: that it is a language model, as early as its header is there, its
//! length, and its checksum.

use models::gguf::{Head, Header, Model, TokenizerModel};
use sha2::{Digest as _, Sha256};

/// Bytes that may follow the last tensor of a file of unknown length.
const MAX_TAIL: u64 = 1 << 20;

/// Checks a file that comes from its first byte on.
#[derive(Debug)]
pub struct Intake {
    /// The start of the file until its header is known to be sound.
    head: Option<Head>,
    hash: Sha256,
    len: u64,
    /// Length that the file should have, 0 when unknown.
    expected: u64,
    /// Length that its header asks for.
    needed: u64,
}

impl Intake {
    /// Nothing yet of a file with so many bytes, 0 when unknown.
    #[must_use]
    pub fn new(expected: u64) -> Self {
        let head = Head::new((expected != 0).then_some(expected));
        Self { head: Some(head), hash: Sha256::new(), len: 0, expected, needed: 0 }
    }

    /// Bytes so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The header is whole and describes a model that can be run: bytes may be kept.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.head.is_none()
    }

    /// Take the next bytes. When they complete the header, all bytes so far come back, for keeping; afterwards the bytes
    /// themselves are to be kept.
    ///
    /// # Errors
    /// Why the file cannot be a language model, without a full stop.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
        self.len += bytes.len() as u64;
        if self.expected != 0 && self.len > self.expected {
            return Err(format!("it is longer than the {} bytes that it should have", self.expected));
        }
        if self.is_sound() && self.expected == 0 && self.len > self.needed.saturating_add(MAX_TAIL) {
            return Err("it goes on after its last tensor".into());
        }
        self.hash.update(bytes);
        let Some(head) = &mut self.head else { return Ok(None) };
        match head.push(bytes).map_err(|err| err.to_string())? {
            Some(header) => self.admit(&header).map(Some),
            None => Ok(None),
        }
    }

    /// The file is over. Bytes that were held back come back, for keeping.
    ///
    /// # Errors
    /// What is missing, or why it is no model.
    pub fn end(&mut self) -> Result<Option<Vec<u8>>, String> {
        let held = match &self.head {
            Some(head) => {
                let header = head.end().map_err(|err| err.to_string())?;
                Some(self.admit(&header)?)
            }
            None => None,
        };
        let should = self.expected.max(self.needed);
        if self.len < should {
            return Err(format!("it is cut short: it has {} bytes and should have {should}", self.len));
        }
        Ok(held)
    }

    /// SHA-256 of all bytes so far, in hex.
    #[must_use]
    pub fn sha256(&self) -> String {
        self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn admit(&mut self, header: &Header) -> Result<Vec<u8>, String> {
        let model = Model::read(header).map_err(|err| err.to_string())?;
        if model.tokenizer.model != TokenizerModel::Bpe {
            let why = "its tokenizer is a Sentencepiece one, and only byte-level tokenizers are known";
            return Err(why.into());
        }
        self.needed = header.file_bytes();
        Ok(self.head.take().map(|head| head.prefix().to_vec()).unwrap_or_default())
    }
}
