//! The tools of an editor: what is open over the drawing, and how commands are carried out.

use std::sync::Arc;

use leptos::{ev::KeyboardEvent, prelude::*};
use wasm_bindgen::JsCast;
use weir_flows::{
    catalog::{Entry, Group},
    document::{Slug, Step, Trigger},
    port::{PortRole, ports},
};

use super::{
    clipboard,
    command::{Command, Press, Situation},
    desk::Desk,
};
use crate::{
    canvas::{
        Ask, CARD_HEIGHT, CARD_WIDTH, Graph, Sight, Spot, ZOOM_STEP, free_place,
        geometry::{Point, Rect, Size},
        snapped, tidy,
    },
    edit::{self, Added, Change, Chosen, What},
    texts::{count, fill, language, texts},
};

/// How far to the right of a card the next one stands.
const STRIDE: f64 = CARD_WIDTH + 80.0;
/// How far a duplicate stands from what it was made of.
const ASIDE: Point = Point::new(40.0, 40.0);

/// Where a new card goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// After the chosen card where there is one, else in the middle of what is seen.
    Anywhere,
    At(Point),
    /// Behind a port, by a link.
    After {
        from: Slug,
        port: String,
        at: Point,
    },
    /// On a link. Cards that make room move.
    OnLink {
        index: usize,
        at: Point,
        moved: Vec<(Slug, Point)>,
    },
}

/// What lies open over the drawing. There is only ever one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Surface {
    #[default]
    Nothing,
    /// The list of kinds at a point of the window, for a card that goes to a target.
    Add { target: Target, client: Point },
    /// The commands for what is under the pointer.
    Menu {
        on: Spot,
        client: Point,
        world: Point,
    },
    /// Everything, by a few letters.
    Search,
    /// The keys.
    Help,
}

/// The tools of one editor.
#[derive(Clone, Copy)]
pub(crate) struct Tools {
    pub(crate) desk: Desk,
    pub(crate) sight: Sight,
    pub(crate) open: RwSignal<Surface>,
    /// Whether the palette is on the page.
    pub(crate) palette: RwSignal<bool>,
    /// What was done last, for those who do not see it.
    pub(crate) said: RwSignal<String>,
    /// What the page around the drawing does: saving, trying, publishing, the inspector.
    outside: Callback<Command>,
    /// Where the pointer was over the drawing, in client coordinates.
    pub(super) pointer: StoredValue<Option<Point>>,
    /// What was copied here, for browsers that refuse their clipboard.
    pub(super) copied: StoredValue<Option<String>>,
}

impl Tools {
    /// The tools for a desk and its drawing. `outside` does what is not the drawing's own.
    pub(crate) fn new(desk: Desk, sight: Sight, palette: bool, outside: Callback<Command>) -> Self {
        Tools {
            desk,
            sight,
            open: RwSignal::new(Surface::Nothing),
            palette: RwSignal::new(palette),
            said: RwSignal::new(String::new()),
            outside,
            pointer: StoredValue::new(None),
            copied: StoredValue::new(None),
        }
    }

    /// What decides which commands make sense now.
    pub(crate) fn situation(&self) -> Situation {
        let problems = self.desk.problems.with(|problems| problems.len());
        let (undoable, redoable) = (self.desk.undoable.get(), self.desk.redoable.get());
        self.desk.chosen.with(|chosen| {
            self.desk.flow.with(|flow| Situation {
                cards: flow.triggers.len() + flow.steps.len(),
                chosen_cards: chosen.cards.len(),
                chosen_steps: chosen
                    .cards
                    .iter()
                    .filter(|id| flow.steps.contains_key(*id))
                    .count(),
                chosen_links: chosen.links.len(),
                undoable: undoable.is_some(),
                redoable: redoable.is_some(),
                problems,
            })
        })
    }

