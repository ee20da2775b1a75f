//! Prints the quality of search on the evaluation set, for the product and for the plain reference.
//!
//! usage: eval SET_DIR [--vectors FILE] [--chunks lines|ROWS.jsonl] [--missing OUT.jsonl] [--json OUT.json]
//!
//! Chunks are cut by syntax unless `--chunks` says otherwise. Vectors come from a file (see [`bench::cache`]); what it
//! lacks takes no part, and `--missing` writes those texts so that an embedder can fill the file.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bench::cache::VectorCache;
use bench::ours::{self, Cut};
use bench::plain::Plain;
use bench::set::{EvalSet, Scores, Span, judge};
use index::Layers;

#[derive(Default)]
struct Args {
    set: PathBuf,
    vectors: PathBuf,
    chunks: Option<PathBuf>,
    missing: Option<PathBuf>,
    json: Option<PathBuf>,
}

fn args() -> Result<Args, String> {
    let mut args = Args { vectors: "vectors.bin".into(), ..Args::default() };
    let mut given = std::env::args().skip(1);
    while let Some(arg) = given.next() {
        let mut value = || given.next().map(PathBuf::from).ok_or(format!("{arg} needs a value."));
        match arg.as_str() {
            "--vectors" => args.vectors = value()?,
            "--chunks" => args.chunks = Some(value()?),
            "--missing" => args.missing = Some(value()?),
            "--json" => args.json = Some(value()?),
            _ if arg.starts_with("--") => return Err(format!("There is no option {arg}.")),
            _ => args.set = arg.into(),
        }
    }
    if args.set.as_os_str().is_empty() {
        Err("Name the folder of the evaluation set.".into())
    } else {
        Ok(args)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = args()?;
    let set = EvalSet::load(&args.set)?;
    let vectors = VectorCache::open(&args.vectors)?;
    let plain = Plain::new(&set);
    let start = Instant::now();
    let cut = match &args.chunks {
        None => Cut::by_syntax(&set),
        Some(path) if path.as_os_str() == "lines" => Cut::by_lines(&set),
        Some(path) => Cut::from_rows(&set, path)?,
    };
    println!("cut into chunks in {:.0} ms", ms(start));
    if let Some(path) = &args.missing {
        return write_missing(path, &set, &plain, &cut, &vectors);
    }
    println!("{} files, {} questions", set.files.len(), set.questions.len());
    println!("{} chunks of ours, {} of the plain reference", cut.num_chunks(), plain.num_chunks());
    let mut table = Table::default();

    let bm25: Vec<Vec<u32>> = set.questions.iter().map(|q| plain.bm25(&q.query)).collect();
    table.row(&set, "plain bm25", &bm25.iter().map(|r| plain.spans(r)).collect::<Vec<_>>());
    let minilm: Option<Vec<Vec<u32>>> = plain.matrix(&vectors).and_then(|matrix| {
        set.questions.iter().map(|q| Some(plain.minilm(vectors.get(&q.query)?, &matrix))).collect()
    });
    if let Some(minilm) = &minilm {
        table.row(&set, "plain minilm", &minilm.iter().map(|r| plain.spans(r)).collect::<Vec<_>>());
        let fused: Vec<Vec<Span>> =
            bm25.iter().zip(minilm).map(|(a, b)| plain.spans(&plain.rrf([a, b]))).collect();
        table.row(&set, "plain rrf", &fused);
    }

    let start = Instant::now();
    let index = ours::build(&set, &cut, &vectors);
    println!("indexed in {:.0} ms, {} of {} vectors", ms(start), index.num_vectors(), index.num_keys());
    for (case, layers) in [
        ("lexical", Layers::LEXICAL),
        ("symbols", Layers::SYMBOLS),
        ("lexical+symbols", Layers::LEXICAL.union(Layers::SYMBOLS)),
        ("vectors", Layers::VECTORS),
        ("fused", Layers::ALL),
    ] {
        let start = Instant::now();
        let answers: Vec<Vec<Span>> =
            set.questions.iter().map(|q| ours::answers(&index, q, layers, &vectors)).collect();
        table.per_query_ms = ms(start) / set.questions.len() as f64;
        table.row(&set, case, &answers);
    }
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_vec_pretty(&table.rows)?)?;
    }
    Ok(())
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

#[derive(Default)]
struct Table {
    rows: Vec<serde_json::Value>,
    per_query_ms: f64,
}

impl Table {
    fn row(&mut self, set: &EvalSet, case: &str, answers: &[Vec<Span>]) {
        if self.rows.is_empty() {
            println!("{:16} {:5} {:>7} {:>9} {:>10}", "", "half", "MRR@10", "recall@1", "recall@10");
        }
        for (half, wanted) in [("tune", Some(true)), ("test", Some(false)), ("all", None)] {
            let pairs = set.questions.iter().zip(answers.iter().map(Vec::as_slice));
            let scores = judge(pairs.filter(|(q, _)| wanted.is_none_or(|w| q.is_for_tuning() == w)));
            let Scores { mrr10, recall1, recall10, num } = scores;
            println!(
                "{case:16} {half:5} {mrr10:7.4} {recall1:9.4} {recall10:10.4}  {:.2} ms",
                self.per_query_ms
            );
            self.rows.push(serde_json::json!({
                "id": "search_mrr", "case": case, "half": half, "questions": num,
                "mrr10": mrr10, "recall1": recall1, "recall10": recall10,
            }));
        }
    }
}

/// Write every text that has no vector yet, so that another program can make them: one JSON string a line.
fn write_missing(
    path: &Path,
    set: &EvalSet,
    plain: &Plain,
    cut: &Cut,
    vectors: &VectorCache,
) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    let queries = set.questions.iter().map(|q| &q.query);
    let pieces = cut.pieces.iter().flatten().map(|p| &p.embedded);
    for text in queries.chain(plain.texts()).chain(pieces).filter(|t| vectors.get(t).is_none()) {
        writeln!(out, "{}", serde_json::to_string(text)?)?;
    }
    Ok(out.flush()?)
}
