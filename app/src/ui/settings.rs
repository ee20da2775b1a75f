//! The settings dialog. Everything applies at once and is kept at once.

use leptos::prelude::*;

use super::dialog::Head;
use super::modal::Modal;
use crate::link::ModelState;
use crate::state::dialog::Dialog;
use crate::state::settings::{Settings, ThemeChoice};
use crate::state::{App, Phase, app};

/// The dialog.
#[component]
pub fn SettingsDialog() -> impl IntoView {
    let app = app();
    let settings = app.settings;
    let model = move || match app.model_state() {
        ModelState::Off => "The model is not loaded.".to_owned(),
        ModelState::Loading(progress) => format!("{}…", progress.stage),
        ModelState::Failed(sentence) => sentence,
        ModelState::Ready(info, workers) => {
            let speed = info.device.sequences_per_s * workers as f32;
            let speed = if speed > 0.0 {
                format!(" {speed:.0} sequences of 128 tokens per second.")
            } else {
                String::new()
            };
            format!(
                "{} runs in {workers} worker{}. {}{speed}",
                info.model,
                if workers == 1 { "" } else { "s" },
                info.device.reason
            )
        }
    };
    view! {
        <Modal label="Settings" class="modal-medium">
            <Head title="Settings" />
            <div class="modal-scroll settings">
                <h3>"Look"</h3>
                <label class="field">
                    <span>"Theme"</span>
                    <select on:change=move |event| {
                        let name = event_target_value(&event);
                        let theme = ThemeChoice::ALL.into_iter().find(|(_, label)| *label == name);
                        app.change(|s| s.theme = theme.map(|(theme, _)| theme).unwrap_or_default());
                    }>
                        {ThemeChoice::ALL
                            .map(|(theme, label)| {
                                view! { <option value=label selected=move || settings.with(|s| s.theme == theme)>{label}</option> }
                            })
                            .collect_view()}
                    </select>
                </label>
                <Number label="Text size in the editor, pixels" min=8 max=40 get=|s| s.font_px set=|s, n| s.font_px = n />
                <Check label="Wrap long lines" get=|s| s.word_wrap set=|s, on| s.word_wrap = on />
                <Check label="Minimap" get=|s| s.minimap set=|s, on| s.minimap = on />
                <Check label="Tell the editor that I use a screen reader" get=|s| s.screen_reader set=|s, on| s.screen_reader = on />

                <h3>"Completions while typing"</h3>
                <Check label="Show in grey how the language model would go on" get=|s| s.completions set=|s, on| s.completions = on />
                <Number
                    label="After a pause of, milliseconds"
                    min=50
                    max=10000
                    get=|s| s.completion_delay_ms
                    set=|s, n| s.completion_delay_ms = n
                />
                <Words
                    label="Not in these languages, separated by commas"
                    hint="markdown, plaintext"
                    get=|s| s.completions_off.clone()
                    set=|s, text| s.completions_off = text
                />

                <h3>"Opening projects"</h3>
                <Check label="Leave out what .gitignore files name" get=|s| s.honour_ignore set=|s, on| s.honour_ignore = on />
                <Number
                    label="Leave out files larger than, kilobytes"
                    min=16
                    max=65536
                    get=|s| s.max_file_kib
                    set=|s, n| s.max_file_kib = n
                />
                <p class="muted">"Both apply to what you open from now on."</p>

                <h3>"Models"</h3>
                <Choice
                    label="Device"
                    options=&[("", "Automatic"), ("cpu", "Processor"), ("gpu", "WebGPU")]
                    get=|s| s.device.clone()
                    set=|s, value| s.device = value
                />
                <p class="muted">"For a language model it counts from when that is loaded next."</p>

                <h3>"Search by meaning"</h3>
                <Check
                    label="Embed the code on this device"
                    get=|s| s.embedding
                    set=|s, on| s.embedding = on
                />
                <Choice
                    label="Precision"
                    options=&[("", "Automatic"), ("int8", "int8, faster"), ("f32", "float32, exact")]
                    get=|s| s.precision.clone()
                    set=|s, value| s.precision = value
                />
                <Number
                    label="Model workers, 0 for automatic"
                    min=0
                    max=16
                    get=|s| s.num_workers
                    set=|s, n| s.num_workers = n
                />
                <p class="muted" role="status">{model}</p>

                <h3>"Language models"</h3>
                <button type="button" class="push-button" on:click=move |_| app.dialog.set(Some(Dialog::Models))>
                    "Models…"
                </button>
            </div>
        </Modal>
    }
}

#[component]
fn Check(label: &'static str, get: fn(&Settings) -> bool, set: fn(&mut Settings, bool)) -> impl IntoView {
    let app = app();
    view! {
        <label class="check">
            <input
                type="checkbox"
                prop:checked=move || app.settings.with(get)
                on:change=move |event| app.change(|s| set(s, event_target_checked(&event)))
            />
            <span>{label}</span>
        </label>
    }
}

#[component]
fn Number(
    label: &'static str,
    min: u32,
    max: u32,
    get: fn(&Settings) -> u32,
    set: fn(&mut Settings, u32),
) -> impl IntoView {
    let app = app();
    view! {
        <label class="field">
            <span>{label}</span>
            <input
                type="number"
                min=min
                max=max
                prop:value=move || app.settings.with(get).to_string()
                on:change=move |event| {
                    let number = event_target_value(&event).parse::<f64>().unwrap_or(f64::from(min));
                    let number = number.clamp(f64::from(min), f64::from(max)) as u32;
                    app.change(|s| set(s, number));
                }
            />
        </label>
    }
}

#[component]
fn Words(
    label: &'static str,
    hint: &'static str,
    get: fn(&Settings) -> String,
    set: fn(&mut Settings, String),
) -> impl IntoView {
    let app = app();
    view! {
        <label class="field">
            <span>{label}</span>
            <input
                type="text"
                placeholder=hint
                spellcheck="false"
                prop:value=move || app.settings.with(get)
                on:change=move |event| app.change(|s| set(s, event_target_value(&event)))
            />
        </label>
    }
}

#[component]
fn Choice(
    label: &'static str,
    options: &'static [(&'static str, &'static str)],
    get: fn(&Settings) -> String,
    set: fn(&mut Settings, String),
) -> impl IntoView {
    let app = app();
    let options = options
        .iter()
        .map(|&(value, text)| {
            view! { <option value=value selected=move || app.settings.with(get) == value>{text}</option> }
        })
        .collect_view();
    view! {
        <label class="field">
            <span>{label}</span>
            <select on:change=move |event| app.change(|s| set(s, event_target_value(&event)))>{options}</select>
        </label>
    }
}

impl App {
    /// Change settings: they apply and are kept at once. Model workers start again when something about them changed.
    pub fn change(self, change: impl FnOnce(&mut Settings)) {
        let before = self.settings.get_untracked();
        self.settings.update(change);
        if self.settings.with_untracked(|now| now.device != before.device) {
            // Measured on what the person has just left.
            self.settings.update(|settings| settings.weights_per_s = 0.0);
        }
        let now = self.settings.get_untracked();
        now.save();
        let model = |s: &Settings| (s.embedding, s.device.clone(), s.precision.clone(), s.num_workers);
        if model(&before) != model(&now) && self.phase.with_untracked(|phase| *phase == Phase::Open) {
            self.start_models();
        }
    }
}
