//! The sample: real values for the names of a flow, out of a run or a rehearsal, that expressions are shown against.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use weir_flows::{
    callback::Callbacks,
    document::{Flow, Slug, Step},
};

use crate::{api::StepDetail, lab::Scope};

/// A message with what each step got and gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sample {
    /// The message, as scripts see it as `trigger`.
    pub(crate) trigger: Value,
    /// What is known of each step.
    pub(crate) steps: BTreeMap<Slug, StepDetail>,
}

impl Sample {
    /// What a card sees as `input`: what its step got, or what the steps before it gave. The message for a trigger and
    /// for a first step.
    pub(crate) fn input(&self, flow: &Flow, card: &str) -> Value {
        if let Some(input) = self.steps.get(card).and_then(|step| step.input.clone()) {
            return input;
        }
        let output = |id: &str| match self.steps.get(id) {
            Some(step) => step.output.clone(),
            None => flow.triggers.contains_key(id).then(|| self.trigger.clone()),
        };
        let mut before: Vec<(&str, Value)> = Vec::new();
        for link in flow.links.iter().filter(|link| link.to == card) {
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
    pub(crate) fn scope(&self, flow: &Flow, card: &str) -> Scope {
        let output = |step: &StepDetail| step.output.clone().map(Arc::new);
        let outputs = self.steps.iter();
        let mut run = json!({ "id": "", "flow": flow.id, "version": 0, "workspace": "main", "started_at": "" });
        let answered = |step: &Step| {
            ["callback", "approval"]
                .iter()
                .any(|key| step.config.contains_key(*key))
        };
        for (id, step) in &flow.steps {
            if step.kind == "wait" && answered(step) {
                run["callbacks"][id.as_str()] = Callbacks::default().of(id).into();
            }
        }
        Scope {
            trigger: Arc::new(self.trigger.clone()),
            input: Arc::new(self.input(flow, card)),
            steps: outputs
                .filter_map(|(id, step)| Some((id.clone(), output(step)?)))
                .collect(),
            run: Arc::new(run),
            vars: Arc::new(json!({})),
            output: self.steps.get(card).and_then(output).unwrap_or_default(),
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
        };
        assert_eq!(sample.input(&flow, "t"), json!({ "body": 1 }));
        assert_eq!(sample.input(&flow, "b"), json!({ "body": 1 }));
        assert_eq!(sample.input(&flow, "c"), json!(2));
        sample.steps.insert("b".to_owned(), gave(json!(3)));
        assert_eq!(sample.input(&flow, "c"), json!({ "a": 2, "b": 3 }));
        assert_eq!(
            json!(sample.scope(&flow, "c").steps),
            json!({ "a": 2, "b": 3 })
        );
        sample.steps.insert(
            "c".to_owned(),
            StepDetail {
                input: Some(json!(4)),
                ..StepDetail::default()
            },
        );
        assert_eq!(sample.input(&flow, "c"), json!(4));
    }
}
