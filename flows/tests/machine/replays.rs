//! Tables: what a replay takes over, what it does again, and what it says beforehand.

use std::sync::Arc;

use serde_json::{Value, json};
use weir_flows::{
    advance::{Event, Turn},
    callback::Callbacks,
    failure::{Class, Failure},
    plan::Plan,
    record::Record,
    replay::{Begin, Fate, Old, Replay, prepare, writes},
    run::{Identity, Run, Status, StepStatus},
    script::Bounds,
};

use crate::tables::{Play, call, document, map, plan};

/// A run with its journal.
struct Story<'a> {
    play: Play<'a>,
    records: Vec<Record>,
}

impl<'a> Story<'a> {
    fn new(plan: &'a Plan) -> Self {
        let mut story = Story {
            play: Play::new(plan),
            records: Vec::new(),
        };
        story.event(Event::Start);
        story
    }

    fn event(&mut self, event: Event) -> Turn {
        let turn = self.play.event(event);
        self.records.extend(turn.records.clone());
        turn
    }

    fn answer(&mut self, step: &str, undo: bool, result: Result<Value, Class>) -> Turn {
        self.event(Event::Attempted {
            step: step.into(),
            items: Vec::new(),
            number: 1,
            undo,
            result: result
                .map(Arc::new)
                .map_err(|class| Failure::new(class, "x")),
            exchange: None,
        })
    }

    fn old(&self) -> Old<'_> {
        Old {
            plan: self.play.plan,
            run: &self.play.run,
            records: &self.records,
        }
    }

    fn prepare(
        &self,
        plan: &Plan,
        begin: &Begin,
        happened: Option<(&str, Value)>,
    ) -> Result<Replay, String> {
        let happened = happened.map(|(step, output)| (step, Arc::new(output)));
        prepare(plan, &fresh(plan), self.old(), begin, happened)
    }

    /// Replays and gives the new run after its first turn, with what it commands.
    fn replay<'b>(
        &self,
        plan: &'b Plan,
        begin: &Begin,
        happened: Option<(&str, Value)>,
    ) -> (Story<'b>, Vec<String>) {
        let taken = self.prepare(plan, begin, happened).unwrap().taken;
        let record = Record::Replay {
            at: 0,
            origin: "r".into(),
            by: None,
            note: None,
            taken,
        };
        let text = serde_json::to_string(&record).unwrap();
        let record: Record = serde_json::from_str(&text).unwrap();
        let mut story = Story {
            play: Play {
                plan,
                run: fresh(plan),
                now: 0,
                bounds: Bounds::default(),
            },
            records: vec![record.clone()],
        };
        story.play.run.apply(plan, &record);
        let turn = story.event(Event::Start);
        let restored = fresh(plan).restore(plan, &story.records);
        assert_eq!(restored.steps, story.play.run.steps);
        let commands = turn.commands.into_iter();
        (story, commands.map(|command| command.step).collect())
    }
}

fn fresh(plan: &Plan) -> Run {
    let identity = Identity {
        callbacks: Callbacks::default(),
        id: "new".into(),
        flow: "t".into(),
        version: 1,
        workspace: "main".into(),
    };
    Run::new(
        plan,
        &identity,
        "go",
        Arc::new(json!({ "body": { "n": 2 } })),
        0,
    )
}

fn fates(replay: &Replay) -> Vec<Fate> {
    replay.fates.clone()
}

/// `a` writes, `b` passes on what `a` gave, `c` writes, and `d` comes after it.
fn chain() -> Plan {
    plan(&document(
        json!({ "a": call("POST"), "b": { "kind": "branch", "config": { "cases": [ { "port": "x", "when": "true" } ] } },
            "c": call("POST"), "d": map("[trigger.body.n, steps.b.id, steps.c.id]") }),
        &["go > a", "a > b", "b.x > c", "c > d"],
        json!({}),
    ))
}

