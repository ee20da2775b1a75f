//! Completions: what could stand at a caret, asked of the language model and held to the text around it.
//!
//! One is under way at a time; a newer call ends the older one within a token. What the model writes is looked at while
//! it comes, so that it is stopped as soon as nothing that follows can matter. Nothing is shown unchecked: it is cut to
//! its place (`agents`), and dropped where it would break a file that follows its grammar.

use std::collections::BTreeMap;
use std::rc::Rc;

use agents::completion::{self, Fitted, Place, Reach};
use futures_util::future::{AbortHandle, abortable};
use js_sys::ArrayBuffer;
use link::{Caller, Reply};
use protocol::{
    Dropped, Fault, FaultCode, Generate, GeneratePrompt, GeneratePurpose, GeneratorSummary, SamplingChoice,
    Suggest, Suggested, Suggestion,
};
use stdx::Clock as _;
use syntax::Lang;
use text::LineIndex;

use crate::engine::{Engine, bytes_of};
use crate::event::Event;
use crate::suggest_known::{Answer, Known};
use crate::suggest_nearby::Nearby;
use crate::suggest_write::{Written, write};

/// Most different texts of one call.
const MAX_ALTERNATIVES: u32 = 3;
/// Longer texts are neither parsed for a completion nor read to their far ends.
const MAX_CHECKED_BYTES: usize = 512 << 10;
/// Text before the caret that the model may get, and behind it.
const PREFIX_BYTES: usize = 6 << 10;
const SUFFIX_BYTES: usize = 2 << 10;
/// The text before the caret is cut at multiples of this, so that the cut stays while somebody types.
const STEP_BYTES: usize = 2 << 10;
/// A block is shortened for at most this long until it follows the grammar, milliseconds.
const SHORTEN_MS: f64 = 40.0;
/// Tokens of a prompt, and tokens to write of a line and of a block, until the model has shown to be fast, and then.
const SLOW: (u32, u32, u32) = (256, 24, 64);
const FAST: (u32, u32, u32) = (1024, 64, 160);
/// From so many tokens of a prompt per second on a model counts as fast.
const FAST_PER_S: f64 = 1500.0;
/// Fewer tokens say nothing about speed.
const MEASURED_TOKENS: u32 = 32;

/// A text with a caret.
pub(crate) struct At {
    pub(crate) path: String,
    pub(crate) language: String,
    pub(crate) lang: Lang,
    pub(crate) text: String,
    pub(crate) caret: usize,
    /// The part of a very long text that is looked at.
    window: std::ops::Range<usize>,
}

impl At {
    pub(crate) fn new(path: String, language: String, text: String, caret: usize) -> Self {
        let lang = match Lang::detect(&path, crate::space::head(&text)) {
            Lang::Plain(_) => Lang::from_id(&language),
            lang => lang,
        };
        let half = MAX_CHECKED_BYTES / 2;
        // At the beginning of a line, where there is one.
        let far = text.ceil_char_boundary(caret.saturating_sub(half));
        let line = text[far..caret].find('\n').filter(|_| far > 0);
        let start = line.map_or(far, |line| far + line + 1);
        let end = text.floor_char_boundary((caret + half).min(text.len()));
        Self { path, language, lang, text, caret, window: start..end }
    }

    pub(crate) fn before(&self) -> &str {
        &self.text[self.window.start.min(self.caret)..self.caret]
    }

    pub(crate) fn behind(&self) -> &str {
        &self.text[self.caret..self.window.end.max(self.caret)]
    }

    pub(crate) fn line(&self) -> u32 {
        self.text[..self.caret].bytes().filter(|&b| b == b'\n').count() as u32
    }

    /// What the model may get of the text before the caret. It begins at a place that stays while somebody types, for
    /// what was computed for one prompt serves for the next.
    pub(crate) fn prefix(&self) -> &str {
        let before = &self.text[..self.caret];
        let start = before.len().saturating_sub(PREFIX_BYTES) / STEP_BYTES * STEP_BYTES;
        let rest = &before[before.floor_char_boundary(start)..];
        match rest.find('\n').filter(|&line| start > 0 && line < STEP_BYTES) {
            Some(line) => &rest[line + 1..],
            None => rest,
        }
    }

