//! What the lab answers, asked as the page asks: in JSON.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use weir_flows::{document::Message, problem::Problem, schedule::Odd};

use super::Service;
use crate::{
    api::{LinkState, RunStatus, StepStatus},
    lab::protocol::*,
};

/// Asks over the wire and back.
fn ask<Q: Question>(service: &mut Service, question: Q) -> Q::Answer {
    let request: Request = question.into();
    let text = serde_json::to_string(&request).unwrap();
    let answer = service
        .answer(serde_json::from_str(&text).unwrap())
        .unwrap();
    serde_json::from_str(&answer).unwrap()
}

fn evaluated(source: Source) -> Result<Value, Mistake> {
    let scope = Scope {
        trigger: Arc::new(json!({"body": {"id": 7}})),
        input: Arc::new(
            json!({"items": [{"qty": 2}, {"qty": 3}], "name": "Ada", "total": 12345678901234567_u64}),
        ),
        steps: [("price".to_owned(), Arc::new(json!({"total": 1.0})))].into(),
        now_ms: 1_767_225_600_000,
        ..Scope::default()
    };
    let mut service = Service::new(None);
    ask(&mut service, Evaluate { source, scope })
}

fn expression(text: &str) -> Result<Value, Mistake> {
    evaluated(Source::Expression(text.to_owned()))
}

/// A flow with a trigger that leads to these steps, one after the other.
fn flow(steps: &[(&str, Value)]) -> Value {
    let ids: Vec<&str> = std::iter::once("start")
        .chain(steps.iter().map(|(id, _)| *id))
        .collect();
    let links: Vec<Value> = ids
        .windows(2)
        .map(|pair| json!({"from": pair[0], "to": pair[1]}))
        .collect();
    let steps: Value = steps
        .iter()
        .map(|(id, step)| ((*id).to_owned(), step.clone()))
        .collect();
    json!({
        "format": "weir/flow@1", "id": "f", "title": "F", "triggers": {"start": {"kind": "manual"}},
        "steps": steps, "links": links
    })
}

fn map(script: &str) -> Value {
    json!({"kind": "map", "config": {"script": script}})
}

fn rehearsed(document: Value, body: Value) -> Rehearsal {
    let question = Rehearse {
        document: Document::Json(document),
        trigger: None,
        message: Message {
            body,
            ..Message::default()
        },
        mocks: Default::default(),
        now_ms: 1_767_225_600_000,
    };
    ask(&mut Service::new(None), question)
}

#[test]
fn the_first_items_are_told_at_any_depth_though_a_step_beside_is_wrong() {
    let parts = json!({"kind": "each", "config": {"items": "= item.parts", "body": {"steps": {"weigh": map("item * 2 + index")}}}});
    let lines = json!({"kind": "each", "config": {"items": "= input.body", "body": {
        "steps": {"name": map("item.name"), "wrong": map("item +"), "parts": parts},
        "links": [{"from": "name", "to": "parts"}]
    }}});
    let none = json!({"kind": "each", "config": {"items": "= []", "body": {"steps": {"never": map("1")}}}});
    let document = flow(&[("lines", lines), ("none", none)]);
    let body = json!([{"name": "Ada", "parts": [4, 5]}, {"name": "Bob", "parts": []}]);
    let came = rehearsed(document, body.clone());
    let told: Vec<&str> = came.items.keys().map(String::as_str).collect();
    assert_eq!(told, ["lines", "parts"]);
    let lines = &came.items["lines"];
    assert_eq!(lines.item, body[0]);
    assert_eq!(lines.steps["name"].input, Some(body[0].clone()));
    assert_eq!(lines.steps["name"].output, Some(json!("Ada")));
    assert_eq!(lines.steps["wrong"].status, StepStatus::Failed);
    assert_eq!(lines.steps["parts"].output, Some(json!([8, 11])));
    let parts = &came.items["parts"];
    assert_eq!(
        (&parts.item, &parts.steps["weigh"].output),
        (&json!(4), &Some(json!(8)))
    );
}

#[test]
fn a_script_in_a_body_sees_the_item() {
    let evaluate = |item: Option<ScopeItem>| {
        let source = Source::Expression("`${item.name} ${index}`".to_owned());
        let scope = Scope {
            item,
            ..Scope::default()
        };
        ask(&mut Service::new(None), Evaluate { source, scope })
    };
    let item = ScopeItem {
        value: Arc::new(json!({"name": "Ada"})),
        index: 3,
    };
    assert_eq!(evaluate(Some(item)), Ok(json!("Ada 3")));
    assert!(evaluate(None).is_err(), "outside of a body there is none");
}

