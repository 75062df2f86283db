//! Generated flows, played with failures, reordered answers and crashes, against the invariants of a run.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value, json};
use weir_flows::{
    advance::{Ask, Command, Event, Turn, asks, lost},
    document::Join,
    failure::{Class, Failure},
    plan::{Body, Origin, Plan, Wait},
    record::Record,
    run::{LinkStatus, Run, Status, StepStatus},
};

use crate::{
    loops::{self, flat},
    tables::{Play, plan},
};

/// How many flows are generated and played.
const SEEDS: u64 = 3_000;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.roll(n) == 0
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.roll(items.len() as u64) as usize].clone()
    }
}

fn generate(dice: &mut Dice) -> Value {
    let count = 1 + dice.roll(9) as usize;
    let (steps, links) = graph(dice, "s", count, Some("go"), 0);
    let mut document = json!({ "format": "weir/flow@1", "id": "g", "triggers": { "go": { "kind": "manual" } }, "steps": steps, "links": links });
    if dice.one_in(4) {
        document["settings"] = json!({ "timeout": "30s" });
    }
    document
}

/// Steps with ids that begin so, and links among them. Without an entry the first steps have no link, as in a body.
fn graph(
    dice: &mut Dice,
    prefix: &str,
    count: usize,
    entry: Option<&str>,
    loops: usize,
) -> (Map<String, Value>, Vec<Value>) {
    let mut steps: Map<String, Value> = Map::new();
    let mut links = BTreeSet::new();
    for i in 0..count {
        let id = format!("{prefix}{i}");
        steps.insert(id.clone(), step(dice, &id, loops));
        for _ in 0..1 + dice.roll(3) {
            let from = dice.roll(i as u64 + 1) as usize;
            if from == i {
                links.extend(entry.map(|entry| (entry.to_owned(), "ok", id.clone())));
            } else {
                let from = format!("{prefix}{from}");
                let port = match steps[&from]["kind"].as_str() {
                    Some("branch") => dice.pick(&["x", "y", "error"]),
                    Some("wait") if steps[&from]["config"].get("approval").is_some() => {
                        dice.pick(&["ok", "rejected", "error"])
                    }
                    _ => dice.pick(&["ok", "ok", "error"]),
                };
                links.insert((from, port, id.clone()));
            }
        }
    }
    let link = |(from, port, to)| json!({ "from": from, "port": port, "to": to });
    (steps, links.into_iter().map(link).collect())
}

fn step(dice: &mut Dice, id: &str, loops: usize) -> Value {
    let mut step = match dice.roll(8) {
        0 => json!({ "kind": "map", "config": { "script": "#{ was: type_of(input) }" } }),
        1 => json!({ "kind": "map", "config": { "script": "throw \"no\"" } }),
        2 => json!({ "kind": "branch", "config": { "mode": dice.pick(&["first", "all"]),
                "cases": [ { "port": "x", "when": dice.pick(&["true", "false"]) }, { "port": "y", "when": "true" } ] } }),
        4 => {
            let span = dice.pick(&["0s", "2s", "40s"]);
            let config = match dice.roll(3) {
                0 => json!({ "for": span }),
                1 => json!({ "callback": { "timeout": span } }),
                _ => json!({ "approval": { "timeout": span } }),
            };
            json!({ "kind": "wait", "config": config })
        }
        3 if loops < 3 => {
            let count = 1 + dice.roll(3) as usize;
            let (steps, links) = graph(dice, &format!("{id}-"), count, None, loops + 1);
            let items: Vec<u64> = (0..dice.roll(5)).collect();
            json!({ "kind": "each", "config": { "items": items, "body": { "steps": steps, "links": links },
                "concurrency": 1 + dice.roll(3), "on_item_error": dice.pick(&["stop", "collect"]) } })
        }
        _ => {
            let mut step = json!({ "kind": "http", "config": { "method": dice.pick(&["GET", "POST", "PUT"]), "url": "https://example.com" } });
            if dice.one_in(2) {
                step["retry"] = json!({ "attempts": 1 + dice.roll(3) });
            }
            limit(dice, &mut step);
            if dice.one_in(3) {
                step["undo"] = json!({ "kind": "http", "config": { "method": "DELETE", "url": "= output.url" } });
            }
            step
        }
    };
    if dice.one_in(5) {
        step["on_error"] = json!("continue");
    }
    if dice.one_in(5) {
        step["join"] = json!("any");
    }
    step
}

