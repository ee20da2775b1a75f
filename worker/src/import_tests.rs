//! Imports into a workspace in memory: what they may replace, and what they find missing.

use protocol::{Blob, DiskState};

use super::*;
use crate::files::save;
use crate::onto_disk;

fn space() -> Space {
    Space::of(crate::disk::open_memory().unwrap().store)
}

fn reopened(space: Space) -> Space {
    let disk = space.store.into_disk();
    Space::of(store::Workspace::open(disk).unwrap().0)
}

fn text(space: &Space, path: &str) -> String {
    String::from_utf8(space.store.read_file(path).unwrap()).unwrap()
}

fn batch(
    space: &mut Space,
    import: &mut Import,
    of: BatchOf,
    last: bool,
    files: &[(&str, &str)],
) -> Imported {
    let entry = |(path, _): &(&str, &str)| FileIn { path: (*path).into(), blob: Blob(0), mtime_ms: 0 };
    let entries: Vec<FileIn> = files.iter().map(entry).collect();
    let workspace = space.id;
    let call = PutFiles { workspace, files: entries, honour_ignore: true, max_file_bytes: 100, last, of };
    let bytes = files.iter().map(|(_, text)| text.as_bytes().to_vec());
    let files: Vec<_> = call.files.iter().zip(bytes).collect();
    take_batch(space, import, &call, &files, 0.0).unwrap()
}

fn whole(left_out: &[&str]) -> BatchOf {
    BatchOf::Folder { batch: 0, left_out: left_out.iter().map(|path| (*path).to_owned()).collect() }
}

fn open_folder(space: &mut Space, files: &[(&str, &str)]) -> Imported {
    batch(space, &mut Import::default(), whole(&[]), true, files)
}

fn behind(space: &Space) -> Vec<&str> {
    space.outside.iter().map(|(path, _)| path).collect()
}

#[test]
fn what_was_saved_here_outlives_the_folder_being_opened_again() {
    let mut space = space();
    assert_eq!(open_folder(&mut space, &[("a.py", "one"), ("b.py", "b")]).num_added, 2);
    save(&mut space, "a.py", b"two", 0).unwrap();
    let again = open_folder(&mut space, &[("a.py", "one"), ("b.py", "b2")]);
    assert_eq!((again.num_added, again.num_changed, again.num_newer), (0, 1, 1));
    assert_eq!((text(&space, "a.py"), text(&space, "b.py")), ("two".into(), "b2".into()));
    assert!(again.conflicts.is_empty());
    assert_eq!(behind(&space), ["a.py"]);
}

#[test]
fn a_file_that_changed_on_both_sides_stays_and_is_told_until_a_person_decides() {
    let mut space = space();
    open_folder(&mut space, &[("a.py", "one")]);
    save(&mut space, "a.py", b"mine", 0).unwrap();
    for _ in 0..2 {
        assert_eq!(open_folder(&mut space, &[("a.py", "theirs")]).conflicts, ["a.py"]);
        assert_eq!(text(&space, "a.py"), "mine");
    }
    let taken = batch(
        &mut space,
        &mut Import::default(),
        BatchOf::Chosen { on_disk: true },
        true,
        &[("a.py", "theirs")],
    );
    assert_eq!((taken.num_changed, text(&space, "a.py")), (1, "theirs".into()));
    assert!(behind(&space).is_empty() && taken.missing.is_empty());
}

#[test]
fn a_loose_file_replaces_what_was_brought_and_not_what_was_saved() {
    let mut space = space();
    open_folder(&mut space, &[("a.py", "one"), ("b.py", "one")]);
    save(&mut space, "b.py", b"mine", 0).unwrap();
    let loose = |space: &mut Space, text| {
        batch(space, &mut Import::default(), BatchOf::Loose, true, &[("a.py", text), ("b.py", text)])
    };
    for brought in ["two", "three"] {
        let dropped = loose(&mut space, brought);
        assert_eq!((dropped.num_changed, dropped.conflicts), (1, vec!["b.py".to_owned()]));
        assert_eq!((text(&space, "a.py"), text(&space, "b.py")), (brought.into(), "mine".into()));
        assert!(dropped.missing.is_empty());
    }
    // The folder has neither.
    assert_eq!(behind(&space), ["a.py", "b.py"]);
    assert_eq!(open_folder(&mut space, &[("a.py", "one"), ("b.py", "one")]).num_newer, 2);
}

