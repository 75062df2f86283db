//! Plays a version for a message with mocked actions: what a run would do, without doing anything.
//!
//! The tests of a flow file are rehearsals, and so is what the editor shows while a person draws. A document that is
//! still being written has errors somewhere; its [`Sketch`] is rehearsed as far as it goes.

mod sketch;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{
    advance::{Ask, Command, Event, Stamp, Turn, advance},
    callback::{self, Callbacks},
    document::{self, Flow, Message, Mock, Mocks, Slug, Step},
    failure::Failure,
    intake::{Admission, admit},
    plan::Plan,
    problem::Problem,
    record::Record,
    run::{Identity, Run},
    script::Bounds,
};

pub use sketch::Sketch;

/// More turns than this mean a run that does not end.
const MOST_TURNS: usize = 100_000;

/// What came of a rehearsal.
#[derive(Clone, Debug)]
pub enum Rehearsed {
    /// A run, which has ended.
    Run {
        /// How it was left.
        run: Box<Run>,
        /// What was decided in it: for the items of a list of the flow only for the first.
        records: Vec<Record>,
    },
    /// The trigger's filter let no run start.
    Filtered,
    /// The message does not satisfy the trigger's schema; places are within the body.
    Refused(Vec<Problem>),
    /// The trigger's own scripts failed.
    Failed(Failure),
}

/// Plays a message that arrives at a trigger, the only one where none is named. Nobody waits: what is due later is due
/// at once, and the stamp's time moves on to it. A callback or an approval without a mock is never answered, so it times out.
///
/// # Errors
/// A sentence: there is no such trigger, or the run does not end.
pub fn rehearse(
    plan: &Plan,
    trigger: Option<&str>,
    message: Message,
    mocks: &BTreeMap<Slug, Mocks>,
    mut stamp: Stamp,
    bounds: &Bounds,
) -> Result<Rehearsed, String> {
    let id = match trigger {
        Some(id) => id,
        None => plan
            .triggers
            .keys()
            .next()
            .ok_or("the flow has no trigger")?,
    };
    let trigger = plan
        .triggers
        .get(id)
        .ok_or_else(|| format!("there is no trigger `{id}`"))?;
    let kind = plan
        .flow
        .triggers
        .get(id)
        .map_or("", |trigger| trigger.kind.as_str());
    let message = match admit(id, kind, trigger, message, stamp, bounds) {
        Admission::Accepted { message, .. } => message,
        Admission::Filtered => return Ok(Rehearsed::Filtered),
        Admission::Refused(problems) => return Ok(Rehearsed::Refused(problems)),
        Admission::Failed(failure) => return Ok(Rehearsed::Failed(failure)),
    };
    let identity = Identity {
        id: "00000000-0000-7000-8000-000000000000".to_owned(),
        flow: plan.flow.id.clone(),
        version: 0,
        workspace: "main".to_owned(),
        callbacks: Callbacks::default(),
    };
    let mut run = Run::new(plan, &identity, id, message, stamp.now_ms);
    let mut events = vec![Event::Start];
    let mut records = Vec::new();
    for _ in 0..MOST_TURNS {
        let Some(event) = events.pop() else {
            match run.wake_at(plan).filter(|_| !run.status.is_final()) {
                Some(at) => stamp.now_ms = stamp.now_ms.max(at),
                None => {
                    let run = Box::new(run);
                    return Ok(Rehearsed::Run { run, records });
                }
            }
            events.push(Event::Woke);
            continue;
        };
        stamp.dice = stamp
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let turn = advance(plan, &mut run, stamp, bounds, event);
        events.extend(answers(mocks, &turn));
        records.extend(turn.records.into_iter().filter(is_of_first));
        for command in turn.commands.into_iter().rev() {
            events.push(answer(plan, mocks, &command));
        }
        // Nobody else is there, so it is the turn of each at once.
        events.extend(turn.asks.iter().rev().map(Ask::placed));
    }
    Err(format!("the run did not end within {MOST_TURNS} turns"))
}

/// Whether a record is about no item, or about the first one of a list of the flow itself. What that one did for lists of its own is
/// kept as a whole, since their results are made of it.
fn is_of_first(record: &Record) -> bool {
    match record {
        Record::Item { index, .. } => *index == 0,
        _ => true,
    }
}