/// Policies for some of the actions.
fn limit(dice: &mut Dice, step: &mut Value) {
    if dice.one_in(4) {
        step["concurrency"] = json!({ "limit": 1, "key": "input.to_json()" });
    }
    if dice.one_in(6) {
        step["rate"] = json!({ "limit": 1, "per": "1s" });
    }
    if dice.one_in(6) {
        step["cache"] = json!({ "ttl": "1m" });
    }
    if dice.one_in(6) {
        step["deadline"] = json!("3s");
    }
}

/// What is underway, and what waits for its turn.
#[derive(Default)]
struct Open {
    commands: Vec<Command>,
    asks: Vec<Ask>,
}

impl Open {
    fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.asks.is_empty()
    }
}

/// A whole play: what was recorded and commanded.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) records: Vec<Record>,
    pub(crate) commands: Vec<Command>,
}

impl Story {
    fn take(&mut self, turn: Turn, open: &mut Open) {
        self.records.extend(turn.records);
        self.commands.extend(turn.commands.iter().cloned());
        open.commands.extend(turn.commands);
        open.asks.extend(turn.asks);
    }
}

fn play<'a>(plan: &'a Plan, dice: &mut Dice) -> (Play<'a>, Story) {
    let mut play = Play::new(plan);
    if dice.one_in(3) {
        // Turns that end before all is done that could be done.
        play.bounds.operations = 100;
    }
    let mut story = Story::default();
    let mut open = Open::default();
    story.take(play.event(Event::Start), &mut open);
    let mut turns = 0;
    while !play.run.status.is_final() {
        turns += 1;
        assert!(turns < 20_000, "the run does not end");
        play.now += dice.roll(500) as i64;
        if dice.one_in(60) {
            let undo = dice.one_in(2);
            let cancel = || Event::Cancel {
                undo,
                by: None,
                note: None,
            };
            story.take(play.event(cancel()), &mut open);
            let again = play.event(cancel());
            assert!(
                undo && again == Turn::default() || play.run.status == Status::Cancelled,
                "a run that is cancelled without undo ends at once"
            );
            continue;
        }
        if dice.one_in(12) {
            // A crash: the state comes back from the journal, and what was underway is lost.
            play.run = Play::new(plan).run.restore(plan, &story.records);
            open = Open {
                asks: asks(plan, &play.run),
                ..Open::default()
            };
            for event in lost(plan, &play.run) {
                story.take(play.event(event), &mut open);
            }
            continue;
        }
        if !open.asks.is_empty() && dice.one_in(2) {
            let ask = open.asks.remove(dice.roll(open.asks.len() as u64) as usize);
            let cached = ask.keys.cache.is_some() || dice.one_in(3);
            let step = plan.find(&ask.step).unwrap();
            let cache = step.limits.as_ref().unwrap().cache.is_some() && !ask.undo;
            let event = match cached && cache {
                true => ask.cached(Arc::new(json!({ "url": "https://example.com/0" }))),
                false => ask.placed(),
            };
            story.take(play.event(event.clone()), &mut open);
            if play.run.wake_at(plan).is_none_or(|at| at > play.now) {
                assert_eq!(play.event(event), Turn::default(), "it is its turn once");
            }
            continue;
        }
        if dice.one_in(4)
            && let Some(answer) = some_answer(plan, dice)
        {
            // Early, on time, or too late; and a second one never counts.
            let first = play.event(answer.clone());
            let taken = first.records.iter().any(is_answer);
            story.take(first, &mut open);
            let again = play.event(answer);
            // The item that it is for may have come only now.
            let twice = taken && again.records.iter().any(is_answer);
            assert!(!twice, "answered twice");
            story.take(again, &mut open);
            continue;
        }
        if open.is_empty() {
            let at = play
                .run
                .wake_at(plan)
                .expect("a run that has not ended waits for an answer or a time");
            play.now = play.now.max(at);
            story.take(play.event(Event::Woke), &mut open);
            continue;
        }
        if open.commands.is_empty() {
            continue;
        }
        let command = open
            .commands
            .remove(dice.roll(open.commands.len() as u64) as usize);
        let result = if dice.one_in(3) {
            let class = dice.pick(&[
                Class::Transient,
                Class::RateLimited,
                Class::TimedOut,
                Class::Rejected,
            ]);
            Err(Failure {
                retry_after_ms: dice.one_in(4).then_some(5_000),
                ..Failure::new(class, "x")
            })
        } else {
            Ok(Arc::new(
                json!({ "url": "https://example.com/1", "of": command.step.clone() }),
            ))
        };
        let answer = command.ended(result, None);
        story.take(play.event(answer.clone()), &mut open);
        let idle = play.run.wake_at(plan).is_none_or(|at| at > play.now);
        if dice.one_in(6) && idle {
            assert_eq!(
                play.event(answer),
                Turn::default(),
                "a double answer changes nothing"
            );
        }
    }
    (play, story)
}

