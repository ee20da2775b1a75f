//! `alcove.models`, `load` and `generate`: the language model for scripts.

use js_sys::{Function, JSON, Object, Reflect};
use leptos::prelude::*;
use protocol::{
    ChatMessage, DeviceKind, Fault, FinishReason, Generate, GeneratePrompt, GeneratePurpose, Generated,
    GeneratorInfo, OutputForm, SamplingChoice, Speaker,
};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use super::{error, from_js, invalid, method, set, string, to_js};
use crate::link::GeneratorState;
use crate::state::{App, abort};

/// Tokens that are written where nobody says how many.
const DEFAULT_TOKENS: u32 = 256;

#[wasm_bindgen(inline_js = r#"
export function pieces(begin) {
  const queue = [];
  let wake = () => {};
  let cancel = () => {};
  // It can be called once.
  const stop = () => {
    const now = cancel;
    cancel = () => {};
    now();
  };
  let end, failure, isLeft = false;
  const all = (async function* () {
    if (isLeft) return;
    cancel = begin(
      (piece) => { queue.push(piece); wake(); },
      (value) => { end = value; wake(); },
      (error) => { failure = error; wake(); },
    );
    try {
      for (;;) {
        if (isLeft) return;
        if (queue.length > 0) {
          yield queue.shift();
          continue;
        }
        if (failure) throw failure;
        if (end) {
          yield { text: "", numTokens: 0, end };
          return end;
        }
        await new Promise((resolve) => { wake = resolve; });
      }
    } finally {
      stop();
    }
  })();
  // By itself a generator hears of it behind its next piece only, for which a long prompt lets it wait.
  const leave = all.return.bind(all);
  all.return = (value) => {
    isLeft = true;
    stop();
    wake();
    return leave(value);
  };
  return all;
}
"#)]
extern "C" {
    /// An asynchronous iterator. `begin` is called at its first step with what takes a piece, the end and a failure,
    /// and gives what cancels.
    fn pieces(begin: &JsValue) -> JsValue;
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct LoadOptions {
    max_tokens: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct GenerateOptions {
    prompt: Option<String>,
    messages: Vec<MessageShape>,
    model: Option<String>,
    sampling: SamplingShape,
    /// Known here so that it is not refused; read as it stands.
    schema: Option<serde::de::IgnoredAny>,
    max_tokens: Option<u32>,
    stop: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageShape {
    role: RoleName,
    content: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RoleName {
    System,
    User,
    Assistant,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct SamplingShape {
    temperature: Option<f32>,
    top_k: Option<u32>,
    top_p: Option<f32>,
    min_p: Option<f32>,
    repetition_penalty: Option<f32>,
    seed: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InfoShape {
    id: String,
    name: String,
    architecture: String,
    max_tokens: u32,
    fills_gaps: bool,
    chats: bool,
    weight_bytes: u64,
    load_peak_bytes: u64,
    device: &'static str,
    reason: String,
    prefill_per_s: f32,
    decode_per_s: f32,
}

impl InfoShape {
    fn new(info: GeneratorInfo) -> Self {
        Self {
            id: info.model,
            name: info.name,
            architecture: info.architecture,
            max_tokens: info.max_tokens,
            fills_gaps: info.fills_gaps,
            chats: info.chats,
            weight_bytes: info.weight_bytes,
            load_peak_bytes: info.load_peak_bytes,
            device: match info.device {
                DeviceKind::Cpu => "cpu",
                DeviceKind::WebGpu => "webgpu",
            },
            reason: info.reason,
            prefill_per_s: info.prefill_per_s,
            decode_per_s: info.decode_per_s,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EndShape {
    text: String,
    finish: &'static str,
    num_prompt_tokens: u32,
    num_cached_tokens: u32,
    num_new_tokens: u32,
    first_token_ms: f32,
    decode_ms: f32,
}

impl EndShape {
    fn new(generated: Generated) -> Self {
        Self {
            text: generated.text,
            finish: match generated.finish {
                FinishReason::Complete => "complete",
                FinishReason::Stop => "stop",
                FinishReason::Length => "length",
            },
            num_prompt_tokens: generated.num_prompt_tokens,
            num_cached_tokens: generated.num_cached_tokens,
            num_new_tokens: generated.num_new_tokens,
            first_token_ms: generated.first_token_ms,
            decode_ms: generated.decode_ms,
        }
    }
}

/// Add what scripts do with language models.
pub(super) fn install(app: App, api: &Object) {
    method(api, "models", move |_, _| models(app));
    method(api, "load", move |id, options| async move {
        let options: LoadOptions = from_js(options, "the options of load()")?;
        let info = app.load_model(&string(&id, "id of the model")?, options.max_tokens).await?;
        to_js(&InfoShape::new(info))
    });
    method(api, "unload", move |_, _| async move {
        app.unload_model();
        Ok(JsValue::UNDEFINED)
    });
    let generate = Closure::<dyn Fn(JsValue) -> JsValue>::new(move |options: JsValue| {
        let begin = Closure::once_into_js(move |piece: Function, end: Function, failed: Function| {
            let task = abort::spawn(async move {
                let told = match write(app, options, piece).await {
                    Ok(value) => end.call1(&JsValue::UNDEFINED, &value),
                    Err(fault) => failed.call1(&JsValue::UNDEFINED, &error(&fault)),
                };
                // What is called does not throw.
                drop(told);
            });
            Closure::once_into_js(move || drop(task))
        });
        pieces(&begin)
    });
    set(api, "generate", &generate.into_js_value());
}

/// What there is to load, with how it is doing.
async fn models(app: App) -> Result<JsValue, Fault> {
    let known = app.known_models().await?;
    let list = to_js(&known)?;
    let language = app.language();
    let (wanted, state) = (language.wanted(), language.state().get_untracked());
    for (i, entry) in known.iter().enumerate() {
        let Ok(shape) = Reflect::get_u32(&list, i as u32) else { continue };
        let (name, why) = match &state {
            _ if wanted.as_ref() != Some(&entry.id) => ("off", ""),
            GeneratorState::Off => ("off", ""),
            GeneratorState::Loading(progress) => ("loading", progress.stage.as_str()),
            GeneratorState::Ready(info) => ("ready", info.reason.as_str()),
            GeneratorState::Failed(why) => ("failed", why.as_str()),
        };
        let shape: Object = shape.unchecked_into();
        set(&shape, "state", &name.into());
        set(&shape, "stateReason", &why.into());
    }
    Ok(list)
}

/// Have a text written, piece by piece.
async fn write(app: App, options: JsValue, on_piece: Function) -> Result<JsValue, Fault> {
    let schema = Reflect::get(&options, &"schema".into()).ok().filter(|schema| schema.is_object());
    let form =
        schema.and_then(|schema| JSON::stringify(&schema).ok()?.as_string()).map(OutputForm::JsonSchema);
    let options: GenerateOptions = from_js(options, "the options of generate()")?;
    let prompt = match (options.prompt, options.messages.is_empty()) {
        (Some(text), true) => GeneratePrompt::Text(text),
        (None, false) => GeneratePrompt::Messages(options.messages.into_iter().map(message).collect()),
        _ => return Err(invalid("generate() takes either a prompt or messages.")),
    };
    let language = app.language();
    match options.model {
        Some(id) if untrack(|| app.model_in_use()).as_ref() != Some(&id) => app.load_model(&id, None).await?,
        _ => language.ready().await?,
    };
    let SamplingShape { temperature, top_k, top_p, min_p, repetition_penalty, seed } = options.sampling;
    let plain = SamplingChoice::GREEDY;
    let call = Generate {
        prompt,
        purpose: GeneratePurpose::Chat,
        max_new_tokens: options.max_tokens.unwrap_or(DEFAULT_TOKENS),
        sampling: SamplingChoice {
            temperature: temperature.unwrap_or(plain.temperature),
            top_k: top_k.unwrap_or(plain.top_k),
            top_p: top_p.unwrap_or(plain.top_p),
            min_p: min_p.unwrap_or(plain.min_p),
            repetition_penalty: repetition_penalty.unwrap_or(plain.repetition_penalty),
            seed: seed.unwrap_or(plain.seed),
        },
        stop: options.stop,
        form,
    };
    let written = language.generate(call, move |piece| {
        let shape = Object::new();
        set(&shape, "text", &piece.text.into());
        set(&shape, "numTokens", &piece.num_tokens.into());
        let _never_throws = on_piece.call1(&JsValue::UNDEFINED, &shape);
    })?;
    let (generated, _) = written.await?;
    to_js(&EndShape::new(generated))
}

fn message(message: MessageShape) -> ChatMessage {
    let speaker = match message.role {
        RoleName::System => Speaker::System,
        RoleName::User => Speaker::User,
        RoleName::Assistant => Speaker::Assistant,
    };
    ChatMessage { speaker, text: message.content }
}
