//! Crashes: `kill -9` under load, again and again, and every accepted message still comes to its end. And a good stop loses nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Act, Database, Partner, Request, Start, Weir, long_form, send, until};

/// How often the server is killed, unless `WEIR_PROVE_CRASHES` says otherwise.
const KILLS: usize = 6;

/// How many calls must be open at the partner when the server is killed, so that each kill hurts.
const OPEN: usize = 12;

/// How many senders there are at once.
const SENDERS: usize = 4;

/// The most messages of one round, so that a slow machine is not drowned.
const MOST: usize = 80;

#[test]
fn a_killed_server_loses_nothing_on_sqlite() {
    kill_and_start_again(&Database::Sqlite);
}

#[test]
fn a_killed_server_loses_nothing_on_postgresql() {
    kill_and_start_again(&Database::postgresql("crash"));
}

#[test]
fn a_good_stop_loses_nothing_and_does_nothing_twice() {
    let partner = Partner::start();
    partner.hold();
    let data = TempDir::new().unwrap();
    let weir = start(data.path(), &Database::Sqlite);
    set_up(&weir, &partner);
    let mut accepted = BTreeSet::new();
    for number in 0..30 {
        let body = json!({ "id": format!("stop-{number}"), "kind": KINDS[number % KINDS.len()] });
        accepted.insert(
            weir.knock("POST", "/work", &body)
                .expect(202)
                .header("weir-run")
                .unwrap()
                .to_owned(),
        );
    }
    // All calls are underway when it is asked to stop, and are answered only afterwards.
    partner.wait_open(30);
    weir.ask_to_stop();
    partner.release();
    let (status, log) = weir.stop();
    assert!(status.success(), "{status}\n{log}");
    assert!(log.contains("stopped"), "{log}");
    assert!(!log.contains("ERROR"), "{log}");

    let weir = start(data.path(), &Database::Sqlite);
    assert_eq!(partner.calls().len(), 30);
    for id in &accepted {
        let run = weir.ended(id);
        assert_eq!(run["status"], "succeeded", "{run:#}");
    }
    let calls = partner.calls();
    let paths: BTreeSet<String> = calls.iter().map(|call| call.target.clone()).collect();
    assert_eq!(
        (calls.len(), paths.len()),
        (30, 30),
        "each call was made once"
    );
    assert!(weir.stop().0.success());
}

#[test]
fn a_retry_that_was_due_later_is_made_after_a_crash() {
    // The first call fails and the second is due a second later: the server is killed in between.
    let partner = Partner::with(|_, index| {
        if index == 0 {
            Act::reply(503, json!({ "busy": true }))
        } else {
            Act::ok()
        }
    });
    let data = TempDir::new().unwrap();
    let weir = start(data.path(), &Database::Sqlite);
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "later",
        "triggers": { "in": { "kind": "http", "config": { "path": "/later", "reply": "accepted" } } },
        "steps": { "call": { "kind": "http", "config": { "method": "PUT", "url": partner.url() }, "retry": { "attempts": 2, "delay": "1s", "backoff": "constant", "jitter": 0 } } },
        "links": [ { "from": "in", "to": "call" } ]
    }));
    let id = weir
        .knock("POST", "/later", &json!({}))
        .expect(202)
        .header("weir-run")
        .unwrap()
        .to_owned();
    until("the run to wait for its next attempt", || {
        Some(weir.run(&id)).filter(|run| run["status"] == "waiting")
    });
    weir.kill();
    let weir = start(data.path(), &Database::Sqlite);
    let run = weir.ended(&id);
    assert_eq!(run["status"], "succeeded", "{run:#}");
    let attempts = run["steps"]["call"]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2, "{run:#}");
    assert_eq!(attempts[0]["failure"]["class"], "transient");
    let calls = partner.calls();
    assert_eq!(calls.len(), 2);
    assert!(
        calls[1].at - calls[0].at >= Duration::from_millis(990),
        "the delay of the policy holds across the crash"
    );
    assert_eq!(
        calls[0].header("idempotency-key"),
        calls[1].header("idempotency-key")
    );
}

