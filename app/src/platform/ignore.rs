//! `.gitignore` rules for folders, so that a walk does not descend into a huge folder that the engine would throw away.
//!
//! The engine applies the rules to every file with the `ignore` crate. That crate costs 163 KB of the page's 400 KB
//! (brotli), so the page has this small matcher of its own. It only ever decides about *folders*, and the tests compare
//! it with the crate. Where it is unsure (a pattern it cannot read) it lets the folder through.

use std::collections::BTreeMap;

/// Ignore files read so far, by the folder that they stand in (`""` is the root).
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    by_folder: BTreeMap<String, Vec<Rule>>,
}

#[derive(Clone, Debug)]
struct Rule {
    /// Takes back in instead of leaving out.
    negated: bool,
    /// Compared from the folder of the ignore file on; otherwise with the last name only.
    anchored: bool,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq)]
enum Segment {
    /// `**`
    AnyDepth,
    Name(Vec<Piece>),
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Char(char),
    /// `?`
    One,
    /// `*`
    Star,
    /// `[a-z]`; the flag says that everything else is meant.
    Set(Vec<(char, char)>, bool),
}

/// True when the walk must read this file before it goes on.
pub(super) fn is_ignore_file(name: &str) -> bool {
    name == ".gitignore" || name == ".ignore"
}

impl Rules {
    /// Take in the text of an ignore file that stands in `folder`.
    pub(super) fn add(&mut self, folder: &str, text: &str) {
        let rules = text.lines().filter_map(Rule::parse);
        self.by_folder.entry(folder.to_owned()).or_default().extend(rules);
    }

    /// True when this folder is left out, looking at the folder itself and not at those above it.
    pub(super) fn ignores_folder(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name == ".git" {
            return true;
        }
        let mut folder = path;
        while let Some(above) = parent(folder) {
            folder = above;
            let Some(rules) = self.by_folder.get(folder) else { continue };
            let relative = if folder.is_empty() { path } else { &path[folder.len() + 1..] };
            if let Some(rule) = rules.iter().rev().find(|rule| rule.matches(relative, name)) {
                return !rule.negated;
            }
        }
        false
    }

    /// True when this folder or one above it is left out.
    pub(super) fn ignores_below(&self, folder: &str) -> bool {
        folder.match_indices('/').any(|(at, _)| self.ignores_folder(&folder[..at]))
            || (!folder.is_empty() && self.ignores_folder(folder))
    }
}

fn parent(path: &str) -> Option<&str> {
    if path.is_empty() { None } else { Some(path.rsplit_once('/').map_or("", |(folder, _)| folder)) }
}

impl Rule {
    /// `None` for blank lines, comments and what cannot be read.
    fn parse(line: &str) -> Option<Self> {
        let line = trim_end(line.strip_suffix('\r').unwrap_or(line));
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (negated, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let line = line.strip_suffix('/').unwrap_or(line);
        let (rooted, line) = line.strip_prefix('/').map_or((false, line), |rest| (true, rest));
        let segments = line.split('/').map(segment).collect::<Option<Vec<_>>>()?;
        if segments.is_empty() || line.is_empty() {
            return None;
        }
        Some(Self { negated, anchored: rooted || segments.len() > 1, segments })
    }

    fn matches(&self, relative: &str, name: &str) -> bool {
        if self.anchored {
            let names: Vec<&str> = relative.split('/').collect();
            path_matches(&self.segments, &names)
        } else {
            match &self.segments[0] {
                Segment::AnyDepth => true,
                Segment::Name(pieces) => name_matches(pieces, name),
            }
        }
    }
}

/// Spaces at the end do not count unless a backslash stands before them.
fn trim_end(line: &str) -> &str {
    let trimmed = line.trim_end_matches(' ');
    let escapes = trimmed.bytes().rev().take_while(|&b| b == b'\\').count();
    if escapes % 2 == 1 && trimmed.len() < line.len() { &line[..=trimmed.len()] } else { trimmed }
}

fn segment(text: &str) -> Option<Segment> {
    if text == "**" {
        return Some(Segment::AnyDepth);
    }
    let mut pieces = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '\\' => Piece::Char(chars.next()?),
            '?' => Piece::One,
            '*' => {
                while chars.next_if_eq(&'*').is_some() {}
                Piece::Star
            }
            '[' => set(&mut chars)?,
            c => Piece::Char(c),
        });
    }
    Some(Segment::Name(pieces))
}

