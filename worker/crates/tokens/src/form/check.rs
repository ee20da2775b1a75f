//! What a schema or a grammar is looked at for before it is compiled.
//!
//! Compiling walks both recursively, on a stack of one megabyte in a browser, so their depth is bounded here.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{FormError, MAX_FORM_BYTES, weigh};

/// Deepest nesting of a schema, an object in an object counted once; tools have about ten levels.
const MAX_DEPTH: usize = 48;

/// Deepest nesting through references and rules, whose compilers follow one into the next.
const MAX_LEVELS: usize = 128;
/// Most bytes of schema that its parts may grow to when they are combined.
const MAX_GROWN_BYTES: u64 = 1 << 20;
/// Most patterns for names of properties. Each is compared with each other, which takes long.
const MAX_PATTERNS: usize = 16;

/// Most names of properties: what may follow each of them is compared with all others.
const MAX_NAMES: usize = 512;
/// Largest bound of a number: beyond it, not every integer has a number of its own in JSON.
const MAX_NUMBER: f64 = 9_007_199_254_740_992.0;
/// Largest product of the digits of all different `multipleOf`.
const MAX_MULTIPLE: u64 = 1_000_000_000_000;

/// White space between the parts of JSON: none, a space, or one indented line. A small model that may write any number
/// of blanks does nothing else when it does not know what to say.
const SPACE: &str = r"\x20|\n[\x20\t]{0,32}";

fn short(text: &str) -> Result<(), FormError> {
    if text.len() > MAX_FORM_BYTES { Err(FormError::TooLong(text.len())) } else { Ok(()) }
}

/// Read a schema.
pub(super) fn schema(text: &str) -> Result<Value, FormError> {
    short(text)?;
    let mut schema: Value = serde_json::from_str(text).map_err(|err| match err.to_string() {
        // The reader's own limit, which has no kind of its own.
        why if why.starts_with("recursion limit") => FormError::TooDeep(MAX_DEPTH),
        why => FormError::NotJson(why),
    })?;
    if depth(&schema) > MAX_DEPTH {
        return Err(FormError::TooDeep(MAX_DEPTH));
    }
    let weight = weigh::weigh(&schema);
    if weight.levels > MAX_LEVELS {
        return Err(FormError::TooDeep(MAX_LEVELS));
    }
    if weight.copies.saturating_mul(text.len() as u64) > MAX_GROWN_BYTES {
        let why =
            "its parts have too many combinations; use fewer “allOf”, or “anyOf” with nothing beside it";
        return Err(FormError::Refused(why.into()));
    }
    count(&schema)?;
    match &mut schema {
        Value::Bool(true) => schema = json!({}),
        Value::Object(_) => {}
        _ => return Err(FormError::Refused("a schema is an object in braces, or “true”".into())),
    }
    if let Some(map) = schema.as_object_mut() {
        // Options of the library, which are ours to choose.
        map.insert("x-guidance".into(), json!({ "whitespace_pattern": SPACE }));
    }
    Ok(schema)
}

/// Levels of a value.
pub(super) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Refuse what the compiler has no limits for.
fn count(schema: &Value) -> Result<(), FormError> {
    let mut seen = Seen { multiple: 1, ..Seen::default() };
    seen.look(schema);
    let why = match seen {
        Seen { names, .. } if names > MAX_NAMES => format!("it names more than {MAX_NAMES} properties"),
        Seen { patterns, .. } if patterns > MAX_PATTERNS => {
            format!("it has more than {MAX_PATTERNS} “patternProperties”")
        }
        Seen { largest, .. } if largest > MAX_NUMBER => {
            format!("its numbers are bounded by {largest:e}; at most {MAX_NUMBER} can be")
        }
        Seen { multiple, .. } if multiple > MAX_MULTIPLE => {
            "the numbers of its “multipleOf” have too many digits together".into()
        }
        _ => return Ok(()),
    };
    Err(FormError::Refused(why))
}

