//! What a workspace must hold, kept beside it in plain maps.
//!
//! # What counts as right
//! The states of the user log and of the derived log are looked at apart. For each the model keeps the state of the
//! last commit that *completed* and the states of the commits *attempted* since (they returned an error, or the power
//! went off inside them). After a crash the log must be exactly in one of those states. Reopening makes the state that
//! was found the completed one; attempts stay possible until the next commit completes.
//! In an open workspace every call that returned an error must have changed nothing that can be read.

use std::collections::BTreeMap;

use crate::crash::{CrashDisk, Rng};
use crate::error::StoreError;
use crate::workspace::Workspace;

/// Files (content, mtime), unsaved edits and settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) files: BTreeMap<String, (Vec<u8>, u64)>,
    pub(crate) drafts: BTreeMap<String, Vec<u8>>,
    pub(crate) settings: BTreeMap<String, String>,
}

/// Derived values.
pub(crate) type Derived = BTreeMap<Vec<u8>, Vec<u8>>;

/// Completed and attempted states of one log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commits<S> {
    completed: S,
    attempted: Vec<S>,
}

impl<S: Clone + PartialEq> Commits<S> {
    fn record(&mut self, state: &S, result: &Result<(), StoreError>) {
        match result {
            Ok(()) => {
                self.completed = state.clone();
                self.attempted.clear();
            }
            Err(_) => self.attempted.push(state.clone()),
        }
    }

    fn allows(&self, state: &S) -> bool {
        self.completed == *state || self.attempted.contains(state)
    }
}

/// The whole model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) user: User,
    pub(crate) derived: Derived,
    user_commits: Commits<User>,
    derived_commits: Commits<Derived>,
}

/// Everything that can be read from the user log.
pub(crate) fn user_of<D: crate::Disk>(workspace: &Workspace<D>) -> Result<User, StoreError> {
    let mut user = User::default();
    for (path, meta) in workspace.files() {
        let bytes = workspace.read_file(path)?;
        assert_eq!(bytes.len() as u64, meta.bytes);
        user.files.insert(path.to_owned(), (bytes, meta.mtime_ms));
    }
    for path in workspace.drafts() {
        user.drafts.insert(path.to_owned(), workspace.draft(path)?.unwrap());
    }
    user.settings = workspace.settings()?.into_iter().collect();
    Ok(user)
}

/// Everything that can be read from the derived log.
pub(crate) fn derived_of<D: crate::Disk>(workspace: &Workspace<D>) -> Result<Derived, StoreError> {
    workspace.derived_keys().map(|key| Ok((key.to_vec(), workspace.derived(key)?.unwrap()))).collect()
}

const PATHS: [&str; 6] = ["a", "b.rs", "src/c.rs", "src/d/e.md", "größe", "f"];
const KEYS: [&str; 3] = ["theme", "tabs", "k"];

impl Model {
    /// Do one random thing to the workspace and to the model; gives what the workspace said.
    pub(crate) fn step(
        &mut self,
        workspace: &mut Workspace<CrashDisk>,
        rng: &mut Rng,
    ) -> Result<(), StoreError> {
        let path = PATHS[rng.below(6) as usize];
        let key = KEYS[rng.below(3) as usize];
        match rng.below(40) {
            0..10 => {
                let (bytes, mtime_ms) = (rng.bytes(), rng.below(1000));
                workspace.put_file(path, &bytes, mtime_ms)?;
                self.user.files.insert(path.into(), (bytes, mtime_ms));
            }
            10..13 => {
                workspace.remove_file(path)?;
                self.user.files.remove(path);
                self.user.drafts.remove(path);
            }
            13..16 => {
                let to = PATHS[rng.below(6) as usize];
                match workspace.rename_file(path, to) {
                    Err(StoreError::NotFound(_)) => assert!(!self.user.files.contains_key(path)),
                    result => {
                        result?;
                        let file = self.user.files.remove(path).unwrap();
                        self.user.files.insert(to.into(), file);
                        if let Some(draft) = self.user.drafts.remove(path) {
                            self.user.drafts.insert(to.into(), draft);
                        }
                    }
                }
            }
            16..20 => {
                let bytes = rng.bytes();
                workspace.put_draft(path, &bytes)?;
                self.user.drafts.insert(path.into(), bytes);
            }
            20..22 => {
                workspace.remove_draft(path)?;
                self.user.drafts.remove(path);
            }
            22..25 => {
                let value = rng.chance(70).then(|| rng.next().to_string());
                workspace.put_setting(key, value.as_deref())?;
                match value {
                    Some(value) => self.user.settings.insert(key.into(), value),
                    None => self.user.settings.remove(key),
                };
            }
            25..29 => {
                let bytes = rng.bytes();
                workspace.put_derived(key.as_bytes(), &bytes)?;
                self.derived.insert(key.into(), bytes);
            }
            29 => {
                workspace.remove_derived(key.as_bytes())?;
                self.derived.remove(key.as_bytes());
            }
            30 => {
                // Gone from the open workspace whatever the disk says.
                let result = workspace.drop_derived();
                self.derived.clear();
                self.derived_commits.record(&self.derived, &result);
                result?;
            }
            31..34 => {
                let result = workspace.compact_all();
                self.committed(&result);
                result?;
            }
            34..36 => {
                let result = workspace.commit_user();
                self.user_commits.record(&self.user, &result);
                result?;
            }
            _ => self.commit(workspace)?,
        }
        Ok(())
    }

    /// Commit both.
    pub(crate) fn commit(&mut self, workspace: &mut Workspace<CrashDisk>) -> Result<(), StoreError> {
        let result = workspace.commit();
        self.committed(&result);
        result
    }

    fn committed(&mut self, result: &Result<(), StoreError>) {
        self.user_commits.record(&self.user, result);
        self.derived_commits.record(&self.derived, result);
    }

    /// The open workspace reads as the model says.
    pub(crate) fn check_open(&self, workspace: &Workspace<CrashDisk>, what: &str) {
        assert_eq!(user_of(workspace).unwrap(), self.user, "{what}: user data");
        assert_eq!(derived_of(workspace).unwrap(), self.derived, "{what}: derived data");
    }

    /// The workspace opened after a crash is in a state that the model allows; the model goes on from there.
    pub(crate) fn check_reopened(&mut self, workspace: &Workspace<CrashDisk>, what: &str) {
        self.user = user_of(workspace).unwrap();
        self.derived = derived_of(workspace).unwrap();
        assert!(self.user_commits.allows(&self.user), "{what}: user data of no commit: {:#?}", self);
        assert!(self.derived_commits.allows(&self.derived), "{what}: derived data of no commit");
        self.user_commits.completed = self.user.clone();
        self.derived_commits.completed = self.derived.clone();
    }
}
