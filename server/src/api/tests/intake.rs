//! The intake of http and webhook triggers.

use axum::body::{Body, Bytes};
use serde_json::{Value, json};

use super::{Reply, Server, caller, hooks, orders, request};
use crate::{api::Settings, secrets::Secret, signature};

async fn post(server: &Server, path: &str, body: &Value) -> Reply {
    server.json("POST", path, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_trigger_answers_with_what_the_flow_responds() {
    let server = Server::start().await;
    server.publish(&orders()).await;
    let reply = post(
        &server,
        "/in/main/orders/b%C3%A4r?x=1",
        &json!({ "id": "A1", "total": 21 }),
    )
    .await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!(reply.json(), json!({ "total": 42, "shop": "bär" }));
    assert_eq!(reply.headers["x-shop"].as_bytes(), "bär".as_bytes());
    assert!(
        reply
            .header("content-security-policy")
            .starts_with("sandbox"),
        "a reply gets an origin of its own"
    );
    let run = reply.header("weir-run").to_owned();
    let detail = server.get(&format!("/api/v1/runs/{run}")).await.json();
    assert_eq!(
        (&detail["status"], &detail["message"]["query"]),
        (&json!("succeeded"), &json!({ "x": "1" }))
    );
    assert_eq!(detail["reply"]["status"], 201);

    let again = post(
        &server,
        "/in/main/orders/x",
        &json!({ "id": "A1", "total": 99 }),
    )
    .await;
    assert_eq!(
        (again.status.as_u16(), again.json()),
        (201, json!({ "total": 42, "shop": "bär" }))
    );
    assert_eq!(
        (again.header("weir-duplicate"), again.header("weir-run")),
        ("true", run.as_str())
    );
    assert_eq!(server.runs().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_start_a_run_says_why_and_stores_nothing() {
    let server = Server::with(Settings {
        max_message: 1000,
        ..Settings::default()
    })
    .await;
    server.publish(&orders()).await;
    let path = "/in/main/orders/a";
    let reply = post(&server, path, &json!({ "id": "A1" })).await;
    assert_eq!(reply.problem(422), "message_refused");
    assert!(
        reply.json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("total"),
        "{}",
        reply.text()
    );
    let reply = post(&server, path, &json!({ "id": "A1", "total": -1 })).await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()),
        (202, json!({ "status": "filtered" }))
    );
    let reply = server
        .ask(request(
            "POST",
            path,
            &[("content-type", "application/json")],
            Body::from("{\"id\": }"),
        ))
        .await;
    assert!(
        reply.problem(400) == "not_json" && reply.text().contains("line 1 column 8"),
        "{}",
        reply.text()
    );
    let reply = server
        .ask(request(
            "POST",
            path,
            &[("content-type", "multipart/form-data; boundary=x")],
            Body::from("--x"),
        ))
        .await;
    assert_eq!(reply.problem(415), "media_type");
    let large = json!({ "id": "A1", "total": 1, "text": "x".repeat(1000) });
    assert_eq!(post(&server, path, &large).await.problem(413), "too_large");
    let parts = futures::stream::iter(
        (0..20).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 100]))),
    );
    let reply = server
        .ask(request(
            "POST",
            path,
            &[("content-type", "application/json")],
            Body::from_stream(parts),
        ))
        .await;
    assert_eq!(
        reply.problem(413),
        "too_large",
        "also where no length is announced"
    );

    assert_eq!(
        post(&server, "/in/main/nothing", &json!({}))
            .await
            .problem(404),
        "not_found"
    );
    assert_eq!(
        post(&server, "/in/other/orders/a", &json!({}))
            .await
            .problem(404),
        "not_found"
    );
    let reply = server.get(path).await;
    assert_eq!(
        (reply.problem(405).as_str(), reply.header("allow")),
        ("method_not_allowed", "POST")
    );
    let reply = server
        .ask(request("OPTIONS", path, &[], Body::empty()))
        .await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("allow")),
        (204, "POST")
    );
    assert_eq!(server.runs().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_curl_calls_a_form_is_read_as_json() {
    let server = Server::start().await;
    server.publish(&orders()).await;
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let reply = server
        .ask(request(
            "POST",
            "/in/main/orders/a",
            &kind,
            Body::from("{\"id\": \"A1\", \"total\": 1}"),
        ))
        .await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["total"]),
        (201, &json!(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_taken_once_and_only_with_its_signature() {
    let server = Server::start().await;
    server.secret("hook", "s3cr3t-s3cr3t").await;
    server.publish(&hooks()).await;
    let body = "{\"ref\": \"main\"}";
    let good = signature::sign_github(&Secret::new("s3cr3t-s3cr3t"), body.as_bytes());
    let bad = signature::sign_github(&Secret::new("other-other-other"), body.as_bytes());
    let send = |signature: String, body: &'static str| {
        let headers = [
            ("content-type", "application/json"),
            ("x-hub-signature-256", signature.as_str()),
            ("x-github-delivery", "d-1"),
        ];
        server.ask(request(
            "POST",
            "/in/main/github",
            &headers,
            Body::from(body),
        ))
    };
    for (signature, body, code) in [
        (bad, body, "wrong_signature"),
        (good.clone(), "{\"ref\":\"other\"}", "wrong_signature"),
        ("sha256=zz".to_owned(), body, "malformed_header"),
    ] {
        let reply = send(signature, body).await;
        assert_eq!(
            (
                reply.problem(401).as_str(),
                &reply.json()["errors"][0]["code"]
            ),
            ("signature_refused", &json!(code))
        );
        assert!(reply.header("www-authenticate").contains("github"));
    }
    let unsigned = server.json("POST", "/in/main/github", &json!({})).await;
    assert_eq!(
        (
            unsigned.problem(401).as_str(),
            &unsigned.json()["errors"][0]["code"]
        ),
        ("signature_refused", &json!("missing_header"))
    );
    assert_eq!(
        server.runs().await,
        0,
        "nothing of a refused message is stored"
    );

    let first = send(good.clone(), body).await;
    assert_eq!(first.status, 202, "{}", first.text());
    let run = first.json()["run"].as_str().unwrap().to_owned();
    assert_eq!(
        (first.header("weir-run"), first.header("location")),
        (run.as_str(), format!("/api/v1/runs/{run}").as_str())
    );
    let second = send(good, body).await;
    assert_eq!(
        (
            second.status.as_u16(),
            &second.json()["run"],
            second.header("weir-duplicate")
        ),
        (202, &json!(run), "true")
    );
    assert_eq!(server.runs().await, 1);
    let reply = server.get("/in/main/github").await;
    assert_eq!(
        (reply.problem(405).as_str(), reply.header("allow")),
        ("method_not_allowed", "POST")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_whose_secret_is_gone_refuses() {
    let server = Server::start().await;
    server.publish(&hooks()).await;
    let signature = signature::sign_github(&Secret::new("any-any-any"), b"{}");
    let headers = [
        ("x-hub-signature-256", signature.as_str()),
        ("x-github-delivery", "d-1"),
    ];
    let reply = server
        .ask(request(
            "POST",
            "/in/main/github",
            &headers,
            Body::from("{}"),
        ))
        .await;
    assert_eq!(
        (
            reply.problem(401).as_str(),
            &reply.json()["errors"][0]["code"]
        ),
        ("signature_refused", &json!("bad_secret"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_before_it_answers_is_a_problem_with_its_id() {
    let server = Server::start().await;
    let mut document = orders();
    document["steps"]["price"] =
        json!({ "kind": "fail", "config": { "message": "no such article", "class": "rejected" } });
    document["steps"].as_object_mut().unwrap().remove("thanks");
    document["links"] = json!([{ "from": "order", "to": "price" }]);
    server.publish(&document).await;
    let reply = post(
        &server,
        "/in/main/orders/a",
        &json!({ "id": "A1", "total": 1 }),
    )
    .await;
    assert_eq!(reply.problem(422), "run_failed");
    let problem = reply.json();
    assert_eq!(
        (
            &problem["run"]["id"],
            &problem["run"]["step"],
            &problem["run"]["class"]
        ),
        (
            &json!(reply.header("weir-run")),
            &json!("price"),
            &json!("rejected")
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_result_is_the_last_output_where_no_step_responds() {
    let server = Server::start().await;
    let mut document = orders();
    document["steps"].as_object_mut().unwrap().remove("thanks");
    document["links"] = json!([{ "from": "order", "to": "price" }]);
    server.publish(&document).await;
    let reply = post(
        &server,
        "/in/main/orders/a",
        &json!({ "id": "A1", "total": 1 }),
    )
    .await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()),
        (200, json!({ "total": 2, "shop": "a" }))
    );
    document["triggers"]["order"]["config"]["reply"] = json!("accepted");
    assert_eq!(
        server
            .json("PUT", "/api/v1/flows/orders", &document)
            .await
            .status,
        200
    );
    assert_eq!(
        server
            .json("POST", "/api/v1/flows/orders/publish", &json!({}))
            .await
            .status,
        200
    );
    let reply = post(
        &server,
        "/in/main/orders/a",
        &json!({ "id": "A2", "total": 1 }),
    )
    .await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["status_url"]),
        (202, &json!(reply.header("location")))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_waits_too_long_is_told_where_to_look() {
    let server = Server::start().await;
    // It takes connections and never answers.
    let partner = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut document = caller("slow", &format!("http://{}", partner.local_addr().unwrap()));
    document["triggers"]["go"]["config"]["deadline"] = json!("1ms");
    server.publish(&document).await;
    let reply = post(&server, "/in/main/slow", &json!({})).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    let detail = server.get(reply.header("location")).await.json();
    assert_eq!(
        (&detail["status"], &detail["steps"]["call"]["status"]),
        (&json!("running"), &json!("running"))
    );
}
