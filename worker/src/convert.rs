//! The one place where engine types become protocol types and back.

use index::{Filter, NO_KIND};
use protocol::{Fault, FaultCode, Layer, SearchFilter, SearchMode, SymbolKind};

/// Kinds by their number in the index; the position is the number.
const KINDS: [SymbolKind; 18] = [
    SymbolKind::Module,
    SymbolKind::Class,
    SymbolKind::Struct,
    SymbolKind::Enum,
    SymbolKind::Interface,
    SymbolKind::Trait,
    SymbolKind::Function,
    SymbolKind::Method,
    SymbolKind::Constructor,
    SymbolKind::Property,
    SymbolKind::Field,
    SymbolKind::Variable,
    SymbolKind::Constant,
    SymbolKind::TypeAlias,
    SymbolKind::Macro,
    SymbolKind::Heading,
    SymbolKind::Key,
    SymbolKind::Other,
];

/// A kind's number in the index and in snapshots.
pub(crate) fn kind_to_u8(kind: SymbolKind) -> u8 {
    KINDS.iter().position(|k| *k == kind).map_or(NO_KIND, |at| at as u8)
}

/// The kind with this number, `None` for [`NO_KIND`].
pub(crate) fn kind_from_u8(kind: u8) -> Option<SymbolKind> {
    KINDS.get(usize::from(kind)).copied()
}

/// The parser's kind as the protocol names it.
pub(crate) fn kind_from_syntax(kind: syntax::SymbolKind) -> SymbolKind {
    use syntax::SymbolKind as S;
    match kind {
        S::Module => SymbolKind::Module,
        S::Class => SymbolKind::Class,
        S::Struct => SymbolKind::Struct,
        S::Enum => SymbolKind::Enum,
        S::Interface => SymbolKind::Interface,
        S::Trait => SymbolKind::Trait,
        S::Function => SymbolKind::Function,
        S::Method => SymbolKind::Method,
        S::Constructor => SymbolKind::Constructor,
        S::Property => SymbolKind::Property,
        S::Field => SymbolKind::Field,
        S::Variable => SymbolKind::Variable,
        S::Constant => SymbolKind::Constant,
        S::TypeAlias => SymbolKind::TypeAlias,
        S::Macro => SymbolKind::Macro,
        S::Heading => SymbolKind::Heading,
        S::Key => SymbolKind::Key,
        S::Other => SymbolKind::Other,
    }
}

/// The layers to ask, as the index names them.
pub(crate) fn layers_to_index(layers: &[Layer]) -> index::Layers {
    if layers.is_empty() {
        return index::Layers::ALL;
    }
    layers.iter().fold(index::Layers::NONE, |all, layer| {
        all.union(match layer {
            Layer::Lexical => index::Layers::LEXICAL,
            Layer::Symbols => index::Layers::SYMBOLS,
            Layer::Vectors => index::Layers::VECTORS,
            Layer::Exact => index::Layers::NONE,
        })
    })
}

/// The layers that found a hit.
pub(crate) fn layers_from_index(layers: index::Layers) -> Vec<Layer> {
    [
        (index::Layers::LEXICAL, Layer::Lexical),
        (index::Layers::SYMBOLS, Layer::Symbols),
        (index::Layers::VECTORS, Layer::Vectors),
    ]
    .into_iter()
    .filter_map(|(bit, layer)| layers.contains(bit).then_some(layer))
    .collect()
}

/// A filter for the index.
pub(crate) fn filter_to_index(filter: &SearchFilter) -> Result<Filter, Fault> {
    let kinds = filter.kinds.iter().map(|kind| kind_to_u8(*kind)).collect();
    Filter::new(&filter.path_glob, filter.languages.clone(), kinds, filter.changed_since_unix_ms)
        .map_err(|err| Fault::new(FaultCode::Invalid, err.to_string()))
}

/// How to read an exact search; `None` for the smart mode.
pub(crate) fn grep_mode(mode: SearchMode) -> Option<index::grep::Mode> {
    match mode {
        SearchMode::Smart => None,
        SearchMode::Exact => Some(index::grep::Mode::Exact),
        SearchMode::Word => Some(index::grep::Mode::Word),
        SearchMode::Regex => Some(index::grep::Mode::Regex),
    }
}

/// A storage failure as a person sees it.
pub(crate) fn store_fault(err: &store::StoreError) -> Fault {
    let code = if err.is_quota() {
        FaultCode::Quota
    } else if err.is_newer_version() {
        FaultCode::ReadOnly
    } else if err.is_not_found() {
        FaultCode::NotFound
    } else {
        FaultCode::Storage
    };
    Fault::new(code, err.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_round_trip_through_their_number() {
        for kind in KINDS {
            assert_eq!(kind_from_u8(kind_to_u8(kind)), Some(kind));
        }
        assert_eq!(kind_from_u8(NO_KIND), None);
    }
}