    /// The prefix for a prompt. A space before the caret belongs to the next word for every tokenizer: a model that is
    /// given it alone goes on as after a mistake. It is left out, and taken off what is written ([`At::behind_caret`]).
    pub(crate) fn prompt_prefix(&self) -> &str {
        let prefix = self.prefix();
        prefix.strip_suffix(' ').unwrap_or(prefix)
    }

    /// What of a written text stands behind the caret.
    pub(crate) fn behind_caret<'a>(&self, written: &'a str) -> &'a str {
        let left_out = self.prefix().ends_with(' ');
        written.strip_prefix(' ').filter(|_| left_out).unwrap_or(written)
    }

    /// What the model may get of the text behind the caret.
    pub(crate) fn suffix(&self) -> &str {
        let behind = &self.text[self.caret..];
        if behind.len() <= SUFFIX_BYTES {
            return behind;
        }
        let window = &behind[..behind.floor_char_boundary(SUFFIX_BYTES)];
        &window[..window.rfind('\n').map_or(window.len(), |line| line + 1)]
    }
}

/// A completion that the model works on.
struct Running {
    id: u64,
    reply: Reply,
    abort: AbortHandle,
    at: Rc<At>,
    place: Rc<Place>,
    caller: Caller,
    model: String,
    call: Generate,
    wanted: u32,
    num_asked: u32,
    answer: Suggested,
    dropped: BTreeMap<Dropped, u32>,
    started_ms: f64,
    /// Whether the file follows its grammar, where that can be told.
    was_valid: bool,
    /// The model failed on the way: another time it may find more.
    has_failed: bool,
}

/// Completions of the open workspace.
#[derive(Default)]
pub(crate) struct Suggestions {
    running: Option<Running>,
    known: Known,
    nearby: Nearby,
    next_id: u64,
    /// Measured: tokens of a prompt per second, of the model with this id.
    speed: Option<(String, f64)>,
}

impl Suggestions {
    /// The workspace is being closed: nothing of it stays.
    pub(crate) fn forget(&mut self) {
        self.end("The workspace was closed.");
        self.known = Known::default();
        self.nearby = Nearby::default();
    }

    /// End the completion that is under way.
    fn end(&mut self, sentence: &str) {
        if let Some(running) = self.running.take() {
            running.abort.abort();
            running.reply.fault(Fault::new(FaultCode::Cancelled, sentence));
        }
    }

    fn budget(&self, model: &str) -> (u32, u32, u32) {
        let is_fast = self.speed.as_ref().is_some_and(|(id, per_s)| id == model && *per_s >= FAST_PER_S);
        if is_fast { FAST } else { SLOW }
    }

    fn measure(&mut self, model: &str, written: &Written) {
        let Some(generated) = &written.generated else { return };
        let computed = generated.num_prompt_tokens.saturating_sub(generated.num_cached_tokens);
        if computed >= MEASURED_TOKENS && generated.first_token_ms > 0.0 {
            let per_s = f64::from(computed) / f64::from(generated.first_token_ms) * 1000.0;
            self.speed = Some((model.to_owned(), per_s));
        }
    }
}

