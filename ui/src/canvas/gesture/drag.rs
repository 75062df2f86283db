//! Drags: what a press becomes when its pointer moves, and how what it shows follows from where it is.

use std::{collections::BTreeSet, sync::Arc};

use weir_flows::document::{Flow, Link};

use super::{Gesture, Ground, Keys, Leader, Means, Outcome};
use crate::{
    canvas::{
        ask::Spot,
        geometry::{Curve, Point, Rect, Size, Viewport},
        graph::{Card, Graph},
        snap::{Settled, settle},
        wire::{Wire, aimed, targets},
    },
    edit::Chosen,
};

/// How far a pointer moves before a press becomes a drag, in window pixels.
const SLACK: f64 = 4.0;
/// How near to the edge of the window a drag moves the drawing along, and how fast at most, in pixels per millisecond.
const EDGE: f64 = 40.0;
const PACE: f64 = 1.1;
/// How near to a link a new card is let go to be put on it, in window pixels.
const ON_LINK: f64 = 24.0;

/// A pointer has moved.
pub(super) fn moved(
    gesture: Gesture,
    viewport: Viewport,
    pointer: i32,
    to: Point,
    keys: Keys,
    ground: Ground<'_>,
) -> Outcome {
    let gesture = match gesture {
        Gesture::Pinch { first, second } => {
            let after = match pointer {
                p if p == first.0 => ((p, to), second),
                p if p == second.0 => (first, (p, to)),
                _ => (first, second),
            };
            return Outcome::of(
                Gesture::Pinch {
                    first: after.0,
                    second: after.1,
                },
                pinched(viewport, (first.1, second.1), (after.0.1, after.1.1)),
            );
        }
        other if other.pointer() != Some(pointer) => return Outcome::of(other, viewport),
        Gesture::Pan { last, .. } => {
            let viewport = viewport.moved(to.minus(last));
            return Outcome::of(Gesture::Pan { pointer, last: to }, viewport);
        }
        Gesture::Press {
            start,
            means,
            on,
            keys,
            ..
        } if to.distance(start) > SLACK => {
            match dragged(pointer, start, means, &on, keys, viewport, ground) {
                Gesture::Pan { pointer, .. } => {
                    let viewport = viewport.moved(to.minus(start));
                    return Outcome::of(Gesture::Pan { pointer, last: to }, viewport);
                }
                begun => begun,
            }
        }
        other => other,
    };
    let gesture = match gesture {
        Gesture::Move {
            pointer,
            start,
            lead,
            cards,
            settled,
            ..
        } => Gesture::Move {
            pointer,
            at: to,
            start,
            lead,
            cards,
            settled,
            free: keys.free,
        },
        Gesture::Marquee {
            pointer,
            start,
            before,
            chosen,
            ..
        } => Gesture::Marquee {
            pointer,
            at: to,
            start,
            before,
            chosen,
        },
        Gesture::Connect {
            leader,
            wire,
            targets,
            over,
            ..
        } => Gesture::Connect {
            leader,
            wire,
            at: to,
            targets,
            over,
        },
        Gesture::Place {
            pointer,
            carried,
            place,
            link,
            ..
        } => Gesture::Place {
            pointer,
            at: to,
            carried,
            place,
            link,
            free: keys.free,
        },
        other => other,
    };
    Outcome::of(carried_on(gesture, viewport, ground), viewport)
}

/// What a press becomes when its pointer moves.
fn dragged(
    pointer: i32,
    start: Point,
    means: Means,
    on: &Spot,
    keys: Keys,
    viewport: Viewport,
    ground: Ground<'_>,
) -> Gesture {
    let pan = Gesture::Pan {
        pointer,
        last: start,
    };
    let Some(flow) = ground.flow.filter(|_| means != Means::Pan) else {
        return pan;
    };
    let world = viewport.to_world(start);
    match (on, means) {
        (Spot::Card(id), Means::Primary | Means::Finger) => {
            let taken = ground.chosen.cards.contains(id);
            // A finger that lands on a card by chance moves the drawing.
            if means == Means::Finger && !taken {
                return pan;
            }
            let cards = if taken {
                ground.chosen.cards.clone()
            } else {
                BTreeSet::from([id.clone()])
            };
            Gesture::Move {
                pointer,
                at: start,
                start: world,
                lead: id.clone(),
                cards: Arc::new(cards),
                settled: Settled::default(),
                free: keys.free,
            }
        }
        (Spot::Handle(anchor), _) => {
            connecting(pointer, start, Wire::new(anchor.clone()), flow, ground)
        }
        (Spot::Link(link) | Spot::LinkPlus(link), Means::Primary) => {
            match Wire::taken(ground.graph, link, world) {
                Some(wire) => connecting(pointer, start, wire, flow, ground),
                None => pan,
            }
        }
        (Spot::Ground, Means::Primary) => {
            let before = if keys.add {
                ground.chosen.clone()
            } else {
                Chosen::default()
            };
            Gesture::Marquee {
                pointer,
                at: start,
                start: world,
                chosen: before.clone(),
                before,
            }
        }
        _ => pan,
    }
}

