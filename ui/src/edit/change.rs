//! A change of a document: parts of it set to new values, each of which knows how to be taken back.

use weir_flows::document::{Flow, Link, Settings, Slug, Step, Test, Trigger};

/// One part of a document and what it is set to. Applying it gives the edit that takes it back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Edit {
    /// A trigger, or none.
    Trigger(Slug, Option<Box<Trigger>>),
    /// A step, or none.
    Step(Slug, Option<Box<Step>>),
    /// Where a card stands, or nowhere in particular.
    Place(Slug, Option<[i32; 2]>),
    /// All links, in their order.
    Links(Vec<Link>),
    /// The name of the flow for people.
    Title(String),
    /// What the flow is for.
    Description(String),
    /// What holds for the whole flow.
    Settings(Box<Settings>),
    /// The examples.
    Tests(Vec<Test>),
}

/// What an edit is about. Two edits of the same part replace each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    Trigger(&'a str),
    Step(&'a str),
    Place(&'a str),
    Links,
    Title,
    Description,
    Settings,
    Tests,
}

impl Edit {
    /// Sets the part and gives the edit that sets back what was there.
    pub(super) fn apply(self, flow: &mut Flow) -> Edit {
        fn put<T>(
            map: &mut std::collections::BTreeMap<Slug, T>,
            id: &Slug,
            value: Option<T>,
        ) -> Option<T> {
            match value {
                Some(value) => map.insert(id.clone(), value),
                None => map.remove(id),
            }
        }
        match self {
            Edit::Trigger(id, to) => {
                let before = put(&mut flow.triggers, &id, to.map(|to| *to));
                Edit::Trigger(id, before.map(Box::new))
            }
            Edit::Step(id, to) => {
                let before = put(&mut flow.steps, &id, to.map(|to| *to));
                Edit::Step(id, before.map(Box::new))
            }
            Edit::Place(id, to) => {
                let before = put(&mut flow.layout, &id, to);
                Edit::Place(id, before)
            }
            Edit::Links(to) => Edit::Links(std::mem::replace(&mut flow.links, to)),
            Edit::Title(to) => Edit::Title(std::mem::replace(&mut flow.title, to)),
            Edit::Description(to) => {
                Edit::Description(std::mem::replace(&mut flow.description, to))
            }
            Edit::Settings(to) => {
                Edit::Settings(Box::new(std::mem::replace(&mut flow.settings, *to)))
            }
            Edit::Tests(to) => Edit::Tests(std::mem::replace(&mut flow.tests, to)),
        }
    }

    /// Whether both set the same part.
    pub(super) fn same_part(&self, other: &Edit) -> bool {
        self.part() == other.part()
    }

    /// The card it is about, if it is about one.
    pub(crate) fn card(&self) -> Option<&str> {
        match self.part() {
            Part::Trigger(id) | Part::Step(id) | Part::Place(id) => Some(id),
            _ => None,
        }
    }

    fn part(&self) -> Part<'_> {
        match self {
            Edit::Trigger(id, _) => Part::Trigger(id),
            Edit::Step(id, _) => Part::Step(id),
            Edit::Place(id, _) => Part::Place(id),
            Edit::Links(_) => Part::Links,
            Edit::Title(_) => Part::Title,
            Edit::Description(_) => Part::Description,
            Edit::Settings(_) => Part::Settings,
            Edit::Tests(_) => Part::Tests,
        }
    }
}

/// What a person did, for the words of undo and redo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Add,
    Delete,
    Move,
    Connect,
    Disconnect,
    Paste,
    Duplicate,
    Rename,
    Set,
    Tidy,
    Restore,
    /// What somebody else did, taken in.
    Merge,
}

/// Edits that belong together: they are done, undone and redone as one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) what: What,
    pub(crate) edits: Vec<Edit>,
    /// Changes with the same key that follow each other are undone as one: the letters of a word in one field.
    pub(crate) merge: Option<String>,
}

impl Change {
    pub(crate) fn new(what: What, edits: Vec<Edit>) -> Self {
        Change {
            what,
            edits,
            merge: None,
        }
    }

    /// The same change, to be undone together with the one before where that has the same key.
    pub(crate) fn merged(self, key: impl Into<String>) -> Self {
        Change {
            merge: Some(key.into()),
            ..self
        }
    }

    /// A change that makes `from` equal to `to`: only what differs is set.
    pub(crate) fn between(what: What, from: &Flow, to: &Flow) -> Self {
        let mut edits = Vec::new();
        let ids = |flow: &Flow| -> Vec<Slug> {
            let triggers = flow.triggers.keys();
            let all = triggers.chain(flow.steps.keys()).chain(flow.layout.keys());
            all.cloned().collect()
        };
        let mut all = ids(from);
        all.extend(ids(to));
        all.sort();
        all.dedup();
        for id in all {
            if from.triggers.get(&id) != to.triggers.get(&id) {
                let trigger = to.triggers.get(&id).cloned().map(Box::new);
                edits.push(Edit::Trigger(id.clone(), trigger));
            }
            if from.steps.get(&id) != to.steps.get(&id) {
                let step = to.steps.get(&id).cloned().map(Box::new);
                edits.push(Edit::Step(id.clone(), step));
            }
            if from.layout.get(&id) != to.layout.get(&id) {
                edits.push(Edit::Place(id.clone(), to.layout.get(&id).copied()));
            }
        }
        if from.links != to.links {
            edits.push(Edit::Links(to.links.clone()));
        }
        if from.title != to.title {
            edits.push(Edit::Title(to.title.clone()));
        }
        if from.description != to.description {
            edits.push(Edit::Description(to.description.clone()));
        }
        if from.settings != to.settings {
            edits.push(Edit::Settings(Box::new(to.settings.clone())));
        }
        if from.tests != to.tests {
            edits.push(Edit::Tests(to.tests.clone()));
        }
        Change::new(what, edits)
    }

    /// Whether it decides where a card stands: it sets its place, or deletes it.
    pub(crate) fn settles(&self, card: &str) -> bool {
        self.edits.iter().any(|edit| match edit {
            Edit::Place(id, _) | Edit::Trigger(id, None) | Edit::Step(id, None) => id == card,
            _ => false,
        })
    }

    /// Whether it changes nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }
}
