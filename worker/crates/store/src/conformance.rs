//! What every [`Disk`] must do, as one function that native tests and a browser test call alike.

use crate::disk::{Disk, DiskFault, FileId};
use crate::error::StoreError;
use crate::workspace::Workspace;

type Check<D> = fn(&mut D) -> Result<(), String>;

/// Names of the checks that passed and the disk, which holds a small workspace then: open the same files again and give
/// them to [`check_reopened`]. The disk must be empty to begin with.
///
/// # Errors
/// A sentence: the first check that failed, and what it saw.
pub fn run<D: Disk>(disk: D) -> Result<(D, Vec<&'static str>), String> {
    let mut disk = disk;
    let mut passed = Vec::new();
    let checks: [(&'static str, Check<D>); 8] = [
        ("an empty disk has four empty files", starts_empty),
        ("bytes read back where they were written", reads_back),
        ("a write behind the end fills the gap with zeros", fills_gaps),
        ("a write inside changes nothing around it", overwrites_inside),
        ("reading behind the end is an error", refuses_past_end),
        ("truncating cuts and grows with zeros", truncates),
        ("files do not touch each other", keeps_files_apart),
        ("a large write comes back whole", writes_large),
    ];
    for (name, check) in checks {
        check(&mut disk).map_err(|why| format!("{name}: {why}"))?;
        passed.push(name);
    }
    for file in FileId::ALL {
        disk.truncate(file, 0).map_err(|err| err.to_string())?;
        disk.flush(file).map_err(|err| err.to_string())?;
    }
    let name = "a workspace takes files, commits and compacts";
    let disk = fill_workspace(disk).map_err(|err| format!("{name}: {err}"))?;
    passed.push(name);
    Ok((disk, passed))
}

/// Second half of [`run`]: the workspace is there after closing and opening the files.
///
/// # Errors
/// A sentence: what was not as it was left.
pub fn check_reopened<D: Disk>(disk: D) -> Result<&'static str, String> {
    let name = "a workspace survives reopening";
    check_workspace(disk).map_err(|why| format!("{name}: {why}"))?;
    Ok(name)
}

fn expect<T: PartialEq + std::fmt::Debug>(found: T, expected: &T) -> Result<(), String> {
    if found == *expected { Ok(()) } else { Err(format!("found {found:?}, expected {expected:?}")) }
}

fn text<T>(result: Result<T, DiskFault>) -> Result<T, String> {
    result.map_err(|err| err.to_string())
}

fn content<D: Disk>(disk: &D, file: FileId) -> Result<Vec<u8>, String> {
    let len = text(disk.len(file))?;
    let mut bytes = vec![0xee; usize::try_from(len).map_err(|err| err.to_string())?];
    text(disk.read(file, 0, &mut bytes))?;
    Ok(bytes)
}

fn starts_empty<D: Disk>(disk: &mut D) -> Result<(), String> {
    FileId::ALL.into_iter().try_for_each(|file| expect(text(disk.len(file))?, &0))
}

fn reads_back<D: Disk>(disk: &mut D) -> Result<(), String> {
    text(disk.write(FileId::UserA, 0, b"hello"))?;
    text(disk.flush(FileId::UserA))?;
    expect(text(disk.len(FileId::UserA))?, &5)?;
    let mut middle = [0; 3];
    text(disk.read(FileId::UserA, 1, &mut middle))?;
    expect(&middle[..], &b"ell".as_slice())?;
    text(disk.read(FileId::UserA, 5, &mut []))
}

fn fills_gaps<D: Disk>(disk: &mut D) -> Result<(), String> {
    text(disk.write(FileId::UserA, 10, b"!"))?;
    expect(content(disk, FileId::UserA)?, &b"hello\0\0\0\0\0!".to_vec())
}

fn overwrites_inside<D: Disk>(disk: &mut D) -> Result<(), String> {
    text(disk.write(FileId::UserA, 1, b"EL"))?;
    expect(content(disk, FileId::UserA)?, &b"hELlo\0\0\0\0\0!".to_vec())
}

fn refuses_past_end<D: Disk>(disk: &mut D) -> Result<(), String> {
    let mut buf = [0; 4];
    let found = disk.read(FileId::UserA, 9, &mut buf);
    match found {
        Err(DiskFault::PastEnd { len: 11, .. }) => Ok(()),
        other => Err(format!("found {other:?}")),
    }
}

