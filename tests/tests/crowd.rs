//! Too much at once: a noisy flow leaves room for a quiet one, every queue is bounded, and who is refused is told when to come
//! again. What was accepted ends.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Mutex,
    thread,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Database, Partner, Reply, Request, Start, Weir, long_form, until};

use crate::servers::{start, until_all_listen};

/// A flow that calls its partner with each message.
fn calls(id: &str, reply: &str, partner: &Partner) -> Value {
    let config = json!({ "method": "PUT", "url": partner.url(), "body": "= input.body" });
    json!({
        "format": "weir/flow@1", "id": id,
        "triggers": { "in": { "kind": "http", "config": { "path": format!("/{id}"), "reply": reply, "deadline": "30s" } } },
        "steps": { "call": { "kind": "http", "config": config, "timeout": "1m" } },
        "links": [{ "from": "in", "to": "call" }]
    })
}

/// A flow that does nothing with a message.
fn notes(id: &str) -> Value {
    json!({
        "format": "weir/flow@1", "id": id,
        "triggers": { "in": { "kind": "http", "config": { "path": format!("/{id}"), "reply": "accepted" } } },
        "steps": { "note": { "kind": "map", "config": { "script": "input.body" } } },
        "links": [{ "from": "in", "to": "note" }]
    })
}

/// The run that was accepted, or nothing where the sender is to come again.
#[track_caller]
fn taken(reply: Reply) -> Option<String> {
    if reply.status == 503 {
        let after = reply.header("retry-after").map(str::to_owned);
        assert!(after.is_some_and(|after| after.parse::<u32>().unwrap() >= 1));
        reply.problem(503, "busy");
        return None;
    }
    Some(reply.expect(202).header("weir-run").unwrap().to_owned())
}

/// Sends until it is refused, and gives the runs.
fn fill(weir: &Weir, path: &str, most: usize) -> Vec<String> {
    let mut runs = Vec::new();
    while let Some(run) = taken(weir.knock("POST", path, &json!({ "id": runs.len() }))) {
        runs.push(run);
        assert!(runs.len() <= most, "it is never refused");
    }
    runs
}

/// What was accepted has ended, each once, and nothing else was begun.
fn judge(weir: &Weir, flow: &str, runs: &[String]) {
    for run in runs {
        let ended = weir.ended(run);
        assert_eq!(ended["status"], "succeeded", "{ended:#}");
    }
    let there = weir.runs(&format!("flow={flow}"));
    assert_eq!(there.len(), runs.len(), "accepted is what there is");
}

fn underway(weir: &Weir) -> u64 {
    let metrics = weir.send(&Request::new("GET", "/metrics")).expect(200);
    let text = metrics.text();
    let line = text
        .lines()
        .find(|line| line.starts_with("weir_runs_underway "));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
        .unwrap_or_else(|| panic!("no weir_runs_underway in {text}"))
}

#[test]
fn a_quiet_flow_gets_on_beside_a_noisy_one() {
    for database in [Database::Sqlite, Database::postgresql("crowd_quiet")] {
        let (slow, quick) = (Partner::start(), Partner::start());
        let folder = TempDir::new().unwrap();
        let small = |name: &str| {
            let start = start(&database, name).data(&folder.path().join("data"));
            start.variable("WEIR_ACTIVE_RUNS", "64").start()
        };
        let weir = small("a");
        weir.publish(&calls("noisy", "accepted", &slow));
        weir.publish(&calls("quiet", "result", &quick));
        slow.hold();
        let mut noisy = fill(&weir, "/noisy", 64);
        assert_eq!(noisy.len(), 56, "alone it has all but an eighth");
        slow.wait_open(56);
        assert_eq!(underway(&weir), 56);
        for number in 0..20 {
            let order = json!({ "id": number });
            weir.knock("POST", "/quiet", &order).expect(200);
            assert!(taken(weir.knock("POST", "/noisy", &order)).is_none());
        }
        assert_eq!(slow.calls().len(), 56, "and the noisy one has not moved");

        // What waits on disk takes no more than its share either: neither what a dead server left, nor what a pause held up.
        weir.kill();
        let weir = small("b");
        slow.wait_for(112);
        let pause = |word: &str| {
            let path = format!("/flows/noisy/{word}");
            weir.api("POST", &path, &json!({})).expect(200);
        };
        pause("pause");
        let more = long_form("WEIR_PROVE_CROWD", 120);
        for number in 0..more {
            let reply = weir.knock("POST", "/noisy", &json!({ "id": 100 + number }));
            noisy.push(taken(reply).unwrap());
        }
        pause("resume");
        for number in 0..20 {
            weir.knock("POST", "/quiet", &json!({ "id": number }))
                .expect(200);
        }
        slow.release();
        judge(&weir, "noisy", &noisy);
        let quiet = weir.runs("flow=quiet");
        assert_eq!((quiet.len(), quick.calls().len()), (40, 40));
    }
}

