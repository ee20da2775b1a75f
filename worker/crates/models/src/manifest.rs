//! What belongs to a model and how to know that it arrived whole: a small JSON file beside the large ones.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Largest manifest that is looked at.
pub const MAX_MANIFEST_BYTES: usize = 64 * 1024;

/// The files of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name of the model.
    pub model: String,
    /// Its files.
    pub files: Vec<ManifestFile>,
}

/// One file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Name in the folder of the manifest.
    pub name: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// Pretty JSON with a line feed at the end.
    ///
    /// # Errors
    /// Never for these types; passed on all the same.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(format!("{}\n", serde_json::to_string_pretty(self)?))
    }

    /// Read a manifest. `None` when the bytes are none, or too many to be one.
    #[must_use]
    pub fn from_json(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return None;
        }
        let manifest: Self = serde_json::from_slice(bytes).ok()?;
        let hexadecimal = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        let sound = |file: &ManifestFile| file.sha256.len() == 64 && file.sha256.bytes().all(hexadecimal);
        manifest.files.iter().all(sound).then_some(manifest)
    }

    /// The entry of a file.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&ManifestFile> {
        self.files.iter().find(|file| file.name == name)
    }
}

impl ManifestFile {
    /// Describe `content`.
    #[must_use]
    pub fn of(name: &str, content: &[u8]) -> Self {
        Self { name: name.to_owned(), bytes: content.len() as u64, sha256: sha256(content) }
    }

    /// True when `content` is this file.
    #[must_use]
    pub fn fits(&self, content: &[u8]) -> bool {
        self.bytes == content.len() as u64 && self.sha256 == sha256(content)
    }
}

/// SHA-256 as 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256(content: &[u8]) -> String {
    let hash: [u8; 32] = Sha256::digest(content).into();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_survives_json_and_knows_its_files() -> Result<(), serde_json::Error> {
        let file = ManifestFile::of("a.bin", b"abc");
        assert_eq!(file.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(file.fits(b"abc") && !file.fits(b"abd") && !file.fits(b"abcd"));
        let manifest = Manifest { model: "m".into(), files: vec![file] };
        assert_eq!(Manifest::from_json(manifest.to_json()?.as_bytes()), Some(manifest));
        assert_eq!(Manifest::from_json(b"{}"), None);
        assert_eq!(
            Manifest::from_json(br#"{"model":"m","files":[{"name":"a","bytes":1,"sha256":"../../x"}]}"#),
            None
        );
        Ok(())
    }
}
