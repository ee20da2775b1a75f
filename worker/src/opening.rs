//! Opening a workspace's store for reading or writing, handing it over between tabs, and closing it.

use protocol::{Access, Fault, Opened, WorkspaceId};
use stdx::{Clock as _, SystemClock};

use crate::caution::Caution;
use crate::chat;
use crate::disk::{self, DiskError, Held};
use crate::engine::Engine;
use crate::event::Event;
use crate::outside::Outside;
use crate::queue::Queue;
use crate::snapshot;
use crate::space::{MAX_STASH, Space, Stats};
use crate::texts::Texts;
use crate::workspaces::{disk_fault, info, lock_name, none_open, register};

/// Pause before this tab tries again to become the writer after it failed, milliseconds.
const TAKE_OVER_AGAIN_MS: u32 = 10_000;

pub(crate) async fn open_space(engine: &mut Engine, id: WorkspaceId, create: bool) -> Result<Opened, Fault> {
    let (held, access, lock) = open_store(id, create).await?;
    if access == Access::Reader {
        wait_for_writer(engine, id, 0);
    }
    let notices = build(engine, id, held, access, lock);
    let opened_unix_ms = engine.clock.unix_ms();
    let space = engine.space.as_ref().ok_or_else(none_open)?;
    Ok(Opened { info: info(space, opened_unix_ms), access, notices })
}

async fn open_store(id: WorkspaceId, create: bool) -> Result<(Held, Access, Option<web::Lock>), Fault> {
    let lock = match web::try_lock(&lock_name(id)).await {
        Ok(Some(lock)) => Some(lock),
        Ok(None) => {
            let held = disk::open_reader(id).await.map_err(|err| disk_fault(&err))?;
            return Ok((held, Access::Reader, None));
        }
        // Without Web Locks the exclusive file handles still keep a second writer out.
        Err(_) => None,
    };
    match disk::open_writer(id).await {
        Ok(held) => Ok((held, Access::Writer, lock)),
        Err(DiskError::HeldElsewhere) => {
            let held = disk::open_reader(id).await.map_err(|err| disk_fault(&err))?;
            Ok((held, Access::Reader, None))
        }
        Err(DiskError::Unavailable) if create => {
            let mut held = disk::open_memory().map_err(|err| disk_fault(&err))?;
            let notice = "This browser gives Alcove no storage here (a private window or a blocked frame): \
                          everything is gone when the tab closes. Export the workspace to keep it.";
            held.notices.push(notice.into());
            Ok((held, Access::Memory, lock))
        }
        Err(err) => Err(disk_fault(&err)),
    }
}

/// Make the open workspace from an opened store. Gives what a person is to be told.
fn build(
    engine: &mut Engine,
    id: WorkspaceId,
    held: Held,
    access: Access,
    lock: Option<web::Lock>,
) -> Vec<String> {
    let Held { mut store, mut notices, derived_dropped } = held;
    let restored = snapshot::restore(&mut store, derived_dropped);
    if restored.damaged && store.files().next().is_some() {
        notices.push("The index of this workspace is being built again; its files are untouched.".into());
    }
    // Without it parsing is a little less safe, which is no reason not to open.
    let caution = Caution::restore(&mut store, web::num_deaths() > 0).unwrap_or_default();
    // What cannot be read back counts as unknown, like all that was stored before this was noted.
    let outside = Outside::load(&store).unwrap_or_default();
    let name = store.name().unwrap_or_default();
    let mut space = Space {
        id,
        name,
        access,
        lock,
        store,
        index: restored.index,
        files: restored.files,
        outside,
        texts: Texts::default(),
        to_admit: std::collections::VecDeque::new(),
        to_parse: std::collections::VecDeque::new(),
        caution,
        to_embed: Queue::default(),
        focus: Vec::new(),
        edited: Vec::new(),
        paused: false,
        notices: notices.clone(),
        stats: Stats::default(),
        snapshot_stale: false,
        uncommitted: false,
        next_vector_record: restored.next_vector_record,
        unsaved_vectors: Vec::new(),
        stash_limit: restored.stash.len() + MAX_STASH,
        stash: restored.stash,
        vectors_worn: restored.vectors_worn,
        model: restored.model,
        given_up: std::collections::HashSet::new(),
    };
    snapshot::reconcile(&mut space);
    space.stats.chunks_reused = space.index.num_vectors() as u32;
    engine.space = Some(space);
    engine.last_status = None;
    engine.fetch_grammars();
    notices
}

/// Ask for the writer's lock in the background; the answer comes as an event.
fn wait_for_writer(engine: &Engine, id: WorkspaceId, after_ms: u32) {
    let events = engine.events.clone();
    wasm_bindgen_futures::spawn_local(async move {
        web::sleep_ms(after_ms).await;
        if let Ok(lock) = web::wait_lock(&lock_name(id)).await {
            events.send(Event::LockGranted(id, lock));
        }
    });
}

/// The other tab closed: open the store again, now for writing.
pub(crate) async fn take_over(engine: &mut Engine, id: WorkspaceId, lock: web::Lock) {
    let waits = engine.space.as_ref().is_some_and(|s| s.id == id && s.access == Access::Reader);
    if !waits {
        return;
    }
    let sentence = match disk::open_writer(id).await {
        Ok(held) => {
            // What could not be kept until now is kept when it is asked for next: this tab writes from here on.
            chat::stop_all(engine);
            engine.searches.abort_all();
            engine.suggestions.forget();
            engine.embedding.forget_batches();
            // The engine's status tells it as well.
            let _notices = build(engine, id, held, Access::Writer, Some(lock));
            return;
        }
        Err(err) => err.to_string(),
    };
    // The next chance comes when this tab gets the lock again; a moment later, because nobody else may hold it.
    drop(lock);
    wait_for_writer(engine, id, TAKE_OVER_AGAIN_MS);
    if let Some(space) = &mut engine.space {
        space.notices.push(format!("The other tab closed, but this one could not take over: {sentence}"));
    }
}

/// The page asks whether this tab writes by now.
pub(crate) async fn become_writer(engine: &mut Engine) -> Result<Access, Fault> {
    let space = engine.space.as_ref().ok_or_else(none_open)?;
    let (id, access) = (space.id, space.access);
    if access == Access::Reader
        && let Ok(Some(lock)) = web::try_lock(&lock_name(id)).await
    {
        take_over(engine, id, lock).await;
    }
    engine.space.as_ref().map(|space| space.access).ok_or_else(none_open)
}

/// Close the open workspace: save what is known, settle what waits.
pub(crate) async fn close(engine: &mut Engine) {
    chat::close(engine);
    engine.searches.abort_all();
    engine.suggestions.forget();
    engine.embedding.forget_batches();
    engine.import = crate::import::Import::default();
    let Some(mut space) = engine.space.take() else { return };
    if space.access == Access::Writer {
        // Derived data may be lost without harm; the files were committed when they were written.
        let _derived = snapshot::save_vectors(&mut space);
        let _committed = space.store.commit();
        let opened_unix_ms = SystemClock::default().unix_ms();
        register(info(&space, opened_unix_ms)).await;
    }
    drop(space);
    // The browser gives a lock back a turn later; until then, opening it again would find it held by somebody.
    web::turn().await;
}
