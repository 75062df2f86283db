//! The attempts of actions: the first, the next ones, and what the end of one means.

use std::sync::Arc;

use serde_json::Value;

use super::{Command, Fold, idempotency_key, mix};
use crate::{
    document::Backoff,
    failure::{Class, Failure},
    plan::PlanAction,
    record::Record,
    run::StepStatus,
    script::Evaluation,
};

impl Fold<'_> {
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
        let config = (number == 1).then_some(config);
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
        let state = &self.here().steps[step];
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
        let state = &self.here().steps[step];
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
        let dice = mix(self.dice(), step as u64 ^ u64::from(number) << 32) >> 11;
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
        let state = &self.here().steps[step];
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
}
