//! The server of Alcove: for now a careful static host of the built page.
//!
//! Everything a person does happens in the browser, so this crate never sees a file of theirs and must not learn to:
//! it hands out what the build made, with the headers that keep the page isolated. [`app`] is a pure
//! [`axum::Router`] over a folder, so the tests run it in memory; [`listen`] owns the sockets, the time limits and
//! the end of the process.

mod answer;
mod config;
mod files;
mod guard;
mod headers;
mod listen;
mod logs;
mod negotiate;
mod site;

pub use answer::Refusal;
pub use config::{Config, ConfigError, LogFormat, ModelHost, Options};
pub use files::{Located, locate};
pub use guard::Hosts;
pub use headers::CONTENT_SECURITY_POLICY;
pub use listen::{ServeError, bind, serve};
pub use logs::start_logs;
pub use negotiate::{Encoding, RangeAsked, choose_encoding, parse_range};
pub use site::app;