/// What a mocked action answers: its mock, else the output that is pinned to its step. An undo is never mocked and
/// succeeds with null.
pub fn answer(plan: &Plan, mocks: &BTreeMap<Slug, Mocks>, command: &Command) -> Event {
    let Command {
        step, number, undo, ..
    } = command;
    let mock = mocks
        .get(step)
        .filter(|_| !undo)
        .and_then(|mocks| mock(mocks, &command.items, *number));
    let pinned = || plan.find(step)?.pinned.clone();
    let result = match mock {
        Some(Mock::Output(value)) => Ok(Arc::new(value.clone())),
        Some(Mock::Failure(mock)) => {
            let message = if mock.message.is_empty() {
                "as the mock says".to_owned()
            } else {
                mock.message.clone()
            };
            Err(Failure {
                status: mock.status,
                body: mock.body.clone(),
                ..Failure::new(mock.class, message)
            })
        }
        None if *undo => Ok(Arc::new(Value::Null)),
        None => pinned().ok_or_else(|| {
            Failure::broken(format!("nothing says what the action `{step}` answers; add it under `mocks`, or pin an output to the step"))
        }),
    };
    command.ended(result, None)
}

/// What the steps are answered that began to wait for that in this turn: their mocks. One without a mock, or that is mocked to
/// fail, is not answered.
pub fn answers(mocks: &BTreeMap<Slug, Mocks>, turn: &Turn) -> Vec<Event> {
    let event = |record: &Record| {
        let mut items = Vec::new();
        let mut inner = record;
        while let Record::Item { index, of, .. } = inner {
            items.push(*index);
            inner = of;
        }
        let Record::Waiting {
            step,
            awaits: Some(_),
            ..
        } = inner
        else {
            return None;
        };
        let Mock::Output(answer) = mock(mocks.get(step)?, &items, 1)? else {
            return None;
        };
        Some(Event::Answered {
            step: step.clone(),
            items,
            answer: Arc::new(answer.clone()),
        })
    };
    turn.records.iter().filter_map(event).collect()
}

/// The answer to one attempt, within the items by their indices.
fn mock<'a>(mocks: &'a Mocks, items: &[usize], number: u32) -> Option<&'a Mock> {
    match mocks {
        Mocks::Same(mock) => Some(mock),
        Mocks::Each(list) => list.get(number as usize - 1).or(list.last()),
        Mocks::Items(of) => {
            let (index, inner) = items.split_first()?;
            let of = of.items.get(*index).or(of.items.last())?;
            mock(of, inner, number)
        }
    }
}

