//! Whether a question stands on its own, and what to search for when it does not.

/// Words that point back to what was said.
const POINTING: [&str; 16] = [
    "it", "its", "that", "this", "these", "those", "they", "them", "their", "there", "he", "she", "same",
    "one", "ones", "above",
];
/// Words that continue what was said, at the beginning of a question.
const CONTINUING: [&str; 10] = ["and", "but", "or", "so", "then", "also", "why", "ok", "okay", "what about"];
/// Words that say nothing of what is asked about.
const EMPTY: [&str; 58] = [
    "a", "about", "am", "an", "are", "as", "at", "be", "by", "can", "change", "code", "could", "describe",
    "did", "do", "does", "else", "example", "explain", "for", "from", "give", "how", "i", "in", "is", "like",
    "me", "mean", "more", "my", "of", "on", "please", "should", "show", "tell", "test", "the", "to", "use",
    "used", "want", "was", "we", "what", "when", "where", "which", "who", "will", "with", "work", "works",
    "would", "you", "your",
];
/// A question with at least this many telling words stands on its own, whatever it points to.
const TELLING: usize = 4;

/// Words of a question, lower-case; a name stays whole.
fn words(question: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    question.split(|c| !is_word(c)).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// True when a question makes sense only with the one before it, as “and how do I change it?” does.
#[must_use]
pub fn follows_up(question: &str) -> bool {
    let words = words(question);
    let is = |list: &[&str], word: &String| list.contains(&word.as_str());
    let telling = words
        .iter()
        .filter(|word| !is(&EMPTY, word) && !is(&POINTING, word) && !is(&CONTINUING, word) && word.len() > 1)
        .count();
    let lower = words.join(" ");
    let continues = CONTINUING.iter().any(|begin| lower == *begin || lower.starts_with(&format!("{begin} ")));
    let points = words.iter().any(|word| is(&POINTING, word));
    telling == 0 || ((continues || points) && telling < TELLING)
}

/// What is searched for: the question, behind those that it follows where it does not stand on its own. `before` has the
/// questions before it in this branch, the newest first.
#[must_use]
pub fn joint_question(question: &str, before: &[&str]) -> String {
    let mut parts = vec![question];
    for earlier in before {
        if !parts.last().is_some_and(|last| follows_up(last)) {
            break;
        }
        parts.push(earlier);
    }
    parts.reverse();
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_that_need_the_one_before() {
        for question in [
            "and how do I change it?",
            "why?",
            "Show me an example",
            "how does that work?",
            "What about the tests?",
            "And the timeout?",
            "Where is it used?",
            "",
            "…",
            "can you explain more",
            "What does this return?",
        ] {
            assert!(follows_up(question), "{question}");
        }
        for question in [
            "How do I bake sourdough bread?",
            "Where is the retry logic?",
            "What does chunk_key hash?",
            "Which file parses the configuration?",
            "and where does the server set its content security headers?",
        ] {
            assert!(!follows_up(question), "{question}");
        }
    }

    #[test]
    fn a_chain_is_followed_to_a_question_that_stands_alone() {
        let before = ["and where is it called?", "Where is the retry logic?", "What is a chunk?"];
        assert_eq!(
            joint_question("why?", &before),
            "Where is the retry logic?\nand where is it called?\nwhy?"
        );
        assert_eq!(joint_question("Where is the parser?", &before), "Where is the parser?");
        assert_eq!(joint_question("why?", &[]), "why?");
    }
}
