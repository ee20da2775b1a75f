//! One question on its way to an answer, without anybody who does what it asks for: what comes in are results, what
//! goes out is the next thing to do.

use agents::chat::{self, Exchange, Numbered, Packed, Piece, Who};
use protocol::{
    AnswerEnd, Ask, ChatMessage, ContextSent, Fault, FaultCode, FinishReason, Generate, GeneratePrompt,
    GeneratePurpose, Generated, GeneratorSummary, Grounding, Passage, SamplingChoice, Speaker, Turn,
};

/// What small models repeat less with, and still quote names that stand in the prompt. With 1.1 Qwen did not say “retry”
/// again after a question about it, and copied a class instead; without any it answers as well, but SmolLM2 says one
/// sentence over and over.
const REPETITION_PENALTY: f32 = 1.05;
/// Tokens that a template puts around a message, at most; what is sent is counted exactly in the end.
const AROUND: u32 = 12;
/// Tokens of passages that a long question leaves room for.
const LEAST_ROOM: u32 = 400;
/// Times that a prompt is packed anew because the template took more than was thought.
const MAX_TRIES: u32 = 6;

/// What is to be done next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Count the tokens of texts.
    Count(Vec<String>),
    /// Count the tokens of a conversation.
    CountPrompt(Vec<ChatMessage>),
    /// Tell what is sent, and let the model write.
    Write(Generate),
    /// The turn is as complete as it will be.
    End,
}

/// What the search gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// Best first.
    pub(crate) pieces: Vec<Piece>,
    /// Sentences about what a person pointed to and what is not there.
    pub(crate) notes: Vec<String>,
    /// Whether it has to do with the question.
    pub(crate) grounding: Grounding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Searching,
    Counting,
    Packing,
    Recounting,
    Writing,
    Ended,
}

/// A question that is being answered.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) turn: Turn,
    max_new_tokens: u32,
    /// Earlier turns of this branch, the newest first.
    history: Vec<Exchange>,
    found: Vec<Piece>,
    notes: Vec<String>,
    stage: Stage,
    /// Most tokens of the prompt.
    budget: u32,
    /// Tokens of the instructions, the question and the template.
    frame: u32,
    counts: Vec<u32>,
    history_counts: Vec<u32>,
    packed: Packed,
    tries: u32,
}

fn no_context() -> ContextSent {
    ContextSent {
        grounding: Grounding::NotFound,
        passages: Vec::new(),
        left_out: Vec::new(),
        messages: Vec::new(),
        num_tokens: 0,
        max_tokens: 0,
    }
}

impl Asking {
    /// A question behind the earlier turns of its branch, the newest first.
    pub(crate) fn new(ask: &Ask, history: Vec<Exchange>, asked_unix_ms: u64) -> Self {
        let turn = Turn {
            id: ask.turn.clone(),
            after: ask.after.clone(),
            question: ask.question.clone(),
            mentions: ask.mentions.clone(),
            context: no_context(),
            answer: String::new(),
            citations: Vec::new(),
            end: AnswerEnd::Stopped,
            model: None,
            asked_unix_ms,
            not_kept: String::new(),
        };
        Self {
            turn,
            max_new_tokens: ask.max_new_tokens.max(1),
            history,
            found: Vec::new(),
            notes: Vec::new(),
            stage: Stage::Searching,
            budget: 0,
            frame: 0,
            counts: Vec::new(),
            history_counts: Vec::new(),
            packed: Packed::default(),
            tries: 0,
        }
    }

    /// What to search for: a question that does not stand alone is searched with the one that it follows.
    pub(crate) fn search_text(&self) -> String {
        let before: Vec<&str> = self.history.iter().map(|exchange| exchange.question.as_str()).collect();
        chat::joint_question(&self.turn.question, &before)
    }

    /// The model writes now.
    pub(crate) fn is_writing(&self) -> bool {
        self.stage == Stage::Writing
    }

    fn end(&mut self, end: AnswerEnd) -> Effect {
        self.turn.end = end;
        self.stage = Stage::Ended;
        Effect::End
    }

    fn fail(&mut self, sentence: String) -> Effect {
        self.end(AnswerEnd::Failed(sentence))
    }

