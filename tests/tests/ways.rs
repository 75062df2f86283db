//! The ways out of a failure, against a partner that counts: cancelling and replaying.

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Act, Database, Partner, Start, Weir, until};

/// Books in the first two steps, each of which can be reversed, and pays in a third.
fn trip(weir: &Weir, partner: &Partner) {
    weir.connect("erp", &json!({ "base_url": partner.url() }));
    let call = |method: &str, path: &str| json!({ "kind": "http", "connection": "erp", "config": { "method": method, "path": path }, "retry": { "attempts": 1 } });
    let undoable = |path: &str| {
        let mut step = call("POST", path);
        step["undo"] = call("DELETE", path);
        step
    };
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "trip",
        "triggers": { "in": { "kind": "http", "config": { "path": "/trip", "reply": "accepted" } } },
        "steps": { "hotel": undoable("/hotel"), "flight": undoable("/flight"), "pay": call("POST", "/pay") },
        "links": [ { "from": "in", "to": "hotel" }, { "from": "hotel", "to": "flight" }, { "from": "flight", "to": "pay" } ]
    }));
}

fn begin(weir: &Weir) -> String {
    let reply = weir.knock("POST", "/trip", &json!({})).expect(202);
    reply.header("weir-run").unwrap().to_owned()
}

fn calls(partner: &Partner) -> Vec<String> {
    let calls = partner.calls().into_iter();
    calls
        .map(|call| format!("{} {}", call.method, call.path()))
        .collect()
}

fn cancel(weir: &Weir, run: &str, body: &Value) -> Value {
    let path = format!("/runs/{run}/cancel");
    weir.api("POST", &path, body).expect(202).json()
}

#[test]
fn a_cancel_with_undo_reverses_each_step_once_on_sqlite() {
    cancel_with_undo(&Database::Sqlite);
}

#[test]
fn a_cancel_with_undo_reverses_each_step_once_on_postgresql() {
    cancel_with_undo(&Database::postgresql("cancel"));
}

fn cancel_with_undo(database: &Database) {
    let partner = Partner::start();
    let data = TempDir::new().unwrap();
    let start = || {
        Start::default()
            .data(&data.path().join("data"))
            .database(database)
            .start()
    };
    let weir = start();
    trip(&weir, &partner);
    partner.hold();
    let id = begin(&weir);
    partner.wait_open(1);
    let standing = cancel(&weir, &id, &json!({ "undo": true, "by": "Ada" }));
    assert_eq!(standing["status"], "running", "the first call may end");
    // The server dies in the middle of it, and nobody knows what became of the call.
    weir.kill();
    partner.release();
    let weir = start();
    let run = weir.ended(&id);
    assert_eq!(run["status"], "cancelled", "{run:#}");
    assert_eq!(run["steps"]["hotel"]["failure"]["class"], "lost");
    assert_eq!(calls(&partner), ["POST /hotel"]);

    partner.hold();
    let id = begin(&weir);
    partner.wait_open(1);
    cancel(&weir, &id, &json!({ "undo": true }));
    partner.release();
    let run = weir.ended(&id);
    assert_eq!(run["status"], "cancelled", "{run:#}");
    assert_eq!(run["steps"]["flight"]["status"], "skipped");
    assert_eq!(
        calls(&partner)[1..],
        ["POST /hotel", "DELETE /hotel"],
        "what succeeded is reversed, and nothing else is done"
    );
    weir.api("POST", &format!("/runs/{id}/cancel"), &json!({}))
        .problem(409, "conflict");
}

#[test]
fn a_cancelled_retry_is_never_made() {
    let partner = Partner::with(|_, _| Act::reply(503, json!({})));
    let weir = Weir::start();
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "trip",
        "triggers": { "in": { "kind": "http", "config": { "path": "/trip", "reply": "accepted" } } },
        "steps": { "call": { "kind": "http", "config": { "url": partner.url() }, "retry": { "attempts": 5, "delay": "1h", "max_delay": "1h" } } },
        "links": [ { "from": "in", "to": "call" } ]
    }));
    let id = begin(&weir);
    until("the run to wait for its next attempt", || {
        Some(weir.run(&id)).filter(|run| run["status"] == "waiting")
    });
    assert_eq!(cancel(&weir, &id, &json!({}))["status"], "cancelled");
    assert_eq!(partner.calls().len(), 1);
    assert_eq!(
        weir.run(&id)["steps"]["call"]["failure"]["class"],
        "transient"
    );
}

#[test]
fn a_replay_makes_no_call_again_that_was_made_on_sqlite() {
    replay(&Database::Sqlite);
}

#[test]
fn a_replay_makes_no_call_again_that_was_made_on_postgresql() {
    replay(&Database::postgresql("replay"));
}

