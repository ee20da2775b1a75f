//! Answers from the workspace: searches, asks the language model, streams what it writes, keeps the conversation.
//!
//! What an answer needs next is decided in [`asking`], and done here: whatever is awaited elsewhere comes back as an
//! event, and the search is done in slices between two looks at the queue.

mod asking;
mod find;
mod kept;

use std::collections::{BTreeMap, HashMap, VecDeque};

use agents::chat::citations;
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use link::{Caller, Reply};
use protocol::{
    AnswerEnd, AnswerEvent, Ask, Citation, CountPrompt, CountTokens, DeleteThread, Embed, Fault, FaultCode,
    Generate, Generated, Grounding, RenameThread, ThreadId, ThreadInfo, Turn,
};
use stdx::Clock as _;

use crate::embed::floats;
use crate::engine::Engine;
use crate::event::Event;
use crate::space::Space;
use crate::workspaces::none_open;
use asking::{Asking, Effect, Found};
use find::Finding;

/// Longest question in bytes.
const MAX_QUESTION: usize = 256 * 1024;
/// Bytes of a question that are searched for; MiniLM reads about as many.
const MAX_SEARCHED: usize = 1024;
/// Most things that a question may point to.
const MAX_MENTIONS: usize = 64;
/// Most questions that are answered or wait at once.
const MAX_OPEN: usize = 16;
/// Tokens of a prompt where it is not known how fast the model reads.
const MOST_TOKENS: u32 = 1500;
/// Tokens of a prompt that even a slow model reads: fewer passages answer too little.
const LEAST_TOKENS: u32 = 800;
/// Most tokens of a prompt, however fast the model reads: small models lose the thread in longer ones.
const MOST_TOKENS_EVER: u32 = 6000;
/// How long a person may wait for the first word, seconds.
const PATIENCE_S: f32 = 10.0;
/// A prompt of at least so many new tokens tells how fast they are read.
const TELLING_TOKENS: u32 = 200;
/// What is being written is kept this often, milliseconds, in case that the tab goes.
const KEEP_EVERY_MS: f64 = 5000.0;
/// After this worker was restarted it is told again which model to use; questions wait so long for that, milliseconds.
const MODEL_WITHIN_MS: f64 = 15_000.0;
/// Bytes of a token of code, about.
const BYTES_PER_TOKEN: usize = 3;

/// Something for an answer arrived.
pub(crate) struct Came {
    id: u64,
    what: What,
}

enum What {
    Vector(Option<Vec<f32>>),
    Counts(Result<Vec<u32>, Fault>),
    PromptCount(Result<u32, Fault>),
    Piece(String),
    Written(Result<Generated, Fault>),
}

/// A question that is not answered yet.
struct Open {
    reply: Reply,
    ask: Ask,
    asking: Asking,
    finding: Option<Finding>,
    caller: Option<Caller>,
    /// Dropping it ends what is awaited elsewhere.
    waits: Option<oneshot::Sender<()>>,
    kept_ms: f64,
}

/// The questions on their way, and what of earlier ones could not be kept.
#[derive(Default)]
pub(crate) struct Chats {
    open: BTreeMap<u64, Open>,
    /// Those to search for, with the vectors of their questions.
    to_search: VecDeque<(u64, Option<Vec<f32>>)>,
    /// Those that were searched for, and wait for a model.
    held: Vec<u64>,
    next_id: u64,
    unkept: kept::Unkept,
    /// Tokens of a prompt that each model was seen to read in a second.
    reads_per_s: HashMap<String, f32>,
}

impl Chats {
    /// An answer is being written: other work of models gives way.
    fn is_writing(&self) -> bool {
        self.open.values().any(|open| open.asking.is_writing())
    }

