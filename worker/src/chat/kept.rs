//! Conversations in the store: a record for each turn and one for what a conversation is called, among the settings of
//! the user log, so that crashes, exports and imports treat them as they treat all that a person made.

use std::collections::BTreeMap;

use agents::chat::{Anchor, Exchange};
use protocol::{Access, AnswerEnd, Citation, Fault, FaultCode, ThreadId, ThreadInfo, Turn, TurnId};
use serde::{Deserialize, Serialize};

use super::find::{current_text, lines};
use crate::convert::store_fault;
use crate::space::Space;

/// Before the names of all records.
const PREFIX: &str = "alcove.chat/";
/// Longest id in bytes.
const MAX_ID: usize = 100;
/// Longest title in characters.
const MAX_TITLE: usize = 120;
/// Questions of earlier that a question is seen with, at most.
const MAX_HISTORY: usize = 20;
/// Turns that are held for want of a place to keep them.
const MAX_UNKEPT: usize = 200;

/// What a conversation is called, once a person has said so.
#[derive(Serialize, Deserialize)]
struct Name {
    title: String,
}

/// What cited lines said, as a hash of each.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Said {
    path: String,
    start_line: u32,
    end_line: u32,
    hashes: Vec<u64>,
}

/// A turn as it is kept. Fields that come later need a default: what is kept is never dropped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Place among the turns of the conversation.
    seq: u64,
    turn: Turn,
    said: Vec<Said>,
}

/// Turns that could not be kept, by conversation and id: those of a tab that only reads, or of a full disk.
#[derive(Debug, Default)]
pub(crate) struct Unkept(BTreeMap<(ThreadId, TurnId), Kept>);

/// Refuse ids that would be no names of records.
pub(crate) fn check_id(id: &str) -> Result<(), Fault> {
    if id.is_empty() || id.len() > MAX_ID || id.contains(|c: char| c == '/' || c.is_control()) {
        let sentence = "A conversation was named in a way that cannot be kept; please report this.";
        return Err(Fault::new(FaultCode::Invalid, sentence));
    }
    Ok(())
}

fn turns_of(thread: &ThreadId) -> String {
    format!("{PREFIX}turn/{}/", thread.0)
}

fn turn_key(thread: &ThreadId, turn: &TurnId) -> String {
    format!("{PREFIX}turn/{}/{}", thread.0, turn.0)
}

fn name_key(thread: &ThreadId) -> String {
    format!("{PREFIX}name/{}", thread.0)
}

fn read(space: &Space, key: &str) -> Option<Kept> {
    let text = space.store.setting(key).ok().flatten()?;
    serde_json::from_str(&text).ok()
}

/// Every turn of a conversation by its place, kept or not.
fn all(space: &Space, unkept: &Unkept, thread: &ThreadId) -> Vec<Kept> {
    let mut by_id: BTreeMap<TurnId, Kept> = BTreeMap::new();
    for key in space.store.setting_keys(&turns_of(thread)) {
        if let Some(kept) = read(space, key) {
            by_id.insert(kept.turn.id.clone(), kept);
        }
    }
    let held = unkept.0.iter().filter(|((of, _), _)| of == thread);
    by_id.extend(held.map(|((_, id), kept)| (id.clone(), kept.clone())));
    let mut all: Vec<Kept> = by_id.into_values().collect();
    all.sort_by_key(|kept| (kept.seq, kept.turn.asked_unix_ms));
    all
}

/// What was said on the way to a turn, the newest first.
pub(crate) fn history(
    space: &Space,
    unkept: &Unkept,
    thread: &ThreadId,
    after: Option<&TurnId>,
) -> Vec<Exchange> {
    let mut out = Vec::new();
    let mut at = after.cloned();
    while let Some(id) = at.take().filter(|_| out.len() < MAX_HISTORY) {
        let held = unkept.0.get(&(thread.clone(), id.clone())).cloned();
        let Some(kept) = held.or_else(|| read(space, &turn_key(thread, &id))) else { break };
        at = kept.turn.after;
        out.push(Exchange { question: kept.turn.question, answer: kept.turn.answer });
    }
    out
}

