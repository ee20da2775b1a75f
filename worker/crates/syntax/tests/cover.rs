//! Whatever the text, chunks are whole lines in order and cover every line that is not blank exactly once.

use proptest::prelude::*;
use syntax::{Analyser, Chunk, Lang, chunk_by_lines};

fn assert_cover(text: &str, chunks: &[Chunk]) {
    let mut covered = 0;
    let mut lines: Vec<(usize, &str)> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let end = rest
            .find(['\n', '\r'])
            .map_or(rest.len(), |end| if rest[end..].starts_with("\r\n") { end + 2 } else { end + 1 });
        lines.push((at, &rest[..end]));
        at += end;
    }
    for chunk in chunks {
        assert!(chunk.lines.start < chunk.lines.end && chunk.lines.start as usize >= covered, "{chunk:?}");
        for line in &lines[covered..chunk.lines.start as usize] {
            assert!(line.1.trim().is_empty(), "{line:?} is in no chunk");
        }
        assert_eq!(chunk.bytes.start as usize, lines[chunk.lines.start as usize].0);
        let last = lines[chunk.lines.end as usize - 1];
        assert_eq!(chunk.bytes.end as usize, last.0 + last.1.trim_end_matches(['\r', '\n']).len());
        assert!(
            !lines[chunk.lines.start as usize].1.trim().is_empty() && !last.1.trim().is_empty(),
            "{chunk:?}"
        );
        covered = chunk.lines.end as usize;
    }
    for line in &lines[covered.min(lines.len())..] {
        assert!(line.1.trim().is_empty(), "{line:?} is in no chunk");
    }
}

const SOURCES: &[(&str, &str)] = &[
    (
        "python",
        "import a\n\n@d\ndef f(x):\n  '''doc'''\n  return x\n\nclass A:\n  def m(self):\n    pass\n\n  x = 1\n",
    ),
    ("rust", "mod a {\n  /// d\n  #[x]\n  fn f() {}\n}\nimpl A { fn g(&self) {} }\r\nstruct B;\n"),
    ("tsx", "export class A<T> { m() { return <a/>; } }\nconst x = () => 1, y = 2;\n"),
    ("cpp", "template<class T> class A { int m(); };\n#define X 1\nint A::m() { return 1; }\n"),
    ("markdown", "a\n=\n\n# b\n```\n# c\n```\n## d\n"),
    ("javascript", "const a = () => {\n  b();\n};\nA.prototype.c = function () {\n  return `x${1}`;\n};\n"),
    (
        "typescript",
        "@D()\nexport class A {\n  @P() x: number = 1;\n  m<T>(): T { return this.x as any; }\n}\n",
    ),
    (
        "go",
        "package a\n\n// S\ntype S struct {\n\tn int\n}\n\nfunc (s *S) F() (int, error) { return s.n, nil }\n",
    ),
    ("java", "@X\nclass A<T> {\n  int n = 1;\n  A() {}\n  void m() { new B() { void k() {} }; }\n}\n"),
    ("c", "#if X\nstatic int *f(int a[]) { return 0; }\n#else\nstruct s { int x; } y;\n#endif\n"),
    ("csharp", "namespace N;\nclass A { int P { get; set; } static void M() => X(); }\n"),
    ("ruby", "module M\n  class A < B\n    def m(x) = x\n    def self.n; end\n  end\nend\n"),
    ("shell", "f() {\n  cat <<E\n$x\nE\n}\nif a; then b; fi\n"),
    ("html", "<div id=a><p>x<br></div>\n<script>let a = '</p>';</script>\n"),
    ("css", "@media x {\n  a > b { c: d; }\n}\n/* e */\n"),
    ("json", "{\"a\": [1, {\"b\": null}],\n \"c\": \"d\"}\n"),
    ("toml", "a = 1\n[b.c]\nd = [1,\n 2]\n[[e]]\nf = { g = 1 }\n"),
    ("yaml", "a:\n  - b: 1\n    c: 2\nd: e\n"),
    ("php", "<p>x</p>\n<?php class A { function b() {} } ?>\n"),
];

proptest! {
    #[test]
    fn any_text_is_covered(text in "[a-z{}()\\[\\]#@:;=<>\"'` \\t\\r\\n\\u{e4}\\u{1f600}]{0,200}", which in 0..SOURCES.len()) {
        assert_cover(&text, &chunk_by_lines(&text));
        assert_cover(&text, &Analyser::new().analyse(Lang::from_id(SOURCES[which].0), &text).chunks);
    }

    #[test]
    fn damaged_sources_are_covered(
        which in 0..SOURCES.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4, "[a-z{}():\\n\"' \\u{e4}]{0,3}"), 0..6),
    ) {
        let (lang, source) = SOURCES[which];
        let mut chars: Vec<char> = source.chars().collect();
        for (at, remove, insert) in edits {
            let start = at.index(chars.len() + 1);
            let end = (start + remove).min(chars.len());
            chars.splice(start..end, insert.chars());
        }
        let text: String = chars.into_iter().collect();
        let found = Analyser::new().analyse(Lang::from_id(lang), &text);
        assert_cover(&text, &found.chunks);
        for symbol in &found.symbols {
            prop_assert!(text.get(symbol.bytes.start as usize..symbol.bytes.end as usize).is_some());
            prop_assert!(text.get(symbol.name_bytes.start as usize..symbol.name_bytes.end as usize).is_some());
        }
    }
}