#[test]
fn an_undo_goes_on_after_a_crash() {
    // The first undo gets no answer before the server is killed.
    let partner = Partner::with(|call, index| match (call.path(), index) {
        ("/reserve", _) => Act::reply(409, json!({ "reason": "no stock" })),
        ("/book/7", 2) => Act::ok().after(Duration::from_secs(60)),
        _ => Act::reply(200, json!({ "id": 7 })),
    });
    let data = TempDir::new().unwrap();
    let weir = start(data.path(), &Database::Sqlite);
    weir.connect("erp", &json!({ "base_url": partner.url() }));
    let call = |method: &str, path: &str| json!({ "kind": "http", "connection": "erp", "config": { "method": method, "path": path } });
    let mut book = call("PUT", "/book");
    book["undo"] = call("DELETE", "= `/book/${output.body.id}`");
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "undo",
        "triggers": { "in": { "kind": "http", "config": { "path": "/undo", "reply": "accepted" } } },
        "steps": { "book": book, "reserve": call("PUT", "/reserve"), "never": { "kind": "map", "config": { "script": "1" } } },
        "links": [ { "from": "in", "to": "book" }, { "from": "book", "to": "reserve" }, { "from": "reserve", "to": "never" } ]
    }));
    let reply = weir.knock("POST", "/undo", &json!({})).expect(202);
    let id = reply.header("weir-run").unwrap().to_owned();
    partner.wait_for(3);
    weir.kill();
    let weir = start(data.path(), &Database::Sqlite);
    let run = weir.ended(&id);
    assert_eq!(
        (&run["status"], &run["failure"]["step"]),
        (&json!("failed"), &json!("reserve")),
        "{run:#}"
    );
    assert_eq!(run["steps"]["never"]["status"], "skipped");
    let undone: Vec<_> = partner
        .calls()
        .into_iter()
        .filter(|call| call.method == "DELETE")
        .collect();
    assert_eq!(undone.len(), 2, "the undo that was cut off is made again");
    assert!(undone.iter().all(|call| call.path() == "/book/7"));
    let attempts = run["steps"]["book"]["attempts"].as_array().unwrap();
    let undos: Vec<&Value> = attempts
        .iter()
        .filter(|attempt| attempt["undo"] == true)
        .map(|attempt| &attempt["failure"]["class"])
        .collect();
    assert_eq!(undos, [&json!("lost"), &Value::Null], "{run:#}");
    assert_eq!(
        partner
            .calls()
            .iter()
            .filter(|call| call.path() == "/book")
            .count(),
        1,
        "the step itself is not made again"
    );
}

/// What a message asks for: a PUT, which may be repeated; a POST that says it may be, by its key; and a POST that may not.
pub(crate) const KINDS: [&str; 3] = ["put", "keyed", "plain"];

/// The first and the last of these again, by steps with limits, so that some wait for their turn when a server is killed.
const LIMITED: [&str; 2] = ["limited_put", "limited_plain"];

/// What a message asks for where one in four has to wait for its turn.
pub(crate) fn kind(number: usize) -> &'static str {
    match (number % 8).checked_sub(6) {
        Some(limited) => LIMITED[limited],
        None => KINDS[number % 8 % KINDS.len()],
    }
}

