//! Pointers and the wheel: events become inputs, with what is under them.

use std::{sync::Arc, time::Duration};

use leptos::{
    ev::{MouseEvent, PointerEvent, WheelEvent},
    prelude::*,
};
use wasm_bindgen::JsCast;

use super::{
    ask::{Anchor, Ask, Carried, Spot, Where},
    geometry::Point,
    gesture::{Gesture, Input, Keys, Means},
    hands::Hands,
    layout::snapped,
};

/// How long a finger stays on a card to choose it along with others.
const LONG: Duration = Duration::from_millis(450);

impl Hands {
    pub(super) fn down(&self, event: &PointerEvent) {
        if event.button() == 2 || event.button() > 2 || within(event, "[data-aside]") {
            return;
        }
        self.measure_corner();
        self.capture(event.pointer_id());
        let finger = event.pointer_type() == "touch";
        let means = match event.button() {
            1 => Means::Pan,
            _ if self.space.get_untracked() => Means::Pan,
            _ if finger => Means::Finger,
            _ => Means::Primary,
        };
        if means == Means::Pan {
            self.space_used.set_value(true);
        }
        let pointer = event.pointer_id();
        let on = self.spot(event);
        self.pressed.set_value(on.clone());
        self.play(Input::Down {
            pointer,
            at: self.place(event),
            means,
            on,
            keys: keys(event),
        });
        if finger {
            self.presses.update_value(|presses| *presses += 1);
            let own = self.presses.get_value();
            let hands = *self;
            set_timeout(
                move || {
                    if hands.presses.try_get_value() == Some(own) {
                        hands.play(Input::Hold { pointer });
                    }
                },
                LONG,
            );
        }
    }

    pub(super) fn over(&self, event: &PointerEvent) {
        if self.now.with_value(|now| *now != Gesture::Idle) {
            self.play(Input::Move {
                pointer: event.pointer_id(),
                at: self.place(event),
                keys: keys(event),
            });
        }
    }

    pub(super) fn up(&self, event: &PointerEvent) {
        let pointer = event.pointer_id();
        self.presses.update_value(|presses| *presses += 1);
        self.over(event);
        // A new card that is let go over the palette again is not put anywhere.
        let placing = matches!(self.gesture(), Gesture::Place { .. });
        if placing && !self.is_under(event) {
            self.play(Input::Cancel);
        } else {
            self.play(Input::Up { pointer });
        }
    }

    pub(super) fn gone(&self, event: &PointerEvent) {
        self.play(Input::Gone {
            pointer: event.pointer_id(),
        });
    }

    pub(super) fn wheel(&self, event: &WheelEvent) {
        if within(event, "[data-aside]") {
            return;
        }
        event.prevent_default();
        // Some browsers count in lines.
        let unit = if event.delta_mode() == WheelEvent::DOM_DELTA_LINE {
            16.0
        } else {
            1.0
        };
        let by = Point::new(event.delta_x() * unit, event.delta_y() * unit);
        let by = if event.shift_key() && by.x == 0.0 {
            Point::new(by.y, 0.0)
        } else {
            by
        };
        // A pinch on a touchpad arrives as a wheel with Ctrl; a mouse wheel comes in big steps and zooms as well.
        let mouse = by.x == 0.0 && by.y.abs() >= 50.0 && !event.shift_key();
        let zoom = event.ctrl_key() || event.meta_key() || mouse;
        self.play(Input::Wheel {
            at: self.place(event),
            by,
            zoom,
        });
    }

    /// The right button, or the menu key.
    pub(super) fn menu(&self, event: &MouseEvent) {
        if self.pen.is_none() || within(event, "[data-aside]") {
            return;
        }
        event.prevent_default();
        // A finger that stays is answered by the wait for it.
        if !matches!(self.gesture(), Gesture::Idle) {
            return;
        }
        self.measure_corner();
        let on = self.spot(event);
        self.choose_spot(&on);
        let at = self.whereabouts(self.place(event));
        self.ask(Ask::Menu { on, at });
    }

