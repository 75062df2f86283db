//! The keyboard on the canvas.
//!
//! One card is in the order of Tab; after it come its ports and the links that leave it.
//!
//! | key | what it does |
//! |---|---|
//! | arrows | the focus walks to the next card in that direction; with Shift that card is chosen as well |
//! | Space | the focused card or link is chosen along with others, or no longer |
//! | Enter | the focused card is chosen alone, and what is inside of it opens, else the inspector; on a port or a link, a step is added there |
//! | Ctrl and arrows | the chosen cards, or the focused one, move by the grid; with Shift five times as far |
//! | L | a link begins at the focused card: arrows choose where it goes, L takes its next port, Enter fastens it |
//! | Escape | leaves what is going on; else nothing is chosen any more; else the body that is drawn is left |
//! | + - 0 1 | zoom in, zoom out, show all, actual size |
//! | Space held | any drag moves the drawing |
//! | Alt held | nothing snaps |
//!
//! Delete and Backspace choose what has the focus and leave the rest to the editor's commands.

use leptos::{ev::KeyboardEvent, prelude::*};
use wasm_bindgen::JsCast;
use weir_flows::document::Slug;

use super::{
    ask::{Anchor, Ask, Spot},
    geometry::{Direction, Point, Rect, neighbour},
    gesture::{Gesture, Input, Leader, toggled_card, toggled_link},
    graph::Card,
    hands::Hands,
    layout::GRID,
    sight::{Wish, ZOOM_STEP},
};
use crate::{
    edit::{Chosen, Illegal},
    texts::{fill, texts},
};

/// How much further Shift moves a card.
const FURTHER: f64 = 5.0;

impl Hands {
    /// A key went down. What is answered here goes no further.
    pub(super) fn key(&self, event: &KeyboardEvent) {
        if within_aside(event) {
            return;
        }
        let answered = if self.leads() {
            self.key_while_leading(event)
        } else {
            self.key_at_rest(event)
        };
        if answered {
            event.prevent_default();
            event.stop_propagation();
        }
    }

    /// A key was let go: a Space that moved nothing chooses.
    pub(super) fn key_up(&self, event: &KeyboardEvent) {
        if event.key() != " " || !self.space.get_untracked() {
            return;
        }
        self.space.set(false);
        if !self.space_used.get_value() && !self.leads() {
            match self.focused() {
                Spot::Card(id) if self.pen.is_some() => {
                    let chosen = self
                        .chosen
                        .with_untracked(|chosen| toggled_card(chosen, &id));
                    self.choose.run(chosen);
                }
                Spot::Card(id) => self.choose.run(Chosen::card(id)),
                Spot::Link(link) => {
                    let chosen = self
                        .chosen
                        .with_untracked(|chosen| toggled_link(chosen, &link));
                    self.choose.run(chosen);
                }
                _ => (),
            }
        }
    }

    fn leads(&self) -> bool {
        matches!(
            self.gesture(),
            Gesture::Connect {
                leader: Leader::Keys,
                ..
            }
        )
    }

    fn key_while_leading(&self, event: &KeyboardEvent) -> bool {
        let key = event.key();
        match key.as_str() {
            "Enter" | " " => self.play(Input::Fasten),
            "Escape" => {
                self.play(Input::Cancel);
                self.say(texts().canvas_left.to_owned());
            }
            "l" | "L" => self.lead_next_port(),
            // Whoever leaves the canvas leaves the link.
            "Tab" => {
                self.play(Input::Cancel);
                return false;
            }
            key => {
                let Some(towards) = Direction::of_key(key) else {
                    return false;
                };
                self.play(Input::Aim { towards });
                self.tell_target();
            }
        }
        true
    }

