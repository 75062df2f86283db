//! The hands: pointers, wheel and time go to [`gesture`], what comes of it is drawn once a frame, and its deeds are done.

use std::{sync::Arc, time::Duration};

use leptos::{
    ev::{MouseEvent, PointerEvent, WheelEvent},
    html,
    prelude::*,
};
use wasm_bindgen::JsCast;
use weir_flows::document::{Link, Slug};

use super::{
    ask::{Anchor, Ask, Carried, Spot, Where},
    geometry::{Point, Viewport},
    gesture::{self, Deed, Gesture, Ground, Input, Keys, Means},
    graph::{CARD_HEIGHT, CARD_WIDTH, Graph},
    layout::{COLUMN_GAP, free_place, room},
    scene::{DrawnCard, Scene},
    sight::Sight,
    wire::{Wire, point_of},
};
use crate::{
    edit::{self, Chosen, What},
    editor::Desk,
    texts::{fill, texts},
};

/// How long a finger stays on a card to choose it along with others.
const LONG: Duration = Duration::from_millis(450);

/// What draws: the desk whose document is changed, and who is asked for what the canvas does not do itself.
#[derive(Clone, Copy)]
pub(crate) struct Pen {
    pub(crate) desk: Desk,
    pub(crate) ask: Callback<Ask>,
}

/// The hands of one canvas.
#[derive(Clone, Copy)]
pub(super) struct Hands {
    pub(super) element: NodeRef<html::Div>,
    pub(super) sight: Sight,
    pub(super) scene: Scene,
    pub(super) graph: Signal<Arc<Graph>>,
    pub(super) pen: Option<Pen>,
    pub(super) chosen: Signal<Chosen>,
    pub(super) choose: Callback<Chosen>,
    /// The gesture as it is drawn: at most one frame behind.
    pub(super) shown: RwSignal<Gesture>,
    /// The card in the order of Tab.
    pub(super) first: RwSignal<Option<Slug>>,
    /// Whether Space is held, so that any drag moves the drawing.
    pub(super) space: RwSignal<bool>,
    /// What is said to those who do not see the drawing.
    pub(super) said: RwSignal<String>,
    now: StoredValue<Gesture>,
    /// When the last frame was drawn, while one is on its way.
    frame: StoredValue<Option<f64>>,
    /// Counts presses, so that the wait for a long one knows its own.
    presses: StoredValue<u32>,
    /// Whether a drag has used the Space that is held.
    pub(super) space_used: StoredValue<bool>,
}

impl Hands {
    pub(super) fn new(
        element: NodeRef<html::Div>,
        sight: Sight,
        graph: Signal<Arc<Graph>>,
        pen: Option<Pen>,
        chosen: Signal<Chosen>,
        choose: Callback<Chosen>,
    ) -> Self {
        Hands {
            element,
            sight,
            scene: Scene::new(),
            graph,
            pen,
            chosen,
            choose,
            shown: RwSignal::new(Gesture::Idle),
            first: RwSignal::new(None),
            space: RwSignal::new(false),
            said: RwSignal::new(String::new()),
            now: StoredValue::new(Gesture::Idle),
            frame: StoredValue::new(None),
            presses: StoredValue::new(0),
            space_used: StoredValue::new(false),
        }
    }

    /// What the hand is doing now.
    pub(super) fn gesture(&self) -> Gesture {
        self.now.get_value()
    }

    /// Plays an input, and does what comes of it.
    pub(super) fn play(&self, input: Input) {
        let graph = self.graph.get_untracked();
        let chosen = self.chosen.get_untracked();
        let flow = self.pen.map(|pen| pen.desk.flow.get_untracked());
        let viewport = self.sight.viewport.get_untracked();
        let ground = Ground {
            graph: &graph,
            flow: flow.as_deref(),
            chosen: &chosen,
            window: self.sight.window.get_untracked(),
        };
        let outcome = gesture::turn(self.now.get_value(), viewport, input, ground);
        if outcome.viewport != viewport {
            self.sight.touched.set_value(true);
            self.sight.viewport.set(outcome.viewport);
        }
        let ended = outcome.gesture == Gesture::Idle;
        self.now.set_value(outcome.gesture);
        if let Some(deed) = outcome.deed {
            self.act(deed, &graph);
        }
        if ended {
            // What is drawn is the document again, in the same frame as the deed.
            self.show();
        } else {
            self.plan_frame();
        }
    }

    fn show(&self) {
        let now = self.now.get_value();
        if self.shown.with_untracked(|shown| *shown != now) {
            self.shown.set(now);
        }
    }

    /// Draws the gesture with the next frame, and goes on while time matters to it.
    fn plan_frame(self) {
        if self.frame.get_value().is_some() {
            return;
        }
        self.frame.set_value(Some(js_sys::Date::now()));
        request_animation_frame(move || {
            let Some(Some(since)) = self.frame.try_get_value() else {
                return;
            };
            self.frame.set_value(None);
            if self.now.with_value(Gesture::is_pulling) {
                let millis = js_sys::Date::now() - since;
                self.play(Input::Frame { millis });
            }
            self.show();
        });
    }

    /// Does what a gesture has led to.
    fn act(&self, deed: Deed, graph: &Graph) {
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
        let flow = pen.desk.flow.get_untracked();
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

    pub(super) fn say(&self, text: String) {
        self.said.set(text);
    }
}

/// How large a card is that nobody has seen yet.
fn new_size() -> super::geometry::Size {
    super::geometry::Size {
        width: CARD_WIDTH,
        height: CARD_HEIGHT,
    }
}

/// Pointers and the wheel.
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
        self.play(Input::Down {
            pointer,
            at: self.place(event),
            means,
            on: self.spot(event),
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
        match self.spot(event) {
            Spot::Card(card) => self.ask(Ask::Open { card }),
            Spot::Ground if !event.shift_key() => {
                let at = self.whereabouts(self.place(event));
                let world = super::layout::snapped(at.world);
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

    /// The drawn card with an id.
    pub(super) fn drawn(&self, id: &str) -> Option<DrawnCard> {
        self.scene
            .cards
            .with_untracked(|cards| cards.iter().find(|card| card.id == id).cloned())
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
            .flow
            .with_untracked(|flow| edit::move_by(flow, &cards, by, |id| pen.desk.place(id)));
        if change.what == What::Move && !cards.is_empty() {
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

    /// The viewport now.
    pub(super) fn viewport(&self) -> Viewport {
        self.sight.viewport.get_untracked()
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
