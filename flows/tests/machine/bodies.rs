//! The checks of bodies: what is wrong within an `each` step, each with the place and the code it must be found by.

use serde_json::{Value, json};
use weir_flows::{
    check::{Names, check_value},
    json::print,
};

use crate::tables::catalog;

/// A sound flow with an `each` step, `all`, after `first` and before `last`, with a loop within it.
fn looping() -> Value {
    let map = |script: &str| json!({ "kind": "map", "config": { "script": script } });
    let call = json!({ "kind": "http", "config": { "method": "PUT", "url": "https://example.com", "body": "= steps.price" } });
    let inner = json!({ "steps": { "deep": map("steps.price + steps.first") } });
    json!({
        "format": "weir/flow@1", "id": "t", "triggers": { "go": { "kind": "manual" } },
        "steps": {
            "first": map("[1]"),
            "all": { "kind": "each", "config": {
                "items": "= input", "on_item_error": "collect", "concurrency": 4,
                "body": {
                    "steps": { "price": map("item + steps.first.len()"), "book": call,
                        "inner": { "kind": "each", "config": { "items": [1], "body": inner } } },
                    "links": [ { "from": "price", "to": "book" }, { "from": "book", "to": "inner" } ],
                } } },
            "last": map("steps.all"),
        },
        "links": [ { "from": "go", "to": "first" }, { "from": "first", "to": "all" }, { "from": "all", "to": "last" } ],
        "tests": [ { "name": "t", "mocks": { "book": { "items": [ { "output": 1 } ] } }, "expect": {} } ],
    })
}

#[test]
fn bodies_are_checked_like_flows() {
    let body = "/steps/all/config/body";
    let inside = |part: &str| format!("{body}{part}");
    let script = |text: &str| json!({ "kind": "map", "config": { "script": text } });
    let checked = check_value(&looping(), &catalog(), None);
    assert_eq!(checked.problems, []);
    for (at, value, place, code) in [
        (
            inside("/steps/price/config/script"),
            json!("item +"),
            inside("/steps/price/config/script"),
            "script",
        ),
        (
            inside("/steps/price/kind"),
            json!("mapp"),
            inside("/steps/price/kind"),
            "unknown_kind",
        ),
        (
            inside("/steps/price/config/script"),
            json!("steps.last"),
            inside("/steps/price/config/script"),
            "not_before",
        ),
        (
            inside("/steps/price/config/script"),
            json!("steps.book"),
            inside("/steps/price/config/script"),
            "not_before",
        ),
        (
            inside("/steps/price/config/script"),
            json!("steps.all"),
            inside("/steps/price/config/script"),
            "not_before",
        ),
        (
            inside("/steps/price/config/script"),
            json!("steps.furst"),
            inside("/steps/price/config/script"),
            "unknown_step",
        ),
        (
            "/steps/last/config/script".to_owned(),
            json!("steps.price"),
            "/steps/last/config/script".to_owned(),
            "unknown_step",
        ),
        (
            inside("/steps/first"),
            script("1"),
            inside("/steps/first"),
            "duplicate_id",
        ),
        (
            inside("/steps/go"),
            script("1"),
            inside("/steps/go"),
            "duplicate_id",
        ),
        (
            inside("/steps/inner/config/body/steps/book"),
            script("1"),
            inside("/steps/inner/config/body/steps/book"),
            "duplicate_id",
        ),
        (
            inside("/steps/answer"),
            json!({ "kind": "respond" }),
            inside("/steps/answer/kind"),
            "not_here",
        ),
        (
            inside("/links/-"),
            json!({ "from": "first", "to": "price" }),
            inside("/links/2/from"),
            "dangling_link",
        ),
        (
            inside("/links/-"),
            json!({ "from": "inner", "to": "last" }),
            inside("/links/2/to"),
            "dangling_link",
        ),
        (
            "/links/-".to_owned(),
            json!({ "from": "price", "to": "last" }),
            "/links/3/from".to_owned(),
            "dangling_link",
        ),
        (
            inside("/links/-"),
            json!({ "from": "inner", "to": "price" }),
            inside("/links"),
            "circle",
        ),
        (inside("/steps"), json!({}), inside(""), "no_step"),
        (
            inside("/steps/inner/config/body/steps/deep/config"),
            json!({}),
            inside("/steps/inner/config/body/steps/deep/config"),
            "missing_key",
        ),
        (
            "/steps/all/config/items".to_owned(),
            json!("input"),
            "/steps/all/config/items".to_owned(),
            "wrong_type",
        ),
        (
            "/steps/all/config/concurrency".to_owned(),
            json!(101),
            "/steps/all/config/concurrency".to_owned(),
            "bad_value",
        ),
        (
            "/steps/all/retry".to_owned(),
            json!({ "attempts": 2 }),
            "/steps/all/retry".to_owned(),
            "no_meaning",
        ),
        (
            "/tests/0/expect/ran".to_owned(),
            json!(["book"]),
            "/tests/0/expect/ran/0".to_owned(),
            "unknown_id",
        ),
    ] {
        let mut document = looping();
        let (parent, key) = at.rsplit_once('/').unwrap();
        match document
            .pointer_mut(parent)
            .unwrap_or_else(|| panic!("{at}"))
        {
            Value::Array(items) => items.push(value),
            parent => parent[key] = value,
        }
        let checked = check_value(&document, &catalog(), None);
        let found: Vec<_> = checked
            .problems
            .iter()
            .map(|problem| (problem.at.as_str(), problem.code.as_str()))
            .collect();
        assert!(
            found.contains(&(place.as_str(), code)),
            "{at}: {:#?}",
            checked.problems
        );
    }
}

#[test]
fn loops_stand_in_each_other_only_so_deep() {
    let mut step = json!({ "kind": "map", "config": { "script": "item" } });
    for depth in 0..4 {
        let body = json!({ "steps": { format!("s{depth}"): step } });
        step = json!({ "kind": "each", "config": { "items": [1], "body": body } });
    }
    let mut document = looping();
    document["steps"]["all"] = step;
    document["tests"] = json!([]);
    let checked = check_value(&document, &catalog(), None);
    let found: Vec<_> = checked
        .problems
        .iter()
        .map(|problem| (problem.at.as_str(), problem.code.as_str()))
        .collect();
    let deep =
        "/steps/all/config/body/steps/s3/config/body/steps/s2/config/body/steps/s1/config/body";
    assert_eq!(found, [(deep, "too_deep")]);
}

#[test]
fn names_within_bodies_are_looked_up() {
    let mut document = looping();
    let book = &mut document["steps"]["all"]["config"]["body"]["steps"]["book"];
    book["connection"] = json!("erp");
    book["config"]["body"] = json!({ "$secret": "key" });
    let checked = check_value(&document, &catalog(), Some(&Names::default()));
    let found: Vec<_> = checked
        .problems
        .iter()
        .map(|problem| (problem.at.as_str(), problem.code.as_str()))
        .collect();
    let at = "/steps/all/config/body/steps/book";
    let wanted = [
        (format!("{at}/config"), "unknown_secret"),
        (format!("{at}/connection"), "unknown_connection"),
    ];
    assert_eq!(
        found,
        wanted.each_ref().map(|(at, code)| (at.as_str(), *code))
    );
    // And a document prints the same whatever the order of its keys was.
    let flow = checked.flow.unwrap();
    let text = print(&*flow).unwrap();
    let again: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        print(&*check_value(&again, &catalog(), None).flow.unwrap()).unwrap(),
        text
    );
}