/// Two flows have waited for long, one with very many runs. The other's are not behind all of these.
#[test]
fn what_has_waited_is_taken_up_flow_by_flow() {
    for database in [Database::Sqlite, Database::postgresql("crowd_claims")] {
        let (slow, quick) = (Partner::start(), Partner::start());
        let small = |name: &str| start(&database, name).variable("WEIR_ACTIVE_RUNS", "16");
        let mut all = vec![small("a").start()];
        if database.url().is_some() {
            all.push(small("b").start());
        }
        let weir = &all[0];
        weir.publish(&calls("noisy", "accepted", &slow));
        weir.publish(&calls("quiet", "accepted", &quick));
        until_all_listen(&all, "/quiet");
        for flow in ["noisy", "quiet"] {
            weir.api("POST", &format!("/flows/{flow}/pause"), &json!({}))
                .expect(200);
        }
        let send = |path: &str, id: usize| {
            let reply = weir.knock("POST", path, &json!({ "id": id }));
            taken(reply).unwrap()
        };
        let noisy: Vec<String> = (0..80).map(|id| send("/noisy", id)).collect();
        let quiet = send("/quiet", 0);
        slow.hold();
        weir.api("POST", "/flows/noisy/resume", &json!({}))
            .expect(200);
        slow.wait_open(14);
        weir.api("POST", "/flows/quiet/resume", &json!({}))
            .expect(200);
        assert_eq!(weir.ended(&quiet)["status"], "succeeded");
        slow.release();
        judge(weir, "noisy", &noisy);
    }
}

#[test]
fn only_so_many_wait_on_disk() {
    let partner = Partner::start();
    let weir = Start::default().variable("WEIR_WAITING_RUNS", "5").start();
    weir.publish(&calls("orders", "accepted", &partner));
    weir.publish(&notes("notes"));
    weir.api("POST", "/flows/orders/pause", &json!({}))
        .expect(200);
    let runs = fill(&weir, "/orders", 5);
    assert_eq!(runs.len(), 5);
    assert!(taken(weir.knock("POST", "/notes", &json!({}))).is_some());
    // By hand it is no other than by a message.
    let by_hand = weir.api("POST", "/flows/orders/runs", &json!({ "trigger": "in" }));
    assert!(by_hand.header("retry-after").is_some());
    by_hand.problem(503, "busy");
    weir.api("POST", "/flows/orders/resume", &json!({}))
        .expect(200);
    judge(&weir, "orders", &runs);
    assert_eq!(partner.calls().len(), 5);
}

#[test]
fn what_a_limit_keeps_waiting_waits_on_disk() {
    let partner = Partner::start();
    let weir = Start::default()
        .variable("WEIR_LINE_RUNS", "3")
        .variable("WEIR_WAITING_RUNS", "8")
        .start();
    let mut flow = calls("orders", "accepted", &partner);
    flow["settings"] = json!({ "concurrency": { "limit": 1 } });
    weir.publish(&flow);
    partner.hold();
    let mut runs = vec![taken(weir.knock("POST", "/orders", &json!({ "id": 0 }))).unwrap()];
    partner.wait_open(1);
    while let Some(run) = taken(weir.knock("POST", "/orders", &json!({ "id": runs.len() }))) {
        runs.push(run);
        assert!(runs.len() <= 12);
    }
    assert_eq!(
        runs.len(),
        12,
        "one is underway, three stand in line, eight wait on disk"
    );
    assert_eq!(underway(&weir), 4);
    let summary = weir.get("/flows/orders/summary").expect(200).json();
    assert_eq!(summary["waiting"], 8);
    partner.release();
    judge(&weir, "orders", &runs);
    let calls = partner.calls();
    let ids = calls.iter().map(|call| call.json()["id"].as_u64().unwrap());
    assert!(ids.eq(0..12), "in their order");
}

#[test]
fn what_arrives_at_once_takes_only_so_much_memory() {
    let weir = Start::default()
        .variable("WEIR_ARRIVING_BYTES", "65536")
        .start();
    weir.publish(&notes("noisy"));
    weir.publish(&notes("quiet"));
    let mut stream = TcpStream::connect(weir.address).unwrap();
    let body = json!({ "text": "x".repeat(30_000) }).to_string();
    let head = format!(
        "POST /in/main/noisy HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        weir.address,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The body is asked for once there is room for it.
    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut told = [0; CONTINUE.len()];
    stream.read_exact(&mut told).unwrap();
    assert_eq!(told, CONTINUE, "{}", String::from_utf8_lossy(&told));
    // It is on its way for long: so much of the same flow beside it is too much, and another one's is not.
    assert!(taken(weir.knock("POST", "/noisy", &json!({}))).is_none());
    assert!(taken(weir.knock("POST", "/quiet", &json!({}))).is_some());
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert!(taken(weir.knock("POST", "/noisy", &json!({}))).is_some());
    let there = weir.runs("flow=noisy");
    assert_eq!(there.len(), 2);
    for run in there {
        assert_eq!(
            weir.ended(run["id"].as_str().unwrap())["status"],
            "succeeded"
        );
    }
}

#[test]
fn what_waits_for_the_database_is_bounded() {
    for (name, value) in [("WEIR_QUEUE", "2"), ("WEIR_QUEUE_BYTES", "2048")] {
        let weir = Start::default().variable(name, value).start();
        weir.publish(&notes("notes"));
        let (runs, refused) = (Mutex::new(Vec::new()), Mutex::new(0));
        until("a message to be refused", || {
            thread::scope(|scope| {
                for _ in 0..12 {
                    scope.spawn(|| {
                        for number in 0..10 {
                            match taken(weir.knock("POST", "/notes", &json!({ "id": number }))) {
                                Some(run) => runs.lock().unwrap().push(run),
                                None => *refused.lock().unwrap() += 1,
                            }
                        }
                    });
                }
            });
            (*refused.lock().unwrap() > 0).then_some(())
        });
        let runs = runs.into_inner().unwrap();
        assert!(!runs.is_empty());
        judge(&weir, "notes", &runs);
    }
}
