//! The state of a run: made by applying the records of its journal, one after the other.

mod apply;
mod items;
mod look;

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use items::Items;
use items::Place;
pub use look::Looked;

use crate::{
    callback::Callbacks,
    failure::Failure,
    plan::{Origin, Plan},
    record::{Awaits, Keys, Record, Reply},
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
    /// It waits for the time of its next attempt, or for its turn.
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
    /// Where the policy of the step limits the attempts: how that stands.
    pub limited: Option<Box<Limited>>,
}

/// How the attempts of an action stand with the limits of its step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limited {
    /// What the limits count by.
    pub keys: Arc<Keys>,
    /// When the first attempt was wanted.
    pub wanted_at: i64,
    /// The attempt that waits for its turn.
    pub queued: Option<Queued>,
}

/// An attempt that waits for its turn, since the policy of its step limits what is underway or begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Its number, from 1.
    pub number: u32,
    /// Since when.
    pub since: i64,
    /// When it is not waited for any longer.
    pub until: Option<i64>,
}

impl Calls {
    /// The attempt that waits for its turn.
    pub fn queued(&self) -> Option<Queued> {
        self.limited.as_ref()?.queued
    }

    /// Nothing waits for its turn any more.
    fn leave_queue(&mut self) {
        if let Some(limited) = &mut self.limited {
            limited.queued = None;
        }
    }

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
    /// When its next attempt is due, or its wait is over.
    pub retry_at: Option<i64>,
    /// What it waits for, beside that time.
    pub awaits: Option<Awaits>,
    /// What it was answered before the run has reached it, or while it waits.
    pub(crate) answer: Option<Arc<Value>>,
    /// Whether a replay took its end over from the run that it is made from.
    pub taken_over: bool,
    /// Whether its output comes from an attempt of another run, or for another item.
    pub cached: bool,
    /// How reversing it stands, once that was begun.
    pub undo: Option<UndoState>,
    /// For an `each` that has started: how its items stand.
    pub items: Option<Box<Items>>,
}

impl StepState {
    /// Whether something of it is underway or waits for its time.
    fn is_active(&self) -> bool {
        matches!(self.status, StepStatus::Running | StepStatus::Waiting)
            || self.undo.as_ref().is_some_and(|undo| !undo.ended)
            || self.items.as_ref().is_some_and(|items| items.is_undoing())
    }

    /// Whether all that is underway of it waits for its time.
    fn is_resting(&self) -> bool {
        let forward = match (&self.status, &self.items) {
            (StepStatus::Running, Some(items)) => items.is_resting(),
            (StepStatus::Running, None) => false,
            (_, Some(items)) => items.undo_rests(),
            (_, None) => true,
        };
        let undo = self.undo.as_ref().filter(|undo| !undo.ended);
        self.is_active() && forward && undo.is_none_or(UndoState::waits)
    }
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

impl UndoState {
    /// Whether it waits for the time of its next attempt, or for its turn.
    pub(crate) fn waits(&self) -> bool {
        self.retry_at.is_some() || self.calls.queued().is_some()
    }
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
    /// Where its steps are answered; what scripts see as `run.callbacks`.
    pub callbacks: Callbacks,
}

/// The item of an `each` step that a body runs for.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The item, as scripts see it as `item`.
    pub value: Arc<Value>,
    /// Its position in the list, from 0, as scripts see it as `index`.
    pub index: usize,
}

