//! Which files stand in which tabs: one or two groups, each with an order, an active tab and a preview tab. Plain data,
//! kept with the workspace as JSON.

use serde::{Deserialize, Serialize};

/// Most groups side by side.
pub const MAX_GROUPS: usize = 2;

/// Tabs side by side with one editor below them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// Paths in the order of the tabs.
    pub tabs: Vec<String>,
    /// The one shown.
    pub active: Option<String>,
    /// A tab that the next preview replaces.
    pub preview: Option<String>,
    /// Paths by last use, latest last; decides what shows when a tab closes.
    #[serde(skip)]
    used: Vec<String>,
}

/// All groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layout {
    /// One or two.
    pub groups: Vec<Group>,
    /// The one that has, or last had, the keyboard.
    pub focused: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self { groups: vec![Group::default()], focused: 0 }
    }
}

impl Group {
    fn activate(&mut self, path: &str) {
        self.used.retain(|p| p != path);
        self.used.push(path.to_owned());
        self.active = Some(path.to_owned());
    }

    fn close(&mut self, path: &str) {
        let Some(at) = self.tabs.iter().position(|p| p == path) else { return };
        self.tabs.remove(at);
        self.used.retain(|p| p != path);
        if self.preview.as_deref() == Some(path) {
            self.preview = None;
        }
        if self.active.as_deref() == Some(path) {
            let neighbour = || self.tabs.get(at.min(self.tabs.len().saturating_sub(1)));
            let next = self.used.last().or_else(neighbour).cloned();
            self.active = None;
            if let Some(next) = next {
                self.activate(&next);
            }
        }
    }
}

impl Layout {
    /// Repair what was read from storage: at least one group, at most [`MAX_GROUPS`], every reference valid, and only
    /// files that `exists` knows.
    #[must_use]
    pub fn repaired(mut self, exists: impl Fn(&str) -> bool) -> Self {
        for group in &mut self.groups {
            let mut seen = std::collections::HashSet::new();
            group.tabs.retain(|path| exists(path) && seen.insert(path.clone()));
            let known = |path: &Option<String>| path.as_ref().is_some_and(|p| group.tabs.contains(p));
            if !known(&group.active) {
                group.active = group.tabs.first().cloned();
            }
            if !known(&group.preview) {
                group.preview = None;
            }
        }
        self.groups.retain(|group| !group.tabs.is_empty());
        self.groups.truncate(MAX_GROUPS);
        if self.groups.is_empty() {
            self.groups.push(Group::default());
        }
        self.focused = self.focused.min(self.groups.len() - 1);
        self
    }

    /// The active path of the focused group.
    #[must_use]
    pub fn active(&self) -> Option<&str> {
        self.groups.get(self.focused)?.active.as_deref()
    }

