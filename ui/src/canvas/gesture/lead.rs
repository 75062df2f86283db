//! Links that the keyboard leads: which card they mean at first, and which one an arrow key makes them mean.

use std::sync::Arc;

use weir_flows::document::Flow;

use super::{Gesture, Leader};
use crate::canvas::{
    ask::Anchor,
    geometry::{Direction, Rect, Viewport, neighbour},
    graph::Graph,
    wire::{Target, Wire, legal_cards, point_of, targets},
};

/// A link that the keyboard leads: it means the nearest card at first, and rather one that follows.
pub(super) fn led(from: Anchor, flow: &Flow, viewport: Viewport, graph: &Graph) -> Gesture {
    let wire = Wire::new(from);
    let targets = targets(graph, flow, &wire);
    let start = point_of(graph, &wire.fixed).unwrap_or_default();
    let cost = |target: &Target| {
        let to = point_of(graph, &target.anchor).unwrap_or_default();
        let back = if to.x < start.x { 10_000.0 } else { 0.0 };
        to.distance(start) + back
    };
    let legal = targets.iter().enumerate();
    let over = legal
        .filter(|(_, target)| target.legal.is_ok())
        .min_by(|a, b| cost(a.1).total_cmp(&cost(b.1)))
        .map(|(index, _)| index);
    Gesture::Connect {
        leader: Leader::Keys,
        at: viewport.to_window(start),
        wire,
        targets: Arc::new(targets),
        over,
    }
}

/// A link that the keyboard leads means the next legal target in a direction.
pub(super) fn turned_to(gesture: Gesture, towards: Direction, graph: &Graph) -> Gesture {
    let Gesture::Connect {
        leader: Leader::Keys,
        wire,
        at,
        targets,
        over,
    } = gesture
    else {
        return gesture;
    };
    let legal = legal_cards(&targets);
    let rects: Vec<Rect> = legal
        .iter()
        .filter_map(|id| Some(graph.card(id)?.rect()))
        .collect();
    let now = over.and_then(|over| targets.get(over));
    let now = now.and_then(|now| legal.iter().position(|id| *id == now.anchor.card()));
    let next = now
        .and_then(|now| neighbour(&rects, now, towards))
        .and_then(|next| legal.get(next).copied());
    let over = next.map_or(over, |next| {
        let same = targets.iter();
        same.enumerate()
            .find(|(_, target)| target.legal.is_ok() && target.anchor.card() == next)
            .map(|(index, _)| index)
    });
    Gesture::Connect {
        leader: Leader::Keys,
        wire,
        at,
        targets,
        over,
    }
}
