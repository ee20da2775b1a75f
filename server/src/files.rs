//! From the path of a request to a file below the served folder, and to nothing else.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::Refusal;

/// A file that may be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Where it lies, all links resolved.
    pub path: PathBuf,
    /// The decoded path of the request without the leading `/`; `index.html` for the root.
    pub name: String,
}

/// Find the file for `request_path` (still percent-encoded) below `root` (already canonical).
///
/// # Errors
/// [`Refusal::BadPath`] for a path that no file of ours can have: relative segments, backslashes, control
/// characters, bytes that are not UTF-8. [`Refusal::NotFound`] when nothing is there, when it is no plain file, when
/// it is hidden or a precompressed sibling, or when a link leads out of `root`.
pub fn locate(root: &Path, request_path: &str) -> Result<Located, Refusal> {
    let name = decode(request_path)?;
    let name = if name.is_empty() { "index.html".to_owned() } else { name };
    if name.ends_with(".br") || name.ends_with(".gz") {
        return Err(Refusal::NotFound);
    }
    let path = root.join(&name).canonicalize().map_err(|_| Refusal::NotFound)?;
    if !path.starts_with(root) || !path.is_file() {
        return Err(Refusal::NotFound);
    }
    Ok(Located { path, name })
}

/// Decode segment by segment, so that an encoded slash never becomes a separator.
fn decode(request_path: &str) -> Result<String, Refusal> {
    let relative = request_path.strip_prefix('/').ok_or(Refusal::BadPath)?;
    let mut name = String::with_capacity(relative.len());
    for (i, segment) in relative.split('/').enumerate() {
        let segment = percent_decode_str(segment).decode_utf8().map_err(|_| Refusal::BadPath)?;
        let strange = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
        if segment == "." || segment == ".." || segment.contains(strange) {
            return Err(Refusal::BadPath);
        }
        if segment.starts_with('.') {
            return Err(Refusal::NotFound);
        }
        if segment.is_empty() && !relative.is_empty() {
            // `//x` and `x/`: no file has such a name.
            return Err(Refusal::NotFound);
        }
        if i > 0 {
            name.push('/');
        }
        name.push_str(&segment);
    }
    Ok(name)
}

/// The media type by ending; browsers must not guess (`nosniff`), so an unknown ending is plain bytes.
pub(crate) fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "ttf" => "font/ttf",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_files_below_the_root_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("secret.txt");
        std::fs::write(&outside, "secret").unwrap();
        let root = dir.path().join("dist");
        std::fs::create_dir_all(root.join("assets")).unwrap();
        for name in ["index.html", "assets/app.js", "assets/app.js.br", ".hidden", "a b.txt", "ü.txt"] {
            std::fs::write(root.join(name), name).unwrap();
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&outside, root.join("link.txt")).unwrap();
            std::os::unix::fs::symlink(dir.path(), root.join("up")).unwrap();
            std::os::unix::fs::symlink(root.join("index.html"), root.join("inside.html")).unwrap();
        }
        let root = root.canonicalize().unwrap();

        for (path, name) in [
            ("/", "index.html"),
            ("/index.html", "index.html"),
            ("/assets/app.js", "assets/app.js"),
            ("/a%20b.txt", "a b.txt"),
            ("/%C3%BC.txt", "ü.txt"),
            ("/%69ndex.html", "index.html"),
        ] {
            assert_eq!(locate(&root, path).unwrap().name, name, "{path}");
        }
        #[cfg(unix)]
        assert!(locate(&root, "/inside.html").is_ok());

        let refused = [
            ("/../secret.txt", Refusal::BadPath),
            ("/assets/../../secret.txt", Refusal::BadPath),
            ("/%2e%2e/secret.txt", Refusal::BadPath),
            ("/.%2E/secret.txt", Refusal::BadPath),
            ("/%2e%2e%2fsecret.txt", Refusal::BadPath),
            ("/assets%2fapp.js", Refusal::BadPath),
            ("/..\\secret.txt", Refusal::BadPath),
            ("/..%5csecret.txt", Refusal::BadPath),
            ("/assets/./app.js", Refusal::BadPath),
            ("/index.html%00", Refusal::BadPath),
            ("/index.html%00.png", Refusal::BadPath),
            ("/index.html%0a", Refusal::BadPath),
            ("/C:%5cwindows", Refusal::BadPath),
            ("/index.html:stream", Refusal::BadPath),
            ("/%ff%fe", Refusal::BadPath),
            ("secret.txt", Refusal::BadPath),
            ("//secret.txt", Refusal::NotFound),
            ("/%252e%252e/secret.txt", Refusal::NotFound),
            ("/assets", Refusal::NotFound),
            ("/assets/", Refusal::NotFound),
            ("/index.html/", Refusal::NotFound),
            ("/.hidden", Refusal::NotFound),
            ("/assets/app.js.br", Refusal::NotFound),
            ("/link.txt", Refusal::NotFound),
            ("/up/secret.txt", Refusal::NotFound),
            ("/nothing", Refusal::NotFound),
        ];
        for (path, refusal) in refused {
            assert_eq!(locate(&root, path), Err(refusal), "{path}");
        }
        let absolute = format!("/{}", outside.display());
        assert_eq!(locate(&root, &absolute), Err(Refusal::NotFound));
    }

    #[test]
    fn wasm_has_the_type_that_streaming_compilation_needs() {
        assert_eq!(content_type("workers/engine_bg.wasm"), "application/wasm");
        assert_eq!(content_type("no-ending"), "application/octet-stream");
    }
}
