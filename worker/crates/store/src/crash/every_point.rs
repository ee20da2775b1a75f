//! One workload, failing at every single change in turn.

use crate::crash::{CrashDisk, Failure, Model, Rng};
use crate::disk::DiskFault;
use crate::workspace::Workspace;

const NUM_STEPS: u64 = 60;
const WORKLOAD_SEED: u64 = 4711;

/// The workload up to its first error.
fn work(workspace: &mut Workspace<CrashDisk>, model: &mut Model) -> bool {
    let mut rng = Rng::new(WORKLOAD_SEED);
    (0..NUM_STEPS).all(|_| model.step(workspace, &mut rng).is_ok())
}

fn num_changes() -> u64 {
    let (mut workspace, _) = Workspace::open(CrashDisk::default()).unwrap();
    assert!(work(&mut workspace, &mut Model::default()));
    let num_changes = workspace.disk_mut().num_changes;
    assert!(num_changes > 60, "the workload writes: {num_changes}");
    num_changes
}

#[test]
fn power_loss_at_every_change_leaves_a_committed_state() {
    for k in 0..num_changes() {
        let mut model = Model::default();
        let mut disk = CrashDisk::default();
        disk.fail(Failure::PowerOff(k), k);
        let (mut workspace, _) = Workspace::open(disk).unwrap();
        assert!(!work(&mut workspace, &mut model));
        let disk = workspace.into_disk();
        for outcome in 0..24 {
            let image = disk.crash(&mut Rng::new(outcome));
            let (workspace, recovery) = Workspace::open(CrashDisk::new(image)).unwrap();
            let what = format!("change {k}, outcome {outcome}");
            assert_eq!(recovery.notices, [""; 0], "{what}");
            model.clone().check_reopened(&workspace, &what);
        }
    }
}

#[test]
fn a_full_disk_at_every_change_is_a_quota_error_and_costs_nothing() {
    for lasting in [false, true] {
        for k in 0..num_changes() {
            let what = format!("change {k}, lasting {lasting}");
            let mut model = Model::default();
            let mut disk = CrashDisk::default();
            let failure = if lasting {
                Failure::Lasting(k, DiskFault::Quota)
            } else {
                Failure::Once(k, DiskFault::Quota)
            };
            disk.fail(failure, k);
            let (mut workspace, _) = Workspace::open(disk).unwrap();
            let mut rng = Rng::new(WORKLOAD_SEED);
            for _ in 0..NUM_STEPS {
                if let Err(err) = model.step(&mut workspace, &mut rng) {
                    assert!(err.is_quota(), "{what}: {err}");
                    model.check_open(&workspace, &what);
                }
            }
            // A crash right now still gives the last commit.
            let image = workspace.disk_mut().crash(&mut Rng::new(k));
            let (crashed, _) = Workspace::open(CrashDisk::new(image)).unwrap();
            model.clone().check_reopened(&crashed, &what);
            // And when there is room again, everything can be saved.
            workspace.disk_mut().repair();
            model.commit(&mut workspace).unwrap();
            let image = workspace.disk_mut().crash(&mut Rng::new(k));
            let (reopened, recovery) = Workspace::open(CrashDisk::new(image)).unwrap();
            assert_eq!(recovery.notices, [""; 0], "{what}");
            model.check_open(&reopened, &what);
        }
    }
}
