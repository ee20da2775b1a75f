//! Which language a file is written in, told by its name, its extension or its first line.

/// A language. Those with a name of their own are parsed; the others are known by the editor's id only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Lang {
    Python,
    JavaScript,
    TypeScript,
    Tsx,
    Rust,
    Go,
    Java,
    C,
    Cpp,
    CSharp,
    Ruby,
    Php,
    Bash,
    Html,
    Css,
    Json,
    Yaml,
    Toml,
    Markdown,
    /// Not parsed: an id of the editor, `plaintext` where nothing fits better.
    Plain(&'static str),
}

/// Extensions per language, each surrounded by spaces.
const EXTENSIONS: &[(Lang, &str)] = &[
    (Lang::Python, " py pyi pyw pyx "),
    (Lang::JavaScript, " js jsx mjs cjs es6 "),
    (Lang::TypeScript, " ts mts cts "),
    (Lang::Tsx, " tsx "),
    (Lang::Rust, " rs "),
    (Lang::Go, " go "),
    (Lang::Java, " java jav "),
    (Lang::C, " c h "),
    (Lang::Cpp, " cpp cc cxx c++ hpp hh hxx h++ ipp inl cu cuh ino tpp "),
    (Lang::CSharp, " cs csx "),
    (Lang::Ruby, " rb rake gemspec ru rbw podspec "),
    (Lang::Php, " php php3 php4 php5 phtml phpt ctp "),
    (Lang::Bash, " sh bash zsh ksh bats ebuild "),
    (Lang::Html, " html htm xhtml vue svelte "),
    (Lang::Css, " css "),
    (Lang::Json, " json jsonc json5 geojson webmanifest ipynb har map topojson "),
    (Lang::Yaml, " yaml yml "),
    (Lang::Toml, " toml "),
    (Lang::Markdown, " md markdown mdown mkd mdx "),
    (Lang::Plain("bat"), " bat cmd "),
    (Lang::Plain("clojure"), " clj cljs cljc edn "),
    (Lang::Plain("coffee"), " coffee "),
    (Lang::Plain("dart"), " dart "),
    (Lang::Plain("dockerfile"), " dockerfile "),
    (Lang::Plain("elixir"), " ex exs "),
    (Lang::Plain("fsharp"), " fs fsi fsx "),
    (Lang::Plain("graphql"), " graphql gql "),
    (Lang::Plain("handlebars"), " handlebars hbs "),
    (Lang::Plain("hcl"), " tf tfvars hcl "),
    (Lang::Plain("ini"), " ini properties cfg conf gitconfig editorconfig "),
    (Lang::Plain("julia"), " jl "),
    (Lang::Plain("kotlin"), " kt kts "),
    (Lang::Plain("less"), " less "),
    (Lang::Plain("lua"), " lua "),
    (Lang::Plain("objective-c"), " m mm "),
    (Lang::Plain("pascal"), " pas pp dpr "),
    (Lang::Plain("perl"), " pl pm t "),
    (Lang::Plain("powershell"), " ps1 psm1 psd1 "),
    (Lang::Plain("proto"), " proto "),
    (Lang::Plain("pug"), " pug jade "),
    (Lang::Plain("r"), " r rhistory rprofile "),
    (Lang::Plain("razor"), " cshtml razor "),
    (Lang::Plain("restructuredtext"), " rst "),
    (Lang::Plain("scala"), " scala sc sbt "),
    (Lang::Plain("scheme"), " scm ss rkt "),
    (Lang::Plain("scss"), " scss sass "),
    (Lang::Plain("solidity"), " sol "),
    (Lang::Plain("sql"), " sql ddl dml "),
    (Lang::Plain("swift"), " swift "),
    (Lang::Plain("tcl"), " tcl "),
    (Lang::Plain("vb"), " vb "),
    (Lang::Plain("wgsl"), " wgsl "),
    (Lang::Plain("xml"), " xml xsd xsl xslt svg plist csproj props targets wsdl rss atom xaml resx "),
];