/// An answer to some step that waits for one, for some items.
fn some_answer(plan: &Plan, dice: &mut Dice) -> Option<Event> {
    let (mut here, mut items) = (plan, Vec::new());
    loop {
        let step = dice.roll(here.steps.len() as u64) as usize;
        if let Some(each) = here.each(step) {
            items.push(dice.roll(4) as usize);
            here = &each.body;
            continue;
        }
        let step = &here.steps[step];
        step.awaited()?;
        let decision = dice.pick(&["approved", "rejected"]);
        return Some(Event::Answered {
            step: step.id.clone(),
            items,
            answer: Arc::new(json!({ "decision": decision })),
        });
    }
}

fn is_answer(record: &Record) -> bool {
    matches!(record.innermost(), Record::Answered { .. })
}

/// A step that waits for an answer succeeds by its first one, and by nothing else.
fn answers(plan: &Plan, story: &Story) {
    let mut answered = std::collections::HashMap::new();
    for (path, record) in story.records.iter().map(flat) {
        match record {
            Record::Answered { step, answer, .. } => {
                let before = answered.insert((path, step), answer);
                assert!(before.is_none(), "{step} was answered twice");
            }
            Record::Succeeded { step, ports, .. } => {
                let Some(awaited) = plan.find(step).unwrap().awaited() else {
                    continue;
                };
                let answer = answered.get(&(path, step));
                let answer = answer.expect("only an answer ends a wait for one well");
                let rejected =
                    answer["decision"] == "rejected" && matches!(awaited, Wait::Approval { .. });
                let port = rejected.then(|| vec!["rejected".to_owned()]);
                assert_eq!(*ports, port, "{step}");
            }
            Record::Failed { step, .. } => assert!(
                !answered.contains_key(&(path, step)),
                "{step} was answered, and failed"
            ),
            _ => {}
        }
    }
}

fn check(plan: &Plan, run: &Run, story: &Story) {
    answers(plan, story);
    // The state is what its records say.
    let restored = Play::new(plan).run.restore(plan, &story.records);
    assert_eq!(
        (&restored.steps, &restored.links, restored.status),
        (&run.steps, &run.links, run.status)
    );
    assert_eq!(restored.completed, run.completed);
    for i in 0..plan.steps.len() {
        assert_eq!(restored.outputs.at(i), run.outputs.at(i));
    }
    // Nothing is left open.
    assert!(run.links.iter().all(|link| *link != LinkStatus::Pending));
    assert_eq!(run.wake_at(plan), None);
    for (i, (step, state)) in plan.steps.iter().zip(&run.steps).enumerate() {
        assert!(
            matches!(
                state.status,
                StepStatus::Succeeded | StepStatus::Failed | StepStatus::Skipped
            ),
            "{} is {:?}",
            step.id,
            state.status
        );
        // Success is recorded once, and not beside a failure.
        let ends = story.records.iter().filter(|r| matches!(r, Record::Succeeded { step: s, .. } | Record::Failed { step: s, .. } if *s == step.id)).count();
        assert!(ends <= 1, "{} ended {ends} times", step.id);
        assert_eq!(
            state.status == StepStatus::Succeeded,
            run.outputs.at(i).is_some()
        );
        if let (Some(items), Some(output)) = (&state.items, run.outputs.at(i)) {
            assert_eq!(items.underway(), 0);
            assert_eq!(items.done + items.failed, items.total);
            loops::results(plan, story, &step.id, output);
        }
        // What ran had a taken link; without `join: any`, everything before it was decided first.
        if state.status != StepStatus::Skipped {
            assert!(
                step.incoming
                    .iter()
                    .any(|link| run.links[*link] == LinkStatus::Taken),
                "{} ran without a taken link",
                step.id
            );
            if step.join == Join::All {
                for link in &step.incoming {
                    if let Origin::Step(from) = plan.links[*link].from {
                        assert!(
                            run.steps[from].ended_at.is_some()
                                || run.steps[from].status == StepStatus::Skipped
                        );
                    }
                }
            }
        } else if run.status == Status::Succeeded {
            assert!(
                step.incoming
                    .iter()
                    .all(|link| run.links[*link] == LinkStatus::Dead),
                "{} was skipped with a taken link",
                step.id
            );
        }
        attempts(step.id.as_str(), &step.body, state, plan, i);
    }
    loops::check(plan, story);
    undo(plan, run, story);
    let last = story
        .records
        .iter()
        .filter(|r| matches!(r, Record::Ended { .. }))
        .count();
    assert!(last == 1 && matches!(story.records.last(), Some(Record::Ended { .. })));
    match run.status {
        Status::Failed => assert!(run.failure.is_some() && run.cancelled.is_none()),
        Status::Succeeded => assert!(!run.is_stopping()),
        _ => assert!(run.cancelled.is_some()),
    }
}

