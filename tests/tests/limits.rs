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
use weir_tests::{Act, Call, Database, Partner, Request, Start, Weir, until};

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
        let (partner, most) = counting(Duration::from_millis(20));
        partner.hold();
        let weir = start(&database, "one").start();
        let policy = json!({ "concurrency": { "limit": 3, "key": "trigger.body.customer" } });
        weir.publish(&flow(&partner, &policy));
        let runs: Vec<String> = (0..30)
            .map(|n| send(&weir, &json!({ "customer": n % 2, "n": n })))
            .collect();
        partner.wait_open(6);
        until("24 to wait for their turn", || {
            (weir.runs("status=waiting").len() == 24).then_some(())
        });
        let calls = partner.calls();
        let of = |customer: u64| {
            let of = calls
                .iter()
                .filter(|call| call.json()["customer"] == customer);
            of.count()
        };
        assert_eq!((of(0), of(1)), (3, 3), "each customer has its own");
        let waits = weir.run(&runs[29]);
        assert!(
            waits["steps"]["call"]["queued_since"].is_string(),
            "{waits:#}"
        );
        partner.release();
        for run in &runs {
            let ended = weir.ended(run);
            assert_eq!(ended["status"], "succeeded");
            assert_eq!(ended["steps"]["call"]["queued_since"], Value::Null);
        }
        assert_eq!(partner.calls().len(), 30);
        assert!(most.load(Ordering::SeqCst) <= 3);
    }
}

#[test]
fn no_more_begin_than_may_within_a_time() {
    const LIMIT: usize = 5;
    const PER: Duration = Duration::from_secs(2);
    // What lies between the beginning of an attempt and its arrival differs, on a machine that is busy.
    const SLACK: Duration = Duration::from_millis(800);
    for database in databases("limits_rate") {
        let partner = Partner::start();
        let weir = start(&database, "one").start();
        let policy = json!({ "rate": { "limit": LIMIT, "per": "2s" } });
        weir.publish(&flow(&partner, &policy));
        let runs: Vec<String> = (0..17).map(|n| send(&weir, &json!({ "n": n }))).collect();
        for run in &runs {
            assert_eq!(weir.ended(run)["status"], "succeeded");
        }
        let mut arrived: Vec<Instant> = partner.calls().iter().map(|call| call.at).collect();
        arrived.sort();
        assert_eq!(arrived.len(), 17);
        for window in arrived.windows(LIMIT + 1) {
            let took = window[LIMIT] - window[0];
            assert!(took + SLACK >= PER, "{} within {took:?}", LIMIT + 1);
        }
        let took = arrived[16] - arrived[0];
        assert!(took + SLACK >= 3 * PER, "17 within {took:?}");
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
            (weir.runs("status=waiting").len() == 7).then_some(())
        });
        assert_eq!(partner.calls().len(), 1);
        weir.kill();
        partner.release();
        let weir = begin();
        let lost = outcomes(&[(&weir, runs)]);
        assert_eq!(lost, 1, "only what had begun is lost");
        assert_eq!(partner.calls().len(), 8);
    }
}

/// How many runs failed since an attempt was lost; all others succeed.
fn outcomes(all: &[(&Weir, Vec<String>)]) -> usize {
    let mut lost = 0;
    for (weir, runs) in all {
        for run in runs {
            let ended = weir.ended(run);
            if ended["status"] != "succeeded" {
                lost += 1;
                assert_eq!(ended["failure"]["class"], "lost", "{ended:#}");
            }
        }
    }
    lost
}

/// Waits until a server counts so many.
fn until_counted(weir: &Weir, servers: usize) {
    let line = format!("weir_servers {servers}");
    until(&line, || {
        let text = weir.send(&Request::new("GET", "/metrics")).text();
        text.lines().any(|found| found == line).then_some(())
    });
}

