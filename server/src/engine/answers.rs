//! Answers to runs that wait: taken at any server, on disk before anybody is told, and handed to whoever has the run.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use uuid::Uuid;
use weir_flows::{
    advance::Event,
    callback::{Callbacks, Decision, called, place, read_place},
    failure::Class,
    plan::{Plan, Wait},
    problem::Problem,
    record::{Awaits, Record},
    run::{Run, StepStatus},
};

use super::{Engine, Error, drive::Active, recover, text};
use crate::store::{self, Answered, AwaitedKind, AwaitedState, Awaiting, NewAnswer, Unheard};

/// How soon it is looked again at answers that could not be handed over.
const AGAIN: Duration = Duration::from_millis(500);

/// How often to look where nothing is known to wait.
const LOOK: Duration = Duration::from_secs(30);

/// What is being handed over.
#[derive(Default)]
pub(super) struct Answers {
    /// There may be answers that no run has taken over.
    arrived: Notify,
    /// The runs that are being told.
    telling: Mutex<HashSet<Uuid>>,
}

impl Answers {
    /// Makes this server look whether there is something for its runs.
    pub(super) fn look(&self) {
        self.arrived.notify_one();
    }
}

/// An answer as it came in.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// A request to the link.
    Call {
        /// The body.
        body: Value,
        /// The headers, without credentials.
        headers: Map<String, Value>,
        /// The query parameters.
        query: Map<String, Value>,
    },
    /// A person's decision.
    Decision(Decision),
}

impl Given {
    /// What the step gives.
    fn output(self, at: i64) -> Value {
        match self {
            Given::Call {
                body,
                headers,
                query,
            } => called(body, headers, query, at),
            Given::Decision(decision) => decision.output(at),
        }
    }

    /// What tells it from another answer. Headers differ each time something is sent again.
    fn digest(&self) -> Result<[u8; 32], Error> {
        let content = match self {
            Given::Call { body, query, .. } => json!({ "body": body, "query": query }),
            Given::Decision(decision) => decision.output(0),
        };
        Ok(Sha256::digest(text(&content)?).into())
    }
}

/// What became of an answer.
#[derive(Debug)]
pub enum Reception {
    /// It is the first one and on disk: the run goes on with it.
    First,
    /// The same answer was given before.
    Again,
    /// Another answer was given before.
    Other,
    /// The run does not wait for it any more.
    Over,
    /// What was filled in does not satisfy the form; places are within the form.
    Refused(Vec<Problem>),
}

/// What a place of a run asks for.
#[derive(Debug)]
pub struct Question {
    /// The flow's id.
    pub flow: String,
    /// The step's id.
    pub step: String,
    /// What kind of answer it takes.
    pub kind: AwaitedKind,
    /// The JSON Schema of what is filled in.
    pub form: Option<Value>,
    plan: Arc<Plan>,
    items: Vec<usize>,
}

impl Engine {
    /// The links of a run: nothing is computed where it waits for no answer.
    pub(super) fn callbacks(&self, plan: &Plan, workspace: &str, run: &str) -> Callbacks {
        if !plan.has_answers() {
            return Callbacks::default();
        }
        let address = format!("{}/callback/{workspace}/{run}", self.0.address);
        Callbacks::new(&address, self.0.sealer.link_key(workspace, run))
    }

    /// Whether this server, or one with the same key, has signed a link to a place of a run.
    pub fn has_signed(&self, workspace: &str, run: Uuid, place: &str, signature: &str) -> bool {
        let key = self.0.sealer.link_key(workspace, &run.to_string());
        Callbacks::new("", key).holds(place, signature)
    }

    /// What a place of a run asks for; nothing where it asks for nothing.
    ///
    /// # Errors
    /// Of the store.
    pub async fn question(
        &self,
        workspace: &str,
        run: Uuid,
        place: &str,
    ) -> Result<Option<Question>, Error> {
        let Some(row) = self.store().run(workspace, run).await? else {
            return Ok(None);
        };
        let version = self.version(workspace, &row.flow, row.version).await?;
        Ok(question(&version.plan, row.flow, place))
    }

