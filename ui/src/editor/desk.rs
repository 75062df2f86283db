//! The desk: the document under the pen, its history, and what is chosen, as signals that the views of the editor share.
//!
//! What is drawn is the flow, or the body of an `each` step that a person has opened, seen as a flow of its own. A change of what is
//! drawn is a change of the whole document, so history, saving and merging know one document only.

use std::{collections::BTreeSet, sync::Arc};

use leptos::prelude::*;
use weir_flows::{
    catalog::{Catalog, Entry, Group},
    check::may_stand,
    document::{Flow, Slug},
    problem::Problem,
};

use super::sample::{Ground, Sample};
use crate::{
    canvas::{Graph, geometry::Point},
    edit::{Change, Chosen, Edit, History, Taken, What, body},
    lab::FunctionEntry,
    texts::texts,
};

/// What the views of one editor share. All of them change the document through it, and only through it.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    /// The whole document as it is now.
    pub(crate) flow: RwSignal<Arc<Flow>>,
    /// The way to the body that is drawn: the `each` steps around it, from the outermost inwards. Empty while the flow itself is drawn.
    pub(crate) within: RwSignal<Vec<Slug>>,
    /// What is drawn: the flow, or the body as a flow of its own.
    pub(crate) drawn: Memo<Arc<Flow>>,
    /// The same as a drawing.
    pub(crate) graph: Memo<Arc<Graph>>,
    /// What is chosen.
    pub(crate) chosen: RwSignal<Chosen>,
    /// What the check found in the document, some moments after each change.
    pub(crate) problems: RwSignal<Arc<Vec<Problem>>>,
    /// Every kind of trigger and step.
    pub(crate) catalog: RwSignal<Arc<Catalog>>,
    /// The names of the connections and of the secrets that are set up on the server.
    pub(crate) connections: RwSignal<Arc<Vec<String>>>,
    pub(crate) secrets: RwSignal<Arc<Vec<String>>>,
    /// What scripts can call, once it is known.
    pub(crate) functions: RwSignal<Arc<Vec<FunctionEntry>>>,
    /// The values that expressions are shown against.
    pub(crate) sample: RwSignal<Arc<Sample>>,
    /// Whether the first of them have been looked for.
    pub(crate) sampled: RwSignal<bool>,
    /// The place, as a JSON Pointer, that a person asked to be taken to; whoever shows the field takes it.
    pub(crate) sought: RwSignal<Option<String>>,
    /// What undo and redo would do.
    pub(crate) undoable: RwSignal<Option<What>>,
    pub(crate) redoable: RwSignal<Option<What>>,
    history: StoredValue<History>,
}

impl Desk {
    /// A desk with a document on it.
    pub(crate) fn new(flow: Flow, catalog: Arc<Catalog>) -> Self {
        let flow = RwSignal::new(Arc::new(flow));
        let within: RwSignal<Vec<Slug>> = RwSignal::new(Vec::new());
        let drawn = Memo::new(move |_| {
            let flow = flow.get();
            within.with(|way| match body::standing(&flow, way).as_slice() {
                [] => flow,
                way => body::open(&flow, way).map_or(flow, Arc::new),
            })
        });
        Desk {
            flow,
            within,
            drawn,
            graph: Memo::new(move |_| Arc::new(drawn.with(|flow| Graph::of(flow)))),
            chosen: RwSignal::new(Chosen::default()),
            problems: RwSignal::default(),
            catalog: RwSignal::new(catalog),
            connections: RwSignal::default(),
            secrets: RwSignal::default(),
            functions: RwSignal::default(),
            sample: RwSignal::default(),
            sampled: RwSignal::new(false),
            sought: RwSignal::new(None),
            undoable: RwSignal::new(None),
            redoable: RwSignal::new(None),
            history: StoredValue::new(History::default()),
        }
    }

