//! `EditorView`: one pane on the page, with Monaco in it or, where that is not possible, a plain text area.

use leptos::html::{Div, Textarea};
use leptos::prelude::*;
use protocol::Span;
use send_wrapper::SendWrapper;
use std::rc::Rc;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;

use super::document::{document, watch_documents};
use super::monaco;
use super::pane::{Cursor, Pane};
use super::settings;

/// What the pane shows its document with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// The editor module is on its way; the text can be read already.
    Loading,
    /// Monaco.
    Full,
    /// A plain view, by choice: the screen is small or there is no keyboard.
    Plain,
    /// A plain view because the module could not be loaded; the sentence says so.
    Failed(String),
}

/// Screens on which Monaco is more hindrance than help (it has no touch support).
const SMALL: &str = "(max-width: 640px), (pointer: coarse) and (hover: none)";

/// Most lines that a text area is given. Browsers lay out all of them at once: 200,000 hold the page up for ten seconds.
const MAX_PLAIN_LINES: usize = 5000;
/// Most bytes that a text area is given, for texts of few and long lines.
const MAX_PLAIN_BYTES: usize = 1 << 20;

/// Shows the document of `path`, which must have been opened with [`open_document`](super::open_document).
#[component]
pub fn EditorView(
    /// Which pane this is.
    pane: Pane,
    /// The file to show, or nothing.
    #[prop(into)]
    path: Signal<Option<String>>,
    /// Told when the cursor moves.
    #[prop(optional, into)]
    on_cursor: Option<UnsyncCallback<Cursor>>,
    /// Told when the pane gets the keyboard.
    #[prop(optional, into)]
    on_focus: Option<UnsyncCallback<()>>,
) -> impl IntoView {
    let host = NodeRef::<Div>::new();
    let small = crate::platform::media::matches(SMALL);
    let phase = RwSignal::new(if small { Phase::Plain } else { Phase::Loading });

    let cursor_sink = on_cursor;
    pane.listen(
        on_cursor.map(|callback| Rc::new(move |cursor| callback.run(cursor)) as Rc<dyn Fn(Cursor)>),
        on_focus.map(|callback| Rc::new(move || callback.run(())) as Rc<dyn Fn()>),
    );

    let start = move || {
        let Some(host) = host.get_untracked() else { return };
        let host: HtmlElement = (*host).clone().unchecked_into();
        phase.set(Phase::Loading);
        spawn_local(async move {
            let outcome = match monaco::load().await {
                Ok(module) => {
                    settings::apply();
                    pane.mount(&module, &host).map_err(|err| {
                        leptos::logging::error!("the editor could not be made: {err:?}");
                        "The editor could not be started in this browser. Files are shown as plain text and can be \
                         edited there."
                            .to_owned()
                    })
                }
                Err(sentence) => Err(sentence),
            };
            // The view may be gone by now; then nobody looks at the phase either.
            let _gone = match outcome {
                Ok(()) => phase.try_set(Phase::Full),
                Err(sentence) => phase.try_set(Phase::Failed(sentence)),
            };
        });
    };
    Effect::new(move |_| {
        if host.get().is_some() && !small {
            start();
        }
    });
    Effect::new(move |_| path.with(|path| pane.show(path.as_deref())));
    on_cleanup(move || {
        pane.set_plain(None);
        pane.unmount();
    });

    let plain = move || phase.get() != Phase::Full;
    let sentence = move || match phase.get() {
        Phase::Failed(sentence) => Some(sentence),
        _ => None,
    };
    view! {
        <div class="editor" class:editor-plain=plain data-pane-phase=move || phase_name(&phase.get())>
            {move || sentence().map(|sentence| view! {
                <div class="editor-notice" role="status">
                    <span>{sentence}</span>
                    <button type="button" on:click=move |_| start()>"Try again"</button>
                </div>
            })}
            <Show when=move || phase.get() == Phase::Plain && path.with(Option::is_some)>
                <div class="editor-notice">
                    <span>"Reading view for small screens."</span>
                    <button type="button" on:click=move |_| start()>"Open the full editor"</button>
                </div>
            </Show>
            <Show when=move || plain() && path.with(Option::is_some)>
                <PlainView pane path phase=phase.into() on_cursor=cursor_sink />
            </Show>
            // Monaco hangs its menus in here beside the editor, and gives its colours to what carries its own class.
            <div node_ref=host class="editor-host monaco-component" class:hidden=plain></div>
        </div>
    }
}

const fn phase_name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Loading => "loading",
        Phase::Full => "full",
        Phase::Plain => "plain",
        Phase::Failed(_) => "failed",
    }
}

/// The part of a text that a text area is given.
fn beginning(text: &str) -> &str {
    let lines = text.match_indices('\n').nth(MAX_PLAIN_LINES - 1).map_or(text.len(), |(at, _)| at);
    &text[..text.floor_char_boundary(lines.min(MAX_PLAIN_BYTES))]
}

