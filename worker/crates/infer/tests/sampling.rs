//! Sampling by tables, and what must hold for all logits.
#![allow(clippy::unwrap_used)]

use infer::{Sampler, Sampling};
use proptest::prelude::*;

const HOT: Sampling = Sampling { temperature: 1.0, ..Sampling::GREEDY };

/// How often each token is chosen in many draws, in hundredths.
fn shares(sampling: Sampling, logits: &[f32], sequence: &[u32]) -> Vec<u32> {
    let mut sampler = Sampler::new(sampling);
    let mut counts = vec![0_u32; logits.len()];
    for _ in 0..20_000 {
        counts[sampler.choose(logits, sequence).unwrap() as usize] += 1;
    }
    counts.iter().map(|count| (count + 100) / 200).collect()
}

fn close(got: &[u32], expected: &[u32]) {
    let near = got.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= 1 && (*b > 0 || *a == 0));
    assert!(near && got.len() == expected.len(), "{got:?} is not {expected:?}");
}

/// Probabilities 50, 25, 15 and 10 in the hundred.
fn four() -> Vec<f32> {
    [0.5_f32, 0.25, 0.15, 0.1].map(f32::ln).to_vec()
}

#[test]
fn each_rule_leaves_the_tokens_that_it_should() {
    for (sampling, expected) in [
        (HOT, [50, 25, 15, 10]),
        (Sampling { top_k: 1, ..HOT }, [100, 0, 0, 0]),
        (Sampling { top_k: 2, ..HOT }, [67, 33, 0, 0]),
        (Sampling { top_k: 9, ..HOT }, [50, 25, 15, 10]),
        (Sampling { top_p: 0.0, ..HOT }, [100, 0, 0, 0]),
        (Sampling { top_p: 0.45, ..HOT }, [100, 0, 0, 0]),
        (Sampling { top_p: 0.7, ..HOT }, [67, 33, 0, 0]),
        (Sampling { top_p: 0.8, ..HOT }, [56, 28, 17, 0]),
        (Sampling { top_p: 1.0, ..HOT }, [50, 25, 15, 10]),
        (Sampling { min_p: 0.25, ..HOT }, [56, 28, 17, 0]),
        (Sampling { min_p: 0.6, ..HOT }, [100, 0, 0, 0]),
        (Sampling { min_p: 7.0, ..HOT }, [100, 0, 0, 0]),
        (Sampling { top_k: 3, min_p: 0.4, ..HOT }, [67, 33, 0, 0]),
        // Squared probabilities, and square roots.
        (Sampling { temperature: 0.5, ..HOT }, [72, 18, 7, 3]),
        (Sampling { temperature: 2.0, ..HOT }, [37, 26, 20, 17]),
        (Sampling { temperature: 1e-30, ..HOT }, [100, 0, 0, 0]),
        (Sampling { temperature: 0.0, ..HOT }, [100, 0, 0, 0]),
        (Sampling { temperature: -1.0, ..HOT }, [100, 0, 0, 0]),
        (Sampling { temperature: f32::NAN, ..HOT }, [100, 0, 0, 0]),
    ] {
        close(&shares(sampling, &four(), &[]), &expected);
    }
}

#[test]
fn the_order_of_the_tokens_does_not_matter() {
    let logits: Vec<f32> = [0.1_f32, 0.5, 0.15, 0.25].map(f32::ln).to_vec();
    close(&shares(Sampling { top_k: 2, ..HOT }, &logits, &[]), &[0, 67, 0, 33]);
    close(&shares(Sampling { top_p: 0.8, ..HOT }, &logits, &[]), &[0, 56, 17, 28]);
}

