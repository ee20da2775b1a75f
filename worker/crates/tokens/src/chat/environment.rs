//! What a template can call: the filters, tests, methods and functions that chat templates use, each metered.

use std::borrow::Cow;
use std::sync::Arc;

use minijinja::value::{Kwargs, Rest, Value, ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, filters, functions, tests};

use super::json::to_json;
use super::meter::{LEAST, Meter};
use super::operators::{self, invalid};

/// Depth of macros and of loops that call themselves.
const MAX_RECURSION: usize = 64;
/// Longest range; each number of it costs fuel as well.
const MAX_RANGE: i64 = 10_000;

/// Bytes of a value as text.
fn text_len(value: &Value) -> u64 {
    value.as_str().map_or(32, str::len) as u64
}

/// A value as the text that it is taken for.
fn as_text(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| Cow::Owned(value.to_string()), Cow::Borrowed)
}

/// Charge for what a filter, or the method of that name with its value as the first argument, makes or looks at beyond
/// its arguments, which were weighed.
fn charge_call(meter: &Meter, name: &str, args: &[Value]) -> Result<(), Error> {
    let (Some(value), argument) = (args.first(), args.get(1)) else { return Ok(()) };
    match name {
        "replace" => {
            let old = argument.map(as_text).unwrap_or_default();
            let text = as_text(value);
            let num_places = if old.is_empty() { text.len() + 1 } else { text.matches(&*old).count() };
            let new_len = args.get(2).map_or(0, |new| as_text(new).len());
            meter.charge((num_places as u64).saturating_mul(new_len as u64))?;
            meter.charge(text.len() as u64)
        }
        "join" => {
            // What stands between the parts is passed with a name or without one.
            let named = argument.and_then(|last| last.get_attr("d").ok()).filter(|d| !d.is_undefined());
            let between_len = named.as_ref().or(argument).map_or(0, |between| as_text(between).len());
            let num_parts = value.len().unwrap_or_default();
            meter.charge((num_parts as u64).saturating_mul(between_len as u64 + LEAST))
        }
        // Each character of the one is looked for in all of the other.
        "trim" | "strip" | "lstrip" | "rstrip" => {
            let num_chars = argument.map_or(1, |chars| as_text(chars).len());
            meter.charge((as_text(value).len() as u64).saturating_mul(num_chars as u64))
        }
        "split" => meter.charge(num_pieces(&as_text(value), argument.and_then(Value::as_str))),
        "splitlines" => meter.charge(num_pieces(&as_text(value), Some("\n"))),
        // These take a text apart into its characters.
        "list" | "map" | "max" | "min" | "reject" | "rejectattr" | "select" | "selectattr" | "sort"
        | "unique" => meter.charge(num_pieces(value.as_str().unwrap_or_default(), Some(""))),
        _ => Ok(()),
    }
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
    add_json(&mut env, meter);
    operators::add(&mut env, meter);
    add_tests(&mut env, meter);
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
        ("trim", Value::from_function(filters::trim)),
        ("unique", Value::from_function(filters::unique)),
        ("upper", Value::from_function(filters::upper)),
    ];
    for (name, filter) in plain {
        let meter = meter.clone();
        env.add_filter(name, move |state: &mut State<'_, '_>, args: Rest<Value>, named: Kwargs| {
            let args = with_named(args, named);
            meter.weigh(&args)?;
            charge_call(&meter, name, &args)?;
            settled(&meter, filter.call(state, &args)?)
        });
    }
}

/// `tojson`, which makes more than it is given where it indents.
fn add_json(env: &mut Environment<'_>, meter: &Arc<Meter>) {
    let meter = meter.clone();
    env.add_filter("tojson", move |value: Value, named: Kwargs| {
        meter.weigh(std::slice::from_ref(&value))?;
        settled(&meter, to_json(&meter, &value, named)?)
    });
}

/// What the pieces weigh into which a text falls where `between` is, or at its spaces.
fn num_pieces(text: &str, between: Option<&str>) -> u64 {
    let num = match between {
        Some("") => text.chars().count(),
        Some(between) => text.matches(between).count(),
        None => text.split_whitespace().count(),
    };
    LEAST * num as u64
}

/// What a filter or a method gave, weighed. Lists that are views of other lists become lists of their own, for a
/// thousand views of views would be a thousand calls in each other.
fn settled(meter: &Meter, value: Value) -> Result<Value, Error> {
    meter.weigh(std::slice::from_ref(&value))?;
    if value.kind() == ValueKind::Iterable {
        return Ok(Value::from(value.try_iter()?.collect::<Vec<Value>>()));
    }
    Ok(value)
}

fn add_tests(env: &mut Environment<'_>, meter: &Arc<Meter>) {
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
    for name in ["equalto", "eq"] {
        let meter = meter.clone();
        env.add_test(name, move |a: &Value, b: &Value| {
            meter.charge(text_len(a).min(text_len(b)))?;
            Ok::<bool, Error>(a.as_str().is_some() && a.as_str() == b.as_str())
        });
    }
}

fn add_functions(env: &mut Environment<'_>, meter: &Arc<Meter>) {
    let shared = meter.clone();
    env.add_function("raise_exception", move |why: Value| {
        shared.weigh(std::slice::from_ref(&why))?;
        Err::<Value, _>(shared.raise(&why.to_string()))
    });
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
        let num = (i128::from(end) - i128::from(start)).checked_div(i128::from(step));
        if num.is_none_or(|num| num > i128::from(MAX_RANGE)) {
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
    if value.as_str().is_some() {
        if method == "join" {
            // The text stands between the parts.
            charge_call(meter, "join", &[args.first().cloned().unwrap_or_default(), value.clone()])?;
        } else {
            charge_call(meter, method, &[std::slice::from_ref(value), args].concat())?;
        }
        // Formatting has widths, which may be any number.
        if method != "format" {
            let made = minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)?;
            return settled(meter, made);
        }
    } else if value.kind() == ValueKind::Map {
        match (method, args) {
            ("get", _) => {
                let (key, other): (&Value, Option<Value>) = from_args(args)?;
                let found = value.get_item(key)?;
                return Ok(if found.is_undefined() { other.unwrap_or(Value::from(())) } else { found });
            }
            _ => {
                let made = minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)?;
                return settled(meter, made);
            }
        }
    }
    Err(Error::from(ErrorKind::UnknownMethod))
}
