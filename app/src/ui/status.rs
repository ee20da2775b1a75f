//! The status bar: what is indexed, on which device, how much is left, and where the cursor stands.

use leptos::prelude::*;
use protocol::{Access, DeviceKind, EmbedState, Precision, Progress};

use super::command::hint;
use super::format::{bytes, count, percent, several, short, time_left};
use super::icon::{Glyph, icon};
use super::workbench::run;
use crate::editor::Eol;
use crate::link::{GeneratorState, LinkState, ModelState};
use crate::state::dialog::Dialog;
use crate::state::{App, app};

/// The status bar.
#[component]
pub fn StatusBar() -> impl IntoView {
    view! {
        <footer class="status" aria-label="Status">
            <Link />
            <OnDisk />
            <Layers />
            <Model />
            <Language />
            <span class="spacer"></span>
            <Place />
            <Resources />
        </footer>
    }
}

#[component]
fn Link() -> impl IntoView {
    let app = app();
    let state = move || match app.link_state() {
        LinkState::Ready => None,
        LinkState::Starting => Some(("Engine is starting", false)),
        LinkState::Restarting(_) => Some(("Engine is being started again", false)),
        LinkState::Stale => Some(("Alcove was updated: reload", true)),
        LinkState::Failed(_) => Some(("Engine failed: start again", true)),
    };
    let access = move || match app.access.get() {
        Some(Access::Reader) => Some((Glyph::Lock, "Read only", "Another tab writes to this workspace.")),
        Some(Access::Memory) => {
            Some((Glyph::Warning, "Not stored", "This browser gives no storage to this page."))
        }
        Some(Access::Writer) | None => None,
    };
    let mend = move |_| match app.link_state() {
        LinkState::Stale => {
            let _refused = window().location().reload();
        }
        _ => app.engine().restart(),
    };
    view! {
        {move || state().map(|(text, can_mend)| if can_mend {
            view! { <button type="button" class="status-item warn" on:click=mend>{icon(Glyph::Refresh)} {text}</button> }.into_any()
        } else {
            view! { <span class="status-item" role="status"><span class="spinner"></span> {text}</span> }.into_any()
        })}
        {move || access().map(|(glyph, text, why)| view! {
            <span class="status-item warn" title=why>{icon(glyph)} {text}</span>
        })}
        <Show when=move || !app.online.get()>
            <span class="status-item" title="There is no network. Everything in this tab goes on working.">
                {icon(Glyph::Offline)} "Offline"
            </span>
        </Show>
    }
}

/// What the folder on disk lacks, and what a person has to decide about it.
#[component]
fn OnDisk() -> impl IntoView {
    let app = app();
    let num_behind = Memo::new(move |_| {
        let open = app.opened.with(|opened| opened.as_ref().map(|opened| opened.id));
        let is_ours = app.has_folder.get() && app.access.get() == Some(Access::Writer);
        app.status.with(|status| match &status.workspace {
            Some((id, _)) if is_ours && Some(*id) == open => status.num_behind,
            _ => 0,
        })
    });
    let num_conflicts = Memo::new(move |_| app.conflicts.with(Vec::len));
    view! {
        {move || (num_behind.get() > 0).then(|| view! {
            <button
                type="button"
                class="status-item warn"
                title="Saved in Alcove, and not in the folder on disk that this workspace came from. Click to write to disk."
                on:click=move |_| app.write_to_disk()
            >
                {icon(Glyph::Warning)} {several(u64::from(num_behind.get()), "file")} " not on disk"
            </button>
        })}
        {move || (num_conflicts.get() > 0).then(|| view! {
            <button
                type="button"
                class="status-item warn"
                title="Files that changed both in Alcove and outside. Click to compare and choose."
                on:click=move |_| app.dialog.set(Some(Dialog::Conflicts))
            >
                {several(num_conflicts.get() as u64, "conflict")}
            </button>
        })}
    }
}

#[component]
fn Layers() -> impl IntoView {
    let app = app();
    let layer = move |name: &'static str,
                      short_name: &'static str,
                      unit: &'static str,
                      of: fn(&protocol::EngineStatus) -> Progress| {
        let progress = Memo::new(move |_| app.status.with(of));
        let share = move || percent(progress.get().done, progress.get().total);
        let title = move || {
            let Progress { done, total } = progress.get();
            if total == 0 {
                format!("{name}: nothing to index yet")
            } else {
                format!("{name}: {} of {}", count(u64::from(done)), several(u64::from(total), unit))
            }
        };
        view! {
            <span class="status-item layer" class:ready=move || share() == 100 && progress.get().total != 0 title=title>
                <span class="layer-name">{short_name}</span>
                <span
                    class="meter"
                    role="progressbar"
                    aria-label=name
                    aria-valuemin="0"
                    aria-valuemax="100"
                    aria-valuenow=move || share().to_string()
                    aria-valuetext=title
                >
                    <span style=move || format!("width:{}%", if progress.get().total == 0 { 0 } else { share() })></span>
                </span>
                <span class="layer-share">
                    {move || if progress.get().total == 0 { "–".to_owned() } else { format!("{} %", share()) }}
                </span>
            </span>
        }
    };
    view! {
        {layer("Words", "Words", "file", |status| status.lexical)}
        {layer("Symbols", "Symbols", "file", |status| status.symbols)}
        {layer("Meaning", "Meaning", "passage", |status| status.vectors)}
    }
}

