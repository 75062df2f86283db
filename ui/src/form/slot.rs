//! Slots: one editable value of the document each, and the sheet of the card or flow that they belong to.

use std::sync::Arc;

use leptos::prelude::*;
use serde_json::Value;
use weir_flows::{
    catalog::{Field, FieldKind},
    document::{Flow, Slug},
    problem::{Problem, pointer},
};

use super::{
    expression::{Mode, modes},
    offers::completion_of,
    place::{dom_id, put, shows},
    preview::scope_of,
    reading::Wrong,
};
use crate::{
    edit::{Change, What, body, set_settings, set_step, set_trigger},
    editor::Desk,
    kit::code_editor::Completion,
    lab::Scope,
};

/// The part of a document that a form is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Trigger(Slug),
    /// A step, in the body at the end of a way.
    Step {
        way: Vec<Slug>,
        id: Slug,
    },
    /// What holds for the whole flow.
    Settings,
}

impl Part {
    /// Its place in the document.
    pub(crate) fn at(&self) -> String {
        match self {
            Part::Trigger(id) => pointer("/triggers", id),
            Part::Step { way, id } => pointer(&format!("{}/steps", body::place(way)), id),
            Part::Settings => "/settings".to_owned(),
        }
    }

    /// The id of the card, if it is one.
    pub(crate) fn card(&self) -> Option<&Slug> {
        match self {
            Part::Trigger(id) | Part::Step { id, .. } => Some(id),
            Part::Settings => None,
        }
    }

    /// Whether it belongs to the whole document, and not to what is drawn of it.
    fn is_of_whole(&self) -> bool {
        *self == Part::Settings
    }

    /// What it holds, as JSON; null where it is gone. `flow` is what is drawn, or the whole for what belongs to that.
    pub(crate) fn read(&self, flow: &Flow) -> Value {
        let read = match self {
            Part::Trigger(id) => flow.triggers.get(id).map(serde_json::to_value),
            Part::Step { id, .. } => flow.steps.get(id).map(serde_json::to_value),
            Part::Settings => Some(serde_json::to_value(&flow.settings)),
        };
        read.and_then(Result::ok).unwrap_or_default()
    }

    /// The change that makes it hold other JSON. `field` names what is being edited. Nothing where the JSON does not
    /// have the shape of such a part; fields only give what does.
    pub(crate) fn write(&self, flow: &Flow, to: Value, field: &str) -> Change {
        let read = match self {
            Part::Trigger(id) => {
                serde_json::from_value(to).map(|to| set_trigger(flow, id, to, field))
            }
            Part::Step { id, .. } => {
                serde_json::from_value(to).map(|to| set_step(flow, id, to, field))
            }
            Part::Settings => serde_json::from_value(to)
                .map(|to| set_settings(flow, to).merged(format!("settings/{field}"))),
        };
        read.unwrap_or_else(|_| Change::new(What::Set, Vec::new()))
    }
}

/// What the fields of one form share.
#[derive(Clone, Copy)]
pub(crate) struct Sheet {
    pub(crate) desk: Desk,
    part: StoredValue<Part>,
    value: Memo<Arc<Value>>,
    scope: Memo<Option<Arc<Scope>>>,
    completion: Memo<Arc<Completion>>,
}

impl Sheet {
    pub(crate) fn new(desk: Desk, part: Part) -> Self {
        let part = StoredValue::new(part);
        let read = move |_: Option<&Arc<Value>>| {
            let value = part.with_value(|part| {
                if part.is_of_whole() {
                    desk.flow.with(|flow| part.read(flow))
                } else {
                    desk.drawn.with(|flow| part.read(flow))
                }
            });
            Arc::new(value)
        };
        let card = part.with_value(|part| part.card().cloned());
        let scope = scope_of(desk, card.clone());
        Sheet {
            desk,
            part,
            value: Memo::new(read),
            scope,
            completion: completion_of(desk, card, scope),
        }
    }

