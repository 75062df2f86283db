//! Tables: the `each` step, rule by rule.

use std::sync::Arc;

use serde_json::{Value, json};
use weir_flows::{
    advance::{Command, Event, Turn, lost},
    failure::{Class, Failure},
    plan::Plan,
    record::Record,
    run::{Status, StepStatus},
    script::Bounds,
    testing::run_tests,
};

use crate::tables::{Play, call, document, map, plan};

/// A flow with one `each` step, `all`, over the list `trigger.body.list`.
fn looping(body: Value, links: Value, more: Value) -> Value {
    let mut each = json!({ "kind": "each", "config": { "items": "= trigger.body.list", "body": { "steps": body, "links": links } } });
    for (key, value) in more.as_object().into_iter().flatten() {
        each["config"][key] = value.clone();
    }
    document(
        json!({ "first": map("#{ tax: 2 }"), "all": each, "last": map("input") }),
        &["go > first", "first > all", "all > last"],
        json!({}),
    )
}

/// Plays the flow for a list with mocked actions, and asserts that what the test expects comes of it.
fn passes(document: &Value, list: Value, mocks: Value, expect: Value) {
    let mut document = document.clone();
    document["tests"] = json!([{ "name": "t", "message": { "body": { "list": list } }, "mocks": mocks, "expect": expect }]);
    let outcomes = run_tests(&plan(&document), &Bounds::default());
    assert!(outcomes[0].passed(), "{:#?}", outcomes[0].differences);
}

/// A play of a plan whose `all` goes through a list of so many numbers.
fn started(plan: &Plan, count: usize) -> (Play<'_>, Turn) {
    let mut play = Play::new(plan);
    play.run.message = Arc::new(json!({ "body": { "list": (0..count).collect::<Vec<_>>() } }));
    let turn = play.event(Event::Start);
    (play, turn)
}

fn ok(command: &Command) -> Event {
    command.ended(Ok(Arc::new(json!({ "of": command.items }))), None)
}

fn fails(command: &Command, class: Class) -> Event {
    command.ended(Err(Failure::new(class, "no")), None)
}

fn commanded(turn: &Turn) -> Vec<(&str, usize, bool)> {
    let commands = turn.commands.iter();
    commands
        .map(|command| (command.step.as_str(), command.items[0], command.undo))
        .collect()
}

#[test]
fn the_body_sees_the_item_and_what_came_before_and_results_stand_in_order() {
    let body = json!({
        "double": map("input * steps.first.tax"),
        "tell": map("#{ item: item, index: index, double: steps.double, input: input, first: trigger.body.list[0] }"),
    });
    let flow = looping(body, json!([{ "from": "double", "to": "tell" }]), json!({}));
    let result = |item: i64, index: usize| json!({ "item": item, "index": index, "double": item * 2, "input": item * 2, "first": 7 });
    passes(
        &flow,
        json!([7, 8]),
        json!({}),
        json!({ "ran": ["first", "all", "last"], "steps": { "last": { "output": [result(7, 0), result(8, 1)] } } }),
    );
    passes(
        &flow,
        json!([]),
        json!({}),
        json!({ "steps": { "last": { "output": [] } } }),
    );
}

#[test]
fn what_is_no_list_or_too_long_fails_before_anything_is_done() {
    let flow = looping(
        json!({ "a": map("item") }),
        json!([]),
        json!({ "limit": 2 }),
    );
    for (list, part) in [
        (json!("x"), "must give a list, but it gave a text"),
        (Value::Null, "must give a list, but it gave null"),
        (json!([1, 2, 3]), "3 items, and this step takes at most 2"),
    ] {
        passes(
            &flow,
            list,
            json!({}),
            json!({ "status": "failed", "failure": { "step": "all", "class": "broken", "message": part } }),
        );
    }
}

