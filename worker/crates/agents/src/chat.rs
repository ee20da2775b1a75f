//! Answers from a workspace: what to send, and what the citations of an answer mean.
