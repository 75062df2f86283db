//! The other side of the test: counts the calls for each order, and takes its time for each.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::HeaderMap,
    routing::post,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep};

/// How long an answer takes, so that calls are underway when a server is killed.
const TAKES: Duration = Duration::from_millis(20);

/// The calls for one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Calls {
    /// Those that may be repeated.
    pub(super) safe: usize,
    /// Those that may not.
    pub(super) risky: usize,
    /// Their idempotency keys: one for each step.
    pub(super) keys: BTreeSet<String>,
}

type All = Arc<Mutex<HashMap<String, Calls>>>;

/// A partner that listens on the loopback for as long as this process lives.
pub(super) struct Partner {
    port: u16,
    all: All,
}

impl Partner {
    pub(super) async fn start() -> Result<Partner, String> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(|error| format!("the partner cannot listen on the loopback: {error}"))?;
        let port = listener.local_addr().map_err(|error| error.to_string())?;
        let all = All::default();
        let router = Router::new()
            .route("/{what}", post(called))
            .with_state(Arc::clone(&all));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Partner {
            port: port.port(),
            all,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What was called so far, by order.
    pub(super) fn calls(&self) -> HashMap<String, Calls> {
        self.all.lock().clone()
    }
}

async fn called(
    State(all): State<All>,
    Path(what): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Json<Value> {
    let key = headers.get("idempotency-key");
    let key = key.and_then(|key| key.to_str().ok()).unwrap_or("none");
    let order = body["order"].as_str().unwrap_or_default().to_owned();
    {
        let mut all = all.lock();
        let calls = all.entry(order).or_default();
        match what.as_str() {
            "safe" => calls.safe += 1,
            _ => calls.risky += 1,
        }
        calls.keys.insert(key.to_owned());
    }
    sleep(TAKES).await;
    Json(json!({ "ok": true }))
}
