//! Secrets never come out again: not by the API, not in records, the log, an export, or the files of the database.

use std::{fs, path::Path, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Act, Partner, Request, Start, Weir, github};

/// The secrets of this test. Each has letters that an address or a header spells differently.
const SECRETS: [(&str, &str); 5] = [
    ("bearer", "bearer-9f8e7d/+=&?ä"),
    ("password", "pass:word 4c1b%20"),
    ("api-key", "key&in=query 77aa"),
    ("header", "header-value-d00d"),
    ("hook", "signing-word-5150"),
];

#[test]
fn a_secret_is_used_and_never_seen_again() {
    let partner = Partner::with(|call, index| {
        // A partner that says everything back, in its body and in a header, and fails once.
        let said = json!({ "headers": call.headers, "target": call.target, "decoded": call.header("authorization") });
        let status = if index.is_multiple_of(2) { 503 } else { 200 };
        let echo = call.header("authorization").to_owned();
        Act::reply(status, said)
            .header("x-echo", if echo.is_ascii() { &echo } else { "none" })
            .after(Duration::from_millis(20))
    });
    let data = TempDir::new().unwrap();
    let folder = data.path().join("data");
    let weir = Start::default()
        .data(&folder)
        .variable("WEIR_LOG", "debug")
        .start();
    for (name, value) in SECRETS {
        weir.secret(name, value);
    }
    set_up(&weir, &partner);
    for kind in ["bearer", "basic", "query", "header"] {
        let run = weir
            .knock("POST", &format!("/use/{kind}"), &json!({}))
            .header("weir-run")
            .unwrap()
            .to_owned();
        let run = weir.ended(&run);
        assert_eq!(run["status"], "succeeded", "{run:#}");
        assert_eq!(
            run["steps"][kind]["attempts"].as_array().unwrap().len(),
            2,
            "{run:#}"
        );
    }
    let body = b"{}";
    let hook = Request::new("POST", "/in/main/hook")
        .header("content-type", "application/json")
        .header("x-github-delivery", "d1");
    weir.send(
        &hook
            .header("x-hub-signature-256", github(SECRETS[4].1, body))
            .body(&body[..]),
    )
    .expect(202);

    // They were used: the partner got them.
    let calls = partner.calls();
    let sent = |part: &str| {
        calls.iter().any(|call| {
            call.target.contains(part) || call.headers.values().any(|value| value.contains(part))
        })
    };
    assert!(sent("Bearer bearer-9f8e7d/+=&?"), "{calls:#?}");
    assert!(sent("Basic YWRhOnBhc3M6d29yZCA0YzFiJTIw"), "{calls:#?}");
    assert!(
        sent("key%26in%3Dquery+77aa") || sent("key%26in%3Dquery%2077aa"),
        "{calls:#?}"
    );
    assert!(sent("header-value-d00d"), "{calls:#?}");

    let mut places: Vec<(String, String)> = Vec::new();
    let mut paths: Vec<String> = [
        "/flows",
        "/flows/uses",
        "/flows/uses/summary",
        "/flows/uses/versions",
        "/flows/uses/versions/1",
        "/connections",
        "/secrets",
        "/runs",
        "/catalog",
        "/system",
        "/openapi.json",
        "/schemas/flow",
    ]
    .map(str::to_owned)
    .to_vec();
    paths.extend(["bearer", "basic", "query", "header"].map(|name| format!("/connections/{name}")));
    for run in weir.runs("") {
        let id = run["id"].as_str().unwrap();
        paths.extend([format!("/runs/{id}"), format!("/runs/{id}/message")]);
        paths.extend(
            ["bearer", "basic", "query", "header"]
                .iter()
                .flat_map(|step| {
                    ["input", "output"].map(|what| format!("/runs/{id}/steps/{step}/{what}"))
                }),
        );
    }
    for path in paths {
        places.push((path.clone(), weir.get(&path).text()));
    }
    places.push((
        "/metrics".to_owned(),
        weir.send(&Request::new("GET", "/metrics")).text(),
    ));
    for (name, _) in SECRETS {
        let reply = weir.get(&format!("/secrets/{name}"));
        assert!(matches!(reply.status, 404 | 405), "{reply}");
        places.push((format!("/secrets/{name}"), reply.text()));
    }
    let export = weir_tests::weir(&["export", "uses", "--server", &weir.url()]).expect(0);
    assert!(
        export.out.contains("\"$secret\": \"hook\""),
        "an export names the secret: {export}"
    );
    places.push(("the export".to_owned(), export.out));
    let masked = places.iter().filter(|(_, text)| text.contains('•')).count();
    assert!(
        masked >= 8,
        "the records show that something is masked: {masked}"
    );

    // A second look while the server runs finds what is in the write-ahead log, a last one what is in the database.
    search_files(&folder);
    let (status, log) = weir.stop();
    assert!(status.success());
    assert!(log.len() > 1000, "a log at debug has something to say");
    places.push(("the log".to_owned(), log));
    for (place, text) in &places {
        for form in forms() {
            assert!(!text.contains(&form), "`{form}` stands in {place}:\n{text}");
        }
    }
    search_files(&folder);
}