    /// True when some group has a tab of this path.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.groups.iter().any(|group| group.tabs.iter().any(|p| p == path))
    }

    /// Every path that has a tab, active ones first.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = self.groups.iter().filter_map(|g| g.active.clone()).collect();
        paths.extend(self.groups.iter().flat_map(|g| g.tabs.iter().rev().cloned()));
        let mut seen = std::collections::HashSet::new();
        paths.retain(|path| seen.insert(path.clone()));
        paths
    }

    /// Show a path in a group (the focused one when there is no such group). A preview takes the place of the preview
    /// before it; anything else stays until it is closed.
    pub fn open(&mut self, group: usize, path: &str, preview: bool) {
        let group = if group < self.groups.len() { group } else { self.focused };
        self.focused = group;
        let Some(group) = self.groups.get_mut(group) else { return };
        if group.tabs.iter().any(|p| p == path) {
            if !preview && group.preview.as_deref() == Some(path) {
                group.preview = None;
            }
        } else {
            let after = group.active.as_ref().and_then(|a| group.tabs.iter().position(|p| p == a));
            let mut at = after.map_or(group.tabs.len(), |at| at + 1);
            if preview {
                if let Some(old) = group.preview.take()
                    && let Some(old_at) = group.tabs.iter().position(|p| *p == old)
                {
                    group.tabs.remove(old_at);
                    group.used.retain(|p| *p != old);
                    at = old_at;
                }
                group.preview = Some(path.to_owned());
            }
            group.tabs.insert(at.min(group.tabs.len()), path.to_owned());
        }
        group.activate(path);
    }

    /// Show a path in the other group, making it when there is only one.
    pub fn open_beside(&mut self, path: &str) {
        if self.groups.len() < MAX_GROUPS {
            self.groups.push(Group::default());
            self.open(self.groups.len() - 1, path, false);
        } else {
            self.open((self.focused + 1) % self.groups.len(), path, false);
        }
    }

    /// The tab of this path stays, whatever is previewed next.
    pub fn keep(&mut self, path: &str) {
        for group in &mut self.groups {
            if group.preview.as_deref() == Some(path) {
                group.preview = None;
            }
        }
    }

    /// Close a tab; an empty second group goes with it.
    pub fn close(&mut self, group: usize, path: &str) {
        if let Some(group) = self.groups.get_mut(group) {
            group.close(path);
        }
        self.drop_empty();
    }

    /// Close every tab that `gone` names.
    pub fn close_where(&mut self, gone: impl Fn(&str) -> bool) {
        for group in &mut self.groups {
            for path in group.tabs.clone() {
                if gone(&path) {
                    group.close(&path);
                }
            }
        }
        self.drop_empty();
    }

    fn drop_empty(&mut self) {
        if self.groups.len() > 1 {
            let focused = self.focused;
            let before = self.groups.iter().take(focused).filter(|g| g.tabs.is_empty()).count();
            self.groups.retain(|group| !group.tabs.is_empty());
            self.focused = focused.saturating_sub(before);
        }
        if self.groups.is_empty() {
            self.groups.push(Group::default());
        }
        self.focused = self.focused.min(self.groups.len() - 1);
    }

    /// Follow a rename of a file.
    pub fn rename(&mut self, from: &str, to: &str) {
        let follow = |path: &mut String| {
            if path == from {
                to.clone_into(path);
            }
        };
        for group in &mut self.groups {
            group.tabs.iter_mut().for_each(follow);
            group.used.iter_mut().for_each(follow);
            group.active.iter_mut().for_each(follow);
            group.preview.iter_mut().for_each(follow);
        }
    }

    /// The tab beside the active one, `step` places on, round the end.
    #[must_use]
    pub fn neighbour(&self, step: isize) -> Option<String> {
        let group = self.groups.get(self.focused)?;
        let at = group.tabs.iter().position(|p| Some(p) == group.active.as_ref())?;
        let len = isize::try_from(group.tabs.len()).ok()?;
        let next = (isize::try_from(at).ok()? + step).rem_euclid(len);
        group.tabs.get(usize::try_from(next).ok()?).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tabs(layout: &Layout, group: usize) -> Vec<&str> {
        layout.groups[group].tabs.iter().map(String::as_str).collect()
    }

    #[test]
    fn new_tabs_open_beside_the_active_one() {
        let mut layout = Layout::default();
        for path in ["a", "b", "c"] {
            layout.open(0, path, false);
        }
        layout.open(0, "a", false);
        layout.open(0, "d", false);
        assert_eq!(tabs(&layout, 0), ["a", "d", "b", "c"]);
        assert_eq!(layout.active(), Some("d"));
    }

    #[test]
    fn a_preview_replaces_the_preview_before() {
        let mut layout = Layout::default();
        layout.open(0, "a", false);
        layout.open(0, "b", true);
        layout.open(0, "c", true);
        assert_eq!(tabs(&layout, 0), ["a", "c"]);
        layout.keep("c");
        layout.open(0, "d", true);
        assert_eq!(tabs(&layout, 0), ["a", "c", "d"]);
        layout.open(0, "d", false);
        layout.open(0, "e", true);
        assert_eq!(tabs(&layout, 0), ["a", "c", "d", "e"]);
    }

    #[test]
    fn closing_shows_what_was_used_before() {
        let mut layout = Layout::default();
        for path in ["a", "b", "c", "a"] {
            layout.open(0, path, false);
        }
        layout.close(0, "a");
        assert_eq!(layout.active(), Some("c"));
        layout.close(0, "b");
        layout.close(0, "c");
        assert_eq!(layout, Layout::default());
    }

    #[test]
    fn a_split_goes_when_it_is_empty() {
        let mut layout = Layout::default();
        layout.open(0, "a", false);
        layout.open_beside("b");
        assert_eq!((layout.groups.len(), layout.focused), (2, 1));
        layout.open_beside("c");
        assert_eq!((tabs(&layout, 0), layout.focused), (vec!["a", "c"], 0));
        layout.close(0, "a");
        layout.close(0, "c");
        assert_eq!((layout.groups.len(), layout.active()), (1, Some("b")));
    }

    #[test]
    fn neighbours_go_round() {
        let mut layout = Layout::default();
        for path in ["a", "b", "c"] {
            layout.open(0, path, false);
        }
        assert_eq!(layout.neighbour(1).as_deref(), Some("a"));
        assert_eq!(layout.neighbour(-1).as_deref(), Some("b"));
        assert_eq!(Layout::default().neighbour(1), None);
    }

    #[test]
    fn renames_and_removals_follow() {
        let mut layout = Layout::default();
        layout.open(0, "src/a", false);
        layout.open_beside("src/b");
        layout.rename("src/a", "lib/a");
        assert_eq!(tabs(&layout, 0), ["lib/a"]);
        layout.close_where(|path| path.starts_with("src/"));
        assert_eq!((layout.groups.len(), layout.active()), (1, Some("lib/a")));
    }

    #[test]
    fn what_storage_gives_is_repaired() {
        let json = r#"{"groups":[{"tabs":["a","gone","a"],"active":"gone","preview":"gone"},{"tabs":[]},
            {"tabs":["b"],"active":"b"},{"tabs":["c"]}],"focused":9}"#;
        let layout: Layout = serde_json::from_str(json).unwrap_or_default();
        let layout = layout.repaired(|path| path != "gone");
        assert_eq!(layout.groups.len(), 2);
        assert_eq!((tabs(&layout, 0), layout.groups[0].active.as_deref()), (vec!["a"], Some("a")));
        assert_eq!(layout.groups[0].preview, None);
        assert_eq!((tabs(&layout, 1), layout.focused), (vec!["b"], 1));
        assert_eq!(Layout { groups: vec![], focused: 3 }.repaired(|_| true), Layout::default());
    }
}
