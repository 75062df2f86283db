//! Where the world knocks: http triggers in both reply modes, what they refuse, what failures look like, and schedules.

use std::{io::ErrorKind, net::TcpListener, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_tests::{Act, Partner, Request, Start, Weir, until};

/// The order flow of the design, as it is written there.
const ORDER: &str = include_str!("order-intake.json");

#[test]
fn the_order_of_the_design_is_priced_and_booked() {
    let partner = Partner::with(|call, _| match call.method.as_str() {
        "POST" => Act::reply(201, json!({ "id": 7 })),
        _ => Act::reply(204, Value::Null),
    });
    let weir = Weir::start();
    let request = Request::new("POST", "/api/v1/flows").header("content-type", "application/json");
    let imported = weir.send(&request.body(ORDER)).expect(201).json();
    let missing: Vec<&str> = imported["problems"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|problem| problem["message"].as_str())
        .collect();
    assert!(
        missing.iter().any(|message| message.contains("erp")),
        "the import names the missing connection: {missing:?}"
    );
    weir.connect(
        "erp",
        &json!({ "base_url": format!("{}/erp", partner.url()) }),
    );
    weir.knock(
        "POST",
        "/orders",
        &json!({ "order_id": "early", "items": [] }),
    )
    .problem(404, "not_found");
    weir.api("POST", "/flows/order-intake/publish", &json!({}))
        .expect(200);

    let small = json!({ "order_id": "A1", "total": 20, "items": [ { "qty": 2, "price": 10 } ] });
    let reply = weir.knock("POST", "/orders", &small).expect(201);
    assert_eq!(
        reply.text(),
        r#"{"total":20.0}"#,
        "the sum is a float and stays one"
    );
    assert!(partner.calls().is_empty(), "a small order is not booked");
    let large = json!({ "order_id": "A2", "total": 1500, "items": [ { "qty": 3, "price": 500 }, { "qty": 1, "price": 0.5 } ] });
    let reply = weir.knock("POST", "/orders", &large).expect(201);
    assert_eq!(reply.json(), json!({ "total": 1500.5 }));
    let calls = partner.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(
        (calls[0].method.as_str(), calls[0].path()),
        ("POST", "/erp/bookings")
    );
    assert_eq!(calls[0].json(), json!({ "id": "A2", "total": 1500.5 }));
    let run = weir.ended(reply.header("weir-run").unwrap());
    assert_eq!(
        run["links"],
        json!(["taken", "taken", "taken", "dead", "taken"])
    );
    assert_eq!(run["steps"]["size"]["port"], "large");

    // The same order once more: the first answer, no second booking. Without a total: no run.
    let again = weir.knock("POST", "/orders", &large).expect(201);
    assert_eq!(
        (again.json(), again.header("weir-duplicate")),
        (json!({ "total": 1500.5 }), Some("true"))
    );
    let filtered = weir
        .knock(
            "POST",
            "/orders",
            &json!({ "order_id": "A3", "total": 0, "items": [] }),
        )
        .expect(202);
    assert_eq!(filtered.json(), json!({ "status": "filtered" }));
    assert_eq!((partner.calls().len(), weir.runs("").len()), (1, 2));
}

#[test]
fn a_booking_is_undone_when_the_order_fails_after_it() {
    let partner = Partner::with(|call, _| match (call.method.as_str(), call.path()) {
        ("POST", "/bookings") => Act::reply(201, json!({ "id": 7 })),
        ("DELETE", _) => Act::reply(204, Value::Null),
        _ => Act::reply(409, json!({ "reason": "no stock" })),
    });
    let weir = Weir::start();
    weir.connect("erp", &json!({ "base_url": partner.url() }));
    let mut order: Value = serde_json::from_str(ORDER).unwrap();
    order["steps"]["reserve"] = json!({ "kind": "http", "connection": "erp", "config": { "method": "POST", "path": "/reservations", "body": "= steps.price" } });
    order["links"][4]["to"] = json!("reserve");
    order["links"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "from": "reserve", "to": "thanks" }));
    weir.publish(&order);
    let reply = weir.knock(
        "POST",
        "/orders",
        &json!({ "order_id": "A2", "total": 1500, "items": [ { "qty": 3, "price": 500 } ] }),
    );
    let problem = reply.problem(502, "run_failed");
    assert_eq!(
        (&problem["run"]["step"], &problem["run"]["class"]),
        (&json!("reserve"), &json!("rejected")),
        "{problem:#}"
    );
    let calls = partner.wait_for(3);
    let made: Vec<String> = calls
        .iter()
        .map(|call| format!("{} {}", call.method, call.path()))
        .collect();
    assert_eq!(
        made,
        ["POST /bookings", "POST /reservations", "DELETE /bookings/7"]
    );
    let run = weir.ended(problem["run"]["id"].as_str().unwrap());
    assert_eq!(run["status"], "failed");
    assert_eq!(run["failure"]["step"], "reserve");
    let attempts = run["steps"]["book"]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2, "{run:#}");
    assert_eq!(
        (&attempts[0]["undo"], &attempts[1]["undo"]),
        (&Value::Null, &json!(true))
    );
    assert_eq!(
        run["steps"]["reserve"]["failure"]["body"],
        json!({ "reason": "no stock" })
    );
}

