//! Which paths a workspace accepts.

use std::collections::BTreeMap;
use std::ops::Bound;

use thiserror::Error;

/// Longest path in bytes.
const MAX_BYTES: usize = 1024;
/// Most folders in a path.
const MAX_DEPTH: usize = 64;
/// Longest name of a file or folder in bytes; what file systems allow, so that a write-back works.
const MAX_NAME: usize = 255;

/// Why a path is not accepted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PathError {
    /// Nothing, or nothing between two slashes.
    #[error("it has an empty part")]
    Empty,
    /// Starts with a slash or a drive letter.
    #[error("it must be relative to the workspace")]
    Absolute,
    /// `.` or `..`.
    #[error("it must not contain “.” or “..”")]
    Dots,
    /// NUL, other control characters or a backslash.
    #[error("it contains a character that is not allowed")]
    Character,
    /// Too long as a whole or in a part.
    #[error("it is too long")]
    TooLong,
    /// Too many folders.
    #[error("it is too deep")]
    TooDeep,
}

/// Accept a relative path with `/` between its parts.
///
/// # Errors
/// See [`PathError`].
pub fn check_path(path: &str) -> Result<(), PathError> {
    if path.is_empty() {
        return Err(PathError::Empty);
    }
    if path.len() > MAX_BYTES {
        return Err(PathError::TooLong);
    }
    if path.starts_with('/')
        || (path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic())
    {
        return Err(PathError::Absolute);
    }
    if path.chars().any(|c| c.is_control() || c == '\\') {
        return Err(PathError::Character);
    }
    let mut depth = 0;
    for part in path.split('/') {
        depth += 1;
        match part {
            "" => return Err(PathError::Empty),
            "." | ".." => return Err(PathError::Dots),
            _ if part.len() > MAX_NAME => return Err(PathError::TooLong),
            _ => {}
        }
    }
    if depth > MAX_DEPTH { Err(PathError::TooDeep) } else { Ok(()) }
}

/// What stands in the way of a file at `path`: a file where a folder would have to be, or a folder of that name. On a disk
/// the two cannot be one.
#[must_use]
pub fn in_the_way<'a, V>(files: &'a BTreeMap<String, V>, path: &'a str) -> Option<&'a str> {
    let above = path.match_indices('/').map(|(at, _)| &path[..at]);
    above.into_iter().find(|folder| files.contains_key(*folder)).or_else(|| {
        let folder = format!("{path}/");
        let (below, _) =
            files.range::<str, _>((Bound::Included(folder.as_str()), Bound::Unbounded)).next()?;
        below.starts_with(&folder).then_some(path)
    })
}

/// Pairs of paths that differ by case alone and would be one file on many systems.
#[must_use]
pub fn case_collisions<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut pairs = Vec::new();
    for path in paths {
        match seen.get(&path.to_lowercase()) {
            Some(first) if *first != path => pairs.push(((*first).to_owned(), path.to_owned())),
            Some(_) => {}
            None => {
                seen.insert(path.to_lowercase(), path);
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_accepted_or_refused_with_a_reason() {
        let long = "x".repeat(256);
        let deep = vec!["d"; 65].join("/");
        let longer = vec!["y".repeat(200); 6].join("/");
        let table = [
            ("a", Ok(())),
            ("src/main.rs", Ok(())),
            (".gitignore", Ok(())),
            ("with space/größe/😀.txt", Ok(())),
            ("CON", Ok(())),
            ("trailing.", Ok(())),
            ("...", Ok(())),
            ("", Err(PathError::Empty)),
            ("a//b", Err(PathError::Empty)),
            ("a/", Err(PathError::Empty)),
            ("/etc/passwd", Err(PathError::Absolute)),
            ("C:/x", Err(PathError::Absolute)),
            ("../x", Err(PathError::Dots)),
            ("a/../../x", Err(PathError::Dots)),
            ("./a", Err(PathError::Dots)),
            ("a\0b", Err(PathError::Character)),
            ("a\nb", Err(PathError::Character)),
            ("a\\b", Err(PathError::Character)),
            (long.as_str(), Err(PathError::TooLong)),
            (longer.as_str(), Err(PathError::TooLong)),
            (deep.as_str(), Err(PathError::TooDeep)),
        ];
        for (path, expected) in table {
            assert_eq!(check_path(path), expected, "{path}");
        }
    }

    #[test]
    fn a_file_and_a_folder_of_one_name_are_in_each_others_way() {
        let files: BTreeMap<String, ()> =
            ["a/b/c", "a.txt", "d", "e-f/x"].into_iter().map(|path| (path.to_owned(), ())).collect();
        let table = [
            ("a", Some("a")),
            ("a/b", Some("a/b")),
            ("a/b/c", None),
            ("a/b/c/d", Some("a/b/c")),
            ("d/e/f", Some("d")),
            ("d", None),
            ("e", None),
            ("e-f", Some("e-f")),
            ("a.txt/x", Some("a.txt")),
            ("a/bc", None),
            ("new/file", None),
        ];
        for (path, expected) in table {
            assert_eq!(in_the_way(&files, path), expected, "{path}");
        }
    }

    #[test]
    fn names_that_differ_by_case_are_paired() {
        let paths = ["README.md", "readme.md", "src/A.rs", "src/a.rs", "src/b.rs", "ÄÖ", "äö"];
        let pairs = case_collisions(paths.into_iter());
        assert_eq!(pairs.len(), 3);
        assert_eq!(pairs[0], ("README.md".into(), "readme.md".into()));
    }
}
