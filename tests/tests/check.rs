//! `weir check`: every kind of problem at its place, the JSON that scripts depend on, and the exit codes.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{flow_file, weir};

/// A flow without a problem, which each case below breaks in one place.
pub(crate) fn sound() -> Value {
    json!({
        "format": "weir/flow@1", "id": "sound", "title": "Sound",
        "triggers": {
            "in": { "kind": "http", "config": { "path": "/in", "method": "POST" }, "schema": { "type": "object" } },
            "clock": { "kind": "schedule", "config": { "cron": "0 2 * * *", "timezone": "Europe/Berlin" } }
        },
        "steps": {
            "shape": { "kind": "fields", "config": { "fields": [ { "to": "a", "from": "$.body.a" } ] } },
            "price": { "kind": "map", "config": { "script": "let x = 1;\nx + 1" } },
            "size": { "kind": "branch", "config": { "cases": [ { "port": "big", "when": "input > 1" } ], "otherwise": "small" } },
            "valid": { "kind": "validate", "config": { "schema": { "type": "object" }, "value": "= input" } },
            "call": { "kind": "http", "connection": "erp", "config": { "method": "POST", "path": "/x", "body": "= steps.price" }, "timeout": "10s" },
            "end": { "kind": "respond", "config": { "status": 201 } }
        },
        "links": [
            { "from": "in", "to": "shape" }, { "from": "clock", "to": "shape" }, { "from": "shape", "to": "price" }, { "from": "price", "to": "size" },
            { "from": "size", "port": "big", "to": "call" }, { "from": "size", "port": "small", "to": "valid" },
            { "from": "call", "to": "end" }, { "from": "valid", "to": "end" }
        ]
    })
}

