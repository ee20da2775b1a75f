//! The form that an answer must have: JSON after a schema, or a grammar. Says which tokens may come next.
//!
//! The work is done by `llguidance`; here lies what it needs from a vocabulary ([`vocabulary`]), what it may cost, and
//! what a stranger's schema is looked at for before ([`check`]). A schema or grammar comes from whoever asks, and is a
//! program of a kind: its size, its depth, the automaton that it makes and the work for one token all have limits, and
//! what goes beyond is refused with a sentence. That library catches its own panics natively; in a browser a panic
//! would end the worker, so what is known to make it panic is refused before.

mod check;
mod vocabulary;
mod weigh;

use std::sync::Arc;

use llguidance::api::{ParserLimits, StopReason, TopLevelGrammar};
use llguidance::toktrie::{ApproximateTokEnv, InferenceCapabilities, SimpleVob, TokEnv};
use llguidance::{Matcher, ParserFactory};
use thiserror::Error;

use crate::Bpe;

/// Longest schema or grammar; those of tools have some kilobytes.
pub const MAX_FORM_BYTES: usize = 64 * 1024;

/// What compiling a form and finding out what may come next may cost. Natively, a unit of the first fuel is a
/// fiftieth, one of the second a fourteenth, and an item a twentieth of a microsecond.
const LIMITS: ParserLimits = ParserLimits {
    max_items_in_row: 1_000,
    initial_lexer_fuel: 500_000,
    step_lexer_fuel: 100_000,
    step_max_items: 30_000,
    // A state has one or two kilobytes.
    max_lexer_states: 20_000,
    max_grammar_size: 100_000,
    precompute_large_lexemes: false,
    verbose_errors: false,
};

/// Why an answer cannot be held to a form.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormError {
    /// The schema or grammar is too long.
    #[error("the form of the answer has {0} bytes; at most {MAX_FORM_BYTES} can be used")]
    TooLong(usize),
    /// It is nested too deeply.
    #[error("the form of the answer is nested more than {0} levels deep; flatten it, or name its parts")]
    TooDeep(usize),
    /// The schema is not JSON.
    #[error("the schema of the answer is not JSON: {0}")]
    NotJson(String),
    /// The schema or grammar has a mistake, uses what is not supported, or would cost too much.
    #[error("the form of the answer cannot be used: {0}")]
    Refused(String),
    /// The tokens of the model cannot be used for forms.
    #[error("this model cannot be held to a form: {0}")]
    Vocabulary(String),
    /// What may come next could not be found out, or a token came that may not.
    #[error("{0}")]
    Stuck(String),
}

/// What an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form<'a> {
    /// JSON after this JSON schema.
    JsonSchema(&'a str),
    /// What this grammar describes, in the variant of Lark's notation that `llguidance` reads.
    Lark(&'a str),
}

/// Compiles forms for the tokens of one model. Making it takes a tenth to half a second and ten to thirty megabytes, so it is
/// made when the first form is asked for, and kept.
pub struct Forms {
    factory: ParserFactory,
    /// Tokens that may be written: text, and those that end it.
    writable: Arc<SimpleVob>,
}

impl Forms {
    /// For the tokens of `bpe`, of which those in `end` end a text.
    ///
    /// # Errors
    /// [`FormError::Vocabulary`].
    pub fn new(bpe: &Bpe, end: &[u32]) -> Result<Self, FormError> {
        let (trie, writable) = vocabulary::trie(bpe, end)?;
        let env: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let refused = |err| FormError::Vocabulary(sentence(&err));
        let mut factory = ParserFactory::new(&env, InferenceCapabilities::default(), &[]).map_err(refused)?;
        factory.quiet();
        *factory.limits_mut() = LIMITS;
        Ok(Self { factory, writable: Arc::new(writable) })
    }

    /// What follows one text of this form from its beginning.
    ///
    /// # Errors
    /// See [`FormError`]; mistakes are named with their place as far as it is known.
    pub fn compile(&self, form: Form<'_>) -> Result<Formed, FormError> {
        let grammar = match form {
            Form::JsonSchema(schema) => TopLevelGrammar::from_json_schema(check::schema(schema)?),
            Form::Lark(grammar) => {
                check::grammar(grammar)?;
                TopLevelGrammar::from_lark(grammar.to_owned())
            }
        };
        let parser = self.factory.create_parser(grammar).map_err(|err| FormError::Refused(sentence(&err)))?;
        let mut matcher = Matcher::new(Ok(parser));
        // A form that not even its first token can be found for is refused now, not in the middle of an answer.
        let allowed = allowed(&mut matcher, &self.writable).map_err(|err| match err {
            FormError::Stuck(why) => FormError::Refused(why),
            err => err,
        })?;
        Ok(Formed { matcher, allowed: Some(allowed), writable: self.writable.clone() })
    }
}

impl std::fmt::Debug for Forms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forms").field("writable", &self.writable.num_set()).finish_non_exhaustive()
    }
}

/// Follows one text and says what may come next by its form. A clone goes on by itself.
#[derive(Clone)]
pub struct Formed {
    matcher: Matcher,
    /// What may come next, once it was asked for.
    allowed: Option<SimpleVob>,
    writable: Arc<SimpleVob>,
}

impl Formed {
    /// One bit for each token, the lowest bit of the first word for token 0: whether it may come next. Tokens that end
    /// the text may come where it is complete, and only there. There is always one.
    ///
    /// # Errors
    /// [`FormError::Stuck`], where that takes too much work, or where the vocabulary lacks what would have to come.
    pub fn allowed(&mut self) -> Result<&[u32], FormError> {
        let allowed = match self.allowed.take() {
            Some(allowed) => allowed,
            None => allowed(&mut self.matcher, &self.writable)?,
        };
        Ok(self.allowed.insert(allowed).as_slice())
    }

    /// A token has become part of the text.
    ///
    /// # Errors
    /// [`FormError::Stuck`], where the form does not allow it.
    pub fn accept(&mut self, token: u32) -> Result<(), FormError> {
        // Asked for here as well, so that a token that may not come is never passed on: that library ends where it is.
        let words = self.allowed()?;
        if words.get(token as usize / 32).is_none_or(|word| word >> (token % 32) & 1 == 0) {
            return Err(FormError::Stuck(format!("token {token} came, which may not come here")));
        }
        self.allowed = None;
        self.matcher.consume_token(token).map_err(|err| FormError::Stuck(sentence(&err)))
    }

    /// Whether the text is complete and nothing can follow.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(
            self.matcher.stop_reason(),
            StopReason::NoExtension | StopReason::NoExtensionBias | StopReason::EndOfSentence
        )
    }
}

impl std::fmt::Debug for Formed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Formed").field("done", &self.is_done()).finish_non_exhaustive()
    }
}

fn allowed(matcher: &mut Matcher, writable: &SimpleVob) -> Result<SimpleVob, FormError> {
    let mut allowed = matcher.compute_mask_or_eos().map_err(|err| FormError::Stuck(sentence(&err)))?;
    allowed.and(writable);
    if allowed.is_zero() {
        return Err(FormError::Stuck("this model has no tokens for what would have to come next".into()));
    }
    Ok(allowed)
}

/// What the library says, in one line, without its own state and traces.
fn sentence(err: &anyhow::Error) -> String {
    let text = err.to_string();
    let text = text.split("\n<").next().unwrap_or_default();
    if text.starts_with("NoExtension") {
        // The name of a reason, which it gives where it has no words.
        return "nothing can be written that it allows".into();
    }
    if text.starts_with("Parser Error") {
        return "its schema or grammar is too ambiguous to be followed".into();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(300).collect()
}
