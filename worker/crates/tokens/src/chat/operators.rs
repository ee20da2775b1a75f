//! The operators of a template, each of them a filter that weighs its values before it works; see [`super::program`].

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Rest, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind};

use super::meter::Meter;

/// Names of filters that stand for operators; see [`super::program`].
pub(super) const ADD: &str = "_add";
pub(super) const MULTIPLY: &str = "_multiply";
pub(super) const JOIN_TEXT: &str = "_join_text";
pub(super) const LIST: &str = "_list";
pub(super) const MAP: &str = "_map";
pub(super) const COMPARE: [&str; 7] = ["_eq", "_ne", "_lt", "_le", "_gt", "_ge", "_in"];
pub(super) const ITEM: &str = "_item";
pub(super) const SLICE: &str = "_slice";
/// What a loop goes over passes through this one.
pub(super) const LOOPED: &str = "_looped";
/// What is put into a namespace passes through this one.
pub(super) const KEPT: &str = "_kept";
/// Does nothing, which the compiler does not know.
pub(super) const OPAQUE: &str = "_opaque";

pub(super) fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

/// The operators that make values or look all the way into them.
pub(super) fn add(env: &mut Environment<'_>, meter: &Arc<Meter>) {
    type Operator = fn(&Meter, &[Value]) -> Result<Value, Error>;
    let operators: [(&'static str, Operator); 14] = [
        (OPAQUE, |_, args| args.first().cloned().ok_or_else(|| invalid("nothing to multiply"))),
        (LIST, |_, args| Ok(Value::from(args.to_vec()))),
        (MAP, |_, args| {
            let pairs = args.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
            Ok(Value::from_object(pairs.collect::<BTreeMap<Value, Value>>()))
        }),
        (ADD, |_, args| sum(two(args)?)),
        (JOIN_TEXT, |_, args| {
            let [left, right] = two(args)?;
            Ok(Value::from(format!("{left}{right}")))
        }),
        (SLICE, |_, args| slice(args)),
        (MULTIPLY, |meter, args| multiply(meter, two(args)?)),
        (COMPARE[0], |_, args| two(args).map(|[a, b]| Value::from(a == b))),
        (COMPARE[1], |_, args| two(args).map(|[a, b]| Value::from(a != b))),
        (COMPARE[2], |_, args| two(args).map(|[a, b]| Value::from(a < b))),
        (COMPARE[3], |_, args| two(args).map(|[a, b]| Value::from(a <= b))),
        (COMPARE[4], |_, args| two(args).map(|[a, b]| Value::from(a > b))),
        (COMPARE[5], |_, args| two(args).map(|[a, b]| Value::from(a >= b))),
        (COMPARE[6], |_, args| two(args).and_then(|[value, container]| contains(container, value))),
    ];
    for (name, operator) in operators {
        let meter = meter.clone();
        env.add_filter(name, move |args: Rest<Value>| {
            meter.weigh(&args)?;
            operator(&meter, &args)
        });
    }
    // A conversation is asked for one message after the other, so its weight is not asked for each time; the characters
    // of a text are counted up to the one that is asked for.
    let item_meter = meter.clone();
    env.add_filter(ITEM, move |args: Rest<Value>| {
        let [value, key] = two(&args)?;
        item_meter.weigh(std::slice::from_ref(key))?;
        item_meter.charge(value.as_str().map_or(0, str::len) as u64)?;
        value.get_item(key)
    });
    // Namespaces can be changed, so one that held itself would never be freed. Macros and loops hold what they see.
    let kept_meter = meter.clone();
    env.add_filter(KEPT, move |value: Value| {
        kept_meter.weigh(std::slice::from_ref(&value))?;
        if is_plain(&value) { Ok(value) } else { Err(invalid("a namespace can only hold plain values")) }
    });
    // To begin a loop, the characters of a text are counted.
    let meter = meter.clone();
    env.add_filter(LOOPED, move |value: Value| {
        meter.charge(value.as_str().map_or(0, str::len) as u64)?;
        Ok::<Value, Error>(value)
    });
}

fn two(args: &[Value]) -> Result<[&Value; 2], Error> {
    match args {
        [left, right] => Ok([left, right]),
        _ => Err(invalid("an operator needs two values")),
    }
}

fn sum([left, right]: [&Value; 2]) -> Result<Value, Error> {
    if let (Some(left), Some(right)) = (left.as_str(), right.as_str()) {
        return Ok(Value::from([left, right].concat()));
    }
    if let (ValueKind::Seq, ValueKind::Seq) = (left.kind(), right.kind()) {
        return Ok(Value::from(left.try_iter()?.chain(right.try_iter()?).collect::<Vec<Value>>()));
    }
    number(left, right, i64::checked_add, |a, b| a + b).ok_or_else(|| invalid("these values cannot be added"))
}

/// `[value, start, stop, step]` as in Python. The one of minijinja makes lists that are views of the list before them,
/// without an end to how deep, and takes a step of more than the size of an address for 0.
fn slice(args: &[Value]) -> Result<Value, Error> {
    let [value, bounds @ ..] = args else { return Err(invalid("a slice needs a value")) };
    let mut numbers = [None; 3];
    for (number, bound) in numbers.iter_mut().zip(bounds) {
        if !bound.is_none() {
            *number = Some(bound.as_i64().ok_or_else(|| invalid("a slice goes from a number to a number"))?);
        }
    }
    if let Some(text) = value.as_str() {
        let chars: Vec<char> = text.chars().collect();
        return Ok(Value::from(taken(chars.len(), numbers)?.map(|at| chars[at]).collect::<String>()));
    }
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(Value::from(Vec::<Value>::new())),
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Vec<Value> = value.try_iter()?.collect();
            Ok(Value::from(taken(items.len(), numbers)?.map(|at| items[at].clone()).collect::<Vec<Value>>()))
        }
        _ => Err(invalid("only texts and lists have slices")),
    }
}

