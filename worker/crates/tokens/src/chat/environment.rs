//! What a template can call: the filters, tests, methods and functions that chat templates use, each metered.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Kwargs, Rest, Value, ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, filters, functions, tests};

use super::json::to_json;
use super::meter::Meter;

/// Names of filters that stand for operators; see [`super::program`].
pub(super) const ADD: &str = "_add";
pub(super) const MULTIPLY: &str = "_multiply";
pub(super) const JOIN_TEXT: &str = "_join_text";
pub(super) const LIST: &str = "_list";
pub(super) const MAP: &str = "_map";
pub(super) const COMPARE: [&str; 7] = ["_eq", "_ne", "_lt", "_le", "_gt", "_ge", "_in"];
/// Does nothing, which the compiler does not know.
pub(super) const OPAQUE: &str = "_opaque";

/// Depth of macros and of loops that call themselves.
const MAX_RECURSION: usize = 64;
/// Longest range; each number of it costs fuel as well.
const MAX_RANGE: i64 = 10_000;

fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

/// Bytes of a value as text.
fn text_len(value: &Value) -> u64 {
    value.as_str().map_or(32, str::len) as u64
}

/// Charge for a text in which `old` is replaced by `new`.
fn charge_replace(meter: &Meter, text: &str, old: &str, new: &str) -> Result<(), Error> {
    let places = if old.is_empty() { text.chars().count() + 1 } else { text.matches(old).count() };
    meter.charge(text.len() as u64 + (places as u64).saturating_mul(new.len() as u64))
}

/// Charge for what is put between the parts when they are joined; the parts are weighed anyway.
fn charge_join(meter: &Meter, parts: &Value, between: u64) -> Result<(), Error> {
    let num = parts.len().unwrap_or_default() as u64;
    meter.charge(num.saturating_mul(between))
}

/// An environment in which everything that makes values is charged to `meter`.
pub(super) fn environment<'source>(meter: &Arc<Meter>, fuel: u64) -> Environment<'source> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Lenient);
    env.set_recursion_limit(MAX_RECURSION);
    env.set_fuel(Some(fuel));
    let shared = meter.clone();
    env.set_formatter(move |out, state, value| {
        shared.weigh(std::slice::from_ref(value))?;
        minijinja::escape_formatter(out, state, value)
    });
    add_filters(&mut env, meter);
    add_operators(&mut env, meter);
    add_tests(&mut env);
    add_functions(&mut env, meter);
    let shared = meter.clone();
    env.set_unknown_method_callback(move |state, value, method, args| {
        call_method(&shared, state, value, method, args)
    });
    env
}

/// Arguments as they are passed on: those with names as one value behind the others.
fn with_named(args: Rest<Value>, named: Kwargs) -> Vec<Value> {
    let mut args = args.0;
    if named.args().next().is_some() {
        args.push(Value::from(named));
    }
    args
}

fn add_filters(env: &mut Environment<'_>, meter: &Arc<Meter>) {
    let plain = [
        ("abs", Value::from_function(filters::abs)),
        ("bool", Value::from_function(filters::bool)),
        ("capitalize", Value::from_function(filters::capitalize)),
        ("count", Value::from_function(filters::length)),
        ("d", Value::from_function(filters::default)),
        ("default", Value::from_function(filters::default)),
        ("dictsort", Value::from_function(filters::dictsort)),
        ("first", Value::from_function(filters::first)),
        ("float", Value::from_function(filters::float)),
        ("int", Value::from_function(filters::int)),
        ("items", Value::from_function(filters::items)),
        ("join", Value::from_function(filters::join)),
        ("last", Value::from_function(filters::last)),
        ("length", Value::from_function(filters::length)),
        ("list", Value::from_function(filters::list)),
        ("lower", Value::from_function(filters::lower)),
        ("map", Value::from_function(filters::map)),
        ("max", Value::from_function(filters::max)),
        ("min", Value::from_function(filters::min)),
        ("reject", Value::from_function(filters::reject)),
        ("rejectattr", Value::from_function(filters::rejectattr)),
        ("replace", Value::from_function(filters::replace)),
        ("reverse", Value::from_function(filters::reverse)),
        ("round", Value::from_function(filters::round)),
        ("safe", Value::from_function(filters::safe)),
        ("select", Value::from_function(filters::select)),
        ("selectattr", Value::from_function(filters::selectattr)),
        ("sort", Value::from_function(filters::sort)),
        ("string", Value::from_function(filters::string)),
        ("title", Value::from_function(filters::title)),
        ("tojson", Value::from_function(to_json)),
        ("trim", Value::from_function(filters::trim)),
        ("unique", Value::from_function(filters::unique)),
        ("upper", Value::from_function(filters::upper)),
    ];
    for (name, filter) in plain {
        let meter = meter.clone();
        env.add_filter(name, move |state: &mut State<'_, '_>, args: Rest<Value>, named: Kwargs| {
            let args = with_named(args, named);
            meter.weigh(&args)?;
            match (name, &args[..]) {
                ("replace", [text, old, new, ..]) => {
                    let texts = [text, old, new].map(|value| value.as_str().unwrap_or_default());
                    charge_replace(&meter, texts[0], texts[1], texts[2])?;
                }
                ("join", [parts, between, ..]) => charge_join(&meter, parts, text_len(between))?,
                _ => {}
            }
            filter.call(state, &args)
        });
    }
}

