//! What the filter of completions is worth, on lines taken out of real files (`completion_filter`).
//!
//! usage: llm-filter --model FILE.gguf --name NAME --tree FOLDER=NUM… [--prompt TOKENS] [--log LOG.jsonl] [--json OUT.json]
//!
//!   --name    what the rows call the model
//!   --tree    files to take NUM lines from; several times for several trees
//!   --prompt  256 tokens unless given
//!   --log     every line with what was written and what became of it, to be read by a person
//!
//! The model is asked once for each line, with the prompt of the product but without passages of other files. Off means
//! what it wrote, to the end of its first line. On means what the product would show: cut to the place by
//! `agents::completion`, and left out where it makes an invalid file of a valid one. Both are judged by their first line
//! against the one that stood there. Broken is what makes the file, valid with the line that stood there, invalid by
//! tree-sitter.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;

use agents::completion::{Dropped, Place, Reach, fit, is_whole, place, shorter};
use bench::language::masked::{Masked, choose, similarity};
use bench::language::model::{LanguageModel, ModelErr, ready};
use bench::language::options::Options;
use bench::report::Row;
use bench::set::{Source, read_tree};
use infer::{Generate, Sampler, Sampling};
use models::llm::Session;
use serde_json::json;
use syntax::{Analyser, Lang};
use tokens::{Gap, Utf8Stream, fill_prompt};

/// Tokens that the product lets a model write on a processor: for a line, and for a block.
const NEW: (usize, usize) = (24, 64);

/// What a model wrote, and whether it ended it by itself.
struct Written {
    text: String,
    is_ended: bool,
}

/// Sums over lines, for one way of showing.
#[derive(Debug, Default)]
struct Way {
    shown: usize,
    exact: usize,
    similar: f64,
    broken: usize,
    /// Of those, where the file was whole without the line: what the product promises not to show.
    broke: usize,
}

