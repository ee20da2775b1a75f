//! Prompts that ask for what stands in a gap, within a budget of tokens.
//!
//! Models that know it get the text before and behind the gap between their marks, with other files of the project
//! before; others are given the text before the gap to go on from. Where the budget is too small, first those snippets
//! go that fit no more (the least relevant stand last), then the far ends: the beginning of the text before, the end of
//! the text behind. The cut at the beginning keeps to places that stay while somebody types, so that what the model has
//! computed for the last prompt serves for the next.

use crate::{Bpe, Marks, TokenError};

/// Fewest tokens that a prompt can be made of.
const MIN_TOKENS: usize = 32;

/// Tokens that mark the parts of a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FillMarks {
    /// Before the text before the gap, before the text behind it, before what is to be written.
    pub gap: Option<[u32; 3]>,
    /// Before the name of the repository.
    pub repo: Option<u32>,
    /// Before the path of a file.
    pub file: Option<u32>,
    /// The path of the edited file stands behind the mark of the text before the gap (StarCoder 2) and not before it.
    pub path_inside: bool,
}

/// Marks of the gap in known families: Qwen and CodeGemma, StarCoder, Granite, DeepSeek.
const GAPS: [[&str; 3]; 4] = [
    ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
    ["<fim-prefix>", "<fim-suffix>", "<fim-middle>"],
    ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
];
const REPOS: [&str; 3] = ["<|repo_name|>", "<repo_name>", "<reponame>"];
const FILES: [&str; 3] = ["<|file_sep|>", "<file_sep>", "<filename>"];

impl FillMarks {
    /// The marks that the vocabulary of a known family has.
    #[must_use]
    pub fn find(bpe: &Bpe) -> Self {
        let first = |texts: &[&str]| texts.iter().find_map(|text| bpe.mark(text));
        let gap = |texts: &[&str; 3]| match texts.map(|text| bpe.mark(text)) {
            [Some(prefix), Some(suffix), Some(middle)] => Some([prefix, suffix, middle]),
            _ => None,
        };
        Self {
            gap: GAPS.iter().find_map(gap),
            repo: first(&REPOS),
            file: first(&FILES),
            path_inside: gap(&GAPS[1]).is_some() && bpe.mark(FILES[1]).is_some(),
        }
    }
}

/// A piece of another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snippet<'a> {
    /// Where it stands.
    pub path: &'a str,
    /// What it says.
    pub text: &'a str,
}

/// What is known around a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap<'a> {
    /// Name of the repository; empty when there is none.
    pub repo: &'a str,
    /// Path of the edited file.
    pub path: &'a str,
    /// What else the model should know, most relevant first.
    pub snippets: &'a [Snippet<'a>],
    /// Text of the file before the gap.
    pub prefix: &'a str,
    /// Text of the file behind the gap.
    pub suffix: &'a str,
}

/// A prompt, and what did not fit into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillPrompt {
    /// The tokens.
    pub ids: Vec<u32>,
    /// Bytes left out at the beginning of the text before the gap.
    pub cut_prefix_bytes: usize,
    /// Bytes left out at the end of the text behind the gap: all of it where the model cannot fill gaps.
    pub cut_suffix_bytes: usize,
    /// Snippets that are in, by their place in the list.
    pub snippets: Vec<usize>,
}

/// Make the prompt for a gap out of at most `max_tokens`. Text is text: marks that are written in a file mean nothing.
///
/// # Errors
/// [`TokenError::LimitTooSmall`] for fewer than 32 tokens.
pub fn fill_prompt(
    bpe: &Bpe,
    marks: &FillMarks,
    gap: &Gap<'_>,
    max_tokens: usize,
) -> Result<FillPrompt, TokenError> {
    if max_tokens < MIN_TOKENS {
        return Err(TokenError::LimitTooSmall(max_tokens));
    }
    let plain = |text: &str| bpe.encode(text, Marks::Plain, usize::MAX);
    let short = |text: &str| -> Result<Vec<u32>, TokenError> {
        let line = text.lines().next().unwrap_or_default();
        plain(&format!("{}\n", &line[..line.floor_char_boundary(line.len().min(max_tokens))]))
    };
    let path = match marks.file {
        Some(_) if !gap.path.is_empty() => short(gap.path)?,
        _ => Vec::new(),
    };
    let repo = match marks.repo {
        Some(mark) if !gap.repo.is_empty() => [vec![mark], short(gap.repo)?].concat(),
        _ => Vec::new(),
    };
    // Marks of the gap and of the file. What names things gives way where it would take a quarter of everything.
    let named = repo.len() + path.len() <= max_tokens / 4;
    let (repo, path) = if named { (repo, path) } else { Default::default() };
    let rest = max_tokens - repo.len() - path.len() - 4;

    let (mut before, mut snippets) = (Vec::new(), Vec::new());
    for (i, snippet) in gap.snippets.iter().enumerate() {
        let room = rest / 3 - before.len().min(rest / 3);
        // A token has at least one byte in nearly all vocabularies, and seldom more than eight: what is far too long
        // is not looked at.
        if snippet.text.len() > room * 8 {
            continue;
        }
        let mut ids = match marks.file {
            Some(mark) => [vec![mark], short(snippet.path)?].concat(),
            None => Vec::new(),
        };
        ids.extend(plain(snippet.text)?);
        if !snippet.text.ends_with('\n') {
            ids.extend(plain("\n")?);
        }
        if ids.len() <= room {
            before.extend(ids);
            snippets.push(i);
        }
    }
    let rest = rest - before.len();
    // A quarter for what stands behind, if it needs that much, and more if the text before needs less.
    let whole_suffix = if marks.gap.is_some() { gap.suffix } else { "" };
    let (mut start, mut prefix) = tail(bpe, gap.prefix, rest)?;
    let (_, least) = head(bpe, whole_suffix, rest / 4)?;
    if prefix.len() + least.len() > rest {
        (start, prefix) = tail(bpe, gap.prefix, rest - least.len())?;
    }
    let (end, suffix) = head(bpe, whole_suffix, rest - prefix.len())?;

    let mut ids = repo;
    ids.extend(before);
    let named = if path.is_empty() { None } else { marks.file };
    ids.extend(named);
    match marks.gap {
        Some([first, second, third]) => {
            if marks.path_inside {
                ids.push(first);
                ids.extend(path);
            } else {
                ids.extend(path);
                ids.push(first);
            }
            ids.extend(prefix);
            ids.push(second);
            ids.extend(suffix);
            ids.push(third);
        }
        None => {
            ids.extend(path);
            ids.extend(prefix);
        }
    }
    Ok(FillPrompt { ids, cut_prefix_bytes: start, cut_suffix_bytes: gap.suffix.len() - end, snippets })
}

