//! What counts as found, on the sources of this repository: questions that they answer, and questions about other things,
//! among them such that share words with any program.
//!
//! That is how the share of words in `agents::chat::is_grounded` was chosen, for the time before there are vectors: of the
//! values that let no more than two of the foreign questions through, the one that refuses fewest of the others.

use std::path::{Path, PathBuf};

use super::*;
use crate::disk::open_memory;

/// Asked about this repository.
const ANSWERED: [&str; 24] = [
    "Which superblock wins when a log is opened?",
    "How does a commit survive a crash?",
    "How are UTF-16 columns computed from bytes?",
    "Where is the writer's lock taken when a workspace is opened?",
    "What does chunk_key hash?",
    "How does embedding slow down while a person types?",
    "How are gitignore rules applied during an import?",
    "What happens to open calls when a worker dies?",
    "How is a file renamed without losing its vectors?",
    "Where is the quota of the browser checked?",
    "How are tree-sitter grammars loaded?",
    "What limits the number of matches of an exact search?",
    "How does the page notice that the engine hangs?",
    "How are paths that differ by case found?",
    "what is SLICE_MS for?",
    "How is a zip archive unpacked?",
    "Where does quick open rank file names?",
    "Which files are embedded first?",
    "How is a workspace exported?",
    "Where are unsaved drafts kept?",
    "How are binary files told from text?",
    "When is a log compacted?",
    "how does a frame get encoded with postcard?",
    "Where does a second tab take over writing?",
];

/// Asked about anything else.
const FOREIGN: [&str; 24] = [
    "What is the capital of France?",
    "Which Kubernetes ingress controller is deployed?",
    "How are credit card payments refunded?",
    "Where is the OAuth token refreshed with the identity provider?",
    "How does the physics engine resolve collisions between rigid bodies?",
    "Which Kafka topics does the consumer subscribe to?",
    "How do I train the neural network on multiple GPUs with PyTorch?",
    "Where are the SQL migrations for the customers table?",
    "Who won the football world cup in 2014?",
    "How is the invoice PDF generated and emailed to customers?",
    "What is the best recipe for tomato soup?",
    "How do I configure Terraform for AWS Lambda?",
    "Where is the Bluetooth pairing handled?",
    "How does the React component fetch user profiles?",
    "How tall is Mount Everest?",
    "Write me a poem about the sea",
    "How do players level up and gain experience points?",
    "What are the opening hours of the library?",
    "Where is the Redis cache invalidated after a checkout?",
    "How do I cook rice?",
    "Which employees are on vacation in July?",
    "How is the DNA sequence aligned to the genome?",
    "Where is the shopping cart total calculated with taxes?",
    "How do I tune a guitar?",
];

fn sources(folder: &Path, top: &Path, into: &mut Vec<(String, String)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        // What is about questions has questions in it.
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "chat" {
            sources(&path, top, into);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "evidence.rs" {
            let text = std::fs::read_to_string(&path).unwrap();
            into.push((path.strip_prefix(top).unwrap().to_string_lossy().into_owned(), text));
        }
    }
}

#[test]
fn questions_that_the_sources_answer_are_found_and_others_are_not() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in
        ["worker/src", "worker/crates/store/src", "worker/crates/link/src", "worker/crates/text/src"]
    {
        sources(&top.join(folder), &top, &mut files);
    }
    for folder in
        ["worker/crates/syntax/src", "worker/crates/web/src", "worker/crates/protocol/src", "app/src"]
    {
        sources(&top.join(folder), &top, &mut files);
    }
    assert!(files.len() > 100, "{}", files.len());
    let mut space = Space::of(open_memory().unwrap().store);
    let mut analyser = syntax::Analyser::new();
    for (path, text) in &files {
        space.put(path, text.as_bytes(), 0).unwrap();
        space.parse(path, Some(&mut analyser)).unwrap();
    }
    let filter = Filter::default();
    let mut wrong = [Vec::new(), Vec::new()];
    for (at, questions) in [ANSWERED, FOREIGN].iter().enumerate() {
        for text in questions {
            let evidence =
                evidence(&space, &Query { text, vector: None, k: K, layers: Layers::ALL, filter: &filter });
            println!(
                "{at} {:.2} {:.2} {} {text}",
                evidence.words, evidence.words_together, evidence.names_symbol
            );
            if chat::is_grounded(&evidence) != (at == 0) {
                wrong[at].push(*text);
            }
        }
    }
    assert!(wrong[0].len() <= 3, "refused: {:#?}", wrong[0]);
    assert!(wrong[1].len() <= 2, "let through: {:#?}", wrong[1]);
}
