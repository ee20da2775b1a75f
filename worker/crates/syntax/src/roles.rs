//! What the nodes of each grammar mean for chunks and symbols. Nodes that no table names are not looked into.

use crate::lang::Lang;
use crate::symbol::SymbolKind as K;

/// What a node means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing inside matters.
    Prune,
    /// Something inside may matter.
    Through,
    /// As `Through`, but values named inside are local.
    Closure,
    /// Its children are statements or members: chunks may be cut between them.
    Body,
    /// Belongs to the definition that follows directly: comments, attributes, decorators.
    Lead,
    /// The definition inside begins and ends where this does: `export`, decorators around.
    Wrap,
    /// As `Wrap` when there is one definition inside, else as `Through`.
    Group,
    /// A definition.
    Def(Def),
}

/// A definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Def {
    pub kind: K,
    pub form: Form,
    pub naming: Naming,
}

/// How a definition becomes chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One chunk, split when it is too long.
    Leaf,
    /// A head, and members with chunks of their own.
    Container,
    /// As `Leaf` from three lines on, else a symbol only.
    Auto,
    /// A symbol only.
    Mark,
}

/// Where the name of a definition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// In the field of this name.
    Field(&'static str),
    /// At the end of a chain of C declarators.
    Declarator,
    /// `impl Trait for Type`.
    Impl,
    /// A Go method: its path begins with the type of its receiver.
    Receiver,
    /// A Go type: what it is stands in the field `type`.
    GoType,
    /// A name bound to a value, in these fields; what it is depends on the value.
    Bound(&'static str, &'static str),
    /// As `Bound`, but it counts only when the value is a function or a class.
    BoundCode(&'static str, &'static str),
    /// The heading of a Markdown section.
    Heading,
    /// An underlined Markdown heading, which reaches to the end of what it stands in.
    Underlined,
    /// The first named child.
    First,
    /// Everything before the block: selectors.
    Head,
    /// The `id` of an HTML element.
    HtmlId,
}

type Table = &'static [(&'static str, Role)];

const fn def(kind: K, form: Form, naming: Naming) -> Role {
    Role::Def(Def { kind, form, naming })
}
const NAME: Naming = Naming::Field("name");
const fn leaf(kind: K) -> Role {
    def(kind, Form::Leaf, NAME)
}
const fn container(kind: K) -> Role {
    def(kind, Form::Container, NAME)
}
const fn auto(kind: K) -> Role {
    def(kind, Form::Auto, NAME)
}
const fn mark(kind: K) -> Role {
    def(kind, Form::Mark, NAME)
}

/// The roles in a grammar: node names separated by spaces, and what they mean.
pub(crate) fn table(lang: Lang) -> impl Iterator<Item = &'static (&'static str, Role)> {
    let (first, second): (Table, Table) = match lang {
        Lang::Python => (PYTHON, &[]),
        Lang::JavaScript => (ECMASCRIPT, JAVASCRIPT),
        Lang::TypeScript | Lang::Tsx => (ECMASCRIPT, TYPESCRIPT),
        Lang::Rust => (RUST, &[]),
        Lang::Go => (GO, &[]),
        Lang::Java => (JAVA, &[]),
        Lang::C => (C, C_ONLY),
        Lang::Cpp => (C, CPP),
        Lang::CSharp => (C_SHARP, &[]),
        Lang::Ruby => (RUBY, &[]),
        Lang::Php => (PHP, &[]),
        Lang::Bash => (BASH, &[]),
        Lang::Html => (HTML, &[]),
        Lang::Css => (CSS, &[]),
        Lang::Json => (JSON, &[]),
        Lang::Yaml => (YAML, &[]),
        Lang::Toml => (TOML, &[]),
        Lang::Markdown => (MARKDOWN, &[]),
        Lang::Plain(_) => (&[], &[]),
    };
    first.iter().chain(second)
}

