//! The checks: a table of broken documents, each with the place and the code it must be found by.

use serde_json::{Value, json};
use weir_flows::{
    check::{Names, check_text, check_value},
    json::print,
    problem::Severity,
    script::Bounds,
    testing::run_tests,
};

use crate::tables::catalog;

/// A flow with every kind of part, as the documentation shows it.
const ORDER_INTAKE: &str = include_str!("order-intake.json");

fn order_intake() -> Value {
    serde_json::from_str(ORDER_INTAKE).unwrap()
}

/// The catalog of these tests has no `path`: the address of an action is one text.
fn sound() -> Value {
    let mut document = order_intake();
    for config in ["/steps/book/config", "/steps/book/undo/config"] {
        let config = document
            .pointer_mut(config)
            .unwrap()
            .as_object_mut()
            .unwrap();
        let path = config.remove("path").unwrap();
        config.insert("url".to_owned(), path);
    }
    document
}

/// The places and codes of the problems after one edit.
fn found(at: &str, value: Value) -> Vec<(String, String)> {
    let mut document = sound();
    let (parent, key) = at.rsplit_once('/').unwrap();
    let parent = document
        .pointer_mut(parent)
        .unwrap_or_else(|| panic!("{at}"));
    match parent {
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        Value::Object(entries) if value.is_null() => drop(entries.remove(key)),
        Value::Object(entries) => drop(entries.insert(key.to_owned(), value)),
        other => panic!("{at}: {other}"),
    }
    let checked = check_value(&document, &catalog(), None);
    assert_eq!(checked.plan.is_none(), checked.has_errors());
    checked
        .problems
        .iter()
        .for_each(|problem| assert!(problem.message.len() > 20, "{problem}"));
    checked
        .problems
        .into_iter()
        .map(|problem| (problem.at, problem.code))
        .collect()
}

#[test]
fn the_documented_flow_is_clean_and_passes_its_test() {
    let checked = check_value(&sound(), &catalog(), None);
    // Its nightly trigger is there to show a schedule, and leads nowhere yet.
    let codes: Vec<_> = checked
        .problems
        .iter()
        .map(|p| (p.code.as_str(), p.severity))
        .collect();
    assert_eq!(codes, [("leads_nowhere", Severity::Warning)]);
    let outcomes = run_tests(&checked.plan.unwrap(), &Bounds::default());
    assert!(
        outcomes.iter().all(|outcome| outcome.passed()),
        "{outcomes:#?}"
    );
}

#[test]
fn printing_is_stable() {
    let checked = check_value(&sound(), &catalog(), None);
    let once = print(&*checked.flow.unwrap()).unwrap();
    let again = check_text(&once, &catalog(), None);
    assert_eq!(print(&*again.flow.unwrap()).unwrap(), once);
    assert!(once.ends_with("}\n") && once.contains("\n  \"id\": \"order-intake\""));
}

