//! The `http` action against a real partner on this machine, on a bench that the `script` action shares.

mod answers;
mod faults;
mod guard;
pub(crate) mod partner;
mod requests;
mod secrets;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use weir_flows::script::{Bounds, Evaluation, Form, Moment, Scope, compile_with};

use crate::{
    connection::Connection,
    connectors::{
        Call, DEFAULT_MAX_RESPONSE, Outcome,
        http::CONNECTOR,
        script::{self, Scripts},
    },
    outbound::{Allow, Client, Settings, install_tls},
    secrets::Secret,
    world::World,
};

/// The time of the test world: 06 Nov 1994 08:49:37 GMT.
const NOW_MS: i64 = 784_111_777_000;

/// What a test calls with; all but the settings has a default.
pub(crate) struct Bench {
    pub(crate) scripts: Scripts,
    client: Client,
    secrets: BTreeMap<String, Secret>,
    connection: Option<Connection>,
    timeout: Duration,
    max_response: u64,
    world: World,
}

impl Bench {
    /// A bench that may call this machine.
    pub(crate) fn new() -> Self {
        Bench::allowing("127.0.0.0/8,localhost")
    }

    pub(crate) fn allowing(allow: &str) -> Self {
        Bench::with(&Settings {
            allow: Allow::parse(allow).unwrap(),
            ..Settings::default()
        })
    }

    pub(crate) fn with(settings: &Settings) -> Self {
        install_tls();
        Bench {
            scripts: Scripts {
                bounds: Bounds::default(),
                time: Duration::from_secs(2),
                calls: 50,
                places: Arc::new(Semaphore::new(2)),
            },
            client: Client::new(settings).unwrap(),
            secrets: BTreeMap::new(),
            connection: None,
            timeout: Duration::from_secs(20),
            max_response: DEFAULT_MAX_RESPONSE,
            world: World::manual(NOW_MS, 1),
        }
    }

    pub(crate) fn connection(mut self, document: Value) -> Self {
        self.connection = Some(Connection::read(&document).unwrap().0);
        self
    }

    pub(crate) fn secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.insert(name.into(), Secret::new(value));
        self
    }

    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(crate) fn max_response(mut self, bytes: u64) -> Self {
        self.max_response = bytes;
        self
    }

    /// Calls with settings that hold no expression.
    async fn call(&self, config: Value) -> Outcome {
        self.call_written(config.clone(), config).await
    }

    /// Calls with settings and what the author wrote to get them.
    async fn call_written(&self, config: Value, written: Value) -> Outcome {
        (CONNECTOR.call)(self.attempt(&config, &written, None)).await
    }

    /// Runs a script that may call out, without anything else in scope.
    pub(crate) async fn script(&self, source: &str) -> Outcome {
        let evaluation = Evaluation {
            script: compile_with(source, Form::Script, &["http"]).unwrap(),
            scope: Scope::new(),
            moment: Moment::default(),
        };
        let attempt = self.attempt(&Value::Null, &Value::Null, Some(&evaluation));
        (script::CONNECTOR.call)(attempt).await
    }

    fn attempt<'a>(
        &'a self,
        config: &'a Value,
        written: &'a Value,
        script: Option<&'a Evaluation>,
    ) -> Call<'a> {
        Call {
            config,
            written,
            script,
            scripts: &self.scripts,
            connection: self.connection.as_ref(),
            secrets: &self.secrets,
            client: &self.client,
            world: &self.world,
            timeout: self.timeout,
            idempotency_key: "run-1/book",
            max_response: self.max_response,
        }
    }

    async fn get(&self, url: String) -> Outcome {
        self.call(json!({ "url": url })).await
    }
}