const PYTHON: Table = &[
    ("module block", Role::Body),
    (
        "if_statement elif_clause else_clause for_statement while_statement try_statement except_clause \
         finally_clause with_statement match_statement case_clause expression_statement",
        Role::Through,
    ),
    ("decorated_definition", Role::Wrap),
    ("comment", Role::Lead),
    ("function_definition", leaf(K::Function)),
    ("class_definition", container(K::Class)),
    ("assignment", def(K::Variable, Form::Auto, Naming::Bound("left", "right"))),
    ("type_alias_statement", def(K::TypeAlias, Form::Auto, Naming::Field("left"))),
];

/// What JavaScript and TypeScript share.
const ECMASCRIPT: Table = &[
    ("program statement_block class_body switch_body object", Role::Body),
    (
        "if_statement else_clause for_statement for_in_statement while_statement do_statement try_statement \
         catch_clause finally_clause switch_statement switch_case switch_default labeled_statement \
         with_statement call_expression arguments parenthesized_expression return_statement \
         new_expression member_expression \
         sequence_expression unary_expression class_static_block",
        Role::Through,
    ),
    ("arrow_function function_expression generator_function", Role::Closure),
    ("export_statement expression_statement", Role::Wrap),
    ("lexical_declaration variable_declaration", Role::Group),
    ("comment decorator", Role::Lead),
    ("function_declaration generator_function_declaration", leaf(K::Function)),
    ("method_definition", leaf(K::Method)),
    ("class_declaration class", container(K::Class)),
    ("variable_declarator", def(K::Variable, Form::Auto, Naming::Bound("name", "value"))),
    ("assignment_expression", def(K::Variable, Form::Leaf, Naming::BoundCode("left", "right"))),
    ("pair", def(K::Property, Form::Leaf, Naming::BoundCode("key", "value"))),
];

const JAVASCRIPT: Table =
    &[("field_definition", def(K::Field, Form::Auto, Naming::Bound("property", "value")))];

const TYPESCRIPT: Table = &[
    ("interface_body enum_body", Role::Body),
    ("ambient_declaration", Role::Wrap),
    ("as_expression satisfies_expression", Role::Through),
    ("abstract_class_declaration", container(K::Class)),
    ("internal_module module", container(K::Module)),
    ("interface_declaration", leaf(K::Interface)),
    ("enum_declaration", leaf(K::Enum)),
    ("type_alias_declaration", auto(K::TypeAlias)),
    ("function_signature", auto(K::Function)),
    ("method_signature abstract_method_signature", mark(K::Method)),
    ("property_signature", mark(K::Property)),
    ("enum_assignment", mark(K::Constant)),
    ("public_field_definition", def(K::Field, Form::Auto, Naming::Bound("name", "value"))),
];

const RUST: Table = &[
    ("source_file declaration_list block field_declaration_list enum_variant_list match_block", Role::Body),
    (
        "expression_statement if_expression else_clause for_expression while_expression loop_expression \
         match_expression match_arm unsafe_block async_block foreign_mod_item",
        Role::Through,
    ),
    ("line_comment block_comment attribute_item", Role::Lead),
    ("function_item", leaf(K::Function)),
    ("function_signature_item", mark(K::Function)),
    ("struct_item union_item", leaf(K::Struct)),
    ("enum_item", leaf(K::Enum)),
    ("trait_item", container(K::Trait)),
    ("impl_item", def(K::Other, Form::Container, Naming::Impl)),
    ("mod_item", container(K::Module)),
    ("macro_definition", leaf(K::Macro)),
    ("const_item", auto(K::Constant)),
    ("static_item", auto(K::Variable)),
    ("type_item", auto(K::TypeAlias)),
    ("field_declaration", mark(K::Field)),
    ("enum_variant", mark(K::Constant)),
];

