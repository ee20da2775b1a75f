//! The language model of this device: which there are, loading one, and loading it again on the next visit.

use leptos::prelude::*;
use protocol::{Fault, FaultCode, GeneratorFile, GeneratorInfo, LoadGenerator};
use serde::{Deserialize, Serialize};

use super::App;
use super::settings::Settings;
use super::workspace::Phase;
use crate::link::GeneratorState;
use crate::platform::fetch_catalogue;

/// A language model that Alcove knows of, from `public/models/catalogue.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogueEntry {
    /// Names it.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Where its file is: on this page's own server, or at its publisher's.
    pub address: String,
    /// Length of the file.
    pub bytes: u64,
    /// SHA-256 of the file in hex; empty where it is not known.
    pub sha256: String,
    /// Its licence.
    pub licence: String,
    /// What it takes of the memory, about.
    pub memory_bytes: u64,
    /// Longest text that it was trained for, in tokens.
    pub context: u32,
    /// What it is good for: a sentence.
    pub good_for: String,
}

impl CatalogueEntry {
    /// Its file comes with Alcove and need not be downloaded first.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.address.starts_with('/')
    }

    /// Where it is loaded from.
    fn file(&self) -> GeneratorFile {
        if self.is_here() {
            // Named by its content, a browser may keep it for good.
            GeneratorFile::Address(format!("{}?sha256={}", self.address, self.sha256))
        } else {
            GeneratorFile::Kept(self.id.clone())
        }
    }
}

impl App {
    /// All language models that Alcove knows of, the usual one first.
    ///
    /// # Errors
    /// [`FaultCode::Network`] when their list cannot be fetched.
    pub async fn known_models(self) -> Result<Vec<CatalogueEntry>, Fault> {
        if self.catalogue.with_untracked(Vec::is_empty) {
            let json = fetch_catalogue().await?;
            let entries = serde_json::from_str(&json).map_err(|err| {
                Fault::new(FaultCode::BadFile, format!("The list of language models is damaged: {err}."))
            })?;
            self.catalogue.set(entries);
        }
        Ok(self.catalogue.get_untracked())
    }

    /// Load a language model, from the catalogue or kept on this device, now and on the next visit.
    ///
    /// # Errors
    /// Why it could not be loaded.
    pub async fn load_model(self, id: &str, max_tokens: Option<u32>) -> Result<GeneratorInfo, Fault> {
        let known = self.known_models().await?;
        let is_kept = untrack(|| self.shelf.file(id)).is_some_and(|file| file.is_whole);
        let file = match known.iter().find(|entry| entry.id == id).filter(|_| !is_kept) {
            Some(entry) => entry.file(),
            None => GeneratorFile::Kept(id.to_owned()),
        };
        let language = self.language();
        let device = self.settings.with_untracked(|settings| settings.models().device);
        language.load(id.to_owned(), LoadGenerator { file, max_tokens, device });
        let info = language.ready().await?;
        if info.model != id {
            let sentence = "Another language model was asked for while this one was on its way.";
            return Err(Fault::new(FaultCode::Cancelled, sentence));
        }
        self.remember_model(id);
        Ok(info)
    }

    /// Id of the language model that is loaded or on its way there.
    pub fn model_in_use(self) -> Option<String> {
        match self.language_state() {
            GeneratorState::Loading(_) | GeneratorState::Ready(_) => self.language().wanted(),
            GeneratorState::Off | GeneratorState::Failed(_) => None,
        }
    }

    /// Give the memory of the language model back, also on the next visit.
    pub fn unload_model(self) {
        self.language().unload();
        self.remember_model("");
    }

    fn remember_model(self, id: &str) {
        if self.settings.with_untracked(|settings| settings.language != id) {
            self.settings.update(|settings| id.clone_into(&mut settings.language));
            self.settings.with_untracked(Settings::save);
        }
    }

    /// Load what was loaded on the last visit, once the workspace of the last visit is on its way.
    pub(super) fn watch_language(self) {
        let id = self.settings.with_untracked(|settings| settings.language.clone());
        if id.is_empty() {
            return;
        }
        let has_begun = Memo::new(move |_| self.phase.with(|phase| *phase != Phase::Starting));
        Effect::new(move |_| {
            if has_begun.get() {
                let id = id.clone();
                leptos::task::spawn_local(async move {
                    // The status bar says what became of it.
                    let _told = self.load_model(&id, None).await;
                });
            }
        });
    }
}
