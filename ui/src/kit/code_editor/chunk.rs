//! Fetches the script of the editor (`ui/js`) when it is first needed, and gives its functions types.

use std::cell::RefCell;

use js_sys::{Function, Promise};
use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

#[wasm_bindgen]
extern "C" {
    /// The browser's own `import()`.
    #[wasm_bindgen(js_name = "import")]
    fn import(url: &str) -> Promise;

    /// The script, once it is there.
    #[derive(Clone)]
    pub(super) type Script;

    /// Puts an editor into an element. `change` gets the text after each edit, `left` hears that the focus went,
    /// `completion` is asked for what to offer.
    #[wasm_bindgen(method)]
    pub(super) fn open(
        this: &Script,
        host: &HtmlElement,
        options: &str,
        change: &Function,
        left: &Function,
        completion: &Function,
    ) -> Editor;

    /// An editor on the page.
    pub(super) type Editor;

    /// Brings in a text from elsewhere; `change` does not hear of it.
    #[wasm_bindgen(method, js_name = "setText")]
    pub(super) fn set_text(this: &Editor, text: &str);

    /// Underlines problems, given as a JSON list.
    #[wasm_bindgen(method, js_name = "setProblems")]
    pub(super) fn set_problems(this: &Editor, problems: &str);

    #[wasm_bindgen(method, js_name = "setReadOnly")]
    pub(super) fn set_read_only(this: &Editor, read_only: bool);

    #[wasm_bindgen(method)]
    pub(super) fn focus(this: &Editor);

    /// Takes it off the page. It calls nothing afterwards.
    #[wasm_bindgen(method)]
    pub(super) fn close(this: &Editor);
}

thread_local! {
    static SCRIPT: RefCell<Option<Script>> = const { RefCell::new(None) };
}

/// The script, where it is there already.
pub(super) fn loaded() -> Option<Script> {
    SCRIPT.with_borrow(Clone::clone)
}

/// The script, fetched if it is not there yet. A failure is not remembered: the next editor tries again.
pub(super) async fn load() -> Result<Script, JsValue> {
    if let Some(script) = loaded() {
        return Ok(script);
    }
    let url = document()
        .body()
        .and_then(|body| body.get_attribute("data-code"))
        .ok_or("the page names no script for its editors")?;
    let script: Script = JsFuture::from(import(&url)).await?.unchecked_into();
    SCRIPT.set(Some(script.clone()));
    Ok(script)
}
