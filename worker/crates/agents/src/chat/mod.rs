//! Answers from a workspace: what to send, and what the citations of an answer mean.
//!
//! Written for small models. They follow one short instruction, take a fence for a border, and cite badly: that is why
//! what they quote is looked up in what they were given, and why nothing links that is not there.

mod circle;
mod cite;
mod ground;
mod markdown;
mod moved;
mod pack;
mod prompt;
mod question;

pub use circle::circle;
pub use cite::{Cited, Lookup, citations};
pub use ground::{Evidence, Thresholds, is_grounded};
pub use moved::{Anchor, align};
pub use pack::{Numbered, Packed, Piece, merge, pack, pack_history};
pub use prompt::{Exchange, Line, Who, conversation, rendered};
pub use question::{follows_up, joint_question};
