//! The plain float32 network against numpy, on the tiny models of crate `models`, whatever their formats.
#![allow(clippy::unwrap_used)]

use bench::language::model::{LanguageModel, argmax, ready};
use bench::language::reference::Reference;
use infer::Sampling;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../models/tests/llm/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Tokens, and the logits after each of them.
fn golden(name: &str) -> (Vec<u32>, Vec<Vec<f32>>) {
    let bytes = file(&format!("{name}.bin"));
    let words: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|&word| u32::from_le_bytes(word)).collect();
    let (num, vocab) = (words[0] as usize, words[1] as usize);
    let (tokens, rest) = words[2..].split_at(num);
    (
        tokens.to_vec(),
        rest.chunks(vocab).map(|row| row.iter().map(|&x| f32::from_bits(x)).collect()).collect(),
    )
}

#[test]
fn the_reference_computes_what_numpy_computes() {
    for name in ["llama_plain", "llama_old", "llama_untied", "qwen2_old"] {
        let (tokens, expected) = golden(name);
        for threads in [1, 3] {
            let reference = Reference::new(file(&format!("{name}.gguf")), threads).unwrap();
            // Two texts, of which the first is a beginning of the second: they must not see each other.
            let states = reference.states(&[&tokens[..7], &tokens]).unwrap();
            assert_eq!(states.len(), 7 + tokens.len());
            let logits = reference.logits(&states, &reference.head().unwrap());
            for (i, expected) in expected[..7].iter().chain(&expected).enumerate() {
                let off = logits.row(i).iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(off <= 2e-4, "{name}, row {i}: off by {off}");
                assert_eq!(argmax(logits.row(i)), argmax(expected), "{name}, row {i}");
            }
        }
    }
}

#[test]
fn what_the_reference_lacks_is_said() {
    let err = Reference::new(file("qwen2_large.gguf"), 1).unwrap_err();
    assert!(err.to_string().contains("YaRN"), "{err}");
    let file = file("llama_old.gguf");
    assert!(Reference::new(file[..300].to_vec(), 1).is_err());
}

#[test]
fn a_model_writes_until_it_is_stopped() {
    let model = LanguageModel::of(&file("llama_old.gguf")).unwrap();
    let session = || models::llm::Session::new(model.network.clone(), 100);
    let ids = [1, 2, 3];
    let all = model.write(&mut session(), &ids, 12, &[], Sampling::GREEDY).unwrap();
    assert_eq!((all.num_prompt, all.num_new), (3, 12));
    // The likeliest token is the one that is written.
    let best = model.likeliest(&mut session(), &ids, 2).unwrap();
    assert!(best[0].1 >= best[1].1);
    assert!(all.text.starts_with(&*model.language.bpe.token_text(best[0].0)));
    assert_eq!(ready(session().logits(&ids, &())).map(argmax).unwrap(), best[0].0 as usize);
    // A stop string ends it and is not part of it.
    let stop = all.text.chars().skip(2).take(2).collect::<String>();
    let stopped =
        model.write(&mut session(), &ids, 12, std::slice::from_ref(&stop), Sampling::GREEDY).unwrap();
    assert_eq!(stopped.text, all.text[..all.text.find(&stop).unwrap()]);
    assert!(stopped.num_new < 12);
}
