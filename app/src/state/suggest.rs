//! Completions for the editor and for scripts.

use leptos::prelude::*;
use protocol::{Blob, Fault, Suggest, Suggested};

use super::App;
use crate::editor::{Asked, answer_suggestions};

impl App {
    /// What could stand at a caret. Dropping the future ends the work on it.
    ///
    /// # Errors
    /// The engine's fault, for instance that there is no language model.
    pub async fn suggest(self, asked: Asked) -> Result<Suggested, Fault> {
        let Asked { path, language, text, pos, alternatives } = asked;
        let workspace = self.here()?;
        let call = Suggest { workspace, path, language, text: Blob(0), pos, alternatives };
        self.call_bytes(call, text.as_bytes()).await
    }

    pub(super) fn watch_suggestions(self) {
        answer_suggestions(move |asked| async move {
            // Nobody asked aloud: a failure shows as no grey text, and with the model itself.
            self.suggest(asked).await.map(|suggested| suggested.texts).unwrap_or_default()
        });
    }

    /// Whether there is a language model to ask.
    pub(super) fn has_generator(self) -> Memo<bool> {
        Memo::new(move |_| self.status.with(|status| status.generator.is_some()))
    }
}
