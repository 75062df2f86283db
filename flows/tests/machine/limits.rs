//! Steps whose policy limits their attempts or uses again what they gave: what is asked for, what waits, and what a crash leaves.

use std::sync::Arc;

use serde_json::{Value, json};
use weir_flows::{
    advance::{Ask, Event, Turn, asks, lost},
    check::check_value,
    failure::Class,
    record::Record,
    run::{Status, StepStatus},
    script::Bounds,
    testing::run_tests,
};

use crate::tables::{Play, call, catalog, document, map, plan};

fn limited(method: &str, policy: Value) -> Value {
    let mut step = call(method);
    for (key, value) in policy.as_object().into_iter().flatten() {
        step[key] = value.clone();
    }
    step
}

/// `a` with this policy, and `b` after it.
fn flow(method: &str, policy: Value) -> Value {
    document(
        json!({ "a": limited(method, policy), "b": map("input.n") }),
        &["go > a", "a > b"],
        json!({}),
    )
}

fn asked(turn: &Turn) -> &Ask {
    assert!(turn.commands.is_empty(), "nothing begins: {turn:?}");
    assert_eq!(turn.asks.len(), 1, "{turn:?}");
    &turn.asks[0]
}

#[test]
fn an_attempt_begins_when_it_is_its_turn() {
    for (policy, keys) in [
        (json!({ "concurrency": { "limit": 2 } }), json!({})),
        (
            json!({ "concurrency": { "limit": 2, "key": "trigger.body.n" } }),
            json!({ "concurrency": "1" }),
        ),
        (
            json!({ "rate": { "limit": 2, "per": "1s", "key": "`to ${input.body.n}`" } }),
            json!({ "rate": "to 1" }),
        ),
        (
            json!({ "cache": { "ttl": "1m", "key": "input.body" } }),
            json!({ "cache": "{\"n\":1}" }),
        ),
    ] {
        let plan = plan(&flow("POST", policy.clone()));
        let mut play = Play::new(&plan);
        let turn = play.event(Event::Start);
        let ask = asked(&turn).clone();
        assert_eq!((ask.step.as_str(), ask.number, ask.undo), ("a", 1, false));
        assert_eq!(json!(*ask.keys), keys, "{policy}");
        assert_eq!(play.status("a"), StepStatus::Waiting);
        assert_eq!(play.run.status, Status::Waiting);
        assert!(play.run.steps[0].calls.attempts.is_empty(), "not started");
        play.now = 5_000;
        let turn = play.event(ask.placed());
        assert_eq!(turn.commands.len(), 1);
        assert!(ask.is_for(&turn.commands[0]));
        assert_eq!(turn.commands[0].config["method"], "POST");
        assert_eq!(turn.commands[0].timeout_ms, 30_000, "all of it is left");
        assert_eq!(play.run.steps[0].calls.attempts[0].started_at, 5_000);
        assert_eq!(play.event(ask.placed()), Turn::default(), "once");
        play.succeed("a", 1, json!({ "n": 7 }));
        assert_eq!(
            (play.run.status, play.output("b")),
            (Status::Succeeded, json!(7))
        );
        assert!(!play.run.steps[0].cached);
    }
}

#[test]
fn a_step_without_policies_asks_nothing() {
    let plan = plan(&flow("POST", json!({})));
    let turn = Play::new(&plan).event(Event::Start);
    assert_eq!((turn.commands.len(), turn.asks.len()), (1, 0));
    assert!(plan.steps[0].limits.is_none());
    let queued = |record: &Record| matches!(record, Record::Queued { .. });
    assert!(!turn.records.iter().any(queued));
}

#[test]
fn each_attempt_asks_anew() {
    let policy = json!({ "concurrency": { "limit": 1 }, "retry": { "attempts": 2, "delay": "1s", "jitter": 0 } });
    let plan = plan(&flow("GET", policy));
    let mut play = Play::new(&plan);
    let first = asked(&play.event(Event::Start)).clone();
    play.event(first.placed());
    play.fail("a", 1, Class::Transient);
    play.now = 1_000;
    let turn = play.event(Event::Woke);
    let second = asked(&turn).clone();
    assert_eq!(second.number, 2);
    assert_eq!(second.config, first.config);
    // The turn of the first is long over.
    assert_eq!(play.event(first.placed()), Turn::default());
    assert_eq!(play.event(second.placed()).commands[0].number, 2);
}