fn failed(plan: &Plan, class: Class) -> Story<'_> {
    let mut story = Story::new(plan);
    story.answer("a", false, Ok(json!({ "id": 7 })));
    story.answer("c", false, Err(class));
    assert_eq!(story.play.run.status, Status::Failed);
    story
}

#[test]
fn from_the_failure_what_ended_well_is_taken_over_and_not_made_again() {
    let plan = chain();
    let story = failed(&plan, Class::Rejected);
    let replay = story.prepare(&plan, &Begin::Failure, None).unwrap();
    use Fate::{Again, First, TakenOver};
    assert_eq!(fates(&replay), [TakenOver, TakenOver, Again, First]);
    let planned = writes(&plan, story.old(), &replay);
    assert_eq!(planned.len(), 1, "`a` is not made again");
    let write = &planned[0];
    assert_eq!(
        (
            write.step.as_str(),
            write.method.as_deref(),
            write.target.as_deref(),
            write.again,
            write.may_have_happened
        ),
        ("c", Some("POST"), Some("https://example.com"), true, false)
    );
    let (mut new, commands) = story.replay(&plan, &Begin::Failure, None);
    assert_eq!(commands, ["c"]);
    assert!(new.play.run.steps[0].taken_over && new.play.run.steps[0].calls.attempts.is_empty());
    assert!(!new.play.run.steps[2].taken_over);
    new.answer("c", false, Ok(json!({ "id": 8 })));
    assert_eq!(new.play.run.status, Status::Succeeded);
    assert_eq!(new.play.output("d"), json!([2, 7, 8]));
    assert_eq!(new.play.run.origin.as_deref(), Some("r"));
}

#[test]
fn from_the_start_or_a_step_the_rest_is_done_again() {
    let plan = chain();
    let story = failed(&plan, Class::Rejected);
    let (_, commands) = story.replay(&plan, &Begin::Start, None);
    assert_eq!(commands, ["a"]);
    let replay = story.prepare(&plan, &Begin::Start, None).unwrap();
    let writes = writes(&plan, story.old(), &replay);
    assert_eq!(writes.iter().filter(|write| write.again).count(), 2);
    let (_, commands) = story.replay(&plan, &Begin::Step("b".into()), None);
    assert_eq!(commands, ["c"]);
    let unknown = story.prepare(&plan, &Begin::Step("z".into()), None);
    assert!(unknown.unwrap_err().contains("`z`"));
}

#[test]
fn what_may_have_happened_takes_both_answers() {
    let plan = chain();
    let story = failed(&plan, Class::Lost);
    let replay = story.prepare(&plan, &Begin::Failure, None).unwrap();
    assert!(writes(&plan, story.old(), &replay)[0].may_have_happened);
    let (_, commands) = story.replay(&plan, &Begin::Failure, None);
    assert_eq!(commands, ["c"], "it did not");
    let told = Some(("c", json!({ "id": 9 })));
    let (new, commands) = story.replay(&plan, &Begin::Failure, told);
    assert!(commands.is_empty(), "it did");
    assert_eq!(new.play.run.status, Status::Succeeded);
    assert_eq!(new.play.output("d"), json!([2, 7, 9]));
}

#[test]
fn what_is_known_cannot_be_told_otherwise() {
    let plan = chain();
    let story = failed(&plan, Class::Rejected);
    for step in ["a", "c", "d"] {
        let told = story.prepare(&plan, &Begin::Failure, Some((step, json!(1))));
        assert!(told.unwrap_err().contains("it is known"), "{step}");
    }
    let story = failed(&plan, Class::Lost);
    let after = story.prepare(&plan, &Begin::Step("a".into()), Some(("c", json!(1))));
    assert!(after.unwrap_err().contains("done again"));
}

