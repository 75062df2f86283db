//! The documented examples hold, and more of dates and formats.

use super::*;
use crate::script::engine;

#[test]
fn every_function_is_documented_and_every_example_holds() {
    let documented: std::collections::BTreeSet<&str> = functions().iter().map(|f| f.name).collect();
    let missing: Vec<&String> = engine::shared()
        .functions
        .iter()
        .filter(|name| !documented.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "without documentation: {missing:?}");
    for function in functions() {
        let known = engine::shared().functions.contains(function.name);
        assert!(
            known || ["print", "debug"].contains(&function.name),
            "{} does not exist",
            function.name
        );
        if function.example.is_empty() {
            continue;
        }
        let script = compile(function.example, Form::Script)
            .unwrap_or_else(|problem| panic!("{}: {problem}", function.example));
        let value = eval(&script, &Scope::new(), MOMENT, &Bounds::default())
            .unwrap_or_else(|problem| panic!("{}: {problem}", function.example));
        let wanted: Value = serde_json::from_str(function.result).expect(function.result);
        assert_eq!(*value, wanted, "{}", function.example);
    }
}

#[test]
fn dates_know_their_zones() {
    table(&[
        // The clocks skip from 2 to 3 on 2026-03-29 and go back from 3 to 2 on 2026-10-25.
        (
            "date_in(\"2026-03-29 02:30\", \"Europe/Berlin\")",
            json!("2026-03-29T03:30:00+02:00"),
        ),
        (
            "date_in(\"2026-10-25 02:30\", \"Europe/Berlin\")",
            json!("2026-10-25T02:30:00+02:00"),
        ),
        (
            "date_in(\"2026-03-28 02:30\", \"Europe/Berlin\").plus(1, \"day\")",
            json!("2026-03-29T03:30:00+02:00"),
        ),
        (
            "date_in(\"2026-03-28 12:00\", \"Europe/Berlin\").plus(24, \"hours\")",
            json!("2026-03-29T13:00:00+02:00"),
        ),
        (
            "date(\"2026-02-28T23:30:00Z\").in_zone(\"Asia/Tokyo\").start_of(\"day\")",
            json!("2026-03-01T00:00:00+09:00"),
        ),
        (
            "date(\"Sun, 01 Mar 2026 12:00:00 +0100\")",
            json!("2026-03-01T12:00:00+01:00"),
        ),
        (
            "date(\"2026-03-01\") < now() && now() >= now()",
            json!(true),
        ),
        (
            "date(\"2024-02-29\").plus(1, \"year\")",
            json!("2025-02-28T00:00:00Z"),
        ),
        (
            "date(\"2026-01-31\").diff(date(\"2026-02-28\"), \"months\")",
            json!(0),
        ),
        (
            "now().plus(3, \"workdays\").to_iso_date()",
            json!("2026-03-04"),
        ),
        ("now().end_of(\"week\").to_iso_date()", json!("2026-03-01")),
        (
            "[now(), date(\"2020-01-01\")].sorted()[0].year",
            json!(2020),
        ),
        (
            "now().format(\"%A, %e %B %Y\")",
            json!("Sunday,  1 March 2026"),
        ),
        (
            "to_json(#{ at: now() })",
            json!("{\"at\":\"2026-03-01T12:00:00Z\"}"),
        ),
    ]);
    assert!(
        error("now().format(\"%Q\")")
            .message
            .contains("date format")
    );
    assert!(
        error("now().plus(1, \"fortnight\")")
            .message
            .contains("unit of time")
    );
    assert!(
        error("now().in_zone(\"Mars\")")
            .message
            .contains("time zone")
    );
    assert_eq!(
        error("now().plus(9223372036854775807, \"years\")").kind,
        ErrorKind::Runtime
    );
}

#[test]
fn formats_survive_the_way_there_and_back() {
    table(&[
        (
            "parse_csv(to_csv([#{ a: \"x,y\", b: \"l1\\nl2\" }]))",
            json!([{ "a": "x,y", "b": "l1\nl2" }]),
        ),
        (
            "parse_csv(\"1,2\\n3\", #{ header: false })",
            json!([["1", "2"], ["3"]]),
        ),
        ("parse_csv(\"a,b\\n1\")", json!([{ "a": "1", "b": "" }])),
        (
            "parse_xml(to_xml(#{ a: #{ \"@x\": \"1 < 2\", b: [\"p\", \"q & r\"], c: #{ d: \"e\" } } }))",
            json!({ "a": { "@x": "1 < 2", "b": ["p", "q & r"], "c": { "d": "e" } } }),
        ),
        (
            "parse_xml(\"<?xml version='1.0'?><!-- c --><a><![CDATA[<b>]]>&#228;</a>\")",
            json!({ "a": "<b>ä" }),
        ),
        (
            "parse_form(to_form(#{ a: \"ä & b\", l: [\"1\", \"2\"] }))",
            json!({ "a": "ä & b", "l": ["1", "2"] }),
        ),
        (
            "from_base64(to_base64(\"äöü\")) + url_decode(url_encode(\"ä/b c\")) + hex_decode(hex_encode(\"ß\"))",
            json!("äöüä/b cß"),
        ),
        (
            "to_csv([[1, 2.5, true, ()]], #{ delimiter: \";\", line_end: \"\\n\" })",
            json!("1;2.5;true;\n"),
        ),
    ]);
    for source in [
        "parse_xml(\"<a><b></a>\")",
        "parse_xml(\"<a/><b/>\")",
        "parse_xml(\"\")",
        "parse_xml(\"<a>&x;</a>\")",
        "parse_json(\"{\")",
        "from_base64(\"###\")",
        "hex_decode(\"zz\")",
        "to_xml(#{ a: 1, b: 2 })",
        "to_xml(#{ \"1a\": 1 })",
        "parse_csv(\"a\\n1,2\")",
    ] {
        assert_eq!(error(source).kind, ErrorKind::Runtime, "{source}");
    }
    let bomb = "<!DOCTYPE a [<!ENTITY x \\\"yyyyyyyy\\\">]><a>&x;</a>";
    assert!(
        error(&format!("parse_xml(\"{bomb}\")"))
            .message
            .contains("entity")
    );
}