/// A completion was asked for.
pub(crate) fn start(engine: &mut Engine, call: Suggest, blobs: &[ArrayBuffer], reply: Reply) {
    engine.suggestions.end("A newer completion took its place.");
    let started_ms = engine.clock.monotonic_ms();
    let wanted = call.alternatives.clamp(1, MAX_ALTERNATIVES);
    let (at, caller, model) = match read(engine, call, blobs) {
        Ok(read) => read,
        Err(fault) => return reply.fault(fault),
    };
    let took_ms = |engine: &Engine| (engine.clock.monotonic_ms() - started_ms) as f32;
    let Some(place) = completion::place(&at.language, at.before(), at.behind(), model.fills_gaps) else {
        return reply.done(&Suggested { took_ms: took_ms(engine), ..Suggested::default() });
    };
    if let Some(mut answer) = recall(engine, &at, &place, &model.model, wanted) {
        (answer.from_cache, answer.took_ms) = (true, took_ms(engine));
        return reply.done(&answer);
    }
    let (max_prompt, line, block) = engine.suggestions.budget(&model.model);
    let max_new_tokens = if place.reach == Reach::Line { line } else { block };
    let max_prompt_tokens = max_prompt.min(model.max_tokens.saturating_sub(max_new_tokens)).max(32);
    let snippets = match &mut engine.space {
        Some(space) => engine.suggestions.nearby.snippets(space, &at, max_prompt_tokens, model.fills_gaps),
        None => Vec::new(),
    };
    let answer = Suggested {
        snippets: snippets.iter().map(|snippet| snippet.path.clone()).collect(),
        ..Suggested::default()
    };
    let prompt = GeneratePrompt::Gap {
        path: at.path.clone(),
        prefix: at.prompt_prefix().to_owned(),
        suffix: at.suffix().to_owned(),
        snippets,
        max_prompt_tokens,
    };
    let call = Generate {
        prompt,
        purpose: GeneratePurpose::Completion,
        max_new_tokens,
        sampling: SamplingChoice::GREEDY,
        stop: place.stop.clone(),
        form: None,
    };
    let was_valid = is_valid(engine, &at, None) == Some(true);
    let id = engine.suggestions.next_id;
    engine.suggestions.next_id += 1;
    let mut running = Running {
        id,
        reply,
        abort: AbortHandle::new_pair().0,
        at: Rc::new(at),
        place: Rc::new(place),
        caller,
        model: model.model,
        call,
        wanted,
        num_asked: 0,
        answer,
        dropped: BTreeMap::new(),
        started_ms,
        was_valid,
        has_failed: false,
    };
    ask(engine, &mut running);
    engine.suggestions.running = Some(running);
}

fn read(
    engine: &Engine,
    call: Suggest,
    blobs: &[ArrayBuffer],
) -> Result<(At, Caller, GeneratorSummary), Fault> {
    let (caller, model) = engine.generators.chosen()?;
    let text = String::from_utf8(bytes_of(blobs, call.text)?).map_err(|_| {
        Fault::new(FaultCode::Invalid, "The text for a completion is not UTF-8; please report this.")
    })?;
    let caret = LineIndex::new(&text).offset(text::Pos { line: call.pos.line, utf16: call.pos.utf16 });
    Ok((At::new(call.path, call.language, text, caret), caller, model))
}

/// What was found before for this place, as far as it holds now.
fn recall(engine: &mut Engine, at: &At, place: &Place, model: &str, wanted: u32) -> Option<Suggested> {
    let found = engine.suggestions.known.find(model, at, wanted)?;
    if found.is_exact && found.answer.texts.is_empty() {
        return Some(found.answer);
    }
    let was_valid = is_valid(engine, at, None) == Some(true);
    let mut answer = found.answer;
    let texts = std::mem::take(&mut answer.texts).into_iter().filter_map(|known| {
        if !found.is_closed_behind {
            return hold(engine, at, was_valid, known);
        }
        // What was typed opened a bracket, and the editor closed it behind the caret.
        let fits = completion::fit(place, at.before(), at.behind(), &known.text, true).ok()?;
        let is_line = !known.text.contains('\n');
        fits.into_iter()
            .filter(|_| is_line)
            .find_map(|fitted| hold(engine, at, was_valid, suggestion(fitted)))
    });
    answer.texts = texts.collect();
    (!answer.texts.is_empty()).then_some(answer)
}

/// Let the model write once more: the likeliest text first, then others.
fn ask(engine: &Engine, running: &mut Running) {
    if running.num_asked > 0 {
        running.call.sampling = SamplingChoice {
            temperature: 0.5 + 0.2 * running.num_asked as f32,
            top_p: 0.95,
            seed: u64::from(running.num_asked),
            ..SamplingChoice::GREEDY
        };
    }
    running.num_asked += 1;
    let (at, place) = (running.at.clone(), running.place.clone());
    let cancel = running.reply.cancel().clone();
    let work = write(running.caller.clone(), running.call.clone(), at, place, cancel);
    let (work, abort) = abortable(work);
    running.abort = abort;
    let (id, events) = (running.id, engine.events.clone());
    wasm_bindgen_futures::spawn_local(async move {
        // One that was ended has its answer.
        if let Ok(result) = work.await {
            events.send(Event::Suggested { suggest: id, result });
        }
    });
}