/// The operators that make values or look all the way into them.
fn add_operators(env: &mut Environment<'_>, meter: &Arc<Meter>) {
    type Operator = fn(&Meter, &[Value]) -> Result<Value, Error>;
    let operators: [(&'static str, Operator); 13] = [
        (OPAQUE, |_, args| args.first().cloned().ok_or_else(|| invalid("nothing to multiply"))),
        (LIST, |_, args| Ok(Value::from(args.to_vec()))),
        (MAP, |_, args| {
            let pairs = args.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
            Ok(Value::from_object(pairs.collect::<BTreeMap<Value, Value>>()))
        }),
        (ADD, |_, args| add(two(args)?)),
        (JOIN_TEXT, |_, args| {
            let [left, right] = two(args)?;
            Ok(Value::from(format!("{left}{right}")))
        }),
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
}

fn two(args: &[Value]) -> Result<[&Value; 2], Error> {
    match args {
        [left, right] => Ok([left, right]),
        _ => Err(invalid("an operator needs two values")),
    }
}

fn add([left, right]: [&Value; 2]) -> Result<Value, Error> {
    if let (Some(left), Some(right)) = (left.as_str(), right.as_str()) {
        return Ok(Value::from([left, right].concat()));
    }
    if let (ValueKind::Seq, ValueKind::Seq) = (left.kind(), right.kind()) {
        return Ok(Value::from(left.try_iter()?.chain(right.try_iter()?).collect::<Vec<Value>>()));
    }
    number(left, right, i64::checked_add, |a, b| a + b).ok_or_else(|| invalid("these values cannot be added"))
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

fn add_tests(env: &mut Environment<'_>) {
    env.add_test("boolean", tests::is_boolean);
    env.add_test("defined", |value: &Value| !value.is_undefined());
    env.add_test("even", tests::is_even);
    env.add_test("false", tests::is_false);
    env.add_test("float", tests::is_float);
    env.add_test("integer", tests::is_integer);
    env.add_test("iterable", tests::is_iterable);
    env.add_test("mapping", tests::is_mapping);
    env.add_test("none", |value: &Value| value.is_none());
    env.add_test("number", tests::is_number);
    env.add_test("odd", tests::is_odd);
    env.add_test("sequence", tests::is_sequence);
    env.add_test("string", tests::is_string);
    env.add_test("true", tests::is_true);
    env.add_test("undefined", |value: &Value| value.is_undefined());
    // With these two `selectattr` asks for roles; texts are all that it compares.
    env.add_test("equalto", |a: &Value, b: &Value| a.as_str().is_some() && a.as_str() == b.as_str());
    env.add_test("eq", |a: &Value, b: &Value| a.as_str().is_some() && a.as_str() == b.as_str());
}

fn add_functions(env: &mut Environment<'_>, meter: &Arc<Meter>) {
    let shared = meter.clone();
    env.add_function("raise_exception", move |why: String| Err::<Value, _>(shared.raise(&why)));
    let (shared, namespace) = (meter.clone(), Value::from_function(functions::namespace));
    env.add_function("namespace", move |state: &mut State<'_, '_>, args: Rest<Value>, named: Kwargs| {
        shared.count_namespace()?;
        let args = with_named(args, named);
        shared.weigh(&args)?;
        namespace.call(state, &args)
    });
    let (shared, dict) = (meter.clone(), Value::from_function(functions::dict));
    env.add_function("dict", move |state: &mut State<'_, '_>, args: Rest<Value>, named: Kwargs| {
        let args = with_named(args, named);
        shared.weigh(&args)?;
        dict.call(state, &args)
    });
    let shared = meter.clone();
    env.add_function("range", move |first: i64, end: Option<i64>, step: Option<i64>| {
        let (start, end) = end.map_or((0, first), |end| (first, end));
        let step = step.unwrap_or(1);
        if step == 0 || (end.saturating_sub(start) / step) > MAX_RANGE {
            return Err(invalid("this range is too long"));
        }
        let numbers = std::iter::successors(Some(start), move |&at| at.checked_add(step));
        let inside = move |&at: &i64| if step > 0 { at < end } else { at > end };
        let numbers: Vec<Value> = numbers.take_while(inside).map(Value::from).collect();
        shared.weigh(&numbers)?;
        Ok(Value::from(numbers))
    });
}

/// Methods of Python's texts and dicts.
fn call_method(
    meter: &Meter,
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    meter.weigh(std::slice::from_ref(value))?;
    meter.weigh(args)?;
    if let Some(text) = value.as_str() {
        if let ("replace", [old, new, ..]) = (method, args) {
            charge_replace(meter, text, old.as_str().unwrap_or_default(), new.as_str().unwrap_or_default())?;
        }
        if let ("join", [parts]) = (method, args) {
            charge_join(meter, parts, text.len() as u64)?;
        }
        // Formatting has widths, which may be any number.
        if method != "format" {
            return minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args);
        }
    } else if value.kind() == ValueKind::Map {
        match (method, args) {
            ("get", _) => {
                let (key, other): (&Value, Option<Value>) = from_args(args)?;
                let found = value.get_item(key)?;
                return Ok(if found.is_undefined() { other.unwrap_or(Value::from(())) } else { found });
            }
            _ => return minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args),
        }
    }
    Err(Error::from(ErrorKind::UnknownMethod))
}
