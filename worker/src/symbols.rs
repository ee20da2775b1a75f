//! Names: outline of a file, symbols of the workspace, quick open.

use std::collections::HashMap;
use std::rc::Rc;

use index::names::{NameKind, rank};
use protocol::{Fault, FaultCode, PathMatch, Pos, QuickOpen, Span, SymbolInfo, SymbolKind};
use text::LineIndex;

use crate::convert::store_fault;
use crate::engine::Engine;
use crate::space::{Space, Symbol};
use crate::workspaces::none_open;

/// Most names that one answer holds.
const MAX_K: usize = 500;
/// A path opened lately is worth this many points of the matcher, less the further back it was.
const RECENT_BONUS: u32 = 24;

fn pos(lines: &LineIndex, byte: u32) -> Pos {
    let pos = lines.pos(byte as usize);
    Pos { line: pos.line, utf16: pos.utf16 }
}

fn info(path: &str, lines: &LineIndex, symbol: &Symbol) -> SymbolInfo {
    SymbolInfo {
        name: symbol.name.to_string(),
        kind: symbol.kind,
        path: path.to_owned(),
        container: symbol.container.to_string(),
        span: Span { start: pos(lines, symbol.bytes.start), end: pos(lines, symbol.bytes.end) },
        name_pos: pos(lines, symbol.name_byte),
        depth: symbol.depth,
    }
}

/// Folders and files of these names hold what stands in for the code, or tries or shows it.
const BESIDE: [&str; 14] = [
    "__mocks__",
    "__tests__",
    "bench",
    "benches",
    "benchmarks",
    "example",
    "examples",
    "fixtures",
    "mock",
    "mocks",
    "spec",
    "test",
    "testdata",
    "tests",
];

/// Whether a path says of itself that it is not the code that a name is looked for in.
fn is_beside(path: &str) -> bool {
    path.split('/').any(|part| {
        let stem = part.split('.').next().unwrap_or(part);
        BESIDE.iter().any(|name| stem.eq_ignore_ascii_case(name))
            || stem.starts_with("test_")
            || ["_test", "_tests", "_spec", "Test", "Tests"].iter().any(|end| stem.ends_with(end))
            || [".test.", ".spec."].iter().any(|inner| part.contains(inner))
    })
}

/// How far off a file is: whether it stands beside the code counts most, folders around it least.
fn depth_of_file(path: &str) -> usize {
    (usize::from(is_beside(path)) << 25) + path.matches('/').count().min(0xffff)
}

/// The same for a definition in it. A value counts as further off than any code or type, because `const Name =
/// require(…)` binds again what is defined elsewhere; then those around a definition count.
fn depth_of(file: usize, kind: SymbolKind, depth: u16) -> usize {
    use SymbolKind::{Constant, Field, Property, Variable};
    let is_value = matches!(kind, Variable | Constant | Field | Property);
    file + (usize::from(is_value) << 24) + (usize::from(depth.min(255)) << 16)
}

fn lines_of(space: &mut Space, path: &str) -> Result<LineIndex, Fault> {
    let text: Rc<str> = space
        .text(path)
        .map_err(|err| store_fault(&err))?
        .ok_or_else(|| Fault::new(FaultCode::NotFound, format!("There is no text file {path}.")))?;
    Ok(LineIndex::new(&text))
}

/// Definitions of one file in order: of what is typed in it, where that is not saved yet.
pub(crate) fn outline(engine: &mut Engine, path: &str) -> Result<Vec<SymbolInfo>, Fault> {
    let space = engine.space.as_ref().ok_or_else(none_open)?;
    if !space.files.contains_key(path) {
        return Err(Fault::new(FaultCode::NotFound, format!("There is no file {path} in this workspace.")));
    }
    if let Some((text, symbols)) = engine.parse_draft(path).map_err(|err| store_fault(&err))? {
        let lines = LineIndex::new(&text);
        return Ok(symbols.iter().map(|symbol| info(path, &lines, symbol)).collect());
    }
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    let lines = lines_of(space, path)?;
    let symbols = space.files.get(path).map(|entry| &*entry.symbols).unwrap_or_default();
    Ok(symbols.iter().map(|symbol| info(path, &lines, symbol)).collect())
}

/// `Type::method` and `Type.method` as what it stands in, lower-case and with dots, and its name.
fn member_of(typed: &str) -> Option<(String, &str)> {
    let ends = ["::", "."].map(|sign| typed.rfind(sign).map(|at| (at, at + sign.len())));
    let (container_end, name_start) = ends.into_iter().flatten().max()?;
    let container = typed[..container_end].to_lowercase().replace("::", ".");
    (!container.is_empty()).then_some((container, &typed[name_start..]))
}

/// Whether a symbol stands in what is called so, as far as that was typed.
fn is_inside(symbol: &Symbol, container: &str) -> bool {
    let whole = symbol.container.to_lowercase();
    whole.ends_with(container) || whole.rsplit('.').next().is_some_and(|last| last.starts_with(container))
}

/// A definition among which names are looked for.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    path: &'a str,
    /// See [`depth_of_file`].
    depth: usize,
    symbol: &'a Symbol,
}