#[test]
fn a_trigger_answers_with_the_result_or_at_once() {
    let partner = Partner::start();
    let weir = Weir::start();
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "answers",
        "triggers": {
            "full": { "kind": "http", "config": { "method": "PUT", "path": "/shops/{shop}/orders/{id}" } },
            "text": { "kind": "http", "config": { "path": "/text" } },
            "last": { "kind": "http", "config": { "path": "/last" } },
            "soon": { "kind": "http", "config": { "path": "/soon", "reply": "accepted" } },
            "slow": { "kind": "http", "config": { "path": "/slow", "deadline": "200ms" } }
        },
        "steps": {
            "echo": { "kind": "respond", "config": { "status": 203, "headers": { "x-shop": "= trigger.params.shop" },
                "body": "= #{ params: trigger.params, query: trigger.query, who: trigger.headers[\"x-who\"], method: trigger.method, body: trigger.body }" } },
            "words": { "kind": "respond", "config": { "status": 200, "headers": { "content-type": "text/csv" }, "body": "a;b\n1;2\n" } },
            "value": { "kind": "map", "config": { "script": "#{ n: trigger.body.n + 1, big: 9007199254740993, float: 1.0 }" } },
            "call": { "kind": "http", "config": { "method": "GET", "url": partner.url() } }
        },
        "links": [ { "from": "full", "to": "echo" }, { "from": "text", "to": "words" }, { "from": "last", "to": "value" }, { "from": "soon", "to": "value" }, { "from": "slow", "to": "call" } ]
    }));
    let request = Request::new(
        "PUT",
        "/in/main/shops/%C3%84%2F1/orders/42?page=2&tag=a&tag=b",
    )
    .header("x-who", "Ada")
    .json(&json!({ "n": 1 }));
    let reply = weir.send(&request).expect(203);
    assert_eq!(
        reply.json(),
        json!({
            "params": { "shop": "Ä/1", "id": "42" }, "query": { "page": "2", "tag": ["a", "b"] }, "who": "Ada", "method": "PUT", "body": { "n": 1 }
        })
    );
    let reply = weir.knock("POST", "/text", &json!(null)).expect(200);
    assert_eq!(
        (reply.header("content-type"), reply.text().as_str()),
        (Some("text/csv"), "a;b\n1;2\n")
    );
    let reply = weir.knock("POST", "/last", &json!({ "n": 1 })).expect(200);
    assert_eq!(
        reply.text(),
        r#"{"big":9007199254740993,"float":1.0,"n":2}"#,
        "without a respond step the last output is the answer"
    );

    let reply = weir.knock("POST", "/soon", &json!({ "n": 1 })).expect(202);
    let run = reply.json()["run"].as_str().unwrap().to_owned();
    assert_eq!(reply.header("weir-run"), Some(run.as_str()));
    assert_eq!(
        reply.header("location"),
        Some(format!("/api/v1/runs/{run}").as_str())
    );
    assert_eq!(reply.json()["status_url"], format!("/api/v1/runs/{run}"));
    assert_eq!(weir.ended(&run)["status"], "succeeded");

    partner.hold();
    let reply = weir.knock("POST", "/slow", &json!({})).expect(202);
    let run = weir.run(reply.json()["run"].as_str().unwrap());
    assert_eq!(
        run["status"], "running",
        "the run goes on after the deadline of its caller"
    );
    partner.release();
    assert_eq!(
        weir.ended(run["id"].as_str().unwrap())["status"],
        "succeeded"
    );
}

