//! The one table of commands: the palette lists it, menus take from it, the key handler walks it, the help shows it.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use crate::editor;
use crate::state::dialog::{Dialog, Prompt};
use crate::state::keys::{Chord, Press};
use crate::state::settings::ThemeChoice;
use crate::state::tree::{file_name, folder_of};
use crate::state::{App, Phase, Side, is_mac};

/// When a command makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At any time.
    Always,
    /// A workspace is open.
    Workspace,
    /// A file is shown.
    File,
}

/// A command.
pub struct Command {
    /// Stable name.
    pub id: &'static str,
    /// What the palette shows.
    pub title: &'static str,
    /// Chords, the one to show first.
    pub keys: &'static [&'static str],
    /// When it can run.
    pub when: When,
    /// What it does.
    pub run: fn(App),
}

macro_rules! commands {
    ($($id:literal, $title:literal, [$($key:literal),*], $when:ident, $run:expr;)*) => {
        /// Every command, in the order of the palette.
        pub static COMMANDS: &[Command] = &[$(
            Command { id: $id, title: $title, keys: &[$($key),*], when: When::$when, run: $run },
        )*];
    };
}

commands! {
    "palette.commands", "Show all commands", ["Mod+K", "F1", "Mod+Shift+P"], Always, |app| palette(app, ">");
    "palette.files", "Go to file…", ["Mod+P"], Workspace, |app| palette(app, "");
    "palette.symbols", "Go to symbol in workspace…", ["Mod+T"], Workspace, |app| palette(app, "@");
    "palette.line", "Go to line…", ["Mod+G"], File, |app| palette(app, ":");
    "search.focus", "Search in files", ["Mod+Shift+F"], Workspace, search_focus;
    "side.explorer", "Show files", ["Mod+Shift+E"], Workspace, |app| side(app, Side::Explorer);
    "side.outline", "Show outline of the file", ["Mod+Shift+O"], Workspace, |app| side(app, Side::Outline);
    "side.chat", "Ask about this project", ["Mod+Alt+I"], Workspace, chat;
    "side.toggle", "Show or hide the side bar", ["Mod+B"], Workspace, |app| app.side_open.update(|open| *open = !*open);
    "open.folder", "Open folder…", ["Mod+O"], Always, |app| app.open_folder();
    "open.files", "Open files…", [], Always, |app| app.open_files();
    "open.zip", "Open zip archive…", [], Always, |app| app.open_zip();
    "open.sample", "Open the sample workspace", [], Always, |app| app.open_sample();
    "workspace.list", "Switch workspace…", [], Always, |app| app.dialog.set(Some(Dialog::Workspaces));
    "workspace.rename", "Rename this workspace…", [], Workspace, rename_workspace;
    "workspace.export", "Export this workspace to a file", [], Workspace, |app| app.export_workspace();
    "workspace.import", "Import a workspace from a file…", [], Always, |app| app.import_workspace();
    "workspace.delete", "Delete this workspace…", [], Workspace, delete_workspace;
    "workspace.close", "Close this workspace", [], Workspace, |app| app.close_workspace();
    "file.new", "New file…", ["Alt+N"], Workspace, |app| new_file(app, "");
    "file.save", "Save file", ["Mod+S"], File, |app| with_active(app, |app, path| app.save(path));
    "file.save-all", "Save all files", ["Mod+Shift+S"], Workspace, |app| app.save_all();
    "file.revert", "Drop unsaved changes…", [], File, |app| with_active(app, |app, path| app.revert(path));
    "file.compare", "Compare with the saved file", ["Alt+D"], File, compare;
    "file.rename", "Rename file…", [], File, |app| with_active(app, rename_path);
    "file.delete", "Delete file…", [], File, |app| with_active(app, |app, path| app.ask_remove_path(path.into(), false));
    "file.reveal", "Show the file in the tree", [], File, |app| with_active(app, reveal);
    "file.copy-path", "Copy the path of the file", [], File, |app| with_active(app, |app, path| app.copy(path));
    "tab.close", "Close tab", ["Alt+W", "Mod+W"], File, close_tab;
    "tab.close-others", "Close other tabs", [], File, close_others;
    "tab.next", "Next tab", ["Alt+PageDown"], File, |app| neighbour(app, 1);
    "tab.previous", "Previous tab", ["Alt+PageUp"], File, |app| neighbour(app, -1);
    "tab.split", "Open the file beside", ["Mod+\\"], File, split;
    "tab.other-group", "Go to the other editor", ["Alt+O"], File, other_group;
    "editor.focus", "Go to the editor", ["Mod+1"], File, |app| app.focus_editor();
    "editor.find", "Find in file", ["Mod+F"], File, |app| { pane(app).find(); };
    "editor.replace", "Find and replace in file", ["Mod+H"], File, |app| { pane(app).replace(); };
    "complete.now", "Complete at the cursor", ["Alt+\\"], File, |app| { pane(app).run("editor.action.inlineSuggest.trigger"); };
    "complete.next", "Next completion", ["Alt+]"], File, |app| { pane(app).run("editor.action.inlineSuggest.showNext"); };
    "complete.previous", "Previous completion", ["Alt+["], File, |app| { pane(app).run("editor.action.inlineSuggest.showPrevious"); };
    "complete.word", "Take a word of the completion", [], File, |app| { pane(app).run("editor.action.inlineSuggest.acceptNextWord"); };
    "complete.toggle", "Completions while typing: on or off", [], Always, |app| app.change(|s| s.completions = !s.completions);
    "editor.wrap", "Wrap long lines", ["Alt+Z"], Always, |app| app.change(|s| s.word_wrap = !s.word_wrap);
    "editor.minimap", "Show or hide the minimap", [], Always, |app| app.change(|s| s.minimap = !s.minimap);
    "view.larger", "Larger text", [], Always, |app| app.change(|s| s.font_px = (s.font_px + 1).min(40));
    "view.smaller", "Smaller text", [], Always, |app| app.change(|s| s.font_px = (s.font_px - 1).max(8));
    "theme.system", "Theme: as the system", [], Always, |app| app.change(|s| s.theme = ThemeChoice::System);
    "theme.light", "Theme: light", [], Always, |app| app.change(|s| s.theme = ThemeChoice::Light);
    "theme.dark", "Theme: dark", [], Always, |app| app.change(|s| s.theme = ThemeChoice::Dark);
    "theme.contrast", "Theme: high contrast", [], Always, |app| app.change(|s| s.theme = ThemeChoice::Contrast);
    "index.pause", "Pause embedding", [], Workspace, |app| app.pause_embedding(true);
    "index.resume", "Go on with embedding", [], Workspace, |app| app.pause_embedding(false);
    "index.rebuild", "Build the index again", [], Workspace, |app| app.reindex();
    "app.models", "Models…", [], Always, |app| app.dialog.set(Some(Dialog::Models));
    "app.settings", "Settings", ["Mod+,"], Always, |app| app.dialog.set(Some(Dialog::Settings));
    "app.keys", "Keyboard shortcuts", ["Mod+/"], Always, |app| app.dialog.set(Some(Dialog::Keys));
}