#[test]
fn what_an_earlier_attempt_gave_is_used_again() {
    let mut policy = json!({ "cache": { "ttl": "1m" } });
    policy["undo"] = call("DELETE");
    let mut document = flow("GET", policy);
    document["steps"]["b"] = map("throw `stop`");
    let plan = plan(&document);
    let mut play = Play::new(&plan);
    let ask = asked(&play.event(Event::Start)).clone();
    let turn = play.event(ask.cached(Arc::new(json!({ "n": 3 }))));
    assert!(turn.commands.is_empty() && turn.asks.is_empty());
    assert_eq!(play.output("a"), json!({ "n": 3 }));
    assert!(play.run.steps[0].cached);
    // Nothing was done here, so nothing is reversed.
    assert_eq!(play.run.status, Status::Failed);
    assert!(play.run.steps[0].undo.is_none());
}

#[test]
fn the_deadline_counts_while_an_attempt_waits() {
    let policy = json!({ "rate": { "limit": 1, "per": "1h" }, "deadline": "10s", "retry": { "attempts": 5, "delay": "1s", "jitter": 0, "backoff": "constant" } });
    let plan = plan(&flow("GET", policy));
    let mut play = Play::new(&plan);
    let ask = asked(&play.event(Event::Start)).clone();
    assert_eq!(play.run.wake_at(&plan), Some(10_000));
    play.now = 8_000;
    let turn = play.event(ask.placed());
    assert_eq!(turn.commands[0].timeout_ms, 2_000, "what is left");
    play.now = 8_500;
    play.fail("a", 1, Class::Transient);
    play.now = 9_500;
    let ask = asked(&play.event(Event::Woke)).clone();
    assert_eq!(
        play.run.wake_at(&plan),
        Some(10_000),
        "from the first wish on"
    );
    play.now = 10_000;
    play.event(ask.placed());
    let failure = play.run.steps[0].failure.clone().unwrap();
    assert_eq!(failure.class, Class::TimedOut);
    assert!(
        failure.message.contains("not the turn of this step"),
        "{}",
        failure.message
    );
    assert!(
        failure.message.contains("the last attempt failed: x"),
        "{}",
        failure.message
    );
    assert_eq!(play.run.status, Status::Failed);
}

#[test]
fn what_waits_is_asked_for_again_after_a_crash_and_is_not_lost() {
    let policy = json!({ "concurrency": { "limit": 1, "key": "trigger.body.n" } });
    let plan = plan(&flow("POST", policy));
    let mut play = Play::new(&plan);
    let turn = play.event(Event::Start);
    let ask = asked(&turn).clone();
    let mut records = turn.records;
    play.run = Play::new(&plan).run.restore(&plan, &records);
    assert!(lost(&plan, &play.run).is_empty());
    assert_eq!(asks(&plan, &play.run), std::slice::from_ref(&ask));
    // Once it has begun, nobody knows.
    records.extend(play.event(ask.placed()).records);
    let run = Play::new(&plan).run.restore(&plan, &records);
    assert!(asks(&plan, &run).is_empty());
    assert_eq!(lost(&plan, &run).len(), 1);
}

#[test]
fn items_and_undo_ask_too() {
    let mut work = limited(
        "POST",
        json!({ "concurrency": { "limit": 1, "key": "index" }, "cache": { "ttl": "1m" } }),
    );
    work["undo"] = call("DELETE");
    let plan = plan(&document(
        json!({
            "each": { "kind": "each", "config": { "items": [1, 2], "concurrency": 2,
                      "body": { "steps": { "work": work }, "links": [] } } },
            "stop": { "kind": "fail", "config": { "message": "no" } },
        }),
        &["go > each", "each > stop"],
        json!({}),
    ));
    let mut play = Play::new(&plan);
    let turn = play.event(Event::Start);
    let keys = |turn: &Turn| -> Vec<_> {
        let key = |ask: &Ask| (ask.items.clone(), ask.keys.concurrency.clone().unwrap());
        turn.asks.iter().map(key).collect()
    };
    assert_eq!(keys(&turn), [(vec![0], "0".into()), (vec![1], "1".into())]);
    let answer = |play: &mut Play<'_>, ask: &Ask| {
        let turn = play.event(ask.placed());
        play.event(turn.commands[0].ended(Ok(Arc::new(json!(1))), None))
    };
    answer(&mut play, &turn.asks[1]);
    let undo = answer(&mut play, &turn.asks[0]);
    assert_eq!(keys(&undo), [(vec![0], "0".into())], "the last first");
    assert!(undo.asks[0].undo && undo.asks[0].keys.cache.is_none());
    assert_eq!(asks(&plan, &play.run), undo.asks);
    let undo = answer(&mut play, &undo.asks[0]);
    assert_eq!(keys(&undo), [(vec![1], "1".into())]);
    answer(&mut play, &undo.asks[0]);
    assert_eq!(play.run.status, Status::Failed);
}