/// One edit of a document: the pointer, and what is put there; `null` takes it out.
type Edit = (&'static str, Value);

#[test]
fn check_finds_every_kind_of_problem_at_its_place() {
    let folder = TempDir::new().unwrap();
    // What is broken, how, where the problem must be, its code, and a part of its sentence.
    let cases: Vec<(&str, Vec<Edit>, &str, &str, &str)> = vec![
        (
            "unknown key of the flow",
            vec![("/titel", json!("x"))],
            "/titel",
            "unknown_key",
            "did you mean `title`",
        ),
        (
            "unknown key of a step",
            vec![("/steps/call/retries", json!(3))],
            "/steps/call/retries",
            "unknown_key",
            "",
        ),
        (
            "unknown setting",
            vec![("/steps/price/config/scrip", json!("1"))],
            "/steps/price/config/scrip",
            "unknown_key",
            "did you mean `script`",
        ),
        (
            "unknown kind",
            vec![("/steps/price/kind", json!("mapp"))],
            "/steps/price/kind",
            "unknown_kind",
            "did you mean `map`",
        ),
        (
            "unknown trigger kind",
            vec![("/triggers/in/kind", json!("htp"))],
            "/triggers/in/kind",
            "unknown_kind",
            "did you mean `http`",
        ),
        (
            "missing format",
            vec![("/format", Value::Null)],
            "",
            "missing_format",
            "weir/flow@1",
        ),
        (
            "later format",
            vec![("/format", json!("weir/flow@2"))],
            "/format",
            "unknown_format",
            "weir/flow@1",
        ),
        (
            "bad id",
            vec![("/id", json!("Not A Slug"))],
            "/id",
            "bad_id",
            "",
        ),
        (
            "bad step id",
            vec![(
                "/steps/Price!",
                json!({ "kind": "map", "config": { "script": "1" } }),
            )],
            "/steps/Price!",
            "bad_id",
            "",
        ),
        (
            "id of a trigger and of a step",
            vec![(
                "/steps/in",
                json!({ "kind": "map", "config": { "script": "1" } }),
            )],
            "/triggers/in",
            "duplicate_id",
            "",
        ),
        (
            "link to nowhere",
            vec![("/links/0/to", json!("shap"))],
            "/links/0/to",
            "dangling_link",
            "did you mean `shape`",
        ),
        (
            "link from nowhere",
            vec![("/links/0/from", json!("inn"))],
            "/links/0/from",
            "dangling_link",
            "",
        ),
        (
            "link to a trigger",
            vec![("/links/0/to", json!("clock"))],
            "/links/0/to",
            "dangling_link",
            "trigger",
        ),
        (
            "the same link twice",
            vec![("/links/1", json!({ "from": "in", "to": "shape" }))],
            "/links/1",
            "duplicate_link",
            "",
        ),
        (
            "circle",
            vec![("/links/-", json!({ "from": "end", "to": "shape" }))],
            "/links",
            "circle",
            "end",
        ),
        (
            "unreachable step",
            vec![(
                "/steps/alone",
                json!({ "kind": "map", "config": { "script": "1" } }),
            )],
            "/steps/alone",
            "unreachable",
            "",
        ),
        (
            "port that does not exist",
            vec![("/links/4/port", json!("bigg"))],
            "/links/4/port",
            "unknown_port",
            "did you mean `big`",
        ),
        (
            "two cases of one name",
            vec![(
                "/steps/size/config/cases/-",
                json!({ "port": "big", "when": "true" }),
            )],
            "/steps/size/config/cases/1/port",
            "duplicate_port",
            "",
        ),
        (
            "script that does not compile",
            vec![("/steps/price/config/script", json!("let x = 1;\nx +* 2"))],
            "/steps/price/config/script",
            "script",
            "line 2, column 4",
        ),
        (
            "script with an unknown name",
            vec![("/steps/price/config/script", json!("\n\n  inputt.body"))],
            "/steps/price/config/script",
            "script",
            "line 3, column 3",
        ),
        (
            "condition that does not compile",
            vec![("/steps/size/config/cases/0/when", json!("input >"))],
            "/steps/size/config/cases/0/when",
            "script",
            "line 1",
        ),
        (
            "expression that does not compile",
            vec![("/steps/call/config/body", json!("= steps.price +"))],
            "/steps/call/config/body",
            "script",
            "",
        ),
        (
            "script that reads a step that is not there",
            vec![("/steps/call/config/body", json!("= steps.prize"))],
            "/steps/call/config/body",
            "unknown_step",
            "did you mean `price`",
        ),
        (
            "filter that does not compile",
            vec![("/triggers/in/filter", json!("trigger.body. > 1"))],
            "/triggers/in/filter",
            "script",
            "",
        ),
        (
            "JSONPath that does not parse",
            vec![("/steps/shape/config/fields/0/from", json!("$.body[?@.a ="))],
            "/steps/shape/config/fields/0/from",
            "json_path",
            "column",
        ),
        (
            "row without a source",
            vec![("/steps/shape/config/fields/0", json!({ "to": "a" }))],
            "/steps/shape/config/fields/0",
            "missing_key",
            "`from` or `value`",
        ),
        (
            "schema that is none",
            vec![("/steps/valid/config/schema", json!({ "type": "objekt" }))],
            "/steps/valid/config/schema/type",
            "schema",
            "",
        ),
        (
            "schema of a trigger that is none",
            vec![("/triggers/in/schema", json!({ "required": "a" }))],
            "/triggers/in/schema/required",
            "schema",
            "",
        ),
        (
            "path without a connection",
            vec![("/steps/call/connection", Value::Null)],
            "/steps/call",
            "missing_connection",
            "`path`",
        ),
        (
            "path and url",
            vec![("/steps/call/config/url", json!("https://example.com"))],
            "/steps/call/config",
            "excludes",
            "",
        ),
        (
            "neither path nor url",
            vec![("/steps/call/config/path", Value::Null)],
            "/steps/call/config",
            "missing_key",
            "",
        ),
        (
            "duration",
            vec![("/steps/call/timeout", json!("10 seconds"))],
            "/steps/call/timeout",
            "bad_duration",
            "10s",
        ),
        (
            "duration in a setting",
            vec![("/triggers/in/config/deadline", json!("soon"))],
            "/triggers/in/config/deadline",
            "bad_duration",
            "",
        ),
        (
            "cron",
            vec![("/triggers/clock/config/cron", json!("61 2 * * *"))],
            "/triggers/clock/config/cron",
            "cron",
            "",
        ),
        (
            "time zone",
            vec![("/triggers/clock/config/timezone", json!("Europe/Berlim"))],
            "/triggers/clock/config/timezone",
            "time_zone",
            "",
        ),
        (
            "path of a trigger",
            vec![("/triggers/in/config/path", json!("/a/{b/c"))],
            "/triggers/in/config/path",
            "bad_path",
            "",
        ),
        (
            "number of the wrong type",
            vec![("/steps/end/config/status", json!("two hundred"))],
            "/steps/end/config/status",
            "wrong_type",
            "",
        ),
        (
            "status out of range",
            vec![("/steps/end/config/status", json!(99))],
            "/steps/end/config/status",
            "bad_value",
            "",
        ),
        (
            "word that is not possible",
            vec![("/triggers/in/config/method", json!("POTS"))],
            "/triggers/in/config/method",
            "bad_value",
            "did you mean `POST`",
        ),
        (
            "policy on a mapper",
            vec![("/steps/price/retry", json!({ "attempts": 3 }))],
            "/steps/price/retry",
            "no_meaning",
            "",
        ),
        (
            "place of a stranger",
            vec![("/layout", json!({ "ghost": [0, 0] }))],
            "/layout/ghost",
            "unknown_id",
            "",
        ),
        (
            "no trigger",
            vec![
                ("/triggers", json!({})),
                ("/links/0", Value::Null),
                ("/links/0", Value::Null),
            ],
            "/triggers",
            "no_trigger",
            "",
        ),
        (
            "test of a step that is not there",
            vec![(
                "/tests",
                json!([ { "name": "t", "trigger": "in", "expect": { "skipped": ["ghost"] } } ]),
            )],
            "/tests/0/expect/skipped/0",
            "unknown_id",
            "",
        ),
    ];
    let mut files = vec![flow_file(folder.path(), "sound.json", &sound())];
    for (i, (_, edits, ..)) in cases.iter().enumerate() {
        let mut document = sound();
        for (at, value) in edits {
            edit(&mut document, at, value);
        }
        files.push(flow_file(
            folder.path(),
            &format!("case-{i:02}.json"),
            &document,
        ));
    }
    let twice = folder.path().join("twice.json");
    fs::write(
        &twice,
        sound()
            .to_string()
            .replacen("\"id\"", "\"id\":\"other\",\"id\"", 1),
    )
    .unwrap();
    files.push(twice);
    let no_json = folder.path().join("no-json.json");
    fs::write(&no_json, "{\n  \"format\": ,\n}").unwrap();
    files.push(no_json);

    let mut arguments = vec!["check".into(), "--json".into()];
    arguments.extend(files.iter().cloned());
    let report = weir(&arguments).expect(1).json();
    assert_eq!(
        report.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["files"]
    );
    let reports = report["files"].as_array().unwrap();
    assert_eq!(reports.len(), files.len());
    for (report, file) in reports.iter().zip(&files) {
        assert_eq!(report["file"], file.display().to_string());
        assert_eq!(report.as_object().unwrap().len(), 2, "{report}");
        for problem in report["problems"].as_array().unwrap() {
            let keys: Vec<&String> = problem.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["at", "code", "message", "severity"]);
            assert!(matches!(
                problem["severity"].as_str(),
                Some("error" | "warning")
            ));
            assert!(problem["message"].as_str().unwrap().len() > 10, "{problem}");
        }
    }
    assert_eq!(reports[0]["problems"], json!([]), "the sound flow is clean");
    let mut wrong = Vec::new();
    for ((name, _, at, code, part), report) in cases.iter().zip(&reports[1..]) {
        let found = report["problems"]
            .as_array()
            .unwrap()
            .iter()
            .any(|problem| {
                problem["at"] == *at
                    && problem["code"] == *code
                    && problem["severity"] == "error"
                    && problem["message"].as_str().unwrap().contains(part)
            });
        if !found {
            wrong.push(format!(
                "{name}: no `{code}` at `{at}` with \"{part}\" in {:#}",
                report["problems"]
            ));
        }
    }
    let [.., twice, no_json] = reports.as_slice() else {
        panic!("two reports at the end")
    };
    for (report, at, code) in [(twice, "/id", "duplicate_key"), (no_json, "", "not_json")] {
        if !report["problems"]
            .as_array()
            .unwrap()
            .iter()
            .any(|problem| problem["at"] == at && problem["code"] == code)
        {
            wrong.push(format!("no `{code}` at `{at}` in {report:#}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn check_says_by_its_exit_code_how_it_went() {
    let folder = TempDir::new().unwrap();
    let good = flow_file(folder.path(), "good.json", &sound());
    let mut broken = sound();
    edit(&mut broken, "/links/0/to", &json!("nowhere"));
    let bad = flow_file(folder.path(), "bad.json", &broken);
    let absent = folder.path().join("absent.json");
    let (good, bad, absent) = (
        good.to_str().unwrap(),
        bad.to_str().unwrap(),
        absent.to_str().unwrap(),
    );

    let clean = weir(&["check", good]).expect(0);
    assert_eq!(clean.out, format!("{good}: clean\n"));
    let dirty = weir(&["check", good, bad]).expect(1);
    assert!(
        dirty
            .out
            .contains(&format!("{bad}: error /links/0/to [dangling_link]")),
        "{dirty}"
    );
    let unreadable = weir(&["check", absent]).expect(2);
    assert!(
        unreadable.err.contains(absent) && unreadable.err.contains("cannot be read"),
        "{unreadable}"
    );
    weir(&["check", bad, absent, good]).expect(2);
    weir(&["check", folder.path().to_str().unwrap()]).expect(2);
    weir(&["check"]).expect(2);
    weir(&["chek", good]).expect(2);
    // A warning alone is no failure.
    let mut warned = sound();
    edit(&mut warned, "/links/5", &Value::Null);
    edit(&mut warned, "/links/6", &Value::Null);
    edit(&mut warned, "/steps/valid", &Value::Null);
    let warned = flow_file(folder.path(), "warned.json", &warned);
    let told = weir(&["check", warned.to_str().unwrap()]).expect(0);
    assert!(
        told.out.contains("warning /steps/size [open_port]"),
        "{told}"
    );
}

/// Puts a value at a pointer: `-` appends to a list, null takes out.
fn edit(document: &mut Value, at: &str, value: &Value) {
    let (parent, key) = at.rsplit_once('/').unwrap();
    match document
        .pointer_mut(parent)
        .unwrap_or_else(|| panic!("nothing at {parent}"))
    {
        Value::Array(list) if key == "-" => list.push(value.clone()),
        Value::Array(list) if value.is_null() => drop(list.remove(key.parse().unwrap())),
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value.clone(),
        Value::Object(object) if value.is_null() => drop(object.remove(key)),
        Value::Object(object) => drop(object.insert(key.to_owned(), value.clone())),
        other => panic!("{at} is within {other}"),
    }
}
