//! Those who send: each order again and again until somebody accepts it, as a good sender does.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use reqwest::{StatusCode, header};
use serde_json::json;
use tokio::time::sleep;

/// What a sender does before it sends again what was not accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// Which orders were accepted, and what all senders share.
pub(super) struct Accepted {
    /// The run of each order.
    runs: Mutex<BTreeMap<String, String>>,
    /// Where the servers listen.
    addresses: Vec<String>,
    stopped: AtomicBool,
}

impl Accepted {
    pub(super) fn new(addresses: Vec<String>) -> Self {
        Accepted {
            runs: Mutex::default(),
            addresses,
            stopped: AtomicBool::new(false),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.runs.lock().len()
    }

    pub(super) fn runs(&self) -> BTreeMap<String, String> {
        self.runs.lock().clone()
    }

    /// No new orders from here on; those underway are sent until they are accepted.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }
}

/// Sends order after order, each to one of the servers, and where that is gone to the next.
pub(super) async fn send(number: usize, client: reqwest::Client, accepted: Arc<Accepted>) {
    let mut server = number;
    for count in 0.. {
        if accepted.stopped.load(Ordering::SeqCst) {
            return;
        }
        let order = format!("{number}-{count}");
        let body = json!({ "order": order }).to_string();
        loop {
            server += 1;
            let address = &accepted.addresses[server % accepted.addresses.len()];
            let sent = client
                .post(format!("{address}/in/main/selftest"))
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.clone())
                .send()
                .await;
            if let Ok(reply) = sent
                && reply.status() == StatusCode::ACCEPTED
                && let Some(run) = reply.headers().get("weir-run")
                && let Ok(run) = run.to_str()
            {
                accepted.runs.lock().insert(order, run.to_owned());
                break;
            }
            sleep(PAUSE).await;
        }
    }
}