#[test]
fn a_cancel_ends_what_waits() {
    for undo in [false, true] {
        let plan = plan(&flow(
            "POST",
            json!({ "rate": { "limit": 1, "per": "1h" } }),
        ));
        let mut play = Play::new(&plan);
        let ask = asked(&play.event(Event::Start)).clone();
        play.event(Event::Cancel {
            undo,
            by: None,
            note: None,
        });
        assert_eq!(play.run.status, Status::Cancelled);
        assert_eq!(play.event(ask.placed()), Turn::default());
        assert!(play.run.steps[0].calls.attempts.is_empty());
    }
}

/// What waits to be reversed may be given up, but only for good.
#[test]
fn a_cancel_without_undo_ends_what_waits_to_be_reversed() {
    let mut policy = json!({ "concurrency": { "limit": 1 } });
    policy["undo"] = call("DELETE");
    let mut document = flow("POST", policy);
    document["steps"]["b"] = json!({ "kind": "fail", "config": { "message": "no" } });
    let plan = plan(&document);
    let mut play = Play::new(&plan);
    let ask = asked(&play.event(Event::Start)).clone();
    play.event(ask.placed());
    let ask = asked(&play.succeed("a", 1, json!({ "n": 7 }))).clone();
    assert!(ask.undo);
    let cancel = |undo| Event::Cancel {
        undo,
        by: None,
        note: None,
    };
    play.event(cancel(true));
    assert!(!play.run.status.is_final(), "it is reversed first");
    assert_eq!(asks(&plan, &play.run), std::slice::from_ref(&ask));
    play.event(cancel(false));
    assert_eq!(play.run.status, Status::Cancelled);
    let undo = play.run.steps[0].undo.as_ref().unwrap();
    assert!(undo.ended && undo.failure.is_some() && undo.calls.attempts.is_empty());
    assert_eq!(play.event(ask.placed()), Turn::default());
}

/// The run that a call waits for may come to the same step, which would wait for its caller.
#[test]
fn a_call_that_reverses_a_step_is_not_limited() {
    let mut policy = json!({ "concurrency": { "limit": 1 } });
    policy["undo"] = json!({ "kind": "call", "config": { "flow": "back", "input": 1 } });
    let mut document = flow("POST", policy);
    document["steps"]["b"] = json!({ "kind": "fail", "config": { "message": "no" } });
    let plan = plan(&document);
    let mut play = Play::new(&plan);
    let ask = asked(&play.event(Event::Start)).clone();
    play.event(ask.placed());
    let turn = play.succeed("a", 1, json!({ "n": 7 }));
    assert!(turn.asks.is_empty());
    assert!(turn.commands[0].undo && turn.commands[0].kind == "call");
}

#[test]
fn what_is_not_waited_for_any_longer_goes_the_way_of_failures() {
    let policy = json!({ "rate": { "limit": 1, "per": "1h" }, "deadline": "10s" });
    let mut document = flow("GET", policy);
    document["links"][1]["port"] = json!("error");
    document["steps"]["b"] = map("error.class");
    let linked = plan(&document);
    let mut play = Play::new(&linked);
    let ask = asked(&play.event(Event::Start)).clone();
    play.now = 10_000;
    // Whatever comes first: its turn is over.
    play.event(ask.placed());
    assert_eq!(play.run.status, Status::Succeeded);
    assert_eq!(play.output("b"), json!("timed_out"));
    assert!(play.run.steps[0].calls.attempts.is_empty());
    assert_eq!(play.event(ask.placed()), Turn::default());

    // For an item of a list, too; the others go on.
    let work = limited(
        "GET",
        json!({ "concurrency": { "limit": 1 }, "deadline": "10s" }),
    );
    let each = json!({ "kind": "each", "config": { "items": [1, 2], "concurrency": 2, "on_item_error": "collect",
                       "body": { "steps": { "work": work }, "links": [] } } });
    let items = plan(&document_of_each(each));
    let mut play = Play::new(&items);
    let turn = play.event(Event::Start);
    assert_eq!(turn.asks.len(), 2);
    let turn = play.event(turn.asks[0].placed());
    play.event(turn.commands[0].ended(Ok(Arc::new(json!(5))), None));
    assert_eq!(play.run.wake_at(&items), Some(10_000));
    play.now = 10_000;
    play.event(Event::Woke);
    assert_eq!(play.run.status, Status::Succeeded);
    let results = play.output("each");
    assert_eq!(results[0]["output"], 5, "{results}");
    assert_eq!(results[1]["error"]["class"], "timed_out", "{results}");
}

