//! Steps that wait for a callback or for a person: answers that come early, on time, twice and too late.

use std::sync::Arc;

use serde_json::{Value, json};
use weir_flows::{
    advance::{Event, Turn},
    check::check_value,
    failure::Class,
    record::{Awaits, Record},
    run::{Status, StepStatus},
    testing::run_tests,
};

use crate::tables::{Play, call, catalog, document, map, plan};

const HOUR: i64 = 60 * 60 * 1_000;

fn wait(config: Value) -> Value {
    json!({ "kind": "wait", "title": "Ask", "config": config })
}

/// `send` is an action, `a` waits after it, and one step comes after each of its ports.
fn flow(config: Value) -> Value {
    let approval = config.get("approval").is_some();
    let mut links = vec!["go > send", "send > a", "a > good", "a.error > late"];
    let mut steps = json!({ "send": call("POST"), "a": wait(config), "good": map("input"), "late": map("error.class") });
    if approval {
        links.push("a.rejected > bad");
        steps["bad"] = map("input.note");
    }
    document(steps, &links, json!({}))
}

fn callback() -> Value {
    flow(json!({ "callback": { "timeout": "1h" } }))
}

fn approval() -> Value {
    flow(
        json!({ "approval": { "title": "= `Order ${input.n}`", "text": "= #{ a: 1 }", "timeout": "= `1h`" } }),
    )
}

fn answered(answer: Value) -> Event {
    Event::Answered {
        step: "a".to_owned(),
        items: Vec::new(),
        answer: Arc::new(answer),
    }
}

fn decided(decision: &str) -> Event {
    answered(json!({ "decision": decision, "note": "because" }))
}

#[test]
fn a_callback_ends_the_wait_with_what_it_brought() {
    let plan = plan(&callback());
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    let turn = play.succeed("send", 1, json!({ "n": 7 }));
    assert!(matches!(
        turn.records.last(),
        Some(Record::Waiting {
            until: HOUR,
            awaits: Some(Awaits::Callback),
            ..
        })
    ));
    assert_eq!(play.run.status, Status::Waiting);
    assert_eq!(play.run.wake_at(&plan), Some(HOUR));
    play.now = 5;
    play.event(answered(json!({ "body": { "ok": true } })));
    assert_eq!(play.run.status, Status::Succeeded);
    assert_eq!(play.output("good"), json!({ "body": { "ok": true } }));
    assert_eq!(play.status("late"), StepStatus::Skipped);
}

#[test]
fn an_answer_that_comes_before_the_run_waits_is_kept() {
    let plan = plan(&callback());
    let mut play = Play::new(&plan);
    let mut records = play.event(Event::Start).records;
    // The partner is quicker than the reply of the step that asked it.
    let early = play.event(answered(json!({ "body": 1 })));
    assert_eq!(early.records.len(), 1, "{early:?}");
    assert_eq!(play.run.status, Status::Running);
    records.extend(early.records);
    // A second one changes nothing, and neither does a restart.
    assert_eq!(play.event(answered(json!({ "body": 2 }))), Turn::default());
    play.run = Play::new(&plan).run.restore(&plan, &records);
    play.succeed("send", 1, json!({}));
    assert_eq!(play.run.status, Status::Succeeded);
    assert_eq!(play.output("good"), json!({ "body": 1 }));
}

#[test]
fn nobody_answers_in_time() {
    for document in [callback(), approval()] {
        let plan = plan(&document);
        let mut play = Play::new(&plan);
        play.event(Event::Start);
        play.succeed("send", 1, json!({ "n": 7 }));
        play.now = HOUR - 1;
        assert_eq!(play.event(Event::Woke), Turn::default());
        play.now = HOUR;
        play.event(Event::Woke);
        assert_eq!(
            play.run.status,
            Status::Succeeded,
            "the error port takes it"
        );
        assert_eq!(play.output("late"), json!("timed_out"));
        assert_eq!(play.event(decided("approved")), Turn::default());
    }
    // Without an error link the run fails.
    let mut alone = callback();
    alone["links"].as_array_mut().unwrap().pop();
    alone["steps"].as_object_mut().unwrap().remove("late");
    let plan = plan(&alone);
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    play.succeed("send", 1, json!({}));
    play.now = HOUR;
    play.event(Event::Woke);
    let failure = play.run.failure.as_ref().unwrap();
    assert_eq!(failure.failure.class, Class::TimedOut);
    assert!(failure.failure.message.contains("1970-01-01T01:00:00.000Z"));
}

#[test]
fn an_answer_at_the_last_moment_still_counts() {
    let plan = plan(&callback());
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    play.succeed("send", 1, json!({}));
    play.now = HOUR;
    play.event(answered(json!({ "body": 1 })));
    assert_eq!(play.output("good"), json!({ "body": 1 }));
}

