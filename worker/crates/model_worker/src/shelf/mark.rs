//! The mark beside a kept file: what it is and where it comes from, as a small JSON file.

use serde::{Deserialize, Serialize};

/// Longest text that is looked at.
const MAX_BYTES: usize = 16 * 1024;
/// Longest name for people, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// Longest address.
pub const MAX_ADDRESS_BYTES: usize = 4096;

/// What is known of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mark {
    /// Name for people.
    pub name: String,
    /// Where it comes from; empty for a person's own file.
    pub address: String,
    /// Length of the whole file; 0 when unknown.
    pub bytes: u64,
    /// SHA-256 in hex; empty while it is not known.
    pub sha256: String,
    /// What the server calls this version of it; empty when it did not say.
    pub etag: String,
    /// When the server says that it changed; empty when it did not say.
    pub last_modified: String,
}

impl Mark {
    /// Read a mark. `None` for anything that none of ours looks like.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        // A list of nothing would otherwise pass for a mark without fields.
        let mark: Self = serde_json::from_str(text).ok().filter(|_| text.starts_with('{'))?;
        let sound = (mark.sha256.is_empty() || is_sha256(&mark.sha256))
            && mark.name.chars().count() <= MAX_NAME_CHARS
            && mark.address.len() <= MAX_ADDRESS_BYTES
            && is_header(&mark.etag)
            && is_header(&mark.last_modified);
        sound.then_some(mark)
    }

    /// The text to be written.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Plain fields always encode.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A person's own file, which the page reads: what came of it cannot be continued after a reload, so nothing says
    /// that it could until it is whole.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.address.is_empty()
    }

    /// May bytes that came under `self` be continued for what `now` asks for?
    #[must_use]
    pub fn is_same_file(&self, now: &Self) -> bool {
        self.address == now.address
            && (self.sha256.is_empty() || now.sha256.is_empty() || self.sha256 == now.sha256)
            && (self.bytes == 0 || now.bytes == 0 || self.bytes == now.bytes)
    }
}

/// 64 lower-case hexadecimal digits.
#[must_use]
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// What may be sent back to a server as the value of a header.
fn is_header(text: &str) -> bool {
    text.len() <= 1024 && text.bytes().all(|b| (0x20..0x7f).contains(&b))
}

/// Made from a file's name or an address: an id that is a plain file name, at most `max` bytes long.
#[must_use]
pub fn id_from(name: &str, max: usize) -> String {
    let path = name.split(['?', '#']).next().unwrap_or(name);
    let last = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or(path);
    let lower = last.to_lowercase();
    let stem = lower.strip_suffix(".gguf").unwrap_or(&lower);
    let mut id = String::new();
    for c in stem.chars() {
        let plain = c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if plain && !(id.is_empty() && c == '.') {
            id.push(c);
        } else if !plain && !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
        if id.len() >= max {
            break;
        }
    }
    let id = id.trim_end_matches(['-', '.']);
    if id.is_empty() { "model".to_owned() } else { id.to_owned() }
}

/// `id`, or the first of `id-2`, `id-3`, … that is not taken.
#[must_use]
pub fn free_id(id: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut free = id.to_owned();
    let mut n = 2_u32;
    while is_taken(&free) {
        free = format!("{id}-{n}");
        n += 1;
    }
    free
}

/// A name for people: one line, not endlessly long.
#[must_use]
pub fn shown_name(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mark = Mark {
            name: "Small “model”".into(),
            address: "/models/a.gguf".into(),
            bytes: u64::MAX,
            sha256: "0a".repeat(32),
            etag: "\"x\"".into(),
            last_modified: "Sun, 22 Nov 2026 06:28:00 GMT".into(),
        };
        assert_eq!(Mark::from_json(&mark.to_json()), Some(mark));
    }

    #[test]
    fn marks_that_were_torn_or_made_up_are_none() {
        let long = format!("{{\"name\":\"{}\"}}", "n".repeat(MAX_NAME_CHARS + 1));
        let longer = format!("{{\"name\":\"\",\"more\":\"{}\"}}", "n".repeat(MAX_BYTES));
        let cases = [
            "",
            "{",
            "[]",
            "null",
            "{\"bytes\":-1}",
            "{\"bytes\":1.5}",
            "{\"sha256\":\"00\"}",
            "{\"sha256\":\"zz00000000000000000000000000000000000000000000000000000000000000\"}",
            "{\"etag\":\"a\\r\\nHost: b\"}",
            "{\"last_modified\":\"\\u0000\"}",
            &long,
            &longer,
        ];
        for text in cases {
            assert_eq!(Mark::from_json(text), None, "{text}");
        }
        assert_eq!(Mark::from_json("{}"), Some(Mark::default()));
    }

    #[test]
    fn ids_are_plain_file_names() {
        let cases = [
            ("Qwen2.5-Coder-0.5B.Q4_K_M.gguf", "qwen2.5-coder-0.5b.q4_k_m"),
            ("C:\\models\\Mine (copy).GGUF", "mine-copy"),
            ("https://host/a/b/File.gguf?download=true#x", "file"),
            ("/models/smollm2/", "smollm2"),
            ("../../etc/passwd", "passwd"),
            ("..", "model"),
            (".gguf", "model"),
            ("", "model"),
            ("模型.gguf", "model"),
            ("a模型b.gguf", "a-b"),
            ("x\0y\n.gguf", "x-y"),
        ];
        for (name, id) in cases {
            assert_eq!(id_from(name, 80), id, "{name}");
            assert!(web::is_kept_id(&id_from(name, 80)), "{name}");
        }
        assert_eq!(id_from(&"n".repeat(500), 80).len(), 80);
        assert_eq!(free_id("a", |id| ["a", "a-2"].contains(&id)), "a-3");
        assert_eq!(free_id("a", |_| false), "a");
    }

    #[test]
    fn another_version_is_not_continued() {
        let of = |address: &str, bytes, sha: &str| Mark {
            address: address.into(),
            bytes,
            sha256: sha.into(),
            ..Mark::default()
        };
        let came = of("/a.gguf", 10, "aa");
        assert!(came.is_same_file(&of("/a.gguf", 10, "aa")));
        assert!(came.is_same_file(&of("/a.gguf", 0, "")));
        assert!(!came.is_same_file(&of("/b.gguf", 10, "aa")));
        assert!(!came.is_same_file(&of("/a.gguf", 11, "aa")));
        assert!(!came.is_same_file(&of("/a.gguf", 10, "bb")));
    }
}
