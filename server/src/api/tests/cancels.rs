//! Ending runs by hand: moving, waiting for their turn, and over.

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Reply, Server, caller, orders, request, runs::answer};

impl Server {
    async fn cancel(&self, run: &str, body: &Value) -> Reply {
        let path = format!("/api/v1/runs/{run}/cancel");
        self.json("POST", &path, body).await
    }

    /// Starts a run of a flow and gives its id.
    pub(super) async fn start_run(&self, flow: &str) -> String {
        let path = format!("/api/v1/flows/{flow}/runs");
        let reply = self.json("POST", &path, &json!({})).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn detail(&self, run: &str) -> Value {
        self.get(&format!("/api/v1/runs/{run}")).await.json()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_while_an_attempt_is_underway_and_the_caller_is_told() {
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", partner.local_addr().unwrap());
    let server = Server::start().await;
    server.publish(&caller("slow", &url)).await;
    let waiting = async { server.json("POST", "/in/main/slow", &json!({})).await };
    let cancelling = async {
        // The call is there, and nobody answers it.
        let call = partner.accept().await.unwrap();
        let runs = server.get("/api/v1/runs?status=running").await.json();
        let id = runs["items"][0]["id"].as_str().unwrap().to_owned();
        let reply = server
            .cancel(&id, &json!({ "by": "Ada", "note": "a mistake" }))
            .await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        assert_eq!(reply.json()["status"], "cancelled");
        drop(call);
        id
    };
    let (told, id) = tokio::join!(waiting, cancelling);
    assert_eq!(told.problem(409), "run_cancelled");
    assert_eq!(told.json()["run"]["id"], id.as_str());

    let run = server.detail(&id).await;
    assert_eq!(run["status"], "cancelled");
    assert_eq!(
        (&run["cancelled"]["by"], &run["cancelled"]["note"]),
        (&json!("Ada"), &json!("a mistake"))
    );
    let step = &run["steps"]["call"];
    assert_eq!(step["failure"]["class"], "lost", "{step:#}");
    let again = server.cancel(&id, &json!({})).await;
    assert_eq!(again.problem(409), "conflict");
    assert!(again.text().contains("`cancelled`"), "{}", again.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_its_turn_is_cancelled_and_the_next_one_moves_up() {
    let partner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", partner.local_addr().unwrap());
    let server = Server::start().await;
    let mut document = caller("one", &url);
    document["settings"] = json!({ "concurrency": { "limit": 1 } });
    server.publish(&document).await;
    let first = server.start_run("one").await;
    let second = server.start_run("one").await;
    let third = server.start_run("one").await;
    let reply = server.cancel(&second, &json!({ "undo": true })).await;
    assert_eq!(reply.json()["status"], "cancelled", "{}", reply.text());
    answer(&partner).await;
    answer(&partner).await;
    for (id, status) in [
        (&first, "succeeded"),
        (&second, "cancelled"),
        (&third, "succeeded"),
    ] {
        let path = format!("/api/v1/runs/{id}/events");
        let events = server.get(&path).await;
        assert!(events.text().contains(status), "{}", events.text());
        assert_eq!(server.detail(id).await["status"], status);
    }
    let step = &server.detail(&second).await["steps"]["call"];
    assert_eq!(
        (&step["status"], &step["attempts"]),
        (&json!("skipped"), &json!([]))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_cancelled_says_why() {
    let server = Server::start().await;
    server.publish(&orders()).await;
    let order = json!({ "id": "A1", "total": 3 });
    let reply = server.json("POST", "/in/main/orders/a", &order).await;
    let ended = reply.header("weir-run").to_owned();
    assert_eq!(
        server.cancel(&ended, &json!({})).await.problem(409),
        "conflict"
    );
    assert_eq!(server.detail(&ended).await["status"], "succeeded");
    for unknown in ["x", "0193a1f2-7c00-7000-8000-000000000000"] {
        let reply = server.cancel(unknown, &json!({})).await;
        assert_eq!(reply.problem(404), "not_found");
    }
    let reply = server.cancel(&ended, &json!({ "Undo": true })).await;
    assert_eq!(reply.problem(422), "invalid_body");
    let path = format!("/api/v1/runs/{ended}/cancel");
    let empty = request("POST", &path, &[], axum::body::Body::empty());
    assert_eq!(server.ask(empty).await.problem(409), "conflict");
}
