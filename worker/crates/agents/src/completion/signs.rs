//! What comments, strings and blocks look like in the languages of the editor: as much as it takes not to count a
//! bracket in a string.

/// How `'` is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tick {
    /// It begins and ends a string.
    Quote,
    /// It begins and ends one character; before a name it is something else (Rust).
    Character,
    /// It is an apostrophe.
    Nothing,
}

/// The signs of a family of languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signs {
    /// A comment from here to the end of the line.
    pub line: &'static [&'static str],
    /// Comments over several lines, from and to.
    pub block: &'static [(&'static str, &'static str)],
    /// Strings over several lines, longest sign first.
    pub long: &'static [&'static str],
    /// `"` begins a string that ends on its line.
    pub double: bool,
    /// What `'` does.
    pub tick: Tick,
    /// Brackets come in pairs.
    pub brackets: bool,
    /// `:` at the end of a line opens a block.
    pub colon: bool,
    /// Words that open a block at the end of a line.
    pub last_words: &'static [&'static str],
    /// Words that open a block at the beginning of a line.
    pub first_words: &'static [&'static str],
    /// Words that close one.
    pub closing: &'static [&'static str],
}

const PROSE: Signs = Signs {
    line: &[],
    block: &[],
    long: &[],
    double: false,
    tick: Tick::Nothing,
    brackets: false,
    colon: false,
    last_words: &[],
    first_words: &[],
    closing: &[],
};
const C: Signs =
    Signs { line: &["//"], block: &[("/*", "*/")], double: true, tick: Tick::Quote, brackets: true, ..PROSE };
const SCRIPT: Signs = Signs { long: &["`"], ..C };
const RUST: Signs = Signs { long: &["\""], double: false, tick: Tick::Character, ..C };
const JAVA: Signs = Signs { long: &["\"\"\""], ..C };
const PYTHON: Signs = Signs { line: &["#"], block: &[], long: &["\"\"\"", "'''"], colon: true, ..C };
const HASH: Signs = Signs { line: &["#"], block: &[], ..C };
const PHP: Signs = Signs { line: &["//", "#"], ..C };
const RUBY: Signs = Signs {
    last_words: &["do", "then", "else", "begin", "ensure"],
    first_words: &["def", "class", "module", "if", "unless", "while", "until", "case", "begin", "for"],
    closing: &["end", "else", "elsif", "when", "rescue", "ensure", "in"],
    ..HASH
};
const ELIXIR: Signs =
    Signs { long: &["\"\"\""], last_words: &["do", "else", "->"], closing: &["end", "else"], ..HASH };
const LUA: Signs = Signs {
    line: &["--"],
    block: &[("--[[", "]]")],
    last_words: &["do", "then", "else", "repeat"],
    first_words: &["function", "local function"],
    closing: &["end", "else", "elseif", "until"],
    ..C
};
const SHELL: Signs = Signs {
    line: &["#"],
    // `case x)` has no partner.
    brackets: false,
    last_words: &["do", "then", "else", "{"],
    closing: &["fi", "done", "esac", "else", "elif", "}"],
    ..HASH
};
const SQL: Signs = Signs { line: &["--"], ..C };
// An apostrophe in a value is text.
const YAML: Signs = Signs { line: &["#"], block: &[], tick: Tick::Nothing, colon: true, ..C };
const CSS: Signs = Signs { line: &[], ..C };
const MARKUP: Signs = Signs { block: &[("<!--", "-->")], ..PROSE };

/// The signs of a language, by the editor's id.
pub(super) fn signs(language: &str) -> &'static Signs {
    match language {
        "python" => &PYTHON,
        "rust" => &RUST,
        "javascript" | "typescript" | "go" => &SCRIPT,
        "java" | "kotlin" | "swift" | "scala" | "csharp" => &JAVA,
        "c" | "cpp" | "dart" | "objective-c" | "solidity" | "wgsl" | "json" | "less" | "scss"
        | "protobuf" | "graphql" | "hcl" => &C,
        "php" => &PHP,
        "css" => &CSS,
        "ruby" | "julia" => &RUBY,
        "elixir" => &ELIXIR,
        "lua" => &LUA,
        "shell" => &SHELL,
        "sql" => &SQL,
        "yaml" => &YAML,
        "toml" | "perl" | "r" | "coffee" | "dockerfile" | "tcl" | "powershell" => &HASH,
        "html" | "xml" | "handlebars" => &MARKUP,
        _ => &PROSE,
    }
}
