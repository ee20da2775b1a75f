//! The words that a model gets.

use std::fmt::Write as _;

use super::pack::{Numbered, Piece};

/// What a small model is told first. Every sentence more is followed less.
const INSTRUCTIONS: &str = "You answer questions about a code project, from numbered passages of it that the person sees \
                            beside your answer. Answer in two to five sentences, each with the number of its passage, \
                            like [1]. Name the classes, functions and parameters that matter, in backticks. Never copy \
                            a passage; if code helps, write at most five new lines that show how to use it. If the \
                            passages do not answer the question, say that you cannot find it there.";

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// A part of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whose.
    pub who: Who,
    /// What it says.
    pub text: String,
}

/// A question of earlier with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What was asked.
    pub question: String,
    /// What was answered.
    pub answer: String,
}

/// A passage as it stands in the prompt. The number stands for any other with as many digits when tokens are counted.
#[must_use]
pub fn rendered(number: u32, piece: &Piece) -> String {
    // A fence must be longer than any in the code.
    let fence = "`".repeat(longest_run(&piece.text).max(2) + 1);
    let (start, end) = (piece.start_line + 1, piece.end_line() + 1);
    format!("[{number}] {}:{start}-{end}\n{fence}\n{}\n{fence}\n", piece.path, piece.text)
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for byte in text.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// The whole conversation: instructions, earlier exchanges (oldest first), passages and question. The question stands
/// last, for a small model answers what it read last.
#[must_use]
pub fn conversation(history: &[Exchange], passages: &[Numbered], question: &str) -> Vec<Line> {
    let mut lines = vec![Line { who: Who::System, text: INSTRUCTIONS.to_owned() }];
    for Exchange { question, answer } in history {
        lines.push(Line { who: Who::User, text: question.clone() });
        lines.push(Line { who: Who::Assistant, text: answer.clone() });
    }
    let mut text = String::from("Passages:\n\n");
    for passage in passages {
        let _written = writeln!(text, "{}", rendered(passage.number, &passage.piece));
    }
    let _written = write!(text, "Question: {}", question.trim());
    lines.push(Line { who: Who::User, text });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(text: &str) -> Numbered {
        let piece = Piece {
            path: "a/b.md".into(),
            start_line: 4,
            symbol: String::new(),
            text: text.into(),
            score: 0.0,
        };
        Numbered { number: 1, piece, num_tokens: 9, is_cut: false }
    }

    #[test]
    fn a_prompt_is_instructions_history_passages_and_the_question_last() {
        let history = [Exchange { question: "q".into(), answer: "a".into() }];
        let lines = conversation(&history, &[numbered("x\ny")], " why? ");
        let who: Vec<Who> = lines.iter().map(|line| line.who).collect();
        assert_eq!(who, [Who::System, Who::User, Who::Assistant, Who::User]);
        assert_eq!(lines[3].text, "Passages:\n\n[1] a/b.md:5-6\n```\nx\ny\n```\n\nQuestion: why?");
    }

    #[test]
    fn code_that_holds_a_fence_cannot_end_its_passage() {
        assert!(rendered(1, &numbered("````\nx\n````").piece).starts_with("[1] a/b.md:5-7\n`````\n````\n"));
    }
}
