//! Deeds: what a gesture has led to is done in the document, or asked of the editor.

use weir_flows::document::{Link, Slug};

use leptos::prelude::*;

use super::{
    ask::{Anchor, Ask, Carried, Spot, Where},
    geometry::{Point, Size},
    gesture::Deed,
    graph::{CARD_HEIGHT, CARD_WIDTH, Graph},
    hands::Hands,
    layout::{COLUMN_GAP, free_place, room},
    wire::{Wire, point_of},
};
use crate::{
    edit::{self, Chosen},
    texts::{fill, texts},
};

impl Hands {
    /// Does what a gesture has led to.
    pub(super) fn act(&self, deed: Deed, graph: &Graph) {
        let place = |id: &str| graph.card(id).map(|card| card.at);
        match deed {
            Deed::Choose(chosen) => self.choose.run(chosen),
            Deed::Menu { on, at } => {
                self.choose_spot(&on);
                self.ask(Ask::Menu {
                    on,
                    at: self.whereabouts(at),
                });
            }
            Deed::Move { cards, by } => {
                if let Some(pen) = self.pen {
                    pen.desk.make(|flow| edit::move_by(flow, &cards, by, place));
                    self.choose.run(Chosen {
                        cards: cards.as_ref().clone(),
                        ..Chosen::default()
                    });
                }
            }
            Deed::Fasten { wire, to } => self.fasten(&wire, &to, graph),
            Deed::Detach(link) => {
                if let Some(pen) = self.pen {
                    let chosen = Chosen {
                        links: [link].into(),
                        ..Chosen::default()
                    };
                    pen.desk.make(|flow| edit::delete(flow, &chosen));
                }
            }
            Deed::AddAfter { anchor, at } => self.ask_after(&anchor, at, graph),
            Deed::AddOnLink(link) => self.ask_on_link(&link, graph),
            Deed::Put { carried, at, link } => self.put(&carried, at, link, graph),
        }
    }

    /// Draws a link, or fastens an end of one elsewhere.
    fn fasten(&self, wire: &Wire, to: &Anchor, graph: &Graph) {
        let (Some(pen), Some(link)) = (self.pen, wire.at(to)) else {
            return;
        };
        let flow = pen.desk.drawn.get_untracked();
        let index = wire
            .link
            .as_ref()
            .and_then(|old| flow.links.iter().position(|known| known == old));
        let change = match index {
            Some(index) => edit::reconnect(&flow, index, &Wire::end(to)),
            None => edit::connect(&flow, &link.from, link.port(), &link.to),
        };
        // The document is let go, so that the desk can change it without a copy.
        drop(flow);
        if let Ok(change) = change {
            pen.desk.apply(change);
            let title = |id: &str| graph.card(id).map_or("", |card| card.title.as_str());
            let (from, to) = (title(&link.from), title(&link.to));
            self.say(fill(
                texts().canvas_connected,
                &[("from", from), ("to", to)],
            ));
        }
    }

    /// Asks for a step after a port: where the link was let go, or beside the card.
    pub(super) fn ask_after(&self, anchor: &Anchor, at: Option<Point>, graph: &Graph) {
        let Anchor::Port { card, port } = anchor else {
            return;
        };
        let Some(exit) = point_of(graph, anchor) else {
            return;
        };
        let entry = at.unwrap_or_else(|| exit.plus(Point::new(COLUMN_GAP, 0.0)));
        let wanted = entry.minus(Point::new(0.0, CARD_HEIGHT / 2.0));
        self.ask(Ask::AddAfter {
            from: card.clone(),
            port: port.clone(),
            at: Where {
                world: free_place(graph, wanted, new_size()),
                client: self.sight.to_client(at.unwrap_or(exit)),
            },
        });
    }

    /// Asks for a step on a link.
    pub(super) fn ask_on_link(&self, link: &Link, graph: &Graph) {
        if let Some((index, at, moved)) = self.room_on(link, graph) {
            self.ask(Ask::AddOnLink { index, at, moved });
        }
    }

