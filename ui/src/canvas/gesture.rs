//! What a hand does on the canvas, as one state that an input turns into the next one, a movement of the viewport, and
//! perhaps a deed.
//!
//! While a gesture goes on, nothing but the viewport changes: what is drawn meanwhile is in the gesture itself. Only the
//! input that ends it gives a [`Deed`]. A gesture that is cancelled gives none.

use std::{collections::BTreeSet, sync::Arc};

use weir_flows::document::{Flow, Link, Slug};

use super::{
    ask::{Anchor, Carried, Spot},
    geometry::{Curve, Direction, Point, Rect, Size, Viewport, neighbour},
    graph::{Card, Graph},
    snap::{Settled, settle},
    wire::{Target, Wire, aimed, legal_cards, point_of, targets},
};
use crate::edit::Chosen;

/// How far a pointer moves before a press becomes a drag, in window pixels.
const SLACK: f64 = 4.0;
/// How near to the edge of the window a drag moves the drawing along, and how fast at most, in pixels per millisecond.
const EDGE: f64 = 40.0;
const PACE: f64 = 1.1;
/// How near to a link a new card is let go to be put on it, in window pixels.
const ON_LINK: f64 = 24.0;

/// What the hand is doing. Points are in the window unless they say otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Gesture {
    #[default]
    Idle,
    /// A pointer is down and has hardly moved yet.
    Press {
        pointer: i32,
        start: Point,
        means: Means,
        on: Spot,
        keys: Keys,
    },
    /// A finger has stayed where it went down, and that has been answered.
    Held { pointer: i32 },
    /// A pointer moves the drawing.
    Pan { pointer: i32, last: Point },
    /// Two fingers move and zoom it.
    Pinch {
        first: (i32, Point),
        second: (i32, Point),
    },
    /// Cards are moved.
    Move {
        pointer: i32,
        at: Point,
        /// Where the pointer went down, in the world.
        start: Point,
        /// The card that was taken; it settles, and the others go with it.
        lead: Slug,
        cards: Arc<BTreeSet<Slug>>,
        settled: Settled,
        free: bool,
    },
    /// A rectangle chooses the cards it meets.
    Marquee {
        pointer: i32,
        at: Point,
        /// Where the pointer went down, in the world.
        start: Point,
        /// What stays chosen.
        before: Chosen,
        chosen: Chosen,
    },
    /// A link is drawn, or an end of one is led elsewhere.
    Connect {
        leader: Leader,
        wire: Wire,
        at: Point,
        targets: Arc<Vec<Target>>,
        /// The target that is meant now, by its index.
        over: Option<usize>,
    },
    /// A new card is dragged onto the drawing.
    Place {
        pointer: i32,
        at: Point,
        carried: Arc<Carried>,
        /// Where it would stand, in the world.
        place: Point,
        /// The link it would be put on.
        link: Option<Link>,
        free: bool,
    },
}

/// Who leads a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leader {
    Pointer(i32),
    Keys,
}

/// What a pointer that goes down is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// The left button, or the tip of a pen.
    Primary,
    /// The middle button, or any while Space is held.
    Pan,
    /// A finger.
    Finger,
}

/// The keys that are held with a pointer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Shift, Ctrl or Command: what is chosen stays so.
    pub(crate) add: bool,
    /// Alt: nothing snaps.
    pub(crate) free: bool,
}

/// What happens to the hand.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Input {
    Down {
        pointer: i32,
        at: Point,
        means: Means,
        on: Spot,
        keys: Keys,
    },
    Move {
        pointer: i32,
        at: Point,
        keys: Keys,
    },
    /// A pointer was lifted.
    Up {
        pointer: i32,
    },
    /// A pointer was taken away by the browser.
    Gone {
        pointer: i32,
    },
    /// Escape.
    Cancel,
    /// A pointer has been down for a while.
    Hold {
        pointer: i32,
    },
    /// The wheel turned, or two fingers moved on a touchpad, by so much.
    Wheel {
        at: Point,
        by: Point,
        zoom: bool,
    },
    /// Time has passed, in milliseconds; a drag near the edge moves the drawing along.
    Frame {
        millis: f64,
    },
    /// A link is begun by keyboard.
    Lead {
        from: Anchor,
    },
    /// Another target for a link that is led by keyboard.
    Aim {
        towards: Direction,
    },
    /// A link that is led by keyboard is fastened where it is.
    Fasten,
    /// A new card arrives in a pointer's hand.
    Carry {
        pointer: i32,
        at: Point,
        carried: Arc<Carried>,
    },
}

