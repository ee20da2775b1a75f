//! What a schema or a grammar is looked at for before it is compiled.
//!
//! Compiling walks both recursively, on a stack of one megabyte in a browser, so their depth is bounded here.

use serde_json::{Value, json};

use super::{FormError, MAX_FORM_BYTES, weigh};

/// Deepest nesting of a schema, an object in an object counted once; tools have about ten levels.
const MAX_DEPTH: usize = 48;

/// Most bytes of schema that its parts may grow to when they are combined.
const MAX_GROWN_BYTES: u64 = 1 << 20;
/// Most patterns for names of properties. Each is compared with each other, which takes long.
const MAX_PATTERNS: usize = 16;

/// White space between the parts of JSON: none, a space, or one indented line. A small model that may write any number
/// of blanks does nothing else when it does not know what to say.
const SPACE: &str = r"\x20|\n[\x20\t]{0,32}";

fn short(text: &str) -> Result<(), FormError> {
    if text.len() > MAX_FORM_BYTES { Err(FormError::TooLong(text.len())) } else { Ok(()) }
}

/// Read a schema.
pub(super) fn schema(text: &str) -> Result<Value, FormError> {
    short(text)?;
    let mut schema: Value = serde_json::from_str(text).map_err(|err| FormError::NotJson(err.to_string()))?;
    if depth(&schema) > MAX_DEPTH {
        return Err(FormError::TooDeep(MAX_DEPTH));
    }
    if weigh::copies(&schema).saturating_mul(text.len() as u64) > MAX_GROWN_BYTES {
        let why =
            "its parts have too many combinations; use fewer “allOf”, or “anyOf” with nothing beside it";
        return Err(FormError::Refused(why.into()));
    }
    if patterns(&schema) > MAX_PATTERNS {
        return Err(FormError::Refused(format!("it has more than {MAX_PATTERNS} “patternProperties”")));
    }
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

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Number of patterns for names.
fn patterns(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(patterns).sum(),
        Value::Object(map) => {
            let here = map.get("patternProperties").and_then(Value::as_object).map_or(0, |map| map.len());
            here + map.values().map(patterns).sum::<usize>()
        }
        _ => 0,
    }
}

/// Look at a grammar: how deep its brackets are nested, be they of rules, of regular expressions or of JSON. Those in
/// texts do not count.
pub(super) fn grammar(text: &str) -> Result<(), FormError> {
    short(text)?;
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            // No text goes on in the next line, so a stray quote hides no more than its own.
            b'\n' => quoted = false,
            b'"' => quoted = !quoted,
            b'(' | b'[' | b'{' if !quoted => depth += 1,
            b')' | b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(FormError::TooDeep(MAX_DEPTH));
        }
    }
    Ok(())
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
        assert_eq!(schema(&deep("[", "]", 100)), Err(FormError::TooDeep(MAX_DEPTH)));
    }
}
