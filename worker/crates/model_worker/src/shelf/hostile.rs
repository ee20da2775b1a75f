//! Files that lie, taken in as they come: the kinds on which other readers of GGUF have failed. Each is refused in a
//! sentence, and before anything of it would be kept.

use super::intake::Intake;

type Bytes = Vec<u8>;

fn head(version: u32, tensors: u64, pairs: u64) -> Bytes {
    let counts = [tensors.to_le_bytes(), pairs.to_le_bytes()].concat();
    [b"GGUF".as_slice(), &version.to_le_bytes(), &counts].concat()
}

fn text(text: &str) -> Bytes {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

/// A pair with a value of type `kind`.
fn pair(key: &str, kind: u32, value: &[u8]) -> Bytes {
    [text(key), kind.to_le_bytes().to_vec(), value.to_vec()].concat()
}

fn align(alignment: u32) -> Bytes {
    pair("general.alignment", 4, &alignment.to_le_bytes())
}

/// An entry of the table of tensors.
fn tensor(name: &str, dims: &[u64], kind: u32, offset: u64) -> Bytes {
    let dims: Bytes = (dims.len() as u32)
        .to_le_bytes()
        .into_iter()
        .chain(dims.iter().flat_map(|n| n.to_le_bytes()))
        .collect();
    [text(name), dims, kind.to_le_bytes().to_vec(), offset.to_le_bytes().to_vec()].concat()
}

fn join(parts: &[Bytes]) -> Bytes {
    let mut file = parts.concat();
    file.resize(file.len().next_multiple_of(32) + 4096, 0);
    file
}

/// Every kind, with a part of the sentence that it must end in.
fn kinds() -> Vec<(&'static str, Bytes, &'static str)> {
    let f32_kind = 0;
    let one = |dims: &[u64], kind, offset| join(&[head(3, 1, 0), tensor("t", dims, kind, offset)]);
    let pairs = |n, all: &[Bytes]| join(&[vec![head(3, 0, n)], all.to_vec()].concat());
    let a = |second: &str, offset| {
        join(&[head(3, 2, 0), tensor("t", &[8], f32_kind, 0), tensor(second, &[8], f32_kind, offset)])
    };
    vec![
        ("nothing", Vec::new(), "cut short"),
        ("a page", b"<!doctype html><title>Not found</title>".repeat(40), "not a GGUF file"),
        ("zeros", vec![0; 5000], "not a GGUF file"),
        ("bad magic", join(&[b"FUGG".to_vec(), head(3, 0, 0).split_off(4)]), "not a GGUF file"),
        ("version 0", join(&[head(0, 0, 0)]), "version 0"),
        ("version 1", join(&[head(1, 0, 0)]), "version 1"),
        ("a future version", join(&[head(4, 0, 0)]), "version 4"),
        ("big-endian", join(&[head(3_u32.swap_bytes(), 0, 0)]), "big-endian"),
        ("-1 pairs", join(&[head(3, 0, u64::MAX)]), "the metadata"),
        ("-1 tensors", join(&[head(3, u64::MAX, 0)]), "the table of tensors"),
        ("empty, but sound", join(&[head(3, 0, 0)]), "general.architecture"),
        ("a key of -1 bytes", pairs(1, &[u64::MAX.to_le_bytes().to_vec()]), "a key of the metadata"),
        ("a value of no type", pairs(1, &[pair("k", 13, &[0; 8])]), "unknown type 13"),
        ("a key twice", pairs(2, &[pair("k", 4, &[0; 4]), pair("k", 4, &[0; 4])]), "stands there twice"),
        ("alignment 13", pairs(1, &[align(13)]), "general.alignment"),
        ("alignment 0", pairs(1, &[align(0)]), "general.alignment"),
        (
            "an alignment with a sign",
            pairs(1, &[pair("general.alignment", 5, &[32, 0, 0, 0])]),
            "general.alignment",
        ),
        ("a string of -1 bytes", pairs(1, &[pair("k", 8, &u64::MAX.to_le_bytes())]), "“k”"),
        (
            "a list of -1 elements",
            pairs(1, &[pair("k", 9, &[4_u32.to_le_bytes().as_slice(), &u64::MAX.to_le_bytes()].concat())]),
            "“k”",
        ),
        ("sound metadata of no model", pairs(1, &[pair("k", 4, &[1; 4])]), "general.architecture"),
        ("a long name", join(&[head(3, 1, 0), tensor(&"n".repeat(65), &[8], 0, 0)]), "65"),
        ("a name of -1 bytes", join(&[head(3, 1, 0), u64::MAX.to_le_bytes().to_vec()]), "a name"),
        ("five dimensions", one(&[1; 5], f32_kind, 0), "dimensions"),
        ("no dimensions", one(&[], f32_kind, 0), "no dimensions"),
        ("a dimension of 0", one(&[8, 0], f32_kind, 0), "dimension of 0"),
        ("too many numbers", one(&[i64::MAX as u64, 2], f32_kind, 0), "overflows"),
        ("-1 numbers", one(&[u64::MAX], f32_kind, 0), "overflows"),
        ("too many bytes", one(&[1 << 62], f32_kind, 0), "overflows"),
        ("a type of nothing", one(&[8], 77, 0), "unknown type 77"),
        ("half a block", one(&[33], 8, 0), "whole blocks"),
        ("an offset beyond", one(&[8], f32_kind, 1 << 20), "is its place"),
        ("an offset of -1", one(&[8], f32_kind, u64::MAX), "is its place"),
        ("overlapping tensors", a("u", 0), "is its place"),
        ("a tensor twice", a("t", 32), "stands there twice"),
        (
            "an alignment that the offsets do not have",
            join(&[
                head(3, 2, 1),
                align(64),
                tensor("t", &[8], f32_kind, 0),
                tensor("u", &[8], f32_kind, 32),
            ]),
            "is its place",
        ),
        (
            "sound tensors with an alignment of their own, and no model",
            join(&[
                head(3, 2, 1),
                align(64),
                tensor("t", &[8], f32_kind, 0),
                tensor("u", &[8], f32_kind, 64),
            ]),
            "general.architecture",
        ),
        ("another kind of model", pairs(1, &[pair("general.architecture", 8, &text("bert"))]), "bert"),
    ]
}

/// Take `file` in, `piece` bytes at a time; `expected` is its length where that is told beforehand.
fn take(file: &[u8], piece: usize, expected: u64) -> Result<(), String> {
    let mut intake = Intake::new(expected);
    for bytes in file.chunks(piece) {
        if intake.push(bytes)?.is_some() {
            return Ok(());
        }
    }
    intake.end().map(|_| ())
}

#[test]
fn every_hostile_file_ends_in_a_sentence_and_nothing_of_it_is_kept() {
    let kinds = kinds();
    assert!(kinds.len() >= 27);
    for (kind, file, part) in kinds {
        for piece in [1, 7, 64, 1 << 20] {
            for expected in [0, file.len() as u64] {
                let why = take(&file, piece, expected).err();
                let why = why.unwrap_or_else(|| format!("{kind} was taken"));
                assert!(why.contains(part), "{kind}, {piece} at a time: {why}");
            }
        }
    }
}

#[test]
fn a_page_is_refused_with_its_first_bytes() {
    let mut intake = Intake::new(0);
    assert!(intake.push(b"<!do").is_err());
    assert!(!intake.is_sound());
}

/// A tiny model with random weights.
const SOUND: &[u8] = include_bytes!("../../../models/tests/llm/llama_plain.gguf");

#[test]
fn a_model_comes_back_byte_for_byte_with_its_checksum() {
    for piece in [1, 1000, SOUND.len()] {
        let mut intake = Intake::new(if piece == 1000 { 0 } else { SOUND.len() as u64 });
        let mut kept = Vec::new();
        for bytes in SOUND.chunks(piece) {
            let was_sound = intake.is_sound();
            match intake.push(bytes) {
                Ok(Some(held)) => kept.extend(held),
                Ok(None) if was_sound => kept.extend_from_slice(bytes),
                Ok(None) => assert!(!intake.is_sound()),
                Err(why) => assert_eq!(why, ""),
            }
        }
        assert_eq!(intake.end().map(|held| kept.extend(held.unwrap_or_default())), Ok(()));
        assert!(kept == SOUND, "{piece} at a time");
        assert_eq!(intake.sha256(), "522ac7adb1ef6df516798a55da1fc1298e18897ec4d785917954e39c198f95c6");
    }
}

#[test]
fn a_model_that_is_cut_short_or_too_long_is_refused() {
    let len = SOUND.len();
    for end in [0, 3, 4, 24, 100, 5000, len / 2, len - 64] {
        // Where the length is told, the header already says that it cannot be; otherwise the end does.
        for expected in [0, end as u64, len as u64] {
            let mut intake = Intake::new(expected);
            let cut = &SOUND[..end];
            let why = intake.push(cut).and_then(|_| intake.end()).err().unwrap_or_default();
            assert!(why.contains("cut short"), "{end} of {expected}: {why}");
        }
    }
    let mut intake = Intake::new(len as u64);
    assert!(intake.push(SOUND).is_ok());
    assert!(intake.push(&[0]).err().unwrap_or_default().contains("longer than"));
}
