//! Makes one attempt of an action: opens its connection, calls its connector, bounds its time.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use serde_json::Value;
use weir_flows::{
    advance::{Command, Event},
    builtin::CALL,
    failure::{Class, Failure},
    plan::Plan,
    poll::Poll,
    script::Evaluation,
    settings::secret_names,
};

use super::{
    Engine, Version,
    call::{self, Caller},
};
use crate::{
    connection::Connection,
    connectors::{self, Call, Outcome, script::Scripts},
    outbound,
    secrets::{Absent, Sealer, Secret, Secrets},
    store::{self, Store},
    world::World,
};

/// How much longer than its own timeout a connector may take before it is cut off.
const MARGIN: Duration = Duration::from_secs(1);

/// The pause before a connection or a secret is read again that the database could not give.
const AGAIN: Duration = Duration::from_millis(500);

/// Where connections and secrets come from.
pub(super) trait Resources: Secrets {
    /// A connection by name; the failure says what to do where there is none.
    fn connection<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Connection, Failure>>;
}

/// What an attempt needs beside its command.
pub(super) struct Means<'a> {
    pub resources: &'a dyn Resources,
    pub client: &'a outbound::Client,
    pub world: &'a World,
    pub max_response: u64,
    pub scripts: &'a Scripts,
}

/// Makes an attempt of a run of production, and counts it.
pub(super) async fn make(
    engine: &Engine,
    version: &Version,
    caller: Caller,
    command: Command,
) -> Event {
    let event = make_in(engine, &version.workspace, &version.plan, caller, command).await;
    if let Event::Attempted { result, .. } = &event {
        let outcome = result
            .as_ref()
            .map_or_else(|failure| failure.class.word(), |_| "succeeded");
        metrics::counter!("weir_attempts_total", "flow" => version.flow.clone(), "outcome" => outcome).increment(1);
    }
    event
}

/// Makes an attempt with the connections and secrets of a workspace.
pub(super) async fn make_in(
    engine: &Engine,
    workspace: &str,
    plan: &Plan,
    caller: Caller,
    command: Command,
) -> Event {
    if command.kind == CALL {
        return call::make(engine, workspace, caller, command).await;
    }
    let resources = Stored::of(engine, workspace);
    make_with(&Means::of(engine, &resources), plan, command).await
}

impl<'a> Means<'a> {
    fn of(engine: &'a Engine, resources: &'a dyn Resources) -> Self {
        Means {
            resources,
            client: &engine.0.client,
            world: engine.world(),
            max_response: engine.limits().max_response,
            scripts: &engine.0.scripts,
        }
    }

    /// A call with all of these that says nothing yet.
    fn call<'b>(
        &self,
        secrets: &'b dyn Secrets,
        timeout: Duration,
        idempotency_key: &'b str,
    ) -> Call<'b>
    where
        'a: 'b,
    {
        static NOTHING: Value = Value::Null;
        Call {
            config: &NOTHING,
            written: &NOTHING,
            script: None,
            scripts: self.scripts,
            connection: None,
            secrets,
            client: self.client,
            world: self.world,
            timeout,
            idempotency_key,
            max_response: self.max_response,
        }
    }

    /// The connection that is named, if one is.
    async fn connection(&self, name: Option<&str>) -> Result<Option<Connection>, Failure> {
        match name {
            None => Ok(None),
            Some(name) => self.resources.connection(name).await.map(Some),
        }
    }

    /// The secrets that a config and a connection name.
    async fn secrets(&self, written: &Value, connection: Option<&Connection>) -> AtHand {
        let mut in_config = Vec::new();
        secret_names(written, &mut in_config);
        let mut names: BTreeSet<&str> = in_config.into_iter().collect();
        names.extend(connection.into_iter().flat_map(Connection::secret_names));
        let mut found = BTreeMap::new();
        for name in names {
            found.insert(name.to_owned(), self.resources.get(name).await);
        }
        AtHand(found)
    }
}

/// The secrets of one call, read before it begins: what it waits for then is the other side alone.
struct AtHand(BTreeMap<String, Result<Secret, Absent>>);

impl Secrets for AtHand {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, Absent>> {
        let found = self.0.get(name).cloned().unwrap_or(Err(Absent::Unknown));
        async move { found }.boxed()
    }
}

/// Makes one poll: runs its script. `key` is the same for all polls from one cursor.
pub(super) async fn poll(
    engine: &Engine,
    workspace: &str,
    poll: &Poll,
    evaluation: &Evaluation,
    key: &str,
) -> Outcome {
    let resources = Stored::of(engine, workspace);
    let means = Means::of(engine, &resources);
    let timeout = Duration::from_millis(poll.timeout_ms);
    let asked = async {
        let connection = match means.connection(poll.connection.as_deref()).await {
            Ok(connection) => connection,
            Err(failure) => return failed(failure),
        };
        let secrets = means.secrets(&Value::Null, connection.as_ref()).await;
        let call = Call {
            script: Some(evaluation),
            connection: connection.as_ref(),
            ..means.call(&secrets, timeout, key)
        };
        bounded(&connectors::script::CONNECTOR, call).await
    };
    survived("poll", asked).await
}

/// Makes an attempt. Whatever happens inside, an event comes of it.
pub(super) async fn make_with(means: &Means<'_>, plan: &Plan, command: Command) -> Event {
    let timeout = Duration::from_millis(command.timeout_ms);
    let asked = connect(means, plan, &command, timeout);
    let Outcome { result, exchange } = survived(&command.kind, asked).await;
    command.ended(result.map(Arc::new), exchange.map(Arc::new))
}