/// Whole file names in lower case, each surrounded by spaces.
const NAMES: &[(Lang, &str)] = &[
    (Lang::Python, " sconstruct sconscript wscript build.bazel "),
    (Lang::Ruby, " gemfile rakefile guardfile podfile vagrantfile brewfile fastfile "),
    (Lang::Bash, " .bashrc .bash_profile .bash_aliases .profile .zshrc .zshenv .zprofile pkgbuild apkbuild "),
    (Lang::Json, " .eslintrc .prettierrc .babelrc .swcrc composer.lock pipfile.lock "),
    (Lang::Yaml, " .clang-format .clang-tidy .clangd "),
    (Lang::Toml, " cargo.lock poetry.lock pipfile uv.lock "),
    (Lang::Plain("dockerfile"), " dockerfile containerfile "),
    (Lang::Plain("ini"), " .editorconfig .gitconfig .npmrc .gitmodules "),
];

/// Interpreters named in a first line `#!`.
const INTERPRETERS: &[(Lang, &str)] = &[
    (Lang::Python, " python pypy "),
    (Lang::JavaScript, " node nodejs bun "),
    (Lang::TypeScript, " deno ts-node tsx "),
    (Lang::Ruby, " ruby jruby "),
    (Lang::Php, " php "),
    (Lang::Bash, " sh bash dash ksh zsh ash bats "),
    (Lang::Plain("perl"), " perl "),
    (Lang::Plain("lua"), " lua luajit "),
    (Lang::Plain("r"), " rscript "),
    (Lang::Plain("tcl"), " tclsh wish "),
    (Lang::Plain("julia"), " julia "),
    (Lang::Plain("elixir"), " elixir "),
];

/// The languages that are parsed, with the editor's id and the id of this crate where it differs.
const PARSED: &[(Lang, &str)] = &[
    (Lang::Python, "python"),
    (Lang::JavaScript, "javascript"),
    (Lang::TypeScript, "typescript"),
    (Lang::Tsx, "typescript"),
    (Lang::Rust, "rust"),
    (Lang::Go, "go"),
    (Lang::Java, "java"),
    (Lang::C, "c"),
    (Lang::Cpp, "cpp"),
    (Lang::CSharp, "csharp"),
    (Lang::Ruby, "ruby"),
    (Lang::Php, "php"),
    (Lang::Bash, "shell"),
    (Lang::Html, "html"),
    (Lang::Css, "css"),
    (Lang::Json, "json"),
    (Lang::Yaml, "yaml"),
    (Lang::Toml, "toml"),
    (Lang::Markdown, "markdown"),
];

const PLAINTEXT: Lang = Lang::Plain("plaintext");

fn look_up(table: &[(Lang, &str)], word: &str) -> Option<Lang> {
    if word.is_empty() || word.contains(' ') {
        return None;
    }
    table
        .iter()
        .find(|(_, words)| words.split_ascii_whitespace().any(|known| known == word))
        .map(|(lang, _)| *lang)
}

impl Lang {
    /// Tell the language of a file.
    ///
    /// `head` is the begin of its text; the first line is looked at where the name tells nothing, and a C header is
    /// taken as C++ when it has a class, a namespace or a template.
    #[must_use]
    pub fn detect(path: &str, head: &str) -> Self {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_ascii_lowercase();
        if let Some(lang) = look_up(NAMES, &name) {
            return lang;
        }
        if name.starts_with("dockerfile.") {
            return Self::Plain("dockerfile");
        }
        if let Some((_, extension)) = name.rsplit_once('.')
            && let Some(lang) = look_up(EXTENSIONS, extension)
        {
            let is_cpp = |line: &str| {
                let line = line.trim_start();
                ["class ", "namespace ", "template <", "template<"].iter().any(|word| line.starts_with(word))
            };
            return if extension == "h" && head.lines().any(is_cpp) { Self::Cpp } else { lang };
        }
        Self::of_shebang(head).unwrap_or(PLAINTEXT)
    }

