//! What belongs to a question, in a workspace in memory.

use super::*;
use crate::disk::open_memory;

fn space(files: &[(&str, String)]) -> Space {
    let mut space = Space::of(open_memory().unwrap().store);
    let mut analyser = syntax::Analyser::new();
    for (path, text) in files {
        space.put(path, text.as_bytes(), 0).unwrap();
        space.parse(path, Some(&mut analyser)).unwrap();
    }
    space
}

fn big() -> String {
    let functions =
        (0..300).map(|n| format!("def step_{n}(value):\n    filler = value + {n}\n    return filler\n\n"));
    let retry = "def retry(times):\n    back_off = times * 2\n    return back_off\n\n".to_owned();
    functions.clone().chain([retry]).chain(functions).collect()
}

fn ask(space: &mut Space, text: &str, mentions: &[Mention]) -> Finding {
    let mut finding = Finding::start(space, text, None, mentions, 4500);
    while finding.read_one(space) {}
    finding.finish();
    finding
}

fn places(finding: &Finding) -> Vec<(&str, u32, u32)> {
    finding.pieces.iter().map(|p| (p.path.as_str(), p.start_line + 1, p.end_line() + 1)).collect()
}

#[test]
fn a_mentioned_large_file_gives_what_answers_and_not_its_beginning() {
    let mut space =
        space(&[("big.py", big()), ("other.py", "def retry_other():\n    back_off = 1\n".into())]);
    let pointed = [Mention::Path("big.py".into())];
    let finding = ask(&mut space, "what is the back_off of retry?", &pointed);
    assert_eq!(finding.grounding, Grounding::Pointed);
    assert!(finding.pieces.iter().all(|piece| piece.path == "big.py"));
    assert!(finding.pieces[0].text.contains("back_off"), "{:?}", finding.pieces[0]);
    // Where nothing in it has to do with the question, how it begins is what there is.
    let finding = ask(&mut space, "zebra?", &pointed);
    assert_eq!(places(&finding)[0].1, 1);
}

#[test]
fn files_folders_names_and_lines_can_be_pointed_to() {
    let mut space = space(&[
        ("src/a[1].py", "def one():\n    return 1\n".into()),
        ("src/b.py", "class B:\n    def two(self):\n        return 2\n".into()),
        ("c.py", "def two():\n    return 3\n".into()),
    ]);
    let finding = ask(&mut space, "what is it?", &[Mention::Path("src/".into())]);
    assert_eq!(places(&finding), [("src/a[1].py", 1, 2), ("src/b.py", 1, 3)]);
    let finding = ask(&mut space, "what is it?", &[Mention::Symbol("B::two".into())]);
    assert_eq!(places(&finding), [("src/b.py", 2, 3)]);
    let finding = ask(&mut space, "what is it?", &[Mention::Symbol("two".into())]);
    assert_eq!(places(&finding), [("c.py", 1, 2), ("src/b.py", 2, 3)]);
    let lines =
        Mention::Lines { path: "c.py".into(), start_line: 1, end_line: 1, text: "  unsaved\r\n".into() };
    assert_eq!(ask(&mut space, "this?", &[lines]).pieces[0].text, "  unsaved");
    let finding = ask(&mut space, "x", &[Mention::Path("none.py".into()), Mention::Symbol("none".into())]);
    assert_eq!((finding.grounding, finding.notes.len()), (Grounding::NotFound, 2));
}

#[test]
fn unsaved_text_goes_before_saved_text() {
    let mut space = space(&[("big.py", big()), ("small.py", "def one():\n    return 1\n".into())]);
    space.store.put_draft("small.py", b"def one():\n    return 'draft'\n").unwrap();
    let finding = ask(&mut space, "what?", &[Mention::Path("small.py".into())]);
    assert!(finding.pieces[0].text.contains("draft"));
    let edited = format!("# head\n# head\n{}", big().replace("times * 2", "times * 3"));
    space.store.put_draft("big.py", edited.as_bytes()).unwrap();
    let finding = ask(&mut space, "back_off of retry?", &[]);
    let piece = finding.pieces.iter().find(|piece| piece.text.contains("back_off")).unwrap();
    assert!(piece.text.contains("times * 3"), "{piece:?}");
    let lines: Vec<&str> = edited.lines().collect();
    assert_eq!(lines[piece.start_line as usize], piece.text.lines().next().unwrap());
    space.store.put_draft("new.py", b"def fresh():\n    pass\n").unwrap();
    assert_eq!(places(&ask(&mut space, "?", &[Mention::Path("new.py".into())])), [("new.py", 1, 2)]);
}

#[test]
fn a_question_about_something_else_finds_nothing() {
    let mut space = space(&[("big.py", big())]);
    assert_eq!(ask(&mut space, "How do I bake sourdough bread?", &[]).grounding, Grounding::NotFound);
    assert_eq!(ask(&mut space, "How does retry back off?", &[]).grounding, Grounding::Found);
}

#[test]
fn what_is_far_too_long_is_cut_and_told() {
    let long = format!("x = 1\n{}\n", "y".repeat(20_000));
    let mut space = space(&[("a.txt", "z".repeat(20_000)), ("b.txt", long)]);
    let mentions = [Mention::Symbol("none".into())];
    let mut finding = ask(&mut space, "x", &mentions);
    for (path, end) in [("a.txt", u32::MAX), ("b.txt", u32::MAX)] {
        finding.spots.push_back(Spot::Lines {
            path: path.into(),
            start: 0,
            end,
            symbol: String::new(),
            score: 0.0,
        });
        while finding.read_one(&mut space) {}
    }
    assert_eq!(places(&finding), [("b.txt", 1, 1)]);
    assert!(finding.notes[1].contains("too long") && finding.notes[2].ends_with("cut after line 1."));
}
