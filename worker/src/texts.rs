//! Texts of files that were read lately, so that previews and repeated exact searches do not read them again.

use std::collections::HashMap;
use std::rc::Rc;

/// Most bytes of text kept.
const BUDGET_BYTES: usize = 24 << 20;

/// A least-recently-used cache of texts by path.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    by_path: HashMap<String, (Rc<str>, u64)>,
    bytes: usize,
    clock: u64,
}

impl Texts {
    /// The text of `path` if it is kept.
    pub(crate) fn get(&mut self, path: &str) -> Option<Rc<str>> {
        self.clock += 1;
        let (text, used) = self.by_path.get_mut(path)?;
        *used = self.clock;
        Some(text.clone())
    }

    /// Keep a text; the ones not used for longest make room.
    pub(crate) fn put(&mut self, path: &str, text: Rc<str>) {
        self.remove(path);
        if text.len() > BUDGET_BYTES / 4 {
            return;
        }
        self.clock += 1;
        self.bytes += text.len();
        self.by_path.insert(path.to_owned(), (text, self.clock));
        if self.bytes > BUDGET_BYTES {
            // Half of the entries go at once: sorting for each single one would cost more than it keeps.
            let mut ages: Vec<(u64, String)> =
                self.by_path.iter().map(|(p, (_, t))| (*t, p.clone())).collect();
            ages.sort_unstable();
            for (_, path) in ages.drain(..ages.len().div_ceil(2)) {
                self.remove(&path);
            }
        }
    }

    /// Forget the text of `path`.
    pub(crate) fn remove(&mut self, path: &str) {
        if let Some((text, _)) = self.by_path.remove(path) {
            self.bytes -= text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_holds_and_the_recently_used_stay() {
        let mut texts = Texts::default();
        let text: Rc<str> = "x".repeat(1 << 20).into();
        for i in 0..40 {
            texts.put(&format!("f{i}"), text.clone());
            assert!(texts.get("f0").is_some(), "f0 is used all the time");
            assert!(texts.bytes <= BUDGET_BYTES);
        }
        assert!(texts.get("f1").is_none());
        texts.remove("f0");
        assert!(texts.get("f0").is_none());
    }
}
