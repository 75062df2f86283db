//! The machine: `advance` folds an event into a run and says what to record and what to do.
//!
//! No clock, no randomness, no I/O, and total: every event has an answer, and a late one changes nothing.

mod cancel;

use std::sync::Arc;

use serde_json::Value;

use crate::{
    compute::{self, Computed},
    document::{Backoff, OnError},
    failure::{Class, Failure},
    plan::{Body, Plan, PlanAction},
    record::Record,
    run::{Run, RunFailure, Status, StepStatus},
    script::{Bounds, Moment, Name, Scope},
};

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
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
    /// The same for all attempts of this step of this run, so that the other side can tell a repetition.
    pub idempotency_key: String,
}

/// What a turn decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// What to append to the journal.
    pub records: Vec<Record>,
    /// What to do once that is on disk.
    pub commands: Vec<Command>,
}

/// Folds one event into a run, up to the next effect.
pub fn advance(plan: &Plan, run: &mut Run, stamp: Stamp, bounds: &Bounds, event: Event) -> Turn {
    let mut fold = Fold {
        plan,
        run,
        stamp,
        bounds,
        turn: Turn::default(),
    };
    if !fold.run.status.is_final() {
        fold.event(event);
    }
    fold.turn
}

/// The attempts of a run that were underway when its process stopped: each is to be answered with a `lost` failure.
pub fn lost(plan: &Plan, run: &Run) -> Vec<Event> {
    let message = "the server stopped during this attempt, so nobody knows whether it happened; \
                   look at the other side before you run it again";
    let events = underway(run).map(|(step, number, undo)| Event::Attempted {
        step: plan.steps[step].id.clone(),
        number,
        undo,
        result: Err(Failure::new(Class::Lost, message)),
        exchange: None,
    });
    events.collect()
}

/// The attempts that are underway: step, number, whether it reverses the step.
fn underway(run: &Run) -> impl Iterator<Item = (usize, u32, bool)> {
    run.steps.iter().enumerate().flat_map(|(step, state)| {
        let forward = state
            .calls
            .underway()
            .filter(|_| state.status == StepStatus::Running);
        let undo = state
            .undo
            .as_ref()
            .filter(|undo| !undo.ended)
            .and_then(|undo| undo.calls.underway());
        let forward = forward.map(|number| (step, number, false));
        forward
            .into_iter()
            .chain(undo.map(|number| (step, number, true)))
    })
}

