//! The machine: `advance` folds an event into a run and says what to record and what to do.
//!
//! No clock, no randomness, no I/O, and total: every event has an answer, and a late one changes nothing.

mod attempts;
mod cancel;
mod each;
mod undo;
mod wait;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::Value;

use crate::{
    builtin::CALL,
    compute::{self, Computed},
    document::OnError,
    failure::{Class, Failure},
    plan::{Body, Plan, PlanAction, Wait},
    record::Record,
    run::{Run, RunFailure, Status, StepStatus},
    script::{Bounds, Evaluation, Moment, Name, Outputs, Scope},
    template::Template,
};

/// A turn that has decided so much is ended, and the next one goes on: turns stay short, however many items there are.
const MOST_RECORDS: usize = 500;

/// The time and the dice of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Now, in milliseconds of the Unix epoch.
    pub now_ms: i64,
    /// 64 random bits.
    pub dice: u64,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The message was accepted.
    Start,
    /// An attempt ended.
    Attempted {
        /// The step.
        step: String,
        /// The items that it belongs to, as [`Command::items`] has them.
        items: Vec<usize>,
        /// The attempt's number.
        number: u32,
        /// Whether it reversed the step.
        undo: bool,
        /// What it gave.
        result: Result<Arc<Value>, Failure>,
        /// What went over the wire, with secrets masked.
        exchange: Option<Arc<Value>>,
    },
    /// A person ends the run.
    Cancel {
        /// Whether what succeeded is reversed first.
        undo: bool,
        /// Who.
        by: Option<String>,
        /// Why.
        note: Option<String>,
    },
    /// Time has passed, or the run was taken up again.
    Woke,
}

/// An attempt to make once the turn's records are on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The step.
    pub step: String,
    /// The items of `each` steps that it belongs to, by their indices, from the outermost inwards; empty for a step of the flow itself.
    pub items: Vec<usize>,
    /// The attempt's number, from 1.
    pub number: u32,
    /// Whether it reverses the step.
    pub undo: bool,
    /// The kind of action.
    pub kind: String,
    /// The connection.
    pub connection: Option<String>,
    /// The settings with their expressions evaluated.
    pub config: Arc<Value>,
    /// The script of an action that computes, with what it sees. It is evaluated anew for each attempt.
    pub script: Option<Evaluation>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
    /// The same for all attempts of this step of this run and this item, so that the other side can tell a repetition.
    pub idempotency_key: String,
}

impl Command {
    /// What happened once this attempt ended.
    pub fn ended(
        &self,
        result: Result<Arc<Value>, Failure>,
        exchange: Option<Arc<Value>>,
    ) -> Event {
        Event::Attempted {
            step: self.step.clone(),
            items: self.items.clone(),
            number: self.number,
            undo: self.undo,
            result,
            exchange,
        }
    }
}

/// What a turn decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// What to append to the journal.
    pub records: Vec<Record>,
    /// What to do once that is on disk.
    pub commands: Vec<Command>,
}

/// Folds one event into a run, up to the next effect; or as far as one turn goes, and then [`Run::wake_at`] is in the past.
pub fn advance(plan: &Plan, run: &mut Run, stamp: Stamp, bounds: &Bounds, event: Event) -> Turn {
    let work = Arc::new(AtomicU64::new(0));
    let bounds = &Bounds {
        work: Some(Arc::clone(&work)),
        ..bounds.clone()
    };
    let mut fold = Fold {
        root: plan,
        run,
        path: Vec::new(),
        plan,
        stamp,
        bounds,
        work,
        turn: Turn::default(),
    };
    if !fold.run.status.is_final() {
        fold.event(event);
    }
    fold.turn
}

/// The calls of other flows that were underway when the process of a run stopped. What was called has a run of its own, so nothing
/// is lost: these attempts are to be made on, and not again.
pub fn calls(plan: &Plan, run: &Run, now_ms: i64) -> Vec<Command> {
    let mut all = Vec::new();
    underway(run, &mut Vec::new(), &mut all);
    all.into_iter()
        .filter_map(|attempt| attempt.call(plan, run, now_ms))
        .collect()
}