/// What each step answers where nobody says otherwise: its pinned output, else what the first test that mocks it says,
/// else null, or for a step that waits for an answer, one that lets the run go on. Nothing else is ever asked.
pub fn mocks_of(flow: &Flow) -> BTreeMap<Slug, Mocks> {
    let of = |id: &Slug, step: &Step| match &step.pinned {
        Some(output) => Mocks::Same(Mock::Output(output.clone())),
        None => flow
            .tests
            .iter()
            .find_map(|test| test.mocks.get(id).cloned())
            .unwrap_or_else(|| {
                let answer = callback::sample(step).unwrap_or_default();
                Mocks::Same(Mock::Output(answer))
            }),
    };
    let mut all = BTreeMap::new();
    document::each_step(flow, |_, id, step| {
        all.insert(id.clone(), of(id, step));
    });
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        builtin,
        catalog::{Action, Catalog, Entry, Group, Idempotent, Phrase, Presence},
        check::check_value,
        failure::Class,
        run::{Status, StepStatus},
    };

    const STAMP: Stamp = Stamp {
        now_ms: 1_767_225_600_000,
        dice: 7,
    };

    /// The kinds of the language, and one action without settings.
    fn catalog() -> Catalog {
        let mut catalog = builtin::catalog();
        catalog.steps.push(Entry {
            action: Some(Action {
                connection: Presence::Unused,
                idempotent: Idempotent::Always,
                failures: vec![Class::Transient],
                attempts: 3,
                timeout_ms: 1_000,
            }),
            ..Entry::new(
                "knock",
                Group::Action,
                "globe",
                Phrase::default(),
                Phrase::default(),
            )
        });
        catalog
    }

    /// What came of a message with the body `{"n": 2}`, as far as the document goes.
    fn sketched(document: Value) -> (Sketch, Box<Run>) {
        let catalog = catalog();
        let checked = check_value(&document, &catalog, None);
        let flow = checked.flow.unwrap();
        let sketch = Sketch::compile(&flow, &checked.problems, &catalog).unwrap();
        let message = Message {
            body: json!({"n": 2}),
            ..Message::default()
        };
        let mocks = mocks_of(&flow);
        let came = rehearse(
            &sketch.plan,
            None,
            message,
            &mocks,
            STAMP,
            &Bounds::default(),
        );
        match came {
            Ok(Rehearsed::Run { run, .. }) => (sketch, run),
            other => panic!("{other:?}"),
        }
    }

    fn status(sketch: &Sketch, run: &Run, id: &str) -> StepStatus {
        run.steps[sketch.plan.position(id).unwrap()].status
    }

    fn failure(sketch: &Sketch, run: &Run, id: &str) -> String {
        let state = &run.steps[sketch.plan.position(id).unwrap()];
        state.failure.as_ref().unwrap().message.clone()
    }

    fn flow(steps: Value, links: &[(&str, &str)]) -> Value {
        let links: Vec<Value> = links
            .iter()
            .map(|(from, to)| json!({"from": from, "to": to}))
            .collect();
        json!({
            "format": "weir/flow@1", "id": "f", "steps": steps, "links": links,
            "triggers": {"start": {"kind": "manual"}}
        })
    }

    fn map(script: &str) -> Value {
        json!({"kind": "map", "config": {"script": script}})
    }

    #[test]
    fn a_step_with_an_error_fails_and_the_rest_is_rehearsed() {
        let document = flow(
            json!({
                "double": map("input.body.n * 2"), "wrong": map("input +"), "after": map("input"),
                "beside": map("steps.double + 1"), "joined": map("input")
            }),
            &[
                ("start", "double"),
                ("double", "wrong"),
                ("wrong", "after"),
                ("double", "beside"),
                ("beside", "joined"),
                ("wrong", "joined"),
            ],
        );
        let (sketch, run) = sketched(document);
        assert_eq!(run.status, Status::Succeeded);
        assert_eq!(status(&sketch, &run, "wrong"), StepStatus::Failed);
        assert!(sketch.is_broken("wrong") && !sketch.is_broken("after"));
        assert_eq!(status(&sketch, &run, "after"), StepStatus::Skipped);
        assert_eq!(run.outputs.get("joined").unwrap().as_ref(), &json!(5));
        assert_eq!(run.outputs.get("wrong"), None);
        let failure = failure(&sketch, &run, "wrong");
        assert!(failure.contains("line 1"), "{failure}");
        // The document asks for the links' states in its own order, and keeps its own ports.
        use crate::run::LinkStatus::{Dead, Taken};
        assert_eq!(
            sketch.links_of(&run),
            [Taken, Taken, Dead, Taken, Taken, Dead]
        );
        assert_eq!(sketch.plan.flow.links[2].port(), "ok");
    }

    #[test]
    fn circles_and_links_to_nowhere_stop_only_what_they_hold() {
        let document = flow(
            json!({"first": map("1"), "a": map("2"), "b": map("3"), "behind": map("4")}),
            &[
                ("start", "gone"),
                ("start", "first"),
                ("start", "a"),
                ("a", "b"),
                ("b", "a"),
                ("b", "behind"),
            ],
        );
        let (sketch, run) = sketched(document);
        assert_eq!(run.outputs.get("first").unwrap().as_ref(), &json!(1));
        assert_eq!(status(&sketch, &run, "a"), StepStatus::Failed);
        assert_eq!(status(&sketch, &run, "b"), StepStatus::Skipped);
        assert_eq!(status(&sketch, &run, "behind"), StepStatus::Skipped);
        use crate::run::LinkStatus::{Dead, Taken};
        assert_eq!(
            sketch.links_of(&run),
            [Dead, Taken, Taken, Dead, Dead, Dead]
        );
    }

    #[test]
    fn a_trigger_with_errors_hands_on_the_message_unless_its_map_is_wrong() {
        let mut document = flow(json!({"a": map("trigger.kind")}), &[("start", "a")]);
        document["triggers"]["start"] = json!({"kind": "http", "filter": "1 +"});
        let (_, run) = sketched(document.clone());
        assert_eq!(run.outputs.get("a").unwrap().as_ref(), &json!("http"));
        document["triggers"]["start"] = json!({"kind": "manual", "map": "1 +"});
        let checked = check_value(&document, &catalog(), None);
        let sketch =
            Sketch::compile(&checked.flow.unwrap(), &checked.problems, &catalog()).unwrap();
        let came = rehearse(
            &sketch.plan,
            Some("start"),
            Message::default(),
            &BTreeMap::new(),
            STAMP,
            &Bounds::default(),
        );
        assert_eq!(came.unwrap_err(), "there is no trigger `start`");
    }

    #[test]
    fn a_body_with_an_error_is_rehearsed_as_far_as_it_goes_and_its_first_item_is_told() {
        let body = json!({
            "steps": {
                "good": map("item * 10"), "bad": map("item +"), "after": map("input"),
                "sum": map("steps.good + index"), "stray": map("1"), "back": map("2")
            },
            "links": [
                {"from": "good", "to": "sum"}, {"from": "bad", "to": "after"},
                {"from": "stray", "to": "back"}, {"from": "back", "to": "stray"}
            ],
            "layout": {"good": [0, 0], "gone": [9, 9]}
        });
        let each =
            json!({"kind": "each", "config": {"items": "= [input.body.n, 5]", "body": body}});
        let document = flow(
            json!({"all": each, "then": map("input")}),
            &[("start", "all"), ("all", "then")],
        );
        let checked = check_value(&document, &catalog(), None);
        let flow = checked.flow.unwrap();
        let places: Vec<&str> = checked.problems.iter().map(|p| p.at.as_str()).collect();
        assert!(
            places.contains(&"/steps/all/config/body/layout/gone"),
            "{places:?}"
        );
        let sketch = Sketch::compile(&flow, &checked.problems, &catalog()).unwrap();
        let message = Message {
            body: json!({"n": 2}),
            ..Message::default()
        };
        let (mocks, bounds) = (mocks_of(&flow), Bounds::default());
        let came = rehearse(&sketch.plan, None, message, &mocks, STAMP, &bounds);
        let Ok(Rehearsed::Run { run, records }) = came else {
            panic!("{came:?}")
        };
        assert_eq!(status(&sketch, &run, "all"), StepStatus::Succeeded);
        assert!(!sketch.is_broken("all"));
        let looked = run
            .items_of(&sketch.plan, &records, "all", &[], 0..2)
            .unwrap();
        assert_eq!(
            (looked.total, looked.items.len()),
            (2, 1),
            "only the first is told"
        );
        let item = &looked.items[0];
        let state = |id: &str| item.steps[looked.body.position(id).unwrap()].status;
        let given = |id: &str| item.outputs.get(id).map(|output| Value::clone(output));
        assert_eq!(
            (given("good"), given("sum")),
            (Some(json!(20)), Some(json!(20)))
        );
        assert_eq!(state("bad"), StepStatus::Failed);
        assert_eq!(state("after"), StepStatus::Skipped);
    }

    #[test]
    fn an_action_answers_with_its_pin_then_its_test_then_nothing() {
        let mut document = flow(
            json!({
                "pinned": {"kind": "knock", "pinned": "pin"}, "tested": {"kind": "knock"}, "other": {"kind": "knock"}
            }),
            &[("start", "pinned"), ("start", "tested"), ("start", "other")],
        );
        document["tests"] = json!([
            {"name": "mocks nothing"},
            {"name": "mocks two", "mocks": {
                "pinned": {"output": "test"},
                "tested": [{"failure": {"class": "transient"}}, {"output": "second"}]
            }}
        ]);
        let (sketch, run) = sketched(document);
        let output = |id: &str| Value::clone(run.outputs.get(id).unwrap());
        assert_eq!(output("pinned"), "pin");
        assert_eq!(output("other"), Value::Null);
        // The first answer was a passing failure, so a second attempt was made, at once.
        assert_eq!(output("tested"), "second");
        let tested = &run.steps[sketch.plan.position("tested").unwrap()];
        assert_eq!(tested.calls.attempts.len(), 2);
    }

    #[test]
    fn a_message_may_be_filtered_or_refused_or_break_the_trigger() {
        let came = |trigger: Value| {
            let mut document = flow(json!({"a": map("input")}), &[("start", "a")]);
            document["triggers"]["start"] = trigger;
            let plan = check_value(&document, &catalog(), None).plan.unwrap();
            rehearse(
                &plan,
                None,
                Message::default(),
                &BTreeMap::new(),
                STAMP,
                &Bounds::default(),
            )
        };
        let filtered = came(json!({"kind": "manual", "filter": "trigger.body != ()"}));
        assert!(matches!(filtered, Ok(Rehearsed::Filtered)));
        let refused = came(json!({"kind": "manual", "schema": {"type": "object"}}));
        assert!(matches!(refused, Ok(Rehearsed::Refused(problems)) if problems[0].code == "type"));
        let failed = came(json!({"kind": "manual", "map": "trigger.body.order"}));
        assert!(matches!(failed, Ok(Rehearsed::Failed(failure)) if failure.at.is_some()));
    }
}
