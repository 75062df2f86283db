//! Tables: one small flow for each rule of the machine, played with mocked actions.

use std::sync::Arc;

use serde_json::{Value, json};
use weir_flows::{
    advance::{Event, Stamp, Turn, advance, lost},
    callback::Callbacks,
    catalog::{
        Action, Catalog, Entry, Field, FieldKind, Group, Idempotent, Phrase, Presence, text, words,
    },
    check::check_value,
    failure::{Class, Failure},
    plan::Plan,
    run::{Identity, Run, Status, StepStatus},
    script::Bounds,
    testing::run_tests,
};

/// The language and one action: `http`, idempotent by its method.
pub(crate) fn catalog() -> Catalog {
    let mut catalog = weir_flows::builtin::catalog();
    catalog.steps.push(Entry {
        fields: ["method", "url", "body"]
            .map(|name| {
                Field::new(name, Phrase::default(), FieldKind::Any, Phrase::default()).expression()
            })
            .to_vec(),
        action: Some(Action {
            connection: Presence::Allowed,
            idempotent: Idempotent::When {
                field: text("method"),
                values: words(&["GET", "PUT", "DELETE"]),
                default: text("GET"),
            },
            failures: Class::ALL.to_vec(),
            attempts: 3,
            timeout_ms: 30_000,
        }),
        ..Entry::new(
            "http",
            Group::Action,
            "globe",
            Phrase::default(),
            Phrase::default(),
        )
    });
    catalog
}

