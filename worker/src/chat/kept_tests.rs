//! Conversations in a workspace in memory: what stays, where, and what is said when it cannot.

use protocol::{AnswerEnd, ContextSent, Grounding};

use super::*;
use crate::disk::open_memory;

fn space() -> Space {
    let mut space = Space::of(open_memory().unwrap().store);
    space.put("a.py", b"import os\n\ndef retry():\n    again()\n", 0).unwrap();
    space.store.commit_user().unwrap();
    space
}

fn reopened(space: Space) -> Space {
    Space::of(store::Workspace::open(space.store.into_disk()).unwrap().0)
}

fn turn(id: &str, after: Option<&str>, question: &str, asked_unix_ms: u64) -> Turn {
    let cited = |start_line, end_line| Citation {
        start: 0,
        end: 1,
        path: "a.py".into(),
        start_line,
        end_line,
        is_current: true,
    };
    Turn {
        id: TurnId(id.into()),
        after: after.map(|id| TurnId(id.into())),
        question: question.into(),
        mentions: Vec::new(),
        context: ContextSent {
            grounding: Grounding::Found,
            passages: Vec::new(),
            left_out: Vec::new(),
            messages: Vec::new(),
            num_tokens: 1,
            max_tokens: 2,
        },
        answer: format!("answer to {question}"),
        citations: vec![cited(2, 3), cited(0, 0)],
        end: AnswerEnd::Complete,
        model: None,
        asked_unix_ms,
        not_kept: String::new(),
    }
}

fn thread() -> ThreadId {
    ThreadId("t".into())
}

#[test]
fn turns_survive_a_crash_in_their_order_and_branches_have_their_own_history() {
    let (mut space, mut unkept) = (space(), Unkept::default());
    for mut turn in [
        turn("z", None, "first", 5),
        turn("b", Some("z"), "second", 6),
        turn("a", Some("z"), "other second", 7),
        turn("c", Some("a"), "third", 8),
    ] {
        keep(&mut space, &mut unkept, &thread(), &mut turn);
        assert_eq!(turn.not_kept, "");
    }
    // Asked again: in its place.
    keep(&mut space, &mut unkept, &thread(), &mut turn("b", Some("z"), "second again", 9));
    let mut space = reopened(space);
    let questions: Vec<String> =
        get(&mut space, &mut unkept, &thread()).into_iter().map(|t| t.question).collect();
    assert_eq!(questions, ["first", "second again", "other second", "third"]);
    let asked = |after: &str| -> Vec<String> {
        let history = history(&space, &unkept, &thread(), Some(&TurnId(after.into())));
        history.into_iter().map(|exchange| exchange.question).collect()
    };
    assert_eq!(asked("c"), ["third", "other second", "first"]);
    assert_eq!(asked("b"), ["second again", "first"]);
    assert!(asked("none").is_empty());
}

#[test]
fn asking_again_loses_no_answer_before_there_is_another() {
    let (mut space, mut unkept) = (space(), Unkept::default());
    let answers = |space: &mut Space, unkept: &mut Unkept| -> Vec<(String, AnswerEnd)> {
        get(space, unkept, &thread()).into_iter().map(|t| (t.answer, t.end)).collect()
    };
    keep(&mut space, &mut unkept, &thread(), &mut turn("a", None, "why", 5));
    // Begun again, and stopped before the model wrote anything.
    let mut again = Turn { answer: String::new(), end: AnswerEnd::Stopped, ..turn("a", None, "why", 6) };
    keep(&mut space, &mut unkept, &thread(), &mut again);
    assert_eq!(answers(&mut space, &mut unkept), [("answer to why".into(), AnswerEnd::Complete)]);
    // Half of another answer takes the place of half an answer, but not of a whole one.
    again.answer = "Another".into();
    keep(&mut space, &mut unkept, &thread(), &mut again);
    assert_eq!(answers(&mut space, &mut unkept), [("answer to why".into(), AnswerEnd::Complete)]);
    again.end = AnswerEnd::Length;
    keep(&mut space, &mut unkept, &thread(), &mut again);
    assert_eq!(answers(&mut space, &mut unkept), [("Another".into(), AnswerEnd::Length)]);
    let mut half = turn("half", None, "how", 6);
    (half.answer, half.end) = ("On".into(), AnswerEnd::Stopped);
    keep(&mut space, &mut unkept, &thread(), &mut half);
    half.answer = "One two".into();
    keep(&mut space, &mut unkept, &thread(), &mut half);
    assert_eq!(answers(&mut space, &mut unkept)[1], ("One two".into(), AnswerEnd::Stopped));
    // A question that never had an answer is kept all the same.
    let mut empty = Turn { answer: String::new(), end: AnswerEnd::NothingFound, ..turn("b", None, "who", 7) };
    keep(&mut space, &mut unkept, &thread(), &mut empty);
    assert_eq!(answers(&mut space, &mut unkept).len(), 3);
}