#[test]
fn every_form_is_computed() {
    assert_eq!(
        expression("input.items.len() + trigger.body.id"),
        Ok(json!(9))
    );
    assert_eq!(expression("steps.price.total"), Ok(json!(1.0)));
    assert_eq!(expression("input.total"), Ok(json!(12345678901234567_u64)));
    assert_eq!(expression("steps.other"), Ok(Value::Null));
    assert_eq!(
        expression("error ?? run ?? vars ?? output ?? 1"),
        Ok(json!(1))
    );
    let script = "let n = 0; for item in input.items { n += item.qty; } n";
    assert_eq!(evaluated(Source::Script(script.to_owned())), Ok(json!(5)));
    let condition = "input.name == \"Ada\"";
    assert_eq!(
        evaluated(Source::Condition(condition.to_owned())),
        Ok(json!(true))
    );
    let template = json!({"hello": "= input.name", "plain": ["'=1", 2]});
    assert_eq!(
        evaluated(Source::Template(template)),
        Ok(json!({"hello": "Ada", "plain": ["=1", 2]}))
    );
    assert_eq!(
        evaluated(Source::Path("$.items[*].qty".to_owned())),
        Ok(json!({"found": [2, 3], "singular": false}))
    );
    assert_eq!(
        evaluated(Source::Path("$.missing".to_owned())),
        Ok(json!({"found": [], "singular": true}))
    );
    let rows = vec![
        json!({"to": "who.name", "from": "$.name"}),
        json!({"to": "n", "value": "= input.items.len()"}),
    ];
    assert_eq!(
        evaluated(Source::Fields(rows)),
        Ok(json!({"who": {"name": "Ada"}, "n": 2}))
    );
}

#[test]
fn mistakes_have_their_place() {
    let mistake = expression("1 +\n  nothing_like_that").unwrap_err();
    assert_eq!((mistake.line, mistake.column), (2, 3), "{mistake:?}");
    let mistake = expression("input.name.first").unwrap_err();
    assert_eq!(mistake.line, 1, "{mistake:?}");
    let mistake = evaluated(Source::Condition("input.name".to_owned())).unwrap_err();
    assert!(mistake.message.contains("true or false"), "{mistake:?}");
    let mistake = evaluated(Source::Template(json!({"a": ["= 1 +"]}))).unwrap_err();
    assert_eq!(mistake.at, "/a/0");
    let mistake = evaluated(Source::Path("$.items[".to_owned())).unwrap_err();
    assert_eq!((mistake.line, mistake.column), (1, 9), "{mistake:?}");
    let row = json!({"to": "n", "value": "= input.name.first"});
    let mistake = evaluated(Source::Fields(vec![row])).unwrap_err();
    assert!(
        mistake.line == 1 && mistake.message.contains("line 1"),
        "{mistake:?}"
    );
    let mistake = evaluated(Source::Fields(vec![json!({"to": "n"})])).unwrap_err();
    assert!(
        mistake.message.starts_with("a row has neither"),
        "{mistake:?}"
    );
}

#[test]
fn rows_are_computed_one_by_one() {
    let question = EvaluateRows {
        rows: vec![
            json!({"to": "a.b", "from": "$.name"}),
            json!({"to": "n", "from": "$.name", "as": "integer"}),
            json!({"to": "gone", "from": "$.gone"}),
        ],
        scope: Scope {
            input: Arc::new(json!({"name": "Ada"})),
            ..Scope::default()
        },
    };
    let values = ask(&mut Service::new(None), question);
    assert_eq!(values[0], Ok(json!("Ada")));
    assert!(values[1].as_ref().unwrap_err().message.contains("`n`"));
    assert_eq!(values[2], Ok(Value::Null));
}

#[test]
fn what_does_not_end_is_stopped() {
    let endless = evaluated(Source::Script("loop { }".to_owned())).unwrap_err();
    assert!(endless.message.contains("500000 operations"), "{endless:?}");
    let mut service = Service::new(Some(Arc::new(|| Some("enough".to_owned()))));
    let question = Evaluate {
        source: Source::Script("loop { }".to_owned()),
        scope: Scope::default(),
    };
    assert_eq!(ask(&mut service, question).unwrap_err().message, "enough");
}

#[test]
fn a_large_result_is_cut_with_a_mark() {
    let cut = evaluated(Source::Script("\"x\".repeat(70000)".to_owned()));
    let cut = cut.unwrap();
    assert_eq!(cut["$truncated"], 70_002);
    assert!(cut["preview"].as_str().unwrap().starts_with("xxx"));
}

#[test]
fn a_document_is_checked_with_what_the_lab_was_told() {
    let mut document = flow(&[("call", json!({"kind": "http", "connection": "erp"}))]);
    document["steps"]["other"] = json!({"kind": "map", "retry": {"attempts": 0}});
    let codes = |problems: &[Problem]| -> BTreeSet<String> {
        problems.iter().map(|one| one.code.clone()).collect()
    };
    let mut service = Service::new(None);
    let check = |document: &Value| Check {
        document: Document::Json(document.clone()),
    };
    // The shape is checked first, and only then what it means.
    let problems = ask(&mut service, check(&document));
    assert!(
        problems[0].at.starts_with("/steps/other/retry"),
        "{problems:?}"
    );
    document["steps"].as_object_mut().unwrap().remove("other");
    let problems = ask(&mut service, check(&document));
    assert_eq!(codes(&problems), ["unknown_kind".to_owned()].into());

    let mut catalog = weir_flows::builtin::catalog();
    let mut entry = catalog.step("map").unwrap().clone();
    entry.kind = "http".into();
    entry.fields.clear();
    entry.action = serde_json::from_value(json!({
        "connection": "allowed", "idempotent": "always", "failures": [], "attempts": 1, "timeout_ms": 1000
    }))
    .unwrap();
    catalog.steps.push(entry);
    let know = Know {
        catalog: Arc::new(catalog),
        names: Some(KnownNames::default()),
    };
    ask(&mut service, know);
    let problems = ask(&mut service, check(&document));
    assert_eq!(codes(&problems), ["unknown_connection".to_owned()].into());
    let text = Document::Text(document.to_string());
    assert_eq!(ask(&mut service, Check { document: text }), problems);
    let flow = Document::Flow(Arc::new(serde_json::from_value(document).unwrap()));
    assert_eq!(ask(&mut service, Check { document: flow }), problems);
}

