//! What the status bar shows, and telling those who watch.

use protocol::{EngineStatus, Progress};
use stdx::Clock as _;

use crate::engine::Engine;
use crate::space::Stage;

/// Bytes of code per token of the embedder's vocabulary, measured on the evaluation tree.
const BYTES_PER_TOKEN: u64 = 3;
/// Tokens that the embedder reads of one chunk at most.
const MAX_TOKENS_PER_CHUNK: u64 = 256;

/// From here on the status is published every half second instead of every tenth.
const MANY_FILES: usize = 20_000;

/// The present state.
pub(crate) fn status(engine: &mut Engine) -> EngineStatus {
    let now_ms = engine.clock.monotonic_ms();
    let chunks_per_s = engine.embedding.chunks_per_s(now_ms);
    let Some(space) = &engine.space else {
        return EngineStatus {
            memory_bytes: web::memory_bytes(),
            quota: engine.quota,
            generator: engine.generators.model(),
            ..EngineStatus::default()
        };
    };
    let texts = space.files.values().filter(|e| e.stage != Stage::NotIndexed).count() as u32;
    let at_least = |stage: Stage| {
        space.files.values().filter(|e| e.stage != Stage::NotIndexed && e.stage >= stage).count() as u32
    };
    let num_chunks = space.index.num_chunks() as u32;
    let megabytes = space.stats.parsed_bytes as f64 / 1e6;
    EngineStatus {
        workspace: Some((space.id, space.name.clone())),
        access: Some(space.access),
        num_files: space.files.len() as u32,
        file_bytes: space.store.files().map(|(_, meta)| meta.bytes).sum(),
        num_behind: space.outside.len() as u32,
        num_chunks,
        num_symbols: space.files.values().map(|e| e.symbols.len() as u32).sum(),
        lexical: Progress { done: at_least(Stage::Lexical), total: texts },
        symbols: Progress { done: at_least(Stage::ByLines), total: texts },
        vectors: Progress { done: space.index.num_vectors() as u32, total: space.index.num_keys() as u32 },
        embed: engine.embedding.state(space),
        tokens_waiting: (space.to_embed.num_bytes() / BYTES_PER_TOKEN)
            .min(space.to_embed.len() as u64 * MAX_TOKENS_PER_CHUNK),
        chunks_per_s,
        chunks_reused: space.stats.chunks_reused,
        chunks_embedded: space.stats.chunks_embedded,
        memory_bytes: web::memory_bytes(),
        stored_bytes: space.store.stored_bytes(),
        quota: engine.quota,
        notices: space.notices.clone(),
        lexical_ready_ms: space.stats.lexical_ready_ms as f32,
        parse_mb_per_s: if space.stats.parse_ms > 0.0 {
            (megabytes / (space.stats.parse_ms / 1000.0)) as f32
        } else {
            0.0
        },
        generator: engine.generators.model(),
    }
}

/// Tell the watchers if something changed.
pub(crate) fn publish(engine: &mut Engine) {
    engine.watchers.retain(|reply| !reply.cancel().is_cancelled());
    // Counting goes over every file: large workspaces are told less often.
    let num_files = engine.space.as_ref().map_or(0, |space| space.files.len());
    if engine.watchers.is_empty() || (num_files > MANY_FILES && !engine.ticks().is_multiple_of(5)) {
        return;
    }
    let now = status(engine);
    if engine.last_status.as_ref() != Some(&now) {
        for watcher in &engine.watchers {
            watcher.event(&now);
        }
        engine.last_status = Some(now);
    }
}
