//! A caller and what it called on different servers: its end is known at once, a takeover calls nothing twice, and a cancel
//! reaches it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Act, Database, Partner, Start, Weir, until};

use crate::servers::{identities, judge_database, start};

/// What a called run does: its call is answered 503 at first, so that it waits, and then as the partner likes.
fn patient(partner: &Partner, settings: &Value) -> Value {
    json!({
        "format": "weir/flow@1", "id": "patient", "settings": settings,
        "triggers": { "called": { "kind": "flow" } },
        "steps": { "ask": { "kind": "http", "config": { "method": "PUT", "url": partner.url() },
                   "retry": { "attempts": 9, "delay": "4s", "backoff": "constant", "jitter": 0 } },
                   "give": { "kind": "map", "config": { "script": "#{ n: 42 }" } } },
        "links": [ { "from": "called", "to": "ask" }, { "from": "ask", "to": "give" } ]
    })
}

fn caller() -> Value {
    json!({
        "format": "weir/flow@1", "id": "caller",
        "triggers": { "in": { "kind": "http", "config": { "path": "/caller", "reply": "accepted" } } },
        "steps": { "call": { "kind": "call", "config": { "flow": "patient" } } },
        "links": [ { "from": "in", "to": "call" } ]
    })
}

/// Keeps the server that has the caller from taking up anything else.
fn filler(partner: &Partner) -> Value {
    json!({
        "format": "weir/flow@1", "id": "filler",
        "triggers": { "in": { "kind": "http", "config": { "path": "/filler", "reply": "accepted" } } },
        "steps": { "hold": { "kind": "http", "config": { "method": "PUT", "url": partner.url() } } },
        "links": [ { "from": "in", "to": "hold" } ]
    })
}

/// A caller on one server, and what it called on another one, which has a call underway at the partner.
struct Apart {
    database: Database,
    partner: Partner,
    /// Has the caller.
    near: Weir,
    /// Has what it called.
    far: Weir,
    caller: String,
    child: String,
    /// Keeps the near server busy.
    _busy: Partner,
}

impl Apart {
    fn new(name: &str, settings: &Value) -> Apart {
        let database = Database::postgresql(name);
        let partner = Partner::with(|_, index| match index {
            0 => Act::reply(503, json!({ "busy": true })),
            _ => Act::ok(),
        });
        let busy = Partner::start();
        busy.hold();
        let near = start(&database, "near")
            .variable("WEIR_ACTIVE_RUNS", "2")
            .variable("WEIR_PARK_AFTER_MS", "200")
            .start();
        near.publish(&patient(&partner, settings));
        near.publish(&caller());
        near.publish(&filler(&busy));
        let reply = near.knock("POST", "/caller", &json!({})).expect(202);
        let caller = reply.header("weir-run").unwrap().to_owned();
        // What it called waits for some seconds with nobody, which leaves a place for something else, and then none for itself.
        let parked = "SELECT count(*) FROM run WHERE flow = 'patient' AND parked_until IS NOT NULL";
        until("what it called to wait", || {
            (database.count(parked) == 1).then_some(())
        });
        until("the filler to get the last place", || {
            let reply = near.knock("POST", "/filler", &json!({}));
            (reply.status == 202).then_some(())
        });
        partner.hold();
        let far = start(&database, "far")
            .variable("WEIR_ACTIVE_RUNS", "1")
            .start();
        partner.wait_open(1);
        let child = near.run(&caller)["steps"]["call"]["called"].clone();
        let child = child.as_str().unwrap().to_owned();
        let names = identities(&database);
        let owner = |run: &str| {
            let rows = database.ask(&format!("SELECT server FROM run WHERE id = '{run}'"));
            rows[0].clone()
        };
        assert_eq!(
            (owner(&caller), owner(&child)),
            (names["near"].clone(), names["far"].clone())
        );
        Apart {
            database,
            partner,
            near,
            far,
            caller,
            child,
            _busy: busy,
        }
    }

    /// One caller, one called run, and what that did: two calls.
    fn judge(&self, calls: usize) {
        assert_eq!(
            self.database
                .count("SELECT count(*) FROM run WHERE flow <> 'filler'"),
            2
        );
        assert_eq!(self.partner.calls().len(), calls);
        let parent = format!("SELECT parent FROM run WHERE id = '{}'", self.child);
        assert_eq!(self.database.ask(&parent)[0], self.caller);
    }
}

