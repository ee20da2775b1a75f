//! A workspace: files, unsaved edits, settings and derived values over two logs.

use crate::content::ContentHash;
use crate::disk::{Disk, FileId};
use crate::error::StoreError;
use crate::live::{Derived, FileMeta, User, put, remove};
use crate::log::{Damage, Log};
use crate::path::check_path;
use crate::record::Op;

/// Setting that holds the name of the workspace; not listed among the settings.
const NAME: &str = "\0name";
/// mtime and hash before the content of a file.
const FILE_HEAD: usize = 24;
/// A log is worth compacting when it is this much longer than twice what lives in it.
const SLACK_BYTES: u64 = 4 << 20;

/// What opening found out; sentences for a person, empty after a clean start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// What happened and what it means.
    pub notices: Vec<String>,
    /// The derived data was thrown away; it will be gone from the disk with the next write.
    pub derived_dropped: bool,
}

/// Files, unsaved edits, settings and derived values of one workspace. In memory it holds only where they stand.
#[derive(Debug)]
pub struct Workspace<D> {
    disk: D,
    user_log: Log,
    derived_log: Log,
    user: User,
    derived: Derived,
}

impl<D: Disk> Workspace<D> {
    /// Open a workspace, new or kept, as it was at its last completed commit, or at one that was under way in a crash.
    /// Opening writes nothing.
    ///
    /// # Errors
    /// [`StoreError::Newer`] when a later Alcove wrote it; disk failures in the user log. Damage is no error: what can
    /// be read is there, and [`Recovery`] says that something is missing.
    pub fn open(disk: D) -> Result<(Self, Recovery), StoreError> {
        let mut recovery = Recovery::default();
        let mut user = User::default();
        let files = [FileId::UserA, FileId::UserB];
        let (user_log, damage) = Log::open(&disk, files, |record, place| user.apply(record, place))?;
        describe(damage, &mut recovery.notices);
        let mut derived = Derived::default();
        let files = [FileId::DerivedA, FileId::DerivedB];
        let derived_log = match Log::open(&disk, files, |record, place| derived.apply(record, place)) {
            Ok((log, damage)) if damage.is_none() => log,
            Err(err) if err.is_newer_version() => return Err(err),
            // Damaged or unreadable: it can all be made again.
            Ok(_) | Err(_) => {
                derived = Derived::default();
                recovery.derived_dropped = true;
                Log::empty(files, true)
            }
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
        let place = self.user_log.append(&mut self.disk, Op::PutFile, path.as_bytes(), &value)?;
        self.user.put_file(path, FileMeta { hash, bytes: bytes.len() as u64, mtime_ms, place });
        Ok(())
    }

    /// Content of a file.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Damaged`] when the bytes no longer have the hash they were stored with;
    /// disk failures.
    pub fn read_file(&self, path: &str) -> Result<Vec<u8>, StoreError> {
        let meta = self.user.files.get(path).ok_or_else(|| StoreError::NotFound(path.to_owned()))?;
        let mut bytes = self.user_log.value(&self.disk, meta.place)?;
        bytes.drain(..FILE_HEAD.min(bytes.len()));
        if ContentHash::of(&bytes) == meta.hash {
            Ok(bytes)
        } else {
            Err(StoreError::Damaged { file: self.user_log.file(), at: meta.place.at() })
        }
    }

    /// Remove a file and its unsaved edit. Nothing happens when there is none.
    ///
    /// # Errors
    /// Disk failures.
    pub fn remove_file(&mut self, path: &str) -> Result<(), StoreError> {
        if self.user.files.contains_key(path) {
            self.user_log.append(&mut self.disk, Op::RemoveFile, path.as_bytes(), &[])?;
            self.user.remove_file(path);
            return Ok(());
        }
        self.remove_draft(path)
    }

    /// Give a file another path, over whatever is there. Its unsaved edit goes along.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Path`], disk failures.
    pub fn rename_file(&mut self, from: &str, to: &str) -> Result<(), StoreError> {
        check_path(to)?;
        if !self.user.files.contains_key(from) {
            return Err(StoreError::NotFound(from.to_owned()));
        }
        self.user_log.append(&mut self.disk, Op::RenameFile, from.as_bytes(), &[to.as_bytes()])?;
        self.user.rename_file(from, to);
        Ok(())
    }

    /// Keep an unsaved edit.
    ///
    /// # Errors
    /// [`StoreError::Path`], disk failures.
    pub fn put_draft(&mut self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        check_path(path)?;
        let place = self.user_log.append(&mut self.disk, Op::PutDraft, path.as_bytes(), &[bytes])?;
        put(&mut self.user.drafts, path, place, &mut self.user.live_bytes);
        Ok(())
    }

    /// The unsaved edit of a file.
    ///
    /// # Errors
    /// Disk failures.
    pub fn draft(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.user.drafts.get(path).map(|place| self.user_log.value(&self.disk, *place)).transpose()
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
            remove(&mut self.user.drafts, path, &mut self.user.live_bytes);
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
                let value: [&[u8]; 1] = [value.as_bytes()];
                let place = self.user_log.append(&mut self.disk, Op::PutSetting, key.as_bytes(), &value)?;
                put(&mut self.user.settings, key, place, &mut self.user.live_bytes);
            }
            None if self.user.settings.contains_key(key) => {
                self.user_log.append(&mut self.disk, Op::RemoveSetting, key.as_bytes(), &[])?;
                remove(&mut self.user.settings, key, &mut self.user.live_bytes);
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
        let Some(place) = self.user.settings.get(key) else { return Ok(None) };
        let bytes = self.user_log.value(&self.disk, *place)?;
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

    /// Names of the settings that begin with `prefix`, in order, without reading any value.
    pub fn setting_keys(&self, prefix: &str) -> impl Iterator<Item = &str> {
        let from = self.user.settings.range(prefix.to_owned()..);
        from.map(|(key, _)| key.as_str()).take_while(move |key| key.starts_with(prefix))
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
        let place = self.derived_log.append(&mut self.disk, Op::PutDerived, key, &[value])?;
        put(&mut self.derived.values, key, place, &mut self.derived.live_bytes);
        Ok(())
    }

    /// A derived value.
    ///
    /// # Errors
    /// Disk failures.
    pub fn derived(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.derived.values.get(key).map(|place| self.derived_log.value(&self.disk, *place)).transpose()
    }

    /// Keys of the derived values, in order.
    pub fn derived_keys(&self) -> impl Iterator<Item = &[u8]> {
        self.derived.values.keys().map(Vec::as_slice)
    }

    /// Remove a derived value. Nothing happens when there is none.
    ///
    /// # Errors
    /// Disk failures.
    pub fn remove_derived(&mut self, key: &[u8]) -> Result<(), StoreError> {
        if self.derived.values.contains_key(key) {
            self.derived_log.append(&mut self.disk, Op::RemoveDerived, key, &[])?;
            remove(&mut self.derived.values, key, &mut self.derived.live_bytes);
        }
        Ok(())
    }

    /// Throw every derived value away, at once and durably.
    ///
    /// # Errors
    /// Disk failures, after which they are gone from this open workspace, and from the disk with the next write to it.
    pub fn drop_derived(&mut self) -> Result<(), StoreError> {
        self.derived = Derived::default();
        self.derived_log.reset(&mut self.disk)
    }

    /// The durable point: when this returns, everything put before survives any crash. User data goes first.
    ///
    /// # Errors
    /// Disk failures. What was put is still readable, and the next commit tries again. User data may be durable
    /// already when the failure was in the derived data; use [`Workspace::commit_user`] where that matters.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        self.commit_user()?;
        self.derived_log.commit(&mut self.disk)
    }

    /// The durable point of files, unsaved edits and settings alone: for a save that a person waits for.
    ///
    /// # Errors
    /// Disk failures, as in [`Workspace::commit`].
    pub fn commit_user(&mut self) -> Result<(), StoreError> {
        self.user_log.commit(&mut self.disk)
    }

    /// Bytes that this workspace takes on the disk.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        FileId::ALL.iter().map(|file| self.disk.len(*file).unwrap_or(0)).sum()
    }