    /// What to say where a value of the sample is missing: that it is on its way, or how to get one.
    pub(crate) fn no_sample(&self) -> &'static str {
        let outside = Vec::new();
        let known = self.flow.with(|whole| {
            let ground = Ground {
                whole,
                way: &outside,
                drawn: whole,
            };
            self.sample.with(|sample| sample.has_values(ground))
        });
        match (self.sampled.get(), known) {
            (false, _) => texts().form_computing,
            (true, false) => texts().form_no_sample,
            // There are values, but none inside of this body.
            (true, true) => texts().form_no_item,
        }
    }

    /// Reads the sample where cards are looked at now; nothing where it has no values there.
    pub(crate) fn sampled_here<T>(&self, read: impl FnOnce(&Sample, Ground<'_>) -> T) -> Option<T> {
        let (sample, whole, way, drawn) = self.here();
        let ground = Ground {
            whole: &whole,
            way: &way,
            drawn: &drawn,
        };
        sample.has_values(ground).then(|| read(&sample, ground))
    }

    fn here(&self) -> (Arc<Sample>, Arc<Flow>, Vec<Slug>, Arc<Flow>) {
        let (sample, whole) = (self.sample.get(), self.flow.get());
        (sample, whole, self.within.get(), self.drawn.get())
    }

    /// Does what `make` decides on what is drawn.
    pub(crate) fn make(&self, make: impl FnOnce(&Flow) -> Change) {
        let drawn = self.drawn.get_untracked();
        let change = make(&drawn);
        drop(drawn);
        self.apply(change);
    }

    /// Does a change of what is drawn.
    pub(crate) fn apply(&self, change: Change) {
        if change.is_empty() {
            return;
        }
        let way = self.within.get_untracked();
        let change = self.drawn.with_untracked(|drawn| {
            let graph = self.graph.get_untracked();
            pinned(change, drawn, &graph, !way.is_empty())
        });
        let change = self
            .flow
            .with_untracked(|whole| body::change_within(whole, &way, change));
        self.do_now(change);
    }

    /// Does what `make` decides on the whole document, whatever part of it is drawn.
    pub(crate) fn make_whole(&self, make: impl FnOnce(&Flow) -> Change) {
        let whole = self.flow.get_untracked();
        let change = make(&whole);
        drop(whole);
        self.apply_whole(change);
    }

    fn apply_whole(&self, change: Change) {
        if change.is_empty() {
            return;
        }
        let change = self.flow.with_untracked(|whole| {
            let inside = self.within.with_untracked(|way| !way.is_empty());
            let graph = if inside {
                Arc::new(Graph::of(whole))
            } else {
                self.graph.get_untracked()
            };
            pinned(change, whole, &graph, false)
        });
        self.do_now(change);
    }

    fn do_now(&self, change: Change) {
        self.turn(|history, flow| history.apply(flow, change));
    }

    /// The ids that nothing new may have, wherever it is drawn.
    pub(crate) fn taken(&self) -> Taken {
        self.flow.with_untracked(|flow| Taken::of(flow))
    }

    /// Whether a body is drawn, and not the flow itself.
    pub(crate) fn is_inside(&self) -> bool {
        self.within.with(|way| !way.is_empty())
    }

    /// Whether a card of a kind may be added to what is drawn: a body has no triggers, and not every kind of step.
    pub(crate) fn takes(&self, entry: &Entry) -> bool {
        let loops = self.within.with(Vec::len);
        match entry.group {
            Group::Trigger => loops == 0,
            Group::Mapper | Group::Action | Group::Control => may_stand(&entry.kind, loops),
        }
    }

    /// Draws the body at the end of a way, or as much of the way as there is; the flow itself where the way is empty.
    pub(crate) fn open(&self, way: &[Slug]) {
        let way = self.flow.with_untracked(|flow| body::standing(flow, way));
        if self.within.with_untracked(|within| *within != way) {
            self.choose(None);
            self.within.set(way);
        }
    }

    /// Takes the last change back and shows what it was about.
    pub(crate) fn undo(&self) {
        self.turn_and_show(History::undo);
    }

    /// Does again what was undone last.
    pub(crate) fn redo(&self) {
        self.turn_and_show(History::redo);
    }

    /// Ends the merging of letters into one change, as when a field is left.
    pub(crate) fn settle(&self) {
        self.history.update_value(History::settle);
    }

    /// Puts another document on the desk, such as what somebody else has saved. Nothing can be undone then.
    pub(crate) fn replace(&self, flow: Flow) {
        self.history.set_value(History::default());
        self.undoable.set(None);
        self.redoable.set(None);
        self.flow.set(Arc::new(flow));
        self.stay();
    }

    /// Where a card stands, whether or not the document says it.
    pub(crate) fn place(&self, id: &str) -> Option<Point> {
        self.graph
            .with_untracked(|graph| Some(graph.cards[graph.find(id)?].at))
    }

    /// Chooses one card, or nothing.
    pub(crate) fn choose(&self, id: Option<Slug>) {
        self.settle();
        self.chosen.set(id.map(Chosen::card).unwrap_or_default());
    }

    /// Chooses one card, in whatever body it stands.
    pub(crate) fn show(&self, id: &str) {
        let way = self.flow.with_untracked(|flow| body::way_to(flow, id));
        self.open(&way.unwrap_or_default());
        self.choose(Some(id.to_owned()));
    }

    /// Takes a person to the place of a problem: draws the body that it is in, chooses its card and lets the field be shown.
    pub(crate) fn seek(&self, pointer: &str) {
        let (way, rest) = self.flow.with_untracked(|flow| body::apart(flow, pointer));
        let mut segments = rest.split('/').skip(1);
        let (part, id) = (segments.next(), segments.next());
        if part.is_some() {
            self.open(&way);
        }
        if let (Some("triggers" | "steps" | "layout"), Some(id)) = (part, id) {
            self.choose(Some(id.to_owned()));
        } else if let (Some("links"), Some(index)) =
            (part, id.and_then(|at| at.parse::<usize>().ok()))
        {
            let link = self
                .drawn
                .with_untracked(|flow| flow.links.get(index).cloned());
            self.chosen.set(Chosen {
                cards: BTreeSet::new(),
                links: link.into_iter().collect(),
            });
        } else {
            self.choose(None);
        }
        self.sought.set(Some(pointer.to_owned()));
    }

    fn turn<T>(&self, turn: impl FnOnce(&mut History, &mut Flow) -> T) -> Option<T> {
        // The signal holds the only reference most of the time, and then nothing is copied.
        let turned = self.flow.try_update(|flow| {
            self.history.try_update_value(|history| {
                let turned = turn(history, Arc::make_mut(flow));
                self.undoable.set(history.undoable());
                self.redoable.set(history.redoable());
                turned
            })
        });
        self.stay();
        turned.flatten()
    }

    /// Stays with what is still there: with the nearest body of those around the drawn one, and what is chosen in it.
    fn stay(&self) {
        let way = self
            .flow
            .with_untracked(|flow| self.within.with_untracked(|way| body::standing(flow, way)));
        if self.within.with_untracked(|within| *within != way) {
            self.within.set(way);
        }
        let chosen = self.chosen.get_untracked();
        let within = self.drawn.with_untracked(|flow| chosen.within(flow));
        if within != chosen {
            self.chosen.set(within);
        }
    }

    /// Turns, draws the body where something differs then, and chooses the cards that do.
    fn turn_and_show(&self, turn: fn(&mut History, &mut Flow) -> Option<Change>) {
        let before = self.flow.get_untracked();
        if self.turn(turn).flatten().is_none() {
            return;
        }
        let shown = self
            .flow
            .with_untracked(|after| body::whereabouts(&before, after));
        let Some((way, cards)) = shown else { return };
        self.open(&way);
        if !cards.is_empty() {
            let chosen = self
                .drawn
                .with_untracked(|flow| Chosen::cards(cards).within(flow));
            self.chosen.set(chosen);
        }
    }
}

