//! The file tree: folders made from the sorted paths of the engine, and the rows that are visible for a set of open
//! folders. Made for 100,000 files: one pass to build, one pass over what is open to lay out, no recursion per file.

use std::cmp::Ordering;
use std::collections::HashSet;

use protocol::{ContentKind, FileInfo};

/// Index of a node.
pub type NodeId = u32;

/// A file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Whole path; for a folder without a trailing `/`.
    pub path: String,
    /// Byte at which the last component of `path` starts.
    name_at: usize,
    /// The folder that it lies in; `None` at the top.
    pub parent: Option<NodeId>,
    /// Number of folders above it.
    pub depth: u16,
    /// What it is.
    pub kind: NodeKind,
}

impl Node {
    /// Last component of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.get(self.name_at..).unwrap_or(&self.path)
    }

    /// True for a folder.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        matches!(self.kind, NodeKind::Folder { .. })
    }
}

/// The two kinds of node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Its children, folders first, then by name without regard to case.
    Folder {
        /// Ids of the children.
        children: Vec<NodeId>,
    },
    /// A file.
    File {
        /// What its bytes are.
        content: ContentKind,
        /// An unsaved edit is kept for it.
        has_draft: bool,
    },
}

/// The tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    nodes: Vec<Node>,
    top: Vec<NodeId>,
}

impl Tree {
    /// Build from the file list. It need not be sorted, but sorted lists build fastest.
    #[must_use]
    pub fn new(files: &[FileInfo]) -> Self {
        let mut tree = Self { nodes: Vec::with_capacity(files.len() + files.len() / 4), top: Vec::new() };
        // The folders that lead to the file before: neighbours in a sorted list share most of them.
        let mut open: Vec<NodeId> = Vec::new();
        let mut known: std::collections::HashMap<String, NodeId> = std::collections::HashMap::new();
        for file in files {
            let name_at = file.path.rfind('/').map_or(0, |at| at + 1);
            let folder = &file.path[..name_at.saturating_sub(1)];
            let parent = tree.folder(folder, &mut open, &mut known);
            let kind = NodeKind::File { content: file.content, has_draft: file.has_draft };
            tree.push(Node { path: file.path.clone(), name_at, parent, depth: 0, kind });
        }
        tree.sort();
        tree
    }

    fn folder(
        &mut self,
        path: &str,
        open: &mut Vec<NodeId>,
        known: &mut std::collections::HashMap<String, NodeId>,
    ) -> Option<NodeId> {
        if path.is_empty() {
            return None;
        }
        while let Some(&last) = open.last() {
            let candidate = &self.nodes[last as usize].path;
            if path == candidate {
                return Some(last);
            }
            if path.len() > candidate.len()
                && path.starts_with(candidate.as_str())
                && path.as_bytes()[candidate.len()] == b'/'
            {
                break;
            }
            open.pop();
        }
        let mut parent = open.last().copied();
        let mut at = parent.map_or(0, |p| self.nodes[p as usize].path.len() + 1);
        while at <= path.len() {
            let end = path[at..].find('/').map_or(path.len(), |n| at + n);
            let id = match known.get(&path[..end]) {
                Some(&id) => id,
                None => {
                    let kind = NodeKind::Folder { children: Vec::new() };
                    let id =
                        self.push(Node { path: path[..end].to_owned(), name_at: at, parent, depth: 0, kind });
                    known.insert(path[..end].to_owned(), id);
                    id
                }
            };
            open.push(id);
            parent = Some(id);
            at = end + 1;
        }
        parent
    }

    fn push(&mut self, mut node: Node) -> NodeId {
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
        match node.parent {
            None => self.top.push(id),
            Some(parent) => {
                let parent = &mut self.nodes[parent as usize];
                node.depth = parent.depth.saturating_add(1);
                if let NodeKind::Folder { children } = &mut parent.kind {
                    children.push(id);
                }
            }
        }
        self.nodes.push(node);
        id
    }

    fn sort(&mut self) {
        let mut top = std::mem::take(&mut self.top);
        top.sort_by(|&a, &b| self.compare(a, b));
        self.top = top;
        for at in 0..self.nodes.len() {
            let NodeKind::Folder { children } = &mut self.nodes[at].kind else { continue };
            let mut children = std::mem::take(children);
            children.sort_by(|&a, &b| self.compare(a, b));
            self.nodes[at].kind = NodeKind::Folder { children };
        }
    }

    fn compare(&self, a: NodeId, b: NodeId) -> Ordering {
        let (a, b) = (&self.nodes[a as usize], &self.nodes[b as usize]);
        b.is_folder().cmp(&a.is_folder()).then_with(|| natural(a.name(), b.name()))
    }

    /// A node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    /// The nodes at the top.
    #[must_use]
    pub fn top(&self) -> &[NodeId] {
        &self.top
    }