#[component]
fn Model() -> impl IntoView {
    let app = app();
    let embed = Memo::new(move |_| app.status.with(|status| status.embed.clone()));
    let device = move || match app.model_state() {
        ModelState::Off => {
            Some(("Model off".to_owned(), "Search by meaning is switched off in the settings.".to_owned()))
        }
        ModelState::Loading(progress) => {
            let done = progress.done_bytes.min(progress.total_bytes) * 100;
            let share =
                done.checked_div(progress.total_bytes).map(|share| format!(" {share} %")).unwrap_or_default();
            Some((
                format!("{}{share}", progress.stage),
                "The model for search by meaning is being loaded.".to_owned(),
            ))
        }
        ModelState::Failed(sentence) => Some(("No model".to_owned(), sentence)),
        ModelState::Ready(info, workers) => {
            let report = info.device;
            let device = match (report.device, report.precision) {
                (DeviceKind::WebGpu, _) => "WebGPU".to_owned(),
                (DeviceKind::Cpu, Precision::Int8) => "CPU int8".to_owned(),
                (DeviceKind::Cpu, Precision::F32) => "CPU f32".to_owned(),
            };
            let times = if workers > 1 { format!(" × {workers}") } else { String::new() };
            let speed = report.sequences_per_s * workers as f32;
            let speed = if speed > 0.0 { format!(" · {speed:.0} seq/s") } else { String::new() };
            let mut why = format!("{}. {}", info.model, report.reason);
            if !report.adapter.is_empty() {
                why.push_str(&format!(" GPU: {}.", report.adapter));
            }
            if report.relaxed_simd {
                why.push_str(" Relaxed SIMD is used.");
            }
            Some((format!("{device}{times}{speed}"), why))
        }
    };
    let waiting = move || {
        app.status.with(|status| {
            (status.tokens_waiting > 0).then(|| {
                let chunks = u64::from(status.vectors.total.saturating_sub(status.vectors.done));
                let speed = f64::from(status.chunks_per_s);
                // While files are still parsed nobody knows how much there will be.
                let is_known =
                    status.embed == EmbedState::Running && status.symbols.done == status.symbols.total;
                let time = time_left(chunks, speed)
                    .filter(|_| is_known)
                    .map(|time| format!(" · {time}"))
                    .unwrap_or_default();
                let rate = if speed >= 1.0 { format!(" at {speed:.0} a second") } else { String::new() };
                (
                    format!("{} tokens left{time}", short(status.tokens_waiting)),
                    format!("{} of code still to embed{rate}", several(chunks, "passage")),
                )
            })
        })
    };
    view! {
        {move || device().map(|(text, why)| view! {
            <button type="button" class="status-item device" title=why on:click=move |_| run(app, "app.settings")>
                {icon(Glyph::Cpu)} {text}
            </button>
        })}
        {move || waiting().map(|(text, more)| view! { <span class="status-item wide-only" title=more>{text}</span> })}
        {move || match embed.get() {
            EmbedState::Running => Some(pause_button(app, true).into_any()),
            EmbedState::Paused => Some(pause_button(app, false).into_any()),
            EmbedState::Failed(sentence) => {
                Some(view! { <span class="status-item warn" title=sentence>{icon(Glyph::Warning)} "Meaning is off"</span> }.into_any())
            }
            EmbedState::NoModel | EmbedState::Idle => None,
        }}
    }
}

/// The language model, once one was asked for.
#[component]
fn Language() -> impl IntoView {
    let app = app();
    let shown = move || match app.language_state() {
        GeneratorState::Off => None,
        GeneratorState::Loading(progress) => {
            let done = progress.done_bytes.min(progress.total_bytes) * 100;
            let share = done.checked_div(progress.total_bytes).map(|share| format!(" {share} %"));
            Some((format!("{}{}", progress.stage, share.unwrap_or_default()), String::new(), false))
        }
        GeneratorState::Ready(info) => {
            // What files call themselves is often no name for people.
            let known = app
                .catalogue
                .with(|all| all.iter().find(|entry| entry.id == info.model).map(|entry| entry.name.clone()));
            let name = known.unwrap_or(if info.name.is_empty() { info.model } else { info.name });
            let why = format!(
                "{} It reads {:.0} and writes {:.0} tokens a second, and sees {} at a time.",
                info.reason, info.prefill_per_s, info.decode_per_s, info.max_tokens
            );
            Some((name, why, false))
        }
        GeneratorState::Failed(sentence) => Some(("No language model".to_owned(), sentence, true)),
    };
    move || {
        shown().map(|(text, why, is_warning)| {
            view! {
                <button
                    type="button"
                    class="status-item device language"
                    class:warn=is_warning
                    title=why
                    on:click=move |_| app.dialog.set(Some(Dialog::Models))
                >
                    {text}
                </button>
            }
        })
    }
}

