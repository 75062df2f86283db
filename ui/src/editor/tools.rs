//! The tools of an editor: what is open over the drawing, who has the keyboard, and which command a key means.

use leptos::{ev::KeyboardEvent, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement};
use weir_flows::document::Slug;

use super::{
    command::{Command, Press, Reach, Situation},
    desk::Desk,
    places::Target,
};
use crate::{
    canvas::{Ask, Sight, Spot, geometry::Point},
    edit::{Chosen, body},
    kit::toast::toast,
};

/// The search field of the palette.
pub(super) const PALETTE_SEARCH: &str = "palette-search";

/// What lies open over the drawing. There is only ever one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Surface {
    #[default]
    Nothing,
    /// The list of kinds at a point of the window, for a card that goes to a target.
    Add { target: Target, client: Point },
    /// The commands for what is under the pointer; `world` is where that is in the drawing.
    Menu {
        on: Spot,
        client: Point,
        world: Point,
    },
    /// Another title for a card.
    Rename(Slug),
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
    pub(super) outside: Callback<Command>,
    /// Where the pointer was over the drawing, in client coordinates.
    pub(super) pointer: StoredValue<Option<Point>>,
    /// What was copied here, for browsers that refuse their clipboard.
    pub(super) copied: StoredValue<Option<String>>,
    /// The problem that was looked at last: its index and its place.
    pub(super) looked: StoredValue<Option<(usize, String)>>,
    /// What had the keyboard before something was opened.
    before: StoredValue<Option<HtmlElement>, LocalStorage>,
}

impl Tools {
    /// The tools for a desk and its drawing. `outside` does [`Command::Save`], [`Command::Try`], [`Command::Publish`] and
    /// [`Command::Inspect`]: what is not the drawing's own.
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
            looked: StoredValue::new(None),
            before: StoredValue::new_local(None),
        }
    }

    /// What decides which commands make sense now.
    pub(crate) fn situation(&self) -> Situation {
        let desk = self.desk;
        let problems = desk.problems.with(|problems| problems.len());
        let (undoable, redoable) = (desk.undoable.get(), desk.redoable.get());
        desk.chosen.with(|chosen| {
            let pinnable = chosen.only_card().is_some_and(|id| self.is_pinnable(id));
            let holds = chosen.only_card().is_some_and(|id| self.holds(id));
            desk.drawn.with(|flow| Situation {
                cards: flow.triggers.len() + flow.steps.len(),
                chosen_cards: chosen.cards.len(),
                chosen_links: chosen.links.len(),
                undoable: undoable.is_some(),
                redoable: redoable.is_some(),
                problems,
                pinnable,
                holds,
                inside: desk.is_inside(),
            })
        })
    }

    /// Answers what the canvas asks.
    pub(crate) fn answer(&self, ask: Ask) {
        match ask {
            Ask::AddAfter { from, port, at } => {
                let target = Target::After {
                    from,
                    port,
                    at: at.world,
                };
                self.offer(target, at.client);
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
            Ask::Open { card } if self.holds(&card) => self.open_body(&card),
            Ask::Open { .. } => self.outside.run(Command::Inspect),
            Ask::Leave => self.run(Command::Leave),
            Ask::Menu { on, at } => self.show(Surface::Menu {
                on,
                client: at.client,
                world: at.world,
            }),
        }
    }

    /// Whether a card has an inside that can be drawn.
    fn holds(&self, id: &str) -> bool {
        let drawn = self.desk.drawn;
        drawn.with(|flow| flow.steps.get(id).and_then(body::counted).is_some())
    }

    /// Draws what is inside of a card.
    pub(super) fn open_body(&self, id: &str) {
        let mut way = self.desk.within.get_untracked();
        way.push(id.to_owned());
        self.desk.open(&way);
    }

    /// Offers the kinds at a point of the window, for a card that goes to a target.
    pub(crate) fn offer(&self, target: Target, client: Point) {
        self.show(Surface::Add { target, client });
    }

    /// Opens something, and keeps in mind what had the keyboard.
    pub(crate) fn show(&self, surface: Surface) {
        if self.open.with_untracked(|open| *open == Surface::Nothing) {
            self.before.set_value(focused());
        }
        self.open.set(surface);
    }

    /// Closes what is open, and gives the keyboard back to what had it.
    pub(crate) fn close(&self) {
        if self.open.with_untracked(|open| *open == Surface::Nothing) {
            return;
        }
        self.open.set(Surface::Nothing);
        let before = self.before.try_update_value(Option::take).flatten();
        match before.filter(|element| element.is_connected()) {
            Some(element) => {
                let options = FocusOptions::new();
                options.set_prevent_scroll(true);
                let _ = element.focus_with_options(&options);
            }
            None => self.sight.focus(self.only_card()),
        }
    }

    /// Puts the palette on the page, with the keyboard in its search.
    pub(super) fn open_palette(&self) {
        self.palette.set(true);
        request_animation_frame(|| {
            let search = document().get_element_by_id(PALETTE_SEARCH);
            if let Some(search) = search.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
                let _ = search.focus();
            }
        });
    }

    /// Takes the palette away.
    pub(crate) fn close_palette(&self) {
        let within = focused().is_some_and(|element| is_within(&element, ".palette"));
        self.palette.set(false);
        if within {
            self.sight.focus(self.only_card());
        }
    }

    /// Does the command of a key, if it is one's and nothing else wants the key.
    pub(crate) fn key(&self, event: &KeyboardEvent) {
        let press = Press {
            key: &event.key(),
            code: &event.code(),
            ctrl: if is_mac() {
                event.meta_key()
            } else {
                event.ctrl_key()
            },
            shift: event.shift_key(),
            alt: event.alt_key(),
        };
        // The clipboard's own events do the clipboard's commands, with less asking by the browser.
        let command = Command::of_press(&press).filter(|command| !command.is_clipboard());
        let Some(mut command) = command else { return };
        if command == Command::SelectNone && self.desk.chosen.with_untracked(Chosen::is_empty) {
            command = Command::Leave;
        }
        let free = !event.default_prevented() && !is_dialog_open() && keyboard() <= command.reach();
        if !free {
            return;
        }
        let again = match command {
            Command::Search => self.open.with_untracked(|open| *open == Surface::Search),
            _ => false,
        };
        if again {
            event.prevent_default();
            self.close();
        } else if untrack(|| command.makes_sense(&self.situation())) {
            event.prevent_default();
            self.run(command);
        }
    }

    /// The only card that is chosen.
    pub(crate) fn only_card(&self) -> Option<Slug> {
        let chosen = self.desk.chosen;
        chosen.with_untracked(|chosen| chosen.only_card().cloned())
    }

    /// Says something to those who do not see the drawing.
    pub(crate) fn say(&self, text: String) {
        self.said.set(text);
    }

    /// Says to everyone why something was not done.
    pub(super) fn refuse(&self, why: String) {
        toast().bad(why);
    }
}

