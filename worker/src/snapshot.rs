//! Keeping the derived index in the store, so that a reload does not parse or embed anything again.
//!
//! Three kinds of derived values: the lexical snapshot, the table of files with their symbols, and records of vectors.
//! They are read back only if they decode and agree with the files; otherwise the index is built again.

use std::collections::{BTreeMap, HashMap};

use index::{Index, Key};
use protocol::ContentKind;
use serde::{Deserialize, Serialize};
use store::{ContentHash, StoreError};
use syntax::Lang;

use crate::disk::Store;
use crate::queue::{Rank, Waiting};
use crate::space::{DIM, Entry, Space, Stage, Symbol};

const LEXICAL: &[u8] = b"lexical";
const TABLE: &[u8] = b"table";
const VECTORS: &[u8] = b"vectors/";
const MODEL: &[u8] = b"model";
/// Stored vectors without a chunk are cleaned out when they are more than those with one and this many.
const WORN: usize = 4096;
/// Changes whenever chunks, symbols or keys are made differently; older snapshots are thrown away.
const VERSION: u32 = 3;

#[derive(Serialize, Deserialize)]
struct Row {
    path: String,
    hash: [u8; 16],
    lang: String,
    content: ContentKind,
    stage: Stage,
    symbols: Box<[Symbol]>,
}

/// What could be read back.
pub(crate) struct Restored {
    /// The lexical part with the vectors.
    pub(crate) index: Index,
    /// Files in it.
    pub(crate) files: BTreeMap<String, Entry>,
    /// Number for the next record of vectors.
    pub(crate) next_vector_record: u64,
    /// Vectors of chunks that the index does not know.
    pub(crate) stash: HashMap<Key, Vec<u8>>,
    /// Most stored vectors are among those.
    pub(crate) vectors_worn: bool,
    /// The model that made the vectors.
    pub(crate) model: String,
    /// A lexical part was kept and is lost or cannot be read. One that was never kept, as in the first seconds of a
    /// workspace, is made without a word.
    pub(crate) damaged: bool,
}

/// Read the derived values of a store; whatever does not decode is left out. `dropped`: the store found them damaged.
pub(crate) fn restore(store: &mut Store, dropped: bool) -> Restored {
    let was_kept = store.derived_keys().any(|key| key == LEXICAL || key == TABLE);
    let decoded = store.derived(LEXICAL).ok().flatten().and_then(|bytes| Index::decode(&bytes).ok());
    let table = store.derived(TABLE).ok().flatten().and_then(|bytes| decode_table(&bytes));
    let (mut index, files, rebuilt) = match (decoded, table) {
        (Some(index), Some(files)) => (index, files, false),
        _ => (Index::new(DIM), BTreeMap::new(), true),
    };
    let mut next_vector_record = 0;
    let mut stash = HashMap::new();
    let keys: Vec<Vec<u8>> =
        store.derived_keys().filter(|key| key.starts_with(VECTORS)).map(<[u8]>::to_vec).collect();
    for key in keys {
        if let Some(number) = record_number(&key) {
            next_vector_record = next_vector_record.max(number + 1);
        }
        let Ok(Some(bytes)) = store.derived(&key) else { continue };
        // A record that does not decode costs a few chunks that are embedded again, nothing else.
        for (key, vector) in records(&bytes) {
            if !matches!(index.put_encoded(key, vector), Ok(true)) {
                stash.insert(key, vector.to_vec());
            }
        }
    }
    let model = store.derived(MODEL).ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok());
    // While the index is built again, every vector waits in the stash for its chunk.
    let vectors_worn = !rebuilt && stash.len() > WORN + index.num_vectors();
    if vectors_worn {
        stash.clear();
    }
    Restored {
        index,
        files,
        next_vector_record,
        stash,
        vectors_worn,
        model: model.unwrap_or_default(),
        damaged: dropped || (rebuilt && was_kept),
    }
}