struct Fold<'a> {
    plan: &'a Plan,
    run: &'a mut Run,
    stamp: Stamp,
    bounds: &'a Bounds,
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
                number,
                undo,
                result,
                exchange,
            } => {
                let Some(position) = self.plan.position(&step) else {
                    return;
                };
                if undo {
                    self.undo_attempted(position, number, result, exchange);
                } else {
                    self.attempted(position, number, result, exchange);
                }
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
        for step in 0..self.plan.steps.len() {
            let state = &self.run.steps[step];
            if state.retry_at.is_some_and(|at| at <= now) {
                self.attempt_again(step, false);
            } else if state
                .undo
                .as_ref()
                .and_then(|undo| undo.retry_at)
                .is_some_and(|at| at <= now)
            {
                self.attempt_again(step, true);
            }
        }
    }

    /// Runs every step that is ready, and ends the run when nothing is left.
    fn settle(&mut self) {
        while let Some(step) = self.run.ready.pop_first() {
            self.start(step);
        }
        if self.run.in_flight > 0 || self.run.status.is_final() {
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

    fn end(&mut self, status: Status) {
        self.record(Record::Ended {
            at: self.now(),
            status,
        });
    }

    fn start(&mut self, step: usize) {
        let plan = self.plan;
        let scope = self.scope(step);
        let moment = self.moment(step, 0);
        if plan.steps[step].disabled {
            return self.succeed(step, None, None);
        }
        let computed = match &plan.steps[step].body {
            Body::Action(action) => match action.config.eval(&scope, moment, self.bounds) {
                Ok(config) => return self.attempt(step, action, 1, config, false),
                Err(error) => Err(compute::script_failure(&error.error, &error.at)),
            },
            body => {
                let input = self.run.input_of(plan, step);
                compute::compute(body, &input, &scope, moment, self.bounds)
            }
        };
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

    /// Nothing new starts from here on; what is in flight may end, what waits for another attempt will not get it.
    fn fail_run(&mut self, step: Option<String>, failure: Arc<Failure>) {
        if self.run.is_stopping() {
            return;
        }
        self.record(Record::Failing {
            at: self.now(),
            step,
            failure,
        });
        self.give_up_waiting();
    }

    /// What waits for another attempt fails with the failure of its last one.
    fn give_up_waiting(&mut self) {
        for step in 0..self.plan.steps.len() {
            if self.run.steps[step].retry_at.is_some() {
                let last = self.run.steps[step]
                    .calls
                    .attempts
                    .last()
                    .and_then(|attempt| attempt.failure.clone());
                let failure = last.unwrap_or_else(|| {
                    Arc::new(Failure::broken(
                        "the run was stopped before the next attempt",
                    ))
                });
                let id = self.plan.steps[step].id.clone();
                self.record(Record::Failed {
                    step: id,
                    at: self.now(),
                    failure,
                    port: None,
                });
            }
        }
    }

    fn attempt(
        &mut self,
        step: usize,
        action: &PlanAction,
        number: u32,
        config: Arc<Value>,
        undo: bool,
    ) {
        let id = &self.plan.steps[step].id;
        let spent = self.spent(step, undo);
        let left = action
            .deadline_ms
            .map(|deadline| deadline.saturating_sub(spent).max(1));
        self.turn.commands.push(Command {
            step: id.clone(),
            number,
            undo,
            kind: action.kind.clone(),
            connection: action.connection.clone(),
            config: Arc::clone(&config),
            timeout_ms: left.map_or(action.timeout_ms, |left| left.min(action.timeout_ms)),
            idempotency_key: format!(
                "weir-{}-{id}{}",
                self.run.id,
                if undo { "-undo" } else { "" }
            ),
        });
        let config = (number == 1).then_some(config);
        self.record(Record::Attempt {
            step: id.clone(),
            number,
            at: self.now(),
            config,
            undo,
        });
    }

    fn attempt_again(&mut self, step: usize, undo: bool) {
        let plan = self.plan;
        let state = &self.run.steps[step];
        let calls = if undo {
            state.undo.as_ref().map(|undo| &undo.calls)
        } else {
            Some(&state.calls)
        };
        let (Some(action), Some(calls)) = (plan.action(step, undo), calls) else {
            return;
        };
        let (Some(config), number) = (calls.config.clone(), calls.attempts.len() as u32 + 1) else {
            return;
        };
        self.attempt(step, action, number, config, undo);
    }

    fn attempted(
        &mut self,
        step: usize,
        number: u32,
        result: Result<Arc<Value>, Failure>,
        exchange: Option<Arc<Value>>,
    ) {
        let state = &self.run.steps[step];
        if state.status != StepStatus::Running || state.calls.underway() != Some(number) {
            return;
        }
        let id = self.plan.steps[step].id.clone();
        let at = self.now();
        match result {
            Ok(output) => {
                self.record(Record::Attempted {
                    step: id,
                    number,
                    at,
                    failure: None,
                    exchange,
                    retry_at: None,
                    undo: false,
                });
                self.succeed(step, Some(output), None);
            }
            Err(failure) => {
                let retry_at = if self.run.is_stopping() {
                    None
                } else {
                    self.retry_at(step, number, &failure, false)
                };
                let failure = Arc::new(failure);
                let kept = Some(Arc::clone(&failure));
                self.record(Record::Attempted {
                    step: id,
                    number,
                    at,
                    failure: kept,
                    exchange,
                    retry_at,
                    undo: false,
                });
                if retry_at.is_none() {
                    self.fail(step, failure);
                }
            }
        }
    }

    /// Begins the reversal of the next step, in the reverse order of completion. False when none is left.
    fn undo_next(&mut self) -> bool {
        let plan = self.plan;
        for step in self.run.completed.clone().into_iter().rev() {
            let Some(action) = &plan.steps[step].undo else {
                continue;
            };
            if self.run.steps[step].undo.is_some() {
                continue;
            }
            let mut scope = self.scope(step);
            if let Some(output) = self.run.outputs.at(step) {
                scope.set(Name::Output, Arc::clone(output));
            }
            match action
                .config
                .eval(&scope, self.moment(step, 1), self.bounds)
            {
                Ok(config) => {
                    self.attempt(step, action, 1, config, true);
                    return true;
                }
                Err(error) => {
                    let failure = Arc::new(compute::script_failure(&error.error, &error.at));
                    self.record(Record::Undone {
                        step: plan.steps[step].id.clone(),
                        at: self.now(),
                        failure: Some(failure),
                    });
                }
            }
        }
        false
    }

    fn undo_attempted(
        &mut self,
        step: usize,
        number: u32,
        result: Result<Arc<Value>, Failure>,
        exchange: Option<Arc<Value>>,
    ) {
        let Some(undo) = &self.run.steps[step].undo else {
            return;
        };
        if undo.ended || undo.calls.underway() != Some(number) {
            return;
        }
        let (id, at) = (self.plan.steps[step].id.clone(), self.now());
        let (failure, retry_at) = match result {
            Ok(_) => (None, None),
            Err(failure) => {
                let retry_at = self.retry_at(step, number, &failure, true);
                (Some(Arc::new(failure)), retry_at)
            }
        };
        self.record(Record::Attempted {
            step: id.clone(),
            number,
            at,
            failure: failure.clone(),
            exchange,
            retry_at,
            undo: true,
        });
        if retry_at.is_none() {
            self.record(Record::Undone {
                step: id,
                at,
                failure,
            });
        }
    }

    /// When the next attempt is due, if the failure, the policy and the idempotency allow one.
    fn retry_at(&self, step: usize, number: u32, failure: &Failure, undo: bool) -> Option<i64> {
        let action = self.plan.action(step, undo)?;
        let policy = &action.retry;
        let state = &self.run.steps[step];
        let config = if undo {
            state.undo.as_ref()?.calls.config.as_deref()
        } else {
            state.calls.config.as_deref()
        };
        let idempotent = config
            .and_then(Value::as_object)
            .is_some_and(|config| action.idempotent.holds(config, action.declared));
        // What may have happened is not done again unless doing it twice does no harm.
        let safe = idempotent || policy.named && failure.class != Class::Lost;
        if !safe || number >= policy.attempts || !policy.on.contains(&failure.class) {
            return None;
        }
        let grown = match policy.backoff {
            Backoff::Constant => policy.delay_ms,
            Backoff::Exponential => policy
                .delay_ms
                .saturating_mul(1_u64.checked_shl(number - 1).unwrap_or(u64::MAX)),
        };
        let longest = grown.min(policy.max_delay_ms);
        let dice = mix(self.stamp.dice, step as u64 ^ u64::from(number) << 32) >> 11;
        let share = dice as f64 / (1_u64 << 53) as f64;
        let delay = (longest as f64 * (1.0 - policy.jitter * share)).round() as u64;
        let delay = delay.max(failure.retry_after_ms.unwrap_or(0));
        let fits = action
            .deadline_ms
            .is_none_or(|deadline| self.spent(step, undo).saturating_add(delay) < deadline);
        fits.then(|| self.now().saturating_add_unsigned(delay))
    }

    /// How long the attempts of an action have taken so far, in milliseconds.
    fn spent(&self, step: usize, undo: bool) -> u64 {
        let state = &self.run.steps[step];
        let calls = if undo {
            state.undo.as_ref().map(|undo| &undo.calls)
        } else {
            Some(&state.calls)
        };
        let first = calls
            .and_then(|calls| calls.attempts.first())
            .map_or(self.now(), |attempt| attempt.started_at);
        u64::try_from(self.now().saturating_sub(first)).unwrap_or(0)
    }

    fn scope(&self, step: usize) -> Scope {
        let run = &*self.run;
        let mut scope = Scope::new()
            .with(Name::Trigger, Arc::clone(&run.message))
            .with(Name::Input, run.input_of(self.plan, step))
            .with(Name::Run, Arc::clone(&run.info))
            .with_steps(Arc::clone(&run.outputs));
        if let Some(error) = run.inherited_error(self.plan, step) {
            scope.set(Name::Error, error);
        }
        scope
    }

    fn moment(&self, step: usize, salt: u64) -> Moment {
        Moment {
            now_ms: self.stamp.now_ms,
            dice: mix(self.stamp.dice, (step as u64) << 1 | salt),
        }
    }

    fn now(&self) -> i64 {
        self.stamp.now_ms
    }

    fn record(&mut self, record: Record) {
        self.run.apply(self.plan, &record);
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