fn pause_button(app: App, running: bool) -> impl IntoView {
    let (id, glyph, text, label) = if running {
        ("index.pause", Glyph::Pause, "", "Pause embedding")
    } else {
        ("index.resume", Glyph::Play, "Paused", "Go on with embedding")
    };
    view! {
        <button type="button" class="status-item" title=hint(id) aria-label=label on:click=move |_| run(app, id)>
            {icon(glyph)} {text}
        </button>
    }
}

#[component]
fn Place() -> impl IntoView {
    let app = app();
    let active = Memo::new(move |_| app.layout.with(|layout| layout.active().map(str::to_owned)));
    let cursor = move || {
        let active = active.get();
        app.cursor.get().filter(|cursor| Some(&cursor.path) == active.as_ref()).map(|cursor| {
            let mut text = format!("Ln {}, Col {}", cursor.pos.line + 1, cursor.pos.utf16 + 1);
            if cursor.num_cursors > 1 {
                text.push_str(&format!(" ({} cursors)", cursor.num_cursors));
            } else if cursor.selected_utf16 > 0 {
                text.push_str(&format!(" ({} selected)", cursor.selected_utf16));
            }
            text
        })
    };
    let language = Memo::new(move |_| {
        let path = active.get()?;
        app.files.with(|files| {
            let at = files.binary_search_by(|file| file.path.as_str().cmp(&path)).ok()?;
            files.get(at).map(|file| file.language.clone())
        })
    });
    let switched = RwSignal::new(0u32);
    let opened = move || active.get().as_deref().and_then(crate::editor::document);
    let eol = move || {
        switched.track();
        app.docs.track();
        app.dirty.track();
        let document = opened()?;
        let (eol, mixed) = document.eol();
        let mut name = if mixed { "Mixed".to_owned() } else { eol.name().to_owned() };
        if document.has_bom() {
            name.push_str(" BOM");
        }
        let next = if eol == Eol::Lf && !mixed { Eol::CrLf } else { Eol::Lf };
        Some((name, next))
    };
    let switch_eol = move |eol: Eol| {
        if let Some(document) = opened().filter(|document| document.read_only().is_none()) {
            document.set_eol(eol);
            switched.update(|n| *n += 1);
        }
    };
    view! {
        {move || cursor().map(|text| view! {
            <button type="button" class="status-item" title=hint("palette.line") on:click=move |_| run(app, "palette.line")>
                {text}
            </button>
        })}
        {move || language.get().map(|language| view! {
            <span class="status-item wide-only" title="Language">{language}</span>
        })}
        {move || eol().map(|(name, next)| view! {
            <button
                type="button"
                class="status-item wide-only"
                title=format!("Line endings; click to use {} everywhere in this file", next.name())
                on:click=move |_| switch_eol(next)
            >
                {name}
            </button>
        })}
    }
}

#[component]
fn Resources() -> impl IntoView {
    let app = app();
    let files = move || {
        let (num_files, file_bytes) = app.status.with(|status| (status.num_files, status.file_bytes));
        format!("{}, {}", several(u64::from(num_files), "file"), bytes(file_bytes))
    };
    let memory =
        move || app.status.with(|status| (status.memory_bytes > 0).then(|| bytes(status.memory_bytes)));
    let title = move || {
        app.status.with(|status| {
            let mut text = format!(
                "Memory of the engine: {}. Stored for this workspace: {}.",
                bytes(status.memory_bytes),
                bytes(status.stored_bytes)
            );
            if let Some((used, allowed)) = status.quota {
                text.push_str(&format!(
                    " This browser allows {} and {} are used.",
                    bytes(allowed),
                    bytes(used)
                ));
            }
            text.push_str(&format!(
                " {} definitions, {} passages, {} embedded now, {} reused.",
                count(u64::from(status.num_symbols)),
                count(u64::from(status.num_chunks)),
                count(u64::from(status.chunks_embedded)),
                count(u64::from(status.chunks_reused))
            ));
            text
        })
    };
    view! {
        <span class="status-item wide-only">{files}</span>
        {move || memory().map(|text| view! { <span class="status-item wide-only" title=title>{text}</span> })}
    }
}