fn kill_and_start_again(database: &Database) {
    let partner = Partner::with(|_, _| Act::ok().after(Duration::from_millis(150)));
    let data = TempDir::new().unwrap();
    let mut weir = start(data.path(), database);
    set_up(&weir, &partner);
    // The run of each message that was accepted; and those without an answer, which the sender sends again.
    let accepted: Mutex<BTreeMap<String, String>> = Mutex::default();
    let unanswered: Mutex<BTreeSet<String>> = Mutex::default();
    let kills = long_form("WEIR_PROVE_CRASHES", KILLS);
    for round in 0..kills {
        partner.hold();
        let killed = AtomicBool::new(false);
        let next = AtomicUsize::new(0);
        let address = weir.address;
        thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| {
                    let again: Vec<String> = std::mem::take(&mut *unanswered.lock().unwrap())
                        .into_iter()
                        .collect();
                    let mut again = again.into_iter();
                    while !killed.load(Ordering::SeqCst) {
                        let id = match again.next() {
                            Some(id) => id,
                            None => {
                                let number = next.fetch_add(1, Ordering::SeqCst);
                                if number >= MOST {
                                    return;
                                }
                                format!("{round}-{number}-{}", kind(number))
                            }
                        };
                        let kind = id.rsplit('-').next().unwrap();
                        let request = Request::new("POST", "/in/main/work")
                            .json(&json!({ "id": id, "kind": kind }));
                        match send(address, &request) {
                            Ok(reply) => {
                                let run = reply.expect(202).header("weir-run").unwrap().to_owned();
                                let before =
                                    accepted.lock().unwrap().insert(id.clone(), run.clone());
                                assert!(
                                    before.is_none_or(|before| before == run),
                                    "{id} became two runs"
                                );
                            }
                            Err(_) => {
                                unanswered.lock().unwrap().insert(id);
                            }
                        }
                    }
                    unanswered.lock().unwrap().extend(again);
                });
            }
            partner.wait_open(OPEN);
            // Some of them are answered at the moment of the kill, others are not.
            if round % 2 == 1 {
                partner.release();
            }
            weir.kill();
            killed.store(true, Ordering::SeqCst);
        });
        partner.release();
        weir = start(data.path(), database);
        if round == 2 {
            // Once more, while it takes up what the first kill left.
            weir.kill();
            weir = start(data.path(), database);
        }
    }
    // What was never answered is sent once more, as a sender does.
    for id in std::mem::take(&mut *unanswered.lock().unwrap()) {
        let kind = id.rsplit('-').next().unwrap();
        let reply = weir
            .knock("POST", "/work", &json!({ "id": id, "kind": kind }))
            .expect(202);
        accepted
            .lock()
            .unwrap()
            .insert(id, reply.header("weir-run").unwrap().to_owned());
    }
    judge(&weir, &partner, &accepted.lock().unwrap());
    println!(
        "{kills} kills of one server: {} messages accepted and ended, {} calls",
        accepted.lock().unwrap().len(),
        partner.calls().len()
    );
    let (status, log) = weir.stop();
    assert!(status.success(), "{log}");
}

/// Every message has one run, every run has ended, and nothing was done twice that must not be.
pub(crate) fn judge(weir: &Weir, partner: &Partner, accepted: &BTreeMap<String, String>) {
    let (lost, repeated) = tally(weir, partner, accepted);
    assert!(
        lost > 0 && repeated > 0,
        "the kills hit nothing: {lost} lost, {repeated} repeated of {}",
        accepted.len()
    );
}

