//! The format on disk: what version 1 looks like, what a later version is met with, and what 100,000 files cost.
#![allow(clippy::unwrap_used)]

use store::{ContentHash, FileId, MemDisk, StoreError, Workspace};

fn written() -> MemDisk {
    let (mut workspace, recovery) = Workspace::open(MemDisk::new()).unwrap();
    assert!(recovery.notices.is_empty() && !recovery.derived_dropped);
    workspace.set_name("golden").unwrap();
    workspace.put_file("src/main.rs", b"fn main() {}\n", 1_700_000_000_000).unwrap();
    workspace.put_draft("src/main.rs", b"fn main() { }\n").unwrap();
    workspace.put_derived(b"key", b"value").unwrap();
    workspace.commit().unwrap();
    workspace.into_disk()
}

#[test]
fn version_1_keeps_its_bytes() {
    // If this fails the format changed: raise the version, and keep reading the old one.
    let disk = written();
    let hash = |file| format!("{:?}", ContentHash::of(disk.get(file)));
    assert_eq!(hash(FileId::UserA), "2dfcd971106c5c25fe64e92e0bc04eec");
    assert_eq!(hash(FileId::DerivedA), "2799752ee86aa9fd59fa347995523202");
    assert!(disk.get(FileId::UserB).is_empty() && disk.get(FileId::DerivedB).is_empty());
}

#[test]
fn a_later_version_is_refused_and_left_alone() {
    for file in [FileId::UserA, FileId::DerivedA] {
        let mut disk = written();
        // Generation 1 stands in the first slot: version 2, and a checksum that fits.
        let mut bytes = disk.get(file).to_vec();
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..28]).to_le_bytes();
        bytes[28..32].copy_from_slice(&crc);
        disk.set(file, bytes);
        let err = Workspace::open(disk).unwrap_err();
        assert_eq!(err, StoreError::Newer { found: 2, known: 1 });
        assert!(err.is_newer_version());
        assert!(err.to_string().contains("newer Alcove"));
    }
}

#[test]
fn opening_writes_nothing() {
    let before = written();
    let (workspace, _) = Workspace::open(before.clone()).unwrap();
    assert_eq!(workspace.into_disk(), before);
}

#[test]
fn a_hundred_thousand_files_open_and_compact() {
    let (mut workspace, _) = Workspace::open(MemDisk::new()).unwrap();
    let path = |i: u32| format!("packages/p{}/src/module_{i}.ts", i % 300);
    for i in 0..100_000u32 {
        workspace.put_file(&path(i), format!("export const n = {i};\n").as_bytes(), u64::from(i)).unwrap();
        workspace.put_derived(&i.to_le_bytes(), &[i as u8; 16]).unwrap();
    }
    workspace.commit().unwrap();
    let (mut workspace, recovery) = Workspace::open(workspace.into_disk()).unwrap();
    assert!(recovery.notices.is_empty());
    assert_eq!((workspace.files().count(), workspace.derived_keys().count()), (100_000, 100_000));
    for i in (0..100_000).filter(|i| i % 100 != 0) {
        workspace.remove_file(&path(i)).unwrap();
    }
    assert!(workspace.wants_compaction());
    let before = workspace.stored_bytes();
    workspace.compact().unwrap();
    assert!(workspace.stored_bytes() < before * 2 / 3);
    assert_eq!(workspace.read_file(&path(500)).unwrap(), b"export const n = 500;\n");
}
