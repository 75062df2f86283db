//! Adding cards: where a new one goes, what is in it, and what is said of it.

use weir_flows::{
    catalog::{Entry, Group},
    document::{Slug, Step, Trigger},
    port::PortRole,
};

use leptos::prelude::*;

use super::{
    places::{Target, apart, corner_of},
    tools::Tools,
};
use crate::{
    canvas::geometry::Point,
    edit::{self, Added, Change, Chosen, Clip, NotAClip, What},
    kinds::step_ports,
    texts::{count, fill, language, texts},
};

impl Tools {
    /// Adds a card of a kind.
    pub(crate) fn put(&self, entry: &Entry, target: Target) {
        self.put_card(added(entry), target);
    }

    /// Adds a card.
    pub(crate) fn put_card(&self, card: Added, target: Target) {
        let target = match target {
            Target::Anywhere => self.anywhere(&card),
            target => target,
        };
        let flow = self.desk.drawn.get_untracked();
        let taken = self.desk.taken();
        let made = match (card, &target) {
            (Added::Step(step), Target::After { from, port, at }) => {
                edit::add_after(&flow, &taken, step, *at, from, port)
            }
            (Added::Step(step), Target::OnLink { index, at, moved }) => {
                let on = way_on(&step);
                let made = edit::add_on_link(&flow, &taken, step, *at, *index, on.as_deref());
                made.map(|(mut change, id)| {
                    let moves = edit::place(&flow, What::Move, moved);
                    change.edits.extend(moves.edits);
                    (change, id)
                })
            }
            (card, Target::After { at, .. } | Target::OnLink { at, .. } | Target::At(at)) => {
                Some(edit::add(&taken, card, *at))
            }
            (card, Target::Anywhere) => Some(edit::add(&taken, card, self.sight.centre())),
        };
        let ends = match &target {
            Target::After { from, .. } => (Some(from.clone()), None),
            Target::OnLink { index, .. } => match flow.links.get(*index) {
                Some(link) => (Some(link.from.clone()), Some(link.to.clone())),
                None => (None, None),
            },
            Target::Anywhere | Target::At(_) => (None, None),
        };
        // The document is let go, so that the desk can change it without a copy.
        drop(flow);
        self.close();
        if let Some((change, id)) = made {
            self.take_in(change, Chosen::card(id.clone()));
            self.say(self.added_words(&id, ends));
        }
    }

    /// Puts a copied text onto the drawing: at a point of it, or where the pointer is, or in the middle of what is seen.
    pub(crate) fn paste(&self, text: &str, at: Option<Point>) {
        let t = texts();
        let clip = match Clip::read(text) {
            Ok(clip) if !clip.is_empty() => clip,
            Ok(_) | Err(NotAClip::Other) => return self.refuse(t.paste_other.to_owned()),
            Err(NotAClip::Broken(why)) => {
                return self.refuse(fill(t.paste_broken, &[("why", &why)]));
            }
        };
        // What starts runs has no place in a body.
        let clip = match self.desk.is_inside() {
            true => clip.without_triggers(),
            false => clip,
        };
        if clip.is_empty() {
            return self.refuse(t.paste_triggers.to_owned());
        }
        let pointer = self.pointer.get_value();
        let corner = at
            .or_else(|| pointer.map(|client| self.sight.to_world(client)))
            .unwrap_or_else(|| corner_of(&clip, self.sight.centre()));
        let graph = self.desk.graph.get_untracked();
        let corner = apart(&graph, corner);
        let taken = self.desk.taken();
        let (change, chosen) = self
            .desk
            .drawn
            .with_untracked(|flow| clip.paste(flow, &taken, corner, What::Paste));
        let cards = chosen.cards.len() as u64;
        self.take_in(change, chosen);
        self.say(count(cards, t.said_pasted_one, t.said_pasted_many));
    }

    /// Copies what is chosen beside itself.
    pub(super) fn duplicate(&self) {
        let t = texts();
        let desk = self.desk;
        let chosen = desk.chosen.get_untracked();
        let places = |id: &str| desk.place(id);
        let taken = desk.taken();
        let made = desk
            .drawn
            .with_untracked(|flow| edit::duplicate(flow, &taken, &chosen.cards, places));
        if let Some((change, chosen)) = made {
            let cards = chosen.cards.len() as u64;
            self.take_in(change, chosen);
            self.say(count(cards, t.said_duplicated_one, t.said_duplicated_many));
        }
    }

