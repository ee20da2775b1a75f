//! What is put before a language model, and what is made of its answers: prompts within a budget, completions that are
//! cut to what fits the place, citations that are held to the lines they name.
//!
//! Plain functions over texts. Knows neither the model nor the index nor messages: passages and counts of tokens come
//! in, what to send and what to show comes out.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod chat;
pub mod completion;