const GO: Table = &[
    ("source_file block statement_list field_declaration_list interface_type", Role::Body),
    (
        "if_statement for_statement expression_switch_statement type_switch_statement select_statement \
         expression_case default_case communication_case type_case const_declaration var_declaration \
         var_spec_list struct_type",
        Role::Through,
    ),
    ("func_literal", Role::Closure),
    ("type_declaration", Role::Group),
    ("comment", Role::Lead),
    ("function_declaration", leaf(K::Function)),
    ("method_declaration", def(K::Method, Form::Leaf, Naming::Receiver)),
    ("type_spec", def(K::TypeAlias, Form::Auto, Naming::GoType)),
    ("type_alias", auto(K::TypeAlias)),
    ("const_spec", auto(K::Constant)),
    ("var_spec", auto(K::Variable)),
    ("field_declaration", mark(K::Field)),
    ("method_elem", mark(K::Method)),
];

const JAVA: Table = &[
    (
        "program class_body interface_body enum_body enum_body_declarations annotation_type_body \
         constructor_body block switch_block",
        Role::Body,
    ),
    (
        "if_statement for_statement enhanced_for_statement while_statement do_statement try_statement \
         try_with_resources_statement catch_clause finally_clause synchronized_statement labeled_statement \
         switch_expression switch_block_statement_group switch_rule",
        Role::Through,
    ),
    ("field_declaration constant_declaration", Role::Group),
    ("line_comment block_comment", Role::Lead),
    ("class_declaration record_declaration", container(K::Class)),
    ("interface_declaration annotation_type_declaration", container(K::Interface)),
    ("enum_declaration", container(K::Enum)),
    ("method_declaration", leaf(K::Method)),
    ("constructor_declaration compact_constructor_declaration", leaf(K::Constructor)),
    ("annotation_type_element_declaration", mark(K::Method)),
    ("variable_declarator", auto(K::Field)),
    ("enum_constant", mark(K::Constant)),
    ("module_declaration", container(K::Module)),
];

/// What C and C++ share.
const C: Table = &[
    (
        "translation_unit compound_statement declaration_list field_declaration_list enumerator_list \
         preproc_if preproc_ifdef preproc_else preproc_elif",
        Role::Body,
    ),
    (
        "linkage_specification if_statement else_clause for_statement while_statement do_statement \
         switch_statement case_statement labeled_statement",
        Role::Through,
    ),
    ("comment", Role::Lead),
    ("function_definition", def(K::Function, Form::Leaf, Naming::Declarator)),
    ("declaration", def(K::Variable, Form::Auto, Naming::Declarator)),
    ("field_declaration", def(K::Field, Form::Mark, Naming::Declarator)),
    ("type_definition", def(K::TypeAlias, Form::Auto, Naming::Declarator)),
    ("enum_specifier", auto(K::Enum)),
    ("enumerator", mark(K::Constant)),
    ("preproc_def", auto(K::Constant)),
    ("preproc_function_def", auto(K::Macro)),
];

const C_ONLY: Table = &[("struct_specifier union_specifier", auto(K::Struct))];

const CPP: Table = &[
    ("try_statement catch_clause for_range_loop", Role::Through),
    ("template_declaration", Role::Wrap),
    ("class_specifier", container(K::Class)),
    ("struct_specifier union_specifier", container(K::Struct)),
    ("namespace_definition", container(K::Module)),
    ("alias_declaration", auto(K::TypeAlias)),
    ("concept_definition", auto(K::Interface)),
];