/// The same; and how many runs say that nobody knows, and how many calls were made again.
pub(crate) fn tally(
    weir: &Weir,
    partner: &Partner,
    accepted: &BTreeMap<String, String>,
) -> (usize, usize) {
    let mut lost = 0;
    let mut outcome = BTreeMap::new();
    for (id, run) in accepted {
        let run = weir.ended(run);
        assert_eq!(
            run["message"]["body"]["id"], **id,
            "the run is that of its message"
        );
        outcome.insert(id.clone(), run);
    }
    let mut runs = weir.runs("");
    // What a schedule or a poll starts has no message of ours.
    runs.retain(|run| run["trigger"] != "tick" && run["trigger"] != "new");
    let known: BTreeSet<&String> = accepted.values().collect();
    assert_eq!(
        known.len(),
        accepted.len(),
        "each message has a run of its own"
    );
    for run in &runs {
        assert!(
            known.contains(&run["id"].as_str().unwrap().to_owned()),
            "a run that no message led to: {run}"
        );
        assert!(
            matches!(run["status"].as_str(), Some("succeeded" | "failed")),
            "{run}"
        );
    }
    assert_eq!(runs.len(), accepted.len());

    let mut calls: BTreeMap<String, Vec<weir_tests::Call>> = BTreeMap::new();
    for call in partner.calls() {
        calls
            .entry(call.path().trim_start_matches("/work/").to_owned())
            .or_default()
            .push(call);
    }
    let mut repeated = 0;
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    for (id, run) in &outcome {
        let made = calls.get(id).map_or(&[][..], Vec::as_slice);
        for call in made {
            let key = call.header("idempotency-key").to_owned();
            assert!(!key.is_empty(), "{id}");
            let of = keys.entry(key).or_insert_with(|| id.clone());
            assert_eq!(of, id, "two messages share an idempotency key");
        }
        let distinct: BTreeSet<&str> = made
            .iter()
            .map(|call| call.header("idempotency-key"))
            .collect();
        assert!(
            distinct.len() <= 1,
            "{id}: a repeated call carries the key of the first one"
        );
        if id.ends_with("plain") {
            assert!(
                made.len() <= 1,
                "{id}: a call that must not be repeated was made {} times",
                made.len()
            );
            if run["status"] == "failed" {
                lost += 1;
                assert_eq!(run["failure"]["class"], "lost", "{run:#}");
                let kind = id.rsplit('-').next().unwrap();
                assert_eq!(run["failure"]["step"], kind, "{run:#}");
                // What only waited for its turn has not been begun, and is asked for again.
                let attempts = run["steps"][kind]["attempts"].as_array().unwrap();
                assert_eq!(attempts.len(), 1, "{run:#}");
            } else {
                assert_eq!(made.len(), 1, "{id}");
            }
        } else {
            assert_eq!(run["status"], "succeeded", "{id}: {run:#}");
            assert!(!made.is_empty(), "{id} succeeded without a call");
            repeated += made.len() - 1;
        }
    }
    assert_eq!(
        calls.keys().filter(|id| !outcome.contains_key(*id)).count(),
        0,
        "calls for messages nobody sent"
    );
    (lost, repeated)
}

fn start(data: &Path, database: &Database) -> Weir {
    Start::default()
        .data(&data.join("data"))
        .database(database)
        .start()
}

pub(crate) fn set_up(weir: &Weir, partner: &Partner) {
    weir.connect("partner", &json!({ "base_url": partner.url() }));
    let action = |method: &str, idempotent: Option<bool>| {
        // More attempts than there are kills, since one call may meet each of them.
        let mut step = json!({
            "kind": "http", "connection": "partner", "timeout": "30s",
            "retry": { "attempts": 100, "delay": "50ms", "backoff": "constant", "on": ["transient", "timed_out", "lost"] },
            "config": { "method": method, "path": "= `/work/${trigger.body.id}`", "body": "= trigger.body" }
        });
        if let Some(idempotent) = idempotent {
            step["idempotent"] = idempotent.into();
        }
        step
    };
    let mut plain = action("POST", None);
    plain.as_object_mut().unwrap().remove("retry");
    let limited = |mut step: Value| {
        let key = "trigger.body.id.split(\"-\")[-2].parse_int() % 2";
        step["concurrency"] = json!({ "limit": 3, "key": key });
        step["rate"] = json!({ "limit": 40, "per": "1s" });
        step
    };
    let all = || KINDS.into_iter().chain(LIMITED);
    let cases = all()
        .map(|kind| json!({ "port": kind, "when": format!("trigger.body.kind == \"{kind}\"") }));
    let mut links = vec![json!({ "from": "in", "to": "kind" })];
    for kind in all() {
        links.push(json!({ "from": "kind", "port": kind, "to": kind }));
        links.push(json!({ "from": kind, "to": "done" }));
    }
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "work", "title": "Work",
        "triggers": { "in": { "kind": "http", "config": { "path": "/work", "reply": "accepted" }, "dedupe": "trigger.body.id" } },
        "steps": {
            "kind": { "kind": "branch", "config": { "cases": cases.collect::<Vec<_>>() } },
            "limited_put": limited(action("PUT", None)), "limited_plain": limited(plain.clone()),
            "put": action("PUT", None), "keyed": action("POST", Some(true)), "plain": plain,
            "done": { "kind": "map", "config": { "script": "#{ id: trigger.body.id }" } }
        },
        "links": links
    }));
}
