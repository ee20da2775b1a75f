//! Chooses the next token: repetition penalty, temperature, top-k, top-p, min-p, then chance with a seed.
//!
//! The order is that of llama.cpp: penalties on the logits, then cutting the tail by each rule in turn, then temperature
//! and the draw, so that temperature does not change which tokens are in question. Besides single tokens, runs that the
//! text itself repeats can be made less likely, by the rule that llama.cpp knows as DRY (“don't repeat yourself”), without
//! its sequence breakers: small models write a paragraph again and again, which is longer than any window of tokens that
//! may occur twice. What stands in the prompt may be repeated, because answers cite it; so may everything in a text with a
//! form, whose keys come again. Where the text has a form to keep to
//! ([`Constraint`]), what may not come next is out of the question before all that.

use std::cmp::Ordering;

use crate::{Constraint, allows};

/// How tokens are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Zero takes the likeliest token always; one leaves the probabilities of the model as they are.
    pub temperature: f32,
    /// Only so many of the likeliest tokens; zero for all.
    pub top_k: usize,
    /// Only the likeliest tokens that together have this probability; one for all.
    pub top_p: f32,
    /// Only tokens with at least this share of the probability of the likeliest one; zero for all.
    pub min_p: f32,
    /// What logits of tokens that occurred are divided by (multiplied, where negative); one for no penalty.
    pub repetition_penalty: f32,
    /// How many of the last tokens count as having occurred.
    pub repetition_window: usize,
    /// So many tokens of its own the text may repeat in a row; each further one becomes less likely by a factor that
    /// grows with the run. Zero lets it repeat what it likes.
    pub repeat_allowed: usize,
    /// Two runs with the same seed choose the same tokens.
    pub seed: u64,
}

/// Taken from the logit of the first token beyond [`Sampling::repeat_allowed`] …
const REPEAT_MULTIPLIER: f32 = 0.8;
/// … and so many times more from that of each further one: llama.cpp's default, as the other is what it is used with.
const REPEAT_BASE: f32 = 1.75;
/// Tokens beyond what is allowed after which nothing grows any more: by then no token is chosen for it.
const REPEAT_MOST: usize = 32;

impl Sampling {
    /// The likeliest token, always.
    pub const GREEDY: Self = Self {
        temperature: 0.0,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        repetition_penalty: 1.0,
        repetition_window: 64,
        repeat_allowed: 0,
        seed: 0,
    };
}

impl Default for Sampling {
    /// What llama.cpp does unasked.
    fn default() -> Self {
        Self { temperature: 0.8, top_k: 40, top_p: 0.95, min_p: 0.05, ..Self::GREEDY }
    }
}

/// A token in question.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    id: u32,
    logit: f32,
}

/// Chooses tokens by [`Sampling`].
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    state: u64,
    candidates: Vec<Candidate>,
    weights: Vec<f32>,
    /// Tokens at the beginning of the sequence that were given and not written.
    num_given: usize,
    form: Option<Box<dyn Constraint>>,
    /// Why the form could not say what may come next.
    problem: Option<String>,
}

impl Sampler {
    /// Start with the seed. Values out of their range count as the nearest one in it.
    #[must_use]
    pub fn new(sampling: Sampling) -> Self {
        let (candidates, weights) = (Vec::new(), Vec::new());
        Self { sampling, state: sampling.seed, candidates, weights, num_given: 0, form: None, problem: None }
    }

    /// The first so many tokens of the sequence are the prompt, which may be repeated.
    #[must_use]
    pub fn with_prompt(mut self, num_tokens: usize) -> Self {
        self.num_given = num_tokens;
        self
    }

    /// Choose only what the form allows.
    #[must_use]
    pub fn with_form(mut self, form: Option<Box<dyn Constraint>>) -> Self {
        self.form = form;
        self
    }

    /// How it chooses.
    #[must_use]
    pub fn sampling(&self) -> Sampling {
        self.sampling
    }

    /// Whether logits alone decide, so that a device need only find the largest one.
    #[must_use]
    pub fn is_greedy(&self) -> bool {
        self.takes_likeliest()
            && !self.penalises()
            && self.sampling.repeat_allowed == 0
            && self.form.is_none()
    }

