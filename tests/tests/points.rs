//! Servers that end at each named point of their work, and at random, under load: nothing is lost and nothing doubled.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    os::unix::process::ExitStatusExt,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;
use weir_tests::{Act, Database, Partner, Request, Start, Weir, long_form, send, until};

use crate::{
    crash::{KINDS, set_up, tally},
    servers::{assert_each_second_once, clock, fired, judge_database, start},
};

/// The points, and within how many passes of each a server ends there. The last is met only where there are several servers.
const POINTS: [(&str, usize); 15] = [
    ("message.decided", 12),
    ("message.committed", 12),
    ("message.answered", 12),
    ("turn.decided", 20),
    ("turn.committed", 20),
    ("attempt.begun", 12),
    ("attempt.ended", 12),
    ("transaction.begun", 20),
    ("transaction.written", 20),
    ("transaction.committed", 20),
    ("runs.claimed", 1),
    ("run.restored", 2),
    ("run.parked", 2),
    ("schedule.due", 1),
    ("lease.taken", 1),
];

/// How many senders there are at once, and the pause of each between two messages.
const SENDERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(40);

/// How long a point may not be met until another one is tried.
const ENOUGH: Duration = Duration::from_secs(12);

/// A signal that a process sends itself when it aborts, as it does at a point.
const ABORTED: i32 = 6;

#[test]
fn a_server_that_ends_at_any_point_loses_nothing_on_sqlite() {
    let data = TempDir::new().unwrap();
    end_everywhere(&Database::Sqlite, 1, data.path());
}

#[test]
fn three_servers_that_end_at_any_point_lose_nothing() {
    let data = TempDir::new().unwrap();
    end_everywhere(&Database::postgresql("servers_points"), 3, data.path());
}

/// A server, and how it is to end.
struct Doomed {
    weir: Weir,
    /// A point, or nothing where it is killed at a random moment.
    at: Option<usize>,
    since: Instant,
    lives: Duration,
}

