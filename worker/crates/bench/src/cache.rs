//! Vectors on disk, by a hash of the text that they were made from.
//!
//! The file is a run of records: 16 bytes of BLAKE3, then the components as little-endian `f32`. A record that a crash
//! cut off is overwritten by the next one.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

/// Components of a vector of MiniLM.
pub const DIM: usize = 384;
const RECORD: usize = 16 + 4 * DIM;

/// The key of a text: the first 16 bytes of its BLAKE3 hash.
#[must_use]
pub fn key(text: &str) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    key
}

/// A file of vectors, all of them in memory.
#[derive(Debug)]
pub struct VectorCache {
    path: PathBuf,
    vectors: FxHashMap<[u8; 16], Box<[f32]>>,
}

impl VectorCache {
    /// Open the file, which need not be there yet.
    pub fn open(path: &Path) -> io::Result<Self> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(err) if err.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(err) => return Err(err),
        };
        let mut vectors = FxHashMap::default();
        for record in bytes.chunks_exact(RECORD) {
            let (key, rest) = record.split_at(16);
            let mut place = [0; 16];
            place.copy_from_slice(key);
            let floats = rest.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            vectors.insert(place, floats.collect());
        }
        Ok(Self { path: path.to_owned(), vectors })
    }

    /// The vector of a text.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<&[f32]> {
        self.vectors.get(&key(text)).map(|v| &**v)
    }

    /// Add vectors and write them behind those that are there.
    pub fn add(&mut self, rows: Vec<([u8; 16], Vec<f32>)>) -> io::Result<()> {
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&self.path)?;
        let whole = file.metadata()?.len() / RECORD as u64 * RECORD as u64;
        file.set_len(whole)?;
        io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
        let mut out = io::BufWriter::new(file);
        for (key, vector) in rows {
            out.write_all(&key)?;
            for x in &vector {
                out.write_all(&x.to_le_bytes())?;
            }
            self.vectors.insert(key, vector.into());
        }
        out.flush()
    }
}