    fn takes_likeliest(&self) -> bool {
        let is_hot = self.sampling.temperature > 0.0;
        // Not a number counts as zero.
        !is_hot || self.sampling.top_k == 1
    }

    fn penalises(&self) -> bool {
        let penalty = self.sampling.repetition_penalty;
        penalty > 0.0 && penalty.is_finite() && penalty != 1.0
    }

    /// How many of the likeliest tokens decide, so that a device need only find those for [`Sampler::choose_among`];
    /// nothing where every token may have a say.
    ///
    /// A penalty moves only tokens that occurred, and only down, so at most that many others come up past them.
    #[must_use]
    pub fn enough(&self, sequence: &[u32]) -> Option<usize> {
        let most = match self.sampling.top_k {
            _ if self.takes_likeliest() => 1,
            0 => return None,
            top_k => top_k,
        };
        // What a form forbids, and what a reward brings up, may be anywhere.
        if self.form.is_some() || (self.penalises() && self.sampling.repetition_penalty < 1.0) {
            return None;
        }
        let seen = if self.penalises() { self.seen(sequence).len() } else { 0 };
        most.checked_add(seen + self.repeats(sequence).len())
    }

    /// Choose like [`Sampler::choose`], given at least as many of the likeliest tokens as [`Sampler::enough`] says, each
    /// once, with their logits.
    pub fn choose_among(&mut self, likeliest: &[(u32, f32)], sequence: &[u32]) -> Option<u32> {
        self.candidates.clear();
        let finite = likeliest.iter().filter(|(_, logit)| logit.is_finite());
        self.candidates.extend(finite.map(|&(id, logit)| Candidate { id, logit }));
        self.candidates.sort_unstable_by_key(|candidate| candidate.id);
        self.choose_candidate(sequence)
    }

    /// Choose from the logits of all tokens, after the tokens of `sequence`. Logits that are not finite are never
    /// chosen; with none that is, there is nothing to choose. Nor is there when the form cannot say what may come next:
    /// then [`Sampler::take_problem`] has the reason.
    ///
    /// The choice changes nothing in the form, so it may be dropped and made again; who keeps a token tells
    /// [`Sampler::accept`].
    pub fn choose(&mut self, logits: &[f32], sequence: &[u32]) -> Option<u32> {
        self.candidates.clear();
        let finite = logits.iter().enumerate().filter(|(_, logit)| logit.is_finite());
        let finite = finite.map(|(id, &logit)| Candidate { id: id as u32, logit });
        match &mut self.form {
            None => self.candidates.extend(finite),
            Some(form) => match form.allowed() {
                Ok(words) => {
                    self.candidates.extend(finite.filter(|candidate| allows(words, candidate.id)));
                }
                Err(why) => {
                    self.problem = Some(why);
                    return None;
                }
            },
        }
        self.choose_candidate(sequence)
    }

    /// Choose from the candidates, which are in the order of their ids.
    fn choose_candidate(&mut self, sequence: &[u32]) -> Option<u32> {
        self.penalise(sequence);
        if self.takes_likeliest() {
            // The first of equals, like everybody else.
            return self.candidates.iter().min_by(|a, b| likelier(a, b)).map(|best| best.id);
        }
        self.cut();
        self.draw()
    }

    /// A chosen token is part of the text now. Whether the text is complete by its form, so that nothing can follow.
    ///
    /// # Errors
    /// A sentence, when the form does not allow the token.
    pub fn accept(&mut self, token: u32) -> Result<bool, String> {
        let Some(form) = &mut self.form else { return Ok(false) };
        form.accept(token)?;
        Ok(form.is_done())
    }

    /// Why the form could not say what may come next, once.
    pub fn take_problem(&mut self) -> Option<String> {
        self.problem.take()
    }

    /// Tokens that count as having occurred, each once.
    fn seen(&self, sequence: &[u32]) -> Vec<u32> {
        let mut seen = sequence[sequence.len().saturating_sub(self.sampling.repetition_window)..].to_vec();
        seen.sort_unstable();
        seen.dedup();
        seen
    }

