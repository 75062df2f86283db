//! The state of a run: made by applying the records of its journal, one after the other.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    document::Join,
    failure::Failure,
    plan::{Origin, Plan},
    record::{Record, Reply},
    script::Outputs,
};

/// How a run stands. The last three never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Something is underway.
    Running,
    /// Nothing is underway until a time has come.
    Waiting,
    /// It ended well.
    Succeeded,
    /// It ended in failure.
    Failed,
    /// A person ended it.
    Cancelled,
}

impl Status {
    /// Whether this status never changes.
    pub fn is_final(self) -> bool {
        matches!(self, Status::Succeeded | Status::Failed | Status::Cancelled)
    }

    /// The word that records and the API use.
    pub fn word(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Waiting => "waiting",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
        }
    }
}

/// How a step of a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Its links are not decided yet.
    #[default]
    Pending,
    /// An attempt is underway.
    Running,
    /// It waits for the time of its next attempt.
    Waiting,
    /// It succeeded. Its output never changes.
    Succeeded,
    /// It failed.
    Failed,
    /// None of its links was taken.
    Skipped,
}

impl StepStatus {
    /// The word that the API uses.
    pub fn word(self) -> &'static str {
        match self {
            StepStatus::Pending => "pending",
            StepStatus::Running => "running",
            StepStatus::Waiting => "waiting",
            StepStatus::Succeeded => "succeeded",
            StepStatus::Failed => "failed",
            StepStatus::Skipped => "skipped",
        }
    }
}

/// How a link of a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkStatus {
    /// Not decided yet.
    #[default]
    Pending,
    /// The run went along it.
    Taken,
    /// The run will never go along it.
    Dead,
}

/// One try of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// When it started.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Why it failed.
    pub failure: Option<Arc<Failure>>,
    /// What went over the wire.
    pub exchange: Option<Arc<Value>>,
    /// When the next one is due.
    pub retry_at: Option<i64>,
}

/// The attempts of an action and what it is called with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calls {
    /// The settings with their expressions evaluated.
    pub config: Option<Arc<Value>>,
    /// The attempts so far.
    pub attempts: Vec<Attempt>,
}

impl Calls {
    /// The number of the attempt that is underway.
    pub fn underway(&self) -> Option<u32> {
        self.attempts
            .last()
            .filter(|attempt| attempt.ended_at.is_none())
            .map(|attempt| attempt.number)
    }
}

/// How one step of a run stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepState {
    /// Its status.
    pub status: StepStatus,
    /// Its attempts, for an action.
    pub calls: Calls,
    /// The ports the run went on by.
    pub ports: Vec<String>,
    /// Why it failed.
    pub failure: Option<Arc<Failure>>,
    /// What its scripts and those after it see as `error`.
    pub error: Option<Arc<Value>>,
    /// When it started.
    pub started_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// When its next attempt is due.
    pub retry_at: Option<i64>,
    /// Whether a replay took its end over from the run that it is made from.
    pub taken_over: bool,
    /// How reversing it stands, once that was begun.
    pub undo: Option<UndoState>,
}

/// How the reversal of one step stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UndoState {
    /// Its attempts.
    pub calls: Calls,
    /// When its next attempt is due.
    pub retry_at: Option<i64>,
    /// Whether it is over.
    pub ended: bool,
    /// Why it failed.
    pub failure: Option<Arc<Failure>>,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFailure {
    /// The step; absent for a timeout of the run.
    pub step: Option<String>,
    /// Why.
    pub failure: Arc<Failure>,
}

/// A person's decision to end a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancellation {
    /// When.
    pub at: i64,
    /// Whether what succeeded is reversed before the run ends.
    pub undo: bool,
    /// Who.
    pub by: Option<String>,
    /// Why, in that person's words.
    pub note: Option<String>,
}

/// Who a run is: what its scripts see as `run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The run's id.
    pub id: String,
    /// The flow's id.
    pub flow: String,
    /// The version's number; 0 for a document that was never published.
    pub version: u32,
    /// The workspace.
    pub workspace: String,
}

/// The state of one run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The trigger that started it.
    pub trigger: String,
    /// The message, as scripts see it as `trigger`.
    pub message: Arc<Value>,
    /// Who it is, as scripts see it as `run`.
    pub info: Arc<Value>,
    /// The id, which idempotency keys are made from.
    pub id: String,
    /// When it started.
    pub started_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// How it stands.
    pub status: Status,
    /// How its steps stand, by position.
    pub steps: Vec<StepState>,
    /// How its links stand, by position.
    pub links: Vec<LinkStatus>,
    /// What its steps gave.
    pub outputs: Arc<Outputs>,
    /// What the caller was answered.
    pub reply: Option<Reply>,
    /// Why it fails or failed.
    pub failure: Option<RunFailure>,
    /// Who ends or ended it.
    pub cancelled: Option<Cancellation>,
    /// The id of the run that it replays.
    pub origin: Option<String>,
    /// What it takes over from that run once it starts.
    taken: Vec<Record>,
    /// The steps that succeeded, in the order of their completion.
    pub completed: Vec<usize>,
    /// Steps whose links are decided and that have not started.
    pub(crate) ready: BTreeSet<usize>,
    /// How many attempts are underway or waiting for their time.
    pub(crate) in_flight: usize,
}

