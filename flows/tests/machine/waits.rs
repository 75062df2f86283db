//! Steps that wait: until when, what ends it, and that a restart forgets nothing of it.

use serde_json::{Value, json};
use weir_flows::{
    advance::{Event, Turn},
    check::check_value,
    record::Record,
    run::{Status, StepStatus},
};

use crate::tables::{Play, call, catalog, document, map, plan};

const DAY: i64 = 24 * 60 * 60 * 1_000;

fn wait(config: Value) -> Value {
    json!({ "kind": "wait", "config": config })
}

/// `a` waits so, and `b` comes after it.
fn flow(config: Value) -> Value {
    document(
        json!({ "a": wait(config), "b": map("#{ got: input.body.n, at: now() }") }),
        &["go > a", "a > b"],
        json!({}),
    )
}

fn waits_until(turn: &Turn) -> Option<i64> {
    turn.records.iter().find_map(|record| match record {
        Record::Waiting { until, .. } => Some(*until),
        _ => None,
    })
}

#[test]
fn a_wait_is_over_at_its_time_and_hands_its_input_on() {
    for (config, until) in [
        (json!({ "for": "90s" }), 90_000),
        (json!({ "for": "= `${input.body.n}h`" }), 3_600_000),
        (json!({ "until": "1970-01-02T00:00:00Z" }), DAY),
        (json!({ "until": "1970-01-01T02:00:00+01:00" }), 3_600_000),
    ] {
        let plan = plan(&flow(config.clone()));
        let mut play = Play::new(&plan);
        let turn = play.event(Event::Start);
        assert_eq!(waits_until(&turn), Some(until), "{config}");
        assert_eq!(play.status("a"), StepStatus::Waiting);
        assert_eq!(play.run.status, Status::Waiting);
        assert_eq!(play.run.wake_at(&plan), Some(until));
        // Too early, nothing happens.
        play.now = until - 1;
        assert_eq!(play.event(Event::Woke), Turn::default(), "{config}");
        play.now = until;
        play.event(Event::Woke);
        assert_eq!(play.run.status, Status::Succeeded, "{config}");
        assert_eq!(play.run.outputs.get("b").unwrap()["got"], 1);
    }
}

#[test]
fn what_is_past_already_is_not_waited_for() {
    for config in [
        json!({ "until": "1969-12-31T00:00:00Z" }),
        json!({ "for": "0s" }),
    ] {
        let plan = plan(&flow(config.clone()));
        let mut play = Play::new(&plan);
        play.event(Event::Start);
        assert_eq!(play.run.status, Status::Succeeded, "{config}");
    }
}

#[test]
fn what_is_no_time_fails_and_says_what_to_write() {
    for (config, said) in [
        (
            json!({ "for": "= input.body.n" }),
            "`for` must be a duration such as 90s",
        ),
        (json!({ "for": "= `soon`" }), "but it is `soon`"),
        (
            json!({ "until": "= `tomorrow`" }),
            "`until` must be a date and time",
        ),
        (
            json!({ "until": "= `2026-01-01`" }),
            "but it is `2026-01-01`",
        ),
        (json!({ "for": "= `400d`" }), "366 days at most"),
    ] {
        let plan = plan(&flow(config.clone()));
        let mut play = Play::new(&plan);
        play.event(Event::Start);
        let failure = play.run.failure.as_ref().unwrap();
        assert_eq!(failure.step.as_deref(), Some("a"), "{config}");
        assert!(
            failure.failure.message.contains(said),
            "{}",
            failure.failure.message
        );
    }
}

#[test]
fn a_document_that_does_not_say_when_is_refused() {
    for (config, at) in [
        (json!({}), "/steps/a/config"),
        (
            json!({ "for": "1h", "until": "= input" }),
            "/steps/a/config",
        ),
        (json!({ "for": "1 fortnight" }), "/steps/a/config/for"),
        (json!({ "until": "tomorrow" }), "/steps/a/config/until"),
    ] {
        let checked = check_value(&flow(config.clone()), &catalog(), None);
        assert!(checked.has_errors(), "{config}");
        assert_eq!(checked.problems[0].at, at, "{config}");
    }
    let mut policy = flow(json!({ "for": "1h" }));
    policy["steps"]["a"]["retry"] = json!({ "attempts": 2 });
    let checked = check_value(&policy, &catalog(), None);
    assert_eq!(checked.problems[0].code, "no_meaning");
}

#[test]
fn a_wait_survives_a_restart_and_others_go_on_beside_it() {
    let document = document(
        json!({ "a": wait(json!({ "for": "2d" })), "b": map("input.body.n"), "c": call("GET"), "d": map("1") }),
        &["go > a", "go > b", "b > c", "a > d", "c > d"],
        json!({}),
    );
    let plan = plan(&document);
    let mut play = Play::new(&plan);
    let mut records = play.event(Event::Start).records;
    assert_eq!(play.run.status, Status::Running, "a call is underway");
    records.extend(play.succeed("c", 1, json!({ "ok": true })).records);
    assert_eq!(play.run.status, Status::Waiting);
    let restored = Play::new(&plan).run.restore(&plan, &records);
    assert_eq!(restored.wake_at(&plan), Some(2 * DAY));
    play.run = restored;
    play.now = 3 * DAY;
    play.event(Event::Woke);
    assert_eq!(play.run.status, Status::Succeeded);
}

#[test]
fn a_wait_ends_with_the_run() {
    let steps = json!({ "a": wait(json!({ "for": "2d" })), "b": map("throw `no`") });
    let plan = plan(&document(steps, &["go > a", "go > b"], json!({})));
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    assert_eq!(
        play.run.status,
        Status::Failed,
        "nothing waits for the wait"
    );
    assert_eq!(play.status("a"), StepStatus::Failed);

    let only = json!({ "a": wait(json!({ "for": "2d" })) });
    let plan = self::plan(&document(only, &["go > a"], json!({})));
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    play.event(Event::Cancel {
        undo: false,
        by: None,
        note: None,
    });
    assert_eq!(play.run.status, Status::Cancelled);
}

#[test]
fn every_item_may_wait_for_itself() {
    let body = json!({ "steps": { "w": wait(json!({ "for": "= `${item}s`" })), "x": map("item * 10") }, "links": [{ "from": "w", "to": "x" }] });
    let steps = json!({ "e": { "kind": "each", "config": { "items": [5, 3], "body": body, "concurrency": 2 } } });
    let plan = plan(&document(steps, &["go > e"], json!({})));
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    assert_eq!(play.run.status, Status::Waiting);
    for now in [3_000, 5_000] {
        assert_eq!(play.run.wake_at(&plan), Some(now));
        play.now = now;
        play.event(Event::Woke);
    }
    assert_eq!(play.run.status, Status::Succeeded);
    assert_eq!(
        play.run.outputs.get("e").unwrap().as_ref(),
        &json!([50, 30])
    );
}
