//! Dead letters and their replays over the HTTP face.

use axum::body::Body;
use serde_json::{Value, json};

use super::{Reply, Server, caller, orders, request};

/// Fails unless the message says it is good, and computes something before that.
fn picky() -> Value {
    json!({
        "format": "weir/flow@1", "id": "picky",
        "triggers": { "go": { "kind": "http", "config": { "path": "/picky" } } },
        "steps": {
            "first": { "kind": "map", "config": { "script": "#{ at: trigger.body.n }" } },
            "gate": { "kind": "branch", "config": { "cases": [ { "port": "good", "when": "trigger.body.good" } ], "otherwise": "bad" } },
            "no": { "kind": "fail", "config": { "message": "not good", "class": "rejected" } },
            "yes": { "kind": "map", "config": { "script": "#{ n: trigger.body.n, first: steps.first.at }" } } },
        "links": [ { "from": "go", "to": "first" }, { "from": "first", "to": "gate" },
            { "from": "gate", "port": "bad", "to": "no" }, { "from": "gate", "port": "good", "to": "yes" } ],
    })
}

impl Server {
    /// A dead letter of `picky`.
    async fn letter(&self, n: u32) -> String {
        let body = json!({ "n": n, "good": false });
        let reply = self.json("POST", "/in/main/picky", &body).await;
        assert_eq!(reply.problem(422), "run_failed");
        reply.header("weir-run").to_owned()
    }

    async fn replay(&self, run: &str, body: &Value) -> Reply {
        let path = format!("/api/v1/runs/{run}/replay");
        self.json("POST", &path, body).await
    }