    /// Carries out a command.
    pub(crate) fn run(&self, command: Command) {
        if !untrack(|| command.makes_sense(&self.situation())) {
            return;
        }
        self.close();
        let desk = self.desk;
        let t = texts();
        match command {
            Command::Add => self.palette.set(true),
            Command::Search => self.open.set(Surface::Search),
            Command::Help => self.open.set(Surface::Help),
            Command::Undo | Command::Redo => {
                let (what, pattern) = if command == Command::Undo {
                    (desk.undoable.get_untracked(), t.said_undone)
                } else {
                    (desk.redoable.get_untracked(), t.said_redone)
                };
                if command == Command::Undo {
                    desk.undo();
                } else {
                    desk.redo();
                }
                if let Some(what) = what {
                    self.say(fill(pattern, &[("what", what_words(what))]));
                }
            }
            Command::Delete => self.delete(),
            Command::Duplicate => self.duplicate(),
            Command::Disable => self.disable(),
            Command::Copy => clipboard::copy(*self),
            Command::Cut => {
                clipboard::copy(*self);
                self.delete();
            }
            Command::Paste => clipboard::paste_from_browser(*self),
            Command::SelectAll => {
                let all = desk.flow.with_untracked(|flow| {
                    Chosen::cards(flow.triggers.keys().chain(flow.steps.keys()).cloned())
                });
                self.say(count(
                    all.cards.len() as u64,
                    t.said_chosen_one,
                    t.said_chosen_many,
                ));
                desk.chosen.set(all);
            }
            Command::Connect => {
                if let Some(card) = self.only_card() {
                    self.sight.connect(card);
                }
            }
            Command::Tidy => {
                let places = desk.graph.with_untracked(|graph| tidy(graph));
                desk.make(|flow| edit::place(flow, What::Tidy, &places));
                self.sight.fit();
                self.say(t.said_tidied.to_owned());
            }
            Command::Fit => self.sight.fit(),
            Command::Actual => self.sight.actual(),
            Command::ZoomIn => self.sight.zoom(ZOOM_STEP),
            Command::ZoomOut => self.sight.zoom(1.0 / ZOOM_STEP),
            Command::NextProblem => self.next_problem(),
            Command::Save
            | Command::Try
            | Command::Publish
            | Command::Inspect
            | Command::Rename => self.outside.run(command),
        }
    }

    /// Answers what the canvas asks.
    pub(crate) fn answer(&self, ask: Ask) {
        match ask {
            Ask::AddAfter { from, port, at } => {
                let at_world = at.world;
                self.offer(
                    Target::After {
                        from,
                        port,
                        at: at_world,
                    },
                    at.client,
                );
            }
            Ask::AddOnLink { index, at, moved } => {
                let target = Target::OnLink {
                    index,
                    at: at.world,
                    moved,
                };
                self.offer(target, at.client);
            }
            Ask::AddAt { at } => self.offer(Target::At(at.world), at.client),
            Ask::Begin { kind, at } => {
                let catalog = self.desk.catalog.get_untracked();
                if let Some(entry) = catalog.trigger(&kind) {
                    self.put(entry, Target::At(at.world));
                }
            }
            Ask::Put {
                card,
                at,
                link,
                moved,
            } => {
                let target = match link {
                    Some(index) => Target::OnLink {
                        index,
                        at: at.world,
                        moved,
                    },
                    None => Target::At(at.world),
                };
                self.put_card(card, target);
            }
            Ask::Open { .. } => self.outside.run(Command::Inspect),
            Ask::Menu { on, at } => self.open.set(Surface::Menu {
                on,
                client: at.client,
                world: at.world,
            }),
        }
    }

    /// Adds a card of a kind.
    pub(crate) fn put(&self, entry: &Entry, target: Target) {
        self.put_card(added(entry), target);
    }

    /// Says something to those who do not see the drawing.
    pub(crate) fn say(&self, text: String) {
        self.said.set(text);
    }

    /// Closes what is open, and gives the keyboard back to the drawing.
    pub(crate) fn close(&self) {
        if self.open.with_untracked(|open| *open != Surface::Nothing) {
            self.open.set(Surface::Nothing);
            self.sight.focus(self.only_card());
        }
    }

    /// Does the command of a key, if it is one's and nothing else wants the key.
    pub(crate) fn key(&self, event: &KeyboardEvent) {
        let press = Press {
            key: &event.key(),
            ctrl: event.ctrl_key() || event.meta_key(),
            shift: event.shift_key(),
            alt: event.alt_key(),
        };
        let Some(command) = Command::of_press(&press).filter(|command| !command.is_clipboard())
        else {
            return;
        };
        let busy = event.default_prevented()
            || !command.works_while_typing() && is_typing()
            || document()
                .query_selector("dialog[open]")
                .is_ok_and(|open| open.is_some());
        if !busy && untrack(|| command.makes_sense(&self.situation())) {
            event.prevent_default();
            self.run(command);
        }
    }

    /// The only card that is chosen.
    pub(crate) fn only_card(&self) -> Option<Slug> {
        self.desk
            .chosen
            .with_untracked(|chosen| chosen.only_card().cloned())
    }

