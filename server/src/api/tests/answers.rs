//! Runs that wait for a callback or for a person: the link, early and double answers, too late, restarts and parked runs.

use std::time::Duration;

use axum::body::Body;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Reply, Server, Settings, request, runs::answer};
use crate::engine::Limits;

/// Tells its caller the link of the step that waits then.
fn ask(config: Value) -> Value {
    json!({
        "format": "weir/flow@1", "id": "ask",
        "triggers": { "go": { "kind": "http", "config": { "path": "/ask" } } },
        "steps": {
            "tell": { "kind": "respond", "config": { "body": "= #{ link: run.callbacks.wait, run: run.id }" } },
            "wait": { "kind": "wait", "config": config },
            "then": { "kind": "map", "config": { "script": "#{ got: input }" } }
        },
        "links": [{ "from": "go", "to": "tell" }, { "from": "tell", "to": "wait" }, { "from": "wait", "to": "then" }]
    })
}

/// The path of a link, and the run.
async fn begin(server: &Server) -> (String, String) {
    let reply = server.json("POST", "/in/main/ask", &json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let told = reply.json();
    let link = told["link"].as_str().unwrap();
    let path = link.strip_prefix("http://weir.test").unwrap();
    (path.to_owned(), told["run"].as_str().unwrap().to_owned())
}

/// Lets no run keep memory that waits.
async fn parking() -> Server {
    let limits = Limits {
        grace: Duration::from_millis(10),
        park_after: Duration::from_millis(1),
        ..Limits::default()
    };
    Server::within(Settings::default(), limits).await
}

impl Server {
    /// A run once it has ended: the stream of its changes ends with it.
    async fn over(&self, run: &str) -> Value {
        let changes = format!("/api/v1/runs/{run}/events");
        let wait = tokio::time::timeout(Duration::from_secs(30), self.get(&changes));
        assert_eq!(wait.await.expect("the run ends").status, 200);
        self.get(&format!("/api/v1/runs/{run}")).await.json()
    }

    /// The step `wait` of a run once it waits.
    async fn waits(&self, run: &str) -> Value {
        loop {
            let detail = self.get(&format!("/api/v1/runs/{run}")).await.json();
            if detail["steps"]["wait"]["status"] == "waiting" {
                return detail["steps"]["wait"].clone();
            }
            tokio::task::yield_now().await;
        }
    }

    async fn parked(&self) {
        // A time far away: whatever is parked is due by then.
        let parked = || async { self.engine.store().free(i64::MAX).await.unwrap().next_at };
        while parked().await.is_none() {
            tokio::task::yield_now().await;
        }
    }

    async fn open(&self) -> Vec<Value> {
        let list = self.get("/api/v1/approvals").await.json();
        list["items"].as_array().unwrap().clone()
    }
}

fn taken(reply: &Reply) -> bool {
    assert_eq!(reply.status, 202, "{}", reply.text());
    reply.header("weir-duplicate") == "true"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_lets_the_run_go_on_and_the_first_one_counts() {
    let server = Server::start().await;
    server
        .publish(&ask(json!({ "callback": { "timeout": "1h" } })))
        .await;
    let (link, run) = begin(&server).await;
    let step = server.waits(&run).await;
    assert_eq!(step["waits_for"], "callback");
    assert_eq!(step["link"], format!("http://weir.test{link}"));
    // Reading the link resumes nothing: mail scanners and previews follow links.
    let told = server.get(&link).await;
    assert_eq!(
        (told.status.as_u16(), &told.json()["waits_for"]),
        (200, &json!("callback"))
    );
    let options = server
        .ask(request("DELETE", &link, &[], Body::empty()))
        .await;
    assert_eq!(options.problem(405), "method_not_allowed");
    // Nobody can make one up.
    let (start, end) = link.rsplit_once('/').unwrap();
    let other = if end.starts_with('A') { "B" } else { "A" };
    for bad in [
        format!("{start}/{other}{}", &end[1..]),
        link.replace("/wait/", "/then/"),
        link.replace("/main/", "/other/"),
        link.replace(&run, "0199a2b4-7c11-7d4e-9d5e-2f6a1b3c4d5e"),
    ] {
        let reply = server.json("POST", &bad, &json!(1)).await;
        assert_eq!(reply.problem(404), "not_found", "{bad}");
    }
    let body = json!({ "paid": true });
    let headers = [
        ("content-type", "application/json"),
        ("authorization", "Bearer x"),
        ("x-id", "7"),
    ];
    let call = || {
        request(
            "POST",
            &format!("{link}?try=1"),
            &headers,
            Body::from(body.to_string()),
        )
    };
    assert!(!taken(&server.ask(call()).await));
    let detail = server.over(&run).await;
    let got = &detail["steps"]["then"]["output"]["got"];
    assert_eq!(
        (&got["body"], &got["query"]["try"], &got["headers"]["x-id"]),
        (&body, &json!("1"), &json!("7"))
    );
    assert_eq!(got["headers"].get("authorization"), None);
    assert_eq!(
        detail["steps"]["wait"].get("link"),
        None,
        "a wait that is over shows no link"
    );
    // Sent again it is told so; another one is refused.
    assert!(taken(&server.ask(call()).await));
    let other = server.json("POST", &link, &json!({ "paid": false })).await;
    assert_eq!(other.problem(409), "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_come_before_the_run_waits() {
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::start().await;
    let mut document = ask(json!({ "callback": {} }));
    let url = format!("http://{}/", partner.local_addr().unwrap());
    document["steps"]["send"] =
        json!({ "kind": "http", "config": { "method": "POST", "url": url } });
    document["links"] = json!([
        { "from": "go", "to": "tell" }, { "from": "tell", "to": "send" },
        { "from": "send", "to": "wait" }, { "from": "wait", "to": "then" }
    ]);
    server.publish(&document).await;
    let (link, run) = begin(&server).await;
    // The partner has not replied to the step before, and calls back already.
    assert!(!taken(&server.json("POST", &link, &json!(7)).await));
    assert!(taken(&server.json("POST", &link, &json!(7)).await));
    assert_eq!(
        server.json("POST", &link, &json!(8)).await.problem(409),
        "conflict"
    );
    answer(&partner).await;
    let detail = server.over(&run).await;
    assert_eq!(
        detail["steps"]["then"]["output"]["got"]["body"], 7,
        "{detail:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_has_is_taken_up_for_its_answer_also_after_a_restart() {
    let server = parking().await;
    server.publish(&ask(json!({ "callback": {} }))).await;
    let (link, run) = begin(&server).await;
    server.parked().await;
    assert!(!taken(&server.json("POST", &link, &json!(1)).await));
    assert_eq!(server.over(&run).await["status"], "succeeded");

    let (link, run) = begin(&server).await;
    server.parked().await;
    let server = server.again().await;
    assert!(!taken(&server.json("POST", &link, &json!(2)).await));
    let detail = server.over(&run).await;
    assert_eq!(detail["steps"]["then"]["output"]["got"]["body"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_too_late_is_told_so() {
    let server = Server::start().await;
    server
        .publish(&ask(json!({ "callback": { "timeout": "5ms" } })))
        .await;
    let (link, run) = begin(&server).await;
    let detail = server.over(&run).await;
    assert_eq!(detail["failure"]["class"], "timed_out");
    assert_eq!(
        server.json("POST", &link, &json!(1)).await.problem(410),
        "gone"
    );

    let server = Server::start().await;
    server.publish(&ask(json!({ "callback": {} }))).await;
    let (link, run) = begin(&server).await;
    server.waits(&run).await;
    let cancel = format!("/api/v1/runs/{run}/cancel");
    assert_eq!(server.json("POST", &cancel, &json!({})).await.status, 202);
    assert_eq!(
        server.json("POST", &link, &json!(1)).await.problem(410),
        "gone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_on_what_they_are_shown_and_asked() {
    let server = parking().await;
    let form = json!({ "type": "object", "required": ["amount"], "properties": { "amount": { "type": "number" } } });
    server.publish(&ask(json!({ "approval": { "title": "= `Run ${run.id}`", "text": "Look twice.", "form": form } }))).await;
    let (link, run) = begin(&server).await;
    let step = server.waits(&run).await;
    let id = step["approval"].as_str().unwrap().to_owned();
    let open = server.open().await;
    assert_eq!(
        (open.len(), &open[0]["id"], &open[0]["title"]),
        (1, &json!(id), &json!(format!("Run {run}")))
    );
    let one = server.get(&format!("/api/v1/approvals/{id}")).await.json();
    assert_eq!(
        (&one["text"], &one["form"], &one["state"]),
        (&json!("Look twice."), &form, &json!("open"))
    );
    assert_eq!(
        server.get("/api/v1/approvals?flow=other").await.json()["items"],
        json!([])
    );
    // Whoever opens the link in a browser comes to the page.
    let page = server
        .ask(request(
            "GET",
            &link,
            &[("accept", "text/html")],
            Body::empty(),
        ))
        .await;
    assert_eq!(
        (page.status.as_u16(), page.header("location")),
        (303, format!("../../../../approvals?id={id}").as_str())
    );

    let decide = format!("/api/v1/approvals/{id}/decide");
    let refused = server
        .json(
            "POST",
            &decide,
            &json!({ "decision": "approved", "form": { "amount": "much" } }),
        )
        .await;
    assert_eq!(refused.problem(422), "invalid_body");
    assert_eq!(refused.json()["errors"][0]["at"], "/form/amount");
    let refused = server
        .json("POST", &decide, &json!({ "decision": "perhaps" }))
        .await;
    assert_eq!(refused.problem(422), "invalid_body");
    assert_eq!(server.open().await.len(), 1, "nothing was decided");

    let decision =
        json!({ "decision": "approved", "form": { "amount": 7 }, "by": "Ada", "note": "fine" });
    let decided = server.json("POST", &decide, &decision).await;
    assert_eq!(
        (decided.status.as_u16(), &decided.json()["state"]),
        (200, &json!("decided"))
    );
    assert_eq!(server.open().await, Vec::<Value>::new());
    let got = server.over(&run).await["steps"]["then"]["output"]["got"].clone();
    assert_eq!(
        (&got["decision"], &got["form"]["amount"], &got["by"]),
        (&json!("approved"), &json!(7), &json!("Ada"))
    );
    assert_eq!(server.json("POST", &decide, &decision).await.status, 200);
    let other = server
        .json("POST", &decide, &json!({ "decision": "rejected" }))
        .await;
    assert_eq!(other.problem(409), "conflict");

    // A rejection needs no form, may come by the link, and here nothing follows it.
    let (link, run) = begin(&server).await;
    server.waits(&run).await;
    assert!(!taken(
        &server
            .json("POST", &link, &json!({ "decision": "rejected" }))
            .await
    ));
    let detail = server.over(&run).await;
    assert_eq!(
        (&detail["status"], &detail["steps"]["then"]["status"]),
        (&json!("succeeded"), &json!("skipped"))
    );
    assert_eq!(
        server.get("/api/v1/approvals/nothing").await.problem(404),
        "not_found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_of_items_are_listed_page_by_page_and_end_with_the_run() {
    let server = Server::start().await;
    let body = json!({ "steps": { "wait": { "kind": "wait", "config": { "approval": { "title": "= `Line ${item}`" } } } } });
    let mut document = ask(json!({ "approval": {} }));
    document["steps"] = json!({ "each": { "kind": "each", "config": { "items": [1, 2, 3], "body": body, "concurrency": 3 } } });
    document["links"] = json!([{ "from": "go", "to": "each" }]);
    document["triggers"]["go"]["config"]["reply"] = json!("accepted");
    server.publish(&document).await;
    let reply = server.json("POST", "/in/main/ask", &json!({})).await;
    let run = reply.json()["run"].as_str().unwrap().to_owned();
    while server.open().await.len() < 3 {
        tokio::task::yield_now().await;
    }
    let (mut titles, mut path) = (Vec::new(), "/api/v1/approvals?limit=2".to_owned());
    loop {
        let page = server.get(&path).await.json();
        titles.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["title"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/approvals?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(titles, ["Line 3", "Line 2", "Line 1"]);
    let decide = format!("/api/v1/approvals/{run}.wait.1/decide");
    assert_eq!(
        server
            .json("POST", &decide, &json!({ "decision": "approved" }))
            .await
            .status,
        200
    );
    assert_eq!(server.open().await.len(), 2);
    let cancel = format!("/api/v1/runs/{run}/cancel");
    server.json("POST", &cancel, &json!({})).await;
    assert_eq!(server.open().await, Vec::<Value>::new());
    let decide = format!("/api/v1/approvals/{run}.wait.0/decide");
    let late = server
        .json("POST", &decide, &json!({ "decision": "approved" }))
        .await;
    assert_eq!(late.problem(410), "gone");
}