/// The model wrote something.
pub(crate) fn accept(engine: &mut Engine, id: u64, result: Result<Written, Fault>) {
    let Some(mut running) = engine.suggestions.running.take_if(|running| running.id == id) else { return };
    let written = match result {
        Ok(written) => written,
        Err(fault) if running.answer.texts.is_empty() => return running.reply.fault(fault),
        // What is there already is better than nothing.
        Err(_) => {
            running.has_failed = true;
            Written::default()
        }
    };
    engine.suggestions.measure(&running.model, &written);
    if running.num_asked == 1
        && let Some(generated) = &written.generated
    {
        let used = |i: &u32| running.answer.snippets.get(*i as usize).cloned();
        running.answer.snippets = generated.snippets.iter().filter_map(used).collect();
        running.answer.num_prompt_tokens = generated.num_prompt_tokens;
        running.answer.num_cached_tokens = generated.num_cached_tokens;
    }
    match fit(engine, &running, &written) {
        Ok(text) if running.answer.texts.contains(&text) => {}
        Ok(text) => running.answer.texts.push(text),
        Err(why) => *running.dropped.entry(why).or_default() += 1,
    }
    if (running.answer.texts.len() as u32) < running.wanted && running.num_asked < running.wanted {
        ask(engine, &mut running);
        engine.suggestions.running = Some(running);
        return;
    }
    let Running { reply, at, model, wanted, mut answer, dropped, started_ms, has_failed, .. } = running;
    answer.dropped = dropped.into_iter().collect();
    answer.took_ms = (engine.clock.monotonic_ms() - started_ms) as f32;
    let known = if has_failed { answer.texts.len() as u32 } else { wanted };
    engine.suggestions.known.put(Answer::new(model, &at, known, answer.clone()));
    reply.done(&answer);
}

fn fit(engine: &mut Engine, running: &Running, written: &Written) -> Result<Suggestion, Dropped> {
    let at = &running.at;
    let fits = completion::fit(&running.place, at.before(), at.behind(), &written.text, written.is_ended)
        .map_err(why)?;
    fits.into_iter()
        .find_map(|fitted| hold(engine, at, running.was_valid, suggestion(fitted)))
        .ok_or(Dropped::Syntax)
}

/// Only ASCII signs are replaced: their bytes are their UTF-16 code units.
fn suggestion(fitted: Fitted) -> Suggestion {
    Suggestion { text: fitted.text, replaces: fitted.replaces as u32 }
}

fn why(dropped: completion::Dropped) -> Dropped {
    use completion::Dropped as D;
    match dropped {
        D::Empty => Dropped::Empty,
        D::RepeatsSuffix => Dropped::RepeatsSuffix,
        D::RepeatsPrefix => Dropped::RepeatsPrefix,
        D::Brackets => Dropped::Brackets,
        D::Loops => Dropped::Loops,
    }
}

/// Whether the text, with something at the caret, follows its grammar; `None` where that cannot be told (yet).
fn is_valid(engine: &mut Engine, at: &At, inserted: Option<&Suggestion>) -> Option<bool> {
    if at.text.len() > MAX_CHECKED_BYTES || !engine.has_grammar(at.lang) {
        return None;
    }
    match inserted {
        None => engine.analyser.is_valid(at.lang, &at.text),
        Some(Suggestion { text, replaces }) => {
            let (before, behind) = at.text.split_at(at.caret);
            let behind = behind.get(*replaces as usize..)?;
            engine.analyser.is_valid(at.lang, &[before, text, behind].concat())
        }
    }
}

