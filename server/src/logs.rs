//! Structured logs to standard error; standard output carries only the line with the address.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::{Config, LogFormat};

/// Start logging for the whole process.
///
/// # Errors
/// A sentence, when the filter cannot be parsed or logs were started before.
pub fn start_logs(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|err| format!("The log filter “{}” is not valid: {err}.", config.log))?;
    // Colours are for a terminal; in a file they are noise.
    let colours = std::io::stderr().is_terminal();
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    match config.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    }
    .map_err(|err| err.to_string())
}
