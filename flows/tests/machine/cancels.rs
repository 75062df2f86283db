//! Tables: a person ends a run at every point that it can be at.

use std::sync::Arc;

use serde_json::{Value, json};
use weir_flows::{
    advance::{Event, Turn, lost},
    failure::Class,
    plan::Plan,
    record::Record,
    run::{Status, StepStatus},
};

use crate::tables::{Play, call, document, map, plan};

fn cancel(undo: bool) -> Event {
    Event::Cancel {
        undo,
        by: Some("Ada".into()),
        note: Some("withdrawn".into()),
    }
}

/// `a` and `b`, which can be reversed, and `c` after them.
fn booking() -> Plan {
    let undoable = |id: &str| {
        let mut step = call("PUT");
        step["undo"] = json!({ "kind": "http", "config": { "method": "DELETE", "url": format!("https://example.com/{id}") } });
        step
    };
    plan(&document(
        json!({ "a": undoable("a"), "b": undoable("b"), "c": call("GET") }),
        &["go > a", "a > b", "b > c"],
        json!({}),
    ))
}

fn commanded(turn: &Turn) -> Vec<(&str, bool)> {
    turn.commands
        .iter()
        .map(|command| (command.step.as_str(), command.undo))
        .collect()
}

#[test]
fn before_its_first_turn_a_run_ends_without_having_started() {
    let plan = booking();
    for undo in [true, false] {
        let mut play = Play::new(&plan);
        let turn = play.event(cancel(undo));
        assert!(turn.commands.is_empty());
        assert_eq!(play.run.status, Status::Cancelled);
        assert_eq!(play.event(Event::Start), Turn::default());
        let who = play.run.cancelled.as_ref().unwrap();
        assert_eq!(
            (who.by.as_deref(), who.note.as_deref()),
            (Some("Ada"), Some("withdrawn"))
        );
    }
}

#[test]
fn at_once_what_is_underway_is_given_up_and_changes_nothing_later() {
    let plan = booking();
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    play.succeed("a", 1, json!({}));
    let turn = play.event(cancel(false));
    assert!(turn.commands.is_empty(), "nothing is undone unasked");
    assert_eq!(play.run.status, Status::Cancelled);
    assert_eq!(play.status("b"), StepStatus::Failed);
    let failure = play.run.steps[1].failure.as_ref().unwrap();
    assert_eq!(failure.class, Class::Lost, "{failure}");
    assert!(failure.message.contains("cancelled"));
    assert_eq!(play.succeed("b", 1, json!({})), Turn::default());
    assert_eq!(play.event(cancel(true)), Turn::default());
    assert_eq!(play.run.status, Status::Cancelled);
}

#[test]
fn with_undo_what_is_underway_may_end_and_all_that_succeeded_is_reversed_backwards() {
    let plan = booking();
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    play.succeed("a", 1, json!({}));
    let turn = play.event(cancel(true));
    assert!(turn.commands.is_empty(), "`b` is underway");
    assert_eq!(play.event(cancel(true)), Turn::default());
    let turn = play.succeed("b", 1, json!({}));
    assert_eq!(commanded(&turn), [("b", true)], "and `c` never starts");
    let turn = play.answer("b", 1, true, Ok(Arc::default()));
    assert_eq!(commanded(&turn), [("a", true)]);
    play.answer("a", 1, true, Ok(Arc::default()));
    assert_eq!(play.run.status, Status::Cancelled);
    assert!(play.run.failure.is_none());
    assert_eq!(play.status("c"), StepStatus::Skipped);
}

#[test]
fn what_waits_for_its_next_attempt_gets_none() {
    let plan = booking();
    for undo in [true, false] {
        let mut play = Play::new(&plan);
        play.event(Event::Start);
        play.fail("a", 1, Class::Transient);
        assert_eq!(play.run.status, Status::Waiting);
        let turn = play.event(cancel(undo));
        assert!(turn.commands.is_empty());
        assert_eq!(play.run.status, Status::Cancelled);
        assert_eq!(
            play.run.steps[0].failure.as_ref().unwrap().class,
            Class::Transient
        );
        assert_eq!(play.run.wake_at(&plan), None);
    }
}

#[test]
fn a_step_that_fails_meanwhile_is_not_attempted_again_and_fails_no_run() {
    let plan = booking();
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    play.succeed("a", 1, json!({}));
    play.event(cancel(true));
    let turn = play.fail("b", 1, Class::Transient);
    assert_eq!(commanded(&turn), [("a", true)]);
    play.answer("a", 1, true, Ok(Arc::default()));
    assert_eq!(play.run.status, Status::Cancelled);
    assert!(play.run.failure.is_none());
}

#[test]
fn an_undo_is_broken_off_by_a_second_cancel_and_says_so() {
    let plan = booking();
    for waiting in [false, true] {
        let mut play = Play::new(&plan);
        play.event(Event::Start);
        play.succeed("a", 1, json!({}));
        play.succeed("b", 1, json!({}));
        play.event(cancel(true));
        play.succeed("c", 1, json!({}));
        let expected = if waiting {
            play.answer(
                "b",
                1,
                true,
                Err(weir_flows::failure::Failure::new(Class::Transient, "x")),
            );
            Class::Transient
        } else {
            Class::Lost
        };
        let turn = play.event(cancel(false));
        assert!(turn.commands.is_empty());
        assert_eq!(play.run.status, Status::Cancelled);
        let undo = play.run.steps[1].undo.as_ref().unwrap();
        assert_eq!(
            (undo.ended, undo.failure.as_ref().unwrap().class),
            (true, expected)
        );
        assert!(play.run.steps[0].undo.is_none(), "never begun");
    }
}

#[test]
fn a_run_that_is_failing_ends_as_cancelled() {
    let plan = booking();
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    play.succeed("a", 1, json!({}));
    play.fail("b", 1, Class::Rejected);
    play.event(cancel(false));
    assert_eq!(play.run.status, Status::Cancelled);
    assert!(play.run.failure.is_some(), "why it was failing stays");
}

#[test]
fn a_cancel_survives_a_crash() {
    let plan = booking();
    let mut play = Play::new(&plan);
    let mut records: Vec<Record> = play.event(Event::Start).records;
    records.extend(play.succeed("a", 1, json!({})).records);
    records.extend(play.event(cancel(true)).records);
    let text = serde_json::to_string(&records).unwrap();
    let records: Vec<Record> = serde_json::from_str(&text).unwrap();
    play.run = Play::new(&plan).run.restore(&plan, &records);
    for event in lost(&plan, &play.run) {
        let turn = play.event(event);
        assert_eq!(commanded(&turn), [("a", true)], "`b` is not made again");
    }
    play.answer("a", 1, true, Ok(Arc::default()));
    assert_eq!(play.run.status, Status::Cancelled);
}

#[test]
fn an_ended_run_stays_as_it_is() {
    let plan = plan(&document(json!({ "a": map("1") }), &["go > a"], json!({})));
    let mut play = Play::new(&plan);
    play.event(Event::Start);
    assert_eq!(play.event(cancel(false)), Turn::default());
    assert_eq!(play.run.status, Status::Succeeded);
    assert_eq!(play.output("a"), Value::from(1));
}