#[test]
fn a_secret_can_be_replaced_and_removed_and_its_absence_is_told() {
    let partner = Partner::start();
    let weir = Weir::start();
    let stored = weir.api("PUT", "/connections/bearer", &json!({ "base_url": partner.url(), "auth": { "kind": "bearer", "token": { "$secret": "token" } } })).expect(201);
    assert!(
        stored.text().contains("there is no secret `token`"),
        "{stored}"
    );
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "one",
        "triggers": { "in": { "kind": "http", "config": { "path": "/one" } } },
        "steps": { "call": { "kind": "http", "connection": "bearer", "config": { "method": "GET", "path": "/x" } } },
        "links": [ { "from": "in", "to": "call" } ]
    }));
    let problem = weir
        .knock("POST", "/one", &json!({}))
        .problem(502, "run_failed");
    let run = weir.ended(problem["run"]["id"].as_str().unwrap());
    let message = run["failure"]["message"].as_str().unwrap();
    assert!(message.contains("`token`"), "{run:#}");
    assert!(partner.calls().is_empty());
    for value in ["first", "second"] {
        weir.secret("token", value);
        weir.knock("POST", "/one", &json!({})).expect(200);
        assert_eq!(
            partner.calls().last().unwrap().header("authorization"),
            format!("Bearer {value}")
        );
    }
    let names: Vec<Value> = weir.get("/secrets").expect(200).json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|secret| secret["name"].clone())
        .collect();
    assert_eq!(names, [json!("token")]);
    weir.send(&Request::new("DELETE", "/api/v1/secrets/token"))
        .expect(204);
    weir.send(&Request::new("DELETE", "/api/v1/secrets/token"))
        .problem(404, "not_found");
    weir.knock("POST", "/one", &json!({}))
        .problem(502, "run_failed");
    assert_eq!(partner.calls().len(), 2);
}

#[cfg(unix)]
#[test]
fn the_key_is_for_its_owner_only_and_nothing_opens_without_it() {
    use std::os::unix::fs::PermissionsExt;

    let data = TempDir::new().unwrap();
    let folder = data.path().join("data");
    let weir = Start::default().data(&folder).start();
    weir.secret("hook", "a secret");
    let keys: Vec<_> = files(&folder)
        .into_iter()
        .filter(|file| !file.to_string_lossy().contains(".db"))
        .collect();
    let key = keys
        .iter()
        .find(|file| file.to_string_lossy().contains("key"))
        .unwrap_or_else(|| panic!("no key among {keys:?}"));
    assert_eq!(
        fs::metadata(key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(weir.stop().0.success());
}

fn set_up(weir: &Weir, partner: &Partner) {
    let secret = |name: &str| json!({ "$secret": name });
    weir.connect("bearer", &json!({ "base_url": partner.url(), "auth": { "kind": "bearer", "token": secret("bearer") } }));
    weir.connect("basic", &json!({ "base_url": partner.url(), "auth": { "kind": "basic", "username": "ada", "password": secret("password") } }));
    weir.connect("query", &json!({ "base_url": partner.url(), "auth": { "kind": "api_key", "in": "query", "name": "api_key", "value": secret("api-key") } }));
    weir.connect(
        "header",
        &json!({ "base_url": partner.url(), "headers": { "x-partner": secret("header") } }),
    );
    let mut flow = json!({
        "format": "weir/flow@1", "id": "uses",
        "triggers": { "hook": { "kind": "webhook", "config": { "path": "/hook", "verify": { "scheme": "github", "secret": secret("hook") } } } },
        "steps": {}, "links": []
    });
    for kind in ["bearer", "basic", "query", "header"] {
        flow["triggers"][format!("in-{kind}")] =
            json!({ "kind": "http", "config": { "path": format!("/use/{kind}") } });
        flow["steps"][kind] = json!({ "kind": "http", "connection": kind, "config": { "method": "PUT", "path": "/things", "body": "= trigger.body" }, "retry": { "attempts": 2, "delay": "10ms" } });
        flow["links"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "from": format!("in-{kind}"), "to": kind }));
    }
    weir.publish(&flow);
}

/// The secrets in every spelling in which they may come out.
fn forms() -> Vec<String> {
    let mut forms: Vec<String> = SECRETS
        .iter()
        .map(|(_, value)| (*value).to_owned())
        .collect();
    forms.extend(
        [
            "YWRhOnBhc3M6d29yZCA0YzFiJTIw",
            "key%26in%3Dquery",
            "bearer-9f8e7d",
            "header-value",
            "signing-word",
            "word 4c1b",
        ]
        .map(str::to_owned),
    );
    forms
}

/// Looks for the secrets in every file of the data directory.
#[track_caller]
fn search_files(folder: &Path) {
    let files = files(folder);
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let bytes = fs::read(&file).unwrap();
        for form in forms() {
            let found = bytes
                .windows(form.len())
                .any(|window| window == form.as_bytes());
            assert!(!found, "`{form}` stands in {}", file.display());
        }
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect()
}
