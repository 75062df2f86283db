//! Signed webhooks: every example payload of GitHub through a flow, compared field by field, and all that must be refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, thread,
};

use serde_json::{Map, Value, json};
use weir_tests::{Partner, Reply, Request, Weir, github, now_seconds, root, standard_webhooks};

const SECRET: &str = "It's a Secret to Everybody";
const TOKEN: &str = "chat-token-5f2c";

/// One example payload of `@octokit/webhooks-examples`.
struct Example {
    event: String,
    delivery: String,
    payload: Value,
}

#[test]
fn every_payload_of_github_reaches_the_partner_as_it_was_mapped() {
    let partner = Partner::start();
    let weir = Weir::start();
    set_up(&weir, &partner);
    let examples = examples();
    assert!(examples.len() >= 300, "only {} payloads", examples.len());
    for example in &examples {
        let reply = deliver(
            &weir,
            &example.event,
            &example.delivery,
            example.payload.to_string().as_bytes(),
        )
        .expect(202);
        assert!(reply.header("weir-run").is_some(), "{reply}");
    }
    let calls = partner.wait_for(examples.len());
    assert_eq!(calls.len(), examples.len(), "each message is posted once");
    let keys: BTreeSet<&str> = calls
        .iter()
        .map(|call| call.header("idempotency-key"))
        .collect();
    assert_eq!(
        keys.len(),
        calls.len(),
        "each call has an idempotency key of its own"
    );
    let by_delivery: BTreeMap<String, &weir_tests::Call> = calls
        .iter()
        .map(|call| (call.header("x-delivery").to_owned(), call))
        .collect();
    for example in &examples {
        let name = format!("{} {}", example.event, example.delivery);
        let call = by_delivery
            .get(&example.delivery)
            .unwrap_or_else(|| panic!("{name} did not arrive"));
        assert_eq!(call.method, "POST");
        assert_eq!(call.path(), format!("/hooks/{}", example.event), "{name}");
        assert_eq!(
            call.header("authorization"),
            format!("Bearer {TOKEN}"),
            "{name}"
        );
        assert_eq!(call.header("content-type"), "application/json", "{name}");
        let body = call.json();
        compare(&format!("{name} facts"), &facts(example), &body["facts"]);
        compare(&format!("{name} table"), &table(example), &body["table"]);
    }
    let runs = weir.runs("flow=github-mapped");
    assert_eq!(runs.len(), examples.len());
    for run in &runs {
        let run = weir.ended(run["id"].as_str().unwrap());
        assert_eq!(run["status"], "succeeded", "{run:#}");
    }
}

#[test]
fn what_is_not_signed_rightly_is_refused_and_leaves_nothing() {
    let partner = Partner::start();
    let weir = Weir::start();
    set_up(&weir, &partner);
    let body = json!({ "action": "opened", "sender": { "login": "ada" } })
        .to_string()
        .into_bytes();
    let good = github(SECRET, &body);
    let mut tampered = body.clone();
    tampered[2] ^= 1;
    let hook = |signature: Option<&str>, delivery: Option<&str>, body: &[u8]| {
        let mut request = Request::new("POST", "/in/main/github")
            .header("content-type", "application/json")
            .header("x-github-event", "issues");
        if let Some(signature) = signature {
            request = request.header("x-hub-signature-256", signature);
        }
        if let Some(delivery) = delivery {
            request = request.header("x-github-delivery", delivery);
        }
        weir.send(&request.body(body))
    };
    let wrong_key = github("another secret", &body);
    let no_prefix = good.trim_start_matches("sha256=");
    let upper = format!("sha256={}", "0".repeat(64));
    let cases: [(&str, Reply, &str); 9] = [
        (
            "another secret",
            hook(Some(&wrong_key), Some("d1"), &body),
            "wrong_signature",
        ),
        (
            "another body",
            hook(Some(&good), Some("d2"), &tampered),
            "wrong_signature",
        ),
        (
            "a body with one byte more",
            hook(
                Some(&good),
                Some("d3"),
                &[body.clone(), b" ".to_vec()].concat(),
            ),
            "wrong_signature",
        ),
        (
            "no body",
            hook(Some(&good), Some("d4"), b""),
            "wrong_signature",
        ),
        (
            "zeros",
            hook(Some(&upper), Some("d5"), &body),
            "wrong_signature",
        ),
        (
            "no signature",
            hook(None, Some("d6"), &body),
            "missing_header",
        ),
        (
            "no scheme in the signature",
            hook(Some(no_prefix), Some("d7"), &body),
            "malformed_header",
        ),
        (
            "half a signature",
            hook(Some(&good[..30]), Some("d8"), &body),
            "malformed_header or wrong_signature",
        ),
        (
            "no delivery",
            hook(Some(&good), None, &body),
            "missing_header",
        ),
    ];
    for (name, reply, code) in cases {
        let problem = reply.problem(401, "signature_refused");
        let found = problem["errors"][0]["code"].as_str().unwrap_or_default();
        assert!(
            !found.is_empty() && code.contains(found),
            "{name}: {problem:#}"
        );
    }
    // A sender who signs rightly but writes no JSON is told so, and nothing is stored either.
    hook(Some(&github(SECRET, b"{oops")), Some("d9"), b"{oops").problem(400, "not_json");
    weir.send(&Request::new("GET", "/in/main/github"))
        .problem(405, "method_not_allowed");

    // Afterwards the signed message is taken, also under a delivery id that was refused before.
    hook(Some(&good), Some("d1"), &body).expect(202);
    let calls = partner.wait_for(1);
    assert_eq!(calls[0].header("x-delivery"), "d1");
    assert_eq!(weir.runs("").len(), 1, "only the signed message has a run");
    assert_eq!(partner.calls().len(), 1);
}