/// Survives what goes wrong within a connector.
async fn survived(kind: &str, asked: impl Future<Output = Outcome>) -> Outcome {
    let survived = AssertUnwindSafe(asked).catch_unwind().await;
    survived.unwrap_or_else(|_| {
        failed(Failure::broken(format!(
            "the connector `{kind}` has a fault of its own; please report it with the server's log"
        )))
    })
}

/// Calls a connector, and bounds its time. That runs from when all is known that the call needs.
async fn bounded(connector: &connectors::Connector, call: Call<'_>) -> Outcome {
    let timeout = call.timeout;
    let outcome = tokio::time::timeout(timeout + MARGIN, (connector.call)(call)).await;
    outcome.unwrap_or_else(|_| {
        failed(Failure::new(
            Class::TimedOut,
            format!(
                "no answer within {} ms; what was asked may have happened",
                timeout.as_millis()
            ),
        ))
    })
}

fn failed(failure: Failure) -> Outcome {
    Outcome {
        result: Err(failure),
        exchange: None,
    }
}

async fn connect<'a>(
    means: &Means<'a>,
    plan: &Plan,
    command: &'a Command,
    timeout: Duration,
) -> Outcome {
    match prepare(means, plan, command).await {
        Err(failure) => failed(failure),
        Ok((connector, connection, written)) => {
            let secrets = means.secrets(&written, connection.as_ref()).await;
            let call = Call {
                config: &command.config,
                written: &written,
                script: command.script.as_ref(),
                connection: connection.as_ref(),
                ..means.call(&secrets, timeout, &command.idempotency_key)
            };
            bounded(connector, call).await
        }
    }
}

type Prepared = (
    &'static connectors::Connector,
    Option<Connection>,
    Arc<Value>,
);

async fn prepare(means: &Means<'_>, plan: &Plan, command: &Command) -> Result<Prepared, Failure> {
    let kind = &command.kind;
    if kind == CALL {
        return Err(Failure::broken(
            "flows call each other on a server only; mock this step, or run the flow there",
        ));
    }
    let connector = connectors::find(kind)
        .ok_or_else(|| Failure::broken(format!("this server has no connector `{kind}`")))?;
    let action = plan
        .find(&command.step)
        .and_then(|step| step.action(command.undo));
    let written = action
        .map(|action| Arc::clone(&action.written))
        .unwrap_or_default();
    let connection = means.connection(command.connection.as_deref()).await?;
    Ok((connector, connection, written))
}

/// The connections and secrets of a workspace, from the store.
struct Stored<'a> {
    store: &'a Store,
    sealer: &'a Sealer,
    workspace: &'a str,
}

impl<'a> Stored<'a> {
    fn of(engine: &'a Engine, workspace: &'a str) -> Self {
        Stored {
            store: engine.store(),
            sealer: &engine.0.sealer,
            workspace,
        }
    }
}

impl Secrets for Stored<'_> {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, Absent>> {
        async move {
            let read = patiently(|| self.store.secret(self.workspace, name)).await;
            unsealed(self.sealer, self.workspace, name, read)
        }
        .boxed()
    }
}

impl Resources for Stored<'_> {
    fn connection<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Connection, Failure>> {
        async move {
            let stored = patiently(|| self.store.connection(self.workspace, name)).await;
            let stored = stored.map_err(|error| Failure::new(Class::Transient, format!("the connection `{name}` cannot be read: {error}")))?;
            let Some(stored) = stored else {
                return Err(Failure::broken(format!("there is no connection `{name}`; create it under Connections and run this again")));
            };
            let document: Value = serde_json::from_str(&stored.document).map_err(|error| Failure::broken(format!("the connection `{name}` is damaged: {error}")))?;
            let read = Connection::read(&document).map(|(connection, _)| connection);
            read.map_err(|problems| {
                let first = problems.first().map(ToString::to_string).unwrap_or_default();
                Failure::broken(format!("the connection `{name}` is not right: {first}"))
            })
        }
        .boxed()
    }
}

/// What the database gives. Nothing has left yet: one that is gone for a while is waited for, and fails no step.
async fn patiently<T, F>(read: impl Fn() -> F) -> Result<T, store::Error>
where
    F: Future<Output = Result<T, store::Error>>,
{
    loop {
        match read().await {
            Err(store::Error::Unavailable(_) | store::Error::Busy) => {
                tokio::time::sleep(AGAIN).await;
            }
            read => return read,
        }
    }
}

/// Reads a sealed secret and opens it.
pub(super) async fn open_secret(
    store: &Store,
    sealer: &Sealer,
    workspace: &str,
    name: &str,
) -> Result<Secret, Absent> {
    unsealed(sealer, workspace, name, store.secret(workspace, name).await)
}

/// Opens a secret that was read.
fn unsealed(
    sealer: &Sealer,
    workspace: &str,
    name: &str,
    read: Result<Option<Vec<u8>>, store::Error>,
) -> Result<Secret, Absent> {
    let sealed = read.map_err(|error| Absent::Unavailable(error.to_string()))?;
    let sealed = sealed.ok_or(Absent::Unknown)?;
    sealer
        .open(workspace, name, &sealed)
        .map_err(|error| Absent::Sealed(error.to_string()))
}