#[test]
fn the_first_item_that_fails_stops_the_step_or_is_collected() {
    let script = "if item == 2 { throw \"two is bad\" } item";
    let body = json!({ "a": map(script) });
    passes(
        &looping(body.clone(), json!([]), json!({})),
        json!([1, 2, 3]),
        json!({}),
        json!({ "status": "failed", "failure": { "step": "all", "class": "rejected", "message": "item 1, step `a`: " } }),
    );
    let collecting = plan(&looping(
        body,
        json!([]),
        json!({ "on_item_error": "collect" }),
    ));
    let (mut play, _) = started(&collecting, 4);
    while !play.run.status.is_final() {
        play.event(Event::Woke);
    }
    let output = play.output("last");
    assert_eq!(output[1], json!({ "ok": true, "output": 1 }));
    assert_eq!(output[2]["ok"], false);
    let error = &output[2]["error"];
    assert_eq!(
        (&error["step"], &error["class"]),
        (&json!("a"), &json!("rejected"))
    );
    assert!(error["message"].as_str().unwrap().contains("two is bad"));
    assert_eq!(output[3], json!({ "ok": true, "output": 3 }));
    let items = play.run.steps[1].items.as_ref().unwrap();
    assert_eq!((items.done, items.failed, items.total), (3, 1, 4));
}

#[test]
fn errors_are_handled_within_the_body_and_after_the_step() {
    let mut careful = looping(
        json!({ "a": map("if item == 1 { throw \"bad\" } item"), "mend": map("\"mended \" + error.step + \" \" + index") }),
        json!([{ "from": "a", "port": "error", "to": "mend" }]),
        json!({}),
    );
    passes(
        &careful,
        json!([0, 1]),
        json!({}),
        json!({ "steps": { "last": { "output": [0, "mended a 1"] } } }),
    );
    careful["steps"]["all"]["config"]["body"]["links"] = json!([]);
    careful["steps"]["all"]["config"]["body"]["steps"] = json!({ "a": map("throw \"bad\"") });
    careful["links"][2]["port"] = json!("error");
    passes(
        &careful,
        json!([0]),
        json!({}),
        json!({ "status": "succeeded", "steps": { "all": { "failure": { "class": "rejected" } } }, "ran": ["first", "all", "last"] }),
    );
}

#[test]
fn mocks_may_answer_for_each_item() {
    let flow = looping(
        json!({ "a": call("PUT") }),
        json!([]),
        json!({ "on_item_error": "collect" }),
    );
    let refused = json!({ "failure": { "class": "rejected", "message": "gone", "status": 410 } });
    let mut document = flow.clone();
    document["steps"]["last"] =
        map("input.map(|it| if it.ok { it.output } else { it.error.status })");
    passes(
        &document,
        json!([1, 2, 3]),
        json!({ "a": { "items": [ { "output": "one" }, refused, [{ "failure": { "class": "transient" } }, { "output": "late" }] ] } }),
        json!({ "steps": { "last": { "output": ["one", 410, "late"] } } }),
    );
    // One answer is that of all items.
    passes(
        &document,
        json!([1, 2]),
        json!({ "a": { "output": "same" } }),
        json!({ "steps": { "last": { "output": ["same", "same"] } } }),
    );
}

