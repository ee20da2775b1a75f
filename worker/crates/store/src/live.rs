//! What lives in the two logs of a workspace: which record holds which key, and how many bytes of a log still count.

use std::collections::BTreeMap;

use crate::content::ContentHash;
use crate::log::Place;
use crate::path::check_path;
use crate::record::{Op, Record};

/// What is known of a stored file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMeta {
    /// Hash of the content.
    pub hash: ContentHash,
    /// Length of the content.
    pub bytes: u64,
    /// Last change, milliseconds since 1970; 0 when unknown.
    pub mtime_ms: u64,
    /// Where the record stands in the user log.
    pub(crate) place: Place,
}

/// What the user log says, without the contents.
#[derive(Debug, Default)]
pub(crate) struct User {
    pub(crate) files: BTreeMap<String, FileMeta>,
    pub(crate) drafts: BTreeMap<String, Place>,
    pub(crate) settings: BTreeMap<String, Place>,
    /// Bytes of the log that these records take.
    pub(crate) live_bytes: u64,
}

/// What the log of derived values says, without the values.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    pub(crate) values: BTreeMap<Vec<u8>, Place>,
    /// Bytes of the log that these records take.
    pub(crate) live_bytes: u64,
}

impl User {
    /// Apply a record read back; false when it makes no sense.
    pub(crate) fn apply(&mut self, record: &Record<'_>, place: Place) -> bool {
        let Ok(key) = std::str::from_utf8(record.key) else { return false };
        match record.op {
            Op::PutFile => match file_meta(record.value, place) {
                Some(meta) if check_path(key).is_ok() => self.put_file(key, meta),
                _ => return false,
            },
            Op::RemoveFile => self.remove_file(key),
            Op::RenameFile => match std::str::from_utf8(record.value) {
                Ok(to) if check_path(to).is_ok() => self.rename_file(key, to),
                _ => return false,
            },
            Op::PutDraft if check_path(key).is_ok() => {
                put(&mut self.drafts, key, place, &mut self.live_bytes)
            }
            Op::RemoveDraft => remove(&mut self.drafts, key, &mut self.live_bytes),
            Op::PutSetting => put(&mut self.settings, key, place, &mut self.live_bytes),
            Op::RemoveSetting => remove(&mut self.settings, key, &mut self.live_bytes),
            _ => return false,
        }
        true
    }

    pub(crate) fn put_file(&mut self, path: &str, meta: FileMeta) {
        self.live_bytes += meta.place.len();
        if let Some(old) = self.files.insert(path.to_owned(), meta) {
            self.live_bytes -= old.place.len();
        }
    }

    /// Its unsaved edit goes too.
    pub(crate) fn remove_file(&mut self, path: &str) {
        if let Some(old) = self.files.remove(path) {
            self.live_bytes -= old.place.len();
        }
        remove(&mut self.drafts, path, &mut self.live_bytes);
    }

    pub(crate) fn rename_file(&mut self, from: &str, to: &str) {
        if let Some(meta) = self.files.remove(from) {
            self.live_bytes -= meta.place.len();
            self.put_file(to, meta);
            if let Some(draft) = self.drafts.remove(from) {
                self.live_bytes -= draft.len();
                put(&mut self.drafts, to, draft, &mut self.live_bytes);
            }
        }
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = (Op, &[u8], Place)> {
        let files = self.files.iter().map(|(path, meta)| (Op::PutFile, path.as_bytes(), meta.place));
        let drafts = self.drafts.iter().map(|(path, place)| (Op::PutDraft, path.as_bytes(), *place));
        let settings = self.settings.iter().map(|(key, place)| (Op::PutSetting, key.as_bytes(), *place));
        files.chain(drafts).chain(settings)
    }

    /// Everything has moved; `places` are in the order of [`User::live`].
    pub(crate) fn moved(&mut self, places: Vec<Place>) {
        self.live_bytes = places.iter().map(|place| place.len()).sum();
        let files = self.files.values_mut().map(|meta| &mut meta.place);
        let all = files.chain(self.drafts.values_mut()).chain(self.settings.values_mut());
        all.zip(places).for_each(|(old, new)| *old = new);
    }
}

impl Derived {
    /// Apply a record read back; false when it makes no sense.
    pub(crate) fn apply(&mut self, record: &Record<'_>, place: Place) -> bool {
        match record.op {
            Op::PutDerived => put(&mut self.values, record.key, place, &mut self.live_bytes),
            Op::RemoveDerived => remove(&mut self.values, record.key, &mut self.live_bytes),
            _ => return false,
        }
        true
    }
}

/// Put a record over the one that had the key.
pub(crate) fn put<K, Q>(map: &mut BTreeMap<K, Place>, key: &Q, place: Place, live_bytes: &mut u64)
where
    K: Ord + std::borrow::Borrow<Q>,
    Q: ?Sized + ToOwned<Owned = K>,
{
    *live_bytes += place.len();
    if let Some(old) = map.insert(key.to_owned(), place) {
        *live_bytes -= old.len();
    }
}

/// Forget the record of a key.
pub(crate) fn remove<K, Q>(map: &mut BTreeMap<K, Place>, key: &Q, live_bytes: &mut u64)
where
    K: Ord + std::borrow::Borrow<Q>,
    Q: ?Sized + Ord,
{
    if let Some(old) = map.remove(key) {
        *live_bytes -= old.len();
    }
}

fn file_meta(value: &[u8], place: Place) -> Option<FileMeta> {
    let (mtime, rest) = value.split_first_chunk::<8>()?;
    let (hash, content) = rest.split_first_chunk::<16>()?;
    Some(FileMeta {
        hash: ContentHash(*hash),
        bytes: content.len() as u64,
        mtime_ms: u64::from_le_bytes(*mtime),
        place,
    })
}
