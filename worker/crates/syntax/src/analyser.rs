//! From a text to its chunks and symbols.

use std::collections::HashMap;
use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

use crate::chunk::{Chunk, NO_UNIT, by_lines, by_owner};
use crate::grammar::Grammar;
use crate::lang::Lang;
use crate::lines::Lines;
use crate::symbol::Symbol;
use crate::walk::{Found, walk};

/// Longer texts are not parsed: dense code makes a tree of eighty times its size, and memory of wasm never shrinks.
const MAX_PARSED_BYTES: usize = 1 << 20;
/// Texts whose lines are this long on average, from 64 KiB on, were written by a machine and are not parsed.
const GENERATED_LINE_BYTES: usize = 1_000;
const GENERATED_BYTES: usize = 64 << 10;
/// Calls of the parser's progress callback that each text gets, beside those that its length earns.
const BASE_CALLS: usize = 20_000;
/// Calls per KiB of text. Ordinary source needs about 10: the callback comes once per 100 steps of the parser.
const CALLS_PER_KIB: usize = 40;

/// How the chunks of a text were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// By syntax.
    Parsed,
    /// By syntax, in a text with errors that the parser could work around.
    Recovered,
    /// By lines: there is no grammar for the language.
    NoGrammar,
    /// By lines: too long, or generated with very long lines.
    TooLarge,
    /// By lines: the parser took too many steps.
    OutOfBudget,
    /// By lines: hardly anything of it could be parsed, or the grammar could not be loaded. Symbols that were saved
    /// are there.
    Failed,
}

/// What was found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// Chunks in order; every line that is not blank stands in exactly one.
    pub chunks: Vec<Chunk>,
    /// Definitions in the order in which they begin, parents before what they contain.
    pub symbols: Vec<Symbol>,
    /// How the chunks were found.
    pub outcome: Outcome,
}

/// Parses texts. It keeps the grammars that it has met, and no tree.
pub struct Analyser {
    parser: Option<Parser>,
    /// Calls of the progress callback for any text, and for each KiB of it.
    calls: (usize, usize),
    grammars: HashMap<Lang, Option<Grammar>>,
}

impl std::fmt::Debug for Analyser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analyser").field("grammars", &self.grammars.keys()).finish_non_exhaustive()
    }
}

impl Default for Analyser {
    fn default() -> Self {
        Self { parser: None, calls: (BASE_CALLS, CALLS_PER_KIB), grammars: HashMap::new() }
    }
}

impl Analyser {
    /// An analyser that has met no language yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Find chunks and symbols.
    ///
    /// The work is bounded by steps, not by time, so that a text has the same chunks on every machine.
    pub fn analyse(&mut self, lang: Lang, text: &str) -> Analysis {
        let mut lines = Lines::new(text);
        let plain = |lines: &Lines, symbols, outcome| Analysis { chunks: by_lines(lines), symbols, outcome };
        if !lang.is_parsed() {
            return plain(&lines, Vec::new(), Outcome::NoGrammar);
        }
        let is_generated =
            text.len() >= GENERATED_BYTES && text.len() / lines.num() as usize >= GENERATED_LINE_BYTES;
        if is_generated || text.len() > MAX_PARSED_BYTES {
            return plain(&lines, Vec::new(), Outcome::TooLarge);
        }
        let (tree, lang) = match self.parse(lang, text) {
            Ok(tree) if lang == Lang::TypeScript && tree.root_node().has_error() => {
                // The editor calls both TypeScript; elements in angle brackets tell that it is TSX.
                match self.parse(Lang::Tsx, text) {
                    Ok(other) if !other.root_node().has_error() => (other, Lang::Tsx),
                    _ => (tree, lang),
                }
            }
            Ok(tree) => (tree, lang),
            Err(outcome) => return plain(&lines, Vec::new(), outcome),
        };
        let Some(Some(grammar)) = self.grammars.get(&lang) else {
            return plain(&lines, Vec::new(), Outcome::Failed);
        };
        let Found { symbols, paths, owners, units, error_bytes } = walk(&tree, grammar, text, &mut lines);
        let has_error = tree.root_node().has_error();
        drop(tree);
        let num_owned = owners.iter().filter(|owner| **owner != NO_UNIT).count();
        if error_bytes * 2 > text.len() && num_owned * 4 < owners.len() {
            return plain(&lines, symbols, Outcome::Failed);
        }
        let chunks = by_owner(text, &lines, &owners, &units, &paths);
        Analysis { chunks, symbols, outcome: if has_error { Outcome::Recovered } else { Outcome::Parsed } }
    }

