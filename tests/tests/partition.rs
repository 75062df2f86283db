//! A server that is cut off from the database while its partners still reach it, and comes back.

use std::{collections::BTreeMap, thread};

use serde_json::json;
use weir_tests::{Database, Partner, Request, Wire, long_form, send, until};

use crate::{
    crash::{KINDS, set_up},
    servers::{identities, judge_database, start},
};

#[test]
fn a_server_that_was_cut_off_commits_nothing_when_it_comes_back() {
    let rounds = long_form("WEIR_PROVE_CUTS", 1);
    let database = Database::postgresql("servers_cut");
    let partner = Partner::start();
    let wire = Wire::to(&database.url().unwrap());
    let lonely = start(&database, "lonely")
        .variable("WEIR_DATABASE_URL", &wire.url)
        .start();
    let other = start(&database, "other").start();
    set_up(&lonely, &partner);
    for round in 0..rounds {
        let before = identities(&database)["lonely"].clone();
        let calls = partner.calls().len();
        partner.hold();
        let mut runs = BTreeMap::new();
        for number in 0..9 {
            let kind = KINDS[number % KINDS.len()];
            let body = json!({ "id": format!("{round}-{number}-{kind}"), "kind": kind });
            let reply = lonely.knock("POST", "/work", &body).expect(202);
            runs.insert(reply.header("weir-run").unwrap().to_owned(), kind);
        }
        partner.wait_for(calls + 9);
        wire.cut();
        // Messages that it cannot write are not accepted.
        let late = {
            let address = lonely.address;
            let request = Request::new("POST", "/in/main/work")
                .json(&json!({ "id": format!("{round}-late"), "kind": "put" }));
            thread::spawn(move || send(address, &request).unwrap())
        };
        // The other one makes again what may be made again: 3 by PUT and 3 with a key.
        partner.wait_for(calls + 15);
        // It hears its partner, and can do nothing with that.
        partner.release();
        for (run, kind) in &runs {
            let run = other.ended(run);
            let expected = match *kind {
                "plain" => "failed",
                _ => "succeeded",
            };
            assert_eq!(run["status"], expected, "{run:#}");
            let first = &run["steps"][*kind]["attempts"][0]["failure"]["class"];
            assert_eq!(first, "lost", "{run:#}");
        }
        wire.mend();
        until("a fresh server", || {
            let now = identities(&database);
            now.get("lonely").filter(|id| **id != before).map(drop)
        });
        let late = late.join().unwrap();
        assert_eq!(late.status, 503, "{late}");
        judge_database(&database);
        assert_eq!(partner.calls().len(), calls + 15);
        // What was not accepted may be sent again.
        let body = json!({ "id": format!("{round}-late"), "kind": "put" });
        let run = until("the fresh server to accept", || {
            let reply = lonely.knock("POST", "/work", &body);
            assert!(matches!(reply.status, 202 | 503), "{reply}");
            let taken = reply.status == 202;
            taken.then(|| reply.header("weir-run").unwrap().to_owned())
        });
        assert_eq!(lonely.ended(&run)["status"], "succeeded");
    }
    println!(
        "{rounds} partitions longer than the lease: 9 runs each went on elsewhere, nothing was committed late"
    );
}
