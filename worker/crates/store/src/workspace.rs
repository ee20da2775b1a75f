//! A workspace: files, unsaved edits, settings and derived values over two logs.

use std::collections::BTreeMap;

use crate::content::ContentHash;
use crate::disk::{Disk, FileId};
use crate::error::StoreError;
use crate::log::{DATA_AT, Damage, Log};
use crate::path::check_path;
use crate::record::{Op, Record};

/// Setting that holds the name of the workspace; not listed among the settings.
const NAME: &str = "\0name";
/// mtime and hash before the content of a file.
const FILE_HEAD: u64 = 24;
/// A log is worth compacting when it is this much longer than twice what lives in it.
const SLACK_BYTES: u64 = 4 << 20;

/// What is known of a stored file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMeta {
    /// Hash of the content.
    pub hash: ContentHash,
    /// Length of the content.
    pub bytes: u64,
    /// Last change, milliseconds since 1970; 0 when unknown.
    pub mtime_ms: u64,
    at: u64,
}

#[derive(Clone, Copy, Debug)]
struct Value {
    at: u64,
    len: u64,
}

/// What opening found out; sentences for a person, empty after a clean start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// What happened and what it means.
    pub notices: Vec<String>,
    /// The derived data was thrown away.
    pub derived_dropped: bool,
}

#[derive(Clone, Debug, Default)]
struct User {
    files: BTreeMap<String, FileMeta>,
    drafts: BTreeMap<String, Value>,
    settings: BTreeMap<String, Value>,
}

/// Files, unsaved edits, settings and derived values of one workspace.
#[derive(Debug)]
pub struct Workspace<D> {
    disk: D,
    user_log: Log,
    derived_log: Log,
    user: User,
    derived: BTreeMap<Vec<u8>, Value>,
}

impl User {
    fn apply(&mut self, record: &Record<'_>, value_at: u64) {
        let Ok(key) = std::str::from_utf8(record.key) else { return };
        let value = Value { at: value_at, len: record.value.len() as u64 };
        match record.op {
            Op::PutFile => {
                if let Some(meta) = file_meta(record.value, value_at) {
                    self.files.insert(key.to_owned(), meta);
                }
            }
            Op::RemoveFile => {
                self.files.remove(key);
            }
            Op::RenameFile => {
                if let (Ok(to), Some(meta)) = (std::str::from_utf8(record.value), self.files.remove(key)) {
                    self.files.insert(to.to_owned(), meta);
                    if let Some(draft) = self.drafts.remove(key) {
                        self.drafts.insert(to.to_owned(), draft);
                    }
                }
            }
            Op::PutDraft => {
                self.drafts.insert(key.to_owned(), value);
            }
            Op::RemoveDraft => {
                self.drafts.remove(key);
            }
            Op::PutSetting => {
                self.settings.insert(key.to_owned(), value);
            }
            Op::RemoveSetting => {
                self.settings.remove(key);
            }
            Op::PutDerived | Op::RemoveDerived | Op::Commit => {}
        }
    }

    fn live_bytes(&self) -> u64 {
        self.files.iter().map(|(k, m)| m.bytes + FILE_HEAD + k.len() as u64 + 11).sum::<u64>()
            + self.drafts.iter().chain(&self.settings).map(|(k, v)| v.len + k.len() as u64 + 11).sum::<u64>()
    }
}

fn file_meta(value: &[u8], value_at: u64) -> Option<FileMeta> {
    let (mtime, rest) = value.split_first_chunk::<8>()?;
    let (hash, content) = rest.split_first_chunk::<16>()?;
    Some(FileMeta {
        hash: ContentHash(*hash),
        bytes: content.len() as u64,
        mtime_ms: u64::from_le_bytes(*mtime),
        at: value_at + FILE_HEAD,
    })
}

