//! The engine: takes messages, drives runs turn by turn, fires schedules, takes up what was left.

mod alone;
mod answers;
mod asking;
mod attempt;
mod cache;
mod call;
mod claim;
mod crowd;
mod drafts;
mod drive;
mod gate;
mod launch;
mod limits;
mod line;
pub mod local;
mod others;
mod poll;
mod publish;
mod recover;
mod registry;
mod replay;
mod reply;
mod retention;
mod schedule;
#[cfg(test)]
mod simulation;
mod tenure;
mod tries;
mod underway;

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use tokio::sync::{RwLock, Semaphore, broadcast};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;
use weir_flows::{
    advance::{Stamp, Turn},
    catalog::Catalog,
    check::Names,
    document::{History, Message},
    failure::Failure,
    intake::{Admission, admit},
    plan::Plan,
    problem::Problem,
    record::Record,
    run::{Identity, Run, Status, StepStatus},
    script::Bounds,
};

pub use alone::Unstarted;
pub use answers::{Given, Question, Reception};
pub use call::called_run;
pub use drafts::FlowChange;
pub use limits::{Limits, PollLimits, TryLimits};
pub use publish::PublishedNow;
pub use registry::{Match, Published, Routed, Version};
pub use replay::{ReplayPlan, ReplayRequest};
pub use reply::{Answer, ReplyWaiter};
pub use retention::Retention;
pub use tries::{Actions, Begun, Drafted, Try, size};

use crate::{
    connectors::script::Scripts,
    outbound,
    secrets::{Absent, Sealer, Secret},
    store::{self, Lease, Standing, Store},
    world::World,
};
use cache::Cache;
use crowd::Crowd;
use drive::Active;
use gate::Gate;
use launch::Launch;
use limits::{calling_scripts, script_bounds};
use others::Others;
use registry::Registry;
use reply::Waiting;
use tenure::Tenure;
use tries::Tries;
use underway::Underway;

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Store,
    world: World,
    catalog: Catalog,
    limits: Limits,
    sealer: Sealer,
    client: outbound::Client,
    /// What the links begin with that lead to this server.
    address: String,
    scripts: Scripts,
    /// One for each poll that may be underway.
    polls: Arc<Semaphore>,
    registry: Registry,
    changes: broadcast::Sender<Arc<Change>>,
    flow_changes: broadcast::Sender<Arc<FlowChange>>,
    crowd: Crowd,
    stopping: CancellationToken,
    tasks: TaskTracker,
    schedule_changed: tokio::sync::Notify,
    /// Written by who publishes, switches or deletes a flow or follows what others did so, read by who writes a draft.
    publishing: RwLock<()>,
    /// How the flows stood when that was told last.
    standings: Mutex<HashMap<(String, String), Standing>>,
    tenure: ArcSwap<Tenure>,
    /// There may be runs that nobody has.
    claims: tokio::sync::Notify,
    answers: answers::Answers,
    others: Others,
    tries: Tries,
    underway: Underway,
    waiting: call::Waiting,
    gate: Gate,
    cache: Cache,
    started_at: i64,
}

/// How a run has moved, for those who watch.
#[derive(Clone, Debug)]
pub struct Change {
    /// The workspace.
    pub workspace: String,
    /// The run.
    pub run: Uuid,
    /// Its flow.
    pub flow: String,
    /// Its version.
    pub version: u32,
    /// Its trigger.
    pub trigger: String,
    /// How it stands.
    pub status: Status,
    /// When this was, in milliseconds.
    pub at: i64,
    /// How its steps stand; nothing where it is with another server, whose word this is.
    pub steps: Option<Vec<(String, StepStatus)>>,
    /// How many further runs of another server have moved, of which nothing more is told.
    pub more: u64,
}

