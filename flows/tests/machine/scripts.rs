//! Actions that compute and polls: what their scripts see, how they are checked, and that nothing of them is evaluated here.

use std::sync::Arc;

use serde_json::{Value, json};
use weir_flows::{
    advance::{Command, Event},
    catalog::{Action, Catalog, Entry, Field, FieldKind, Group, Idempotent, Phrase, Presence},
    check::{Names, check_value},
    failure::{Class, Failure},
    plan::{Plan, Source},
    record::Record,
    run::{Status, StepStatus},
    script::{Bounds, Http, Unanswered, eval},
    testing::run_tests,
};

use crate::tables::{Play, catalog as plain, document, map};

/// The catalog of the tables, and an action that computes.
fn catalog() -> Catalog {
    let mut catalog = plain();
    let field = Field::new(
        "script",
        Phrase::default(),
        FieldKind::Script,
        Phrase::default(),
    );
    catalog.steps.push(Entry {
        fields: vec![field.required().seeing(&["http"])],
        action: Some(Action {
            connection: Presence::Allowed,
            idempotent: Idempotent::IfDeclared,
            failures: Class::ALL.to_vec(),
            attempts: 3,
            timeout_ms: 60_000,
        }),
        ..Entry::new(
            "script",
            Group::Action,
            "file-code",
            Phrase::default(),
            Phrase::default(),
        )
    });
    catalog
}

fn plan(document: &Value) -> Plan {
    let checked = check_value(document, &catalog(), None);
    let problems: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
    checked
        .plan
        .unwrap_or_else(|| panic!("{}", problems.join("\n")))
}

fn script(source: &str) -> Value {
    json!({ "kind": "script", "config": { "script": source } })
}

/// Gives each request back.
struct Echo;

impl Http for Echo {
    fn send(&self, request: Value) -> Result<Value, Unanswered> {
        Ok(json!({ "status": 200, "body": request }))
    }
}

/// What a connector does with a command.
fn evaluate(command: &Command) -> Value {
    let evaluation = command.script.as_ref().unwrap();
    let scope = evaluation.scope.clone().with_http(Arc::new(Echo));
    let bounds = Bounds::default();
    let value = eval(&evaluation.script, &scope, evaluation.moment, &bounds).unwrap();
    Arc::unwrap_or_clone(value)
}

#[test]
fn a_command_carries_the_script_with_what_it_sees_and_the_journal_does_not() {
    let source = "#{ n: input.n, a: steps.a, run: run.id, asked: http.get(\"/x\").body.path }";
    let document = document(
        json!({ "a": map("#{ n: input.body.n + 1 }"), "b": script(source), "c": map("input.asked") }),
        &["go > a", "a > b", "b > c"],
        json!({}),
    );
    let plan = plan(&document);
    let mut play = Play::new(&plan);
    let turn = play.event(Event::Start);
    let seen = evaluate(&turn.commands[0]);
    assert_eq!(
        seen,
        json!({ "n": 2, "a": { "n": 2 }, "run": "r", "asked": "/x" })
    );
    assert_eq!(*turn.commands[0].config, json!({}));
    let written = serde_json::to_string(&turn.records).unwrap();
    assert!(!written.contains("http.get"), "{written}");
    play.succeed("b", 1, seen);
    assert_eq!(play.run.status, Status::Succeeded);
    assert_eq!(**play.run.outputs.get("c").unwrap(), json!("/x"));
}

#[test]
fn within_an_each_and_as_an_undo_it_sees_the_item_and_the_output() {
    let each = json!({ "kind": "each", "config": { "items": "= [3, 4]", "concurrency": 2, "body": {
        "steps": { "ask": script("#{ item: item, index: index }") }
    } } });
    let mut done = script("()");
    done["undo"] = json!({ "kind": "script", "config": { "script": "output.id" } });
    let plan = plan(&document(
        json!({ "each": each, "done": done, "bad": { "kind": "fail", "config": { "message": "no" } } }),
        &["go > each", "each > done", "done > bad"],
        json!({}),
    ));
    let mut play = Play::new(&plan);
    let turn = play.event(Event::Start);
    let seen: Vec<Value> = turn.commands.iter().map(evaluate).collect();
    assert_eq!(
        json!(seen),
        json!([{ "item": 3, "index": 0 }, { "item": 4, "index": 1 }])
    );
    for command in &turn.commands {
        play.event(command.ended(Ok(Arc::new(json!(1))), None));
    }
    let turn = play.succeed("done", 1, json!({ "id": 9 }));
    assert!(turn.commands[0].undo);
    assert_eq!(evaluate(&turn.commands[0]), json!(9));
}