    /// Puts a copied text onto the drawing.
    pub(crate) fn paste(&self, text: &str) {
        let t = texts();
        let clip = match edit::Clip::read(text) {
            Ok(clip) if !clip.is_empty() => clip,
            Ok(_) | Err(edit::NotAClip::Other) => return self.refuse(t.paste_other.to_owned()),
            Err(edit::NotAClip::Broken(why)) => {
                return self.refuse(fill(t.paste_broken, &[("why", &why)]));
            }
        };
        let here = self
            .pointer
            .get_value()
            .map(|client| self.sight.to_world(client));
        let at = snapped(here.unwrap_or_else(|| self.sight.centre()));
        let (change, chosen) = self
            .desk
            .flow
            .with_untracked(|flow| clip.paste(flow, at, What::Paste));
        self.take_in(change, chosen);
    }

    fn refuse(&self, why: String) {
        crate::kit::toast::toast().bad(why);
    }

    /// Does a change that brings cards, and chooses them.
    fn take_in(&self, change: Change, chosen: Chosen) {
        let t = texts();
        self.desk.settle();
        self.desk.apply(change);
        self.say(count(
            chosen.cards.len() as u64,
            t.said_added_one,
            t.said_added_many,
        ));
        let first = chosen.cards.first().cloned();
        self.desk.chosen.set(chosen);
        if let Some(first) = first {
            self.sight.reveal(&first);
            self.sight.focus(Some(first));
        }
    }

    fn offer(&self, target: Target, client: Point) {
        self.open.set(Surface::Add { target, client });
    }

    fn put_card(&self, card: Added, target: Target) {
        let (target, wanted) = match target {
            Target::Anywhere => self.anywhere(&card),
            target => (target, true),
        };
        let catalog = self.desk.catalog.get_untracked();
        let on = match &card {
            Added::Step(step) => catalog.step(&step.kind).and_then(|entry| {
                ports(entry, &step.config)
                    .into_iter()
                    .find(|port| port.role != PortRole::Error)
                    .map(|port| port.name)
            }),
            Added::Trigger(_) => None,
        };
        let size = Size {
            width: CARD_WIDTH,
            height: CARD_HEIGHT,
        };
        let free = |at: Point| {
            self.desk
                .graph
                .with_untracked(|graph| free_place(graph, at, size))
        };
        let made = self.desk.flow.with_untracked(|flow| match (card, target) {
            (Added::Step(step), Target::After { from, port, at }) => {
                edit::add_after(flow, step, if wanted { at } else { free(at) }, &from, &port)
            }
            (Added::Step(step), Target::OnLink { index, at, moved }) => {
                let (mut change, id) = edit::add_on_link(flow, step, at, index, on.as_deref())?;
                change
                    .edits
                    .extend(edit::place(flow, What::Move, &moved).edits);
                Some((change, id))
            }
            (card, Target::After { at, .. } | Target::OnLink { at, .. } | Target::At(at)) => {
                Some(edit::add(flow, card, free(at)))
            }
            (card, Target::Anywhere) => Some(edit::add(flow, card, free(self.sight.centre()))),
        });
        self.close();
        if let Some((change, id)) = made {
            self.take_in(change, Chosen::card(id));
        }
    }

    /// Behind the only chosen card, by its first way out that leads nowhere yet; else in the middle of what is seen.
    fn anywhere(&self, card: &Added) -> (Target, bool) {
        let behind = matches!(card, Added::Step(_))
            .then(|| self.only_card())
            .flatten();
        let after = behind.and_then(|from| {
            self.desk.graph.with_untracked(|graph| {
                let card = graph.card(&from)?;
                let port = card
                    .ports
                    .iter()
                    .find(|port| !port.linked && port.name != "error")?;
                let at = card.at.plus(Point::new(STRIDE, 0.0));
                Some(Target::After {
                    port: port.name.clone(),
                    at,
                    from,
                })
            })
        });
        match after {
            Some(after) => (after, false),
            None => {
                let centre = self.sight.centre();
                let half = Point::new(CARD_WIDTH / 2.0, CARD_HEIGHT / 2.0);
                (Target::At(snapped(centre.minus(half))), false)
            }
        }
    }

    fn delete(&self) {
        let t = texts();
        let chosen = self.desk.chosen.get_untracked();
        let cards = chosen.cards.len() as u64;
        self.desk.settle();
        self.desk.make(|flow| edit::delete(flow, &chosen));
        self.sight.focus(None);
        self.say(if cards == 0 {
            t.said_link_deleted.to_owned()
        } else {
            count(cards, t.said_deleted_one, t.said_deleted_many)
        });
    }

