//! The API as the page and the command line use it: drafts, versions, runs by hand, lists and live events.

use serde_json::{Value, json};
use weir_tests::{Database, Partner, Request, Start, Weir};

/// A flow with a manual trigger whose one step gives the body back.
pub(crate) fn echo(id: &str) -> Value {
    json!({
        "format": "weir/flow@1", "id": id, "title": format!("The flow {id}"),
        "triggers": { "in": { "kind": "manual" } },
        "steps": { "echo": { "kind": "map", "config": { "script": "trigger.body" } } },
        "links": [ { "from": "in", "to": "echo" } ]
    })
}

#[test]
fn a_draft_becomes_a_version_and_only_versions_run() {
    let weir = Weir::start();
    assert_eq!(
        weir.get("/flows").expect(200).json(),
        json!({ "items": [], "next": null })
    );
    let mut flow = json!({
        "format": "weir/flow@1", "id": "greet", "title": "Greet",
        "triggers": { "in": { "kind": "http", "config": { "method": "GET", "path": "/greet" } } },
        "steps": { "end": { "kind": "respond", "config": { "body": "first" } } },
        "links": [ { "from": "in", "to": "end" } ]
    });
    let created = weir.api("POST", "/flows", &flow).expect(201);
    assert_eq!(created.header("location"), Some("/api/v1/flows/greet"));
    let summary = created.json()["flow"].clone();
    assert_eq!(
        (&summary["published"], &summary["revision"]),
        (&Value::Null, &json!(1))
    );
    weir.api("POST", "/flows", &flow).problem(409, "exists");
    weir.api("POST", "/flows/greet/runs", &json!({}))
        .problem(409, "not_published");
    weir.send(&Request::new("GET", "/in/main/greet"))
        .problem(404, "not_found");

    weir.api(
        "POST",
        "/flows/greet/publish",
        &json!({ "note": "the first" }),
    )
    .expect(200);
    let say = || {
        weir.send(&Request::new("GET", "/in/main/greet"))
            .expect(200)
            .text()
    };
    assert_eq!(say(), "first");
    let read = weir.get("/flows/greet").expect(200);
    let tag = read.header("etag").unwrap().to_owned();
    assert!(
        read.text()
            .starts_with("{\n  \"format\": \"weir/flow@1\",\n")
            && read.text().ends_with("}\n"),
        "{read}"
    );

    // An edit is a draft until it is published, and who did not see the last one may not overwrite it.
    flow["steps"]["end"]["config"]["body"] = json!("second");
    let put = |flow: &Value, tag: &str| {
        weir.send(
            &Request::new("PUT", "/api/v1/flows/greet")
                .header("if-match", tag)
                .json(flow),
        )
    };
    let next = put(&flow, &tag)
        .expect(200)
        .header("etag")
        .unwrap()
        .to_owned();
    assert_ne!(next, tag);
    let refused = put(&flow, &tag);
    assert_eq!(refused.header("etag"), Some(next.as_str()));
    refused.problem(412, "revision_changed");
    assert_eq!(say(), "first");
    assert_eq!(
        weir.get("/flows/greet/summary").expect(200).json()["changed"],
        true
    );
    let mut broken = flow.clone();
    broken["links"][0]["to"] = json!("ende");
    let problem = put(&broken, &next).problem(422, "invalid_document");
    assert_eq!(
        (&problem["errors"][0]["at"], &problem["errors"][0]["code"]),
        (&json!("/links/0/to"), &json!("dangling_link"))
    );
    let mut other = flow.clone();
    other["id"] = json!("other");
    put(&other, &next).problem(422, "invalid_document");
    weir.api("POST", "/flows/greet/publish", &json!({}))
        .expect(200);
    assert_eq!(say(), "second");

    let versions = weir.get("/flows/greet/versions").expect(200).json();
    let numbers: Vec<&Value> = versions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| &version["version"])
        .collect();
    assert_eq!(numbers, [&json!(2), &json!(1)], "{versions:#}");
    assert_eq!(versions["items"][1]["note"], "the first");
    assert_eq!(
        weir.get("/flows/greet/versions/1").expect(200).text(),
        read.text()
    );
    weir.get("/flows/greet/versions/3")
        .problem(404, "not_found");

    // Another flow may not take its path.
    other["triggers"]["in"]["config"]["path"] = json!("/greet");
    weir.api("POST", "/flows", &other).expect(201);
    let problem = weir
        .api("POST", "/flows/other/publish", &json!({}))
        .problem(422, "invalid_document");
    assert_eq!(problem["errors"][0]["code"], "path_taken");

    let runs = weir.runs("").len();
    weir.send(&Request::new("DELETE", "/api/v1/flows/greet"))
        .expect(204);
    weir.get("/flows/greet").problem(404, "not_found");
    weir.send(&Request::new("GET", "/in/main/greet"))
        .problem(404, "not_found");
    assert_eq!(weir.runs("").len(), runs, "the runs stay");
}

