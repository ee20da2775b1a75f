//! `window.alcove`: the workspace for scripts, tests and benchmarks, on the same calls as the interface.
//!
//! What it offers is written down for its users in `app/js/alcove.d.ts`. Every function gives a promise that settles;
//! what it rejects with is an `Error` whose `code` is the name of a [`protocol::FaultCode`]. Lines are counted from one
//! and inclusive here, unlike everywhere inside.

mod chat;
mod events;
mod generate;
mod shape;
mod shelf;

use std::future::Future;
use std::pin::Pin;

use js_sys::{Array, ArrayBuffer, Error, Float32Array, Function, Object, Promise, Reflect, Uint8Array};
use leptos::prelude::*;
use protocol::{
    Blob, Embed, Fault, FaultCode, GetStatus, ListFiles, ListWorkspaces, OpenWorkspace, Outline,
    PauseEmbedding, Pos, PutDraft, ReadFile, Reindex, Search, WorkspaceId, WriteFile,
};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use crate::editor;
use crate::platform::Picked;
use crate::state::App;

use shape::{
    CompleteOptions, CompletedShape, FileShape, ImportedShape, OpenOptions, SearchOptions, StatusShape,
    SymbolShape, WorkspaceShape,
};

/// Put `window.alcove` in place, once its code has been fetched. Call once.
///
/// # Errors
/// When its code cannot be fetched; there is no `window.alcove` then.
#[wasm_split(scripts, fallible)]
pub fn install(app: Box<App>) -> Result<(), SplitLoaderError> {
    let app = *app;
    let api = Object::new();
    method(&api, "open", move |input, options| open(app, input, options));
    method(&api, "status", move |_, _| async move {
        // The page hears of changes ten times a second; a script that just did something wants to see what it did.
        if let Ok(now) = app.call(GetStatus).await {
            app.status.set(now);
        }
        to_js(&StatusShape::new(app))
    });
    method(&api, "search", move |query, options| search(app, query, options));
    method(&api, "files", move |_, _| files(app));
    method(&api, "read", move |path, _| async move {
        let (bytes, _) = read(app, &string(&path, "path")?).await?;
        Ok(editor::decode(&bytes.to_vec()).into_owned().into())
    });
    method(&api, "readBytes", move |path, _| async move {
        read(app, &string(&path, "path")?).await.map(|(bytes, _)| bytes.into())
    });
    method(&api, "write", move |path, text| write(app, path, text));
    method(&api, "outline", move |path, _| outline(app, path));
    method(&api, "show", move |path, line| show(app, path, line));
    method(&api, "complete", move |options, _| complete(app, options));
    method(&api, "workspaces", move |_, _| async move {
        let kept = app.call(ListWorkspaces).await?;
        to_js(&kept.iter().map(WorkspaceShape::from).collect::<Vec<_>>())
    });
    method(&api, "openWorkspace", move |id, _| async move {
        let id = WorkspaceId(number(&id, "id")?);
        let kept = app.kept.get_untracked().unwrap_or_default();
        let name =
            kept.into_iter().find(|info| info.id == id).map_or_else(|| "a workspace".into(), |i| i.name);
        app.switch(&name, OpenWorkspace { id }, Vec::new()).await?;
        Ok(JsValue::UNDEFINED)
    });
    method(&api, "deleteWorkspace", move |id, _| async move {
        let id = WorkspaceId(number(&id, "id")?);
        app.delete_workspace(id).await?;
        Ok(JsValue::UNDEFINED)
    });
    method(&api, "pauseEmbedding", move |paused, _| async move {
        app.call(PauseEmbedding { workspace: app.here()?, paused: paused.is_truthy() }).await?;
        Ok(JsValue::UNDEFINED)
    });
    method(&api, "reindex", move |_, _| async move {
        app.call(Reindex { workspace: app.here()? }).await?;
        Ok(JsValue::UNDEFINED)
    });
    generate::install(app, &api);
    chat::install(app, &api);
    events::install(app, &api);
    let debug = debug(app);
    shelf::install(app, &api, &debug);
    set(&api, "debug", &debug);
    set(&js_sys::global(), "alcove", &api);
    Ok(())
}

