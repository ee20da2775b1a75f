//! The language model of this device: which there are, loading one, and loading it again on the next visit.

use leptos::prelude::*;
use protocol::{Fault, FaultCode, GeneratorFile, GeneratorInfo, LoadGenerator, ModelFile};
use serde::{Deserialize, Serialize};

use super::App;
use super::fit::{Fit, device_gib, fit, need};
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
        self.private.update_value(|private| private.model_asked = Some(id.to_owned()));
        let known = self.known_models().await?;
        // A copy on this device is taken before the server's, also by a page that has just begun. Where the keeper cannot
        // say, the server is asked.
        let _listed = self.shelf.list_once().await;
        let other = || {
            let sentence = "Another language model was asked for while this one was on its way.";
            Fault::new(FaultCode::Cancelled, sentence)
        };
        if self.private.with_value(|private| private.model_asked.as_deref() != Some(id)) {
            return Err(other());
        }
        let kept = untrack(|| self.shelf.file(id));
        let entry = known.iter().find(|entry| entry.id == id);
        if let Some(Fit::TooLarge(why)) = need(entry, kept.as_ref()).map(|need| fit(need, device_gib())) {
            let name = entry.map(|entry| &entry.name).or(kept.as_ref().map(|file| &file.name));
            let name = name.map_or(id, String::as_str);
            return Err(Fault::new(FaultCode::TooLarge, format!("“{name}” cannot be loaded. {why}")));
        }
        // What the catalogue names may have become another file since the copy was made.
        let is_same = |file: &ModelFile| {
            entry.is_none_or(|entry| entry.sha256.is_empty() || entry.sha256 == file.sha256)
        };
        let is_kept = kept.is_some_and(|file| file.is_whole && is_same(&file));
        let file = match entry.filter(|_| !is_kept) {
            Some(entry) => entry.file(),
            None => GeneratorFile::Kept(id.to_owned()),
        };
        let language = self.language();
        let device = self.settings.with_untracked(|settings| settings.models().device);
        language.load(id.to_owned(), LoadGenerator { file, max_tokens, device });
        let info = language.ready().await?;
        if info.model != id {
            return Err(other());
        }
        self.remember_model(id);
        self.remember_pace(&info);
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
        self.private.update_value(|private| private.model_asked = None);
        self.language().unload();
        self.remember_model("");
    }

    fn remember_model(self, id: &str) {
        if self.settings.with_untracked(|settings| settings.language != id) {
            self.settings.update(|settings| id.clone_into(&mut settings.language));
            self.settings.with_untracked(Settings::save);
        }
    }

    /// Other models are judged by it before they are loaded.
    fn remember_pace(self, info: &GeneratorInfo) {
        let weights_per_s = f64::from(info.decode_per_s) * info.weight_bytes as f64;
        if weights_per_s > 0.0 {
            self.settings.update(|settings| settings.weights_per_s = weights_per_s);
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
                    let outcome = self.load_model(&id, None).await;
                    // What became of a model that was begun with is told by the status bar.
                    if let Err(fault) = outcome
                        && fault.code != FaultCode::Cancelled
                        && untrack(|| self.language_state()) == GeneratorState::Off
                    {
                        self.toasts.fault(&fault);
                    }
                });
            }
        });
    }
}
