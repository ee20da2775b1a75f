//! Chat templates against the Python package, and templates that mean harm.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde::Deserialize;
use tokens::{Bpe, BpeSource, ChatTemplate, Marks, Message, Role, TemplateError, TokenKind};

#[derive(Deserialize)]
struct Golden {
    /// Template, begin and end token.
    templates: Vec<(String, String, String)>,
    chats: Vec<Chat>,
}

#[derive(Deserialize)]
struct Chat {
    messages: Vec<Said>,
    generate: bool,
    /// By template.
    rendered: Vec<Rendered>,
}

#[derive(Deserialize)]
struct Said {
    role: String,
    content: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Rendered {
    Text(String),
    Refused { refused: String },
}

fn message(role: &str, content: &str) -> Message {
    let role = match role {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        other => panic!("{other}"),
    };
    Message { role, content: content.to_owned() }
}

#[test]
fn conversations_are_written_as_the_python_package_writes_them() {
    let golden: Golden = serde_json::from_str(include_str!("bpe_golden.json")).unwrap();
    assert!(golden.chats.len() >= 8 && golden.templates.len() == 5);
    for chat in &golden.chats {
        let messages: Vec<Message> =
            chat.messages.iter().map(|said| message(&said.role, &said.content)).collect();
        assert_eq!(chat.rendered.len(), golden.templates.len());
        for ((source, bos, eos), expected) in golden.templates.iter().zip(&chat.rendered) {
            let template = ChatTemplate::new(source, bos, eos).unwrap();
            match (template.render(&messages, chat.generate), expected) {
                (Ok(text), Rendered::Text(expected)) => assert_eq!(&text, expected, "{source}"),
                (Err(TemplateError::Refused(why)), Rendered::Refused { refused }) => {
                    assert_eq!(&why, refused)
                }
                (found, _) => panic!("{found:?} of {source}"),
            }
        }
    }
}

fn render(source: &str) -> Result<String, TemplateError> {
    ChatTemplate::new(source, "<s>", "</s>")?.render(&[message("user", "Hello there")], true)
}

/// What comes of a template that means harm: it has to come quickly.
fn harm(source: &str) -> TemplateError {
    let began = Instant::now();
    let err = match render(source) {
        Err(err) => err,
        Ok(text) => panic!("{} bytes from {source:.100}", text.len()),
    };
    assert!(began.elapsed() < Duration::from_secs(20), "{:?} for {source:.100}", began.elapsed());
    assert!(err.to_string().len() < 500, "{err}");
    err
}

#[test]
fn a_template_that_loops_ends() {
    let loops = [
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        "{% set ns = namespace(n=0) %}{% for a in range(9999) %}{% for b in range(9999) %}{% set ns.n = ns.n + 1 %}{% endfor %}{% endfor %}",
    ];
    for source in loops {
        assert_eq!(harm(source), TemplateError::Endless, "{source}");
    }
    harm("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}");
    harm("{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}");
    harm("{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}");
    harm("{% for a in [1] %}{{ loop.cycle() }}{% endfor %}");
    harm("{% for a in [1] %}{{ loop.changed(a) }}{% endfor %}");
    harm("{{ range(100000000) }}");
    harm("{{ range(0, 10, 0) }}");
    let long = "x".repeat(60_000);
    assert_eq!(harm(&format!("{{% for a in range(9999) %}}{long}{{% endfor %}}")), TemplateError::Endless);
}

#[test]
fn a_template_cannot_make_more_than_a_little() {
    let double = |step: &str| format!("{{% set x = messages[0].content %}}{}{{{{ x }}}}", step.repeat(60));
    let growing = [
        double("{% set x = x ~ x %}"),
        double("{% set x = x + x %}"),
        double("{% set x = [x, x] %}"),
        double("{% set x = (x, x) %}"),
        double("{% set x = {'a': x, 'b': x} %}"),
        double("{% set x %}{{ x }}{{ x }}{% endset %}"),
        double("{% set x = x | replace('', x) %}"),
        double("{% set x = x.replace('e', x) %}"),
        double("{% set x = [x, x] | join(x) %}"),
        double("{% set x = x.join([x, x]) %}"),
        double("{% set x = dict(a=x, b=x) %}"),
        double("{% set x = namespace(a=x, b=x) %}"),
        double("{% filter upper %}{% set x = x ~ x %}{% endfilter %}{% set x = x ~ x %}"),
        double("{% set x = x * 1000 %}"),
        double("{% set x = [x] * 1000 %}"),
        "{% macro f(x) %}{{ f(x ~ x) }}{% endmacro %}{{ f('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') }}".to_owned(),
        "{{ 'a' * 100000000 }}".to_owned(),
        "{{ ['a'] * 100000000 }}".to_owned(),
        "{{ 100000000 * ['a'] }}".to_owned(),
        "{{ ('a' * 10000 * 10000) ~ ('a' * 10000 * 10000) }}".to_owned(),
        "{{ '%1000000000d'.format(1) }}{{ '{:>1000000000}'.format(1) }}".to_owned(),
        "{% for a in range(9999) %}{{ messages[0].content * 9999 }}{% endfor %}".to_owned(),
        "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}".to_owned(),
        "{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns == ns.a[0] }}{{ ns | tojson }}".to_owned(),
        "{% set ns = namespace() %}{% set ns.a = ns %}{{ raise_exception(ns) }}".to_owned(),
        "{% set a = namespace() %}{% set b = namespace() %}{% set m = {a: 1} %}{% set a.x = a %}{% set b.x = b %}{{ m[b] }}".to_owned(),
        "{{ range(9999) | join(d='x' * 5000000) }}".to_owned(),
        "{{ range(9999) | join('x' * 5000000) }}".to_owned(),
        "{{ range(9999) | join(['x' * 5000000]) }}".to_owned(),
        "{{ range(9999) | list | replace('1', 'y' * 5000000) }}".to_owned(),
        "{{ ('1' * 9999) | replace(1, 'y' * 5000000) }}".to_owned(),
        "{{ ('1' * 9999).replace('1', 'y' * 5000000) }}".to_owned(),
        "{{ ('y' * 5000000).join(range(9999)) }}".to_owned(),
        "{{ ('a' * 4000000).strip('b' * 4000000 ~ 'a') }}".to_owned(),
        "{{ ('a' * 4000000) | trim('b' * 4000000 ~ 'a') }}".to_owned(),
        "{{ ('x' * 15000000) | sort }}".to_owned(),
        "{{ ('x' * 15000000) | unique | list }}".to_owned(),
        "{{ ('x' * 15000000) | sort(reverse=true) }}".to_owned(),
        "{% set o = namespace(b=0) %}{% for i in range(9999) %}{% set a = namespace() %}{% set a.x = o.b %}{% set o.b = a %}{% endfor %}"
            .to_owned(),
    ];
    for source in growing {
        harm(&source);
    }
    assert_eq!(harm(&double("{% set x = x ~ x %}")), TemplateError::TooMuch);
}

#[test]
fn what_is_no_template_is_refused_with_a_sentence() {
    for source in ["{% if %}", "{{", "{% for x in y %}", "{{ a | }}", "{{ ((((((((( }}"] {
        assert!(matches!(harm(source), TemplateError::Syntax(_)), "{source}");
    }
    harm(&format!("{{{{ {}1{} }}}}", "(".repeat(10_000), ")".repeat(10_000)));
    harm(&"{% if true %}".repeat(5_000));
    harm(&format!("{{{{ {}1 }}}}", "not ".repeat(20_000)));
    harm(&format!("{{{{ 1{} }}}}", " ~ x | nope".repeat(5_000)));
    for (source, what) in [
        ("{% include 'x' %}", "other templates"),
        ("{% extends 'x' %}", "other templates"),
        ("{% block x %}{% endblock %}", "blocks"),
        ("{{ [*messages, *messages] }}", "unpacking"),
        ("{{ f(*messages) }}", "unpacking"),
        ("{{ 1 < 2 < 3 > x }}", "chained"),
    ] {
        let err = harm(source).to_string();
        assert!(err.contains(what) || err.contains("damaged"), "{source}: {err}");
    }
    assert_eq!(harm(&" ".repeat(1 << 20)), TemplateError::TooLong(1 << 20));
    assert!(matches!(harm("{{ messages.x.y }}"), TemplateError::Failed(_)));
    assert!(matches!(harm("{{ messages | nope }}"), TemplateError::Failed(_)));
    assert_eq!(harm("{{ raise_exception('No.') }}"), TemplateError::Refused("No.".into()));
    assert_eq!(
        harm("{{ raise_exception('No.') }}").to_string(),
        "this model cannot continue this conversation: No."
    );
    let template = ChatTemplate::new("{{ messages[0].content }}", "", "").unwrap();
    let long = message("user", &"x".repeat(5 << 20));
    assert_eq!(
        template.render(&[long], true),
        Err(TemplateError::ConversationTooLong { num_messages: 1, bytes: 5 << 20 })
    );
}

/// A worker in a browser has a stack of 1 MiB, in which tests of a program with less optimisation should fit as well.
#[test]
fn nothing_overflows_the_stack() {
    let chains = |num: usize| {
        [
            format!("{{{{ {}1 }}}}", "not ".repeat(num)),
            format!("{{{{ {}1 }}}}", "-".repeat(num)),
            format!("{{{{ 1{} }}}}", " ~ x".repeat(num)),
            format!("{{{{ 1{} }}}}", " * x".repeat(num)),
            format!("{{{{ x{} }}}}", "|trim".repeat(num)),
            format!("{{{{ messages{} }}}}", ".x".repeat(num)),
            format!("{{{{ messages{} }}}}", "[0]".repeat(num)),
            format!("{{{{ 1{} }}}}", " if x else 1".repeat(num)),
            format!("{{{{ 1{} }}}}", " and x".repeat(num)),
            format!("{{{{ {}1{} }}}}", "(".repeat(num), ")".repeat(num)),
            format!("{{{{ {}1{} }}}}", "[".repeat(num), "]".repeat(num)),
            format!("{{{{ {}1{} }}}}", "{'a':".repeat(num), "}".repeat(num)),
            format!("{{{{ {}1{} }}}}", "range(".repeat(num), ")".repeat(num)),
            format!("{}{}", "{% if x %}".repeat(num), "{% endif %}".repeat(num)),
            format!("{}{}", "{% for x in [1] %}".repeat(num), "{% endfor %}".repeat(num)),
            format!("{}{}", "{% set x %}".repeat(num), "{% endset %}".repeat(num)),
            format!("{{% if x %}}{}{{% endif %}}", "{% elif y %}".repeat(num)),
            format!("{{% macro f(x) %}}{{{{ f(x) }}}}{{% endmacro %}}{}", "{{ f(1) }}".repeat(num)),
            format!("{{% set x = 1 %}}{}{{{{ x }}}}", "{% set x = [x] %}".repeat(num)),
        ]
    };
    let run = move || {
        for num in [10, 30, 60, 90, 130, 190, 380, 1000, 10_000] {
            for source in chains(num) {
                // Either way, as long as it comes back.
                let _ = render(&source);
            }
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn operators_do_what_they_did() {
    for (source, expected) in [
        (
            "{{ 1 + 2 }} {{ 1.5 + 1 }} {{ 2 * 3 }} {{ 2 * -3 }} {{ 'ab' * 2 }} {{ 'a' + 'b' }}",
            "3 2.5 6 -6 abab ab",
        ),
        (
            "{{ 1 == 1 }} {{ 1 != 1 }} {{ 1 < 2 }} {{ 2 <= 1 }} {{ 2 > 1 }} {{ 1 >= 2 }}",
            "True False True False True False",
        ),
        ("{{ 'a' in 'cab' }} {{ 'x' not in ['x'] }} {{ 'role' in messages[0] }}", "True False True"),
        ("{{ [1, 2] + [3] }} {{ (1, 2)[1] }} {{ {'a': 1}.a }} {{ {'a': 1}['a'] }}", "[1, 2, 3] 2 1 1"),
        (
            "{% set a, b = 1, 2 %}{{ b ~ a }}{% for k, v in {'x': 1}.items() %}{{ k }}{{ v }}{% endfor %}",
            "21x1",
        ),
        ("a * b {{ 2 * (3 + 4) * 2 }} {# * #}{{ '*' }}{{ x is defined }}", "a * b 28 *False"),
        ("{{ bos_token }}{{ eos_token }}{{ messages[0]['content'].upper() }}", "<s></s>HELLO THERE"),
    ] {
        assert_eq!(render(source).as_deref(), Ok(expected), "{source}");
    }
}

/// Bytes without pairs, and two control tokens.
fn bytes_only() -> Bpe {
    let mut next = 0x100..;
    let name = |byte: u8| match byte {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => char::from(byte),
        _ => char::from_u32(next.next().unwrap()).unwrap(),
    };
    let mut tokens: Vec<String> = (0..=255).map(name).map(String::from).collect();
    tokens.extend(["<|im_start|>".to_owned(), "<|im_end|>".to_owned()]);
    let kinds = [vec![TokenKind::Normal; 256], vec![TokenKind::Control; 2]].concat();
    let source = BpeSource {
        tokens: tokens.iter().map(String::as_str),
        kinds: &kinds,
        merges: std::iter::empty(),
        pre: Some("qwen2"),
    };
    Bpe::new(source).unwrap()
}

#[test]
fn a_message_cannot_end_its_own_turn() {
    let golden: Golden = serde_json::from_str(include_str!("bpe_golden.json")).unwrap();
    let bpe = bytes_only();
    let (source, bos, eos) = &golden.templates[1];
    let template = ChatTemplate::new(source, bos, eos).unwrap();
    let text = "(<\\|im_start\\|>|<\\|im_end\\|>|<\\||im_end|\\|>|\u{e000}|\u{e001}|[a-zé \\n]{0,3}){0,8}";
    proptest!(|(texts in proptest::collection::vec(text, 1..4))| {
        let messages: Vec<Message> = texts.iter().map(|text| message("user", text)).collect();
        let ids = template.prompt(&bpe, &messages, true).unwrap();
        // The text is what it is, and the marks are those of the system's turn, of each message and of the answer.
        prop_assert_eq!(bpe.decode(&ids), template.render(&messages, true).unwrap());
        let num = |mark: u32| ids.iter().filter(|&&id| id == mark).count();
        prop_assert_eq!((num(256), num(257)), (messages.len() + 2, messages.len() + 1));
    });
    let harmless = [message("user", "Hi"), message("assistant", "Hello")];
    let text = template.render(&harmless, true).unwrap();
    assert_eq!(
        template.prompt(&bpe, &harmless, true).unwrap(),
        bpe.encode(&text, Marks::Parse, usize::MAX).unwrap()
    );
}

/// Steps that look at a whole text or list without making a value of its size are what fuel alone does not bound: a
/// slice in a loop took 44 s.
#[test]
fn no_step_looks_at_everything_for_nothing() {
    let content = "x ".repeat(1 << 20);
    for look in [
        "messages[0].content[1:]",
        "messages[0].content[::-1]",
        "messages[0].content[-1]",
        "messages[0].content is eq(messages[0].content ~ '')",
        "messages[0].content.split()",
        "messages[0].content.split('x')",
        "messages[0].content | list",
        "messages[0].content | first",
        "messages[0].content | length",
        "not messages[0].content",
        "[messages] | tojson(indent=8)",
        "{1: 1}[[messages] | list]",
        "FOR",
    ] {
        let mut source = format!("{{% for a in range(9999) %}}{{% if {look} %}}{{% endif %}}{{% endfor %}}");
        if look == "FOR" {
            source = "{% for a in range(9999) %}{% for c in messages[0].content %}{% break %}{% endfor %}{% endfor %}".into();
        }
        let template = ChatTemplate::new(&source, "", "").unwrap();
        let began = Instant::now();
        let err = template.render(&[message("user", &content)], true).unwrap_err();
        assert!(matches!(err, TemplateError::Endless | TemplateError::TooMuch), "{look}: {err}");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?} for {look}", began.elapsed());
    }
}

/// Views of views of a list would be calls in calls, as many as the template has lines.
#[test]
fn lists_made_of_lists_do_not_nest() {
    let run = || {
        for step in [
            "{% set x = x[1:] %}",
            "{% set x = x[::-1] %}",
            "{% set x = x | reverse %}",
            "{% set x = x | list %}",
        ] {
            let source = format!("{{% set x = range(3) %}}{}{{{{ x | length }}}}", step.repeat(5_000));
            let length = render(&source).unwrap();
            assert_eq!(length, if step.contains("[1:]") { "0" } else { "3" }, "{step}");
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

/// What a loop goes over is passed through a filter, which must not change what it means.
#[test]
fn loops_go_over_what_they_say() {
    for (source, expected) in [
        ("{% for a in [1, 2] %}{{ a }}{% endfor %}", "12"),
        ("{%- for a in [1, 2] -%} {{ a }} {%- endfor -%}", "12"),
        ("{% for a in 1, 2 %}{{ a }}{% endfor %}", "12"),
        ("{% for a in [1, 2] + [3] if a > 1 %}{{ a }}{% endfor %}", "23"),
        ("{% for a in ([1] if x else [2]) %}{{ a }}{% endfor %}", "2"),
        ("{% for a, b in {'in': 'if'}.items() %}{{ a }}{{ b }}{% endfor %}", "inif"),
        (
            "{% for a in messages | map(attribute='role') if 'us' in a %}{{ a }}{% else %}none{% endfor %}",
            "user",
        ),
        ("{% for a in [] %}{{ a }}{% else %}none{% endfor %}", "none"),
        ("{% for a in 'h\u{e9}' %}{{ a }}.{% endfor %}", "h.\u{e9}."),
        ("{% for a in [2 * 3, 4] %}{% for b in range(a) %}{{ b }}{% endfor %}{% endfor %}", "0123450123"),
        ("{% for a in {'x': [1, 2]}['x'] %}{{ a in [1] }}{% endfor %}", "truefalse"),
        ("{% for a in x %}{{ a }}{% endfor %}.", "."),
    ] {
        assert_eq!(render(source).as_deref().map(str::to_lowercase), Ok(expected.to_owned()), "{source}");
    }
}

/// A namespace that held itself would be kept for ever.
#[test]
fn namespaces_hold_plain_values() {
    for held in ["ns", "[ns]", "{'a': [1, ns]}", "f", "loop", "[loop]", "x or ns", "ns if x else [[ns]]"] {
        let source = format!(
            "{{% set ns = namespace() %}}{{% macro f() %}}{{{{ ns }}}}{{% endmacro %}}{{% for a in [ns] %}}{{% set ns.a = {held} %}}{{% endfor %}}"
        );
        assert!(harm(&source).to_string().contains("plain values"), "{held}");
    }
    harm("{% set ns = namespace() %}{% set ns.a | default(ns, true) %}{% endset %}");
    harm("{% set ns = namespace() %}{% set x, ns.a = 1, ns %}");
    for (held, expected) in [
        ("1", "1"),
        ("'a' ~ 'b'", "ab"),
        ("[1, [2, {'b': none}]]", "[1, [2, {'b': none}]]"),
        ("dict(b=1)", "{'b': 1}"),
        ("messages[0].content", "Hello there"),
        ("messages", "[{'content': 'hello there', 'role': 'user'}]"),
        ("not x", "true"),
        ("x", ""),
    ] {
        let source = format!("{{% set ns = namespace(a=0) %}}{{% set ns.a = {held} %}}{{{{ ns.a }}}}");
        assert_eq!(render(&source).unwrap().to_lowercase(), expected.to_lowercase(), "{held}");
    }
    assert_eq!(
        render("{% set ns = namespace(a=0) %}{% set ns.a %}text{% endset %}{{ ns.a }}").as_deref(),
        Ok("text")
    );
    assert_eq!(
        render("{% set ns = namespace() %}{% set x, ns.a = 1, 2 %}{{ x }}{{ ns.a }}").as_deref(),
        Ok("12")
    );
}

/// What CPython prints for these slices.
#[test]
fn slices_are_those_of_python() {
    for (slice, expected) in [
        ("'abcdef'[1:3]", "bc"),
        ("'abcdef'[:-1]", "abcde"),
        ("'abcdef'[-3:]", "def"),
        ("'abcdef'[::-1]", "fedcba"),
        ("'abcdef'[4:1:-2]", "ec"),
        ("'abcdef'[:2:-1]", "fed"),
        ("'abcdef'[2::-1]", "cba"),
        ("'abcdef'[::2]", "ace"),
        ("'abcdef'[99:]", ""),
        ("'abcdef'[-99:2]", "ab"),
        ("'abcdef'[-99::-1]", ""),
        ("'abcdef'[99::-3]", "fc"),
        ("'abcdef'[3:1]", ""),
        ("'\u{e9}a\u{1f4be}'[1:]", "a\u{1f4be}"),
        ("''[::-1]", ""),
        ("'abcdef'[::4294967296]", "a"),
        ("'abcdef'[::9223372036854775807]", "a"),
        ("'abcdef'[-9223372036854775807::-9223372036854775807]", ""),
        ("'abcdef'[5:-9223372036854775807:-9223372036854775807]", "f"),
        ("[1, 2, 3][1:] | join(',')", "2,3"),
        ("[1, 2, 3][::-1] | join(',')", "3,2,1"),
        ("none[1:] | length", "0"),
    ] {
        assert_eq!(render(&format!("{{{{ {slice} }}}}")).as_deref(), Ok(expected), "{slice}");
    }
    for slice in ["'a'[::0]", "1[1:]", "'a'['b':]", "{'a': 1}[1:]", "range(0, -9223372036854775807 - 1, -1)"]
    {
        assert!(matches!(harm(&format!("{{{{ {slice} }}}}")), TemplateError::Failed(_)), "{slice}");
    }
}