/// What only tests need. Each of these does harm on purpose.
fn debug(app: App) -> Object {
    let debug = Object::new();
    method(&debug, "killEngine", move |_, _| async move {
        app.engine().kill_for_test();
        Ok(JsValue::UNDEFINED)
    });
    method(&debug, "killModel", move |_, _| async move {
        app.models().kill_for_test();
        Ok(JsValue::UNDEFINED)
    });
    method(&debug, "killGenerator", move |_, _| async move {
        app.language().kill_for_test();
        Ok(JsValue::UNDEFINED)
    });
    method(&debug, "destroyGpu", move |_, _| async move {
        app.models().destroy_gpu_for_test().await?;
        Ok(JsValue::UNDEFINED)
    });
    method(&debug, "destroyGeneratorGpu", move |_, _| async move {
        app.language().destroy_gpu_for_test().await?;
        Ok(JsValue::UNDEFINED)
    });
    method(&debug, "embed", move |texts, _| embed(app, texts));
    debug
}

/// Embed texts with the first model worker, past the engine: what the numeric tests compare.
async fn embed(app: App, texts: JsValue) -> Result<JsValue, Fault> {
    let texts: Vec<String> = from_js(texts, "the texts of embed()")?;
    let missing = || Fault::new(FaultCode::ModelMissing, "No model is loaded.");
    let caller = app.models().first_caller().ok_or_else(missing)?;
    let (embedded, blobs) = caller.call(Embed { texts, urgent: true }, Vec::new()).await?;
    let vectors = blobs.get(embedded.vectors.0 as usize).ok_or_else(missing)?;
    let answer = Object::new();
    set(&answer, "model", &embedded.model.into());
    set(&answer, "dim", &embedded.dim.into());
    set(&answer, "vectors", &Float32Array::new(vectors));
    Ok(answer.into())
}

async fn open(app: App, input: JsValue, options: JsValue) -> Result<JsValue, Fault> {
    let options: OpenOptions = from_js(options, "the options of open()")?;
    let mut how = app.import_options();
    how.honour_ignore = options.honour_ignore.unwrap_or(how.honour_ignore);
    how.max_file_bytes = options.max_file_bytes.unwrap_or(how.max_file_bytes);
    let name = options.name.unwrap_or_else(|| "Opened by a script".into());
    let imported = if let Some(zip) = bytes_of(&input) {
        let id = app.create_workspace(&name).await?;
        app.or_no_workspace(id, app.import_archive(id, zip, how)).await
    } else if let Some(list) = input.dyn_ref::<Array>() {
        let parts = list.iter().map(|part| part_of(&part)).collect::<Result<Vec<_>, _>>()?;
        let id = app.create_workspace(&name).await?;
        let picked = Picked::from_parts(parts, name);
        app.or_no_workspace(id, app.import(id, &picked, how)).await
    } else {
        return Err(invalid("open() takes the bytes of a zip archive or an array of {path, bytes}."));
    };
    app.import_ended(&imported);
    to_js(&ImportedShape::from(&imported?))
}

/// A fresh buffer when `input` is bytes.
fn bytes_of(input: &JsValue) -> Option<ArrayBuffer> {
    if let Some(bytes) = input.dyn_ref::<Uint8Array>() {
        return Some(crate::platform::buffer_of(bytes));
    }
    input.dyn_ref::<ArrayBuffer>().map(|buffer| buffer.slice(0))
}