    fn of_shebang(head: &str) -> Option<Self> {
        let line = head.strip_prefix('\u{feff}').unwrap_or(head).lines().next()?;
        let mut words = line.strip_prefix("#!")?.split_ascii_whitespace();
        let mut program = words.next()?.rsplit('/').next()?;
        if program == "env" {
            program = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
            program = program.rsplit('/').next()?;
        }
        let program = program.to_ascii_lowercase();
        look_up(INTERPRETERS, program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
    }

    /// The editor's id. TSX and TypeScript share one, for the editor colours both alike.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Plain(id) => id,
            _ => PARSED.iter().find(|(lang, _)| *lang == self).map_or("plaintext", |(_, id)| id),
        }
    }

    /// The language of an id of [`Lang::id`], with `tsx` beside; `plaintext` for an id that is not known.
    #[must_use]
    pub fn from_id(id: &str) -> Self {
        if id == "tsx" {
            return Self::Tsx;
        }
        let parsed = PARSED.iter().find(|(_, known)| *known == id).map(|(lang, _)| *lang);
        let plain = || {
            EXTENSIONS
                .iter()
                .map(|(lang, _)| *lang)
                .find(|lang| matches!(lang, Self::Plain(known) if *known == id))
        };
        parsed.or_else(plain).unwrap_or(PLAINTEXT)
    }

    /// Whether there is a grammar for it.
    #[must_use]
    pub fn is_parsed(self) -> bool {
        !matches!(self, Self::Plain(_))
    }

    /// The grammars that a text of this language is parsed with, by the names of their parsers. TypeScript needs two,
    /// because only its text tells whether it is TSX.
    ///
    /// A host may keep the tables of a grammar outside the program; they must be in their place before the first text
    /// is analysed that needs them.
    #[must_use]
    pub fn grammars(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["python"],
            Self::JavaScript => &["javascript"],
            Self::TypeScript => &["typescript", "tsx"],
            Self::Tsx => &["tsx"],
            Self::Rust => &["rust"],
            Self::Go => &["go"],
            Self::Java => &["java"],
            Self::C => &["c"],
            Self::Cpp => &["cpp"],
            Self::CSharp => &["c_sharp"],
            Self::Ruby => &["ruby"],
            Self::Php => &["php"],
            Self::Bash => &["bash"],
            Self::Html => &["html"],
            Self::Css => &["css"],
            Self::Json => &["json"],
            Self::Yaml => &["yaml"],
            Self::Toml => &["toml"],
            Self::Markdown => &["markdown"],
            Self::Plain(_) => &[],
        }
    }

    /// All languages that are parsed.
    pub fn parsed() -> impl Iterator<Item = Self> {
        PARSED.iter().map(|(lang, _)| *lang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_its_language() {
        let cases = [
            ("src/a.py", "", Lang::Python),
            ("A.PY", "", Lang::Python),
            ("x/Component.tsx", "", Lang::Tsx),
            ("x.h", "int f(void);", Lang::C),
            ("x.h", "#pragma once\nnamespace a {", Lang::Cpp),
            ("run", "#!/usr/bin/env python3.11\n", Lang::Python),
            ("run", "#!/bin/sh -e\n", Lang::Bash),
            ("run", "#!/usr/bin/env -S node --x\n", Lang::JavaScript),
            ("run", "\u{feff}#!/usr/bin/ruby", Lang::Ruby),
            ("run", "plain words", PLAINTEXT),
            ("Dockerfile", "", Lang::Plain("dockerfile")),
            ("Dockerfile.dev", "", Lang::Plain("dockerfile")),
            ("a/Gemfile", "", Lang::Ruby),
            (".gitignore", "", PLAINTEXT),
            ("q.sql", "", Lang::Plain("sql")),
            ("Makefile", "all:\n", PLAINTEXT),
            ("README.md", "", Lang::Markdown),
            ("win\\path\\a.cs", "", Lang::CSharp),
            ("", "", PLAINTEXT),
            ("a.", "#!", PLAINTEXT),
        ];
        for (path, head, lang) in cases {
            assert_eq!(Lang::detect(path, head), lang, "{path} {head:?}");
        }
    }

    #[test]
    fn ids_come_back() {
        for (lang, _) in EXTENSIONS {
            let back = Lang::from_id(lang.id());
            assert!(back == *lang || (*lang == Lang::Tsx && back == Lang::TypeScript), "{lang:?}");
        }
        assert_eq!(Lang::from_id("tsx"), Lang::Tsx);
        assert_eq!(Lang::from_id("brainfuck"), PLAINTEXT);
    }
}