/// A message that has arrived at a trigger.
pub struct Arrival {
    /// The version it is for.
    pub version: Arc<Version>,
    /// The trigger.
    pub trigger: String,
    /// The message.
    pub message: Message,
    /// The key under which it is accepted once, where the trigger has no expression of its own.
    pub dedupe: Option<String>,
    /// The fire of a schedule that it comes from.
    pub fire: Option<store::Fire>,
    /// Whether it is known that no run of this trigger is underway on any server.
    pub alone: bool,
}

/// What became of a message.
pub enum Accepted {
    /// It is on disk and its run is underway or over.
    Run(Started),
    /// The same message was accepted before; this is its run.
    Duplicate(Uuid),
    /// The trigger's filter lets no run start.
    Filtered,
    /// The body does not satisfy the trigger's schema.
    Refused(Vec<Problem>),
    /// Somebody else has fired this instant of the schedule.
    AlreadyFired,
}

/// A run that was started.
pub struct Started {
    /// Its id.
    pub id: Uuid,
    /// Tells what to answer.
    pub reply: ReplyWaiter,
}

/// Why the engine refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too much is underway.
    #[error(
        "too much is underway, or too much of this flow; nothing was taken, try again in a moment"
    )]
    Busy,
    /// Too many tries are underway, or they hold too much.
    #[error(
        "too many tries are underway, or they hold too much; wait until one has ended, or stop one"
    )]
    TooManyTries,
    /// The process is stopping.
    #[error("the server is stopping; nothing was taken, try again in a moment")]
    Stopping,
    /// The document has errors.
    #[error("the document has errors")]
    Problems(Vec<Problem>),
    /// The body of a message does not satisfy the schema of its trigger; places are within the body.
    #[error("the body does not satisfy the schema of the trigger")]
    Message(Vec<Problem>),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be done as things stand.
    #[error("{0}")]
    Conflict(String),
    /// The trigger's own scripts failed.
    #[error("{0}")]
    Script(Failure),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A run as it was recorded.
pub struct Recorded {
    /// Its row.
    pub row: store::Run,
    /// The version it ran on.
    pub plan: Arc<Plan>,
    /// Its state, rebuilt from the journal.
    pub run: Run,
    /// The journal.
    pub records: Vec<Record>,
    /// Whether message and records were kept.
    pub kept: bool,
}

#[cfg(test)]
impl Engine {
    /// An engine on a store, with its own data in a folder, which may call every address.
    async fn on(store: Store, world: &World, dir: &std::path::Path, limits: Limits) -> Engine {
        let sealer = Sealer::load(None, dir, world).unwrap();
        let settings = outbound::Settings {
            allow: outbound::Allow::everything(),
            ..outbound::Settings::default()
        };
        let client = outbound::Client::new(&settings).unwrap();
        let address = "http://weir.test";
        let started = Engine::start(store, world.clone(), sealer, client, address, limits);
        started.await.unwrap()
    }
}

