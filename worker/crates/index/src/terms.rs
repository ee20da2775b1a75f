//! Code-aware words: identifiers are split at case, digit and underscore borders, lower-cased and lightly stemmed.
//!
//! `getHTTPResponse2` gives `get http respons 2` and, because whole names are searched too, `gethttpresponse2`.

/// Longest term in bytes. Longer runs (base64, minified names) are cut: nobody searches for their tails.
const MAX_TERM: usize = 40;

/// Words of a question that say nothing about the code asked for. They are dropped from queries, never from files.
const STOP: [&str; 34] = [
    "a", "an", "the", "of", "to", "in", "for", "and", "or", "is", "are", "be", "with", "from", "by", "on",
    "at", "as", "if", "it", "its", "this", "that", "into", "when", "given", "where", "how", "what", "which",
    "does", "do", "we", "i",
];

/// True for words that a query is better without.
pub(crate) fn is_stop(word: &str) -> bool {
    STOP.contains(&word)
}

/// Call `word` for each run of word characters in `text`.
pub(crate) fn for_each_word<'a>(text: &'a str, mut word: impl FnMut(&'a str)) {
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if !is_word(bytes[i]) {
            i += 1;
            continue;
        }
        let start = i;
        while i < bytes.len() && is_word(bytes[i]) {
            i += 1;
        }
        // Bytes above ASCII count as word characters, so both ends lie on character borders.
        word(&text[start..i]);
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Lower,
    Upper,
    Digit,
}

fn class(c: char) -> Option<Class> {
    if c.is_ascii_digit() {
        Some(Class::Digit)
    } else if c.is_ascii_lowercase() {
        Some(Class::Lower)
    } else if c.is_uppercase() {
        Some(Class::Upper)
    } else if c.is_alphanumeric() {
        Some(Class::Lower)
    } else {
        None
    }
}

/// Call `part` for each piece of an identifier, as it is written.
pub(crate) fn for_each_part(word: &str, mut part: impl FnMut(&str)) {
    let mut start = 0;
    let mut last: Option<(usize, Class)> = None;
    for (i, c) in word.char_indices() {
        let Some(now) = class(c) else {
            if last.is_some() {
                part(&word[start..i]);
            }
            last = None;
            start = i + c.len_utf8();
            continue;
        };
        if let Some((last_at, was)) = last {
            if (was, now) == (Class::Upper, Class::Lower) {
                // The last capital of a run begins the next word: `HTTPServer` is `HTTP` and `Server`.
                if last_at > start {
                    part(&word[start..last_at]);
                    start = last_at;
                }
            } else if was != now {
                part(&word[start..i]);
                start = i;
            }
        } else {
            start = i;
        }
        last = Some((i, now));
    }
    if last.is_some() {
        part(&word[start..]);
    }
}

/// Call `term` for each term of one word: its parts, stemmed, and the whole when it has several parts. `buf` is scratch.
pub(crate) fn for_each_term(word: &str, buf: &mut String, mut term: impl FnMut(&str)) {
    let mut num_parts = 0u32;
    for_each_part(word, |part| {
        num_parts += 1;
        lower_into(part, buf);
        stem(buf);
        term(buf);
    });
    if num_parts > 1 {
        buf.clear();
        for c in word.chars().filter(|&c| c != '_') {
            buf.extend(c.to_lowercase());
        }
        cut(buf);
        term(buf);
    }
}

fn lower_into(part: &str, buf: &mut String) {
    buf.clear();
    if part.is_ascii() {
        buf.push_str(part);
        buf.make_ascii_lowercase();
    } else {
        buf.extend(part.chars().flat_map(char::to_lowercase));
    }
    cut(buf);
}

fn cut(buf: &mut String) {
    let mut end = buf.len().min(MAX_TERM);
    while !buf.is_char_boundary(end) {
        end -= 1;
    }
    buf.truncate(end);
}

/// A light stem, in place: endings of number, tense and derivation go, so that `create`, `created`, `creates` and
/// `creating` meet, as do `validate`, `validation` and `validator`. At least three letters stay.
pub(crate) fn stem(word: &mut String) {
    if word.len() < 4 || !word.is_ascii() || word.as_bytes()[0].is_ascii_digit() {
        return;
    }
    let ends = |word: &String, ending: &str, least: usize| {
        word.ends_with(ending) && word.len() >= ending.len() + least
    };
    let two = ["ies", "sses", "xes", "ches", "shes"].into_iter().any(|e| ends(word, e, 2));
    if two {
        word.truncate(word.len() - 2);
    } else if word.ends_with('s') && !["ss", "us", "is"].into_iter().any(|e| word.ends_with(e)) {
        word.pop();
    }
    let cut = ["ing", "ed"].into_iter().find(|e| ends(word, e, 3));
    if let Some(ending) = cut {
        word.truncate(word.len() - ending.len());
        let bytes = word.as_bytes();
        let last = bytes[bytes.len() - 1];
        if word.len() > 3 && last == bytes[bytes.len() - 2] && !matches!(last, b'l' | b's' | b'z' | b'e') {
            word.pop();
        }
    }
    for ending in ENDINGS {
        if ends(word, ending, 4) {
            word.truncate(word.len() - ending.len());
            break;
        }
    }
    if ends(word, "e", 3) {
        word.pop();
    }
    if word.len() > 3 && word.ends_with('y') {
        word.pop();
        word.push('i');
    }
}

const ENDINGS: [&str; 5] = ["ation", "ator", "ate", "ion", "or"];

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let (mut out, mut buf) = (Vec::new(), String::new());
        for_each_word(text, |word| for_each_term(word, &mut buf, |t| out.push(t.to_owned())));
        out
    }

    #[test]
    fn identifiers_are_split_and_kept_whole() {
        assert_eq!(terms("getHTTPResponse2"), ["get", "http", "respons", "2", "gethttpresponse2"]);
        assert_eq!(terms("max_retry_count"), ["max", "retri", "count", "maxretrycount"]);
        assert_eq!(terms("__init__"), ["init"]);
        assert_eq!(terms("HTTPServer parsing"), ["http", "server", "httpserver", "pars"]);
        assert_eq!(terms("x = Größe(1)"), ["x", "größe", "1"]);
        assert_eq!(terms("→ … ___ 🙂"), Vec::<String>::new());
    }

    #[test]
    fn forms_of_a_word_meet() {
        for forms in [
            "create created creates creating creation creator",
            "validate validates validation validator",
            "get gets getting",
            "entry entries",
            "class classes",
            "match matches matching",
            "call called calling calls",
        ] {
            let stems: Vec<String> = forms.split(' ').flat_map(terms).collect();
            assert!(stems.iter().all(|s| *s == stems[0]), "{stems:?}");
        }
        assert_eq!(terms("status this address is"), ["status", "this", "address", "is"]);
    }

    #[test]
    fn odd_text_never_panics() {
        for text in ["ÀÉÎ", "aÉb", "ß_ẞ", "日本語Code", "_", "A", "🙂A🙂b1", &"é".repeat(100)]
        {
            let _ = terms(text);
        }
    }
}