impl Way {
    /// Take in what is shown; says whether it is broken.
    fn add(&mut self, masked: &Masked<'_>, text: Option<&str>, analyser: &mut Analyser, lang: Lang) -> bool {
        let Some(text) = text else { return false };
        let line = text.trim_start().lines().next().unwrap_or_default().trim_end();
        self.shown += 1;
        self.exact += usize::from(line == masked.expected);
        self.similar += similarity(line, masked.expected);
        let is_broken = analyser.is_valid(lang, &masked.with(text)) == Some(false);
        let broke = is_broken && analyser.is_valid(lang, &masked.with("")) == Some(true);
        self.broken += usize::from(is_broken);
        self.broke += usize::from(broke);
        is_broken
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read(&["--model", "--name", "--tree", "--prompt", "--log", "--json"])?;
    let (name, model) = (options.need("--name")?, LanguageModel::load(Path::new(options.need("--model")?))?);
    let max_prompt = options.number("--prompt", 256)?;
    let mut log = options.get("--log").map(fs::File::create).transpose()?;
    let mut analyser = Analyser::new();
    let (mut off, mut on, mut stopped, mut num) = (Way::default(), Way::default(), 0, 0);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for tree in options.all("--tree") {
        let (folder, count) = tree.rsplit_once('=').ok_or("--tree wants FOLDER=NUM.")?;
        let files = read_tree(Path::new(folder))?;
        let lang = |source: &Source| Lang::detect(&source.path, &source.text);
        let chosen =
            choose(&files, count.parse()?, |file| analyser.is_valid(lang(file), &file.text) == Some(true));
        for masked in &chosen {
            num += 1;
            let lang = Lang::detect(masked.path, masked.before);
            let sees_behind = model.language.marks.gap.is_some();
            let place = place(lang.id(), masked.before, masked.behind, sees_behind);
            let written = write(&model, masked, place.as_ref(), max_prompt)?;
            let raw = first_line(&written.text);
            let shown = match &place {
                None => Err("NoPlace".to_owned()),
                Some(place) => filtered(&mut analyser, lang, place, masked, &written),
            };
            let was_broken =
                off.add(masked, Some(raw).filter(|raw| !raw.trim().is_empty()), &mut analyser, lang);
            let is_broken = on.add(masked, shown.as_deref().ok(), &mut analyser, lang);
            stopped += usize::from(was_broken && !is_broken);
            if let Err(why) = &shown {
                *reasons.entry(why.clone()).or_default() += 1;
            }
            if let Some(log) = &mut log {
                let entry = json!({ "path": masked.path, "line": masked.line, "expected": masked.expected,
                    "written": written.text, "shown": shown.as_deref().ok(), "dropped": shown.as_ref().err(),
                    "broken": [was_broken, is_broken] });
                writeln!(log, "{entry}")?;
            }
            if num % 50 == 0 {
                println!("{name}: {num} lines, {} and {} of them exact", off.exact, on.exact);
            }
        }
    }
    println!("{name}: dropped for {reasons:?}");
    let share = |part: f64, of: usize| 100.0 * part / of.max(1) as f64;
    let row = |what: &str, value, unit| {
        Row::new("completion_filter", format!("{name}, {what}"), value, unit, "", num)
    };
    let mut rows = Vec::new();
    for (way, when) in [(&off, "filter off"), (&on, "filter on")] {
        rows.push(row(&format!("{when}: shown"), share(way.shown as f64, num), "%"));
        rows.push(row(&format!("{when}: exact, of all lines"), share(way.exact as f64, num), "%"));
        rows.push(row(&format!("{when}: exact, of those shown"), share(way.exact as f64, way.shown), "%"));
        rows.push(row(
            &format!("{when}: edit similarity of those shown"),
            share(way.similar, way.shown),
            "%",
        ));
        rows.push(row(&format!("{when}: broken suggestions"), way.broken as f64, ""));
        let broke = format!("{when}: of those, in a file that was whole without the line");
        rows.push(row(&broke, way.broke as f64, ""));
    }
    rows.push(row("broken suggestions that the filter stopped or mended", stopped as f64, ""));
    for row in &rows {
        println!("{} {}: {} {}", row.id, row.case, row.value, row.unit);
    }
    if let Some(out) = options.get("--json") {
        fs::write(out, serde_json::to_string_pretty(&rows)?)?;
    }
    Ok(())
}

/// Everything up to the end of the first line that says something.
fn first_line(text: &str) -> &str {
    let start = text.len() - text.trim_start().len();
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    &text[..end]
}

/// What the product would show, or why nothing.
fn filtered(
    analyser: &mut Analyser,
    lang: Lang,
    place: &Place,
    masked: &Masked<'_>,
    written: &Written,
) -> Result<String, String> {
    let why = |dropped: Dropped| format!("{dropped:?}");
    // Nothing stands behind the caret on the line of one that was taken out, so there is one way to fit.
    let fits = fit(place, masked.before, masked.behind, &written.text, written.is_ended).map_err(why)?;
    let whole = fits.into_iter().next().map(|fitted| fitted.text).ok_or("Empty")?;
    if analyser.is_valid(lang, &masked.with("")) != Some(true) {
        return Ok(whole);
    }
    let mut text = Some(whole.as_str());
    while let Some(this) = text {
        if analyser.is_valid(lang, &masked.with(this)) != Some(false) {
            return Ok(this.to_owned());
        }
        text = shorter(this);
    }
    Err("Syntax".to_owned())
}

fn write(
    model: &LanguageModel,
    masked: &Masked<'_>,
    place: Option<&Place>,
    max_prompt: usize,
) -> Result<Written, ModelErr> {
    // A space before the caret belongs to the next word: the product leaves it to the model as well.
    let prefix = masked.before.strip_suffix(' ').unwrap_or(masked.before);
    let space = &masked.before[prefix.len()..];
    let gap = Gap { path: masked.path, prefix, suffix: masked.behind, ..Gap::default() };
    let mut ids: Vec<u32> = model.language.bos.into_iter().collect();
    ids.extend(fill_prompt(&model.language.bpe, &model.language.marks, &gap, max_prompt)?.ids);
    let is_block = place.is_some_and(|place| place.reach != Reach::Line);
    let max_new = if is_block { NEW.1 } else { NEW.0 };
    let mut session = Session::new(model.network.clone(), ids.len() + max_new + 1);
    let (mut sampler, mut stream) = (Sampler::new(Sampling::GREEDY), Utf8Stream::default());
    let (mut text, mut is_ended) = (String::new(), false);
    for _ in 0..max_new {
        let token = ready(session.next(&ids, &mut sampler, &()))?;
        is_ended = model.language.gap_ends.contains(&token);
        if is_ended {
            break;
        }
        ids.push(token);
        stream.push(model.language.bpe.token_bytes(token), &mut text);
        let stop =
            place.and_then(|place| place.stop.iter().filter_map(|stop| text.find(stop.as_str())).min());
        if let Some(at) = stop {
            text.truncate(at);
            is_ended = true;
            break;
        }
        // Both ways have what they want.
        let behind = text.strip_prefix(space).unwrap_or(&text);
        if place.is_none_or(|place| is_whole(place, masked.before, masked.behind, behind))
            && first_line(behind).len() < behind.len()
        {
            break;
        }
    }
    let text = text.strip_prefix(space).unwrap_or(&text).to_owned();
    Ok(Written { text, is_ended })
}
