//! One small source per language: which symbols are found, and which chunks.

#![allow(clippy::unwrap_used)]

use syntax::{Analyser, Lang, Outcome};

struct Case {
    path: &'static str,
    text: &'static str,
    /// Container, name, kind.
    symbols: &'static [(&'static str, &'static str, &'static str)],
    /// First line, line after the last, symbol path.
    chunks: &'static [(u32, u32, &'static str)],
}

const CASES: &[Case] = &[
    Case {
        path: "a.py",
        text: "import os\n\nLIMIT = 3\n\n# Opens things.\n@deco\ndef f(x):\n    y = 1\n    def g():\n        pass\n    return y\n\nclass A(B):\n    z = 1\n\n    async def m(self):\n        pass\n\n    def n(self): pass\n",
        symbols: &[
            ("", "LIMIT", "Constant"),
            ("", "f", "Function"),
            ("f", "g", "Function"),
            ("", "A", "Class"),
            ("A", "z", "Field"),
            ("A", "m", "Method"),
            ("A", "n", "Method"),
        ],
        chunks: &[(0, 3, ""), (4, 11, "f"), (12, 14, "A"), (15, 17, "A.m"), (18, 19, "A.n")],
    },
    Case {
        path: "a.ts",
        text: "import x from 'x';\nexport interface I { a: string; }\nexport const go = async () => {\n  return 1;\n};\nexport class C {\n  f = 1;\n  m(): void {}\n}\ntype T = I;\n",
        symbols: &[
            ("", "I", "Interface"),
            ("I", "a", "Property"),
            ("", "go", "Function"),
            ("", "C", "Class"),
            ("C", "f", "Field"),
            ("C", "m", "Method"),
            ("", "T", "TypeAlias"),
        ],
        chunks: &[(0, 1, ""), (1, 2, "I"), (2, 5, "go"), (5, 7, "C"), (7, 9, "C.m"), (9, 10, "")],
    },
    Case {
        path: "a.tsx",
        text: "export function App() {\n  return <div>hi</div>;\n}\n",
        symbols: &[("", "App", "Function")],
        chunks: &[(0, 3, "App")],
    },
    Case {
        path: "a.js",
        text: "function a() {}\nclass B { c() {} }\nconst d = function () {};\n",
        symbols: &[("", "a", "Function"), ("", "B", "Class"), ("B", "c", "Method"), ("", "d", "Function")],
        chunks: &[(0, 1, "a"), (1, 2, "B.c"), (2, 3, "")],
    },
    Case {
        path: "a.rs",
        text: "//! Head.\nuse std::fmt;\n\n/// A point.\n#[derive(Debug)]\nstruct P {\n    x: u8,\n}\n\nimpl P {\n    /// New.\n    fn new() -> Self {\n        P { x: 1 }\n    }\n}\n\ntrait T {\n    fn t(&self);\n}\nmacro_rules! m { () => {} }\n",
        symbols: &[
            ("", "P", "Struct"),
            ("P", "x", "Field"),
            ("", "impl P", "Other"),
            ("P", "new", "Method"),
            ("", "T", "Trait"),
            ("T", "t", "Method"),
            ("", "m", "Macro"),
        ],
        chunks: &[(0, 2, ""), (3, 8, "P"), (9, 10, "P"), (10, 15, "P.new"), (16, 19, "T"), (19, 20, "m")],
    },
    Case {
        path: "a.go",
        text: "package a\n\ntype S struct{ n int }\n\n// Get it.\nfunc (s *S) Get() int {\n\treturn s.n\n}\n\nfunc New() *S { return nil }\n",
        symbols: &[("", "S", "Struct"), ("S", "n", "Field"), ("S", "Get", "Method"), ("", "New", "Function")],
        chunks: &[(0, 3, ""), (4, 8, "S.Get"), (9, 10, "New")],
    },
    Case {
        path: "A.java",
        text: "package a;\nclass A {\n  int n = 1;\n  A() {}\n  void m() {\n  }\n}\ninterface I { void q(); }\nenum E { X }\n",
        symbols: &[
            ("", "A", "Class"),
            ("A", "n", "Field"),
            ("A", "A", "Constructor"),
            ("A", "m", "Method"),
            ("", "I", "Interface"),
            ("I", "q", "Method"),
            ("", "E", "Enum"),
            ("E", "X", "Constant"),
        ],
        chunks: &[(0, 1, ""), (1, 3, "A"), (3, 4, "A.A"), (4, 7, "A.m"), (7, 8, "I.q"), (8, 9, "E")],
    },
    Case {
        path: "a.c",
        text: "#include <stdio.h>\n#define N 3\nstruct p { int x; };\nstatic int *f(struct p *q) {\n  return 0;\n}\n",
        symbols: &[("", "N", "Constant"), ("", "p", "Struct"), ("p", "x", "Field"), ("", "f", "Function")],
        chunks: &[(0, 3, ""), (3, 6, "f")],
    },
    Case {
        path: "a.cpp",
        text: "namespace n {\nclass C {\n public:\n  int m() { return 1; }\n};\nint C::k() { return 2; }\n}\n",
        symbols: &[("", "n", "Module"), ("n", "C", "Class"), ("n.C", "m", "Method"), ("n.C", "k", "Method")],
        chunks: &[(0, 1, "n"), (1, 3, "n.C"), (3, 5, "n.C.m"), (5, 7, "n.C.k")],
    },
    Case {
        path: "a.cs",
        text: "namespace N {\n  class A {\n    int P { get; }\n    void M() { }\n  }\n}\n",
        symbols: &[
            ("", "N", "Module"),
            ("N", "A", "Class"),
            ("N.A", "P", "Property"),
            ("N.A", "M", "Method"),
        ],
        chunks: &[(0, 1, "N"), (1, 3, "N.A"), (3, 6, "N.A.M")],
    },
    Case {
        path: "a.rb",
        text: "module M\n  class A\n    def m\n      1\n    end\n  end\nend\n",
        symbols: &[("", "M", "Module"), ("M", "A", "Class"), ("M.A", "m", "Method")],
        chunks: &[(0, 1, "M"), (1, 2, "M.A"), (2, 7, "M.A.m")],
    },
    Case {
        path: "a.php",
        text: "<?php\nfunction f() {\n}\nclass A {\n  public $x = 1;\n  function m() {}\n}\n",
        symbols: &[("", "f", "Function"), ("", "A", "Class"), ("A", "$x", "Property"), ("A", "m", "Method")],
        chunks: &[(0, 1, ""), (1, 3, "f"), (3, 5, "A"), (5, 7, "A.m")],
    },
    Case {
        path: "a.sh",
        text: "#!/bin/bash\nset -e\n\nrun() {\n  echo hi\n}\nrun\n",
        symbols: &[("", "run", "Function")],
        chunks: &[(0, 2, ""), (3, 6, "run"), (6, 7, "")],
    },
    Case {
        path: "a.css",
        text: ".a, .b { color: red; }\n@media print {\n  p { margin: 0 }\n}\n",
        symbols: &[("", ".a, .b", "Other"), ("", "@media print", "Other"), ("@media print", "p", "Other")],
        chunks: &[(0, 4, "")],
    },
    Case {
        path: "a.json",
        text: "{\n  \"name\": \"x\",\n  \"deep\": { \"er\": { \"est\": 1 } }\n}\n",
        symbols: &[
            ("", "name", "Key"),
            ("", "deep", "Key"),
            ("deep", "er", "Key"),
            ("deep.er", "est", "Key"),
        ],
        chunks: &[(0, 4, "")],
    },
    Case {
        path: "a.yaml",
        text: "on: push\njobs:\n  test:\n    runs-on: x\n",
        symbols: &[
            ("", "on", "Key"),
            ("", "jobs", "Key"),
            ("jobs", "test", "Key"),
            ("jobs.test", "runs-on", "Key"),
        ],
        chunks: &[(0, 4, "")],
    },
    Case {
        path: "a.toml",
        text: "top = 1\n[package]\nname = \"x\"\n",
        symbols: &[("", "top", "Key"), ("", "package", "Key"), ("package", "name", "Key")],
        chunks: &[(0, 1, ""), (1, 3, "package")],
    },
    Case { path: "a.html", text: "<html>\n<body>hi</body>\n</html>\n", symbols: &[], chunks: &[(0, 3, "")] },
    Case {
        path: "a.md",
        text: "# Title\n\nText.\n\n## Part\nmore\n",
        symbols: &[("", "Title", "Heading"), ("Title", "Part", "Heading")],
        chunks: &[(0, 3, "Title"), (4, 6, "Title.Part")],
    },
    Case { path: "a.sql", text: "select 1;\n\nselect 2;\n", symbols: &[], chunks: &[(0, 3, "")] },
    Case {
        path: "lead.py",
        text: "x = 1  # trails\n# leads\n\n# leads too\n@a\n@b(\n  1)\nclass A:\n    \"\"\"Doc.\"\"\"\n\n    # about m\n    @p\n    def m(self):\n        pass\n    # about n\n    def n(self):\n        pass\n\nif x:\n    def k():\n        pass\n",
        symbols: &[
            ("", "x", "Variable"),
            ("", "A", "Class"),
            ("A", "m", "Method"),
            ("A", "n", "Method"),
            ("", "k", "Function"),
        ],
        chunks: &[(0, 2, ""), (3, 9, "A"), (10, 14, "A.m"), (14, 17, "A.n"), (18, 19, ""), (19, 21, "k")],
    },
    Case {
        path: "lead.ts",
        text: "/** Doc. */\n@Component({\n  a: 1,\n})\nexport class A {\n  @Input() x = 1;\n\n  /** About m. */\n  @Host('a')\n  m() {\n    return 1;\n  }\n}\n\n// about\nexport default function main() {\n  run(() => {\n    const local = 1;\n  });\n}\n",
        symbols: &[("", "A", "Class"), ("A", "x", "Field"), ("A", "m", "Method"), ("", "main", "Function")],
        chunks: &[(0, 6, "A"), (7, 13, "A.m"), (14, 20, "main")],
    },
    Case {
        path: "old.js",
        text: "(function (root) {\n  'use strict';\n  var local = 1;\n  function Car() {\n    this.a = 1;\n  }\n  Car.prototype.drive = function (x) {\n    return x;\n  };\n  exports.make = function () {\n    return new Car();\n  };\n  module.exports = {\n    stop: function () {\n      return 2;\n    },\n  };\n})(this);\n",
        symbols: &[
            ("", "Car", "Function"),
            ("Car", "drive", "Method"),
            ("", "make", "Function"),
            ("", "stop", "Method"),
        ],
        chunks: &[
            (0, 3, ""),
            (3, 6, "Car"),
            (6, 9, "Car.drive"),
            (9, 12, "make"),
            (12, 13, ""),
            (13, 16, "stop"),
            (16, 18, ""),
        ],
    },
    Case {
        path: "types.c",
        text: "typedef struct node {\n  int value;\n  struct node *next;\n} node_t;\n\nint add(int a, int b);\nstatic int table[] = {\n  1,\n  2,\n};\n/* Adds. */\nint\nadd(int a, int b)\n{\n  int local = a;\n  return local + b;\n}\n#ifdef X\nvoid g(void) {}\n#endif\n",
        symbols: &[
            ("", "node_t", "TypeAlias"),
            ("node_t", "node", "Struct"),
            ("node_t.node", "value", "Field"),
            ("node_t.node", "next", "Field"),
            ("", "add", "Function"),
            ("", "table", "Variable"),
            ("", "add", "Function"),
            ("", "g", "Function"),
        ],
        chunks: &[
            (0, 4, "node_t"),
            (5, 6, ""),
            (6, 10, "table"),
            (10, 17, "add"),
            (17, 18, ""),
            (18, 19, "g"),
            (19, 20, ""),
        ],
    },
    Case {
        path: "ops.hpp",
        text: "template <typename T>\nclass V : public B {\n public:\n  V() = default;\n  ~V();\n  V& operator+=(const V& o) { return *this; }\n  virtual int size() const = 0;\n};\n",
        symbols: &[
            ("", "V", "Class"),
            ("V", "V", "Method"),
            ("V", "~V", "Method"),
            ("V", "operator+=", "Method"),
            ("V", "size", "Method"),
        ],
        chunks: &[(0, 3, "V"), (3, 4, "V.V"), (4, 5, "V"), (5, 6, "V.operator+="), (6, 8, "V")],
    },
    Case {
        path: "impl.rs",
        text: "impl<T: Clone> fmt::Display for Wrapper<T> {\n    // Shows it.\n    #[inline]\n    fn fmt(&self) {\n        struct Inner;\n        let x = 1;\n    }\n}\n\nmod a;\nconst N: u8 = 1;\n",
        symbols: &[
            ("", "impl fmt::Display for Wrapper", "Other"),
            ("Wrapper", "fmt", "Method"),
            ("Wrapper.fmt", "Inner", "Struct"),
            ("", "a", "Module"),
            ("", "N", "Constant"),
        ],
        chunks: &[(0, 1, "Wrapper"), (1, 8, "Wrapper.fmt"), (9, 11, "")],
    },
    Case {
        path: "reference.rs",
        text: "impl<'a> Read for &'a mut File<'_> {\n    fn read(&self) {}\n}\n",
        symbols: &[("", "impl Read for &File", "Other"), ("File", "read", "Method")],
        chunks: &[(0, 1, "File"), (1, 3, "File.read")],
    },
    Case {
        path: "deep.md",
        text: "---\ntitle: x\n---\nIntro.\n\nOne\n===\n\n```sh\n# no heading\n```\n\n### Three\ntext\n\n## Two ##\nmore\n",
        symbols: &[("", "One", "Heading"), ("", "Three", "Heading"), ("", "Two", "Heading")],
        chunks: &[(0, 4, ""), (5, 11, "One"), (12, 14, "Three"), (15, 17, "Two")],
    },
    Case {
        path: "id.html",
        text: "<body>\n<main id=\"top\" class='x'>\n<p>hi</p>\n</main>\n<script id=s>let a;</script>\n</body>\n",
        symbols: &[("", "main#top", "Other"), ("", "script#s", "Other")],
        chunks: &[(0, 6, "")],
    },
    Case { path: "empty.py", text: "", symbols: &[], chunks: &[] },
    Case { path: "blank.rs", text: "\n  \n\t\n", symbols: &[], chunks: &[] },
];

