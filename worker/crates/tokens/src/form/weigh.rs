//! How far a schema grows when its parts are combined, and how deep its references lead.
//!
//! `allOf`, and keywords beside `anyOf`, `oneOf` or `$ref`, are compiled by putting every alternative of one part
//! together with every alternative of the others, each a copy. A schema of a kilobyte can ask for gigabytes so. Here the
//! number of copies is bounded from above before any is made. References are followed by recursion, on a small stack.

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

/// What became of a part of a schema.
#[derive(Clone, Copy)]
struct Part {
    /// The most copies of any part of it, as it stands.
    alone: u64,
    /// The same when it is combined with something: how many alternatives it has.
    combined: u64,
    /// Levels below, through references as well.
    levels: usize,
}

const LEAF: Part = Part { alone: 1, combined: 1, levels: 0 };
const ENDLESS: Part = Part { alone: u64::MAX, combined: u64::MAX, levels: usize::MAX };

impl Part {
    fn max(self, other: Self) -> Self {
        Self {
            alone: self.alone.max(other.alone),
            combined: self.combined.max(other.combined),
            levels: self.levels.max(other.levels),
        }
    }

    fn below(self) -> Self {
        Self { levels: self.levels.saturating_add(1), ..self }
    }
}

/// Bounds for what compiling a schema takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    /// Most copies of any part; 1 where nothing is combined.
    pub(super) copies: u64,
    /// How deep the compiler goes, which follows each reference once where it meets it first.
    pub(super) levels: usize,
}

/// Weigh a schema.
pub(super) fn weigh(schema: &Value) -> Weight {
    let (known, depth, all) = (HashMap::new(), 0, super::check::depth(schema));
    let mut weigher = Weigher { root: schema, known, depth, all, is_cyclic: false };
    let part = weigher.weigh(schema);
    // Through a circle the way may be as long as everything that is referred to, one behind the other.
    let levels = if weigher.is_cyclic { weigher.all } else { part.levels };
    Weight { copies: part.alone, levels }
}

struct Weigher<'v> {
    root: &'v Value,
    /// What references lead to; `None` while it is being found out.
    known: HashMap<&'v str, Option<Part>>,
    depth: usize,
    /// Levels of the whole and of everything that is referred to, together.
    all: usize,
    is_cyclic: bool,
}

impl<'v> Weigher<'v> {
    fn weigh(&mut self, value: &'v Value) -> Part {
        if self.depth >= MAX_DEPTH {
            return ENDLESS;
        }
        self.depth += 1;
        let part = match value {
            Value::Array(items) => items.iter().fold(LEAF, |most, item| most.max(self.weigh(item))).below(),
            Value::Object(map) => self.object(map).below(),
            _ => LEAF,
        };
        self.depth -= 1;
        part
    }

    fn object(&mut self, map: &'v Map<String, Value>) -> Part {
        // What is combined here: each keyword that has alternatives, and all others together.
        let (mut factors, mut product, mut has_others) = (0, 1_u64, false);
        let mut most = LEAF;
        for (key, value) in map {
            let factor = match (key.as_str(), value) {
                ("anyOf" | "oneOf", Value::Array(options)) => {
                    factors += 1;
                    let mut sum = 0_u64;
                    for option in options {
                        let part = self.weigh(option);
                        most = most.max(part.below());
                        sum = sum.saturating_add(part.combined);
                    }
                    sum
                }
                ("allOf", Value::Array(parts)) => {
                    factors += parts.len();
                    parts.iter().fold(1, |product: u64, part| {
                        let part = self.weigh(part);
                        most = most.max(part.below());
                        product.saturating_mul(part.combined)
                    })
                }
                ("$ref", Value::String(to)) => {
                    factors += 1;
                    let part = self.reference(to);
                    most.levels = most.levels.max(part.levels);
                    part.combined
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
        Part { alone: if is_combined { combined } else { most.alone }, combined, levels: most.levels }
    }

    fn reference(&mut self, to: &'v str) -> Part {
        match self.known.get(to) {
            Some(Some(part)) => return *part,
            // What contains itself is not copied into itself.
            Some(None) => {
                self.is_cyclic = true;
                return LEAF;
            }
            None => {}
        }
        let Some(target) = to.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) else {
            return LEAF;
        };
        self.all = self.all.saturating_add(super::check::depth(target));
        self.known.insert(to, None);
        let part = self.weigh(target);
        self.known.insert(to, Some(part));
        part
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
            assert_eq!(weigh(&schema).copies, expected, "{schema}");
        }
        let many = vec![three; 200];
        assert_eq!(weigh(&json!({"allOf": many})).copies, u64::MAX);
    }
    #[test]
    fn levels_are_counted_through_references() {
        let chain = |num: usize, last: &str| {
            let link =
                |i: usize| (format!("d{i}"), json!({"items": {"$ref": format!("#/$defs/d{}", i + 1)}}));
            let defs: Map<_, _> =
                (0..num).map(link).chain([(format!("d{num}"), json!({"$ref": last}))]).collect();
            json!({"$defs": defs, "$ref": "#/$defs/d0"})
        };
        for (schema, expected) in [
            (json!({}), 1),
            (json!({"items": {"items": {}}}), 3),
            (json!({"anyOf": [{"items": {}}]}), 4),
            // Four links of two levels, one of one level, the map of them, and the whole.
            (chain(4, "#/none"), 11),
            // A circle: the links one behind the other, and what stands in the whole.
            (chain(4, "#/$defs/d0"), 9 + 4),
            (chain(400, "#/none"), usize::MAX),
        ] {
            assert_eq!(weigh(&schema).levels, expected, "{schema}");
        }
    }
}
