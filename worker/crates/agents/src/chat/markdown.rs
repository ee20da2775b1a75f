//! The few things of Markdown that decide what a reference is: text, code in a line, blocks of code.

use std::ops::Range;

/// A stretch of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stretch {
    /// Text.
    Text(Range<usize>),
    /// Code in a line: with its backticks, and without.
    Code(Range<usize>, Range<usize>),
    /// A block of code: with its fences, and without. The last one may lack its end.
    Block(Range<usize>, Range<usize>),
}

/// The fence that a line begins with: its sign and length.
fn fence(line: &str) -> Option<(u8, usize)> {
    let rest = line.trim_start_matches(' ');
    let sign = *rest.as_bytes().first().filter(|sign| matches!(sign, b'`' | b'~'))?;
    let len = rest.bytes().take_while(|byte| *byte == sign).count();
    // Behind a fence of backticks stands no backtick, else it is code in a line.
    let is_fence = len >= 3 && line.len() - rest.len() < 4 && !(sign == b'`' && rest[len..].contains('`'));
    is_fence.then_some((sign, len))
}

/// Take an answer apart; the stretches follow each other without a gap.
pub(super) fn stretches(answer: &str) -> Vec<Stretch> {
    let mut out = Vec::new();
    let mut text_from = 0;
    // Sign and length of the fence that is open, where it began, and where its code begins.
    let mut open: Option<(u8, usize, usize, usize)> = None;
    let mut at = 0;
    for line in answer.split_inclusive('\n') {
        let (from, to) = (at, at + line.len());
        at = to;
        match (open, fence(line.trim_end())) {
            (None, Some((sign, len))) => {
                spans(answer, text_from..from, &mut out);
                open = Some((sign, len, from, to));
            }
            (Some((sign, len, begin, code)), Some((end_sign, end_len)))
                if sign == end_sign && end_len >= len && line.trim().bytes().all(|byte| byte == sign) =>
            {
                let end = from + line.trim_end().len();
                out.push(Stretch::Block(begin..end, code..from));
                (open, text_from) = (None, end);
            }
            _ => {}
        }
    }
    match open {
        Some((.., begin, code)) => out.push(Stretch::Block(begin..answer.len(), code..answer.len())),
        None => spans(answer, text_from..answer.len(), &mut out),
    }
    out
}

/// Text and the code in it.
fn spans(answer: &str, range: Range<usize>, out: &mut Vec<Stretch>) {
    let text = &answer[range.clone()];
    let (mut from, mut at) = (0, 0);
    while let Some(found) = text[at..].find('`') {
        let begin = at + found;
        let run = |at: usize| text[at..].bytes().take_while(|byte| *byte == b'`').count();
        let len = run(begin);
        // The next run of as many backticks ends it, in this paragraph.
        let paragraph = text[begin..].find("\n\n").map_or(text.len(), |end| begin + end);
        let mut look = begin + len;
        let mut end = None;
        while let Some(next) = text[look..paragraph].find('`').map(|next| look + next) {
            let num = run(next);
            if num == len {
                end = Some(next);
                break;
            }
            look = next + num;
        }
        at = begin + len;
        let Some(end) = end else { continue };
        if from < begin {
            out.push(Stretch::Text(range.start + from..range.start + begin));
        }
        let inner = range.start + begin + len..range.start + end;
        out.push(Stretch::Code(range.start + begin..range.start + end + len, inner));
        (from, at) = (end + len, end + len);
    }
    if from < text.len() {
        out.push(Stretch::Text(range.start + from..range.end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(answer: &str) -> Vec<(char, &str)> {
        let kind = |stretch: Stretch| match stretch {
            Stretch::Text(range) => ('t', &answer[range]),
            Stretch::Code(_, inner) => ('c', &answer[inner]),
            Stretch::Block(_, inner) => ('b', &answer[inner]),
        };
        stretches(answer).into_iter().map(kind).collect()
    }

    #[test]
    fn text_code_and_blocks_are_told_apart() {
        assert_eq!(
            told("see `a` and ``b`c``."),
            [('t', "see "), ('c', "a"), ('t', " and "), ('c', "b`c"), ('t', ".")]
        );
        assert_eq!(told("x\n```rust\nlet a;\n```\ny"), [('t', "x\n"), ('b', "let a;\n"), ('t', "\ny")]);
        assert_eq!(told("```\ncut o"), [('b', "cut o")]);
        assert_eq!(told("~~~\n```\n~~~"), [('b', "```\n")]);
        assert_eq!(told("an open ` stays text"), [('t', "an open ` stays text")]);
        assert_eq!(told("a ` b\n\nc ` d"), [('t', "a ` b\n\nc ` d")]);
        assert!(told("").is_empty());
    }

    proptest! {
        #[test]
        fn stretches_follow_each_other_without_a_gap(answer in "[`~a\\n ä]{0,40}") {
            let mut at = 0;
            for stretch in stretches(&answer) {
                let (Stretch::Text(range) | Stretch::Code(range, _) | Stretch::Block(range, _)) = stretch;
                prop_assert_eq!(range.start, at);
                prop_assert!(answer.get(range.clone()).is_some());
                at = range.end;
            }
            prop_assert_eq!(at, answer.len());
        }
    }
}
