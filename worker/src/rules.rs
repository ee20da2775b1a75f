//! `.gitignore` semantics over the files of an import, with the matcher of the `ignore` crate that ripgrep uses.

use std::collections::BTreeMap;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The ignore files seen so far, by the folder that they stand in (`""` is the root).
#[derive(Debug, Default)]
pub(crate) struct Rules {
    by_folder: BTreeMap<String, Folder>,
}

/// The ignore files of one folder: their lines by name, and the matcher over all of them.
#[derive(Debug)]
struct Folder {
    lines: BTreeMap<String, String>,
    matcher: Gitignore,
}

/// True when this path is an ignore file whose lines [`Rules::add`] wants.
pub(crate) fn is_ignore_file(path: &str) -> bool {
    matches!(name(path), ".gitignore" | ".ignore")
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn parent(path: &str) -> Option<&str> {
    if path.is_empty() { None } else { Some(path.rsplit_once('/').map_or("", |(folder, _)| folder)) }
}

impl Rules {
    /// Take in the lines of one ignore file. Lines that are no valid pattern are passed over, as git does.
    pub(crate) fn add(&mut self, path: &str, text: &str) {
        let folder = self
            .by_folder
            .entry(parent(path).unwrap_or("").to_owned())
            .or_insert_with(|| Folder { lines: BTreeMap::new(), matcher: Gitignore::empty() });
        folder.lines.insert(name(path).to_owned(), text.to_owned());
        // The matcher resolves patterns against a root; ours are relative to the folder of the ignore file.
        let mut builder = GitignoreBuilder::new("");
        for line in folder.lines.values().flat_map(|text| text.lines()) {
            let _invalid_pattern = builder.add_line(None, line);
        }
        if let Ok(matcher) = builder.build() {
            folder.matcher = matcher;
        }
    }

    /// True when git would leave this file out: a rule matches it or one of the folders above it, deeper ignore
    /// files win over higher ones, and nothing inside an ignored folder can be taken back in. `.git` itself is never
    /// part of a workspace.
    pub(crate) fn ignores(&self, path: &str) -> bool {
        let mut end = 0;
        while let Some(slash) = path[end..].find('/') {
            let folder = &path[..end + slash];
            if name(folder) == ".git" || self.decide(folder, true) {
                return true;
            }
            end += slash + 1;
        }
        name(path) == ".git" || self.decide(path, false)
    }

    /// What the ignore files say of this one path, not looking at the folders above it.
    fn decide(&self, path: &str, is_dir: bool) -> bool {
        let mut folder = parent(path);
        while let Some(at) = folder {
            if let Some(rules) = self.by_folder.get(at) {
                let relative = if at.is_empty() { path } else { &path[at.len() + 1..] };
                match rules.matcher.matched(relative, is_dir) {
                    ignore::Match::Ignore(_) => return true,
                    ignore::Match::Whitelist(_) => return false,
                    ignore::Match::None => {}
                }
            }
            folder = parent(at);
        }
        false
    }

    /// True when no ignore file was seen.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_folder.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_follow_git() {
        let mut rules = Rules::default();
        rules.add(".gitignore", "target/\n*.log\n!keep.log\n/only_root\nbad[\n");
        rules.add("sub/.gitignore", "*.tmp\n!important.tmp\n/local\n!*.log\n");
        let table = [
            ("target/debug/x", true),
            ("a/target/x", true),
            ("target", false),
            ("a.log", true),
            ("keep.log", false),
            ("only_root", true),
            ("a/only_root", false),
            ("sub/x.tmp", true),
            ("sub/important.tmp", false),
            ("x.tmp", false),
            ("sub/local", true),
            ("sub/deep/local", false),
            ("sub/x.log", false),
            (".git/config", true),
            ("a/.git/hooks/pre-commit", true),
            (".github/workflows/ci.yml", false),
            ("src/main.rs", false),
        ];
        for (path, ignored) in table {
            assert_eq!(rules.ignores(path), ignored, "{path}");
        }
    }

    #[test]
    fn two_ignore_files_of_one_folder_add_up() {
        let mut rules = Rules::default();
        rules.add(".gitignore", "*.log\n");
        rules.add(".ignore", "*.tmp\n");
        rules.add(".gitignore", "*.bak\n");
        assert!(rules.ignores("a.tmp") && rules.ignores("a.bak") && !rules.ignores("a.log"));
    }

    #[test]
    fn a_file_inside_an_ignored_folder_cannot_come_back() {
        let mut rules = Rules::default();
        rules.add(".gitignore", "build/\n!build/keep.txt\n");
        assert!(rules.ignores("build/keep.txt"));
    }
}