    /// Takes an answer, whether the run waits for it already or not. When this returns `First`, it is on disk.
    ///
    /// # Errors
    /// Of the store.
    pub async fn answer(
        &self,
        workspace: &str,
        run: Uuid,
        place: &str,
        asked: Question,
        given: Given,
    ) -> Result<Reception, Error> {
        if let Given::Decision(Decision {
            approved: true,
            form,
            ..
        }) = &given
        {
            let problems = asked.check(form);
            if !problems.is_empty() {
                return Ok(Reception::Refused(problems));
            }
        }
        let known = self.store().awaited(workspace, run, place).await?;
        if known.is_none() && !self.is_ahead(workspace, run, &asked).await? {
            return Ok(Reception::Over);
        }
        let at = self.world().now_ms();
        let answer = NewAnswer {
            workspace: workspace.to_owned(),
            run,
            place: place.to_owned(),
            kind: asked.kind,
            digest: given.digest()?,
            answer: text(&given.output(at))?,
            at,
        };
        let answered = self.store().answer(answer).await?;
        self.0.answers.look();
        Ok(match answered {
            Answered::First => Reception::First,
            Answered::Again => Reception::Again,
            Answered::Other => Reception::Other,
            Answered::Over => Reception::Over,
        })
    }

    /// Whether a run may still reach a place where it does not wait yet.
    async fn is_ahead(&self, workspace: &str, run: Uuid, asked: &Question) -> Result<bool, Error> {
        let Some(row) = self.store().run(workspace, run).await? else {
            return Ok(false);
        };
        if row.status.is_final() {
            return Ok(false);
        }
        let (run, ..) = recover::restore(self, &row, &asked.plan).await?;
        Ok(may_come(&run, &asked.plan, &asked.step, &asked.items))
    }
}

/// Whether a run may still reach a step where it does not wait yet, or waits there. Of an item that has not begun nobody can know.
pub(super) fn may_come(run: &Run, plan: &Plan, step: &str, items: &[usize]) -> bool {
    let state = run.step_at(plan, step, items);
    let open = |status| matches!(status, StepStatus::Pending | StepStatus::Waiting);
    !run.is_stopping() && state.is_some_and(|state| open(state.status))
}

impl Question {
    fn check(&self, form: &Value) -> Vec<Problem> {
        let step = self.plan.find(&self.step);
        match step.and_then(|step| step.awaited()) {
            Some(Wait::Approval {
                form: Some(schema), ..
            }) => schema.check(form),
            _ => Vec::new(),
        }
    }
}

fn question(plan: &Arc<Plan>, flow: String, place: &str) -> Option<Question> {
    let (step, items) = read_place(place)?;
    let kind = match plan.find(step)?.awaited()? {
        Wait::Callback(_) => AwaitedKind::Callback,
        _ => AwaitedKind::Approval,
    };
    let mut form = None;
    weir_flows::document::each_step(&plan.flow, |_, id, of| {
        if id == step {
            form = of
                .config
                .get("approval")
                .and_then(|it| it.get("form"))
                .cloned();
        }
    });
    Some(Question {
        flow,
        step: step.to_owned(),
        kind,
        form,
        plan: Arc::clone(plan),
        items,
    })
}

/// How a turn leaves what its run waits for.
pub(super) fn left(plan: &Plan, records: &[Record]) -> Vec<Awaiting> {
    let concerns = |record: &Record| {
        matches!(
            record.innermost(),
            Record::Waiting {
                awaits: Some(_),
                ..
            } | Record::Answered { .. }
                | Record::Failed { .. }
        )
    };
    if !records.iter().any(concerns) || !plan.has_answers() {
        return Vec::new();
    }
    let mut left = BTreeMap::new();
    for record in records {
        let (items, record) = flat(record);
        let (step, at, until, asks, state) = match record {
            Record::Waiting {
                step,
                at,
                until,
                awaits: Some(awaits),
            } => (step, at, Some(*until), Some(awaits), AwaitedState::Open),
            Record::Answered { step, at, .. } => (step, at, None, None, AwaitedState::Used),
            Record::Failed { step, at, .. } => (step, at, None, None, AwaitedState::Closed),
            _ => continue,
        };
        // A run that is stopped waits for nobody, whatever has been said; nothing else ends such a wait so.
        let expires =
            matches!(record, Record::Failed { failure, .. } if failure.class == Class::TimedOut);
        let Some(awaited) = plan.find(step).and_then(|step| step.awaited()) else {
            continue;
        };
        let (title, shown) = match asks {
            Some(Awaits::Approval { title, text }) => (Some(title.clone()), text.clone()),
            _ => (None, None),
        };
        let place = place(step, &items);
        // What begins and ends in one turn is shown as it began.
        let begun: Option<Awaiting> = left.remove(&place);
        let awaiting = Awaiting {
            place: place.clone(),
            flow: plan.flow.id.clone(),
            kind: match awaited {
                Wait::Callback(_) => AwaitedKind::Callback,
                _ => AwaitedKind::Approval,
            },
            title: title.or(begun.as_ref().and_then(|begun| begun.title.clone())),
            shown: shown.or(begun.as_ref().and_then(|begun| begun.shown.clone())),
            since: *at,
            until: until.or(begun.and_then(|begun| begun.until)),
            state,
            expires,
        };
        left.insert(place, awaiting);
    }
    left.into_values().collect()
}