/// The places below `len` that Python's `[start:stop:step]` takes, in its order.
fn taken(len: usize, [start, stop, step]: [Option<i64>; 3]) -> Result<impl Iterator<Item = usize>, Error> {
    let too_long = |_| invalid("this value is too long for a slice");
    let (end, step) = (i64::try_from(len).map_err(too_long)?, step.unwrap_or(1));
    if step == 0 {
        return Err(invalid("a slice cannot have a step of 0"));
    }
    let (lowest, highest) = if step > 0 { (0, end) } else { (-1, end - 1) };
    let inside = |at: i64| (if at < 0 { at.saturating_add(end) } else { at }).clamp(lowest, highest);
    let (first, last) = if step > 0 { (lowest, highest) } else { (highest, lowest) };
    let (start, stop) = (start.map_or(first, inside), stop.map_or(last, inside));
    let places = std::iter::successors(Some(start), move |at| at.checked_add(step));
    let before = move |at: &i64| if step > 0 { *at < stop } else { *at > stop };
    Ok(places.take_while(before).filter_map(|at| usize::try_from(at).ok()))
}

fn multiply(meter: &Meter, [left, right]: [&Value; 2]) -> Result<Value, Error> {
    if let (Some(text), Some(times)) = (left.as_str(), right.as_usize()) {
        meter.charge((text.len() as u64).saturating_mul(times as u64))?;
        return Ok(Value::from(text.repeat(times)));
    }
    number(left, right, i64::checked_mul, |a, b| a * b)
        .ok_or_else(|| invalid("these values cannot be multiplied"))
}

fn number(
    left: &Value,
    right: &Value,
    whole: fn(i64, i64) -> Option<i64>,
    fraction: fn(f64, f64) -> f64,
) -> Option<Value> {
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64()) {
        return whole(left, right).map(Value::from);
    }
    let fractional = |value: &Value| f64::try_from(value.clone()).ok();
    Some(Value::from(fraction(fractional(left)?, fractional(right)?)))
}

/// Texts, numbers, lists and maps of them, whose depth was bounded when they were weighed.
fn is_plain(value: &Value) -> bool {
    let all_plain =
        |values: &Value| values.try_iter().is_ok_and(|mut items| items.all(|item| is_plain(&item)));
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => all_plain(value),
        ValueKind::Map => value
            .downcast_object_ref::<BTreeMap<Value, Value>>()
            .is_some_and(|map| map.iter().all(|(key, item)| is_plain(key) && is_plain(item))),
        ValueKind::Plain | ValueKind::Invalid => false,
        _ => true,
    }
}

/// Whether `value` is in `container`: a part of a text, an item of a list, a key of a map.
fn contains(container: &Value, value: &Value) -> Result<Value, Error> {
    if let Some(text) = container.as_str() {
        let part = value.as_str().ok_or_else(|| invalid("only text can be part of a text"))?;
        return Ok(Value::from(text.contains(part)));
    }
    match container.kind() {
        ValueKind::Undefined => Ok(Value::from(false)),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            Ok(Value::from(container.try_iter()?.any(|item| item == *value)))
        }
        _ => Err(invalid("nothing can be part of this value")),
    }
}
