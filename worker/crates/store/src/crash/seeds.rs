//! Ten thousand random lives of a workspace.

use crate::crash::{CrashDisk, Failure, Model, Rng};
use crate::disk::DiskFault;
use crate::workspace::Workspace;

fn fault(rng: &mut Rng) -> DiskFault {
    if rng.chance(50) { DiskFault::Quota } else { DiskFault::Io("injected".into()) }
}

/// Several lives, each ended by a crash at a random change, some with failing changes before it.
fn run(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut model = Model::default();
    let mut disk = CrashDisk::default();
    for life in 0..1 + rng.below(4) {
        let what = format!("seed {seed}, life {life}");
        let (mut workspace, recovery) = Workspace::open(disk).unwrap();
        assert_eq!(recovery.notices, [""; 0], "{what}");
        // Failing changes may leave doubt about derived data, which then is dropped; a crash alone may not.
        assert!(!recovery.derived_dropped || !seed.is_multiple_of(3), "{what}");
        model.check_reopened(&workspace, &what);
        if !seed.is_multiple_of(3) {
            let (from, fault) = (rng.below(40), fault(&mut rng));
            let failure =
                if seed % 3 == 1 { Failure::Once(from, fault) } else { Failure::Lasting(from, fault) };
            workspace.disk_mut().fail(failure, seed);
            for _ in 0..rng.below(30) {
                if model.step(&mut workspace, &mut rng).is_err() {
                    model.check_open(&workspace, &what);
                }
            }
            if rng.chance(70) {
                workspace.disk_mut().repair();
                model.commit(&mut workspace).unwrap();
                model.check_open(&workspace, &what);
            }
        }
        if rng.chance(80) {
            workspace.disk_mut().fail(Failure::PowerOff(rng.below(60)), seed);
            for _ in 0..60 {
                if model.step(&mut workspace, &mut rng).is_err() {
                    break;
                }
            }
        }
        let disk_left = workspace.into_disk();
        disk = CrashDisk::new(if rng.chance(85) { disk_left.crash(&mut rng) } else { disk_left.stop() });
    }
    let (workspace, _) = Workspace::open(disk).unwrap();
    model.check_reopened(&workspace, &format!("seed {seed}, end"));
}

#[test]
fn ten_thousand_crashed_lives_end_in_a_committed_state() {
    let only = std::env::var("STORE_SEED").ok().and_then(|seed| seed.parse().ok());
    match only {
        Some(seed) => run(seed),
        None => (0..10_000).for_each(run),
    }
}