#[test]
fn servers_share_a_limit() {
    let database = Database::postgresql("limits_shared");
    let (partner, most) = counting(Duration::from_millis(20));
    partner.hold();
    let first = start(&database, "first").start();
    first.publish(&flow(&partner, &json!({ "concurrency": { "limit": 4 } })));
    let second = start(&database, "second").start();
    let servers = [first, second];
    crate::servers::until_all_listen(&servers, "/limited");
    for weir in &servers {
        until_counted(weir, 2);
    }
    let [first, second] = servers;
    let some = |weir: &Weir| -> Vec<String> {
        let runs = (0..12).map(|n| send(weir, &json!({ "n": n })));
        runs.collect()
    };
    let (here, there) = (some(&first), some(&second));
    partner.wait_open(4);
    until("20 to wait for their turn", || {
        (first.runs("status=waiting").len() == 20).then_some(())
    });
    assert_eq!(partner.calls().len(), 4);
    // What waits with a server that dies goes on with the other one, which has the whole limit then.
    second.kill();
    until_counted(&first, 1);
    partner.release();
    let lost = outcomes(&[(&first, here), (&first, there)]);
    assert_eq!(lost, 2, "only what had begun is lost");
    assert_eq!(partner.calls().len(), 24);
    assert!(most.load(Ordering::SeqCst) <= 4);
}

#[test]
fn one_call_serves_many_runs() {
    for database in databases("limits_cache") {
        let partner = Partner::with(|call, _| match call.json()["currency"] == "ZZZ" {
            true => Act::reply(400, json!({})),
            false => Act::reply(200, json!({ "rate": 1.1 })),
        });
        partner.hold();
        let weir = start(&database, "one").start();
        let policy = json!({ "cache": { "ttl": "1h", "key": "input.body.currency" } });
        weir.publish(&flow(&partner, &policy));
        let runs: Vec<String> = (0..20)
            .map(|n| {
                let currency = ["EUR", "USD"][n % 2];
                send(&weir, &json!({ "currency": currency, "n": n }))
            })
            .collect();
        partner.wait_open(2);
        until("18 to wait for them", || {
            (weir.runs("status=waiting").len() == 18).then_some(())
        });
        partner.release();
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
        assert_eq!((cached, partner.calls().len()), (18, 2));
        // A failure is never kept.
        for _ in 0..2 {
            let run = send(&weir, &json!({ "currency": "ZZZ" }));
            assert_eq!(weir.ended(&run)["status"], "failed");
        }
        assert_eq!(partner.calls().len(), 4);
    }
}

#[test]
fn a_schedule_may_replace_its_run() {
    for database in databases("limits_overlap") {
        let partner = Partner::start();
        partner.hold();
        let mut servers = vec![start(&database, "first").start()];
        servers[0].publish(&json!({
            "format": "weir/flow@1", "id": "clock",
            "triggers": { "tick": { "kind": "schedule", "config": { "every": "1s", "overlap": "cancel" } } },
            "steps": { "call": { "kind": "http", "config": { "method": "POST", "url": partner.url() },
                                 "undo": { "kind": "http", "config": { "method": "DELETE", "url": partner.url() } } } },
            "links": [ { "from": "tick", "to": "call" } ],
        }));
        if database.url().is_some() {
            servers.push(start(&database, "second").start());
        }
        // Each is cut off by the next, wherever that is.
        partner.wait_for(4);
        let weir = &servers[0];
        weir.api("POST", "/flows/clock/disable", &json!({}))
            .expect(200);
        partner.release();
        let mut runs = until("all to end", || {
            let runs = weir.runs("");
            let open = |run: &Value| matches!(run["status"].as_str(), Some("running" | "waiting"));
            (!runs.iter().any(open)).then_some(runs)
        });
        let last = runs.remove(0);
        assert_eq!(last["status"], "succeeded", "the newest one goes on");
        assert!(runs.len() >= 3);
        for run in &runs {
            let run = weir.run(run["id"].as_str().unwrap());
            assert_eq!(run["status"], "cancelled", "{run:#}");
            assert_eq!(run["cancelled"]["by"], "schedule");
            let note = run["cancelled"]["note"].as_str().unwrap();
            assert!(note.contains("`overlap` is `cancel`"), "{note}");
        }
        let deleted = |call: &Call| call.method == "DELETE";
        assert!(!partner.calls().iter().any(deleted), "nothing is reversed");
    }
}