/// What a gesture has done once it ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Deed {
    Choose(Chosen),
    /// Cards were moved; they are what is chosen then.
    Move {
        cards: Arc<BTreeSet<Slug>>,
        by: Point,
    },
    /// A link was drawn or an end of one fastened elsewhere.
    Fasten {
        wire: Wire,
        to: Anchor,
    },
    /// An end of a link was let go over nothing.
    Detach(Link),
    /// A step is wanted after a port. `at` is where its entry should be, in the world, if that was shown.
    AddAfter {
        anchor: Anchor,
        at: Option<Point>,
    },
    /// A step is wanted on a link.
    AddOnLink(Link),
    /// A new card was let go.
    Put {
        carried: Arc<Carried>,
        at: Point,
        link: Option<Link>,
    },
    /// A menu is wanted.
    Menu {
        on: Spot,
        at: Point,
    },
}

/// What the hand works on.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) graph: &'a Graph,
    /// The document, where it may be drawn on.
    pub(crate) flow: Option<&'a Flow>,
    pub(crate) chosen: &'a Chosen,
    pub(crate) window: Size,
}

/// What comes of an input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) gesture: Gesture,
    pub(crate) viewport: Viewport,
    pub(crate) deed: Option<Deed>,
}

impl Outcome {
    fn of(gesture: Gesture, viewport: Viewport) -> Self {
        Outcome {
            gesture,
            viewport,
            deed: None,
        }
    }

    fn done(deed: Option<Deed>, viewport: Viewport) -> Self {
        Outcome {
            gesture: Gesture::Idle,
            viewport,
            deed,
        }
    }
}

impl Gesture {
    /// Whether the drawing goes along when the pointer is near an edge of the window, so that time matters to it.
    pub(crate) fn is_pulling(&self) -> bool {
        match self {
            Gesture::Move { .. } | Gesture::Marquee { .. } => true,
            Gesture::Connect { leader, .. } => matches!(leader, Leader::Pointer(_)),
            _ => false,
        }
    }

    /// The target that a link in the hand means.
    pub(crate) fn target(&self) -> Option<&Target> {
        match self {
            Gesture::Connect { targets, over, .. } => targets.get((*over)?),
            _ => None,
        }
    }

    /// Where the pointer of a drag is.
    fn at(&self) -> Option<Point> {
        match self {
            Gesture::Move { at, .. }
            | Gesture::Marquee { at, .. }
            | Gesture::Connect { at, .. }
            | Gesture::Place { at, .. } => Some(*at),
            _ => None,
        }
    }

    /// The pointer of a drag.
    fn pointer(&self) -> Option<i32> {
        match self {
            Gesture::Press { pointer, .. }
            | Gesture::Held { pointer }
            | Gesture::Pan { pointer, .. }
            | Gesture::Move { pointer, .. }
            | Gesture::Marquee { pointer, .. }
            | Gesture::Connect {
                leader: Leader::Pointer(pointer),
                ..
            }
            | Gesture::Place { pointer, .. } => Some(*pointer),
            _ => None,
        }
    }
}

