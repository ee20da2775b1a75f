//! An archive comes from anywhere: whatever its bytes are, it is refused, or its entries come out within their limit
//! or with a reason why not; and what Alcove itself exports reads back.
#![no_main]
#![allow(dead_code, reason = "the module is the engine worker's own, of which only a part is used here")]

#[path = "../../src/archive.rs"]
mod archive;

use archive::{Archive, Exporter, open_export};
use libfuzzer_sys::fuzz_target;

/// Limit per file, small enough that a bomb in 64 KiB goes past it.
const MAX_FILE_BYTES: u64 = 256 * 1024;
/// Most that is unpacked of one archive: the point is what it does, not how long 1,000 bombs take.
const MAX_TOTAL_BYTES: usize = 4 * 1024 * 1024;

fn unpack(archive: &mut Archive, max_file_bytes: u64) {
    let mut total = 0;
    for index in 0..archive.len() {
        let path = archive.path(index);
        let Some(entry) = archive.entry(index) else { continue };
        assert_eq!(entry.path, path.unwrap_or_default());
        match entry.content {
            Ok(bytes) => {
                assert!(bytes.len() as u64 <= max_file_bytes);
                total += bytes.len();
            }
            Err(_) => total += MAX_FILE_BYTES as usize,
        }
        if total > MAX_TOTAL_BYTES {
            break;
        }
    }
    assert!(archive.path(archive.len()).is_none());
}

fn check(bytes: &[u8]) {
    match Archive::open(bytes.to_vec(), MAX_FILE_BYTES) {
        Ok(mut archive) => unpack(&mut archive, MAX_FILE_BYTES),
        Err(err) => assert!(err.to_string().len() < 1000, "{err}"),
    }
    match open_export(bytes.to_vec()) {
        Ok((mut archive, manifest)) => {
            unpack(&mut archive, u64::MAX);
            assert!(manifest.name.len() <= 64 * 1024 * 1024);
        }
        Err(err) => assert!(err.to_string().len() < 10_000, "{err}"),
    }
}

/// An export of one file, one draft and one setting with these contents.
fn export(data: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(&data[..data.len().min(40)]).into_owned();
    let mut exporter = Exporter::new(&text, vec![("tabs".to_owned(), text.clone())]);
    exporter.file("a/b.rs", data, 7).ok()?;
    exporter.draft("a/b.rs", &data[..data.len() / 2]).ok()?;
    exporter.finish().ok()
}

fuzz_target!(|data: &[u8]| {
    check(data);
    // A sound archive with the input laid over it from some place on: from nothing, headers are seldom guessed.
    let [a, b, rest @ ..] = data else { return };
    let Some(mut sound) = export(&rest[..rest.len().min(512)]) else { panic!("an export was not written") };
    let Ok((mut archive, manifest)) = open_export(sound.clone()) else { panic!("an export was refused") };
    assert_eq!(manifest.mtimes_ms, [("a/b.rs".to_owned(), 7)]);
    let Some(entry) = archive.entry(0) else { panic!("an exported file is missing") };
    assert_eq!(entry.content.as_deref(), Ok(&rest[..rest.len().min(512)]));
    let at = usize::from(u16::from_le_bytes([*a, *b])) % sound.len();
    for (byte, other) in sound[at..].iter_mut().zip(rest) {
        *byte ^= other;
    }
    check(&sound);
});
