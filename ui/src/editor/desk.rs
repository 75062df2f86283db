//! The desk: the document under the pen, its history, and what is chosen, as signals that the views of the editor share.

use std::{collections::BTreeSet, sync::Arc};

use leptos::prelude::*;
use weir_flows::{
    catalog::Catalog,
    document::{Flow, Slug},
    problem::Problem,
};

use super::sample::Sample;
use crate::{
    canvas::{Graph, geometry::Point},
    edit::{Change, Chosen, Edit, History, What},
    lab::FunctionEntry,
    texts::texts,
};

/// What the views of one editor share. All of them change the document through it, and only through it.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    /// The document as it is drawn now.
    pub(crate) flow: RwSignal<Arc<Flow>>,
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
        Desk {
            flow,
            graph: Memo::new(move |_| Arc::new(flow.with(|flow| Graph::of(flow)))),
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
        if self.sampled.get() {
            texts().form_no_sample
        } else {
            texts().form_computing
        }
    }

    /// Does what `make` decides on the document as it is.
    pub(crate) fn make(&self, make: impl FnOnce(&Flow) -> Change) {
        let change = self.flow.with_untracked(|flow| make(flow));
        self.apply(change);
    }

    /// Does a change.
    pub(crate) fn apply(&self, change: Change) {
        if !change.is_empty() {
            let change = self.pinned(change);
            self.turn(|history, flow| history.apply(flow, change));
        }
    }

    /// The same change, after which no card stands elsewhere but those it moves: a card without a place in the document is
    /// drawn where there is room, which the change may alter; so it gets the place where it is drawn now.
    fn pinned(&self, mut change: Change) -> Change {
        let loose: Vec<Edit> = self.graph.with_untracked(|graph| {
            self.flow.with_untracked(|flow| {
                let cards = graph.cards.iter();
                let cards = cards.filter(|card| !flow.layout.contains_key(&card.id));
                let cards = cards.filter(|card| !change.settles(&card.id));
                cards
                    .map(|card| Edit::Place(card.id.clone(), Some(card.at.whole())))
                    .collect()
            })
        });
        change.edits.extend(loose);
        change
    }

    /// Takes the last change back and chooses what it was about.
    pub(crate) fn undo(&self) {
        let undone = self.turn(|history, flow| history.undo(flow));
        self.show(undone.flatten());
    }

    /// Does again what was undone last.
    pub(crate) fn redo(&self) {
        let done = self.turn(|history, flow| history.redo(flow));
        self.show(done.flatten());
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
        self.chosen.update(|chosen| *chosen = chosen.within(&flow));
        self.flow.set(Arc::new(flow));
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

    /// Takes a person to the place of a problem: chooses its card and lets the field be shown.
    pub(crate) fn seek(&self, pointer: &str) {
        let mut segments = pointer.split('/').skip(1);
        let (part, id) = (segments.next(), segments.next());
        if let (Some("triggers" | "steps" | "layout"), Some(id)) = (part, id) {
            self.choose(Some(id.to_owned()));
        } else if let (Some("links"), Some(index)) =
            (part, id.and_then(|at| at.parse::<usize>().ok()))
        {
            let link = self
                .flow
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
        let chosen = self.chosen.get_untracked();
        let within = self.flow.with_untracked(|flow| chosen.within(flow));
        if within != chosen {
            self.chosen.set(within);
        }
        turned.flatten()
    }

    fn show(&self, change: Option<Change>) {
        let Some(change) = change else { return };
        let cards: Vec<Slug> = change
            .edits
            .iter()
            .filter_map(|edit| edit.card().map(str::to_owned))
            .collect();
        if !cards.is_empty() {
            let chosen = self
                .flow
                .with_untracked(|flow| Chosen::cards(cards).within(flow));
            self.chosen.set(chosen);
        }
    }
}
