//! The objects that scripts give and get. Names are those of `app/js/alcove.d.ts`.

use std::collections::BTreeMap;

use leptos::prelude::*;
use protocol::{
    ContentKind, EmbedState, EngineStatus, Fault, FaultCode, FileInfo, Imported, Layer, Progress,
    SearchFilter, SearchHit, SearchMode, SearchQuery, SearchReply, Suggested, SymbolInfo, SymbolKind,
    WorkspaceInfo,
};
use serde::{Deserialize, Serialize};

use crate::link::{LinkState, ModelState};
use crate::state::App;

/// More hits than this are never wanted at once.
const MAX_K: u32 = 10_000;
const DEFAULT_K: u32 = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct OpenOptions {
    pub(super) name: Option<String>,
    pub(super) honour_ignore: Option<bool>,
    pub(super) max_file_bytes: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct SearchOptions {
    k: Option<u32>,
    layers: Vec<LayerName>,
    filter: FilterShape,
    mode: ModeName,
    case_sensitive: bool,
    pub(super) details: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct FilterShape {
    path: String,
    languages: Vec<String>,
    kinds: Vec<SymbolKind>,
    changed_since: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
enum LayerName {
    Lexical,
    Symbols,
    Vectors,
    Exact,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum ModeName {
    #[default]
    Smart,
    Exact,
    Word,
    Regex,
}

impl From<Layer> for LayerName {
    fn from(layer: Layer) -> Self {
        match layer {
            Layer::Lexical => Self::Lexical,
            Layer::Symbols => Self::Symbols,
            Layer::Vectors => Self::Vectors,
            Layer::Exact => Self::Exact,
        }
    }
}

impl From<LayerName> for Layer {
    fn from(layer: LayerName) -> Self {
        match layer {
            LayerName::Lexical => Self::Lexical,
            LayerName::Symbols => Self::Symbols,
            LayerName::Vectors => Self::Vectors,
            LayerName::Exact => Self::Exact,
        }
    }
}

impl SearchOptions {
    /// What the engine is asked.
    pub(super) fn query(self, text: String) -> Result<SearchQuery, Fault> {
        let k = self.k.unwrap_or(DEFAULT_K);
        if k == 0 || k > MAX_K {
            let sentence = format!("k must be between 1 and {MAX_K}.");
            return Err(Fault::new(FaultCode::Invalid, sentence));
        }
        let mode = match self.mode {
            ModeName::Smart => SearchMode::Smart,
            ModeName::Exact => SearchMode::Exact,
            ModeName::Word => SearchMode::Word,
            ModeName::Regex => SearchMode::Regex,
        };
        Ok(SearchQuery {
            text,
            mode,
            case_sensitive: self.case_sensitive,
            k,
            layers: self.layers.into_iter().map(Layer::from).collect(),
            filter: SearchFilter {
                path_glob: self.filter.path,
                languages: self.filter.languages,
                kinds: self.filter.kinds,
                changed_since_unix_ms: self.filter.changed_since.map(|ms| ms.max(0.0) as u64),
            },
        })
    }
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HitShape {
    path: String,
    language: String,
    /// From one.
    start_line: u32,
    /// From one, inclusive.
    end_line: u32,
    symbol: String,
    kind: Option<SymbolKind>,
    score: f32,
    layers: Vec<LayerName>,
}

impl From<&SearchHit> for HitShape {
    fn from(hit: &SearchHit) -> Self {
        Self {
            path: hit.path.clone(),
            language: hit.language.clone(),
            start_line: hit.start_line + 1,
            end_line: hit.end_line + 1,
            symbol: hit.symbol.clone(),
            kind: hit.kind,
            score: hit.score,
            layers: hit.layers.iter().map(|&layer| layer.into()).collect(),
        }
    }
}

#[derive(Serialize)]
struct CoverageShape {
    layer: LayerName,
    share: f32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SearchShape {
    hits: Vec<HitShape>,
    coverage: Vec<CoverageShape>,
    num_more: u32,
    took_ms: f32,
    notice: String,
}

impl SearchShape {
    pub(super) fn new(hits: Vec<HitShape>, reply: &SearchReply) -> Self {
        let coverage = reply.coverage.iter();
        Self {
            hits,
            coverage: coverage.map(|&(layer, share)| CoverageShape { layer: layer.into(), share }).collect(),
            num_more: reply.num_more,
            took_ms: reply.took_ms,
            notice: reply.notice.clone(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct CompleteOptions {
    pub(super) path: String,
    pub(super) line: u32,
    pub(super) utf16: u32,
    pub(super) model: Option<String>,
    pub(super) alternatives: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CompletedShape {
    model: String,
    texts: Vec<String>,
    replaces: Vec<u32>,
    dropped: BTreeMap<String, u32>,
    num_prompt_tokens: u32,
    num_cached_tokens: u32,
    snippets: Vec<String>,
    took_ms: f32,
    from_cache: bool,
}

impl CompletedShape {
    pub(super) fn new(suggested: Suggested, model: String) -> Self {
        Self {
            model,
            replaces: suggested.texts.iter().map(|suggestion| suggestion.replaces).collect(),
            texts: suggested.texts.into_iter().map(|suggestion| suggestion.text).collect(),
            dropped: suggested.dropped.iter().map(|(why, num)| (format!("{why:?}"), *num)).collect(),
            num_prompt_tokens: suggested.num_prompt_tokens,
            num_cached_tokens: suggested.num_cached_tokens,
            snippets: suggested.snippets,
            took_ms: suggested.took_ms,
            from_cache: suggested.from_cache,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WrittenShape {
    pub(super) lexical_fresh_ms: f32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileShape {
    path: String,
    bytes: u64,
    modified: u64,
    content: &'static str,
    language: String,
    has_draft: bool,
}

impl From<&FileInfo> for FileShape {
    fn from(file: &FileInfo) -> Self {
        let content = match file.content {
            ContentKind::Text => "text",
            ContentKind::LossyText => "lossyText",
            ContentKind::Binary => "binary",
        };
        Self {
            path: file.path.clone(),
            bytes: file.bytes,
            modified: file.mtime_ms,
            content,
            language: file.language.clone(),
            has_draft: file.has_draft,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SkippedShape {
    reason: String,
    count: u32,
    paths: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImportedShape {
    num_added: u32,
    num_changed: u32,
    num_unchanged: u32,
    skipped: Vec<SkippedShape>,
    case_collisions: Vec<(String, String)>,
}

impl From<&Imported> for ImportedShape {
    fn from(imported: &Imported) -> Self {
        let skipped = imported.skipped.iter().map(|(reason, count, paths)| SkippedShape {
            reason: format!("{reason:?}"),
            count: *count,
            paths: paths.clone(),
        });
        Self {
            num_added: imported.num_added,
            num_changed: imported.num_changed,
            num_unchanged: imported.num_unchanged,
            skipped: skipped.collect(),
            case_collisions: imported.case_collisions.clone(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WorkspaceShape {
    id: u64,
    name: String,
    num_files: u32,
    stored_bytes: u64,
    opened: u64,
}

impl From<&WorkspaceInfo> for WorkspaceShape {
    fn from(info: &WorkspaceInfo) -> Self {
        Self {
            id: info.id.0,
            name: info.name.clone(),
            num_files: info.num_files,
            stored_bytes: info.stored_bytes,
            opened: info.opened_unix_ms,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SymbolShape {
    name: String,
    kind: SymbolKind,
    container: String,
    /// From one.
    start_line: u32,
    /// From one, inclusive.
    end_line: u32,
    depth: u16,
}

impl From<&SymbolInfo> for SymbolShape {
    fn from(symbol: &SymbolInfo) -> Self {
        let (start, end) = (symbol.span.start, symbol.span.end);
        // A span that ends before the first character of a line does not reach into it.
        let last = if end.utf16 == 0 && end.line > start.line { end.line - 1 } else { end.line };
        Self {
            name: symbol.name.clone(),
            kind: symbol.kind,
            container: symbol.container.clone(),
            start_line: start.line + 1,
            end_line: last + 1,
            depth: symbol.depth,
        }
    }
}

#[derive(Serialize)]
struct ProgressShape {
    done: u32,
    total: u32,
    /// Where the layer runs.
    device: String,
}

impl ProgressShape {
    fn new(progress: Progress, device: String) -> Self {
        Self { done: progress.done, total: progress.total, device }
    }
}

#[derive(Serialize)]
struct LayersShape {
    lexical: ProgressShape,
    symbols: ProgressShape,
    vectors: ProgressShape,
}

/// The engine's status with what the page knows beside it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusShape {
    workspace: Option<WorkspaceShape>,
    access: Option<String>,
    layers: LayersShape,
    num_files: u32,
    file_bytes: u64,
    num_chunks: u32,
    num_symbols: u32,
    embed: &'static str,
    embed_reason: String,
    tokens_waiting: u64,
    chunks_per_s: f32,
    chunks_reused: u32,
    chunks_embedded: u32,
    memory_bytes: u64,
    stored_bytes: u64,
    quota: Option<(u64, u64)>,
    notices: Vec<String>,
    lexical_ready_ms: f32,
    parse_mb_per_s: f32,
    engine: String,
    capabilities: Vec<String>,
    model: String,
}

impl StatusShape {
    /// The present state of the page, without following it.
    pub(super) fn new(app: App) -> Self {
        let status: EngineStatus = app.status.get_untracked();
        let engine = app.engine().state();
        let model = app.models().state();
        let (engine, model) = (engine.get_untracked(), model.get_untracked());
        let device = device_of(&model);
        let (embed, embed_reason) = match &status.embed {
            EmbedState::NoModel => ("noModel", String::new()),
            EmbedState::Running => ("running", String::new()),
            EmbedState::Paused => ("paused", String::new()),
            EmbedState::Idle => ("idle", String::new()),
            EmbedState::Failed(why) => ("failed", why.clone()),
        };
        Self {
            workspace: app.opened.with_untracked(|opened| {
                // What the page knows of it is from the opening; the numbers are of now.
                let mut info = opened.clone()?;
                (info.num_files, info.stored_bytes) = (status.num_files, status.stored_bytes);
                Some(WorkspaceShape::from(&info))
            }),
            access: status.access.map(|access| format!("{access:?}")),
            layers: LayersShape {
                lexical: ProgressShape::new(status.lexical, "engine".into()),
                symbols: ProgressShape::new(status.symbols, "engine".into()),
                vectors: ProgressShape::new(status.vectors, device),
            },
            num_files: status.num_files,
            file_bytes: status.file_bytes,
            num_chunks: status.num_chunks,
            num_symbols: status.num_symbols,
            embed,
            embed_reason,
            tokens_waiting: status.tokens_waiting,
            chunks_per_s: status.chunks_per_s,
            chunks_reused: status.chunks_reused,
            chunks_embedded: status.chunks_embedded,
            memory_bytes: status.memory_bytes,
            stored_bytes: status.stored_bytes,
            quota: status.quota,
            notices: status.notices,
            lexical_ready_ms: status.lexical_ready_ms,
            parse_mb_per_s: status.parse_mb_per_s,
            engine: engine_of(&engine),
            capabilities: app.engine().capabilities(),
            model: model_of(&model),
        }
    }
}

/// Where and how the embedder runs, e.g. `cpu int8 ×2`; empty while it does not.
fn device_of(model: &ModelState) -> String {
    match model {
        ModelState::Ready(info, workers) => {
            let device = &info.device;
            format!("{:?} {:?} ×{workers}", device.device, device.precision).to_lowercase()
        }
        _ => String::new(),
    }
}

fn engine_of(state: &LinkState) -> String {
    match state {
        LinkState::Starting => "starting".into(),
        LinkState::Ready => "ready".into(),
        LinkState::Restarting(why) => format!("restarting: {why}"),
        LinkState::Stale => "stale".into(),
        LinkState::Failed(why) => format!("failed: {why}"),
    }
}

fn model_of(state: &ModelState) -> String {
    match state {
        ModelState::Off => "off".into(),
        ModelState::Loading(progress) => format!("loading: {}", progress.stage),
        ModelState::Ready(info, _) => format!("ready: {} ({})", info.model, info.device.reason),
        ModelState::Failed(why) => format!("failed: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one_and_inclusive() {
        let hit = SearchHit {
            path: "a.rs".into(),
            language: "rust".into(),
            start_line: 0,
            end_line: 4,
            symbol: "main".into(),
            kind: Some(SymbolKind::Function),
            score: 1.0,
            layers: vec![Layer::Lexical, Layer::Vectors],
            preview: Vec::new(),
        };
        let shape = HitShape::from(&hit);
        assert_eq!((shape.start_line, shape.end_line), (1, 5));
        assert_eq!(shape.layers, [LayerName::Lexical, LayerName::Vectors]);
    }

    #[test]
    fn a_number_of_hits_out_of_bounds_is_refused() {
        for (k, ok) in
            [(None, true), (Some(1), true), (Some(0), false), (Some(MAX_K), true), (Some(MAX_K + 1), false)]
        {
            let options = SearchOptions { k, ..SearchOptions::default() };
            assert_eq!(options.query("x".into()).is_ok(), ok, "{k:?}");
        }
    }
}
