//! Writes the vectors, questions and true neighbours on which vector search is measured in a browser.
//!
//! usage: neighbours SET_DIR --model DIR --int8 FILE --cache DIR --out FILE [--threads N]
//!
//! The first vectors are those of the evaluation set's chunks, as the product makes them; the rest, up to 50,000, are
//! copies of theirs with noise, each at a cosine of about 0.9 to its original: the clusters of real code, made denser.
//! The questions are those of the set. The true neighbours are found by comparing each question with every vector in
//! float32. The file: five little-endian u32 (dimension, vectors, of them real ones, questions, neighbours of each), then
//! vectors and questions as f32, then the numbers of the neighbours as u32, nearest first.

use std::error::Error;
use std::io::Write as _;

use bench::args::Args;
use bench::cache::DIM;
use bench::embed::Model;
use bench::ours::Cut;
use bench::set::EvalSet;
use rustc_hash::FxHashSet;

const NUM_VECTORS: usize = 50_000;
const NUM_QUESTIONS: usize = 1000;
const K: usize = 10;
/// Length of the noise, the vector itself having length 1: 1 / sqrt(1 + 0.48²) is 0.9.
const NOISE: f32 = 0.48;

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::read(&["--out"])?;
    let out = args.other("--out").ok_or("--out is missing.")?;
    let set = EvalSet::load(&args.set)?;
    let cut = Cut::by_syntax(&set);
    let questions = || set.questions.iter().map(|question| question.query.as_str());
    let pieces = || cut.pieces.iter().flatten();
    let model = Model::int8(&args.int8, &args.model)?;
    let texts = questions().chain(pieces().map(|piece| piece.embedded.as_str()));
    let cache = model.fill(&args.cache, texts, args.threads)?;

    let mut seen = FxHashSet::default();
    let real = pieces().filter(|piece| seen.insert(piece.key)).filter_map(|piece| cache.get(&piece.embedded));
    let mut vectors: Vec<f32> = real.take(NUM_VECTORS).flatten().copied().collect();
    let num_real = vectors.len() / DIM;
    if num_real == 0 {
        return Err("The evaluation set gave no vectors.".into());
    }
    let mut noise = Noise(0x0a1c_07e5);
    for number in num_real..NUM_VECTORS {
        let from = number % num_real * DIM;
        let mut copy: Vec<f32> = vectors[from..from + DIM].to_vec();
        for x in &mut copy {
            *x += noise.next() * NOISE / (DIM as f32).sqrt();
        }
        let length = dot(&copy, &copy).sqrt();
        vectors.extend(copy.iter().map(|x| x / length));
    }
    // Every so-and-so-many, so that all parts of the tree are asked about.
    let step = (set.questions.len() / NUM_QUESTIONS).max(1);
    let asked: Vec<&[f32]> =
        questions().step_by(step).take(NUM_QUESTIONS).filter_map(|query| cache.get(query)).collect();

    let mut file = std::io::BufWriter::new(std::fs::File::create(out)?);
    for number in [DIM, NUM_VECTORS, num_real, asked.len(), K] {
        file.write_all(&(number as u32).to_le_bytes())?;
    }
    for x in vectors.iter().chain(asked.iter().copied().flatten()) {
        file.write_all(&x.to_le_bytes())?;
    }
    for query in &asked {
        for number in nearest(query, &vectors) {
            file.write_all(&number.to_le_bytes())?;
        }
    }
    file.flush()?;
    println!("{num_real} vectors, {} with noise, {} questions", NUM_VECTORS - num_real, asked.len());
    Ok(())
}

fn nearest(query: &[f32], vectors: &[f32]) -> Vec<u32> {
    let mut order: Vec<(f32, u32)> =
        vectors.chunks_exact(DIM).zip(0..).map(|(row, number)| (dot(query, row), number)).collect();
    let better = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    order.select_nth_unstable_by(K, better);
    order.truncate(K);
    order.sort_unstable_by(better);
    order.into_iter().map(|(_, number)| number).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    for (x, y) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    sums.iter().sum()
}

/// Numbers of mean 0 and variance 1, the same on every machine (xorshift; the sum of twelve evens out to a bell).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f32 {
        let mut sum = -6.0;
        for _ in 0..12 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            sum += (self.0 >> 40) as f32 / (1u64 << 24) as f32;
        }
        sum
    }
}
