//! What the code editor offers to who writes a script: the names in scope with the sample's values, and the functions.

use std::{collections::BTreeSet, sync::Arc};

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Map, Value};
use weir_flows::document::{Flow, Slug};

use super::slot::Slot;
use crate::{
    edit::body,
    editor::Desk,
    kit::code_editor::{Completion, KnownName},
    lab::{self, Functions, Scope},
    texts::{Texts, texts},
};

/// Asks the lab once for the functions, for every field of the desk.
pub(super) fn learn_functions(desk: Desk) {
    if desk.functions.with_untracked(|known| !known.is_empty()) {
        return;
    }
    spawn_local(async move {
        // Without the lab there is nothing to offer; where it is needed it says itself what is wrong with it.
        if let Ok(functions) = lab::ask("functions", Functions).await {
            desk.functions.try_set(Arc::new(functions));
        }
    });
}

/// What is offered in the scripts of a card. It is put together when someone types, not with every change.
pub(super) fn completion_of(
    desk: Desk,
    card: Option<Slug>,
    scope: Memo<Option<Arc<Scope>>>,
) -> Memo<Arc<Completion>> {
    Memo::new(move |_| {
        let seen = desk
            .flow
            .with(|flow| desk.within.with(|way| body::seen_from(flow, way)));
        let inside = desk.is_inside();
        let names = desk.drawn.with(|flow| {
            scope.with(|scope| {
                names(
                    texts(),
                    flow,
                    &seen,
                    inside,
                    card.as_ref(),
                    scope.as_deref(),
                )
            })
        });
        Arc::new(Completion {
            names,
            functions: desk.functions.get(),
        })
    })
}

/// What is offered in one field: a script that calls out sees further names.
pub(super) fn completion_in(slot: &Slot) -> Signal<Arc<Completion>> {
    let (outer, field) = (slot.completion, Arc::clone(&slot.field));
    if field.names.is_empty() {
        return outer;
    }
    let all = Memo::new(move |_| {
        outer.with(|outer| {
            Arc::new(Completion {
                names: own_names(texts(), &field.names(), &outer.names),
                functions: Arc::clone(&outer.functions),
            })
        })
    });
    all.into()
}

/// The names of a field, and those that every script of its card sees. A poll has no message yet.
fn own_names(t: &Texts, own: &[&str], usual: &[KnownName]) -> Vec<KnownName> {
    let named = own.iter().map(|name| {
        let (kind, doc) = match *name {
            "http" => ("http", t.name_http),
            "cursor" => ("", t.name_cursor),
            _ => ("", ""),
        };
        KnownName {
            name: (*name).to_owned(),
            kind: kind.to_owned(),
            doc: doc.to_owned(),
            sample: None,
        }
    });
    let polls = own.contains(&"cursor");
    let usual = usual.iter().filter(|_| !polls).cloned();
    named.chain(usual).collect()
}

/// The names that a script of a card sees. `seen` are the steps that it may name, those around the body that it stands in included.
fn names(
    t: &Texts,
    flow: &Flow,
    seen: &BTreeSet<Slug>,
    inside: bool,
    card: Option<&Slug>,
    scope: Option<&Scope>,
) -> Vec<KnownName> {
    let step = card.and_then(|id| flow.steps.get(id));
    let name = |name: &str, doc: &str, sample: Option<&Arc<Value>>| KnownName {
        name: name.to_owned(),
        kind: String::new(),
        doc: doc.to_owned(),
        sample: sample.filter(|sample| !sample.is_null()).cloned(),
    };
    let trigger = name("trigger", t.name_trigger, scope.map(|scope| &scope.trigger));
    if step.is_none() {
        return vec![trigger];
    }
    // Steps that the sample knows nothing of can be named as well.
    let others = seen.iter().filter(|id| Some(*id) != card);
    let outputs: Map<String, Value> = others
        .map(|id| {
            let known = scope.and_then(|scope| scope.steps.get(id));
            (
                id.clone(),
                known.map_or(Value::Null, |output| (**output).clone()),
            )
        })
        .collect();
    let outputs = Arc::new(Value::Object(outputs));
    let item = scope.and_then(|scope| scope.item.as_ref());
    let mut names = Vec::new();
    if inside {
        let index = item.map(|item| Arc::new(item.index.into()));
        names.push(name("item", t.name_item, item.map(|item| &item.value)));
        names.push(name("index", t.name_index, index.as_ref()));
    }
    names.extend([
        name("input", t.name_input, scope.map(|scope| &scope.input)),
        trigger,
        name("steps", t.name_steps, Some(&outputs)),
        name("run", t.name_run, scope.map(|scope| &scope.run)),
        name("vars", t.name_vars, scope.map(|scope| &scope.vars)),
        name("error", t.name_error, scope.map(|scope| &scope.error)),
    ]);
    if step.is_some_and(|step| step.undo.is_some()) {
        names.push(name(
            "output",
            t.name_output,
            scope.map(|scope| &scope.output),
        ));
    }
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{lab::ScopeItem, texts::ENGLISH};

    #[test]
    fn a_step_sees_the_others_and_a_trigger_its_message() {
        let flow: Flow = serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "triggers": { "t": { "kind": "manual" } },
            "steps": { "a": { "kind": "map" }, "b": { "kind": "map" }, "c": { "kind": "map" } }
        }))
        .unwrap();
        let scope = Scope {
            steps: [("a".to_owned(), Arc::new(json!({ "total": 1 })))].into(),
            ..Scope::default()
        };
        let steps = flow.steps.keys().cloned().collect();
        let seen = |card: &str| {
            let card = card.to_owned();
            names(&ENGLISH, &flow, &steps, false, Some(&card), Some(&scope))
        };
        assert_eq!(seen("t").len(), 1);
        let of_b = seen("b");
        let steps = of_b.iter().find(|known| known.name == "steps").unwrap();
        let outputs = steps.sample.as_deref().unwrap();
        assert_eq!(*outputs, json!({ "a": { "total": 1 }, "c": null }));
        assert!(of_b.iter().all(|known| known.name != "output"));
        let called = |own: &[&str]| {
            let all = own_names(&ENGLISH, own, &of_b).into_iter();
            all.map(|known| known.name).collect::<Vec<_>>()
        };
        assert_eq!(called(&["http"])[..2], ["http", "input"]);
        assert_eq!(called(&["cursor", "http"]), ["cursor", "http"]);
    }

    #[test]
    fn a_step_in_a_body_sees_the_item_and_the_steps_around() {
        let drawn: Flow = serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f", "steps": { "a": { "kind": "map" } }
        }))
        .unwrap();
        let scope = Scope {
            item: Some(ScopeItem {
                value: Arc::new(json!({ "qty": 4 })),
                index: 0,
            }),
            ..Scope::default()
        };
        let steps = ["a", "before"].map(String::from).into();
        let card = "a".to_owned();
        let names = names(&ENGLISH, &drawn, &steps, true, Some(&card), Some(&scope));
        let sample = |name: &str| {
            let known = names.iter().find(|known| known.name == name).unwrap();
            known.sample.as_deref().cloned()
        };
        assert_eq!(sample("item"), Some(json!({ "qty": 4 })));
        assert_eq!(sample("index"), Some(json!(0)));
        assert_eq!(sample("steps"), Some(json!({ "before": null })));
    }
}
