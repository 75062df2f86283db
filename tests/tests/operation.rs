//! The server as those who run it see it: its own description, its health, who may ask, and that a restart loses nothing.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Database, Request, Start, Weir, root, until};

use crate::http_face::echo;

#[test]
fn the_api_describes_itself_and_the_server_says_how_it_is() {
    let weir = Weir::start();
    weir.publish(&echo("described"));
    let document = weir.get("/openapi.json").expect(200).json();
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        document["openapi"]
    );
    let paths = document["paths"].as_object().unwrap();
    let described: BTreeSet<&str> = paths.keys().map(String::as_str).collect();
    for path in [
        "/api/v1/flows",
        "/api/v1/flows/{flow}",
        "/api/v1/flows/{flow}/publish",
        "/api/v1/flows/{flow}/versions",
        "/api/v1/flows/{flow}/enable",
        "/api/v1/flows/{flow}/disable",
        "/api/v1/flows/{flow}/runs",
        "/api/v1/flows/{flow}/tries",
        "/api/v1/tries/{try}",
        "/api/v1/runs",
        "/api/v1/runs/{run}",
        "/api/v1/connections/{name}",
        "/api/v1/secrets/{name}",
        "/api/v1/openapi.json",
        "/health/live",
        "/health/ready",
        "/metrics",
    ] {
        assert!(described.contains(path), "{path} is not described");
    }
    // Whatever can be read without a parameter can be read; what names something that is not there is a problem of its own.
    for (path, operations) in paths {
        if operations.get("get").is_none() || path.ends_with("/events") {
            continue;
        }
        let real = path
            .replace("{flow}", "nobody")
            .replace("{run}", "00000000-0000-7000-8000-000000000000")
            .replace("{try}", "00000000-0000-7000-8000-000000000000");
        let real = real
            .replace("{name}", "nobody")
            .replace("{version}", "1")
            .replace("{number}", "1")
            .replace("{step}", "nobody")
            .replace("{trigger}", "nobody")
            // Times must be named to be read.
            .replace("/schedules/fires", "/schedules/fires?every=1h");
        let reply = weir.send(&Request::new("GET", &real));
        if path.contains('{') {
            reply.problem(404, "not_found");
        } else {
            assert!(reply.clone().expect(200).body.len() > 2, "{path}: {reply}");
        }
    }
    let every = references(&document);
    assert!(every.len() > 10);
    for reference in every {
        let pointer = reference
            .strip_prefix('#')
            .unwrap_or_else(|| panic!("{reference} leads out of the document"));
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
    let docs = weir
        .send(&Request::new("GET", "/api/docs").header("accept", "text/html"))
        .expect(200);
    assert!(
        docs.header("content-type")
            .unwrap()
            .starts_with("text/html")
            && docs.text().contains("/api/v1/flows/{flow}/publish"),
        "{docs}"
    );

    let schema = weir.get("/schemas/flow").expect(200).json();
    assert!(schema["properties"]["steps"].is_object());
    let catalog = weir.get("/catalog").expect(200).json();
    let kinds = |group: &str| {
        catalog[group]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["kind"].as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert!(
        kinds("triggers").is_superset(
            &["http", "webhook", "schedule", "manual"]
                .map(str::to_owned)
                .into()
        )
    );
    assert!(
        kinds("steps").is_superset(
            &[
                "map", "fields", "validate", "branch", "http", "respond", "fail"
            ]
            .map(str::to_owned)
            .into()
        )
    );
    // The page draws a kind by the name of its icon.
    let icons = std::fs::read_to_string(root().join("ui/src/kit/icon.rs")).unwrap();
    for group in ["triggers", "steps"] {
        for entry in catalog[group].as_array().unwrap() {
            let icon = &entry["icon"];
            assert!(
                icons.contains(&format!("{icon} => Icon::")),
                "{icon} is missing in Icon::named"
            );
            let title = &entry["title"];
            assert!(
                title["en"].is_string() && title["de"].is_string(),
                "{title}"
            );
        }
    }
    assert!(
        weir.get("/functions").expect(200).json()["items"]
            .as_array()
            .unwrap()
            .len()
            > 50
    );
    let system = weir.get("/system").expect(200).json();
    assert_eq!(
        (&system["workspace"], &system["database"]),
        (&json!("main"), &json!("sqlite"))
    );

    assert_eq!(
        weir.send(&Request::new("GET", "/health/live"))
            .expect(200)
            .json(),
        json!({ "status": "ok" })
    );
    assert_eq!(
        weir.send(&Request::new("GET", "/health/ready"))
            .expect(200)
            .json(),
        json!({ "status": "ok" })
    );
    weir.api("POST", "/flows/described/runs", &json!({}))
        .expect(202);
    let metrics = weir
        .send(&Request::new("GET", "/metrics"))
        .expect(200)
        .text();
    for line in [
        "weir_runs_accepted_total{flow=\"described\"} 1",
        "weir_runs_ended_total{flow=\"described\",status=\"succeeded\"} 1",
        "weir_http_requests_total{",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[test]
fn no_request_makes_the_server_fail_on_sqlite() {
    no_request_makes_the_server_fail(&Database::Sqlite);
}

#[test]
fn no_request_makes_the_server_fail_on_postgresql() {
    no_request_makes_the_server_fail(&Database::postgresql("odd"));
}

fn no_request_makes_the_server_fail(database: &Database) {
    let weir = Start::default().database(database).start();
    weir.publish(&echo("there"));
    let document = weir.get("/openapi.json").expect(200).json();
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let long = "x".repeat(3_000);
    let mut zero = echo("there");
    zero["title"] = json!("a\0b");
    let zero_title = zero.to_string();
    zero["id"] = json!("zero");
    zero["steps"]["echo"]["description"] = json!("\0");
    let zero_step = zero.to_string();
    let bodies = [
        "",
        "null",
        "[]",
        "{}",
        "\"text\"",
        "17",
        "{\"a\":",
        "\u{feff}{}",
        "{\"value\":null}",
        "{\"value\":\"\"}",
        "{\"trigger\":[],\"message\":{\"headers\":[]}}",
        "{\"actions\":\"mocked\",\"message\":{\"body\":[1]}}",
        "{\"actions\":\"real\",\"mocks\":{\"echo\":{\"output\":1}}}",
        "{\"base_url\":\"file:///\"}",
        "{\"base_url\":\"https://example.com\",\"auth\":{\"kind\":\"none\",\"token\":1}}",
        "{\"format\":\"weir/flow@1\",\"id\":\"there\",\"steps\":{\"a\":{}}}",
        deep.as_str(),
        // PostgreSQL has no texts with a zero in them.
        "{\"note\":\"\\u0000\",\"value\":\"\\u0000\",\"title\":\"\\u0000\",\"message\":{\"body\":\"\\u0000\"}}",
        "{\"note\":\"\\u0000\"}",
        "{\"value\":\"a\\u0000b\"}",
        "{\"message\":{\"body\":\"\\u0000\",\"headers\":{\"\\u0000\":\"\\u0000\"}}}",
        zero_title.as_str(),
        zero_step.as_str(),
    ];
    let names = [
        "there",
        "nobody",
        "..",
        "%00",
        "%F0%9F%92%A9",
        "-1",
        "0",
        "1",
        "99999999999999999999",
        long.as_str(),
    ];
    let queries = [
        "",
        "?limit=-1",
        "?limit=1&cursor=%00",
        "?cursor=x&flow=%F0%9F%92%A9",
        "?status=&from=&to=&trigger=",
        "?limit=1&limit=2",
        "?unfinished=true",
        "?unfinished=1",
        "?%",
    ];
    let mut asked = 0;
    let mut operations: Vec<(String, &String)> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        if !path.ends_with("/events") {
            let methods = methods.as_object().unwrap().keys();
            operations.extend(methods.map(|method| (method.to_uppercase(), path)));
        }
    }
    // What deletes comes last, so that the others find something.
    operations.sort_by_key(|(method, _)| method == "DELETE");
    for (method, path) in operations {
        let writes = method == "POST" || method == "PUT";
        for (i, name) in names.iter().enumerate() {
            let parts = path
                .split('/')
                .map(|part| if part.starts_with('{') { *name } else { part });
            let real = parts.collect::<Vec<_>>().join("/");
            // Every body with the name that is there, and one of them with each of the others.
            let chosen = match (writes, i) {
                (false, _) => &bodies[..1],
                (true, 0) => &bodies[..],
                (true, i) => &bodies[i..=i],
            };
            for body in chosen {
                let target = format!("{real}{}", queries[asked % queries.len()]);
                let request =
                    Request::new(&method, &target).header("content-type", "application/json");
                let reply = weir.send(&request.header("if-match", "*").body(*body));
                let sent = &body[..body.len().min(200)];
                assert!(reply.status < 500, "{method} {target} with {sent}: {reply}");
                let problem = reply.header("content-type") == Some("application/problem+json");
                assert!(reply.status < 400 || problem, "{method} {target}: {reply}");
                asked += 1;
            }
            if !path.contains('{') {
                break;
            }
        }
    }
    assert!(asked > 150, "only {asked} requests");
    assert_eq!(
        weir.send(&Request::new("GET", "/health/ready"))
            .expect(200)
            .json(),
        json!({ "status": "ok" })
    );
    let log = weir.log();
    assert!(!log.contains("ERROR") && !log.contains("panicked"), "{log}");
}

#[test]
fn the_api_answers_only_to_its_own_names_and_pages() {
    let weir = Weir::start();
    let reply = weir.send(&Request::new("GET", "/api/v1/flows").header("x-request-id", "mine-1"));
    assert_eq!(reply.header("x-request-id"), Some("mine-1"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    // A page of another site that sends a form or a script's request through the user's browser.
    let foreign = Request::new("POST", "/api/v1/flows")
        .header("origin", "https://evil.example")
        .header("sec-fetch-site", "cross-site");
    weir.send(&foreign.json(&echo("foreign")))
        .problem(403, "cross_site");
    assert_eq!(weir.get("/flows").expect(200).json()["items"], json!([]));
    weir.send(
        &Request::new("POST", "/api/v1/flows")
            .header("content-type", "text/plain")
            .body(echo("plain").to_string()),
    )
    .problem(415, "media_type");
    weir.send(&Request::new("PATCH", "/api/v1/flows"))
        .problem(405, "method_not_allowed");
    weir.get("/nothing").problem(404, "not_found");
    let twice = r#"{"format":"weir/flow@1","id":"a","id":"b"}"#;
    let problem = weir
        .send(
            &Request::new("POST", "/api/v1/flows")
                .header("content-type", "application/json")
                .body(twice),
        )
        .problem(400, "not_json");
    assert_eq!(problem["errors"][0]["code"], "duplicate_key");
    for name in ["..%2Fx", "UPPER", "a.b"] {
        weir.api("PUT", &format!("/secrets/{name}"), &json!({ "value": "x" }))
            .problem(422, "invalid_body");
    }
}

#[test]
fn everything_is_there_again_after_a_restart_on_sqlite() {
    everything_is_there_again(&Database::Sqlite, "sqlite");
}

#[test]
fn everything_is_there_again_after_a_restart_on_postgresql() {
    everything_is_there_again(&Database::postgresql("restart"), "postgresql");
}

fn everything_is_there_again(database: &Database, name: &str) {
    let data = TempDir::new().unwrap();
    let folder = data.path().join("data");
    let start = || Start::default().data(&folder).database(database).start();
    let weir = start();
    assert_eq!(weir.get("/system").expect(200).json()["database"], name);
    weir.publish(&echo("stays"));
    weir.secret("stays", "a secret");
    weir.connect(
        "stays",
        &json!({ "title": "Stays", "base_url": "https://example.com/api" }),
    );
    weir.api(
        "POST",
        "/flows/stays/runs",
        &json!({ "message": { "body": [1, 2.0, 9_007_199_254_740_993_u64] } }),
    )
    .expect(202);
    let run = weir.runs("")[0]["id"].as_str().unwrap().to_owned();
    let look = |weir: &Weir| {
        [
            "/flows",
            "/flows/stays",
            "/flows/stays/versions",
            "/connections/stays",
            "/connections",
            "/secrets",
            &format!("/runs/{run}"),
        ]
        .map(|path| weir.get(path).expect(200).text())
    };
    weir.ended(&run);
    let before = look(&weir);
    assert!(weir.stop().0.success());
    let weir = start();
    assert_eq!(look(&weir), before);
    weir.api("POST", "/flows/stays/runs", &json!({}))
        .expect(202);
    until("two runs", || {
        Some(weir.runs("status=succeeded")).filter(|runs| runs.len() == 2)
    });
}

/// Every `$ref` of a document.
fn references(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(object) => {
            let own = object
                .get("$ref")
                .and_then(Value::as_str)
                .map(str::to_owned);
            own.into_iter()
                .chain(object.values().flat_map(references))
                .collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}
