//! One small table in IndexedDB for what nothing else can keep: handles of folders on disk.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

const DATABASE: &str = "alcove";
const TABLE: &str = "handles";

#[wasm_bindgen]
extern "C" {
    type Factory;
    #[wasm_bindgen(method, catch)]
    fn open(this: &Factory, name: &str, version: u32) -> Result<Request, JsValue>;

    type Request;
    #[wasm_bindgen(method, getter)]
    fn result(this: &Request) -> JsValue;
    #[wasm_bindgen(method, setter, js_name = onsuccess)]
    fn set_onsuccess(this: &Request, handler: &Function);
    #[wasm_bindgen(method, setter, js_name = onerror)]
    fn set_onerror(this: &Request, handler: &Function);
    #[wasm_bindgen(method, setter, js_name = onblocked)]
    fn set_onblocked(this: &Request, handler: &Function);
    #[wasm_bindgen(method, setter, js_name = onupgradeneeded)]
    fn set_onupgradeneeded(this: &Request, handler: &JsValue);

    type Database;
    #[wasm_bindgen(method, catch, js_name = createObjectStore)]
    fn create_object_store(this: &Database, name: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn transaction(this: &Database, table: &str, mode: &str) -> Result<Transaction, JsValue>;
    #[wasm_bindgen(method)]
    fn close(this: &Database);

    type Transaction;
    #[wasm_bindgen(method, catch, js_name = objectStore)]
    fn object_store(this: &Transaction, name: &str) -> Result<Table, JsValue>;

    type Table;
    #[wasm_bindgen(method, catch)]
    fn get(this: &Table, key: &str) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn put(this: &Table, value: &JsValue, key: &str) -> Result<Request, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn delete(this: &Table, key: &str) -> Result<Request, JsValue>;
}

async fn settle(request: &Request) -> Result<JsValue, JsValue> {
    let done = Promise::new(&mut |ok, failed| {
        request.set_onsuccess(&ok);
        request.set_onerror(&failed);
    });
    JsFuture::from(done).await?;
    Ok(request.result())
}

async fn with_table(
    mode: &str,
    ask: impl FnOnce(&Table) -> Result<Request, JsValue>,
) -> Result<JsValue, JsValue> {
    let factory = Reflect::get(&js_sys::global(), &"indexedDB".into())?;
    if !factory.is_object() {
        return Err("there is no IndexedDB".into());
    }
    let factory: Factory = factory.unchecked_into();
    let request = factory.open(DATABASE, 1)?;
    let upgrade = Closure::once_into_js(|event: JsValue| {
        let database =
            Reflect::get(&event, &"target".into()).and_then(|t| Reflect::get(&t, &"result".into()));
        if let Ok(database) = database {
            // Fails only when it is there already.
            let _exists = database.unchecked_into::<Database>().create_object_store(TABLE);
        }
    });
    request.set_onupgradeneeded(&upgrade);
    let blocked = Promise::new(&mut |_, failed| request.set_onblocked(&failed));
    let opened = Promise::new(&mut |ok, failed| {
        request.set_onsuccess(&ok);
        request.set_onerror(&failed);
    });
    JsFuture::from(Promise::race(&js_sys::Array::of2(&opened, &blocked))).await?;
    let database: Database = request.result().unchecked_into();
    let outcome =
        match database.transaction(TABLE, mode).and_then(|t| t.object_store(TABLE)).and_then(|t| ask(&t)) {
            Ok(request) => settle(&request).await,
            Err(err) => Err(err),
        };
    database.close();
    outcome
}

/// What stands under `key`, `undefined` when nothing does.
pub(super) async fn get(key: &str) -> Result<JsValue, JsValue> {
    with_table("readonly", |table| table.get(key)).await
}

/// Keep `value` under `key`.
pub(super) async fn put(key: &str, value: &JsValue) -> Result<(), JsValue> {
    with_table("readwrite", |table| table.put(value, key)).await.map(|_| ())
}

/// Forget what stands under `key`.
pub(super) async fn remove(key: &str) -> Result<(), JsValue> {
    with_table("readwrite", |table| table.delete(key)).await.map(|_| ())
}