impl Engine {
    /// Starts the engine: listens to what is published, and takes up what was underway. Links to this server begin with `address`.
    pub async fn start(
        store: Store,
        world: World,
        sealer: Sealer,
        client: outbound::Client,
        address: &str,
        limits: Limits,
    ) -> Result<Engine, Error> {
        let server = store.register(world.id()).await?;
        if let Lease::Held(held) = &*store.lease().borrow() {
            tenure::heed(&world, held);
        }
        let engine = Engine(Arc::new(Inner {
            started_at: world.now_ms(),
            crowd: Crowd::new(limits.active_runs, limits.line_runs),
            scripts: calling_scripts(&limits),
            polls: Arc::new(Semaphore::new(limits.polls.underway)),
            catalog: crate::connectors::catalog(),
            registry: Registry::default(),
            changes: broadcast::channel(1024).0,
            flow_changes: broadcast::channel(256).0,
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            schedule_changed: tokio::sync::Notify::new(),
            publishing: RwLock::new(()),
            standings: Mutex::default(),
            tenure: ArcSwap::new(Tenure::new(server)),
            claims: tokio::sync::Notify::new(),
            answers: answers::Answers::default(),
            address: address.trim_end_matches('/').to_owned(),
            others: Others::default(),
            tries: Tries::new(limits.tries.clone()),
            underway: Underway::default(),
            waiting: call::Waiting::default(),
            gate: Gate::new(world.clone(), limits.limit_keys),
            cache: Cache::new(limits.cache_entries, limits.cache_memory),
            store,
            world,
            limits,
            sealer,
            client,
        }));
        others::count(&engine).await?;
        let counted = engine.load_published().await?;
        let again = engine.clone();
        engine.0.tasks.spawn(async move {
            // What was underway stands in line before what a schedule starts.
            if let Err(error) = claim::take(&again).await {
                tracing::warn!(%error, "the runs that were underway could not be taken up yet; trying again");
            }
            tokio::join!(
                claim::take_when_due(again.clone()),
                schedule::fire_when_due(again.clone())
            );
        });
        let tasks = &engine.0.tasks;
        tasks.spawn(tenure::keep(engine.clone()));
        tasks.spawn(answers::hand_over(engine.clone()));
        tasks.spawn(others::watch(engine.clone(), counted));
        tasks.spawn(others::tell(engine.clone()));
        tasks.spawn(tries::forget_when_due(engine.clone()));
        tasks.spawn(retention::forget_when_due(engine.clone()));
        Ok(engine)
    }

    /// Takes nothing more from here on; what is underway goes on.
    pub fn stop_taking(&self) {
        self.0.stopping.cancel();
    }

    /// Stops: takes nothing more, lets what is in flight end within the grace time, closes the store.
    pub async fn stop(&self) {
        self.stop_taking();
        let tenure = self.0.tenure.load_full();
        self.0.tasks.close();
        tenure.runs.close();
        let ended = async { tokio::join!(self.0.tasks.wait(), tenure.runs.wait()) };
        if tokio::time::timeout(self.0.limits.grace, ended)
            .await
            .is_err()
        {
            tracing::warn!(
                runs = tenure.runs.len(),
                "some attempts did not end in time; their runs go on elsewhere, or at the next start"
            );
        }
        self.0.store.close().await;
    }

    /// Resolves once the engine is asked to stop.
    pub async fn stopping(&self) {
        self.0.stopping.cancelled().await;
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The time and the dice.
    pub fn world(&self) -> &World {
        &self.0.world
    }

    /// Every kind of trigger and step.
    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// When the process started, in milliseconds.
    pub fn started_at(&self) -> i64 {
        self.0.started_at
    }

    /// How runs move from here on.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Change>> {
        self.0.changes.subscribe()
    }