    /// The part it is about.
    pub(crate) fn part(&self) -> Part {
        self.part.get_value()
    }

    /// The slot for a field at a JSON Pointer within the part.
    pub(crate) fn slot(self, at: &str, field: Field) -> Slot {
        let desk = self.desk;
        let inner = at.to_owned();
        let value = Memo::new(move |_| self.value.with(|value| value.pointer(&inner).cloned()));
        let (base, card) = self
            .part
            .with_value(|part| (part.at(), part.card().cloned()));
        let inner = at.to_owned();
        let set = Callback::new(move |to: Option<Value>| self.put(&inner, to));
        let whole = format!("{base}{at}");
        Slot {
            id: dom_id(&whole),
            problems: problems_at(desk, whole.clone(), field.kind.clone()),
            at: whole,
            modes: modes(&field),
            field: Arc::new(field),
            value: value.into(),
            set,
            wrong: RwSignal::new(None),
            scope: self.scope.into(),
            completion: self.completion.into(),
            desk,
            card,
        }
    }

    /// Whether something stands at a JSON Pointer within the part.
    pub(crate) fn has(self, at: &str) -> bool {
        self.value.with(|value| value.pointer(at).is_some())
    }

    /// What stands at a JSON Pointer within the part.
    pub(crate) fn value(self, at: &str) -> Option<Value> {
        self.value.with(|value| value.pointer(at).cloned())
    }

    /// Sets what stands at a JSON Pointer within the part.
    fn put(self, at: &str, to: Option<Value>) {
        self.edit(at, vec![(at.to_owned(), to)]);
    }

    /// Sets what stands at several places within the part by one deed, which is undone by itself.
    pub(crate) fn put_all(self, edits: Vec<(String, Option<Value>)>) {
        self.desk.settle();
        self.edit("", edits);
        self.desk.settle();
    }

    fn edit(self, field: &str, edits: Vec<(String, Option<Value>)>) {
        let part = self.part();
        let write = |flow: &Flow| {
            let mut value = part.read(flow);
            for (at, to) in edits {
                put(&mut value, &at, to);
            }
            part.write(flow, value, field)
        };
        if part.is_of_whole() {
            self.desk.make_whole(write);
        } else {
            self.desk.make(write);
        }
    }
}

/// One editable value of the document, with all that its field needs to know.
#[derive(Clone)]
pub(crate) struct Slot {
    /// The id of its input in the page.
    pub(crate) id: String,
    /// Its place in the document, as a JSON Pointer.
    pub(crate) at: String,
    /// What the catalog says of it.
    pub(crate) field: Arc<Field>,
    /// The ways in which it may be given.
    pub(crate) modes: Vec<Mode>,
    /// What stands there. Only a change of this value wakes who reads it.
    pub(crate) value: Signal<Option<Value>>,
    /// Sets it; nothing takes its key away.
    pub(crate) set: Callback<Option<Value>>,
    /// Why what was typed last is not what stands there, or should not be.
    pub(crate) wrong: RwSignal<Option<Wrong>>,
    /// The problems that the check found here.
    pub(crate) problems: Signal<Vec<Problem>>,
    /// What scripts see here, computed from the sample.
    pub(crate) scope: Signal<Option<Arc<Scope>>>,
    /// What is offered to who writes a script here.
    pub(crate) completion: Signal<Arc<Completion>>,
    pub(crate) desk: Desk,
    /// The card it belongs to.
    pub(crate) card: Option<Slug>,
}

impl Slot {
    /// Sets the value while a person types: what follows at this place is undone together with it.
    pub(crate) fn type_in(&self, value: Option<Value>) {
        self.set.run(value);
    }

    /// Sets the value by one deed, such as a choice: it is undone by itself.
    pub(crate) fn put(&self, value: Option<Value>) {
        self.desk.settle();
        self.set.run(value);
        self.desk.settle();
    }