#[test]
fn a_delivery_that_comes_twice_is_one_run() {
    let partner = Partner::start();
    let weir = Weir::start();
    set_up(&weir, &partner);
    let body = json!({ "action": "created" }).to_string();
    let first = deliver(&weir, "star", "same-id", body.as_bytes()).expect(202);
    let run = first.header("weir-run").unwrap().to_owned();
    assert_eq!(first.header("weir-duplicate"), None);
    let again = deliver(&weir, "star", "same-id", body.as_bytes()).expect(202);
    assert_eq!(again.header("weir-run"), Some(run.as_str()));
    assert_eq!(again.header("weir-duplicate"), Some("true"));

    // All at once, a sender with a short patience: one run each.
    let ids: BTreeSet<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    (0..5)
                        .map(|i| {
                            deliver(&weir, "star", &format!("race-{i}"), body.as_bytes())
                                .expect(202)
                                .header("weir-run")
                                .unwrap()
                                .to_owned()
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(ids.len(), 5, "{ids:?}");
    for id in ids.iter().chain([&run]) {
        assert_eq!(weir.ended(id)["status"], "succeeded");
    }
    assert_eq!(weir.runs("").len(), 6);
    assert_eq!(partner.calls().len(), 6);
}

#[test]
fn standard_webhooks_are_taken_while_they_are_fresh() {
    let weir = Weir::start();
    // The key is what stands behind `whsec_`, decoded.
    weir.secret("partner-key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let key: Vec<u8> = [
        49, 242, 144, 246, 191, 6, 41, 138, 171, 79, 8, 212, 60, 63, 8, 44, 246, 72, 163, 98, 218,
        45, 164, 176,
    ]
    .to_vec();
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "standard", "title": "Standard",
        "triggers": { "hook": { "kind": "webhook", "config": { "path": "/standard", "verify": { "scheme": "standard-webhooks", "secret": { "$secret": "partner-key" }, "tolerance": "5m" } } } },
        "steps": { "note": { "kind": "map", "config": { "script": "input.body.type" } } },
        "links": [ { "from": "hook", "to": "note" } ]
    }));
    let now = now_seconds();
    let body = br#"{"type":"invoice.paid"}"#;
    let post = |id: &str, time: i64, signed: &[u8], signed_at: i64| {
        let request = Request::new("POST", "/in/main/standard")
            .header("content-type", "application/json")
            .header("webhook-id", id);
        let signature = format!(
            "v1,bm90IHRoaXMgb25l {}",
            standard_webhooks(&key, id, signed_at, signed)
        );
        weir.send(
            &request
                .header("webhook-timestamp", time)
                .header("webhook-signature", signature)
                .body(&body[..]),
        )
    };
    let code = |reply: Reply| {
        reply.problem(401, "signature_refused")["errors"][0]["code"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        code(post("old", now - 301 - 5, body, now - 301 - 5)),
        "too_old"
    );
    assert_eq!(
        code(post("new", now + 301 + 30, body, now + 301 + 30)),
        "too_new"
    );
    assert_eq!(code(post("moved", now, body, now - 60)), "wrong_signature");
    assert_eq!(
        code(post("other", now, br#"{"type":"invoice.void"}"#, now)),
        "wrong_signature"
    );
    assert!(weir.runs("").is_empty());
    let run = post("msg_1", now, body, now)
        .expect(202)
        .header("weir-run")
        .unwrap()
        .to_owned();
    assert_eq!(weir.ended(&run)["steps"]["note"]["output"], "invoice.paid");
    let again = post("msg_1", now, body, now).expect(202);
    assert_eq!(
        (again.header("weir-duplicate"), weir.runs("").len()),
        (Some("true"), 1)
    );
}

/// The secrets, the connection and the flow of these tests.
fn set_up(weir: &Weir, partner: &Partner) {
    weir.secret("github", SECRET);
    weir.secret("chat-token", TOKEN);
    weir.connect("chat", &json!({ "base_url": format!("{}/hooks", partner.url()), "auth": { "kind": "bearer", "token": { "$secret": "chat-token" } } }));
    weir.publish(&flow());
}

fn deliver(weir: &Weir, event: &str, delivery: &str, body: &[u8]) -> Reply {
    let request = Request::new("POST", "/in/main/github")
        .header("content-type", "application/json")
        .header("user-agent", "GitHub-Hookshot/044aadd");
    let request = request
        .header("x-github-event", event)
        .header("x-github-delivery", delivery);
    weir.send(
        &request
            .header("x-hub-signature-256", github(SECRET, body))
            .body(body),
    )
}

/// Maps a payload twice, by a script and by a table, and posts both.
fn flow() -> Value {
    let script = r#"
        let body = input.body;
        let subject = body.pull_request ?? body.issue ?? body.discussion ?? #{};
        let labels = path(body, "$['issue','pull_request'].labels[*].name");
        let authors = path(body, "$.commits[*].author.name").unique();
        #{
            event: trigger.headers["x-github-event"],
            action: get(body, "action", "none"),
            repository: get(body, "repository.full_name"),
            sender: text(get(body, "sender.login", "nobody")).to_upper(),
            sender_id: get(body, "sender.id"),
            number: subject.number,
            title: text(subject.title).left(20),
            labels: labels.sorted().join("|"),
            keys: body.keys().len(),
            authors: authors,
            by_author: path(body, "$.commits[*]").group_by("author.name").map_values(|commits| commits.len()),
            open: "state" in subject && subject.state == "open",
            fingerprint: sha256(`${trigger.headers["x-github-delivery"]}/${get(body, "sender.id", 0)}`).left(12),
        }
    "#;
    json!({
        "format": "weir/flow@1", "id": "github-mapped", "title": "GitHub, mapped",
        "triggers": { "hook": { "kind": "webhook", "config": { "path": "/github", "verify": { "scheme": "github", "secret": { "$secret": "github" } } } } },
        "steps": {
            "facts": { "kind": "map", "config": { "script": script } },
            "table": { "kind": "fields", "config": { "fields": [
                { "to": "event", "from": "$.headers['x-github-event']", "required": true },
                { "to": "repo.name", "from": "$.body.repository.name", "default": "none" },
                { "to": "repo.id", "from": "$.body.repository.id", "as": "text" },
                { "to": "repo.stars", "from": "$.body.repository.stargazers_count", "as": "integer", "default": 0 },
                { "to": "repo.description", "from": "$.body.repository.description" },
                { "to": "repo.private", "from": "$.body.repository.private", "as": "text", "default": "unknown" },
                { "to": "sender.login", "from": "$.body.sender.login" },
                { "to": "sender.admin", "from": "$.body.sender.site_admin", "default": false },
                { "to": "labels", "from": "$.body.issue.labels[*].name", "default": [] },
                { "to": "distinct", "from": "$.body.commits[?@.distinct == true].id" },
                { "to": "last_commit", "from": "$.body.commits[-1].id" },
                { "to": "source", "value": "github" },
                { "to": "size", "value": "= input.body.len()" }
            ] } },
            "post": { "kind": "http", "connection": "chat", "config": {
                "method": "POST", "path": "= `/${trigger.headers[\"x-github-event\"]}`",
                "headers": { "x-delivery": "= trigger.headers[\"x-github-delivery\"]" },
                "body": "= #{ facts: steps.facts, table: steps.table }"
            } }
        },
        "links": [ { "from": "hook", "to": "facts" }, { "from": "hook", "to": "table" }, { "from": "facts", "to": "post" }, { "from": "table", "to": "post" } ]
    })
}

/// What the script must give, computed from the payload by plain navigation.
fn facts(example: &Example) -> Value {
    let body = &example.payload;
    let subject = ["pull_request", "issue", "discussion"]
        .iter()
        .map(|key| &body[key])
        .find(|value| !value.is_null())
        .unwrap_or(&Value::Null);
    let mut labels: Vec<&str> = ["issue", "pull_request"]
        .iter()
        .flat_map(|key| names(&body[key]["labels"]))
        .collect();
    labels.sort_unstable();
    let commits = body["commits"].as_array().cloned().unwrap_or_default();
    let mut authors: Vec<&Value> = Vec::new();
    let mut by_author: BTreeMap<String, u64> = BTreeMap::new();
    // The commit of a `status` event has its name deeper, so these are the commits of a push.
    for commit in &commits {
        let Some(name) = commit.get("author").and_then(|author| author.get("name")) else {
            continue;
        };
        if !authors.contains(&name) {
            authors.push(name);
        }
        *by_author
            .entry(name.as_str().unwrap_or_default().to_owned())
            .or_default() += 1;
    }
    let sender = body["sender"]["login"]
        .as_str()
        .unwrap_or("nobody")
        .to_uppercase();
    let seen = format!(
        "{}/{}",
        example.delivery,
        body["sender"]["id"].as_i64().unwrap_or(0)
    );
    json!({
        "event": example.event,
        "action": body["action"].as_str().unwrap_or("none"),
        "repository": body["repository"]["full_name"],
        "sender": sender,
        "sender_id": body["sender"]["id"],
        "number": subject["number"],
        "title": subject["title"].as_str().unwrap_or_default().chars().take(20).collect::<String>(),
        "labels": labels.join("|"),
        "keys": body.as_object().map_or(0, Map::len),
        "authors": authors,
        "by_author": by_author,
        "open": subject["state"] == "open",
        "fingerprint": &weir_tests::sha256_hex(seen.as_bytes())[..12],
    })
}

/// What the table must give, computed from the payload by plain navigation. What is not there is absent.
fn table(example: &Example) -> Value {
    let body = &example.payload;
    let repository = &body["repository"];
    let commits = body["commits"].as_array().cloned().unwrap_or_default();
    let mut table = json!({
        "event": example.event,
        "repo": { "name": repository["name"].as_str().unwrap_or("none"), "stars": repository["stargazers_count"].as_i64().unwrap_or(0) },
        "sender": { "admin": body["sender"]["site_admin"].as_bool().unwrap_or(false) },
        "labels": names(&body["issue"]["labels"]),
        "source": "github",
        "size": body.as_object().map_or(0, Map::len),
    });
    table["repo"]["private"] = repository["private"]
        .as_bool()
        .map_or("unknown".to_owned(), |private| private.to_string())
        .into();
    if let Some(id) = repository["id"].as_i64() {
        table["repo"]["id"] = id.to_string().into();
    }
    if let Some(description) = repository["description"].as_str() {
        table["repo"]["description"] = description.into();
    }
    if let Some(login) = body["sender"]["login"].as_str() {
        table["sender"]["login"] = login.into();
    }
    let distinct: Vec<&Value> = commits
        .iter()
        .filter(|commit| commit["distinct"] == true)
        .map(|commit| &commit["id"])
        .collect();
    if !distinct.is_empty() {
        table["distinct"] = json!(distinct);
    }
    if let Some(id) = commits.last().and_then(|commit| commit["id"].as_str()) {
        table["last_commit"] = id.into();
    }
    table
}

fn names(labels: &Value) -> Vec<&str> {
    labels
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|label| label["name"].as_str())
        .collect()
}