#[test]
fn what_was_reversed_is_made_again_with_all_that_comes_after_it() {
    let mut first = call("POST");
    first["undo"] =
        json!({ "kind": "http", "config": { "method": "DELETE", "url": "https://example.com" } });
    let plan = plan(&document(
        json!({ "a": first, "b": call("POST"), "c": call("POST"), "p": call("POST") }),
        &["go > a", "go > p", "a > b", "b > c"],
        json!({}),
    ));
    for (undo, expected) in [
        (Ok(json!(null)), vec!["a"]),
        // What could not be reversed still stands.
        (Err(Class::Rejected), vec!["c"]),
    ] {
        let mut story = Story::new(&plan);
        for step in ["p", "a", "b"] {
            story.answer(step, false, Ok(json!({})));
        }
        story.answer("c", false, Err(Class::Rejected));
        story.answer("a", true, undo);
        assert_eq!(story.play.run.status, Status::Failed);
        let (_, commands) = story.replay(&plan, &Begin::Failure, None);
        assert_eq!(commands, expected, "and `p` is never made again");
    }
}

#[test]
fn ways_not_taken_stay_so_and_handled_failures_are_taken_over() {
    let plan = plan(&document(
        json!({ "a": call("POST"), "repair": map("error.class"), "usual": map("1"), "c": call("POST") }),
        &["go > a", "a.error > repair", "a > usual", "repair > c"],
        json!({}),
    ));
    let mut story = Story::new(&plan);
    story.answer("a", false, Err(Class::Rejected));
    story.answer("c", false, Err(Class::Rejected));
    let replay = story.prepare(&plan, &Begin::Failure, None).unwrap();
    // In the order of the plan: a, repair, c, usual.
    let expected = [Fate::TakenOver, Fate::TakenOver, Fate::Again, Fate::Skipped];
    assert_eq!(fates(&replay), expected);
    let (new, commands) = story.replay(&plan, &Begin::Failure, None);
    assert_eq!(commands, ["c"]);
    assert_eq!(new.play.output("repair"), "rejected");
    assert_eq!(new.play.status("usual"), StepStatus::Skipped);
}

#[test]
fn on_a_newer_version_what_is_new_runs_with_all_after_it() {
    let old = chain();
    let story = failed(&old, Class::Rejected);
    let fixed = plan(&document(
        json!({ "a": call("POST"), "b": { "kind": "branch", "config": { "cases": [ { "port": "x", "when": "true" } ] } },
            "new": map("#{ id: 1 }"), "c": call("PUT") }),
        &["go > a", "a > b", "b.x > new", "new > c"],
        json!({}),
    ));
    let (new, commands) = story.replay(&fixed, &Begin::Failure, None);
    assert_eq!(commands, ["c"]);
    assert!(new.play.run.steps[0].taken_over, "`a` is not made again");
    assert_eq!(new.play.output("new"), json!({ "id": 1 }));
}

#[test]
fn a_replay_of_a_replay_takes_over_what_that_took_over() {
    let plan = chain();
    let first = failed(&plan, Class::Rejected);
    let (mut second, _) = first.replay(&plan, &Begin::Failure, None);
    second.answer("c", false, Err(Class::Rejected));
    let (mut third, commands) = second.replay(&plan, &Begin::Failure, None);
    assert_eq!(commands, ["c"]);
    third.answer("c", false, Ok(json!({ "id": 8 })));
    assert_eq!(third.play.output("d"), json!([2, 7, 8]));
}

#[test]
fn a_cancelled_run_goes_on_where_it_was_cut_off() {
    let plan = chain();
    let mut story = Story::new(&plan);
    story.answer("a", false, Ok(json!({ "id": 7 })));
    story.event(Event::Cancel {
        undo: false,
        by: None,
        note: None,
    });
    let (_, commands) = story.replay(&plan, &Begin::Failure, None);
    assert_eq!(commands, ["c"]);
    let replay = story.prepare(&plan, &Begin::Failure, None).unwrap();
    assert!(writes(&plan, story.old(), &replay)[0].may_have_happened);
}

