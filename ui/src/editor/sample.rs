//! The sample: real values for the names of a flow, out of a run or a rehearsal, that expressions are shown against.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use weir_flows::{
    callback::Callbacks,
    document::{Flow, Slug, Step},
};

use crate::{
    api::StepDetail,
    edit::body,
    lab::{Scope, ScopeItem},
};

/// A message with what each step got and gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sample {
    /// The message, as scripts see it as `trigger`.
    pub(crate) trigger: Value,
    /// What is known of each step; of those within bodies, for the first item.
    pub(crate) steps: BTreeMap<Slug, StepDetail>,
    /// The first item of each `each` step that has one.
    pub(crate) items: BTreeMap<Slug, Value>,
}

/// Where cards are looked at.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    /// The whole document.
    pub(crate) whole: &'a Flow,
    /// The way to the body that is drawn.
    pub(crate) way: &'a [Slug],
    /// What is drawn.
    pub(crate) drawn: &'a Flow,
}

impl Sample {
    /// Whether there are values for what is drawn: of a body those of the first item, which a list without items does not have.
    pub(crate) fn has_values(&self, ground: Ground<'_>) -> bool {
        let known = !self.trigger.is_null() || !self.steps.is_empty();
        known
            && ground
                .way
                .last()
                .is_none_or(|each| self.items.contains_key(each))
    }

    /// What a card sees as `input`: what its step got, or what the steps before it gave. The message for a trigger and
    /// for a first step, the item for a first step of a body.
    pub(crate) fn input(&self, ground: Ground<'_>, card: &str) -> Value {
        if let Some(input) = self.steps.get(card).and_then(|step| step.input.clone()) {
            return input;
        }
        let flow = ground.drawn;
        let output = |id: &str| match self.steps.get(id) {
            Some(step) => step.output.clone(),
            None => flow.triggers.contains_key(id).then(|| self.trigger.clone()),
        };
        let mut enters = flow.links.iter().filter(|link| link.to == card).peekable();
        if enters.peek().is_none()
            && let Some(each) = ground.way.last()
        {
            return self.items.get(each).cloned().unwrap_or_default();
        }
        let mut before: Vec<(&str, Value)> = Vec::new();
        for link in enters {
            if let Some(output) =
                output(&link.from).filter(|_| before.iter().all(|(id, _)| *id != link.from))
            {
                before.push((&link.from, output));
            }
        }
        match before.len() {
            0 if flow.triggers.contains_key(card) => self.trigger.clone(),
            0 => Value::Null,
            1 => before.remove(0).1,
            _ => Value::Object(
                before
                    .into_iter()
                    .map(|(id, value)| (id.to_owned(), value))
                    .collect(),
            ),
        }
    }

