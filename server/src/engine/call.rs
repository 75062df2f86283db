//! Calls of other flows: each is a run of its own, started once and waited for.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot::{self, error::TryRecvError};
use uuid::Uuid;
use weir_flows::{
    advance::{Command, Event, idempotency_key},
    document::Message,
    failure::{Class, Failure},
    intake::{Admission, admit},
    plan::{Plan, Source},
    run::{Run, Status},
};

use super::{Engine, Error, Launch, Version, drive::Active, tenure::Tenure};
use crate::store;

/// How deep calls may stand in each other. A flow may call itself, and must come to an end.
const MOST_CALLS: usize = 10;

/// How often a call that cannot be started yet is tried again, a second apart.
const PATIENCE: usize = 60;

/// How often, and how long apart, a called run is cancelled that cannot be at the moment: for about a minute.
const CANCELS: (u32, Duration) = (12, Duration::from_secs(5));

/// How often it is looked whether a run has ended that this process does not have: about once a second.
const LOOK: Duration = Duration::from_millis(1_000);

/// What a called run gave.
type Called = Result<Arc<Value>, Failure>;

/// Those who wait for the ends of runs.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<Uuid, Vec<oneshot::Sender<Called>>>>);

impl Waiting {
    fn join(&self, run: Uuid) -> Joined<'_> {
        let (sender, told) = oneshot::channel();
        self.0.lock().entry(run).or_default().push(sender);
        Joined {
            waiting: self,
            run,
            told,
        }
    }

    /// Whether somebody in this process waits for a run.
    fn has(&self, run: Uuid) -> bool {
        let all = self.0.lock();
        let waiting = all.get(&run);
        waiting.is_some_and(|senders| senders.iter().any(|sender| !sender.is_closed()))
    }

    /// A run has ended on another server: whoever waits for it is to look at what is on disk.
    pub(super) fn look(&self, run: Uuid) {
        // Those who wait notice that nobody can tell them any more.
        self.0.lock().remove(&run);
    }

    /// Tells what a run gave, now that it has ended.
    pub(super) fn tell(&self, id: Uuid, plan: &Plan, run: &Run) {
        let waiting = self.0.lock().remove(&id);
        for sender in waiting.into_iter().flatten() {
            // Who has given up waiting reads it from the store.
            let _ = sender.send(outcome(plan, id, run));
        }
    }
}

/// One who waits for a run, for as long as this lives.
struct Joined<'a> {
    waiting: &'a Waiting,
    run: Uuid,
    told: oneshot::Receiver<Called>,
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        self.told.close();
        let mut all = self.waiting.0.lock();
        if let Some(senders) = all.get_mut(&self.run) {
            senders.retain(|sender| !sender.is_closed());
            if senders.is_empty() {
                all.remove(&self.run);
            }
        }
    }
}

/// Who calls.
#[derive(Clone)]
pub(super) struct Caller {
    /// The run.
    pub run: Uuid,
    /// As whom this server has it; nothing for a try, which is in no store.
    pub tenure: Option<Arc<Tenure>>,
}

impl Caller {
    /// The run, where it is in the store.
    fn stored(&self) -> Option<Uuid> {
        self.tenure.as_ref().map(|_| self.run)
    }
}

/// The id of the run that a step of another run calls, for one item. It is always the same, so that a call that was cut off finds
/// what it has started; and it begins as that of its caller, so that both stand close to each other.
pub fn called_run(caller: Uuid, step: &str, items: &[usize], undo: bool) -> Uuid {
    child_of(
        caller,
        &idempotency_key(&caller.to_string(), step, items, undo),
    )
}

fn child_of(caller: Uuid, key: &str) -> Uuid {
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&Sha256::digest(key)[..16]);
    // The time of a UUID of version 7 (RFC 9562 section 5.7).
    bytes[..6].copy_from_slice(&caller.as_bytes()[..6]);
    uuid::Builder::from_bytes(bytes)
        .with_version(uuid::Version::SortRand)
        .with_variant(uuid::Variant::RFC4122)
        .into_uuid()
}

/// Makes the attempt of a `call` step, or goes on with it. Whatever happens inside, an event comes of it.
pub(super) async fn make(
    engine: &Engine,
    workspace: &str,
    caller: Caller,
    command: Command,
) -> Event {
    let child = child_of(caller.run, &command.idempotency_key);
    let flow = command.config.get("flow").and_then(Value::as_str);
    let flow = flow.unwrap_or_default().to_owned();
    let timeout = Duration::from_millis(command.timeout_ms);
    let call = call(engine, workspace, &caller, child, &flow, &command);
    let result = tokio::time::timeout(timeout, call).await;
    let result = result.unwrap_or_else(|_| {
        let message = format!(
            "the run {child} of `{flow}` has not ended in time; it goes on, and may still do what it was called for"
        );
        Err(Failure::new(Class::TimedOut, message))
    });
    let exchange = json!({ "request": { "flow": flow, "run": child.to_string() } });
    command.ended(result, Some(Arc::new(exchange)))
}

