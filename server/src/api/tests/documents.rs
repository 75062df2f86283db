//! Flows, versions, connections and secrets: writing, reading, guarding, paging.

use axum::body::Body;
use serde_json::json;

use super::{Server, orders, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_written_read_guarded_and_deleted() {
    let server = Server::start().await;
    let reply = server.json("POST", "/api/v1/flows", &orders()).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!(
        (reply.header("location"), reply.header("etag")),
        ("/api/v1/flows/orders", "\"1\"")
    );
    let flow = &reply.json()["flow"];
    assert_eq!(
        flow["triggers"][0],
        json!({ "id": "order", "kind": "http", "title": "", "method": "POST", "url": "/in/main/orders/{shop}" })
    );
    assert_eq!(
        (&flow["published"], &flow["changed"], &flow["last_run"]),
        (&json!(null), &json!(false), &json!(null))
    );
    assert_eq!(
        server
            .json("POST", "/api/v1/flows", &orders())
            .await
            .problem(409),
        "exists"
    );

    let reply = server.get("/api/v1/flows/orders").await;
    assert_eq!(reply.header("etag"), "\"1\"");
    assert!(
        reply
            .text()
            .starts_with("{\n  \"format\": \"weir/flow@1\",\n")
            && reply.text().ends_with("}\n"),
        "{}",
        reply.text()
    );
    let mut changed = orders();
    changed["title"] = json!("Orders of shops");
    let put = |tag: &'static str| {
        request(
            "PUT",
            "/api/v1/flows/orders",
            &[("if-match", tag)],
            Body::from(changed.to_string()),
        )
    };
    let reply = server.ask(put("\"7\"")).await;
    assert_eq!(
        (reply.header("etag").to_owned(), reply.problem(412).as_str()),
        ("\"1\"".to_owned(), "revision_changed")
    );
    assert_eq!(server.ask(put("7")).await.problem(400), "bad_request");
    let reply = server.ask(put("\"1\"")).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("etag")),
        (200, "\"2\"")
    );
    assert_eq!(reply.json()["flow"]["title"], "Orders of shops");

    assert_eq!(
        server
            .json("PUT", "/api/v1/flows/other", &orders())
            .await
            .problem(422),
        "invalid_document"
    );
    changed["id"] = json!("other");
    assert_eq!(
        server
            .json("PUT", "/api/v1/flows/other", &changed)
            .await
            .problem(404),
        "not_found"
    );
    assert_eq!(
        server
            .ask(request(
                "DELETE",
                "/api/v1/flows/orders",
                &[],
                Body::empty()
            ))
            .await
            .status,
        204
    );
    assert_eq!(
        server
            .ask(request(
                "DELETE",
                "/api/v1/flows/orders",
                &[],
                Body::empty()
            ))
            .await
            .problem(404),
        "not_found"
    );
    assert_eq!(
        server.get("/api/v1/flows/orders").await.problem(404),
        "not_found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_with_errors_is_not_stored_and_each_has_its_place() {
    let server = Server::start().await;
    let mut document = orders();
    document["steps"]["price"]["config"]["script"] = json!("input.body.");
    let reply = server.json("POST", "/api/v1/flows", &document).await;
    assert_eq!(reply.problem(422), "invalid_document");
    assert_eq!(
        reply.json()["errors"][0]["at"],
        "/steps/price/config/script"
    );
    assert_eq!(reply.json()["errors"][0]["severity"], "error");
    document["stepps"] = json!({});
    let reply = server.json("POST", "/api/v1/flows", &document).await;
    assert_eq!(
        (
            reply.problem(422).as_str(),
            &reply.json()["errors"][0]["at"]
        ),
        ("invalid_document", &json!("/stepps"))
    );
    let post = |text: &'static str, kind: &'static str| {
        request(
            "POST",
            "/api/v1/flows",
            &[("content-type", kind)],
            Body::from(text),
        )
    };
    let reply = server
        .ask(post("{\n \"a\": 1, \"a\": 2}", "application/json"))
        .await;
    assert_eq!(
        (
            reply.problem(400).as_str(),
            &reply.json()["errors"][0]["at"]
        ),
        ("not_json", &json!("/a"))
    );
    let reply = server.ask(post("{\n \"a\": ", "application/json")).await;
    assert!(
        reply.problem(400) == "not_json" && reply.text().contains("line 2"),
        "{}",
        reply.text()
    );
    assert_eq!(
        server
            .ask(post("a=1", "application/x-www-form-urlencoded"))
            .await
            .problem(415),
        "media_type"
    );
    assert_eq!(
        server.get("/api/v1/flows").await.json(),
        json!({ "items": [], "next": null })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_with_a_key_may_be_sent_again() {
    let server = Server::start().await;
    let post = || {
        request(
            "POST",
            "/api/v1/flows",
            &[("idempotency-key", "k1")],
            Body::from(orders().to_string()),
        )
    };
    let first = server.ask(post()).await;
    let second = server.ask(post()).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    let mut other = orders();
    other["title"] = json!("Other");
    let reply = server
        .ask(request(
            "POST",
            "/api/v1/flows",
            &[("idempotency-key", "k1")],
            Body::from(other.to_string()),
        ))
        .await;
    assert_eq!(reply.problem(409), "exists");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_numbered_listed_and_kept() {
    let server = Server::start().await;
    assert_eq!(
        server
            .json("POST", "/api/v1/flows/orders/publish", &json!({}))
            .await
            .problem(404),
        "not_found"
    );
    server.publish(&orders()).await;
    let summary = server.get("/api/v1/flows/orders/summary").await.json();
    assert_eq!(
        (&summary["published"]["version"], &summary["changed"]),
        (&json!(1), &json!(false))
    );
    let mut changed = orders();
    changed["title"] = json!("Changed");
    assert_eq!(
        server
            .json("PUT", "/api/v1/flows/orders", &changed)
            .await
            .status,
        200
    );
    assert_eq!(
        server.get("/api/v1/flows/orders/summary").await.json()["changed"],
        true
    );
    let reply = server
        .json(
            "POST",
            "/api/v1/flows/orders/publish",
            &json!({ "note": "a title" }),
        )
        .await;
    assert_eq!(
        (&reply.json()["version"], &reply.json()["flow"]),
        (&json!(2), &json!("orders"))
    );
    assert_eq!(
        server
            .json(
                "POST",
                "/api/v1/flows/orders/publish",
                &json!({ "notes": 1 })
            )
            .await
            .problem(422),
        "invalid_body"
    );
    let bare = request("POST", "/api/v1/flows/orders/publish", &[], Body::empty());
    assert_eq!(server.ask(bare).await.json()["version"], 3);

    let page = server.get("/api/v1/flows/orders/versions?limit=2").await;
    let numbers = |page: &serde_json::Value| {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["version"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&page.json()), [3, 2]);
    assert_eq!(
        page.header("link"),
        "</api/v1/flows/orders/versions?limit=2&cursor=2>; rel=\"next\""
    );
    let next = server
        .get("/api/v1/flows/orders/versions?limit=2&cursor=2")
        .await
        .json();
    assert_eq!((numbers(&next), &next["next"]), (vec![1], &json!(null)));
    let first = server.get("/api/v1/flows/orders/versions/1").await;
    assert_eq!(first.json()["title"], "Orders");
    for path in [
        "/api/v1/flows/orders/versions/9",
        "/api/v1/flows/orders/versions/x",
        "/api/v1/flows/none/versions",
    ] {
        assert_eq!(server.get(path).await.problem(404), "not_found", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_come_in_pages() {
    let server = Server::start().await;
    for id in ["c", "a", "b"] {
        let mut document = orders();
        document["id"] = json!(id);
        assert_eq!(
            server.json("POST", "/api/v1/flows", &document).await.status,
            201
        );
    }
    let (mut seen, mut path) = (Vec::new(), "/api/v1/flows?limit=2".to_owned());
    loop {
        let page = server.get(&path).await.json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/flows?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["a", "b", "c"]);
    for query in ["limit=0", "limit=201", "limit=x"] {
        assert_eq!(
            server
                .get(&format!("/api/v1/flows?{query}"))
                .await
                .problem(400),
            "bad_request",
            "{query}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_checked_guarded_and_listed() {
    let server = Server::start().await;
    let erp = json!({ "title": "ERP", "base_url": "https://erp.example.com/api", "auth": { "kind": "bearer", "token": { "$secret": "erp-key" } } });
    let reply = server.json("PUT", "/api/v1/connections/erp", &erp).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("etag")),
        (201, "\"1\""),
        "{}",
        reply.text()
    );
    assert_eq!(reply.json()["problems"][0]["code"], "unknown_secret");
    server.secret("erp-key", "s3cr3t-s3cr3t").await;
    let reply = server.json("PUT", "/api/v1/connections/erp", &erp).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["problems"]),
        (200, &json!([]))
    );
    let put = request(
        "PUT",
        "/api/v1/connections/erp",
        &[("if-match", "\"1\"")],
        Body::from(erp.to_string()),
    );
    assert_eq!(server.ask(put).await.problem(412), "revision_changed");
    let reply = server.get("/api/v1/connections/erp").await;
    assert_eq!(
        (reply.header("etag"), &reply.json()["auth"]),
        ("\"2\"", &erp["auth"])
    );
    let list = server.get("/api/v1/connections").await.json();
    assert_eq!(
        (&list["items"][0]["name"], &list["items"][0]["base_url"]),
        (&json!("erp"), &erp["base_url"])
    );

    let reply = server
        .json(
            "PUT",
            "/api/v1/connections/erp",
            &json!({ "base_url": "ftp://x", "other": 1 }),
        )
        .await;
    assert_eq!(reply.problem(422), "invalid_document");
    assert!(
        reply.json()["errors"]
            .as_array()
            .unwrap()
            .iter()
            .any(|error| error["at"] == "/base_url"),
        "{}",
        reply.text()
    );
    assert_eq!(
        server
            .json("PUT", "/api/v1/connections/A%20b", &erp)
            .await
            .problem(422),
        "invalid_body"
    );
    assert_eq!(
        server
            .ask(request(
                "DELETE",
                "/api/v1/connections/erp",
                &[],
                Body::empty()
            ))
            .await
            .status,
        204
    );
    assert_eq!(
        server.get("/api/v1/connections/erp").await.problem(404),
        "not_found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_written_and_never_read() {
    let server = Server::start().await;
    let reply = server
        .json(
            "PUT",
            "/api/v1/secrets/erp-key",
            &json!({ "value": "hunter2-hunter2" }),
        )
        .await;
    assert_eq!((reply.status.as_u16(), reply.body.len()), (204, 0));
    let list = server.get("/api/v1/secrets").await;
    assert_eq!(list.json()["items"][0]["name"], "erp-key");
    assert!(!list.text().contains("hunter2"));
    assert_eq!(
        server.get("/api/v1/secrets/erp-key").await.problem(405),
        "method_not_allowed"
    );
    for (body, status) in [
        (json!({ "value": "" }), 422),
        (json!({ "valu": "hunter2" }), 422),
        (json!([]), 422),
    ] {
        let reply = server.json("PUT", "/api/v1/secrets/other", &body).await;
        assert_eq!(reply.problem(status), "invalid_body");
        assert!(!reply.text().contains("hunter2"));
    }
    assert_eq!(
        server
            .ask(request(
                "DELETE",
                "/api/v1/secrets/erp-key",
                &[],
                Body::empty()
            ))
            .await
            .status,
        204
    );
    assert_eq!(
        server
            .ask(request(
                "DELETE",
                "/api/v1/secrets/erp-key",
                &[],
                Body::empty()
            ))
            .await
            .problem(404),
        "not_found"
    );
}
