//! `each` steps over the HTTP face: what a caller gets, how far they are, and what they did item by item.

use axum::{Router, extract::Path, http::StatusCode, routing::put};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Server;

/// Goes through the lines of a message, each with this body.
fn lines(body: &Value, more: Value) -> Value {
    let mut config = json!({ "items": "= input.body.lines", "body": body });
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    json!({
        "format": "weir/flow@1", "id": "lines",
        "triggers": { "go": { "kind": "http", "config": { "path": "/lines" } } },
        "steps": { "all": { "kind": "each", "config": config },
            "answer": { "kind": "respond", "config": { "body": "= input" } } },
        "links": [ { "from": "go", "to": "all" }, { "from": "all", "to": "answer" } ],
    })
}

/// A partner that refuses every third item. Gives its address.
async fn partner() -> String {
    let take = |Path(index): Path<u32>| async move {
        match index % 3 {
            2 => (StatusCode::CONFLICT, "taken".to_owned()),
            _ => (StatusCode::OK, format!("took {index}")),
        }
    };
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", socket.local_addr().unwrap());
    let router = Router::new().route("/{index}", put(take));
    tokio::spawn(async move { axum::serve(socket, router).await });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_called_for_counted_and_read_in_pages() {
    let partner = partner().await;
    let body = json!({ "steps": {
        "take": { "kind": "http", "config": { "method": "PUT", "url": format!("= `{partner}/${{index}}`") } },
        "said": { "kind": "map", "config": { "script": "`${item}: ${input.body}`" } },
    }, "links": [ { "from": "take", "to": "said" } ] });
    let server = Server::start().await;
    server
        .publish(&lines(
            &body,
            json!({ "on_item_error": "collect", "concurrency": 3 }),
        ))
        .await;
    let message = json!({ "lines": ["a", "b", "c", "d", "e", "f", "g"] });
    let reply = server.json("POST", "/in/main/lines", &message).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let results = reply.json();
    assert_eq!(results[1], json!({ "ok": true, "output": "b: took 1" }));
    assert_eq!(results[5]["error"]["step"], "take");
    assert_eq!(results[5]["error"]["status"], 409);

    let run = reply.header("weir-run").to_owned();
    let detail = server.get(&format!("/api/v1/runs/{run}")).await.json();
    assert_eq!(
        detail["steps"]["all"]["items"],
        json!({ "total": 7, "done": 5, "failed": 2, "underway": 0 })
    );
    assert!(detail["steps"].get("take").is_none());

    let mut path = format!("/api/v1/runs/{run}/steps/all/items?limit=3");
    let mut items: Vec<Value> = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let page = server.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let page = page.json();
        let part = page["items"].as_array().unwrap().clone();
        sizes.push(part.len());
        items.extend(part);
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/api/v1/runs/{run}/steps/all/items?limit=3&cursor={next}");
    }
    assert_eq!(sizes, [3, 3, 1]);
    let good = &items[6];
    assert_eq!(
        (
            &good["index"],
            &good["item"],
            &good["status"],
            &good["output"]
        ),
        (
            &json!(6),
            &json!("g"),
            &json!("succeeded"),
            &json!("g: took 6")
        )
    );
    assert_eq!(
        good["steps"]["take"]["attempts"][0]["response"]["status"],
        200
    );
    let bad = &items[2];
    assert_eq!(
        (&bad["status"], &bad["output"]),
        (&json!("failed"), &json!(null))
    );
    assert_eq!(bad["steps"]["take"]["failure"]["class"], "rejected");
    assert_eq!(bad["steps"]["said"]["status"], "skipped");

    for (path, problem) in [
        (format!("/api/v1/runs/{run}/steps/answer/items"), 404),
        (format!("/api/v1/runs/{run}/steps/none/items"), 404),
        (format!("/api/v1/runs/{run}/steps/take/items"), 404),
        (format!("/api/v1/runs/{run}/steps/take/output"), 404),
        (format!("/api/v1/runs/{run}/steps/all/items?cursor=x"), 400),
        (format!("/api/v1/runs/{run}/steps/all/items?within=0"), 404),
    ] {
        assert_eq!(server.get(&path).await.status, problem, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_fails_names_itself_to_people_and_not_to_callers() {
    let partner = partner().await;
    let body = json!({ "steps": {
        "take": { "kind": "http", "config": { "method": "PUT", "url": format!("= `{partner}/${{index}}`") } } } });
    let server = Server::start().await;
    server.publish(&lines(&body, json!({}))).await;
    let message = json!({ "lines": [1, 2, 3, 4] });
    let reply = server.json("POST", "/in/main/lines", &message).await;
    assert_eq!(reply.status.as_u16() / 100, 5, "{}", reply.text());
    assert!(!reply.text().contains("item 2"), "{}", reply.text());
    let run = reply.header("weir-run").to_owned();
    let detail = server.get(&format!("/api/v1/runs/{run}")).await.json();
    let message = detail["failure"]["message"].as_str().unwrap();
    assert!(message.starts_with("item 2, step `take`: "), "{message}");
    assert_eq!(
        detail["steps"]["all"]["items"],
        json!({ "total": 4, "done": 2, "failed": 1, "underway": 0 })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_items_are_done_over_many_turns() {
    let inner =
        json!({ "steps": { "deep": { "kind": "map", "config": { "script": "item * 10" } } } });
    let body = json!({ "steps": {
        "more": { "kind": "map", "config": { "script": "[item, item + 1]" } },
        "inner": { "kind": "each", "config": { "items": "= input", "body": inner } },
    }, "links": [ { "from": "more", "to": "inner" } ] });
    let server = Server::start().await;
    server.publish(&lines(&body, json!({}))).await;
    let numbers: Vec<u32> = (0..600).collect();
    let reply = server
        .json("POST", "/in/main/lines", &json!({ "lines": numbers }))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()[599], json!([5990, 6000]));
    let run: uuid::Uuid = reply.header("weir-run").parse().unwrap();
    let row = server
        .engine
        .store()
        .run("main", run)
        .await
        .unwrap()
        .unwrap();
    assert!(row.turns > 5, "{} turns", row.turns);
    let path = format!("/api/v1/runs/{run}/steps/inner/items?within=599");
    let page = server.get(&path).await.json();
    assert_eq!(page["items"][1]["output"], 6000, "{page}");
}
