//! The tools on the page: the bar at the edge of the drawing, and whatever lies open over it.

use leptos::{
    ev::{self, KeyboardEvent},
    html,
    prelude::*,
};
use wasm_bindgen::JsCast;
use web_sys::{Element, PointerEvent};

use super::{
    clipboard,
    command::Command,
    deeds::what_words,
    finder::Finder,
    help::Help,
    menu::Menu,
    palette::{Palette, QuickAdd, keys_of},
    retitle::Retitle,
    roving::{Step, go},
    tools::{Surface, Tools},
};
use crate::{
    canvas::geometry::Point,
    kit::icon::Glyph,
    settings::settings,
    texts::{fill, texts},
};

/// Mounts the tools over a drawing: palette, bar, lists, menus, keys and the clipboard. It stands beside the canvas in an
/// element that is positioned.
#[component]
pub(crate) fn ToolLayer(tools: Tools) -> impl IntoView {
    clipboard::listen(tools);
    let keys = window_event_listener(ev::keydown, move |event| tools.key(&event));
    let pointer = window_event_listener(ev::pointermove, move |event: PointerEvent| {
        let target = event.target();
        let element = target.and_then(|target| target.dyn_into::<Element>().ok());
        let over = element.is_some_and(|element| {
            let canvas = element.closest(".canvas").ok().flatten();
            canvas.is_some()
        });
        tools.pointer.set_value(over.then(|| point(&event)));
    });
    on_cleanup(move || {
        keys.remove();
        pointer.remove();
    });
    let choices = settings();
    tools.sight.map.set(choices.map());
    Effect::new(move || choices.remember_palette(tools.palette.get()));
    let over = move || match tools.open.get() {
        Surface::Nothing => ().into_any(),
        Surface::Add { target, client } => view! { <QuickAdd tools target client/> }.into_any(),
        Surface::Menu { on, client, world } => view! { <Menu tools on client world/> }.into_any(),
        Surface::Rename(card) => view! { <Retitle tools card/> }.into_any(),
        Surface::Search => view! { <Finder tools/> }.into_any(),
        Surface::Help => view! { <Help tools/> }.into_any(),
    };
    view! {
        <Show when=move || tools.palette.get()><Palette tools/></Show>
        <Bar tools/>
        {over}
        <p class="unseen" role="status" data-testid="said">{move || tools.said.get()}</p>
    }
}

/// Where a pointer is, in client coordinates.
pub(super) fn point(event: &PointerEvent) -> Point {
    Point::new(f64::from(event.client_x()), f64::from(event.client_y()))
}

/// What is done most, each with its keys in its tooltip.
const BAR: [&[Command]; 3] = [
    &[Command::Add],
    &[Command::Undo, Command::Redo],
    &[Command::Tidy, Command::Fit, Command::Search, Command::Help],
];

/// The bar. It is one stop of Tab; arrow keys go through it.
#[component]
fn Bar(tools: Tools) -> impl IntoView {
    let t = texts();
    let element: NodeRef<html::Div> = NodeRef::new();
    let keys = move |event: KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowRight" => Step::Next,
            "ArrowLeft" => Step::Before,
            "Home" => Step::First,
            "End" => Step::Last,
            _ => return,
        };
        if let Some(bar) = element.get_untracked() {
            event.prevent_default();
            go(&bar, "button", step);
        }
    };
    let button = |command: Command| {
        let label = move || format!("{} ({})", bar_words(tools, command), keys_of(command));
        // A button that does nothing now keeps the keyboard, so that whoever undoes the last change is not lost.
        let off = move || !command.makes_sense(&tools.situation());
        view! {
            <button
                type="button"
                class="button quiet icon"
                data-testid=format!("bar-{command:?}").to_lowercase()
                tabindex=if command == Command::Add { "0" } else { "-1" }
                aria-label=label
                title=label
                aria-disabled=move || if off() { "true" } else { "false" }
                on:click=move |_| tools.run(command)
            >
                <Glyph icon=command.icon()/>
            </button>
        }
    };
    let groups = BAR.iter().enumerate().map(|(index, group)| {
        let gap = (index > 0).then(|| view! { <span class="bar-gap" aria-hidden="true"></span> });
        let buttons: Vec<_> = group.iter().map(|command| button(*command)).collect();
        view! { {gap} {buttons} }
    });
    view! {
        <div node_ref=element class="bar surface" role="toolbar" aria-label=t.bar_label data-testid="bar" on:keydown=keys>
            {groups.collect_view()}
        </div>
    }
}

/// The words of a button: those of undo and redo say what they would do.
fn bar_words(tools: Tools, command: Command) -> String {
    let t = texts();
    let about = |what, pattern| fill(pattern, &[("what", what_words(what))]);
    let words = match command {
        Command::Undo => tools
            .desk
            .undoable
            .get()
            .map(|what| about(what, t.bar_undo)),
        Command::Redo => tools
            .desk
            .redoable
            .get()
            .map(|what| about(what, t.bar_redo)),
        _ => None,
    };
    words.unwrap_or_else(|| command.words(t).to_owned())
}
