//! What stands outside of Alcove for each file: on the disk that the workspace came from, as far as it is known.
//!
//! This is the one truth from which follow what the disk lacks, what is a conflict when a folder is opened again, and
//! which files went from the disk. It is a setting per file in the user log, and most files have none: no setting means
//! that outside stands what is stored here, which is also what workspaces of before this was noted are taken for.

use std::collections::{BTreeMap, HashSet};

use protocol::{BatchOf, DiskState};
use store::{ContentHash, Disk, StoreError, Workspace};

/// Before the path in the name of the setting.
const PREFIX: &str = "disk/";

/// A file that is not what stands outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Differs {
    /// What the disk is known to have; `None` when it has no such file.
    pub(crate) disk: Option<ContentHash>,
    /// What is stored was saved here and is nowhere else. Otherwise it was brought, but not from the disk.
    pub(crate) edited: bool,
}

/// What to do with a file that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new.
    Add,
    /// It replaces what is stored, which stands outside as well.
    Replace,
    /// It is stored already.
    Same,
    /// The disk has what it had: what is stored was saved since and stays.
    Newer,
    /// It changed here and outside: what is stored stays until a person decides.
    Conflict,
}

/// The files that are not what stands outside, by path.
#[derive(Debug, Default)]
pub(crate) struct Outside(BTreeMap<String, Differs>);

impl Outside {
    /// Read it back.
    pub(crate) fn load<D: Disk>(store: &Workspace<D>) -> Result<Self, StoreError> {
        let mut read = BTreeMap::new();
        for key in store.setting_keys(PREFIX) {
            let path = key.strip_prefix(PREFIX).filter(|path| store.file(path).is_some());
            let value = store.setting(key)?;
            if let (Some(path), Some(differs)) = (path, value.as_deref().and_then(Differs::read)) {
                read.insert(path.to_owned(), differs);
            }
        }
        Ok(Self(read))
    }

    /// The files that the disk lacks, and whether they were saved here.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|(path, differs)| (path.as_str(), differs.edited))
    }

    /// Their number.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What is known of one file; `None` when outside stands what is stored.
    pub(crate) fn get(&self, path: &str) -> Option<Differs> {
        self.0.get(path).copied()
    }

    /// Note it, in the store as well.
    pub(crate) fn set<D: Disk>(
        &mut self,
        store: &mut Workspace<D>,
        path: &str,
        differs: Option<Differs>,
    ) -> Result<(), StoreError> {
        if self.get(path) == differs {
            return Ok(());
        }
        store.put_setting(&format!("{PREFIX}{path}"), differs.map(Differs::write).as_deref())?;
        match differs {
            Some(differs) => self.0.insert(path.to_owned(), differs),
            None => self.0.remove(path),
        };
        Ok(())
    }

    /// A file was saved here: `before` was stored until then.
    pub(crate) fn saved<D: Disk>(
        &mut self,
        store: &mut Workspace<D>,
        path: &str,
        before: Option<ContentHash>,
        now: ContentHash,
    ) -> Result<(), StoreError> {
        if before == Some(now) {
            return Ok(());
        }
        let disk = self.get(path).map_or(before, |differs| differs.disk);
        let differs = (disk != Some(now)).then_some(Differs { disk, edited: true });
        self.set(store, path, differs)
    }

    /// The disk has `written` now, while `stored` is here.
    pub(crate) fn written<D: Disk>(
        &mut self,
        store: &mut Workspace<D>,
        path: &str,
        stored: ContentHash,
        written: ContentHash,
    ) -> Result<(), StoreError> {
        let edited = self.get(path).is_none_or(|differs| differs.edited);
        let differs = (stored != written).then_some(Differs { disk: Some(written), edited });
        self.set(store, path, differs)
    }

    /// A file came in, after [`Outside::judge`] let it: `before` was stored until then.
    pub(crate) fn took<D: Disk>(
        &mut self,
        store: &mut Workspace<D>,
        path: &str,
        from: &BatchOf,
        before: Option<ContentHash>,
        now: ContentHash,
    ) -> Result<(), StoreError> {
        let from_disk = matches!(from, BatchOf::Folder { .. } | BatchOf::Chosen { on_disk: true });
        let differs = if from_disk {
            None
        } else {
            let disk = self.get(path).map_or(before, |differs| differs.disk);
            (disk != Some(now)).then_some(Differs { disk, edited: false })
        };
        self.set(store, path, differs)
    }

    /// What to do with a file that comes in while `stored` is there.
    pub(crate) fn judge(
        &self,
        path: &str,
        stored: Option<ContentHash>,
        incoming: ContentHash,
        from: &BatchOf,
    ) -> Verdict {
        let Some(stored) = stored else { return Verdict::Add };
        if stored == incoming {
            return Verdict::Same;
        }
        match (from, self.get(path)) {
            (BatchOf::Chosen { .. }, _) | (_, None) => Verdict::Replace,
            (BatchOf::Loose, Some(differs)) if !differs.edited => Verdict::Replace,
            (_, Some(differs)) if differs.disk == Some(incoming) => Verdict::Newer,
            (_, Some(_)) => Verdict::Conflict,
        }
    }

    /// What a file on disk with this content is to one that is stored.
    pub(crate) fn compare(&self, path: &str, stored: ContentHash, there: Option<ContentHash>) -> DiskState {
        let known = self.get(path).map_or(Some(stored), |differs| differs.disk);
        match there {
            Some(there) if there == stored => DiskState::Same,
            Some(there) if known != Some(there) => DiskState::Changed,
            // A file that went from the disk holds nothing that could be lost there.
            _ => DiskState::Behind,
        }
    }
}

impl Differs {
    fn write(self) -> String {
        let how = if self.edited { "edited" } else { "brought" };
        match self.disk {
            Some(hash) => format!("{how} {hash:?}"),
            None => format!("{how} -"),
        }
    }

    fn read(value: &str) -> Option<Self> {
        let (how, hash) = value.split_once(' ')?;
        let disk = match hash {
            "-" => None,
            hash => Some(ContentHash(u128::from_str_radix(hash, 16).ok()?.to_be_bytes())),
        };
        Some(Self { disk, edited: how == "edited" })
    }
}

/// What one import of a whole folder met there, from its first batch to its last.
#[derive(Debug)]
pub(crate) struct Met {
    next_batch: u32,
    paths: HashSet<String>,
    /// With a slash at the end; nothing is known of what is below them.
    folders: Vec<String>,
}

impl Met {
    /// Take in one batch. `None` when it does not follow on those before: this worker was restarted in between, or this
    /// is no whole folder, and nobody knows what the rest was.
    pub(crate) fn follow<'a>(
        met: Option<Self>,
        of: &BatchOf,
        paths: impl Iterator<Item = &'a str>,
    ) -> Option<Self> {
        let BatchOf::Folder { batch, left_out } = of else { return None };
        let mut met = match met {
            _ if *batch == 0 => Self { next_batch: 0, paths: HashSet::new(), folders: Vec::new() },
            Some(met) if met.next_batch == *batch => met,
            _ => return None,
        };
        met.next_batch = batch + 1;
        met.paths.extend(paths.map(str::to_owned));
        for path in left_out {
            if path.ends_with('/') {
                met.folders.push(path.clone());
            } else {
                met.paths.insert(path.clone());
            }
        }
        Some(met)
    }

    /// True when the folder has this file, or may have it.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.paths.contains(path)
            || self.folders.iter().any(|folder| folder == "/" || path.starts_with(folder.as_str()))
    }
}