#[test]
fn every_fault_is_found_at_its_place() {
    let table: &[(&str, Value, &str, &str)] = &[
        (
            "/links/0/to",
            json!("prize"),
            "/links/0/to",
            "dangling_link",
        ),
        (
            "/links/0/from",
            json!("nobody"),
            "/links/0/from",
            "dangling_link",
        ),
        (
            "/links/0/to",
            json!("nightly"),
            "/links/0/to",
            "dangling_link",
        ),
        (
            "/links/2/port",
            json!("huge"),
            "/links/2/port",
            "unknown_port",
        ),
        (
            "/links/0/port",
            json!("error"),
            "/links/0/port",
            "unknown_port",
        ),
        (
            "/links/-",
            json!({ "from": "thanks", "to": "price" }),
            "/links",
            "circle",
        ),
        (
            "/links/-",
            json!({ "from": "order", "to": "price" }),
            "/links/5",
            "duplicate_link",
        ),
        (
            "/steps/lonely",
            json!({ "kind": "map", "config": { "script": "1" } }),
            "/steps/lonely",
            "unreachable",
        ),
        (
            "/steps/order",
            json!({ "kind": "map", "config": { "script": "1" } }),
            "/triggers/order",
            "duplicate_id",
        ),
        (
            "/steps/price/kind",
            json!("mapp"),
            "/steps/price/kind",
            "unknown_kind",
        ),
        (
            "/triggers/order/kind",
            json!("htp"),
            "/triggers/order/kind",
            "unknown_kind",
        ),
        (
            "/steps/price/config/script",
            json!("let x = ;"),
            "/steps/price/config/script",
            "script",
        ),
        (
            "/steps/price/config/script",
            json!("imput.body"),
            "/steps/price/config/script",
            "script",
        ),
        (
            "/steps/price/config/script",
            json!("no_such_function(1)"),
            "/steps/price/config/script",
            "script",
        ),
        (
            "/steps/price/config/script",
            json!("steps.prize"),
            "/steps/price/config/script",
            "unknown_step",
        ),
        (
            "/steps/price/config/script",
            json!("steps.thanks"),
            "/steps/price/config/script",
            "not_before",
        ),
        (
            "/steps/price/config/script",
            json!(5),
            "/steps/price/config/script",
            "wrong_type",
        ),
        (
            "/steps/price/config/script",
            Value::Null,
            "/steps/price/config",
            "missing_key",
        ),
        (
            "/steps/price/config/scrip",
            json!("1"),
            "/steps/price/config/scrip",
            "unknown_key",
        ),
        (
            "/steps/price/retry",
            json!({ "attempts": 2 }),
            "/steps/price/retry",
            "no_meaning",
        ),
        (
            "/steps/price/connection",
            json!("erp"),
            "/steps/price/connection",
            "no_meaning",
        ),
        (
            "/steps/size/config/cases/0/when",
            json!("input.total >="),
            "/steps/size/config/cases/0/when",
            "script",
        ),
        (
            "/steps/size/config/cases/0/port",
            json!("Big One"),
            "/steps/size/config/cases/0/port",
            "bad_port",
        ),
        (
            "/steps/size/config/cases/0/port",
            json!("error"),
            "/steps/size/config/cases/0/port",
            "bad_port",
        ),
        (
            "/steps/size/config/cases",
            json!("x"),
            "/steps/size/config/cases",
            "wrong_type",
        ),
        (
            "/steps/size/config/mode",
            json!("some"),
            "/steps/size/config/mode",
            "bad_value",
        ),
        (
            "/steps/book/config/body",
            json!("= steps.price +"),
            "/steps/book/config/body",
            "script",
        ),
        (
            "/steps/book/config/body",
            json!({ "a": ["= 1 +"] }),
            "/steps/book/config/body/a/0",
            "script",
        ),
        (
            "/steps/book/undo/config/url",
            json!("= output.`"),
            "/steps/book/undo/config/url",
            "script",
        ),
        (
            "/steps/book/undo/kind",
            json!("map"),
            "/steps/book/undo/kind",
            "unknown_kind",
        ),
        (
            "/steps/thanks/config/status",
            json!(99),
            "/steps/thanks/config/status",
            "bad_value",
        ),
        (
            "/steps/thanks/config/headers",
            json!([1]),
            "/steps/thanks/config/headers",
            "wrong_type",
        ),
        (
            "/triggers/order/config/path",
            json!("orders"),
            "/triggers/order/config/path",
            "bad_path",
        ),
        (
            "/triggers/order/config/path",
            Value::Null,
            "/triggers/order/config",
            "missing_key",
        ),
        (
            "/triggers/order/config/reply",
            json!("late"),
            "/triggers/order/config/reply",
            "bad_value",
        ),
        (
            "/triggers/order/config/deadline",
            json!("soon"),
            "/triggers/order/config/deadline",
            "bad_duration",
        ),
        (
            "/triggers/order/filter",
            json!("trigger.body.total >"),
            "/triggers/order/filter",
            "script",
        ),
        (
            "/triggers/order/dedupe",
            json!("triger.id"),
            "/triggers/order/dedupe",
            "script",
        ),
        (
            "/triggers/order/schema",
            json!({ "type": "objekt" }),
            "/triggers/order/schema/type",
            "schema",
        ),
        (
            "/triggers/nightly/config/cron",
            json!("0 99 * * *"),
            "/triggers/nightly/config/cron",
            "cron",
        ),
        (
            "/triggers/nightly/config/timezone",
            json!("Europe/Berlino"),
            "/triggers/nightly/config/timezone",
            "time_zone",
        ),
        (
            "/triggers/nightly/config/every",
            json!("5m"),
            "/triggers/nightly/config",
            "excludes",
        ),
        (
            "/triggers/nightly/config/cron",
            Value::Null,
            "/triggers/nightly/config",
            "missing_key",
        ),
        (
            "/settings/timeout",
            json!("5 minutes"),
            "/settings/timeout",
            "bad_duration",
        ),
        (
            "/settings/concurrency",
            json!({ "limit": 0 }),
            "/settings/concurrency/limit",
            "bad_value",
        ),
        (
            "/settings/histori",
            json!("full"),
            "/settings/histori",
            "unknown_key",
        ),
        (
            "/layout/nobody",
            json!([0, 0]),
            "/layout/nobody",
            "unknown_id",
        ),
        (
            "/tests/0/trigger",
            json!("nobody"),
            "/tests/0/trigger",
            "unknown_id",
        ),
        (
            "/tests/0/mocks/nobody",
            json!({ "output": 1 }),
            "/tests/0/mocks/nobody",
            "unknown_id",
        ),
        (
            "/tests/0/now",
            json!("yesterday"),
            "/tests/0/now",
            "bad_value",
        ),
        ("/id", json!("Order Intake"), "/id", "bad_id"),
        ("/format", json!("weir/flow@2"), "/format", "unknown_format"),
    ];
    for (edit, value, at, code) in table {
        let problems = found(edit, value.clone());
        assert!(
            problems.contains(&((*at).to_owned(), (*code).to_owned())),
            "{edit} = {value}: wanted {at} {code}, found {problems:?}"
        );
    }
}

