//! What an editor does between two versions: unfinished drafts, tries, and the switch, also across restarts.

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Act, Database, Partner, Request, Start, Weir, until};

use crate::http_face::echo;

/// A flow that books with a partner and answers with what came of it.
fn booking(url: &str) -> Value {
    json!({
        "format": "weir/flow@1", "id": "book", "title": "Book",
        "triggers": { "in": {
            "kind": "http", "config": { "path": "/book" }, "dedupe": "trigger.body.id", "filter": "trigger.body.id != ()"
        } },
        "steps": {
            "order": {
                "kind": "http", "config": { "method": "POST", "url": url, "body": "= input.body" },
                "retry": { "attempts": 3, "delay": "1ms" }
            },
            "end": { "kind": "respond", "config": { "body": "= steps.order.body" } }
        },
        "links": [ { "from": "in", "to": "order" }, { "from": "order", "to": "end" } ]
    })
}

#[test]
fn a_flow_is_drawn_tried_and_published() {
    // The partner is busy at first, and whoever waits is served.
    let partner = Partner::with(|call, n| match n {
        0 => Act::reply(503, json!({})),
        _ => Act::reply(200, json!({ "booked": call.json()["id"] })),
    });
    let weir = Weir::start();
    let mut half = booking(&partner.url());
    half["links"] = json!([]);
    half["steps"]["end"]["config"]["body"] = json!("= steps.");
    weir.api("POST", "/flows", &half)
        .problem(422, "invalid_document");
    let stored = weir
        .api("POST", "/flows?unfinished=true", &half)
        .expect(201);
    assert!(!stored.json()["problems"].as_array().unwrap().is_empty());
    weir.api("POST", "/flows/book/publish", &json!({}))
        .problem(422, "invalid_document");
    let message = json!({ "message": { "body": { "id": 7 } } });
    let mut real = message.clone();
    real["actions"] = json!("real");
    weir.api("POST", "/flows/book/tries", &real)
        .problem(422, "invalid_document");

    let whole = booking(&partner.url());
    let tag = weir
        .api("PUT", "/flows/book?unfinished=true", &whole)
        .expect(200)
        .header("etag")
        .unwrap()
        .to_owned();
    let attempt = |tag: &str, body: &Value| {
        let request = Request::new("POST", "/api/v1/flows/book/tries").header("if-match", tag);
        weir.send(&request.json(body))
    };
    attempt("\"1\"", &real).problem(412, "revision_changed");
    let ended = |body: &Value| {
        let reply = attempt(&tag, body).expect(202);
        let path = reply.header("location").unwrap().to_owned();
        let path = path.strip_prefix("/api/v1").unwrap().to_owned();
        let changes: Vec<Value> = weir
            .events(&format!("{path}/events"))
            .map(|event| event.data)
            .collect();
        let detail = weir.get(&path).expect(200).json();
        assert_eq!(changes.last().unwrap()["status"], detail["status"]);
        detail
    };
    let mut mocked = message.clone();
    mocked["actions"] = json!("mocked");
    mocked["mocks"] = json!({ "order": { "output": { "status": 200, "body": "mocked" } } });
    let detail = ended(&mocked);
    assert_eq!(detail["reply"]["body"], "mocked", "{detail:#}");
    assert_eq!(partner.calls().len(), 0);
    for tries in 1..=2 {
        // The second one is no duplicate of the first.
        let detail = ended(&real);
        assert_eq!(
            (&detail["status"], &detail["reply"]["body"]),
            (&json!("succeeded"), &json!({ "booked": 7 })),
            "{detail:#}"
        );
        let attempts = detail["steps"]["order"]["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), if tries == 1 { 2 } else { 1 });
        assert_eq!(attempts[0]["request"]["method"], "POST");
    }
    assert_eq!(partner.calls().len(), 3);
    assert!(
        weir.runs("").is_empty(),
        "a rehearsal is not in the history"
    );

    let publish = Request::new("POST", "/api/v1/flows/book/publish");
    weir.send(&publish.header("if-match", &tag)).expect(200);
    let reply = weir.knock("POST", "/book", &json!({ "id": 7 })).expect(200);
    assert_eq!(reply.header("weir-duplicate"), None);
    assert_eq!(reply.json(), json!({ "booked": 7 }));
}

#[test]
fn what_asks_within_a_body_is_mocked_in_a_try() {
    let weir = Weir::start();
    weir.api("POST", "/flows", &json!({
        "format": "weir/flow@1", "id": "lines",
        "triggers": { "in": { "kind": "http", "config": { "path": "/lines" } } },
        "steps": {
            "all": { "kind": "each", "config": { "items": "= trigger.body.lines", "body": {
                "steps": {
                    "book": { "kind": "http", "config": { "method": "POST", "url": "http://127.0.0.1:9/book" } },
                    "ask": { "kind": "wait", "config": { "callback": {} } },
                    "both": { "kind": "map", "config": { "script": "#{ booked: steps.book.body, told: steps.ask }" } }
                },
                "links": [ { "from": "book", "to": "ask" }, { "from": "ask", "to": "both" } ]
            } } },
            "reply": { "kind": "respond", "config": { "status": 200, "body": "= steps.all" } }
        },
        "links": [ { "from": "in", "to": "all" }, { "from": "all", "to": "reply" } ]
    })).expect(201);
    let attempt = |mocks: Value| {
        weir.api(
            "POST",
            "/flows/lines/tries",
            &json!({
                "actions": "mocked", "message": { "body": { "lines": [1, 2] } }, "mocks": mocks
            }),
        )
    };
    let answers = json!({
        "book": { "items": [{ "output": { "status": 200, "body": "first" } }, { "output": { "status": 200, "body": "second" } }] },
        "ask": { "output": { "body": "yes" } }
    });
    let begun = attempt(answers).expect(202);
    let path = begun.header("location").unwrap().to_owned();
    let path = path.strip_prefix("/api/v1").unwrap();
    let ended = until("the try to end", || {
        let detail = weir.get(path).expect(200).json();
        (detail["ended_at"] != Value::Null).then_some(detail)
    });
    let told = json!({ "body": "yes" });
    assert_eq!(
        ended["reply"]["body"],
        json!([{ "booked": "first", "told": told }, { "booked": "second", "told": told }]),
        "{ended:#}"
    );
    let refused = attempt(json!({ "both": { "output": 1 }, "nothing": { "output": 1 } }));
    let problem = refused.problem(422, "invalid_body");
    assert_eq!(problem["errors"][0]["at"], "/mocks/both", "{problem:#}");
    assert_eq!(problem["errors"][1]["at"], "/mocks/nothing", "{problem:#}");
}

#[test]
fn a_try_is_stopped_and_the_server_does_not_wait_for_tries() {
    let partner = Partner::start();
    partner.hold();
    let weir = Start::default().variable("WEIR_TRIES", "2").start();
    weir.api("POST", "/flows", &booking(&partner.url()))
        .expect(201);
    let real = json!({ "actions": "real", "message": { "body": { "id": 1 } } });
    let begin = || weir.api("POST", "/flows/book/tries", &real);
    let first = begin().expect(202).json()["id"].clone();
    begin().expect(202);
    partner.wait_open(2);
    let refused = begin();
    assert_eq!(refused.header("retry-after"), Some("5"));
    refused.problem(503, "busy");
    let path = format!("/tries/{}", first.as_str().unwrap());
    weir.send(&Request::new("DELETE", &format!("/api/v1{path}")))
        .expect(204);
    let detail = weir.get(&path).expect(200).json();
    assert_eq!(
        (&detail["status"], &detail["try"]),
        (
            &json!("cancelled"),
            &json!({ "revision": 1, "actions": "real" })
        )
    );
    until("a place for another try", || {
        Some(begin()).filter(|reply| reply.status == 202)
    });
    let (status, log) = weir.stop();
    assert!(status.success(), "{log}");
    assert!(!log.contains("did not end in time"), "{log}");
}

#[test]
fn a_flow_that_is_off_stays_off_after_a_restart_on_sqlite() {
    a_flow_that_is_off_stays_off(&Database::Sqlite);
}

#[test]
fn a_flow_that_is_off_stays_off_after_a_restart_on_postgresql() {
    a_flow_that_is_off_stays_off(&Database::postgresql("switch"));
}

fn a_flow_that_is_off_stays_off(database: &Database) {
    let data = TempDir::new().unwrap();
    let folder = data.path().join("data");
    let start = || Start::default().data(&folder).database(database).start();
    let weir = start();
    let mut flow = echo("switched");
    flow["triggers"]["in"] = json!({ "kind": "http", "config": { "path": "/switched" } });
    flow["triggers"]["clock"] = json!({ "kind": "schedule", "config": { "cron": "* * * * * *" } });
    flow["links"] = json!([{ "from": "in", "to": "echo" }, { "from": "clock", "to": "echo" }]);
    weir.publish(&flow);
    until("the schedule to fire", || {
        Some(weir.runs("trigger=clock")).filter(|runs| !runs.is_empty())
    });
    let off = weir
        .api("POST", "/flows/switched/disable", &json!({}))
        .expect(200)
        .json();
    let next = |flow: &Value| {
        let triggers = flow["triggers"].as_array().unwrap();
        let clock = triggers.iter().find(|trigger| trigger["id"] == "clock");
        clock.unwrap()["next_fire"].clone()
    };
    assert_eq!((&off["enabled"], next(&off)), (&json!(false), Value::Null));
    assert!(weir.stop().0.success());

    let weir = start();
    let reply = weir.knock("POST", "/switched", &json!({ "n": 1 }));
    assert_eq!(reply.header("retry-after"), Some("60"));
    reply.problem(503, "flow_disabled");
    weir.api("POST", "/flows/switched/runs", &json!({ "trigger": "in" }))
        .problem(409, "flow_disabled");
    let listed = weir.get("/flows").expect(200).json()["items"][0].clone();
    assert_eq!(
        (&listed["enabled"], next(&listed)),
        (&json!(false), Value::Null)
    );
    let mut news = weir.events("/events");
    let on = weir
        .api("POST", "/flows/switched/enable", &json!({}))
        .expect(200)
        .json();
    assert!(next(&on).is_string(), "{on:#}");
    let told = news.find(|event| event.name == "flow").unwrap();
    assert_eq!(
        (&told.data["flow"], &told.data["enabled"]),
        (&json!("switched"), &json!(true))
    );
    weir.knock("POST", "/switched", &json!({ "n": 1 }))
        .expect(200);
}