impl<D: Disk> Workspace<D> {
    /// Open a workspace, new or kept, as it was at its last completed commit (or at the one under way in a crash).
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a later Alcove wrote the user data, before anything is written; disk failures.
    /// Damage is no error: what can be read is there, and [`Recovery`] says what cannot.
    pub fn open(mut disk: D) -> Result<(Self, Recovery), StoreError> {
        let mut recovery = Recovery::default();
        let mut user = User::default();
        let (user_log, damage) =
            Log::open(&disk, [FileId::UserA, FileId::UserB], |record, at| user.apply(record, at))?;
        describe(&damage, &mut recovery.notices);
        let mut derived = BTreeMap::new();
        let files = [FileId::DerivedA, FileId::DerivedB];
        let opened = Log::open(&disk, files, |record, at| match record.op {
            Op::PutDerived => {
                derived.insert(record.key.to_vec(), Value { at, len: record.value.len() as u64 });
            }
            Op::RemoveDerived => {
                derived.remove(record.key);
            }
            _ => {}
        });
        let derived_log = match opened {
            Ok((log, damage)) if damage.is_none() => log,
            // Damaged, or of another version: it can all be made again.
            Ok(_) | Err(StoreError::Newer { .. }) => {
                derived.clear();
                recovery.derived_dropped = true;
                Log::fresh(&mut disk, files)?
            }
            Err(err) => return Err(err),
        };
        Ok((Self { disk, user_log, derived_log, user, derived }, recovery))
    }

    /// The disk, for tests.
    pub fn disk_mut(&mut self) -> &mut D {
        &mut self.disk
    }

    /// Give the disk back, uncommitted writes and all.
    pub fn into_disk(self) -> D {
        self.disk
    }

