//! A disk that is full, under load: what is accepted is kept, what cannot be is refused clearly, and room is enough to go on.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::json;
use tempfile::TempDir;
use weir_tests::{Act, Partner, Request, Start, Weir, long_form, send, until};

use crate::crash::{KINDS, set_up, tally};

/// How many senders there are at once.
const SENDERS: usize = 8;

/// How much a message carries, so that it does not fit into what is left.
const PAYLOAD: usize = 2_000;

#[test]
fn a_full_disk_loses_nothing_and_is_left_behind_when_there_is_room() {
    let rounds = long_form("WEIR_PROVE_FULL", 1);
    let partner = Partner::with(|_, _| Act::ok().after(Duration::from_millis(100)));
    let data = TempDir::new().unwrap();
    let begin = || {
        Start::default()
            .data(data.path())
            .with_a_disk_that_fills()
            .start()
    };
    let mut weir = begin();
    set_up(&weir, &partner);
    let accepted: Mutex<BTreeMap<String, String>> = Mutex::default();
    let next = AtomicUsize::new(0);
    let mut refused = 0;
    for round in 0..rounds {
        refused += fill(&weir, &accepted, &next, [1, 1 << 16][round % 2]);
        // Killed while it is full, and started where there is room.
        let address = weir.address;
        weir.limit_files(Some(1));
        let late = thread::spawn(move || {
            let request = Request::new("POST", "/in/main/work")
                .json(&json!({ "id": format!("late-{round}-put"), "kind": "put" }));
            send(address, &request).map(|reply| reply.status).ok()
        });
        thread::park_timeout(Duration::from_millis(300));
        weir.kill();
        assert_ne!(late.join().unwrap(), Some(202), "nothing can be accepted");
        weir = begin();
    }
    let accepted = accepted.into_inner().unwrap();
    // What got no answer may be there or not; nobody was told that it is.
    let runs = weir.runs("").len();
    assert_eq!(runs, accepted.len(), "what was refused is not there");
    let (lost, repeated) = tally(&weir, &partner, &accepted);
    println!(
        "a disk that was full {rounds} times: {} messages accepted and ended, {refused} refused with 503, {} calls, \
         {repeated} of them made again, {lost} of which nobody knows",
        accepted.len(),
        partner.calls().len()
    );
    let (status, log) = weir.stop();
    assert!(status.success(), "{log}");
}

/// Fills the disk under load until senders are refused, makes room again, and waits until all is accepted. Gives how many
/// were refused.
fn fill(
    weir: &Weir,
    accepted: &Mutex<BTreeMap<String, String>>,
    next: &AtomicUsize,
    limit: u64,
) -> usize {
    let (refused, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let before = accepted.lock().unwrap().len();
    thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let kind = KINDS[number % KINDS.len()];
                    let id = format!("{number}-{kind}");
                    let body = json!({ "id": id, "kind": kind, "text": "x".repeat(PAYLOAD) });
                    let request = Request::new("POST", "/in/main/work").json(&body);
                    let run = until("a message to be accepted", || {
                        let reply = send(weir.address, &request).unwrap();
                        if reply.status == 503 {
                            assert!(reply.header("retry-after").is_some(), "{reply}");
                            reply.problem(503, "unavailable");
                            refused.fetch_add(1, Ordering::SeqCst);
                            return None;
                        }
                        Some(reply.expect(202).header("weir-run").unwrap().to_owned())
                    });
                    accepted.lock().unwrap().insert(id, run);
                    thread::park_timeout(Duration::from_millis(20));
                }
            });
        }
        until("some load", || {
            (accepted.lock().unwrap().len() >= before + 40).then_some(())
        });
        weir.limit_files(Some(limit));
        until("all senders to be refused", || {
            (refused.load(Ordering::SeqCst) >= SENDERS).then_some(())
        });
        let ready = send(weir.address, &Request::new("GET", "/health/ready")).unwrap();
        assert_eq!(ready.status, 503, "{ready}");
        let told = weir.log();
        assert!(told.contains("the database is not available"), "{told}");
        let full = accepted.lock().unwrap().len();
        weir.limit_files(None);
        until("it to go on by itself", || {
            (accepted.lock().unwrap().len() >= full + 20).then_some(())
        });
        until("it to be ready", || {
            let ready = send(weir.address, &Request::new("GET", "/health/ready")).unwrap();
            (ready.status == 200).then_some(())
        });
        over.store(true, Ordering::SeqCst);
    });
    refused.into_inner()
}