    /// True when a log is mostly made of what was overwritten or removed.
    #[must_use]
    pub fn wants_compaction(&self) -> bool {
        wants(&self.user_log, self.user.live_bytes) || wants(&self.derived_log, self.derived.live_bytes)
    }

    /// Commit, then copy what lives into fresh files, for each log that wants it.
    ///
    /// # Errors
    /// Disk failures, also for want of room, after which everything is as before. [`StoreError::Damaged`] when bytes
    /// that were good on opening no longer are: nothing is copied then.
    pub fn compact(&mut self) -> Result<(), StoreError> {
        self.compact_where(wants)
    }

    /// [`Workspace::compact`] of both logs, wanted or not.
    ///
    /// # Errors
    /// As there.
    pub fn compact_all(&mut self) -> Result<(), StoreError> {
        self.compact_where(|_, _| true)
    }

    fn compact_where(&mut self, wants: impl Fn(&Log, u64) -> bool) -> Result<(), StoreError> {
        self.commit()?;
        if wants(&self.user_log, self.user.live_bytes) {
            let places = self.user_log.compact(&mut self.disk, self.user.live())?;
            self.user.moved(places);
        }
        if wants(&self.derived_log, self.derived.live_bytes) {
            let live =
                self.derived.values.iter().map(|(key, place)| (Op::PutDerived, key.as_slice(), *place));
            let places = self.derived_log.compact(&mut self.disk, live)?;
            self.derived.live_bytes = places.iter().map(|place| place.len()).sum();
            self.derived.values.values_mut().zip(places).for_each(|(old, new)| *old = new);
        }
        Ok(())
    }
}

fn wants(log: &Log, live_bytes: u64) -> bool {
    log.num_record_bytes() > 2 * live_bytes + SLACK_BYTES
}

fn describe(damage: Damage, notices: &mut Vec<String>) {
    if damage.num_spans > 0 {
        notices.push(format!(
            "The storage of this workspace is damaged in {} place(s), and what was saved there is missing. Compare with \
             your own copy of the files.",
            damage.num_spans
        ));
    }
    if damage.cut_short {
        notices.push(
            "The end of this workspace's storage is missing, and what was saved last may be too. Compare with your own \
             copy of the files."
                .into(),
        );
    }
}
