//! Tries of drafts: what they answer, what they leave behind, and what bounds them.

use std::time::Duration;

use axum::body::Body;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    Reply, Server, caller, orders, request,
    runs::{answer, next_event},
};
use crate::{
    api::Settings,
    engine::{Limits, TryLimits},
};

impl Server {
    async fn draft(&self, document: &Value) {
        let path = "/api/v1/flows?unfinished=true";
        let reply = self.json("POST", path, document).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
    }

    async fn attempt(&self, flow: &str, body: &Value) -> Reply {
        let path = format!("/api/v1/flows/{flow}/tries");
        self.json("POST", &path, body).await
    }

    /// Begins a try and gives its path.
    async fn begin(&self, flow: &str, body: &Value) -> String {
        let reply = self.attempt(flow, body).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        let location = reply.header("location").to_owned();
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(location, format!("/api/v1/tries/{id}"));
        location
    }

    /// All changes of a try, to its end.
    async fn changes(&self, path: &str) -> Vec<Value> {
        let path = format!("{path}/events");
        let response = self.send(request("GET", &path, &[], Body::empty())).await;
        assert_eq!(response.status(), 200);
        let mut stream = response.into_body().into_data_stream();
        let mut changes = Vec::new();
        while let Some((event, change)) = next_event(&mut stream).await {
            assert_eq!(event, "change");
            changes.push(change);
        }
        changes
    }

    /// A try that has ended.
    async fn ended(&self, path: &str) -> Value {
        let changes = self.changes(path).await;
        let detail = self.get(path).await.json();
        assert_eq!(changes.last().unwrap()["status"], detail["status"]);
        detail
    }

    async fn stop(&self, path: &str) -> Reply {
        self.ask(request("DELETE", path, &[], Body::empty())).await
    }

    /// Reads a try until it is forgotten.
    async fn forgotten(&self, path: &str) {
        let look = async {
            while self.get(path).await.status != 404 {
                tokio::task::yield_now().await;
            }
        };
        let seen = tokio::time::timeout(Duration::from_secs(20), look).await;
        seen.expect("it is forgotten in time");
    }
}

/// Books an order with an action that must never be made, and answers with what came of it.
fn booking() -> Value {
    let mut document = orders();
    document["steps"]["book"] = json!({
        "kind": "http", "config": { "method": "POST", "url": "http://127.0.0.1:9/book", "body": "= steps.price" },
        "retry": { "attempts": 3, "delay": "1h", "jitter": 0 },
    });
    document["steps"]["thanks"]["config"] = json!({ "body": "= steps.book" });
    document["links"] = json!([
        { "from": "order", "to": "price" },
        { "from": "price", "to": "book" },
        { "from": "book", "to": "thanks" },
    ]);
    document
}

