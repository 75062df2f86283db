//! The limits of steps and what their caches keep, as a partner sees it: on both databases, over kills and several servers.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use weir_tests::{Act, Call, Database, Partner, Start, Weir, until};

/// One step that calls the partner with the body of each message, under this policy.
fn flow(partner: &Partner, policy: &Value) -> Value {
    let mut step = json!({ "kind": "http", "config": { "method": "POST", "url": partner.url(), "body": "= input.body" } });
    for (key, value) in policy.as_object().into_iter().flatten() {
        step[key] = value.clone();
    }
    json!({
        "format": "weir/flow@1", "id": "limited",
        "triggers": { "in": { "kind": "http", "config": { "path": "/limited", "reply": "accepted" } } },
        "steps": { "call": step }, "links": [ { "from": "in", "to": "call" } ],
    })
}

fn send(weir: &Weir, body: &Value) -> String {
    let reply = weir.knock("POST", "/limited", body).expect(202);
    reply.header("weir-run").unwrap().to_owned()
}

fn start(database: &Database, name: &str) -> Start {
    crate::servers::start(database, name)
}

/// A partner that counts how many calls of a customer are open at once; none may be answered before its time.
fn counting(time: Duration) -> (Partner, Arc<AtomicUsize>) {
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let open: Arc<std::sync::Mutex<BTreeMap<String, Vec<Instant>>>> = Arc::default();
    let partner = Partner::with(move |call: &Call, _| {
        let customer = call.json()["customer"].to_string();
        let mut open = open.lock().unwrap();
        let ends = open.entry(customer).or_default();
        let now = Instant::now();
        // A call counts until its answer is on its way; what is answered later than that only counts less.
        ends.retain(|end| *end > now);
        ends.push(now + time);
        seen.fetch_max(ends.len(), Ordering::SeqCst);
        Act::ok().after(time)
    });
    (partner, most)
}

fn databases(name: &str) -> [Database; 2] {
    [Database::Sqlite, Database::postgresql(name)]
}

#[test]
fn no_more_are_underway_than_may_be() {
    for database in databases("limits_at_once") {
        let (partner, most) = counting(Duration::from_millis(100));
        let weir = start(&database, "one").start();
        let policy = json!({ "concurrency": { "limit": 3, "key": "trigger.body.customer" } });
        weir.publish(&flow(&partner, &policy));
        let runs: Vec<String> = (0..30)
            .map(|n| send(&weir, &json!({ "customer": n % 2, "n": n })))
            .collect();
        for run in &runs {
            assert_eq!(weir.ended(run)["status"], "succeeded");
        }
        assert_eq!(partner.calls().len(), 30);
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }
}

#[test]
fn no_more_begin_than_may_within_a_time() {
    for database in databases("limits_rate") {
        let partner = Partner::start();
        let weir = start(&database, "one").start();
        let policy = json!({ "rate": { "limit": 5, "per": "1s" } });
        weir.publish(&flow(&partner, &policy));
        let runs: Vec<String> = (0..17).map(|n| send(&weir, &json!({ "n": n }))).collect();
        for run in &runs {
            assert_eq!(weir.ended(run)["status"], "succeeded");
        }
        // As the server has recorded it: no window of a second has a sixth.
        let mut begun: Vec<String> = runs
            .iter()
            .map(|run| weir.run(run)["steps"]["call"]["attempts"][0]["started_at"].to_string())
            .collect();
        begun.sort();
        assert_eq!(begun.len(), 17);
        // Three whole windows lie between the first and the last.
        let calls = partner.calls();
        let (first, last) = (calls[0].at, calls[16].at);
        assert!(last - first >= Duration::from_millis(2_900), "{begun:?}");
    }
}

#[test]
fn what_waits_when_the_server_is_killed_is_not_lost() {
    for database in databases("limits_kill") {
        let partner = Partner::start();
        partner.hold();
        let data = tempfile::TempDir::new().unwrap();
        let begin = || {
            start(&database, "one")
                .data(&data.path().join("data"))
                .start()
        };
        let weir = begin();
        let policy = json!({ "concurrency": { "limit": 1 } });
        weir.publish(&flow(&partner, &policy));
        let runs: Vec<String> = (0..8).map(|n| send(&weir, &json!({ "n": n }))).collect();
        partner.wait_open(1);
        until("seven to wait for their turn", || {
            let waiting = weir.runs("status=waiting");
            (waiting.len() == 7).then_some(())
        });
        assert_eq!(partner.calls().len(), 1);
        weir.kill();
        partner.release();
        let weir = begin();
        let mut failed = 0;
        for run in &runs {
            let ended = weir.ended(run);
            match ended["status"].as_str() {
                Some("succeeded") => {}
                _ => {
                    failed += 1;
                    assert_eq!(ended["failure"]["class"], "lost", "{ended:#}");
                }
            }
        }
        assert_eq!(failed, 1, "only what had begun is lost");
        assert_eq!(partner.calls().len(), 8);
    }
}

#[test]
fn servers_share_a_limit() {
    let database = Database::postgresql("limits_shared");
    let (partner, most) = counting(Duration::from_millis(100));
    let first = start(&database, "first").start();
    first.publish(&flow(&partner, &json!({ "concurrency": { "limit": 4 } })));
    let second = start(&database, "second").start();
    // Alone, a server has the whole limit; how many they are, each looks about once a second.
    let shares = |weir: &Weir| {
        let text = weir.get("/metrics").text();
        text.lines().any(|line| line == "weir_servers 2")
    };
    until("both to share", || {
        (shares(&first) && shares(&second)).then_some(())
    });
    let runs: Vec<(usize, String)> = (0..24)
        .map(|n| (n % 2, send([&first, &second][n % 2], &json!({ "n": n }))))
        .collect();
    for (at, run) in &runs {
        assert_eq!([&first, &second][*at].ended(run)["status"], "succeeded");
    }
    assert_eq!(partner.calls().len(), 24);
    assert!(most.load(Ordering::SeqCst) <= 4);
}

#[test]
fn one_call_serves_many_runs() {
    for database in databases("limits_cache") {
        let partner = Partner::with(|_, index| match index {
            0 => Act::reply(503, json!({})),
            _ => Act::reply(200, json!({ "rate": 1.1 })),
        });
        let weir = start(&database, "one").start();
        // One at a time, so that nobody asks twice for the same; a failure is not kept.
        let policy = json!({
            "cache": { "ttl": "1h", "key": "input.body.currency" }, "concurrency": { "limit": 1 },
            "retry": { "attempts": 2, "delay": "1ms" },
        });
        weir.publish(&flow(&partner, &policy));
        let runs: Vec<String> = (0..20)
            .map(|n| send(&weir, &json!({ "currency": ["EUR", "USD"][n % 2], "n": n })))
            .collect();
        let mut cached = 0;
        for run in &runs {
            let ended = weir.ended(run);
            assert_eq!(ended["status"], "succeeded");
            let step = &ended["steps"]["call"];
            assert_eq!(step["output"]["body"]["rate"], 1.1);
            if step["cached"] == true {
                cached += 1;
                assert_eq!(step["attempts"].as_array().unwrap().len(), 0, "{step:#}");
            }
        }
        assert_eq!((cached, partner.calls().len()), (18, 3));
    }
}
