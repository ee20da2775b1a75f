//! The page of Alcove: everything that a person sees, and the supervisor of the workers behind it.

mod link;
mod platform;
mod editor;

fn main() {}