#[test]
fn what_occurred_is_less_likely() {
    let penalty =
        |window| Sampling { repetition_penalty: 2.0, repetition_window: window, ..Sampling::GREEDY };
    let choose = |sampling, logits: &[f32], sequence: &[u32]| Sampler::new(sampling).choose(logits, sequence);
    let logits = [3.0, 2.0, 1.0, -1.0];
    assert_eq!(choose(penalty(64), &logits, &[]), Some(0));
    assert_eq!(choose(penalty(64), &logits, &[0]), Some(1));
    // Once, however often it occurred.
    assert_eq!(choose(penalty(64), &[3.0, 0.9], &[0, 0, 0]), Some(0));
    assert_eq!(choose(penalty(2), &logits, &[0, 2, 2]), Some(0));
    assert_eq!(choose(penalty(0), &logits, &[0]), Some(0));
    // Negative logits become more so.
    assert_eq!(choose(penalty(64), &[-1.0, -1.5], &[0]), Some(1));
    // Tokens that are not there, and a penalty that is none.
    assert_eq!(choose(penalty(64), &logits, &[77]), Some(0));
    let odd = Sampling { repetition_penalty: f32::NAN, ..Sampling::GREEDY };
    assert_eq!(choose(odd, &logits, &[0]), Some(0));
}

#[test]
fn runs_that_the_text_repeats_become_less_likely_token_by_token() {
    let sampling = Sampling { repeat_allowed: 3, ..Sampling::GREEDY };
    let choose = |sequence: &[u32], second: f32| {
        let mut logits = [0.0; 10];
        (logits[4], logits[9]) = (9.0, second);
        Sampler::new(sampling).with_prompt(2).choose(&logits, sequence)
    };
    // 1 2 3 was followed by 4 before: the fourth token of a run, of which three are allowed.
    let begin = [8, 8, 1, 2, 3, 4, 5];
    let with = |more: &[u32]| [&begin, more].concat();
    assert_eq!(choose(&with(&[2, 3]), 8.9), Some(4));
    assert_eq!(choose(&with(&[1, 2, 3]), 8.3), Some(9));
    assert_eq!(choose(&with(&[1, 2, 3]), 8.1), Some(4));
    // The longer the run, the less: 0.8 · 1.75 with one more, and no number grows without end.
    let begin = [8, 8, 0, 1, 2, 3, 4, 5];
    assert_eq!(choose(&[&begin[..], &[0, 1, 2, 3]].concat(), 7.7), Some(9));
    assert_eq!(choose(&[&begin[..], &[0, 1, 2, 3]].concat(), 7.5), Some(4));
    assert_eq!(choose(&[4; 4000], 8.9), Some(9));
    // What is in the prompt may be repeated, and so may everything unless it is asked for.
    assert_eq!(choose(&[1, 2, 3, 4, 1, 2, 3], 8.9), Some(4));
    assert_eq!(Sampler::new(Sampling::GREEDY).choose(&[0.0, 1.0], &[1; 99]), Some(1));
    assert!(!Sampler::new(sampling).is_greedy());
    assert_eq!(Sampler::new(sampling).with_prompt(2).enough(&with(&[1, 2, 3])), Some(2));
    // A prompt longer than the text is no reason to fall over.
    assert_eq!(Sampler::new(sampling).with_prompt(9).enough(&[1, 2]), Some(1));
}

#[test]
fn equals_and_odd_numbers() {
    let mut greedy = Sampler::new(Sampling::GREEDY);
    assert_eq!(greedy.choose(&[1.0, 2.0, 2.0], &[]), Some(1));
    assert_eq!(greedy.choose(&[f32::NAN, -2.0, f32::INFINITY, f32::NEG_INFINITY, -1.0], &[]), Some(4));
    let mut hot = Sampler::new(HOT);
    for sampler in [&mut greedy, &mut hot] {
        assert_eq!(sampler.choose(&[], &[]), None);
        assert_eq!(sampler.choose(&[f32::NAN, f32::NEG_INFINITY], &[0]), None);
        assert_eq!(sampler.choose(&[f32::NAN, -3e38], &[]), Some(1));
    }
}