#[test]
fn as_many_items_are_underway_as_may_be_and_no_state_of_one_outlives_it() {
    let plan = plan(&looping(
        json!({ "a": call("GET") }),
        json!([]),
        json!({ "concurrency": 2 }),
    ));
    let (mut play, turn) = started(&plan, 4);
    assert_eq!(commanded(&turn), [("a", 0, false), ("a", 1, false)]);
    assert_eq!(turn.commands[1].idempotency_key, "weir-r-a.1");
    let (zero, one) = (turn.commands[0].clone(), turn.commands[1].clone());
    let turn = play.event(ok(&one));
    assert_eq!(commanded(&turn), [("a", 2, false)]);
    let items = play.run.steps[1].items.as_ref().unwrap();
    assert_eq!((items.underway(), items.done, items.total), (2, 1, 4));
    assert_eq!(
        play.event(ok(&one)),
        Turn::default(),
        "a double answer changes nothing"
    );
    let two = turn.commands[0].clone();
    let turn = play.event(fails(&zero, Class::Transient));
    assert!(
        turn.commands.is_empty(),
        "item 0 waits for its next attempt, and 2 is underway"
    );
    assert_eq!(play.run.status, Status::Running);
    let turn = play.event(ok(&two));
    let three = turn.commands[0].clone();
    play.event(fails(&three, Class::Transient));
    assert_eq!(play.run.status, Status::Waiting, "both wait");
    play.now = play.run.wake_at(&plan).unwrap() + 1_000;
    let turn = play.event(Event::Woke);
    assert_eq!(commanded(&turn), [("a", 0, false), ("a", 3, false)]);
    assert!(turn.commands.iter().all(|command| command.number == 2));
    turn.commands
        .iter()
        .for_each(|command| drop(play.event(ok(command))));
    assert_eq!(play.run.status, Status::Succeeded);
    assert_eq!(
        play.output("last"),
        json!([{ "of": [0] }, { "of": [1] }, { "of": [2] }, { "of": [3] }])
    );
}

#[test]
fn when_an_item_fails_what_is_underway_may_end_and_all_is_reversed_backwards() {
    let mut book = call("PUT");
    book["undo"] = json!({ "kind": "http", "config": { "method": "DELETE", "url": "= `https://example.com/${index}/${steps.first.tax}`" } });
    let links = json!([{ "from": "book", "to": "after" }]);
    let plan = plan(&looping(
        json!({ "book": book, "after": call("POST") }),
        links,
        json!({ "concurrency": 2 }),
    ));
    let (mut play, turn) = started(&plan, 4);
    let (zero, one) = (turn.commands[0].clone(), turn.commands[1].clone());
    let after = play.event(ok(&one)).commands[0].clone();
    let turn = play.event(fails(&after, Class::Rejected));
    assert!(
        turn.commands.is_empty(),
        "item 0 is underway and nothing new starts"
    );
    let turn = play.event(ok(&zero));
    let places = |turn: &Turn| -> Vec<_> {
        let commands = turn.commands.iter();
        commands
            .map(|command| (command.items.clone(), command.config["url"].clone()))
            .collect()
    };
    assert_eq!(places(&turn), [(vec![0], json!("https://example.com/0/2"))]);
    assert_eq!(play.status("all"), StepStatus::Failed);
    let failure = play.run.failure.as_ref().unwrap();
    assert_eq!(failure.failure.message, "item 1, step `after`: no");
    assert_eq!(turn.commands[0].idempotency_key, "weir-r-book.0-undo");
    let turn = play.event(fails(&turn.commands[0], Class::Transient));
    assert_eq!((turn.commands.len(), play.run.status), (0, Status::Waiting));
    play.now = play.run.wake_at(&plan).unwrap();
    let turn = play.event(Event::Woke);
    assert_eq!(commanded(&turn), [("book", 0, true)]);
    let turn = play.event(ok(&turn.commands[0]));
    assert_eq!(commanded(&turn), [("book", 1, true)]);
    play.event(ok(&turn.commands[0]));
    assert_eq!(play.run.status, Status::Failed);
    assert!(play.run.steps[1].items.as_ref().unwrap().is_reversed());
}