impl Run {
    /// A run before its first turn.
    pub fn new(
        plan: &Plan,
        identity: &Identity,
        trigger: &str,
        message: Arc<Value>,
        started_at: i64,
    ) -> Run {
        let info = json!({
            "id": identity.id, "flow": identity.flow, "version": identity.version,
            "workspace": identity.workspace, "started_at": rfc3339(started_at),
        });
        Run {
            trigger: trigger.to_owned(),
            message,
            info: Arc::new(info),
            id: identity.id.clone(),
            started_at,
            ended_at: None,
            status: Status::Running,
            steps: vec![StepState::default(); plan.steps.len()],
            links: vec![LinkStatus::Pending; plan.links.len()],
            outputs: Arc::new(Outputs::new(Arc::clone(&plan.ids))),
            reply: None,
            failure: None,
            cancelled: None,
            origin: None,
            taken: Vec::new(),
            completed: Vec::new(),
            ready: BTreeSet::new(),
            in_flight: 0,
        }
    }

    /// Whether its first turn was made: a run may be accepted before it starts.
    pub fn has_started(&self) -> bool {
        self.status.is_final() || self.links.iter().any(|link| *link != LinkStatus::Pending)
    }

    /// When something is due without any event from outside, in milliseconds of the Unix epoch.
    pub fn wake_at(&self, plan: &Plan) -> Option<i64> {
        if self.status.is_final() {
            return None;
        }
        let retries = self.steps.iter().filter_map(|step| {
            step.retry_at
                .or(step.undo.as_ref().and_then(|undo| undo.retry_at))
        });
        retries.chain(self.timeout_at(plan)).min()
    }

    /// Whether nothing new starts any more: the run is failing, or a person ends it.
    pub fn is_stopping(&self) -> bool {
        self.failure.is_some() || self.cancelled.is_some()
    }

    /// When the run's own timeout strikes, unless nothing new starts already.
    pub fn timeout_at(&self, plan: &Plan) -> Option<i64> {
        let timeout = plan
            .flow
            .settings
            .timeout
            .as_ref()
            .filter(|_| !self.is_stopping())?;
        Some(self.started_at.saturating_add_unsigned(timeout.millis()))
    }

    /// What a step gets: the output of the one predecessor whose link was taken, a map by id when there
    /// are several, the message for a step right after the trigger.
    pub fn input_of(&self, plan: &Plan, step: usize) -> Arc<Value> {
        let mut sources: Vec<&Origin> = Vec::new();
        for link in self.taken(plan, step) {
            if !sources.contains(&&plan.links[link].from) {
                sources.push(&plan.links[link].from);
            }
        }
        match sources.as_slice() {
            [] => Arc::new(Value::Null),
            [one] => self.given(one),
            several => {
                let entry = |origin: &&Origin| match origin {
                    Origin::Trigger(id) => (id.clone(), Value::clone(&self.message)),
                    Origin::Step(i) => {
                        (plan.steps[*i].id.clone(), Value::clone(&self.given(origin)))
                    }
                };
                Arc::new(Value::Object(several.iter().map(entry).collect()))
            }
        }
    }

    /// What a caller gets where no step responded: the output of the step that completed last.
    pub fn result(&self) -> Arc<Value> {
        let last = self
            .completed
            .last()
            .and_then(|step| self.outputs.at(*step));
        last.map_or_else(|| Arc::new(Value::Null), Arc::clone)
    }

    /// The state after a journal: what it was before the process stopped.
    pub fn restore(mut self, plan: &Plan, records: &[Record]) -> Run {
        for record in records {
            self.apply(plan, record);
        }
        self
    }