/// Compares two values field by field, so that a failure names the field.
#[track_caller]
fn compare(at: &str, expected: &Value, found: &Value) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let keys: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
            for key in keys {
                compare(
                    &format!("{at}.{key}"),
                    expected.get(key).unwrap_or(&Value::Null),
                    found.get(key).unwrap_or(&Value::Null),
                );
            }
        }
        _ => assert_eq!(expected, found, "{at}"),
    }
}

/// All example payloads, each once, with a delivery id that the test gives.
fn examples() -> Vec<Example> {
    let file =
        root().join("tests/node_modules/@octokit/webhooks-examples/api.github.com/index.json");
    let text = fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{error} at {}: run ./setup --tests", file.display()));
    let events: Value = serde_json::from_str(&text).unwrap();
    let mut seen = BTreeSet::new();
    let mut examples = Vec::new();
    for event in events.as_array().unwrap() {
        let name = event["name"].as_str().unwrap();
        for payload in event["examples"].as_array().unwrap() {
            if seen.insert(format!("{name} {payload}")) {
                examples.push(Example {
                    event: name.to_owned(),
                    delivery: format!("72d3162e-cc78-11e3-81ab-{:012}", examples.len()),
                    payload: payload.clone(),
                });
            }
        }
    }
    assert!(
        events.as_array().unwrap().len() >= 50,
        "few kinds of events"
    );
    examples
}