#[test]
fn a_cancel_ends_items_at_once_or_reverses_them() {
    let mut book = call("PUT");
    book["undo"] =
        json!({ "kind": "http", "config": { "method": "DELETE", "url": "https://example.com" } });
    let plan = plan(&looping(
        json!({ "book": book }),
        json!([]),
        json!({ "concurrency": 2 }),
    ));
    let cancel = |undo: bool| Event::Cancel {
        undo,
        by: None,
        note: None,
    };
    let (mut play, turn) = started(&plan, 4);
    let (zero, one) = (turn.commands[0].clone(), turn.commands[1].clone());
    let two = play.event(ok(&one)).commands[0].clone();
    assert!(play.event(cancel(true)).commands.is_empty());
    play.event(ok(&two));
    let turn = play.event(ok(&zero));
    assert_eq!(
        commanded(&turn),
        [("book", 0, true)],
        "the one that ended last"
    );
    let turn = play.event(ok(&turn.commands[0]));
    assert_eq!(commanded(&turn), [("book", 2, true)]);
    play.event(cancel(false));
    assert_eq!(play.run.status, Status::Cancelled);
    assert_eq!(play.status("all"), StepStatus::Failed);

    let (mut play, turn) = started(&plan, 4);
    play.event(fails(&turn.commands[0], Class::Transient));
    let records = play.event(cancel(false)).records;
    assert_eq!(play.run.status, Status::Cancelled);
    let lost = records.iter().filter(|record| {
        matches!(record.innermost(), Record::Failed { failure, .. } if failure.class == Class::Lost)
    });
    assert_eq!(lost.count(), 1, "item 1 was underway; item 0 waited");
    assert_eq!(play.event(ok(&turn.commands[1])), Turn::default());
}

#[test]
fn attempts_of_items_that_a_crash_cut_off_are_lost() {
    for (method, again) in [("PUT", true), ("POST", false)] {
        let plan = plan(&looping(
            json!({ "a": call(method) }),
            json!([]),
            json!({ "concurrency": 3 }),
        ));
        let (mut play, turn) = started(&plan, 5);
        let mut records = turn.records.clone();
        records.extend(play.event(ok(&turn.commands[1])).records);
        let text = serde_json::to_string(&records).unwrap();
        let records: Vec<Record> = serde_json::from_str(&text).unwrap();
        let mut fresh = Play::new(&plan);
        fresh.run.message = Arc::clone(&play.run.message);
        let restored = fresh.run.restore(&plan, &records);
        assert_eq!(restored, play.run);
        let mut play = Play {
            run: restored,
            ..play
        };
        let events = lost(&plan, &play.run);
        assert_eq!(events.len(), 3);
        for event in events {
            assert!(play.event(event).commands.is_empty());
        }
        if again {
            play.now = play.run.wake_at(&plan).unwrap() + 1_000;
            let turn = play.event(Event::Woke);
            assert_eq!(
                commanded(&turn),
                [("a", 0, false), ("a", 2, false), ("a", 3, false)]
            );
            assert!(turn.commands.iter().all(|command| command.number == 2));
        } else {
            let failure = &play.run.failure.as_ref().unwrap().failure;
            assert_eq!(failure.class, Class::Lost, "{failure}");
            assert!(
                failure.message.starts_with("item 0, step `a`: "),
                "{failure}"
            );
        }
    }
}

#[test]
fn loops_stand_in_each_other() {
    let inner = json!({ "kind": "each", "config": { "items": "= item", "concurrency": 2,
        "body": { "steps": { "tell": map("`${steps.sum}: ${item} at ${index}`") } } } });
    let body = json!({ "sum": map("input.sum()"), "inner": inner });
    let flow = looping(body, json!([{ "from": "sum", "to": "inner" }]), json!({}));
    passes(
        &flow,
        json!([[1, 2], [], [3]]),
        json!({}),
        json!({ "steps": { "last": { "output": [["3: 1 at 0", "3: 2 at 1"], [], ["3: 3 at 0"]] } } }),
    );
}

#[test]
fn a_timeout_of_the_run_ends_what_waits_in_items() {
    let mut flow = looping(json!({ "a": call("GET") }), json!([]), json!({}));
    flow["settings"] = json!({ "timeout": "100ms" });
    let plan = plan(&flow);
    let (mut play, turn) = started(&plan, 2);
    play.event(fails(&turn.commands[0], Class::Transient));
    play.now = 200;
    play.event(Event::Woke);
    assert_eq!(play.run.status, Status::Failed);
    assert_eq!(
        play.run.failure.as_ref().unwrap().failure.class,
        Class::TimedOut
    );
    assert_eq!(play.status("all"), StepStatus::Failed);
}

