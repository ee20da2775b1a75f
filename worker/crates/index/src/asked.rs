//! From what was typed to weighted terms.

use crate::lexical::Lexical;
use crate::terms;
use crate::tuning::Tuning;

/// Words of prose and what code calls them. Each word of a group stands for the others, less surely than for itself.
const RELATED: [&[&str]; 46] = [
    &["argument", "arg", "args", "parameter", "param", "params"],
    &["async", "asynchronous", "await"],
    &["attribute", "attr", "property", "field"],
    &["authentication", "authenticate", "auth", "login", "credentials"],
    &["boolean", "bool"],
    &["callback", "hook", "handler"],
    &["column", "col"],
    &["compare", "cmp", "equal", "eq"],
    &["configuration", "configure", "config", "conf", "settings", "options"],
    &["connection", "connect", "conn"],
    &["context", "ctx"],
    &["convert", "coerce", "cast", "to"],
    &["copy", "clone", "duplicate"],
    &["create", "make", "build", "new", "construct"],
    &["database", "db"],
    &["delete", "remove", "drop", "discard", "del"],
    &["destination", "dest", "dst"],
    &["determine", "check", "is", "test", "whether"],
    &["dictionary", "dict", "mapping", "map"],
    &["directory", "dir", "folder"],
    &["document", "doc"],
    &["element", "elem", "item"],
    &["environment", "env"],
    &["error", "exception", "err", "exc"],
    &["execute", "exec", "run", "invoke", "call"],
    &["expression", "expr"],
    &["fetch", "retrieve", "get", "load", "obtain"],
    &["find", "search", "lookup", "locate"],
    &["format", "fmt", "repr"],
    &["function", "func", "fn", "callable", "method"],
    &["generate", "gen", "produce", "yield"],
    &["identifier", "ident", "id"],
    &["information", "info"],
    &["initialize", "initialise", "init", "setup"],
    &["length", "len", "size", "count"],
    &["message", "msg"],
    &["module", "mod", "package", "pkg"],
    &["number", "num", "int", "integer"],
    &["object", "obj", "instance"],
    &["reference", "ref"],
    &["regex", "regexp", "pattern", "re"],
    &["register", "add", "append", "insert"],
    &["request", "req"],
    &["response", "resp", "res", "reply"],
    &["send", "emit", "dispatch", "publish"],
    &["string", "str", "text"],
];

/// The terms of a query with the weight of each: words as they are, names that neighbouring words make together, related
/// words, and stand-ins for words that no chunk holds. Stop words are dropped unless nothing else is there.
pub(crate) fn terms(lexical: &Lexical, text: &str, tuning: &Tuning) -> Vec<(u32, f32)> {
    let (mut words, mut stops): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut lower: Vec<String> = Vec::new();
    let mut buf = String::new();
    terms::for_each_word(text, |word| {
        let low = word.to_lowercase();
        let list = if terms::is_stop(&low) { &mut stops } else { &mut words };
        terms::for_each_term(word, &mut buf, |t| list.push(t.to_owned()));
        lower.push(low);
    });
    let mut out = Terms::default();
    for word in if words.is_empty() { &stops } else { &words } {
        match lexical.live_term(word) {
            Some(term) => out.add(term, 1.0),
            None => lexical.stand_ins(word).into_iter().for_each(|t| out.add(t, tuning.stand_in_weight)),
        }
    }
    if tuning.pair_weight > 0.0 {
        for run in lower.windows(2).chain(lower.windows(3)) {
            if let Some(term) = lexical.live_term(&run.concat().replace('_', "")) {
                out.add(term, tuning.pair_weight);
            }
        }
    }
    if tuning.related_weight > 0.0 {
        for group in RELATED {
            if !group.iter().any(|word| lower.iter().any(|low| same_word(low, word))) {
                continue;
            }
            for word in group {
                terms::for_each_term(word, &mut buf, |t| {
                    if let Some(term) = lexical.live_term(t) {
                        out.add(term, tuning.related_weight);
                    }
                });
            }
        }
    }
    out.0
}

/// Whether `low` is `word` in some number or tense.
fn same_word(low: &str, word: &str) -> bool {
    low == word || low.strip_suffix('s').or(low.strip_suffix("ed")).or(low.strip_suffix('d')) == Some(word)
}

#[derive(Default)]
struct Terms(Vec<(u32, f32)>);

impl Terms {
    /// Add a term, unless it is there: what came first weighs most.
    fn add(&mut self, term: u32, weight: f32) {
        if !self.0.iter().any(|&(t, _)| t == term) {
            self.0.push((term, weight));
        }
    }
}