fn replay(database: &Database) {
    // The second step is refused once.
    let partner = Partner::with(|call, index| match (call.path(), index) {
        ("/second", 1) => Act::reply(409, json!({ "reason": "closed" })),
        _ => Act::reply(200, json!({ "id": 7 })),
    });
    let data = TempDir::new().unwrap();
    let weir = Start::default()
        .data(&data.path().join("data"))
        .database(database)
        .start();
    chain(&weir, &partner);
    let id = begin(&weir);
    assert_eq!(weir.ended(&id)["status"], "failed");
    assert_eq!(calls(&partner), ["POST /first", "POST /second"]);
    let letters = weir.get("/dead-letters").expect(200).json();
    assert_eq!(letters["items"][0]["run"], id.as_str(), "{letters:#}");
    let path = format!("/runs/{id}/replay");
    let plan = weir.api("POST", &format!("{path}/plan"), &json!({}));
    let plan = plan.expect(200).json();
    assert_eq!(
        plan["writes"],
        json!([
            { "step": "second", "kind": "http", "method": "POST", "target": "/second", "connection": "erp", "again": true, "may_have_happened": false },
            { "step": "third", "kind": "http", "method": "POST", "target": "/third", "connection": "erp", "again": false, "may_have_happened": false }
        ]),
        "{plan:#}"
    );
    assert_eq!(calls(&partner).len(), 2, "a plan does nothing");

    // Many at once, and again after a crash: one run.
    let ask = || {
        let reply = weir.api("POST", &path, &json!({})).expect(202);
        reply.json()["id"].as_str().unwrap().to_owned()
    };
    let new = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..6).map(|_| scope.spawn(ask)).collect();
        let ids: Vec<_> = asked.into_iter().map(|it| it.join().unwrap()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        ids[0].clone()
    });
    let run = weir.ended(&new);
    assert_eq!(
        (&run["status"], &run["origin"]),
        (&json!("succeeded"), &json!(id)),
        "{run:#}"
    );
    weir.kill();
    let weir = Start::default()
        .data(&data.path().join("data"))
        .database(database)
        .start();
    let reply = weir.api("POST", &path, &json!({})).expect(202);
    assert_eq!(reply.header("weir-duplicate"), Some("true"));
    assert_eq!(reply.json()["id"], new.as_str());
    assert_eq!(
        calls(&partner),
        ["POST /first", "POST /second", "POST /second", "POST /third"]
    );
    let run = weir.run(&new);
    assert_eq!(run["steps"]["first"]["taken_over"], true, "{run:#}");
    assert_eq!(run["steps"]["first"]["output"]["body"], json!({ "id": 7 }));
}

#[test]
fn what_was_lost_takes_both_answers() {
    let partner = Partner::start();
    let data = TempDir::new().unwrap();
    let start = || Start::default().data(&data.path().join("data")).start();
    let mut weir = start();
    chain(&weir, &partner);
    // Two runs are cut off in their first call, which may have happened.
    let mut lost = Vec::new();
    for _ in 0..2 {
        partner.hold();
        let id = begin(&weir);
        partner.wait_open(1);
        weir.kill();
        partner.release();
        weir = start();
        assert_eq!(weir.ended(&id)["failure"]["class"], "lost");
        let letter = weir.get(&format!("/dead-letters/{id}"));
        assert_eq!(letter.expect(200).json()["may_have_happened"], true);
        lost.push(id);
    }
    let before = calls(&partner);
    assert_eq!(before, ["POST /first", "POST /first"]);
    let go_on = |id: &str, body: &Value| {
        let reply = weir.api("POST", &format!("/runs/{id}/replay"), body);
        let new = reply.expect(202).json()["id"].as_str().unwrap().to_owned();
        let run = weir.ended(&new);
        assert_eq!(run["status"], "succeeded", "{run:#}");
        run
    };
    let told = json!({ "happened": { "step": "first", "output": { "body": { "id": 3 } } } });
    let run = go_on(&lost[0], &told);
    assert_eq!(run["steps"]["first"]["output"]["body"]["id"], 3);
    assert_eq!(calls(&partner)[2..], ["POST /second", "POST /third"]);
    go_on(&lost[1], &json!({}));
    assert_eq!(
        calls(&partner)[4..],
        ["POST /first", "POST /second", "POST /third"]
    );
}

/// Writes three times, one after the other.
fn chain(weir: &Weir, partner: &Partner) {
    weir.connect("erp", &json!({ "base_url": partner.url() }));
    let call = |path: &str| json!({ "kind": "http", "connection": "erp", "config": { "method": "POST", "path": path }, "retry": { "attempts": 1 } });
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "trip",
        "triggers": { "in": { "kind": "http", "config": { "path": "/trip", "reply": "accepted" } } },
        "steps": { "first": call("/first"), "second": call("/second"), "third": call("/third") },
        "links": [ { "from": "in", "to": "first" }, { "from": "first", "to": "second" }, { "from": "second", "to": "third" } ]
    }));
}