    /// The field is left.
    pub(crate) fn commit(&self) {
        self.desk.settle();
    }

    /// The slot for what stands under a key or index within it.
    pub(crate) fn child(&self, key: &str, field: Field) -> Slot {
        let (value, set) = (self.value, self.set);
        let inner = pointer("", key);
        let at = format!("{}{inner}", self.at);
        let own = {
            let inner = inner.clone();
            Memo::new(move |_| value.with(|value| value.as_ref()?.pointer(&inner).cloned()))
        };
        let set_own = move |to: Option<Value>| {
            let mut whole = value.get_untracked().unwrap_or_default();
            put(&mut whole, &inner, to);
            let empty = whole.is_null() || whole.as_object().is_some_and(|map| map.is_empty());
            set.run((!empty).then_some(whole));
        };
        Slot {
            id: dom_id(&at),
            problems: problems_at(self.desk, at.clone(), field.kind.clone()),
            at,
            modes: modes(&field),
            field: Arc::new(field),
            value: own.into(),
            set: Callback::new(set_own),
            wrong: RwSignal::new(None),
            scope: self.scope,
            completion: self.completion,
            desk: self.desk,
            card: self.card.clone(),
        }
    }

    /// Whether something is wrong with it.
    pub(crate) fn invalid(&self) -> Signal<bool> {
        let (wrong, problems) = (self.wrong, self.problems);
        Signal::derive(move || {
            wrong.with(Option::is_some)
                || problems.with(|found| found.iter().any(Problem::is_error))
        })
    }

    /// The ids of what describes it: its help, its problems, and what its expression gives.
    pub(crate) fn described_by(&self) -> String {
        format!("{id}-help {id}-notes", id = self.id)
    }
}

fn problems_at(desk: Desk, at: String, kind: FieldKind) -> Signal<Vec<Problem>> {
    let found = Memo::new(move |_| {
        desk.problems.with(|problems| {
            let here = problems.iter().filter(|problem| shows(problem, &at, &kind));
            here.cloned().collect::<Vec<_>>()
        })
    });
    found.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::edit::History;

    fn flow() -> Flow {
        serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "steps": { "a": { "kind": "http", "config": { "path": "/a" }, "retry": { "attempts": 3 } } }
        }))
        .unwrap()
    }

    fn step(id: &str) -> Part {
        Part::Step {
            way: Vec::new(),
            id: id.to_owned(),
        }
    }

    fn after(part: &Part, at: &str, to: Option<Value>) -> Flow {
        let mut flow = flow();
        let mut value = part.read(&flow);
        put(&mut value, at, to);
        let change = part.write(&flow, value, at);
        History::default().apply(&mut flow, change);
        flow
    }

    #[test]
    fn a_part_is_changed_at_a_place() {
        let part = step("a");
        let changed = after(&part, "/config/path", Some(json!("/b")));
        assert_eq!(changed.steps["a"].config["path"], "/b");
        let changed = after(&part, "/retry/attempts", None);
        assert_eq!(changed.steps["a"].retry, None);
        let changed = after(&Part::Settings, "/timeout", Some(json!("5m")));
        assert_eq!(
            changed.settings.timeout.map(|timeout| timeout.millis()),
            Some(300_000)
        );
    }

    #[test]
    fn a_part_has_its_place_in_the_whole_document() {
        let way = ["lines", "parts"].map(String::from).to_vec();
        let id = "a".to_owned();
        assert_eq!(
            Part::Step { way, id }.at(),
            "/steps/lines/config/body/steps/parts/config/body/steps/a"
        );
        assert_eq!(step("a").at(), "/steps/a");
    }

    #[test]
    fn what_does_not_fit_stays_out_of_the_document() {
        let part = step("a");
        assert_eq!(after(&part, "/timeout", Some(json!("soon"))), flow());
        assert_eq!(after(&step("b"), "/title", Some(json!("B"))), flow());
    }
}