    async fn letters(&self, query: &str) -> Vec<Value> {
        let page = self.get(&format!("/api/v1/dead-letters?{query}")).await;
        assert_eq!(page.status, 200, "{}", page.text());
        page.json()["items"].as_array().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_is_listed_claimed_and_discarded() {
    let server = Server::start().await;
    server.publish(&picky()).await;
    server.publish(&orders()).await;
    server
        .json(
            "POST",
            "/in/main/orders/a",
            &json!({ "id": "1", "total": 1 }),
        )
        .await;
    let (one, two) = (server.letter(1).await, server.letter(2).await);
    let letters = server.letters("").await;
    assert_eq!(letters.len(), 2, "runs that succeed are none: {letters:?}");
    let letter = &letters[0];
    assert_eq!(
        (&letter["run"], &letter["state"], &letter["owner"]),
        (&json!(two), &json!("open"), &json!(null))
    );
    assert_eq!(
        letter["failure"],
        json!({ "step": "no", "class": "rejected", "message": "not good" })
    );
    assert_eq!(letter["may_have_happened"], false);
    assert!(letter["age_ms"].as_i64().unwrap() >= 0);
    for (query, count) in [
        ("flow=picky", 2),
        ("flow=orders", 0),
        ("class=rejected&step=no", 2),
        ("class=lost", 0),
        ("owner=", 2),
        ("state=discarded", 0),
        ("limit=1", 1),
        ("to=2020-01-01T00:00:00Z", 0),
    ] {
        assert_eq!(server.letters(query).await.len(), count, "{query}");
    }
    for query in ["state=lost", "from=x", "cursor=x", "limit=0"] {
        let page = server.get(&format!("/api/v1/dead-letters?{query}")).await;
        assert_eq!(page.problem(400), "bad_request", "{query}");
    }
    let page = server.get("/api/v1/dead-letters?limit=1").await.json();
    let next = page["next"].as_str().unwrap();
    let second = server.letters(&format!("limit=1&cursor={next}")).await;
    assert_eq!(second[0]["run"], one.as_str());

    let path = format!("/api/v1/dead-letters/{one}");
    let claim = json!({ "owner": "Ada", "note": "asked the shop" });
    let claimed = server.json("PATCH", &path, &claim).await;
    assert_eq!(claimed.status, 200, "{}", claimed.text());
    assert_eq!(server.letters("owner=Ada").await.len(), 1);
    let discard = json!({ "by": "Ada", "note": "ordered by phone" });
    let discarded = server
        .json("POST", &format!("{path}/discard"), &discard)
        .await
        .json();
    assert_eq!(
        (
            &discarded["state"],
            &discarded["settled_by"],
            &discarded["note"]
        ),
        (
            &json!("discarded"),
            &json!("Ada"),
            &json!("ordered by phone")
        )
    );
    let again = server
        .json("POST", &format!("{path}/discard"), &discard)
        .await;
    assert_eq!(again.problem(409), "conflict");
    assert_eq!(
        server.json("PATCH", &path, &claim).await.problem(409),
        "conflict"
    );
    assert_eq!(server.letters("").await.len(), 1);
    let run = server.get(&format!("/api/v1/runs/{one}")).await.json();
    assert_eq!(run["status"], "failed", "the run stays as it is");
    let none = server
        .get("/api/v1/dead-letters/0193a1f2-7c00-7000-8000-000000000000")
        .await;
    assert_eq!(none.problem(404), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_planned_edited_and_replayed_once() {
    let server = Server::start().await;
    server.publish(&picky()).await;
    let run = server.letter(1).await;
    let edit = json!({ "from": "step", "step": "gate", "message": { "body": { "n": 5, "good": true } }, "by": "Ada" });
    let plan = server
        .json("POST", &format!("/api/v1/runs/{run}/replay/plan"), &edit)
        .await;
    assert_eq!(plan.status, 200, "{}", plan.text());
    let fates: Vec<_> = plan.json()["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| format!("{}: {}", step["step"], step["fate"]).replace('"', ""))
        .collect();
    assert_eq!(
        fates,
        [
            "first: taken_over",
            "gate: again",
            "no: again",
            "yes: first"
        ]
    );
    assert_eq!(plan.json()["writes"], json!([]));
    let read = async |query: &str| {
        let path = format!("/api/v1/runs/{run}/replay/plan?{query}");
        server.get(&path).await.json()
    };
    let same = read("from=step&step=gate").await;
    assert_eq!(same, plan.json(), "the same as a query");
    let begun = read("from=start&version=newest").await;
    let first = json!({ "step": "first", "fate": "again" });
    assert_eq!(begun["steps"][0], first);
    assert_eq!(server.letters("").await.len(), 1, "nothing was done");

    let many = futures::future::join_all((0..5).map(|_| server.replay(&run, &edit))).await;
    let ids: std::collections::BTreeSet<_> = many
        .iter()
        .map(|reply| reply.json()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 1, "five requests, one run");
    let first = many
        .iter()
        .filter(|reply| reply.header("weir-duplicate").is_empty());
    assert_eq!(first.count(), 1);
    let new = many[0].json();
    assert_eq!(
        (&new["status"], &new["origin"]),
        (&json!("succeeded"), &json!(run))
    );
    let id = new["id"].as_str().unwrap();
    let detail = server.get(&format!("/api/v1/runs/{id}")).await.json();
    assert_eq!(
        detail["steps"]["yes"]["output"],
        json!({ "n": 5, "first": 1 }),
        "the message is another, and what was taken over is not"
    );
    assert_eq!(
        (
            &detail["steps"]["first"]["taken_over"],
            &detail["steps"]["yes"]["taken_over"]
        ),
        (&json!(true), &json!(null))
    );
    let letter = server.get(&format!("/api/v1/dead-letters/{run}")).await;
    let letter = letter.json();
    assert_eq!(
        (&letter["state"], &letter["replay"], &letter["settled_by"]),
        (&json!("replayed"), &json!(id), &json!("Ada"))
    );
    assert_eq!(server.runs().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_succeeded_is_replayed_once_for_each_key_and_on_the_newest_version() {
    let server = Server::start().await;
    server.publish(&orders()).await;
    let order = json!({ "id": "A1", "total": 3 });
    let reply = server.json("POST", "/in/main/orders/a", &order).await;
    let run = reply.header("weir-run").to_owned();
    let mut newer = orders();
    newer["steps"]["price"]["config"]["script"] = json!("#{ total: 100 }");
    let draft = server.json("PUT", "/api/v1/flows/orders", &newer).await;
    assert_eq!(draft.status, 200, "{}", draft.text());
    server
        .json("POST", "/api/v1/flows/orders/publish", &json!({}))
        .await;
    let path = format!("/api/v1/runs/{run}/replay");
    let send = |key: &'static str, body: Value| {
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        server.ask(request(
            "POST",
            &path,
            &headers,
            Body::from(body.to_string()),
        ))
    };
    let start = json!({ "from": "start" });
    let one = send("a", start.clone()).await.json();
    assert_eq!((&one["version"], &one["origin"]), (&json!(1), &json!(run)));
    let again = send("a", start.clone()).await;
    assert_eq!(
        (again.header("weir-duplicate"), &again.json()["id"]),
        ("true", &one["id"])
    );
    let newest = send("b", json!({ "from": "start", "version": "newest" })).await;
    let newest = newest.json();
    assert_eq!(newest["version"], 2);
    let path = format!("/api/v1/runs/{}", newest["id"].as_str().unwrap());
    let detail = server.get(&path).await.json();
    assert_eq!(detail["steps"]["price"]["output"], json!({ "total": 100 }));
    assert_eq!(server.runs().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_replayed_says_why() {
    let partner = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", partner.local_addr().unwrap());
    let server = Server::start().await;
    server.publish(&picky()).await;
    server.publish(&caller("slow", &url)).await;
    let run = server.letter(1).await;
    for (body, code) in [
        (json!({ "from": "step" }), "invalid_body"),
        (json!({ "step": "no" }), "invalid_body"),
        (json!({ "message": { "boody": 1 } }), "invalid_body"),
        (json!({ "from": "nowhere" }), "invalid_body"),
    ] {
        assert_eq!(server.replay(&run, &body).await.problem(422), code);
    }
    for body in [
        json!({ "from": "step", "step": "none" }),
        json!({ "happened": { "step": "no", "output": 1 } }),
    ] {
        assert_eq!(server.replay(&run, &body).await.problem(409), "conflict");
    }
    for (query, status, code) in [
        ("from=nowhere", 400, "bad_request"),
        ("form=start", 400, "bad_request"),
        ("from=step", 422, "invalid_body"),
        ("from=step&step=none", 409, "conflict"),
        ("happened=no", 409, "conflict"),
    ] {
        let path = format!("/api/v1/runs/{run}/replay/plan?{query}");
        assert_eq!(server.get(&path).await.problem(status), code, "{query}");
    }
    let underway = server.start_run("slow").await;
    let reply = server.replay(&underway, &json!({})).await;
    assert_eq!(reply.problem(409), "conflict");
    assert!(reply.text().contains("has not ended"), "{}", reply.text());
    assert_eq!(
        server.replay("x", &json!({})).await.problem(404),
        "not_found"
    );
    assert_eq!(server.letters("").await.len(), 1);

    let mut forgetful = picky();
    forgetful["id"] = json!("forgetful");
    forgetful["settings"] = json!({ "history": "none" });
    forgetful["triggers"]["go"]["config"]["path"] = json!("/forgetful");
    server.publish(&forgetful).await;
    let body = json!({ "good": false });
    let reply = server.json("POST", "/in/main/forgetful", &body).await;
    let reply = server.replay(reply.header("weir-run"), &json!({})).await;
    assert_eq!(reply.problem(409), "conflict");
    assert!(reply.text().contains("was not kept"), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_message_must_satisfy_the_schema_of_its_trigger() {
    let server = Server::start().await;
    let mut strict = picky();
    strict["triggers"]["go"]["schema"] = json!({
        "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" }, "good": { "type": "boolean" } }
    });
    server.publish(&strict).await;
    let run = server.letter(1).await;
    for (body, place) in [
        (json!({ "n": 5, "good": "very" }), "/message/body/good"),
        (json!({ "good": true }), "/message/body/n"),
    ] {
        let edit = json!({ "from": "start", "message": { "body": body } });
        let path = format!("/api/v1/runs/{run}/replay/plan");
        for reply in [
            server.json("POST", &path, &edit).await,
            server.replay(&run, &edit).await,
        ] {
            assert_eq!(reply.problem(422), "message_refused");
            let places: Vec<_> = reply.json()["errors"].as_array().unwrap().clone();
            assert_eq!(places[0]["at"], place, "{places:?}");
        }
    }
    assert_eq!(server.letters("state=open").await.len(), 1);
    // What is not in the schema's power stays free.
    let edit = json!({ "message": { "headers": { "n": "x" }, "body": { "n": 5, "good": true } }, "from": "start" });
    assert_eq!(server.replay(&run, &edit).await.status, 202);

    // What a map has made of a body need not be what may arrive.
    strict["id"] = json!("mapped");
    strict["triggers"]["go"]["config"]["path"] = json!("/mapped");
    strict["triggers"]["go"]["map"] = json!("#{ n: `no. ${trigger.body.n}`, good: false }");
    server.publish(&strict).await;
    let reply = server
        .json("POST", "/in/main/mapped", &json!({ "n": 1 }))
        .await;
    assert_eq!(reply.problem(422), "run_failed");
    let edit = json!({ "message": { "body": { "n": "no. 1", "good": true } }, "from": "start" });
    let run = reply.header("weir-run");
    assert_eq!(server.replay(run, &edit).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_dead_letters_are_planned_replayed_and_discarded_page_by_page() {
    let server = Server::start().await;
    server.publish(&picky()).await;
    for n in 1..=5 {
        server.letter(n).await;
    }
    let send = |what: &str, body: Value| {
        let path = format!("/api/v1/dead-letters/{what}");
        let server = &server;
        async move {
            let reply = server.json("POST", &path, &body).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            reply.json()
        }
    };
    let page = json!({ "filter": { "flow": "picky", "limit": 2 }, "from": "start", "by": "Ada" });
    let planned = send("replay/plan", page.clone()).await;
    assert_eq!(
        (&planned["letters"], &planned["writes"]),
        (&json!(2), &json!([]))
    );
    assert_eq!(server.letters("").await.len(), 5, "nothing was done");

    // Each replay fails as its origin did, and is a dead letter of its own: newer ones come before the cursor.
    let mut replayed = send("replay", page.clone()).await;
    assert_eq!(
        (&replayed["done"], &replayed["refused"]),
        (&json!(2), &json!([]))
    );
    while let Some(cursor) = replayed["next"].as_str() {
        let mut next = page.clone();
        next["filter"]["cursor"] = json!(cursor);
        replayed = send("replay", next).await;
    }
    assert_eq!(server.letters("state=replayed").await.len(), 5);
    assert_eq!(server.letters("").await.len(), 5);
    assert_eq!(server.runs().await, 10);

    let discarded = send(
        "discard",
        json!({ "filter": { "class": "rejected" }, "note": "test orders" }),
    )
    .await;
    assert_eq!(
        (&discarded["done"], &discarded["next"]),
        (&json!(5), &json!(null))
    );
    let letters = server.letters("state=discarded").await;
    assert!(
        letters.iter().all(|letter| letter["note"] == "test orders"),
        "{letters:?}"
    );
    // A filter that is mistyped must not mean all of them.
    let typo = json!({ "filter": { "flwo": "picky" } });
    let reply = server
        .json("POST", "/api/v1/dead-letters/discard", &typo)
        .await;
    assert_eq!(reply.problem(422), "invalid_body");
    let settled = json!({ "filter": { "state": "replayed" } });
    let reply = server
        .json("POST", "/api/v1/dead-letters/replay", &settled)
        .await;
    assert_eq!(reply.problem(400), "bad_request");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_happened_is_not_replayed_with_others() {
    let server = Server::start().await;
    let partner = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", partner.local_addr().unwrap());
    let mut flow = caller("slow", &url);
    flow["steps"]["call"]["timeout"] = json!("50ms");
    server.publish(&flow).await;
    let reply = server.json("POST", "/in/main/slow", &json!({})).await;
    let run = reply.header("weir-run").to_owned();
    let body = json!({ "filter": { "flow": "slow" } });
    for what in ["replay/plan", "replay"] {
        let path = format!("/api/v1/dead-letters/{what}");
        let reply = server.json("POST", &path, &body).await.json();
        assert_eq!(reply["refused"][0]["run"], run.as_str(), "{reply}");
    }
    assert_eq!(server.letters("").await.len(), 1, "it is still open");
}