#[test]
fn what_cannot_be_taken_is_refused_with_its_reason_and_leaves_nothing() {
    let weir = Start::default()
        .variable("WEIR_MAX_MESSAGE", "2000")
        .start();
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "strict",
        "triggers": { "in": { "kind": "http", "config": { "method": "POST", "path": "/strict" }, "dedupe": "trigger.body.id",
            "schema": { "type": "object", "required": ["id", "lines"], "properties": {
                "id": { "type": "string" }, "lines": { "type": "array", "items": { "type": "object", "properties": { "qty": { "type": "integer", "minimum": 1 } } } } } } } },
        "steps": { "end": { "kind": "respond" } },
        "links": [ { "from": "in", "to": "end" } ]
    }));
    let problem = weir
        .knock(
            "POST",
            "/strict",
            &json!({ "id": 5, "lines": [ { "qty": 1 }, { "qty": 0 } ] }),
        )
        .problem(422, "message_refused");
    let places: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["at"].as_str().unwrap())
        .collect();
    assert_eq!(places, ["/id", "/lines/1/qty"], "{problem:#}");
    let problem = weir
        .knock("POST", "/strict", &json!({ "id": "a" }))
        .problem(422, "message_refused");
    assert!(
        problem["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("lines"),
        "{problem:#}"
    );

    weir.knock(
        "POST",
        "/strict",
        &json!({ "id": "x".repeat(2000), "lines": [] }),
    )
    .problem(413, "too_large");
    weir.knock("POST", "/strcit", &json!({}))
        .problem(404, "not_found");
    weir.knock("POST", "/strict/more", &json!({}))
        .problem(404, "not_found");
    weir.send(&Request::new("POST", "/in/other/strict"))
        .problem(404, "not_found");
    let reply = weir.send(&Request::new("GET", "/in/main/strict"));
    assert_eq!(reply.header("allow"), Some("POST"));
    reply.problem(405, "method_not_allowed");
    weir.send(&Request::new("OPTIONS", "/in/main/strict"))
        .expect(204);
    let post = |kind: &str, body: &str| {
        weir.send(
            &Request::new("POST", "/in/main/strict")
                .header("content-type", kind)
                .body(body),
        )
    };
    let problem = post("application/json", "{\n\"id\": }").problem(400, "not_json");
    assert!(
        problem["detail"].as_str().unwrap().contains("line 2"),
        "{problem:#}"
    );
    post("multipart/form-data; boundary=x", "--x--").problem(415, "media_type");
    post("text/plain", "hello").problem(422, "message_refused");
    assert!(
        weir.runs("").is_empty(),
        "nothing that was refused has a run"
    );

    // What is refused uses up no dedupe key, and a form with JSON in it is what `curl -d` sends.
    post(
        "application/x-www-form-urlencoded",
        r#"{"id":"a","lines":[]}"#,
    )
    .expect(200);
    assert_eq!(
        weir.knock("POST", "/strict", &json!({ "id": "a", "lines": [] }))
            .expect(200)
            .header("weir-duplicate"),
        Some("true")
    );
    assert_eq!(weir.runs("").len(), 1);
}

