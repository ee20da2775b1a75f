//! Checks of the OPFS disk for a real browser; `e2e/opfs/run.mjs` calls them in dedicated workers.

use js_sys::{Array, Function};
use store::{Disk, FileId, Recovery, Workspace, conformance};
use wasm_bindgen::prelude::*;
use web::{OpfsDisk, OpfsError, delete_workspace, list_workspaces, open_snapshot};

fn failed(what: impl std::fmt::Display) -> JsValue {
    JsValue::from_str(&what.to_string())
}

fn ensure(holds: bool, what: &str) -> Result<(), JsValue> {
    if holds { Ok(()) } else { Err(failed(what)) }
}

/// The suite of crate `store`; gives the names of what passed.
///
/// # Errors
/// The sentence of the check that failed.
#[wasm_bindgen]
pub async fn conforms() -> Result<Array, JsValue> {
    let (disk, mut passed) = conformance::run(OpfsDisk::open(1).await.map_err(failed)?).map_err(failed)?;
    drop(disk);
    passed.push(conformance::check_reopened(OpfsDisk::open(1).await.map_err(failed)?).map_err(failed)?);
    Ok(passed.into_iter().map(JsValue::from_str).collect())
}

/// One writer at a time, a copy for readers meanwhile, listing and deleting.
///
/// # Errors
/// What did not hold.
#[wasm_bindgen]
pub async fn shares() -> Result<(), JsValue> {
    let disk = OpfsDisk::open(2).await.map_err(failed)?;
    let (mut writer, _) = Workspace::open(disk).map_err(failed)?;
    writer.put_file("a", b"committed", 1).and_then(|()| writer.commit()).map_err(failed)?;
    writer.put_file("a", b"not yet", 2).map_err(failed)?;
    let second = OpfsDisk::open(2).await.map(drop);
    ensure(second == Err(OpfsError::Held), &format!("a second writer got {second:?}"))?;
    let (reader, recovery) = Workspace::open(open_snapshot(2).await.map_err(failed)?).map_err(failed)?;
    ensure(recovery.notices.is_empty(), "the copy of an open workspace reads as damaged")?;
    ensure(reader.read_file("a").map_err(failed)? == b"committed", "the copy shows what was not committed")?;
    let mut ids = list_workspaces().await.map_err(failed)?;
    ids.sort_unstable();
    ensure(ids.contains(&2), &format!("listed {ids:?}"))?;
    let held = delete_workspace(2).await;
    ensure(held == Err(OpfsError::Held), &format!("deleting an open workspace gave {held:?}"))?;
    drop(writer);
    delete_workspace(2).await.map_err(failed)?;
    ensure(!list_workspaces().await.map_err(failed)?.contains(&2), "a deleted workspace is listed")?;
    let gone = open_snapshot(2).await.map(drop);
    ensure(gone == Err(OpfsError::NotFound), &format!("a deleted workspace opened as {gone:?}"))
}

/// Write until the quota (set by the caller) refuses; everything committed must stay, and room must come back.
///
/// # Errors
/// What did not hold.
#[wasm_bindgen]
pub async fn fills_up() -> Result<u32, JsValue> {
    let (mut workspace, _) = Workspace::open(OpfsDisk::open(3).await.map_err(failed)?).map_err(failed)?;
    workspace.put_file("first", b"kept", 1).and_then(|()| workspace.commit()).map_err(failed)?;
    let block = vec![7; 1 << 20];
    let mut num_blocks = 0;
    let err = loop {
        let put = workspace.put_file(&format!("block{num_blocks}"), &block, 1);
        match put.and_then(|()| workspace.commit()) {
            Ok(()) => num_blocks += 1,
            Err(err) => break err,
        }
        ensure(num_blocks < 1000, "the quota never refused")?;
    };
    ensure(err.is_quota(), &format!("a full disk gave {err:?}"))?;
    ensure(workspace.read_file("first").map_err(failed)? == b"kept", "the open workspace lost a file")?;
    drop(workspace);
    let (mut workspace, recovery) =
        Workspace::open(OpfsDisk::open(3).await.map_err(failed)?).map_err(failed)?;
    ensure(recovery.notices.is_empty(), &format!("{:?}", recovery.notices))?;
    for i in 0..num_blocks {
        ensure(workspace.read_file(&format!("block{i}")).map_err(failed)? == block, "a block is gone")?;
    }
    let before = workspace.stored_bytes();
    for i in 0..num_blocks {
        workspace.remove_file(&format!("block{i}")).map_err(failed)?;
    }
    workspace.compact_all().map_err(failed)?;
    ensure(workspace.stored_bytes() < before / 2, "removing and compacting gave no room back")?;
    workspace.put_file("after", &block, 1).and_then(|()| workspace.commit()).map_err(failed)?;
    Ok(num_blocks)
}

