//! What a person does with cards and links, as changes of the document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use weir_flows::document::{Flow, Link, Settings, Slug, Step, Test, Trigger};

use super::{
    change::{Change, Edit, What},
    clip::Clip,
    connect::link,
    names::{Taken, free_bodies, fresh_card, is_taken, within},
};
use crate::{canvas::geometry::Point, kinds::step_ports};

/// What is chosen on the canvas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) cards: BTreeSet<Slug>,
    pub(crate) links: BTreeSet<Link>,
}

impl Chosen {
    /// One card.
    pub(crate) fn card(id: impl Into<Slug>) -> Self {
        Chosen::cards([id.into()])
    }

    /// Some cards.
    pub(crate) fn cards(ids: impl IntoIterator<Item = Slug>) -> Self {
        Chosen {
            cards: ids.into_iter().collect(),
            links: BTreeSet::new(),
        }
    }

    /// The only thing that is chosen, if it is a card.
    pub(crate) fn only_card(&self) -> Option<&Slug> {
        let mut cards = self.cards.iter();
        let first = cards.next()?;
        (cards.next().is_none() && self.links.is_empty()).then_some(first)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cards.is_empty() && self.links.is_empty()
    }

    /// Only what is still in the document.
    pub(crate) fn within(&self, flow: &Flow) -> Self {
        Chosen {
            cards: self
                .cards
                .iter()
                .filter(|id| is_taken(flow, id))
                .cloned()
                .collect(),
            links: self
                .links
                .iter()
                .filter(|link| flow.links.contains(link))
                .cloned()
                .collect(),
        }
    }
}

/// A card that is new.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are never many of them, and they do not stay"
)]
pub(crate) enum Added {
    Trigger(Trigger),
    Step(Step),
}

impl Added {
    fn kind(&self) -> &str {
        match self {
            Added::Trigger(trigger) => &trigger.kind,
            Added::Step(step) => &step.kind,
        }
    }
}

/// Adds a card at a point.
pub(crate) fn add(taken: &Taken, card: Added, at: Point) -> (Change, Slug) {
    let id = fresh_card(taken, card.kind());
    let edit = match card {
        Added::Trigger(trigger) => Edit::Trigger(id.clone(), Some(Box::new(trigger))),
        Added::Step(step) => {
            let names = BTreeMap::from([(id.clone(), id.clone())]);
            let mut steps = BTreeMap::from([(id.clone(), step)]);
            free_bodies(taken, &mut steps, &names);
            Edit::Step(id.clone(), steps.remove(&id).map(Box::new))
        }
    };
    let place = Edit::Place(id.clone(), Some(at.whole()));
    (Change::new(What::Add, vec![edit, place]), id)
}

/// Adds a step at a point, with a link to it from a port. `None` where the card of the port is gone.
pub(crate) fn add_after(
    flow: &Flow,
    taken: &Taken,
    step: Step,
    at: Point,
    from: &str,
    port: &str,
) -> Option<(Change, Slug)> {
    if !is_taken(flow, from) {
        return None;
    }
    let (mut change, id) = add(taken, Added::Step(step), at);
    let mut links = flow.links.clone();
    links.push(link(from, port, &id));
    change.edits.push(Edit::Links(links));
    Some((change, id))
}

/// Adds a step in the middle of the link at an index: the link leads to it, and a new one leads on by `port`.
/// Where the step has no way on (`port` is none), the link ends at it.
pub(crate) fn add_on_link(
    flow: &Flow,
    taken: &Taken,
    step: Step,
    at: Point,
    index: usize,
    port: Option<&str>,
) -> Option<(Change, Slug)> {
    let old = flow.links.get(index)?;
    let (mut change, id) = add(taken, Added::Step(step), at);
    let mut links = flow.links.clone();
    links[index] = link(&old.from, old.port(), &id);
    if let Some(port) = port {
        links.insert(index + 1, link(&id, port, &old.to));
    }
    change.edits.push(Edit::Links(links));
    Some((change, id))
}

