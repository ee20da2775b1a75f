//! Which nodes of each grammar define something. One table per language; everything else is common.

use tree_sitter::Language;

use crate::chunk::SymbolKind as K;

/// What a defining node means for chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// One chunk with everything in it.
    Unit,
    /// Its functions are chunks; what is left of it is another.
    Container,
    /// A symbol and nothing more.
    Name,
}

/// Where the name of a defining node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameAt {
    /// In this field.
    Field(&'static str),
    /// At the end of the chain of C declarators.
    Declarator,
    /// The text up to the body: selectors, table headers.
    Head,
    /// The first named child.
    Child,
}

/// One kind of defining node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Def {
    pub(crate) node: &'static str,
    pub(crate) kind: K,
    pub(crate) role: Role,
    pub(crate) name: NameAt,
}

const NAME: NameAt = NameAt::Field("name");

const fn unit(node: &'static str, kind: K) -> Def {
    Def { node, kind, role: Role::Unit, name: NAME }
}

const fn container(node: &'static str, kind: K) -> Def {
    Def { node, kind, role: Role::Container, name: NAME }
}

const fn name(node: &'static str, kind: K) -> Def {
    Def { node, kind, role: Role::Name, name: NAME }
}

const fn at(def: Def, name: NameAt) -> Def {
    Def { name, ..def }
}

const PYTHON: &[Def] = &[
    unit("function_definition", K::Function),
    container("class_definition", K::Class),
    at(name("assignment", K::Variable), NameAt::Field("left")),
];

const JAVASCRIPT: &[Def] = &[
    unit("function_declaration", K::Function),
    unit("generator_function_declaration", K::Function),
    unit("method_definition", K::Method),
    container("class_declaration", K::Class),
    container("class", K::Class),
    name("variable_declarator", K::Variable),
    at(name("field_definition", K::Field), NameAt::Field("property")),
];

const TYPESCRIPT: &[Def] = &[
    unit("function_declaration", K::Function),
    unit("generator_function_declaration", K::Function),
    unit("method_definition", K::Method),
    container("class_declaration", K::Class),
    container("abstract_class_declaration", K::Class),
    container("class", K::Class),
    container("interface_declaration", K::Interface),
    container("internal_module", K::Module),
    container("module", K::Module),
    name("enum_declaration", K::Enum),
    name("type_alias_declaration", K::TypeAlias),
    name("function_signature", K::Function),
    name("method_signature", K::Method),
    name("abstract_method_signature", K::Method),
    name("property_signature", K::Property),
    name("public_field_definition", K::Field),
    name("variable_declarator", K::Variable),
];

const RUST: &[Def] = &[
    unit("function_item", K::Function),
    name("function_signature_item", K::Function),
    container("mod_item", K::Module),
    at(container("impl_item", K::Other), NameAt::Field("type")),
    container("trait_item", K::Trait),
    container("struct_item", K::Struct),
    container("union_item", K::Struct),
    container("enum_item", K::Enum),
    name("field_declaration", K::Field),
    name("enum_variant", K::Constant),
    name("type_item", K::TypeAlias),
    name("const_item", K::Constant),
    name("static_item", K::Constant),
    unit("macro_definition", K::Macro),
];

const GO: &[Def] = &[
    unit("function_declaration", K::Function),
    unit("method_declaration", K::Method),
    name("type_spec", K::Struct),
    name("type_alias", K::TypeAlias),
    name("const_spec", K::Constant),
    name("var_spec", K::Variable),
];

const JAVA: &[Def] = &[
    unit("method_declaration", K::Method),
    unit("constructor_declaration", K::Constructor),
    unit("compact_constructor_declaration", K::Constructor),
    container("class_declaration", K::Class),
    container("record_declaration", K::Class),
    container("interface_declaration", K::Interface),
    container("annotation_type_declaration", K::Interface),
    container("enum_declaration", K::Enum),
    name("enum_constant", K::Constant),
    at(name("field_declaration", K::Field), NameAt::Declarator),
];

const C: &[Def] = &[
    at(unit("function_definition", K::Function), NameAt::Declarator),
    name("struct_specifier", K::Struct),
    name("union_specifier", K::Struct),
    name("enum_specifier", K::Enum),
    at(name("type_definition", K::TypeAlias), NameAt::Declarator),
    name("preproc_def", K::Constant),
    name("preproc_function_def", K::Macro),
];