/// `all` writes for two items, which can be reversed, and `after` writes once more.
fn loops() -> Plan {
    let mut book = call("POST");
    book["undo"] = json!({ "kind": "http", "config": { "method": "DELETE", "url": "= `https://example.com/${output}/${item}`" } });
    let body = json!({ "steps": { "book": book, "note": map("input + item") }, "links": [{ "from": "book", "to": "note" }] });
    let each = json!({ "kind": "each", "config": { "items": "= [10, 20]", "body": body } });
    plan(&document(
        json!({ "all": each, "after": call("POST"), "last": map("steps.all") }),
        &["go > all", "all > after", "after > last"],
        json!({}),
    ))
}

impl Story<'_> {
    /// The attempt of `book` for an item ends.
    fn book(&mut self, index: usize, undo: bool, result: Result<Value, Class>) -> Turn {
        self.event(Event::Attempted {
            step: "book".into(),
            items: vec![index],
            number: 1,
            undo,
            result: result
                .map(Arc::new)
                .map_err(|class| Failure::new(class, "x")),
            exchange: None,
        })
    }
}

#[test]
fn items_that_ended_are_taken_over_with_their_step_and_can_still_be_reversed() {
    let plan = loops();
    let mut story = Story::new(&plan);
    story.book(0, false, Ok(json!(1)));
    story.book(1, false, Ok(json!(2)));
    // Nothing of it is reversed yet: the run is cancelled at once.
    story.event(Event::Cancel {
        undo: false,
        by: None,
        note: None,
    });
    assert_eq!(story.play.run.status, Status::Cancelled);
    let replay = story.prepare(&plan, &Begin::Failure, None).unwrap();
    use Fate::{Again, First, TakenOver};
    assert_eq!(fates(&replay), [TakenOver, Again, First]);
    let (mut new, commands) = story.replay(&plan, &Begin::Failure, None);
    assert_eq!(commands, ["after"]);
    assert_eq!(new.play.output("all"), json!([11, 22]));
    let turn = new.answer("after", false, Err(Class::Rejected));
    let undo = &turn.commands[0];
    assert_eq!(
        (&undo.items, undo.undo, &undo.config["url"]),
        (&vec![1], true, &json!("https://example.com/2/20"))
    );
    let turn = new.book(1, true, Ok(json!(null)));
    assert_eq!(turn.commands[0].items, [0]);
    new.book(0, true, Ok(json!(null)));
    assert_eq!(new.play.run.status, Status::Failed);
}

#[test]
fn from_an_each_step_all_its_items_are_done_again_and_its_writes_are_told() {
    let plan = loops();
    let mut story = Story::new(&plan);
    story.book(0, false, Ok(json!(1)));
    story.book(1, false, Err(Class::TimedOut));
    story.book(0, true, Ok(json!(null)));
    assert_eq!(story.play.run.status, Status::Failed);
    for begin in [Begin::Failure, Begin::Step("all".into())] {
        let replay = story.prepare(&plan, &begin, None).unwrap();
        let told: Vec<_> = writes(&plan, story.old(), &replay)
            .into_iter()
            .map(|write| (write.step, write.again, write.may_have_happened))
            .collect();
        let book = ("book".to_owned(), true, true);
        assert_eq!(told, [book, ("after".to_owned(), false, false)]);
        let (_, commands) = story.replay(&plan, &begin, None);
        assert_eq!(commands, ["book"]);
    }
    let inside = story.prepare(&plan, &Begin::Step("book".into()), None);
    assert!(inside.unwrap_err().contains("body of `all`"));
    // What was reversed is done again, though its step had ended well.
    let mut story = Story::new(&plan);
    story.book(0, false, Ok(json!(1)));
    story.book(1, false, Ok(json!(2)));
    story.answer("after", false, Err(Class::Rejected));
    story.book(1, true, Ok(json!(null)));
    story.book(0, true, Ok(json!(null)));
    let (_, commands) = story.replay(&plan, &Begin::Failure, None);
    assert_eq!(commands, ["book"]);
}
