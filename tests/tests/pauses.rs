//! Flows that are paused: what arrives is accepted and waits, over kills and on any server, and goes on in its order.

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Act, Database, Partner, Reply, Request, Weir, github, until};

use crate::servers::{start, until_all_listen};

const SECRET: &str = "It's a Secret to Everybody";

/// How many servers there are on PostgreSQL.
const SERVERS: usize = 3;

/// A flow that calls its partner for each message, one after the other: by http, by webhook, by hand and by the clock.
fn orders(partner: &Partner) -> Value {
    let config = json!({ "method": "PUT", "url": partner.url(), "body": "= trigger.body" });
    let verify = json!({ "scheme": "github", "secret": { "$secret": "hook" } });
    json!({
        "format": "weir/flow@1", "id": "orders", "settings": { "concurrency": { "limit": 1 } },
        "triggers": {
            "order": { "kind": "http", "config": { "path": "/orders", "reply": "result" } },
            "hook": { "kind": "webhook", "config": { "path": "/hook", "verify": verify } },
            "clock": { "kind": "schedule", "config": { "every": "1s", "missed": "skip" } },
            "hand": { "kind": "manual" }
        },
        "steps": { "call": { "kind": "http", "config": config } },
        "links": [
            { "from": "order", "to": "call" }, { "from": "hook", "to": "call" },
            { "from": "clock", "to": "call" }, { "from": "hand", "to": "call" }
        ]
    })
}

fn servers(database: &Database, folder: &Path) -> Vec<Weir> {
    let count = if database.url().is_some() { SERVERS } else { 1 };
    let names = (0..count).map(|index| format!("server-{index}"));
    let start = |name: String| start(database, &name).data(&folder.join(name)).start();
    names.map(start).collect()
}

fn set(weir: &Weir, flow: &str, word: &str) -> Value {
    let path = format!("/flows/{flow}/{word}");
    weir.api("POST", &path, &json!({})).expect(200).json()
}

/// Waits until every server knows whether its flow is paused.
fn until_all_know(servers: &[Weir], paused: bool) {
    for weir in servers {
        until("the others to know of the pause", || {
            let schedules = weir.get("/schedules").expect(200).json();
            let schedule = &schedules["items"][0];
            assert_eq!(schedule["next_at"].is_null(), schedule["paused"] == true);
            (schedule["paused"] == paused).then_some(())
        });
    }
}

fn waiting(weir: &Weir, flow: &str) -> u64 {
    let summary = weir.get(&format!("/flows/{flow}/summary")).expect(200);
    summary.json()["waiting"].as_u64().unwrap()
}

/// The run of an answer that says that it waits.
fn waits(reply: Reply) -> String {
    let body = reply.clone().expect(202).json();
    assert_eq!(
        (&body["status"], &body["paused"]),
        (&json!("waiting"), &json!(true)),
        "{reply}"
    );
    reply.header("weir-run").unwrap().to_owned()
}

fn hook(weir: &Weir, id: &str) -> Reply {
    let body = json!({ "id": id }).to_string();
    let request = Request::new("POST", "/in/main/hook")
        .header("content-type", "application/json")
        .header("x-github-delivery", id)
        .header("x-hub-signature-256", github(SECRET, body.as_bytes()));
    weir.send(&request.body(body))
}

/// The ids of the messages that the partner has heard of, in their order; the clock's have none.
fn heard(partner: &Partner) -> Vec<String> {
    let calls = partner.calls();
    let ids = calls.iter().map(|call| call.json()["id"].clone());
    ids.filter_map(|id| Some(id.as_str()?.to_owned())).collect()
}