/// Deletes what is chosen, with every link that touches it, and what tests say of it.
pub(crate) fn delete(flow: &Flow, chosen: &Chosen) -> Change {
    let gone = |id: &Slug| chosen.cards.contains(id);
    let mut inner = Vec::new();
    for (_, step) in flow.steps.iter().filter(|(id, _)| gone(id)) {
        within(step, &mut inner);
    }
    let all: BTreeSet<Slug> = chosen.cards.iter().cloned().chain(inner).collect();
    let mut to = flow.clone();
    to.triggers.retain(|id, _| !gone(id));
    to.steps.retain(|id, _| !gone(id));
    to.layout.retain(|id, _| !gone(id));
    to.links
        .retain(|link| !gone(&link.from) && !gone(&link.to) && !chosen.links.contains(link));
    to.tests.iter_mut().for_each(|test| forget(test, &all));
    // A test of a trigger that is gone tests nothing.
    to.tests
        .retain(|test| !test.trigger.as_ref().is_some_and(gone));
    let what = if chosen.cards.is_empty() {
        What::Disconnect
    } else {
        What::Delete
    };
    Change::between(what, flow, &to)
}

/// Takes out of a test what it says of steps that are gone.
pub(super) fn forget(test: &mut Test, gone: &BTreeSet<Slug>) {
    test.mocks.retain(|id, _| !gone.contains(id));
    let expect = &mut test.expect;
    expect.skipped.retain(|id| !gone.contains(id));
    expect.steps.retain(|id, _| !gone.contains(id));
    if let Some(ran) = &mut expect.ran {
        ran.retain(|id| !gone.contains(id));
    }
}

/// How far a copy stands from what it was copied of.
const APART: f64 = 40.0;

/// Copies cards, with the links between them, beside themselves; the copies are what is chosen then. `places` tells where
/// each card stands. Where a card stands at the place of its copy already, as one that was copied before, the copies go
/// further on.
pub(crate) fn duplicate(
    flow: &Flow,
    taken: &Taken,
    cards: &BTreeSet<Slug>,
    places: impl Fn(&str) -> Option<Point>,
) -> Option<(Change, Chosen)> {
    let stand = cards.iter().filter_map(|id| places(id));
    let corner = stand.reduce(|a, b| Point::new(a.x.min(b.x), a.y.min(b.y)))?;
    let covered: BTreeSet<[i32; 2]> = flow
        .triggers
        .keys()
        .chain(flow.steps.keys())
        .filter_map(|id| Some(places(id)?.whole()))
        .collect();
    let mut by = Point::new(APART, APART);
    let covers = |by: Point| {
        let mut copies = cards.iter().filter_map(|id| Some(places(id)?.plus(by)));
        copies.any(|at| covered.contains(&at.whole()))
    };
    while covers(by) {
        by = by.plus(Point::new(APART, APART));
    }
    let clip = Clip::of(flow, cards, places);
    Some(clip.paste(flow, taken, corner.plus(by), What::Duplicate))
}

/// Switches cards on or off.
pub(crate) fn switch(flow: &Flow, cards: &BTreeSet<Slug>, on: bool) -> Change {
    let mut to = flow.clone();
    for id in cards {
        if let Some(trigger) = to.triggers.get_mut(id) {
            trigger.disabled = !on;
        }
        if let Some(step) = to.steps.get_mut(id) {
            step.disabled = !on;
        }
    }
    Change::between(What::Set, flow, &to)
}

/// Gives a card another title.
pub(crate) fn retitle(flow: &Flow, id: &str, title: &str) -> Change {
    let mut to = flow.clone();
    if let Some(trigger) = to.triggers.get_mut(id) {
        trigger.title = title.to_owned();
    }
    if let Some(step) = to.steps.get_mut(id) {
        step.title = title.to_owned();
    }
    Change::between(What::Rename, flow, &to)
}

/// Pins an output to a step, or takes the pinned one away.
pub(crate) fn pin(flow: &Flow, id: &str, output: Option<Value>) -> Change {
    let mut to = flow.clone();
    if let Some(step) = to.steps.get_mut(id) {
        step.pinned = output;
    }
    Change::between(What::Set, flow, &to)
}

/// Moves cards to new places.
pub(crate) fn place(flow: &Flow, what: What, places: &[(Slug, Point)]) -> Change {
    let edits = places
        .iter()
        .map(|(id, at)| (id, at.whole()))
        .filter(|(id, at)| flow.layout.get(*id) != Some(at))
        .map(|(id, at)| Edit::Place(id.clone(), Some(at)));
    Change::new(what, edits.collect())
}