    /// True when there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Ids of the rows to show, in order, when the folders in `open` are open.
    #[must_use]
    pub fn rows(&self, open: &HashSet<String>) -> Vec<NodeId> {
        let mut rows = Vec::new();
        let mut stack: Vec<NodeId> = self.top.iter().rev().copied().collect();
        while let Some(id) = stack.pop() {
            rows.push(id);
            let node = &self.nodes[id as usize];
            if let NodeKind::Folder { children } = &node.kind
                && open.contains(&node.path)
            {
                stack.extend(children.iter().rev());
            }
        }
        rows
    }
}

/// Every folder above a path, outermost first.
#[must_use]
pub fn ancestors(path: &str) -> Vec<String> {
    path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect()
}

/// Last component of a path.
#[must_use]
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The folder of a path, empty at the top.
#[must_use]
pub fn folder_of(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..at])
}

/// Compare as people do: without regard to case, and runs of digits by their value.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.chars().peekable(), b.chars().peekable());
    loop {
        match (left.peek().copied(), right.peek().copied()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let order = number(&mut left).cmp(&number(&mut right));
                if order != Ordering::Equal {
                    return order;
                }
            }
            (Some(x), Some(y)) => {
                let order = x.to_lowercase().cmp(y.to_lowercase());
                if order != Ordering::Equal {
                    return order;
                }
                left.next();
                right.next();
            }
        }
    }
}

/// Takes a run of digits; its length without leading zeros comes first, so that any number of digits compares right.
fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> (usize, String) {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        if !(digits.is_empty() && digit == '0') {
            digits.push(digit);
        }
    }
    (digits.len(), digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> Tree {
        let files: Vec<FileInfo> = paths
            .iter()
            .map(|path| FileInfo {
                path: (*path).to_owned(),
                bytes: 1,
                mtime_ms: 0,
                content: ContentKind::Text,
                language: "plaintext".into(),
                has_draft: false,
            })
            .collect();
        Tree::new(&files)
    }

    fn shown(tree: &Tree, open: &[&str]) -> Vec<String> {
        let open: HashSet<String> = open.iter().map(|p| (*p).to_owned()).collect();
        tree.rows(&open).iter().filter_map(|&id| tree.node(id)).map(|node| node.path.clone()).collect()
    }

    #[test]
    fn folders_come_first_and_open_on_demand() {
        let tree = tree(&["README.md", "src/a.rs", "src/ui/b.rs", "z.txt"]);
        assert_eq!(shown(&tree, &[]), ["src", "README.md", "z.txt"]);
        assert_eq!(shown(&tree, &["src"]), ["src", "src/ui", "src/a.rs", "README.md", "z.txt"]);
        // A folder that is open inside a closed one shows nothing.
        assert_eq!(shown(&tree, &["src/ui"]), ["src", "README.md", "z.txt"]);
    }

    #[test]
    fn unsorted_input_and_shared_prefixes_make_each_folder_once() {
        let tree = tree(&["a/b/1", "ab/2", "a/3", "a/b/c/4", "a/b/5"]);
        assert_eq!(
            shown(&tree, &["a", "ab", "a/b", "a/b/c"]),
            ["a", "a/b", "a/b/c", "a/b/c/4", "a/b/1", "a/b/5", "a/3", "ab", "ab/2"]
        );
    }

    #[test]
    fn depth_and_parent_follow_the_path() {
        let tree = tree(&["a/b/c.txt"]);
        let rows = tree.rows(&["a", "a/b"].map(str::to_owned).into_iter().collect());
        let depths: Vec<u16> = rows.iter().filter_map(|&id| tree.node(id)).map(|n| n.depth).collect();
        assert_eq!(depths, [0, 1, 2]);
        assert_eq!(tree.node(rows[2]).and_then(|n| n.parent), Some(rows[1]));
    }

    #[test]
    fn names_sort_as_people_expect() {
        let tree = tree(&["b.rs", "A.rs", "file10", "file9", "file09", "File2"]);
        assert_eq!(shown(&tree, &[]), ["A.rs", "b.rs", "File2", "file09", "file9", "file10"]);
    }

    #[test]
    fn a_hundred_thousand_files_are_laid_out() {
        let paths: Vec<String> =
            (0..100_000).map(|n| format!("pkg{}/mod{}/file{n}.rs", n % 50, n % 700)).collect();
        let refs: Vec<&str> = paths.iter().map(String::as_str).collect();
        let tree = tree(&refs);
        assert_eq!(shown(&tree, &[]).len(), 50);
        let every: HashSet<String> = paths.iter().flat_map(|p| ancestors(p)).collect();
        assert_eq!(tree.rows(&every).len(), 100_000 + every.len());
    }

    #[test]
    fn path_parts() {
        assert_eq!(ancestors("a/b/c"), ["a", "a/b"]);
        assert_eq!((file_name("a/b/c"), file_name("c")), ("c", "c"));
        assert_eq!((folder_of("a/b/c"), folder_of("c")), ("a/b", ""));
    }
}