#[test]
fn a_fault_in_a_script_names_line_and_column_and_the_near_word() {
    let mut document = sound();
    document["steps"]["price"]["config"]["script"] = json!("let a = 1;\nlet b = imput.body;\nb");
    let problem = &check_value(&document, &catalog(), None).problems[0];
    assert!(
        problem.message.starts_with("line 2, column 9: "),
        "{problem}"
    );
    assert!(problem.message.contains("`input`"), "{problem}");
}

#[test]
fn a_circle_is_told_by_its_steps() {
    let mut document = sound();
    document["links"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "from": "thanks", "to": "price" }));
    let problem = check_value(&document, &catalog(), None)
        .problems
        .into_iter()
        .find(|p| p.code == "circle")
        .unwrap();
    assert!(problem.message.contains("price → size"), "{problem}");
}

#[test]
fn names_that_do_not_exist_are_warnings_with_their_place() {
    let names = Names {
        flows: None,
        connections: ["erq".to_owned()].into(),
        ..Names::default()
    };
    let mut problems = check_value(&sound(), &catalog(), Some(&names)).problems;
    problems.retain(|problem| problem.code.starts_with("unknown_"));
    let places: Vec<_> = problems
        .iter()
        .map(|p| (p.at.as_str(), p.code.as_str(), p.severity))
        .collect();
    assert_eq!(
        places,
        [
            (
                "/steps/book/connection",
                "unknown_connection",
                Severity::Warning
            ),
            (
                "/steps/book/undo/connection",
                "unknown_connection",
                Severity::Warning
            ),
        ]
    );
    assert!(problems[0].message.contains("did you mean `erq`?"));
}

#[test]
fn text_that_is_no_flow_gets_one_clear_sentence() {
    for (text, code) in [
        ("", "not_json"),
        ("[]", "not_a_flow"),
        ("{\"nodes\": []}", "missing_format"),
        ("{\"a\": 1, \"a\": 2}", "duplicate_key"),
    ] {
        let checked = check_text(text, &catalog(), None);
        assert_eq!(
            (checked.problems.len(), checked.problems[0].code.as_str()),
            (1, code),
            "{text}"
        );
    }
}
