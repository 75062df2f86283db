//! The database goes away for a while under load and comes back: nothing accepted is lost, and the servers go on by themselves.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use weir_tests::{Act, Cluster, Database, Partner, Request, long_form, send, until};

use crate::{
    crash::{KINDS, set_up, tally},
    servers::{judge_database, start, until_all_listen},
};

/// How many senders there are at once.
const SENDERS: usize = 8;

#[test]
fn a_database_that_was_gone_for_a_while_is_found_again() {
    let seconds = long_form("WEIR_PROVE_GONE", 4);
    let cluster = Cluster::start();
    let database = Database::At { url: cluster.url() };
    let partner = Partner::with(|_, _| Act::ok().after(Duration::from_millis(100)));
    let servers = ["a", "b", "c"].map(|name| start(&database, name).start());
    set_up(&servers[0], &partner);
    // Each call needs the database for a connection and for a secret first.
    servers[0].secret("key", "what the partner knows us by");
    let known = json!({ "base_url": partner.url(), "auth": { "kind": "bearer", "token": { "$secret": "key" } } });
    let changed = servers[0].api("PUT", "/connections/partner", &known);
    changed.expect(200);
    until_all_listen(&servers, "/work");
    let addresses: Vec<SocketAddr> = servers.iter().map(|weir| weir.address).collect();
    let accepted: Mutex<BTreeMap<String, String>> = Mutex::default();
    let (next, refused, over) = (
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        AtomicBool::new(false),
    );
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (accepted, addresses, next, refused, over) =
                (&accepted, &addresses, &next, &refused, &over);
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let kind = KINDS[number % KINDS.len()];
                    let id = format!("{number}-{kind}");
                    let request = Request::new("POST", "/in/main/work")
                        .json(&json!({ "id": id, "kind": kind }));
                    let mut turn = sender + number;
                    let run = loop {
                        turn += 1;
                        // Nobody was killed, so everybody answers.
                        let reply = send(addresses[turn % addresses.len()], &request).unwrap();
                        if reply.status != 503 {
                            break reply.expect(202).header("weir-run").unwrap().to_owned();
                        }
                        assert!(reply.header("retry-after").is_some(), "{reply}");
                        let told = reply.json();
                        let kind = told["type"].as_str().unwrap_or_default();
                        assert!(
                            kind.ends_with("unavailable") || kind.ends_with("lease_lost"),
                            "{told:#}"
                        );
                        refused.fetch_add(1, Ordering::SeqCst);
                        thread::park_timeout(Duration::from_millis(100));
                    };
                    accepted.lock().unwrap().insert(id, run);
                    thread::park_timeout(Duration::from_millis(20));
                }
            });
        }
        let some_more = || {
            let before = accepted.lock().unwrap().len();
            until("messages to be accepted", || {
                (accepted.lock().unwrap().len() >= before + 40).then_some(())
            });
        };
        let all_say = |status| {
            let ready = |address| send(address, &Request::new("GET", "/health/ready")).unwrap();
            let mut replies = addresses.iter().map(|address| ready(*address));
            replies.all(|reply| reply.status == status).then_some(())
        };
        some_more();
        cluster.crash();
        let gone = thread::spawn(move || thread::park_timeout(Duration::from_secs(seconds as u64)));
        until("the servers to say that they are not ready", || {
            all_say(503)
        });
        gone.join().unwrap();
        cluster.start_again();
        some_more();
        until("the servers to be ready", || all_say(200));
        over.store(true, Ordering::SeqCst);
    });
    let accepted = accepted.into_inner().unwrap();
    // Whose answer was lost is looked for some seconds after the database is back, and taken up the second time.
    let since = Instant::now();
    let open =
        "SELECT id, status, turns, server, parked_until, wake_at FROM run WHERE ended_at IS NULL";
    while since.elapsed() < Duration::from_secs(120) && !database.ask(open).is_empty() {
        thread::park_timeout(Duration::from_millis(100));
    }
    let left = database.ask(open);
    if !left.is_empty() {
        let known = database.ask("SELECT * FROM server");
        panic!("these runs did not end: {left:#?}; the servers: {known:#?}");
    }
    let (lost, repeated) = tally(&servers[0], &partner, &accepted);
    judge_database(&database);
    for call in partner.calls() {
        assert_eq!(
            call.header("authorization"),
            "Bearer what the partner knows us by"
        );
    }
    println!(
        "a database that was gone for {seconds} s under 3 servers: {} messages accepted and ended, {} refused with 503, {} calls, \
         {repeated} of them made again with the same key, {lost} of which nobody knows",
        accepted.len(),
        refused.into_inner(),
        partner.calls().len()
    );
    for weir in servers {
        let (status, log) = weir.stop();
        assert!(status.success(), "{log}");
    }
}
