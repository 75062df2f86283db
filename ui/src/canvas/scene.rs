//! The scene: signals for every card and every link, so that a change redraws only what it is about.
//!
//! [`Scene::draw`] compares what is to be drawn with what is, and sets the signals that differ. Cards that an edit has
//! moved glide to their new places; cards in the hand are where the hand is.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use leptos::prelude::*;
use weir_flows::document::{self, Slug};

use super::{
    ask::Anchor,
    geometry::{Curve, Point},
    gesture::Gesture,
    graph::{Card, Graph},
};
use crate::edit::Chosen;

/// How long cards glide to a new place, in milliseconds.
const GLIDE: f64 = 220.0;
/// How far a card moves at least to glide there.
const FAR: f64 = 2.0;

/// What a card shows of what is being done.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CardLook {
    pub(super) chosen: bool,
    pub(super) moving: bool,
    /// Whether it is the one in the order of Tab.
    pub(super) first: bool,
    pub(super) aim: Aim,
}

/// What a card is for a link in the hand.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Aim {
    /// There is no link in the hand.
    #[default]
    None,
    /// The link comes from here.
    Source,
    /// The link may go here.
    Legal,
    Illegal,
    /// The link means this one; the port where it would leave.
    Meant {
        legal: bool,
        port: Option<String>,
    },
}

/// What a link shows of what is being done.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LinkLook {
    pub(super) chosen: bool,
    /// Whether an end of it is in the hand.
    pub(super) taken_off: bool,
    /// Whether a new card would be put on it.
    pub(super) meant: bool,
    /// Whether it is in the order of Tab: it leaves the card that is.
    pub(super) first: bool,
}

/// A link of the document and its index there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) link: document::Link,
    pub(super) index: usize,
}

/// The signals of a card.
#[derive(Clone)]
pub(super) struct DrawnCard {
    pub(super) id: Slug,
    /// Differs for every drawn card, also for one that comes again after it was gone.
    pub(super) serial: usize,
    pub(super) card: ArcRwSignal<Arc<Card>>,
    /// Where it is drawn.
    pub(super) at: ArcRwSignal<Point>,
    pub(super) look: ArcRwSignal<CardLook>,
}

/// The signals of a link.
#[derive(Clone)]
pub(super) struct DrawnLink {
    pub(super) serial: usize,
    pub(super) line: ArcRwSignal<Line>,
    pub(super) look: ArcRwSignal<LinkLook>,
    pub(super) from: DrawnCard,
    pub(super) to: DrawnCard,
}

impl DrawnCard {
    /// The card where it is drawn.
    fn placed(&self) -> Card {
        let card = self.card.get();
        Card {
            at: self.at.get(),
            ..Card::clone(&card)
        }
    }
}

impl DrawnLink {
    /// The way it is drawn.
    pub(super) fn curve(&self) -> Curve {
        let port = self.line.with(|line| line.link.port().to_owned());
        Curve::new(self.from.placed().exit(&port), self.to.placed().entry())
    }
}

/// A card that glides.
struct Glide {
    at: ArcRwSignal<Point>,
    from: Point,
    to: Point,
    since: f64,
}

/// All signals of one drawing.
#[derive(Clone, Copy)]
pub(super) struct Scene {
    pub(super) cards: RwSignal<Vec<DrawnCard>>,
    pub(super) links: RwSignal<Vec<DrawnLink>>,
    drawn: StoredValue<Option<Arc<Graph>>>,
    serial: StoredValue<usize>,
    glides: StoredValue<HashMap<usize, Glide>>,
    /// Whether the next frame of the gliding is on its way.
    glides_on: StoredValue<bool>,
}

impl Scene {
    pub(super) fn new() -> Self {
        Scene {
            cards: RwSignal::new(Vec::new()),
            links: RwSignal::new(Vec::new()),
            drawn: StoredValue::new(None),
            serial: StoredValue::new(0),
            glides: StoredValue::new(HashMap::new()),
            glides_on: StoredValue::new(false),
        }
    }