#[test]
fn what_waits_outlives_its_servers_and_goes_on_in_its_order() {
    for database in [Database::Sqlite, Database::postgresql("pauses")] {
        // The answer to one call waits for a word of this test.
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let own = Arc::clone(&gate);
        let partner = Partner::with(move |call, _| {
            if call.json()["id"] == "begun" {
                let closed = own.0.lock().unwrap();
                drop(own.1.wait_while(closed, |open| !*open).unwrap());
            }
            Act::ok()
        });
        let folder = TempDir::new().unwrap();
        let mut all = servers(&database, folder.path());
        all[0].secret("hook", SECRET);
        all[0].publish(&orders(&partner));
        until_all_listen(&all, "/orders");
        let first = json!({ "id": "first" });
        all[0].knock("POST", "/orders", &first).expect(200);

        // What has begun goes on.
        let begun = json!({ "message": { "body": { "id": "begun" } }, "trigger": "hand" });
        let begun = all[0].api("POST", "/flows/orders/runs", &begun).expect(202);
        let begun = begun.json()["id"].as_str().unwrap().to_owned();
        until("the run to begin", || {
            heard(&partner).contains(&"begun".to_owned()).then_some(())
        });
        assert_eq!(set(&all[0], "orders", "pause")["paused"], true);
        until_all_know(&all, true);
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
        assert_eq!(all[0].ended(&begun)["status"], "succeeded");
        let since = Instant::now();
        let clock = |weir: &Weir| weir.runs("flow=orders&trigger=clock").len();
        let fired = clock(&all[0]);

        // Whatever arrives, and wherever, waits; the second time too.
        let mut runs = Vec::new();
        let mut sent = Vec::new();
        let mut send = |all: &[Weir], round: usize| {
            for number in 0..6 {
                let weir = &all[number % all.len()];
                let id = format!("{round}-{number}");
                let order = json!({ "id": id });
                runs.push(match number % 3 {
                    0 => waits(weir.knock("POST", "/orders", &order)),
                    1 => waits(hook(weir, &id)),
                    _ => {
                        let by_hand = json!({ "message": { "body": order }, "trigger": "hand" });
                        let started = weir.api("POST", "/flows/orders/runs", &by_hand);
                        let run = started.expect(202).json();
                        assert_eq!(run["status"], "waiting", "{run}");
                        run["id"].as_str().unwrap().to_owned()
                    }
                });
                sent.push(id);
            }
        };
        send(&all, 0);
        for weir in all {
            weir.kill();
        }
        all = servers(&database, folder.path());
        until_all_listen(&all, "/orders");
        until_all_know(&all, true);
        let again = hook(&all[0], "0-1").expect(202);
        assert_eq!(again.header("weir-duplicate"), Some("true"));
        send(&all, 1);
        until("a second in which the clock would have fired", || {
            (since.elapsed() > Duration::from_millis(1_500)).then_some(())
        });
        assert_eq!(clock(&all[0]), fired, "the clock stands still");
        assert_eq!(heard(&partner), ["first", "begun"]);
        // Those of the clock that stood in line wait, too.
        assert!(waiting(&all[0], "orders") >= 12);

        // Whoever is asked resumes it for all.
        assert_eq!(
            set(all.last().unwrap(), "orders", "resume")["paused"],
            false
        );
        until_all_know(&all, false);
        for run in &runs {
            assert_eq!(all[0].ended(run)["status"], "succeeded");
        }
        let mut heard: Vec<String> = heard(&partner).into_iter().skip(2).collect();
        if all.len() > 1 {
            // Several servers take them up, each its own in their order.
            heard.sort_unstable();
            sent.sort_unstable();
        }
        assert_eq!(heard, sent, "each once");
        until("the clock to go on", || {
            (clock(&all[0]) > fired && waiting(&all[0], "orders") == 0).then_some(())
        });

        // Those who look after the servers see them all.
        let system = all[0].get("/system").expect(200).json();
        let known = system["servers"].as_array().unwrap();
        assert!(known.len() >= all.len(), "{system:#}");
        let this = known.iter().filter(|server| server["this"] == true);
        assert_eq!(this.count(), 1, "{system:#}");
        assert!(
            known
                .iter()
                .all(|server| server["version"] == system["version"]),
            "{system:#}"
        );
    }
}

#[test]
fn a_run_that_is_taken_over_stays_paused() {
    let database = Database::postgresql("pauses_over");
    let partner = Partner::start();
    let folder = TempDir::new().unwrap();
    let mut all = servers(&database, folder.path());
    all[0].secret("hook", SECRET);
    let mut flow = orders(&partner);
    flow["triggers"].as_object_mut().unwrap().remove("clock");
    flow["triggers"]["order"]["config"]["reply"] = json!("accepted");
    flow["links"].as_array_mut().unwrap().remove(2);
    all[0].publish(&flow);
    until_all_listen(&all, "/orders");
    // One is underway, and others stand in line behind it, when their server is paused and killed.
    partner.hold();
    let send = |weir: &Weir, id: &str| {
        let reply = weir.knock("POST", "/orders", &json!({ "id": id }));
        reply.expect(202).header("weir-run").unwrap().to_owned()
    };
    let begun = send(&all[0], "begun");
    partner.wait_open(1);
    let behind: Vec<String> = (0..5)
        .map(|number| send(&all[0], &number.to_string()))
        .collect();
    set(&all[1], "orders", "pause");
    all.remove(0).kill();
    partner.release();
    let ended = all[0].ended(&begun);
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    until("those in line to wait", || {
        (waiting(&all[0], "orders") == behind.len() as u64).then_some(())
    });
    let before = heard(&partner);
    assert!(before.iter().all(|id| id == "begun"), "{before:?}");
    set(&all[1], "orders", "resume");
    for run in &behind {
        assert_eq!(all[0].ended(run)["status"], "succeeded");
    }
    let mut after = heard(&partner).split_off(before.len());
    after.sort_unstable();
    assert_eq!(after, ["0", "1", "2", "3", "4"], "each once");
}
