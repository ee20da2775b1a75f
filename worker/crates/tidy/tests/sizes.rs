//! What a visitor downloads, as the server sends it: packed with brotli.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

/// Name, test for a file's path below the served folder, limit in kilobytes (1000 bytes) of all that match.
type Budget = (&'static str, fn(&str) -> bool, u64);

const BUDGETS: &[Budget] = &[
    // What the page begins with.
    ("page", |path| path.starts_with("assets/app-"), 400),
    // Fetched once it is on show: dialogs and what scripts see; with the chat panel, what that asks for.
    ("parts of the page", |path| path.starts_with("assets/part-"), 200),
    ("engine worker", |path| path.starts_with("workers/engine"), 1_100),
    // Each is fetched when the first file of its language is met; nobody needs all.
    (
        "engine worker and every grammar",
        |path| path.starts_with("workers/engine") || path.starts_with("workers/grammars/"),
        2_100,
    ),
    ("model worker, CPU", |path| path.starts_with("workers/model_cpu"), 3_000),
    ("model worker, relaxed SIMD", |path| path.starts_with("workers/model_relaxed"), 3_000),
    ("model worker, WebGPU", |path| path.starts_with("workers/model_gpu"), 3_000),
    // Fetched when the panel is first shown.
    ("chat panel", |path| path.starts_with("assets/chat-"), 60),
    (
        "editor",
        |path| {
            ["monaco-", "editor-worker-", "codicon-"]
                .iter()
                .any(|stem| path.starts_with(&format!("assets/{stem}")))
        },
        1_200,
    ),
];

#[test]
fn downloads_stay_within_their_budgets() {
    let dist = std::env::var_os("ALCOVE_DIST").map_or_else(|| tidy::top().join("dist"), PathBuf::from);
    if !dist.join("index.html").is_file() {
        println!("sizes were not checked: {} has no build; run `make build` first", dist.display());
        return;
    }
    if !dist.join("index.html.br").is_file() {
        println!("sizes were not checked: {} is a quick build without packing", dist.display());
        return;
    }
    let mut wrong = Vec::new();
    for (name, matches, limit_kb) in BUDGETS {
        let mut bytes = 0;
        for folder in ["assets", "workers", "workers/grammars"] {
            for entry in std::fs::read_dir(dist.join(folder)).unwrap() {
                let entry = entry.unwrap();
                let file = entry.file_name().into_string().unwrap();
                let path = format!("{folder}/{file}");
                if entry.file_type().unwrap().is_file()
                    && matches(&path)
                    && !file.ends_with(".br")
                    && !file.ends_with(".gz")
                {
                    bytes += sent_bytes(&dist.join(&path));
                }
            }
        }
        println!("{name}: {} of {limit_kb} KB", bytes / 1000);
        if bytes == 0 {
            wrong.push(format!("{name}: nothing in the build has that name"));
        } else if bytes > limit_kb * 1000 {
            wrong.push(format!("{name}: {} KB, the budget is {limit_kb} KB", bytes / 1000));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Size of the packed sibling, or of the file where packing does not pay.
fn sent_bytes(path: &Path) -> u64 {
    let mut packed = path.as_os_str().to_owned();
    packed.push(".br");
    std::fs::metadata(packed).or_else(|_| std::fs::metadata(path)).unwrap().len()
}