/// The end of `text` in at most `max` tokens: where it begins, and its ids.
fn tail(bpe: &Bpe, text: &str, max: usize) -> Result<(usize, Vec<u32>), TokenError> {
    let mut window = max.saturating_mul(4).max(64);
    let (from, ids) = loop {
        let from = text.floor_char_boundary(text.len().saturating_sub(window));
        let ids = bpe.encode(&text[from..], Marks::Plain, usize::MAX)?;
        if from == 0 || ids.len() > max {
            break (from, ids);
        }
        window *= 2;
    };
    if from == 0 && ids.len() <= max {
        return Ok((0, ids));
    }
    let kept = ids[ids.len() - max.min(ids.len())..].iter().map(|&id| bpe.token_bytes(id).len()).sum();
    let earliest = text.len().saturating_sub(kept);
    // Steps of about an eighth of the budget.
    let (mut least, step) = (earliest, (max / 2).next_power_of_two());
    loop {
        let start = anchor(text, least, step);
        let ids = bpe.encode(&text[start..], Marks::Plain, usize::MAX)?;
        if ids.len() < max / 4 && least < text.len() {
            // Where tokens are short, a step can be most of the budget. A cut that moves is better than no text.
            return exact_tail(bpe, text, earliest, max);
        }
        if ids.len() <= max {
            return Ok((start, ids));
        }
        least = start + 1;
    }
}

/// The longest end of `text` from `least` on in at most `max` tokens.
fn exact_tail(bpe: &Bpe, text: &str, least: usize, max: usize) -> Result<(usize, Vec<u32>), TokenError> {
    let mut start = text.ceil_char_boundary(least);
    loop {
        let ids = bpe.encode(&text[start..], Marks::Plain, usize::MAX)?;
        if ids.len() <= max {
            return Ok((start, ids));
        }
        start = text.ceil_char_boundary(start + 1);
    }
}

/// The first place from `least` on at which a cut does not move while text is added behind: the beginning of the first
/// line in a step of `step` bytes from the beginning, or of the step where it has none.
fn anchor(text: &str, least: usize, step: usize) -> usize {
    let mut at = least.saturating_sub(1) / step * step;
    loop {
        let here = text.ceil_char_boundary(at.min(text.len()));
        let next = text.ceil_char_boundary((at + step).min(text.len()));
        let line = text[here..next].find('\n').map(|line| here + line + 1);
        match line.unwrap_or(here) {
            start if start >= least || start >= text.len() => return start,
            _ => at += step,
        }
    }
}

/// The beginning of `text` in at most `max` tokens: where it ends, and its ids.
fn head(bpe: &Bpe, text: &str, max: usize) -> Result<(usize, Vec<u32>), TokenError> {
    let mut window = max.saturating_mul(4).max(64);
    let (to, ids) = loop {
        let to = text.floor_char_boundary(text.len().min(window));
        let ids = bpe.encode(&text[..to], Marks::Plain, usize::MAX)?;
        if to == text.len() || ids.len() > max {
            break (to, ids);
        }
        window *= 2;
    };
    if to == text.len() && ids.len() <= max {
        return Ok((to, ids));
    }
    let kept = ids.iter().take(max).map(|&id| bpe.token_bytes(id).len()).sum::<usize>();
    let mut end = text.floor_char_boundary(kept.min(text.len()));
    loop {
        // At the end of a line, unless that would cost half of it.
        if let Some(line) = text[..end].rfind('\n').filter(|line| *line > end / 2) {
            end = line + 1;
        }
        let ids = bpe.encode(&text[..end], Marks::Plain, usize::MAX)?;
        if ids.len() <= max {
            return Ok((end, ids));
        }
        end = text.floor_char_boundary(end - end.div_ceil(8));
    }
}
