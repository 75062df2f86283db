//! What an editor offers while a person types: the names in scope with what they hold, and the functions.

use std::{cell::RefCell, sync::Arc};

use serde::Serialize;
use serde_json::Value;
use wasm_bindgen::JsValue;

use crate::lab::FunctionEntry;

/// What may be used at one place of a flow.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Completion {
    /// The names in scope, in the order in which they are offered.
    pub(crate) names: Vec<KnownName>,
    /// What can be called. The same list serves all editors; it is empty until the list has arrived.
    pub(crate) functions: Arc<Vec<FunctionEntry>>,
}

/// A name that a script may use.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct KnownName {
    pub(crate) name: String,
    /// What it holds, in a word or two; empty where the sample says it.
    pub(crate) kind: String,
    /// What it is, in a sentence.
    pub(crate) doc: String,
    /// A value that it had or may have. Its keys and items are offered behind a dot and a bracket.
    pub(crate) sample: Option<Arc<Value>>,
}

impl Completion {
    /// The same as an object of the browser. Made once for all editors that offer the same.
    pub(super) fn handed(self: &Arc<Self>) -> JsValue {
        thread_local! {
            static LAST: RefCell<Option<(Arc<Completion>, JsValue)>> = const { RefCell::new(None) };
        }
        LAST.with_borrow_mut(|last| match last {
            Some((completion, handed)) if Arc::ptr_eq(completion, self) => handed.clone(),
            _ => {
                let handed = serde_json::to_string(&**self)
                    .ok()
                    .and_then(|text| js_sys::JSON::parse(&text).ok())
                    .unwrap_or_default();
                *last = Some((self.clone(), handed.clone()));
                handed
            }
        })
    }
}
