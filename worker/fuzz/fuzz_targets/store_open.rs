//! Whatever the files of a workspace hold, opening it ends in an error or in a workspace that reads, saves and keeps
//! what it saved.
#![no_main]

use libfuzzer_sys::fuzz_target;
use store::{Disk, FileId, MemDisk, Workspace};

/// Four raw files, or (checksums would stop nearly everything there) records and superblocks with right checksums.
fn image(data: &[u8]) -> MemDisk {
    let mut disk = MemDisk::new();
    let Some((kind, data)) = data.split_first() else { return disk };
    let quarter = data.len() / 4 + 1;
    for (file, part) in FileId::ALL.into_iter().zip(data.chunks(quarter)) {
        disk.set(file, if *kind % 4 == 0 { part.to_vec() } else { sealed(part) });
    }
    disk
}

/// Two superblocks of 9 bytes each (generation, length), then records of one length byte and their body.
fn sealed(part: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 8192];
    let Some((heads, mut rest)) = part.split_at_checked(18) else { return part.to_vec() };
    while let Some((len, more)) = rest.split_first() {
        let (body, more) = more.split_at(usize::from(*len).min(more.len()));
        let len = u32::try_from(body.len()).unwrap_or(0).to_le_bytes();
        let mut crc = crc32c::crc32c_append(crc32c::crc32c(&len), body);
        // Some stay damaged.
        crc ^= u32::from(body.first() == Some(&0xff));
        bytes.extend_from_slice(&[0xa1, 0xc0, 0xfe, 0x5e]);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.extend_from_slice(&len);
        bytes.extend_from_slice(body);
        rest = more;
    }
    for (slot, head) in heads.chunks(9).enumerate() {
        let mut superblock = b"ALCOVLOG\x01\0\0\0".to_vec();
        superblock.extend_from_slice(&u64::from(head[0]).to_le_bytes());
        let wild = u64::from_le_bytes([head[1], head[2], head[3], head[4], head[5], head[6], head[7], head[8]]);
        let len = if head[1] % 2 == 0 { bytes.len() as u64 } else { wild };
        superblock.extend_from_slice(&len.to_le_bytes());
        let crc = crc32c::crc32c(&superblock);
        superblock.extend_from_slice(&crc.to_le_bytes());
        bytes[slot * 4096..slot * 4096 + 32].copy_from_slice(&superblock);
    }
    bytes
}

/// Paths and contents of all files that can be read.
fn readable<D: Disk>(workspace: &Workspace<D>) -> Vec<(String, Vec<u8>)> {
    let paths = workspace.files().map(|(path, _)| path.to_owned());
    paths.filter_map(|path| workspace.read_file(&path).ok().map(|bytes| (path, bytes))).collect()
}

fuzz_target!(|data: &[u8]| {
    let Ok((mut workspace, _)) = Workspace::open(image(data)) else { return };
    let before = readable(&workspace);
    let drafts: Vec<String> = workspace.drafts().map(str::to_owned).collect();
    for path in &drafts {
        let _ = workspace.draft(path);
    }
    let _ = workspace.settings();
    let keys: Vec<Vec<u8>> = workspace.derived_keys().map(<[u8]>::to_vec).collect();
    for key in &keys {
        let _ = workspace.derived(key);
    }
    let _ = workspace.compact_all();
    workspace.put_file("\u{1f4be}/new", b"saved", 1).expect("saving works");
    workspace.put_derived(b"new", b"derived").expect("saving works");
    workspace.commit().expect("committing works");
    let (workspace, _) = Workspace::open(workspace.into_disk()).expect("what was committed opens");
    assert_eq!(workspace.read_file("\u{1f4be}/new").as_deref(), Ok(b"saved".as_slice()));
    assert_eq!(workspace.derived(b"new"), Ok(Some(b"derived".to_vec())));
    let after = readable(&workspace);
    for (path, bytes) in before {
        assert!(path == "\u{1f4be}/new" || after.contains(&(path, bytes)), "a file that could be read is gone");
    }
});
