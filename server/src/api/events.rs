//! Live changes as server-sent events: of one run with its steps, or of all runs and flows.

use std::{
    collections::BTreeMap, convert::Infallible, ops::ControlFlow, sync::Arc, time::Duration,
};

use axum::{
    extract::State,
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::{Stream, stream};
use serde::Serialize;
use tokio::sync::{
    OwnedSemaphorePermit,
    broadcast::{Receiver, error::RecvError},
};
use utoipa::ToSchema;
use uuid::Uuid;
use weir_flows::{
    plan::Plan,
    run::{Run, StepStatus, rfc3339},
};

use super::{
    App, WORKSPACE,
    extract::{Path, no_run, run_id},
    problem::{Answer, Code, Problem},
    runs::{RunStatus, StepWord},
};
use crate::{engine, engine::Change, store};

/// How often an idle stream says that it is alive, so that no proxy closes it.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often a run is looked at that may move on another server.
const LOOK: Duration = Duration::from_secs(2);

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct RunChange {
    /// The run.
    run: String,
    /// How it stands.
    status: RunStatus,
    /// How its steps stand, by id. Empty where the flow keeps no history and the run has ended.
    steps: BTreeMap<String, StepWord>,
}

/// How a run has moved.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct WorkspaceChange {
    /// The run.
    run: String,
    /// Its flow.
    flow: String,
    /// Its version.
    version: u32,
    /// Its trigger.
    trigger: String,
    /// How it stands.
    status: RunStatus,
    /// When this was.
    #[schema(format = DateTime)]
    at: String,
}

/// How a flow stands after its draft was written or deleted, after it was published, and after it was switched on or off, paused or resumed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct FlowChange {
    /// The flow.
    #[schema(example = "order-intake")]
    flow: String,
    /// The revision of its draft, which its `ETag` names; null where the flow was deleted.
    revision: Option<u32>,
    /// The version that production runs; null where there is none.
    version: Option<u32>,
    /// Whether its triggers are listened to, once it is published; false where the flow was deleted.
    enabled: bool,
    /// Whether what arrives waits until the flow is resumed.
    paused: bool,
    /// When this was.
    #[schema(format = DateTime)]
    at: String,
}

/// What is told of a workspace: `event: change` how a run has moved, `event: flow` how a flow stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum WorkspaceEvent {
    /// `event: change`
    Run(WorkspaceChange),
    /// `event: flow`
    Flow(FlowChange),
}

/// Follow a run
///
/// `event: change`: first how the run stands now, then after each turn. The stream ends once the run has ended.
#[utoipa::path(get, path = "/api/v1/runs/{run}/events", tag = "Live", operation_id = "follow_run",
    params(("run" = String, Path, description = "The id of the run.")),
    responses(
        (status = 200, description = "The changes.", body = RunChange, content_type = "text/event-stream"),
        (status = 404, description = "There is no such run."),
        (status = 503, description = "Too many streams are open."),
    ))]
pub(super) async fn of_run(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let place = place(&app)?;
    // Listening starts before the snapshot, so that nothing is missed in between.
    let changes = app.engine().changes();
    let run = run_id(&id)?;
    let first = snapshot(&app, run).await?.ok_or_else(|| no_run(&id))?;
    let elsewhere = app.engine().store().kind() == store::Kind::Postgresql;
    let follow = Follow {
        app,
        run,
        changes,
        next: Some(first),
        sent: None,
        elsewhere,
        _place: place,
    };
    let events = stream::unfold(follow, |mut follow| async move {
        let change = follow.next().await?;
        Some((Ok(event("change", &change)), follow))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Follow all runs and flows
///
/// `event: change` for every turn of every run. `event: flow` for every flow whose draft was written or deleted, that was
/// published, or that was switched on or off: who shows a draft learns so that it has moved on. A draft's `revision` only
/// grows, so that of two the larger one is the later. On PostgreSQL the changes of other servers are told, too, about a second
/// later, and of runs that move quickly only the last. `event: missed` says that changes are missing here, because this stream
/// was too slow or another server had too many of them, so that lists should be read again.
#[utoipa::path(get, path = "/api/v1/events", tag = "Live", operation_id = "follow_all",
    responses(
        (status = 200, description = "The changes.", body = WorkspaceEvent, content_type = "text/event-stream"),
        (status = 503, description = "Too many streams are open."),
    ))]
pub(super) async fn of_all(
    State(app): State<App>,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let place = place(&app)?;
    let follow = FollowAll {
        runs: app.engine().changes(),
        flows: app.engine().flow_changes(),
        app,
        _place: place,
    };
    let events = stream::unfold(follow, |mut follow| async move {
        let event = follow.next().await?;
        Some((Ok(event), follow))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// One stream that follows a workspace.
struct FollowAll {
    app: App,
    runs: Receiver<Arc<Change>>,
    flows: Receiver<Arc<engine::FlowChange>>,
    _place: OwnedSemaphorePermit,
}

impl FollowAll {
    /// The next event; `None` once the server stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let heard = tokio::select! {
                received = self.runs.recv() => match received {
                    Ok(change) if change.more > 0 => {
                        return Some(missed(change.more.saturating_add(1)));
                    }
                    received => heard(received, WorkspaceEvent::of_run),
                },
                received = self.flows.recv() => heard(received, WorkspaceEvent::of_flow),
                () = self.app.engine().stopping() => return None,
            };
            match heard {
                ControlFlow::Continue(Some(event)) => return Some(event),
                ControlFlow::Continue(None) => {}
                ControlFlow::Break(()) => return None,
            }
        }
    }
}

/// What to send for what was received: nothing for what is of another workspace.
fn heard<T>(
    received: Result<Arc<T>, RecvError>,
    told: impl FnOnce(&T) -> Option<WorkspaceEvent>,
) -> ControlFlow<(), Option<Event>> {
    match received {
        Ok(change) => ControlFlow::Continue(told(&change).map(|told| event(told.name(), &told))),
        Err(RecvError::Lagged(count)) => ControlFlow::Continue(Some(missed(count))),
        Err(RecvError::Closed) => ControlFlow::Break(()),
    }
}

fn missed(count: u64) -> Event {
    Event::default()
        .event("missed")
        .data(format!("{{\"missed\":{count}}}"))
}

impl WorkspaceEvent {
    fn name(&self) -> &'static str {
        match self {
            WorkspaceEvent::Run(_) => "change",
            WorkspaceEvent::Flow(_) => "flow",
        }
    }

    fn of_run(change: &Change) -> Option<WorkspaceEvent> {
        let ours = change.workspace == WORKSPACE;
        ours.then(|| WorkspaceEvent::Run(WorkspaceChange::of(change)))
    }

    fn of_flow(change: &engine::FlowChange) -> Option<WorkspaceEvent> {
        let ours = change.workspace == WORKSPACE;
        ours.then(|| WorkspaceEvent::Flow(FlowChange::of(change)))
    }
}