/// A record without the items around it, and those.
fn flat(mut record: &Record) -> (Vec<usize>, &Record) {
    let mut items = Vec::new();
    while let Record::Item { index, of, .. } = record {
        items.push(*index);
        record = of;
    }
    (items, record)
}

/// The place that an event answers.
pub(super) fn place_of(event: &Event) -> Option<String> {
    match event {
        Event::Answered { step, items, .. } => Some(place(step, items)),
        _ => None,
    }
}

/// Whether a turn has taken over what this place was answered.
pub(super) fn takes(records: &[Record], wanted: &str) -> bool {
    records.iter().map(flat).any(|(items, record)| {
        matches!(record, Record::Answered { step, .. } if place(step, &items) == wanted)
    })
}

/// An answer came before its step, and the run has gone another way; or it was taken over already: nothing will ever do that (again).
/// What the run said to this stands on what is on disk of it, so it holds for as long as this server has the run.
pub(super) async fn discard(engine: &Engine, active: &Active, place: &str) {
    let (server, run, workspace) = (active.tenure.server, active.id, &active.version.workspace);
    tracing::debug!(%run, place, "an answer changes nothing any more");
    if let Err(error) = engine.store().discard(server, workspace, run, place).await {
        tracing::debug!(%run, %error, "an answer without a use still stands; the run is told of it again");
    }
}

/// What a run was answered while it said that nobody had. Nothing where that cannot be read, or the process stops.
pub(super) async fn missed(engine: &Engine, active: &Active) -> Option<Vec<Event>> {
    loop {
        let (plan, workspace) = (&active.version.plan, &active.version.workspace);
        match unused(engine, plan, workspace, active.id).await {
            Ok(events) if !events.is_empty() => return Some(events),
            Ok(_) => {
                tracing::error!(run = %active.id, "an answer to a run cannot be read; the run is left as it is on disk");
                return None;
            }
            Err(error) => {
                tracing::warn!(run = %active.id, %error, "an answer to a run cannot be read; trying again");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = engine.stopping() => return None,
        }
    }
}

/// The answers to a run that it has not taken over, as events.
pub(super) async fn unused(
    engine: &Engine,
    plan: &Plan,
    workspace: &str,
    run: Uuid,
) -> Result<Vec<Event>, Error> {
    if !plan.has_answers() {
        return Ok(Vec::new());
    }
    let unused = engine.store().unused(workspace, run).await?;
    Ok(unused.into_iter().filter_map(event).collect())
}

pub(super) fn event(unused: store::Unused) -> Option<Event> {
    let (step, items) = read_place(&unused.place)?;
    Some(Event::Answered {
        step: step.to_owned(),
        items,
        answer: serde_json::from_str(&unused.answer).ok()?,
    })
}

/// Hands answers to the runs that this server has, and to those that nobody has, until the process stops.
pub(super) async fn hand_over(engine: Engine) {
    loop {
        let pause = match look(&engine).await {
            Ok(0) => LOOK,
            Ok(_) => AGAIN,
            Err(error) => {
                tracing::debug!(%error, "it could not be seen whether runs were answered; looking again");
                AGAIN
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = engine.0.answers.arrived.notified() => {}
            () = engine.stopping() => return,
        }
    }
}

/// How many runs have answers that they have not taken over.
async fn look(engine: &Engine) -> Result<usize, Error> {
    let tenure = engine.tenure()?;
    let runs = engine.store().answered(tenure.server).await?;
    let count = runs.len();
    for Unheard {
        workspace,
        run,
        over,
    } in runs
    {
        if over {
            engine.store().discard_all(&workspace, run).await?;
        } else if engine.0.answers.telling.lock().insert(run) {
            engine.0.tasks.spawn(tell(engine.clone(), workspace, run));
        }
    }
    Ok(count)
}

async fn tell(engine: Engine, workspace: String, run: Uuid) {
    if let Err(error) = tell_all(&engine, &workspace, run).await {
        tracing::debug!(%run, %error, "a run could not be told what it was answered; trying again");
    }
    engine.0.answers.telling.lock().remove(&run);
}

async fn tell_all(engine: &Engine, workspace: &str, run: Uuid) -> Result<(), Error> {
    for unused in engine.store().unused(workspace, run).await? {
        let Some(event) = event(unused) else { continue };
        if !engine.hand(workspace, run, event).await? {
            return Ok(());
        }
    }
    Ok(())
}
