//! One small source per language: which symbols are found, and which chunks.

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
            ("A", "z", "Variable"),
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
        chunks: &[
            (0, 1, ""),
            (1, 2, "I"),
            (2, 5, "go"),
            (5, 7, "C"),
            (7, 8, "C.m"),
            (8, 9, "C"),
            (9, 10, ""),
        ],
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
        chunks: &[(0, 1, "a"), (1, 2, "B.c"), (2, 3, "d")],
    },
    Case {
        path: "a.rs",
        text: "//! Head.\nuse std::fmt;\n\n/// A point.\n#[derive(Debug)]\nstruct P {\n    x: u8,\n}\n\nimpl P {\n    /// New.\n    fn new() -> Self {\n        P { x: 1 }\n    }\n}\n\ntrait T {\n    fn t(&self);\n}\nmacro_rules! m { () => {} }\n",
        symbols: &[
            ("", "P", "Struct"),
            ("P", "x", "Field"),
            ("", "P", "Other"),
            ("P", "new", "Method"),
            ("", "T", "Trait"),
            ("T", "t", "Method"),
            ("", "m", "Macro"),
        ],
        chunks: &[
            (0, 2, ""),
            (3, 8, "P"),
            (9, 10, "P"),
            (10, 14, "P.new"),
            (14, 15, "P"),
            (16, 19, "T"),
            (19, 20, "m"),
        ],
    },
    Case {
        path: "a.go",
        text: "package a\n\ntype S struct{ n int }\n\n// Get it.\nfunc (s *S) Get() int {\n\treturn s.n\n}\n\nfunc New() *S { return nil }\n",
        symbols: &[("", "S", "Struct"), ("S", "Get", "Method"), ("", "New", "Function")],
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
        chunks: &[
            (0, 1, ""),
            (1, 3, "A"),
            (3, 4, "A.A"),
            (4, 6, "A.m"),
            (6, 7, "A"),
            (7, 8, "I.q"),
            (8, 9, "E"),
        ],
    },
    Case {
        path: "a.c",
        text: "#include <stdio.h>\n#define N 3\nstruct p { int x; };\nstatic int *f(struct p *q) {\n  return 0;\n}\n",
        symbols: &[("", "N", "Constant"), ("", "p", "Struct"), ("", "f", "Function")],
        chunks: &[(0, 3, ""), (3, 6, "f")],
    },
    Case {
        path: "a.cpp",
        text: "namespace n {\nclass C {\n public:\n  int m() { return 1; }\n};\nint C::k() { return 2; }\n}\n",
        symbols: &[("", "n", "Module"), ("n", "C", "Class"), ("n.C", "m", "Method"), ("n", "k", "Function")],
        chunks: &[(0, 1, "n"), (1, 3, "n.C"), (3, 4, "n.C.m"), (4, 5, "n.C"), (5, 6, "n.k"), (6, 7, "n")],
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
        chunks: &[(0, 1, "N"), (1, 3, "N.A"), (3, 4, "N.A.M"), (4, 5, "N.A"), (5, 6, "N")],
    },
    Case {
        path: "a.rb",
        text: "module M\n  class A\n    def m\n      1\n    end\n  end\nend\n",
        symbols: &[("", "M", "Module"), ("M", "A", "Class"), ("M.A", "m", "Method")],
        chunks: &[(0, 1, "M"), (1, 2, "M.A"), (2, 5, "M.A.m"), (5, 6, "M.A"), (6, 7, "M")],
    },
    Case {
        path: "a.php",
        text: "<?php\nfunction f() {\n}\nclass A {\n  public $x = 1;\n  function m() {}\n}\n",
        symbols: &[("", "f", "Function"), ("", "A", "Class"), ("A", "$x", "Property"), ("A", "m", "Method")],
        chunks: &[(0, 1, ""), (1, 3, "f"), (3, 5, "A"), (5, 6, "A.m"), (6, 7, "A")],
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
        symbols: &[("", "name", "Key"), ("", "deep", "Key"), ("deep", "er", "Key")],
        chunks: &[(0, 4, "")],
    },
    Case {
        path: "a.yaml",
        text: "on: push\njobs:\n  test:\n    runs-on: x\n",
        symbols: &[("", "on", "Key"), ("", "jobs", "Key"), ("jobs", "test", "Key")],
        chunks: &[(0, 4, "")],
    },
    Case {
        path: "a.toml",
        text: "top = 1\n[package]\nname = \"x\"\n",
        symbols: &[("", "top", "Key"), ("", "package", "Key"), ("package", "name", "Key")],
        chunks: &[(0, 3, "")],
    },
    Case { path: "a.html", text: "<html>\n<body>hi</body>\n</html>\n", symbols: &[], chunks: &[(0, 3, "")] },
    Case {
        path: "a.md",
        text: "# Title\n\nText.\n\n## Part\nmore\n",
        symbols: &[("", "Title", "Heading"), ("Title", "Part", "Heading")],
        chunks: &[(0, 3, "Title"), (4, 6, "Title.Part")],
    },
    Case { path: "a.sql", text: "select 1;\n\nselect 2;\n", symbols: &[], chunks: &[(0, 3, "")] },
    Case { path: "empty.py", text: "", symbols: &[], chunks: &[] },
    Case { path: "blank.rs", text: "\n  \n\t\n", symbols: &[], chunks: &[] },
];

#[test]
fn symbols_and_chunks_of_every_language() {
    let mut analyser = Analyser::new();
    for case in CASES {
        let found = analyser.analyse(Lang::detect(case.path, case.text), case.text);
        let symbols: Vec<(&str, &str, String)> = found
            .symbols
            .iter()
            .map(|s| (s.container.as_str(), s.name.as_str(), format!("{:?}", s.kind)))
            .collect();
        let expected: Vec<(&str, &str, String)> =
            case.symbols.iter().map(|(c, n, k)| (*c, *n, (*k).to_owned())).collect();
        assert_eq!(symbols, expected, "symbols of {}", case.path);
        let chunks: Vec<(u32, u32, &str)> =
            found.chunks.iter().map(|c| (c.lines.start, c.lines.end, c.symbol.as_str())).collect();
        assert_eq!(chunks, case.chunks, "chunks of {}", case.path);
        for symbol in &found.symbols {
            let name = &case.text[symbol.name_bytes.start as usize..symbol.name_bytes.end as usize];
            assert!(name.contains(symbol.name.as_str()), "{name:?} names {}", symbol.name);
        }
    }
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
