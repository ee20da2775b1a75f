//! Measures the quality of search on the evaluation set, for the product and for the plain reference.
//!
//! usage: eval SET_DIR --model DIR --int8 FILE --cache DIR [--chunks lines|ROWS.jsonl] [--threads N] [--json OUT.json]
//!
//!   --model    folder with model.safetensors and tokenizer.json
//!   --int8     the prepared model.int8.bin, which is what the product embeds with on the processor
//!   --cache    folder for vectors; what it lacks is made, which takes most of an hour the first time
//!   --chunks   cut by lines, or as the file says, instead of by syntax
//!   --threads  at most this many embed at once (default: all cores)
//!
//! The product's rows use int8 vectors for chunks and questions alike, as the browser does. The reference embeds its own
//! chunks in float32. The product's chunks in float32 are there for one figure: what int8 costs.

use std::error::Error;
use std::time::Instant;

use bench::args::Args;
use bench::cache::VectorCache;
use bench::embed::Model;
use bench::ours::{self, Cut};
use bench::plain::Plain;
use bench::report::Row;
use bench::set::{EvalSet, Scores, Span, judge};
use index::Layers;

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::read(&["--chunks", "--json"])?;
    let set = EvalSet::load(&args.set)?;
    let plain = Plain::new(&set);
    let start = Instant::now();
    let cut = match args.other("--chunks") {
        None => Cut::by_syntax(&set),
        Some(path) if path.as_os_str() == "lines" => Cut::by_lines(&set),
        Some(path) => Cut::from_rows(&set, path)?,
    };
    println!("{} files, {} questions", set.files.len(), set.questions.len());
    println!(
        "{} chunks of ours, cut in {:.0} ms, {} of the plain reference",
        cut.num_chunks(),
        ms(start),
        plain.num_chunks()
    );
    let questions = || set.questions.iter().map(|question| question.query.as_str());
    let pieces = || cut.pieces.iter().flatten().map(|piece| piece.embedded.as_str());
    let mut table = Table { set: &set, rows: Vec::new() };

    let vectors =
        Model::int8(&args.int8, &args.model)?.fill(&args.cache, questions().chain(pieces()), args.threads)?;
    let ours = Ours::measure(&set, &cut, &vectors, "int8");
    table.quality("ours, lexical", &ours.lexical);
    table.quality("ours, vectors", &ours.vectors);
    table.quality("ours, fused", &ours.fused);
    drop(vectors);

    let bm25: Vec<Vec<u32>> = questions().map(|query| plain.bm25(query)).collect();
    table.quality("plain BM25", &bm25.iter().map(|ranked| plain.spans(ranked)).collect::<Vec<_>>());
    let texts = plain.texts().iter().map(String::as_str);
    let float = Model::float(&args.model)?;
    let vectors = float.fill(&args.cache, questions().chain(texts).chain(pieces()), args.threads)?;
    let matrix = plain.matrix(&vectors).ok_or("A vector of the reference is missing.")?;
    let minilm: Vec<Vec<u32>> = questions()
        .map(|query| vectors.get(query).map(|vector| plain.minilm(vector, &matrix)))
        .collect::<Option<_>>()
        .ok_or("The vector of a question is missing.")?;
    table.quality("plain MiniLM", &minilm.iter().map(|ranked| plain.spans(ranked)).collect::<Vec<_>>());
    let rrf: Vec<Vec<Span>> =
        bm25.iter().zip(&minilm).map(|(a, b)| plain.spans(&plain.rrf([a, b]))).collect();
    table.quality("plain RRF of both", &rrf);

    for (half, name) in [
        (None, "all questions"),
        (Some(true), "half that the weights were chosen on"),
        (Some(false), "half that was held back"),
    ] {
        let (fused, reference) = (table.scores(&ours.fused, half), table.scores(&rrf, half));
        let case = format!("ours fused ÷ plain RRF, MRR@10, {name}");
        let value = fused.mrr10 / reference.mrr10.max(f64::MIN_POSITIVE);
        table.rows.push(Row::new("search_mrr", case, value, "x", "≥ 1.10", fused.num));
    }
    let in_float = Ours::measure(&set, &cut, &vectors, "float32");
    for (case, int8, float) in [
        ("MRR@10 loss against float32, whole set, vectors alone", &ours.vectors, &in_float.vectors),
        ("MRR@10 loss against float32, whole set, fused", &ours.fused, &in_float.fused),
    ] {
        let loss = table.scores(float, None).mrr10 - table.scores(int8, None).mrr10;
        table.rows.push(Row::new("embed_int8_ratio_ort", case, loss, "", "≤ 0.005", set.questions.len()));
    }

    for Row { id, case, value, unit, target, samples } in &table.rows {
        println!("{id:20} {case:64} {value:>8} {unit:2} {target:8} {samples}");
    }
    if let Some(path) = args.other("--json") {
        std::fs::write(path, serde_json::to_vec_pretty(&table.rows)?)?;
    }
    Ok(())
}

fn ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

/// Ten answers to each question by each way of asking the product.
struct Ours {
    lexical: Vec<Vec<Span>>,
    vectors: Vec<Vec<Span>>,
    fused: Vec<Vec<Span>>,
}

impl Ours {
    fn measure(set: &EvalSet, cut: &Cut, vectors: &VectorCache, precision: &str) -> Self {
        let start = Instant::now();
        let index = ours::build(set, cut, vectors);
        println!(
            "indexed in {:.0} ms, {precision} vectors for {} of {} texts",
            ms(start),
            index.num_vectors(),
            index.num_keys()
        );
        let ask = |layers| -> Vec<Vec<Span>> {
            set.questions.iter().map(|question| ours::answers(&index, question, layers, vectors)).collect()
        };
        Self { lexical: ask(Layers::LEXICAL), vectors: ask(Layers::VECTORS), fused: ask(Layers::ALL) }
    }
}

struct Table<'a> {
    set: &'a EvalSet,
    rows: Vec<Row>,
}

impl Table<'_> {
    /// Scores over all questions, over those to choose numbers on (`Some(true)`), or over the others.
    fn scores(&self, answers: &[Vec<Span>], half: Option<bool>) -> Scores {
        let pairs = self.set.questions.iter().zip(answers.iter().map(Vec::as_slice));
        judge(pairs.filter(|(question, _)| half.is_none_or(|half| question.is_for_tuning() == half)))
    }

    fn quality(&mut self, case: &str, answers: &[Vec<Span>]) {
        println!("{case:20} half   MRR@10  recall@1  recall@10");
        for (name, half) in [("all", None), ("tune", Some(true)), ("test", Some(false))] {
            let Scores { mrr10, recall1, recall10, .. } = self.scores(answers, half);
            println!("{:20} {name:5} {mrr10:7.4} {recall1:9.4} {recall10:10.4}", "");
        }
        let Scores { mrr10, recall10, num, .. } = self.scores(answers, None);
        self.rows.push(Row::new("search_mrr", format!("{case}, MRR@10"), mrr10, "", "", num));
        self.rows.push(Row::new("search_mrr", format!("{case}, recall@10"), recall10, "", "", num));
    }
}
