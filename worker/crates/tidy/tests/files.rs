//! How files look: length, heads, lints, and what must not be in them.
#![expect(clippy::unwrap_used, reason = "tests")]

use tidy::Source;

/// Longest file in lines; tables and tests may be longer. From half of it on, a file deserves a look.
const MAX_LINES: usize = 800;

/// Files that are long because they are tables.
const TABLES: &[&str] = &[];

fn code() -> Vec<Source> {
    let endings = [".rs", ".mjs", ".js", ".css", ".py", ".sh"];
    let mut sources = tidy::sources().unwrap();
    sources.retain(|source| {
        let script = source.path.starts_with(".ci/") && !source.path.contains('.');
        script || endings.iter().any(|ending| source.path.ends_with(ending))
    });
    sources
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_longer_than_one_can_hold_in_mind() {
    let exempt = |path: &str| path.contains("/tests/") || path.starts_with("e2e/") || TABLES.contains(&path);
    let mut wrong = Vec::new();
    for source in code() {
        let lines = source.text.lines().count();
        if lines > MAX_LINES && !exempt(&source.path) {
            wrong.push(format!("{} has {lines} lines; the limit is {MAX_LINES}", source.path));
        } else if lines > MAX_LINES / 2 {
            println!("look at {}: {lines} lines", source.path);
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_rust_file_says_in_its_head_why_it_is_there() {
    let mut wrong = Vec::new();
    for source in code().iter().filter(|source| source.path.ends_with(".rs")) {
        // A fuzz target starts with an attribute that the language wants first.
        let head = source.text.lines().find(|line| !line.is_empty() && !line.starts_with("#![no_main]"));
        let sentence = head.and_then(|line| line.strip_prefix("//!")).map(str::trim).unwrap_or_default();
        if sentence.len() < 10 || sentence == "(skeleton)" {
            wrong.push(format!("{} has no head (`//!` and a sentence)", source.path));
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_crate_inherits_the_lints() {
    let mut wrong = Vec::new();
    for package in tidy::packages().unwrap() {
        let text = std::fs::read_to_string(tidy::top().join(&package.manifest)).unwrap();
        if !text.contains("[lints]\nworkspace = true") {
            wrong.push(format!("{} does not inherit the lints of the workspace", package.manifest));
        }
    }
    assert_none(&wrong);
}

#[test]
fn nothing_names_a_registry_or_somebodys_machine() {
    // Joined here, so that this file does not contain what it looks for.
    let registries = [
        ["crates", "io"],
        ["npmjs", "org"],
        ["npmjs", "com"],
        ["pythonhosted", "org"],
        ["yarnpkg", "com"],
        ["jsdelivr", "net"],
        ["unpkg", "com"],
    ]
    .map(|parts| parts.join("."));
    let folders = ["root", "home", "work", "farm", "Users"].map(|name| format!("/{name}/"));
    let mut wrong = Vec::new();
    for source in tidy::sources().unwrap() {
        for (i, line) in source.text.lines().enumerate() {
            let named = registries.iter().find(|host| line.contains(*host));
            let folder = folders.iter().find(|folder| is_absolute(line, folder));
            if let Some(what) = named.or(folder) {
                wrong.push(format!("{}:{} names {what}", source.path, i + 1));
            }
        }
    }
    assert_none(&wrong);
}

/// Whether `line` has a path that begins with `folder`, as opposed to one that has it further on.
fn is_absolute(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + folder.len()..].chars().next();
        let starts =
            before.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '}' | '*')));
        starts && after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.')
    })
}

#[test]
fn paths_are_told_apart() {
    let folder = ["/ho", "me/"].concat();
    assert!(is_absolute(&format!("at {folder}someone/x"), &folder));
    assert!(!is_absolute(&format!("src{folder}page.rs"), &folder));
    assert!(!is_absolute(&format!("{folder} "), &folder));
}

#[test]
fn stories_wait_for_what_they_ask() {
    // Playwright takes the promise of an asynchronous function for a yes; `eventually` of the stories asks for its value.
    let wait = ["waitFor", "Function("].concat();
    let never_waits = |text: &str| {
        text.split(&wait).skip(1).any(|rest| {
            let rest = rest.trim_start();
            let body = rest.split_once("=>").map_or("", |(_, body)| body.trim_start());
            rest.starts_with("async") || body.starts_with("alcove.")
        })
    };
    let wrong: Vec<String> = tidy::sources()
        .unwrap()
        .into_iter()
        .filter(|source| never_waits(&source.text))
        .map(|source| format!("{} waits for nothing; use `eventually`", source.path))
        .collect();
    assert_none(&wrong);
}

#[test]
fn what_is_left_to_do_has_an_issue() {
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]].map(|parts| parts.concat());
    let mut wrong = Vec::new();
    for source in code() {
        for (i, line) in source.text.lines().enumerate() {
            for mark in &marks {
                let comment =
                    line.split_once("//").or_else(|| line.split_once('#')).map_or("", |(_, text)| text);
                let Some((_, rest)) = comment.split_once(mark.as_str()) else { continue };
                let issue = rest.strip_prefix("(#").and_then(|rest| rest.split_once(')'));
                if issue.is_none_or(|(number, _)| number.parse::<u32>().is_err()) {
                    wrong.push(format!("{}:{}: write {mark}(#issue)", source.path, i + 1));
                }
            }
        }
    }
    assert_none(&wrong);
}