/// What of a text leaves a valid file valid: all of it, or the lines at the beginning of a block.
fn hold(engine: &mut Engine, at: &At, was_valid: bool, mut suggestion: Suggestion) -> Option<Suggestion> {
    if !was_valid {
        return Some(suggestion);
    }
    let until_ms = engine.clock.monotonic_ms() + SHORTEN_MS;
    while is_valid(engine, at, Some(&suggestion)) == Some(false) {
        if engine.clock.monotonic_ms() > until_ms {
            return None;
        }
        suggestion.text = completion::shorter(&suggestion.text)?.to_owned();
    }
    Some(suggestion)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, caret: usize) -> At {
        At::new("a.py".into(), "python".into(), text.into(), caret)
    }

    #[test]
    fn the_cut_of_the_prefix_stays_while_somebody_types() {
        let mut text = "value = call(argument)\n".repeat(1000);
        let cut_at = |text: &str| text.len() - at(text, text.len()).prefix().len();
        let first = cut_at(&text);
        let mut cuts = std::collections::BTreeSet::from([first]);
        for _ in 0..STEP_BYTES {
            text.push('x');
            cuts.insert(cut_at(&text));
        }
        assert!(cuts.len() <= 2, "{cuts:?}");
        assert!(cuts.iter().all(|&cut| text[..cut].ends_with('\n')));
        assert!((PREFIX_BYTES..=PREFIX_BYTES + STEP_BYTES).contains(&at(&text, text.len()).prefix().len()));
    }

    #[test]
    fn short_texts_are_given_whole_and_long_ones_cut_at_lines() {
        let short = at("a = 1\nb = \n", 10);
        assert_eq!((short.prefix(), short.suffix()), ("a = 1\nb = ", "\n"));
        let text = "größe = 1\n".repeat(1000);
        let long = at(&text, 0);
        assert!(long.suffix().ends_with('\n') && long.suffix().len() <= SUFFIX_BYTES);
        assert!(long.suffix().len() > SUFFIX_BYTES - 20);
    }

    #[test]
    fn a_space_before_the_caret_is_written_by_the_model() {
        let spaced = at("return \n", 7);
        assert_eq!((spaced.prompt_prefix(), spaced.prefix()), ("return", "return "));
        assert_eq!((spaced.behind_caret(" a * b"), spaced.behind_caret("(a)")), ("a * b", "(a)"));
        let close = at("return\n", 6);
        assert_eq!((close.prompt_prefix(), close.behind_caret(" a * b")), ("return", " a * b"));
    }

    #[test]
    fn of_a_very_long_text_what_is_near_is_looked_at() {
        let text = "x = 'ä'\n".repeat(200_000);
        let caret = text.len() / 2 / 9 * 9;
        let far = at(&text, caret);
        assert!(far.before().len() <= MAX_CHECKED_BYTES / 2 && far.before().starts_with('x'));
        assert!(far.behind().len() <= MAX_CHECKED_BYTES / 2);
        let line = "ä".repeat(MAX_CHECKED_BYTES);
        assert!(at(&line, line.len()).before().len() <= MAX_CHECKED_BYTES / 2);
    }

    #[test]
    fn a_model_that_has_shown_to_be_fast_gets_longer_prompts() {
        let mut suggestions = Suggestions::default();
        assert_eq!(suggestions.budget("m"), SLOW);
        let generated = |num_cached_tokens, first_token_ms| protocol::Generated {
            text: String::new(),
            finish: protocol::FinishReason::Stop,
            num_prompt_tokens: 200,
            num_cached_tokens,
            num_new_tokens: 1,
            cut_prefix_bytes: 0,
            cut_suffix_bytes: 0,
            snippets: Vec::new(),
            first_token_ms,
            decode_ms: 0.0,
        };
        let mut measured = |num_cached, first_token_ms| {
            let generated = Some(generated(num_cached, first_token_ms));
            suggestions.measure("m", &Written { generated, ..Written::default() });
            suggestions.budget("m")
        };
        assert_eq!(measured(0, 2000.0), SLOW);
        assert_eq!(measured(190, 1.0), SLOW);
        assert_eq!(measured(0, 50.0), FAST);
        assert_eq!(suggestions.budget("another"), SLOW);
    }
}