#[test]
fn every_item_has_dice_of_its_own() {
    let plan = plan(&looping(
        json!({ "a": map("uuid()") }),
        json!([]),
        json!({}),
    ));
    let (play, _) = started(&plan, 50);
    let output = play.output("last");
    let mut all: Vec<&str> = output
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 50);
}

#[test]
fn many_items_take_many_short_turns_and_a_journal_of_their_size() {
    let plan = plan(&looping(
        json!({ "a": map("item + 1") }),
        json!([]),
        json!({}),
    ));
    const COUNT: usize = 10_000;
    let (mut play, turn) = started(&plan, COUNT);
    let mut turns = vec![turn];
    while !play.run.status.is_final() {
        assert!(
            play.run.wake_at(&plan).unwrap() <= play.now,
            "nothing to wait for"
        );
        turns.push(play.event(Event::Woke));
    }
    let records: Vec<usize> = turns.iter().map(|turn| turn.records.len()).collect();
    assert!(records.iter().all(|count| *count <= 505), "{records:?}");
    assert_eq!(records.iter().sum::<usize>(), 3 * COUNT + 6);
    assert!(turns.len() > 50, "{} turns", turns.len());
    let output = play.output("last");
    let output = output.as_array().unwrap();
    assert_eq!((output.len(), &output[COUNT - 1]), (COUNT, &json!(COUNT)));
}

/// `cargo test -p weir-flows -p weir-server --release --test machine measure_items -- --ignored --nocapture` says what items cost.
#[test]
#[ignore = "a measurement, not a test"]
fn measure_items() {
    let mapping = plan(&looping(
        json!({ "a": map("item + 1") }),
        json!([]),
        json!({ "limit": 100_000 }),
    ));
    let calling = json!({ "concurrency": 10, "limit": 100_000 });
    let calling = plan(&looping(json!({ "a": call("PUT") }), json!([]), calling));
    for (what, plan) in [("map", &mapping), ("action, 10 at once", &calling)] {
        for count in [1_000, 2_500, 5_000, 10_000, 20_000, 40_000] {
            let start = std::time::Instant::now();
            let (mut play, turn) = started(plan, count);
            let mut open = turn.commands.clone();
            let (mut turns, mut longest, mut bytes) = (1, start.elapsed(), 0);
            while !play.run.status.is_final() {
                let event = open.pop().map_or(Event::Woke, |command| ok(&command));
                let before = start.elapsed();
                let turn = play.event(event);
                longest = longest.max(start.elapsed() - before);
                bytes += serde_json::to_string(&turn.records).unwrap().len();
                open.extend(turn.commands);
                turns += 1;
            }
            let (all, each) = (start.elapsed(), count as u128);
            println!(
                "{what:>18}: {count:>6} items, {turns:>6} turns, {:>5} ms, {:>3} us and {} bytes of journal per item, longest turn {:.1} ms",
                all.as_millis(),
                all.as_micros() / each,
                bytes / count,
                longest.as_secs_f64() * 1e3
            );
        }
    }
}

#[test]
fn heavy_scripts_end_a_turn_too() {
    let plan = plan(&looping(
        json!({ "a": map("let n = 0; for i in 0..200 { n += i; } n") }),
        json!([]),
        json!({}),
    ));
    let mut play = Play::new(&plan);
    play.bounds.operations = 4_000;
    play.run.message = Arc::new(json!({ "body": { "list": [1, 2, 3, 4] } }));
    play.event(Event::Start);
    let items = play.run.steps[1].items.as_ref().unwrap();
    assert!(items.done < 4, "{} done", items.done);
    let mut more = 0;
    while !play.run.status.is_final() {
        play.event(Event::Woke);
        more += 1;
    }
    assert!(more < 10 && play.run.status == Status::Succeeded);
}
