//! Copying and pasting pieces of a flow as JSON text, by the browser's clipboard and its events.

use leptos::{ev, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ClipboardEvent, HtmlDocument};

use super::{
    command::{Chord, Command, Reach},
    tools::{Tools, is_dialog_open, is_mac, keyboard},
};
use crate::{
    canvas::geometry::Point,
    edit::Clip,
    texts::{count, fill, texts},
};

/// Listens to the clipboard keys of the whole page as long as the editor is there. What is typed into a field, or marked
/// as text, stays the field's.
pub(crate) fn listen(tools: Tools) {
    let copy = window_event_listener(ev::copy, move |event| take(tools, &event, false));
    let cut = window_event_listener(ev::cut, move |event| take(tools, &event, true));
    let paste = window_event_listener(ev::paste, move |event: ClipboardEvent| {
        if !is_for_drawing() {
            return;
        }
        let data = event.clipboard_data();
        let text = data.and_then(|data| data.get_data("text/plain").ok());
        let text = text.unwrap_or_default();
        if !text.trim().is_empty() {
            event.prevent_default();
            tools.paste(&text, None);
        }
    });
    on_cleanup(move || {
        copy.remove();
        cut.remove();
        paste.remove();
    });
}

/// Copies what is chosen by a command.
pub(super) fn copy(tools: Tools) {
    let Some((text, cards)) = chosen_text(tools) else {
        return;
    };
    tools.copied.set_value(Some(text.clone()));
    say_copied(tools, cards);
    let clipboard = window().navigator().clipboard();
    if clipboard.is_undefined() {
        // A page without https has no clipboard, and may copy all the same: it makes the event that `listen` answers.
        let page = document().dyn_into::<HtmlDocument>();
        let _ = page.map(|page| page.exec_command("copy"));
        return;
    }
    spawn_local(async move {
        // A browser that refuses leaves the copy of this page, which pasting takes then.
        let _ = JsFuture::from(clipboard.write_text(&text)).await;
    });
}

/// Pastes by a command, at a point of the drawing if one is meant: from the browser's clipboard, or, where that is
/// refused, what was copied in this page.
pub(super) fn paste(tools: Tools, at: Option<Point>) {
    let clipboard = window().navigator().clipboard();
    spawn_local(async move {
        let read = if clipboard.is_undefined() {
            None
        } else {
            let text = JsFuture::from(clipboard.read_text()).await.ok();
            text.and_then(|text| text.as_string())
        };
        // Whoever left the editor meanwhile pastes nothing.
        let Some(own) = tools.copied.try_get_value() else {
            return;
        };
        match read.filter(|text| !text.trim().is_empty()).or(own) {
            Some(text) => tools.paste(&text, at),
            None => {
                let t = texts();
                let chord = Command::Paste.chords().first();
                let keys = chord.map(|chord: &Chord| chord.words(t, is_mac()));
                let keys = keys.unwrap_or_default();
                tools.refuse(fill(t.paste_refused, &[("keys", &keys)]));
            }
        }
    });
}

fn take(tools: Tools, event: &ClipboardEvent, cut: bool) {
    if !is_for_drawing() || is_text_marked() {
        return;
    }
    let (Some((text, cards)), Some(data)) = (chosen_text(tools), event.clipboard_data()) else {
        return;
    };
    if data.set_data("text/plain", &text).is_ok() {
        event.prevent_default();
        tools.copied.set_value(Some(text));
        if cut {
            tools.run(Command::Delete);
        } else {
            say_copied(tools, cards);
        }
    }
}

fn say_copied(tools: Tools, cards: u64) {
    let t = texts();
    tools.say(count(cards, t.said_copied_one, t.said_copied_many));
}

/// The chosen cards with the links between them, as text, and how many they are.
fn chosen_text(tools: Tools) -> Option<(String, u64)> {
    let desk = tools.desk;
    let chosen = desk.chosen.get_untracked();
    let clip = desk
        .drawn
        .with_untracked(|flow| Clip::of(flow, &chosen.cards, |id| desk.place(id)));
    (!clip.is_empty()).then(|| (clip.text(), chosen.cards.len() as u64))
}

/// Whether the keyboard is with the drawing, and not with a text, a dialog, or what stands beside the drawing.
fn is_for_drawing() -> bool {
    keyboard() == Reach::Drawing && !is_dialog_open()
}

/// Whether a person has marked text on the page, which is what they want to copy then.
fn is_text_marked() -> bool {
    let selection = window().get_selection().ok().flatten();
    selection.is_some_and(|selection| !selection.is_collapsed())
}