    /// Learn from an answer how fast its model reads.
    fn learn(&mut self, model: &str, generated: &Generated) {
        let read = generated.num_prompt_tokens.saturating_sub(generated.num_cached_tokens);
        if read >= TELLING_TOKENS && generated.first_token_ms > 0.0 {
            let per_s = read as f32 * 1000.0 / generated.first_token_ms;
            self.reads_per_s.insert(model.to_owned(), per_s);
        }
    }
}

/// Most tokens of a prompt that the model reads in bearable time.
fn most_tokens(engine: &Engine) -> u32 {
    let model = engine.generators.model().unwrap_or_default();
    // What was seen on real prompts counts for more than what was measured on a short one.
    let seen = engine.chats.reads_per_s.get(&model).copied();
    match seen.unwrap_or_else(|| engine.generators.reads_per_s()) {
        reads if reads > 0.0 => ((reads * PATIENCE_S) as u32).clamp(LEAST_TOKENS, MOST_TOKENS_EVER),
        _ => MOST_TOKENS,
    }
}

/// A question arrived.
pub(crate) fn start(engine: &mut Engine, mut ask: Ask, reply: Reply) {
    let result = accept(engine, &mut ask);
    let history = match result {
        Ok(history) => history,
        Err(fault) => return reply.fault(fault),
    };
    let asking = Asking::new(&ask, history, engine.clock.unix_ms());
    let id = engine.chats.next_id;
    engine.chats.next_id += 1;
    let mut text = asking.search_text();
    text.truncate(text.floor_char_boundary(MAX_SEARCHED));
    let has_vectors = engine.space.as_ref().is_some_and(|space| space.index.num_vectors() > 0);
    let embedder = engine.embedding.caller().filter(|_| has_vectors);
    let mut open = Open {
        reply,
        ask,
        asking,
        finding: None,
        caller: None,
        waits: None,
        kept_ms: engine.clock.monotonic_ms(),
    };
    if let Some(embedder) = embedder {
        let pending = embedder.call(Embed { texts: vec![text], urgent: true }, Vec::new());
        let (waits, gone) = oneshot::channel::<()>();
        open.waits = Some(waits);
        let events = engine.events.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let Either::Left((result, _)) = select(pending, gone).await else { return };
            // Without it the question is searched by words.
            let vector =
                result.ok().and_then(|(_, blobs)| blobs.first().map(|b| floats(&link::from_buffer(b))));
            events.send(Event::Chat(Came { id, what: What::Vector(vector) }));
        });
    } else {
        engine.chats.to_search.push_back((id, None));
    }
    engine.chats.open.insert(id, open);
}

/// Check a question, and give what was said before it in its branch.
fn accept(engine: &mut Engine, ask: &mut Ask) -> Result<Vec<agents::chat::Exchange>, Fault> {
    let invalid = |sentence: &str| Err(Fault::new(FaultCode::Invalid, sentence));
    kept::check_id(&ask.thread.0)?;
    kept::check_id(&ask.turn.0)?;
    if ask.question.trim().is_empty() {
        return invalid("There is no question.");
    }
    if ask.question.len() > MAX_QUESTION || ask.mentions.len() > MAX_MENTIONS {
        return invalid("The question is too long, or points to too many things at once.");
    }
    if ask.after.as_ref() == Some(&ask.turn) {
        return invalid("A question cannot follow itself; please report this.");
    }
    // Asked again: what is on its way gives way to what comes in its place.
    let same = |open: &Open| open.ask.thread == ask.thread && open.ask.turn == ask.turn;
    let again: Vec<u64> =
        engine.chats.open.iter().filter(|(_, open)| same(open)).map(|(id, _)| *id).collect();
    for id in again {
        if let Some(open) = engine.chats.open.remove(&id) {
            open.reply.fault(Fault::new(FaultCode::Cancelled, "The question was asked again."));
        }
    }
    if engine.chats.open.len() >= MAX_OPEN {
        let sentence = "Several questions are being answered already. Wait for one, or stop it.";
        return Err(Fault::new(FaultCode::TooLarge, sentence));
    }
    let space = engine.space.as_ref().ok_or_else(none_open)?;
    Ok(kept::history(space, &engine.chats.unkept, &ask.thread, ask.after.as_ref()))
}

