//! What lies over the drawing when it is asked for: the menu of a card, everything by a few letters, and the keys.

use std::sync::Arc;

use leptos::{ev::KeyboardEvent, html, prelude::*};
use wasm_bindgen::JsCast;
use weir_flows::document::Slug;

use super::{
    command::{Chapter, Command},
    palette::{Kind, inside, is_mac, keys_of, kind_items},
    picker::{Item, Picker},
    tools::{Surface, Target, Tools, cards},
};
use crate::{
    canvas::{Spot, geometry::Point},
    kit::{
        dialog::Dialog,
        icon::{Glyph, Icon},
    },
    texts::{Texts, texts},
};

/// The height of one entry of the menu, in window pixels.
const ROW: f64 = 34.0;
const WIDTH: f64 = 250.0;

/// The commands for what is under the pointer.
#[component]
pub(crate) fn Menu(tools: Tools, on: Spot, client: Point, world: Point) -> impl IntoView {
    let t = texts();
    let commands: &[Command] = match on {
        Spot::Ground => &[
            Command::Add,
            Command::Paste,
            Command::SelectAll,
            Command::Tidy,
            Command::Fit,
            Command::Help,
        ],
        Spot::Link(_) | Spot::LinkPlus(_) => &[Command::Delete],
        Spot::Card(_) | Spot::Handle(_) => &[
            Command::Inspect,
            Command::Connect,
            Command::Rename,
            Command::Duplicate,
            Command::Copy,
            Command::Cut,
            Command::Disable,
            Command::Delete,
        ],
    };
    let now = untrack(|| tools.situation());
    let commands: Vec<Command> = commands
        .iter()
        .copied()
        .filter(|command| command.makes_sense(&now))
        .collect();
    let (left, top) = inside(client, WIDTH, ROW * commands.len() as f64 + 12.0);
    let element: NodeRef<html::Div> = NodeRef::new();
    Effect::new(move || {
        if let Some(menu) = element.get() {
            request_animation_frame(move || step(&menu, |_, _| 0));
        }
    });
    let keys = move |event: KeyboardEvent| {
        let Some(menu) = element.get_untracked() else {
            return;
        };
        match event.key().as_str() {
            "ArrowDown" => step(&menu, |now, count| (now + 1) % count),
            "ArrowUp" => step(&menu, |now, count| (now + count - 1) % count),
            "Home" => step(&menu, |_, _| 0),
            "End" => step(&menu, |_, count| count - 1),
            "Escape" | "Tab" => tools.close(),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let entries = commands.into_iter().map(|command| {
        let press = move |_| match command {
            // From the menu a card is added where it was opened.
            Command::Add => tools.open.set(Surface::Add {
                target: Target::At(world),
                client,
            }),
            command => tools.run(command),
        };
        view! {
            <button type="button" class="menu-entry" role="menuitem" tabindex="-1" data-testid="menu-entry" data-command=format!("{command:?}") on:click=press>
                <Glyph icon=command.icon()/>
                <span>{command.words(t)}</span>
                <kbd>{keys_of(command)}</kbd>
            </button>
        }
    });
    view! {
        <div class="cover" on:pointerdown=move |_| tools.close() on:contextmenu=|event| event.prevent_default()></div>
        <div
            node_ref=element
            class="menu surface"
            role="menu"
            aria-label=t.menu_label
            data-testid="menu"
            style:left=left
            style:top=top
            on:keydown=keys
        >
            {entries.collect_view()}
        </div>
    }
}

/// Moves the focus among the entries of a menu.
fn step(menu: &web_sys::HtmlDivElement, next: impl Fn(usize, usize) -> usize) {
    let Ok(entries) = menu.query_selector_all("[role=menuitem]") else {
        return;
    };
    let count = entries.length() as usize;
    if count == 0 {
        return;
    }
    let active = document().active_element();
    let now = (0..count).position(|index| {
        let entry = entries.item(index as u32);
        entry.is_some_and(|entry| {
            active
                .as_ref()
                .is_some_and(|active| entry.is_same_node(Some(active)))
        })
    });
    let entry = entries.item(next(now.unwrap_or(count - 1), count) as u32);
    if let Some(entry) = entry.and_then(|entry| entry.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = entry.focus();
    }
}

/// What the search finds.
#[derive(Clone, Debug, PartialEq)]
enum Found {
    Card(Slug),
    Do(Command),
    Add(Kind),
}

/// Everything by a few letters: the cards of the drawing, the commands, and what can be added.
#[component]
pub(crate) fn Search(tools: Tools) -> impl IntoView {
    let t = texts();
    let items = Signal::derive(move || Arc::new(everything(t, tools)));
    let picked = move |found: Found| match found {
        Found::Card(id) => {
            tools.desk.choose(Some(id.clone()));
            tools.close();
            tools.sight.reveal(&id);
            tools.sight.focus(Some(id));
        }
        Found::Do(command) => {
            tools.close();
            tools.run(command);
        }
        Found::Add(kind) => tools.put(&kind.0, Target::Anywhere),
    };
    view! {
        <div class="cover dim" on:pointerdown=move |_| tools.close()></div>
        <div class="finder surface" role="dialog" aria-label=t.command_search data-testid="finder">
            <Picker
                id="finder"
                label=t.finder_label
                placeholder=t.finder_label
                nothing=t.finder_nothing
                items
                focus=true
                picked
                left=move || tools.close()
            />
        </div>
    }
}

fn everything(t: &Texts, tools: Tools) -> Vec<Item<Found>> {
    let graph = tools.desk.graph.get();
    let cards = cards(&graph).into_iter().map(|(id, title)| Item {
        icon: Icon::Crosshair,
        tone: "",
        detail: if title == id {
            String::new()
        } else {
            id.clone()
        },
        title,
        mark: String::new(),
        search: Vec::new(),
        group: t.finder_cards,
        test: id.clone(),
        pick: Found::Card(id),
    });
    let now = tools.situation();
    let commands = Command::ALL
        .into_iter()
        .filter(move |command| *command != Command::Search && command.makes_sense(&now))
        .map(|command| Item {
            icon: command.icon(),
            tone: "",
            title: command.words(t).to_owned(),
            detail: String::new(),
            mark: keys_of(command),
            search: Vec::new(),
            group: t.finder_commands,
            test: format!("{command:?}"),
            pick: Found::Do(command),
        });
    let kinds = tools
        .desk
        .catalog
        .with(|catalog| kind_items(catalog, |_| true));
    let kinds = kinds.into_iter().map(|item| Item {
        pick: Found::Add(item.pick),
        icon: item.icon,
        tone: item.tone,
        title: item.title,
        detail: item.detail,
        mark: item.mark,
        search: item.search,
        group: t.finder_add,
        test: item.test,
    });
    cards.chain(commands).chain(kinds).collect()
}

/// The keys, by chapter, with those that the canvas itself answers.
#[component]
pub(crate) fn Help(tools: Tools) -> impl IntoView {
    let t = texts();
    let open = RwSignal::new(true);
    Effect::new(move || {
        if !open.get() {
            tools.close();
        }
    });
    let chapters = [
        (Chapter::Draw, t.help_draw),
        (Chapter::View, t.help_view),
        (Chapter::Flow, t.help_flow),
    ];
    let chapters = move || {
        chapters
            .into_iter()
            .map(|(chapter, title)| {
                let rows = Command::ALL
                    .into_iter()
                    .filter(|command| command.chapter() == chapter)
                    .map(|command| {
                        let keys = command.chords().iter().map(|chord| view! { <kbd>{chord.words(t, is_mac())}</kbd> });
                        view! { <div class="help-row"><dt>{command.words(t)}</dt><dd>{keys.collect_view()}</dd></div> }
                    });
                view! { <section><h3>{title}</h3><dl>{rows.collect_view()}</dl></section> }
            })
            .collect_view()
    };
    let hand = [
        (t.hand_walk, t.hand_walk_keys),
        (t.hand_choose, t.hand_choose_keys),
        (t.hand_open, t.hand_open_keys),
        (t.hand_move, t.hand_move_keys),
        (t.hand_connect, t.hand_connect_keys),
        (t.hand_pan, t.hand_pan_keys),
        (t.hand_marquee, t.hand_marquee_keys),
        (t.hand_snap, t.hand_snap_keys),
        (t.hand_leave, t.hand_leave_keys),
    ];
    let hand = move || {
        hand.into_iter()
            .map(
                |(what, keys)| view! { <div class="help-row"><dt>{what}</dt><dd>{keys}</dd></div> },
            )
            .collect_view()
    };
    view! {
        <Dialog open title=Signal::stored(t.command_help.to_owned()) wide=true>
            <div class="dialog-body help" data-testid="help">
                {chapters}
                <section><h3>{t.help_hand}</h3><dl>{hand}</dl></section>
            </div>
        </Dialog>
    }
}