/// Definitions of the workspace whose name fits, also where it is given with the name of what it stands in.
pub(crate) fn find(engine: &mut Engine, typed: &str, k: u32) -> Result<Vec<SymbolInfo>, Fault> {
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    let k = (k as usize).clamp(1, MAX_K);
    let all: Vec<Candidate<'_>> = space
        .files
        .iter()
        .flat_map(|(path, entry)| {
            let depth = depth_of_file(path);
            entry.symbols.iter().map(move |symbol| Candidate { path, depth, symbol })
        })
        .collect();
    // Of names that fit equally well, those of the code itself that stand less deep are meant more often.
    let best = |typed: &str, among: &[Candidate<'_>]| -> Vec<(String, Symbol)> {
        let depth = |at: usize| {
            let Candidate { depth, symbol, .. } = among[at];
            depth_of(depth, symbol.kind, symbol.depth)
        };
        let hits = rank(typed, NameKind::Symbol, among.iter().map(|one| &*one.symbol.name), k, depth);
        hits.iter().map(|hit| (among[hit.at].path.to_owned(), among[hit.at].symbol.clone())).collect()
    };
    let mut found = Vec::new();
    if let Some((container, name)) = member_of(typed) {
        let members: Vec<Candidate<'_>> =
            all.iter().copied().filter(|one| is_inside(one.symbol, &container)).collect();
        found = best(name, &members);
    }
    // Titles and keys have dots of their own: then the whole is a name.
    if found.is_empty() {
        found = best(typed, &all);
    }
    drop(all);
    let mut indexes: HashMap<String, LineIndex> = HashMap::new();
    let mut infos = Vec::with_capacity(found.len());
    for (path, symbol) in found {
        if !indexes.contains_key(&path) {
            indexes.insert(path.clone(), lines_of(space, &path)?);
        }
        if let Some(lines) = indexes.get(&path) {
            infos.push(info(&path, lines, &symbol));
        }
    }
    Ok(infos)
}

/// Files whose path fits, the ones opened lately higher.
pub(crate) fn quick_open(engine: &mut Engine, call: &QuickOpen) -> Result<Vec<PathMatch>, Fault> {
    let space = engine.space.as_ref().ok_or_else(none_open)?;
    let k = (call.k as usize).clamp(1, MAX_K);
    let paths: Vec<&String> = if call.text.is_empty() {
        let known =
            call.recent.iter().filter_map(|path| space.files.get_key_value(path).map(|(path, _)| path));
        let mut paths: Vec<&String> = known.collect();
        paths.extend(space.files.keys().filter(|path| !call.recent.contains(path)));
        paths
    } else {
        space.files.keys().collect()
    };
    let mut found: Vec<PathMatch> =
        rank(&call.text, NameKind::Path, paths.iter().map(|p| p.as_str()), k, |_| 0)
            .into_iter()
            .map(|hit| {
                let path = paths[hit.at];
                let recent = call.recent.iter().position(|p| p == path);
                let bonus = recent.map_or(0, |at| RECENT_BONUS.saturating_sub(2 * at as u32));
                PathMatch {
                    path: path.clone(),
                    score: (hit.score + bonus) as f32,
                    positions: utf16(path, &hit.chars),
                }
            })
            .collect();
    if !call.text.is_empty() {
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
    }
    Ok(found)
}

/// Character positions as UTF-16 code units.
fn utf16(text: &str, chars: &[u32]) -> Vec<u32> {
    let mut at = 0;
    let mut wanted = chars.iter().peekable();
    let mut found = Vec::with_capacity(chars.len());
    for (number, c) in (0u32..).zip(text.chars()) {
        if wanted.peek() == Some(&&number) {
            wanted.next();
            found.push(at);
        }
        at += c.len_utf16() as u32;
    }
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn positions_are_counted_in_utf16() {
        assert_eq!(super::utf16("a😀b/c", &[0, 2, 4]), [0, 3, 5]);
        assert_eq!(super::utf16("abc", &[]), [0u32; 0]);
    }

    #[test]
    fn what_only_tries_or_stands_in_for_the_code_is_told_by_its_path() {
        for path in [
            "tokio/src/fs/mocks.rs",
            "tests/a.rs",
            "a/test_b.py",
            "a/b_test.go",
            "a/b.test.ts",
            "examples/x.rs",
        ] {
            assert!(super::is_beside(path), "{path}");
        }
        for path in ["Tests/a.cs", "src/FooTest.java", "spec/a_spec.rb", "js/__mocks__/a.js"] {
            assert!(super::is_beside(path), "{path}");
        }
        for path in
            ["src/testing.rs", "latest/a.rs", "src/contest.rs", "a/attest.rs", "src/specs.rs", "a/tester/b.c"]
        {
            assert!(!super::is_beside(path), "{path}");
        }
    }

    #[test]
    fn code_comes_before_values_and_both_before_what_is_beside_them() {
        use super::SymbolKind::{Class, Constant, Function, Method, Variable};
        let of = |path, kind, depth| super::depth_of(super::depth_of_file(path), kind, depth);
        let order = [
            of("a.js", Class, 0),
            of("a/b.js", Function, 0),
            of("a.js", Method, 1),
            of("a.js", Method, 300),
            // `const Retry = require("./retry")`
            of("index.js", Variable, 0),
            of("a.js", Constant, 1),
            of("mocks.js", Class, 0),
            of("a/tests/b.js", Class, 0),
            of("a/tests/b.js", Variable, 0),
        ];
        assert!(order.is_sorted_by(|a, b| a < b), "{order:?}");
    }

    #[test]
    fn a_member_is_what_stands_behind_the_last_sign() {
        let is = |typed: &'static str, container: &str, name: &str| {
            assert_eq!(super::member_of(typed), Some((container.to_owned(), name)), "{typed}");
        };
        is("Workspace::commit", "workspace", "commit");
        is("store::Workspace::", "store.workspace", "");
        is("Outer.Inner.run", "outer.inner", "run");
        is("a::b.c", "a.b", "c");
        is("Größe::ändern", "größe", "ändern");
        for typed in ["commit", "", "::", ".x", "::x"] {
            assert_eq!(super::member_of(typed), None, "{typed}");
        }
    }
}