fn part_of(part: &JsValue) -> Result<(String, JsValue, Option<f64>), Fault> {
    let field = |name: &str| Reflect::get(part, &name.into()).unwrap_or(JsValue::UNDEFINED);
    let path = field("path").as_string().ok_or_else(|| invalid("Each file of open() needs a path."))?;
    let content = field("bytes");
    let is_content =
        content.is_string() || content.is_instance_of::<ArrayBuffer>() || ArrayBuffer::is_view(&content);
    if !is_content {
        return Err(invalid(format!("{path} has no bytes: give a Uint8Array, an ArrayBuffer or a string.")));
    }
    Ok((path, content, field("modified").as_f64()))
}

async fn search(app: App, query: JsValue, options: JsValue) -> Result<JsValue, Fault> {
    let options: SearchOptions = from_js(options, "the options of search()")?;
    let with_details = options.details;
    let query = options.query(string(&query, "query")?)?;
    let reply = app.call(Search { workspace: app.here()?, query }).await?;
    let hits: Vec<shape::HitShape> = reply.hits.iter().map(shape::HitShape::from).collect();
    if with_details { to_js(&shape::SearchShape::new(hits, &reply)) } else { to_js(&hits) }
}

async fn files(app: App) -> Result<JsValue, Fault> {
    let files = app.call(ListFiles { workspace: app.here()? }).await?;
    to_js(&files.iter().map(FileShape::from).collect::<Vec<_>>())
}

async fn read(app: App, path: &str) -> Result<(Uint8Array, String), Fault> {
    let call = ReadFile { workspace: app.here()?, path: path.to_owned() };
    let (file, blobs) = app.engine().call_with(call, Vec::new()).await?;
    let missing = || Fault::new(FaultCode::Internal, "The engine sent a file without its content.");
    let blob = blobs.get(file.blob.0 as usize).ok_or_else(missing)?;
    Ok((Uint8Array::new(blob), file.info.language))
}

async fn write(app: App, path: JsValue, text: JsValue) -> Result<JsValue, Fault> {
    let (path, text) = (string(&path, "path")?, string(&text, "text")?);
    let workspace = app.here()?;
    let unsaved = app.unsaved_bytes(&path).await?;
    let call = WriteFile { workspace, path: path.clone(), blob: Blob(0), expect: None };
    let writing = app.call_bytes(call, text.as_bytes());
    // Saving ends what was unsaved. What a person typed was not saved here: it is kept again at once.
    let draft = PutDraft { workspace, path: path.clone(), blob: Some(Blob(0)) };
    let keeping = unsaved.map(|bytes| app.call_bytes(draft, &bytes));
    let written = writing.await?;
    if let Some(keeping) = keeping {
        keeping.await?;
    }
    if editor::document(&path).is_some() {
        app.refresh_doc(&path).await?;
    }
    app.refresh_files().await?;
    to_js(&shape::WrittenShape { lexical_fresh_ms: written.lexical_fresh_ms })
}

/// What could stand at a place: in the unsaved text where the file is open, else in what is saved.
async fn complete(app: App, options: JsValue) -> Result<JsValue, Fault> {
    let options: CompleteOptions = from_js(options, "the options of complete()")?;
    let generator = app.call(GetStatus).await?.generator;
    if let Some(wanted) = options.model.filter(|wanted| generator.as_ref() != Some(wanted)) {
        let sentence =
            format!("{wanted} is not the language model that is loaded. Load it with alcove.load() first.");
        return Err(Fault::new(FaultCode::ModelMissing, sentence));
    }
    let (text, language) = match editor::document(&options.path) {
        Some(document) => (document.text(), document.language()),
        None => {
            let (bytes, language) = read(app, &options.path).await?;
            (editor::decode(&bytes.to_vec()).replace("\r\n", "\n"), language)
        }
    };
    let pos = Pos { line: options.line.max(1) - 1, utf16: options.utf16 };
    let alternatives = options.alternatives.unwrap_or(1);
    let asked = editor::Asked { path: options.path, language, text, pos, alternatives };
    to_js(&CompletedShape::new(app.suggest(asked).await?, generator.unwrap_or_default()))
}