#[test]
fn a_conversation_is_listed_named_and_deleted() {
    let (mut space, mut unkept) = (space(), Unkept::default());
    let other = ThreadId("t2".into());
    keep(&mut space, &mut unkept, &thread(), &mut turn("1", None, "  Where\nis it? ", 5));
    keep(&mut space, &mut unkept, &other, &mut turn("1", None, "Why?", 9));
    let infos = list(&mut space, &mut unkept);
    let titles: Vec<&str> = infos.iter().map(|info| info.title.as_str()).collect();
    assert_eq!(titles, ["Why?", "Where is it?"]);
    rename(&mut space, &thread(), "  Named ").unwrap();
    let mut space = reopened(space);
    assert_eq!(list(&mut space, &mut unkept)[1].title, "Named");
    rename(&mut space, &thread(), " ").unwrap();
    assert_eq!(list(&mut space, &mut unkept)[1].title, "Where is it?");
    delete(&mut space, &mut unkept, &thread()).unwrap();
    let mut space = reopened(space);
    assert_eq!(list(&mut space, &mut unkept).len(), 1);
    assert_eq!(space.store.setting_keys(PREFIX).count(), 1);
    assert!(get(&mut space, &mut unkept, &thread()).is_empty());
}

#[test]
fn an_export_has_what_is_kept_and_it_reads_back() {
    let (mut space, mut unkept) = (self::space(), Unkept::default());
    keep(&mut space, &mut unkept, &thread(), &mut turn("1", None, "first", 5));
    let settings = space.store.settings().unwrap();
    let mut other = self::space();
    for (key, value) in settings {
        other.store.put_setting(&key, Some(&value)).unwrap();
    }
    assert_eq!(get(&mut other, &mut unkept, &thread()), get(&mut space, &mut unkept, &thread()));
}

#[test]
fn cited_lines_are_found_where_they_went_and_changed_ones_are_told() {
    let (mut space, mut unkept) = (space(), Unkept::default());
    keep(&mut space, &mut unkept, &thread(), &mut turn("1", None, "first", 5));
    let state = |space: &mut Space| -> Vec<(u32, u32, bool)> {
        let turns = get(space, &mut Unkept::default(), &thread());
        turns[0].citations.iter().map(|c| (c.start_line, c.end_line, c.is_current)).collect()
    };
    assert_eq!(state(&mut space), [(2, 3, true), (0, 0, true)]);
    space.put("a.py", b"import os\n# new\n# new\n\ndef retry():\n    again()\n", 0).unwrap();
    assert_eq!(state(&mut space), [(4, 5, true), (0, 0, true)]);
    space.store.put_draft("a.py", b"import os\n\ndef retry():\n    once()\n").unwrap();
    assert_eq!(state(&mut space), [(2, 3, false), (0, 0, true)]);
    space.remove("a.py").unwrap();
    assert_eq!(state(&mut space), [(2, 3, false), (0, 0, false)]);
}

#[test]
fn a_reader_is_answered_remembers_and_keeps_it_once_it_writes() {
    let (mut space, mut unkept) = (space(), Unkept::default());
    space.access = Access::Reader;
    let mut asked = turn("1", None, "first", 5);
    keep(&mut space, &mut unkept, &thread(), &mut asked);
    assert!(asked.not_kept.contains("Another tab"), "{}", asked.not_kept);
    assert_eq!(space.store.setting_keys(PREFIX).count(), 0);
    assert_eq!(history(&space, &unkept, &thread(), Some(&TurnId("1".into()))).len(), 1);
    assert_eq!(list(&mut space, &mut unkept).len(), 1);
    assert_eq!(get(&mut space, &mut unkept, &thread())[0], asked);
    space.access = Access::Writer;
    assert_eq!(get(&mut space, &mut unkept, &thread())[0].not_kept, "");
    let mut space = reopened(space);
    assert_eq!(get(&mut space, &mut Unkept::default(), &thread()).len(), 1);
}

#[test]
fn a_full_disk_loses_no_answer_and_says_so() {
    let (mut space, mut unkept) = (space(), Unkept::default());
    let crate::disk::AnyDisk::Memory(disk) = space.store.disk_mut() else { panic!("this disk is in memory") };
    disk.set_capacity(Some(0));
    let mut asked = turn("1", None, "first", 5);
    keep(&mut space, &mut unkept, &thread(), &mut asked);
    assert!(asked.not_kept.starts_with("It could not be kept"), "{}", asked.not_kept);
    assert_eq!(get(&mut space, &mut unkept, &thread()).len(), 1);
}

#[test]
fn ids_that_are_no_names_are_refused_and_what_does_not_read_is_left_alone() {
    for id in ["", "a/b", "a\nb", &"x".repeat(101)] {
        assert!(check_id(id).is_err(), "{id}");
    }
    assert!(check_id("01J-abc_é").is_ok());
    let (mut space, mut unkept) = (space(), Unkept::default());
    space.store.put_setting(&turn_key(&thread(), &TurnId("1".into())), Some("{}")).unwrap();
    assert!(get(&mut space, &mut unkept, &thread()).is_empty());
    assert!(list(&mut space, &mut unkept).is_empty());
    assert_eq!(space.store.setting_keys(PREFIX).count(), 1);
}
