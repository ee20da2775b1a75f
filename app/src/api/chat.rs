//! `alcove.chat` and what is kept of conversations, for scripts. Lines are counted from one, ranges of an answer in
//! UTF-16 as JavaScript counts.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;

use js_sys::{Function, Object, Promise, Reflect};
use protocol::{
    AnswerEnd, AnswerEvent, Ask, DeleteThread, Fault, GetThread, Grounding, ListThreads, Mention, ThreadId,
    ThreadInfo, Turn, TurnId,
};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

use super::{from_js, method, string, tell, to_js};
use crate::state::App;

/// Tokens that are written where nobody says how many.
const DEFAULT_TOKENS: u32 = 384;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct ChatOptions {
    files: Vec<String>,
    symbols: Vec<String>,
    max_tokens: Option<u32>,
    thread: Option<String>,
    /// Read as it is, and only known, so that it is not refused.
    #[serde(rename = "signal")]
    _signal: Option<IgnoredAny>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CitationShape {
    path: String,
    start_line: u32,
    end_line: u32,
    start: usize,
    end: usize,
    is_current: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PassageShape {
    number: u32,
    path: String,
    start_line: u32,
    end_line: u32,
    text: String,
    num_tokens: u32,
    is_cut: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContextShape {
    grounding: &'static str,
    passages: Vec<PassageShape>,
    left_out: Vec<String>,
    num_tokens: u32,
    max_tokens: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TurnShape {
    thread: String,
    turn: String,
    question: String,
    text: String,
    citations: Vec<CitationShape>,
    context: ContextShape,
    end: &'static str,
    reason: String,
    model: Option<String>,
    not_kept: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThreadShape {
    thread: String,
    title: String,
    num_turns: u32,
    asked: u64,
}

impl TurnShape {
    fn new(thread: &ThreadId, turn: Turn) -> Self {
        let answer = turn.answer;
        let utf16 = |byte: u32| answer.get(..byte as usize).unwrap_or(&answer).encode_utf16().count();
        let citations = turn.citations.into_iter().map(|cited| CitationShape {
            start: utf16(cited.start),
            end: utf16(cited.end),
            path: cited.path,
            start_line: cited.start_line + 1,
            end_line: cited.end_line + 1,
            is_current: cited.is_current,
        });
        let citations = citations.collect();
        let passages = turn.context.passages.into_iter().map(|passage| PassageShape {
            number: passage.number,
            path: passage.path,
            start_line: passage.start_line + 1,
            end_line: passage.end_line + 1,
            text: passage.text,
            num_tokens: passage.num_tokens,
            is_cut: passage.is_cut,
        });
        let (end, reason) = match turn.end {
            AnswerEnd::Complete => ("complete", String::new()),
            AnswerEnd::Length => ("length", String::new()),
            AnswerEnd::Circle => ("circle", String::new()),
            AnswerEnd::Stopped => ("stopped", String::new()),
            AnswerEnd::NothingFound => ("nothingFound", String::new()),
            AnswerEnd::Failed(why) => ("failed", why),
        };
        Self {
            thread: thread.0.clone(),
            turn: turn.id.0,
            question: turn.question,
            citations,
            context: ContextShape {
                grounding: match turn.context.grounding {
                    Grounding::Pointed => "pointed",
                    Grounding::Found => "found",
                    Grounding::NotFound => "notFound",
                },
                passages: passages.collect(),
                left_out: turn.context.left_out,
                num_tokens: turn.context.num_tokens,
                max_tokens: turn.context.max_tokens,
            },
            end,
            reason,
            model: turn.model.map(|model| model.model),
            not_kept: turn.not_kept,
            text: answer,
        }
    }
}

impl From<ThreadInfo> for ThreadShape {
    fn from(info: ThreadInfo) -> Self {
        Self { thread: info.id.0, title: info.title, num_turns: info.num_turns, asked: info.asked_unix_ms }
    }
}

/// Add `chat`, `chats`, `chatTurns` and `deleteChat`.
pub(super) fn install(app: App, api: &Object) {
    method(api, "chat", move |question, options| chat(app, question, options));
    method(api, "chats", move |_, _| async move {
        let threads = app.call(ListThreads { workspace: app.here()? }).await?;
        to_js(&threads.into_iter().map(ThreadShape::from).collect::<Vec<_>>())
    });
    method(api, "chatTurns", move |thread, _| async move {
        let thread = ThreadId(string(&thread, "thread")?);
        let turns = turns(app, &thread).await?;
        to_js(&turns.into_iter().map(|turn| TurnShape::new(&thread, turn)).collect::<Vec<_>>())
    });
    method(api, "deleteChat", move |thread, _| async move {
        let thread = ThreadId(string(&thread, "thread")?);
        app.call(DeleteThread { workspace: app.here()?, thread }).await?;
        Ok(JsValue::UNDEFINED)
    });
}

async fn turns(app: App, thread: &ThreadId) -> Result<Vec<Turn>, Fault> {
    app.call(GetThread { workspace: app.here()?, thread: thread.clone() }).await
}

fn new_id() -> String {
    format!("{:.0}-{:.0}", js_sys::Date::now(), js_sys::Math::random() * 1e12)
}

/// Ask, and tell of the answer as it is written. What was written until `signal` was raised is the answer then.
async fn chat(app: App, question: JsValue, options: JsValue) -> Result<JsValue, Fault> {
    let field = |name: &str| Reflect::get(&options, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let on_text = field("onText").dyn_into::<Function>().ok();
    let signal = field("signal").dyn_into::<AbortSignal>().ok();
    let options: ChatOptions = from_js(options, "the options of chat()")?;
    let workspace = app.here()?;
    let (is_new, thread) = match options.thread {
        Some(thread) => (false, ThreadId(thread)),
        None => (true, ThreadId(new_id())),
    };
    let before = if is_new { Vec::new() } else { turns(app, &thread).await? };
    let turn = TurnId(new_id());
    let files = options.files.into_iter().map(Mention::Path);
    let ask = Ask {
        workspace,
        thread: thread.clone(),
        turn: turn.clone(),
        after: before.last().map(|turn| turn.id.clone()),
        question: string(&question, "question")?,
        mentions: files.chain(options.symbols.into_iter().map(Mention::Symbol)).collect(),
        max_new_tokens: options.max_tokens.unwrap_or(DEFAULT_TOKENS),
    };
    let answered = {
        let mut answer = pin!(app.engine().stream(ask, Vec::new(), move |event| {
            if let (AnswerEvent::Text(text), Some(on_text)) = (event, &on_text) {
                tell(on_text, &text.into());
            }
        }));
        let mut stopped = signal.map(raised);
        poll_fn(|cx| {
            if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                return Poll::Ready(Some(answer));
            }
            let is_stopped = stopped.as_mut().is_some_and(|stopped| pin!(stopped).poll(cx).is_ready());
            if is_stopped { Poll::Ready(None) } else { Poll::Pending }
        })
        .await
    };
    let answered = match answered {
        Some(answer) => answer?.0,
        // The call is dropped by now, which stops it: what there is of the answer was kept.
        None => turns(app, &thread).await?.into_iter().find(|kept| kept.id == turn).ok_or_else(|| {
            Fault::new(
                protocol::FaultCode::Cancelled,
                "The question was stopped before anything was written.",
            )
        })?,
    };
    to_js(&TurnShape::new(&thread, answered))
}

/// Resolves when the signal is raised.
fn raised(signal: AbortSignal) -> JsFuture {
    JsFuture::from(Promise::new(&mut |resolve, _| {
        if signal.aborted() {
            let _resolved = resolve.call0(&JsValue::UNDEFINED);
        } else {
            let _listens = signal.add_event_listener_with_callback("abort", &resolve);
        }
    }))
}