#[test]
fn a_rehearsal_is_told_as_a_run() {
    let document = flow(&[
        ("price", map("#{ total: input.body.n * 2 }")),
        ("wrong", map("input.total +")),
        ("after", map("input")),
    ]);
    let rehearsal = rehearsed(document, json!({"n": 4}));
    assert_eq!(rehearsal.problems[0].at, "/steps/wrong/config/script");
    let Outcome::Run(run) = rehearsal.outcome else {
        panic!("{:?}", rehearsal.outcome)
    };
    assert_eq!((run.status, run.version), (RunStatus::Succeeded, 0));
    assert_eq!(run.title, "F");
    assert_eq!(run.message["body"], json!({"n": 4}));
    assert_eq!(run.started_at, "2026-01-01T00:00:00.000Z");
    assert_eq!(
        run.links,
        [LinkState::Taken, LinkState::Taken, LinkState::Dead]
    );
    let price = &run.steps["price"];
    assert_eq!(price.status, StepStatus::Succeeded);
    assert_eq!(price.port.as_deref(), Some("ok"));
    assert_eq!(price.input.as_ref().unwrap()["body"]["n"], 4);
    assert_eq!(price.output, Some(json!({"total": 8})));
    let wrong = &run.steps["wrong"];
    assert_eq!(
        (wrong.status, wrong.port.as_ref()),
        (StepStatus::Failed, None)
    );
    assert_eq!(wrong.input, Some(json!({"total": 8})));
    assert!(wrong.failure.as_ref().unwrap().message.contains("line 1"));
    assert_eq!(run.steps["after"].status, StepStatus::Skipped);
    assert_eq!(run.steps["after"].input, None);
}

#[test]
fn a_rehearsal_without_a_run_says_why() {
    let with = |trigger: Value| {
        let mut document = flow(&[("a", map("input"))]);
        document["triggers"]["start"] = trigger;
        rehearsed(document, json!(1)).outcome
    };
    let filtered = with(json!({"kind": "manual", "filter": "trigger.body > 1"}));
    assert_eq!(filtered, Outcome::Filtered);
    let refused = with(json!({"kind": "manual", "schema": {"type": "string"}}));
    assert!(matches!(refused, Outcome::Refused(problems) if problems[0].code == "type"));
    let failed = with(json!({"kind": "manual", "map": "trigger.body.id"}));
    assert!(matches!(failed, Outcome::Failed(_)));
    let shapeless = rehearsed(json!({"format": "weir/flow@1"}), Value::Null);
    assert!(!shapeless.problems.is_empty());
    assert!(matches!(shapeless.outcome, Outcome::Impossible(_)));
    let idle = rehearsed(json!({"format": "weir/flow@1", "id": "f"}), Value::Null);
    assert_eq!(
        idle.outcome,
        Outcome::Impossible("the flow has no trigger".to_owned())
    );
}

#[test]
fn schedules_schemas_and_functions_are_answered() {
    let mut service = Service::new(None);
    let fires = |cron: &str| Fires {
        config: serde_json::from_value(json!({"cron": cron, "timezone": "Europe/Berlin"})).unwrap(),
        after_ms: 1_774_645_200_000, // 2026-03-27T21:00:00Z
        count: 2,
    };
    let found = ask(&mut service, fires("30 2 * * *")).unwrap();
    assert_eq!(found[0].local, "2026-03-28T02:30:00+01:00");
    assert_eq!(
        (found[1].local.as_str(), found[1].odd),
        ("2026-03-29T03:00:00+02:00", Some(Odd::Skipped))
    );
    let misfits = ask(&mut service, fires("61 * * * *")).unwrap_err();
    assert_eq!(misfits[0].at, "cron");

    let satisfies = |schema: Value| Satisfies {
        schema,
        value: json!({"n": "x"}),
    };
    let schema = json!({"properties": {"n": {"type": "integer"}}});
    let problems = ask(&mut service, satisfies(schema)).unwrap();
    assert_eq!(problems[0].at, "/n");
    let misfit = ask(&mut service, satisfies(json!({"type": "strin"}))).unwrap_err();
    assert_eq!(misfit.at, "/type");

    let functions = ask(&mut service, Functions);
    let path = functions.iter().find(|one| one.name == "path").unwrap();
    assert_eq!(path.group, "Picking out of nested values");
    assert!(path.signature.starts_with("path("));
}