/// Commit numbered states for ever, and tell each through `committed` once it is durable.
///
/// # Errors
/// What failed before the worker was ended.
#[wasm_bindgen]
pub async fn write_for_ever(from: u32, committed: Function) -> Result<(), JsValue> {
    let (mut workspace, _) = Workspace::open(open_patiently(4).await?).map_err(failed)?;
    for n in from.. {
        let text = n.to_string().repeat(1 + (n as usize * 37) % 3000);
        for path in ["one", "two", "three"] {
            workspace.put_file(path, text.as_bytes(), u64::from(n)).map_err(failed)?;
        }
        workspace.put_derived(b"n", &n.to_le_bytes()).map_err(failed)?;
        workspace.commit().map_err(failed)?;
        if n % 50 == 0 {
            workspace.compact_all().map_err(failed)?;
        }
        committed.call1(&JsValue::NULL, &n.into())?;
        web::sleep_ms(2).await;
    }
    Ok(())
}

/// Copy the workspace of [`write_for_ever`] over and over while it is written; each copy must be one whole state, and
/// they must move on.
///
/// # Errors
/// What is torn.
#[wasm_bindgen]
pub async fn reads_along(num_copies: u32) -> Result<u32, JsValue> {
    let mut last = 0;
    for _ in 0..num_copies {
        let (reader, recovery) = Workspace::open(open_snapshot(4).await.map_err(failed)?).map_err(failed)?;
        let n = state_of(&reader, &recovery)?;
        ensure(n >= last && n > 0, &format!("state {n} came after {last}"))?;
        last = n;
        web::sleep_ms(3).await;
    }
    Ok(last)
}

/// The number of the state that [`write_for_ever`] left, after checking that it is one whole state.
///
/// # Errors
/// What is torn.
#[wasm_bindgen]
pub async fn last_state() -> Result<u32, JsValue> {
    let (workspace, recovery) = Workspace::open(open_patiently(4).await?).map_err(failed)?;
    let n = state_of(&workspace, &recovery)?;
    ensure(workspace.into_disk().len(FileId::UserA).is_ok(), "the disk is gone")?;
    Ok(n)
}

/// The number of the one state that all three files are of; 0 when there are none.
fn state_of<D: Disk>(workspace: &Workspace<D>, recovery: &Recovery) -> Result<u32, JsValue> {
    ensure(recovery.notices.is_empty() && !recovery.derived_dropped, &format!("{recovery:?}"))?;
    let Some(n) = workspace.file("one").map(|meta| meta.mtime_ms as u32) else { return Ok(0) };
    let text = n.to_string().repeat(1 + (n as usize * 37) % 3000);
    for path in ["one", "two", "three"] {
        let found = workspace.read_file(path).map_err(failed)?;
        ensure(found == text.as_bytes(), &format!("{path} is of another state than {n}"))?;
    }
    Ok(n)
}

/// A worker that was ended gives its handles back a moment later.
async fn open_patiently(id: u64) -> Result<OpfsDisk, JsValue> {
    for _ in 0..100 {
        match OpfsDisk::open(id).await {
            Err(OpfsError::Held) => web::sleep_ms(20).await,
            other => return other.map_err(failed),
        }
    }
    Err(failed("the handles of an ended worker were not given back within 2 s"))
}
