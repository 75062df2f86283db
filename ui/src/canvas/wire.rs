//! Links that are being drawn: from what end, where they may go, and why not elsewhere.

use weir_flows::document::{Flow, Link, Slug};

use super::{
    ask::Anchor,
    geometry::{Point, Rect},
    graph::{Card, Graph},
};
use crate::edit::{End, Illegal, legal};

/// How near to a card a link is let go to enter it, in window pixels.
const NEAR: f64 = 20.0;
/// How far inside of its own card a link is before it is told that it cannot stay there.
const INSIDE: f64 = 18.0;

/// A link in the hand: the end that stays, and the link of the document whose other end is led about, if it is not new.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wire {
    pub(crate) fixed: Anchor,
    pub(crate) link: Option<Link>,
}

impl Wire {
    /// A new link.
    pub(crate) fn new(fixed: Anchor) -> Self {
        Wire { fixed, link: None }
    }

    /// The end of a link that is nearer to a point, taken off.
    pub(crate) fn taken(graph: &Graph, link: &Link, at: Point) -> Option<Self> {
        let start = graph.card(&link.from)?.exit(link.port());
        let end = graph.card(&link.to)?.entry();
        let fixed = if at.distance(start) < at.distance(end) {
            Anchor::Entry {
                card: link.to.clone(),
            }
        } else {
            Anchor::Port {
                card: link.from.clone(),
                port: link.port().to_owned(),
            }
        };
        Some(Wire {
            fixed,
            link: Some(link.clone()),
        })
    }

    /// The link it becomes at an anchor; none where both would be the same end.
    pub(crate) fn at(&self, anchor: &Anchor) -> Option<Link> {
        let (from, port, to) = match (&self.fixed, anchor) {
            (Anchor::Port { card: from, port }, Anchor::Entry { card: to })
            | (Anchor::Entry { card: to }, Anchor::Port { card: from, port }) => (from, port, to),
            _ => return None,
        };
        Some(Link {
            from: from.clone(),
            port: (port != "ok").then(|| port.clone()),
            to: to.clone(),
        })
    }

    /// The end that the link of the document gets at an anchor.
    pub(crate) fn end(anchor: &Anchor) -> End {
        match anchor {
            Anchor::Port { card, port } => End::From {
                from: card.clone(),
                port: port.clone(),
            },
            Anchor::Entry { card } => End::To(card.clone()),
        }
    }
}

/// A place where a link in the hand could go, and whether it may.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) anchor: Anchor,
    pub(crate) legal: Result<(), Illegal>,
}

/// Everywhere a link could go.
pub(crate) fn targets(graph: &Graph, flow: &Flow, wire: &Wire) -> Vec<Target> {
    let without = wire
        .link
        .as_ref()
        .and_then(|link| flow.links.iter().position(|known| known == link));
    let anchors = graph.cards.iter().flat_map(|card| match &wire.fixed {
        Anchor::Port { .. } => vec![Anchor::Entry {
            card: card.id.clone(),
        }],
        Anchor::Entry { .. } => card
            .ports
            .iter()
            .map(|port| Anchor::Port {
                card: card.id.clone(),
                port: port.name.clone(),
            })
            .collect(),
    });
    let judged = anchors.filter_map(|anchor| {
        let link = wire.at(&anchor)?;
        let legal = legal(flow, &link, without);
        Some(Target { anchor, legal })
    });
    judged.collect()
}

/// Where an anchor is in the world.
pub(crate) fn point_of(graph: &Graph, anchor: &Anchor) -> Option<Point> {
    let card = graph.card(anchor.card())?;
    Some(point_on(card, anchor))
}

/// Where an anchor of a card is in the world.
pub(crate) fn point_on(card: &Card, anchor: &Anchor) -> Point {
    match anchor {
        Anchor::Port { port, .. } => card.exit(port),
        Anchor::Entry { .. } => card.entry(),
    }
}

/// The target that a pointer means: the nearest anchor of the card that it is on or near to. `at` is in the world.
pub(crate) fn aimed(
    graph: &Graph,
    wire: &Wire,
    targets: &[Target],
    at: Point,
    zoom: f64,
) -> Option<usize> {
    let room = |card: &Card| -> Rect {
        let margin = if card.id == *wire.fixed.card() {
            -INSIDE
        } else {
            NEAR / zoom
        };
        card.rect().grown(margin)
    };
    let near = graph.cards.iter().filter(|card| room(card).contains(at));
    let card = near.min_by(|a, b| {
        let far = |card: &Card| card.rect().distance(at);
        far(a).total_cmp(&far(b))
    })?;
    let of_card = targets
        .iter()
        .enumerate()
        .filter(|(_, target)| *target.anchor.card() == card.id);
    of_card
        .min_by(|a, b| {
            let far = |target: &Target| point_on(card, &target.anchor).distance(at);
            far(a.1).total_cmp(&far(b.1))
        })
        .map(|(index, _)| index)
}

/// The cards of the targets that are legal, each once.
pub(crate) fn legal_cards(targets: &[Target]) -> Vec<&Slug> {
    let mut cards: Vec<&Slug> = Vec::new();
    for target in targets.iter().filter(|target| target.legal.is_ok()) {
        if cards.last() != Some(&target.anchor.card()) {
            cards.push(target.anchor.card());
        }
    }
    cards
}
