//! Loads the tables of a grammar when the first file of its language is met.
//!
//! They are most of what this worker would weigh, and a project needs a few of them. Files wait here for a grammar that
//! is on its way; one that cannot be had leaves them to be cut by lines.

use std::collections::{BTreeSet, HashMap};

use syntax::Lang;

use crate::event::Event;
use crate::sender::Sender;

/// No grammar is larger; the largest has 4 MB.
const MAX_BYTES: u64 = 32 << 20;
/// Pauses before the second and the following attempts, milliseconds.
const PAUSES_MS: [u32; 3] = [300, 1_000, 3_000];

/// What is known of one grammar.
enum State {
    /// On its way; these files wait for it.
    Loading(BTreeSet<String>),
    /// Its tables are in their place.
    Here,
    /// It could not be had.
    Missing,
}

/// Whether a file can be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// Now.
    Here,
    /// Later: it waits and comes back with [`Grammars::loaded`].
    Loading,
    /// Not in this session.
    Missing,
}

/// The grammars that were met so far.
#[derive(Default)]
pub(crate) struct Grammars(HashMap<&'static str, State>);

impl Grammars {
    /// Whether a file of this language can be parsed; if not yet, its grammar is on its way.
    pub(crate) fn readiness(&mut self, lang: Lang, path: &str, events: &Sender) -> Readiness {
        if !web::has_outside_tables() {
            return Readiness::Here;
        }
        let start = |name: &'static str| {
            let events = events.clone();
            wasm_bindgen_futures::spawn_local(async move {
                let result = load(name).await;
                events.send(Event::Grammar { name, result });
            });
        };
        self.ask(lang, path, start)
    }

    /// Fetch what a language needs, before a file asks for it.
    pub(crate) fn fetch(&mut self, lang: Lang, events: &Sender) {
        // No file has the empty path: it comes back with the grammar and is passed over.
        self.readiness(lang, "", events);
    }

    fn ask(&mut self, lang: Lang, path: &str, mut start: impl FnMut(&'static str)) -> Readiness {
        let mut readiness = Readiness::Here;
        for &name in lang.grammars() {
            let state = self.0.entry(name).or_insert_with(|| {
                start(name);
                State::Loading(BTreeSet::new())
            });
            match state {
                State::Here => {}
                State::Missing => return Readiness::Missing,
                // One that is awaited is enough: the file asks again when it comes.
                State::Loading(waiting) if readiness == Readiness::Here => {
                    waiting.insert(path.to_owned());
                    readiness = Readiness::Loading;
                }
                State::Loading(_) => {}
            }
        }
        readiness
    }

    /// A grammar came, or will not; returns the files that waited for it.
    pub(crate) fn loaded(&mut self, name: &'static str, result: &Result<(), String>) -> BTreeSet<String> {
        let now = if result.is_ok() { State::Here } else { State::Missing };
        match self.0.insert(name, now) {
            Some(State::Loading(waiting)) => waiting,
            _ => BTreeSet::new(),
        }
    }
}

/// Fetch a grammar and put its tables in their place. Fetching is tried again a few times: a moment without network must
/// not cost a session its symbols.
async fn load(name: &str) -> Result<(), String> {
    let url = format!("grammars/{name}.bin?v={}", web::build_id());
    let mut pauses = PAUSES_MS.iter();
    loop {
        match web::fetch_small(&url, MAX_BYTES).await {
            Ok(file) => return web::place_tables(&file).map_err(|err| err.to_string()),
            Err(err) => match pauses.next() {
                Some(&pause_ms) => web::sleep_ms(pause_ms).await,
                None => return Err(err.to_string().trim_end_matches('.').to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_wait_for_their_grammar_and_come_back_once() {
        let mut grammars = Grammars::default();
        let mut started = Vec::new();
        for path in ["a.py", "b.py"] {
            assert_eq!(grammars.ask(Lang::Python, path, |name| started.push(name)), Readiness::Loading);
        }
        assert_eq!(started, ["python"]);
        let waiting: Vec<String> = grammars.loaded("python", &Ok(())).into_iter().collect();
        assert_eq!(waiting, ["a.py", "b.py"]);
        assert_eq!(grammars.ask(Lang::Python, "a.py", |_| panic!("loaded twice")), Readiness::Here);
        assert!(grammars.loaded("python", &Ok(())).is_empty());
    }

    #[test]
    fn a_language_with_two_grammars_needs_both() {
        let mut grammars = Grammars::default();
        let mut started = Vec::new();
        let mut ask =
            |grammars: &mut Grammars| grammars.ask(Lang::TypeScript, "a.ts", |name| started.push(name));
        assert_eq!(ask(&mut grammars), Readiness::Loading);
        assert_eq!(grammars.loaded("typescript", &Ok(())).len(), 1);
        assert_eq!(ask(&mut grammars), Readiness::Loading);
        assert_eq!(grammars.loaded("tsx", &Err("offline".into())).len(), 1);
        assert_eq!(ask(&mut grammars), Readiness::Missing);
        assert_eq!(started, ["typescript", "tsx"]);
    }

    #[test]
    fn a_language_without_grammar_needs_nothing() {
        let readiness = Grammars::default().ask(Lang::Plain("sql"), "a.sql", |_| panic!("nothing to load"));
        assert_eq!(readiness, Readiness::Here);
    }
}