    /// The search is through and found nothing that has to do with the question: no model is asked.
    pub(crate) fn not_found(&mut self, notes: Vec<String>) -> Effect {
        self.turn.context.left_out = notes;
        self.end(AnswerEnd::NothingFound)
    }

    /// The search is through. `most` is how many tokens of a prompt are read in bearable time.
    pub(crate) fn found(&mut self, found: Found, model: GeneratorSummary, most: u32) -> Effect {
        self.max_new_tokens = self.max_new_tokens.min(model.max_tokens / 2).max(1);
        let sees = model.max_tokens.saturating_sub(self.max_new_tokens);
        (self.budget, self.turn.context.max_tokens) = (most.min(sees), sees);
        self.turn.context.grounding = found.grounding;
        self.turn.model = Some(model);
        (self.found, self.notes) = (found.pieces, found.notes);
        // An answer that never came is no example to follow; its question has helped to search.
        self.history.retain(|earlier| !earlier.answer.trim().is_empty());
        self.stage = Stage::Counting;
        let mut texts = vec![self.frame_text()];
        texts.extend(self.history.iter().map(|earlier| format!("{}\n{}", earlier.question, earlier.answer)));
        texts.extend(self.found.iter().zip(1..).map(|(piece, number)| chat::rendered(number, piece)));
        Effect::Count(texts)
    }

    /// All that is sent beside passages and earlier turns.
    fn frame_text(&self) -> String {
        let lines = chat::conversation(&[], &[], &self.turn.question);
        lines.into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n")
    }

    /// Counts came for the texts of [`Effect::Count`].
    pub(crate) fn counted(&mut self, result: Result<Vec<u32>, Fault>) -> Effect {
        let counts = match result {
            Ok(counts) => counts,
            Err(fault) => return self.fail(fault.sentence),
        };
        if self.stage == Stage::Recounting {
            let cut = self.packed.passages.iter_mut().filter(|passage| passage.is_cut);
            cut.zip(counts).for_each(|(passage, count)| passage.num_tokens = count);
            return self.write();
        }
        let num_earlier = self.history.len();
        if counts.len() != 1 + num_earlier + self.found.len() {
            return self
                .fail("The language model could not count what is to be sent; please report this.".into());
        }
        self.frame = counts.first().copied().unwrap_or_default() + 2 * AROUND;
        self.history_counts =
            counts.iter().skip(1).take(num_earlier).map(|count| count + 2 * AROUND).collect();
        // A line end between two passages may count for itself.
        self.counts = counts.iter().skip(1 + num_earlier).map(|count| count + 1).collect();
        let sees = self.turn.context.max_tokens;
        self.budget = self.budget.max(self.frame + LEAST_ROOM).min(sees);
        if self.frame >= self.budget {
            let sentence = format!(
                "The question takes about {} tokens, and this model can read {sees} at once. Shorten the question, or \
                 choose a model that reads more.",
                self.frame
            );
            return self.fail(sentence);
        }
        self.pack()
    }

    fn pack(&mut self) -> Effect {
        let room = self.budget.saturating_sub(self.frame);
        // Passages are what an answer rests on; what was said before only says what it is about.
        let (num, told) = chat::pack_history(&self.history_counts, room / 4);
        let history: u32 = self.history_counts.iter().take(num).sum();
        self.packed = chat::pack(&self.found, &self.counts, room - history);
        if self.packed.passages.is_empty() {
            let sentence = "Nothing of what belongs to the question fits into what this model can read at once. Point \
                            to fewer lines, or choose a model that reads more.";
            return self.fail(sentence.into());
        }
        self.packed.left_out.splice(0..0, self.notes.iter().cloned());
        self.packed.left_out.extend(told);
        let history: Vec<Exchange> = self.history.iter().take(num).rev().cloned().collect();
        let lines = chat::conversation(&history, &self.packed.passages, &self.turn.question);
        let messages: Vec<ChatMessage> = lines.into_iter().map(message).collect();
        self.turn.context.messages.clone_from(&messages);
        self.stage = Stage::Packing;
        Effect::CountPrompt(messages)
    }

