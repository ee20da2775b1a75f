//! The ways in which a person hands over files: the folder picker, file inputs, drag and drop.

use js_sys::{Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, File, FilePropertyBag, HtmlInputElement};

use super::ffi::{DropEntry, DropItem, Handle, PickerHost, wait};
use super::source::Source;

/// Something that was handed over and not read yet.
#[derive(Clone, Debug)]
pub(super) enum Root {
    /// From the folder picker, or dropped where the browser gives handles: can be written back to.
    Handle(Handle),
    /// Dropped where it does not.
    Entry(DropEntry),
    /// A file with the path that the browser says it has.
    File(String, File),
    /// Bytes of a script. They are copied when their turn comes: copying 100,000 at once stops the page for seconds.
    Part(Part),
}

/// Bytes of a script with their path and time of change, milliseconds since 1970.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) path: String,
    content: JsValue,
    modified: Option<f64>,
}

impl Part {
    /// What is taken in of it.
    pub(super) fn source(&self) -> Source {
        Source::Bytes(self.content.clone(), self.modified.unwrap_or_else(js_sys::Date::now))
    }

    /// The file that it stands for; `None` when the browser makes none of it.
    fn file(&self) -> Option<File> {
        let options = FilePropertyBag::new();
        if let Some(modified) = self.modified {
            options.set_last_modified(modified);
        }
        let parts = js_sys::Array::of1(&self.content);
        File::new_with_blob_sequence_and_options(&parts, &self.path, &options).ok()
    }
}

/// What a person chose.
#[derive(Clone, Debug)]
pub struct Picked {
    pub(super) roots: Vec<Root>,
    /// Name for the workspace: that of the folder or archive, or of the first file.
    pub name: String,
}

/// Can a folder be picked with permission to write back? Not in Firefox, Safari and most frames.
#[must_use]
pub fn can_pick_folder() -> bool {
    Reflect::get(&js_sys::global(), &"showDirectoryPicker".into()).is_ok_and(|f| f.is_function())
}

/// Let the person pick a folder. Call it from an event handler of theirs. `None` when they changed their mind.
///
/// # Errors
/// A sentence when the browser refuses; the other ways remain.
pub async fn pick_folder() -> Result<Option<Picked>, String> {
    let refused = |why: &JsValue| {
        format!(
            "The browser did not open its folder picker ({}). Drop the folder on this page, or open it as a zip archive.",
            message(why)
        )
    };
    let host: PickerHost = js_sys::global().unchecked_into();
    if !can_pick_folder() {
        return Err(refused(&"it has none".into()));
    }
    let options = super::object(&[("id", "alcove".into()), ("mode", "read".into())]);
    match wait(host.show_directory_picker(&options)).await {
        Ok(handle) => {
            let handle: Handle = handle.unchecked_into();
            Ok(Some(Picked { name: handle.name(), roots: vec![Root::Handle(handle)] }))
        }
        Err(err) if error_name(&err) == "AbortError" => Ok(None),
        // The second press of a double click; the picker that the first one opened stays.
        Err(err) if error_name(&err) == "NotAllowedError" && message(&err).contains("already active") => {
            Ok(None)
        }
        // Frames of another origin have the picker and may not use it; a file input works there.
        Err(err) if error_name(&err) == "SecurityError" => Ok(pick_files(Ask::Folder).await),
        Err(err) => Err(refused(&err)),
    }
}

/// What a file input asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A whole folder, read-only.
    Folder,
    /// One or more files, of which one may be a zip archive.
    Files,
    /// One file of these kinds, as in the `accept` attribute.
    One(&'static str),
}

/// Let the person choose with a file input, which every browser has. `None` when they changed their mind.
pub async fn pick_files(ask: Ask) -> Option<Picked> {
    let document = web_sys::window()?.document()?;
    let input: HtmlInputElement = document.create_element("input").ok()?.dyn_into().ok()?;
    input.set_type("file");
    match ask {
        // Understood by every current browser despite its name.
        Ask::Folder => input.set_attribute("webkitdirectory", "").ok()?,
        Ask::Files => input.set_multiple(true),
        Ask::One(accept) => input.set_attribute("accept", accept).ok()?,
    }
    let answered = Promise::new(&mut |ok, _| {
        // Browsers without a `cancel` event leave the promise open; the input is then simply forgotten.
        for event in ["change", "cancel"] {
            let _always = input.add_event_listener_with_callback(event, &ok);
        }
    });
    // Some browsers only keep an input alive, and give events, while it is in the page.
    input.set_hidden(true);
    document.body()?.append_child(&input).ok()?;
    input.click();
    let _either = JsFuture::from(answered).await;
    input.remove();
    let list = input.files()?;
    let files = (0..list.length()).filter_map(|i| list.get(i)).collect::<Vec<_>>();
    Picked::from_files(files)
}

