//! Narrowing a search: path globs, languages, kinds of symbol, time of change.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use rustc_hash::FxHashSet;

/// Longest path pattern in bytes; compiling takes time and memory for each.
const MAX_GLOBS: usize = 4096;
/// Characters of a pattern that an error repeats.
const MAX_QUOTED: usize = 80;

/// A compiled filter. The default lets everything pass.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
    languages: Vec<String>,
    kinds: Vec<u8>,
    changed_since_ms: Option<u64>,
    only: Option<FxHashSet<String>>,
}

/// A glob that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("The path pattern `{glob}` cannot be read: {reason}.")]
pub struct FilterErr {
    /// The pattern as it was given; its beginning when it is long.
    pub glob: String,
    /// What is wrong with it.
    pub reason: String,
}

impl FilterErr {
    fn new(glob: &str, reason: String) -> Self {
        let mut quoted: String = glob.chars().take(MAX_QUOTED).collect();
        if quoted.len() < glob.len() {
            quoted.push('…');
        }
        Self { glob: quoted, reason }
    }
}

impl Filter {
    /// Compile a filter.
    ///
    /// `path_globs` are separated by commas (commas in braces stay), a leading `!` excludes; a pattern without `/`
    /// matches at any depth, and a pattern that names a folder matches what is below it. Empty arguments narrow nothing.
    pub fn new(
        path_globs: &str,
        languages: Vec<String>,
        kinds: Vec<u8>,
        changed_since_ms: Option<u64>,
    ) -> Result<Self, FilterErr> {
        if path_globs.len() > MAX_GLOBS {
            return Err(FilterErr::new(path_globs, format!("it is longer than {MAX_GLOBS} bytes")));
        }
        let (mut include, mut exclude) = (Vec::new(), Vec::new());
        for glob in split_globs(path_globs) {
            match glob.strip_prefix('!') {
                Some(rest) => exclude.push(rest.trim()),
                None => include.push(glob),
            }
        }
        Ok(Self {
            include: compile(&include)?,
            exclude: compile(&exclude)?,
            languages,
            kinds,
            changed_since_ms,
            only: None,
        })
    }

    /// Lets these files pass and no others, whatever signs stand in their names.
    #[must_use]
    pub fn only(paths: impl IntoIterator<Item = String>) -> Self {
        Self { only: Some(paths.into_iter().collect()), ..Self::default() }
    }

    /// True when nothing is narrowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.include.is_none()
            && self.exclude.is_none()
            && self.languages.is_empty()
            && self.kinds.is_empty()
            && self.changed_since_ms.is_none()
            && self.only.is_none()
    }

    /// Whether chunks of this file may pass.
    #[must_use]
    pub fn passes_file(&self, path: &str, language: &str, mtime_ms: u64) -> bool {
        self.changed_since_ms.is_none_or(|since| mtime_ms >= since)
            && self.only.as_ref().is_none_or(|only| only.contains(path))
            && (self.languages.is_empty() || self.languages.iter().any(|l| l == language))
            && self.include.as_ref().is_none_or(|set| set.is_match(path))
            && !self.exclude.as_ref().is_some_and(|set| set.is_match(path))
    }

    /// Whether a chunk with this kind of symbol passes.
    #[must_use]
    pub fn passes_kind(&self, kind: u8) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

/// Split at commas that stand outside braces.
fn split_globs(globs: &str) -> Vec<&str> {
    let (mut out, mut depth, mut start) = (Vec::new(), 0usize, 0);
    for (i, c) in globs.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                out.push(&globs[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    out.push(&globs[start..]);
    out.into_iter().map(str::trim).filter(|glob| !glob.is_empty()).collect()
}

fn compile(globs: &[&str]) -> Result<Option<GlobSet>, FilterErr> {
    if globs.is_empty() {
        return Ok(None);
    }
    let fail = |glob: &str, err: &globset::Error| FilterErr::new(glob, err.kind().to_string());
    let mut set = GlobSetBuilder::new();
    for &glob in globs {
        let bare = glob.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
        let rooted = if bare.contains('/') { bare.to_owned() } else { format!("**/{bare}") };
        for pattern in [format!("{rooted}/**"), rooted] {
            let pattern = GlobBuilder::new(&pattern).literal_separator(true).build();
            set.add(pattern.map_err(|err| fail(glob, &err))?);
        }
    }
    let set = set.build().map_err(|err| fail(&globs.join(", "), &err))?;
    Ok(Some(set))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(globs: &str, path: &str) -> bool {
        Filter::new(globs, vec![], vec![], None).unwrap().passes_file(path, "rust", 0)
    }

    #[test]
    fn globs_include_exclude_and_descend() {
        for (globs, path, wanted) in [
            ("", "a/b.rs", true),
            ("*.rs", "a/b.rs", true),
            ("*.py", "a/b.rs", false),
            ("src/**/*.rs", "src/x/y.rs", true),
            ("src/**/*.rs", "app/src/x.rs", false),
            ("src/*.rs", "src/x/y.rs", false),
            ("src", "src/x/y.rs", true),
            ("src/", "app/src/y.rs", true),
            ("!tests", "tests/a.rs", false),
            ("!tests", "src/a.rs", true),
            ("*.rs, !src/gen/**", "src/gen/a.rs", false),
            ("*.{rs,py}", "a.py", true),
        ] {
            assert_eq!(passes(globs, path), wanted, "{globs} on {path}");
        }
    }

    #[test]
    fn only_named_files_pass_and_signs_of_globs_in_their_names_mean_nothing() {
        let filter = Filter::only(["app/[id]/{a,b}*.ts".to_owned()]);
        assert!(!filter.is_empty());
        assert!(filter.passes_file("app/[id]/{a,b}*.ts", "typescript", 0));
        for path in ["app/i/ac.ts", "app/[id]/a.ts", "app/[id]"] {
            assert!(!filter.passes_file(path, "typescript", 0), "{path}");
        }
    }

    #[test]
    fn a_bad_glob_says_what_is_wrong() {
        let err = Filter::new("src/[a", vec![], vec![], None).unwrap_err();
        assert_eq!(err.glob, "src/[a");
        assert!(err.to_string().contains("cannot be read"));
    }

    #[test]
    fn a_pattern_of_any_size_is_answered_shortly() {
        let nested = "{".repeat(2000) + &"}".repeat(2000);
        for globs in ["a,".repeat(1_000_000), format!("{{{}b}}", "a,".repeat(500_000)), "ä".repeat(3000)] {
            let err = Filter::new(&globs, vec![], vec![], None).unwrap_err().to_string();
            assert!(err.len() < 400 && err.contains("longer than"), "{err}");
        }
        for globs in [nested, "*".repeat(4096), "**/".repeat(1300), "a{b,c}".repeat(600)] {
            if let Err(err) = Filter::new(&globs, vec![], vec![], None) {
                assert!(err.to_string().len() < 400, "{err}");
            }
        }
        assert!(
            Filter::new(&format!("{}[", "x".repeat(4000)), vec![], vec![], None)
                .unwrap_err()
                .to_string()
                .len()
                < 400
        );
    }

    #[test]
    fn languages_kinds_and_time() {
        let filter = Filter::new("", vec!["rust".into()], vec![3], Some(10)).unwrap();
        assert!(filter.passes_file("a", "rust", 10));
        assert!(!filter.passes_file("a", "rust", 9));
        assert!(!filter.passes_file("a", "go", 10));
        assert!(filter.passes_kind(3));
        assert!(!filter.passes_kind(4));
    }
}