fn end_everywhere(database: &Database, count: usize, data: &Path) {
    let points = if count > 1 {
        POINTS.len()
    } else {
        POINTS.len() - 1
    };
    let ends = long_form("WEIR_PROVE_POINTS", points + 4);
    let partner = Partner::with(|_, _| Act::ok().after(Duration::from_millis(150)));
    let fresh = |slot: usize| {
        let server = match count {
            1 => Start::default().data(data),
            _ => start(database, ["a", "b", "c"][slot]),
        };
        server.variable("WEIR_PARK_AFTER_MS", "200")
    };
    let first = fresh(0).start();
    set_up(&first, &partner);
    first.publish(&resting());
    first.publish(&clock("all"));
    first.stop();

    let mut plans: VecDeque<Option<usize>> = (0..ends)
        .map(|number| (number % 4 != 3).then_some((number - number / 4) % points))
        .collect();
    let mut dice = 7_usize;
    let mut roll = |sides: usize| {
        dice = dice.wrapping_mul(1_103_515_245).wrapping_add(12_345) % (1 << 31);
        (dice >> 8) % sides
    };
    let accepted: Mutex<BTreeMap<String, String>> = Mutex::default();
    let addresses: Mutex<Vec<Option<SocketAddr>>> = Mutex::new(vec![None; count]);
    let (next, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    let mut random = 0;
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (accepted, addresses, next, over) = (&accepted, &addresses, &next, &over);
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let (id, run) = deliver(addresses, sender + number, number);
                    accepted.lock().unwrap().insert(id, run);
                    thread::park_timeout(PAUSE);
                }
            });
        }
        let mut slots: Vec<Option<Doomed>> = (0..count).map(|_| None).collect();
        // A point that was never met is tried for longer, beside servers that are killed.
        let all = |met: &BTreeMap<&str, usize>| met.values().sum::<usize>();
        while random + all(&met) < ends || met.len() < points && random + all(&met) < ends + 40 {
            for (slot, place) in slots.iter_mut().enumerate() {
                let ended = match place {
                    None => true,
                    Some(doomed) => match (doomed.weir.exit(), doomed.at) {
                        (Some(status), Some(point)) => {
                            assert_eq!(status.signal(), Some(ABORTED), "{}", doomed.weir.log());
                            *met.entry(POINTS[point].0).or_default() += 1;
                            true
                        }
                        (Some(status), None) => panic!("{status}: {}", doomed.weir.log()),
                        (None, at) if doomed.since.elapsed() > doomed.lives => {
                            if at.is_some() {
                                plans.push_back(at);
                            }
                            random += 1;
                            true
                        }
                        _ => false,
                    },
                };
                if !ended {
                    continue;
                }
                addresses.lock().unwrap()[slot] = None;
                // Killed, where it has not ended itself.
                *place = None;
                let at = plans.pop_front().unwrap_or_else(|| {
                    let unmet = (0..points).find(|point| !met.contains_key(POINTS[*point].0));
                    unmet.filter(|_| roll(3) > 0)
                });
                let server = match at {
                    None => fresh(slot),
                    Some(point) => {
                        let (word, most) = POINTS[point];
                        let passes = 1 + roll(most);
                        fresh(slot).variable("WEIR_CRASH_AT", &format!("{word}:{passes}"))
                    }
                };
                match (server.try_start(), at) {
                    (Ok(weir), _) => {
                        addresses.lock().unwrap()[slot] = Some(weir.address);
                        let lives = match at {
                            Some(_) => ENOUGH,
                            None => Duration::from_millis(100 + roll(900) as u64),
                        };
                        let since = Instant::now();
                        *place = Some(Doomed {
                            weir,
                            at,
                            since,
                            lives,
                        });
                    }
                    (Err((status, log)), Some(point)) => {
                        assert_eq!(status.signal(), Some(ABORTED), "{log}");
                        *met.entry(POINTS[point].0).or_default() += 1;
                    }
                    (Err((status, log)), None) => panic!("{status}: {log}"),
                }
            }
            thread::park_timeout(Duration::from_millis(10));
        }
        // From here on they are left in peace.
        drop(slots);
        let servers: Vec<Weir> = (0..count).map(|slot| fresh(slot).start()).collect();
        *addresses.lock().unwrap() = servers.iter().map(|weir| Some(weir.address)).collect();
        over.store(true, Ordering::SeqCst);
        until("the last messages to be accepted", || {
            (accepted.lock().unwrap().len() == next.load(Ordering::SeqCst)).then_some(())
        });
        let accepted = accepted.lock().unwrap();
        let (lost, repeated) = tally(&servers[0], &partner, &accepted);
        servers[0]
            .api("POST", "/flows/clock/disable", &json!({}))
            .expect(200);
        assert_each_second_once(&fired(&servers[0]));
        if count > 1 {
            judge_database(database);
        }
        println!(
            "{} ends of {count} servers, {random} at random and the others at {} points: {} messages accepted and ended, \
             {} calls, {repeated} of them made again with the same key, {lost} of which nobody knows",
            random + all(&met),
            met.len(),
            accepted.len(),
            partner.calls().len()
        );
    });
    let missed: Vec<&str> = POINTS[..points]
        .iter()
        .map(|(word, _)| *word)
        .filter(|word| !met.contains_key(word))
        .collect();
    assert!(missed.is_empty(), "no server ended at {missed:?}");
}

/// Sends a message until somebody accepts it: its id, and its run.
pub(crate) fn deliver(
    addresses: &Mutex<Vec<Option<SocketAddr>>>,
    mut turn: usize,
    number: usize,
) -> (String, String) {
    let kind = match number % 4 {
        3 => "rest",
        kind => KINDS[kind],
    };
    let id = format!("{number}-{kind}");
    let path = if kind == "rest" { "/rest" } else { "/work" };
    let request =
        Request::new("POST", &format!("/in/main{path}")).json(&json!({ "id": id, "kind": kind }));
    let run = until("somebody to accept a message", || {
        let address = {
            let addresses = addresses.lock().unwrap();
            addresses[turn % addresses.len()]
        };
        turn += 1;
        let reply = send(address?, &request).ok()?;
        if reply.status == 503 {
            assert!(reply.header("retry-after").is_some(), "{reply}");
            return None;
        }
        Some(reply.expect(202).header("weir-run").unwrap().to_owned())
    });
    (id, run)
}

/// A flow that waits for so long that its run is let go, and then calls.
fn resting() -> serde_json::Value {
    json!({
        "format": "weir/flow@1", "id": "rest",
        "triggers": { "in": { "kind": "http", "config": { "path": "/rest", "reply": "accepted" }, "dedupe": "trigger.body.id" } },
        "steps": {
            "wait": { "kind": "wait", "config": { "for": "1s" } },
            "put": { "kind": "http", "connection": "partner",
                     "retry": { "attempts": 100, "delay": "50ms", "backoff": "constant", "on": ["transient", "timed_out", "lost"] },
                     "config": { "method": "PUT", "path": "= `/work/${trigger.body.id}`", "body": "= trigger.body" } }
        },
        "links": [ { "from": "in", "to": "wait" }, { "from": "wait", "to": "put" } ]
    })
}