    /// The servers on this database, this one among them, and which of them this one is.
    pub async fn servers(&self) -> Result<(Uuid, Vec<store::Server>), Error> {
        let id = self.0.tenure.load().server;
        let mut servers = self.store().servers().await?;
        if self.store().kind() == store::Kind::Sqlite {
            servers.push(store::Server {
                id,
                name: String::new(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                started_at: self.started_at(),
            });
        }
        Ok((id, servers))
    }

    /// How many runs this process has in memory.
    pub fn underway(&self) -> usize {
        self.0.crowd.underway()
    }

    /// The trigger that listens to a request.
    pub fn route(&self, workspace: &str, method: &str, path: &[String]) -> Routed {
        self.0.registry.route(workspace, method, path)
    }

    /// What production runs of a flow.
    pub fn published(&self, workspace: &str, flow: &str) -> Option<Published> {
        self.0.registry.published(workspace, flow)
    }

    /// The connections and secrets that exist.
    pub async fn names(&self, workspace: &str) -> Result<Names, Error> {
        let connections = self.store().connections(workspace, None, u32::MAX).await?;
        let secrets = self.store().secrets(workspace, None, u32::MAX).await?;
        let flows = self.store().flow_ids(workspace).await?;
        Ok(Names {
            flows: Some(flows.into_iter().collect()),
            connections: connections
                .into_iter()
                .map(|connection| connection.name)
                .collect(),
            secrets: secrets.into_iter().map(|secret| secret.name).collect(),
        })
    }

    /// A secret, opened.
    pub async fn secret(&self, workspace: &str, name: &str) -> Result<Secret, Absent> {
        attempt::open_secret(&self.0.store, &self.0.sealer, workspace, name).await
    }

    /// Seals and stores a secret.
    pub async fn put_secret(
        &self,
        workspace: &str,
        name: &str,
        secret: &Secret,
    ) -> Result<(), Error> {
        let sealed = self.0.sealer.seal(workspace, name, secret, &self.0.world);
        Ok(self
            .store()
            .put_secret(workspace, name, sealed, self.world().now_ms())
            .await?)
    }

    /// Takes a message. When this returns `Run`, the message is on disk and its run will end.
    pub async fn accept(&self, arrival: Arrival) -> Result<Accepted, Error> {
        let engine = self.clone();
        // A message on disk must not be parted from its run.
        self.whole(async move { engine.take(arrival).await }).await
    }

    /// Does something to its end, in a task of its own, whether or not its caller hangs up in between.
    async fn whole<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let done = self.0.tasks.spawn(work).await;
        done.unwrap_or_else(|error| {
            Err(Error::Conflict(format!(
                "this broke down halfway: {error}; look at what was done, and report it with the server's log"
            )))
        })
    }

    async fn take(&self, arrival: Arrival) -> Result<Accepted, Error> {
        let inner = &self.0;
        if inner.stopping.is_cancelled() {
            return Err(Error::Stopping);
        }
        let Arrival {
            version,
            trigger,
            message,
            dedupe,
            fire,
            alone,
        } = arrival;
        let plan = &version.plan;
        let compiled = plan
            .triggers
            .get(&trigger)
            .ok_or_else(|| Error::NotFound(no_trigger(&version, &trigger)))?;
        let entrance = self.entrance(&version, &trigger).await?;
        let kind = plan
            .flow
            .triggers
            .get(&trigger)
            .map_or("", |trigger| trigger.kind.as_str());
        let stamp = self.stamp();
        let (message, own_key) =
            match admit(&trigger, kind, compiled, message, stamp, &self.bounds()) {
                Admission::Accepted { message, dedupe } => (message, dedupe),
                Admission::Filtered => return self.filtered(&version, &trigger, fire).await,
                Admission::Refused(problems) => return Ok(Accepted::Refused(problems)),
                Admission::Failed(failure) => return Err(Error::Script(failure)),
            };
        let id = inner.world.id();
        let identity = self.identity(&version, id);
        let run = Run::new(plan, &identity, &trigger, message, stamp.now_ms);
        self.launch(Launch {
            tenure: self.tenure()?,
            version,
            id,
            run,
            entrance,
            stamp,
            dedupe: own_key.or(dedupe),
            fire,
            alone,
            parent: None,
            replay: None,
        })
        .await
    }

    /// A fire of a schedule whose filter is false still consumes its instant.
    async fn filtered(
        &self,
        version: &Version,
        trigger: &str,
        fire: Option<store::Fire>,
    ) -> Result<Accepted, Error> {
        if let Some(fire) = fire {
            self.store()
                .skip_fire(&version.workspace, &version.flow, trigger, fire)
                .await?;
        }
        Ok(Accepted::Filtered)
    }

    /// A run as it was recorded; `None` where there is none.
    pub async fn run(&self, workspace: &str, id: Uuid) -> Result<Option<Recorded>, Error> {
        let Some(row) = self.store().run(workspace, id).await? else {
            return Ok(None);
        };
        let version = self.version(workspace, &row.flow, row.version).await?;
        let (run, records, kept) = recover::restore(self, &row, &version.plan).await?;
        Ok(Some(Recorded {
            row,
            plan: Arc::clone(&version.plan),
            run,
            records,
            kept,
        }))
    }

