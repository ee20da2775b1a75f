//! Completions at a caret: how far one goes, and whether it fits where it is to stand.
