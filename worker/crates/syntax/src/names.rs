//! What a definition is called.

use std::ops::Range;

use tree_sitter::Node;

use crate::roles::{Def, Form, Naming};
use crate::symbol::SymbolKind as K;

/// Names are cut to this many bytes.
const MAX_NAME_BYTES: usize = 120;
/// Links of a chain of declarators that are followed.
const MAX_CHAIN: usize = 16;

/// A definition with its name.
#[derive(Debug)]
pub(crate) struct Named {
    pub name: String,
    pub bytes: Range<usize>,
    pub kind: K,
    pub form: Form,
    /// What stands for it in the paths of what it contains; its name where this is empty.
    pub segment: String,
    /// Names to put between the path of the parent and its own.
    pub qualifier: String,
}

impl Named {
    fn new(def: Def, bytes: Range<usize>, name: &str) -> Option<Self> {
        let name = tidy(name);
        (!name.is_empty()).then(|| Self {
            name,
            bytes,
            kind: def.kind,
            form: def.form,
            segment: String::new(),
            qualifier: String::new(),
        })
    }
}

/// The first line, without white space around, cut to a bearable length.
fn tidy(name: &str) -> String {
    let line = name.trim().lines().next().unwrap_or_default().trim_end();
    line[..line.floor_char_boundary(MAX_NAME_BYTES)].to_owned()
}

fn text_of<'t>(text: &'t str, node: Node<'_>) -> &'t str {
    text.get(node.byte_range()).unwrap_or_default()
}

/// The name and the kind of a definition; nothing when the node is none after all.
pub(crate) fn name(def: Def, node: Node<'_>, text: &str) -> Option<Named> {
    let named = |name: Node<'_>| Named::new(def, name.byte_range(), text_of(text, name));
    match def.naming {
        Naming::Field(field) => {
            let name = node.child_by_field_name(field)?;
            // `struct name x;` in C mentions a type and does not define it.
            if node.kind().ends_with("_specifier") && node.child_by_field_name("body").is_none() {
                return None;
            }
            let mut found = Named::new(def, name.byte_range(), unquoted(text_of(text, name)))?;
            if def.kind == K::Module && node.child_by_field_name("body").is_none() {
                found.form = Form::Mark;
            }
            Some(found)
        }
        Naming::First => named(node.named_child(0)?),
        Naming::Head => {
            let (start, whole) = (node.start_byte(), text_of(text, node));
            let head = whole.split(['{', ';', '\n']).next().unwrap_or_default().trim_end();
            Named::new(def, start..start + head.len(), head)
        }
        Naming::Declarator => declared(def, node, text),
        Naming::Impl => implemented(def, node, text),
        Naming::Receiver => {
            let mut found = named(node.child_by_field_name("name")?)?;
            let receiver = text_of(text, node.child_by_field_name("receiver")?);
            let name = receiver.trim_matches(['(', ')']).rsplit([' ', '*']).next().unwrap_or_default();
            found.qualifier = tidy(name.split('[').next().unwrap_or_default());
            Some(found)
        }
        Naming::GoType => {
            let mut found = named(node.child_by_field_name("name")?)?;
            found.kind = match node.child_by_field_name("type")?.kind() {
                "struct_type" => K::Struct,
                "interface_type" => K::Interface,
                _ => K::TypeAlias,
            };
            Some(found)
        }
        Naming::Bound(name, value) => {
            bound(def, node.child_by_field_name(name)?, node.child_by_field_name(value), text)
        }
        Naming::BoundCode(name, value) => {
            let value = node.child_by_field_name(value).filter(|value| code_kind(value.kind()).is_some());
            bound(def, node.child_by_field_name(name)?, Some(value?), text)
        }
        Naming::Heading => {
            let heading = node.named_child(0).filter(|child| child.kind() == "atx_heading")?;
            let content = heading.child_by_field_name("heading_content")?;
            let name = text_of(text, content).trim().trim_end_matches('#');
            Named::new(def, content.byte_range(), name)
        }
        Naming::Underlined => named(node.child_by_field_name("heading_content")?),
        Naming::HtmlId => html_id(def, node, text),
    }
}

fn unquoted(name: &str) -> &str {
    name.trim().trim_matches(['"', '\'', '`'])
}

