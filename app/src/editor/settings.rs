//! How the editor looks and behaves, the same for every pane.

use std::cell::RefCell;

use wasm_bindgen::JsValue;

use super::monaco;

/// The three themes of the interface. Colours come from the page's CSS tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark text on light ground.
    #[default]
    Light,
    /// Light text on dark ground.
    Dark,
    /// Strong contrast on black.
    ContrastDark,
    /// Strong contrast on white.
    ContrastLight,
}

impl Theme {
    const fn id(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::ContrastDark => "contrast-dark",
            Self::ContrastLight => "contrast-light",
        }
    }
}

/// Settings of the editor.
#[derive(Clone, Debug, PartialEq)]
pub struct EditorSettings {
    /// Which theme.
    pub theme: Theme,
    /// Size of the text in CSS pixels.
    pub font_size_px: f64,
    /// Break long lines at the edge of the pane.
    pub word_wrap: bool,
    /// Show the overview of the whole file.
    pub minimap: bool,
    /// Width of a tab where the file does not show another.
    pub tab_size: u32,
    /// Announce everything to a screen reader; costs speed, so it is asked for and not guessed.
    pub screen_reader: bool,
    /// Completions as grey text; `None` while they are off or there is nobody to ask.
    pub completions: Option<Completions>,
}

/// When completions are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completions {
    /// Pause of the person after which one is asked for, milliseconds.
    pub delay_ms: u32,
    /// Language ids in which none are.
    pub off: Vec<String>,
}

impl Default for EditorSettings {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            font_size_px: 14.0,
            word_wrap: false,
            minimap: false,
            tab_size: 4,
            screen_reader: false,
            completions: None,
        }
    }
}

thread_local! {
    static SETTINGS: RefCell<EditorSettings> = RefCell::default();
}

/// The settings in force.
#[must_use]
pub fn editor_settings() -> EditorSettings {
    SETTINGS.with_borrow(Clone::clone)
}

/// Use these settings in every pane, now and later. Call it again after the page's theme class has changed, even
/// when the theme is the same: the colours are read from the page's CSS at that moment.
pub fn set_editor_settings(settings: EditorSettings) {
    SETTINGS.set(settings);
    apply();
}

/// Hand the settings to the editor module when it is loaded.
pub(super) fn apply() {
    let Some(module) = monaco::loaded() else { return };
    let settings = editor_settings();
    let completions = settings.completions.map_or(JsValue::NULL, |completions| {
        let off: js_sys::Array = completions.off.iter().map(|id| JsValue::from_str(id)).collect();
        monaco::object(&[("delayMs", completions.delay_ms.into()), ("off", off.into())])
    });
    module.configure(&monaco::object(&[
        ("theme", settings.theme.id().into()),
        ("fontSize", settings.font_size_px.into()),
        ("wordWrap", settings.word_wrap.into()),
        ("minimap", settings.minimap.into()),
        ("tabSize", settings.tab_size.into()),
        ("screenReader", settings.screen_reader.into()),
        ("completions", completions),
    ]));
}
