//! Several servers on one PostgreSQL database: killed, frozen, with wrong clocks, and what they know of each other.
//!
//! `make prove` runs the long forms; each prints what it counted.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use weir_tests::{Act, Database, Partner, Request, Start, Weir, long_form, send, until};

use crate::crash::{KINDS, judge, kind, set_up};

/// How long the leases of these tests are, in milliseconds.
const LEASE_MS: u64 = 2_000;

/// How many senders there are at once.
const SENDERS: usize = 4;

/// How many messages are sent for each kill.
const EACH: usize = 40;

/// How many calls must be open at the partner when a server is killed, so that each kill hurts.
const OPEN: usize = 12;

/// A server among others. The key is the same for all, as it must be.
pub(crate) fn start(database: &Database, name: &str) -> Start {
    Start::default()
        .database(database)
        .variable("WEIR_NAME", name)
        .variable("WEIR_LEASE_MS", &LEASE_MS.to_string())
        .variable("WEIR_KEY", &"5a".repeat(32))
}

fn three(database: &Database) -> Vec<Weir> {
    let names = ["a", "b", "c"].into_iter();
    names.map(|name| start(database, name).start()).collect()
}

/// Waits until every server listens to a path, which must be soon after it was published.
pub(crate) fn until_all_listen(servers: &[Weir], path: &str) {
    let since = Instant::now();
    for weir in servers {
        until("the others to listen", || {
            // A body that is not JSON starts nothing, yet only who listens reads it.
            let broken = Request::new("POST", &format!("/in/main{path}"))
                .header("content-type", "application/json")
                .body("{");
            (weir.send(&broken).status == 400).then_some(())
        });
    }
    assert!(
        since.elapsed() < Duration::from_secs(10),
        "a published path is known to all within two seconds, on a slow machine within some more: {:?}",
        since.elapsed()
    );
}

/// The identities of the servers, by name.
pub(crate) fn identities(database: &Database) -> BTreeMap<String, String> {
    let rows = database.ask("SELECT name, id FROM server");
    let pairs = rows.iter().map(|row| row.split_once('|').unwrap());
    pairs
        .map(|(name, id)| (name.to_owned(), id.to_owned()))
        .collect()
}

/// No run has a hole or a fork in its journal, and what has ended is nobody's.
pub(crate) fn judge_database(database: &Database) {
    let broken = "SELECT count(*) FROM run WHERE turns <> (SELECT count(*) FROM journal \
        WHERE journal.workspace = run.workspace AND journal.run = run.id) \
        OR turns <> 1 + (SELECT max(seq) FROM journal \
        WHERE journal.workspace = run.workspace AND journal.run = run.id)";
    assert_eq!(database.count(broken), 0);
    let owned = "SELECT count(*) FROM run WHERE ended_at IS NOT NULL AND (server IS NOT NULL OR parked_until IS NOT NULL)";
    assert_eq!(database.count(owned), 0);
}

