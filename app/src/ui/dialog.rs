//! The dialogs: questions, prompts, the comparison, the list of workspaces, the shortcuts.

use leptos::html::Input;
use leptos::prelude::*;

use super::command::{COMMANDS, shown_keys};
use super::icon::{Glyph, icon};
use super::modal::Modal;
use super::palette::Palette;
use super::settings::SettingsDialog;
use super::start::Kept;
use crate::editor::{DiffOf, DiffView};
use crate::state::app;
use crate::state::dialog::{Dialog, Prompt, Question};
use crate::state::tree::file_name;

/// Whatever dialog is open.
#[component]
pub fn Dialogs() -> impl IntoView {
    let app = app();
    move || {
        app.dialog.get().map(|dialog| match dialog {
            Dialog::Palette(text) => view! { <Palette text /> }.into_any(),
            Dialog::Settings => view! { <SettingsDialog /> }.into_any(),
            Dialog::Keys => view! { <Keys /> }.into_any(),
            Dialog::Question(question) => view! { <Ask question /> }.into_any(),
            Dialog::Prompt(prompt) => view! { <AskText prompt /> }.into_any(),
            Dialog::Compare(path) => view! { <Compare path /> }.into_any(),
            Dialog::CompareTexts(path, before, after) => {
                view! { <CompareTexts path before after /> }.into_any()
            }
            Dialog::Workspaces => view! { <Workspaces /> }.into_any(),
        })
    }
}

/// Title line with a close button.
#[component]
pub fn Head(#[prop(into)] title: String) -> impl IntoView {
    let app = app();
    view! {
        <header class="modal-head">
            <h2>{title}</h2>
            <button type="button" class="tool" aria-label="Close" on:click=move |_| app.dialog.set(None)>
                {icon(Glyph::Close)}
            </button>
        </header>
    }
}

#[component]
fn Ask(question: Question) -> impl IntoView {
    let app = app();
    let answers = question
        .answers
        .into_iter()
        .map(|answer| {
            view! {
                <button
                    type="button"
                    class=if answer.danger { "button danger" } else { "button primary" }
                    on:click=move |_| {
                        // A second press finds the question answered.
                        if app.dialog.with_untracked(Option::is_none) {
                            return;
                        }
                        app.dialog.set(None);
                        (answer.run)(());
                    }
                >
                    {answer.label}
                </button>
            }
        })
        .collect_view();
    view! {
        <Modal label=question.title.clone() class="modal-small">
            <h2>{question.title}</h2>
            <p>{question.body}</p>
            <div class="modal-actions">
                <button type="button" class="button" autofocus on:click=move |_| app.dialog.set(None)>
                    "Cancel"
                </button>
                {answers}
            </div>
        </Modal>
    }
}

#[component]
fn AskText(prompt: Prompt) -> impl IntoView {
    let app = app();
    let text = RwSignal::new(prompt.value);
    let field = NodeRef::<Input>::new();
    let (from, to) = prompt.selected_utf16;
    Effect::new(move |_| {
        let Some(field) = field.get() else { return };
        // After the dialog has opened, which moves the focus itself.
        request_animation_frame(move || {
            let _gone = field.focus();
            let _not_text = field.set_selection_range(from, to);
        });
    });
    let run = prompt.run;
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let text = text.get_untracked().trim().to_owned();
        if !text.is_empty() && app.dialog.with_untracked(Option::is_some) {
            app.dialog.set(None);
            run(text);
        }
    };
    view! {
        <Modal label=prompt.title.clone() class="modal-small">
            <form on:submit=submit>
                <h2>{prompt.title}</h2>
                <label class="field">
                    <span>{prompt.label}</span>
                    <input
                        node_ref=field
                        type="text"
                        autocomplete="off"
                        spellcheck="false"
                        prop:value=text
                        on:input=move |event| text.set(event_target_value(&event))
                    />
                </label>
                <div class="modal-actions">
                    <button type="button" class="button" on:click=move |_| app.dialog.set(None)>"Cancel"</button>
                    <button
                        type="submit"
                        class="button primary"
                        disabled=move || text.with(|text| text.trim().is_empty())
                    >
                        {prompt.action}
                    </button>
                </div>
            </form>
        </Modal>
    }
}

#[component]
fn CompareTexts(path: String, before: String, after: String) -> impl IntoView {
    let name = file_name(&path).to_owned();
    let language =
        crate::editor::document(&path).map_or_else(|| "plaintext".into(), |document| document.language());
    view! {
        <Modal label=format!("Two versions of {name}") class="modal-wide">
            <Head title=format!("{name}: on disk and in Alcove") />
            <div class="compare">
                <DiffView of=Signal::stored(DiffOf::Texts { before, after, language }) />
            </div>
        </Modal>
    }
}

#[component]
fn Compare(path: String) -> impl IntoView {
    let app = app();
    let (save, revert) = (path.clone(), path.clone());
    let name = file_name(&path).to_owned();
    let dirty = {
        let path = path.clone();
        Memo::new(move |_| app.dirty.with(|dirty| dirty.contains(&path)))
    };
    view! {
        <Modal label=format!("Changes to {name}") class="modal-wide">
            <Head title=format!("{name}: saved and unsaved") />
            <div class="compare">
                <DiffView of=Signal::stored(DiffOf::Unsaved(path)) />
            </div>
            <div class="modal-actions">
                <Show when=move || !dirty.get()>
                    <span class="muted">"There are no unsaved changes."</span>
                </Show>
                <button
                    type="button"
                    class="button danger"
                    disabled=move || !dirty.get()
                    on:click=move |_| app.revert(&revert)
                >
                    "Drop changes…"
                </button>
                <button
                    type="button"
                    class="button primary"
                    disabled=move || !dirty.get()
                    on:click=move |_| {
                        app.save(&save);
                        app.dialog.set(None);
                    }
                >
                    "Save"
                </button>
            </div>
        </Modal>
    }
}

#[component]
fn Workspaces() -> impl IntoView {
    view! {
        <Modal label="Workspaces" class="modal-medium">
            <Head title="Workspaces on this device" />
            <Kept />
            <super::start::OpenButtons />
        </Modal>
    }
}

#[component]
fn Keys() -> impl IntoView {
    let rows = COMMANDS
        .iter()
        .filter(|command| !command.keys.is_empty())
        .map(|command| {
            view! {
                <tr>
                    <td>{command.title.trim_end_matches('…')}</td>
                    <td><kbd>{shown_keys(command.id)}</kbd></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Modal label="Keyboard shortcuts" class="modal-medium">
            <Head title="Keyboard shortcuts" />
            <div class="modal-scroll" tabindex="0">
                <table class="keys">
                    <tbody>{rows}</tbody>
                </table>
                <p class="muted">
                    "In lists and in the tree the arrow keys move, Enter opens, Shift+Enter opens beside; in the tree F2 renames \
                    and Delete deletes. Some chords belong to the browser unless Alcove is installed as an app."
                </p>
            </div>
        </Modal>
    }
}