/// Turns an input into the next gesture and viewport.
pub(crate) fn turn(
    gesture: Gesture,
    viewport: Viewport,
    input: Input,
    ground: Ground<'_>,
) -> Outcome {
    match input {
        Input::Wheel { at, by, zoom } => {
            let to = if zoom {
                // A mouse wheel turns in steps of about 100, a touchpad in steps of a few: both feel the same this way.
                viewport.zoomed((-by.y * 0.004).clamp(-0.5, 0.5).exp(), at)
            } else {
                viewport.moved(by.scaled(-1.0))
            };
            Outcome::of(carried_on(gesture, to, ground), to)
        }
        Input::Frame { millis } => {
            let pull = gesture.at().filter(|_| gesture.is_pulling());
            let pull = pull.map_or(Point::default(), |at| edge_pull(at, ground.window));
            let to = viewport.moved(pull.scaled(-millis.clamp(0.0, 50.0)));
            if to == viewport {
                return Outcome::of(gesture, viewport);
            }
            Outcome::of(carried_on(gesture, to, ground), to)
        }
        Input::Cancel => Outcome::done(None, viewport),
        Input::Gone { pointer } => match gesture {
            Gesture::Pinch { .. } => lifted(gesture, viewport, pointer, ground),
            _ if gesture.pointer() == Some(pointer) => Outcome::done(None, viewport),
            _ => Outcome::of(gesture, viewport),
        },
        Input::Up { pointer } => lifted(gesture, viewport, pointer, ground),
        Input::Down {
            pointer,
            at,
            means,
            on,
            keys,
        } => match gesture {
            Gesture::Press {
                pointer: first,
                start: from,
                means: Means::Finger,
                ..
            }
            | Gesture::Pan {
                pointer: first,
                last: from,
            } if first != pointer && means == Means::Finger => Outcome::of(
                Gesture::Pinch {
                    first: (first, from),
                    second: (pointer, at),
                },
                viewport,
            ),
            // A click leaves the keyboard's link; any other hand waits until the one at work is done.
            Gesture::Idle
            | Gesture::Connect {
                leader: Leader::Keys,
                ..
            } => {
                let start = at;
                let press = Gesture::Press {
                    pointer,
                    start,
                    means,
                    on,
                    keys,
                };
                Outcome::of(press, viewport)
            }
            busy => Outcome::of(busy, viewport),
        },
        Input::Move { pointer, at, keys } => moved(gesture, viewport, pointer, at, keys, ground),
        Input::Hold { pointer } => match gesture {
            Gesture::Press {
                pointer: pressed,
                start,
                means: Means::Finger,
                on,
                ..
            } if pressed == pointer => Outcome {
                gesture: Gesture::Held { pointer },
                viewport,
                deed: ground.flow.map(|_| match on {
                    Spot::Card(id) => Deed::Choose(toggled_card(ground.chosen, &id)),
                    on => Deed::Menu { on, at: start },
                }),
            },
            other => Outcome::of(other, viewport),
        },
        Input::Lead { from } => match (gesture, ground.flow) {
            (
                Gesture::Idle
                | Gesture::Connect {
                    leader: Leader::Keys,
                    ..
                },
                Some(flow),
            ) => Outcome::of(led(from, flow, viewport, ground.graph), viewport),
            (other, _) => Outcome::of(other, viewport),
        },
        Input::Aim { towards } => Outcome::of(turned_to(gesture, towards, ground.graph), viewport),
        Input::Fasten => match gesture {
            Gesture::Connect {
                leader: Leader::Keys,
                ref wire,
                ..
            } => {
                let deed = gesture.target().map(|target| Deed::Fasten {
                    wire: wire.clone(),
                    to: target.anchor.clone(),
                });
                Outcome::done(deed, viewport)
            }
            other => Outcome::of(other, viewport),
        },
        Input::Carry {
            pointer,
            at,
            carried,
        } => match (gesture, ground.flow) {
            (Gesture::Idle, Some(_)) => {
                let gesture = Gesture::Place {
                    pointer,
                    at,
                    carried,
                    place: Point::default(),
                    link: None,
                    free: false,
                };
                Outcome::of(carried_on(gesture, viewport, ground), viewport)
            }
            (other, _) => Outcome::of(other, viewport),
        },
    }
}