/// Where the keyboard is: keys that are heard from further away than this belong to somebody else.
pub(super) fn keyboard() -> Reach {
    match focused() {
        None => Reach::Drawing,
        Some(element) if is_text(&element) => Reach::Texts,
        Some(element) if is_within(&element, ".canvas, .bar, .crumbs") => Reach::Drawing,
        Some(element) if element.tag_name() == "MAIN" => Reach::Drawing,
        Some(_) => Reach::Page,
    }
}

/// Whether a dialog is over the page; all keys are its own then.
pub(super) fn is_dialog_open() -> bool {
    let open = document().query_selector("dialog[open]");
    open.is_ok_and(|open| open.is_some())
}

/// Whether this is a Mac, where ⌘ takes the place of Ctrl.
pub(super) fn is_mac() -> bool {
    let agent = window().navigator().user_agent();
    agent.is_ok_and(|agent| agent.contains("Mac OS"))
}

/// What has the keyboard, if anything has it.
fn focused() -> Option<HtmlElement> {
    let active = document().active_element()?.dyn_into::<HtmlElement>().ok();
    active.filter(|element| element.tag_name() != "BODY")
}

/// Whether letters go into it.
fn is_text(element: &HtmlElement) -> bool {
    let field = match element.tag_name().as_str() {
        "INPUT" => !matches!(
            element.get_attribute("type").as_deref(),
            Some("checkbox" | "radio" | "button" | "range")
        ),
        tag => matches!(tag, "TEXTAREA" | "SELECT"),
    };
    field || element.is_content_editable()
}

fn is_within(element: &Element, selector: &str) -> bool {
    element.closest(selector).is_ok_and(|found| found.is_some())
}
