//! Which words around a caret say what else of a project is worth knowing.

use super::place::is_word;

/// Bytes before the caret that are looked at, and behind.
const NEAR: (usize, usize) = (1200, 300);
/// Bytes at the beginning of a file in which its imports stand.
const HEAD: usize = 4000;
/// Most words of one question.
const MAX_WORDS: usize = 16;
/// Of those, from imports.
const MAX_IMPORTED: usize = 5;
/// Words that every file has.
const COMMON: &str = " and args arg array async await bool boolean break case catch char class const continue def default \
    del dict double elif else end enum err error except export extends false final finally float for from func function \
    global has here impl import include int interface into isinstance len let list long match mod mut name namespace new \
    nil none not null object package pass print private pub public raise range require return self set static str string \
    struct super switch template test that the then this throw true try type typename undefined unsafe use using usize \
    value var vec void when where while with yield ";

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_word(c)).filter(|word| {
        let is_common = || COMMON.contains(&format!(" {} ", word.to_lowercase()));
        word.len() >= 3 && word.len() <= 60 && !word.starts_with(|c: char| c.is_ascii_digit()) && !is_common()
    })
}

fn is_import(line: &str) -> bool {
    let line = line.trim_start();
    ["import ", "from ", "use ", "pub use ", "#include", "require", "using "]
        .iter()
        .any(|word| line.starts_with(word))
        || line.starts_with("const ") && line.contains("require(")
}

/// The words to ask the index for: names near the caret, the nearest first, and names that the file imports.
#[must_use]
pub fn words_near(before: &str, behind: &str) -> String {
    let near = &before[before.ceil_char_boundary(before.len().saturating_sub(NEAR.0))..];
    let next = &behind[..behind.floor_char_boundary(behind.len().min(NEAR.1))];
    let head = &before[..before.floor_char_boundary(before.len().min(HEAD))];
    let mut found: Vec<&str> = Vec::new();
    let mut add = |word, most: usize| {
        if found.len() < most && !found.contains(&word) {
            found.push(word);
        }
    };
    let mut nearest: Vec<&str> = near.lines().filter(|line| !is_import(line)).flat_map(words).collect();
    nearest.reverse();
    for word in nearest.into_iter().chain(words(next)) {
        add(word, MAX_WORDS - MAX_IMPORTED);
    }
    // What is imported and used near by is there already; of the rest the last ones are the most particular.
    let imported: Vec<&str> = head.lines().filter(|line| is_import(line)).flat_map(words).collect();
    for word in imported.into_iter().rev() {
        add(word, MAX_WORDS);
    }
    found.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first_and_imports_last() {
        let before = "import os\nfrom http.session import Session, adapters\n\ndef connect(self, retries):\n    policy = Retry(";
        assert_eq!(
            words_near(before, "\n    return policy"),
            "Retry policy retries connect adapters Session session http"
        );
        assert_eq!(words_near("x = 1; if not None:", ""), "");
    }

    #[test]
    fn a_question_is_short() {
        let many: String = (0..500).map(|n| format!("word{n} größe{n} ")).collect();
        assert_eq!(words_near(&many, &many).split(' ').count(), MAX_WORDS - MAX_IMPORTED);
    }
}
