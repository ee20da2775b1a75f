//! Bringing a file, and a place in it, before a person's eyes; who has the keyboard.

use leptos::prelude::*;
use protocol::{Pos, Span};

use super::{App, DocState, Place};
use crate::editor;

impl App {
    /// Show a file, at a place in it if one is given.
    pub fn show(self, path: &str, span: Option<Span>, place: Place) {
        let is_narrow = crate::platform::media::matches("(max-width: 640px)");
        self.layout.update(|layout| match place {
            Place::Preview => layout.open(layout.focused, path, true),
            // A narrow window shows one group; what lies beside it would be out of reach.
            Place::Beside if !is_narrow => layout.open_beside(path),
            Place::Here | Place::Beside => layout.open(layout.focused, path, false),
        });
        // Reads it, and lets go of the preview that it took the place of.
        self.drop_closed();
        let pane = self.panes[self.layout.with_untracked(|layout| layout.focused)];
        if let Some(span) = span {
            self.reveal(pane, path, span);
        }
        if is_narrow {
            self.side_open.set(false);
        }
    }

    /// Show a file with the cursor at the start of a line, counted from zero.
    pub fn show_line(self, path: &str, line: u32, place: Place) {
        let pos = Pos { line, utf16: 0 };
        self.show(path, Some(Span { start: pos, end: pos }), place);
    }

    /// Reveal once the pane shows the path: now when it does, else after the file was read and the view has changed.
    fn reveal(self, pane: editor::Pane, path: &str, span: Span) {
        let path = path.to_owned();
        leptos::task::spawn_local(async move {
            for _ in 0..200 {
                gloo_timers::future::TimeoutFuture::new(0).await;
                let state = self.docs.with_untracked(|docs| docs.get(&path).cloned());
                match state {
                    Some(DocState::Ready) if pane.path().as_deref() == Some(&path) => {
                        pane.reveal(span);
                        // A place without extent is a line to go to, not a hit to mark.
                        let is_hit = span.start != span.end;
                        pane.mark(if is_hit { std::slice::from_ref(&span) } else { &[] });
                        return;
                    }
                    Some(DocState::Failed(_) | DocState::Binary(_)) => return,
                    _ => gloo_timers::future::TimeoutFuture::new(20).await,
                }
            }
        });
    }

    /// Somebody asks for the keyboard: who asked before and did not get it yet does without. Gives the number of asking.
    pub fn ask_for_keyboard(self) -> u64 {
        self.private.update_value(|private| private.asked_for_keyboard += 1);
        self.private.with_value(|private| private.asked_for_keyboard)
    }

    /// Give the query field the keyboard.
    pub fn focus_search(self) {
        self.ask_for_keyboard();
        self.search.focus.update(|n| *n += 1);
    }

    /// Give the focused editor the keyboard, as soon as it shows the active file.
    pub fn focus_editor(self) {
        let asked = self.ask_for_keyboard();
        let (group, active) = self.layout.with_untracked(|l| (l.focused, l.active().map(str::to_owned)));
        let pane = self.panes[group];
        // At once where it can be, for the next key may come right away.
        let is_on_show =
            active.is_some() && pane.path() == active && self.dialog.with_untracked(Option::is_none);
        if is_on_show {
            pane.focus();
        }
        leptos::task::spawn_local(async move {
            // And after the reveal of the same key press.
            gloo_timers::future::TimeoutFuture::new(30).await;
            let Some(path) = active else { return };
            for _ in 0..200 {
                let now = self.layout.with_untracked(|l| (l.focused, l.active().map(str::to_owned)));
                let is_late = self.private.with_value(|private| private.asked_for_keyboard != asked);
                if is_late
                    || now != (group, Some(path.clone()))
                    || self.dialog.with_untracked(Option::is_some)
                {
                    return;
                }
                match self.docs.with_untracked(|docs| docs.get(&path).cloned()) {
                    Some(DocState::Ready) if pane.path().as_deref() == Some(&path) => {
                        // What was opened inside the editor since, like its search, keeps the keyboard.
                        if !(is_on_show && pane.has_keyboard()) {
                            pane.focus();
                        }
                        return;
                    }
                    Some(DocState::Failed(_) | DocState::Binary(_)) => return,
                    _ => gloo_timers::future::TimeoutFuture::new(20).await,
                }
            }
        });
    }
}