    /// The name of a card for people.
    pub(super) fn title(&self, id: &str) -> String {
        self.desk.graph.with_untracked(|graph| {
            let card = graph.card(id);
            card.map_or_else(|| id.to_owned(), |card| card.title.clone())
        })
    }

    /// Does a change that brings cards, chooses them and shows them.
    fn take_in(&self, change: Change, chosen: Chosen) {
        self.desk.settle();
        self.desk.apply(change);
        let first = chosen.cards.first().cloned();
        self.desk.chosen.set(chosen);
        if let Some(first) = first {
            self.sight.reveal(&first);
            self.sight.focus(Some(first));
        }
    }

    /// Behind the only chosen card, by its first way out that leads nowhere yet; else in the middle of what is seen.
    fn anywhere(&self, card: &Added) -> Target {
        let graph = self.desk.graph.get_untracked();
        let behind = matches!(card, Added::Step(_)).then(|| self.only_card());
        behind
            .flatten()
            .and_then(|from| Target::after(&graph, &from))
            .unwrap_or_else(|| Target::around(&graph, self.sight.centre()))
    }

    fn added_words(&self, id: &str, ends: (Option<Slug>, Option<Slug>)) -> String {
        let t = texts();
        let title = self.title(id);
        match ends {
            (Some(from), Some(to)) => {
                let (from, to) = (self.title(&from), self.title(&to));
                fill(
                    t.said_added_between,
                    &[("title", &title), ("from", &from), ("to", &to)],
                )
            }
            (Some(from), None) => fill(
                t.said_added_after,
                &[("title", &title), ("from", &self.title(&from))],
            ),
            _ => fill(t.said_added, &[("title", &title)]),
        }
    }
}

/// A new card of a kind, with what a new one contains.
pub(super) fn added(entry: &Entry) -> Added {
    let kind = entry.kind.to_string();
    let title = entry.title.of(language().code()).to_owned();
    let config = entry.start.clone();
    match entry.group {
        Group::Trigger => Added::Trigger(Trigger {
            kind,
            title,
            config,
            ..Trigger::default()
        }),
        Group::Mapper | Group::Action | Group::Control => Added::Step(Step {
            kind,
            title,
            config,
            ..Step::default()
        }),
    }
}

/// The port by which a run goes on after a step that is put on a link: its first, and none where it ends all ways.
fn way_on(step: &Step) -> Option<String> {
    let mut ports = step_ports(step).into_iter();
    let on = ports.find(|port| port.role != PortRole::Error);
    on.map(|port| port.name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_flows::builtin;

    use super::*;

    #[test]
    fn a_run_goes_on_by_the_first_way() {
        let branch =
            json!({ "cases": [ { "port": "large", "when": "true" } ], "otherwise": "small" });
        for (kind, config, on) in [
            ("map", json!({}), Some("ok")),
            ("branch", branch, Some("large")),
            ("respond", json!({}), Some("ok")),
            ("fail", json!({}), None),
        ] {
            let step = Step {
                kind: kind.to_owned(),
                config: serde_json::from_value(config).unwrap(),
                ..Step::default()
            };
            assert_eq!(way_on(&step).as_deref(), on, "{kind}");
        }
    }

    #[test]
    fn new_cards_have_what_the_catalog_begins_them_with() {
        let catalog = builtin::catalog();
        for entry in catalog.triggers.iter().chain(&catalog.steps) {
            let (kind, config) = match added(entry) {
                Added::Trigger(trigger) => (trigger.kind, trigger.config),
                Added::Step(step) => (step.kind, step.config),
            };
            assert_eq!((kind.as_str(), &config), (&*entry.kind, &entry.start));
        }
        let is_trigger = |kind| matches!(catalog.trigger(kind).map(added), Some(Added::Trigger(_)));
        assert!(is_trigger("manual") && is_trigger("schedule"));
    }
}