#[test]
fn a_run_by_hand_is_accepted_and_found_again() {
    let weir = Weir::start();
    let mut flow = echo("by-hand");
    flow["triggers"]["in"]["schema"] = json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } });
    flow["triggers"]["in"]["filter"] = json!("trigger.body.n >= 0");
    weir.publish(&flow);
    let start = |body: &Value| weir.api("POST", "/flows/by-hand/runs", body);
    let reply = start(&json!({ "trigger": "in", "message": { "body": { "n": 1 }, "headers": { "X-Who": "Ada" }, "query": { "a": "b" } } })).expect(202);
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        reply.header("location"),
        Some(format!("/api/v1/runs/{id}").as_str())
    );
    let run = weir.ended(&id);
    assert_eq!(
        (
            &run["flow"],
            &run["version"],
            &run["trigger"],
            &run["status"]
        ),
        (
            &json!("by-hand"),
            &json!(1),
            &json!("in"),
            &json!("succeeded")
        )
    );
    assert_eq!(run["message"]["headers"], json!({ "x-who": "Ada" }));
    assert_eq!(run["steps"]["echo"]["output"], json!({ "n": 1 }));
    assert_eq!(run["steps"]["echo"]["status"], "succeeded");
    assert_eq!(
        weir.get(&format!("/runs/{id}/steps/echo/output"))
            .expect(200)
            .json(),
        json!({ "n": 1 })
    );
    assert_eq!(
        weir.get(&format!("/runs/{id}/message")).expect(200).json()["query"],
        json!({ "a": "b" })
    );
    for time in ["started_at", "ended_at"] {
        let text = run[time].as_str().unwrap();
        assert!(
            text.len() == 24 && text.ends_with('Z') && text.as_bytes()[10] == b'T',
            "{time} is {text}"
        );
    }

    let problem =
        start(&json!({ "message": { "body": { "n": "one" } } })).problem(422, "message_refused");
    assert_eq!(problem["errors"][0]["at"], "/message/body/n");
    start(&json!({ "message": { "body": { "n": -1 } } })).problem(409, "filtered");
    start(&json!({ "trigger": "out" })).problem(404, "not_found");
    start(&json!({ "mesage": {} })).problem(422, "invalid_body");
    weir.api("POST", "/flows/nobody/runs", &json!({}))
        .problem(404, "not_found");
    let keyed = |n: i64| {
        let request =
            Request::new("POST", "/api/v1/flows/by-hand/runs").header("idempotency-key", "k-1");
        weir.send(&request.json(&json!({ "message": { "body": { "n": n } } })))
            .expect(202)
    };
    let (first, second) = (keyed(2), keyed(2));
    assert_eq!(first.json()["id"], second.json()["id"]);
    assert_eq!(second.header("weir-duplicate"), Some("true"));
    assert_eq!(weir.runs("flow=by-hand").len(), 2);
}

#[test]
fn lists_come_in_pages_and_searches_find_on_sqlite() {
    lists_come_in_pages(&Database::Sqlite);
}

#[test]
fn lists_come_in_pages_and_searches_find_on_postgresql() {
    lists_come_in_pages(&Database::postgresql("lists"));
}

