//! Starting, searching, reading and following runs.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{Server, caller, orders, request};

async fn start(server: &Server, id: &str) -> Value {
    let message = json!({ "trigger": "order", "message": { "body": { "id": id, "total": 3 }, "params": { "shop": "a" }, "headers": { "X-From": "test", "Authorization": "Bearer abc" } } });
    let reply = server
        .json("POST", "/api/v1/flows/orders/runs", &message)
        .await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    assert_eq!(
        reply.header("location"),
        format!("/api/v1/runs/{}", reply.json()["id"].as_str().unwrap())
    );
    reply.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_started_by_hand_and_read_step_by_step() {
    let server = Server::start().await;
    server.publish(&orders()).await;
    let run = start(&server, "A1").await;
    assert_eq!(
        (&run["status"], &run["version"], &run["trigger"]),
        (&json!("succeeded"), &json!(1), &json!("order"))
    );
    let path = format!("/api/v1/runs/{}", run["id"].as_str().unwrap());
    let detail = server.get(&path).await.json();
    assert_eq!(detail["title"], "Orders");
    assert_eq!(
        detail["message"]["headers"],
        json!({ "x-from": "test", "authorization": "•••" }),
        "names in lower case, credentials masked"
    );
    assert_eq!(detail["links"], json!(["taken", "taken"]));
    let price = &detail["steps"]["price"];
    assert_eq!(
        (&price["status"], &price["port"], &price["attempts"]),
        (&json!("succeeded"), &json!("ok"), &json!([]))
    );
    assert_eq!(
        (&price["input"]["body"], &price["output"]["total"]),
        (&json!({ "id": "A1", "total": 3 }), &json!(6))
    );
    assert_eq!(price["input"]["headers"]["authorization"], "•••");
    assert!(price["started_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        server
            .get(&format!("{path}/steps/price/output"))
            .await
            .json(),
        price["output"]
    );
    assert_eq!(
        server
            .get(&format!("{path}/steps/price/input"))
            .await
            .json(),
        price["input"]
    );
    assert_eq!(
        server.get(&format!("{path}/message")).await.json(),
        detail["message"]
    );
    for missing in ["/steps/none/output", "/steps/none/input"] {
        assert_eq!(
            server.get(&format!("{path}{missing}")).await.problem(404),
            "not_found"
        );
    }
    for missing in [
        "/api/v1/runs/x",
        "/api/v1/runs/0193a1f2-7c00-7000-8000-000000000000",
    ] {
        assert_eq!(server.get(missing).await.problem(404), "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_started_says_why() {
    let server = Server::start().await;
    let path = "/api/v1/flows/orders/runs";
    assert_eq!(
        server.json("POST", path, &json!({})).await.problem(404),
        "not_found"
    );
    assert_eq!(
        server.json("POST", "/api/v1/flows", &orders()).await.status,
        201
    );
    assert_eq!(
        server.json("POST", path, &json!({})).await.problem(409),
        "not_published"
    );
    assert_eq!(
        server
            .json("POST", "/api/v1/flows/orders/publish", &json!({}))
            .await
            .status,
        200
    );
    assert_eq!(
        server
            .json("POST", path, &json!({ "trigger": "none" }))
            .await
            .problem(404),
        "not_found"
    );
    assert_eq!(
        server
            .json("POST", path, &json!({ "triger": "order" }))
            .await
            .problem(422),
        "invalid_body"
    );
    let reply = server
        .json(
            "POST",
            path,
            &json!({ "message": { "body": { "id": "A1" } } }),
        )
        .await;
    assert_eq!(reply.problem(422), "message_refused");
    assert!(
        reply.json()["errors"][0]["at"]
            .as_str()
            .unwrap()
            .starts_with("/message/body"),
        "{}",
        reply.text()
    );
    let reply = server
        .json(
            "POST",
            path,
            &json!({ "message": { "body": { "id": "A1", "total": -1 } } }),
        )
        .await;
    assert_eq!(reply.problem(409), "filtered");
    assert_eq!(server.runs().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_a_key_happens_once() {
    let server = Server::start().await;
    let mut document = orders();
    document["triggers"]["order"]
        .as_object_mut()
        .unwrap()
        .remove("dedupe");
    server.publish(&document).await;
    let body = json!({ "message": { "body": { "id": "A1", "total": 1 } } }).to_string();
    let send = |key: &'static str| {
        server.ask(request(
            "POST",
            "/api/v1/flows/orders/runs",
            &[("idempotency-key", key)],
            Body::from(body.clone()),
        ))
    };
    let (first, second, other) = (send("k1").await, send("k1").await, send("k2").await);
    assert_eq!(first.json()["id"], second.json()["id"]);
    assert_eq!(
        (
            first.header("weir-duplicate"),
            second.header("weir-duplicate")
        ),
        ("", "true")
    );
    assert_ne!(first.json()["id"], other.json()["id"]);
    let long = "k".repeat(256);
    let reply = server
        .ask(request(
            "POST",
            "/api/v1/flows/orders/runs",
            &[("idempotency-key", &long)],
            Body::from(body.clone()),
        ))
        .await;
    assert_eq!(reply.problem(400), "bad_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_searched_in_pages() {
    let server = Server::start().await;
    server.publish(&orders()).await;
    for id in ["A1", "A2", "A3"] {
        start(&server, id).await;
    }
    let first = server
        .get("/api/v1/runs?flow=orders&status=succeeded&trigger=order&limit=2")
        .await;
    let (items, next) = (
        first.json()["items"].clone(),
        first.json()["next"].as_str().unwrap().to_owned(),
    );
    assert_eq!(items.as_array().unwrap().len(), 2);
    assert!(
        items[0]["id"].as_str() > items[1]["id"].as_str(),
        "the newest first"
    );
    assert!(
        first.header("link").contains("status=succeeded")
            && first.header("link").ends_with("rel=\"next\"")
    );
    let second = server
        .get(&format!("/api/v1/runs?flow=orders&limit=2&cursor={next}"))
        .await
        .json();
    assert_eq!(
        (second["items"].as_array().unwrap().len(), &second["next"]),
        (1, &json!(null))
    );
    for (query, count) in [
        ("status=failed", 0),
        ("flow=none", 0),
        ("from=2020-01-01T00:00:00%2B01:00", 3),
        ("from=2020-01-01T00:00:00+01:00", 3),
        ("to=2020-01-01T00:00:00Z", 0),
        ("flow=&status=", 3),
    ] {
        assert_eq!(
            server.get(&format!("/api/v1/runs?{query}")).await.json()["items"]
                .as_array()
                .unwrap()
                .len(),
            count,
            "{query}"
        );
    }
    for query in ["status=done", "from=yesterday", "cursor=x", "limit=-1"] {
        assert_eq!(
            server
                .get(&format!("/api/v1/runs?{query}"))
                .await
                .problem(400),
            "bad_request",
            "{query}"
        );
    }
    let flow = server.get("/api/v1/flows").await.json()["items"][0].clone();
    assert_eq!(
        (&flow["last_run"]["status"], &flow["last_24h"]),
        (
            &json!("succeeded"),
            &json!({ "succeeded": 3, "failed": 0, "active": 0 })
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_output_is_cut_and_can_be_had_whole() {
    let server = Server::start().await;
    let mut document = orders();
    document["steps"]["thanks"]["config"] = json!({ "body": "= steps.price.shop", "status": 200 });
    document["steps"]["price"]["config"]["script"] =
        json!("#{ shop: \"x\", body: input.body.text + input.body.text }");
    server.publish(&document).await;
    let text = "é".repeat(100_000);
    let reply = server
        .json(
            "POST",
            "/in/main/orders/a",
            &json!({ "id": "A1", "total": 1, "text": text }),
        )
        .await;
    let path = format!("/api/v1/runs/{}", reply.header("weir-run"));
    let detail = server.get(&path).await.json();
    let output = &detail["steps"]["price"]["output"];
    let whole = server.get(&format!("{path}/steps/price/output")).await;
    assert_eq!(output["$truncated"], whole.body.len());
    assert!(
        output["preview"]
            .as_str()
            .unwrap()
            .starts_with("{\"body\":\"éé")
    );
    assert_eq!(detail["reply"]["body"], "x", "small values stay whole");
    assert_eq!(detail["message"]["params"], json!({ "shop": "a" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_without_history_shows_that_nothing_was_kept() {
    let server = Server::start().await;
    let mut document = orders();
    document["settings"] = json!({ "history": "none" });
    server.publish(&document).await;
    let run = start(&server, "A1").await;
    let path = format!("/api/v1/runs/{}", run["id"].as_str().unwrap());
    let detail = server.get(&path).await.json();
    assert_eq!(
        (&detail["kept"], &detail["status"]),
        (&json!(false), &json!("succeeded"))
    );
    assert_eq!(
        (&detail["message"], &detail["steps"]),
        (&json!(null), &json!({}))
    );
    assert_eq!(
        server
            .get(&format!("{path}/steps/price/output"))
            .await
            .problem(404),
        "not_found"
    );
}

/// Answers one request when told to.
pub(super) async fn answer(partner: &TcpListener) {
    let (mut connection, _) = partner.accept().await.unwrap();
    let mut buffer = [0; 4096];
    assert!(connection.read(&mut buffer).await.unwrap() > 0);
    connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\nconnection: close\r\n\r\n{\"a\":1}").await.unwrap();
}

/// The data of the next event. Comments are passed over; `None` at the end.
pub(super) async fn next_event(stream: &mut BodyDataStream) -> Option<(String, Value)> {
    loop {
        let bytes = tokio::time::timeout(Duration::from_secs(20), stream.next())
            .await
            .expect("an event comes in time")?
            .unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .map(|value| value.trim().to_owned())
        };
        if let (Some(event), Some(data)) = (field("event:"), field("data:")) {
            return Some((event, serde_json::from_str(&data).unwrap()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_followed_until_it_ends() {
    let server = Server::start().await;
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    server
        .publish(&caller(
            "calls",
            &format!("http://{}/x", partner.local_addr().unwrap()),
        ))
        .await;
    let all = server
        .send(request("GET", "/api/v1/events", &[], Body::empty()))
        .await;
    let mut all = all.into_body().into_data_stream();
    let run = server
        .json("POST", "/api/v1/flows/calls/runs", &json!({}))
        .await
        .json();
    let path = format!("/api/v1/runs/{}", run["id"].as_str().unwrap());

    let response = server
        .send(request(
            "GET",
            &format!("{path}/events"),
            &[],
            Body::empty(),
        ))
        .await;
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers()["content-type"].to_str().unwrap()
        ),
        (200, "text/event-stream")
    );
    let mut stream = response.into_body().into_data_stream();
    let (event, first) = next_event(&mut stream).await.unwrap();
    assert_eq!(
        (event.as_str(), &first),
        (
            "change",
            &json!({ "run": run["id"], "status": "running", "steps": { "call": "running" } })
        )
    );
    answer(&partner).await;
    let mut last = first;
    while let Some((_, change)) = next_event(&mut stream).await {
        last = change;
    }
    assert_eq!(
        last,
        json!({ "run": run["id"], "status": "succeeded", "steps": { "call": "succeeded" } })
    );

    let (event, change) = next_event(&mut all).await.unwrap();
    assert_eq!(
        (
            event.as_str(),
            &change["run"],
            &change["flow"],
            &change["trigger"]
        ),
        ("change", &run["id"], &json!("calls"), &json!("go"))
    );
    let detail = server.get(&path).await.json();
    let attempt = &detail["steps"]["call"]["attempts"][0];
    assert_eq!(
        (
            &attempt["number"],
            &attempt["request"]["method"],
            &attempt["response"]["status"]
        ),
        (&json!(1), &json!("GET"), &json!(200)),
        "{detail}"
    );
    let response = server
        .send(request(
            "GET",
            &format!("{path}/events"),
            &[],
            Body::empty(),
        ))
        .await;
    let mut stream = response.into_body().into_data_stream();
    assert_eq!(
        next_event(&mut stream).await.unwrap().1["status"],
        "succeeded"
    );
    assert!(
        next_event(&mut stream).await.is_none(),
        "a run that has ended is told once"
    );
    assert_eq!(
        server.get("/api/v1/runs/x/events").await.problem(404),
        "not_found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_when_the_server_stops() {
    let server = Server::start().await;
    let response = server
        .send(request("GET", "/api/v1/events", &[], Body::empty()))
        .await;
    let mut stream = response.into_body().into_data_stream();
    let (ended, ()) = tokio::join!(next_event(&mut stream), server.engine.stop());
    assert!(ended.is_none());
    assert_eq!(server.get("/health/ready").await.problem(503), "stopping");
    assert_eq!(server.get("/health/live").await.status, 200);
}