fn attempts(id: &str, body: &Body, state: &weir_flows::run::StepState, plan: &Plan, i: usize) {
    let Body::Action(action) = body else {
        assert!(state.calls.attempts.is_empty());
        return;
    };
    assert!(
        state.calls.attempts.len() <= action.retry.attempts as usize,
        "{id}: too many attempts"
    );
    let method = plan.flow.steps[&plan.steps[i].id].config["method"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    for (earlier, later) in state
        .calls
        .attempts
        .iter()
        .zip(state.calls.attempts.iter().skip(1))
    {
        let failure = earlier
            .failure
            .as_ref()
            .expect("only a failed attempt is followed by another");
        assert!(
            method != "POST" || failure.class != Class::Lost,
            "{id}: what may have happened was done again"
        );
        assert!(
            earlier.retry_at.expect("its time was set") <= later.started_at,
            "{id}: an attempt came early"
        );
        let asked = failure.retry_after_ms.unwrap_or(0) as i64;
        assert!(
            later.started_at - earlier.ended_at.expect("it ended") >= asked,
            "{id}: the other side's wish was not kept"
        );
    }
}

fn undo(plan: &Plan, run: &Run, story: &Story) {
    let mut undone = Vec::new();
    let mut wanted = Vec::new();
    for (path, record) in story.records.iter().map(flat) {
        match record {
            Record::Undone { step, .. } => undone.push((path, step)),
            Record::Succeeded {
                step,
                cached: false,
                ..
            } if plan.find(step).unwrap().undo.is_some() => {
                wanted.insert(0, (path, step));
            }
            _ => {}
        }
    }
    let cancelled_at_once = run.cancelled.as_ref().is_some_and(|it| !it.undo);
    if cancelled_at_once {
        assert!(wanted.starts_with(&undone), "{undone:?} of {wanted:?}");
    } else if run.is_stopping() {
        assert_eq!(
            undone, wanted,
            "undo runs for all that succeeded, backwards"
        );
    } else {
        assert!(undone.is_empty());
    }
    // Nothing new starts once the run is failing or cancelled.
    let failing = story
        .records
        .iter()
        .position(|r| matches!(r, Record::Failing { .. } | Record::Cancelling { .. }))
        .unwrap_or(story.records.len());
    assert!(
        story.records[failing..].iter().all(|r| !matches!(
            r.innermost(),
            Record::Queued { undo: false, .. }
                | Record::Attempt { undo: false, .. }
                | Record::Items { .. }
        )),
        "something started while the run was stopping"
    );
}

#[test]
fn generated_flows_keep_every_promise() {
    let (mut succeeded, mut failed, mut cancelled) = (0, 0, 0);
    let seeds = std::env::var("WEIR_PROVE_RUNS").map_or(SEEDS, |runs| runs.parse().unwrap());
    for seed in 0..seeds {
        let outcome = std::panic::catch_unwind(|| {
            let mut dice = Dice(seed);
            let document = generate(&mut dice);
            let plan = plan(&document);
            let (play, story) = play(&plan, &mut dice);
            check(&plan, &play.run, &story);
            play.run.status
        });
        match outcome {
            Ok(Status::Succeeded) => succeeded += 1,
            Ok(Status::Cancelled) => cancelled += 1,
            Ok(_) => failed += 1,
            Err(_) => panic!(
                "seed {seed} breaks a promise; its flow:\n{:#}",
                generate(&mut Dice(seed))
            ),
        }
    }
    println!(
        "{seeds} generated runs: {succeeded} succeeded, {failed} failed, {cancelled} cancelled"
    );
    // A generator that only makes one kind of run proves little.
    assert!(
        succeeded > 200 && failed > 200 && cancelled > 100,
        "{succeeded} succeeded, {failed} failed, {cancelled} cancelled"
    );
}