fn truncates<D: Disk>(disk: &mut D) -> Result<(), String> {
    text(disk.truncate(FileId::UserA, 2))?;
    text(disk.truncate(FileId::UserA, 4))?;
    expect(content(disk, FileId::UserA)?, &b"hE\0\0".to_vec())
}

fn keeps_files_apart<D: Disk>(disk: &mut D) -> Result<(), String> {
    for (i, file) in FileId::ALL.into_iter().enumerate() {
        text(disk.truncate(file, 0))?;
        text(disk.write(file, 0, &[i as u8; 3]))?;
    }
    for (i, file) in FileId::ALL.into_iter().enumerate() {
        expect(content(disk, file)?, &vec![i as u8; 3])?;
    }
    Ok(())
}

fn writes_large<D: Disk>(disk: &mut D) -> Result<(), String> {
    let bytes: Vec<u8> = (0..5_000_003u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    text(disk.write(FileId::DerivedB, 4093, &bytes))?;
    text(disk.flush(FileId::DerivedB))?;
    let mut back = vec![0; bytes.len()];
    text(disk.read(FileId::DerivedB, 4093, &mut back))?;
    if back == bytes { Ok(()) } else { Err("other bytes came back".into()) }
}

fn fill_workspace<D: Disk>(disk: D) -> Result<D, StoreError> {
    let (mut workspace, _) = Workspace::open(disk)?;
    workspace.set_name("conformance")?;
    for i in 0..50u64 {
        workspace.put_file(&format!("src/{}.rs", i % 20), format!("content {i}").as_bytes(), i)?;
        workspace.put_derived(&i.to_le_bytes(), &[i as u8; 1000])?;
        workspace.commit()?;
    }
    workspace.compact_all()?;
    workspace.put_draft("src/1.rs", b"unsaved")?;
    workspace.rename_file("src/2.rs", "lib/2.rs")?;
    workspace.commit()?;
    workspace.put_file("never", b"not committed", 0)?;
    Ok(workspace.into_disk())
}

fn check_workspace<D: Disk>(disk: D) -> Result<(), String> {
    let said = |err: StoreError| err.to_string();
    let (workspace, recovery) = Workspace::open(disk).map_err(said)?;
    expect(recovery.notices.len(), &0)?;
    expect(recovery.derived_dropped, &false)?;
    expect(workspace.name(), &Some("conformance".into()))?;
    expect(workspace.files().count(), &20)?;
    expect(workspace.read_file("src/7.rs").map_err(said)?, &b"content 47".to_vec())?;
    expect(workspace.read_file("lib/2.rs").map_err(said)?, &b"content 42".to_vec())?;
    expect(workspace.draft("src/1.rs").map_err(said)?, &Some(b"unsaved".to_vec()))?;
    expect(workspace.derived(&9u64.to_le_bytes()).map_err(said)?, &Some(vec![9; 1000]))?;
    expect(workspace.file("never").is_some(), &false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::MemDisk;

    #[test]
    fn the_disk_in_memory_conforms() {
        let (disk, passed) = run(MemDisk::new()).unwrap();
        assert_eq!(passed.len(), 9);
        check_reopened(disk).unwrap();
    }

    #[test]
    fn the_suite_notices_a_disk_that_forgets_to_grow() {
        struct Fixed(MemDisk);
        impl Disk for Fixed {
            fn len(&self, file: FileId) -> Result<u64, DiskFault> {
                self.0.len(file)
            }
            fn read(&self, file: FileId, at: u64, buf: &mut [u8]) -> Result<(), DiskFault> {
                self.0.read(file, at, buf)
            }
            fn write(&mut self, file: FileId, at: u64, bytes: &[u8]) -> Result<(), DiskFault> {
                self.0.write(file, at.min(self.0.len(file)?), bytes)
            }
            fn flush(&mut self, file: FileId) -> Result<(), DiskFault> {
                self.0.flush(file)
            }
            fn truncate(&mut self, file: FileId, len: u64) -> Result<(), DiskFault> {
                self.0.truncate(file, len)
            }
        }
        assert!(run(Fixed(MemDisk::new())).map(|_| ()).unwrap_err().contains("gap"));
    }
}