proptest! {
    #[test]
    fn greedy_takes_the_largest(logits in prop::collection::vec(-50.0_f32..50.0, 1..300)) {
        let chosen = Sampler::new(Sampling::GREEDY).choose(&logits, &[]).unwrap() as usize;
        let largest = logits.iter().copied().fold(f32::MIN, f32::max);
        prop_assert_eq!(logits.iter().position(|&logit| logit == largest), Some(chosen));
    }

    #[test]
    fn a_seed_repeats_and_rules_hold(
        logits in prop::collection::vec(-20.0_f32..20.0, 1..200),
        (temperature, top_k, top_p, min_p) in (0.01_f32..3.0, 0..50_usize, 0.0_f32..1.0, 0.0_f32..0.5),
        (repetition_penalty, seed) in (0.5_f32..2.0, any::<u64>()),
        sequence in prop::collection::vec(0..300_u32, 0..20),
    ) {
        let sampling =
            Sampling { temperature, top_k, top_p, min_p, seed, repetition_penalty, repetition_window: 8, ..HOT };
        let run = || {
            let mut sampler = Sampler::new(sampling);
            (0..20).map(|_| sampler.choose(&logits, &sequence).unwrap()).collect::<Vec<_>>()
        };
        let chosen = run();
        prop_assert_eq!(&chosen, &run());
        // Without a penalty, what is chosen is among the likeliest k and above the share.
        let mut sampler = Sampler::new(Sampling { repetition_penalty: 1.0, ..sampling });
        for _ in 0..20 {
            let logit = logits[sampler.choose(&logits, &sequence).unwrap() as usize];
            let above = logits.iter().filter(|&&other| other > logit).count();
            prop_assert!(top_k == 0 || above < top_k);
            let most = logits.iter().copied().fold(f32::MIN, f32::max);
            prop_assert!((logit - most).exp() >= min_p * 0.9999);
            let likelier: f32 = logits.iter().filter(|&&x| x > logit).map(|x| (x - most).exp()).sum();
            let kept: f32 = logits.iter().map(|x| (x - most).exp()).sum();
            // The tokens before it had not yet the share together, even of what all rules left.
            prop_assert!(likelier <= top_p * kept * 1.0001);
        }
    }

    #[test]
    fn the_likeliest_are_enough_where_it_says_so(
        mut logits in prop::collection::vec(-20.0_f32..20.0, 1..200),
        alike in 0..40_usize,
        (temperature, top_k, top_p, min_p) in (0.0_f32..3.0, 0..50_usize, 0.0_f32..1.0, 0.0_f32..0.5),
        (repetition_penalty, seed) in (0.5_f32..2.0, any::<u64>()),
        sequence in prop::collection::vec(0..250_u32, 0..100),
        (more, all_together) in (0..5_usize, any::<bool>()),
        (repeat_allowed, alphabet) in (0..5_usize, prop_oneof![Just(250_u32), Just(3)]),
    ) {
        let sequence: Vec<u32> = sequence.iter().map(|token| token % alphabet).collect();
        let top_p = if all_together { 1.0 } else { top_p };
        // Equal ones, which are told apart by their ids.
        let len = logits.len();
        (0..alike).for_each(|i| logits[i * 7 % len] = logits[i * 13 % len]);
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        odd.iter().take(alike / 4).for_each(|x| logits[seed as usize % len] = *x);
        let sampling = Sampling { temperature, top_k, top_p, min_p, repetition_penalty, seed, repeat_allowed, ..Sampling::GREEDY };
        let mut all = Sampler::new(sampling);
        let mut few = all.clone();
        let Some(enough) = all.enough(&sequence) else { return Ok(()) };
        let mut likeliest: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).collect();
        likeliest.retain(|(_, logit)| logit.is_finite());
        likeliest.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        likeliest.truncate(enough + more);
        for _ in 0..8 {
            prop_assert_eq!(all.choose(&logits, &sequence), few.choose_among(&likeliest, &sequence));
        }
    }
}