#[test]
fn three_servers_that_are_killed_lose_nothing_and_double_nothing() {
    let kills = long_form("WEIR_PROVE_KILLS", 6);
    let database = Database::postgresql("servers_killed");
    let partner = Partner::with(|_, _| Act::ok().after(Duration::from_millis(150)));
    let mut servers = three(&database);
    set_up(&servers[0], &partner);
    until_all_listen(&servers, "/work");

    let accepted: Mutex<BTreeMap<String, String>> = Mutex::default();
    let addresses: Mutex<Vec<SocketAddr>> =
        Mutex::new(servers.iter().map(|weir| weir.address).collect());
    let next = AtomicUsize::new(0);
    let allowed = Mutex::new(0);
    let more = Condvar::new();
    let over = AtomicBool::new(false);
    let refused = AtomicUsize::new(0);
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (accepted, addresses, next, allowed, more, over, refused) = (
                &accepted, &addresses, &next, &allowed, &more, &over, &refused,
            );
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let waiting = allowed.lock().unwrap();
                    let pause = more.wait_while(waiting, |allowed| {
                        number >= *allowed && !over.load(Ordering::SeqCst)
                    });
                    drop(pause.unwrap());
                    if over.load(Ordering::SeqCst) {
                        return;
                    }
                    let kind = kind(number);
                    let id = format!("{number}-{kind}");
                    let request = Request::new("POST", "/in/main/work")
                        .json(&json!({ "id": id, "kind": kind }));
                    // A sender that gets no answer sends again, to whichever server.
                    let mut turn = sender + number;
                    let run = until("somebody to accept a message", || {
                        let address = {
                            let addresses = addresses.lock().unwrap();
                            addresses[turn % addresses.len()]
                        };
                        turn += 1;
                        let reply = send(address, &request).ok()?;
                        if reply.status == 503 {
                            refused.fetch_add(1, Ordering::SeqCst);
                            assert!(reply.header("retry-after").is_some(), "{reply}");
                            return None;
                        }
                        Some(reply.expect(202).header("weir-run").unwrap().to_owned())
                    });
                    let before = accepted.lock().unwrap().insert(id.clone(), run.clone());
                    assert!(before.is_none(), "{id} was sent once");
                }
            });
        }
        let mut dice = 7_usize;
        for round in 0..kills {
            partner.hold();
            *allowed.lock().unwrap() = (round + 1) * EACH;
            more.notify_all();
            partner.wait_open(OPEN);
            if round % 2 == 1 {
                partner.release();
            }
            dice = dice.wrapping_mul(1_103_515_245).wrapping_add(12_345) % (1 << 31);
            let victim = (dice >> 8) % servers.len();
            let name = format!("{}{round}", ["a", "b", "c"][victim]);
            servers.remove(victim).kill();
            // Started again at once every other time, and else when the others have it all.
            if round % 3 == 2 {
                partner.release();
                let gone = "SELECT count(*) FROM server";
                until("a takeover", || (database.count(gone) == 2).then_some(()));
            }
            let weir = start(&database, &name).start();
            addresses.lock().unwrap()[victim] = weir.address;
            servers.insert(victim, weir);
            partner.release();
        }
        until("the last messages to be accepted", || {
            (accepted.lock().unwrap().len() == kills * EACH).then_some(())
        });
        over.store(true, Ordering::SeqCst);
        more.notify_all();
    });
    let accepted = accepted.into_inner().unwrap();
    judge(&servers[0], &partner, &accepted);
    judge_database(&database);
    println!(
        "{kills} kills of 3 servers: {} messages accepted and ended, {} calls, {} refusals with 503",
        accepted.len(),
        partner.calls().len(),
        refused.load(Ordering::SeqCst)
    );
    for weir in servers {
        let (status, log) = weir.stop();
        assert!(status.success(), "{log}");
    }
    assert_eq!(database.count("SELECT count(*) FROM server"), 0);
}