/// What costs more than its text.
#[derive(Default)]
struct Seen {
    names: usize,
    patterns: usize,
    largest: f64,
    /// The product of all different ones, as their least common multiple may be.
    multiple: u64,
    multiples: BTreeSet<u64>,
}

impl Seen {
    fn look(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.look(item)),
            Value::Object(map) => {
                for (key, value) in map {
                    self.keyword(key, value);
                    self.look(value);
                }
            }
            _ => {}
        }
    }

    fn keyword(&mut self, key: &str, value: &Value) {
        match (key, value) {
            ("properties", Value::Object(map)) => self.names += map.len(),
            ("patternProperties", Value::Object(map)) => self.patterns += map.len(),
            ("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum", Value::Number(number)) => {
                self.largest = self.largest.max(number.as_f64().map_or(f64::INFINITY, f64::abs));
            }
            ("multipleOf", Value::Number(number)) => {
                // Its digits without the point: 0.25 counts as 25. One with an exponent counts as too long.
                let digits: String = number.to_string().chars().filter(|c| !matches!(c, '.' | '-')).collect();
                let digits = digits.parse().unwrap_or(u64::MAX);
                if self.multiples.insert(digits) {
                    self.multiple = self.multiple.saturating_mul(digits.max(1));
                }
            }
            _ => {}
        }
    }
}

/// Look at a grammar: how deep its brackets are nested, be they of rules, of regular expressions or of JSON, and how
/// deep its rules may lead into one another. Those in texts do not count.
pub(super) fn grammar(text: &str) -> Result<(), FormError> {
    short(text)?;
    let (mut depth, mut deepest, mut levels) = (0_usize, 0_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            // No text goes on in the next line, so a stray quote hides no more than its own.
            b'\n' => quoted = false,
            b'"' => quoted = !quoted,
            b'(' | b'[' | b'{' if !quoted => depth += 1,
            b')' | b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            // A rule, or one too many: a colon in a pattern.
            b':' if !quoted && depth == 0 => {
                levels += 1 + deepest;
                deepest = 0;
            }
            _ => {}
        }
        deepest = deepest.max(depth);
        if depth > MAX_DEPTH {
            return Err(FormError::TooDeep(MAX_DEPTH));
        }
    }
    if levels + deepest > MAX_LEVELS { Err(FormError::TooDeep(MAX_LEVELS)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_outside_of_texts() {
        let deep = |open: &str, close: &str, n: usize| open.repeat(n) + &close.repeat(n);
        assert_eq!(grammar(&deep("(", ")", MAX_DEPTH)), Ok(()));
        assert_eq!(grammar(&deep("(", ")", MAX_DEPTH + 1)), Err(FormError::TooDeep(MAX_DEPTH)));
        assert_eq!(grammar(&"()".repeat(1000)), Ok(()));
        assert_eq!(grammar(&format!("start: \"{}\"", "(".repeat(1000))), Ok(()));
        assert_eq!(grammar(&format!("start: \"\\\"{}\"", "(".repeat(1000))), Ok(()));
        let hidden = format!("start: /\"/\n{}", "(".repeat(1000));
        assert_eq!(grammar(&hidden), Err(FormError::TooDeep(MAX_DEPTH)));
        let rules = |n: usize| "a: (\"x\" | \"(:\")\n".repeat(n);
        assert_eq!(grammar(&rules(MAX_LEVELS / 2)), Ok(()));
        assert_eq!(grammar(&rules(MAX_LEVELS / 2 + 1)), Err(FormError::TooDeep(MAX_LEVELS)));
        assert_eq!(schema(&deep("[", "]", 100)), Err(FormError::TooDeep(MAX_DEPTH)));
        assert_eq!(schema(&deep("[", "]", 1000)), Err(FormError::TooDeep(MAX_DEPTH)));
    }
}
