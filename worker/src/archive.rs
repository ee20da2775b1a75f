//! Zip archives: foreign ones on the way in, our own as the export of a workspace.

use std::io::{Cursor, Read as _, Write as _};

use protocol::SkipReason;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Name of the manifest in an exported workspace.
const MANIFEST: &str = "alcove-workspace.json";
/// Version of the export's layout.
const EXPORT_VERSION: u32 = 1;

/// Why an archive is refused as a whole.
#[derive(Debug, Error)]
pub(crate) enum ArchiveError {
    /// Not a zip file, or a broken one.
    #[error("This file is not a readable zip archive ({0}).")]
    Zip(#[from] zip::result::ZipError),
    /// It lacks the manifest of an exported workspace.
    #[error("This zip archive is not an exported Alcove workspace: it has no {MANIFEST}.")]
    NoManifest,
    /// The manifest does not parse.
    #[error("The manifest of this exported workspace is damaged ({0}).")]
    BadManifest(String),
    /// Written by a later Alcove.
    #[error(
        "This workspace was exported by a newer Alcove (format {0}). Reload to update, then import it again."
    )]
    TooNew(u32),
    /// Writing failed.
    #[error("The archive could not be written ({0}).")]
    Write(#[from] std::io::Error),
}

/// One file of an archive.
pub(crate) struct Entry {
    /// Path as it stands in the archive, with `/`.
    pub(crate) path: String,
    /// Content, or why it was left out.
    pub(crate) content: Result<Vec<u8>, SkipReason>,
    /// Last change, milliseconds since 1970; 0 when unknown.
    pub(crate) mtime_ms: u64,
}

/// An opened archive; entries are unpacked one at a time.
pub(crate) struct Archive {
    zip: ZipArchive<Cursor<Vec<u8>>>,
    max_file_bytes: u64,
}

impl Archive {
    /// Read the directory of a zip archive.
    pub(crate) fn open(bytes: Vec<u8>, max_file_bytes: u64) -> Result<Self, ArchiveError> {
        Ok(Self { zip: ZipArchive::new(Cursor::new(bytes))?, max_file_bytes })
    }

    /// Number of entries, folders included.
    pub(crate) fn len(&self) -> usize {
        self.zip.len()
    }

    /// Path of entry `index` as it stands in the archive, without unpacking it.
    pub(crate) fn path(&self, index: usize) -> Option<String> {
        let name = self.zip.name_for_index(index)?.ok()?;
        Some(name.replace('\\', "/"))
    }

    /// Unpack entry `index`. `None` for folders. At most the size cap is ever unpacked, whatever the header claims.
    pub(crate) fn entry(&mut self, index: usize) -> Option<Entry> {
        let max = self.max_file_bytes;
        // A name that is no text in any encoding is no path either; the caller refuses it.
        let path = self.path(index).unwrap_or_default();
        let mut file = match self.zip.by_index(index) {
            Ok(file) => file,
            Err(_) => {
                return Some(Entry { path, content: Err(SkipReason::Unreadable), mtime_ms: 0 });
            }
        };
        if file.is_dir() || file.is_symlink() {
            return None;
        }
        let mut bytes = Vec::new();
        let content = match file.by_ref().take(max.saturating_add(1)).read_to_end(&mut bytes) {
            Ok(len) if len as u64 > max => Err(SkipReason::TooLarge),
            Ok(_) => Ok(bytes),
            Err(_) => Err(SkipReason::Unreadable),
        };
        Some(Entry { path, content, mtime_ms: 0 })
    }
}

/// What an export holds beside the files.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    version: u32,
    /// Name of the workspace.
    pub(crate) name: String,
    /// Last change by path, milliseconds since 1970.
    pub(crate) mtimes_ms: Vec<(String, u64)>,
    /// Settings and view state.
    pub(crate) settings: Vec<(String, String)>,
}

/// Writes an export.
pub(crate) struct Exporter {
    zip: ZipWriter<Cursor<Vec<u8>>>,
    manifest: Manifest,
}

impl Exporter {
    /// Start an export of the workspace `name`.
    pub(crate) fn new(name: &str, settings: Vec<(String, String)>) -> Self {
        let manifest =
            Manifest { version: EXPORT_VERSION, name: name.to_owned(), mtimes_ms: Vec::new(), settings };
        Self { zip: ZipWriter::new(Cursor::new(Vec::new())), manifest }
    }

    fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        self.zip.start_file(path, options)?;
        self.zip.write_all(bytes)?;
        Ok(())
    }

    /// Add a saved file.
    pub(crate) fn file(&mut self, path: &str, bytes: &[u8], mtime_ms: u64) -> Result<(), ArchiveError> {
        self.manifest.mtimes_ms.push((path.to_owned(), mtime_ms));
        self.put(&format!("files/{path}"), bytes)
    }

    /// Add an unsaved edit.
    pub(crate) fn draft(&mut self, path: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.put(&format!("drafts/{path}"), bytes)
    }

    /// Add the manifest and give the archive.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, ArchiveError> {
        let json =
            serde_json::to_vec(&self.manifest).map_err(|err| ArchiveError::BadManifest(err.to_string()))?;
        self.put(MANIFEST, &json)?;
        Ok(self.zip.finish()?.into_inner())
    }
}

/// Open what [`Exporter`] wrote: the archive, whose entries are still packed, and what stands beside the files.
pub(crate) fn open_export(bytes: Vec<u8>) -> Result<(Archive, Manifest), ArchiveError> {
    let mut archive = Archive::open(bytes, u64::from(u32::MAX / 2))?;
    let at = (0..archive.len()).find(|&index| archive.path(index).is_some_and(|path| path == MANIFEST));
    let entry = at.and_then(|index| archive.entry(index)).ok_or(ArchiveError::NoManifest)?;
    let bytes = entry.content.map_err(|_| ArchiveError::BadManifest("it cannot be unpacked".into()))?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|err| ArchiveError::BadManifest(err.to_string()))?;
    if manifest.version > EXPORT_VERSION {
        return Err(ArchiveError::TooNew(manifest.version));
    }
    Ok((archive, manifest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_reads_back() {
        let mut export = Exporter::new("my work", vec![("tabs".into(), "[1]".into())]);
        export.file("a/b.rs", b"fn main() {}", 7).unwrap();
        export.file("empty", b"", 0).unwrap();
        export.draft("a/b.rs", b"fn main() { }").unwrap();
        let (mut archive, manifest) = open_export(export.finish().unwrap()).unwrap();
        assert_eq!(manifest.name, "my work");
        assert_eq!(manifest.mtimes_ms, [("a/b.rs".into(), 7), ("empty".into(), 0)]);
        assert_eq!(manifest.settings, [("tabs".into(), "[1]".into())]);
        let entries: Vec<(String, Vec<u8>)> = (0..archive.len())
            .filter_map(|index| archive.entry(index))
            .map(|entry| (entry.path, entry.content.unwrap()))
            .filter(|(path, _)| path != MANIFEST)
            .collect();
        let expected: [(&str, &[u8]); 3] =
            [("files/a/b.rs", b"fn main() {}"), ("files/empty", b""), ("drafts/a/b.rs", b"fn main() { }")];
        assert_eq!(entries, expected.map(|(path, bytes)| (path.to_owned(), bytes.to_vec())));
    }

    #[test]
    fn an_entry_over_the_cap_is_skipped_without_being_unpacked_whole() {
        let mut export = Exporter::new("", vec![]);
        export.file("big", &vec![b'x'; 100_000], 0).unwrap();
        let mut archive = Archive::open(export.finish().unwrap(), 1000).unwrap();
        let entry = archive.entry(0).unwrap();
        assert_eq!(entry.path, "files/big");
        assert_eq!(entry.content.unwrap_err(), SkipReason::TooLarge);
    }

    #[test]
    fn other_bytes_are_refused_with_a_sentence() {
        for bytes in [vec![], b"PK".to_vec(), vec![0; 100], b"<html>".to_vec()] {
            let err = Archive::open(bytes, 10).err().expect("refused").to_string();
            assert!(err.starts_with("This file is not a readable zip archive"), "{err}");
        }
        let zip = ZipWriter::new(Cursor::new(Vec::new())).finish().unwrap().into_inner();
        assert!(matches!(open_export(zip), Err(ArchiveError::NoManifest)));
    }
}
