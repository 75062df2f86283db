//! The catalog against the machine: what it says of defaults, of new steps and of messages is what happens.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use weir_flows::{
    advance::Stamp,
    builtin,
    catalog::Entry,
    check::check_value,
    document::Message,
    intake::{Admission, admit},
    script::Bounds,
    testing::run_tests,
};

use crate::tables::plan;

/// The settings of an entry, with all its defaults written out.
fn written_out(entry: &Entry, config: &Value) -> Value {
    let defaults = entry.fields.iter().filter_map(|field| {
        let default = field.default.clone()?;
        Some((field.name.to_string(), default))
    });
    let mut all: Map<String, Value> = defaults.collect();
    let given = all.len();
    all.extend(config.as_object().unwrap().clone());
    assert!(given > 0, "{} has no default", entry.kind);
    Value::Object(all)
}

#[test]
fn defaults_of_triggers_are_what_counts_where_nothing_is_said() {
    let catalog = builtin::catalog();
    for (kind, config) in [
        ("http", json!({ "path": "/a" })),
        ("schedule", json!({ "cron": "0 6 * * *" })),
    ] {
        let entry = catalog.trigger(kind).unwrap();
        let source = |config: &Value| {
            let plan = plan(&json!({
                "format": "weir/flow@1", "id": "t", "triggers": { "go": { "kind": kind, "config": config } },
            }));
            format!("{:?}", plan.triggers["go"].source)
        };
        assert_eq!(
            source(&config),
            source(&written_out(entry, &config)),
            "{kind}"
        );
    }
}

#[test]
fn defaults_of_steps_are_what_counts_where_nothing_is_said() {
    let catalog = builtin::catalog();
    let both = json!([{ "port": "a", "when": "true" }, { "port": "b", "when": "true" }]);
    for (kind, config, expected) in [
        (
            "branch",
            json!({ "cases": both }),
            json!({ "status": "succeeded", "ran": ["a", "first", "s"], "skipped": ["b"] }),
        ),
        (
            "respond",
            json!({}),
            json!({ "status": "succeeded", "reply": { "status": 200, "body": { "n": 1 } } }),
        ),
        (
            "validate",
            json!({ "schema": { "required": ["n"] } }),
            json!({ "status": "succeeded" }),
        ),
        (
            "validate",
            json!({ "schema": { "required": ["m"] } }),
            json!({ "status": "failed" }),
        ),
        (
            "fail",
            json!({ "message": "m" }),
            json!({ "status": "failed", "failure": { "class": "rejected" } }),
        ),
    ] {
        let entry = catalog.step(kind).unwrap();
        for config in [config.clone(), written_out(entry, &config)] {
            let mut links = vec![
                json!({ "from": "go", "to": "first" }),
                json!({ "from": "first", "to": "s" }),
            ];
            let mut steps = json!({
                "first": { "kind": "map", "config": { "script": "#{ n: 1 }" } },
                "s": { "kind": kind, "config": config },
            });
            if kind == "branch" {
                for port in ["a", "b"] {
                    steps[port] = json!({ "kind": "map", "config": { "script": "1" } });
                    links.push(json!({ "from": "s", "port": port, "to": port }));
                }
            }
            let plan = plan(&json!({
                "format": "weir/flow@1", "id": "t", "triggers": { "go": { "kind": "manual" } }, "steps": steps,
                "links": links, "tests": [{ "name": "t", "trigger": "go", "message": {}, "expect": expected }],
            }));
            let outcomes = run_tests(&plan, &Bounds::default());
            assert!(outcomes[0].passed(), "{kind} {config}: {outcomes:#?}");
        }
    }
}

#[test]
fn a_new_trigger_or_step_is_sound() {
    let catalog = builtin::catalog();
    let with_trigger = catalog.triggers.iter().map(|entry| {
        let trigger = json!({ "kind": entry.kind, "config": entry.start });
        json!({ "format": "weir/flow@1", "id": "t", "triggers": { "new": trigger } })
    });
    let with_step = catalog.steps.iter().map(|entry| {
        json!({
            "format": "weir/flow@1", "id": "t", "triggers": { "go": { "kind": "manual" } },
            "steps": { "new": { "kind": entry.kind, "config": entry.start } },
            "links": [{ "from": "go", "to": "new" }],
        })
    });
    for document in with_trigger.chain(with_step) {
        let checked = check_value(&document, &catalog, None);
        assert!(!checked.has_errors(), "{document}: {:?}", checked.problems);
    }
}

#[test]
fn messages_look_as_the_catalog_says() {
    let catalog = builtin::catalog();
    for entry in &catalog.triggers {
        let document = json!({
            "format": "weir/flow@1", "id": "t",
            "triggers": { "new": { "kind": entry.kind, "config": entry.start } },
        });
        let plan = plan(&document);
        let stamp = Stamp { now_ms: 0, dice: 0 };
        let admission = admit(
            "new",
            &entry.kind,
            &plan.triggers["new"],
            Message::default(),
            stamp,
            &Bounds::default(),
        );
        let Admission::Accepted { message, .. } = admission else {
            panic!("{admission:?}");
        };
        let names = |value: &Value| -> BTreeSet<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        let example = entry.output.as_ref().unwrap();
        assert_eq!(names(example), names(&message), "{}", entry.kind);
        assert_eq!(example["kind"], message["kind"]);
    }
}