    /// Takes one decision over into the state. A record that names an unknown step changes nothing.
    pub fn apply(&mut self, plan: &Plan, record: &Record) {
        match record {
            Record::Replay { origin, taken, .. } => {
                self.origin = Some(origin.clone());
                self.taken.clone_from(taken);
            }
            Record::Started { .. } => self.start(plan),
            Record::Attempt {
                step,
                number,
                at,
                config,
                undo,
            } => {
                let Some(step) = plan.position(step) else {
                    return;
                };
                self.ready.remove(&step);
                let state = &mut self.steps[step];
                let calls = if *undo {
                    let undo = state.undo.get_or_insert_default();
                    if undo.retry_at.take().is_none() {
                        self.in_flight += 1;
                    }
                    &mut undo.calls
                } else {
                    if state.status != StepStatus::Waiting {
                        self.in_flight += 1;
                    }
                    state.status = StepStatus::Running;
                    state.started_at.get_or_insert(*at);
                    state.retry_at = None;
                    &mut state.calls
                };
                if let Some(config) = config {
                    calls.config = Some(Arc::clone(config));
                }
                calls.attempts.push(Attempt {
                    number: *number,
                    started_at: *at,
                    ended_at: None,
                    failure: None,
                    exchange: None,
                    retry_at: None,
                });
            }
            Record::Attempted {
                step,
                number,
                at,
                failure,
                exchange,
                retry_at,
                undo,
            } => {
                let Some(step) = plan.position(step) else {
                    return;
                };
                let state = &mut self.steps[step];
                let calls = if *undo {
                    let undo = state.undo.get_or_insert_default();
                    undo.retry_at = *retry_at;
                    &mut undo.calls
                } else {
                    state.retry_at = *retry_at;
                    state.status = if retry_at.is_some() {
                        StepStatus::Waiting
                    } else {
                        StepStatus::Running
                    };
                    &mut state.calls
                };
                if retry_at.is_none() {
                    self.in_flight = self.in_flight.saturating_sub(1);
                }
                if let Some(attempt) = calls
                    .attempts
                    .iter_mut()
                    .rfind(|attempt| attempt.number == *number)
                {
                    attempt.ended_at = Some(*at);
                    attempt.failure = failure.clone();
                    attempt.exchange = exchange.clone();
                    attempt.retry_at = *retry_at;
                }
            }
            Record::Succeeded {
                step,
                at,
                output,
                ports,
            } => {
                let Some(step) = plan.position(step) else {
                    return;
                };
                let output = output.clone().unwrap_or_else(|| self.input_of(plan, step));
                Arc::make_mut(&mut self.outputs).set(step, Some(output));
                self.completed.push(step);
                let inherited = self.inherited_error(plan, step);
                self.end(
                    plan,
                    step,
                    *at,
                    StepStatus::Succeeded,
                    ports.clone().unwrap_or_else(|| vec!["ok".to_owned()]),
                    inherited,
                );
            }
            Record::Failed {
                step,
                at,
                failure,
                port,
            } => {
                let Some(step) = plan.position(step) else {
                    return;
                };
                let error = error_value(
                    &plan.steps[step].id,
                    failure,
                    self.steps[step].calls.attempts.len(),
                );
                self.steps[step].failure = Some(Arc::clone(failure));
                if self.steps[step].retry_at.take().is_some() {
                    self.in_flight = self.in_flight.saturating_sub(1);
                }
                self.end(
                    plan,
                    step,
                    *at,
                    StepStatus::Failed,
                    port.iter().cloned().collect(),
                    Some(Arc::new(error)),
                );
            }
            Record::Replied { reply, .. } => self.reply = Some(reply.clone()),
            Record::Failing { step, failure, .. } => {
                self.failure = Some(RunFailure {
                    step: step.clone(),
                    failure: Arc::clone(failure),
                });
                self.ready.clear();
            }
            Record::Cancelling { at, undo, by, note } => {
                self.cancelled = Some(Cancellation {
                    at: *at,
                    undo: *undo,
                    by: by.clone(),
                    note: note.clone(),
                });
                self.ready.clear();
            }
            Record::Undone { step, failure, .. } => {
                let Some(step) = plan.position(step) else {
                    return;
                };
                let undo = self.steps[step].undo.get_or_insert_default();
                undo.ended = true;
                if undo.retry_at.take().is_some() {
                    self.in_flight = self.in_flight.saturating_sub(1);
                }
                undo.failure = failure.clone();
            }
            Record::Ended { at, status } => {
                self.status = *status;
                self.ended_at = Some(*at);
                self.ready.clear();
                for step in self
                    .steps
                    .iter_mut()
                    .filter(|step| step.status == StepStatus::Pending)
                {
                    step.status = StepStatus::Skipped;
                }
                for link in self
                    .links
                    .iter_mut()
                    .filter(|link| **link == LinkStatus::Pending)
                {
                    *link = LinkStatus::Dead;
                }
            }
        }
        if !self.status.is_final() {
            self.status = if self.resting() {
                Status::Waiting
            } else {
                Status::Running
            };
        }
    }

