//! The menu of a card, a link or the ground: the commands that make sense there.

use leptos::{ev::KeyboardEvent, html, prelude::*};

use super::{
    clipboard,
    command::Command,
    palette::{inside, keys_of},
    places::Target,
    roving::{Step, go},
    tools::Tools,
};
use crate::{
    canvas::{Anchor, CARD_HEIGHT, CARD_WIDTH, Spot, geometry::Point},
    kit::icon::Glyph,
    texts::texts,
};

/// The height of an entry, of the line between two groups and of the edges, in window pixels.
const ROW: f64 = 32.0;
const GAP: f64 = 9.0;
const EDGES: f64 = 14.0;
const WIDTH: f64 = 264.0;

/// The commands for what is under the pointer, in groups.
#[component]
pub(crate) fn Menu(tools: Tools, on: Spot, client: Point, world: Point) -> impl IntoView {
    let t = texts();
    let now = untrack(|| tools.situation());
    let groups: Vec<Vec<Command>> = offered(&on)
        .iter()
        .map(|group| {
            let sensible = |command: &&Command| command.makes_sense(&now);
            group.iter().filter(sensible).copied().collect()
        })
        .filter(|group: &Vec<Command>| !group.is_empty())
        .collect();
    let rows: usize = groups.iter().map(Vec::len).sum();
    let gaps = groups.len().saturating_sub(1);
    let height = ROW * rows as f64 + GAP * gaps as f64 + EDGES;
    let (left, top) = inside(client, WIDTH, height);
    let element: NodeRef<html::Div> = NodeRef::new();
    Effect::new(move || {
        if let Some(menu) = element.get() {
            request_animation_frame(move || go(&menu, "[role=menuitem]", Step::First));
        }
    });
    let keys = move |event: KeyboardEvent| {
        let Some(menu) = element.get_untracked() else {
            return;
        };
        let key = event.key();
        let mut letters = key.chars();
        let step = match (key.as_str(), letters.next(), letters.next()) {
            ("ArrowDown", ..) => Step::Next,
            ("ArrowUp", ..) => Step::Before,
            ("Home", ..) => Step::First,
            ("End", ..) => Step::Last,
            ("Escape" | "Tab", ..) => {
                event.prevent_default();
                event.stop_propagation();
                return tools.close();
            }
            (" ", ..) => return,
            (_, Some(letter), None) if !event.ctrl_key() && !event.meta_key() => {
                Step::Letter(letter)
            }
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        go(&menu, "[role=menuitem]", step);
    };
    let entry = move |command: Command, on: Spot| {
        let press = move |_| pick(tools, command, &on, client, world);
        view! {
            <button
                type="button"
                class="menu-entry"
                class:danger=command == Command::Delete
                role="menuitem"
                tabindex="-1"
                data-testid="menu-entry"
                data-command=format!("{command:?}")
                on:click=press
            >
                <Glyph icon=command.icon()/>
                <span>{command.words(t)}</span>
                <kbd aria-hidden="true">{keys_of(command)}</kbd>
            </button>
        }
    };
    let groups = groups.into_iter().enumerate().map(|(index, group)| {
        let line = (index > 0).then(|| view! { <div class="menu-line" role="separator"></div> });
        let entries: Vec<_> = group
            .into_iter()
            .map(|command| entry(command, on.clone()))
            .collect();
        view! { {line} {entries} }
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
            on:contextmenu=|event| event.prevent_default()
        >
            {groups.collect_view()}
        </div>
    }
}

/// What is offered on a spot.
fn offered(on: &Spot) -> &'static [&'static [Command]] {
    match on {
        Spot::Ground => &[
            &[Command::Add, Command::Paste],
            &[
                Command::SelectAll,
                Command::Tidy,
                Command::Fit,
                Command::Leave,
            ],
            &[Command::Search, Command::Help],
        ],
        Spot::Link(_) | Spot::LinkPlus(_) => &[&[Command::Add], &[Command::Delete]],
        Spot::Handle(Anchor::Port { .. }) => &[&[Command::Add, Command::Connect]],
        Spot::Card(_) | Spot::Handle(Anchor::Entry { .. }) => &[
            &[
                Command::OpenBody,
                Command::Inspect,
                Command::Rename,
                Command::Connect,
            ],
            &[Command::Cut, Command::Copy, Command::Duplicate],
            &[Command::Disable, Command::Pin],
            &[Command::Delete],
        ],
    }
}

/// Does a command of the menu: what adds or pastes does it where the menu was opened.
fn pick(tools: Tools, command: Command, on: &Spot, client: Point, world: Point) {
    match command {
        Command::Add => {
            let graph = tools.desk.graph.get_untracked();
            let target = match on {
                Spot::Link(link) | Spot::LinkPlus(link) => {
                    let links = &tools.desk.drawn.get_untracked().links;
                    let index = links.iter().position(|known| known == link);
                    index.and_then(|index| Target::on_link(&graph, index))
                }
                Spot::Handle(Anchor::Port { card, port }) => Target::behind(&graph, card, port),
                _ => Some(Target::At(world)),
            };
            tools.offer(target.unwrap_or(Target::At(world)), client);
        }
        Command::Paste => {
            tools.close();
            // A menu tells where a card would have its middle; what is pasted has its corner there.
            let corner = world.plus(Point::new(CARD_WIDTH / 2.0, CARD_HEIGHT / 2.0));
            clipboard::paste(tools, Some(corner));
        }
        command => tools.run(command),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_offered_twice() {
        let card = Spot::Card("a".to_owned());
        let port = Spot::Handle(Anchor::Port {
            card: "a".to_owned(),
            port: "ok".to_owned(),
        });
        for on in [Spot::Ground, card, port] {
            let all: Vec<Command> = offered(&on).concat();
            for (index, command) in all.iter().enumerate() {
                assert!(!all[..index].contains(command), "{command:?} on {on:?}");
            }
        }
    }
}
