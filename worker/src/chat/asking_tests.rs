//! An answer from question to turn, with a model that is made of numbers.

use protocol::{Mention, ThreadId, TurnId, WorkspaceId};

use super::*;

fn ask(question: &str) -> Ask {
    Ask {
        workspace: WorkspaceId(1),
        thread: ThreadId("t".into()),
        turn: TurnId("1".into()),
        after: None,
        question: question.into(),
        mentions: Vec::<Mention>::new(),
        max_new_tokens: 100,
    }
}

fn model(max_tokens: u32) -> GeneratorSummary {
    GeneratorSummary { model: "m".into(), max_tokens, fills_gaps: false, chats: true }
}

fn found(lens: &[u32]) -> Found {
    let piece = |(at, len): (usize, &u32)| Piece {
        path: format!("{at}.rs"),
        start_line: 0,
        symbol: String::new(),
        text: (0..*len).map(|n| format!("let number = {n};")).collect::<Vec<_>>().join("\n"),
        score: 1.0,
    };
    Found {
        pieces: lens.iter().enumerate().map(piece).collect(),
        notes: Vec::new(),
        grounding: Grounding::Found,
    }
}

/// Four bytes are a token, and the template puts `around` tokens around each message.
fn count(texts: &[String]) -> Vec<u32> {
    texts.iter().map(|text| (text.len() / 4) as u32 + 1).collect()
}

fn count_prompt(messages: &[ChatMessage], around: u32) -> u32 {
    messages.iter().map(|message| (message.text.len() / 4) as u32 + 1 + around).sum()
}

/// Answer everything up to the writing.
fn until_write(asking: &mut Asking, mut effect: Effect, around: u32) -> Effect {
    loop {
        effect = match &effect {
            Effect::Count(texts) => asking.counted(Ok(count(texts))),
            Effect::CountPrompt(messages) => asking.prompt_counted(Ok(count_prompt(messages, around))),
            Effect::Write(_) | Effect::End => return effect,
        };
    }
}

fn generated(text: &str, finish: FinishReason) -> Generated {
    Generated {
        text: text.into(),
        finish,
        num_prompt_tokens: 1,
        num_cached_tokens: 0,
        num_new_tokens: 1,
        cut_prefix_bytes: 0,
        cut_suffix_bytes: 0,
        snippets: Vec::new(),
        first_token_ms: 1.0,
        decode_ms: 1.0,
    }
}

#[test]
fn an_answer_is_what_the_model_wrote_and_the_context_what_it_got() {
    let mut asking = Asking::new(&ask("Where is it?"), Vec::new(), 7);
    let effect = asking.found(found(&[3, 4]), model(4096), 1500);
    let Effect::Write(generate) = until_write(&mut asking, effect, 5) else { panic!("nothing is written") };
    assert!(asking.is_writing());
    let context = asking.turn.context.clone();
    assert_eq!(generate.prompt, GeneratePrompt::Messages(context.messages.clone()));
    assert_eq!(context.num_tokens, count_prompt(&context.messages, 5));
    assert_eq!((context.passages.len(), context.left_out.len(), context.max_tokens), (2, 0, 3996));
    assert!(context.messages[1].text.contains(&context.passages[1].text));
    asking.wrote("Here");
    assert_eq!(asking.written(Ok(generated("Here [1].", FinishReason::Length))), Effect::End);
    assert_eq!((asking.turn.answer.as_str(), &asking.turn.end), ("Here [1].", &AnswerEnd::Length));
}

#[test]
fn an_answer_that_goes_in_circles_ends_before_it_does() {
    let told = "The stove is lit by a spark, which waits until the gas is there [1].";
    let mut asking = Asking::new(&ask("Where is it?"), Vec::new(), 7);
    let effect = asking.found(found(&[3]), model(4096), 1500);
    until_write(&mut asking, effect, 5);
    for piece in [told, "\n\n", "Then", " it burns.\n\n", told] {
        assert!(!asking.wrote(piece), "{piece}");
    }
    assert!(asking.wrote("\n\n"));
    let wanted = format!("{told}\n\nThen it burns.");
    assert_eq!((&asking.turn.answer, &asking.turn.end), (&wanted, &AnswerEnd::Circle));
    // A model that ends by itself behind the same words.
    let mut asking = Asking::new(&ask("Where is it?"), Vec::new(), 7);
    let effect = asking.found(found(&[3]), model(4096), 1500);
    until_write(&mut asking, effect, 5);
    let all = generated(&format!("{told}\n\n{told}"), FinishReason::Complete);
    assert_eq!(asking.written(Ok(all)), Effect::End);
    assert_eq!((asking.turn.answer.as_str(), &asking.turn.end), (told, &AnswerEnd::Circle));
}

