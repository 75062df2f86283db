//! The attempts of actions: the first, the next ones, and what the end of one means.

use std::sync::Arc;

use serde_json::Value;

use super::{Ask, Command, Fold, idempotency_key, mix};
use crate::{
    builtin::CALL,
    document::Backoff,
    failure::{Class, Failure},
    plan::PlanAction,
    record::{Keys, Record},
    run::{Calls, Limited, StepStatus},
    script::{Evaluation, Moment, Scope},
};

impl Fold<'_> {
    /// Makes the first attempt of an action, or asks for it where the policy of the step limits its attempts.
    pub(super) fn want(
        &mut self,
        step: usize,
        action: &PlanAction,
        config: Arc<Value>,
        undo: bool,
        scope: &Scope,
        moment: Moment,
    ) -> Result<(), Failure> {
        let limits = self.plan.steps[step].limits.as_deref();
        // The run that a call waits for may come to the same step.
        let limits = limits.filter(|limits| limits.hold_for(undo) && action.kind != CALL);
        let Some(limits) = limits else {
            self.attempt(step, action, 1, config, undo);
            return Ok(());
        };
        let keys = Arc::new(limits.keys(undo, scope, moment, self.bounds)?);
        self.queue(step, 1, config, keys, undo);
        Ok(())
    }

    fn queue(&mut self, step: usize, number: u32, config: Arc<Value>, keys: Arc<Keys>, undo: bool) {
        let id = &self.plan.steps[step].id;
        let spent = self.spent(step, undo);
        let deadline = self.plan.action(step, undo).and_then(|it| it.deadline_ms);
        let left = deadline.map(|deadline| deadline.saturating_sub(spent));
        self.turn.asks.push(Ask {
            step: id.clone(),
            items: self.path.iter().map(|(_, index)| *index).collect(),
            number,
            undo,
            config: Arc::clone(&config),
            keys: Arc::clone(&keys),
        });
        let first = number == 1;
        self.record(Record::Queued {
            step: id.clone(),
            number,
            at: self.now(),
            config: first.then_some(config),
            keys: first.then_some(keys),
            until: left.map(|left| self.now().saturating_add_unsigned(left)),
            undo,
        });
    }

    /// How the attempts of an action stand with the limits of its step.
    fn limited(&self, step: usize, undo: bool) -> Option<&Limited> {
        self.calls(step, undo)?.limited.as_deref()
    }

    fn calls(&self, step: usize, undo: bool) -> Option<&Calls> {
        let state = &self.here().steps[step];
        match undo {
            true => state.undo.as_ref().map(|undo| &undo.calls),
            false => Some(&state.calls),
        }
    }

    /// The number of the attempt that waits for its turn.
    fn queued(&self, step: usize, undo: bool) -> Option<u32> {
        let queued = self.limited(step, undo)?.queued?;
        // What is not waited for any longer fails in this turn.
        let over = queued.until.is_some_and(|until| until <= self.now());
        (!over).then_some(queued.number)
    }

    /// It is the turn of an attempt.
    pub(super) fn placed(&mut self, step: usize, number: u32, undo: bool) {
        if self.queued(step, undo) != Some(number) {
            return;
        }
        let plan = self.plan;
        let config = self.calls(step, undo).and_then(|it| it.config.clone());
        if let (Some(action), Some(config)) = (plan.action(step, undo), config) {
            self.attempt(step, action, number, config, undo);
        }
    }

    /// What an earlier attempt gave is used again.
    pub(super) fn cached(&mut self, step: usize, number: u32, output: Arc<Value>) {
        if self.queued(step, false) == Some(number) {
            self.record(Record::Succeeded {
                step: self.plan.steps[step].id.clone(),
                at: self.now(),
                output: Some(output),
                ports: None,
                cached: true,
            });
        }
    }

    /// A step has waited for its turn for as long as its deadline allows.
    pub(super) fn give_up_queued(&mut self, step: usize) {
        let last = self.here().steps[step].calls.attempts.last();
        let failed = last.and_then(|attempt| attempt.failure.as_ref());
        let failed = failed.map_or_else(String::new, |failure| {
            format!("; the last attempt failed: {}", failure.message)
        });
        let message = format!(
            "it was not the turn of this step before its deadline, since `concurrency` or `rate` let others go first{failed}; \
             allow more of them, or a longer deadline"
        );
        self.fail(step, Arc::new(Failure::new(Class::TimedOut, message)));
    }

    pub(super) fn attempt(
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
        let items: Vec<usize> = self.path.iter().map(|(_, index)| *index).collect();
        let script = action.script.as_ref().map(|script| Evaluation {
            script: script.clone(),
            scope: self.scope_of(step, undo),
            moment: self.moment(step, u64::from(undo)),
        });
        self.turn.commands.push(Command {
            step: id.clone(),
            number,
            undo,
            kind: action.kind.clone(),
            connection: action.connection.clone(),
            config: Arc::clone(&config),
            script,
            timeout_ms: left.map_or(action.timeout_ms, |left| left.min(action.timeout_ms)),
            idempotency_key: idempotency_key(&self.run.id, id, &items, undo),
            items,
        });
        // Of an attempt that was asked for the settings are known.
        let config = (number == 1 && self.limited(step, undo).is_none()).then_some(config);
        self.record(Record::Attempt {
            step: id.clone(),
            number,
            at: self.now(),
            config,
            undo,
        });
    }

    pub(super) fn attempt_again(&mut self, step: usize, undo: bool) {
        let plan = self.plan;
        let calls = self.calls(step, undo);
        let (Some(action), Some(calls)) = (plan.action(step, undo), calls) else {
            return;
        };
        let (Some(config), number) = (calls.config.clone(), calls.attempts.len() as u32 + 1) else {
            return;
        };
        match self.limited(step, undo) {
            Some(limited) => {
                let keys = Arc::clone(&limited.keys);
                self.queue(step, number, config, keys, undo);
            }
            None => self.attempt(step, action, number, config, undo),
        }
    }

    pub(super) fn attempted(
        &mut self,
        step: usize,
        number: u32,
        result: Result<Arc<Value>, Failure>,
        exchange: Option<Arc<Value>>,
    ) {
        let state = &self.here().steps[step];
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
                let retry_at = if self.here().is_stopping() {
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

    /// When the next attempt is due, if the failure, the policy and the idempotency allow one.
    pub(super) fn retry_at(
        &self,
        step: usize,
        number: u32,
        failure: &Failure,
        undo: bool,
    ) -> Option<i64> {
        let action = self.plan.action(step, undo)?;
        let policy = &action.retry;
        let config = self.calls(step, undo)?.config.as_deref();
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
        let dice = mix(self.dice(), step as u64 ^ u64::from(number) << 32) >> 11;
        let share = dice as f64 / (1_u64 << 53) as f64;
        let delay = (longest as f64 * (1.0 - policy.jitter * share)).round() as u64;
        let delay = delay.max(failure.retry_after_ms.unwrap_or(0));
        let fits = action
            .deadline_ms
            .is_none_or(|deadline| self.spent(step, undo).saturating_add(delay) < deadline);
        fits.then(|| self.now().saturating_add_unsigned(delay))
    }

    /// How long the attempts of an action have taken so far, in milliseconds; the time counts during which the first waited for its turn.
    fn spent(&self, step: usize, undo: bool) -> u64 {
        let first = self.calls(step, undo).and_then(|calls| {
            let wanted = calls.limited.as_ref().map(|limited| limited.wanted_at);
            wanted.or_else(|| Some(calls.attempts.first()?.started_at))
        });
        let first = first.unwrap_or(self.now());
        u64::try_from(self.now().saturating_sub(first)).unwrap_or(0)
    }
}
