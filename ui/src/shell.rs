//! The frame of every page: navigation, the switches for language and colours, and keys that work everywhere.

use leptos::{ev::KeyboardEvent, prelude::*};
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;

use crate::{
    kit::icon::{Glyph, Icon},
    settings::{Theme, settings},
    texts::texts,
};

/// The frame with the current part of the page in it.
#[component]
pub(crate) fn Shell(children: Children) -> impl IntoView {
    let t = texts();
    let settings = settings();
    let narrow = settings.narrow;
    let fold = move || {
        if narrow.get() {
            t.nav_unfold
        } else {
            t.nav_fold
        }
    };
    let theme = move || match settings.theme.get() {
        Theme::System => (t.theme_system, Icon::Monitor),
        Theme::Light => (t.theme_light, Icon::Sun),
        Theme::Dark => (t.theme_dark, Icon::Moon),
    };
    let keys = window_event_listener(leptos::ev::keydown, focus_search);
    on_cleanup(move || keys.remove());
    view! {
        <a class="skip" href="#content">{t.skip_to_content}</a>
        <div class="shell" class:narrow=narrow>
            <nav class="side" aria-label=t.nav_label data-testid="nav">
                <a class="brand" href="/" aria-label="Weir">
                    <svg class="brand-mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
                        <path d="M4 8c4 0 4 5 8 5s4-5 8-5 4 5 8 5" class="wave"></path>
                        <path d="M4 17c4 0 4 5 8 5s4-5 8-5 4 5 8 5" class="wave low"></path>
                    </svg>
                    <span class="side-label">"Weir"</span>
                </a>
                <div class="side-links">
                    <Entry href="/" below="/flows" icon=Icon::Workflow label=t.nav_flows/>
                    <Entry href="/runs" below="/runs" icon=Icon::Activity label=t.nav_runs/>
                    <Entry href="/dead-letters" below="/dead-letters" icon=Icon::Inbox label=t.nav_letters/>
                    <Entry href="/approvals" below="/approvals" icon=Icon::Hand label=t.nav_approvals/>
                    <Entry href="/schedules" below="/schedules" icon=Icon::CalendarClock label=t.nav_schedules/>
                    <Entry href="/connections" below="/connections" icon=Icon::Plug label=t.nav_connections/>
                    <Entry href="/system" below="/system" icon=Icon::Server label=t.nav_system/>
                </div>
                <div class="side-foot">
                    <button
                        type="button"
                        class="side-link"
                        data-testid="theme"
                        title=move || theme().0
                        on:click=move |_| settings.paint(settings.theme.get_untracked().next())
                    >
                        {move || view! { <Glyph icon=theme().1 size=20/> }}
                        <span class="side-label">{move || theme().0}</span>
                    </button>
                    <button
                        type="button"
                        class="side-link"
                        data-testid="language"
                        title=t.language_switch
                        lang=settings.language.get_untracked().other().code()
                        on:click=move |_| settings.speak(settings.language.get_untracked().other())
                    >
                        <Glyph icon=Icon::Languages size=20/>
                        <span class="side-label">{t.language_switch}</span>
                    </button>
                    <button
                        type="button"
                        class="side-link fold"
                        title=fold
                        aria-expanded=move || if narrow.get() { "false" } else { "true" }
                        on:click=move |_| settings.fold(!narrow.get_untracked())
                    >
                        <Glyph icon=Icon::PanelLeft size=20/>
                        <span class="side-label">{fold}</span>
                    </button>
                </div>
            </nav>
            <main class="content" id="content" tabindex="-1">{children()}</main>
        </div>
    }
}

/// One entry of the navigation; it is current for everything below its address.
#[component]
fn Entry(
    href: &'static str,
    below: &'static str,
    icon: Icon,
    label: &'static str,
) -> impl IntoView {
    let path = use_location().pathname;
    let current = move || {
        let path = path.get();
        (path == href || path.starts_with(below)).then_some("page")
    };
    view! {
        <a class="side-link" href=href aria-current=current title=label>
            <Glyph icon size=20/>
            <span class="side-label">{label}</span>
        </a>
    }
}

/// `/` goes to the search of the page, unless something is being typed.
fn focus_search(event: KeyboardEvent) {
    if event.key() != "/" || event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let typing = document().active_element().is_some_and(|element| {
        matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
    });
    let search = document().query_selector("[data-search]").ok().flatten();
    if let (false, Some(search)) = (
        typing,
        search.and_then(|search| search.dyn_into::<web_sys::HtmlElement>().ok()),
    ) {
        event.prevent_default();
        let _ = search.focus();
    }
}
