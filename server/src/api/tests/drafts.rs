//! Drafts as an editor writes them: unfinished ones, and who may overwrite which.

use axum::body::Body;
use serde_json::{Value, json};

use super::{Server, orders, request, runs::next_event};

/// A flow of which nothing is drawn yet but one step that is not right.
fn unfinished() -> Value {
    json!({
        "format": "weir/flow@1", "id": "orders", "title": "Half of it",
        "steps": { "price": { "kind": "map", "config": { "script": "input.body." } } },
        "links": [{ "from": "order", "to": "price" }],
    })
}

fn codes(problems: &Value) -> Vec<&str> {
    let problems = problems.as_array().unwrap().iter();
    problems
        .map(|problem| problem["code"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_draft_is_stored_with_its_errors_and_not_published() {
    let server = Server::start().await;
    let post = "/api/v1/flows?unfinished=true";
    let put = "/api/v1/flows/orders?unfinished=true";
    for path in ["/api/v1/flows", "/api/v1/flows?unfinished=false"] {
        let reply = server.json("POST", path, &unfinished()).await;
        assert_eq!(reply.problem(422), "invalid_document");
    }
    let reply = server.json("POST", post, &unfinished()).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!(
        (reply.header("location"), reply.header("etag")),
        ("/api/v1/flows/orders", "\"1\"")
    );
    let stored = reply.json();
    assert_eq!(
        codes(&stored["problems"]),
        ["dangling_link", "unreachable", "script", "no_trigger"],
        "{stored:#}"
    );
    assert_eq!(stored["problems"][0]["severity"], "error");
    assert_eq!(
        (&stored["flow"]["title"], &stored["flow"]["triggers"]),
        (&json!("Half of it"), &json!([]))
    );

    // Whatever reads drafts copes with it.
    let list = server.get("/api/v1/flows").await.json();
    assert_eq!(list["items"][0], stored["flow"]);
    let summary = server.get("/api/v1/flows/orders/summary").await.json();
    assert_eq!(summary, stored["flow"]);
    let draft = server.get("/api/v1/flows/orders").await.json();
    assert_eq!(draft["steps"], unfinished()["steps"]);
    let versions = server.get("/api/v1/flows/orders/versions").await.json();
    assert_eq!(versions["items"], json!([]));

    let publish = || async {
        let path = "/api/v1/flows/orders/publish";
        server.json("POST", path, &json!({})).await
    };
    let reply = publish().await;
    assert_eq!(reply.problem(422), "invalid_document");
    assert_eq!(codes(&reply.json()["errors"]), codes(&stored["problems"]));

    // What is published stays while the draft is rewritten.
    let reply = server
        .json("PUT", "/api/v1/flows/orders", &unfinished())
        .await;
    assert_eq!(reply.problem(422), "invalid_document");
    assert_eq!(
        server
            .json("PUT", "/api/v1/flows/orders", &orders())
            .await
            .json()["problems"],
        json!([])
    );
    assert_eq!(publish().await.status, 200);
    let reply = server.json("PUT", put, &unfinished()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("etag")),
        (200, "\"3\"")
    );
    let summary = &reply.json()["flow"];
    assert_eq!(
        (&summary["changed"], &summary["published"]["version"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(summary["triggers"][0]["id"], "order");
    let order = json!({ "id": "A1", "total": 3 });
    let reply = server.json("POST", "/in/main/orders/a", &order).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_draft_still_reads_as_a_flow() {
    let server = Server::start().await;
    let post = "/api/v1/flows?unfinished=true";
    let with = |at: &str, value: Value| {
        let mut document = unfinished();
        document[at] = value;
        document
    };
    for (document, at) in [
        (with("stepps", json!({})), "/stepps"),
        (with("steps", json!([])), "/steps"),
        (
            with("steps", json!({ "Not a slug": {} })),
            "/steps/Not a slug",
        ),
        (with("id", json!("Not a slug")), "/id"),
        (with("format", json!("weir/flow@9")), "/format"),
        (json!([]), ""),
    ] {
        let reply = server.json("POST", post, &document).await;
        assert_eq!(reply.problem(422), "invalid_document", "{document}");
        let errors = reply.json()["errors"].clone();
        let places: Vec<&Value> = errors
            .as_array()
            .unwrap()
            .iter()
            .map(|error| &error["at"])
            .collect();
        assert!(places.contains(&&json!(at)), "{document}: {errors:#}");
    }
    let reply = server
        .json("POST", "/api/v1/flows?unfinished=perhaps", &orders())
        .await;
    assert_eq!(reply.problem(400), "bad_request");
    assert_eq!(server.get("/api/v1/flows").await.json()["items"], json!([]));
    // The id is permanent for unfinished ones, too.
    server.json("POST", post, &unfinished()).await;
    let reply = server
        .json("PUT", "/api/v1/flows/other?unfinished=true", &unfinished())
        .await;
    assert_eq!(reply.json()["errors"][0]["code"], "other_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_has_not_changed_is_not_sent_again() {
    let server = Server::start().await;
    let first = server.json("POST", "/api/v1/flows", &orders()).await;
    let tag = first.header("etag").to_owned();
    let read = |tags: String| {
        let headers = [("if-none-match", tags.as_str())];
        let request = request("GET", "/api/v1/flows/orders", &headers, Body::empty());
        server.ask(request)
    };
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"7\", {tag}"),
        "*".to_owned(),
    ] {
        let reply = read(known.clone()).await;
        assert_eq!(
            (reply.status.as_u16(), reply.body.len()),
            (304, 0),
            "{known}"
        );
        assert_eq!(reply.header("etag"), tag, "{known}");
    }
    for other in ["\"7\"", "1", "\"1", ""] {
        let reply = read(other.to_owned()).await;
        assert_eq!(reply.status, 200, "{other}");
        assert_eq!(reply.json()["id"], "orders");
    }
    let mut changed = orders();
    changed["title"] = json!("Changed");
    let next = server.json("PUT", "/api/v1/flows/orders", &changed).await;
    assert_ne!(next.header("etag"), tag);
    assert_eq!(read(tag).await.json()["title"], "Changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_has_moved_on_is_not_published_unseen() {
    let server = Server::start().await;
    let first = server.json("POST", "/api/v1/flows", &orders()).await;
    let seen = first.header("etag").to_owned();
    let path = "/api/v1/flows/orders?unfinished=true";
    let current = server.json("PUT", path, &unfinished()).await;
    let current = current.header("etag").to_owned();
    let publish = |tag: &str| {
        let headers = [("if-match", tag)];
        let request = request(
            "POST",
            "/api/v1/flows/orders/publish",
            &headers,
            Body::empty(),
        );
        server.ask(request)
    };
    // That it moved on is said before what is wrong with what it has become.
    let reply = publish(&seen).await;
    assert_eq!(reply.problem(412), "revision_changed");
    assert_eq!(reply.header("etag"), current);
    assert_eq!(publish(&current).await.problem(422), "invalid_document");
    let mended = server.json("PUT", path, &orders()).await;
    let reply = publish(mended.header("etag")).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["version"]),
        (200, &json!(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_window_learns_how_a_flow_stands() {
    let server = Server::start().await;
    let response = server
        .send(request("GET", "/api/v1/events", &[], Body::empty()))
        .await;
    let mut events = response.into_body().into_data_stream();
    let post = |path: &'static str| server.ask(request("POST", path, &[], Body::empty()));
    let stands = |revision: Value, version: Value, enabled: bool| json!({ "flow": "orders", "revision": revision, "version": version, "enabled": enabled, "paused": false });

    let unseen = server.json("POST", "/api/v1/flows", &unfinished()).await;
    assert_eq!(unseen.status, 422);
    server
        .json("POST", "/api/v1/flows?unfinished=true", &unfinished())
        .await;
    server.json("PUT", "/api/v1/flows/orders", &orders()).await;
    post("/api/v1/flows/orders/publish").await;
    post("/api/v1/flows/orders/enable").await;
    post("/api/v1/flows/orders/disable").await;
    post("/api/v1/flows/orders/disable").await;
    post("/api/v1/flows/orders/enable").await;
    let delete = || {
        server.ask(request(
            "DELETE",
            "/api/v1/flows/orders",
            &[],
            Body::empty(),
        ))
    };
    delete().await;
    delete().await;

    // What changed nothing is not told.
    for expected in [
        stands(json!(1), json!(null), true),
        stands(json!(2), json!(null), true),
        stands(json!(2), json!(1), true),
        stands(json!(2), json!(1), false),
        stands(json!(2), json!(1), true),
        stands(json!(null), json!(null), false),
    ] {
        let (event, mut told) = next_event(&mut events).await.unwrap();
        let at = told.as_object_mut().unwrap().remove("at").unwrap();
        assert_eq!((event.as_str(), &told), ("flow", &expected));
        assert!(at.as_str().unwrap().ends_with('Z'), "{at}");
    }
    server.publish(&orders()).await;
    let order = json!({ "id": "A1", "total": 3 });
    server.json("POST", "/in/main/orders/a", &order).await;
    let mut names = Vec::new();
    while names.len() < 3 {
        names.push(next_event(&mut events).await.unwrap().0);
    }
    names.sort();
    assert_eq!(names, ["change", "flow", "flow"]);
}
