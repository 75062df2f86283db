//! What a hand does on the canvas, as one state that an input turns into the next one, a movement of the viewport, and
//! perhaps a deed.
//!
//! While a gesture goes on, nothing but the viewport changes: what is drawn meanwhile is in the gesture itself. Only the
//! input that ends it gives a [`Deed`]. A gesture that is cancelled gives none.

mod drag;
mod end;
mod lead;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

use weir_flows::document::{Flow, Link, Slug};

pub(super) use self::end::{toggled_card, toggled_link};
use self::{
    drag::{carried_on, edge_pull, moved},
    end::lifted,
    lead::{led, turned_to},
};
use super::{
    ask::{Anchor, Carried, Spot},
    geometry::{Direction, Point, Size, Viewport},
    graph::Graph,
    snap::Settled,
    wire::{Target, Wire},
};
use crate::edit::Chosen;

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
