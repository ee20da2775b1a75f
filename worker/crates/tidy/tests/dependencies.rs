//! Who may know whom. The table is the one of ARCHITECTURE.md: a crate that is not in it is a new decision.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

/// Crate → crates of the workspace that it may depend on. Development dependencies of tests are free.
const MAY: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("stdx", &[]),
    ("text", &["stdx"]),
    ("syntax", &["text", "stdx"]),
    ("store", &["stdx"]),
    ("index", &["stdx"]),
    ("infer", &["stdx"]),
    ("tokens", &["stdx"]),
    ("models", &["infer", "tokens", "stdx"]),
    ("link", &["protocol", "stdx"]),
    ("web", &["protocol", "store", "infer", "stdx"]),
    ("model_worker", &["models", "tokens", "infer", "link", "web", "protocol", "stdx"]),
    ("agents", &["infer", "tokens", "text", "stdx"]),
    (
        "worker",
        &["protocol", "stdx", "text", "syntax", "store", "index", "agents", "infer", "tokens", "link", "web"],
    ),
    ("app", &["protocol", "link"]),
    ("server", &["protocol"]),
    ("bench", &["stdx", "text", "syntax", "store", "index", "agents", "infer", "tokens", "models"]),
    ("tidy", &[]),
];

/// Plain Rust: built and tested natively, knowing its host through traits.
const ENGINE: &[&str] = &[
    "protocol", "stdx", "text", "syntax", "store", "index", "agents", "infer", "tokens", "models", "bench",
    "tidy",
];

/// Packages from outside that a crate must not name, with those that are exempt.
const NEVER: &[(&str, &[&str])] = &[
    ("burn", &["models", "model_worker", "bench"]),
    ("leptos", &["app"]),
    ("instant-distance", &["index"]),
    ("axum", &["server"]),
    ("tokio", &["server"]),
    ("wasm-bindgen", &["app", "worker", "model_worker", "web", "link"]),
    ("js-sys", &["app", "worker", "model_worker", "web", "link"]),
    ("web-sys", &["app", "worker", "model_worker", "web", "link"]),
];

#[test]
fn every_crate_keeps_to_the_table() {
    let packages = tidy::packages().unwrap();
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let may: BTreeMap<&str, &[&str]> = MAY.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in &packages {
        let Some(allowed) = may.get(package.name.as_str()) else {
            wrong.push(format!("{} is not in the table", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            if names.contains(dependency.as_str()) && !allowed.contains(&dependency.as_str()) {
                wrong.push(format!("{} must not depend on {dependency}", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn outside_packages_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for package in tidy::packages().unwrap() {
        for (banned, exempt) in NEVER {
            if package.dependencies.iter().any(|name| name == banned) && !exempt.contains(&&*package.name) {
                wrong.push(format!("{} must not depend on {banned}", package.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn engine_crates_name_no_web_types() {
    // Split, so that this file does not name them either.
    let words = [["web", "_sys"], ["js", "_sys"], ["wasm", "_bindgen"]].map(|parts| parts.concat());
    let mut wrong = Vec::new();
    for source in tidy::sources().unwrap() {
        let engine = ENGINE.iter().any(|name| source.path.starts_with(&format!("worker/crates/{name}/src/")));
        let measuring = source.path.contains("/examples/");
        if engine && !measuring {
            for word in words.iter().filter(|word| source.text.contains(*word)) {
                wrong.push(format!("{} names {word}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_edges_ask_whether_they_are_wasm() {
    let question = ["cfg(target_arch = \"", "wasm32\""].concat();
    let allowed = |path: &str| {
        let folders = ["worker/crates/web/", "worker/crates/models/src/gpu", "worker/crates/tidy/"];
        let files = [
            "worker/crates/stdx/src/clock.rs",
            "worker/src/main.rs",
            "worker/crates/model_worker/src/main.rs",
        ];
        folders.iter().any(|folder| path.starts_with(folder))
            || files.contains(&path)
            || path.starts_with("app/src/platform/")
            || path.contains("/examples/")
            || !path.ends_with(".rs")
    };
    let wrong: Vec<String> = tidy::sources()
        .unwrap()
        .into_iter()
        .filter(|source| source.text.contains(&question) && !allowed(&source.path))
        .map(|source| source.path)
        .collect();
    assert!(wrong.is_empty(), "these ask for the target: {wrong:?}");
}
