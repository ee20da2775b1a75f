//! Walking what was handed over: every file with its path, folders that are ignored left out early, nothing fatal.

use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::ignore::{Rules, is_ignore_file};
use super::pick::{Picked, Root};
use super::source::Source;

/// Folders nested deeper than this are taken for a link that leads in a circle.
const MAX_DEPTH: usize = 64;
/// Files and folders looked at in one walk; what comes after is not.
const MAX_VISITED: usize = 1_000_000;
/// Files asked for at once.
const AT_ONCE: usize = 128;
/// An ignore file longer than this is not read here; the engine still reads it.
const MAX_IGNORE_BYTES: f64 = 256.0 * 1024.0;

/// What a walk came upon.
#[derive(Clone, Debug)]
pub(super) enum Found {
    File(String, Source),
    /// A folder that an ignore file names, with a slash at its end; or a file below one.
    Ignored(String),
    Unreadable(String),
    /// Nested too deep; with a slash at its end.
    Loop(String),
    /// Folders that were not entered, and perhaps files beside them; `/` alone when it is not known which.
    TooMany(String),
}

/// A walk under way.
#[derive(Debug)]
pub(super) struct Walk {
    folders: Vec<(Root, String)>,
    files: Vec<(Root, String)>,
    rules: Rules,
    honour_ignore: bool,
    num_visited: usize,
}

impl Walk {
    pub(super) fn new(picked: &Picked, honour_ignore: bool) -> Self {
        let mut walk = Self {
            folders: Vec::new(),
            files: Vec::new(),
            rules: Rules::default(),
            honour_ignore,
            num_visited: 0,
        };
        if let [root] = picked.roots.as_slice()
            && root.is_folder()
        {
            walk.folders.push((root.clone(), String::new()));
            return walk;
        }
        for root in &picked.roots {
            let path = root.path();
            if root.is_folder() {
                walk.folders.push((root.clone(), path));
            } else {
                walk.files.push((root.clone(), path));
            }
        }
        // From the end they are taken; ignore files of higher folders must come before what they speak of.
        walk.files.sort_by(|(_, a), (_, b)| order(b).cmp(&order(a)));
        walk
    }

    /// The next few, or `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Vec<Found>> {
        if self.num_visited > MAX_VISITED {
            let is_over = self.files.is_empty() && self.folders.is_empty();
            self.files.clear();
            self.folders.clear();
            return (!is_over).then(|| vec![Found::TooMany("/".into())]);
        }
        if !self.files.is_empty() {
            let rest = self.files.len().saturating_sub(AT_ONCE);
            let now: Vec<_> = self.files.drain(rest..).rev().collect();
            return Some(self.take_files(now).await);
        }
        let (folder, path) = self.folders.pop()?;
        Some(self.enter(&folder, &path).await)
    }

    async fn enter(&mut self, folder: &Root, path: &str) -> Vec<Found> {
        let mut found = Vec::new();
        let (children, broken) = folder.children().await;
        if broken {
            found.push(Found::Unreadable(format!("{path}/")));
        }
        self.num_visited += children.len();
        let mut folders = Vec::new();
        for child in children {
            let name = child.name();
            let full = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            if child.is_folder() {
                folders.push((child, full));
            } else if self.honour_ignore && is_ignore_file(&name) {
                found.extend(self.take_files(vec![(child, full)]).await);
            } else {
                self.files.push((child, full));
            }
        }
        // The rules of this folder are known only now.
        for (child, full) in folders {
            let is_repository = full.rsplit('/').next() == Some(".git");
            if is_repository || self.honour_ignore && self.rules.ignores_folder(&full) {
                found.push(Found::Ignored(format!("{full}/")));
            } else if full.split('/').count() > MAX_DEPTH {
                found.push(Found::Loop(format!("{full}/")));
            } else {
                self.folders.push((child, full));
            }
        }
        found
    }

    async fn take_files(&mut self, items: Vec<(Root, String)>) -> Vec<Found> {
        let mut found = Vec::with_capacity(items.len());
        let files = all(items.iter().map(|(root, _)| root.file_promise())).await;
        for ((root, path), file) in items.into_iter().zip(files) {
            let file = match root {
                Root::Part(part) => Some(part.source()),
                _ => file.and_then(|file| file.dyn_into::<File>().ok()).map(Source::File),
            };
            let Some(file) = file else {
                found.push(Found::Unreadable(path));
                continue;
            };
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            let in_repository = path.starts_with(".git/") || path.contains("/.git/");
            if in_repository || self.honour_ignore && self.rules.ignores_below(folder) {
                found.push(Found::Ignored(path));
                continue;
            }
            if self.honour_ignore && is_ignore_file(name) && file.size() <= MAX_IGNORE_BYTES {
                // What cannot be read as text has no rules.
                if let Some(text) = file.text().await {
                    self.rules.add(folder, &text);
                }
            }
            found.push(Found::File(path, file));
        }
        found
    }
}

/// Ignore files first, higher folders before deeper ones.
fn order(path: &str) -> (bool, usize, &str) {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_ignore = is_ignore_file(name);
    (!is_ignore, if is_ignore { path.matches('/').count() } else { 0 }, path)
}

/// Wait for all of them; those that failed are `None`.
pub(super) async fn all(promises: impl Iterator<Item = Option<Promise>>) -> Vec<Option<JsValue>> {
    let none = || Promise::reject(&JsValue::NULL);
    let list: Array = promises.map(|promise| JsValue::from(promise.unwrap_or_else(none))).collect();
    let settled = JsFuture::from(Promise::all_settled(&list)).await;
    let Ok(settled) = settled.and_then(JsCast::dyn_into::<Array>) else {
        return vec![None; list.length() as usize];
    };
    let value = |result: JsValue| {
        let result: Object = result.dyn_into().ok()?;
        let fulfilled = Reflect::has(&result, &"value".into()).unwrap_or(false);
        if fulfilled { Reflect::get(&result, &"value".into()).ok() } else { None }
    };
    settled.iter().map(value).collect()
}

impl Root {
    /// The path under which a file that is not in a picked folder comes in.
    pub(super) fn path(&self) -> String {
        match self {
            Self::File(path, _) => path.clone(),
            Self::Part(part) => part.path.clone(),
            _ => self.name(),
        }
    }

    fn file_promise(&self) -> Option<Promise> {
        match self {
            Self::Handle(handle) => handle.get_file().ok(),
            Self::Entry(entry) => Some(Promise::new(&mut |ok, failed| entry.entry_file(&ok, &failed))),
            Self::File(_, file) => Some(Promise::resolve(&JsValue::from(file.clone()))),
            // There already.
            Self::Part(_) => Some(Promise::resolve(&JsValue::UNDEFINED)),
        }
    }

    async fn children(&self) -> (Vec<Self>, bool) {
        match self {
            Self::Handle(handle) => {
                let (children, broken) = handle.children().await;
                (children.into_iter().map(Self::Handle).collect(), broken)
            }
            Self::Entry(entry) => {
                let (children, broken) = entry.children().await;
                (children.into_iter().map(Self::Entry).collect(), broken)
            }
            Self::File(..) | Self::Part(_) => (Vec::new(), false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn ignore_files_come_first_and_from_the_top() {
        let mut paths = ["a/x.rs", "a/b/.gitignore", "node_modules/y", ".gitignore", "a/.ignore"];
        paths.sort_by(|a, b| order(a).cmp(&order(b)));
        assert_eq!(paths, [".gitignore", "a/.ignore", "a/b/.gitignore", "a/x.rs", "node_modules/y"]);
    }
}