#[test]
fn of_two_answers_at_the_last_moment_none_makes_the_other_too_late() {
    let mut two = callback();
    two["steps"]["also"] = wait(json!({ "callback": { "timeout": "1h" } }));
    let links = two["links"].as_array_mut().unwrap();
    links.push(json!({ "from": "send", "to": "also" }));
    let plan = plan(&two);
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    play.succeed("send", 1, json!({}));
    play.now = HOUR + 5;
    play.event(answered(json!({ "body": 1 })));
    assert_eq!(play.status("also"), StepStatus::Waiting);
    play.event(Event::Answered {
        step: "also".to_owned(),
        items: Vec::new(),
        answer: Arc::new(json!({ "body": 2 })),
    });
    assert_eq!(play.output("good"), json!({ "body": 1 }));
    assert_eq!(play.output("also"), json!({ "body": 2 }));
    assert_eq!(play.run.status, Status::Succeeded);
}

#[test]
fn a_person_decides_which_way_the_run_goes() {
    for (decision, good, bad) in [
        ("approved", StepStatus::Succeeded, StepStatus::Skipped),
        ("rejected", StepStatus::Skipped, StepStatus::Succeeded),
    ] {
        let plan = plan(&approval());
        let mut play = Play::new(&plan);
        play.event(Event::Start);
        let turn = play.succeed("send", 1, json!({ "n": 7 }));
        let Some(Record::Waiting {
            awaits: Some(Awaits::Approval { title, text }),
            ..
        }) = turn.records.last()
        else {
            panic!("{turn:?}");
        };
        assert_eq!(
            (title.as_str(), text.as_deref()),
            ("Order 7", Some("{\"a\":1}"))
        );
        // What is no decision changes nothing.
        assert_eq!(play.event(decided("perhaps")), Turn::default());
        play.event(decided(decision));
        assert_eq!((play.status("good"), play.status("bad")), (good, bad));
        assert_eq!(play.run.status, Status::Succeeded);
    }
}

#[test]
fn where_nothing_follows_a_rejection_the_branch_ends() {
    let steps = json!({ "a": wait(json!({ "approval": {} })), "b": map("1") });
    let plan = plan(&document(steps, &["go > a", "a > b"], json!({})));
    let mut play = Play::new(&plan);
    let turn = play.event(Event::Start);
    let Some(Record::Waiting {
        until,
        awaits: Some(Awaits::Approval { title, .. }),
        ..
    }) = turn.records.last()
    else {
        panic!("{turn:?}");
    };
    assert_eq!((*until, title.as_str()), (7 * 24 * HOUR, "Ask"));
    play.event(decided("rejected"));
    assert_eq!(play.run.status, Status::Succeeded);
    assert_eq!(play.status("b"), StepStatus::Skipped);
}

#[test]
fn every_item_is_answered_by_itself() {
    let body = json!({ "steps": { "link": map("run.callbacks.w"), "w": wait(json!({ "callback": {} })), "x": map("input.body * 10") },
        "links": [{ "from": "link", "to": "w" }, { "from": "w", "to": "x" }] });
    let each =
        json!({ "kind": "each", "config": { "items": [5, 3], "body": body, "concurrency": 2 } });
    let plan = plan(&document(json!({ "e": each }), &["go > e"], json!({})));
    let mut play = Play::new(&plan);
    let turn = play.event(Event::Start);
    let links: Vec<String> = turn
        .records
        .iter()
        .filter_map(|record| match record.innermost() {
            Record::Succeeded { output, .. } => Some(output.as_ref()?.as_str()?.to_owned()),
            _ => None,
        })
        .collect();
    assert!(
        links[0].contains("/w.0/") && links[1].contains("/w.1/"),
        "{links:?}"
    );
    let answer = |items: Vec<usize>, body: i64| Event::Answered {
        step: "w".to_owned(),
        items,
        answer: Arc::new(json!({ "body": body })),
    };
    for nowhere in [vec![], vec![2], vec![0, 0]] {
        assert_eq!(play.event(answer(nowhere, 9)), Turn::default());
    }
    play.event(answer(vec![1], 1));
    assert_eq!(play.event(answer(vec![1], 2)), Turn::default());
    assert_eq!(
        play.run.step_at(&plan, "w", &[0]).map(|w| w.status),
        Some(StepStatus::Waiting)
    );
    play.event(answer(vec![0], 3));
    assert_eq!(play.output("e"), json!([30, 10]));
}