/// The attempts of a run that were underway when its process stopped, but for [`calls`]: each is to be answered with a `lost` failure.
pub fn lost(plan: &Plan, run: &Run) -> Vec<Event> {
    let message = "the server stopped during this attempt, so nobody knows whether it happened; \
                   look at the other side before you run it again";
    let mut all = Vec::new();
    underway(run, &mut Vec::new(), &mut all);
    let event = |attempt: Underway| Event::Attempted {
        step: attempt.id(plan).to_owned(),
        items: attempt.path.iter().map(|(_, index)| *index).collect(),
        number: attempt.number,
        undo: attempt.undo,
        result: Err(Failure::new(Class::Lost, message)),
        exchange: None,
    };
    all.into_iter()
        .filter(|attempt| !attempt.is_call(plan))
        .map(event)
        .collect()
}

/// The key that all attempts of a step of a run, for one item, tell the other side. No id of a step has a dot, so no two share one.
pub fn idempotency_key(run: &str, step: &str, items: &[usize], undo: bool) -> String {
    let items: String = items.iter().map(|index| format!(".{index}")).collect();
    let undo = if undo { "-undo" } else { "" };
    format!("weir-{run}-{step}{items}{undo}")
}

/// An attempt that is underway.
struct Underway {
    path: Path,
    step: usize,
    number: u32,
    undo: bool,
}

impl Underway {
    fn action<'a>(&self, plan: &'a Plan) -> Option<&'a PlanAction> {
        body(plan, &self.path)?.action(self.step, self.undo)
    }

    fn is_call(&self, plan: &Plan) -> bool {
        self.action(plan).is_some_and(|action| action.kind == CALL)
    }

    /// The command that it was made by, with what is left of its time.
    fn call(&self, plan: &Plan, run: &Run, now_ms: i64) -> Option<Command> {
        let action = self.action(plan).filter(|action| action.kind == CALL)?;
        let state = &run.frame(&self.path)?.steps[self.step];
        let calls = if self.undo {
            &state.undo.as_ref()?.calls
        } else {
            &state.calls
        };
        let since = now_ms.saturating_sub(calls.attempts.last()?.started_at);
        let spent = u64::try_from(since).unwrap_or(0);
        let items: Vec<usize> = self.path.iter().map(|(_, index)| *index).collect();
        let id = self.id(plan);
        Some(Command {
            step: id.to_owned(),
            number: self.number,
            undo: self.undo,
            kind: action.kind.clone(),
            connection: None,
            config: calls.config.clone()?,
            script: None,
            timeout_ms: action.timeout_ms.saturating_sub(spent).max(1),
            idempotency_key: idempotency_key(&run.id, id, &items, self.undo),
            items,
        })
    }

    /// The id of its step.
    fn id<'a>(&self, plan: &'a Plan) -> &'a str {
        body(plan, &self.path).map_or("", |plan| &plan.steps[self.step].id)
    }
}

/// The items around a step, from the outermost inwards: the position of the `each` step, and the index.
type Path = Vec<(usize, usize)>;

/// The flow or body within these items.
fn body<'a>(plan: &'a Plan, path: &[(usize, usize)]) -> Option<&'a Plan> {
    path.iter()
        .try_fold(plan, |plan, (step, _)| Some(&plan.each(*step)?.body))
}

/// Gathers the attempts that are underway.
fn underway(run: &Run, path: &mut Path, all: &mut Vec<Underway>) {
    for (step, state) in run.steps.iter().enumerate() {
        let forward = state
            .calls
            .underway()
            .filter(|_| state.status == StepStatus::Running);
        let undo = state
            .undo
            .as_ref()
            .filter(|undo| !undo.ended)
            .and_then(|undo| undo.calls.underway());
        for (number, undo) in [(forward, false), (undo, true)] {
            all.extend(number.map(|number| Underway {
                path: path.clone(),
                step,
                number,
                undo,
            }));
        }
        for (index, item) in state.items.iter().flat_map(|items| items.busy()) {
            path.push((step, index));
            underway(item, path, all);
            path.pop();
        }
    }
}

