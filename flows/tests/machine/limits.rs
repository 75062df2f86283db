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
    play.event(ask.placed());
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
    assert_eq!(asks(&plan, &play.run), [ask.clone()]);
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

#[test]
fn a_key_that_cannot_be_used_fails_the_step() {
    for (key, said) in [
        ("throw `no customer`", "the key of `rate`: no customer"),
        ("let x = \"x\"; x.pad(2000, 'x'); x", "1000 are the most"),
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
            "script",
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
