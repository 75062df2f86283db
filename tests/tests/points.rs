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
    crash::{kind, set_up, tally},
    polls::{self, Shop},
    servers::{assert_each_second_once, clock, fired, judge_database, start},
};

/// The names of all points, as a server tells them that is to end at none of them. The last is met only where there are several
/// servers.
fn points() -> Vec<String> {
    let nowhere = Start::default().variable("WEIR_CRASH_AT", "nowhere:1");
    let Err((_, told)) = nowhere.try_start() else {
        panic!("it starts where no point is named");
    };
    let (_, names) = told.split_once("the points are ").expect(&told);
    let names = names.lines().next().unwrap().split(", ");
    let names = names.map(|name| {
        name.trim_end_matches(|c: char| !c.is_alphanumeric())
            .to_owned()
    });
    names.collect()
}

/// Within how many passes of a point a server ends there.
fn passes(point: &str) -> usize {
    match point.split_once('.') {
        Some(("turn" | "transaction", _)) => 20,
        Some(("message" | "attempt", _)) => 12,
        Some(("run" | "poll", _)) => 2,
        _ => 1,
    }
}

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
    let mut names = points();
    assert_eq!(names.last().unwrap(), "lease.taken");
    names.truncate(names.len() - usize::from(count == 1));
    let points = names.len();
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
    let shop = Shop::open();
    polls::set_up(&first, &shop);
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
            let offered = &shop.items;
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let (id, run) = deliver(addresses, sender + number, number);
                    accepted.lock().unwrap().insert(id, run);
                    // Now and then there is something new to be found, too.
                    offered.fetch_add(usize::from(number.is_multiple_of(12)), Ordering::SeqCst);
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
                            *met.entry(names[point].as_str()).or_default() += 1;
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
                    let unmet = (0..points).find(|point| !met.contains_key(names[*point].as_str()));
                    unmet.filter(|_| roll(3) > 0)
                });
                let server = match at {
                    None => fresh(slot),
                    Some(point) => {
                        let word = &names[point];
                        let passes = 1 + roll(passes(word));
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
                        *met.entry(names[point].as_str()).or_default() += 1;
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
        shop.judge(&servers[0]);
        shop.judge_cursor();
        if count > 1 {
            judge_database(database);
        }
        println!(
            "{} ends of {count} servers, {random} at random and the others at {} points: {} messages accepted and ended, \
             {} calls, {repeated} of them made again with the same key, {lost} of which nobody knows; {} items found once in {} polls",
            random + all(&met),
            met.len(),
            accepted.len(),
            partner.calls().len(),
            shop.items.load(Ordering::SeqCst),
            shop.asked().len()
        );
    });
    let missed: Vec<&String> = names
        .iter()
        .filter(|word| !met.contains_key(word.as_str()))
        .collect();
    assert!(missed.is_empty(), "no server ended at {missed:?}");
}

/// Sends a message until somebody accepts it: its id, and its run.
pub(crate) fn deliver(
    addresses: &Mutex<Vec<Option<SocketAddr>>>,
    mut turn: usize,
    number: usize,
) -> (String, String) {
    let kind = match number % 5 {
        4 => "rest",
        _ => kind(number - number / 5),
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