    /// Who a run of a version is.
    fn identity(&self, version: &Version, id: Uuid) -> Identity {
        let id = id.to_string();
        Identity {
            callbacks: self.callbacks(&version.plan, &version.workspace, &id),
            id,
            flow: version.flow.clone(),
            version: version.number,
            workspace: version.workspace.clone(),
        }
    }

    /// The time and the dice of a turn.
    fn stamp(&self) -> Stamp {
        Stamp {
            now_ms: self.0.world.now_ms(),
            dice: self.0.world.dice(),
        }
    }

    /// The bounds of the scripts of one turn, whose time starts now.
    fn bounds(&self) -> Bounds {
        script_bounds(&self.0.limits, &self.0.world)
    }

    fn announce(&self, active: &Active, at: i64) {
        let change = || Change {
            workspace: active.version.workspace.clone(),
            run: active.id,
            flow: active.version.flow.clone(),
            version: active.version.number,
            trigger: active.run.trigger.clone(),
            status: active.run.status,
            at,
            steps: None,
            more: 0,
        };
        self.tell_others(change);
        if self.0.changes.receiver_count() == 0 {
            return;
        }
        let steps = active.version.plan.steps.iter().zip(&active.run.steps);
        let steps = steps.map(|(step, state)| (step.id.clone(), state.status));
        // Nobody listening any more is no error.
        let _ = self.0.changes.send(Arc::new(Change {
            steps: Some(steps.collect()),
            ..change()
        }));
    }

    fn ended(&self, active: &Active) {
        let plan = &active.version.plan;
        self.0.waiting.tell(active.id, plan, &active.run);
        let labels = [
            ("flow", active.version.flow.clone()),
            ("status", active.run.status.word().to_owned()),
        ];
        metrics::counter!("weir_runs_ended_total", &labels).increment(1);
    }
}

/// The row of one turn.
fn turn_row(
    plan: &Plan,
    run: &Run,
    turn: &Turn,
    seq: u32,
    at: i64,
    server: Uuid,
) -> Result<store::Turn, Error> {
    let keep = match plan.flow.settings.history {
        History::Full => true,
        History::Failures => run.status != Status::Succeeded,
        History::None => false,
    };
    let failure = run
        .failure
        .as_ref()
        .map(|failure| text(&weir_flows::advance::summary(failure)))
        .transpose()?;
    Ok(store::Turn {
        seq,
        at,
        records: text(&turn.records)?,
        status: status(run.status),
        wake_at: run.wake_at(plan),
        failure,
        cause: run
            .failure
            .as_ref()
            .filter(|_| run.status == Status::Failed)
            .map(|failure| {
                Box::new(store::Cause {
                    flow: plan.flow.id.clone(),
                    step: failure.step.clone(),
                    class: failure.failure.class.word().to_owned(),
                })
            }),
        awaited: answers::left(plan, &turn.records),
        history: if keep {
            store::History::Keep
        } else {
            store::History::Drop
        },
        server: Some(server),
        parked_until: None,
    })
}

/// The store's word for a status.
fn status(status: Status) -> store::Status {
    match status {
        Status::Running => store::Status::Running,
        Status::Waiting => store::Status::Waiting,
        Status::Succeeded => store::Status::Succeeded,
        Status::Failed => store::Status::Failed,
        Status::Cancelled => store::Status::Cancelled,
    }
}

fn text(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|error| Error::Conflict(format!("a value cannot be written as JSON: {error}")))
}

fn no_trigger(version: &Version, trigger: &str) -> String {
    let known: Vec<&str> = version.plan.triggers.keys().map(String::as_str).collect();
    format!(
        "version {} of flow `{}` has no trigger `{trigger}`; it has: {}",
        version.number,
        version.flow,
        known.join(", ")
    )
}

/// Path parameters by name.
pub type Params = Map<String, Value>;