fn set(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Piece> {
    let negated = chars.next_if(|c| matches!(c, '!' | '^')).is_some();
    let mut ranges = Vec::new();
    loop {
        let from = match chars.next()? {
            ']' if !ranges.is_empty() => return Some(Piece::Set(ranges, negated)),
            // Named classes like `[:alpha:]` are not read here.
            '[' if chars.peek() == Some(&':') => return None,
            '\\' => chars.next()?,
            c => c,
        };
        if chars.peek() == Some(&'-') {
            chars.next();
            match chars.next()? {
                ']' => {
                    ranges.extend([(from, from), ('-', '-')]);
                    return Some(Piece::Set(ranges, negated));
                }
                '\\' => ranges.push((from, chars.next()?)),
                to => ranges.push((from, to)),
            }
        } else {
            ranges.push((from, from));
        }
    }
}

/// Which prefixes of `names` the segments so far can match: one pass per segment, never exponential.
fn path_matches(segments: &[Segment], names: &[&str]) -> bool {
    let mut reach = vec![false; names.len() + 1];
    reach[0] = true;
    for (i, segment) in segments.iter().enumerate() {
        let mut next = vec![false; names.len() + 1];
        match segment {
            Segment::AnyDepth => {
                // At the end, `a/**` means what is inside `a`, not `a` itself.
                let least = usize::from(i + 1 == segments.len() && i > 0);
                for from in (0..=names.len()).filter(|&n| reach[n]) {
                    for to in &mut next[(from + least).min(names.len() + 1)..] {
                        *to = true;
                    }
                }
            }
            Segment::Name(pieces) => {
                for from in (0..names.len()).filter(|&n| reach[n]) {
                    next[from + 1] |= name_matches(pieces, names[from]);
                }
            }
        }
        reach = next;
    }
    reach[names.len()]
}

/// Wildcards within one name; goes back to the last star only, which is enough and keeps it quadratic.
fn name_matches(pieces: &[Piece], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pieces.get(p) {
            Some(Piece::Star) => {
                star = Some((p, n));
                p += 1;
            }
            Some(piece) if piece.matches(name[n]) => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                n = from + 1;
            }
        }
    }
    pieces[p..].iter().all(|piece| *piece == Piece::Star)
}

impl Piece {
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::One | Self::Star => true,
            Self::Set(ranges, negated) => ranges.iter().any(|&(from, to)| from <= c && c <= to) != *negated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::ignore::gitignore::GitignoreBuilder;
    use proptest::prelude::*;

    /// What the crate says about a folder below one ignore file at the root.
    fn reference(pattern: &str, path: &str) -> Option<bool> {
        let mut builder = GitignoreBuilder::new("");
        builder.add_line(None, pattern).ok()?;
        Some(builder.build().ok()?.matched(path, true).is_ignore())
    }

    fn ours(pattern: &str, path: &str) -> bool {
        let mut rules = Rules::default();
        rules.add("", pattern);
        rules.ignores_folder(path)
    }

    #[test]
    fn the_usual_lines_do_what_the_crate_does() {
        let patterns = [
            "node_modules",
            "node_modules/",
            "/target",
            "target/**",
            "**/build",
            "a/**/b",
            "*.egg-info/",
            "build*/",
            "!dist",
            "# comment",
            "\\#odd",
            "\\!odd",
            "docs/_build/",
            "cmake-build-*/",
            "[Bb]in/",
            "[!a]x",
            "[a-c]?",
            "x\\ ",
            "trailing   ",
            "**",
            "a/b/",
            "/",
            "//",
            "*",
            "?",
            "[]a]",
            "[a-]",
            "***",
            "a**b",
            "/**/x",
            "**/a/**",
        ];
        let paths = [
            "node_modules",
            "pkg/node_modules",
            "target",
            "a/target",
            "target/debug",
            "build",
            "a/build",
            "a/b",
            "a/x/b",
            "a/x/y/b",
            "a",
            "x.egg-info",
            "builds",
            "dist",
            "#odd",
            "!odd",
            "docs/_build",
            "_build",
            "cmake-build-debug",
            "bin",
            "Bin",
            "bx",
            "ax",
            "a1",
            "c2",
            "x ",
            "trailing",
            "]",
            "-",
            "acb",
            "x",
            "p/x",
            "q/a/z",
        ];
        for pattern in patterns {
            for path in paths {
                let Some(want) = reference(pattern, path) else { continue };
                assert_eq!(ours(pattern, path), want, "{pattern:?} on {path:?}");
            }
        }
    }

    #[test]
    fn deeper_files_win_and_the_repository_itself_never_comes_in() {
        let mut rules = Rules::default();
        rules.add("", "out\n.venv/\n");
        rules.add("keep", "!out\n");
        assert!(rules.ignores_folder("out"));
        assert!(rules.ignores_folder("a/out"));
        assert!(!rules.ignores_folder("keep/out"));
        assert!(rules.ignores_folder("keep/.git"));
        assert!(rules.ignores_below("a/out/deep/er"));
        assert!(!rules.ignores_below("keep/out/deep"));
        assert!(!rules.ignores_below(""));
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        let pattern = format!("{}b", "*a".repeat(2000));
        assert!(!ours(&pattern, &"a".repeat(4000)));
        let deep = "**/a/".repeat(200) + "b";
        assert!(!ours(&deep, &vec!["a"; 200].join("/")));
    }

    proptest! {
        #[test]
        fn random_patterns_do_what_the_crate_does(
            pattern in "!?/?([ab*?]|\\*\\*/|/\\*\\*|/|[ab]){1,7}/?",
            path in "[ab]{1,2}(/[ab]{1,2}){0,3}",
        ) {
            // Empty parts between slashes mean nothing that anybody writes.
            prop_assume!(!pattern.contains("//") && pattern != "!" && !pattern.starts_with("!/ "));
            if let Some(want) = reference(&pattern, &path) {
                prop_assert_eq!(ours(&pattern, &path), want, "{:?} on {:?}", pattern, path);
            }
        }
    }
}
