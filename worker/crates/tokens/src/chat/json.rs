//! The `tojson` filter as chat templates know it: Python's `json.dumps` with its spaces and without escaping for HTML.

use std::fmt::Write as _;

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, ErrorKind};

use super::meter::Meter;

/// JSON of a value that was weighed; `indent` gives the number of spaces per level, which `meter` is charged for.
pub(super) fn to_json(meter: &Meter, value: &Value, kwargs: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = kwargs.get("indent")?;
    let mut writer = Writer { meter, indent: indent.map(|indent| indent.min(8)), out: String::new() };
    writer.value(value, 0)?;
    Ok(Value::from(writer.out))
}

struct Writer<'a> {
    meter: &'a Meter,
    indent: Option<usize>,
    out: String,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        match value.kind() {
            ValueKind::Undefined | ValueKind::None => self.out.push_str("null"),
            ValueKind::Bool => self.out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.out.push_str(&value.to_string()),
            ValueKind::String => text(&mut self.out, value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => {
                let items = value.try_iter()?.map(|item| (None, item)).collect();
                return self.list(['[', ']'], items, depth);
            }
            ValueKind::Map => {
                let items = value.try_iter()?.map(|key| Ok((Some(key.to_string()), value.get_item(&key)?)));
                return self.list(['{', '}'], items.collect::<Result<_, Error>>()?, depth);
            }
            _ => return Err(Error::new(ErrorKind::InvalidOperation, "this value has no JSON")),
        }
        Ok(())
    }

    fn list(
        &mut self,
        [open, close]: [char; 2],
        items: Vec<(Option<String>, Value)>,
        depth: usize,
    ) -> Result<(), Error> {
        self.out.push(open);
        let num = items.len();
        for (i, (key, item)) in items.into_iter().enumerate() {
            self.line(depth + 1)?;
            if let Some(key) = key {
                text(&mut self.out, &key);
                self.out.push_str(": ");
            }
            self.value(&item, depth + 1)?;
            if i + 1 < num {
                self.out.push_str(if self.indent.is_some() { "," } else { ", " });
            }
        }
        if num > 0 {
            self.line(depth)?;
        }
        self.out.push(close);
        Ok(())
    }

    fn line(&mut self, depth: usize) -> Result<(), Error> {
        if let Some(indent) = self.indent {
            let spaces = indent * depth;
            self.meter.charge(spaces as u64)?;
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', spaces));
        }
        Ok(())
    }
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
