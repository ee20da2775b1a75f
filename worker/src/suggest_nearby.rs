//! Which passages of other files a completion should know: chosen once for a neighbourhood, so that prompts begin alike
//! while somebody types, and held to the files as they are at each use.

use std::collections::VecDeque;
use std::ops::Range;

use agents::completion::{choose, path_comment, words_near};
use index::{Filter, Layers, Query};
use protocol::ContextSnippet;
use store::ContentHash;

use crate::space::{Space, Stage, slice};
use crate::suggest::At;

/// Passages of one prompt.
const MAX_SNIPPETS: usize = 4;
/// Bytes of them all together, however long the prompt may be.
const MAX_BYTES: usize = 1500;
/// Hits looked at.
const MAX_HITS: usize = 16;
/// Lines from where they were chosen that the same passages serve for.
const REACH_LINES: u32 = 12;
/// Neighbourhoods kept.
const MAX_KEPT: usize = 8;
/// What stands this near in the edited file itself is in the prompt already, or is what is being written.
const NEAR_BYTES: usize = 8 << 10;

/// A passage as it was chosen.
struct Passage {
    path: String,
    hash: ContentHash,
    bytes: Range<u32>,
}

/// The passages of a neighbourhood.
struct Chosen {
    path: String,
    line: u32,
    max_bytes: usize,
    passages: Vec<Passage>,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Nearby(VecDeque<Chosen>);

/// The text of a passage, if its file is still what it was chosen from.
fn text_of(space: &mut Space, passage: &Passage) -> Option<String> {
    if space.files.get(&passage.path)?.hash != passage.hash {
        return None;
    }
    let text = space.text(&passage.path).ok().flatten()?;
    Some(slice(&text, &passage.bytes).to_owned()).filter(|text| !text.is_empty())
}

impl Nearby {
    /// What goes into a prompt at a place, most relevant first. Models without marks for files get paths in comments.
    pub(crate) fn snippets(
        &mut self,
        space: &mut Space,
        at: &At,
        max_prompt_tokens: u32,
        has_marks: bool,
    ) -> Vec<ContextSnippet> {
        // A third of the prompt at most is for them; a token has about three bytes.
        let max_bytes = (max_prompt_tokens as usize).min(MAX_BYTES);
        let line = at.line();
        let known = self.0.iter().position(|known| {
            known.path == at.path && known.max_bytes == max_bytes && known.line.abs_diff(line) <= REACH_LINES
        });
        let kept = known.and_then(|known| self.0.remove(known));
        let texts = |space: &mut Space, chosen: &Chosen| -> Vec<Option<String>> {
            chosen.passages.iter().map(|passage| text_of(space, passage)).collect()
        };
        let kept = kept.filter(|kept| texts(space, kept).iter().all(Option::is_some));
        let chosen = kept.unwrap_or_else(|| Chosen {
            path: at.path.clone(),
            line,
            max_bytes,
            passages: find(space, at, max_bytes),
        });
        let found = texts(space, &chosen);
        let snippets = chosen.passages.iter().zip(found).filter_map(|(passage, text)| {
            let text = text?;
            let language = space.files.get(&passage.path)?.lang.id();
            let head = if has_marks { String::new() } else { path_comment(language, &passage.path) };
            Some(ContextSnippet { path: passage.path.clone(), text: format!("{head}{text}\n") })
        });
        let snippets = snippets.collect();
        self.0.push_front(chosen);
        self.0.truncate(MAX_KEPT);
        snippets
    }
}

/// Ask the index for what the names around the caret say.
fn find(space: &mut Space, at: &At, max_bytes: usize) -> Vec<Passage> {
    let words = words_near(at.before(), at.behind());
    if words.is_empty() {
        return Vec::new();
    }
    let layers = Layers::LEXICAL.union(Layers::SYMBOLS);
    let filter = Filter::default();
    let hits =
        space.index.search(&Query { text: &words, vector: None, k: MAX_HITS, layers, filter: &filter });
    let mut found: Vec<(Passage, String)> = Vec::new();
    for hit in hits {
        // The chunks of a file that waits for its parser may be those of an older text.
        let Some(entry) = space.files.get(&hit.path).filter(|entry| entry.stage >= Stage::ByLines) else {
            continue;
        };
        let hash = entry.hash;
        let Ok(Some(text)) = space.text(&hit.path) else { continue };
        let body = slice(&text, &hit.bytes);
        if hit.path == at.path {
            let is_near = (hit.bytes.start as usize) < at.caret + NEAR_BYTES
                && hit.bytes.end as usize + NEAR_BYTES > at.caret;
            // What is saved may be older than what is in the editor.
            if is_near || !at.text.contains(body) {
                continue;
            }
        }
        found.push((Passage { path: hit.path, hash, bytes: hit.bytes }, body.to_owned()));
    }
    let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
    let chosen = choose(&texts, [at.prefix(), at.suffix()], MAX_SNIPPETS, max_bytes);
    let part = |(i, part): &(usize, Range<usize>)| {
        let (passage, _) = found.get(*i)?;
        let start = passage.bytes.start;
        Some(Passage {
            path: passage.path.clone(),
            hash: passage.hash,
            bytes: start + part.start as u32..start + part.end as u32,
        })
    };
    chosen.iter().filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use syntax::Analyser;

    const SESSION: &str =
        "class RetrySession:\n    def connect_slowly(self, retries):\n        return retries\n";

    fn put(space: &mut Space, path: &str, text: &str) {
        space.put(path, text.as_bytes(), 0).unwrap();
        let mut analyser = Analyser::new();
        while let Some(path) = space.to_parse.pop_front() {
            space.parse(&path, Some(&mut analyser)).unwrap();
        }
    }

    fn space() -> Space {
        let mut space = Space::of(crate::disk::open_memory().unwrap().store);
        put(&mut space, "session.py", SESSION);
        put(&mut space, "other.py", "def unrelated():\n    return 'nothing of the kind'\n");
        space
    }

    fn at(text: &str) -> At {
        At::new("main.py".into(), "python".into(), text.into(), text.len())
    }

    const TYPED: &str = "session = RetrySession()\nsession.connect_slowly(";

    fn paths(nearby: &mut Nearby, space: &mut Space, text: &str) -> Vec<String> {
        let found = nearby.snippets(space, &at(text), 256, true);
        let mut paths: Vec<String> = found.into_iter().map(|snippet| snippet.path).collect();
        // A file may have several passages.
        paths.dedup();
        paths
    }

    #[test]
    fn names_near_the_caret_bring_what_they_name() {
        let (mut space, mut nearby) = (space(), Nearby::default());
        let found = nearby.snippets(&mut space, &at(TYPED), 256, false);
        assert!(!found.is_empty());
        for snippet in &found {
            assert!(snippet.text.starts_with("# session.py\n"), "{}", snippet.text);
            assert!(SESSION.contains(snippet.text.lines().nth(1).unwrap()), "{}", snippet.text);
        }
    }

    #[test]
    fn what_changed_or_went_is_never_sent() {
        let (mut space, mut nearby) = (space(), Nearby::default());
        assert_eq!(paths(&mut nearby, &mut space, TYPED), ["session.py"]);
        // Saved and not parsed yet: nothing of it, neither old nor cut at the wrong places.
        space.put("session.py", b"# gone\nclass RetrySession:\n    pass\n", 1).unwrap();
        assert_eq!(paths(&mut nearby, &mut space, TYPED), [""; 0]);
        put(&mut space, "session.py", SESSION);
        let mut nearby = Nearby::default();
        assert_eq!(paths(&mut nearby, &mut space, TYPED), ["session.py"]);
        space.remove("session.py").unwrap();
        assert_eq!(paths(&mut nearby, &mut space, TYPED), [""; 0]);
    }

    #[test]
    fn the_same_passages_serve_while_somebody_types_on() {
        let (mut space, mut nearby) = (space(), Nearby::default());
        assert_eq!(paths(&mut nearby, &mut space, TYPED), ["session.py"]);
        let further = format!("{TYPED}3)\nunrelated(");
        assert_eq!(paths(&mut nearby, &mut space, &further), ["session.py"]);
        let far = format!("{}unrelated(", "\n".repeat(100));
        assert_eq!(paths(&mut nearby, &mut space, &far), ["other.py"]);
    }

    #[test]
    fn of_the_edited_file_only_what_is_far_away_is_taken() {
        let mut space = space();
        let text = format!("{SESSION}{}{TYPED}", "x = 1\n".repeat(4000));
        put(&mut space, "main.py", &text);
        space.remove("session.py").unwrap();
        assert_eq!(paths(&mut Nearby::default(), &mut space, &text), ["main.py"]);
        // The editor has it no more.
        let cut = text.replace("connect_slowly(self", "connect(self");
        let edited = At::new("main.py".into(), "python".into(), cut.clone(), cut.len());
        let found = Nearby::default().snippets(&mut space, &edited, 256, true);
        assert!(found.iter().all(|snippet| !snippet.text.contains("connect_slowly(self")), "{found:?}");
        let short = format!("{SESSION}{TYPED}");
        put(&mut space, "main.py", &short);
        assert_eq!(paths(&mut Nearby::default(), &mut space, &short), [""; 0]);
    }
}
