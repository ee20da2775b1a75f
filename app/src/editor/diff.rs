//! `DiffView`: two texts side by side, usually what is saved and what is not.

use std::cell::RefCell;

use leptos::html::Div;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;

use super::document::document;
use super::monaco::{self, Diff};
use super::settings;

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffOf {
    /// The saved text of this open document and its unsaved text, which stays editable.
    Unsaved(String),
    /// Any two texts, read-only.
    Texts {
        /// Left.
        before: String,
        /// Right.
        after: String,
        /// Language id of both.
        language: String,
    },
}

/// Shows a comparison.
#[component]
pub fn DiffView(
    /// What to compare.
    #[prop(into)]
    of: Signal<DiffOf>,
    /// One column with removed and added lines under each other instead of two.
    #[prop(optional, into)]
    inline: Signal<bool>,
) -> impl IntoView {
    let host = NodeRef::<Div>::new();
    let failure = RwSignal::new(None::<String>);
    let ready = RwSignal::new(false);
    let diff = StoredValue::new(SendWrapper::new(RefCell::new(None::<Diff>)));

    let start = move || {
        let Some(host) = host.get_untracked() else { return };
        let host: HtmlElement = (*host).clone().unchecked_into();
        failure.set(None);
        spawn_local(async move {
            let made = match monaco::load().await {
                Ok(module) => {
                    settings::apply();
                    module.create_diff(&host).map_err(|err| {
                        leptos::logging::error!("the comparison could not be made: {err:?}");
                        "The comparison could not be shown in this browser.".to_owned()
                    })
                }
                Err(sentence) => Err(sentence),
            };
            match made {
                Ok(made) => {
                    if diff.try_with_value(|slot| slot.replace(Some(made.clone()))).is_none() {
                        made.dispose_diff();
                    } else {
                        ready.set(true);
                    }
                }
                Err(sentence) => {
                    // The view may be gone by now.
                    let _gone = failure.try_set(Some(sentence));
                }
            }
        });
    };
    Effect::new(move |_| {
        if host.get().is_some() {
            start();
        }
    });
    Effect::new(move |_| {
        if !ready.get() {
            return;
        }
        let (of, inline) = (of.get(), inline.get());
        diff.with_value(|slot| {
            let slot = slot.borrow();
            let (Some(diff), Some(module)) = (slot.as_ref(), monaco::loaded()) else { return };
            diff.set_inline(inline);
            match of {
                DiffOf::Unsaved(path) => {
                    if let Some(document) = document(&path) {
                        diff.show_model(
                            &document.saved_text(),
                            &document.model(&module),
                            &document.language(),
                        );
                    }
                }
                DiffOf::Texts { before, after, language } => diff.set_texts(&before, &after, &language),
            }
        });
    });
    on_cleanup(move || {
        let made = diff.try_with_value(|slot| slot.borrow_mut().take()).flatten();
        if let Some(made) = made {
            made.dispose_diff();
        }
    });

    view! {
        <div class="editor editor-diff">
            {move || failure.get().map(|sentence| view! {
                <div class="editor-notice" role="status">
                    <span>{sentence}</span>
                    <button type="button" on:click=move |_| start()>"Try again"</button>
                </div>
            })}
            <div node_ref=host class="editor-host monaco-component"></div>
        </div>
    }
}