impl FlowChange {
    fn of(change: &engine::FlowChange) -> FlowChange {
        FlowChange {
            flow: change.flow.clone(),
            revision: change.standing.map(|standing| standing.revision),
            version: change.standing.and_then(|standing| standing.version),
            enabled: change.standing.is_some_and(|standing| standing.enabled),
            paused: change.standing.is_some_and(|standing| standing.paused),
            at: rfc3339(change.at),
        }
    }
}

/// One stream that follows a run.
struct Follow {
    app: App,
    run: Uuid,
    changes: Receiver<Arc<Change>>,
    /// What to send at once.
    next: Option<RunChange>,
    /// What was sent last.
    sent: Option<RunChange>,
    /// Whether another server may drive the run, whose changes are not heard here.
    elsewhere: bool,
    _place: OwnedSemaphorePermit,
}

impl Follow {
    /// The next change; `None` once the run has ended or the server stops.
    async fn next(&mut self) -> Option<RunChange> {
        if self.sent.as_ref().is_some_and(RunChange::is_last) {
            return None;
        }
        loop {
            let change = match self.next.take() {
                Some(first) => first,
                None => self.wait().await?,
            };
            if self.sent.as_ref() != Some(&change) {
                self.sent = Some(change.clone());
                return Some(change);
            }
        }
    }

    async fn wait(&mut self) -> Option<RunChange> {
        loop {
            tokio::select! {
                received = self.changes.recv() => match received {
                    Ok(change) if change.run == self.run => match &change.steps {
                        Some(steps) => return Some(RunChange::of(&change, steps)),
                        None => return self.look().await,
                    },
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return self.look().await,
                    Err(RecvError::Closed) => return None,
                },
                () = tokio::time::sleep(LOOK), if self.elsewhere => return self.look().await,
                () = self.app.engine().stopping() => return None,
            }
        }
    }

    async fn look(&mut self) -> Option<RunChange> {
        // Where this fails the stream ends, and the browser opens it again, which starts with a snapshot.
        snapshot(&self.app, self.run).await.unwrap_or_default()
    }
}

impl RunChange {
    /// How a run in memory stands.
    pub(super) fn of_run(id: Uuid, plan: &Plan, run: &Run) -> RunChange {
        let steps = plan.steps.iter().zip(&run.steps);
        RunChange {
            run: id.to_string(),
            status: run.status.into(),
            steps: steps
                .map(|(step, state)| (step.id.clone(), state.status.into()))
                .collect(),
        }
    }

    /// Whether nothing comes after it.
    pub(super) fn is_last(&self) -> bool {
        self.status.is_final()
    }

    fn of(change: &Change, steps: &[(String, StepStatus)]) -> RunChange {
        RunChange {
            run: change.run.to_string(),
            status: change.status.into(),
            steps: steps
                .iter()
                .map(|(id, status)| (id.clone(), (*status).into()))
                .collect(),
        }
    }
}

impl WorkspaceChange {
    fn of(change: &Change) -> WorkspaceChange {
        WorkspaceChange {
            run: change.run.to_string(),
            flow: change.flow.clone(),
            version: change.version,
            trigger: change.trigger.clone(),
            status: change.status.into(),
            at: rfc3339(change.at),
        }
    }
}

/// How a run stands now.
async fn snapshot(app: &App, run: Uuid) -> Answer<Option<RunChange>> {
    let Some(recorded) = app.engine().run(WORKSPACE, run).await? else {
        return Ok(None);
    };
    let mut change = RunChange::of_run(run, &recorded.plan, &recorded.run);
    change.status = recorded.row.status.into();
    if !recorded.kept {
        change.steps.clear();
    }
    Ok(Some(change))
}

/// A place among the streams that may be open at once.
pub(super) fn place(app: &App) -> Answer<OwnedSemaphorePermit> {
    let full = |_| {
        Problem::new(
            Code::Busy,
            "too many event streams are open; close one and try again",
        )
    };
    Arc::clone(&app.0.streams).try_acquire_owned().map_err(full)
}

pub(super) fn event(name: &str, data: &impl Serialize) -> Event {
    let event = Event::default().event(name);
    event
        .json_data(data)
        .unwrap_or_else(|_| Event::default().comment("a change could not be written"))
}