#[test]
fn a_failed_run_tells_its_caller_why_by_its_status() {
    let partner = Partner::with(|call, _| match call.path() {
        "/transient" => Act::reply(503, json!({ "busy": true })),
        "/rate_limited" => Act::reply(429, json!({})),
        "/rejected" => Act::reply(400, json!({ "field": "qty" })),
        "/denied" => Act::reply(403, json!({})),
        _ => Act::ok().after(Duration::from_secs(20)),
    });
    let weir = Weir::start();
    weir.connect("partner", &json!({ "base_url": partner.url() }));
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "fails",
        "triggers": { "in": { "kind": "http", "config": { "path": "/fails/{class}" } }, "script": { "kind": "http", "config": { "path": "/script" } }, "own": { "kind": "http", "config": { "path": "/own" } } },
        "steps": {
            "call": { "kind": "http", "connection": "partner", "config": { "method": "POST", "path": "= `/${trigger.params.class}`" }, "timeout": "1s", "retry": { "attempts": 1 } },
            "map": { "kind": "map", "config": { "script": "let a = 1;\nparse_json(\"{\")" } },
            "refuse": { "kind": "fail", "config": { "message": "= `no ${trigger.body.what}`", "class": "rejected" } }
        },
        "links": [ { "from": "in", "to": "call" }, { "from": "script", "to": "map" }, { "from": "own", "to": "refuse" } ]
    }));
    for (class, status) in [
        ("transient", 502),
        ("rate_limited", 502),
        ("rejected", 502),
        ("denied", 502),
        ("timed_out", 504),
    ] {
        let reply = weir.knock("POST", &format!("/fails/{class}"), &json!({}));
        let run = reply.header("weir-run").unwrap_or_default().to_owned();
        let problem = reply.problem(status, "run_failed");
        assert_eq!(problem["run"]["class"], class, "{problem:#}");
        assert_eq!(
            (&problem["run"]["step"], &problem["run"]["id"]),
            (&json!("call"), &json!(run))
        );
        let port = partner.address.port().to_string();
        assert!(
            !problem.to_string().contains(&port),
            "a caller is not told who is called: {problem:#}"
        );
        let recorded = weir.ended(&run);
        assert_eq!(recorded["failure"]["class"], class);
        assert!(
            recorded["failure"]["message"]
                .as_str()
                .unwrap()
                .contains(&port),
            "the run tells it: {recorded:#}"
        );
        assert_eq!(
            recorded["steps"]["call"]["attempts"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    }
    let problem = weir
        .knock("POST", "/script", &json!({}))
        .problem(500, "run_failed");
    assert_eq!(problem["run"]["class"], "broken");
    assert!(
        problem["run"]["message"]
            .as_str()
            .unwrap()
            .contains("line 2"),
        "{problem:#}"
    );
    // What the flow itself says is for the caller.
    let problem = weir
        .knock("POST", "/own", &json!({ "what": "bread" }))
        .problem(422, "run_failed");
    assert_eq!(problem["run"]["message"], "no bread", "{problem:#}");
}

#[test]
fn what_an_action_met_is_recorded_attempt_by_attempt() {
    let partner = Partner::with(|call, index| match index {
        0 => Act::reply(503, json!({ "busy": true })).header("retry-after", "1"),
        1 => Act::hang_up(),
        _ => Act::reply(200, json!({ "path": call.target })).header("x-served-by", "erp-2"),
    });
    let weir = Weir::start();
    weir.connect("partner", &json!({ "base_url": format!("{}/v1?tenant=7", partner.url()), "headers": { "x-app": "weir" } }));
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "tries",
        "triggers": { "in": { "kind": "http", "config": { "path": "/tries" } } },
        "steps": { "call": { "kind": "http", "connection": "partner", "config": { "method": "PUT", "path": "/stock", "query": { "sku": "= trigger.body.sku", "none": "= ()" }, "body": "= trigger.body" },
                             "retry": { "attempts": 3, "delay": "10ms", "backoff": "constant", "jitter": 0 } } },
        "links": [ { "from": "in", "to": "call" } ]
    }));
    let reply = weir
        .knock("POST", "/tries", &json!({ "sku": "a&b", "qty": 3 }))
        .expect(200);
    assert_eq!(reply.json()["body"]["path"], "/v1/stock?tenant=7&sku=a%26b");
    let calls = partner.calls();
    assert_eq!(calls.len(), 3);
    assert!(
        calls[1].at - calls[0].at >= Duration::from_millis(990),
        "Retry-After is kept to"
    );
    assert!(
        calls
            .iter()
            .all(|call| call.header("x-app") == "weir" && call.json()["qty"] == 3)
    );
    let run = weir.ended(reply.header("weir-run").unwrap());
    let attempts = run["steps"]["call"]["attempts"].as_array().unwrap();
    let classes: Vec<&Value> = attempts
        .iter()
        .map(|attempt| &attempt["failure"]["class"])
        .collect();
    assert_eq!(
        classes,
        [&json!("transient"), &json!("transient"), &Value::Null]
    );
    assert_eq!(attempts[0]["response"]["status"], 503, "{run:#}");
    assert_eq!(attempts[0]["failure"]["body"], json!({ "busy": true }));
    assert_eq!(attempts[2]["request"]["method"], "PUT");
    assert_eq!(
        attempts[2]["response"]["headers"]["x-served-by"], "erp-2",
        "{run:#}"
    );
    assert_eq!(
        run["steps"]["call"]["output"]["headers"]["x-served-by"],
        "erp-2"
    );
}