/// The vectors of one record: key, length as u32 little-endian, encoded vector; until the bytes end or make no sense.
fn records(mut bytes: &[u8]) -> impl Iterator<Item = (Key, &[u8])> {
    std::iter::from_fn(move || {
        let (key, rest) = bytes.split_first_chunk::<16>()?;
        let (len, rest) = rest.split_first_chunk::<4>()?;
        let (vector, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        bytes = rest;
        Some((*key, vector))
    })
}

fn record_number(key: &[u8]) -> Option<u64> {
    let digits = key.strip_prefix(VECTORS)?;
    Some(u64::from_be_bytes(digits.try_into().ok()?))
}

fn decode_table(bytes: &[u8]) -> Option<BTreeMap<String, Entry>> {
    let (version, rows): (u32, Vec<Row>) = postcard::from_bytes(bytes).ok()?;
    (version == VERSION).then(|| {
        rows.into_iter()
            .map(|row| {
                // The name tells more than the id (TSX and TypeScript share one); the id knows what a shebang said.
                let by_name = Lang::detect(&row.path, "");
                let entry = Entry {
                    lang: if by_name.id() == row.lang { by_name } else { Lang::from_id(&row.lang) },
                    content: row.content,
                    stage: row.stage,
                    hash: ContentHash(row.hash),
                    symbols: row.symbols,
                };
                (row.path, entry)
            })
            .collect()
    })
}

/// Bring the restored index and the files of the store together: files that changed or are new wait to be indexed, files
/// that are gone are forgotten, parsed files queue the chunks that have no vector yet.
pub(crate) fn reconcile(space: &mut Space) {
    let stored: BTreeMap<String, ContentHash> =
        space.store.files().map(|(path, meta)| (path.to_owned(), meta.hash)).collect();
    let gone: Vec<String> = space.files.keys().filter(|path| !stored.contains_key(*path)).cloned().collect();
    for path in gone {
        space.forget(&path);
    }
    for (path, hash) in &stored {
        match space.files.get(path) {
            Some(entry) if entry.hash == *hash && entry.stage != Stage::Known => {
                if matches!(entry.stage, Stage::Lexical | Stage::ByLines) {
                    space.to_parse.push_back(path.clone());
                }
            }
            _ => {
                space.index.remove_file(path);
                let lang = Lang::detect(path, "");
                let (content, stage, symbols) = (ContentKind::Text, Stage::Known, Box::default());
                space.files.insert(path.clone(), Entry { lang, content, stage, hash: *hash, symbols });
                space.to_admit.push_back(path.clone());
            }
        }
    }
    queue_missing_vectors(space);
}

/// Queue every parsed chunk that has no vector.
pub(crate) fn queue_missing_vectors(space: &mut Space) {
    let mut missing: Vec<(Key, Waiting, Rank)> = Vec::new();
    for waiting in space.index.waiting() {
        let parsed = space.files.get(waiting.path).is_some_and(|entry| entry.stage >= Stage::ByLines);
        if parsed && !space.given_up.contains(&waiting.key) {
            let rank = space.rank(waiting.path);
            let chunk = Waiting {
                path: waiting.path.to_owned(),
                bytes: waiting.bytes.clone(),
                symbol: waiting.symbol.to_owned(),
                attempts: 0,
            };
            missing.push((waiting.key, chunk, rank));
        }
    }
    for (key, chunk, rank) in missing {
        space.to_embed.push(key, chunk, rank);
    }
}

/// Put collected vectors into the store as one record.
pub(crate) fn save_vectors(space: &mut Space) -> Result<(), StoreError> {
    if space.unsaved_vectors.is_empty() {
        return Ok(());
    }
    let mut record = Vec::new();
    for (key, vector) in &space.unsaved_vectors {
        record.extend_from_slice(key);
        record.extend_from_slice(&(vector.len() as u32).to_le_bytes());
        record.extend_from_slice(vector);
    }
    let mut key = VECTORS.to_vec();
    key.extend_from_slice(&space.next_vector_record.to_be_bytes());
    space.store.put_derived(&key, &record)?;
    space.next_vector_record += 1;
    space.unsaved_vectors.clear();
    space.uncommitted = true;
    Ok(())
}

/// Write the vectors that are in use into new records and remove the old ones.
pub(crate) fn rewrite_vectors(space: &mut Space) -> Result<(), StoreError> {
    let old: Vec<Vec<u8>> =
        space.store.derived_keys().filter(|key| key.starts_with(VECTORS)).map(<[u8]>::to_vec).collect();
    space.unsaved_vectors = space.index.encoded_vectors().collect();
    space.unsaved_vectors.extend(space.stash.iter().map(|(key, vector)| (*key, vector.clone())));
    save_vectors(space)?;
    for key in old {
        space.store.remove_derived(&key)?;
    }
    space.vectors_worn = false;
    space.uncommitted = true;
    Ok(())
}

/// Vectors of this model come in: those of another one cannot be compared with them and go. The precision is left out of
/// the comparison, because vectors of one model in bytes and in floats may stand side by side.
pub(crate) fn use_model(space: &mut Space, model: &str) -> Result<(), StoreError> {
    let family = model.split('/').next().unwrap_or_default();
    if space.model == family {
        return Ok(());
    }
    let is_writer = space.access == protocol::Access::Writer;
    if !space.model.is_empty() {
        space.index.clear_vectors();
        space.stash.clear();
        if is_writer {
            rewrite_vectors(space)?;
        }
    }
    family.clone_into(&mut space.model);
    if is_writer {
        space.store.put_derived(MODEL, family.as_bytes())?;
        space.uncommitted = true;
    }
    Ok(())
}

/// Put the lexical part and the table of files into the store.
pub(crate) fn save_lexical(space: &mut Space) -> Result<(), StoreError> {
    let rows: Vec<Row> = space
        .files
        .iter()
        .map(|(path, entry)| Row {
            path: path.clone(),
            hash: entry.hash.0,
            lang: entry.lang.id().to_owned(),
            content: entry.content,
            stage: entry.stage,
            symbols: entry.symbols.clone(),
        })
        .collect();
    let table = postcard::to_stdvec(&(VERSION, rows)).unwrap_or_default();
    space.store.put_derived(LEXICAL, &space.index.encode())?;
    space.store.put_derived(TABLE, &table)?;
    space.snapshot_stale = false;
    space.uncommitted = true;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use store::{FileId, MemDisk};

    use super::*;
    use crate::disk::{AnyDisk, Held, hold, open_memory};

    fn reopened(disk: MemDisk) -> Restored {
        let Held { mut store, derived_dropped, .. } = hold(AnyDisk::Memory(disk)).unwrap();
        restore(&mut store, derived_dropped)
    }

    #[test]
    fn an_index_that_was_never_kept_is_no_damage_and_one_that_rotted_or_does_not_decode_is() {
        assert!(!reopened(MemDisk::new()).damaged);
        let mut space = Space::of(open_memory().unwrap().store);
        save_lexical(&mut space).unwrap();
        space.store.commit().unwrap();
        let AnyDisk::Memory(kept) = space.store.into_disk() else { panic!("this disk is in memory") };
        assert!(!reopened(kept.clone()).damaged);

        let mut rotten = kept.clone();
        let mut bytes = rotten.get(FileId::DerivedA).to_vec();
        // Behind the superblocks and before the end, which could as well be a commit that a crash cut short.
        let at = bytes.len() - 64;
        bytes[at] ^= 1;
        rotten.set(FileId::DerivedA, bytes);
        assert!(reopened(rotten).damaged);

        let mut store = hold(AnyDisk::Memory(kept)).unwrap().store;
        store.put_derived(LEXICAL, b"not an index").unwrap();
        assert!(restore(&mut store, false).damaged);
    }
}