    /// Whether nothing is underway and something waits for its time.
    fn resting(&self) -> bool {
        let waiting = self.steps.iter().filter(|step| {
            step.retry_at.is_some()
                || step
                    .undo
                    .as_ref()
                    .is_some_and(|undo| undo.retry_at.is_some())
        });
        self.in_flight > 0 && self.ready.is_empty() && waiting.count() == self.in_flight
    }

    fn start(&mut self, plan: &Plan) {
        for (i, link) in plan.links.iter().enumerate() {
            if let Origin::Trigger(id) = &link.from {
                self.links[i] = if *id == self.trigger {
                    LinkStatus::Taken
                } else {
                    LinkStatus::Dead
                };
            }
        }
        for step in 0..plan.steps.len() {
            self.decide(plan, step);
        }
        for record in std::mem::take(&mut self.taken) {
            if let Record::Succeeded { step, .. } | Record::Failed { step, .. } = &record
                && let Some(step) = plan.position(step)
            {
                self.steps[step].taken_over = true;
            }
            self.apply(plan, &record);
        }
    }

    /// Ends a step and lets its links live or die.
    fn end(
        &mut self,
        plan: &Plan,
        step: usize,
        at: i64,
        status: StepStatus,
        ports: Vec<String>,
        error: Option<Arc<Value>>,
    ) {
        self.ready.remove(&step);
        let state = &mut self.steps[step];
        state.status = status;
        state.started_at.get_or_insert(at);
        state.ended_at = Some(at);
        state.retry_at = None;
        state.error = error;
        state.ports = ports;
        for &link in &plan.steps[step].outgoing {
            let taken = self.steps[step].ports.contains(&plan.links[link].port);
            self.links[link] = if taken {
                LinkStatus::Taken
            } else {
                LinkStatus::Dead
            };
        }
        for &link in &plan.steps[step].outgoing {
            self.decide(plan, plan.links[link].to);
        }
    }

    /// The one rule: a step moves when all its links are decided; it runs if one was taken, else it is
    /// skipped and its own links die. With `join: any` it runs on the first taken link.
    fn decide(&mut self, plan: &Plan, step: usize) {
        if self.steps[step].status != StepStatus::Pending || self.ready.contains(&step) {
            return;
        }
        let incoming = &plan.steps[step].incoming;
        let any = |status: LinkStatus| incoming.iter().any(|link| self.links[*link] == status);
        if any(LinkStatus::Pending)
            && !(plan.steps[step].join == Join::Any && any(LinkStatus::Taken))
        {
            return;
        }
        if any(LinkStatus::Taken) {
            if !self.is_stopping() {
                self.ready.insert(step);
            }
            return;
        }
        self.steps[step].status = StepStatus::Skipped;
        for &link in &plan.steps[step].outgoing {
            self.links[link] = LinkStatus::Dead;
        }
        for &link in &plan.steps[step].outgoing {
            self.decide(plan, plan.links[link].to);
        }
    }

    /// The taken links into a step.
    fn taken<'a>(&'a self, plan: &'a Plan, step: usize) -> impl Iterator<Item = usize> + 'a {
        plan.steps[step]
            .incoming
            .iter()
            .copied()
            .filter(|link| self.links[*link] == LinkStatus::Taken)
    }

    /// What follows a trigger or step as input.
    fn given(&self, origin: &Origin) -> Arc<Value> {
        match origin {
            Origin::Trigger(_) => Arc::clone(&self.message),
            Origin::Step(step) => match (self.outputs.at(*step), &self.steps[*step].error) {
                (Some(output), _) => Arc::clone(output),
                (None, Some(error)) => Arc::new(json!({ "error": **error })),
                (None, None) => Arc::new(Value::Null),
            },
        }
    }

    /// The failure that brought the run to a step, if one did.
    pub(crate) fn inherited_error(&self, plan: &Plan, step: usize) -> Option<Arc<Value>> {
        self.taken(plan, step)
            .find_map(|link| match &plan.links[link].from {
                Origin::Trigger(_) => None,
                Origin::Step(from) => self.steps[*from].error.clone(),
            })
    }
}

/// A failure as scripts see it as `error`.
fn error_value(step: &str, failure: &Failure, attempts: usize) -> Value {
    let mut error = json!({ "step": step, "class": failure.class, "message": failure.message, "attempts": attempts.max(1) });
    if let Some(status) = failure.status {
        error["status"] = status.into();
    }
    if let Some(body) = &failure.body {
        error["body"] = body.clone();
    }
    error
}

/// An instant as RFC 3339 text in UTC, with milliseconds.
pub fn rfc3339(millis: i64) -> String {
    chrono::DateTime::from_timestamp_millis(millis)
        .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .unwrap_or_default()
}
