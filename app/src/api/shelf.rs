//! The files of language models, for scripts.

use js_sys::Object;
use leptos::prelude::*;
use protocol::ModelFile;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::{invalid, method, string, to_js};
use crate::state::App;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelFileShape {
    id: String,
    name: String,
    bytes: u64,
    done_bytes: u64,
    whole: bool,
    sha256: String,
    address: String,
    /// `downloading` here, `elsewhere`, `paused`, `ready`, or `inUse`.
    state: &'static str,
}

fn shape(app: App, file: &ModelFile) -> ModelFileShape {
    let here = app.shelf.progress.with_untracked(|all| all.contains_key(&file.id));
    let in_use = untrack(|| app.model_in_use()).as_ref() == Some(&file.id);
    let state = match file {
        _ if here => "downloading",
        ModelFile { is_whole: true, .. } if in_use => "inUse",
        ModelFile { is_whole: true, .. } => "ready",
        ModelFile { is_busy: true, .. } => "elsewhere",
        _ => "paused",
    };
    ModelFileShape {
        id: file.id.clone(),
        name: file.name.clone(),
        bytes: file.bytes,
        done_bytes: file.done_bytes,
        whole: file.is_whole,
        sha256: file.sha256.clone(),
        address: file.address.clone(),
        state,
    }
}

pub(super) fn install(app: App, api: &Object, debug: &Object) {
    let shelf = app.shelf;
    method(api, "modelFiles", move |_, _| async move {
        shelf.refresh().await?;
        let files = shelf.files.get_untracked();
        to_js(&files.iter().map(|file| shape(app, file)).collect::<Vec<_>>())
    });
    method(api, "download", move |id, _| async move {
        let id = string(&id, "id")?;
        shelf.refresh().await?;
        if id.contains(['/', ':']) {
            shelf.download_address(&id).await?;
        } else {
            app.known_models().await?;
            shelf.download(&id).await?;
        }
        Ok(JsValue::UNDEFINED)
    });
    method(api, "pauseDownload", move |id, _| async move {
        shelf.pause(&string(&id, "id")?).await;
        Ok(JsValue::UNDEFINED)
    });
    method(api, "deleteModel", move |id, _| async move {
        shelf.delete(&string(&id, "id")?).await?;
        Ok(JsValue::UNDEFINED)
    });
    method(api, "importModel", move |file, _| async move {
        let file = file.dyn_into().map_err(|_| invalid("importModel() takes a File."))?;
        let kept = shelf.import(&file).await?;
        to_js(&shape(app, &kept))
    });
    method(debug, "killKeeper", move |_, _| async move {
        shelf.kill_for_test();
        Ok(JsValue::UNDEFINED)
    });
}
