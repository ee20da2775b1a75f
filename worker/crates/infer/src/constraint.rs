//! The form that a text must have, as far as choosing tokens is concerned: JSON after a schema, a grammar.
//!
//! This crate knows neither; it asks before each choice which tokens may come next and says which one was taken. The
//! model is as free as the form leaves it, so what it writes keeps to the form whatever it prefers.

use std::fmt::Debug;

/// Follows one text and says what may come next.
pub trait Constraint: Debug {
    /// One bit for each token, the lowest bit of the first word for token 0: whether it may come next. Tokens behind the
    /// end may not. A token that ends the text may come where the text is complete, and only there. There is always one.
    ///
    /// Asking again without a token in between gives the same answer.
    ///
    /// # Errors
    /// A sentence, when what may come next cannot be found out with the work that one token is worth.
    fn allowed(&mut self) -> Result<&[u32], String>;

    /// A token has become part of the text. Tokens that end it are not told.
    ///
    /// # Errors
    /// A sentence, when the form does not allow it.
    fn accept(&mut self, token: u32) -> Result<(), String>;

    /// Whether the text is complete and nothing can follow, so that no model needs to be asked to end it.
    fn is_done(&self) -> bool;

    /// Another one at the same place of the same text.
    fn boxed_clone(&self) -> Box<dyn Constraint>;
}

impl Clone for Box<dyn Constraint> {
    fn clone(&self) -> Self {
        (**self).boxed_clone()
    }
}

/// Whether a token is among [`Constraint::allowed`].
#[must_use]
pub fn allows(words: &[u32], token: u32) -> bool {
    words.get(token as usize / 32).is_some_and(|word| word >> (token % 32) & 1 == 1)
}