/// A slice of the search for a question. False when there is none to search for.
pub(crate) fn step(engine: &mut Engine, until_ms: f64) -> bool {
    let Some((id, vector)) = engine.chats.to_search.pop_front() else { return false };
    let most_tokens = most_tokens(engine);
    // The clock began with this worker.
    let is_young = engine.clock.monotonic_ms() < MODEL_WITHIN_MS;
    let may_come = is_young && engine.generators.chosen().is_err() && web::num_deaths() > 0;
    let (Some(space), Some(open)) = (&mut engine.space, engine.chats.open.get_mut(&id)) else { return true };
    let Some(finding) = &mut open.finding else {
        let mut text = open.asking.search_text();
        text.truncate(text.floor_char_boundary(MAX_SEARCHED));
        let vector = vector.as_deref().filter(|vector| vector.len() == crate::space::DIM);
        let most_bytes = most_tokens as usize * BYTES_PER_TOKEN;
        open.finding = Some(Finding::start(space, &text, vector, &open.ask.mentions, most_bytes));
        engine.chats.to_search.push_front((id, None));
        return true;
    };
    while finding.read_one(space) {
        if engine.clock.monotonic_ms() > until_ms {
            engine.chats.to_search.push_front((id, None));
            return true;
        }
    }
    finding.finish();
    if may_come && finding.grounding != Grounding::NotFound {
        engine.chats.held.push(id);
        return true;
    }
    let found = Found {
        pieces: std::mem::take(&mut finding.pieces),
        notes: std::mem::take(&mut finding.notes),
        grounding: finding.grounding,
    };
    searched(engine, id, found);
    true
}

/// The search is through: the model comes in, unless there is nothing to ask it about.
fn searched(engine: &mut Engine, id: u64, found: Found) {
    let chosen = engine.generators.chosen();
    let most_tokens = most_tokens(engine);
    let Some(open) = engine.chats.open.get_mut(&id) else { return };
    if found.grounding == Grounding::NotFound {
        let effect = open.asking.not_found(found.notes);
        open.reply.event(&AnswerEvent::Context(open.asking.turn.context.clone()));
        return perform(engine, id, effect);
    }
    let refused = match chosen {
        Ok((_, model)) if !model.chats => Fault::new(
            FaultCode::Unsupported,
            "The model that is loaded cannot hold a conversation. Choose one for chat under “Models”.",
        ),
        Ok((caller, model)) => {
            open.caller = Some(caller);
            let effect = open.asking.found(found, model, most_tokens);
            return perform(engine, id, effect);
        }
        Err(fault) => fault,
    };
    if let Some(open) = engine.chats.open.remove(&id) {
        open.reply.fault(refused);
    }
}

/// Something for an answer arrived.
pub(crate) fn came(engine: &mut Engine, Came { id, what }: Came) {
    let now_ms = engine.clock.monotonic_ms();
    let Some(open) = engine.chats.open.get_mut(&id) else { return };
    let effect = match what {
        What::Vector(vector) => {
            open.waits = None;
            return engine.chats.to_search.push_back((id, vector));
        }
        What::Counts(result) => open.asking.counted(result),
        What::PromptCount(result) => open.asking.prompt_counted(result),
        What::Piece(text) => {
            if open.asking.wrote(&text) {
                // With the question goes the call, which stops the model.
                return finish(engine, id);
            }
            open.reply.event(&AnswerEvent::Text(text));
            if now_ms - open.kept_ms > KEEP_EVERY_MS {
                open.kept_ms = now_ms;
                let Some(space) = &mut engine.space else { return };
                let mut so_far = open.asking.turn.clone();
                kept::keep(space, &mut engine.chats.unkept, &open.ask.thread, &mut so_far);
            }
            return;
        }
        What::Written(result) => {
            let model = open.asking.turn.model.as_ref().map(|model| model.model.clone());
            let effect = open.asking.written(result.clone());
            if let (Some(model), Ok(generated)) = (model, &result) {
                engine.chats.learn(&model, generated);
            }
            effect
        }
    };
    perform(engine, id, effect);
}

