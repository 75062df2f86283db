//! Everything by a few letters: the cards of the drawing, the commands, and what can be added.

use std::sync::Arc;

use leptos::prelude::*;
use weir_flows::document::{Flow, Slug, each_step};

use super::{
    command::Command,
    palette::{Kind, keys_of, kind_items},
    picker::{Item, Picker},
    places::Target,
    tools::Tools,
};
use crate::{
    canvas::Card,
    edit::{Added, body},
    kit::icon::Icon,
    texts::{Texts, texts},
};

/// What the search finds.
#[derive(Clone, Debug, PartialEq)]
enum Found {
    Card(Slug),
    Do(Command),
    Add(Kind),
}

/// The search over the drawing.
#[component]
pub(crate) fn Finder(tools: Tools) -> impl IntoView {
    let t = texts();
    let items = Signal::derive(move || Arc::new(everything(t, tools)));
    let picked = move |found: Found| match found {
        Found::Card(id) => {
            tools.desk.show(&id);
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
        <div class="finder surface" role="dialog" aria-modal="true" aria-label=t.command_search data-testid="finder">
            <Picker
                id="finder"
                label=t.finder_label
                placeholder=t.finder_label
                nothing=t.finder_nothing
                items
                modal=true
                picked
                left=move || tools.close()
            />
        </div>
    }
}

fn everything(t: &'static Texts, tools: Tools) -> Vec<Item<Found>> {
    let graph = tools.desk.graph.get();
    let catalog = tools.desk.catalog.get();
    let found = |card: &Card| {
        let entry = if card.enters {
            catalog.step(&card.kind)
        } else {
            catalog.trigger(&card.kind)
        };
        let icon = entry.and_then(|entry| Icon::named(&entry.icon));
        Item {
            pick: Found::Card(card.id.clone()),
            icon: icon.unwrap_or(Icon::Braces),
            tone: card.role.class(),
            title: card.title.clone(),
            detail: card.summary.clone(),
            mark: String::new(),
            search: vec![card.id.clone(), card.kind.clone()],
            group: t.finder_cards,
            test: card.id.clone(),
        }
    };
    // What stands in other parts of the flow is found as well, with the way to it.
    let mut elsewhere = Vec::new();
    tools.desk.flow.with(|flow| {
        let triggers = flow.triggers.iter();
        for (id, trigger) in triggers.filter(|(id, _)| graph.card(id).is_none()) {
            let card = Card::of_new(&Added::Trigger(trigger.clone()));
            elsewhere.push(other(flow, id, card));
        }
        each_step(flow, |_, id, step| {
            if graph.card(id).is_none() {
                let card = Card::of_new(&Added::Step(step.clone()));
                elsewhere.push(other(flow, id, card));
            }
        });
    });
    let now = tools.situation();
    let commands = Command::ALL
        .into_iter()
        .filter(move |command| *command != Command::Search && command.makes_sense(&now))
        .map(|command| Item {
            pick: Found::Do(command),
            icon: command.icon(),
            tone: "",
            title: command.words(t).to_owned(),
            detail: String::new(),
            mark: keys_of(command),
            search: vec![command.also(t).to_owned()],
            group: t.finder_commands,
            test: format!("{command:?}"),
        });
    let kinds = kind_items(&catalog, |entry| tools.desk.takes(entry));
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
    let cards = graph.cards.iter().chain(&elsewhere).map(found);
    cards.chain(commands).chain(kinds).collect()
}

/// A card that is not drawn now; what it is about is where it stands.
fn other(flow: &Flow, id: &str, card: Card) -> Card {
    let title = match card.title.as_str() {
        "" => id.to_owned(),
        title => title.to_owned(),
    };
    let way = body::way_to(flow, id).unwrap_or_default();
    Card {
        id: id.to_owned(),
        title,
        summary: body::titles(flow, &way).join(" › "),
        ..card
    }
}
