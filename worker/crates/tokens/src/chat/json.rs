//! The `tojson` filter as chat templates know it: Python's `json.dumps` with its spaces and without escaping for HTML.

use std::fmt::Write as _;

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, ErrorKind};

/// JSON of a value; `indent` gives the number of spaces per level. The value was weighed before.
pub(super) fn to_json(value: &Value, kwargs: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = kwargs.get("indent")?;
    let mut out = String::new();
    write(&mut out, value, indent.map(|indent| indent.min(8)), 0)?;
    Ok(Value::from(out))
}

fn write(out: &mut String, value: &Value, indent: Option<usize>, depth: usize) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => out.push_str(&value.to_string()),
        ValueKind::String => text(out, value.as_str().unwrap_or_default()),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter()?.map(|item| (None, item)).collect();
            return list(out, ['[', ']'], items, indent, depth);
        }
        ValueKind::Map => {
            let keys = value.try_iter()?;
            let items = keys.map(|key| Ok((Some(key.to_string()), value.get_item(&key)?)));
            return list(out, ['{', '}'], items.collect::<Result<_, Error>>()?, indent, depth);
        }
        _ => return Err(Error::new(ErrorKind::InvalidOperation, "this value has no JSON")),
    }
    Ok(())
}

fn list(
    out: &mut String,
    [open, close]: [char; 2],
    items: Vec<(Option<String>, Value)>,
    indent: Option<usize>,
    depth: usize,
) -> Result<(), Error> {
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    };
    out.push(open);
    let num = items.len();
    for (i, (key, item)) in items.into_iter().enumerate() {
        line(out, depth + 1);
        if let Some(key) = key {
            text(out, &key);
            out.push_str(": ");
        }
        write(out, &item, indent, depth + 1)?;
        if i + 1 < num {
            out.push_str(if indent.is_some() { "," } else { ", " });
        }
    }
    if num > 0 {
        line(out, depth);
    }
    out.push(close);
    Ok(())
}

fn text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}
