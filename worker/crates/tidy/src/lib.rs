//! The repository as its own rules see it: its tracked files and its packages. The rules are this crate's tests.
//!
//! A rule that only stands in a document is forgotten within a month; one that fails a test is argued with once and
//! then kept or changed. Nothing else may depend on this crate, and it never runs in a browser.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A tracked file with its text.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path from the top of the repository, with `/`.
    pub path: String,
    /// Contents.
    pub text: String,
}

/// Top folder of the repository.
#[must_use]
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// All text files that git tracks or would track, without lock files.
///
/// # Errors
/// A sentence, when git cannot be asked.
pub fn sources() -> Result<Vec<Source>, String> {
    let output = run("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    let mut sources = Vec::new();
    for path in output.split('\0').filter(|path| !path.is_empty()) {
        let lock = path.ends_with("Cargo.lock") || path.ends_with("package-lock.json");
        // A deleted file is still listed, and binary files have no rules here.
        if let (false, Ok(text)) = (lock, std::fs::read_to_string(top().join(path))) {
            sources.push(Source { path: path.to_owned(), text });
        }
    }
    if sources.is_empty() { Err("git lists no files here".into()) } else { Ok(sources) }
}

/// One package of the workspace.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Path of its manifest from the top, with `/`.
    pub manifest: String,
    /// Names of its normal and build dependencies, tests' own left out.
    pub dependencies: Vec<String>,
}

/// The packages of the workspace as cargo sees them.
///
/// # Errors
/// A sentence, when cargo cannot be asked or answers something unexpected.
pub fn packages() -> Result<Vec<Package>, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = run(&cargo, &["metadata", "--format-version", "1", "--no-deps", "--offline"])?;
    let value: serde_json::Value = serde_json::from_str(&output).map_err(|err| err.to_string())?;
    let root = value["workspace_root"].as_str().unwrap_or_default().to_owned();
    let list = value["packages"].as_array().ok_or("cargo metadata has no packages")?;
    let package = |value: &serde_json::Value| {
        let dependencies = value["dependencies"].as_array()?;
        Some(Package {
            name: value["name"].as_str()?.to_owned(),
            manifest: value["manifest_path"]
                .as_str()?
                .strip_prefix(&root)?
                .trim_start_matches('/')
                .to_owned(),
            dependencies: dependencies
                .iter()
                .filter(|dependency| dependency["kind"] != "dev")
                .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
                .collect(),
        })
    };
    list.iter().map(|value| package(value).ok_or_else(|| format!("not understood: {value}"))).collect()
}

fn run(program: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(top())
        .output()
        .map_err(|err| format!("{program} could not be run: {err}"))?;
    if !output.status.success() {
        return Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|err| err.to_string())
}