/// The run has ended well with what the other one gave.
fn assert_result(run: &Value) {
    assert_eq!(run["status"], "succeeded", "{run:#}");
    assert_eq!(
        run["steps"]["call"]["output"],
        json!({ "n": 42 }),
        "{run:#}"
    );
    assert_eq!(
        run["steps"]["call"]["attempts"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_caller_hears_at_once_of_the_end_on_another_server() {
    // Even where the called flow keeps nothing: its result is kept until the caller, who is elsewhere, has it.
    let apart = Apart::new("calls_apart", &json!({ "history": "none" }));
    apart.partner.release();
    apart.far.ended(&apart.child);
    let since = Instant::now();
    assert_result(&apart.near.ended(&apart.caller));
    assert!(
        since.elapsed() < Duration::from_secs(5),
        "{:?}",
        since.elapsed()
    );
    apart.judge(2);
    judge_database(&apart.database);
}

#[test]
fn a_caller_whose_server_dies_waits_on_elsewhere_for_what_it_had_called() {
    let mut apart = Apart::new("calls_killed", &json!({}));
    let third = start(&apart.database, "third").start();
    std::mem::replace(&mut apart.near, third).kill();
    // The third one has it, since the other one has no place for it, and starts nothing a second time.
    let owner = format!(
        "SELECT count(*) FROM run JOIN server ON server.id = run.server WHERE run.id = '{}' AND server.name = 'third'",
        apart.caller
    );
    until("a takeover", || {
        (apart.database.count(&owner) == 1).then_some(())
    });
    assert_eq!(apart.partner.calls().len(), 2);
    apart.partner.release();
    apart.far.ended(&apart.child);
    let since = Instant::now();
    assert_result(&apart.far.ended(&apart.caller));
    assert!(
        since.elapsed() < Duration::from_secs(5),
        "{:?}",
        since.elapsed()
    );
    apart.judge(2);
    judge_database(&apart.database);
}

#[test]
fn a_called_run_whose_server_dies_goes_on_with_others_and_its_caller_hears_of_it() {
    let apart = Apart::new("calls_orphan", &json!({}));
    // The near one has no place for it.
    let third = start(&apart.database, "third").start();
    let Apart {
        database,
        partner,
        near,
        far,
        caller,
        child,
        ..
    } = apart;
    far.kill();
    partner.wait_open(2);
    partner.release();
    assert_result(&near.ended(&caller));
    assert_eq!(third.run(&child)["status"], "succeeded");
    assert_eq!(partner.calls().len(), 3);
    judge_database(&database);
}

#[test]
fn a_cancel_reaches_what_another_server_has() {
    let apart = Apart::new("calls_cancel", &json!({}));
    // Asked of the server that does not have the caller, which asks the one that has it, which asks back.
    let path = format!("/runs/{}/cancel", apart.caller);
    let reply = apart
        .far
        .api("POST", &path, &json!({ "by": "Ada" }))
        .expect(202);
    assert_eq!(reply.json()["status"], "cancelled");
    let child = apart.near.ended(&apart.child);
    assert_eq!(child["status"], "cancelled", "{child:#}");
    assert_eq!(child["cancelled"]["note"], "its caller was cancelled");
    apart.judge(2);
    until("the orders to be settled", || {
        (apart.database.count("SELECT count(*) FROM run_order") == 0).then_some(())
    });
    judge_database(&apart.database);
}

#[test]
fn callers_that_are_taken_up_leave_their_places_to_what_they_called() {
    let data = TempDir::new().unwrap();
    let partner = Partner::start();
    partner.hold();
    let weir = Start::default().data(data.path()).start();
    weir.publish(&patient(&partner, &json!({})));
    weir.publish(&caller());
    let callers: Vec<String> = (0..6)
        .map(|_| {
            let reply = weir.knock("POST", "/caller", &json!({})).expect(202);
            reply.header("weir-run").unwrap().to_owned()
        })
        .collect();
    partner.wait_open(6);
    weir.kill();
    partner.release();
    let weir = Start::default()
        .data(data.path())
        .variable("WEIR_ACTIVE_RUNS", "1")
        .start();
    for caller in &callers {
        assert_result(&weir.ended(caller));
    }
    assert_eq!(weir.runs("").len(), 12, "nothing was called twice");
}