#[test]
fn the_prompt_keeps_the_budget_whatever_the_template_takes_and_what_was_cut_is_told() {
    for around in [0, 5, 40, 90] {
        for most in [600, 700, 1500] {
            let mut asking = Asking::new(&ask("Where is it?"), Vec::new(), 0);
            let effect = asking.found(found(&[40, 300, 10]), model(2048), most);
            let Effect::Write(_) = until_write(&mut asking, effect, around) else {
                panic!("{around} {most}")
            };
            let context = &asking.turn.context;
            assert!(context.num_tokens <= most, "{around} {most}: {}", context.num_tokens);
            assert!(!context.left_out.is_empty());
            for passage in &context.passages {
                let piece = &asking.packed.passages[passage.number as usize - 1].piece;
                let exact = count(&[agents::chat::rendered(passage.number, piece)])[0];
                assert!(passage.num_tokens.abs_diff(exact) <= 1, "{passage:?}");
            }
        }
    }
}

#[test]
fn a_question_without_an_answer_helps_to_search_and_is_not_sent() {
    let exchange =
        |question: &str, answer: &str| Exchange { question: question.into(), answer: answer.into() };
    let history = vec![exchange("Where is the oven?", ""), exchange("Who bakes?", "The baker.")];
    let mut asking = Asking::new(&ask("Where is it?"), history, 0);
    assert!(asking.search_text().contains("oven"));
    let effect = asking.found(found(&[3]), model(4096), 1500);
    let Effect::Write(_) = until_write(&mut asking, effect, 5) else { panic!("nothing is written") };
    let texts: Vec<&str> = asking.turn.context.messages.iter().map(|m| m.text.as_str()).collect();
    assert!(
        texts.contains(&"The baker.") && !texts.iter().any(|text| text.is_empty() || text.contains("oven"))
    );
}

#[test]
fn nothing_found_asks_no_model() {
    let mut asking = Asking::new(&ask("How do I bake bread?"), Vec::new(), 0);
    assert_eq!(asking.not_found(vec!["why".into()]), Effect::End);
    assert_eq!(
        (asking.turn.end, asking.turn.context.left_out),
        (AnswerEnd::NothingFound, vec!["why".into()])
    );
}

#[test]
fn what_was_written_stays_when_the_model_dies_or_a_person_stops() {
    let begin = || {
        let mut asking = Asking::new(&ask("Where is it?"), Vec::new(), 0);
        let effect = asking.found(found(&[3]), model(2048), 1500);
        until_write(&mut asking, effect, 3);
        asking.wrote("So f");
        asking.wrote("ar");
        asking
    };
    let mut asking = begin();
    asking.written(Err(Fault::new(FaultCode::ModelGone, "The worker stopped.")));
    assert_eq!(
        (asking.turn.answer.as_str(), &asking.turn.end),
        ("So far", &AnswerEnd::Failed("The worker stopped.".into()))
    );
    asking.stop();
    assert_ne!(asking.turn.end, AnswerEnd::Stopped, "it has ended already");
    let mut asking = begin();
    asking.stop();
    assert_eq!((asking.turn.answer.as_str(), &asking.turn.end), ("So far", &AnswerEnd::Stopped));
}

#[test]
fn a_question_that_is_too_long_and_passages_that_never_fit_fail_in_a_sentence() {
    let mut asking = Asking::new(&ask(&"word ".repeat(4000)), Vec::new(), 0);
    let effect = asking.found(found(&[3]), model(2048), 1500);
    assert_eq!(until_write(&mut asking, effect, 3), Effect::End);
    assert!(
        matches!(&asking.turn.end, AnswerEnd::Failed(why) if why.contains("Shorten")),
        "{:?}",
        asking.turn.end
    );
    let mut asking = Asking::new(&ask("Where?"), Vec::new(), 0);
    let effect = asking.found(found(&[3]), model(2048), 1500);
    assert_eq!(until_write(&mut asking, effect, 5000), Effect::End);
    assert!(matches!(&asking.turn.end, AnswerEnd::Failed(_)), "{:?}", asking.turn.end);
}

#[test]
fn the_newest_of_the_conversation_goes_along_oldest_first() {
    let exchange = |n: u32| Exchange { question: format!("q{n}"), answer: "word ".repeat(100) };
    let mut asking = Asking::new(&ask("and why?"), vec![exchange(3), exchange(2), exchange(1)], 0);
    assert_eq!(asking.search_text(), "q3\nand why?");
    let effect = asking.found(found(&[3]), model(4096), 1500);
    until_write(&mut asking, effect, 3);
    let said: Vec<&str> = asking.turn.context.messages.iter().map(|m| m.text.as_str()).collect();
    assert_eq!((said[1], said.len()), ("q2", 6));
    assert_eq!(asking.turn.context.left_out, ["1 earlier question of this conversation did not fit."]);
}