    fn put(&self, carried: &Carried, at: Point, link: Option<Link>, graph: &Graph) {
        let on_link = link.and_then(|link| self.room_on(&link, graph));
        let (link, at, moved) = match on_link {
            Some((index, at, moved)) => (Some(index), at, moved),
            None => {
                let at = Where {
                    world: at,
                    client: self.sight.to_client(at),
                };
                (None, at, Vec::new())
            }
        };
        let card = carried.added.clone();
        self.ask(Ask::Put {
            card,
            at,
            link,
            moved,
        });
    }

    /// The index of a link, where a card on it would stand, and what makes room.
    #[expect(
        clippy::type_complexity,
        reason = "three things that are taken apart at once"
    )]
    fn room_on(&self, link: &Link, graph: &Graph) -> Option<(usize, Where, Vec<(Slug, Point)>)> {
        let mut links = graph.links.iter();
        let drawn = links.find(|drawn| graph.document_link(drawn).as_ref() == Some(link))?;
        let (world, moved) = room(graph, drawn, new_size())?;
        let (from, to) = graph.ends(drawn)?;
        let client = self.sight.to_client(from.middle(to));
        Some((drawn.index, Where { world, client }, moved))
    }

    pub(super) fn ask(&self, ask: Ask) {
        if let Some(pen) = self.pen {
            pen.desk.settle();
            pen.ask.run(ask);
        }
    }

    /// Chooses what is under a pointer, unless it is chosen already along with other things.
    pub(super) fn choose_spot(&self, on: &Spot) {
        let chosen = self.chosen.get_untracked();
        let to = match on {
            Spot::Card(id) if !chosen.cards.contains(id) => Chosen::card(id.clone()),
            Spot::Link(link) | Spot::LinkPlus(link) if !chosen.links.contains(link) => Chosen {
                links: [link.clone()].into(),
                ..Chosen::default()
            },
            Spot::Handle(anchor) if !chosen.cards.contains(anchor.card()) => {
                Chosen::card(anchor.card().clone())
            }
            _ => return,
        };
        self.choose.run(to);
    }

    /// A place in the window of the canvas, for a menu and for a card with its middle there.
    pub(super) fn whereabouts(&self, at: Point) -> Where {
        let world = self.sight.viewport.get_untracked().to_world(at);
        Where {
            world: world.minus(Point::new(CARD_WIDTH / 2.0, CARD_HEIGHT / 2.0)),
            client: at.plus(self.sight.corner.get_value()),
        }
    }

    /// Moves cards by keyboard.
    pub(super) fn nudge(&self, by: Point) {
        let Some(pen) = self.pen else { return };
        let chosen = self.chosen.get_untracked();
        let focused = self.first.get_untracked();
        let cards = match focused {
            Some(id) if !chosen.cards.contains(&id) => [id].into(),
            _ => chosen.cards,
        };
        let change = pen
            .desk
            .drawn
            .with_untracked(|flow| edit::move_by(flow, &cards, by, |id| pen.desk.place(id)));
        if !change.is_empty() && !cards.is_empty() {
            let ids: Vec<&str> = cards.iter().map(String::as_str).collect();
            // A key that is held moves once, as far as undo is concerned.
            pen.desk
                .apply(change.merged(format!("nudge/{}", ids.join("/"))));
            let moved = self.graph.with_untracked(|graph| {
                let card = graph.card(cards.iter().next()?)?;
                let [x, y] = card.at.whole();
                let (x, y) = (x.to_string(), y.to_string());
                let places = [("title", card.title.as_str()), ("x", &x), ("y", &y)];
                Some(fill(texts().canvas_moved, &places))
            });
            self.say(moved.unwrap_or_default());
        }
    }
}

/// How large a card is that nobody has seen yet.
fn new_size() -> Size {
    Size {
        width: CARD_WIDTH,
        height: CARD_HEIGHT,
    }
}
