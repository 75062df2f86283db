//! Copying and pasting pieces of a flow as JSON text, by the browser's clipboard and its events.

use leptos::{ev, prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;
use web_sys::ClipboardEvent;

use super::tools::{Tools, is_typing};
use crate::{edit::Clip, texts::texts};

/// Listens to the clipboard keys of the whole page as long as the editor is there. What is typed into a field, or marked as
/// text, stays the field's.
pub(crate) fn listen(tools: Tools) {
    let copy = window_event_listener(ev::copy, move |event| take(tools, &event, false));
    let cut = window_event_listener(ev::cut, move |event| take(tools, &event, true));
    let paste = window_event_listener(ev::paste, move |event: ClipboardEvent| {
        if is_typing() || is_dialog_open() {
            return;
        }
        let text = event
            .clipboard_data()
            .and_then(|data| data.get_data("text/plain").ok())
            .unwrap_or_default();
        if !text.trim().is_empty() {
            event.prevent_default();
            tools.paste(&text);
        }
    });
    on_cleanup(move || {
        copy.remove();
        cut.remove();
        paste.remove();
    });
}

/// Copies what is chosen by a command.
pub(crate) fn copy(tools: Tools) {
    let Some(text) = chosen_text(tools) else {
        return;
    };
    tools.copied.set_value(Some(text.clone()));
    tools.say(texts().copied.to_owned());
    let clipboard = window().navigator().clipboard();
    if !clipboard.is_undefined() {
        spawn_local(async move {
            // A browser that refuses leaves the copy of this page, which pasting takes then.
            let _ = JsFuture::from(clipboard.write_text(&text)).await;
        });
    }
}

/// Pastes by a command: from the browser's clipboard, or, where that is refused, what was copied in this page.
pub(crate) fn paste_from_browser(tools: Tools) {
    let clipboard = window().navigator().clipboard();
    spawn_local(async move {
        let read = if clipboard.is_undefined() {
            None
        } else {
            let text = JsFuture::from(clipboard.read_text()).await.ok();
            text.and_then(|text| text.as_string())
        };
        let own = || tools.copied.try_get_value().flatten();
        match read.filter(|text| !text.trim().is_empty()).or_else(own) {
            Some(text) => tools.paste(&text),
            None => crate::kit::toast::toast().bad(texts().paste_refused),
        }
    });
}

fn take(tools: Tools, event: &ClipboardEvent, cut: bool) {
    if is_typing() || is_dialog_open() || is_text_marked() {
        return;
    }
    let (Some(text), Some(data)) = (chosen_text(tools), event.clipboard_data()) else {
        return;
    };
    if data.set_data("text/plain", &text).is_ok() {
        event.prevent_default();
        tools.copied.set_value(Some(text));
        tools.say(texts().copied.to_owned());
        if cut {
            tools.run(super::command::Command::Delete);
        }
    }
}

/// The chosen cards with the links between them, as text.
fn chosen_text(tools: Tools) -> Option<String> {
    let desk = tools.desk;
    let chosen = desk.chosen.get_untracked();
    let clip = desk
        .flow
        .with_untracked(|flow| Clip::of(flow, &chosen.cards, |id| desk.place(id)));
    (!clip.is_empty()).then(|| clip.text())
}

fn is_dialog_open() -> bool {
    document()
        .query_selector("dialog[open]")
        .is_ok_and(|open| open.is_some())
}

/// Whether a person has marked text on the page, which is what they want to copy then.
fn is_text_marked() -> bool {
    let selection = window().get_selection().ok().flatten();
    selection.is_some_and(|selection| !selection.is_collapsed())
}