const CPP: &[Def] = &[
    at(unit("function_definition", K::Function), NameAt::Declarator),
    container("class_specifier", K::Class),
    container("struct_specifier", K::Struct),
    container("namespace_definition", K::Module),
    name("union_specifier", K::Struct),
    name("enum_specifier", K::Enum),
    at(name("type_definition", K::TypeAlias), NameAt::Declarator),
    name("alias_declaration", K::TypeAlias),
    name("preproc_def", K::Constant),
    name("preproc_function_def", K::Macro),
];

const CSHARP: &[Def] = &[
    unit("method_declaration", K::Method),
    unit("constructor_declaration", K::Constructor),
    unit("local_function_statement", K::Function),
    name("property_declaration", K::Property),
    container("class_declaration", K::Class),
    container("struct_declaration", K::Struct),
    container("record_declaration", K::Class),
    container("interface_declaration", K::Interface),
    container("namespace_declaration", K::Module),
    name("file_scoped_namespace_declaration", K::Module),
    container("enum_declaration", K::Enum),
    name("enum_member_declaration", K::Constant),
    name("delegate_declaration", K::TypeAlias),
];

const RUBY: &[Def] = &[
    unit("method", K::Method),
    unit("singleton_method", K::Method),
    container("class", K::Class),
    container("module", K::Module),
];

const PHP: &[Def] = &[
    unit("function_definition", K::Function),
    unit("method_declaration", K::Method),
    container("class_declaration", K::Class),
    container("interface_declaration", K::Interface),
    container("trait_declaration", K::Trait),
    container("enum_declaration", K::Enum),
    name("namespace_definition", K::Module),
    at(name("const_element", K::Constant), NameAt::Child),
    at(name("property_element", K::Property), NameAt::Child),
];

const BASH: &[Def] = &[unit("function_definition", K::Function)];

const CSS: &[Def] = &[
    at(name("rule_set", K::Other), NameAt::Head),
    at(name("media_statement", K::Other), NameAt::Head),
    at(name("keyframes_statement", K::Other), NameAt::Head),
];

const JSON: &[Def] = &[at(name("pair", K::Key), NameAt::Field("key"))];

const YAML: &[Def] = &[at(name("block_mapping_pair", K::Key), NameAt::Field("key"))];

const TOML: &[Def] = &[
    at(name("table", K::Key), NameAt::Child),
    at(name("table_array_element", K::Key), NameAt::Child),
    at(name("pair", K::Key), NameAt::Child),
];

/// The grammar of a language and its table; `None` where texts are chunked by lines (HTML is parsed for validity, but
/// its elements are no definitions).
pub(crate) fn of(grammar_id: &str) -> Option<(Language, &'static [Def])> {
    Some(match grammar_id {
        "python" => (tree_sitter_python::LANGUAGE.into(), PYTHON),
        "javascript" => (tree_sitter_javascript::LANGUAGE.into(), JAVASCRIPT),
        "typescript" => (tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(), TYPESCRIPT),
        "tsx" => (tree_sitter_typescript::LANGUAGE_TSX.into(), TYPESCRIPT),
        "rust" => (tree_sitter_rust::LANGUAGE.into(), RUST),
        "go" => (tree_sitter_go::LANGUAGE.into(), GO),
        "java" => (tree_sitter_java::LANGUAGE.into(), JAVA),
        "c" => (tree_sitter_c::LANGUAGE.into(), C),
        "cpp" => (tree_sitter_cpp::LANGUAGE.into(), CPP),
        "csharp" => (tree_sitter_c_sharp::LANGUAGE.into(), CSHARP),
        "ruby" => (tree_sitter_ruby::LANGUAGE.into(), RUBY),
        "php" => (tree_sitter_php::LANGUAGE_PHP.into(), PHP),
        "shell" => (tree_sitter_bash::LANGUAGE.into(), BASH),
        "css" => (tree_sitter_css::LANGUAGE.into(), CSS),
        "html" => (tree_sitter_html::LANGUAGE.into(), &[]),
        "json" => (tree_sitter_json::LANGUAGE.into(), JSON),
        "yaml" => (tree_sitter_yaml::LANGUAGE.into(), YAML),
        "toml" => (tree_sitter_toml_ng::LANGUAGE.into(), TOML),
        _ => return None,
    })
}

/// Nodes deeper than this many symbols are not listed: data files nest without end.
pub(crate) fn max_depth(grammar_id: &str) -> u16 {
    match grammar_id {
        "json" | "yaml" | "toml" => 2,
        _ => 32,
    }
}