/// The command with this id.
#[must_use]
pub fn command(id: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.id == id)
}

/// The first chord of a command as this platform writes it; empty when it has none.
#[must_use]
pub fn shown_keys(id: &str) -> String {
    let chord = command(id).and_then(|command| command.keys.first()).and_then(|key| Chord::parse(key));
    chord.map(|chord| chord.shown(is_mac())).unwrap_or_default()
}

/// A title for a button: what it does and its keys.
#[must_use]
pub fn hint(id: &str) -> String {
    let title = command(id).map_or("", |command| command.title).trim_end_matches('…');
    let keys = shown_keys(id);
    if keys.is_empty() { title.to_owned() } else { format!("{title} ({keys})") }
}

impl Command {
    /// What other editors call it, and what people type who know it from there.
    #[must_use]
    pub fn other_names(&self) -> &'static [&'static str] {
        match self.id {
            "tab.split" => &["Split editor right"],
            "tab.close" => &["Close editor"],
            "tab.close-others" => &["Close other editors"],
            "file.revert" => &["Revert file", "Discard changes"],
            "file.compare" => &["Diff with the saved file"],
            "side.explorer" => &["Explorer", "Project panel"],
            "side.chat" => &["Open chat"],
            "side.toggle" => &["Toggle primary sidebar"],
            "open.folder" => &["Open directory", "Open project"],
            "workspace.list" => &["Open recent"],
            "editor.wrap" => &["Toggle word wrap"],
            "editor.minimap" => &["Toggle minimap"],
            "view.larger" => &["Zoom in", "Increase font size"],
            "view.smaller" => &["Zoom out", "Decrease font size"],
            "complete.toggle" => &["Toggle inline suggestions"],
            "index.rebuild" => &["Reindex"],
            "app.settings" => &["Preferences"],
            "app.keys" => &["Keybindings", "Help"],
            _ => &[],
        }
    }

    /// True when it can run now.
    #[must_use]
    pub fn can_run(&self, app: App) -> bool {
        let open = app.phase.with_untracked(|phase| *phase == Phase::Open);
        match self.when {
            When::Always => true,
            When::Workspace => open,
            When::File => open && app.layout.with_untracked(|layout| layout.active().is_some()),
        }
    }
}

