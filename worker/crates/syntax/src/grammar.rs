//! Grammars with the roles of their nodes, loaded when a language is first met.

use std::collections::HashMap;

use tree_sitter::Language;

use crate::lang::Lang;
use crate::roles::{self, Role};

/// One grammar.
#[derive(Debug)]
pub(crate) struct Grammar {
    pub language: Language,
    /// Role of a node by its kind id.
    roles: Vec<Role>,
}

impl Grammar {
    /// Load the grammar of a language; nothing for those that are not parsed.
    pub(crate) fn load(lang: Lang) -> Option<Self> {
        let language = language(lang)?;
        let mut by_name: HashMap<&str, Role> = HashMap::new();
        for (names, role) in roles::table(lang) {
            by_name.extend(names.split_ascii_whitespace().map(|name| (name, *role)));
        }
        let roles = (0..language.node_kind_count())
            .map(|id| {
                let id = id as u16;
                let name = language.node_kind_for_id(id).filter(|_| language.node_kind_is_named(id));
                name.and_then(|name| by_name.get(name).copied()).unwrap_or(Role::Prune)
            })
            .collect();
        Some(Self { language, roles })
    }

    pub(crate) fn role(&self, kind_id: u16) -> Role {
        // The id of an error node lies outside the table: what the parser saved inside is looked at.
        self.roles.get(usize::from(kind_id)).copied().unwrap_or(Role::Body)
    }
}

fn language(lang: Lang) -> Option<Language> {
    Some(match lang {
        Lang::Python => tree_sitter_python::LANGUAGE.into(),
        Lang::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
        Lang::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        Lang::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        Lang::Rust => tree_sitter_rust::LANGUAGE.into(),
        Lang::Go => tree_sitter_go::LANGUAGE.into(),
        Lang::Java => tree_sitter_java::LANGUAGE.into(),
        Lang::C => tree_sitter_c::LANGUAGE.into(),
        Lang::Cpp => tree_sitter_cpp::LANGUAGE.into(),
        Lang::CSharp => tree_sitter_c_sharp::LANGUAGE.into(),
        Lang::Ruby => tree_sitter_ruby::LANGUAGE.into(),
        Lang::Php => tree_sitter_php::LANGUAGE_PHP.into(),
        Lang::Bash => tree_sitter_bash::LANGUAGE.into(),
        Lang::Html => tree_sitter_html::LANGUAGE.into(),
        Lang::Css => tree_sitter_css::LANGUAGE.into(),
        Lang::Json => tree_sitter_json::LANGUAGE.into(),
        Lang::Yaml => tree_sitter_yaml::LANGUAGE.into(),
        Lang::Toml => tree_sitter_toml_ng::LANGUAGE.into(),
        Lang::Markdown => tree_sitter_md::LANGUAGE.into(),
        Lang::Plain(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that a grammar does not have would be a rule that never applies.
    #[test]
    fn every_name_in_the_tables_is_a_node_of_its_grammar() {
        let mut missing = Vec::new();
        for lang in Lang::parsed() {
            let language = language(lang).unwrap();
            for (names, _) in roles::table(lang) {
                let unknown = |name: &&str| language.id_for_node_kind(name, true) == 0;
                missing.extend(names.split_ascii_whitespace().filter(unknown).map(|name| (lang, name)));
            }
        }
        assert!(missing.is_empty(), "{missing:?}");
    }
}
