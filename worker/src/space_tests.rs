//! What a change of names or of branches costs the model, nothing that it has computed before, and what counts as unsaved.

use super::*;

fn space() -> Space {
    Space::of(crate::disk::open_memory().unwrap().store)
}

fn parse_all(space: &mut Space) {
    let mut analyser = Analyser::new();
    while let Some(path) = space.to_parse.pop_front() {
        space.parse(&path, Some(&mut analyser)).unwrap();
    }
}

/// Answer for all that waits as a model would. Returns how many chunks that were.
fn embed_all(space: &mut Space) -> usize {
    let waiting = space.to_embed.take(usize::MAX);
    for (key, _) in &waiting {
        assert!(
            space.index.put_vector(*key, &[0.5; DIM]).unwrap(),
            "a chunk waited that the index does not have"
        );
    }
    waiting.len()
}

fn python(names: &[&str]) -> String {
    let function = |name: &&str| {
        format!("def {name}(cups):\n    \"\"\"Tea for {name}.\"\"\"\n    return cups * 2\n\n\n")
    };
    names.iter().map(function).collect()
}

#[test]
fn a_rename_and_a_move_of_a_folder_embed_nothing() {
    let mut space = space();
    space.put("a/one.py", python(&["brew", "pour", "drink"]).as_bytes(), 1).unwrap();
    space.put("a/two.md", b"# Tea\n\nHow it is made.\n", 1).unwrap();
    parse_all(&mut space);
    assert!(embed_all(&mut space) >= 4);
    let num_vectors = space.index.num_vectors();
    for (from, to, moved) in [("a/one.py", "a/first.py", 1), ("a", "b/c", 2)] {
        assert_eq!(space.rename(from, to).unwrap(), moved);
        parse_all(&mut space);
        assert_eq!((embed_all(&mut space), space.index.num_vectors()), (0, num_vectors), "{from} to {to}");
    }
    assert_eq!(space.paths_under("b"), ["b/c/first.py", "b/c/two.md"]);
}

#[test]
fn another_branch_embeds_what_is_new_and_the_way_back_nothing() {
    let mut space = space();
    let (here, there) = (python(&["brew", "pour", "drink"]), python(&["brew", "pour", "spill"]));
    space.put("one.py", here.as_bytes(), 1).unwrap();
    parse_all(&mut space);
    assert!(embed_all(&mut space) >= 3);
    space.put("one.py", there.as_bytes(), 2).unwrap();
    parse_all(&mut space);
    assert_eq!(embed_all(&mut space), 1);
    space.put("one.py", here.as_bytes(), 3).unwrap();
    parse_all(&mut space);
    assert_eq!(embed_all(&mut space), 0);
    // A file that is copied says nothing new either.
    space.put("copy.py", here.as_bytes(), 4).unwrap();
    parse_all(&mut space);
    assert_eq!(embed_all(&mut space), 0);
}

#[test]
fn what_is_saved_already_is_no_unsaved_edit() {
    let mut space = space();
    space.put("one.py", b"saved\n", 1).unwrap();
    for (text, is_kept) in [("typed\n", true), ("saved\n", false), ("saved\n", false), ("saved", true)] {
        space.put_draft("one.py", text.as_bytes()).unwrap();
        assert_eq!(space.info("one.py").unwrap().has_draft, is_kept, "{text:?}");
    }
    // A text whose file is gone exists nowhere else.
    space.put_draft("gone.py", b"saved\n").unwrap();
    assert!(space.store.has_draft("gone.py"));
}