    /// The count came for the conversation of [`Effect::CountPrompt`].
    pub(crate) fn prompt_counted(&mut self, result: Result<u32, Fault>) -> Effect {
        let num_tokens = match result {
            Ok(num_tokens) => num_tokens,
            Err(fault) => return self.fail(fault.sentence),
        };
        if let Some(over) = num_tokens.checked_sub(self.budget).filter(|over| *over > 0) {
            self.tries += 1;
            self.frame += over + AROUND;
            if self.tries > MAX_TRIES {
                return self
                    .fail("What is to be sent could not be made short enough; please report this.".into());
            }
            return self.pack();
        }
        self.turn.context.num_tokens = num_tokens;
        let cut: Vec<String> = self
            .packed
            .passages
            .iter()
            .filter(|passage| passage.is_cut)
            .map(|passage| chat::rendered(passage.number, &passage.piece))
            .collect();
        if cut.is_empty() {
            return self.write();
        }
        self.stage = Stage::Recounting;
        Effect::Count(cut)
    }

    fn write(&mut self) -> Effect {
        self.stage = Stage::Writing;
        let context = &mut self.turn.context;
        context.passages = self.packed.passages.iter().map(passage).collect();
        context.left_out = std::mem::take(&mut self.packed.left_out);
        Effect::Write(Generate {
            prompt: GeneratePrompt::Messages(context.messages.clone()),
            purpose: GeneratePurpose::Chat,
            max_new_tokens: self.max_new_tokens,
            sampling: SamplingChoice { repetition_penalty: REPETITION_PENALTY, ..SamplingChoice::GREEDY },
            stop: Vec::new(),
            form: None,
        })
    }

    /// The model wrote on. Says whether it is enough: then it goes in circles, and what it says again is left out.
    pub(crate) fn wrote(&mut self, text: &str) -> bool {
        self.turn.answer.push_str(text);
        // A paragraph has ended, or a block of code begins.
        if !text.contains(['\n', '`']) {
            return false;
        }
        let is_circle = self.cut(chat::circle(&self.turn.answer));
        if is_circle {
            self.end(AnswerEnd::Circle);
        }
        is_circle
    }

    /// Leave out what is said again from a byte on; says whether there was such.
    fn cut(&mut self, at: Option<usize>) -> bool {
        let len = at.map(|at| self.turn.answer[..at].trim_end().len());
        len.map(|len| self.turn.answer.truncate(len)).is_some()
    }

    /// The model is done, or gone. What was written stays.
    pub(crate) fn written(&mut self, result: Result<Generated, Fault>) -> Effect {
        let generated = match result {
            Ok(generated) => generated,
            Err(fault) if fault.code == FaultCode::Cancelled => return self.end(AnswerEnd::Stopped),
            Err(fault) => return self.fail(fault.sentence),
        };
        self.turn.answer = generated.text;
        if self.turn.answer.trim().is_empty() {
            let sentence = "The model wrote nothing. Ask in other words, or choose a larger model.";
            return self.fail(sentence.into());
        }
        // Its last paragraph has ended now.
        let circle = chat::circle(&format!("{}\n\n", self.turn.answer));
        if self.cut(circle) {
            return self.end(AnswerEnd::Circle);
        }
        self.end(match generated.finish {
            FinishReason::Complete | FinishReason::Stop => AnswerEnd::Complete,
            FinishReason::Length => AnswerEnd::Length,
        })
    }

    /// A person stopped it, or its conversation or workspace goes.
    pub(crate) fn stop(&mut self) {
        if self.stage != Stage::Ended {
            self.end(AnswerEnd::Stopped);
        }
    }

    /// The passages that were sent, as citations are looked up in.
    pub(crate) fn passages(&self) -> &[Numbered] {
        &self.packed.passages
    }
}

fn message(line: chat::Line) -> ChatMessage {
    let speaker = match line.who {
        Who::System => Speaker::System,
        Who::User => Speaker::User,
        Who::Assistant => Speaker::Assistant,
    };
    ChatMessage { speaker, text: line.text }
}

fn passage(numbered: &Numbered) -> Passage {
    let piece = &numbered.piece;
    Passage {
        number: numbered.number,
        path: piece.path.clone(),
        start_line: piece.start_line,
        end_line: piece.end_line(),
        symbol: piece.symbol.clone(),
        text: piece.text.clone(),
        num_tokens: numbered.num_tokens,
        is_cut: numbered.is_cut,
        score: piece.score,
    }
}

#[cfg(test)]
#[path = "asking_tests.rs"]
mod tests;
