//! Flows that call flows: what comes of it, what bounds it, and what a person sees.

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Server;
use crate::engine::called_run;

/// A flow that others call, with these steps and links.
fn callee(id: &str, steps: Value, links: Value) -> Value {
    json!({ "format": "weir/flow@1", "id": id, "triggers": { "called": { "kind": "flow" } }, "steps": steps, "links": links })
}

/// A flow that is reached at its id and calls another with the body of its message, and answers with what came of it.
fn calling(id: &str, flow: &str) -> Value {
    json!({
        "format": "weir/flow@1", "id": id,
        "triggers": { "go": { "kind": "http", "config": { "path": format!("/{id}"), "deadline": "30s" } } },
        "steps": { "ask": { "kind": "call", "config": { "flow": flow, "input": "= input.body" } },
            "answer": { "kind": "respond", "config": { "body": "= #{ got: input }" } } },
        "links": [ { "from": "go", "to": "ask" }, { "from": "ask", "to": "answer" } ],
    })
}

fn double() -> Value {
    let steps = json!({ "twice": { "kind": "map", "config": { "script": "input.body.n * 2" } } });
    callee(
        "double",
        steps,
        json!([{ "from": "called", "to": "twice" }]),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_gets_what_the_other_flow_gives_and_both_know_each_other() {
    let server = Server::start().await;
    server.publish(&double()).await;
    server.publish(&calling("ask", "double")).await;
    let reply = server
        .json("POST", "/in/main/ask", &json!({ "n": 4 }))
        .await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()),
        (200, json!({ "got": 8 }))
    );
    let run = reply.header("weir-run").to_owned();
    let detail = server.get(&format!("/api/v1/runs/{run}")).await.json();
    let child = detail["steps"]["ask"]["called"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        detail["steps"]["ask"]["attempts"][0]["request"]["run"],
        child.as_str()
    );
    assert_eq!(detail["parent"], json!(null));
    let child = server.get(&format!("/api/v1/runs/{child}")).await.json();
    assert_eq!(
        (
            &child["flow"],
            &child["trigger"],
            &child["status"],
            &child["parent"]
        ),
        (
            &json!("double"),
            &json!("called"),
            &json!("succeeded"),
            &json!(run)
        )
    );
    assert_eq!(child["message"]["body"], json!({ "n": 4 }));
    // The id is that of this step of this run, whoever works it out.
    let caller = run.parse().unwrap();
    assert_eq!(
        child["id"],
        called_run(caller, "ask", &[], false).to_string()
    );
    assert_ne!(
        called_run(caller, "ask", &[1], false),
        called_run(caller, "ask", &[2], false)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_the_result_and_a_failure_keeps_its_class() {
    let server = Server::start().await;
    let answers = json!({ "say": { "kind": "respond", "config": { "body": "= #{ sum: input.body.n + 1 }" } },
        "more": { "kind": "map", "config": { "script": "\"later\"" } } });
    let links = json!([{ "from": "called", "to": "say" }, { "from": "say", "to": "more" }]);
    server.publish(&callee("answers", answers, links)).await;
    server.publish(&calling("a", "answers")).await;
    let reply = server.json("POST", "/in/main/a", &json!({ "n": 1 })).await;
    assert_eq!(reply.json(), json!({ "got": { "sum": 2 } }));

    let fails =
        json!({ "no": { "kind": "fail", "config": { "message": "closed", "class": "denied" } } });
    server
        .publish(&callee(
            "fails",
            fails,
            json!([{ "from": "called", "to": "no" }]),
        ))
        .await;
    server.publish(&calling("b", "fails")).await;
    let reply = server.json("POST", "/in/main/b", &json!({})).await;
    let run = reply.header("weir-run").to_owned();
    let detail = server.get(&format!("/api/v1/runs/{run}")).await.json();
    assert_eq!(
        (&detail["failure"]["step"], &detail["failure"]["class"]),
        (&json!("ask"), &json!("denied"))
    );
    let message = detail["failure"]["message"].as_str().unwrap();
    assert!(
        message.ends_with("of `fails`, step `no`: closed"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_comes_through_where_no_history_is_kept() {
    let server = Server::start().await;
    let mut quiet = double();
    quiet["settings"] = json!({ "history": "none" });
    server.publish(&quiet).await;
    server.publish(&calling("ask", "double")).await;
    let reply = server
        .json("POST", "/in/main/ask", &json!({ "n": 3 }))
        .await;
    assert_eq!(reply.json(), json!({ "got": 6 }), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_called_says_why() {
    let server = Server::start().await;
    let mut off = double();
    off["id"] = json!("off");
    server.publish(&off).await;
    let reply = server
        .json("POST", "/api/v1/flows/off/disable", &json!({}))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let mut picky = double();
    picky["id"] = json!("picky");
    picky["triggers"]["called"]["schema"] = json!({ "required": ["n"] });
    server.publish(&picky).await;
    let mut deaf = double();
    deaf["id"] = json!("deaf");
    deaf["triggers"]["called"]["kind"] = json!("manual");
    server.publish(&deaf).await;
    for (flow, class, part) in [
        ("none", "broken", "no published version of a flow `none`"),
        ("off", "rejected", "is switched off"),
        ("picky", "rejected", "does not take this input"),
        ("deaf", "broken", "no trigger of the kind `flow`"),
    ] {
        let id = format!("to-{flow}");
        server.publish(&calling(&id, flow)).await;
        let reply = server
            .json("POST", &format!("/in/main/{id}"), &json!({}))
            .await;
        let run = reply.header("weir-run").to_owned();
        let detail = server.get(&format!("/api/v1/runs/{run}")).await.json();
        assert_eq!(detail["failure"]["class"], class, "{flow}: {detail:#}");
        let message = detail["failure"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{flow}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_calls_itself_without_an_end_is_stopped() {
    let server = Server::start().await;
    let again = json!({ "again": { "kind": "call", "config": { "flow": "deep", "input": "= #{ n: input.body.n + 1 }" } } });
    let mut deep = callee("deep", again, json!([{ "from": "called", "to": "again" }]));
    // Its callers hold no place that a call would wait for.
    deep["settings"] = json!({ "concurrency": { "limit": 1 } });
    server.publish(&deep).await;
    server.publish(&calling("ask", "deep")).await;
    let reply = server
        .json("POST", "/in/main/ask", &json!({ "n": 1 }))
        .await;
    let run = reply.header("weir-run").to_owned();
    let detail = server.get(&format!("/api/v1/runs/{run}")).await.json();
    assert_eq!(detail["failure"]["class"], "broken", "{detail:#}");
    let message = detail["failure"]["message"].as_str().unwrap();
    assert!(message.contains("10 deep already"), "{message}");
    assert_eq!(server.runs().await, 11, "the caller and ten calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn items_call_a_run_each() {
    let server = Server::start().await;
    server.publish(&double()).await;
    let mut flow = calling("all", "double");
    let body = json!({ "steps": { "one": { "kind": "call", "config": { "flow": "double", "input": "= #{ n: item }" } } } });
    flow["steps"]["ask"] = json!({ "kind": "each", "config": { "items": "= input.body", "concurrency": 3, "body": body } });
    server.publish(&flow).await;
    let reply = server
        .json("POST", "/in/main/all", &json!([1, 2, 3, 4]))
        .await;
    assert_eq!(
        reply.json(),
        json!({ "got": [2, 4, 6, 8] }),
        "{}",
        reply.text()
    );
    let run: uuid::Uuid = reply.header("weir-run").parse().unwrap();
    let items = server
        .get(&format!("/api/v1/runs/{run}/steps/ask/items"))
        .await
        .json();
    let called = called_run(run, "one", &[2], false).to_string();
    assert_eq!(items["items"][2]["steps"]["one"]["called"], called);
    let child = server.get(&format!("/api/v1/runs/{called}")).await.json();
    assert_eq!(child["message"]["body"]["n"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_what_was_called() {
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", partner.local_addr().unwrap());
    let server = Server::start().await;
    let slow = json!({ "wait": { "kind": "http", "config": { "method": "GET", "url": url } } });
    server
        .publish(&callee(
            "slow",
            slow,
            json!([{ "from": "called", "to": "wait" }]),
        ))
        .await;
    server.publish(&calling("ask", "slow")).await;
    for undo in [false, true] {
        let waiting = async { server.json("POST", "/in/main/ask", &json!({})).await };
        let cancelling = async {
            // The called run has begun, and nobody answers it.
            let call = partner.accept().await.unwrap();
            let runs = server
                .get("/api/v1/runs?status=running&flow=ask")
                .await
                .json();
            let id = runs["items"][0]["id"].as_str().unwrap().to_owned();
            let path = format!("/api/v1/runs/{id}/cancel");
            let reply = server.json("POST", &path, &json!({ "undo": undo })).await;
            assert_eq!(reply.status, 202, "{}", reply.text());
            if undo {
                // What is underway may end, there as here.
                drop(call);
            }
            id
        };
        let (told, id) = tokio::join!(waiting, cancelling);
        assert_eq!(told.problem(409), "run_cancelled");
        let child = called_run(id.parse().unwrap(), "ask", &[], false);
        let mut changes = server.engine.changes();
        loop {
            let row = server
                .engine
                .store()
                .run("main", child)
                .await
                .unwrap()
                .unwrap();
            if row.status.is_final() {
                assert_eq!(row.status.as_str(), "cancelled");
                break;
            }
            changes.recv().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_a_stop_cut_off_finds_the_run_that_it_had_started() {
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", partner.local_addr().unwrap());
    let server = Server::start().await;
    let slow = json!({ "wait": { "kind": "http", "config": { "method": "GET", "url": url },
        "retry": { "attempts": 3, "delay": "1ms" } } });
    server
        .publish(&callee(
            "slow",
            slow,
            json!([{ "from": "called", "to": "wait" }]),
        ))
        .await;
    server.publish(&calling("ask", "slow")).await;
    let id = server
        .json(
            "POST",
            "/api/v1/flows/ask/runs",
            &json!({ "trigger": "go", "message": {} }),
        )
        .await
        .json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let call = partner.accept().await.unwrap();
    drop(call);
    let server = server.again().await;
    // The attempt of the called run is made again, and now there is an answer.
    let router = axum::Router::new().fallback(|| async { "here" });
    tokio::spawn(async move { axum::serve(partner, router).await });
    let mut changes = server.engine.changes();
    let caller = id.parse().unwrap();
    let ended = loop {
        let row = server
            .engine
            .store()
            .run("main", caller)
            .await
            .unwrap()
            .unwrap();
        if row.status.is_final() {
            break row;
        }
        let _ = tokio::time::timeout(std::time::Duration::from_millis(200), changes.recv()).await;
    };
    assert_eq!(ended.status.as_str(), "succeeded");
    assert_eq!(server.runs().await, 2, "nothing was called twice");
    let detail = server.get(&format!("/api/v1/runs/{id}")).await.json();
    assert_eq!(
        detail["steps"]["ask"]["attempts"].as_array().unwrap().len(),
        1
    );
    assert_eq!(detail["reply"]["body"]["got"]["body"], "here");
}