struct Fold<'a> {
    /// The whole version.
    root: &'a Plan,
    /// The whole run.
    run: &'a mut Run,
    /// The items that are being worked on.
    path: Path,
    /// The flow or body within them.
    plan: &'a Plan,
    stamp: Stamp,
    bounds: &'a Bounds,
    /// The operations of the scripts of this turn.
    work: Arc<AtomicU64>,
    turn: Turn,
}

impl Fold<'_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Start if !self.run.has_started() => {
                self.record(Record::Started { at: self.now() });
            }
            Event::Start => return,
            Event::Cancel { undo, by, note } => {
                if !self.cancel(undo, by, note) {
                    return;
                }
            }
            // A run that waits for its first turn has no past that an answer could belong to.
            _ if !self.run.has_started() => return,
            Event::Attempted {
                step,
                items,
                number,
                undo,
                result,
                exchange,
            } => {
                let Some((way, step)) = self.root.way(&step) else {
                    return;
                };
                if way.len() != items.len() {
                    return;
                }
                let path = way.into_iter().zip(items).collect();
                self.within(path, |fold| {
                    if undo {
                        fold.undo_attempted(step, number, result, exchange);
                    } else {
                        fold.attempted(step, number, result, exchange);
                    }
                });
            }
            Event::Woke => {}
        }
        self.wake();
        self.settle();
    }

    /// Does what is due by now.
    fn wake(&mut self) {
        let now = self.now();
        if self.run.timeout_at(self.plan).is_some_and(|at| at <= now) {
            let text = self
                .plan
                .flow
                .settings
                .timeout
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            let message = format!(
                "the run took longer than its timeout of {text}; find the slow step below, or allow more time in the flow's settings"
            );
            self.fail_run(None, Arc::new(Failure::new(Class::TimedOut, message)));
        }
        self.attempt_what_is_due();
    }

    /// Makes the attempts whose time has come and ends the waits that are over, of the steps here and in the items below.
    fn attempt_what_is_due(&mut self) {
        let now = self.now();
        for step in 0..self.plan.steps.len() {
            let state = &self.here().steps[step];
            let undo = state.undo.as_ref().and_then(|undo| undo.retry_at);
            if state.retry_at.is_some_and(|at| at <= now) {
                match &self.plan.steps[step].body {
                    Body::Wait(_) => self.succeed(step, None, None),
                    _ => self.attempt_again(step, false),
                }
            } else if undo.is_some_and(|at| at <= now) {
                self.attempt_again(step, true);
            }
            self.in_busy_items(step, Fold::attempt_what_is_due);
        }
    }

    /// Runs every step that is ready, and ends the run when nothing is left.
    fn settle(&mut self) {
        self.go_on();
        if !self.run.ready.is_empty() || self.run.active > 0 || self.run.status.is_final() {
            return;
        }
        let status = match (&self.run.cancelled, &self.run.failure) {
            (Some(cancelled), _) if cancelled.undo => Status::Cancelled,
            (Some(_), _) => return self.end(Status::Cancelled),
            (None, Some(_)) => Status::Failed,
            (None, None) => return self.end(Status::Succeeded),
        };
        if !self.undo_next() {
            self.end(status);
        }
    }

    /// Runs every step that is ready, here and in the items below, as far as one turn goes.
    fn go_on(&mut self) {
        while !self.is_full() {
            let (run, pending) = (self.here(), StepStatus::Pending);
            let mut ready = run.ready.iter().copied();
            // What has not started comes before the next items of what has.
            let new = ready
                .clone()
                .find(|step| run.steps[*step].status == pending);
            match (new, ready.next()) {
                (Some(step), _) => self.start(step),
                (None, Some(step)) => self.go_on_with_items(step),
                (None, None) => return,
            }
        }
    }

    /// Whether this turn has done enough: it goes on in the next one. Scripts share the time of a turn, so their work counts, too.
    fn is_full(&self) -> bool {
        self.turn.records.len() >= MOST_RECORDS
            || self.work.load(Ordering::Relaxed) > self.bounds.operations / 4
    }

    fn end(&mut self, status: Status) {
        self.record(Record::Ended {
            at: self.now(),
            status,
        });
    }

    fn start(&mut self, step: usize) {
        let plan = self.plan;
        if plan.steps[step].disabled {
            return self.succeed(step, None, None);
        }
        let moment = self.moment(step, 0);
        let evaluate = |template: &Template, scope: &Scope| {
            let value = template.eval(scope, moment, self.bounds);
            value.map_err(|error| compute::script_failure(&error.error, &error.at))
        };
        let scope = self.scope(step);
        let computed = match &plan.steps[step].body {
            Body::Action(action) => match evaluate(&action.config, &scope) {
                Ok(config) => return self.attempt(step, action, 1, config, false),
                Err(failure) => Err(failure),
            },
            Body::Wait(wait) => {
                let (Wait::For(setting) | Wait::Until(setting)) = wait;
                match evaluate(setting, &scope) {
                    Ok(value) => return self.begin_wait(step, wait, &value),
                    Err(failure) => Err(failure),
                }
            }
            Body::Each(each) => match evaluate(&each.items, &scope) {
                Ok(items) => return self.begin_items(step, each, items),
                Err(failure) => Err(failure),
            },
            body => {
                let input = self.here().input_of(plan, step);
                compute::compute(body, &input, &scope, moment, self.bounds)
            }
        };
        // What holds on to the outputs would make the next one copy them.
        drop(scope);
        match computed {
            Ok(Computed {
                output,
                ports,
                reply: None,
            }) => self.succeed(step, output, ports),
            Ok(Computed { reply: Some(_), .. }) if self.run.reply.is_some() => {
                let failure = Failure::broken(
                    "the caller has been answered already; let only one `respond` step run",
                );
                self.fail(step, Arc::new(failure));
            }
            Ok(Computed {
                output,
                ports,
                reply: Some(reply),
            }) => {
                self.record(Record::Replied {
                    step: plan.steps[step].id.clone(),
                    at: self.now(),
                    reply,
                });
                self.succeed(step, output, ports);
            }
            Err(failure) => self.fail(step, Arc::new(failure)),
        }
    }

    fn succeed(&mut self, step: usize, output: Option<Arc<Value>>, ports: Option<Vec<String>>) {
        let step = self.plan.steps[step].id.clone();
        self.record(Record::Succeeded {
            step,
            at: self.now(),
            output,
            ports,
        });
    }

    /// A step has failed for good: its error links take the run on, or `on_error` does, or the run starts failing.
    fn fail(&mut self, step: usize, failure: Arc<Failure>) {
        let compiled = &self.plan.steps[step];
        let handled = compiled
            .outgoing
            .iter()
            .any(|link| self.plan.links[*link].port == "error");
        let port = if handled {
            Some("error".to_owned())
        } else if compiled.on_error == OnError::Continue {
            Some("ok".to_owned())
        } else {
            None
        };
        let fatal = port.is_none();
        let id = compiled.id.clone();
        self.record(Record::Failed {
            step: id.clone(),
            at: self.now(),
            failure: Arc::clone(&failure),
            port,
        });
        if fatal {
            self.fail_run(Some(id), failure);
        }
    }

    /// Nothing new starts in this run or item from here on; what is in flight may end, what waits for another attempt will not get it.
    fn fail_run(&mut self, step: Option<String>, failure: Arc<Failure>) {
        if self.here().is_stopping() {
            return;
        }
        self.record(Record::Failing {
            at: self.now(),
            step,
            failure,
        });
        self.give_up_waiting();
    }

    /// What waits for another attempt fails with the failure of its last one, and so does a step that waits for a time.
    fn give_up_waiting(&mut self) {
        for step in 0..self.plan.steps.len() {
            let state = &self.here().steps[step];
            if state.retry_at.is_some() {
                let last = state.calls.attempts.last();
                let failure = last.and_then(|attempt| attempt.failure.clone());
                let failure = failure.unwrap_or_else(|| {
                    Arc::new(Failure::broken("the run was stopped while this waited"))
                });
                self.record(Record::Failed {
                    step: self.plan.steps[step].id.clone(),
                    at: self.now(),
                    failure,
                    port: None,
                });
            }
            self.in_busy_items(step, Fold::give_up_waiting);
        }
    }

    fn scope(&self, step: usize) -> Scope {
        let run = self.here();
        let mut scope = Scope::new()
            .with(Name::Trigger, Arc::clone(&run.message))
            .with(Name::Input, run.input_of(self.plan, step))
            .with(Name::Run, Arc::clone(&run.info))
            .with_steps(self.outputs());
        if let Some(item) = &run.item {
            scope.set(Name::Item, Arc::clone(&item.value));
            scope.set(Name::Index, Arc::new(item.index.into()));
        }
        if let Some(error) = run.inherited_error(self.plan, step) {
            scope.set(Name::Error, error);
        }
        scope
    }

    /// The outputs so far: those of the flow, and within items those of their bodies.
    fn outputs(&self) -> Arc<Outputs> {
        let items = (1..=self.path.len()).filter_map(|depth| self.run.frame(&self.path[..depth]));
        items.fold(Arc::clone(&self.run.outputs), |around, item| {
            Arc::new(item.outputs.within(around))
        })
    }

    fn moment(&self, step: usize, salt: u64) -> Moment {
        Moment {
            now_ms: self.stamp.now_ms,
            dice: mix(self.dice(), (step as u64) << 1 | salt),
        }
    }

    /// The dice of the turn, others for each item.
    fn dice(&self) -> u64 {
        let path = self.path.iter();
        path.fold(self.stamp.dice, |dice, (step, index)| {
            mix(mix(dice, *step as u64), *index as u64)
        })
    }

    fn now(&self) -> i64 {
        self.stamp.now_ms
    }

    /// The state of the run, or of the item that is being worked on.
    fn here(&self) -> &Run {
        self.run
            .frame(&self.path)
            .expect("an item is worked on only while it is there")
    }

    /// Works within these items, where they are there.
    fn within(&mut self, path: Path, work: impl FnOnce(&mut Self)) {
        let Some(plan) = body(self.root, &path).filter(|_| self.run.frame(&path).is_some()) else {
            return;
        };
        let plan = std::mem::replace(&mut self.plan, plan);
        let path = std::mem::replace(&mut self.path, path);
        work(self);
        (self.plan, self.path) = (plan, path);
    }

    /// Works within one item of an `each` step.
    fn in_item(&mut self, step: usize, index: usize, work: impl FnOnce(&mut Self)) {
        let mut path = self.path.clone();
        path.push((step, index));
        self.within(path, work);
    }

    /// Works within each item of a step in which something may be underway.
    fn in_busy_items(&mut self, step: usize, work: fn(&mut Self)) {
        let Some(items) = &self.here().steps[step].items else {
            return;
        };
        let busy: Vec<usize> = items.busy().map(|(index, _)| index).collect();
        for index in busy {
            self.in_item(step, index, work);
        }
    }

    /// Takes a decision over into the run, and notes it for the journal.
    fn record(&mut self, record: Record) {
        let mut around = Vec::new();
        let mut plan = self.root;
        for (step, index) in &self.path {
            around.push((plan.steps[*step].id.clone(), *index));
            plan = plan.each(*step).map_or(plan, |each| &each.body);
        }
        let record = around.into_iter().rfold(record, |of, (step, index)| {
            let of = Box::new(of);
            Record::Item { step, index, of }
        });
        self.run.apply(self.root, &record);
        self.turn.records.push(record);
    }
}

/// The failure of a run in one line, as lists show it.
pub fn summary(failure: &RunFailure) -> Value {
    serde_json::json!({ "step": failure.step, "class": failure.failure.class, "message": failure.failure.message })
}

/// Spreads one die over many uses (the finaliser of SplitMix64).
fn mix(dice: u64, salt: u64) -> u64 {
    let mut z = dice.wrapping_add(salt.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
