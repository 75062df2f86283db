//! Switching flows off and on: who is answered what, and what goes on.

use axum::body::Body;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    Reply, Server, caller, hooks, orders, request,
    runs::{answer, next_event},
};

impl Server {
    /// Disables or enables a flow and gives its summary.
    async fn switch(&self, flow: &str, word: &str) -> Value {
        let path = format!("/api/v1/flows/{flow}/{word}");
        let reply = self.ask(request("POST", &path, &[], Body::empty())).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    async fn order(&self, id: &str) -> Reply {
        let order = json!({ "id": id, "total": 3 });
        self.json("POST", "/in/main/orders/a", &order).await
    }
}

/// Fires at every full second.
fn clock() -> Value {
    json!({
        "format": "weir/flow@1", "id": "clock",
        "triggers": { "tick": { "kind": "schedule", "config": { "cron": "* * * * * *" } } },
        "steps": { "note": { "kind": "map", "config": { "script": "input.body" } } },
        "links": [{ "from": "tick", "to": "note" }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_is_off_takes_no_messages_and_says_so() {
    let server = Server::start().await;
    server.secret("hook", "s3cr3t-s3cr3t").await;
    server.publish(&orders()).await;
    server.publish(&hooks()).await;
    assert_eq!(server.order("A1").await.status, 201);
    let runs = server.runs().await;

    let summary = server.switch("orders", "disable").await;
    assert_eq!(
        (&summary["enabled"], &summary["published"]["version"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(server.switch("orders", "disable").await, summary);
    server.switch("hooks", "disable").await;
    let hook = server
        .json("POST", "/in/main/github", &json!({ "ref": "main" }))
        .await;
    for reply in [server.order("A2").await, hook] {
        assert_eq!(reply.problem(503), "flow_disabled");
        assert_eq!(reply.header("retry-after"), "60");
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("was switched off"), "{detail}");
    }
    // What it never listened to is still nobody's.
    let other = request("PUT", "/in/main/orders/a", &[], Body::empty());
    assert_eq!(server.ask(other).await.problem(405), "method_not_allowed");
    let start = json!({ "message": { "body": { "id": "A3", "total": 3 } } });
    let reply = server
        .json("POST", "/api/v1/flows/orders/runs", &start)
        .await;
    assert_eq!(reply.problem(409), "flow_disabled");
    assert!(reply.text().contains("/orders/enable"), "{}", reply.text());
    assert_eq!(server.runs().await, runs);

    // Publishing keeps it off and says so, and it keeps its path.
    let reply = server
        .json("POST", "/api/v1/flows/orders/publish", &json!({}))
        .await;
    assert_eq!(
        (&reply.json()["version"], &reply.json()["enabled"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(server.order("A4").await.problem(503), "flow_disabled");
    let mut thief = orders();
    thief["id"] = json!("thief");
    server.json("POST", "/api/v1/flows", &thief).await;
    let reply = server
        .json("POST", "/api/v1/flows/thief/publish", &json!({}))
        .await;
    assert_eq!(reply.json()["errors"][0]["code"], "path_taken");

    let summary = server.switch("orders", "enable").await;
    assert_eq!(
        (&summary["enabled"], &summary["published"]["version"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(server.switch("orders", "enable").await, summary);
    assert_eq!(server.order("A5").await.status, 201);
    for word in ["enable", "disable"] {
        let path = format!("/api/v1/flows/none/{word}");
        let reply = server.ask(request("POST", &path, &[], Body::empty())).await;
        assert_eq!(reply.problem(404), "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_may_be_off_before_it_is_published() {
    let server = Server::start().await;
    let made = server.json("POST", "/api/v1/flows", &orders()).await;
    assert_eq!(made.json()["flow"]["enabled"], true);
    server.switch("orders", "disable").await;
    let start = server
        .json("POST", "/api/v1/flows/orders/runs", &json!({}))
        .await;
    assert_eq!(start.problem(409), "not_published");
    let reply = server
        .json("POST", "/api/v1/flows/orders/publish", &json!({}))
        .await;
    assert_eq!(reply.json()["enabled"], false);
    assert_eq!(server.order("A1").await.problem(503), "flow_disabled");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_are_underway_go_on() {
    let server = Server::start().await;
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", partner.local_addr().unwrap());
    server.publish(&caller("calls", &url)).await;
    let run = server
        .json("POST", "/api/v1/flows/calls/runs", &json!({}))
        .await
        .json();
    server.switch("calls", "disable").await;
    let path = format!("/api/v1/runs/{}/events", run["id"].as_str().unwrap());
    let response = server.send(request("GET", &path, &[], Body::empty())).await;
    let mut stream = response.into_body().into_data_stream();
    let (_, first) = next_event(&mut stream).await.unwrap();
    assert_eq!(first["status"], "running");
    answer(&partner).await;
    let mut last = first;
    while let Some((_, change)) = next_event(&mut stream).await {
        last = change;
    }
    assert_eq!(last["status"], "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_do_not_fire_and_what_they_missed_is_not_made_up_for() {
    let server = Server::start().await;
    let next_fire = |summary: &Value| summary["triggers"][0]["next_fire"].clone();
    server.json("POST", "/api/v1/flows", &clock()).await;
    server.switch("clock", "disable").await;
    server
        .json("POST", "/api/v1/flows/clock/publish", &json!({}))
        .await;
    let summary = server.get("/api/v1/flows/clock/summary").await.json();
    assert_eq!(next_fire(&summary), Value::Null, "{summary:#}");
    assert_eq!(server.engine.store().next_due().await.unwrap(), None);

    let before = server.engine.world().now_ms();
    let response = server
        .send(request("GET", "/api/v1/events", &[], Body::empty()))
        .await;
    let mut events = response.into_body().into_data_stream();
    server.switch("clock", "enable").await;
    let run = loop {
        let (event, change) = next_event(&mut events).await.unwrap();
        if event == "change" {
            break change["run"].as_str().unwrap().to_owned();
        }
    };
    // The first instant it fires for lies behind the moment at which it was switched on.
    let run = server.get(&format!("/api/v1/runs/{run}")).await.json();
    let instant = run["message"]["body"]["scheduled_at"].as_str().unwrap();
    let instant = chrono::DateTime::parse_from_rfc3339(instant).unwrap();
    assert!(instant.timestamp_millis() > before, "{run:#}");

    let summary = server.switch("clock", "disable").await;
    assert_eq!(next_fire(&summary), Value::Null);
    assert_eq!(server.engine.store().next_due().await.unwrap(), None);
}