    /// Stored files in order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &FileMeta)> {
        self.user.files.iter().map(|(path, meta)| (path.as_str(), meta))
    }

    /// What is known of one file.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&FileMeta> {
        self.user.files.get(path)
    }

    /// Put a file, new or again.
    ///
    /// # Errors
    /// [`StoreError::Path`]; disk failures, after which the workspace is as before the call.
    pub fn put_file(&mut self, path: &str, bytes: &[u8], mtime_ms: u64) -> Result<(), StoreError> {
        check_path(path)?;
        let hash = ContentHash::of(bytes);
        let value: [&[u8]; 3] = [&mtime_ms.to_le_bytes(), &hash.0, bytes];
        let at = self.user_log.append(&mut self.disk, Op::PutFile, path.as_bytes(), &value)?;
        let meta = FileMeta { hash, bytes: bytes.len() as u64, mtime_ms, at: at + FILE_HEAD };
        self.user.files.insert(path.to_owned(), meta);
        Ok(())
    }

    /// Content of a file.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Damaged`] when the bytes no longer have the hash they were stored with;
    /// disk failures.
    pub fn read_file(&self, path: &str) -> Result<Vec<u8>, StoreError> {
        let meta = self.user.files.get(path).ok_or_else(|| StoreError::NotFound(path.to_owned()))?;
        let bytes = self.read(self.user_log.file(), Value { at: meta.at, len: meta.bytes })?;
        if ContentHash::of(&bytes) == meta.hash {
            Ok(bytes)
        } else {
            Err(StoreError::Damaged { file: self.user_log.file(), at: meta.at })
        }
    }

    /// Remove a file and its unsaved edit. Nothing happens when there is none.
    ///
    /// # Errors
    /// Disk failures.
    pub fn remove_file(&mut self, path: &str) -> Result<(), StoreError> {
        if self.user.files.contains_key(path) {
            self.user_log.append(&mut self.disk, Op::RemoveFile, path.as_bytes(), &[])?;
            self.user.files.remove(path);
        }
        self.remove_draft(path)
    }

    /// Give a file another path, over whatever is there. Its unsaved edit goes along.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Path`], disk failures.
    pub fn rename_file(&mut self, from: &str, to: &str) -> Result<(), StoreError> {
        check_path(to)?;
        let meta = *self.user.files.get(from).ok_or_else(|| StoreError::NotFound(from.to_owned()))?;
        self.user_log.append(&mut self.disk, Op::RenameFile, from.as_bytes(), &[to.as_bytes()])?;
        self.user.files.remove(from);
        self.user.files.insert(to.to_owned(), meta);
        if let Some(draft) = self.user.drafts.remove(from) {
            self.user.drafts.insert(to.to_owned(), draft);
        }
        Ok(())
    }

    /// Keep an unsaved edit.
    ///
    /// # Errors
    /// [`StoreError::Path`], disk failures.
    pub fn put_draft(&mut self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        check_path(path)?;
        let at = self.user_log.append(&mut self.disk, Op::PutDraft, path.as_bytes(), &[bytes])?;
        self.user.drafts.insert(path.to_owned(), Value { at, len: bytes.len() as u64 });
        Ok(())
    }

    /// The unsaved edit of a file.
    ///
    /// # Errors
    /// Disk failures.
    pub fn draft(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.user.drafts.get(path).map(|value| self.read(self.user_log.file(), *value)).transpose()
    }

    /// True when an unsaved edit is kept for this path.
    #[must_use]
    pub fn has_draft(&self, path: &str) -> bool {
        self.user.drafts.contains_key(path)
    }

    /// Paths with an unsaved edit.
    pub fn drafts(&self) -> impl Iterator<Item = &str> {
        self.user.drafts.keys().map(String::as_str)
    }

    /// Forget an unsaved edit. Nothing happens when there is none.
    ///
    /// # Errors
    /// Disk failures.
    pub fn remove_draft(&mut self, path: &str) -> Result<(), StoreError> {
        if self.user.drafts.contains_key(path) {
            self.user_log.append(&mut self.disk, Op::RemoveDraft, path.as_bytes(), &[])?;
            self.user.drafts.remove(path);
        }
        Ok(())
    }

    /// Keep a setting, or remove it with `None`.
    ///
    /// # Errors
    /// Disk failures.
    pub fn put_setting(&mut self, key: &str, value: Option<&str>) -> Result<(), StoreError> {
        match value {
            Some(value) => {
                let bytes = value.as_bytes();
                let at = self.user_log.append(&mut self.disk, Op::PutSetting, key.as_bytes(), &[bytes])?;
                self.user.settings.insert(key.to_owned(), Value { at, len: bytes.len() as u64 });
            }
            None if self.user.settings.contains_key(key) => {
                self.user_log.append(&mut self.disk, Op::RemoveSetting, key.as_bytes(), &[])?;
                self.user.settings.remove(key);
            }
            None => {}
        }
        Ok(())
    }

    /// A setting.
    ///
    /// # Errors
    /// Disk failures.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        let Some(value) = self.user.settings.get(key) else { return Ok(None) };
        let bytes = self.read(self.user_log.file(), *value)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Every setting with its value.
    ///
    /// # Errors
    /// Disk failures.
    pub fn settings(&self) -> Result<Vec<(String, String)>, StoreError> {
        let keys = self.user.settings.keys().filter(|key| *key != NAME);
        keys.map(|key| Ok((key.clone(), self.setting(key)?.unwrap_or_default()))).collect()
    }

    /// Name of the workspace; `None` when it was never given one.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.setting(NAME).ok().flatten()
    }

    /// Give the workspace a name.
    ///
    /// # Errors
    /// Disk failures.
    pub fn set_name(&mut self, name: &str) -> Result<(), StoreError> {
        self.put_setting(NAME, Some(name))
    }

    /// Keep a derived value.
    ///
    /// # Errors
    /// Disk failures.
    pub fn put_derived(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let at = self.derived_log.append(&mut self.disk, Op::PutDerived, key, &[value])?;
        self.derived.insert(key.to_vec(), Value { at, len: value.len() as u64 });
        Ok(())
    }

    /// A derived value.
    ///
    /// # Errors
    /// Disk failures.
    pub fn derived(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.derived.get(key).map(|value| self.read(self.derived_log.file(), *value)).transpose()
    }

    /// Keys of the derived values, in order.
    pub fn derived_keys(&self) -> impl Iterator<Item = &[u8]> {
        self.derived.keys().map(Vec::as_slice)
    }

    /// Remove a derived value. Nothing happens when there is none.
    ///
    /// # Errors
    /// Disk failures.
    pub fn remove_derived(&mut self, key: &[u8]) -> Result<(), StoreError> {
        if self.derived.contains_key(key) {
            self.derived_log.append(&mut self.disk, Op::RemoveDerived, key, &[])?;
            self.derived.remove(key);
        }
        Ok(())
    }

    /// Throw every derived value away, at once and durably.
    ///
    /// # Errors
    /// Disk failures.
    pub fn drop_derived(&mut self) -> Result<(), StoreError> {
        self.derived.clear();
        self.derived_log.reset(&mut self.disk)
    }

    /// The durable point: when this returns, everything put before survives any crash. User data goes first.
    ///
    /// # Errors
    /// Disk failures, after which what was put is still readable and the next commit tries again.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        self.user_log.commit(&mut self.disk)?;
        self.derived_log.commit(&mut self.disk)
    }

    /// Bytes that this workspace takes on the disk.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        FileId::ALL.iter().map(|file| self.disk.len(*file).unwrap_or(0)).sum()
    }

    fn derived_live_bytes(&self) -> u64 {
        self.derived.iter().map(|(k, v)| v.len + k.len() as u64 + 11).sum()
    }

    /// True when a log is mostly made of what was overwritten or removed.
    #[must_use]
    pub fn wants_compaction(&self) -> bool {
        let wants = |log: &Log, live: u64| log.len() - DATA_AT > 2 * live + SLACK_BYTES;
        wants(&self.user_log, self.user.live_bytes()) || wants(&self.derived_log, self.derived_live_bytes())
    }

    /// Copy what lives into fresh files. Commits first.
    ///
    /// # Errors
    /// Disk failures, after which the workspace is as before.
    pub fn compact(&mut self) -> Result<(), StoreError> {
        let user = &self.user;
        let mut live: Vec<(Op, Vec<u8>, u64, u64)> = Vec::new();
        for (path, meta) in &user.files {
            live.push((Op::PutFile, path.clone().into_bytes(), meta.at - FILE_HEAD, meta.bytes + FILE_HEAD));
        }
        live.extend(user.drafts.iter().map(|(k, v)| (Op::PutDraft, k.clone().into_bytes(), v.at, v.len)));
        live.extend(user.settings.iter().map(|(k, v)| (Op::PutSetting, k.clone().into_bytes(), v.at, v.len)));
        let positions = self.user_log.compact(&mut self.disk, &live)?;
        let mut moved = positions.into_iter();
        for meta in self.user.files.values_mut() {
            meta.at = moved.next().unwrap_or(0) + FILE_HEAD;
        }
        for value in self.user.drafts.values_mut().chain(self.user.settings.values_mut()) {
            value.at = moved.next().unwrap_or(0);
        }
        let live: Vec<_> =
            self.derived.iter().map(|(k, v)| (Op::PutDerived, k.clone(), v.at, v.len)).collect();
        let positions = self.derived_log.compact(&mut self.disk, &live)?;
        for (value, at) in self.derived.values_mut().zip(positions) {
            value.at = at;
        }
        Ok(())
    }

    fn read(&self, file: FileId, value: Value) -> Result<Vec<u8>, StoreError> {
        let len = usize::try_from(value.len).map_err(|_| StoreError::TooLarge { len: value.len })?;
        let mut bytes = vec![0; len];
        self.disk.read(file, value.at, &mut bytes)?;
        Ok(bytes)
    }
}

fn describe(damage: &Damage, notices: &mut Vec<String>) {
    if !damage.records.is_empty() {
        notices.push(format!(
            "{} saved record(s) of this workspace are damaged and were left out. Compare with your own copy of the files.",
            damage.records.len()
        ));
    }
    if damage.cut_short {
        notices.push(
            "The end of this workspace's storage is damaged: what was saved last may be missing. Compare with your own \
             copy of the files."
                .into(),
        );
    }
}