#[test]
fn the_guard_refuses_inner_addresses_in_every_form_and_by_redirect() {
    // Listens where nothing may call, so that a connection would be noticed.
    let inner = TcpListener::bind("127.0.0.2:0").unwrap();
    inner.set_nonblocking(true).unwrap();
    let port = inner.local_addr().unwrap().port();
    let outer = Partner::with(move |_, _| {
        Act::reply(302, json!({})).header("location", &format!("http://127.0.0.2:{port}/"))
    });
    // Only the address of the partner is allowed, not the whole loopback network.
    let weir = Weir::start();
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "guard",
        "triggers": { "in": { "kind": "http", "config": { "path": "/guard" } } },
        "steps": { "call": { "kind": "http", "config": { "method": "GET", "url": "= trigger.body.url" }, "retry": { "attempts": 1 } } },
        "links": [ { "from": "in", "to": "call" } ]
    }));
    let forms = [
        "http://127.0.0.2:{}/",
        "http://[::1]:{}/",
        "http://[::ffff:127.0.0.3]:{}/",
        "http://0.0.0.0:{}/",
        "http://10.0.0.1:{}/",
        "http://192.168.1.1:{}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00::1]:{}/",
        "http://2130706434:{}/",
        "http://0x7f.2:{}/",
    ];
    let urls = forms
        .iter()
        .map(|form| form.replace("{}", &port.to_string()))
        .chain([outer.url()]);
    for url in urls {
        let problem = weir
            .knock("POST", "/guard", &json!({ "url": url }))
            .problem(502, "run_failed");
        assert_eq!(problem["run"]["class"], "denied", "{url}: {problem:#}");
        let run = weir.ended(problem["run"]["id"].as_str().unwrap());
        let message = run["failure"]["message"].as_str().unwrap();
        assert!(message.contains("WEIR_OUTBOUND_ALLOW"), "{url}: {run:#}");
    }
    let file = weir.knock("POST", "/guard", &json!({ "url": "file:///etc/passwd" }));
    assert!(
        matches!(file.status, 500 | 502) && !file.text().contains("root:"),
        "{file}"
    );
    let nobody = inner.accept().unwrap_err();
    assert_eq!(
        nobody.kind(),
        ErrorKind::WouldBlock,
        "not even a connection was made"
    );
    assert_eq!(outer.calls().len(), 1, "the redirect itself was read");
    let partner = Partner::start();
    weir.knock("POST", "/guard", &json!({ "url": partner.url() }))
        .expect(200);
}

