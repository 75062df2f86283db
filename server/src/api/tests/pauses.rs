//! Pausing and resuming flows: what arrives waits, what has begun goes on, and nothing waits for ever.

use axum::body::Body;
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

use super::{Reply, Server, caller, hooks, orders, request};

impl Server {
    /// Pauses or resumes a flow and gives its summary.
    async fn pause(&self, flow: &str, word: &str) -> Value {
        let path = format!("/api/v1/flows/{flow}/{word}");
        let reply = self.ask(request("POST", &path, &[], Body::empty())).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// A run with all its steps, once it has ended.
    async fn end_of(&self, run: &str) -> Value {
        let mut changes = self.engine.changes();
        loop {
            let detail = self.detail(run).await;
            if !matches!(detail["status"].as_str(), Some("running" | "waiting")) {
                return detail;
            }
            changes.recv().await.unwrap();
        }
    }

    async fn summary(&self, flow: &str) -> Value {
        self.get(&format!("/api/v1/flows/{flow}/summary"))
            .await
            .json()
    }
}

/// The run of an answer that says that it waits.
#[track_caller]
fn waits(reply: &Reply, paused: bool) -> String {
    assert_eq!(reply.status.as_u16(), 202, "{}", reply.text());
    let body = reply.json();
    assert_eq!(
        (&body["status"], &body["paused"]),
        (&json!("waiting"), &json!(paused))
    );
    let word = if paused {
        "is paused"
    } else {
        "has much underway"
    };
    assert!(body["detail"].as_str().unwrap().contains(word), "{body}");
    let run = body["run"].as_str().unwrap();
    assert_eq!(reply.header("weir-run"), run);
    assert_eq!(reply.header("location"), format!("/api/v1/runs/{run}"));
    run.to_owned()
}

/// The next call of a partner, which stays open.
async fn called(partner: &TcpListener) -> TcpStream {
    let (mut connection, _) = partner.accept().await.unwrap();
    let mut buffer = [0; 4096];
    let _ = connection.read(&mut buffer).await.unwrap();
    connection
}

async fn answer(mut connection: TcpStream) {
    use tokio::io::AsyncWriteExt;
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    connection.write_all(answer).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_is_accepted_and_waits_and_then_runs_in_its_order() {
    let server = Server::start().await;
    server.secret("hook", "s3cr3t-s3cr3t").await;
    // One at a time, so that the order of their ends is that of their beginnings.
    let mut one_at_a_time = orders();
    one_at_a_time["settings"]["concurrency"] = json!({ "limit": 1 });
    server.publish(&one_at_a_time).await;
    server.publish(&hooks()).await;
    let summary = server.pause("orders", "pause").await;
    assert_eq!(
        (&summary["paused"], &summary["enabled"], &summary["waiting"]),
        (&json!(true), &json!(true), &json!(0))
    );
    assert_eq!(server.pause("orders", "pause").await, summary);

    let mut runs = Vec::new();
    for number in 0..3 {
        let order = json!({ "id": format!("A{number}"), "total": number });
        let reply = server.json("POST", "/in/main/orders/a", &order).await;
        runs.push(waits(&reply, true));
    }
    // A second arrival is the first one's, a wrong one is refused, and what starts by hand waits, too.
    let again = json!({ "id": "A0", "total": 0 });
    let again = server.json("POST", "/in/main/orders/a", &again).await;
    assert_eq!(
        (again.header("weir-duplicate"), again.header("weir-run")),
        ("true", runs[0].as_str())
    );
    let wrong = server
        .json("POST", "/in/main/orders/a", &json!({ "id": 1 }))
        .await;
    assert_eq!(wrong.status, 422);
    let start =
        json!({ "message": { "body": { "id": "A9", "total": 9 }, "params": { "shop": "b" } } });
    let started = server
        .json("POST", "/api/v1/flows/orders/runs", &start)
        .await;
    assert_eq!(
        (started.status.as_u16(), &started.json()["status"]),
        (202, &json!("waiting"))
    );
    runs.push(started.json()["id"].as_str().unwrap().to_owned());
    let summary = server.summary("orders").await;
    assert_eq!(
        (&summary["waiting"], &summary["last_24h"]["active"]),
        (&json!(4), &json!(4))
    );
    let detail = server.detail(&runs[0]).await;
    assert_eq!(
        (&detail["status"], &detail["steps"]["price"]["status"]),
        (&json!("waiting"), &json!("pending"))
    );

    // Its restart changes nothing, and publishing keeps the pause and the version of what waits.
    let server = server.again().await;
    let published = server
        .json("POST", "/api/v1/flows/orders/publish", &json!({}))
        .await;
    assert_eq!(published.json()["version"], 2);
    assert_eq!(server.summary("orders").await["waiting"], 4);

    let summary = server.pause("orders", "resume").await;
    assert_eq!(summary["paused"], false);
    let mut ends = Vec::new();
    for run in &runs {
        let end = server.end_of(run).await;
        assert_eq!(
            (&end["status"], &end["version"]),
            (&json!("succeeded"), &json!(1)),
            "{end:#}"
        );
        ends.push(end["ended_at"].as_str().unwrap().to_owned());
    }
    assert!(ends.is_sorted(), "{ends:?}");
    assert_eq!(server.summary("orders").await["waiting"], 0);
    let order = json!({ "id": "B1", "total": 1 });
    assert_eq!(
        server
            .json("POST", "/in/main/orders/a", &order)
            .await
            .status,
        201
    );
    for word in ["pause", "resume"] {
        let path = format!("/api/v1/flows/none/{word}");
        let reply = server.ask(request("POST", &path, &[], Body::empty())).await;
        assert_eq!(reply.problem(404), "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_begun_goes_on_and_what_stands_in_line_waits() {
    let server = Server::start().await;
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", partner.local_addr().unwrap());
    let mut flow = caller("calls", &url);
    flow["settings"] = json!({ "concurrency": { "limit": 1 } });
    server.publish(&flow).await;
    let begun = server
        .json("POST", "/api/v1/flows/calls/runs", &json!({}))
        .await
        .json();
    let connection = called(&partner).await;
    let empty = json!({});
    let (second, ()) = tokio::join!(
        // Its caller waits for the answer while it stands in line, and learns that the flow is paused.
        server.json("POST", "/in/main/calls", &empty),
        async {
            while server.summary("calls").await["last_24h"]["active"] != 2 {
                tokio::task::yield_now().await;
            }
            server.pause("calls", "pause").await;
        }
    );
    let second = waits(&second, true);
    let waiting = |run: String| {
        let server = &server;
        async move {
            let detail = server.detail(&run).await;
            (
                detail["status"].clone(),
                detail["steps"]["call"]["status"].clone(),
            )
        }
    };
    assert_eq!(
        waiting(second.clone()).await,
        (json!("waiting"), json!("pending"))
    );
    assert_eq!(server.summary("calls").await["waiting"], 1);
    answer(connection).await;
    let end = server.end_of(begun["id"].as_str().unwrap()).await;
    assert_eq!(end["status"], "succeeded");
    assert_eq!(waiting(second.clone()).await.0, "waiting");

    // A person who does not want it any more cancels it.
    let third = server.json("POST", "/in/main/calls", &json!({})).await;
    let third = waits(&third, true);
    let path = format!("/api/v1/runs/{third}/cancel");
    let cancelled = server.json("POST", &path, &json!({ "by": "Ada" })).await;
    assert_eq!(
        (cancelled.status.as_u16(), &cancelled.json()["status"]),
        (202, &json!("cancelled")),
        "{}",
        cancelled.text()
    );
    assert_eq!(server.summary("calls").await["waiting"], 1);

    server.pause("calls", "resume").await;
    answer(called(&partner).await).await;
    assert_eq!(server.end_of(&second).await["status"], "succeeded");
    assert_eq!(server.detail(&third).await["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_another_flow_calls_waits_and_so_does_a_replay() {
    let server = Server::start().await;
    let callee = json!({
        "format": "weir/flow@1", "id": "double", "triggers": { "called": { "kind": "flow" } },
        "steps": { "twice": { "kind": "map", "config": { "script": "input.body.n * 2" } } },
        "links": [{ "from": "called", "to": "twice" }],
    });
    let calls = json!({
        "format": "weir/flow@1", "id": "calls",
        "triggers": { "go": { "kind": "http", "config": { "path": "/calls", "reply": "accepted" } } },
        "steps": { "ask": { "kind": "call", "config": { "flow": "double", "input": "= input.body" } } },
        "links": [{ "from": "go", "to": "ask" }],
    });
    // It may be paused before anything is published.
    server.json("POST", "/api/v1/flows", &callee).await;
    server.pause("double", "pause").await;
    server
        .json("POST", "/api/v1/flows/double/publish", &json!({}))
        .await;
    server.publish(&calls).await;
    let reply = server
        .json("POST", "/in/main/calls", &json!({ "n": 4 }))
        .await;
    let run = reply.header("weir-run").to_owned();
    while server.summary("double").await["waiting"] != 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        server.detail(&run).await["steps"]["ask"]["status"],
        "running"
    );
    server.pause("double", "resume").await;
    let end = server.end_of(&run).await;
    assert_eq!(end["steps"]["ask"]["output"], 8, "{end:#}");

    server.pause("calls", "pause").await;
    let path = format!("/api/v1/runs/{run}/replay");
    let replayed = server.json("POST", &path, &json!({})).await;
    assert!(replayed.status.is_success(), "{}", replayed.text());
    let replay = replayed.header("weir-run").to_owned();
    assert_eq!(server.detail(&replay).await["status"], "waiting");
    server.pause("calls", "resume").await;
    let end = server.end_of(&replay).await;
    assert_eq!(
        (&end["status"], &end["origin"]),
        (&json!("succeeded"), &json!(run))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_is_deleted_while_it_is_paused_keeps_its_promise() {
    let server = Server::start().await;
    server.publish(&orders()).await;
    server.pause("orders", "pause").await;
    let order = json!({ "id": "A1", "total": 1 });
    let run = waits(
        &server.json("POST", "/in/main/orders/a", &order).await,
        true,
    );
    let gone = server
        .ask(request(
            "DELETE",
            "/api/v1/flows/orders",
            &[],
            Body::empty(),
        ))
        .await;
    assert_eq!(gone.status, 204);
    assert_eq!(server.end_of(&run).await["status"], "succeeded");
}
