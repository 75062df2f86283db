//! Runs that wait for long are nobody's meanwhile, and go on with whoever finds them due.

use std::time::Duration;

use serde_json::json;
use weir_tests::{Database, until};

use crate::servers::{busy_at_first, patient, start, waiting};

#[test]
fn a_parked_run_goes_on_with_whoever_finds_it_due() {
    for database in [Database::Sqlite, Database::postgresql("servers_parked")] {
        let partner = busy_at_first();
        let several = database.url().is_some();
        let parking = |name: &str| start(&database, name).variable("WEIR_PARK_AFTER_MS", "200");
        let first = parking("first").start();
        let second = several.then(|| parking("second").start());
        first.publish(&patient(&partner, "3s"));
        let run = waiting(&first);
        if let Some(second) = &second {
            let owner = database.ask(&format!(
                "SELECT server IS NULL AND parked_until = wake_at FROM run WHERE id = '{run}'"
            ));
            assert_eq!(owner, ["t"], "nobody has it");
            // Whoever had it may go.
            first.kill();
            assert_eq!(second.ended(&run)["status"], "succeeded");
        } else {
            assert_eq!(first.ended(&run)["status"], "succeeded");
        }
        let calls = partner.calls();
        assert_eq!(calls.len(), 2);
        assert!(calls[1].at - calls[0].at >= Duration::from_millis(2_990));
        assert!(calls[1].at - calls[0].at < Duration::from_secs(20));
    }
}

#[test]
fn a_run_that_waits_from_its_first_turn_on_is_nobodys_until_it_is_due() {
    let database = Database::postgresql("servers_waits");
    let parking = |name: &str| start(&database, name).variable("WEIR_PARK_AFTER_MS", "200");
    let first = parking("first").start();
    let second = parking("second").start();
    first.publish(&json!({
        "format": "weir/flow@1", "id": "remind",
        "triggers": { "in": { "kind": "http", "config": { "path": "/remind", "reply": "accepted" } } },
        "steps": { "rest": { "kind": "wait", "config": { "for": "= input.body.span" } },
                   "after": { "kind": "map", "config": { "script": "input.body.span" } } },
        "links": [ { "from": "in", "to": "rest" }, { "from": "rest", "to": "after" } ]
    }));
    let send = |span: &str| {
        let reply = first
            .knock("POST", "/remind", &json!({ "span": span }))
            .expect(202);
        reply.header("weir-run").unwrap().to_owned()
    };
    let (soon, late) = (send("3s"), send("30d"));
    until("nobody to have them", || {
        let left = "SELECT count(*) FROM run WHERE server IS NULL AND parked_until = wake_at";
        (database.count(left) == 2).then_some(())
    });
    first.kill();
    let ended = second.ended(&soon);
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    assert_eq!(ended["steps"]["after"]["output"], "3s");
    let waits = second.run(&late);
    assert_eq!(waits["status"], "waiting");
    assert!(
        waits["steps"]["rest"]["waits_until"].is_string(),
        "{waits:#}"
    );
}
