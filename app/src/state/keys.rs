//! Keyboard chords: written as `Mod+Shift+F`, matched against key events, shown as the platform writes them.

/// One chord. `Mod` is Command on a Mac and Control elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    /// Command or Control.
    pub mod_key: bool,
    /// Shift.
    pub shift: bool,
    /// Alt. On a Mac it is Option, and Control and Option with a key that types: Option alone types other letters there.
    pub alt: bool,
    /// Lower-case key: a letter, a digit, a sign, or a name as in `KeyboardEvent.key` (`enter`, `f1`, `arrowup`).
    pub key: String,
}

/// What a key event says, without the browser's type.
#[derive(Clone, Copy, Debug)]
pub struct Press<'a> {
    /// `ctrlKey`.
    pub ctrl: bool,
    /// `metaKey`.
    pub meta: bool,
    /// `shiftKey`.
    pub shift: bool,
    /// `altKey`.
    pub alt: bool,
    /// `key`.
    pub key: &'a str,
    /// `code`, the place on the keyboard: with Alt the key itself may be another letter.
    pub code: &'a str,
}

impl Chord {
    /// Read `Mod+Shift+F`. `None` when there is no key in it or a part is unknown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut chord = Self { mod_key: false, shift: false, alt: false, key: String::new() };
        let (modifiers, key) = match text.strip_suffix("++") {
            Some(before) => (before, "+"),
            None => text.rsplit_once('+').unwrap_or(("", text)),
        };
        for part in modifiers.split('+').filter(|part| !part.is_empty()) {
            match part {
                "Mod" => chord.mod_key = true,
                "Shift" => chord.shift = true,
                "Alt" => chord.alt = true,
                _ => return None,
            }
        }
        chord.key = key.to_lowercase();
        (!chord.key.is_empty()).then_some(chord)
    }

    /// On a Mac this chord is held with Control as well, because with Option alone it would type a letter.
    fn needs_control(&self, mac: bool) -> bool {
        mac && self.alt && !self.mod_key && self.key.chars().count() == 1
    }

    /// True when the event is this chord.
    #[must_use]
    pub fn matches(&self, press: &Press<'_>, mac: bool) -> bool {
        let (mod_key, other) = if mac { (press.meta, press.ctrl) } else { (press.ctrl, press.meta) };
        if mod_key != self.mod_key || other != self.needs_control(mac) || press.alt != self.alt {
            return false;
        }
        let same_key = press.key.to_lowercase() == self.key
            || self.alt && press.code.strip_prefix("Key").is_some_and(|c| c.to_lowercase() == self.key);
        // A sign such as `?` already says whether Shift is needed on this keyboard.
        let is_sign = self.key.len() == 1 && !self.key.chars().all(char::is_alphanumeric);
        same_key && (is_sign || press.shift == self.shift)
    }

    /// As the platform writes it: `⇧⌘F` or `Ctrl+Shift+F`.
    #[must_use]
    pub fn shown(&self, mac: bool) -> String {
        let key = match self.key.as_str() {
            "arrowup" => "↑".to_owned(),
            "arrowdown" => "↓".to_owned(),
            "arrowleft" => "←".to_owned(),
            "arrowright" => "→".to_owned(),
            "enter" => if mac { "↩" } else { "Enter" }.to_owned(),
            "escape" => "Esc".to_owned(),
            "pageup" => "PageUp".to_owned(),
            "pagedown" => "PageDown".to_owned(),
            key if key.len() == 1 => key.to_uppercase(),
            key => {
                let mut chars = key.chars();
                chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
            }
        };
        let mut parts = Vec::new();
        if mac {
            for (is_on, sign) in
                [(self.needs_control(mac), "⌃"), (self.alt, "⌥"), (self.shift, "⇧"), (self.mod_key, "⌘")]
            {
                if is_on {
                    parts.push(sign.to_owned());
                }
            }
            parts.push(key);
            parts.concat()
        } else {
            for (is_on, word) in [(self.mod_key, "Ctrl"), (self.shift, "Shift"), (self.alt, "Alt")] {
                if is_on {
                    parts.push(word.to_owned());
                }
            }
            parts.push(key);
            parts.join("+")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press<'a>(key: &'a str, code: &'a str, held: &str) -> Press<'a> {
        Press {
            ctrl: held.contains('c'),
            meta: held.contains('m'),
            shift: held.contains('s'),
            alt: held.contains('a'),
            key,
            code,
        }
    }

    fn chord(text: &str) -> Chord {
        Chord::parse(text).unwrap_or_else(|| panic!("{text} does not parse"))
    }

    #[test]
    fn mod_is_the_platforms_own_key() {
        let save = chord("Mod+S");
        assert!(save.matches(&press("s", "KeyS", "c"), false));
        assert!(save.matches(&press("s", "KeyS", "m"), true));
        assert!(!save.matches(&press("s", "KeyS", "m"), false));
        assert!(!save.matches(&press("s", "KeyS", "c"), true));
        assert!(!save.matches(&press("s", "KeyS", "cm"), false));
    }

    #[test]
    fn shift_and_alt_are_exact() {
        assert!(chord("Mod+Shift+F").matches(&press("F", "KeyF", "cs"), false));
        assert!(!chord("Mod+F").matches(&press("F", "KeyF", "cs"), false));
        assert!(chord("Alt+W").matches(&press("w", "KeyW", "a"), false));
        assert!(!chord("Alt+W").matches(&press("w", "KeyW", ""), false));
    }

    #[test]
    fn option_alone_types_on_a_mac() {
        assert!(!chord("Alt+N").matches(&press("~", "KeyN", "a"), true));
        // With Control the place of the key decides, whatever sign it would type.
        assert!(chord("Alt+N").matches(&press("~", "KeyN", "ca"), true));
        assert!(!chord("Alt+N").matches(&press("n", "KeyN", "ca"), false));
        assert!(chord("Alt+PageUp").matches(&press("PageUp", "PageUp", "a"), true));
        assert_eq!((chord("Alt+N").shown(true), chord("Alt+N").shown(false)), ("⌃⌥N".into(), "Alt+N".into()));
        assert_eq!(chord("Alt+PageUp").shown(true), "⌥PageUp");
    }

    #[test]
    fn signs_do_not_insist_on_shift() {
        assert!(chord("Mod+\\").matches(&press("\\", "Backslash", "c"), false));
        assert!(chord("Mod+/").matches(&press("/", "Digit7", "cs"), false));
        assert_eq!(chord("Mod++").key, "+");
    }

    #[test]
    fn shown_per_platform() {
        assert_eq!(chord("Mod+Shift+F").shown(false), "Ctrl+Shift+F");
        assert_eq!(chord("Mod+Shift+F").shown(true), "⇧⌘F");
        assert_eq!(chord("F1").shown(false), "F1");
        assert_eq!(chord("Alt+ArrowLeft").shown(false), "Alt+←");
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(Chord::parse(""), None);
        assert_eq!(Chord::parse("Hyper+X"), None);
        assert_eq!(Chord::parse("Mod+"), None);
    }
}