    /// The names that a script of a card sees, each with its value.
    pub(crate) fn scope(&self, ground: Ground<'_>, card: &str) -> Scope {
        let output = |step: &StepDetail| step.output.clone().map(Arc::new);
        let seen = body::seen_from(ground.whole, ground.way);
        let outputs = self.steps.iter().filter(|(id, _)| seen.contains(*id));
        let flow = &ground.whole.id;
        let mut run =
            json!({ "id": "", "flow": flow, "version": 0, "workspace": "main", "started_at": "" });
        let answered = |step: &Step| {
            ["callback", "approval"]
                .iter()
                .any(|key| step.config.contains_key(*key))
        };
        for (id, step) in &ground.whole.steps {
            if step.kind == "wait" && answered(step) {
                run["callbacks"][id.as_str()] = Callbacks::default().of(id).into();
            }
        }
        Scope {
            trigger: Arc::new(self.trigger.clone()),
            input: Arc::new(self.input(ground, card)),
            steps: outputs
                .filter_map(|(id, step)| Some((id.clone(), output(step)?)))
                .collect(),
            run: Arc::new(run),
            vars: Arc::new(json!({})),
            output: self.steps.get(card).and_then(output).unwrap_or_default(),
            item: ground.way.last().map(|each| ScopeItem {
                value: Arc::new(self.items.get(each).cloned().unwrap_or_default()),
                index: 0,
            }),
            ..Scope::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_sees_what_came_before_it() {
        let flow: Flow = serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "triggers": { "t": { "kind": "manual" } },
            "steps": { "a": { "kind": "map" }, "b": { "kind": "map" }, "c": { "kind": "map" } },
            "links": [ { "from": "t", "to": "a" }, { "from": "t", "to": "b" }, { "from": "a", "to": "c" }, { "from": "b", "to": "c" } ]
        }))
        .unwrap();
        let gave = |output: Value| StepDetail {
            output: Some(output),
            ..StepDetail::default()
        };
        let mut sample = Sample {
            trigger: json!({ "body": 1 }),
            steps: BTreeMap::from([("a".to_owned(), gave(json!(2)))]),
            ..Sample::default()
        };
        let ground = Ground {
            whole: &flow,
            way: &[],
            drawn: &flow,
        };
        assert_eq!(sample.input(ground, "t"), json!({ "body": 1 }));
        assert_eq!(sample.input(ground, "b"), json!({ "body": 1 }));
        assert_eq!(sample.input(ground, "c"), json!(2));
        sample.steps.insert("b".to_owned(), gave(json!(3)));
        assert_eq!(sample.input(ground, "c"), json!({ "a": 2, "b": 3 }));
        assert_eq!(
            json!(sample.scope(ground, "c").steps),
            json!({ "a": 2, "b": 3 })
        );
        sample.steps.insert(
            "c".to_owned(),
            StepDetail {
                input: Some(json!(4)),
                ..StepDetail::default()
            },
        );
        assert_eq!(sample.input(ground, "c"), json!(4));
    }

    #[test]
    fn a_card_in_a_body_sees_the_first_item_and_what_stands_around() {
        let whole: Flow = serde_json::from_value(json!({
            "format": "weir/flow@1", "id": "f",
            "triggers": { "t": { "kind": "manual" } },
            "steps": {
                "before": { "kind": "map" },
                "lines": { "kind": "each", "config": { "items": "= input", "body": {
                    "steps": { "price": { "kind": "map" }, "tell": { "kind": "map" } },
                    "links": [ { "from": "price", "to": "tell" } ] } } },
                "other": { "kind": "each", "config": { "items": "= input", "body": { "steps": { "inner": { "kind": "map" } } } } }
            },
            "links": [ { "from": "t", "to": "before" }, { "from": "before", "to": "lines" } ]
        }))
        .unwrap();
        let gave = |output: Value| StepDetail {
            output: Some(output),
            ..StepDetail::default()
        };
        let outputs = [("before", 1), ("price", 2), ("inner", 3)];
        let mut sample = Sample {
            trigger: json!({ "body": 1 }),
            steps: outputs
                .map(|(id, n)| (id.to_owned(), gave(json!(n))))
                .into(),
            items: BTreeMap::from([("lines".to_owned(), json!({ "qty": 4 }))]),
        };
        let way = ["lines".to_owned()];
        let drawn = body::open(&whole, &way).unwrap();
        let ground = Ground {
            whole: &whole,
            way: &way,
            drawn: &drawn,
        };
        assert!(sample.has_values(ground));
        assert_eq!(sample.input(ground, "price"), json!({ "qty": 4 }));
        assert_eq!(sample.input(ground, "tell"), json!(2));
        let scope = sample.scope(ground, "tell");
        assert_eq!(json!(scope.steps), json!({ "before": 1, "price": 2 }));
        let item = scope.item.unwrap();
        assert_eq!((&*item.value, item.index), (&json!({ "qty": 4 }), 0));
        // Around the body nobody sees into it.
        let outside = Ground {
            way: &[],
            drawn: &whole,
            ..ground
        };
        let scope = sample.scope(outside, "lines");
        assert_eq!(json!(scope.steps), json!({ "before": 1 }));
        assert_eq!(scope.item, None);
        sample.items.clear();
        assert!(!sample.has_values(ground) && sample.has_values(outside));
    }
}
