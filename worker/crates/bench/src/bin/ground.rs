//! Chooses from where on a question counts as one that a project answers, and says how often that is right.
//!
//! usage: ground SET_DIR --model DIR --int8 FILE --cache DIR [--most-chunks N] [--json OUT.json] [--rows OUT.csv]
//!
//!   --most-chunks  projects with more chunks are left out, because embedding them takes long (default 6000)
//!   --rows         what was found for each question, to look at: for tuning, own,
//!                  named, words, words together, cosine, words without vectors
//!
//! Every folder at the top of the set is a project of its own. A question is asked to the project that its answer stands
//! in, and to another one, which cannot answer it: both are about programs in the same language and share words, so this
//! is harder than questions about cooking. Both halves of the questions are shown for the
//! thresholds in use and for the best of one half, of those that let at least 95 % of what is answered through. Those in use were
//! chosen by a person who had seen both halves, so no row is a test on questions that were not known.

use std::error::Error;

use agents::chat::{Evidence, Thresholds};
use bench::args::Args;
use bench::embed::Model;
use bench::ours::{self, Cut};
use bench::report::Row;
use bench::set::{EvalSet, Question};
use index::{Filter, Index, Layers, Query};

/// Fewest questions of a project.
const LEAST_QUESTIONS: usize = 20;
/// Fewest of its own questions that must pass, as a share: being told that nothing was found where something is there is
/// worse than passages that do not help.
const LEAST_OWN: f64 = 0.95;

/// A question that was asked to a project.
struct Asked {
    for_tuning: bool,
    is_own: bool,
    with: Evidence,
    /// The same while no vectors are there.
    without: Evidence,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::read(&["--most-chunks", "--json", "--rows"])?;
    let most = match args.other("--most-chunks") {
        Some(most) => {
            most.to_str().and_then(|most| most.parse().ok()).ok_or("--most-chunks is no number.")?
        }
        None => 6000,
    };
    let projects = projects(&EvalSet::load(&args.set)?, most);
    for (name, set, cut) in &projects {
        println!(
            "{name}: {} files, {} chunks, {} questions",
            set.files.len(),
            cut.num_chunks(),
            set.questions.len()
        );
    }
    let questions = || projects.iter().flat_map(|(_, set, _)| &set.questions);
    let texts =
        projects.iter().flat_map(|(_, _, cut)| cut.pieces.iter().flatten().map(|piece| &*piece.embedded));
    let texts = texts.chain(questions().map(|question| &*question.query));
    let vectors = Model::int8(&args.int8, &args.model)?.fill(&args.cache, texts, args.threads)?;
    let mut asked = Vec::new();
    for (at, (_, set, cut)) in projects.iter().enumerate() {
        let index = ours::build(set, cut, &vectors);
        for (of, (_, other, _)) in projects.iter().enumerate() {
            for question in &other.questions {
                if of == at || foreign_to(question, of, projects.len()) == at {
                    let vector = vectors.get(&question.query);
                    asked.push(Asked {
                        for_tuning: question.is_for_tuning(),
                        is_own: of == at,
                        with: evidence(&index, question, vector),
                        without: evidence(&index, question, None),
                    });
                }
            }
        }
    }
    if let Some(path) = args.other("--rows") {
        let rows = asked.iter().map(|Asked { for_tuning, is_own, with, without }| {
            let cosine = with.cosine.unwrap_or_default();
            let without = 0.5 * (without.words + without.words_together);
            let (words, together, named) = (with.words, with.words_together, with.names_symbol);
            format!("{for_tuning},{is_own},{named},{words},{together},{cosine},{without}\n")
        });
        std::fs::write(path, rows.collect::<String>())?;
    }
    let best = choose(&asked);
    let mut rows = Vec::new();
    for (name, thresholds) in [("in use", Thresholds::CHOSEN), ("the best here", best)] {
        println!("{name}: {thresholds:?}");
        for (half, tuning) in [("one half", Some(true)), ("other half", Some(false)), ("all", None)] {
            for (how, without) in [("words and meaning", false), ("words alone", true)] {
                let (own, foreign, num) = rates(&asked, &thresholds, tuning, without);
                println!(
                    "  {half}, {how}: {:.1} % of its own pass, {:.1} % of foreign ones",
                    100.0 * own,
                    100.0 * foreign
                );
                if name == "in use" && tuning.is_none() {
                    let case =
                        |what| format!("{how}, all questions, known when the thresholds were chosen: {what}");
                    let own_row = Row::new(
                        "grounding",
                        case("answered here, passed"),
                        100.0 * own,
                        "%",
                        "≥ 90",
                        num[1],
                    );
                    let foreign = 100.0 * foreign;
                    let foreign_row =
                        Row::new("grounding", case("foreign, passed"), foreign, "%", "", num[0]);
                    rows.extend([own_row, foreign_row]);
                }
            }
        }
    }
    if let Some(path) = args.other("--json") {
        std::fs::write(path, serde_json::to_vec_pretty(&rows)?)?;
    }
    Ok(())
}

