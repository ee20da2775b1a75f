//! The passages for a question: from the whole workspace, or from what a person pointed to. Unsaved text goes before
//! saved text.

use std::collections::VecDeque;
use std::rc::Rc;

use agents::chat::{self, Anchor, Evidence, Piece};
use index::{Filter, Hit, Layers, Query};
use protocol::{Access, Grounding, Layer, Mention};
use text::LineIndex;

use crate::search::coverage;
use crate::space::Space;

/// Passages taken from a search of the whole workspace.
const K: usize = 8;
/// Passages taken from the files that a person pointed to.
const K_POINTED: usize = 24;
/// Most files that a mention of a folder stands for.
const MAX_FILES: usize = 20_000;
/// Most definitions that a mentioned name stands for.
const MAX_SYMBOLS: usize = 4;
/// Longest passage in bytes; what is longer is cut before its tokens are counted.
const MAX_PIECE: usize = 16 * 1024;

/// Lines of a saved file that are to be sent, or a piece that is at hand.
#[derive(Clone, Debug)]
enum Spot {
    Lines { path: String, start: u32, end: u32, symbol: String, score: f32 },
    Given(Piece),
}

/// What is to be read, and what was read.
#[derive(Debug)]
pub(crate) struct Finding {
    spots: VecDeque<Spot>,
    /// What was read, best first.
    pub(crate) pieces: Vec<Piece>,
    /// Sentences about what is not there.
    pub(crate) notes: Vec<String>,
    /// Whether it has to do with the question.
    pub(crate) grounding: Grounding,
}

/// The text of a file as a person sees it: with what they have not saved.
pub(crate) fn current_text(space: &mut Space, path: &str) -> Option<Rc<str>> {
    if let Ok(Some(draft)) = space.store.draft(path) {
        return Some(String::from_utf8_lossy(&draft).into());
    }
    space.text(path).ok().flatten()
}

/// Lines of a text as Monaco counts them.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    let index = LineIndex::new(text);
    (0..index.num_lines()).map(|line| text.get(index.line_range(line)).unwrap_or_default()).collect()
}

impl Finding {
    /// Look for what belongs to a question. `most_bytes` is about what the model reads of it.
    pub(crate) fn start(
        space: &mut Space,
        text: &str,
        vector: Option<&[f32]>,
        mentions: &[Mention],
        most_bytes: usize,
    ) -> Self {
        let mut finding = Self {
            spots: VecDeque::new(),
            pieces: Vec::new(),
            notes: Vec::new(),
            grounding: Grounding::Pointed,
        };
        if mentions.is_empty() {
            finding.whole_workspace(space, text, vector);
        } else {
            finding.pointed(space, text, vector, mentions, most_bytes);
        }
        finding
    }

    fn whole_workspace(&mut self, space: &mut Space, text: &str, vector: Option<&[f32]>) {
        let filter = Filter::default();
        let query = Query { text, vector, k: K, layers: Layers::ALL, filter: &filter };
        if !chat::is_grounded(&evidence(space, &query)) {
            self.grounding = Grounding::NotFound;
            return;
        }
        self.grounding = Grounding::Found;
        let hits = space.index.search(&query);
        let keys: Vec<_> = hits.iter().map(|hit| hit.key).collect();
        space.found(&keys);
        self.spots.extend(hits.into_iter().map(spot));
    }

