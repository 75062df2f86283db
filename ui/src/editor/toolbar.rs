//! The tools on the page: the bar at the edge of the drawing, and whatever lies open over it.

use leptos::{ev, prelude::*};

use super::{
    clipboard,
    command::Command,
    menu::{Help, Menu, Search},
    palette::{Palette, QuickAdd, keys_of},
    tools::{Surface, Tools, what_words},
};
use crate::{
    canvas::geometry::Point,
    kit::icon::Glyph,
    settings::settings,
    texts::{fill, texts},
};

/// Mounts the tools over a drawing: palette, bar, lists, menus, keys and the clipboard.
#[component]
pub(crate) fn ToolLayer(tools: Tools) -> impl IntoView {
    clipboard::listen(tools);
    let keys = window_event_listener(ev::keydown, move |event| tools.key(&event));
    let pointer = window_event_listener(ev::pointermove, move |event: web_sys::PointerEvent| {
        let at = Point::new(f64::from(event.client_x()), f64::from(event.client_y()));
        let over = event
            .target()
            .and_then(|target| wasm_bindgen::JsCast::dyn_into::<web_sys::Element>(target).ok())
            .is_some_and(|element| element.closest(".canvas").ok().flatten().is_some());
        tools.pointer.set_value(over.then_some(at));
    });
    on_cleanup(move || {
        keys.remove();
        pointer.remove();
    });
    let choices = settings();
    Effect::new(move || choices.remember_palette(tools.palette.get()));
    let over = move || match tools.open.get() {
        Surface::Nothing => ().into_any(),
        Surface::Add { target, client } => view! { <QuickAdd tools target client/> }.into_any(),
        Surface::Menu { on, client, world } => view! { <Menu tools on client world/> }.into_any(),
        Surface::Search => view! { <Search tools/> }.into_any(),
        Surface::Help => view! { <Help tools/> }.into_any(),
    };
    view! {
        <Show when=move || tools.palette.get()><Palette tools/></Show>
        <Bar tools/>
        {over}
        <p class="unseen" role="status" data-testid="said">{move || tools.said.get()}</p>
    }
}

/// The bar: what is done most, as icons with their keys.
#[component]
fn Bar(tools: Tools) -> impl IntoView {
    let t = texts();
    let button = |command: Command| {
        let label = move || {
            let words = match command {
                Command::Undo => tools
                    .desk
                    .undoable
                    .get()
                    .map(|what| fill(t.bar_undo, &[("what", what_words(what))])),
                Command::Redo => tools
                    .desk
                    .redoable
                    .get()
                    .map(|what| fill(t.bar_redo, &[("what", what_words(what))])),
                _ => None,
            };
            let words = words.unwrap_or_else(|| command.words(t).to_owned());
            format!("{words} ({})", keys_of(command))
        };
        view! {
            <button
                type="button"
                class="button quiet icon"
                data-testid=format!("bar-{command:?}").to_lowercase()
                aria-label=label
                title=label
                disabled=move || !command.makes_sense(&tools.situation())
                on:click=move |_| tools.run(command)
            >
                <Glyph icon=command.icon()/>
            </button>
        }
    };
    view! {
        <div class="bar surface" role="toolbar" aria-label=t.bar_label data-testid="bar">
            {button(Command::Add)}
            <span class="bar-gap"></span>
            {button(Command::Undo)}
            {button(Command::Redo)}
            <span class="bar-gap"></span>
            {button(Command::Tidy)}
            {button(Command::Search)}
            {button(Command::Help)}
        </div>
    }
}