/// The text in a text area: for reading while the editor loads and on phones, for editing when it cannot be loaded. Of
/// long texts only the beginning, which cannot be edited.
#[component]
fn PlainView(
    pane: Pane,
    path: Signal<Option<String>>,
    phase: Signal<Phase>,
    on_cursor: Option<UnsyncCallback<Cursor>>,
) -> impl IntoView {
    let area = NodeRef::<Textarea>::new();
    let text = RwSignal::new(String::new());
    let whole = RwSignal::new(true);
    let writable = RwSignal::new(false);
    let refresh = move || {
        let document = path.get_untracked().as_deref().and_then(document);
        let now = document.as_ref().map(super::Document::text).unwrap_or_default();
        // What is being typed here is not cut while it grows.
        let shown = if text.with_untracked(|text| *text == now) { &now } else { beginning(&now) };
        whole.set(shown.len() == now.len());
        if text.with_untracked(|text| text != shown) {
            text.set(shown.to_owned());
        }
        writable.set(document.is_some_and(|document| document.read_only().is_none()));
    };
    let editable = move || matches!(phase.get(), Phase::Failed(_)) && whole.get() && writable.get();
    Effect::new(move |_| {
        path.track();
        refresh();
    });
    let watch = SendWrapper::new(watch_documents(move |change| {
        if path.with_untracked(|path| path.as_deref() == Some(&change.path)) {
            refresh();
        }
    }));
    Effect::new(move |_| {
        if let Some(area) = area.get() {
            let area = SendWrapper::new(area);
            pane.set_plain(Some(Rc::new(move |span| reveal_plain(&area, span))));
        }
    });
    on_cleanup(move || {
        drop(watch);
        pane.set_plain(None);
    });

    let on_input = move |_| {
        if !whole.get_untracked() {
            return;
        }
        let document = path.get_untracked().as_deref().and_then(document);
        if let (Some(document), Some(area)) = (document, area.get_untracked()) {
            let value = area.value();
            // Set first, so that the watcher finds nothing new and the cursor stays where it is.
            text.set(value.clone());
            document.set_text(&value);
        }
    };
    let on_select = move |_| {
        let (Some(sink), Some(area), Some(path)) = (&on_cursor, area.get_untracked(), path.get_untracked())
        else {
            return;
        };
        let value: Vec<u16> = area.value().encode_utf16().collect();
        let start = area.selection_start().ok().flatten().unwrap_or(0);
        let end = area.selection_end().ok().flatten().unwrap_or(start);
        let before = &value[..(start as usize).min(value.len())];
        let newline = u16::from(b'\n');
        let line = before.iter().filter(|&&unit| unit == newline).count();
        let column = before.iter().rev().take_while(|&&unit| unit != newline).count();
        let pos = protocol::Pos {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            utf16: u32::try_from(column).unwrap_or(u32::MAX),
        };
        sink.run(Cursor { path, pos, num_cursors: 1, selected_utf16: end.saturating_sub(start) });
    };
    view! {
        <Show when=move || !whole.get()>
            <div class="editor-notice" role="status">
                <span>"This file is long: only its beginning is shown here, and it cannot be changed. The full editor shows all of it."</span>
            </div>
        </Show>
        <textarea
            node_ref=area
            class="editor-text"
            spellcheck="false"
            autocapitalize="off"
            wrap="off"
            aria-label=move || path.get().unwrap_or_default()
            prop:value=text
            prop:readOnly=move || !editable()
            on:input=on_input
            on:select=on_select
        ></textarea>
    }
}

/// Select the range and bring its first line near the top third. Lines do not wrap here, so their height says where.
fn reveal_plain(area: &web_sys::HtmlTextAreaElement, span: Span) {
    let value = area.value();
    let num_lines = value.split('\n').count().max(1);
    if span.start.line as usize >= num_lines {
        // Behind the beginning of a long text, which is all that the area has.
        return;
    }
    let offset = |line: u32, utf16: u32| -> u32 {
        let before: usize = value.split('\n').take(line as usize).map(|l| l.encode_utf16().count() + 1).sum();
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(utf16)
    };
    let (start, end) = (offset(span.start.line, span.start.utf16), offset(span.end.line, span.end.utf16));
    // Only fails when the element is no text area.
    let _always = area.set_selection_range(start, end.max(start));
    let line_height = f64::from(area.scroll_height()) / num_lines as f64;
    let top = line_height * f64::from(span.start.line) - f64::from(area.client_height()) / 3.0;
    area.set_scroll_top(top.max(0.0) as i32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_area_gets_the_beginning_of_long_texts() {
        let lines = |num: usize| "ab\n".repeat(num);
        for (text, expected) in [
            (String::new(), 0),
            ("no newline".into(), 10),
            (lines(MAX_PLAIN_LINES - 1), 3 * (MAX_PLAIN_LINES - 1)),
            (lines(MAX_PLAIN_LINES) + "more", 3 * MAX_PLAIN_LINES - 1),
            ("x".repeat(MAX_PLAIN_BYTES), MAX_PLAIN_BYTES),
            // A character is not cut.
            ("x".to_owned() + &"é".repeat(MAX_PLAIN_BYTES), MAX_PLAIN_BYTES - 1),
        ] {
            assert_eq!(beginning(&text).len(), expected);
            assert!(text.starts_with(beginning(&text)));
        }
    }
}