    fn key_at_rest(&self, event: &KeyboardEvent) -> bool {
        let key = event.key();
        let ctrl = event.ctrl_key() || event.meta_key();
        let direction = Direction::of_key(&key);
        if let Some(direction) = direction.filter(|_| ctrl && self.pen.is_some()) {
            let steps = if event.shift_key() { FURTHER } else { 1.0 };
            self.nudge(way(direction).scaled(GRID * steps));
            return true;
        }
        if ctrl || event.alt_key() {
            return false;
        }
        match key.as_str() {
            "+" | "=" => self.sight.zoom(ZOOM_STEP),
            "-" => self.sight.zoom(1.0 / ZOOM_STEP),
            "0" => self.sight.fit(),
            "1" => self.sight.actual(),
            "Escape" if self.gesture() != Gesture::Idle => self.play(Input::Cancel),
            "Escape" if self.chosen.with_untracked(Chosen::is_empty) => self.ask(Ask::Leave),
            "Escape" => self.choose.run(Chosen::default()),
            " " => {
                if !event.repeat() {
                    self.space_used.set_value(false);
                    self.space.set(true);
                }
            }
            "Enter" => return self.enter(),
            "l" | "L" if self.pen.is_some() => match self.focused() {
                Spot::Card(id) => self.lead_from(&id),
                Spot::Handle(anchor) => self.lead(anchor),
                _ => return false,
            },
            "Delete" | "Backspace" => {
                self.choose_spot(&self.focused());
                return false;
            }
            _ => {
                let Some(direction) = direction else {
                    return false;
                };
                self.walk(direction, event.shift_key());
            }
        }
        true
    }

    /// Enter, wherever the focus is.
    fn enter(&self) -> bool {
        match self.focused() {
            Spot::Card(id) => {
                self.choose.run(Chosen::card(id.clone()));
                self.ask(Ask::Open { card: id });
            }
            Spot::Link(link) | Spot::LinkPlus(link) => {
                self.graph
                    .with_untracked(|graph| self.ask_on_link(&link, graph));
            }
            Spot::Handle(anchor) => self.press_handle(&anchor),
            Spot::Ground => return false,
        }
        true
    }

    /// A port was pressed by something that is no pointer.
    pub(super) fn press_handle(&self, anchor: &Anchor) {
        self.graph
            .with_untracked(|graph| self.ask_after(anchor, None, graph));
    }

    /// Begins a link at the first way out of a card, rather one that leads nowhere yet.
    fn lead_from(&self, id: &Slug) {
        let anchor = self.graph.with_untracked(|graph| {
            let ports = &graph.card(id)?.ports;
            let open = ports.iter().find(|port| !port.linked && !port.is_quiet());
            let port = open.or_else(|| ports.first())?;
            Some(Anchor::Port {
                card: id.clone(),
                port: port.name.clone(),
            })
        });
        match anchor {
            Some(anchor) => self.lead(anchor),
            None => self.say(texts().canvas_no_way_out.to_owned()),
        }
    }

    fn lead(&self, anchor: Anchor) {
        self.play(Input::Lead {
            from: anchor.clone(),
        });
        let begun = self.graph.with_untracked(|graph| {
            let title = graph.card(anchor.card()).map(|card| card.title.clone());
            let port = match &anchor {
                Anchor::Port { port, .. } => port.as_str(),
                Anchor::Entry { .. } => "",
            };
            let title = title.unwrap_or_default();
            fill(
                texts().canvas_connecting,
                &[("title", &title), ("port", port)],
            )
        });
        let target = self.target_text().unwrap_or_default();
        self.say(format!("{begun} {target}"));
        self.reveal_target();
    }

    /// Leads the link from the next port of the same card.
    fn lead_next_port(&self) {
        let Gesture::Connect { wire, .. } = self.gesture() else {
            return;
        };
        let Anchor::Port { card, port } = wire.fixed else {
            return;
        };
        let next = self.graph.with_untracked(|graph| {
            let ports = &graph.card(&card)?.ports;
            let now = ports.iter().position(|known| known.name == port)?;
            Some(ports[(now + 1) % ports.len()].name.clone())
        });
        if let Some(port) = next {
            self.lead(Anchor::Port { card, port });
        }
    }

    fn tell_target(&self) {
        if let Some(text) = self.target_text() {
            self.say(text);
        }
        self.reveal_target();
    }

    /// What a link that the keyboard leads means now.
    fn target_text(&self) -> Option<String> {
        let gesture = self.gesture();
        let t = texts();
        match gesture.target() {
            Some(target) => self.graph.with_untracked(|graph| {
                let card = graph.card(target.anchor.card())?;
                Some(fill(t.canvas_target, &[("title", &card.title)]))
            }),
            None => Some(t.canvas_no_target.to_owned()),
        }
    }

    fn reveal_target(&self) {
        if let Some(target) = self.gesture().target() {
            self.sight.reveal(target.anchor.card());
        }
    }

    /// What has the focus.
    pub(super) fn focused(&self) -> Spot {
        match document().active_element() {
            Some(element) => self.spot_of(&element),
            None => Spot::Ground,
        }
    }