/// The same change, after which no card stands elsewhere but those it moves: a card without a place in the document is drawn where
/// there is room, which the change may alter; so it gets the place where it is drawn now. In a body that only happens with the
/// first place that a person gives: a document without places in its bodies is read by servers that do not know them.
fn pinned(mut change: Change, flow: &Flow, graph: &Graph, inside: bool) -> Change {
    let places = |edit: &Edit| matches!(edit, Edit::Place(_, Some(_)));
    if inside && flow.layout.is_empty() && !change.edits.iter().any(places) {
        return change;
    }
    let cards = graph.cards.iter();
    let cards = cards.filter(|card| !flow.layout.contains_key(&card.id));
    let cards = cards.filter(|card| !change.settles(&card.id));
    let loose: Vec<Edit> = cards
        .map(|card| Edit::Place(card.id.clone(), Some(card.at.whole())))
        .collect();
    change.edits.extend(loose);
    change
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_flows::{builtin, document::Step};

    use super::*;
    use crate::edit::{self, Added};

    /// A desk with a flow that has an `each` step in the body of another.
    fn desk() -> (Owner, Desk) {
        let owner = Owner::new();
        owner.set();
        let flow = serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "triggers": { "t": { "kind": "manual" } },
            "steps": {
                "a": { "kind": "map" },
                "lines": { "kind": "each", "config": { "items": "= input", "body": {
                    "steps": {
                        "b": { "kind": "map" },
                        "parts": { "kind": "each", "config": { "items": "= item", "body": { "steps": { "c": { "kind": "map" } } } } }
                    },
                    "links": [ { "from": "b", "to": "parts" } ] } } }
            },
            "links": [ { "from": "t", "to": "a" }, { "from": "a", "to": "lines" } ],
            "layout": { "t": [0, 0], "a": [280, 0], "lines": [560, 0] }
        }))
        .unwrap();
        (owner, Desk::new(flow, Arc::new(builtin::catalog())))
    }

    fn way(ids: &[&str]) -> Vec<Slug> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    fn within(desk: &Desk) -> Vec<Slug> {
        desk.within.get_untracked()
    }

    fn cards(desk: &Desk) -> Vec<Slug> {
        desk.drawn
            .with_untracked(|flow| flow.steps.keys().cloned().collect())
    }

    fn map() -> Added {
        Added::Step(Step {
            kind: "map".to_owned(),
            ..Step::default()
        })
    }

    fn body_of(desk: &Desk) -> serde_json::Value {
        desk.flow
            .with_untracked(|flow| flow.steps["lines"].config["body"].clone())
    }

    #[test]
    fn what_is_done_in_a_body_is_undone_there_and_what_is_done_elsewhere_leads_there() {
        let (_owner, desk) = desk();
        desk.make(|flow| edit::retitle(flow, "a", "First"));
        desk.settle();
        desk.open(&way(&["lines"]));
        assert_eq!(cards(&desk), ["b", "parts"]);
        desk.make(|flow| edit::retitle(flow, "b", "Second"));
        assert!(
            body_of(&desk).get("layout").is_none(),
            "nobody has placed anything"
        );
        desk.settle();
        let at = Point::new(40.0, 400.0);
        desk.make(|_| edit::add(&desk.taken(), map(), at).0);
        // With the first place that is given, all others stay where they were drawn.
        assert_eq!(body_of(&desk)["layout"].as_object().unwrap().len(), 3);
        assert_eq!(cards(&desk), ["b", "map", "parts"]);
        desk.undo();
        assert_eq!(
            (within(&desk), cards(&desk)),
            (way(&["lines"]), way(&["b", "parts"]))
        );
        desk.open(&[]);
        desk.undo();
        assert_eq!(within(&desk), way(&["lines"]));
        assert!(
            desk.chosen
                .with_untracked(|chosen| chosen.cards.contains("b"))
        );
        desk.undo();
        assert_eq!(within(&desk), way(&[]));
        assert!(
            desk.chosen
                .with_untracked(|chosen| chosen.cards.contains("a"))
        );
        for _ in 0..3 {
            desk.redo();
        }
        assert_eq!(
            (within(&desk), cards(&desk)),
            (way(&["lines"]), way(&["b", "map", "parts"]))
        );
    }

    #[test]
    fn where_the_step_goes_that_is_open_the_nearest_around_it_is_drawn() {
        let (_owner, desk) = desk();
        desk.open(&way(&["lines"]));
        desk.make(|flow| edit::delete(flow, &Chosen::card("parts")));
        desk.undo();
        desk.open(&way(&["lines", "parts"]));
        assert_eq!(cards(&desk), ["c"]);
        // Done again from inside of what it takes away.
        desk.redo();
        assert_eq!(within(&desk), way(&["lines"]));
        desk.open(&way(&["lines", "nowhere"]));
        assert_eq!(within(&desk), way(&["lines"]));
        let mut other = desk.flow.with_untracked(|flow| Flow::clone(flow));
        other.steps.remove("lines");
        desk.replace(other);
        assert_eq!((within(&desk), cards(&desk)), (way(&[]), way(&["a"])));
    }

    #[test]
    fn a_problem_opens_the_body_that_it_is_in() {
        let (_owner, desk) = desk();
        let only = || {
            desk.chosen
                .with_untracked(|chosen| chosen.only_card().cloned())
        };
        let place = "/steps/lines/config/body/steps/parts/config/body/steps/c/config/script";
        desk.seek(place);
        assert_eq!(within(&desk), way(&["lines", "parts"]));
        assert_eq!(only().as_deref(), Some("c"));
        assert_eq!(desk.sought.get_untracked().as_deref(), Some(place));
        desk.seek("/steps/lines/config/body/links/0/to");
        assert_eq!(within(&desk), way(&["lines"]));
        let links = desk.chosen.with_untracked(|chosen| chosen.links.len());
        assert_eq!(links, 1);
        desk.seek("/steps/lines/config/items");
        assert_eq!(
            (within(&desk), only()),
            (way(&[]), Some("lines".to_owned()))
        );
        desk.show("c");
        assert_eq!(within(&desk), way(&["lines", "parts"]));
        desk.seek("/settings/timeout");
        assert_eq!((within(&desk), only()), (way(&[]), None));
    }

    #[test]
    fn a_body_takes_what_may_stand_in_it() {
        let (_owner, desk) = desk();
        let catalog = desk.catalog.get_untracked();
        let taken = |kind: &str| {
            let entry = catalog.step(kind).or(catalog.trigger(kind));
            desk.takes(entry.unwrap())
        };
        let all = |kinds: [&str; 4]| kinds.map(taken);
        let kinds = ["manual", "respond", "each", "map"];
        assert_eq!(all(kinds), [true, true, true, true]);
        desk.open(&way(&["lines"]));
        assert_eq!(all(kinds), [false, false, true, true]);
        desk.open(&way(&["lines", "parts"]));
        let (change, id) = edit::add(
            &desk.taken(),
            Added::Step(Step {
                kind: "each".to_owned(),
                ..Step::default()
            }),
            Point::default(),
        );
        desk.apply(change);
        desk.open(&way(&["lines", "parts", &id]));
        assert_eq!(all(kinds), [false, false, false, true]);
    }

    #[test]
    fn the_whole_document_is_changed_from_within_a_body() {
        let (_owner, desk) = desk();
        desk.open(&way(&["lines"]));
        desk.make_whole(|flow| edit::set_head(flow, "Title", ""));
        desk.make_whole(|flow| edit::rename(flow, "b", "beta").unwrap());
        assert_eq!(
            (within(&desk), cards(&desk)),
            (way(&["lines"]), way(&["beta", "parts"]))
        );
        assert_eq!(desk.flow.with_untracked(|flow| flow.title.clone()), "Title");
        // A merge that takes the open step away leads out.
        let mut theirs = desk.flow.with_untracked(|flow| Flow::clone(flow));
        theirs.steps.remove("lines");
        desk.make_whole(|mine| Change::between(What::Merge, mine, &theirs));
        assert_eq!(within(&desk), way(&[]));
    }
}