const C_SHARP: Table = &[
    (
        "compilation_unit declaration_list block enum_member_declaration_list switch_body preproc_if",
        Role::Body,
    ),
    (
        "global_statement if_statement for_statement foreach_statement while_statement do_statement \
         try_statement catch_clause finally_clause using_statement lock_statement switch_statement \
         switch_section checked_statement unsafe_statement fixed_statement labeled_statement \
         variable_declaration",
        Role::Through,
    ),
    ("field_declaration event_field_declaration", Role::Wrap),
    ("comment", Role::Lead),
    ("class_declaration record_declaration", container(K::Class)),
    ("struct_declaration", container(K::Struct)),
    ("interface_declaration", container(K::Interface)),
    ("enum_declaration", leaf(K::Enum)),
    ("namespace_declaration", container(K::Module)),
    ("file_scoped_namespace_declaration", mark(K::Module)),
    ("method_declaration", leaf(K::Method)),
    ("constructor_declaration destructor_declaration", leaf(K::Constructor)),
    ("operator_declaration", def(K::Method, Form::Leaf, Naming::Field("operator"))),
    ("conversion_operator_declaration", def(K::Method, Form::Leaf, Naming::Field("type"))),
    ("local_function_statement", leaf(K::Function)),
    ("property_declaration event_declaration", auto(K::Property)),
    ("delegate_declaration", auto(K::TypeAlias)),
    ("variable_declarator", auto(K::Field)),
    ("enum_member_declaration", mark(K::Constant)),
];

const RUBY: Table = &[
    ("program body_statement block_body then else ensure do", Role::Body),
    (
        "call do_block block if unless while until for begin rescue elsif case when singleton_class argument_list",
        Role::Through,
    ),
    ("comment", Role::Lead),
    ("class", container(K::Class)),
    ("module", container(K::Module)),
    ("method singleton_method", leaf(K::Function)),
    ("assignment", def(K::Variable, Form::Auto, Naming::Bound("left", "right"))),
];

const PHP: Table = &[
    (
        "program declaration_list compound_statement enum_declaration_list switch_block colon_block",
        Role::Body,
    ),
    (
        "if_statement else_clause else_if_clause for_statement foreach_statement while_statement do_statement \
         switch_statement case_statement default_statement try_statement catch_clause finally_clause \
         const_declaration property_declaration",
        Role::Through,
    ),
    ("comment attribute_list", Role::Lead),
    ("function_definition", leaf(K::Function)),
    ("method_declaration", leaf(K::Method)),
    ("class_declaration", container(K::Class)),
    ("interface_declaration", container(K::Interface)),
    ("trait_declaration", container(K::Trait)),
    ("enum_declaration", container(K::Enum)),
    ("namespace_definition", container(K::Module)),
    ("property_element", mark(K::Property)),
    ("const_element", def(K::Constant, Form::Mark, Naming::First)),
    ("enum_case", mark(K::Constant)),
];

const BASH: Table = &[
    ("program compound_statement do_group", Role::Body),
    (
        "if_statement elif_clause else_clause for_statement c_style_for_statement while_statement \
         case_statement case_item declaration_command redirected_statement list subshell",
        Role::Through,
    ),
    ("comment", Role::Lead),
    ("function_definition", leaf(K::Function)),
    ("variable_assignment", auto(K::Variable)),
];

const HTML: Table = &[
    ("document", Role::Body),
    ("element script_element style_element", def(K::Other, Form::Mark, Naming::HtmlId)),
];

const CSS: Table = &[
    ("stylesheet block keyframe_block_list", Role::Body),
    (
        "rule_set media_statement supports_statement keyframes_statement at_rule",
        def(K::Other, Form::Mark, Naming::Head),
    ),
];

const JSON: Table = &[
    ("document", Role::Through),
    ("object array", Role::Body),
    ("pair", def(K::Key, Form::Mark, Naming::Field("key"))),
];

const YAML: Table = &[
    ("stream block_mapping block_sequence", Role::Body),
    ("document block_node block_sequence_item", Role::Through),
    ("block_mapping_pair", def(K::Key, Form::Mark, Naming::Field("key"))),
];

const TOML: Table = &[
    ("document", Role::Body),
    ("comment", Role::Lead),
    ("table table_array_element", def(K::Key, Form::Leaf, Naming::First)),
    ("pair", def(K::Key, Form::Mark, Naming::First)),
];

const MARKDOWN: Table = &[
    ("document list", Role::Body),
    ("section", def(K::Heading, Form::Container, Naming::Heading)),
    ("setext_heading", def(K::Heading, Form::Container, Naming::Underlined)),
];
