//! What holds for every answer: problems, headers, who may ask, the document, the page.

use axum::{Router, body::Body, routing::get};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Server, orders, request};
use crate::api::Settings;

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_a_problem() {
    let server = Server::start().await;
    assert_eq!(
        server.get("/api/v1/nothing").await.problem(404),
        "not_found"
    );
    assert_eq!(server.get("/api").await.problem(404), "not_found");
    assert_eq!(server.get("/in").await.problem(404), "not_found");
    let reply = server
        .ask(request("PATCH", "/api/v1/flows/a", &[], Body::empty()))
        .await;
    assert_eq!(reply.problem(405), "method_not_allowed");
    for method in ["GET", "PUT", "DELETE"] {
        assert!(
            reply.header("allow").contains(method),
            "{}",
            reply.header("allow")
        );
    }
    assert_eq!(
        server.get("/api/v1/flows/%ff").await.problem(404),
        "not_found"
    );
    let reply = server
        .ask(request(
            "GET",
            "/api/v1/nothing?x=1",
            &[("x-request-id", "abc-1")],
            Body::empty(),
        ))
        .await;
    assert_eq!(
        (reply.header("x-request-id"), &reply.json()["instance"]),
        ("abc-1", &json!("/api/v1/nothing"))
    );
    let reply = server
        .ask(request(
            "GET",
            "/health/live",
            &[("x-request-id", "not fit")],
            Body::empty(),
        ))
        .await;
    assert_ne!(reply.header("x-request-id"), "not fit");
    let server = Server::with(Settings {
        max_document: 10,
        ..Settings::default()
    })
    .await;
    assert_eq!(
        server
            .json("POST", "/api/v1/flows", &orders())
            .await
            .problem(413),
        "too_large"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_may_not_write_and_other_names_may_not_ask() {
    let server = Server::start().await;
    let write = |headers: &[(&str, &str)]| {
        server.ask(request(
            "PUT",
            "/api/v1/secrets/a",
            headers,
            Body::from("{\"value\":\"12345678\"}"),
        ))
    };
    let host = ("host", "localhost:8080");
    for refused in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        assert_eq!(
            write(&[host, refused]).await.problem(403),
            "cross_site",
            "{refused:?}"
        );
    }
    for allowed in [
        ("sec-fetch-site", "same-origin"),
        ("origin", "http://localhost:8080"),
        ("x", "y"),
    ] {
        assert_eq!(write(&[host, allowed]).await.status, 204, "{allowed:?}");
    }
    let read = |path: &'static str, host: &'static str| {
        server.ask(request("GET", path, &[("host", host)], Body::empty()))
    };
    assert_eq!(
        read("/api/v1/flows", "evil.example:8080")
            .await
            .problem(421),
        "wrong_host"
    );
    assert_eq!(
        read("/", "evil.example:8080").await.problem(421),
        "wrong_host"
    );
    assert_eq!(read("/api/v1/flows", "127.0.0.1:8080").await.status, 200);
    assert_eq!(read("/health/live", "anything").await.status, 200);
    assert_eq!(
        read("/in/main/none", "anything").await.problem(404),
        "not_found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_headers_of_a_careful_server() {
    let server = Server::start().await;
    let reply = server.get("/api/v1/system").await;
    assert_eq!(
        (
            reply.header("x-content-type-options"),
            reply.header("cache-control")
        ),
        ("nosniff", "no-store")
    );
    let policy = reply.header("content-security-policy");
    for part in [
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    let system = reply.json();
    assert_eq!(
        (&system["workspace"], &system["database"]),
        (&json!("main"), &json!("sqlite"))
    );
    assert_eq!(
        server.get("/health/ready").await.json(),
        json!({ "status": "ok" })
    );
    assert_eq!(
        server.get("/metrics").await.problem(404),
        "not_found",
        "no recorder was given"
    );
    let gzip = server
        .ask(request(
            "GET",
            "/api/v1/functions",
            &[("accept-encoding", "gzip")],
            Body::empty(),
        ))
        .await;
    assert_eq!(gzip.header("content-encoding"), "gzip");
}

#[tokio::test]
async fn a_handler_that_breaks_down_is_a_problem_without_its_message() {
    let router: Router = Router::new()
        .route(
            "/",
            get(|| async {
                if true {
                    panic!("the inner secret")
                }
            }),
        )
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(
            crate::api::front::panicked,
        ));
    let response = router
        .oneshot(request("GET", "/", &[], Body::empty()))
        .await
        .unwrap();
    assert_eq!(response.status(), 500);
    let problem = response
        .extensions()
        .get::<crate::api::Problem>()
        .unwrap()
        .write("/", "r");
    assert!(!problem.contains("inner secret"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_served_or_says_how_to_build_it() {
    let server = Server::start().await;
    let html = [("accept", "text/html,application/xhtml+xml")];
    let home = server.ask(request("GET", "/", &html, Body::empty())).await;
    let deep = server
        .ask(request("GET", "/flows/orders", &html, Body::empty()))
        .await;
    assert_eq!(
        home.body, deep.body,
        "every address of the page gets the page"
    );
    assert!(home.header("content-type").starts_with("text/html"));
    if home.status == 200 {
        assert_eq!(home.header("cache-control"), "no-cache");
        let tag = home.header("etag").to_owned();
        let again = server
            .ask(request(
                "GET",
                "/",
                &[("if-none-match", &tag)],
                Body::empty(),
            ))
            .await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
        let packed = server
            .ask(request(
                "GET",
                "/",
                &[("accept-encoding", "gzip, br")],
                Body::empty(),
            ))
            .await;
        assert_eq!(
            (packed.header("content-encoding"), packed.header("vary")),
            ("br", "accept-encoding")
        );
        let text = home.text().to_owned();
        let script = text
            .split('"')
            .find(|part| part.starts_with("/assets/") && part.ends_with(".js"))
            .unwrap();
        let script = server.get(script).await;
        assert_eq!(
            script.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert!(script.header("content-type").starts_with("text/javascript"));
        let wasm = text.split('"').find(|part| part.ends_with(".wasm"));
        if let Some(wasm) = wasm {
            assert_eq!(
                server.get(wasm).await.header("content-type"),
                "application/wasm"
            );
        }
    } else {
        assert_eq!(home.status, 503);
        assert!(home.text().contains("ui/build"));
    }
    assert_eq!(
        server
            .ask(request("GET", "/assets/none.js", &html, Body::empty()))
            .await
            .problem(404),
        "not_found"
    );
    assert_eq!(
        server
            .ask(request("GET", "/robots.txt", &html, Body::empty()))
            .await
            .problem(404),
        "not_found"
    );
    assert_eq!(
        server
            .ask(request(
                "GET",
                "/flows/a",
                &[("accept", "application/json")],
                Body::empty()
            ))
            .await
            .problem(404),
        "not_found"
    );
    let reply = server
        .ask(request("POST", "/flows/a", &html, Body::empty()))
        .await;
    assert_eq!(
        (reply.problem(405).as_str(), reply.header("allow")),
        ("method_not_allowed", "GET, HEAD")
    );
}

/// What is promised to scripts and to the page.
const PROMISED: &[&str] = &[
    "get /api/v1/flows",
    "post /api/v1/flows",
    "get /api/v1/flows/{flow}",
    "put /api/v1/flows/{flow}",
    "delete /api/v1/flows/{flow}",
    "get /api/v1/flows/{flow}/summary",
    "post /api/v1/flows/{flow}/publish",
    "post /api/v1/flows/{flow}/enable",
    "post /api/v1/flows/{flow}/disable",
    "get /api/v1/flows/{flow}/versions",
    "get /api/v1/flows/{flow}/versions/{version}",
    "post /api/v1/flows/{flow}/runs",
    "get /api/v1/flows/{flow}/triggers/{trigger}/fires",
    "get /api/v1/schedules",
    "get /api/v1/schedules/fires",
    "post /api/v1/flows/{flow}/tries",
    "get /api/v1/tries/{try}",
    "delete /api/v1/tries/{try}",
    "get /api/v1/tries/{try}/events",
    "get /api/v1/runs",
    "get /api/v1/runs/{run}",
    "get /api/v1/runs/{run}/events",
    "get /api/v1/events",
    "get /api/v1/connections",
    "get /api/v1/connections/{name}",
    "put /api/v1/connections/{name}",
    "delete /api/v1/connections/{name}",
    "get /api/v1/secrets",
    "put /api/v1/secrets/{name}",
    "delete /api/v1/secrets/{name}",
    "get /api/v1/catalog",
    "get /api/v1/functions",
    "get /api/v1/schemas/flow",
    "get /api/v1/openapi.json",
    "get /api/v1/system",
    "get /health/live",
    "get /health/ready",
    "get /metrics",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_complete() {
    let server = Server::start().await;
    let document = server.get("/api/v1/openapi.json").await.json();
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        document["openapi"]
    );
    let mut operations = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            for key in ["summary", "operationId"] {
                assert!(
                    operation[key].as_str().is_some_and(|text| !text.is_empty()),
                    "{name} has no {key}"
                );
            }
            assert!(
                ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
                "{name}: its id is taken"
            );
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.keys().any(|status| status.starts_with('2'))
                    && responses.contains_key("default"),
                "{name}: {responses:?}"
            );
            assert!(
                responses
                    .values()
                    .all(|response| response["$ref"].is_string() || response["description"] != ""),
                "{name}"
            );
            assert!(
                document["tags"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|tag| tag["name"] == operation["tags"][0]),
                "{name} has no known tag"
            );
            let declared: Vec<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let written: Vec<&str> = path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            assert_eq!(declared, written, "{name}");
            if method == "get" && !path.ends_with("/events") {
                let reply = server.get(&path.replace(['{', '}'], "")).await;
                assert_ne!(reply.status, 405, "{name} is described and not there");
            }
            operations.push(name);
        }
    }
    for promised in PROMISED {
        assert!(
            operations.iter().any(|operation| operation == promised),
            "{promised} is missing in the document"
        );
    }
    references(&document, &document);
}

/// Every reference must lead somewhere.
fn references(value: &Value, document: &Value) {
    match value {
        Value::Object(entries) => {
            if let Some(place) = entries.get("$ref").and_then(Value::as_str) {
                assert!(
                    document.pointer(place.trim_start_matches('#')).is_some(),
                    "{place} leads nowhere"
                );
            }
            entries
                .values()
                .for_each(|entry| references(entry, document));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, document)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_can_be_read() {
    let server = Server::start().await;
    let page = server.get("/api/docs").await;
    assert!(page.header("content-type").starts_with("text/html"));
    let text = page.text();
    assert!(
        !text.contains("<script") && !text.contains(" style=") && !text.contains("src=\"http"),
        "the policy forbids it"
    );
    for part in [
        "Import a flow",
        "id=\"start_run\"",
        "revision_changed",
        "id=\"schema-RunDetail\"",
        "id=\"schema-Flow.Step\"",
    ] {
        assert!(text.contains(part), "{part}");
    }
    let anchors: Vec<&str> = text
        .split("href=\"#")
        .skip(1)
        .filter_map(|part| part.split('"').next())
        .collect();
    for anchor in anchors {
        assert!(
            text.contains(&format!("id=\"{anchor}\"")),
            "#{anchor} leads nowhere"
        );
    }
    assert!(
        server
            .get("/api/docs/style.css")
            .await
            .header("content-type")
            .starts_with("text/css")
    );
    let catalog = server.get("/api/v1/catalog").await.json();
    assert!(
        catalog["triggers"]
            .as_array()
            .unwrap()
            .iter()
            .any(|entry| entry["kind"] == "webhook")
    );
    assert!(
        catalog["steps"]
            .as_array()
            .unwrap()
            .iter()
            .any(|entry| entry["kind"] == "http")
    );
    assert!(
        !server.get("/api/v1/functions").await.json()["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let schema = server.get("/api/v1/schemas/flow").await;
    assert_eq!(
        (schema.header("content-type"), &schema.json()["title"]),
        ("application/schema+json", &json!("Weir flow"))
    );
}