    /// Moves the focus from card to card.
    fn walk(&self, direction: Direction, add: bool) {
        let from = match self.focused() {
            Spot::Card(id) => Some(id),
            Spot::Handle(anchor) => Some(anchor.card().clone()),
            Spot::Link(link) | Spot::LinkPlus(link) => Some(link.from),
            Spot::Ground => None,
        };
        let next = self.graph.with_untracked(|graph| {
            let rects: Vec<Rect> = graph.cards.iter().map(Card::rect).collect();
            let at = match from.as_deref().and_then(|id| graph.find(id)) {
                Some(from) => neighbour(&rects, from, direction),
                // Nothing has the focus yet: the card in the order of Tab gets it.
                None => self
                    .first
                    .with_untracked(|first| graph.find(first.as_ref()?)),
            };
            Some(graph.cards.get(at?)?.id.clone())
        });
        if let Some(id) = next {
            self.focus(Some(&id));
            if add && self.pen.is_some() {
                let mut chosen = self.chosen.get_untracked();
                chosen.cards.extend(from);
                chosen.cards.insert(id);
                self.choose.run(chosen);
            }
        }
    }

    /// Gives the keyboard to a card, or to the canvas.
    pub(super) fn focus(&self, id: Option<&Slug>) {
        let Some(canvas) = self.element.get_untracked() else {
            return;
        };
        let Some(id) = id else {
            let _ = canvas.focus();
            return;
        };
        self.first.set(Some(id.clone()));
        if !self.focus_face(&canvas, id) {
            // A card that was added just now is drawn with the next frame.
            let (hands, id) = (*self, id.clone());
            request_animation_frame(move || {
                hands.focus_face(&canvas, &id);
            });
        }
    }

    /// Gives the keyboard to a card, if it is drawn.
    fn focus_face(&self, canvas: &web_sys::HtmlElement, id: &str) -> bool {
        let face = canvas.query_selector(&format!("[data-card=\"{id}\"] .card-face"));
        let face = face.ok().flatten();
        let Some(face) = face.and_then(|face| face.dyn_into::<web_sys::HtmlElement>().ok()) else {
            return false;
        };
        let options = web_sys::FocusOptions::new();
        // The canvas shows it by moving the drawing; the browser would scroll the page.
        options.set_prevent_scroll(true);
        let _ = face.focus_with_options(&options);
        self.sight.reveal(id);
        true
    }

    /// Does what only the canvas can, for somebody outside.
    pub(super) fn grant(&self, wish: Wish) {
        match wish {
            Wish::Focus(id) => self.focus(id.as_ref()),
            Wish::Connect(id) => {
                self.focus(Some(&id));
                self.lead_from(&id);
            }
            Wish::Carry {
                pointer,
                client,
                carried,
            } => self.carry(pointer, client, carried),
        }
    }

    /// Why a link may not go where it is led, in a few words.
    pub(super) fn reason(&self, reason: &Illegal) -> String {
        let t = texts();
        match reason {
            Illegal::Itself => t.canvas_illegal_itself.to_owned(),
            Illegal::IntoTrigger => t.canvas_illegal_trigger.to_owned(),
            Illegal::Exists => t.canvas_illegal_exists.to_owned(),
            Illegal::Gone => t.canvas_illegal_gone.to_owned(),
            Illegal::Circle(way) => self.graph.with_untracked(|graph| {
                let titles: Vec<&str> = way
                    .iter()
                    .map(|id| graph.card(id).map_or(id.as_str(), |card| &card.title))
                    .collect();
                // A long way is told by its ends.
                let way = match titles.as_slice() {
                    [first, _, .., _, last] if titles.len() > 5 => format!("{first} → … → {last}"),
                    _ => titles.join(" → "),
                };
                fill(t.canvas_illegal_circle, &[("way", &way)])
            }),
        }
    }
}

fn way(direction: Direction) -> Point {
    match direction {
        Direction::Left => Point::new(-1.0, 0.0),
        Direction::Right => Point::new(1.0, 0.0),
        Direction::Up => Point::new(0.0, -1.0),
        Direction::Down => Point::new(0.0, 1.0),
    }
}

/// Whether a key went down in something that lies on the canvas and is not part of the drawing.
fn within_aside(event: &KeyboardEvent) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target
        .and_then(|target| target.closest("[data-aside]").ok().flatten())
        .is_some()
}