fn lists_come_in_pages(database: &Database) {
    let weir = Start::default().database(database).start();
    let mut failing = echo("fails");
    failing["steps"]["echo"] = json!({ "kind": "fail", "config": { "message": "= `no ${trigger.body}`", "class": "rejected" } });
    weir.publish(&echo("works"));
    weir.publish(&failing);
    let mut started = Vec::new();
    for number in 0..12 {
        let flow = if number % 3 == 0 { "fails" } else { "works" };
        let run = weir
            .api(
                "POST",
                &format!("/flows/{flow}/runs"),
                &json!({ "message": { "body": number } }),
            )
            .expect(202)
            .json();
        started.push(run["id"].as_str().unwrap().to_owned());
    }
    let page = |query: &str| weir.get(&format!("/runs?{query}")).expect(200);
    let ids = |page: &Value| {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|run| run["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    let mut query = "limit=5".to_owned();
    let mut sizes = Vec::new();
    loop {
        let reply = page(&query);
        let list = reply.json();
        found.extend(ids(&list));
        sizes.push(list["items"].as_array().unwrap().len());
        let Some(next) = list["next"].as_str() else {
            assert_eq!(reply.header("link"), None);
            break;
        };
        let link = reply.header("link").unwrap();
        assert!(
            link.contains(next) && link.contains("rel=\"next\"") && link.contains("limit=5"),
            "{link}"
        );
        query = format!("limit=5&cursor={next}");
    }
    assert_eq!(sizes, [5, 5, 2]);
    started.reverse();
    assert_eq!(found, started, "the newest first, each once");

    assert_eq!(weir.runs("status=failed").len(), 4);
    assert_eq!(weir.runs("flow=works").len(), 8);
    assert_eq!(weir.runs("flow=works&status=failed").len(), 0);
    assert_eq!(weir.runs("trigger=in").len(), 12);
    assert_eq!(weir.runs("trigger=other").len(), 0);
    assert_eq!(
        weir.runs("from=2000-01-01T00:00:00Z&to=2001-01-01T00:00:00Z")
            .len(),
        0
    );
    assert_eq!(weir.runs("from=2000-01-01T00:00:00%2B01:00").len(), 12);
    let failed = &weir.runs("status=failed")[0];
    assert_eq!(
        failed["failure"],
        json!({ "step": "echo", "class": "rejected", "message": "no 9" })
    );
    for query in [
        "limit=0",
        "limit=201",
        "status=broken",
        "from=yesterday",
        "cursor=here",
        "limit=many",
    ] {
        weir.get(&format!("/runs?{query}"))
            .problem(400, "bad_request");
    }
    let flows = weir.get("/flows?limit=1").expect(200).json();
    assert_eq!(
        (&flows["items"][0]["id"], &flows["next"]),
        (&json!("fails"), &json!("fails"))
    );
    assert_eq!(
        flows["items"][0]["last_24h"],
        json!({ "succeeded": 0, "failed": 4, "active": 0 })
    );
    assert_eq!(
        weir.get("/flows?limit=1&cursor=fails").expect(200).json()["items"][0]["id"],
        "works"
    );
    weir.get("/runs/00000000-0000-7000-8000-000000000000")
        .problem(404, "not_found");
    weir.get("/runs/17").problem(404, "not_found");
}

#[test]
fn a_run_is_followed_live_until_it_ends() {
    let partner = Partner::start();
    partner.hold();
    let weir = Weir::start();
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "live",
        "triggers": { "in": { "kind": "http", "config": { "path": "/live", "reply": "accepted" } } },
        "steps": { "call": { "kind": "http", "config": { "method": "GET", "url": partner.url() } }, "after": { "kind": "map", "config": { "script": "1" } } },
        "links": [ { "from": "in", "to": "call" }, { "from": "call", "to": "after" } ]
    }));
    let mut all = weir.events("/events");
    let run = weir
        .knock("POST", "/live", &json!({}))
        .expect(202)
        .header("weir-run")
        .unwrap()
        .to_owned();
    let mut events = weir.events(&format!("/runs/{run}/events"));
    let first = events.next().unwrap();
    assert_eq!(
        (first.name.as_str(), &first.data),
        (
            "change",
            &json!({ "run": run, "status": "running", "steps": { "call": "running", "after": "pending" } })
        )
    );
    partner.release();
    let rest: Vec<Value> = events.map(|event| event.data).collect();
    let last = rest.last().expect("a change before the end");
    assert_eq!(
        last,
        &json!({ "run": run, "status": "succeeded", "steps": { "call": "succeeded", "after": "succeeded" } })
    );
    // Whoever comes later gets how it stands, and the end.
    let late: Vec<Value> = weir
        .events(&format!("/runs/{run}/events"))
        .map(|event| event.data)
        .collect();
    assert_eq!(late, std::slice::from_ref(last));
    let seen: Vec<Value> = std::iter::from_fn(|| all.next())
        .map(|event| event.data)
        .take(2)
        .collect();
    assert!(
        seen.iter().all(|change| change["run"] == *run
            && change["flow"] == "live"
            && change["version"] == 1),
        "{seen:?}"
    );
    assert_eq!(
        (&seen[0]["status"], &seen[1]["status"]),
        (&json!("running"), &json!("succeeded"))
    );
    weir.get("/runs/00000000-0000-7000-8000-000000000000/events")
        .problem(404, "not_found");
}