    fn duplicate(&self) {
        let desk = self.desk;
        let chosen = desk.chosen.get_untracked();
        let made = desk.flow.with_untracked(|flow| {
            let clip = edit::Clip::of(flow, &chosen.cards, |id| desk.place(id));
            let rects = chosen
                .cards
                .iter()
                .filter_map(|id| Some(Rect::new(desk.place(id)?.x, desk.place(id)?.y, 0.0, 0.0)));
            let corner = Rect::around(rects)?.at;
            Some(clip.paste(flow, corner.plus(ASIDE), What::Duplicate))
        });
        if let Some((change, chosen)) = made {
            self.take_in(change, chosen);
        }
    }

    /// Switches the chosen cards off, or on where all of them are off.
    fn disable(&self) {
        let chosen = self.desk.chosen.get_untracked();
        self.desk.settle();
        self.desk.make(|flow| {
            let triggers = flow
                .triggers
                .iter()
                .filter(|(id, _)| chosen.cards.contains(*id));
            let steps = flow
                .steps
                .iter()
                .filter(|(id, _)| chosen.cards.contains(*id));
            let off = triggers.clone().any(|(_, trigger)| !trigger.disabled)
                || steps.clone().any(|(_, step)| !step.disabled);
            let triggers = triggers.map(|(id, trigger)| {
                edit::set_trigger(
                    flow,
                    id,
                    Trigger {
                        disabled: off,
                        ..trigger.clone()
                    },
                    "disabled",
                )
            });
            let steps = steps.map(|(id, step)| {
                edit::set_step(
                    flow,
                    id,
                    Step {
                        disabled: off,
                        ..step.clone()
                    },
                    "disabled",
                )
            });
            Change::new(
                What::Set,
                triggers
                    .chain(steps)
                    .flat_map(|change| change.edits)
                    .collect(),
            )
        });
    }

    /// Goes to the problem after the one that was looked at last.
    fn next_problem(&self) {
        let problems = self.desk.problems.get_untracked();
        let card = self.only_card();
        let of_card = |at: &str| {
            card.as_ref()
                .is_some_and(|card| at.split('/').nth(2) == Some(card))
        };
        let last = problems.iter().rposition(|problem| of_card(&problem.at));
        let next = last.map_or(0, |last| (last + 1) % problems.len());
        if let Some(problem) = problems.get(next) {
            self.desk.seek(&problem.at);
            if let Some(card) = self.only_card() {
                self.sight.reveal(&card);
            }
            self.say(problem.message.clone());
        }
    }
}

/// A new card of a kind, with what a new one contains.
pub(crate) fn added(entry: &Entry) -> Added {
    let kind = entry.kind.to_string();
    let title = entry.title.of(language().code()).to_owned();
    let config = entry.start.clone();
    match entry.group {
        Group::Trigger => Added::Trigger(Trigger {
            kind,
            title,
            config,
            ..Trigger::default()
        }),
        Group::Mapper | Group::Action | Group::Control => Added::Step(Step {
            kind,
            title,
            config,
            ..Step::default()
        }),
    }
}

/// Whether letters go into a text now: then most keys are the text's.
pub(crate) fn is_typing() -> bool {
    document().active_element().is_some_and(|element| {
        let field = match element.tag_name().as_str() {
            "INPUT" => !matches!(
                element.get_attribute("type").as_deref(),
                Some("checkbox" | "radio" | "button" | "range")
            ),
            tag => matches!(tag, "TEXTAREA" | "SELECT"),
        };
        field
            || element
                .dyn_ref::<web_sys::HtmlElement>()
                .is_some_and(web_sys::HtmlElement::is_content_editable)
    })
}

/// What was done, in a word.
pub(crate) fn what_words(what: What) -> &'static str {
    let t = texts();
    match what {
        What::Add => t.what_add,
        What::Delete => t.what_delete,
        What::Move => t.what_move,
        What::Connect => t.what_connect,
        What::Disconnect => t.what_disconnect,
        What::Paste => t.what_paste,
        What::Duplicate => t.what_duplicate,
        What::Rename => t.what_rename,
        What::Set => t.what_set,
        What::Tidy => t.what_tidy,
        What::Restore => t.what_restore,
    }
}

/// The cards of a drawing, for the search.
pub(crate) fn cards(graph: &Arc<Graph>) -> Vec<(Slug, String)> {
    graph
        .cards
        .iter()
        .map(|card| (card.id.clone(), card.title.clone()))
        .collect()
}