#[test]
fn what_the_disk_lacks_is_known_after_a_reload_and_until_it_is_written() {
    let mut space = space();
    open_folder(&mut space, &[("a.py", "one"), ("b.py", "b")]);
    save(&mut space, "a.py", b"two", 0).unwrap();
    save(&mut space, "a.py", b"three", 0).unwrap();
    save(&mut space, "new.py", b"new", 0).unwrap();
    let mut space = reopened(space);
    assert_eq!(behind(&space), ["a.py", "new.py"]);
    let state = |space: &Space, path: &str, there: Option<&str>| {
        onto_disk::compare(space, path, there.map(str::as_bytes)).unwrap().0
    };
    assert_eq!(
        state(&space, "a.py", Some("one")),
        DiskState::Behind,
        "of several saves, the first found this there"
    );
    assert_eq!(state(&space, "a.py", Some("two")), DiskState::Changed);
    assert_eq!(state(&space, "a.py", Some("three")), DiskState::Same);
    assert_eq!(state(&space, "a.py", None), DiskState::Behind);
    assert_eq!(
        state(&space, "new.py", Some("other")),
        DiskState::Changed,
        "it must not replace one that is there"
    );
    // A save while the one before is being written: that one is on disk, this one is not.
    save(&mut space, "a.py", b"four", 0).unwrap();
    onto_disk::note(&mut space, "a.py", ContentHash::of(b"three")).unwrap();
    assert_eq!(state(&space, "a.py", Some("three")), DiskState::Behind);
    onto_disk::note(&mut space, "a.py", ContentHash::of(b"four")).unwrap();
    assert_eq!(behind(&reopened(space)), ["new.py"]);
}

#[test]
fn saving_what_the_disk_has_leaves_nothing_to_write() {
    let mut space = space();
    open_folder(&mut space, &[("a.py", "one")]);
    save(&mut space, "a.py", b"two", 0).unwrap();
    save(&mut space, "a.py", b"one", 0).unwrap();
    assert!(behind(&space).is_empty());
}

#[test]
fn a_renamed_file_is_new_to_the_disk_and_a_removed_one_is_forgotten() {
    let mut space = space();
    open_folder(&mut space, &[("a.py", "one"), ("b.py", "b")]);
    save(&mut space, "b.py", b"mine", 0).unwrap();
    space.rename("a.py", "c.py").unwrap();
    assert_eq!(behind(&space), ["b.py", "c.py"]);
    space.remove("b.py").unwrap();
    space.store.commit_user().unwrap();
    assert_eq!(behind(&reopened(space)), ["c.py"]);
}

#[test]
fn files_that_went_from_the_folder_are_told_and_edited_ones_never() {
    let mut space = space();
    let files =
        [("a", "a"), ("gone", "x"), ("edited", "x"), ("drafted", "x"), ("dir/kept", "x"), ("big", "x")];
    open_folder(&mut space, &files);
    save(&mut space, "edited", b"mine", 0).unwrap();
    save(&mut space, "made here", b"mine", 0).unwrap();
    space.store.put_draft("drafted", b"typing").unwrap();
    let mut import = Import::default();
    assert!(batch(&mut space, &mut import, whole(&["dir/"]), false, &[]).missing.is_empty());
    let last = BatchOf::Folder { batch: 1, left_out: vec!["big".into()] };
    let told = batch(&mut space, &mut import, last, true, &[("a", "a")]);
    assert_eq!(told.missing, ["gone"]);
    assert!(space.files.contains_key("gone"), "nothing goes unasked");
    save(&mut space, "a", b"mine", 0).unwrap();
    let asked: Vec<String> = ["gone", "a", "edited", "drafted"].map(str::to_owned).into();
    assert_eq!(onto_disk::remove(&mut space, &asked).unwrap(), 1);
    assert_eq!(text(&space, "edited"), "mine");
}

#[test]
fn nothing_is_missing_where_not_all_was_seen() {
    let mut space = space();
    open_folder(&mut space, &[("a", "a"), ("b", "b")]);
    // The worker was started again after the first batch.
    let second = BatchOf::Folder { batch: 1, left_out: Vec::new() };
    assert!(batch(&mut space, &mut Import::default(), second, true, &[("b", "b")]).missing.is_empty());
    assert!(batch(&mut space, &mut Import::default(), whole(&["/"]), true, &[]).missing.is_empty());
    // A walk that was given up says nothing about the next one.
    let mut import = Import::default();
    batch(&mut space, &mut import, whole(&[]), false, &[("a", "a")]);
    assert_eq!(batch(&mut space, &mut import, whole(&[]), true, &[("b", "b")]).missing, ["a"]);
}

#[test]
fn a_workspace_from_before_this_was_noted_counts_as_what_the_disk_has() {
    let mut old = crate::disk::open_memory().unwrap().store;
    old.put_file("a.py", b"one", 0).unwrap();
    old.put_setting("disk/stray", Some("edited -")).unwrap();
    old.put_setting("disk/a.py", Some("nonsense")).unwrap();
    let mut space = Space::of(old);
    assert!(behind(&space).is_empty());
    assert_eq!(open_folder(&mut space, &[("a.py", "two")]).num_changed, 1);
}