    /// Tokens that would make a run longer which the text repeats, each once, with the length of the run so far beyond
    /// what is allowed.
    fn repeats(&self, sequence: &[u32]) -> Vec<(u32, usize)> {
        let allowed = self.sampling.repeat_allowed;
        let written = sequence.get(self.num_given..).unwrap_or_default();
        let mut repeats: Vec<(u32, usize)> = Vec::new();
        if allowed == 0 || self.form.is_some() {
            return repeats;
        }
        let most = allowed + REPEAT_MOST;
        for at in allowed..written.len() {
            // What stands before `at`, and what stands at the end.
            let before = written[..at].iter().rev();
            let run = before.zip(written.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
            if run < allowed {
                continue;
            }
            match repeats.iter_mut().find(|(token, _)| *token == written[at]) {
                Some((_, beyond)) => *beyond = (*beyond).max(run - allowed),
                None => repeats.push((written[at], run - allowed)),
            }
        }
        repeats
    }

    fn penalise(&mut self, sequence: &[u32]) {
        for (id, beyond) in self.repeats(sequence) {
            if let Ok(at) = self.candidates.binary_search_by_key(&id, |candidate| candidate.id) {
                self.candidates[at].logit -= REPEAT_MULTIPLIER * REPEAT_BASE.powi(beyond as i32);
            }
        }
        if !self.penalises() {
            return;
        }
        let penalty = self.sampling.repetition_penalty;
        for id in self.seen(sequence) {
            // Sorted by id, with gaps where a logit was not finite.
            if let Ok(at) = self.candidates.binary_search_by_key(&id, |candidate| candidate.id) {
                let logit = &mut self.candidates[at].logit;
                *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
            }
        }
    }

    /// Leave the likeliest tokens, in order, with their probabilities in `weights`.
    fn cut(&mut self) {
        let Sampling { top_k, top_p, min_p, .. } = self.sampling;
        let num = self.candidates.len();
        if top_k > 0 && top_k < num {
            self.candidates.select_nth_unstable_by(top_k - 1, likelier);
            self.candidates.truncate(top_k);
        }
        if top_k > 0 {
            // In one order, however many there were to choose from: sums of the same numbers are the same then.
            self.candidates.sort_unstable_by(likelier);
        }
        let most = self.candidates.iter().map(|candidate| candidate.logit).fold(f32::NEG_INFINITY, f32::max);
        let weight = |candidate: &Candidate| (candidate.logit - most).exp();
        // Both rules keep a beginning of the order, so the cheap one goes first; the share is one of all nevertheless.
        let enough = match top_p {
            ..1.0 => top_p.max(0.0) * self.candidates.iter().map(weight).sum::<f32>(),
            _ => f32::INFINITY,
        };
        if min_p > 0.0 {
            let least = most + min_p.min(1.0).ln();
            self.candidates.retain(|candidate| candidate.logit >= least);
        }
        self.candidates.sort_unstable_by(likelier);
        let mut sum = 0.0;
        let keep = self.candidates.iter().take_while(|candidate| {
            let more = sum < enough;
            sum += weight(candidate);
            more
        });
        let keep = keep.count().max(1);
        self.candidates.truncate(keep);
    }

    fn draw(&mut self) -> Option<u32> {
        let most = self.candidates.first()?.logit;
        let temperature = self.sampling.temperature;
        self.weights.clear();
        // A temperature near zero may make infinities, of which only the exponential comes back as zero.
        self.weights.extend(self.candidates.iter().map(|c| match c.logit - most {
            0.0 => 1.0,
            below => (below / temperature).exp(),
        }));
        let mut left = self.random() * self.weights.iter().sum::<f32>();
        for (candidate, weight) in self.candidates.iter().zip(&self.weights) {
            left -= weight;
            if left < 0.0 {
                return Some(candidate.id);
            }
        }
        // Rounding may leave a little.
        let last = self.weights.iter().rposition(|&weight| weight > 0.0)?;
        self.candidates.get(last).map(|candidate| candidate.id)
    }

    /// From 0 to below 1, by SplitMix64.
    fn random(&mut self) -> f32 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 40) as f32 / (1 << 24) as f32
    }
}

/// Likelier tokens first, the smaller id of equals.
fn likelier(a: &Candidate, b: &Candidate) -> Ordering {
    b.logit.total_cmp(&a.logit).then(a.id.cmp(&b.id))
}