/// Why a call was not started.
enum Unstarted {
    /// It may be possible in a moment.
    Later(String),
    Never(Failure),
}

impl From<Failure> for Unstarted {
    fn from(failure: Failure) -> Self {
        Unstarted::Never(failure)
    }
}

impl From<store::Error> for Unstarted {
    fn from(error: store::Error) -> Self {
        Unstarted::Later(error.to_string())
    }
}

async fn call(
    engine: &Engine,
    workspace: &str,
    caller: &Caller,
    child: Uuid,
    flow: &str,
    command: &Command,
) -> Called {
    // Joined before it starts: a short run has ended before anybody could look.
    let mut joined = engine.0.waiting.join(child);
    let mut tries = 0;
    while let Err(why) = started(engine, workspace, caller, child, flow, command).await {
        match why {
            Unstarted::Never(failure) => return Err(failure),
            Unstarted::Later(message) if tries == PATIENCE => {
                let message = format!("`{flow}` cannot be called: {message}");
                return Err(Failure::new(Class::Transient, message));
            }
            Unstarted::Later(_) => {
                tries += 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    loop {
        match joined.told.try_recv() {
            Ok(called) => return called,
            Err(TryRecvError::Closed) => joined = engine.0.waiting.join(child),
            Err(TryRecvError::Empty) => {}
        }
        // A run that this process has tells of its end before it is let go.
        if !engine.0.underway.has(child)
            && let Some(called) = on_disk(engine, workspace, child).await
        {
            // What was told meanwhile knows more where the history is not kept.
            return joined.told.try_recv().unwrap_or(called);
        }
        tokio::select! {
            told = &mut joined.told => match told {
                Ok(called) => return called,
                // Another server says that it has ended.
                Err(_) => joined = engine.0.waiting.join(child),
            },
            () = tokio::time::sleep(engine.jitter(LOOK)) => {}
        }
    }
}

/// Starts the run, unless that was done before.
async fn started(
    engine: &Engine,
    workspace: &str,
    caller: &Caller,
    child: Uuid,
    flow: &str,
    command: &Command,
) -> Result<(), Unstarted> {
    if engine.store().run(workspace, child).await?.is_some() {
        return Ok(());
    }
    let depth = depth(engine, workspace, caller).await?;
    if depth >= MOST_CALLS {
        return Err(Failure::broken(format!(
            "calls stand in each other {MOST_CALLS} deep already; does `{flow}` call itself without an end?"
        ))
        .into());
    }
    let version = callable(engine, workspace, flow)?;
    let found = version
        .plan
        .triggers
        .iter()
        .find(|(_, trigger)| matches!(trigger.source, Source::Flow) && !trigger.disabled);
    let Some((id, trigger)) = found else {
        return Err(Failure::broken(format!(
            "version {} of `{flow}` has no trigger of the kind `flow` that is switched on; add one and publish it",
            version.number
        ))
        .into());
    };
    let entrance = engine.entrance(&version, id).await;
    let entrance = entrance.map_err(|error| Unstarted::Later(error.to_string()))?;
    // As whom the caller is driven: once others have that, nothing is started for it here.
    let tenure = match &caller.tenure {
        Some(tenure) => Ok(Arc::clone(tenure)),
        None => engine.tenure(),
    };
    let tenure = tenure.map_err(|error| Unstarted::Later(error.to_string()))?;
    let message = Message {
        body: command.config.get("input").cloned().unwrap_or_default(),
        ..Message::default()
    };
    let stamp = engine.stamp();
    let message = match admit(id, "flow", trigger, message, stamp, &engine.bounds()) {
        Admission::Accepted { message, .. } => message,
        Admission::Filtered => return Err(refused(flow, "its trigger's filter lets no run start")),
        Admission::Refused(problems) => {
            let first = problems.first().map(ToString::to_string);
            return Err(refused(flow, &first.unwrap_or_default()));
        }
        Admission::Failed(failure) => return Err(failure.into()),
    };
    let run = Run::new(
        &version.plan,
        &engine.identity(&version, child),
        id,
        message,
        stamp.now_ms,
    );
    let launch = Launch {
        tenure,
        version: Arc::clone(&version),
        id: child,
        run,
        entrance,
        stamp,
        dedupe: None,
        fire: None,
        alone: false,
        parent: caller.stored(),
        replay: None,
    };
    let whole = engine.clone();
    // A run on disk must not be parted from its driver.
    let launched = engine.whole(async move { whole.launch(launch).await });
    match launched.await {
        Ok(_) => Ok(()),
        Err(error) => Err(Unstarted::Later(error.to_string())),
    }
}

fn refused(flow: &str, why: &str) -> Unstarted {
    let message = format!("`{flow}` does not take this input: {why}");
    Unstarted::Never(Failure::new(Class::Rejected, message))
}

/// The version of a flow that production runs.
fn callable(engine: &Engine, workspace: &str, flow: &str) -> Result<Arc<Version>, Failure> {
    match engine.published(workspace, flow) {
        None => Err(Failure::broken(format!(
            "there is no published version of a flow `{flow}`; create it and publish it, then run this again"
        ))),
        Some(published) if !published.enabled => Err(Failure::new(
            Class::Rejected,
            format!("the flow `{flow}` is switched off; switch it on, then run this again"),
        )),
        Some(published) => Ok(published.version),
    }
}

/// How many calls stand around what a run calls, which must not have ended.
async fn depth(engine: &Engine, workspace: &str, caller: &Caller) -> Result<usize, Unstarted> {
    let mut depth = 0;
    let mut here = caller.stored();
    while let Some(id) = here.filter(|_| depth < MOST_CALLS) {
        let row = engine.store().run(workspace, id).await?;
        if row
            .as_ref()
            .is_some_and(|row| id == caller.run && row.status.is_final())
        {
            let message = "the caller ended before this was called";
            return Err(Failure::new(Class::Rejected, message).into());
        }
        here = row.and_then(|row| row.parent);
        depth += usize::from(here.is_some());
    }
    Ok(depth)
}

/// What a run gave, where the store says that it has ended.
async fn on_disk(engine: &Engine, workspace: &str, child: Uuid) -> Option<Called> {
    let row = engine.store().run(workspace, child).await.ok()??;
    if !row.status.is_final() {
        return None;
    }
    let recorded = engine.run(workspace, child).await.ok()??;
    if recorded.kept {
        return Some(outcome(&recorded.plan, child, &recorded.run));
    }
    let message = format!(
        "the run {child} of `{}` has ended as `{}`, but its history is not kept, so what it gave is gone; the setting `history` of that flow decides that",
        row.flow,
        row.status.as_str()
    );
    Some(Err(Failure::broken(message)))
}

/// What a run gave that has ended: what it answered, else the output of its last step.
fn outcome(plan: &Plan, id: Uuid, run: &Run) -> Called {
    let flow = &plan.flow.id;
    match (run.status, &run.failure) {
        (Status::Succeeded, _) => Ok(match &run.reply {
            Some(reply) => Arc::clone(&reply.body),
            None => run.result(),
        }),
        (Status::Failed, Some(failure)) => Err(Failure {
            message: match &failure.step {
                Some(step) => format!(
                    "run {id} of `{flow}`, step `{step}`: {}",
                    failure.failure.message
                ),
                None => format!("run {id} of `{flow}`: {}", failure.failure.message),
            },
            at: None,
            ..Failure::clone(&failure.failure)
        }),
        _ => Err(Failure::new(
            Class::Rejected,
            format!("the run {id} of `{flow}` was cancelled"),
        )),
    }
}

/// Whether the caller of a run waits for it, and not in this process: then what the run gives must be on disk.
pub(super) async fn is_awaited_elsewhere(engine: &Engine, active: &Active) -> bool {
    let Some(parent) = active.parent else {
        return false;
    };
    if engine.0.waiting.has(active.id) {
        return false;
    }
    let parent = engine.store().run(&active.version.workspace, parent).await;
    // Nobody waits in a run that has ended.
    parent.map_or(true, |row| row.is_some_and(|row| !row.status.is_final()))
}

impl Engine {
    /// Cancels what a run that is being cancelled has called, wherever that is. Should this process stop before it is done,
    /// whoever takes the caller up does it, or once that has ended, whoever has the called run.
    pub(super) fn cancel_called(&self, workspace: &str, called: Vec<Uuid>, undo: bool) {
        for id in called {
            let (engine, workspace) = (self.clone(), workspace.to_owned());
            self.0.tasks.spawn(async move {
                for _ in 0..CANCELS.0 {
                    let note = Some("its caller was cancelled".to_owned());
                    match engine.cancel(&workspace, id, undo, None, note).await {
                        // One that has ended, or was not started, needs nothing.
                        Ok(_)
                        | Err(Error::Conflict(_) | Error::NotFound(_) | Error::Stopping) => return,
                        Err(error) => {
                            tracing::warn!(run = %id, %error, "a called run was not cancelled with its caller yet; trying again");
                        }
                    }
                    tokio::select! {
                        () = tokio::time::sleep(CANCELS.1) => {}
                        () = engine.stopping() => return,
                    }
                }
                tracing::error!(run = %id, "a called run was not cancelled with its caller; cancel it by hand if it goes on");
            });
        }
    }
}

/// The runs that these commands call.
pub(super) fn called(caller: Uuid, commands: &[Command]) -> Vec<Uuid> {
    let keys = commands.iter().map(|command| &command.idempotency_key);
    keys.map(|key| child_of(caller, key)).collect()
}
