//! Damage after the fact: flipped bits and missing ends.

use crate::crash::model::{User, derived_of, user_of};
use crate::crash::{CrashDisk, Model, Rng};
use crate::disk::{Disk, FileId, MemDisk};
use crate::workspace::{Recovery, Workspace};

/// A store with several commits, without renames (those touch two names in one record).
fn store(compacted: bool) -> (MemDisk, Model) {
    let (mut workspace, _) = Workspace::open(CrashDisk::default()).unwrap();
    let mut model = Model::default();
    for round in 0u64..4 {
        for name in ["a", "src/b.rs"] {
            let bytes = format!("{name} in round {round}").into_bytes();
            workspace.put_file(name, &bytes, round).unwrap();
            model.user.files.insert(name.into(), (bytes, round));
        }
        workspace.put_draft("a", &[round as u8; 40]).unwrap();
        model.user.drafts.insert("a".into(), vec![round as u8; 40]);
        workspace.put_setting("theme", Some(&round.to_string())).unwrap();
        model.user.settings.insert("theme".into(), round.to_string());
        workspace.put_derived(b"lexical", &[round as u8; 50]).unwrap();
        model.derived.insert(b"lexical".to_vec(), vec![round as u8; 50]);
        model.commit(&mut workspace).unwrap();
        if compacted && round == 2 {
            workspace.compact_all().unwrap();
        }
    }
    (workspace.disk_mut().stop(), model)
}

/// Number of names whose value differs.
fn num_differences(a: &User, b: &User) -> usize {
    fn count<V: PartialEq>(
        a: &std::collections::BTreeMap<String, V>,
        b: &std::collections::BTreeMap<String, V>,
    ) -> usize {
        let names: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
        names.into_iter().filter(|name| a.get(*name) != b.get(*name)).count()
    }
    count(&a.files, &b.files) + count(&a.drafts, &b.drafts) + count(&a.settings, &b.settings)
}

/// Open what damage left: everything is as it was, or a notice says that it is not, and then one record is missing.
fn check(image: MemDisk, model: &Model, what: &str) -> Recovery {
    let (workspace, recovery) = Workspace::open(image).unwrap();
    let user = user_of(&workspace).unwrap();
    if recovery.notices.is_empty() {
        assert_eq!(user, model.user, "{what}: changed and not said");
    }
    assert!(num_differences(&user, &model.user) <= 1, "{what}: more lost than was damaged");
    if recovery.derived_dropped {
        assert_eq!(workspace.derived_keys().count(), 0, "{what}");
    } else {
        assert_eq!(
            derived_of(&workspace).unwrap(),
            model.derived,
            "{what}: derived data changed and not said"
        );
    }
    // Whatever was damaged, what is saved from now on is kept.
    let mut workspace = workspace;
    workspace.put_file("new", b"saved after the damage", 1).unwrap();
    workspace.put_derived(b"new", b"too").unwrap();
    workspace.commit().unwrap();
    let (workspace, _) = Workspace::open(workspace.into_disk()).unwrap();
    assert_eq!(workspace.read_file("new").as_deref(), Ok(b"saved after the damage".as_slice()), "{what}");
    assert_eq!(workspace.derived(b"new").unwrap().unwrap(), b"too", "{what}");
    assert!(num_differences(&user_of(&workspace).unwrap(), &model.user) <= 2, "{what}: lost later");
    recovery
}

#[test]
fn every_flipped_bit_is_harmless_or_said() {
    let (mut num_noticed, mut num_dropped) = (0, 0);
    for compacted in [false, true] {
        let (image, model) = store(compacted);
        for file in FileId::ALL {
            for at in 0..image.get(file).len() {
                // The unused rest of a superblock's page does not matter; a sample of it is enough.
                let is_padding = at < 8192 && at % 4096 >= 32;
                if is_padding && at % 97 != 0 {
                    continue;
                }
                for bit in 0..8 {
                    let mut bytes = image.get(file).to_vec();
                    bytes[at] ^= 1 << bit;
                    let mut damaged = image.clone();
                    damaged.set(file, bytes);
                    let recovery = check(damaged, &model, &format!("{}, byte {at}, bit {bit}", file.name()));
                    num_noticed += usize::from(!recovery.notices.is_empty());
                    num_dropped += usize::from(recovery.derived_dropped);
                }
            }
        }
    }
    assert!(num_noticed > 1000 && num_dropped > 500, "{num_noticed} noticed, {num_dropped} dropped");
}

#[test]
fn a_wiped_sector_loses_what_stood_in_it_and_nothing_else_silently() {
    for seed in 0..2000 {
        let mut rng = Rng::new(seed);
        let (mut workspace, _) = Workspace::open(CrashDisk::default()).unwrap();
        let mut model = Model::default();
        for _ in 0..40 {
            model.step(&mut workspace, &mut rng).unwrap();
        }
        model.commit(&mut workspace).unwrap();
        let mut image = workspace.disk_mut().stop();
        let file = FileId::ALL[rng.below(4) as usize];
        let mut bytes = image.get(file).to_vec();
        if bytes.is_empty() {
            continue;
        }
        let sector = rng.below(bytes.len() as u64) as usize / 512 * 512;
        let end = bytes.len().min(sector + 512);
        for byte in &mut bytes[sector..end] {
            *byte = if seed % 2 == 0 { 0 } else { rng.next() as u8 };
        }
        image.set(file, bytes);
        let (workspace, recovery) = Workspace::open(image).unwrap();
        if recovery.notices.is_empty() {
            assert_eq!(user_of(&workspace).unwrap(), model.user, "seed {seed}: changed and not said");
        }
        if !recovery.derived_dropped {
            assert_eq!(derived_of(&workspace).unwrap(), model.derived, "seed {seed}: changed and not said");
        }
    }
}

#[test]
fn a_file_cut_anywhere_opens_and_says_what_is_missing() {
    let (image, model) = store(true);
    for file in FileId::ALL {
        let len = image.get(file).len();
        for cut in 32.min(len)..len {
            let mut damaged = image.clone();
            damaged.set(file, image.get(file)[..cut].to_vec());
            let (workspace, recovery) = Workspace::open(damaged).unwrap();
            let what = format!("{} cut at {cut}", file.name());
            if recovery.notices.is_empty() {
                assert_eq!(user_of(&workspace).unwrap(), model.user, "{what}");
            }
            if !recovery.derived_dropped {
                assert_eq!(derived_of(&workspace).unwrap(), model.derived, "{what}");
            }
        }
    }
}

#[test]
fn bytes_that_rot_while_the_workspace_is_open_are_noticed_on_reading_and_never_copied() {
    let (image, _) = store(false);
    let (mut workspace, _) = Workspace::open(image).unwrap();
    let (file, len) = (FileId::UserA, workspace.disk_mut().len(FileId::UserA).unwrap());
    let mut bytes = vec![0; len as usize];
    workspace.disk_mut().read(file, 0, &mut bytes).unwrap();
    for byte in &mut bytes[8192..] {
        *byte ^= 1;
    }
    workspace.disk_mut().set(file, bytes);
    assert!(matches!(workspace.read_file("a"), Err(crate::StoreError::Damaged { .. })));
    assert!(workspace.draft("a").is_err());
    assert!(workspace.setting("theme").is_err());
    assert!(matches!(workspace.compact_all(), Err(crate::StoreError::Damaged { .. })));
    assert_eq!(workspace.disk_mut().len(FileId::UserB), Ok(0));
}