    /// Draws a drawing with what the hand does on it. `first` is the card in the order of Tab.
    pub(super) fn draw(
        &self,
        graph: &Arc<Graph>,
        gesture: &Gesture,
        chosen: &Chosen,
        first: Option<&Slug>,
    ) {
        let same = self.drawn.with_value(|drawn| {
            drawn
                .as_ref()
                .is_some_and(|drawn| Arc::ptr_eq(drawn, graph))
        });
        if !same {
            self.take(graph);
            self.drawn.set_value(Some(graph.clone()));
        }
        // A marquee shows what it will choose.
        let chosen = match gesture {
            Gesture::Marquee { chosen, .. } => chosen,
            _ => chosen,
        };
        self.cards.with_untracked(|cards| {
            for drawn in cards {
                self.place(drawn, gesture);
                let look = CardLook {
                    chosen: chosen.cards.contains(&drawn.id),
                    moving: is_moving(gesture, &drawn.id),
                    first: first == Some(&drawn.id),
                    aim: aim(gesture, &drawn.id),
                };
                set_changed(&drawn.look, look);
            }
        });
        self.links.with_untracked(|links| {
            for drawn in links {
                let look = drawn.line.with_untracked(|line| LinkLook {
                    chosen: chosen.links.contains(&line.link),
                    taken_off: match gesture {
                        Gesture::Connect { wire, .. } => wire.link.as_ref() == Some(&line.link),
                        _ => false,
                    },
                    meant: match gesture {
                        Gesture::Place { link, .. } => link.as_ref() == Some(&line.link),
                        _ => false,
                    },
                    first: first == Some(&line.link.from),
                });
                set_changed(&drawn.look, look);
            }
        });
    }

    /// Takes over another drawing: signals that are there already stay, and are set where something differs.
    fn take(&self, graph: &Arc<Graph>) {
        let mut known: HashMap<&str, Arc<Card>> = graph
            .cards
            .iter()
            .map(|card| (card.id.as_str(), Arc::new(card.clone())))
            .collect();
        let before = self.cards.get_untracked();
        let mut cards: Vec<DrawnCard> = Vec::with_capacity(graph.cards.len());
        // What is drawn already keeps its place in the page, so that it keeps the focus.
        for drawn in before.iter() {
            if let Some(card) = known.remove(drawn.id.as_str()) {
                set_changed(&drawn.card, card);
                cards.push(drawn.clone());
            }
        }
        for card in &graph.cards {
            if let Some(card) = known.remove(card.id.as_str()) {
                cards.push(DrawnCard {
                    id: card.id.clone(),
                    serial: self.next_serial(),
                    at: ArcRwSignal::new(card.at),
                    card: ArcRwSignal::new(card),
                    look: ArcRwSignal::default(),
                });
            }
        }
        self.take_links(graph, &cards);
        let serials =
            |cards: &[DrawnCard]| -> Vec<usize> { cards.iter().map(|card| card.serial).collect() };
        if serials(&before) != serials(&cards) {
            self.cards.set(cards);
        }
    }

    fn take_links(&self, graph: &Graph, cards: &[DrawnCard]) {
        let by_id: HashMap<&str, &DrawnCard> =
            cards.iter().map(|card| (card.id.as_str(), card)).collect();
        let before = self.links.get_untracked();
        let mut free: BTreeMap<document::Link, Vec<DrawnLink>> = BTreeMap::new();
        for drawn in before.iter().rev() {
            let link = drawn.line.with_untracked(|line| line.link.clone());
            free.entry(link).or_default().push(drawn.clone());
        }
        let mut links = Vec::with_capacity(graph.links.len());
        for link in &graph.links {
            let Some(line) = graph.document_link(link).map(|document| Line {
                link: document,
                index: link.index,
            }) else {
                continue;
            };
            let ends = (
                by_id.get(line.link.from.as_str()),
                by_id.get(line.link.to.as_str()),
            );
            let (Some(from), Some(to)) = ends else {
                continue;
            };
            let known = free.get_mut(&line.link).and_then(Vec::pop);
            let known = known
                .filter(|known| (known.from.serial, known.to.serial) == (from.serial, to.serial));
            match known {
                Some(known) => {
                    set_changed(&known.line, line);
                    links.push(known);
                }
                None => links.push(DrawnLink {
                    serial: self.next_serial(),
                    line: ArcRwSignal::new(line),
                    look: ArcRwSignal::default(),
                    from: DrawnCard::clone(from),
                    to: DrawnCard::clone(to),
                }),
            }
        }
        let serials =
            |links: &[DrawnLink]| -> Vec<usize> { links.iter().map(|link| link.serial).collect() };
        if serials(&before) != serials(&links) {
            self.links.set(links);
        }
    }

