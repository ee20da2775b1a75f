//! What stands where in a workspace: kept with it, and restored when it is opened again.

use std::collections::BTreeMap;

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use protocol::{GetSetting, PutSetting, SetFocus, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::search::Asked;
use super::workspace::Phase;
use super::{App, Side};

/// What a workspace looked like, kept with it as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct View {
    pub(super) layout: Layout,
    pub(super) side: Side,
    pub(super) side_width_px: f64,
    pub(super) folders: Vec<String>,
    /// Line and column of the cursor in files with a tab, zero-based.
    #[serde(default)]
    pub(super) cursors: BTreeMap<String, (u32, u32)>,
    /// What the search panel held.
    pub(super) asked: Asked,
    /// What the chat panel wants back, in its own words.
    pub(super) chat: String,
}

const VIEW_KEY: &str = "view";

impl App {
    pub(super) async fn restore_view(self) {
        let (Some(workspace), visit) = (self.open_id(), self.visit()) else { return };
        let kept = self.call(GetSetting { workspace, key: VIEW_KEY.into() }).await;
        if visit.is_over() {
            return;
        }
        let Ok(kept) = kept else { return };
        let Some(kept) = kept else {
            // Whoever opens a project for the first time wants to see what is in it, whatever panel was left open or
            // put away in the one before.
            self.side.set(Side::default());
            if !crate::platform::media::matches("(max-width: 640px)") {
                self.side_open.set(true);
            }
            return;
        };
        let Ok(view) = serde_json::from_str::<View>(&kept) else { return };
        let files = self.files.get_untracked();
        let exists = |path: &str| files.binary_search_by(|file| file.path.as_str().cmp(path)).is_ok();
        self.side.set(view.side);
        if view.side_width_px >= 160.0 {
            self.side_width_px.set(view.side_width_px);
        }
        self.folders.update(|folders| folders.extend(view.folders));
        for (path, &(line, utf16)) in &view.cursors {
            let pos = protocol::Pos { line, utf16 };
            for pane in self.panes {
                pane.begin_at(path, protocol::Span { start: pos, end: pos });
            }
        }
        self.private.update_value(|private| private.cursors = view.cursors);
        self.layout.set(view.layout.repaired(exists));
        // The keyboard goes to the file in use, whose folders are open or closed as they were left. A tree that was
        // away has not followed to that file yet.
        if view.side == Side::Explorer && self.side_open.get_untracked() {
            let active = self.layout.with_untracked(|layout| layout.active().map(str::to_owned));
            self.tree_focus.set(active.clone());
            self.tree_followed.set(active);
        }
        self.drop_closed();
        self.write_on();
        self.ask_again(view.asked);
        self.chat.kept.set(view.chat);
    }

    /// Give the file in use the keyboard, so that a person writes on where a reload found them. A page that does not have
    /// the keyboard itself, such as one in a frame, does not take it; neither does an editor while something else has it.
    fn write_on(self) {
        let focused = self.layout.with_untracked(|layout| layout.active().map(|_| layout.focused));
        if let Some(pane) = focused.and_then(|at| self.panes.get(at))
            && document().has_focus().unwrap_or(false)
        {
            pane.focus();
        }
    }

    fn view(self) -> View {
        let layout = self.layout.get_untracked();
        let mut cursors = self.private.with_value(|private| private.cursors.clone());
        cursors.retain(|path, _| layout.has(path));
        View {
            side: self.side.get_untracked(),
            side_width_px: self.side_width_px.get_untracked(),
            folders: self.folders.get_untracked().into_iter().collect(),
            layout,
            cursors,
            asked: untrack(|| self.search.to_keep()),
            chat: self.chat.kept.get_untracked(),
        }
    }

    /// Write down what stands where, once nothing changed for a moment.
    pub(super) fn keep_view(self) {
        let (Phase::Open, Some(workspace)) = (self.phase.get_untracked(), self.open_id()) else { return };
        let timer = Timeout::new(400, move || {
            self.private.update_value(|private| private.layout_timer = None);
            if self.open_id() != Some(workspace) {
                return;
            }
            self.write_view(workspace);
            let paths = self.layout.with_untracked(Layout::paths);
            let only_a_hint = self.call(SetFocus { workspace, paths });
            leptos::task::spawn_local(async move {
                let _told = only_a_hint.await;
            });
        });
        self.private.update_value(|private| private.layout_timer = Some(timer));
    }

    /// Write down a cursor or a layout that changed and would have waited.
    pub(super) fn flush_view(self) {
        let mut waited = false;
        self.private.update_value(|private| {
            let (cursor, layout) = (private.cursor_timer.take(), private.layout_timer.take());
            waited = cursor.is_some() || layout.is_some();
        });
        if let (true, Some(workspace)) = (waited, self.open_id()) {
            self.write_view(workspace);
        }
    }

    fn write_view(self, workspace: WorkspaceId) {
        let value = serde_json::to_string(&self.view()).ok();
        let written = self.call(PutSetting { workspace, key: VIEW_KEY.into(), value });
        leptos::task::spawn_local(async move {
            // A second tab may not write; then its view is simply not kept.
            let _read_only = written.await;
        });
    }

    /// The cursor of the focused editor moved: shown at once, written down when it rests.
    pub fn cursor_moved(self, cursor: crate::editor::Cursor) {
        let (path, place) = (cursor.path.clone(), (cursor.pos.line, cursor.pos.utf16));
        self.cursor.set(Some(cursor));
        if self.phase.get_untracked() != Phase::Open {
            return;
        }
        let timer = Timeout::new(2000, move || self.flush_view());
        self.private.update_value(|private| {
            private.cursors.insert(path, place);
            private.cursor_timer = Some(timer);
        });
    }
}
