//! Trying: what a try sends, and what came of it, decided without a view.

use std::collections::BTreeMap;

use serde_json::Value;
use weir_flows::{
    catalog::Catalog,
    document::{Flow, Mock, Mocks, Slug},
};

use crate::{
    api::{RunDetail, RunStatus, StepStatus},
    sample::{Mistake, read_body, typed},
};

/// What the actions of a try do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Actions {
    /// They answer what is written down for them; nobody outside notices anything.
    #[default]
    Mocked,
    /// They call the outside.
    Real,
}

impl Actions {
    /// The word of the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Actions::Mocked => "mocked",
            Actions::Real => "real",
        }
    }
}

/// An action of the draft, for the list of what they answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Action {
    pub(crate) id: Slug,
    pub(crate) name: String,
    pub(crate) kind: String,
}

/// The actions of a draft that a message could reach.
pub(crate) fn actions(flow: &Flow, catalog: &Catalog) -> Vec<Action> {
    flow.steps
        .iter()
        .filter(|(_, step)| {
            let entry = catalog.step(&step.kind);
            !step.disabled && entry.is_some_and(|entry| entry.action.is_some())
        })
        .map(|(id, step)| Action {
            id: id.clone(),
            name: (if step.title.is_empty() {
                id
            } else {
                &step.title
            })
            .clone(),
            kind: step.kind.clone(),
        })
        .collect()
}

/// A mock as it is put into its field: the output, or nothing where it is a failure.
pub(crate) fn shown(mock: &Mock) -> String {
    match mock {
        Mock::Output(value) => typed(value),
        Mock::Failure(failure) => {
            let failure = serde_json::to_value(failure).unwrap_or_default();
            typed(&serde_json::json!({ "$failure": failure }))
        }
    }
}

/// Reads a mock that was typed: an output, or a failure as `{"$failure": {"class": …}}`.
pub(crate) fn read(text: &str) -> Result<Mock, Mistake> {
    let value = read_body(text)?;
    let failure = match &value {
        Value::Object(map) if map.len() == 1 => map.get("$failure").cloned(),
        _ => None,
    };
    let Some(failure) = failure else {
        return Ok(Mock::Output(value));
    };
    serde_json::from_value(failure)
        .map(Mock::Failure)
        .map_err(|error| Mistake::NotJson {
            why: error.to_string(),
            line: 1,
            column: 1,
        })
}

/// What all actions answer: what was typed, else what is nearest; the first mistake where one cannot be read.
pub(crate) fn mocks(
    actions: &[Action],
    prefilled: &BTreeMap<Slug, Mock>,
    typed: &BTreeMap<Slug, String>,
) -> Result<BTreeMap<Slug, Mocks>, (Slug, Mistake)> {
    let mut mocks = BTreeMap::new();
    for action in actions {
        let mock = match typed.get(&action.id) {
            Some(text) => read(text).map_err(|mistake| (action.id.clone(), mistake))?,
            None => prefilled
                .get(&action.id)
                .cloned()
                .unwrap_or(Mock::Output(Value::Null)),
        };
        mocks.insert(action.id.clone(), Mocks::Same(mock));
    }
    Ok(mocks)
}

/// Where a run is, or where it failed: what a person wants to see.
pub(crate) fn place(run: &RunDetail) -> Option<Slug> {
    let busy = run
        .steps
        .iter()
        .find(|(_, step)| matches!(step.status, StepStatus::Running | StepStatus::Waiting));
    if let Some((id, _)) = busy.filter(|_| !run.status.is_final()) {
        return Some(id.clone());
    }
    run.failure
        .as_ref()
        .filter(|_| run.status == RunStatus::Failed)
        .and_then(|failure| failure.step.clone())
}

/// Whether two documents have the same cards and links, so that a run of one can be shown on the other.
pub(crate) fn same_drawing(one: &Flow, other: &Flow) -> bool {
    one.links == other.links
        && one.steps.keys().eq(other.steps.keys())
        && one.triggers.keys().eq(other.triggers.keys())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn action(id: &str) -> Action {
        Action {
            id: id.into(),
            name: id.into(),
            kind: "http".into(),
        }
    }

    #[test]
    fn what_was_typed_goes_before_what_is_nearest() {
        let prefilled = BTreeMap::from([
            ("a".to_owned(), Mock::Output(json!(1))),
            ("b".to_owned(), Mock::Output(json!(2))),
        ]);
        let typed = BTreeMap::from([("b".to_owned(), "{\"c\": 3}".to_owned())]);
        let all = [action("a"), action("b"), action("d")];
        let found = mocks(&all, &prefilled, &typed).unwrap();
        let output = |id: &str| match &found[id] {
            Mocks::Same(Mock::Output(value)) => value.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            (output("a"), output("b"), output("d")),
            (json!(1), json!({ "c": 3 }), Value::Null)
        );
        let broken = BTreeMap::from([("a".to_owned(), "{".to_owned())]);
        assert_eq!(mocks(&all, &prefilled, &broken).unwrap_err().0, "a");
    }

    #[test]
    fn a_failure_is_typed_as_one() {
        let mock = read(r#"{"$failure": {"class": "timed_out", "message": "Late."}}"#).unwrap();
        assert!(matches!(&mock, Mock::Failure(failure) if failure.message == "Late."));
        assert_eq!(read(&shown(&mock)), Ok(mock));
        assert!(read(r#"{"$failure": {"class": "no such"}}"#).is_err());
    }

    #[test]
    fn a_person_is_shown_where_the_run_is_or_failed() {
        let run = |status: &str, steps: Value| -> RunDetail {
            serde_json::from_value(json!({
                "id": "r", "flow": "f", "version": 1, "trigger": "t", "status": status, "started_at": "",
                "failure": if status == "failed" { json!({ "step": "b", "class": "broken", "message": "" }) } else { Value::Null },
                "steps": steps
            }))
            .unwrap()
        };
        let underway = run(
            "running",
            json!({ "a": { "status": "succeeded" }, "b": { "status": "waiting" } }),
        );
        assert_eq!(place(&underway).as_deref(), Some("b"));
        assert_eq!(place(&run("failed", json!({}))).as_deref(), Some("b"));
        assert_eq!(place(&run("succeeded", json!({}))), None);
    }
}