/// The cited lines as they stand now, once for each place.
fn said(space: &mut Space, citations: &[Citation]) -> Vec<Said> {
    let mut out: Vec<Said> = Vec::new();
    for cited in citations {
        let place = (&cited.path, cited.start_line, cited.end_line);
        if out.iter().any(|said| (&said.path, said.start_line, said.end_line) == place) {
            continue;
        }
        let Some(text) = current_text(space, &cited.path) else { continue };
        let text = lines(&text);
        let range = cited.start_line as usize..(cited.end_line as usize + 1).min(text.len());
        let Some(found) = text.get(range) else { continue };
        let (path, start_line, end_line) = (cited.path.clone(), cited.start_line, cited.end_line);
        out.push(Said { path, start_line, end_line, hashes: Anchor::of(found).0 });
    }
    out
}

/// Keep a turn, in the place of one with its id. Where that cannot be, it is held, and says why.
pub(crate) fn keep(space: &mut Space, unkept: &mut Unkept, thread: &ThreadId, turn: &mut Turn) {
    let known = all(space, unkept, thread);
    let before = known.iter().find(|kept| kept.turn.id == turn.id);
    let is_whole =
        |turn: &Turn| matches!(turn.end, AnswerEnd::Complete | AnswerEnd::Length | AnswerEnd::Circle);
    // Half of another answer is no reason to lose a whole one.
    let is_less = |kept: &Kept| if is_whole(&kept.turn) { !is_whole(turn) } else { turn.answer.is_empty() };
    if before.is_some_and(|kept| !kept.turn.answer.is_empty() && is_less(kept)) {
        turn.not_kept.clear();
        return;
    }
    let in_place = before.map(|kept| kept.seq);
    let seq = in_place.unwrap_or_else(|| known.last().map_or(0, |last| last.seq + 1));
    let said = said(space, &turn.citations);
    turn.not_kept.clear();
    let id = (thread.clone(), turn.id.clone());
    let kept = Kept { seq, turn: turn.clone(), said };
    match put(space, thread, &kept) {
        Ok(()) => {
            unkept.0.remove(&id);
        }
        Err(why) => {
            turn.not_kept.clone_from(&why);
            while unkept.0.len() >= MAX_UNKEPT {
                let oldest = unkept.0.iter().min_by_key(|(_, kept)| kept.turn.asked_unix_ms);
                let Some(oldest) = oldest.map(|(id, _)| id.clone()) else { break };
                unkept.0.remove(&oldest);
            }
            unkept.0.insert(id, Kept { turn: turn.clone(), ..kept });
        }
    }
}

fn put(space: &mut Space, thread: &ThreadId, kept: &Kept) -> Result<(), String> {
    if space.access == Access::Reader {
        return Err(
            "Another tab writes to this workspace, so this is kept only until this tab is closed.".into()
        );
    }
    let text = serde_json::to_string(kept)
        .map_err(|err| format!("It could not be kept ({err}); please report this."))?;
    let put = space.store.put_setting(&turn_key(thread, &kept.turn.id), Some(&text));
    put.and_then(|()| space.store.commit_user()).map_err(|err| format!("It could not be kept: {err}."))
}

/// Try again with what could not be kept: there may be room by now, or this tab writes.
fn keep_again(space: &mut Space, unkept: &mut Unkept) {
    unkept.0.retain(|(thread, _), kept| {
        let again = Kept { turn: Turn { not_kept: String::new(), ..kept.turn.clone() }, ..kept.clone() };
        put(space, thread, &again).is_err()
    });
}