#[test]
fn scripts_read_the_links_of_the_steps_that_wait() {
    let steps = json!({
        "all": map("#{ links: run.callbacks, id: run.id }"), "a": wait(json!({ "callback": {} })),
        "b": wait(json!({ "approval": {} })), "c": wait(json!({ "for": "1h" }))
    });
    let plan = plan(&document(
        steps,
        &["go > all", "all > a", "all > b", "all > c"],
        json!({}),
    ));
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    let links = play.output("all")["links"].clone();
    let ids: Vec<&String> = links.as_object().unwrap().keys().collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(links["a"], play.run.callbacks.of("a"));
    assert!(
        links["a"]
            .as_str()
            .unwrap()
            .starts_with("https://weir.invalid/callback/a/")
    );
    // A flow that waits for nobody has none.
    let none = self::plan(&document(
        json!({ "x": map("run.callbacks") }),
        &["go > x"],
        json!({}),
    ));
    let mut play = Play::new(&none);
    play.event(Event::Start);
    assert_eq!(play.output("x"), Value::Null);
}

#[test]
fn a_run_that_ends_waits_for_nobody() {
    let steps = json!({ "a": wait(json!({ "callback": {} })), "b": call("POST") });
    let plan = plan(&document(steps, &["go > a", "go > b"], json!({})));
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    play.fail("b", 1, Class::Rejected);
    assert_eq!(play.run.status, Status::Failed);
    assert_eq!(play.status("a"), StepStatus::Failed);
    assert_eq!(play.event(answered(json!({ "body": 1 }))), Turn::default());
}

#[test]
fn an_older_journal_is_read() {
    let old = json!({ "record": "waiting", "step": "a", "at": 1, "until": 2 });
    let record: Record = serde_json::from_value(old.clone()).unwrap();
    assert!(matches!(record, Record::Waiting { awaits: None, .. }));
    assert_eq!(serde_json::to_value(record).unwrap(), old);
}

#[test]
fn what_is_wrong_with_a_wait_for_an_answer_is_said_with_its_place() {
    for (config, at, code) in [
        (json!({ "callback": 1 }), "callback", "wrong_type"),
        (
            json!({ "callback": { "timeuot": "1h" } }),
            "callback/timeuot",
            "unknown_key",
        ),
        (
            json!({ "callback": { "timeout": "soon" } }),
            "callback/timeout",
            "bad_duration",
        ),
        (
            json!({ "callback": { "timeout": "400d" } }),
            "callback/timeout",
            "too_long",
        ),
        (
            json!({ "approval": { "form": { "type": "string" } } }),
            "approval/form",
            "bad_form",
        ),
        (
            json!({ "approval": { "form": { "type": "object", "properties": 1 } } }),
            "approval/form/properties",
            "schema",
        ),
        (
            json!({ "approval": { "title": "= input +" } }),
            "approval/title",
            "script",
        ),
        (json!({ "approval": {}, "callback": {} }), "", "excludes"),
    ] {
        let checked = check_value(&flow(config.clone()), &catalog(), None);
        let at = format!("/steps/a/config/{at}");
        let found = checked
            .problems
            .iter()
            .any(|p| p.at == at.trim_end_matches('/') && p.code == code);
        assert!(found, "{config}: {:?}", checked.problems);
    }
    // A rejection that leads nowhere is worth a look.
    let mut open = approval();
    let links = open["links"].as_array_mut().unwrap();
    links.retain(|link| link["port"] != "rejected");
    open["steps"].as_object_mut().unwrap().remove("bad");
    let checked = check_value(&open, &catalog(), None);
    assert!(
        !checked.has_errors() && checked.problems[0].code == "open_port",
        "{:?}",
        checked.problems
    );
}

#[test]
fn a_test_answers_by_a_mock_and_times_out_without() {
    let mut document = approval();
    let test = |name: &str, mock: Option<Value>, ran: Value| {
        let mut mocks = json!({ "send": { "output": { "n": 1 } } });
        if let Some(mock) = mock {
            mocks["a"] = mock;
        }
        json!({ "name": name, "message": {}, "mocks": mocks, "expect": { "ran": ran } })
    };
    document["tests"] = json!([
        test(
            "approved",
            Some(json!({ "output": { "decision": "approved" } })),
            json!(["send", "a", "good"])
        ),
        test(
            "rejected",
            Some(json!({ "output": { "decision": "rejected" } })),
            json!(["send", "a", "bad"])
        ),
        test("nobody", None, json!(["send", "a", "late"])),
    ]);
    for outcome in run_tests(&plan(&document), &weir_flows::script::Bounds::default()) {
        assert!(outcome.passed(), "{outcome:?}");
    }
    document["tests"][0]["mocks"]["a"] = json!({ "output": true });
    let checked = check_value(&document, &catalog(), None);
    assert_eq!(checked.problems[0].code, "bad_mock");
    assert_eq!(checked.problems[0].at, "/tests/0/mocks/a");
}
