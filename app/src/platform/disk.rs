//! The folder on disk that a workspace came from: remembered across reloads, and written to after a save.
//!
//! The handle is kept in IndexedDB, the only place that takes one. Browsers want permission to write for every visit,
//! and only let a page ask for it after a key press or a click; when to ask is not decided here.

use js_sys::{Reflect, Uint8Array};
use protocol::{Fault, FaultCode, WorkspaceId};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::ffi::{Handle, Writable, wait};
use super::idb;
use super::pick::{error_name, message};

/// A folder on the person's disk.
#[derive(Clone, Debug)]
pub struct Folder(pub(super) Handle);

/// Permission to write to a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayWrite {
    /// Given.
    Yes,
    /// The person may be asked.
    Ask,
    /// Refused for good; only the browser's settings for this page change that.
    Blocked,
}

/// True when the person pressed a key or clicked a moment ago: only then does a browser let a page ask for permission.
#[must_use]
pub fn has_gesture() -> bool {
    let get = |target: &JsValue, key: &str| Reflect::get(target, &key.into()).unwrap_or(JsValue::UNDEFINED);
    let activation = get(&get(&js_sys::global(), "navigator"), "userActivation");
    // A browser that does not tell may still allow it.
    activation.is_undefined() || get(&activation, "isActive").is_truthy()
}

fn to_write() -> JsValue {
    super::object(&[("mode", "readwrite".into())])
}

fn may_write(answer: &Result<JsValue, JsValue>) -> MayWrite {
    match answer.as_ref().ok().and_then(JsValue::as_string).as_deref() {
        Some("granted") => MayWrite::Yes,
        Some("denied") => MayWrite::Blocked,
        // A refused request is an exception where the browser thinks that nobody pressed a key.
        _ => MayWrite::Ask,
    }
}

impl Folder {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// The workspace among `kept` that was opened from this very folder.
    pub async fn workspace(&self, kept: &[WorkspaceId]) -> Option<WorkspaceId> {
        for &id in kept {
            if let Some(other) = folder_of(id).await
                && wait(self.0.is_same_entry(&other.0)).await.is_ok_and(|same| same.is_truthy())
            {
                return Some(id);
            }
        }
        None
    }

    /// Keep it with a workspace, so that [`folder_of`] finds it after a reload. Storage that refuses is no error: the
    /// folder then has to be picked again.
    pub async fn remember(&self, id: WorkspaceId) {
        if let Err(err) = idb::put(&key(id), &self.0).await {
            leptos::logging::warn!("the folder could not be remembered: {err:?}");
        }
    }

    /// Whether writing is allowed now. Asks nobody.
    pub async fn may_write(&self) -> MayWrite {
        may_write(&wait(self.0.query_permission(&to_write())).await)
    }

    /// Let the browser ask the person whether this page may write here. Only after [`has_gesture`]; the answer takes as
    /// long as the person does.
    pub async fn ask_to_write(&self) -> MayWrite {
        may_write(&wait(self.0.request_permission(&to_write())).await)
    }

    /// Write one file over whatever is there, making the folders above it as needed.
    ///
    /// # Errors
    /// A sentence for the person; the workspace itself has the file already.
    pub async fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Fault> {
        let written = async {
            let (folder, name) = self.parent(path).await?;
            write(&folder, &name, bytes).await
        };
        written.await.map_err(|err| {
            let sentence = if error_name(&err) == "NotFoundError" {
                format!("{path} is saved in Alcove, but the folder on disk is gone. Open the folder again.")
            } else {
                format!(
                    "{path} is saved in Alcove, but not on disk: {}. Save again to try once more.",
                    message(&err)
                )
            };
            Fault::new(FaultCode::Storage, sentence)
        })
    }

    /// The bytes of a file as they are on disk, `None` when it has no such file.
    ///
    /// # Errors
    /// A sentence when it is there and cannot be read: nobody knows what writing would destroy.
    pub async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        let read = async {
            let (above, name) =
                path.rsplit_once('/').map_or((None, path), |(above, name)| (Some(above), name));
            let folder = match above {
                Some(above) => self.descend(above, false).await?,
                None => self.0.clone(),
            };
            existing(&folder, name).await
        };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(err) if error_name(&err) == "NotFoundError" => Ok(None),
            Err(err) => {
                let sentence = format!(
                    "{path} could not be read from “{}” on disk: {}. Open the folder again.",
                    self.name(),
                    message(&err)
                );
                Err(Fault::new(FaultCode::BadFile, sentence))
            }
        }
    }

    async fn parent(&self, path: &str) -> Result<(Handle, String), JsValue> {
        match path.rsplit_once('/') {
            Some((above, name)) => Ok((self.descend(above, true).await?, name.to_owned())),
            None => Ok((self.0.clone(), path.to_owned())),
        }
    }

    async fn descend(&self, path: &str, create: bool) -> Result<Handle, JsValue> {
        let options = super::object(&[("create", create.into())]);
        let mut folder = self.0.clone();
        for name in path.split('/') {
            folder = wait(folder.get_directory_handle(name, &options)).await?.unchecked_into();
        }
        Ok(folder)
    }
}

async fn existing(folder: &Handle, name: &str) -> Result<Vec<u8>, JsValue> {
    let handle: Handle = wait(folder.get_file_handle(name, &JsValue::UNDEFINED)).await?.unchecked_into();
    let file = handle.file().await?;
    let buffer = JsFuture::from(file.array_buffer()).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

async fn write(folder: &Handle, name: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let create = super::object(&[("create", true.into())]);
    let handle: Handle = wait(folder.get_file_handle(name, &create)).await?.unchecked_into();
    // Goes to a side file first and replaces the real one when it is closed.
    let writable: Writable = wait(handle.create_writable()).await?.unchecked_into();
    if let Err(err) = wait(writable.write(&Uint8Array::from(bytes))).await {
        let _already_failing = wait(writable.abort()).await;
        return Err(err);
    }
    wait(writable.close()).await.map(|_| ())
}

fn key(id: WorkspaceId) -> String {
    format!("folder/{}", id.0)
}

/// The folder that a workspace was opened from, when it is remembered.
pub async fn folder_of(id: WorkspaceId) -> Option<Folder> {
    let handle = idb::get(&key(id)).await.ok()?;
    handle.is_object().then(|| Folder(handle.unchecked_into()))
}

/// Forget the folder of a workspace, for instance because the workspace was deleted.
pub async fn forget_folder(id: WorkspaceId) {
    // Nothing to do about it, and a stray handle harms nobody: ids are never used again.
    let _still_there = idb::remove(&key(id)).await;
}