#[test]
fn it_is_made_again_only_where_its_author_says_that_this_does_no_harm() {
    for (declared, class, again) in [
        (json!(null), Class::Transient, false),
        (json!(null), Class::Lost, false),
        (json!(true), Class::Transient, true),
        (json!(true), Class::Lost, true),
        (json!(true), Class::Rejected, false),
    ] {
        let mut step = script("1");
        if declared == json!(true) {
            step["idempotent"] = declared.clone();
        }
        let plan = plan(&document(json!({ "a": step }), &["go > a"], json!({})));
        let mut play = Play::new(&plan);
        play.event(Event::Start);
        let turn = play.answer("a", 1, false, Err(Failure::new(class, "no")));
        let retries = turn.records.iter().any(
            |record| matches!(record, Record::Attempted { retry_at, .. } if retry_at.is_some()),
        );
        assert_eq!(retries, again, "{declared} {class}");
        if again {
            play.now = 60_000;
            let turn = play.event(Event::Woke);
            assert_eq!(turn.commands[0].number, 2);
            assert_eq!(evaluate(&turn.commands[0]), json!(1));
        } else {
            assert_eq!(play.status("a"), StepStatus::Failed);
        }
    }
}

#[test]
fn tests_of_a_flow_mock_it_by_its_step() {
    let mut document = document(
        json!({ "a": script("http.get(\"/x\").body"), "b": map("input.n + 1") }),
        &["go > a", "a > b"],
        json!({}),
    );
    document["tests"] = json!([{
        "name": "it is mocked", "mocks": { "a": { "output": { "n": 1 } } },
        "expect": { "status": "succeeded", "steps": { "b": { "output": 2 } } }
    }]);
    let outcomes = run_tests(&plan(&document), &Bounds::default());
    assert!(outcomes[0].passed(), "{:#?}", outcomes[0].differences);
}

/// A flow that polls.
fn polling(trigger: Value) -> Value {
    json!({
        "format": "weir/flow@1", "id": "t", "triggers": { "go": trigger },
        "steps": { "a": map("input.body") }, "links": [{ "from": "go", "to": "a" }],
    })
}

#[test]
fn a_poll_is_compiled_with_its_times_its_connection_and_its_limit() {
    let plan = plan(&polling(json!({
        "kind": "poll", "connection": "crm",
        "config": { "every": "5m", "script": "#{ messages: http.get(\"/new\", #{ query: #{ after: cursor } }).body }", "timeout": "20s" }
    })));
    let Source::Poll(poll) = &plan.triggers["go"].source else {
        panic!("a poll");
    };
    assert_eq!(poll.connection.as_deref(), Some("crm"));
    assert_eq!(poll.timeout_ms, 20_000);
    assert_eq!(poll.schedule.next_after(0), Some(300_000));
}

#[test]
fn what_is_wrong_with_a_poll_or_a_script_is_told_with_its_place() {
    let names = Names {
        connections: ["crm".to_owned()].into(),
        ..Names::default()
    };
    let poll = |more: Value| {
        let mut config = json!({ "every": "5m", "script": "#{ messages: [] }" });
        for (key, value) in more.as_object().unwrap() {
            match value {
                Value::Null => drop(config.as_object_mut().unwrap().remove(key)),
                value => config[key] = value.clone(),
            }
        }
        json!({ "kind": "poll", "config": config })
    };
    let mut connected = poll(json!({}));
    connected["connection"] = json!("crn");
    let table = [
        (
            poll(json!({ "script": "let a = 1;\nb" })),
            "/triggers/go/config/script",
            "script",
            "line 2, column 1",
        ),
        (
            poll(json!({ "script": null })),
            "/triggers/go/config",
            "missing_key",
            "`script`",
        ),
        (
            poll(json!({ "every": null })),
            "/triggers/go/config",
            "missing_key",
            "`cron`, `every`",
        ),
        (
            poll(json!({ "cron": "@daily" })),
            "/triggers/go/config",
            "excludes",
            "keep one",
        ),
        (
            poll(json!({ "every": "10ms" })),
            "/triggers/go/config/every",
            "bad_schedule",
            "shortest",
        ),
        (
            poll(json!({ "overlap": "skip" })),
            "/triggers/go/config/overlap",
            "unknown_key",
            "not a setting",
        ),
        (
            poll(json!({ "timeout": "soon" })),
            "/triggers/go/config/timeout",
            "bad_duration",
            "",
        ),
        (
            connected,
            "/triggers/go/connection",
            "unknown_connection",
            "did you mean `crm`?",
        ),
        (
            json!({ "kind": "manual", "connection": "crm" }),
            "/triggers/go/connection",
            "no_meaning",
            "uses no connection",
        ),
    ];
    for (trigger, at, code, says) in table {
        let problems = check_value(&polling(trigger.clone()), &catalog(), Some(&names)).problems;
        let found = problems.iter().find(|problem| problem.code == code);
        let found = found.unwrap_or_else(|| panic!("{trigger}: {problems:?}"));
        assert_eq!(found.at, at, "{found}");
        assert!(found.message.contains(says), "{found}");
    }
    // `http` and `cursor` are there only where they mean something.
    for (kind, source, fine) in [
        ("script", "http.get(\"/\")", true),
        ("map", "http.get(\"/\")", false),
        ("script", "cursor", false),
    ] {
        let step = json!({ "kind": kind, "config": { "script": source } });
        let document = document(json!({ "a": step }), &["go > a"], json!({}));
        let checked = check_value(&document, &catalog(), None);
        assert_eq!(checked.plan.is_some(), fine, "{kind} {source}");
    }
}
