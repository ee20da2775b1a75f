//! Settings of the person for every workspace on this device, kept in the browser's local storage as JSON.

use leptos::prelude::*;
use protocol::{DeviceKind, Precision};
use serde::{Deserialize, Serialize};

use crate::editor::Completions;
use crate::link::ModelsConfig;

const KEY: &str = "alcove.settings";
/// Where the number of the workspace that was open last stands.
const LAST: &str = "alcove.last";

/// Colours of the interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    /// As the system says.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
    /// Strong contrast on black.
    Contrast,
}

impl ThemeChoice {
    /// All of them with the name shown.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::System, "System"),
        (Self::Light, "Light"),
        (Self::Dark, "Dark"),
        (Self::Contrast, "High contrast"),
    ];
}

/// What can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Colours.
    pub theme: ThemeChoice,
    /// Size of the editor's text in CSS pixels, 8 to 40.
    pub font_px: u32,
    /// Break long lines at the edge of the editor.
    pub word_wrap: bool,
    /// Show the overview of the whole file beside the text.
    pub minimap: bool,
    /// Tell the editor that a screen reader is in use.
    pub screen_reader: bool,
    /// Larger files are left out when a folder or archive is opened.
    pub max_file_kib: u32,
    /// Leave out what `.gitignore` files name.
    pub honour_ignore: bool,
    /// Embed chunks for search by meaning.
    pub embedding: bool,
    /// `cpu` or `gpu`; empty lets the probe decide.
    pub device: String,
    /// `f32` or `int8`; empty lets the device decide.
    pub precision: String,
    /// Number of CPU model workers; 0 lets the number of cores decide.
    pub num_workers: u32,
    /// Id of the language model that is loaded, also on the next visit; empty for none.
    pub language: String,
    /// Bytes of weights that the language model loaded last went through in a second; 0 before one was measured.
    pub weights_per_s: f64,
    /// Completions as grey text.
    pub completions: bool,
    /// After which pause one is asked for, milliseconds.
    pub completion_delay_ms: u32,
    /// Language ids without completions, separated by commas.
    pub completions_off: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            font_px: 14,
            word_wrap: false,
            minimap: false,
            screen_reader: false,
            max_file_kib: 2048,
            honour_ignore: true,
            embedding: true,
            device: String::new(),
            precision: String::new(),
            num_workers: 0,
            language: String::new(),
            weights_per_s: 0.0,
            completions: true,
            completion_delay_ms: 300,
            completions_off: String::new(),
        }
    }
}

impl Settings {
    /// What is kept, with whatever is missing, unknown or out of bounds at its default.
    #[must_use]
    pub fn load() -> Self {
        storage()
            .and_then(|storage| storage.get_item(KEY).ok().flatten())
            .map_or_else(Self::default, |json| Self::read(&json))
    }

    fn read(json: &str) -> Self {
        let mut settings: Self = serde_json::from_str(json).unwrap_or_default();
        settings.font_px = settings.font_px.clamp(8, 40);
        settings.max_file_kib = settings.max_file_kib.clamp(16, 65_536);
        settings.num_workers = settings.num_workers.min(16);
        settings.completion_delay_ms = settings.completion_delay_ms.clamp(50, 10_000);
        settings
    }

    /// Keep them. Without local storage they hold until the tab closes.
    pub fn save(&self) {
        if let (Some(storage), Ok(json)) = (storage(), serde_json::to_string(self)) {
            let _full_or_forbidden = storage.set_item(KEY, &json);
        }
    }

    /// The size cap in bytes.
    #[must_use]
    pub fn max_file_bytes(&self) -> u64 {
        u64::from(self.max_file_kib) * 1024
    }

    /// When the editor asks for completions; `None` where they are off.
    #[must_use]
    pub fn completions(&self) -> Option<Completions> {
        let ids = self.completions_off.split([',', ' ']).filter(|id| !id.is_empty()).map(str::to_lowercase);
        self.completions.then(|| Completions { delay_ms: self.completion_delay_ms, off: ids.collect() })
    }

    /// What the model workers need to know.
    #[must_use]
    pub fn models(&self) -> ModelsConfig {
        ModelsConfig {
            device: match self.device.as_str() {
                "cpu" => Some(DeviceKind::Cpu),
                "gpu" => Some(DeviceKind::WebGpu),
                _ => None,
            },
            precision: match self.precision.as_str() {
                "f32" => Some(Precision::F32),
                "int8" => Some(Precision::Int8),
                _ => None,
            },
            num_workers: (self.num_workers > 0).then_some(self.num_workers),
            ..ModelsConfig::default()
        }
    }
}

/// The workspace that was open last in this browser.
#[must_use]
pub fn last_workspace() -> Option<u64> {
    storage()?.get_item(LAST).ok().flatten()?.parse().ok()
}

/// Remember which workspace is open; `None` after it was closed.
pub fn set_last_workspace(id: Option<u64>) {
    let Some(storage) = storage() else { return };
    let _full_or_forbidden = match id {
        Some(id) => storage.set_item(LAST, &id.to_string()),
        None => storage.remove_item(LAST),
    };
}

/// What the browser keeps for this origin, unless that is forbidden.
pub(super) fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_missing_fields_fall_back() {
        let settings = Settings::read(r#"{"theme":"dark","colour":"red"}"#);
        assert_eq!(settings, Settings { theme: ThemeChoice::Dark, ..Settings::default() });
        assert_eq!(Settings::read("nonsense"), Settings::default());
        assert_eq!(Settings::read(r#"{"theme":"pink"}"#), Settings::default());
    }

    #[test]
    fn bounds_hold() {
        let settings =
            Settings::read(r#"{"font_px":900,"max_file_kib":0,"num_workers":999,"completion_delay_ms":0}"#);
        assert_eq!((settings.font_px, settings.max_file_kib, settings.num_workers), (40, 16, 16));
        assert_eq!(settings.completion_delay_ms, 50);
    }

    #[test]
    fn languages_without_completions_are_read_from_one_line() {
        let mut settings =
            Settings { completions_off: "Markdown, plaintext,,yaml ".into(), ..Settings::default() };
        let off = settings.completions().map(|completions| completions.off);
        assert_eq!(off.unwrap_or_default(), ["markdown", "plaintext", "yaml"]);
        settings.completions = false;
        assert_eq!(settings.completions(), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let settings = Settings { device: "cpu".into(), embedding: false, ..Settings::default() };
        let json = serde_json::to_string(&settings).unwrap_or_default();
        assert_eq!(Settings::read(&json), settings);
        assert_eq!(settings.models().device, Some(DeviceKind::Cpu));
    }
}