    fn pointed(
        &mut self,
        space: &mut Space,
        text: &str,
        vector: Option<&[f32]>,
        mentions: &[Mention],
        most_bytes: usize,
    ) {
        let mut paths: Vec<String> = Vec::new();
        for mention in mentions {
            match mention {
                Mention::Lines { path, start_line, text, .. } => {
                    let text = text
                        .strip_suffix('\n')
                        .map_or(&**text, |text| text.strip_suffix('\r').unwrap_or(text));
                    let text = lines(text).join("\n");
                    let (path, start_line, symbol) = (path.clone(), *start_line, String::new());
                    self.spots.push_back(Spot::Given(Piece { path, start_line, symbol, text, score: 0.0 }));
                }
                Mention::Symbol(name) => self.symbol(space, name),
                Mention::Path(path) => {
                    let mut under = space.paths_under(path);
                    if under.is_empty() && space.store.has_draft(path) {
                        under.push(path.clone());
                    }
                    if under.is_empty() {
                        self.notes.push(format!("There is no file or folder `{path}` in this workspace."));
                    }
                    paths.extend(under.into_iter().take(MAX_FILES));
                }
            }
        }
        paths.sort();
        paths.dedup();
        if paths.is_empty() {
            return;
        }
        let bytes: u64 = paths.iter().filter_map(|path| space.store.file(path)).map(|meta| meta.bytes).sum();
        if bytes <= most_bytes as u64 {
            let whole =
                |path| Spot::Lines { path, start: 0, end: u32::MAX, symbol: String::new(), score: 0.0 };
            return self.spots.extend(paths.into_iter().map(whole));
        }
        let filter = Filter::only(paths.iter().cloned());
        let query = Query { text, vector, k: K_POINTED, layers: Layers::ALL, filter: &filter };
        let hits = space.index.search(&query);
        // Each file that was pointed to is heard, before any is heard twice.
        let mut seen = std::collections::HashSet::new();
        let (first, more): (Vec<Hit>, Vec<Hit>) =
            hits.into_iter().partition(|hit| seen.insert(hit.path.clone()));
        let few = paths.len() <= 3;
        for path in paths.iter().filter(|path| few && !seen.contains(*path)) {
            // No word of the question stands in it: then how it begins.
            let chunks = space.index.chunks_of(path);
            self.spots.extend(chunks.first().map(|chunk| Spot::Lines {
                path: path.clone(),
                start: chunk.lines.start,
                end: chunk.lines.end,
                symbol: chunk.symbol.to_owned(),
                score: 0.0,
            }));
            if chunks.is_empty() {
                self.spots.push_back(Spot::Lines {
                    path: path.clone(),
                    start: 0,
                    end: u32::MAX,
                    symbol: String::new(),
                    score: 0.0,
                });
            }
        }
        let pointed = |hit: Hit| match spot(hit) {
            Spot::Lines { path, start, end, symbol, .. } => {
                Spot::Lines { path, start, end, symbol, score: 0.0 }
            }
            given @ Spot::Given(_) => given,
        };
        if few {
            self.spots.extend(first.into_iter().chain(more).map(pointed));
        } else {
            let mut all: Vec<Hit> = first.into_iter().chain(more).collect();
            all.sort_by(|a, b| b.score.total_cmp(&a.score));
            self.spots.extend(all.into_iter().map(pointed));
        }
    }

    /// Definitions of that name, perhaps behind that of what contains them.
    fn symbol(&mut self, space: &mut Space, typed: &str) {
        let dotted = typed.trim().trim_end_matches("()").replace("::", ".");
        let (container, name) = dotted.rsplit_once('.').unwrap_or(("", &dotted));
        let mut found: Vec<(String, std::ops::Range<u32>, String)> = Vec::new();
        for (path, entry) in &space.files {
            for symbol in &entry.symbols {
                let inside = container.is_empty()
                    || &*symbol.container == container
                    || symbol.container.ends_with(&format!(".{container}"));
                if (&*symbol.name == name && inside) || *symbol.name == *typed {
                    let whole = if symbol.container.is_empty() {
                        symbol.name.to_string()
                    } else {
                        format!("{}.{}", symbol.container, symbol.name)
                    };
                    found.push((path.clone(), symbol.bytes.clone(), whole));
                }
            }
        }
        match found.len() {
            0 => self.notes.push(format!("Nothing called `{typed}` is defined in this workspace.")),
            num if num > MAX_SYMBOLS => self.notes.push(format!(
                "{num} definitions are called `{typed}`; the first {MAX_SYMBOLS} were looked at. Point to a file to choose."
            )),
            _ => {}
        }
        for (path, bytes, symbol) in found.into_iter().take(MAX_SYMBOLS) {
            let Ok(Some(text)) = space.text(&path) else { continue };
            let index = LineIndex::new(&text);
            let (start, end) =
                (index.line_of(bytes.start as usize), index.line_of(bytes.end.saturating_sub(1) as usize));
            self.spots.push_back(Spot::Lines { path, start, end: end + 1, symbol, score: 0.0 });
        }
    }