/// The conversations, the one asked last first.
pub(crate) fn list(space: &mut Space, unkept: &mut Unkept) -> Vec<ThreadInfo> {
    keep_again(space, unkept);
    let mut threads: Vec<ThreadId> = Vec::new();
    let prefix = format!("{PREFIX}turn/");
    let stored =
        space.store.setting_keys(&prefix).filter_map(|key| key.strip_prefix(&prefix)?.split_once('/'));
    threads.extend(stored.map(|(thread, _)| ThreadId(thread.to_owned())));
    threads.extend(unkept.0.keys().map(|(thread, _)| thread.clone()));
    threads.sort();
    threads.dedup();
    let mut infos: Vec<ThreadInfo> =
        threads.into_iter().filter_map(|thread| info(space, unkept, thread)).collect();
    infos.sort_by(|a, b| b.asked_unix_ms.cmp(&a.asked_unix_ms).then_with(|| a.id.cmp(&b.id)));
    infos
}

fn info(space: &Space, unkept: &Unkept, id: ThreadId) -> Option<ThreadInfo> {
    let turns = all(space, unkept, &id);
    let name = space.store.setting(&name_key(&id)).ok().flatten();
    let name = name.and_then(|text| serde_json::from_str::<Name>(&text).ok()).map(|name| name.title);
    let title = name.unwrap_or_else(|| clean_title(turns.first().map_or("", |first| &first.turn.question)));
    let asked_unix_ms = turns.iter().map(|kept| kept.turn.asked_unix_ms).max()?;
    Some(ThreadInfo { id, title, num_turns: turns.len() as u32, asked_unix_ms })
}

fn clean_title(title: &str) -> String {
    let words: Vec<&str> = title.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(MAX_TITLE).collect()
}

/// All turns of a conversation, with the lines that they cite where those stand now.
pub(crate) fn get(space: &mut Space, unkept: &mut Unkept, thread: &ThreadId) -> Vec<Turn> {
    keep_again(space, unkept);
    let mut turns = Vec::new();
    for Kept { mut turn, said, .. } in all(space, unkept, thread) {
        let mut now: Vec<Option<u32>> = Vec::with_capacity(said.len());
        for said in &said {
            let text = current_text(space, &said.path);
            now.push(text.and_then(|text| Anchor(said.hashes.clone()).find(&lines(&text), said.start_line)));
        }
        for cited in &mut turn.citations {
            let is_of = |s: &Said| {
                (&s.path, s.start_line, s.end_line) == (&cited.path, cited.start_line, cited.end_line)
            };
            let found = said.iter().position(is_of).and_then(|at| now.get(at).copied().flatten());
            cited.is_current = found.is_some();
            if let Some(start) = found {
                (cited.start_line, cited.end_line) = (start, start + (cited.end_line - cited.start_line));
            }
        }
        turns.push(turn);
    }
    turns
}

fn read_only() -> Fault {
    Fault::new(FaultCode::ReadOnly, "This workspace is open for writing in another tab.")
}

/// Give a conversation a name.
pub(crate) fn rename(space: &mut Space, thread: &ThreadId, title: &str) -> Result<(), Fault> {
    if space.access == Access::Reader {
        return Err(read_only());
    }
    let title = clean_title(title);
    // Without a name it is called by its first question again.
    let name = (!title.is_empty()).then(|| serde_json::to_string(&Name { title }).unwrap_or_default());
    let put = space.store.put_setting(&name_key(thread), name.as_deref());
    put.and_then(|()| space.store.commit_user()).map_err(|err| store_fault(&err))
}

/// Forget a conversation.
pub(crate) fn delete(space: &mut Space, unkept: &mut Unkept, thread: &ThreadId) -> Result<(), Fault> {
    let mut keys: Vec<String> = space.store.setting_keys(&turns_of(thread)).map(str::to_owned).collect();
    if space.access == Access::Reader && !keys.is_empty() {
        return Err(read_only());
    }
    unkept.0.retain(|(of, _), _| of != thread);
    if space.access == Access::Reader {
        return Ok(());
    }
    keys.push(name_key(thread));
    for key in keys {
        space.store.put_setting(&key, None).map_err(|err| store_fault(&err))?;
    }
    space.store.commit_user().map_err(|err| store_fault(&err))
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