fn document_of_each(each: Value) -> Value {
    document(json!({ "each": each }), &["go > each"], json!({}))
}

#[test]
fn what_an_earlier_attempt_gave_comes_too_late_once_another_has_begun() {
    let plan = plan(&flow("GET", json!({ "cache": { "ttl": "1m" } })));
    let mut play = Play::new(&plan);
    let ask = asked(&play.event(Event::Start)).clone();
    play.event(ask.placed());
    let output = Arc::new(json!({ "n": 3 }));
    assert_eq!(play.event(ask.cached(output)), Turn::default());
    play.succeed("a", 1, json!({ "n": 4 }));
    assert_eq!(play.output("b"), json!(4));
}

#[test]
fn a_key_that_cannot_be_used_fails_the_step() {
    let longest = format!("\"{}\"", "x".repeat(1_001));
    for (key, said) in [
        ("trigger.body.n / 0", "the key of `rate`: "),
        (longest.as_str(), "1000 are the most"),
    ] {
        let plan = plan(&flow(
            "POST",
            json!({ "rate": { "limit": 1, "per": "1s", "key": key } }),
        ));
        let mut play = Play::new(&plan);
        play.event(Event::Start);
        let failure = play.run.steps[0].failure.clone().unwrap();
        assert!(failure.message.contains(said), "{}", failure.message);
    }
}

#[test]
fn a_rehearsal_waits_for_nobody() {
    let mut document = flow(
        "GET",
        json!({ "rate": { "limit": 1, "per": "1h" }, "cache": { "ttl": "1h" } }),
    );
    document["tests"] = json!([{ "name": "t", "mocks": { "a": { "output": { "n": 1 } } },
                                 "expect": { "ran": ["a", "b"], "steps": { "b": { "output": 1 } } } }]);
    let plan = plan(&document);
    for _ in 0..2 {
        let outcomes = run_tests(&plan, &Bounds::default());
        assert!(outcomes[0].passed(), "{:#?}", outcomes[0].differences);
    }
}

#[test]
fn policies_that_mean_nothing_are_told() {
    let with = |kind: Value, policy: Value| {
        let mut step = kind;
        for (key, value) in policy.as_object().into_iter().flatten() {
            step[key] = value.clone();
        }
        document(json!({ "a": step }), &["go > a"], json!({}))
    };
    let concurrency = json!({ "concurrency": { "limit": 1 } });
    let called = json!({ "kind": "call", "config": { "flow": "other", "input": 1 } });
    for (document, at, code) in [
        (
            with(map("1"), concurrency.clone()),
            "/steps/a/concurrency",
            "no_meaning",
        ),
        (
            with(map("1"), json!({ "rate": { "limit": 1, "per": "1s" } })),
            "/steps/a/rate",
            "no_meaning",
        ),
        (
            with(map("1"), json!({ "cache": { "ttl": "1s" } })),
            "/steps/a/cache",
            "no_meaning",
        ),
        (
            with(called, concurrency),
            "/steps/a/concurrency",
            "no_meaning",
        ),
        (
            with(call("GET"), json!({ "rate": { "limit": 1, "per": "0s" } })),
            "/steps/a/rate/per",
            "bad_value",
        ),
        (
            with(call("GET"), json!({ "cache": { "ttl": "0s" } })),
            "/steps/a/cache/ttl",
            "bad_value",
        ),
        (
            with(
                call("GET"),
                json!({ "cache": { "ttl": "1s", "key": "= 1" } }),
            ),
            "/steps/a/cache/key",
            "bare_expression",
        ),
        (
            with(
                call("GET"),
                json!({ "concurrency": { "limit": 1, "key": "1 +" } }),
            ),
            "/steps/a/concurrency/key",
            "script",
        ),
        (
            document(
                json!({}),
                &[],
                json!({ "settings": { "concurrency": { "limit": 1, "key": "1 +" } } }),
            ),
            "/settings/concurrency/key",
            "script",
        ),
    ] {
        let problems = check_value(&document, &catalog(), None).problems;
        let found = problems
            .iter()
            .any(|problem| problem.at == at && problem.code == code);
        assert!(found, "{at} {code}: {problems:?}");
    }
}