/// What a value makes of the name bound to it.
fn code_kind(kind: &str) -> Option<K> {
    match kind {
        "arrow_function" | "function_expression" | "generator_function" => Some(K::Function),
        "class" => Some(K::Class),
        _ => None,
    }
}

fn bound(def: Def, name: Node<'_>, value: Option<Node<'_>>, text: &str) -> Option<Named> {
    let mut qualifier = "";
    let target = match name.kind() {
        "identifier" | "property_identifier" | "private_property_identifier" | "constant" | "string" => name,
        // `exports.name = …`, `Type.prototype.name = …`
        "member_expression" => {
            let object = text_of(text, name.child_by_field_name("object")?);
            qualifier = object.strip_suffix(".prototype").unwrap_or(object);
            if matches!(qualifier, "exports" | "module.exports" | "module" | "this" | "self") {
                qualifier = "";
            }
            name.child_by_field_name("property")?
        }
        _ => return None,
    };
    let mut found = Named::new(def, target.byte_range(), unquoted(text_of(text, target)))?;
    let is_constant = name.kind() == "constant"
        || (found.name.bytes().any(|byte| byte.is_ascii_uppercase())
            && !found.name.bytes().any(|byte| byte.is_ascii_lowercase()));
    match value.and_then(|value| code_kind(value.kind())) {
        Some(K::Class) => (found.kind, found.form) = (K::Class, Form::Container),
        Some(_) if qualifier.is_empty() && def.kind != K::Field && def.kind != K::Property => {
            found.kind = K::Function;
        }
        Some(_) => found.kind = K::Method,
        None if is_constant && def.kind == K::Variable => found.kind = K::Constant,
        None => {}
    }
    found.qualifier = tidy(qualifier);
    Some(found)
}

/// The name in a chain of declarators: `static char *(*name[3])(int)`.
fn declared(def: Def, node: Node<'_>, text: &str) -> Option<Named> {
    let mut at = node.child_by_field_name("declarator")?;
    let mut is_function = false;
    for _ in 0..MAX_CHAIN {
        is_function |= at.kind() == "function_declarator";
        match at.child_by_field_name("declarator") {
            Some(inner) => at = inner,
            // References and parentheses hold the next link without a name.
            None if at.kind().ends_with("_declarator") => at = at.named_child(0)?,
            None => break,
        }
    }
    let full = text_of(text, at);
    let is_operator = full.contains("operator");
    let (qualifier, name) =
        if is_operator { ("", full) } else { full.rsplit_once("::").unwrap_or(("", full)) };
    if full.contains(['\n', '{', ';']) {
        return None;
    }
    let mut found = Named::new(def, at.end_byte() - name.len()..at.end_byte(), name)?;
    found.qualifier = qualifier.trim_start_matches("::").replace("::", ".");
    if is_function && def.kind.is_value() {
        (found.kind, found.form) = (if def.kind == K::Field { K::Method } else { K::Function }, Form::Mark);
    } else if def.kind == K::Function && !qualifier.is_empty() {
        found.kind = K::Method;
    }
    Some(found)
}

fn implemented(def: Def, node: Node<'_>, text: &str) -> Option<Named> {
    let mut target = node.child_by_field_name("type")?;
    let mut reference = "";
    // `&'a mut Type` is about `Type`.
    while target.kind() == "reference_type"
        && let Some(inner) = target.child_by_field_name("type")
    {
        (target, reference) = (inner, "&");
    }
    let bare = |node: Node<'_>| {
        let name = text_of(text, node);
        tidy(name.split('<').next().unwrap_or(name))
    };
    let segment = bare(target);
    let name = match node.child_by_field_name("trait") {
        Some(of) => format!("impl {} for {reference}{segment}", bare(of)),
        None => format!("impl {segment}"),
    };
    let mut found = Named::new(def, target.byte_range(), &name)?;
    found.segment = segment;
    Some(found)
}

fn html_id(def: Def, node: Node<'_>, text: &str) -> Option<Named> {
    let tag = node.named_child(0)?;
    let name = text_of(text, tag.named_child(0)?);
    for place in 1..tag.named_child_count().min(32) {
        let attribute = tag.named_child(place as u32)?;
        if attribute.named_child(0).is_some_and(|key| text_of(text, key).eq_ignore_ascii_case("id")) {
            let value = attribute.named_child(1)?;
            let id = unquoted(text_of(text, value));
            return Named::new(def, value.byte_range(), &format!("{name}#{id}"));
        }
    }
    None
}
