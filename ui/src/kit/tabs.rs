//! Tabs: one row of choices, one panel. Arrow keys move along the row.

use leptos::{ev::KeyboardEvent, prelude::*};
use wasm_bindgen::JsCast;

use super::icon::{Glyph, Icon};

/// One tab: the word in the address, what a person reads, and an icon.
#[derive(Clone, PartialEq)]
pub(crate) struct Tab {
    pub(crate) word: &'static str,
    pub(crate) label: &'static str,
    pub(crate) icon: Option<Icon>,
}

impl Tab {
    /// A tab without an icon.
    pub(crate) fn plain(word: &'static str, label: &'static str) -> Self {
        Tab {
            word,
            label,
            icon: None,
        }
    }
}

/// The row of tabs. `choose` is told the word of the tab that was chosen.
#[component]
pub(crate) fn TabRow(
    #[prop(into)] label: String,
    tabs: Vec<Tab>,
    #[prop(into)] current: Signal<String>,
    choose: impl Fn(&'static str) + Clone + Send + Sync + 'static,
) -> impl IntoView {
    let words: Vec<_> = tabs.iter().map(|tab| tab.word).collect();
    let walk = {
        let choose = choose.clone();
        move |event: KeyboardEvent| {
            let Some(at) = words
                .iter()
                .position(|word| *word == current.get_untracked())
            else {
                return;
            };
            let to = match event.key().as_str() {
                "ArrowRight" => (at + 1) % words.len(),
                "ArrowLeft" => (at + words.len() - 1) % words.len(),
                "Home" => 0,
                "End" => words.len() - 1,
                _ => return,
            };
            event.prevent_default();
            choose(words[to]);
            let row = event
                .current_target()
                .and_then(|row| row.dyn_into::<web_sys::Element>().ok());
            let tab = row.and_then(|row| row.children().item(to as u32));
            if let Some(tab) = tab.and_then(|tab| tab.dyn_into::<web_sys::HtmlElement>().ok()) {
                let _ = tab.focus();
            }
        }
    };
    let row = tabs
        .into_iter()
        .map(|tab| {
            let choose = choose.clone();
            let chosen = move || current.get() == tab.word;
            view! {
                <button
                    type="button"
                    role="tab"
                    class="tab"
                    data-testid=format!("tab-{}", tab.word)
                    aria-selected=move || if chosen() { "true" } else { "false" }
                    tabindex=move || if chosen() { "0" } else { "-1" }
                    on:click=move |_| choose(tab.word)
                >
                    {tab.icon.map(|icon| view! { <Glyph icon/> })}
                    {tab.label}
                </button>
            }
        })
        .collect_view();
    view! { <div class="tabs" role="tablist" aria-label=label on:keydown=walk>{row}</div> }
}