fn connecting(pointer: i32, at: Point, wire: Wire, flow: &Flow, ground: Ground<'_>) -> Gesture {
    Gesture::Connect {
        leader: Leader::Pointer(pointer),
        targets: Arc::new(targets(ground.graph, flow, &wire)),
        wire,
        at,
        over: None,
    }
}

/// The same gesture once the pointer, the viewport or the keys have changed: what it shows follows from where it is.
pub(super) fn carried_on(gesture: Gesture, viewport: Viewport, ground: Ground<'_>) -> Gesture {
    match gesture {
        Gesture::Move {
            pointer,
            at,
            start,
            lead,
            cards,
            free,
            ..
        } => {
            let by = viewport.to_world(at).minus(start);
            let settled = match ground.graph.card(&lead) {
                Some(card) if !free => settle(ground.graph, card, by, viewport.zoom, |id| {
                    cards.contains(id)
                }),
                _ => Settled {
                    by,
                    ..Settled::default()
                },
            };
            Gesture::Move {
                pointer,
                at,
                start,
                lead,
                cards,
                settled,
                free,
            }
        }
        Gesture::Marquee {
            pointer,
            at,
            start,
            before,
            ..
        } => {
            let rect = Rect::between(start, viewport.to_world(at));
            let met = ground.graph.cards.iter();
            let met = met.filter(|card| card.rect().meets(rect));
            let mut chosen = before.clone();
            chosen.cards.extend(met.map(|card| card.id.clone()));
            Gesture::Marquee {
                pointer,
                at,
                start,
                before,
                chosen,
            }
        }
        Gesture::Connect {
            leader: leader @ Leader::Pointer(_),
            wire,
            at,
            targets,
            ..
        } => {
            let world = viewport.to_world(at);
            let over = aimed(ground.graph, &wire, &targets, world, viewport.zoom);
            Gesture::Connect {
                leader,
                wire,
                at,
                targets,
                over,
            }
        }
        Gesture::Place {
            pointer,
            at,
            carried,
            free,
            ..
        } => {
            let world = viewport.to_world(at);
            let size = carried.card.size();
            let corner = world.minus(Point::new(size.width / 2.0, size.height / 2.0));
            let lead = Card {
                at: corner,
                ..carried.card.clone()
            };
            let place = if free {
                corner
            } else {
                let settled = settle(ground.graph, &lead, Point::default(), viewport.zoom, |_| {
                    false
                });
                corner.plus(settled.by)
            };
            let link = link_at(ground.graph, &carried.card, world, viewport.zoom);
            Gesture::Place {
                pointer,
                at,
                carried,
                place,
                link,
                free,
            }
        }
        other => other,
    }
}

/// The link that a new card at a point would be put on. A trigger goes on none.
fn link_at(graph: &Graph, card: &Card, at: Point, zoom: f64) -> Option<Link> {
    if !card.enters || graph.cards.iter().any(|card| card.rect().contains(at)) {
        return None;
    }
    let near = graph.links.iter().filter_map(|link| {
        let (from, to) = graph.ends(link)?;
        Some((link, Curve::new(from, to).distance(at)))
    });
    let (link, _) = near
        .filter(|(_, far)| *far <= ON_LINK / zoom)
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    graph.document_link(link)
}

/// Which way and how fast the drawing goes along with a pointer that is near an edge of the window or beyond it.
pub(super) fn edge_pull(at: Point, window: Size) -> Point {
    let pull = |at: f64, length: f64| {
        if length < 4.0 * EDGE {
            return 0.0;
        }
        let deep = if at < EDGE {
            at - EDGE
        } else {
            (at - (length - EDGE)).max(0.0)
        };
        (deep / EDGE).clamp(-1.0, 1.0) * PACE
    };
    Point::new(pull(at.x, window.width), pull(at.y, window.height))
}

fn pinched(viewport: Viewport, before: (Point, Point), after: (Point, Point)) -> Viewport {
    let factor = after.0.distance(after.1).max(1.0) / before.0.distance(before.1).max(1.0);
    let from = before.0.middle(before.1);
    let to = after.0.middle(after.1);
    viewport.zoomed(factor, from).moved(to.minus(from))
}
