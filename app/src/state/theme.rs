//! Applying the settings to the page and the editor.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::Closure;

use super::App;
use super::settings::ThemeChoice;
use crate::editor::{EditorSettings, Theme, set_editor_settings};
use crate::platform::media;

impl App {
    pub(super) fn watch_settings(self) {
        let system = RwSignal::new(system_theme());
        for query in ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"] {
            let Ok(Some(list)) = window().match_media(query) else { continue };
            let listener = Closure::<dyn FnMut()>::new(move || system.set(system_theme()));
            list.set_onchange(Some(listener.as_ref().unchecked_ref()));
            // For as long as the page lives; the list must live as long as its listener.
            std::mem::forget(list);
            listener.forget();
        }
        let has_generator = self.has_generator();
        Effect::new(move |_| {
            let settings = self.settings.get();
            let theme = match settings.theme {
                ThemeChoice::System => system.get(),
                ThemeChoice::Light => Theme::Light,
                ThemeChoice::Dark => Theme::Dark,
                ThemeChoice::Contrast => Theme::ContrastDark,
            };
            let name = match theme {
                Theme::Light => "light",
                Theme::Dark => "dark",
                Theme::ContrastDark => "contrast",
                Theme::ContrastLight => "contrast-light",
            };
            if let Some(root) = document().document_element() {
                let _always = root.set_attribute("data-theme", name);
            }
            // After the attribute: the editor reads its colours from the page.
            set_editor_settings(EditorSettings {
                theme,
                font_size_px: f64::from(settings.font_px),
                word_wrap: settings.word_wrap,
                minimap: settings.minimap,
                screen_reader: settings.screen_reader,
                completions: settings.completions().filter(|_| has_generator.get()),
                ..EditorSettings::default()
            });
        });
    }
}

fn system_theme() -> Theme {
    let dark = media::matches("(prefers-color-scheme: dark)");
    match (dark, media::matches("(prefers-contrast: more)")) {
        (false, false) => Theme::Light,
        (true, false) => Theme::Dark,
        (false, true) => Theme::ContrastLight,
        (true, true) => Theme::ContrastDark,
    }
}
