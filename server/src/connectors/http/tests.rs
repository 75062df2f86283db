//! The `http` action against a real partner on this machine.

mod answers;
mod faults;
mod guard;
mod partner;
mod requests;
mod secrets;

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::{
    connection::Connection,
    connectors::{Call, DEFAULT_MAX_RESPONSE, Outcome, http::CONNECTOR},
    outbound::{Allow, Client, Settings, install_tls},
    secrets::Secret,
    world::World,
};

/// The time of the test world: 06 Nov 1994 08:49:37 GMT.
const NOW_MS: i64 = 784_111_777_000;

/// What a test calls with; all but the settings has a default.
struct Bench {
    client: Client,
    secrets: BTreeMap<String, Secret>,
    connection: Option<Connection>,
    timeout: Duration,
    max_response: u64,
    world: World,
}

impl Bench {
    /// A bench that may call this machine.
    fn new() -> Self {
        Bench::allowing("127.0.0.0/8,localhost")
    }

    fn allowing(allow: &str) -> Self {
        Bench::with(&Settings {
            allow: Allow::parse(allow).unwrap(),
            ..Settings::default()
        })
    }

    fn with(settings: &Settings) -> Self {
        install_tls();
        Bench {
            client: Client::new(settings).unwrap(),
            secrets: BTreeMap::new(),
            connection: None,
            timeout: Duration::from_secs(20),
            max_response: DEFAULT_MAX_RESPONSE,
            world: World::manual(NOW_MS, 1),
        }
    }

    fn connection(mut self, document: Value) -> Self {
        self.connection = Some(Connection::read(&document).unwrap().0);
        self
    }

    fn secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.insert(name.into(), Secret::new(value));
        self
    }

    fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn max_response(mut self, bytes: u64) -> Self {
        self.max_response = bytes;
        self
    }

    /// Calls with settings that hold no expression.
    async fn call(&self, config: Value) -> Outcome {
        self.call_written(config.clone(), config).await
    }

    /// Calls with settings and what the author wrote to get them.
    async fn call_written(&self, config: Value, written: Value) -> Outcome {
        (CONNECTOR.call)(Call {
            config: &config,
            written: &written,
            connection: self.connection.as_ref(),
            secrets: &self.secrets,
            client: &self.client,
            world: &self.world,
            timeout: self.timeout,
            idempotency_key: "run-1/book",
            max_response: self.max_response,
        })
        .await
    }

    async fn get(&self, url: String) -> Outcome {
        self.call(json!({ "url": url })).await
    }
}