/// Do what an answer needs next.
fn perform(engine: &mut Engine, id: u64, effect: Effect) {
    let Some(open) = engine.chats.open.get_mut(&id) else { return };
    let Some(caller) = open.caller.clone().filter(|_| effect != Effect::End) else {
        return finish(engine, id);
    };
    let (waits, gone) = oneshot::channel::<()>();
    open.waits = Some(waits);
    let events = engine.events.clone();
    match effect {
        Effect::Count(texts) => {
            let pending = caller.call(CountTokens { texts }, Vec::new());
            wasm_bindgen_futures::spawn_local(async move {
                let Either::Left((result, _)) = select(pending, gone).await else { return };
                let what = What::Counts(result.map(|(counts, _)| counts));
                events.send(Event::Chat(Came { id, what }));
            });
        }
        Effect::CountPrompt(messages) => {
            let pending = caller.call(CountPrompt { messages }, Vec::new());
            wasm_bindgen_futures::spawn_local(async move {
                let Either::Left((result, _)) = select(pending, gone).await else { return };
                let what = What::PromptCount(result.map(|(count, _)| count));
                events.send(Event::Chat(Came { id, what }));
            });
        }
        Effect::Write(generate) => {
            open.reply.event(&AnswerEvent::Context(open.asking.turn.context.clone()));
            // From here on a tab that goes leaves the question, with as much of an answer as there is.
            if let Some(space) = &mut engine.space {
                let mut begun = open.asking.turn.clone();
                kept::keep(space, &mut engine.chats.unkept, &open.ask.thread, &mut begun);
            }
            write(&caller, generate, id, events, gone);
        }
        Effect::End => {}
    }
}

/// Let the model write; what it writes comes as events.
fn write(
    caller: &Caller,
    generate: Generate,
    id: u64,
    events: crate::sender::Sender,
    gone: oneshot::Receiver<()>,
) {
    let pieces = events.clone();
    let pending = caller.stream(generate, Vec::new(), move |piece: protocol::GeneratedPiece| {
        pieces.send(Event::Chat(Came { id, what: What::Piece(piece.text) }));
    });
    wasm_bindgen_futures::spawn_local(async move {
        // When the other side of `gone` is dropped, so is the call, which stops the model.
        let Either::Left((result, _)) = select(pending, gone).await else { return };
        events.send(Event::Chat(Came { id, what: What::Written(result.map(|(generated, _)| generated)) }));
    });
}

/// An answer is as complete as it will be: find its references, keep it, hand it over.
fn finish(engine: &mut Engine, id: u64) {
    let Some(open) = engine.chats.open.remove(&id) else { return };
    let Some(space) = &mut engine.space else { return open.reply.fault(none_open()) };
    let turn = settle(space, &mut engine.chats.unkept, &open.ask.thread, open.asking);
    open.reply.done(&turn);
}

fn settle(space: &mut Space, unkept: &mut kept::Unkept, thread: &ThreadId, mut asking: Asking) -> Turn {
    // What was cut off on its way is told as stopped.
    asking.stop();
    let cited = cited(space, &asking);
    let mut turn = asking.turn;
    turn.citations = cited;
    kept::keep(space, unkept, thread, &mut turn);
    turn
}

