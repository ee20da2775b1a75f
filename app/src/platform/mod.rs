//! What the page needs from the browser beside the document tree: files in and out, locks, storage, media queries.
//!
//! The rest of the app calls these functions and knows nothing of the interfaces behind them, some of which exist only
//! in some browsers.

pub mod media;