/// A chord while a dialog is open. What the page never leaves to the browser or the editor is used up, even where it
/// does nothing.
fn in_dialog(app: App, id: &str) -> bool {
    if id == "file.save"
        && let Some(Dialog::Compare(path)) = app.dialog.get_untracked()
    {
        app.save(&path);
        app.dialog.set(None);
    }
    id.starts_with("file.save") || id.starts_with("palette.")
}

/// Run the command that a key event means. True when there was one: the event is used up then.
pub fn handle_key(app: App, press: &Press<'_>) -> bool {
    let mac = is_mac();
    let hit = COMMANDS.iter().find(|command| {
        command.keys.iter().filter_map(|key| Chord::parse(key)).any(|chord| chord.matches(press, mac))
    });
    let Some(command) = hit else { return false };
    // A dialog has the keyboard to itself; only the palette may be turned into another one.
    let dialog_open =
        app.dialog.with_untracked(|d| d.as_ref().is_some_and(|d| !matches!(d, Dialog::Palette(_))));
    if dialog_open {
        return in_dialog(app, command.id);
    }
    // Find and replace belong to the browser where no editor can take them.
    let editor_only = command.id.starts_with("editor.find") || command.id == "editor.replace";
    if !command.can_run(app) || editor_only && editor::focused_pane().is_none() {
        return false;
    }
    if app.dialog.with_untracked(Option::is_some) && !command.id.starts_with("palette.") {
        app.dialog.set(None);
    }
    (command.run)(app);
    true
}

fn palette(app: App, text: &str) {
    app.dialog.set(Some(Dialog::Palette(text.into())));
}

fn side_bar_has_keyboard() -> bool {
    document().query_selector(".side-bar :focus").ok().flatten().is_some()
}

/// Bring the keyboard to a panel, or back to the editor when it is there already.
fn side(app: App, side: Side) {
    if app.side.get_untracked() == side && side_bar_has_keyboard() {
        // Where the panel lies over the editor it must go.
        if crate::platform::media::matches("(max-width: 640px)") {
            app.side_open.set(false);
        }
        return app.focus_editor();
    }
    app.ask_for_keyboard();
    app.side.set(side);
    app.side_open.set(true);
    // Once the panel is drawn.
    request_animation_frame(|| {
        let place = document().query_selector(".side-bar [role=tree], .side-bar input").ok().flatten();
        if let Some(place) = place.and_then(|place| place.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _gone = place.focus();
        }
    });
}

fn chat(app: App) {
    if side_bar_has_keyboard() && app.side.get_untracked() == Side::Chat {
        side(app, Side::Chat);
    } else {
        app.ask_for_keyboard();
        app.side.set(Side::Chat);
        app.side_open.set(true);
        app.chat.focus.update(|n| *n += 1);
    }
}

fn search_focus(app: App) {
    let selected = pane(app).selected_text();
    // What a hit marked was not selected by the person: the way back leads to the question.
    let is_theirs = !selected.is_empty() && !pane(app).selects_hit();
    if is_theirs && !selected.contains('\n') && selected.len() < 200 {
        app.search.text.set(selected);
        app.search_soon();
    }
    app.side.set(Side::Search);
    app.side_open.set(true);
    app.focus_search();
}

fn pane(app: App) -> editor::Pane {
    app.panes[app.layout.with_untracked(|layout| layout.focused)]
}

fn with_active(app: App, run: impl Fn(App, &str)) {
    if let Some(path) = app.layout.with_untracked(|layout| layout.active().map(str::to_owned)) {
        run(app, &path);
    }
}

fn reveal(app: App, path: &str) {
    app.unfold(path);
    app.side.set(Side::Explorer);
    app.side_open.set(true);
    app.tree_focus.set(Some(path.to_owned()));
}

fn close_tab(app: App) {
    let group = app.layout.with_untracked(|layout| layout.focused);
    with_active(app, |app, path| app.close_tab(group, path));
}

fn close_others(app: App) {
    let (group, others) = app.layout.with_untracked(|layout| {
        let group = &layout.groups[layout.focused];
        let others: Vec<String> =
            group.tabs.iter().filter(|p| Some(*p) != group.active.as_ref()).cloned().collect();
        (layout.focused, others)
    });
    for path in others {
        // Files with unsaved changes stay: closing several of them at once would ask several questions at once.
        if !untrack(|| app.is_unsaved(&path)) {
            app.close_tab(group, &path);
        }
    }
}

fn neighbour(app: App, step: isize) {
    if let Some(path) = app.layout.with_untracked(|layout| layout.neighbour(step)) {
        app.show(&path, None, crate::state::Place::Here);
        app.focus_editor();
    }
}

