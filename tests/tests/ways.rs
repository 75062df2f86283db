//! The ways out of a failure, against a partner that counts: cancelling.

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
