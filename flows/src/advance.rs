//! The machine: `advance` folds an event into a run and says what to record and what to do.
//!
//! No clock, no randomness, no I/O, and total: every event has an answer, and a late one changes nothing.

mod answers;
mod attempts;
mod cancel;
mod each;
mod left;
mod undo;
mod wait;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::Value;
pub(crate) use wait::LONGEST_WAIT_MS;

use left::underway;
pub use left::{asks, calls, lost};

use crate::{
    compute::{self, Computed},
    document::OnError,
    failure::{Class, Failure},
    plan::{Body, Plan},
    record::{Keys, Record},
    run::{Run, RunFailure, Status, StepStatus},
    script::{Bounds, Evaluation, Moment, Name, Outputs, Scope},
    template::Template,
};

/// A turn that has decided so much is ended, and the next one goes on: turns stay short, however many items there are.
pub const MOST_RECORDS: usize = 500;

/// The time and the dice of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Now, in milliseconds of the Unix epoch.
    pub now_ms: i64,
    /// 64 random bits.
    pub dice: u64,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
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
    /// It is the turn of an attempt that was asked for.
    Placed {
        /// The step.
        step: String,
        /// The items that it belongs to, as [`Ask::items`] has them.
        items: Vec<usize>,
        /// The attempt's number.
        number: u32,
        /// Whether it reverses the step.
        undo: bool,
    },
    /// An attempt that was asked for is not needed: what an earlier one gave is used again.
    Cached {
        /// The step.
        step: String,
        /// The items that it belongs to, as [`Ask::items`] has them.
        items: Vec<usize>,
        /// The attempt's number.
        number: u32,
        /// What it gave.
        output: Arc<Value>,
    },
    /// Somebody has answered a step that waits for it, or is going to.
    Answered {
        /// The step.
        step: String,
        /// The items that it belongs to, as [`Command::items`] has them.
        items: Vec<usize>,
        /// What the step gives, as [`crate::callback`] makes it.
        answer: Arc<Value>,
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

/// An attempt that is wanted, and that the limits of its step must let begin; or what an earlier one gave is used again.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The step.
    pub step: String,
    /// The items of `each` steps that it belongs to, as [`Command::items`] has them.
    pub items: Vec<usize>,
    /// The attempt's number, from 1.
    pub number: u32,
    /// Whether it reverses the step.
    pub undo: bool,
    /// The settings with their expressions evaluated.
    pub config: Arc<Value>,
    /// What the limits count by.
    pub keys: Arc<Keys>,
}

impl Ask {
    /// What happened once it is its turn.
    pub fn placed(&self) -> Event {
        Event::Placed {
            step: self.step.clone(),
            items: self.items.clone(),
            number: self.number,
            undo: self.undo,
        }
    }

    /// What happened where this is used again.
    pub fn cached(&self, output: Arc<Value>) -> Event {
        Event::Cached {
            step: self.step.clone(),
            items: self.items.clone(),
            number: self.number,
            output,
        }
    }

    /// Whether this is the attempt that was asked for.
    pub fn is_for(&self, command: &Command) -> bool {
        (&self.step, &self.items, self.number, self.undo)
            == (&command.step, &command.items, command.number, command.undo)
    }
}

/// What a turn decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// What to append to the journal.
    pub records: Vec<Record>,
    /// What to do once that is on disk.
    pub commands: Vec<Command>,
    /// What waits for its turn.
    pub asks: Vec<Ask>,
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

/// The key that all attempts of a step of a run, for one item, tell the other side. No id of a step has a dot, so no two share one.
pub fn idempotency_key(run: &str, step: &str, items: &[usize], undo: bool) -> String {
    let items: String = items.iter().map(|index| format!(".{index}")).collect();
    let undo = if undo { "-undo" } else { "" };
    format!("weir-{run}-{step}{items}{undo}")
}

/// The items around a step, from the outermost inwards: the position of the `each` step, and the index.
type Path = Vec<(usize, usize)>;

/// The flow or body within these items.
fn body<'a>(plan: &'a Plan, path: &[(usize, usize)]) -> Option<&'a Plan> {
    path.iter()
        .try_fold(plan, |plan, (step, _)| Some(&plan.each(*step)?.body))
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
        let answers = matches!(event, Event::Answered { .. });
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
            } => self.at(&step, items, |fold, step| {
                if undo {
                    fold.undo_attempted(step, number, result, exchange);
                } else {
                    fold.attempted(step, number, result, exchange);
                }
            }),
            Event::Placed {
                step,
                items,
                number,
                undo,
            } => self.at(&step, items, |fold, step| fold.placed(step, number, undo)),
            Event::Cached {
                step,
                items,
                number,
                output,
            } => self.at(&step, items, |fold, step| {
                fold.cached(step, number, output);
            }),
            Event::Answered {
                step,
                items,
                answer,
            } => self.at(&step, items, |fold, step| fold.answered(step, answer)),
            Event::Woke => {}
        }
        // Of several answers that have come none may be too late because another one was folded first.
        if !answers {
            self.wake();
        }
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
            let given_up = state.calls.queued().and_then(|queued| queued.until);
            if given_up.is_some_and(|at| at <= now) {
                self.give_up_queued(step);
            } else if state.retry_at.is_some_and(|at| at <= now) {
                match &self.plan.steps[step].body {
                    Body::Wait(wait) if wait.is_answered() => self.give_up_answer(step),
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
                Ok(config) => match self.want(step, action, config, false, &scope, moment) {
                    Ok(()) => return,
                    Err(failure) => Err(failure),
                },
                Err(failure) => Err(failure),
            },
            Body::Wait(_) if self.here().steps[step].answer.is_some() => {
                return self.take_answer(step);
            }
            Body::Wait(wait) => match evaluate(wait.settings(), &scope) {
                Ok(value) => return self.begin_wait(step, wait, &value),
                Err(failure) => Err(failure),
            },
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
            cached: false,
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

    /// What waits for another attempt fails with the failure of its last one, and so does a step that waits for a time or its turn.
    fn give_up_waiting(&mut self) {
        for step in 0..self.plan.steps.len() {
            let state = &self.here().steps[step];
            if state.retry_at.is_some() || state.calls.queued().is_some() {
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

    /// Works on a step of the flow, or of the body of these items, where they are there.
    fn at(&mut self, step: &str, items: Vec<usize>, work: impl FnOnce(&mut Self, usize)) {
        let way = self.root.way(step);
        if let Some((way, step)) = way.filter(|(way, _)| way.len() == items.len()) {
            let path = way.into_iter().zip(items).collect();
            self.within(path, |fold| work(fold, step));
        }
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