    /// Whether a text follows the grammar of a language to the last byte; `None` when that cannot be told.
    pub fn is_valid(&mut self, lang: Lang, text: &str) -> Option<bool> {
        if !lang.is_parsed() || text.len() > MAX_PARSED_BYTES {
            return None;
        }
        self.parse(lang, text).ok().map(|tree| !tree.root_node().has_error())
    }

    fn parse(&mut self, lang: Lang, text: &str) -> Result<Tree, Outcome> {
        let grammar = self.grammars.entry(lang).or_insert_with(|| Grammar::load(lang));
        let grammar = grammar.as_ref().ok_or(Outcome::NoGrammar)?;
        let parser = self.parser.get_or_insert_with(Parser::new);
        parser.set_language(&grammar.language).map_err(|_| Outcome::Failed)?;
        let mut calls = self.calls.0 + text.len() / 1024 * self.calls.1;
        let mut count = |_: &ParseState| {
            calls = calls.saturating_sub(1);
            if calls == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let bytes = text.as_bytes();
        let mut read = |at: usize, _| bytes.get(at..).unwrap_or_default();
        let tree = parser.parse_with_options(
            &mut read,
            None,
            Some(ParseOptions::new().progress_callback(&mut count)),
        );
        if tree.is_none() {
            parser.reset();
        }
        tree.ok_or(Outcome::OutOfBudget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_goes_wrong_there_are_chunks_by_lines() {
        let mut analyser = Analyser::new();
        let long_line = format!("x = [{}]\n", "1, ".repeat(GENERATED_BYTES));
        let cases = [
            (Lang::Plain("sql"), "select 1;\n", Outcome::NoGrammar),
            (Lang::Python, long_line.as_str(), Outcome::TooLarge),
            (Lang::Rust, "?? %% ?? %% not rust at all ~~ )) ]]\n", Outcome::Failed),
        ];
        for (lang, text, outcome) in cases {
            let found = analyser.analyse(lang, text);
            assert_eq!(found.outcome, outcome, "{lang:?}");
            assert_eq!(found.chunks, crate::chunk_by_lines(text));
            assert_eq!(found.chunks.len(), 1);
        }
    }

    #[test]
    fn a_parser_that_takes_too_many_steps_is_stopped_and_works_again() {
        let text = "def f(x):\n    return [x]\n".repeat(2_000);
        let mut analyser = Analyser { calls: (3, 0), ..Analyser::new() };
        let stopped = analyser.analyse(Lang::Python, &text);
        assert_eq!((stopped.outcome, stopped.chunks), (Outcome::OutOfBudget, crate::chunk_by_lines(&text)));
        analyser.calls = (BASE_CALLS, CALLS_PER_KIB);
        let found = analyser.analyse(Lang::Python, &text);
        assert_eq!((found.outcome, found.symbols.len()), (Outcome::Parsed, 2_000));
    }

    #[test]
    fn ordinary_source_needs_a_part_of_the_budget() {
        let text = include_str!("walk.rs");
        let mut analyser = Analyser { calls: (0, CALLS_PER_KIB / 2), ..Analyser::new() };
        assert_eq!(analyser.analyse(Lang::Rust, text).outcome, Outcome::Parsed);
    }

    #[test]
    fn headings_that_all_own_the_rest_of_a_text_do_not_take_forever() {
        let text = "a\n-\n".repeat(5_000);
        let found = Analyser::new().analyse(Lang::Markdown, &text);
        assert_eq!(found.symbols.len(), 5_000);
        let num_lines: u32 = found.chunks.iter().map(|chunk| chunk.lines.end - chunk.lines.start).sum();
        assert_eq!(num_lines, 10_000);
    }

    #[test]
    fn tsx_is_told_from_typescript_by_its_text() {
        let text = "const a = () => <b>{c}</b>;\nfunction d() {}\n";
        let found = Analyser::new().analyse(Lang::TypeScript, text);
        assert_eq!(found.outcome, Outcome::Parsed);
        assert_eq!(found.symbols.len(), 2);
    }

    #[test]
    fn validity_is_told() {
        let mut analyser = Analyser::new();
        assert_eq!(analyser.is_valid(Lang::Json, "{\"a\": [1]}"), Some(true));
        assert_eq!(analyser.is_valid(Lang::Json, "{\"a\": [1}"), Some(false));
        assert_eq!(analyser.is_valid(Lang::Plain("sql"), "select"), None);
    }
}
