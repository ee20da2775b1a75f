//! How far a schema grows when its parts are combined.
//!
//! `allOf`, and keywords beside `anyOf`, `oneOf` or `$ref`, are compiled by putting every alternative of one part
//! together with every alternative of the others, each a copy. A schema of a kilobyte can ask for gigabytes so. Here the
//! number of copies is bounded from above before any is made.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Names for and remarks about a schema: nothing that is combined with anything.
const REMARKS: [&str; 10] = [
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "$defs",
    "definitions",
    "x-guidance",
];
/// Deepest nesting, with what references lead to.
const MAX_DEPTH: usize = 256;

/// The most copies of any part of a schema.
#[derive(Clone, Copy)]
struct Growth {
    /// As it stands.
    alone: u64,
    /// When it is combined with something: how many alternatives it has.
    combined: u64,
}

const NONE: Growth = Growth { alone: 1, combined: 1 };
const ENDLESS: Growth = Growth { alone: u64::MAX, combined: u64::MAX };

impl Growth {
    fn max(self, other: Self) -> Self {
        Self { alone: self.alone.max(other.alone), combined: self.combined.max(other.combined) }
    }
}

/// An upper bound for the copies that are made of any part of a schema; 1 where nothing is combined.
pub(super) fn copies(schema: &Value) -> u64 {
    let mut weigher = Weigher { root: schema, known: HashMap::new(), depth: 0 };
    weigher.weigh(schema).alone
}

struct Weigher<'v> {
    root: &'v Value,
    /// What references lead to; `None` while it is being found out.
    known: HashMap<&'v str, Option<Growth>>,
    depth: usize,
}

impl<'v> Weigher<'v> {
    fn weigh(&mut self, value: &'v Value) -> Growth {
        if self.depth >= MAX_DEPTH {
            return ENDLESS;
        }
        self.depth += 1;
        let growth = match value {
            Value::Array(items) => items.iter().fold(NONE, |most, item| most.max(self.weigh(item))),
            Value::Object(map) => self.object(map),
            _ => NONE,
        };
        self.depth -= 1;
        growth
    }

    fn object(&mut self, map: &'v Map<String, Value>) -> Growth {
        // What is combined here: each keyword that has alternatives, and all others together.
        let (mut factors, mut product, mut has_others) = (0, 1_u64, false);
        let mut most = NONE;
        for (key, value) in map {
            let factor = match (key.as_str(), value) {
                ("anyOf" | "oneOf", Value::Array(options)) => {
                    let mut sum = 0_u64;
                    for option in options {
                        let growth = self.weigh(option);
                        most = most.max(growth);
                        sum = sum.saturating_add(growth.combined);
                    }
                    factors += 1;
                    sum
                }
                ("allOf", Value::Array(parts)) => {
                    factors += parts.len();
                    parts.iter().fold(1, |product: u64, part| {
                        let growth = self.weigh(part);
                        most = most.max(growth);
                        product.saturating_mul(growth.combined)
                    })
                }
                ("$ref", Value::String(to)) => {
                    factors += 1;
                    self.reference(to).combined
                }
                (key, value) => {
                    has_others |= !REMARKS.contains(&key);
                    most = most.max(self.weigh(value));
                    1
                }
            };
            product = product.saturating_mul(factor.max(1));
        }
        let is_combined = factors + usize::from(has_others) > 1;
        let combined = most.combined.max(product);
        Growth { alone: if is_combined { combined } else { most.alone }, combined }
    }

    fn reference(&mut self, to: &'v str) -> Growth {
        match self.known.get(to) {
            Some(Some(growth)) => return *growth,
            // What contains itself is not copied into itself.
            Some(None) => return NONE,
            None => {}
        }
        let Some(target) = to.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) else {
            return NONE;
        };
        self.known.insert(to, None);
        let growth = self.weigh(target);
        self.known.insert(to, Some(growth));
        growth
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn copies_are_counted_where_parts_are_combined() {
        let three = json!({"anyOf": [{"type": "null"}, {"type": "string"}, {"type": "number"}]});
        let refs = json!({
            "$defs": {"a": {"anyOf": [true, true]}, "b": {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}},
            "allOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/b"}],
        });
        for (schema, expected) in [
            (json!({}), 1),
            (json!({"type": "object", "properties": {"a": three, "b": three}}), 1),
            (three.clone(), 1),
            (json!({"type": "string", "anyOf": [true, true]}), 2),
            (json!({"title": "remarks do not count", "anyOf": [true, true]}), 1),
            (json!({"allOf": [three, three, {"type": "null"}]}), 9),
            (json!({"items": {"allOf": [three, three]}}), 9),
            (json!({"allOf": [{"properties": {"a": three}}, {"properties": {"a": three}}]}), 9),
            (refs, 16),
            (
                json!({"$defs": {"a": {"type": "object", "items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}),
                1,
            ),
        ] {
            assert_eq!(copies(&schema), expected, "{schema}");
        }
        let many = vec![three; 200];
        assert_eq!(copies(&json!({"allOf": many})), u64::MAX);
    }
}
