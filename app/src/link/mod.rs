//! The page's side of its workers: typed calls, and a supervisor that keeps both kinds of worker alive.
//!
//! [`Engine`] is what the rest of the app talks to. Calls made while the engine worker is starting, restarting or dead
//! wait and are sent again to the next instance, so that a crash shows as a short delay. [`Models`] keeps the model
//! workers running and hands the engine a port to each; a model worker that dies fails its own calls and nothing else.

mod alive;
mod engine;
mod generator;
mod line;
mod models;
mod probe;
mod shelf;

pub use engine::Engine;
pub use generator::{Generator, GeneratorState};
pub use line::LinkState;
pub use models::{ModelState, Models, ModelsConfig};
use protocol::{Fault, FaultCode};
pub use shelf::Keeper;

/// Identifies this build, from `<meta name="alcove-build">`; workers of another build are refused.
#[must_use]
pub fn build_id() -> String {
    meta("alcove-build").unwrap_or_else(|| "dev".into())
}

/// What a page that the server has outgrown answers to everything that needs the engine.
#[must_use]
pub fn outgrown() -> Fault {
    Fault::new(
        FaultCode::StaleBuild,
        "Alcove was updated while this page was open. Reload the page to go on; what is typed until then is not kept.",
    )
}

/// Content of a `<meta>` element of the page.
#[must_use]
pub fn meta(name: &str) -> Option<String> {
    let document = web_sys::window()?.document()?;
    let element = document.query_selector(&format!("meta[name=\"{name}\"]")).ok()??;
    element.get_attribute("content").filter(|content| !content.is_empty())
}