/// Moves cards by a way. `places` tells where each stands, also where the document does not say it.
pub(crate) fn move_by(
    flow: &Flow,
    cards: &BTreeSet<Slug>,
    by: Point,
    places: impl Fn(&str) -> Option<Point>,
) -> Change {
    let moved: Vec<(Slug, Point)> = cards
        .iter()
        .filter_map(|id| Some((id.clone(), places(id)?.plus(by))))
        .collect();
    place(flow, What::Move, &moved)
}

/// Sets a trigger. `field` names what is being edited: edits of one field that follow each other are undone as one.
pub(crate) fn set_trigger(flow: &Flow, id: &str, to: Trigger, field: &str) -> Change {
    if flow.triggers.get(id).is_none_or(|now| *now == to) {
        return Change::new(What::Set, Vec::new());
    }
    let edit = Edit::Trigger(id.to_owned(), Some(Box::new(to)));
    Change::new(What::Set, vec![edit]).merged(format!("{id}/{field}"))
}

/// Sets a step. A port that gets another name keeps its links; the links of a port that goes, go.
/// `field` names what is being edited: edits of one field that follow each other are undone as one.
pub(crate) fn set_step(flow: &Flow, id: &str, to: Step, field: &str) -> Change {
    let Some(now) = flow.steps.get(id).filter(|now| **now != to) else {
        return Change::new(What::Set, Vec::new());
    };
    let mut edits = Vec::new();
    if now.kind == to.kind && now.config != to.config {
        let names = |step: &Step| -> Vec<String> {
            step_ports(step).into_iter().map(|port| port.name).collect()
        };
        let links = follow_ports(&flow.links, id, &names(now), &names(&to));
        if links != flow.links {
            edits.push(Edit::Links(links));
        }
    }
    edits.push(Edit::Step(id.to_owned(), Some(Box::new(to))));
    Change::new(What::Set, edits).merged(format!("{id}/{field}"))
}

/// The links after the ports of a step have changed.
fn follow_ports(links: &[Link], id: &str, before: &[String], after: &[String]) -> Vec<Link> {
    let twice = after
        .iter()
        .enumerate()
        .any(|(index, port)| after[..index].contains(port));
    if twice {
        // Which of the two a link would belong to cannot be told; the check asks for another name.
        return links.to_vec();
    }
    let now = |port: &str| -> Option<String> {
        match before.iter().position(|was| was == port) {
            Some(index) if !after.iter().any(|kept| kept == port) => {
                // As many ports as before: the one in its place has another name now.
                let renamed = after.get(index).filter(|new| !before.contains(new));
                renamed.filter(|_| before.len() == after.len()).cloned()
            }
            _ => Some(port.to_owned()),
        }
    };
    let mut kept: Vec<Link> = Vec::with_capacity(links.len());
    for old in links {
        if old.from != id {
            kept.push(old.clone());
        } else if let Some(port) = now(old.port()) {
            let link = link(&old.from, &port, &old.to);
            // A link by a port that no case had may be the same as one that was given its name.
            if !kept.contains(&link) {
                kept.push(link);
            }
        }
    }
    kept
}

/// Sets the name and the description of the flow.
pub(crate) fn set_head(flow: &Flow, title: &str, description: &str) -> Change {
    let mut edits = Vec::new();
    if flow.title != title {
        edits.push(Edit::Title(title.to_owned()));
    }
    if flow.description != description {
        edits.push(Edit::Description(description.to_owned()));
    }
    Change::new(What::Set, edits).merged("head")
}

/// Sets what holds for the whole flow.
pub(crate) fn set_settings(flow: &Flow, to: Settings) -> Change {
    if flow.settings == to {
        return Change::new(What::Set, Vec::new());
    }
    Change::new(What::Set, vec![Edit::Settings(Box::new(to))]).merged("settings")
}

/// Sets the tests.
pub(crate) fn set_tests(flow: &Flow, to: Vec<Test>) -> Change {
    if flow.tests == to {
        return Change::new(What::Set, Vec::new());
    }
    Change::new(What::Set, vec![Edit::Tests(to)]).merged("tests")
}
