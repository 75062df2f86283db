//! Buttons and links that look like buttons.

use leptos::{ev::MouseEvent, prelude::*, task::spawn_local};
use wasm_bindgen_futures::JsFuture;

use super::{
    icon::{Glyph, Icon},
    toast::toast,
};
use crate::texts::texts;

/// How much a button stands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Weight {
    /// The one action of its place.
    Primary,
    #[default]
    Normal,
    /// No frame until it is pointed at.
    Quiet,
    /// Deletes something.
    Danger,
}

impl Weight {
    /// The classes that give a button or link this look.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Weight::Primary => "button primary",
            Weight::Normal => "button",
            Weight::Quiet => "button quiet",
            Weight::Danger => "button danger",
        }
    }
}

/// A button with a text and perhaps an icon.
#[component]
pub(crate) fn Button(
    #[prop(into)] label: Signal<String>,
    press: impl Fn(MouseEvent) + 'static,
    #[prop(optional)] icon: Option<Icon>,
    #[prop(optional)] weight: Weight,
    /// Whether it cannot be pressed now.
    #[prop(optional, into)]
    off: Signal<bool>,
    /// Whether what it started is still underway; it cannot be pressed meanwhile.
    #[prop(optional, into)]
    busy: Signal<bool>,
    /// Whether it sends the form that it stands in, as Enter in one of its fields does then.
    #[prop(optional)]
    sends: bool,
    /// The name that browser tests find it by.
    #[prop(optional)]
    test: &'static str,
) -> impl IntoView {
    view! {
        <button
            type=if sends { "submit" } else { "button" }
            class=weight.class()
            class:busy=busy
            data-testid=(!test.is_empty()).then_some(test)
            disabled=move || off.get() || busy.get()
            on:click=press
        >
            {icon.map(|icon| {
                let icon = Signal::derive(move || if busy.get() { Icon::LoaderCircle } else { icon });
                view! { <Glyph icon/> }
            })}
            <span>{label}</span>
        </button>
    }
}

/// A button that shows an icon only; the label is its name and its tooltip.
#[component]
pub(crate) fn IconButton(
    icon: Icon,
    #[prop(into)] label: Signal<String>,
    press: impl Fn(MouseEvent) + 'static,
    /// The name that browser tests find it by.
    #[prop(optional)]
    test: &'static str,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="button quiet icon"
            data-testid=(!test.is_empty()).then_some(test)
            aria-label=label
            title=label
            on:click=press
        >
            <Glyph icon/>
        </button>
    }
}

/// Copies a text to the clipboard, and shows for a moment that it did.
#[component]
pub(crate) fn CopyButton(
    /// What is copied, asked for when the button is pressed.
    text: impl Fn() -> String + 'static,
    #[prop(optional, into)] label: Option<String>,
) -> impl IntoView {
    let t = texts();
    let done = RwSignal::new(false);
    let label = label.unwrap_or_else(|| t.copy.to_owned());
    let press = move |event: MouseEvent| {
        event.stop_propagation();
        let text = text();
        spawn_local(async move {
            if write_clipboard(&text).await {
                done.try_set(true);
                set_timeout(
                    move || {
                        done.try_set(false);
                    },
                    std::time::Duration::from_millis(1500),
                );
            } else {
                toast().bad(texts().copy_failed);
            }
        });
    };
    let icon = Signal::derive(move || if done.get() { Icon::Check } else { Icon::Copy });
    let said = move || if done.get() { t.copied } else { "" };
    view! {
        <button type="button" class="button quiet icon small" aria-label=label.clone() title=label on:click=press>
            <Glyph icon size=14/>
            <span class="unseen" role="status">{said}</span>
        </button>
    }
}

async fn write_clipboard(text: &str) -> bool {
    let clipboard = window().navigator().clipboard();
    // Outside of HTTPS and localhost the browser has no clipboard.
    if clipboard.is_undefined() {
        return false;
    }
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}