#[test]
fn a_schedule_fires_once_for_each_instant() {
    let weir = Weir::start();
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "clock",
        "triggers": { "tick": { "kind": "schedule", "config": { "every": "1s" } }, "cron": { "kind": "schedule", "config": { "cron": "0 3 * * *", "timezone": "Europe/Berlin" } } },
        "steps": { "at": { "kind": "map", "config": { "script": "trigger.body.scheduled_at" } } },
        "links": [ { "from": "tick", "to": "at" }, { "from": "cron", "to": "at" } ]
    }));
    let runs = until("three fires", || {
        Some(weir.runs("flow=clock&status=succeeded")).filter(|runs| runs.len() >= 3)
    });
    let mut instants: Vec<String> = runs
        .iter()
        .map(|run| {
            weir.run(run["id"].as_str().unwrap())["steps"]["at"]["output"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(
        instants
            .iter()
            .all(|at| at.ends_with(".000Z") || at.len() == 20),
        "{instants:?}"
    );
    let all = instants.len();
    instants.sort();
    instants.dedup();
    assert_eq!(instants.len(), all, "an instant was fired twice");
    let summary = weir.get("/flows/clock/summary").expect(200).json();
    let next = summary["triggers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|trigger| trigger["id"] == "cron")
        .unwrap()["next_fire"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        next.contains("T02:00:00") || next.contains("T01:00:00"),
        "3 o'clock in Berlin is 1 or 2 in UTC: {next}"
    );
}

/// Killed and started again around instants, with no regard for what is underway.
#[test]
fn a_killed_server_fires_each_instant_once() {
    let data = TempDir::new().unwrap();
    let start = || Start::default().data(data.path()).start();
    let weir = start();
    weir.publish(&json!({
        "format": "weir/flow@1", "id": "clock",
        "triggers": { "tick": { "kind": "schedule", "config": { "every": "1s", "missed": "all" } } },
        "steps": { "at": { "kind": "map", "config": { "script": "trigger.body.scheduled_at" } } },
        "links": [ { "from": "tick", "to": "at" } ]
    }));
    let mut weir = weir;
    let mut seen = 0;
    for _ in 0..5 {
        until("another fire", || {
            Some(weir.runs("flow=clock")).filter(|runs| runs.len() > seen)
        });
        weir.kill();
        weir = start();
        seen = weir.runs("flow=clock").len();
    }
    // Off, so that nothing fires while the runs are read.
    weir.api("POST", "/flows/clock/disable", &json!({}))
        .expect(200);
    let instants: Vec<i64> = weir
        .runs("flow=clock")
        .iter()
        .map(|run| {
            let run = weir.ended(run["id"].as_str().unwrap());
            let at = run["steps"]["at"]["output"].as_str().unwrap().to_owned();
            // Seconds since midnight.
            let field = |range: std::ops::Range<usize>| at[range].parse::<i64>().unwrap();
            field(11..13) * 3600 + field(14..16) * 60 + field(17..19)
        })
        .collect();
    // Newest first, so that midnight in between does not matter.
    assert!(instants.len() >= 5, "{instants:?}");
    assert!(
        instants
            .windows(2)
            .all(|pair| (pair[0] - pair[1]).rem_euclid(86_400) == 1),
        "one run for each second: {instants:?}"
    );
}
