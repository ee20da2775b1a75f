//! The dialogs: questions, prompts, the comparison, the list of workspaces, the shortcuts.

use leptos::html::Input;
use leptos::prelude::*;
use wasm_split_helpers::wasm_split;

use super::command::{COMMANDS, shown_keys};
use super::icon::{Glyph, icon};
use super::modal::Modal;
use super::models::ModelsDialog;
use super::palette::Palette;
use super::part::{Part, part};
use super::settings::SettingsDialog;
use super::start::Kept;
use crate::editor::{DiffOf, DiffView};
use crate::state::dialog::{Dialog, Prompt, Question};
use crate::state::tree::file_name;
use crate::state::{Conflict, app};

/// Whatever dialog is open.
#[component]
pub fn Dialogs() -> impl IntoView {
    let app = app();
    let frame =
        |waiting: AnyView| view! { <Modal label="Dialog" class="modal-small">{waiting}</Modal> }.into_any();
    move || app.dialog.get().map(|dialog| part(move || shown(Box::new(dialog.clone())), frame))
}

/// The view of a dialog.
#[wasm_split(dialogs, fallible, preload(fetch_dialogs))]
#[allow(clippy::boxed_local, reason = "what crosses to another module is a pointer")]
pub fn shown(dialog: Box<Dialog>) -> Part {
    Ok(match *dialog {
        Dialog::Palette(text) => view! { <Palette text /> }.into_any(),
        Dialog::Settings => view! { <SettingsDialog /> }.into_any(),
        Dialog::Models => view! { <ModelsDialog /> }.into_any(),
        Dialog::Keys => view! { <Keys /> }.into_any(),
        Dialog::Question(question) => view! { <Ask question /> }.into_any(),
        Dialog::Prompt(prompt) => view! { <AskText prompt /> }.into_any(),
        Dialog::Compare(path) => view! { <Compare path /> }.into_any(),
        Dialog::CompareTexts(path, before, after) => {
            view! { <CompareTexts path before after is_proposal=false /> }.into_any()
        }
        Dialog::Proposal(path, before, after) => {
            view! { <CompareTexts path before after is_proposal=true /> }.into_any()
        }
        Dialog::Conflicts => view! { <Conflicts /> }.into_any(),
        Dialog::Workspaces => view! { <Workspaces /> }.into_any(),
    })
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
    // Enter takes the answer that loses nothing, where there is one, as it does in other editors.
    let safe = question.answers.iter().rposition(|answer| !answer.danger);
    let answers = question
        .answers
        .into_iter()
        .enumerate()
        .map(|(at, answer)| {
            view! {
                <button
                    type="button"
                    class=if answer.danger { "push-button danger" } else { "push-button primary" }
                    autofocus=safe == Some(at)
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
                <button
                    type="button"
                    class="push-button"
                    autofocus=safe.is_none()
                    on:click=move |_| app.dialog.set(None)
                >
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
                    <button type="button" class="push-button" on:click=move |_| app.dialog.set(None)>"Cancel"</button>
                    <button
                        type="submit"
                        class="push-button primary"
                        disabled=move || text.with(|text| text.trim().is_empty())
                    >
                        {prompt.action}
                    </button>
                </div>
            </form>
        </Modal>
    }
}

/// Files with two versions. One dialog for all of them, so that no question takes another one's place.
#[component]
fn Conflicts() -> impl IntoView {
    let app = app();
    let title = app.conflicts.with_untracked(|conflicts| match conflicts.as_slice() {
        [only] => format!("{} changed on disk", only.path),
        several => format!("{} files changed on disk", several.len()),
    });
    let row = move |conflict: Conflict| {
        let (compared, mine, other) = (conflict.clone(), conflict.clone(), conflict.clone());
        let keep = if conflict.brought.is_some() { "Keep Alcove’s" } else { "Replace it on disk" };
        view! {
            <li class="conflict">
                <span class="conflict-path" title=conflict.path.clone()>{conflict.path.clone()}</span>
                <button type="button" class="push-button" on:click=move |_| app.compare_conflict(compared.clone())>"Compare"</button>
                <button type="button" class="push-button danger" on:click=move |_| app.keep_mine(mine.clone())>{keep}</button>
                <button type="button" class="push-button danger" on:click=move |_| app.take_other(other.clone())>"Take the other version"</button>
            </li>
        }
    };
    view! {
        <Modal label=title.clone() class="modal-medium">
            <Head title=title />
            <p>
                "Your changes are saved in Alcove. Outside, the file is not what it was when it was opened here, so both \
                versions were left as they are. Choose for each file which one stays."
            </p>
            <ul class="conflicts modal-scroll">
                <For each=move || app.conflicts.get() key=|conflict| conflict.path.clone() let:conflict>
                    {row(conflict)}
                </For>
            </ul>
        </Modal>
    }
}

/// Two versions of a file, of which the second can be taken when it is a proposal.
#[component]
fn CompareTexts(path: String, before: String, after: String, is_proposal: bool) -> impl IntoView {
    let app = app();
    on_cleanup(move || {
        // Back to where the choice is made, once this dialog is gone and no other one took its place.
        gloo_timers::callback::Timeout::new(0, move || {
            let is_open = app.conflicts.with_untracked(|conflicts| !conflicts.is_empty());
            if is_open && !is_proposal && app.dialog.with_untracked(Option::is_none) {
                app.dialog.set(Some(Dialog::Conflicts));
            }
        })
        .forget();
    });
    let name = file_name(&path);
    let language =
        crate::editor::document(&path).map_or_else(|| "plaintext".into(), |document| document.language());
    let (label, versions) = match is_proposal {
        true => ("Proposed changes to ", ": now and as proposed"),
        false => ("Two versions of ", ": on disk and in Alcove"),
    };
    let (label, title) = ([label, name].concat(), [name, versions].concat());
    let texts = DiffOf::Texts { before: before.clone(), after: after.clone(), language };
    let actions = is_proposal.then(|| {
        view! {
            <div class="modal-actions">
                <button type="button" class="push-button" on:click=move |_| app.dialog.set(None)>"Reject"</button>
                <button
                    type="button"
                    class="push-button primary"
                    on:click=move |_| {
                        app.dialog.set(None);
                        app.take_proposal(&path, &before, &after);
                    }
                >
                    "Accept"
                </button>
            </div>
        }
    });
    view! {
        <Modal label=label class="modal-wide">
            <Head title=title />
            <div class="compare">
                <DiffView of=Signal::stored(texts) />
            </div>
            {actions}
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
                    class="push-button danger"
                    disabled=move || !dirty.get()
                    on:click=move |_| app.revert(&revert)
                >
                    "Drop changes…"
                </button>
                <button
                    type="button"
                    class="push-button primary"
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