/// What was dropped. Must be called inside the event handler: the browser empties `transfer` when that returns. The
/// answer can then be waited for.
pub fn dropped(transfer: &DataTransfer) -> impl Future<Output = Option<Picked>> + 'static {
    let items = transfer.items();
    let mut pending: Vec<Pending> = Vec::new();
    for i in 0..items.length() {
        let Some(item) = items.get(i) else { continue };
        let item: DropItem = JsValue::from(item).unchecked_into();
        if item.item_kind() != "file" {
            continue;
        }
        // A handle allows writing back; asked for first, because only now can it be asked for.
        let handle = item.handle_function().and_then(|_| item.get_as_handle().ok());
        let entry = item.entry_function().and_then(|_| item.get_as_entry().ok().flatten());
        let file = item.get_as_file().ok().flatten();
        pending.push(Pending { handle, entry, file });
    }
    async move {
        let mut roots = Vec::new();
        for item in pending {
            roots.extend(item.root().await);
        }
        let name = roots.first().map(Root::name)?;
        Some(Picked { roots, name })
    }
}

struct Pending {
    handle: Option<Promise>,
    entry: Option<DropEntry>,
    file: Option<File>,
}

impl Pending {
    async fn root(self) -> Option<Root> {
        if let Some(handle) = self.handle
            && let Ok(handle) = JsFuture::from(handle).await
            && !handle.is_null()
            && !handle.is_undefined()
        {
            return Some(Root::Handle(handle.unchecked_into()));
        }
        if let Some(entry) = self.entry {
            return Some(Root::Entry(entry));
        }
        self.file.map(|file| Root::File(file.name(), file))
    }
}

impl Root {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Handle(handle) => handle.name(),
            Self::Entry(entry) => entry.entry_name(),
            Self::File(path, _) | Self::Part(Part { path, .. }) => {
                path.split('/').next().unwrap_or(path).to_owned()
            }
        }
    }

    pub(super) fn is_folder(&self) -> bool {
        match self {
            Self::Handle(handle) => handle.is_directory_handle(),
            Self::Entry(entry) => entry.is_directory(),
            Self::File(..) | Self::Part(_) => false,
        }
    }

    async fn file(&self) -> Option<File> {
        match self {
            Self::Handle(handle) if !handle.is_directory_handle() => handle.file().await.ok(),
            Self::Entry(entry) if !entry.is_directory() => entry.file().await.ok(),
            Self::File(_, file) => Some(file.clone()),
            Self::Part(part) => part.file(),
            _ => None,
        }
    }
}

impl Picked {
    /// Files of an input, with the paths that a folder input gives them.
    #[must_use]
    pub fn from_files(files: Vec<File>) -> Option<Self> {
        let path = |file: &File| {
            let relative = Reflect::get(file, &"webkitRelativePath".into()).ok().and_then(|p| p.as_string());
            relative.filter(|p| !p.is_empty()).unwrap_or_else(|| file.name())
        };
        let paths: Vec<String> = files.iter().map(path).collect();
        let name = paths.first()?.split('/').next()?.to_owned();
        // A folder input puts the folder's own name before every path.
        let prefix = format!("{name}/");
        let strip = paths.iter().all(|p| p.starts_with(&prefix));
        let shorten = |p: String| if strip { p[prefix.len()..].to_owned() } else { p };
        let roots = paths.into_iter().zip(files).map(|(p, file)| Root::File(shorten(p), file)).collect();
        Some(Self { roots, name })
    }

    /// Bytes with their paths and times of change (milliseconds since 1970), as `alcove.open` gets them.
    #[must_use]
    pub fn from_parts(parts: Vec<(String, JsValue, Option<f64>)>, name: String) -> Self {
        let root = |(path, content, modified)| Root::Part(Part { path, content, modified });
        Self { roots: parts.into_iter().map(root).collect(), name }
    }

    /// The one folder that was chosen, when it can be written back to.
    #[must_use]
    pub fn folder(&self) -> Option<super::disk::Folder> {
        match self.roots.as_slice() {
            [Root::Handle(handle)] if handle.is_directory_handle() => {
                Some(super::disk::Folder(handle.clone()))
            }
            _ => None,
        }
    }

    /// The one file that was chosen, when it is exactly one; an archive for instance.
    pub async fn only_file(&self) -> Option<File> {
        match self.roots.as_slice() {
            [root] => root.file().await,
            _ => None,
        }
    }

    /// The one archive that was chosen, when it is exactly one file and its name says that it is one.
    pub async fn archive(&self) -> Option<File> {
        let file = self.only_file().await?;
        let is_zip = file.name().to_ascii_lowercase().ends_with(".zip") || file.type_() == "application/zip";
        is_zip.then_some(file)
    }

    /// The bytes of a loose file among it, by the path under which it comes in.
    pub async fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let root = self.roots.iter().find(|root| !root.is_folder() && root.path() == path)?;
        let buffer = super::import::read(&root.file().await?).await.ok()?;
        Some(js_sys::Uint8Array::new(&buffer).to_vec())
    }

    /// True when there is at least one folder among it.
    #[must_use]
    pub fn has_folder(&self) -> bool {
        self.roots.iter().any(Root::is_folder)
    }
}

/// `name` of a `DOMException` or `Error`.
pub(super) fn error_name(err: &JsValue) -> String {
    Reflect::get(err, &"name".into()).ok().and_then(|name| name.as_string()).unwrap_or_default()
}

/// What an exception says, for the middle of a sentence.
pub(super) fn message(err: &JsValue) -> String {
    let text =
        Reflect::get(err, &"message".into()).ok().and_then(|m| m.as_string()).or_else(|| err.as_string());
    text.filter(|text| !text.is_empty())
        .unwrap_or_else(|| "no reason given".into())
        .trim_end_matches('.')
        .to_owned()
}