/// The state of one run. The body of an `each` step is run for an item as if it were a flow of its own: that is one, too, within
/// the state of the step.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The trigger that started it.
    pub trigger: String,
    /// The message, as scripts see it as `trigger`.
    pub message: Arc<Value>,
    /// Who it is, as scripts see it as `run`.
    pub info: Arc<Value>,
    /// The id, which idempotency keys are made from.
    pub id: Arc<str>,
    /// Where its steps are answered.
    pub callbacks: Callbacks,
    /// The item that it is for, where it is not the run itself.
    pub item: Option<Item>,
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
    /// Steps to go on with: their links are decided and they have not started, or their items can go on.
    pub(crate) ready: BTreeSet<usize>,
    /// How many steps have something underway or waiting for its time.
    pub(crate) active: usize,
    /// How many of those only wait.
    resting: usize,
    /// Of an item: nothing new starts any more, because another item failed or the run is stopping.
    stopped: bool,
    /// What can be reversed and was not yet, of the steps and of all items, in the order of their completion.
    pub(crate) undoable: Vec<Place>,
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
            info: with_callbacks(&Arc::new(info), plan, &identity.callbacks),
            id: Arc::from(identity.id.as_str()),
            callbacks: identity.callbacks.clone(),
            item: None,
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
            active: 0,
            resting: 0,
            stopped: false,
            undoable: Vec::new(),
        }
    }

    /// What the body of an `each` step of this run is before it starts on an item.
    fn of_item(&self, body: &Plan, item: Item, started_at: i64) -> Run {
        let callbacks = self.callbacks.within(item.index);
        Run {
            trigger: String::new(),
            message: Arc::clone(&self.message),
            info: with_callbacks(&self.info, body, &callbacks),
            id: Arc::clone(&self.id),
            callbacks,
            item: Some(item),
            started_at,
            ended_at: None,
            status: Status::Running,
            steps: vec![StepState::default(); body.steps.len()],
            links: vec![LinkStatus::Pending; body.links.len()],
            outputs: Arc::new(Outputs::new(Arc::clone(&body.ids))),
            reply: None,
            failure: None,
            cancelled: None,
            origin: None,
            taken: Vec::new(),
            completed: Vec::new(),
            ready: BTreeSet::new(),
            active: 0,
            resting: 0,
            stopped: false,
            undoable: Vec::new(),
        }
    }

    /// Whether its first turn was made: a run may be accepted before it starts.
    pub fn has_started(&self) -> bool {
        self.status.is_final() || self.links.iter().any(|link| *link != LinkStatus::Pending)
    }

    /// When something is due without any event from outside, in milliseconds of the Unix epoch. In the past where a turn was
    /// ended before all was done that could be done.
    pub fn wake_at(&self, plan: &Plan) -> Option<i64> {
        if self.status.is_final() {
            return None;
        }
        if self.has_more() {
            return Some(self.started_at);
        }
        self.next_attempt()
            .into_iter()
            .chain(self.timeout_at(plan))
            .min()
    }

    /// Whether the next turn has something to do whatever happens.
    fn has_more(&self) -> bool {
        !self.ready.is_empty() || self.active == 0 && self.has_started()
    }

    /// When the next of the attempts is due that wait for their time, or is given up that waits for its turn.
    fn next_attempt(&self) -> Option<i64> {
        let of = |step: &StepState| {
            let undo = step.undo.as_ref().and_then(|undo| undo.retry_at);
            let items = step.items.as_ref().and_then(|items| items.next_attempt());
            let given_up = step.calls.queued().and_then(|queued| queued.until);
            let times = [step.retry_at, undo, items, given_up];
            times.into_iter().flatten().min()
        };
        self.steps.iter().filter_map(of).min()
    }

    /// Whether nothing new starts any more: the run is failing, or a person ends it.
    pub fn is_stopping(&self) -> bool {
        self.failure.is_some() || self.cancelled.is_some() || self.stopped
    }

    /// How a step at any depth stands, within the items with these indices; `None` where there is no such step, and where the item
    /// has not started or is over.
    pub fn step_at(&self, plan: &Plan, step: &str, items: &[usize]) -> Option<&StepState> {
        let (way, step) = plan.way(step)?;
        let path: Vec<_> = way.into_iter().zip(items.iter().copied()).collect();
        self.frame(&path)
            .filter(|_| path.len() == items.len())?
            .steps
            .get(step)
    }

    /// The state within these items, each given by its `each` step and its index; the run itself where there are none.
    pub(crate) fn frame(&self, path: &[(usize, usize)]) -> Option<&Run> {
        let Some(((step, index), inner)) = path.split_first() else {
            return Some(self);
        };
        let items = self.steps.get(*step)?.items.as_ref()?;
        items.at(*index)?.frame(inner)
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
    /// are several, the message for a step right after the trigger, the item for the first steps of a body.
    pub fn input_of(&self, plan: &Plan, step: usize) -> Arc<Value> {
        let mut sources: Vec<&Origin> = Vec::new();
        for link in self.taken(plan, step) {
            if !sources.contains(&&plan.links[link].from) {
                sources.push(&plan.links[link].from);
            }
        }
        match sources.as_slice() {
            [] => match &self.item {
                Some(item) => Arc::clone(&item.value),
                None => Arc::new(Value::Null),
            },
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

    /// What a caller gets where no step responded, and what a body gives for its item: the output of the step that completed
    /// last, null where none did.
    pub fn result(&self) -> Arc<Value> {
        let last = self
            .completed
            .last()
            .and_then(|step| self.outputs.at(*step));
        last.map_or_else(|| Arc::new(Value::Null), Arc::clone)
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

/// What scripts see as `run`, with the links of the steps here that wait for an answer.
fn with_callbacks(info: &Arc<Value>, plan: &Plan, links: &Callbacks) -> Arc<Value> {
    let awaited = plan.steps.iter().filter(|step| step.awaited().is_some());
    let mut own = awaited.map(|step| (step.id.as_str(), links.of(&step.id)));
    let Some(first) = own.next() else {
        return Arc::clone(info);
    };
    let mut info = Value::clone(info);
    for (step, link) in std::iter::once(first).chain(own) {
        info["callbacks"][step] = link.into();
    }
    Arc::new(info)
}

/// A failure as scripts see it as `error`.
pub(crate) fn error_value(step: &str, failure: &Failure, attempts: usize) -> Value {
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
