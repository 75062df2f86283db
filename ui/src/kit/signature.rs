//! Who does something and why: the two fields under every decision that is remembered. The name is kept in this browser.

use leptos::prelude::*;
use serde_json::{Map, Value};

use super::field::TextField;
use crate::{settings::settings, texts::texts};

/// A name and a note.
#[derive(Clone, Copy)]
pub(crate) struct Signature {
    name: RwSignal<String>,
    note: RwSignal<String>,
}

impl Signature {
    /// With the name that was used last.
    pub(crate) fn new() -> Self {
        Signature {
            name: RwSignal::new(settings().name()),
            note: RwSignal::new(String::new()),
        }
    }

    /// Forgets the note.
    pub(crate) fn clear(self) {
        self.note.set(String::new());
    }

    /// The name and the note as `by` and `note` of a request, and keeps the name.
    pub(crate) fn sign(self, body: &mut Map<String, Value>) {
        let name = self.name.get_untracked().trim().to_owned();
        settings().remember_name(&name);
        let note = self.note.get_untracked().trim().to_owned();
        for (key, text) in [("by", name), ("note", note)] {
            if !text.is_empty() {
                body.insert(key.to_owned(), text.into());
            }
        }
    }
}

/// The fields of a signature.
#[component]
pub(crate) fn SignatureFields(
    signature: Signature,
    /// What their ids begin with.
    id: &'static str,
) -> impl IntoView {
    let t = texts();
    view! {
        <div class="form-row">
            <TextField id=format!("{id}-by") label=t.sign_name value=signature.name/>
            <TextField id=format!("{id}-note") label=t.sign_note value=signature.note/>
        </div>
    }
}
