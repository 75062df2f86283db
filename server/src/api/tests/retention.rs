//! What the engine forgets, and how the API speaks of what is gone.

use std::time::Duration;

use serde_json::json;

use super::{Server, orders};
use crate::{
    api::Settings,
    engine::{Limits, Retention},
};

#[tokio::test(flavor = "multi_thread")]
async fn old_runs_are_forgotten_and_open_dead_letters_stay() {
    let limits = Limits {
        retention: Retention {
            history: Some(Duration::ZERO),
            ..Retention::default()
        },
        ..Limits::default()
    };
    let server = Server::within(Settings::default(), limits).await;
    server.publish(&orders()).await;
    let send = async |order: serde_json::Value| {
        let reply = server.json("POST", "/in/main/orders/a", &order).await;
        reply.header("weir-run").to_owned()
    };
    let good = send(json!({ "id": "A", "total": 1 })).await;
    let bad = send(json!({ "id": "B", "total": i64::MAX })).await;
    let ended = server.get(&format!("/api/v1/runs/{bad}")).await.json();
    assert_eq!(ended["status"], "failed", "{ended:#}");
    let world = server.engine.world();
    let now = world.now_ms();
    while world.now_ms() <= now + 1 {
        tokio::task::yield_now().await;
    }
    server.engine.forget().await.unwrap();
    let gone = server.get(&format!("/api/v1/runs/{good}")).await;
    assert_eq!(gone.problem(404), "not_found");
    let stays = server.get(&format!("/api/v1/runs/{bad}")).await;
    assert_eq!(
        stays.status, 200,
        "an open dead letter has an age of its own"
    );
    // The same message again: its run is gone, and it is not run again.
    let again = server
        .json(
            "POST",
            "/in/main/orders/a",
            &json!({ "id": "A", "total": 1 }),
        )
        .await;
    assert_eq!(again.header("weir-duplicate"), "true", "{}", again.text());
    assert_eq!(again.header("weir-run"), good);
    assert_eq!(server.runs().await, 1);
}