fn order(extra: Value) -> Value {
    let mut body = json!({
        "message": { "body": { "id": "A1", "total": 3 }, "params": { "shop": "a" }, "headers": { "Authorization": "Bearer abc" } },
        "actions": "mocked",
    });
    for (key, value) in extra.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_tried_with_mocked_actions_and_leaves_nothing_behind() {
    let server = Server::start().await;
    server.draft(&booking()).await;
    let reply = server.attempt("orders", &order(json!({}))).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    assert_eq!(
        (&reply.json()["version"], &reply.json()["try"]),
        (&json!(0), &json!({ "revision": 1, "actions": "mocked" }))
    );
    let path = reply.header("location").to_owned();
    let detail = server.ended(&path).await;
    assert_eq!(
        (&detail["status"], &detail["version"], &detail["try"]),
        (
            &json!("succeeded"),
            &json!(0),
            &json!({ "revision": 1, "actions": "mocked" })
        ),
        "{detail:#}"
    );
    assert_eq!(
        (&detail["flow"], &detail["trigger"], &detail["title"]),
        (&json!("orders"), &json!("order"), &json!("Orders"))
    );
    assert_eq!(
        (&detail["kept"], &detail["message"]["headers"]),
        (&json!(true), &json!({ "authorization": "•••" }))
    );
    assert_eq!(detail["links"], json!(["taken", "taken", "taken"]));
    assert_eq!(detail["steps"]["price"]["output"]["total"], 6);
    let book = &detail["steps"]["book"];
    assert_eq!(
        (&book["output"], &book["attempts"][0]["request"]["body"]),
        (&json!(null), &json!({ "total": 6, "shop": "a" })),
        "{book:#}"
    );
    assert_eq!(detail["reply"]["status"], 200);
    // Whoever comes late gets how it ended, once.
    assert_eq!(server.changes(&path).await.len(), 1);

    // The same message once more is no duplicate, in a try or in production.
    server.begin("orders", &order(json!({}))).await;
    assert_eq!(server.runs().await, 0);
    let summary = server.get("/api/v1/flows/orders/summary").await.json();
    assert_eq!(
        (&summary["published"], &summary["last_run"]),
        (&json!(null), &json!(null))
    );
    let run = path.replace("/tries/", "/runs/");
    assert_eq!(server.get(&run).await.problem(404), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn mocks_are_those_given_then_pins_then_tests_and_nobody_waits() {
    let server = Server::start().await;
    let mut document = booking();
    document["tests"] = json!([{ "name": "books", "message": { "body": {} }, "mocks": { "book": { "output": "tested" } } }]);
    server.draft(&document).await;
    let reply = |detail: &Value| detail["reply"]["body"].clone();
    let path = server.begin("orders", &order(json!({}))).await;
    assert_eq!(reply(&server.ended(&path).await), "tested");

    document["steps"]["book"]["pinned"] = json!("pinned");
    server.json("PUT", "/api/v1/flows/orders", &document).await;
    let path = server.begin("orders", &order(json!({}))).await;
    assert_eq!(reply(&server.ended(&path).await), "pinned");

    // The two failures ask for two hours of waiting, and the run's clock says so.
    let failure = json!({ "failure": { "class": "transient", "message": "busy" } });
    let mocks = json!({ "book": [failure, failure, { "output": "third" }] });
    let path = server
        .begin("orders", &order(json!({ "mocks": mocks })))
        .await;
    let detail = server.ended(&path).await;
    assert_eq!(reply(&detail), "third");
    let attempts = detail["steps"]["book"]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 3, "{attempts:#?}");
    assert_eq!(attempts[0]["failure"]["message"], "busy");
    assert_eq!(attempts[0]["retry_at"], attempts[1]["started_at"]);
    let time = |value: &Value| chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap());
    let took = time(&detail["ended_at"]).unwrap() - time(&detail["started_at"]).unwrap();
    assert!(took.num_minutes() >= 120, "{detail:#}");

    let mocks = json!({ "book": failure });
    let path = server
        .begin("orders", &order(json!({ "mocks": mocks })))
        .await;
    let detail = server.ended(&path).await;
    assert_eq!(
        (&detail["status"], &detail["failure"]),
        (
            &json!("failed"),
            &json!({ "step": "book", "class": "transient", "message": "busy" })
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn real_actions_use_the_connections_of_the_workspace() {
    let server = Server::start().await;
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", partner.local_addr().unwrap());
    server.secret("erp-key", "s3cr3t-s3cr3t").await;
    let erp = json!({ "title": "ERP", "base_url": url, "auth": { "kind": "bearer", "token": { "$secret": "erp-key" } } });
    server.json("PUT", "/api/v1/connections/erp", &erp).await;
    let mut document = caller("calls", "");
    document["steps"]["call"]["connection"] = json!("erp");
    document["steps"]["call"]["config"] = json!({ "path": "/x" });
    server.draft(&document).await;
    let path = server.begin("calls", &json!({ "actions": "real" })).await;
    let events = format!("{path}/events");
    let response = server
        .send(request("GET", &events, &[], Body::empty()))
        .await;
    let mut stream = response.into_body().into_data_stream();
    let mut seen = Vec::new();
    // It is underway until the partner answers.
    while seen.last() != Some(&json!("running")) {
        let (_, change) = next_event(&mut stream).await.unwrap();
        assert_eq!(change["status"], "running");
        seen.push(change["steps"]["call"].clone());
    }
    answer(&partner).await;
    let detail = server.ended(&path).await;
    assert_eq!(
        (&detail["status"], &detail["try"]["actions"]),
        (&json!("succeeded"), &json!("real"))
    );
    let attempt = &detail["steps"]["call"]["attempts"][0];
    assert_eq!(
        (
            &attempt["request"]["method"],
            &attempt["request"]["headers"]["authorization"],
            &attempt["response"]["status"]
        ),
        (&json!("GET"), &json!("•••"), &json!(200)),
        "{attempt:#}"
    );
    assert_eq!(detail["steps"]["call"]["output"]["body"], json!({ "a": 1 }));
    assert!(!detail.to_string().contains("s3cr3t"));
    assert_eq!(server.runs().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_tried_says_why() {
    let server = Server::start().await;
    let reply = server.attempt("none", &order(json!({}))).await;
    assert_eq!(reply.problem(404), "not_found");
    server.draft(&booking()).await;
    for (extra, status, code) in [
        (
            json!({ "message": { "body": { "id": "A1" } } }),
            422,
            "message_refused",
        ),
        (
            json!({ "message": { "body": { "id": "A1", "total": -1 } } }),
            409,
            "filtered",
        ),
        (json!({ "trigger": "none" }), 404, "not_found"),
        (json!({ "actions": "some" }), 422, "invalid_body"),
        (json!({ "action": "real" }), 422, "invalid_body"),
        (
            json!({ "mocks": { "none": { "output": 1 } } }),
            422,
            "invalid_body",
        ),
        (
            json!({ "mocks": { "price": { "output": 1 } } }),
            422,
            "invalid_body",
        ),
        (
            json!({ "mocks": { "book": { "outputs": 1 } } }),
            422,
            "invalid_body",
        ),
        (
            json!({ "actions": "real", "mocks": { "book": { "output": 1 } } }),
            422,
            "invalid_body",
        ),
    ] {
        let body = order(extra);
        let reply = server.attempt("orders", &body).await;
        assert_eq!(reply.problem(status), code, "{body}: {}", reply.text());
    }
    let reply = server
        .attempt("orders", &order(json!({ "message": { "body": {} } })))
        .await;
    let at = reply.json()["errors"][0]["at"].as_str().unwrap().to_owned();
    assert!(at.starts_with("/message/body"), "{at}");
    let reply = server.attempt("orders", &json!({ "message": {} })).await;
    assert_eq!(reply.problem(422), "invalid_body");

    // A dedupe key that breaks shows, though no message is a duplicate here.
    let mut document = booking();
    document["triggers"]["order"]["dedupe"] = json!("trigger.body.id.first.second");
    server.json("PUT", "/api/v1/flows/orders", &document).await;
    let reply = server.attempt("orders", &order(json!({}))).await;
    assert_eq!(reply.problem(500), "trigger_failed");
    assert!(reply.text().contains("dedupe key"), "{}", reply.text());

    document["steps"]["price"]["config"]["script"] = json!("input.body.");
    let path = "/api/v1/flows/orders?unfinished=true";
    let stored = server.json("PUT", path, &document).await;
    let send = |tag: &str| {
        server.ask(request(
            "POST",
            "/api/v1/flows/orders/tries",
            &[("if-match", tag), ("content-type", "application/json")],
            Body::from(order(json!({})).to_string()),
        ))
    };
    let reply = send("\"1\"").await;
    assert_eq!(reply.problem(412), "revision_changed");
    assert_eq!(reply.header("etag"), stored.header("etag"));
    let reply = send(stored.header("etag")).await;
    assert_eq!(reply.problem(422), "invalid_document");
    assert_eq!(
        reply.json()["errors"][0]["at"],
        "/steps/price/config/script"
    );
    for path in [
        "/api/v1/tries/x",
        "/api/v1/tries/x/events",
        "/api/v1/tries/0193a1f2-7c00-7000-8000-000000000000",
    ] {
        assert_eq!(server.get(path).await.problem(404), "not_found");
    }
    assert_eq!(
        server.stop("/api/v1/tries/x").await.problem(404),
        "not_found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_can_be_stopped() {
    let server = Server::start().await;
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", partner.local_addr().unwrap());
    let mut document = caller("calls", &url);
    document["steps"]["after"] = json!({ "kind": "map", "config": { "script": "1" } });
    document["links"] = json!([{ "from": "go", "to": "call" }, { "from": "call", "to": "after" }]);
    server.draft(&document).await;
    let path = server.begin("calls", &json!({ "actions": "real" })).await;
    let (connection, _) = partner.accept().await.unwrap();
    assert_eq!(server.stop(&path).await.status, 204);
    let detail = server.get(&path).await.json();
    assert_eq!(
        (&detail["status"], &detail["failure"]),
        (&json!("cancelled"), &json!(null)),
        "{detail:#}"
    );
    let call = &detail["steps"]["call"];
    assert_eq!(
        (
            &call["status"],
            &call["failure"]["class"],
            &call["attempts"][0]["failure"]["class"]
        ),
        (&json!("failed"), &json!("lost"), &json!("lost"))
    );
    assert_eq!(detail["steps"]["after"]["status"], "skipped");
    assert_eq!(server.changes(&path).await[0]["status"], "cancelled");
    assert_eq!(server.stop(&path).await.status, 204);
    assert_eq!(server.get(&path).await.json(), detail);
    drop(connection);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_that_waits_for_another_attempt_waits_really_and_can_be_stopped() {
    let server = Server::start().await;
    // Nobody listens there, which may pass.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", gone.local_addr().unwrap());
    drop(gone);
    let mut document = caller("calls", &url);
    document["steps"]["call"]["retry"] = json!({ "attempts": 2, "delay": "1h", "jitter": 0 });
    server.draft(&document).await;
    let path = server.begin("calls", &json!({ "actions": "real" })).await;
    let events = format!("{path}/events");
    let response = server
        .send(request("GET", &events, &[], Body::empty()))
        .await;
    let mut stream = response.into_body().into_data_stream();
    loop {
        let (_, change) = next_event(&mut stream).await.expect("it goes on");
        if change["status"] == "waiting" {
            break;
        }
    }
    assert_eq!(server.stop(&path).await.status, 204);
    assert_eq!(
        next_event(&mut stream).await.unwrap().1["status"],
        "cancelled"
    );
    let detail = server.get(&path).await.json();
    let call = &detail["steps"]["call"];
    assert_eq!(
        (&call["status"], &call["failure"]["class"]),
        (&json!("failed"), &json!("transient")),
        "{detail:#}"
    );
    assert_eq!(call["attempts"].as_array().unwrap().len(), 1);
}

async fn bounded(tries: TryLimits) -> Server {
    let limits = Limits {
        grace: Duration::from_millis(10),
        tries,
        ..Limits::default()
    };
    Server::within(Settings::default(), limits).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_are_bounded_by_number_and_those_that_ended_are_forgotten() {
    let server = bounded(TryLimits {
        underway: 1,
        kept: 1,
        ..TryLimits::default()
    })
    .await;
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", partner.local_addr().unwrap());
    server.draft(&caller("calls", &url)).await;
    let real = json!({ "actions": "real" });
    let first = server.begin("calls", &real).await;
    let reply = server.attempt("calls", &real).await;
    assert_eq!(reply.problem(503), "busy");
    assert_eq!(reply.header("retry-after"), "5");
    server.stop(&first).await;
    // Its place is free a moment after it has ended.
    let begin = async {
        loop {
            let reply = server.attempt("calls", &real).await;
            if reply.status == 202 {
                break reply.header("location").to_owned();
            }
            assert_eq!(reply.problem(503), "busy");
        }
    };
    let second = tokio::time::timeout(Duration::from_secs(20), begin)
        .await
        .unwrap();
    assert_eq!(server.get(&first).await.status, 200);
    server.stop(&second).await;
    server.forgotten(&first).await;
    assert_eq!(server.get(&second).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_that_takes_too_long_fails_and_is_forgotten_in_time() {
    let server = bounded(TryLimits {
        time: Duration::from_secs(1),
        ..TryLimits::default()
    })
    .await;
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", partner.local_addr().unwrap());
    server.draft(&caller("calls", &url)).await;
    let path = server.begin("calls", &json!({ "actions": "real" })).await;
    let (connection, _) = partner.accept().await.unwrap();
    let changes = server.changes(&path).await;
    assert_eq!(changes.last().unwrap()["status"], "failed", "{changes:#?}");
    server.forgotten(&path).await;
    drop(connection);
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_are_bounded_by_what_they_hold() {
    let server = bounded(TryLimits {
        memory: 20_000,
        ..TryLimits::default()
    })
    .await;
    let mut document = booking();
    document["steps"]["price"]["config"]["script"] =
        json!("let text = \"0123456789\"; for i in 0..input.body.total { text += text; } text");
    server.draft(&document).await;
    let message = |total: usize, note: &str| json!({ "message": { "body": { "id": "A1", "total": total, "note": note } } });
    let small = server.begin("orders", &order(message(1, ""))).await;
    assert_eq!(server.ended(&small).await["status"], "succeeded");
    let large = server.begin("orders", &order(message(12, ""))).await;
    let detail = server.ended(&large).await;
    assert_eq!(
        (&detail["status"], &detail["failure"]["class"]),
        (&json!("failed"), &json!("broken")),
        "{detail:#}"
    );
    let failure = detail["failure"]["message"].as_str().unwrap();
    assert!(failure.contains("may hold 20000 bytes"), "{failure}");
    // What ended before made room for it.
    assert_eq!(server.get(&small).await.problem(404), "not_found");
    let note = "x".repeat(30_000);
    let reply = server.attempt("orders", &order(message(1, &note))).await;
    assert_eq!(reply.problem(503), "busy");
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_end_with_the_server() {
    let server = Server::start().await;
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", partner.local_addr().unwrap());
    server.draft(&caller("calls", &url)).await;
    let path = server.begin("calls", &json!({ "actions": "real" })).await;
    let (connection, _) = partner.accept().await.unwrap();
    let (changes, ()) = tokio::join!(server.changes(&path), server.engine.stop());
    assert_eq!(changes.last().unwrap()["status"], "cancelled");
    let reply = server.attempt("calls", &json!({ "actions": "real" })).await;
    assert_eq!(reply.problem(503), "stopping");
    drop(connection);
}