    /// Read the next lines. False when all was read.
    pub(crate) fn read_one(&mut self, space: &mut Space) -> bool {
        let Some(spot) = self.spots.pop_front() else { return false };
        let piece = match spot {
            Spot::Given(piece) => Some(piece),
            Spot::Lines { path, start, end, symbol, score } => read_lines(space, &path, start..end)
                .map(|(start_line, text)| Piece { path, start_line, symbol, text, score }),
        };
        if let Some(mut piece) = piece {
            self.shorten(&mut piece);
            if !piece.text.trim().is_empty() {
                self.pieces.push(piece);
            }
        }
        true
    }

    /// All was read.
    pub(crate) fn finish(&mut self) {
        self.pieces = chat::merge(std::mem::take(&mut self.pieces));
        if self.pieces.is_empty() {
            self.grounding = Grounding::NotFound;
        }
    }

    /// Cut what is far too long before anybody counts its tokens.
    fn shorten(&mut self, piece: &mut Piece) {
        if piece.text.len() <= MAX_PIECE {
            return;
        }
        let most = piece.text.floor_char_boundary(MAX_PIECE);
        match piece.text[..most].rfind('\n') {
            Some(end) => {
                piece.text.truncate(end);
                self.notes.push(format!("`{}` was cut after line {}.", piece.path, piece.end_line() + 1));
            }
            None => {
                let line = piece.start_line + 1;
                self.notes.push(format!("Line {line} of `{}` is too long to be sent.", piece.path));
                piece.text.clear();
            }
        }
    }
}

fn spot(hit: Hit) -> Spot {
    Spot::Lines {
        path: hit.path,
        start: hit.lines.start,
        end: hit.lines.end,
        symbol: hit.symbol,
        score: hit.score,
    }
}

/// What speaks for a question being about this workspace.
fn evidence(space: &Space, query: &Query<'_>) -> Evidence {
    let found = space.index.evidence(query);
    let covered = coverage(space).into_iter().find(|(layer, _)| *layer == Layer::Vectors);
    // A reader has the vectors that the writer kept, and makes none.
    let covered = covered.map_or(0.0, |(_, share)| if space.access == Access::Reader { 0.0 } else { share });
    Evidence {
        words: found.words,
        words_together: found.words_together,
        num_words: found.num_words,
        names_symbol: found.names_symbol,
        cosine: found.cosine,
        covered,
    }
}

/// Lines of a file that is saved, as they stand with what is unsaved: where they begin, and what they say.
fn read_lines(space: &mut Space, path: &str, wanted: std::ops::Range<u32>) -> Option<(u32, String)> {
    let now = current_text(space, path)?;
    let now = lines(&now);
    let mut start = wanted.start;
    if space.store.has_draft(path)
        && wanted.end != u32::MAX
        && let Ok(Some(saved)) = space.text(path)
    {
        let saved = lines(&saved);
        let end = (wanted.end as usize).min(saved.len());
        let meant = saved.get(wanted.start as usize..end).unwrap_or_default();
        let moved = Anchor::of(meant).find(&now, start).or_else(|| chat::align(meant, start, &now));
        start = moved.unwrap_or(start);
    }
    let start = (start as usize).min(now.len().saturating_sub(1));
    let len = wanted.end.saturating_sub(wanted.start) as usize;
    let mut found = now.get(start..start.saturating_add(len).min(now.len()))?;
    // The line behind the last line end is none.
    while let Some(("", rest)) = found.split_last().map(|(last, rest)| (last.trim(), rest)) {
        found = rest;
    }
    Some((start as u32, found.join("\n")))
}

#[cfg(test)]
#[path = "find_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "ground_tests.rs"]
mod ground_tests;