/// A pointer has moved.
fn moved(
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
fn carried_on(gesture: Gesture, viewport: Viewport, ground: Ground<'_>) -> Gesture {
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

/// A pointer was lifted: what was going on is done.
fn lifted(gesture: Gesture, viewport: Viewport, pointer: i32, ground: Ground<'_>) -> Outcome {
    if let Gesture::Pinch { first, second } = gesture {
        let left = match pointer {
            p if p == first.0 => second,
            p if p == second.0 => first,
            _ => return Outcome::of(gesture, viewport),
        };
        let (pointer, last) = left;
        return Outcome::of(Gesture::Pan { pointer, last }, viewport);
    }
    if gesture.pointer() != Some(pointer) {
        return Outcome::of(gesture, viewport);
    }
    let deed = match gesture {
        Gesture::Press {
            means, on, keys, ..
        } if means != Means::Pan => clicked(on, keys, ground),
        Gesture::Move { cards, settled, .. } => Some(Deed::Move {
            cards,
            by: settled.by,
        }),
        Gesture::Marquee { chosen, .. } => Some(Deed::Choose(chosen)),
        Gesture::Connect {
            wire,
            at,
            ref targets,
            over,
            ..
        } => match (over.and_then(|over| targets.get(over)), wire.link.clone()) {
            (
                Some(Target {
                    anchor,
                    legal: Ok(()),
                }),
                _,
            ) => Some(Deed::Fasten {
                to: anchor.clone(),
                wire,
            }),
            (Some(_), _) => None,
            (None, Some(link)) => Some(Deed::Detach(link)),
            (None, None) => match wire.fixed {
                anchor @ Anchor::Port { .. } => Some(Deed::AddAfter {
                    anchor,
                    at: Some(viewport.to_world(at)),
                }),
                Anchor::Entry { .. } => None,
            },
        },
        Gesture::Place {
            carried,
            place,
            link,
            ..
        } => Some(Deed::Put {
            carried,
            at: place,
            link,
        }),
        _ => None,
    };
    Outcome::done(deed, viewport)
}

/// A press that did not become a drag.
fn clicked(on: Spot, keys: Keys, ground: Ground<'_>) -> Option<Deed> {
    let draws = ground.flow.is_some();
    let add = keys.add && draws;
    match on {
        Spot::Card(id) if add => Some(Deed::Choose(toggled_card(ground.chosen, &id))),
        Spot::Card(id) => Some(Deed::Choose(Chosen::card(id))),
        Spot::Link(link) if draws => Some(Deed::Choose(if add {
            toggled_link(ground.chosen, &link)
        } else {
            Chosen {
                links: BTreeSet::from([link]),
                ..Chosen::default()
            }
        })),
        Spot::LinkPlus(link) if draws => Some(Deed::AddOnLink(link)),
        Spot::Handle(anchor @ Anchor::Port { .. }) if draws => {
            Some(Deed::AddAfter { anchor, at: None })
        }
        Spot::Handle(anchor) => Some(Deed::Choose(Chosen::card(anchor.card().clone()))),
        _ if add => None,
        _ => Some(Deed::Choose(Chosen::default())),
    }
}

/// What is chosen once a card is added to it or taken away.
pub(crate) fn toggled_card(chosen: &Chosen, id: &Slug) -> Chosen {
    let mut chosen = chosen.clone();
    if !chosen.cards.remove(id) {
        chosen.cards.insert(id.clone());
    }
    chosen
}

/// What is chosen once a link is added to it or taken away.
pub(crate) fn toggled_link(chosen: &Chosen, link: &Link) -> Chosen {
    let mut chosen = chosen.clone();
    if !chosen.links.remove(link) {
        chosen.links.insert(link.clone());
    }
    chosen
}

/// A link that the keyboard leads: it means the nearest card at first, and rather one that follows.
fn led(from: Anchor, flow: &Flow, viewport: Viewport, graph: &Graph) -> Gesture {
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
fn turned_to(gesture: Gesture, towards: Direction, graph: &Graph) -> Gesture {
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
fn edge_pull(at: Point, window: Size) -> Point {
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

#[cfg(test)]
mod tests;
