//! Short notes at the edge of the window: what was done, or why it was not.

use std::{cell::Cell, time::Duration};

use leptos::{html, prelude::*};

use super::{
    button::IconButton,
    icon::{Glyph, Icon},
};
use crate::{
    api::Trouble,
    texts::{fill, texts},
};

/// How long a good note stays. A bad one stays until it is closed.
const STAYS: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq)]
struct Note {
    number: u32,
    good: bool,
    text: String,
    /// Small print, such as the request id.
    detail: Option<String>,
}

/// Where notes are put; every part of the page gets it from `toast()`.
#[derive(Clone, Copy)]
pub(crate) struct Toasts {
    notes: RwSignal<Vec<Note>>,
    count: StoredValue<u32>,
}

impl Toasts {
    /// Makes notes possible for the whole page.
    pub(crate) fn provide() -> Self {
        let toasts = Toasts {
            notes: RwSignal::new(Vec::new()),
            count: StoredValue::new(0),
        };
        SHELF.set(Some(toasts));
        toasts
    }

    /// Says that something was done.
    pub(crate) fn good(self, text: impl Into<String>) {
        let number = self.put(true, text.into(), None);
        set_timeout(move || self.take(number), STAYS);
    }

    /// Says that something was not done.
    pub(crate) fn bad(self, text: impl Into<String>) {
        self.put(false, text.into(), None);
    }

    /// Says why the server did not do something.
    pub(crate) fn trouble(self, trouble: &Trouble) {
        let t = texts();
        if trouble.is_offline() {
            self.bad(t.trouble_offline);
            return;
        }
        let detail = trouble
            .request_id
            .as_ref()
            .map(|id| fill(t.request_id, &[("id", id)]));
        self.put(false, trouble.sentence().to_owned(), detail);
    }

    fn put(self, good: bool, text: String, detail: Option<String>) -> u32 {
        self.count.update_value(|count| *count += 1);
        let number = self.count.get_value();
        self.notes.update(|notes| {
            // The same bad news twice is one piece of news.
            notes.retain(|note| note.text != text);
            notes.push(Note {
                number,
                good,
                text,
                detail,
            });
        });
        number
    }

    fn take(self, number: u32) {
        self.notes
            .try_update(|notes| notes.retain(|note| note.number != number));
    }
}

/// The place for notes. It can be asked for anywhere, also where no part of the page is at hand: in an event, after a wait.
pub(crate) fn toast() -> Toasts {
    SHELF
        .get()
        .expect("the page makes the place for notes before anything else")
}

thread_local! {
    /// The one place for notes of this page.
    static SHELF: Cell<Option<Toasts>> = const { Cell::new(None) };
}

/// Draws the notes.
#[component]
pub(crate) fn ToastShelf() -> impl IntoView {
    let toasts = toast();
    let shelf: NodeRef<html::Div> = NodeRef::new();
    // Over whatever is open: a dialog would hide what went wrong in it.
    Effect::new(move || {
        let some = toasts.notes.with(|notes| !notes.is_empty());
        if let Some(shelf) = shelf.get() {
            let _ = shelf.hide_popover();
            if some {
                let _ = shelf.show_popover();
            }
        }
    });
    view! {
        <div node_ref=shelf popover="manual" class="toasts" role="region" aria-live="polite" data-testid="toasts">
            <For each=move || toasts.notes.get() key=|note| note.number let:note>
                {
                    let icon = if note.good { Icon::CircleCheck } else { Icon::CircleAlert };
                    let number = note.number;
                    view! {
                        <div class="toast" class:bad=!note.good role=if note.good { "status" } else { "alert" }>
                            <Glyph icon size=20/>
                            <div class="toast-text">
                                <p>{note.text}</p>
                                {note.detail.map(|detail| view! { <p class="fine">{detail}</p> })}
                            </div>
                            <IconButton icon=Icon::X label=texts().close press=move |_| toasts.take(number)/>
                        </div>
                    }
                }
            </For>
        </div>
    }
}
