//! A chat template comes with a model: whatever it is, rendering it ends soon in text or in an error, and takes little.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokens::{ChatTemplate, Message, Role};

/// Most text that may come out; the limits inside are about what is made on the way.
const MAX_OUTPUT_BYTES: usize = 256 * 1024 * 1024;

fn check(source: &str, messages: &[Message]) {
    let Ok(template) = ChatTemplate::new(source, "<s>", "</s>") else { return };
    for generate in [true, false] {
        match template.render(messages, generate) {
            Ok(text) => assert!(text.len() < MAX_OUTPUT_BYTES),
            Err(err) => assert!(err.to_string().len() < 2000, "{err}"),
        }
    }
}

/// Pieces of which templates are made, one for each byte, so that the fuzzer need not spell them.
const PIECES: &[&str] = &[
    "{% for m in messages %}", "{% endfor %}", "{% if ", " %}", "{% elif x %}", "{% else %}", "{% endif %}", "{{ ", " }}",
    "{% set x = ", "{% set x %}", "{% endset %}", "{% macro f(x) %}", "{% endmacro %}", "f(x)", "{% set ns.x = ", "ns",
    "{% set ns = namespace(x=x) %}", "ns.x", "x", "m", "m.content", "m['role']", "messages", "loop.index", "loop.last",
    " ~ ", " + ", " * ", " - ", " // ", " % ", " == ", " != ", " < ", " in ", " not ", " and ", " or ", " is ", "defined",
    "string", "|", "trim", "join", "replace", "tojson", "upper", "length", "list", "map", "selectattr", "items", "sort",
    ".split", ".strip", ".replace", ".join", ".get", ".items", "(", ")", "[", "]", "{", "}", ",", ":", "'a'", "''", "1",
    "9999", "0", "range", "raise_exception", "dict", "[::-1]", "[1:]", "**", "attribute=", "'role'", " if ", " else ",
    "none", "true", "bos_token", "add_generation_prompt", "{%- ", " -%}", "{# ", " #}", "\n", " ", "text", "{% break %}",
    "{% call f(x) %}", "{% endcall %}", "{% filter upper %}", "{% endfilter %}", "{% with x = ", "{% endwith %}",
    "{% for x in x recursive %}", "loop(x)", "caller()", "loop.cycle()", "loop.changed(x)", "raise_exception(x)",
    "{% set ns.x = ns %}", "x[ns]", ".strip(x)", "|join(d=x)", "(x, x)", "[x, x]", "{'a': x}", "x ~ x",
];

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let said = |role, content: &str| Message { role, content: content.to_owned() };
    let messages = [said(Role::System, "Be brief."), said(Role::User, &text), said(Role::Assistant, "é\n")];
    check(&text, &messages);
    let made: String = data.iter().take(400).map(|&byte| PIECES[usize::from(byte) % PIECES.len()]).collect();
    check(&made, &messages);
});