fn split(app: App) {
    with_active(app, |app, path| {
        // Where one is in it is where one wants to go on, unless the other group has a place in it already.
        let is_new = app.layout.with_untracked(|layout| {
            layout
                .groups
                .iter()
                .enumerate()
                .all(|(n, g)| n == layout.focused || !g.tabs.iter().any(|p| p == path))
        });
        let pos = app
            .cursor
            .get_untracked()
            .filter(|cursor| is_new && cursor.path == path)
            .map(|cursor| cursor.pos);
        app.show(path, pos.map(|pos| protocol::Span { start: pos, end: pos }), crate::state::Place::Beside);
    });
    app.focus_editor();
}

fn other_group(app: App) {
    app.layout.update(|layout| layout.focused = (layout.focused + 1) % layout.groups.len());
    app.focus_editor();
}

fn compare(app: App) {
    with_active(app, |app, path| app.dialog.set(Some(Dialog::Compare(path.into()))));
}

fn rename_workspace(app: App) {
    let Some(info) = app.opened.get_untracked() else { return };
    ask_workspace_name(app, &info);
}

/// Ask for a new name of a workspace.
pub fn ask_workspace_name(app: App, info: &protocol::WorkspaceInfo) {
    let id = info.id;
    app.dialog.set(Some(Dialog::Prompt(Prompt {
        title: "Rename workspace".into(),
        label: "Name".into(),
        value: info.name.clone(),
        selected_utf16: (0, u32::MAX),
        action: "Rename".into(),
        run: std::sync::Arc::new(move |name| app.rename_workspace(id, name)),
    })));
}

fn delete_workspace(app: App) {
    if let Some(info) = app.opened.get_untracked() {
        app.ask_delete_workspace(&info);
    }
}

/// Ask for the path of a new file, in this folder at first.
pub fn new_file(app: App, folder: &str) {
    let value = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    app.dialog.set(Some(Dialog::Prompt(Prompt {
        title: "New file".into(),
        label: "Path, with folders separated by /".into(),
        value,
        selected_utf16: (u32::MAX, u32::MAX),
        action: "Create".into(),
        run: std::sync::Arc::new(move |path| app.create_file(path)),
    })));
}

/// Ask for a new path of a file or folder.
pub fn rename_path(app: App, path: &str) {
    let from = path.to_owned();
    let units = |text: &str| u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX);
    let folder = folder_of(path);
    let start = if folder.is_empty() { 0 } else { units(folder) + 1 };
    let name = file_name(path);
    // A folder has no ending that stays.
    let is_file = app.files.with_untracked(|files| files.iter().any(|file| file.path == path));
    let stem = name.rfind('.').filter(|&at| at > 0 && is_file).map_or(name, |at| &name[..at]);
    app.dialog.set(Some(Dialog::Prompt(Prompt {
        title: format!("Rename {name}"),
        label: "New path".into(),
        value: from.clone(),
        selected_utf16: (start, start + units(stem)),
        action: "Rename".into(),
        run: std::sync::Arc::new(move |to| app.rename_path(from.clone(), to)),
    })));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_and_titles_are_unique() {
        let ids: HashSet<&str> = COMMANDS.iter().map(|command| command.id).collect();
        let titles: HashSet<&str> = COMMANDS.iter().map(|command| command.title).collect();
        assert_eq!((ids.len(), titles.len()), (COMMANDS.len(), COMMANDS.len()));
        let other: Vec<_> = COMMANDS.iter().flat_map(Command::other_names).collect();
        assert_eq!(other.iter().collect::<HashSet<_>>().len(), other.len(), "one name, two commands");
        assert_eq!(other.len(), 24, "an id in the table of other names is misspelt, or a name is new");
    }

    #[test]
    fn every_chord_parses_and_belongs_to_one_command() {
        let mut seen = HashSet::new();
        for command in COMMANDS {
            for key in command.keys {
                let chord = Chord::parse(key);
                assert!(chord.is_some(), "{key} of {} does not parse", command.id);
                assert!(seen.insert(chord), "{key} of {} is taken", command.id);
            }
        }
    }

    #[test]
    fn chords_hold_a_modifier_or_a_function_key() {
        for (command, key) in COMMANDS.iter().flat_map(|c| c.keys.iter().map(move |key| (c, key))) {
            let chord = Chord::parse(key).unwrap_or_else(|| panic!("{key}"));
            if chord.key.chars().count() > 1 {
                continue;
            }
            // What types a letter or a sign: the key alone, with Shift, and on a Mac with Option.
            for (alt, mac) in [(false, false), (false, true), (true, true)] {
                for shift in [false, true] {
                    let code = format!("Key{}", chord.key.to_uppercase());
                    let press = Press { ctrl: false, meta: false, shift, alt, key: &chord.key, code: &code };
                    assert!(!chord.matches(&press, mac), "{key} of {} would swallow typing", command.id);
                }
            }
        }
    }
}