pub(crate) fn document(steps: Value, links: &[&str], more: Value) -> Value {
    let link = |text: &&str| {
        let (from, to) = text.split_once(" > ").unwrap();
        match from.split_once('.') {
            Some((from, port)) => json!({ "from": from, "port": port, "to": to }),
            None => json!({ "from": from, "to": to }),
        }
    };
    let mut document = json!({
        "format": "weir/flow@1", "id": "t", "triggers": { "go": { "kind": "manual" } },
        "steps": steps, "links": links.iter().map(link).collect::<Vec<_>>(),
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        document[key] = value.clone();
    }
    document
}

pub(crate) fn plan(document: &Value) -> Plan {
    let checked = check_value(document, &catalog(), None);
    let problems: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
    checked
        .plan
        .unwrap_or_else(|| panic!("{}", problems.join("\n")))
}

/// Plays the flow with one test and asserts that it passes.
fn passes(steps: Value, links: &[&str], more: Value, test: Value) {
    let mut test = test;
    test["name"] = json!("t");
    let mut document = document(steps, links, more);
    document["tests"] = json!([test]);
    let outcomes = run_tests(&plan(&document), &Bounds::default());
    assert!(outcomes[0].passed(), "{:#?}", outcomes[0].differences);
}

pub(crate) fn map(script: &str) -> Value {
    json!({ "kind": "map", "config": { "script": script } })
}

pub(crate) fn call(method: &str) -> Value {
    json!({ "kind": "http", "config": { "method": method, "url": "https://example.com" } })
}

#[test]
fn a_sequence_hands_outputs_on() {
    passes(
        json!({ "a": map("input.body.n + 1"), "b": map("input * 2"), "c": map("#{ a: steps.a, b: steps.b, t: trigger.body.n }") }),
        &["go > a", "a > b", "b > c"],
        json!({}),
        json!({ "message": { "body": { "n": 1 } }, "expect": { "ran": ["a", "b", "c"], "steps": { "c": { "output": { "a": 2, "b": 4, "t": 1 } } } } }),
    );
}

#[test]
fn a_branch_takes_one_way_and_passes_its_input() {
    let steps = json!({
        "size": { "kind": "branch", "config": { "cases": [ { "port": "large", "when": "input.body.n >= 10" } ], "otherwise": "small" } },
        "big": map("\"big \" + input.body.n"), "little": map("\"little\""), "after": map("input"),
    });
    let links = [
        "go > size",
        "size.large > big",
        "size.small > little",
        "big > after",
        "little > after",
    ];
    let test = |n: i64, ran: Value, skipped: &str, output: &str| {
        passes(
            steps.clone(),
            &links,
            json!({}),
            json!({ "message": { "body": { "n": n } },
            "expect": { "ran": ran, "skipped": [skipped], "steps": { "after": { "output": output } } } }),
        );
    };
    test(10, json!(["size", "big", "after"]), "little", "big 10");
    test(9, json!(["size", "little", "after"]), "big", "little");
}

#[test]
fn a_branch_may_take_all_ways_or_none() {
    let steps = |mode: &str| {
        json!({
            "b": { "kind": "branch", "config": { "mode": mode, "cases": [ { "port": "x", "when": "true" }, { "port": "y", "when": "true" }, { "port": "z", "when": "false" } ] } },
            "x": map("1"), "y": map("2"), "z": map("3"),
        })
    };
    let links = ["go > b", "b.x > x", "b.y > y", "b.z > z"];
    passes(
        steps("all"),
        &links,
        json!({}),
        json!({ "expect": { "ran": ["b", "x", "y"], "skipped": ["z"] } }),
    );
    passes(
        steps("first"),
        &links,
        json!({}),
        json!({ "expect": { "ran": ["b", "x"], "skipped": ["y", "z"] } }),
    );
}

#[test]
fn a_join_waits_for_all_its_links_and_gets_a_map() {
    let steps = json!({ "a": map("1"), "b": map("2"), "both": map("input") });
    passes(
        steps,
        &["go > a", "go > b", "a > both", "b > both"],
        json!({}),
        json!({ "expect": { "steps": { "both": { "output": { "a": 1, "b": 2 } } } } }),
    );
}

#[test]
fn join_any_runs_on_the_first_taken_link() {
    let mut any = map("input");
    any["join"] = json!("any");
    let steps = json!({ "fast": map("\"fast\""), "slow": call("GET"), "first": any });
    let document = document(
        steps,
        &["go > fast", "go > slow", "fast > first", "slow > first"],
        json!({}),
    );
    let plan = plan(&document);
    let mut play = Play::new(&plan);
    let turn = play.event(Event::Start);
    assert_eq!(turn.commands.len(), 1);
    assert_eq!(play.status("first"), StepStatus::Succeeded);
    assert_eq!(play.output("first"), json!("fast"));
    play.succeed("slow", 1, json!("slow"));
    assert_eq!(
        (play.run.status, play.output("first")),
        (Status::Succeeded, json!("fast"))
    );
}

#[test]
fn an_error_link_takes_the_run_on() {
    let steps = json!({ "call": call("POST"), "ok": map("1"), "rescue": map("#{ step: error.step, class: error.class, status: error.status, same: input.error.class == error.class }"), "after": map("error.class") });
    passes(
        steps,
        &[
            "go > call",
            "call > ok",
            "call.error > rescue",
            "rescue > after",
        ],
        json!({}),
        json!({ "mocks": { "call": { "failure": { "class": "rejected", "status": 422 } } },
                "expect": { "status": "succeeded", "ran": ["call", "rescue", "after"], "skipped": ["ok"],
                  "steps": { "rescue": { "output": { "step": "call", "class": "rejected", "status": 422, "same": true } }, "after": { "output": "rejected" } } } }),
    );
}

#[test]
fn on_error_continue_goes_on_with_the_error_as_input() {
    let mut step = call("POST");
    step["on_error"] = json!("continue");
    passes(
        json!({ "call": step, "next": map("input.error.class") }),
        &["go > call", "call > next"],
        json!({}),
        json!({ "mocks": { "call": { "failure": { "class": "denied" } } }, "expect": { "status": "succeeded", "steps": { "next": { "output": "denied" } } } }),
    );
}

#[test]
fn a_failure_that_nothing_takes_fails_the_run() {
    passes(
        json!({ "a": map("1"), "b": map("throw \"no stock\""), "c": map("3") }),
        &["go > a", "a > b", "b > c"],
        json!({}),
        json!({ "expect": { "status": "failed", "ran": ["a", "b"], "skipped": ["c"], "failure": { "step": "b", "class": "rejected", "message": "no stock" } } }),
    );
}

#[test]
fn fail_says_why() {
    passes(
        json!({ "stop": { "kind": "fail", "config": { "message": "= `no supplier ${input.body.id}`", "class": "denied" } } }),
        &["go > stop"],
        json!({}),
        json!({ "message": { "body": { "id": 7 } }, "expect": { "failure": { "step": "stop", "class": "denied", "message": "no supplier 7" } } }),
    );
}

#[test]
fn respond_answers_once() {
    let respond = |body: &str| json!({ "kind": "respond", "config": { "status": 201, "headers": { "X-Id": "= trigger.body.id" }, "body": body } });
    passes(
        json!({ "one": respond("= #{ ok: true }") }),
        &["go > one"],
        json!({}),
        json!({ "message": { "body": { "id": "a" } }, "expect": { "reply": { "status": 201, "headers": { "x-id": "a" }, "body": { "ok": true } } } }),
    );
    passes(
        json!({ "one": respond("1"), "two": respond("2") }),
        &["go > one", "one > two"],
        json!({}),
        json!({ "message": { "body": { "id": "a" } }, "expect": { "status": "failed", "failure": { "step": "two", "class": "broken" }, "reply": { "body": "1" } } }),
    );
}

#[test]
fn fields_pick_convert_and_default() {
    let rows = json!([
        { "to": "customer.name", "from": "$.body.name" }, { "to": "skus", "from": "$.body.items[*].sku" },
        { "to": "qty", "from": "$.body.qty", "as": "integer" }, { "to": "vip", "from": "$.body.vip", "default": false },
        { "to": "note", "from": "$.body.note" }, { "to": "sum", "value": "= 1 + 2" }, { "to": "fixed", "value": "x" },
    ]);
    passes(
        json!({ "f": { "kind": "fields", "config": { "fields": rows } } }),
        &["go > f"],
        json!({}),
        json!({ "message": { "body": { "name": "Ada", "items": [ { "sku": "a" }, { "sku": "b" } ], "qty": "3" } },
                "expect": { "steps": { "f": { "output": { "customer": { "name": "Ada" }, "skus": ["a", "b"], "qty": 3, "vip": false, "sum": 3, "fixed": "x" } } } } }),
    );
    let failing = |row: Value| {
        passes(
            json!({ "f": { "kind": "fields", "config": { "fields": [row] } } }),
            &["go > f"],
            json!({}),
            json!({ "message": { "body": { "a": "x" } }, "expect": { "failure": { "step": "f", "class": "rejected" } } }),
        );
    };
    failing(json!({ "to": "a", "from": "$.body.a", "as": "integer" }));
    failing(json!({ "to": "b", "from": "$.body.b", "required": true }));
}

#[test]
fn validate_passes_on_or_rejects() {
    let steps = json!({ "v": { "kind": "validate", "config": { "schema": { "type": "object", "required": ["n"] }, "value": "= input.body" } }, "next": map("input.body") });
    let links = ["go > v", "v > next"];
    passes(
        steps.clone(),
        &links,
        json!({}),
        json!({ "message": { "body": { "n": 1 } }, "expect": { "steps": { "next": { "output": { "n": 1 } } } } }),
    );
    passes(
        steps,
        &links,
        json!({}),
        json!({ "message": { "body": {} }, "expect": { "failure": { "step": "v", "class": "rejected", "message": "`n` is missing" } } }),
    );
}

#[test]
fn retries_follow_the_policy() {
    let retried = |method: &str, policy: Value, failure: &str, attempts: u32| {
        let mut step = call(method);
        for (key, value) in policy.as_object().unwrap() {
            step[key] = value.clone();
        }
        passes(
            json!({ "call": step }),
            &["go > call"],
            json!({}),
            json!({ "mocks": { "call": { "failure": { "class": failure } } }, "expect": { "status": "failed", "steps": { "call": { "attempts": attempts } } } }),
        );
    };
    retried("GET", json!({}), "transient", 3);
    retried("GET", json!({}), "rejected", 1);
    retried("POST", json!({}), "transient", 1);
    retried(
        "POST",
        json!({ "retry": { "attempts": 4 } }),
        "transient",
        4,
    );
    retried("POST", json!({ "retry": { "attempts": 4 } }), "lost", 1);
    retried(
        "POST",
        json!({ "retry": { "attempts": 4 }, "idempotent": true }),
        "lost",
        4,
    );
    retried("PUT", json!({ "retry": { "attempts": 4 } }), "lost", 4);
    retried(
        "GET",
        json!({ "retry": { "attempts": 5, "on": ["rejected"] } }),
        "rejected",
        5,
    );
    retried(
        "GET",
        json!({ "retry": { "attempts": 5, "on": ["rejected"] } }),
        "transient",
        1,
    );
    retried(
        "GET",
        json!({ "retry": { "attempts": 100, "delay": "10s", "backoff": "constant", "jitter": 0 }, "deadline": "35s" }),
        "transient",
        4,
    );
    // After 0, 10, and 30 s; and where the delay stops growing, after 0, 10, 20 and 30 s.
    for (longest, attempts) in [("1h", 3), ("10s", 4)] {
        retried(
            "GET",
            json!({ "retry": { "attempts": 100, "delay": "10s", "max_delay": longest, "jitter": 0 }, "deadline": "35s" }),
            "transient",
            attempts,
        );
    }
}

#[test]
fn a_later_attempt_may_succeed() {
    passes(
        json!({ "call": call("GET"), "next": map("input") }),
        &["go > call", "call > next"],
        json!({}),
        json!({ "mocks": { "call": [ { "failure": { "class": "timed_out" } }, { "output": 42 } ] },
                "expect": { "status": "succeeded", "steps": { "call": { "attempts": 2 }, "next": { "output": 42 } } } }),
    );
}

#[test]
fn undo_runs_backwards_for_all_that_succeeded() {
    let with_undo = || {
        let mut step = call("POST");
        step["undo"] = json!({ "kind": "http", "config": { "method": "DELETE", "url": "= `https://example.com/${output.id}`" } });
        step
    };
    let steps = json!({ "a": with_undo(), "b": with_undo(), "c": call("POST") });
    let plan = plan(&document(steps, &["go > a", "a > b", "b > c"], json!({})));
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    play.succeed("a", 1, json!({ "id": 1 }));
    play.succeed("b", 1, json!({ "id": 2 }));
    let turn = play.fail("c", 1, Class::Rejected);
    let undo = |turn: &Turn| {
        turn.commands
            .iter()
            .map(|c| {
                (
                    c.step.clone(),
                    c.undo,
                    c.config["url"].clone(),
                    c.idempotency_key.clone(),
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        undo(&turn),
        [(
            "b".to_owned(),
            true,
            json!("https://example.com/2"),
            "weir-r-b-undo".to_owned()
        )]
    );
    assert_eq!(play.run.status, Status::Running);
    // The first undo needs a second attempt.
    let turn = play.answer("b", 1, true, Err(Failure::new(Class::Transient, "x")));
    assert!(turn.commands.is_empty());
    assert_eq!(play.run.status, Status::Waiting);
    play.now += 60_000;
    assert_eq!(undo(&play.event(Event::Woke))[0].0, "b");
    let turn = play.answer("b", 2, true, Ok(Arc::new(Value::Null)));
    assert_eq!(undo(&turn)[0].2, json!("https://example.com/1"));
    play.answer("a", 1, true, Err(Failure::new(Class::Rejected, "too late")));
    assert_eq!(play.run.status, Status::Failed);
    assert_eq!(
        play.run.steps[plan.position("a").unwrap()]
            .undo
            .as_ref()
            .unwrap()
            .failure
            .as_ref()
            .unwrap()
            .message,
        "too late"
    );
}

#[test]
fn a_timeout_of_the_run_starts_its_failing() {
    let mut step = call("GET");
    step["retry"] = json!({ "attempts": 50, "delay": "10s", "backoff": "constant" });
    passes(
        json!({ "call": step }),
        &["go > call"],
        json!({ "settings": { "timeout": "25s" } }),
        json!({ "mocks": { "call": { "failure": { "class": "transient" } } }, "expect": { "status": "failed", "failure": { "class": "timed_out" } } }),
    );
}

#[test]
fn a_disabled_step_passes_its_input_through() {
    let mut off = map("throw 1");
    off["disabled"] = json!(true);
    passes(
        json!({ "off": off, "next": map("input.body.n") }),
        &["go > off", "off > next"],
        json!({}),
        json!({ "message": { "body": { "n": 5 } }, "expect": { "steps": { "next": { "output": 5 } } } }),
    );
}

#[test]
fn only_the_links_of_the_trigger_that_fired_are_taken() {
    let more = json!({ "triggers": { "go": { "kind": "manual" }, "other": { "kind": "manual" } } });
    passes(
        json!({ "a": map("1"), "b": map("2"), "c": map("input.kind + steps.b") }),
        &["go > a", "other > b", "other > c", "b > c"],
        more,
        json!({ "trigger": "go", "expect": { "ran": ["a"], "skipped": ["b", "c"] } }),
    );
}

#[test]
fn filters_schemas_and_maps_of_triggers() {
    let more = json!({ "triggers": { "go": { "kind": "manual", "filter": "trigger.body.n > 0", "map": "#{ m: trigger.body.n * 2 }", "schema": { "type": "object", "required": ["n"] } } } });
    let steps = json!({ "a": map("input.body.m") });
    passes(
        steps.clone(),
        &["go > a"],
        more.clone(),
        json!({ "message": { "body": { "n": 2 } }, "expect": { "steps": { "a": { "output": 4 } } } }),
    );
    passes(
        steps.clone(),
        &["go > a"],
        more.clone(),
        json!({ "message": { "body": { "n": 0 } }, "expect": { "status": "filtered" } }),
    );
    passes(
        steps,
        &["go > a"],
        more,
        json!({ "message": { "body": {} }, "expect": { "status": "refused" } }),
    );
}

#[test]
fn a_late_or_double_answer_changes_nothing() {
    let plan = plan(&document(
        json!({ "a": call("GET") }),
        &["go > a"],
        json!({}),
    ));
    let mut play = Play::new(&plan);
    assert_eq!(
        play.answer("a", 1, false, Ok(Arc::new(json!(1)))),
        Turn::default()
    );
    assert_eq!(play.event(Event::Woke), Turn::default());
    play.event(Event::Start);
    assert_eq!(play.event(Event::Start), Turn::default());
    assert_eq!(
        play.answer("a", 2, false, Ok(Arc::new(json!(1)))),
        Turn::default()
    );
    assert_eq!(
        play.answer("nobody", 1, false, Ok(Arc::new(json!(1)))),
        Turn::default()
    );
    play.succeed("a", 1, json!("first"));
    assert_eq!(play.run.status, Status::Succeeded);
    assert_eq!(
        play.answer("a", 1, false, Ok(Arc::new(json!("second")))),
        Turn::default()
    );
    assert_eq!(play.event(Event::Woke), Turn::default());
    assert_eq!(play.output("a"), json!("first"));
}

#[test]
fn what_was_underway_at_a_crash_is_lost_and_judged_by_idempotency() {
    for (method, again) in [("GET", true), ("POST", false)] {
        let plan = plan(&document(
            json!({ "a": call(method) }),
            &["go > a"],
            json!({}),
        ));
        let mut play = Play::new(&plan);
        let records = play.event(Event::Start).records;
        let restored = Play::new(&plan).run.restore(&plan, &records);
        let mut play = Play {
            run: restored,
            ..play
        };
        let events = lost(&plan, &play.run);
        assert_eq!(events.len(), 1);
        for event in events {
            play.event(event);
        }
        let expected = if again {
            Status::Waiting
        } else {
            Status::Failed
        };
        assert_eq!(play.run.status, expected, "{method}");
    }
}

pub(crate) struct Play<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) run: Run,
    pub(crate) now: i64,
    pub(crate) bounds: Bounds,
}

impl<'a> Play<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        let identity = Identity {
            callbacks: Callbacks::default(),
            id: "r".into(),
            flow: "t".into(),
            version: 1,
            workspace: "main".into(),
        };
        Play {
            plan,
            run: Run::new(
                plan,
                &identity,
                "go",
                Arc::new(json!({ "body": { "n": 1 } })),
                0,
            ),
            now: 0,
            bounds: Bounds::default(),
        }
    }

    pub(crate) fn event(&mut self, event: Event) -> Turn {
        advance(
            self.plan,
            &mut self.run,
            Stamp {
                now_ms: self.now,
                dice: 7,
            },
            &self.bounds,
            event,
        )
    }

    pub(crate) fn answer(
        &mut self,
        step: &str,
        number: u32,
        undo: bool,
        result: Result<Arc<Value>, Failure>,
    ) -> Turn {
        self.event(Event::Attempted {
            step: step.into(),
            items: Vec::new(),
            number,
            undo,
            result,
            exchange: None,
        })
    }

    pub(crate) fn succeed(&mut self, step: &str, number: u32, output: Value) -> Turn {
        self.answer(step, number, false, Ok(Arc::new(output)))
    }

    pub(crate) fn fail(&mut self, step: &str, number: u32, class: Class) -> Turn {
        self.answer(step, number, false, Err(Failure::new(class, "x")))
    }

    pub(crate) fn status(&self, step: &str) -> StepStatus {
        self.run.steps[self.plan.position(step).unwrap()].status
    }

    pub(crate) fn output(&self, step: &str) -> Value {
        Value::clone(self.run.outputs.get(step).unwrap())
    }
}