async fn outline(app: App, path: JsValue) -> Result<JsValue, Fault> {
    let symbols = app.call(Outline { workspace: app.here()?, path: string(&path, "path")? }).await?;
    to_js(&symbols.iter().map(SymbolShape::from).collect::<Vec<_>>())
}

async fn show(app: App, path: JsValue, line: JsValue) -> Result<JsValue, Fault> {
    let path = string(&path, "path")?;
    let line = line.as_f64().map_or(0, |line| (line.max(1.0) - 1.0) as u32);
    app.show_line(&path, line, crate::state::Place::Here);
    Ok(JsValue::UNDEFINED)
}

/// Give `object` a function with up to two arguments that answers with a promise.
fn method<F, R>(object: &Object, name: &'static str, function: F)
where
    F: Fn(JsValue, JsValue) -> R + 'static,
    R: Future<Output = Result<JsValue, Fault>> + 'static,
{
    add(object, name, Box::new(move |first, second| Box::pin(function(first, second))));
}

/// What a method of the API gives, whichever it is.
type Answering = Pin<Box<dyn Future<Output = Result<JsValue, Fault>>>>;

/// What all methods share. It is compiled once; once for each method it would be a tenth of the whole page.
fn add(object: &Object, name: &str, function: Box<dyn Fn(JsValue, JsValue) -> Answering>) {
    let closure = Closure::<dyn Fn(JsValue, JsValue) -> Promise>::new(move |first, second| {
        let answer = function(first, second);
        future_to_promise(async move { answer.await.map_err(|fault| error(&fault)) })
    });
    set(object, name, &closure.into_js_value());
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // A plain object and the window take any new property.
    let _always = Reflect::set(object, &name.into(), value);
}

/// The `Error` that scripts see.
pub fn error(fault: &Fault) -> JsValue {
    let error = Error::new(&fault.sentence);
    error.set_name("AlcoveError");
    set(&error, "code", &format!("{:?}", fault.code).into());
    if let Some(ms) = fault.retry_after_ms {
        set(&error, "retryAfterMs", &ms.into());
    }
    error.into()
}

fn invalid(sentence: impl Into<String>) -> Fault {
    Fault::new(FaultCode::Invalid, sentence)
}

fn string(value: &JsValue, what: &str) -> Result<String, Fault> {
    value.as_string().ok_or_else(|| invalid(format!("The {what} must be a string.")))
}

fn number(value: &JsValue, what: &str) -> Result<u64, Fault> {
    let number = value.as_f64().filter(|n| *n >= 0.0 && n.fract() == 0.0 && *n < 9_007_199_254_740_992.0);
    number.map(|n| n as u64).ok_or_else(|| invalid(format!("The {what} must be a whole number.")))
}

fn to_js<T: Serialize>(value: &T) -> Result<JsValue, Fault> {
    let failed = |why: String| {
        Fault::new(FaultCode::Internal, format!("An answer could not be given to the script: {why}."))
    };
    let json = serde_json::to_string(value).map_err(|err| failed(err.to_string()))?;
    js_sys::JSON::parse(&json).map_err(|err| failed(format!("{err:?}")))
}

fn from_js<T: DeserializeOwned + Default>(value: JsValue, what: &str) -> Result<T, Fault> {
    if value.is_undefined() || value.is_null() {
        return Ok(T::default());
    }
    // By way of JSON, which is the same in both directions and refuses a field that it does not know, such as a misspelt option.
    let json = js_sys::JSON::stringify(&value).ok().and_then(|json| json.as_string()).unwrap_or_default();
    serde_json::from_str(&json).map_err(|err| invalid(format!("Something in {what} is not right: {err}.")))
}

/// A function of a script, called without letting its exceptions through.
fn tell(function: &Function, value: &JsValue) {
    if let Err(err) = function.call1(&JsValue::UNDEFINED, value) {
        leptos::logging::error!("a listener of alcove.onEvent failed: {err:?}");
    }
}
