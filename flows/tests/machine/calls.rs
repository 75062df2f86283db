//! Tables: calls of other flows, as the machine and the check see them.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use weir_flows::{
    advance::{Event, calls, lost},
    check::{Names, check_value},
    run::Status,
};

use crate::tables::{Play, call, catalog, document, map, plan};

fn calling(flow: &str) -> Value {
    json!({ "kind": "call", "config": { "flow": flow } })
}

#[test]
fn a_call_that_a_crash_cut_off_goes_on_and_is_not_lost() {
    let body = json!({ "steps": { "ask": calling("other") } });
    let each =
        json!({ "kind": "each", "config": { "items": [7, 8], "concurrency": 2, "body": body } });
    let mut first = calling("other");
    first["timeout"] = json!("10s");
    let plan = plan(&document(
        json!({ "first": first, "all": each, "beside": call("GET"), "last": map("[steps.first, steps.all]") }),
        &[
            "go > first",
            "go > all",
            "go > beside",
            "first > last",
            "all > last",
        ],
        json!({}),
    ));
    let mut play = Play::new(&plan);
    let turn = play.event(Event::Start);
    assert_eq!(turn.commands.len(), 4);
    let run = Play::new(&plan).run.restore(&plan, &turn.records);
    let events = lost(&plan, &run);
    assert_eq!(events.len(), 1, "only `beside` is lost");
    let again = calls(&plan, &run, 4_000);
    let mut made: Vec<_> = turn
        .commands
        .iter()
        .filter(|command| command.kind == "call")
        .cloned()
        .collect();
    made.sort_by_key(|command| command.idempotency_key.clone());
    let mut found = again.clone();
    found.sort_by_key(|command| command.idempotency_key.clone());
    for (found, made) in found.iter_mut().zip(&made) {
        assert_eq!(
            made.timeout_ms - found.timeout_ms,
            4_000,
            "what is left of its time"
        );
        found.timeout_ms = made.timeout_ms;
    }
    assert_eq!(
        found, made,
        "the same attempts, with the same keys and settings"
    );
    let item = again.iter().find(|command| command.items == [1]).unwrap();
    assert_eq!(
        *item.config,
        json!({ "flow": "other", "input": 8 }),
        "the input where nothing is said"
    );
    play.run = run;
    for command in &again {
        play.event(command.ended(Ok(Arc::new(json!(command.items))), None));
    }
    play.succeed("beside", 1, json!(null));
    assert_eq!(play.run.status, Status::Succeeded);
    assert_eq!(play.output("last"), json!([[], [[0], [1]]]));
}

#[test]
fn calls_are_checked() {
    let mut flow = document(
        json!({ "a": calling("there"), "b": calling("theer"), "self": calling("t") }),
        &["go > a", "a > b", "b > self"],
        json!({}),
    );
    let names = Names {
        flows: Some(BTreeSet::from(["there".to_owned()])),
        ..Names::default()
    };
    let found = |flow: &Value, names: &Names| -> Vec<(String, String)> {
        let checked = check_value(flow, &catalog(), Some(names));
        checked
            .problems
            .into_iter()
            .map(|problem| (problem.at, problem.code))
            .collect()
    };
    let pair = |at: &str, code: &str| (at.to_owned(), code.to_owned());
    assert_eq!(
        found(&flow, &names),
        [pair("/steps/b/config/flow", "unknown_flow")]
    );
    assert_eq!(
        found(&flow, &Names::default()),
        [],
        "where the flows are not known"
    );
    flow["steps"]["b"] = calling("there");
    flow["steps"]["a"]["retry"] = json!({ "attempts": 2 });
    flow["steps"]["self"]["config"] = json!({});
    flow["triggers"] =
        json!({ "go": { "kind": "flow", "dedupe": "1" }, "more": { "kind": "flow" } });
    flow["links"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "from": "more", "to": "a" }));
    assert_eq!(
        found(&flow, &names),
        [
            pair("/steps/a/retry", "no_meaning"),
            pair("/steps/self/config", "missing_key"),
            pair("/triggers/go/dedupe", "no_meaning"),
            pair("/triggers/more", "duplicate_trigger"),
        ]
    );
}