#[test]
fn a_frozen_server_commits_nothing_when_it_comes_back() {
    let rounds = long_form("WEIR_PROVE_FREEZES", 1);
    let database = Database::postgresql("servers_frozen");
    let partner = Partner::start();
    let frozen = start(&database, "frozen").start();
    let other = start(&database, "other").start();
    set_up(&frozen, &partner);
    for round in 0..rounds {
        let before = identities(&database);
        let calls = partner.calls().len();
        partner.hold();
        let mut runs = BTreeMap::new();
        for number in 0..15 {
            let kind = KINDS[number % KINDS.len()];
            let body = json!({ "id": format!("{round}-{number}-{kind}"), "kind": kind });
            let reply = frozen.knock("POST", "/work", &body).expect(202);
            runs.insert(reply.header("weir-run").unwrap().to_owned(), kind);
        }
        partner.wait_for(calls + 15);
        frozen.signal("STOP");
        // What arrives meanwhile it finds first when it comes back, before it knows that it is somebody else.
        let late: Vec<_> = (0..8)
            .map(|number| {
                let address = frozen.address;
                let id = format!("{round}-late-{number}-put");
                let request =
                    Request::new("POST", "/in/main/work").json(&json!({ "id": id, "kind": "put" }));
                thread::spawn(move || send(address, &request).unwrap())
            })
            .collect();
        // Another one finds the lease ended, and makes again what may be made again: 5 by PUT and 5 with a key.
        partner.wait_for(calls + 25);
        // Now the frozen one has its answers, too, and comes back to them.
        partner.release();
        frozen.signal("CONT");
        until("a fresh server", || {
            let now = identities(&database);
            let fresh = now.get("frozen").filter(|id| **id != before["frozen"]);
            fresh.map(drop)
        });
        for (run, kind) in &runs {
            let run = other.ended(run);
            let step = &run["steps"][*kind];
            let classes: Vec<&Value> = step["attempts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|attempt| &attempt["failure"]["class"])
                .collect();
            if *kind == "plain" {
                assert_eq!(run["status"], "failed", "{run:#}");
                assert_eq!(classes, [&json!("lost")], "{run:#}");
            } else {
                assert_eq!(run["status"], "succeeded", "{run:#}");
                assert_eq!(classes, [&json!("lost"), &Value::Null], "{run:#}");
            }
        }
        let mut late_runs = 0;
        for reply in late {
            let reply = reply.join().unwrap();
            if reply.status == 503 {
                assert!(reply.header("retry-after").is_some(), "{reply}");
                reply.problem(503, "lease_lost");
            } else {
                let run = reply.expect(202).header("weir-run").unwrap().to_owned();
                assert_eq!(other.ended(&run)["status"], "succeeded");
                late_runs += 1;
            }
        }
        judge_database(&database);
        assert_eq!(
            partner.calls().len(),
            calls + 25 + late_runs,
            "nothing was made a third time"
        );
        // It takes messages again, as a server like any other.
        partner.hold();
        let body = json!({ "id": format!("{round}-fresh"), "kind": "put" });
        let run = until("the fresh server to accept", || {
            let reply = frozen.knock("POST", "/work", &body);
            if reply.status == 503 {
                assert!(reply.header("retry-after").is_some(), "{reply}");
                reply.problem(503, "lease_lost");
                return None;
            }
            Some(reply.expect(202).header("weir-run").unwrap().to_owned())
        });
        let owner = database.ask(&format!("SELECT server FROM run WHERE id = '{run}'"));
        assert_eq!(owner[0], identities(&database)["frozen"]);
        partner.release();
        assert_eq!(frozen.ended(&run)["status"], "succeeded");
    }
    let log = frozen.log();
    assert_eq!(log.matches("lost its lease").count(), rounds, "{log}");
    assert_eq!(log.matches("registered anew").count(), rounds, "{log}");
    println!(
        "{rounds} freezes beyond the lease: 15 runs each went on elsewhere, nothing was committed late"
    );
}

/// Taken over long before it would renew its lease, so that nothing but the fence can tell it.
#[test]
fn a_server_that_was_taken_over_unawares_commits_nothing() {
    let database = Database::postgresql("servers_unawares");
    let partner = Partner::start();
    let unaware = start(&database, "unaware")
        .variable("WEIR_LEASE_MS", "600000")
        .start();
    let other = start(&database, "other").start();
    set_up(&unaware, &partner);
    let before = identities(&database)["unaware"].clone();
    partner.hold();
    let mut runs = BTreeMap::new();
    for number in 0..9 {
        let kind = KINDS[number % KINDS.len()];
        let body = json!({ "id": format!("{number}-{kind}"), "kind": kind });
        let reply = unaware.knock("POST", "/work", &body).expect(202);
        runs.insert(reply.header("weir-run").unwrap().to_owned(), kind);
    }
    partner.wait_for(9);
    // What a takeover does, done by hand.
    database.ask(&format!(
        "BEGIN; SELECT 1 FROM server WHERE id = '{before}' FOR UPDATE; \
         UPDATE run SET server = NULL WHERE server = '{before}'; DELETE FROM server WHERE id = '{before}'; COMMIT"
    ));
    // The first thing that it wants to write comes to nothing, and it says so.
    let body = json!({ "id": "late-put", "kind": "put" });
    let refused = unaware.knock("POST", "/work", &body);
    assert!(refused.header("retry-after").is_some(), "{refused}");
    refused.problem(503, "lease_lost");
    partner.release();
    for (run, kind) in &runs {
        let run = other.ended(run);
        let expected = match *kind {
            "plain" => "failed",
            _ => "succeeded",
        };
        assert_eq!(run["status"], expected, "{run:#}");
        let first = &run["steps"][*kind]["attempts"][0]["failure"]["class"];
        assert_eq!(first, "lost", "what it met was not recorded: {run:#}");
    }
    assert_eq!(database.count("SELECT count(*) FROM run"), 9);
    judge_database(&database);
    let run = until("the fresh server to accept", || {
        let reply = unaware.knock("POST", "/work", &body);
        let taken = reply.status == 202;
        taken.then(|| reply.header("weir-run").unwrap().to_owned())
    });
    assert_eq!(unaware.ended(&run)["status"], "succeeded");
    assert_ne!(identities(&database)["unaware"], before);
}

/// The instants of a flow `clock` in seconds since midnight, newest first, and how late each was fired, in milliseconds.
pub(crate) fn fired(weir: &Weir) -> Vec<(i64, i64)> {
    let runs = weir.runs("flow=clock");
    let fired = runs.iter().map(|run| {
        let run = weir.ended(run["id"].as_str().unwrap());
        let millis = |field: &str| {
            let at = run["steps"]["at"]["output"][field].as_str().unwrap();
            let part = |range: std::ops::Range<usize>| at[range].parse::<i64>().unwrap();
            let fraction: i64 = at.get(20..23).map_or(0, |text| text.parse().unwrap());
            ((part(11..13) * 60 + part(14..16)) * 60 + part(17..19)) * 1_000 + fraction
        };
        let (at, fired) = (millis("scheduled_at"), millis("fired_at"));
        (at / 1_000, (fired - at).rem_euclid(86_400_000))
    });
    fired.collect()
}

pub(crate) fn clock(missed: &str) -> Value {
    json!({
        "format": "weir/flow@1", "id": "clock",
        "triggers": { "tick": { "kind": "schedule", "config": { "every": "1s", "missed": missed } } },
        "steps": { "at": { "kind": "map", "config": { "script": "trigger.body" } } },
        "links": [ { "from": "tick", "to": "at" } ]
    })
}

/// Each second has one run, without a gap.
pub(crate) fn assert_each_second_once(fired: &[(i64, i64)]) {
    let instants: Vec<i64> = fired.iter().map(|(at, _)| *at).collect();
    assert!(
        instants
            .windows(2)
            .all(|pair| (pair[0] - pair[1]).rem_euclid(86_400) == 1),
        "one run for each second: {instants:?}"
    );
}

#[test]
fn three_servers_fire_each_instant_once() {
    let instants = long_form("WEIR_PROVE_INSTANTS", 8);
    let database = Database::postgresql("servers_clock");
    let mut servers = three(&database);
    servers[0].publish(&clock("all"));
    // What the published version does not know is dealt with once, and keeps nobody busy.
    database.ask("INSERT INTO schedule VALUES ('main', 'clock', 'stray', 1000, NULL)");
    let count = "SELECT count(*) FROM run WHERE flow = 'clock'";
    let mut kills = 0;
    while database.count(count) < instants as u64 {
        let seen = database.count(count);
        until("three more fires", || {
            (database.count(count) >= seen + 3).then_some(())
        });
        servers.remove(0).kill();
        kills += 1;
        servers.push(start(&database, "next").start());
    }
    servers[0]
        .api("POST", "/flows/clock/disable", &json!({}))
        .expect(200);
    let stray = "SELECT count(*) FROM schedule WHERE trigger = 'stray' AND last_at = 1000";
    assert_eq!(database.count(stray), 1);
    let fired = fired(&servers[1]);
    assert!(fired.len() >= instants, "{fired:?}");
    assert_each_second_once(&fired);
    println!(
        "{} instants on 3 servers, {kills} of which were killed: each has one run",
        fired.len()
    );
}

#[test]
fn wrong_clocks_do_no_harm() {
    let instants = long_form("WEIR_PROVE_SKEWED", 6);
    let database = Database::postgresql("servers_skewed");
    let partner = Partner::with(|_, index| match index % 3 {
        0 => Act::reply(503, json!({ "busy": true })),
        _ => Act::ok(),
    });
    let offsets = [0, 600_000, -600_000_i64];
    let servers = offsets.map(|offset| {
        start(&database, &format!("off by {offset}"))
            .variable("WEIR_CLOCK_OFFSET_MS", &offset.to_string())
            .start()
    });
    for (weir, offset) in servers.iter().zip(offsets) {
        assert_eq!(
            weir.log().contains("clock is not that of the database"),
            offset != 0,
            "{}",
            weir.log()
        );
    }
    set_up(&servers[1], &partner);
    servers[2].publish(&clock("skip"));
    until_all_listen(&servers, "/work");
    let mut runs = Vec::new();
    for number in 0..30 {
        let weir = &servers[number % 3];
        let kind = ["put", "keyed"][number % 2];
        let body = json!({ "id": format!("{number}-{kind}"), "kind": kind });
        let reply = weir.knock("POST", "/work", &body).expect(202);
        runs.push(reply.header("weir-run").unwrap().to_owned());
    }
    for run in &runs {
        let run = servers[0].ended(run);
        assert_eq!(run["status"], "succeeded", "{run:#}");
        assert!(!run.to_string().contains("\"lost\""), "{run:#}");
    }
    let count = "SELECT count(*) FROM run WHERE flow = 'clock'";
    until("the instants", || {
        (database.count(count) >= instants as u64).then_some(())
    });
    servers[0]
        .api("POST", "/flows/clock/disable", &json!({}))
        .expect(200);
    let fired = fired(&servers[0]);
    assert_each_second_once(&fired);
    assert!(
        fired.iter().all(|(_, late)| *late < 5_000),
        "each was fired at its time: {fired:?}"
    );
    for weir in servers {
        let log = weir.log();
        assert!(!log.contains("took over"), "{log}");
        assert!(!log.contains("lost its lease"), "{log}");
    }
    println!(
        "3 servers, 10 minutes behind, right, and ahead: {} instants fired once and in time",
        fired.len()
    );
}

/// Runs of a schedule pass one by one, wherever they were started.
#[test]
fn a_queue_holds_over_all_servers() {
    let database = Database::postgresql("servers_queue");
    let busy = Duration::from_millis(1_500);
    let partner = Partner::with(move |_, _| Act::ok().after(busy));
    let servers = three(&database);
    servers[0].publish(&json!({
        "format": "weir/flow@1", "id": "queue",
        "triggers": { "tick": { "kind": "schedule", "config": { "every": "1s", "overlap": "queue" } } },
        "steps": { "call": { "kind": "http", "config": { "method": "PUT", "url": partner.url() } } },
        "links": [ { "from": "tick", "to": "call" } ]
    }));
    let calls = partner.wait_for(6);
    for pair in calls.windows(2) {
        let apart = pair[1].at - pair[0].at;
        assert!(apart >= busy, "two runs at once: {apart:?} apart");
    }
    servers[2]
        .api("POST", "/flows/queue/disable", &json!({}))
        .expect(200);
}

/// A flow whose only call is answered 503 at first, so that its run waits for so long.
pub(crate) fn patient(partner: &Partner, delay: &str) -> Value {
    json!({
        "format": "weir/flow@1", "id": "patient",
        "triggers": { "in": { "kind": "http", "config": { "path": "/patient", "reply": "accepted" } } },
        "steps": { "call": { "kind": "http", "config": { "method": "PUT", "url": partner.url() },
                   "retry": { "attempts": 2, "delay": delay, "backoff": "constant", "jitter": 0 } } },
        "links": [ { "from": "in", "to": "call" } ]
    })
}

pub(crate) fn busy_at_first() -> Partner {
    Partner::with(|_, index| match index {
        0 => Act::reply(503, json!({ "busy": true })),
        _ => Act::ok(),
    })
}

/// Starts a run of the patient flow and waits until it waits.
pub(crate) fn waiting(weir: &Weir) -> String {
    let reply = weir.knock("POST", "/patient", &json!({})).expect(202);
    let run = reply.header("weir-run").unwrap().to_owned();
    until("the run to wait", || {
        (weir.run(&run)["status"] == "waiting").then_some(())
    });
    run
}

#[test]
fn a_person_reaches_a_run_wherever_it_is() {
    let database = Database::postgresql("servers_cancel");
    let partner = Partner::with(|_, _| Act::reply(503, json!({})));
    let first = start(&database, "first").start();
    let second = start(&database, "second")
        .variable("WEIR_PARK_AFTER_MS", "200")
        .start();
    first.publish(&patient(&partner, "1h"));
    until_all_listen(std::slice::from_ref(&second), "/patient");
    let body = json!({ "by": "Ada", "note": "a mistake" });
    // One waits with the first server, one with nobody, and one has a call underway.
    let here = waiting(&first);
    let parked = waiting(&second);
    partner.hold();
    let calls = partner.calls().len();
    let reply = first.knock("POST", "/patient", &json!({})).expect(202);
    let moving = reply.header("weir-run").unwrap().to_owned();
    partner.wait_for(calls + 1);
    for (weir, run) in [(&second, &here), (&first, &parked), (&second, &moving)] {
        let since = Instant::now();
        let reply = weir.api("POST", &format!("/runs/{run}/cancel"), &body);
        assert_eq!(
            reply.clone().expect(202).json()["status"],
            "cancelled",
            "{reply}"
        );
        assert!(since.elapsed() < Duration::from_secs(10));
        let ended = weir.run(run);
        assert_eq!(ended["cancelled"]["by"], "Ada", "{ended:#}");
        let again = weir.api("POST", &format!("/runs/{run}/cancel"), &body);
        again.problem(409, "conflict");
    }
    partner.release();
    assert_eq!(database.count("SELECT count(*) FROM run_order"), 0);
    judge_database(&database);
}

#[test]
fn a_good_stop_hands_over_at_once() {
    let database = Database::postgresql("servers_stop");
    let partner = busy_at_first();
    // With leases that long nobody would take over in time.
    let long = |name: &str| start(&database, name).variable("WEIR_LEASE_MS", "600000");
    let first = long("first").start();
    let second = long("second").start();
    first.publish(&patient(&partner, "2s"));
    let run = waiting(&first);
    let (status, log) = first.stop();
    assert!(status.success(), "{log}");
    until("the other one to have it", || {
        let owner = database.ask(&format!("SELECT server FROM run WHERE id = '{run}'"));
        (owner[0] == identities(&database)["second"]).then_some(())
    });
    assert_eq!(second.ended(&run)["status"], "succeeded");
    assert_eq!(partner.calls().len(), 2);
}

#[test]
fn servers_follow_what_others_publish_and_tell_of_their_runs() {
    let database = Database::postgresql("servers_follow");
    let partner = Partner::start();
    let first = start(&database, "first").start();
    let second = start(&database, "second").start();
    let mut events = second.events("/events");
    first.secret("token", "a secret value");
    first.connect(
        "partner",
        &json!({ "base_url": partner.url(), "headers": { "x-token": { "$secret": "token" } } }),
    );
    let mut flow = json!({
        "format": "weir/flow@1", "id": "shared",
        "triggers": { "in": { "kind": "http", "config": { "path": "/shared" } } },
        "steps": { "call": { "kind": "http", "connection": "partner", "config": { "method": "PUT", "path": "/x" } },
                   "thanks": { "kind": "respond", "config": { "status": 201, "body": "one" } } },
        "links": [ { "from": "in", "to": "call" }, { "from": "call", "to": "thanks" } ]
    });
    first.publish(&flow);
    until_all_listen(std::slice::from_ref(&second), "/shared");
    // A path that another server gave away is taken, at once.
    let mut thief = flow.clone();
    thief["id"] = json!("thief");
    second.api("POST", "/flows", &thief).expect(201);
    let refused = second.api("POST", "/flows/thief/publish", &json!({}));
    let problem = refused.problem(422, "invalid_document");
    assert_eq!(problem["errors"][0]["code"], "path_taken", "{problem:#}");

    let reply = second.knock("POST", "/shared", &json!({})).expect(201);
    assert_eq!(reply.text(), "one");
    assert_eq!(partner.calls()[0].header("x-token"), "a secret value");
    // A new version, and the switch.
    flow["steps"]["thanks"]["config"]["body"] = json!("two");
    first.api("PUT", "/flows/shared", &flow).expect(200);
    first
        .api("POST", "/flows/shared/publish", &json!({}))
        .expect(200);
    until("the second version", || {
        let reply = second.knock("POST", "/shared", &json!({})).expect(201);
        (reply.text() == "two").then_some(())
    });
    first
        .api("POST", "/flows/shared/disable", &json!({}))
        .expect(200);
    until("the switch", || {
        let reply = second.knock("POST", "/shared", &json!({}));
        (reply.status == 503).then_some(())
    });
    first
        .api("POST", "/flows/shared/enable", &json!({}))
        .expect(200);
    let reply = first.knock("POST", "/shared", &json!({})).expect(201);
    let run = reply.header("weir-run").unwrap().to_owned();
    first
        .send(&Request::new("DELETE", "/api/v1/flows/shared"))
        .expect(204);
    // All of that is told to who watches the other server.
    let mut versions = BTreeSet::new();
    let (mut told, mut deleted) = (false, false);
    for event in &mut events {
        match event.name.as_str() {
            "flow" if event.data["flow"] == "shared" => {
                let standing = (event.data["version"].clone(), event.data["enabled"].clone());
                versions.insert(format!("{standing:?}"));
                deleted |= event.data["revision"].is_null();
            }
            "change" if event.data["run"] == run => {
                assert_eq!(event.data["flow"], "shared");
                told |= event.data["status"] == "succeeded";
            }
            _ => {}
        }
        if told && deleted {
            break;
        }
    }
    assert!(versions.len() >= 3, "{versions:?}");
    until("the path to be nobody's", || {
        let reply = second.knock("POST", "/shared", &json!({}));
        (reply.status == 404).then_some(())
    });
}