#[test]
fn symbols_and_chunks_of_every_language() {
    let mut analyser = Analyser::new();
    let mut wrong = String::new();
    for case in CASES {
        let found = analyser.analyse(Lang::detect(case.path, case.text), case.text);
        let symbols: Vec<(&str, &str, String)> = found
            .symbols
            .iter()
            .map(|s| (s.container.as_str(), s.name.as_str(), format!("{:?}", s.kind)))
            .collect();
        let expected: Vec<(&str, &str, String)> =
            case.symbols.iter().map(|(c, n, k)| (*c, *n, (*k).to_owned())).collect();
        if symbols != expected {
            wrong += &format!("{}:\n  found    {symbols:?}\n  expected {expected:?}\n", case.path);
        }
        let chunks: Vec<(u32, u32, &str)> =
            found.chunks.iter().map(|c| (c.lines.start, c.lines.end, c.symbol.as_str())).collect();
        if chunks != case.chunks {
            wrong += &format!("{}:\n  found    {chunks:?}\n  expected {:?}\n", case.path, case.chunks);
        }
        for symbol in &found.symbols {
            let name = &case.text[symbol.name_bytes.start as usize..symbol.name_bytes.end as usize];
            let own = symbol.name.rsplit([' ', '#', '&']).next().unwrap();
            assert!(name.contains(own), "{name:?} names {}", symbol.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn broken_code_still_gives_its_symbols() {
    let found = Analyser::new().analyse(Lang::from_id("python"), "def f(:\n    pass\n\ndef g():\n    pass\n");
    assert_ne!(found.outcome, Outcome::Parsed);
    assert!(found.chunks.iter().any(|c| c.symbol == "g"), "{:?}", found.chunks);
}

#[test]
fn long_functions_are_cut_between_statements() {
    let mut text = String::from("def long():\n");
    for i in 0..150 {
        text += &format!("    if x{i}:\n        y = {i}\n\n");
    }
    let found = Analyser::new().analyse(Lang::from_id("python"), &text);
    assert!(found.chunks.len() > 3);
    for chunk in &found.chunks[1..] {
        assert_eq!(chunk.symbol, "long");
        let first = text.lines().nth(chunk.lines.start as usize).unwrap();
        assert!(first.starts_with("    if "), "{first:?} begins a chunk");
    }
}

#[test]
fn nesting_of_any_depth_and_lines_of_any_length_are_survived() {
    let deep = "[".repeat(100_000);
    let found = Analyser::new().analyse(Lang::from_id("json"), &deep);
    assert_eq!(found.chunks.len(), 1);
    let nested = "function f(){".repeat(3_000) + &"}".repeat(3_000);
    let found = Analyser::new().analyse(Lang::from_id("javascript"), &nested);
    assert_eq!(found.chunks.len(), 1);
    let line = format!("var a=[{}];", "1,".repeat(500_000));
    let found = Analyser::new().analyse(Lang::from_id("javascript"), &line);
    assert_eq!(found.chunks.len(), 1);
}