    pub(super) fn twice(&self, event: &MouseEvent) {
        if within(event, "[data-aside]") {
            return;
        }
        // The pointer was captured when it went down, so the event itself knows the canvas only.
        match self.pressed.get_value() {
            Spot::Card(card) => self.ask(Ask::Open { card }),
            Spot::Ground if !event.shift_key() => {
                let at = self.whereabouts(self.place(event));
                let world = snapped(at.world);
                self.ask(Ask::AddAt {
                    at: Where { world, ..at },
                });
            }
            _ => (),
        }
    }

    /// Follows a pointer that carries a new card, wherever on the page it went down.
    pub(super) fn carry(&self, pointer: i32, client: Point, carried: Arc<Carried>) {
        self.measure_corner();
        self.capture(pointer);
        self.play(Input::Carry {
            pointer,
            at: client.minus(self.sight.corner.get_value()),
            carried,
        });
    }

    fn capture(&self, pointer: i32) {
        if let Some(element) = self.element.get_untracked() {
            // A pointer that has gone already cannot be captured, which changes nothing.
            let _ = element.set_pointer_capture(pointer);
        }
    }

    /// Remembers where the canvas is, so that no movement of a pointer needs to ask.
    pub(super) fn measure_corner(&self) {
        if let Some(element) = self.element.get_untracked() {
            let rect = element.get_bounding_client_rect();
            let corner = Point::new(rect.left(), rect.top());
            self.sight.corner.set_value(corner);
        }
    }

    /// Where a pointer is, seen from the corner of the canvas.
    fn place(&self, event: &MouseEvent) -> Point {
        client(event).minus(self.sight.corner.get_value())
    }

    /// What a pointer went down on.
    fn spot(&self, event: &MouseEvent) -> Spot {
        let element = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        element.map_or(Spot::Ground, |element| self.spot_of(&element))
    }

    /// What an element of the canvas stands for.
    pub(super) fn spot_of(&self, element: &web_sys::Element) -> Spot {
        let held = |name: &str| {
            let found = element.closest(&format!("[{name}]")).ok().flatten();
            found.and_then(|found| found.get_attribute(name))
        };
        if let Some(card) = held("data-card") {
            return match (held("data-port"), held("data-entry")) {
                (Some(port), _) => Spot::Handle(Anchor::Port { card, port }),
                (None, Some(_)) => Spot::Handle(Anchor::Entry { card }),
                (None, None) => Spot::Card(card),
            };
        }
        let index = held("data-link").and_then(|index| index.parse().ok());
        let link = index.and_then(|index: usize| {
            self.graph.with_untracked(|graph| {
                let drawn = graph.links.iter().find(|link| link.index == index)?;
                graph.document_link(drawn)
            })
        });
        match link {
            Some(link) if held("data-plus").is_some() => Spot::LinkPlus(link),
            Some(link) => Spot::Link(link),
            None => Spot::Ground,
        }
    }

    /// Whether the canvas itself, and nothing that lies on it, is under a pointer.
    fn is_under(&self, event: &PointerEvent) -> bool {
        let (x, y) = (event.client_x() as f32, event.client_y() as f32);
        let under = document().element_from_point(x, y);
        let canvas = self.element.get_untracked();
        under.zip(canvas).is_some_and(|(under, canvas)| {
            let aside = under.closest("[data-aside]").ok().flatten().is_some();
            canvas.contains(Some(&under)) && !aside
        })
    }
}

fn client(event: &MouseEvent) -> Point {
    Point::new(f64::from(event.client_x()), f64::from(event.client_y()))
}

fn keys(event: &MouseEvent) -> Keys {
    Keys {
        add: event.shift_key() || event.ctrl_key() || event.meta_key(),
        free: event.alt_key(),
    }
}

/// Whether an event comes from something that lies on the canvas and is not part of the drawing.
fn within(event: &MouseEvent, selector: &str) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target
        .and_then(|target| target.closest(selector).ok().flatten())
        .is_some()
}