/// The references of an answer, held to the workspace.
fn cited(space: &mut Space, asking: &Asking) -> Vec<Citation> {
    let mut num_lines: HashMap<String, Option<u32>> = HashMap::new();
    let mut file = |name: &str| {
        let path = called(space, name)?;
        let count = num_lines.entry(path.clone()).or_insert_with(|| {
            let text = find::current_text(space, &path)?;
            Some(find::lines(text.strip_suffix('\n').unwrap_or(&text)).len() as u32)
        });
        Some((path, (*count)?))
    };
    citations(&asking.turn.answer, asking.passages(), &mut file)
        .into_iter()
        .map(|cited| Citation {
            start: cited.range.start as u32,
            end: cited.range.end as u32,
            path: cited.path,
            start_line: cited.start_line,
            end_line: cited.end_line,
            is_current: true,
        })
        .collect()
}

/// The one file that may be called so: by its path, or by the end of it.
fn called(space: &Space, name: &str) -> Option<String> {
    if space.files.contains_key(name) || space.store.has_draft(name) {
        return Some(name.to_owned());
    }
    let ending = format!("/{name}");
    let mut fitting = space.files.keys().filter(|path| path.ends_with(&ending));
    fitting.next().filter(|_| fitting.next().is_none()).cloned()
}

/// End what a person has stopped: what was written is kept before anything else is answered.
pub(crate) fn sweep(engine: &mut Engine) {
    let stopped = |open: &Open| open.reply.cancel().is_cancelled();
    let ids: Vec<u64> =
        engine.chats.open.iter().filter(|(_, open)| stopped(open)).map(|(id, _)| *id).collect();
    for id in ids {
        finish(engine, id);
    }
}

/// A tenth of a second has passed: look again whether there is a model.
pub(crate) fn tick(engine: &mut Engine) {
    let held = std::mem::take(&mut engine.chats.held);
    engine.chats.to_search.extend(held.into_iter().map(|id| (id, None)));
    if engine.chats.is_writing() {
        // Whoever reads along waits for the model: chunks go to theirs in small portions meanwhile.
        engine.embedding.pace.person_acted(engine.clock.monotonic_ms());
    }
}

/// Write nothing more; what was written so far is kept.
pub(crate) fn stop_all(engine: &mut Engine) {
    let ids: Vec<u64> = engine.chats.open.keys().copied().collect();
    for id in ids {
        finish(engine, id);
    }
    engine.chats.to_search.clear();
}

/// The workspace is being closed.
pub(crate) fn close(engine: &mut Engine) {
    stop_all(engine);
    engine.chats.unkept = kept::Unkept::default();
}

/// The conversations of the workspace.
pub(crate) fn list(engine: &mut Engine) -> Result<Vec<ThreadInfo>, Fault> {
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    Ok(kept::list(space, &mut engine.chats.unkept))
}

/// The turns of a conversation.
pub(crate) fn get(engine: &mut Engine, thread: &ThreadId) -> Result<Vec<Turn>, Fault> {
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    Ok(kept::get(space, &mut engine.chats.unkept, thread))
}

/// Give a conversation a name.
pub(crate) fn rename(engine: &mut Engine, call: &RenameThread) -> Result<(), Fault> {
    kept::check_id(&call.thread.0)?;
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    kept::rename(space, &call.thread, &call.title)
}

/// Forget a conversation, and stop what is being written for it.
pub(crate) fn delete(engine: &mut Engine, call: &DeleteThread) -> Result<(), Fault> {
    kept::check_id(&call.thread.0)?;
    let ids: Vec<u64> =
        engine.chats.open.iter().filter(|(_, o)| o.ask.thread == call.thread).map(|(id, _)| *id).collect();
    for id in ids {
        if let Some(mut open) = engine.chats.open.remove(&id) {
            open.asking.stop();
            let mut turn = open.asking.turn;
            turn.end = AnswerEnd::Stopped;
            turn.not_kept = "The conversation was deleted.".into();
            open.reply.done(&turn);
        }
    }
    let space = engine.space.as_mut().ok_or_else(none_open)?;
    kept::delete(space, &mut engine.chats.unkept, &call.thread)
}