/// The folders at the top as sets of their own, with what is asked of them.
fn projects(set: &EvalSet, most_chunks: usize) -> Vec<(String, EvalSet, Cut)> {
    let top = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
    let mut names: Vec<String> = set.files.iter().map(|file| top(&file.path)).collect();
    names.dedup();
    let own = names.into_iter().map(|name| {
        let files = set.files.iter().filter(|file| top(&file.path) == name).cloned().collect();
        let questions =
            set.questions.iter().filter(|question| top(&question.path) == name).cloned().collect();
        let own = EvalSet { files, questions, plain_chunks: Vec::new() };
        let cut = Cut::by_syntax(&own);
        (name, own, cut)
    });
    own.filter(|(_, set, cut)| set.questions.len() >= LEAST_QUESTIONS && cut.num_chunks() <= most_chunks)
        .collect()
}

/// One of the other projects, by the question's hash.
fn foreign_to(question: &Question, own: usize, num: usize) -> usize {
    let other = usize::from(blake3::hash(question.query.as_bytes()).as_bytes()[1]) % (num - 1).max(1);
    other + usize::from(other >= own)
}

fn evidence(index: &Index, question: &Question, vector: Option<&[f32]>) -> Evidence {
    let filter = Filter::default();
    let query = Query { text: &question.query, vector, k: 8, layers: Layers::ALL, filter: &filter };
    let index::Evidence { words, words_together, num_words, names_symbol, cosine } = index.evidence(&query);
    let covered = if vector.is_some() { 1.0 } else { 0.0 };
    Evidence { words, words_together, num_words, names_symbol, cosine, covered }
}

/// Shares of their own and of foreign questions that pass, and how many there are of foreign ones and of their own.
fn rates(
    asked: &[Asked],
    thresholds: &Thresholds,
    tuning: Option<bool>,
    without: bool,
) -> (f64, f64, [usize; 2]) {
    let mut counts = [[0_usize; 2]; 2];
    for Asked { is_own, with, without: bare, .. } in
        asked.iter().filter(|asked| tuning.is_none_or(|half| asked.for_tuning == half))
    {
        let passes = thresholds.admit(if without { bare } else { with });
        counts[usize::from(*is_own)][usize::from(passes)] += 1;
    }
    let share = |[no, yes]: [usize; 2]| yes as f64 / (no + yes).max(1) as f64;
    (share(counts[1]), share(counts[0]), counts.map(|[no, yes]| no + yes))
}

/// Of all steps of a fiftieth, those that let fewest foreign ones pass.
fn choose(asked: &[Asked]) -> Thresholds {
    let mut best = Thresholds::CHOSEN;
    for without in [true, false] {
        let mut least = f64::INFINITY;
        for step in 0..150 {
            let at = step as f32 / 50.0;
            let thresholds = match without {
                true => Thresholds { words_alone: at, ..best },
                false => Thresholds { together: at, ..best },
            };
            let (own, foreign, _) = rates(asked, &thresholds, Some(true), without);
            if own >= LEAST_OWN && foreign < least {
                (least, best) = (foreign, thresholds);
            }
        }
    }
    best
}