    /// Brings a card to its place: at once where a hand holds it, softly where an edit has moved it.
    fn place(&self, drawn: &DrawnCard, gesture: &Gesture) {
        let home = drawn.card.with_untracked(|card| card.at);
        let held = match gesture {
            Gesture::Move { cards, settled, .. } if cards.contains(&drawn.id) => Some(settled.by),
            _ => None,
        };
        if let Some(by) = held {
            self.glides.update_value(|glides| {
                glides.remove(&drawn.serial);
            });
            set_changed(&drawn.at, home.plus(by));
            return;
        }
        let now = drawn.at.get_untracked();
        let bound = self
            .glides
            .with_value(|glides| glides.get(&drawn.serial).map(|glide| glide.to));
        if bound.unwrap_or(now) == home {
            return;
        }
        if now.distance(home) < FAR || prefers_stillness() {
            self.glides.update_value(|glides| {
                glides.remove(&drawn.serial);
            });
            set_changed(&drawn.at, home);
            return;
        }
        let glide = Glide {
            at: drawn.at.clone(),
            from: now,
            to: home,
            since: js_sys::Date::now(),
        };
        self.glides.update_value(|glides| {
            glides.insert(drawn.serial, glide);
        });
        self.glide_on();
    }

    /// Moves what glides by one frame, and asks for the next one while something still does.
    fn glide_on(self) {
        if self.glides_on.get_value() {
            return;
        }
        self.glides_on.set_value(true);
        request_animation_frame(move || {
            // The canvas may be gone by now.
            if self.glides_on.try_set_value(false).is_some() {
                return;
            }
            let now = js_sys::Date::now();
            self.glides.update_value(|glides| {
                glides.retain(|_, glide| {
                    let part = ((now - glide.since) / GLIDE).clamp(0.0, 1.0);
                    // Fast at first, then slower and slower.
                    let eased = 1.0 - (1.0 - part).powi(3);
                    let way = glide.to.minus(glide.from);
                    let at = match part {
                        1.0 => glide.to,
                        _ => glide.from.plus(way.scaled(eased)),
                    };
                    glide.at.set(at);
                    part < 1.0
                });
            });
            if self.glides.with_value(|glides| !glides.is_empty()) {
                self.glide_on();
            }
        });
    }

    fn next_serial(&self) -> usize {
        self.serial.update_value(|serial| *serial += 1);
        self.serial.get_value()
    }
}

fn is_moving(gesture: &Gesture, id: &str) -> bool {
    matches!(gesture, Gesture::Move { cards, .. } if cards.contains(id))
}

fn aim(gesture: &Gesture, id: &str) -> Aim {
    let Gesture::Connect { wire, targets, .. } = gesture else {
        return Aim::None;
    };
    if let Some(target) = gesture.target().filter(|target| target.anchor.card() == id) {
        return Aim::Meant {
            legal: target.legal.is_ok(),
            port: match &target.anchor {
                Anchor::Port { port, .. } => Some(port.clone()),
                Anchor::Entry { .. } => None,
            },
        };
    }
    if wire.fixed.card() == id {
        return Aim::Source;
    }
    let mut own = targets.iter().filter(|target| target.anchor.card() == id);
    if own.any(|target| target.legal.is_ok()) {
        Aim::Legal
    } else {
        Aim::Illegal
    }
}

/// Sets a signal only where the value differs: readers run for changes, not for news.
fn set_changed<T: PartialEq + Send + Sync + 'static>(signal: &ArcRwSignal<T>, value: T) {
    if signal.with_untracked(|current| *current != value) {
        signal.set(value);
    }
}

/// Whether the person has asked their system for less motion.
fn prefers_stillness() -> bool {
    let query = window().match_media("(prefers-reduced-motion: reduce)");
    query.ok().flatten().is_some_and(|query| query.matches())
}
